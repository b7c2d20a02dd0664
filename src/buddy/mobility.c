/* SPDX-License-Identifier: MIT */
/*
 * Migrate types: grouping blocks by how long they will stay.
 *
 * One unmovable page in the middle of a large block spoils the block for good. So each pageblock
 * (2^pageblock_order frames) has a type, free blocks are listed by type, and a request takes from
 * the lists of its own type. Only when these are empty it falls back on another's, in a fixed
 * order:
 *
 *	UNMOVABLE    →  RECLAIMABLE, MOVABLE
 *	MOVABLE      →  RECLAIMABLE, UNMOVABLE
 *	RECLAIMABLE  →  UNMOVABLE, MOVABLE
 *
 * and there takes the largest free block it finds, for the largest block comes from the pageblock
 * that is most nearly free:
 *
 *   - a block of a whole pageblock or more changes hands with all its pageblocks;
 *   - else an unmovable or reclaimable request, or one that found half a pageblock's order or more,
 *     moves all free pages of the pageblock to its own lists, and takes the pageblock too when at
 *     least half of it is free or of a compatible kind;
 *   - a movable request that found only small blocks takes the smallest that serves: movable pages
 *     do no lasting harm.
 *
 * Every steal that is not of whole pageblocks boosts the zone's watermarks by a pageblock, so
 * that more is kept free and the next steal is less likely (watermark_boost_factor, 150 % of the
 * high mark at most). Only kswapd takes the boost away.
 *
 * A high-order atomic request that pressed below the low watermark keeps its pageblock for its
 * like (HIGHATOMIC), up to a hundredth of the zone and one pageblock. These pages do not count
 * for requests that may wait; others get them when there is nothing else. They are given back
 * when a request that may wait is about to fail.
 *
 * Pageblock types change under zone->lock only.
 */
#include "buddy/mobility.h"

#include "buddy/trace.h"
#include "buddy/watermark.h"

static const uint8_t fallbacks[MIGRATE_PCPTYPES][2] = {
	[MIGRATE_UNMOVABLE] = {MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE},
	[MIGRATE_MOVABLE] = {MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE},
	[MIGRATE_RECLAIMABLE] = {MIGRATE_UNMOVABLE, MIGRATE_MOVABLE},
};

const char *migratetype_name(unsigned int type)
{
	static const char *const names[MIGRATE_TYPES] = {
		[MIGRATE_UNMOVABLE] = "Unmovable",
		[MIGRATE_MOVABLE] = "Movable",
		[MIGRATE_RECLAIMABLE] = "Reclaimable",
		[MIGRATE_HIGHATOMIC] = "HighAtomic",
		[MIGRATE_CMA] = "CMA",
		[MIGRATE_ISOLATE] = "Isolate",
	};

	return type < MIGRATE_TYPES ? names[type] : "?";
}

/* Move the free blocks of @page's pageblock to the lists of @type. Returns how many pages moved; 0
 * too when the pageblock sticks out of the zone's end. */
static unsigned long move_block_locked(struct zone *zone, struct page *page, unsigned int type)
{
	const struct buddy *b = zone->kernel->buddy;
	uint64_t pfn = page_pfn(b, page);
	uint64_t start = pageblock_start(b, pfn);
	uint64_t end = start + PAGEBLOCK_NR(b);
	unsigned long moved = 0;

	if (!zone_spans(zone, start))
		start = pfn;
	if (!zone_spans(zone, end - 1))
		return 0;
	for (pfn = start; pfn < end;) {
		struct page *p = pfn_page(b, pfn);
		unsigned int order;

		if (page_type(p) != PAGE_TYPE_BUDDY) {
			pfn++;
			continue;
		}
		order = p->order;
		area_move_tail_locked(zone, p, type);
		pfn += 1ull << order;
		moved += 1ul << order;
	}
	return moved;
}

/* Not in a zone that is too small for it, or has no watermarks yet. */
static void boost_watermark_locked(struct zone *zone)
{
	unsigned long pageblock = PAGEBLOCK_NR(zone->kernel->buddy);
	unsigned int factor = __atomic_load_n(&zone->kernel->buddy->watermark_boost_factor,
					      __ATOMIC_RELAXED);
	unsigned long max = watermark_scale(zone->watermark[WMARK_HIGH], factor);
	unsigned long boost = zone->watermark_boost + pageblock;

	if (pageblock * 4 > zone->managed || !max)
		return;
	if (max < pageblock)
		max = pageblock;
	__atomic_store_n(&zone->watermark_boost, boost < max ? boost : max, __ATOMIC_RELAXED);
	zone_update_limits(zone);
}

/* Whether stealing a block of @order entitles to the free pages of its whole pageblock. */
static bool may_steal_block(const struct buddy *b, unsigned int order, unsigned int type)
{
	return order >= b->pageblock_order / 2 || type != MIGRATE_MOVABLE || b->mobility_disabled;
}

/* The type whose list of @order a request of @type falls back on; -1: none has a block. */
static int find_fallback(const struct zone *zone, unsigned int order, unsigned int type)
{
	for (unsigned int i = 0; i < 2; i++)
		if (zone->nonempty[fallbacks[type][i]] & 1u << order)
			return fallbacks[type][i];
	return -1;
}

