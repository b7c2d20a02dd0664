/* SPDX-License-Identifier: MIT */
/*
 * Reclaim: what can be had when the free lists have nothing left.
 *
 * A machine here has no page cache and no swap. What can come back is what was set aside or cached:
 *
 *	1. the page lists of all CPUs
 *	2. what programs cache: their shrinkers, node by node (shrinker.c), with growing urgency
 *	3. areas that vfree() left to be unmapped later, with what describes them
 *	4. the allocators' own stock: arrays and free slabs of SLAB
 *
 * Cheap and harmless things come first, and a round stops as soon as a zone of use is above the
 * watermark that it is made for. A round is the same for its two users:
 *
 *	direct reclaim	a request that may wait and found no zone above min (alloc_pressed.c): one round,
 *			up to MAX_RECLAIM_RETRIES with __GFP_RETRY_MAYFAIL; counted as allocstall
 *	kswapd		machine_kswapd(): one round against the high watermark (kswapd.c)
 *
 * Rules. A thread in reclaim (PF_RECLAIM, PF_MEMALLOC) never reclaims: its own requests take from the
 * reserves or fail. Reclaim is entered with no spin lock held and outside CPU sections, never in an
 * atomic context; whoever needed the memory may hold mutexes, of ours and of the program's, so that
 * steps which need one of ours only try it.
 *
 * Steps 3 and 4 belong to layers above; boot hands their functions down (reclaim_set_hook).
 */
#include "buddy/reclaim.h"

#include "buddy/buddy.h"
#include "buddy/watermark.h"
#include "lib/errno.h"
#include "lib/fork.h"

int reclaim_init(struct kernel *k)
{
	struct buddy *b = k->buddy;
	struct reclaim *r = arch_host_alloc(k->arch, sizeof(*r));

	if (!r)
		return -ENOMEM;
	list_init(&r->shrinkers);
	r->kswapd = arch_host_alloc(k->arch, b->nr_nodes * sizeof(*r->kswapd));
	if (!r->kswapd)
		return -ENOMEM;
	for (unsigned int nid = 0; nid < b->nr_nodes; nid++)
		r->kswapd[nid].highest = -1;
	b->reclaim = r;
	return 0;
}

void reclaim_set_hook(struct kernel *k, enum reclaim_hook hook, reclaim_hook_fn *fn)
{
	k->buddy->reclaim->hook[hook] = fn;
}

bool reclaim_enough(const struct scan_control *sc)
{
	for (const struct zoneref *ref = sc->zonelist; ref->zone; ref++) {
		if (ref->type > sc->highest)
			continue;
		if (sc->alloc_flags & ALLOC_NO_WATERMARKS ?
			    zone_free_orders(ref->zone) >> sc->order :
			    zone_watermark_ok(ref->zone, sc->order, sc->highest, sc->alloc_flags))
			return true;
	}
	return false;
}

/* Each node of the zonelist once: its zones stand side by side. */
static unsigned long shrink_nodes(const struct scan_control *sc, int priority)
{
	const struct pgdat *last = NULL;
	unsigned long freed = 0;

	for (const struct zoneref *ref = sc->zonelist; ref->zone; ref++) {
		if (ref->type > sc->highest || ref->zone->pgdat == last)
			continue;
		last = ref->zone->pgdat;
		freed += shrink_slab(sc->k, sc->gfp, last->nid, priority);
	}
	return freed;
}

static bool shrink_until_enough(const struct scan_control *sc)
{
	if (!shrinkers_registered(sc->k->buddy->reclaim))
		return false;
	for (int priority = DEF_PRIORITY; priority >= 0; priority--) {
		if (!shrink_nodes(sc, priority))
			continue;
		drain_local_pages();
		if (reclaim_enough(sc))
			return true;
	}
	return false;
}

static bool run_hooks(const struct scan_control *sc)
{
	const struct reclaim *r = sc->k->buddy->reclaim;

	for (unsigned int i = 0; i < NR_RECLAIM_HOOKS; i++) {
		if (!r->hook[i])
			continue;
		r->hook[i](sc->k);
		drain_local_pages();
		if (reclaim_enough(sc))
			return true;
	}
	/* Objects that went home may have freed pages on other CPUs' behalf. */
	drain_all_pages();
	return reclaim_enough(sc);
}

bool reclaim_round(const struct scan_control *sc)
{
	unsigned int flags;
	bool enough;

	drain_all_pages();
	if (reclaim_enough(sc))
		return true;
	flags = reclaim_begin();
	enough = shrink_until_enough(sc) || run_hooks(sc);
	reclaim_end(flags);
	return enough;
}

bool buddy_fork_mutexes(struct kernel *k, struct fork_walk *w)
{
	struct reclaim *r = k->buddy->reclaim;

	if (!fork_mutex(w, &k->buddy->sysctl_mutex) || !fork_rwsem(w, &r->shrinker_rwsem) ||
	    !fork_rwsem(w, &r->oom_rwsem))
		return false;
	fork_leave_mutex(w, &r->oom_lock);
	return true;
}
