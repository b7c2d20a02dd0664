/* SPDX-License-Identifier: MIT */
/*
 * Nodes and zones: who may use which frames.
 *
 *	            0      16M                     4G
 *	64-bit      | DMA  |         DMA32         |      Normal …
 *	            0      16M      880M
 *	x86_32      | DMA  |  Normal  |   HighMem …
 *	node        |---- 0 ----------------|--- 1 --------------…
 *
 * A zone is one box of this grid: the frames of one node between two addresses. It spans from the
 * node's first to its last frame there, holes included; present are the frames of RAM among them;
 * managed those that memblock left free. Zones are numbered the same way on every machine; a
 * machine without DMA32 has an empty one. Movable, if the command line asks for it, takes each node's
 * upper end from the zone that would have it otherwise (movable.c).
 *
 * Everything here is built once at boot and constant from then on: zones from memblock, the tables
 * that turn a request's flags into its highest zone, the zonelists (zonelist.c), the free lists as
 * untouched ranges (free_area.c), and at last the watermarks (watermark.c).
 */
#include "buddy/zone.h"

#include "buddy/buddy.h"
#include "buddy/free_area.h"
#include "buddy/page_owner.h"
#include "lib/errno.h"
#include "lib/fork.h"
#include "lib/kfmt.h"
#include "lib/kva_layout.h"
#include "lib/lock_rank.h"
#include "lib/percpu.h"
#include "memblock/memblock.h"

/* With fewer pageblocks than types (unmovable, movable, reclaimable, highatomic) grouping is off. */
#define MOBILITY_MIN_PAGEBLOCKS 4

static const char *const zone_names[KMEM_MAX_NR_ZONES] = {
	[KMEM_ZONE_DMA] = "DMA",
	[KMEM_ZONE_DMA32] = "DMA32",
	[KMEM_ZONE_NORMAL] = "Normal",
	[KMEM_ZONE_HIGHMEM] = "HighMem",
	[KMEM_ZONE_MOVABLE] = "Movable",
};

const char *zone_type_name(enum kmem_zone_type zone)
{
	return (unsigned int)zone < KMEM_MAX_NR_ZONES ? zone_names[zone] : "?";
}

/* On x86_32 Normal ends with the direct map: the documents of old say 896 MiB, a 6.1 kernel leaves
 * vmalloc two pages and the fixed maps' tables more. */
static void set_borders(struct buddy *b, bool x86_32)
{
	const struct kernel *k = b->kernel;
	struct kva_layout layout = kva_layout(k->arch->desc->mode, k->arch->nr_cpus,
					      k->params.vmalloc_size);
	const uint64_t border64[KMEM_MAX_NR_ZONES] = {
		ZONE_DMA_END, ZONE_DMA32_END, UINT64_MAX, UINT64_MAX, UINT64_MAX,
	};
	const uint64_t border32[KMEM_MAX_NR_ZONES] = {
		ZONE_DMA_END, ZONE_DMA_END, layout.lowmem_end >> PAGE_SHIFT, UINT64_MAX,
		UINT64_MAX,
	};
	const uint64_t *border = x86_32 ? border32 : border64;

	for (unsigned int z = 0; z < KMEM_MAX_NR_ZONES; z++) {
		b->zone_low[z] = z ? border[z - 1] : 0;
		b->zone_high[z] = border[z];
	}
}

/* By the four zone modifiers; combinations that are not here make no sense. */
static void set_gfp_zones(struct buddy *b, bool x86_32)
{
	uint8_t high = x86_32 ? KMEM_ZONE_HIGHMEM : KMEM_ZONE_NORMAL;
	uint8_t dma32 = x86_32 ? KMEM_ZONE_NORMAL : KMEM_ZONE_DMA32;

	for (unsigned int i = 0; i <= GFP_ZONE_MASK; i++)
		b->gfp_zone[i] = GFP_ZONE_BAD;
	b->gfp_zone[0] = KMEM_ZONE_NORMAL;
	b->gfp_zone[__GFP_DMA] = KMEM_ZONE_DMA;
	b->gfp_zone[__GFP_HIGHMEM] = high;
	b->gfp_zone[__GFP_DMA32] = dma32;
	b->gfp_zone[__GFP_MOVABLE] = KMEM_ZONE_NORMAL;
	b->gfp_zone[__GFP_MOVABLE | __GFP_DMA] = KMEM_ZONE_DMA;
	b->gfp_zone[__GFP_MOVABLE | __GFP_HIGHMEM] = KMEM_ZONE_MOVABLE;
	b->gfp_zone[__GFP_MOVABLE | __GFP_DMA32] = dma32;
}

static struct buddy *buddy_create(struct kernel *k)
{
	const struct arch_machine *am = k->arch;
	struct buddy *b = arch_host_alloc(am, sizeof(*b));
	bool x86_32 = am->desc->mode == MACHINE_MODE_32 || am->desc->mode == MACHINE_MODE_PAE;

