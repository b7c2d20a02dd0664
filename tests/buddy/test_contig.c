/* SPDX-License-Identifier: MIT */
/* Ranges taken as they lie: whole and broken pageblocks, ranges never used, what is busy. */
#include "buddy_test.h"

#include "lib/errno.h"
#include "memblock/memblock.h"

#define MOVABLE (GFP_HIGHUSER_MOVABLE | __GFP_NOWARN)

static struct buddy_arena arena;
static struct machine *machine;

static int setup(void **state)
{
	(void)state;
	machine = test_arena(4, &arena);
	return 0;
}

/* All is whole again, each pageblock movable, nothing set apart. */
static int teardown(void **state)
{
	(void)state;
	drain_local_pages();
	check_zones();
	assert_int_equal(arena.zone->nr_isolated, 0);
	assert_int_equal(arena.zone->nr_free, 4 * TOP_PAGES);
	assert_int_equal(arena.zone->free_area[TOP_ORDER].nr_free, 4);
	for (unsigned int type = 0; type < MIGRATE_TYPES; type++)
		assert_int_equal(!!arena.zone->nonempty[type], type == MIGRATE_MOVABLE);
	test_shutdown(machine, 0);
	return 0;
}

static unsigned long at(unsigned long rel)
{
	return (unsigned long)arena.base_pfn + rel;
}

static int take(unsigned long rel, unsigned long nr)
{
	return alloc_contig_range(at(rel), at(rel + nr), MIGRATE_MOVABLE, GFP_KERNEL);
}

static void test_ranges_of_any_length(void **state)
{
	static const unsigned long ranges[][2] = {
		{0, 1}, {1, 1}, {511, 2}, {0, 512}, {512, 512}, {100, 1000}, {1023, 2}, {0, 4096}, {4095, 1},
		{777, 2222},
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		unsigned long first = ranges[i][0], nr = ranges[i][1];

		assert_int_equal(take(first, nr), 0);
		check_zones();
		assert_int_equal(arena.zone->nr_free, 4 * TOP_PAGES - nr);
		for (unsigned long p = first; p < first + nr; p++) {
			struct page *page = pfn_to_page(at(p));

			assert_int_equal(page_count(page), 1);
			assert_int_equal(get_pageblock_migratetype(page), MIGRATE_MOVABLE);
			memset(page_address(page), 0xee, PAGE_SIZE);
		}
		free_contig_range(at(first), nr);
		expect_no_reports();
		drain_local_pages();
		assert_int_equal(arena.zone->free_area[TOP_ORDER].nr_free, 4);
	}
}

/* What is left of a block beside the range is the fewest blocks that it can be. */
static void test_what_is_left_beside_it(void **state)
{
	(void)state;
	zone_set_pcp_limits(arena.zone, 100, 15);
	assert_int_equal(take(4, 8), 0);
	assert_string_equal(test_lists_text(arena.zone, arena.base_pfn),
			    "buddy zone=DMA32 free=4088\n"
			    "  order2 n=2 M=[0 12]\n"
			    "  order4 n=1 M=[16]\n"
			    "  order5 n=1 M=[32]\n"
			    "  order6 n=1 M=[64]\n"
			    "  order7 n=1 M=[128]\n"
			    "  order8 n=1 M=[256]\n"
			    "  order9 n=1 M=[512]\n"
			    "  order10 n=3 M=[3072 2048 1024]\n"
			    "  pcp count=0 high=100 batch=15 free_factor=0\n");
	free_contig_range(at(4), 8);
}

/* A page in use ends it, and nothing has changed. */
static void test_busy(void **state)
{
	struct page *page = alloc_pages(MOVABLE, 0);
	unsigned long pfn;
	char before[8192];

	(void)state;
	assert_non_null(page);
	drain_local_pages();
	pfn = page_to_pfn(page);
	snprintf(before, sizeof(before), "%s", test_lists_text(arena.zone, arena.base_pfn));
	assert_int_equal(take(0, 4096), -EBUSY);
	assert_int_equal(alloc_contig_range(pfn, pfn + 1, MIGRATE_MOVABLE, GFP_KERNEL), -EBUSY);
	assert_int_equal(arena.zone->nr_isolated, 0);
	assert_int_equal(arena.zone->nr_free, 4 * TOP_PAGES - 1);
	check_zones();
	/* The pages beside it are to be had. */
	assert_int_equal(alloc_contig_range(pfn + 1, pfn + 20, MIGRATE_MOVABLE, GFP_KERNEL), 0);
	free_contig_range(pfn + 1, 19);
	drain_local_pages();
	__free_page(page);
	expect_no_reports();
}

