/* SPDX-License-Identifier: MIT */
/* Events of pages, said in slow paths; zone locks may be held. */
#ifndef KMEM_BUDDY_TRACE_H
#define KMEM_BUDDY_TRACE_H

#include "buddy/internal.h"
#include "lib/trace.h"

void trace_mm_page_alloc_slow(struct kernel *k, const struct page *page, unsigned int order, gfp_t gfp);
void trace_mm_page_free_slow(struct kernel *k, const struct page *page, unsigned int order);
void trace_mm_page_zone_slow(struct kernel *k, enum trace_event ev, const struct page *page,
			     unsigned int order, unsigned int migratetype);
void trace_mm_page_alloc_extfrag_slow(struct kernel *k, const struct page *page,
				      unsigned int alloc_order, unsigned int fallback_order,
				      unsigned int alloc_type, unsigned int fallback_type);

/* A request was answered with @page, or with NULL. */
static inline void trace_mm_page_alloc(struct kernel *k, const struct page *page, unsigned int order,
				       gfp_t gfp)
{
	if (trace_is_on(k, TRACE_MM_PAGE_ALLOC))
		trace_mm_page_alloc_slow(k, page, order, gfp);
}

static inline void trace_mm_page_free(struct kernel *k, const struct page *page, unsigned int order)
{
	if (trace_is_on(k, TRACE_MM_PAGE_FREE))
		trace_mm_page_free_slow(k, page, order);
}

/* A block left its zone's free lists, for a request or for a CPU's lists. */
static inline void trace_mm_page_alloc_zone_locked(struct kernel *k, const struct page *page,
						   unsigned int order, unsigned int migratetype)
{
	if (trace_is_on(k, TRACE_MM_PAGE_ALLOC_ZONE_LOCKED))
		trace_mm_page_zone_slow(k, TRACE_MM_PAGE_ALLOC_ZONE_LOCKED, page, order,
					migratetype);
}

/* A block goes from a CPU's lists back to its zone. */
static inline void trace_mm_page_pcpu_drain(struct kernel *k, const struct page *page,
					    unsigned int order, unsigned int migratetype)
{
	if (trace_is_on(k, TRACE_MM_PAGE_PCPU_DRAIN))
		trace_mm_page_zone_slow(k, TRACE_MM_PAGE_PCPU_DRAIN, page, order, migratetype);
}

/* A request for @alloc_type was helped out with a block of @fallback_type. */
static inline void trace_mm_page_alloc_extfrag(struct kernel *k, const struct page *page,
					       unsigned int alloc_order, unsigned int fallback_order,
					       unsigned int alloc_type, unsigned int fallback_type)
{
	if (trace_is_on(k, TRACE_MM_PAGE_ALLOC_EXTFRAG))
		trace_mm_page_alloc_extfrag_slow(k, page, alloc_order, fallback_order, alloc_type,
						 fallback_type);
}

#endif
