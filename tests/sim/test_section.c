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

/* Now and then it takes its time, so that whoever comes in wrongly is caught. */
static void add_one(struct arch_cpu *cpu)
{
	struct data *d = data_of(cpu);
	unsigned long n = d->first;

	if (n != d->second)
		__atomic_fetch_add(&torn, 1, __ATOMIC_RELAXED);
	d->first = n + 1;
	arch_barrier();
	for (int i = n % 64 ? 0 : 100; i; i--)
		arch_relax();
	d->second = n + 1;
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

#define COLD_SIZE ((size_t)32 << 20)

/* Stores that miss the caches go before each section: the processor performs stores in order, so that
 * of `busy` waits behind them while the section's loads run ahead. That is what membarrier() is for. */
static void *work_behind_slow_stores(void *arg)
{
	const struct work *w = arg;
	char *cold = malloc(COLD_SIZE);
	unsigned long done = 0;
	size_t at = 0;

	if (!cold)
		return NULL;
	memset(cold, 0, COLD_SIZE);
	cpu_migrate(1);
	for (unsigned long i = 0; i < w->sections; i++) {
		for (int j = 0; j < 6; j++)
			((volatile char *)cold)[at = (at + 8191 * 67) % COLD_SIZE] = 1;
		done += one_section();
	}
	free(cold);
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

/* Claims CPU 1, where the only worker is, as fast as it can. */
static void *claim_one(void *arg)
{
	unsigned long n = 0;

	smp_processor_id();
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		add_one(arch_cpu_claim(am, 1));
		arch_cpu_unclaim(arch_cpu_by_id(am, 1));
		n++;
	}
	__atomic_fetch_add(&claims_done, n, __ATOMIC_RELAXED);
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

/* The store of busy against the store of claim, as often as possible. */
static void test_duel(void **state)
{
	struct work w = {400000, false};
	pthread_t worker, claimer;

	sim_hear_all();
	am = sim_boot("mem=16M cpus=3");
	sections_done = claims_done = torn = 0;
	stop = false;
	assert_int_equal(pthread_create(&worker, NULL, work_behind_slow_stores, &w), 0);
	assert_int_equal(pthread_create(&claimer, NULL, claim_one, NULL), 0);
	pthread_join(worker, NULL);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(claimer, NULL);
	expect_exact();
	assert_int_equal(sections_done, w.sections);
	sim_shutdown(am);
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

/* Shuts and opens the fast entries of all CPUs as fast as it can. */
static void *slow_down(void *arg)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		arch_slow_cpus(am, true);
		arch_slow_cpus(am, false);
	}
	return NULL;
}

static void test_slowing_against_sections_and_claims(void **state)
{
	struct work w = {20000, true};
	pthread_t threads[4], claimer, slower;

	sim_hear_all();
	am = sim_boot("mem=16M cpus=3");
	sections_done = claims_done = torn = 0;
	stop = false;
	assert_int_equal(pthread_create(&claimer, NULL, claim, NULL), 0);
	assert_int_equal(pthread_create(&slower, NULL, slow_down, NULL), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, &w), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(claimer, NULL);
	pthread_join(slower, NULL);
	expect_exact();
	assert_int_equal(sections_done, 4 * w.sections);
	sim_shutdown(am);
}

static void test_slowed_cpus(void **state)
{
	bool fast = process_has_membarrier();
	struct arch_cpu *cpu;

	am = sim_boot("mem=16M cpus=3");
	assert_int_equal(smp_processor_id(), 0);
	arch_slow_cpus(am, true);
	for (unsigned int i = 0; i < 3; i++) {
		cpu_migrate(i);
		assert_true(arch_is_slowed());
		assert_null(arch_cpu_tryenter());
		cpu = arch_cpu_lock();
		assert_ptr_equal(cpu, arch_cpu_by_id(am, i));
		arch_cpu_unlock(cpu);
	}
	/* a claim that ends leaves them slowed */
	for (unsigned int i = 0; i < 3; i++) {
		arch_cpu_claim(am, i);
		arch_cpu_unclaim(arch_cpu_by_id(am, i));
		assert_int_equal(arch_cpu_by_id(am, i)->claim, 1);
	}
	arch_slow_cpus(am, false);
	for (unsigned int i = 0; i < 3; i++) {
		cpu_migrate(i);
		assert_int_equal(!arch_is_slowed(), fast);
		cpu = arch_cpu_tryenter();
		assert_int_equal(!!cpu, fast);
		if (cpu)
			arch_cpu_leave(cpu);
	}
	assert_int_equal(sim_heard.reports, 0);
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

	/* Inside the fast entry, too. */
	cpu = arch_cpu_tryenter();
	assert_int_equal(!!cpu, process_has_membarrier());
	if (cpu) {
#if KMEM_ASSERT_LEVEL >= 2
		assert_null(arch_cpu_tryenter());
#endif
		assert_null(arch_cpu_lock());
		assert_int_equal(sim_heard.reports, 4);
		assert_int_equal(cpu->busy, 1);
		arch_cpu_leave(cpu);
	}
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
		cmocka_unit_test(test_slowed_cpus),
		cmocka_unit_test(test_slowing_against_sections_and_claims),
		cmocka_unit_test(test_reentry_is_reported),
		cmocka_unit_test(test_owned),
		cmocka_unit_test(test_owned_against_claims),
		cmocka_unit_test(test_duel),
		cmocka_unit_test(test_more_threads_than_cpus),
		cmocka_unit_test(test_more_threads_than_cpus_against_claims),
		cmocka_unit_test(test_migrating_threads),
		cmocka_unit_test(test_migrating_threads_against_claims),
	};
	int failed = cmocka_run_group_tests_name("membarrier", tests, with_membarrier, NULL);

	return failed + cmocka_run_group_tests_name("no membarrier", tests, without_membarrier, NULL);
}
