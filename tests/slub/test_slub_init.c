/* SPDX-License-Identifier: MIT */
/* init_on_alloc and init_on_free inside SLUB: which fast paths are shut, and that the slow ones
 * do. */
#include "slub_test.h"

static struct slub_cache *make(slab_flags_t flags, void (*ctor)(void *))
{
	struct kmem_cache *s = kmem_cache_create("init", 64, 0, flags, ctor);

	assert_non_null(s);
	return slub_of(s);
}

static void nothing(void *object)
{
}

struct want {
	bool alloc_shut, free_shut;
};

static void check(struct slub_cache *s, struct want want)
{
	size_t shut = arch_kernel()->backend->shut_off;

	assert_int_equal(s->alloc_off, want.alloc_shut ? shut : s->cpu_off);
	assert_int_equal(s->free_off, want.free_shut ? shut : s->cpu_off);
	assert_int_equal(s->slow_free, want.free_shut);
	kmem_cache_destroy(&s->common);
}

static void fast_paths_are_shut(void **state)
{
	static const struct {
		const char *machine;
		struct want plain, debug, keeps;
	} rows[] = {
		{ ONE_CPU, { false, false }, { false, true }, { false, false } },
		{ ONE_CPU " cmdline=init_on_alloc=1", { true, false }, { true, true }, { false, false } },
		{ ONE_CPU " cmdline=init_on_free=1", { true, true }, { true, true }, { false, false } },
	};
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct machine *m = test_boot(rows[i].machine);

		check(make(0, NULL), rows[i].plain);
		check(make(SLAB_RED_ZONE, NULL), rows[i].debug);
		check(make(0, nothing), rows[i].keeps);
		check(make(SLAB_TYPESAFE_BY_RCU, NULL), rows[i].keeps);
		test_shutdown(m, 0);
	}
}

/* Nothing about a cache's lists depends on it. */
static void the_cpu_slab_serves_as_ever(void **state)
{
	static const char *const machines[] = { ONE_CPU, ONE_CPU " cmdline=init_on_alloc=1",
						ONE_CPU " cmdline=init_on_free=1" };
	uintptr_t offsets[3][100];
	unsigned int i, n;

	for (i = 0; i < 3; i++) {
		struct machine *m = test_boot(machines[i]);
		struct kmem_cache *s = &make(0, NULL)->common;
		struct slub_cpu zero = {.freelist = NULL};
		void *p[100];

		for (n = 0; n < 100; n++) {
			p[n] = kmem_cache_alloc(s, GFP_KERNEL);
			offsets[i][n] = (uintptr_t)p[n] - (uintptr_t)arch_kernel()->arch->ram;
		}
		assert_ptr_equal(cpu_part(s, 0)->slab, slab_of(p[99]));
		kmem_cache_free(s, p[99]);
		assert_ptr_equal(cpu_part(s, 0)->freelist, p[99]);
		for (n = 0; n < 99; n++)
			kmem_cache_free(s, p[n]);
		assert_memory_equal(percpu_ptr(slub_test_cpu(0), arch_kernel()->backend->shut_off), &zero,
				    sizeof(zero));
		kmem_cache_destroy(s);
		test_shutdown(m, 0);
	}
	assert_memory_equal(offsets[0], offsets[1], sizeof(offsets[0]));
	assert_memory_equal(offsets[0], offsets[2], sizeof(offsets[0]));
}

static unsigned char byte_of(const void *free, size_t at)
{
	unsigned char byte;

	test_copy_free(&byte, (const char *)free + at, 1);
	return byte;
}

/* Objects of debug caches are wiped too, but not their surroundings. */
static void debug_objects_are_wiped(void **state)
{
	struct machine *m = test_boot(ONE_CPU " cmdline=init_on_free=1");
	struct slub_cache *s = make(SLAB_CONSISTENCY_CHECKS | SLAB_STORE_USER, NULL);
	void *keep = kmem_cache_alloc(&s->common, GFP_KERNEL);
	char *p = kmem_cache_alloc(&s->common, GFP_KERNEL);
	size_t i;

	memset(p, 0xff, 64);
	kmem_cache_free(&s->common, p);
	for (i = 0; i < 64; i++)
		if (i < s->offset || i >= s->offset + sizeof(void *))
			assert_int_equal(byte_of(p, i), 0);
	kmem_cache_free(&s->common, p);
	expect_report(MACHINE_BUG, "Object already free");
	p = kmem_cache_alloc(&s->common, GFP_KERNEL);
	for (i = 0; i < 64; i++)
		assert_int_equal(p[i], 0);
	kmem_cache_free(&s->common, p);
	kmem_cache_free(&s->common, keep);
	kmem_cache_destroy(&s->common);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fast_paths_are_shut),
		cmocka_unit_test(the_cpu_slab_serves_as_ever),
		cmocka_unit_test(debug_objects_are_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
