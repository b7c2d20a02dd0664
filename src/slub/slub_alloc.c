/* SPDX-License-Identifier: MIT */
/*
 * Allocation.
 *
 *	1. the CPU's free list (c->freelist)                       fast path, inside one section
 *	   the CPU's sheaf, which becomes its free list (slub_sheaf.h)
 *	2. what others gave back to the CPU's slab (its `head`)
 *	3. the CPU's partial list
 *	4. the node's partial list, other nodes' lists             list_lock
 *	5. a new slab                                              page allocator, constructors
 *
 * Steps 2 and 3 work inside a section. For 4 and 5 the thread leaves it, owns what it found
 * (frozen slabs that nobody else knows) and enters again, perhaps on another CPU, to install it.
 * Should a slab stand there by then, it is deactivated, as Linux does when it is preempted here.
 */
#include "slub/slub_alone.h"
#include "slub/slub_sheaf.h"

#include "common/failslab.h"
#include "common/memcg.h"
#include "common/trace.h"
#include "lib/context.h"

/*
 * What keeps a call off the fast path besides an empty list: a cache of another machine (or of none
 * any more). One compare, for an object handed out by the wrong machine could never be given back.
 */
static __always_inline bool is_stranger(const struct slub_cache *s, const struct arch_cpu *cpu)
{
	return unlikely(s->common.kernel != cpu->kernel);
}

/* --- the slow path ------------------------------------------------------------------------- */

static inline bool node_matches(const struct slub_slab *slab, int node)
{
	return node == NUMA_NO_NODE || slub_slab_nid(slab) == node;
}

/* The newest slab of the CPU's partial list becomes the CPU's slab. */
static bool pull_cpu_partial(struct slub_cache *s, struct slub_cpu *c)
{
	struct slub_slab *slab = c->partial;

	if (!slab)
		return false;
	c->partial = slab->next;
	c->nr_partial--;
	slub_cpu_set_slab(s, c, slab);
	return true;
}

/* What keeps alloc_from_cpu() from going on in its section. */
struct setback {
	struct slub_slab *slab;		/* NULL: nothing */
	void *list;			/* of a slab of the wrong node */
	void *bad;			/* an object of the slab whose link leads out of it */
};

/*
 * An object from what the CPU has, in a section. A slab of the wrong node is taken off the CPU into
 * @out, for the caller to deactivate and come back; a bad link of a hardened list too, to report.
 */
static void *alloc_from_cpu(struct slub_cache *s, struct slub_cpu *c, int node, struct setback *out)
{
	while (c->slab || pull_cpu_partial(s, c)) {
		void *object;

		if (unlikely(!node_matches(c->slab, node))) {
			out->slab = c->slab;
			out->list = c->freelist;
			slub_cpu_clear_slab(c);
			return NULL;
		}
		object = c->freelist ? c->freelist : slub_take_freelist_inside(c->slab, c->base);
		if (object) {
			c->freelist = slub_next_checked(s, c->slab, object, &out->bad);
			if (likely(!out->bad))
				return object;
			out->slab = c->slab;
			return NULL;
		}
		/* Full and no longer frozen: the next free finds it. */
		slub_cpu_clear_slab(c);
	}
	return NULL;
}

static void *alloc_from_lists(struct slub_cache *s, int node)
{
	for (;;) {
		struct slub_section at = slub_enter();
		struct setback back = {.slab = NULL};
		void *object;

		object = alloc_from_cpu(s, slub_cpu(s, at.cpu), node, &back);
		slub_leave(at);
		if (likely(!back.slab))
			return object;
		if (back.bad)
			slub_report_chain(s, back.slab, back.bad);
		else
			slub_deactivate(s, back.slab, back.list);
	}
}

static void push_extra(struct slub_cpu *c, struct slub_slab *extra)
{
	while (extra) {
		struct slub_slab *next = extra->next;

		extra->next = c->partial;
		c->partial = extra;
		c->nr_partial++;
		extra = next;
	}
}

