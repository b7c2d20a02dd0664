/* SPDX-License-Identifier: MIT */
/* What a request gets at the bottom: direct reclaim, who may use it, its rounds, its end. */
#include <errno.h>

#include "buddy_test.h"

#include "buddy/reclaim.h"

static struct buddy_arena arena;

/* A cache of single pages that a shrinker gives back. */
struct hoard {
	struct shrinker shrinker;
	struct page *pages[2048];
	unsigned long nr;
	unsigned int nr_scans;
	gfp_t gfp;
	bool only_fs;			/* does nothing for requests without __GFP_FS */
};

static struct hoard *hoard_of(struct shrinker *s)
{
	return (struct hoard *)(void *)s;
}

static unsigned long hoard_count(struct shrinker *s, struct shrink_control *sc)
{
	(void)sc;
	return hoard_of(s)->nr;
}

static unsigned long hoard_scan(struct shrinker *s, struct shrink_control *sc)
{
	struct hoard *h = hoard_of(s);
	unsigned long freed = 0;

	h->nr_scans++;
	h->gfp = sc->gfp_mask;
	if (h->only_fs && !(sc->gfp_mask & __GFP_FS))
		return SHRINK_STOP;
	for (; freed < sc->nr_to_scan && h->nr; freed++)
		__free_page(h->pages[--h->nr]);
	return freed;
}

static void hoard_start(struct hoard *h)
{
	memset(h, 0, sizeof(*h));
	h->shrinker.count_objects = hoard_count;
	h->shrinker.scan_objects = hoard_scan;
	h->shrinker.seeks = DEFAULT_SEEKS;
	assert_int_equal(register_shrinker(&h->shrinker, "hoard"), 0);
}

/* All that can be had without waiting. */
static void hoard_fill(struct hoard *h)
{
	struct page *page;

	while ((page = alloc_page(GFP_NOWAIT | __GFP_NOWARN)))
		h->pages[h->nr++] = page;
}

static void hoard_end(struct hoard *h)
{
	unregister_shrinker(&h->shrinker);
	while (h->nr)
		__free_page(h->pages[--h->nr]);
}

static void test_shrinkers_serve_a_request_that_may_wait(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct hoard h;
	struct page *page;

	(void)state;
	hoard_start(&h);
	hoard_fill(&h);
	assert_int_equal(h.nr, 1024);
	assert_null(alloc_page(GFP_ATOMIC | __GFP_NOWARN));
	assert_int_equal(h.nr_scans, 0);
	assert_int_equal(vmstat_value("allocstall_normal"), 0);
	page = alloc_page(GFP_KERNEL);
	assert_non_null(page);
	assert_int_equal(h.gfp, GFP_KERNEL);
	/* No more was taken than was needed: one batch, at the first urgency that asks for one. */
	assert_int_equal(h.nr, 1024 - 128);
	assert_int_equal(vmstat_value("allocstall_normal"), 1);
	assert_int_equal(vmstat_value("slabs_scanned"), 128);
	__free_page(page);
	hoard_end(&h);
	drain_all_pages();
	check_zones();
	test_shutdown(m, 0);
}

static void test_urgency_grows_until_there_is_enough(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct hoard h;
	struct page *page;

	(void)state;
	hoard_start(&h);
	hoard_fill(&h);
	/* The whole arena must come back for a block of the largest order. */
	page = alloc_pages(GFP_KERNEL, TOP_ORDER);
	assert_non_null(page);
	assert_int_equal(h.nr, 0);
	__free_pages(page, TOP_ORDER);
	hoard_end(&h);
	test_shutdown(m, 0);
}

static void test_nofs_and_noio_are_told_to_shrinkers(void **state)
{
	struct machine *m = test_arena(1, &arena);
	unsigned int scope, inner;
	struct page *page;
	struct hoard h;

	(void)state;
	hoard_start(&h);
	h.only_fs = true;
	hoard_fill(&h);
	assert_null(alloc_page(GFP_NOFS | __GFP_NOWARN));
	assert_int_equal(h.gfp, GFP_NOFS | __GFP_NOWARN);
	assert_null(alloc_page(GFP_NOIO | __GFP_NOWARN));
	assert_int_equal(h.gfp, GFP_NOIO | __GFP_NOWARN);
	/* Scopes take the flags from all requests. */
	scope = memalloc_nofs_save();
	inner = memalloc_nofs_save();
	memalloc_nofs_restore(inner);
	assert_null(alloc_page(GFP_KERNEL | __GFP_NOWARN));
	assert_int_equal(h.gfp, GFP_NOFS | __GFP_NOWARN);
	memalloc_nofs_restore(scope);
	scope = memalloc_noio_save();
	assert_null(alloc_page(GFP_KERNEL | __GFP_NOWARN));
	assert_int_equal(h.gfp, GFP_NOIO | __GFP_NOWARN);
	memalloc_noio_restore(scope);
	assert_int_equal(h.nr, 1024);
	page = alloc_page(GFP_USER);
	assert_non_null(page);
	assert_int_equal(h.gfp, GFP_USER);
	__free_page(page);
	hoard_end(&h);
	test_shutdown(m, 0);
}

