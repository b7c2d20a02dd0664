/* SPDX-License-Identifier: MIT */
/* src/sim/lock.c: the spinlock's states and contention. */
#include "../support/sim_test.h"

#include <pthread.h>
#include <time.h>

static struct arch_spinlock lock;
static unsigned long counter;
static bool waiting;

static void test_states(void **state)
{
	arch_spin_init(&lock, 7);
	assert_int_equal(lock.rank, 7);
	assert_int_equal(lock.value, 0);
	assert_true(arch_spin_trylock(&lock));
	assert_false(arch_spin_trylock(&lock));
	assert_int_equal(lock.value, 1);
	arch_spin_unlock(&lock);
	arch_spin_lock(&lock);
	assert_int_equal(lock.value, 1);
	arch_spin_unlock(&lock);
	assert_int_equal(lock.value, 0);
}

static void *count(void *arg)
{
	for (int i = 0; i < 50000; i++) {
		if (i % 5)
			arch_spin_lock(&lock);
		else
			while (!arch_spin_trylock(&lock))
				arch_relax();
		counter++;
		arch_spin_unlock(&lock);
	}
	return NULL;
}

static void test_contention(void **state)
{
	pthread_t threads[6];

	arch_spin_init(&lock, 0);
	counter = 0;
	for (int i = 0; i < 6; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count, NULL), 0);
	for (int i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(counter, 300000);
	assert_int_equal(lock.value, 0);
}

static void *wait_for_it(void *arg)
{
	__atomic_store_n(&waiting, true, __ATOMIC_RELEASE);
	arch_spin_lock(&lock);
	counter++;
	arch_spin_unlock(&lock);
	return NULL;
}

/* Waiters that have gone to sleep are all woken, one after the other. */
static void test_sleepers_wake(void **state)
{
	const struct timespec nap = {.tv_nsec = 1000000};
	pthread_t threads[4];

	arch_spin_init(&lock, 0);
	counter = 0;
	arch_spin_lock(&lock);
	for (int i = 0; i < 4; i++) {
		waiting = false;
		assert_int_equal(pthread_create(&threads[i], NULL, wait_for_it, NULL), 0);
		while (!__atomic_load_n(&waiting, __ATOMIC_ACQUIRE))
			nanosleep(&nap, NULL);
	}
	while (__atomic_load_n(&lock.value, __ATOMIC_RELAXED) != 2)
		nanosleep(&nap, NULL);
	arch_spin_unlock(&lock);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(counter, 4);
	assert_int_equal(lock.value, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_contention),
		cmocka_unit_test(test_sleepers_wake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
