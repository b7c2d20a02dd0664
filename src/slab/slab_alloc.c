/* SPDX-License-Identifier: MIT */
/*
 * Allocation.
 *
 *	fast    the youngest object of this CPU's array
 *	refill  the array is empty: take a batch from the node (its shared array, its slabs, a new
 *	        slab), hand out the last object of it and put the others into the array
 *	node    an object of another node: one at a time from that node's slabs, no array
 *	last    the node has no memory: free objects of other nodes by distance, then a new slab
 *	        from anywhere, with everything the caller's flags permit
 *
 * Up to "last" the page allocator is asked for the one node, without reclaim and without a warning:
 * free objects elsewhere are better than reclaim here.
 *
 * The batch is taken outside the CPU's section, with the node's lock, into an array on the stack;
 * then the section is entered again. By then the thread may be on another CPU, or another thread of
 * a shared CPU may have filled the array: what does not fit there goes back to the node.
 */
#include "slab/slab.h"

#include "common/failslab.h"
#include "common/memcg.h"
#include "common/trace.h"
#include "lib/context.h"
#include "lib/string.h"

/* Try one node only, and do not insist. */
static gfp_t slab_gfp_exact(gfp_t gfp)
{
	return (gfp | __GFP_THISNODE | __GFP_NOWARN) & ~(__GFP_RECLAIM | __GFP_NOFAIL);
}

/* One object of a CPU's array, in its section; NULL: it is empty. */
static __always_inline void *slab_pop(struct slab_array *ac)
{
	unsigned int left;
	void *object;

	if (unlikely(__builtin_sub_overflow(ac->avail, 1, &left)))
		return NULL;
	ac->touched = 1;
	ac->avail = left;
	object = ac->entry[left];
	/* Spares callers their test for NULL once more. */
	if (!object)
		__builtin_unreachable();
	return object;
}

/* --- refill ----------------------------------------------------------------------------------- */

/* Hand out the last object of a batch of node @n and put the others into this CPU's array, as far
 * as they belong there. */
static void *slab_stock(struct slab_cache *s, struct slab_node *n, void **batch, unsigned int nr)
{
	void *object = batch[--nr];
	unsigned int put = 0;
	struct arch_cpu *cpu = arch_cpu_lock();

	if (likely(cpu && cpu->kernel == s->common.kernel && cpu->node == n->nid)) {
		struct slab_array *ac = slab_cpu_array(s, cpu);
		unsigned int room = s->limit - ac->avail;

		put = nr < room ? nr : room;
		memcpy(ac->entry + ac->avail, batch, put * sizeof(*batch));
		ac->avail += put;
		ac->touched = 1;
	}
	if (likely(cpu))
		arch_cpu_unlock(cpu);
	if (unlikely(put < nr))
		slab_node_free(s, n, batch + put, nr - put);
	return object;
}

/* A batchcount that slabinfo was told: the same in several steps. The object that one step would
 * hand out is the first of the next one's batch. */
static noinline void *slab_refill_pieces(struct slab_cache *s, gfp_t gfp, unsigned int nid,
					 unsigned int want)
{
	enum slab_source from = SLAB_FROM_ANY;
	struct slab_node *n = s->node[nid];
	void *batch[SLAB_BATCH_MAX];
	void *object = NULL;
	unsigned int nr, have;

	for (; want; want -= nr) {
		have = object ? 1 : 0;
		batch[0] = object;
		nr = slab_node_take_piece(s, n, batch + have, want, SLAB_BATCH_MAX - have, &from);
		if (!nr && !object)
			nr = slab_node_grow(s, slab_gfp_exact(gfp), (int)nid, batch, SLAB_BATCH_MAX);
		if (!nr)
			break;
		object = slab_stock(s, n, batch, have + nr);
	}
	return object;
}

