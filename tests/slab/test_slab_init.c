/* SPDX-License-Identifier: MIT */
/* init_on_alloc and init_on_free inside SLAB: which fast paths are shut, and that the slow ones
 * do. */
#include "slab_test.h"

static void nothing(void *object)
{
}

static void check(struct slab_cache *s, bool alloc_shut, bool free_shut)
{
	assert_int_equal(s->alloc_off, alloc_shut ? arch_kernel()->backend->empty_off : s->cpu_off);
	assert_int_equal(s->free_below, free_shut ? 0 : s->limit);
	assert_int_equal(s->limit, s->geo.limit);
	/* No list may lie in an object that is to be zero. */
	if (free_shut)
		assert_int_not_equal(s->geo.mgmt, SLAB_MGMT_OBJ);
	kmem_cache_destroy(&s->common);
}

static void fast_paths_are_shut(void **state)
{
	static const struct {
		const char *machine;
		bool alloc_shut, free_shut;
	} rows[] = {
		{ ONE_CPU, false, false },
		{ ONE_CPU " cmdline=init_on_alloc=1", true, false },
		{ ONE_CPU " cmdline=init_on_free=1", false, true },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		boot_text(rows[i].machine);
		check(make_cache(256, 0, 0, NULL), rows[i].alloc_shut, rows[i].free_shut);
		check(make_cache(2000, 0, 0, NULL), rows[i].alloc_shut, rows[i].free_shut);
		check(make_cache(256, 0, 0, nothing), false, false);
		check(make_cache(256, 0, SLAB_TYPESAFE_BY_RCU, NULL), false, false);
		shutdown_clean(NULL);
	}
}

static void the_array_serves_as_ever(void **state)
{
	static const char *const machines[] = { ONE_CPU, ONE_CPU " cmdline=\"init_on_alloc=1 init_on_free=1\"" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(machines); i++) {
		struct slab_cache *s;
		void *p[200];

		boot_text(machines[i]);
		s = make_cache(256, 0, 0, NULL);
		take_many(s, p, 200);
		give_many(s, p, 200);
		/* LIFO, and no fuller than its limit. */
		assert_in_range(array_of(s, 0)->avail, 1, s->limit);
		assert_ptr_equal(array_of(s, 0)->entry[array_of(s, 0)->avail - 1], p[199]);
		assert_ptr_equal(take(s), p[199]);
		give(s, p[199]);
		assert_int_equal(((struct slab_array *)percpu_ptr(arch_cpu_current(),
								  arch_kernel()->backend->empty_off))
					 ->avail, 0);
		kmem_cache_destroy(&s->common);
		shutdown_clean(NULL);
	}
}

/* An object on its way home through an alien array is wiped as well. */
static void alien_objects_are_wiped(void **state)
{
	struct slab_cache *s;
	unsigned char left[64];
	char *p;
	int i;

	boot_text(TWO_NODES " cmdline=init_on_free=1");
	s = make_cache(64, 0, 0, NULL);
	p = kmem_cache_alloc_node(&s->common, GFP_KERNEL, 1);
	memset(p, 0xff, 64);
	assert_int_equal(slab_nid(slab_of_object(s, p)), 1);
	give(s, p);
	assert_int_equal(s->node[0]->alien[1]->avail, 1);
	test_copy_free(left, p, 64);
	for (i = 0; i < 64; i++)
		assert_int_equal(left[i], 0);
	kmem_cache_destroy(&s->common);
	shutdown_clean(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fast_paths_are_shut),
		cmocka_unit_test(the_array_serves_as_ever),
		cmocka_unit_test(alien_objects_are_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
