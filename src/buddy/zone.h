/* SPDX-License-Identifier: MIT */
/* Building nodes and zones at boot; theory in zone.c. */
#ifndef KMEM_BUDDY_ZONE_H
#define KMEM_BUDDY_ZONE_H

#include "buddy/internal.h"
#include "lib/math.h"

#define ZONE_DMA_END (16ull << 20 >> PAGE_SHIFT)
#define ZONE_DMA32_END (4ull << 30 >> PAGE_SHIFT)

/* The counts form of the description: cut memblock and the zone borders of @b down to it. */
int zone_apply_counts(struct buddy *b, struct machine_error *err);

/* A frame number, rounded up to a multiple of the largest block. */
static inline uint64_t zone_align_up(uint64_t pfn)
{
	return round_up(pfn, 1ull << (MAX_ORDER - 1));
}

/* movable.c: the type of zone that ZONE_MOVABLE is cut from: the highest that the map reaches. */
unsigned int buddy_movable_source(const struct buddy *b);

/* Where ZONE_MOVABLE begins on each node, by kernelcore= and movablecore=. 0, or -EINVAL with @err. */
int buddy_place_movable(struct buddy *b, struct machine_error *err);

/* Zonelists of all nodes, by distance. 0 or -ENOMEM. */
int buddy_build_zonelists(struct buddy *b);

#endif
