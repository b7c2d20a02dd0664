/* SPDX-License-Identifier: MIT */
/*
 * Memory for the allocators' own structures: cache structures and names, node structures, off-slab
 * lists. Two sources: kmalloc, as in Linux, once it works; or a private pool of host memory, while it
 * does not work yet (Linux's static boot structures) and always with isolate_metadata.
 */
#ifndef KMEM_COMMON_META_H
#define KMEM_COMMON_META_H

#include "lib/kernel.h"

struct kmem_cache;
struct meta_pool;

/* Own structures of the allocators. Zeroed, aligned to ARCH_KMALLOC_MINALIGN. @node a hint. May sleep
 * and may come back into kmalloc(): outside sections, with no spin lock held. NULL when there is
 * none. The size is needed again at the free. */
void *meta_alloc(struct kernel *k, size_t size, int node);

/* The same for a request whose flags forbid sleeping or warnings; zone and mobility bits of @gfp are
 * left out. */
void *meta_alloc_gfp(struct kernel *k, size_t size, gfp_t gfp, int node);

void meta_free(struct kernel *k, void *p, size_t size);

/* Boot: the pool. NULL: no memory. */
struct meta_pool *meta_pool_create(struct kernel *k);

/* From the pool, whatever state kmalloc is in. */
void *meta_pool_alloc(struct kernel *k, size_t size);
void meta_pool_free(struct kernel *k, void *p, size_t size);

/* Bytes handed out by the pool now, rounding included. */
size_t meta_pool_used(struct kernel *k);

/* lib/fork.h: the pool's lock. */
struct fork_walk;
bool meta_fork(struct kernel *k, struct fork_walk *w);

#endif
