/* SPDX-License-Identifier: MIT */
/* src/lib/report.c: the texts of reports and log lines. */
#include "../support/sim_test.h"

#include "../support/child.h"

#include "lib/kernel.h"
#include "lib/kfmt.h"
#include "lib/report.h"

static int heard(void **state)
{
	sim_hear_all();
	return 0;
}

static void test_report_text(void **state)
{
	struct arch_machine *am = sim_boot("mem=16M cpus=2");
	char who[64];

	assert_int_equal(cpu_migrate(1), 0);
	report_warn(am->kernel, "kfree: %s %d", "bad", 7);
	snprintf(who, sizeof(who), "\nCPU: 1 PID: %d Comm: ", (int)getpid());
	assert_int_equal(sim_heard.kind, MACHINE_WARN);
	assert_string_equal(sim_heard.title, "kfree: bad 7");
	assert_ptr_equal(sim_heard.from, arch_machine_handle(am));
	assert_int_equal(strncmp(sim_heard.text, "------------[ cut here ]------------\n"
						 "kfree: bad 7\nWARNING: CPU: 1 PID: ", 71), 0);
	assert_non_null(strstr(sim_heard.text, " at tests/lib/test_report.c:"));
	assert_non_null(strstr(sim_heard.text, who));
	assert_non_null(strstr(sim_heard.text, "\nCall Trace:\n "));
	assert_int_equal(sim_heard.text[strlen(sim_heard.text) - 1], '\n');
	sim_shutdown(am);
}

static void test_kinds(void **state)
{
	report_bug(NULL, "b");
	assert_int_equal(sim_heard.kind, MACHINE_BUG);
	report_panic(NULL, "p");
	assert_int_equal(sim_heard.kind, MACHINE_PANIC);
	assert_null(sim_heard.from);
	report_text(NULL, MACHINE_WARN, "title\nrest\n");
	assert_string_equal(sim_heard.title, "title");
	assert_string_equal(sim_heard.text, "title\nrest\n");
	assert_int_equal(sim_heard.reports, 3);
}

static void test_long_title_is_cut(void **state)
{
	char title[2000];

	memset(title, 'x', sizeof(title) - 1);
	title[sizeof(title) - 1] = '\0';
	report_warn(NULL, "%s", title);
	assert_int_equal(sim_heard.reports, 1);
	assert_int_equal(strncmp(strchr(sim_heard.text, '\n'), "\nxxxx", 5), 0);
	assert_non_null(strstr(sim_heard.text, "\nCPU: "));
}

/* Where the kernel's WARN has no words, only the title has. */
static void test_silent_warning(void **state)
{
	report_warn_on(NULL, "order %d", 11);
	assert_int_equal(sim_heard.kind, MACHINE_WARN);
	assert_string_equal(sim_heard.title, "order 11");
	assert_null(strstr(sim_heard.text, "order 11"));
	assert_non_null(strstr(sim_heard.text, "]------------\nWARNING: CPU: "));
}

static void test_taint(void **state)
{
	struct arch_machine *am = sim_boot("mem=16M");
	char text[64] = "";
	struct seq_file m;

	seq_init_buf(&m, text, sizeof(text));
	report_put_taint(&m, am->kernel);
	assert_string_equal(text, "Not tainted");
	report_taint(am->kernel, TAINT_BAD_PAGE);
	seq_init_buf(&m, text, sizeof(text));
	report_put_taint(&m, am->kernel);
	assert_string_equal(text, "Tainted: G    B             ");
	report_warn(am->kernel, "once");
	seq_init_buf(&m, text, sizeof(text));
	report_put_taint(&m, am->kernel);
	assert_string_equal(text, "Tainted: G    B   W         ");
	sim_shutdown(am);
}

static void test_log(void **state)
{
	pr_warn(NULL, "%u of %u", 1u, 2u);
	assert_string_equal(sim_heard.line, "1 of 2");
	assert_int_equal(sim_heard.level, 4);
	pr_err(NULL, "e");
	assert_int_equal(sim_heard.level, 3);
	pr_info(NULL, "i");
	assert_int_equal(sim_heard.level, 6);
	assert_int_equal(sim_heard.lines, 3);
}

static void fail_assertion(void *arg)
{
	sim_hear_nothing();
	kassert_failed("one == two", "file.c", 17);
}

static void test_failed_assertion_stops(void **state)
{
	struct child_end end = run_child(fail_assertion, NULL);

	assert_true(child_aborted(end));
	assert_string_equal(end.words, "libkmem: file.c:17: assertion failed: one == two\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_report_text, heard),
		cmocka_unit_test_setup(test_kinds, heard),
		cmocka_unit_test_setup(test_long_title_is_cut, heard),
		cmocka_unit_test_setup(test_silent_warning, heard),
		cmocka_unit_test_setup(test_taint, heard),
		cmocka_unit_test_setup(test_log, heard),
		cmocka_unit_test_setup(test_failed_assertion_stops, heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
