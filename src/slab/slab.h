/* SPDX-License-Identifier: MIT */
/*
 * Private to the SLAB backend. docs/slab.md shows these structures in pictures.
 *
 *   slab          2^order pages cut into `num` objects of `size` bytes; its structure (slab_slab)
 *                 lies in the first struct page, its free list where slab_geometry.c decided
 *   array_cache   pointers to free objects, last in first out. One a CPU (slab_array, in per-CPU
 *                 data), one shared by the CPUs of a node, and on each node one for every other
 *                 node (slab_alien)
 *   node          kmem_cache_node: the slabs of one NUMA node on three lists, partial, full, free
 *   cache         slab_cache: geometry, limits, offset of the per-CPU arrays, nodes
 *
 * Who may touch what:
 *   a CPU's array        its CPU section or a claim (arch.h)
 *   a node's lists,      node->list_lock. The shared array's `avail` is also read without it, as a
 *   counters, shared     hint.
 *   array, and every
 *   slab on its lists
 *   an alien array       its own lock, taken before the list_lock of the node it drains to
 *   the tunables         (limit, batchcount, shared, where the arrays are) a CPU section or the
 *                        registry's mutex; written with all CPUs claimed (slab_tune.c)
 *   everything else      constant from backend_create() to backend_release()
 */
#ifndef KMEM_SLAB_SLAB_H
#define KMEM_SLAB_SLAB_H

#include "buddy/buddy.h"
#include "common/backend.h"
#include "common/rcu.h"
#include "common/registry.h"
#include "lib/percpu.h"
#include "lib/report.h"
#include "lib/string.h"

/* --- geometry --------------------------------------------------------------------------------- */

/* What slab_debug= can ask for: a cache with one of these is a debug cache (slab_debug.c). */
#define SLAB_DEBUG_FLAGS \
	(SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER | SLAB_TRACE)

/* Where a slab keeps its free list: one byte an object, the objects' numbers in the order in which
 * they will be handed out. */
enum slab_mgmt {
	SLAB_MGMT_ON,	/* at the slab's end */
	SLAB_MGMT_OFF,	/* in a block of meta_alloc() */
	SLAB_MGMT_OBJ,	/* in the free object that will be handed out last */
};

/* Bits that Linux adds to a cache's flags for the last two; printed, not in kmem_cache.flags. */
#define SLAB_CFLGS_OBJFREELIST 0x40000000u
#define SLAB_CFLGS_OFF_SLAB 0x80000000u

/* An object's number is one byte and 255 means "too many": with pages of 4096 bytes and objects of
 * at least 16 no slab that the order search accepts needs more. */
#define SLAB_OBJ_MAX_NUM 255u
#define SLAB_OBJ_MIN_SIZE 16u

/* Objects that move between a CPU's array and a node in one step at most; they are on the stack
 * meanwhile. The largest batchcount that slab_geometry() gives is 60; one that was written to
 * slabinfo and is larger goes in several steps. */
#define SLAB_BATCH_MAX 64u

/* A CPU array that was not touched since the last reaping is refilled with no more than this. */
#define SLAB_BATCH_REFILL_LIMIT 16u

/* On the machine's clock: every CPU looks for idle objects this long after boot, then again and
 * again, and at what belongs to its node at most this often (Linux's REAPTIMEOUT_AC and _NODE). */
#define SLAB_REAP_FIRST_MS 1000u
#define SLAB_REAP_MS 2000u
#define SLAB_REAP_NODE_MS 4000u

/* Debug caches: largest limit of their arrays. */
#define SLAB_DEBUG_LIMIT 32u

/* Capacity of an alien array. */
#define SLAB_ALIEN_LIMIT 12u

struct slab_request {
	unsigned int object_size;
	unsigned int align;		/* 0 or a power of two */
	slab_flags_t flags;
	bool ctor;
	bool init_on_free;		/* nothing may be written into free objects */
	unsigned int max_order;		/* params.slab_max_order */
	unsigned int nr_cpus;
};

struct slab_geometry {
	unsigned int size;		/* bytes from one object to the next */
	unsigned int align;
	unsigned int num;		/* objects of a slab */
	unsigned int order;
	unsigned int colour;		/* offsets the first object may have, 0: only one */
	unsigned int colour_off;	/* bytes between them */
	unsigned int freelist_size;	/* bytes */
	enum slab_mgmt mgmt;
	unsigned int obj_offset;	/* bytes in front of an object: its red zone */
	unsigned int tail;		/* from an object's beginning to what debugging puts behind it */
	unsigned int limit;		/* of a CPU's array */
	unsigned int batchcount;	/* objects moved at once */
	unsigned int shared;		/* the shared array holds shared * batchcount; 0: none */
};

