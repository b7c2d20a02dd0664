/* SPDX-License-Identifier: MIT */
/*
 * SLUB: small objects out of slabs, with the free list inside the free objects. Behaviour is Linux
 * 6.1's (Documentation/mm/slub.rst; Lameter, "SLUB: The unqueued slab allocator", 2007).
 *
 *   kmem_cache_cpu   (struct slub_cpu) what a CPU serves from: the free list of its one slab, and a
 *                    short list of partial slabs behind it
 *   kmem_cache_node  (struct slub_node) a node's partial slabs, and the count of all its slabs
 *   slab             (struct slub_slab) 2^order pages cut into objects; lies over struct page
 *   oo, min          order and objects of a slab: the wanted ones, and the fallback when memory is
 *                    short
 *
 * States of a slab. `frozen` means that one CPU owns the slab: it is on no node list and only its
 * owner takes objects from it; anybody may give objects back to it. Changes are one 64-bit
 * compare and swap of `state`, whose `head` is the slab's own free list.
 *
 *   new        all objects free, nobody else knows it
 *   cpu        frozen; a CPU's slab: that CPU holds the free objects in its own list (c->freelist)
 *              and counts them as used (inuse = objects); objects freed elsewhere gather on `head`
 *   cpu part.  frozen; on a CPU's partial list, free objects on `head`
 *   partial    not frozen, on its node's partial list, `head` not empty
 *   full       not frozen, on no list, `head` empty: only the node's list of all slabs knows it
 *
 *   new → cpu                       allocation finds nothing else
 *   cpu → full                      all taken and nothing given back meanwhile
 *   full → cpu part.                first object freed: the freeing CPU takes the slab
 *   cpu part. → cpu                 the CPU's own slab ran out
 *   cpu part. → partial             the list is too long, or flushed: all moves to the node's tail
 *   partial → cpu, cpu part.        allocation refills from the node
 *   cpu → partial, full             deactivated: flush, wrong node, another slab came first
 *   any → page allocator            empty while the node has min_partial slabs; shrink; destroy
 *
 * Debug caches (a SLAB_* debug flag) have no CPU slabs at all: each object is taken from the node's
 * partial list and given back to it under list_lock (slub_debug.c).
 *
 * Invariants. head empty <=> inuse == objects, except in a slab that is being deactivated.
 * Objects on `head` + inuse = objects. A slab on a node's partial list is not frozen, and the
 * other way round: a slab that is not frozen and has a non-empty `head` is on it, or its mover
 * holds list_lock.
 *
 * Locks. struct slub_cpu: a section or a claim of its CPU (arch.h). struct slub_node: list_lock.
 * A slab's state: compare and swap, or load and store by a machine's only thread, inside a section
 * (slub_alone.h); removing a slab from the partial list or ending its life as a
 * partial one: list_lock besides. No section covers list_lock, the page allocator or a
 * constructor: slow paths take what they need out of struct slub_cpu, leave, work, and look
 * again.
 */
#ifndef KMEM_SLUB_SLUB_H
#define KMEM_SLUB_SLUB_H

#include "arch.h"
#include "buddy/buddy.h"
#include "buddy/page.h"
#include "common/backend.h"
#include "common/kmalloc.h"
#include "common/rcu.h"
#include "common/registry.h"
#include "lib/list.h"
#include "lib/lock_rank.h"
#include "lib/percpu.h"
#include "lib/report.h"
#include "lib/string.h"

#include <kmem/slab.h>

/* Bits of kmem_cache.flags that only SLUB sets, where Linux shows them. */
#define SLUB_CMPXCHG_DOUBLE ((slab_flags_t)0x40000000u)	/* state is changed without a slab lock */
#define SLUB_OBJECT_POISON ((slab_flags_t)0x80000000u)	/* free objects may be filled */

#define SLUB_DEBUG_FLAGS \
	(SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER | SLAB_TRACE)
