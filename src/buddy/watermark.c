/* SPDX-License-Identifier: MIT */
/*
 * Watermarks and reserves: how many free pages a zone keeps, and against whom.
 *
 *	free pages
 *	    │  ordinary requests
 *	────┼─ high   kswapd is content
 *	────┼─ low    first attempt of every request; below it kswapd is woken
 *	────┼─ min    last resort of requests that may wait
 *	    │  half of it: __GFP_HIGH; three quarters of what is left: __GFP_HIGH that cannot wait
 *	────┼─ 0      __GFP_MEMALLOC alone
 *
 * Onto each mark come the boost (mobility.c), and lowmem_reserve[h] of a zone for requests that
 * could have used the zones above it up to h: whoever does not need low memory leaves some to
 * those who do.
 *
 * All of it follows from the managed pages: min_free_kbytes is 4 × √(lowmem in KiB), shared out
 * to the zones by size; low and high stand above min by a quarter of that share or a thousandth
 * of the zone; a per-CPU list may hold a zone's low watermark divided by its node's CPUs. A
 * kernel with transparent huge pages raises min_free_kbytes so that whole pageblocks of each type
 * stay free.
 *
 * Written at boot and when one of the figures of sysctl.c is written, under zone->lock; read without it by
 * every request. fast_limit[] is the sum that the fast path compares nr_free with.
 */
#include "buddy/watermark.h"

#include "buddy/pcp.h"

#include <limits.h>

#define MIN_FREE_KBYTES_MIN 128ul
#define MIN_FREE_KBYTES_MAX 262144ul
#define HIGHMEM_MIN_PAGES 32ul		/* SWAP_CLUSTER_MAX */
#define HIGHMEM_MAX_PAGES 128ul
#define THP_MIN_PAGES ((512ul << 20) >> PAGE_SHIFT)
#define KBYTES_PER_PAGE (PAGE_SIZE >> 10)

/* --- checks --------------------------------------------------------------------------------- */

/* Free pages that a request of this kind cannot use. */
static long unusable_free(const struct zone *zone, unsigned int order, unsigned int alloc_flags)
{
	long unusable = (1l << order) - 1;

	if (!(alloc_flags & ALLOC_RESERVES))
		unusable += (long)__atomic_load_n(&zone->nr_reserved_highatomic, __ATOMIC_RELAXED);
	return unusable;
}

static bool watermark_ok(const struct zone *zone, unsigned int order, long mark, unsigned int highest,
			 unsigned int alloc_flags)
{
	long free = zone_nr_free(zone) - unusable_free(zone, order, alloc_flags);
	unsigned int orders = zone_free_orders(zone);

	if (alloc_flags & ALLOC_MIN_RESERVE) {
		mark -= mark / 2;
		if (alloc_flags & ALLOC_NON_BLOCK)
			mark -= mark / 4;
	}
	if (free <= mark + __atomic_load_n(&zone->lowmem_reserve[highest], __ATOMIC_RELAXED))
		return false;
	if (!order)
		return true;
	if (alloc_flags & ALLOC_HIGHATOMIC)
		orders |= __atomic_load_n(&zone->nonempty[MIGRATE_HIGHATOMIC], __ATOMIC_RELAXED);
	return orders >> order;
}

bool zone_watermark_ok(const struct zone *zone, unsigned int order, unsigned int highest,
		       unsigned int alloc_flags)
{
	unsigned int wmark = alloc_flags & ALLOC_WMARK_MASK;
	long mark = (long)__atomic_load_n(&zone->watermark[wmark], __ATOMIC_RELAXED);
	long boost = (long)__atomic_load_n(&zone->watermark_boost, __ATOMIC_RELAXED);

	if (watermark_ok(zone, order, mark + boost, highest, alloc_flags))
		return true;
	/* The boost is there to wake kswapd early, not to fail urgent requests. */
	if (!boost || order || !(alloc_flags & ALLOC_MIN_RESERVE) || wmark != WMARK_MIN)
		return false;
	return watermark_ok(zone, order, mark, highest, alloc_flags);
}