/* Make the batch the CPU's and take one object. NULL: its link is bad. */
static void *install(struct slub_cache *s, struct slub_batch *batch)
{
	for (;;) {
		struct slub_section at = slub_enter();
		struct slub_cpu *c = slub_cpu(s, at.cpu);
		struct slub_slab *other = c->slab;
		void *other_list = c->freelist, *bad = NULL;

		if (unlikely(other)) {
			slub_cpu_clear_slab(c);
			slub_leave(at);
			slub_deactivate(s, other, other_list);
			continue;
		}
		slub_cpu_set_slab(s, c, batch->slab);
		c->freelist = slub_next_checked(s, batch->slab, batch->freelist, &bad);
		push_extra(c, batch->extra);
		slub_leave(at);
		if (likely(!bad))
			return batch->freelist;
		slub_report_chain(s, batch->slab, bad);
		return NULL;
	}
}

/* *@again: a bad link was met, and reported, instead of an object. */
static void *try_alloc_object(struct slub_cache *s, gfp_t gfp, int node, bool *again)
{
	struct slub_batch batch = {.slab = NULL};
	void *object = alloc_from_lists(s, node);

	*again = false;
	if (object)
		return object;
	batch.extra_tail = &batch.extra;
	if (!slub_get_partial(s, gfp, node, &batch)) {
		batch.slab = slub_new_slab(s, gfp, node);
		if (unlikely(!batch.slab)) {
			object = slub_sheaf_last(s, node);
			if (!object)
				slub_out_of_memory(s, gfp, node);
			return object;
		}
		batch.freelist = slub_take_freelist(batch.slab, slub_address(s, batch.slab));
	}
	object = install(s, &batch);
	*again = !object;
	return object;
}

static void *alloc_object(struct slub_cache *s, gfp_t gfp, int node)
{
	bool again;
	void *object;

	do
		object = try_alloc_object(s, gfp, node, &again);
	while (unlikely(again));
	return object;
}

/* Whether the thread may use the cache; else a report. */
static bool check_cache(struct slub_cache *s)
{
	struct arch_cpu *cpu = arch_cpu_current();

	if (!cpu)
		return false;
	if (unlikely(is_stranger(s, cpu))) {
		slab_bug(cpu->kernel, "kmem_cache_alloc", NULL, s, "no cache of this machine");
		return false;
	}
	return true;
}

noinline void *slub_alloc_slow(struct slub_cache *s, gfp_t gfp, int node, size_t size,
			       const void *caller)
{
	void *object;

	if (!check_cache(s))
		return NULL;
	context_might_alloc(gfp, "slab allocation");
	node = slab_request_node(s->common.kernel, gfp, node, "kmem_cache_alloc_node");
	if (unlikely(node == SLAB_NO_NODE))
		return NULL;
	/* A node without memory for slabs is no wish. */
	if (node != NUMA_NO_NODE && !s->nodes[node])
		node = NUMA_NO_NODE;
	if (slub_is_debug(s))
		object = slub_debug_alloc(s, gfp, node, size, caller);
	else
		object = alloc_object(s, gfp, node);
	if (unlikely(!object))
		return NULL;
	slub_unpoison_object(s, object);
	if (s->common.init_on_free && s->offset < cache_object_size(&s->common))
		*(void **)((char *)object + s->offset) = NULL;
	if (slab_want_zero(&s->common, gfp))
		memset(object, 0, cache_object_size(&s->common));
	return object;
}

