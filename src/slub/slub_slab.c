/* SPDX-License-Identifier: MIT */
/*
 * The life of a slab's pages.
 *
 * A new slab is asked for with the order in `oo`, but gently: no reclaim, no reserves, no
 * warning, for one page will do as well. Only the second attempt, with the smallest order that
 * holds an object, does what the caller's flags allow. Its objects are linked in ascending order
 * (or a random one: slub_shuffle.c), which is also the order in which constructors run and in which
 * a fresh slab hands them out.
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

/* Make ready what lies at @object; the constructor has run then. */
static void set_up_object(struct slub_cache *s, char *object)
{
	if (slub_is_debug(s))
		slub_setup_object_debug(s, object);
	if (unlikely(s->common.ctor))
		s->common.ctor(object);
}

static void link_object(struct slub_cache *s, char *object, char *next)
{
	slub_link_free(s, object, next);
	if (slub_watched(s))
		arch_poison(object, slub_usable(s));
}

/* As set_up_objects(), in the cache's random order. */
static noinline char *set_up_shuffled(struct slub_cache *s, char *first, unsigned int objects)
{
	struct slub_shuffle_walk walk;
	char *head, *object, *next;

	slub_shuffle_begin(s, &walk);
	head = first + (size_t)slub_shuffle_next(s, &walk, objects) * s->common.size;
	object = head;
	for (unsigned int i = 1; i < objects; i++, object = next) {
		next = first + (size_t)slub_shuffle_next(s, &walk, objects) * s->common.size;
		set_up_object(s, object);
		link_object(s, object, next);
	}
	set_up_object(s, object);
	link_object(s, object, NULL);
	return head;
}

/* Construct all objects and link them, first to last. Returns the first of the list. */
static char *set_up_objects(struct slub_cache *s, char *base, unsigned int objects)
{
	char *object = base + s->red_left_pad;

	if (unlikely(s->random_seq))
		return set_up_shuffled(s, object, objects);
	for (unsigned int i = 0; i < objects; i++, object += s->common.size) {
		set_up_object(s, object);
		link_object(s, object, i + 1 < objects ? object + s->common.size : NULL);
	}
	return base + s->red_left_pad;
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
	state.head = slub_head_of(base, set_up_objects(s, base, got.objects));
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
