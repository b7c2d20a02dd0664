/* SPDX-License-Identifier: MIT */
/* A zone's figures and lists, and a page allocator of known content. */
#include "conformance.h"

#include <errno.h>
#include <limits.h>

static struct kmem_arena make_arena(unsigned int blocks)
{
	struct kmem_arena a;

	assert_int_equal(kmem_make_arena(blocks, KMEM_ZONE_DMA32, 1, &a), 0);
	return a;
}

static const char *lists(const struct kmem_arena *a)
{
	static char text[4096];
	long len = kmem_zone_print_lists(a->nid, a->zone, a->base_pfn, text, sizeof(text));

	assert_in_range(len, 1, sizeof(text) - 1);
	return text;
}

static struct kmem_zone_stats stats(const struct kmem_arena *a)
{
	struct kmem_zone_stats st;

	assert_int_equal(kmem_get_zone_stats(a->nid, a->zone, &st), 0);
	return st;
}

static void an_arena_is_all_there_is(void **state)
{
	struct machine *m = test_boot(ISOLATED);
	struct kmem_arena a = make_arena(2);
	struct page *one, *two;

	assert_int_equal(a.nid, 0);
	assert_int_equal(a.zone, KMEM_ZONE_DMA32);
	assert_int_equal(a.pageblock_order, 9);
	assert_int_equal(a.base_pfn % 1024, 0);
	assert_int_equal(a.pages, 2048);
	assert_int_equal(nr_free_pages(), 2048);
	assert_non_null(strstr(lists(&a), "free=2048\n  order10 n=2 M=[1024 0]\n  pcp count=0 "));
	one = alloc_pages(GFP_HIGHUSER_MOVABLE, 10);
	two = alloc_pages(GFP_HIGHUSER_MOVABLE, 10);
	assert_int_equal(page_to_pfn(one), a.base_pfn + 1024);
	assert_int_equal(page_to_pfn(two), a.base_pfn);
	assert_null(alloc_pages(GFP_KERNEL | __GFP_NOWARN, 0));
	assert_null(alloc_pages(GFP_DMA | __GFP_NOWARN, 0));
	assert_int_equal(stats(&a).free, 0);
	__free_pages(one, 10);
	__free_pages(two, 10);
	assert_int_equal(stats(&a).free, 2048);
	expect_no_reports();
	test_shutdown(m, 0);
}

static void lists_are_printed_head_first(void **state)
{
	struct machine *m = test_boot(ISOLATED);
	struct kmem_arena a = make_arena(2);
	struct page *page;
	char part[16];
	long len;

	assert_int_equal(kmem_zone_set_pcp(a.nid, a.zone, 100, 4), 0);
	page = alloc_pages(GFP_HIGHUSER_MOVABLE, 0);
	assert_string_equal(lists(&a),
		"buddy zone=DMA32 free=2044\n"
		"  order2 n=1 M=[1028]\n"
		"  order3 n=1 M=[1032]\n"
		"  order4 n=1 M=[1040]\n"
		"  order5 n=1 M=[1056]\n"
		"  order6 n=1 M=[1088]\n"
		"  order7 n=1 M=[1152]\n"
		"  order8 n=1 M=[1280]\n"
		"  order9 n=1 M=[1536]\n"
		"  order10 n=1 M=[0]\n"
		"  pcp count=3 high=100 batch=4 free_factor=0 list1=[1025 1026 1027]\n");
	assert_int_equal(stats(&a).free, 2044);
	assert_int_equal(stats(&a).pcp, 3);
	len = kmem_zone_print_lists(a.nid, a.zone, a.base_pfn, NULL, 0);
	assert_int_equal(len, strlen(lists(&a)));
	assert_int_equal(kmem_zone_print_lists(a.nid, a.zone, a.base_pfn, part, sizeof(part)), len);
	assert_string_equal(part, "buddy zone=DMA3");
	__free_pages(page, 0);
	test_shutdown(m, 0);
}

static void requests_stop_at_the_marks(void **state)
{
	static struct page *pages[2048];
	struct machine *m = test_boot(ISOLATED);
	struct kmem_arena a = make_arena(2);
	struct kmem_zone_stats st;
	int n = 0;

	assert_int_equal(kmem_zone_set_pcp(a.nid, a.zone, 100, 1), 0);
	assert_int_equal(kmem_zone_set_watermarks(a.nid, a.zone, 147, 183, 219, 30), 0);
	while ((pages[n] = alloc_pages(__GFP_MOVABLE | __GFP_DMA32 | __GFP_NOWARN, 0)))
		n++;
	st = stats(&a);
	assert_int_equal(st.min, 147);
	assert_int_equal(st.low, 183);
	assert_int_equal(st.high, 219);
	assert_int_equal(st.boost, 0);
	assert_int_equal(st.highatomic, 0);
	assert_int_equal(st.free, 147);
	assert_int_equal(n, 2048 - 147);
	while (n)
		__free_pages(pages[--n], 0);
	drain_local_pages();
	while ((pages[n] = alloc_pages(__GFP_MOVABLE | __GFP_HIGHMEM | __GFP_NOWARN, 0)))
		n++;
	/* It could use higher zones, so it is kept out of the reserve as well. */
	assert_int_equal(stats(&a).free, 147 + 30);
	while (n)
		__free_pages(pages[--n], 0);
	test_shutdown(m, 0);
}

