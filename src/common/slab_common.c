/* SPDX-License-Identifier: MIT */
/*
 * The part of <kmem/slab.h> that is the same on every backend, and small decisions all of them take.
 */
#include "common/backend.h"
#include "common/registry.h"
#include "lib/report.h"
#include "lib/string.h"

void *kmem_cache_zalloc(struct kmem_cache *s, gfp_t gfp)
{
	return kmem_cache_alloc(s, gfp | __GFP_ZERO);
}

/* Linux charges a group for the list's own memory, too; here there is none of it (<kmem/memcg.h>). */
void *kmem_cache_alloc_lru(struct kmem_cache *s, struct list_lru *lru, gfp_t gfp)
{
	return kmem_cache_alloc(s, gfp);
}

void *kzalloc(size_t size, gfp_t gfp)
{
	return kmalloc(size, gfp | __GFP_ZERO);
}

void *kmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return kmalloc(bytes, gfp);
}

void *kcalloc(size_t n, size_t size, gfp_t gfp)
{
	return kmalloc_array(n, size, gfp | __GFP_ZERO);
}

void *kzalloc_node(size_t size, gfp_t gfp, int node)
{
	return kmalloc_node(size, gfp | __GFP_ZERO, node);
}

void *kmalloc_array_node(size_t n, size_t size, gfp_t gfp, int node)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return kmalloc_node(bytes, gfp, node);
}

void *kcalloc_node(size_t n, size_t size, gfp_t gfp, int node)
{
	return kmalloc_array_node(n, size, gfp | __GFP_ZERO, node);
}

void *krealloc(const void *p, size_t size, gfp_t gfp)
{
	size_t old = 0;
	void *ret;

	if (!size) {
		kfree(p);
		return ZERO_SIZE_PTR;
	}
	if (!ZERO_OR_NULL_PTR(p)) {
		old = ksize(p);
		if (!old)
			return NULL; /* no object: ksize() has reported it */
		if (old >= size)
			return (void *)(uintptr_t)p;
	}
	ret = kmalloc(size, gfp);
	if (!ret || !old)
		return ret;
	memcpy(ret, p, old);
	kfree(p);
	return ret;
}

void *krealloc_array(void *p, size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return krealloc(p, bytes, gfp);
}

void kfree_sensitive(const void *p)
{
	size_t size = ksize(p);

	/* Nothing, or no object: ksize() has reported it. */
	if (!size)
		return;
	memzero_explicit((void *)(uintptr_t)p, size);
	kfree(p);
}

void kfree_bulk(size_t nr, void **p)
{
	kmem_cache_free_bulk(NULL, nr, p);
}

void cache_set_init(struct kmem_cache *s)
{
	const struct kernel_params *params = &s->kernel->params;
	bool keeps = s->ctor || s->flags & (SLAB_TYPESAFE_BY_RCU | SLAB_POISON);

	s->init_gfp = params->init_on_alloc && !keeps ? __GFP_ZERO : 0;
	s->init_on_free = params->init_on_free && !keeps;
}

noinline bool slab_zero_ctor_slow(struct kmem_cache *s)
{
	struct kernel *k = s->kernel;

	if (!__atomic_exchange_n(&k->caches->zero_ctor_warned, true, __ATOMIC_RELAXED))
		report_warn(k, "kmem_cache_alloc: __GFP_ZERO with a constructor, cache %s: not zeroed",
			    s->name);
	return false;
}

noinline gfp_t slab_fix_gfp_slow(struct kernel *k, gfp_t gfp)
{
	gfp_t fixed = gfp & ~GFP_SLAB_BUG_MASK;

	report_warn(k, "Unexpected gfp: %#x. Fixing up to gfp: %#x. Fix your code!", gfp, fixed);
	return fixed;
}

noinline int slab_request_node_slow(struct kernel *k, gfp_t gfp, int nid, const char *what)
{
	if (nid < 0 || nid >= MAX_NUMNODES) {
		report_bug(k, "%s: %d is no node, they are numbered from 0 to %d", what, nid,
			   MAX_NUMNODES - 1);
		return SLAB_NO_NODE;
	}
	return gfp & __GFP_THISNODE ? SLAB_NO_NODE : NUMA_NO_NODE;
}
