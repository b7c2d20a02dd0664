/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU page lists: most requests are small, and most blocks are freed by the CPU that took them.
 *
 * Each CPU keeps, for each zone, a list of free blocks for every (order 0 … 3) × (unmovable,
 * movable, reclaimable); on a kernel with huge pages also for order 9. They are reached in a CPU
 * section (arch.h), with no lock and no atomic read-modify-write. Blocks on them are free, have
 * type PCP, and do not count in zone->nr_free.
 *
 *	alloc   pop the head; if the list is empty, refill: `batch` blocks (fewer of higher orders) from
 *	        the zone, ascending
 *	free    push to the head of the list of the pageblock's type; at `high` pages and more, flush:
 *	        blocks go back to the zone from the tails of the lists, in turn, the list just freed to
 *	        first
 *
 * free_factor: each flush with no allocation in between gives back twice as much as the last, for a
 * CPU that only frees should keep little. Every allocation halves it. While it is not 0, freeing a
 * high-order block gives everything back, since these help to merge.
 *
 * A section never covers the zone's lock. A refill leaves the section, takes blocks under the
 * lock to a list of its own, and enters again, perhaps on another CPU by then, to splice them in;
 * a flush takes blocks off within the section and frees them after it. Blocks on the way have
 * type PCP too, so that freeing one again is seen. Seen from one thread the result is as if it
 * all happened at once.
 *
 * Idle CPUs cost nothing: lists are made by the first slow path that comes by (pcp_get).
 */
#include "buddy/pcp.h"

#include "buddy/trace.h"

#include "lib/percpu.h"

struct per_cpu_pages *pcp_get(struct arch_cpu *cpu, const struct zone *zone)
{
	struct per_cpu_pages *pcp = percpu_ptr(cpu, zone->pcp_off);

	if (likely(pcp->lists[0].next))
		return pcp;
	for (unsigned int i = 0; i < NR_PCP_LISTS; i++)
		list_init(&pcp->lists[i]);
	pcp->high = __atomic_load_n(&zone->pcp_high, __ATOMIC_RELAXED);
	pcp->batch = __atomic_load_n(&zone->pcp_batch, __ATOMIC_RELAXED);
	return pcp;
}

/* A CPU that comes to use meanwhile reads the new figures itself. */
void zone_pcp_update(struct zone *zone, int high, int batch)
{
	const struct arch_machine *am = zone->kernel->arch;
	unsigned int id;

	__atomic_store_n(&zone->pcp_high, high, __ATOMIC_RELAXED);
	__atomic_store_n(&zone->pcp_batch, batch, __ATOMIC_RELAXED);
	for (id = arch_cpu_next_used(am, 0); id < am->nr_cpus; id = arch_cpu_next_used(am, id + 1)) {
		struct arch_cpu *cpu = arch_cpu_claim(am, id);
		struct per_cpu_pages *pcp = percpu_ptr(cpu, zone->pcp_off);

		if (pcp->lists[0].next) {
			pcp->high = high;
			pcp->batch = batch;
		}
		arch_cpu_unclaim(cpu);
	}
}

/* The first zone of the node's zonelist that a request of @highest may use, if it is local. */
static struct zone *local_zone(const struct pgdat *pgdat, unsigned int highest)
{
	const struct zoneref *ref = pgdat->zonelist;

	while (ref->zone && ref->type > highest)
		ref++;
	return ref->zone && ref->zone->pgdat == pgdat ? ref->zone : NULL;
}

static noinline void buddy_cpu_init(struct arch_cpu *cpu, struct buddy *b, struct buddy_cpu *bc)
{
	const struct pgdat *pgdat = &b->nodes[cpu->node];

	for (gfp_t gfp = 0; gfp < GFP_CHOICES; gfp++) {
		struct pcp_choice *choice = &bc->choice[gfp];
		unsigned int highest = b->gfp_zone[gfp & GFP_ZONE_MASK];
		struct zone *zone;

		if (highest == GFP_ZONE_BAD || (gfp & GFP_MOBILITY_MASK) == GFP_MOBILITY_MASK)
			continue;
		zone = local_zone(pgdat, highest);
		if (!zone)
			continue;
		choice->pcp = pcp_get(cpu, zone);
		choice->limit = &zone->fast_limit[highest];
		choice->lists = &choice->pcp->lists[gfp_migratetype(b, gfp)];
		if (!b->init_gfp && !b->page_owner)
			choice->zone = zone;
	}
	bc->ready = true;
}

