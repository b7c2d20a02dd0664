/* SPDX-License-Identifier: MIT */
/* The harness: an assertion that fails in another thread than the main one is not passed over. */
#include "../support/kmem_test.h"

#include "../support/child.h"

#include <pthread.h>

static void *fail_in_thread(void *arg)
{
	assert_int_equal(0x11, 0x22);
	return arg;
}

static void *crash_in_thread(void *arg)
{
	raise(SIGFPE);
	return arg;
}

static void *leave_in_thread(void *arg)
{
	return arg;
}

static void run_thread(void *fn)
{
	void *(*const *main_fn)(void *) = fn;
	pthread_t thread;

	pthread_create(&thread, NULL, *main_fn, NULL);
	pthread_join(thread, NULL);
}

static struct child_end end_of(void *(*fn)(void *))
{
	return run_child(run_thread, &fn);
}

static void a_failed_assertion_is_told(void **state)
{
	struct child_end end = end_of(fail_in_thread);

	(void)state;
	assert_true(child_aborted(end));
	assert_non_null(strstr(end.words, "a thread other than the main one ends the program"));
	assert_non_null(strstr(end.words, "0x11 != 0x22"));
}

static void a_signal_is_told(void **state)
{
	struct child_end end = end_of(crash_in_thread);

	(void)state;
	assert_true(child_aborted(end));
	assert_non_null(strstr(end.words, "Floating point exception"));
}

static void a_thread_may_end(void **state)
{
	struct child_end end = end_of(leave_in_thread);

	(void)state;
	assert_int_equal(end.status, 0);
	assert_string_equal(end.words, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failed_assertion_is_told),
		cmocka_unit_test(a_signal_is_told),
		cmocka_unit_test(a_thread_may_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
