/* SPDX-License-Identifier: MIT */
/* Pages freed twice, by a tail, with a wrong order: always noticed, never obeyed. */
#include "conformance.h"

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
	cmocka_unit_test(another_machines_page),
};
TEST_GROUP(page_misuse, tests);
