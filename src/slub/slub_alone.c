/* SPDX-License-Identifier: MIT */
/*
 * The usual slow cases for a thread that is alone in its machine: an object that goes back to another
 * slab than the CPU's, and a CPU whose list is empty but not its partial list. Both stay within one
 * section and change slabs' states by plain loads and stores, since nobody else is there (arch.h).
 * Everything else, and every surprise, is left to the general paths, which would do the same.
 */
#include "slub/slub.h"

/* The first object of a slab that was full: the slab is frozen and becomes the CPU's newest partial
 * one. False: its list is full. */
static __always_inline bool adopt(struct slub_cache *s, struct slub_cpu *c, struct slub_slab *slab)
{
	if (unlikely(c->nr_partial >= s->cpu_partial_slabs))
		return false;
	slab->next = c->partial;
	c->partial = slab;
	c->nr_partial++;
	return true;
}

bool slub_free_alone(struct slub_cache *s, struct slub_slab *slab, char *base, void *object)
{
	uint32_t head = (uint32_t)((char *)object - base) + 1;
	struct arch_cpu *cpu = arch_cpu_enter_alone();
	union slub_state old, new;
	bool done = false;

	if (unlikely(!cpu))
		return false;
	old = slub_load(slab);
	new.word = old.word - SLUB_ONE_IN_USE - SLUB_HEAD_WORD(old.head) + SLUB_HEAD_WORD(head);
	if (likely(old.head != head && old.inuse)) {
		if (old.head ? old.frozen || new.inuse : old.frozen) {
			done = true;
		} else if (!old.head) {
			new.frozen = 1;
			done = adopt(s, slub_cpu(s, cpu), slab);
		}
	}
	if (likely(done)) {
		slub_set_freepointer(s, object, slub_head(base, old));
		slub_store(slab, new);
	}
	arch_cpu_leave(cpu);
	return done;
}

/* All free objects of a frozen slab, for the CPU; an empty list unfreezes it. */
static __always_inline void *take_all(struct slub_slab *slab, char *base)
{
	union slub_state old = slub_load(slab), new = old;

	new.head = 0;
	new.inuse = old.objects;
	new.frozen = old.head != 0;
	slub_store(slab, new);
	return slub_head(base, old);
}

static __always_inline void *refill(struct slub_cache *s, struct slub_cpu *c)
{
	struct slub_slab *slab = c->slab;
	void *object;

	if (slab) {
		object = take_all(slab, c->base);
		if (object)
			return object;
	}
	slab = c->partial;
	if (unlikely(!slab)) {
		slub_cpu_clear_slab(c);
		return NULL;
	}
	c->partial = slab->next;
	c->nr_partial--;
	slub_cpu_set_slab(s, c, slab);
	return take_all(slab, c->base);
}

void *slub_alloc_alone(struct slub_cache *s)
{
	struct arch_cpu *cpu = arch_cpu_enter_alone();
	struct slub_cpu *c;
	void *object;

	if (unlikely(!cpu))
		return NULL;
	c = percpu_ptr(cpu, s->alloc_off);
	object = c->freelist;
	if (likely(!object && (c->slab || c->partial)))
		object = refill(s, c);
	if (likely(object))
		c->freelist = slub_get_freepointer(s, object);
	arch_cpu_leave(cpu);
	return object;
}
