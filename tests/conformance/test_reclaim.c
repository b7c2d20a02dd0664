/* SPDX-License-Identifier: MIT */
/* Reclaim as a program meets it: shrinkers over caches, kswapd, out-of-memory notifiers, sysctls. */
#include <errno.h>

#include "conformance.h"

#define OBJECT 1000

/* A program's cache of objects that it could make again. */
struct lru {
	struct shrinker shrinker;
	struct kmem_cache *s;
	void **first;			/* linked by their first words */
	unsigned long nr;
	unsigned int nr_scans;
	gfp_t gfp;
};

static struct lru *lru_of(struct shrinker *s)
{
	return (struct lru *)(void *)s;
}

static unsigned long lru_count(struct shrinker *s, struct shrink_control *sc)
{
	return lru_of(s)->nr ? lru_of(s)->nr : SHRINK_EMPTY;
}

static void lru_drop(struct lru *lru)
{
	void **object = lru->first;

	lru->first = *object;
	lru->nr--;
	kmem_cache_free(lru->s, object);
}

static unsigned long lru_scan(struct shrinker *s, struct shrink_control *sc)
{
	struct lru *lru = lru_of(s);
	unsigned long freed = 0;

	lru->nr_scans++;
	lru->gfp = sc->gfp_mask;
	for (; freed < sc->nr_to_scan && lru->nr; freed++)
		lru_drop(lru);
	return freed;
}

static void lru_init(struct lru *lru)
{
	memset(lru, 0, sizeof(*lru));
	lru->shrinker.count_objects = lru_count;
	lru->shrinker.scan_objects = lru_scan;
	lru->shrinker.seeks = DEFAULT_SEEKS;
	lru->s = kmem_cache_create("lru", OBJECT, 0, SLAB_RECLAIM_ACCOUNT, NULL);
	assert_non_null(lru->s);
}

static bool lru_add(struct lru *lru, gfp_t gfp)
{
	void **object = kmem_cache_alloc(lru->s, gfp | __GFP_NOWARN);

	if (!object)
		return false;
	*object = lru->first;
	lru->first = object;
	lru->nr++;
	return true;
}

static void lru_exit(struct lru *lru)
{
	while (lru->nr)
		lru_drop(lru);
	kmem_cache_destroy(lru->s);
}

static void a_shrinker_serves_requests_that_may_wait(void **state)
{
	struct machine *m = test_boot(TINY);
	unsigned long before, most, pages;
	struct lru lru;
	void **list = NULL;

	lru_init(&lru);
	before = test_free_pages();
	assert_int_equal(register_shrinker(&lru.shrinker, "lru-%s", "test"), 0);
	while (lru_add(&lru, GFP_NOWAIT))
		;
	assert_int_equal(lru.nr_scans, 0);
	most = lru.nr;
	/* Now half of the machine for something else. */
	for (pages = 0; pages < before / 2; pages++) {
		void **page = (void **)__get_free_page(GFP_KERNEL);

		assert_non_null(page);
		*page = list;
		list = page;
	}
	assert_true(lru.nr_scans > 0);
	assert_true(lru.nr < most);
	while (list) {
		void **page = list;

		list = *page;
		free_page((unsigned long)page);
	}
	unregister_shrinker(&lru.shrinker);
	lru_exit(&lru);
	assert_true(test_free_pages() >= before);
	test_shutdown(m, 0);
}

/* Objects of the cache itself may be what is needed: it grows for ever, at its own cost. */
static void a_cache_lives_within_its_machine(void **state)
{
	struct machine *m = test_boot(TINY);
	struct lru lru;
	unsigned int i;

	lru_init(&lru);
	assert_int_equal(register_shrinker(&lru.shrinker, "lru"), 0);
	for (i = 0; i < 40000; i++)
		assert_true(lru_add(&lru, GFP_KERNEL));
	assert_true(lru.nr < 40000);
	unregister_shrinker(&lru.shrinker);
	lru_exit(&lru);
	test_shutdown(m, 0);
}

