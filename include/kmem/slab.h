/* SPDX-License-Identifier: MIT */
/*
 * Small objects: caches and kmalloc. One API over three backends; which one stands behind it is
 * chosen at link time (libkmem-slab, libkmem-slub, libkmem-slob; libkmem is the configured one).
 * Flag values and semantics are Linux 6.1's (its Documentation/core-api/mm-api.rst).
 *
 * Unless a function says otherwise: any thread may call it; it works on the machine the thread has
 * entered; with a flag that contains __GFP_DIRECT_RECLAIM it may sleep, else it never does; running
 * out returns NULL; misuse is reported (machine.h) and, when the handler goes on, refused.
 */
#ifndef KMEM_SLAB_H
#define KMEM_SLAB_H

#include <kmem/gfp.h>
#include <kmem/types.h>

KMEM_BEGIN_DECLS

#define SLAB_CONSISTENCY_CHECKS ((slab_flags_t)0x00000100u)	/* F: costly checks on alloc and free */
#define SLAB_RED_ZONE ((slab_flags_t)0x00000400u)		/* Z: red zones around objects */
#define SLAB_POISON ((slab_flags_t)0x00000800u)			/* P: fill free objects */
#define SLAB_KMALLOC ((slab_flags_t)0x00001000u)		/* a kmalloc cache */
#define SLAB_HWCACHE_ALIGN ((slab_flags_t)0x00002000u)		/* align to cache lines */
#define SLAB_CACHE_DMA ((slab_flags_t)0x00004000u)		/* slabs from ZONE_DMA */
#define SLAB_CACHE_DMA32 ((slab_flags_t)0x00008000u)		/* slabs from ZONE_DMA32 */
#define SLAB_STORE_USER ((slab_flags_t)0x00010000u)		/* U: remember the last alloc and free */
#define SLAB_RECLAIM_ACCOUNT ((slab_flags_t)0x00020000u)	/* objects are reclaimable */
#define SLAB_PANIC ((slab_flags_t)0x00040000u)			/* panic if the cache cannot be made */
#define SLAB_TYPESAFE_BY_RCU ((slab_flags_t)0x00080000u)	/* slabs are freed after a grace period */
#define SLAB_MEM_SPREAD ((slab_flags_t)0x00100000u)		/* spread over nodes; accepted */
#define SLAB_TRACE ((slab_flags_t)0x00200000u)			/* T: log every alloc and free */
#define SLAB_DEBUG_OBJECTS ((slab_flags_t)0x00400000u)
#define SLAB_NOLEAKTRACE ((slab_flags_t)0x00800000u)
#define SLAB_FAILSLAB ((slab_flags_t)0x02000000u)		/* A: fault injection */
#define SLAB_ACCOUNT ((slab_flags_t)0x04000000u)		/* account to the caller's group */
#define SLAB_NO_USER_FLAGS ((slab_flags_t)0x10000000u)		/* ignore slub_debug= for this cache */

/* kmalloc(0): a pointer that must not be dereferenced and may be given to kfree(). */
#define ZERO_SIZE_PTR ((void *)16)
#define ZERO_OR_NULL_PTR(x) ((unsigned long)(x) <= (unsigned long)ZERO_SIZE_PTR)

/* Largest kmalloc() in bytes: a block of order MAX_ORDER - 1. */
#define KMALLOC_MAX_SIZE (1UL << (MAX_ORDER - 1 + PAGE_SHIFT))

/* Smallest alignment of kmalloc() and cache objects, in bytes. */
#define ARCH_KMALLOC_MINALIGN __alignof__(unsigned long long)
#define ARCH_SLAB_MINALIGN __alignof__(unsigned long long)

/**
 * kmem_cache_create - make a cache of objects of one size
 * @name:  copied; appears in slabinfo and reports
 * @size:  bytes of one object, 1 … KMALLOC_MAX_SIZE
 * @align: bytes, 0 or a power of two; the result is aligned at least to it
 * @flags: SLAB_*; unknown bits are an error
 * @ctor:  called for each object as its backend documents (SLAB, SLUB: once per object and life of
 *         its slab; SLOB: at each allocation); NULL for none. May not call the library.
 *
 * Return: the cache, or NULL (a warning says why; with SLAB_PANIC a panic). Caches may be made by
 * any thread at any time and may sleep. Source: Linux 6.1 mm-api, slab_common.
 */
KMEM_API struct kmem_cache *kmem_cache_create(const char *name, unsigned int size,
					      unsigned int align, slab_flags_t flags,
					      void (*ctor)(void *)) KMEM_MUST_CHECK;

/**
 * kmem_cache_create_usercopy - kmem_cache_create() with a window that may be copied to user space
 * @useroffset: first byte of the window
 * @usersize:   its length; 0: none
 */
KMEM_API struct kmem_cache *kmem_cache_create_usercopy(const char *name, unsigned int size,
						       unsigned int align, slab_flags_t flags,
						       unsigned int useroffset,
						       unsigned int usersize,
						       void (*ctor)(void *)) KMEM_MUST_CHECK;

