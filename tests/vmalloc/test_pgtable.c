/* SPDX-License-Identifier: MIT */
/* src/vmalloc/pgtable.c and boot's direct map: what was mapped is what the walker finds. */
#include "vmalloc_test.h"

#include "memblock/memblock.h"
#include "vmalloc/vmalloc.h"

#include <errno.h>

#define DIRECT 0xffff888000000000ull
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

/* Far behind the areas that vmalloc() hands out: nobody else maps here. */
#define FAR 0xffffd00000000000ull

static struct kernel *kernel(void)
{
	struct kernel *k = arch_kernel();

	assert_non_null(k);
	assert_non_null(k->vmalloc);
	return k;
}

/* A machine of @text without any reserved range. */
static struct machine *boot_bare(const char *text)
{
	struct machine_error err = {0};
	struct machine_desc desc;
	struct machine *m;

	test_catch_all();
	assert_int_equal(machine_desc_parse(&desc, text, NULL, &err), 0);
	desc.default_reserved = false;
	if (machine_boot(&desc, &m, &err))
		fail_msg("%s", err.reason);
	machine_desc_free(&desc);
	return m;
}

static struct mmu_walk_result walk(kva_t va, unsigned int access)
{
	struct mmu_walk_result res;
	int ret = mmu_walk(va, access, &res);

	assert_true(ret == 0 || ret == -EFAULT);
	return res;
}

static void expect_direct(uint64_t phys, unsigned int shift)
{
	struct mmu_walk_result res = walk(DIRECT + phys, MMU_WRITE | MMU_PROBE);

	assert_int_equal(res.trap, 0);
	assert_int_equal(res.phys, phys);
	assert_int_equal(res.page_shift, shift);
	assert_false(res.executable);
	assert_true(res.global);
}

static void expect_nothing(kva_t va)
{
	struct mmu_walk_result res = walk(va, MMU_READ | MMU_PROBE);

	assert_int_equal(res.trap, X86_TRAP_PF);
	assert_int_equal(res.error_code, 0);
}

static void test_direct_map(void **state)
{
	struct machine *m = test_boot("ram=0-640K,1M-2G,3G-0x110003000");

	expect_direct(0, 12);
	expect_direct(640 * 1024 - 1, 12);
	expect_nothing(DIRECT + 640 * 1024);
	expect_nothing(DIRECT + MIB - 1);
	expect_direct(MIB, 12);
	expect_direct(2 * MIB, 21);
	expect_direct(GIB - 1, 21);
	expect_direct(GIB, 30);
	expect_direct(2 * GIB - 1, 30);
	expect_nothing(DIRECT + 2 * GIB);
	expect_direct(3 * GIB + 5, 30);
	expect_direct(4 * GIB, 21);
	expect_direct(0x110000000 - 1, 21);
	expect_direct(0x110000000, 12);
	expect_direct(0x110002fff, 12);
	expect_nothing(DIRECT + 0x110003000);
	test_shutdown(m, 0);
}

/* Ranges of two nodes that touch: one large page spans the border. */
static void test_direct_map_nodes(void **state)
{
	struct machine *m = test_boot("nodes=2 ram=0-512M@0,512M-1G@1");

	expect_direct(512 * MIB - 1, 30);
	expect_direct(512 * MIB, 30);
	test_shutdown(m, 0);
}

static void test_direct_map_mem(void **state)
{
	struct machine *m = test_boot("ram=0-64M cmdline=mem=48M");

	expect_direct(48 * MIB - 1, 21);
	expect_nothing(DIRECT + 48 * MIB);
	expect_nothing(DIRECT + 56 * MIB);
	test_shutdown(m, 0);
}

/* Every level's entry bits as a real kernel has them. */
static void test_entry_bits(void **state)
{
	struct machine *m = test_boot("mem=256M");
	struct mmu_walk_result res = walk(DIRECT + 32 * MIB, MMU_READ);

	assert_int_equal(res.entries[0].value & X86_PTE_FLAGS_MASK, 0x67);
	assert_int_equal(res.entries[1].value & X86_PTE_FLAGS_MASK, 0x67);
	assert_int_equal(res.entries[2].value & X86_PTE_FLAGS_MASK, 0x80000000000001e3);
	res = walk(DIRECT + MIB, MMU_READ);
	assert_int_equal(res.entries[3].value & X86_PTE_FLAGS_MASK, 0x8000000000000163);
	test_shutdown(m, 0);
}

