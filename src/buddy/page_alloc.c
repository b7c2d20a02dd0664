/* SPDX-License-Identifier: MIT */
/*
 * The way of a request.
 *
 *	alloc_pages          the local zone has enough free pages and this CPU has a block in stock
 *	├ alloc_pages_zone   … or, for orders without such a stock, the zone has
 *	└ alloc_pages_slow   arguments are checked, then
 *	  ├ get_page_from_freelist(low)     every zone of the zonelist, above its low watermark; first
 *	  │                                 without mixing pageblocks, then with
 *	  └ alloc_pages_pressed             the low marks stopped us: alloc_pressed.c
 *
 * In a zone (rmqueue) small blocks come by the CPU's lists (pcp.c), others under the zone's lock.
 */
#include "buddy/page_alloc.h"

#include "buddy/alloc_context.h"
#include "buddy/buddy.h"
#include "buddy/page_owner.h"
#include "buddy/reclaim.h"
#include "buddy/trace.h"
#include "lib/string.h"

/* --- pages on their way out ------------------------------------------------------------------ */

void page_make_compound(struct page *page, unsigned int order)
{
	page->head = page;
	page->flags |= PG_HEAD;
	for (unsigned long i = 1; i < 1ul << order; i++) {
		struct page *tail = page_step(page, i);

		tail->head = page;
		page_set_tag(tail, PAGE_TYPE_TAIL, 0);
	}
}

void page_clear_contents(struct page *page, unsigned int order)
{
	struct arch_cpu *cpu = arch_cpu_current();

	if (order)
		memset(memmap_address(cpu, page), 0, PAGE_SIZE << order);
	else
		__builtin_memset(memmap_address(cpu, page), 0, PAGE_SIZE);
}

static noinline struct page *page_prepare(struct page *page, gfp_t gfp, unsigned int order)
{
	if (order && gfp & __GFP_COMP)
		page_make_compound(page, order);
	if (gfp & __GFP_ZERO)
		page_clear_contents(page, order);
	return page;
}

/* --- one zone -------------------------------------------------------------------------------- */

static struct page *rmqueue_buddy(const struct alloc_context *ac, struct zone *zone,
				  unsigned int alloc_flags)
{
	struct page *page = NULL;

	arch_spin_lock(&zone->lock);
	if (alloc_flags & ALLOC_HIGHATOMIC)
		page = zone_rmqueue_smallest_locked(zone, ac->order, MIGRATE_HIGHATOMIC);
	if (!page)
		page = zone_rmqueue_locked(zone, ac->order, ac->migratetype, alloc_flags);
	/* To fail now is worse than to fail a high-order atomic request later. */
	if (!page && alloc_flags & ALLOC_NON_BLOCK)
		page = zone_rmqueue_smallest_locked(zone, ac->order, MIGRATE_HIGHATOMIC);
	if (page) {
		zone_add_nr_free(zone, -(1l << ac->order));
		zone->nr_allocs[ac->order]++;
		trace_mm_page_alloc_zone_locked(zone->kernel, page, ac->order, ac->migratetype);
	}
	arch_spin_unlock(&zone->lock);
	return page;
}

static struct page *rmqueue(const struct alloc_context *ac, struct zone *zone,
			    unsigned int alloc_flags)
{
	if (pcp_allowed(ac->b, ac->order)) {
		struct page *page = pcp_alloc(zone, ac->order, ac->migratetype, alloc_flags);

		if (page)
			return page;
	}
	return rmqueue_buddy(ac, zone, alloc_flags);
}

static struct page *rmqueue_and_mark(const struct alloc_context *ac, struct zone *zone,
				     unsigned int alloc_flags)
{
	struct page *page = rmqueue(ac, zone, alloc_flags);

	if (!page)
		return NULL;
	page_mark_used(ac->b->kernel->arch, page, ac->order);
	if (alloc_flags & ALLOC_NO_WATERMARKS)
		page->flags |= PG_PFMEMALLOC;
	if (alloc_flags & ALLOC_HIGHATOMIC)
		zone_reserve_highatomic(zone, page);
	if (unlikely(__atomic_load_n(&zone->watermark_boost, __ATOMIC_RELAXED)) &&
	    alloc_flags & ALLOC_KSWAPD)
		wakeup_kswapd(zone, 0, zone->type);
	return page;
}

