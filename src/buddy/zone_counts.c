/* SPDX-License-Identifier: MIT */
/*
 * The counts form of a description: zonepages=NODE/ZONE:PRESENT:MANAGED says how many frames each
 * zone has, and the map of RAM is cut down to that before any zone is built.
 *
 * Of the map's frames in a zone the lowest PRESENT stay RAM and the topmost PRESENT − MANAGED of
 * them are reserved; what lies above is taken out of memblock's memory. Zones without figures
 * lose all theirs. Other reservations are forgotten: these figures win. On x86_32 Normal may end
 * anywhere: where its frames end, HighMem begins. Movable has the frames above those of the zone that
 * it is cut from, from the next multiple of the largest block on.
 */
#include "buddy/zone.h"

#include "lib/errno.h"
#include "memblock/memblock.h"

/* Part of region @i that is on @nid in the frames [low, high). False: none. */
static bool region_part(struct kernel *k, unsigned int i, int nid, uint64_t low, uint64_t high,
			uint64_t *start, uint64_t *end)
{
	const struct memblock_region *r = &k->memblock->memory.regions[i];

	*start = (r->base + PAGE_SIZE - 1) >> PAGE_SHIFT;
	*end = (r->base + r->size) >> PAGE_SHIFT;
	if (*start < low)
		*start = low;
	if (*end > high)
		*end = high;
	return r->nid == nid && *start < *end;
}

/* The frame above the @nr-th one of @nid in [low, high), *@have frames in all; if there are fewer,
 * the frame above the last. */
static uint64_t nth_frame(struct kernel *k, int nid, uint64_t low, uint64_t high, uint64_t nr,
			  uint64_t *have)
{
	uint64_t cut = low, start, end;

	*have = 0;
	for (unsigned int i = 0; i < k->memblock->memory.cnt; i++) {
		if (!region_part(k, i, nid, low, high, &start, &end))
			continue;
		if (*have < nr)
			cut = end - start < nr - *have ? end : start + (nr - *have);
		*have += end - start;
	}
	return cut;
}

/* The frames of @nid in [low, high) are no RAM. */
static int drop_frames(struct kernel *k, int nid, uint64_t low, uint64_t high)
{
	uint64_t start, end;
	int ret = 0;

	/* From the end, for removing shifts what stands behind. */
	for (unsigned int i = k->memblock->memory.cnt; !ret && i-- > 0;)
		if (region_part(k, i, nid, low, high, &start, &end))
			ret = memblock_remove_range(k, start << PAGE_SHIFT, (end - start) << PAGE_SHIFT);
	return ret;
}

/* Reserve the topmost @nr frames of @nid in [low, high). */
static int reserve_top(struct kernel *k, int nid, uint64_t low, uint64_t high, uint64_t nr)
{
	uint64_t start, end;
	int ret = 0;

	for (unsigned int i = k->memblock->memory.cnt; nr && !ret && i-- > 0;) {
		if (!region_part(k, i, nid, low, high, &start, &end))
			continue;
		if (end - start > nr)
			start = end - nr;
		ret = memblock_reserve_range(k, start << PAGE_SHIFT, (end - start) << PAGE_SHIFT);
		nr -= end - start;
	}
	return ret;
}

static const struct machine_zone_pages *find_counts(const struct machine_desc *desc, int nid, int type)
{
	for (unsigned int i = 0; i < desc->nr_zone_pages; i++)
		if (desc->zone_pages[i].node == nid && desc->zone_pages[i].zone == type)
			return &desc->zone_pages[i];
	return NULL;
}

static bool has_counts(const struct machine_desc *desc, int type)
{
	for (unsigned int i = 0; i < desc->nr_zone_pages; i++)
		if (desc->zone_pages[i].zone == type && desc->zone_pages[i].present)
			return true;
	return false;
}

static int check_counts(const struct buddy *b, const struct machine_zone_pages *zp,
			struct machine_error *err)
{
	const struct machine_desc *desc = b->kernel->arch->desc;
	const char *name = zone_type_name((enum kmem_zone_type)zp->zone);

	if (zp->node < 0 || (unsigned int)zp->node >= b->nr_nodes)
		return error_set(err, -EINVAL, "zonepages: no node %d among %u", zp->node,
				  b->nr_nodes);
	if (zp->zone < 0 || zp->zone >= KMEM_MAX_NR_ZONES || !zone_exists(b, (unsigned int)zp->zone))
		return error_set(err, -EINVAL, "zonepages: this machine has no zone %s", name);
	if (zp->managed > zp->present)
		return error_set(err, -EINVAL, "zonepages: %d/%s: %llu managed of %llu present",
				  zp->node, name, (unsigned long long)zp->managed,
				  (unsigned long long)zp->present);
	if (find_counts(desc, zp->node, zp->zone) != zp)
		return error_set(err, -EINVAL, "zonepages: %d/%s given twice", zp->node, name);
	return 0;
}

