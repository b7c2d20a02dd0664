/* SPDX-License-Identifier: MIT */
/* lib/context.c: Linux's counts, and what is said when something sleeps where it may not. */
#include "../support/sim_test.h"

#include "lib/context.h"

static struct arch_machine *am;

static int begin(void **state)
{
	am = sim_boot("mem=16M");
	sim_hear_all();
	return 0;
}

static int end(void **state)
{
	assert_int_equal(sim_heard.reports, 0);
	assert_int_equal(preempt_count(), 0);
	assert_false(irqs_disabled());
	sim_hear_nothing();
	sim_shutdown(am);
	return 0;
}

static void expect_title(enum machine_report_kind kind, const char *title)
{
	assert_int_equal(sim_heard.reports, 1);
	assert_string_equal(sim_heard.title, title);
	assert_int_equal(sim_heard.kind, kind);
	sim_heard.reports = 0;
}

static void expect_context(unsigned int count, bool hardirq, bool softirq, bool task)
{
	assert_int_equal(preempt_count(), count);
	assert_int_equal(in_hardirq(), hardirq);
	assert_int_equal(in_softirq(), softirq);
	assert_int_equal(in_interrupt(), hardirq || softirq);
	assert_int_equal(in_task(), task);
	assert_int_equal(in_atomic(), count != 0);
	assert_int_equal(arch_in_atomic(), count != 0);
}

static void each_context_has_its_bits(void **state)
{
	unsigned int calls;

	expect_context(0, false, false, true);
	preempt_disable();
	expect_context(0x1, false, false, true);
	preempt_disable();
	expect_context(0x2, false, false, true);
	local_bh_disable();
	expect_context(0x202, false, true, true);
	calls = context_softirq_enter();
	expect_context(0x302, false, true, false);
	irq_enter();
	expect_context(0x10302, true, true, false);
	irq_enter();
	expect_context(0x20302, true, true, false);
	irq_exit();
	irq_exit();
	context_softirq_exit(calls);
	local_bh_enable();
	expect_context(0x2, false, false, true);
	irq_enter();
	expect_context(0x10002, true, false, false);
	irq_exit();
	preempt_enable();
	preempt_enable();
	expect_context(0, false, false, true);
}

static void interrupts_off_are_no_count(void **state)
{
	assert_false(irqs_disabled());
	local_irq_disable();
	assert_true(irqs_disabled());
	assert_false(in_atomic());
	assert_true(arch_in_atomic());
	local_irq_disable();
	local_irq_enable();
	assert_false(irqs_disabled());
	assert_false(arch_in_atomic());
}

static void an_end_without_a_beginning_is_refused(void **state)
{
	preempt_enable();
	expect_title(MACHINE_BUG, "preempt_enable: nothing to end, preempt_count 0");
	local_bh_enable();
	expect_title(MACHINE_BUG, "local_bh_enable: nothing to end, preempt_count 0");
	irq_exit();
	expect_title(MACHINE_BUG, "irq_exit: nothing to end, preempt_count 0");
	/* One count does not pay for another. */
	irq_enter();
	preempt_enable();
	expect_title(MACHINE_BUG, "preempt_enable: nothing to end, preempt_count 0x10000");
	irq_exit();
}

static void too_many_are_refused(void **state)
{
	int i;

	for (i = 0; i < 255; i++)
		preempt_disable();
	assert_int_equal(preempt_count(), 0xff);
	preempt_disable();
	expect_title(MACHINE_BUG, "preempt_disable: nested too deep, preempt_count 0xff");
	for (i = 0; i < 127; i++)
		local_bh_disable();
	local_bh_disable();
	expect_title(MACHINE_BUG, "local_bh_disable: nested too deep, preempt_count 0xfeff");
	for (i = 0; i < 15; i++)
		irq_enter();
	irq_enter();
	expect_title(MACHINE_BUG, "irq_enter: nested too deep, preempt_count 0xffeff");
	for (i = 0; i < 15; i++)
		irq_exit();
	for (i = 0; i < 127; i++)
		local_bh_enable();
	for (i = 0; i < 255; i++)
		preempt_enable();
}

#define INVALID "BUG: sleeping function called from invalid context at "

