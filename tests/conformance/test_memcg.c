/* SPDX-License-Identifier: MIT */
/* Accounting groups: who is charged with what, and when it ends. */
#include "conformance.h"

#include <errno.h>
#include <pthread.h>

#define NOMERGED "x86_64 mem=64M cpus=2 cmdline=slab_nomerge"

static struct kmem_cgroup_stats figures(struct kmem_cgroup *g)
{
	struct kmem_cgroup_stats st;

	assert_int_equal(kmem_cgroup_get_stats(g, &st), 0);
	return st;
}

static void expect_charged(struct kmem_cgroup *g, uint64_t bytes, uint64_t objects)
{
	struct kmem_cgroup_stats st = figures(g);

	assert_int_equal(st.charged, bytes);
	assert_int_equal(st.objects, objects);
}

/* SLOB, like Linux's, has no groups: whether that was said. */
static bool has_none(struct machine *m)
{
	if (!backend_is("slob"))
		return false;
	assert_null(kmem_cgroup_create(1 << 20));
	expect_report(MACHINE_WARN, "SLOB accounts nothing");
	assert_null(kmem_cgroup_enter(NULL));
	test_shutdown(m, 0);
	return true;
}

static void *free_elsewhere(void *p)
{
	cpu_migrate(1);
	kfree(p);
	return NULL;
}

static void charged_until_freed(void **state)
{
	struct machine *m = test_boot(NOMERGED);
	struct kmem_cgroup *g, *other;
	struct kmem_cache *accounted, *plain;
	void *p, *q, *r, *bulk[20];
	unsigned int slot, slot100;
	pthread_t thread;

	if (has_none(m))
		return;
	g = kmem_cgroup_create(KMEM_CGROUP_UNLIMITED);
	other = kmem_cgroup_create(KMEM_CGROUP_UNLIMITED);
	accounted = kmem_cache_create("accounted", 200, 0, SLAB_ACCOUNT, NULL);
	plain = kmem_cache_create("plain", 200, 0, 0, NULL);
	slot = test_slot(accounted);
	slot100 = test_slot(kmem_find_cache("kmalloc-cg-128"));
	assert_null(kmem_cgroup_enter(g));

	p = kmem_cache_alloc(accounted, GFP_KERNEL);
	expect_charged(g, slot, 1);
	q = kmem_cache_alloc(plain, GFP_KERNEL);
	expect_charged(g, slot, 1);
	kmem_cache_free(plain, q);
	q = kmem_cache_alloc(plain, GFP_KERNEL | __GFP_ACCOUNT);
	expect_charged(g, 2 * slot, 2);
	r = kmalloc(100, GFP_KERNEL_ACCOUNT);
	expect_charged(g, 2 * slot + slot100, 3);
	/* elsewhere, by somebody else, in another group: it was g's and is given back to g */
	assert_ptr_equal(kmem_cgroup_enter(other), g);
	kmem_cache_free(accounted, p);
	expect_charged(g, slot + slot100, 2);
	assert_int_equal(pthread_create(&thread, NULL, free_elsewhere, r), 0);
	pthread_join(thread, NULL);
	expect_charged(g, slot, 1);
	expect_charged(other, 0, 0);
	kmem_cache_free(plain, q);
	expect_charged(g, 0, 0);

	/* later: after a grace period */
	p = kmalloc(64, GFP_KERNEL_ACCOUNT);
	kfree_call_rcu(p, p);
	expect_charged(other, test_slot(kmem_find_cache("kmalloc-cg-64")), 1);
	rcu_barrier();
	expect_charged(other, 0, 0);

	/* blocks of pages, bulk, a larger object in place of a smaller one */
	p = kmalloc(20000, GFP_KERNEL_ACCOUNT);
	expect_charged(other, 32768, 1);
	kfree(p);
	assert_int_equal(kmem_cache_alloc_bulk(accounted, GFP_KERNEL, 20, bulk), 20);
	expect_charged(other, 20 * slot, 20);
	kmem_cache_free_bulk(accounted, 20, bulk);
	expect_charged(other, 0, 0);
	p = krealloc(kmalloc(100, GFP_KERNEL_ACCOUNT), 1000, GFP_KERNEL_ACCOUNT);
	expect_charged(other, test_slot(kmem_find_cache("kmalloc-cg-1k")), 1);
	kfree(p);

	/* nobody pays in an interrupt */
	irq_enter();
	p = kmalloc(64, GFP_ATOMIC | __GFP_ACCOUNT);
	irq_exit();
	expect_charged(other, 0, 0);
	kfree(p);
	assert_int_equal(figures(other).peak, 32768);
	assert_ptr_equal(kmem_cgroup_enter(NULL), other);
	p = kmem_cache_alloc(accounted, GFP_KERNEL);
	kmem_cache_free(accounted, p);
	expect_charged(other, 0, 0);
	assert_int_equal(kmem_cgroup_destroy(g), 0);
	assert_int_equal(kmem_cgroup_destroy(other), 0);
	kmem_cache_destroy(accounted);
	kmem_cache_destroy(plain);
	test_shutdown(m, 0);
}

