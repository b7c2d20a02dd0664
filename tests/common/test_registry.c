/* SPDX-License-Identifier: MIT */
/* The registry's mutex and its counters. */
#include "../support/kmem_test.h"

#include "common/registry.h"

#include <pthread.h>
#include <sched.h>

static void pages_and_peak(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M isolate_metadata=1");
	struct kernel *k = arch_kernel();
	struct cache_registry *r = k->caches;

	pages_account(k, &r->slab_pages, 8);
	pages_account(k, &r->large_pages, 4);
	assert_int_equal(r->peak_pages, 12);
	pages_account(k, &r->slab_pages, -8);
	pages_account(k, &r->large_pages, 2);
	assert_int_equal(r->peak_pages, 12);
	pages_account(k, &r->large_pages, 7);
	assert_int_equal(r->peak_pages, 13);
	pages_account(k, &r->large_pages, -13);
	assert_int_equal(r->large_pages, 0);
	kmem_stats_reset_peak();
	assert_int_equal(r->peak_pages, 0);
	test_shutdown(m, 0);
}

struct guarded {
	struct machine *m;
	struct kernel *k;
	unsigned long value;	/* plain: only the mutex protects it */
};

static void *increment(void *arg)
{
	struct guarded *g = arg;
	unsigned long seen;
	int i;

	if (machine_enter(g->m))
		return NULL;
	for (i = 0; i < 300; i++) {
		caches_lock(g->k);
		seen = g->value;
		sched_yield();
		g->value = seen + 1;
		caches_unlock(g->k);
	}
	return NULL;
}

static void the_mutex_excludes(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M cpus=2");
	struct guarded g = { m, arch_kernel(), 0 };
	pthread_t t[3];
	int i;

	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&t[i], NULL, increment, &g), 0);
	for (i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(g.value, 900);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_and_peak),
		cmocka_unit_test(the_mutex_excludes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