static void *slab_refill(struct slab_cache *s, gfp_t gfp, unsigned int nid, unsigned int want)
{
	struct slab_node *n = s->node[nid];
	void *batch[SLAB_BATCH_MAX];
	unsigned int nr;

	if (unlikely(want > SLAB_BATCH_MAX))
		return slab_refill_pieces(s, gfp, nid, want);
	nr = slab_node_take(s, n, batch, want);
	if (!nr)
		nr = slab_node_grow(s, slab_gfp_exact(gfp), (int)nid, batch, want);
	return nr ? slab_stock(s, n, batch, nr) : NULL;
}

/* --- without the array ------------------------------------------------------------------------ */

static void *slab_alloc_from_node(struct slab_cache *s, gfp_t gfp, unsigned int nid)
{
	void *object;

	if (slab_node_take_lists(s, s->node[nid], &object, 1))
		return object;
	if (slab_node_grow(s, slab_gfp_exact(gfp), (int)nid, &object, 1))
		return object;
	return NULL;
}

static void *slab_alloc_anywhere(struct slab_cache *s, gfp_t gfp, unsigned int here)
{
	const struct zoneref *ref = buddy_node(s->common.kernel, (int)here)->zonelist;
	void *object;

	for (; ref->zone; ref++) {
		struct slab_node *n = s->node[ref->zone->pgdat->nid];

		if (slab_node_take_lists(s, n, &object, 1))
			return object;
	}
	return slab_node_grow(s, gfp, (int)here, &object, 1) ? object : NULL;
}

/* --- the slow entry --------------------------------------------------------------------------- */

static noinline void slab_foreign_cache(struct kernel *k, const struct slab_cache *s)
{
	report_bug(k, "kmem_cache_alloc: cache 0x%llx is no live cache of this machine",
		   slab_addr(s));
}

/* How many objects a refill takes; the CPU's section. */
static unsigned int slab_refill_batch(const struct slab_cache *s, const struct slab_array *ac)
{
	unsigned int batch = s->batchcount;

	if (!ac->touched && batch > SLAB_BATCH_REFILL_LIMIT)
		batch = SLAB_BATCH_REFILL_LIMIT;
	return batch;
}

static void *slab_alloc_slow(struct slab_cache *s, gfp_t gfp, int nid);

static noinline void *slab_alloc_absent_node(struct slab_cache *s, gfp_t gfp, int nid)
{
	nid = slab_request_node(s->common.kernel, gfp, nid, "kmem_cache_alloc_node");
	return nid == SLAB_NO_NODE ? NULL : slab_alloc_slow(s, gfp, nid);
}

static noinline void *slab_alloc_slow(struct slab_cache *s, gfp_t gfp, int nid)
{
	struct arch_cpu *cpu = arch_cpu_lock();
	unsigned int here, batch = 0;
	struct kernel *k;
	void *object = NULL;

	if (!cpu)
		return NULL;
	k = cpu->kernel;
	here = cpu->node;
	if (k != s->common.kernel) {
		arch_cpu_unlock(cpu);
		slab_foreign_cache(k, s);
		return NULL;
	}
	if (unlikely(nid != NUMA_NO_NODE && (unsigned int)nid >= s->nr_nodes)) {
		arch_cpu_unlock(cpu);
		return slab_alloc_absent_node(s, gfp, nid);
	}
	if (nid == NUMA_NO_NODE || nid == (int)here) {
		nid = (int)here;
		object = slab_pop(slab_cpu_array(s, cpu));
		batch = slab_refill_batch(s, slab_cpu_array(s, cpu));
	}
	arch_cpu_unlock(cpu);
	context_might_alloc(gfp, "slab allocation");
	if (object)
		return object;

	if (batch)
		object = slab_refill(s, gfp, (unsigned int)nid, batch);
	if (!object)
		object = slab_alloc_from_node(s, gfp, (unsigned int)nid);
	if (!object && !(gfp & __GFP_THISNODE))
		object = slab_alloc_anywhere(s, gfp, here);
	return object;
}

/* --- public ----------------------------------------------------------------------------------- */

