/* SPDX-License-Identifier: MIT */
/* src/vmalloc/ioremap.c, src/sim/device.c: devices, hidden RAM, and what may not be mapped. */
#include "vmalloc_test.h"

#include "lib/kernel.h"
#include "vmalloc/vmalloc.h"

#include <kmem/io.h>

#define MIB (1ull << 20)
#define DEVICE 0xfe000000ull

/* A device of 32-bit registers that remembers its last access. */
struct regs {
	uint32_t value[1024];
	uint64_t offset;
	unsigned int size, reads, writes;
};

static uint64_t regs_read(void *arg, uint64_t offset, unsigned int size)
{
	struct regs *r = arg;
	uint64_t value = 0;

	r->offset = offset;
	r->size = size;
	r->reads++;
	memcpy(&value, (char *)r->value + offset, size);
	return value;
}

static void regs_write(void *arg, uint64_t offset, unsigned int size, uint64_t value)
{
	struct regs *r = arg;

	r->offset = offset;
	r->size = size;
	r->writes++;
	memcpy((char *)r->value + offset, &value, size);
}

static const struct machine_device_ops regs_ops = {regs_read, regs_write};

static uint64_t leaf_of(const void *p)
{
	struct vmalloc *v = arch_kernel()->vmalloc;
	unsigned int shift;

	return pgtable_lookup(&v->pgtable, window_kva(arch_kernel(), p), &shift);
}

static void check_device(const char *machine)
{
	struct machine *m = test_boot(machine);
	struct regs r = {.value = {0x12345678}};
	char *io, buf[64];

	assert_int_equal(machine_device_add(DEVICE, P, &regs_ops, &r), 0);
	io = ioremap(DEVICE, 0x100);
	assert_non_null(io);
	assert_int_equal(readl(io), 0x12345678);
	assert_int_equal(r.size, 4);
	assert_int_equal(readb(io + 3), 0x12);
	assert_int_equal(readw(io + 1), 0x3456);
	writel(0xcafe, io + 0x80);
	assert_int_equal(r.offset, 0x80);
	assert_int_equal(r.value[0x20], 0xcafe);
	writeq(0x1122334455667788, io + 8);
	assert_int_equal(r.size, 8);
	assert_int_equal(readq(io + 8), 0x1122334455667788);
	writew(0xabcd, io + 9);
	writeb(1, io + 15);
	assert_int_equal(readq(io + 8), 0x0122334455abcd88);
	/* 1 + 2 + 4 + 4 + 2: as wide as the device's addresses allow. */
	r.reads = r.writes = 0;
	memcpy_toio(io + 33, "ThirteenBytes", 13);
	assert_int_equal(r.writes, 5);
	memcpy_fromio(buf, io + 33, 13);
	assert_int_equal(r.reads, 5);
	assert_memory_equal(buf, "ThirteenBytes", 13);
	memset_io(io + 64, 0x5a, 8);
	assert_int_equal(readq(io + 64), 0x5a5a5a5a5a5a5a5a);
	/* vread() leaves devices alone. */
	r.reads = 0;
	assert_int_equal(vread(buf, io, 64), 64);
	assert_int_equal(r.reads + (unsigned int)buf[0], 0);
	iounmap(io);
	assert_int_equal(readl(io), UINT32_MAX);
	expect_report(MACHINE_BUG, "unable to handle page fault for address");
	writel(1, io);
	expect_report(MACHINE_BUG, "supervisor write access");
	assert_int_equal(machine_device_remove(DEVICE), 0);
	assert_int_equal(machine_device_remove(DEVICE), -ENOENT);
	/* Nobody answers. */
	io = ioremap(DEVICE + 12, 4);
	assert_int_equal(readl(io), UINT32_MAX);
	writel(0, io);
	iounmap(io);
	test_shutdown(m, 0);
}

static void test_device(void **state)
{
	check_device("mem=64M");
	check_device("mem=64M backing=private");
	check_device("x86_32 mem=64M");
	check_device("x86_32_pae mem=64M");
	check_device("x86_64_la57 mem=64M");
}

/* What the device was asked since reset(): its last offset and size, and how many times. */
static void expect_asked(struct regs *r, unsigned int reads, unsigned int writes, uint64_t offset,
			 unsigned int size)
{
	assert_int_equal(r->reads, reads);
	assert_int_equal(r->writes, writes);
	assert_int_equal(r->offset, offset);
	assert_int_equal(r->size, size);
	r->reads = r->writes = 0;
}

