/* SPDX-License-Identifier: MIT */
/*
 * The usual cases for a thread that is alone in its machine: a block out of a page that is on its list, and
 * back into a page that keeps other blocks. One section stands for the lock, since nobody else is there
 * who could hold it, and nobody comes before the section ends (arch.h). It serves caches and kmalloc()s
 * for which that is all (`plain`). Everything else, and every surprise, is left to the general paths,
 * which find everything as it was and would have done the same.
 */
#ifndef KMEM_SLOB_SLOB_ALONE_H
#define KMEM_SLOB_SLOB_ALONE_H

#include "slob/slob_header.h"
#include "slob/slob_lists.h"

#include "common/registry.h"
#include "lib/string.h"

/* @size and @offset bytes, as slob_alloc(), from the pages there are. NULL: nothing was done; *@searched if
 * only because no page has room. */
static __always_inline void *slob_take_alone(struct arch_cpu *cpu, size_t size, unsigned int align,
					     unsigned int offset, bool *searched)
{
	const struct slob_request rq = slob_request(size, align, offset, NUMA_NO_NODE);
	struct slob_page *damaged = NULL;
	void *block;

	block = slob_take(cpu, slob_list_for(cpu->kernel->backend, size), &rq, &damaged);
	*searched = !damaged;
	return block;
}

/* As slob_free(). False: nothing was done. */
static __always_inline bool slob_give_alone(struct arch_cpu *cpu, struct page *page, void *object,
					    size_t size, unsigned int offset)
{
	struct slob_page *sp = slob_page(page);
	char *base = memmap_address(cpu, page);
	unsigned int start = (unsigned int)((char *)object - base - offset) / SLOB_UNIT;
	unsigned int units = (unsigned int)SLOB_UNITS(size + offset);
	bool listed = sp->units;

	if (unlikely(sp->damaged || sp->units + units >= SLOB_PAGE_UNITS))
		return false;
	if (unlikely(slob_page_free(sp, base, start, units, false) != SLOB_OK))
		return false;
	if (unlikely(!listed))
		list_add(&sp->list, slob_list_for(cpu->kernel->backend, size + offset));
	arch_object_free(cpu->kernel->arch, object, SLOB_UNITS(size) * (size_t)SLOB_UNIT);
	return true;
}

/* --- for the public functions: NULL, or false, leaves the request to the general path -------- */

/* *@searched, which is false before: the pages there are were looked through. */
static __always_inline void *slob_cache_alloc_alone(struct kmem_cache *s, gfp_t gfp,
						    bool *searched)
{
	struct arch_cpu *cpu = arch_cpu_enter_alone();
	void *object = NULL;

	if (unlikely(!cpu))
		return NULL;
	if (likely(s && s->kernel == cpu->kernel && s->plain))
		object = slob_take_alone(cpu, s->size, s->align, 0, searched);
	if (likely(object))
		cache_live_add_alone(cpu->kernel, s, 1);
	arch_cpu_leave(cpu);
	if (unlikely(!object))
		return NULL;
	arch_object_alloc(s->kernel->arch, object, s->size, false);
	if (unlikely(gfp & __GFP_ZERO))
		memset(object, 0, s->size);
	return object;
}

static __always_inline bool slob_cache_free_alone(struct kmem_cache *s, void *object)
{
	struct arch_cpu *cpu = arch_cpu_enter_alone();
	struct page *page;
	bool freed = false;

	if (unlikely(!cpu))
		return false;
	page = memmap_lookup(cpu, object);
	if (likely(page && page_type(page) == PAGE_TYPE_SLAB && s && s->kernel == cpu->kernel &&
		   s->plain && slob_may_start(s, object)))
		freed = slob_give_alone(cpu, page, object, s->size, 0);
	if (likely(freed))
		cache_live_add_alone(cpu->kernel, s, -1);
	arch_cpu_leave(cpu);
	return freed;
}

static __always_inline void *slob_kmalloc_alone(size_t size, gfp_t gfp, bool *searched)
{
	struct arch_cpu *cpu = arch_cpu_enter_alone();
	struct slob_header *header = NULL;
	void *object;

	if (unlikely(!cpu))
		return NULL;
	if (likely(cpu->kernel->backend->plain))
		header = slob_take_alone(cpu, size + SLOB_KMALLOC_HEADER, slob_kmalloc_align(size),
					 SLOB_KMALLOC_HEADER, searched);
	if (likely(header)) {
		slob_header_write(header, size);
		cache_live_add_alone(cpu->kernel, NULL, 1);
	}
	arch_cpu_leave(cpu);
	if (unlikely(!header))
		return NULL;
	object = slob_kmalloc_object(header);
	arch_object_alloc(cpu->kernel->arch, object, SLOB_UNITS(size) * (size_t)SLOB_UNIT, false);
	if (unlikely(gfp & __GFP_ZERO))
		memset(object, 0, size);
	return object;
}

static __always_inline bool slob_kfree_alone(const void *p)
{
	struct arch_cpu *cpu = arch_cpu_enter_alone();
	struct page *page;
	bool freed = false;
	uint32_t size = 0;

	if (unlikely(!cpu))
		return false;
	page = memmap_lookup(cpu, p);
	if (likely(page && page_type(page) == PAGE_TYPE_SLAB && cpu->kernel->backend->plain))
		size = slob_kmalloc_size(p);
	if (likely(size))
		freed = slob_give_alone(cpu, page, (void *)(uintptr_t)p, size, SLOB_KMALLOC_HEADER);
	if (likely(freed)) {
		/* Behind the words of the free block. */
		arch_raw_write(&slob_header(p)->mark, 0);
		cache_live_add_alone(cpu->kernel, NULL, -1);
	}
	arch_cpu_leave(cpu);
	return freed;
}

#endif
