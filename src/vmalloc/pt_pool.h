/* SPDX-License-Identifier: MIT */
/*
 * Frames for page tables that the page allocator does not own: what the description reserves (a
 * real kernel's early tables lie there too), and physical memory above RAM. Frames are taken and
 * given back one by one under the caller's lock; free ones that were given back are linked through
 * their first word.
 */
#ifndef KMEM_VMALLOC_PT_POOL_H
#define KMEM_VMALLOC_PT_POOL_H

#include "lib/kernel.h"

struct pt_range;

struct pt_pool {
	struct kernel *kernel;
	struct pt_range *ranges;	/* newest first: the order of use */
	phys_addr_t free;		/* given back; 0: none */
};

/* Physical bytes [@start, @end) are the pool's; those added last are used first. 0 or -ENOMEM. */
int pt_pool_add(struct pt_pool *pool, phys_addr_t start, phys_addr_t end);

/* A zeroed frame; 0: the pool is empty. */
phys_addr_t pt_pool_take(struct pt_pool *pool);

/* One below @limit that was never handed out before; 0: there is none. */
phys_addr_t pt_pool_take_below(struct pt_pool *pool, phys_addr_t limit);

void pt_pool_give(struct pt_pool *pool, phys_addr_t frame);

/* Release the pool's own memory; its frames are nobody's business any more. */
void pt_pool_exit(struct pt_pool *pool);

#endif
