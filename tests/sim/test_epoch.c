/* SPDX-License-Identifier: MIT */
/* src/sim/epoch.c: when an epoch has passed. Each test runs with membarrier() and without it. */
#include "../support/sim_test.h"

#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/process.h"

static struct arch_machine *am;

static bool passes(void)
{
	return arch_epoch_passed(am, arch_epoch_start(am));
}

static void without_readers_every_epoch_passes(void **state)
{
	uint64_t first, second;

	am = sim_boot("mem=16M");
	first = arch_epoch_start(am);
	second = arch_epoch_start(am);
	assert_true(second > first);
	assert_true(arch_epoch_passed(am, second));
	assert_true(arch_epoch_passed(am, first));
	arch_epoch_wait(am, second);
	sim_shutdown(am);
}

static void a_section_holds_up_later_epochs_only(void **state)
{
	uint64_t before, during, after;

	am = sim_boot("mem=16M");
	before = arch_epoch_start(am);
	assert_true(arch_epoch_enter());
	assert_true(arch_in_atomic());
	assert_true(arch_epoch_inside(am));
	during = arch_epoch_start(am);
	assert_true(arch_epoch_passed(am, before));
	assert_false(arch_epoch_passed(am, during));
	after = arch_epoch_start(am);
	assert_false(arch_epoch_passed(am, after));
	assert_true(arch_epoch_leave());
	assert_false(arch_in_atomic());
	assert_false(arch_epoch_inside(am));
	assert_true(arch_epoch_passed(am, after));
	assert_true(arch_epoch_passed(am, during));
	sim_shutdown(am);
}

static void sections_nest(void **state)
{
	am = sim_boot("mem=16M");
	for (int i = 0; i < 1000; i++)
		assert_true(arch_epoch_enter());
	for (int i = 0; i < 1000; i++) {
		assert_true(arch_epoch_inside(am));
		assert_false(passes());
		assert_true(arch_epoch_leave());
	}
	assert_true(passes());
	assert_false(arch_epoch_leave());
	assert_int_equal(arch_context()->rcu_depth, 0);
	sim_shutdown(am);
}

static void machines_have_epochs_of_their_own(void **state)
{
	struct arch_machine *one = sim_boot("mem=16M");
	struct arch_machine *two = sim_boot("mem=16M");

	/* A section belongs to the machine where it began. */
	assert_true(arch_epoch_enter());
	assert_int_equal(machine_enter(arch_machine_handle(one)), 0);
	am = two;
	assert_true(arch_epoch_inside(two));
	assert_false(passes());
	am = one;
	assert_false(arch_epoch_inside(one));
	assert_true(passes());
	/* One inside it, elsewhere, protects nothing, and is told apart. */
	assert_false(arch_epoch_enter());
	assert_true(passes());
	assert_true(arch_epoch_leave());
	assert_true(arch_epoch_leave());
	am = two;
	assert_true(passes());
	/* The next one is of the machine that was entered. */
	assert_true(arch_epoch_enter());
	assert_true(arch_epoch_inside(one));
	assert_true(passes());
	assert_true(arch_epoch_leave());
	sim_shutdown(two);
	sim_shutdown(one);
}

static void a_machine_may_end_under_a_section(void **state)
{
	struct arch_machine *two;

	am = sim_boot("mem=16M");
	assert_true(arch_epoch_enter());
	sim_shutdown(am);
	two = sim_boot("mem=16M");
	assert_false(arch_epoch_inside(two));
	assert_true(arch_epoch_leave());
	assert_false(arch_epoch_leave());
	sim_shutdown(two);
}

static void without_a_machine_a_section_is_counted(void **state)
{
	sim_hear_all();
	assert_true(arch_epoch_enter());
	assert_int_equal(sim_heard.reports, 1);
	assert_true(arch_epoch_enter());
	assert_true(arch_epoch_leave());
	assert_true(arch_epoch_leave());
	assert_false(arch_epoch_leave());
	sim_hear_nothing();
}

/* --- other threads ---------------------------------------------------------------------------- */

static pthread_barrier_t barrier;

static void *read_for_a_while(void *arg)
{
	assert_true(arch_epoch_enter());
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	if (!arg)
		assert_true(arch_epoch_leave());
	return NULL;
}

static pthread_t begin_reader(void *arg)
{
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, 2);
	assert_int_equal(pthread_create(&thread, NULL, read_for_a_while, arg), 0);
	pthread_barrier_wait(&barrier);
	return thread;
}

static void end_reader(pthread_t thread)
{
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&barrier);
}

static void another_threads_section_counts(void **state)
{
	uint64_t epoch;
	pthread_t thread;

	am = sim_boot("mem=16M cpus=2");
	thread = begin_reader(NULL);
	epoch = arch_epoch_start(am);
	assert_false(arch_epoch_passed(am, epoch));
	assert_false(arch_epoch_inside(am));
	end_reader(thread);
	assert_true(arch_epoch_passed(am, epoch));
	assert_true(list_empty(&arch_machine_handle(am)->epochs.readers));
	sim_shutdown(am);
}

