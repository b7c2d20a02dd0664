/* SPDX-License-Identifier: MIT */
/* src/sim/cpu.c: which thread is on which CPU, from attach to exit. */
#include "../support/sim_test.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>

#include "sim/process.h"

static int heard(void **state)
{
	sim_hear_all();
	return 0;
}

/* How many threads are on a CPU. */
static uint32_t threads_on(struct arch_machine *am, unsigned int cpu)
{
	return arch_machine_handle(am)->cpu_threads[cpu];
}

static bool is_shared(struct arch_machine *am, unsigned int cpu)
{
	return sim_cpu_of(arch_cpu_by_id(am, cpu))->shared;
}

/* --- threads that do one thing at a time for the test --------------------------------------- */

struct helper {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	void (*job)(struct helper *h);
	bool quit;
	long arg, ret;
};

static void *helper_main(void *arg)
{
	struct helper *h = arg;

	pthread_mutex_lock(&h->lock);
	for (;;) {
		while (!h->job && !h->quit)
			pthread_cond_wait(&h->cond, &h->lock);
		if (!h->job)
			break;
		h->job(h);
		h->job = NULL;
		pthread_cond_broadcast(&h->cond);
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

static void helper_start(struct helper *h)
{
	*h = (struct helper){0};
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->cond, NULL);
	assert_int_equal(pthread_create(&h->thread, NULL, helper_main, h), 0);
}

static long helper_do(struct helper *h, void (*job)(struct helper *h), long arg)
{
	pthread_mutex_lock(&h->lock);
	h->job = job;
	h->arg = arg;
	pthread_cond_broadcast(&h->cond);
	while (h->job)
		pthread_cond_wait(&h->cond, &h->lock);
	pthread_mutex_unlock(&h->lock);
	return h->ret;
}

static void helper_end(struct helper *h)
{
	pthread_mutex_lock(&h->lock);
	h->quit = true;
	pthread_cond_broadcast(&h->cond);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->thread, NULL);
	pthread_mutex_destroy(&h->lock);
	pthread_cond_destroy(&h->cond);
}

static void job_cpu(struct helper *h)
{
	h->ret = smp_processor_id();
}

static void job_migrate(struct helper *h)
{
	h->ret = cpu_migrate((unsigned int)h->arg);
}

static void job_leave(struct helper *h)
{
	machine_leave();
}

static void job_enter(struct helper *h)
{
	h->ret = machine_enter((struct machine *)h->arg);
}

static void job_current(struct helper *h)
{
	h->ret = (long)machine_current();
}

/* --- one thread ------------------------------------------------------------------------------ */

static void test_first_thread_is_on_cpu_0(void **state)
{
	struct arch_machine *am = sim_boot("mem=16M cpus=4");

	assert_int_equal(smp_processor_id(), 0);
	assert_int_equal(numa_node_id(), 0);
	assert_int_equal(threads_on(am, 0), 1);
	assert_ptr_equal(machine_current(), arch_machine_handle(am));
	sim_shutdown(am);
	assert_ptr_equal(arch_cpu_ptr, &arch_cpu_none);
}

static void test_cpus_are_complete(void **state)
{
	struct arch_machine *am = sim_boot("mem=1G nodes=3 cpus=8");

	for (unsigned int i = 0; i < 8; i++) {
		struct arch_cpu *cpu = arch_cpu_by_id(am, i);

		assert_int_equal(cpu->id, i);
		assert_int_equal(cpu->node, i % 3);
		assert_ptr_equal(cpu->kernel, am->kernel);
		assert_ptr_equal(cpu->machine, am);
		assert_ptr_equal(cpu->ram, am->ram);
		assert_int_equal(cpu->ram_size, am->ram_size);
		assert_ptr_equal(cpu->memmap, am->memmap);
		assert_int_equal((uintptr_t)cpu % 4096, 0);
	}
	assert_ptr_equal(arch_kernel(), am->kernel);
	sim_shutdown(am);
}

