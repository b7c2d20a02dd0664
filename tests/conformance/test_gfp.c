/* SPDX-License-Identifier: MIT */
/* What each GFP word permits, one test a word. The memory is an arena, so that all figures are known. */
#include "conformance.h"

#define MIN 320u
#define LOW 400u
#define HIGH 480u

struct block {
	struct page *page;
	unsigned int order;
};

static struct block held[4096];
static unsigned int nr_held;
static struct kmem_arena arena;

static struct machine *boot_arena(unsigned int blocks)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M cpus=1 isolate_metadata=1");

	assert_int_equal(kmem_make_arena(blocks, KMEM_ZONE_DMA32, 1, &arena), 0);
	assert_int_equal(kmem_zone_set_watermarks(0, KMEM_ZONE_DMA32, MIN, LOW, HIGH, 0), 0);
	nr_held = 0;
	return m;
}

static bool take(gfp_t gfp, unsigned int order)
{
	struct page *page = alloc_pages(gfp | __GFP_NOWARN, order);

	if (!page)
		return false;
	assert_true(nr_held < 4096);
	held[nr_held++] = (struct block){page, order};
	return true;
}

static void give_back(void)
{
	while (nr_held) {
		nr_held--;
		__free_pages(held[nr_held].page, held[nr_held].order);
	}
	drain_all_pages();
}

static unsigned long nr_free(void)
{
	struct kmem_zone_stats st;

	assert_int_equal(kmem_get_zone_stats(0, KMEM_ZONE_DMA32, &st), 0);
	return st.free;
}

/* Pages that requests of @gfp, in blocks of 16, leave behind. */
static unsigned long left_by(gfp_t gfp)
{
	unsigned long left;

	while (take(gfp, 4))
		;
	left = nr_free();
	give_back();
	return left;
}

/* A shrinker that only notes what it is told. */
static gfp_t told;
static unsigned int nr_told;

static unsigned long count_one(struct shrinker *s, struct shrink_control *sc)
{
	return 1;
}

static unsigned long note(struct shrinker *s, struct shrink_control *sc)
{
	told = sc->gfp_mask & ~__GFP_NOWARN;
	nr_told++;
	return SHRINK_STOP;
}

static struct shrinker listener;

static void listen_begin(void)
{
	listener = (struct shrinker){.count_objects = count_one, .scan_objects = note, .seeks = 1};
	assert_int_equal(register_shrinker(&listener, "listener"), 0);
	nr_told = 0;
	told = 0;
}

static void listen_end(void)
{
	unregister_shrinker(&listener);
}

static void gfp_kernel_may_wait_reclaim_and_stops_at_min(void **state)
{
	struct machine *m = boot_arena(2);

	listen_begin();
	assert_int_equal(left_by(GFP_KERNEL), MIN);
	assert_true(nr_told > 0);
	assert_int_equal(told, GFP_KERNEL);
	assert_int_equal(vmstat_value("allocstall_normal"), 1);
	listen_end();
	test_shutdown(m, 0);
}

static void gfp_atomic_never_waits_and_uses_the_reserve(void **state)
{
	struct machine *m = boot_arena(2);
	unsigned int n = 0;

	listen_begin();
	/* Whatever the context: nothing is reported, nobody is asked. */
	irq_enter();
	while (take(GFP_ATOMIC, 0))
		n++;
	irq_exit();
	expect_no_reports();
	assert_int_equal(nr_told, 0);
	/* Three eighths of min, but for what a refill takes at once. */
	assert_true(nr_free() <= MIN * 3 / 8);
	assert_true(nr_free() > MIN * 3 / 8 - 64);
	assert_null(alloc_page(GFP_KERNEL | __GFP_NOWARN));
	give_back();
	listen_end();
	test_shutdown(m, 0);
}

static void gfp_nowait_never_waits_and_has_no_reserve(void **state)
{
	struct machine *m = boot_arena(2);

	listen_begin();
	preempt_disable();
	assert_int_equal(left_by(GFP_NOWAIT), MIN);
	preempt_enable();
	assert_int_equal(nr_told, 0);
	listen_end();
	test_shutdown(m, 0);
}

/* For a user's page all that GFP_KERNEL may do, bound to the CPU set. */
static void gfp_user_is_as_gfp_kernel(void **state)
{
	struct machine *m = boot_arena(2);

	assert_int_equal(GFP_USER, GFP_KERNEL | __GFP_HARDWALL);
	listen_begin();
	assert_int_equal(left_by(GFP_USER), MIN);
	assert_int_equal(told, GFP_USER);
	listen_end();
	test_shutdown(m, 0);
}

