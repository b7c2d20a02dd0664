/* SPDX-License-Identifier: MIT */
/*
 * Freeing.
 *
 *	fast    on top of this CPU's array
 *	flush   the array is full: its oldest batch goes to the node (shared array, else slabs),
 *	        then as above
 *	alien   an object of another node goes into the alien array towards that node
 *
 * Before anything is touched the pointer is checked: it must lie in a slab of this machine, at the
 * first byte of an object, of the right cache, and must not be what was freed last. The fast path
 * makes the same checks and leaves whatever fails one to the slow path, which says what is wrong.
 */
#include "slab/slab.h"

#include "common/memcg.h"
#include "common/trace.h"
#include "lib/string.h"

/*
 * The slab in which @object lies; NULL: none. Most slabs are single pages, so the page itself is
 * looked at before its `head`: where the CPU guesses right, kfree() need not wait for that load to
 * know the cache.
 */
static __always_inline struct slab_slab *slab_lookup(struct arch_cpu *cpu, const void *object)
{
	struct page *page = memmap_lookup(cpu, object);

	if (unlikely(!page))
		return NULL;
	if (likely(page_type(page) == PAGE_TYPE_SLAB))
		return page_slab(page);
	page = page->head;
	if (unlikely(!page || page_type(page) != PAGE_TYPE_SLAB))
		return NULL;
	return page_slab(page);
}

static __always_inline bool slab_freed_last(const struct slab_array *ac, const void *object)
{
	return ac->avail && ac->entry[ac->avail - 1] == object;
}

/* The same in fewer instructions: what stands in front of the entries are two small numbers, which
 * no pointer is but in theory. */
static __always_inline bool slab_maybe_freed_last(const struct slab_array *ac, const void *object)
{
	return *(void *const *)(const void *)((const char *)ac + offsetof(struct slab_array, entry) +
					      ac->avail * sizeof(void *) - sizeof(void *)) == object;
}

/* Put an object into the CPU's array, in its section; false: the slow path must look at it. @s is
 * the cache it must be of, if @any is not set. */
static __always_inline bool slab_push(struct slab_cache *s, bool any, struct arch_cpu *cpu,
				      void *object)
{
	struct slab_slab *slab = slab_lookup(cpu, object);
	struct slab_array *ac;

	if (unlikely(!slab))
		return false;
	if (any)
		s = slab->cache;
	else if (unlikely(slab->cache != s))
		return false;
	if (unlikely(!slab_is_object(s, slab, object)))
		return false;
	if (unlikely(slab_nid(slab) != cpu->node))
		return false;
	ac = slab_cpu_array(s, cpu);
	if (unlikely(ac->avail >= s->free_below || slab_maybe_freed_last(ac, object)))
		return false;
	slab_poison_object(s, object);
	ac->entry[ac->avail++] = object;
	return true;
}

/* --- the slow path ---------------------------------------------------------------------------- */

enum slab_verdict {
	SLAB_FREED,
	SLAB_FOREIGN_NODE,
	SLAB_NO_SLAB,
	SLAB_WRONG_CACHE,
	SLAB_INNER,
	SLAB_TWICE,
};

/* One free, from the CPU's section to what must be done outside it. */
struct slab_free {
	struct slab_cache *owner;	/* the object's cache, if it lies in a slab */
	struct slab_slab *slab;
	unsigned int here;		/* node of the CPU */
	unsigned int nr;		/* objects flushed from the CPU's array */
	unsigned int rest;		/* further ones to be flushed: a large batchcount */
	void *batch[SLAB_BATCH_MAX];
};

/* Copy the oldest @nr objects of an array out, or as many as can travel at once. The CPU's
 * section. */
static void slab_flush_piece(struct slab_free *f, struct slab_array *ac, unsigned int nr)
{
	f->nr = nr < SLAB_BATCH_MAX ? nr : SLAB_BATCH_MAX;
	f->rest = nr - f->nr;
	memcpy(f->batch, ac->entry, f->nr * sizeof(*ac->entry));
	ac->avail -= f->nr;
	memmove(ac->entry, ac->entry + f->nr, ac->avail * sizeof(*ac->entry));
}

