/* SPDX-License-Identifier: MIT */
/*
 * The page allocator's face towards the layers above it, besides the public functions of
 * <kmem/gfp.h> and <kmem/mm.h>.
 */
#ifndef KMEM_BUDDY_BUDDY_H
#define KMEM_BUDDY_BUDDY_H

#include "buddy/mmzone.h"
#include "lib/kfmt.h"
#include "lib/kernel.h"

#include <kmem/gfp.h>
#include <kmem/inspect.h>
#include <kmem/mm.h>

/* Build nodes, zones, zonelists and watermarks from memblock and the description, and hand memory
 * minus reserved to the free lists as untouched ranges. 0 or a negative errno with @err filled. */
int buddy_init(struct kernel *k, struct machine_error *err);

/* Pages handed out and not given back, outside slabs: leaks at shutdown, reported one line a
 * zone. Returns their number of pages. */
unsigned long buddy_report_leaks(struct kernel *k);

/* What layers above do for reclaim: RECLAIM_PURGE unmaps what vfree() left, RECLAIM_REAP gives back what
 * caches only keep. Called in a thread that may sleep, holds no spin lock, and perhaps any mutex. */
enum reclaim_hook { RECLAIM_PURGE, RECLAIM_REAP, NR_RECLAIM_HOOKS };

typedef void reclaim_hook_fn(struct kernel *k);

/* Boot, after buddy_init(): no shrinkers, no hooks. 0 or -ENOMEM. */
int reclaim_init(struct kernel *k);
void reclaim_set_hook(struct kernel *k, enum reclaim_hook hook, reclaim_hook_fn *fn);

/* Shutdown: shrinkers that are still registered, reported one by one; how many. */
unsigned long shrinkers_report_leaks(struct kernel *k);

/* Texts. */
void buddy_show_buddyinfo(struct kernel *k, struct seq_file *m);
void buddy_show_zoneinfo(struct kernel *k, struct seq_file *m);
void buddy_show_zones_csv(struct kernel *k, struct seq_file *m);
void buddy_show_pagetypeinfo(struct kernel *k, struct seq_file *m);
void buddy_show_vmstat(struct kernel *k, struct seq_file *m);
void buddy_show_meminfo(struct kernel *k, struct seq_file *m);
void buddy_show_extfrag_index(struct kernel *k, struct seq_file *m);
void buddy_show_unusable_index(struct kernel *k, struct seq_file *m);
void buddy_show_page_owner(struct kernel *k, struct seq_file *m);

/* page_allocs, page_frees, page_failures of @st. */
void buddy_get_stats(struct kernel *k, struct kmem_stats *st);

/* Free blocks usable for an order, as extfrag_index in thousandths (Linux: -1000 where the request
 * would succeed). */
int buddy_extfrag_index(struct zone *zone, unsigned int order);

/* Flags in words, "GFP_KERNEL|__GFP_ZERO", as the kernel's reports have them. */
#define GFP_NAME_MAX 256
void buddy_gfp_name(gfp_t gfp, char *buf, size_t size);

/* Whether frame @pfn is RAM that the page allocator manages, so neither hidden nor reserved. */
bool buddy_is_managed(struct kernel *k, uint64_t pfn);

/* Where the direct map of RAM ends: bytes. On x86_32 that is at most the begin of HIGHMEM. */
phys_addr_t buddy_lowmem_end(struct kernel *k);

unsigned int buddy_nr_nodes(struct kernel *k);
struct pgdat *buddy_node(struct kernel *k, int nid);

/* A slab's pages: a compound block of 2^@order pages of @nid (NUMA_NO_NODE: the caller's node
 * first), typed PAGE_TYPE_SLAB, overlay zeroed. NULL when there is none; logs unless
 * __GFP_NOWARN. */
struct page *buddy_alloc_slab(struct kernel *k, gfp_t gfp, unsigned int order, int nid);

/* Give them back. */
void buddy_free_slab(struct kernel *k, struct page *page, unsigned int order);

/* lib/fork.h: mutex and semaphores; spin locks of zones; page owners' (which comes after other leaves). */
struct fork_walk;
bool buddy_fork_mutexes(struct kernel *k, struct fork_walk *w);
bool buddy_fork_zones(struct kernel *k, struct fork_walk *w);
bool page_owner_fork(struct kernel *k, struct fork_walk *w);

#endif
