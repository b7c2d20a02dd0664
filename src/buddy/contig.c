/* SPDX-License-Identifier: MIT */
/*
 * Ranges of frames, of any length, taken as they lie: for who needs more than the largest block, or
 * these frames and no others.
 *
 * Taking them block by block would race with everybody else: while one block is taken the next is
 * handed out. So the pageblocks are set apart first. A pageblock of type ISOLATE serves no request:
 * its free blocks stand in lists of their own that nobody falls back on, and what is freed into it
 * joins them instead of a CPU's lists. Then all CPUs' lists are drained, and what is free in the
 * range now stays free:
 *
 *	start                                   end
 *	  |▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒|
 *	[ M    |  M        |  M        |  M        ]     pageblocks
 *	[ I    |  I        |  I        |  I        ]     isolate, drain
 *	  all frames free: take them; else -EBUSY, and nothing has changed
 *	[ M    |  M        |  M        |  M        ]     each its type again, merged with its neighbours
 *
 * Linux would now move pages in use elsewhere, if they are movable. Here nobody's pages are: a page
 * in use ends the attempt.
 *
 * The type that a pageblock had is kept in its first page (isolated_type). nr_free: pages set apart
 * are not counted from the moment they are; what is freed into the pageblocks after that is. So at
 * the end all those set apart are counted again, and those taken are not.
 *
 * The zone's lock is held for each step, not in between. A block freed by a thread that looked up
 * its type just before it changed may stand in an ordinary list until the last step, which goes by
 * the frames, not by the lists; if it is handed out before that, the range is busy.
 */
#include "buddy/page_alloc.h"
#include "buddy/page_owner.h"
#include "lib/context.h"
#include "lib/errno.h"
#include "lib/math.h"

struct contig_range {
	struct buddy *b;
	struct zone *zone;
	uint64_t start, end;	/* frames [start, end) */
	uint64_t apart;		/* first frame not set apart */
	long pages_apart;	/* free pages that nr_free does not count for that */
	unsigned int migratetype;
};

/* --- one pageblock --------------------------------------------------------------------------- */

/* A free block that reaches over the border of a pageblock becomes one for each. */
static void split_at_pageblocks_locked(const struct contig_range *r, struct page *page)
{
	uint64_t pfn = page_pfn(r->b, page), end = pfn + (1ull << page->order);

	if (page->order <= r->b->pageblock_order)
		return;
	area_take_block_locked(r->zone, page);
	for (; pfn < end; pfn += PAGEBLOCK_NR(r->b))
		area_put_frames_locked(r->zone, pfn, pfn + PAGEBLOCK_NR(r->b),
				       pageblock_type(r->b, pfn));
}

/* The next free block at or behind *@pfn and before @end, all of whose blocks begin there; NULL:
 * none. *@pfn is behind it then. */
static struct page *next_free_locked(const struct contig_range *r, uint64_t *pfn, uint64_t end)
{
	while (*pfn < end) {
		struct page *page = pfn_page(r->b, *pfn);

		if (page_type(page) == PAGE_TYPE_BUDDY &&
		    page_flags_index(page->flags) == page_flags_index(r->zone->page_flags)) {
			*pfn += 1ull << page->order;
			return page;
		}
		++*pfn;
	}
	return NULL;
}

/* Frames of the pageblock at @pfn that the zone spans. */
static uint64_t pageblock_end(const struct contig_range *r, uint64_t pfn)
{
	uint64_t end = pageblock_start(r->b, pfn) + PAGEBLOCK_NR(r->b);
	uint64_t zone_end = r->zone->start_pfn + r->zone->spanned;

	return end < zone_end ? end : zone_end;
}

static uint64_t pageblock_first(const struct contig_range *r, uint64_t pfn)
{
	uint64_t start = pageblock_start(r->b, pfn);

	return start > r->zone->start_pfn ? start : r->zone->start_pfn;
}

/* -EBUSY: somebody else has set the pageblock apart, or it is reserved for atomic requests. */
static int isolate_pageblock_locked(struct contig_range *r, uint64_t pfn)
{
	uint64_t at = pageblock_first(r, pfn), end = pageblock_end(r, pfn);
	unsigned int type = pageblock_type(r->b, pfn);
	struct page *page;

	if (type == MIGRATE_ISOLATE || type == MIGRATE_HIGHATOMIC)
		return -EBUSY;
	/* Whole free pageblocks may be part of a larger block, or of a range never used. */
	page = area_find_block_locked(r->zone, at);
	if (page)
		split_at_pageblocks_locked(r, page);
	pfn_page(r->b, pageblock_start(r->b, pfn))->isolated_type = (uint8_t)type;
	pageblock_set_type(r->b, pfn, MIGRATE_ISOLATE);
	r->zone->nr_isolated++;
	while ((page = next_free_locked(r, &at, end))) {
		area_move_tail_locked(r->zone, page, MIGRATE_ISOLATE);
		zone_add_nr_free(r->zone, -(1l << page->order));
		r->pages_apart += 1l << page->order;
	}
	return 0;
}

