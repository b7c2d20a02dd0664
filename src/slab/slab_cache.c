/* SPDX-License-Identifier: MIT */
/*
 * SLAB, the allocator of Bonwick's paper (The Slab Allocator, USENIX 1994) as Linux 6.1 has it.
 *
 * A cache serves objects of one size. It cuts blocks of pages, the slabs, into objects, and keeps
 * per-CPU arrays of free objects in front of them, so that nearly every allocation and free is a
 * pop or push of this CPU's array, last in first out: the object handed out is the one whose bytes
 * are most likely still in the CPU's caches.
 *
 *	kmem_cache_alloc   slab_alloc.c     pop; refill; other nodes
 *	kmem_cache_free    slab_free.c      check; push; flush
 *	arrays             slab_array.c     per CPU, shared, alien
 *	what idles         slab_reap.c      goes back, by and by
 *	tunables           slab_tune.c
 *	is all well?       slab_validate.c
 *	slab lists         slab_node.c      partial, full, free; free_limit
 *	a slab             slab_slab.c      colour, free list
 *	its shape          slab_geometry.c
 *	life of a cache    here
 *
 * An object is in exactly one place: handed out; in one array (of a CPU, shared or alien); or on
 * the free list of its slab. Moves between places:
 *
 *	slab ──▶ CPU array ──▶ user ──▶ CPU array of the object's node ──▶ shared array ──▶ slab
 *	  └─────────────────▶ user ──▶ alien array ──▶ shared array or slab of the object's node
 *
 * Locks: slab.h. Creation, shrinking and destruction are serialised by the registry's mutex.
 */
#include "slab/slab.h"

#include "lib/errno.h"

/* What Linux's SLAB keeps of a caller's flags when it is built without DEBUG_SLAB. */
#define SLAB_CREATE_FLAGS                                                                    \
	(SLAB_HWCACHE_ALIGN | SLAB_CACHE_DMA | SLAB_CACHE_DMA32 | SLAB_PANIC |                \
	 SLAB_TYPESAFE_BY_RCU | SLAB_MEM_SPREAD | SLAB_NOLEAKTRACE | SLAB_RECLAIM_ACCOUNT |   \
	 SLAB_ACCOUNT | SLAB_FAILSLAB)

const struct backend_traits backend_traits = {
	.name = "slab",
	.title = "SLAB",
	.cache_size = sizeof(struct slab_cache),
	.kmalloc_shift_low = 5,
	.kmalloc_max_cache = KMALLOC_MAX_CACHE_SIZE,
	.kmalloc_flags = SLAB_HWCACHE_ALIGN,
	.create_flags = SLAB_CREATE_FLAGS,
	.debug_flags = SLAB_DEBUG_FLAGS | SLAB_FAILSLAB,
	.has_slabinfo = true,
	.merges = true,
	.reaps = true,
	.merge_same_align = true,
	.tune = slab_tune,
	.reap = slab_reap,
	.reap_first_ms = SLAB_REAP_FIRST_MS,
	.reap_ms = SLAB_REAP_MS,
	.validate = slab_validate,
};

int backend_init(struct kernel *k)
{
	k->backend = arch_host_alloc(k->arch, sizeof(*k->backend));
	if (!k->backend)
		return -ENOMEM;
	k->backend->empty_off = percpu_alloc(k, slab_array_bytes(0), ARCH_CACHE_LINE);
	return k->backend->empty_off ? 0 : -ENOMEM;
}

/*
 * What init_on_alloc, init_on_free and debugging ask for is done by the slow paths; the fast ones of such a
 * cache look at an array with nothing in it, and at one that is full. So they need no test of their
 * own.
 */
void slab_set_fast_paths(struct slab_cache *s)
{
	bool alloc_shut = s->common.init_gfp || s->debug;
	bool free_shut = s->common.init_on_free || s->debug;

	s->alloc_off = alloc_shut ? s->common.kernel->backend->empty_off : s->cpu_off;
	s->free_below = free_shut ? 0 : s->limit;
}

static gfp_t slab_allocflags(slab_flags_t flags)
{
	gfp_t gfp = __GFP_COMP;

	if (flags & SLAB_CACHE_DMA)
		gfp |= __GFP_DMA;
	if (flags & SLAB_CACHE_DMA32)
		gfp |= __GFP_DMA32;
	if (flags & SLAB_RECLAIM_ACCOUNT)
		gfp |= __GFP_RECLAIMABLE;
	return gfp;
}

