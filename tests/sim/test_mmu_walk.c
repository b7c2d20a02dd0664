/* SPDX-License-Identifier: MIT */
/* src/sim/mmu_walk.c, mmu_format.c, mmu_space.c: walks of hand-made tables. No allocator is involved:
 * the test writes entries into physical memory as firmware would. What a processor does with many
 * more tables: tests/golden/mmu. */
#include "../support/sim_test.h"

#include <errno.h>

#include "sim/mmu.h"

#define TABLE (X86_PTE_P | X86_PTE_RW | X86_PTE_US)
#define PGD 0x10000u
#define PUD 0x11000u
#define PMD 0x12000u
#define PTE 0x13000u

/* Indices 1, 2, 3, 4 and byte 5: each level is at its own place. */
#define VA (1ull << 39 | 2ull << 30 | 3ull << 21 | 4ull << 12 | 5)

static struct arch_machine *am;

static const struct mmu_regs kernel_regs = {
	.cr0 = X86_CR0_PG | X86_CR0_PE | X86_CR0_WP,
	.cr3 = PGD,
	.cr4 = X86_CR4_PAE,
	.efer = X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE,
};

static uint64_t *entry(uint64_t table, unsigned int index)
{
	return mmu_phys(machine_of(am), table + index * 8ull, 8);
}

/* The four entries on the way to VA, as the tests change them. */
static uint64_t *entries[4];

static void fresh_tables(void)
{
	memset(am->ram + PGD, 0, 4 * PAGE_SIZE);
	entries[0] = entry(PGD, 1);
	entries[1] = entry(PUD, 2);
	entries[2] = entry(PMD, 3);
	entries[3] = entry(PTE, 4);
	*entries[0] = PUD | TABLE;
	*entries[1] = PMD | TABLE;
	*entries[2] = PTE | TABLE;
	*entries[3] = 0x20000 | TABLE;
}

static int setup(void **state)
{
	sim_hear_all();
	am = sim_boot("preset=x86_64 ram=0-16M,32M-64M reserved=0-1M maxphyaddr=40");
	fresh_tables();
	return 0;
}

static int teardown(void **state)
{
	sim_shutdown(am);
	sim_hear_nothing();
	return 0;
}

static struct mmu_walk_result walk(const struct mmu_regs *regs, kva_t va, unsigned int access,
				   int expected)
{
	struct mmu_walk_result res;

	assert_int_equal(mmu_walk_regs(regs, va, access, &res), expected);
	return res;
}

static void expect_phys(const struct mmu_regs *regs, kva_t va, unsigned int access, uint64_t phys)
{
	struct mmu_walk_result res = walk(regs, va, access, 0);

	assert_int_equal(res.trap, 0);
	assert_int_equal(res.phys, phys);
}

static void expect_pf(const struct mmu_regs *regs, kva_t va, unsigned int access, uint32_t code)
{
	struct mmu_walk_result res = walk(regs, va, access, -EFAULT);

	assert_int_equal(res.trap, X86_TRAP_PF);
	assert_int_equal(res.error_code, code);
	assert_int_equal(res.cr2, va);
}

static void test_levels(void **state)
{
	static const char *const names[] = {"pgd", "pud", "pmd", "pte"};
	static const unsigned int shifts[] = {39, 30, 21, 12};
	struct mmu_walk_result res = walk(&kernel_regs, VA, MMU_READ, 0);

	assert_int_equal(res.phys, 0x20005);
	assert_int_equal(res.page_shift, 12);
	assert_int_equal(res.va, VA);
	assert_int_equal(res.nr_entries, 4);
	assert_true(res.writable && res.user && res.executable);
	assert_false(res.global);
	for (unsigned int i = 0; i < 4; i++) {
		assert_string_equal(res.entries[i].name, names[i]);
		assert_int_equal(res.entries[i].shift, shifts[i]);
		assert_ptr_equal(am->ram + res.entries[i].addr, entries[i]);
		assert_int_equal(res.entries[i].value, *entries[i]);
	}
}

