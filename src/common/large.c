/* SPDX-License-Identifier: MIT */
/*
 * Blocks of whole pages: what kmalloc() hands out above its largest class, and SLOB from a page on.
 *
 * A block is a compound block of the page allocator whose head carries PG_LARGE and points at itself
 * through `head`, also when it is a single page, so that a lookup by address ends at the head. The
 * mark is set before the block is handed out and taken off before the page allocator gets it back:
 * only its owner touches it.
 */
#include "common/backend.h"
#include "common/registry.h"
#include "buddy/buddy.h"

void *large_alloc(struct kernel *k, size_t size, gfp_t gfp, int node)
{
	unsigned int order = size_order(size);
	struct page *page = alloc_pages_node(node, slab_fix_gfp(k, gfp) | __GFP_COMP, order);
	void *address;

	if (!page)
		return NULL;
	if (!order)
		page->head = page; /* __GFP_COMP makes a compound page from two pages on */
	page->flags |= PG_LARGE;
	pages_account(k, &k->caches->large_pages, 1L << order);
	address = page_address(page);
	arch_object_alloc(k->arch, address, PAGE_SIZE << order, gfp & __GFP_ZERO);
	return address;
}

void large_free(struct kernel *k, struct page *head)
{
	unsigned int order = head->order;

	arch_object_free(k->arch, page_address(head), PAGE_SIZE << order);
	head->flags &= ~PG_LARGE;
	if (!order)
		head->head = NULL;
	pages_account(k, &k->caches->large_pages, -(1L << order));
	__free_pages(head, order);
}

size_t large_bytes(size_t size)
{
	return PAGE_SIZE << size_order(size);
}

size_t large_size(const struct page *head)
{
	return PAGE_SIZE << head->order;
}