static void read_device(kva_t kva, void *to, size_t size)
{
	struct mmu_outcome out;

	assert_int_equal(mmu_read(kva, to, size, 0, &out), 0);
	assert_int_equal(out.done, size);
}

static void write_device(kva_t kva, const void *from, size_t size)
{
	struct mmu_outcome out;

	assert_int_equal(mmu_write(kva, from, size, 0, &out), 0);
	assert_int_equal(out.done, size);
}

/* mmu_read() and mmu_write() of a device's addresses are calls of its functions. */
static void check_device_by_mmu(const char *machine)
{
	struct machine *m = test_boot(machine);
	struct regs r = {.value = {0x12345678}}, next = {.value = {0xaabbccdd}};
	unsigned char buf[64], bytes[2 * P];
	struct mmu_outcome out;
	uint64_t value = 0;
	char *io;
	kva_t kva;

	assert_int_equal(machine_device_add(DEVICE, P, &regs_ops, &r), 0);
	io = ioremap(DEVICE, 3 * P);
	kva = window_kva(arch_kernel(), io);
	/* A register's width: one call, whatever the alignment. */
	for (unsigned int size = 1; size <= 8; size *= 2) {
		for (unsigned int at = 0; at < 8; at++) {
			value = 0x1122334455667788;
			write_device(kva + 16 + at, &value, size);
			expect_asked(&r, 0, 1, 16 + at, size);
			value = 0;
			read_device(kva + 16 + at, &value, size);
			expect_asked(&r, 1, 0, 16 + at, size);
			assert_int_equal(value, 0x1122334455667788 & UINT64_MAX >> (64 - 8 * size));
		}
	}
	read_device(kva, &value, 4);
	assert_int_equal((uint32_t)value, 0x12345678);
	r.reads = 0;
	/* Other sizes: 1 + 2 + 4 + 8 + 2 + 1. */
	for (unsigned int i = 0; i < 18; i++)
		buf[i] = (unsigned char)(i + 1);
	write_device(kva + 33, buf, 18);
	expect_asked(&r, 0, 6, 50, 1);
	assert_memory_equal((char *)r.value + 33, buf, 18);
	read_device(kva + 33, buf + 20, 18);
	expect_asked(&r, 6, 0, 50, 1);
	assert_memory_equal(buf + 20, buf, 18);
	/* Instructions, too, where there is no NX. */
	if (arch_kernel()->arch->desc->mode == MACHINE_MODE_32) {
		assert_int_equal(mmu_fetch(kva, buf, 4, 0, &out), 0);
		assert_memory_equal(buf, r.value, 4);
		expect_asked(&r, 1, 0, 0, 4);
	} else {
		assert_int_equal(mmu_fetch(kva, buf, 4, 0, &out), -EFAULT);
		assert_int_equal(out.error_code, X86_PF_PROT | X86_PF_INSTR);
		expect_asked(&r, 0, 0, 50, 1);
	}
	/* Over the end of the device: nobody answers behind it. */
	read_device(kva + P - 2, &value, 8);
	assert_int_equal(value >> 16, UINT64_MAX >> 16);
	expect_asked(&r, 1, 0, P - 2, 2);
	/* Another device there: each is asked for its own part. */
	assert_int_equal(machine_device_add(DEVICE + P, P, &regs_ops, &next), 0);
	value = 0x1122334455667788;
	write_device(kva + P - 3, &value, 8);
	expect_asked(&r, 0, 2, P - 2, 2);
	expect_asked(&next, 0, 2, 4, 1);
	value = 0;
	read_device(kva + P - 3, &value, 8);
	assert_int_equal(value, 0x1122334455667788);
	expect_asked(&r, 2, 0, P - 2, 2);
	expect_asked(&next, 2, 0, 4, 1);
	/* A whole device at once, and one page without any. */
	assert_int_equal(mmu_read(kva + P, bytes, 2 * P, 0, &out), 0);
	assert_int_equal(next.reads, P / 8);
	assert_memory_equal(bytes, next.value, P);
	assert_int_equal(bytes[P], 0xff);
	assert_int_equal(bytes[2 * P - 1], 0xff);
	/* What is not mapped, or not for users, asks nobody. */
	next.reads = r.reads = 0;
	assert_int_equal(mmu_read(kva + 3 * P - 4, buf, 8, 0, &out), -EFAULT);
	assert_int_equal(mmu_read(kva, buf, 4, MMU_USER, &out), -EFAULT);
	assert_int_equal(out.error_code, X86_PF_PROT | X86_PF_USER);
	assert_int_equal(mmu_read(kva - 4, buf, 8, 0, &out), -EFAULT);
	assert_int_equal(r.reads + next.reads, 0);
	iounmap(io);
	mmu_shootdown(kva, kva + 3 * P);
	assert_int_equal(mmu_read(kva, buf, 4, 0, &out), -EFAULT);
	assert_int_equal(r.reads, 0);
	test_shutdown(m, 0);
}

