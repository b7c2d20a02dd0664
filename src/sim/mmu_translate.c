/* SPDX-License-Identifier: MIT */
/*
 * One address through the TLB, and what happens on a miss:
 *
 *	first level -> second level -> paging-structure caches -> walk of what is left
 *
 * A hit is judged by the rights the entry was made with and the registers as they are now. Refused:
 * a page fault, as the entry has it; the entry is then gone (section 4.10.4.1), so that if the
 * tables allow the access by now, trying again succeeds. The first write through an entry made by a
 * read walks the tables anew, to set D there.
 *
 * What a walk found goes into the TLB when the access was allowed. Upper entries go into the
 * paging-structure caches: their A bits are set by then (section 4.10.3.2).
 */
#include "sim/mmu.h"

static enum tlb_array_id array_of_table(const struct mmu_format *format, unsigned int level)
{
	return (enum tlb_array_id)(TLB_PDE + (format->nr_levels - 1 - level));
}

/* The deepest table that is cached, or the top one. */
static struct mmu_start find_start(struct mmu_cpu *mmu, uint64_t want)
{
	const struct mmu_format *format = mmu->space.format;

	for (unsigned int i = format->nr_levels - 1; i && !format->levels[i - 1].in_register; i--) {
		enum tlb_array_id id = array_of_table(format, i);
		unsigned int shift = format->levels[i - 1].shift;
		const struct tlb_entry *e = tlb_lookup_table(&mmu->tlb, id, want, shift);

		if (e)
			return (struct mmu_start){i, e->frame, e->rights};
	}
	return (struct mmu_start){0, mmu->space.root, MMU_RIGHT_RW | MMU_RIGHT_US};
}

static unsigned int with_entry(unsigned int rights, uint64_t value)
{
	if (!(value & X86_PTE_RW))
		rights &= ~MMU_RIGHT_RW;
	if (!(value & X86_PTE_US))
		rights &= ~MMU_RIGHT_US;
	return value & X86_PTE_NX ? rights | MMU_RIGHT_NX : rights;
}

static void cache_tables(struct mmu_cpu *mmu, uint64_t want, const struct mmu_start *start,
			 const struct mmu_walk_result *res)
{
	const struct mmu_format *format = mmu->space.format;
	unsigned int rights = start->rights;

	for (unsigned int i = start->level; i + 1 < res->nr_entries; i++) {
		uint64_t value = res->entries[i].value;
		struct tlb_entry new = {
			.frame = value & format->addr_mask,
			.shift = (uint8_t)format->levels[i].shift,
		};

		if (format->levels[i].in_register)
			continue;
		rights = with_entry(rights, value);
		new.rights = (uint8_t)rights;
		tlb_insert_table(&mmu->tlb, array_of_table(format, i + 1), want, &new);
	}
}

static const struct tlb_entry *cache_page(struct mmu_cpu *mmu, const struct machine *m,
					  uint64_t want, const struct mmu_walk_result *res)
{
	const struct mmu_walk_entry *leaf = &res->entries[res->nr_entries - 1];
	uint64_t size = (uint64_t)1 << res->page_shift;
	unsigned int rights = mmu_rights_of(res);
	bool global = res->global && mmu->space.regs.cr4 & X86_CR4_PGE;
	struct tlb_entry *e;
	struct tlb_entry new = {
		.frame = res->phys & ~(size - 1),
		.shift = (uint8_t)res->page_shift,
		.key = (uint8_t)mmu_key_of(&mmu->space, leaf->value, rights),
	};

	new.rights = (uint8_t)(rights | (leaf->value & X86_PTE_D ? MMU_RIGHT_DIRTY : 0));
	/* A page that is memory only in part goes by its frame. */
	new.host = mmu_phys(m, new.frame, size);
	e = tlb_insert(&mmu->tlb, want, global, &new);
	if (e)
		return e;
	new.mask = ~(size - 1) | TLB_PCID_MASK;
	mmu->uncached = new;
	return &mmu->uncached;
}

/* Section 4.10.4.1: a page fault invalidates what could have been used for its address. */
static void forget(struct mmu_cpu *mmu, uint64_t want)
{
	const struct mmu_format *format = mmu->space.format;

	tlb_drop_page(&mmu->tlb, want, mmu->large_shift, true);
	for (unsigned int i = format->nr_levels - 1; i && !format->levels[i - 1].in_register; i--)
		tlb_drop_table(&mmu->tlb, array_of_table(format, i), want,
			       format->levels[i - 1].shift);
}

static const struct tlb_entry *page_fault(struct mmu_cpu *mmu, kva_t va, uint32_t error_code,
					  struct mmu_outcome *out)
{
	forget(mmu, tlb_want(va, mmu->space.pcid));
	mmu->counters.page_faults++;
	mmu->cr2 = va;
	out->trap = X86_TRAP_PF;
	out->error_code = error_code;
	out->cr2 = va;
	return NULL;
}

static const struct tlb_entry *walk(struct mmu_cpu *mmu, const struct machine *m, kva_t va,
				    unsigned int access, struct mmu_outcome *out)
{
	uint64_t want = tlb_want(va, mmu->space.pcid);
	struct mmu_start start = find_start(mmu, want);
	struct mmu_walk_result res;
	int ret = mmu_walk_from(m, &mmu->space, &start, va, access, &res);

	mmu->counters.walks++;
	mmu->counters.walk_refs += res.nr_entries - start.level;
	if (!start.level && mmu->space.format->levels[0].in_register)
		mmu->counters.walk_refs--;
	if (ret)
		return page_fault(mmu, va, res.error_code, out);
	cache_tables(mmu, want, &start, &res);
	return cache_page(mmu, m, want, &res);
}

const struct tlb_entry *mmu_translate(struct mmu_cpu *mmu, const struct machine *m, kva_t va,
				      unsigned int access, struct mmu_outcome *out)
{
	uint64_t want = tlb_want(va, mmu->space.pcid);
	const struct tlb_entry *e = tlb_lookup_l1(&mmu->tlb, want, mmu->large_shift);
	uint32_t why;

	if (!e)
		e = tlb_lookup_l2(&mmu->tlb, want, mmu->large_shift);
	if (!e) {
		mmu->counters.misses++;
		return walk(mmu, m, va, access, out);
	}
	why = mmu_refusal(&mmu->space, access, e->rights, e->key);
	if (why)
		return page_fault(mmu, va, mmu_error_code(&mmu->space, access, why), out);
	if (!(access & MMU_WRITE) || e->rights & MMU_RIGHT_DIRTY)
		return e;
	mmu->counters.dirty_walks++;
	return walk(mmu, m, va, access, out);
}
