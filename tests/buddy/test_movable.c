/* SPDX-License-Identifier: MIT */
/* Nodes and zones by the command line: kernelcore=, movablecore=, numa=fake=; x86_32. */
#include "buddy_test.h"

#include <errno.h>

#define MIB_PAGES 256ul

static void expect_zone(int nid, enum kmem_zone_type type, uint64_t start, uint64_t spanned,
			uint64_t present)
{
	const struct zone *zone = test_zone(nid, type);

	if (zone->start_pfn == start && zone->spanned == spanned && zone->present == present)
		return;
	fail_msg("node %d zone %s: starts at %llu, spans %llu, has %llu", nid, zone->name,
		 (unsigned long long)zone->start_pfn, (unsigned long long)zone->spanned,
		 (unsigned long long)zone->present);
}

/* Frames are MiB * 256. All machines here: ram= with nothing reserved. */
#define EXPECT_MIB(nid, type, start, end) \
	expect_zone(nid, type, (start) * MIB_PAGES, ((end) - (start)) * MIB_PAGES, \
		    ((end) - (start)) * MIB_PAGES)

static struct machine *boot(const char *words, const char *cmdline)
{
	char text[512];

	snprintf(text, sizeof(text), "preset=x86_64 %s reserved=0-4K cmdline=\"%s\"", words, cmdline);
	return test_boot(text);
}

static void check_and_shut_down(struct machine *m)
{
	check_zones();
	test_shutdown(m, 0);
}

static void test_kernelcore_leaves_the_rest_to_movable(void **state)
{
	struct machine *m = boot("ram=0-6G", "kernelcore=5G");

	(void)state;
	EXPECT_MIB(0, KMEM_ZONE_DMA32, 16, 4096);
	EXPECT_MIB(0, KMEM_ZONE_NORMAL, 4096, 5120);
	EXPECT_MIB(0, KMEM_ZONE_MOVABLE, 5120, 6144);
	assert_int_equal(test_zone(0, KMEM_ZONE_MOVABLE)->managed, 1024 * MIB_PAGES);
	assert_int_equal(page_zonenum(pfn_to_page(5120 * MIB_PAGES)), KMEM_ZONE_MOVABLE);
	assert_int_equal(page_zonenum(pfn_to_page(5120 * MIB_PAGES - 1)), KMEM_ZONE_NORMAL);
	check_and_shut_down(m);
}

static void test_movablecore_is_rounded_up(void **state)
{
	struct machine *m = boot("ram=0-6G", "movablecore=1022M");

	(void)state;
	EXPECT_MIB(0, KMEM_ZONE_MOVABLE, 5120, 6144);
	check_and_shut_down(m);
	m = boot("ram=0-6G", "movablecore=1021M kernelcore=5121M");
	/* What leaves the kernel more counts, and borders are multiples of 4 MiB. */
	EXPECT_MIB(0, KMEM_ZONE_MOVABLE, 5124, 6144);
	check_and_shut_down(m);
}

static void test_percent(void **state)
{
	struct machine *m = boot("ram=0-8G", "kernelcore=75%");

	(void)state;
	EXPECT_MIB(0, KMEM_ZONE_MOVABLE, 6144, 8192);
	check_and_shut_down(m);
	m = boot("ram=0-8G", "movablecore=25%");
	EXPECT_MIB(0, KMEM_ZONE_MOVABLE, 6144, 8192);
	check_and_shut_down(m);
	m = boot("ram=0-8G", "kernelcore=100%");
	expect_zone(0, KMEM_ZONE_MOVABLE, 0, 0, 0);
	check_and_shut_down(m);
}

/* Low memory is the kernel's, however little kernelcore= asks for. */
static void test_movable_is_cut_from_the_highest_zone(void **state)
{
	struct machine *m = boot("ram=0-6G", "kernelcore=1G");

	(void)state;
	EXPECT_MIB(0, KMEM_ZONE_DMA32, 16, 4096);
	expect_zone(0, KMEM_ZONE_NORMAL, 0, 0, 0);
	EXPECT_MIB(0, KMEM_ZONE_MOVABLE, 4096, 6144);
	check_and_shut_down(m);
	/* Here that is DMA32. */
	m = boot("ram=0-1G", "movablecore=256M");
	EXPECT_MIB(0, KMEM_ZONE_DMA32, 16, 768);
	EXPECT_MIB(0, KMEM_ZONE_MOVABLE, 768, 1024);
	check_and_shut_down(m);
}