/* What a cache with @flags debugs. */
static inline slab_flags_t slab_debug_flags_of(slab_flags_t flags)
{
	return flags & SLAB_DEBUG_FLAGS;
}

/* 0, or -E2BIG when no slab order holds an object. */
int slab_geometry(struct slab_geometry *geo, const struct slab_request *req);

/* --- a slab ----------------------------------------------------------------------------------- */

struct slab_cache;

/* Lies over the backend's bytes of the first struct page. */
struct slab_slab {
	union {
		struct list_head list;	/* one of the node's three */
		struct rcu_head rcu;	/* on no list, on its way back */
	};
	struct slab_cache *cache;
	char *s_mem;			/* first object: start of the slab plus its colour, plus
					   obj_offset */
	uint8_t *freelist;		/* SLAB_MGMT_OBJ: NULL while no object is free */
	unsigned int active;		/* objects out, or in arrays: freelist[active] is next */
} __attribute__((may_alias));
_Static_assert(sizeof(struct slab_slab) <= PAGE_OVERLAY_END - PAGE_OVERLAY_START, "slab_slab");

static __always_inline struct slab_slab *page_slab(struct page *page)
{
	return (struct slab_slab *)(void *)page->overlay;
}

static __always_inline struct page *slab_page(const struct slab_slab *slab)
{
	return (struct page *)(void *)((char *)(uintptr_t)slab - PAGE_OVERLAY_START);
}

static __always_inline unsigned int slab_nid(const struct slab_slab *slab)
{
	return page_flags_node(slab_page(slab)->flags);
}

/* The slab of an object that lies in RAM; NULL if it is no object of @s (any more). */
struct slab_slab *slab_of_object(const struct slab_cache *s, const void *object);

/* First byte of the slab's pages. */
char *slab_base(struct kernel *k, const struct slab_slab *slab);

/* A new slab of @nid, or of any node (NUMA_NO_NODE), on no list and with no object handed out. Runs
 * the constructors. NULL: no memory. Outside sections, no lock held. */
struct slab_slab *slab_grow(struct slab_cache *s, gfp_t gfp, int nid);

/* Give an empty slab that is on no list back, with TYPESAFE_BY_RCU after a grace period. Outside
 * sections, no lock held. */
void slab_destroy(struct slab_cache *s, struct slab_slab *slab);
void slab_destroy_list(struct slab_cache *s, struct list_head *list);

/* Take at most @want objects off the free list, in its order; fewer only when it has no more. The
 * list_lock, or a slab that nobody else can see. */
unsigned int slab_take(struct slab_cache *s, struct slab_slab *slab, void **objects,
		       unsigned int want);

/* Put one back; it is the next to be taken. @slab->active must not be 0. */
void slab_put_locked(struct slab_cache *s, struct slab_slab *slab, void *object);

/* --- arrays ----------------------------------------------------------------------------------- */

struct slab_array {
	unsigned int avail;
	unsigned int touched;		/* objects were taken since the last reaping */
	void *entry[];			/* the last one is handed out first */
};

struct slab_alien {
	struct arch_spinlock lock;
	unsigned int avail;
	unsigned int limit;
	void *entry[SLAB_ALIEN_LIMIT];
};

/* A node's shared array holds so many batches. */
#define SLAB_SHARED_FACTOR 8u

static inline size_t slab_array_bytes(unsigned int limit)
{
	return sizeof(struct slab_array) + limit * sizeof(void *);
}

/* --- a node ----------------------------------------------------------------------------------- */

struct slab_node {
	struct arch_spinlock list_lock;
	unsigned int nid;
	struct list_head partial;	/* some objects free; allocation takes the first slab */
	struct list_head full;
	struct list_head free;		/* no object handed out; the last one goes first */
	unsigned long total_slabs;	/* on the three lists */
	unsigned long free_slabs;	/* on `free` */
	unsigned long free_objects;	/* in slabs, not those in arrays */
	unsigned long free_limit;	/* more free objects than this: free slabs are given back */
	bool free_touched;		/* no partial slab served since the last reaping */
	uint64_t next_reap;		/* on the machine's clock; the registry's mutex */
	unsigned int colour_next;	/* colour of the newest slab; relaxed atomic, only a hint */
	unsigned int shared_limit;
	struct slab_array *shared;	/* NULL: none */
	struct slab_alien **alien;	/* by node, NULL at its own; NULL on one-node machines and
					   with noaliencache */
};

/* k->backend */
struct backend_state {
	size_t empty_off;		/* per CPU: a struct slab_array that is always empty */
};