static void test_large_pages(void **state)
{
	uint64_t below_2m = VA & ((1u << 21) - 1), below_1g = VA & ((1u << 30) - 1);
	struct mmu_walk_result res;

	*entries[2] = 0x2000000 | TABLE | X86_PTE_PS | X86_PTE_G | X86_PTE_PAT_LARGE | X86_PTE_NX;
	res = walk(&kernel_regs, VA, MMU_READ, 0);
	assert_int_equal(res.phys, 0x2000000 | below_2m);
	assert_int_equal(res.page_shift, 21);
	assert_int_equal(res.nr_entries, 3);
	assert_true(res.global);
	assert_false(res.executable);
	*entries[1] = TABLE | X86_PTE_PS;
	res = walk(&kernel_regs, VA, MMU_READ, 0);
	assert_int_equal(res.phys, below_1g);
	assert_int_equal(res.page_shift, 30);
	assert_int_equal(res.nr_entries, 2);
}

static void test_not_present(void **state)
{
	struct mmu_regs no_nx = kernel_regs;

	for (unsigned int i = 0; i < 4; i++) {
		fresh_tables();
		*entries[i] &= ~X86_PTE_P;
		expect_pf(&kernel_regs, VA, MMU_READ, 0);
		expect_pf(&kernel_regs, VA, MMU_WRITE | MMU_USER, X86_PF_WRITE | X86_PF_USER);
		expect_pf(&kernel_regs, VA, MMU_FETCH, X86_PF_INSTR);
		assert_int_equal(walk(&kernel_regs, VA, 0, -EFAULT).nr_entries, i + 1);
	}
	/* Without NX and SMEP the fault does not say that it was a fetch. */
	no_nx.efer = X86_EFER_LMA;
	expect_pf(&no_nx, VA, MMU_FETCH, 0);
}

static void test_canonical(void **state)
{
	static const kva_t bad[] = {
		0x0000800000000000, 0xffff7fffffffffff, 0x8000000000000000, 0x0001000000000000,
		VA | 1ull << 63, VA | 1ull << 48,
	};

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct mmu_walk_result res = walk(&kernel_regs, bad[i], MMU_READ, -EFAULT);

		assert_int_equal(res.trap, X86_TRAP_GP);
		assert_int_equal(res.error_code, 0);
		assert_int_equal(res.cr2, 0);
		assert_int_equal(res.nr_entries, 0);
	}
	expect_pf(&kernel_regs, 0x00007fffffffffff, MMU_READ, 0);
	expect_pf(&kernel_regs, 0xffff800000000000, MMU_READ, 0);
}

static void test_reserved_bits(void **state)
{
	static const struct {
		unsigned int entry;
		uint64_t set;
	} cases[] = {
		{0, X86_PTE_PS}, {0, 1ull << 40}, {1, 1ull << 51}, {2, 1ull << 45}, {3, 1ull << 40},
		{2, X86_PTE_PS | 1ull << 13}, {2, X86_PTE_PS | 1ull << 20},
		{1, X86_PTE_PS | 1ull << 13}, {1, X86_PTE_PS | 1ull << 29},
	};
	struct mmu_regs no_nx = kernel_regs;

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fresh_tables();
		/* A large leaf's own address bits are in the way. */
		if (cases[i].set & X86_PTE_PS && cases[i].entry)
			*entries[cases[i].entry] = TABLE;
		*entries[cases[i].entry] |= cases[i].set;
		expect_pf(&kernel_regs, VA, MMU_READ, X86_PF_PROT | X86_PF_RSVD);
	}
	fresh_tables();
	no_nx.efer = X86_EFER_LMA;
	*entries[3] |= X86_PTE_NX;
	expect_phys(&kernel_regs, VA, MMU_READ, 0x20005);
	expect_pf(&no_nx, VA, MMU_READ, X86_PF_PROT | X86_PF_RSVD);
	/* Software's bits, and the protection key's while keys are off, mean nothing. */
	*entries[3] = 0x20000 | TABLE | 0xe00 | 0x7ffull << 52;
	expect_phys(&kernel_regs, VA, MMU_READ, 0x20005);
}

