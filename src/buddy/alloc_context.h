/* SPDX-License-Identifier: MIT */
/* A request on its way (page_alloc.c), and what becomes of it under pressure (alloc_pressed.c). */
#ifndef KMEM_BUDDY_ALLOC_CONTEXT_H
#define KMEM_BUDDY_ALLOC_CONTEXT_H

#include "buddy/internal.h"

struct alloc_context {
	struct buddy *b;
	const struct zoneref *preferred;	/* where the zonelist begins for this request */
	gfp_t gfp;
	unsigned int order;
	unsigned int highest;			/* highest zone allowed */
	unsigned int migratetype;
};

/* From the first zone that may serve the request by @alloc_flags (ALLOC_*); NULL: none does. */
struct page *get_page_from_freelist(const struct alloc_context *ac, unsigned int alloc_flags);

/* All that is left to do for a request that no zone served above its low watermark: the reserves it
 * may use, reclaim, the out-of-memory chain, the failure report. */
struct page *alloc_pages_pressed(const struct alloc_context *ac);

/* A request fails: counted, and reported unless __GFP_NOWARN. */
void alloc_failed(struct kernel *k, gfp_t gfp, unsigned int order);

#endif