#define SLUB_NO_CMPXCHG (SLAB_CONSISTENCY_CHECKS | SLAB_STORE_USER | SLAB_TRACE)

/* Objects of one slab: what `objects` can hold. */
#define SLUB_MAX_OBJECTS 32767u

/* SLAB_STORE_USER keeps two of these behind the object: the last allocation and the last free. */
struct slub_track {
	unsigned long addr;	/* caller */
	uint32_t stack;		/* handle of the saved stack */
	int32_t cpu;
	int32_t pid;
	unsigned long when;
};
_Static_assert(sizeof(struct slub_track) == (sizeof(long) == 8 ? 32 : 20), "size in golden layouts");

/* A slab's changing state: one word, changed by compare and swap. */
union slub_state {
	uint64_t word;
	struct {
		uint32_t head;		/* free list: byte offset in the slab + 1; 0: empty */
		uint16_t inuse;		/* objects not on `head` */
		uint16_t objects : 15;
		uint16_t frozen : 1;
	};
};
_Static_assert(sizeof(union slub_state) == 8, "one word");

/* The same in arithmetic, where the fields of a word are changed in a hot place. */
#define SLUB_ONE_IN_USE ((union slub_state){.inuse = 1}.word)
#define SLUB_HEAD_WORD(offset) ((union slub_state){.head = (offset)}.word)

/* Lies over the overlay of the slab's first struct page. */
struct slub_slab {
	arch_u64 state;			/* union slub_state */
	struct slub_cache *cache;
	union {
		struct list_head partial;	/* slub_node.partial; list_lock */
		struct slub_slab *next;		/* slub_cpu.partial and private chains */
	};
	union {
		struct list_head all;		/* slub_node.all; list_lock */
		struct rcu_head rcu;		/* empty, forgotten by its node, on its way back */
	};
};
_Static_assert(sizeof(struct slub_slab) <= PAGE_OVERLAY_END - PAGE_OVERLAY_START, "slub_slab");

/*
 * One CPU's part of a cache; per-CPU data at slub_cache.cpu_off. The fields from base to slab
 * belong together: slub_cpu_set_slab(). An object lies in the CPU's slab if it lies in [base,
 * base + span).
 *
 * `hot` is the first of the free list, not linked yet: who allocates it next need not wait for a link
 * that was written a moment ago. Only the fast paths know it; slub_cpu() links it.
 */
struct slub_cpu {
	void *freelist;			/* free objects held by this CPU, of `slab` or from a sheaf */
	void *hot;			/* freed last; NULL: allocated again, or linked */
	char *base;			/* first byte of the slab */
	size_t span;			/* bytes of its objects; 0: no slab */
	struct slub_slab *slab;
	struct slub_slab *partial;	/* newest first, linked by `next` */
	unsigned int nr_partial;
	unsigned int nr_sheaf;
	void *sheaf;			/* objects of any slabs, newest first (slub_sheaf.h) */
};

/* One node's part of a cache. */
struct slub_node {
	struct arch_spinlock list_lock;
	unsigned long nr_partial;	/* written under list_lock, read anywhere */
	struct list_head partial;
	struct list_head all;		/* every slab of the node, newest first */
	unsigned long nr_slabs;
	unsigned long total_objects;
};

struct slub_order {
	unsigned int order;
	unsigned int objects;
};

/* Fields are constant after backend_create(), but for cpu_partial, sheaf_size, cpu_partial_slabs,
 * min_partial and remote_node_defrag_ratio, which slub_sysfs.c may write while others read them. The
 * hot ones follow kmem_cache.kernel closely. */
