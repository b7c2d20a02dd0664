/* SPDX-License-Identifier: MIT */
/* The way of a request: zones, nodes, watermarks, flags, the end of memory. */
#include "buddy_test.h"

static struct buddy_arena arena;

static enum kmem_zone_type zone_of(gfp_t gfp)
{
	struct page *page = alloc_pages(gfp, 0);
	enum kmem_zone_type zone;

	assert_non_null(page);
	zone = page_zonenum(page);
	__free_pages(page, 0);
	return zone;
}

static void test_zones_by_flags_64(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=5G");

	(void)state;
	assert_int_equal(zone_of(GFP_KERNEL), KMEM_ZONE_NORMAL);
	assert_int_equal(zone_of(GFP_KERNEL | __GFP_DMA), KMEM_ZONE_DMA);
	assert_int_equal(zone_of(GFP_KERNEL | __GFP_DMA32), KMEM_ZONE_DMA32);
	assert_int_equal(zone_of(GFP_KERNEL | __GFP_DMA32 | __GFP_MOVABLE), KMEM_ZONE_DMA32);
	assert_int_equal(zone_of(GFP_HIGHUSER), KMEM_ZONE_NORMAL);
	assert_int_equal(zone_of(GFP_HIGHUSER_MOVABLE), KMEM_ZONE_NORMAL);
	assert_int_equal(zone_of(GFP_KERNEL | __GFP_MOVABLE), KMEM_ZONE_NORMAL);
	test_shutdown(m, 0);
}

static void test_zones_by_flags_32(void **state)
{
	struct machine *m = test_boot("preset=x86_32 mem=1G");

	(void)state;
	assert_int_equal(zone_of(GFP_KERNEL), KMEM_ZONE_NORMAL);
	assert_int_equal(zone_of(GFP_KERNEL | __GFP_DMA), KMEM_ZONE_DMA);
	assert_int_equal(zone_of(GFP_KERNEL | __GFP_DMA32), KMEM_ZONE_NORMAL);
	assert_int_equal(zone_of(GFP_HIGHUSER), KMEM_ZONE_HIGHMEM);
	assert_int_equal(zone_of(GFP_HIGHUSER_MOVABLE), KMEM_ZONE_HIGHMEM);
	assert_int_equal(zone_of(GFP_KERNEL | __GFP_MOVABLE), KMEM_ZONE_NORMAL);
	test_shutdown(m, 0);
}

/* When its zone is used up a request goes to lower ones, and leaves them their reserve. */
static void test_fallback_to_lower_zones(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M isolate_metadata=1");
	struct zone *dma = test_zone(0, KMEM_ZONE_DMA);
	struct list_head *stack = NULL;
	unsigned long n[KMEM_MAX_NR_ZONES] = {0};
	struct page *page;

	(void)state;
	while ((page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, 0))) {
		page->list.next = stack;
		stack = &page->list;
		n[page_zonenum(page)]++;
	}
	assert_true(n[KMEM_ZONE_DMA32] > n[KMEM_ZONE_DMA]);
	assert_true(n[KMEM_ZONE_DMA] > 0);
	/* Stealing has boosted the mark on the way. */
	assert_true(dma->nr_free >= (long)dma->watermark[WMARK_MIN] + dma->lowmem_reserve[KMEM_ZONE_NORMAL]);
	assert_true(dma->nr_free <= (long)(dma->watermark[WMARK_MIN] + dma->watermark_boost) +
					    dma->lowmem_reserve[KMEM_ZONE_NORMAL]);
	/* Who asks for DMA itself gets into that reserve. */
	page = alloc_pages(GFP_ATOMIC | __GFP_DMA | __GFP_NOWARN, 0);
	assert_non_null(page);
	__free_pages(page, 0);
	while (stack) {
		page = list_entry(stack, struct page, list);
		stack = stack->next;
		__free_pages(page, 0);
	}
	drain_all_pages();
	check_zones();
	test_shutdown(m, 0);
}

