/* SPDX-License-Identifier: MIT */
/*
 * Memory before there is a page allocator.
 *
 * A booting kernel knows two sets of physical ranges: memory, the RAM that there is, and reserved,
 * what of it is taken. Taking memory is reserving it; what is reserved when the page allocator starts
 * is invisible to that for ever. A program comes in between with a callback (<kmem/machine.h>):
 *
 *	static int early(void *arg)
 *	{
 *		*(void **)arg = memblock_alloc(1 << 20, PAGE_SIZE);
 *		return *(void **)arg ? 0 : -ENOMEM;
 *	}
 *	...
 *	machine_desc_init(&desc, "x86_64", NULL);
 *	desc.early = early;
 *	desc.early_arg = &table;
 *	machine_boot(&desc, &m, &err);
 *
 * Everything here works on the machine that the calling thread is booting, in its callback, and there
 * nothing else does. Questions (memblock_is_memory() …) are answered by a booted machine too: by what
 * was when the page allocator took over. All else is reported then ("the page allocator has taken
 * over") and fails.
 *
 * Allocation goes from the highest free address down, unless memblock_set_bottom_up(). Memory is found on
 * the node asked for, else on another; between the limits, else, if there is only a lower one, below that.
 * Pointers are to zeroed memory in the direct map.
 * Source: Linux 6.1, Documentation/core-api/boot-time-mm.rst.
 */
#ifndef KMEM_MEMBLOCK_H
#define KMEM_MEMBLOCK_H

#include <kmem/types.h>

KMEM_BEGIN_DECLS

/* Values of an upper limit. */
#define MEMBLOCK_ALLOC_ACCESSIBLE ((phys_addr_t)0)	/* memblock_set_current_limit()'s */
#define MEMBLOCK_ALLOC_ANYWHERE (~(phys_addr_t)0)	/* none */
/* A lower limit that is none. */
#define MEMBLOCK_LOW_LIMIT ((phys_addr_t)0)

/* Kinds of ranges: all are of one kind here. */
enum memblock_flags {
	MEMBLOCK_NONE = 0,
};

/**
 * memblock_add - RAM that the command line hid is memory after all
 * @base: physical address, bytes
 * @size: bytes; 0 does nothing
 *
 * Return: 0; -EINVAL if the machine has no RAM in all of the range; -ENOMEM; -EPERM after boot (reported).
 * Context: the early callback. Source: Linux 6.1.
 */
KMEM_DECL(int, memblock_add, (phys_addr_t base, phys_addr_t size));

/**
 * memblock_remove - a range is no memory: it belongs to nobody
 * @base: physical address, bytes
 * @size: bytes; 0 does nothing
 *
 * Return: 0; -EINVAL if the range wraps; -ENOMEM; -EPERM after boot (reported).
 * Context: the early callback. Source: Linux 6.1.
 */
KMEM_DECL(int, memblock_remove, (phys_addr_t base, phys_addr_t size));

/**
 * memblock_reserve - a range is taken, whether or not it was before, or is memory
 * @base: physical address, bytes
 * @size: bytes; 0 does nothing
 *
 * Return, context and source: as memblock_remove().
 */
KMEM_DECL(int, memblock_reserve, (phys_addr_t base, phys_addr_t size));

/**
 * memblock_phys_free - a range is not taken any more, whether or not it was
 * @base: physical address, bytes
 * @size: bytes; 0 does nothing
 *
 * Return, context and source: as memblock_remove().
 */
KMEM_DECL(int, memblock_phys_free, (phys_addr_t base, phys_addr_t size));

/**
 * memblock_free - memblock_phys_free() of memory known by its pointer
 * @ptr:  in the direct map, else reported; NULL does nothing
 * @size: bytes
 *
 * Context and source: as memblock_remove().
 */
KMEM_DECL(void, memblock_free, (void *ptr, size_t size));

/**
 * memblock_phys_alloc_range - take memory between limits
 * @size:  bytes, not 0
 * @align: bytes, a power of two; 0 is reported and means 64
 * @start: lowest address
 * @end:   above the highest; MEMBLOCK_ALLOC_ACCESSIBLE or _ANYWHERE
 *
 * Return: physical address, 0 if there is none. The memory is not cleared.
 * Context: the early callback. Source: Linux 6.1.
 */
KMEM_DECL(phys_addr_t, memblock_phys_alloc_range,
	  (phys_addr_t size, phys_addr_t align, phys_addr_t start, phys_addr_t end));

/**
 * memblock_phys_alloc - memblock_phys_alloc_range() below the current limit
 * @size:  bytes, not 0
 * @align: bytes, a power of two
 *
 * Return, context and source: as that.
 */
KMEM_DECL(phys_addr_t, memblock_phys_alloc, (phys_addr_t size, phys_addr_t align));

/**
 * memblock_phys_alloc_try_nid - the same, rather on node @nid than on another
 * @size:  bytes, not 0
 * @align: bytes, a power of two
 * @nid:   node or NUMA_NO_NODE
 *
 * Return, context and source: as memblock_phys_alloc_range().
 */
KMEM_DECL(phys_addr_t, memblock_phys_alloc_try_nid, (phys_addr_t size, phys_addr_t align, int nid));

/**
 * memblock_alloc_try_nid - take zeroed memory, all wishes at once
 * @size:     bytes, not 0
 * @align:    bytes, a power of two; 0 is reported and means 64
 * @min_addr: lowest physical address, given up if there is none above it
 * @max_addr: above the highest; MEMBLOCK_ALLOC_ACCESSIBLE or _ANYWHERE
 * @nid:      node, given up if it has none; NUMA_NO_NODE
 *
 * Return: pointer; NULL if there is none. Context: the early callback. Source: Linux 6.1.
 */
