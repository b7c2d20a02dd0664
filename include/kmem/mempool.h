/* SPDX-License-Identifier: MIT */
/*
 * Memory pools: allocations that cannot fail as long as elements come back.
 *
 * A pool keeps a reserve of elements. An allocation asks the pool's allocator first and takes from
 * the reserve only when that has nothing; an element that comes back refills the reserve before it
 * is freed. So somebody who must make progress while memory is short (writing out a page needs a
 * request structure) needs no more than the reserve at a time.
 *
 * Unless a function says otherwise: any thread may call it, on the machine where the pool was
 * made; functions that take no flags but free, resize or make a pool may sleep. Behaviour: Linux
 * 6.1, Documentation/core-api/mm-api.rst (Memory pools).
 */
#ifndef KMEM_MEMPOOL_H
#define KMEM_MEMPOOL_H

#include <kmem/gfp.h>
#include <kmem/types.h>

KMEM_BEGIN_DECLS

/* An element, or NULL; with @gfp's rights. */
typedef void *mempool_alloc_t(gfp_t gfp, void *pool_data);

/* Give an element back; may not sleep. */
typedef void mempool_free_t(void *element, void *pool_data);

struct mempool_lock;

/* min_nr and curr_nr may be read at any time; what else is in it is the library's. */
typedef struct mempool_s {
	struct mempool_lock *lock;
	int min_nr;		/* elements the reserve holds when it is full */
	int curr_nr;		/* elements in it now */
	void **elements;	/* the reserve; NULL: the pool was not made, or is gone */
	void *pool_data;
	mempool_alloc_t *alloc;
	mempool_free_t *free;
	long nr_out;		/* elements handed out and not given back */
	uint32_t wake;		/* advanced when an element returns while somebody waits */
	uint32_t waiters;
} mempool_t;

/**
 * mempool_create - make a pool and fill its reserve
 * @min_nr:    elements of the reserve, at least 1
 * @alloc_fn:  the allocator, called with @pool_data
 * @free_fn:   its counterpart
 *
 * Return: the pool; NULL when memory is short (nothing is left behind) or, after a warning, for
 * a @min_nr below 1. May sleep.
 */
KMEM_DECL(mempool_t *, mempool_create,
	  (int min_nr, mempool_alloc_t *alloc_fn, mempool_free_t *free_fn, void *pool_data))
	KMEM_MUST_CHECK;

/** mempool_create_node - mempool_create() with flags and a node for the pool's own memory. */
KMEM_DECL(mempool_t *, mempool_create_node,
	  (int min_nr, mempool_alloc_t *alloc_fn, mempool_free_t *free_fn, void *pool_data,
	   gfp_t gfp, int node)) KMEM_MUST_CHECK;

/** mempool_create_slab_pool - a pool of objects of a cache. */
KMEM_DECL(mempool_t *, mempool_create_slab_pool, (int min_nr, struct kmem_cache *s))
	KMEM_MUST_CHECK;

/** mempool_create_kmalloc_pool - a pool of kmalloc() objects of @size bytes. */
KMEM_DECL(mempool_t *, mempool_create_kmalloc_pool, (int min_nr, size_t size)) KMEM_MUST_CHECK;

/**
 * mempool_create_page_pool - a pool of blocks of 2^@order pages
 *
 * Elements are struct page pointers.
 */
KMEM_DECL(mempool_t *, mempool_create_page_pool, (int min_nr, int order)) KMEM_MUST_CHECK;

/**
 * mempool_destroy - give the reserve and the pool back; NULL is ignored
 *
 * Elements that are still out are reported, and then nothing is done. No other thread may use the
 * pool. May sleep.
 */
KMEM_DECL(void, mempool_destroy, (mempool_t * pool));

/**
 * mempool_init - make a pool in the caller's own structure; else as mempool_create()
 * Return: 0, -ENOMEM, -EINVAL.
 */
KMEM_DECL(int, mempool_init,
	  (mempool_t * pool, int min_nr, mempool_alloc_t *alloc_fn, mempool_free_t *free_fn,
	   void *pool_data)) KMEM_MUST_CHECK;

/** mempool_exit - mempool_destroy() for mempool_init(); a zeroed structure is ignored. */
KMEM_DECL(void, mempool_exit, (mempool_t * pool));

/** mempool_initialized - whether a structure that was zeroed once holds a pool. */
KMEM_DECL(bool, mempool_initialized, (const mempool_t *pool));

/**
 * mempool_resize - change the size of the reserve
 * @pool:       the pool
 * @new_min_nr: at least 1. Elements that are too many are freed; missing ones are allocated
 *              (GFP_KERNEL), as many as there are.
 * Return: 0; -ENOMEM: the larger reserve could not be made, the pool is as it was; -EINVAL. May
 * sleep; not with another resize of the same pool.
 */
KMEM_DECL(int, mempool_resize, (mempool_t * pool, int new_min_nr)) KMEM_MUST_CHECK;

/**
 * mempool_alloc - an element
 * @pool: the pool
 * @gfp:  with __GFP_DIRECT_RECLAIM it waits until an element returns, and looks again every five
 *        seconds in case the allocator has something again; without, NULL. __GFP_ZERO is not
 *        supported: a warning.
 *
 * Never returns NULL where it may wait, but in one case: the reserve is empty and the process
 * has no other thread, so that nothing could ever return. That is reported.
 */
KMEM_DECL(void *, mempool_alloc, (mempool_t * pool, gfp_t gfp)) KMEM_MUST_CHECK;

/**
 * mempool_free - give an element back; NULL is ignored
 *
 * Into the reserve while that is not full, which wakes those who wait; else by the pool's
 * allocator. Never sleeps. An element that is in the reserve already, and more elements than are
 * out, are reported and refused.
 */
KMEM_DECL(void, mempool_free, (void *element, mempool_t *pool));

/** mempool_alloc_slab - allocator of mempool_create_slab_pool(); pool_data is the cache. */
KMEM_DECL(void *, mempool_alloc_slab, (gfp_t gfp, void *pool_data));

/** mempool_free_slab - its counterpart. */
KMEM_DECL(void, mempool_free_slab, (void *element, void *pool_data));

/** mempool_kmalloc - allocator of mempool_create_kmalloc_pool(); pool_data is the size. */
KMEM_DECL(void *, mempool_kmalloc, (gfp_t gfp, void *pool_data));

/** mempool_kfree - its counterpart. */
KMEM_DECL(void, mempool_kfree, (void *element, void *pool_data));

/** mempool_alloc_pages - allocator of mempool_create_page_pool(); pool_data is the order. */
KMEM_DECL(void *, mempool_alloc_pages, (gfp_t gfp, void *pool_data));

/** mempool_free_pages - its counterpart. */
KMEM_DECL(void, mempool_free_pages, (void *element, void *pool_data));

KMEM_END_DECLS

#endif