/* A refused arena leaves the machine as it was. */
static void too_large_an_arena_is_refused(void **state)
{
	struct machine *m = test_boot(ISOLATED);
	struct kmem_arena a = {.pages = 77};
	unsigned long before = nr_free_pages();

	assert_int_equal(kmem_make_arena(1000, KMEM_ZONE_DMA32, 1, &a), -ENOMEM);
	assert_int_equal(kmem_make_arena(UINT_MAX, KMEM_ZONE_DMA32, 1, &a), -ENOMEM);
	assert_int_equal(nr_free_pages(), before);
	assert_int_equal(a.pages, 77);
	test_shutdown(m, 0);
}

static void zones_that_are_none_are_refused(void **state)
{
	static const struct {
		int nid;
		enum kmem_zone_type zone;
	} none[] = {
		{-1, KMEM_ZONE_DMA32}, {1, KMEM_ZONE_DMA32}, {INT_MAX, KMEM_ZONE_DMA32},
		{0, KMEM_ZONE_NORMAL}, {0, KMEM_ZONE_HIGHMEM}, {0, KMEM_MAX_NR_ZONES},
	};
	struct machine *m = test_boot(ISOLATED);
	struct kmem_zone_stats st;
	struct kmem_arena a;

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		int nid = none[i].nid;
		enum kmem_zone_type zone = none[i].zone;

		assert_int_equal(kmem_get_zone_stats(nid, zone, &st), -EINVAL);
		assert_int_equal(kmem_zone_print_lists(nid, zone, 0, NULL, 0), -EINVAL);
		assert_int_equal(kmem_zone_set_pcp(nid, zone, 100, 1), -EINVAL);
		assert_int_equal(kmem_zone_set_watermarks(nid, zone, 1, 2, 3, 4), -EINVAL);
		if (!nid)
			assert_int_equal(kmem_make_arena(1, zone, 1, &a), -EINVAL);
	}
	test_shutdown(m, 0);
}

static void figures_that_are_none_are_refused(void **state)
{
	struct machine *m = test_boot(ISOLATED);
	struct kmem_arena a;
	struct kmem_zone_stats before, after;

	assert_int_equal(kmem_make_arena(0, KMEM_ZONE_DMA32, 1, &a), -EINVAL);
	assert_int_equal(kmem_make_arena(1, KMEM_ZONE_DMA32, 4, &a), -EINVAL);
	a = make_arena(1);
	assert_int_equal(kmem_zone_set_pcp(a.nid, a.zone, 0, 1), -EINVAL);
	assert_int_equal(kmem_zone_set_pcp(a.nid, a.zone, 10, 0), -EINVAL);
	assert_int_equal(kmem_zone_set_pcp(a.nid, a.zone, -1, 1), -EINVAL);
	before = stats(&a);
	assert_int_equal(kmem_zone_set_watermarks(a.nid, a.zone, ULONG_MAX, 2, 3, 4), -EINVAL);
	assert_int_equal(kmem_zone_set_watermarks(a.nid, a.zone, 1, 2, 3, LONG_MAX), -EINVAL);
	after = stats(&a);
	assert_memory_equal(&before, &after, sizeof(before));
	test_shutdown(m, 0);
}

static void without_a_machine(void **state)
{
	struct kmem_zone_stats st;
	struct kmem_arena a;

	test_catch_all();
	assert_null(machine_current());
	assert_int_equal(kmem_get_zone_stats(0, KMEM_ZONE_DMA32, &st), -ENODEV);
	assert_int_equal(kmem_zone_print_lists(0, KMEM_ZONE_DMA32, 0, NULL, 0), -ENODEV);
	assert_int_equal(kmem_make_arena(1, KMEM_ZONE_DMA32, 1, &a), -ENODEV);
	assert_int_equal(kmem_zone_set_pcp(0, KMEM_ZONE_DMA32, 1, 1), -ENODEV);
	assert_int_equal(kmem_zone_set_watermarks(0, KMEM_ZONE_DMA32, 1, 2, 3, 4), -ENODEV);
	expect_reports(5, MACHINE_WARN, "no machine entered");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(an_arena_is_all_there_is),
	cmocka_unit_test(lists_are_printed_head_first),
	cmocka_unit_test(requests_stop_at_the_marks),
	cmocka_unit_test(too_large_an_arena_is_refused),
	cmocka_unit_test(zones_that_are_none_are_refused),
	cmocka_unit_test(figures_that_are_none_are_refused),
	cmocka_unit_test(without_a_machine),
};
TEST_GROUP(arena, tests);
