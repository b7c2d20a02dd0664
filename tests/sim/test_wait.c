/* SPDX-License-Identifier: MIT */
/* src/sim/wait.c */
#include "../support/sim_test.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

struct word {
	uint32_t value;
	uint32_t asleep;
	uint32_t awake;
};

static void *sleep_until_one(void *arg)
{
	struct word *w = arg;

	__atomic_add_fetch(&w->asleep, 1, __ATOMIC_RELAXED);
	while (!__atomic_load_n(&w->value, __ATOMIC_ACQUIRE))
		arch_wait(&w->value, 0, 0);
	__atomic_add_fetch(&w->awake, 1, __ATOMIC_RELAXED);
	return NULL;
}

static void all_sleepers_are_woken(void **state)
{
	struct word w = {0};
	pthread_t t[3];

	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&t[i], NULL, sleep_until_one, &w), 0);
	while (__atomic_load_n(&w.asleep, __ATOMIC_RELAXED) < 3)
		sched_yield();
	assert_int_equal(__atomic_load_n(&w.awake, __ATOMIC_RELAXED), 0);
	__atomic_store_n(&w.value, 1, __ATOMIC_RELEASE);
	arch_wake(&w.value);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(w.awake, 3);
}

static void another_value_is_not_slept_on(void **state)
{
	uint32_t word = 7;

	arch_wait(&word, 8, 0);
	assert_int_equal(word, 7);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* A signal or a stray wake-up may end it early, so it is tried until it lasts. */
static void a_limited_sleep_ends_by_itself(void **state)
{
	uint32_t word = 0;
	uint64_t begin, end;

	do {
		begin = now_ms();
		arch_wait(&word, 0, 20);
		end = now_ms();
	} while (end - begin < 19);
	assert_int_equal(word, 0);
}

static void *ask_whether_alone(void *arg)
{
	*(bool *)arg = arch_alone();
	return NULL;
}

static void a_second_thread_is_company(void **state)
{
	bool alone = true;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, ask_whether_alone, &alone), 0);
	pthread_join(thread, NULL);
	assert_false(alone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_sleepers_are_woken),
		cmocka_unit_test(another_value_is_not_slept_on),
		cmocka_unit_test(a_limited_sleep_ends_by_itself),
		cmocka_unit_test(a_second_thread_is_company),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
