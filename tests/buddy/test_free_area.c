/* SPDX-License-Identifier: MIT */
/* Free lists: split, merge, where blocks stand in their lists, untouched ranges. */
#include "buddy_test.h"

static struct buddy_arena arena;

/* A movable block, so that nothing is stolen. */
static struct page *get(unsigned int order)
{
	struct page *page = alloc_pages(GFP_HIGHUSER_MOVABLE, order);

	assert_non_null(page);
	return page;
}

static unsigned long rel(const struct page *page)
{
	return test_pfn(page) - (unsigned long)arena.base_pfn;
}

static void test_split_keeps_the_lower_half(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct page *page = get(4);

	(void)state;
	assert_int_equal(rel(page), 0);
	check_zone(arena.zone);
	for (unsigned int order = 4; order < TOP_ORDER; order++) {
		struct free_area *area = &arena.zone->free_area[order];

		assert_int_equal(area->nr_free, 1);
		assert_int_equal(rel(list_first_entry(&area->free_list[MIGRATE_MOVABLE], struct page,
						      list)), 1ul << order);
	}
	__free_pages(page, 4);
	assert_int_equal(arena.zone->free_area[TOP_ORDER].nr_free, 1);
	check_zone(arena.zone);
	test_shutdown(m, 0);
}

/* The claim of the books: 256 pages may come from a 512 block and leave 256. */
static void test_256_pages_split_a_512_block_and_leave_256(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct page *half = get(9), *quarter = get(8);

	(void)state;
	assert_int_equal(rel(half), 0);
	assert_int_equal(rel(quarter), 512);
	assert_int_equal(arena.zone->nr_free, 256);
	assert_int_equal(arena.zone->free_area[8].nr_free, 1);
	__free_pages(half, 9);
	__free_pages(quarter, 8);
	assert_int_equal(arena.zone->free_area[TOP_ORDER].nr_free, 1);
	test_shutdown(m, 0);
}

/* A freed block goes to the head of its list, but to the tail when the pair above is free. */
static void test_where_freed_blocks_go(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct page *p[64];
	struct list_head *list = &arena.zone->free_area[4].free_list[MIGRATE_MOVABLE];

	(void)state;
	for (unsigned int i = 0; i < 64; i++)
		p[i] = get(4);
	/* No neighbours: each at the head. */
	__free_pages(p[1], 4);
	__free_pages(p[9], 4);
	assert_ptr_equal(list_first_entry(list, struct page, list), p[9]);
	/* 6 and 7 make a free pair; 4 is out, so 5 waits at the tail for it. */
	__free_pages(p[6], 4);
	__free_pages(p[7], 4);
	__free_pages(p[5], 4);
	assert_ptr_equal(list_last_entry(list, struct page, list), p[5]);
	check_zone(arena.zone);
	for (unsigned int i = 0; i < 64; i++)
		if (i != 1 && i != 9 && i != 6 && i != 7 && i != 5)
			__free_pages(p[i], 4);
	assert_int_equal(arena.zone->free_area[TOP_ORDER].nr_free, 1);
	check_zone(arena.zone);
	test_shutdown(m, 0);
}

/* Of the second largest order none waits for its buddy: the pair could not be merged further. */
static void test_half_a_largest_block_goes_to_the_head(void **state)
{
	struct machine *m = test_arena(4, &arena);
	struct list_head *list = &arena.zone->free_area[TOP_ORDER - 1].free_list[MIGRATE_MOVABLE];
	struct page *p[6];

	(void)state;
	for (unsigned int i = 0; i < 6; i++)
		p[i] = get(TOP_ORDER - 1);
	/* The block at 0 is all that is left; it and the one at 1024 would be a pair. */
	assert_int_equal(rel(p[0]), 3072);
	assert_int_equal(rel(p[4]), 1024);
	__free_pages(p[0], TOP_ORDER - 1);
	__free_pages(p[4], TOP_ORDER - 1);
	assert_ptr_equal(list_first_entry(list, struct page, list), p[4]);
	assert_ptr_equal(list_last_entry(list, struct page, list), p[0]);
	for (unsigned int i = 1; i < 6; i++)
		if (i != 4)
			__free_pages(p[i], TOP_ORDER - 1);
	assert_int_equal(arena.zone->free_area[TOP_ORDER].nr_free, 4);
	check_zone(arena.zone);
	test_shutdown(m, 0);
}

/* Every pair of buddies of every order merges, whichever is freed last. */
static void test_buddies_merge(void **state)
{
	struct machine *m = test_arena(1, &arena);

	(void)state;
	for (unsigned int order = 4; order < TOP_ORDER; order++) {
		for (int last = 0; last < 2; last++) {
			struct page *p[2] = {get(order), get(order)};

			assert_int_equal(rel(p[0]) ^ rel(p[1]), 1ul << order);
			__free_pages(p[!last], order);
			__free_pages(p[last], order);
			assert_int_equal(arena.zone->free_area[TOP_ORDER].nr_free, 1);
		}
	}
	test_shutdown(m, 0);
}