/* --- all zones ------------------------------------------------------------------------------- */

static bool zone_may_serve(const struct alloc_context *ac, const struct zone *zone,
			   unsigned int alloc_flags)
{
	if (alloc_flags & ALLOC_NO_WATERMARKS)
		return true;
	return zone_watermark_ok(zone, ac->order, ac->highest, alloc_flags);
}

/* One walk. With ALLOC_NOFRAGMENT it stays on the preferred node, for a near page in a mixed
 * pageblock is better than a far one. */
static struct page *walk_zonelist(const struct alloc_context *ac, unsigned int alloc_flags)
{
	const struct pgdat *near = ac->preferred->zone->pgdat;

	for (const struct zoneref *ref = ac->preferred; ref->zone; ref++) {
		struct page *page;

		if (ref->type > ac->highest)
			continue;
		if (alloc_flags & ALLOC_NOFRAGMENT && ref->zone->pgdat != near)
			return NULL;
		if (!zone_may_serve(ac, ref->zone, alloc_flags))
			continue;
		page = rmqueue_and_mark(ac, ref->zone, alloc_flags);
		if (page)
			return page;
	}
	return NULL;
}

struct page *get_page_from_freelist(const struct alloc_context *ac, unsigned int alloc_flags)
{
	struct page *page = walk_zonelist(ac, alloc_flags);

	if (!page && alloc_flags & ALLOC_NOFRAGMENT)
		page = walk_zonelist(ac, alloc_flags & ~ALLOC_NOFRAGMENT);
	return page;
}

/* A request for Normal on a machine that has DMA32 below it would rather go there than mix types. */
static unsigned int alloc_flags_nofragment(const struct alloc_context *ac)
{
	const struct buddy *b = ac->b;
	const struct zone *zone = ac->preferred->zone;

	if (b->gfp_zone[__GFP_DMA32] != KMEM_ZONE_DMA32 || zone->type != KMEM_ZONE_NORMAL)
		return 0;
	if (b->nr_nodes > 1 && !zone_populated(&zone->pgdat->zones[KMEM_ZONE_DMA32]))
		return 0;
	return ALLOC_NOFRAGMENT;
}

/* --- the whole way --------------------------------------------------------------------------- */

bool check_request(struct kernel *k, gfp_t gfp, unsigned int order, int nid)
{
	bool warn = !(gfp & __GFP_NOWARN);

	if (unlikely(order >= MAX_ORDER)) {
		if (warn)
			report_warn_on(k, "alloc_pages: order %u is above the largest, %d", order,
				       MAX_ORDER - 1);
		return false;
	}
	if (unlikely((unsigned int)nid >= k->buddy->nr_nodes)) {
		report_warn(k, "alloc_pages: there is no node %d", nid);
		return false;
	}
	if (unlikely(k->buddy->gfp_zone[gfp & GFP_ZONE_MASK] == GFP_ZONE_BAD)) {
		report_warn(k, "alloc_pages: zone modifiers %#x exclude each other",
			    gfp & GFP_ZONE_MASK);
		return false;
	}
	if (unlikely((gfp & GFP_MOBILITY_MASK) == GFP_MOBILITY_MASK)) {
		report_warn(k, "alloc_pages: __GFP_MOVABLE and __GFP_RECLAIMABLE exclude each other");
		return false;
	}
	return true;
}

/* False: no zone of the node's list may serve the request. */
static bool prepare_context(struct alloc_context *ac, struct buddy *b, gfp_t gfp, unsigned int order,
			    int nid)
{
	const struct pgdat *pgdat = &b->nodes[nid];
	const struct zoneref *ref = gfp & __GFP_THISNODE ? pgdat->zonelist_thisnode : pgdat->zonelist;

	ac->b = b;
	ac->gfp = gfp;
	ac->order = order;
	ac->highest = b->gfp_zone[gfp & GFP_ZONE_MASK];
	ac->migratetype = gfp_migratetype(b, gfp);
	while (ref->zone && ref->type > ac->highest)
		ref++;
	ac->preferred = ref;
	return ref->zone;
}

