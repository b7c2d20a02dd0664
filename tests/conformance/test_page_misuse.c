/* SPDX-License-Identifier: MIT */
/* Pages freed twice, by a tail, with a wrong order: always noticed, never obeyed. */
#include "conformance.h"

#include <limits.h>

static void freed_twice(void **state)
{
	struct machine *m = test_boot(PLAIN);
	unsigned long before = test_free_pages();
	unsigned int order;

	for (order = 0; order < MAX_ORDER; order++) {
		struct page *page = alloc_pages(GFP_KERNEL, order);

		__free_pages(page, order);
		__free_pages(page, order);
		expect_report(MACHINE_BUG, NULL);
	}
	assert_int_equal(test_free_pages(), before);
	test_shutdown(m, 0);
}

static void tail_pages(void **state)
{
	struct machine *m = test_boot(PLAIN);
	unsigned long before = test_free_pages();
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP, 2);

	__free_page(pfn_to_page(page_to_pfn(page) + 1));
	expect_report(MACHINE_BUG, NULL);
	__free_pages(pfn_to_page(page_to_pfn(page) + 2), 1);
	expect_report(MACHINE_BUG, NULL);
	__free_pages(page, 2);
	expect_no_reports();
	assert_int_equal(test_free_pages(), before);
	test_shutdown(m, 0);
}

static void wrong_order_of_a_compound_page(void **state)
{
	struct machine *m = test_boot(PLAIN);
	unsigned long before = test_free_pages();
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP, 3);

	__free_pages(page, 2);
	expect_report(MACHINE_BUG, NULL);
	__free_pages(page, 4);
	expect_report(MACHINE_BUG, NULL);
	__free_pages(page, 3);
	expect_no_reports();
	assert_int_equal(test_free_pages(), before);
	test_shutdown(m, 0);
}

static void no_page_at_all(void **state)
{
	struct machine *m = test_boot(PLAIN);
	static char not_a_page[64];

	__free_pages(NULL, 0);
	expect_report(MACHINE_BUG, NULL);
	__free_pages((struct page *)(void *)not_a_page, 0);
	expect_report(MACHINE_BUG, NULL);
	free_pages((unsigned long)not_a_page, 0);
	expect_report(MACHINE_BUG, NULL);
	test_shutdown(m, 0);
}