/* The pageblock serves requests again, and its free blocks merge with what is beside it. */
static void restore_pageblock_locked(const struct contig_range *r, uint64_t pfn, unsigned int type)
{
	uint64_t at = pageblock_first(r, pfn), end = pageblock_end(r, pfn);
	struct page *page;

	pageblock_set_type(r->b, pfn, type);
	r->zone->nr_isolated--;
	while ((page = next_free_locked(r, &at, end))) {
		unsigned int order = page->order;

		if (order < r->b->pageblock_order) {
			area_move_tail_locked(r->zone, page, type);
			continue;
		}
		area_take_block_locked(r->zone, page);
		zone_free_block_locked(r->zone, page, order, type);
		zone_add_nr_free(r->zone, -(1l << order));
	}
}

/* --- the range ------------------------------------------------------------------------------- */

static int isolate_range(struct contig_range *r)
{
	uint64_t pfn = pageblock_start(r->b, r->start);
	int ret = 0;

	arch_spin_lock(&r->zone->lock);
	while (!ret && pfn < r->end) {
		ret = isolate_pageblock_locked(r, pfn > r->start ? pfn : r->start);
		if (!ret)
			pfn += PAGEBLOCK_NR(r->b);
	}
	r->apart = pfn;
	arch_spin_unlock(&r->zone->lock);
	return ret;
}

/* Give back what was set apart; the pageblocks become what was asked for, or what they were. */
static void restore_range_locked(struct contig_range *r, bool taken)
{
	for (uint64_t pfn = pageblock_start(r->b, r->start); pfn < r->apart; pfn += PAGEBLOCK_NR(r->b))
		restore_pageblock_locked(r, pfn > r->start ? pfn : r->start,
					 taken ? r->migratetype : pfn_page(r->b, pfn)->isolated_type);
	zone_add_nr_free(r->zone, r->pages_apart);
}

static bool range_is_free_locked(const struct contig_range *r)
{
	for (uint64_t pfn = r->start; pfn < r->end;) {
		uint64_t nr = area_free_from_locked(r->zone, pfn);

		if (!nr)
			return false;
		pfn += nr;
	}
	return true;
}

static void take_range_locked(const struct contig_range *r)
{
	for (uint64_t pfn = r->start; pfn < r->end;) {
		struct page *page = area_find_block_locked(r->zone, pfn);
		uint64_t first = page_pfn(r->b, page), end = first + (1ull << page->order);

		area_take_block_locked(r->zone, page);
		area_put_frames_locked(r->zone, first, pfn, MIGRATE_ISOLATE);
		if (end > r->end)
			area_put_frames_locked(r->zone, r->end, end, MIGRATE_ISOLATE);
		pfn = end;
	}
	zone_add_nr_free(r->zone, -(long)(r->end - r->start));
	r->zone->nr_allocs[0] += r->end - r->start;
}

static int take_range(struct contig_range *r)
{
	bool taken;

	arch_spin_lock(&r->zone->lock);
	taken = r->apart >= r->end && range_is_free_locked(r);
	if (taken)
		take_range_locked(r);
	restore_range_locked(r, taken);
	arch_spin_unlock(&r->zone->lock);
	return taken ? 0 : -EBUSY;
}

/* Single pages, each with its own reference. */
static void prepare_range(const struct contig_range *r, gfp_t gfp)
{
	for (uint64_t pfn = r->start; pfn < r->end; pfn++) {
		struct page *page = pfn_page(r->b, pfn);

		page_mark_used(r->b->kernel->arch, page, 0);
		if (gfp & __GFP_ZERO)
			page_clear_contents(page, 0);
		if (r->b->page_owner)
			page_owner_alloc(r->b, page, 0, gfp);
	}
}

static int check_range(struct contig_range *r, gfp_t gfp)
{
	struct kernel *k = r->b->kernel;

	if (gfp & __GFP_COMP) {
		report_warn(k, "alloc_contig_range: no compound pages");
		return -EINVAL;
	}
	if (r->migratetype >= MIGRATE_ISOLATE || r->migratetype == MIGRATE_HIGHATOMIC) {
		report_warn(k, "alloc_contig_range: %u is no migrate type for pages in use",
			    r->migratetype);
		return -EINVAL;
	}
	if (r->start >= r->end || r->end > k->arch->nr_frames)
		return -EINVAL;
	r->zone = zone_of_pfn(r->b, r->start);
	return r->zone && r->zone == zone_of_pfn(r->b, r->end - 1) ? 0 : -EINVAL;
}

