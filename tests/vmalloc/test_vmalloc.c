/* SPDX-License-Identifier: MIT */
/* src/vmalloc/vmalloc.c: what vmalloc() and vmap() return is memory, at the addresses they say. */
#include "vmalloc_test.h"

static void test_both_directions(void **state)
{
	static const size_t sizes[] = {1, P - 1, P, P + 1, 16 * P, 100000, 600 * P};
	struct machine *m = test_boot("mem=64M");

	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *p = vmalloc(sizes[i]);
		struct vm_struct *area;

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % P, 0);
		area = find_vm_area(p);
		assert_non_null(area);
		assert_ptr_equal(area->addr, p);
		assert_int_equal(area->nr_pages, (sizes[i] + P - 1) / P);
		assert_int_equal(area->size, (area->nr_pages + 1) * P);
		assert_int_equal(area->flags, VM_ALLOC);
		assert_ptr_equal(find_vm_area(p + area->size - 1), area);
		check_area(p, sizes[i], i);
		vfree(p);
		assert_null(find_vm_area(p));
	}
	test_shutdown(m, 0);
}

static void test_addresses(void **state)
{
	struct machine *m = test_boot("mem=64M");
	char *a = vmalloc(P), *b = vmalloc(3 * P), *k = kmalloc(100, GFP_KERNEL);
	int local;

	assert_int_equal(ptr_to_kva(a), VMALLOC_KVA);
	assert_int_equal(ptr_to_kva(b), VMALLOC_KVA + 2 * P);
	assert_ptr_equal(b, a + 2 * P);
	assert_ptr_equal(kva_to_ptr(VMALLOC_KVA + 2 * P + 17), b + 17);
	assert_null(kva_to_ptr(VMALLOC_KVA + P));
	assert_null(kva_to_ptr(VMALLOC_KVA + 5 * P));
	assert_ptr_equal(kva_to_ptr(ptr_to_kva(k)), k);
	assert_true(is_vmalloc_addr(a));
	assert_true(is_vmalloc_addr(a + P));
	assert_false(is_vmalloc_addr(k));
	assert_false(is_vmalloc_addr(&local));
	assert_false(is_vmalloc_addr(NULL));
	assert_false(virt_addr_valid(a));
	assert_null(virt_to_page(a));
	assert_null(vmalloc_to_page(a + P));
	assert_null(vmalloc_to_page(k));
	assert_null(vmalloc_to_page(&local));
	assert_int_equal(vmalloc_to_pfn(a + P), 0);
	assert_null(find_vm_area(k));
	assert_null(find_vm_area(NULL));
	vfree(a);
	assert_null(kva_to_ptr(VMALLOC_KVA));
	assert_null(vmalloc_to_page(a));
	vfree(b);
	kfree(k);
	test_shutdown(m, 0);
}

static void test_zeroed(void **state)
{
	struct machine *m = test_boot("mem=16M");
	size_t size = 200 * P;

	for (unsigned int round = 0; round < 20; round++) {
		unsigned char *p = vzalloc(size);

		assert_non_null(p);
		for (size_t i = 0; i < size; i++)
			if (p[i])
				fail_msg("byte %zu of round %u is not zero", i, round);
		memset(p, 0xa5, size);
		vfree(p);
	}
	test_shutdown(m, 0);
}

/* The address is used again only after a purge; until then the old one shows the old pages. */
static void test_lazy(void **state)
{
	struct machine *m = test_boot("mem=64M");
	char *a = vmalloc(2 * P), *b;
	kva_t kva = ptr_to_kva(a);

	vfree(a);
	assert_int_equal(walk_to(kva, MMU_READ), UINT64_MAX);
	assert_true(host_readable(a));
	b = vmalloc(2 * P);
	assert_int_equal(ptr_to_kva(b), kva + 3 * P);
	vm_unmap_aliases();
	assert_false(host_readable(a));
	assert_true(host_readable(b));
	vfree(b);
	b = vmalloc(2 * P);
	assert_ptr_equal(b, a);
	assert_true(host_readable(b + 2 * P - 1));
	assert_false(host_readable(b + 2 * P));
	vfree(b);
	test_shutdown(m, 0);
}

/* Pages are free at once, whatever becomes of the addresses. */
static void test_pages_are_free(void **state)
{
	struct machine *m = test_boot("mem=64M isolate_metadata=1");
	unsigned long free = test_free_pages();
	void *p = vmalloc(1000 * P);

	drain_all_pages();
	assert_int_equal(nr_free_pages(), free - 1000);
	vfree(p);
	drain_all_pages();
	assert_int_equal(nr_free_pages(), free);
	test_shutdown(m, 0);
}

/* The array of a large area is an area itself, and goes with it. */
static void test_large(void **state)
{
	struct machine *m = test_boot("mem=64M");
	char *p = vmalloc(1030 * P);
	struct vm_struct *area = find_vm_area(p);

	assert_true(is_vmalloc_addr(area->pages));
	assert_int_equal(find_vm_area(area->pages)->nr_pages, (1030 * sizeof(void *) + P - 1) / P);
	check_area(p, 1030 * P, 3);
	vfree(p);
	vm_unmap_aliases();
	p = vmalloc(P);
	assert_int_equal(ptr_to_kva(p), VMALLOC_KVA);
	vfree(p);
	test_shutdown(m, 0);
}

