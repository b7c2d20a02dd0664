/* SPDX-License-Identifier: MIT */
/* Contexts: every call that may sleep says so in an atomic one, once, and works all the same. */
#include "conformance.h"

#define INVALID "BUG: sleeping function called from invalid context at "

static struct kmem_cache *cache;
static mempool_t *pool;

/* --- what allocates; each gives back what it got ---------------------------------------------- */

static bool by_kmalloc(gfp_t gfp)
{
	void *p = kmalloc(100, gfp);

	kfree(p);
	return p;
}

static bool by_kmalloc_node(gfp_t gfp)
{
	void *p = kmalloc_node(100, gfp, 0);

	kfree(p);
	return p;
}

static bool by_kzalloc(gfp_t gfp)
{
	void *p = kzalloc(100, gfp);

	kfree(p);
	return p;
}

static bool by_large_kmalloc(gfp_t gfp)
{
	void *p = kmalloc(3 * PAGE_SIZE, gfp);

	kfree(p);
	return p;
}

static bool by_kcalloc(gfp_t gfp)
{
	void *p = kcalloc(3, 100, gfp);

	kfree(p);
	return p;
}

static bool by_krealloc(gfp_t gfp)
{
	void *p = krealloc(kmalloc(10, GFP_ATOMIC), 1000, gfp);

	kfree(p);
	return p;
}

static bool by_cache(gfp_t gfp)
{
	void *p = kmem_cache_alloc(cache, gfp);

	kmem_cache_free(cache, p);
	return p;
}

static bool by_cache_zeroed(gfp_t gfp)
{
	void *p = kmem_cache_zalloc(cache, gfp);

	kmem_cache_free(cache, p);
	return p;
}

static bool by_cache_node(gfp_t gfp)
{
	void *p = kmem_cache_alloc_node(cache, gfp, 0);

	kmem_cache_free(cache, p);
	return p;
}

static bool by_bulk(gfp_t gfp)
{
	void *p[100];

	if (kmem_cache_alloc_bulk(cache, gfp, 100, p) != 100)
		return false;
	kmem_cache_free_bulk(cache, 100, p);
	return true;
}

static bool by_page(gfp_t gfp)
{
	struct page *page = alloc_page(gfp);

	__free_page(page);
	return page;
}

static bool by_pages(gfp_t gfp)
{
	struct page *page = alloc_pages(gfp, 5);

	__free_pages(page, 5);
	return page;
}

static bool by_pages_node(gfp_t gfp)
{
	struct page *page = alloc_pages_node(0, gfp, 2);

	__free_pages(page, 2);
	return page;
}

static bool by_free_page(gfp_t gfp)
{
	unsigned long addr = __get_free_page(gfp);

	free_page(addr);
	return addr;
}

static bool by_exact_pages(gfp_t gfp)
{
	void *p = alloc_pages_exact(3 * PAGE_SIZE, gfp);

	free_pages_exact(p, 3 * PAGE_SIZE);
	return p;
}

static bool by_bulk_pages(gfp_t gfp)
{
	struct page *pages[40] = {NULL};
	unsigned long n = alloc_pages_bulk_array(gfp, 40, pages);

	for (unsigned long i = 0; i < n; i++)
		__free_page(pages[i]);
	return n;
}

static bool by_zeroed_page(gfp_t gfp)
{
	unsigned long addr = get_zeroed_page(gfp);

	free_page(addr);
	return addr;
}

static bool by_kvmalloc(gfp_t gfp)
{
	void *p = kvmalloc(100, gfp);

	kvfree(p);
	return p;
}

static bool by_strdup(gfp_t gfp)
{
	void *p = kstrdup("abc", gfp);

	kfree(p);
	return p;
}

static bool by_mempool(gfp_t gfp)
{
	void *p = mempool_alloc(pool, gfp);

	mempool_free(p, pool);
	return p;
}

static bool (*const allocations[])(gfp_t) = {
	by_kmalloc,	by_kmalloc_node, by_kzalloc, by_large_kmalloc, by_kcalloc, by_krealloc,
	by_cache,	by_cache_zeroed, by_cache_node, by_bulk, by_page, by_pages,
	by_pages_node,	by_free_page, by_exact_pages, by_bulk_pages, by_zeroed_page, by_kvmalloc,
	by_strdup,	by_mempool,
};

