/* SPDX-License-Identifier: MIT */
/* Several CPUs and nodes: objects freed where they were not allocated, node requests, threads. */
#include "conformance.h"

#include <limits.h>

#include <pthread.h>

static void freed_on_another_cpu(void **state)
{
	struct machine *m = test_boot(TWO_CPUS " isolate_metadata=1");
	struct kmem_cache *s = kmem_cache_create("cross", 128, 0, 0, NULL);
	unsigned int round;
	void *p[500];
	int i;

	for (round = 0; round < 6; round++) {
		assert_int_equal(cpu_migrate(round % 2), 0);
		assert_int_equal(smp_processor_id(), round % 2);
		for (i = 0; i < 500; i++) {
			assert_non_null(p[i] = kmem_cache_alloc(s, GFP_KERNEL));
			test_fill(p[i], 128, (uint64_t)i);
		}
		assert_int_equal(cpu_migrate((round + 1) % 2), 0);
		for (i = 0; i < 500; i++) {
			assert_true(test_filled(p[i], 128, (uint64_t)i));
			kmem_cache_free(s, p[i]);
		}
	}
	kmem_cache_shrink(s);
	assert_int_equal(test_stats().slab_pages, 0);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

/* What another CPU keeps is found by shrink and destroy. */
static void shrink_and_destroy_reach_every_cpu(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M cpus=4 isolate_metadata=1");
	struct kmem_cache *s = kmem_cache_create("everywhere", 64, 0, 0, NULL);
	unsigned int cpu;

	for (cpu = 0; cpu < 4; cpu++) {
		assert_int_equal(cpu_migrate(cpu), 0);
		kmem_cache_free(s, kmem_cache_alloc(s, GFP_KERNEL));
	}
	assert_int_equal(kmem_cache_shrink(s), 0);
	assert_int_equal(test_stats().slab_pages, 0);
	for (cpu = 0; cpu < 4; cpu++) {
		assert_int_equal(cpu_migrate(cpu), 0);
		kmem_cache_free(s, kmem_cache_alloc(s, GFP_KERNEL));
	}
	kmem_cache_destroy(s);
	assert_int_equal(test_stats().slab_pages, 0);
	test_shutdown(m, 0);
}

static void cpus_that_do_not_exist(void **state)
{
	struct machine *m = test_boot(TWO_CPUS);

	assert_true(cpu_migrate(2) < 0);
	assert_true(cpu_migrate(~0u) < 0);
	assert_int_equal(cpu_migrate(1), 0);
	kfree(kmalloc(10, GFP_KERNEL));
	test_shutdown(m, 0);
}

static void objects_of_a_node(void **state)
{
	struct machine *m = test_boot(TWO_NODES);
	struct kmem_cache *s = kmem_cache_create("nodes", 200, 0, 0, NULL);
	void *p[100], *q;
	int i, cpu;

	for (cpu = 0; cpu < 2; cpu++) {
		assert_int_equal(cpu_migrate((unsigned int)cpu), 0);
		assert_int_equal(numa_node_id(), cpu);
		for (i = 0; i < 100; i++) {
			assert_non_null(p[i] = kmem_cache_alloc_node(s, GFP_KERNEL | __GFP_THISNODE, i % 2));
			assert_int_equal(page_to_nid(virt_to_page(p[i])), i % 2);
		}
		for (i = 0; i < 100; i++)
			kmem_cache_free(s, p[i]);
		for (i = 0; i < 2; i++) {
			assert_non_null(q = kmalloc_node(300, GFP_KERNEL | __GFP_THISNODE, i));
			assert_int_equal(page_to_nid(virt_to_page(q)), i);
			kfree(q);
			assert_non_null(q = kmalloc_node(30000, GFP_KERNEL | __GFP_THISNODE, i));
			assert_int_equal(page_to_nid(virt_to_page(q)), i);
			kfree(q);
		}
		assert_non_null(q = kmem_cache_alloc_node(s, GFP_KERNEL, NUMA_NO_NODE));
		kmem_cache_free(s, q);
	}
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void *alloc_on(struct kmem_cache *s, size_t size, gfp_t gfp, int nid)
{
	return s ? kmem_cache_alloc_node(s, gfp, nid) : kmalloc_node(size, gfp, nid);
}

static void free_of(struct kmem_cache *s, void *p)
{
	if (s)
		kmem_cache_free(s, p);
	else
		kfree(p);
}

/* A node that is not there is one without memory; a number that none can have is a mistake. */
static void a_node_that_does_not_exist(void **state)
{
	static const int absent[] = { 2, 3, 77, MAX_NUMNODES - 1 };
	static const int impossible[] = { -2, -7, INT_MIN, MAX_NUMNODES, INT_MAX };
	static const size_t sizes[] = { 8, 200, 5000, 30000 };
	struct machine *m = test_boot(TWO_NODES);
	unsigned int i, j;

	for (j = 0; j < 2 * sizeof(sizes) / sizeof(sizes[0]); j++) {
		size_t size = sizes[j / 2];
		struct kmem_cache *s = j % 2 ? kmem_cache_create("absent", (unsigned int)size, 0, 0, NULL) :
					       NULL;
		void *p;

		for (i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
			assert_non_null(p = alloc_on(s, size, GFP_KERNEL, absent[i]));
			test_fill(p, size, i);
			free_of(s, p);
			assert_null(alloc_on(s, size, GFP_KERNEL | __GFP_THISNODE, absent[i]));
			expect_no_reports();
		}
		for (i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++) {
			assert_null(alloc_on(s, size, GFP_KERNEL, impossible[i]));
			expect_report(MACHINE_BUG, "is no node");
		}
		assert_non_null(p = alloc_on(s, size, GFP_KERNEL, 1));
		free_of(s, p);
		kmem_cache_destroy(s);
	}
	assert_ptr_equal(kmalloc_node(0, GFP_KERNEL, -7), ZERO_SIZE_PTR);
	test_shutdown(m, 0);
}

/* SLAB gives back what idles, by and by; the others have nothing to do by the clock. */
static void time_passes_when_it_is_told_to(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M cpus=2 nodes=2 isolate_metadata=1");
	struct kmem_cache *s = kmem_cache_create("idle", 100, 0, 0, NULL);
	uint64_t pages;
	void *p[500];
	int i;

	assert_int_equal(machine_advance(0), 0);
	for (i = 0; i < 500; i++)
		assert_non_null(p[i] = kmem_cache_alloc(s, GFP_KERNEL));
	test_fill(p[0], 100, 1);
	for (i = 1; i < 500; i++)
		kmem_cache_free(s, p[i]);
	pages = test_stats().slab_pages;
	assert_int_equal(machine_advance(300000), 300000);
	if (backend_is("slab"))
		assert_int_equal(test_stats().slab_pages, 1);
	else
		assert_int_equal(test_stats().slab_pages, pages);
	assert_true(test_filled(p[0], 100, 1));
	kmem_cache_free(s, p[0]);
	kmem_cache_destroy(s);
	assert_int_equal(machine_advance(1), 300001);
	/* It may sleep. */
	preempt_disable();
	machine_advance(1);
	expect_report(MACHINE_WARN, "sleeping function called");
	preempt_enable();
	test_shutdown(m, 0);
	assert_int_equal(machine_advance(1), -19);
	expect_report(MACHINE_WARN, "no machine entered");
}

/* A full node: its requests move to the other, unless they insist. */
static void a_full_node_falls_back(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M cpus=2 nodes=2 isolate_metadata=1");
	struct kmem_cache *s = kmem_cache_create("full", 4096, 0, 0, NULL);
	void **all = NULL, **p;
	unsigned long n = 0;

	while ((p = kmem_cache_alloc_node(s, GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN, 1))) {
		assert_int_equal(page_to_nid(virt_to_page(p)), 1);
		*p = all;
		all = p;
		n++;
	}
	assert_true(n > 1000);
	assert_non_null(p = kmem_cache_alloc_node(s, GFP_KERNEL | __GFP_NOWARN, 1));
	assert_int_equal(page_to_nid(virt_to_page(p)), 0);
	kmem_cache_free(s, p);
	while (all) {
		p = *all;
		kmem_cache_free(s, all);
		all = p;
	}
	kmem_cache_shrink(s);
	assert_int_equal(test_stats().slab_pages, 0);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

/* --- threads ---------------------------------------------------------------------------------- */

#define NR_THREADS 4	/* more than CPUs */
#define THREAD_OPS 20000

struct worker {
	struct machine *m;
	struct kmem_cache *s;
	uint64_t rand;
	bool ok;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	void *p[64] = { NULL };
	uint64_t seed[64] = { 0 };
	unsigned int i, k;

	w->ok = machine_enter(w->m) == 0;
	for (i = 0; i < THREAD_OPS && w->ok; i++) {
		k = (unsigned int)(test_rand(&w->rand) % 64);
		if (p[k]) {
			w->ok = test_filled(p[k], 96, seed[k]);
			kmem_cache_free(w->s, p[k]);
			p[k] = NULL;
		} else {
			seed[k] = test_rand(&w->rand);
			p[k] = kmem_cache_alloc(w->s, GFP_KERNEL);
			w->ok = p[k] != NULL;
			if (p[k])
				test_fill(p[k], 96, seed[k]);
		}
	}
	for (k = 0; k < 64; k++)
		kmem_cache_free(w->s, p[k]);
	return NULL;
}

static void threads_share_the_cpus(void **state)
{
	struct machine *m = test_boot(TWO_CPUS " isolate_metadata=1");
	struct kmem_cache *s = kmem_cache_create("threads", 96, 0, 0, NULL);
	struct worker w[NR_THREADS];
	pthread_t t[NR_THREADS];
	int i;

	for (i = 0; i < NR_THREADS; i++) {
		w[i] = (struct worker){ m, s, (uint64_t)i + 1, false };
		assert_int_equal(pthread_create(&t[i], NULL, work, &w[i]), 0);
	}
	for (i = 0; i < NR_THREADS; i++) {
		pthread_join(t[i], NULL);
		assert_true(w[i].ok);
	}
	kmem_cache_shrink(s);
	assert_int_equal(test_stats().slab_pages, 0);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

/* One thread allocates, another frees: a ring between them. */
#define RING 256
#define HANDED 50000

struct ring {
	struct machine *m;
	struct kmem_cache *s;
	void *slot[RING];
	bool ok;
};

static void *consume(void *arg)
{
	struct ring *r = arg;
	unsigned int i;
	void *p;

	r->ok = machine_enter(r->m) == 0;
	for (i = 0; i < HANDED; i++) {
		while (!(p = __atomic_exchange_n(&r->slot[i % RING], NULL, __ATOMIC_ACQUIRE)))
			;
		r->ok = r->ok && *(unsigned int *)p == i;
		kmem_cache_free(r->s, p);
	}
	return NULL;
}

static void one_thread_allocates_another_frees(void **state)
{
	struct machine *m = test_boot(TWO_CPUS " isolate_metadata=1");
	struct kmem_cache *s = kmem_cache_create("handed", 64, 0, 0, NULL);
	struct ring r = { .m = m, .s = s };
	pthread_t t;
	unsigned int i;

	assert_int_equal(pthread_create(&t, NULL, consume, &r), 0);
	for (i = 0; i < HANDED; i++) {
		unsigned int *p = kmem_cache_alloc(s, GFP_KERNEL);

		assert_non_null(p);
		*p = i;
		while (__atomic_load_n(&r.slot[i % RING], __ATOMIC_RELAXED))
			;
		__atomic_store_n(&r.slot[i % RING], p, __ATOMIC_RELEASE);
	}
	pthread_join(t, NULL);
	assert_true(r.ok);
	kmem_cache_shrink(s);
	assert_int_equal(test_stats().slab_pages, 0);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

/* Caches made, used, shrunk and destroyed by several threads at once. */
static void *make_caches(void *arg)
{
	struct worker *w = arg;
	unsigned int i, n;
	void *p[50];

	w->ok = machine_enter(w->m) == 0;
	for (i = 0; i < 40 && w->ok; i++) {
		struct kmem_cache *s = kmem_cache_create("made", 32 + 8 * i, 0, 0, NULL);

		w->ok = s != NULL;
		for (n = 0; n < 50 && w->ok; n++)
			w->ok = (p[n] = kmem_cache_alloc(s, GFP_KERNEL)) != NULL;
		kmem_cache_shrink(w->s);
		while (n--)
			kmem_cache_free(s, p[n]);
		kmem_cache_destroy(s);
	}
	return NULL;
}

static void threads_make_and_destroy_caches(void **state)
{
	struct machine *m = test_boot(TWO_CPUS NOMERGE);
	struct kmem_cache *s = kmem_cache_create("threads", 96, 0, 0, NULL);
	struct worker w[NR_THREADS];
	pthread_t t[NR_THREADS];
	int i;

	for (i = 0; i < NR_THREADS; i++) {
		w[i] = (struct worker){ m, s, (uint64_t)i + 1, false };
		assert_int_equal(pthread_create(&t[i], NULL, i % 2 ? make_caches : work, &w[i]), 0);
	}
	for (i = 0; i < NR_THREADS; i++) {
		pthread_join(t[i], NULL);
		assert_true(w[i].ok);
	}
	assert_null(kmem_find_cache("made"));
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void machines_do_not_see_each_other(void **state)
{
	struct machine *a = test_boot(PLAIN), *b;
	struct kmem_cache *s = kmem_cache_create("mine", 64, 0, 0, NULL);
	void *p = kmem_cache_alloc(s, GFP_KERNEL);
	struct kmem_stats before = test_stats();

	test_fill(p, 64, 9);
	b = test_boot(TWO_NODES);
	assert_null(kmem_find_cache("mine"));
	kfree(kmalloc(100000, GFP_KERNEL));
	assert_int_equal(machine_description(b)->nodes, 2);
	test_shutdown(b, 0);
	assert_int_equal(machine_enter(a), 0);
	assert_int_equal(test_stats().slab_pages, before.slab_pages);
	assert_int_equal(test_stats().peak_pages, before.peak_pages);
	assert_true(test_filled(p, 64, 9));
	kmem_cache_free(s, p);
	kmem_cache_destroy(s);
	test_shutdown(a, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(freed_on_another_cpu),
	cmocka_unit_test(shrink_and_destroy_reach_every_cpu),
	cmocka_unit_test(cpus_that_do_not_exist),
	cmocka_unit_test(objects_of_a_node),
	cmocka_unit_test(a_node_that_does_not_exist),
	cmocka_unit_test(time_passes_when_it_is_told_to),
	cmocka_unit_test(a_full_node_falls_back),
	cmocka_unit_test(threads_share_the_cpus),
	cmocka_unit_test(one_thread_allocates_another_frees),
	cmocka_unit_test(threads_make_and_destroy_caches),
	cmocka_unit_test(machines_do_not_see_each_other),
};
TEST_GROUP(cpu, tests);
