/* SPDX-License-Identifier: MIT */
/*
 * vm_map_ram(): pages mapped for a short time, cheaply.
 *
 * Up to 64 pages come out of a block: an area of 4 MiB (on x86_32 of 512 KiB or so) that belongs to a
 * CPU and gives its addresses out once, from its start to its end:
 *
 *	|   given out: mapped, or unmapped again ("dirty")   |   free: never given out   |
 *
 * Neither call looks for addresses in the trees that all CPUs share. A block whose pages were all
 * given out and unmapped is dead and becomes a lazy area; so does, at a purge, one that holds
 * nothing but unmapped and free pages. A purge also unmaps in the host what is dirty in blocks that
 * live on; their addresses are not used again. Larger requests are areas of their own, without
 * guard page, as in Linux.
 *
 * A block is found from an address by an index of all places where one could lie, without a lock:
 * who unmaps something in a block keeps it alive by that.
 *
 * Locks: each CPU's queue has one, which protects its list and the blocks on it. It is taken by
 * other CPUs only to unmap what this one has mapped, and by a purge.
 */
#include "vmalloc/vmalloc.h"

#include "common/registry.h"
#include "lib/errno.h"
#include "lib/fork.h"
#include "lib/kva_layout.h"
#include "lib/lock_rank.h"
#include "lib/report.h"
#include "lib/string.h"

/* Linux: VMAP_MAX_ALLOC, VMAP_BBMAP_BITS_MAX, VMAP_BBMAP_BITS_MIN. */
#define MAX_PAGES 64u
#define BLOCK_PAGES_MAX 1024u
#define BLOCK_PAGES_MIN 128u
#define BITS 64u

struct vmap_queue {
	struct arch_spinlock lock;
	struct list_head blocks;	/* newest first */
} __attribute__((aligned(ARCH_CACHE_LINE)));

struct vmap_block {
	struct list_head list;
	struct vmap_queue *queue;	/* constant */
	struct vmap_area *va;		/* constant */
	unsigned int free;		/* pages at its end */
	unsigned int dirty;		/* how many bits of that are set */
	uint64_t start_map[BLOCK_PAGES_MAX / BITS];	/* first pages of what was given out */
	uint64_t dirty_map[BLOCK_PAGES_MAX / BITS];	/* unmapped again */
	uint64_t flushed[BLOCK_PAGES_MAX / BITS];	/* of those: gone from the host, too */
};

struct vmap_blocks {
	unsigned int pages;		/* of a block; constant */
	kva_t base;			/* the first place where one can lie; constant */
	unsigned long nr_index;
	struct vmap_block **index;	/* by place; entries atomic */
	struct vmap_queue *queues;	/* by CPU */
};

static uint64_t block_size(const struct vmap_blocks *b)
{
	return (uint64_t)b->pages << PAGE_SHIFT;
}

static bool test_bit(const uint64_t *map, unsigned int i)
{
	return map[i / BITS] >> (i % BITS) & 1;
}

static void set_bit(uint64_t *map, unsigned int i)
{
	map[i / BITS] |= (uint64_t)1 << (i % BITS);
}

/* --- blocks ----------------------------------------------------------------------------------- */

static struct vmap_block **index_of(struct vmap_blocks *b, kva_t kva)
{
	uint64_t i = (kva - b->base) / block_size(b);

	return kva >= b->base && i < b->nr_index ? &b->index[i] : NULL;
}

static struct vmap_block *block_at(struct vmap_blocks *b, kva_t kva)
{
	struct vmap_block **slot = index_of(b, kva);

	return slot ? __atomic_load_n(slot, __ATOMIC_ACQUIRE) : NULL;
}

/* A block with all its pages free, on no list yet. */
static struct vmap_block *block_make(struct vmalloc *v, struct vmap_queue *queue)
{
	struct vmap_blocks *b = v->blocks;
	const struct vmap_request r = {
		.size = block_size(b),
		.align = block_size(b),
		.kind = VMAP_BLOCK,
		.gfp = GFP_KERNEL,
	};
	struct vmap_block *block = meta_alloc(v->kernel, sizeof(*block), NUMA_NO_NODE);