/* Make room in a full array. The shared array may have room for only a part of a batch; then that
 * part alone moves. The CPU's section. */
static void slab_flush_start(struct slab_free *f, struct slab_array *ac)
{
	unsigned int room = slab_shared_room(f->owner->node[f->here]);
	unsigned int nr = f->owner->batchcount;

	slab_flush_piece(f, ac, room && room < nr ? room : nr);
}

/* The rest of a batch, from where the thread is now if that is a CPU of the same node. */
static noinline bool slab_flush_next(struct slab_free *f)
{
	struct arch_cpu *cpu = arch_cpu_lock();
	bool same = cpu && cpu->kernel == f->owner->common.kernel && cpu->node == f->here;
	struct slab_array *ac;

	f->nr = 0;
	if (same) {
		ac = slab_cpu_array(f->owner, cpu);
		slab_flush_piece(f, ac, f->rest < ac->avail ? f->rest : ac->avail);
	}
	if (cpu)
		arch_cpu_unlock(cpu);
	return f->nr;
}

/* Take what was flushed to the node. */
static void slab_flush_end(struct slab_free *f)
{
	do
		slab_node_flush(f->owner, f->owner->node[f->here], f->batch, f->nr);
	while (unlikely(f->rest) && slab_flush_next(f));
}

/* Look at the pointer and free it into the CPU's array if nothing is wrong and it belongs there.
 * The CPU's section. */
static enum slab_verdict slab_free_here(struct slab_free *f, const struct slab_cache *s,
					struct arch_cpu *cpu, void *object)
{
	struct slab_array *ac;

	f->nr = 0;
	f->rest = 0;
	f->here = cpu->node;
	f->slab = slab_lookup(cpu, object);
	if (!f->slab)
		return SLAB_NO_SLAB;
	f->owner = f->slab->cache;
	if (s && s != f->owner)
		return SLAB_WRONG_CACHE;
	if (!slab_is_object(f->owner, f->slab, object))
		return SLAB_INNER;
	if (slab_nid(f->slab) != f->here)
		return SLAB_FOREIGN_NODE;
	ac = slab_cpu_array(f->owner, cpu);
	if (slab_freed_last(ac, object))
		return SLAB_TWICE;
	if (ac->avail >= f->owner->limit)
		slab_flush_start(f, ac);
	slab_wipe(f->owner, object);
	slab_poison_object(f->owner, object);
	ac->entry[ac->avail++] = object;
	return SLAB_FREED;
}

static void slab_free_refuse(struct kernel *k, const struct slab_free *f, struct slab_cache *s,
			     enum slab_verdict verdict, void *object)
{
	const char *what = s ? "kmem_cache_free" : "kfree";

	if (verdict == SLAB_WRONG_CACHE)
		slab_wrong_cache(k, &s->common, &f->owner->common, object);
	else if (verdict == SLAB_INNER)
		slab_bug(k, what, &f->owner->common, object, SLAB_BUG_INNER);
	else if (verdict == SLAB_TWICE)
		slab_bug(k, what, &f->owner->common, object, SLAB_BUG_DOUBLE_FREE);
	else if (s)
		slab_bug(k, what, &s->common, object, SLAB_BUG_NO_SLAB);
	else
		kfree_slow(object);
}

/* Debug caches look before anything is done. What is no object, or of another cache, is left to
 * the checks that all caches make. false: the free is refused, and was reported. */
static bool slab_free_debug(const struct slab_cache *s, struct arch_cpu *cpu, void *object,
			    unsigned long caller)
{
	struct slab_slab *slab = slab_lookup(cpu, object);
	struct slab_cache *owner = slab ? slab->cache : NULL;

	if (likely(!owner || !owner->debug) || (s && s != owner))
		return true;
	return !slab_is_object(owner, slab, object) || slab_debug_free(owner, slab, object, caller);
}

