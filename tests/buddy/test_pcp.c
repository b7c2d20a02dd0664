/* SPDX-License-Identifier: MIT */
/* Per-CPU lists: refill, order, flush, drain, and that an idle CPU has none. */
#include "buddy_test.h"

#include "lib/percpu.h"

#define MOVABLE (__GFP_NOWARN | __GFP_HIGHMEM | __GFP_MOVABLE)

static struct buddy_arena arena;

static const struct per_cpu_pages *pcp_of(unsigned int cpu, const struct zone *zone)
{
	return percpu_ptr(arch_cpu_by_id(zone->kernel->arch, cpu), zone->pcp_off);
}

static void test_refill_is_ascending(void **state)
{
	struct machine *m = test_arena(1, &arena);
	const struct per_cpu_pages *pcp = pcp_of(0, arena.zone);
	struct page *page[16];

	(void)state;
	zone_set_pcp_limits(arena.zone, 100, 15);
	for (unsigned int i = 0; i < 15; i++) {
		page[i] = alloc_pages(MOVABLE, 0);
		assert_int_equal(test_pfn(page[i]) - arena.base_pfn, i);
		assert_int_equal(pcp->count, 14 - i);
		assert_int_equal(arena.zone->nr_free, 1024 - 15);
	}
	page[15] = alloc_pages(MOVABLE, 0);
	assert_int_equal(pcp->count, 14);
	assert_int_equal(arena.zone->nr_free, 1024 - 30);
	for (unsigned int i = 0; i < 16; i++)
		__free_pages(page[i], 0);
	test_shutdown(m, 0);
}

static void test_refill_shrinks_with_order(void **state)
{
	static const unsigned int want[] = {15, 7, 3, 2};
	struct machine *m = test_arena(2, &arena);

	(void)state;
	zone_set_pcp_limits(arena.zone, 1000, 15);
	for (unsigned int order = 0; order <= PAGE_ALLOC_COSTLY_ORDER; order++) {
		struct page *page = alloc_pages(MOVABLE, order);

		assert_int_equal(pcp_of(0, arena.zone)->count, (int)((want[order] - 1) << order));
		__free_pages(page, order);
		drain_local_pages();
	}
	test_shutdown(m, 0);
}

static void test_a_batch_of_one_keeps_no_stock(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct page *page;

	(void)state;
	zone_set_pcp_limits(arena.zone, 4, 1);
	page = alloc_pages(MOVABLE, 0);
	assert_int_equal(pcp_of(0, arena.zone)->count, 0);
	__free_pages(page, 0);
	assert_int_equal(pcp_of(0, arena.zone)->count, 1);
	test_shutdown(m, 0);
}

static void test_last_freed_is_first_out(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct page *a = alloc_pages(MOVABLE, 0), *b = alloc_pages(MOVABLE, 0);

	(void)state;
	__free_pages(a, 0);
	__free_pages(b, 0);
	assert_ptr_equal(alloc_pages(MOVABLE, 0), b);
	assert_ptr_equal(alloc_pages(MOVABLE, 0), a);
	__free_pages(a, 0);
	__free_pages(b, 0);
	test_shutdown(m, 0);
}

/* Order 4 and above have no lists. */
static void test_large_orders_go_to_the_zone(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct page *page = alloc_pages(MOVABLE, 4);

	(void)state;
	assert_int_equal(pcp_of(0, arena.zone)->count, 0);
	__free_pages(page, 4);
	assert_int_equal(pcp_of(0, arena.zone)->count, 0);
	assert_int_equal(arena.zone->nr_free, 1024);
	test_shutdown(m, 0);
}

/* From the high mark on each free in a row flushes twice as much. */
static void test_flush_grows(void **state)
{
	struct machine *m = test_arena(1, &arena);
	const struct per_cpu_pages *pcp = pcp_of(0, arena.zone);
	struct page *page[512];
	int flushed[3], n = 0;

	(void)state;
	zone_set_pcp_limits(arena.zone, 100, 8);
	for (unsigned int i = 0; i < 512; i++)
		page[i] = alloc_pages(MOVABLE, 0);
	assert_int_equal(pcp->count, 0);
	for (unsigned int i = 0; i < 512; i++) {
		int before = pcp->count;

		__free_pages(page[i], 0);
		if (pcp->count <= before && n < 3)
			flushed[n++] = before + 1 - pcp->count;
		assert_true(pcp->count < 100);
	}
	assert_int_equal(n, 3);
	assert_int_equal(flushed[0], 8);
	assert_int_equal(flushed[1], 16);
	assert_int_equal(flushed[2], 32);
	assert_true(pcp->free_factor > 0);
	/* An allocation halves it. */
	n = pcp->free_factor;
	page[0] = alloc_pages(MOVABLE, 0);
	assert_int_equal(pcp->free_factor, n / 2);
	__free_pages(page[0], 0);
	check_zones();
	test_shutdown(m, 0);
}

