/* SPDX-License-Identifier: MIT */
/*
 * The simulated x86's MMU: page walks, TLB, and accesses through both.
 *
 * The machine's page tables lie in simulated physical memory. mmu_walk() reads them as the hardware
 * would and says where an address leads, or why it leads nowhere. mmu_read(), mmu_write() and
 * mmu_fetch() access memory as an instruction does: through the CPU's TLB, so that a stale entry
 * that nobody invalidated is used as on hardware, and with a page-fault handler if there is one.
 *
 * Four modes, by the registers: 32-bit (with PSE and PSE-36), PAE, 4-level, 5-level paging.
 *
 * Addresses are kva_t, what the simulated x86 sees (types.h): ptr_to_kva() and kva_to_ptr() of mm.h
 * translate between them and host pointers. In modes with 32 bits only an address's low 32 count.
 * Entry formats: x86_pte.h. How it works: docs/mmu.md.
 *
 * Registers and TLB belong to a CPU: these functions act on the one that the calling thread is
 * attached to. All CPUs begin with the kernel's registers.
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
#define MMU_PROBE 16u	/* walks only: accessed and dirty bits stay as they are */

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
	const char *name;	/* Linux's word: "pgd", "p4d", "pud", "pmd", "pte" */
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
	bool at_cr3;		/* X86_TRAP_GP: the load of CR3 itself raised it, not the access */
	phys_addr_t phys;	/* translated: the byte's physical address */
	unsigned int page_shift;	/* translated: 12, 21, 22 or 30 */
	bool writable;		/* rights of all entries together, while each was present: R/W */
	bool user;		/* U/S */
	bool executable;	/* no NX */
	bool global;		/* G of the leaf */
	unsigned int nr_entries;	/* entries the walk has read, top level first */
	struct mmu_walk_entry entries[MMU_MAX_LEVELS];	/* as many are set */
};

/* How an access ended. */
struct mmu_outcome {
	size_t done;		/* bytes accessed; less than asked for if it faulted */
	int trap;		/* 0, X86_TRAP_PF or X86_TRAP_GP */
	uint32_t error_code;	/* X86_PF_* */
	kva_t cr2;		/* X86_TRAP_PF: the address that faulted */
	phys_addr_t phys[2];	/* where the first byte is, and the first one of the second page
				 * touched (0: none was) */
};

/* A CPU's counters since its MMU was first used. */
struct mmu_counters {
	uint64_t hits_4k;	/* found in the first level, by page size */
	uint64_t hits_large;	/* 2 MiB or 4 MiB */
	uint64_t hits_1g;
	uint64_t hits_l2;	/* not there, but in the second level */
	uint64_t misses;	/* in neither: the tables were walked */
	uint64_t dirty_walks;	/* found, but the first write through this entry: walked to set D */
	uint64_t walks;		/* misses and dirty_walks */
	uint64_t walk_refs;	/* entries that walks read from memory */
	uint64_t table_hits[4];	/* walks that began at a cached entry: PDE, PDPTE, PML4E, PML5E */
	uint64_t evictions;	/* first-level entries that made room for others */
	uint64_t evictions_l2;
	uint64_t page_faults;
	uint64_t invalidated_pages;	/* INVLPG, INVPCID of an address, pages of ranges */
	uint64_t flushes;	/* larger invalidations: of a PCID, of everything */
	uint64_t shootdowns_sent;	/* requests to other CPUs to invalidate */
	uint64_t shootdowns_received;
};

/* A translation that a TLB holds. */
struct mmu_tlb_translation {
	kva_t va;		/* start of the page */
	phys_addr_t phys;
	unsigned int page_shift;
	unsigned int level;	/* 1 or 2 */
	uint16_t pcid;
	bool global;
	bool writable, user, executable;
	bool dirty;		/* writes need no walk */
	int key;		/* protection key; -1: keys do not apply */
};

