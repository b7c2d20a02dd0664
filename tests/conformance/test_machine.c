/* SPDX-License-Identifier: MIT */
/* The life of a machine, as the program sees it: described, booted, entered, left, shut down. */
#include "conformance.h"

#include <errno.h>
#include <unistd.h>

static void described_and_booted(void **state)
{
	struct machine_error err = { 0, "" };
	struct machine *m = NULL;
	struct machine_desc desc;
	char *buddyinfo;

	test_catch_all();
	assert_int_equal(machine_desc_init(&desc, "x86_64", &err), 0);
	desc.mem = 64ul << 20;
	desc.cpus = 3;
	assert_int_equal(machine_boot(&desc, &m, &err), 0);
	machine_desc_free(&desc);
	assert_ptr_equal(machine_current(), m);
	assert_int_equal(machine_description(m)->cpus, 3);
	assert_int_equal(smp_processor_id(), 0);
	assert_int_equal(numa_node_id(), 0);
	buddyinfo = test_proc("buddyinfo");
	assert_non_null(strstr(buddyinfo, "zone    DMA32"));
	free(buddyinfo);
	test_shutdown(m, 0);
	assert_null(machine_current());
}

static void descriptions_from_text_and_files(void **state)
{
	static const char text[] = "preset=tiny-8M cpus=2 # small\n";
	char path[] = "/tmp/kmem-machine-XXXXXX";
	struct machine_error err = { 0, "" };
	struct machine *m = NULL;
	struct machine_desc desc;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	assert_int_equal(machine_desc_load(&desc, path, &err), 0);
	unlink(path);
	assert_int_equal(desc.cpus, 2);
	machine_desc_free(&desc);
	assert_int_equal(machine_desc_parse(&desc, text, NULL, &err), 0);
	assert_int_equal(desc.cpus, 2);
	machine_desc_free(&desc);
	assert_int_equal(desc.cpus, 0);
	assert_int_equal(machine_boot_text(text, &m, &err), 0);
	test_shutdown(m, 0);
}

static void entered_and_left(void **state)
{
	struct machine *one = test_boot(TINY), *two = test_boot(TINY);

	assert_ptr_equal(machine_current(), two);
	assert_int_equal(machine_enter(one), 0);
	assert_ptr_equal(machine_current(), one);
	/* Of several machines none is meant. */
	machine_leave();
	assert_null(machine_current());
	assert_int_equal(smp_processor_id(), -1);
	expect_report(MACHINE_WARN, "no machine entered");
	assert_int_equal(machine_enter(two), 0);
	test_shutdown(two, 0);
	/* The only one is. */
	machine_leave();
	assert_ptr_equal(machine_current(), one);
	test_shutdown(one, 0);
}

static unsigned int nr_of_one;

static enum machine_verdict count_report(struct machine *m, const struct machine_report *r, void *arg)
{
	(void)m;
	(void)r;
	(*(unsigned int *)arg)++;
	return MACHINE_CONTINUE;
}

static void count_line(struct machine *m, int level, const char *line, void *arg)
{
	(void)m;
	(void)level;
	(void)line;
	(*(unsigned int *)arg)++;
}

static void each_machine_has_its_listeners(void **state)
{
	struct machine *one = test_boot(TINY), *two = test_boot(TINY);
	unsigned int reports = 0, lines = 0;

	machine_set_report_handler(one, count_report, &reports);
	machine_set_log_sink(one, count_line, &lines);
	assert_int_equal(machine_enter(one), 0);
	kfree(&reports);
	assert_int_equal(reports, 1);
	assert_null(alloc_pages(GFP_KERNEL, 10));
	assert_true(lines > 0);
	expect_no_reports();
	assert_int_equal(machine_enter(two), 0);
	kfree(&reports);
	expect_report(MACHINE_BUG, "no slab");
	assert_int_equal(reports, 1);
	/* Back to those of the process. */
	machine_set_report_handler(one, NULL, NULL);
	machine_set_log_sink(one, NULL, NULL);
	assert_int_equal(machine_enter(one), 0);
	kfree(&reports);
	expect_report(MACHINE_BUG, "no slab");
	test_shutdown(one, 0);
	assert_int_equal(machine_enter(two), 0);
	test_shutdown(two, 0);
}

