/* SPDX-License-Identifier: MIT */
/* Many objects at once: all or nothing, whatever the number. */
#include "conformance.h"

#define MAX_BULK 1000

static void bulk_of_any_number(void **state)
{
	static const size_t counts[] = { 1, 2, 15, 16, 17, 63, 64, 65, 100, 333, MAX_BULK };
	static void *p[MAX_BULK];
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("bulk", 56, 0, 0, NULL);
	size_t i, n;

	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		assert_int_equal(kmem_cache_alloc_bulk(s, GFP_KERNEL, counts[i], p), counts[i]);
		for (n = 0; n < counts[i]; n++) {
			assert_non_null(p[n]);
			test_fill(p[n], 56, n);
		}
		for (n = 0; n < counts[i]; n++)
			assert_true(test_filled(p[n], 56, n));
		kmem_cache_free_bulk(s, counts[i], p);
	}
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void bulk_and_single_calls_mix(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("bulk", 200, 0, 0, NULL);
	void *p[150], *q[150];
	int i;

	assert_int_equal(kmem_cache_alloc_bulk(s, GFP_KERNEL, 150, p), 150);
	for (i = 0; i < 150; i++)
		assert_non_null(q[i] = kmem_cache_alloc(s, GFP_KERNEL));
	for (i = 0; i < 150; i += 2)
		kmem_cache_free(s, p[i]);
	for (i = 0; i < 75; i++)
		p[i] = p[2 * i + 1];
	kmem_cache_free_bulk(s, 75, p);
	kmem_cache_free_bulk(s, 150, q);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void bulk_of_nothing_is_nothing(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("bulk", 200, 0, 0, NULL);
	void *p[1] = { NULL };

	assert_int_equal(kmem_cache_alloc_bulk(s, GFP_KERNEL, 0, p), 0);
	kmem_cache_free_bulk(s, 0, p);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void bulk_objects_are_zeroed(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("bulk", 48, 0, 0, NULL);
	static const char zero[48];
	void *p[100];
	int i;

	assert_int_equal(kmem_cache_alloc_bulk(s, GFP_KERNEL, 100, p), 100);
	for (i = 0; i < 100; i++)
		memset(p[i], 0xdd, 48);
	kmem_cache_free_bulk(s, 100, p);
	assert_int_equal(kmem_cache_alloc_bulk(s, GFP_KERNEL | __GFP_ZERO, 100, p), 100);
	for (i = 0; i < 100; i++)
		assert_memory_equal(p[i], zero, 48);
	kmem_cache_free_bulk(s, 100, p);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static unsigned int constructed;

static void mark(void *object)
{
	constructed++;
	memset(object, 0x11, 32);
}

static void bulk_objects_are_constructed(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("bulk", 32, 0, 0, mark);
	void *p[200];
	int i;

	constructed = 0;
	assert_int_equal(kmem_cache_alloc_bulk(s, GFP_KERNEL, 200, p), 200);
	assert_true(constructed >= 200);
	for (i = 0; i < 200; i++)
		assert_int_equal(((unsigned char *)p[i])[31], 0x11);
	kmem_cache_free_bulk(s, 200, p);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

/* More objects than the machine has room for: none is handed out, and none is lost. */
static void bulk_is_all_or_nothing(void **state)
{
	struct machine *m = test_boot(TINY_ISOLATED);
	struct kmem_cache *s = kmem_cache_create("bulk", 2048, 0, 0, NULL);
	size_t n = 2 * totalram_pages() + 10;
	unsigned long before = test_free_pages();
	void **p = calloc(n, sizeof(*p));

	assert_non_null(p);
	assert_int_equal(kmem_cache_alloc_bulk(s, GFP_KERNEL | __GFP_NOWARN, n, p), 0);
	kmem_cache_shrink(s);
	assert_int_equal(test_free_pages(), before);
	assert_int_equal(test_stats().slab_pages, 0);
	assert_int_equal(kmem_cache_alloc_bulk(s, GFP_KERNEL, 20, p), 20);
	kmem_cache_free_bulk(s, 20, p);
	kmem_cache_destroy(s);
	free(p);
	test_shutdown(m, 0);
}

/* Without a cache each pointer goes where it belongs (kfree_bulk). */
static void free_bulk_without_a_cache(void **state)
{
	struct machine *m = test_boot(ISOLATED);
	void *p[60];
	int i;

	for (i = 0; i < 60; i++)
		assert_non_null(p[i] = kmalloc((size_t)(i + 1) * 200, GFP_KERNEL));
	kmem_cache_free_bulk(NULL, 60, p);
	test_settle();
	assert_int_equal(test_stats().slab_pages, 0);
	assert_int_equal(test_stats().large_pages, 0);
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(bulk_of_any_number),
	cmocka_unit_test(bulk_and_single_calls_mix),
	cmocka_unit_test(bulk_of_nothing_is_nothing),
	cmocka_unit_test(bulk_objects_are_zeroed),
	cmocka_unit_test(bulk_objects_are_constructed),
	cmocka_unit_test(bulk_is_all_or_nothing),
	cmocka_unit_test(free_bulk_without_a_cache),
};
TEST_GROUP(bulk, tests);
