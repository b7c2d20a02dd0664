/* SPDX-License-Identifier: MIT */
/*
 * A cache's slabs on one NUMA node.
 *
 *	            take                     take the last object
 *	free  ──────────────▶  partial  ──────────────────────▶  full
 *	  ◀──────────────────     │  ▲        put back              │
 *	   put back the last      │  └──────────────────────────────┘
 *
 * Allocation takes the first partial slab, else the first free one; a slab from which objects were
 * taken goes to the front of its list, so it is used up before others. Freeing sends a slab to the
 * *end* of partial: that leaves its other objects the longest time to come back and free it whole.
 * A slab that became free goes to the front of free; what is given back leaves from its end.
 *
 * Invariants under list_lock: total_slabs and free_slabs count the lists; free_objects is the sum
 * of num - active over the lists; objects in arrays count as active.
 *
 * Free slabs are kept while free_objects does not exceed free_limit.
 */
#include "slab/slab.h"

#include "common/backend.h"
#include "lib/fork.h"
#include "lib/lock_rank.h"

/* CPUs of the node: CPU i lies on node i mod nodes (machine.h). */
static unsigned int slab_cpus_of_node(const struct kernel *k, unsigned int nid)
{
	const struct arch_machine *am = k->arch;

	return am->nr_cpus / am->nr_nodes + (nid < am->nr_cpus % am->nr_nodes);
}

unsigned long slab_free_limit(const struct slab_cache *s, unsigned int nid, unsigned int batchcount)
{
	return (1ul + slab_cpus_of_node(s->common.kernel, nid)) * batchcount + s->geo.num;
}

static bool slab_create_aliens(struct slab_cache *s, struct slab_node *n)
{
	struct kernel *k = s->common.kernel;
	unsigned int nid;

	if (s->nr_nodes == 1 || k->params.noaliencache)
		return true;
	n->alien = meta_alloc(k, s->nr_nodes * sizeof(*n->alien), (int)n->nid);
	if (!n->alien)
		return false;
	for (nid = 0; nid < s->nr_nodes; nid++) {
		struct slab_alien *alien;

		if (nid == n->nid)
			continue;
		alien = meta_alloc(k, sizeof(*alien), (int)n->nid);
		if (!alien)
			return false;
		arch_spin_init(&alien->lock, LOCK_RANK_SLAB_ALIEN);
		alien->limit = s->limit > 1 ? SLAB_ALIEN_LIMIT : s->limit;
		n->alien[nid] = alien;
	}
	return true;
}

static bool slab_create_shared(struct slab_cache *s, struct slab_node *n)
{
	n->shared_limit = s->shared * s->batchcount;
	if (!n->shared_limit)
		return true;
	n->shared = meta_alloc(s->common.kernel, slab_array_bytes(n->shared_limit), (int)n->nid);
	return n->shared;
}

struct slab_node *slab_node_create(struct slab_cache *s, unsigned int nid)
{
	struct kernel *k = s->common.kernel;
	struct slab_node *n = meta_alloc(k, sizeof(*n), (int)nid);

	if (!n)
		return NULL;
	arch_spin_init(&n->list_lock, LOCK_RANK_NODE_LIST);
	n->nid = nid;
	list_init(&n->partial);
	list_init(&n->full);
	list_init(&n->free);
	n->free_limit = slab_free_limit(s, nid, s->batchcount);
	n->next_reap = kernel_clock(k) + SLAB_REAP_NODE_MS;
	if (slab_create_shared(s, n) && slab_create_aliens(s, n))
		return n;
	slab_node_release(s, n);
	return NULL;
}

void slab_node_release(struct slab_cache *s, struct slab_node *n)
{
	struct kernel *k = s->common.kernel;
	unsigned int nid;

	if (n->shared)
		meta_free(k, n->shared, slab_array_bytes(n->shared_limit));
	for (nid = 0; n->alien && nid < s->nr_nodes; nid++) {
		if (n->alien[nid])
			meta_free(k, n->alien[nid], sizeof(*n->alien[nid]));
	}
	if (n->alien)
		meta_free(k, n->alien, s->nr_nodes * sizeof(*n->alien));
	meta_free(k, n, sizeof(*n));
}

size_t slab_node_bytes(const struct slab_cache *s, const struct slab_node *n)
{
	size_t bytes = sizeof(*n);

	if (n->shared)
		bytes += slab_array_bytes(n->shared_limit);
	if (n->alien)
		bytes += s->nr_nodes * sizeof(*n->alien) +
			 (s->nr_nodes - 1) * sizeof(struct slab_alien);
	return bytes;
}

/* --- taking ----------------------------------------------------------------------------------- */

/* The slab that allocation uses next; NULL: none. It must go through slab_relist_locked(). */
static struct slab_slab *slab_first_locked(struct slab_node *n)
{
	if (!list_empty(&n->partial))
		return list_first_entry(&n->partial, struct slab_slab, list);
	n->free_touched = true;
	if (list_empty(&n->free))
		return NULL;
	n->free_slabs--;
	return list_first_entry(&n->free, struct slab_slab, list);
}

/* Objects were taken from a slab: to the front of the list where it belongs now. */
static void slab_relist_locked(const struct slab_cache *s, struct slab_node *n,
			       struct slab_slab *slab)
{
	list_move(&slab->list, slab->active == s->geo.num ? &n->full : &n->partial);
}

static unsigned int slab_node_take_lists_locked(struct slab_cache *s, struct slab_node *n,
						void **objects, unsigned int want)
{
	struct slab_slab *slab;
	unsigned int nr = 0;

	while (nr < want && (slab = slab_first_locked(n))) {
		unsigned int active = slab->active;

		nr += slab_take(s, slab, objects + nr, want - nr);
		n->free_objects -= slab->active - active;
		slab_relist_locked(s, n, slab);
	}
	return nr;
}

