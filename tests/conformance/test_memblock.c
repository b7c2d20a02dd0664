/* SPDX-License-Identifier: MIT */
/* Boot memory: what a program's early callback takes, and what becomes of it. */
#include "conformance.h"

#include <errno.h>

#define MIB (1ull << 20)

static void (*callback)(void);
static int callback_result;

static int early(void *arg)
{
	if (arg)
		++*(int *)arg;
	if (callback)
		callback();
	return callback_result;
}

/* Boot @text with @fn as the early callback. */
static int boot_with(const char *text, void (*fn)(void), int result, struct machine **m,
		     struct machine_error *err)
{
	struct machine_desc desc;
	int runs = 0, ret;

	test_catch_all();
	assert_int_equal(machine_desc_parse(&desc, text, NULL, err), 0);
	desc.early = early;
	desc.early_arg = &runs;
	callback = fn;
	callback_result = result;
	ret = machine_boot(&desc, m, err);
	assert_int_equal(runs, 1);
	machine_desc_free(&desc);
	return ret;
}

static struct machine *boot_early(const char *text, void (*fn)(void))
{
	struct machine_error err = { 0, "" };
	struct machine *m = NULL;

	if (boot_with(text, fn, 0, &m, &err))
		fail_msg("%s: %s", text, err.reason);
	return m;
}

/* RAM from 0 to 64 MiB, 16 of it reserved. */
#define SIMPLE "preset=x86_64 ram=0-64M reserved=0-16M"

/* --- "boot memory taken before the page allocator is invisible to it" ------------------------- */

static char *taken;
static unsigned long taken_pages;

static void take_table(void)
{
	taken = memblock_alloc(3 * MIB, PAGE_SIZE);
	assert_non_null(taken);
	for (size_t i = 0; i < 3 * MIB; i += 512)
		assert_int_equal(taken[i], 0);
	memset(taken, 0xa5, 3 * MIB);
	taken_pages = 3 * MIB / PAGE_SIZE;
}

static unsigned long all_pages(void)
{
	unsigned long n = 0;
	struct page *page, *list = NULL;

	while ((page = alloc_pages(GFP_KERNEL | __GFP_NOWARN | __GFP_MEMALLOC, 0))) {
		*(struct page **)page_address(page) = list;
		list = page;
		n++;
		assert_false((char *)page_address(page) >= taken &&
			     (char *)page_address(page) < taken + 3 * MIB);
	}
	while ((page = list)) {
		list = *(struct page **)page_address(page);
		__free_page(page);
	}
	return n;
}

static void boot_memory_taken_before_the_page_allocator_is_invisible_to_it(void **state)
{
	struct machine *m = test_boot(SIMPLE);
	unsigned long total = totalram_pages(), nr_free;

	test_shutdown(m, 0);
	m = boot_early(SIMPLE, take_table);
	assert_int_equal(totalram_pages(), total - taken_pages);
	nr_free = nr_free_pages();
	assert_true(all_pages() <= total - taken_pages);
	drain_all_pages();
	assert_int_equal(nr_free_pages(), nr_free);
	for (size_t i = 0; i < 3 * MIB; i++)
		assert_int_equal((unsigned char)taken[i], 0xa5);
	assert_int_equal(__pa((unsigned long)taken), 61 * MIB);
	/* It has a page structure and an address, as in Linux, but nobody may free it. */
	assert_true(virt_addr_valid(taken));
	__free_page(virt_to_page(taken));
	expect_report(MACHINE_BUG, "Bad page state");
	/* Nor is it lost. */
	test_shutdown(m, 0);
}

/* --- where memory comes from ------------------------------------------------------------------ */

