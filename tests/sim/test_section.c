/* SPDX-License-Identifier: MIT */
/*
 * CPU sections and claims (src/sim/cpu.c): data that only the rules of arch.h protect. Each test runs
 * with membarrier() and without it. Under ThreadSanitizer the plain accesses below are what it checks.
 */
#include "../support/sim_test.h"

#include <errno.h>
#include <pthread.h>

#include "sim/process.h"

/* A CPU's data: two words that a section changes one after the other. */
struct data {
	unsigned long first, second;
};

static struct data *data_of(struct arch_cpu *cpu)
{
	return (struct data *)(void *)((char *)cpu + ARCH_PERCPU_START);
}

static struct arch_machine *am;
static unsigned long sections_done, claims_done, torn;
static bool stop;

static void add_one(struct arch_cpu *cpu)
{
	struct data *d = data_of(cpu);

	if (d->first != d->second)
		__atomic_fetch_add(&torn, 1, __ATOMIC_RELAXED);
	d->first++;
	arch_barrier();
	d->second++;
}

/* As kernel code does it: fast, else slow. */
static bool one_section(void)
{
	struct arch_cpu *cpu = arch_cpu_tryenter();

	if (cpu) {
		add_one(cpu);
		arch_cpu_leave(cpu);
		return true;
	}
	cpu = arch_cpu_lock();
	if (!cpu)
		return false;
	add_one(cpu);
	arch_cpu_unlock(cpu);
	return true;
}

struct work {
	unsigned long sections;
	bool migrates;
};

static void *work(void *arg)
{
	const struct work *w = arg;
	unsigned long done = 0;

	for (unsigned long i = 0; i < w->sections; i++) {
		if (w->migrates && i % 37 == 0)
			cpu_migrate((unsigned int)(i / 37) % am->nr_cpus);
		done += one_section();
	}
	__atomic_fetch_add(&sections_done, done, __ATOMIC_RELAXED);
	return NULL;
}

/* Claims all CPUs in turn, and several at once in ascending order. */
static void *claim(void *arg)
{
	unsigned long n = 0;

	smp_processor_id();
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		unsigned int last = n++ % 3 ? 1 : am->nr_cpus;

		for (unsigned int first = 0; first + last <= am->nr_cpus; first++) {
			for (unsigned int i = first; i < first + last; i++)
				add_one(arch_cpu_claim(am, i));
			for (unsigned int i = first; i < first + last; i++)
				arch_cpu_unclaim(arch_cpu_by_id(am, i));
			__atomic_fetch_add(&claims_done, last, __ATOMIC_RELAXED);
		}
	}
	return NULL;
}

/* Every section and claim has counted once, and nobody saw another halfway. */
static void expect_exact(void)
{
	unsigned long sum = 0;

	for (unsigned int i = 0; i < am->nr_cpus; i++) {
		const struct data *d = data_of(arch_cpu_by_id(am, i));

		assert_int_equal(d->first, d->second);
		sum += d->first;
	}
	assert_int_equal(torn, 0);
	assert_int_equal(sum, sections_done + claims_done);
	assert_int_equal(sim_heard.reports, 0);
}

static void run(const char *machine, int workers, bool migrates, bool claims)
{
	struct work w = {claims ? 20000 : 50000, migrates};
	pthread_t threads[16], claimer;

	sim_hear_all();
	am = sim_boot(machine);
	sections_done = claims_done = torn = 0;
	stop = false;
	if (claims)
		assert_int_equal(pthread_create(&claimer, NULL, claim, NULL), 0);
	for (int i = 0; i < workers; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, &w), 0);
	for (int i = 0; i < workers; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	if (claims)
		pthread_join(claimer, NULL);
	expect_exact();
	assert_int_equal(sections_done, (unsigned long)workers * w.sections);
	sim_shutdown(am);
}

static void test_owned(void **state)
{
	run("mem=16M cpus=8", 4, false, false);
}

static void test_owned_against_claims(void **state)
{
	run("mem=16M cpus=4", 2, false, true);
}

