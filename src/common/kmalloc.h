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

/* Class of @size, 1 … KMALLOC_MAX_CACHE_SIZE bytes. */
static __always_inline unsigned int kmalloc_index(const struct kmalloc_caches *kc, size_t size)
{
	if (size <= 192)
		return kc->size_index[(size - 1) / 8];
	return (unsigned int)(8 * sizeof(long)) - (unsigned int)__builtin_clzl(size - 1);
}

/* The cache for @size, 1 … KMALLOC_MAX_CACHE_SIZE bytes. */
static __always_inline struct kmem_cache *kmalloc_cache(const struct kmalloc_caches *kc, size_t size,
							gfp_t gfp)
{
	return kc->cache[kmalloc_type(gfp)][kmalloc_index(kc, size)];
}

/*
 * What a backend's kmalloc(), kfree() and ksize() leave to common. All work on the entered machine
 * and are called outside CPU sections, with no lock held. Typical use:
 *
 *	kmalloc(size, gfp):	if (unlikely(size - 1 >= KMALLOC_MAX_CACHE_SIZE))
 *					return kmalloc_slow(size, gfp, NUMA_NO_NODE,
 *							    __builtin_return_address(0));
 *	kfree(p):		head = memmap_lookup_head(cpu, p);
 *				if (unlikely(!head || head->type != PAGE_TYPE_SLAB))
 *					return kfree_slow(p);
 *	ksize(p):		the same with ksize_slow(p)
 */

/* Size 0: ZERO_SIZE_PTR. Up to KMALLOC_MAX_SIZE: a block of whole pages (large_alloc). Above: a
 * warning unless __GFP_NOWARN, and NULL. NULL after a report when there is no machine. Counts no
 * live object: the pages do. @caller: of kmalloc(), for the event. */
void *kmalloc_slow(size_t size, gfp_t gfp, int node, const void *caller);

/* NULL and ZERO_SIZE_PTR: nothing. The first byte of a block of whole pages: frees it. Anything
 * else that lies in no slab is reported: "kfree: … is in no slab". */
void kfree_slow(const void *p);

/* 0 for NULL and ZERO_SIZE_PTR; bytes of a block of whole pages; else a report and 0. */
size_t ksize_slow(const void *p);

/* Boot: make the classes. 0 or a negative errno. */
int kmalloc_init(struct kernel *k);

#endif
