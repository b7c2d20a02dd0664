/* SPDX-License-Identifier: MIT */
/*
 * The sheaf: objects of many slabs that a CPU keeps for its next allocations.
 *
 * In a machine with several threads every object that goes back to another slab than the CPU's costs
 * a locked instruction, each slab that becomes partial or full another, and every few slabs the node's
 * list_lock. So the CPU gathers such objects, linked like a free list, in its `sheaf` (the newest of
 * them is its `hot` one); when its free list is empty, the sheaf becomes the free list, by two stores. A sheaf of cpu_partial objects is full
 * and goes back to the slabs, in runs: a slab's neighbours in the sheaf cost one locked instruction. Linux
 * has sheaves since 6.18; there a cache asks for them.
 *
 * A thread that is alone in its machine uses none (slub_alone.h does the same work in Linux 6.1's
 * order, which scripts and replays show), but with slub_sheaves=always; a cache whose cpu_partial is 0
 * has none, with slub_sheaves=never no cache has.
 *
 * Invariants
 *	- Objects of a sheaf lie in slabs of the CPU's node, which count them as used.
 *	- The CPU's free list may hold objects of other slabs than the CPU's, from a sheaf, but only of the
 *	  same node, and only while there is a slab.
 *	- Not in a cache that is debugged or hardened, or with init_on_free (slow_free).
 *
 * Locks: those of struct slub_cpu.
 */
#ifndef KMEM_SLUB_SLUB_SHEAF_H
#define KMEM_SLUB_SLUB_SHEAF_H

#include "slub/slub.h"

/* Whether @object, of @slab, may stay with the CPU, in a section. The caller has seen that it does not
 * head its slab's list. */
static __always_inline bool slub_sheaf_takes(const struct slub_cache *s, const struct arch_cpu *cpu,
					     const struct slub_cpu *c, const struct slub_slab *slab,
					     const void *object)
{
	return object != c->hot && object != c->freelist && object != c->sheaf &&
	       cpu->node == (unsigned int)slub_slab_nid(slab) &&
	       c->nr_sheaf < __atomic_load_n(&s->sheaf_size, __ATOMIC_RELAXED);
}

/* Whether the CPU's free list may hold objects of other slabs. */
static __always_inline bool slub_may_mix(const struct arch_cpu *cpu, const struct slub_cpu *c)
{
	return c->slab && (unsigned int)slub_slab_nid(c->slab) == cpu->node;
}

/* The newest object stays in sight, for the next allocation; the one that did goes to the sheaf. */
static __always_inline void slub_sheaf_push(const struct slub_cache *s, const struct arch_cpu *cpu,
					    struct slub_cpu *c, void *object)
{
	void *older = c->hot;

	if (likely(slub_may_mix(cpu, c)))
		c->hot = object;
	else
		older = object;
	if (!older)
		return;
	slub_set_freepointer(s, older, c->sheaf);
	c->sheaf = older;
	c->nr_sheaf++;
}

/* In a section, the CPU's free list being empty: what becomes its free list. NULL: nothing. */
static __always_inline void *slub_sheaf_take(const struct arch_cpu *cpu, struct slub_cpu *c)
{
	void *first = c->sheaf;

	if (!first || !slub_may_mix(cpu, c))
		return NULL;
	c->sheaf = NULL;
	c->nr_sheaf = 0;
	return first;
}

/* One object of the sheaf, when nothing else is left for @node. NULL: none. In no section. */
void *slub_sheaf_last(struct slub_cache *s, int node);

/* @nr linked objects of any slabs of the cache, to their slabs. In no section, under no lock. */
void slub_free_loose(struct slub_cache *s, void *first, size_t nr, const char *what);

/* @object was refused: it goes back to @slab, after the sheaf if that is full. In no section. */
void slub_sheaf_refused(struct slub_cache *s, struct slub_slab *slab, void *object, const char *what);

#endif
