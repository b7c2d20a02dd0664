/* SPDX-License-Identifier: MIT */
/* Free lists of a zone; theory in free_area.c. Functions ending in _locked want zone->lock. */
#ifndef KMEM_BUDDY_FREE_AREA_H
#define KMEM_BUDDY_FREE_AREA_H

#include "buddy/internal.h"

/* Empty lists. */
void zone_init_free_area(struct zone *zone);

/* Boot: give the untouched frames [pfn, end) to the lists, in Linux's order. */
void zone_free_range_locked(struct zone *zone, uint64_t pfn, uint64_t end);

/* Write the struct pages of @nr untouched frames. */
void pages_materialise(struct zone *zone, struct page *page, unsigned long nr);

/* Take the first block of the smallest order that serves @order from the lists of @migratetype;
 * the rest goes back. Its tag is NONE afterwards, with @order. nr_free is the caller's to
 * correct. NULL: none. */
struct page *zone_rmqueue_smallest_locked(struct zone *zone, unsigned int order,
					  unsigned int migratetype);

/* Put a block on the list of @migratetype, merged as far as it goes. nr_free is corrected. */
void zone_free_block_locked(struct zone *zone, struct page *page, unsigned int order,
			    unsigned int migratetype);

/* Move one free block to the end of the list of @migratetype. */
void area_move_tail_locked(struct zone *zone, struct page *page, unsigned int migratetype);

/* First block of a list, NULL if it is empty. An untouched range there gives its first block up, so
 * what is returned is always an ordinary block of exactly @order. */
struct page *area_first_locked(struct zone *zone, unsigned int order, unsigned int migratetype);

/* How many frames from @pfn on are free because one block or range is; 0: @pfn is not on the zone's
 * free lists. */
uint64_t area_free_from_locked(struct zone *zone, uint64_t pfn);

/* The free block in which @pfn lies, an ordinary one: a range gives that block up. NULL: the frame
 * is not on the zone's free lists. */
struct page *area_find_block_locked(struct zone *zone, uint64_t pfn);

/* Take a free block off its list, whichever type's that is; its tag is NONE afterwards, with its
 * order. nr_free is the caller's to correct. */
void area_take_block_locked(struct zone *zone, struct page *page);

/* Put the frames [pfn, end), taken before, on the lists of @migratetype: each time the largest block
 * that alignment and end allow, unmerged. nr_free is the caller's to correct. */
void area_put_frames_locked(struct zone *zone, uint64_t pfn, uint64_t end, unsigned int migratetype);

/* Orders at which an ordinary request finds a block, as a bit set. Without the lock a guess. */
static __always_inline unsigned int zone_free_orders(const struct zone *zone)
{
	return __atomic_load_n(&zone->free_orders, __ATOMIC_RELAXED);
}

static inline void zone_add_nr_free(struct zone *zone, long n)
{
	__atomic_store_n(&zone->nr_free, zone->nr_free + n, __ATOMIC_RELAXED);
}

/* Blocks on one list, untouched ranges counted block by block; for texts. */
unsigned long area_count_locked(struct zone *zone, unsigned int order, unsigned int migratetype);

#endif