static int alloc_range(struct buddy *b, uint64_t start, uint64_t end, unsigned int migratetype,
		       gfp_t gfp)
{
	struct contig_range r = {.b = b, .start = start, .end = end, .migratetype = migratetype};
	int ret = check_range(&r, gfp);

	if (ret)
		return ret;
	ret = isolate_range(&r);
	if (!ret && gfp & __GFP_DIRECT_RECLAIM)
		drain_all_pages();
	else if (!ret)
		drain_local_pages();
	if (take_range(&r))
		return -EBUSY;
	prepare_range(&r, gfp | b->init_gfp);
	return 0;
}

int alloc_contig_range(unsigned long start, unsigned long end, unsigned int migratetype, gfp_t gfp)
{
	struct kernel *k = arch_kernel();
	int ret;

	if (!k)
		return -ENODEV;
	context_begin_alloc(gfp, "alloc_contig_range");
	ret = alloc_range(k->buddy, start, end, migratetype, gfp);
	context_end_call();
	return ret;
}

void free_contig_range(unsigned long pfn, unsigned long nr_pages)
{
	struct kernel *k = arch_kernel();
	unsigned long shared = 0;

	if (!k)
		return;
	if (pfn > k->arch->nr_frames || nr_pages > k->arch->nr_frames - pfn) {
		report_bug(k, "free_contig_range: frames %#lx to %#lx are not all of this machine", pfn,
			   pfn + nr_pages);
		return;
	}
	for (unsigned long i = 0; i < nr_pages; i++) {
		struct page *page = pfn_page(k->buddy, pfn + i);

		shared += page_count(page) > 1;
		__free_page(page);
	}
	if (shared)
		report_warn(k, "%lu pages are still in use!", shared);
}

/* --- a range anywhere ------------------------------------------------------------------------ */

/* The last frame of [pfn, end) that cannot be had, or @end: none such. Pages on a CPU's list can. */
static uint64_t find_busy_locked(struct zone *zone, uint64_t pfn, uint64_t end)
{
	const struct buddy *b = zone->kernel->buddy;
	uint64_t busy = end;

	while (pfn < end) {
		const struct page *page = pfn_page(b, pfn);
		uint64_t nr;

		if (page_type(page) == PAGE_TYPE_PCP)
			nr = 1ull << __atomic_load_n(&page->order, __ATOMIC_RELAXED);
		else
			nr = area_free_from_locked(zone, pfn);
		if (!nr)
			busy = pfn;
		pfn += nr ? nr : 1;
	}
	return busy;
}

static struct page *alloc_range_in_zone(struct zone *zone, uint64_t nr, gfp_t gfp)
{
	struct buddy *b = zone->kernel->buddy;
	uint64_t end = zone->start_pfn + zone->spanned, pfn = roundup(zone->start_pfn, nr);

	while (pfn + nr <= end) {
		uint64_t busy;

		arch_spin_lock(&zone->lock);
		busy = find_busy_locked(zone, pfn, pfn + nr);
		arch_spin_unlock(&zone->lock);
		if (busy == pfn + nr && !alloc_range(b, pfn, pfn + nr, MIGRATE_MOVABLE, gfp))
			return pfn_page(b, pfn);
		pfn = busy == pfn + nr ? busy : roundup(busy + 1, nr);
	}
	return NULL;
}

static bool node_allowed(const unsigned long *nodes, int nid)
{
	const unsigned int bits = 8 * sizeof(*nodes);

	return !nodes || nodes[(unsigned int)nid / bits] >> (unsigned int)nid % bits & 1;
}

static struct page *alloc_range_anywhere(struct buddy *b, unsigned long nr, gfp_t gfp, int nid,
					 const unsigned long *nodes)
{
	const struct pgdat *pgdat = &b->nodes[nid];
	const struct zoneref *ref = gfp & __GFP_THISNODE ? pgdat->zonelist_thisnode : pgdat->zonelist;
	unsigned int highest = b->gfp_zone[gfp & GFP_ZONE_MASK];

	for (; ref->zone; ref++) {
		struct page *page;

		if (ref->type > highest || !node_allowed(nodes, ref->zone->pgdat->nid))
			continue;
		page = alloc_range_in_zone(ref->zone, nr, gfp);
		if (page)
			return page;
	}
	return NULL;
}

struct page *alloc_contig_pages(unsigned long nr_pages, gfp_t gfp, int nid, const unsigned long *nodes)
{
	struct arch_cpu *cpu = arch_cpu_current();
	struct page *page;

	if (!cpu)
		return NULL;
	if (nid == NUMA_NO_NODE)
		nid = (int)cpu->node;
	if (!check_request(cpu->kernel, gfp, 0, nid))
		return NULL;
	if (!nr_pages || nr_pages > cpu->kernel->arch->nr_frames)
		return NULL;
	context_begin_alloc(gfp, "alloc_contig_pages");
	page = alloc_range_anywhere(cpu->kernel->buddy, nr_pages, gfp, nid, nodes);
	context_end_call();
	return page;
}
