/* SPDX-License-Identifier: MIT */
/*
 * The caches of one machine, the counters of the small-object layer, and helpers every backend calls.
 */
#ifndef KMEM_COMMON_REGISTRY_H
#define KMEM_COMMON_REGISTRY_H

#include "common/kmem_cache.h"
#include "common/kmalloc.h"
#include "lib/kfmt.h"

#include <kmem/inspect.h>

struct page;
struct meta_pool;

struct cache_registry {
	struct arch_spinlock lock;	/* list, create, destroy, shrink ("slab_mutex") */
	struct list_head list;		/* every cache, newest first */
	struct kmem_cache *kmem_cache;	/* the cache of cache structures; NULL when metadata is isolated */
	struct kmalloc_caches kmalloc;
	struct meta_pool *meta;
	kmem_slab_event_fn *event;	/* slab event hook, NULL most of the time */
	void *event_arg;
	int64_t slab_pages;		/* atomics; slow paths only */
	int64_t large_pages;
	int64_t peak_pages;
	int64_t slabs;
	int64_t live;			/* SLOB: objects of caches and kmalloc */
};

/* Boot, after backend_init(): registry, kmalloc classes. 0 or a negative errno. */
int caches_init(struct kernel *k);

/* Shutdown: report what is live in every cache, return the number of live objects. */
unsigned long caches_report_leaks(struct kernel *k);

/* slabinfo 2.1. */
void caches_show_slabinfo(struct kernel *k, struct seq_file *m);

/* slab_pages … management_bytes of @st. */
void caches_get_stats(struct kernel *k, struct kmem_stats *st);

/* --- for the backends ------------------------------------------------------------------------ */

/* A slab of @s came or is about to go: counters and the event hook. SLOB: @s NULL. */
void slab_account(struct kernel *k, struct kmem_cache *s, struct page *page, unsigned int order,
		  bool alloc);

/* A block of whole pages behind kmalloc (SLOB: or a cache object): allocation marks its head page
 * PG_LARGE and counts; NULL when there is none. Zeroes with __GFP_ZERO. */
void *large_alloc(struct kernel *k, size_t size, gfp_t gfp, int node);
void large_free(struct kernel *k, struct page *head);

/* Kernel-style BUG about a pointer that cannot be freed: "WHAT: WHY, ptr 0x… cache NAME". @s may be
 * NULL. */
void slab_bug(struct kernel *k, const char *what, const struct kmem_cache *s, const void *object,
	      const char *why);

/* Own structures of the allocators (array caches, node structures, off-slab lists): from kmalloc, or
 * from the isolated pool. Zeroed. @node a hint. size is needed again at the free. */
void *meta_alloc(struct kernel *k, size_t size, int node);
void meta_free(struct kernel *k, void *p, size_t size);

#endif
