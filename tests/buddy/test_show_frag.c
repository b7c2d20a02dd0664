/* SPDX-License-Identifier: MIT */
/* Texts about fragmentation: pagetypeinfo, extfrag_index, unusable_index. */
#include "buddy_test.h"

static struct buddy_arena arena;

static void expect_text(const char *name, const char *want)
{
	char *text = test_proc(name);

	assert_string_equal(text, want);
	free(text);
}

static void test_extfrag_index(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct page *page[64], *rest;

	(void)state;
	assert_int_equal(buddy_extfrag_index(arena.zone, 0), -1000);
	assert_int_equal(buddy_extfrag_index(arena.zone, 10), -1000);
	assert_int_equal(buddy_extfrag_index(arena.zone, 11), 0);
	for (unsigned int i = 0; i < 64; i++)
		page[i] = alloc_pages(GFP_KERNEL, 4);
	assert_int_equal(buddy_extfrag_index(arena.zone, 4), 0);
	/* 16 single blocks of 16 pages: 256 pages free and no 32 in a row. */
	for (unsigned int i = 0; i < 32; i += 2)
		__free_pages(page[i], 4);
	assert_int_equal(buddy_extfrag_index(arena.zone, 4), -1000);
	assert_int_equal(buddy_extfrag_index(arena.zone, 5), 1000 - (1000 + 256 * 1000 / 32) / 16);
	assert_int_equal(buddy_extfrag_index(arena.zone, 10), 1000 - (1000 + 256 * 1000 / 1024) / 16);
	rest = alloc_pages(GFP_KERNEL, 4);
	__free_pages(rest, 4);
	for (unsigned int i = 0; i < 64; i++)
		if (i % 2 || i >= 32)
			__free_pages(page[i], 4);
	test_shutdown(m, 0);
}

/* As Linux prints them, with its odd form of an index between -1 and 0. */
static void test_index_texts(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct page *page[64];

	(void)state;
	for (unsigned int i = 0; i < 64; i++)
		page[i] = alloc_pages(GFP_KERNEL, 4);
	__free_pages(page[0], 4);
	expect_text("extfrag_index",
		"Node 0, zone      DMA  0.000  0.000  0.000  0.000  0.000  0.000  0.000  0.000  0.000  0.000  0.000 \n"
		"Node 0, zone    DMA32 -1.000 -1.000 -1.000 -1.000 -1.000  0.-500  0.-250  0.-125  0.-62  0.-31  0.-15 \n");
	for (unsigned int i = 2; i < 32; i += 2)
		__free_pages(page[i], 4);
	expect_text("extfrag_index",
		"Node 0, zone      DMA  0.000  0.000  0.000  0.000  0.000  0.000  0.000  0.000  0.000  0.000  0.000 \n"
		"Node 0, zone    DMA32 -1.000 -1.000 -1.000 -1.000 -1.000  0.438  0.688  0.813  0.875  0.907  0.922 \n");
	__free_pages(page[32], 4);
	__free_pages(page[33], 4);
	/* 288 pages, 256 of them in blocks too small for order 5. */
	expect_text("unusable_index",
		"Node 0, zone      DMA 1.000 1.000 1.000 1.000 1.000 1.000 1.000 1.000 1.000 1.000 1.000 \n"
		"Node 0, zone    DMA32 0.000 0.000 0.000 0.000 0.000 0.888 1.000 1.000 1.000 1.000 1.000 \n");
	for (unsigned int i = 0; i < 64; i++)
		if ((i % 2 || i >= 32) && i != 32 && i != 33)
			__free_pages(page[i], 4);
	test_shutdown(m, 0);
}

static void test_pagetypeinfo(void **state)
{
	struct machine *m = test_arena(2, &arena);
	struct page *page = alloc_pages(GFP_KERNEL, 4);

	(void)state;
	expect_text("pagetypeinfo",
		"Page block order: 9\n"
		"Pages per block:  512\n"
		"\n"
		"Free pages count per migrate type at order       0      1      2      3      4      5      6      7      8      9     10 \n"
		"Node    0, zone      DMA, type    Unmovable      0      0      0      0      0      0      0      0      0      0      0 \n"
		"Node    0, zone      DMA, type      Movable      0      0      0      0      0      0      0      0      0      0      0 \n"
		"Node    0, zone      DMA, type  Reclaimable      0      0      0      0      0      0      0      0      0      0      0 \n"
		"Node    0, zone      DMA, type   HighAtomic      0      0      0      0      0      0      0      0      0      0      0 \n"
		"Node    0, zone    DMA32, type    Unmovable      0      0      0      0      1      1      1      1      1      1      0 \n"
		"Node    0, zone    DMA32, type      Movable      0      0      0      0      0      0      0      0      0      0      1 \n"
		"Node    0, zone    DMA32, type  Reclaimable      0      0      0      0      0      0      0      0      0      0      0 \n"
		"Node    0, zone    DMA32, type   HighAtomic      0      0      0      0      0      0      0      0      0      0      0 \n"
		"\n"
		"Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic \n"
		"Node 0, zone      DMA            0            8            0            0 \n"
		"Node 0, zone    DMA32            2           22            0            0 \n");
	__free_pages(page, 4);
	test_shutdown(m, 0);
}