/* "The requested amount is spread evenly throughout all nodes"; one that is too small for its share has
 * no Movable, and the others give more to the kernel. */
static void test_kernelcore_over_nodes(void **state)
{
	struct machine *m = boot("ram=0-4G@0,4G-8G@1,8G-12G@2 nodes=3", "kernelcore=9G");

	(void)state;
	/* Node 0 has nothing above 4 GiB, so nothing movable; all its 4 GiB count as given. */
	expect_zone(0, KMEM_ZONE_MOVABLE, 0, 0, 0);
	EXPECT_MIB(0, KMEM_ZONE_DMA32, 16, 4096);
	/* First round: node 1 gives its 3 GiB; 2 are left, node 2 gives a third of them. Second round,
	 * for two: 2/3 GiB of each. */
	EXPECT_MIB(1, KMEM_ZONE_NORMAL, 4096, 7852);
	EXPECT_MIB(1, KMEM_ZONE_MOVABLE, 7852, 8192);
	EXPECT_MIB(2, KMEM_ZONE_NORMAL, 8192, 9560);
	EXPECT_MIB(2, KMEM_ZONE_MOVABLE, 9560, 12288);
	check_and_shut_down(m);
	/* Node 1 is too small for its third of 6 GiB. */
	m = boot("ram=4G-8G@0,8G-9G@1,9G-13G@2 nodes=3", "kernelcore=6G");
	expect_zone(1, KMEM_ZONE_MOVABLE, 0, 0, 0);
	EXPECT_MIB(0, KMEM_ZONE_NORMAL, 4096, 6656);
	EXPECT_MIB(0, KMEM_ZONE_MOVABLE, 6656, 8192);
	EXPECT_MIB(2, KMEM_ZONE_NORMAL, 9216, 11776);
	EXPECT_MIB(2, KMEM_ZONE_MOVABLE, 11776, 13312);
	check_and_shut_down(m);
}

static void test_only_movable_requests_get_movable_pages(void **state)
{
	struct machine *m = boot("ram=0-1G", "movablecore=256M");
	static const struct {
		gfp_t gfp;
		enum kmem_zone_type zone;
	} rows[] = {
		{GFP_KERNEL, KMEM_ZONE_DMA32},
		{GFP_KERNEL | __GFP_MOVABLE, KMEM_ZONE_DMA32},
		{GFP_HIGHUSER, KMEM_ZONE_DMA32},
		{GFP_HIGHUSER_MOVABLE, KMEM_ZONE_MOVABLE},
	};
	struct page *page;
	unsigned long n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned int order = 0; order < MAX_ORDER; order += 5) {
			page = alloc_pages(rows[i].gfp, order);
			assert_non_null(page);
			assert_int_equal(page_zonenum(page), rows[i].zone);
			__free_pages(page, order);
		}
	}
	/* When it is used up, movable requests go on below it. */
	while ((page = alloc_pages(GFP_HIGHUSER_MOVABLE, 10)) && page_zonenum(page) == KMEM_ZONE_MOVABLE)
		n++;
	assert_non_null(page);
	assert_int_equal(page_zonenum(page), KMEM_ZONE_DMA32);
	assert_true(n > 50 && n <= 64);
	__free_pages(page, 10);
	for (unsigned long pfn = 768 * MIB_PAGES; pfn < 1024 * MIB_PAGES; pfn += 1024) {
		page = pfn_to_page(pfn);
		if (page->type != PAGE_TYPE_USED)
			continue;
		__free_pages(page, 10);
		n--;
	}
	assert_int_equal(n, 0);
	drain_local_pages();
	assert_int_equal(test_zone(0, KMEM_ZONE_MOVABLE)->nr_free, 256 * MIB_PAGES);
	check_and_shut_down(m);
}