static void test_nodes(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=512M nodes=2 cpus=2 isolate_metadata=1");
	struct zone *other = test_zone(1, KMEM_ZONE_DMA32);
	struct page *near, *far, *page[256];
	unsigned int n = 0;

	(void)state;
	near = alloc_pages(GFP_KERNEL, 0);
	far = alloc_pages_node(1, GFP_KERNEL, 0);
	assert_int_equal(page_to_nid(near), 0);
	assert_int_equal(page_to_nid(far), 1);
	__free_pages(near, 0);
	__free_pages(far, 0);
	assert_int_equal(cpu_migrate(1), 0);
	near = alloc_pages(GFP_KERNEL, 5);
	assert_int_equal(page_to_nid(near), 1);
	__free_pages(near, 5);
	/* A node that is used up: __GFP_THISNODE fails, others fall back. */
	while ((page[n] = alloc_pages(GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN, TOP_ORDER)))
		n++;
	assert_int_equal(other->nr_free >> TOP_ORDER, 0);
	far = alloc_pages_node(1, GFP_KERNEL, TOP_ORDER);
	assert_int_equal(page_to_nid(far), 0);
	__free_pages(far, TOP_ORDER);
	while (n--)
		__free_pages(page[n], TOP_ORDER);
	assert_null(alloc_pages_node(2, GFP_KERNEL, 0));
	expect_report(MACHINE_WARN, "no node 2");
	check_zones();
	test_shutdown(m, 0);
}

/* Ordinary requests stop at min + reserve, urgent ones deeper, __GFP_MEMALLOC at nothing. */
static unsigned long left_after(gfp_t gfp)
{
	struct page *page[2048];
	unsigned long n = 0, left;

	while ((page[n] = alloc_pages(gfp | __GFP_NOWARN, 4)))
		n++;
	left = (unsigned long)arena.zone->nr_free;
	while (n--)
		__free_pages(page[n], 4);
	return left;
}

static void test_stop_points(void **state)
{
	struct machine *m = test_arena(2, &arena);

	(void)state;
	zone_set_limits(arena.zone, 320, 400, 480, 64);
	/* Of 16-page blocks the last one must leave more than the mark and 15 pages. */
	assert_int_equal(left_after(GFP_NOWAIT | __GFP_DMA32), 320);
	assert_int_equal(left_after(GFP_NOWAIT), 384);
	assert_int_equal(left_after(GFP_KERNEL), 384);
	assert_int_equal(left_after(GFP_KERNEL | __GFP_HIGH), 160 + 64);
	assert_int_equal(left_after(GFP_ATOMIC | __GFP_NOMEMALLOC), 160 + 64);
	assert_int_equal(left_after(GFP_NOWAIT | __GFP_MEMALLOC), 0);
	assert_int_equal(left_after(GFP_NOWAIT | __GFP_MEMALLOC | __GFP_NOMEMALLOC), 384);
	/* Last, for it leaves a reserve behind: 120 of 320, 64 above, rounded up to blocks. */
	assert_int_equal(left_after(GFP_ATOMIC), 192);
	check_zones();
	test_shutdown(m, 0);
}

/* __GFP_NOFAIL takes what is left of the reserves, and panics when there is nothing. */
static void test_nofail(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct page *page;

	(void)state;
	zone_set_limits(arena.zone, 2000, 2000, 2000, 0);
	assert_null(alloc_pages(GFP_KERNEL | __GFP_NOWARN, TOP_ORDER));
	page = alloc_pages(GFP_KERNEL | __GFP_NOFAIL, TOP_ORDER);
	assert_non_null(page);
	expect_no_reports();
	assert_null(alloc_pages(GFP_KERNEL | __GFP_NOFAIL, 0));
	expect_report(MACHINE_PANIC, "deadlocked on memory");
	assert_null(alloc_pages(GFP_NOWAIT | __GFP_NOFAIL | __GFP_NOWARN, 0));
	expect_report(MACHINE_WARN, "__GFP_NOFAIL without");
	__free_pages(page, TOP_ORDER);
	test_shutdown(m, 0);
}

/* Who may wait gets what other CPUs have set aside; who may not does not. */
static void test_reclaim_drains_all_cpus(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M cpus=2 isolate_metadata=1");
	struct page *page;

	(void)state;
	assert_int_equal(buddy_make_arena(arch_kernel(), 1, KMEM_ZONE_DMA32, MIGRATE_MOVABLE, &arena), 0);
	page = alloc_pages(GFP_NOWAIT, 0);
	__free_pages(page, 0);
	assert_int_equal(cpu_migrate(1), 0);
	assert_null(alloc_pages(GFP_NOWAIT | __GFP_NOWARN, TOP_ORDER));
	page = alloc_pages(GFP_KERNEL, TOP_ORDER);
	assert_non_null(page);
	__free_pages(page, TOP_ORDER);
	test_shutdown(m, 0);
}

