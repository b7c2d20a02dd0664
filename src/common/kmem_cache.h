/* SPDX-License-Identifier: MIT */
/*
 * struct kmem_cache: what the three backends share. A backend's own structure starts with it and is
 * backend_traits.cache_size bytes long; only that backend knows the rest.
 *
 * Life: made by kmem_cache_create() under registry->lock, on the registry's list from then on;
 * destroyed under the same lock. All fields are constant in between but refcount, aliases and live,
 * and object_size, which may grow (cache_merge.c).
 */
#ifndef KMEM_COMMON_KMEM_CACHE_H
#define KMEM_COMMON_KMEM_CACHE_H

#include "lib/kernel.h"
#include "lib/list.h"

#include <kmem/slab.h>

struct cache_alias;

struct kmem_cache {
	unsigned int object_size;	/* bytes the caller asked for; of merged caches the largest:
					   cache_object_size() */
	unsigned int size;		/* bytes from one object to the next, metadata included */
	unsigned int align;
	slab_flags_t flags;
	void (*ctor)(void *);
	const char *name;		/* the first */
	struct list_head list;		/* registry->list, oldest last as in slabinfo */
	int refcount;			/* names merged into this cache, itself included */
	unsigned int useroffset, usersize;
	unsigned int freeptr_offset;	/* kmem_cache_args; SLUB's */
	bool use_freeptr_offset;
	struct cache_alias *aliases;	/* further names; registry->mutex */
	struct kernel *kernel;		/* NULL once destroyed */
	bool boot;			/* belongs to the library: kmalloc classes, kmem_cache itself */
	bool init_on_free;		/* objects are wiped when they come back */
	bool plain;			/* SLOB: objects are blocks and no more (slob_alone.h) */
	gfp_t init_gfp;			/* __GFP_ZERO: every allocation asks for it; else 0 */
	long live;			/* SLOB: objects handed out; cache_live_add() */
};

static __always_inline unsigned int cache_object_size(const struct kmem_cache *s)
{
	return __atomic_load_n(&s->object_size, __ATOMIC_RELAXED);
}

#endif
