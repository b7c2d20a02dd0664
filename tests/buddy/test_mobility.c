/* SPDX-License-Identifier: MIT */
/* Migrate types: fallback, stealing of pageblocks, boost, the highatomic reserve. */
#include "buddy_test.h"

#define UNMOVABLE (__GFP_NOWARN)
#define MOVABLE (__GFP_NOWARN | __GFP_HIGHMEM | __GFP_MOVABLE)
#define RECLAIMABLE (__GFP_NOWARN | __GFP_RECLAIMABLE)

static struct buddy_arena arena;

static int type_at(unsigned long rel)
{
	return get_pageblock_migratetype(pfn_to_page((unsigned long)arena.base_pfn + rel));
}

static unsigned long rel(const struct page *page)
{
	assert_non_null(page);
	return test_pfn(page) - (unsigned long)arena.base_pfn;
}

/* A block of at least a pageblock changes hands with all its pageblocks. */
static void test_whole_blocks_are_claimed(void **state)
{
	struct machine *m = test_arena(2, &arena);
	struct page *u = alloc_pages(UNMOVABLE, 4), *r = alloc_pages(RECLAIMABLE, 4);

	(void)state;
	assert_int_equal(rel(u), 1024);
	assert_int_equal(rel(r), 0);
	assert_int_equal(type_at(1024), MIGRATE_UNMOVABLE);
	assert_int_equal(type_at(1536), MIGRATE_UNMOVABLE);
	assert_int_equal(type_at(0), MIGRATE_RECLAIMABLE);
	assert_int_equal(type_at(512), MIGRATE_RECLAIMABLE);
	/* No boost for that. */
	assert_int_equal(arena.zone->watermark_boost, 0);
	__free_pages(u, 4);
	__free_pages(r, 4);
	check_zones();
	test_shutdown(m, 0);
}

/* Fill the arena with movable blocks of @order, then free those whose bit in the pattern is set. */
static unsigned int fill_movable(struct page **page, unsigned int order, uint64_t pattern)
{
	unsigned int n = 0;

	while ((page[n] = alloc_pages(MOVABLE, order)))
		n++;
	for (unsigned int i = 0; i < n; i++) {
		if (pattern >> i % 64 & 1) {
			__free_pages(page[i], order);
			page[i] = NULL;
		}
	}
	drain_local_pages();
	return n;
}

static void free_rest(struct page **page, unsigned int n, unsigned int order)
{
	for (unsigned int i = 0; i < n; i++)
		if (page[i])
			__free_pages(page[i], order);
	drain_local_pages();
	check_zones();
}

/* An unmovable request in a mixed movable pageblock takes the largest block there is, all free
 * pages of its pageblock, and the pageblock itself (what is in use counts as compatible). */
static void test_unmovable_takes_the_pageblock(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct page *page[1024], *u;
	unsigned int n = fill_movable(page, 5, 2);

	(void)state;
	assert_int_equal(n, 32);
	/* Frames 32 to 63 are all that is free. */
	u = alloc_pages(UNMOVABLE, 4);
	assert_int_equal(rel(u), 32);
	assert_int_equal(type_at(0), MIGRATE_UNMOVABLE);
	assert_int_equal(type_at(512), MIGRATE_MOVABLE);
	__free_pages(u, 4);
	free_rest(page, n, 5);
	test_shutdown(m, 0);
}

/* A movable request that finds small blocks only takes the smallest, and leaves the pageblock. */
static void test_movable_takes_the_smallest(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct page *page[1024], *one;
	unsigned int n = 0;

	(void)state;
	while ((page[n] = alloc_pages(UNMOVABLE, 1)))
		n++;
	assert_int_equal(n, 512);
	/* Free an order-3 and an order-1 hole, of which the movable request takes the latter. */
	for (unsigned int i = 0; i < n; i++) {
		unsigned long at = rel(page[i]);

		if (at / 8 == 3 || at == 100) {
			__free_pages(page[i], 1);
			page[i] = NULL;
		}
	}
	drain_local_pages();
	one = alloc_pages(MOVABLE, 0);
	assert_true(rel(one) == 100 || rel(one) == 101);
	assert_int_equal(type_at(0), MIGRATE_UNMOVABLE);
	__free_pages(one, 0);
	free_rest(page, n, 1);
	test_shutdown(m, 0);
}