static void test_more_threads_than_cpus(void **state)
{
	run("mem=16M cpus=2", 7, false, false);
}

static void test_more_threads_than_cpus_against_claims(void **state)
{
	run("mem=16M cpus=2", 6, false, true);
}

/* CPUs flip between idle, owned and shared all the time. */
static void test_migrating_threads(void **state)
{
	run("mem=16M cpus=3", 4, true, false);
}

static void test_migrating_threads_against_claims(void **state)
{
	run("mem=16M cpus=3", 4, true, true);
}

/* --- one thread, every state ------------------------------------------------------------------- */

static void test_fast_entry(void **state)
{
	bool fast = process_has_membarrier();
	struct arch_cpu *cpu;

	am = sim_boot("mem=16M cpus=2");
	cpu = arch_cpu_tryenter();
	assert_int_equal(!!cpu, fast);
	if (cpu) {
		assert_int_equal(cpu->busy, 1);
		arch_cpu_leave(cpu);
	}
	cpu = arch_cpu_lock();
	assert_ptr_equal(cpu, arch_cpu_by_id(am, 0));
	arch_cpu_unlock(cpu);
	assert_int_equal(cpu->busy, 0);
	cpu = arch_cpu_tryenter();
	assert_int_equal(!!cpu, fast);
	if (cpu)
		arch_cpu_leave(cpu);
	sim_shutdown(am);
}

static void test_claims_of_one_thread(void **state)
{
	uint32_t rest = !process_has_membarrier();

	am = sim_boot("mem=16M cpus=3");
	for (int round = 0; round < 2; round++) {
		for (unsigned int i = 0; i < 3; i++) {
			assert_ptr_equal(arch_cpu_claim(am, i), arch_cpu_by_id(am, i));
			assert_int_equal(arch_cpu_by_id(am, i)->claim, 1);
		}
		assert_null(arch_cpu_tryenter());
		for (unsigned int i = 0; i < 3; i++) {
			arch_cpu_unclaim(arch_cpu_by_id(am, i));
			assert_int_equal(arch_cpu_by_id(am, i)->claim, rest);
		}
	}
	sim_shutdown(am);
}

static void test_reentry_is_reported(void **state)
{
	struct arch_cpu *cpu;

	sim_hear_all();
	am = sim_boot("mem=16M cpus=2");
	cpu = arch_cpu_lock();
	assert_null(arch_cpu_lock());
	assert_int_equal(sim_heard.reports, 1);
	assert_int_equal(sim_heard.kind, MACHINE_BUG);
	assert_non_null(strstr(sim_heard.title, "inside a section"));
	assert_int_equal(cpu_migrate(1), -EINVAL);
	assert_int_equal(sim_heard.reports, 2);
	arch_cpu_unlock(cpu);
	arch_cpu_claim(am, 0);
	assert_null(arch_cpu_lock());
	assert_int_equal(sim_heard.reports, 3);
	arch_cpu_unclaim(cpu);
	assert_non_null(arch_cpu_lock());
	arch_cpu_unlock(cpu);
	sim_shutdown(am);
}

static int with_membarrier(void **state)
{
	process_init();
	return 0;
}

static int without_membarrier(void **state)
{
	process_set_membarrier(false);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fast_entry),
		cmocka_unit_test(test_claims_of_one_thread),
		cmocka_unit_test(test_reentry_is_reported),
		cmocka_unit_test(test_owned),
		cmocka_unit_test(test_owned_against_claims),
		cmocka_unit_test(test_more_threads_than_cpus),
		cmocka_unit_test(test_more_threads_than_cpus_against_claims),
		cmocka_unit_test(test_migrating_threads),
		cmocka_unit_test(test_migrating_threads_against_claims),
	};
	int failed = cmocka_run_group_tests_name("membarrier", tests, with_membarrier, NULL);

	return failed + cmocka_run_group_tests_name("no membarrier", tests, without_membarrier, NULL);
}
