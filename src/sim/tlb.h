/* SPDX-License-Identifier: MIT */
/*
 * One CPU's translation caches; theory in tlb.c.
 *
 *   array        a set-associative cache of translations
 *   entry        one translation: addresses of a page, and of which PCID, to physical memory
 *   want         the address's page number and the PCID in one word: what entries are compared with
 *   paging-structure cache    array whose entries lead to a table instead of a page
 */
#ifndef KMEM_SIM_TLB_H
#define KMEM_SIM_TLB_H

#include "arch.h"

#include <kmem/mmu.h>

/* One array's size. No sets: there is no such array. */
struct tlb_shape {
	unsigned int entries;
	unsigned int ways;	/* divides entries; entries / ways is a power of 2 */
};

enum tlb_array_id {
	TLB_4K,			/* first level, by page size */
	TLB_LARGE,		/* 2 MiB and 4 MiB */
	TLB_1G,
	TLB_L2,			/* second level: 4 KiB and large pages */
	TLB_L2_1G,
	TLB_PDE,		/* paging structures: entries that lead to a page table */
	TLB_PDPTE,		/* to a page directory */
	TLB_PML4E,		/* to a page-directory-pointer table */
	TLB_PML5E,		/* to a PML4 table */
	TLB_NR_ARRAYS,
};

struct tlb_geometry {
	struct tlb_shape shape[TLB_NR_ARRAYS];
};

/* Valid while (want & mask) == tag can be. */
struct tlb_entry {
	uint64_t tag;		/* page number and PCID, masked */
	uint64_t mask;		/* page size; without the PCID's bits: a global page. 0: no entry */
	uint64_t used;		/* when: least recently used goes first */
	char *host;		/* the page's bytes; NULL: no memory there. A table's: NULL */
	phys_addr_t frame;	/* the page, or the next table */
	uint8_t rights;		/* MMU_RIGHT_* */
	uint8_t key;		/* protection key; MMU_NO_KEY */
	uint8_t shift;		/* page size */
	uint8_t array;		/* enum tlb_array_id */
};

struct tlb_array {
	struct tlb_entry *entries;	/* [set][way]; NULL: there is no such array */
	unsigned int ways;
	uint64_t set_mask;
	uint64_t hits;
	uint64_t evictions;		/* valid entries that made room */
};

/* Simulation only: where to look first, so that a hit costs one comparison. Powers of 2. */
#define TLB_HINTS 64u

struct tlb {
	struct tlb_array arrays[TLB_NR_ARRAYS];
	struct tlb_entry *hints[TLB_HINTS];	/* by tlb_hint(): a first-level entry that may match, and
						 * must be compared; never NULL */
	uint64_t clock;			/* advances with each use */
	struct tlb_entry none;		/* what hints are at first */
};

#define TLB_PCID_MASK UINT64_C(0xfff)

/* tlb_geometry.c: by the description's `tlb=`; NULL is the default. NULL, or what is wrong with
 * @text. */
const char *tlb_geometry_parse(struct tlb_geometry *geometry, const char *text);

/* 0 or -ENOMEM. The memory is @am's host pool's. */
int tlb_init(struct tlb *tlb, const struct arch_machine *am, const struct tlb_geometry *geometry);

static __always_inline uint64_t tlb_want(kva_t va, uint16_t pcid)
{
	return (va & ~TLB_PCID_MASK) | pcid;
}

static __always_inline bool tlb_matches(const struct tlb_entry *e, uint64_t want)
{
	return (want & e->mask) == e->tag;
}

/* Neighbouring pages of each size have hints of their own. */
static __always_inline struct tlb_entry **tlb_hint(struct tlb *tlb, uint64_t want)
{
	return &tlb->hints[(want >> X86_PTE_SHIFT ^ want >> X86_PMD_SHIFT) % TLB_HINTS];
}

/* A hit in @e: counts, and makes it the most recently used. */
static __always_inline void tlb_mark_used(struct tlb *tlb, struct tlb_entry *e)
{
	e->used = ++tlb->clock;
	tlb->arrays[e->array].hits++;
}

/* The first-level entry for @want; NULL: a miss there. @large_shift: 21 or 22. */
struct tlb_entry *tlb_find_l1(struct tlb *tlb, uint64_t want, unsigned int large_shift);

/* The same, marked used. */
struct tlb_entry *tlb_lookup_l1(struct tlb *tlb, uint64_t want, unsigned int large_shift);

/* The same in the second level; what is found there moves into the first. */
struct tlb_entry *tlb_lookup_l2(struct tlb *tlb, uint64_t want, unsigned int large_shift);

/* As the two, but nothing changes. */
const struct tlb_entry *tlb_peek(const struct tlb *tlb, uint64_t want, unsigned int large_shift);

/* The entry that leads to the table for @want from level shift @shift on, in paging-structure array
 * @id; NULL: none. */
struct tlb_entry *tlb_lookup_table(struct tlb *tlb, enum tlb_array_id id, uint64_t want,
				   unsigned int shift);

/* Put a translation into both levels. @new: shift, frame, host, rights, key. Returns the first
 * level's entry. */
struct tlb_entry *tlb_insert(struct tlb *tlb, uint64_t want, bool global,
			     const struct tlb_entry *new);

/* Put a table into paging-structure array @id. @new: shift, frame, rights. */
void tlb_insert_table(struct tlb *tlb, enum tlb_array_id id, uint64_t want,
		      const struct tlb_entry *new);

/* Forget translations of @want's page, global or of its PCID, of whatever size; without @global:
 * global ones stay. */
void tlb_drop_page(struct tlb *tlb, uint64_t want, unsigned int large_shift, bool global);

/* Forget the table that tlb_lookup_table() would find. */
void tlb_drop_table(struct tlb *tlb, enum tlb_array_id id, uint64_t want, unsigned int shift);

/* Forget all tables of @pcid. */
void tlb_drop_tables(struct tlb *tlb, uint16_t pcid);

/* Forget everything of @pcid but global pages. */
void tlb_drop_pcid(struct tlb *tlb, uint16_t pcid);

/* Forget everything; without @global: everything but global pages. */
void tlb_drop_all(struct tlb *tlb, bool global);

#endif