/* An object from wherever there is one; a debug cache looks at it first. */
static void *slab_alloc_checked(struct slab_cache *s, gfp_t gfp, int nid, unsigned long caller)
{
	void *object;

	do
		object = slab_alloc_slow(s, gfp, nid);
	while (object && unlikely(s->debug) && !slab_debug_check_alloc(s, object, caller));
	return object;
}

/* It becomes the user's. */
static inline void slab_hand_out(struct slab_cache *s, void *object)
{
	slab_unpoison_object(s, object);
	if (unlikely(s->debug))
		slab_debug_fill_alloc(s, object);
}

/* What the fast paths leave to do: find an object if there is none yet, zero it if asked. */
static noinline void *slab_alloc_finish(struct slab_cache *s, gfp_t gfp, int nid, void *object,
					unsigned long caller)
{
	if (!object)
		object = slab_alloc_checked(s, gfp, nid, caller);
	if (unlikely(!object))
		return NULL;
	slab_hand_out(s, object);
	if (slab_want_zero(&s->common, gfp))
		memset(object, 0, cache_object_size(&s->common));
	return object;
}

/* The same with nothing found yet, charged to the thread's group if there is one. */
static void *slab_alloc_charged(struct slab_cache *s, gfp_t gfp, int nid, unsigned long caller)
{
	struct kernel *k = s->common.kernel;
	struct memcg_charge charge;
	void *object;

	if (unlikely(k != arch_cpu_ptr->kernel))
		/* which has a machine found, or says why not */
		return slab_alloc_finish(s, gfp, nid, NULL, caller);
	if (failslab_hits(k, &s->common, gfp))
		return NULL;
	if (!memcg_charge(k, &s->common, gfp, s->common.size, &charge))
		return NULL;
	object = slab_alloc_finish(s, gfp, nid, NULL, caller);
	memcg_settle(k, &charge, object);
	return object;
}

/* A thread whose CPU could not be entered the fast way: all of them while events are traced, or
 * objects charged. Without a machine the cache is not there either, in a fork()'s child. */
static noinline void *slab_alloc_unentered(struct slab_cache *s, gfp_t gfp, int nid,
					   const void *caller)
{
	void *object;

	if (unlikely(!arch_cpu_current()))
		return NULL;
	object = slab_alloc_charged(s, gfp, nid, (unsigned long)caller);
	trace_kmem_cache_alloc(caller, &s->common, object, gfp, nid);
	return object;
}

/* Whether this CPU's array may serve a request for @nid. */
static __always_inline bool slab_node_is_here(int nid, const struct arch_cpu *cpu)
{
	return nid == NUMA_NO_NODE || nid == (int)cpu->node;
}

/* The end of every fast path: @object is what it found. */
static __always_inline void *slab_alloc_end(struct slab_cache *s, gfp_t gfp, int nid, void *object)
{
	if (likely(object && !(gfp & __GFP_ZERO))) {
		slab_unpoison_object(s, object);
		return object;
	}
	return slab_alloc_finish(s, gfp, nid, object, SLAB_CALLER);
}

static __always_inline void *slab_alloc(struct slab_cache *s, gfp_t gfp, int nid)
{
	struct arch_cpu *cpu = arch_cpu_tryenter();
	void *object = NULL;

	if (unlikely(!cpu))
		return slab_alloc_unentered(s, gfp, nid, __builtin_return_address(0));
	if (likely(s->common.kernel == cpu->kernel && slab_node_is_here(nid, cpu)))
		object = slab_pop(percpu_ptr(cpu, s->alloc_off));
	arch_cpu_leave(cpu);
	return slab_alloc_end(s, gfp, nid, object);
}

void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	return slab_alloc(to_slab_cache(cache), gfp, NUMA_NO_NODE);
}

void *kmem_cache_alloc_node(struct kmem_cache *cache, gfp_t gfp, int node)
{
	return slab_alloc(to_slab_cache(cache), gfp, node);
}