/* Types come back: each its own if it fails, what was asked for if not. */
static void test_types(void **state)
{
	struct page *u = alloc_pages(GFP_KERNEL, 4);
	unsigned long pfn = page_to_pfn(u) & ~1023ul;

	(void)state;
	assert_int_equal(get_pageblock_migratetype(pfn_to_page(pfn)), MIGRATE_UNMOVABLE);
	assert_int_equal(alloc_contig_range(pfn, pfn + 1024, MIGRATE_MOVABLE, GFP_KERNEL), -EBUSY);
	assert_int_equal(get_pageblock_migratetype(pfn_to_page(pfn)), MIGRATE_UNMOVABLE);
	assert_int_equal(get_pageblock_migratetype(pfn_to_page(pfn + 512)), MIGRATE_UNMOVABLE);
	__free_pages(u, 4);
	assert_int_equal(alloc_contig_range(pfn, pfn + 1024, MIGRATE_CMA, GFP_KERNEL), 0);
	assert_int_equal(get_pageblock_migratetype(pfn_to_page(pfn)), MIGRATE_CMA);
	free_contig_range(pfn, 1024);
	drain_local_pages();
	/* Nobody falls back on CMA's lists here. */
	assert_int_equal(get_pageblock_migratetype(pfn_to_page(pfn + 512)), MIGRATE_CMA);
	assert_int_equal(alloc_contig_range(pfn, pfn + 1024, MIGRATE_MOVABLE, GFP_KERNEL), 0);
	free_contig_range(pfn, 1024);
}

/* Free pages on CPUs' lists are no obstacle. */
static void test_pages_in_stock_are_drained(void **state)
{
	struct page *page = alloc_pages(MOVABLE, 0);

	(void)state;
	__free_page(page);
	assert_true(arena.zone->nr_free < (long)(4 * TOP_PAGES));
	assert_int_equal(take(0, 4096), 0);
	free_contig_range(at(0), 4096);
}

static void test_what_cannot_be(void **state)
{
	const struct arch_machine *am = arch_kernel()->arch;

	(void)state;
	assert_int_equal(take(5, 0), -EINVAL);
	assert_int_equal(alloc_contig_range(at(9), at(3), MIGRATE_MOVABLE, GFP_KERNEL), -EINVAL);
	assert_int_equal(alloc_contig_range(0, am->nr_frames + 1, MIGRATE_MOVABLE, GFP_KERNEL), -EINVAL);
	assert_int_equal(alloc_contig_range(0x100, 0x1100, MIGRATE_MOVABLE, GFP_KERNEL), -EINVAL);
	assert_int_equal(alloc_contig_range(0xa0, 0xa1, MIGRATE_MOVABLE, GFP_KERNEL), -EINVAL);
	expect_no_reports();
	assert_int_equal(alloc_contig_range(at(0), at(1), MIGRATE_ISOLATE, GFP_KERNEL), -EINVAL);
	expect_report(MACHINE_WARN, "5 is no migrate type");
	assert_int_equal(alloc_contig_range(at(0), at(1), MIGRATE_MOVABLE, GFP_KERNEL | __GFP_COMP), -EINVAL);
	expect_report(MACHINE_WARN, "no compound pages");
	free_contig_range(am->nr_frames - 1, 2);
	expect_report(MACHINE_BUG, "not all of this machine");
	assert_int_equal(take(10, 3), 0);
	get_page(pfn_to_page(at(11)));
	free_contig_range(at(10), 3);
	expect_report(MACHINE_WARN, "1 pages are still in use!");
	put_page(pfn_to_page(at(11)));
	free_contig_range(at(10), 1);
	expect_report(MACHINE_BUG, "page freed twice");
}

static void test_zeroed(void **state)
{
	(void)state;
	memset(page_address(pfn_to_page(at(40))), 0x55, 3 * PAGE_SIZE);
	assert_int_equal(alloc_contig_range(at(40), at(43), MIGRATE_MOVABLE, GFP_KERNEL | __GFP_ZERO), 0);
	for (unsigned int i = 0; i < 3 * PAGE_SIZE; i++)
		assert_int_equal(((char *)page_address(pfn_to_page(at(40))))[i], 0);
	free_contig_range(at(40), 3);
}

/* --- anywhere -------------------------------------------------------------------------------- */

static void test_more_than_the_largest_block(void **state)
{
	struct page *a = alloc_contig_pages(2048, GFP_KERNEL, NUMA_NO_NODE, NULL);
	struct page *b = alloc_contig_pages(1000, GFP_KERNEL, 0, NULL), *c;

	(void)state;
	assert_non_null(a);
	assert_int_equal(page_to_pfn(a) % 2048, 0);
	assert_non_null(b);
	assert_int_equal(page_to_pfn(b) % 1000, 0);
	c = alloc_contig_pages(2048, GFP_KERNEL, 0, NULL);
	assert_null(c);
	assert_null(alloc_contig_pages(0, GFP_KERNEL, 0, NULL));
	free_contig_range(page_to_pfn(a), 2048);
	free_contig_range(page_to_pfn(b), 1000);
}

