/* SPDX-License-Identifier: MIT */
/* src/sim/cpu.c: a machine's only thread, and what happens to its short cuts when others come. */
#include "../support/sim_test.h"

#include "sim/process.h"

#include <pthread.h>

static struct arch_machine *am;
static struct arch_spinlock lock;
static unsigned long counter;	/* under the lock */
static unsigned long shared;	/* changed as slabs are */

static bool alone(unsigned int cpu)
{
	return __atomic_load_n(&arch_cpu_by_id(am, cpu)->alone, __ATOMIC_RELAXED);
}

/* One more in `shared`, without a locked instruction where that is right, and slowly: who comes too
 * early finds it half done. */
static void bump(void)
{
	struct arch_cpu *cpu = arch_cpu_tryenter();

	if (cpu && arch_cpu_alone(cpu)) {
		unsigned long seen = __atomic_load_n(&shared, __ATOMIC_RELAXED);

		for (int i = 0; i < 50; i++)
			arch_relax();
		__atomic_store_n(&shared, seen + 1, __ATOMIC_RELAXED);
	} else {
		__atomic_fetch_add(&shared, 1, __ATOMIC_RELAXED);
	}
	if (cpu)
		arch_cpu_leave(cpu);
}

static void count(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		bump();
		if (i % 3)
			arch_spin_lock(&lock);
		else
			while (!arch_spin_trylock(&lock))
				arch_relax();
		counter++;
		arch_spin_unlock(&lock);
	}
}

static void *attach_and_look(void *arg)
{
	unsigned int nr_alone = 0;

	assert_int_equal(machine_enter(arch_machine_handle(am)), 0);
	for (unsigned int i = 0; i < am->nr_cpus; i++)
		nr_alone += alone(i);
	*(unsigned int *)arg = nr_alone;
	return NULL;
}

static void test_who_is_alone(void **state)
{
	unsigned int nr_alone = 99;
	pthread_t thread;

	am = sim_boot("mem=16M cpus=3");
	assert_int_equal(alone(0), process_has_membarrier());
	assert_int_equal(pthread_create(&thread, NULL, attach_and_look, &nr_alone), 0);
	pthread_join(thread, NULL);
	assert_int_equal(nr_alone, 0);
	/* Alone again, here and after a move. */
	assert_int_equal(alone(0), process_has_membarrier());
	assert_int_equal(cpu_migrate(2), 0);
	assert_int_equal(alone(2), process_has_membarrier());
	assert_false(alone(0));
	machine_leave();
	assert_false(alone(2));
	assert_int_equal(machine_enter(arch_machine_handle(am)), 0);
	assert_int_equal(alone(0), process_has_membarrier());
	sim_shutdown(am);
}

/* More threads than this host runs at once, on one CPU: when one is left, it is alone. */
static void test_alone_on_a_cpu_that_was_shared(void **state)
{
	unsigned int nr_alone[4];
	pthread_t threads[4];

	am = sim_boot("mem=16M cpus=1");
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, attach_and_look, &nr_alone[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(nr_alone[i], 0);
	}
	assert_int_equal(alone(0), process_has_membarrier());
	sim_shutdown(am);
}

static void *come_and_go(void *arg)
{
	assert_int_equal(machine_enter(arch_machine_handle(am)), 0);
	count(*(unsigned int *)arg);
	return NULL;
}

/* The thread that thinks itself alone against ones that come all the time. */
static void test_nothing_is_lost_when_others_come(void **state)
{
	static const char *const machines[] = { "mem=16M cpus=4", "mem=16M cpus=1" };
	unsigned int each = 300, rounds = 40;
	pthread_t threads[2];

	for (int m = 0; m < 2; m++) {
		am = sim_boot(machines[m]);
		arch_spin_init(&lock, 5);
		counter = shared = 0;
		for (unsigned int i = 0; i < rounds; i++) {
			for (int k = 0; k < 2; k++)
				assert_int_equal(pthread_create(&threads[k], NULL, come_and_go, &each), 0);
			count(2000);
			for (int k = 0; k < 2; k++)
				pthread_join(threads[k], NULL);
			count(100);
		}
		assert_int_equal(counter, rounds * (2100 + 2 * each));
		assert_int_equal(shared, counter);
		assert_int_equal(lock.value, 0);
		sim_shutdown(am);
	}
}

/* A lock that others wait for is passed on, whoever takes it. */
static void *take_once(void *arg)
{
	assert_int_equal(machine_enter(arch_machine_handle(am)), 0);
	arch_spin_lock(&lock);
	counter++;
	arch_spin_unlock(&lock);
	return NULL;
}

static void test_taken_alone_released_in_company(void **state)
{
	pthread_t thread;

	am = sim_boot("mem=16M cpus=2");
	arch_spin_init(&lock, 5);
	counter = 0;
	arch_spin_lock(&lock);
	assert_int_equal(lock.value, 1);
	assert_int_equal(pthread_create(&thread, NULL, take_once, NULL), 0);
	while (__atomic_load_n(&lock.value, __ATOMIC_RELAXED) != 2)
		sched_yield();
	assert_false(alone(0));
	arch_spin_unlock(&lock);
	pthread_join(thread, NULL);
	assert_int_equal(counter, 1);
	assert_int_equal(lock.value, 0);
	sim_shutdown(am);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_is_alone),
		cmocka_unit_test(test_alone_on_a_cpu_that_was_shared),
		cmocka_unit_test(test_nothing_is_lost_when_others_come),
		cmocka_unit_test(test_taken_alone_released_in_company),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
