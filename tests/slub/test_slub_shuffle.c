/* SPDX-License-Identifier: MIT */
/* Free lists in random order: each object once, another order in each slab, the same in each run. */
#include "slub_test.h"

#define RANDOM ONE_CPU " cmdline=\"slab_freelist_random slub_max_order=0\""

/* Offsets in the order in which two slabs hand their objects out. */
static void orders(const char *machine, unsigned int offsets[2][64])
{
	struct machine *m = test_boot(machine);
	struct kmem_cache *s = kmem_cache_create("mixed", 64, 0, 0, NULL);
	char *p[128];

	for (unsigned int i = 0; i < 128; i++) {
		assert_non_null(p[i] = kmem_cache_alloc(s, GFP_KERNEL));
		offsets[i / 64][i % 64] = (unsigned int)((uintptr_t)p[i] % PAGE_SIZE) / 64;
		assert_ptr_equal(slab_of(p[i]), slab_of(p[i / 64 * 64]));
	}
	kmem_cache_free_bulk(s, 128, (void **)p);
	assert_int_equal(check_cache(s), 0);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void each_object_once(void **state)
{
	unsigned int a[2][64], b[2][64], other[2][64], plain[2][64];

	orders(RANDOM, a);
	orders(RANDOM, b);
	orders(RANDOM " seed=5", other);
	orders(ONE_CPU " cmdline=slub_max_order=0", plain);
	for (int slab = 0; slab < 2; slab++) {
		uint64_t seen = 0;

		for (int i = 0; i < 64; i++) {
			seen |= 1ull << a[slab][i];
			assert_int_equal(plain[slab][i], i);
		}
		assert_int_equal(seen, UINT64_MAX);
	}
	assert_memory_equal(a, b, sizeof(a));
	assert_memory_not_equal(a, other, sizeof(a));
	assert_memory_not_equal(a[0], a[1], sizeof(a[0]));
	assert_memory_not_equal(a[0], plain[0], sizeof(a[0]));
}

static char *constructed[256];
static unsigned int nr_constructed;

static void note(void *object)
{
	constructed[nr_constructed++ % 256] = object;
}

/* Constructors run in the list's order; debug caches and one-object slabs are served, too. */
static void all_kinds_of_caches(void **state)
{
	static const slab_flags_t flags[] = {0, SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE |
					     SLAB_POISON | SLAB_STORE_USER, SLAB_TYPESAFE_BY_RCU};
	static const unsigned int sizes[] = {8, 100, 1000, 4096, 40000};
	struct machine *m = test_boot(ONE_CPU " cmdline=slab_freelist_random");

	for (int f = 0; f < 3; f++)
		for (int i = 0; i < 5; i++) {
			struct kmem_cache *s = kmem_cache_create("kind", sizes[i], 0, flags[f], note);
			char *p[40];

			nr_constructed = 0;
			for (int j = 0; j < 40; j++) {
				assert_non_null(p[j] = kmem_cache_alloc(s, GFP_KERNEL));
				if (j < (int)slub_of(s)->oo.objects)
					assert_ptr_equal(p[j], constructed[j]);
			}
			assert_true(kmem_cache_validate(s) >= 0);
			for (int j = 0; j < 40; j++)
				kmem_cache_free(s, p[j]);
			assert_int_equal(check_cache(s), 0);
			kmem_cache_destroy(s);
		}
	test_shutdown(m, 0);
}

/* A slab of the fallback order has fewer objects than the cache's list. */
static void smaller_slabs(void **state)
{
	struct machine *m = test_boot(ONE_CPU " cmdline=slab_freelist_random");
	struct kmem_cache *s = kmem_cache_create("small", 700, 0, 0, NULL);
	struct slub_cache *c = slub_of(s);
	struct slub_shuffle_walk walk;
	unsigned int objects = c->min.objects, seen = 0;

	assert_true(objects < c->oo.objects && objects < 32);
	for (int i = 0; i < 10; i++) {
		seen = 0;
		slub_shuffle_begin(c, &walk);
		for (unsigned int j = 0; j < objects; j++)
			seen |= 1u << slub_shuffle_next(c, &walk, objects);
		assert_int_equal(seen, (1u << objects) - 1);
	}
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_object_once),
		cmocka_unit_test(all_kinds_of_caches),
		cmocka_unit_test(smaller_slabs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