/* --- walks, without the TLB ------------------------------------------------------------------ */

/**
 * mmu_walk - translate @va by the calling CPU's registers
 * @va:     any address
 * @access: MMU_*
 * @res:    filled; all zero on other errors than -EFAULT
 *
 * Sets accessed and dirty bits as the hardware does when the access is allowed, unless MMU_PROBE.
 * Neither looks into the TLB nor changes it. An entry that lies where the machine has no memory
 * reads as all ones.
 *
 * Return: 0; -EFAULT with @res->trap for a fault; -ENODEV without a machine; -EINVAL for an
 * impossible @access; -EOPNOTSUPP if paging is off, with a line in the log.
 * Context: any thread, any context; takes no locks: as on hardware it is the caller who sees to it
 * that a table that is being walked is not freed.
 * Source: Intel SDM volume 3A, sections 4.3 to 4.8.
 */
KMEM_DECL(int, mmu_walk, (kva_t va, unsigned int access, struct mmu_walk_result *res));

/**
 * mmu_walk_regs - mmu_walk() by other registers: any tables in the machine's physical memory
 * @regs:   mode, top table and rights; the machine's own are those of mmu_get_regs()
 * @va:     as mmu_walk()
 * @access: as mmu_walk()
 * @res:    as mmu_walk()
 *
 * As if CR3 had just been loaded: a PAE top-level entry with a reserved bit set, or an address beyond
 * MAXPHYADDR in CR3, is X86_TRAP_GP with @res->at_cr3.
 *
 * Return and context: as mmu_walk().
 */
KMEM_DECL(int, mmu_walk_regs,
	  (const struct mmu_regs *regs, kva_t va, unsigned int access,
	   struct mmu_walk_result *res));

/* --- registers ------------------------------------------------------------------------------- */

/**
 * mmu_get_regs - the calling CPU's registers
 * @regs: filled
 * Return: 0; -ENODEV without a machine; -EOPNOTSUPP if paging is off. Any thread, any context.
 */
KMEM_DECL(int, mmu_get_regs, (struct mmu_regs * regs));

/**
 * mmu_set_regs - change the calling CPU's registers, as moves to each that differs would
 * @regs: all of them
 *
 * What that invalidates in the TLB: everything if CR4.PGE, the paging mode, or CR4.PCIDE from 1 to 0
 * changes; what is of the current PCID if CR4.SMEP goes from 0 to 1, or CR3 changes (mmu_load_cr3()
 * says how). Nothing else does, so rights that an entry grants stay until it is invalidated; but
 * registers judge each access anew. PAE: the four top entries are read if CR0, CR3 or CR4 changes.
 * CR4.PCIDE becomes 1 only in 64-bit modes, and only if bits 11…0 of the old CR3 or of the new one are
 * 0: the moves then have an order that no #GP(0) stops.
 *
 * Return: 0; -EFAULT: #GP(0), nothing has changed; -EOPNOTSUPP: the registers select no paging mode,
 * nothing has changed; -ENODEV without a machine; -ENOMEM.
 * Context: any thread, any context.
 * Source: Intel SDM volume 3A, section 4.10.4.1.
 */
KMEM_DECL(int, mmu_set_regs, (const struct mmu_regs *regs));

/**
 * mmu_load_cr3 - MOV to CR3 on the calling CPU
 * @cr3: address of the top table; with CR4.PCIDE the PCID in bits 11…0 and X86_CR3_NOFLUSH
 *
 * Invalidates what the TLB has of the (new) PCID, but for global pages; with PCIDE and
 * X86_CR3_NOFLUSH nothing. PAE: reads the four top entries.
 *
 * Return, context, source: as mmu_set_regs().
 */
KMEM_DECL(int, mmu_load_cr3, (uint64_t cr3));

/**
 * mmu_get_cr2 - the address of the calling CPU's last page fault
 * Return: 0 if there was none, or without a machine. Any thread, any context.
 */
