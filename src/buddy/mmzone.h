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

/* A CPU's lists for one zone; per-CPU data at zone->pcp_off, under the section rules of arch.h. */
struct per_cpu_pages {
	int count;			/* pages on the lists */
	int high;			/* above it frees flush */
	int batch;
	short free_factor;		/* frees flush more and more in a row */
	bool initialised;		/* lists are made on first use: an idle CPU costs nothing */
	struct list_head lists[NR_PCP_LISTS];
};

struct zone {
	struct arch_spinlock lock;	/* free_area, nr_free, pageblock types of the zone */
	struct pgdat *pgdat;
	enum kmem_zone_type type;
	const char *name;		/* as zoneinfo spells it */
	uint64_t start_pfn;
	uint64_t spanned;		/* pages from first to last frame, holes included */
	uint64_t present;		/* pages of RAM */
	uint64_t managed;		/* pages given to the page allocator */
	unsigned long watermark[NR_WMARK];
	unsigned long watermark_boost;
	long lowmem_reserve[KMEM_MAX_NR_ZONES];	/* against requests whose highest zone is the index */
	unsigned long nr_reserved_highatomic;
	size_t pcp_off;
	int pcp_high, pcp_batch;	/* what a pcp starts with */
	long nr_free;			/* pages on free_area, all orders */
	struct free_area free_area[MAX_ORDER];
};

struct zoneref {
	struct zone *zone;		/* NULL ends the list */
	unsigned int type;		/* zone->type */
};

struct pgdat {
	int nid;
	struct zone zones[KMEM_MAX_NR_ZONES];
	struct zoneref *zonelist;		/* own node first, then by distance; high zones first */
	struct zoneref *zonelist_thisnode;	/* __GFP_THISNODE */
	uint64_t start_pfn, spanned, present;
};

#endif