void zone_update_limits(struct zone *zone)
{
	long base = (long)(zone->watermark[WMARK_LOW] + zone->watermark_boost +
			   zone->nr_reserved_highatomic);

	for (unsigned int h = 0; h < KMEM_MAX_NR_ZONES; h++)
		__atomic_store_n(&zone->fast_limit[h], base + zone->lowmem_reserve[h],
				 __ATOMIC_RELAXED);
}

/* --- figures -------------------------------------------------------------------------------- */

static unsigned long isqrt(unsigned long n)
{
	unsigned long root = 0, bit = 1ul << (8 * sizeof(n) - 2);

	while (bit > n)
		bit >>= 2;
	for (; bit; bit >>= 2) {
		if (n >= root + bit) {
			n -= root + bit;
			root += bit << 1;
		}
		root >>= 1;
	}
	return root;
}

static unsigned long clamp(unsigned long n, unsigned long low, unsigned long high)
{
	if (n < low)
		return low;
	return n > high ? high : n;
}

static bool zone_is_lowmem(const struct zone *zone)
{
	return zone->type <= KMEM_ZONE_NORMAL;
}

unsigned long nr_free_buffer_pages(const struct buddy *b)
{
	unsigned long sum = 0;

	for_each_zone(b, zone)
		if (zone_is_lowmem(zone) && zone->managed > zone->watermark[WMARK_HIGH])
			sum += zone->managed - zone->watermark[WMARK_HIGH];
	return sum;
}

static unsigned long lowmem_pages(const struct buddy *b)
{
	unsigned long sum = 0;

	for_each_zone(b, zone)
		if (!zone_is_highmem(zone))
			sum += zone->managed;
	return sum;
}

static void set_mark(struct zone *zone, enum zone_watermark i, unsigned long mark)
{
	__atomic_store_n(&zone->watermark[i], mark, __ATOMIC_RELAXED);
}

static void zone_set_watermarks(struct zone *zone, unsigned long pages_min, unsigned long lowmem)
{
	unsigned long share = (unsigned long)((uint64_t)pages_min * zone->managed / lowmem);
	unsigned long scaled = watermark_scale(zone->managed, zone->kernel->buddy->watermark_scale_factor);
	unsigned long gap = share >> 2 > scaled ? share >> 2 : scaled;
	unsigned long min = share;

	if (zone_is_highmem(zone))
		min = clamp(zone->managed / 1024, HIGHMEM_MIN_PAGES, HIGHMEM_MAX_PAGES);
	arch_spin_lock(&zone->lock);
	set_mark(zone, WMARK_MIN, min);
	set_mark(zone, WMARK_LOW, min + gap);
	set_mark(zone, WMARK_HIGH, min + 2 * gap);
	__atomic_store_n(&zone->watermark_boost, 0, __ATOMIC_RELAXED);
	zone_update_limits(zone);
	arch_spin_unlock(&zone->lock);
}

static void set_watermarks(struct buddy *b)
{
	unsigned long pages_min = b->min_free_kbytes / KBYTES_PER_PAGE;
	unsigned long lowmem = lowmem_pages(b);

	for_each_zone(b, zone)
		zone_set_watermarks(zone, pages_min, lowmem ? lowmem : 1);
}

static void pgdat_set_lowmem_reserve(const struct buddy *b, struct pgdat *pgdat)
{
	for (unsigned int i = 0; i < KMEM_MAX_NR_ZONES; i++) {
		struct zone *zone = &pgdat->zones[i];
		unsigned int ratio = b->lowmem_reserve_ratio[i];
		unsigned long above = 0;

		arch_spin_lock(&zone->lock);
		for (unsigned int h = i + 1; h < KMEM_MAX_NR_ZONES; h++) {
			above += pgdat->zones[h].managed;
			__atomic_store_n(&zone->lowmem_reserve[h],
					 ratio && zone->managed ? (long)(above / ratio) : 0,
					 __ATOMIC_RELAXED);
		}
		zone_update_limits(zone);
		arch_spin_unlock(&zone->lock);
	}
}

