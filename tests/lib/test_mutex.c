/* SPDX-License-Identifier: MIT */
#include "../support/sim_test.h"

#include <pthread.h>
#include <sched.h>

#include "lib/mutex.h"

static void trylock_takes_a_free_one_only(void **state)
{
	struct mutex m = {0};

	assert_false(mutex_is_locked(&m));
	assert_true(mutex_trylock(&m));
	assert_true(mutex_is_locked(&m));
	assert_false(mutex_trylock(&m));
	mutex_unlock(&m);
	assert_false(mutex_is_locked(&m));
	mutex_lock(&m);
	assert_false(mutex_trylock(&m));
	mutex_unlock(&m);
}

struct guarded {
	struct mutex mutex;
	unsigned long value;	/* plain: only the mutex protects it */
};

static void *increment(void *arg)
{
	struct guarded *g = arg;

	for (int i = 0; i < 500; i++) {
		unsigned long seen;

		mutex_lock(&g->mutex);
		seen = g->value;
		if (i % 8 == 0)
			sched_yield();
		g->value = seen + 1;
		mutex_unlock(&g->mutex);
	}
	return NULL;
}

static void holders_exclude_each_other(void **state)
{
	struct guarded g = {.value = 0};
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, increment, &g), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(g.value, 2000);
	assert_int_equal(g.mutex.value, 0);
}

static void *take_and_release(void *arg)
{
	struct guarded *g = arg;

	mutex_lock(&g->mutex);
	g->value++;
	mutex_unlock(&g->mutex);
	return NULL;
}

/* All of them sleep before the mutex is given up; each must get it. */
static void every_sleeper_is_woken(void **state)
{
	struct guarded g = {.value = 0};
	pthread_t t[3];

	mutex_lock(&g.mutex);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&t[i], NULL, take_and_release, &g), 0);
	while (__atomic_load_n(&g.mutex.value, __ATOMIC_RELAXED) != 2)
		sched_yield();
	assert_int_equal(g.value, 0);
	mutex_unlock(&g.mutex);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(g.value, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trylock_takes_a_free_one_only),
		cmocka_unit_test(holders_exclude_each_other),
		cmocka_unit_test(every_sleeper_is_woken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
