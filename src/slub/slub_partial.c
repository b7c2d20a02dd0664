/* SPDX-License-Identifier: MIT */
/*
 * Partial slabs: on a node's list, on a CPU's list, and on their way between.
 *
 *	        get_partial: first slab for the CPU, more for its list, until that is half full
 *	      ┌──────────────────────────────────────────────────────────────┐
 *	      │                                                              ▼
 *	node.partial: head ⇄ … ⇄ tail                          cpu.partial → … → NULL
 *	   ▲ deactivate     ▲ deactivate after remote frees,       ▲ put_cpu_partial: a full slab
 *	   │ (its objects   │ unfreeze (all of a CPU's list,       │ got its first free object; at
 *	   │  are hot)      │ newest first)                        │ the limit the whole list moves
 *
 * The node's list is used from its head, so hot slabs stand there and those that should drain
 * empty stand at the tail. A slab that turns out empty while the node holds min_partial slabs or
 * more is given back instead.
 */
#include "slub/slub_sheaf.h"

void slub_add_partial_locked(struct slub_node *n, struct slub_slab *slab, bool tail)
{
	__atomic_store_n(&n->nr_partial, n->nr_partial + 1, __ATOMIC_RELAXED);
	if (tail)
		list_add_tail(&slab->partial, &n->partial);
	else
		list_add(&slab->partial, &n->partial);
}

void slub_remove_partial_locked(struct slub_node *n, struct slub_slab *slab)
{
	list_del(&slab->partial);
	__atomic_store_n(&n->nr_partial, n->nr_partial - 1, __ATOMIC_RELAXED);
}

void slub_node_add_locked(struct slub_node *n, struct slub_slab *slab)
{
	list_add(&slab->all, &n->all);
	n->nr_slabs++;
	n->total_objects += slub_load(slab).objects;
}

void slub_node_remove_locked(struct slub_node *n, struct slub_slab *slab)
{
	list_del(&slab->all);
	n->nr_slabs--;
	n->total_objects -= slub_load(slab).objects;
}

static __always_inline void *take_freelist(struct slub_slab *slab, char *base,
					   bool (*cas)(struct slub_slab *, union slub_state *,
						       union slub_state))
{
	union slub_state old = slub_load(slab);
	union slub_state new;

	kassert_internal(old.frozen);
	do {
		new.word = old.word - SLUB_HEAD_WORD(old.head) +
			   SLUB_ONE_IN_USE * (unsigned int)(old.objects - old.inuse);
		if (!old.head)
			new.frozen = 0;
	} while (unlikely(!cas(slab, &old, new)));
	return slub_head(base, old);
}

void *slub_take_freelist(struct slub_slab *slab, char *base)
{
	return take_freelist(slab, base, slub_cas);
}

void *slub_take_freelist_inside(struct slub_slab *slab, char *base)
{
	return take_freelist(slab, base, slub_cas_locked);
}

/* Freeze a slab of the node's list; objects given back meanwhile stay on its `head`. */
static void freeze_partial_locked(struct slub_node *n, struct slub_slab *slab)
{
	union slub_state old = slub_load(slab);
	union slub_state new;

	do {
		new = old;
		new.frozen = 1;
	} while (!slub_cas(slab, &old, new));
	slub_remove_partial_locked(n, slab);
}

static bool get_partial_node(struct slub_cache *s, struct slub_node *n, struct slub_batch *batch)
{
	struct slub_slab *slab, *next;
	unsigned int extra = 0;

	/* A racy look: missing a slab that is just being added costs a new slab, no harm. */
	if (!n || !slub_nr_partial(n))
		return false;
	arch_spin_lock(&n->list_lock);
	list_for_each_entry_safe(slab, next, &n->partial, partial) {
		freeze_partial_locked(n, slab);
		if (!batch->slab) {
			batch->slab = slab;
			batch->freelist = slub_take_freelist(slab, slub_address(s, slab));
		} else {
			slab->next = NULL;
			*batch->extra_tail = slab;
			batch->extra_tail = &slab->next;
			extra++;
		}
		if (extra > __atomic_load_n(&s->cpu_partial_slabs, __ATOMIC_RELAXED) / 2)
			break;
	}
	arch_spin_unlock(&n->list_lock);
	return batch->slab;
}

