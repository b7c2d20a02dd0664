/* SPDX-License-Identifier: MIT */
#include "../support/sim_test.h"

#include "lib/fork.h"
#include "lib/lock_rank.h"

#define NR 4

static bool walk(struct fork_walk *w, enum arch_fork_step step, struct arch_spinlock *locks)
{
	w->step = step;
	w->ms = 3;
	for (int i = 0; i < NR; i++)
		if (!fork_spinlock(w, &locks[i]))
			return false;
	return true;
}

/* Locks of one rank, and by a thread that is attached to no machine. */
static void spin_locks_are_taken_and_given_back(void **state)
{
	struct arch_spinlock locks[NR];
	struct fork_walk w = {0};

	for (int i = 0; i < NR; i++)
		arch_spin_init(&locks[i], LOCK_RANK_LEAF);
	assert_true(walk(&w, ARCH_FORK_TAKE, locks));
	assert_int_equal(w.nr, NR);
	for (int i = 0; i < NR; i++)
		assert_int_not_equal(locks[i].value, 0);
	assert_true(walk(&w, ARCH_FORK_CHILD, locks));
	assert_int_equal(w.nr, 0);
	for (int i = 0; i < NR; i++)
		assert_int_equal(locks[i].value, 0);
}

/* One cannot be had: those before it are given back, and it and those behind it stay as they are. */
static void a_walk_that_fails_gives_back_what_it_has(void **state)
{
	struct arch_spinlock locks[NR] = {[2] = {.value = 1}, [3] = {.value = 1}};
	struct fork_walk w = {0};

	assert_false(walk(&w, ARCH_FORK_TAKE, locks));
	assert_int_equal(w.nr, 2);
	assert_true(walk(&w, ARCH_FORK_RELEASE, locks));
	assert_int_equal(w.nr, 0);
	assert_int_equal(locks[0].value, 0);
	assert_int_equal(locks[1].value, 0);
	assert_int_not_equal(locks[2].value, 0);
	assert_int_equal(locks[3].value, 1);
}

static void a_mutex_of_ones_own_stays_so(void **state)
{
	struct mutex own = {0}, others = {.value = 1}, free = {0};
	struct fork_walk w = {.step = ARCH_FORK_TAKE, .ms = 3};

	mutex_lock(&own);
	assert_true(fork_mutex(&w, &own));
	assert_true(fork_mutex(&w, &free));
	assert_false(mutex_is_mine(&free));
	assert_false(fork_mutex(&w, &others));
	assert_int_equal(w.nr, 1);
	assert_true(mutex_is_locked(&free));
	w.step = ARCH_FORK_CHILD;
	assert_true(fork_mutex(&w, &own));
	assert_true(fork_mutex(&w, &free));
	assert_true(fork_mutex(&w, &others));
	assert_int_equal(w.nr, 0);
	assert_true(mutex_is_mine(&own));
	assert_true(mutex_is_locked(&others));
	assert_false(mutex_is_locked(&free));
	mutex_unlock(&own);
}

static void a_mutex_that_is_left_is_free_in_the_child(void **state)
{
	struct mutex own = {0}, others = {.value = 2, .owner = &others};
	struct fork_walk w = {.step = ARCH_FORK_TAKE};

	mutex_lock(&own);
	fork_leave_mutex(&w, &own);
	fork_leave_mutex(&w, &others);
	w.step = ARCH_FORK_RELEASE;
	fork_leave_mutex(&w, &others);
	assert_int_equal(others.value, 2);
	w.step = ARCH_FORK_CHILD;
	fork_leave_mutex(&w, &own);
	fork_leave_mutex(&w, &others);
	assert_true(mutex_is_mine(&own));
	assert_int_equal(others.value, 0);
	mutex_unlock(&own);
}

static void readers_are_not_waited_for(void **state)
{
	struct rw_semaphore sem = {.state = 2, .writers = 1};
	struct fork_walk w = {.step = ARCH_FORK_TAKE, .ms = 3};

	assert_true(fork_rwsem(&w, &sem));
	assert_int_equal(sem.state, 3);
	w.step = ARCH_FORK_RELEASE;
	assert_true(fork_rwsem(&w, &sem));
	assert_int_equal(sem.state, 2);
	assert_int_equal(sem.writers, 1);
	sem.state = RWSEM_WRITER;
	w.step = ARCH_FORK_TAKE;
	assert_false(fork_rwsem(&w, &sem));
	assert_int_equal(w.nr, 0);
}

/* Those of other threads, and writers that wait. */
static void readers_are_not_in_the_child(void **state)
{
	struct rw_semaphore sem = {.state = 2, .writers = 1}, read = {.state = 2};
	struct fork_walk w = {.step = ARCH_FORK_TAKE, .ms = 3};

	arch_context()->reading = &read;
	assert_true(fork_rwsem(&w, &sem));
	assert_true(fork_rwsem(&w, &read));
	w.step = ARCH_FORK_CHILD;
	assert_true(fork_rwsem(&w, &sem));
	assert_true(fork_rwsem(&w, &read));
	arch_context()->reading = NULL;
	assert_int_equal(sem.state, 0);
	assert_int_equal(sem.writers, 0);
	assert_int_equal(read.state, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spin_locks_are_taken_and_given_back),
		cmocka_unit_test(a_walk_that_fails_gives_back_what_it_has),
		cmocka_unit_test(a_mutex_of_ones_own_stays_so),
		cmocka_unit_test(a_mutex_that_is_left_is_free_in_the_child),
		cmocka_unit_test(readers_are_not_waited_for),
		cmocka_unit_test(readers_are_not_in_the_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