static void nothing_to_shrink_is_a_failure(void **state)
{
	struct machine *m = test_boot(TINY);
	struct kswapd_state st;
	struct lru lru;

	lru_init(&lru);
	while (lru_add(&lru, GFP_NOWAIT))
		;
	/* The allocators themselves may have something left. */
	while (lru_add(&lru, GFP_KERNEL))
		;
	assert_int_equal(lru.nr_scans, 0);
	assert_null(alloc_pages(GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN, 3));
	/* kswapd fails as well, and is not called any more after sixteen times. */
	for (unsigned int i = 0; i < 16; i++)
		machine_kswapd(0);
	assert_int_equal(machine_kswapd_state(0, &st), 0);
	assert_int_equal(st.failures, 16);
	assert_null(alloc_pages(GFP_NOWAIT | __GFP_NOWARN, 3));
	assert_int_equal(machine_kswapd_state(0, &st), 0);
	assert_false(st.wanted);
	lru_exit(&lru);
	test_shutdown(m, 0);
}

static void shrinkers_are_registered_once(void **state)
{
	struct machine *m = test_boot(TINY), *other;
	struct lru lru;

	lru_init(&lru);
	assert_int_equal(register_shrinker(NULL, "none"), -EINVAL);
	expect_report(MACHINE_BUG, "register_shrinker");
	assert_int_equal(register_shrinker(&lru.shrinker, "lru"), 0);
	assert_int_equal(register_shrinker(&lru.shrinker, "lru"), -EINVAL);
	expect_report(MACHINE_BUG, "lru is registered already");
	other = test_boot(TINY);
	unregister_shrinker(&lru.shrinker);
	expect_report(MACHINE_BUG, "another machine");
	test_shutdown(other, 0);
	assert_int_equal(machine_enter(m), 0);
	unregister_shrinker(&lru.shrinker);
	unregister_shrinker(&lru.shrinker);
	unregister_shrinker(NULL);
	synchronize_shrinkers();
	expect_no_reports();
	lru_exit(&lru);
	test_shutdown(m, 0);
}

static void drop_slab_empties_caches(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct lru lru;

	lru_init(&lru);
	assert_int_equal(register_shrinker(&lru.shrinker, "lru"), 0);
	while (lru.nr < 5000)
		assert_true(lru_add(&lru, GFP_KERNEL));
	assert_int_equal(drop_slab(), 5000);
	assert_int_equal(lru.nr, 0);
	lru_add(&lru, GFP_KERNEL);
	assert_int_equal(sysctl_write("vm.drop_caches", "3"), 0);
	assert_int_equal(lru.nr, 0);
	unregister_shrinker(&lru.shrinker);
	assert_int_equal(drop_slab(), 0);
	lru_exit(&lru);
	test_shutdown(m, 0);
}

static void kswapd_is_a_call(void **state)
{
	struct machine *m = test_boot(TINY);
	struct kswapd_state st;
	struct lru lru;

	lru_init(&lru);
	assert_int_equal(register_shrinker(&lru.shrinker, "lru"), 0);
	while (lru_add(&lru, GFP_NOWAIT))
		;
	assert_int_equal(machine_kswapd_state(0, &st), 0);
	assert_true(st.wanted);
	assert_int_equal(lru.nr_scans, 0);
	assert_true(machine_kswapd(0) > 0);
	assert_true(lru.nr_scans > 0);
	assert_int_equal(machine_kswapd_state(0, &st), 0);
	assert_false(st.wanted);
	/* What it freed, a request that may not wait can have. */
	assert_true(lru_add(&lru, GFP_NOWAIT));
	assert_int_equal(machine_kswapd(5), -EINVAL);
	assert_int_equal(machine_kswapd_state(5, &st), -EINVAL);
	unregister_shrinker(&lru.shrinker);
	lru_exit(&lru);
	test_shutdown(m, 0);
}

static unsigned int nr_notified;

static int give_up(struct notifier_block *nb, unsigned long action, void *data)
{
	nr_notified++;
	return NOTIFY_OK;
}