static enum kmem_zone_type highest_zone(gfp_t gfp)
{
	if (gfp & __GFP_DMA)
		return KMEM_ZONE_DMA;
	return gfp & __GFP_DMA32 ? KMEM_ZONE_DMA32 : KMEM_ZONE_NORMAL;
}

struct slub_node *slub_next_remote(struct slub_cache *s, gfp_t gfp, struct zoneref **z)
{
	struct kernel *k = s->common.kernel;
	enum kmem_zone_type highest = highest_zone(gfp | s->allocflags);

	if (!*z) {
		if (s->nr_nodes == 1 ||
		    slub_random(k) % 1024 >
			    __atomic_load_n(&s->remote_node_defrag_ratio, __ATOMIC_RELAXED))
			return NULL;
		*z = buddy_node(k, (int)arch_cpu_current()->node)->zonelist;
	} else {
		(*z)++;
	}
	for (; (*z)->zone; (*z)++) {
		struct slub_node *n = s->nodes[(*z)->zone->pgdat->nid];

		if ((*z)->type <= highest && n && 
		    slub_nr_partial(n) > __atomic_load_n(&s->min_partial, __ATOMIC_RELAXED))
			return n;
	}
	return NULL;
}

bool slub_get_partial(struct slub_cache *s, gfp_t gfp, int node, struct slub_batch *batch)
{
	struct zoneref *z = NULL;
	struct slub_node *n;

	if (node != NUMA_NO_NODE)
		return get_partial_node(s, s->nodes[node], batch);
	n = s->nodes[arch_cpu_current()->node];
	do {
		if (get_partial_node(s, n, batch))
			return true;
		n = slub_next_remote(s, gfp, &z);
	} while (n);
	return false;
}

/* What a CPU's slab gets back of its free list, and what came out of a sheaf. */
struct rest {
	void *head, *tail;
	unsigned int count;
	void *loose;
	size_t nr_loose;
};

static void sort_rest(struct slub_cache *s, struct slub_slab *slab, void *freelist, struct rest *rest)
{
	const char *base = slub_address(s, slab);
	const size_t span = (size_t)slub_load(slab).objects * s->common.size;
	void *next, *bad = NULL;

	*rest = (struct rest){.head = NULL};
	for (void *object = freelist; object; object = next) {
		next = slub_next_checked(s, slab, object, &bad);
		if (unlikely((uintptr_t)object - (uintptr_t)base >= span)) {
			slub_set_freepointer(s, object, rest->loose);
			rest->loose = object;
			rest->nr_loose++;
			continue;
		}
		if (!rest->head)
			rest->head = object;
		else
			slub_link_free(s, rest->tail, object);
		rest->tail = object;
		rest->count++;
	}
	/* It gets another link soon. */
	if (unlikely(bad))
		slub_report_chain(s, slab, bad);
}