void slub_out_of_memory(struct slub_cache *s, gfp_t gfp, int node)
{
	struct kernel *k = s->common.kernel;
	struct slub_node *n;

	if (gfp & __GFP_NOWARN)
		return;
	pr_warn(k, "SLUB: Unable to allocate memory on node %d, gfp=%#x", node, gfp);
	pr_warn(k,
		"  cache: %s, object size: %u, buffer size: %u, default order: %u, min order: %u",
		s->common.name, cache_object_size(&s->common), s->common.size, s->oo.order,
		s->min.order);
	for_each_kmem_cache_node(s, nid, n) {
		struct slub_counts counts = {0};

		slub_count_node(n, &counts);
		pr_warn(k, "  node %u: slabs: %lu, objs: %lu, free: %lu", nid, counts.slabs,
			counts.objects, counts.free);
	}
}

/* --- the fast path ------------------------------------------------------------------------- */

static noinline void *zero_object(struct slub_cache *s, void *object, gfp_t gfp)
{
	if (slab_want_zero(&s->common, gfp))
		memset(object, 0, cache_object_size(&s->common));
	return object;
}

/* Pop the CPU's free list; NULL: the slow path. In a section, which ends here. */
static __always_inline void *pop_and_leave(struct slub_cache *s, struct arch_cpu *cpu)
{
	struct slub_cpu *c = percpu_ptr(cpu, s->alloc_off);
	void *object = c->hot;

	if (object) {
		c->hot = NULL;
	} else {
		object = c->freelist;
		if (likely(object))
			c->freelist = slub_get_freepointer(s, object);
	}
	arch_cpu_leave(cpu);
	return object;
}

static __always_inline void *finish(struct slub_cache *s, void *object, gfp_t gfp)
{
	slub_unpoison_object(s, object);
	if (unlikely(gfp & __GFP_ZERO))
		return zero_object(s, object, gfp);
	return object;
}

void *slub_alloc_charged(struct slub_cache *s, gfp_t gfp, int node, size_t size, const void *caller)
{
	struct kernel *k = s->common.kernel;
	struct memcg_charge charge;
	void *object;

	/* The slow path has a machine found, or says why not. */
	if (unlikely(k != arch_cpu_ptr->kernel))
		return slub_alloc_slow(s, gfp, node, size, caller);
	if (failslab_hits(k, &s->common, gfp))
		return NULL;
	if (!memcg_charge(k, &s->common, gfp, s->common.size, &charge))
		return NULL;
	object = slub_alloc_slow(s, gfp, node, size, caller);
	memcg_settle(k, &charge, object);
	return object;
}

/* A thread whose CPU could not be entered the fast way: all of them while events are traced, or
 * objects charged. Without a machine the cache is not there either, in a fork()'s child. */
static noinline void *alloc_unentered(struct slub_cache *s, gfp_t gfp, int node, const void *caller)
{
	void *object;

	if (unlikely(!arch_cpu_current()))
		return NULL;
	object = slub_alloc_charged(s, gfp, node, 0, caller);
	trace_kmem_cache_alloc(caller, &s->common, object, gfp, node);
	return object;
}

/* An object when the CPU's list is empty, without leaving the section for long. */
static __always_inline void *refill_and_pop(struct slub_cache *s)
{
	struct arch_cpu *cpu = arch_cpu_tryenter();
	struct slub_cpu *c;
	void *object;

	if (unlikely(!cpu))
		return NULL;
	c = percpu_ptr(cpu, s->alloc_off);
	slub_settle(s, c);
	object = c->freelist;
	if (likely(!object))
		object = slub_sheaf_take(cpu, c);
	if (!object && arch_cpu_alone(cpu))
		object = slub_refill_alone(s, c);
	if (likely(object))
		c->freelist = slub_get_freepointer(s, object);
	arch_cpu_leave(cpu);
	return object;
}

/* The CPU's list is empty. */
static noinline void *alloc_again(struct slub_cache *s, gfp_t gfp, size_t size, const void *caller)
{
	void *object = refill_and_pop(s);

	if (unlikely(!object))
		return slub_alloc_slow(s, gfp, NUMA_NO_NODE, size, caller);
	return finish(s, object, gfp);
}

