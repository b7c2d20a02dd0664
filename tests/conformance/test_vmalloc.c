/* SPDX-License-Identifier: MIT */
/* vmalloc, vmap and the page walk on every backend: memory, exhaustion, misuse. Depth is in
 * tests/vmalloc; what a backend could spoil is here: it gives the structures and the arrays. */
#include "conformance.h"

#include <errno.h>

/* A byte at each page's own place, written through the pointer, read through walk and direct
 * map. */
static void check_pages(char *p, unsigned long pages)
{
	for (unsigned long i = 0; i < pages; i++) {
		char *at = p + i * PAGE_SIZE + i % PAGE_SIZE;
		struct mmu_walk_result walk;
		struct page *page = vmalloc_to_page(at);

		assert_int_equal(mmu_walk(ptr_to_kva(at), MMU_WRITE, &walk), 0);
		assert_non_null(page);
		assert_int_equal(walk.phys, page_to_phys(page) + i % PAGE_SIZE);
		*at = (char)(i + 1);
		assert_int_equal(*(char *)__va(walk.phys), (char)(i + 1));
		*(char *)__va(walk.phys) = (char)(i + 2);
		assert_int_equal(*at, (char)(i + 2));
	}
}

static void check_machine(const char *text)
{
	struct machine *m = test_boot(text);
	char *a, *b, *z;

	a = vmalloc(1);
	b = vmalloc(700 * PAGE_SIZE);
	z = vzalloc(3 * PAGE_SIZE + 1);
	assert_true(a && b && z);
	check_pages(a, 1);
	check_pages(b, 700);
	for (unsigned long i = 0; i < 4 * PAGE_SIZE; i++)
		assert_int_equal(z[i], 0);
	assert_int_equal(find_vm_area(b)->nr_pages, 700);
	assert_int_equal(vmalloc_to_pfn(b), page_to_pfn(vmalloc_to_page(b)));
	assert_true(is_vmalloc_addr(z));
	vfree(b);
	vfree(a);
	vfree(z);
	vm_unmap_aliases();
	test_shutdown(m, 0);
}

static void test_vmalloc(void **state)
{
	check_machine(PLAIN);
	check_machine(ISOLATED);
	check_machine(PLAIN " backing=private");
}

static void test_vmap(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct page *pages[8] = {NULL};
	char *p;

	assert_int_equal(alloc_pages_bulk_array(GFP_KERNEL, 8, pages), 8);
	p = vmap(pages, 8, VM_MAP, PAGE_KERNEL);
	assert_non_null(p);
	check_pages(p, 8);
	vunmap(p);
	for (unsigned int i = 0; i < 8; i++)
		__free_page(pages[i]);
	test_shutdown(m, 0);
}

/* An object's bytes, by the walk of its address. */
static void test_walk_of_objects(void **state)
{
	struct machine *m = test_boot(PLAIN);
	char *p = kmalloc(200, GFP_KERNEL);
	struct mmu_walk_result walk;
	struct mmu_regs regs;

	assert_int_equal(mmu_walk(ptr_to_kva(p), MMU_READ, &walk), 0);
	assert_int_equal(walk.phys, __pa((unsigned long)p));
	assert_int_equal(walk.page_shift, 21);
	assert_int_equal(mmu_get_regs(&regs), 0);
	assert_int_equal(walk.entries[0].addr & ~(uint64_t)(PAGE_SIZE - 1), regs.cr3);
	assert_int_equal(mmu_walk_regs(&regs, ptr_to_kva(p), MMU_READ, &walk), 0);
	assert_int_equal(walk.phys, __pa((unsigned long)p));
	assert_int_equal(mmu_walk(0, MMU_READ, &walk), -EFAULT);
	assert_int_equal(walk.trap, X86_TRAP_PF);
	assert_int_equal(mmu_walk(1ull << 50, MMU_READ, &walk), -EFAULT);
	assert_int_equal(walk.trap, X86_TRAP_GP);
	assert_int_equal(mmu_walk(0, MMU_WRITE | MMU_FETCH, &walk), -EINVAL);
	kfree(p);
	test_shutdown(m, 0);
}

static void test_exhausted(void **state)
{
	struct machine *m = test_boot(TINY_ISOLATED);
	unsigned long free_pages = test_free_pages();
	static void *held[3000];
	unsigned int nr = 0;

	assert_null(vmalloc((totalram_pages() - 1) * PAGE_SIZE));
	assert_null(vzalloc((totalram_pages() - 1) * PAGE_SIZE));
	assert_int_equal(test_free_pages(), free_pages);
	while (nr < 3000 && (held[nr] = vmalloc(3 * PAGE_SIZE)))
		nr++;
	assert_in_range(nr, 100, 2999);
	while (nr)
		vfree(held[--nr]);
	assert_int_equal(test_free_pages(), free_pages);
	test_shutdown(m, 0);
}

/* The library's own objects may be what runs out: areas until even a small one fails. */
static void test_exhausted_by_own(void **state)
{
	struct machine *m = test_boot(TINY);
	unsigned long free_pages = test_free_pages();
	struct page *page = alloc_page(GFP_KERNEL);
	static void *maps[100000];
	unsigned int nr = 0;

	while (nr < 100000 && (maps[nr] = vmap(&page, 1, VM_MAP, PAGE_KERNEL)))
		nr++;
	assert_in_range(nr, 1000, 99999);
	assert_int_equal(*(char *)maps[nr - 1], *(char *)page_address(page));
	while (nr)
		vunmap(maps[--nr]);
	vm_unmap_aliases();
	maps[0] = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	assert_non_null(maps[0]);
	vunmap(maps[0]);
	vm_unmap_aliases();
	__free_page(page);
	/* Page tables for what was mapped stay. */
	assert_in_range(test_free_pages(), free_pages - 600, free_pages);
	test_shutdown(m, 0);
}

static void test_misuse(void **state)
{
	struct machine *m = test_boot(PLAIN);
	char *p = vmalloc(3 * PAGE_SIZE), *k = kmalloc(PAGE_SIZE, GFP_KERNEL);
	struct page *page = NULL;

	assert_null(vmalloc(0));
	expect_report(MACHINE_WARN, "vmalloc: size 0");
	assert_null(vzalloc(0));
	expect_report(MACHINE_WARN, "vmalloc: size 0");
	vfree(p + PAGE_SIZE);
	expect_report(MACHINE_WARN, "Trying to vfree() nonexistent vm area");
	vfree(k);
	expect_report(MACHINE_WARN, "Trying to vfree()");
	vunmap(p);
	expect_report(MACHINE_WARN, "Trying to vunmap() nonexistent vm area");
	kfree(p);
	expect_report(MACHINE_BUG, "kfree: ");
	assert_null(vmap(&page, 1, VM_MAP, PAGE_KERNEL));
	expect_report(MACHINE_WARN, "vmap: ");
	assert_null(vmalloc_to_page(k));
	assert_int_equal(vmalloc_to_pfn(k), 0);
	assert_null(find_vm_area(k));
	check_pages(p, 3);
	vfree(p);
	vfree(p);
	expect_report(MACHINE_WARN, "Trying to vfree() nonexistent vm area");
	kfree(k);
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_vmalloc),
	cmocka_unit_test(test_vmap),
	cmocka_unit_test(test_walk_of_objects),
	cmocka_unit_test(test_exhausted),
	cmocka_unit_test(test_exhausted_by_own),
	cmocka_unit_test(test_misuse),
};

TEST_GROUP(vmalloc, tests);
