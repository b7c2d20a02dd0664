/* SPDX-License-Identifier: MIT */
/*
 * A request that found every zone below its low watermark.
 *
 *	kswapd is woken			__GFP_KSWAPD_RECLAIM
 *	above the min marks		all; half of min for __GFP_HIGH, three eighths if it cannot wait
 *	without watermarks		__GFP_MEMALLOC, and threads that free memory (PF_MEMALLOC)
 *	rounds of reclaim		those that may wait: one; with __GFP_RETRY_MAYFAIL up to 16
 *	highatomic pageblocks		the last one too, if the request is one to be tried hard for
 *	the out-of-memory chain		__GFP_NOFAIL: as long as it frees something, then the
 *	the last reserves		reserves; if that fails too:
 *	panic, or NULL and a report
 *
 * "May wait" is __GFP_DIRECT_RECLAIM, outside atomic contexts, by a thread that is not in reclaim
 * itself. __GFP_NOMEMALLOC forbids everything below min, whatever else is said.
 *
 * Requests of at most PAGE_ALLOC_COSTLY_ORDER, and those with __GFP_RETRY_MAYFAIL, are tried hard for;
 * __GFP_NORETRY never is. Linux repeats the former without end, killing processes on the way; here
 * they fail after one round, since there is nothing to kill.
 */
#include "buddy/alloc_context.h"

#include "buddy/alloc_report.h"
#include "buddy/buddy.h"
#include "buddy/mobility.h"
#include "buddy/reclaim.h"

#define MAX_OOM_WAITS 1000

static unsigned int gfp_to_alloc_flags(gfp_t gfp, unsigned int order)
{
	unsigned int flags = ALLOC_WMARK_MIN;

	_Static_assert(__GFP_HIGH == (gfp_t)ALLOC_MIN_RESERVE, "same bit");
	_Static_assert(__GFP_KSWAPD_RECLAIM == (gfp_t)ALLOC_KSWAPD, "same bit");
	flags |= gfp & (__GFP_HIGH | __GFP_KSWAPD_RECLAIM);
	if (gfp & (__GFP_DIRECT_RECLAIM | __GFP_NOMEMALLOC))
		return flags;
	flags |= ALLOC_NON_BLOCK;
	if (order && flags & ALLOC_MIN_RESERVE)
		flags |= ALLOC_HIGHATOMIC;
	return flags;
}

static bool ignores_watermarks(gfp_t gfp)
{
	if (gfp & __GFP_NOMEMALLOC)
		return false;
	if (gfp & __GFP_MEMALLOC)
		return true;
	return arch_context()->flags & PF_MEMALLOC && !in_interrupt();
}

static bool may_reclaim(gfp_t gfp)
{
	return gfp & __GFP_DIRECT_RECLAIM && !(arch_context()->flags & PF_MEMALLOC) &&
	       !arch_in_atomic();
}

static bool is_tried_hard_for(const struct alloc_context *ac)
{
	if (ac->gfp & __GFP_NORETRY)
		return false;
	return ac->order <= PAGE_ALLOC_COSTLY_ORDER || ac->gfp & (__GFP_RETRY_MAYFAIL | __GFP_NOFAIL);
}

/* --- reclaim ---------------------------------------------------------------------------------- */

static bool unreserve_highatomic(const struct alloc_context *ac, bool force)
{
	for (const struct zoneref *ref = ac->preferred; ref->zone; ref++)
		if (ref->type <= ac->highest &&
		    zone_unreserve_highatomic(ref->zone, ac->migratetype, force))
			return true;
	return false;
}

static struct page *alloc_pages_round(const struct alloc_context *ac, unsigned int alloc_flags)
{
	struct reclaim *r = ac->b->reclaim;
	const struct scan_control sc = {
		.k = ac->b->kernel, .gfp = current_gfp_context(ac->gfp), .order = ac->order,
		.highest = ac->highest, .alloc_flags = alloc_flags, .zonelist = ac->preferred,
	};
	struct page *page;