static void test_migrate(void **state)
{
	struct arch_machine *am = sim_boot("mem=1G nodes=2 cpus=4");

	for (unsigned int cpu = 0; cpu < 4; cpu++) {
		assert_int_equal(cpu_migrate(cpu), 0);
		assert_int_equal(smp_processor_id(), cpu);
		assert_int_equal(numa_node_id(), cpu % 2);
		assert_int_equal(threads_on(am, cpu), 1);
		assert_int_equal(cpu_migrate(cpu), 0);
		assert_int_equal(threads_on(am, cpu), 1);
	}
	assert_int_equal(threads_on(am, 0), 0);
	assert_int_equal(cpu_migrate(4), -EINVAL);
	assert_int_equal(smp_processor_id(), 3);
	sim_shutdown(am);
}

static void test_used_cpus(void **state)
{
	struct arch_machine *am = sim_boot("mem=16M cpus=200");

	assert_int_equal(arch_cpu_next_used(am, 0), 0);
	assert_int_equal(arch_cpu_next_used(am, 1), 200);
	assert_int_equal(cpu_migrate(63), 0);
	assert_int_equal(cpu_migrate(64), 0);
	assert_int_equal(cpu_migrate(199), 0);
	assert_int_equal(arch_cpu_next_used(am, 1), 63);
	assert_int_equal(arch_cpu_next_used(am, 64), 64);
	assert_int_equal(arch_cpu_next_used(am, 65), 199);
	assert_int_equal(arch_cpu_next_used(am, 200), 200);
	assert_int_equal(cpu_migrate(0), 0);
	assert_int_equal(arch_cpu_next_used(am, 65), 199);
	sim_shutdown(am);
}

/* --- no machine, one, several ----------------------------------------------------------------- */

static void test_no_machine(void **state)
{
	assert_int_equal(smp_processor_id(), -1);
	assert_int_equal(sim_heard.reports, 1);
	assert_int_equal(sim_heard.kind, MACHINE_WARN);
	assert_non_null(strstr(sim_heard.title, "no machine entered"));
	assert_int_equal(numa_node_id(), -1);
	assert_int_equal(cpu_migrate(0), -ENODEV);
	assert_null(arch_cpu_lock());
	assert_null(arch_cpu_tryenter());
	assert_null(arch_kernel());
	assert_int_equal(sim_heard.reports, 5);
	assert_null(machine_current());
	machine_leave();
	assert_int_equal(machine_enter(NULL), -ENODEV);
	assert_int_equal(sim_heard.reports, 5);
}

static void test_the_only_machine(void **state)
{
	struct arch_machine *am = sim_boot("mem=16M cpus=4");

	machine_leave();
	assert_ptr_equal(arch_cpu_ptr, &arch_cpu_none);
	assert_int_equal(threads_on(am, 0), 0);
	assert_ptr_equal(machine_current(), arch_machine_handle(am));
	assert_int_equal(threads_on(am, 0), 0);
	assert_int_equal(smp_processor_id(), 0);
	assert_int_equal(threads_on(am, 0), 1);
	machine_leave();
	assert_int_equal(cpu_migrate(2), 0);
	assert_int_equal(smp_processor_id(), 2);
	assert_int_equal(sim_heard.reports, 0);
	sim_shutdown(am);
	assert_int_equal(smp_processor_id(), -1);
}

static void test_two_machines(void **state)
{
	struct arch_machine *a = sim_boot("mem=16M cpus=2");
	struct arch_machine *b = sim_boot("mem=32M cpus=3");

	assert_ptr_equal(machine_current(), arch_machine_handle(b));
	assert_int_equal(threads_on(a, 0), 0);
	assert_int_equal(machine_enter(arch_machine_handle(a)), 0);
	assert_int_equal(threads_on(a, 0), 1);
	assert_int_equal(threads_on(b, 0), 0);
	assert_int_equal(cpu_migrate(2), -EINVAL);
	machine_leave();
	assert_null(machine_current());
	assert_int_equal(smp_processor_id(), -1);
	assert_non_null(strstr(sim_heard.title, "several"));
	assert_int_equal(machine_enter(arch_machine_handle(b)), 0);
	assert_int_equal(cpu_migrate(2), 0);
	assert_int_equal(machine_enter(arch_machine_handle(b)), 0);
	assert_int_equal(smp_processor_id(), 2);
	sim_shutdown(a);
	assert_int_equal(machine_enter(arch_machine_handle(a)), -ENODEV);
	assert_int_equal(smp_processor_id(), 2);
	sim_shutdown(b);
}