static void gfp_highuser_takes_highmem_first(void **state)
{
	struct machine *m = test_boot("preset=x86_32 mem=1G");
	struct page *page = alloc_page(GFP_HIGHUSER);

	assert_non_null(page);
	assert_int_equal(page_zonenum(page), KMEM_ZONE_HIGHMEM);
	assert_null(page_address(page));
	__free_page(page);
	page = alloc_page(GFP_USER);
	assert_int_equal(page_zonenum(page), KMEM_ZONE_NORMAL);
	assert_non_null(page_address(page));
	__free_page(page);
	test_shutdown(m, 0);
}

static void gfp_highmem_falls_back_on_lowmem(void **state)
{
	struct machine *m = test_boot("preset=x86_32 mem=1G");
	unsigned int zones = 0;

	nr_held = 0;
	while (take((GFP_HIGHUSER & ~__GFP_RECLAIM) | __GFP_HIGHMEM, 10))
		zones |= 1u << page_zonenum(held[nr_held - 1].page);
	assert_true(zones & 1u << KMEM_ZONE_NORMAL);
	assert_true(zones & 1u << KMEM_ZONE_HIGHMEM);
	assert_int_equal(page_zonenum(held[0].page), KMEM_ZONE_HIGHMEM);
	give_back();
	/* Who wants an address wants lowmem. */
	assert_int_equal(__get_free_page(GFP_HIGHUSER), 0);
	expect_report(MACHINE_WARN, "HIGHMEM");
	test_shutdown(m, 0);
}

static void gfp_dma_lies_below_16_mib(void **state)
{
	static const char *const machines[] = {"preset=x86_64 mem=64M", "preset=x86_32 mem=64M"};

	for (unsigned int i = 0; i < 2; i++) {
		struct machine *m = test_boot(machines[i]);

		nr_held = 0;
		while (take(__GFP_DMA, 4))
			assert_true(page_to_phys(held[nr_held - 1].page) + 16 * PAGE_SIZE <= 16ul << 20);
		assert_true(nr_held > 0);
		/* Others still get memory. */
		assert_true(take(GFP_KERNEL, 4));
		give_back();
		test_shutdown(m, 0);
	}
}

static void gfp_nofs_tells_shrinkers_to_keep_out_of_file_systems(void **state)
{
	struct machine *m = boot_arena(2);

	listen_begin();
	assert_int_equal(left_by(GFP_NOFS), MIN);
	assert_int_equal(told, __GFP_RECLAIM | __GFP_IO);
	listen_end();
	test_shutdown(m, 0);
}

static void gfp_noio_tells_shrinkers_to_start_no_io(void **state)
{
	struct machine *m = boot_arena(2);

	listen_begin();
	assert_int_equal(left_by(GFP_NOIO), MIN);
	assert_int_equal(told, __GFP_RECLAIM);
	listen_end();
	test_shutdown(m, 0);
}

static void gfp_high_uses_half_of_min(void **state)
{
	struct machine *m = boot_arena(2);

	assert_int_equal(left_by(GFP_KERNEL | __GFP_HIGH), MIN / 2);
	test_shutdown(m, 0);
}

static void gfp_memalloc_uses_everything_and_nomemalloc_nothing(void **state)
{
	struct machine *m = boot_arena(2);

	assert_int_equal(left_by(GFP_KERNEL | __GFP_MEMALLOC), 0);
	assert_int_equal(left_by(GFP_KERNEL | __GFP_MEMALLOC | __GFP_NOMEMALLOC), MIN);
	/* It takes ATOMIC's right to go deeper for not waiting, not that of its priority. */
	assert_int_equal(left_by(GFP_ATOMIC | __GFP_NOMEMALLOC), MIN / 2);
	test_shutdown(m, 0);
}

/* Accepted; hot and cold pages are one list since Linux 4.15. */
static void gfp_cold_is_accepted_and_changes_nothing(void **state)
{
	unsigned long pfn[2][50];

	for (int cold = 0; cold < 2; cold++) {
		struct machine *m = boot_arena(2);

		for (unsigned int i = 0; i < 50; i++) {
			assert_true(take(GFP_KERNEL | (cold ? __GFP_COLD : 0), 0));
			pfn[cold][i] = page_to_pfn(held[i].page);
		}
		give_back();
		test_shutdown(m, 0);
	}
	assert_memory_equal(pfn[0], pfn[1], sizeof(pfn[0]));
}

static void gfp_nowarn_silences_the_failure_report(void **state)
{
	struct machine *m = boot_arena(1);
	unsigned int before;

	while (take(GFP_NOWAIT, 0))
		;
	before = test_state.nr_log;
	assert_null(alloc_page(GFP_KERNEL | __GFP_NOWARN));
	assert_int_equal(test_state.nr_log, before);
	assert_null(alloc_page(GFP_KERNEL));
	assert_true(test_state.nr_log > before);
	give_back();
	test_shutdown(m, 0);
}

static void gfp_retry_mayfail_tries_sixteen_times(void **state)
{
	struct machine *m = boot_arena(1);

	assert_true(take(GFP_NOWAIT, 9));
	assert_null(alloc_pages(GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN, 10));
	assert_int_equal(vmstat_value("allocstall_normal"), 16);
	give_back();
	test_shutdown(m, 0);
}

