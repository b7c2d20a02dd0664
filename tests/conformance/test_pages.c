/* SPDX-License-Identifier: MIT */
/* Pages: orders, zones, nodes, addresses; exhaustion. */
#include "conformance.h"

static void every_order(void **state)
{
	struct machine *m = test_boot(PLAIN);
	unsigned long before = test_free_pages();
	unsigned int order;

	for (order = 0; order < MAX_ORDER; order++) {
		struct page *page = alloc_pages(GFP_KERNEL, order);

		assert_non_null(page);
		assert_int_equal(page_to_pfn(page) % (1ul << order), 0);
		assert_int_equal(page_count(page), 1);
		test_fill(page_address(page), PAGE_SIZE << order, order);
		assert_true(test_filled(page_address(page), PAGE_SIZE << order, order));
		__free_pages(page, order);
	}
	assert_int_equal(test_free_pages(), before);
	test_shutdown(m, 0);
}

static void order_11_warns_and_fails(void **state)
{
	struct machine *m = test_boot(PLAIN);

	assert_null(alloc_pages(GFP_KERNEL, MAX_ORDER));
	expect_report(MACHINE_WARN, NULL);
	assert_int_equal(__get_free_pages(GFP_KERNEL, MAX_ORDER), 0);
	test_state.nr_reports = 0;
	test_shutdown(m, 0);
}

static void single_pages(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct page *page = alloc_page(GFP_KERNEL);
	unsigned long addr = __get_free_page(GFP_KERNEL), zeroed, i;

	assert_non_null(page);
	assert_true(addr);
	memset((void *)addr, 0xff, PAGE_SIZE);
	free_page(addr);
	for (i = 0; i < 20; i++) {
		zeroed = get_zeroed_page(GFP_KERNEL);
		assert_true(zeroed);
		assert_int_equal(((char *)zeroed)[0] | ((char *)zeroed)[4095], 0);
		memset((void *)zeroed, 0xff, PAGE_SIZE);
		free_page(zeroed);
	}
	free_page(0);
	free_pages(0, 3);
	__free_page(page);
	test_shutdown(m, 0);
}

static void addresses_go_back_and_forth(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct page *page = alloc_pages(GFP_KERNEL, 2);
	char *p = page_address(page);
	unsigned long pfn = page_to_pfn(page);
	int local;

	assert_ptr_equal(pfn_to_page(pfn), page);
	assert_int_equal(page_to_phys(page), (phys_addr_t)pfn << PAGE_SHIFT);
	assert_ptr_equal(virt_to_page(p), page);
	assert_ptr_equal(virt_to_page(p + 5000), pfn_to_page(pfn + 1));
	assert_int_equal(__pa((unsigned long)(p + 77)), page_to_phys(page) + 77);
	assert_ptr_equal(__va(page_to_phys(page) + 77), p + 77);
	assert_int_equal(ptr_to_kva(p), 0xffff888000000000u + page_to_phys(page));
	assert_ptr_equal(kva_to_ptr(ptr_to_kva(p) + 9), p + 9);
	assert_true(virt_addr_valid(p));
	assert_false(virt_addr_valid(&local));
	assert_null(virt_to_page(&local));
	assert_null(pfn_to_page(~0ul >> 13));
	assert_int_equal(ptr_to_kva(&local), 0);
	assert_null(kva_to_ptr(0x1000));
	assert_int_equal(page_to_nid(page), 0);
	__free_pages(page, 2);
	test_shutdown(m, 0);
}

static void zones_are_respected(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct page *dma = alloc_page(GFP_KERNEL | GFP_DMA), *dma32 = alloc_page(GFP_KERNEL | GFP_DMA32);

	assert_int_equal(page_zonenum(dma), KMEM_ZONE_DMA);
	assert_true(page_to_phys(dma) < 16u << 20);
	assert_int_equal(page_zonenum(dma32), KMEM_ZONE_DMA32);
	assert_string_equal(zone_type_name(KMEM_ZONE_DMA32), "DMA32");
	__free_page(dma);
	__free_page(dma32);
	test_shutdown(m, 0);
}

