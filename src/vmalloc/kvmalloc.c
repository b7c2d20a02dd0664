/* SPDX-License-Identifier: MIT */
/*
 * kvmalloc: kmalloc() where it has a block, vmalloc() where it has not. Above a page the first try
 * is half-hearted (no warning, no hard reclaim), for there is a second; up to a page there is
 * none: vmalloc() would take a page for it, too.
 */
#include "common/registry.h"
#include "lib/report.h"
#include "lib/string.h"
#include "vmalloc/vmalloc.h"

#include <limits.h>

#include <kmem/slab.h>

/* Flags of the first try for more than a page. */
static gfp_t first_try(gfp_t gfp)
{
	gfp |= __GFP_NOWARN;
	if (!(gfp & __GFP_RETRY_MAYFAIL))
		gfp |= __GFP_NORETRY;
	return gfp & ~__GFP_NOFAIL;
}

static void *kv_alloc(size_t size, gfp_t gfp, int node, const void *caller)
{
	void *p = kmalloc_node(size, size > PAGE_SIZE ? first_try(gfp) : gfp, node);
	struct kernel *k;

	if (p || size <= PAGE_SIZE || !(gfp & __GFP_DIRECT_RECLAIM))
		return p;
	k = arch_kernel();
	if (!k)
		return NULL;
	if (size > INT_MAX) {
		if (!(gfp & __GFP_NOWARN))
			report_warn(k, "kvmalloc: %zu bytes are more than INT_MAX", size);
		return NULL;
	}
	return vmalloc_simple(size, gfp, VM_ALLOW_HUGE_VMAP, node, caller);
}

void *kvmalloc_node(size_t size, gfp_t gfp, int node)
{
	return kv_alloc(size, gfp, node, __builtin_return_address(0));
}

void *kvmalloc(size_t size, gfp_t gfp)
{
	return kv_alloc(size, gfp, NUMA_NO_NODE, __builtin_return_address(0));
}

void *kvzalloc(size_t size, gfp_t gfp)
{
	return kv_alloc(size, gfp | __GFP_ZERO, NUMA_NO_NODE, __builtin_return_address(0));
}

void *kvzalloc_node(size_t size, gfp_t gfp, int node)
{
	return kv_alloc(size, gfp | __GFP_ZERO, node, __builtin_return_address(0));
}

void *kvmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return kv_alloc(bytes, gfp, NUMA_NO_NODE, __builtin_return_address(0));
}

void *kvcalloc(size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return kv_alloc(bytes, gfp | __GFP_ZERO, NUMA_NO_NODE, __builtin_return_address(0));
}

void *kvrealloc(const void *p, size_t oldsize, size_t newsize, gfp_t gfp)
{
	void *ret;

	if (oldsize >= newsize)
		return (void *)(uintptr_t)p;
	ret = kv_alloc(newsize, gfp, NUMA_NO_NODE, __builtin_return_address(0));
	if (!ret)
		return NULL;
	if (oldsize)
		memcpy(ret, p, oldsize);
	kvfree(p);
	return ret;
}

void kvfree(const void *p)
{
	if (ZERO_OR_NULL_PTR(p) || !arch_kernel())
		return;
	if (is_vmalloc_addr(p))
		vfree(p);
	else
		kfree(p);
}

void kvfree_sensitive(const void *p, size_t len)
{
	if (ZERO_OR_NULL_PTR(p))
		return;
	memzero_explicit((void *)(uintptr_t)p, len);
	kvfree(p);
}