struct slub_cache {
	struct kmem_cache common;
	size_t alloc_off;		/* cpu_off, as the fast paths of allocation */
	size_t free_off;		/* and of freeing see it (slub_cache.c) */
	uint64_t size_magic;		/* ceil(2^64 / size): slub_is_multiple() */
	unsigned int offset;		/* of the free pointer in an object */
	bool slow_free;			/* a free is more than changed lists: debug, init_on_free, hardened */
	bool sheaves_always;		/* slub_sheaves=always */
	bool hardened;			/* free pointers are concealed (slub_harden.c) */
	size_t cpu_off;			/* struct slub_cpu */
	unsigned int inuse;		/* bytes of an object before metadata */
	unsigned int red_left_pad;	/* bytes before an object */
	struct slub_order oo;
	struct slub_order min;
	unsigned int cpu_partial;	/* objects wanted on a CPU's partial list */
	unsigned int sheaf_size;	/* cpu_partial; 0 with slub_sheaves=never */
	unsigned int cpu_partial_slabs;	/* the same in slabs: above it the list moves to the node */
	unsigned long min_partial;	/* partial slabs that a node keeps even when empty */
	gfp_t allocflags;
	uintptr_t secret;		/* hardened: what free pointers are concealed with */
	uint16_t *random_seq;		/* oo.objects numbers of objects, shuffled; NULL: in order */
	/* In 1024ths: how often an allocation looks at other nodes' partial slabs. */
	unsigned int remote_node_defrag_ratio;
	unsigned int nr_nodes;
	struct slub_node **nodes;	/* NULL entry: a node without memory for slabs */
};

/* k->backend. */
struct backend_state {
	arch_u64 rand;			/* seeded; remote_node_defrag_ratio */
	arch_u64 secrets;		/* seeded; slub_harden.c */
	size_t shut_off;		/* a struct slub_cpu that is never written: no objects */
};

/* Slabs leaving a list for one CPU: the one to allocate from, with its free list taken out, and
 * others for the CPU's partial list, first taken first. */
struct slub_batch {
	struct slub_slab *slab;
	void *freelist;
	struct slub_slab *extra;
	struct slub_slab **extra_tail;
};

/* --- small helpers ------------------------------------------------------------------------- */

static __always_inline struct slub_cache *slub_of(struct kmem_cache *s)
{
	return (struct slub_cache *)(void *)s;
}

static __always_inline struct slub_slab *slub_slab_of(struct page *page)
{
	return (struct slub_slab *)(void *)((char *)page + PAGE_OVERLAY_START);
}

static __always_inline struct page *slub_page(const struct slub_slab *slab)
{
	return (struct page *)(void *)((char *)(uintptr_t)slab - PAGE_OVERLAY_START);
}

static inline int slub_slab_nid(const struct slub_slab *slab)
{
	return (int)page_flags_node(slub_page(slab)->flags);
}

static inline struct slub_node *slub_node_of(const struct slub_cache *s,
					     const struct slub_slab *slab)
{
	return s->nodes[slub_slab_nid(slab)];
}

/* @n is a struct slub_node *. */
#define for_each_kmem_cache_node(s, nid, n)                                                        \
	for (unsigned int nid = 0; nid < (s)->nr_nodes; nid++)                                     \
		if (((n) = (s)->nodes[nid]))

/* First byte of a slab. */
static inline char *slub_address(const struct slub_cache *s, const struct slub_slab *slab)
{
	const struct arch_machine *am = s->common.kernel->arch;

	return am->ram + (memmap_pfn(am->memmap, slub_page(slab)) << PAGE_SHIFT);
}

static inline bool slub_is_debug(const struct slub_cache *s)
{
	return unlikely(s->common.flags & SLUB_DEBUG_FLAGS);
}

static __always_inline void *slub_get_freepointer(const struct slub_cache *s, const void *object)
{
	void **at = (void **)((char *)(uintptr_t)object + s->offset);

	return arch_raw_read(at);
}

static __always_inline void slub_set_freepointer(const struct slub_cache *s, void *object,
						 void *next)
{
	arch_raw_write((void **)((char *)object + s->offset), next);
}

