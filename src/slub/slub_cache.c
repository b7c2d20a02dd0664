/* SPDX-License-Identifier: MIT */
/*
 * The life of a cache: its per-CPU and per-node parts made and taken down, and emptied on demand.
 *
 * Flush = claim each CPU that a thread ever ran on, take slab and lists out of its part, let go,
 * and bring them to their nodes. After it all slabs of an unused cache are full or on their
 * node's partial list, so that live objects can be counted: all objects minus the free ones of
 * the partial lists.
 */
#include "slub/slub.h"

#include "lib/errno.h"
#include "lib/fork.h"

/* Free objects with which a slab still gets a place at the front at shrink. */
#define SHRINK_PROMOTE_MAX 32

const struct backend_traits backend_traits = {
	.name = "slub",
	.title = "SLUB",
	.cache_size = sizeof(struct slub_cache),
	.kmalloc_shift_low = 3,
	.kmalloc_max_cache = KMALLOC_MAX_CACHE_SIZE,
	.kmalloc_flags = 0,
	.create_flags = SLUB_DEBUG_FLAGS | SLAB_HWCACHE_ALIGN | SLAB_CACHE_DMA | SLAB_CACHE_DMA32 |
			SLAB_PANIC | SLAB_TYPESAFE_BY_RCU | SLAB_DEBUG_OBJECTS | SLAB_NOLEAKTRACE |
			SLAB_RECLAIM_ACCOUNT | SLAB_ACCOUNT | SLAB_NO_USER_FLAGS |
			SLAB_FAILSLAB,
	.debug_flags = SLUB_DEBUG_FLAGS | SLAB_FAILSLAB,
	.has_slabinfo = true,
	.merges = true,
	.validate = slub_validate,
	.files = &slub_files,
};

int backend_init(struct kernel *k)
{
	k->backend = arch_host_alloc(k->arch, sizeof(*k->backend));
	if (!k->backend)
		return -ENOMEM;
	k->backend->rand = k->params.seed;
	k->backend->secrets = k->params.seed;
	k->backend->shut_off = percpu_alloc(k, sizeof(struct slub_cpu), ARCH_CACHE_LINE);
	return k->backend->shut_off ? 0 : -ENOMEM;
}

/* --- create, release ----------------------------------------------------------------------- */

/* Slabs never come from HIGHMEM or ZONE_MOVABLE. */
static bool has_slab_memory(struct kernel *k, unsigned int nid)
{
	const struct pgdat *pgdat = buddy_node(k, (int)nid);

	for (int zone = 0; zone <= KMEM_ZONE_NORMAL; zone++)
		if (pgdat->zones[zone].present)
			return true;
	return false;
}

static void release_nodes(struct slub_cache *s)
{
	struct kernel *k = s->common.kernel;
	struct slub_node *n;

	for_each_kmem_cache_node(s, nid, n)
		meta_free(k, n, sizeof(*n));
	meta_free(k, s->nodes, s->nr_nodes * sizeof(s->nodes[0]));
	s->nodes = NULL;
}

static int create_nodes(struct slub_cache *s)
{
	struct kernel *k = s->common.kernel;

	s->nr_nodes = buddy_nr_nodes(k);
	s->nodes = meta_alloc(k, s->nr_nodes * sizeof(s->nodes[0]), NUMA_NO_NODE);
	if (!s->nodes)
		return -ENOMEM;
	for (unsigned int i = 0; i < s->nr_nodes; i++) {
		struct slub_node *n;

		if (!has_slab_memory(k, i))
			continue;
		n = meta_alloc(k, sizeof(*n), (int)i);
		if (!n) {
			release_nodes(s);
			return -ENOMEM;
		}
		arch_spin_init(&n->list_lock, LOCK_RANK_NODE_LIST);
		list_init(&n->partial);
		list_init(&n->all);
		s->nodes[i] = n;
	}
	return 0;
}

/*
 * What must be done at every allocation or free of some caches is done by the slow paths; the fast
 * ones of such a cache look at a struct slub_cpu that has nothing to offer. So they need no test of
 * their own.
 */
static void shut_fast_paths(struct slub_cache *s)
{
	size_t shut_off = s->common.kernel->backend->shut_off;

	s->slow_free = slub_is_debug(s) || s->common.init_on_free || s->hardened;
	s->free_off = s->slow_free ? shut_off : s->cpu_off;
	/* With init_on_free the free pointer is to be wiped too. */
	s->alloc_off = s->common.init_gfp || s->common.init_on_free || s->hardened ? shut_off : s->cpu_off;
}

int backend_create(struct kmem_cache *cache)
{
	struct slub_cache *s = slub_of(cache);
	struct kernel *k = cache->kernel;
	int err = slub_calculate_sizes(s);

	if (err)
		return err;
	s->cpu_off = percpu_alloc(k, sizeof(struct slub_cpu), ARCH_CACHE_LINE);
	if (!s->cpu_off)
		return -ENOMEM;
	cache_set_init(cache);
	slub_harden_init(s);
	shut_fast_paths(s);
	err = create_nodes(s);
	if (err) {
		percpu_free(k, s->cpu_off, sizeof(struct slub_cpu));
		return err;
	}
	err = slub_shuffle_init(s);
	if (err)
		backend_release(cache);
	return err;
}

