/* SPDX-License-Identifier: MIT */
/*
 * Many objects at once. Allocation pops the CPU's free list in one section for as long as it lasts.
 *
 * Freeing goes through the array from its end and gathers a run: objects of the same slab,
 * looking past at most two others. A run goes back in one step; its first gathered object comes
 * out first again. Objects that were passed over keep their places at the end of what is left of
 * the array, which is reordered for that, as in Linux.
 */
#include "slub/slub.h"

#include "common/memcg.h"
#include "lib/context.h"

/* Objects of other slabs that end the search for more of the run's. */
#define LOOKAHEAD 3

/* --- allocation ---------------------------------------------------------------------------- */

/* Up to @nr objects of the CPU's free list. */
static size_t pop_many(struct slub_cache *s, size_t nr, void **p)
{
	struct arch_cpu *cpu = arch_cpu_tryenter();
	void **at = p, **end = p + nr;
	struct slub_cpu *c;
	void *object;

	if (unlikely(!cpu))
		return 0;
	if (unlikely(cpu->kernel != s->common.kernel)) {
		arch_cpu_leave(cpu);
		return 0;
	}
	c = percpu_ptr(cpu, s->alloc_off);
	slub_settle(s, c);
	for (object = c->freelist; object && at < end; at++) {
		*at = object;
		object = slub_get_freepointer(s, object);
	}
	c->freelist = object;
	arch_cpu_leave(cpu);
	return (size_t)(at - p);
}

/* In an atomic context all objects come by here, and the first one's report is the call's. */
static noinline void *alloc_one(struct slub_cache *s, gfp_t gfp, bool first, const void *caller)
{
	void *object;

	if (unlikely(!arch_cpu_current()))
		return NULL;
	context_begin_alloc(first ? gfp : 0, "slab allocation");
	object = slub_alloc_charged(s, gfp, NUMA_NO_NODE, 0, caller);
	context_end_call();
	return object;
}

int kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp, size_t nr, void **p)
{
	struct slub_cache *s = slub_of(cache);
	size_t got = 0;

	while (got < nr) {
		size_t popped = pop_many(s, nr - got, p + got);

		slub_unpoison_objects(s, popped, p + got);
		got += popped;
		if (got == nr)
			break;
		p[got] = alloc_one(s, gfp & ~__GFP_ZERO, !got, SLUB_CALLER());
		if (unlikely(!p[got])) {
			kmem_cache_free_bulk(cache, got, p);
			return 0;
		}
		got++;
	}
	/* With init_on_alloc all came by the slow path, which has done it. */
	if (gfp & __GFP_ZERO && !cache->init_gfp && slab_want_zero(cache, gfp))
		for (size_t i = 0; i < nr; i++)
			memset(p[i], 0, cache_object_size(cache));
	return (int)nr;
}

/* --- freeing ------------------------------------------------------------------------------- */

/* Objects of one slab on their way back, linked in the order they were gathered. */
struct run {
	struct slub_cache *s;
	struct slub_slab *slab;
	char *base;
	size_t span;
	bool own;		/* the CPU's slab */
	void *last_freed;	/* first of the list that the run goes to */
	void *head, *tail;
	size_t cnt;
	void *bad;		/* in the slab, but no object or free already: ended the run */
};

static __always_inline bool in_range(const struct run *r, const void *object)
{
	return (uintptr_t)object - (uintptr_t)r->base < r->span;
}

/* A run to the CPU's slab, if @object lies there. */
static __always_inline bool run_begin_own(struct run *r, struct slub_cache *s, struct arch_cpu *cpu,
					  const void *object)
{
	struct slub_cpu *c;

	if (unlikely(!s || cpu->kernel != s->common.kernel))
		return false;
	c = percpu_ptr(cpu, s->free_off);
	slub_settle(s, c);
	r->s = s;
	r->slab = c->slab;
	r->base = c->base;
	r->span = c->span;
	r->own = true;
	r->last_freed = c->freelist;
	return in_range(r, object);
}

