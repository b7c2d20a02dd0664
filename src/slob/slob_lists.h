/* SPDX-License-Identifier: MIT */
/*
 * A block out of the pages of a list: under the lock (slob.c), or by a thread alone in its machine
 * (slob_alone.h).
 */
#ifndef KMEM_SLOB_SLOB_LISTS_H
#define KMEM_SLOB_SLOB_LISTS_H

#include "slob/slob_page.h"

#define SLOB_BREAK1 256		/* first size of the medium list */
#define SLOB_BREAK2 1024	/* first size of the large list */

static __always_inline struct list_head *slob_list_for(struct backend_state *st, size_t size)
{
	unsigned int i = (size >= SLOB_BREAK1) + (size >= SLOB_BREAK2);

	_Static_assert(SLOB_LIST_SMALL == 0 && SLOB_LIST_MEDIUM == 1 && SLOB_LIST_LARGE == 2, "i");
	return &st->lists[i];
}

struct slob_request {
	unsigned int units;
	unsigned int align;
	unsigned int offset;
	int node;			/* NUMA_NO_NODE: any */
};

/* For @size bytes, as slob_alloc(). */
static __always_inline struct slob_request slob_request(size_t size, unsigned int align,
							unsigned int offset, int node)
{
	return (struct slob_request){
		.units = (unsigned int)SLOB_UNITS(size),
		.align = align,
		.offset = offset,
		.node = node,
	};
}

/* @sp of @list gave a block: full pages leave, others are where the next search begins. */
static __always_inline void slob_served(struct list_head *list, struct slob_page *sp)
{
	if (unlikely(!sp->units))
		list_del(&sp->list);
	else if (list->next != &sp->list)
		list_rotate_to_front(&sp->list, list);
}

/* Next-fit search of @list. NULL: nothing fits, or *@damaged was met. */
static __always_inline void *slob_take(struct arch_cpu *cpu, struct list_head *list,
				       const struct slob_request *rq, struct slob_page **damaged)
{
	enum slob_result result;
	struct slob_page *sp;
	unsigned int start;
	void *base;

	list_for_each_entry(sp, list, list) {
		if (sp->units < rq->units)
			continue;
		if (rq->node != NUMA_NO_NODE &&
		    (int)page_flags_node(slob_page_frame(sp)->flags) != rq->node)
			continue;
		base = memmap_address(cpu, slob_page_frame(sp));
		result = slob_page_alloc(sp, base, rq->units, rq->align, rq->offset, &start);
		if (result == SLOB_FULL)
			continue;
		if (unlikely(result == SLOB_DAMAGED)) {
			*damaged = sp;
			return NULL;
		}
		slob_served(list, sp);
		return (char *)base + start * SLOB_UNIT;
	}
	return NULL;
}

#endif