/* A device without functions; one whose page may only be read. */
static void test_device_by_mmu_silent(void **state)
{
	static const struct machine_device_ops none, write_only = {.write = regs_write};
	struct machine *m = test_boot("mem=64M");
	struct regs r = {.value = {0}};
	unsigned long pfn = DEVICE >> PAGE_SHIFT;
	uint64_t value = 7;
	struct mmu_outcome out;
	char *p;
	kva_t kva;

	assert_int_equal(machine_device_add(DEVICE, P, &none, NULL), 0);
	assert_int_equal(machine_device_add(DEVICE + P, P, NULL, NULL), 0);
	assert_int_equal(machine_device_add(DEVICE + 2 * P, P, &write_only, &r), 0);
	p = ioremap(DEVICE, 3 * P);
	kva = ptr_to_kva(p);
	for (unsigned int i = 0; i < 3; i++) {
		value = 7;
		write_device(kva + i * P + 8, &value, 8);
		read_device(kva + i * P + 8, &value, 8);
		assert_int_equal(value, UINT64_MAX);
	}
	assert_int_equal(r.writes, 1);
	assert_int_equal(r.value[2], 7);
	iounmap(p);
	pfn += 2;
	p = vmap_pfn(&pfn, 1, PAGE_KERNEL_RO);
	kva = ptr_to_kva(p);
	read_device(kva, &value, 1);
	assert_int_equal(mmu_write(kva, &value, 8, 0, &out), -EFAULT);
	assert_int_equal(out.error_code, X86_PF_PROT | X86_PF_WRITE);
	assert_int_equal(r.writes, 1);
	vunmap(p);
	test_shutdown(m, 0);
}

/* A device's function may do what its thread may: even access memory the same way, on another CPU. */
static uint64_t curious_read(void *arg, uint64_t offset, unsigned int size)
{
	kva_t *kva = arg;
	uint32_t value = 0;

	(void)size;
	assert_int_equal(cpu_migrate(offset ? 0 : 1), 0);
	if (!offset)
		assert_int_equal(mmu_read(*kva + 4, &value, 4, 0, NULL), 0);
	assert_int_equal(mmu_shootdown(*kva, *kva + P), 0);
	return value + 1;
}

static void test_device_uses_mmu(void **state)
{
	static const struct machine_device_ops ops = {.read = curious_read};
	struct machine *m = test_boot("mem=64M cpus=2");
	uint32_t value;
	char *io;
	kva_t kva;

	assert_int_equal(machine_device_add(DEVICE, P, &ops, &kva), 0);
	io = ioremap(DEVICE, P);
	kva = ptr_to_kva(io);
	read_device(kva, &value, 4);
	assert_int_equal(value, 2);
	iounmap(io);
	test_shutdown(m, 0);
}

/* A large page whose end is no RAM any more, and one that is all device. */
static void test_device_by_large_pages(void **state)
{
	struct machine *m = test_boot("mem=64M");
	struct regs r = {.value = {1, 2, 3, 4}};
	char *io = ioremap(DEVICE, 4 * MIB);
	struct mmu_walk_result res;
	uint32_t values[4];

	assert_int_equal(machine_device_add(DEVICE + 3 * MIB, P, &regs_ops, &r), 0);
	assert_int_equal(mmu_walk(ptr_to_kva(io), MMU_READ, &res), 0);
	assert_int_equal(res.page_shift, 21);
	read_device(ptr_to_kva(io) + 3 * MIB, values, 16);
	assert_memory_equal(values, r.value, 16);
	assert_int_equal(r.reads, 2);
	read_device(ptr_to_kva(io) + 3 * MIB - 4, values, 8);
	assert_int_equal(values[0], UINT32_MAX);
	assert_int_equal(values[1], 1);
	iounmap(io);
	test_shutdown(m, 0);
}