/* Protection of the zones below counts Movable too; it has none itself. */
static void test_protection_against_movable_requests(void **state)
{
	struct machine *m = boot("ram=0-1G", "movablecore=256M");
	const struct zone *dma = test_zone(0, KMEM_ZONE_DMA), *dma32 = test_zone(0, KMEM_ZONE_DMA32);
	const struct zone *movable = test_zone(0, KMEM_ZONE_MOVABLE);

	(void)state;
	assert_int_equal(dma->lowmem_reserve[KMEM_ZONE_NORMAL], dma32->managed / 256);
	assert_int_equal(dma->lowmem_reserve[KMEM_ZONE_MOVABLE], (dma32->managed + movable->managed) / 256);
	assert_int_equal(dma32->lowmem_reserve[KMEM_ZONE_MOVABLE], movable->managed / 256);
	for (int h = 0; h < KMEM_MAX_NR_ZONES; h++)
		assert_int_equal(movable->lowmem_reserve[h], 0);
	check_and_shut_down(m);
}

static void test_movable_of_x86_32_is_highmem(void **state)
{
	struct machine *m = test_boot("preset=x86_32 ram=0-2G reserved=0-4K cmdline=kernelcore=1G");
	struct page *page;

	(void)state;
	/* Low memory ends two pages below 880 MiB. */
	expect_zone(0, KMEM_ZONE_NORMAL, 4096, 0x36ffe - 4096, 0x36ffe - 4096);
	expect_zone(0, KMEM_ZONE_HIGHMEM, 0x36ffe, (1024 << 8) - 0x36ffe, (1024 << 8) - 0x36ffe);
	EXPECT_MIB(0, KMEM_ZONE_MOVABLE, 1024, 2048);
	/* As small as HighMem's. */
	assert_int_equal(test_zone(0, KMEM_ZONE_MOVABLE)->watermark[WMARK_MIN], 128);
	page = alloc_page(GFP_HIGHUSER_MOVABLE);
	assert_int_equal(page_zonenum(page), KMEM_ZONE_MOVABLE);
	assert_null(page_address(page));
	__free_page(page);
	check_and_shut_down(m);
}

static void test_movable_by_counts(void **state)
{
	struct machine *m = test_boot("mem=6G zonepages=0/DMA:3998:3840,0/DMA32:782304:762331,"
				      "0/Normal:102400:102400,0/Movable:131072:131000");

	(void)state;
	expect_zone(0, KMEM_ZONE_NORMAL, 4096 * MIB_PAGES, 102400, 102400);
	expect_zone(0, KMEM_ZONE_MOVABLE, 4096 * MIB_PAGES + 102400, 131072, 131072);
	assert_int_equal(test_zone(0, KMEM_ZONE_MOVABLE)->managed, 131000);
	check_and_shut_down(m);
	/* No Normal at all; and a border inside a block goes up to its end. */
	m = test_boot("mem=6G zonepages=0/DMA:3998:3840,0/Movable:131072:131000");
	expect_zone(0, KMEM_ZONE_NORMAL, 0, 0, 0);
	expect_zone(0, KMEM_ZONE_MOVABLE, 4096 * MIB_PAGES, 131072, 131072);
	check_and_shut_down(m);
	m = test_boot("mem=6G zonepages=0/DMA:3998:3840,0/Normal:1000:900,0/Movable:2048:2048");
	expect_zone(0, KMEM_ZONE_MOVABLE, 4096 * MIB_PAGES + 1024, 2048, 2048);
	check_and_shut_down(m);
	/* x86_32: what is left of low memory, or of high memory. */
	m = test_boot("preset=x86_32 mem=256M zonepages=0/DMA:3998:3840,0/Normal:40960:40000,"
		      "0/Movable:16384:16384");
	EXPECT_MIB(0, KMEM_ZONE_MOVABLE, 176, 240);
	check_and_shut_down(m);
	m = test_boot("preset=x86_32 mem=1G zonepages=0/DMA:3998:3840,0/Normal:40960:40000,"
		      "0/HighMem:4096:4096,0/Movable:16384:16384");
	EXPECT_MIB(0, KMEM_ZONE_HIGHMEM, 176, 192);
	EXPECT_MIB(0, KMEM_ZONE_MOVABLE, 192, 256);
	check_and_shut_down(m);
}

