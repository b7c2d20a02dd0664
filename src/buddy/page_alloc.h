/* SPDX-License-Identifier: MIT */
/* The way of a request through zones; theory in page_alloc.c. */
#ifndef KMEM_BUDDY_PAGE_ALLOC_H
#define KMEM_BUDDY_PAGE_ALLOC_H

#include "buddy/pcp.h"

/* alloc_pages_node() in full: every check, every zone, the reserves, the failure report. The
 * block is marked as used; __GFP_ZERO and __GFP_COMP are the caller's to see to. */
struct page *alloc_pages_slow(gfp_t gfp, unsigned int order, int nid);

static __always_inline void page_mark_used(const struct arch_machine *am, struct page *page,
					   unsigned int order)
{
	page_unpoison(am, page, order);
	page_set_tag(page, PAGE_TYPE_USED, order);
	page->refcount = 1;
}

/* False, after a WARN unless __GFP_NOWARN: a request that makes no sense. */
bool check_request(struct kernel *k, gfp_t gfp, unsigned int order, int nid);

/* Zeros into a block of the calling thread's machine. */
void page_clear_contents(struct page *page, unsigned int order);

/* Make @page, the first of 2^@order, the head of a compound page. */
void page_make_compound(struct page *page, unsigned int order);

#endif
