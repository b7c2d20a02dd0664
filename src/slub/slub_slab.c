/* SPDX-License-Identifier: MIT */
/*
 * The life of a slab's pages.
 *
 * A new slab is asked for with the order in `oo`, but gently: no reclaim, no reserves, no
 * warning, for one page will do as well. Only the second attempt, with the smallest order that
 * holds an object, does what the caller's flags allow. Its objects are linked in ascending order,
 * which is also the order in which constructors run and in which a fresh slab hands them out.
 *
 * With SLAB_TYPESAFE_BY_RCU a slab that is empty and forgotten by its node keeps its pages until a
 * grace period has passed: its place on the node's list of all slabs becomes its place in RCU's
 * queue, and until its callback runs it looks like a slab all of whose objects are free.
 */
#include "slub/slub_debug.h"

/* What a caller's flags may say about a slab's pages; zeroing is done object by object. */
#define SLUB_GFP_RECLAIM                                                                   \
	(__GFP_RECLAIM | __GFP_HIGH | __GFP_IO | __GFP_FS | __GFP_NOWARN |                  \
	 __GFP_RETRY_MAYFAIL | __GFP_NOFAIL | __GFP_NORETRY | __GFP_MEMALLOC |              \
	 __GFP_NOMEMALLOC | __GFP_ATOMIC)
#define SLUB_GFP_CONSTRAINT (__GFP_HARDWALL | __GFP_THISNODE)

static struct page *alloc_pages_for(struct slub_cache *s, gfp_t gfp, int node,
				    struct slub_order *got)
{
	struct kernel *k = s->common.kernel;
	gfp_t flags = (slab_fix_gfp(k, gfp) & (SLUB_GFP_RECLAIM | SLUB_GFP_CONSTRAINT)) |
		      s->allocflags;
	gfp_t gentle = (flags | __GFP_NOWARN | __GFP_NORETRY) & ~__GFP_NOFAIL;
	struct page *page;

	if ((gentle & __GFP_DIRECT_RECLAIM) && s->oo.order > s->min.order)
		gentle = (gentle | __GFP_NOMEMALLOC) & ~__GFP_RECLAIM;
	*got = s->oo;
	page = buddy_alloc_slab(k, gentle, s->oo.order, node);
	if (likely(page))
		return page;
	*got = s->min;
	return buddy_alloc_slab(k, flags, s->min.order, node);
}

/* Construct all objects and link them, first to last. */
static void set_up_objects(struct slub_cache *s, char *base, unsigned int objects)
{
	char *object = base + s->red_left_pad;

	for (unsigned int i = 0; i < objects; i++, object += s->common.size) {
		if (slub_is_debug(s))
			slub_setup_object_debug(s, object);
		if (unlikely(s->common.ctor))
			s->common.ctor(object);
		slub_set_freepointer(s, object, i + 1 < objects ? object + s->common.size : NULL);
		if (slub_watched(s))
			arch_poison(object, slub_usable(s));
	}
}

struct slub_slab *slub_new_slab(struct slub_cache *s, gfp_t gfp, int node)
{
	struct slub_order got;
	struct page *page = alloc_pages_for(s, gfp, node, &got);
	union slub_state state = {.word = 0};
	struct slub_slab *slab;
	struct slub_node *n;
	char *base;

	if (unlikely(!page))
		return NULL;
	slab = slub_slab_of(page);
	slab->cache = s;
	slab_account(s->common.kernel, &s->common, page, got.order, true);
	base = slub_address(s, slab);
	slub_setup_slab_debug(s, base, got.order);
	set_up_objects(s, base, got.objects);
	state.head = slub_head_of(base, base + s->red_left_pad);
	state.objects = (uint16_t)(got.objects & 0x7fff);
	state.frozen = 1;
	slub_store(slab, state);

	n = slub_node_of(s, slab);
	arch_spin_lock(&n->list_lock);
	slub_node_add_locked(n, slab);
	arch_spin_unlock(&n->list_lock);
	return slab;
}

static void free_pages_of(struct slub_cache *s, struct slub_slab *slab)
{
	struct page *page = slub_page(slab);
	unsigned int order = page->order;

	slab_account(s->common.kernel, &s->common, page, order, false);
	buddy_free_slab(s->common.kernel, page, order);
}

static void free_pages_rcu(struct rcu_head *head)
{
	struct slub_slab *slab = container_of(head, struct slub_slab, rcu);

	free_pages_of(slab->cache, slab);
}

void slub_free_slab(struct slub_cache *s, struct slub_slab *slab)
{
	kassert_internal(slub_load(slab).inuse == 0);
	if (unlikely(s->common.flags & SLAB_CONSISTENCY_CHECKS))
		slub_check_free_slab(s, slab);
	if (unlikely(s->common.flags & SLAB_TYPESAFE_BY_RCU))
		rcu_queue(s->common.kernel, &slab->rcu, free_pages_rcu);
	else
		free_pages_of(s, slab);
}

void slub_discard_slab(struct slub_cache *s, struct slub_slab *slab)
{
	struct slub_node *n = slub_node_of(s, slab);

	arch_spin_lock(&n->list_lock);
	slub_node_remove_locked(n, slab);
	arch_spin_unlock(&n->list_lock);
	slub_free_slab(s, slab);
}
