/* SPDX-License-Identifier: MIT */
/*
 * Where ZONE_MOVABLE begins: kernelcore= and movablecore=.
 *
 *	node 0   | DMA | DMA32            | Normal ………|  Movable       |
 *	node 1                             | Normal ……………………|  Movable   |
 *	                                     kernelcore     the rest
 *
 * Movable is cut from the highest zone that the machine has (the source), on each node from some frame
 * to the node's end. kernelcore= says how many frames must stay outside it, movablecore= how many
 * should be in it; of both the one counts that leaves the kernel more. What the kernel gets is dealt
 * out evenly to the nodes that have memory, in rounds: a node's low memory (below the source) is the
 * kernel's anyway and counts as given; a node too small for its share gives all it has, and what it
 * lacked is dealt out in the next round among one node less. At the end each border goes up to a
 * multiple of the largest block.
 */
#include "buddy/zone.h"

#include "lib/errno.h"
#include "lib/math.h"
#include "memblock/memblock.h"

struct deal {
	struct buddy *b;
	uint64_t first;		/* lowest frame that may be Movable */
	uint64_t need;		/* frames that the kernel has to get yet */
};

unsigned int buddy_movable_source(const struct buddy *b)
{
	uint64_t end = memblock_end_of_dram(b->kernel) >> PAGE_SHIFT;
	unsigned int type = KMEM_ZONE_HIGHMEM;

	while (type && (b->zone_low[type] >= end || b->zone_low[type] == b->zone_high[type]))
		type--;
	return type;
}

static uint64_t asked_frames(uint64_t bytes, unsigned int percent, uint64_t total)
{
	return percent ? total / 100 * percent + total % 100 * percent / 100 : bytes >> PAGE_SHIFT;
}

/* Frames that the kernel is to get; 0: all, there is no Movable. */
static uint64_t kernel_frames(const struct buddy *b)
{
	const struct kernel_params *params = &b->kernel->params;
	uint64_t total = b->kernel->memblock->memory.total >> PAGE_SHIFT;
	uint64_t core = asked_frames(params->kernelcore, params->kernelcore_percent, total);
	uint64_t movable = asked_frames(params->movablecore, params->movablecore_percent, total);

	if (movable) {
		movable = zone_align_up(movable);
		if (movable > total)
			movable = total;
		if (core < total - movable)
			core = total - movable;
	}
	return core < total ? core : 0;
}

/* Move the border of @pgdat up by @share frames of RAM, as far as there are any. */
static void deal_node(struct deal *d, struct pgdat *pgdat, uint64_t share)
{
	const struct memblock_type *memory = &d->b->kernel->memblock->memory;

	for (unsigned int i = 0; i < memory->cnt; i++) {
		const struct memblock_region *r = &memory->regions[i];
		uint64_t start = r->base >> PAGE_SHIFT, end = (r->base + r->size) >> PAGE_SHIFT;
		uint64_t nr;

		if (start < pgdat->movable_pfn)
			start = pgdat->movable_pfn;
		if (r->nid != pgdat->nid || start >= end)
			continue;
		if (start < d->first) {
			nr = min(end, d->first) - start;
			share -= min(nr, share);
			d->need -= min(nr, d->need);
			start += nr;
		}
		nr = min(end - start, share);
		pgdat->movable_pfn = start + nr;
		share -= nr;
		d->need -= min(nr, d->need);
		if (!share && end > d->first)
			break;
	}
}

static void deal_all(struct deal *d)
{
	struct buddy *b = d->b;
	unsigned int nodes = 0;

	for (unsigned int nid = 0; nid < b->nr_nodes; nid++)
		nodes += b->nodes[nid].present != 0;
	for (; nodes && d->need > nodes; nodes--) {
		uint64_t share = d->need / nodes;

		for (unsigned int nid = 0; nid < b->nr_nodes; nid++) {
			if (!b->nodes[nid].present)
				continue;
			if (d->need < share)
				share = d->need / nodes;
			deal_node(d, &b->nodes[nid], share);
		}
	}
}

int buddy_place_movable(struct buddy *b, struct machine_error *err)
{
	uint64_t need = kernel_frames(b);
	struct deal d = {.b = b, .need = need};

	if (b->kernel->arch->desc->nr_zone_pages)
		return need ? error_set(err, -EINVAL, "zonepages= and kernelcore= or movablecore= "
					 "exclude each other") : 0;
	b->movable_source = buddy_movable_source(b);
	d.first = b->zone_low[b->movable_source];
	if (!need)
		return 0;
	deal_all(&d);
	for (unsigned int nid = 0; nid < b->nr_nodes; nid++) {
		struct pgdat *pgdat = &b->nodes[nid];

		pgdat->movable_pfn = zone_align_up(pgdat->movable_pfn);
		if (pgdat->movable_pfn >= pgdat->start_pfn + pgdat->spanned)
			pgdat->movable_pfn = 0;
	}
	return 0;
}