/**
 * kmem_cache_destroy - give a cache and its empty slabs back; NULL is ignored
 *
 * Live objects are reported ("Objects remaining in … on __kmem_cache_shutdown()") and the cache
 * stays as it was. No other thread may use the cache meanwhile. May sleep.
 */
KMEM_API void kmem_cache_destroy(struct kmem_cache *s);

/**
 * kmem_cache_shrink - return empty slabs to the page allocator
 * Return: 0 if no slab is left, else 1; always 0 on SLOB. May sleep.
 */
KMEM_API int kmem_cache_shrink(struct kmem_cache *s);

/** kmem_cache_size - bytes of one object, as given to kmem_cache_create(). */
KMEM_API unsigned int kmem_cache_size(const struct kmem_cache *s);

/** kmem_cache_name - the name given to kmem_cache_create(). */
KMEM_API const char *kmem_cache_name(const struct kmem_cache *s);

/** kmem_cache_alloc - one object, or NULL. With __GFP_ZERO zeroed (not with a constructor). */
KMEM_API void *kmem_cache_alloc(struct kmem_cache *s, gfp_t gfp) KMEM_MALLOC KMEM_MUST_CHECK;

/** kmem_cache_zalloc - kmem_cache_alloc() with __GFP_ZERO. */
KMEM_API void *kmem_cache_zalloc(struct kmem_cache *s, gfp_t gfp) KMEM_MALLOC KMEM_MUST_CHECK;

/**
 * kmem_cache_alloc_node - an object of a node
 * @node: NUMA_NO_NODE: any. Another node's object is returned when @node has none, unless
 *        __GFP_THISNODE.
 */
KMEM_API void *kmem_cache_alloc_node(struct kmem_cache *s, gfp_t gfp, int node) KMEM_MALLOC
	KMEM_MUST_CHECK;

/** kmem_cache_free - give an object back to the cache it came from; NULL is ignored. Never sleeps. */
KMEM_API void kmem_cache_free(struct kmem_cache *s, void *object);

/**
 * kmem_cache_alloc_bulk - @nr objects at once into @p
 * Return: @nr, or 0: all or nothing.
 */
KMEM_API int kmem_cache_alloc_bulk(struct kmem_cache *s, gfp_t gfp, size_t nr,
				   void **p) KMEM_MUST_CHECK;

/** kmem_cache_free_bulk - give @nr objects back; @s NULL: each to its own cache (kfree_bulk). */
KMEM_API void kmem_cache_free_bulk(struct kmem_cache *s, size_t nr, void **p);

/**
 * kmalloc - @size bytes, physically contiguous
 * @size: 0 gives ZERO_SIZE_PTR; above KMALLOC_MAX_SIZE fails with a warning.
 *
 * Aligned to ARCH_KMALLOC_MINALIGN, and to the size itself if that is a power of two (SLAB, SLUB,
 * SLOB alike). Free with kfree().
 */
KMEM_DECL(void *, kmalloc, (size_t size, gfp_t gfp)) KMEM_MALLOC KMEM_MUST_CHECK;

/** kmalloc_node - kmalloc() with a preferred node, as kmem_cache_alloc_node(). */
KMEM_DECL(void *, kmalloc_node, (size_t size, gfp_t gfp, int node)) KMEM_MALLOC KMEM_MUST_CHECK;

/** kzalloc - kmalloc(), zeroed. */
KMEM_DECL(void *, kzalloc, (size_t size, gfp_t gfp)) KMEM_MALLOC KMEM_MUST_CHECK;

/** kmalloc_array - @n × @size bytes; NULL when the product overflows. */
KMEM_DECL(void *, kmalloc_array, (size_t n, size_t size, gfp_t gfp)) KMEM_MALLOC KMEM_MUST_CHECK;

/** kcalloc - kmalloc_array(), zeroed. */
KMEM_DECL(void *, kcalloc, (size_t n, size_t size, gfp_t gfp)) KMEM_MALLOC KMEM_MUST_CHECK;

/**
 * krealloc - change the size of an object of kmalloc()
 *
 * The contents are kept up to the smaller size; the object stays where it is when it fits (ksize).
 * @p NULL is kmalloc(); @size 0 frees @p and returns ZERO_SIZE_PTR. On failure NULL, @p untouched.
 */
KMEM_DECL(void *, krealloc, (const void *p, size_t size, gfp_t gfp)) KMEM_MUST_CHECK;

/** kfree - free what kmalloc() or kmem_cache_alloc() returned; NULL and ZERO_SIZE_PTR are ignored. */
KMEM_DECL(void, kfree, (const void *p));

/** ksize - bytes usable at @p; 0 for NULL and ZERO_SIZE_PTR. */
KMEM_DECL(size_t, ksize, (const void *p));

KMEM_END_DECLS

#endif
