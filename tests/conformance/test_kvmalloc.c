/* SPDX-License-Identifier: MIT */
/* kvmalloc: kmalloc's memory where that has it, else vmalloc's. */
#include "conformance.h"

#include <limits.h>

#define PRIVATE "preset=x86_64 mem=64M backing=private"

static void small_is_kmalloc_large_may_be_either(void **state)
{
	static const struct {
		size_t size;
		bool vmalloc;
	} rows[] = {
		{ 1, false }, { 100, false }, { 4096, false }, { 10000, false }, { 1 << 20, false },
		{ KMALLOC_MAX_SIZE, false }, { KMALLOC_MAX_SIZE + 1, true }, { 6 << 20, true },
	};
	struct machine *m = test_boot(PLAIN);
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *p = kvmalloc(rows[i].size, GFP_KERNEL), *q;

		assert_non_null(p);
		assert_int_equal(is_vmalloc_addr(p), rows[i].vmalloc);
		memset(p, 0xff, rows[i].size);
		q = kvzalloc(rows[i].size, GFP_KERNEL);
		assert_true(test_all_zero(q, rows[i].size));
		kvfree(p);
		kvfree(q);
		q = kvzalloc_node(rows[i].size, GFP_KERNEL, 0);
		assert_true(test_all_zero(q, rows[i].size));
		kvfree(q);
	}
	assert_ptr_equal(kvmalloc(0, GFP_KERNEL), ZERO_SIZE_PTR);
	kvfree(ZERO_SIZE_PTR);
	kvfree(NULL);
	test_shutdown(m, 0);
}

static void arrays(void **state)
{
	struct machine *m = test_boot(PLAIN);
	unsigned int *p = kvmalloc_array(2 << 20, sizeof(*p), GFP_KERNEL);
	unsigned int *q = kvcalloc(2 << 20, sizeof(*p), GFP_KERNEL);

	assert_true(is_vmalloc_addr(p));
	p[(2 << 20) - 1] = 1;
	assert_true(test_all_zero(q, (2 << 20) * sizeof(*q)));
	kvfree(p);
	kvfree(q);
	assert_null(kvmalloc_array(SIZE_MAX / 2, 3, GFP_KERNEL));
	assert_null(kvcalloc(SIZE_MAX / 2, 3, GFP_KERNEL));
	expect_no_reports();
	test_shutdown(m, 0);
}

/* The pages of a fragmented machine: single ones are there, blocks are not. */
static void fragmented_memory_is_vmalloc(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=32M cpus=1");
	enum { MAX = 10000 };
	static struct page *pages[MAX];
	unsigned int n = 0, i;
	char *p;

	/* All of them: the reserves would be blocks. */
	while (n < MAX && (pages[n] = alloc_page(GFP_KERNEL | __GFP_MEMALLOC | __GFP_NOWARN)))
		n++;
	assert_true(n < MAX);
	for (i = 0; i < n; i++) {
		if (page_to_pfn(pages[i]) % 2) {
			__free_page(pages[i]);
			pages[i] = NULL;
		}
	}
	assert_null(kmalloc(100000, GFP_KERNEL | __GFP_NOWARN));
	p = kvmalloc(100000, GFP_KERNEL);
	assert_true(is_vmalloc_addr(p));
	memset(p, 1, 100000);
	/* Who may not wait cannot have that. */
	assert_null(kvmalloc(100000, GFP_ATOMIC | __GFP_NOWARN));
	kvfree(p);
	for (i = 0; i < n; i++)
		if (pages[i])
			__free_page(pages[i]);
	expect_no_reports();
	test_shutdown(m, 0);
}

static void a_node_is_a_wish(void **state)
{
	struct machine *m = test_boot(TWO_NODES);
	size_t size = KMALLOC_MAX_SIZE + 1;
	int nid;

	for (nid = 0; nid < 2; nid++) {
		char *p = kvmalloc_node(size, GFP_KERNEL, nid), *q = kvmalloc_node(100, GFP_KERNEL, nid);
		size_t off;

		assert_true(is_vmalloc_addr(p));
		for (off = 0; off < size; off += 100 * PAGE_SIZE)
			assert_int_equal(page_to_nid(vmalloc_to_page(p + off)), nid);
		assert_int_equal(page_to_nid(virt_to_page(q)), nid);
		kvfree(p);
		kvfree(q);
	}
	test_shutdown(m, 0);
}

