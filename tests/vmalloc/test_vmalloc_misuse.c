/* SPDX-License-Identifier: MIT */
/* src/vmalloc/vmalloc.c: every wrong call is reported once and changes nothing. */
#include "vmalloc_test.h"

static struct machine *m;
static char *area, *mapping, *object;
static struct page *page;

static void start(void)
{
	m = test_boot("mem=64M");
	area = vmalloc(3 * P);
	page = alloc_page(GFP_KERNEL);
	mapping = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	object = kmalloc(64, GFP_KERNEL);
}

/* All is as it was: the good calls work. */
static void finish(void)
{
	check_area(area, 3 * P, 9);
	check_area(mapping, P, 8);
	vfree(area);
	vunmap(mapping);
	__free_page(page);
	kfree(object);
	vm_unmap_aliases();
	test_shutdown(m, 0);
}

static void test_bad_vfree(void **state)
{
	int local;

	start();
	vfree(area + 1);
	expect_report(MACHINE_WARN, "Trying to vfree() bad address (0xffffc90000000001)");
	vfree(area + P);
	expect_report(MACHINE_WARN, "Trying to vfree() nonexistent vm area (0xffffc90000001000): "
				    "it lies inside an area");
	vfree(area + 3 * P);
	expect_report(MACHINE_WARN, "inside an area");
	vfree(mapping);
	expect_report(MACHINE_WARN, "Trying to vfree() nonexistent vm area (0xffffc90000004000): "
				    "that is vunmap()'s");
	vfree(mapping + 100 * P);
	expect_report(MACHINE_WARN, "Trying to vfree() nonexistent vm area");
	vfree((char *)((uintptr_t)object & PAGE_MASK));
	expect_report(MACHINE_WARN, "nonexistent vm area (0xffff8880");
	vfree((void *)((uintptr_t)&local & PAGE_MASK));
	expect_report(MACHINE_WARN, sizeof(void *) == 8 ? "nonexistent vm area (0x7f" : "nonexistent vm area (0xf");
	vfree(NULL);
	expect_no_reports();
	finish();
}

static void test_bad_vunmap(void **state)
{
	start();
	vunmap(mapping + 7);
	expect_report(MACHINE_WARN, "Trying to vunmap() bad address");
	vunmap(area);
	expect_report(MACHINE_WARN, "Trying to vunmap() nonexistent vm area (0xffffc90000000000): "
				    "that is vfree()'s");
	vunmap(mapping + P);
	expect_report(MACHINE_WARN, "inside an area");
	vunmap(NULL);
	expect_no_reports();
	finish();
}

static void test_double_free(void **state)
{
	char *p;

	start();
	p = vmalloc(P);
	vfree(p);
	vfree(p);
	expect_report(MACHINE_WARN, "nonexistent vm area");
	vm_unmap_aliases();
	vfree(p);
	expect_report(MACHINE_WARN, "nonexistent vm area");
	finish();
}

/* Another allocator's function for our pointer, ours for another's. */
static void test_wrong_allocator(void **state)
{
	start();
	kfree(area);
	expect_report(MACHINE_BUG, "pointer is in no slab");
	free_pages((unsigned long)area, 0);
	expect_report(MACHINE_BUG, "is not the address of a page");
	finish();
}

static void test_zero(void **state)
{
	start();
	assert_null(vmalloc(0));
	expect_report(MACHINE_WARN, "vmalloc: size 0");
	assert_null(vzalloc(0));
	expect_report(MACHINE_WARN, "vmalloc: size 0");
	finish();
}

static void test_bad_vmap(void **state)
{
	struct page *pages[3];

	start();
	for (unsigned int i = 0; i < 3; i++)
		pages[i] = page;
	assert_null(vmap(pages, 0, VM_MAP, PAGE_KERNEL));
	assert_null(vmap(pages, UINT_MAX, VM_MAP, PAGE_KERNEL));
	expect_no_reports();
	assert_null(vmap(pages, 3, VM_ALLOC, PAGE_KERNEL));
	expect_report(MACHINE_WARN, "vmap: unknown flags");
	assert_null(vmap(pages, 3, VM_MAP, PAGE_KERNEL & ~X86_PTE_P));
	expect_report(MACHINE_WARN, "vmap: no protection");
	assert_null(vmap(pages, 3, VM_MAP, PAGE_KERNEL | P));
	expect_report(MACHINE_WARN, "vmap: no protection");
	pages[1] = NULL;
	assert_null(vmap(pages, 3, VM_MAP, PAGE_KERNEL));
	expect_report(MACHINE_WARN, "vmap: a pointer to no page");
	pages[1] = (struct page *)((char *)page + 8);
	assert_null(vmap(pages, 3, VM_MAP, PAGE_KERNEL));
	expect_report(MACHINE_WARN, "vmap: a pointer to no page");
	pages[1] = (struct page *)pages;
	assert_null(vmap(pages, 3, VM_MAP, PAGE_KERNEL));
	expect_report(MACHINE_WARN, "vmap: a pointer to no page");
	finish();
}

/* Areas that were never freed are leaks: one report each, and their pages are not counted twice. */
static void test_leaks(void **state)
{
	start();
	kfree(object);
	__free_page(page);
	assert_int_equal(machine_shutdown(m), 2);
	assert_int_equal(test_state.nr_reports, 2);
	assert_non_null(strstr(test_state.reports[0].title,
			       "vmalloc: area 0xffffc90000000000-0xffffc90000004000 of "));
	assert_non_null(strstr(test_state.reports[0].title,
			       "(12288 bytes, vmalloc) was never freed"));
	assert_non_null(strstr(test_state.reports[1].title, "(4096 bytes, vmap) was never freed"));
	test_state.nr_reports = 0;
	/* A large one with its array counts once. */
	m = test_boot("mem=64M");
	assert_non_null(vmalloc(1000 * P));
	assert_int_equal(machine_shutdown(m), 1);
	expect_report(MACHINE_WARN, "(4096000 bytes, vmalloc) was never freed");
}

static void test_two_machines(void **state)
{
	struct machine *other;
	char *p;

	start();
	other = test_boot("mem=16M");
	p = vmalloc(P);
	assert_int_equal(ptr_to_kva(p), VMALLOC_KVA);
	assert_int_equal(ptr_to_kva(area), 0);
	assert_false(is_vmalloc_addr(area));
	vfree(area);
	expect_report(MACHINE_WARN, "nonexistent vm area");
	vfree(p);
	test_shutdown(other, 0);
	assert_int_equal(machine_enter(m), 0);
	finish();
}

static void test_no_machine(void **state)
{
	test_catch_all();
	assert_null(vmalloc(P));
	assert_null(vzalloc(P));
	assert_null(vmap(&page, 1, VM_MAP, PAGE_KERNEL));
	vfree(test_heard);
	vm_unmap_aliases();
	expect_reports(5, MACHINE_WARN, "no machine entered");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_vfree),
		cmocka_unit_test(test_bad_vunmap),
		cmocka_unit_test(test_double_free),
		cmocka_unit_test(test_wrong_allocator),
		cmocka_unit_test(test_zero),
		cmocka_unit_test(test_bad_vmap),
		cmocka_unit_test(test_leaks),
		cmocka_unit_test(test_two_machines),
		cmocka_unit_test(test_no_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