struct slab_cache {
	struct kmem_cache common;

	/* What the fast paths read. */
	size_t cpu_off;			/* of the struct slab_array in per-CPU data */
	size_t alloc_off;		/* cpu_off; with init_on_alloc that of an empty array */
	uint64_t recip;			/* ceil(2^64 / size): see slab_is_object() */
	unsigned int span;		/* num * size, bytes */
	unsigned int free_below;	/* the fast path fills an array up to here: limit; 0 with
					   init_on_free */
	/* The tunables, at first those of geo. */
	unsigned int limit;
	unsigned int batchcount;
	unsigned int shared;

	struct slab_geometry geo;
	bool debug;			/* the fast paths are shut */
	gfp_t allocflags;		/* for the page allocator */
	unsigned int nr_nodes;
	struct slab_node **node;
};

static __always_inline struct slab_cache *to_slab_cache(struct kmem_cache *s)
{
	return container_of(s, struct slab_cache, common);
}

/* In a public function and what is inlined into it: who called it. */
#define SLAB_CALLER ((unsigned long)__builtin_return_address(0))

static __always_inline struct slab_array *slab_cpu_array(const struct slab_cache *s,
							 struct arch_cpu *cpu)
{
	return percpu_ptr(cpu, s->cpu_off);
}

/*
 * AddressSanitizer and Valgrind are told which objects are free (arch.h); objects in arrays are.
 * Those of a TYPESAFE_BY_RCU cache may be looked at even then.
 */
static __always_inline bool slab_watched(const struct slab_cache *s)
{
	return arch_watched() && !(s->common.flags & SLAB_TYPESAFE_BY_RCU);
}

static __always_inline void slab_unpoison_object(const struct slab_cache *s, void *object)
{
	if (slab_watched(s))
		arch_object_alloc(s->common.kernel->arch, object, cache_object_size(&s->common),
				  s->common.ctor);
}

static __always_inline void slab_poison_object(const struct slab_cache *s, void *object)
{
	if (slab_watched(s))
		arch_object_free(s->common.kernel->arch, object, s->geo.size - s->geo.obj_offset);
}

/* init_on_free: zeros into an object that is being freed, before it is anybody else's. */
static inline void slab_wipe(const struct slab_cache *s, void *object)
{
	if (unlikely(s->common.init_on_free))
		memset(object, 0, cache_object_size(&s->common));
}

/*
 * Whether @object is the first byte of an object of @slab. With c = ceil(2^64 / size) a 32-bit
 * offset is a multiple of size exactly when offset * c mod 2^64 < c: for offset = q * size + r the
 * product is q * (c * size - 2^64) + r * c, of which the first part is less than c (Lemire, Kaser,
 * Kurz: Faster Remainder by Direct Computation, 2019).
 */
static __always_inline bool slab_is_object(const struct slab_cache *s, const struct slab_slab *slab,
					   const void *object)
{
	uint64_t off = (uint64_t)((uintptr_t)object - (uintptr_t)slab->s_mem);

	return off < s->span && off * s->recip < s->recip;
}

static inline unsigned int slab_object_index(const struct slab_cache *s,
					     const struct slab_slab *slab, const void *object)
{
	return (unsigned int)((const char *)object - slab->s_mem) / s->geo.size;
}

/* A new node's lists; its arrays. 0 or -ENOMEM (what is there then, slab_node_release frees). */
struct slab_node *slab_node_create(struct slab_cache *s, unsigned int nid);
void slab_node_release(struct slab_cache *s, struct slab_node *n);
size_t slab_node_bytes(const struct slab_cache *s, const struct slab_node *n);

/* The limit that a node has with @batchcount. */
unsigned long slab_free_limit(const struct slab_cache *s, unsigned int nid,
			      unsigned int batchcount);

/* Up to @want objects, from the shared array if it has any, else from the lists. */
unsigned int slab_node_take(struct slab_cache *s, struct slab_node *n, void **objects,
			    unsigned int want);

/* Where the objects of a batch come from: what its first piece found. */
enum slab_source {
	SLAB_FROM_ANY,
	SLAB_FROM_SHARED,
	SLAB_FROM_LISTS,
};

/* One piece, at most @max objects, of a batch that wants @want more of them. */
unsigned int slab_node_take_piece(struct slab_cache *s, struct slab_node *n, void **objects,
				  unsigned int want, unsigned int max, enum slab_source *from);

/* The same from the lists alone. */
unsigned int slab_node_take_lists(struct slab_cache *s, struct slab_node *n, void **objects,
				  unsigned int want);