KMEM_DECL(kva_t, mmu_get_cr2, (void));

/* --- accesses -------------------------------------------------------------------------------- */

/* Up to so many bytes are one access: nothing is transferred unless all of it can be. */
#define MMU_ACCESS_MAX 64u

/**
 * mmu_read - read memory as the calling CPU's load instructions do
 * @va:   any address
 * @to:   @size bytes
 * @size: any number of bytes; after the highest address comes 0
 * @how:  MMU_USER, MMU_AC or 0
 * @out:  how it went; NULL if you do not care
 *
 * Up to MMU_ACCESS_MAX bytes are one access, which has a fault or happens as a whole. More are
 * accessed page by page in ascending order, as a string instruction does: @out->done tells how far it
 * came, and the byte after it is the one that cannot be accessed.
 *
 * A page fault sets CR2 and invalidates the page in the TLB, then calls the handler that
 * mmu_set_fault_handler() set, if there is one; when that returns true the access is tried again.
 * A device behind a translation (io.h) is asked for 1, 2, 4 or 8 bytes as a whole, for other sizes and
 * on each side of a page's border by the widest aligned pieces of up to 8 bytes. Where neither memory
 * nor a device is, all bits read as 1.
 *
 * Return: 0; -EFAULT: it faulted; -EINVAL: impossible @how; -ENODEV without a machine; -EOPNOTSUPP
 * if paging is off; -ENOMEM: no host memory for the TLB.
 * Context: any thread, any context, as far as the handler allows.
 * Source: Intel SDM volume 3A, chapter 4.
 */
KMEM_DECL(int, mmu_read,
	  (kva_t va, void *to, size_t size, unsigned int how, struct mmu_outcome *out));

/**
 * mmu_write - write memory as the calling CPU's store instructions do
 * @va:   as mmu_read()
 * @from: @size bytes
 * @size: as mmu_read()
 * @how:  as mmu_read()
 * @out:  as mmu_read()
 *
 * As mmu_read(). Where neither memory nor a device is behind a translation the bytes go nowhere.
 */
KMEM_DECL(int, mmu_write,
	  (kva_t va, const void *from, size_t size, unsigned int how, struct mmu_outcome *out));

/**
 * mmu_fetch - read memory as the calling CPU's instruction fetch does
 * @va:   as mmu_read()
 * @to:   @size bytes
 * @size: as mmu_read()
 * @how:  as mmu_read()
 * @out:  as mmu_read()
 *
 * As mmu_read(); but bytes beyond a page are looked at only after those before it could be fetched,
 * which shows where an instruction reaches over the edge of the canonical addresses.
 */
KMEM_DECL(int, mmu_fetch,
	  (kva_t va, void *to, size_t size, unsigned int how, struct mmu_outcome *out));

/* A page fault, as its handler sees it. */
struct mmu_page_fault {
	kva_t address;		/* CR2 */
	uint32_t error_code;	/* X86_PF_* */
	unsigned int access;	/* MMU_*: what was tried */
};

/* Return true to have the access tried again; a handler that changed nothing is called again. */
typedef bool mmu_fault_fn(const struct mmu_page_fault *fault, void *arg);

/**
 * mmu_set_fault_handler - who mends page faults of mmu_read(), mmu_write(), mmu_fetch()
 * @fn:  called on the thread that faulted, with no locks held; it may use the whole library.
 *       NULL: nobody; accesses that fault fail
 * @arg: passed on
 *
 * One for the entered machine, for all its CPUs.
 * Return: 0; -ENODEV without a machine. Context: any thread.
 */
KMEM_DECL(int, mmu_set_fault_handler, (mmu_fault_fn * fn, void *arg));

/* --- invalidation ---------------------------------------------------------------------------- */