	if (!block)
		return NULL;
	block->va = vmap_area_alloc(&v->areas, &r);
	if (!block->va) {
		meta_free(v->kernel, block, sizeof(*block));
		return NULL;
	}
	block->queue = queue;
	block->free = b->pages;
	__atomic_store_n(index_of(b, block->va->start), block, __ATOMIC_RELEASE);
	return block;
}

/* A block that nobody uses and that is on no list. */
static void block_free(struct vmalloc *v, struct vmap_block *block)
{
	__atomic_store_n(index_of(v->blocks, block->va->start), NULL, __ATOMIC_RELEASE);
	vmap_area_take(&v->areas, block->va->start, VMAP_BLOCK);
	vmap_area_free(&v->areas, block->va);
	meta_free(v->kernel, block, sizeof(*block));
}

/* --- mapping ---------------------------------------------------------------------------------- */

static unsigned int rounded(unsigned int count)
{
	unsigned int n = 1;

	while (n < count)
		n *= 2;
	return n;
}

/* @n pages of a block of @queue; 0: none has so many left. */
static kva_t take_locked(const struct vmap_blocks *b, struct vmap_queue *queue, unsigned int n)
{
	struct vmap_block *block;

	list_for_each_entry(block, &queue->blocks, list) {
		kva_t at = block->va->start + ((kva_t)(b->pages - block->free) << PAGE_SHIFT);

		if (block->free < n)
			continue;
		set_bit(block->start_map, b->pages - block->free);
		block->free -= n;
		return at;
	}
	return 0;
}

static kva_t block_alloc(struct vmalloc *v, unsigned int n)
{
	struct vmap_queue *queue = &v->blocks->queues[arch_cpu_current()->id];
	struct vmap_block *block;
	kva_t kva;

	arch_spin_lock(&queue->lock);
	kva = take_locked(v->blocks, queue, n);
	arch_spin_unlock(&queue->lock);
	if (kva)
		return kva;
	block = block_make(v, queue);
	if (!block)
		return 0;
	arch_spin_lock(&queue->lock);
	list_add(&block->list, &queue->blocks);
	kva = take_locked(v->blocks, queue, n);
	arch_spin_unlock(&queue->lock);
	return kva;
}

static kva_t area_alloc(struct vmalloc *v, unsigned int count)
{
	const struct vmap_request r = {
		.size = (uint64_t)count << PAGE_SHIFT,
		.align = PAGE_SIZE,
		.kind = VMAP_RAM,
		.gfp = GFP_KERNEL,
	};
	struct vmap_area *va = vmap_area_alloc(&v->areas, &r);

	return va ? va->start : 0;
}

/* --- unmapping -------------------------------------------------------------------------------- */

/* Whether the @n pages from @at on were given out together and are mapped. */
static bool in_use_locked(const struct vmap_blocks *b, const struct vmap_block *block,
			  unsigned int at, unsigned int n)
{
	unsigned int given = b->pages - block->free;

	if (at + n > given || !test_bit(block->start_map, at) || test_bit(block->dirty_map, at))
		return false;
	for (unsigned int i = 1; i < n; i++)
		if (test_bit(block->start_map, at + i))
			return false;
	return at + n == given || test_bit(block->start_map, at + n);
}

static bool in_use(const struct vmap_blocks *b, struct vmap_block *block, unsigned int at,
		   unsigned int n)
{
	bool good;

	arch_spin_lock(&block->queue->lock);
	good = in_use_locked(b, block, at, n);
	arch_spin_unlock(&block->queue->lock);
	return good;
}

/* Returns whether the block is to be freed. */
static bool make_dirty(const struct vmap_blocks *b, struct vmap_block *block, unsigned int at,
		       unsigned int n)
{
	bool dead;

	arch_spin_lock(&block->queue->lock);
	for (unsigned int i = 0; i < n; i++)
		set_bit(block->dirty_map, at + i);
	block->dirty += n;
	dead = block->dirty == b->pages;
	if (dead)
		list_del(&block->list);
	arch_spin_unlock(&block->queue->lock);
	return dead;
}