static void a_limit_makes_allocations_fail(void **state)
{
	struct machine *m = test_boot(NOMERGED);
	struct kmem_cgroup *g;
	void *p[300], *one, *bulk[8];
	unsigned int n = 0, fit, slot, i;

	if (has_none(m))
		return;
	slot = test_slot(kmem_find_cache("kmalloc-cg-128"));
	fit = 10000 / slot;
	g = kmem_cgroup_create(10000);
	kmem_cgroup_enter(g);
	while (n < 300 && (p[n] = kmalloc(128, GFP_KERNEL_ACCOUNT)))
		n++;
	assert_int_equal(n, fit);
	expect_charged(g, fit * slot, fit);
	assert_int_equal(figures(g).failures, 1);
	expect_no_reports();
	/* others, and those that must not fail, are served */
	one = kmalloc(128, GFP_KERNEL);
	assert_non_null(one);
	kfree(one);
	one = kmalloc(128, GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
	assert_non_null(one);
	expect_charged(g, (fit + 1) * slot, fit + 1);
	kfree(one);
	assert_null(kmalloc(20000, GFP_KERNEL_ACCOUNT));
	/* a bulk that does not fit leaves nothing behind */
	assert_int_equal(kmem_cache_alloc_bulk(kmem_find_cache("kmalloc-cg-128"), GFP_KERNEL, 8, bulk), 0);
	expect_charged(g, fit * slot, fit);
	assert_int_equal(kmem_cgroup_set_limit(g, 20000), 0);
	p[n] = kmalloc(128, GFP_KERNEL_ACCOUNT);
	assert_non_null(p[n++]);
	for (i = 0; i < n; i++)
		kfree(p[i]);
	expect_charged(g, 0, 0);
	kmem_cgroup_enter(NULL);
	assert_int_equal(kmem_cgroup_destroy(g), 0);
	test_shutdown(m, 0);
}

static void charges_by_the_thousand(void **state)
{
	struct machine *m = test_boot(NOMERGED);
	struct kmem_cgroup *g[3];
	static struct {
		void *p;
		int group;
	} slots[5000];
	uint64_t rand = 3, charged[3] = { 0 };
	unsigned int slot, i;

	if (has_none(m))
		return;
	slot = test_slot(kmem_find_cache("kmalloc-cg-64"));
	for (i = 0; i < 3; i++)
		assert_non_null(g[i] = kmem_cgroup_create(KMEM_CGROUP_UNLIMITED));
	memset(slots, 0, sizeof(slots));
	for (i = 0; i < 60000; i++) {
		uint64_t r = test_rand(&rand);
		unsigned int at = r % 5000;

		if (slots[at].p) {
			charged[slots[at].group] -= slot;
			kfree(slots[at].p);
			slots[at].p = NULL;
		} else {
			slots[at].group = (int)(r >> 32) % 3 < 0 ? 0 : (int)((r >> 32) % 3);
			kmem_cgroup_enter(g[slots[at].group]);
			slots[at].p = kmalloc(64, GFP_KERNEL_ACCOUNT);
			charged[slots[at].group] += slot;
		}
	}
	for (i = 0; i < 3; i++)
		assert_int_equal(figures(g[i]).charged, charged[i]);
	for (i = 0; i < 5000; i++)
		kfree(slots[i].p);
	kmem_cgroup_enter(NULL);
	for (i = 0; i < 3; i++)
		assert_int_equal(kmem_cgroup_destroy(g[i]), 0);
	test_shutdown(m, 0);
}

static void groups_that_are_none(void **state)
{
	struct machine *m, *foreign;
	struct kmem_cgroup_stats st;
	struct kmem_cgroup *g;
	void *p;

	test_catch_all();
	test_state.nr_reports = 0;
	assert_null(kmem_cgroup_create(1));
	assert_int_equal(kmem_cgroup_destroy(NULL), -ENODEV);
	assert_null(kmem_cgroup_enter(NULL));
	assert_int_equal(kmem_cgroup_set_limit(NULL, 1), -ENODEV);
	assert_int_equal(kmem_cgroup_get_stats(NULL, &st), -ENODEV);
	expect_reports(5, MACHINE_WARN, "no machine entered");
	m = test_boot(NOMERGED);
	if (has_none(m))
		return;
	g = kmem_cgroup_create(1 << 20);
	kmem_cgroup_enter(g);
	assert_int_equal(kmem_cgroup_destroy(g), -EBUSY);
	p = kmalloc(8, GFP_KERNEL_ACCOUNT);
	kmem_cgroup_enter(NULL);
	assert_int_equal(kmem_cgroup_destroy(g), -EBUSY);
	/* freed twice, or into the wrong cache: reported as ever, and the charge is right */
	kmem_cache_free(kmem_find_cache("kmalloc-96"), p);
	expect_report(MACHINE_WARN, NULL);
	expect_charged(g, figures(g).charged, 1);
	kfree(p);
	kfree(p);
	expect_report(MACHINE_BUG, NULL);
	expect_charged(g, 0, 0);
	foreign = test_boot(NOMERGED);
	assert_null(kmem_cgroup_enter(g));
	expect_report(MACHINE_WARN, "no group of this machine");
	assert_int_equal(kmem_cgroup_destroy(g), -EINVAL);
	assert_int_equal(kmem_cgroup_set_limit(g, 5), -EINVAL);
	assert_int_equal(kmem_cgroup_get_stats(g, &st), -EINVAL);
	expect_reports(3, MACHINE_WARN, "no group of this machine");
	test_shutdown(foreign, 0);
	assert_int_equal(machine_enter(m), 0);
	assert_int_equal(kmem_cgroup_destroy(g), 0);
	assert_int_equal(kmem_cgroup_destroy(g), -EINVAL);
	expect_report(MACHINE_WARN, "no group of this machine");
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(charged_until_freed),
	cmocka_unit_test(a_limit_makes_allocations_fail),
	cmocka_unit_test(charges_by_the_thousand),
	cmocka_unit_test(groups_that_are_none),
};
TEST_GROUP(memcg, tests);