/* One steal boosts by a pageblock; the boost counts for ordinary requests, not for urgent ones. */
static void test_a_steal_boosts_the_watermarks(void **state)
{
	struct machine *m = test_arena(2, &arena);
	struct page *page[2048], *u, *hard;
	unsigned int n;

	(void)state;
	/* A zone that is large enough to be boosted, with marks as a small machine has. */
	zone_set_limits(arena.zone, 20, 25, 30, 0);
	n = fill_movable(page, 5, 0);
	for (unsigned int i = 0; i < 4; i++) {
		__free_pages(page[2 * i], 5);
		page[2 * i] = NULL;
	}
	assert_int_equal(arena.zone->watermark_boost, 0);
	u = alloc_pages(UNMOVABLE, 4);
	assert_non_null(u);
	assert_int_equal(arena.zone->watermark_boost, 512);
	/* 20 + 512 pages are not free any more. */
	assert_null(alloc_pages(UNMOVABLE, 0));
	hard = alloc_pages(GFP_ATOMIC | __GFP_NOWARN, 0);
	assert_non_null(hard);
	/* That is for single pages only: three eighths of 532 are more than the 112 that are free. */
	assert_null(alloc_pages(GFP_ATOMIC | __GFP_NOWARN, 1));
	__free_pages(hard, 0);
	__free_pages(u, 4);
	free_rest(page, n, 5);
	test_shutdown(m, 0);
}

/* A high-order atomic request under pressure keeps its pageblock; a request that may wait gets it
 * back when there is nothing else. */
static void test_highatomic_reserve(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct page *page[1024], *p;
	unsigned int n = 0;

	(void)state;
	zone_set_limits(arena.zone, 300, 375, 450, 0);
	for (; n < 64; n++)
		page[n] = alloc_pages(UNMOVABLE, 3);
	assert_int_equal(arena.zone->nr_reserved_highatomic, 0);
	while ((p = alloc_pages(GFP_ATOMIC | __GFP_NOWARN, 3)))
		page[n++] = p;
	assert_int_equal(arena.zone->nr_reserved_highatomic, 512);
	assert_int_equal(type_at(512), MIGRATE_HIGHATOMIC);
	drain_local_pages();
	check_zones();
	/* All that is free is reserved: only who may wait can have it taken out of the reserve, and the
	 * last pageblock only who is tried hard for. */
	zone_set_limits(arena.zone, 0, 0, 0, 0);
	assert_null(alloc_pages(GFP_KERNEL | __GFP_NOWARN, 4));
	assert_null(alloc_pages(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN, 4));
	assert_int_equal(arena.zone->nr_reserved_highatomic, 512);
	p = alloc_pages(GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN, 4);
	assert_non_null(p);
	assert_int_equal(arena.zone->nr_reserved_highatomic, 0);
	assert_int_equal(type_at(512), MIGRATE_UNMOVABLE);
	__free_pages(p, 4);
	free_rest(page, n, 3);
	test_shutdown(m, 0);
}

/* It grows up to a hundredth of the zone and a pageblock; all but the last pageblock is given back to
 * whoever may wait, even if it is not to be tried hard for. */
