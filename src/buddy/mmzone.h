/* SPDX-License-Identifier: MIT */
/*
 * Glossary of the page allocator's structures.
 *
 *   zone        frames of one node that share an addressing property (below 16 MiB, below 4 GiB, …)
 *   free_area   one zone's free blocks of one order, a list for each migrate type
 *   pageblock   2^pageblock_order frames that share a migrate type (arch_machine.pageblocks)
 *   pcp         a CPU's private lists of small free blocks of one zone
 *   pgdat       a node: its zones and its zonelists
 *   zonelist    zones to try, in order, for requests of a node
 *   watermark   free pages below which requests of a kind are refused
 */
#ifndef KMEM_BUDDY_MMZONE_H
#define KMEM_BUDDY_MMZONE_H

#include "buddy/page.h"
#include "lib/list.h"

#include <kmem/mm.h>

enum migratetype {
	MIGRATE_UNMOVABLE,
	MIGRATE_MOVABLE,
	MIGRATE_RECLAIMABLE,
	MIGRATE_PCPTYPES,
	MIGRATE_HIGHATOMIC = MIGRATE_PCPTYPES,
	MIGRATE_CMA,
	MIGRATE_ISOLATE,
	MIGRATE_TYPES
};

/* Orders kept on per-CPU lists: 0 … PAGE_ALLOC_COSTLY_ORDER, and 9 with thp=1. */
#define PAGE_ALLOC_COSTLY_ORDER 3
#define PCP_THP_ORDER 9
#define NR_PCP_LISTS (MIGRATE_PCPTYPES * (PAGE_ALLOC_COSTLY_ORDER + 1 + 1))

enum zone_watermark { WMARK_MIN, WMARK_LOW, WMARK_HIGH, NR_WMARK };

struct free_area {
	struct list_head free_list[MIGRATE_TYPES];
	unsigned long nr_free;		/* blocks, all types; untouched ranges count each block */
};

/*
 * A CPU's lists for one zone; per-CPU data at zone->pcp_off, under the section rules of arch.h.
 * All zero until its first use, so that an idle CPU costs nothing: `high` 0 says so.
 */
struct per_cpu_pages {
	int count;			/* pages on the lists */
	int high;			/* at or above it frees flush */
	int batch;
	short free_factor;		/* frees flush more and more in a row */
	long slab_pages[2];		/* pages that became slabs here minus those that ceased to be;
					   [1] reclaimable */
	struct list_head lists[NR_PCP_LISTS];
};

struct zone {
	/* Constant after boot. */
	struct kernel *kernel;
	struct pgdat *pgdat;
	enum kmem_zone_type type;
	const char *name;		/* as zoneinfo spells it */
	uint64_t start_pfn;
	uint64_t spanned;		/* pages from first to last frame, holes included */
	uint64_t present;		/* pages of RAM */
	uint64_t managed;		/* pages given to the page allocator */
	uint32_t page_flags;		/* flags of a page of this zone: PG_INIT, zone and node */
	size_t pcp_off;

	int pcp_high, pcp_batch;	/* what a pcp starts with; atomics */

	/* Limits. Written under the lock, read without. After a change of any of them
	 * zone_update_limits() brings fast_limit up to date. */
	unsigned long watermark[NR_WMARK];
	unsigned long watermark_boost;
	long lowmem_reserve[KMEM_MAX_NR_ZONES];	/* against requests whose highest zone is the index */
	unsigned long nr_reserved_highatomic;
	long fast_limit[KMEM_MAX_NR_ZONES];	/* low watermark with all of the above: an ordinary
						   request is served while nr_free exceeds it */

	/* Free blocks. All under the lock; nr_free, free_orders and nonempty are read without. */
	struct arch_spinlock lock __attribute__((aligned(ARCH_CACHE_LINE)));
	long nr_free;				/* pages on free_area, all orders */
	uint16_t nonempty[MIGRATE_TYPES];	/* bit o: free_area[o].free_list[type] has a block */
	uint16_t free_orders;			/* those of the types that any request may have */
	arch_u64 nr_allocs[MAX_ORDER];		/* blocks that went to and came from callers past */
	arch_u64 nr_frees[MAX_ORDER];		/* the per-CPU lists */
	struct free_area free_area[MAX_ORDER];
	unsigned long nr_isolated;		/* pageblocks that are set apart (contig.c) */
	unsigned long arena_pages;		/* taken away for good by buddy_make_arena() */

	long slab_pages[2] __attribute__((aligned(ARCH_CACHE_LINE)));	/* atomics: slab pages that
						   no pcp has counted, see per_cpu_pages */
};

struct zoneref {
	struct zone *zone;		/* NULL ends the list */
	unsigned int type;		/* zone->type */
};

struct pgdat {
	struct zone zones[KMEM_MAX_NR_ZONES];
	int nid;
	unsigned int nr_cpus;			/* CPUs of this node */
	struct zoneref *zonelist;		/* own node first, then by distance; high zones first */
	struct zoneref *zonelist_thisnode;	/* __GFP_THISNODE */
	uint64_t start_pfn, spanned, present;
	uint64_t movable_pfn;			/* from here on ZONE_MOVABLE; 0: the node has none */
};

static inline bool zone_populated(const struct zone *zone)
{
	return zone->present != 0;
}

static inline bool zone_spans(const struct zone *zone, uint64_t pfn)
{
	return pfn - zone->start_pfn < zone->spanned;
}

#endif