#define NR_ALLOCATIONS (sizeof(allocations) / sizeof(allocations[0]))

static void enter(int context)
{
	switch (context) {
	case 0:
		preempt_disable();
		break;
	case 1:
		irq_enter();
		break;
	case 2:
		local_bh_disable();
		break;
	case 3:
		local_irq_disable();
		break;
	case 4:
		rcu_read_lock();
	}
}

static void leave(int context)
{
	switch (context) {
	case 0:
		preempt_enable();
		break;
	case 1:
		irq_exit();
		break;
	case 2:
		local_bh_enable();
		break;
	case 3:
		local_irq_enable();
		break;
	case 4:
		rcu_read_unlock();
	}
}

static void an_allocation_that_may_sleep_is_told_once(void **state)
{
	struct machine *m = test_boot(PLAIN);
	size_t i;

	cache = kmem_cache_create("c", 200, 0, 0, NULL);
	pool = mempool_create_kmalloc_pool(2, 300);
	for (int context = 0; context < 5; context++) {
		/* Cold and warm: the first of each kind needs a new slab, the later ones none. */
		for (i = 0; i < 3 * NR_ALLOCATIONS; i++) {
			enter(context);
			assert_true(allocations[i % NR_ALLOCATIONS](GFP_KERNEL));
			leave(context);
			expect_report(MACHINE_WARN, INVALID);
			assert_true(allocations[i % NR_ALLOCATIONS](GFP_KERNEL));
			expect_no_reports();
		}
		enter(context);
		for (i = 0; i < NR_ALLOCATIONS; i++) {
			assert_true(allocations[i](GFP_ATOMIC));
			assert_true(allocations[i](GFP_NOWAIT));
		}
		leave(context);
		expect_no_reports();
	}
	mempool_destroy(pool);
	kmem_cache_destroy(cache);
	test_shutdown(m, 0);
}

/* Reclaim waits for whoever runs shrinkers or claims CPUs. */
static unsigned long count_none(struct shrinker *s, struct shrink_control *sc)
{
	return 0;
}

static int notify_none(struct notifier_block *nb, unsigned long action, void *data)
{
	return NOTIFY_DONE;
}

static void reclaim_may_sleep(void **state)
{
	struct shrinker s = {.count_objects = count_none, .scan_objects = count_none, .seeks = 1};
	struct notifier_block nb = {.notifier_call = notify_none};
	struct machine *m = test_boot(PLAIN);
	struct kswapd_state st;
	char text[32];

	preempt_disable();
	assert_int_equal(register_shrinker(&s, "s"), 0);
	expect_report(MACHINE_WARN, INVALID "register_shrinker");
	synchronize_shrinkers();
	expect_report(MACHINE_WARN, INVALID "synchronize_shrinkers");
	drop_slab();
	expect_report(MACHINE_WARN, INVALID "drop_slab");
	machine_kswapd(0);
	expect_report(MACHINE_WARN, INVALID "machine_kswapd");
	unregister_shrinker(&s);
	expect_report(MACHINE_WARN, INVALID "unregister_shrinker");
	assert_int_equal(register_oom_notifier(&nb), 0);
	expect_report(MACHINE_WARN, INVALID "register_oom_notifier");
	assert_int_equal(unregister_oom_notifier(&nb), 0);
	expect_report(MACHINE_WARN, INVALID "unregister_oom_notifier");
	assert_int_equal(sysctl_write("vm.watermark_scale_factor", "20"), 0);
	expect_report(MACHINE_WARN, INVALID "sysctl_write");
	assert_int_equal(sysctl_read("vm.watermark_scale_factor", text, sizeof(text)), 3);
	assert_int_equal(machine_kswapd_state(0, &st), 0);
	expect_no_reports();
	preempt_enable();
	test_shutdown(m, 0);
}