	if (!b)
		return NULL;
	b->kernel = k;
	b->nr_nodes = am->nr_nodes;
	b->pageblock_order = k->params.pageblock_order;
	b->pageblocks = am->pageblocks;
	b->thp = k->params.thp;
	b->init_gfp = k->params.init_on_alloc ? __GFP_ZERO : 0;
	b->init_on_free = k->params.init_on_free;
	b->slow_free = b->init_on_free || k->params.page_owner;
	b->pcp_off_nr = am->nr_nodes << (PG_NODE_SHIFT - PG_ZONE_SHIFT);
	b->nodes = arch_host_alloc(am, am->nr_nodes * sizeof(*b->nodes));
	for (unsigned int nid = 0; b->nodes && nid < am->nr_nodes; nid++)
		b->nodes[nid].nid = (int)nid;
	b->pcp_off = arch_host_alloc(am, b->pcp_off_nr * sizeof(*b->pcp_off));
	if (b->slow_free)
		b->closed_off = percpu_alloc(k, sizeof(struct per_cpu_pages), ARCH_CACHE_LINE);
	if (!b->nodes || !b->pcp_off || (b->slow_free && !b->closed_off))
		return NULL;
	if (k->params.page_owner) {
		b->page_owner = page_owner_create(k);
		if (!b->page_owner)
			return NULL;
	}
	set_borders(b, x86_32);
	set_gfp_zones(b, x86_32);
	k->buddy = b;
	return b;
}

/* --- zones ---------------------------------------------------------------------------------- */

static uint64_t pfn_clamp(uint64_t pfn, uint64_t low, uint64_t high)
{
	if (pfn < low)
		return low;
	return pfn > high ? high : pfn;
}