/* --- several threads --------------------------------------------------------------------------- */

static void test_fewest_threads_lowest_number(void **state)
{
	struct arch_machine *am = sim_boot("mem=16M cpus=3");
	static const int cpus[] = {1, 2, 0, 1, 2, 0};
	struct helper h[6];

	for (int i = 0; i < 6; i++) {
		helper_start(&h[i]);
		assert_int_equal(helper_do(&h[i], job_cpu, 0), cpus[i]);
	}
	for (unsigned int cpu = 0; cpu < 3; cpu++) {
		assert_true(is_shared(am, cpu));
		assert_int_equal(arch_cpu_by_id(am, cpu)->claim, 1);
	}
	/* CPU 1 loses its two threads and is the next one's. */
	helper_end(&h[0]);
	assert_false(is_shared(am, 1));
	assert_int_equal(threads_on(am, 1), 1);
	helper_end(&h[3]);
	assert_int_equal(threads_on(am, 1), 0);
	helper_start(&h[0]);
	assert_int_equal(helper_do(&h[0], job_cpu, 0), 1);
	helper_end(&h[0]);
	for (int i = 1; i < 6; i++) {
		if (i != 3)
			helper_end(&h[i]);
	}
	for (unsigned int cpu = 0; cpu < 3; cpu++) {
		assert_false(is_shared(am, cpu));
		assert_int_equal(threads_on(am, cpu), cpu == 0);
		assert_int_equal(arch_cpu_by_id(am, cpu)->claim, !process_has_membarrier());
	}
	sim_shutdown(am);
}

static void test_migrate_shares_and_unshares(void **state)
{
	struct arch_machine *am = sim_boot("mem=16M cpus=2");
	struct helper h;

	helper_start(&h);
	assert_int_equal(helper_do(&h, job_cpu, 0), 1);
	assert_false(is_shared(am, 0));
	assert_int_equal(helper_do(&h, job_migrate, 0), 0);
	assert_true(is_shared(am, 0));
	assert_int_equal(threads_on(am, 0), 2);
	/* A claim that ends leaves a shared CPU to the slow entry. */
	arch_cpu_unclaim(arch_cpu_claim(am, 0));
	assert_int_equal(arch_cpu_by_id(am, 0)->claim, 1);
	assert_int_equal(cpu_migrate(1), 0);
	assert_false(is_shared(am, 0));
	assert_int_equal(helper_do(&h, job_leave, 0), 0);
	assert_int_equal(threads_on(am, 0), 0);
	helper_end(&h);
	sim_shutdown(am);
}

static void test_shutdown_detaches_other_threads(void **state)
{
	struct arch_machine *a = sim_boot("mem=16M cpus=2");
	struct arch_machine *b;
	struct helper h;

	helper_start(&h);
	assert_int_equal(helper_do(&h, job_cpu, 0), 1);
	sim_shutdown(a);
	assert_int_equal(helper_do(&h, job_cpu, 0), -1);
	assert_int_equal(sim_heard.reports, 1);
	b = sim_boot("mem=16M cpus=2");
	assert_int_equal(helper_do(&h, job_cpu, 0), 1);
	assert_ptr_equal((void *)helper_do(&h, job_current, 0), arch_machine_handle(b));
	helper_end(&h);
	sim_shutdown(b);
}

