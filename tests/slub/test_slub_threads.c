/* SPDX-License-Identifier: MIT */
/*
 * Threads: frees from other CPUs, more threads than CPUs, shrink while others work, threads that
 * move. Every object carries its owner's mark from allocation to free, so that one handed out
 * twice is seen; afterwards all invariants hold and nothing is live.
 */
#include "slub_test.h"

#include <pthread.h>

#define ROUNDS 4000
#define RING 64

struct mark {
	uint64_t owner;		/* atomic; 0: free */
	uint64_t payload[7];
};

struct shared {
	struct machine *m;
	struct kmem_cache *s;
	struct mark *ring[RING];	/* atomic; objects on their way to another thread */
	unsigned int failures;		/* atomic */
	bool stop;			/* atomic */
};

struct worker {
	struct shared *sh;
	uint64_t id;
	pthread_t thread;
};

static void check(struct shared *sh, bool ok)
{
	if (!ok)
		__atomic_fetch_add(&sh->failures, 1, __ATOMIC_RELAXED);
}

static void take(struct shared *sh, struct mark *p, uint64_t id)
{
	check(sh, p != NULL);
	if (!p)
		return;
	p->owner = id;
	for (int i = 0; i < 7; i++)
		p->payload[i] = id * 1000 + (uint64_t)i;
}

static void give_back(struct shared *sh, struct mark *p)
{
	uint64_t id = p->owner;

	for (int i = 0; i < 7; i++)
		check(sh, p->payload[i] == id * 1000 + (uint64_t)i);
	p->owner = 0;
	kmem_cache_free(sh->s, p);
}

/* Put @p in a place of the ring and free what was there, whoever allocated it. */
static void swap_and_free(struct shared *sh, struct mark *p, uint64_t place)
{
	struct mark *old = __atomic_exchange_n(&sh->ring[place % RING], p, __ATOMIC_ACQ_REL);

	if (old)
		give_back(sh, old);
}

static void *swapper(void *arg)
{
	struct worker *w = arg;
	struct shared *sh = w->sh;
	uint64_t seed = w->id;

	machine_enter(sh->m);
	for (int i = 0; i < ROUNDS; i++) {
		struct mark *p = kmem_cache_alloc(sh->s, GFP_KERNEL);

		take(sh, p, w->id);
		if (p)
			swap_and_free(sh, p, test_rand(&seed));
	}
	machine_leave();
	return NULL;
}

static void *mover(void *arg)
{
	struct worker *w = arg;
	struct shared *sh = w->sh;
	uint64_t seed = w->id;

	machine_enter(sh->m);
	for (int i = 0; i < ROUNDS / 4; i++) {
		struct mark *p = kmem_cache_alloc(sh->s, GFP_KERNEL);

		check(sh, cpu_migrate((unsigned int)(test_rand(&seed) % 2)) == 0);
		take(sh, p, w->id);
		if (p)
			swap_and_free(sh, p, test_rand(&seed));
	}
	machine_leave();
	return NULL;
}

static void *bulker(void *arg)
{
	struct worker *w = arg;
	struct shared *sh = w->sh;
	void *p[24];

	machine_enter(sh->m);
	for (int i = 0; i < ROUNDS / 16; i++) {
		size_t n = 1 + (size_t)i % 24;

		check(sh, kmem_cache_alloc_bulk(sh->s, GFP_KERNEL, n, p) == (int)n);
		for (size_t j = 0; j < n; j++)
			take(sh, p[j], w->id);
		for (size_t j = 0; j < n; j++)
			check(sh, ((struct mark *)p[j])->owner == w->id);
		kmem_cache_free_bulk(sh->s, n, p);
	}
	machine_leave();
	return NULL;
}

static void *shrinker(void *arg)
{
	struct worker *w = arg;
	char text[4000];

	machine_enter(w->sh->m);
	while (!__atomic_load_n(&w->sh->stop, __ATOMIC_RELAXED)) {
		kmem_cache_shrink(w->sh->s);
		check(w->sh, kmem_cache_print_state(w->sh->s, NULL, NULL, text, sizeof(text)) > 0);
		check(w->sh, kmem_cache_print_geometry(w->sh->s, true, text, sizeof(text)) > 0);
	}
	machine_leave();
	return NULL;
}

static void start(struct worker *w, struct shared *sh, uint64_t id, void *(*fn)(void *))
{
	w->sh = sh;
	w->id = id;
	assert_int_equal(pthread_create(&w->thread, NULL, fn, w), 0);
}

