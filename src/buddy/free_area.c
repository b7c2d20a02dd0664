/* SPDX-License-Identifier: MIT */
/*
 * Free lists: blocks of 2^order pages, split in halves on the way out, merged with their buddies on
 * the way in (Knuth, TAOCP 1, 2.5).
 *
 *	free_area[10]  UNMOVABLE:           MOVABLE: [1024…2047] [4096…─ untouched ─…65535]
 *	free_area[9]   UNMOVABLE: [512…]    MOVABLE:
 *	…
 *	free_area[0]   UNMOVABLE: [7] [130] MOVABLE: [9]
 *
 * Invariants, all under zone->lock:
 *   - a block of order o starts at a multiple of 2^o and lies in one zone;
 *   - the first page of a free block has type BUDDY and the block's order; no other page of it does;
 *   - two free blocks of one order below the highest that are buddies do not exist (they would have
 *     been merged), except where a pageblock boundary of unlike types forbids it (may_merge);
 *   - nonempty[type] has bit o set if and only if free_area[o].free_list[type] is not empty, so that
 *     "the smallest block that serves" is one bit scan;
 *   - nr_free of an area counts blocks; zone->nr_free counts pages and is corrected once per operation
 *     by whoever started it.
 *
 * Order of the lists. Takers take from the head. A freed block goes to the head, so that warm
 * memory is used again soon, except when its buddy is out but the pair above is free: then it
 * goes to the tail, where it has time to be merged (merge_likely). The halves of a split go to
 * the heads. Boot and moves between types add to the tail.
 *
 * Untouched ranges. Memory never handed out has no struct pages yet, and a terabyte of it must
 * not cost anything. A run of consecutive order-10 blocks that were never handed out is one entry
 * of the list, standing where Linux would have the run: its first page has type RANGE and counts
 * the blocks in `private`. Who wants the head block gets it by range_take_first(), which writes
 * the 1024 struct pages of that block and moves the entry one block up in place:
 *
 *	… ⇄ RANGE 4096 ×60 ⇄ …    →    … ⇄ BUDDY 4096 ⇄ RANGE 5120 ×59 ⇄ …
 *
 * Order-10 blocks are the largest, so nothing ever merges with a range and it is only ever
 * entered from its front. Blocks at the edges of memory, smaller than that, are ordinary from the
 * start.
 */
#include "buddy/free_area.h"

#define TOP_ORDER (MAX_ORDER - 1)

/* After the lists of @orders, a mask, have become empty or not. */
static inline void zone_note_lists(struct zone *zone, unsigned int orders, unsigned int migratetype,
				   bool filled)
{
	const uint16_t *nonempty = zone->nonempty;
	unsigned int bits = nonempty[migratetype];

	bits = filled ? bits | orders : bits & ~orders;
	__atomic_store_n(&zone->nonempty[migratetype], (uint16_t)bits, __ATOMIC_RELAXED);
	bits = nonempty[MIGRATE_UNMOVABLE] | nonempty[MIGRATE_MOVABLE] | nonempty[MIGRATE_RECLAIMABLE];
	__atomic_store_n(&zone->free_orders, (uint16_t)bits, __ATOMIC_RELAXED);
}

static inline void area_add(struct zone *zone, struct page *page, unsigned int order,
			    unsigned int migratetype, bool tail)
{
	struct free_area *area = &zone->free_area[order];
	struct list_head *list = &area->free_list[migratetype];

	if (list_empty(list))
		zone_note_lists(zone, 1u << order, migratetype, true);
	if (tail)
		list_add_tail(&page->list, list);
	else
		list_add(&page->list, list);
	area->nr_free++;
}

/* Take an entry off its list, whichever type's that is. Returns the type whose list that has left
 * empty, for zone_note_lists(), or MIGRATE_TYPES. An entry whose two neighbours are one is the only
 * one, and the neighbour is the list's head. */
static inline unsigned int area_unlink_unnoted(struct zone *zone, struct page *page, unsigned int order)
{
	struct free_area *area = &zone->free_area[order];
	struct list_head *next = page->list.next;
	bool last = next == page->list.prev;

	list_del(&page->list);
	area->nr_free--;
	return unlikely(last) ? (unsigned int)(next - area->free_list) : MIGRATE_TYPES;
}