static void compound_pages(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP, 3);
	struct page *tail = pfn_to_page(page_to_pfn(page) + 5);

	assert_int_equal(compound_order(page), 3);
	assert_ptr_equal(compound_head(tail), page);
	assert_ptr_equal(compound_head(page), page);
	get_page(tail);
	assert_int_equal(page_count(page), 2);
	put_page(tail);
	assert_int_equal(page_count(page), 1);
	put_page(page);
	test_shutdown(m, 0);
}

static void split_pages_are_freed_alone(void **state)
{
	struct machine *m = test_boot(PLAIN);
	unsigned long before = test_free_pages(), pfn, i;
	struct page *page = alloc_pages(GFP_KERNEL, 3);

	split_page(page, 3);
	pfn = page_to_pfn(page);
	for (i = 0; i < 8; i++)
		__free_page(pfn_to_page(pfn + (i * 5) % 8));
	assert_int_equal(test_free_pages(), before);
	test_shutdown(m, 0);
}

static void exact_sizes(void **state)
{
	static const size_t sizes[] = { 1, 4096, 5000, 3 * 4096, 5 * 4096, 1000000 };
	struct machine *m = test_boot(PLAIN);
	unsigned long before = test_free_pages();
	unsigned int i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		void *p = alloc_pages_exact(sizes[i], GFP_KERNEL);

		assert_non_null(p);
		assert_int_equal(test_free_pages(), before - (sizes[i] + PAGE_SIZE - 1) / PAGE_SIZE);
		test_fill(p, sizes[i], i);
		free_pages_exact(p, sizes[i]);
		assert_int_equal(test_free_pages(), before);
	}
	test_shutdown(m, 0);
}

static void bulk_array(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct page *pages[100] = { NULL }, *own;
	unsigned int i;

	own = pages[10] = alloc_page(GFP_KERNEL);
	assert_int_equal(alloc_pages_bulk_array(GFP_KERNEL, 100, pages), 100);
	assert_ptr_equal(pages[10], own);
	for (i = 0; i < 100; i++)
		__free_page(pages[i]);
	test_shutdown(m, 0);
}

static void page_kinds(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct page *comp = alloc_pages(GFP_KERNEL | __GFP_COMP, 3), *plain = alloc_pages(GFP_KERNEL, 3);
	struct kmem_cache *s = kmem_cache_create("slab", 64, 0, 0, NULL);
	struct page *tail = pfn_to_page(page_to_pfn(comp) + 7);
	void *p = kmem_cache_alloc(s, GFP_KERNEL);

	assert_true(PageHead(comp) && PageCompound(comp) && !PageTail(comp));
	assert_true(!PageHead(tail) && PageCompound(tail) && PageTail(tail));
	assert_true(!PageHead(plain) && !PageCompound(plain) && !PageTail(plain));
	assert_true(!PageSlab(comp) && !PageSlab(plain) && !PageBuddy(plain) && !PageReserved(plain));
	/* The kernel's image begins at 16 MiB. */
	assert_true(PageReserved(pfn_to_page(0x1000)));
	assert_true(PageSlab(virt_to_page(kmem_slab_base(p))));
	kmem_cache_free(s, p);
	kmem_cache_destroy(s);
	__free_pages(plain, 3);
	__free_pages(comp, 3);
	drain_all_pages();
	assert_false(PageCompound(tail));
	plain = alloc_pages(GFP_KERNEL, MAX_ORDER - 1);
	__free_pages(plain, MAX_ORDER - 1);
	assert_true(PageBuddy(plain));
	test_shutdown(m, 0);
}