static void a_thread_that_exits_inside_is_reported_and_counts_no_more(void **state)
{
	uint64_t epoch;
	pthread_t thread;

	am = sim_boot("mem=16M cpus=2");
	sim_hear_all();
	thread = begin_reader(am);
	epoch = arch_epoch_start(am);
	assert_false(arch_epoch_passed(am, epoch));
	end_reader(thread);
	assert_true(arch_epoch_passed(am, epoch));
	assert_int_equal(sim_heard.reports, 1);
	assert_non_null(strstr(sim_heard.title, "exited inside an RCU read section"));
	assert_true(list_empty(&arch_machine_handle(am)->epochs.readers));
	sim_hear_nothing();
	sim_shutdown(am);
}

static void *wait_for_epoch(void *arg)
{
	const uint64_t *epoch = arg;

	arch_epoch_wait(am, *epoch);
	assert_true(arch_epoch_passed(am, *epoch));
	return NULL;
}

/* When the section ends, the waiters sleep in arch_epoch_wait(), or have not got there yet. */
static void the_last_to_leave_wakes_those_who_wait(void **state)
{
	for (int round = 0; round < 50; round++) {
		pthread_t threads[3];
		uint64_t epoch;

		am = sim_boot("mem=16M cpus=2");
		assert_true(arch_epoch_enter());
		epoch = arch_epoch_start(am);
		for (int i = 0; i < 3; i++)
			assert_int_equal(
				pthread_create(&threads[i], NULL, wait_for_epoch, &epoch), 0);
		if (round % 2)
			while (__atomic_load_n(&arch_machine_handle(am)->epochs.waiters,
					       __ATOMIC_RELAXED) < 3)
				sched_yield();
		assert_false(arch_epoch_passed(am, epoch));
		assert_true(arch_epoch_leave());
		for (int i = 0; i < 3; i++)
			pthread_join(threads[i], NULL);
		assert_int_equal(arch_machine_handle(am)->epochs.waiters, 0);
		sim_shutdown(am);
	}
}

/* In a child the other threads' sections are no more; the forking thread's own goes on. */
static void readers_and_fork(void **state)
{
	pthread_t thread;
	int status;
	pid_t pid;

	am = sim_boot("mem=16M cpus=2 backing=private");
	thread = begin_reader(NULL);
	assert_false(passes());
	pid = fork();
	if (!pid) {
		bool good = passes() && arch_epoch_enter() && !passes() && arch_epoch_leave() &&
			    passes();

		_exit(good ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	end_reader(thread);
	assert_true(arch_epoch_enter());
	pid = fork();
	if (!pid) {
		bool good = !passes() && arch_epoch_leave() && passes();

		_exit(good ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(arch_epoch_leave());
	sim_shutdown(am);
}

/* --- what it is for --------------------------------------------------------------------------- */

#define ALIVE 0x600dul
#define DEAD 0xdeadul

struct thing {
	unsigned long canary;
};

static struct thing *published;
static unsigned long seen_dead, sections;
static bool stop;

static void *read_published(void *arg)
{
	unsigned long dead = 0, n = 0;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		struct thing *t;

		arch_epoch_enter();
		t = __atomic_load_n(&published, __ATOMIC_ACQUIRE);
		for (int i = n % 16 ? 1 : 50; i; i--)
			dead += t->canary != ALIVE;
		arch_epoch_leave();
		if (++n % 64 == 0)
			__atomic_fetch_add(&sections, 64, __ATOMIC_RELAXED);
	}
	__atomic_fetch_add(&seen_dead, dead, __ATOMIC_RELAXED);
	return NULL;
}

#define ROUNDS 3000
#define SECTIONS 50000ul

/* The canary is plain memory: what orders the reader's look at it and the writer's change of it is
 * the epoch alone, which is what ThreadSanitizer checks here. It lasts until both sides have done
 * their share, however they are scheduled. */
static void nobody_sees_what_was_freed(void **state)
{
	struct thing *things = calloc(4, sizeof(*things));
	pthread_t threads[3];

	assert_non_null(things);
	am = sim_boot("mem=16M cpus=4");
	things[0].canary = ALIVE;
	published = &things[0];
	stop = false;
	seen_dead = sections = 0;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_published, NULL), 0);
	for (unsigned int i = 1;
	     i < ROUNDS || __atomic_load_n(&sections, __ATOMIC_RELAXED) < SECTIONS; i++) {
		struct thing *old = published, *next = &things[i % 4];

		next->canary = ALIVE;
		__atomic_store_n(&published, next, __ATOMIC_RELEASE);
		arch_epoch_wait(am, arch_epoch_start(am));
		old->canary = DEAD;
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(seen_dead, 0);
	sim_shutdown(am);
	free(things);
}

static int with_membarrier(void **state)
{
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
		cmocka_unit_test(without_readers_every_epoch_passes),
		cmocka_unit_test(a_section_holds_up_later_epochs_only),
		cmocka_unit_test(sections_nest),
		cmocka_unit_test(machines_have_epochs_of_their_own),
		cmocka_unit_test(a_machine_may_end_under_a_section),
		cmocka_unit_test(without_a_machine_a_section_is_counted),
		cmocka_unit_test(another_threads_section_counts),
		cmocka_unit_test(a_thread_that_exits_inside_is_reported_and_counts_no_more),
		cmocka_unit_test(the_last_to_leave_wakes_those_who_wait),
		cmocka_unit_test(readers_and_fork),
		cmocka_unit_test(nobody_sees_what_was_freed),
	};
	int failed = cmocka_run_group_tests_name("with membarrier", tests, with_membarrier, NULL);

	failed += cmocka_run_group_tests_name("without membarrier", tests, without_membarrier,
					      NULL);
	return failed;
}