static void take_in_both_directions(void)
{
	assert_false(memblock_bottom_up());
	assert_int_equal(memblock_phys_alloc(PAGE_SIZE, PAGE_SIZE), 64 * MIB - PAGE_SIZE);
	assert_int_equal(memblock_phys_alloc(100, 64), 64 * MIB - PAGE_SIZE - 128);
	assert_int_equal(memblock_phys_alloc(PAGE_SIZE, MIB), 63 * MIB);
	assert_int_equal(memblock_phys_alloc_range(MIB, PAGE_SIZE, 20 * MIB, 30 * MIB), 29 * MIB);
	assert_int_equal(memblock_phys_alloc_range(MIB, MIB, 20 * MIB, 30 * MIB), 28 * MIB);
	memblock_set_bottom_up(true);
	assert_true(memblock_bottom_up());
	assert_int_equal(memblock_phys_alloc(PAGE_SIZE, PAGE_SIZE), 16 * MIB);
	assert_int_equal(memblock_phys_alloc(100, 64), 16 * MIB + PAGE_SIZE);
	assert_int_equal(memblock_phys_alloc(100, 1), 16 * MIB + PAGE_SIZE + 100);
	assert_int_equal(memblock_phys_alloc_range(MIB, PAGE_SIZE, 20 * MIB, 30 * MIB), 20 * MIB);
	memblock_set_bottom_up(false);
	memblock_set_current_limit(40 * MIB);
	assert_int_equal(memblock_get_current_limit(), 40 * MIB);
	assert_int_equal(memblock_phys_alloc(PAGE_SIZE, PAGE_SIZE), 40 * MIB - PAGE_SIZE);
	assert_int_equal(memblock_phys_alloc_range(PAGE_SIZE, PAGE_SIZE, 0, MEMBLOCK_ALLOC_ANYWHERE),
			 64 * MIB - 3 * PAGE_SIZE);
	/* A lower limit is given up. */
	taken = memblock_alloc_from(PAGE_SIZE, PAGE_SIZE, 50 * MIB);
	assert_non_null(taken);
	assert_non_null(memblock_alloc_low(PAGE_SIZE, PAGE_SIZE));
	assert_non_null(memblock_alloc_raw(PAGE_SIZE, PAGE_SIZE));
}

static void boot_memory_from_above_and_from_below(void **state)
{
	struct machine *m = boot_early(SIMPLE, take_in_both_directions);

	assert_int_equal(__pa((unsigned long)taken), 40 * MIB - 2 * PAGE_SIZE);
	assert_int_equal(memblock_get_current_limit(), 40 * MIB);
	assert_true(memblock_is_reserved(16 * MIB));
	test_shutdown(m, 0);
}

static void *on_node[4];

static void take_on_nodes(void)
{
	on_node[0] = memblock_alloc_node(MIB, MIB, 0);
	on_node[1] = memblock_alloc_node(MIB, MIB, 1);
	/* More than the node has: from the other. */
	on_node[2] = memblock_alloc_try_nid(40 * MIB, MIB, 0, MEMBLOCK_ALLOC_ACCESSIBLE, 0);
	assert_null(memblock_alloc_exact_nid_raw(40 * MIB, MIB, 0, MEMBLOCK_ALLOC_ANYWHERE, 0));
	on_node[3] = memblock_alloc_exact_nid_raw(MIB, MIB, 0, MEMBLOCK_ALLOC_ANYWHERE, 0);
	assert_int_equal(memblock_phys_alloc_try_nid(MIB, MIB, 1), 86 * MIB);
	assert_int_equal(memblock_phys_alloc_try_nid(MIB, MIB, NUMA_NO_NODE), 85 * MIB);
}

static void boot_memory_of_a_node(void **state)
{
	struct machine *m = boot_early("ram=0-32M@0,32M-128M@1 reserved=0-16M nodes=2", take_on_nodes);

	assert_int_equal(__pa((unsigned long)on_node[0]), 31 * MIB);
	assert_int_equal(__pa((unsigned long)on_node[1]), 127 * MIB);
	assert_int_equal(__pa((unsigned long)on_node[2]), 87 * MIB);
	assert_int_equal(__pa((unsigned long)on_node[3]), 30 * MIB);
	assert_int_equal(page_to_nid(virt_to_page(on_node[0])), 0);
	assert_int_equal(page_to_nid(virt_to_page(on_node[2])), 1);
	test_shutdown(m, 0);
}

/* Pointers are to low memory, whatever the limit. */
static void take_high_memory(void)
{
	assert_int_equal(memblock_get_current_limit(), 0x36ffe000);
	taken = memblock_alloc_try_nid(MIB, MIB, 0, MEMBLOCK_ALLOC_ANYWHERE, NUMA_NO_NODE);
	assert_int_equal(memblock_phys_alloc_range(MIB, MIB, 0, MEMBLOCK_ALLOC_ANYWHERE), 1023 * MIB);
	assert_int_equal(memblock_phys_alloc(MIB, MIB), 877 * MIB);
	memblock_set_current_limit(2048 * MIB);
	assert_non_null(memblock_alloc(MIB, MIB));
	assert_int_equal(memblock_phys_alloc(MIB, MIB), 1022 * MIB);
}

static void boot_memory_of_x86_32_is_low(void **state)
{
	struct machine *m = boot_early("preset=x86_32 ram=0-1G reserved=0-16M", take_high_memory);

	assert_int_equal(__pa((unsigned long)taken), 878 * MIB);
	test_shutdown(m, 0);
}

/* --- ranges ----------------------------------------------------------------------------------- */

