/* SPDX-License-Identifier: MIT */
/*
 * From what kmem_cache_create() was asked to what a slab looks like.
 *
 * An object's stride, with every part that a flag can add:
 *
 *	| left red zone | object | pad | right red zone | free pointer | 2 tracks | right pad |
 *	^ stride begins ^ what callers see    ^ inuse ends             ^ (behind the object only if
 *	                                                                 it may not lie inside)
 *
 *   left red zone   RED_ZONE: 8 bytes, rounded up so that the object stays aligned
 *   right red zone  RED_ZONE: the padding up to the word, or a word if there is no padding
 *   free pointer    normally in the middle of the object, out of reach of small overruns; behind it
 *                   when the object's bytes must survive while it is free: constructor, RCU, POISON
 *   tracks          STORE_USER: who allocated and freed it last
 *   right pad       RED_ZONE: a word that overruns of a neighbour's left red zone would hit
 *
 * The order is the smallest that wastes at most a 16th of the slab and holds enough objects that
 * a CPU rarely needs list_lock: more on machines with more CPUs. If none does, an 8th and a
 * quarter are tried, then fewer objects.
 */
#include "slub/slub.h"

#include "common/debug_words.h"
#include "lib/errno.h"
#include "lib/math.h"

#define WORD ((unsigned int)sizeof(void *))

static unsigned int objects_in(unsigned int order, unsigned int size)
{
	return (unsigned int)(((uint64_t)PAGE_SIZE << order) / size);
}

/* Smallest order that holds @objects and wastes at most a @fraction-th; above @max: none. */
static unsigned int fitting_order(unsigned int size, unsigned int objects, unsigned int min,
				  unsigned int max, unsigned int fraction)
{
	unsigned int order = size_order((size_t)objects * size);

	if (objects_in(min, size) > SLUB_MAX_OBJECTS)
		return size_order((size_t)size * SLUB_MAX_OBJECTS) - 1;
	if (order < min)
		order = min;
	for (; order <= max; order++) {
		uint64_t bytes = (uint64_t)PAGE_SIZE << order;

		if (bytes % size <= bytes / fraction)
			break;
	}
	return order;
}

static unsigned int wanted_objects(const struct kernel *k)
{
	unsigned int bits = 0;

	if (k->params.slub_min_objects)
		return k->params.slub_min_objects;
	for (unsigned int cpus = k->arch->nr_cpus; cpus; cpus >>= 1)
		bits++;
	return 4 * (bits + 1);
}

/* MAX_ORDER or more: no order holds an object. */
static unsigned int calculate_order(const struct kernel *k, unsigned int size)
{
	unsigned int min = k->params.slub_min_order;
	unsigned int max = k->params.slub_max_order;
	unsigned int wanted = wanted_objects(k);
	unsigned int order;

	if (wanted > objects_in(max, size))
		wanted = objects_in(max, size);
	for (; wanted > 1; wanted--) {
		for (unsigned int fraction = 16; fraction >= 4; fraction /= 2) {
			order = fitting_order(size, wanted, min, max, fraction);
			if (order <= max)
				return order;
		}
	}
	/* One object a slab is all that is left, at first within the limit. */
	order = fitting_order(size, 1, min, max, 1);
	if (order <= max)
		return order;
	return fitting_order(size, 1, min, MAX_ORDER, 1);
}

/* Whether an object's bytes must stay as they are while it is free. */
static bool keeps_contents(const struct slub_cache *s)
{
	slab_flags_t flags = s->common.flags;

	return s->common.ctor || (flags & (SLAB_TYPESAFE_BY_RCU | SLAB_POISON)) ||
	       ((flags & SLAB_RED_ZONE) && s->common.object_size < WORD);
}

