/* SPDX-License-Identifier: MIT */
/* src/sim/fork.c: what fork() makes of machines and threads. */
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

/* --- what is held over it ---------------------------------------------------------------------- */

static struct {
	struct machine *m;
	unsigned int refuse;		/* so many times a lock cannot be had */
	unsigned int first, second;	/* how often each part was taken less how often it was given back */
	unsigned int child;
	bool wrong;
} told;

static bool cpu_is_claimed(unsigned int id)
{
	const struct sim_cpu *cpu = sim_cpu_of(arch_cpu_by_id(&told.m->pub, id));

	return cpu->pub.claim && cpu->holder == thread_self() && cpu->lock.value;
}

static bool tell(struct kernel *k, enum arch_fork_part part, enum arch_fork_step step, unsigned int ms)
{
	unsigned int *taken = part == ARCH_FORK_FIRST ? &told.first : &told.second;
	unsigned int claimed = cpu_is_claimed(0) + cpu_is_claimed(1);

	told.wrong |= k != told.m->pub.kernel || claimed != (part == ARCH_FORK_FIRST ? 0 : 2);
	told.wrong |= told.m->alone != NULL;
	told.child += step == ARCH_FORK_CHILD;
	/* As if another thread were about to see that CPU 1 is claimed. */
	if (part == ARCH_FORK_SECOND)
		__atomic_store_n(&arch_cpu_by_id(&told.m->pub, 1)->busy, step != ARCH_FORK_RELEASE,
				 __ATOMIC_RELAXED);
	*taken += step == ARCH_FORK_TAKE ? 1 : -1u;
	if (step != ARCH_FORK_TAKE || part != ARCH_FORK_SECOND || !told.refuse)
		return true;
	told.refuse--;
	return false;
}

static struct arch_machine *boot_and_tell(void)
{
	struct arch_machine *am;

	sim_hear_all();
	am = sim_boot_with_fork("mem=16M cpus=2 backing=private", tell);
	memset(&told, 0, sizeof(told));
	told.m = arch_machine_handle(am);
	return am;
}

static int everything_is_released(struct arch_machine *am)
{
	STEP(1, !told.wrong && !told.first && !told.second && told.child == 2);
	STEP(2, told.m->alone && told.m->nr_attached == 1);
	STEP(3, !arch_cpu_by_id(am, 1)->busy && !arch_cpu_by_id(am, 1)->claim);
	STEP(4, cpu_migrate(1) == 0);
	arch_cpu_unclaim(arch_cpu_claim(am, 0));
	STEP(5, !sim_heard.reports);
	sim_shutdown(am);
	return 5;
}

static void expect_parent_goes_on(struct arch_machine *am)
{
	assert_false(told.wrong);
	assert_int_equal(told.first + told.second + told.child, 0);
	assert_ptr_equal(told.m->alone, sim_cpu_of(arch_cpu_by_id(am, 0)));
	assert_int_equal(cpu_migrate(1), 0);
	assert_int_equal(cpu_migrate(0), 0);
	assert_int_equal(sim_heard.reports, 0);
}

static void fork_after_refusals(unsigned int refuse)
{
	struct arch_machine *am = boot_and_tell();

	told.refuse = refuse;
	expect_in_child(everything_is_released, am, 5);
	assert_int_equal(told.refuse, 0);
	expect_parent_goes_on(am);
	sim_shutdown(am);
}

static void test_parts(void **state)
{
	fork_after_refusals(0);
}

/* What cannot be had at once is tried again from the beginning. */
static void test_try_again(void **state)
{
	fork_after_refusals(3);
}

static int private_is_lost(struct arch_machine *am)
{
	STEP(1, arch_cpu_ptr == &arch_cpu_none);
	STEP(2, smp_processor_id() == -1);
	STEP(3, sim_heard.reports == 1 && strstr(sim_heard.title, "machine lost in fork"));
	STEP(4, machine_enter(arch_machine_handle(am)) == -ENODEV);
	STEP(5, !machine_current() && !arch_machine_from_handle(arch_machine_handle(am)));
	return 5;
}

/* But not for ever. The other machine is not touched by it. */
static void test_give_up(void **state)
{
	struct arch_machine *am = boot_and_tell(), *other;

	told.refuse = 1000;
	expect_in_child(private_is_lost, am, 5);
	expect_parent_goes_on(am);
	told.refuse = 1000;
	other = sim_boot("mem=16M cpus=2 backing=private");
	other->ram[0x1000] = 1;
	expect_in_child(private_goes_on, other, 6);
	sim_shutdown(other);
	sim_shutdown(am);
}