static void test_device_by_mmu(void **state)
{
	check_device_by_mmu("mem=64M");
	check_device_by_mmu("mem=64M backing=private");
	check_device_by_mmu("x86_32 mem=64M");
	check_device_by_mmu("x86_32_pae mem=64M tlb=off");
	check_device_by_mmu("x86_64_la57 mem=64M");
}

static void test_device_places(void **state)
{
	struct machine *m = test_boot("mem=64M maxphyaddr=40");
	struct regs r = {0};

	test_hear();
	assert_int_equal(machine_device_add(DEVICE + 1, P, &regs_ops, &r), -EINVAL);
	assert_int_equal(machine_device_add(DEVICE, 0, &regs_ops, &r), -EINVAL);
	assert_int_equal(machine_device_add(1ull << 40, P, &regs_ops, &r), -EINVAL);
	assert_int_equal(machine_device_add(0, P, &regs_ops, &r), 0);
	assert_int_equal(machine_device_remove(0), 0);
	assert_int_equal(machine_device_add(32 * MIB, P, &regs_ops, &r), -EBUSY);
	expect_heard("there is memory");
	assert_int_equal(machine_device_add(DEVICE, 16 * P, &regs_ops, &r), 0);
	assert_int_equal(machine_device_add(DEVICE - P, 2 * P, &regs_ops, &r), -EBUSY);
	assert_int_equal(machine_device_add(DEVICE + 15 * P, P, &regs_ops, &r), -EBUSY);
	assert_int_equal(machine_device_add(DEVICE + 3 * P, P, &regs_ops, &r), -EBUSY);
	expect_heard("there is another device");
	assert_int_equal(machine_device_add(DEVICE + 16 * P, P, &regs_ops, &r), 0);
	assert_int_equal(machine_device_add(DEVICE - P, P, &regs_ops, &r), 0);
	test_shutdown(m, 0);
}

/* Caching in the entries; areas aligned to their size and mapped by large pages. */
static void test_protections(void **state)
{
	static void *(*const functions[])(phys_addr_t, unsigned long) = {
		ioremap, ioremap_uc, ioremap_wc, ioremap_wt, ioremap_cache,
	};
	static const uint64_t bits[] = {X86_PTE_PCD, X86_PTE_PCD | X86_PTE_PWT, X86_PTE_PWT,
					X86_PTE_PAT, 0};
	struct machine *m = test_boot("mem=64M");
	char *p;

	for (unsigned int i = 0; i < 5; i++) {
		p = functions[i](DEVICE + 0x123, 1);
		assert_int_equal((uintptr_t)p & ~PAGE_MASK, 0x123);
		assert_int_equal(leaf_of(p), DEVICE | PAGE_KERNEL | bits[i]);
		assert_int_equal(find_vm_area(p)->phys_addr, DEVICE);
		assert_int_equal(find_vm_area(p)->flags, VM_IOREMAP);
		assert_int_equal(find_vm_area(p)->size, 2 * P);
		iounmap(p);
	}
	p = ioremap(0xc0000000, 8 * MIB);
	assert_int_equal(ptr_to_kva(p) & (8 * MIB - 1), 0);
	assert_int_equal(leaf_of(p), 0xc0000000 | PAGE_KERNEL | X86_PTE_PCD | X86_PTE_PS);
	iounmap(p);
	/* Bit 7 says "large" there, so PAT is elsewhere. */
	p = ioremap_wt(0xc0000000, 2 * MIB);
	assert_int_equal(leaf_of(p), 0xc0000000 | PAGE_KERNEL | X86_PTE_PAT_LARGE | X86_PTE_PS);
	iounmap(p);
	test_shutdown(m, 0);
}