static void calculate_layout(struct slub_cache *s)
{
	slab_flags_t flags = s->common.flags;
	unsigned int align = s->common.align;
	unsigned int size = round_up(s->common.object_size, WORD);

	if ((flags & SLAB_RED_ZONE) && size == s->common.object_size)
		size += WORD;
	s->inuse = size;
	if (s->common.use_freeptr_offset && !(flags & (SLAB_POISON | SLAB_RED_ZONE))) {
		s->offset = s->common.freeptr_offset;
	} else if (keeps_contents(s)) {
		s->offset = size;
		size += WORD;
	} else {
		s->offset = s->common.object_size / 2 & ~(WORD - 1);
	}
	if (flags & SLAB_STORE_USER)
		size += 2 * (unsigned int)sizeof(struct slub_track);
	/* With tracks a kmalloc object also remembers the size that was asked for. */
	if ((flags & SLAB_STORE_USER) && (flags & SLAB_KMALLOC))
		size += (unsigned int)sizeof(unsigned int);
	s->red_left_pad = 0;
	if (flags & SLAB_RED_ZONE) {
		s->red_left_pad = round_up(WORD, align);
		size += WORD + s->red_left_pad;
	}
	s->common.size = round_up(size, align);
}

static void set_flags(struct slub_cache *s)
{
	slab_flags_t flags = s->common.flags;

	if ((flags & SLAB_POISON) && !(flags & SLAB_TYPESAFE_BY_RCU) && !s->common.ctor)
		s->common.flags |= SLUB_OBJECT_POISON;
	if (!(flags & SLUB_NO_CMPXCHG))
		s->common.flags |= SLUB_CMPXCHG_DOUBLE;
}

static void set_allocflags(struct slub_cache *s)
{
	s->allocflags = s->oo.order ? __GFP_COMP : 0;
	if (s->common.flags & SLAB_CACHE_DMA)
		s->allocflags |= __GFP_DMA;
	if (s->common.flags & SLAB_CACHE_DMA32)
		s->allocflags |= __GFP_DMA32;
	if (s->common.flags & SLAB_RECLAIM_ACCOUNT)
		s->allocflags |= __GFP_RECLAIMABLE;
}

/* log2(size) / 2, between 5 and 10: large objects are dear to make anew. */
static unsigned long min_partial_of(unsigned int size)
{
	unsigned int n = (31u - (unsigned int)__builtin_clz(size)) / 2;

	return n < 5 ? 5 : n > 10 ? 10 : n;
}

static unsigned int cpu_partial_of(const struct slub_cache *s)
{
	unsigned int size = s->common.size;

	if (slub_is_debug(s))
		return 0;
	if (size >= PAGE_SIZE)
		return 6;
	if (size >= 1024)
		return 24;
	return size >= 256 ? 52 : 120;
}

void slub_set_cpu_partial(struct slub_cache *s, unsigned int objects)
{
	/* A list of half-full slabs: twice as many slabs as the objects would fill. */
	uint64_t slabs = (2ull * objects + s->oo.objects - 1) / s->oo.objects;

	__atomic_store_n(&s->cpu_partial, objects, __ATOMIC_RELAXED);
	__atomic_store_n(&s->sheaf_size, s->common.kernel->params.sheaves_never ? 0 : objects,
			 __ATOMIC_RELAXED);
	__atomic_store_n(&s->cpu_partial_slabs, (unsigned int)slabs, __ATOMIC_RELAXED);
}

/* O among the letters of slub_debug: rather no metadata than larger slabs. */
static void keep_order(struct slub_cache *s)
{
	if (size_order(s->common.size) <= size_order(s->common.object_size) ||
	    !debug_words_keep_order(s->common.kernel))
		return;
	s->common.flags &= ~(SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER);
	calculate_layout(s);
}

int slub_calculate_sizes(struct slub_cache *s)
{
	struct kernel *k = s->common.kernel;
	unsigned int order;

	calculate_layout(s);
	keep_order(s);
	set_flags(s);
	order = calculate_order(k, s->common.size);
	if (order >= MAX_ORDER)
		return -E2BIG;
	s->oo.order = order;
	s->oo.objects = objects_in(order, s->common.size);
	s->min.order = size_order(s->common.size);
	s->min.objects = objects_in(s->min.order, s->common.size);
	s->size_magic = UINT64_MAX / s->common.size + 1;
	s->min_partial = min_partial_of(s->common.size);
	slub_set_cpu_partial(s, cpu_partial_of(s));
	s->sheaves_always = k->params.sheaves_always;
	s->remote_node_defrag_ratio = 1000;
	set_allocflags(s);
	return 0;
}
