/* SPDX-License-Identifier: MIT */
/*
 * Threads: more than CPUs, each allocating and freeing blocks of all orders, compound and split ones,
 * exact sizes and ranges, handing some to the others, while one thread drains all CPUs. A map of
 * frames says that no frame is handed out twice, every block is filled with its owner's mark and found
 * unharmed; afterwards not a page is missing.
 */
#include "buddy_test.h"

#include <pthread.h>

#define THREADS 4
#define ROUNDS 4000
#define HELD 64
#define SHARED 32

struct worker {
	pthread_t thread;
	struct machine *machine;
	unsigned int id;
	uint64_t seed;
	unsigned long allocs;
	bool harmed;
};

struct held {
	struct page *page;
	unsigned int order;
	unsigned long nr;	/* pages */
	bool single;		/* each page is freed by itself */
	uint64_t mark;
};

static unsigned char *owned;	/* by frame; atomics */

/* Blocks on their way from one thread to another. */
static struct held shared[SHARED];
static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;
static bool stop_draining;

/* First and last word of each page. */
static void mark_block(const struct held *h)
{
	for (unsigned long i = 0; i < h->nr; i++) {
		uint64_t *words = page_address(page_step(h->page, i));

		words[0] = h->mark + i;
		words[511] = h->mark - i;
	}
}

static bool block_unharmed(const struct held *h)
{
	for (unsigned long i = 0; i < h->nr; i++) {
		const uint64_t *words = page_address(page_step(h->page, i));

		if (words[0] != h->mark + i || words[511] != h->mark - i)
			return false;
	}
	return true;
}

static void swap_with_shared(struct worker *w, struct held *h)
{
	struct held *slot = &shared[test_rand(&w->seed) % SHARED], mine = *h;

	pthread_mutex_lock(&shared_lock);
	*h = *slot;
	*slot = mine;
	pthread_mutex_unlock(&shared_lock);
}

/* Take all frames of a block, or give them up. False: one was somebody else's. */
static bool own(const struct held *h, bool take)
{
	unsigned long pfn = test_pfn(h->page);
	bool ours = true;

	for (unsigned long i = 0; i < h->nr; i++)
		ours &= __atomic_exchange_n(&owned[pfn + i], take, __ATOMIC_RELAXED) == !take;
	return ours;
}

static void put_held(struct worker *w, struct held *h)
{
	if (!h->page)
		return;
	w->harmed |= !block_unharmed(h);
	w->harmed |= !own(h, false);
	if (h->single)
		free_contig_range(page_to_pfn(h->page), h->nr);
	else
		__free_pages(h->page, h->order);
	h->page = NULL;
}

/* Mostly blocks; now and then other ways to get pages. */
static void get_held(struct worker *w, struct held *h)
{
	gfp_t gfp = (test_rand(&w->seed) % 2 ? GFP_KERNEL : GFP_HIGHUSER_MOVABLE) | __GFP_NOWARN;
	unsigned int way = (unsigned int)(test_rand(&w->seed) % 40);
	void *exact;

	*h = (struct held){.order = (unsigned int)__builtin_ctzll(test_rand(&w->seed) | 1u << 7),
			   .mark = test_rand(&w->seed), .single = way < 5};
	h->nr = 1ul << h->order;
	if (way == 0) {
		h->nr = test_rand(&w->seed) % 700 + 1;
		h->page = alloc_contig_pages(h->nr, gfp, NUMA_NO_NODE, NULL);
	} else if (way < 3) {
		h->nr = test_rand(&w->seed) % 20 + 1;
		exact = alloc_pages_exact(h->nr * PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN);
		h->page = exact ? virt_to_page(exact) : NULL;
	} else {
		h->page = alloc_pages(way < 20 && !h->single ? gfp | __GFP_COMP : gfp, h->order);
		if (h->page && h->single)
			split_page(h->page, h->order);
	}
	if (!h->page)
		return;
	w->harmed |= !own(h, true);
	mark_block(h);
	w->allocs++;
}

static void *work(void *arg)
{
	struct held held[HELD] = {{0}};
	struct worker *w = arg;

	machine_enter(w->machine);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct held *h = &held[test_rand(&w->seed) % HELD];

		put_held(w, h);
		get_held(w, h);
		if (i % 5 == 0)
			swap_with_shared(w, h);
		if (i % 500 == 0)
			cpu_migrate((i / 500 + w->id) % 2);
	}
	for (unsigned int i = 0; i < HELD; i++)
		put_held(w, &held[i]);
	return NULL;
}

static void *drain(void *arg)
{
	machine_enter(arg);
	while (!__atomic_load_n(&stop_draining, __ATOMIC_RELAXED)) {
		drain_all_pages();
		drain_local_pages();
	}
	return NULL;
}

static void run_threads(const char *desc, unsigned int nr_threads)
{
	struct machine *m = test_boot(desc);
	struct worker w[THREADS] = {{0}};
	unsigned long before = nr_free_pages();
	pthread_t drainer;

	owned = calloc(1, arch_kernel()->arch->nr_frames);
	assert_non_null(owned);
	stop_draining = false;
	assert_int_equal(pthread_create(&drainer, NULL, drain, m), 0);
	for (unsigned int i = 0; i < nr_threads; i++) {
		w[i] = (struct worker){.machine = m, .id = i, .seed = i + 1};
		assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
	}
	for (unsigned int i = 0; i < nr_threads; i++) {
		pthread_join(w[i].thread, NULL);
		assert_false(w[i].harmed);
		assert_true(w[i].allocs > ROUNDS / 2);
	}
	__atomic_store_n(&stop_draining, true, __ATOMIC_RELAXED);
	pthread_join(drainer, NULL);
	for (unsigned int i = 0; i < SHARED; i++) {
		put_held(&w[0], &shared[i]);
		assert_false(w[0].harmed);
	}
	drain_all_pages();
	assert_int_equal(nr_free_pages(), before);
	assert_int_equal(nr_free_pages(), totalram_pages());
	check_zones();
	test_shutdown(m, 0);
	free(owned);
}

/* A CPU for everyone: sections are entered the fast way, drains claim them. */
static void test_a_cpu_each(void **state)
{
	(void)state;
	run_threads("preset=x86_64 mem=256M cpus=8 isolate_metadata=1", THREADS);
}

static void test_four_threads_on_two_cpus(void **state)
{
	(void)state;
	run_threads("preset=x86_64 mem=256M cpus=2 isolate_metadata=1", THREADS);
}

static void test_two_nodes(void **state)
{
	(void)state;
	run_threads("preset=x86_64 mem=256M cpus=4 nodes=2 isolate_metadata=1", THREADS);
}

/* So little memory that they keep failing and reclaiming from each other. */
static void test_short_of_memory(void **state)
{
	(void)state;
	run_threads("preset=x86_64 ram=1M-24M cpus=2 isolate_metadata=1", THREADS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_cpu_each),
		cmocka_unit_test(test_four_threads_on_two_cpus),
		cmocka_unit_test(test_two_nodes),
		cmocka_unit_test(test_short_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
