/* SPDX-License-Identifier: MIT */
/*
 * kmalloc's classes, and what kmalloc(), kfree() and ksize() do outside of them.
 *
 * Boot makes one set of caches for each kind of memory, smallest class first, 96 and 192 behind 64
 * and 128 as Linux does; classes below the backend's smallest are served by that. A power-of-two
 * class is aligned to its size. With isolate_metadata the classes are what kmem_cache_create() would
 * make of the same size and alignment: private copies, which the golden scripts use.
 *
 * Above the largest class a request takes whole pages (large.c).
 */
#include "common/backend.h"
#include "common/registry.h"
#include "common/memcg.h"
#include "common/trace.h"
#include "buddy/buddy.h"
#include "lib/errno.h"
#include "lib/math.h"
#include "lib/report.h"

struct kmalloc_kind {
	const char *prefix;
	slab_flags_t flags;
};

static const struct kmalloc_kind kinds[NR_KMALLOC_TYPES] = {
	[KMALLOC_NORMAL] = { "kmalloc", 0 },
	[KMALLOC_DMA] = { "dma-kmalloc", SLAB_CACHE_DMA },
	[KMALLOC_CGROUP] = { "kmalloc-cg", SLAB_ACCOUNT },
	[KMALLOC_RECLAIM] = { "kmalloc-rcl", SLAB_RECLAIM_ACCOUNT },
};

/* Linux makes the DMA classes after all others. */
static const enum kmalloc_cache_type boot_order[NR_KMALLOC_TYPES] = {
	KMALLOC_NORMAL, KMALLOC_CGROUP, KMALLOC_RECLAIM, KMALLOC_DMA,
};

static unsigned int class_size(unsigned int index)
{
	return index == 1 ? 96 : index == 2 ? 192 : 1u << index;
}

static unsigned int class_of(unsigned int size, unsigned int shift_low)
{
	unsigned int index = shift_low;

	if (size > 64 && size <= 96)
		return 1;
	if (size > 128 && size <= 192)
		return 2;
	while ((1u << index) < size)
		index++;
	return index;
}

static int kmalloc_create(struct kernel *k, enum kmalloc_cache_type type, unsigned int index)
{
	unsigned int size = class_size(index);
	unsigned int align = size & (size - 1) ? ARCH_KMALLOC_MINALIGN : size;
	slab_flags_t flags = kinds[type].flags;
	struct kmem_cache *s;
	char name[24];

	/* As in Linux: nobody is charged, so nothing needs a class of its own. */
	if (type == KMALLOC_CGROUP && k->params.cgroup_nokmem) {
		k->caches->kmalloc.cache[type][index] = k->caches->kmalloc.cache[KMALLOC_NORMAL][index];
		return 0;
	}
	if (align < ARCH_KMALLOC_MINALIGN)
		align = ARCH_KMALLOC_MINALIGN;
	if (!k->params.isolate_metadata)
		flags |= backend_traits.kmalloc_flags | SLAB_KMALLOC;
	if (size < 1024)
		ksnprintf(name, sizeof(name), "%s-%u", kinds[type].prefix, size);
	else
		ksnprintf(name, sizeof(name), "%s-%uk", kinds[type].prefix, size / 1024);
	s = cache_create_boot(k, name, size, align, flags);
	k->caches->kmalloc.cache[type][index] = s;
	if (!s)
		return -ENOMEM;
	/* User space may see all of it. */
	s->usersize = size;
	return 0;
}

static int kmalloc_create_kind(struct kernel *k, enum kmalloc_cache_type type)
{
	unsigned int index;
	int err = 0;

	for (index = backend_traits.kmalloc_shift_low; index <= KMALLOC_SHIFT_HIGH && !err; index++) {
		err = kmalloc_create(k, type, index);
		if (!err && index == 6)
			err = kmalloc_create(k, type, 1);
		if (!err && index == 7)
			err = kmalloc_create(k, type, 2);
	}
	return err;
}

