/* SPDX-License-Identifier: MIT */
/*
 * Events of objects, said by the backends in their slow entries: @caller is who called the public
 * function. Bulk calls say nothing, as in Linux. None of these is called inside a section or with a
 * lock held.
 */
#ifndef KMEM_COMMON_TRACE_H
#define KMEM_COMMON_TRACE_H

#include "common/kmem_cache.h"
#include "lib/trace.h"

void trace_kmem_cache_alloc_slow(struct kernel *k, const void *caller, const struct kmem_cache *s,
				 const void *object, gfp_t gfp, int node);
void trace_kmem_cache_free_slow(struct kernel *k, const void *caller, const struct kmem_cache *s,
				const void *object);
void trace_kmalloc_slow(struct kernel *k, const void *caller, const void *object, size_t req,
			size_t alloc, gfp_t gfp, int node);
void trace_kfree_slow(struct kernel *k, const void *caller, const void *object);

/* @object: NULL if there was none. */
static inline void trace_kmem_cache_alloc(const void *caller, const struct kmem_cache *s,
					  const void *object, gfp_t gfp, int node)
{
	struct kernel *k = arch_cpu_ptr->kernel;

	if (k && trace_is_on(k, TRACE_KMEM_CACHE_ALLOC) && s->kernel == k)
		trace_kmem_cache_alloc_slow(k, caller, s, object, gfp, node);
}

/* Before the object goes. */
static inline void trace_kmem_cache_free(const void *caller, const struct kmem_cache *s,
					 const void *object)
{
	struct kernel *k = arch_cpu_ptr->kernel;

	if (k && trace_is_on(k, TRACE_KMEM_CACHE_FREE) && s->kernel == k)
		trace_kmem_cache_free_slow(k, caller, s, object);
}

/* @alloc: bytes set aside for the @req bytes asked for. */
static inline void trace_kmalloc(const void *caller, const void *object, size_t req, size_t alloc,
				 gfp_t gfp, int node)
{
	struct kernel *k = arch_cpu_ptr->kernel;

	if (k && trace_is_on(k, TRACE_KMALLOC))
		trace_kmalloc_slow(k, caller, object, req, alloc, gfp, node);
}

/* Before the object goes; NULL too. */
static inline void trace_kfree(const void *caller, const void *object)
{
	struct kernel *k = arch_cpu_ptr->kernel;

	if (k && trace_is_on(k, TRACE_KFREE))
		trace_kfree_slow(k, caller, object);
}

#endif
