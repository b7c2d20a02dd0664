/* SPDX-License-Identifier: MIT */
/*
 * Debug caches: those with one of SLUB_DEBUG_FLAGS. No CPU ever owns a slab of theirs; every
 * allocation takes one object from the node's partial list and every free gives one back, under
 * list_lock, so that what was checked stays true until the change is made. A slab's state therefore
 * changes under list_lock alone and is never frozen.
 *
 * What is checked here so far is the free list: an object that is on it already is not freed
 * again. Layout (slub_geometry.c) has the room for red zones, poison and tracks; filling and
 * checking them is not done yet (docs/differences.md).
 */
#include "slub/slub.h"

/* First object of the slab's list. A slab that becomes full leaves the partial list. */
static void *take_one_locked(struct slub_cache *s, struct slub_slab *slab)
{
	char *base = slub_address(s, slab);
	union slub_state state = slub_load(slab);
	void *object = slub_head(base, state);

	state.head = slub_head_of(base, slub_get_freepointer(s, object));
	state.inuse++;
	slub_store(slab, state);
	return object;
}

static void *alloc_from_node(struct slub_cache *s, struct slub_node *n)
{
	struct slub_slab *slab;
	void *object;

	if (!n || !slub_nr_partial(n))
		return NULL;
	arch_spin_lock(&n->list_lock);
	if (list_empty(&n->partial)) {
		arch_spin_unlock(&n->list_lock);
		return NULL;
	}
	slab = list_first_entry(&n->partial, struct slub_slab, partial);
	object = take_one_locked(s, slab);
	if (!slub_load(slab).head)
		slub_remove_partial_locked(n, slab);
	arch_spin_unlock(&n->list_lock);
	return object;
}

static void *alloc_from_new_slab(struct slub_cache *s, struct slub_slab *slab)
{
	struct slub_node *n = slub_node_of(s, slab);
	union slub_state state = slub_load(slab);
	void *object;

	arch_spin_lock(&n->list_lock);
	state.frozen = 0;
	slub_store(slab, state);
	object = take_one_locked(s, slab);
	if (slub_load(slab).head)
		slub_add_partial_locked(n, slab, false);
	arch_spin_unlock(&n->list_lock);
	return object;
}

static void *alloc_from_nodes(struct slub_cache *s, gfp_t gfp, int node)
{
	struct zoneref *z = NULL;
	struct slub_node *n;
	void *object;

	if (node != NUMA_NO_NODE)
		return alloc_from_node(s, s->nodes[node]);
	n = s->nodes[arch_cpu_current()->node];
	do {
		object = alloc_from_node(s, n);
		if (object)
			return object;
		n = slub_next_remote(s, gfp, &z);
	} while (n);
	return NULL;
}

void *slub_debug_alloc(struct slub_cache *s, gfp_t gfp, int node)
{
	void *object = alloc_from_nodes(s, gfp, node);
	struct slub_slab *slab;

	if (object)
		return object;
	slab = slub_new_slab(s, gfp, node);
	if (!slab) {
		slub_out_of_memory(s, gfp, node);
		return NULL;
	}
	return alloc_from_new_slab(s, slab);
}

static bool on_freelist_locked(struct slub_cache *s, struct slub_slab *slab, const void *object)
{
	union slub_state state = slub_load(slab);
	void *p = slub_head(slub_address(s, slab), state);
	unsigned int count = 0;

	for (; p && count < state.objects; count++) {
		if (p == object)
			return true;
		p = slub_get_freepointer(s, p);
	}
	return false;
}

/* Returns whether the slab is to be given back. */
static bool put_one_locked(struct slub_cache *s, struct slub_node *n, struct slub_slab *slab,
			   void *object)
{
	char *base = slub_address(s, slab);
	union slub_state state = slub_load(slab);
	bool was_full = !state.head;
	bool discard;

	slub_wipe(s, object);
	slub_poison_object(s, object);
	slub_set_freepointer(s, object, slub_head(base, state));
	state.head = slub_head_of(base, object);
	state.inuse--;
	slub_store(slab, state);
	discard = !state.inuse && slub_may_discard(s, n);
	if (was_full && !discard)
		slub_add_partial_locked(n, slab, true);
	else if (discard && !was_full)
		slub_remove_partial_locked(n, slab);
	if (discard)
		slub_node_remove_locked(n, slab);
	return discard;
}

void slub_debug_free(struct slub_cache *s, struct slub_slab *slab, void *object, const char *what)
{
	struct slub_node *n = slub_node_of(s, slab);
	bool discard = false, twice;

	arch_spin_lock(&n->list_lock);
	twice = !slub_load(slab).inuse || on_freelist_locked(s, slab, object);
	if (!twice)
		discard = put_one_locked(s, n, slab, object);
	arch_spin_unlock(&n->list_lock);
	if (twice)
		slab_bug(s->common.kernel, what, &s->common, object, SLAB_BUG_DOUBLE_FREE);
	if (discard)
		slub_free_slab(s, slab);
}