/* A flush leaves a batch, and what would give back all but that is not the beginning of more. */
static void test_flush_leaves_a_batch(void **state)
{
	struct machine *m = test_arena(1, &arena);
	const struct per_cpu_pages *pcp = pcp_of(0, arena.zone);
	struct page *page[72];

	(void)state;
	for (unsigned int i = 0; i < 72; i++)
		page[i] = alloc_pages(MOVABLE, 0);
	drain_local_pages();
	zone_set_pcp_limits(arena.zone, 16, 8);
	for (unsigned int i = 0; i < 24; i++) {
		__free_pages(page[i], 0);
		assert_int_equal(pcp->count, i < 15 ? i + 1 : 8 + (i - 15) % 8);
		assert_int_equal(pcp->free_factor, 0);
	}
	drain_local_pages();
	zone_set_pcp_limits(arena.zone, 24, 8);
	for (unsigned int i = 24; i < 72; i++)
		__free_pages(page[i], 0);
	/* Of 24 first 8 go, then 16 each time. */
	assert_int_equal(pcp->free_factor, 1);
	assert_int_equal(pcp->count, 8);
	/* No room above the batch: nothing is given back. */
	drain_local_pages();
	zone_set_pcp_limits(arena.zone, 8, 8);
	for (unsigned int i = 0; i < 20; i++)
		page[i] = alloc_pages(MOVABLE, 0);
	drain_local_pages();
	for (unsigned int i = 0; i < 20; i++)
		__free_pages(page[i], 0);
	assert_int_equal(pcp->count, 20);
	/* A batch above what the list may hold: one at a time. */
	zone_set_pcp_limits(arena.zone, 8, 9);
	page[0] = alloc_pages(MOVABLE, 0);
	__free_pages(page[0], 0);
	assert_int_equal(pcp->count, 19);
	drain_local_pages();
	check_zones();
	test_shutdown(m, 0);
}

/* While a CPU only frees, a high-order block takes everything with it. */
static void test_high_order_free_flushes_all(void **state)
{
	struct machine *m = test_arena(1, &arena);
	const struct per_cpu_pages *pcp = pcp_of(0, arena.zone);
	struct page *page[64], *two = alloc_pages(MOVABLE, 1);

	(void)state;
	for (unsigned int i = 0; i < 64; i++)
		page[i] = alloc_pages(MOVABLE, 0);
	zone_set_pcp_limits(arena.zone, 32, 4);
	for (unsigned int i = 0; i < 64; i++)
		__free_pages(page[i], 0);
	assert_true(pcp->free_factor > 0);
	assert_true(pcp->count > 0);
	__free_pages(two, 1);
	assert_int_equal(pcp->count, 0);
	assert_int_equal(arena.zone->nr_free, 1024);
	test_shutdown(m, 0);
}

static void test_drain_gives_all_back(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct page *page[100];

	(void)state;
	for (unsigned int i = 0; i < 100; i++)
		page[i] = alloc_pages(MOVABLE, i % 4);
	for (unsigned int i = 0; i < 100; i++)
		__free_pages(page[i], i % 4);
	drain_local_pages();
	assert_int_equal(pcp_of(0, arena.zone)->count, 0);
	assert_int_equal(arena.zone->free_area[TOP_ORDER].nr_free, 1);
	check_zones();
	test_shutdown(m, 0);
}

static void test_drain_all_reaches_other_cpus(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=256M cpus=4 isolate_metadata=1");
	struct zone *zone = test_zone(0, KMEM_ZONE_DMA32);
	unsigned long before = nr_free_pages();

	(void)state;
	for (unsigned int cpu = 0; cpu < 4; cpu++) {
		struct page *page;

		assert_int_equal(cpu_migrate(cpu), 0);
		page = alloc_pages(GFP_KERNEL, 0);
		__free_pages(page, 0);
		assert_true(pcp_of(cpu, zone)->count > 0);
	}
	drain_local_pages();
	assert_int_equal(pcp_of(3, zone)->count, 0);
	assert_true(pcp_of(0, zone)->count > 0);
	drain_all_pages();
	for (unsigned int cpu = 0; cpu < 4; cpu++)
		assert_int_equal(pcp_of(cpu, zone)->count, 0);
	assert_int_equal(nr_free_pages(), before);
	check_zones();
	test_shutdown(m, 0);
}

