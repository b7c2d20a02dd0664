/* SPDX-License-Identifier: MIT */
/*
 * Memory for the allocators' own structures.
 *
 * The pool takes chunks of host memory (arch_host_alloc) and hands out blocks of power-of-two sizes,
 * 32 … 16384 bytes, from one free list a size; what is larger comes straight from the host. A block
 * is never returned to the host before shutdown: the structures of caches come and go in the same
 * sizes. Free blocks are linked through their first word. One lock guards everything: only slow
 * paths come here.
 *
 * Where a block came from is told by its address: kmalloc's memory lies in the machine's RAM window,
 * the pool's never does.
 */
#include "common/backend.h"
#include "common/registry.h"
#include "lib/context.h"
#include "lib/fork.h"
#include "lib/lock_rank.h"
#include "lib/report.h"
#include "lib/string.h"

#define META_SHIFT_LOW 5
#define META_SHIFT_HIGH 14
#define META_CLASSES (META_SHIFT_HIGH - META_SHIFT_LOW + 1)
#define META_CHUNK ((size_t)64 << 10)

struct meta_free {
	struct meta_free *next;
};

struct meta_pool {
	struct arch_spinlock lock;	/* everything below */
	struct meta_free *free[META_CLASSES];
	char *bump;			/* rest of the newest chunk */
	size_t bump_left;
	size_t used;
};

struct meta_pool *meta_pool_create(struct kernel *k)
{
	struct meta_pool *pool = arch_host_alloc(k->arch, sizeof(*pool));

	if (pool)
		arch_spin_init(&pool->lock, LOCK_RANK_META);
	return pool;
}

static unsigned int meta_class(size_t size)
{
	unsigned int shift = META_SHIFT_LOW;

	while (((size_t)1 << shift) < size)
		shift++;
	return shift - META_SHIFT_LOW;
}

/* A block from the newest chunk; what is left of it is given up when the block does not fit. */
static void *pool_bump_locked(struct kernel *k, struct meta_pool *pool, size_t size)
{
	size_t align = size < ARCH_CACHE_LINE ? size : ARCH_CACHE_LINE;
	size_t pad = -(uintptr_t)pool->bump & (align - 1);
	char *p;

	if (pool->bump_left < pad + size) {
		p = arch_host_alloc(k->arch, META_CHUNK);
		if (!p)
			return NULL;
		pool->bump = p;
		pool->bump_left = META_CHUNK;
		pad = 0;
	}
	p = pool->bump + pad;
	pool->bump += pad + size;
	pool->bump_left -= pad + size;
	return p;
}

static void *pool_take(struct kernel *k, struct meta_pool *pool, unsigned int class)
{
	size_t size = (size_t)1 << (class + META_SHIFT_LOW);
	struct meta_free *f;
	void *p;

	arch_spin_lock(&pool->lock);
	f = pool->free[class];
	if (f) {
		pool->free[class] = f->next;
		p = f;
	} else {
		p = pool_bump_locked(k, pool, size);
	}
	if (p)
		pool->used += size;
	arch_spin_unlock(&pool->lock);
	if (f)
		memset(f, 0, size);
	return p;
}

static void pool_count(struct meta_pool *pool, size_t size, bool add)
{
	arch_spin_lock(&pool->lock);
	pool->used += add ? size : -size;
	arch_spin_unlock(&pool->lock);
}

void *meta_pool_alloc(struct kernel *k, size_t size)
{
	struct meta_pool *pool = k->caches->meta;
	void *p;

	if (size <= (size_t)1 << META_SHIFT_HIGH)
		return pool_take(k, pool, meta_class(size));
	p = arch_host_alloc(k->arch, size);
	if (p)
		pool_count(pool, size, true);
	return p;
}

void meta_pool_free(struct kernel *k, void *p, size_t size)
{
	struct meta_pool *pool = k->caches->meta;
	struct meta_free *f = p;
	unsigned int class;

	if (size > (size_t)1 << META_SHIFT_HIGH) {
		pool_count(pool, size, false);
		arch_host_free(k->arch, p, size);
		return;
	}
	class = meta_class(size);
	arch_spin_lock(&pool->lock);
	f->next = pool->free[class];
	pool->free[class] = f;
	pool->used -= (size_t)1 << (class + META_SHIFT_LOW);
	arch_spin_unlock(&pool->lock);
}

size_t meta_pool_used(struct kernel *k)
{
	struct meta_pool *pool = k->caches->meta;
	size_t used;

	arch_spin_lock(&pool->lock);
	used = pool->used;
	arch_spin_unlock(&pool->lock);
	return used;
}

/* Our own objects in kmalloc's classes are no leaks at shutdown: count them by class. Blocks of whole
 * pages are the page allocator's to tell. */
static void meta_count(struct kernel *k, const void *p, size_t size, long n)
{
	unsigned int class = 0;

	if (kmem_is_large(p, NULL))
		return;
	if (backend_traits.kmalloc_shift_low)
		class = kmalloc_index(&k->caches->kmalloc, size);
	__atomic_add_fetch(&k->caches->meta_live[class], n, __ATOMIC_RELAXED);
}

static bool meta_in_ram(struct kernel *k, const void *p)
{
	return (uint64_t)((const char *)p - k->arch->ram) < k->arch->ram_size;
}

/* Where memory comes from, and whom it is charged to: the request's, not that of its bookkeeping. */
#define META_GFP_DROP                                                                             \
	(__GFP_DMA | __GFP_DMA32 | __GFP_HIGHMEM | __GFP_MOVABLE | __GFP_RECLAIMABLE | __GFP_ACCOUNT)

void *meta_alloc_gfp(struct kernel *k, size_t size, gfp_t gfp, int node)
{
	void *p;

	if (k->params.isolate_metadata || k->caches->state < SLAB_UP)
		return meta_pool_alloc(k, size);
	/* Whoever needs it was asked whether it may sleep. */
	context_begin_alloc(0, NULL);
	p = kmalloc_node(size, (gfp & ~META_GFP_DROP) | __GFP_ZERO, node);
	context_end_call();
	if (p)
		meta_count(k, p, size, 1);
	return p;
}

void *meta_alloc(struct kernel *k, size_t size, int node)
{
	return meta_alloc_gfp(k, size, GFP_KERNEL, node);
}

void meta_free(struct kernel *k, void *p, size_t size)
{
	if (!p)
		return;
	if (!meta_in_ram(k, p)) {
		meta_pool_free(k, p, size);
		return;
	}
	meta_count(k, p, size, -1);
	kfree(p);
}

bool meta_fork(struct kernel *k, struct fork_walk *w)
{
	return fork_spinlock(w, &k->caches->meta->lock);
}