static void gfp_noretry_tries_once_and_leaves_the_highatomic_reserve(void **state)
{
	struct machine *m = boot_arena(2);
	struct page *highatomic = NULL;
	struct kmem_zone_stats st;

	/* Atomic requests of order 3 under pressure keep a pageblock for their like. */
	while (take(GFP_NOWAIT, 3))
		;
	while (take(GFP_ATOMIC, 3))
		highatomic = held[nr_held - 1].page;
	give_back();
	assert_int_equal(kmem_get_zone_stats(0, KMEM_ZONE_DMA32, &st), 0);
	assert_true(st.highatomic > 0);
	assert_int_equal(get_pageblock_migratetype(highatomic), 3);
	/* All else away, so that only the reserve is left. */
	while (take(GFP_NOWAIT, 3))
		;
	assert_int_equal(kmem_zone_set_watermarks(0, KMEM_ZONE_DMA32, 0, 0, 0, 0), 0);
	while (take(__GFP_KSWAPD_RECLAIM | __GFP_NOMEMALLOC, 3))
		;
	assert_null(alloc_pages(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN, 3));
	assert_int_equal(vmstat_value("allocstall_normal"), 1);
	assert_int_equal(kmem_get_zone_stats(0, KMEM_ZONE_DMA32, &st), 0);
	assert_true(st.highatomic > 0);
	/* Who is tried hard for gets it. */
	assert_true(take(GFP_KERNEL, 3));
	assert_int_equal(kmem_get_zone_stats(0, KMEM_ZONE_DMA32, &st), 0);
	assert_int_equal(st.highatomic, 0);
	give_back();
	test_shutdown(m, 0);
}

static void gfp_nofail_takes_the_last_page(void **state)
{
	struct machine *m = boot_arena(1);
	unsigned int n = 0;

	while (take(GFP_KERNEL, 0))
		n++;
	while (nr_free())
		assert_true(take(GFP_KERNEL | __GFP_NOFAIL, 0)), n++;
	expect_no_reports();
	assert_true(n > arena.pages - 64);
	/* Where it may not wait it makes no sense. */
	while (take(GFP_NOWAIT | __GFP_MEMALLOC, 0))
		;
	assert_null(alloc_page(GFP_NOWAIT | __GFP_NOFAIL | __GFP_NOWARN));
	expect_report(MACHINE_WARN, "__GFP_NOFAIL without __GFP_DIRECT_RECLAIM");
	give_back();
	test_shutdown(m, 0);
}

/* Below min there is a pool that only requests which may not wait get at; freeing fills it again. */
static void a_reserved_page_pool_serves_requests_that_may_not_wait(void **state)
{
	struct machine *m = boot_arena(2);
	unsigned int ordinary, urgent;

	while (take(GFP_KERNEL, 0))
		;
	ordinary = nr_held;
	irq_enter();
	while (take(GFP_ATOMIC, 0))
		;
	irq_exit();
	urgent = nr_held - ordinary;
	assert_true(urgent > MIN / 2);
	assert_null(alloc_page(GFP_KERNEL | __GFP_NOWARN));
	give_back();
	while (take(GFP_KERNEL, 0))
		;
	assert_int_equal(nr_held, ordinary);
	give_back();
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(gfp_kernel_may_wait_reclaim_and_stops_at_min),
	cmocka_unit_test(gfp_atomic_never_waits_and_uses_the_reserve),
	cmocka_unit_test(gfp_nowait_never_waits_and_has_no_reserve),
	cmocka_unit_test(gfp_user_is_as_gfp_kernel),
	cmocka_unit_test(gfp_highuser_takes_highmem_first),
	cmocka_unit_test(gfp_highmem_falls_back_on_lowmem),
	cmocka_unit_test(gfp_dma_lies_below_16_mib),
	cmocka_unit_test(gfp_nofs_tells_shrinkers_to_keep_out_of_file_systems),
	cmocka_unit_test(gfp_noio_tells_shrinkers_to_start_no_io),
	cmocka_unit_test(gfp_high_uses_half_of_min),
	cmocka_unit_test(gfp_memalloc_uses_everything_and_nomemalloc_nothing),
	cmocka_unit_test(gfp_cold_is_accepted_and_changes_nothing),
	cmocka_unit_test(gfp_nowarn_silences_the_failure_report),
	cmocka_unit_test(gfp_retry_mayfail_tries_sixteen_times),
	cmocka_unit_test(gfp_noretry_tries_once_and_leaves_the_highatomic_reserve),
	cmocka_unit_test(gfp_nofail_takes_the_last_page),
	cmocka_unit_test(a_reserved_page_pool_serves_requests_that_may_not_wait),
};

TEST_GROUP(gfp, tests);
