/* SPDX-License-Identifier: MIT */
/* Who wakes kswapd, what it reaches, and that the boost falls there and nowhere else. */
#include <errno.h>

#include "buddy_test.h"

#include "buddy/reclaim.h"

#define UNMOVABLE (GFP_NOWAIT | __GFP_NOWARN)

static struct buddy_arena arena;

struct cache {
	struct shrinker shrinker;
	struct page *pages[2048];
	unsigned long nr;
	gfp_t gfp;
};

static unsigned long cache_count(struct shrinker *s, struct shrink_control *sc)
{
	(void)sc;
	return ((struct cache *)(void *)s)->nr;
}

static unsigned long cache_scan(struct shrinker *s, struct shrink_control *sc)
{
	struct cache *c = (struct cache *)(void *)s;
	unsigned long freed = 0;

	c->gfp = sc->gfp_mask;
	for (; freed < sc->nr_to_scan && c->nr; freed++)
		__free_page(c->pages[--c->nr]);
	return freed;
}

static void cache_fill(struct cache *c, gfp_t gfp)
{
	struct page *page;

	while ((page = alloc_page(gfp | __GFP_NOWARN)))
		c->pages[c->nr++] = page;
}

static struct kswapd_state state_of(int nid)
{
	struct kswapd_state st;

	assert_int_equal(machine_kswapd_state(nid, &st), 0);
	return st;
}

static void test_woken_below_low_and_content_above_high(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct cache c = {.shrinker = {.count_objects = cache_count, .scan_objects = cache_scan,
				       .seeks = DEFAULT_SEEKS}};
	struct kswapd_state st;

	(void)state;
	assert_int_equal(register_shrinker(&c.shrinker, "cache"), 0);
	zone_set_limits(arena.zone, 100, 200, 300, 0);
	st = state_of(0);
	assert_false(st.wanted);
	assert_int_equal(st.highest_zone, -1);
	/* Without the flag nobody is woken. */
	cache_fill(&c, __GFP_HIGH);
	assert_false(state_of(0).wanted);
	__free_page(c.pages[--c.nr]);
	cache_fill(&c, GFP_NOWAIT);
	st = state_of(0);
	assert_true(st.wanted);
	assert_int_equal(st.wakeups, 1);
	assert_int_equal(st.order, 0);
	assert_int_equal(st.highest_zone, KMEM_ZONE_NORMAL);
	assert_null(alloc_pages(GFP_NOWAIT | __GFP_NOWARN, 3));
	assert_int_equal(state_of(0).order, 3);
	assert_int_equal(state_of(0).wakeups, 1);

	assert_true(machine_kswapd(0) > 0);
	assert_true(arena.zone->nr_free > 300);
	assert_int_equal(c.gfp, GFP_KERNEL);
	st = state_of(0);
	assert_false(st.wanted);
	assert_int_equal(st.runs, 1);
	assert_int_equal(st.failures, 0);
	assert_int_equal(st.highest_zone, -1);
	/* Who is content frees nothing. */
	assert_int_equal(machine_kswapd(0), 0);
	assert_int_equal(machine_kswapd(1), -EINVAL);
	assert_int_equal(machine_kswapd(-1), -EINVAL);
	assert_int_equal(machine_kswapd_state(1, &st), -EINVAL);
	unregister_shrinker(&c.shrinker);
	while (c.nr)
		__free_page(c.pages[--c.nr]);
	test_shutdown(m, 0);
}

static void test_boost_falls_there_only(void **state)
{
	struct machine *m = test_arena(4, &arena);
	struct page *page, *more;

	(void)state;
	zone_set_limits(arena.zone, 100, 200, 300, 0);
	/* An unmovable request in a movable arena: the first takes whole pageblocks, which does no harm.
	 * With one pageblock only partly free it steals. */
	page = alloc_pages(UNMOVABLE | __GFP_MOVABLE | __GFP_HIGHMEM, 0);
	assert_non_null(page);
	while ((more = alloc_pages(UNMOVABLE | __GFP_MOVABLE | __GFP_HIGHMEM, 9))) {
		more->private = (unsigned long)page;
		page = more;
	}
	more = alloc_pages(UNMOVABLE, 0);
	assert_non_null(more);
	assert_true(arena.zone->watermark_boost > 0);
	assert_true(state_of(0).wanted);
	/* Frees, drains and requests leave it; kswapd takes it. */
	__free_page(more);
	while (page->private) {
		more = (struct page *)page->private;
		__free_pages(page, 9);
		page = more;
	}
	__free_page(page);
	drain_all_pages();
	assert_true(arena.zone->watermark_boost > 0);
	machine_kswapd(0);
	assert_int_equal(arena.zone->watermark_boost, 0);
	test_shutdown(m, 0);
}

static void test_a_hopeless_node_is_left_alone(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct page *page = alloc_pages(GFP_NOWAIT, TOP_ORDER), *single;
	struct kswapd_state st;

	(void)state;
	assert_non_null(page);
	zone_set_limits(arena.zone, 100, 200, 300, 0);
	for (unsigned int i = 0; i < MAX_RECLAIM_RETRIES; i++) {
		assert_null(alloc_page(GFP_NOWAIT | __GFP_NOWARN));
		assert_true(state_of(0).wanted);
		assert_int_equal(machine_kswapd(0), 0);
	}
	assert_int_equal(state_of(0).failures, MAX_RECLAIM_RETRIES);
	assert_null(alloc_page(GFP_NOWAIT | __GFP_NOWARN));
	st = state_of(0);
	assert_false(st.wanted);
	assert_int_equal(st.wakeups, MAX_RECLAIM_RETRIES);
	/* Direct reclaim has success: the set of single pages on a CPU's list is one. */
	split_page(page, TOP_ORDER);
	for (unsigned int i = 0; i < 150; i++)
		__free_page(page_step(page, i));
	single = alloc_page(GFP_KERNEL);
	assert_non_null(single);
	assert_int_equal(state_of(0).failures, 0);
	__free_page(single);
	for (unsigned int i = 150; i < TOP_PAGES; i++)
		__free_page(page_step(page, i));
	machine_kswapd(0);
	assert_int_equal(state_of(0).failures, 0);
	test_shutdown(m, 0);
}

/* Each node has its own. */
static void test_by_node(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=128M nodes=2 cpus=2");
	struct page *page, *all = NULL;

	(void)state;
	while ((page = alloc_pages_node(1, GFP_NOWAIT | __GFP_THISNODE | __GFP_NOWARN, 0))) {
		page->private = (unsigned long)all;
		all = page;
	}
	assert_true(state_of(1).wanted);
	assert_false(state_of(0).wanted);
	for (; all; all = page) {
		page = (struct page *)all->private;
		__free_page(all);
	}
	assert_true(machine_kswapd(1) >= 0);
	assert_false(state_of(1).wanted);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_woken_below_low_and_content_above_high),
		cmocka_unit_test(test_boost_falls_there_only),
		cmocka_unit_test(test_a_hopeless_node_is_left_alone),
		cmocka_unit_test(test_by_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