static void slab_pages_are_not_the_callers(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("slab", 64, 0, 0, NULL);
	void *p = kmem_cache_alloc(s, GFP_KERNEL);

	test_fill(p, 64, 1);
	__free_pages(virt_to_page(kmem_slab_base(p)), 0);
	expect_report(MACHINE_BUG, NULL);
	free_page((unsigned long)kmem_slab_base(p));
	expect_report(MACHINE_BUG, NULL);
	assert_true(test_filled(p, 64, 1));
	kmem_cache_free(s, p);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

/* After whatever was refused, every block size comes and goes, and nothing is missing. */
static void still_works(unsigned long before)
{
	unsigned int order;

	for (order = 0; order < MAX_ORDER; order++) {
		struct page *page = alloc_pages(GFP_KERNEL, order);

		assert_non_null(page);
		__free_pages(page, order);
	}
	expect_no_reports();
	assert_int_equal(test_free_pages(), before);
}

static void wrong_order_of_a_plain_block(void **state)
{
	struct machine *m = test_boot(PLAIN);
	unsigned long before = test_free_pages();
	struct page *page = alloc_pages(GFP_KERNEL, 3);
	unsigned int order;

	for (order = 0; order < MAX_ORDER + 3; order++) {
		if (order == 3)
			continue;
		__free_pages(page, order);
		expect_report(MACHINE_BUG, "allocated with order 3");
	}
	__free_pages(page, ~0u);
	expect_report(MACHINE_BUG, "allocated with order 3");
	__free_pages(page, 3);
	still_works(before);
	test_shutdown(m, 0);
}

static void pages_inside_a_block(void **state)
{
	struct machine *m = test_boot(PLAIN);
	unsigned long before = test_free_pages();
	struct page *page = alloc_pages(GFP_KERNEL, 4);

	__free_page(pfn_to_page(page_to_pfn(page) + 3));
	expect_report(MACHINE_BUG, "page inside a block of order 4");
	put_page(pfn_to_page(page_to_pfn(page) + 1));
	expect_report(MACHINE_BUG, "not in use");
	__free_pages(page, 4);
	still_works(before);
	test_shutdown(m, 0);
}

static void references_that_nobody_holds(void **state)
{
	struct machine *m = test_boot(PLAIN);
	unsigned long before = test_free_pages();
	struct page *page = alloc_page(GFP_KERNEL), *comp = alloc_pages(GFP_KERNEL | __GFP_COMP, 2);

	put_page(page);
	put_page(page);
	expect_report(MACHINE_BUG, "reference dropped on a page that is not in use");
	get_page(page);
	expect_report(MACHINE_BUG, "reference taken on a page that is not in use");
	put_page(pfn_to_page(page_to_pfn(comp) + 3));
	put_page(comp);
	expect_report(MACHINE_BUG, "reference dropped on a page that is not in use");
	still_works(before);
	test_shutdown(m, 0);
}

static void references_on_what_is_no_page(void **state)
{
	struct machine *m = test_boot(PLAIN);
	unsigned long before = test_free_pages();
	struct page *page = alloc_page(GFP_KERNEL), *foreign[3];
	static char not_a_page[64];
	unsigned int i;

	foreign[0] = NULL;
	foreign[1] = (struct page *)(void *)not_a_page;
	foreign[2] = (struct page *)8;
	for (i = 0; i < 3; i++) {
		put_page(foreign[i]);
		expect_report(MACHINE_BUG, "reference dropped on what is not a page of this machine");
		get_page(foreign[i]);
		expect_report(MACHINE_BUG, "reference taken on what is not a page of this machine");
		assert_false(get_page_unless_zero(foreign[i]));
		expect_report(MACHINE_BUG, "reference taken on what is not a page of this machine");
		page_ref_inc(foreign[i]);
		expect_report(MACHINE_BUG, "not the first of a block in use");
	}
	page_ref_sub(page, INT_MIN);
	expect_report(MACHINE_BUG, "refcount overflow");
	page_ref_sub(page, INT_MAX);
	expect_report(MACHINE_BUG, "refcount underflow");
	page_ref_add(page, INT_MAX);
	expect_report(MACHINE_BUG, "refcount overflow");
	assert_int_equal(page_count(page), 1);
	__free_page(page);
	still_works(before);
	test_shutdown(m, 0);
}

static void odd_addresses_of_pages(void **state)
{
	struct machine *m = test_boot(PLAIN);
	unsigned long before = test_free_pages();
	struct page *page = alloc_page(GFP_KERNEL);
	unsigned long addr = (unsigned long)page_address(page);

	free_pages(addr + 8, 0);
	expect_report(MACHINE_BUG, "not the address of a page");
	free_page(addr + PAGE_SIZE - 1);
	expect_report(MACHINE_BUG, "not the address of a page");
	free_pages_exact((void *)(addr + 16), PAGE_SIZE);
	expect_report(MACHINE_BUG, "not the address of a page");
	__free_page((struct page *)((char *)page + 8));
	expect_report(MACHINE_BUG, "not a page of this machine");
	free_page(addr);
	still_works(before);
	test_shutdown(m, 0);
}

static void reserved_and_untouched_pages(void **state)
{
	struct machine *m = test_boot(PLAIN);
	unsigned long before = test_free_pages();

	/* The kernel's image. */
	__free_page(pfn_to_page(0x1000));
	expect_report(MACHINE_BUG, "page was never handed out");
	assert_null(pfn_to_page(0xa0));
	still_works(before);
	test_shutdown(m, 0);
}

static void every_page_of_a_slab_is_the_slabs(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("large", 3000, 0, 0, NULL);
	void *p = kmem_cache_alloc(s, GFP_KERNEL);
	struct page *page = virt_to_page(kmem_slab_base(p));

	put_page(page);
	expect_report(MACHINE_BUG, "not in use");
	split_page(page, 0);
	expect_report(MACHINE_BUG, NULL);
	set_page_private(page, 1);
	expect_report(MACHINE_BUG, "not the first of a block in use");
	memset(p, 0x77, 3000);
	kmem_cache_free(s, p);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

/* With no machine left, and with another one. */
static void pages_outlive_no_machine(void **state)
{
	struct machine *m = test_boot(PLAIN), *other;
	struct page *page = alloc_page(GFP_KERNEL);
	unsigned long addr = (unsigned long)page_address(page);

	assert_int_equal(machine_shutdown(m), 1);
	test_state.nr_reports = 0;
	__free_page(page);
	expect_report(MACHINE_WARN, "no machine entered");
	free_page(addr);
	expect_report(MACHINE_WARN, "no machine entered");
	put_page(page);
	expect_report(MACHINE_WARN, "no machine entered");
	get_page(page);
	expect_report(MACHINE_WARN, "no machine entered");
	assert_false(get_page_unless_zero(page));
	expect_report(MACHINE_WARN, "no machine entered");
	assert_null(alloc_page(GFP_KERNEL));
	expect_report(MACHINE_WARN, "no machine entered");
	other = test_boot("preset=x86_64 mem=32M");
	__free_page((struct page *)&addr);
	expect_report(MACHINE_BUG, "not a page of this machine");
	still_works(test_free_pages());
	test_shutdown(other, 0);
}

/* Title, page, flags, raw words, reason, and who did it: the kernel's lines. */
static void a_report_has_the_kernels_lines(void **state)
{
	static const char *const lines[] = {
		"BUG: Bad page state in process ", "\npage:ffffea00", " refcount:0 mapcount:0 mapping:", "\nflags: 0x",
		"\nraw: ", "\npage dumped because: page freed twice\n", "\nCPU: 0 PID: ",
	};
	struct machine *m = test_boot(PLAIN);
	struct page *page = alloc_page(GFP_KERNEL);
	const char *at = test_state.reports[0].text;
	unsigned int i;

	__free_page(page);
	__free_page(page);
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		at = strstr(at, lines[i]);
		assert_non_null(at);
	}
	expect_report(MACHINE_BUG, NULL);
	test_shutdown(m, 0);
}

static void another_machines_page(void **state)
{
	struct machine *a = test_boot(PLAIN), *b;
	struct page *page = alloc_page(GFP_KERNEL);
	unsigned long addr = (unsigned long)page_address(page);

	b = test_boot("preset=x86_64 mem=32M");
	__free_page(page);
	expect_report(MACHINE_BUG, NULL);
	free_page(addr);
	expect_report(MACHINE_BUG, NULL);
	put_page(page);
	expect_report(MACHINE_BUG, "not a page of this machine");
	test_shutdown(b, 0);
	assert_int_equal(machine_enter(a), 0);
	__free_page(page);
	test_shutdown(a, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(freed_twice),
	cmocka_unit_test(tail_pages),
	cmocka_unit_test(wrong_order_of_a_compound_page),
	cmocka_unit_test(no_page_at_all),
	cmocka_unit_test(slab_pages_are_not_the_callers),
	cmocka_unit_test(wrong_order_of_a_plain_block),
	cmocka_unit_test(pages_inside_a_block),
	cmocka_unit_test(references_that_nobody_holds),
	cmocka_unit_test(references_on_what_is_no_page),
	cmocka_unit_test(odd_addresses_of_pages),
	cmocka_unit_test(reserved_and_untouched_pages),
	cmocka_unit_test(every_page_of_a_slab_is_the_slabs),
	cmocka_unit_test(pages_outlive_no_machine),
	cmocka_unit_test(a_report_has_the_kernels_lines),
	cmocka_unit_test(another_machines_page),
};
TEST_GROUP(page_misuse, tests);