/* Up to @want objects of a new slab, which joins the lists of its node. 0: no memory. */
unsigned int slab_node_grow(struct slab_cache *s, gfp_t gfp, int nid, void **objects,
			    unsigned int want);

/* Objects of this node go back to their slabs; slabs to be destroyed after the lock is dropped are
 * added to @list. */
void slab_node_free_locked(struct slab_cache *s, struct slab_node *n, void **objects,
			   unsigned int nr, struct list_head *list);

/* The same with lock and destruction. */
void slab_node_free(struct slab_cache *s, struct slab_node *n, void **objects, unsigned int nr);

/* Give at most @max slabs of the free list back, the last one first. */
void slab_node_drain_free_list(struct slab_cache *s, struct slab_node *n, unsigned long max);

/* --- arrays and nodes (slab_array.c) ---------------------------------------------------------- */

/* Room of the shared array, without the lock: a hint. 0: full, or there is none. */
unsigned int slab_shared_room(const struct slab_node *n);

/* Move objects out of the shared array: of its youngest @want, the oldest @max, in its order. */
unsigned int slab_shared_take_locked(struct slab_node *n, void **objects, unsigned int want,
				     unsigned int max);

/* Objects flushed from a CPU's array: into the shared array if there is room for one, else to the
 * slabs. */
void slab_node_flush(struct slab_cache *s, struct slab_node *n, void **objects, unsigned int nr);

/* An object of node @n freed by a CPU of node @here. false: it is what was freed last there. */
bool slab_free_alien(struct slab_cache *s, struct slab_node *here, struct slab_node *n,
		     void *object);

/* Send home what the array of node @here towards node @nid holds; no such array: nothing. */
void slab_drain_alien(struct slab_cache *s, struct slab_node *here, unsigned int nid);

/* Give the oldest @nr objects of an array of node @n back to their slabs; its owner's rights and
 * the list_lock. */
void slab_array_free_locked(struct slab_cache *s, struct slab_node *n, struct slab_array *ac,
			    unsigned int nr, struct list_head *list);

/* Empty every array of the cache: of CPUs (claims them), alien, shared. */
void slab_drain_arrays(struct slab_cache *s);

#define SLAB_BUG_FREE_LIST "free list is overwritten"

struct report_queue;

/* --- debug caches (slab_debug.c) -------------------------------------------------------------- */

/* The flags that a cache of @flags gets: without those that do not go with the others. */
slab_flags_t slab_debug_flags(const struct slab_cache *s);

/* An object of a new slab; runs the constructor. */
void slab_debug_init_object(struct slab_cache *s, void *object);

/* An object on its way to its user: what was done to it while it was free? It may still be
 * poisoned for the watchers. false: it is another user's, which was reported. Then, when it is not
 * poisoned any more, what a user finds in it. */
bool slab_debug_check_alloc(struct slab_cache *s, void *object, unsigned long caller);
void slab_debug_fill_alloc(struct slab_cache *s, void *object);

/* A live object of @slab comes back. false: it is free already, which was reported. */
bool slab_debug_free(struct slab_cache *s, struct slab_slab *slab, void *object,
		     unsigned long caller);

/* The objects of a slab that goes back to the page allocator. */
void slab_debug_check_slab(struct slab_cache *s, struct slab_slab *slab);

/* Whether @slab's list may name the object of that number: no user has it. The list_lock. */
bool slab_debug_may_list(const struct slab_cache *s, const struct slab_slab *slab,
			 unsigned int index);

/* All objects of a slab, in whatever state each is: looked at and put right. False: somebody wrote
 * over their states; such objects count as in use now. The list_lock. */
bool slab_debug_validate_locked(struct slab_cache *s, struct slab_slab *slab, struct report_queue *q);

/* --- validation (slab_validate.c) ------------------------------------------------------------- */

/* kmem_cache_validate(); the registry's mutex is held. */
long slab_validate(struct kmem_cache *cache);

/* --- reaping, tunables ------------------------------------------------------------------------ */

/* One CPU's turn at one cache (slab_reap.c); the registry's mutex is held. @tick: which one this is
 * since boot, @now: what the clock says, ms. */
void slab_reap(struct kmem_cache *cache, unsigned int cpu, uint64_t tick, uint64_t now);

/* New tunables (slab_tune.c): @limit and @batchcount at least 1, @batchcount at most @limit. 0, or
 * -ENOMEM: nothing has changed. The registry's mutex is held. */
int slab_tune(struct kmem_cache *cache, unsigned int limit, unsigned int batchcount,
	      unsigned int shared);

/* Where the fast paths look, after the arrays or the limit have changed. */
void slab_set_fast_paths(struct slab_cache *s);

#endif
