/* SPDX-License-Identifier: MIT */
/*
 * One CPU's translation caches: what a walk found, so that the next access needs no walk.
 *
 *	first level     three arrays, by page size: 4 KiB; 2 and 4 MiB; 1 GiB
 *	second level    one for 4 KiB and large pages, one for 1 GiB; holds what the first has, too,
 *	                until it is evicted there
 *	paging-structure caches
 *	                one for each level above page tables: where the next table lies and what the
 *	                entries so far allow, so that a walk need not begin at the top
 *
 * Each array is set-associative: the page number's low bits choose the set, and in it the least
 * recently used entry makes room. An entry keeps its page's size as a mask and its PCID within the
 * tag, so that one AND and one comparison tell whether it is the wanted one:
 *
 *	want    | page number …           | PCID |	(the offset's twelve bits hold the PCID)
 *	mask    | 1…1 down to page size   | 1…1, or 0 for a global page |
 *
 * An empty entry has mask 0 and tag 1, which nothing equals.
 *
 * Simulation alone: a table of hints, hashed by address, points at the entry that matched there last.
 * It is compared like any other, so a hint may be as old as it likes.
 *
 * What is here is never checked against memory: an entry that was changed in the tables and not
 * invalidated is still found. That is the point. Rules of invalidation: section 4.10.4 of the
 * manual; the callers (mmu.c) know them.
 *
 * Locks: a TLB belongs to its CPU and is touched in that CPU's section, or under a claim of it.
 */
#include "sim/tlb.h"

#include <errno.h>
#include <string.h>

#define EMPTY_TAG 1

static void empty(struct tlb_entry *e)
{
	e->tag = EMPTY_TAG;
	e->mask = 0;
	e->used = 0;
}

int tlb_init(struct tlb *tlb, const struct arch_machine *am, const struct tlb_geometry *geometry)
{
	struct tlb_entry *memory, *next;
	size_t nr = 0;

	memset(tlb, 0, sizeof(*tlb));
	for (unsigned int i = 0; i < TLB_NR_ARRAYS; i++)
		nr += geometry->shape[i].entries;
	/* One more, since no memory at all is no memory. */
	memory = arch_host_alloc(am, (nr + 1) * sizeof(*memory));
	if (!memory)
		return -ENOMEM;
	next = memory;
	for (unsigned int i = 0; i < TLB_NR_ARRAYS; i++) {
		const struct tlb_shape *shape = &geometry->shape[i];
		struct tlb_array *array = &tlb->arrays[i];

		if (!shape->entries)
			continue;
		array->entries = next;
		array->ways = shape->ways;
		array->set_mask = shape->entries / shape->ways - 1;
		next += shape->entries;
	}
	for (size_t i = 0; i < nr; i++)
		empty(&memory[i]);
	empty(&tlb->none);
	for (unsigned int i = 0; i < TLB_HINTS; i++)
		tlb->hints[i] = &tlb->none;
	return 0;
}

/* --- looking -------------------------------------------------------------------------------- */

static __always_inline struct tlb_entry *find(const struct tlb_array *array, uint64_t want,
					      unsigned int shift)
{
	struct tlb_entry *e;

	if (unlikely(!array->entries))
		return NULL;
	e = array->entries + (want >> shift & array->set_mask) * array->ways;
	for (unsigned int i = array->ways; i; i--, e++) {
		if (tlb_matches(e, want))
			return e;
	}
	return NULL;
}

struct tlb_entry *tlb_find_l1(struct tlb *tlb, uint64_t want, unsigned int large_shift)
{
	struct tlb_entry *e = find(&tlb->arrays[TLB_4K], want, X86_PTE_SHIFT);

	if (!e)
		e = find(&tlb->arrays[TLB_LARGE], want, large_shift);
	if (!e)
		e = find(&tlb->arrays[TLB_1G], want, X86_PUD_SHIFT);
	if (e)
		*tlb_hint(tlb, want) = e;
	return e;
}

struct tlb_entry *tlb_lookup_l1(struct tlb *tlb, uint64_t want, unsigned int large_shift)
{
	struct tlb_entry *e = tlb_find_l1(tlb, want, large_shift);

	if (e)
		tlb_mark_used(tlb, e);
	return e;
}

static struct tlb_entry *find_l2(const struct tlb *tlb, uint64_t want, unsigned int large_shift)
{
	struct tlb_entry *e = find(&tlb->arrays[TLB_L2], want, X86_PTE_SHIFT);

	if (!e)
		e = find(&tlb->arrays[TLB_L2], want, large_shift);
	return e ? e : find(&tlb->arrays[TLB_L2_1G], want, X86_PUD_SHIFT);
}

const struct tlb_entry *tlb_peek(const struct tlb *tlb, uint64_t want, unsigned int large_shift)
{
	const struct tlb_entry *e = find(&tlb->arrays[TLB_4K], want, X86_PTE_SHIFT);

	if (!e)
		e = find(&tlb->arrays[TLB_LARGE], want, large_shift);
	if (!e)
		e = find(&tlb->arrays[TLB_1G], want, X86_PUD_SHIFT);
	return e ? e : find_l2(tlb, want, large_shift);
}

struct tlb_entry *tlb_lookup_table(struct tlb *tlb, enum tlb_array_id id, uint64_t want,
				   unsigned int shift)
{
	struct tlb_entry *e = find(&tlb->arrays[id], want, shift);

	if (e)
		tlb_mark_used(tlb, e);
	return e;
}

/* --- putting in ----------------------------------------------------------------------------- */

