/* SPDX-License-Identifier: MIT */
/* src/sim/report.c: who hears what, and stacks. */
#include "../support/sim_test.h"

#include "../support/child.h"

static struct sim_heard a_heard, b_heard;

static void test_machines_handlers_come_first(void **state)
{
	struct arch_machine *a = sim_boot("mem=16M");
	struct arch_machine *b = sim_boot("mem=16M");

	sim_hear_all();
	machine_set_report_handler(arch_machine_handle(a), sim_hear_report, &a_heard);
	machine_set_log_sink(arch_machine_handle(b), sim_hear_line, &b_heard);
	arch_report(a, MACHINE_BUG, "title of a\nmore\n");
	assert_int_equal(a_heard.reports, 1);
	assert_string_equal(a_heard.title, "title of a");
	assert_string_equal(a_heard.text, "title of a\nmore\n");
	assert_ptr_equal(a_heard.from, arch_machine_handle(a));
	assert_int_equal(sim_heard.reports, 0);

	arch_report(b, MACHINE_PANIC, "title of b\n");
	assert_int_equal(sim_heard.reports, 1);
	assert_ptr_equal(sim_heard.from, arch_machine_handle(b));
	arch_report(NULL, MACHINE_WARN, "no newline");
	assert_int_equal(sim_heard.reports, 2);
	assert_string_equal(sim_heard.title, "no newline");
	assert_null(sim_heard.from);

	arch_log(a, 6, "line of a");
	assert_string_equal(sim_heard.line, "line of a");
	arch_log(b, 5, "line of b");
	assert_string_equal(b_heard.line, "line of b");
	assert_int_equal(b_heard.level, 5);
	assert_int_equal(sim_heard.lines, 1);

	/* NULL: the process's again. */
	machine_set_report_handler(arch_machine_handle(a), NULL, NULL);
	arch_report(a, MACHINE_BUG, "title of a\n");
	assert_int_equal(a_heard.reports, 1);
	assert_int_equal(sim_heard.reports, 3);
	sim_shutdown(a);
	sim_shutdown(b);
}

static enum machine_verdict abort_on_report(struct machine *m, const struct machine_report *r,
					    void *arg)
{
	return MACHINE_ABORT;
}

static enum machine_verdict go_on(struct machine *m, const struct machine_report *r, void *arg)
{
	return MACHINE_CONTINUE;
}

struct speaker {
	void (*say)(void);
	machine_report_fn *handler;
};

static void speak(void *arg)
{
	const struct speaker *s = arg;

	sim_hear_nothing();
	machine_set_report_handler(NULL, s->handler, NULL);
	s->say();
}

/* @say in a child with the default handlers, or @fn. */
static struct child_end in_child(void (*say)(void), machine_report_fn *fn)
{
	struct speaker s = {say, fn};
	struct child_end end = run_child(speak, &s);

	assert_true(child_aborted(end) || end.status == 0);
	return end;
}

static void say_warn(void)
{
	arch_report(NULL, MACHINE_WARN, "careful\nnow\n");
}

static void say_bug(void)
{
	arch_report(NULL, MACHINE_BUG, "broken\n");
}

static void say_panic(void)
{
	arch_report(NULL, MACHINE_PANIC, "hopeless\n");
}

static void say_lines(void)
{
	for (int level = 0; level < 8; level++)
		arch_log(NULL, level, "line");
}

static void test_defaults(void **state)
{
	struct child_end out = in_child(say_warn, NULL);

	assert_false(child_aborted(out));
	assert_string_equal(out.words, "careful\nnow\n");
	out = in_child(say_bug, NULL);
	assert_true(child_aborted(out));
	assert_string_equal(out.words, "broken\n");
	out = in_child(say_panic, NULL);
	assert_true(child_aborted(out));
	assert_string_equal(out.words, "hopeless\n");
	/* Warnings and worse. */
	out = in_child(say_lines, NULL);
	assert_string_equal(out.words, "line\nline\nline\nline\nline\n");
}

static void test_verdict(void **state)
{
	assert_true(child_aborted(in_child(say_warn, abort_on_report)));
	assert_true(child_aborted(in_child(say_bug, abort_on_report)));
	assert_false(child_aborted(in_child(say_bug, go_on)));
}

static void test_thread_name(void **state)
{
	char name[32];
	int tid = 0;

	arch_thread_name(name, sizeof(name), &tid);
	assert_int_equal(tid, getpid());
	assert_int_not_equal(name[0], '\0');
	arch_thread_name(name, 3, &tid);
	assert_int_equal(strlen(name), 2);
}

static noinline unsigned int save_here(unsigned long *entries, unsigned int max, unsigned int skip)
{
	unsigned int n = arch_stack_save(entries, max, skip);

	arch_barrier();
	return n;
}

static void test_stack(void **state)
{
	unsigned long whole[32], part[32];
	unsigned int n = save_here(whole, 32, 0);
	unsigned long self = (unsigned long)save_here;

	assert_true(n > 2);
	assert_true(whole[0] > self && whole[0] < self + 300);
	assert_int_equal(save_here(part, 32, 2), n - 2);
	/* part[0] is where main's loop called this test: the same frame as whole[2]. */
	assert_memory_equal(part, whole + 2, (n - 2) * sizeof(*part));
	assert_int_equal(save_here(part, 2, 0), 2);
	assert_int_equal(save_here(part, 0, 0), 0);
	assert_int_equal(save_here(part, 32, 1000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_machines_handlers_come_first),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_verdict),
		cmocka_unit_test(test_thread_name),
		cmocka_unit_test(test_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
