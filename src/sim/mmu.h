/* SPDX-License-Identifier: MIT */
/* The page walker; theory in mmu.c. */
#ifndef KMEM_SIM_MMU_H
#define KMEM_SIM_MMU_H

#include "sim/machine.h"

#include <kmem/mmu.h>

/* One level of a paging mode: which bits of the address are its index, which entries are leaves,
 * which bits must be 0. */
struct mmu_level {
	const char *name;
	unsigned int shift;
	unsigned int index_bits;
	bool large_leaf;	/* an entry with PS is a leaf */
	uint64_t reserved;	/* bits reserved in a pointer to a table, MAXPHYADDR and NX aside */
	uint64_t reserved_leaf;	/* in a leaf */
};

/* A paging mode: how an address becomes indices, top level first. The last level is all leaves. */
struct mmu_format {
	unsigned int nr_levels;
	unsigned int entry_size;	/* bytes */
	unsigned int va_bits;		/* the bits above must equal the highest of these */
	struct mmu_level levels[MMU_MAX_LEVELS];
};

/* The mode that @regs select; NULL with the reason if this version has it not. */
const struct mmu_format *mmu_format_of(const struct mmu_regs *regs, const char **why);

/* The entry at @phys; NULL where @m has no memory. */
uint64_t *mmu_entry(const struct machine *m, phys_addr_t phys);

/* One walk of @format. 0 or -EFAULT. */
int mmu_walk_format(const struct machine *m, const struct mmu_format *format,
		    const struct mmu_regs *regs, kva_t va, unsigned int access,
		    struct mmu_walk_result *res);

#endif
