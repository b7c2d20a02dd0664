/* SPDX-License-Identifier: MIT */
/*
 * The pages behind vmalloc(), and the array that names them.
 *
 * Single pages are taken a hundred at a time, as Linux does, and each hundred is sorted by frame:
 * the page allocator's lists hand neighbours out in any order, and neighbours cost one host mapping
 * together. Large areas of vmalloc_huge() take blocks of a large page each, split into single pages,
 * and what is left when there are no more blocks as single pages.
 *
 * HIGHMEM comes first, where the caller did not ask for a lower zone: vmalloc needs no page that has
 * an address already.
 *
 * On private memory the pages are one block, since nothing else looks contiguous there.
 */
#include "vmalloc/vmalloc.h"

#include "buddy/page.h"
#include "common/registry.h"
#include "lib/report.h"

#define BULK 100

/* --- arrays ----------------------------------------------------------------------------------- */

static size_t array_size(unsigned long nr)
{
	return nr * sizeof(struct page *);
}

/* Large arrays are areas themselves, as in Linux. */
static bool array_is_area(const struct kernel *k, unsigned long nr)
{
	return !k->params.isolate_metadata && array_size(nr) > PAGE_SIZE;
}

struct page **vm_array_alloc(struct vmalloc *v, unsigned long nr, gfp_t gfp, int node,
			     const void *caller)
{
	struct kernel *k = v->kernel;
	struct vm_request r = {
		.size = array_size(nr),
		.align = PAGE_SIZE,
		.gfp = (gfp & ~(__GFP_DMA | __GFP_DMA32)) | __GFP_ZERO,
		.prot = PAGE_KERNEL,
		.node = node,
		.flags = VM_ALLOC,
		.caller = caller,
	};
	struct page **pages;

	if (!array_is_area(k, nr))
		return meta_alloc_gfp(k, array_size(nr), gfp, node);
	pages = vmalloc_request(k, &r);
	if (pages)
		vm_find(v, pages)->internal = true;
	return pages;
}

void vm_array_free(struct vmalloc *v, struct page **pages, unsigned long nr)
{
	struct vmap_vm *vm;

	if (!pages || !nr)
		return;
	if (!array_is_area(v->kernel, nr)) {
		meta_free(v->kernel, pages, array_size(nr));
		return;
	}
	vm = vm_take(v, pages, VM_ALLOC);
	kassert(vm);
	vm_unmake(v, vm);
}

/* --- pages ------------------------------------------------------------------------------------ */

/* By frame: entries of the memmap stand in that order. Mostly they are sorted already. */
static void sort_pages(struct page **pages, unsigned long nr)
{
	for (unsigned long i = 1; i < nr; i++) {
		struct page *page = pages[i];
		unsigned long at = i;

		for (; at && (uintptr_t)pages[at - 1] > (uintptr_t)page; at--)
			pages[at] = pages[at - 1];
		pages[at] = page;
	}
}

static unsigned long take_single_pages(struct page **pages, unsigned long nr, gfp_t gfp, int nid)
{
	unsigned long done = 0;

	while (nid == NUMA_NO_NODE && done < nr) {
		unsigned long want = nr - done < BULK ? nr - done : BULK;
		unsigned long got = alloc_pages_bulk_array(gfp & ~__GFP_NOFAIL, want, pages + done);

		sort_pages(pages + done, got);
		done += got;
		if (got < want)
			break;
	}
	for (; done < nr; done++) {
		pages[done] = alloc_pages_node(nid, gfp, 0);
		if (!pages[done])
			break;
	}
	return done;
}

/* A block of @nr single pages, the first a multiple of @align pages; NULL: there is none. */
static struct page *block_alloc(unsigned long nr, unsigned long align, gfp_t gfp, int nid)
{
	unsigned int order = 0;
	struct page *block;

	while (order < MAX_ORDER && (1ul << order < nr || 1ul << order < align))
		order++;
	block = order < MAX_ORDER ? alloc_pages_node(nid, gfp, order) : NULL;
	if (!block)
		return NULL;
	split_page(block, order);
	for (unsigned long i = nr; i < 1ul << order; i++)
		__free_page(page_step(block, i));
	return block;
}

static unsigned long take_block(struct kernel *k, struct page **pages, unsigned long nr,
				unsigned long align, gfp_t gfp, int nid)
{
	struct page *block = block_alloc(nr, align, gfp, nid);

	if (!block) {
		pr_err(k, "vmalloc: no contiguous block of %lu pages%s, and backing=private has no "
		       "other way to make them look contiguous", nr,
		       align > 1 ? " so aligned" : "");
		return 0;
	}
	for (unsigned long i = 0; i < nr; i++)
		pages[i] = page_step(block, i);
	return nr;
}

/* Blocks of 2^@order pages each, as long as there are some. */
static unsigned long take_large_pages(struct page **pages, unsigned long nr, unsigned int order,
				      gfp_t gfp, int nid)
{
	unsigned long done = 0, each = 1ul << order;

	for (; nr - done >= each; done += each) {
		struct page *block = block_alloc(each, 1, gfp & ~__GFP_NOFAIL, nid);

		if (!block)
			break;
		for (unsigned long i = 0; i < each; i++)
			pages[done + i] = page_step(block, i);
	}
	return done;
}

unsigned long vm_take_pages(struct kernel *k, struct page **pages, unsigned long nr,
			    unsigned int order, unsigned long align, gfp_t gfp, int nid)
{
	unsigned long done = 0;

	gfp |= __GFP_NOWARN;
	if (!alias_possible(k))
		return take_block(k, pages, nr, align >> PAGE_SHIFT, gfp, nid);
	if (!(gfp & (__GFP_DMA | __GFP_DMA32)))
		gfp |= __GFP_HIGHMEM;
	if (order)
		done = take_large_pages(pages, nr, order, gfp, nid);
	return done + take_single_pages(pages + done, nr - done, gfp, nid);
}
