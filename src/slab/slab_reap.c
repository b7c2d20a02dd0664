/* SPDX-License-Identifier: MIT */
/*
 * Reaping: what nobody has asked for lately goes back, a part at a time. Every CPU has a turn every
 * two seconds of the machine's clock (common/clock.c) and gives each cache some of
 *
 *	one alien array of its node   all of it; each turn the one towards the next node
 *	its own array                 a fifth of its limit, the oldest objects first
 *
 * and, at most every four seconds a node, by whichever CPU of it comes first,
 *
 *	the node's shared array       a fifth of its limit
 *	its free slabs                a fifth of what free_limit allows, the last of the list first
 *
 * Who used something keeps it for another turn: an array with `touched` set loses that instead of
 * objects, and so does the list of free slabs with free_touched, which says that allocation found no
 * partial slab. An array with fewer objects than the fifth loses half of them.
 *
 * `touched` of a CPU's array belongs to the CPU, so it is claimed; a CPU that never was used has
 * nothing in its array.
 */
#include "slab/slab.h"

/* How many objects an array of @limit that holds @avail gives back. */
static unsigned int slab_reap_share(unsigned int limit, unsigned int avail)
{
	unsigned int share = limit / 5 + (limit % 5 ? 1 : 0);

	return share <= avail ? share : avail - avail / 2;
}

/* An array of node @n, whose owner's rights the caller has but for the list_lock. */
static void slab_reap_array(struct slab_cache *s, struct slab_node *n, struct slab_array *ac,
			    unsigned int limit, struct list_head *list)
{
	arch_spin_lock(&n->list_lock);
	if (ac->avail && ac->touched)
		ac->touched = 0;
	else if (ac->avail)
		slab_array_free_locked(s, n, ac, slab_reap_share(limit, ac->avail), list);
	arch_spin_unlock(&n->list_lock);
}

static void slab_reap_cpu(struct slab_cache *s, struct slab_node *n, unsigned int id)
{
	const struct arch_machine *am = s->common.kernel->arch;
	struct list_head list;
	struct arch_cpu *cpu;

	if (arch_cpu_next_used(am, id) != id)
		return;
	list_init(&list);
	cpu = arch_cpu_claim(am, id);
	slab_reap_array(s, n, slab_cpu_array(s, cpu), s->limit, &list);
	arch_cpu_unclaim(cpu);
	slab_destroy_list(s, &list);
}

static void slab_reap_shared(struct slab_cache *s, struct slab_node *n)
{
	struct list_head list;

	if (!n->shared)
		return;
	list_init(&list);
	slab_reap_array(s, n, n->shared, n->shared_limit, &list);
	slab_destroy_list(s, &list);
}

static void slab_reap_free_slabs(struct slab_cache *s, struct slab_node *n)
{
	unsigned long fifth = 5ul * s->geo.num, max;
	bool touched;

	arch_spin_lock(&n->list_lock);
	touched = n->free_touched;
	n->free_touched = false;
	max = (n->free_limit + fifth - 1) / fifth;
	arch_spin_unlock(&n->list_lock);
	if (!touched)
		slab_node_drain_free_list(s, n, max);
}

void slab_reap(struct kmem_cache *cache, unsigned int cpu, uint64_t tick, uint64_t now)
{
	struct slab_cache *s = to_slab_cache(cache);
	unsigned int nid = arch_cpu_by_id(cache->kernel->arch, cpu)->node;
	struct slab_node *n = s->node[nid];

	slab_drain_alien(s, n, (unsigned int)((nid + 1 + tick) % s->nr_nodes));
	slab_reap_cpu(s, n, cpu);
	if (now < n->next_reap)
		return;
	n->next_reap = now + SLAB_REAP_NODE_MS;
	slab_reap_shared(s, n);
	slab_reap_free_slabs(s, n);
}