static void test_nodes(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=256M nodes=2 cpus=2 isolate_metadata=1");
	unsigned long only_1 = 2, none = 0;
	struct page *page = alloc_contig_pages(3000, GFP_KERNEL, 0, &only_1);

	(void)state;
	assert_int_equal(page_to_nid(page), 1);
	free_contig_range(page_to_pfn(page), 3000);
	page = alloc_contig_pages(3000, GFP_KERNEL | __GFP_THISNODE, 1, NULL);
	assert_int_equal(page_to_nid(page), 1);
	free_contig_range(page_to_pfn(page), 3000);
	assert_null(alloc_contig_pages(3000, GFP_KERNEL, 0, &none));
	assert_null(alloc_contig_pages(3000, GFP_KERNEL, 5, NULL));
	expect_report(MACHINE_WARN, "there is no node 5");
	drain_all_pages();
	check_zones();
	assert_int_equal(nr_free_pages(), totalram_pages());
	test_shutdown(m, 0);
	assert_int_equal(machine_enter(machine), 0);
}

/* Out of the middle of memory that was never used: what lies before and behind it stays untouched. */
static void test_out_of_an_untouched_range(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=" TEST_HUGE " cpus=1 isolate_metadata=1");
	struct zone *zone = test_zone(0, KMEM_ZONE_NORMAL);
	unsigned long pfn = (unsigned long)(TEST_HUGE_BYTES / 2 >> PAGE_SHIFT) + 300, ranges = 0;
	struct page *page;

	(void)state;
	assert_int_equal(alloc_contig_range(pfn, pfn + 5000, MIGRATE_MOVABLE, GFP_KERNEL), 0);
	check_zone(zone);
	list_for_each_entry(page, &zone->free_area[TOP_ORDER].free_list[MIGRATE_MOVABLE], list)
		ranges += page->type == PAGE_TYPE_RANGE;
	assert_int_equal(ranges, 2);
	free_contig_range(pfn, 5000);
	page = alloc_contig_pages(1ul << 16, GFP_KERNEL, 0, NULL);
	assert_non_null(page);
	free_contig_range(page_to_pfn(page), 1ul << 16);
	drain_all_pages();
	check_zone(zone);
	assert_int_equal(zone->nr_free, zone->managed);
	expect_no_reports();
	test_shutdown(m, 0);
	assert_int_equal(machine_enter(machine), 0);
}

/* On x86_32 a pageblock is as large as the largest block. */
static void test_pageblocks_of_order_10(void **state)
{
	struct machine *m = test_boot("preset=x86_32 mem=1G cpus=1 isolate_metadata=1");
	struct zone *zone = test_zone(0, KMEM_ZONE_HIGHMEM);
	unsigned long pfn = (unsigned long)zone->start_pfn + 2000;

	(void)state;
	assert_int_equal(arch_kernel()->buddy->pageblock_order, 10);
	assert_int_equal(alloc_contig_range(pfn, pfn + 3000, MIGRATE_MOVABLE, GFP_KERNEL), 0);
	check_zone(zone);
	free_contig_range(pfn, 3000);
	drain_all_pages();
	check_zone(zone);
	assert_int_equal(zone->nr_free, zone->managed);
	test_shutdown(m, 0);
	assert_int_equal(machine_enter(machine), 0);
}

/* What is freed into a pageblock that is set apart joins it, past the CPU's lists. */
static void test_frees_into_a_pageblock_set_apart(void **state)
{
	struct page *small = alloc_pages(MOVABLE, 0), *large = alloc_pages(MOVABLE, 5);
	unsigned long pfn = page_to_pfn(small) & ~511ul;

	(void)state;
	pageblock_set_type(arch_kernel()->buddy, pfn, MIGRATE_ISOLATE);
	__free_pages(small, 0);
	assert_int_equal(page_type(small), PAGE_TYPE_BUDDY);
	pageblock_set_type(arch_kernel()->buddy, pfn, MIGRATE_MOVABLE);
	/* Back among the others, by hand. */
	area_move_tail_locked(arena.zone, small, MIGRATE_MOVABLE);
	small = alloc_pages(MOVABLE, 0);
	__free_pages(small, 0);
	__free_pages(large, 5);
}

#define CONTIG(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONTIG(test_ranges_of_any_length),
		CONTIG(test_what_is_left_beside_it),
		CONTIG(test_busy),
		CONTIG(test_types),
		CONTIG(test_pages_in_stock_are_drained),
		CONTIG(test_what_cannot_be),
		CONTIG(test_zeroed),
		CONTIG(test_more_than_the_largest_block),
		CONTIG(test_nodes),
		wide_unit_test_setup_teardown(test_out_of_an_untouched_range, setup, teardown),
		CONTIG(test_pageblocks_of_order_10),
		CONTIG(test_frees_into_a_pageblock_set_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
