/* SPDX-License-Identifier: MIT */
/* src/vmalloc/vmap_block.c: what a CPU's blocks give out, when they die, and what a purge does. */
#include "vmalloc_test.h"

#include "lib/kernel.h"
#include "vmalloc/vmalloc.h"

#define BLOCK (4ul << 20)

static struct machine *m;
static struct page *pages[200];

static void start(const char *machine)
{
	m = test_boot(machine);
	memset(pages, 0, sizeof(pages));
	assert_int_equal(alloc_pages_bulk_array(GFP_KERNEL, 200, pages), 200);
}

static void finish(void)
{
	for (unsigned int i = 0; i < 200; i++)
		__free_page(pages[i]);
	vm_unmap_aliases();
	test_shutdown(m, 0);
}

static kva_t at(const void *p)
{
	return ptr_to_kva(p) - arch_kernel()->arch->vmalloc_base;
}

/* Powers of two, one after the other, from a block aligned to its size. */
static void test_give_out(void **state)
{
	char *a, *b, *c;

	start("mem=64M");
	a = vm_map_ram(pages, 3, NUMA_NO_NODE);
	b = vm_map_ram(pages + 10, 1, NUMA_NO_NODE);
	c = vm_map_ram(pages, 64, NUMA_NO_NODE);
	assert_true(a && b && c);
	assert_int_equal(at(a), 0);
	assert_int_equal(at(b), 4 * P);
	assert_int_equal(at(c), 5 * P);
	a[2 * P] = 5;
	assert_int_equal(c[2 * P], 5);
	assert_int_equal(*(char *)page_address(pages[2]), 5);
	assert_ptr_equal(vmalloc_to_page(b), pages[10]);
	assert_null(find_vm_area(a));
	vm_unmap_ram(a, 3);
	assert_null(vmalloc_to_page(a));
	/* Not used again, whatever is free. */
	a = vm_map_ram(pages, 3, NUMA_NO_NODE);
	assert_int_equal(at(a), 69 * P);
	vm_unmap_ram(a, 3);
	vm_unmap_ram(b, 1);
	vm_unmap_ram(c, 64);
	finish();
}

/* A block that was given out and unmapped is dead; so is, at a purge, one without users. */
static void test_blocks_die(void **state)
{
	char *p, *q;

	start("mem=64M");
	for (unsigned int i = 0; i < 1024 / 64; i++) {
		p = vm_map_ram(pages, 64, NUMA_NO_NODE);
		assert_int_equal(at(p), i * 64 * P);
		vm_unmap_ram(p, 64);
	}
	p = vm_map_ram(pages, 2, NUMA_NO_NODE);
	assert_int_equal(at(p), BLOCK);
	vm_unmap_aliases();
	/* The first block's addresses are free again, the second is in use. */
	q = vmalloc(P);
	assert_int_equal(at(q), 0);
	vfree(q);
	q = vm_map_ram(pages, 2, NUMA_NO_NODE);
	assert_int_equal(at(q), BLOCK + 2 * P);
	vm_unmap_ram(p, 2);
	assert_true(host_readable(p));
	vm_unmap_aliases();
	assert_false(host_readable(p));
	assert_true(host_readable(q));
	vm_unmap_ram(q, 2);
	vm_unmap_aliases();
	q = vm_map_ram(pages, 2, NUMA_NO_NODE);
	assert_int_equal(at(q), 0);
	vm_unmap_ram(q, 2);
	finish();
}

/* More than 64 pages are an area of their own, without a guard page. */
static void test_large(void **state)
{
	char *p, *q;

	start("mem=64M");
	p = vm_map_ram(pages, 65, NUMA_NO_NODE);
	q = vm_map_ram(pages, 200, NUMA_NO_NODE);
	assert_int_equal(at(q), at(p) + 65 * P);
	q[199 * P] = 9;
	assert_int_equal(*(char *)page_address(pages[199]), 9);
	vm_unmap_ram(p, 65);
	vm_unmap_ram(q, 200);
	finish();
}

/* Each CPU has a block of its own; any may unmap. */
static void test_cpus(void **state)
{
	char *p, *q;

	start("mem=64M cpus=3");
	p = vm_map_ram(pages, 1, NUMA_NO_NODE);
	cpu_migrate(2);
	q = vm_map_ram(pages, 1, NUMA_NO_NODE);
	assert_int_equal(at(p), 0);
	assert_int_equal(at(q), BLOCK);
	vm_unmap_ram(p, 1);
	cpu_migrate(0);
	vm_unmap_ram(q, 1);
	finish();
}

static void expect_refused(const char *p, unsigned int count)
{
	vm_unmap_ram(p, count);
	expect_report(MACHINE_BUG, "are not mapped by vm_map_ram()");
}

static void test_misuse(void **state)
{
	char *p, *q, *big;

	start("mem=64M");
	p = vm_map_ram(pages, 4, NUMA_NO_NODE);
	q = vm_map_ram(pages, 4, NUMA_NO_NODE);
	big = vm_map_ram(pages, 100, NUMA_NO_NODE);
	expect_refused(NULL, 4);
	expect_refused(p, 0);
	expect_refused(p + 1, 4);
	expect_refused(p + P, 2);
	expect_refused(p, 2);
	expect_refused(p, 8);
	expect_refused(q, 8);
	expect_refused(big, 99);
	expect_refused(big + P, 99);
	expect_refused((char *)page_address(pages[0]), 1);
	vfree(p);
	expect_report(MACHINE_WARN, "nonexistent vm area");
	assert_ptr_equal(vmalloc_to_page(p), pages[0]);
	vm_unmap_ram(p, 4);
	expect_refused(p, 4);
	vm_unmap_ram(q, 4);
	vm_unmap_ram(big, 100);
	expect_refused(big, 100);
	assert_null(vm_map_ram(pages, 0, NUMA_NO_NODE));
	expect_report(MACHINE_WARN, "vm_map_ram: no pages");
	irq_enter();
	assert_null(vm_map_ram(pages, 1, NUMA_NO_NODE));
	expect_report(MACHINE_BUG, "vm_map_ram: called in an interrupt");
	irq_exit();
	finish();
}

static void test_leak(void **state)
{
	start("mem=64M");
	assert_non_null(vm_map_ram(pages, 3, NUMA_NO_NODE));
	assert_non_null(vm_map_ram(pages, 70, NUMA_NO_NODE));
	for (unsigned int i = 0; i < 200; i++)
		__free_page(pages[i]);
	assert_int_equal(machine_shutdown(m), 2);
	assert_int_equal(test_state.nr_reports, 2);
	assert_non_null(strstr(test_state.reports[0].title, "4 pages of vm_map_ram()"));
	assert_non_null(strstr(test_state.reports[1].title, "(286720 bytes, vm_map_ram)"));
	test_state.nr_reports = 0;
}

static void test_other_machines(void **state)
{
	char *p;

	start("mem=64M backing=private");
	test_state.nr_log = 0;
	assert_null(vm_map_ram(pages, 1, NUMA_NO_NODE));
	assert_int_equal(test_state.nr_log, 1);
	finish();
	start("x86_32 mem=1G");
	p = vm_map_ram(pages, 64, NUMA_NO_NODE);
	assert_non_null(p);
	assert_ptr_equal(vmalloc_to_page(p + 63 * P), pages[63]);
	vm_unmap_ram(p, 64);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_give_out), cmocka_unit_test(test_blocks_die),
		cmocka_unit_test(test_large),	 cmocka_unit_test(test_cpus),
		cmocka_unit_test(test_misuse),	 cmocka_unit_test(test_leak),
		cmocka_unit_test(test_other_machines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
