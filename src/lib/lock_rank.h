/* SPDX-License-Identifier: MIT */
/*
 * Lock ranks: a lock may be taken only while every lock held ranks lower. docs/locking.md says what
 * each protects. Claims of CPUs (arch.h) are rank 1 and taken with no spin lock held.
 */
#ifndef KMEM_LIB_LOCK_RANK_H
#define KMEM_LIB_LOCK_RANK_H

enum lock_rank {
	LOCK_RANK_CPU_CLAIM = 1,
	LOCK_RANK_VMAP_BLOCK = 2,	/* vmalloc: a CPU's blocks of vm_map_ram() */
	LOCK_RANK_VMAP_PURGE = 3,	/* vmalloc: a purge of lazy areas */
	LOCK_RANK_VMAP_TREE = 4,	/* vmalloc: free, busy or lazy areas; one at a time */
	LOCK_RANK_VMAP_DIRECT = 5,	/* vmalloc: areas by direct-map pointer (private memory) */
	LOCK_RANK_PGTABLE = 6,		/* making of page tables */
	LOCK_RANK_SLAB_ALIEN = 10,	/* SLAB: an alien cache, before the node it drains to */
	LOCK_RANK_NODE_LIST = 11,	/* SLAB, SLUB: list_lock of a kmem_cache_node */
	LOCK_RANK_SLOB = 12,		/* SLOB: the three lists */
	LOCK_RANK_SLAB_PAGE = 13,	/* one slab's own state */
	LOCK_RANK_META = 20,		/* pool of isolated metadata */
	LOCK_RANK_ZONE = 30,		/* a zone's free lists */
	LOCK_RANK_PERCPU = 40,		/* per-CPU allocator */
	LOCK_RANK_LEAF = 50,		/* counters and the like; nothing is taken below it */
};

#endif
