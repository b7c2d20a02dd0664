/* SPDX-License-Identifier: MIT */
/* Threads at the bottom: shrinkers come and go while others run them, kswapd and sysctls beside them;
 * requests that must not fail, in several threads at once. */
#include "buddy_test.h"

#include <pthread.h>

#define WORKERS 3
#define HOARD 512

/* Pages that any thread may take away: its lock is one that no request is made under. */
struct hoard {
	struct shrinker shrinker;
	pthread_mutex_t lock;
	struct page *pages[HOARD];
	unsigned long nr;		/* atomic for who only counts */
	uint32_t registered;
	uint32_t late;			/* calls after unregister_shrinker() returned */
};

static struct kmem_cache *shared;
static unsigned int rounds = 150;
static uint32_t stop;

static struct hoard *hoard_of(struct shrinker *s)
{
	return (struct hoard *)(void *)s;
}

static unsigned long hoard_count(struct shrinker *s, struct shrink_control *sc)
{
	(void)sc;
	return __atomic_load_n(&hoard_of(s)->nr, __ATOMIC_RELAXED);
}

static struct page *hoard_take(struct hoard *h)
{
	struct page *page = NULL;

	pthread_mutex_lock(&h->lock);
	if (h->nr) {
		page = h->pages[h->nr - 1];
		__atomic_store_n(&h->nr, h->nr - 1, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&h->lock);
	return page;
}

static unsigned long hoard_scan(struct shrinker *s, struct shrink_control *sc)
{
	struct hoard *h = hoard_of(s);
	unsigned long freed = 0;
	struct page *page;

	if (!__atomic_load_n(&h->registered, __ATOMIC_RELAXED))
		__atomic_fetch_add(&h->late, 1, __ATOMIC_RELAXED);
	/* Waits for whoever makes a cache, and may be called by him. */
	kmem_cache_shrink(shared);
	while (freed < sc->nr_to_scan && (page = hoard_take(h))) {
		__free_page(page);
		freed++;
	}
	return freed ? freed : SHRINK_STOP;
}

static void hoard_fill(struct hoard *h)
{
	for (unsigned int i = 0; i < HOARD / 2; i++) {
		struct page *page = alloc_page(GFP_KERNEL | __GFP_NOWARN);
		bool room;

		if (!page)
			return;
		pthread_mutex_lock(&h->lock);
		room = h->nr < HOARD;
		if (room) {
			h->pages[h->nr] = page;
			__atomic_store_n(&h->nr, h->nr + 1, __ATOMIC_RELAXED);
		}
		pthread_mutex_unlock(&h->lock);
		if (!room)
			__free_page(page);
	}
}

/* Registers, hoards, unregisters, gives back. */
static void *come_and_go(void *arg)
{
	struct hoard *h = arg;
	struct page *page;

	for (unsigned int i = 0; i < rounds; i++) {
		__atomic_store_n(&h->registered, 1, __ATOMIC_RELAXED);
		if (register_shrinker(&h->shrinker, "hoard-%u", i))
			break;
		hoard_fill(h);
		unregister_shrinker(&h->shrinker);
		__atomic_store_n(&h->registered, 0, __ATOMIC_RELAXED);
		if (i % 3)
			continue;
		while ((page = hoard_take(h)))
			__free_page(page);
	}
	while ((page = hoard_take(h)))
		__free_page(page);
	return NULL;
}

/* Presses: takes blocks until there is none, gives them back. */
static void *press(void *arg)
{
	uint64_t seed = (uintptr_t)arg;
	static const gfp_t gfp[] = {
		GFP_KERNEL, GFP_NOFS, GFP_ATOMIC, GFP_KERNEL | __GFP_RETRY_MAYFAIL, GFP_NOWAIT,
	};

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		struct page *held[256];
		unsigned int order[256], n = 0;

		for (; n < 256; n++) {
			order[n] = (unsigned int)(test_rand(&seed) % 5);
			held[n] = alloc_pages(gfp[test_rand(&seed) % 5] | __GFP_NOWARN, order[n]);
			if (!held[n])
				break;
		}
		while (n--)
			__free_pages(held[n], order[n]);
	}
	return NULL;
}

/* Needs memory with the registry's mutex held. */
static void *make_caches(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		struct kmem_cache *made[20];
		unsigned int n = 0;

		while (n < 20 && (made[n] = kmem_cache_create("made", 700, 0, 0, NULL)))
			n++;
		while (n)
			kmem_cache_destroy(made[--n]);
	}
	return NULL;
}

static int give_nothing(struct notifier_block *nb, unsigned long action, void *data)
{
	(void)nb;
	(void)action;
	(void)data;
	return NOTIFY_DONE;
}

