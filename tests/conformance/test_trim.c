/* SPDX-License-Identifier: MIT */
/* Free memory goes back to the host: what the process holds of it is what mincore() says. */
#include "conformance.h"

#include <pthread.h>
#include <sys/mman.h>

#define BLOCKS 24u
#define TOP_ORDER (MAX_ORDER - 1)
#define BLOCK_SIZE (PAGE_SIZE << TOP_ORDER)
#define BLOCK_PAGES (1ul << TOP_ORDER)

static struct page *blocks[BLOCKS];

/* Pages of @size bytes at @at that the host has memory for. */
static unsigned long resident(const void *at, size_t size)
{
	static unsigned char in_core[BLOCK_PAGES];
	unsigned long n = 0;

	assert_true(size / PAGE_SIZE <= sizeof(in_core));
	assert_int_equal(mincore((void *)(uintptr_t)at, size, in_core), 0);
	for (size_t i = 0; i < size / PAGE_SIZE; i++)
		n += in_core[i] & 1;
	return n;
}

static unsigned long all_resident(char *const *at)
{
	unsigned long n = 0;

	for (unsigned int i = 0; i < BLOCKS; i++)
		n += resident(at[i], BLOCK_SIZE);
	return n;
}

static void give_back(const char *text)
{
	struct machine *m = test_boot(text);
	char *at[BLOCKS], *before, *after, *kept;

	for (unsigned int i = 0; i < BLOCKS; i++) {
		blocks[i] = alloc_pages(GFP_KERNEL, TOP_ORDER);
		assert_non_null(blocks[i]);
		at[i] = page_address(blocks[i]);
		memset(at[i], 0x5a, BLOCK_SIZE);
	}
	kept = kmalloc(5000, GFP_KERNEL);
	memset(kept, 0x77, 5000);
	assert_int_equal(all_resident(at), BLOCKS * BLOCK_PAGES);
	/* Blocks in use are nobody's to give back. */
	machine_trim();
	assert_int_equal(all_resident(at), BLOCKS * BLOCK_PAGES);
	/* Free blocks stay with the process until it is asked for. */
	for (unsigned int i = 4; i < BLOCKS; i++)
		__free_pages(blocks[i], TOP_ORDER);
	assert_int_equal(all_resident(at), BLOCKS * BLOCK_PAGES);
	before = test_proc("buddyinfo");
	assert_true(machine_trim() >= (BLOCKS - 4) * BLOCK_PAGES);
	assert_int_equal(all_resident(at), 4 * BLOCK_PAGES);
	after = test_proc("buddyinfo");
	assert_string_equal(after, before);
	free(before);
	free(after);
	/* What is in use keeps its contents, what comes again is as good as new. */
	for (size_t i = 0; i < 4 * BLOCK_SIZE; i += 64)
		assert_int_equal(at[i / BLOCK_SIZE][i % BLOCK_SIZE], 0x5a);
	for (unsigned int i = 0; i < 5000; i++)
		assert_int_equal(kept[i], 0x77);
	for (unsigned int i = 4; i < BLOCKS; i++) {
		blocks[i] = alloc_pages(GFP_KERNEL | (i & 1 ? __GFP_ZERO : 0), TOP_ORDER);
		at[i] = page_address(blocks[i]);
		if (i & 1)
			for (size_t j = 0; j < BLOCK_SIZE; j += 32)
				assert_int_equal(at[i][j], 0);
		memset(at[i], (int)i, BLOCK_SIZE);
	}
	machine_trim();
	for (unsigned int i = 4; i < BLOCKS; i++) {
		for (size_t j = 0; j < BLOCK_SIZE; j += 64)
			assert_int_equal(at[i][j], (int)i);
		__free_pages(blocks[i], TOP_ORDER);
	}
	for (unsigned int i = 0; i < 4; i++)
		__free_pages(blocks[i], TOP_ORDER);
	kfree(kept);
	machine_trim();
	assert_int_equal(all_resident(at), 0);
	test_shutdown(m, 0);
}

static void large_free_blocks_go_back_to_the_host(void **state)
{
	give_back("preset=x86_64 mem=256M");
	give_back("preset=x86_64 mem=256M backing=private");
	/* Blocks of several zones and nodes, and pageblocks of order 10. */
	give_back("preset=x86_64 mem=256M nodes=2 cpus=2 cmdline=movablecore=64M");
	give_back("preset=x86_32 mem=256M");
}

/* A whole pageblock is enough, less is not. */
static void small_free_blocks_stay(void **state)
{
	struct machine *m = test_boot(ISOLATED);
	unsigned long order9 = 1ul << 9;
	struct page *page = alloc_pages(GFP_KERNEL, TOP_ORDER);
	unsigned long pfn = page_to_pfn(page);
	char *at = page_address(page);

	memset(at, 1, BLOCK_SIZE);
	split_page(page, TOP_ORDER);
	for (unsigned long i = 0; i < BLOCK_PAGES; i++)
		if (i % order9 || i < order9)
			__free_page(pfn_to_page(pfn + i));
	drain_all_pages();
	/* The lower half is a whole pageblock; of the upper one the first page is in use. */
	machine_trim();
	assert_int_equal(resident(at, BLOCK_SIZE), order9);
	assert_int_equal(at[order9 * PAGE_SIZE], 1);
	__free_page(pfn_to_page(pfn + order9));
	drain_all_pages();
	machine_trim();
	assert_int_equal(resident(at, BLOCK_SIZE), 0);
	test_shutdown(m, 0);
}

/* What was never touched costs nothing to look over, however much it is. */
static void a_terabyte_is_soon_looked_over(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=" TEST_HUGE " isolate_metadata=1");

	__free_pages(alloc_pages(GFP_KERNEL, TOP_ORDER), TOP_ORDER);
	/* The block that was touched, and what other blocks the boot has made. */
	assert_true(machine_trim() < 64 * BLOCK_PAGES);
	test_shutdown(m, 0);
}

struct worker {
	struct machine *m;
	pthread_t thread;
	unsigned int bad;
	char mark;
};

/* Whatever is allocated keeps its contents. */
static void *allocate_and_look(void *arg)
{
	struct worker *w = arg;

	machine_enter(w->m);
	for (unsigned int i = 0; i < 300; i++) {
		unsigned int order = 8 + i % 3;
		struct page *page = alloc_pages(GFP_KERNEL, order);
		char *at = page ? page_address(page) : NULL;

		if (!at) {
			w->bad++;
			continue;
		}
		for (size_t j = 0; j < PAGE_SIZE << order; j += PAGE_SIZE)
			at[j] = w->mark;
		for (size_t j = 0; j < PAGE_SIZE << order; j += PAGE_SIZE)
			w->bad += at[j] != w->mark;
		__free_pages(page, order);
	}
	machine_leave();
	return NULL;
}

static void others_allocate_meanwhile(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M cpus=3");
	struct worker w[2] = { { .m = m, .mark = 1 }, { .m = m, .mark = 2 } };

	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&w[i].thread, NULL, allocate_and_look, &w[i]), 0);
	for (unsigned int i = 0; i < 100; i++)
		machine_trim();
	for (unsigned int i = 0; i < 2; i++) {
		pthread_join(w[i].thread, NULL);
		assert_int_equal(w[i].bad, 0);
	}
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(large_free_blocks_go_back_to_the_host),
	cmocka_unit_test(small_free_blocks_stay),
	wide_unit_test(a_terabyte_is_soon_looked_over),
	cmocka_unit_test(others_allocate_meanwhile),
};

TEST_GROUP(trim, tests);