/* Of the frames of @nid in [low, high) the lowest stay as @zp (NULL: none) says. *@end: above them. */
static int apply_counts(struct buddy *b, int nid, unsigned int type, const struct machine_zone_pages *zp,
			uint64_t low, uint64_t high, uint64_t *end, struct machine_error *err)
{
	struct kernel *k = b->kernel;
	uint64_t present = zp ? zp->present : 0, have;
	int ret;

	*end = nth_frame(k, nid, low, high, present, &have);
	if (have < present)
		return error_set(err, -EINVAL, "zonepages: %d/%s: %llu present, but the map has "
				  "%llu frames there", nid, zone_type_name((enum kmem_zone_type)type),
				  (unsigned long long)present, (unsigned long long)have);
	ret = drop_frames(k, nid, *end, high);
	if (!ret && zp)
		ret = reserve_top(k, nid, low, *end, zp->present - zp->managed);
	if (ret)
		return error_set(err, ret, "zonepages: no host memory");
	return 0;
}

static int apply_zone(struct buddy *b, int nid, unsigned int type, struct machine_error *err)
{
	const struct machine_desc *desc = b->kernel->arch->desc;
	const struct machine_zone_pages *zp = find_counts(desc, nid, (int)type);
	const struct machine_zone_pages *movable = NULL;
	uint64_t low = b->zone_low[type], high = b->zone_high[type], border = high, end;
	uint64_t have;
	int ret = 0;

	if (type == b->movable_source)
		movable = find_counts(desc, nid, KMEM_ZONE_MOVABLE);
	if (movable && movable->present) {
		border = nth_frame(b->kernel, nid, low, high, zp ? zp->present : 0, &have);
		border = zone_align_up(border);
		if (border > high)
			border = high;
		b->nodes[nid].movable_pfn = border;
		ret = apply_counts(b, nid, KMEM_ZONE_MOVABLE, movable, border, high, &end, err);
	}
	return ret ? ret : apply_counts(b, nid, type, zp, low, border, &end, err);
}

/* Where Normal ends on x86_32: above the last of its frames on any node. */
static uint64_t lowmem_end(struct buddy *b)
{
	uint64_t end = b->zone_low[KMEM_ZONE_NORMAL], have;

	for (unsigned int nid = 0; nid < b->nr_nodes; nid++) {
		const struct machine_zone_pages *zp =
			find_counts(b->kernel->arch->desc, (int)nid, KMEM_ZONE_NORMAL);
		uint64_t cut = nth_frame(b->kernel, (int)nid, b->zone_low[KMEM_ZONE_NORMAL],
					 UINT64_MAX, zp ? zp->present : 0, &have);

		if (cut > end)
			end = cut;
	}
	return end;
}

static int apply_zone_type(struct buddy *b, unsigned int type, struct machine_error *err)
{
	const struct machine_desc *desc = b->kernel->arch->desc;
	int ret = 0;

	if (b->zone_low[type] == b->zone_high[type])
		return 0;
	/* Not if Movable has what is left of it: then there is no HighMem. */
	if (type == KMEM_ZONE_NORMAL && b->zone_high[type] != UINT64_MAX &&
	    (b->movable_source != type || !has_counts(desc, KMEM_ZONE_MOVABLE))) {
		b->zone_high[type] = lowmem_end(b);
		b->zone_low[KMEM_ZONE_HIGHMEM] = b->zone_high[type];
	}
	for (unsigned int nid = 0; !ret && nid < b->nr_nodes; nid++)
		ret = apply_zone(b, (int)nid, type, err);
	return ret;
}

int zone_apply_counts(struct buddy *b, struct machine_error *err)
{
	struct kernel *k = b->kernel;
	const struct machine_desc *desc = k->arch->desc;
	int ret = memblock_free_range(k, 0, memblock_end_of_dram(k));

	if (ret)
		return error_set(err, ret, "zonepages: no RAM to share out");
	for (unsigned int i = 0; !ret && i < desc->nr_zone_pages; i++)
		ret = check_counts(b, &desc->zone_pages[i], err);
	b->movable_source = has_counts(desc, KMEM_ZONE_HIGHMEM) ? KMEM_ZONE_HIGHMEM :
								   buddy_movable_source(b);
	for (unsigned int type = 0; !ret && type < KMEM_ZONE_MOVABLE; type++)
		ret = apply_zone_type(b, type, err);
	return ret;
}
