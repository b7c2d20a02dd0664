/* SPDX-License-Identifier: MIT */
/*
 * Looking inside: counters, the lists of a cache, and an event when a slab comes or goes. For
 * tools, teachers and tests; nothing here changes what the allocators do. Formats that Linux has
 * are in proc.h; the ones here are libkmem's own and documented in docs/inspect.md.
 */
#ifndef KMEM_INSPECT_H
#define KMEM_INSPECT_H

#include <kmem/proc.h>
#include <kmem/types.h>

KMEM_BEGIN_DECLS

/* Counters of the entered machine since boot. Exact when no other thread is inside a call. */
struct kmem_stats {
	uint64_t slab_pages;		/* pages held by slabs now (SLOB: by its pages) */
	uint64_t large_pages;		/* pages held by kmalloc() above the largest class, and
					   objects that SLOB takes straight from the page allocator */
	uint64_t peak_pages;		/* maximum of the two together */
	uint64_t slabs;			/* slabs now; SLOB: pages of its three lists */
	uint64_t management_bytes;	/* cache structures, per-CPU and per-node ones, array caches,
					   off-slab free lists, now */
	uint64_t page_allocs[MAX_ORDER];	/* successful allocations by order */
	uint64_t page_frees[MAX_ORDER];
	uint64_t page_failures;		/* page allocations that returned NULL */
};

/** kmem_get_stats - fill @st. Return: 0 or -ENODEV. */
KMEM_API int kmem_get_stats(struct kmem_stats *st);

/** kmem_stats_reset_peak - peak_pages starts again from the pages held now. */
KMEM_API void kmem_stats_reset_peak(void);

/*
 * What a text calls a slab: writes a name for the slab (or SLOB page) whose first byte is @base
 * into @buf. The default is its frame number in hex. Called with locks held: it must not call the
 * library.
 */
typedef void kmem_label_fn(void *arg, const struct kmem_cache *s, const void *base, char *buf,
			   size_t size);

/**
 * kmem_cache_print_geometry - one line, no newline: what the backend derived from size, align, flags
 * The fields are those of golden scripts: "objsize=64 size=64 align=8 …"; with @counts the active
 * and total numbers follow.
 * Return: length needed, as proc_read().
 */
KMEM_API long kmem_cache_print_geometry(struct kmem_cache *s, bool counts, char *buf, size_t size);

/**
 * kmem_cache_print_state - one line, no newline: where the cache's slabs and free objects are
 * @s: on SLOB any cache, or NULL: its lists belong to all
 */
KMEM_API long kmem_cache_print_state(struct kmem_cache *s, kmem_label_fn *label, void *arg,
				     char *buf, size_t size);

/** kmem_cache_of - the cache an object came from; NULL: kmalloc pages, a SLOB block, or no object. */
KMEM_API struct kmem_cache *kmem_cache_of(const void *object);

/**
 * kmem_slab_base - first byte of the slab in which @object lies (SLOB: of its page; a block of
 * whole pages: of the block); NULL if it is no object.
 */
KMEM_API void *kmem_slab_base(const void *object);

/**
 * kmem_is_large - whether @object is a block of whole pages (kmalloc above the largest class; on
 * SLOB a page or more). @order receives the block's order.
 */
KMEM_API bool kmem_is_large(const void *object, unsigned int *order);

/** kmem_find_cache - a cache by name, NULL if there is none. Merged names are found too. */
KMEM_API struct kmem_cache *kmem_find_cache(const char *name);

enum kmem_slab_event { KMEM_SLAB_NEW, KMEM_SLAB_FREED };

typedef void kmem_slab_event_fn(void *arg, enum kmem_slab_event ev, struct kmem_cache *s,
				void *base, unsigned int order);

/**
 * kmem_set_slab_event_hook - call @fn whenever a slab comes from or goes to the page allocator
 * One hook a machine; NULL takes it away. On SLOB @s is NULL. The hook may be called with locks
 * held: it must not call the library. Set it while no other thread is inside a call.
 */
KMEM_API void kmem_set_slab_event_hook(kmem_slab_event_fn *fn, void *arg);

KMEM_END_DECLS

#endif