static void test_write_and_user(void **state)
{
	struct mmu_regs no_wp = kernel_regs;

	no_wp.cr0 &= ~X86_CR0_WP;
	for (unsigned int i = 0; i < 4; i++) {
		fresh_tables();
		*entries[i] &= ~X86_PTE_RW;
		expect_phys(&kernel_regs, VA, MMU_READ, 0x20005);
		expect_pf(&kernel_regs, VA, MMU_WRITE, X86_PF_PROT | X86_PF_WRITE);
		expect_phys(&no_wp, VA, MMU_WRITE, 0x20005);
		expect_pf(&no_wp, VA, MMU_WRITE | MMU_USER,
			  X86_PF_PROT | X86_PF_WRITE | X86_PF_USER);
		fresh_tables();
		*entries[i] &= ~X86_PTE_US;
		expect_phys(&kernel_regs, VA, MMU_WRITE, 0x20005);
		expect_pf(&kernel_regs, VA, MMU_READ | MMU_USER, X86_PF_PROT | X86_PF_USER);
		fresh_tables();
		*entries[i] |= X86_PTE_NX;
		expect_phys(&kernel_regs, VA, MMU_READ | MMU_USER, 0x20005);
		expect_pf(&kernel_regs, VA, MMU_FETCH, X86_PF_PROT | X86_PF_INSTR);
	}
}

static void test_smep_smap_keys(void **state)
{
	struct mmu_regs regs = kernel_regs;

	regs.cr4 |= X86_CR4_SMEP | X86_CR4_SMAP;
	expect_pf(&regs, VA, MMU_FETCH, X86_PF_PROT | X86_PF_INSTR);
	expect_phys(&regs, VA, MMU_FETCH | MMU_USER, 0x20005);
	expect_pf(&regs, VA, MMU_READ, X86_PF_PROT);
	expect_phys(&regs, VA, MMU_READ | MMU_AC, 0x20005);
	expect_phys(&regs, VA, MMU_READ | MMU_USER, 0x20005);

	regs = kernel_regs;
	regs.cr4 |= X86_CR4_PKE;
	regs.pkru = 1u << 2 * 3 | 2u << 2 * 5;
	*entries[3] |= 3ull << X86_PTE_PK_SHIFT;
	expect_pf(&regs, VA, MMU_READ | MMU_USER, X86_PF_PROT | X86_PF_USER | X86_PF_PK);
	expect_phys(&regs, VA, MMU_FETCH | MMU_USER, 0x20005);
	expect_phys(&kernel_regs, VA, MMU_READ | MMU_USER, 0x20005);
	*entries[3] ^= (3ull ^ 5ull) << X86_PTE_PK_SHIFT;
	expect_phys(&regs, VA, MMU_READ | MMU_USER, 0x20005);
	expect_pf(&regs, VA, MMU_WRITE, X86_PF_PROT | X86_PF_WRITE | X86_PF_PK);
	*entries[0] &= ~X86_PTE_US;
	expect_phys(&regs, VA, MMU_WRITE, 0x20005);
}

static void test_accessed_dirty(void **state)
{
	unsigned int i;

	walk(&kernel_regs, VA, MMU_WRITE | MMU_PROBE, 0);
	for (i = 0; i < 4; i++)
		assert_false(*entries[i] & (X86_PTE_A | X86_PTE_D));
	walk(&kernel_regs, VA, MMU_READ, 0);
	for (i = 0; i < 4; i++)
		assert_int_equal(*entries[i] & (X86_PTE_A | X86_PTE_D), X86_PTE_A);
	walk(&kernel_regs, VA, MMU_WRITE, 0);
	for (i = 0; i < 4; i++)
		assert_int_equal(!!(*entries[i] & X86_PTE_D), i == 3);
	/* A refused access leaves nothing behind. */
	fresh_tables();
	*entries[3] &= ~X86_PTE_RW;
	walk(&kernel_regs, VA, MMU_WRITE, -EFAULT);
	for (i = 0; i < 4; i++)
		assert_false(*entries[i] & (X86_PTE_A | X86_PTE_D));
}

