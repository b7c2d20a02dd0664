/* SPDX-License-Identifier: MIT */
/* src/vmalloc/vmalloc.c: vmalloc() may sleep and is not for interrupts; vfree() is, and then
 * waits. */
#include "vmalloc_test.h"

#define INVALID "BUG: sleeping function called from invalid context at "

static struct page *page;

static void *by_vmalloc(void)
{
	return vmalloc(3 * P);
}

static void *by_vzalloc(void)
{
	return vzalloc(1000 * P);
}

static void *by_vmap(void)
{
	return vmap(&page, 1, VM_MAP, PAGE_KERNEL);
}

static void free_it(void *p)
{
	if (find_vm_area(p)->flags == VM_MAP)
		vunmap(p);
	else
		vfree(p);
}

static void *(*const calls[])(void) = {by_vmalloc, by_vzalloc, by_vmap};

static void test_atomic(void **state)
{
	struct machine *m = test_boot("mem=64M");
	void *p;

	page = alloc_page(GFP_KERNEL);
	for (unsigned int i = 0; i < 3; i++) {
		preempt_disable();
		p = calls[i]();
		expect_report(MACHINE_WARN, INVALID);
		assert_non_null(p);
		free_it(p);
		expect_report(MACHINE_WARN, INVALID);
		vm_unmap_aliases();
		expect_report(MACHINE_WARN, INVALID);
		preempt_enable();
		free_it(calls[i]());
		expect_no_reports();
	}
	__free_page(page);
	test_shutdown(m, 0);
}

static void test_interrupt(void **state)
{
	struct machine *m = test_boot("mem=64M");
	char *mapping;

	page = alloc_page(GFP_KERNEL);
	mapping = by_vmap();
	irq_enter();
	for (unsigned int i = 0; i < 3; i++) {
		assert_null(calls[i]());
		expect_report(MACHINE_BUG, i == 2 ? "vmap: called in an interrupt" :
						    "vmalloc: called in an interrupt");
	}
	vunmap(mapping);
	expect_report(MACHINE_BUG, "vunmap: called in an interrupt");
	vm_unmap_aliases();
	expect_report(MACHINE_BUG, "vm_unmap_aliases: called in an interrupt");
	irq_exit();
	check_area(mapping, P, 1);
	vunmap(mapping);
	__free_page(page);
	test_shutdown(m, 0);
}

static void test_vfree_in_interrupt(void **state)
{
	struct machine *m = test_boot("mem=64M isolate_metadata=1");
	unsigned long free_pages = test_free_pages();
	char *p = vmalloc(100 * P), *q = vmalloc(P);

	irq_enter();
	vfree(p);
	expect_no_reports();
	assert_null(find_vm_area(p));
	vfree(p);
	expect_report(MACHINE_WARN, "nonexistent vm area");
	vfree(q + 1);
	expect_report(MACHINE_WARN, "bad address");
	vfree(q);
	irq_exit();
	drain_all_pages();
	assert_int_equal(nr_free_pages(), free_pages - 101);
	/* The next call in a task does the work. */
	vm_unmap_aliases();
	drain_all_pages();
	assert_int_equal(nr_free_pages(), free_pages);
	p = vmalloc(P);
	assert_int_equal(ptr_to_kva(p), VMALLOC_KVA);
	local_bh_disable();
	vfree(p);
	local_bh_enable();
	vfree(vmalloc(P));
	vm_unmap_aliases();
	assert_int_equal(test_free_pages(), free_pages);
	test_shutdown(m, 0);
}

/* Shutdown does it too, in whatever context. */
static void test_shutdown_with_deferred(void **state)
{
	struct machine *m = test_boot("mem=64M");
	char *p = vmalloc(100 * P);

	assert_non_null(vmalloc(P));
	irq_enter();
	vfree(p);
	assert_int_equal(machine_shutdown(m), 1);
	irq_exit();
	assert_true(test_state.nr_reports > 0);
	test_state.nr_reports = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_atomic),
		cmocka_unit_test(test_interrupt),
		cmocka_unit_test(test_vfree_in_interrupt),
		cmocka_unit_test(test_shutdown_with_deferred),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