/* Boot's tables lie in what the description reserves and take no managed page; without reserved
 * ranges they lie above RAM. */
static void test_where_tables_are(void **state)
{
	struct machine *m = test_boot("mem=256M");
	struct mmu_regs regs;
	struct kernel *k = kernel();

	assert_int_equal(mmu_get_regs(&regs), 0);
	assert_true(memblock_memory_at(k, regs.cr3));
	assert_true(memblock_reserved_at(k, regs.cr3));
	assert_int_equal(nr_free_pages(), totalram_pages());
	test_shutdown(m, 0);

	m = boot_bare("ram=1M-65M");
	k = kernel();
	assert_int_equal(mmu_get_regs(&regs), 0);
	assert_true(regs.cr3 >= k->arch->table_start);
	assert_int_equal(totalram_pages(), 64 * MIB / P);
	assert_int_equal(nr_free_pages(), totalram_pages());
	test_shutdown(m, 0);
}

/* The same without any memory but managed pages. */
static void test_no_room_for_tables(void **state)
{
	struct machine *m = boot_bare("ram=1M-4G maxphyaddr=32");

	assert_int_equal(kernel()->arch->table_size, 0);
	assert_true(nr_free_pages() < totalram_pages());
	expect_direct(GIB, 30);
	test_shutdown(m, 0);
}

static void test_map_pages(void **state)
{
	struct machine *m = test_boot("mem=64M");
	struct pgtable *pt = &kernel()->vmalloc->pgtable;
	/* Across the end of a table: 512 entries each. */
	kva_t va = FAR + 510 * P;
	struct page *pages[5] = {NULL};
	unsigned int shift;

	assert_int_equal(alloc_pages_bulk_array(GFP_KERNEL, 5, pages), 5);
	assert_int_equal(pgtable_map_pages(pt, va, pages, 5, PAGE_KERNEL), 0);
	for (unsigned int i = 0; i < 5; i++) {
		struct mmu_walk_result res = walk(va + i * P + 123, MMU_WRITE);

		assert_int_equal(res.trap, 0);
		assert_int_equal(res.phys, page_to_phys(pages[i]) + 123);
		assert_int_equal(res.entries[3].value & X86_PTE_FLAGS_MASK, PAGE_KERNEL);
		assert_int_equal(pgtable_lookup(pt, va + i * P, &shift),
				 page_to_phys(pages[i]) | PAGE_KERNEL);
		assert_int_equal(shift, 12);
	}
	expect_nothing(va - 1);
	expect_nothing(va + 5 * P);
	assert_int_equal(pgtable_lookup(pt, va + 5 * P, &shift), 0);
	pgtable_unmap(pt, va + P, 3);
	expect_nothing(va + P);
	expect_nothing(va + 3 * P);
	assert_int_equal(walk(va, MMU_READ).trap, 0);
	assert_int_equal(walk(va + 4 * P, MMU_READ).trap, 0);
	assert_int_equal(pgtable_map_pages(pt, va + P, pages, 1, PAGE_KERNEL_RO), 0);
	assert_int_equal(walk(va + P, MMU_READ).phys, page_to_phys(pages[0]));
	assert_int_equal(walk(va + P, MMU_WRITE).error_code, X86_PF_PROT | X86_PF_WRITE);
	pgtable_unmap(pt, va, 5);
	for (unsigned int i = 0; i < 5; i++)
		__free_page(pages[i]);
	/* Nothing is mapped at addresses whose tables do not exist either. */
	pgtable_unmap(pt, FAR + 64 * GIB, 2000);
	test_shutdown(m, 0);
}

