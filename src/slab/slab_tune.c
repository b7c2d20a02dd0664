/* SPDX-License-Identifier: MIT */
/*
 * Tunables: new limits for a cache that is in use, as
 *
 *	echo "NAME LIMIT BATCHCOUNT SHARED" > /proc/slabinfo
 *
 * gives them. All arrays are made anew; what the old ones hold goes back to the slabs, so nothing is
 * lost and nothing else moves. Alien arrays keep their size, as in Linux.
 *
 * Everything that can fail comes first. Then all CPUs are claimed, even those that nobody uses yet
 * (a thread could be attached to one at any moment), so that no section is in progress while the
 * offsets and limits change that sections go by.
 */
#include "slab/slab.h"

#include "lib/errno.h"

/* What a cache will have. */
struct slab_tunables {
	unsigned int limit;
	unsigned int batchcount;
	unsigned int shared;
	unsigned int shared_limit;
	size_t cpu_off;
	struct slab_array **node_shared;	/* by node; NULL: the cache shall have none */
};

static size_t slab_by_node_bytes(const struct slab_cache *s)
{
	return s->nr_nodes * sizeof(struct slab_array *);
}

/* Give back what is in @new: the arrays that could not be used, or those that were replaced. */
static void slab_tunables_free(struct slab_cache *s, struct slab_tunables *new)
{
	struct kernel *k = s->common.kernel;
	unsigned int nid;

	if (new->cpu_off)
		percpu_free(k, new->cpu_off, slab_array_bytes(new->limit));
	if (!new->node_shared)
		return;
	for (nid = 0; nid < s->nr_nodes; nid++) {
		if (new->node_shared[nid])
			meta_free(k, new->node_shared[nid], slab_array_bytes(new->shared_limit));
	}
	meta_free(k, new->node_shared, slab_by_node_bytes(s));
}

static bool slab_tunables_shared(struct slab_cache *s, struct slab_tunables *new)
{
	struct kernel *k = s->common.kernel;
	unsigned int nid;

	new->node_shared = meta_alloc(k, slab_by_node_bytes(s), NUMA_NO_NODE);
	for (nid = 0; new->node_shared && new->shared_limit && nid < s->nr_nodes; nid++) {
		new->node_shared[nid] = meta_alloc(k, slab_array_bytes(new->shared_limit), (int)nid);
		if (!new->node_shared[nid])
			return false;
	}
	return new->node_shared;
}

static bool slab_tunables_make(struct slab_cache *s, struct slab_tunables *new)
{
	if (__builtin_mul_overflow(new->shared, new->batchcount, &new->shared_limit))
		return false;
	new->cpu_off = percpu_alloc(s->common.kernel, slab_array_bytes(new->limit), ARCH_CACHE_LINE);
	return new->cpu_off && slab_tunables_shared(s, new);
}

/* --- with all CPUs claimed -------------------------------------------------------------------- */

static void slab_claim_all(const struct arch_machine *am)
{
	unsigned int i;

	for (i = 0; i < am->nr_cpus; i++)
		arch_cpu_claim(am, i);
}

static void slab_unclaim_all(const struct arch_machine *am)
{
	unsigned int i;

	for (i = am->nr_cpus; i; i--)
		arch_cpu_unclaim(arch_cpu_by_id(am, i - 1));
}

static void slab_empty_cpu(struct slab_cache *s, unsigned int id, struct list_head *list)
{
	struct arch_cpu *cpu = arch_cpu_by_id(s->common.kernel->arch, id);
	struct slab_array *ac = slab_cpu_array(s, cpu);
	struct slab_node *n = s->node[cpu->node];

	arch_spin_lock(&n->list_lock);
	slab_array_free_locked(s, n, ac, ac->avail, list);
	arch_spin_unlock(&n->list_lock);
}

/* The node's new limit and shared array; the old array, empty. */
static struct slab_array *slab_swap_shared(struct slab_cache *s, struct slab_node *n,
					   const struct slab_tunables *new, struct list_head *list)
{
	struct slab_array *old = n->shared;

	arch_spin_lock(&n->list_lock);
	n->free_limit = slab_free_limit(s, n->nid, new->batchcount);
	if (old)
		slab_array_free_locked(s, n, old, old->avail, list);
	n->shared = new->node_shared[n->nid];
	n->shared_limit = new->shared_limit;
	arch_spin_unlock(&n->list_lock);
	return old;
}

/* @new becomes what the cache has, and what it had becomes @new. */
static void slab_tunables_swap(struct slab_cache *s, struct slab_tunables *new,
			       struct list_head *list)
{
	struct slab_tunables old = {
		.limit = s->limit,
		.batchcount = s->batchcount,
		.shared = s->shared,
		.shared_limit = s->node[0]->shared_limit,
		.cpu_off = s->cpu_off,
		.node_shared = new->node_shared,
	};
	unsigned int i;

	for (i = 0; i < s->common.kernel->arch->nr_cpus; i++)
		slab_empty_cpu(s, i, list);
	for (i = 0; i < s->nr_nodes; i++)
		new->node_shared[i] = slab_swap_shared(s, s->node[i], new, list);
	s->limit = new->limit;
	s->batchcount = new->batchcount;
	s->shared = new->shared;
	s->cpu_off = new->cpu_off;
	slab_set_fast_paths(s);
	*new = old;
}

int slab_tune(struct kmem_cache *cache, unsigned int limit, unsigned int batchcount,
	      unsigned int shared)
{
	struct slab_tunables new = { .limit = limit, .batchcount = batchcount, .shared = shared };
	const struct arch_machine *am = cache->kernel->arch;
	struct slab_cache *s = to_slab_cache(cache);
	bool made = slab_tunables_make(s, &new);
	struct list_head list;

	list_init(&list);
	if (made) {
		slab_claim_all(am);
		slab_tunables_swap(s, &new, &list);
		slab_unclaim_all(am);
		slab_destroy_list(s, &list);
	}
	slab_tunables_free(s, &new);
	return made ? 0 : -ENOMEM;
}