/* --- what comes out -------------------------------------------------------------------------- */

static void test_zeroed(void **state)
{
	struct machine *m = test_arena(1, &arena);

	(void)state;
	for (unsigned int order = 0; order < MAX_ORDER; order++) {
		struct page *page = alloc_pages(GFP_KERNEL, order);
		const unsigned char *byte = page_address(page);

		memset(page_address(page), 0xa5, PAGE_SIZE << order);
		__free_pages(page, order);
		page = alloc_pages(GFP_KERNEL | __GFP_ZERO, order);
		assert_ptr_equal(page_address(page), byte);
		for (size_t i = 0; i < PAGE_SIZE << order; i++)
			assert_int_equal(byte[i], 0);
		__free_pages(page, order);
		drain_local_pages();
	}
	test_shutdown(m, 0);
}

static void test_compound(void **state)
{
	struct machine *m = test_arena(2, &arena);

	(void)state;
	for (unsigned int order = 1; order < MAX_ORDER; order++) {
		struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP, order);

		assert_int_equal(compound_order(page), order);
		for (unsigned long i = 0; i < 1ul << order; i++)
			assert_ptr_equal(compound_head(page_step(page, i)), page);
		assert_int_equal(page_count(page_step(page, 1)), 1);
		__free_pages(page, order);
		assert_null(page->head);
		assert_null(page_step(page, 1)->head);
		page = alloc_pages(GFP_KERNEL, order);
		assert_int_equal(compound_order(page), 0);
		assert_ptr_equal(compound_head(page_step(page, 1)), page_step(page, 1));
		__free_pages(page, order);
	}
	check_zones();
	test_shutdown(m, 0);
}

static void test_order_10_succeeds_and_order_11_fails(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct page *page = alloc_pages(GFP_KERNEL, 10);

	(void)state;
	assert_non_null(page);
	__free_pages(page, 10);
	assert_null(alloc_pages(GFP_KERNEL, 11));
	expect_report(MACHINE_WARN, "order 11");
	assert_null(alloc_pages(GFP_KERNEL | __GFP_NOWARN, 11));
	assert_null(alloc_pages(GFP_KERNEL | __GFP_NOWARN, ~0u));
	expect_no_reports();
	test_shutdown(m, 0);
}

static void test_flags_that_make_no_sense(void **state)
{
	struct machine *m = test_arena(1, &arena);

	(void)state;
	assert_null(alloc_pages(GFP_KERNEL | __GFP_DMA | __GFP_HIGHMEM, 0));
	expect_report(MACHINE_WARN, "exclude each other");
	assert_null(alloc_pages(GFP_KERNEL | __GFP_MOVABLE | __GFP_RECLAIMABLE, 0));
	expect_report(MACHINE_WARN, "exclude each other");
	assert_int_equal(__get_free_pages(GFP_HIGHUSER, 0), 0);
	expect_report(MACHINE_WARN, "HIGHMEM");
	test_shutdown(m, 0);
}

static void test_exact(void **state)
{
	struct machine *m = test_arena(1, &arena);
	char *p = alloc_pages_exact(5 * PAGE_SIZE + 1, GFP_KERNEL);
	struct page *page = virt_to_page(p);

	(void)state;
	drain_local_pages();
	assert_int_equal(arena.zone->nr_free, 1024 - 6);
	for (unsigned int i = 0; i < 6; i++) {
		assert_int_equal(page_count(page_step(page, i)), 1);
		memset(p + i * PAGE_SIZE, (int)i, PAGE_SIZE);
	}
	free_pages_exact(p, 5 * PAGE_SIZE + 1);
	drain_local_pages();
	assert_int_equal(arena.zone->nr_free, 1024);
	p = alloc_pages_exact(4 * PAGE_SIZE, GFP_KERNEL);
	free_pages_exact(p, 4 * PAGE_SIZE);
	assert_null(alloc_pages_exact(0, GFP_KERNEL));
	assert_null(alloc_pages_exact(SIZE_MAX / 2 + 1, GFP_KERNEL | __GFP_NOWARN));
	drain_local_pages();
	check_zones();
	test_shutdown(m, 0);
}

/* --- when there is nothing left -------------------------------------------------------------- */

struct log {
	char text[8192];
	size_t len;
};