static void test_each_thread_its_machine(void **state)
{
	struct arch_machine *a = sim_boot("mem=16M cpus=2");
	struct arch_machine *b = sim_boot("mem=16M cpus=2");
	struct helper h;

	helper_start(&h);
	assert_int_equal(helper_do(&h, job_cpu, 0), -1);
	assert_int_equal(helper_do(&h, job_enter, (long)arch_machine_handle(a)), 0);
	assert_int_equal(helper_do(&h, job_cpu, 0), 0);
	assert_int_equal(threads_on(a, 0), 1);
	assert_int_equal(threads_on(b, 0), 1);
	helper_end(&h);
	assert_int_equal(threads_on(a, 0), 0);
	sim_shutdown(a);
	sim_shutdown(b);
}

/* --- thread exit ---------------------------------------------------------------------------------- */

static pthread_key_t late_key;
static int late_calls, late_cpus[PTHREAD_DESTRUCTOR_ITERATIONS];

/* In the last round of destructors ThreadSanitizer has given the thread up already. */
#define LATE_ROUNDS (PTHREAD_DESTRUCTOR_ITERATIONS - 1)

/* Runs after libkmem's own destructor: its key is younger. */
static void late_destructor(void *value)
{
	late_cpus[late_calls++] = smp_processor_id();
	if (late_calls < LATE_ROUNDS)
		pthread_setspecific(late_key, value);
}

static void *use_and_exit(void *arg)
{
	pthread_setspecific(late_key, &late_key);
	assert_int_equal(smp_processor_id(), 1);
	return NULL;
}

/* A destructor that uses the machine attaches the thread again, and it is detached again; only past
 * the last round but one, where nothing would detach it any more, is it refused. */
static void test_later_destructor(void **state)
{
	struct arch_machine *am = sim_boot("mem=16M cpus=2");
	pthread_t thread;

	assert_int_equal(pthread_key_create(&late_key, late_destructor), 0);
	late_calls = 0;
	assert_int_equal(pthread_create(&thread, NULL, use_and_exit, NULL), 0);
	pthread_join(thread, NULL);
	assert_int_equal(late_calls, LATE_ROUNDS);
	for (int i = 0; i < late_calls; i++)
		assert_int_equal(late_cpus[i], i < LATE_ROUNDS - 1 ? 1 : -1);
	assert_int_equal(sim_heard.reports, 1);
	assert_non_null(strstr(sim_heard.title, "past its last destructor"));
	assert_int_equal(threads_on(am, 1), 0);
	pthread_key_delete(late_key);
	sim_shutdown(am);
}

static void *come_and_go(void *arg)
{
	uint64_t seed = (uintptr_t)arg;

	for (int i = 0; i < 20; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		if (seed >> 63)
			machine_leave();
		else
			cpu_migrate((seed >> 40) % 4);
	}
	return NULL;
}

static void test_many_threads_come_and_go(void **state)
{
	struct arch_machine *am = sim_boot("mem=16M cpus=4");
	pthread_t threads[16];

	for (int round = 0; round < 20; round++) {
		for (uintptr_t i = 0; i < 16; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, (void *)i), 0);
		for (int i = 0; i < 16; i++)
			pthread_join(threads[i], NULL);
	}
	assert_int_equal(threads_on(am, 0), 1);
	for (unsigned int cpu = 1; cpu < 4; cpu++)
		assert_int_equal(threads_on(am, cpu), 0);
	assert_int_equal(sim_heard.reports, 0);
	sim_shutdown(am);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_no_machine, heard),
		cmocka_unit_test_setup(test_first_thread_is_on_cpu_0, heard),
		cmocka_unit_test_setup(test_cpus_are_complete, heard),
		cmocka_unit_test_setup(test_migrate, heard),
		wide_unit_test_setup_teardown(test_used_cpus, heard, NULL),
		cmocka_unit_test_setup(test_the_only_machine, heard),
		cmocka_unit_test_setup(test_two_machines, heard),
		cmocka_unit_test_setup(test_fewest_threads_lowest_number, heard),
		cmocka_unit_test_setup(test_migrate_shares_and_unshares, heard),
		cmocka_unit_test_setup(test_shutdown_detaches_other_threads, heard),
		cmocka_unit_test_setup(test_each_thread_its_machine, heard),
		cmocka_unit_test_setup(test_later_destructor, heard),
		cmocka_unit_test_setup(test_many_threads_come_and_go, heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