static void test_highatomic_reserve_is_limited(void **state)
{
	struct machine *m = test_arena(2, &arena);
	struct page *page[1024], *p;
	unsigned int n = 0;

	(void)state;
	assert_in_range(arena.zone->managed / 100, 1, 511);
	/* Every request is a pressed one. */
	zone_set_limits(arena.zone, 0, 2048, 2048, 0);
	for (; n < 8; n++)
		page[n] = alloc_pages(GFP_ATOMIC | __GFP_NOWARN, 3);
	assert_int_equal(type_at(rel(page[0])), MIGRATE_HIGHATOMIC);
	assert_int_equal(arena.zone->nr_reserved_highatomic, 1024);
	assert_int_equal(type_at(rel(page[7])), MIGRATE_UNMOVABLE);
	/* Who is not atomic leaves it. */
	while ((p = alloc_pages(__GFP_NOMEMALLOC | __GFP_NOWARN, 3)))
		page[n++] = p;
	assert_int_equal(arena.zone->nr_reserved_highatomic, 1024);
	zone_set_limits(arena.zone, 0, 0, 0, 0);
	p = alloc_pages(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN, 4);
	assert_non_null(p);
	assert_int_equal(arena.zone->nr_reserved_highatomic, 512);
	assert_int_equal(type_at(rel(p)), MIGRATE_UNMOVABLE);
	__free_pages(p, 4);
	free_rest(page, n, 3);
	test_shutdown(m, 0);
}

/* A request for Normal would rather go to a lower zone of its node than mix types in a pageblock; but
 * it mixes them before it goes to another node. */
static void test_lower_zones_before_mixing_types(void **state)
{
	struct machine *m = test_boot("preset=x86_64 ram=0-640K@0,1M-64M@0,4G-0x100100000@0,5G-0x148000000@1 "
				      "reserved=0-4K nodes=2 cpus=2 isolate_metadata=1");
	struct page *page = alloc_pages(GFP_KERNEL, 0), *all = NULL;

	(void)state;
	/* Less than a pageblock of Normal, of type MOVABLE. */
	assert_int_equal(test_zone(0, KMEM_ZONE_NORMAL)->managed, 256);
	assert_int_equal(page_to_nid(page), 0);
	assert_int_equal(page_zonenum(page), KMEM_ZONE_DMA32);
	__free_page(page);
	page = alloc_pages(GFP_HIGHUSER_MOVABLE, 0);
	assert_int_equal(page_zonenum(page), KMEM_ZONE_NORMAL);
	__free_page(page);
	drain_local_pages();
	while ((page = alloc_pages_node(0, __GFP_DMA32 | __GFP_THISNODE | __GFP_MEMALLOC | __GFP_NOWARN, 0))) {
		page->private = (unsigned long)all;
		all = page;
	}
	page = alloc_pages(GFP_KERNEL, 0);
	assert_int_equal(page_to_nid(page), 0);
	assert_int_equal(page_zonenum(page), KMEM_ZONE_NORMAL);
	__free_page(page);
	for (; all; all = page) {
		page = (struct page *)all->private;
		__free_page(all);
	}
	drain_all_pages();
	check_zones();
	test_shutdown(m, 0);
}

/* On a machine of less than four pageblocks all is of one type. */
static void test_no_grouping_on_a_tiny_machine(void **state)
{
	struct machine *m = test_boot("preset=x86_64 ram=1M-7M cpus=1 isolate_metadata=1");
	struct page *movable = alloc_pages(GFP_HIGHUSER_MOVABLE, 0);

	(void)state;
	assert_true(arch_kernel()->buddy->mobility_disabled);
	assert_int_equal(get_pageblock_migratetype(movable), MIGRATE_UNMOVABLE);
	__free_pages(movable, 0);
	drain_all_pages();
	check_zones();
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_blocks_are_claimed),
		cmocka_unit_test(test_unmovable_takes_the_pageblock),
		cmocka_unit_test(test_movable_takes_the_smallest),
		cmocka_unit_test(test_a_steal_boosts_the_watermarks),
		cmocka_unit_test(test_highatomic_reserve),
		cmocka_unit_test(test_highatomic_reserve_is_limited),
		wide_unit_test(test_lower_zones_before_mixing_types),
		cmocka_unit_test(test_no_grouping_on_a_tiny_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
