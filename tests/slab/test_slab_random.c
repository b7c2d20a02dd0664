/* SPDX-License-Identifier: MIT */
/*
 * Seeded random work against a model: which objects are live, what they contain, on which node they
 * must lie. The backend's own counters are checked on the way.
 */
#include "slab_test.h"

#define OBJECTS 3000
#define STEPS 60000

struct model_object {
	void *p;
	uint64_t seed;
	unsigned int cache;
};

static const struct {
	unsigned int size, align;
	slab_flags_t flags;
	bool ctor;
} shapes[] = {
	{ 24, 0, 0, false },
	{ 64, 0, SLAB_HWCACHE_ALIGN, false },
	{ 100, 0, 0, false },
	{ 300, 0, 0, true },
	{ 512, 0, 0, false },
	{ 1024, 0, SLAB_TYPESAFE_BY_RCU, false },
	{ 1500, 0, SLAB_RECLAIM_ACCOUNT, false },
	{ 5000, 0, 0, false },
};

#define CACHES ARRAY_SIZE(shapes)

static struct slab_cache *caches[CACHES];
static struct model_object objects[OBJECTS];
static unsigned int live[CACHES];
static uint64_t rng;

static void ctor(void *object)
{
	memset(object, 0x77, 300);
}

static unsigned int pick(unsigned int n)
{
	return (unsigned int)(test_rand(&rng) % n);
}

static void model_alloc(struct model_object *o)
{
	unsigned int c = pick(CACHES);
	struct slab_cache *s = caches[c];
	unsigned int node = pick(3);

	if (node < 2)
		o->p = kmem_cache_alloc_node(&s->common, GFP_KERNEL | __GFP_THISNODE, (int)node);
	else
		o->p = kmem_cache_alloc(&s->common, GFP_KERNEL);
	assert_non_null(o->p);
	assert_int_equal((uintptr_t)o->p % s->geo.align, 0);
	if (node < 2)
		assert_int_equal(slab_nid(slab_of_object(s, o->p)), node);
	o->cache = c;
	o->seed = test_rand(&rng);
	test_fill(o->p, shapes[c].size, o->seed);
	live[c]++;
}

static void model_free(struct model_object *o)
{
	struct slab_cache *s = caches[o->cache];

	assert_true(test_filled(o->p, shapes[o->cache].size, o->seed));
	if (pick(4))
		give(s, o->p);
	else
		kfree(o->p);
	o->p = NULL;
	live[o->cache]--;
}

/* Every object is handed out, in an array, or in a slab's list. */
static void check_sum(unsigned int c)
{
	struct slab_cache *s = caches[c];
	unsigned long out = 0, nid, i;

	check_cache(s);
	for (nid = 0; nid < s->nr_nodes; nid++) {
		struct slab_node *n = s->node[nid];

		out += n->total_slabs * s->geo.num - n->free_objects;
		out -= n->shared ? n->shared->avail : 0;
		for (i = 0; n->alien && i < s->nr_nodes; i++)
			out -= n->alien[i] ? n->alien[i]->avail : 0;
	}
	for (i = 0; i < s->common.kernel->arch->nr_cpus; i++)
		out -= array_of(s, (unsigned int)i)->avail;
	assert_int_equal(out, live[c]);
}

static void random_work(void **state)
{
	unsigned int step, i;

	rng = 20240601;
	for (i = 0; i < CACHES; i++)
		caches[i] = make_cache(shapes[i].size, shapes[i].align, shapes[i].flags,
				       shapes[i].ctor ? ctor : NULL);
	for (step = 0; step < STEPS; step++) {
		struct model_object *o = &objects[pick(OBJECTS)];

		if (o->p)
			model_free(o);
		else
			model_alloc(o);
		if (!pick(50))
			cpu_migrate(pick(4));
		if (!pick(2000))
			kmem_cache_shrink(&caches[pick(CACHES)]->common);
		if (!pick(500))
			check_sum(pick(CACHES));
	}
	for (i = 0; i < OBJECTS; i++) {
		if (objects[i].p)
			model_free(&objects[i]);
	}
	for (i = 0; i < CACHES; i++) {
		check_sum(i);
		assert_int_equal(kmem_cache_shrink(&caches[i]->common), 0);
		kmem_cache_destroy(&caches[i]->common);
	}
}

static int boot_four_on_two(void **state)
{
	return boot_text("preset=x86_64 mem=256M cpus=4 nodes=2");
}

static int boot_four_on_two_isolated(void **state)
{
	return boot_text("preset=x86_64 mem=256M cpus=4 nodes=2 isolate_metadata=1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		slab_test(random_work, boot_four_on_two),
		slab_test(random_work, boot_four_on_two_isolated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
