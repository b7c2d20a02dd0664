/* SPDX-License-Identifier: MIT */
/*
 * The arena: a machine with exactly one known piece of free memory.
 *
 * Blocks taken away are forgotten: their pages are of no type, on no list, and count as held in
 * zone->arena_pages, so that they are no leak. Untouched ranges stay untouched. Everything else
 * is the ordinary allocator on little memory; nothing in it knows that there is an arena.
 */
#include "buddy/inspect.h"

#include "buddy/buddy.h"
#include "buddy/pcp.h"
#include "lib/errno.h"
#include "lib/math.h"

#include <limits.h>

#define TOP_ORDER (MAX_ORDER - 1)
#define TOP_PAGES (1ul << TOP_ORDER)

/* How many blocks of the largest order are free at @page. */
static unsigned long top_blocks_at(const struct page *page)
{
	uint16_t tag = page_tag(page);

	if (tag == PAGE_TAG(PAGE_TYPE_RANGE, TOP_ORDER))
		return page->private;
	return tag == PAGE_TAG(PAGE_TYPE_BUDDY, TOP_ORDER);
}

/* First frame of the lowest run of @blocks free blocks in @zone; UINT64_MAX: none. */
static uint64_t find_run(const struct buddy *b, const struct zone *zone, unsigned long blocks)
{
	uint64_t pfn = round_up(zone->start_pfn, TOP_PAGES), start = pfn;

	while (pfn + TOP_PAGES <= zone->start_pfn + zone->spanned) {
		unsigned long here = top_blocks_at(pfn_page(b, pfn));

		pfn += (here ? here : 1) * TOP_PAGES;
		if (!here)
			start = pfn;
		if (pfn - start >= blocks * TOP_PAGES)
			return start;
	}
	return UINT64_MAX;
}

static void zone_forget_free(struct zone *zone)
{
	arch_spin_lock(&zone->lock);
	for (unsigned int order = 0; order < MAX_ORDER; order++) {
		struct free_area *area = &zone->free_area[order];
		struct page *page;

		for (unsigned int type = 0; type < MIGRATE_TYPES; type++)
			list_for_each_entry(page, &area->free_list[type], list)
				page_set_tag(page, PAGE_TYPE_NONE, 0);
	}
	zone_init_free_area(zone);
	zone->arena_pages += (unsigned long)zone->nr_free;
	zone_add_nr_free(zone, -zone->nr_free);
	arch_spin_unlock(&zone->lock);
}

void zone_set_limits(struct zone *zone, unsigned long min, unsigned long low, unsigned long high,
		     long reserve)
{
	const unsigned long marks[NR_WMARK] = {min, low, high};

	arch_spin_lock(&zone->lock);
	for (unsigned int i = 0; i < NR_WMARK; i++)
		__atomic_store_n(&zone->watermark[i], marks[i], __ATOMIC_RELAXED);
	__atomic_store_n(&zone->watermark_boost, 0, __ATOMIC_RELAXED);
	for (unsigned int h = zone->type + 1; h < KMEM_MAX_NR_ZONES; h++)
		__atomic_store_n(&zone->lowmem_reserve[h], reserve, __ATOMIC_RELAXED);
	zone_update_limits(zone);
	arch_spin_unlock(&zone->lock);
}

static void free_run(struct buddy *b, struct zone *zone, uint64_t pfn, unsigned int blocks,
		     unsigned int migratetype)
{
	arch_spin_lock(&zone->lock);
	for (uint64_t at = pfn; at < pfn + blocks * TOP_PAGES; at += PAGEBLOCK_NR(b))
		pageblock_set_type(b, at, migratetype);
	for (unsigned int i = 0; i < blocks; i++) {
		struct page *page = pfn_page(b, pfn + i * TOP_PAGES);

		pages_materialise(zone, page, TOP_PAGES);
		zone_free_block_locked(zone, page, TOP_ORDER, migratetype);
	}
	zone->arena_pages -= blocks * TOP_PAGES;
	arch_spin_unlock(&zone->lock);
}

