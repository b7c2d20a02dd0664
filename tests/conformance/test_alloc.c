/* SPDX-License-Identifier: MIT */
/* Objects of caches: they are distinct, hold what is written, are zeroed and constructed. */
#include "conformance.h"

static int compare_ptr(const void *a, const void *b)
{
	uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return x < y ? -1 : x > y;
}

/* No two of @n objects of @size bytes overlap. */
static void check_distinct(void **p, size_t n, size_t size)
{
	size_t i;

	qsort(p, n, sizeof(*p), compare_ptr);
	for (i = 1; i < n; i++)
		assert_true((uintptr_t)p[i] - (uintptr_t)p[i - 1] >= size);
}

static void objects_do_not_overlap(void **state)
{
	static const unsigned int sizes[] = { 1, 2, 8, 12, 24, 64, 100, 200, 500, 1024, 2000, 4096, 6000,
					      8192, 20000 };
	struct machine *m = test_boot(PLAIN);
	void *p[300];
	unsigned int i, n;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct kmem_cache *s = kmem_cache_create("distinct", sizes[i], 0, 0, NULL);

		assert_non_null(s);
		for (n = 0; n < 300; n++)
			assert_non_null(p[n] = kmem_cache_alloc(s, GFP_KERNEL));
		check_distinct(p, 300, sizes[i]);
		for (n = 0; n < 300; n++)
			kmem_cache_free(s, p[n]);
		kmem_cache_destroy(s);
	}
	test_shutdown(m, 0);
}

