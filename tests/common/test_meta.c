/* SPDX-License-Identifier: MIT */
/* Memory for the allocators' own structures: the pool, and which source serves when. */
#include "../support/kmem_test.h"

#include "common/backend.h"
#include "common/registry.h"

static bool in_ram(const void *p)
{
	return virt_addr_valid(p);
}

static void pool_blocks_are_zeroed_aligned_and_apart(void **state)
{
	static const size_t sizes[] = { 1, 31, 32, 33, 64, 100, 500, 4096, 16384, 16385, 100000 };
	enum { N = sizeof(sizes) / sizeof(sizes[0]) };
	struct machine *m = test_boot("preset=x86_64 mem=64M");
	struct kernel *k = arch_kernel();
	size_t used = meta_pool_used(k);
	unsigned int round, i, n;
	void *p[N][10];

	for (round = 0; round < 3; round++) {
		for (i = 0; i < N; i++)
			for (n = 0; n < 10; n++) {
				char *b = p[i][n] = meta_pool_alloc(k, sizes[i]);

				assert_non_null(b);
				assert_false(in_ram(b));
				assert_int_equal((uintptr_t)b % (sizes[i] <= 32 ? 32 : ARCH_CACHE_LINE), 0);
				assert_int_equal(b[0] | b[sizes[i] - 1] | b[sizes[i] / 2], 0);
				test_fill(b, sizes[i], i * 100 + n);
			}
		assert_true(meta_pool_used(k) > used);
		for (i = 0; i < N; i++)
			for (n = 0; n < 10; n++) {
				assert_true(test_filled(p[i][n], sizes[i], i * 100 + n));
				meta_pool_free(k, p[i][n], sizes[i]);
			}
		assert_int_equal(meta_pool_used(k), used);
	}
	test_shutdown(m, 0);
}

static void freed_blocks_are_used_again(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M");
	struct kernel *k = arch_kernel();
	void *a = meta_pool_alloc(k, 200), *b;

	meta_pool_free(k, a, 200);
	b = meta_pool_alloc(k, 256);
	assert_ptr_equal(a, b);
	meta_pool_free(k, b, 256);
	test_shutdown(m, 0);
}

static void meta_comes_from_kmalloc_once_it_works(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M");
	struct kernel *k = arch_kernel();
	void *p = meta_alloc(k, 100, NUMA_NO_NODE);
	static const char zero[100];

	assert_true(in_ram(p));
	assert_string_equal(kmem_cache_name(kmem_cache_of(p)), "kmalloc-128");
	assert_int_equal(k->caches->meta_live[7], 1);
	assert_memory_equal(p, zero, 100);
	meta_free(k, p, 100);
	assert_int_equal(k->caches->meta_live[7], 0);
	meta_free(k, NULL, 100);
	test_shutdown(m, 0);
}

static void isolated_meta_takes_no_ram(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M isolate_metadata=1");
	struct kernel *k = arch_kernel();
	void *p = meta_alloc(k, 100, 0);
	struct kmem_cache *s = kmem_cache_create("isolated", 64, 0, 0, NULL);

	assert_false(in_ram(p));
	assert_false(in_ram(s));
	assert_false(in_ram(kmem_cache_name(s)));
	assert_int_equal(test_stats().slab_pages, 0);
	kmem_cache_destroy(s);
	meta_free(k, p, 100);
	test_shutdown(m, 0);
}

static void structures_live_in_ram_otherwise(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M");
	struct kmem_cache *s = kmem_cache_create("in-ram", 64, 0, 0, NULL);

	assert_true(in_ram(s));
	assert_string_equal(kmem_cache_name(kmem_cache_of(s)), "kmem_cache");
	assert_true(in_ram(kmem_cache_name(s)));
	assert_false(in_ram(kmem_find_cache("kmalloc-64")));
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

/* What the library itself holds in kmalloc's classes is no leak. */
static void live_meta_is_no_leak(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M");
	unsigned int i;

	for (i = 0; i < 20; i++)
		assert_non_null(meta_alloc(arch_kernel(), 50 + 20 * i, NUMA_NO_NODE));
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool_blocks_are_zeroed_aligned_and_apart),
		cmocka_unit_test(freed_blocks_are_used_again),
		cmocka_unit_test(meta_comes_from_kmalloc_once_it_works),
		cmocka_unit_test(isolated_meta_takes_no_ram),
		cmocka_unit_test(structures_live_in_ram_otherwise),
		cmocka_unit_test(live_meta_is_no_leak),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
