/* SPDX-License-Identifier: MIT */
/*
 * Texts about fragmentation, as Linux has them in /proc and /sys/kernel/debug/extfrag: free blocks by
 * migrate type and order with the pageblocks of each type (pagetypeinfo), and two indices of each
 * order in thousandths, made from the same counts as buddyinfo:
 *
 *	extfrag   why a request would fail: towards 0 for lack of memory, towards 1 because it is in
 *	          pieces too small; -1, it would not fail.  1 - (1 + free / requested) / blocks
 *	unusable  which part of the free pages is in blocks too small for the order
 */
#include "buddy/buddy.h"

#include "buddy/mobility.h"

/* Linux's limit: it does not hold the zone's lock to count longer lists. */
#define MOST_COUNTED 100000ul

/* Types with a line: all of a kernel without CMA and without a right to isolate of its own, as the
 * measured ones are. */
#define NR_TYPES (MIGRATE_HIGHATOMIC + 1)

/* The free blocks of a zone at one moment. */
struct area_counts {
	unsigned long nr[MAX_ORDER];
	unsigned long blocks, pages;
};

static void count_areas(struct zone *zone, struct area_counts *c)
{
	c->blocks = 0;
	c->pages = 0;
	arch_spin_lock(&zone->lock);
	for (unsigned int o = 0; o < MAX_ORDER; o++) {
		c->nr[o] = zone->free_area[o].nr_free;
		c->blocks += c->nr[o];
		c->pages += c->nr[o] << o;
	}
	arch_spin_unlock(&zone->lock);
}

/* Pages in blocks that serve @order. */
static unsigned long suitable_pages(const struct area_counts *c, unsigned int order)
{
	unsigned long pages = 0;

	for (unsigned int o = order; o < MAX_ORDER; o++)
		pages += c->nr[o] << o;
	return pages;
}

static int extfrag_index(const struct area_counts *c, unsigned int order)
{
	if (!c->blocks)
		return 0;
	if (suitable_pages(c, order))
		return -1000;
	return 1000 - (int)((1000 + ((uint64_t)c->pages * 1000 >> order)) / c->blocks);
}

/* No free pages: none is usable. */
static int unusable_index(const struct area_counts *c, unsigned int order)
{
	if (!c->pages)
		return 1000;
	return (int)((uint64_t)(c->pages - suitable_pages(c, order)) * 1000 / c->pages);
}

int buddy_extfrag_index(struct zone *zone, unsigned int order)
{
	struct area_counts counts;

	if (order >= MAX_ORDER)
		return 0;
	count_areas(zone, &counts);
	return extfrag_index(&counts, order);
}

/* A line a zone, with an index for each order in thousandths: @width digits before the point. */
static void show_index(struct kernel *k, int (*index_of)(const struct area_counts *c, unsigned int order),
		       int width, struct seq_file *m)
{
	for_each_populated_zone(k->buddy, zone) {
		struct area_counts counts;

		count_areas(zone, &counts);
		seq_printf(m, "Node %d, zone %8s ", zone->pgdat->nid, zone->name);
		for (unsigned int order = 0; order < MAX_ORDER; order++) {
			int index = index_of(&counts, order);

			seq_printf(m, "%*d.%03d ", width, index / 1000, index % 1000);
		}
		seq_putc(m, '\n');
	}
}

void buddy_show_extfrag_index(struct kernel *k, struct seq_file *m)
{
	show_index(k, extfrag_index, 2, m);
}

void buddy_show_unusable_index(struct kernel *k, struct seq_file *m)
{
	show_index(k, unusable_index, 1, m);
}

/* --- pagetypeinfo ---------------------------------------------------------------------------- */

/* Blocks on a list; an untouched range stands for many. */
static unsigned long count_list_locked(const struct list_head *list)
{
	const struct page *page;
	unsigned long n = 0;

	list_for_each_entry(page, list, list) {
		n += page_type(page) == PAGE_TYPE_RANGE ? page->private : 1;
		if (n >= MOST_COUNTED)
			return MOST_COUNTED;
	}
	return n;
}

static void show_type_blocks(struct seq_file *m, struct zone *zone, unsigned int type)
{
	seq_printf(m, "Node %4d, zone %8s, type %12s ", zone->pgdat->nid, zone->name,
		   migratetype_name(type));
	for (unsigned int order = 0; order < MAX_ORDER; order++) {
		unsigned long n;

		arch_spin_lock(&zone->lock);
		n = count_list_locked(&zone->free_area[order].free_list[type]);
		arch_spin_unlock(&zone->lock);
		seq_printf(m, "%s%6lu ", n == MOST_COUNTED ? ">" : "", n);
	}
	seq_putc(m, '\n');
}

/* Each pageblock counts by the frame in it that is a multiple of its size from the zone's start. */
static void show_pageblocks(const struct buddy *b, struct seq_file *m, const struct zone *zone)
{
	unsigned long nr[MIGRATE_TYPES] = {0};

	for (uint64_t off = 0; off < zone->spanned; off += PAGEBLOCK_NR(b))
		if (zone_of_pfn(b, zone->start_pfn + off) == zone)
			nr[pageblock_type(b, zone->start_pfn + off)]++;
	seq_printf(m, "Node %d, zone %8s ", zone->pgdat->nid, zone->name);
	for (unsigned int type = 0; type < NR_TYPES; type++)
		seq_printf(m, "%12lu ", nr[type]);
	seq_putc(m, '\n');
}

static void show_node_types(const struct buddy *b, struct seq_file *m, struct pgdat *pgdat)
{
	seq_printf(m, "Page block order: %u\nPages per block:  %lu\n\n", b->pageblock_order,
		   PAGEBLOCK_NR(b));
	seq_printf(m, "%-43s ", "Free pages count per migrate type at order ");
	for (unsigned int order = 0; order < MAX_ORDER; order++)
		seq_printf(m, "%6u ", order);
	seq_putc(m, '\n');
	for (unsigned int z = 0; z < KMEM_MAX_NR_ZONES; z++)
		for (unsigned int type = 0; type < NR_TYPES && zone_populated(&pgdat->zones[z]); type++)
			show_type_blocks(m, &pgdat->zones[z], type);
	seq_printf(m, "\n%-23s", "Number of blocks type ");
	for (unsigned int type = 0; type < NR_TYPES; type++)
		seq_printf(m, "%12s ", migratetype_name(type));
	seq_putc(m, '\n');
	for (unsigned int z = 0; z < KMEM_MAX_NR_ZONES; z++)
		if (zone_populated(&pgdat->zones[z]))
			show_pageblocks(b, m, &pgdat->zones[z]);
}

void buddy_show_pagetypeinfo(struct kernel *k, struct seq_file *m)
{
	struct buddy *b = k->buddy;

	for (unsigned int nid = 0; nid < b->nr_nodes; nid++)
		if (b->nodes[nid].present)
			show_node_types(b, m, &b->nodes[nid]);
}
