/* SPDX-License-Identifier: MIT */
/*
 * What the files of the page allocator share: the root of its state and small accessors.
 *
 *   buddy       root: nodes, tables that turn flags into zones, global figures
 *   buddy_cpu   what one CPU needs to serve a request without looking further
 */
#ifndef KMEM_BUDDY_INTERNAL_H
#define KMEM_BUDDY_INTERNAL_H

#include "buddy/mmzone.h"
#include "lib/kernel.h"
#include "lib/mutex.h"
#include "lib/report.h"

#include <kmem/gfp.h>

#define PAGEBLOCK_NR(b) (1ul << (b)->pageblock_order)

/* Index bits of a request's zone and mobility: the low five bits of gfp_t. */
#define GFP_ZONE_MASK ((gfp_t)0x0fu)
#define GFP_MOBILITY_MASK (__GFP_MOVABLE | __GFP_RECLAIMABLE)
#define GFP_MOBILITY_SHIFT 3
#define GFP_CHOICES 32

/* Zone of a combination of zone modifiers that make no sense together. */
#define GFP_ZONE_BAD 0x80

struct buddy {
	struct kernel *kernel;
	struct pgdat *nodes;
	unsigned int nr_nodes;
	unsigned int pageblock_order;
	bool thp;			/* blocks of order 9 have per-CPU lists too */
	gfp_t init_gfp;			/* of every request: __GFP_ZERO with init_on_alloc */
	bool init_on_free;
	bool slow_free;			/* a free is more than lists: that, or page_owner */
	struct page_owner *page_owner;	/* page_owner.c; NULL: off */
	bool mobility_disabled;		/* too few pageblocks to keep types apart */
	char *pageblocks;		/* migrate types, see pageblock_type() */
	size_t cpu_off;			/* per-CPU offset of struct buddy_cpu */
	uint32_t *pcp_off;		/* for the fast path, by page_flags_index(): zone->pcp_off;
					   with slow_free closed_off */
	size_t closed_off;		/* lists whose `high` is 0: they take nothing */
	unsigned int pcp_off_nr;
	uint8_t gfp_zone[GFP_ZONE_MASK + 1];	/* highest zone that may serve a request */
	uint64_t zone_low[KMEM_MAX_NR_ZONES];	/* frame numbers, [low, high) */
	uint64_t zone_high[KMEM_MAX_NR_ZONES];
	unsigned int movable_source;	/* type of zone that ZONE_MOVABLE is cut from */
	struct mutex sysctl_mutex;	/* writers of the figures of sysctl.c; read by atomics */
	unsigned int min_free_kbytes;
	unsigned int watermark_scale_factor;	/* of 10000 */
	unsigned int watermark_boost_factor;	/* of 10000 */
	unsigned int lowmem_reserve_ratio[KMEM_MAX_NR_ZONES];
	unsigned int percpu_high_fraction;
	unsigned long totalram_pages;
	arch_u64 nr_failures;		/* atomic */
	struct reclaim *reclaim;	/* buddy/reclaim.h */
};

/* How a CPU serves requests of one zone and mobility: the first zone of its node's zonelist, if
 * that is on the node itself. */
struct pcp_choice {
	struct zone *zone;		/* NULL: not by the fast path; with init_on_alloc
					   and page_owner all are */
	struct per_cpu_pages *pcp;	/* this CPU's, of that zone */
	struct list_head *lists;	/* its list of order 0 and the migrate type */
	const long *limit;		/* zone->fast_limit for the request's highest zone */
};

/* Per-CPU, under the section rules of arch.h. All zero until the first request on the CPU. */
struct buddy_cpu {
	struct pcp_choice choice[GFP_CHOICES];
	bool ready;
	arch_u64 nr_allocs[MAX_ORDER];	/* blocks from and to this CPU's lists; read by others */
	arch_u64 nr_frees[MAX_ORDER];
};

static __always_inline struct buddy_cpu *buddy_cpu(struct arch_cpu *cpu, const struct buddy *b)
{
	return (struct buddy_cpu *)(void *)((char *)cpu + b->cpu_off);
}

static inline struct zone *buddy_zone(const struct buddy *b, uint32_t flags)
{
	return &b->nodes[page_flags_node(flags)].zones[page_flags_zone(flags)];
}

/* Whether this kind of machine has zones of @type at all, if only empty ones. */
static inline bool zone_exists(const struct buddy *b, unsigned int type)
{
	return type == KMEM_ZONE_MOVABLE || b->zone_low[type] < b->zone_high[type];
}

