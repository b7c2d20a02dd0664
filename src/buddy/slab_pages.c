/* SPDX-License-Identifier: MIT */
/*
 * Blocks for slabs: compound blocks of type SLAB, each of whose pages points at the head, a
 * single page at itself, so that a lookup by address is one load. No reference count: a slab has
 * one owner.
 *
 * Slab pages are counted where they come and go, by kind: on the CPU's lists when it goes fast,
 * else in the zone. Only the sum over both means something (zone_pcp_sum), since a slab may come
 * and go on different CPUs.
 */
#include "buddy/bad_page.h"
#include "buddy/buddy.h"
#include "buddy/page_alloc.h"
#include "buddy/page_free.h"
#include "buddy/trace.h"
#include "lib/string.h"

static __always_inline bool gfp_is_reclaimable(gfp_t gfp)
{
	return gfp & __GFP_RECLAIMABLE;
}

/* A block that is out of the free lists becomes a slab's. */
static __always_inline struct page *slab_prepare(struct page *page, unsigned int order, gfp_t gfp)
{
	page->mtype = gfp_is_reclaimable(gfp);
	page->head = page;
	__builtin_memset(page->overlay, 0, sizeof(page->overlay));
	if (order)
		page_make_compound(page, order);
	page_set_tag(page, PAGE_TYPE_SLAB, order);
	return page;
}

static void zone_count_slab(struct zone *zone, unsigned int kind, long pages)
{
	__atomic_fetch_add(&zone->slab_pages[kind], pages, __ATOMIC_RELAXED);
}

static noinline struct page *alloc_slab_slow(struct kernel *k, gfp_t gfp, unsigned int order, int nid)
{
	struct page *page = alloc_pages_slow(gfp, order, nid);

	trace_mm_page_alloc(k, page, order, gfp);
	if (!page)
		return NULL;
	if (k->buddy->init_gfp & __GFP_ZERO)
		page_clear_contents(page, order);
	slab_prepare(page, order, gfp);
	zone_count_slab(buddy_zone(k->buddy, page->flags), page->mtype, 1l << order);
	return page;
}

struct page *buddy_alloc_slab(struct kernel *k, gfp_t gfp, unsigned int order, int nid)
{
	struct arch_cpu *cpu = arch_cpu_tryenter();
	struct page *page = NULL;

	if (unlikely(!cpu))
		return alloc_slab_slow(k, gfp, order, nid);
	kassert(cpu->kernel == k);
	if (likely(nid == NUMA_NO_NODE || (unsigned int)nid == cpu->node) &&
	    likely(pcp_allowed(k->buddy, order)))
		page = pcp_alloc_section(cpu, k->buddy, gfp, order);
	if (likely(page)) {
		struct buddy_cpu *bc = buddy_cpu(cpu, k->buddy);

		pcp_count_slab(bc->choice[gfp % GFP_CHOICES].pcp, gfp_is_reclaimable(gfp), 1l << order);
	}
	arch_cpu_leave(cpu);
	if (unlikely(!page))
		return alloc_slab_slow(k, gfp, order, nid);
	page_unpoison(k->arch, page, order);
	return slab_prepare(page, order, gfp);
}

static noinline void free_slab_slow(struct kernel *k, struct page *page, unsigned int order)
{
	if (!block_in_use(k, page, order, PAGE_TYPE_SLAB)) {
		bad_block(k, page, order, PAGE_TYPE_SLAB);
		return;
	}
	zone_count_slab(buddy_zone(k->buddy, page->flags), page->mtype, -(1l << order));
	block_free(k->buddy, page, order);
}

void buddy_free_slab(struct kernel *k, struct page *page, unsigned int order)
{
	struct arch_cpu *cpu = arch_cpu_tryenter();
	struct per_cpu_pages *pcp = NULL;
	uint64_t pfn;

	if (unlikely(!cpu)) {
		free_slab_slow(k, page, order);
		return;
	}
	pfn = memmap_index(cpu->memmap, page);
	/* Heads of high-order slabs carry PG_HEAD, which pcp_free_section() refuses. */
	if (likely(pfn < cpu->ram_size >> PAGE_SHIFT) && likely(!order) &&
	    likely(page_tag(page) == PAGE_TAG(PAGE_TYPE_SLAB, 0))) {
		unsigned int kind = page->mtype;

		pcp = pcp_free_section(cpu, k->buddy, pfn, page, 0);
		if (likely(pcp))
			pcp_count_slab(pcp, kind, -1);
	}
	arch_cpu_leave(cpu);
	if (unlikely(!pcp))
		free_slab_slow(k, page, order);
}