noinline struct page *alloc_pages_slow(gfp_t gfp, unsigned int order, int nid)
{
	struct arch_cpu *cpu = arch_cpu_current();
	struct alloc_context ac;
	struct kernel *k;
	struct page *page;

	if (!cpu)
		return NULL;
	k = cpu->kernel;
	if (nid == NUMA_NO_NODE)
		nid = (int)cpu->node;
	if (!check_request(k, gfp, order, nid))
		return NULL;
	if (!prepare_context(&ac, k->buddy, gfp, order, nid)) {
		alloc_failed(k, gfp, order);
		return NULL;
	}
	page = get_page_from_freelist(&ac, ALLOC_WMARK_LOW | (gfp & __GFP_KSWAPD_RECLAIM) |
						   alloc_flags_nofragment(&ac));
	if (unlikely(!page))
		page = alloc_pages_pressed(&ac);
	if (unlikely(k->buddy->page_owner) && page)
		page_owner_alloc(k->buddy, page, order, gfp);
	return page;
}

/* An order without per-CPU lists, from the zone that comes first, if that has plenty: what the
 * first step of alloc_pages_slow() would find, with less ado. */
static noinline struct page *alloc_pages_zone(gfp_t gfp, unsigned int order)
{
	struct arch_cpu *cpu = arch_cpu_tryenter();
	const struct pcp_choice *choice;
	const struct buddy *b;
	struct zone *zone;
	struct page *page;
	bool ready, plenty;

	if (unlikely(!cpu))
		return NULL;
	b = cpu->kernel->buddy;
	choice = &buddy_cpu(cpu, b)->choice[gfp % GFP_CHOICES];
	zone = choice->zone;
	ready = zone || buddy_cpu(cpu, b)->ready;
	plenty = zone && zone_above_limit(zone, choice->limit, order);
	arch_cpu_leave(cpu);
	if (unlikely(!plenty)) {
		/* Before its first use a CPU has no choices; the next request finds some. */
		if (!ready)
			pcp_make_tables(cpu->kernel->buddy);
		return NULL;
	}
	arch_spin_lock(&zone->lock);
	page = zone_rmqueue_smallest_locked(zone, order, gfp_migratetype(b, gfp));
	if (page) {
		zone_add_nr_free(zone, -(1l << order));
		zone->nr_allocs[order]++;
	}
	arch_spin_unlock(&zone->lock);
	return page;
}

static noinline struct page *alloc_and_prepare_slow(gfp_t gfp, unsigned int order, int nid)
{
	struct kernel *k = arch_kernel();
	struct page *page;

	if (!k)
		return NULL;
	context_might_alloc(gfp, "page allocation");
	page = alloc_pages_slow(gfp, order, nid);
	if (page)
		page = page_prepare(page, gfp | k->buddy->init_gfp, order);
	trace_mm_page_alloc(k, page, order, gfp);
	return page;
}

static struct page *alloc_pages_high_order(gfp_t gfp, unsigned int order)
{
	struct page *page = order < MAX_ORDER ? alloc_pages_zone(gfp, order) : NULL;

	if (unlikely(!page))
		return alloc_and_prepare_slow(gfp, order, NUMA_NO_NODE);
	page_mark_used(arch_cpu_ptr->machine, page, order);
	return page_prepare(page, gfp, order);
}

struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	struct arch_cpu *cpu = arch_cpu_tryenter();
	struct page *page;

	if (unlikely(!cpu))
		return alloc_and_prepare_slow(gfp, order, NUMA_NO_NODE);
	/* Twice, so that the compiler makes the most of order 0. */
	if (likely(!order)) {
		page = pcp_alloc_section(cpu, cpu->kernel->buddy, gfp, 0);
	} else if (likely(pcp_allowed(cpu->kernel->buddy, order))) {
		page = pcp_alloc_section(cpu, cpu->kernel->buddy, gfp, order);
	} else {
		arch_cpu_leave(cpu);
		return alloc_pages_high_order(gfp, order);
	}
	arch_cpu_leave(cpu);
	if (unlikely(!page))
		return alloc_and_prepare_slow(gfp, order, NUMA_NO_NODE);
	page_mark_used(cpu->machine, page, order);
	if (unlikely(gfp & (__GFP_COMP | __GFP_ZERO)))
		return page_prepare(page, gfp, order);
	return page;
}

