/* SPDX-License-Identifier: MIT */
/* A thread alone in its machine has looked through all pages: the object comes from a new one. */
#include "slob/slob_alone.h"

noinline void *slob_cache_alloc_fresh(struct kmem_cache *s, gfp_t gfp)
{
	struct kernel *k = s->kernel;
	void *object = slob_alloc_fresh(k, s->size, gfp, s->align, 0);

	if (unlikely(!object))
		return NULL;
	cache_live_add(k, s, 1);
	if (gfp & __GFP_ZERO)
		memset(object, 0, s->size);
	return object;
}

noinline void *slob_kmalloc_fresh(size_t size, gfp_t gfp)
{
	struct kernel *k = arch_kernel();
	struct slob_header *header;
	void *object;

	header = slob_alloc_fresh(k, size + SLOB_KMALLOC_HEADER, gfp, slob_kmalloc_align(size),
				  SLOB_KMALLOC_HEADER);
	if (unlikely(!header))
		return NULL;
	cache_live_add(k, NULL, 1);
	slob_header_write(header, size);
	object = (char *)header + SLOB_KMALLOC_HEADER;
	if (gfp & __GFP_ZERO)
		memset(object, 0, size);
	return object;
}