bool slub_deactivate(struct slub_cache *s, struct slub_slab *slab, void *freelist)
{
	struct slub_node *n = slub_node_of(s, slab);
	char *base = slub_address(s, slab);
	union slub_state old = slub_load(slab);
	union slub_state new;
	bool remote_frees = old.head != 0;
	bool discard, partial;
	struct rest rest;

	if (unlikely(!slub_chain_sound(s, freelist))) {
		slub_report_list(s, freelist);
		freelist = NULL;
	}
	sort_rest(s, slab, freelist, &rest);
	for (;;) {
		new = old;
		if (rest.head) {
			slub_link_free(s, rest.tail, slub_head(base, old));
			new.head = slub_head_of(base, rest.head);
			new.inuse = (uint16_t)(old.inuse - rest.count);
		}
		new.frozen = 0;
		discard = !new.inuse && slub_may_discard(s, n);
		partial = !discard && new.head;
		/* Once unfrozen it must be found on its list: until it is there, under its lock. */
		if (partial)
			arch_spin_lock(&n->list_lock);
		if (likely(slub_cas(slab, &old, new)))
			break;
		if (partial)
			arch_spin_unlock(&n->list_lock);
	}
	if (partial) {
		slub_add_partial_locked(n, slab, remote_frees);
		arch_spin_unlock(&n->list_lock);
	} else if (discard) {
		slub_discard_slab(s, slab);
	}
	slub_free_loose(s, rest.loose, rest.nr_loose, "kmem_cache_free");
	return rest.loose;
}

/* Under list_lock a slab of a CPU's list joins its node; true: it is empty and not wanted. */
static bool unfreeze_locked(struct slub_cache *s, struct slub_node *n, struct slub_slab *slab)
{
	union slub_state old = slub_load(slab);
	union slub_state new;

	do {
		new = old;
		new.frozen = 0;
	} while (!slub_cas(slab, &old, new));
	if (unlikely(!new.inuse && slub_may_discard(s, n))) {
		slub_node_remove_locked(n, slab);
		return true;
	}
	slub_add_partial_locked(n, slab, true);
	return false;
}

/* A CPU's partial list, taken out of it, goes to the nodes' tails, or to the page allocator. */
static void slub_unfreeze_partials(struct slub_cache *s, struct slub_slab *chain)
{
	struct slub_slab *discard = NULL, *slab, *next;
	struct slub_node *locked = NULL;

	for (slab = chain; slab; slab = next) {
		struct slub_node *n = slub_node_of(s, slab);

		next = slab->next;
		if (n != locked) {
			if (locked)
				arch_spin_unlock(&locked->list_lock);
			locked = n;
			arch_spin_lock(&n->list_lock);
		}
		if (unfreeze_locked(s, n, slab)) {
			slab->next = discard;
			discard = slab;
		}
	}
	if (locked)
		arch_spin_unlock(&locked->list_lock);
	for (slab = discard; slab; slab = next) {
		next = slab->next;
		slub_free_slab(s, slab);
	}
}

void slub_put_cpu_partial(struct slub_cache *s, struct slub_slab *slab)
{
	struct slub_section at = slub_enter();
	struct slub_cpu *c = slub_cpu(s, at.cpu);
	struct slub_slab *spill = NULL;

	if (unlikely(c->nr_partial >= __atomic_load_n(&s->cpu_partial_slabs, __ATOMIC_RELAXED) &&
		     c->partial)) {
		spill = c->partial;
		c->partial = NULL;
		c->nr_partial = 0;
	}
	slab->next = c->partial;
	c->partial = slab;
	c->nr_partial++;
	slub_leave(at);
	if (unlikely(spill))
		slub_unfreeze_partials(s, spill);
}

bool slub_flush_cpu(struct slub_cache *s, unsigned int id)
{
	struct arch_cpu *cpu = arch_cpu_claim(s->common.kernel->arch, id);
	struct slub_cpu *c = slub_cpu(s, cpu);
	struct slub_slab *slab = c->slab;
	struct slub_slab *partial = c->partial;
	void *freelist = c->freelist;
	void *sheaf = c->sheaf;
	size_t nr_sheaf = c->nr_sheaf;
	bool loose = sheaf;

	slub_cpu_clear_slab(c);
	c->partial = NULL;
	c->nr_partial = 0;
	c->sheaf = NULL;
	c->nr_sheaf = 0;
	arch_cpu_unclaim(cpu);
	if (slab)
		loose |= slub_deactivate(s, slab, freelist);
	if (partial)
		slub_unfreeze_partials(s, partial);
	slub_free_loose(s, sheaf, nr_sheaf, "kmem_cache_free");
	return loose;
}