static void test_table_count(void **state)
{
	struct machine *m = test_boot("mem=64M");
	struct pgtable *pt = &kernel()->vmalloc->pgtable;
	unsigned long tables = pt->nr_tables;
	unsigned long free = test_free_pages();
	struct page *page = alloc_page(GFP_KERNEL);

	/* A table for 2 MiB, one for 1 GiB, one for 512 GiB; they stay. */
	assert_int_equal(pgtable_map_pages(pt, FAR, &page, 1, PAGE_KERNEL), 0);
	assert_int_equal(pt->nr_tables, tables + 3);
	assert_int_equal(pgtable_map_pages(pt, FAR + P, &page, 1, PAGE_KERNEL), 0);
	assert_int_equal(pgtable_map_pages(pt, FAR + 2 * MIB, &page, 1, PAGE_KERNEL), 0);
	assert_int_equal(pt->nr_tables, tables + 4);
	pgtable_unmap(pt, FAR, 1024);
	__free_page(page);
	assert_int_equal(test_free_pages(), free - 4);
	test_shutdown(m, 0);
}

/* With isolated metadata vmalloc's tables take no managed page either. */
static void test_isolated(void **state)
{
	struct machine *m = test_boot("mem=64M isolate_metadata=1");
	unsigned long free = nr_free_pages();
	struct pgtable *pt = &kernel()->vmalloc->pgtable;
	unsigned long tables = pt->nr_tables;
	struct page *page = alloc_page(GFP_KERNEL);

	assert_non_null(page);
	drain_all_pages();
	assert_int_equal(nr_free_pages(), free - 1);
	assert_int_equal(pgtable_map_pages(pt, FAR, &page, 1, PAGE_KERNEL), 0);
	assert_int_equal(pt->nr_tables, tables + 3);
	drain_all_pages();
	assert_int_equal(nr_free_pages(), free - 1);
	pgtable_unmap(pt, FAR, 1);
	__free_page(page);
	test_shutdown(m, 0);
}

/* No page for a table: nothing stays mapped. */
static void test_exhausted(void **state)
{
	struct machine *m = test_boot("mem=16M");
	struct pgtable *pt = &kernel()->vmalloc->pgtable;
	struct page *held[6000], *pages[1024];
	unsigned int nr = 0;

	while (nr < 6000 && (held[nr] = alloc_page(GFP_KERNEL | __GFP_NOWARN)))
		nr++;
	assert_in_range(nr, 1, 5999);
	for (unsigned int i = 0; i < 1024; i++)
		pages[i] = held[0];
	/* Three pages: for the upper tables and the first of two lower ones. */
	for (unsigned int i = 0; i < 3; i++)
		__free_page(held[--nr]);
	assert_int_equal(pgtable_map_pages(pt, FAR, pages, 1024, PAGE_KERNEL), -ENOMEM);
	expect_nothing(FAR);
	expect_nothing(FAR + 511 * P);
	__free_page(held[--nr]);
	assert_int_equal(pgtable_map_pages(pt, FAR, pages, 1024, PAGE_KERNEL), 0);
	assert_int_equal(walk(FAR + 1023 * P, MMU_READ).phys, page_to_phys(held[0]));
	pgtable_unmap(pt, FAR, 1024);
	while (nr)
		__free_page(held[--nr]);
	test_shutdown(m, 0);
}

/* The first entry of a large RAM's map is as good as the last. */
static void test_large_ram(void **state)
{
	struct machine *m = test_boot("mem=256G");
	struct pgtable *pt = &kernel()->vmalloc->pgtable;

	expect_direct(100 * GIB, 30);
	expect_direct(255 * GIB, 30);
	assert_true(pt->nr_tables < 20);
	test_shutdown(m, 0);
}

/* What a mode's machine has: where its regions begin, how large a page of the direct map can be,
 * which entries the top table has. */
static const struct mode_case {
	const char *machine;
	kva_t direct, vmalloc, vmalloc_end;
	unsigned int largest;
	bool nx;
} modes[] = {
	{"x86_64 mem=3G", 0xffff888000000000, 0xffffc90000000000, 0, 30, true},
	{"x86_64_la57 mem=3G", 0xff11000000000000, 0xffa0000000000000, 0, 30, true},
	{"x86_32 mem=512M", 0xc0000000, 0xe07e0000, 0xfeffe000, 22, false},
	{"x86_32_pae mem=512M", 0xc0000000, 0xe07e0000, 0xff5fe000, 21, true},
};

