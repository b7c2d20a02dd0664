/* SPDX-License-Identifier: MIT */
/* slob/slob_rcu.c: each object of a TYPESAFE_BY_RCU cache waits for itself. */
#include "slob_test.h"

#include "slob/slob.h"

#define MACHINE "preset=x86_64 mem=64M isolate_metadata=1"

static struct machine *m;

static int begin(void **state)
{
	m = test_boot(MACHINE);
	return 0;
}

static int end(void **state)
{
	test_shutdown(m, 0);
	return 0;
}

static struct kmem_cache *make(unsigned int size, unsigned int align)
{
	struct kmem_cache *s = kmem_cache_create("typesafe", size, align, SLAB_TYPESAFE_BY_RCU,
						 NULL);

	assert_non_null(s);
	return s;
}

/* All sizes, so that what is behind the object lies at any even place. */
static void objects_stay_until_the_grace_period_ends(void **state)
{
	for (unsigned int size = 1; size < 3 * PAGE_SIZE; size += size < 300 ? 1 : 333) {
		struct kmem_cache *s = make(size, 0);
		unsigned long live = test_stats().slab_pages + test_stats().large_pages;
		char *p = kmem_cache_alloc(s, GFP_KERNEL), *q;

		assert_non_null(p);
		test_fill(p, size, size);
		rcu_read_lock();
		kmem_cache_free(s, p);
		assert_true(test_filled(p, size, size));
		q = kmem_cache_alloc(s, GFP_ATOMIC);
		assert_ptr_not_equal(q, p);
		assert_int_equal(rcu_advance(), 0);
		assert_true(test_filled(p, size, size));
		rcu_read_unlock();
		kmem_cache_free(s, q);
		assert_int_equal(rcu_advance(), 1);
		assert_int_equal(rcu_advance(), 1);
		assert_int_equal(test_stats().slab_pages + test_stats().large_pages, live);
		kmem_cache_destroy(s);
	}
}

static void a_second_free_is_told(void **state)
{
	static const unsigned int sizes[] = {16, 101, 2000, 5000};

	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct kmem_cache *s = make(sizes[i], 0);
		void *keep = kmem_cache_alloc(s, GFP_KERNEL), *p = kmem_cache_alloc(s, GFP_KERNEL);

		kmem_cache_free(s, p);
		kmem_cache_free(s, p);
		expect_report(MACHINE_BUG, "kmem_cache_free: double free");
		rcu_barrier();
		/* Zeroed or not, a new object may be freed. */
		p = kmem_cache_zalloc(s, GFP_KERNEL);
		kmem_cache_free(s, p);
		kmem_cache_free(s, keep);
		expect_no_reports();
		kmem_cache_destroy(s);
	}
}

static void a_write_behind_the_object_is_told(void **state)
{
	struct kmem_cache *s = make(64, 0);
	char *p = kmem_cache_alloc(s, GFP_KERNEL);
	struct slob_rcu rcu;

	kmem_cache_free(s, p);
	memcpy(&rcu, p + 64, sizeof(rcu));
	rcu.mark = 0;
	memcpy(p + 64, &rcu, sizeof(rcu));
	rcu_barrier();
	expect_report(MACHINE_BUG, "object was written to after it was freed");
	/* Its memory is lost, not the cache. */
	kmem_cache_free(s, kmem_cache_alloc(s, GFP_KERNEL));
	kmem_cache_destroy(s);
}

/* A length with which the object would begin in another page, behind its end, or nowhere. */
static void a_length_that_cannot_be(void **state)
{
	static const uint32_t sizes[] = { 0, 2, 8, PAGE_SIZE, 1 << 20, 0x41414141, 0xffffffff };
	struct kmem_cache *s = make(64, 0);
	unsigned int i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *p = kmem_cache_alloc(s, GFP_KERNEL);
		struct slob_rcu rcu;

		kmem_cache_free(s, p);
		memcpy(&rcu, p + 64, sizeof(rcu));
		rcu.size = sizes[i];
		memcpy(p + 64, &rcu, sizeof(rcu));
		rcu_barrier();
		expect_report(MACHINE_BUG, "object was written to after it was freed");
	}
	kmem_cache_free(s, kmem_cache_alloc(s, GFP_KERNEL));
	kmem_cache_destroy(s);
}

static void bad_pointers_are_told_at_once(void **state)
{
	struct kmem_cache *s = make(64, 0), *large = make(5000, 0);
	char *p = kmem_cache_alloc(s, GFP_KERNEL), *q = kmem_cache_alloc(large, GFP_KERNEL);

	kmem_cache_free(s, p + 1);
	expect_report(MACHINE_BUG, "pointer is inside an object");
	kmem_cache_free(s, &s);
	expect_report(MACHINE_BUG, "pointer is in no slab");
	kmem_cache_free(large, q + 8);
	expect_report(MACHINE_BUG, "pointer is inside a block of pages");
	kmem_cache_free(s, p);
	kmem_cache_free(large, q);
	assert_int_equal(rcu_advance(), 2);
	kmem_cache_destroy(s);
	kmem_cache_destroy(large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(objects_stay_until_the_grace_period_ends, begin,
						end),
		cmocka_unit_test_setup_teardown(a_second_free_is_told, begin, end),
		cmocka_unit_test_setup_teardown(a_write_behind_the_object_is_told, begin, end),
		cmocka_unit_test_setup_teardown(a_length_that_cannot_be, begin, end),
		cmocka_unit_test_setup_teardown(bad_pointers_are_told_at_once, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
