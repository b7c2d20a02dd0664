/* SPDX-License-Identifier: MIT */
/* What books on Linux say about zones and addresses, shown on machines of every backend. */
#include "conformance.h"

#define MIB (1ull << 20)
#define PAGES(mib) ((unsigned long)((mib) * MIB / PAGE_SIZE))

static enum kmem_zone_type zone_at(uint64_t phys)
{
	struct page *page = pfn_to_page((unsigned long)(phys / PAGE_SIZE));

	assert_non_null(page);
	return page_zonenum(page);
}

/* Allocates and frees a page each time with another order, and looks where it lies. */
static void expect_pages(gfp_t gfp, uint64_t low, uint64_t high)
{
	for (unsigned int order = 0; order < MAX_ORDER; order++) {
		struct page *page = alloc_pages(gfp, order);

		assert_non_null(page);
		assert_true(page_to_phys(page) >= low);
		assert_true(page_to_phys(page) + (PAGE_SIZE << order) <= high);
		__free_pages(page, order);
	}
}

/* "x86_32: DMA below 16 MiB, NORMAL to 896 MiB, HIGHMEM above": a kernel of the documents' time. */
static void x86_32_DMA_below_16_MiB_NORMAL_to_896_MiB_HIGHMEM_above(void **state)
{
	struct machine *m = test_boot("preset=x86_32 mem=1G zonepages=0/DMA:3998:3840,"
				      "0/Normal:225280:219776,0/HighMem:32736:32736");

	assert_int_equal(zone_at(PAGE_SIZE), KMEM_ZONE_DMA);
	assert_int_equal(zone_at(16 * MIB - PAGE_SIZE), KMEM_ZONE_DMA);
	assert_int_equal(zone_at(16 * MIB), KMEM_ZONE_NORMAL);
	assert_int_equal(zone_at(896 * MIB - PAGE_SIZE), KMEM_ZONE_NORMAL);
	assert_int_equal(zone_at(896 * MIB), KMEM_ZONE_HIGHMEM);
	assert_int_equal(zone_at(1024 * MIB - MIB), KMEM_ZONE_HIGHMEM);
	expect_pages(GFP_DMA, 0, 16 * MIB);
	expect_pages(GFP_KERNEL, 16 * MIB, 896 * MIB);
	expect_pages(GFP_HIGHUSER, 896 * MIB, 1024 * MIB);
	test_shutdown(m, 0);
	/* Machines without high memory have no such zone in use. */
	m = test_boot("preset=x86_32 mem=512M");
	expect_pages(GFP_HIGHUSER, 16 * MIB, 512 * MIB);
	test_shutdown(m, 0);
}

/* "a 6.1 kernel ends it at about 880": the machine as a real kernel saw it. */
static void x86_32_NORMAL_of_a_6_1_kernel_ends_at_880_MiB(void **state)
{
	struct machine *m = test_boot("preset=x86_32 mem=1G");
	uint64_t end = 0x36ffe000;

	assert_int_equal(zone_at(end - PAGE_SIZE), KMEM_ZONE_NORMAL);
	assert_int_equal(zone_at(end), KMEM_ZONE_HIGHMEM);
	assert_null(page_address(pfn_to_page((unsigned long)(end / PAGE_SIZE))));
	test_shutdown(m, 0);
}

static void expect_address(void *ptr)
{
	assert_int_equal(ptr_to_kva(ptr), 0xC0000000u + __pa((unsigned long)ptr));
	assert_ptr_equal(kva_to_ptr(ptr_to_kva(ptr)), ptr);
}