int kmalloc_init(struct kernel *k)
{
	struct kmalloc_caches *kc = &k->caches->kmalloc;
	unsigned int i;
	int err = 0;

	if (!backend_traits.kmalloc_shift_low)
		return 0;
	for (i = 0; i < sizeof(kc->size_index); i++)
		kc->size_index[i] = (uint8_t)class_of(8 * (i + 1), backend_traits.kmalloc_shift_low);
	for (i = 0; i < NR_KMALLOC_TYPES && !err; i++)
		err = kmalloc_create_kind(k, boot_order[i]);
	return err;
}

size_t kmalloc_size_roundup(size_t size)
{
	size_t bytes = PAGE_SIZE;

	if (!size)
		return 0;
	if (!backend_traits.kmalloc_shift_low && size <= SIZE_MAX - ARCH_KMALLOC_MINALIGN)
		return round_up(size, ARCH_KMALLOC_MINALIGN);
	if (size <= backend_traits.kmalloc_max_cache)
		return class_size(class_of((unsigned int)size, backend_traits.kmalloc_shift_low));
	while (bytes < size && bytes <= SIZE_MAX / 2)
		bytes *= 2;
	return bytes < size ? SIZE_MAX : bytes;
}

/* --- outside the classes ---------------------------------------------------------------------- */

noinline void *kmalloc_slow(size_t size, gfp_t gfp, int node, const void *caller)
{
	struct memcg_charge charge;
	struct kernel *k;
	void *object;

	if (!size)
		return ZERO_SIZE_PTR;
	k = arch_kernel();
	if (!k)
		return NULL;
	if (size > KMALLOC_MAX_SIZE) {
		if (!(gfp & __GFP_NOWARN))
			report_warn_on(k, "kmalloc: %zu bytes are more than KMALLOC_MAX_SIZE (%lu)",
				       size, KMALLOC_MAX_SIZE);
		return NULL;
	}
	node = slab_request_node(k, gfp, node, "kmalloc_node");
	if (node == SLAB_NO_NODE)
		return NULL;
	if (!memcg_charge(k, NULL, gfp, large_bytes(size), &charge))
		return NULL;
	object = large_alloc(k, size, gfp, node);
	memcg_settle(k, &charge, object);
	trace_kmalloc(caller, object, size, large_bytes(size), gfp, node);
	return object;
}

/* The block of whole pages that starts at @p; else NULL after a report in the name of @what. */
static struct page *large_head(struct kernel *k, struct arch_cpu *cpu, const char *what, const void *p)
{
	struct page *page = memmap_lookup(cpu, p);
	struct page *head = page ? page->head : NULL;

	if (!head || !(head->flags & PG_LARGE)) {
		bool is_free = page && (page->type == PAGE_TYPE_BUDDY || page->type == PAGE_TYPE_PCP);

		slab_bug(k, what, NULL, p, is_free ? SLAB_BUG_FREE_PAGE : SLAB_BUG_NO_SLAB);
		return NULL;
	}
	if (memmap_address(cpu, head) != p) {
		slab_bug(k, what, NULL, p, SLAB_BUG_INNER_BLOCK);
		return NULL;
	}
	return head;
}

noinline void kfree_slow(const void *p)
{
	struct arch_cpu *cpu;
	struct page *head;

	if (ZERO_OR_NULL_PTR(p))
		return;
	cpu = arch_cpu_current();
	if (!cpu)
		return;
	head = large_head(cpu->kernel, cpu, "kfree", p);
	if (head)
		large_free(cpu->kernel, head);
}

noinline size_t ksize_slow(const void *p)
{
	struct arch_cpu *cpu;
	struct page *head;

	if (ZERO_OR_NULL_PTR(p))
		return 0;
	cpu = arch_cpu_current();
	if (!cpu)
		return 0;
	head = large_head(cpu->kernel, cpu, "ksize", p);
	return head ? large_size(head) : 0;
}
