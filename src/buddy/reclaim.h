/* SPDX-License-Identifier: MIT */
/* Reclaim: shrinkers, kswapd, the out-of-memory chain. Theory in reclaim.c. */
#ifndef KMEM_BUDDY_RECLAIM_H
#define KMEM_BUDDY_RECLAIM_H

#include "buddy/buddy.h"
#include "buddy/internal.h"
#include "lib/context.h"
#include "lib/mutex.h"
#include "lib/rwsem.h"

#include <kmem/oom.h>
#include <kmem/shrinker.h>

/* As Linux counts: urgency grows from DEF_PRIORITY down to 0. */
#define DEF_PRIORITY 12
#define MAX_RECLAIM_RETRIES 16

/* A node's kswapd. All atomics. */
struct kswapd {
	uint32_t wanted;
	int32_t order;
	int32_t highest;		/* zone; -1: nobody wanted it since it ran */
	uint32_t failures;
	arch_u64 wakeups;
	arch_u64 runs;
};

struct reclaim {
	struct rw_semaphore shrinker_rwsem;
	struct list_head shrinkers;	/* in the order of registration */
	struct rw_semaphore oom_rwsem;
	struct notifier_block *oom_chain; /* highest priority first */
	struct mutex oom_lock;		/* one request at a time calls the chain */
	reclaim_hook_fn *hook[NR_RECLAIM_HOOKS];
	struct kswapd *kswapd;		/* by node */
	arch_u64 slabs_scanned;		/* vmstat's events; atomics */
	arch_u64 pageoutrun;
	arch_u64 drop_slab;
	arch_u64 allocstall[KMEM_MAX_NR_ZONES];
};

/* What a pass of reclaim is for. */
struct scan_control {
	struct kernel *k;
	gfp_t gfp;
	unsigned int order;
	unsigned int highest;			/* highest zone of use */
	unsigned int alloc_flags;		/* the watermark to reach */
	const struct zoneref *zonelist;		/* zones of use */
};

static inline void reclaim_count(arch_u64 *event, uint64_t n)
{
	__atomic_fetch_add(event, n, __ATOMIC_RELAXED);
}

static inline bool in_reclaim(void)
{
	return arch_context()->flags & PF_RECLAIM;
}

/* Around what calls a program's shrinkers and notifiers: requests made there do not come back here.
 * Returns what the end needs. */
static inline unsigned int reclaim_begin(void)
{
	return context_flags_save(PF_RECLAIM | PF_MEMALLOC);
}

static inline void reclaim_end(unsigned int old)
{
	context_flags_restore(PF_RECLAIM | PF_MEMALLOC, old);
}

/* One round for @sc, until there is enough. Whether there is. The thread may sleep, holds no spin
 * lock, and is not in reclaim. */
bool reclaim_round(const struct scan_control *sc);

/* A zone of @sc has a block above the watermark. */
bool reclaim_enough(const struct scan_control *sc);

/* shrinker.c: all shrinkers once for one node. Returns how many objects were freed. */
unsigned long shrink_slab(struct kernel *k, gfp_t gfp, int nid, int priority);
bool shrinkers_registered(struct reclaim *r);

/* oom.c: call the chain for a request that must not fail. */
enum oom_result {
	OOM_NOTHING,		/* it freed nothing */
	OOM_FREED,		/* it says that it freed something */
	OOM_BUSY,		/* another thread is calling it; a moment has passed */
};

enum oom_result out_of_memory(struct kernel *k, gfp_t gfp, unsigned int order);

/* kswapd.c: a request of @order found the zones of @zonelist up to @highest low. */
void wake_all_kswapds(struct kernel *k, const struct zoneref *zonelist, unsigned int order,
		      unsigned int highest);
/* The same after a fallback boosted a zone. */
void wakeup_kswapd(const struct zone *zone, unsigned int order, unsigned int highest);

/* Direct reclaim had success there: it may be woken again. */
void kswapd_not_hopeless(struct kernel *k, const struct pgdat *pgdat);

#endif