/* --- rounds ----------------------------------------------------------------------------------- */

static void test_one_round_and_sixteen_with_retry_mayfail(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct hoard h;

	(void)state;
	hoard_start(&h);
	hoard_fill(&h);
	h.only_fs = true;
	assert_null(alloc_page(GFP_NOFS | __GFP_NOWARN));
	assert_int_equal(vmstat_value("allocstall_normal"), 1);
	assert_null(alloc_page(GFP_NOFS | __GFP_NORETRY | __GFP_NOWARN));
	assert_int_equal(vmstat_value("allocstall_normal"), 2);
	assert_null(alloc_page(GFP_NOFS | __GFP_RETRY_MAYFAIL | __GFP_NOWARN));
	assert_int_equal(vmstat_value("allocstall_normal"), 18);
	assert_null(alloc_page(GFP_NOFS | __GFP_RETRY_MAYFAIL | __GFP_DMA | __GFP_NOWARN));
	assert_int_equal(vmstat_value("allocstall_dma"), 16);
	hoard_end(&h);
	test_shutdown(m, 0);
}

static unsigned int nr_counts;

static unsigned long nothing_count(struct shrinker *s, struct shrink_control *sc)
{
	(void)s;
	(void)sc;
	nr_counts++;
	return SHRINK_EMPTY;
}

/* A node is asked once for each of the 13 degrees of urgency, however many zones it has. */
static void test_a_node_is_asked_once_a_degree(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct page *page = alloc_pages(GFP_KERNEL, TOP_ORDER);
	struct shrinker nothing = {.count_objects = nothing_count, .scan_objects = hoard_scan,
				   .seeks = DEFAULT_SEEKS};

	(void)state;
	assert_int_equal(register_shrinker(&nothing, "nothing"), 0);
	assert_true(zone_populated(test_zone(0, KMEM_ZONE_DMA)));
	nr_counts = 0;
	assert_null(alloc_page(GFP_KERNEL | __GFP_NOWARN));
	assert_int_equal(nr_counts, 13);
	unregister_shrinker(&nothing);
	__free_pages(page, TOP_ORDER);
	test_shutdown(m, 0);
}

/* --- who may not ------------------------------------------------------------------------------ */

static void test_no_reclaim_in_atomic_context(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct hoard h;

	(void)state;
	hoard_start(&h);
	hoard_fill(&h);
	preempt_disable();
	assert_null(alloc_page(GFP_KERNEL | __GFP_NOWARN));
	preempt_enable();
	expect_report(MACHINE_WARN, "BUG: sleeping function called from invalid context at page allocation");
	rcu_read_lock();
	assert_null(alloc_page(GFP_KERNEL | __GFP_NOWARN));
	rcu_read_unlock();
	expect_report(MACHINE_WARN, "BUG: sleeping function called");
	assert_int_equal(h.nr_scans, 0);
	hoard_end(&h);
	test_shutdown(m, 0);
}

/* A shrinker that needs memory itself: from the reserves, and never by reclaim. */
static unsigned long needy_scan(struct shrinker *s, struct shrink_control *sc)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_NOWARN);
	unsigned long freed;

	assert_non_null(page);
	if (!hoard_of(s)->nr_scans)
		assert_null(alloc_page(GFP_KERNEL | __GFP_NOMEMALLOC | __GFP_NOWARN));
	freed = hoard_scan(s, sc);
	__free_page(page);
	return freed;
}

static void test_shrinkers_use_the_reserves_and_never_reclaim(void **state)
{
	struct machine *m = test_arena(1, &arena);
	unsigned int scope;
	struct page *page;
	struct hoard h;

	(void)state;
	zone_set_limits(arena.zone, 64, 80, 96, 0);
	hoard_start(&h);
	h.shrinker.scan_objects = needy_scan;
	hoard_fill(&h);
	page = alloc_page(GFP_KERNEL);
	assert_non_null(page);
	assert_int_equal(vmstat_value("allocstall_normal"), 1);
	__free_page(page);
	/* A program's own scope: down to nothing, and no shrinker is called. */
	hoard_fill(&h);
	h.nr_scans = 0;
	scope = memalloc_noreclaim_save();
	while ((page = alloc_page(GFP_KERNEL | __GFP_NOWARN)))
		h.pages[h.nr++] = page;
	irq_enter();
	assert_null(alloc_page(GFP_ATOMIC | __GFP_NOWARN));
	irq_exit();
	memalloc_noreclaim_restore(scope);
	assert_int_equal(h.nr, 1024);
	assert_int_equal(h.nr_scans, 0);
	hoard_end(&h);
	test_shutdown(m, 0);
}

