/* SPDX-License-Identifier: MIT */
/* Migrate types: fallback, stealing, highatomic reserve; theory in mobility.c. */
#ifndef KMEM_BUDDY_MOBILITY_H
#define KMEM_BUDDY_MOBILITY_H

#include "buddy/free_area.h"

/* How hard a request may press, as in Linux: a watermark in the low bits, then permissions. */
#define ALLOC_WMARK_MIN WMARK_MIN
#define ALLOC_WMARK_LOW WMARK_LOW
#define ALLOC_WMARK_MASK 3u
#define ALLOC_NO_WATERMARKS 4u	/* no watermark at all */
#define ALLOC_NON_BLOCK 0x10u	/* cannot wait: may use what is reserved for atomic requests */
#define ALLOC_MIN_RESERVE 0x20u	/* half of min, same bit as __GFP_HIGH; a quarter less if NON_BLOCK */
#define ALLOC_NOFRAGMENT 0x100u	/* rather another zone than a mixed pageblock */
#define ALLOC_HIGHATOMIC 0x200u	/* of high order and atomic: reserves for its like */
#define ALLOC_KSWAPD 0x800u	/* same bit as __GFP_KSWAPD_RECLAIM */

/* Whoever has one of these may count and take the highatomic blocks. */
#define ALLOC_RESERVES (ALLOC_NON_BLOCK | ALLOC_MIN_RESERVE | ALLOC_HIGHATOMIC)

/* "Unmovable" …, as texts have them. */
const char *migratetype_name(unsigned int type);

/* A block for @migratetype, from its own lists or stolen from another type's. As
 * zone_rmqueue_smallest_locked(). */
struct page *zone_rmqueue_locked(struct zone *zone, unsigned int order, unsigned int migratetype,
				 unsigned int alloc_flags);

/* After a high-order atomic request got @page: maybe keep its pageblock for the next ones. */
void zone_reserve_highatomic(struct zone *zone, struct page *page);

/* Give one reserved pageblock with free pages back to @migratetype. The last one stays unless
 * @force. False: nothing to give. */
bool zone_unreserve_highatomic(struct zone *zone, unsigned int migratetype, bool force);

#endif
