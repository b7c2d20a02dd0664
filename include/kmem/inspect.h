/* SPDX-License-Identifier: MIT */
/*
 * Looking inside: counters, the lists of a cache and of a zone, and an event when a slab comes or
 * goes. For tools, teachers and tests. Formats that Linux has are in proc.h; the ones here are
 * libkmem's own and documented in docs/inspect.md.
 *
 * All functions work on the machine that the thread has entered. Unless a function says otherwise:
 * any thread may call it in any context (context.h); it may wait for others that look at the same;
 * it changes nothing of what the allocators do.
 */
#ifndef KMEM_INSPECT_H
#define KMEM_INSPECT_H

#include <kmem/mm.h>
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

/** kmem_get_stats - fill @st, all counters. Return: 0; -ENODEV without a machine. May wait. */
KMEM_API int kmem_get_stats(struct kmem_stats *st);

/** kmem_stats_reset_peak - peak_pages starts again from the pages held now. Never sleeps. */
KMEM_API void kmem_stats_reset_peak(void);

/**
 * kmem_management_bytes - management data of an empty cache on a machine of any size
 * @s:     a cache; NULL: all caches of the machine together
 * @nodes: nodes with memory for slabs
 * @cpus:  CPUs of all nodes together
 *
 * What management_bytes counts of it: its structure and names, per-CPU and per-node parts, SLAB's shared
 * and alien arrays. On this machine's own size that is what it holds, but for SLAB's off-slab free lists,
 * which come with slabs. Return: bytes; 0 without a machine. May wait. Source: examples/scale.c uses it
 * for the claim that SLAB's data grows to gigabytes.
 */
KMEM_API uint64_t kmem_management_bytes(const struct kmem_cache *s, unsigned int nodes,
					unsigned int cpus);

/*
 * What a text calls a slab: writes a name for the slab (or SLOB page) whose first byte is @base
 * into @buf, a string of less than @size bytes. @s is NULL on SLOB. The default is the slab's frame
 * number in hex. Called with locks held: it must not call the library.
 */
typedef void kmem_label_fn(void *arg, const struct kmem_cache *s, const void *base, char *buf,
			   size_t size);

/**
 * kmem_cache_print_geometry - one line, no newline: what the backend derived from size, align, flags
 * @s:      a cache
 * @counts: also the numbers of active and all objects and slabs (not on SLOB)
 * @buf:    receives at most @size - 1 bytes and a NUL; NULL with @size 0 to ask for the length
 * @size:   bytes of @buf
 *
 * The fields are those of golden scripts: "objsize=64 size=64 align=8 …" (docs/inspect.md).
 * Return: length needed, as proc_read(). May wait.
 */
KMEM_API long kmem_cache_print_geometry(struct kmem_cache *s, bool counts, char *buf, size_t size);

/**
 * kmem_cache_print_state - one line, no newline: where the cache's slabs and free objects are
 * @s:     a cache; on SLOB any, or NULL: its lists belong to all
 * @label: what to call a slab; NULL: by its frame number
 * @arg:   given to @label
 * @buf:   as kmem_cache_print_geometry()
 * @size:  bytes of @buf
 *
 * Return: length needed, as proc_read(); -ENODEV without a machine. May wait.
 */
KMEM_API long kmem_cache_print_state(struct kmem_cache *s, kmem_label_fn *label, void *arg,
				     char *buf, size_t size);

/**
 * kmem_cache_of - the cache an object came from
 * @object: any pointer; it need not point to the first byte
 *
 * Return: the cache, for an address in one of its slabs; NULL: a block of whole pages, a block of
 * SLOB, which does not know, or no object of this machine. Never sleeps.
 */
KMEM_API struct kmem_cache *kmem_cache_of(const void *object);

/**
 * kmem_slab_base - first byte of the slab in which an object lies
 * @object: any pointer; it need not point to the first byte
 *
 * Return: the slab's first byte (SLOB: its page's; a block of whole pages: the block's); NULL for
 * what is no object of this machine. Never sleeps.
 */
KMEM_API void *kmem_slab_base(const void *object);

/** kmem_valid_obj - whether @object lies in a slab, so that kmem_dump_obj() has something to say. */
KMEM_API bool kmem_valid_obj(const void *object);

/**
 * kmem_dump_obj - a line in the log about the object at or in which an address lies
 * @object: an address in a slab, of an object that lives or not
 *
 * "slab NAME start ADDRESS data offset N pointer offset N size N allocated at SYMBOL": where the
 * object begins, how much in front of it is the allocator's (red zone), how far behind that
 * @object points, bytes of an object. Then, of a cache with SLAB_STORE_USER, the stacks of its last
 * allocation and free. SLOB knows no objects of slabs: "slab". Any other address is a WARN.
 * Context: any. Source: kmem_dump_obj() of mm/slab_common.c, whose line it is.
 */
KMEM_API void kmem_dump_obj(const void *object);

/**
 * kmem_is_large - whether an object is a block of whole pages
 * @object: any pointer
 * @order:  receives the block's order, if it is one; may be NULL
 *
 * Such are kmalloc()'s above the largest class; on SLOB all of a page or more. Never sleeps.
 */
KMEM_API bool kmem_is_large(const void *object, unsigned int *order);

