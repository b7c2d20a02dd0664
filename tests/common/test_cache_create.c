/* SPDX-License-Identifier: MIT */
/* How a cache's alignment is derived, and what create fills in; conformance tests the rest. */
#include "../support/kmem_test.h"

#include "common/backend.h"
#include "common/registry.h"

static void alignment(void **state)
{
	static const struct {
		slab_flags_t flags;
		unsigned int align, size, want;
	} rows[] = {
		{ 0, 0, 1, 8 },
		{ 0, 1, 100, 8 },
		{ 0, 4, 100, 8 },
		{ 0, 16, 7, 16 },
		{ 0, 4096, 7, 4096 },
		{ SLAB_HWCACHE_ALIGN, 0, 1, 8 },
		{ SLAB_HWCACHE_ALIGN, 0, 8, 8 },
		{ SLAB_HWCACHE_ALIGN, 0, 9, 16 },
		{ SLAB_HWCACHE_ALIGN, 0, 16, 16 },
		{ SLAB_HWCACHE_ALIGN, 0, 17, 32 },
		{ SLAB_HWCACHE_ALIGN, 0, 32, 32 },
		{ SLAB_HWCACHE_ALIGN, 0, 33, CACHE_LINE_SIZE },
		{ SLAB_HWCACHE_ALIGN, 0, 5000, CACHE_LINE_SIZE },
		{ SLAB_HWCACHE_ALIGN, 128, 10, 128 },
		{ SLAB_HWCACHE_ALIGN, 16, 100, CACHE_LINE_SIZE },
	};
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(cache_calculate_alignment(rows[i].flags, rows[i].align, rows[i].size),
				 rows[i].want);
}

static void a_noop_ctor(void *object)
{
}

static void create_fills_the_common_part(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M");
	struct kmem_cache *s = kmem_cache_create_usercopy("filled", 100, 32, SLAB_HWCACHE_ALIGN | SLAB_PANIC,
							  10, 20, a_noop_ctor);

	assert_int_equal(s->object_size, 100);
	assert_int_equal(s->align, CACHE_LINE_SIZE);
	assert_int_equal(s->size, 128);
	assert_ptr_equal(s->ctor, a_noop_ctor);
	assert_int_equal(s->useroffset, 10);
	assert_int_equal(s->usersize, 20);
	assert_int_equal(s->refcount, 1);
	assert_ptr_equal(s->kernel, arch_kernel());
	assert_false(s->boot);
	assert_int_equal(s->flags & ~backend_traits.create_flags & 0x1fffffff, 0);
	assert_true(s->flags & SLAB_HWCACHE_ALIGN);
	assert_ptr_equal(arch_kernel()->caches->list.next, &s->list);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void the_registry_counts(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M");
	struct cache_registry *r = arch_kernel()->caches;
	unsigned int before = r->nr_caches;
	struct kmem_cache *s = kmem_cache_create("counted", 100, 0, 0, NULL);

	assert_int_equal(r->nr_caches, before + 1);
	assert_null(kmem_cache_create("bad", 0, 0, 0, NULL));
	expect_report(MACHINE_WARN, "kmem_cache_create(bad) failed with error -22 (size 0)");
	assert_int_equal(r->nr_caches, before + 1);
	kmem_cache_destroy(s);
	assert_int_equal(r->nr_caches, before);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alignment),
		cmocka_unit_test(create_fills_the_common_part),
		cmocka_unit_test(the_registry_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