static void test_vmap(void **state)
{
	struct machine *m = test_boot("mem=64M");
	struct page *pages[6] = {NULL}, *order[10];
	char *p;

	assert_int_equal(alloc_pages_bulk_array(GFP_KERNEL, 6, pages), 6);
	/* Backwards, and some twice. */
	for (unsigned int i = 0; i < 10; i++)
		order[i] = pages[i < 6 ? 5 - i : i - 6];
	p = vmap(order, 10, VM_MAP, PAGE_KERNEL);
	assert_non_null(p);
	check_area(p, 10 * P, 5);
	for (unsigned int i = 0; i < 10; i++)
		assert_ptr_equal(vmalloc_to_page(p + i * P), order[i]);
	/* One page at two addresses: the compiler believes they are two. */
	((volatile char *)p)[5 * P + 1] = 77;
	assert_int_equal(((volatile char *)p)[6 * P + 1], 77);
	assert_int_equal(find_vm_area(p)->flags, VM_MAP);
	assert_null(find_vm_area(p)->pages);
	vunmap(p);
	assert_int_equal(((char *)page_address(pages[0]))[1], 77);
	for (unsigned int i = 0; i < 6; i++)
		__free_page(pages[i]);
	test_shutdown(m, 0);
}

static void test_vmap_of_vmalloc(void **state)
{
	struct machine *m = test_boot("mem=64M");
	char *p = vmalloc(4 * P);
	char *q = vmap(find_vm_area(p)->pages, 4, VM_MAP, PAGE_KERNEL_RO);

	assert_non_null(q);
	strcpy(p + 3 * P, "both");
	assert_string_equal(q + 3 * P, "both");
	assert_true(host_readable(q));
	assert_false(host_writable(q));
	assert_true(host_writable(p));
	assert_int_equal(walk_to(ptr_to_kva(q), MMU_READ), walk_to(ptr_to_kva(p), MMU_WRITE));
	assert_int_equal(walk_to(ptr_to_kva(q), MMU_WRITE), UINT64_MAX);
	assert_int_equal(walk_to(ptr_to_kva(p), MMU_FETCH), UINT64_MAX);
	vunmap(q);
	vfree(p);
	test_shutdown(m, 0);
}

/* NULL, with a line that says why, and nothing lost. */
static void expect_failure(unsigned long size, const char *line)
{
	test_hear();
	assert_null(vmalloc(size));
	expect_heard(line);
}

static void test_too_large(void **state)
{
	struct machine *m = test_boot("mem=16M");

	expect_failure(1ul << 30, "vmalloc error: size 1073741824, exceeds total pages, "
				  "mode:0xcc0(GFP_KERNEL), nodemask=(null)");
	expect_failure(ULONG_MAX, "exceeds total pages");
	expect_failure(ULONG_MAX - P + 2, "exceeds total pages");
	test_shutdown(m, 0);
}

static void test_exhausted(void **state)
{
	struct machine *m = test_boot("preset=tiny-8M");
	unsigned long free = test_free_pages(), before;
	void *held[3000];
	unsigned int nr = 0;

	/* More than there is, but not more than all RAM. */
	expect_failure((totalram_pages() - 1) * P, "failed to allocate pages");
	vm_unmap_aliases();
	before = test_free_pages();
	/* A table or two stay. */
	assert_in_range(before, free - 8, free);
	while (nr < 3000 && (held[nr] = vmalloc(P)))
		nr++;
	assert_in_range(nr, 100, 2999);
	for (unsigned int i = 0; i < nr; i++)
		check_area(held[i], P, i);
	while (nr)
		vfree(held[--nr]);
	vm_unmap_aliases();
	assert_in_range(test_free_pages(), before - 8, before);
	held[0] = vmalloc(100 * P);
	assert_non_null(held[0]);
	vfree(held[0]);
	test_shutdown(m, 0);
}

/* The region holds 255 areas of 1025 pages. Then freed ones are purged to make room; then it is
 * full. */
static void test_region_full(void **state)
{
	struct machine *m = test_boot("mem=64M");
	struct page *block = alloc_pages(GFP_KERNEL, 10), *pages[1024];
	unsigned int nr = 0;
	void *held[300];

	for (unsigned int i = 0; i < 1024; i++)
		pages[i] = pfn_to_page(page_to_pfn(block) + i);
	while (nr < 300 && (held[nr] = vmap(pages, 1024, VM_MAP, PAGE_KERNEL)))
		nr++;
	assert_int_equal(nr, (1 << (sizeof(void *) == 8 ? 18 : 15)) / 1025);
	vunmap(held[nr / 2]);
	test_hear();
	assert_ptr_equal(vmap(pages, 1024, VM_MAP, PAGE_KERNEL), held[nr / 2]);
	assert_null(vmap(pages, 1024, VM_MAP, PAGE_KERNEL));
	expect_heard("vmap allocation for size 4198400 failed");
	assert_null(vmalloc(1000 * P));
	expect_heard("vmalloc error: size 4096000, vm_struct allocation failed");
	while (nr)
		vunmap(held[--nr]);
	__free_pages(block, 10);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_directions),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_zeroed),
		cmocka_unit_test(test_lazy),
		cmocka_unit_test(test_pages_are_free),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_vmap),
		cmocka_unit_test(test_vmap_of_vmalloc),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_exhausted),
		cmocka_unit_test(test_region_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