int buddy_make_arena(struct kernel *k, unsigned int blocks, enum kmem_zone_type type,
		     unsigned int migratetype, struct buddy_arena *out)
{
	struct buddy *b = k->buddy;
	int ret = -EINVAL;

	if (!blocks || migratetype > MIGRATE_HIGHATOMIC)
		return -EINVAL;
	drain_all_pages();
	for_each_populated_zone(b, zone) {
		uint64_t pfn;

		if (zone->type != type || ret == 0)
			continue;
		pfn = find_run(b, zone, blocks);
		ret = pfn == UINT64_MAX ? -ENOMEM : 0;
		*out = (struct buddy_arena){zone, pfn, blocks * TOP_PAGES};
	}
	if (ret)
		return ret;
	for_each_populated_zone(b, zone) {
		zone_forget_free(zone);
		zone_set_limits(zone, 0, 0, 0, 0);
	}
	free_run(b, out->zone, out->base_pfn, blocks, migratetype);
	return 0;
}

void zone_set_pcp_limits(struct zone *zone, int high, int batch)
{
	struct arch_cpu *cpu = arch_cpu_lock();
	struct per_cpu_pages *pcp;

	if (!cpu)
		return;
	pcp = pcp_get(cpu, zone);
	pcp->high = high;
	pcp->batch = batch;
	arch_cpu_unlock(cpu);
}

/* --- text ------------------------------------------------------------------------------------ */

struct pfn_list {
	struct seq_file *m;
	uint64_t base;
	bool first;
};

static void put_pfn(struct pfn_list *l, uint64_t pfn)
{
	seq_printf(l->m, "%s%llu", l->first ? "" : " ", (unsigned long long)(pfn - l->base));
	l->first = false;
}

static void put_list(struct seq_file *m, const struct buddy *b, uint64_t base,
		     const struct list_head *list)
{
	struct pfn_list l = {m, base, true};
	struct page *page;

	seq_putc(m, '[');
	list_for_each_entry(page, list, list) {
		unsigned long n = page_type(page) == PAGE_TYPE_RANGE ? page->private : 1;

		for (unsigned long i = 0; i < n; i++)
			put_pfn(&l, page_pfn(b, page) + i * TOP_PAGES);
	}
	seq_putc(m, ']');
}

static void put_area_locked(struct seq_file *m, const struct buddy *b, const struct zone *zone,
			    unsigned int order, uint64_t base)
{
	static const char letters[MIGRATE_TYPES] = {'U', 'M', 'R', 'H', 'C', 'I'};
	const struct free_area *area = &zone->free_area[order];

	seq_printf(m, "  order%u n=%lu", order, area->nr_free);
	for (unsigned int type = 0; type < MIGRATE_TYPES; type++) {
		if (list_empty(&area->free_list[type]))
			continue;
		seq_printf(m, " %c=", letters[type]);
		put_list(m, b, base, &area->free_list[type]);
	}
	seq_putc(m, '\n');
}

static void put_pcp(struct seq_file *m, const struct buddy *b, const struct zone *zone, uint64_t base)
{
	struct arch_cpu *cpu = arch_cpu_lock();
	const struct per_cpu_pages *pcp;

	if (!cpu)
		return;
	pcp = pcp_get(cpu, zone);
	seq_printf(m, "  pcp count=%d high=%d batch=%d free_factor=%d", pcp->count, pcp->high, pcp->batch,
		   pcp->free_factor);
	for (unsigned int i = 0; i < NR_PCP_LISTS; i++) {
		if (list_empty(&pcp->lists[i]))
			continue;
		seq_printf(m, " list%u=", i);
		put_list(m, b, base, &pcp->lists[i]);
	}
	seq_putc(m, '\n');
	arch_cpu_unlock(cpu);
}

