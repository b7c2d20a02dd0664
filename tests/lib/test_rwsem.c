/* SPDX-License-Identifier: MIT */
/* Readers together, a writer alone, and one that waits stops nobody. */
#include "../support/kmem_test.h"

#include "lib/rwsem.h"

#include <pthread.h>

#define ROUNDS 2000

static struct rw_semaphore sem;
static unsigned long a, b;	/* equal whenever nobody writes; no atomics: the lock is what orders them */

static void test_readers_share(void **state)
{
	(void)state;
	memset(&sem, 0, sizeof(sem));
	down_read(&sem);
	assert_true(down_read_trylock(&sem));
	up_read(&sem);
	up_read(&sem);
	down_write(&sem);
	assert_false(down_read_trylock(&sem));
	up_write(&sem);
	assert_true(down_read_trylock(&sem));
	up_read(&sem);
}

static void *write_rounds(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		down_write(&sem);
		a++;
		b++;
		up_write(&sem);
	}
	return NULL;
}

static void *read_rounds(void *arg)
{
	unsigned long *torn = arg;

	for (int i = 0; i < ROUNDS; i++) {
		down_read(&sem);
		*torn += a != b;
		up_read(&sem);
	}
	return NULL;
}

static void test_writers_are_alone(void **state)
{
	unsigned long torn[2] = {0, 0};
	pthread_t thread[4];

	(void)state;
	memset(&sem, 0, sizeof(sem));
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, i < 2 ? write_rounds : read_rounds,
						i < 2 ? NULL : &torn[i - 2]), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(torn[0] + torn[1], 0);
	assert_int_equal(a, 2 * ROUNDS);
	assert_int_equal(b, a);
}

static void *write_once(void *arg)
{
	(void)arg;
	down_write(&sem);
	up_write(&sem);
	return NULL;
}

/* A writer that waits for readers keeps no other reader out: one that holds what the first reader
 * waits for would wait for ever. */
static void test_a_reader_passes_a_waiting_writer(void **state)
{
	pthread_t thread;

	(void)state;
	memset(&sem, 0, sizeof(sem));
	down_read(&sem);
	assert_int_equal(pthread_create(&thread, NULL, write_once, NULL), 0);
	while (!__atomic_load_n(&sem.writers, __ATOMIC_SEQ_CST))
		sched_yield();
	down_read(&sem);
	assert_true(down_read_trylock(&sem));
	up_read(&sem);
	up_read(&sem);
	up_read(&sem);
	pthread_join(thread, NULL);
	assert_int_equal(sem.writers, 0);
	assert_int_equal(sem.state, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_readers_share),
		cmocka_unit_test(test_writers_are_alone),
		cmocka_unit_test(test_a_reader_passes_a_waiting_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