KMEM_DECL(void *, memblock_alloc_try_nid,
	  (phys_addr_t size, phys_addr_t align, phys_addr_t min_addr, phys_addr_t max_addr, int nid));

/**
 * memblock_alloc_exact_nid_raw - the same on no other node, and not cleared
 * @size:     as memblock_alloc_try_nid()
 * @align:    as there
 * @min_addr: as there
 * @max_addr: as there
 * @nid:      node; NUMA_NO_NODE: any
 *
 * Return, context and source: as memblock_alloc_try_nid().
 */
KMEM_DECL(void *, memblock_alloc_exact_nid_raw,
	  (phys_addr_t size, phys_addr_t align, phys_addr_t min_addr, phys_addr_t max_addr, int nid));

/**
 * memblock_alloc - zeroed memory below the current limit
 * @size:  bytes, not 0
 * @align: bytes, a power of two
 *
 * Return, context and source: as memblock_alloc_try_nid().
 */
KMEM_DECL(void *, memblock_alloc, (phys_addr_t size, phys_addr_t align));

/** memblock_alloc_raw - memblock_alloc() of memory that is not cleared. @size, @align: as there. */
KMEM_DECL(void *, memblock_alloc_raw, (phys_addr_t size, phys_addr_t align));

/** memblock_alloc_from - memblock_alloc() from @min_addr up, else below. @size, @align: as there. */
KMEM_DECL(void *, memblock_alloc_from, (phys_addr_t size, phys_addr_t align, phys_addr_t min_addr));

/** memblock_alloc_low - memblock_alloc() below 4 GiB. @size, @align: as there. */
KMEM_DECL(void *, memblock_alloc_low, (phys_addr_t size, phys_addr_t align));

/** memblock_alloc_node - memblock_alloc(), rather on node @nid. @size, @align: as there. */
KMEM_DECL(void *, memblock_alloc_node, (phys_addr_t size, phys_addr_t align, int nid));

/**
 * memblock_set_bottom_up - which way allocations go from now on
 * @enable: true: from the lowest free address up; false: from the highest down, as at first
 *
 * Context: the early callback. Source: Linux 6.1.
 */
KMEM_DECL(void, memblock_set_bottom_up, (bool enable));

/** memblock_bottom_up - which way they go. Any context; false without a machine (reported). */
KMEM_DECL(bool, memblock_bottom_up, (void));

/**
 * memblock_set_current_limit - the limit of allocations that name none
 * @limit: physical address above the highest. At first all memory, on x86_32 all of low memory
 *
 * Pointers are below the end of the direct map whatever it is.
 * Context: the early callback. Source: Linux 6.1.
 */
KMEM_DECL(void, memblock_set_current_limit, (phys_addr_t limit));

/** memblock_get_current_limit - that limit. Any context; 0 without a machine (reported). */
KMEM_DECL(phys_addr_t, memblock_get_current_limit, (void));

/** memblock_is_memory - whether @addr is in the set memory. Any context. */
KMEM_DECL(bool, memblock_is_memory, (phys_addr_t addr));

/** memblock_is_reserved - whether @addr is in the set reserved. Any context. */
KMEM_DECL(bool, memblock_is_reserved, (phys_addr_t addr));

/** memblock_start_of_DRAM - the first address of memory. Any context. */
KMEM_DECL(phys_addr_t, memblock_start_of_DRAM, (void));

/** memblock_end_of_DRAM - the first address above memory. Any context. */
KMEM_DECL(phys_addr_t, memblock_end_of_DRAM, (void));

/** memblock_phys_mem_size - bytes of memory. Any context. */
KMEM_DECL(phys_addr_t, memblock_phys_mem_size, (void));

/** memblock_reserved_size - bytes of reserved. Any context. */
KMEM_DECL(phys_addr_t, memblock_reserved_size, (void));

/**
 * memblock_next_free_range - one step of for_each_free_mem_range(), libkmem's own
 * @cursor: 0 at first
 * @nid:    node, or NUMA_NO_NODE for all
 * @start:  set to the range's first byte; may be NULL, as may the next two
 * @end:    set to the byte above its last
 * @node:   set to its node
 *
 * Return: false: there are no more. Memory may be taken meanwhile.
 * Context: any; what is free when the page allocator has taken over was free before.
 */
KMEM_DECL(bool, memblock_next_free_range,
	  (uint64_t * cursor, int nid, phys_addr_t *start, phys_addr_t *end, int *node));

/**
 * memblock_prev_free_range - the same downwards
 * @cursor: UINT64_MAX at first
 * @nid:    as there
 * @start:  as there
 * @end:    as there
 * @node:   as there
 *
 * Return and context: as there.
 */
KMEM_DECL(bool, memblock_prev_free_range,
	  (uint64_t * cursor, int nid, phys_addr_t *start, phys_addr_t *end, int *node));

/* Every range of memory that is not reserved, ascending; @i: a uint64_t, @flags: MEMBLOCK_NONE, the last
 * three: addresses of variables, or NULL. */
#define for_each_free_mem_range(i, nid, flags, p_start, p_end, p_nid) \
	for ((i) = 0 * (flags);                                       \
	     KMEM_FN(memblock_next_free_range)(&(i), (nid), (p_start), (p_end), (p_nid));)

/* The same, descending. */
#define for_each_free_mem_range_reverse(i, nid, flags, p_start, p_end, p_nid) \
	for ((i) = UINT64_MAX - 0 * (flags);                                  \
	     KMEM_FN(memblock_prev_free_range)(&(i), (nid), (p_start), (p_end), (p_nid));)

KMEM_END_DECLS

#endif