/* Where there is no memory all bits read as one; with reserved bits among them that is a fault. */
static void test_no_memory(void **state)
{
	struct mmu_regs regs = kernel_regs;
	struct mmu_walk_result res;

	*entries[1] = (uint64_t)20 << 20 | TABLE;
	expect_pf(&kernel_regs, VA, MMU_READ, X86_PF_PROT | X86_PF_RSVD);
	res = walk(&kernel_regs, VA, MMU_READ, -EFAULT);
	assert_int_equal(res.nr_entries, 3);
	assert_int_equal(res.entries[2].value, UINT64_MAX);
	regs.cr3 = 0xff00000000;
	expect_pf(&regs, VA, MMU_READ, X86_PF_PROT | X86_PF_RSVD);
	/* A leaf may lead anywhere: a device, for instance. */
	fresh_tables();
	*entries[3] = 0xfd00000000 | TABLE;
	expect_phys(&kernel_regs, VA, MMU_READ, 0xfd00000005);
}

static uint32_t *entry32(uint64_t table, unsigned int index)
{
	return mmu_phys(machine_of(am), table + index * 4ull, 4);
}

/* Indices 1 and 2, byte 5. */
#define VA32 (1u << 22 | 2u << 12 | 5)

static void test_32bit(void **state)
{
	static const char *const names[] = {"pgd", "pte"};
	struct mmu_regs regs = {.cr0 = kernel_regs.cr0, .cr3 = PGD | 0xfff};
	struct mmu_walk_result res;

	memset(am->ram + PGD, 0, 4 * PAGE_SIZE);
	*entry32(PGD, 1) = PTE | TABLE | X86_PTE_PS;
	*entry32(PTE, 2) = 0xfedcb000u | TABLE;
	/* Without CR4.PSE the bit PS means nothing; bits 63…32 of an address do not exist. */
	res = walk(&regs, 0xffff000000000000 | VA32, MMU_WRITE, 0);
	assert_int_equal(res.phys, 0xfedcb005);
	assert_int_equal(res.va, VA32);
	assert_int_equal(res.nr_entries, 2);
	for (unsigned int i = 0; i < 2; i++)
		assert_string_equal(res.entries[i].name, names[i]);
	assert_int_equal(*entry32(PTE, 2) & (X86_PTE_A | X86_PTE_D), X86_PTE_A | X86_PTE_D);
	regs.cr4 = X86_CR4_PSE;
	/* PTE's frame has bit 13 set: PSE-36's bit 32. */
	*entry32(PGD, 1) = 0xffc00000u | 0x1a2u << 12 | TABLE | X86_PTE_PS;
	res = walk(&regs, VA32, MMU_READ, 0);
	assert_int_equal(res.phys, 0xd1ffc00000 | (VA32 & 0x3fffff));
	assert_int_equal(res.page_shift, 22);
	*entry32(PGD, 1) |= 1u << 21;
	expect_pf(&regs, VA32, MMU_READ, X86_PF_PROT | X86_PF_RSVD);
}

static void test_pae(void **state)
{
	struct mmu_regs regs = kernel_regs;
	kva_t va = 1u << 30 | 3u << 21 | 4u << 12 | 5;
	struct mmu_walk_result res;

	regs.efer = X86_EFER_NXE;
	regs.cr3 = PGD + 0x20;
	*entry(PGD, 4) = 0;
	*entry(PGD, 5) = PMD | X86_PTE_P;
	res = walk(&regs, va, MMU_READ, 0);
	assert_int_equal(res.phys, 0x20005);
	assert_int_equal(res.nr_entries, 3);
	/* No accessed bit in the registers, nor in memory. */
	assert_int_equal(*entry(PGD, 5), PMD | X86_PTE_P);
	expect_pf(&regs, 5, MMU_READ, 0);
	*entry(PGD, 7) = X86_PTE_P | X86_PTE_RW;
	res = walk(&regs, va, MMU_READ, -EFAULT);
	assert_int_equal(res.trap, X86_TRAP_GP);
	assert_true(res.at_cr3);
	/* Not present, it may be anything. */
	*entry(PGD, 7) = X86_PTE_RW;
	expect_phys(&regs, va, MMU_READ, 0x20005);
	/* PAE knows no protection keys: there are reserved bits. */
	*entries[3] |= 3ull << X86_PTE_PK_SHIFT;
	expect_pf(&regs, va, MMU_READ, X86_PF_PROT | X86_PF_RSVD);
}

