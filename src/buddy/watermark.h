/* SPDX-License-Identifier: MIT */
/* Watermarks and reserves; theory in watermark.c. */
#ifndef KMEM_BUDDY_WATERMARK_H
#define KMEM_BUDDY_WATERMARK_H

#include "buddy/mobility.h"

/* Whether @zone may serve @order for a request whose highest zone is @highest: enough free pages
 * above the watermark that @alloc_flags name, and a block. Reads without the lock. */
bool zone_watermark_ok(const struct zone *zone, unsigned int order, unsigned int highest,
		       unsigned int alloc_flags);

/* @n * @factor / 10000, in 64 bits as the kernel does. */
static inline unsigned long watermark_scale(uint64_t n, unsigned int factor)
{
	return (unsigned long)(n / 10000 * factor + n % 10000 * factor / 10000);
}

/* A watermark with the boost on it. Without the lock a guess. */
static inline unsigned long zone_wmark(const struct zone *zone, enum zone_watermark i)
{
	return __atomic_load_n(&zone->watermark[i], __ATOMIC_RELAXED) +
	       __atomic_load_n(&zone->watermark_boost, __ATOMIC_RELAXED);
}

/* The same as far as the fast path needs it: an ordinary request against the low watermark. */
static __always_inline bool zone_above_limit(const struct zone *zone, const long *limit,
					     unsigned int order)
{
	long free = zone_nr_free(zone);

	if (order) {
		if (!(zone_free_orders(zone) >> order))
			return false;
		free -= (1l << order) - 1;
	}
	return free > __atomic_load_n(limit, __ATOMIC_RELAXED);
}

/* Pages of the zones that kernel requests may use, beyond their high watermarks. */
unsigned long nr_free_buffer_pages(const struct buddy *b);

#endif