void backend_release(struct kmem_cache *cache)
{
	struct slub_cache *s = slub_of(cache);

	slub_shuffle_release(s);
	percpu_free(cache->kernel, s->cpu_off, sizeof(struct slub_cpu));
	release_nodes(s);
}

size_t backend_management_bytes(struct kmem_cache *cache)
{
	struct slub_cache *s = slub_of(cache);
	size_t bytes = s->nr_nodes * sizeof(s->nodes[0]);
	struct slub_node *n;

	for_each_kmem_cache_node(s, nid, n)
		bytes += sizeof(*n);
	return bytes + cache->kernel->arch->nr_cpus * sizeof(struct slub_cpu);
}

/* --- shrink, shutdown ---------------------------------------------------------------------- */

void slub_flush_all(struct slub_cache *s)
{
	const struct arch_machine *am = s->common.kernel->arch;
	bool loose = false;

	if (slub_is_debug(s))
		return;
	for (unsigned int id = arch_cpu_next_used(am, 0); id < am->nr_cpus;
	     id = arch_cpu_next_used(am, id + 1))
		loose |= slub_flush_cpu(s, id);
	if (loose)
		slub_flush_cpu(s, arch_cpu_current()->id);
}

static void free_slabs(struct slub_cache *s, struct list_head *slabs)
{
	struct slub_slab *slab, *next;

	list_for_each_entry_safe(slab, next, slabs, partial)
		slub_free_slab(s, slab);
}

static void take_empty_locked(struct slub_node *n, struct slub_slab *slab, struct list_head *empty)
{
	slub_remove_partial_locked(n, slab);
	slub_node_remove_locked(n, slab);
	list_add(&slab->partial, empty);
}

/* Empty slabs leave; the fullest of the others come to the front, so that the rest may drain. */
static void shrink_node(struct slub_cache *s, struct slub_node *n)
{
	struct list_head promoted[SHRINK_PROMOTE_MAX], empty;
	struct slub_slab *slab, *next;

	list_init(&empty);
	for (unsigned int i = 0; i < SHRINK_PROMOTE_MAX; i++)
		list_init(&promoted[i]);
	arch_spin_lock(&n->list_lock);
	list_for_each_entry_safe(slab, next, &n->partial, partial) {
		union slub_state state = slub_load(slab);
		unsigned int free = (unsigned int)(state.objects - state.inuse);

		if (free == state.objects)
			take_empty_locked(n, slab, &empty);
		else if (free <= SHRINK_PROMOTE_MAX)
			list_move(&slab->partial, &promoted[free - 1]);
	}
	for (unsigned int i = SHRINK_PROMOTE_MAX; i-- > 0;)
		list_splice_init(&promoted[i], &n->partial);
	arch_spin_unlock(&n->list_lock);
	free_slabs(s, &empty);
}

int backend_shrink(struct kmem_cache *cache)
{
	struct slub_cache *s = slub_of(cache);
	struct slub_counts left;
	struct slub_node *n;

	slub_flush_all(s);
	for_each_kmem_cache_node(s, nid, n)
		shrink_node(s, n);
	slub_count(s, &left);
	return left.slabs != 0;
}

static void free_empty(struct slub_cache *s, struct slub_node *n)
{
	struct slub_slab *slab, *next;
	struct list_head empty;

	list_init(&empty);
	arch_spin_lock(&n->list_lock);
	list_for_each_entry_safe(slab, next, &n->partial, partial)
		if (!slub_load(slab).inuse)
			take_empty_locked(n, slab, &empty);
	arch_spin_unlock(&n->list_lock);
	free_slabs(s, &empty);
}

unsigned long backend_shutdown(struct kmem_cache *cache)
{
	struct slub_cache *s = slub_of(cache);
	struct slub_counts left;
	struct slub_node *n;

	slub_flush_all(s);
	for_each_kmem_cache_node(s, nid, n)
		free_empty(s, n);
	slub_count(s, &left);
	return left.objects - left.free;
}

long backend_offset(const struct kmem_cache *cache, const struct page *head, const void *p)
{
	const struct slub_slab *slab = slub_slab_of((struct page *)(uintptr_t)head);
	const struct slub_cache *s = slab->cache;
	uintptr_t off = (uintptr_t)p - (uintptr_t)slub_address(s, slab);

	if (off >= (uintptr_t)slub_load(slab).objects * cache->size)
		return BACKEND_NO_OBJECT;
	return (long)(off % cache->size) - (long)s->red_left_pad;
}

void backend_object_grew(struct kmem_cache *cache)
{
	struct slub_cache *s = slub_of(cache);

	if (s->inuse < cache->object_size)
		s->inuse = (cache->object_size + (unsigned int)sizeof(void *) - 1) &
			   ~((unsigned int)sizeof(void *) - 1);
}

struct kmem_cache *backend_cache_of(struct kernel *k, struct page *page)
{
	if (page_type(page) != PAGE_TYPE_SLAB)
		return NULL;
	return &slub_slab_of(page)->cache->common;
}

bool backend_fork(struct kernel *k, struct fork_walk *w)
{
	struct kmem_cache *s;

	list_for_each_entry(s, &k->caches->list, list) {
		struct slub_cache *c = slub_of(s);
		struct slub_node *n;

		for_each_kmem_cache_node(c, nid, n)
			if (!fork_spinlock(w, &n->list_lock))
				return false;
	}
	return true;
}