/* "lowmem pointer = physical + 0xC0000000" */
static void lowmem_pointer_is_physical_plus_0xC0000000(void **state)
{
	struct machine *m = test_boot("preset=x86_32 mem=1G");
	struct page *page = alloc_pages(GFP_KERNEL, 3);
	void *p = kmalloc(100, GFP_KERNEL);

	assert_int_equal(page_to_phys(page), __pa((unsigned long)page_address(page)));
	expect_address(page_address(page));
	expect_address(p);
	kfree(p);
	__free_pages(page, 3);
	expect_address(__va(16 * MIB));
	/* What is not low has no such pointer. */
	page = alloc_page(GFP_HIGHUSER);
	assert_true(page_to_phys(page) >= 0x36ffe000);
	assert_null(page_address(page));
	assert_null(__va(page_to_phys(page)));
	__free_page(page);
	test_shutdown(m, 0);
}

/* Every page that the page allocator gives, one by one; false if one is at @from or above. */
static bool all_pages_below(uint64_t from)
{
	struct page *page, *list = NULL;
	bool below = true;

	while ((page = alloc_pages(GFP_KERNEL | __GFP_NOWARN | __GFP_MEMALLOC, 0))) {
		*(struct page **)page_address(page) = list;
		list = page;
		below = below && page_to_phys(page) < from;
	}
	while ((page = list)) {
		list = *(struct page **)page_address(page);
		__free_page(page);
	}
	return below;
}

/* "mem=248M of 256M hides the top 8 MiB" */
static void mem_248M_of_256M_hides_the_top_8_MiB(void **state)
{
	static const char *const machines[] = {
		"preset=x86_64 mem=256M cmdline=mem=248M", "preset=x86_32 mem=256M cmdline=mem=248M",
		"preset=x86_64 mem=256M cmdline=memmap=8M$248M",
	};
	uint64_t top = 0xF800000;

	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		struct machine *m = test_boot(machines[i]);
		struct mmu_walk_result walk;

		assert_int_equal(memblock_end_of_DRAM(), top);
		for (uint64_t phys = top; phys < 256 * MIB; phys += PAGE_SIZE) {
			assert_null(pfn_to_page((unsigned long)(phys / PAGE_SIZE)));
			assert_false(memblock_is_memory(phys));
		}
		assert_null(__va(top));
		assert_non_null(__va(top - PAGE_SIZE));
		assert_int_not_equal(mmu_walk(ptr_to_kva(__va(top - PAGE_SIZE)) + PAGE_SIZE, MMU_READ, &walk),
				     0);
		assert_true(totalram_pages() < PAGES(248));
		assert_true(all_pages_below(top));
		test_shutdown(m, 0);
	}
}

/* A page of a node without RAM comes from the nearest that has some, whoever asks. */
static void nodes_without_memory(void **state)
{
	struct machine *m = test_boot("ram=0-64M@1 reserved=0-4K nodes=3 cpus=3");

	for (int nid = 0; nid < 3; nid++) {
		struct page *page;
		void *p;

		assert_int_equal(cpu_migrate((unsigned int)nid), 0);
		assert_int_equal(numa_node_id(), nid);
		page = alloc_pages(GFP_KERNEL, 0);
		assert_int_equal(page_to_nid(page), 1);
		__free_page(page);
		page = alloc_pages_node(nid, GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN, 0);
		assert_int_equal(page != NULL, nid == 1);
		if (page)
			__free_page(page);
		p = kmalloc(100, GFP_KERNEL);
		assert_non_null(p);
		kfree(p);
		p = kmalloc_node(100, GFP_KERNEL, nid);
		assert_non_null(p);
		assert_int_equal(page_to_nid(virt_to_page(p)), 1);
		kfree(p);
		p = vmalloc(100000);
		assert_non_null(p);
		vfree(p);
	}
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(x86_32_DMA_below_16_MiB_NORMAL_to_896_MiB_HIGHMEM_above),
	cmocka_unit_test(x86_32_NORMAL_of_a_6_1_kernel_ends_at_880_MiB),
	cmocka_unit_test(lowmem_pointer_is_physical_plus_0xC0000000),
	cmocka_unit_test(mem_248M_of_256M_hides_the_top_8_MiB),
	cmocka_unit_test(nodes_without_memory),
};

TEST_GROUP(zone_claims, tests);