void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	struct slub_cache *s = slub_of(cache);
	struct arch_cpu *cpu = arch_cpu_tryenter();
	void *object;

	if (unlikely(!cpu))
		return alloc_unentered(s, gfp, NUMA_NO_NODE, __builtin_return_address(0));
	if (unlikely(is_stranger(s, cpu))) {
		arch_cpu_leave(cpu);
		return slub_alloc_slow(s, gfp, NUMA_NO_NODE, 0, SLUB_CALLER());
	}
	object = pop_and_leave(s, cpu);
	if (unlikely(!object))
		return alloc_again(s, gfp, 0, SLUB_CALLER());
	return finish(s, object, gfp);
}

/* As pop_and_leave(), but only from a slab of @node. */
static __always_inline void *pop_node_and_leave(struct slub_cache *s, struct arch_cpu *cpu,
						int node)
{
	struct slub_cpu *c = percpu_ptr(cpu, s->alloc_off);

	if (unlikely(!c->slab || !node_matches(c->slab, node))) {
		arch_cpu_leave(cpu);
		return NULL;
	}
	return pop_and_leave(s, cpu);
}

void *kmem_cache_alloc_node(struct kmem_cache *cache, gfp_t gfp, int node)
{
	struct slub_cache *s = slub_of(cache);
	struct arch_cpu *cpu = arch_cpu_tryenter();
	void *object = NULL;

	if (unlikely(!cpu))
		return alloc_unentered(s, gfp, node, __builtin_return_address(0));
	if (likely(!is_stranger(s, cpu)))
		object = pop_node_and_leave(s, cpu, node);
	else
		arch_cpu_leave(cpu);
	if (unlikely(!object))
		return slub_alloc_slow(s, gfp, node, 0, SLUB_CALLER());
	return finish(s, object, gfp);
}

static noinline void *kmalloc_unentered(size_t size, gfp_t gfp, int node, const void *caller)
{
	struct kernel *k = arch_kernel();
	struct slub_cache *s;
	void *object;

	if (!k)
		return NULL;
	s = slub_of(kmalloc_cache(&k->caches->kmalloc, size, gfp));
	object = slub_alloc_charged(s, gfp, node, size, caller);
	trace_kmalloc(caller, object, size, s->common.size, gfp, node);
	return object;
}

void *kmalloc(size_t size, gfp_t gfp)
{
	struct arch_cpu *cpu;
	struct slub_cache *s;
	void *object;

	if (unlikely(size - 1 >= KMALLOC_MAX_CACHE_SIZE))
		return kmalloc_slow(size, gfp, NUMA_NO_NODE, __builtin_return_address(0));
	cpu = arch_cpu_tryenter();
	if (unlikely(!cpu))
		return kmalloc_unentered(size, gfp, NUMA_NO_NODE, __builtin_return_address(0));
	s = slub_of(kmalloc_cache(&cpu->kernel->caches->kmalloc, size, gfp));
	object = pop_and_leave(s, cpu);
	if (unlikely(!object))
		return alloc_again(s, gfp, size, SLUB_CALLER());
	return finish(s, object, gfp);
}

void *kmalloc_node(size_t size, gfp_t gfp, int node)
{
	struct arch_cpu *cpu;
	struct slub_cache *s;
	void *object;

	if (unlikely(size - 1 >= KMALLOC_MAX_CACHE_SIZE))
		return kmalloc_slow(size, gfp, node, __builtin_return_address(0));
	cpu = arch_cpu_tryenter();
	if (unlikely(!cpu))
		return kmalloc_unentered(size, gfp, node, __builtin_return_address(0));
	s = slub_of(kmalloc_cache(&cpu->kernel->caches->kmalloc, size, gfp));
	object = pop_node_and_leave(s, cpu, node);
	if (unlikely(!object))
		return slub_alloc_slow(s, gfp, node, size, SLUB_CALLER());
	return finish(s, object, gfp);
}
