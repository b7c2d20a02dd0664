/* SPDX-License-Identifier: MIT */
/* Blocks of whole pages: marked while they live, unmarked before the page allocator has them back. */
#include "../support/kmem_test.h"

#include "buddy/page.h"
#include "common/registry.h"

static void check_block(struct kernel *k, size_t size, unsigned int order)
{
	void *p = large_alloc(k, size, GFP_KERNEL | __GFP_ZERO, NUMA_NO_NODE);
	struct page *head = virt_to_page(p), *last;

	assert_non_null(p);
	last = pfn_to_page(page_to_pfn(head) + (1ul << order) - 1);
	assert_true(head->flags & PG_LARGE);
	assert_ptr_equal(head->head, head);
	assert_ptr_equal(last->head, head);
	assert_int_equal(large_size(head), PAGE_SIZE << order);
	assert_int_equal(k->caches->large_pages, 1l << order);
	assert_int_equal(((char *)p)[size - 1], 0);
	memset(p, 0xff, size);
	large_free(k, head);
	assert_false(head->flags & PG_LARGE);
	assert_null(head->head);
	assert_null(last->head);
	assert_int_equal(k->caches->large_pages, 0);
}

static void blocks_of_all_orders(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M");
	struct kernel *k = arch_kernel();
	unsigned int order;

	check_block(k, 1, 0);
	for (order = 0; order < MAX_ORDER; order++) {
		check_block(k, PAGE_SIZE << order, order);
		if (order)
			check_block(k, (PAGE_SIZE << (order - 1)) + 1, order);
	}
	test_shutdown(m, 0);
}

static void failure_counts_nothing(void **state)
{
	struct machine *m = test_boot("preset=tiny-8M");
	struct kernel *k = arch_kernel();
	void *p[16];
	int n = 0;

	while (n < 16 && (p[n] = large_alloc(k, KMALLOC_MAX_SIZE / 4, GFP_KERNEL | __GFP_NOWARN, NUMA_NO_NODE)))
		n++;
	assert_in_range(n, 1, 15);
	assert_int_equal(k->caches->large_pages, n * 256);
	while (n--)
		large_free(k, virt_to_page(p[n]));
	assert_int_equal(k->caches->large_pages, 0);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_of_all_orders),
		cmocka_unit_test(failure_counts_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