static void nofail_asks_notifiers_then_panics(void **state)
{
	struct machine *m = test_boot(TINY);
	struct notifier_block nb = {.notifier_call = give_up};
	struct lru lru;

	lru_init(&lru);
	nr_notified = 0;
	assert_int_equal(register_oom_notifier(NULL), -EINVAL);
	expect_report(MACHINE_BUG, "no function");
	assert_int_equal(register_oom_notifier(&nb), 0);
	assert_int_equal(register_oom_notifier(&nb), -EEXIST);
	while (lru_add(&lru, GFP_NOWAIT | __GFP_MEMALLOC))
		;
	while (lru_add(&lru, GFP_KERNEL | __GFP_MEMALLOC))
		;
	assert_int_equal(nr_notified, 0);
	assert_null(alloc_pages(GFP_KERNEL | __GFP_NOFAIL, 3));
	assert_int_equal(nr_notified, 1);
	expect_report(MACHINE_PANIC, "System is deadlocked on memory");
	assert_int_equal(unregister_oom_notifier(&nb), 0);
	assert_int_equal(unregister_oom_notifier(&nb), -ENOENT);
	lru_exit(&lru);
	test_shutdown(m, 0);
}

static void figures_can_be_written(void **state)
{
	struct machine *m = test_boot(PLAIN " cmdline=sysctl.vm.min_free_kbytes=4096");
	struct kmem_zone_stats before, after;
	char text[32];
	struct page *page;

	assert_int_equal(sysctl_read("vm.min_free_kbytes", text, sizeof(text)), 5);
	assert_string_equal(text, "4096\n");
	assert_int_equal(kmem_get_zone_stats(0, KMEM_ZONE_DMA32, &before), 0);
	assert_int_equal(sysctl_write("vm.min_free_kbytes", "8192"), 0);
	assert_int_equal(kmem_get_zone_stats(0, KMEM_ZONE_DMA32, &after), 0);
	assert_true(after.min > 2 * before.min - 2 && after.min < 2 * before.min + 2);
	assert_int_equal(sysctl_write("vm.min_free_kbytes", "10000000"), 0);
	assert_null(alloc_page(GFP_KERNEL | __GFP_NOWARN));
	assert_int_equal(sysctl_write("vm.min_free_kbytes", "4096"), 0);
	page = alloc_page(GFP_KERNEL);
	assert_non_null(page);
	__free_page(page);
	assert_int_equal(sysctl_write("vm.min_free_kbytes", "much"), -EINVAL);
	assert_int_equal(sysctl_write("vm.none", "1"), -ENOENT);
	assert_int_equal(sysctl_read("vm.none", NULL, 0), -ENOENT);
	assert_string_equal(sysctl_name(0), "vm.min_free_kbytes");
	assert_null(sysctl_name(1000));
	test_shutdown(m, 0);
}

static void scopes_nest(void **state)
{
	struct machine *m = test_boot(TINY);
	unsigned int a = memalloc_noreclaim_save(), b = memalloc_noreclaim_save();
	struct lru lru;

	lru_init(&lru);
	assert_int_equal(register_shrinker(&lru.shrinker, "lru"), 0);
	memalloc_noreclaim_restore(b);
	while (lru_add(&lru, GFP_KERNEL))
		;
	assert_int_equal(lru.nr_scans, 0);
	memalloc_noreclaim_restore(a);
	assert_true(lru_add(&lru, GFP_KERNEL));
	assert_true(lru.nr_scans > 0);
	assert_int_equal(lru.gfp & (__GFP_IO | __GFP_FS), __GFP_IO | __GFP_FS);
	a = memalloc_nofs_save();
	b = memalloc_noio_save();
	while (lru_add(&lru, GFP_NOWAIT))
		;
	assert_true(lru_add(&lru, GFP_KERNEL));
	assert_int_equal(lru.gfp & (__GFP_IO | __GFP_FS), 0);
	memalloc_noio_restore(b);
	while (lru_add(&lru, GFP_NOWAIT))
		;
	assert_true(lru_add(&lru, GFP_KERNEL));
	assert_int_equal(lru.gfp & (__GFP_IO | __GFP_FS), __GFP_IO);
	memalloc_nofs_restore(a);
	unregister_shrinker(&lru.shrinker);
	lru_exit(&lru);
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_shrinker_serves_requests_that_may_wait),
	cmocka_unit_test(a_cache_lives_within_its_machine),
	cmocka_unit_test(nothing_to_shrink_is_a_failure),
	cmocka_unit_test(shrinkers_are_registered_once),
	cmocka_unit_test(drop_slab_empties_caches),
	cmocka_unit_test(kswapd_is_a_call),
	cmocka_unit_test(nofail_asks_notifiers_then_panics),
	cmocka_unit_test(figures_can_be_written),
	cmocka_unit_test(scopes_nest),
};

TEST_GROUP(reclaim, tests);
