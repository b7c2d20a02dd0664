/* SPDX-License-Identifier: MIT */
/* Building nodes and zones at boot; theory in zone.c. */
#ifndef KMEM_BUDDY_ZONE_H
#define KMEM_BUDDY_ZONE_H

#include "buddy/internal.h"

#define ZONE_DMA_END (16ull << 20 >> PAGE_SHIFT)
#define ZONE_DMA32_END (4ull << 30 >> PAGE_SHIFT)
#define ZONE_LOWMEM_END (896ull << 20 >> PAGE_SHIFT)

/* The counts form of the description: cut memblock and the zone borders of @b down to it. */
int zone_apply_counts(struct buddy *b, struct machine_error *err);

/* Zonelists of all nodes, by distance. 0 or -ENOMEM. */
int buddy_build_zonelists(struct buddy *b);

#endif