/* Enter the calling CPU's section with its tables made; NULL: no machine. */
static struct arch_cpu *pcp_lock(struct buddy *b)
{
	struct arch_cpu *cpu = arch_cpu_lock();

	if (unlikely(!cpu))
		return NULL;
	if (unlikely(!buddy_cpu(cpu, b)->ready))
		buddy_cpu_init(cpu, b, buddy_cpu(cpu, b));
	return cpu;
}

void pcp_make_tables(struct buddy *b)
{
	struct arch_cpu *cpu = pcp_lock(b);

	if (likely(cpu))
		arch_cpu_unlock(cpu);
}

/* --- between the lists and the zone ---------------------------------------------------------- */

/* How many blocks a refill takes. A batch of 1 is a small zone's, which should keep none in
 * stock. */
static unsigned int pcp_refill_count(int batch, unsigned int order)
{
	if (batch <= 1)
		return (unsigned int)batch;
	return batch >> order > 2 ? (unsigned int)batch >> order : 2;
}

/* Take up to @nr blocks from the zone to the end of @list, in the order in which they come. */
static unsigned int zone_rmqueue_bulk(struct zone *zone, unsigned int order, unsigned int nr,
				      struct list_head *list, unsigned int migratetype,
				      unsigned int alloc_flags)
{
	unsigned int n;

	arch_spin_lock(&zone->lock);
	for (n = 0; n < nr; n++) {
		struct page *page = zone_rmqueue_locked(zone, order, migratetype, alloc_flags);

		if (!page)
			break;
		page_set_tag(page, PAGE_TYPE_PCP, order);
		page->mtype = (uint8_t)migratetype;
		list_add_tail(&page->list, list);
		trace_mm_page_alloc_zone_locked(zone->kernel, page, order, migratetype);
	}
	zone_add_nr_free(zone, -(long)((unsigned long)n << order));
	arch_spin_unlock(&zone->lock);
	return n;
}

/* The type whose list a block goes back to: the one it came with, except while some pageblock of the
 * zone is set apart (contig.c), perhaps since then. */
static unsigned int return_type(const struct buddy *b, const struct zone *zone,
				const struct page *page)
{
	return likely(!zone->nr_isolated) ? page->mtype : pageblock_type(b, page_pfn(b, page));
}

/* Give blocks back to their zones, in the order of the list. */
static void free_page_list(struct buddy *b, struct list_head *list)
{
	struct zone *zone = NULL;
	struct page *page, *next;

	list_for_each_entry_safe(page, next, list, list) {
		struct zone *its = buddy_zone(b, page->flags);

		if (its != zone) {
			if (zone)
				arch_spin_unlock(&zone->lock);
			zone = its;
			arch_spin_lock(&zone->lock);
		}
		trace_mm_page_pcpu_drain(b->kernel, page, page->order, page->mtype);
		zone_free_block_locked(zone, page, page->order, return_type(b, zone, page));
	}
	if (zone)
		arch_spin_unlock(&zone->lock);
}

/* Move at least @count pages (all, if there are fewer) from the tails of the lists to the end of
 * @out, round robin, from list @index on. */
static void pcp_collect(struct per_cpu_pages *pcp, int count, unsigned int index,
			struct list_head *out)
{
	if (count > pcp->count)
		count = pcp->count;
	while (count > 0) {
		struct list_head *list = &pcp->lists[index];

		while (count > 0 && !list_empty(list)) {
			struct page *page = list_last_entry(list, struct page, list);

			list_move_tail(&page->list, out);
			count -= 1 << page->order;
			pcp_count(pcp, -(1 << page->order));
		}
		index = index + 1 < NR_PCP_LISTS ? index + 1 : 0;
	}
}

