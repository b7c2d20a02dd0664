/* SPDX-License-Identifier: MIT */
/*
 * kmalloc's size classes: 8 … 8192 bytes by powers of two, with 96 and 192 between; one set of caches
 * for each kind of memory. SLAB starts at 32; SLOB has none.
 */
#ifndef KMEM_COMMON_KMALLOC_H
#define KMEM_COMMON_KMALLOC_H

#include "common/kmem_cache.h"

#define KMALLOC_SHIFT_HIGH (PAGE_SHIFT + 1)
#define KMALLOC_MAX_CACHE_SIZE (1u << KMALLOC_SHIFT_HIGH)

enum kmalloc_cache_type {
	KMALLOC_NORMAL,
	KMALLOC_DMA,
	KMALLOC_CGROUP,
	KMALLOC_RECLAIM,
	NR_KMALLOC_TYPES
};

struct kmalloc_caches {
	/* By log2 of the size; 1 is kmalloc-96, 2 is kmalloc-192, as in Linux. */
	struct kmem_cache *cache[NR_KMALLOC_TYPES][KMALLOC_SHIFT_HIGH + 1];
	/* Class of a size up to 192: size_index[(size - 1) / 8]. */
	uint8_t size_index[24];
};

static __always_inline enum kmalloc_cache_type kmalloc_type(gfp_t gfp)
{
	if (likely(!(gfp & (__GFP_DMA | __GFP_RECLAIMABLE | __GFP_ACCOUNT))))
		return KMALLOC_NORMAL;
	if (gfp & __GFP_DMA)
		return KMALLOC_DMA;
	return gfp & __GFP_RECLAIMABLE ? KMALLOC_RECLAIM : KMALLOC_CGROUP;
}

/* The cache for @size, 1 … KMALLOC_MAX_CACHE_SIZE bytes. */
static __always_inline struct kmem_cache *kmalloc_cache(const struct kmalloc_caches *kc, size_t size,
							gfp_t gfp)
{
	unsigned int index;

	if (size <= 192)
		index = kc->size_index[(size - 1) / 8];
	else
		index = (unsigned int)(8 * sizeof(long)) - (unsigned int)__builtin_clzl(size - 1);
	return kc->cache[kmalloc_type(gfp)][index];
}

#endif
