/* SPDX-License-Identifier: MIT */
/* Events of pages: their fields, as 6.1 prints them. */
#include "buddy/trace.h"

#include "buddy/buddy.h"
#include "buddy/pcp.h"

struct shown {
	unsigned long long page;	/* the struct page's address there */
	unsigned long pfn;
};

/* No page is shown as page 0 at NULL. */
static struct shown shown(struct kernel *k, const struct page *page)
{
	uint64_t pfn;

	if (!page)
		return (struct shown){ 0, 0 };
	pfn = page_pfn(k->buddy, page);
	return (struct shown){ vmemmap_address(pfn), (unsigned long)pfn };
}

noinline void trace_mm_page_alloc_slow(struct kernel *k, const struct page *page, unsigned int order,
				       gfp_t gfp)
{
	struct shown s = shown(k, page);
	char flags[GFP_NAME_MAX];

	buddy_gfp_name(gfp, flags, sizeof(flags));
	trace_write(k, TRACE_MM_PAGE_ALLOC,
		    "page=%016llx pfn=0x%lx order=%u migratetype=%u gfp_flags=%s", s.page, s.pfn, order,
		    gfp_migratetype(k->buddy, gfp), flags);
}

noinline void trace_mm_page_free_slow(struct kernel *k, const struct page *page, unsigned int order)
{
	struct shown s = shown(k, page);

	trace_write(k, TRACE_MM_PAGE_FREE, "page=%016llx pfn=0x%lx order=%u", s.page, s.pfn, order);
}

noinline void trace_mm_page_zone_slow(struct kernel *k, enum trace_event ev, const struct page *page,
				      unsigned int order, unsigned int migratetype)
{
	bool refill = pcp_allowed(k->buddy, order) && migratetype < MIGRATE_PCPTYPES;
	struct shown s = shown(k, page);

	if (ev == TRACE_MM_PAGE_PCPU_DRAIN)
		trace_write(k, ev, "page=%016llx pfn=0x%lx order=%u migratetype=%u", s.page, s.pfn,
			    order, migratetype);
	else
		trace_write(k, ev, "page=%016llx pfn=0x%lx order=%u migratetype=%u percpu_refill=%d",
			    s.page, s.pfn, order, migratetype, refill);
}

noinline void trace_mm_page_alloc_extfrag_slow(struct kernel *k, const struct page *page,
					       unsigned int alloc_order, unsigned int fallback_order,
					       unsigned int alloc_type, unsigned int fallback_type)
{
	const struct buddy *b = k->buddy;
	struct shown s = shown(k, page);

	trace_write(k, TRACE_MM_PAGE_ALLOC_EXTFRAG,
		    "page=%016llx pfn=0x%lx alloc_order=%u fallback_order=%u pageblock_order=%u "
		    "alloc_migratetype=%u fallback_migratetype=%u fragmenting=%d change_ownership=%d",
		    s.page, s.pfn, alloc_order, fallback_order, b->pageblock_order, alloc_type,
		    fallback_type, fallback_order < b->pageblock_order,
		    pageblock_type(b, s.pfn) == alloc_type);
}