/* How many pages to flush after a free; 0: none. */
static int pcp_flush_count(struct per_cpu_pages *pcp, unsigned int order)
{
	int batch = pcp->batch, most;
	int64_t count;

	if (order && order <= PAGE_ALLOC_COSTLY_ORDER && pcp->free_factor)
		return pcp->count;
	if (pcp->count < pcp->high)
		return 0;
	if (pcp->high < batch)
		return 1;
	most = pcp->high - batch;
	count = (int64_t)batch << pcp->free_factor;
	if (count >= most)
		return most;
	pcp->free_factor++;
	return (int)count;
}

/* --- alloc and free, the slow ways ----------------------------------------------------------- */

struct page *pcp_alloc(struct zone *zone, unsigned int order, unsigned int migratetype,
		       unsigned int alloc_flags)
{
	struct buddy *b = zone->kernel->buddy;
	struct list_head *list, fresh;
	struct per_cpu_pages *pcp;
	struct page *page = NULL;
	struct arch_cpu *cpu = pcp_lock(b);
	unsigned int nr;

	if (unlikely(!cpu))
		return NULL;
	pcp = pcp_get(cpu, zone);
	pcp->free_factor >>= 1;
	list = &pcp->lists[pcp_index(order, migratetype)];
	nr = pcp_refill_count(pcp->batch, order);
	if (!list_empty(list)) {
		page = pcp_pop(pcp, list, order);
		count_one(&buddy_cpu(cpu, b)->nr_allocs[order]);
	}
	arch_cpu_unlock(cpu);
	if (page)
		return page;

	list_init(&fresh);
	nr = zone_rmqueue_bulk(zone, order, nr, &fresh, migratetype, alloc_flags);
	if (!nr)
		return NULL;
	page = list_first_entry(&fresh, struct page, list);
	list_del(&page->list);
	cpu = pcp_lock(b);
	if (unlikely(!cpu)) {
		free_page_list(b, &fresh);
		return page;
	}
	pcp = pcp_get(cpu, zone);
	list_splice_init(&fresh, &pcp->lists[pcp_index(order, migratetype)]);
	pcp_count(pcp, (int)(nr - 1) << order);
	count_one(&buddy_cpu(cpu, b)->nr_allocs[order]);
	arch_cpu_unlock(cpu);
	return page;
}

void pcp_free(struct zone *zone, struct page *page, unsigned int order, unsigned int migratetype)
{
	struct buddy *b = zone->kernel->buddy;
	struct per_cpu_pages *pcp;
	struct list_head flushed;
	struct arch_cpu *cpu = pcp_lock(b);
	int count;

	list_init(&flushed);
	if (unlikely(!cpu)) {
		page_set_tag(page, PAGE_TYPE_PCP, order);
		page->mtype = (uint8_t)migratetype;
		list_add(&page->list, &flushed);
		free_page_list(b, &flushed);
		return;
	}
	pcp = pcp_get(cpu, zone);
	pcp_push(pcp, page, order, migratetype);
	count_one(&buddy_cpu(cpu, b)->nr_frees[order]);
	count = pcp_flush_count(pcp, order);
	if (count) {
		unsigned int type = migratetype < MIGRATE_PCPTYPES ? migratetype : MIGRATE_MOVABLE;

		pcp_collect(pcp, count, pcp_index(order, type), &flushed);
	}
	arch_cpu_unlock(cpu);
	free_page_list(b, &flushed);
}

/* Move blocks from the list to @pages, as many as there are. */
static unsigned long pcp_pop_bulk(struct arch_cpu *cpu, struct zone *zone, unsigned int migratetype,
				  unsigned long nr, struct page **pages)
{
	struct buddy_cpu *bc = buddy_cpu(cpu, zone->kernel->buddy);
	struct per_cpu_pages *pcp = pcp_get(cpu, zone);
	struct list_head *list = &pcp->lists[pcp_index(0, migratetype)];
	unsigned long i;

	for (i = 0; i < nr && !list_empty(list); i++) {
		pages[i] = pcp_pop(pcp, list, 0);
		count_one(&bc->nr_allocs[0]);
	}
	return i;
}

