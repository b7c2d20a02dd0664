/* SPDX-License-Identifier: MIT */
/* Devices, windows for HIGHMEM, short mappings and vmalloc's relatives on every backend: each works,
 * runs out and is misused. Depth is in tests/vmalloc. */
#include "conformance.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define P PAGE_SIZE
#define DEVICE 0xfe000000ull

static struct page *pages[1100];

static void check_and_free(char *p, size_t size)
{
	assert_non_null(p);
	memset(p, 7, size);
	assert_non_null(vmalloc_to_page(p + size - 1));
	vfree(p);
}

static void relatives_of_vmalloc(void **state)
{
	struct machine *m = test_boot(PLAIN);
	unsigned long managed, tables = vmalloc_nr_tables(&managed);
	char *p;

	assert_true(tables > managed);
	assert_int_equal(managed, 0);
	check_and_free(vmalloc_user(P), P);
	check_and_free(vmalloc_node(P, 0), P);
	check_and_free(vzalloc_node(P, 0), P);
	check_and_free(vmalloc_32(P), P);
	check_and_free(vmalloc_32_user(P), P);
	check_and_free(vmalloc_huge(3 << 20, GFP_KERNEL), 3 << 20);
	check_and_free(__vmalloc(5 * P, GFP_KERNEL | __GFP_ZERO), 5 * P);
	check_and_free(__vmalloc_array(3, P, GFP_KERNEL), 3 * P);
	check_and_free(vmalloc_array(3, P), 3 * P);
	check_and_free(vcalloc(3, P), 3 * P);
	check_and_free(__vmalloc_node(P, 4 * P, GFP_KERNEL, 0, NULL), P);
	p = __vmalloc_node_range(P, 1, vmalloc_start_addr() + P, vmalloc_end_addr(), GFP_KERNEL,
				 PAGE_KERNEL, 0, NUMA_NO_NODE, NULL);
	assert_true((unsigned long)p > vmalloc_start_addr());
	assert_int_equal(vmalloc_nr_pages(), 1);
	vfree_atomic(p);
	vm_unmap_aliases();
	assert_int_equal(vmalloc_nr_pages(), 0);
	/* They stay. */
	tables = vmalloc_nr_tables(&managed) - tables;
	assert_int_equal(tables, managed);
	assert_true(managed >= 2);
	test_shutdown(m, 0);
}

static void relatives_misused(void **state)
{
	struct machine *m = test_boot(PLAIN);
	char buf[16];
	char *p = vmalloc(P);

	assert_null(vmalloc_user(0));
	assert_null(vmalloc_node(0, 0));
	assert_null(vzalloc_node(0, 0));
	assert_null(vmalloc_32(0));
	assert_null(vmalloc_32_user(0));
	assert_null(vmalloc_huge(0, GFP_KERNEL));
	assert_null(__vmalloc(0, GFP_KERNEL));
	assert_null(__vmalloc_node(0, 1, GFP_KERNEL, 0, NULL));
	expect_reports(8, MACHINE_WARN, "vmalloc: size 0");
	assert_null(__vmalloc_array(SIZE_MAX, 2, GFP_KERNEL));
	assert_null(vmalloc_array(SIZE_MAX, 2));
	assert_null(vcalloc(SIZE_MAX, 2));
	expect_no_reports();
	assert_null(__vmalloc_node_range(P, 1, 0, 1, GFP_KERNEL, PAGE_KERNEL, 0, 0, NULL));
	expect_report(MACHINE_WARN, "does not lie in the vmalloc region");
	vfree_atomic(p + P);
	expect_report(MACHINE_WARN, "inside an area");
	assert_int_equal(vread(buf, buf, 16), 0);
	assert_int_equal(copy_vmalloc_range(buf, p, 16, 0), -EINVAL);
	vfree(p);
	test_shutdown(m, 0);
}

static void reading_areas(void **state)
{
	struct machine *m = test_boot(PLAIN);
	char *p = vmalloc_user(2 * P), buf[32];

	memset(p + P, 'a', P);
	assert_int_equal(vread(buf, p + P - 16, 32), 32);
	assert_int_equal(buf[15], 0);
	assert_int_equal(buf[16], 'a');
	assert_int_equal(copy_vmalloc_range(buf, p, 32, 1), 0);
	assert_int_equal(buf[0], 'a');
	vfree(p);
	test_shutdown(m, 0);
}

/* --- short mappings --------------------------------------------------------------------------- */

