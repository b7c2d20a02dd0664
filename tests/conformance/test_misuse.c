/* SPDX-License-Identifier: MIT */
/*
 * Misuse with a handler that goes on: each is reported once, refused, and nothing is corrupted.
 * What a backend does not notice by design is not provoked on it.
 */
#include "conformance.h"

static bool slob(void)
{
	return backend_is("slob");
}

/* The cache still works: @n objects, all different, none of them @live. */
static void check_sane(struct kmem_cache *s, void *live)
{
	enum { N = 300 };
	void *p[N];
	int i, j;

	for (i = 0; i < N; i++) {
		assert_non_null(p[i] = kmem_cache_alloc(s, GFP_KERNEL));
		assert_ptr_not_equal(p[i], live);
		for (j = 0; j < i; j++)
			assert_ptr_not_equal(p[i], p[j]);
		test_fill(p[i], kmem_cache_size(s), (uint64_t)i);
	}
	for (i = 0; i < N; i++) {
		assert_true(test_filled(p[i], kmem_cache_size(s), (uint64_t)i));
		kmem_cache_free(s, p[i]);
	}
	expect_no_reports();
}

static void foreign_pointers(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("foreign", 64, 0, 0, NULL);
	static char global[64];
	char *heap = malloc(64);
	char local[64];
	void *bad[] = { local, global, heap, (void *)8192, (void *)~(uintptr_t)63 };
	unsigned int i;

	kmem_cache_free(s, kmem_cache_alloc(s, GFP_KERNEL));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		kmem_cache_free(s, bad[i]);
		expect_report(MACHINE_BUG, "kmem_cache_free");
		kfree(bad[i]);
		expect_report(MACHINE_BUG, "kfree");
		assert_int_equal(ksize(bad[i]), 0);
		expect_report(MACHINE_BUG, "ksize");
		kmem_cache_free_bulk(s, 1, &bad[i]);
		expect_report(MACHINE_BUG, NULL);
		kmem_cache_free_bulk(NULL, 1, &bad[i]);
		expect_report(MACHINE_BUG, NULL);
	}
	check_sane(s, NULL);
	kmem_cache_destroy(s);
	free(heap);
	test_shutdown(m, 0);
}

static void pages_are_no_objects(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("pages", 64, 0, 0, NULL);
	struct page *page = alloc_pages(GFP_KERNEL, 1);
	struct page *compound = alloc_pages(GFP_KERNEL | __GFP_COMP, 1);
	void *large = kmalloc(100000, GFP_KERNEL);
	void *bad[] = { page_address(page), page_address(compound), (char *)page_address(page) + PAGE_SIZE,
			(char *)page_address(compound) + PAGE_SIZE, large };
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		kmem_cache_free(s, bad[i]);
		expect_report(MACHINE_BUG, "kmem_cache_free");
		if (bad[i] == large)
			continue;
		kfree(bad[i]);
		expect_report(MACHINE_BUG, "kfree");
	}
	kfree(large);
	__free_pages(page, 1);
	__free_pages(compound, 1);
	check_sane(s, NULL);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void inside_a_large_block(void **state)
{
	struct machine *m = test_boot(PLAIN);
	char *large = kmalloc(100000, GFP_KERNEL);
	static const size_t offsets[] = { 1, 8, 64, 4096, 65536, 131071 };
	unsigned int i;

	for (i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		kfree(large + offsets[i]);
		expect_report(MACHINE_BUG, "kfree");
		assert_int_equal(ksize(large + offsets[i]), 0);
		expect_report(MACHINE_BUG, "ksize");
	}
	assert_int_equal(ksize(large), 131072);
	kfree(large);
	expect_no_reports();
	kfree(large);
	expect_report(MACHINE_BUG, "kfree");
	test_shutdown(m, 0);
}

/* SLUB's debug reports name what is wrong, not the function that was called. */
static bool debugging_slub(void)
{
	return backend_is("slub") && test_debugging();
}

