/* SPDX-License-Identifier: MIT */
/*
 * A page allocator whose state is fully known, and that state as text: what golden scripts do
 * with the ops arena, pcp, wmark and print buddy.
 */
#ifndef KMEM_BUDDY_INSPECT_H
#define KMEM_BUDDY_INSPECT_H

#include "buddy/mmzone.h"
#include "lib/kfmt.h"
#include "lib/kernel.h"

/* The only free memory of a machine after buddy_make_arena(). */
struct buddy_arena {
	struct zone *zone;
	uint64_t base_pfn;
	uint64_t pages;
};

/*
 * Take every free page of the machine away for good, set all watermarks and reserves to 0, then
 * free @blocks contiguous blocks of the largest order in a zone of @type, ascending, their
 * pageblocks typed @migratetype. 0; -EINVAL: no zone of that type, or a type that is none;
 * -ENOMEM: not that many free in a row; then nothing has changed. No other thread may be inside a
 * call.
 */
int buddy_make_arena(struct kernel *k, unsigned int blocks, enum kmem_zone_type type,
		     unsigned int migratetype, struct buddy_arena *out);

/* Limits of the calling CPU's lists of @zone. */
void zone_set_pcp_limits(struct zone *zone, int high, int batch);

/* Watermarks of @zone, no boost, and its reserve against requests that may use higher zones. */
void zone_set_limits(struct zone *zone, unsigned long min, unsigned long low, unsigned long high,
		     long reserve);

/* The free lists of @zone and the calling CPU's lists, head first, frame numbers from @base_pfn on:
 *
 *	buddy zone=DMA32 free=1963
 *	  order0 n=1 M=[1085]
 *	  …
 *	  pcp count=61 high=186 batch=31 free_factor=0 list1=[1058 1059 …]
 */
void buddy_show_lists(struct kernel *k, struct zone *zone, uint64_t base_pfn, struct seq_file *m);

#endif