/* False: nothing of that kind is mapped there. */
static bool block_unmap(struct vmalloc *v, kva_t kva, unsigned int n)
{
	struct vmap_block *block = block_at(v->blocks, kva);
	unsigned int at;

	if (!block)
		return false;
	at = (unsigned int)((kva - block->va->start) >> PAGE_SHIFT);
	if (!in_use(v->blocks, block, at, n))
		return false;
	/* Before a purge can see it: what is dirty is not mapped any more. */
	alias_unmap_at(v, kva, n);
	if (make_dirty(v->blocks, block, at, n))
		block_free(v, block);
	return true;
}

static bool area_unmap(struct vmalloc *v, kva_t kva, unsigned int count)
{
	struct vmap_area *va = vmap_area_take_sized(&v->areas, kva, VMAP_RAM,
						    (uint64_t)count << PAGE_SHIFT);

	if (!va)
		return false;
	alias_unmap_at(v, kva, count);
	vmap_area_free(&v->areas, va);
	return true;
}

/* The addresses go back, whether something is mapped there or not. */
static bool unmap(struct vmalloc *v, kva_t kva, unsigned int count)
{
	return count > MAX_PAGES ? area_unmap(v, kva, count) : block_unmap(v, kva, rounded(count));
}

/* --- what programs call ----------------------------------------------------------------------- */

static void *map_ram(struct vmalloc *v, struct page **pages, unsigned int count)
{
	struct kernel *k = v->kernel;
	kva_t kva;

	if (!count || !vmap_pages_are_ram(pages, count)) {
		report_warn(k, "vm_map_ram: %s",
			    count ? "a pointer to no page of this machine" : "no pages");
		return NULL;
	}
	if (!vmap_has_aliases(k, "vm_map_ram"))
		return NULL;
	kva = count > MAX_PAGES ? area_alloc(v, count) : block_alloc(v, rounded(count));
	if (!kva)
		return NULL;
	if (!alias_map_at(v, kva, pages, count, PAGE_KERNEL))
		return window_ptr(k, kva);
	unmap(v, kva, count);
	return NULL;
}

void *vm_map_ram(struct page **pages, unsigned int count, int node)
{
	struct kernel *k = arch_kernel();
	void *p;

	(void)node; /* where the area's own structures lie: a hint */
	if (!k || !vmalloc_begin(k->vmalloc, GFP_KERNEL, "vm_map_ram"))
		return NULL;
	p = map_ram(k->vmalloc, pages, count);
	vmalloc_end();
	return p;
}

void vm_unmap_ram(const void *mem, unsigned int count)
{
	struct kernel *k = arch_kernel();

	if (!k || !vmalloc_begin(k->vmalloc, GFP_KERNEL, "vm_unmap_ram"))
		return;
	if (!mem || !count || (uintptr_t)mem & ~PAGE_MASK || !in_window(k, mem) ||
	    !unmap(k->vmalloc, window_kva(k, mem), count))
		report_bug(k, "vm_unmap_ram: %u pages at %p are not mapped by vm_map_ram()", count,
			   mem);
	vmalloc_end();
}

/* --- purge ------------------------------------------------------------------------------------ */

static void host_unmap(const struct arch_machine *am, struct vmap_block *block, unsigned int at,
		       unsigned int n)
{
	uint64_t off = block->va->start - am->vmalloc_base + ((uint64_t)at << PAGE_SHIFT);

	if (arch_unmap_ram(am, off, n))
		return;
	for (unsigned int i = 0; i < n; i++)
		set_bit(block->flushed, at + i);
}

/* What a purge has unmapped in blocks that live on. */
struct flush {
	struct list_head dead;	/* blocks to be freed */
	kva_t start, end;	/* all of it lies in here; TLBs may still have it */
};

static void flush_add(struct flush *f, const struct vmap_area *va)
{
	if (!f->end || va->start < f->start)
		f->start = va->start;
	if (va->end > f->end)
		f->end = va->end;
}

/* Runs of pages that are dirty and still mapped in the host. */
static void flush_locked(struct vmalloc *v, struct vmap_block *block)
{
	unsigned int end = v->blocks->pages - block->free;
	unsigned int first = end;

	for (unsigned int i = 0; i <= end; i++) {
		bool todo = i < end && test_bit(block->dirty_map, i) && !test_bit(block->flushed, i);

		if (todo && first == end)
			first = i;
		if (todo || first == end)
			continue;
		host_unmap(v->kernel->arch, block, first, i - first);
		first = end;
	}
}