/* The same page's entry if there is one, an empty one, or the least recently used. */
static struct tlb_entry *make_room(struct tlb_array *array, uint64_t want, unsigned int shift)
{
	struct tlb_entry *e = array->entries + (want >> shift & array->set_mask) * array->ways;
	struct tlb_entry *victim = e;

	for (unsigned int i = array->ways; i; i--, e++) {
		if (tlb_matches(e, want))
			return e;
		if (e->used < victim->used)
			victim = e;
	}
	array->evictions += victim->mask != 0;
	return victim;
}

static struct tlb_entry *put(struct tlb *tlb, enum tlb_array_id id, uint64_t want, bool global,
			     const struct tlb_entry *new)
{
	struct tlb_array *array = &tlb->arrays[id];
	struct tlb_entry *e;

	if (!array->entries)
		return NULL;
	e = make_room(array, want, new->shift);
	*e = *new;
	e->mask = UINT64_MAX << new->shift | (global ? 0 : TLB_PCID_MASK);
	e->tag = want & e->mask;
	e->used = ++tlb->clock;
	e->array = (uint8_t)id;
	return e;
}

static enum tlb_array_id first_level(unsigned int shift)
{
	return shift == X86_PTE_SHIFT ? TLB_4K : shift == X86_PUD_SHIFT ? TLB_1G : TLB_LARGE;
}

struct tlb_entry *tlb_insert(struct tlb *tlb, uint64_t want, bool global,
			     const struct tlb_entry *new)
{
	struct tlb_entry *e;

	put(tlb, new->shift == X86_PUD_SHIFT ? TLB_L2_1G : TLB_L2, want, global, new);
	e = put(tlb, first_level(new->shift), want, global, new);
	if (e)
		*tlb_hint(tlb, want) = e;
	return e;
}

struct tlb_entry *tlb_lookup_l2(struct tlb *tlb, uint64_t want, unsigned int large_shift)
{
	struct tlb_entry *e = find_l2(tlb, want, large_shift);
	struct tlb_entry *first;

	if (!e)
		return NULL;
	tlb_mark_used(tlb, e);
	first = put(tlb, first_level(e->shift), want, !(e->mask & TLB_PCID_MASK), e);
	if (!first)
		return e;
	*tlb_hint(tlb, want) = first;
	return first;
}

void tlb_insert_table(struct tlb *tlb, enum tlb_array_id id, uint64_t want,
		      const struct tlb_entry *new)
{
	put(tlb, id, want, false, new);
}

/* --- forgetting ----------------------------------------------------------------------------- */

static bool is_global(const struct tlb_entry *e)
{
	return !(e->mask & TLB_PCID_MASK);
}

static bool is_of(const struct tlb_entry *e, uint16_t pcid)
{
	return e->mask && !is_global(e) && (e->tag & TLB_PCID_MASK) == pcid;
}

static struct tlb_entry *array_end(const struct tlb_array *array)
{
	return array->entries + (array->set_mask + 1) * array->ways;
}

/* In one array, @want's entry and what else matches it; without @global: but for global ones. */
static void drop_in(const struct tlb_array *array, uint64_t want, unsigned int shift, bool global)
{
	struct tlb_entry *e;

	if (!array->entries)
		return;
	e = array->entries + (want >> shift & array->set_mask) * array->ways;
	for (unsigned int i = array->ways; i; i--, e++) {
		if (tlb_matches(e, want) && (global || !is_global(e)))
			empty(e);
	}
}

void tlb_drop_page(struct tlb *tlb, uint64_t want, unsigned int large_shift, bool global)
{
	drop_in(&tlb->arrays[TLB_4K], want, X86_PTE_SHIFT, global);
	drop_in(&tlb->arrays[TLB_L2], want, X86_PTE_SHIFT, global);
	drop_in(&tlb->arrays[TLB_LARGE], want, large_shift, global);
	drop_in(&tlb->arrays[TLB_L2], want, large_shift, global);
	drop_in(&tlb->arrays[TLB_1G], want, X86_PUD_SHIFT, global);
	drop_in(&tlb->arrays[TLB_L2_1G], want, X86_PUD_SHIFT, global);
}

void tlb_drop_table(struct tlb *tlb, enum tlb_array_id id, uint64_t want, unsigned int shift)
{
	drop_in(&tlb->arrays[id], want, shift, true);
}

/* Of arrays @from up to @to, exclusive. */
static void drop_of(struct tlb *tlb, enum tlb_array_id from, enum tlb_array_id to, uint16_t pcid)
{
	for (unsigned int id = from; id < to; id++) {
		struct tlb_array *array = &tlb->arrays[id];

		for (struct tlb_entry *e = array->entries; e && e < array_end(array); e++) {
			if (is_of(e, pcid))
				empty(e);
		}
	}
}

void tlb_drop_tables(struct tlb *tlb, uint16_t pcid)
{
	drop_of(tlb, TLB_PDE, TLB_NR_ARRAYS, pcid);
}

void tlb_drop_pcid(struct tlb *tlb, uint16_t pcid)
{
	drop_of(tlb, TLB_4K, TLB_NR_ARRAYS, pcid);
}

void tlb_drop_all(struct tlb *tlb, bool global)
{
	for (unsigned int id = 0; id < TLB_NR_ARRAYS; id++) {
		struct tlb_array *array = &tlb->arrays[id];

		for (struct tlb_entry *e = array->entries; e && e < array_end(array); e++) {
			if (global || !is_global(e))
				empty(e);
		}
	}
}