static inline void area_unlink(struct zone *zone, struct page *page, unsigned int order)
{
	unsigned int emptied = area_unlink_unnoted(zone, page, order);

	if (emptied != MIGRATE_TYPES)
		zone_note_lists(zone, 1u << order, emptied, false);
}

static inline void area_add_block(struct zone *zone, struct page *page, unsigned int order,
				  unsigned int migratetype, bool tail)
{
	page_set_tag(page, PAGE_TYPE_BUDDY, order);
	area_add(zone, page, order, migratetype, tail);
}

static inline void area_del_block(struct zone *zone, struct page *page, unsigned int order)
{
	kassert_internal(page_tag(page) == PAGE_TAG(PAGE_TYPE_BUDDY, order));
	area_unlink(zone, page, order);
	page_set_tag(page, PAGE_TYPE_NONE, order);
}

void area_move_tail_locked(struct zone *zone, struct page *page, unsigned int migratetype)
{
	unsigned int order = page->order;

	kassert_internal(page->type == PAGE_TYPE_BUDDY);
	area_unlink(zone, page, order);
	area_add(zone, page, order, migratetype, true);
}

void zone_init_free_area(struct zone *zone)
{
	for (unsigned int order = 0; order < MAX_ORDER; order++) {
		for (unsigned int type = 0; type < MIGRATE_TYPES; type++)
			list_init(&zone->free_area[order].free_list[type]);
		zone->free_area[order].nr_free = 0;
	}
	for (unsigned int type = 0; type < MIGRATE_TYPES; type++)
		__atomic_store_n(&zone->nonempty[type], 0, __ATOMIC_RELAXED);
	__atomic_store_n(&zone->free_orders, 0, __ATOMIC_RELAXED);
}

/* --- untouched ranges ----------------------------------------------------------------------- */

void pages_materialise(struct zone *zone, struct page *page, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++)
		page_step(page, i)->flags = zone->page_flags;
}

/* The first block of the range that starts at @page becomes an ordinary one in the range's place. */
static noinline void range_take_first(struct zone *zone, struct page *page)
{
	unsigned long blocks = page->private;

	if (blocks > 1) {
		struct page *rest = page_step(page, 1ul << TOP_ORDER);

		rest->private = blocks - 1;
		page_set_tag(rest, PAGE_TYPE_RANGE, TOP_ORDER);
		list_add(&rest->list, &page->list);
	}
	page->private = 0;
	pages_materialise(zone, page, 1ul << TOP_ORDER);
	page_set_tag(page, PAGE_TYPE_BUDDY, TOP_ORDER);
}

static void zone_add_range(struct zone *zone, struct page *page, unsigned long blocks)
{
	page->private = blocks;
	page_set_tag(page, PAGE_TYPE_RANGE, TOP_ORDER);
	area_add(zone, page, TOP_ORDER, MIGRATE_MOVABLE, true);
	zone->free_area[TOP_ORDER].nr_free += blocks - 1;
}

/* Ascending, each time the largest block that alignment and end allow, to the tail. */
void zone_free_range_locked(struct zone *zone, uint64_t pfn, uint64_t end)
{
	const struct buddy *b = zone->kernel->buddy;

	zone_add_nr_free(zone, (long)(end - pfn));
	while (pfn < end) {
		unsigned int order = pfn ? (unsigned int)__builtin_ctzll(pfn) : TOP_ORDER;
		struct page *page = pfn_page(b, pfn);
		uint64_t nr;

		if (order > TOP_ORDER)
			order = TOP_ORDER;
		while (pfn + (1ull << order) > end)
			order--;
		nr = 1ull << order;
		if (order == TOP_ORDER) {
			nr = (end - pfn) & ~(nr - 1);
			zone_add_range(zone, page, nr >> TOP_ORDER);
		} else {
			pages_materialise(zone, page, nr);
			area_add_block(zone, page, order, pageblock_type(b, pfn), true);
		}
		pfn += nr;
	}
}

/* The range in which @pfn lies. There are few: one for each run of memory never used. */
static struct page *find_range(struct zone *zone, uint64_t pfn)
{
	const struct buddy *b = zone->kernel->buddy;
	struct page *page;