unsigned long pcp_alloc_bulk(struct zone *zone, unsigned int migratetype, unsigned int alloc_flags,
			     unsigned long nr, struct page **pages)
{
	struct buddy *b = zone->kernel->buddy;
	unsigned int fresh_nr = 0;
	unsigned long done = 0;
	struct list_head fresh;

	list_init(&fresh);
	for (;;) {
		struct arch_cpu *cpu = pcp_lock(b);
		struct per_cpu_pages *pcp;
		unsigned int batch;

		if (unlikely(!cpu))
			break;
		pcp = pcp_get(cpu, zone);
		list_splice_init(&fresh, &pcp->lists[pcp_index(0, migratetype)]);
		pcp_count(pcp, (int)fresh_nr);
		done += pcp_pop_bulk(cpu, zone, migratetype, nr - done, pages + done);
		batch = pcp_refill_count(pcp->batch, 0);
		arch_cpu_unlock(cpu);
		if (done == nr)
			return done;
		fresh_nr = zone_rmqueue_bulk(zone, 0, batch, &fresh, migratetype, alloc_flags);
		if (!fresh_nr)
			return done;
	}
	free_page_list(b, &fresh);
	return done;
}

/* --- drain ----------------------------------------------------------------------------------- */

/* Everything on a CPU's lists of @zone, to the end of @out. */
static void pcp_collect_all(struct arch_cpu *cpu, const struct zone *zone, struct list_head *out)
{
	struct per_cpu_pages *pcp = percpu_ptr(cpu, zone->pcp_off);

	if (pcp->lists[0].next)
		pcp_collect(pcp, pcp->count, 0, out);
}

static void pcp_collect_zones(struct arch_cpu *cpu, const struct buddy *b, struct list_head *out)
{
	for (unsigned int nid = 0; nid < b->nr_nodes; nid++)
		for (unsigned int type = 0; type < KMEM_MAX_NR_ZONES; type++)
			if (zone_populated(&b->nodes[nid].zones[type]))
				pcp_collect_all(cpu, &b->nodes[nid].zones[type], out);
}

void drain_local_pages(void)
{
	struct arch_cpu *cpu = arch_cpu_lock();
	struct list_head drained;
	struct buddy *b;

	if (!cpu)
		return;
	b = cpu->kernel->buddy;
	list_init(&drained);
	pcp_collect_zones(cpu, b, &drained);
	arch_cpu_unlock(cpu);
	free_page_list(b, &drained);
}

void drain_all_pages(void)
{
	struct kernel *k = arch_kernel();
	unsigned int id;

	if (!k)
		return;
	for (id = arch_cpu_next_used(k->arch, 0); id < k->arch->nr_cpus;
	     id = arch_cpu_next_used(k->arch, id + 1)) {
		struct arch_cpu *cpu = arch_cpu_claim(k->arch, id);
		struct list_head drained;

		list_init(&drained);
		pcp_collect_zones(cpu, k->buddy, &drained);
		arch_cpu_unclaim(cpu);
		free_page_list(k->buddy, &drained);
	}
}

/* --- sums over CPUs -------------------------------------------------------------------------- */

void zone_pcp_sum(const struct zone *zone, struct pcp_sum *sum)
{
	const struct arch_machine *am = zone->kernel->arch;
	unsigned int id;

	sum->count = 0;
	for (int i = 0; i < 2; i++)
		sum->slab_pages[i] = __atomic_load_n(&zone->slab_pages[i], __ATOMIC_RELAXED);
	for (id = arch_cpu_next_used(am, 0); id < am->nr_cpus; id = arch_cpu_next_used(am, id + 1)) {
		const struct per_cpu_pages *pcp = percpu_ptr(arch_cpu_by_id(am, id), zone->pcp_off);

		sum->count += __atomic_load_n(&pcp->count, __ATOMIC_RELAXED);
		for (int i = 0; i < 2; i++)
			sum->slab_pages[i] += __atomic_load_n(&pcp->slab_pages[i], __ATOMIC_RELAXED);
	}
}