static noinline void slab_free_slow(struct slab_cache *s, void *object, unsigned long caller)
{
	enum slab_verdict verdict;
	struct arch_cpu *cpu;
	struct slab_free f;
	struct kernel *k;

	if (!object || (!s && ZERO_OR_NULL_PTR(object)))
		return;
	cpu = arch_cpu_current();
	if (!cpu || !slab_free_debug(s, cpu, object, caller))
		return;
	cpu = arch_cpu_lock();
	if (!cpu)
		return;
	k = cpu->kernel;
	verdict = slab_free_here(&f, s, cpu, object);
	arch_cpu_unlock(cpu);

	if (verdict == SLAB_FOREIGN_NODE)
		verdict = slab_free_alien(f.owner, f.owner->node[f.here],
					  f.owner->node[slab_nid(f.slab)], object)
				  ? SLAB_FREED
				  : SLAB_TWICE;
	if (unlikely(verdict != SLAB_FREED))
		slab_free_refuse(k, &f, s, verdict, object);
	else if (f.nr)
		slab_flush_end(&f);
}

/* --- public ----------------------------------------------------------------------------------- */

/* A thread whose CPU could not be entered the fast way: all of them while events are traced. */
static noinline void slab_free_unentered(struct slab_cache *s, void *object, const void *caller)
{
	if (unlikely(s && object && !arch_cpu_current()))
		return;
	if (!s)
		trace_kfree(caller, object);
	else if (object)
		trace_kmem_cache_free(caller, &s->common, object);
	memcg_uncharge(s ? &s->common : NULL, object);
	slab_free_slow(s, object, (unsigned long)caller);
}

static __always_inline void slab_free(struct slab_cache *s, bool any, void *object)
{
	struct arch_cpu *cpu = arch_cpu_tryenter();
	bool done;

	if (unlikely(!cpu)) {
		slab_free_unentered(s, object, __builtin_return_address(0));
		return;
	}
	done = slab_push(s, any, cpu, object);
	arch_cpu_leave(cpu);
	if (unlikely(!done))
		slab_free_slow(s, object, SLAB_CALLER);
}

void kmem_cache_free(struct kmem_cache *cache, void *object)
{
	slab_free(to_slab_cache(cache), false, object);
}

void kfree(const void *p)
{
	slab_free(NULL, true, (void *)(uintptr_t)p);
}

size_t ksize(const void *p)
{
	struct arch_cpu *cpu = ZERO_OR_NULL_PTR(p) ? NULL : arch_cpu_current();
	struct slab_slab *slab;

	if (unlikely(!cpu))
		return 0;
	slab = slab_lookup(cpu, p);
	if (unlikely(!slab))
		return ksize_slow(p);
	return cache_object_size(&slab->cache->common);
}

/* Free in one section what the fast path takes; how many. */
static size_t slab_push_bulk(struct slab_cache *s, size_t nr, void **p)
{
	struct arch_cpu *cpu = arch_cpu_tryenter();
	size_t i = 0;

	if (unlikely(!cpu))
		return 0;
	while (i < nr && p[i] && slab_push(s, !s, cpu, p[i]))
		i++;
	arch_cpu_leave(cpu);
	return i;
}

void kmem_cache_free_bulk(struct kmem_cache *cache, size_t nr, void **p)
{
	struct slab_cache *s = cache ? to_slab_cache(cache) : NULL;
	size_t i = 0;

	if (arch_is_slowed()) {
		if (unlikely(!nr || !arch_cpu_current()))
			return;
		memcg_uncharge_bulk(cache, nr, p);
	}
	while (i < nr) {
		i += slab_push_bulk(s, nr - i, p + i);
		if (i == nr)
			break;
		if (!ZERO_OR_NULL_PTR(p[i]))
			slab_free_slow(s, p[i], SLAB_CALLER);
		i++;
	}
}
