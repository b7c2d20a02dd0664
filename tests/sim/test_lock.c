/* SPDX-License-Identifier: MIT */
/* src/sim/lock.c: the spinlock's states and contention. */
#include "../support/sim_test.h"

#include "../support/child.h"

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

#if KMEM_ASSERT_LEVEL >= 2

static struct arch_spinlock low, high, other_high;

static void call(void *arg)
{
	void (*const *take)(void) = arg;

	(*take)();
}

/* Whether @take stops the process, in a child; all three locks are free at its start. */
static bool stops(void (*take)(void))
{
	struct child_end end = run_child(call, &take);

	return child_aborted(end);
}

static void ascending(void)
{
	arch_spin_lock(&low);
	arch_spin_lock(&high);
	/* Released in the same order, and taken again. */
	arch_spin_unlock(&low);
	arch_spin_unlock(&high);
	arch_spin_lock(&low);
	arch_spin_unlock(&low);
	arch_spin_lock(&high);
}

static void descending(void)
{
	arch_spin_lock(&high);
	arch_spin_lock(&low);
}

static void same_rank(void)
{
	arch_spin_lock(&high);
	arch_spin_lock(&other_high);
}

/* Trying waits for nobody; what was got counts for the next. */
static void tries_descending(void)
{
	arch_spin_lock(&high);
	if (!arch_spin_trylock(&low))
		raise(SIGKILL);
}

static void descends_after_try(void)
{
	if (!arch_spin_trylock(&high))
		raise(SIGKILL);
	arch_spin_lock(&low);
}

static void claims_under_a_lock(void)
{
	struct arch_machine *am = sim_boot("mem=16M cpus=2");

	arch_spin_lock(&low);
	arch_cpu_claim(am, 1);
}

static void test_ranks(void **state)
{
	arch_spin_init(&low, 5);
	arch_spin_init(&high, 9);
	arch_spin_init(&other_high, 9);
	assert_false(stops(ascending));
	assert_true(stops(descending));
	assert_true(stops(same_rank));
	assert_false(stops(tries_descending));
	assert_true(stops(descends_after_try));
	assert_true(stops(claims_under_a_lock));
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
#if KMEM_ASSERT_LEVEL >= 2
		cmocka_unit_test(test_ranks),
#endif
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_contention),
		cmocka_unit_test(test_sleepers_wake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
