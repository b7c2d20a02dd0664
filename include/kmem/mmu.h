/* SPDX-License-Identifier: MIT */
/*
 * The simulated x86's page walk. The machine's tables lie in simulated physical memory; the walker
 * reads them as the hardware would and says where an address leads, or why it leads nowhere.
 *
 * Addresses are kva_t, what the simulated x86 sees (types.h): ptr_to_kva() and kva_to_ptr() of mm.h
 * translate between them and host pointers. Entry formats: x86_pte.h. How it works: docs/mmu.md.
 *
 * This version walks 4-level tables; a machine with another paging mode gets -EOPNOTSUPP and a line
 * in its log.
 */
#ifndef KMEM_MMU_H
#define KMEM_MMU_H

#include <kmem/types.h>
#include <kmem/x86_pte.h>

KMEM_BEGIN_DECLS

/* What is done at the address: one of the first three, with any of the others. */
#define MMU_READ 0u
#define MMU_WRITE 1u
#define MMU_FETCH 2u	/* instruction fetch */
#define MMU_USER 4u	/* at CPL 3 instead of 0 */
#define MMU_AC 8u	/* EFLAGS.AC is set: supervisor data accesses pass SMAP */
#define MMU_PROBE 16u	/* only look: accessed and dirty bits stay as they are */

/* The registers that a walk obeys, with the manual's bits (x86_pte.h). */
struct mmu_regs {
	uint64_t cr0;
	uint64_t cr3;
	uint64_t cr4;
	uint64_t efer;
	uint32_t pkru;
};

/* Levels of the deepest mode. */
#define MMU_MAX_LEVELS 5

/* One step of a walk. */
struct mmu_walk_entry {
	const char *name;	/* Linux's word: "pgd", "pud", "pmd", "pte" */
	unsigned int shift;	/* lowest index bit; a leaf here maps 2^shift bytes */
	phys_addr_t addr;	/* where the entry lies */
	uint64_t value;		/* what stands there when the walk is over */
};

/* What a walk found. */
struct mmu_walk_result {
	kva_t va;
	int trap;		/* 0: translated; else X86_TRAP_PF or X86_TRAP_GP */
	uint32_t error_code;	/* of the trap: X86_PF_*; 0 for X86_TRAP_GP */
	kva_t cr2;		/* of a page fault: the address */
	phys_addr_t phys;	/* translated: the byte's physical address */
	unsigned int page_shift;	/* translated: 12, 21 or 30 */
	bool writable;		/* rights of all entries together, while each was present: R/W */
	bool user;		/* U/S */
	bool executable;	/* no NX */
	bool global;		/* G of the leaf */
	unsigned int nr_entries;	/* entries the walk has read, top level first */
	struct mmu_walk_entry entries[MMU_MAX_LEVELS];	/* as many are set */
};

/**
 * mmu_walk - translate @va by the entered machine's kernel tables
 * @va:     any address
 * @access: MMU_*
 * @res:    filled; all zero on other errors than -EFAULT
 *
 * Sets accessed and dirty bits as the hardware does when the access is allowed, unless MMU_PROBE.
 * An entry that lies where the machine has no memory reads as all ones.
 *
 * Return: 0; -EFAULT with @res->trap for a fault; -ENODEV without a machine; -EINVAL for an
 * impossible @access; -EOPNOTSUPP for a paging mode that this version cannot walk.
 * Context: any thread, any context; takes no locks: as on hardware it is the caller who sees to it
 * that a table that is being walked is not freed.
 * Source: Intel SDM volume 3A, sections 4.5 to 4.8.
 */
KMEM_DECL(int, mmu_walk, (kva_t va, unsigned int access, struct mmu_walk_result *res));

/**
 * mmu_walk_regs - mmu_walk() by other registers: any tables in the machine's physical memory
 * @regs:   mode, top table and rights; the machine's own are those of mmu_get_regs()
 * @va:     as mmu_walk()
 * @access: as mmu_walk()
 * @res:    as mmu_walk()
 *
 * Return and context: as mmu_walk().
 */
KMEM_DECL(int, mmu_walk_regs,
	  (const struct mmu_regs *regs, kva_t va, unsigned int access,
	   struct mmu_walk_result *res));

/**
 * mmu_get_regs - the registers that the machine's CPUs run with
 * @regs: filled
 * Return: 0; -ENODEV without a machine; -EOPNOTSUPP as mmu_walk(). Any thread, any context.
 */
KMEM_DECL(int, mmu_get_regs, (struct mmu_regs * regs));

KMEM_END_DECLS

#endif