/* A block's first frame number is a multiple of its size, for each of the eleven orders. */
static void test_eleven_orders_aligned_to_their_size(void **state)
{
	struct machine *m = test_arena(4, &arena);

	(void)state;
	for (unsigned int order = 0; order < MAX_ORDER; order++) {
		struct page *a = get(order), *b = get(order);

		assert_int_equal(test_pfn(a) & ((1ul << order) - 1), 0);
		assert_int_equal(test_pfn(b) & ((1ul << order) - 1), 0);
		__free_pages(a, order);
		__free_pages(b, order);
	}
	drain_local_pages();
	assert_int_equal(arena.zone->free_area[TOP_ORDER].nr_free, 4);
	test_shutdown(m, 0);
}

/* --- untouched ranges ------------------------------------------------------------------------ */

static unsigned long count_ranges(const struct zone *zone)
{
	const struct list_head *list = &zone->free_area[TOP_ORDER].free_list[MIGRATE_MOVABLE];
	unsigned long n = 0;
	struct page *page;

	list_for_each_entry(page, list, list)
		n += page->type == PAGE_TYPE_RANGE;
	return n;
}

static void test_fresh_memory_is_one_range(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=1G cpus=1 isolate_metadata=1");
	struct zone *zone = test_zone(0, KMEM_ZONE_DMA32);

	(void)state;
	assert_int_equal(count_ranges(zone), 1);
	assert_true(zone->free_area[TOP_ORDER].nr_free > 200);
	check_zones();
	test_shutdown(m, 0);
}

static void test_a_range_gives_its_blocks_in_order(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=1G cpus=1 isolate_metadata=1");
	struct zone *zone = test_zone(0, KMEM_ZONE_DMA32);
	unsigned long nr = zone->free_area[TOP_ORDER].nr_free;
	struct page *page[8];

	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		page[i] = get(TOP_ORDER);
		if (i)
			assert_int_equal(test_pfn(page[i]) - test_pfn(page[i - 1]), TOP_PAGES);
		assert_int_equal(count_ranges(zone), 1);
		assert_int_equal(zone->free_area[TOP_ORDER].nr_free, nr - i - 1);
		/* The next block has no struct pages but the range's own. */
		assert_int_equal(pfn_page(zone->kernel->buddy, test_pfn(page[i]) + TOP_PAGES)->flags, 0);
		assert_int_equal(pfn_page(zone->kernel->buddy, test_pfn(page[i]) + TOP_PAGES + 1)->flags,
				 0);
	}
	check_zones();
	/* Freed blocks go to the head, in front of the range, as in Linux. */
	for (unsigned int i = 0; i < 8; i++)
		__free_pages(page[i], TOP_ORDER);
	assert_ptr_equal(get(TOP_ORDER), page[7]);
	__free_pages(page[7], TOP_ORDER);
	check_zones();
	assert_int_equal(zone->free_area[TOP_ORDER].nr_free, nr);
	test_shutdown(m, 0);
}

static void test_the_last_block_of_a_range(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M cpus=1 isolate_metadata=1");
	struct zone *zone = test_zone(0, KMEM_ZONE_DMA32);
	unsigned long nr = zone->free_area[TOP_ORDER].nr_free;
	struct page *page[64];

	(void)state;
	assert_true(nr < 64);
	for (unsigned long i = 0; i < nr; i++)
		page[i] = alloc_pages(GFP_HIGHUSER_MOVABLE | __GFP_MEMALLOC, TOP_ORDER);
	assert_int_equal(zone->free_area[TOP_ORDER].nr_free, 0);
	assert_int_equal(count_ranges(zone), 0);
	check_zones();
	while (nr--)
		__free_pages(page[nr], TOP_ORDER);
	check_zones();
	test_shutdown(m, 0);
}

/* An unmovable request takes a block out of the range and with it its two pageblocks, no more. */
static void test_stealing_from_a_range_takes_one_block(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=256M cpus=1 isolate_metadata=1");
	struct zone *zone = test_zone(0, KMEM_ZONE_DMA32);
	struct page *page = alloc_pages(GFP_KERNEL, 4);
	unsigned long start = test_pfn(page) & ~(TOP_PAGES - 1);

	(void)state;
	assert_int_equal(get_pageblock_migratetype(pfn_to_page(start)), MIGRATE_UNMOVABLE);
	assert_int_equal(get_pageblock_migratetype(pfn_to_page(start + 512)), MIGRATE_UNMOVABLE);
	assert_int_equal(get_pageblock_migratetype(pfn_to_page(start + 1024)), MIGRATE_MOVABLE);
	assert_int_equal(count_ranges(zone), 1);
	check_zones();
	__free_pages(page, 4);
	assert_int_equal(area_count_locked(zone, TOP_ORDER, MIGRATE_UNMOVABLE), 1);
	check_zones();
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split_keeps_the_lower_half),
		cmocka_unit_test(test_256_pages_split_a_512_block_and_leave_256),
		cmocka_unit_test(test_where_freed_blocks_go),
		cmocka_unit_test(test_half_a_largest_block_goes_to_the_head),
		cmocka_unit_test(test_buddies_merge),
		cmocka_unit_test(test_eleven_orders_aligned_to_their_size),
		cmocka_unit_test(test_fresh_memory_is_one_range),
		cmocka_unit_test(test_a_range_gives_its_blocks_in_order),
		cmocka_unit_test(test_the_last_block_of_a_range),
		cmocka_unit_test(test_stealing_from_a_range_takes_one_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