/* A run to whatever slab @object lies in. False: none, of another cache, or of a debug cache. */
static bool run_begin_any(struct run *r, struct slub_cache *s, struct arch_cpu *cpu,
			  const void *object)
{
	struct page *page = memmap_lookup_head(cpu, object);
	union slub_state state;
	struct slub_cpu *c;

	if (!page || page_type(page) != PAGE_TYPE_SLAB)
		return false;
	r->slab = slub_slab_of(page);
	r->s = r->slab->cache;
	if ((s && s != r->s) || r->s->slow_free)
		return false;
	c = slub_cpu(r->s, cpu);
	state = slub_load(r->slab);
	r->base = memmap_address(cpu, page);
	r->span = (size_t)state.objects * r->s->common.size;
	r->own = c->slab == r->slab;
	r->last_freed = r->own ? c->freelist : slub_head(r->base, state);
	return true;
}

/* Begin a run with @object, in a section. False: it goes back alone, or not at all. */
static __always_inline bool run_begin(struct run *r, struct slub_cache *s, struct arch_cpu *cpu,
				      void *object)
{
	if (!run_begin_own(r, s, cpu, object) && !run_begin_any(r, s, cpu, object))
		return false;
	if (unlikely(!in_range(r, object) || object == r->last_freed ||
		     !slub_is_multiple(r->s, (uintptr_t)object - (uintptr_t)r->base)))
		return false;
	r->head = object;
	r->tail = object;
	r->cnt = 1;
	r->bad = NULL;
	return true;
}

/* The longest row of objects of the slab from p[nr - 1] downwards. Returns how many are left. */
static __always_inline size_t gather_row(struct run *r, size_t nr, void **p)
{
	/* Read once: the links written below might be taken for any of these. */
	const struct slub_cache layout = {
		.size_magic = r->s->size_magic,
		.offset = r->s->offset,
	};
	const uintptr_t base = (uintptr_t)r->base;
	const size_t span = r->span;
	const void *last_freed = r->last_freed;
	void *tail = r->tail;
	void **at = p + nr;

	while (at != p) {
		void *object = at[-1];
		size_t off = (uintptr_t)object - base;

		if (unlikely(off >= span))
			break;
		at--;
		if (unlikely(!slub_is_multiple(&layout, off) || object == last_freed ||
			     object == tail)) {
			r->bad = object;
			r->cnt--;
			break;
		}
		slub_set_freepointer(&layout, tail, object);
		tail = object;
	}
	r->tail = tail;
	r->cnt += nr - (size_t)(at - p);
	return (size_t)(at - p);
}

/* More of the run behind objects of other slabs, which take the places of those found. */
static size_t gather_past_others(struct run *r, size_t nr, void **p)
{
	unsigned int others = 0;
	size_t left = nr;

	while (nr && !r->bad) {
		void *object = p[--nr];

		if (in_range(r, object)) {
			p[nr] = p[--left];
			p[left] = object;
			gather_row(r, 1, &p[left]);
		} else if (++others == LOOKAHEAD) {
			break;
		}
	}
	return left;
}

/* Gather from p[nr - 1] downwards. Returns how many objects are left, at the front of @p. */
static __always_inline size_t run_gather(struct run *r, size_t nr, void **p)
{
	nr = gather_row(r, nr, p);
	return nr && !r->bad ? gather_past_others(r, nr, p) : nr;
}

/* Give a run back from inside the section, which ends here. */
static __always_inline void run_put(struct run *r, struct slub_section at)
{
	slub_poison_list(r->s, r->head, r->tail);
	if (r->own) {
		struct slub_cpu *c = slub_cpu(r->s, at.cpu);

		slub_set_freepointer(r->s, r->tail, r->last_freed);
		c->freelist = r->head;
		slub_leave(at);
		return;
	}
	slub_leave(at);
	slub_free_to_slab(r->s, r->slab, r->head, r->tail, (unsigned int)r->cnt,
			  "kmem_cache_free_bulk");
}

