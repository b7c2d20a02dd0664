/* SPDX-License-Identifier: MIT */
/*
 * kswapd, without a thread: who wakes it, and what it does when a program lets it run.
 *
 * A request that no zone could serve above its low watermark wakes the kswapd of every node in its
 * zonelist, unless a zone there is above high already; so does one whose fallback to another
 * migrate type boosted a zone's watermarks. Waking only notes the fact, the largest order and the
 * highest zone, here in atomics; machine_kswapd() takes the note and runs.
 *
 * The run is one round of reclaim (reclaim.c) against the high watermark with the boost on it. For a
 * high order that cannot be had it is content with order 0. At its end the boost that it found is
 * taken off; what was added meanwhile stays.
 *
 * A node whose kswapd failed MAX_RECLAIM_RETRIES times in a row is hopeless: it is not woken any
 * more, until direct reclaim frees something there.
 */
#include "buddy/reclaim.h"

#include "buddy/buddy.h"
#include "buddy/watermark.h"
#include "lib/errno.h"

static struct kswapd *kswapd_of(const struct kernel *k, unsigned int nid)
{
	return &k->buddy->reclaim->kswapd[nid];
}

/* --- waking ----------------------------------------------------------------------------------- */

static bool pgdat_balanced(const struct pgdat *pgdat, unsigned int order, unsigned int highest)
{
	const struct scan_control sc = {
		.order = order, .highest = highest, .alloc_flags = WMARK_HIGH,
		.zonelist = pgdat->zonelist_thisnode,
	};

	return !pgdat->zonelist_thisnode->zone || reclaim_enough(&sc);
}

static bool pgdat_boosted(const struct pgdat *pgdat, unsigned int highest)
{
	for (unsigned int type = 0; type <= highest; type++)
		if (__atomic_load_n(&pgdat->zones[type].watermark_boost, __ATOMIC_RELAXED))
			return true;
	return false;
}