static void walk_ranges(void)
{
	static const struct {
		phys_addr_t start, end;
		int node;
	} want[] = {
		{ 16 * MIB, 20 * MIB, 0 }, { 21 * MIB, 32 * MIB, 0 }, { 32 * MIB, 40 * MIB, 1 },
		{ 48 * MIB, 60 * MIB, 1 },
	};
	phys_addr_t start, end;
	unsigned int n = 0;
	uint64_t i;
	int node;

	assert_int_equal(memblock_start_of_DRAM(), 0);
	assert_int_equal(memblock_end_of_DRAM(), 64 * MIB);
	assert_int_equal(memblock_phys_mem_size(), 64 * MIB);
	assert_int_equal(memblock_reserve(20 * MIB, MIB), 0);
	assert_int_equal(memblock_reserve(60 * MIB, 100 * MIB), 0);
	assert_int_equal(memblock_reserved_size(), 16 * MIB + MIB + 100 * MIB);
	assert_int_equal(memblock_remove(40 * MIB, 8 * MIB), 0);
	assert_int_equal(memblock_phys_mem_size(), 56 * MIB);
	for_each_free_mem_range(i, NUMA_NO_NODE, MEMBLOCK_NONE, &start, &end, &node) {
		assert_int_equal(start, want[n].start);
		assert_int_equal(end, want[n].end);
		assert_int_equal(node, want[n++].node);
	}
	assert_int_equal(n, 4);
	for_each_free_mem_range_reverse(i, NUMA_NO_NODE, MEMBLOCK_NONE, &start, &end, &node) {
		assert_int_equal(start, want[--n].start);
		assert_int_equal(end, want[n].end);
		assert_int_equal(node, want[n].node);
	}
	assert_int_equal(n, 0);
	for_each_free_mem_range(i, 1, MEMBLOCK_NONE, &start, NULL, NULL)
		assert_int_equal(start, want[2 + n++].start);
	assert_int_equal(n, 2);
	for_each_free_mem_range_reverse(i, 0, MEMBLOCK_NONE, NULL, &end, NULL)
		assert_int_equal(end, want[--n].end);
	assert_int_equal(n, 0);
	i = 0;
	assert_true(memblock_next_free_range(&i, NUMA_NO_NODE, &start, NULL, NULL));
	assert_int_equal(start, 16 * MIB);
	assert_true(memblock_prev_free_range(&i, NUMA_NO_NODE, &start, NULL, NULL));
	assert_int_equal(start, 16 * MIB);
	assert_false(memblock_prev_free_range(&i, NUMA_NO_NODE, &start, NULL, NULL));
	assert_int_equal(memblock_phys_free(20 * MIB, MIB), 0);
	assert_true(memblock_is_memory(20 * MIB));
	assert_false(memblock_is_reserved(20 * MIB));
	assert_false(memblock_is_memory(40 * MIB));
	assert_true(memblock_is_reserved(60 * MIB));
}

static void free_ranges_of_boot_memory(void **state)
{
	struct machine *m = boot_early("ram=0-32M@0,32M-64M@1 reserved=0-16M nodes=2", walk_ranges);

	/* 16–40 and 48–60 MiB; of the rest there is no page. */
	assert_int_equal(totalram_pages(), 36 * MIB / PAGE_SIZE);
	assert_null(pfn_to_page(44 * MIB / PAGE_SIZE));
	assert_non_null(pfn_to_page(62 * MIB / PAGE_SIZE));
	test_shutdown(m, 0);
}

static void give_and_take(void)
{
	/* What mem= hid, and what is no RAM. */
	assert_int_equal(memblock_add(248 * MIB, 4 * MIB), 0);
	assert_int_equal(memblock_add(252 * MIB, 8 * MIB), -EINVAL);
	assert_int_equal(memblock_add(300 * MIB, MIB), -EINVAL);
	assert_int_equal(memblock_add(~0ull - MIB, 2 * MIB), -EINVAL);
	assert_int_equal(memblock_add(0, 0), 0);
	assert_int_equal(memblock_remove(~0ull - MIB, 2 * MIB), -EINVAL);
	assert_int_equal(memblock_reserve(~0ull - MIB, 2 * MIB), -EINVAL);
	assert_int_equal(memblock_phys_free(~0ull - MIB, 2 * MIB), -EINVAL);
	assert_int_equal(memblock_remove(0, 0), 0);
	assert_int_equal(memblock_reserve(0, 0), 0);
	assert_int_equal(memblock_phys_free(0, 0), 0);
	/* A whole life. */
	taken = memblock_alloc(MIB, PAGE_SIZE);
	memblock_free(taken, MIB);
	assert_ptr_equal(memblock_alloc(MIB, PAGE_SIZE), taken);
	memset(taken, 1, MIB);
	memblock_free(taken, MIB);
	/* Cleared again, small or large. */
	taken = memblock_alloc(100, 8);
	assert_int_equal(taken[99], 0);
	memblock_free(taken, 100);
	taken = memblock_alloc(3 * MIB + 100, 8);
	for (size_t i = 0; i < 3 * MIB + 100; i++)
		assert_int_equal(taken[i], 0);
	memblock_free(taken, 3 * MIB + 100);
	memblock_free(NULL, 100);
	memblock_free(&taken, 100);
	expect_report(MACHINE_BUG, "memblock_free");
}

