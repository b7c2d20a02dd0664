/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU page lists; theory in pcp.c. The inline functions are the fast paths: they run inside a
 * CPU section, take no lock and give up (NULL, false) whenever anything is unusual.
 */
#ifndef KMEM_BUDDY_PCP_H
#define KMEM_BUDDY_PCP_H

#include "buddy/watermark.h"

/* Whether blocks of @order have per-CPU lists. @order may be any number. */
static __always_inline bool pcp_allowed(const struct buddy *b, unsigned int order)
{
	return order <= PAGE_ALLOC_COSTLY_ORDER || (order == PCP_THP_ORDER && b->thp);
}

/* Index of the list of blocks of @order and @migratetype. */
static __always_inline unsigned int pcp_index(unsigned int order, unsigned int migratetype)
{
	if (order > PAGE_ALLOC_COSTLY_ORDER)
		order = PAGE_ALLOC_COSTLY_ORDER + 1;
	return order * MIGRATE_PCPTYPES + migratetype;
}

/* Change the counters that others read while the owner goes on: by single stores. */
static __always_inline void pcp_count(struct per_cpu_pages *pcp, int pages)
{
	__atomic_store_n(&pcp->count, pcp->count + pages, __ATOMIC_RELAXED);
}

static __always_inline void pcp_count_slab(struct per_cpu_pages *pcp, unsigned int kind, long pages)
{
	__atomic_store_n(&pcp->slab_pages[kind], pcp->slab_pages[kind] + pages, __ATOMIC_RELAXED);
}

/* Take the block at the head of @list, which is not empty. */
static __always_inline struct page *pcp_pop(struct per_cpu_pages *pcp, struct list_head *list,
					    unsigned int order)
{
	struct page *page = list_first_entry(list, struct page, list);

	list_del(&page->list);
	pcp_count(pcp, -(1 << order));
	return page;
}

/* Put a block onto its list. What goes back to no list of its own is lent to movable requests. */
static __always_inline void pcp_push(struct per_cpu_pages *pcp, struct page *page, unsigned int order,
				     unsigned int migratetype)
{
	unsigned int type = migratetype < MIGRATE_PCPTYPES ? migratetype : MIGRATE_MOVABLE;

	page_set_tag(page, PAGE_TYPE_PCP, order);
	page->mtype = (uint8_t)migratetype;
	list_add(&page->list, &pcp->lists[pcp_index(order, type)]);
	pcp_count(pcp, 1 << order);
}

/* A block for an ordinary request of this CPU's node; no longer free, but not marked as used yet. */
static __always_inline struct page *pcp_alloc_section(struct arch_cpu *cpu, const struct buddy *b,
						      gfp_t gfp, unsigned int order)
{
	struct buddy_cpu *bc = buddy_cpu(cpu, b);
	const struct pcp_choice *choice = &bc->choice[gfp % GFP_CHOICES];
	struct per_cpu_pages *pcp = choice->pcp;
	struct list_head *list = choice->lists + pcp_index(order, 0);

	if (unlikely(!choice->zone || !zone_above_limit(choice->zone, choice->limit, order)))
		return NULL;
	if (unlikely(list_empty(list)))
		return NULL;
	pcp->free_factor >>= 1;
	count_one(&bc->nr_allocs[order]);
	return pcp_pop(pcp, list, order);
}

/* Take the block at @pfn back, whose tag the caller has checked, if nothing else about it is
 * unusual and the lists have room. Returns the lists it went to. */
static __always_inline struct per_cpu_pages *pcp_free_section(struct arch_cpu *cpu,
							      const struct buddy *b, uint64_t pfn,
							      struct page *page, unsigned int order)
{
	uint32_t flags = page->flags;
	unsigned int migratetype = pageblock_type(b, pfn);
	uint32_t off = b->pcp_off[page_flags_index(flags)];
	struct per_cpu_pages *pcp = (struct per_cpu_pages *)(void *)((char *)cpu + off);

	if (unlikely((flags & PG_STATE_MASK) != PG_INIT || migratetype >= MIGRATE_PCPTYPES))
		return NULL;
	if (unlikely(pcp->count + (1 << order) >= pcp->high || (order && pcp->free_factor)))
		return NULL;
	page->head = NULL;
	page_poison(cpu->machine, page, order);
	pcp_push(pcp, page, order, migratetype);
	count_one(&buddy_cpu(cpu, b)->nr_frees[order]);
	return pcp;
}

/* Make the tables of the calling thread's CPU, if nobody has yet. In no section. */
void pcp_make_tables(struct buddy *b);

/* A block from the calling CPU's lists of @zone, which are refilled if empty. NULL: the zone has
 * none. Not in a section. */
struct page *pcp_alloc(struct zone *zone, unsigned int order, unsigned int migratetype,
		       unsigned int alloc_flags);

/* A block to the calling CPU's lists, which are flushed if they grow too long. Not in a section. */
void pcp_free(struct zone *zone, struct page *page, unsigned int order, unsigned int migratetype);

/* @nr single pages into @pages, or as many as @zone has; returns how many. They are not marked as
 * used yet. */
unsigned long pcp_alloc_bulk(struct zone *zone, unsigned int migratetype, unsigned int alloc_flags,
			     unsigned long nr, struct page **pages);

/* Make the lists of a CPU that was claimed, or whose section the caller is in, if they are not. */
struct per_cpu_pages *pcp_get(struct arch_cpu *cpu, const struct zone *zone);

/* New limits for the lists of all CPUs of @zone. May sleep. */
void zone_pcp_update(struct zone *zone, int high, int batch);

/* Over all CPUs; exact while no other thread is inside a call. */
struct pcp_sum {
	long count;		/* pages on the lists */
	long slab_pages[2];	/* pages of slabs, [1] reclaimable; those that no CPU has counted too */
};

void zone_pcp_sum(const struct zone *zone, struct pcp_sum *sum);

#endif