static void inside_an_object(void **state)
{
	static const size_t offsets[] = { 1, 4, 8, 16, 32, 56, 63 };
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("inner", 64, 0, 0, NULL);
	char *p[40];
	unsigned int i;

	for (i = 0; i < 40; i++)
		assert_non_null(p[i] = kmem_cache_alloc(s, GFP_KERNEL));
	for (i = 0; i < sizeof(offsets) / sizeof(offsets[0]) && !slob(); i++) {
		kmem_cache_free(s, p[20] + offsets[i]);
		expect_report(MACHINE_BUG, debugging_slub() ? "inside" : "kmem_cache_free");
		kfree(p[20] + offsets[i]);
		expect_report(MACHINE_BUG, debugging_slub() ? "inside" : "kfree");
	}
	check_sane(s, p[20]);
	for (i = 0; i < 40; i++)
		kmem_cache_free(s, p[i]);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void wrong_cache(void **state)
{
	struct machine *m = test_boot(PLAIN NOMERGE);
	struct kmem_cache *a = kmem_cache_create("right", 64, 0, 0, NULL);
	struct kmem_cache *b = kmem_cache_create("wrong", 64, 0, 0, NULL);
	void *p = kmem_cache_alloc(a, GFP_KERNEL), *q = kmem_cache_alloc(b, GFP_KERNEL);

	if (!slob()) {
		kmem_cache_free(b, p);
		expect_report(MACHINE_WARN, "Wrong slab cache. wrong but object is from right");
		check_sane(a, p);
		kmem_cache_free_bulk(b, 1, &p);
		expect_report(MACHINE_WARN, "Wrong slab cache. wrong but object is from right");
		check_sane(a, p);
		check_sane(b, q);
	}
	kmem_cache_free(a, p);
	kmem_cache_free(b, q);
	kmem_cache_destroy(a);
	kmem_cache_destroy(b);
	test_shutdown(m, 0);
}

static void double_free_in_a_row(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("double", 64, 0, 0, NULL);
	void *p[20], *q;
	int i;

	for (i = 0; i < 20; i++)
		assert_non_null(p[i] = kmem_cache_alloc(s, GFP_KERNEL));
	if (!slob()) {
		kmem_cache_free(s, p[7]);
		kmem_cache_free(s, p[7]);
		expect_report(MACHINE_BUG, "double");
		check_sane(s, p[8]);
		q = kmem_cache_alloc(s, GFP_KERNEL);
		p[7] = q;
		q = kmalloc(64, GFP_KERNEL);
		kfree(q);
		kfree(q);
		expect_report(MACHINE_BUG, "kmalloc-64");
	}
	for (i = 0; i < 20; i++)
		kmem_cache_free(s, p[i]);
	check_sane(s, NULL);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void freed_slab_is_no_slab(void **state)
{
	struct machine *m = test_boot(ISOLATED);
	struct kmem_cache *s = kmem_cache_create("gone", 4096, 0, 0, NULL);
	void *p = kmem_cache_alloc(s, GFP_KERNEL);

	kmem_cache_free(s, p);
	kmem_cache_shrink(s);
	kmem_cache_free(s, p);
	expect_report(MACHINE_BUG, "kmem_cache_free");
	kfree(p);
	expect_report(MACHINE_BUG, "kfree");
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void another_machines_pointers(void **state)
{
	struct machine *first = test_boot(PLAIN), *second;
	struct kmem_cache *a = kmem_cache_create("a", 64, 0, 0, NULL), *b;
	void *p = kmem_cache_alloc(a, GFP_KERNEL), *q = kmalloc(100, GFP_KERNEL), *r = kmalloc(50000, GFP_KERNEL);

	second = test_boot("preset=x86_64 mem=32M");
	b = kmem_cache_create("b", 64, 0, 0, NULL);
	kmem_cache_free(b, p);
	expect_report(MACHINE_BUG, "kmem_cache_free");
	kfree(q);
	expect_report(MACHINE_BUG, "kfree");
	kfree(r);
	expect_report(MACHINE_BUG, "kfree");
	/* A cache of the other machine: no object from it here, no object into it. */
	assert_null(kmem_cache_alloc(a, GFP_KERNEL));
	expect_report(MACHINE_BUG, NULL);
	kmem_cache_free(a, p);
	expect_report(MACHINE_BUG, NULL);
	kmem_cache_destroy(a);
	expect_report(MACHINE_BUG, "no cache of this machine");
	kmem_cache_shrink(a);
	expect_report(MACHINE_BUG, "no cache of this machine");
	kmem_cache_destroy(b);
	test_shutdown(second, 0);

	assert_int_equal(machine_enter(first), 0);
	kmem_cache_free(a, p);
	kfree(q);
	kfree(r);
	check_sane(a, NULL);
	kmem_cache_destroy(a);
	test_shutdown(first, 0);
}

static void without_a_machine(void **state)
{
	struct kmem_stats st;

	test_catch_all();
	test_state.nr_reports = 0;
	assert_null(kmalloc(10, GFP_KERNEL));
	expect_report(MACHINE_WARN, "no machine entered");
	assert_null(kmalloc(100000, GFP_KERNEL));
	expect_report(MACHINE_WARN, "no machine entered");
	assert_null(kmem_cache_create("none", 10, 0, 0, NULL));
	expect_report(MACHINE_WARN, "no machine entered");
	kfree(&st);
	expect_report(MACHINE_WARN, "no machine entered");
	assert_int_equal(ksize(&st), 0);
	expect_report(MACHINE_WARN, "no machine entered");
	/* These need none. */
	kfree(NULL);
	kfree(ZERO_SIZE_PTR);
	kmem_cache_destroy(NULL);
	assert_int_equal(ksize(NULL), 0);
	assert_ptr_equal(kmalloc(0, GFP_KERNEL), ZERO_SIZE_PTR);
	expect_no_reports();
	assert_true(kmem_get_stats(&st) < 0);
	expect_report(MACHINE_WARN, "no machine entered");
}

static void destroying_a_busy_cache(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("busy", 64, 0, 0, NULL);
	void *p = kmem_cache_alloc(s, GFP_KERNEL), *q = kmem_cache_alloc(s, GFP_KERNEL);

	kmem_cache_free(s, q);
	test_fill(p, 64, 3);
	kmem_cache_destroy(s);
	assert_int_equal(test_state.nr_reports, 2);
	assert_non_null(strstr(test_state.reports[0].text,
			       "BUG busy (Not tainted): Objects remaining in busy on __kmem_cache_shutdown()"));
	assert_non_null(strstr(test_state.reports[1].text, "kmem_cache_destroy busy: Slab cache still has objects"));
	if (!slob())
		assert_non_null(strstr(test_state.reports[0].text, "Object 0x"));
	test_state.nr_reports = 0;
	/* The cache stays as it was. */
	assert_true(test_filled(p, 64, 3));
	assert_ptr_equal(kmem_find_cache("busy"), s);
	check_sane(s, p);
	kmem_cache_free(s, p);
	kmem_cache_destroy(s);
	assert_null(kmem_find_cache("busy"));
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(foreign_pointers),
	cmocka_unit_test(pages_are_no_objects),
	cmocka_unit_test(inside_a_large_block),
	cmocka_unit_test(inside_an_object),
	cmocka_unit_test(wrong_cache),
	cmocka_unit_test(double_free_in_a_row),
	cmocka_unit_test(freed_slab_is_no_slab),
	cmocka_unit_test(another_machines_pointers),
	cmocka_unit_test(without_a_machine),
	cmocka_unit_test(destroying_a_busy_cache),
};
TEST_GROUP(misuse, tests);
