/* SPDX-License-Identifier: MIT */
/*
 * The usual slow cases for a thread that is alone in its machine: an object that goes back to another
 * slab than the CPU's, and a CPU whose list is empty but not its partial list. Both stay within one
 * section and change slabs' states by plain loads and stores, since nobody else is there (arch.h).
 * Everything else, and every surprise, is left to the general paths, which would do the same.
 */
#ifndef KMEM_SLUB_SLUB_ALONE_H
#define KMEM_SLUB_SLUB_ALONE_H

#include "slub/slub.h"

/* The first object of a slab that was full: the slab is frozen and becomes the CPU's newest partial
 * one. False: its list is full. */
static __always_inline bool slub_adopt_alone(struct slub_cache *s, struct slub_cpu *c, struct slub_slab *slab)
{
	if (unlikely(c->nr_partial >= s->cpu_partial_slabs))
		return false;
	slab->next = c->partial;
	c->partial = slab;
	c->nr_partial++;
	return true;
}

/* @object, checked, to the list of its slab, whose state is @old and whose first byte is @base. False:
 * nothing was done. */
static __always_inline bool slub_give_alone(struct slub_cache *s, struct slub_cpu *c,
					    struct slub_slab *slab, union slub_state old,
					    char *base, void *object)
{
	uint32_t head = (uint32_t)((char *)object - base) + 1;
	union slub_state new;

	new.word = old.word - SLUB_ONE_IN_USE - SLUB_HEAD_WORD(old.head) + SLUB_HEAD_WORD(head);
	if (unlikely(old.head == head || !old.inuse))
		return false;
	if (old.head) {
		if (unlikely(!old.frozen && !new.inuse))
			return false;
	} else if (!old.frozen) {
		if (unlikely(!slub_adopt_alone(s, c, slab)))
			return false;
		new.frozen = 1;
	}
	slub_set_freepointer(s, object, slub_head(base, old));
	slub_store(slab, new);
	return true;
}

/* All free objects of a frozen slab, for the CPU; an empty list unfreezes it. */
static __always_inline void *slub_take_alone(struct slub_slab *slab, char *base)
{
	union slub_state old = slub_load(slab), new = old;

	new.head = 0;
	new.inuse = old.objects;
	new.frozen = old.head != 0;
	slub_store(slab, new);
	return slub_head(base, old);
}

/* What becomes the CPU's free list, which is empty. NULL: nothing. */
static __always_inline void *slub_refill_alone(struct slub_cache *s, struct slub_cpu *c)
{
	struct slub_slab *slab = c->slab;
	void *object;

	if (slab) {
		object = slub_take_alone(slab, c->base);
		if (object)
			return object;
	}
	slab = c->partial;
	if (unlikely(!slab)) {
		if (c->slab)
			slub_cpu_clear_slab(c);
		return NULL;
	}
	c->partial = slab->next;
	c->nr_partial--;
	slub_cpu_set_slab(s, c, slab);
	return slub_take_alone(slab, c->base);
}

#endif