	list_for_each_entry(page, &zone->free_area[TOP_ORDER].free_list[MIGRATE_MOVABLE], list) {
		if (page->type != PAGE_TYPE_RANGE)
			continue;
		if (pfn - page_pfn(b, page) < (uint64_t)page->private << TOP_ORDER)
			return page;
	}
	return NULL;
}

/* Block @index of a range becomes an ordinary one, between what is left before and behind it. */
static struct page *range_take_nth(struct zone *zone, struct page *range, unsigned long index)
{
	struct page *page = page_step(range, (uint64_t)index << TOP_ORDER);

	if (index) {
		page->private = range->private - index;
		page_set_tag(page, PAGE_TYPE_RANGE, TOP_ORDER);
		list_add(&page->list, &range->list);
		range->private = index;
	}
	range_take_first(zone, page);
	return page;
}

/* Whether the frame may be part of a range. `flags` of what is in use are its holder's to write, so
 * they cannot be asked. */
static bool maybe_untouched(const struct page *page)
{
	enum page_type type = page_type(page);

	return type == PAGE_TYPE_NONE || type == PAGE_TYPE_RANGE;
}

/* The ordinary free block of the zone in which @pfn lies. */
static struct page *find_covering(const struct zone *zone, uint64_t pfn)
{
	for (unsigned int order = 0; order < MAX_ORDER; order++) {
		struct page *page = pfn_page(zone->kernel->buddy, pfn & ~((1ull << order) - 1));

		if (page_type(page) != PAGE_TYPE_BUDDY || page->order < order)
			continue;
		if (page_flags_index(page->flags) == page_flags_index(zone->page_flags))
			return page;
	}
	return NULL;
}

uint64_t area_free_from_locked(struct zone *zone, uint64_t pfn)
{
	const struct buddy *b = zone->kernel->buddy;
	const struct page *page = find_covering(zone, pfn);

	if (page)
		return page_pfn(b, page) + (1ull << page->order) - pfn;
	if (!maybe_untouched(pfn_page(b, pfn)))
		return 0;
	page = find_range(zone, pfn);
	return page ? page_pfn(b, page) + ((uint64_t)page->private << TOP_ORDER) - pfn : 0;
}

struct page *area_find_block_locked(struct zone *zone, uint64_t pfn)
{
	const struct buddy *b = zone->kernel->buddy;
	struct page *page = find_covering(zone, pfn);

	if (page || !maybe_untouched(pfn_page(b, pfn)))
		return page;
	page = find_range(zone, pfn);
	if (!page)
		return NULL;
	return range_take_nth(zone, page, (unsigned long)((pfn - page_pfn(b, page)) >> TOP_ORDER));
}

void area_take_block_locked(struct zone *zone, struct page *page)
{
	area_del_block(zone, page, page->order);
}

void area_put_frames_locked(struct zone *zone, uint64_t pfn, uint64_t end, unsigned int migratetype)
{
	while (pfn < end) {
		unsigned int order = pfn ? (unsigned int)__builtin_ctzll(pfn) : TOP_ORDER;

		if (order > TOP_ORDER)
			order = TOP_ORDER;
		while (pfn + (1ull << order) > end)
			order--;
		area_add_block(zone, pfn_page(zone->kernel->buddy, pfn), order, migratetype, false);
		pfn += 1ull << order;
	}
}

struct page *area_first_locked(struct zone *zone, unsigned int order, unsigned int migratetype)
{
	struct list_head *list = &zone->free_area[order].free_list[migratetype];
	struct page *page;

	if (list_empty(list))
		return NULL;
	page = list_first_entry(list, struct page, list);
	if (unlikely(page->type == PAGE_TYPE_RANGE))
		range_take_first(zone, page);
	return page;
}

unsigned long area_count_locked(struct zone *zone, unsigned int order, unsigned int migratetype)
{
	struct page *page;
	unsigned long n = 0;

	list_for_each_entry(page, &zone->free_area[order].free_list[migratetype], list)
		n += page->type == PAGE_TYPE_RANGE ? page->private : 1;
	return n;
}

/* --- split ---------------------------------------------------------------------------------- */

