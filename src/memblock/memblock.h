/* SPDX-License-Identifier: MIT */
/*
 * Early boot memory: two sorted sets of physical ranges, "memory" (what RAM there is, with its
 * node) and "reserved" (what is taken). The page allocator receives memory minus reserved once,
 * at the end of boot (memblock_free_all in Linux; here buddy_init walks it), and owns it from
 * then on; what was reserved before is invisible to it.
 *
 * Ranges are half-open byte ranges. Adjacent ranges of the same node are merged; the arrays grow as
 * needed. Only the booting thread uses it: no lock.
 */
#ifndef KMEM_MEMBLOCK_MEMBLOCK_H
#define KMEM_MEMBLOCK_MEMBLOCK_H

#include "lib/kernel.h"

struct memblock_region {
	phys_addr_t base;
	phys_addr_t size;
	int nid;
};

struct memblock_type {
	struct memblock_region *regions;
	unsigned int cnt;
	unsigned int max;
	phys_addr_t total;
};

struct memblock {
	struct memblock_type memory;
	struct memblock_type reserved;
	struct memblock_type program;	/* of the reserved ranges those of the early callback */
	bool early;			/* the callback runs */
	bool bottom_up;
	phys_addr_t current_limit;	/* of allocations that name no other */
	phys_addr_t direct_end;		/* first byte that has no address in the direct map */
};

/* 0 or -ENOMEM. */
int memblock_init(struct kernel *k);

/* Each: 0, -ENOMEM, -EINVAL (empty or wrapping range). add: an overlap takes the newer node. */
int memblock_add_node(struct kernel *k, phys_addr_t base, phys_addr_t size, int nid);
int memblock_remove_range(struct kernel *k, phys_addr_t base, phys_addr_t size);
int memblock_reserve_range(struct kernel *k, phys_addr_t base, phys_addr_t size);
int memblock_free_range(struct kernel *k, phys_addr_t base, phys_addr_t size);

/* Take @size bytes aligned to @align from [@min, @max) on node @nid (NUMA_NO_NODE: any), highest
 * address first unless bottom_up. Returns the physical address, 0 when nothing fits. */
phys_addr_t memblock_alloc_range(struct kernel *k, phys_addr_t size, phys_addr_t align,
				 phys_addr_t min, phys_addr_t max, int nid);

bool memblock_reserved_at(struct kernel *k, phys_addr_t addr);
bool memblock_memory_at(struct kernel *k, phys_addr_t addr);
phys_addr_t memblock_end_of_dram(struct kernel *k);

/* Node of the RAM at @addr; NUMA_NO_NODE where there is none. */
int memblock_nid(struct kernel *k, phys_addr_t addr);

/* Walk memory minus reserved in ascending order: start with *@cursor 0; false at the end. */
bool memblock_next_free(struct kernel *k, uint64_t *cursor, struct memblock_region *out);
/* In descending order: start with *@cursor UINT64_MAX. */
bool memblock_prev_free(struct kernel *k, uint64_t *cursor, struct memblock_region *out);

#endif