static struct shared begin(const char *machine, size_t size, slab_flags_t flags)
{
	struct shared sh = {.m = test_boot(machine)};

	sh.s = kmem_cache_create("threads", (unsigned int)size, 0, flags, NULL);
	assert_non_null(sh.s);
	return sh;
}

static void end(struct shared *sh)
{
	expect_no_reports();
	assert_int_equal(sh->failures, 0);
	for (int i = 0; i < RING; i++)
		if (sh->ring[i])
			give_back(sh, sh->ring[i]);
	assert_int_equal(check_cache(sh->s), 0);
	kmem_cache_destroy(sh->s);
	test_shutdown(sh->m, 0);
}

static void run(const char *machine, size_t size, slab_flags_t flags, void *(*const *fns)(void *),
		unsigned int n)
{
	struct shared sh = begin(machine, size, flags);
	struct worker w[8], shrink;

	start(&shrink, &sh, 100, shrinker);
	for (unsigned int i = 0; i < n; i++)
		start(&w[i], &sh, i + 1, fns[i]);
	for (unsigned int i = 0; i < n; i++)
		pthread_join(w[i].thread, NULL);
	__atomic_store_n(&sh.stop, true, __ATOMIC_RELAXED);
	pthread_join(shrink.thread, NULL);
	end(&sh);
}

static void four_threads_on_two_cpus(void **state)
{
	static void *(*const fns[])(void *) = {swapper, swapper, bulker, mover};

	run(SLUB_MACHINE " cpus=2", sizeof(struct mark), 0, fns, 4);
}

static void every_thread_on_a_cpu_of_its_own(void **state)
{
	static void *(*const fns[])(void *) = {swapper, swapper, swapper};

	run(SLUB_MACHINE " cpus=8", sizeof(struct mark), 0, fns, 3);
}

/* Few objects a slab: slabs come and go all the time. */
static void large_objects(void **state)
{
	static void *(*const fns[])(void *) = {swapper, swapper, bulker, mover};

	run(SLUB_MACHINE " cpus=2", 4096, 0, fns, 4);
}

static void two_nodes(void **state)
{
	static void *(*const fns[])(void *) = {swapper, mover, bulker};

	run("preset=x86_64 mem=128M nodes=2 cpus=2 isolate_metadata=1", 1024, 0, fns, 3);
}

static void debug_caches(void **state)
{
	static void *(*const fns[])(void *) = {swapper, swapper, bulker};

	run(SLUB_MACHINE " cpus=2", sizeof(struct mark), SLAB_RED_ZONE | SLAB_STORE_USER, fns, 3);
}

/* One thread allocates all, another frees all. */
static void *producer(void *arg)
{
	struct worker *w = arg;
	struct shared *sh = w->sh;

	machine_enter(sh->m);
	for (int i = 0; i < ROUNDS; i++) {
		struct mark *p = kmem_cache_alloc(sh->s, GFP_KERNEL);
		struct mark *empty = NULL;

		take(sh, p, w->id);
		while (p && !__atomic_compare_exchange_n(&sh->ring[i % RING], &empty, p, false,
							 __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
			empty = NULL;
			sched_yield();
		}
	}
	machine_leave();
	return NULL;
}

static void *consumer(void *arg)
{
	struct worker *w = arg;
	struct shared *sh = w->sh;

	machine_enter(sh->m);
	for (int i = 0; i < ROUNDS; i++) {
		struct mark *p;

		while (!(p = __atomic_exchange_n(&sh->ring[i % RING], NULL, __ATOMIC_ACQUIRE)))
			sched_yield();
		check(sh, p->owner == 1);
		give_back(sh, p);
	}
	machine_leave();
	return NULL;
}

static void producer_and_consumer(void **state)
{
	struct shared sh = begin(SLUB_MACHINE " cpus=2", sizeof(struct mark), 0);
	struct worker a, b;

	start(&a, &sh, 1, producer);
	start(&b, &sh, 2, consumer);
	pthread_join(a.thread, NULL);
	pthread_join(b.thread, NULL);
	end(&sh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(four_threads_on_two_cpus),
		cmocka_unit_test(every_thread_on_a_cpu_of_its_own),
		cmocka_unit_test(large_objects),
		cmocka_unit_test(two_nodes),
		cmocka_unit_test(debug_caches),
		cmocka_unit_test(producer_and_consumer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
