/* SPDX-License-Identifier: MIT */
/* What the books say about the buddy system, sentence by sentence. */
#include "conformance.h"

#define TOP (MAX_ORDER - 1)

/* A machine whose only free memory is @blocks blocks of the largest order. */
static struct machine *arena_machine(unsigned int blocks, struct kmem_arena *arena)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M cpus=1 isolate_metadata=1");

	assert_int_equal(kmem_make_arena(blocks, KMEM_ZONE_DMA32, 1, arena), 0);
	return m;
}

/* The free blocks of each order, and nothing else: "10:1 9:1". */
static const char *free_blocks(const struct kmem_arena *arena)
{
	static char out[256];
	char text[8192], *at, *line;
	size_t len = 0;

	assert_true(kmem_zone_print_lists(arena->nid, arena->zone, arena->base_pfn, text, sizeof(text)) <
		    (long)sizeof(text));
	out[0] = '\0';
	for (line = strtok_r(text, "\n", &at); line; line = strtok_r(NULL, "\n", &at)) {
		unsigned int order, n;

		if (sscanf(line, "  order%u n=%u", &order, &n) == 2)
			len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%u:%u", len ? " " : "", order, n);
	}
	return out;
}

static struct page *movable(unsigned int order)
{
	struct page *page = alloc_pages(GFP_HIGHUSER_MOVABLE, order);

	assert_non_null(page);
	return page;
}

static void eleven_free_lists_of_blocks_of_1_to_1024_pages(void **state)
{
	struct kmem_arena arena;
	struct machine *m = arena_machine(1, &arena);
	char text[4096], *line, *word, *at;
	unsigned int columns = 0, order;
	struct page *page;

	assert_int_equal(MAX_ORDER, 11);
	proc_read("buddyinfo", text, sizeof(text));
	line = strstr(text, "zone    DMA32 ");
	assert_non_null(line);
	for (word = strtok_r(line + strlen("zone    DMA32 "), " ", &at); word && *word != '\n';
	     word = strtok_r(NULL, " ", &at))
		columns++;
	assert_int_equal(columns, 11);
	/* One page taken away leaves a block of every size below the largest: 1, 2, 4, … 512. */
	assert_int_equal(kmem_zone_set_pcp(arena.nid, arena.zone, 100, 1), 0);
	page = movable(0);
	assert_string_equal(free_blocks(&arena), "0:1 1:1 2:1 3:1 4:1 5:1 6:1 7:1 8:1 9:1");
	__free_page(page);
	drain_local_pages();
	assert_string_equal(free_blocks(&arena), "10:1");
	for (order = 0; order < MAX_ORDER; order++) {
		page = movable(order);
		assert_true(page_to_pfn(page) + (1ul << order) <= arena.base_pfn + 1024);
		__free_pages(page, order);
		drain_local_pages();
		assert_string_equal(free_blocks(&arena), "10:1");
	}
	test_shutdown(m, 0);
}

static void blocks_are_4_MiB_at_most_order_10_succeeds_and_order_11_fails(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct page *page = alloc_pages(GFP_KERNEL, 10);
	char *p = page_address(page);

	assert_non_null(page);
	assert_int_equal(PAGE_SIZE << 10, 4u << 20);
	memset(p, 0x5a, 4u << 20);
	assert_int_equal(page_to_phys(pfn_to_page(page_to_pfn(page) + 1023)) - page_to_phys(page),
			 (4u << 20) - PAGE_SIZE);
	__free_pages(page, 10);
	assert_null(alloc_pages(GFP_KERNEL, 11));
	expect_report(MACHINE_WARN, NULL);
	assert_null(alloc_pages(GFP_KERNEL | __GFP_NOWARN, 11));
	expect_no_reports();
	test_shutdown(m, 0);
}

static void a_blocks_first_frame_number_is_a_multiple_of_its_size(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct page *pages[MAX_ORDER][20];
	unsigned int order, i;

	for (i = 0; i < 20; i++) {
		for (order = 0; order < MAX_ORDER; order++) {
			pages[order][i] = alloc_pages(GFP_KERNEL | __GFP_NOWARN, order);
			if (pages[order][i])
				assert_int_equal(page_to_pfn(pages[order][i]) % (1ul << order), 0);
		}
	}
	for (i = 0; i < 20; i++)
		for (order = 0; order < MAX_ORDER; order++)
			if (pages[order][i])
				__free_pages(pages[order][i], order);
	test_shutdown(m, 0);
}

static void a_256_page_request_may_split_a_512_block_and_leave_256(void **state)
{
	struct kmem_arena arena;
	struct machine *m = arena_machine(1, &arena);
	struct page *half = movable(9), *request;

	/* The largest that is free is a block of 512 now. */
	assert_string_equal(free_blocks(&arena), "9:1");
	request = movable(8);
	assert_string_equal(free_blocks(&arena), "8:1");
	/* The lower half was handed out, the upper one is left. */
	assert_int_equal(page_to_pfn(request), arena.base_pfn + 512);
	__free_pages(request, 8);
	__free_pages(half, 9);
	assert_string_equal(free_blocks(&arena), "10:1");
	test_shutdown(m, 0);
}

static void freeing_merges_buddies_and_only_buddies(void **state)
{
	struct kmem_arena arena;
	struct machine *m = arena_machine(1, &arena);
	struct page *q[4];
	unsigned int i;

	for (i = 0; i < 4; i++) {
		q[i] = movable(8);
		assert_int_equal(page_to_pfn(q[i]), arena.base_pfn + 256 * i);
	}
	assert_string_equal(free_blocks(&arena), "");
	/* 1 and 2 lie side by side, but the buddy of 1 is 0 and that of 2 is 3. */
	__free_pages(q[1], 8);
	__free_pages(q[2], 8);
	assert_string_equal(free_blocks(&arena), "8:2");
	__free_pages(q[0], 8);
	assert_string_equal(free_blocks(&arena), "8:1 9:1");
	__free_pages(q[3], 8);
	assert_string_equal(free_blocks(&arena), "10:1");
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(eleven_free_lists_of_blocks_of_1_to_1024_pages),
	cmocka_unit_test(blocks_are_4_MiB_at_most_order_10_succeeds_and_order_11_fails),
	cmocka_unit_test(a_blocks_first_frame_number_is_a_multiple_of_its_size),
	cmocka_unit_test(a_256_page_request_may_split_a_512_block_and_leave_256),
	cmocka_unit_test(freeing_merges_buddies_and_only_buddies),
};
TEST_GROUP(buddy_claims, tests);
