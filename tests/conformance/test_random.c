/* SPDX-License-Identifier: MIT */
/*
 * A hundred thousand random operations over several caches and kmalloc; every object holds a pattern
 * that is checked when it goes. At the end everything is freed, and every page is back.
 */
#include "conformance.h"

#define NR_OPS 100000
#define NR_SLOTS 2000
#define NR_CACHES 8

static const struct {
	unsigned int size, align;
	slab_flags_t flags;
} shapes[NR_CACHES] = {
	{ 8, 0, 0 },	    { 24, 0, 0 },   { 64, 0, SLAB_HWCACHE_ALIGN }, { 100, 32, 0 },
	{ 320, 0, 0 },	    { 1000, 0, 0 }, { 2048, 0, SLAB_RECLAIM_ACCOUNT }, { 5000, 0, 0 },
};

struct slot {
	void *p;
	size_t size;
	int cache;	/* -1: kmalloc */
	uint64_t seed;
};

struct world {
	struct kmem_cache *caches[NR_CACHES];
	struct slot slots[NR_SLOTS];
	uint64_t rand;
	unsigned int cpus;
};

static size_t random_size(struct world *w)
{
	uint64_t r = test_rand(&w->rand);

	switch (r % 16) {
	case 0:
		return 8000 + test_rand(&w->rand) % 30000;
	case 1:
	case 2:
		return 1000 + test_rand(&w->rand) % 7000;
	default:
		return 1 + test_rand(&w->rand) % 1000;
	}
}

static void fill_slot(struct world *w, struct slot *s)
{
	gfp_t gfp = GFP_KERNEL | (test_rand(&w->rand) % 8 ? 0 : __GFP_ZERO);

	s->cache = (int)(test_rand(&w->rand) % (NR_CACHES * 2));
	s->seed = test_rand(&w->rand);
	if (s->cache < NR_CACHES) {
		s->size = shapes[s->cache].size;
		s->p = kmem_cache_alloc(w->caches[s->cache], gfp);
	} else {
		s->cache = -1;
		s->size = random_size(w);
		s->p = kmalloc(s->size, gfp);
	}
	assert_non_null(s->p);
	if (gfp & __GFP_ZERO) {
		assert_int_equal(((char *)s->p)[0], 0);
		assert_int_equal(((char *)s->p)[s->size - 1], 0);
	}
	test_fill(s->p, s->size, s->seed);
}

static void empty_slot(struct world *w, struct slot *s)
{
	assert_true(test_filled(s->p, s->size, s->seed));
	if (s->cache >= 0)
		kmem_cache_free(w->caches[s->cache], s->p);
	else
		kfree(s->p);
	s->p = NULL;
}

static void resize_slot(struct world *w, struct slot *s)
{
	size_t size = random_size(w), kept = size < s->size ? size : s->size;

	s->p = krealloc(s->p, size, GFP_KERNEL);
	assert_non_null(s->p);
	assert_true(test_filled(s->p, kept, s->seed));
	s->size = size;
	test_fill(s->p, s->size, s->seed);
}

static void one_op(struct world *w)
{
	struct slot *s = &w->slots[test_rand(&w->rand) % NR_SLOTS];
	uint64_t r = test_rand(&w->rand) % 1000;

	if (w->cpus > 1 && r % 50 == 0)
		assert_int_equal(cpu_migrate((unsigned int)(test_rand(&w->rand) % w->cpus)), 0);
	if (r == 999)
		kmem_cache_shrink(w->caches[test_rand(&w->rand) % NR_CACHES]);
	else if (!s->p)
		fill_slot(w, s);
	else if (s->cache < 0 && r < 100)
		resize_slot(w, s);
	else
		empty_slot(w, s);
}

static void run(const char *text, uint64_t seed)
{
	struct machine *m = test_boot(text);
	struct world *w = calloc(1, sizeof(*w));
	unsigned long before;
	unsigned int i;

	assert_non_null(w);
	w->rand = seed;
	w->cpus = machine_description(m)->cpus;
	for (i = 0; i < NR_CACHES; i++)
		w->caches[i] = kmem_cache_create("random", shapes[i].size, shapes[i].align,
						 shapes[i].flags, NULL);
	before = test_free_pages();
	for (i = 0; i < NR_OPS; i++)
		one_op(w);
	for (i = 0; i < NR_SLOTS; i++)
		if (w->slots[i].p)
			empty_slot(w, &w->slots[i]);
	for (i = 0; i < NR_CACHES; i++)
		kmem_cache_destroy(w->caches[i]);
	if (machine_description(m)->isolate_metadata)
		assert_int_equal(test_free_pages(), before);
	free(w);
	test_shutdown(m, 0);
}

static void random_ops(void **state)
{
	run(PLAIN, 1);
}

static void random_ops_isolated(void **state)
{
	run(ISOLATED, 2);
}

static void random_ops_on_two_cpus(void **state)
{
	run(TWO_CPUS " isolate_metadata=1", 3);
}

static void random_ops_on_two_nodes(void **state)
{
	run(TWO_NODES " isolate_metadata=1", 4);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(random_ops),
	cmocka_unit_test(random_ops_isolated),
	cmocka_unit_test(random_ops_on_two_cpus),
	cmocka_unit_test(random_ops_on_two_nodes),
};
TEST_GROUP(random, tests);