/* Bring @page, a free block of another type, to the lists of @type, and perhaps its surroundings. */
static void steal_locked(struct zone *zone, struct page *page, unsigned int type, bool whole_block)
{
	const struct buddy *b = zone->kernel->buddy;
	uint64_t pfn = page_pfn(b, page);
	unsigned int order = page->order, old_type = pageblock_type(b, pfn);
	unsigned long nr_free, alike = 0;

	if (old_type >= MIGRATE_PCPTYPES)
		goto single;
	if (order >= b->pageblock_order) {
		for (uint64_t at = pfn; at < pfn + (1ull << order); at += PAGEBLOCK_NR(b))
			pageblock_set_type(b, at, type);
		goto single;
	}
	boost_watermark_locked(zone);
	if (!whole_block)
		goto single;
	nr_free = move_block_locked(zone, page, type);
	if (!nr_free)
		goto single;
	/* What is in use in a movable pageblock and known not to be movable is of our kind. Pages
	 * here are never known to be movable (none is on an LRU list). */
	if (type != MIGRATE_MOVABLE && old_type == MIGRATE_MOVABLE)
		alike = PAGEBLOCK_NR(b) - nr_free;
	if (nr_free + alike >= PAGEBLOCK_NR(b) / 2 || b->mobility_disabled)
		pageblock_set_type(b, pfn, type);
	return;
single:
	area_move_tail_locked(zone, page, type);
}

/* Make the lists of @type able to serve @order at the cost of another type. False: nothing there. */
static noinline bool zone_rmqueue_fallback_locked(struct zone *zone, unsigned int order,
						  unsigned int type, unsigned int alloc_flags)
{
	const struct buddy *b = zone->kernel->buddy;
	unsigned int min_order = order;
	int current, from = -1;
	struct page *page;
	bool whole_block;

	if (order < b->pageblock_order && alloc_flags & ALLOC_NOFRAGMENT)
		min_order = b->pageblock_order;
	for (current = MAX_ORDER - 1; current >= (int)min_order; current--) {
		from = find_fallback(zone, (unsigned int)current, type);
		if (from >= 0)
			break;
	}
	if (from < 0)
		return false;
	whole_block = may_steal_block(b, (unsigned int)current, type);
	if (!whole_block) {
		for (current = (int)order;; current++) {
			from = find_fallback(zone, (unsigned int)current, type);
			if (from >= 0)
				break;
		}
	}
	page = area_first_locked(zone, (unsigned int)current, (unsigned int)from);
	steal_locked(zone, page, type, whole_block);
	trace_mm_page_alloc_extfrag(zone->kernel, page, order, (unsigned int)current, type,
				    (unsigned int)from);
	return true;
}

struct page *zone_rmqueue_locked(struct zone *zone, unsigned int order, unsigned int migratetype,
				 unsigned int alloc_flags)
{
	struct page *page;

	for (;;) {
		page = zone_rmqueue_smallest_locked(zone, order, migratetype);
		if (likely(page))
			return page;
		if (!zone_rmqueue_fallback_locked(zone, order, migratetype, alloc_flags))
			return NULL;
	}
}

/* --- highatomic ----------------------------------------------------------------------------- */

static void add_highatomic_locked(struct zone *zone, long pages)
{
	unsigned long now = zone->nr_reserved_highatomic;

	if (pages < 0 && (unsigned long)-pages > now)
		pages = -(long)now;
	__atomic_store_n(&zone->nr_reserved_highatomic, now + (unsigned long)pages, __ATOMIC_RELAXED);
	zone_update_limits(zone);
}

/* A pageblock has one type, also where two zones meet in it: what one of them reserved there the other
 * would keep on lists that it never looks at. */
static bool spans_pageblock(const struct zone *zone, uint64_t pfn)
{
	const struct buddy *b = zone->kernel->buddy;
	uint64_t start = pageblock_start(b, pfn);

	return zone_spans(zone, start) && zone_spans(zone, start + PAGEBLOCK_NR(b) - 1);
}

void zone_reserve_highatomic(struct zone *zone, struct page *page)
{
	const struct buddy *b = zone->kernel->buddy;
	unsigned long max = zone->managed / 100 + PAGEBLOCK_NR(b);
	uint64_t pfn = page_pfn(b, page);

	if (__atomic_load_n(&zone->nr_reserved_highatomic, __ATOMIC_RELAXED) >= max)
		return;
	if (!spans_pageblock(zone, pfn))
		return;
	arch_spin_lock(&zone->lock);
	if (zone->nr_reserved_highatomic < max && pageblock_type(b, pfn) < MIGRATE_PCPTYPES) {
		add_highatomic_locked(zone, (long)PAGEBLOCK_NR(b));
		pageblock_set_type(b, pfn, MIGRATE_HIGHATOMIC);
		move_block_locked(zone, page, MIGRATE_HIGHATOMIC);
	}
	arch_spin_unlock(&zone->lock);
}

static bool unreserve_locked(struct zone *zone, unsigned int migratetype)
{
	const struct buddy *b = zone->kernel->buddy;

	for (unsigned int order = 0; order < MAX_ORDER; order++) {
		struct page *page = area_first_locked(zone, order, MIGRATE_HIGHATOMIC);
		uint64_t pfn;

		if (!page)
			continue;
		pfn = page_pfn(b, page);
		if (pageblock_type(b, pfn) == MIGRATE_HIGHATOMIC)
			add_highatomic_locked(zone, -(long)PAGEBLOCK_NR(b));
		pageblock_set_type(b, pfn, migratetype);
		if (move_block_locked(zone, page, migratetype))
			return true;
	}
	return false;
}

bool zone_unreserve_highatomic(struct zone *zone, unsigned int migratetype, bool force)
{
	unsigned long reserved = __atomic_load_n(&zone->nr_reserved_highatomic, __ATOMIC_RELAXED);
	bool given;

	if (!reserved || (!force && reserved <= PAGEBLOCK_NR(zone->kernel->buddy)))
		return false;
	arch_spin_lock(&zone->lock);
	given = unreserve_locked(zone, migratetype);
	arch_spin_unlock(&zone->lock);
	return given;
}
