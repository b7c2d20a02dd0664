/* SPDX-License-Identifier: MIT */
/*
 * Many objects at once. Allocation pops the CPU's free list in one section for as long as it lasts.
 *
 * Freeing goes through the array from its end and gathers a run: objects of the same slab, looking past
 * at most two others. A run goes back in one step; its first gathered object comes out first again.
 * Objects that were passed over keep their places at the end of what is left of the array, which is
 * reordered for that, as in Linux.
 */
#include "slub/slub.h"

/* Objects of other slabs that end the search for more of the run's. */
#define LOOKAHEAD 3

/* --- sections entered either way ----------------------------------------------------------- */

struct section {
	struct arch_cpu *cpu;
	bool fast;
};

static __always_inline struct section section_enter(void)
{
	struct section at = {.cpu = arch_cpu_tryenter(), .fast = true};

	if (unlikely(!at.cpu)) {
		at.cpu = arch_cpu_lock();
		at.fast = false;
	}
	return at;
}

static __always_inline void section_leave(struct section at)
{
	if (likely(at.fast))
		arch_cpu_leave(at.cpu);
	else
		arch_cpu_unlock(at.cpu);
}

/* --- allocation ---------------------------------------------------------------------------- */

/* Up to @nr objects of the CPU's free list. */
static size_t pop_many(struct slub_cache *s, size_t nr, void **p)
{
	struct arch_cpu *cpu = arch_cpu_tryenter();
	struct slub_cpu *c;
	void *object;
	size_t got = 0;

	if (unlikely(!cpu))
		return 0;
	if (unlikely(cpu->kernel != s->common.kernel)) {
		arch_cpu_leave(cpu);
		return 0;
	}
	c = slub_cpu(s, cpu);
	object = c->freelist;
	while (object && got < nr) {
		p[got++] = object;
		object = slub_get_freepointer(s, object);
	}
	c->freelist = object;
	arch_cpu_leave(cpu);
	return got;
}

int kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp, size_t nr, void **p)
{
	struct slub_cache *s = slub_of(cache);
	size_t got = 0;

	while (got < nr) {
		got += pop_many(s, nr - got, p + got);
		if (got == nr)
			break;
		p[got] = slub_alloc_slow(s, gfp & ~__GFP_ZERO, NUMA_NO_NODE);
		if (unlikely(!p[got])) {
			kmem_cache_free_bulk(cache, got, p);
			return 0;
		}
		got++;
	}
	for (size_t i = 0; i < nr; i++)
		slub_unpoison_object(s, p[i]);
	if (slab_want_zero(cache, gfp))
		for (size_t i = 0; i < nr; i++)
			memset(p[i], 0, cache->object_size);
	return (int)nr;
}

/* --- freeing ------------------------------------------------------------------------------- */

/* Objects of one slab on their way back, linked in the order they were gathered. */
struct run {
	struct slub_cache *s;
	struct slub_slab *slab;
	char *base;
	size_t span;
	void *last_freed;	/* first of the list that the run goes to */
	void *head, *tail;
	unsigned int cnt;
	void *bad;		/* in the slab, but no object or free already: ended the run */
};

/* Find out where @object belongs, in a section. False: nowhere, or to a debug cache. */
static bool run_begin(struct run *r, struct slub_cache *s, struct arch_cpu *cpu, void *object)
{
	struct page *page = memmap_lookup_head(cpu, object);
	union slub_state state;
	struct slub_cpu *c;

	if (!page || page_type(page) != PAGE_TYPE_SLAB)
		return false;
	r->slab = slub_slab_of(page);
	r->s = r->slab->cache;
	if ((s && s != r->s) || slub_is_debug(r->s))
		return false;
	c = slub_cpu(r->s, cpu);
	state = slub_load(r->slab);
	r->base = memmap_address(cpu, page);
	r->span = (size_t)state.objects * r->s->common.size;
	r->last_freed = c->slab == r->slab ? c->freelist : slub_head(r->base, state);
	r->head = NULL;
	r->cnt = 0;
	r->bad = NULL;
	return true;
}

/* False: what lies in the slab's range is no object, or is free already. */
static bool run_add(struct run *r, void *object)
{
	size_t off = (uintptr_t)object - (uintptr_t)r->base;

	if (unlikely(off >= r->span || !slub_is_multiple(r->s, off) || object == r->last_freed ||
		     (r->head && object == r->tail)))
		return false;
	if (r->head)
		slub_set_freepointer(r->s, r->tail, object);
	else
		r->head = object;
	r->tail = object;
	r->cnt++;
	return true;
}

/* Gather from p[nr - 1] downwards, the first object being in the run already. Returns how many objects
 * are left, at the front of @p. */
static size_t run_gather(struct run *r, size_t nr, void **p)
{
	unsigned int lookahead = LOOKAHEAD;
	size_t left = nr;

	while (nr) {
		void *object = p[--nr];

		if ((uintptr_t)object - (uintptr_t)r->base < r->span) {
			p[nr] = p[--left];
			p[left] = object;
			if (likely(run_add(r, object)))
				continue;
			r->bad = object;
			break;
		}
		if (!--lookahead)
			break;
	}
	return left;
}

/* Give a run back from inside the section, which ends here. */
static void run_put(struct run *r, struct section at)
{
	struct slub_cpu *c = slub_cpu(r->s, at.cpu);

	slub_poison_list(r->s, r->head, r->tail);
	if (c->slab == r->slab) {
		slub_set_freepointer(r->s, r->tail, c->freelist);
		c->freelist = r->head;
		section_leave(at);
		return;
	}
	section_leave(at);
	slub_free_to_slab(r->s, r->slab, r->head, r->tail, r->cnt, "kmem_cache_free_bulk");
}

static noinline void report_bad(struct slub_cache *s, void *object)
{
	if (slub_check_object(arch_cpu_current(), s, object, "kmem_cache_free_bulk"))
		slub_report_double_free(s, object, "kmem_cache_free_bulk");
}

/* What cannot be in a run: NULL, large blocks, objects of debug caches, and misuse to report. */
static void free_alone(struct kmem_cache *cache, void *object)
{
	if (cache)
		kmem_cache_free(cache, object);
	else
		kfree(object);
}

void kmem_cache_free_bulk(struct kmem_cache *cache, size_t nr, void **p)
{
	struct slub_cache *s = slub_of(cache);

	while (nr) {
		struct section at = section_enter();
		struct run r;

		if (!at.cpu)
			return;
		nr--;
		if (run_begin(&r, s, at.cpu, p[nr]) && run_add(&r, p[nr])) {
			nr = run_gather(&r, nr, p);
			run_put(&r, at);
			if (unlikely(r.bad))
				report_bad(r.s, r.bad);
			continue;
		}
		section_leave(at);
		free_alone(cache, p[nr]);
	}
}