static void test_refused(void **state)
{
	struct machine *m = test_boot("mem=64M maxphyaddr=40");
	struct page *page = alloc_page(GFP_KERNEL);
	char *p = vmalloc(P);
	int local;

	assert_null(ioremap(page_to_phys(page), P));
	expect_report(MACHINE_WARN, "ioremap on RAM at 0x");
	assert_null(ioremap(40 * MIB, 32 * MIB));
	expect_report(MACHINE_WARN, "ioremap on RAM at 0x0000000002800000 - 0x00000000047fffff");
	assert_null(ioremap(DEVICE, 0));
	assert_null(ioremap(UINT64_MAX - 5, 100));
	expect_no_reports();
	assert_null(ioremap(1ull << 40, P));
	expect_report(MACHINE_WARN, "ioremap: invalid physical address 10000000000");
	iounmap(&local);
	expect_report(MACHINE_WARN, "iounmap: bad address");
	iounmap(p);
	expect_report(MACHINE_WARN, "iounmap: bad address");
	iounmap(page_address(page));
	iounmap(NULL);
	expect_no_reports();
	vfree(p);
	p = ioremap(DEVICE, P);
	vfree(p);
	expect_report(MACHINE_WARN, "that is iounmap()'s");
	vunmap(p);
	expect_report(MACHINE_WARN, "that is iounmap()'s");
	irq_enter();
	assert_null(ioremap(DEVICE, P));
	expect_report(MACHINE_BUG, "ioremap: called in an interrupt");
	irq_exit();
	iounmap(p);
	/* The kernel's image is reserved RAM: that may be mapped. */
	p = ioremap(16 * MIB, P);
	assert_non_null(p);
	iounmap(p);
	__free_page(page);
	test_shutdown(m, 0);
}

/* Section 12: "mem=248M of 256M hides the top 8 MiB, which ioremap(0xF800000, 0x800000) then maps". */
static void hidden_ram(const char *machine, bool pointers)
{
	struct machine *m = test_boot(machine);
	char *p, *again;

	assert_null(pfn_to_page(0xf800000 >> PAGE_SHIFT));
	assert_null(__va(0xf800000));
	p = ioremap(0xf800000, 0x800000);
	assert_non_null(p);
	for (unsigned long i = 0; i < 0x800000; i += P)
		writel((uint32_t)i, p + i + 8);
	for (unsigned long i = 0; i < 0x800000; i += P) {
		assert_int_equal(readl(p + i + 8), i);
		if (pointers)
			assert_int_equal(*(uint32_t *)(void *)(p + i + 8), i);
	}
	again = ioremap_cache(0xf900000, P);
	assert_int_equal(readl(again + 8), 0x100000);
	iounmap(again);
	iounmap(p);
	assert_null(ioremap(0x8000000, 0x8000000));
	expect_report(MACHINE_WARN, "ioremap on RAM at 0x");
	test_shutdown(m, 0);
}

static void test_mem_248M_hides_the_top_8_MiB_which_ioremap_maps(void **state)
{
	hidden_ram("ram=1M-256M cmdline=mem=248M", true);
	hidden_ram("ram=1M-256M cmdline=mem=248M backing=private", false);
	hidden_ram("x86_32 ram=1M-256M cmdline=mem=248M", true);
}

static void test_vmap_pfn(void **state)
{
	struct machine *m = test_boot("ram=1M-256M maxphyaddr=40 cmdline=mem=248M");
	unsigned long pfns[3] = {0xfc00, 0xf900, 0xfa00};
	char *p = vmap_pfn(pfns, 3, PAGE_KERNEL);

	assert_non_null(p);
	for (unsigned int i = 0; i < 3; i++) {
		p[i * P] = (char)(i + 1);
		assert_int_equal(vmalloc_to_pfn(p + i * P), pfns[i]);
		assert_null(vmalloc_to_page(p + i * P));
		assert_int_equal(arch_kernel()->arch->ram[pfns[i] * P], i + 1);
	}
	vunmap(p);
	pfns[1] = 0x1000;
	assert_null(vmap_pfn(pfns, 3, PAGE_KERNEL));
	expect_report(MACHINE_WARN, "vmap_pfn: frame 0x1000 is RAM");
	pfns[1] = ~0ul;
	assert_null(vmap_pfn(pfns, 3, PAGE_KERNEL));
	expect_report(MACHINE_WARN, "does not exist");
	assert_null(vmap_pfn(pfns, 0, PAGE_KERNEL));
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device),
		cmocka_unit_test(test_device_by_mmu),
		cmocka_unit_test(test_device_by_mmu_silent),
		cmocka_unit_test(test_device_uses_mmu),
		cmocka_unit_test(test_device_by_large_pages),
		cmocka_unit_test(test_device_places),
		cmocka_unit_test(test_protections),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_mem_248M_hides_the_top_8_MiB_which_ioremap_maps),
		cmocka_unit_test(test_vmap_pfn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
