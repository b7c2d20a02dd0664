/* SPDX-License-Identifier: MIT */
/* Pages handed in wrongly: each is reported, none is obeyed, nothing is corrupted. References. */
#include "buddy_test.h"

#include "memblock/memblock.h"

static struct buddy_arena arena;
static struct machine *machine;

static int setup(void **state)
{
	(void)state;
	machine = test_arena(2, &arena);
	return 0;
}

/* Nothing lost, nothing twice on a list. */
static int teardown(void **state)
{
	(void)state;
	drain_local_pages();
	check_zones();
	assert_int_equal(arena.zone->nr_free, 2 * TOP_PAGES);
	assert_int_equal(arena.zone->free_area[TOP_ORDER].nr_free, 2);
	test_shutdown(machine, 0);
	return 0;
}

static struct page *get(unsigned int order)
{
	struct page *page = alloc_pages(GFP_KERNEL, order);

	assert_non_null(page);
	return page;
}

static void test_double_free_on_cpu_list(void **state)
{
	struct page *page = get(0);

	(void)state;
	__free_pages(page, 0);
	assert_int_equal(arch_kernel()->taint, 0);
	__free_pages(page, 0);
	expect_report(MACHINE_BUG, "page dumped because: page freed twice");
	assert_int_equal(arch_kernel()->taint, 1u << TAINT_BAD_PAGE);
	free_page((unsigned long)page_address(page));
	expect_report(MACHINE_BUG, "page freed twice");
}

static void test_double_free_on_free_list(void **state)
{
	struct page *page = get(6), *high = get(6);

	(void)state;
	__free_pages(high, 6);
	__free_pages(high, 6);
	expect_report(MACHINE_BUG, "page freed twice");
	/* Merged into the block below, it is no head any more. */
	__free_pages(page, 6);
	__free_pages(high, 6);
	expect_report(MACHINE_BUG, "page freed twice");
}

static void test_double_free_in_flight_of_a_flush(void **state)
{
	struct page *page[64];

	(void)state;
	zone_set_pcp_limits(arena.zone, 8, 4);
	for (unsigned int i = 0; i < 64; i++)
		page[i] = get(0);
	for (unsigned int i = 0; i < 64; i++)
		__free_pages(page[i], 0);
	for (unsigned int i = 0; i < 64; i++)
		__free_pages(page[i], 0);
	expect_reports(64, MACHINE_BUG, "page freed twice");
}

static void test_wrong_order(void **state)
{
	struct page *plain = get(3), *compound = alloc_pages(GFP_KERNEL | __GFP_COMP, 5);

	(void)state;
	for (unsigned int order = 0; order < MAX_ORDER + 2; order++) {
		if (order != 3) {
			__free_pages(plain, order);
			expect_report(MACHINE_BUG, "allocated with order 3");
		}
		if (order != 5) {
			__free_pages(compound, order);
			expect_report(MACHINE_BUG, "allocated with order 5");
		}
	}
	__free_pages(plain, 0x103);
	expect_report(MACHINE_BUG, "called with order 259, allocated with order 3");
	__free_pages(plain, 3);
	__free_pages(compound, 5);
	expect_no_reports();
}

static void test_tail_and_inner_pages(void **state)
{
	struct page *plain = get(4), *compound = alloc_pages(GFP_KERNEL | __GFP_COMP, 4);

	(void)state;
	__free_pages(page_step(compound, 1), 0);
	expect_report(MACHINE_BUG, "tail page of a compound page");
	__free_pages(page_step(compound, 8), 3);
	expect_report(MACHINE_BUG, "tail page of a compound page");
	__free_pages(page_step(plain, 1), 0);
	expect_report(MACHINE_BUG, "page inside a block of order 4");
	__free_pages(page_step(plain, 8), 3);
	expect_report(MACHINE_BUG, "page inside a block of order 4");
	__free_pages(plain, 4);
	__free_pages(compound, 4);
}

static void test_pages_never_handed_out(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=1G cpus=1 isolate_metadata=1");
	struct zone *zone = test_zone(0, KMEM_ZONE_DMA32);
	struct page *range = list_first_entry(&zone->free_area[TOP_ORDER].free_list[MIGRATE_MOVABLE],
					      struct page, list);
	const struct memblock_type *reserved = &zone->kernel->memblock->reserved;

	(void)state;
	assert_int_equal(range->type, PAGE_TYPE_RANGE);
	__free_pages(range, TOP_ORDER);
	expect_report(MACHINE_BUG, "never handed out");
	__free_pages(page_step(range, 5000), 0);
	expect_report(MACHINE_BUG, "never handed out");
	put_page(page_step(range, 5000));
	expect_report(MACHINE_BUG, "not in use");
	get_page(range);
	expect_report(MACHINE_BUG, "not in use");
	/* Reserved, and no RAM at all. */
	__free_pages(pfn_page(zone->kernel->buddy, reserved->regions[reserved->cnt - 1].base >> PAGE_SHIFT),
		     0);
	expect_report(MACHINE_BUG, "never handed out");
	__free_pages(pfn_page(zone->kernel->buddy, 0xa0000 >> PAGE_SHIFT), 0);
	expect_report(MACHINE_BUG, "never handed out");
	check_zones();
	test_shutdown(m, 0);
	assert_int_equal(machine_enter(machine), 0);
}

