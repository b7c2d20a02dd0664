/* SPDX-License-Identifier: MIT */
/*
 * Giving the host back what stands behind large free blocks (Linux's free page reporting does the same
 * for a virtual machine).
 *
 * A simulated page costs the host memory from the first time it is touched, and goes on to when it is
 * free again. machine_trim() looks at all blocks of at least a pageblock on the free lists and lets
 * the host forget their contents; they cost nothing then until somebody touches them. Untouched
 * ranges never cost anything.
 *
 * It is done when a program asks for it, never by itself, so that nobody else pays for it: a block does
 * not remember whether it was given back, and asking twice tells the host twice. Lists, counters and
 * struct pages stay as they are, so nothing that the allocator does later depends on it.
 *
 * The walk goes by frames, not by lists, one block at a time under the zone's lock: a block is
 * free while the lock is held, and others get their turn between two blocks. Only the struct pages at
 * the borders of pageblocks are looked at.
 */
#include "buddy/buddy.h"

#include "buddy/free_area.h"
#include "lib/math.h"
#include "memblock/memblock.h"

/* Give back the free block that begins at @pfn, if one does. Returns the frame to go on with. */
static uint64_t trim_at(struct zone *zone, uint64_t pfn, unsigned long *trimmed)
{
	const struct buddy *b = zone->kernel->buddy;
	uint64_t nr = PAGEBLOCK_NR(b);
	const struct page *page = pfn_page(b, pfn);

	arch_spin_lock(&zone->lock);
	if (page_type(page) == PAGE_TYPE_RANGE) {
		nr = (uint64_t)page->private << (MAX_ORDER - 1);
	} else if (page_type(page) == PAGE_TYPE_BUDDY && page->order >= b->pageblock_order) {
		nr = 1ull << page->order;
		arch_ram_discard(b->kernel->arch, pfn, nr);
		*trimmed += (unsigned long)nr;
	}
	arch_spin_unlock(&zone->lock);
	return pfn + nr;
}

static unsigned long trim_range(struct zone *zone, uint64_t pfn, uint64_t end)
{
	uint64_t step = PAGEBLOCK_NR(zone->kernel->buddy);
	unsigned long trimmed = 0;

	pfn = round_up(pfn, step);
	while (pfn < end)
		pfn = trim_at(zone, pfn, &trimmed);
	return trimmed;
}

unsigned long machine_trim(void)
{
	struct kernel *k = arch_kernel();
	unsigned long trimmed = 0;

	if (!k)
		return 0;
	for_each_populated_zone(k->buddy, zone) {
		const struct memblock_type *memory = &k->memblock->memory;

		for (unsigned int i = 0; i < memory->cnt; i++) {
			const struct memblock_region *r = &memory->regions[i];
			uint64_t start = r->base >> PAGE_SHIFT, end = (r->base + r->size) >> PAGE_SHIFT;
			uint64_t top = zone->start_pfn + zone->spanned;

			if (r->nid == zone->pgdat->nid && end > zone->start_pfn && start < top)
				trimmed += trim_range(zone, start > zone->start_pfn ? start : zone->start_pfn,
						      end < top ? end : top);
		}
	}
	return trimmed;
}
