/* SPDX-License-Identifier: MIT */
/*
 * Glossary of the simulated MMU; theory in mmu.c.
 *
 *   format         a paging mode: how an address becomes indices, what entries look like
 *   space          what the registers amount to: format, top table, rights. All that a walk needs
 *   walk           from the top table to a leaf, in memory
 *   access index   what is done at an address, as MMU_* without MMU_PROBE: 0 … 15
 *   rights         R/W, U/S and NX of all entries on the way together, MMU_RIGHT_*
 *   mmu_cpu        one CPU's registers, TLB and counters; made when it first uses them
 */
#ifndef KMEM_SIM_MMU_H
#define KMEM_SIM_MMU_H

#include "sim/machine.h"
#include "sim/tlb.h"

#include <kmem/mmu.h>

/* Hardware does not know which objects are free: where AddressSanitizer watches, the MMU's own
 * accesses to RAM go unseen. */
#ifdef ARCH_ASAN
#define MMU_UNWATCHED __attribute__((no_sanitize_address)) noinline
#else
#define MMU_UNWATCHED
#endif

#define BITS(high, low) ((UINT64_MAX >> (63 - (high))) & (UINT64_MAX << (low)))

/* --- mmu_format.c -------------------------------------------------------------------------- */

/* One level of a paging mode: which bits of the address are its index, which entries are leaves,
 * which bits must be 0. */
struct mmu_level {
	const char *name;
	unsigned int shift;
	unsigned int index_bits;
	bool large_leaf;	/* an entry with PS is a leaf */
	bool in_register;	/* PAE's top level: no rights, no accessed bit */
	uint64_t reserved;	/* bits reserved in a pointer to a table, MAXPHYADDR and NX aside */
	uint64_t reserved_leaf;	/* in a leaf */
};

/* A paging mode, top level first. The last level is all leaves. */
struct mmu_format {
	const char *name;
	unsigned int nr_levels;
	unsigned int entry_size;	/* bytes */
	unsigned int va_bits;		/* 32: addresses are 32 bits wide; else the bits above must equal
					 * the highest of these */
	unsigned int phys_top;		/* bits from MAXPHYADDR up to this one are reserved */
	uint64_t cr3_mask;		/* CR3's address of the top table */
	uint64_t addr_mask;		/* an entry's */
	bool nx;			/* entries have NX, if EFER.NXE */
	bool keys;			/* leaves have protection keys, if CR4.PKE */
	struct mmu_level levels[MMU_MAX_LEVELS];
};

/* The mode that @regs select; NULL: paging is off, or no processor runs with such registers. */
const struct mmu_format *mmu_format_of(const struct mmu_regs *regs, const char **why);

/* Bits reserved in a leaf of 4 MiB: those above MAXPHYADDR (table 4-4). */
uint64_t mmu_pse36_reserved(unsigned int maxphyaddr);

/* @value's address bits 39…32 and 31…22. */
phys_addr_t mmu_pse36_frame(uint64_t value);

static inline bool mmu_is_canonical(const struct mmu_format *format, kva_t va)
{
	unsigned int unused = 64 - format->va_bits;

	return format->va_bits == 32 || (kva_t)((int64_t)(va << unused) >> unused) == va;
}

/* --- mmu_space.c --------------------------------------------------------------------------- */

#define MMU_RIGHT_RW 1u
#define MMU_RIGHT_US 2u
#define MMU_RIGHT_NX 4u
#define MMU_RIGHT_DIRTY 8u	/* of a TLB entry: D is set already, so writes need not set it */
#define MMU_NR_RIGHTS 16u
#define MMU_NR_ACCESSES 16u
#define MMU_NO_KEY 16u		/* the page is no user page, or keys are off */

struct mmu_space {
	const struct mmu_format *format;
	struct mmu_regs regs;
	unsigned int maxphyaddr;
	phys_addr_t root;		/* the top table */
	uint64_t reserved;		/* bits reserved at every level */
	uint64_t reserved_large;	/* in a leaf of 4 MiB, besides */
	uint64_t va_mask;
	uint64_t pdpte[4];		/* PAE: the registers, as CR3's load found them */
	uint16_t pcid;			/* 0 while CR4.PCIDE is off */
	/* Bit I: access index I passes. By rights, with bit 3 the TLB's view of D; by key. */
	uint16_t allows[MMU_NR_RIGHTS];
	uint16_t key_allows[MMU_NR_RIGHTS + 1];
};