/* A CPU that served nobody has no lists, and draining does not make any. */
static void test_idle_cpus_cost_nothing(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=256M cpus=8 isolate_metadata=1");
	struct zone *zone = test_zone(0, KMEM_ZONE_DMA32);

	(void)state;
	__free_pages(alloc_pages(GFP_KERNEL, 0), 0);
	drain_all_pages();
	for (unsigned int cpu = 1; cpu < 8; cpu++) {
		assert_null(pcp_of(cpu, zone)->lists[0].next);
		assert_int_equal(pcp_of(cpu, zone)->high, 0);
	}
	test_shutdown(m, 0);
}

static void test_thp_has_order_9_lists(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=1G cpus=1 thp=1 isolate_metadata=1");
	struct zone *zone = test_zone(0, KMEM_ZONE_DMA32);
	struct page *page = alloc_pages(GFP_HIGHUSER_MOVABLE, 9);

	(void)state;
	assert_int_equal(pcp_of(0, zone)->count, 512);
	__free_pages(page, 9);
	assert_int_equal(pcp_of(0, zone)->count, 1024);
	assert_ptr_equal(alloc_pages(GFP_HIGHUSER_MOVABLE, 9), page);
	__free_pages(page, 9);
	drain_local_pages();
	assert_int_equal(pcp_of(0, zone)->count, 0);
	check_zones();
	test_shutdown(m, 0);
}

static void test_bulk(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct page *page[40] = {NULL}, *mine = alloc_pages(MOVABLE, 0);
	unsigned char *byte = page_address(mine);
	unsigned long n;

	(void)state;
	*byte = 7;
	page[0] = mine;
	page[20] = mine;
	n = alloc_pages_bulk_array(MOVABLE | __GFP_ZERO, 40, page);
	assert_int_equal(n, 40);
	assert_ptr_equal(page[0], mine);
	assert_ptr_equal(page[20], mine);
	assert_int_equal(*byte, 7);
	page[20] = NULL;
	for (unsigned int i = 0; i < 40; i++) {
		if (i == 20)
			continue;
		assert_int_equal(page_count(page[i]), 1);
		for (unsigned int j = 0; j < i; j++)
			assert_ptr_not_equal(page[i], page[j]);
		__free_page(page[i]);
	}
	/* Full already, and nothing asked for. */
	memset(page, 1, sizeof(page));
	assert_int_equal(alloc_pages_bulk_array(MOVABLE, 40, page), 40);
	assert_int_equal(alloc_pages_bulk_array(MOVABLE, 0, page), 0);
	drain_local_pages();
	assert_int_equal(arena.zone->nr_free, 1024);
	test_shutdown(m, 0);
}

static void test_bulk_near_the_end(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct page *page[1100] = {NULL};
	unsigned long n = 0, got;

	(void)state;
	do {
		got = alloc_pages_bulk_array(MOVABLE, 1100 - n, page + n);
		n += got;
	} while (got);
	assert_int_equal(n, 1024);
	while (n--)
		__free_page(page[n]);
	drain_local_pages();
	assert_int_equal(arena.zone->free_area[TOP_ORDER].nr_free, 1);
	test_shutdown(m, 0);
}

/* What would go below the low mark with all that is asked for gives one page, the ordinary way. */
static void test_bulk_stops_at_the_mark(void **state)
{
	struct machine *m = test_arena(1, &arena);
	static struct page *page[1000];
	unsigned long n;

	(void)state;
	zone_set_pcp_limits(arena.zone, 100, 15);
	zone_set_limits(arena.zone, 50, 100, 150, 0);
	memset(page, 0, sizeof(page));
	assert_int_equal(alloc_pages_bulk_array(MOVABLE, 924, page), 1);
	__free_page(page[0]);
	drain_local_pages();
	page[0] = NULL;
	n = alloc_pages_bulk_array(MOVABLE, 923, page);
	assert_int_equal(n, 923);
	while (n--)
		__free_page(page[n]);
	drain_local_pages();
	check_zones();
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refill_is_ascending),
		cmocka_unit_test(test_refill_shrinks_with_order),
		cmocka_unit_test(test_a_batch_of_one_keeps_no_stock),
		cmocka_unit_test(test_last_freed_is_first_out),
		cmocka_unit_test(test_large_orders_go_to_the_zone),
		cmocka_unit_test(test_flush_grows),
		cmocka_unit_test(test_flush_leaves_a_batch),
		cmocka_unit_test(test_high_order_free_flushes_all),
		cmocka_unit_test(test_drain_gives_all_back),
		cmocka_unit_test(test_drain_all_reaches_other_cpus),
		cmocka_unit_test(test_idle_cpus_cost_nothing),
		cmocka_unit_test(test_thp_has_order_9_lists),
		cmocka_unit_test(test_bulk),
		cmocka_unit_test(test_bulk_near_the_end),
		cmocka_unit_test(test_bulk_stops_at_the_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