static bool slab_create_nodes(struct slab_cache *s)
{
	unsigned int nid;

	s->node = meta_alloc(s->common.kernel, s->nr_nodes * sizeof(*s->node), NUMA_NO_NODE);
	for (nid = 0; s->node && nid < s->nr_nodes; nid++) {
		s->node[nid] = slab_node_create(s, nid);
		if (!s->node[nid])
			return false;
	}
	return s->node;
}

int backend_create(struct kmem_cache *cache)
{
	struct slab_cache *s = to_slab_cache(cache);
	struct kernel *k = cache->kernel;
	struct slab_request req = {
		.object_size = cache->object_size,
		.align = cache->align,
		.ctor = cache->ctor,
		.max_order = k->params.slab_max_order,
		.nr_cpus = k->arch->nr_cpus,
	};
	int err;

	cache->flags = slab_debug_flags(s);
	req.flags = cache->flags;
	s->debug = slab_debug_flags_of(cache->flags);
	cache_set_init(cache);
	req.init_on_free = cache->init_on_free;
	err = slab_geometry(&s->geo, &req);
	if (err)
		return err;
	cache->size = s->geo.size;
	cache->align = s->geo.align;
	s->span = s->geo.num * s->geo.size;
	s->recip = UINT64_MAX / s->geo.size + 1;
	s->limit = s->geo.limit;
	s->batchcount = s->geo.batchcount;
	s->shared = s->geo.shared;
	s->allocflags = slab_allocflags(cache->flags);
	s->nr_nodes = buddy_nr_nodes(k);
	s->node = NULL;
	s->cpu_off = percpu_alloc(k, slab_array_bytes(s->limit), ARCH_CACHE_LINE);
	slab_set_fast_paths(s);
	if (s->cpu_off && slab_create_nodes(s))
		return 0;
	backend_release(cache);
	return -ENOMEM;
}

void backend_release(struct kmem_cache *cache)
{
	struct slab_cache *s = to_slab_cache(cache);
	struct kernel *k = cache->kernel;
	unsigned int nid;

	for (nid = 0; s->node && nid < s->nr_nodes; nid++) {
		if (s->node[nid])
			slab_node_release(s, s->node[nid]);
	}
	if (s->node)
		meta_free(k, s->node, s->nr_nodes * sizeof(*s->node));
	s->node = NULL;
	if (s->cpu_off)
		percpu_free(k, s->cpu_off, slab_array_bytes(s->limit));
	s->cpu_off = 0;
}

/* Everything free back into the slabs, every free slab back to the page allocator. */
static void slab_drain(struct slab_cache *s)
{
	unsigned int nid;

	slab_drain_arrays(s);
	for (nid = 0; nid < s->nr_nodes; nid++)
		slab_node_drain_free_list(s, s->node[nid], ULONG_MAX);
}

int backend_shrink(struct kmem_cache *cache)
{
	struct slab_cache *s = to_slab_cache(cache);
	unsigned int nid;
	int left = 0;

	slab_drain(s);
	for (nid = 0; nid < s->nr_nodes; nid++) {
		struct slab_node *n = s->node[nid];

		arch_spin_lock(&n->list_lock);
		left |= !list_empty(&n->partial) || !list_empty(&n->full);
		arch_spin_unlock(&n->list_lock);
	}
	return left;
}

unsigned long backend_shutdown(struct kmem_cache *cache)
{
	struct slab_cache *s = to_slab_cache(cache);
	unsigned long live = 0;
	unsigned int nid;

	slab_drain(s);
	for (nid = 0; nid < s->nr_nodes; nid++) {
		struct slab_node *n = s->node[nid];

		arch_spin_lock(&n->list_lock);
		live += n->total_slabs * s->geo.num - n->free_objects;
		arch_spin_unlock(&n->list_lock);
	}
	return live;
}

long backend_offset(const struct kmem_cache *cache, const struct page *head, const void *p)
{
	const struct slab_slab *slab = page_slab((struct page *)(uintptr_t)head);
	const struct slab_cache *s = slab->cache;
	uintptr_t off = (uintptr_t)p - (uintptr_t)slab->s_mem + s->geo.obj_offset;

	return off < s->span ? (long)(off % s->geo.size) - (long)s->geo.obj_offset :
			       BACKEND_NO_OBJECT;
}

void backend_object_grew(struct kmem_cache *s)
{
}

struct kmem_cache *backend_cache_of(struct kernel *k, struct page *page)
{
	return page_type(page) == PAGE_TYPE_SLAB ? &page_slab(page)->cache->common : NULL;
}