/* What @regs amount to on @m. 0; -EFAULT: loading CR3 is #GP(0); -EOPNOTSUPP with @why: no paging
 * mode. PAE: the four registers are those of @keep, or, if that is NULL, read from the top table. */
int mmu_space_init(struct mmu_space *space, const struct machine *m, const struct mmu_regs *regs,
		   const struct mmu_space *keep, const char **why);

/* The key by which an access to @leaf's page is judged, or MMU_NO_KEY. */
unsigned int mmu_key_of(const struct mmu_space *space, uint64_t leaf, unsigned int rights);

/* Why @access is refused: 0 (it is not), X86_PF_PROT, X86_PF_PROT | X86_PF_PK. */
static inline uint32_t mmu_refusal(const struct mmu_space *space, unsigned int access,
				   unsigned int rights, unsigned int key)
{
	unsigned int index = access % MMU_NR_ACCESSES;

	if (!(space->key_allows[key] >> index & 1))
		return X86_PF_PROT | X86_PF_PK;
	return space->allows[rights | MMU_RIGHT_DIRTY] >> index & 1 ? 0 : X86_PF_PROT;
}

/* The error code of a page fault: @why (X86_PF_PROT, _RSVD, _PK) and what the access was. */
uint32_t mmu_error_code(const struct mmu_space *space, unsigned int access, uint32_t why);

/* --- mmu_walk.c ---------------------------------------------------------------------------- */

/* Where a walk begins: at the top, or below entries that are cached. */
struct mmu_start {
	unsigned int level;
	phys_addr_t table;
	unsigned int rights;
};

/* The host's address of @size bytes of physical memory at @phys; NULL where @m has none. */
void *mmu_phys(const struct machine *m, phys_addr_t phys, uint64_t size);

/* memcpy(), unwatched. */
#ifdef ARCH_ASAN
void mmu_copy(void *to, const void *from, size_t size);
#else
#define mmu_copy __builtin_memcpy
#endif

/* One walk. 0 or -EFAULT. @va has the mode's width. With a start below the top the upper entries of
 * @res are not set. */
int mmu_walk_from(const struct machine *m, const struct mmu_space *space,
		  const struct mmu_start *start, kva_t va, unsigned int access,
		  struct mmu_walk_result *res);

/* One walk from the top; any @va. */
int mmu_walk_space(const struct machine *m, const struct mmu_space *space, kva_t va,
		   unsigned int access, struct mmu_walk_result *res);

static inline unsigned int mmu_rights_of(const struct mmu_walk_result *res)
{
	return (res->writable ? MMU_RIGHT_RW : 0) | (res->user ? MMU_RIGHT_US : 0) |
	       (res->executable ? 0 : MMU_RIGHT_NX);
}

/* --- mmu.c --------------------------------------------------------------------------------- */

struct mmu_cpu {
	struct mmu_space space;		/* format NULL: paging is off */
	unsigned int large_shift;	/* of a large page in this mode */
	kva_t cr2;
	struct tlb tlb;
	struct tlb_entry uncached;	/* a translation that no array takes */
	struct mmu_counters counters;	/* but those that TLB arrays keep */
};

/* The calling thread's CPU, in its section; left by mmu_leave(). NULL: no machine. */
struct mmu_hold {
	struct arch_cpu *cpu;
	bool fast;
};
struct mmu_hold mmu_enter(void);
void mmu_leave(struct mmu_hold hold);

/* The MMU of @cpu; NULL: not used yet. */
static __always_inline struct mmu_cpu *mmu_of(struct arch_cpu *cpu)
{
	return __atomic_load_n(&sim_cpu_of(cpu)->mmu, __ATOMIC_RELAXED);
}

/* The MMU of @cpu, in whose section or claim the caller is; made if it was not. NULL: no host
 * memory. */
struct mmu_cpu *mmu_cpu_of(struct arch_cpu *cpu);

/* --- mmu_translate.c ----------------------------------------------------------------------- */

/* Translate @va by TLB or walk, in the CPU's section. @va: canonical, within the mode's width;
 * @access: without MMU_PROBE. The entry is good until the next call; NULL: a page fault, described
 * in @out and CR2. */
const struct tlb_entry *mmu_translate(struct mmu_cpu *mmu, const struct machine *m, kva_t va,
				      unsigned int access, struct mmu_outcome *out);

static __always_inline uint64_t mmu_offset_in(const struct tlb_entry *e, kva_t va)
{
	return va & (~e->mask | TLB_PCID_MASK);
}

#endif