static void test_bad_words(void **state)
{
	(void)state;
	expect_no_boot("mem=64M cmdline=kernelcore=mirror", -EOPNOTSUPP, "'kernelcore=mirror'");
	expect_no_boot("mem=64M cmdline=kernelcore=101%", -EINVAL, "bad value in 'kernelcore=101%'");
	expect_no_boot("mem=64M cmdline=movablecore=10%%", -EINVAL, "bad value in 'movablecore=10%%'");
	expect_no_boot("mem=64M cmdline=movablecore=", -EINVAL, "bad value in 'movablecore='");
	expect_no_boot("mem=64M cmdline=movablecore=mirror", -EINVAL, "bad value");
	expect_no_boot("mem=64M cmdline=movable_node", -EOPNOTSUPP, "'movable_node' is not in this version");
	expect_no_boot("mem=64M zonepages=0/DMA:100:100 cmdline=kernelcore=50%", -EINVAL, "zonepages=");
	expect_no_boot("mem=64M cmdline=memmap", -EINVAL, "bad value in 'memmap'");
	expect_no_boot("mem=64M cmdline=numa=fake=9", -EINVAL, "numa=fake=9");
}

/* --- fake nodes ------------------------------------------------------------------------------ */

static void test_fake_nodes_are_nodes(void **state)
{
	struct machine *m = boot("ram=0-256M cpus=4", "numa=fake=4");

	(void)state;
	for (int nid = 0; nid < 4; nid++) {
		struct page *page = alloc_pages_node(nid, GFP_KERNEL | __GFP_THISNODE, 3);

		assert_int_equal(page_to_nid(page), nid);
		assert_int_equal(page_to_pfn(page) / (64 * MIB_PAGES), nid);
		__free_pages(page, 3);
		assert_int_equal(cpu_migrate((unsigned int)nid), 0);
		assert_int_equal(numa_node_id(), nid);
		/* All CPUs of the real node are near. */
		assert_int_equal(test_zone(nid, KMEM_ZONE_DMA32)->pgdat->nr_cpus, 4);
	}
	EXPECT_MIB(3, KMEM_ZONE_DMA32, 192, 256);
	check_and_shut_down(m);
}

/* A node that has only CPUs: its zonelist is the others', its own requests fail. */
static void test_memoryless_nodes(void **state)
{
	struct machine *m = test_boot("ram=0-64M@1,64M-128M@3 reserved=0-4K nodes=5 cpus=5 distance="
				      "10,30,20,20,20/30,10,20,40,20/20,20,10,25,20/20,40,25,10,20/"
				      "20,20,20,20,10");
	static const int nearest[] = {3, 1, 1, 3, 1};
	char *text;

	(void)state;
	for (int nid = 0; nid < 5; nid++) {
		const struct pgdat *pgdat = buddy_node(arch_kernel(), nid);
		struct page *page;
		void *p;

		assert_int_equal(cpu_migrate((unsigned int)nid), 0);
		assert_int_equal(pgdat->zonelist[0].zone->pgdat->nid, nearest[nid]);
		page = alloc_page(GFP_KERNEL);
		assert_int_equal(page_to_nid(page), nearest[nid]);
		__free_page(page);
		page = alloc_pages_node(nid, GFP_KERNEL, 10);
		assert_int_equal(page_to_nid(page), nearest[nid]);
		__free_pages(page, 10);
		page = alloc_pages_node(nid, GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN, 0);
		assert_int_equal(page != NULL, nid == nearest[nid]);
		if (page)
			__free_page(page);
		p = kmalloc_node(100, GFP_KERNEL, nid);
		assert_non_null(p);
		assert_int_equal(page_to_nid(virt_to_page(p)), nearest[nid]);
		kfree(p);
	}
	text = test_proc("buddyinfo");
	assert_null(strstr(text, "Node 0"));
	free(text);
	check_zones();
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		wide_unit_test(test_kernelcore_leaves_the_rest_to_movable),
		wide_unit_test(test_movablecore_is_rounded_up),
		wide_unit_test(test_percent),
		wide_unit_test(test_movable_is_cut_from_the_highest_zone),
		wide_unit_test(test_kernelcore_over_nodes),
		cmocka_unit_test(test_only_movable_requests_get_movable_pages),
		cmocka_unit_test(test_protection_against_movable_requests),
		wide_unit_test(test_movable_of_x86_32_is_highmem),
		wide_unit_test(test_movable_by_counts),
		cmocka_unit_test(test_bad_words),
		cmocka_unit_test(test_fake_nodes_are_nodes),
		cmocka_unit_test(test_memoryless_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
