/* SPDX-License-Identifier: MIT */
/*
 * The paging modes, each a table of levels. Which one it is the registers say (section 4.1.1), not
 * the machine's description:
 *
 *	CR0.PG  CR4.PAE  EFER.LMA  CR4.LA57
 *	  1        0        0                  32-bit, 4 MiB pages if CR4.PSE    section 4.3
 *	  1        1        0                  PAE                               section 4.4
 *	  1        1        1         0        4-level                           section 4.5
 *	  1        1        1         1        5-level                           section 4.5
 *
 * Reserved bits that depend on MAXPHYADDR or EFER.NXE are no part of the tables: mmu_space.c.
 */
#include "sim/mmu.h"

/* Figure 4-2; tables 4-4 to 4-6. Without PSE the bit PS of a pointer to a table means nothing. */
#define FORMAT_32(pse)                                                            \
	{                                                                         \
		.name = "32-bit",                                                 \
		.nr_levels = 2,                                                   \
		.entry_size = 4,                                                  \
		.va_bits = 32,                                                    \
		.cr3_mask = X86_CR3_ADDR_MASK_32,                                 \
		.addr_mask = X86_PTE32_ADDR_MASK,                                 \
		.levels = {                                                       \
			{"pgd", X86_PGD32_SHIFT, X86_LEVEL32_BITS, pse, false, 0, 0}, \
			{"pte", X86_PTE_SHIFT, X86_LEVEL32_BITS, false, false, 0, 0}, \
		},                                                                \
	}

static const struct mmu_format format_32 = FORMAT_32(false);
static const struct mmu_format format_32_pse = FORMAT_32(true);

#define LEVEL_PUD {"pud", X86_PUD_SHIFT, X86_LEVEL_BITS, true, false, 0, BITS(29, 13)}
#define LEVEL_PMD {"pmd", X86_PMD_SHIFT, X86_LEVEL_BITS, true, false, 0, BITS(20, 13)}
#define LEVEL_PTE {"pte", X86_PTE_SHIFT, X86_LEVEL_BITS, false, false, 0, 0}

/* Figure 4-5; tables 4-8 to 4-11. */
static const struct mmu_format format_pae = {
	.name = "PAE",
	.nr_levels = 3,
	.entry_size = 8,
	.va_bits = 32,
	.phys_top = 62,
	.cr3_mask = X86_CR3_ADDR_MASK_PAE,
	.addr_mask = X86_PTE_ADDR_MASK,
	.nx = true,
	.levels = {
		{"pgd", X86_PUD_SHIFT, X86_PAE_PGD_BITS, false, true, X86_PDPTE_RSVD, 0},
		LEVEL_PMD,
		LEVEL_PTE,
	},
};

/* Figure 4-8; tables 4-14 to 4-20. */
static const struct mmu_format format_4level = {
	.name = "4-level",
	.nr_levels = 4,
	.entry_size = 8,
	.va_bits = 48,
	.phys_top = 51,
	.cr3_mask = X86_CR3_ADDR_MASK,
	.addr_mask = X86_PTE_ADDR_MASK,
	.nx = true,
	.keys = true,
	.levels = {
		{"pgd", X86_PGD_SHIFT, X86_LEVEL_BITS, false, false, X86_PTE_PS, 0},
		LEVEL_PUD,
		LEVEL_PMD,
		LEVEL_PTE,
	},
};

static const struct mmu_format format_5level = {
	.name = "5-level",
	.nr_levels = 5,
	.entry_size = 8,
	.va_bits = 57,
	.phys_top = 51,
	.cr3_mask = X86_CR3_ADDR_MASK,
	.addr_mask = X86_PTE_ADDR_MASK,
	.nx = true,
	.keys = true,
	.levels = {
		{"pgd", X86_PGD5_SHIFT, X86_LEVEL_BITS, false, false, X86_PTE_PS, 0},
		{"p4d", X86_PGD_SHIFT, X86_LEVEL_BITS, false, false, X86_PTE_PS, 0},
		LEVEL_PUD,
		LEVEL_PMD,
		LEVEL_PTE,
	},
};

const struct mmu_format *mmu_format_of(const struct mmu_regs *regs, const char **why)
{
	bool pae = regs->cr4 & X86_CR4_PAE;

	if (!(regs->cr0 & X86_CR0_PG)) {
		*why = "paging is off";
		return NULL;
	}
	if (regs->efer & X86_EFER_LMA) {
		if (pae)
			return regs->cr4 & X86_CR4_LA57 ? &format_5level : &format_4level;
		*why = "EFER.LMA without CR4.PAE is no paging mode";
		return NULL;
	}
	if (pae)
		return &format_pae;
	return regs->cr4 & X86_CR4_PSE ? &format_32_pse : &format_32;
}

uint64_t mmu_pse36_reserved(unsigned int maxphyaddr)
{
	unsigned int width = maxphyaddr < X86_PSE36_BITS ? maxphyaddr : X86_PSE36_BITS;

	return BITS(21, width - 32 + X86_PSE36_SHIFT);
}

phys_addr_t mmu_pse36_frame(uint64_t value)
{
	return (value & BITS(31, X86_PGD32_SHIFT)) |
	       (value & X86_PSE36_MASK) >> X86_PSE36_SHIFT << 32;
}