/* Whether it is memory that only requests for high or movable memory may have. */
static inline bool zone_is_highmem(const struct zone *zone)
{
	return zone->type == KMEM_ZONE_HIGHMEM ||
	       (zone->type == KMEM_ZONE_MOVABLE &&
		zone->kernel->buddy->movable_source == KMEM_ZONE_HIGHMEM);
}

/* First frame of the pageblock in which @pfn lies. */
static inline uint64_t pageblock_start(const struct buddy *b, uint64_t pfn)
{
	return pfn & ~(uint64_t)(PAGEBLOCK_NR(b) - 1);
}

#define for_each_zone(b, zone)                                                                 \
	for (unsigned int nid_ = 0; nid_ < (b)->nr_nodes; nid_++)                               \
		for (struct zone *zone = (b)->nodes[nid_].zones;                                \
		     zone < (b)->nodes[nid_].zones + KMEM_MAX_NR_ZONES; zone++)

#define for_each_populated_zone(b, zone)                                                       \
	for_each_zone(b, zone)                                                                  \
		if (zone_populated(zone))

/* A counter that its one writer increments and others may read. */
static __always_inline void count_one(arch_u64 *counter)
{
	__atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
}

/*
 * Migrate type of a pageblock, as a byte that is 0 for MOVABLE: what was never touched is movable.
 * Written under the zone's lock, read without.
 */
static __always_inline unsigned int pageblock_type(const struct buddy *b, uint64_t pfn)
{
	const char *byte = b->pageblocks + (pfn >> b->pageblock_order);

	return (unsigned int)__atomic_load_n(byte, __ATOMIC_RELAXED) ^ MIGRATE_MOVABLE;
}

static inline void pageblock_set_type(const struct buddy *b, uint64_t pfn, unsigned int type)
{
	char *byte = b->pageblocks + (pfn >> b->pageblock_order);

	if (b->mobility_disabled && type < MIGRATE_PCPTYPES)
		type = MIGRATE_UNMOVABLE;
	__atomic_store_n(byte, (char)(type ^ MIGRATE_MOVABLE), __ATOMIC_RELAXED);
}

static __always_inline unsigned int gfp_migratetype(const struct buddy *b, gfp_t gfp)
{
	if (unlikely(b->mobility_disabled))
		return MIGRATE_UNMOVABLE;
	return (gfp & GFP_MOBILITY_MASK) >> GFP_MOBILITY_SHIFT;
}

static inline uint64_t page_pfn(const struct buddy *b, const struct page *page)
{
	return memmap_pfn(b->kernel->arch->memmap, page);
}

static inline struct page *pfn_page(const struct buddy *b, uint64_t pfn)
{
	return memmap_page(b->kernel->arch->memmap, pfn);
}

static inline long zone_nr_free(const struct zone *zone)
{
	return __atomic_load_n(&zone->nr_free, __ATOMIC_RELAXED);
}

/* What texts show as the address of a struct page: where a 4-level kernel without address
 * randomisation has it. */
static inline unsigned long long vmemmap_address(uint64_t pfn)
{
	return 0xffffea0000000000ull + (pfn << PAGE_STRUCT_SHIFT);
}

/* Frame number of the memmap entry at @page; far beyond any frame if @page points between two
 * entries (the odd bits are rotated to the top) or in front of the first. */
static __always_inline uint64_t memmap_index(const char *memmap, const struct page *page)
{
	uint64_t off = (uint64_t)((uintptr_t)page - (uintptr_t)memmap);

	return off >> PAGE_STRUCT_SHIFT | off << (64 - PAGE_STRUCT_SHIFT);
}

/* Whether @page, which may be any pointer, is an entry of the memmap. */
static __always_inline bool memmap_contains(const struct arch_machine *am, const struct page *page)
{
	return memmap_index(am->memmap, page) < am->ram_size >> PAGE_SHIFT;
}

/* --- zone.c --------------------------------------------------------------------------------- */

/* Node and zone of any frame of RAM, touched or not; NULL if it is no RAM. */
struct zone *zone_of_pfn(const struct buddy *b, uint64_t pfn);

/* --- watermark.c ---------------------------------------------------------------------------- */

/* Work out all watermarks, reserves and per-CPU list figures from the zones' managed pages. */
void buddy_setup_watermarks(struct buddy *b);

/* What follows from a figure of sysctl.c that was written. The thread may sleep. */
void buddy_watermarks_changed(struct buddy *b);
void buddy_reserves_changed(struct buddy *b);
void buddy_pcp_changed(struct buddy *b);

/* fast_limit after a change of what it is made of. Under the zone's lock, or at boot. */
void zone_update_limits(struct zone *zone);

#endif