static void test_ending(void **state)
{
	struct arch_machine *am = boot_and_tell();

	arch_machine_no_fork(am);
	expect_in_child(private_is_lost, am, 5);
	expect_parent_goes_on(am);
	sim_shutdown(am);
}

/* In a claim or section of its own the thread would wait for itself. */
static void test_in_a_claim(void **state)
{
	struct arch_machine *am = boot_and_tell();
	struct arch_cpu *cpu;

	cpu = arch_cpu_claim(am, 1);
	expect_in_child(private_is_lost, am, 5);
	arch_cpu_unclaim(cpu);
	cpu = arch_cpu_lock();
	expect_in_child(private_is_lost, am, 5);
	arch_cpu_unlock(cpu);
	expect_parent_goes_on(am);
	sim_shutdown(am);
}

/* --- others at work ---------------------------------------------------------------------------- */

#define NR_CPUS 3
#define NR_BUSY 5

static struct {
	struct arch_machine *am;
	unsigned long pair[NR_CPUS][2];	/* of CPU i: changed together, by its section or claim alone */
	bool stop;
} busy;

static void change_pair(const struct arch_cpu *cpu)
{
	busy.pair[cpu->id][0]++;
	arch_barrier();
	busy.pair[cpu->id][1]++;
}

static void *enter_and_claim(void *arg)
{
	unsigned int i = 0;

	machine_enter(arch_machine_handle(busy.am));
	while (!__atomic_load_n(&busy.stop, __ATOMIC_RELAXED)) {
		struct arch_cpu *cpu = arch_cpu_tryenter();

		if (cpu) {
			change_pair(cpu);
			arch_cpu_leave(cpu);
		} else {
			cpu = arch_cpu_lock();
			change_pair(cpu);
			arch_cpu_unlock(cpu);
		}
		if (++i % 64 == 0) {
			cpu = arch_cpu_claim(busy.am, i / 64 % NR_CPUS);
			change_pair(cpu);
			arch_cpu_unclaim(cpu);
		}
		if (i % 1000 == 0)
			cpu_migrate(i / 1000 % NR_CPUS);
		if (i % 5000 == 0) {
			machine_leave();
			machine_enter(arch_machine_handle(busy.am));
		}
	}
	return NULL;
}

static int pairs_match(struct arch_machine *am)
{
	struct machine *m = arch_machine_handle(am);

	for (unsigned int i = 0; i < NR_CPUS; i++) {
		struct arch_cpu *cpu = arch_cpu_by_id(am, i);

		STEP(1, busy.pair[i][0] == busy.pair[i][1]);
		STEP(2, !cpu->busy && m->cpu_threads[i] == (cpu == arch_cpu_ptr));
		STEP(3, process_has_membarrier() == !cpu->claim);
		arch_cpu_unclaim(arch_cpu_claim(am, i));
		STEP(4, cpu_migrate(i) == 0);
	}
	STEP(5, m->nr_attached == 1 && !m->alone == !process_has_membarrier());
	return 5;
}

static void fork_among_others(void)
{
	pthread_t t[NR_BUSY];

	sim_hear_all();
	memset(&busy, 0, sizeof(busy));
	busy.am = sim_boot("mem=16M cpus=3 backing=private");
	for (int i = 0; i < NR_BUSY; i++)
		assert_int_equal(pthread_create(&t[i], NULL, enter_and_claim, NULL), 0);
	for (int i = 0; i < 60; i++)
		expect_in_child(pairs_match, busy.am, 5);
	__atomic_store_n(&busy.stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < NR_BUSY; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(pairs_match(busy.am), 5);
	sim_shutdown(busy.am);
}

static void test_sections(void **state)
{
	fork_among_others();
}

static void test_sections_without_membarrier(void **state)
{
	bool before = process_has_membarrier();

	process_set_membarrier(false);
	fork_among_others();
	process_set_membarrier(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memfd),
		cmocka_unit_test(test_private),
		cmocka_unit_test(test_child_boots_its_own),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_try_again),
		cmocka_unit_test(test_give_up),
		cmocka_unit_test(test_ending),
		cmocka_unit_test(test_in_a_claim),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_sections_without_membarrier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