/* Link what was freed last. In a section or a claim of the CPU. */
static __always_inline void slub_settle(const struct slub_cache *s, struct slub_cpu *c)
{
	if (!c->hot)
		return;
	slub_set_freepointer(s, c->hot, c->freelist);
	c->freelist = c->hot;
	c->hot = NULL;
}

/* The CPU's part with its free list whole. In a section or a claim of the CPU. */
static __always_inline struct slub_cpu *slub_cpu(const struct slub_cache *s, struct arch_cpu *cpu)
{
	struct slub_cpu *c = percpu_ptr(cpu, s->cpu_off);

	slub_settle(s, c);
	return c;
}

/*
 * Whether @n is a multiple of the cache's size, without a division (Lemire, Kaser, Kurz, "Faster
 * remainder by direct computation", 2019): with M = ceil(2^64 / size) the product n × M modulo 2^64
 * is below M exactly if it is. Holds for n and size below 2^32.
 */
static __always_inline bool slub_is_multiple(const struct slub_cache *s, size_t n)
{
	return (uint64_t)n * s->size_magic < s->size_magic;
}

static inline union slub_state slub_load(const struct slub_slab *slab)
{
	return (union slub_state){.word = __atomic_load_n(&slab->state, __ATOMIC_ACQUIRE)};
}

/* For a slab that nobody else can change, or nobody but this thread. */
static inline void slub_store(struct slub_slab *slab, union slub_state state)
{
	__atomic_store_n(&slab->state, state.word, __ATOMIC_RELEASE);
}

