/* SPDX-License-Identifier: MIT */
/* page_owner=on: who holds each page, in the text and in reports; off, there is nothing. */
#include <errno.h>

#include "buddy_test.h"

#define MACHINE "preset=x86_64 mem=64M cpus=2 isolate_metadata=1"

static const char *owner_text(void)
{
	static char text[1 << 16];

	assert_true(proc_read("page_owner", text, sizeof(text)) < (long)sizeof(text));
	return text;
}

static unsigned int count(const char *text, const char *what)
{
	unsigned int n = 0;

	for (const char *at = text; (at = strstr(at, what)); at++)
		n++;
	return n;
}

/* Whether the text has a record of @order at @page. */
static bool is_owned(const struct page *page, unsigned int order)
{
	char head[64], frame[64];
	const char *text = owner_text(), *at, *line;

	snprintf(head, sizeof(head), "Page allocated via order %u,", order);
	snprintf(frame, sizeof(frame), "\nPFN %lu type ", page_to_pfn(page));
	at = strstr(text, frame);
	if (!at)
		return false;
	for (line = at; line > text && line[-1] != '\n'; line--)
		;
	return !strncmp(line, head, strlen(head));
}

static void test_off(void **state)
{
	struct machine *m = test_boot(MACHINE);
	struct page *page = alloc_page(GFP_KERNEL);

	(void)state;
	assert_null(arch_kernel()->buddy->page_owner);
	assert_int_equal(proc_read("page_owner", NULL, 0), 0);
	__free_page(page);
	__free_page(page);
	assert_null(strstr(test_state.reports[0].text, "page_owner"));
	expect_report(MACHINE_BUG, "page freed twice");
	test_shutdown(m, 0);
}

static void test_shape_of_the_text(void **state)
{
	struct machine *m = test_boot(MACHINE " cmdline=\"page_owner=on\"");
	struct page *page;
	unsigned long pfn;
	char want[512];
	const char *at;

	(void)state;
	assert_int_equal(count(owner_text(), "Page allocated"), 0);
	page = alloc_pages(GFP_KERNEL | __GFP_COMP, 2);
	pfn = page_to_pfn(page);
	at = strstr(owner_text(), "Page allocated via order 2, mask 0x40cc0(GFP_KERNEL|__GFP_COMP), pid ");
	assert_non_null(at);
	assert_non_null(strstr(at, ", ts 1 ns, free_ts 0 ns\n"));
	snprintf(want, sizeof(want), " ns\nPFN %lu type Unmovable Block %lu type Unmovable Flags 0x2(head|node=0|zone=1)\n ",
		 pfn, pfn / 512);
	assert_non_null(strstr(at, want));
	/* Each record ends with an empty line. */
	assert_non_null(strstr(at, "\n\n"));
	__free_pages(page, 2);
	assert_int_equal(count(owner_text(), "Page allocated"), 0);
	test_shutdown(m, 0);
}

/* Whatever way a block comes and goes. */
static void test_every_way(void **state)
{
	struct machine *m = test_boot(MACHINE " cmdline=\"page_owner=on\"");
	struct page *page, *pages[20] = {NULL};
	char *exact;

	(void)state;
	for (unsigned int order = 0; order < MAX_ORDER; order++) {
		page = alloc_pages(GFP_KERNEL, order);
		assert_true(is_owned(page, order));
		__free_pages(page, order);
		assert_false(is_owned(page, order));
		page = buddy_alloc_slab(arch_kernel(), GFP_KERNEL, order, NUMA_NO_NODE);
		assert_true(is_owned(page, order));
		buddy_free_slab(arch_kernel(), page, order);
		assert_false(is_owned(page, order));
	}
	assert_int_equal(alloc_pages_bulk_array(GFP_KERNEL, 20, pages), 20);
	assert_int_equal(count(owner_text(), "Page allocated via order 0"), 20);
	for (unsigned int i = 0; i < 20; i++)
		__free_page(pages[i]);
	page = alloc_contig_pages(30, GFP_KERNEL, 0, NULL);
	assert_int_equal(count(owner_text(), "Page allocated via order 0"), 30);
	free_contig_range(page_to_pfn(page), 30);
	exact = alloc_pages_exact(5 * PAGE_SIZE, GFP_KERNEL);
	assert_int_equal(count(owner_text(), "Page allocated via order 0"), 5);
	free_pages_exact(exact, 5 * PAGE_SIZE);
	/* Taken apart under a reference. */
	page = alloc_pages(GFP_KERNEL, 4);
	get_page(page);
	__free_pages(page, 4);
	assert_true(is_owned(page, 0));
	assert_int_equal(count(owner_text(), "Page allocated"), 1);
	put_page(page);
	assert_int_equal(proc_read("page_owner", NULL, 0), 0);
	drain_all_pages();
	assert_int_equal(nr_free_pages(), totalram_pages());
	test_shutdown(m, 0);
}

static void test_reports_say_who_it_was(void **state)
{
	struct machine *m = test_boot(MACHINE " cmdline=\"page_owner=on\"");
	struct page *page = alloc_pages(GFP_HIGHUSER_MOVABLE, 3);

	(void)state;
	__free_pages(page_step(page, 2), 0);
	assert_non_null(strstr(test_state.reports[0].text, "page_owner tracks the page as allocated\n"
			       "page last allocated via order 3, migratetype Movable, gfp_mask 0x100cca("
			       "GFP_HIGHUSER_MOVABLE), pid "));
	expect_report(MACHINE_BUG, "page_owner free stack trace missing\n");
	__free_pages(page, 3);
	__free_pages(page, 3);
	assert_non_null(strstr(test_state.reports[0].text, "page_owner tracks the page as freed\n"));
	expect_report(MACHINE_BUG, "page last free stack trace:\n ");
	__free_pages(pfn_page(arch_kernel()->buddy, 0), 0);
	expect_report(MACHINE_BUG, "page_owner info is not present (never set?)\n");
	test_shutdown(m, 0);
}

static void test_words(void **state)
{
	struct machine *m;

	(void)state;
	m = test_boot(MACHINE " cmdline=\"page_owner=off\"");
	assert_null(arch_kernel()->buddy->page_owner);
	test_shutdown(m, 0);
	expect_no_boot(MACHINE " cmdline=\"page_owner=perhaps\"", -EINVAL, "page_owner");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_shape_of_the_text),
		cmocka_unit_test(test_every_way),
		cmocka_unit_test(test_reports_say_who_it_was),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