static void check_mode(const struct mode_case *c)
{
	struct machine *m = test_boot(c->machine);
	const struct arch_machine *am = kernel()->arch;
	struct pgtable *pt = &kernel()->vmalloc->pgtable;
	unsigned int shift;
	uint64_t leaf;
	char *p;

	assert_int_equal(am->direct_base, c->direct);
	assert_int_equal(am->vmalloc_base, c->vmalloc);
	if (c->vmalloc_end)
		assert_int_equal(am->vmalloc_base + am->vmalloc_size, c->vmalloc_end);
	leaf = pgtable_lookup(pt, c->direct + (1ull << c->largest), &shift);
	assert_int_equal(shift, c->largest);
	assert_int_equal(leaf & X86_PTE_FLAGS_MASK, 0x1e3 | (c->nx ? X86_PTE_NX : 0));
	assert_int_equal(leaf & X86_PTE_ADDR_MASK, 1ull << c->largest);
	/* A byte that is in no large page. */
	leaf = pgtable_lookup(pt, c->direct + MIB, &shift);
	assert_int_equal(shift, 12);
	assert_int_equal(leaf, MIB | 0x163 | (c->nx ? X86_PTE_NX : 0));
	p = vmalloc(3 * P);
	assert_non_null(p);
	assert_int_equal(ptr_to_kva(p), c->vmalloc);
	memset(p, 7, 3 * P);
	for (unsigned int i = 0; i < 3; i++) {
		struct page *page = vmalloc_to_page(p + i * P);

		leaf = pgtable_lookup(pt, c->vmalloc + i * P, &shift);
		assert_int_equal(leaf, page_to_phys(page) | 0x163 | (c->nx ? X86_PTE_NX : 0));
		assert_int_equal(am->ram[page_to_phys(page) + 5], 7);
	}
	assert_int_equal(pgtable_lookup(pt, c->vmalloc + 3 * P, &shift), 0);
	vfree(p);
	assert_int_equal(pgtable_lookup(pt, c->vmalloc, &shift), 0);
	test_shutdown(m, 0);
}

static void test_other_modes(void **state)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		check_mode(&modes[i]);
}

/* VmallocTotal of the golden boots of a 32-bit kernel: 32 MiB, 512 MiB, full low memory. */
static void test_x86_32_vmalloc_lives_above_high_memory(void **state)
{
	static const struct {
		const char *machine;
		uint64_t total;
	} cases[] = {
		{"x86_32 mem=32M", 991352}, {"x86_32 mem=512M", 499832},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct machine *m = test_boot(cases[i].machine);
		const struct arch_machine *am = kernel()->arch;

		assert_int_equal(am->vmalloc_size >> 10, cases[i].total);
		assert_int_equal(am->vmalloc_base, am->direct_base + am->ram_size + 8 * MIB);
		test_shutdown(m, 0);
	}
}

/* The lower three quarters of the page directory are empty: a process would have them. */
static void test_x86_32_the_kernel_owns_page_directory_entries_768_to_1023(void **state)
{
	struct machine *m = test_boot("x86_32 mem=1G");
	const uint32_t *pgd = (const uint32_t *)(const void *)(kernel()->arch->ram +
							       kernel()->vmalloc->pgtable.root);
	char *p = vmalloc(64 * P);

	assert_non_null(p);
	for (unsigned int i = 0; i < 768; i++)
		assert_int_equal(pgd[i], 0);
	/* Low memory from 0xc0000000 on, large pages above the first 4 MiB. */
	assert_int_equal(pgd[768] & 0xfff, 0x67);
	assert_int_equal(pgd[769], (4 * MIB) | 0x1e3);
	assert_int_equal(pgd[800], ((800 - 768) * 4 * MIB) | 0x1e3);
	/* vmalloc's first table. */
	assert_int_equal(pgd[ptr_to_kva(p) >> 22] & 0xfff, 0x67);
	vfree(p);
	test_shutdown(m, 0);
}