static void boot_memory_hidden_and_shown(void **state)
{
	struct machine *m = boot_early("ram=0-256M reserved=0-16M cmdline=mem=248M", give_and_take);

	assert_int_equal(totalram_pages(), (252 - 16) * MIB / PAGE_SIZE);
	assert_non_null(pfn_to_page(251 * MIB / PAGE_SIZE));
	assert_null(pfn_to_page(253 * MIB / PAGE_SIZE));
	test_shutdown(m, 0);
}

/* --- what goes wrong -------------------------------------------------------------------------- */

static void take_too_much(void)
{
	phys_addr_t size = memblock_phys_mem_size();

	assert_null(memblock_alloc(size, PAGE_SIZE));
	assert_null(memblock_alloc_raw(size, PAGE_SIZE));
	assert_null(memblock_alloc_from(size, PAGE_SIZE, MIB));
	assert_null(memblock_alloc_low(size, PAGE_SIZE));
	assert_null(memblock_alloc_node(size, PAGE_SIZE, 0));
	assert_null(memblock_alloc_try_nid(size, PAGE_SIZE, 0, MEMBLOCK_ALLOC_ANYWHERE, 0));
	assert_null(memblock_alloc_exact_nid_raw(size, PAGE_SIZE, 0, MEMBLOCK_ALLOC_ANYWHERE, 0));
	assert_int_equal(memblock_phys_alloc(size, PAGE_SIZE), 0);
	assert_int_equal(memblock_phys_alloc_range(size, PAGE_SIZE, 0, MEMBLOCK_ALLOC_ANYWHERE), 0);
	assert_int_equal(memblock_phys_alloc_try_nid(size, PAGE_SIZE, 0), 0);
	while (memblock_alloc(PAGE_SIZE, PAGE_SIZE))
		;
	expect_no_reports();
}

static void boot_memory_runs_out(void **state)
{
	struct machine_error err = { 0, "" };
	struct machine *m = NULL;

	assert_int_equal(boot_with(SIMPLE, take_too_much, 0, &m, &err), -EINVAL);
	assert_non_null(strstr(err.reason, "all RAM is reserved"));
	assert_null(m);
	assert_null(machine_current());
}

static void wish_the_impossible(void)
{
	assert_null(memblock_alloc(0, 8));
	expect_report(MACHINE_WARN, "memblock_alloc: 0 bytes");
	assert_null(memblock_alloc(8, 24));
	expect_report(MACHINE_WARN, "multiples of 24");
	assert_int_equal(memblock_phys_alloc(0, 8), 0);
	expect_report(MACHINE_WARN, "memblock_phys_alloc: 0 bytes");
	assert_non_null(memblock_alloc(8, 0));
	expect_report(MACHINE_WARN, "alignment 0, 64 is taken");
}

static void bad_wishes_for_boot_memory(void **state)
{
	test_shutdown(boot_early(SIMPLE, wish_the_impossible), 0);
}

static void call_the_others(void)
{
	assert_null(kmalloc(100, GFP_KERNEL));
	expect_report(MACHINE_WARN, "no machine entered: this one is booting");
	assert_null(alloc_pages(GFP_KERNEL, 0));
	expect_report(MACHINE_WARN, "no machine entered: this one is booting");
	assert_int_equal(numa_node_id(), -1);
	expect_report(MACHINE_WARN, "no machine entered: this one is booting");
	assert_non_null(memblock_alloc(100, 8));
	expect_no_reports();
}

static void only_boot_memory_while_booting(void **state)
{
	struct machine *other = test_boot(TINY), *m;

	m = boot_early(SIMPLE, call_the_others);
	assert_ptr_equal(machine_current(), m);
	test_shutdown(m, 0);
	assert_ptr_equal(machine_current(), other);
	test_shutdown(other, 0);
}