static void references(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct page *page = alloc_page(GFP_KERNEL), *comp = alloc_pages(GFP_KERNEL | __GFP_COMP, 2);
	struct page *tail = pfn_to_page(page_to_pfn(comp) + 1);

	page_ref_add(page, 10);
	page_ref_inc(page);
	assert_int_equal(page_ref_count(page), 12);
	page_ref_sub(page, 11);
	assert_int_equal(page_count(page), 1);
	assert_true(get_page_unless_zero(page));
	put_page(page);
	/* A tail has none of its own. */
	assert_true(get_page_unless_zero(tail));
	assert_int_equal(page_ref_count(comp), 2);
	assert_int_equal(page_ref_count(tail), 0);
	assert_int_equal(page_count(tail), 2);
	put_page(tail);
	/* Underflow, overflow, and pages without. */
	page_ref_sub(page, 1);
	expect_report(MACHINE_BUG, "refcount underflow");
	page_ref_sub(page, 100);
	expect_report(MACHINE_BUG, "refcount underflow");
	page_ref_add(page, INT32_MAX);
	expect_report(MACHINE_BUG, "refcount overflow");
	page_ref_inc(tail);
	expect_report(MACHINE_BUG, "not the first of a block in use");
	put_page(page);
	assert_false(get_page_unless_zero(page));
	put_page(page);
	expect_report(MACHINE_BUG, "reference dropped on a page that is not in use");
	page_ref_add(page, 1);
	expect_report(MACHINE_BUG, "not the first of a block in use");
	assert_int_equal(page_ref_count(page), 0);
	__free_pages(comp, 2);
	test_shutdown(m, 0);
}

static void private_words(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct page *page = alloc_pages(GFP_KERNEL, 2);
	unsigned int i;

	assert_int_equal(page_private(page), 0);
	set_page_private(page, 0x1234);
	assert_int_equal(page_private(page), 0x1234);
	set_page_private(pfn_to_page(page_to_pfn(page) + 1), 1);
	expect_report(MACHINE_BUG, "not the first of a block in use");
	__free_pages(page, 2);
	set_page_private(page, 1);
	expect_report(MACHINE_BUG, "not the first of a block in use");
	assert_int_equal(page_private(page), 0);
	/* It does not outlive the block. */
	for (i = 0; i < 3; i++) {
		page = alloc_page(GFP_KERNEL);
		assert_int_equal(page_private(page), 0);
		set_page_private(page, 7);
		__free_page(page);
	}
	test_shutdown(m, 0);
}

static void dumps_of_pages(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct page *page = alloc_page(GFP_KERNEL);

	test_state.nr_log = 0;
	dump_page(page, "to look at it");
	assert_int_equal(test_state.nr_log, 5);
	assert_string_equal(test_state.last_log, "page dumped because: to look at it");
	dump_page(NULL, NULL);
	assert_string_equal(test_state.last_log, "page dumped because: dump_page");
	__free_page(page);
	test_shutdown(m, 0);
}

static void contiguous_ranges(void **state)
{
	struct machine *m = test_boot(PLAIN);
	unsigned long before = test_free_pages(), pfn, i;
	struct page *page = alloc_contig_pages(3000, GFP_KERNEL | __GFP_ZERO, NUMA_NO_NODE, NULL);

	assert_non_null(page);
	pfn = page_to_pfn(page);
	assert_int_equal(test_free_pages(), before - 3000);
	for (i = 0; i < 3000; i++)
		assert_int_equal(page_count(pfn_to_page(pfn + i)), 1);
	assert_int_equal(*(char *)page_address(pfn_to_page(pfn + 2999)), 0);
	assert_int_equal(alloc_contig_range(pfn + 2000, pfn + 2001, 1, GFP_KERNEL), -16);
	__free_page(pfn_to_page(pfn + 2000));
	assert_int_equal(alloc_contig_range(pfn + 2000, pfn + 2001, 1, GFP_KERNEL), 0);
	assert_int_equal(alloc_contig_range(pfn, pfn, 1, GFP_KERNEL), -22);
	assert_null(alloc_contig_pages(before + 1, GFP_KERNEL, NUMA_NO_NODE, NULL));
	free_contig_range(pfn, 3000);
	assert_int_equal(test_free_pages(), before);
	test_shutdown(m, 0);
}

