/* SPDX-License-Identifier: MIT */
/*
 * For tests of the MMU: a machine without allocators, and 4-level tables made by hand in its first
 * MiB, which no one else uses.
 */
#ifndef MMU_TEST_H
#define MMU_TEST_H

#include "../support/sim_test.h"

#include <errno.h>

#include "sim/mmu.h"

#define TABLE (X86_PTE_P | X86_PTE_RW | X86_PTE_US)
#define ROOT 0x10000u
#define MMU_TEST_MACHINE "preset=x86_64 ram=0-16M,32M-64M reserved=0-1M maxphyaddr=40 cpus=4"

static struct arch_machine *am;
static phys_addr_t next_table;

static const struct mmu_regs kernel_regs = {
	.cr0 = X86_CR0_PG | X86_CR0_PE | X86_CR0_WP,
	.cr3 = ROOT,
	.cr4 = X86_CR4_PAE | X86_CR4_PGE,
	.efer = X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE,
};

static inline uint64_t *word_at(phys_addr_t phys)
{
	return mmu_phys(machine_of(am), phys, 8);
}

/* The entry for @va of level shift @shift in the tables at @root; upper ones are made. */
static inline uint64_t *entry_for(phys_addr_t root, kva_t va, unsigned int shift)
{
	phys_addr_t table = root;

	for (unsigned int s = X86_PGD_SHIFT;; s -= X86_LEVEL_BITS) {
		uint64_t *entry = word_at(table + (va >> s & 511) * 8);

		if (s == shift)
			return entry;
		if (!*entry) {
			*entry = next_table | TABLE;
			next_table += PAGE_SIZE;
		}
		table = *entry & X86_PTE_ADDR_MASK;
	}
}

static inline void map_in(phys_addr_t root, kva_t va, uint64_t value)
{
	__atomic_store_n(entry_for(root, va, X86_PTE_SHIFT), value, __ATOMIC_RELEASE);
}

static inline void map(kva_t va, uint64_t value)
{
	map_in(ROOT, va, value);
}

static inline int mmu_setup_machine(const char *text)
{
	sim_hear_all();
	am = sim_boot(text);
	next_table = ROOT + 4 * PAGE_SIZE;
	arch_mmu_set_regs(am, &kernel_regs);
	return 0;
}

static inline int mmu_setup(void **state)
{
	return mmu_setup_machine(MMU_TEST_MACHINE);
}

static inline int mmu_teardown(void **state)
{
	mmu_set_fault_handler(NULL, NULL);
	sim_shutdown(am);
	sim_hear_nothing();
	return 0;
}

/* What a read of the eight bytes at @va gives; the read must succeed. */
static inline uint64_t read8(kva_t va)
{
	uint64_t value = 0;

	assert_int_equal(mmu_read(va, &value, 8, 0, NULL), 0);
	return value;
}

static inline struct mmu_counters counters(unsigned int cpu)
{
	struct mmu_counters c;

	assert_int_equal(mmu_get_counters(cpu, &c), 0);
	return c;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, mmu_setup, mmu_teardown)

#endif