static void making_and_ending_caches_may_sleep(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s;

	preempt_disable();
	s = kmem_cache_create("c", 200, 0, 0, NULL);
	expect_report(MACHINE_WARN, INVALID "slab_mutex");
	assert_non_null(s);
	kmem_cache_free(s, kmem_cache_alloc(s, GFP_ATOMIC));
	expect_no_reports();
	assert_int_equal(kmem_cache_shrink(s), 0);
	expect_report(MACHINE_WARN, INVALID "slab_mutex");
	kmem_cache_destroy(s);
	expect_report(MACHINE_WARN, INVALID "slab_mutex");
	/* Who only looks is let. */
	assert_true(proc_read("slabinfo", NULL, 0) > 0);
	assert_non_null(kmem_get_stats(&(struct kmem_stats){0}) ? NULL : m);
	assert_null(kmem_find_cache("c"));
	drain_all_pages();
	expect_no_reports();
	preempt_enable();
	test_shutdown(m, 0);
}

/* The same objects at the same places, whatever the context. */
static void an_atomic_context_changes_no_result(void **state)
{
	enum { N = 500 };
	static void *first[N], *second[N];

	for (int atomic = 0; atomic < 2; atomic++) {
		struct machine *m = test_boot(ISOLATED);
		struct kmem_cache *s = kmem_cache_create("c", 200, 0, 0, NULL);
		uint64_t seed = 1;
		void **p = atomic ? second : first;

		memset(p, 0, sizeof(first));
		if (atomic)
			preempt_disable();
		for (int i = 0; i < 4 * N; i++) {
			void **o = &p[test_rand(&seed) % N];

			if (*o)
				kmem_cache_free(s, *o);
			*o = kmem_cache_alloc(s, GFP_NOWAIT);
			assert_non_null(*o);
		}
		if (atomic)
			preempt_enable();
		for (int i = 0; i < N; i++) {
			if (!p[i])
				continue;
			kmem_cache_free(s, p[i]);
			p[i] = (void *)(uintptr_t)__pa((unsigned long)p[i]);
		}
		kmem_cache_destroy(s);
		test_shutdown(m, 0);
	}
	for (int i = 0; i < N; i++)
		assert_ptr_equal(first[i], second[i]);
}

static void misuse_in_an_atomic_context_is_told_as_ever(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("c", 200, 0, 0, NULL);
	char *p = kmem_cache_alloc(s, GFP_KERNEL);
	int local;

	irq_enter();
	kmem_cache_free(s, &local);
	expect_report(MACHINE_BUG, "pointer is in no slab");
	kmem_cache_free(s, p + 1);
	expect_report(MACHINE_BUG, "pointer is inside an object");
	kfree(&local);
	expect_report(MACHINE_BUG, "is in no slab");
	kmem_cache_free(s, p);
	irq_exit();
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void counts_and_questions(void **state)
{
	struct machine *m = test_boot(PLAIN);

	assert_true(in_task());
	assert_false(in_atomic() || in_interrupt() || in_hardirq() || in_softirq());
	assert_false(irqs_disabled());
	irq_enter();
	assert_true(in_interrupt() && in_hardirq() && in_atomic());
	assert_false(in_softirq() || in_task());
	assert_int_equal(preempt_count(), 0x10000);
	irq_exit();
	local_bh_disable();
	assert_true(in_softirq() && in_interrupt() && in_task());
	assert_int_equal(preempt_count(), 0x200);
	local_bh_enable();
	preempt_disable();
	assert_true(in_atomic() && in_task());
	assert_false(in_interrupt());
	might_sleep();
	expect_report(MACHINE_WARN, "test_context.c:");
	preempt_enable();
	local_irq_disable();
	assert_true(irqs_disabled());
	might_sleep();
	expect_report(MACHINE_WARN, "irqs_disabled(): 1");
	local_irq_enable();
	might_sleep();
	preempt_enable();
	expect_report(MACHINE_BUG, "preempt_enable: nothing to end");
	local_bh_enable();
	expect_report(MACHINE_BUG, "local_bh_enable: nothing to end");
	irq_exit();
	expect_report(MACHINE_BUG, "irq_exit: nothing to end");
	assert_int_equal(preempt_count(), 0);
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(an_allocation_that_may_sleep_is_told_once),
	cmocka_unit_test(reclaim_may_sleep),
	cmocka_unit_test(making_and_ending_caches_may_sleep),
	cmocka_unit_test(an_atomic_context_changes_no_result),
	cmocka_unit_test(misuse_in_an_atomic_context_is_told_as_ever),
	cmocka_unit_test(counts_and_questions),
};
TEST_GROUP(context, tests);