static void by_node(void **state)
{
	struct machine *m = test_boot(TWO_NODES);
	int nid;

	for (nid = 0; nid < 2; nid++) {
		void *p = alloc_pages_exact_nid(nid, 5 * PAGE_SIZE, GFP_KERNEL);
		struct page *pages[30] = { NULL };
		unsigned int i;

		assert_int_equal(page_to_nid(virt_to_page(p)), nid);
		free_pages_exact(p, 5 * PAGE_SIZE);
		assert_int_equal(alloc_pages_bulk_array_node(GFP_KERNEL, nid, 30, pages), 30);
		for (i = 0; i < 30; i++) {
			assert_int_equal(page_to_nid(pages[i]), nid);
			__free_page(pages[i]);
		}
	}
	assert_null(alloc_pages_exact_nid(2, 1, GFP_KERNEL));
	expect_report(MACHINE_WARN, "there is no node 2");
	assert_int_equal(alloc_pages_bulk_array_node(GFP_KERNEL, 2, 0, NULL), 0);
	expect_report(MACHINE_WARN, "there is no node 2");
	test_shutdown(m, 0);
}

static void nodes(void **state)
{
	struct machine *m = test_boot(TWO_NODES);
	int nid;

	for (nid = 0; nid < 2; nid++) {
		struct page *page = alloc_pages_node(nid, GFP_KERNEL, 1);

		assert_int_equal(page_to_nid(page), nid);
		__free_pages(page, 1);
	}
	assert_null(alloc_pages_node(2, GFP_KERNEL, 0));
	expect_report(MACHINE_WARN, NULL);
	assert_null(alloc_pages_node(-7, GFP_KERNEL, 0));
	expect_report(MACHINE_WARN, NULL);
	test_shutdown(m, 0);
}

static void pages_run_out_and_come_back(void **state)
{
	struct machine *m = test_boot(TINY);
	unsigned long before = test_free_pages(), n = 0;
	void **all = NULL, **p;

	while ((p = (void **)__get_free_pages(GFP_KERNEL | __GFP_NOWARN, 0))) {
		*p = all;
		all = p;
		n++;
	}
	assert_true(n > before / 5 * 4);
	/* An atomic request of high priority may go deeper into the reserves. */
	p = (void **)__get_free_pages(GFP_ATOMIC | __GFP_NOWARN, 0);
	if (p)
		free_page((unsigned long)p);
	while (all) {
		p = *all;
		free_page((unsigned long)all);
		all = p;
	}
	assert_int_equal(test_free_pages(), before);
	test_shutdown(m, 0);
}

static void highmem_has_no_address(void **state)
{
	struct machine *m = test_boot("preset=x86_32 mem=1G");
	struct page *page = alloc_page(GFP_HIGHUSER);

	assert_int_equal(page_zonenum(page), KMEM_ZONE_HIGHMEM);
	assert_null(page_address(page));
	__free_page(page);
	assert_int_equal(__get_free_pages(GFP_HIGHUSER, 0), 0);
	expect_report(MACHINE_WARN, NULL);
	test_shutdown(m, 0);
}

static void draining(void **state)
{
	struct machine *m = test_boot(TWO_CPUS);
	unsigned long free_pages;

	drain_all_pages();
	free_pages = nr_free_pages();
	assert_true(free_pages <= totalram_pages());
	assert_int_equal(cpu_migrate(1), 0);
	__free_page(alloc_page(GFP_KERNEL));
	assert_int_equal(cpu_migrate(0), 0);
	__free_page(alloc_page(GFP_KERNEL));
	assert_true(nr_free_pages() < free_pages);
	drain_local_pages();
	assert_true(nr_free_pages() < free_pages);
	drain_all_pages();
	assert_int_equal(nr_free_pages(), free_pages);
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_order),
	cmocka_unit_test(order_11_warns_and_fails),
	cmocka_unit_test(single_pages),
	cmocka_unit_test(addresses_go_back_and_forth),
	cmocka_unit_test(zones_are_respected),
	cmocka_unit_test(compound_pages),
	cmocka_unit_test(split_pages_are_freed_alone),
	cmocka_unit_test(exact_sizes),
	cmocka_unit_test(bulk_array),
	cmocka_unit_test(page_kinds),
	cmocka_unit_test(references),
	cmocka_unit_test(private_words),
	cmocka_unit_test(dumps_of_pages),
	cmocka_unit_test(contiguous_ranges),
	cmocka_unit_test(by_node),
	cmocka_unit_test(nodes),
	cmocka_unit_test(pages_run_out_and_come_back),
	cmocka_unit_test(highmem_has_no_address),
	cmocka_unit_test(draining),
};
TEST_GROUP(pages, tests);