/* Sum of a zone's line behind "Number of blocks type". */
static unsigned long pageblocks(const char *text, const char *zone)
{
	unsigned long n[4];
	const char *line = strstr(text, zone);

	assert_non_null(line);
	assert_int_equal(sscanf(line + strlen(zone), " %lu %lu %lu %lu \n", &n[0], &n[1], &n[2], &n[3]), 4);
	return n[0] + n[1] + n[2] + n[3];
}

/* Two real machines: as many pageblocks as their kernels count, one part of the text for each node. */
static void test_pageblocks_of_real_machines(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=256M nodes=2 cpus=2 zonepages="
				      "0/DMA:3998:3840,0/DMA32:28672:25537,1/DMA32:32736:32175");
	char *text = test_proc("pagetypeinfo");
	const char *second;

	(void)state;
	assert_int_equal(pageblocks(text, "Node 0, zone      DMA "), 8);
	assert_int_equal(pageblocks(text, "Node 0, zone    DMA32 "), 56);
	assert_int_equal(pageblocks(text, "Node 1, zone    DMA32 "), 64);
	second = strstr(text + 1, "\nPage block order: 9\nPages per block:  512\n\nFree pages count");
	assert_non_null(second);
	assert_null(strstr(second, "Node    0"));
	assert_non_null(strstr(second, "\nNode    1, zone    DMA32, type    Unmovable "));
	free(text);
	test_shutdown(m, 0);
	m = test_boot("preset=x86_32 mem=1G cpus=1 "
		      "zonepages=0/DMA:3998:3840,0/Normal:221182:217873,0/HighMem:36834:36834");
	text = test_proc("pagetypeinfo");
	assert_memory_equal(text, "Page block order: 10\nPages per block:  1024\n", 44);
	assert_int_equal(pageblocks(text, "Node 0, zone      DMA "), 4);
	assert_int_equal(pageblocks(text, "Node 0, zone   Normal "), 216);
	assert_int_equal(pageblocks(text, "Node 0, zone  HighMem "), 36);
	free(text);
	test_shutdown(m, 0);
}

/* Pages by type and order make up what is free, untouched ranges included. */
static void test_types_sum_to_free_pages(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=512M cpus=1 isolate_metadata=1");
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_RECLAIMABLE, 5);
	char *text = test_proc("pagetypeinfo"), *line, *save = NULL;
	unsigned long sum = 0;

	(void)state;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *type = strstr(line, ", type ");

		if (!type)
			continue;
		type += strlen(", type ");
		type += strspn(type, " ");
		type += strcspn(type, " ");
		for (unsigned int order = 0; order < MAX_ORDER; order++)
			sum += strtoul(type, &type, 10) << order;
	}
	assert_int_equal(sum, nr_free_pages());
	free(text);
	__free_pages(page, 5);
	test_shutdown(m, 0);
}

#ifndef TEST_TSAN
/* Linux counts no list further than 100000 blocks, which is 391 GiB of the largest, beside memmap. With
 * its windows that is more address space than ThreadSanitizer leaves. */
static void test_long_lists_are_cut(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=420G cpus=1 isolate_metadata=1");
	char *text = test_proc("pagetypeinfo");

	(void)state;
	assert_non_null(strstr(text, "Node    0, zone   Normal, type      Movable "));
	assert_non_null(strstr(text, " >100000 \nNode    0, zone   Normal, type  Reclaimable "));
	free(text);
	test_shutdown(m, 0);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_extfrag_index),
		cmocka_unit_test(test_index_texts),
		cmocka_unit_test(test_pagetypeinfo),
		cmocka_unit_test(test_pageblocks_of_real_machines),
		cmocka_unit_test(test_types_sum_to_free_pages),
#ifndef TEST_TSAN
		wide_unit_test(test_long_lists_are_cut),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
