/* SPDX-License-Identifier: MIT */
/* src/vmalloc/alias.c: mappings of the host: one for a run of frames, none left when it refuses. */
#include "vmalloc_test.h"


/* Mappings of this process that lie in the vmalloc window, which begins at @window. */
static unsigned int host_mappings(const char *window, size_t size)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned int nr = 0;
	char line[512];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		unsigned long start = strtoul(line, NULL, 16);

		nr += start - (unsigned long)window < size && strstr(line, "libkmem-ram");
	}
	fclose(maps);
	return nr;
}

static void test_runs(void **state)
{
	struct machine *m = test_boot("mem=64M");
	struct page *block = alloc_pages(GFP_KERNEL, 4), *pages[16];
	char *p;

	for (unsigned int i = 0; i < 16; i++)
		pages[i] = pfn_to_page(page_to_pfn(block) + i);
	p = vmap(pages, 16, VM_MAP, PAGE_KERNEL);
	assert_int_equal(host_mappings(p, 16 * P), 1);
	check_area(p, 16 * P, 1);
	vunmap(p);
	vm_unmap_aliases();
	assert_int_equal(host_mappings(p, 16 * P), 0);
	/* 4 runs: 0…5, 9…7 one by one, 10…15 */
	pages[7] = pfn_to_page(page_to_pfn(block) + 9);
	pages[9] = pfn_to_page(page_to_pfn(block) + 7);
	pages[6] = pages[9];
	p = vmap(pages, 16, VM_MAP, PAGE_KERNEL);
	assert_int_equal(host_mappings(p, 16 * P), 6);
	check_area(p, 16 * P, 2);
	vunmap(p);
	__free_pages(block, 4);
	test_shutdown(m, 0);
}

/* Fresh memory comes in order, so a large area is few mappings; and whatever order the page
 * allocator hands pages out in, each hundred is sorted. */
static void test_few_mappings(void **state)
{
	struct machine *m = test_boot("mem=64M isolate_metadata=1");
	struct page *held[200];
	char *p = vmalloc(2000 * P);

	assert_in_range(host_mappings(p, 2000 * P), 1, 8);
	vfree(p);
	for (unsigned int i = 0; i < 200; i++)
		held[i] = alloc_page(GFP_KERNEL);
	for (unsigned int i = 0; i < 200; i += 2)
		__free_page(held[i]);
	for (unsigned int i = 1; i < 200; i += 2)
		__free_page(held[i]);
	p = vmalloc(16 * P);
	assert_in_range(host_mappings(p, 16 * P), 1, 16);
	for (unsigned int i = 1; i < 16; i++)
		assert_true(vmalloc_to_pfn(p + i * P) > vmalloc_to_pfn(p + (i - 1) * P));
	vfree(p);
	test_shutdown(m, 0);
}

#ifndef TEST_TSAN
/* The host's limit on mappings: a clean NULL with its reason, and vmalloc works on. */
static void test_mapping_limit(void **state)
{
	struct machine *m = test_boot("mem=8G isolate_metadata=1");
	FILE *file = fopen("/proc/sys/vm/max_map_count", "r");
	unsigned long limit = 65530, free_pages;
	struct page *page, **pages;
	bool reached;
	char *p;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu", &limit), 1);
	fclose(file);
	/* A host may have hardly any limit; then as many as anybody needs work. */
	reached = limit < totalram_pages();
	if (!reached)
		limit = 100000;
	/* The same page again and again: each time a mapping of its own. */
	page = alloc_page(GFP_KERNEL);
	pages = calloc(limit + 1, sizeof(*pages));
	for (unsigned long i = 0; i <= limit; i++)
		pages[i] = page;
	free_pages = test_free_pages();
	test_hear();
	p = vmap(pages, (unsigned int)limit + 1, VM_MAP, PAGE_KERNEL);
	assert_int_equal(!p, reached);
	if (reached)
		expect_heard("max_map_count");
	else
		vunmap(p);
	vm_unmap_aliases();
	assert_int_equal(test_free_pages(), free_pages);
	/* All addresses and mappings are there again. */
	for (unsigned int round = 0; round < 2; round++) {
		p = vmap(pages, (unsigned int)limit / 2, VM_MAP, PAGE_KERNEL);
		assert_non_null(p);
		assert_int_equal(ptr_to_kva(p), VMALLOC_KVA);
		check_pages(p, 100 * P, 3);
		vunmap(p);
		vm_unmap_aliases();
	}
	free(pages);
	__free_page(page);
	test_shutdown(m, 0);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_few_mappings),
#ifndef TEST_TSAN
		/* ThreadSanitizer needs mappings of its own. */
		wide_unit_test(test_mapping_limit),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