/* More than any host's address space holds; nothing is left of the attempt. */
static void too_large_for_the_host(void **state)
{
	static const char text[] = "preset=x86_64 maxphyaddr=52 ram=0-640K,1M-0xFFFFFFFFFF000";
	struct machine_error err = { 0, "" };
	struct machine *m = test_boot(TINY), *big = m;
	struct machine_desc desc;

	assert_int_equal(machine_boot_text(text, &big, &err), -ENOMEM);
	assert_null(big);
	assert_non_null(strstr(err.reason, "iB"));
	assert_int_equal(machine_desc_parse(&desc, text, NULL, &err), 0);
	assert_int_equal(machine_boot(&desc, &big, &err), -ENOMEM);
	assert_null(big);
	machine_desc_free(&desc);
	assert_ptr_equal(machine_current(), m);
	test_shutdown(m, 0);
}

static void bad_descriptions_are_refused(void **state)
{
	struct machine_error err = { 0, "" };
	struct machine *m = NULL;
	struct machine_desc desc;

	test_catch_all();
	assert_int_equal(machine_desc_init(&desc, "vax", &err), -EINVAL);
	assert_non_null(strstr(err.reason, "vax"));
	assert_int_equal(machine_desc_parse(&desc, "preset=x86_64\ncpus=many", "it", &err), -EINVAL);
	assert_non_null(strstr(err.reason, "it:2"));
	assert_non_null(strstr(err.reason, "many"));
	machine_desc_free(&desc);
	assert_int_equal(machine_desc_load(&desc, "/nonexistent/machine", &err), -ENOENT);
	assert_non_null(strstr(err.reason, "/nonexistent/machine"));
	machine_desc_free(&desc);
	assert_int_equal(machine_boot_text("preset=x86_64 mem=64M colour=red", &m, &err), -EINVAL);
	assert_non_null(strstr(err.reason, "colour"));
	assert_null(m);
	assert_int_equal(machine_desc_init(&desc, NULL, &err), 0);
	desc.cpus = 0;
	assert_int_equal(machine_boot(&desc, &m, &err), -EINVAL);
	machine_desc_free(&desc);
	assert_null(machine_current());
	expect_no_reports();
}

/* A handle that is none, or no longer one. */
static void machines_that_are_gone(void **state)
{
	struct machine *m = test_boot(TINY);

	test_shutdown(m, 0);
	assert_int_equal(machine_enter(m), -ENODEV);
	assert_int_equal(machine_enter((struct machine *)&m), -ENODEV);
	test_state.nr_reports = 0;
	machine_shutdown(m);
	assert_int_equal(test_state.nr_reports, 1);
	test_state.nr_reports = 0;
	machine_set_report_handler(m, count_report, &nr_of_one);
	expect_report(MACHINE_WARN, "machine_set_report_handler: no live machine");
	machine_set_log_sink(m, count_line, &nr_of_one);
	expect_report(MACHINE_WARN, "machine_set_log_sink: no live machine");
	/* The handlers of the process are what they were. */
	assert_null(kmalloc(1, GFP_KERNEL));
	expect_report(MACHINE_WARN, "no machine entered");
	assert_int_equal(nr_of_one, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(described_and_booted),
	cmocka_unit_test(descriptions_from_text_and_files),
	cmocka_unit_test(entered_and_left),
	cmocka_unit_test(each_machine_has_its_listeners),
	cmocka_unit_test(too_large_for_the_host),
	cmocka_unit_test(bad_descriptions_are_refused),
	cmocka_unit_test(machines_that_are_gone),
};
TEST_GROUP(machine, tests);