static void mapped_for_a_while(void **state)
{
	struct machine *m = test_boot("x86_64 ram=1M-128M cpus=2 cmdline=mem=120M");
	unsigned long pfns[2] = {0x7f00, 0x7900};
	char *p;

	assert_int_equal(alloc_pages_bulk_array(GFP_KERNEL, 70, pages), 70);
	p = vm_map_ram(pages, 3, NUMA_NO_NODE);
	p[2 * P] = 'x';
	assert_int_equal(*(char *)page_address(pages[2]), 'x');
	vm_unmap_ram(p, 3);
	vm_unmap_ram(p, 3);
	expect_report(MACHINE_BUG, "are not mapped by vm_map_ram()");
	p = vm_map_ram(pages, 70, NUMA_NO_NODE);
	vm_unmap_ram(p, 70);
	assert_null(vm_map_ram(pages, 0, NUMA_NO_NODE));
	expect_report(MACHINE_WARN, "vm_map_ram: no pages");
	while (pages[0])
		for (unsigned int i = 0; i < 70; i++) {
			__free_page(pages[i]);
			pages[i] = NULL;
		}
	p = vmap_pfn(pfns, 2, PAGE_KERNEL);
	assert_non_null(p);
	p[P] = 'y';
	assert_int_equal(vmalloc_to_pfn(p + P), pfns[1]);
	vunmap(p);
	pfns[0] = 0x3000;
	assert_null(vmap_pfn(pfns, 2, PAGE_KERNEL));
	expect_report(MACHINE_WARN, "is RAM");
	test_shutdown(m, 0);
}

/* --- devices ---------------------------------------------------------------------------------- */

static uint64_t answer(void *arg, uint64_t offset, unsigned int size)
{
	uint64_t value = 0;

	memcpy(&value, (char *)arg + offset, size);
	return value;
}

static void keep(void *arg, uint64_t offset, unsigned int size, uint64_t value)
{
	memcpy((char *)arg + offset, &value, size);
}

static const struct machine_device_ops ops = {answer, keep};

static void devices(void **state)
{
	static void *(*const functions[])(phys_addr_t, unsigned long) = {
		ioremap, ioremap_uc, ioremap_wc, ioremap_wt, ioremap_cache,
	};
	struct machine *m = test_boot(PLAIN);
	char regs[P] = {0}, buf[8];

	assert_int_equal(machine_device_add(DEVICE, P, &ops, regs), 0);
	for (unsigned int i = 0; i < 5; i++) {
		char *io = functions[i](DEVICE, P);

		assert_non_null(io);
		writeb(0x12, io);
		writew(0x3456, io + 2);
		writel(0x789abcde, io + 4);
		writeq(0x1122334455667788, io + 8);
		assert_int_equal(readb(io), 0x12);
		assert_int_equal(readw(io + 2), 0x3456);
		assert_int_equal(readl(io + 4), 0x789abcde);
		assert_int_equal(readq(io + 8), 0x1122334455667788);
		memcpy_toio(io + 16, "device", 7);
		memcpy_fromio(buf, io + 16, 7);
		assert_string_equal(buf, "device");
		memset_io(io + 16, 'z', 3);
		assert_memory_equal(regs + 16, "zzzice", 6);
		iounmap(io);
	}
	assert_int_equal(machine_device_remove(DEVICE), 0);
	test_shutdown(m, 0);
}

static void devices_misused(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct page *page = alloc_page(GFP_KERNEL);
	char *io = ioremap(DEVICE, P), byte;

	assert_int_equal(machine_device_add(1, P, &ops, NULL), -EINVAL);
	assert_int_equal(machine_device_add(page_to_phys(page), P, &ops, NULL), -EBUSY);
	assert_int_equal(machine_device_remove(DEVICE), -ENOENT);
	assert_null(ioremap(page_to_phys(page), 1));
	assert_null(ioremap_uc(page_to_phys(page), 1));
	assert_null(ioremap_wc(page_to_phys(page), 1));
	assert_null(ioremap_wt(page_to_phys(page), 1));
	assert_null(ioremap_cache(page_to_phys(page), 1));
	expect_reports(5, MACHINE_WARN, "ioremap on RAM at");
	iounmap(io);
	iounmap(io);
	expect_report(MACHINE_WARN, "iounmap: bad address");
	assert_int_equal(readb(io), 0xff);
	assert_int_equal(readw(io), 0xffff);
	assert_int_equal(readl(io), 0xffffffff);
	assert_int_equal(readq(io), UINT64_MAX);
	memcpy_fromio(&byte, io, 1);
	expect_reports(5, MACHINE_BUG, "unable to handle page fault");
	writeb(0, io);
	writew(0, io);
	writel(0, io);
	writeq(0, io);
	memcpy_toio(io, &byte, 1);
	memset_io(io, 0, 1);
	expect_reports(6, MACHINE_BUG, "unable to handle page fault");
	__free_page(page);
	test_shutdown(m, 0);
}

/* --- faults of the host ------------------------------------------------------------------------ */

static int to_parent;

static enum machine_verdict tell_parent(struct machine *m, const struct machine_report *r, void *arg)
{
	(void)m;
	(void)arg;
	if (write(to_parent, r->text, strlen(r->text)) < 0)
		_exit(3);
	return MACHINE_CONTINUE;
}