void buddy_reserves_changed(struct buddy *b)
{
	for (unsigned int nid = 0; nid < b->nr_nodes; nid++)
		pgdat_set_lowmem_reserve(b, &b->nodes[nid]);
}

/* A quarter of a thousandth of the zone or of 1 MiB, half as much again, and then one less than a
 * power of two: with powers of two refills would keep taking whole blocks apart in the same way. */
static int zone_batch(const struct zone *zone)
{
	unsigned long batch = zone->managed / 1024;

	if (batch > (1ul << 20) / PAGE_SIZE)
		batch = (1ul << 20) / PAGE_SIZE;
	batch /= 4;
	if (batch < 1)
		batch = 1;
	batch += batch / 2;
	batch = (1ul << (8 * sizeof(batch) - 1 - (unsigned int)__builtin_clzl(batch))) - 1;
	return batch ? (int)batch : 1;
}

/* A share of the low watermark, or of the zone if somebody said so, for each of the node's CPUs. */
static int zone_high(const struct zone *zone, int batch)
{
	unsigned int fraction = zone->kernel->buddy->percpu_high_fraction;
	unsigned int cpus = zone->pgdat->nr_cpus;
	uint64_t pages = fraction ? zone->managed / fraction : zone->watermark[WMARK_LOW];

	if (!cpus)
		cpus = zone->kernel->arch->nr_cpus;
	pages /= cpus;
	if (pages > INT_MAX)
		pages = INT_MAX;
	return (int)pages > batch * 4 ? (int)pages : batch * 4;
}

void buddy_pcp_changed(struct buddy *b)
{
	for_each_populated_zone(b, zone) {
		int batch = zone_batch(zone);

		zone_pcp_update(zone, zone_high(zone, batch), batch);
	}
}

void buddy_watermarks_changed(struct buddy *b)
{
	set_watermarks(b);
	buddy_pcp_changed(b);
}

/* Two pageblocks of each zone free, and one for each pair of types that may have to share; at
 * most a twentieth of lowmem. Small machines run without huge pages. */
static void raise_for_thp(struct buddy *b)
{
	unsigned long zones = 0, pages, most;

	if (!b->thp || b->totalram_pages < THP_MIN_PAGES)
		return;
	for_each_zone(b, zone)
		zones += zone_is_lowmem(zone) && zone_populated(zone);
	pages = PAGEBLOCK_NR(b) * zones * (2 + MIGRATE_PCPTYPES * MIGRATE_PCPTYPES);
	most = nr_free_buffer_pages(b) / 20;
	if (pages > most)
		pages = most;
	if (pages * KBYTES_PER_PAGE <= b->min_free_kbytes)
		return;
	b->min_free_kbytes = (unsigned int)(pages * KBYTES_PER_PAGE);
	set_watermarks(b);
}

/* Linux's defaults. */
static void set_defaults(struct buddy *b)
{
	b->watermark_scale_factor = 10;
	b->watermark_boost_factor = 15000;
	b->lowmem_reserve_ratio[KMEM_ZONE_DMA] = 256;
	b->lowmem_reserve_ratio[KMEM_ZONE_DMA32] = 256;
	b->lowmem_reserve_ratio[KMEM_ZONE_NORMAL] = 32;
	b->min_free_kbytes = (unsigned int)clamp(isqrt(nr_free_buffer_pages(b) * KBYTES_PER_PAGE * 16),
						 MIN_FREE_KBYTES_MIN, MIN_FREE_KBYTES_MAX);
}

void buddy_setup_watermarks(struct buddy *b)
{
	set_defaults(b);
	set_watermarks(b);
	raise_for_thp(b);
	buddy_reserves_changed(b);
	buddy_pcp_changed(b);
}