static void sleeping_is_reported_as_the_kernel_does(void **state)
{
	char place[300];
	int line;

	might_sleep();
	assert_int_equal(sim_heard.reports, 0);
	preempt_disable();
	line = __LINE__ + 1;
	might_sleep();
	snprintf(place, sizeof(place), INVALID "%s:%d", __FILE__, line);
	expect_title(MACHINE_WARN, place);
	assert_non_null(strstr(sim_heard.text,
			       "\nin_atomic(): 1, irqs_disabled(): 0, non_block: 0, pid: "));
	assert_non_null(strstr(sim_heard.text, "\npreempt_count: 1, expected: 0\n"
					       "RCU nest depth: 0, expected: 0\n"
					       "CPU: 0 PID: "));
	preempt_enable();
	local_irq_disable();
	__might_sleep("a/file.c", 17);
	expect_title(MACHINE_WARN, INVALID "a/file.c:17");
	assert_non_null(strstr(sim_heard.text, "in_atomic(): 0, irqs_disabled(): 1,"));
	local_irq_enable();
	irq_enter();
	__might_sleep("a/file.c", 18);
	expect_title(MACHINE_WARN, INVALID "a/file.c:18");
	assert_non_null(strstr(sim_heard.text, "preempt_count: 10000, expected: 0\n"));
	irq_exit();
	assert_true(arch_epoch_enter());
	assert_true(arch_epoch_enter());
	__might_sleep("a/file.c", 19);
	expect_title(MACHINE_WARN, INVALID "a/file.c:19");
	assert_non_null(strstr(sim_heard.text, "in_atomic(): 0, irqs_disabled(): 0,"));
	assert_non_null(strstr(sim_heard.text, "RCU nest depth: 2, expected: 0\n"));
	assert_true(arch_epoch_leave());
	assert_true(arch_epoch_leave());
	might_sleep();
}

static void the_stack_begins_at_the_caller(void **state)
{
	const char *trace;

	preempt_disable();
	__might_sleep("a/file.c", 1);
	trace = strstr(sim_heard.text, "Call Trace:\n ");
	assert_non_null(trace);
	assert_null(strstr(trace, "might_sleep"));
	assert_null(strstr(trace, "report"));
	sim_heard.reports = 0;
	context_might_sleep("something");
	trace = strstr(sim_heard.text, "Call Trace:\n ");
	assert_non_null(trace);
	assert_null(strstr(trace, "might_sleep"));
	expect_title(MACHINE_WARN, INVALID "something");
	preempt_enable();
}

/* One report for a call, however many that sleep it is made of. */
static void a_call_is_reported_once(void **state)
{
	unsigned int calls;

	context_begin_call("outer");
	context_begin_call("inner");
	context_end_call();
	context_end_call();
	assert_int_equal(sim_heard.reports, 0);
	preempt_disable();
	context_begin_call("outer");
	expect_title(MACHINE_WARN, INVALID "outer");
	context_begin_call("inner");
	context_might_sleep("inner");
	context_might_alloc(GFP_KERNEL, "inner");
	context_end_call();
	context_might_sleep("inner");
	assert_int_equal(sim_heard.reports, 0);
	/* A callback that runs meanwhile is a call of its own. */
	calls = context_softirq_enter();
	context_might_sleep("callback");
	expect_title(MACHINE_WARN, INVALID "callback");
	context_softirq_exit(calls);
	context_might_sleep("inner");
	assert_int_equal(sim_heard.reports, 0);
	context_end_call();
	context_might_sleep("next");
	expect_title(MACHINE_WARN, INVALID "next");
	preempt_enable();
}

static void only_flags_that_may_wait_are_reported(void **state)
{
	preempt_disable();
	context_might_alloc(GFP_ATOMIC, "atomic");
	context_might_alloc(GFP_NOWAIT, "nowait");
	context_might_alloc(0, "nothing");
	assert_int_equal(sim_heard.reports, 0);
	context_might_alloc(__GFP_DIRECT_RECLAIM, "alloc");
	expect_title(MACHINE_WARN, INVALID "alloc");
	context_begin_alloc(GFP_NOIO, "alloc");
	expect_title(MACHINE_WARN, INVALID "alloc");
	context_end_call();
	preempt_enable();
	context_might_alloc(GFP_KERNEL, "task");
}

static void contexts_need_no_machine(void **state)
{
	sim_hear_all();
	preempt_disable();
	assert_int_equal(preempt_count(), 1);
	might_sleep();
	assert_int_equal(sim_heard.reports, 1);
	assert_null(sim_heard.from);
	preempt_enable();
	preempt_enable();
	assert_int_equal(sim_heard.reports, 2);
	sim_hear_nothing();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_context_has_its_bits, begin, end),
		cmocka_unit_test_setup_teardown(interrupts_off_are_no_count, begin, end),
		cmocka_unit_test_setup_teardown(an_end_without_a_beginning_is_refused, begin, end),
		cmocka_unit_test_setup_teardown(too_many_are_refused, begin, end),
		cmocka_unit_test_setup_teardown(sleeping_is_reported_as_the_kernel_does, begin,
						end),
		cmocka_unit_test_setup_teardown(the_stack_begins_at_the_caller, begin, end),
		cmocka_unit_test_setup_teardown(a_call_is_reported_once, begin, end),
		cmocka_unit_test_setup_teardown(only_flags_that_may_wait_are_reported, begin, end),
		cmocka_unit_test(contexts_need_no_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
