/* SPDX-License-Identifier: MIT */
/*
 * Giving objects back.
 *
 *	object in the CPU's slab   to the CPU's free list; no lookup of the slab is needed, since
 *	                           the slab's range of addresses says enough
 *	any other object           slab by way of struct page; among several threads to the CPU's
 *	                           sheaf (slub_sheaf.h), else to the slab's own free list:
 *	  frozen                   done (its CPU finds the object when its own list is empty)
 *	  was full                 the slab is frozen and goes to this CPU's partial list
 *	  partial, now empty       under list_lock: to the page allocator if the node has enough
 *	  partial, not empty       done
 *
 * What is always checked: that the pointer lies in a slab of this machine, of this cache, at the
 * beginning of an object, and is not the object freed last into the same list; and that a slab
 * never gets more objects back than it gave out.
 */
#include "slub/slub_alone.h"
#include "slub/slub_sheaf.h"

#include "common/memcg.h"
#include "common/trace.h"

/* --- checks -------------------------------------------------------------------------------- */

struct slub_slab *slub_check_object(struct arch_cpu *cpu, struct slub_cache *s, const void *object,
				    const char *what)
{
	struct page *head = memmap_lookup_head(cpu, object);
	struct slub_slab *slab;
	struct slub_cache *owner;
	size_t off;

	if (unlikely(!head || page_type(head) != PAGE_TYPE_SLAB)) {
		if (s)
			slab_bug(cpu->kernel, what, &s->common, object, SLAB_BUG_NO_SLAB);
		return NULL;
	}
	slab = slub_slab_of(head);
	owner = slab->cache;
	if (unlikely(s && s != owner)) {
		slab_wrong_cache(cpu->kernel, &s->common, &owner->common, object);
		return NULL;
	}
	/* It is looked at under list_lock. */
	if (slub_is_debug(owner))
		return slab;
	off = (size_t)((const char *)object - (char *)memmap_address(cpu, head)) -
	      owner->red_left_pad;
	if (unlikely(off >= (size_t)slub_load(slab).objects * owner->common.size ||
		     !slub_is_multiple(owner, off))) {
		slab_bug(cpu->kernel, what, &owner->common, object, SLAB_BUG_INNER);
		return NULL;
	}
	return slab;
}

noinline __attribute__((cold)) void slub_report_double_free(struct slub_cache *s,
							    const void *object, const char *what)
{
	slab_bug(s->common.kernel, what, &s->common, object, SLAB_BUG_DOUBLE_FREE);
}

/* --- to the slab's own list ---------------------------------------------------------------- */

/* The slab, on its node's partial list, became empty under list_lock, which is released. */
static void put_empty(struct slub_cache *s, struct slub_node *n, struct slub_slab *slab)
{
	bool discard = slub_may_discard(s, n);

	if (discard) {
		slub_remove_partial_locked(n, slab);
		slub_node_remove_locked(n, slab);
	}
	arch_spin_unlock(&n->list_lock);
	if (discard)
		slub_free_slab(s, slab);
}

void slub_free_to_slab(struct slub_cache *s, struct slub_slab *slab, void *head, void *tail,
		       unsigned int cnt, const char *what)
{
	char *base = slub_address(s, slab);
	uint32_t head_off = slub_head_of(base, head);
	uint32_t tail_off = slub_head_of(base, tail);
	union slub_state old = slub_load(slab);
	struct slub_node *n = NULL;
	union slub_state new;

	do {
		if (unlikely(n)) {
			arch_spin_unlock(&n->list_lock);
			n = NULL;
		}
		if (unlikely(old.head == head_off || old.head == tail_off || old.inuse < cnt)) {
			slub_report_double_free(s, head, what);
			return;
		}
		slub_link_free(s, tail, slub_head(base, old));
		new.word = old.word - SLUB_ONE_IN_USE * cnt - SLUB_HEAD_WORD(old.head) +
			   SLUB_HEAD_WORD(head_off);
		if (!old.frozen && !old.head) {
			new.frozen = 1;
		} else if (!old.frozen && !new.inuse) {
			/* It may have to leave its list: nobody may move it meanwhile. */
			n = slub_node_of(s, slab);
			arch_spin_lock(&n->list_lock);
		}
	} while (unlikely(!slub_cas(slab, &old, new)));

	if (likely(!n)) {
		if (unlikely(new.frozen != old.frozen))
			slub_put_cpu_partial(s, slab);
		return;
	}
	put_empty(s, n, slab);
}