/* --- out of memory ---------------------------------------------------------------------------- */

struct rescue {
	struct notifier_block nb;
	struct hoard *h;
	unsigned int nr_calls;
	unsigned long gives;		/* pages a call */
	unsigned long claims;		/* and says that it gave so many more */
	int answer;
};

static unsigned int rescue_order[4], nr_rescue_order;

static int rescue_call(struct notifier_block *nb, unsigned long action, void *data)
{
	struct rescue *r = (struct rescue *)(void *)nb;
	unsigned long *freed = data;

	assert_int_equal(action, 0);
	r->nr_calls++;
	if (nr_rescue_order < 4)
		rescue_order[nr_rescue_order++] = (unsigned int)nb->priority;
	for (unsigned long i = 0; i < r->gives && r->h->nr; i++, ++*freed)
		__free_page(r->h->pages[--r->h->nr]);
	*freed += r->claims;
	return r->answer;
}

static void test_nofail_calls_the_oom_notifiers(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct rescue low = {.nb = {.notifier_call = rescue_call, .priority = 1}};
	struct rescue high = {.nb = {.notifier_call = rescue_call, .priority = 7}};
	struct page *page;
	struct hoard h;

	(void)state;
	nr_rescue_order = 0;
	hoard_start(&h);
	hoard_fill(&h);
	unregister_shrinker(&h.shrinker);
	low.h = high.h = &h;
	low.gives = 3;
	assert_int_equal(register_oom_notifier(&low.nb), 0);
	assert_int_equal(register_oom_notifier(&high.nb), 0);
	assert_int_equal(register_oom_notifier(&high.nb), -EEXIST);
	/* Only requests that must not fail come so far. */
	assert_null(alloc_page(GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN));
	assert_int_equal(low.nr_calls + high.nr_calls, 0);
	page = alloc_page(GFP_KERNEL | __GFP_NOFAIL);
	assert_non_null(page);
	assert_int_equal(low.nr_calls, 1);
	assert_int_equal(rescue_order[0], 7);
	assert_int_equal(rescue_order[1], 1);
	__free_page(page);
	/* One that stops the chain, and has enough. */
	drain_all_pages();
	hoard_fill(&h);
	high.gives = 1;
	high.answer = NOTIFY_STOP;
	page = alloc_page(GFP_KERNEL | __GFP_NOFAIL);
	assert_non_null(page);
	assert_int_equal(low.nr_calls, 1);
	assert_int_equal(high.nr_calls, 2);
	h.pages[h.nr++] = page;
	assert_int_equal(unregister_oom_notifier(&low.nb), 0);
	assert_int_equal(unregister_oom_notifier(&low.nb), -ENOENT);
	assert_int_equal(unregister_oom_notifier(&high.nb), 0);
	expect_no_reports();
	while (h.nr)
		__free_page(h.pages[--h.nr]);
	test_shutdown(m, 0);
}

/* Those of one priority are called in the order in which they came. */
static void test_notifiers_of_one_priority(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct rescue first = {.nb = {.notifier_call = rescue_call, .priority = 3}};
	struct rescue second = {.nb = {.notifier_call = rescue_call, .priority = 3}};
	struct page *page;
	struct hoard h;

	(void)state;
	hoard_start(&h);
	hoard_fill(&h);
	unregister_shrinker(&h.shrinker);
	first.h = second.h = &h;
	first.gives = 1;
	first.answer = NOTIFY_STOP;
	assert_int_equal(register_oom_notifier(&first.nb), 0);
	assert_int_equal(register_oom_notifier(&second.nb), 0);
	page = alloc_page(GFP_KERNEL | __GFP_NOFAIL);
	assert_non_null(page);
	assert_int_equal(first.nr_calls, 1);
	assert_int_equal(second.nr_calls, 0);
	h.pages[h.nr++] = page;
	assert_int_equal(unregister_oom_notifier(&first.nb), 0);
	assert_int_equal(unregister_oom_notifier(&second.nb), 0);
	while (h.nr)
		__free_page(h.pages[--h.nr]);
	test_shutdown(m, 0);
}

/* Nothing is freed: the reserves, then the kernel's last words, and NULL when the handler goes on. A
 * notifier that lies is not believed for ever. */