static void test_no_pages(void **state)
{
	const struct arch_machine *am = arch_kernel()->arch;
	struct page *page = get(0);
	char mine[256] = "";

	(void)state;
	__free_pages(NULL, 0);
	expect_report(MACHINE_BUG, "page is NULL");
	__free_pages((struct page *)(void *)mine, 0);
	expect_report(MACHINE_BUG, "not a page of this machine");
	__free_pages((struct page *)(void *)((char *)page + 8), 0);
	expect_report(MACHINE_BUG, "not a page of this machine");
	__free_pages(memmap_page(am->memmap, am->ram_size >> PAGE_SHIFT), 0);
	expect_report(MACHINE_BUG, "not a page of this machine");
	free_pages((unsigned long)mine, 0);
	expect_report(MACHINE_BUG, "not the address of a page");
	free_pages((unsigned long)page_address(page) + 64, 0);
	expect_report(MACHINE_BUG, "not the address of a page");
	__free_pages(page, 0);
}

static void test_shape_of_the_report(void **state)
{
	struct page *page = get(4);
	unsigned long pfn = page_to_pfn(page);
	char want[256];

	(void)state;
	__free_pages(page, 4);
	__free_pages(page, 4);
	assert_int_equal(test_state.nr_reports, 1);
	snprintf(want, sizeof(want), "pfn:%05lx\npage:%016llx refcount:0 mapcount:0 "
		 "mapping:0000000000000000 index:0x0 pfn:0x%lx\nflags: 0x0(node=0|zone=1)\nraw: ", pfn,
		 0xffffea0000000000ull + pfn * 64, pfn);
	assert_true(!strncmp(test_state.reports[0].title, "BUG: Bad page state in process ", 31));
	expect_report(MACHINE_BUG, want);
}

static void test_slab_pages(void **state)
{
	struct kernel *k = arch_kernel();

	(void)state;
	for (unsigned int order = 0; order < 5; order++) {
		struct page *page = buddy_alloc_slab(k, GFP_KERNEL, order, NUMA_NO_NODE);

		assert_int_equal(page->type, PAGE_TYPE_SLAB);
		for (unsigned long i = 0; i < 1ul << order; i++)
			assert_ptr_equal(page_step(page, i)->head, page);
		for (unsigned int i = 0; i < 6; i++)
			assert_int_equal(page->overlay[i], 0);
		assert_int_equal(page_count(page), 1);
		memset(page->overlay, 0xff, sizeof(page->overlay));
		__free_pages(page, order);
		expect_report(MACHINE_BUG, "page of a slab");
		put_page(page);
		expect_report(MACHINE_BUG, "not in use");
		buddy_free_slab(k, page, order + 1);
		expect_report(MACHINE_BUG, "allocated with order");
		buddy_free_slab(k, page, order);
		expect_no_reports();
		assert_null(page->head);
		buddy_free_slab(k, page, order);
		expect_report(MACHINE_BUG, "page freed twice");
		page = get(order);
		buddy_free_slab(k, page, order);
		expect_report(MACHINE_BUG, "not a slab's page");
		__free_pages(page, order);
		/* The slab's overlay leaves nothing behind. */
		page = alloc_pages(GFP_KERNEL, order);
		assert_int_equal(page_count(page), 1);
		__free_pages(page, order);
	}
}

/* --- references ------------------------------------------------------------------------------ */

static void test_references(void **state)
{
	struct page *page = get(0), *compound = alloc_pages(GFP_KERNEL | __GFP_COMP, 3);

	(void)state;
	get_page(page);
	assert_int_equal(page_count(page), 2);
	__free_pages(page, 0);
	assert_int_equal(page_count(page), 1);
	put_page(page);
	assert_int_equal(page_count(page), 0);
	put_page(page);
	expect_report(MACHINE_BUG, "not in use");

	get_page(page_step(compound, 5));
	assert_int_equal(page_count(compound), 2);
	put_page(page_step(compound, 3));
	put_page(compound);
	assert_int_equal(page_count(compound), 0);
	assert_null(page_step(compound, 5)->head);
}

/* Somebody holds the first page of a plain block: the others go, it stays. */
static void test_free_under_a_reference(void **state)
{
	struct page *page = get(6);

	(void)state;
	get_page(page);
	__free_pages(page, 6);
	drain_local_pages();
	assert_int_equal(arena.zone->nr_free, 2 * TOP_PAGES - 1);
	assert_int_equal(page_count(page), 1);
	put_page(page);
	expect_no_reports();
}

static void test_split(void **state)
{
	struct page *page = get(4), *compound = alloc_pages(GFP_KERNEL | __GFP_COMP, 4);

	(void)state;
	split_page(page, 3);
	expect_report(MACHINE_BUG, "called with order 3, allocated with order 4");
	split_page(compound, 4);
	expect_report(MACHINE_BUG, "split of a compound page");
	split_page(page, 4);
	for (unsigned int i = 0; i < 16; i++)
		assert_int_equal(page_count(page_step(page, i)), 1);
	__free_pages(page, 4);
	expect_report(MACHINE_BUG, "allocated with order 0");
	for (unsigned int i = 0; i < 16; i++)
		__free_page(page_step(page, i));
	__free_pages(compound, 4);
	expect_no_reports();
}

static void test_leaks_are_counted(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M isolate_metadata=1");
	struct page *a = get(0), *b = get(4);

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	test_shutdown(m, 17);
	assert_non_null(strstr(test_state.last_log, "17 pages were not given back"));
	assert_int_equal(machine_enter(machine), 0);
}

#define MISUSE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MISUSE(test_double_free_on_cpu_list),
		MISUSE(test_double_free_on_free_list),
		MISUSE(test_double_free_in_flight_of_a_flush),
		MISUSE(test_wrong_order),
		MISUSE(test_tail_and_inner_pages),
		MISUSE(test_pages_never_handed_out),
		MISUSE(test_no_pages),
		MISUSE(test_shape_of_the_report),
		MISUSE(test_slab_pages),
		MISUSE(test_references),
		MISUSE(test_free_under_a_reference),
		MISUSE(test_split),
		MISUSE(test_leaks_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
