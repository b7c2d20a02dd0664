/* SPDX-License-Identifier: MIT */
/* From a page to its frame, addresses, zone and node, and back. */
#include "buddy_test.h"

static void test_round_trips(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=5G nodes=2 cpus=2");

	(void)state;
	for (int nid = 0; nid < 2; nid++) {
		struct page *page = alloc_pages_node(nid, GFP_KERNEL, 3);
		unsigned long pfn = page_to_pfn(page);
		char *p = page_address(page);

		assert_ptr_equal(pfn_to_page(pfn), page);
		assert_int_equal(page_to_phys(page), (phys_addr_t)pfn << PAGE_SHIFT);
		assert_ptr_equal(virt_to_page(p), page);
		assert_ptr_equal(virt_to_page(p + PAGE_SIZE * 3 + 17), page_step(page, 3));
		assert_true(virt_addr_valid(p));
		assert_int_equal(__pa((unsigned long)p + 5), page_to_phys(page) + 5);
		assert_ptr_equal(__va(page_to_phys(page) + 5), p + 5);
		assert_int_equal(ptr_to_kva(p + 5), 0xffff888000000000ull + page_to_phys(page) + 5);
		assert_ptr_equal(kva_to_ptr(ptr_to_kva(p + 5)), p + 5);
		assert_int_equal(page_to_nid(page), nid);
		assert_int_equal(page_to_nid(page_step(page, 7)), nid);
		__free_pages(page, 3);
	}
	test_shutdown(m, 0);
}

static void test_what_is_no_page(void **state)
{
	struct machine *m = test_boot("preset=x86_64 ram=1M-2M,4M-64M");
	char mine;

	(void)state;
	assert_null(virt_to_page(&mine));
	assert_false(virt_addr_valid(&mine));
	assert_false(virt_addr_valid(NULL));
	assert_int_equal(ptr_to_kva(&mine), 0);
	assert_null(pfn_to_page(64 << 8));
	assert_null(pfn_to_page(~0ul));
	assert_null(pfn_to_page(3 << 8));
	assert_null(__va(3 << 20));
	assert_null(__va(64 << 20));
	assert_null(kva_to_ptr(0xffff888000000000ull + (3 << 20)));
	assert_null(kva_to_ptr(0));
	assert_non_null(pfn_to_page(4 << 8));
	assert_non_null(__va(4 << 20));
	test_shutdown(m, 0);
}

/* On x86_32 the direct map, and with it every address, ends where HIGHMEM begins. */
static void test_highmem_has_no_address(void **state)
{
	struct machine *m = test_boot("preset=x86_32 mem=1G");
	struct page *high = alloc_pages(GFP_HIGHUSER | __GFP_ZERO, 2), *low = alloc_pages(GFP_KERNEL, 0);

	(void)state;
	assert_int_equal(page_zonenum(high), KMEM_ZONE_HIGHMEM);
	assert_null(page_address(high));
	assert_null(__va(page_to_phys(high)));
	assert_non_null(pfn_to_page(page_to_pfn(high)));
	assert_non_null(page_address(low));
	assert_int_equal(ptr_to_kva(page_address(low)), 0xc0000000ull + page_to_phys(low));
	assert_ptr_equal(kva_to_ptr(0xc0000000ull + page_to_phys(low)), page_address(low));
	__free_pages(high, 2);
	__free_pages(low, 0);
	test_shutdown(m, 0);
}

static void test_zone_names(void **state)
{
	(void)state;
	assert_string_equal(zone_type_name(KMEM_ZONE_DMA), "DMA");
	assert_string_equal(zone_type_name(KMEM_ZONE_DMA32), "DMA32");
	assert_string_equal(zone_type_name(KMEM_ZONE_NORMAL), "Normal");
	assert_string_equal(zone_type_name(KMEM_ZONE_HIGHMEM), "HighMem");
	assert_string_equal(zone_type_name(KMEM_ZONE_MOVABLE), "Movable");
	assert_string_equal(zone_type_name((enum kmem_zone_type)99), "?");
}

/* Zone and node of pages that nobody ever touched. */
static void test_untouched_pages(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=8G nodes=2 cpus=2 isolate_metadata=1");

	(void)state;
	assert_int_equal(page_zonenum(pfn_to_page(5000)), KMEM_ZONE_DMA32);
	assert_int_equal(page_to_nid(pfn_to_page(5000)), 0);
	assert_int_equal(page_zonenum(pfn_to_page(6ul << 18)), KMEM_ZONE_NORMAL);
	assert_int_equal(page_to_nid(pfn_to_page(6ul << 18)), 1);
	assert_int_equal(page_count(pfn_to_page(6ul << 18)), 0);
	assert_int_equal(compound_order(pfn_to_page(6ul << 18)), 0);
	assert_int_equal(get_pageblock_migratetype(pfn_to_page(6ul << 18)), MIGRATE_MOVABLE);
	test_shutdown(m, 0);
}

static void test_without_a_machine(void **state)
{
	struct machine *m = test_boot("tiny-8M");
	struct page *page = alloc_pages(GFP_KERNEL, 0);

	(void)state;
	__free_pages(page, 0);
	test_shutdown(m, 0);
	assert_null(alloc_pages(GFP_KERNEL, 0));
	expect_report(MACHINE_WARN, "no machine entered");
	__free_pages(page, 0);
	expect_report(MACHINE_WARN, "no machine entered");
	assert_int_equal(nr_free_pages(), 0);
	expect_report(MACHINE_WARN, "no machine entered");
	assert_null(alloc_pages_exact(100, GFP_KERNEL));
	expect_report(MACHINE_WARN, "no machine entered");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		wide_unit_test(test_round_trips),
		cmocka_unit_test(test_what_is_no_page),
		cmocka_unit_test(test_highmem_has_no_address),
		cmocka_unit_test(test_zone_names),
		wide_unit_test(test_untouched_pages),
		cmocka_unit_test(test_without_a_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