/* @old is renewed on failure. */
static inline bool slub_cas_locked(struct slub_slab *slab, union slub_state *old, union slub_state new)
{
	return __atomic_compare_exchange_n(&slab->state, &old->word, new.word, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/* @old is renewed on failure. Outside sections: a thread alone in its machine needs no locked
 * instruction. */
static inline bool slub_cas(struct slub_slab *slab, union slub_state *old, union slub_state new)
{
	struct arch_cpu *cpu = arch_cpu_enter_alone();

	if (likely(cpu)) {
		bool same = slub_load(slab).word == old->word;

		if (likely(same))
			slub_store(slab, new);
		arch_cpu_leave(cpu);
		if (likely(same))
			return true;
	}
	return slub_cas_locked(slab, old, new);
}

static inline void *slub_head(char *base, union slub_state state)
{
	return state.head ? base + state.head - 1 : NULL;
}

static inline uint32_t slub_head_of(const char *base, const void *object)
{
	return object ? (uint32_t)((const char *)object - base) + 1 : 0;
}

static inline unsigned long slub_nr_partial(const struct slub_node *n)
{
	return __atomic_load_n(&n->nr_partial, __ATOMIC_RELAXED);
}

/* Whether a slab that has become empty goes back to the page allocator. */
static inline bool slub_may_discard(const struct slub_cache *s, const struct slub_node *n)
{
	return slub_nr_partial(n) >= __atomic_load_n(&s->min_partial, __ATOMIC_RELAXED);
}

/* A CPU section of a slow path, entered whichever way is open. */
struct slub_section {
	struct arch_cpu *cpu;	/* NULL: no machine (reported) */
	bool fast;
};

static __always_inline struct slub_section slub_enter(void)
{
	struct slub_section at = {.cpu = arch_cpu_tryenter(), .fast = true};

	if (unlikely(!at.cpu)) {
		at.cpu = arch_cpu_lock();
		at.fast = false;
	}
	return at;
}

static __always_inline void slub_leave(struct slub_section at)
{
	if (likely(at.fast))
		arch_cpu_leave(at.cpu);
	else
		arch_cpu_unlock(at.cpu);
}

static inline void slub_cpu_set_slab(struct slub_cache *s, struct slub_cpu *c,
				     struct slub_slab *slab)
{
	c->slab = slab;
	c->base = slub_address(s, slab);
	c->span = (size_t)slub_load(slab).objects * s->common.size;
}

static inline void slub_cpu_clear_slab(struct slub_cpu *c)
{
	c->freelist = NULL;
	c->base = NULL;
	c->span = 0;
	c->slab = NULL;
}

/* Bytes that the owner of an object may use: what follows belongs to red zone, poison, tracks or
 * free pointer. */
static inline size_t slub_usable(const struct slub_cache *s)
{
	if (s->common.flags & (SLAB_RED_ZONE | SLAB_POISON))
		return s->common.object_size;
	if (s->common.flags & (SLAB_TYPESAFE_BY_RCU | SLAB_STORE_USER))
		return s->inuse;
	return s->common.size;
}

/*
 * AddressSanitizer and Valgrind are told which objects are free (arch.h). Those of a
 * TYPESAFE_BY_RCU cache may be looked at even then.
 */
static __always_inline bool slub_watched(const struct slub_cache *s)
{
	return arch_watched() && !(s->common.flags & SLAB_TYPESAFE_BY_RCU);
}

static __always_inline void slub_unpoison_object(const struct slub_cache *s, void *object)
{
	if (slub_watched(s))
		arch_object_alloc(s->common.kernel->arch, object, slub_usable(s), s->common.ctor);
}

static __always_inline void slub_poison_object(const struct slub_cache *s, void *object)
{
	if (slub_watched(s))
		arch_object_free(s->common.kernel->arch, object, slub_usable(s));
}

static __always_inline void slub_unpoison_objects(const struct slub_cache *s, size_t nr, void **p)
{
	if (!slub_watched(s))
		return;
	for (size_t i = 0; i < nr; i++)
		slub_unpoison_object(s, p[i]);
}

/* Objects linked from @head to @tail. */
static __always_inline void slub_poison_list(const struct slub_cache *s, void *head, void *tail)
{
	void *object = head;

	if (!slub_watched(s))
		return;
	for (slub_poison_object(s, object); object != tail; slub_poison_object(s, object))
		object = slub_get_freepointer(s, object);
}

/* init_on_free: zeros into an object that is being freed, before it is anybody else's. */
static inline void slub_wipe(const struct slub_cache *s, void *object)
{
	if (unlikely(s->common.init_on_free))
		memset(object, 0, slub_usable(s));
}

/* --- slub_geometry.c ----------------------------------------------------------------------- */

/* Fill size, offsets, orders and limits of @s. 0 or -E2BIG: no order holds one object. */
int slub_calculate_sizes(struct slub_cache *s);

/* How many free objects a CPU's partial list is to hold. */
void slub_set_cpu_partial(struct slub_cache *s, unsigned int objects);

/* --- slub_shuffle.c ------------------------------------------------------------------------- */

/* With slab_freelist_random: an order for the objects of the cache's slabs. 0 or -ENOMEM. */
int slub_shuffle_init(struct slub_cache *s);
void slub_shuffle_release(struct slub_cache *s);

/* Which object of a slab of @objects comes first, and which after that: a walk through the cache's
 * order from a place of the slab's own. */
struct slub_shuffle_walk {
	unsigned int at;
};
void slub_shuffle_begin(struct slub_cache *s, struct slub_shuffle_walk *walk);
unsigned int slub_shuffle_next(const struct slub_cache *s, struct slub_shuffle_walk *walk,
			      unsigned int objects);

/* A number of the machine's own, by its seed. */
uint64_t slub_random(struct kernel *k);

/* --- slub_harden.c ------------------------------------------------------------------------- */

/* With slab_freelist_hardened: a secret for the cache's free pointers. */
void slub_harden_init(struct slub_cache *s);

/* The word that stands in @object for @next, and what a word there stands for. */
void *slub_conceal(const struct slub_cache *s, const void *object, const void *next);
void *slub_reveal(const struct slub_cache *s, const void *object, const void *word);

/* As slub_next_free(); a link out of @slab ends the list, and @object is left in *@bad. */
void *slub_reveal_checked(struct slub_cache *s, struct slub_slab *slab, void *object, void **bad);

/* The report about it. In no section, under no lock. */
void slub_report_chain(struct slub_cache *s, struct slub_slab *slab, void *object);

/* The link of a free object, for all but the fast paths, which no hardened cache has. */
static inline void *slub_next_free(const struct slub_cache *s, const void *object)
{
	void *next = slub_get_freepointer(s, object);

	return unlikely(s->hardened) ? slub_reveal(s, object, next) : next;
}

static inline void slub_link_free(const struct slub_cache *s, void *object, void *next)
{
	if (unlikely(s->hardened))
		next = slub_conceal(s, object, next);
	slub_set_freepointer(s, object, next);
}

static inline void *slub_next_checked(struct slub_cache *s, struct slub_slab *slab, void *object,
				      void **bad)
{
	if (unlikely(s->hardened))
		return slub_reveal_checked(s, slab, object, bad);
	return slub_get_freepointer(s, object);
}

/* --- slub_chain.c -------------------------------------------------------------------------- */

bool slub_is_object(const struct slub_cache *s, struct arch_cpu *cpu, const void *p);

/* Whether a list of free objects leads to its end, by way of objects of @s alone. For lists that
 * nobody else can reach. */
bool slub_chain_sound(struct slub_cache *s, const void *first);

/* The report about one that does not. In no section, under no lock. */
void slub_report_list(struct slub_cache *s, const void *first);

/* --- slub_slab.c --------------------------------------------------------------------------- */

/* A slab from the page allocator, counted on its node, all objects free on `head`, frozen;
 * constructors have run. NULL: none. */
struct slub_slab *slub_new_slab(struct slub_cache *s, gfp_t gfp, int node);

/* Give the pages back, with TYPESAFE_BY_RCU after a grace period; the node has forgotten the slab
 * already. */
void slub_free_slab(struct slub_cache *s, struct slub_slab *slab);

/* Forget the slab, which is on no partial list, and give its pages back. */
void slub_discard_slab(struct slub_cache *s, struct slub_slab *slab);

/* --- slub_partial.c ------------------------------------------------------------------------ */

void slub_add_partial_locked(struct slub_node *n, struct slub_slab *slab, bool tail);
void slub_remove_partial_locked(struct slub_node *n, struct slub_slab *slab);

/* The node's list of all slabs and its counters. */
void slub_node_add_locked(struct slub_node *n, struct slub_slab *slab);
void slub_node_remove_locked(struct slub_node *n, struct slub_slab *slab);

/* Take everything on the slab's `head`; an empty one unfreezes the slab. The caller owns the slab,
 * whose first byte is @base. The second form: inside a section. */
void *slub_take_freelist(struct slub_slab *slab, char *base);
void *slub_take_freelist_inside(struct slub_slab *slab, char *base);

/* Partial slabs from @node's list, or (NUMA_NO_NODE) the calling CPU's node's, then from others.
 * False: none. */
bool slub_get_partial(struct slub_cache *s, gfp_t gfp, int node, struct slub_batch *batch);

/*
 * Another node whose partial slabs an allocation may take after *@z (NULL to begin, and again at
 * the end): nearest first, but none that has few itself. Now and then there is none at all: a CPU
 * should rather get a new slab of its own node than have its objects end up far away for good.
 */
struct slub_node *slub_next_remote(struct slub_cache *s, gfp_t gfp, struct zoneref **z);

/* A CPU's slab with the rest of its free list goes to its node, or to the page allocator; what the
 * list has of other slabs to them. True: there were such objects. */
bool slub_deactivate(struct slub_cache *s, struct slub_slab *slab, void *freelist);

/* A slab just frozen by the caller, to the current CPU's partial list; a full list moves on
 * first. */
void slub_put_cpu_partial(struct slub_cache *s, struct slub_slab *slab);

/* Empty one CPU's part of the cache into the nodes; all CPUs' parts. True: objects of other slabs
 * were among it, whose slabs may now stand on the calling CPU's partial list. */
bool slub_flush_cpu(struct slub_cache *s, unsigned int id);
void slub_flush_all(struct slub_cache *s);

/* --- slub_debug.c -------------------------------------------------------------------------- */

/* As slub_alloc_slow(), of which they are the part for debug caches. */
void *slub_debug_alloc(struct slub_cache *s, gfp_t gfp, int node, size_t size, const void *caller);

/* Give p[0 … nr) back, which lie in @slab; the last of them comes out first again. What must not be
 * freed is reported and stays; @p is written to. @what, @caller: who is called, and by whom. */
void slub_debug_free(struct slub_cache *s, struct slub_slab *slab, size_t nr, void **p,
		     const char *what, const void *caller);

/* --- slub_validate.c, slub_sysfs.c ------------------------------------------------------------ */

/* kmem_cache_validate(). */
long slub_validate(struct kmem_cache *cache);

extern const struct cache_files slub_files;

/* --- slub_alloc.c -------------------------------------------------------------------------- */

/* slub_alloc_slow(), charged to the thread's group if there is one. */
void *slub_alloc_charged(struct slub_cache *s, gfp_t gfp, int node, size_t size,
			 const void *caller);

/* An object by the slow path, zeroed if asked for; NULL: none, or misuse. @size: bytes that kmalloc()
 * was asked for; @caller: a return address, whose call of the library this is. */
void *slub_alloc_slow(struct slub_cache *s, gfp_t gfp, int node, size_t size, const void *caller);

#define SLUB_CALLER() __builtin_return_address(0)

/* The kernel's message when no slab can be had. */
void slub_out_of_memory(struct slub_cache *s, gfp_t gfp, int node);

/* --- slub_free.c --------------------------------------------------------------------------- */

/* A BUG: @object, of @s, is free already. */
void slub_report_double_free(struct slub_cache *s, const void *object, const char *what);

/*
 * The slab in which @object begins. NULL, after a report in the name of @what, if it is no object
 * of @s (NULL: of any cache), or NULL without a report for what is no slab's at all when @s is
 * NULL.
 */
struct slub_slab *slub_check_object(struct arch_cpu *cpu, struct slub_cache *s, const void *object,
				    const char *what);

/* kmem_cache_free(), or with @s NULL kfree(), in the name of its caller. */
void slub_free_one(struct slub_cache *s, void *object, const void *caller);

/* Whether @object is the first of the list that it would go to: wiping it, or linking it to another
 * object, would cut off the rest. In no section. */
bool slub_freed_last(struct slub_cache *s, const struct slub_slab *slab, const void *object);

/* @cnt objects of one slab, linked from @head to @tail, to the slab's own free list. */
void slub_free_to_slab(struct slub_cache *s, struct slub_slab *slab, void *head, void *tail,
		       unsigned int cnt, const char *what);

/* The same, but to the CPU's free list if the slab is its own. */
void slub_free_list(struct slub_cache *s, struct slub_slab *slab, void *head, void *tail,
		    unsigned int cnt, const char *what);

/* --- slub_show.c --------------------------------------------------------------------------- */

struct slub_counts {
	unsigned long slabs;
	unsigned long objects;
	unsigned long free;	/* in partial slabs of the nodes; what CPUs hold counts as used */
};

/* One bit an object: free. */
struct slub_free_map {
	uint64_t bits[(SLUB_MAX_OBJECTS + 63) / 64];
};

/* What is on the slab's own list. */
void slub_map_free_objects(struct slub_cache *s, const struct slub_slab *slab,
			   struct slub_free_map *map);

static inline bool slub_map_has(const struct slub_free_map *map, size_t i)
{
	return map->bits[i / 64] >> i % 64 & 1;
}

/* Add a node's. */
void slub_count_node(struct slub_node *n, struct slub_counts *sum);

/* Sum over the nodes. */
void slub_count(struct slub_cache *s, struct slub_counts *sum);

#endif