/** kmem_find_cache - a cache of the entered machine by name, NULL if there is none. May wait. */
KMEM_API struct kmem_cache *kmem_find_cache(const char *name);

/* What happened to a slab. */
enum kmem_slab_event { KMEM_SLAB_NEW, KMEM_SLAB_FREED };

/* Told that a slab of 2^@order pages at @base came from, or goes to, the page allocator. */
typedef void kmem_slab_event_fn(void *arg, enum kmem_slab_event ev, struct kmem_cache *s,
				void *base, unsigned int order);

/**
 * kmem_set_slab_event_hook - call @fn whenever a slab comes from or goes to the page allocator
 * @fn:  NULL takes the hook away; there is one a machine
 * @arg: given to @fn
 *
 * On SLOB the cache that the hook is told is NULL. The hook may be called with locks held: it must
 * not call the library. Set it while no other thread is inside a call. Never sleeps.
 */
KMEM_API void kmem_set_slab_event_hook(kmem_slab_event_fn *fn, void *arg);

/* Figures of one zone, in pages. */
struct kmem_zone_stats {
	unsigned long free;		/* on the free lists */
	unsigned long pcp;		/* on the lists of all CPUs */
	unsigned long min, low, high;	/* watermarks without the boost */
	unsigned long boost;		/* what stealing pageblocks has added to each of them */
	unsigned long highatomic;	/* in pageblocks kept for atomic requests of high order */
};

/**
 * kmem_get_zone_stats - fill @st with the figures of a zone
 * @nid:  node
 * @zone: zone of that node
 *
 * The figures of /proc/zoneinfo and those that Linux shows nowhere. Exact when no other thread is
 * inside a call. Return: 0; -EINVAL: there is no such zone, or it is empty; -ENODEV. Context: any
 * thread, never sleeps.
 */
KMEM_API int kmem_get_zone_stats(int nid, enum kmem_zone_type zone, struct kmem_zone_stats *st);

/**
 * kmem_zone_print_lists - the free lists of a zone and the calling CPU's lists, head first
 * @nid:      node
 * @zone:     zone of that node
 * @base_pfn: frame numbers are printed minus this
 * @buf:      receives at most @size - 1 bytes and a NUL; NULL with @size 0 to ask for the length
 * @size:     bytes of @buf
 *
 * Several lines, the form that golden scripts print (docs/inspect.md). Return: length needed, as
 * proc_read(); -EINVAL: there is no such zone, or it is empty; -ENODEV. Context: any thread; takes
 * the zone's lock.
 */
KMEM_API long kmem_zone_print_lists(int nid, enum kmem_zone_type zone, unsigned long base_pfn,
				    char *buf, size_t size);

/*
 * An arena: the only free memory of a machine, so that what the page allocator will do is fully
 * known. The functions from here on change the machine.
 */
struct kmem_arena {
	int nid;
	enum kmem_zone_type zone;
	unsigned int pageblock_order;	/* of the machine */
	unsigned long base_pfn;		/* first frame */
	unsigned long pages;
};

/**
 * kmem_make_arena - take all free memory away but for some blocks of the largest order
 * @blocks:      how many blocks, contiguous; freed again in ascending order
 * @zone:        zone of the first node that has one
 * @migratetype: of the blocks' pageblocks, as get_pageblock_migratetype(): 0 … 3
 * @out:         where the arena is; unchanged after an error
 *
 * All CPUs' lists are drained; every other free page of every zone is out of reach until
 * shutdown, where it is no leak. All watermarks, boosts and lowmem reserves of all zones become 0.
 * Return: 0; -EINVAL: no blocks, no such zone, no such type; -ENOMEM: not that many free
 * blocks in a row; -ENODEV. After an error the lists are drained and nothing else has changed.
 * Context: may sleep; no other thread inside a call. Source: the golden scripts' op arena.
 */
KMEM_API int kmem_make_arena(unsigned int blocks, enum kmem_zone_type zone, unsigned int migratetype,
			     struct kmem_arena *out);

/**
 * kmem_zone_set_pcp - limits of the calling CPU's page lists of a zone
 * @nid:   node
 * @zone:  zone of that node
 * @high:  pages at which freeing begins to give blocks back, at least 1
 * @batch: pages that a refill takes, at least 1
 *
 * Return: 0; -EINVAL: no such zone, or a limit below 1; -ENODEV. Context: any thread.
 */
KMEM_API int kmem_zone_set_pcp(int nid, enum kmem_zone_type zone, int high, int batch);

/**
 * kmem_zone_set_watermarks - watermarks of a zone and what it keeps from requests for higher zones
 * @nid:     node
 * @zone:    zone of that node
 * @min:     watermarks in pages
 * @low:     …
 * @high:    …
 * @reserve: lowmem_reserve against each higher zone, in pages
 *
 * The boost becomes 0. The marks need not be in order, as little as the kernel asks that of its
 * own. Return: 0; -EINVAL: no such zone, or a figure above LONG_MAX / 8; -ENODEV. Context: any
 * thread; takes the zone's lock.
 */
KMEM_API int kmem_zone_set_watermarks(int nid, enum kmem_zone_type zone, unsigned long min,
				      unsigned long low, unsigned long high, unsigned long reserve);

KMEM_END_DECLS

#endif