static void purge_queue(struct vmalloc *v, struct vmap_queue *queue, struct flush *f)
{
	struct list_head *next;

	arch_spin_lock(&queue->lock);
	for (struct list_head *pos = queue->blocks.next; pos != &queue->blocks; pos = next) {
		struct vmap_block *block = list_entry(pos, struct vmap_block, list);

		next = pos->next;
		if (block->dirty && block->dirty + block->free == v->blocks->pages) {
			list_del(&block->list);
			list_add(&block->list, &f->dead);
		} else if (block->dirty) {
			flush_locked(v, block);
			flush_add(f, block->va);
		}
	}
	arch_spin_unlock(&queue->lock);
}

void vmap_blocks_purge(struct vmalloc *v)
{
	struct flush f = {.end = 0};

	if (!alias_possible(v->kernel))
		return;
	list_init(&f.dead);
	for (unsigned int cpu = 0; cpu < v->kernel->arch->nr_cpus; cpu++)
		purge_queue(v, &v->blocks->queues[cpu], &f);
	arch_mmu_flush(v->kernel->arch, f.start, f.end);
	while (!list_empty(&f.dead)) {
		struct vmap_block *block = list_first_entry(&f.dead, struct vmap_block, list);

		list_del(&block->list);
		block_free(v, block);
	}
}

/* --- life ------------------------------------------------------------------------------------- */

/* Linux, by the CPUs that there are: on x86_32 a sixteenth of 128 MiB for each, at most. */
static unsigned int block_pages(const struct arch_machine *am)
{
	unsigned int pages = (128u << 20 >> PAGE_SHIFT) / 16 / rounded(am->nr_cpus);

	if (!kva_mode_is_32(am->desc->mode) || pages > BLOCK_PAGES_MAX)
		return BLOCK_PAGES_MAX;
	return pages < BLOCK_PAGES_MIN ? BLOCK_PAGES_MIN : pages;
}

int vmap_blocks_init(struct vmalloc *v)
{
	const struct arch_machine *am = v->kernel->arch;
	struct vmap_blocks *b = arch_host_alloc(am, sizeof(*b));

	v->blocks = b;
	if (!b)
		return -ENOMEM;
	b->pages = block_pages(am);
	b->base = am->vmalloc_base & ~(block_size(b) - 1);
	b->nr_index = (unsigned long)(am->vmalloc_size / block_size(b) + 2);
	b->index = arch_host_alloc(am, b->nr_index * sizeof(*b->index));
	b->queues = arch_host_alloc(am, am->nr_cpus * sizeof(*b->queues));
	if (!b->index || !b->queues)
		return -ENOMEM;
	for (unsigned int cpu = 0; cpu < am->nr_cpus; cpu++) {
		arch_spin_init(&b->queues[cpu].lock, LOCK_RANK_VMAP_BLOCK);
		list_init(&b->queues[cpu].blocks);
	}
	return 0;
}

unsigned long vmap_blocks_exit(struct vmalloc *v)
{
	const struct arch_machine *am = v->kernel->arch;
	unsigned long leaks = 0;

	for (unsigned int cpu = 0; cpu < am->nr_cpus; cpu++) {
		struct list_head *list = &v->blocks->queues[cpu].blocks;

		while (!list_empty(list)) {
			struct vmap_block *block = list_first_entry(list, struct vmap_block, list);
			unsigned int used = v->blocks->pages - block->free - block->dirty;

			list_del(&block->list);
			leaks += used;
			alias_unmap_at(v, block->va->start, v->blocks->pages);
			block_free(v, block);
		}
	}
	return leaks;
}

bool vmap_blocks_fork(struct vmalloc *v, struct fork_walk *w)
{
	for (unsigned int cpu = 0; cpu < v->kernel->arch->nr_cpus; cpu++)
		if (!fork_spinlock(w, &v->blocks->queues[cpu].lock))
			return false;
	return true;
}
