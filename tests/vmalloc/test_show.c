/* SPDX-License-Identifier: MIT */
/* src/vmalloc/show.c: vmallocinfo, line by line. */
#include "vmalloc_test.h"

/* The text, with the callers' names (the machine's own) replaced by "CALLER". */
static char *info(void)
{
	char *text = test_proc("vmallocinfo");
	char *out = calloc(1, strlen(text) + 64 * 8 + 1), *end = out;

	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		char *range = line, *rest = line + 45;

		assert_true(strlen(line) > 45);
		if (!strncmp(rest, " unpurged", 9)) {
			end += sprintf(end, "%s\n", line);
			continue;
		}
		rest = strchr(rest + 1, ' ');
		assert_non_null(rest);
		end += sprintf(end, "%.45s CALLER%s\n", range, rest);
	}
	free(text);
	return out;
}

/* The array of 1100 pointers to pages. */
#if UINTPTR_MAX > UINT32_MAX
#define ARRAY "0xffffc90000454000-0xffffc90000458000   16384 CALLER pages=3 vmalloc N0=3\n"
#define ARRAY_PAGES 3
#else
#define ARRAY "0xffffc90000454000-0xffffc90000457000   12288 CALLER pages=2 vmalloc N0=2\n"
#define ARRAY_PAGES 2
#endif

static void expect_info(const char *expected)
{
	char *text = info();

	assert_string_equal(text, expected);
	free(text);
}

static void test_lines(void **state)
{
	struct machine *m = test_boot("mem=64M");
	struct page *page = alloc_page(GFP_KERNEL);
	char *a, *b, *c;

	expect_info("");
	a = vmalloc(4 * P);
	b = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	c = vmalloc(1100 * P);
	expect_info("0xffffc90000000000-0xffffc90000005000   20480 CALLER pages=4 vmalloc N0=4\n"
		    "0xffffc90000005000-0xffffc90000007000    8192 CALLER vmap\n"
		    "0xffffc90000007000-0xffffc90000454000 4509696 CALLER pages=1100 vmalloc vpages N0=1100\n"
		    ARRAY);
	vunmap(b);
	vfree(a);
	expect_info("0xffffc90000007000-0xffffc90000454000 4509696 CALLER pages=1100 vmalloc vpages N0=1100\n"
		    ARRAY
		    "0xffffc90000000000-0xffffc90000007000   28672 unpurged vm_area\n");
	vfree(c);
	vm_unmap_aliases();
	expect_info("");
	__free_page(page);
	test_shutdown(m, 0);
}

static void test_nodes(void **state)
{
	struct machine *m = test_boot("mem=128M nodes=2 cpus=2");
	char *p;

	assert_int_equal(cpu_migrate(1), 0);
	p = vmalloc(7 * P);
	expect_info("0xffffc90000000000-0xffffc90000008000   32768 CALLER pages=7 vmalloc N1=7\n");
	vfree(p);
	test_shutdown(m, 0);
}

/* vmalloc's lines of meminfo; the sizes of the regions are what real kernels print. */
static void expect_meminfo(const char *total, unsigned long used_kb)
{
	char *text = test_proc("meminfo"), *at = strstr(text, "VmallocTotal:"), want[160];

	assert_non_null(at);
	snprintf(want, sizeof(want), "VmallocTotal:   %s kB\nVmallocUsed:    %8lu kB\n"
		 "VmallocChunk:          0 kB\n", total, used_kb);
	assert_string_equal(at, want);
	free(text);
}

static void test_meminfo(void **state)
{
	struct machine *m = test_boot("mem=64M");
	char *p, *q;

	expect_meminfo("34359738367", 0);
	p = vmalloc(4 * P);
	q = vmalloc(1100 * P);
	expect_meminfo("34359738367", (4 + 1100 + ARRAY_PAGES) * 4);
	vfree(p);
	vfree(q);
	expect_meminfo("34359738367", 0);
	test_shutdown(m, 0);
	m = test_boot("x86_64_la57 mem=64M");
	expect_meminfo("13743895347199", 0);
	test_shutdown(m, 0);
	m = test_boot("x86_32 mem=1G");
	expect_meminfo("  122880", 0);
	test_shutdown(m, 0);
	m = test_boot("x86_32 mem=512M");
	p = vmalloc(P);
	expect_meminfo("  499832", 4);
	vfree(p);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_meminfo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
