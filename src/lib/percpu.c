/* SPDX-License-Identifier: MIT */
/*
 * The per-CPU allocator: offsets that mean the same place in every CPU's window.
 *
 * A window is the host memory behind struct arch_cpu. Offsets below `top` have been handed out at
 * least once: those that came back are in `free`, an ordered set of ranges without neighbours that
 * touch; the rest is in use. Above `top` nothing was ever handed out, so no CPU has anything but
 * zeros there and a first use costs nothing on any CPU. A range that is handed out again is cleared,
 * but only on CPUs that were used at all: nobody has written to the windows of the others (arch.h:
 * only an attached or a claiming thread writes to a CPU's data).
 *
 * The lowest range with room is taken, which keeps windows dense, and the same calls give the same
 * offsets on every run.
 *
 * Giving back cannot fail. There is at most one free range more than blocks in use, and changing the
 * set needs one node more for a moment: percpu_alloc() keeps `nodes` at two more than `blocks`.
 *
 * `lock` (LOCK_RANK_PERCPU) protects everything here.
 */
#include "lib/percpu.h"

#include "lib/errno.h"
#include "lib/fork.h"
#include "lib/kernel.h"
#include "lib/lock_rank.h"
#include "lib/math.h"
#include "lib/range_tree.h"
#include "lib/report.h"
#include "lib/string.h"

/* Sizes are rounded up to words; from a cache line on to whole lines, so that two CPU-local objects
 * of that size never share one. */
#define PERCPU_WORD 8

struct percpu_pool {
	struct arch_spinlock lock;
	struct range_tree free;
	struct range_node *spare;	/* nodes not in `free`, chained through right */
	size_t nodes;			/* in `free` and `spare` */
	size_t blocks;			/* handed out */
	size_t top;
	size_t end;			/* of a window */
	size_t used;
};

static size_t rounded_size(size_t size)
{
	return round_up(size ? size : 1, size >= ARCH_CACHE_LINE ? ARCH_CACHE_LINE : PERCPU_WORD);
}

/* Enough nodes for one block more than there are. */
static bool fill_spare(struct kernel *k, struct percpu_pool *pool)
{
	while (pool->nodes < pool->blocks + 3) {
		struct range_node *node = arch_host_alloc(k->arch, sizeof(*node));

		if (!node)
			return false;
		node->right = pool->spare;
		pool->spare = node;
		pool->nodes++;
	}
	return true;
}

static struct range_node *get_spare(struct percpu_pool *pool)
{
	struct range_node *node = pool->spare;

	kassert(node);
	pool->spare = node->right;
	return node;
}

int percpu_init(struct kernel *k)
{
	struct percpu_pool *pool = arch_host_alloc(k->arch, sizeof(*pool));

	if (!pool)
		return -ENOMEM;
	arch_spin_init(&pool->lock, LOCK_RANK_PERCPU);
	pool->top = ARCH_PERCPU_START;
	pool->end = k->arch->cpu_stride;
	k->percpu = pool;
	return 0;
}

static void clear_used_cpus(struct kernel *k, size_t off, size_t size)
{
	const struct arch_machine *am = k->arch;
	unsigned int cpu = arch_cpu_next_used(am, 0);

	for (; cpu < am->nr_cpus; cpu = arch_cpu_next_used(am, cpu + 1))
		memset(percpu_ptr(arch_cpu_by_id(am, cpu), off), 0, size);
}

/* Above everything handed out so far. The gap that alignment leaves becomes free. */
static size_t take_top_locked(struct percpu_pool *pool, size_t size, size_t align)
{
	size_t off = round_up(pool->top, align);

	if (off > pool->end || size > pool->end - off)
		return 0;
	if (off > pool->top)
		range_tree_add(&pool->free, get_spare(pool), pool->top, off, &pool->spare);
	pool->top = off + size;
	return off;
}

size_t percpu_alloc(struct kernel *k, size_t size, size_t align)
{
	struct percpu_pool *pool = k->percpu;
	bool again = false;
	size_t off = 0;

	kassert(align <= 4096 && !(align & (align - 1)));
	if (size > pool->end)
		return 0;
	if (align < PERCPU_WORD)
		align = PERCPU_WORD;
	if (size >= ARCH_CACHE_LINE && align < ARCH_CACHE_LINE)
		align = ARCH_CACHE_LINE;
	size = rounded_size(size);
	arch_spin_lock(&pool->lock);
	if (fill_spare(k, pool)) {
		again = range_tree_take(&pool->free, size, align, &off, &pool->spare);
		if (!again)
			off = take_top_locked(pool, size, align);
	}
	if (off) {
		pool->used += size;
		pool->blocks++;
	}
	arch_spin_unlock(&pool->lock);
	if (again)
		clear_used_cpus(k, off, size);
	return off;
}

void percpu_free(struct kernel *k, size_t off, size_t size)
{
	struct percpu_pool *pool = k->percpu;

	if (!off)
		return;
	size = rounded_size(size);
	arch_spin_lock(&pool->lock);
	kassert(off >= ARCH_PERCPU_START && off + size <= pool->top && pool->used >= size);
	pool->used -= size;
	pool->blocks--;
	range_tree_add(&pool->free, get_spare(pool), off, off + size, &pool->spare);
	arch_spin_unlock(&pool->lock);
}

size_t percpu_used(struct kernel *k)
{
	size_t used;

	arch_spin_lock(&k->percpu->lock);
	used = k->percpu->used;
	arch_spin_unlock(&k->percpu->lock);
	return used;
}

bool percpu_fork(struct kernel *k, struct fork_walk *w)
{
	return fork_spinlock(w, &k->percpu->lock);
}
