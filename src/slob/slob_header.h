/* SPDX-License-Identifier: MIT */
/*
 * The header in front of a block of kmalloc(): its size, and a mark that tells such a block from a cache's
 * object.
 */
#ifndef KMEM_SLOB_SLOB_HEADER_H
#define KMEM_SLOB_SLOB_HEADER_H

#include "slob/slob.h"

struct slob_header {
	uint32_t size;			/* bytes asked for */
	uint32_t mark;			/* SLOB_MARK while the block is handed out */
};
_Static_assert(sizeof(struct slob_header) <= SLOB_KMALLOC_HEADER, "slob_header");

#define SLOB_MARK 0x51ab51abu

static inline struct slob_header *slob_header(const void *p)
{
	return (struct slob_header *)((uintptr_t)p - SLOB_KMALLOC_HEADER);
}

static inline void *slob_kmalloc_object(struct slob_header *header)
{
	return (char *)header + SLOB_KMALLOC_HEADER;
}

/* The bytes that were asked for at @p, which lies in a page of blocks; 0 if @p is not of
 * kmalloc(). */
static inline uint32_t slob_kmalloc_size(const void *p)
{
	size_t offset = (uintptr_t)p & (PAGE_SIZE - 1);
	struct slob_header *header = slob_header(p);
	uint32_t size;

	if (unlikely(offset < SLOB_KMALLOC_HEADER || offset % SLOB_KMALLOC_HEADER))
		return 0;
	size = arch_raw_read(&header->size);
	if (unlikely(arch_raw_read(&header->mark) != SLOB_MARK || offset + size > PAGE_SIZE))
		return 0;
	return size;
}

static __always_inline void slob_header_write(struct slob_header *header, size_t size)
{
	arch_raw_write(&header->size, (uint32_t)size);
	arch_raw_write(&header->mark, SLOB_MARK);
}

/* A power of two is aligned to itself; the header stands in front of the aligned byte. */
static inline unsigned int slob_kmalloc_align(size_t size)
{
	if (size > SLOB_KMALLOC_HEADER && !(size & (size - 1)))
		return (unsigned int)size;
	return SLOB_KMALLOC_HEADER;
}

/* Between the sizes that are no object and those that are pages. */
static inline bool slob_kmalloc_is_block(size_t size)
{
	return size - 1 < SLOB_KMALLOC_PAGES - 1;
}

#endif