static void raise_to(int32_t *figure, int32_t value)
{
	int32_t now = __atomic_load_n(figure, __ATOMIC_RELAXED);

	while (now < value && !__atomic_compare_exchange_n(figure, &now, value, true,
							    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static void pgdat_wake(const struct pgdat *pgdat, struct kernel *k, unsigned int order,
		       unsigned int highest)
{
	struct kswapd *kswapd = kswapd_of(k, (unsigned int)pgdat->nid);

	raise_to(&kswapd->order, (int32_t)order);
	raise_to(&kswapd->highest, (int32_t)highest);
	if (__atomic_load_n(&kswapd->wanted, __ATOMIC_RELAXED))
		return;
	if (__atomic_load_n(&kswapd->failures, __ATOMIC_RELAXED) >= MAX_RECLAIM_RETRIES)
		return;
	if (pgdat_balanced(pgdat, order, highest) && !pgdat_boosted(pgdat, highest))
		return;
	if (!__atomic_exchange_n(&kswapd->wanted, 1, __ATOMIC_RELAXED))
		reclaim_count(&kswapd->wakeups, 1);
}

void wakeup_kswapd(const struct zone *zone, unsigned int order, unsigned int highest)
{
	if (zone->managed)
		pgdat_wake(zone->pgdat, zone->kernel, order, highest);
}

void wake_all_kswapds(struct kernel *k, const struct zoneref *zonelist, unsigned int order,
		      unsigned int highest)
{
	const struct pgdat *last = NULL;

	for (const struct zoneref *ref = zonelist; ref->zone; ref++) {
		if (ref->type > highest || ref->zone->pgdat == last)
			continue;
		last = ref->zone->pgdat;
		pgdat_wake(last, k, order, highest);
	}
}

void kswapd_not_hopeless(struct kernel *k, const struct pgdat *pgdat)
{
	__atomic_store_n(&kswapd_of(k, (unsigned int)pgdat->nid)->failures, 0, __ATOMIC_RELAXED);
}

/* --- running ---------------------------------------------------------------------------------- */

static void get_boosts(const struct pgdat *pgdat, unsigned long boosts[KMEM_MAX_NR_ZONES])
{
	for (unsigned int type = 0; type < KMEM_MAX_NR_ZONES; type++)
		boosts[type] = __atomic_load_n(&pgdat->zones[type].watermark_boost, __ATOMIC_RELAXED);
}

static void drop_boosts(struct pgdat *pgdat, const unsigned long boosts[KMEM_MAX_NR_ZONES])
{
	for (unsigned int type = 0; type < KMEM_MAX_NR_ZONES; type++) {
		struct zone *zone = &pgdat->zones[type];
		unsigned long boost;

		if (!boosts[type])
			continue;
		arch_spin_lock(&zone->lock);
		boost = zone->watermark_boost;
		boost -= boost < boosts[type] ? boost : boosts[type];
		__atomic_store_n(&zone->watermark_boost, boost, __ATOMIC_RELAXED);
		zone_update_limits(zone);
		arch_spin_unlock(&zone->lock);
	}
}

static long node_free(const struct pgdat *pgdat)
{
	long free = 0;

	for (unsigned int type = 0; type < KMEM_MAX_NR_ZONES; type++)
		free += zone_nr_free(&pgdat->zones[type]);
	return free;
}

/* Into @sc what the node's kswapd was woken for; the note is taken. */
static void take_order(const struct pgdat *pgdat, struct kswapd *kswapd, struct scan_control *sc)
{
	int32_t highest;

	__atomic_store_n(&kswapd->wanted, 0, __ATOMIC_RELAXED);
	sc->order = (unsigned int)__atomic_exchange_n(&kswapd->order, 0, __ATOMIC_RELAXED);
	highest = __atomic_exchange_n(&kswapd->highest, -1, __ATOMIC_RELAXED);
	sc->highest = highest < 0 ? KMEM_MAX_NR_ZONES - 1 : (unsigned int)highest;
	sc->zonelist = pgdat->zonelist_thisnode;
}

static long balance_pgdat(struct kernel *k, struct pgdat *pgdat)
{
	struct kswapd *kswapd = kswapd_of(k, (unsigned int)pgdat->nid);
	struct scan_control sc = {.k = k, .gfp = GFP_KERNEL, .alloc_flags = WMARK_HIGH};
	unsigned long boosts[KMEM_MAX_NR_ZONES];
	long before = node_free(pgdat), gained;
	bool balanced = true;

	reclaim_count(&kswapd->runs, 1);
	reclaim_count(&k->buddy->reclaim->pageoutrun, 1);
	take_order(pgdat, kswapd, &sc);
	get_boosts(pgdat, boosts);
	if (sc.zonelist->zone) {
		balanced = reclaim_round(&sc);
		if (!balanced && sc.order)
			balanced = pgdat_balanced(pgdat, 0, sc.highest);
	}
	drop_boosts(pgdat, boosts);
	gained = node_free(pgdat) - before;
	if (balanced || gained > 0)
		__atomic_store_n(&kswapd->failures, 0, __ATOMIC_RELAXED);
	else
		__atomic_fetch_add(&kswapd->failures, 1, __ATOMIC_RELAXED);
	return gained > 0 ? gained : 0;
}

long machine_kswapd(int nid)
{
	struct kernel *k = arch_kernel();
	long gained;

	if (!k)
		return -ENODEV;
	if (nid < 0 || (unsigned int)nid >= k->buddy->nr_nodes)
		return -EINVAL;
	if (in_reclaim()) {
		report_bug(k, "machine_kswapd: called from a shrinker");
		return -EDEADLK;
	}
	context_begin_call("machine_kswapd");
	gained = balance_pgdat(k, &k->buddy->nodes[nid]);
	context_end_call();
	return gained;
}

int machine_kswapd_state(int nid, struct kswapd_state *st)
{
	struct kernel *k = arch_kernel();
	const struct kswapd *kswapd;

	if (!k)
		return -ENODEV;
	if (nid < 0 || (unsigned int)nid >= k->buddy->nr_nodes)
		return -EINVAL;
	kswapd = kswapd_of(k, (unsigned int)nid);
	st->wanted = __atomic_load_n(&kswapd->wanted, __ATOMIC_RELAXED);
	st->order = (unsigned int)__atomic_load_n(&kswapd->order, __ATOMIC_RELAXED);
	st->highest_zone = __atomic_load_n(&kswapd->highest, __ATOMIC_RELAXED);
	st->failures = __atomic_load_n(&kswapd->failures, __ATOMIC_RELAXED);
	st->wakeups = __atomic_load_n(&kswapd->wakeups, __ATOMIC_RELAXED);
	st->runs = __atomic_load_n(&kswapd->runs, __ATOMIC_RELAXED);
	return 0;
}