/* Tables come when an area needs them and stay, are counted exactly, and come once. */
static void check_accounting(const char *machine, unsigned long mib_a_table)
{
	struct machine *m = test_boot(machine);
	unsigned long managed, first, tables = vmalloc_nr_tables(&managed), free = test_free_pages();
	unsigned long size = 24 * MIB;
	void *p, *q[40];

	check_tables();
	assert_int_equal(managed, 0);
	/* An area without pages of its own: what goes are tables and structures. */
	p = ioremap(0xf0000000, size);
	check_tables();
	iounmap(p);
	vm_unmap_aliases();
	first = vmalloc_nr_tables(&managed) - tables;
	assert_int_equal(managed, first);
	/* Again and again: nothing more. */
	p = vmalloc(size);
	tables = vmalloc_nr_tables(NULL);
	vfree(p);
	vm_unmap_aliases();
	for (unsigned int i = 0; i < 20; i++) {
		p = vmalloc(size - i * P);
		assert_non_null(p);
		assert_int_equal(vmalloc_nr_tables(NULL), tables);
		vfree(p);
		vm_unmap_aliases();
	}
	for (unsigned int i = 0; i < 40; i++)
		q[i] = vmalloc((1 + i % 5) * P);
	for (unsigned int i = 0; i < 40; i++)
		vfree(q[i]);
	vm_unmap_aliases();
	assert_int_equal(vmalloc_nr_tables(&managed), tables);
	check_tables();
	/* A table for each @mib_a_table, and at most two where an area begins and ends, with one
	 * above them in the long modes. */
	assert_in_range(managed, 24 / mib_a_table, 24 / mib_a_table + 3);
	/* What is missing from the free pages are these tables, and kmalloc()'s pages. */
	assert_in_range(free - test_free_pages(), managed, managed + 8);
	test_shutdown(m, 0);
}

static void test_accounting(void **state)
{
	check_accounting("x86_64 mem=64M", 2);
	check_accounting("x86_64_la57 mem=64M", 2);
	check_accounting("x86_32_pae mem=64M", 2);
	check_accounting("x86_32 mem=64M", 4);
}

/* All that is reserved lies above 4 GiB, where PAE's CR3 does not reach: the top table lies lower. */
static void check_pae_above_4g(const char *machine)
{
	struct machine *m = test_boot(machine);
	struct mmu_regs regs;
	char *p = vmalloc(P);
	char byte = 0;

	assert_int_equal(mmu_get_regs(&regs), 0);
	assert_true(regs.cr3 >> 32 == 0);
	check_tables();
	*p = 7;
	assert_int_equal(mmu_read(ptr_to_kva(p), &byte, 1, 0, NULL), 0);
	assert_int_equal(byte, 7);
	assert_int_equal(walk(0xc0000000 + 16 * MIB, MMU_READ).phys, 16 * MIB);
	vfree(p);
	test_shutdown(m, 0);
}

static void test_pae_above_4g(void **state)
{
	check_pae_above_4g("x86_32_pae ram=1M-0x120000000 reserved=0x11f000000-0x120000000");
	check_pae_above_4g("x86_32_pae ram=1M-3G,4G-0x120000000 reserved=0x11f000000-0x120000000 "
			   "isolate_metadata=1 backing=private");
}

/* Tables that an area got which then failed stay, and serve the next one. */
static void test_tables_of_a_failure(void **state)
{
	struct machine *m = test_boot("preset=tiny-8M");
	unsigned long managed, free = test_free_pages();
	void *p;

	assert_null(__vmalloc((totalram_pages() - 1) * P, GFP_KERNEL | __GFP_NOWARN));
	check_tables();
	p = vmalloc(P);
	assert_non_null(p);
	check_tables();
	vfree(p);
	vm_unmap_aliases();
	vmalloc_nr_tables(&managed);
	assert_in_range(free - test_free_pages(), managed, managed + 8);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		wide_unit_test(test_direct_map),
		cmocka_unit_test(test_direct_map_nodes),
		cmocka_unit_test(test_direct_map_mem),
		cmocka_unit_test(test_entry_bits),
		cmocka_unit_test(test_where_tables_are),
		wide_unit_test(test_no_room_for_tables),
		cmocka_unit_test(test_map_pages),
		cmocka_unit_test(test_table_count),
		cmocka_unit_test(test_isolated),
		cmocka_unit_test(test_exhausted),
		wide_unit_test(test_large_ram),
		cmocka_unit_test(test_accounting),
		wide_unit_test(test_pae_above_4g),
		cmocka_unit_test(test_tables_of_a_failure),
		wide_unit_test(test_other_modes),
		cmocka_unit_test(test_x86_32_vmalloc_lives_above_high_memory),
		cmocka_unit_test(test_x86_32_the_kernel_owns_page_directory_entries_768_to_1023),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