struct page *alloc_page(gfp_t gfp)
{
	return alloc_pages(gfp, 0);
}

struct page *alloc_pages_node(int nid, gfp_t gfp, unsigned int order)
{
	struct arch_cpu *cpu = arch_cpu_current();

	if (unlikely(!cpu))
		return NULL;
	if (nid == NUMA_NO_NODE || (unsigned int)nid == cpu->node)
		return alloc_pages(gfp, order);
	return alloc_and_prepare_slow(gfp, order, nid);
}

/* --- bulk ------------------------------------------------------------------------------------ */

/* The first zone of the near node that has @nr pages to spare; NULL: none. */
static struct zone *bulk_zone(const struct alloc_context *ac, unsigned long nr)
{
	const struct pgdat *near = ac->preferred->zone->pgdat;

	for (const struct zoneref *ref = ac->preferred; ref->zone; ref++) {
		struct zone *zone = ref->zone;
		const long *limit = &zone->fast_limit[ac->preferred->type];

		if (ref->type > ac->highest)
			continue;
		if (zone->pgdat != near)
			return NULL;
		if (zone_nr_free(zone) - (long)nr > __atomic_load_n(limit, __ATOMIC_RELAXED))
			return zone;
	}
	return NULL;
}

/* Fill the NULL entries from @zone, run by run; returns how many leading entries are set. */
static unsigned long alloc_bulk_runs(const struct alloc_context *ac, struct zone *zone,
				     unsigned long nr, struct page **pages)
{
	unsigned long done = 0;

	while (done < nr) {
		unsigned long run = 0, got;

		if (pages[done]) {
			done++;
			continue;
		}
		while (done + run < nr && !pages[done + run])
			run++;
		got = pcp_alloc_bulk(zone, ac->migratetype, ALLOC_WMARK_LOW, run, pages + done);
		for (unsigned long i = 0; i < got; i++) {
			page_mark_used(ac->b->kernel->arch, pages[done + i], 0);
			page_prepare(pages[done + i], ac->gfp | ac->b->init_gfp, 0);
			if (unlikely(ac->b->page_owner))
				page_owner_alloc(ac->b, pages[done + i], 0, ac->gfp);
		}
		done += got;
		if (got < run)
			break;
	}
	return done;
}

/* As in Linux a caller may get fewer than it asked for, and asks again: what the zone's stock
 * does not give at once comes one page a call, by the ordinary way. */
unsigned long alloc_pages_bulk_array_node(gfp_t gfp, int nid, unsigned long nr, struct page **pages)
{
	struct arch_cpu *cpu = arch_cpu_current();
	struct zone *zone = NULL;
	struct alloc_context ac;
	unsigned long done = 0, at;

	if (!cpu)
		return 0;
	if (nid == NUMA_NO_NODE)
		nid = (int)cpu->node;
	if (!check_request(cpu->kernel, gfp, 0, nid))
		return 0;
	context_begin_alloc(gfp, "page allocation");
	while (done < nr && pages[done])
		done++;
	if (nr - done > 1 && prepare_context(&ac, cpu->kernel->buddy, gfp, 0, nid))
		zone = bulk_zone(&ac, nr);
	at = done;
	if (zone)
		done += alloc_bulk_runs(&ac, zone, nr - done, pages + done);
	if (done == at && done < nr) {
		pages[done] = alloc_pages_node(nid, gfp, 0);
		done += pages[done] != NULL;
	}
	context_end_call();
	return done;
}

unsigned long alloc_pages_bulk_array(gfp_t gfp, unsigned long nr, struct page **pages)
{
	return alloc_pages_bulk_array_node(gfp, NUMA_NO_NODE, nr, pages);
}