static uint64_t region_start_pfn(const struct memblock_region *r)
{
	return (r->base + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

static uint64_t region_end_pfn(const struct memblock_region *r)
{
	return (r->base + r->size) >> PAGE_SHIFT;
}

/* First and last frame of each node. */
static int measure_nodes(struct buddy *b, struct machine_error *err)
{
	const struct memblock_type *memory = &b->kernel->memblock->memory;

	for (unsigned int i = 0; i < memory->cnt; i++) {
		const struct memblock_region *r = &memory->regions[i];
		uint64_t start = region_start_pfn(r), end = region_end_pfn(r);
		struct pgdat *pgdat;

		if (r->nid < 0 || (unsigned int)r->nid >= b->nr_nodes)
			return error_set(err, -EINVAL, "RAM at %#llx is on node %d of %u",
					  (unsigned long long)r->base, r->nid, b->nr_nodes);
		if (start >= end)
			continue;
		pgdat = &b->nodes[r->nid];
		if (!pgdat->spanned)
			pgdat->start_pfn = start;
		pgdat->spanned = end - pgdat->start_pfn;
		pgdat->present += end - start;
	}
	return 0;
}

static uint64_t count_present(struct buddy *b, int nid, uint64_t low, uint64_t high)
{
	const struct memblock_type *memory = &b->kernel->memblock->memory;
	uint64_t n = 0;

	for (unsigned int i = 0; i < memory->cnt; i++) {
		const struct memblock_region *r = &memory->regions[i];

		if (r->nid == nid)
			n += pfn_clamp(region_end_pfn(r), low, high) -
			     pfn_clamp(region_start_pfn(r), low, high);
	}
	return n;
}

static int zone_build(struct buddy *b, struct pgdat *pgdat, unsigned int type)
{
	struct zone *zone = &pgdat->zones[type];
	uint64_t end = pgdat->start_pfn + pgdat->spanned;
	uint64_t low = pfn_clamp(pgdat->start_pfn, b->zone_low[type], b->zone_high[type]);
	uint64_t high = pfn_clamp(end, b->zone_low[type], b->zone_high[type]);
	size_t off;

	zone->kernel = b->kernel;
	zone->pgdat = pgdat;
	zone->type = (enum kmem_zone_type)type;
	zone->name = zone_type_name(zone->type);
	zone->page_flags = PG_INIT | type << PG_ZONE_SHIFT | (uint32_t)pgdat->nid << PG_NODE_SHIFT;
	arch_spin_init(&zone->lock, LOCK_RANK_ZONE);
	zone_init_free_area(zone);
	if (pgdat->movable_pfn && type == b->movable_source && high > pgdat->movable_pfn)
		high = pgdat->movable_pfn;
	if (type == KMEM_ZONE_MOVABLE) {
		low = pgdat->movable_pfn;
		high = low ? end : 0;
	}
	if (low >= high)
		return 0;
	zone->start_pfn = low;
	zone->spanned = high - low;
	zone->present = count_present(b, pgdat->nid, low, high);
	if (!zone->present)
		return 0;
	zone->pcp_off = percpu_alloc(b->kernel, sizeof(struct per_cpu_pages), ARCH_CACHE_LINE);
	off = b->slow_free ? b->closed_off : zone->pcp_off;
	b->pcp_off[page_flags_index(zone->page_flags)] = (uint32_t)off;
	return off && zone->pcp_off ? 0 : -ENOMEM;
}

/* CPU i lies on node i modulo the number of nodes; near to all that are parts of one real node. */
static unsigned int count_cpus(const struct arch_machine *am, unsigned int nid)
{
	unsigned int n = 0;

	for (unsigned int cpu = 0; cpu < am->nr_cpus; cpu++) {
		unsigned int node = cpu % am->nr_nodes;

		n += node == nid || (am->real_node && am->real_node[node] == am->real_node[nid]);
	}
	return n;
}

static int build_nodes(struct buddy *b)
{
	int ret = 0;

	for (unsigned int nid = 0; !ret && nid < b->nr_nodes; nid++) {
		struct pgdat *pgdat = &b->nodes[nid];

		pgdat->nr_cpus = count_cpus(b->kernel->arch, nid);
		for (unsigned int type = 0; !ret && type < KMEM_MAX_NR_ZONES; type++)
			ret = zone_build(b, pgdat, type);
	}
	return ret;
}

/* Zone of a frame of node @pgdat, and in *@end where that ends. */
static struct zone *node_zone(const struct buddy *b, struct pgdat *pgdat, uint64_t pfn, uint64_t *end)
{
	unsigned int type = 0;

	if (pgdat->movable_pfn && pfn >= pgdat->movable_pfn) {
		*end = UINT64_MAX;
		return &pgdat->zones[KMEM_ZONE_MOVABLE];
	}
	while (pfn >= b->zone_high[type])
		type++;
	*end = b->zone_high[type];
	if (pgdat->movable_pfn && *end > pgdat->movable_pfn)
		*end = pgdat->movable_pfn;
	return &pgdat->zones[type];
}

struct zone *zone_of_pfn(const struct buddy *b, uint64_t pfn)
{
	int nid = memblock_nid(b->kernel, pfn << PAGE_SHIFT);
	uint64_t end;

	return nid < 0 ? NULL : node_zone(b, &b->nodes[nid], pfn, &end);
}

/* Give what memblock has left over to the free lists. No other thread is there yet; the lock is
 * taken for those who check that it is. */
static void free_all_memory(struct buddy *b)
{
	struct memblock_region r;
	uint64_t cursor = 0;

	while (memblock_next_free(b->kernel, &cursor, &r)) {
		uint64_t pfn = region_start_pfn(&r), end = region_end_pfn(&r);

		while (pfn < end) {
			uint64_t stop;
			struct zone *zone = node_zone(b, &b->nodes[r.nid], pfn, &stop);

			if (stop > end)
				stop = end;
			arch_spin_lock(&zone->lock);
			zone_free_range_locked(zone, pfn, stop);
			arch_spin_unlock(&zone->lock);
			zone->managed += stop - pfn;
			b->totalram_pages += (unsigned long)(stop - pfn);
			pfn = stop;
		}
	}
}

int buddy_init(struct kernel *k, struct machine_error *err)
{
	struct buddy *b = buddy_create(k);
	int ret;

	if (!b)
		return error_set(err, -ENOMEM, "no host memory for %u nodes", k->arch->nr_nodes);
	if (k->arch->desc->nr_zone_pages) {
		ret = zone_apply_counts(b, err);
		if (ret)
			return ret;
	}
	ret = measure_nodes(b, err);
	if (!ret)
		ret = buddy_place_movable(b, err);
	if (ret)
		return ret;
	b->cpu_off = percpu_alloc(k, sizeof(struct buddy_cpu), ARCH_CACHE_LINE);
	if (!b->cpu_off || build_nodes(b))
		return error_set(err, -ENOMEM, "no room for the page lists of %u nodes in the "
				  "per-CPU area", b->nr_nodes);
	ret = buddy_build_zonelists(b);
	if (ret)
		return error_set(err, ret, "no host memory for the zonelists of %u nodes",
				  b->nr_nodes);
	free_all_memory(b);
	if (!b->totalram_pages)
		return error_set(err, -EINVAL, "all RAM is reserved");
	b->mobility_disabled = b->totalram_pages < PAGEBLOCK_NR(b) * MOBILITY_MIN_PAGEBLOCKS;
	buddy_setup_watermarks(b);
	return 0;
}

unsigned int buddy_nr_nodes(struct kernel *k)
{
	return k->buddy->nr_nodes;
}

struct pgdat *buddy_node(struct kernel *k, int nid)
{
	return &k->buddy->nodes[nid];
}

bool buddy_fork_zones(struct kernel *k, struct fork_walk *w)
{
	for_each_populated_zone(k->buddy, zone)
		if (!fork_spinlock(w, &zone->lock))
			return false;
	return true;
}
