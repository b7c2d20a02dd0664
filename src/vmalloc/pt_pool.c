/* SPDX-License-Identifier: MIT */
#include "vmalloc/pt_pool.h"

#include "lib/errno.h"
#include "lib/string.h"

struct pt_range {
	struct pt_range *next;
	phys_addr_t start;	/* first frame that was never handed out */
	phys_addr_t end;
};

static uint64_t *frame_word(const struct pt_pool *pool, phys_addr_t frame)
{
	return (uint64_t *)(void *)(pool->kernel->arch->ram + frame);
}

int pt_pool_add(struct pt_pool *pool, phys_addr_t start, phys_addr_t end)
{
	struct pt_range *range;

	/* Address 0 says "none". */
	if (!start)
		start = PAGE_SIZE;
	if (start >= end)
		return 0;
	range = arch_host_alloc(pool->kernel->arch, sizeof(*range));
	if (!range)
		return -ENOMEM;
	*range = (struct pt_range){pool->ranges, start, end};
	pool->ranges = range;
	return 0;
}

static phys_addr_t take_fresh(struct pt_pool *pool, phys_addr_t limit)
{
	for (struct pt_range *range = pool->ranges; range; range = range->next) {
		phys_addr_t frame = range->start;

		if (frame == range->end || frame >= limit)
			continue;
		range->start += PAGE_SIZE;
		return frame;
	}
	return 0;
}

phys_addr_t pt_pool_take(struct pt_pool *pool)
{
	phys_addr_t frame = pool->free;

	if (frame)
		pool->free = *frame_word(pool, frame);
	else
		frame = take_fresh(pool, ~(phys_addr_t)0);
	if (frame)
		memset(frame_word(pool, frame), 0, PAGE_SIZE);
	return frame;
}

phys_addr_t pt_pool_take_below(struct pt_pool *pool, phys_addr_t limit)
{
	phys_addr_t frame = take_fresh(pool, limit);

	if (frame)
		memset(frame_word(pool, frame), 0, PAGE_SIZE);
	return frame;
}

void pt_pool_give(struct pt_pool *pool, phys_addr_t frame)
{
	*frame_word(pool, frame) = pool->free;
	pool->free = frame;
}

void pt_pool_exit(struct pt_pool *pool)
{
	while (pool->ranges) {
		struct pt_range *range = pool->ranges;

		pool->ranges = range->next;
		arch_host_free(pool->kernel->arch, range, sizeof(*range));
	}
}