static void the_last_freed_object_comes_back_first(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("lifo", 64, 0, 0, NULL);
	void *a = kmem_cache_alloc(s, GFP_KERNEL), *b = kmem_cache_alloc(s, GFP_KERNEL);

	kmem_cache_free(s, a);
	kmem_cache_free(s, b);
	if (!backend_is("slob"))
		assert_ptr_equal(kmem_cache_alloc(s, GFP_KERNEL), b);
	else
		b = kmem_cache_alloc(s, GFP_KERNEL);
	kmem_cache_free(s, b);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void free_of_null_is_nothing(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("null", 64, 0, 0, NULL);

	kmem_cache_free(s, NULL);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void zeroed_objects_are_zero(void **state)
{
	static const unsigned int sizes[] = { 1, 8, 40, 100, 1000, 4096, 9000 };
	struct machine *m = test_boot(PLAIN);
	unsigned int i, n;
	void *p[64];

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct kmem_cache *s = kmem_cache_create("zero", sizes[i], 0, 0, NULL);

		for (n = 0; n < 64; n++) {
			assert_non_null(p[n] = kmem_cache_alloc(s, GFP_KERNEL));
			memset(p[n], 0xaa, sizes[i]);
		}
		for (n = 0; n < 64; n++)
			kmem_cache_free(s, p[n]);
		for (n = 0; n < 64; n++) {
			p[n] = n % 3 == 0 ? kmem_cache_zalloc(s, GFP_KERNEL) :
			       n % 3 == 1 ? kmem_cache_alloc(s, GFP_KERNEL | __GFP_ZERO) :
					    kmem_cache_alloc_node(s, GFP_KERNEL | __GFP_ZERO, 0);
			assert_non_null(p[n]);
			assert_true(test_all_zero(p[n], sizes[i]));
			memset(p[n], 0xbb, sizes[i]);
		}
		for (n = 0; n < 64; n++)
			kmem_cache_free(s, p[n]);
		kmem_cache_destroy(s);
	}
	test_shutdown(m, 0);
}

static unsigned int ctor_calls;

static void count_ctor(void *object)
{
	ctor_calls++;
	memset(object, 0x5c, 48);
}

static bool constructed(const void *object)
{
	const unsigned char *b = object;
	unsigned int i;

	for (i = 0; i < 48; i++)
		if (b[i] != 0x5c)
			return false;
	return true;
}

/*
 * SLAB and SLUB construct each object of a new slab once; a user gives objects back as constructed.
 * SLOB constructs at each allocation.
 */
static void constructor_runs_when_the_backend_says(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("ctor", 48, 0, 0, count_ctor);
	unsigned int first, i;
	void *p[100];

	ctor_calls = 0;
	for (i = 0; i < 100; i++) {
		assert_non_null(p[i] = kmem_cache_alloc(s, GFP_KERNEL));
		assert_true(constructed(p[i]));
	}
	first = ctor_calls;
	if (backend_is("slob"))
		assert_int_equal(first, 100);
	else
		assert_true(first >= 100);
	for (i = 0; i < 100; i++)
		kmem_cache_free(s, p[i]);
	for (i = 0; i < 100; i++) {
		assert_non_null(p[i] = kmem_cache_alloc(s, GFP_KERNEL));
		assert_true(constructed(p[i]));
	}
	if (backend_is("slob"))
		assert_int_equal(ctor_calls, 200);
	for (i = 0; i < 100; i++)
		kmem_cache_free(s, p[i]);
	assert_int_equal(kmem_cache_shrink(s), 0);
	/* A slab that comes anew is constructed anew. */
	first = ctor_calls;
	assert_non_null(p[0] = kmem_cache_alloc(s, GFP_KERNEL));
	assert_true(ctor_calls > first);
	kmem_cache_free(s, p[0]);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

/* On SLAB and SLUB as many calls as objects in the slabs; but with its debug options SLAB does as
 * SLOB, for a poisoned object is no constructed one. */
static void constructor_runs_once_per_object_of_a_slab(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s;
	char line[512];
	const char *num;
	void *p;

	ctor_calls = 0;
	s = kmem_cache_create("ctor", 48, 0, 0, count_ctor);
	assert_non_null(p = kmem_cache_alloc(s, GFP_KERNEL));
	kmem_cache_print_geometry(s, true, line, sizeof(line));
	num = strstr(line, "num_objs=");
	if (backend_is("slob") || (backend_is("slab") && test_debugging())) {
		assert_int_equal(!num, backend_is("slob"));
		assert_int_equal(ctor_calls, 1);
	} else {
		assert_non_null(num);
		assert_int_equal(ctor_calls, atoi(num + strlen("num_objs=")));
	}
	kmem_cache_free(s, p);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void zeroing_a_constructed_object_is_refused_once(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("ctor", 48, 0, 0, count_ctor);
	void *p = kmem_cache_zalloc(s, GFP_KERNEL), *q;

	assert_non_null(p);
	expect_report(MACHINE_WARN, "constructor");
	assert_true(constructed(p));
	q = kmem_cache_zalloc(s, GFP_KERNEL);
	assert_true(constructed(q));
	expect_no_reports();
	kmem_cache_free(s, p);
	kmem_cache_free(s, q);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void flags_that_make_no_sense_are_fixed(void **state)
{
	struct machine *m = test_boot(ISOLATED);
	struct kmem_cache *s = kmem_cache_create("odd", 64, 0, 0, NULL);
	void *p = kmem_cache_alloc(s, GFP_KERNEL | __GFP_HIGHMEM);

	assert_non_null(p);
	expect_report(MACHINE_WARN, "Unexpected gfp");
	kmem_cache_free(s, p);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void dma_caches_lie_in_low_memory(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("dma", 64, 0, SLAB_CACHE_DMA, NULL);
	void *p = kmem_cache_alloc(s, GFP_KERNEL), *q = kmalloc(100, GFP_KERNEL | GFP_DMA);

	/* SLOB shares its pages among all requests. */
	if (!backend_is("slob")) {
		assert_int_equal(page_zonenum(virt_to_page(p)), KMEM_ZONE_DMA);
		assert_int_equal(page_zonenum(virt_to_page(q)), KMEM_ZONE_DMA);
	}
	kfree(q);
	kmem_cache_free(s, p);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void kfree_takes_cache_objects(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s;
	void *p;

	if (!backend_is("slob")) { /* there a cache object has no header that tells its size */
		s = kmem_cache_create("kfree", 200, 0, 0, NULL);
		p = kmem_cache_alloc(s, GFP_KERNEL);
		assert_true(ksize(p) >= 200);
		kfree(p);
		kmem_cache_destroy(s);
	}
	test_shutdown(m, 0);
}

static void typesafe_and_accounted_caches_work(void **state)
{
	static const slab_flags_t flags[] = { SLAB_RECLAIM_ACCOUNT, SLAB_ACCOUNT, SLAB_TYPESAFE_BY_RCU,
					      SLAB_MEM_SPREAD, SLAB_NOLEAKTRACE, SLAB_PANIC,
					      SLAB_HWCACHE_ALIGN | SLAB_PANIC | SLAB_ACCOUNT,
					      SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER };
	struct machine *m = test_boot(PLAIN);
	unsigned int i, n;
	void *p[100];

	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		struct kmem_cache *s = kmem_cache_create("flags", 120, 0, flags[i], NULL);

		assert_non_null(s);
		for (n = 0; n < 100; n++) {
			assert_non_null(p[n] = kmem_cache_alloc(s, GFP_KERNEL));
			test_fill(p[n], 120, n);
		}
		for (n = 0; n < 100; n++) {
			assert_true(test_filled(p[n], 120, n));
			kmem_cache_free(s, p[n]);
		}
		kmem_cache_destroy(s);
	}
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(objects_do_not_overlap),
	cmocka_unit_test(the_last_freed_object_comes_back_first),
	cmocka_unit_test(free_of_null_is_nothing),
	cmocka_unit_test(zeroed_objects_are_zero),
	cmocka_unit_test(constructor_runs_when_the_backend_says),
	cmocka_unit_test(constructor_runs_once_per_object_of_a_slab),
	cmocka_unit_test(zeroing_a_constructed_object_is_refused_once),
	cmocka_unit_test(flags_that_make_no_sense_are_fixed),
	cmocka_unit_test(dma_caches_lie_in_low_memory),
	cmocka_unit_test(kfree_takes_cache_objects),
	cmocka_unit_test(typesafe_and_accounted_caches_work),
};
TEST_GROUP(alloc, tests);