static noinline void *slab_kmalloc_unentered(size_t size, gfp_t gfp, int nid, const void *caller)
{
	struct kernel *k = arch_kernel();
	struct slab_cache *s;
	void *object;

	if (!k)
		return NULL;
	s = to_slab_cache(kmalloc_cache(&k->caches->kmalloc, size, gfp));
	object = slab_alloc_charged(s, gfp, nid, (unsigned long)caller);
	trace_kmalloc(caller, object, size, s->common.size, gfp, nid);
	return object;
}

static __always_inline void *slab_kmalloc(size_t size, gfp_t gfp, int nid)
{
	struct arch_cpu *cpu;
	struct slab_cache *s;
	void *object = NULL;

	if (unlikely(size - 1 >= KMALLOC_MAX_CACHE_SIZE))
		return kmalloc_slow(size, gfp, nid, __builtin_return_address(0));
	cpu = arch_cpu_tryenter();
	if (unlikely(!cpu))
		return slab_kmalloc_unentered(size, gfp, nid, __builtin_return_address(0));
	s = to_slab_cache(kmalloc_cache(&cpu->kernel->caches->kmalloc, size, gfp));
	if (likely(slab_node_is_here(nid, cpu)))
		object = slab_pop(percpu_ptr(cpu, s->alloc_off));
	arch_cpu_leave(cpu);
	return slab_alloc_end(s, gfp, nid, object);
}

void *kmalloc(size_t size, gfp_t gfp)
{
	return slab_kmalloc(size, gfp, NUMA_NO_NODE);
}

void *kmalloc_node(size_t size, gfp_t gfp, int node)
{
	return slab_kmalloc(size, gfp, node);
}

/* --- bulk ------------------------------------------------------------------------------------- */

/* As many objects as the CPU's array has, in one section. */
static size_t slab_pop_bulk(struct slab_cache *s, size_t nr, void **p)
{
	struct arch_cpu *cpu = arch_cpu_tryenter();
	struct slab_array *ac;
	size_t i = 0;

	if (unlikely(!cpu))
		return 0;
	ac = percpu_ptr(cpu, s->alloc_off);
	while (i < nr && s->common.kernel == cpu->kernel && (p[i] = slab_pop(ac)))
		i++;
	arch_cpu_leave(cpu);
	return i;
}

/* In an atomic context all objects come by here, and the first one's report is the call's. */
static noinline void *slab_alloc_one(struct slab_cache *s, gfp_t gfp, bool first,
				     unsigned long caller)
{
	struct kernel *k = arch_kernel();
	struct memcg_charge charge = { .group = NULL };
	void *object;

	if (unlikely(!k))
		return NULL;
	if (likely(k == s->common.kernel) &&
	    (failslab_hits(k, &s->common, gfp) ||
	     !memcg_charge(k, &s->common, gfp, s->common.size, &charge)))
		return NULL;
	context_begin_alloc(first ? gfp : 0, "slab allocation");
	object = slab_alloc_checked(s, gfp, NUMA_NO_NODE, caller);
	context_end_call();
	memcg_settle(k, &charge, object);
	return object;
}

int kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp, size_t nr, void **p)
{
	struct slab_cache *s = to_slab_cache(cache);
	size_t i = 0, j;

	while (i < nr) {
		size_t popped = slab_pop_bulk(s, nr - i, p + i);

		for (; popped; popped--, i++)
			slab_unpoison_object(s, p[i]);
		if (i == nr)
			break;
		p[i] = slab_alloc_one(s, gfp, !i, SLAB_CALLER);
		if (unlikely(!p[i])) {
			kmem_cache_free_bulk(cache, i, p);
			return 0;
		}
		slab_hand_out(s, p[i]);
		i++;
	}
	if (slab_want_zero(cache, gfp)) {
		for (j = 0; j < nr; j++)
			memset(p[j], 0, cache_object_size(cache));
	}
	return (int)nr;
}
