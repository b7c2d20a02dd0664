/* SPDX-License-Identifier: MIT */
/*
 * Private host memory of the kernel part. Every block stands in its machine's list, so that shutdown
 * gives back what was not freed; the header before the block also catches a free of something else.
 * Large blocks come from the host as they are, zero pages that cost nothing until they are used.
 */
#include "sim/machine.h"

#include <stdlib.h>
#include <sys/mman.h>

#define BLOCK_MAGIC 0x686f7374626c6b21u /* "hostblk!" */
#define LARGE_BLOCK ((size_t)1 << 20)

struct host_block {
	struct list_head list;
	void *raw;		/* what calloc() or mmap() returned */
	size_t size;
	uint64_t magic;
	/* To a cache line: what follows is as aligned as the header. */
	char pad[ARCH_CACHE_LINE - 4 * sizeof(void *) - sizeof(uint64_t)];
};

_Static_assert(sizeof(struct host_block) == ARCH_CACHE_LINE, "blocks are aligned to cache lines");

static size_t raw_size(size_t size)
{
	return size + sizeof(struct host_block) + ARCH_CACHE_LINE;
}

static void *raw_alloc(size_t size)
{
	void *raw;

	if (size < LARGE_BLOCK)
		return calloc(1, raw_size(size));
	raw = mmap(NULL, raw_size(size), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return raw == MAP_FAILED ? NULL : raw;
}

static void raw_free(void *raw, size_t size)
{
	if (size < LARGE_BLOCK)
		free(raw);
	else
		munmap(raw, raw_size(size));
}

void host_pool_init(struct host_pool *pool)
{
	arch_spin_init(&pool->lock, 0);
	list_init(&pool->blocks);
}

void *arch_host_alloc(const struct arch_machine *am, size_t size)
{
	struct host_pool *pool = &machine_of(am)->pool;
	struct host_block *block;
	char *raw;

	if (size > PTRDIFF_MAX / 2)
		return NULL;
	raw = raw_alloc(size);
	if (!raw)
		return NULL;
	block = (void *)(((uintptr_t)raw + ARCH_CACHE_LINE - 1) & ~(uintptr_t)(ARCH_CACHE_LINE - 1));
	block->raw = raw;
	block->size = size;
	block->magic = BLOCK_MAGIC;
	sim_lock(&pool->lock);
	list_add(&block->list, &pool->blocks);
	sim_unlock(&pool->lock);
	return block + 1;
}

void arch_host_free(const struct arch_machine *am, void *p, size_t size)
{
	struct host_pool *pool = &machine_of(am)->pool;
	struct host_block *block;

	if (!p)
		return;
	block = (struct host_block *)p - 1;
	if (block->magic != BLOCK_MAGIC || block->size != size) {
		arch_log(am, 0, "libkmem: arch_host_free() of a block that is none, or of another size");
		arch_trap();
	}
	block->magic = 0;
	sim_lock(&pool->lock);
	list_del(&block->list);
	sim_unlock(&pool->lock);
	raw_free(block->raw, size);
}

void host_pool_release(struct host_pool *pool)
{
	struct host_block *block, *next;

	list_for_each_entry_safe(block, next, &pool->blocks, list)
		raw_free(block->raw, block->size);
	list_init(&pool->blocks);
}