/**
 * mmu_invlpg - INVLPG on the calling CPU: forget @va's page
 * @va: any address in the page
 *
 * The page as the current PCID has it and as a global one, of whatever size; and all cached upper
 * entries of the current PCID.
 * Return: 0; -ENODEV without a machine. Context: any thread, any context.
 * Source: Intel SDM volume 3A, section 4.10.4.1.
 */
KMEM_DECL(int, mmu_invlpg, (kva_t va));

/**
 * mmu_invpcid - INVPCID on the calling CPU
 * @type: X86_INVPCID_*
 * @pcid: 0 … 4095, for the first two types; 0 while CR4.PCIDE is off
 * @va:   for X86_INVPCID_ADDR; canonical
 *
 * Return: 0; -EFAULT: the operands are #GP(0); -ENODEV without a machine. Any thread, any context.
 * Source: Intel SDM volume 2A, INVPCID.
 */
KMEM_DECL(int, mmu_invpcid, (unsigned int type, unsigned int pcid, kva_t va));

/**
 * mmu_shootdown - invalidate [@start, @end) on all CPUs, all PCIDs' kernel pages
 * @start: first byte
 * @end:   exclusive
 *
 * What a kernel does after it unmapped pages of its own: INVLPG of every page on this CPU and, by a
 * request, on every other that was ever used; everything at once if there are more than 33 pages, as
 * in Linux. When it returns no CPU uses an old translation, and no access through one is under way.
 * Pages of other PCIDs than a CPU's current one go only if they are global.
 *
 * Return: 0; -ENODEV without a machine.
 * Context: may sleep; outside atomic contexts and not from a fault handler that holds locks.
 */
KMEM_DECL(int, mmu_shootdown, (kva_t start, kva_t end));

/* --- looking --------------------------------------------------------------------------------- */

/**
 * mmu_tlb_peek - what the calling CPU's TLB has for @va, changing nothing
 * @va:  any address
 * @out: filled if there is something
 * Return: 1; 0: nothing there; -ENODEV without a machine. Any thread, any context.
 */
KMEM_DECL(int, mmu_tlb_peek, (kva_t va, struct mmu_tlb_translation *out));

/**
 * mmu_get_counters - a CPU's MMU counters
 * @cpu: its number
 * @out: filled; all zero for a CPU that has not used its MMU
 * Return: 0; -EINVAL: no such CPU; -ENODEV without a machine. Context: may sleep.
 */
KMEM_DECL(int, mmu_get_counters, (unsigned int cpu, struct mmu_counters *out));

/* --- physical memory ------------------------------------------------------------------------- */

/**
 * mmu_phys_read - read physical memory as a device would
 * @phys: address
 * @to:   @size bytes
 * @size: bytes
 * Return: 0; -EFAULT: the machine has no memory at some of it, nothing was read; -ENODEV without a
 * machine. Any thread, any context.
 */
KMEM_DECL(int, mmu_phys_read, (phys_addr_t phys, void *to, size_t size));

/**
 * mmu_phys_write - write physical memory as a device would: page tables of one's own, for instance
 * @phys: address
 * @from: @size bytes
 * @size: bytes; 4 and 8 at a multiple of themselves are written by a single store
 *
 * Nothing keeps it from memory that is in use.
 * Return: 0; -EFAULT: the machine has no memory at some of it, nothing was written; -ENODEV without a
 * machine. Any thread, any context.
 */
KMEM_DECL(int, mmu_phys_write, (phys_addr_t phys, const void *from, size_t size));

/**
 * mmu_phys_clear - make pages of physical memory zero and give what stood behind them back to the host
 * @phys: address, a multiple of PAGE_SIZE
 * @size: bytes, a multiple of PAGE_SIZE
 * Return: 0; -EFAULT, -ENODEV as mmu_phys_write(); -EINVAL: not aligned. Any thread, any context.
 */
KMEM_DECL(int, mmu_phys_clear, (phys_addr_t phys, size_t size));

KMEM_END_DECLS

#endif