void slub_free_list(struct slub_cache *s, struct slub_slab *slab, void *head, void *tail,
		    unsigned int cnt, const char *what)
{
	struct slub_section at = slub_enter();
	struct slub_cpu *c = slub_cpu(s, at.cpu);
	bool own = c->slab == slab;
	bool twice = own && (c->freelist == head || c->freelist == tail);

	if (own && !twice) {
		slub_link_free(s, tail, c->freelist);
		c->freelist = head;
	}
	slub_leave(at);
	if (unlikely(twice))
		slub_report_double_free(s, head, what);
	else if (!own)
		slub_free_to_slab(s, slab, head, tail, cnt, what);
}

/* --- one object ---------------------------------------------------------------------------- */

bool slub_freed_last(struct slub_cache *s, const struct slub_slab *slab, const void *object)
{
	struct slub_section at = slub_enter();
	const struct slub_cpu *c = slub_cpu(s, at.cpu);
	const void *last;

	if (c->slab == slab)
		last = c->freelist;
	else
		last = slub_head(slub_address(s, slab), slub_load(slab));
	slub_leave(at);
	return last == object;
}

/* Whatever CPU and slab it is. */
static noinline void free_slow(struct slub_cache *s, void *object, const char *what,
			       const void *caller)
{
	struct arch_cpu *cpu = arch_cpu_current();
	struct slub_slab *slab;

	if (!object || !cpu)
		return;
	slab = slub_check_object(cpu, s, object, what);
	if (!slab)
		return;
	if (slub_is_debug(s)) {
		slub_debug_free(s, slab, 1, &object, what, caller);
		return;
	}
	if (unlikely(s->common.init_on_free && slub_freed_last(s, slab, object))) {
		slub_report_double_free(s, object, what);
		return;
	}
	slub_wipe(s, object);
	slub_poison_object(s, object);
	slub_free_list(s, slab, object, object, 1, what);
}

/* The usual ways to another slab than the CPU's, in a section. False: nothing was done. */
static __always_inline bool give_elsewhere(struct slub_cache *s, struct arch_cpu *cpu,
					   struct slub_slab *slab, char *base, void *object)
{
	struct slub_cpu *c = percpu_ptr(cpu, s->cpu_off);
	union slub_state old = slub_load(slab);

	if (arch_cpu_alone(cpu) && likely(!s->sheaves_always))
		return slub_give_alone(s, c, slab, old, base, object);
	if (unlikely(!slub_sheaf_takes(s, cpu, c, slab, object)) || slub_head(base, old) == object)
		return false;
	slub_sheaf_push(s, cpu, c, object);
	return true;
}

/* @object is said to be one of @s and lies in the pages of @slab, which is not the CPU's: the usual
 * cases, in a section, which ends here; the rest to those who look at everything. */
static __always_inline void free_elsewhere(struct slub_cache *s, struct arch_cpu *cpu,
					   struct slub_slab *slab, void *object, const char *what,
					   const void *caller)
{
	char *base = memmap_address(cpu, slub_page(slab));
	size_t off = (uintptr_t)object - (uintptr_t)base;

	if (unlikely(s->slow_free || off >= (size_t)slub_load(slab).objects * s->common.size ||
		     !slub_is_multiple(s, off))) {
		arch_cpu_leave(cpu);
		free_slow(s, object, what, caller);
		return;
	}
	slub_poison_object(s, object);
	if (likely(give_elsewhere(s, cpu, slab, base, object))) {
		arch_cpu_leave(cpu);
		return;
	}
	arch_cpu_leave(cpu);
	slub_sheaf_refused(s, slab, object, what);
}

static noinline void cache_free_elsewhere(struct slub_cache *s, struct arch_cpu *cpu, void *object,
					  const void *caller)
{
	struct page *page = memmap_lookup_head(cpu, object);

	if (likely(page && page_type(page) == PAGE_TYPE_SLAB && slub_slab_of(page)->cache == s)) {
		free_elsewhere(s, cpu, slub_slab_of(page), object, "kmem_cache_free", caller);
		return;
	}
	arch_cpu_leave(cpu);
	free_slow(s, object, "kmem_cache_free", caller);
}

static noinline void kfree_elsewhere(struct slub_slab *slab, struct arch_cpu *cpu, void *object,
				     const void *caller)
{
	free_elsewhere(slab->cache, cpu, slab, object, "kfree", caller);
}