/* Keep the lower 2^@low pages of a block of order @high; the upper halves go to the lists. */
static inline void area_expand(struct zone *zone, struct page *page, unsigned int low,
			       unsigned int high, unsigned int migratetype)
{
	struct free_area *area = &zone->free_area[high];

	if (low < high)
		zone_note_lists(zone, (1u << high) - (1u << low), migratetype, true);
	while (high > low) {
		struct page *half = page_step(page, 1ul << --high);

		area--;
		page_set_tag(half, PAGE_TYPE_BUDDY, high);
		list_add(&half->list, &area->free_list[migratetype]);
		area->nr_free++;
	}
}

struct page *zone_rmqueue_smallest_locked(struct zone *zone, unsigned int order,
					  unsigned int migratetype)
{
	unsigned int orders = zone->nonempty[migratetype] & (~0u << order);
	unsigned int found;
	struct page *page;

	if (!orders)
		return NULL;
	found = (unsigned int)__builtin_ctz(orders);
	page = area_first_locked(zone, found, migratetype);
	area_unlink(zone, page, found);
	area_expand(zone, page, order, found, migratetype);
	page_set_tag(page, PAGE_TYPE_NONE, order);
	return page;
}

/* --- merge ---------------------------------------------------------------------------------- */

/* The free block of @order at @other_pfn, found from the page of another frame; NULL: there is
 * none. */
static inline struct page *find_free_block(const struct zone *zone, struct page *page, uint64_t pfn,
					   uint64_t other_pfn, unsigned int order)
{
	struct page *other = page_step(page, other_pfn - pfn);

	if (!zone_spans(zone, other_pfn))
		return NULL;
	if (page_tag(other) != PAGE_TAG(PAGE_TYPE_BUDDY, order))
		return NULL;
	if (page_flags_index(other->flags) != page_flags_index(zone->page_flags))
		return NULL;
	return other;
}

/* From a pageblock up, blocks of types that are kept apart for a purpose stay apart. */
static bool may_merge(const struct buddy *b, uint64_t buddy_pfn, unsigned int order,
		      unsigned int migratetype)
{
	unsigned int other;

	if (order < b->pageblock_order)
		return true;
	other = pageblock_type(b, buddy_pfn);
	return other == migratetype || (other < MIGRATE_PCPTYPES && migratetype < MIGRATE_PCPTYPES);
}

/* Whether the block and its buddy, which is not free now, would at once merge with the pair
 * above. */
static bool merge_likely(const struct zone *zone, struct page *page, uint64_t pfn, unsigned int order)
{
	uint64_t pair = pfn & ~(1ull << order);

	if (order >= TOP_ORDER - 1)
		return false;
	return find_free_block(zone, page, pfn, pair ^ (2ull << order), order + 1) != NULL;
}

void zone_free_block_locked(struct zone *zone, struct page *page, unsigned int order,
			    unsigned int migratetype)
{
	const struct buddy *b = zone->kernel->buddy;
	uint64_t pfn = page_pfn(b, page);
	unsigned int emptied, noted = 0;

	kassert_internal(!(pfn & ((1ull << order) - 1)));
	kassert_internal(page_flags_index(page->flags) == page_flags_index(zone->page_flags));
	zone_add_nr_free(zone, 1l << order);
	page_set_tag(page, PAGE_TYPE_NONE, order);
	for (; order < TOP_ORDER; order++) {
		uint64_t buddy_pfn = pfn ^ (1ull << order);
		struct page *buddy = find_free_block(zone, page, pfn, buddy_pfn, order);

		if (!buddy || !may_merge(b, buddy_pfn, order, migratetype))
			break;
		emptied = area_unlink_unnoted(zone, buddy, order);
		page_set_tag(buddy, PAGE_TYPE_NONE, order);
		if (emptied == migratetype)
			noted |= 1u << order;
		else if (unlikely(emptied != MIGRATE_TYPES))
			zone_note_lists(zone, 1u << order, emptied, false);
		if (buddy_pfn < pfn) {
			page = buddy;
			pfn = buddy_pfn;
		}
	}
	if (noted)
		zone_note_lists(zone, noted, migratetype, false);
	area_add_block(zone, page, order, migratetype, merge_likely(zone, page, pfn, order));
}