static void too_large(void **state)
{
	struct machine *m = test_boot(PLAIN);

	assert_null(kvmalloc((size_t)INT_MAX + 1, GFP_KERNEL));
	expect_report(MACHINE_WARN, "INT_MAX");
	assert_null(kvmalloc(SIZE_MAX, GFP_KERNEL | __GFP_NOWARN));
	expect_no_reports();
	/* More than all RAM. */
	assert_null(kvmalloc(100 << 20, GFP_KERNEL | __GFP_NOWARN));
	expect_no_reports();
	assert_null(kvmalloc(8 << 20, GFP_ATOMIC));
	test_shutdown(m, 0);
}

static void kvrealloc_grows_from_one_to_the_other(void **state)
{
	struct machine *m = test_boot(PLAIN);
	size_t size = 10, next;
	char *p = kvmalloc(size, GFP_KERNEL), *q;

	test_fill(p, size, 5);
	for (; size < 5 << 20; size = next) {
		next = size * 7;
		q = kvrealloc(p, size, next, GFP_KERNEL);
		assert_non_null(q);
		assert_true(test_filled(q, size, 5));
		test_fill(q, next, 5);
		p = q;
	}
	assert_true(is_vmalloc_addr(p));
	assert_ptr_equal(kvrealloc(p, size, 100, GFP_KERNEL), p);
	assert_null(kvrealloc(p, size, 500 << 20, GFP_KERNEL | __GFP_NOWARN));
	assert_true(test_filled(p, size, 5));
	kvfree(p);
	p = kvrealloc(NULL, 0, 100, GFP_KERNEL);
	assert_non_null(p);
	kvfree(p);
	test_shutdown(m, 0);
}

static void sensitive_areas_are_wiped(void **state)
{
	struct machine *m = test_boot(PLAIN);
	size_t size = KMALLOC_MAX_SIZE + 4096;
	unsigned char *p = kvmalloc(size, GFP_KERNEL), *seen;
	unsigned char left[64];
	unsigned int i, n = 0;

	memset(p, 0xff, size);
	/* The same bytes at their other address. */
	seen = page_address(vmalloc_to_page(p + 8192));
	assert_int_equal(seen[5], 0xff);
	kvfree_sensitive(p, size);
	test_copy_free(left, seen, 64);
	for (i = 0; i < 64; i++)
		n += left[i] != 0;
	assert_int_equal(n, 0);
	p = kmalloc(100, GFP_KERNEL);
	kvfree_sensitive(p, 100);
	kvfree_sensitive(NULL, 100);
	kvfree_sensitive(ZERO_SIZE_PTR, 100);
	test_shutdown(m, 0);
}

static void misuse(void **state)
{
	struct machine *m = test_boot(PLAIN);
	char local[64], *p = kvmalloc(8 << 20, GFP_KERNEL);

	kvfree(local);
	expect_report(MACHINE_BUG, "kfree");
	kvfree(p + PAGE_SIZE);
	expect_report(MACHINE_WARN, "vfree");
	kvfree(p);
	kvfree(p);
	expect_report(MACHINE_WARN, "vfree");
	test_shutdown(m, 0);

	assert_null(kvmalloc(100, GFP_KERNEL));
	expect_report(MACHINE_WARN, "no machine entered");
	kvfree(local);
	expect_report(MACHINE_WARN, "no machine entered");
	kvfree(NULL);
	expect_no_reports();
}

/* One block of pages serves vmalloc there; above 4 MiB nothing does. */
static void on_private_memory(void **state)
{
	struct machine *m = test_boot(PRIVATE);
	char *p = kvmalloc(100000, GFP_KERNEL), *q = vmalloc(100000);

	memset(p, 1, 100000);
	memset(q, 2, 100000);
	assert_false(is_vmalloc_addr(p));
	assert_true(is_vmalloc_addr(q));
	assert_int_equal(p[99999], 1);
	kvfree(p);
	kvfree(q);
	assert_null(kvmalloc(5 << 20, GFP_KERNEL | __GFP_NOWARN));
	expect_no_reports();
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(small_is_kmalloc_large_may_be_either),
	cmocka_unit_test(arrays),
	cmocka_unit_test(fragmented_memory_is_vmalloc),
	cmocka_unit_test(a_node_is_a_wish),
	cmocka_unit_test(too_large),
	cmocka_unit_test(kvrealloc_grows_from_one_to_the_other),
	cmocka_unit_test(sensitive_areas_are_wiped),
	cmocka_unit_test(misuse),
	cmocka_unit_test(on_private_memory),
};
TEST_GROUP(kvmalloc, tests);