/* In a child: a machine on a memfd does not come along. */
static void touch_guard_page(void)
{
	struct machine *m;
	char *p;

	if (machine_boot_text(PLAIN, &m, NULL))
		_exit(2);
	machine_set_report_handler(m, tell_parent, NULL);
	if (machine_report_faults(true) || machine_report_faults(false) || machine_report_faults(true))
		_exit(2);
	p = vmalloc(PAGE_SIZE);
	p[0] = 1;
	((volatile char *)p)[PAGE_SIZE] = 1;
	_exit(0);
}

static void touching_a_guard_page_is_reported(void **state)
{
	char text[512] = "";
	int fds[2], status;
	ssize_t n;
	pid_t child;

	assert_int_equal(pipe(fds), 0);
	to_parent = fds[1];
	child = fork();
	if (!child) {
		/* cmocka's handler, or a sanitizer's, would go on with the next test. */
		signal(SIGSEGV, SIG_DFL);
		touch_guard_page();
	}
	close(fds[1]);
	n = read(fds[0], text, sizeof(text) - 1);
	close(fds[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	assert_true(n > 0);
	assert_non_null(strstr(text, "BUG: unable to handle page fault for address: ffffc90000001000\n"
				     "#PF: supervisor write access in kernel mode\n"
				     "#PF: error_code(0x0002) - not-present page\n"));
}

/* --- HIGHMEM ---------------------------------------------------------------------------------- */

static void windows_for_highmem(void **state)
{
	struct machine *m = test_boot("x86_32 mem=1G");
	struct page *page = alloc_page(GFP_HIGHUSER);
	char *p = kmap(page), *q, *r;

	assert_true(PageHighMem(page));
	assert_non_null(p);
	*p = 'a';
	q = kmap_local_page(page);
	assert_int_equal(*q, 'a');
	r = kmap_atomic(page);
	*r = 'b';
	assert_int_equal(*p, 'b');
	kunmap_atomic(r);
	kunmap_local(q);
	assert_ptr_equal(kmap_to_page(p), page);
	assert_ptr_equal(page_address(page), p);
	kunmap(page);
	kmap_flush_unused();
	assert_null(page_address(page));
	__free_page(page);
	test_shutdown(m, 0);
}

static void windows_run_out(void **state)
{
	struct machine *m = test_boot("x86_32 mem=1G");
	char *local[16];

	for (unsigned int i = 0; i < 1025; i++)
		pages[i] = alloc_page(GFP_HIGHUSER);
	for (unsigned int i = 0; i < 1024; i++)
		assert_non_null(kmap(pages[i]));
	assert_null(kmap(pages[1024]));
	expect_report(MACHINE_BUG, "kmap: all 1024 entries are in use");
	for (unsigned int i = 0; i < 1024; i++)
		kunmap(pages[i]);
	for (unsigned int i = 0; i < 16; i++)
		local[i] = kmap_local_page(pages[i]);
	assert_null(kmap_local_page(pages[16]));
	assert_null(kmap_atomic(pages[16]));
	expect_reports(2, MACHINE_BUG, "kmap_local_page: all 16 windows");
	for (unsigned int i = 16; i--;)
		kunmap_local(local[i]);
	for (unsigned int i = 0; i < 1025; i++)
		__free_page(pages[i]);
	test_shutdown(m, 0);
}

static void windows_misused(void **state)
{
	struct machine *m = test_boot("x86_32 mem=1G");
	struct page *page = alloc_page(GFP_HIGHUSER), *other = alloc_page(GFP_HIGHUSER);
	char *p, *q;

	kunmap(page);
	expect_report(MACHINE_BUG, "is not mapped by kmap()");
	irq_enter();
	assert_null(kmap(page));
	expect_report(MACHINE_BUG, "kmap: called in an interrupt");
	irq_exit();
	p = kmap_local_page(page);
	q = kmap_atomic(other);
	kunmap_local(p);
	expect_report(MACHINE_BUG, "it is not the thread's last mapping");
	kunmap_atomic(q);
	kunmap_local(p);
	preempt_disable();
	kunmap_atomic(p);
	expect_report(MACHINE_BUG, "nothing is mapped there");
	assert_null(kmap_to_page(&p));
	__free_page(page);
	__free_page(other);
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(relatives_of_vmalloc),
	cmocka_unit_test(relatives_misused),
	cmocka_unit_test(reading_areas),
	cmocka_unit_test(mapped_for_a_while),
	cmocka_unit_test(devices),
	cmocka_unit_test(devices_misused),
	cmocka_unit_test(touching_a_guard_page_is_reported),
	cmocka_unit_test(windows_for_highmem),
	cmocka_unit_test(windows_run_out),
	cmocka_unit_test(windows_misused),
};

TEST_GROUP(mapping, tests);