static void test_5level(void **state)
{
	struct mmu_regs regs = kernel_regs;
	struct mmu_walk_result res;

	regs.cr4 |= X86_CR4_LA57;
	regs.cr3 = 0x14000;
	*entry(0x14000, 6) = PGD | TABLE;
	res = walk(&regs, 6ull << 48 | VA, MMU_READ, 0);
	assert_int_equal(res.phys, 0x20005);
	assert_int_equal(res.nr_entries, 5);
	assert_string_equal(res.entries[0].name, "pgd");
	assert_string_equal(res.entries[1].name, "p4d");
	*entry(0x14000, 6) |= X86_PTE_PS;
	expect_pf(&regs, 6ull << 48 | VA, MMU_READ, X86_PF_PROT | X86_PF_RSVD);
	res = walk(&regs, 1ull << 56, MMU_READ, -EFAULT);
	assert_int_equal(res.trap, X86_TRAP_GP);
	expect_pf(&regs, UINT64_MAX << 56, MMU_READ, 0);
	memset(am->ram + 0x14000, 0, PAGE_SIZE);
}

static void test_no_mode(void **state)
{
	static const struct {
		struct mmu_regs regs;
		const char *line;
	} cases[] = {
		{{0, PGD, X86_CR4_PAE, X86_EFER_LMA, 0}, "paging is off"},
		{{X86_CR0_PG, PGD, 0, X86_EFER_LMA, 0}, "EFER.LMA without CR4.PAE"},
	};
	struct mmu_regs regs = kernel_regs;

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sim_heard.lines = 0;
		assert_int_equal(walk(&cases[i].regs, VA, 0, -EOPNOTSUPP).nr_entries, 0);
		assert_int_equal(sim_heard.lines, 1);
		assert_non_null(strstr(sim_heard.line, cases[i].line));
	}
	/* An address in CR3 that the machine's width does not have. */
	regs.cr3 |= 1ull << 40;
	assert_true(walk(&regs, VA, 0, -EFAULT).at_cr3);
}

static void test_bad_calls(void **state)
{
	struct mmu_walk_result res;
	struct mmu_regs regs;

	walk(&kernel_regs, VA, MMU_WRITE | MMU_FETCH, -EINVAL);
	walk(&kernel_regs, VA, 32, -EINVAL);
	/* This machine has no kernel, so no kernel tables. */
	assert_int_equal(mmu_walk(VA, 0, &res), -EOPNOTSUPP);
	assert_int_equal(mmu_get_regs(&regs), -EOPNOTSUPP);
	arch_mmu_set_regs(am, &kernel_regs);
	assert_int_equal(mmu_walk(VA, 0, &res), 0);
	assert_int_equal(mmu_get_regs(&regs), 0);
	assert_memory_equal(&regs, &kernel_regs, sizeof(regs));
}

static void test_no_machine(void **state)
{
	struct mmu_walk_result res;
	struct mmu_regs regs;

	sim_hear_all();
	assert_int_equal(mmu_walk(VA, 0, &res), -ENODEV);
	assert_int_equal(mmu_walk_regs(&kernel_regs, VA, 0, &res), -ENODEV);
	assert_int_equal(mmu_get_regs(&regs), -ENODEV);
	assert_int_equal(sim_heard.reports, 3);
	sim_hear_nothing();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_levels),
		CASE(test_large_pages),
		CASE(test_not_present),
		CASE(test_canonical),
		CASE(test_reserved_bits),
		CASE(test_write_and_user),
		CASE(test_smep_smap_keys),
		CASE(test_accessed_dirty),
		CASE(test_no_memory),
		CASE(test_32bit),
		CASE(test_pae),
		CASE(test_5level),
		CASE(test_no_mode),
		CASE(test_bad_calls),
		cmocka_unit_test(test_no_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