static void *administer(void *arg)
{
	struct notifier_block nb = {.notifier_call = give_nothing};
	struct kswapd_state st;
	unsigned int i = 0;

	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		machine_kswapd(0);
		machine_kswapd_state(0, &st);
		sysctl_write("vm.min_free_kbytes", i % 2 ? "1024" : "2048");
		sysctl_write("vm.percpu_pagelist_high_fraction", i % 3 ? "0" : "64");
		proc_read("zoneinfo", NULL, 0);
		proc_read("vmstat", NULL, 0);
		register_oom_notifier(&nb);
		unregister_oom_notifier(&nb);
		if (i++ % 8 == 0)
			drop_slab();
	}
	return NULL;
}

static void test_shrinkers_come_and_go_under_load(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=24M cpus=3 cmdline=slab_nomerge");
	static struct hoard hoard[2];
	pthread_t comer[2], worker[WORKERS], admin, maker;
	unsigned long before;

	(void)state;
	stop = 0;
	shared = kmem_cache_create("shared", 300, 0, 0, NULL);
	before = test_free_pages();
	for (int i = 0; i < 2; i++) {
		hoard[i].shrinker.count_objects = hoard_count;
		hoard[i].shrinker.scan_objects = hoard_scan;
		hoard[i].shrinker.seeks = i + 1;
		pthread_mutex_init(&hoard[i].lock, NULL);
		assert_int_equal(pthread_create(&comer[i], NULL, come_and_go, &hoard[i]), 0);
	}
	for (uintptr_t i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_create(&worker[i], NULL, press, (void *)(i + 1)), 0);
	assert_int_equal(pthread_create(&admin, NULL, administer, NULL), 0);
	assert_int_equal(pthread_create(&maker, NULL, make_caches, NULL), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(comer[i], NULL);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(worker[i], NULL);
	pthread_join(admin, NULL);
	pthread_join(maker, NULL);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(hoard[i].late, 0);
		assert_int_equal(hoard[i].nr, 0);
		pthread_mutex_destroy(&hoard[i].lock);
	}
	/* A cache that could not be made is told with a warning. */
	for (unsigned int i = 0; i < test_state.nr_reports && i < TEST_MAX_REPORTS; i++)
		assert_non_null(strstr(test_state.reports[i].text, "made"));
	test_state.nr_reports = 0;
	assert_int_equal(test_free_pages(), before);
	check_zones();
	kmem_cache_destroy(shared);
	test_shutdown(m, 0);
}

/* --- requests that must not fail -------------------------------------------------------------- */

#define RESCUED 100
#define RESCUERS 4

/* Notifiers are called by one thread at a time, so this needs no lock. */
static struct page *set_aside[1024];
static unsigned int nr_set_aside, inside, most_inside;

static int give_some(struct notifier_block *nb, unsigned long action, void *data)
{
	unsigned long *freed = data;

	(void)nb;
	(void)action;
	if (++inside > most_inside)
		most_inside = inside;
	for (unsigned int i = 0; i < 16 && nr_set_aside; i++, ++*freed)
		__free_page(set_aside[--nr_set_aside]);
	inside--;
	return NOTIFY_OK;
}

static void *must_not_fail(void *arg)
{
	struct page **got = arg;

	for (unsigned int i = 0; i < RESCUED; i++)
		got[i] = alloc_page(GFP_KERNEL | __GFP_NOFAIL);
	return NULL;
}

/* All get their pages: whoever finds another one at the chain comes again. */
static void test_nofail_in_many_threads(void **state)
{
	static struct page *got[RESCUERS][RESCUED];
	struct notifier_block nb = {.notifier_call = give_some};
	pthread_t thread[RESCUERS];
	struct buddy_arena arena;
	struct machine *m = test_arena(1, &arena);
	struct page *page;

	(void)state;
	nr_set_aside = most_inside = inside = 0;
	while ((page = alloc_page(GFP_NOWAIT | __GFP_NOWARN)))
		set_aside[nr_set_aside++] = page;
	assert_int_equal(nr_set_aside, 1024);
	assert_int_equal(register_oom_notifier(&nb), 0);
	for (int i = 0; i < RESCUERS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, must_not_fail, got[i]), 0);
	for (int i = 0; i < RESCUERS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(unregister_oom_notifier(&nb), 0);
	assert_int_equal(most_inside, 1);
	for (int i = 0; i < RESCUERS; i++) {
		for (unsigned int j = 0; j < RESCUED; j++) {
			assert_non_null(got[i][j]);
			__free_page(got[i][j]);
		}
	}
	while (nr_set_aside)
		__free_page(set_aside[--nr_set_aside]);
	drain_all_pages();
	assert_int_equal(arena.zone->nr_free, 1024);
	check_zones();
	test_shutdown(m, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shrinkers_come_and_go_under_load),
		cmocka_unit_test(test_nofail_in_many_threads),
	};

	if (argc > 1)
		rounds = (unsigned int)strtoul(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