static noinline void report_bad(struct slub_cache *s, void *object)
{
	if (slub_check_object(arch_cpu_current(), s, object, "kmem_cache_free_bulk"))
		slub_report_double_free(s, object, "kmem_cache_free_bulk");
}

/* Whether @object lies in @slab; else where. */
static bool same_slab(struct arch_cpu *cpu, const struct slub_slab *slab, const void *object)
{
	struct page *head = memmap_lookup_head(cpu, object);

	return head && page_type(head) == PAGE_TYPE_SLAB && slub_slab_of(head) == slab;
}

/*
 * p[nr - 1] lies in @slab, of a debug or hardened cache: it goes back together with the others of that slab,
 * found as gather_past_others() finds them. Returns how many are left.
 */
static size_t gather_slow(struct arch_cpu *cpu, struct slub_slab *slab, size_t nr, void **p)
{
	unsigned int others = 0;
	size_t left = nr;

	while (nr && others < LOOKAHEAD) {
		void *object = p[--nr];

		if (!same_slab(cpu, slab, object)) {
			others++;
			continue;
		}
		p[nr] = p[--left];
		p[left] = object;
	}
	return left;
}

/* The objects p[0 … nr) of @slab of a hardened cache, the last one first. */
static void free_hardened(struct arch_cpu *cpu, struct slub_slab *slab, size_t nr, void **p)
{
	struct slub_cache *s = slab->cache;
	void *head = NULL, *tail = NULL;
	unsigned int cnt = 0;

	while (nr) {
		void *object = p[--nr];

		if (!slub_check_object(cpu, s, object, "kmem_cache_free_bulk"))
			continue;
		if (object == tail || slub_freed_last(s, slab, object)) {
			slub_report_double_free(s, object, "kmem_cache_free_bulk");
			continue;
		}
		slub_poison_object(s, object);
		if (tail)
			slub_link_free(s, tail, object);
		else
			head = object;
		tail = object;
		cnt++;
	}
	if (cnt)
		slub_free_list(s, slab, head, tail, cnt, "kmem_cache_free_bulk");
}

/* Whether objects of a cache without fast paths go back slab by slab, as those of others do. */
static bool goes_together(const struct slub_cache *s)
{
	return slub_is_debug(s) || (s->hardened && !s->common.init_on_free);
}

/* What cannot be in a run: NULL, large blocks, objects of debug caches, and misuse to report.
 * Returns how many of p[0 … nr) are left. */
static size_t free_others(struct slub_cache *s, size_t nr, void **p, const void *caller)
{
	struct arch_cpu *cpu = arch_cpu_current();
	void *object = p[nr - 1];
	struct page *head = memmap_lookup_head(cpu, object);
	struct slub_slab *slab = NULL;
	size_t left;

	if (head && page_type(head) == PAGE_TYPE_SLAB)
		slab = slub_slab_of(head);
	if (!slab || !goes_together(slab->cache)) {
		slub_free_one(s, object, caller);
		return nr - 1;
	}
	if (!slub_check_object(cpu, s, object, "kmem_cache_free_bulk"))
		return nr - 1;
	left = gather_slow(cpu, slab, nr, p);
	if (slub_is_debug(slab->cache))
		slub_debug_free(slab->cache, slab, nr - left, p + left, "kmem_cache_free_bulk",
				caller);
	else
		free_hardened(cpu, slab, nr - left, p + left);
	return left;
}

void kmem_cache_free_bulk(struct kmem_cache *cache, size_t nr, void **p)
{
	struct slub_cache *s = slub_of(cache);

	if (arch_is_slowed())
		memcg_uncharge_bulk(cache, nr, p);
	while (nr) {
		struct slub_section at = slub_enter();
		struct run r;

		if (!at.cpu)
			return;
		if (likely(run_begin(&r, s, at.cpu, p[nr - 1]))) {
			nr = run_gather(&r, nr - 1, p);
			run_put(&r, at);
			if (unlikely(r.bad))
				report_bad(r.s, r.bad);
			continue;
		}
		slub_leave(at);
		nr = free_others(s, nr, p, SLUB_CALLER());
	}
}