	reclaim_count(&r->allocstall[ac->highest], 1);
	reclaim_round(&sc);
	page = get_page_from_freelist(ac, alloc_flags);
	if (!page && unreserve_highatomic(ac, false))
		page = get_page_from_freelist(ac, alloc_flags);
	if (page)
		kswapd_not_hopeless(ac->b->kernel, ac->preferred->zone->pgdat);
	return page;
}

static struct page *alloc_pages_reclaim(const struct alloc_context *ac, unsigned int alloc_flags)
{
	bool again = ac->gfp & __GFP_RETRY_MAYFAIL && !(ac->gfp & __GFP_NORETRY);
	struct page *page = NULL;

	for (int i = 0; !page && i < (again ? MAX_RECLAIM_RETRIES : 1); i++)
		page = alloc_pages_round(ac, alloc_flags);
	if (!is_tried_hard_for(ac))
		return page;
	while (!page && unreserve_highatomic(ac, true))
		page = get_page_from_freelist(ac, alloc_flags);
	return page;
}

/* --- requests that must not fail -------------------------------------------------------------- */

/* Notifiers that keep saying that they freed something, without any of it getting here, are not
 * believed for ever; nor is another thread waited for without end that calls them. */
static struct page *alloc_pages_oom(const struct alloc_context *ac, unsigned int alloc_flags)
{
	int freed = MAX_RECLAIM_RETRIES, busy = MAX_OOM_WAITS;
	struct page *page = NULL;

	while (!page && freed && busy) {
		enum oom_result result = out_of_memory(ac->b->kernel, ac->gfp, ac->order);

		if (result == OOM_NOTHING)
			break;
		freed -= result == OOM_FREED;
		busy -= result == OOM_BUSY;
		page = alloc_pages_reclaim(ac, alloc_flags);
	}
	return page;
}

static noinline struct page *alloc_pages_nofail(const struct alloc_context *ac,
						unsigned int alloc_flags)
{
	struct page *page = NULL;

	if (may_reclaim(ac->gfp))
		page = alloc_pages_oom(ac, alloc_flags);
	if (!page)
		page = get_page_from_freelist(ac, ALLOC_MIN_RESERVE);
	if (!page)
		page = get_page_from_freelist(ac, ALLOC_NO_WATERMARKS);
	if (page)
		return page;
	__atomic_fetch_add(&ac->b->nr_failures, 1, __ATOMIC_RELAXED);
	panic_out_of_memory(ac->b->kernel, ac->gfp, ac->order);
	return NULL;
}

/* --- the whole way ---------------------------------------------------------------------------- */

void alloc_failed(struct kernel *k, gfp_t gfp, unsigned int order)
{
	__atomic_fetch_add(&k->buddy->nr_failures, 1, __ATOMIC_RELAXED);
	if (!(gfp & __GFP_NOWARN))
		warn_alloc(k, gfp, order);
}

noinline struct page *alloc_pages_pressed(const struct alloc_context *ac)
{
	unsigned int alloc_flags = gfp_to_alloc_flags(ac->gfp, ac->order);
	struct kernel *k = ac->b->kernel;
	struct page *page;

	if (alloc_flags & ALLOC_KSWAPD)
		wake_all_kswapds(k, ac->preferred, ac->order, ac->highest);
	page = get_page_from_freelist(ac, alloc_flags);
	if (page)
		return page;
	if (ignores_watermarks(ac->gfp)) {
		alloc_flags = ALLOC_NO_WATERMARKS | (alloc_flags & ALLOC_KSWAPD);
		page = get_page_from_freelist(ac, alloc_flags);
	}
	if (!page && may_reclaim(ac->gfp))
		page = alloc_pages_reclaim(ac, alloc_flags);
	if (!page && ac->gfp & __GFP_NOFAIL) {
		if (ac->gfp & __GFP_DIRECT_RECLAIM)
			return alloc_pages_nofail(ac, alloc_flags);
		report_warn(k, "alloc_pages: __GFP_NOFAIL without __GFP_DIRECT_RECLAIM");
	}
	if (!page)
		alloc_failed(k, ac->gfp, ac->order);
	return page;
}