static void no_callback_no_boot(void **state)
{
	struct machine *other = test_boot(TINY), *m = NULL;
	struct machine_error err = { 0, "" };
	struct machine_desc desc;

	assert_int_equal(boot_with(SIMPLE, NULL, -ENOMEM, &m, &err), -ENOMEM);
	assert_string_equal(err.reason, "the early callback failed: -12");
	assert_null(m);
	assert_ptr_equal(machine_current(), other);
	kfree(kmalloc(100, GFP_KERNEL));
	assert_int_equal(machine_desc_parse(&desc, "mem=64M zonepages=0/DMA:3000:3000", NULL, &err), 0);
	desc.early = early;
	assert_int_equal(machine_boot(&desc, &m, &err), -EINVAL);
	assert_non_null(strstr(err.reason, "zonepages="));
	machine_desc_free(&desc);
	test_shutdown(other, 0);
}

#define EXPECT_TAKEN_OVER(call)                                             \
	do {                                                                \
		assert_false(call);                                         \
		expect_report(MACHINE_WARN, "page allocator has taken over"); \
	} while (0)

/* The page allocator owns everything now. Questions are still answered. */
static void boot_memory_after_boot(void **state)
{
	struct machine *m = boot_early(SIMPLE, take_table);
	unsigned long nr_free = nr_free_pages();
	phys_addr_t start;
	unsigned int n = 0;
	uint64_t i;

	EXPECT_TAKEN_OVER(memblock_alloc(100, 8));
	EXPECT_TAKEN_OVER(memblock_alloc_raw(100, 8));
	EXPECT_TAKEN_OVER(memblock_alloc_from(100, 8, 0));
	EXPECT_TAKEN_OVER(memblock_alloc_low(100, 8));
	EXPECT_TAKEN_OVER(memblock_alloc_node(100, 8, 0));
	EXPECT_TAKEN_OVER(memblock_alloc_try_nid(100, 8, 0, 0, 0));
	EXPECT_TAKEN_OVER(memblock_alloc_exact_nid_raw(100, 8, 0, 0, 0));
	EXPECT_TAKEN_OVER(memblock_phys_alloc(100, 8));
	EXPECT_TAKEN_OVER(memblock_phys_alloc_range(100, 8, 0, 0));
	EXPECT_TAKEN_OVER(memblock_phys_alloc_try_nid(100, 8, 0));
	EXPECT_TAKEN_OVER(memblock_add(0, PAGE_SIZE) != -EPERM);
	EXPECT_TAKEN_OVER(memblock_remove(0, PAGE_SIZE) != -EPERM);
	EXPECT_TAKEN_OVER(memblock_reserve(0, PAGE_SIZE) != -EPERM);
	EXPECT_TAKEN_OVER(memblock_phys_free(0, PAGE_SIZE) != -EPERM);
	memblock_free(taken, PAGE_SIZE);
	expect_report(MACHINE_WARN, "memblock_free: the page allocator has taken over");
	memblock_set_bottom_up(true);
	expect_report(MACHINE_WARN, "memblock_set_bottom_up: the page");
	memblock_set_current_limit(0);
	expect_report(MACHINE_WARN, "memblock_set_current_limit: the page");
	assert_int_equal(nr_free_pages(), nr_free);
	assert_false(memblock_bottom_up());
	assert_true(memblock_is_reserved(62 * MIB));
	assert_true(memblock_is_memory(62 * MIB));
	assert_int_equal(memblock_start_of_DRAM(), 0);
	assert_int_equal(memblock_end_of_DRAM(), 64 * MIB);
	assert_int_equal(memblock_phys_mem_size(), 64 * MIB);
	assert_int_equal(memblock_reserved_size(), 19 * MIB);
	for_each_free_mem_range(i, NUMA_NO_NODE, MEMBLOCK_NONE, &start, NULL, NULL)
		n++;
	assert_int_equal(n, 1);
	assert_int_equal(start, 16 * MIB);
	expect_no_reports();
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(boot_memory_taken_before_the_page_allocator_is_invisible_to_it),
	cmocka_unit_test(boot_memory_from_above_and_from_below),
	cmocka_unit_test(boot_memory_of_a_node),
	cmocka_unit_test(boot_memory_of_x86_32_is_low),
	cmocka_unit_test(free_ranges_of_boot_memory),
	cmocka_unit_test(boot_memory_hidden_and_shown),
	cmocka_unit_test(boot_memory_runs_out),
	cmocka_unit_test(bad_wishes_for_boot_memory),
	cmocka_unit_test(only_boot_memory_while_booting),
	cmocka_unit_test(no_callback_no_boot),
	cmocka_unit_test(boot_memory_after_boot),
};

TEST_GROUP(memblock, tests);
