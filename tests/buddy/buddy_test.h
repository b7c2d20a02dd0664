/* SPDX-License-Identifier: MIT */
/* For the page allocator's tests: zones by name, and a check of every invariant of free_area.c. */
#ifndef KMEM_BUDDY_TEST_H
#define KMEM_BUDDY_TEST_H

#include "../support/kmem_test.h"

#include "buddy/buddy.h"
#include "buddy/free_area.h"
#include "buddy/inspect.h"
#include "buddy/pcp.h"
#include "lib/kernel.h"

#define TOP_ORDER (MAX_ORDER - 1)
#define TOP_PAGES (1ul << TOP_ORDER)

static inline struct zone *test_zone(int nid, enum kmem_zone_type type)
{
	return &buddy_node(arch_kernel(), nid)->zones[type];
}

static inline unsigned long test_pfn(const struct page *page)
{
	return (unsigned long)page_pfn(arch_kernel()->buddy, page);
}

/* One entry of a free list; returns its blocks. */
static inline unsigned long check_entry(const struct zone *zone, const struct page *page,
					unsigned int order, unsigned int type)
{
	const struct buddy *b = zone->kernel->buddy;
	uint64_t pfn = page_pfn(b, page);
	const struct page *other;

	assert_int_equal(pfn & ((1ull << order) - 1), 0);
	assert_true(zone_spans(zone, pfn) && zone_spans(zone, pfn + (1ull << order) - 1));
	assert_int_equal(page->order, order);
	if (page->type == PAGE_TYPE_RANGE) {
		assert_int_equal(order, TOP_ORDER);
		assert_int_equal(type, MIGRATE_MOVABLE);
		assert_true(page->private > 0);
		assert_true(zone_spans(zone, pfn + page->private * TOP_PAGES - 1));
		assert_int_equal(page->flags, 0);
		return page->private;
	}
	assert_int_equal(page->type, PAGE_TYPE_BUDDY);
	assert_null(page->head);
	for (unsigned long i = 0; i < 1ul << order; i++) {
		const struct page *p = pfn_page(b, pfn + i);

		assert_int_equal(p->flags, zone->page_flags);
		if (i)
			assert_int_equal(p->type, PAGE_TYPE_NONE);
	}
	if (order >= b->pageblock_order || !zone_spans(zone, pfn ^ 1ull << order))
		return 1;
	other = pfn_page(b, pfn ^ 1ull << order);
	assert_false(other->type == PAGE_TYPE_BUDDY && other->order == order);
	return 1;
}

static inline void check_zone(struct zone *zone)
{
	unsigned long pages = 0;

	for (unsigned int order = 0; order < MAX_ORDER; order++) {
		unsigned long blocks = 0;

		for (unsigned int type = 0; type < MIGRATE_TYPES; type++) {
			struct list_head *list = &zone->free_area[order].free_list[type];
			struct page *page;

			assert_int_equal(zone->nonempty[type] >> order & 1, !list_empty(list));
			list_for_each_entry(page, list, list) {
				assert_ptr_equal(page->list.next->prev, &page->list);
				blocks += check_entry(zone, page, order, type);
			}
		}
		assert_int_equal(zone->free_area[order].nr_free, blocks);
		pages += blocks << order;
	}
	assert_int_equal(zone->nr_free, pages);
}

static inline void check_zones(void)
{
	for_each_populated_zone(arch_kernel()->buddy, zone)
		check_zone(zone);
}

/* The text of the free lists, for one comparison of all of it. */
static inline const char *test_lists_text(struct zone *zone, uint64_t base_pfn)
{
	static char text[8192];
	struct seq_file m;

	seq_init_buf(&m, text, sizeof(text));
	buddy_show_lists(arch_kernel(), zone, base_pfn, &m);
	assert_true(m.len < sizeof(text));
	return text;
}

/* A machine of which only @blocks blocks of the largest order are free, all movable, in DMA32. */
static inline struct machine *test_arena(unsigned int blocks, struct buddy_arena *arena)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M cpus=1 isolate_metadata=1");

	assert_int_equal(buddy_make_arena(arch_kernel(), blocks, KMEM_ZONE_DMA32, MIGRATE_MOVABLE,
					  arena), 0);
	return m;
}

#endif
