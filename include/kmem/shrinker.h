/* SPDX-License-Identifier: MIT */
/*
 * Reclaim: how a program gives memory back when there is little, and the call that plays kswapd.
 *
 * Who caches objects that it could make again registers a shrinker. It is asked by requests that
 * found no page above their watermark and may wait (__GFP_DIRECT_RECLAIM, not in an atomic
 * context), and by machine_kswapd(): first how many objects could be freed, then to look at some
 * of them and free what it can. There are rounds of growing urgency, each over all shrinkers, until
 * there is enough.
 *
 * Shrinkers run in the thread that needs memory, one after the other, perhaps in several threads at
 * once. They may do what a thread may do that sleeps, with three limits: their own requests never
 * reclaim (they may use the reserves instead); they must not wait for what a request may be made
 * under (the caller says by its flags what it holds: without __GFP_FS in gfp_mask a file system's
 * shrinker returns SHRINK_STOP); and they neither register nor unregister shrinkers.
 *
 * Structure, constants and behaviour are those of Linux 6.1's <linux/shrinker.h>. There are no memory
 * groups, so `memcg` is always NULL.
 */
#ifndef KMEM_SHRINKER_H
#define KMEM_SHRINKER_H

#include <kmem/types.h>

KMEM_BEGIN_DECLS

/* What scan_objects() returns when it can do nothing now: it is not called again in this round. */
#define SHRINK_STOP (~0UL)

/* What count_objects() returns when there is nothing at all, where 0 means nothing to free now. */
#define SHRINK_EMPTY (~0UL - 1)

/* Seeks to make an object again, for those who do not know better. */
#define DEFAULT_SEEKS 2

struct mem_cgroup;

/* What a shrinker is told. */
struct shrink_control {
	gfp_t gfp_mask;			/* of the request that needs memory */
	int nid;			/* node to shrink; of interest with SHRINKER_NUMA_AWARE */
	unsigned long nr_to_scan;	/* scan_objects(): objects to look at */
	unsigned long nr_scanned;	/* how many it did look at: nr_to_scan, unless it says else */
	struct mem_cgroup *memcg;	/* NULL */
};

struct shrinker_entry;

/*
 * A shrinker. The caller fills count_objects, scan_objects, seeks, and batch and flags if it has a
 * wish; it belongs to the library from register_shrinker() to unregister_shrinker().
 *
 *	count_objects	how many objects could be freed: a guess, without waiting for locks. 0 or
 *			SHRINK_EMPTY: none.
 *	scan_objects	look at nr_to_scan objects and free what can be freed. Returns how many were
 *			freed, or SHRINK_STOP.
 *	seeks		what an object costs to make again: the dearer, the fewer are asked for. 0: they
 *			cost nothing, half of them go in each round.
 *	batch		objects a call of scan_objects() looks at; 0: 128
 */
struct shrinker {
	unsigned long (*count_objects)(struct shrinker *shrinker, struct shrink_control *sc);
	unsigned long (*scan_objects)(struct shrinker *shrinker, struct shrink_control *sc);
	long batch;
	int seeks;
	unsigned int flags;		/* SHRINKER_* */
	struct shrinker_entry *entry;	/* the library's */
};

/* shrinker.flags. The first is the library's; MEMCG_AWARE and NONSLAB change nothing here. */
#define SHRINKER_REGISTERED (1u << 0)
#define SHRINKER_MEMCG_AWARE (1u << 1)
#define SHRINKER_NUMA_AWARE (1u << 2)	/* what was put off is counted by node */
#define SHRINKER_NONSLAB (1u << 3)

/**
 * register_shrinker - have a shrinker called when memory runs out
 * @shrinker: filled as said above
 * @fmt:      printf format of a name for reports
 *
 * On the machine that the thread has entered, until unregister_shrinker(). One that is not
 * unregistered at shutdown is reported and counts as a leak there.
 *
 * Return: 0; -EINVAL (reported): a function is missing, or @shrinker is registered; -EDEADLK
 * (reported): called from a shrinker; -ENOMEM: the host has no memory; -ENODEV.
 * Context: may sleep.
 */
KMEM_DECL(int, register_shrinker, (struct shrinker * shrinker, const char *fmt, ...))
	KMEM_PRINTF(2, 3);

/**
 * unregister_shrinker - end it; after the return it is not running and will not be called
 * @shrinker: a registered one; one that is not registered is ignored, as in Linux
 *
 * Context: may sleep: waits for those who run shrinkers. From a shrinker it is reported and refused.
 */
KMEM_DECL(void, unregister_shrinker, (struct shrinker * shrinker));

/** synchronize_shrinkers - wait until every shrinker that runs now has returned. May sleep. */
KMEM_DECL(void, synchronize_shrinkers, (void));

/**
 * drop_slab - call all shrinkers with full urgency, again and again while that frees much
 *
 * What writing 2 to vm.drop_caches does (sysctl.h). Return: objects that the shrinkers freed. Context: may
 * sleep; from a shrinker it is reported, and does nothing.
 */
KMEM_DECL(unsigned long, drop_slab, (void));

/**
 * machine_kswapd - what a kernel's kswapd of a node does when it is awake
 * @nid: the node
 *
 * libkmem has no thread of its own: requests that find a zone below its low watermark only note
 * that kswapd is wanted (machine_kswapd_state()), and a program calls this when it likes. It
 * drains the per-CPU lists, calls shrinkers with growing urgency, purges lazy vmalloc areas and
 * has caches reaped, until a zone of the node is above its high watermark, boost included, for the
 * largest order that was asked for. Then the boost is taken away; nothing else does that.
 *
 * Return: pages by which the node's free memory grew, 0 or more; -EINVAL: no such node; -EDEADLK
 * (reported): called from a shrinker; -ENODEV. Context: may sleep.
 */
KMEM_DECL(long, machine_kswapd, (int nid));

/* What machine_kswapd_state() fills. */
struct kswapd_state {
	bool wanted;			/* woken since it ran last */
	unsigned int order;		/* the largest order it was woken for */
	int highest_zone;		/* the highest zone that the requests could use; -1: none did */
	unsigned int failures;		/* runs in a row that freed nothing and left the node short */
	uint64_t wakeups;		/* times that it was woken, since boot */
	uint64_t runs;			/* machine_kswapd() calls, since boot */
};

/**
 * machine_kswapd_state - whether a node's kswapd is wanted, and for what
 * @nid: the node
 * @st:  filled
 *
 * After 16 failures in a row requests do not wake it any more (as in Linux) until one frees
 * something. Return: 0; -EINVAL: no such node; -ENODEV. Never sleeps.
 */
KMEM_DECL(int, machine_kswapd_state, (int nid, struct kswapd_state *st));

KMEM_END_DECLS

#endif
