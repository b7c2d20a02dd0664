/* SPDX-License-Identifier: MIT */
/* src/sim/context.c: a thread in an atomic context has no fast entry, but its CPU all the same. */
#include "../support/sim_test.h"

#include <pthread.h>

#include "sim/process.h"

static void set_count(unsigned int count)
{
	arch_context()->preempt_count = count;
	arch_context_changed();
}

static void expect_stand_in(const struct arch_cpu *cpu)
{
	const struct arch_cpu *s = arch_cpu_ptr;

	assert_ptr_not_equal(s, cpu);
	assert_true(arch_in_atomic());
	assert_null(arch_cpu_tryenter());
	assert_int_equal(s->busy, 0);
	assert_int_equal(s->id, cpu->id);
	assert_int_equal(s->node, cpu->node);
	assert_ptr_equal(s->machine, cpu->machine);
	assert_ptr_equal(s->kernel, cpu->kernel);
	assert_ptr_equal(s->ram, cpu->ram);
	assert_ptr_equal(s->memmap, cpu->memmap);
	assert_true(s->ram_size == cpu->ram_size);
}

static void expect_fast_entry(struct arch_cpu *cpu)
{
	assert_ptr_equal(arch_cpu_ptr, cpu);
	assert_false(arch_in_atomic());
	if (!process_has_membarrier())
		return;
	assert_ptr_equal(arch_cpu_tryenter(), cpu);
	arch_cpu_leave(cpu);
}

static void a_stand_in_has_the_cpus_constants_and_no_fast_entry(void **state)
{
	struct arch_machine *am = sim_boot("mem=16M cpus=2 nodes=2");
	struct arch_cpu *cpu = arch_cpu_by_id(am, 0);

	expect_fast_entry(cpu);
	set_count(1);
	expect_stand_in(cpu);
	set_count(2);
	expect_stand_in(cpu);
	set_count(0);
	expect_fast_entry(cpu);
	arch_context()->irqs_disabled = true;
	arch_context_changed();
	expect_stand_in(cpu);
	arch_context()->irqs_disabled = false;
	arch_context_changed();
	expect_fast_entry(cpu);
	sim_shutdown(am);
}

static void the_slow_entry_enters_the_cpu_itself(void **state)
{
	struct arch_machine *am = sim_boot("mem=16M cpus=2");
	struct arch_cpu *cpu = arch_cpu_by_id(am, 0);

	sim_hear_all();
	set_count(1);
	assert_ptr_equal(arch_cpu_lock(), cpu);
	/* Seen as what it is when the thread does it once more. */
	assert_null(arch_cpu_lock());
	assert_int_equal(sim_heard.reports, 1);
	arch_cpu_unlock(cpu);
	/* A claim of the own CPU and of another one. */
	assert_ptr_equal(arch_cpu_claim(am, 0), cpu);
	arch_cpu_unclaim(cpu);
	arch_cpu_unclaim(arch_cpu_claim(am, 1));
	set_count(0);
	expect_fast_entry(cpu);
	sim_shutdown(am);
}

static void moving_and_leaving_in_an_atomic_context(void **state)
{
	struct arch_machine *one = sim_boot("mem=16M cpus=2");
	struct arch_machine *two = sim_boot("mem=16M cpus=2 nodes=2");

	set_count(1);
	expect_stand_in(arch_cpu_by_id(two, 0));
	assert_int_equal(cpu_migrate(1), 0);
	expect_stand_in(arch_cpu_by_id(two, 1));
	assert_int_equal(smp_processor_id(), 1);
	assert_int_equal(numa_node_id(), 1);
	assert_int_equal(machine_enter(arch_machine_handle(one)), 0);
	expect_stand_in(arch_cpu_by_id(one, 0));
	assert_ptr_equal(machine_current(), arch_machine_handle(one));
	machine_leave();
	assert_ptr_equal(arch_cpu_ptr, &arch_cpu_none);
	set_count(2);
	assert_ptr_equal(arch_cpu_ptr, &arch_cpu_none);
	sim_shutdown(two);
	/* Attached by itself, to the only machine. */
	assert_int_equal(smp_processor_id(), 0);
	expect_stand_in(arch_cpu_by_id(one, 0));
	set_count(0);
	expect_fast_entry(arch_cpu_by_id(one, 0));
	sim_shutdown(one);
	assert_ptr_equal(arch_cpu_ptr, &arch_cpu_none);
}

static void *look_at_a_new_thread(void *arg)
{
	assert_int_equal(arch_context()->preempt_count, 0);
	assert_false(arch_context()->irqs_disabled);
	assert_int_equal(arch_context()->rcu_depth, 0);
	assert_int_equal(smp_processor_id(), 1);
	expect_fast_entry(arch_cpu_by_id(arg, 1));
	/* Exits in an atomic context. */
	set_count(1);
	expect_stand_in(arch_cpu_by_id(arg, 1));
	return NULL;
}

static void a_context_is_its_threads_own(void **state)
{
	struct arch_machine *am = sim_boot("mem=16M cpus=2");
	pthread_t thread;

	set_count(1);
	assert_int_equal(pthread_create(&thread, NULL, look_at_a_new_thread, am), 0);
	pthread_join(thread, NULL);
	assert_int_equal(arch_machine_handle(am)->cpu_threads[1], 0);
	expect_stand_in(arch_cpu_by_id(am, 0));
	set_count(0);
	sim_shutdown(am);
}

/* Sections of one CPU by a thread in an atomic context, against claims by another. */
struct shared {
	struct arch_machine *am;
	unsigned long value;
	bool stop;
};

static void *claim_again_and_again(void *arg)
{
	struct shared *s = arg;

	assert_int_equal(cpu_migrate(1), 0);
	while (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE)) {
		struct arch_cpu *cpu = arch_cpu_claim(s->am, 0);

		s->value++;
		arch_cpu_unclaim(cpu);
	}
	return NULL;
}

static void claims_keep_an_atomic_thread_out(void **state)
{
	struct shared s = {.am = sim_boot("mem=16M cpus=2")};
	unsigned long mine = 0;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, claim_again_and_again, &s), 0);
	for (int i = 0; i < 20000; i++) {
		struct arch_cpu *cpu;
		unsigned long seen;

		set_count(i & 1);
		cpu = arch_cpu_tryenter();
		if (i & 1)
			assert_null(cpu);
		if (cpu) {
			seen = s.value;
			s.value = seen + 1;
			arch_cpu_leave(cpu);
		} else {
			cpu = arch_cpu_lock();
			assert_non_null(cpu);
			seen = s.value;
			s.value = seen + 1;
			arch_cpu_unlock(cpu);
		}
		assert_true(seen >= mine);
		mine = seen + 1;
	}
	set_count(0);
	__atomic_store_n(&s.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	sim_shutdown(s.am);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stand_in_has_the_cpus_constants_and_no_fast_entry),
		cmocka_unit_test(the_slow_entry_enters_the_cpu_itself),
		cmocka_unit_test(moving_and_leaving_in_an_atomic_context),
		cmocka_unit_test(a_context_is_its_threads_own),
		cmocka_unit_test(claims_keep_an_atomic_thread_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