static void collect_log(struct machine *m, int level, const char *line, void *arg)
{
	struct log *log = arg;

	(void)m;
	(void)level;
	log->len += (size_t)snprintf(log->text + log->len, sizeof(log->text) - log->len, "%s\n", line);
	assert_true(log->len < sizeof(log->text));
}

static void test_failure_report(void **state)
{
	struct machine *m = test_arena(1, &arena);
	struct log log = {"", 0};
	struct kmem_stats st;
	struct page *page;

	(void)state;
	machine_set_log_sink(m, collect_log, &log);
	page = alloc_pages(GFP_NOWAIT, 9);
	assert_null(alloc_pages(GFP_NOWAIT | __GFP_NOWARN, 10));
	assert_string_equal(log.text, "");
	assert_null(alloc_pages(GFP_NOWAIT, 10));
	assert_non_null(strstr(log.text, "page allocation failure: order:10, mode:0x800(GFP_NOWAIT), "
					 "nodemask=(null)\nCPU: 0 PID: "));
	assert_non_null(strstr(log.text, "Mem-Info:\n free:512 free_pcp:0 free_cma:0\n"));
	assert_non_null(strstr(log.text, "Node 0 DMA32 free:2048kB boost:0kB min:0kB"));
	assert_non_null(strstr(log.text, "lowmem_reserve[]: 0 0 0 0\n"));
	assert_non_null(strstr(log.text, "Node 0 DMA32: 0*4kB 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB "
					 "0*256kB 0*512kB 0*1024kB 1*2048kB (U) 0*4096kB = 2048kB\n"));
	assert_int_equal(kmem_get_stats(&st), 0);
	assert_int_equal(st.page_failures, 2);
	__free_pages(page, 9);
	test_shutdown(m, 0);
}

static void test_gfp_names(void **state)
{
	static const struct {
		gfp_t gfp;
		const char *name;
	} names[] = {
		{0, "none"},
		{GFP_KERNEL, "GFP_KERNEL"},
		{GFP_KERNEL | __GFP_ZERO, "GFP_KERNEL|__GFP_ZERO"},
		{GFP_ATOMIC | __GFP_NOWARN, "GFP_ATOMIC|__GFP_NOWARN"},
		{GFP_NOWAIT, "GFP_NOWAIT"},
		{GFP_HIGHUSER_MOVABLE, "GFP_HIGHUSER_MOVABLE"},
		{GFP_KERNEL | __GFP_DMA, "GFP_KERNEL|GFP_DMA"},
		{GFP_KERNEL | 0x80000000u, "GFP_KERNEL|0x80000000"},
	};
	char buf[GFP_NAME_MAX];

	(void)state;
	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		buddy_gfp_name(names[i].gfp, buf, sizeof(buf));
		assert_string_equal(buf, names[i].name);
	}
	buddy_gfp_name(~(gfp_t)0, buf, sizeof(buf));
	assert_true(strlen(buf) < sizeof(buf) - 1);
}

static void test_counters_by_order(void **state)
{
	struct machine *m = test_arena(4, &arena);
	struct kmem_stats before, after;
	unsigned int order;

	(void)state;
	assert_int_equal(kmem_get_stats(&before), 0);
	for (order = 0; order < MAX_ORDER; order++)
		for (unsigned int i = 0; i <= order; i++)
			__free_pages(alloc_pages(GFP_KERNEL, order), order);
	assert_int_equal(kmem_get_stats(&after), 0);
	for (order = 0; order < MAX_ORDER; order++) {
		assert_int_equal(after.page_allocs[order] - before.page_allocs[order], order + 1);
		assert_int_equal(after.page_frees[order] - before.page_frees[order], order + 1);
	}
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		wide_unit_test(test_zones_by_flags_64),
		cmocka_unit_test(test_zones_by_flags_32),
		cmocka_unit_test(test_fallback_to_lower_zones),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_stop_points),
		cmocka_unit_test(test_nofail),
		cmocka_unit_test(test_reclaim_drains_all_cpus),
		cmocka_unit_test(test_zeroed),
		cmocka_unit_test(test_compound),
		cmocka_unit_test(test_order_10_succeeds_and_order_11_fails),
		cmocka_unit_test(test_flags_that_make_no_sense),
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_failure_report),
		cmocka_unit_test(test_gfp_names),
		cmocka_unit_test(test_counters_by_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