unsigned int slab_node_take_lists(struct slab_cache *s, struct slab_node *n, void **objects,
				  unsigned int want)
{
	unsigned int nr;

	arch_spin_lock(&n->list_lock);
	nr = slab_node_take_lists_locked(s, n, objects, want);
	arch_spin_unlock(&n->list_lock);
	return nr;
}

unsigned int slab_node_take(struct slab_cache *s, struct slab_node *n, void **objects,
			    unsigned int want)
{
	enum slab_source from = SLAB_FROM_ANY;

	return slab_node_take_piece(s, n, objects, want, want, &from);
}

unsigned int slab_node_take_piece(struct slab_cache *s, struct slab_node *n, void **objects,
				  unsigned int want, unsigned int max, enum slab_source *from)
{
	unsigned int nr = 0;

	arch_spin_lock(&n->list_lock);
	if (*from != SLAB_FROM_LISTS)
		nr = slab_shared_take_locked(n, objects, want, max);
	if (nr)
		*from = SLAB_FROM_SHARED;
	if (*from != SLAB_FROM_SHARED) {
		nr = slab_node_take_lists_locked(s, n, objects, want < max ? want : max);
		*from = SLAB_FROM_LISTS;
	}
	arch_spin_unlock(&n->list_lock);
	return nr;
}

unsigned int slab_node_grow(struct slab_cache *s, gfp_t gfp, int nid, void **objects,
			    unsigned int want)
{
	struct slab_slab *slab = slab_grow(s, gfp, nid);
	struct slab_node *n;
	unsigned int nr;

	if (!slab)
		return 0;
	nr = slab_take(s, slab, objects, want);
	n = s->node[slab_nid(slab)];
	arch_spin_lock(&n->list_lock);
	list_add(&slab->list, slab->active == s->geo.num ? &n->full : &n->partial);
	n->total_slabs++;
	n->free_objects += s->geo.num - slab->active;
	arch_spin_unlock(&n->list_lock);
	return nr;
}

/* --- giving back ------------------------------------------------------------------------------ */

static void slab_node_put_locked(struct slab_cache *s, struct slab_node *n, void *object)
{
	struct slab_slab *slab = slab_of_object(s, object);

	/* More frees than allocations, or the slab is gone: some object was freed twice. */
	if (unlikely(!slab || !slab->active)) {
		slab_bug(s->common.kernel, "kmem_cache_free", &s->common, object,
			 SLAB_BUG_DOUBLE_FREE);
		return;
	}
	slab_put_locked(s, slab, object);
	n->free_objects++;
	list_del(&slab->list);
	if (slab->active) {
		list_add_tail(&slab->list, &n->partial);
		return;
	}
	list_add(&slab->list, &n->free);
	n->free_slabs++;
}

/* Take the last free slab off the node. */
static struct slab_slab *slab_node_detach_locked(struct slab_cache *s, struct slab_node *n)
{
	struct slab_slab *slab = list_last_entry(&n->free, struct slab_slab, list);

	list_del(&slab->list);
	n->free_slabs--;
	n->total_slabs--;
	n->free_objects -= s->geo.num;
	return slab;
}

void slab_node_free_locked(struct slab_cache *s, struct slab_node *n, void **objects,
			   unsigned int nr, struct list_head *list)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		slab_node_put_locked(s, n, objects[i]);
	while (n->free_objects > n->free_limit && !list_empty(&n->free))
		list_add(&slab_node_detach_locked(s, n)->list, list);
}

void slab_node_free(struct slab_cache *s, struct slab_node *n, void **objects, unsigned int nr)
{
	struct list_head list;

	list_init(&list);
	arch_spin_lock(&n->list_lock);
	slab_node_free_locked(s, n, objects, nr, &list);
	arch_spin_unlock(&n->list_lock);
	slab_destroy_list(s, &list);
}

void slab_node_drain_free_list(struct slab_cache *s, struct slab_node *n, unsigned long max)
{
	struct slab_slab *slab;

	for (; max; max--) {
		arch_spin_lock(&n->list_lock);
		slab = list_empty(&n->free) ? NULL : slab_node_detach_locked(s, n);
		arch_spin_unlock(&n->list_lock);
		if (!slab)
			return;
		slab_destroy(s, slab);
	}
}

/* --- fork() ----------------------------------------------------------------------------------- */

static bool fork_aliens(const struct slab_cache *s, struct fork_walk *w)
{
	for (unsigned int nid = 0; nid < s->nr_nodes; nid++) {
		const struct slab_node *n = s->node[nid];

		for (unsigned int i = 0; n && n->alien && i < s->nr_nodes; i++)
			if (n->alien[i] && !fork_spinlock(w, &n->alien[i]->lock))
				return false;
	}
	return true;
}

static bool fork_nodes(const struct slab_cache *s, struct fork_walk *w)
{
	for (unsigned int nid = 0; nid < s->nr_nodes; nid++)
		if (s->node[nid] && !fork_spinlock(w, &s->node[nid]->list_lock))
			return false;
	return true;
}

/* All aliens' locks come before all nodes'. */
bool backend_fork(struct kernel *k, struct fork_walk *w)
{
	struct kmem_cache *s;

	list_for_each_entry(s, &k->caches->list, list)
		if (!fork_aliens(to_slab_cache(s), w))
			return false;
	list_for_each_entry(s, &k->caches->list, list)
		if (!fork_nodes(to_slab_cache(s), w))
			return false;
	return true;
}
