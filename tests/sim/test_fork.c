/* SPDX-License-Identifier: MIT */
/* src/sim/process.c: what fork() makes of machines and threads. */
#include "../support/sim_test.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/process.h"

/* @check in a child; its status is how many checks it got through. */
static void expect_in_child(int (*check)(struct arch_machine *am), struct arch_machine *am,
			    int expected)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(check(am));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), expected);
}

#define STEP(n, condition)                   \
	do {                                 \
		if (!(condition))            \
			return 100 + (n);    \
	} while (0)

static int memfd_is_lost(struct arch_machine *am)
{
	struct machine *m = arch_machine_handle(am);

	STEP(1, arch_cpu_ptr == &arch_cpu_none);
	STEP(2, smp_processor_id() == -1);
	STEP(3, sim_heard.reports == 1 && strstr(sim_heard.title, "machine lost in fork"));
	STEP(4, machine_enter(m) == -ENODEV);
	STEP(5, sim_heard.reports == 2 && strstr(sim_heard.title, "machine lost in fork"));
	STEP(6, !machine_current());
	STEP(7, !arch_machine_from_handle(m));
	return 7;
}

static void test_memfd(void **state)
{
	struct arch_machine *am;

	sim_hear_all();
	am = sim_boot("mem=16M cpus=2");
	am->ram[0x1000] = 1;
	expect_in_child(memfd_is_lost, am, 7);
	assert_int_equal(am->ram[0x1000], 1);
	assert_int_equal(smp_processor_id(), 0);
	assert_int_equal(sim_heard.reports, 0);
	sim_shutdown(am);
}

static int private_goes_on(struct arch_machine *am)
{
	struct arch_cpu *cpu;

	STEP(1, am->ram[0x1000] == 1);
	am->ram[0x1000] = 2;
	STEP(2, smp_processor_id() == 0);
	STEP(3, arch_machine_handle(am)->cpu_threads[1] == 0);
	cpu = arch_cpu_lock();
	STEP(4, cpu);
	arch_cpu_unlock(cpu);
	arch_cpu_unclaim(arch_cpu_claim(am, 1));
	STEP(5, cpu_migrate(1) == 0);
	sim_shutdown(am);
	STEP(6, smp_processor_id() == -1);
	return 6;
}

static void *attach_and_wait(void *arg)
{
	pthread_barrier_t *barrier = arg;

	smp_processor_id();
	pthread_barrier_wait(barrier);
	pthread_barrier_wait(barrier);
	return NULL;
}

/* The other thread, on CPU 1, does not exist in the child. */
static void test_private(void **state)
{
	struct arch_machine *am;
	pthread_barrier_t barrier;
	pthread_t thread;

	sim_hear_all();
	am = sim_boot("mem=16M cpus=2 backing=private");
	am->ram[0x1000] = 1;
	pthread_barrier_init(&barrier, NULL, 2);
	assert_int_equal(pthread_create(&thread, NULL, attach_and_wait, &barrier), 0);
	pthread_barrier_wait(&barrier);
	assert_int_equal(arch_machine_handle(am)->cpu_threads[1], 1);
	expect_in_child(private_goes_on, am, 6);
	assert_int_equal(am->ram[0x1000], 1);
	assert_int_equal(arch_machine_handle(am)->cpu_threads[1], 1);
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&barrier);
	sim_shutdown(am);
}

static int boots_its_own(struct arch_machine *lost)
{
	struct arch_machine *am = sim_boot("mem=16M cpus=2");

	am->ram[0x1000] = 3;
	machine_leave();
	STEP(1, smp_processor_id() == 0);
	STEP(2, machine_current() == arch_machine_handle(am));
	STEP(3, !arch_machine_from_handle(arch_machine_handle(lost)));
	sim_shutdown(am);
	return 3;
}

static void test_child_boots_its_own(void **state)
{
	struct arch_machine *am;

	sim_hear_all();
	am = sim_boot("mem=16M");
	expect_in_child(boots_its_own, am, 3);
	sim_shutdown(am);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memfd),
		cmocka_unit_test(test_private),
		cmocka_unit_test(test_child_boots_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