static void test_nofail_panics_when_nothing_is_left(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct rescue liar = {.nb = {.notifier_call = rescue_call}};
	struct hoard h;

	(void)state;
	hoard_start(&h);
	hoard_fill(&h);
	unregister_shrinker(&h.shrinker);
	assert_null(alloc_page(GFP_KERNEL | __GFP_NOFAIL));
	expect_report(MACHINE_PANIC, "Kernel panic - not syncing: System is deadlocked on memory\n"
				     "Out of memory and no killable processes...\n");
	liar.h = &h;
	liar.claims = 1;
	assert_int_equal(register_oom_notifier(&liar.nb), 0);
	assert_null(alloc_page(GFP_KERNEL | __GFP_NOFAIL));
	assert_int_equal(liar.nr_calls, MAX_RECLAIM_RETRIES);
	expect_report(MACHINE_PANIC, "deadlocked on memory");
	assert_int_equal(unregister_oom_notifier(&liar.nb), 0);
	assert_int_equal(register_oom_notifier(NULL), -EINVAL);
	expect_report(MACHINE_BUG, "no function");
	while (h.nr)
		__free_page(h.pages[--h.nr]);
	test_shutdown(m, 0);
}

static int meddling_call(struct notifier_block *nb, unsigned long action, void *data)
{
	(void)action;
	(void)data;
	assert_int_equal(unregister_oom_notifier(nb), -EDEADLK);
	assert_int_equal(register_oom_notifier(nb), -EDEADLK);
	return NOTIFY_DONE;
}

static void test_notifiers_do_not_change_the_chain(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct notifier_block nb = {.notifier_call = meddling_call};
	struct page *page;

	(void)state;
	zone_set_limits(arena.zone, 2000, 2000, 2000, 0);
	assert_int_equal(register_oom_notifier(&nb), 0);
	page = alloc_page(GFP_KERNEL | __GFP_NOFAIL);
	assert_non_null(page);
	expect_reports(2, MACHINE_BUG, "called from a shrinker or a notifier");
	__free_page(page);
	assert_int_equal(unregister_oom_notifier(&nb), 0);
	test_shutdown(m, 0);
}

/* --- the allocators' own stock ---------------------------------------------------------------- */

/* A shrinker that shrinks a cache while the thread that needs memory is making another one. */
static struct kmem_cache *shrunk;
static unsigned int nr_shrinks;

static unsigned long shrink_count(struct shrinker *s, struct shrink_control *sc)
{
	(void)s;
	(void)sc;
	return 1;
}

static unsigned long shrink_scan(struct shrinker *s, struct shrink_control *sc)
{
	(void)s;
	(void)sc;
	nr_shrinks++;
	kmem_cache_shrink(shrunk);
	return 0;
}

static void test_a_shrinker_may_shrink_caches_while_one_is_made(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M cmdline=slab_nomerge");
	struct shrinker s = {.count_objects = shrink_count, .scan_objects = shrink_scan, .seeks = 1};
	struct kmem_cache *made[4096], *cache;
	struct page *page, *all = NULL;
	unsigned int n = 0;

	(void)state;
	shrunk = kmem_cache_create("shrunk", 1000, 0, 0, NULL);
	nr_shrinks = 0;
	assert_int_equal(register_shrinker(&s, "shrink"), 0);
	while ((page = alloc_page(GFP_NOWAIT | __GFP_NOWARN))) {
		page->private = (unsigned long)all;
		all = page;
	}
	do {
		cache = kmem_cache_create("made", 8, 0, 0, NULL);
		if (cache)
			made[n++] = cache;
	} while (cache && n < 4096);
	assert_null(cache);
	assert_true(nr_shrinks > 0);
	test_state.nr_reports = 0;
	while (n)
		kmem_cache_destroy(made[--n]);
	unregister_shrinker(&s);
	kmem_cache_destroy(shrunk);
	for (; all; all = page) {
		page = (struct page *)all->private;
		__free_page(all);
	}
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shrinkers_serve_a_request_that_may_wait),
		cmocka_unit_test(test_urgency_grows_until_there_is_enough),
		cmocka_unit_test(test_nofs_and_noio_are_told_to_shrinkers),
		cmocka_unit_test(test_one_round_and_sixteen_with_retry_mayfail),
		cmocka_unit_test(test_a_node_is_asked_once_a_degree),
		cmocka_unit_test(test_no_reclaim_in_atomic_context),
		cmocka_unit_test(test_shrinkers_use_the_reserves_and_never_reclaim),
		cmocka_unit_test(test_nofail_calls_the_oom_notifiers),
		cmocka_unit_test(test_notifiers_of_one_priority),
		cmocka_unit_test(test_nofail_panics_when_nothing_is_left),
		cmocka_unit_test(test_notifiers_do_not_change_the_chain),
		cmocka_unit_test(test_a_shrinker_may_shrink_caches_while_one_is_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