/* In the CPU's slab, but inside an object or the one freed last. */
static noinline __attribute__((cold)) void free_bad(struct slub_cache *s, void *object,
						    const char *what)
{
	if (slub_check_object(arch_cpu_current(), s, object, what))
		slub_report_double_free(s, object, what);
}

/* To the CPU's free list, in a section, which ends here. False: @object lies in another slab, and the
 * section goes on. */
static __always_inline bool free_fast(struct slub_cache *s, struct arch_cpu *cpu, void *object,
				      const char *what)
{
	struct slub_cpu *c = percpu_ptr(cpu, s->free_off);
	void *hot = c->hot;
	size_t off = (uintptr_t)object - (uintptr_t)c->base;

	if (unlikely(off >= c->span))
		return false;
	if (unlikely(!slub_is_multiple(s, off) || object == (hot ? hot : c->freelist))) {
		arch_cpu_leave(cpu);
		free_bad(s, object, what);
		return true;
	}
	if (hot) {
		slub_set_freepointer(s, hot, c->freelist);
		c->freelist = hot;
	}
	c->hot = object;
	slub_poison_object(s, object);
	arch_cpu_leave(cpu);
	return true;
}

/* A thread whose CPU could not be entered the fast way: all of them while events are traced. */
static noinline void free_unentered(struct slub_cache *s, void *object, const void *caller)
{
	if (unlikely(!arch_cpu_current()))
		return;
	if (object)
		trace_kmem_cache_free(caller, &s->common, object);
	memcg_uncharge(&s->common, object);
	free_slow(s, object, "kmem_cache_free", caller);
}

void kmem_cache_free(struct kmem_cache *cache, void *object)
{
	struct slub_cache *s = slub_of(cache);
	struct arch_cpu *cpu = arch_cpu_tryenter();

	if (unlikely(!cpu)) {
		free_unentered(s, object, __builtin_return_address(0));
		return;
	}
	/* Another machine's cache has its per-CPU part elsewhere. */
	if (unlikely(s->common.kernel != cpu->kernel)) {
		arch_cpu_leave(cpu);
		free_slow(s, object, "kmem_cache_free", SLUB_CALLER());
		return;
	}
	/* The caller's address is read where it is needed, not before. */
	if (unlikely(!free_fast(s, cpu, object, "kmem_cache_free")))
		cache_free_elsewhere(s, cpu, object, SLUB_CALLER());
}

static noinline void kfree_unentered(const void *p, const void *caller)
{
	struct arch_cpu *cpu = ZERO_OR_NULL_PTR(p) ? NULL : arch_cpu_current();
	struct page *head;

	trace_kfree(caller, p);
	memcg_uncharge(NULL, p);
	if (!cpu)
		return;
	head = memmap_lookup_head(cpu, p);
	if (!head || page_type(head) != PAGE_TYPE_SLAB)
		kfree_slow(p);
	else
		free_slow(slub_slab_of(head)->cache, (void *)(uintptr_t)p, "kfree", caller);
}

void slub_free_one(struct slub_cache *s, void *object, const void *caller)
{
	if (s)
		free_unentered(s, object, caller);
	else
		kfree_unentered(object, caller);
}

void kfree(const void *p)
{
	struct arch_cpu *cpu = arch_cpu_tryenter();
	struct page *head;

	if (unlikely(!cpu)) {
		kfree_unentered(p, __builtin_return_address(0));
		return;
	}
	head = memmap_lookup_head(cpu, p);
	if (unlikely(!head || page_type(head) != PAGE_TYPE_SLAB)) {
		arch_cpu_leave(cpu);
		kfree_slow(p);
		return;
	}
	if (unlikely(!free_fast(slub_slab_of(head)->cache, cpu, (void *)(uintptr_t)p, "kfree")))
		kfree_elsewhere(slub_slab_of(head), cpu, (void *)(uintptr_t)p, SLUB_CALLER());
}

size_t ksize(const void *p)
{
	struct arch_cpu *cpu = ZERO_OR_NULL_PTR(p) ? NULL : arch_cpu_current();
	struct slub_cache *s;
	struct page *head;

	if (!cpu)
		return 0;
	head = memmap_lookup_head(cpu, p);
	if (!head || page_type(head) != PAGE_TYPE_SLAB)
		return ksize_slow(p);
	s = slub_slab_of(head)->cache;
	return slub_usable(s);
}