void buddy_show_lists(struct kernel *k, struct zone *zone, uint64_t base_pfn, struct seq_file *m)
{
	const struct buddy *b = k->buddy;

	arch_spin_lock(&zone->lock);
	seq_printf(m, "buddy zone=%s free=%ld\n", zone->name, zone->nr_free);
	for (unsigned int order = 0; order < MAX_ORDER; order++)
		if (zone->free_area[order].nr_free)
			put_area_locked(m, b, zone, order, base_pfn);
	arch_spin_unlock(&zone->lock);
	put_pcp(m, b, zone, base_pfn);
}

/* --- <kmem/inspect.h> ------------------------------------------------------------------------ */

/* Into @out the zone that has pages. 0 or what the public functions return. */
static int find_zone(int nid, enum kmem_zone_type type, struct zone **out)
{
	struct kernel *k = arch_kernel();

	if (!k)
		return -ENODEV;
	if (nid < 0 || (unsigned int)nid >= k->buddy->nr_nodes || (unsigned int)type >= KMEM_MAX_NR_ZONES)
		return -EINVAL;
	*out = &k->buddy->nodes[nid].zones[type];
	return zone_populated(*out) ? 0 : -EINVAL;
}

int kmem_get_zone_stats(int nid, enum kmem_zone_type type, struct kmem_zone_stats *st)
{
	struct pcp_sum sum;
	struct zone *zone;
	int ret = find_zone(nid, type, &zone);

	if (ret)
		return ret;
	zone_pcp_sum(zone, &sum);
	arch_spin_lock(&zone->lock);
	st->free = (unsigned long)zone->nr_free;
	st->pcp = (unsigned long)sum.count;
	st->min = zone->watermark[WMARK_MIN];
	st->low = zone->watermark[WMARK_LOW];
	st->high = zone->watermark[WMARK_HIGH];
	st->boost = zone->watermark_boost;
	st->highatomic = zone->nr_reserved_highatomic;
	arch_spin_unlock(&zone->lock);
	return 0;
}

long kmem_zone_print_lists(int nid, enum kmem_zone_type type, unsigned long base_pfn, char *buf,
			   size_t size)
{
	struct seq_file m;
	struct zone *zone;
	int ret = find_zone(nid, type, &zone);

	if (ret)
		return ret;
	seq_init_buf(&m, buf, size);
	buddy_show_lists(zone->kernel, zone, base_pfn, &m);
	return (long)m.len;
}

int kmem_make_arena(unsigned int blocks, enum kmem_zone_type type, unsigned int migratetype,
		    struct kmem_arena *out)
{
	struct kernel *k = arch_kernel();
	struct buddy_arena arena;
	int ret;

	if (!k)
		return -ENODEV;
	ret = buddy_make_arena(k, blocks, type, migratetype, &arena);
	if (ret)
		return ret;
	out->nid = arena.zone->pgdat->nid;
	out->zone = arena.zone->type;
	out->pageblock_order = k->buddy->pageblock_order;
	out->base_pfn = (unsigned long)arena.base_pfn;
	out->pages = (unsigned long)arena.pages;
	return 0;
}

int kmem_zone_set_pcp(int nid, enum kmem_zone_type type, int high, int batch)
{
	struct zone *zone;
	int ret = find_zone(nid, type, &zone);

	if (ret)
		return ret;
	if (high < 1 || batch < 1)
		return -EINVAL;
	zone_set_pcp_limits(zone, high, batch);
	return 0;
}

int kmem_zone_set_watermarks(int nid, enum kmem_zone_type type, unsigned long min, unsigned long low,
			     unsigned long high, unsigned long reserve)
{
	const unsigned long most = LONG_MAX / 8;	/* sums of them stay longs */
	struct zone *zone;
	int ret = find_zone(nid, type, &zone);

	if (ret)
		return ret;
	if (min > most || low > most || high > most || reserve > most)
		return -EINVAL;
	zone_set_limits(zone, min, low, high, (long)reserve);
	return 0;
}
