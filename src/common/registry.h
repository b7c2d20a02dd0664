/* SPDX-License-Identifier: MIT */
/*
 * The caches of one machine, the counters of the small-object layer, and helpers every backend
 * calls.
 *
 * The mutex (Linux's slab_mutex) serialises create, destroy, shrink and texts. Its holder sleeps,
 * claims CPUs and allocates.
 */
#ifndef KMEM_COMMON_REGISTRY_H
#define KMEM_COMMON_REGISTRY_H

#include "common/kmem_cache.h"
#include "common/kmalloc.h"
#include "lib/kfmt.h"
#include "lib/mutex.h"

#include <kmem/inspect.h>

struct page;
struct meta_pool;
struct stack_depot;

/* How far boot has come; as Linux's slab_state. */
enum slab_state {
	SLAB_DOWN,	/* kmalloc does not work; structures come from the private pool */
	SLAB_UP,
};

struct cache_registry {
	struct mutex mutex;		/* "slab_mutex": list, nr_caches, create, destroy, shrink */
	/* How often its holder took it again: a shrinker that is called by an allocation of the holder's
	 * may shrink caches, too. */
	unsigned int depth;
	enum slab_state state;		/* constant after boot */
	struct list_head list;		/* every cache, newest first */
	unsigned int nr_caches;
	struct kmem_cache *kmem_cache;	/* the cache of cache structures; NULL when metadata is isolated */
	struct kmalloc_caches kmalloc;
	struct meta_pool *meta;
	kmem_slab_event_fn *event;	/* slab event hook, NULL most of the time */
	void *event_arg;
	arch_s64 slab_pages;		/* atomics; slow paths only */
	arch_s64 large_pages;
	arch_s64 peak_pages;
	arch_s64 slabs;
	long kmalloc_live;		/* SLOB: kmalloc blocks on its pages; atomic */
	/* The allocators' own objects in kmalloc's classes, which are no leaks at shutdown; by
	 * class (SLOB: all in 0). Atomics. */
	long meta_live[KMALLOC_SHIFT_HIGH + 1];
	bool zero_ctor_warned;
	struct stack_depot *stacks;	/* stack_depot.h; NULL until the first stack; atomic */
};

/* Boot, after backend_init(): registry, kmalloc classes. 0 or a negative errno. */
int caches_init(struct kernel *k);

/* Shutdown: report what is live in every cache, return the number of live objects. */
unsigned long caches_report_leaks(struct kernel *k);

/* Give back what caches only keep (a backend that has nothing of the kind: nothing happens): reclaim's
 * step. The thread may hold any mutex. */
void caches_reap(struct kernel *k);

/* slabinfo 2.1. */
void caches_show_slabinfo(struct kernel *k, struct seq_file *m);

/* A line written to slabinfo: bytes taken, -EINVAL, -EIO, -ENOMEM (proc_write()). */
long caches_write_slabinfo(struct kernel *k, const char *text, size_t len);

/* machine_advance(). What the clock says afterwards. */
uint64_t caches_advance(struct kernel *k, unsigned int ms);

/* slab_pages … management_bytes of @st. management_bytes: for each cache its structure, its name
 * and backend_management_bytes(). */
void caches_get_stats(struct kernel *k, struct kmem_stats *st);

/* kmem_management_bytes() of @s, NULL: of all caches. */
uint64_t caches_scaled_bytes(struct kernel *k, const struct kmem_cache *s, unsigned int nodes,
			     unsigned int cpus);

/* The mutex; called outside sections, with no lock held, where the thread may sleep (else reported
 * in the name of the mutex; what the holder does is not reported once more). */
void caches_lock(struct kernel *k);
void caches_unlock(struct kernel *k);

/* The same for who only looks, and may do so anywhere. */
static inline void caches_lock_to_look(struct kernel *k)
{
	arch_context()->calls++;
	caches_lock(k);
}

static inline void caches_unlock_to_look(struct kernel *k)
{
	caches_unlock(k);
	arch_context()->calls--;
}

/* Make a cache that belongs to the library: as kmem_cache_create() but without checks, with exactly
 * @flags and @align, and its structure in the private pool. Boot only. NULL: -ENOMEM. */
struct kmem_cache *cache_create_boot(struct kernel *k, const char *name, unsigned int size,
				     unsigned int align, slab_flags_t flags);

/* The cache that serves for one of @wanted's name, size, alignment (derived), flags (masked),
 * constructor and window, which becomes another name of it; NULL: none does. The mutex is held. */
struct kmem_cache *cache_merge_locked(struct kernel *k, const struct kmem_cache *wanted);

/* The newest cache with that name among its names; NULL: none. The mutex is held. */
struct kmem_cache *cache_find_locked(struct kernel *k, const char *name);

/* The further names, a line each. */
void cache_put_aliases(const struct kmem_cache *s, struct seq_file *m);

void cache_free_names(struct kernel *k, struct kmem_cache *s);
size_t cache_names_bytes(const struct kmem_cache *s);

/* What the simulated kernel takes for a cache line: on 32 bits that of the processor on which the golden
 * rows were made. The host's is ARCH_CACHE_LINE. */
#define CACHE_LINE_SIZE (sizeof(void *) == 8 ? 64u : 32u)

/* Alignment of a cache: at least @align and ARCH_SLAB_MINALIGN; with SLAB_HWCACHE_ALIGN the
 * smallest fraction of a cache line that holds @size. */
unsigned int cache_calculate_alignment(slab_flags_t flags, unsigned int align, unsigned int size);

/* Release @s, which backend_shutdown() found empty; the mutex is held. */
void cache_destroy_locked(struct kernel *k, struct kmem_cache *s);

/* Add @pages to @counter (slab_pages or large_pages) and raise peak_pages. */
void pages_account(struct kernel *k, arch_s64 *counter, long pages);

/* The kernel's report "Objects remaining in NAME on __kmem_cache_shutdown()". */
void cache_report_leak(struct kmem_cache *s, unsigned long objects);

/* memset() to 0 that stays in the program though nobody reads the bytes again. */
void memzero_explicit(void *p, size_t size);

/* --- for the backends ------------------------------------------------------------------------ */

/* A slab of @s came or is about to go: counters and the event hook. SLOB: @s NULL. */
void slab_account(struct kernel *k, struct kmem_cache *s, struct page *page, unsigned int order,
		  bool alloc);

/* A block of whole pages behind kmalloc (SLOB: or a cache object of a page and more): compound, its
 * head marked PG_LARGE with `head` set even for one page; counted in large_pages. NULL when there
 * is none, logged by the page allocator. Zeroes with __GFP_ZERO. */
void *large_alloc(struct kernel *k, size_t size, gfp_t gfp, int node);
void large_free(struct kernel *k, struct page *head);

/* Bytes of the block for a request of @size. */
size_t large_bytes(size_t size);

/* Bytes of a block of large_alloc(). */
size_t large_size(const struct page *head);

static __always_inline long *cache_live(struct kernel *k, struct kmem_cache *s)
{
	return s ? &s->live : &k->caches->kmalloc_live;
}

/* cache_live_add() in a section of a thread that is alone in its machine. */
static __always_inline void cache_live_add_alone(struct kernel *k, struct kmem_cache *s, long n)
{
	long *live = cache_live(k, s);

	__atomic_store_n(live, __atomic_load_n(live, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

/* SLOB: @n objects of @s came (or went, negative); @s NULL: kmalloc blocks on SLOB's pages. Blocks
 * of kmalloc that are whole pages are not counted here, the page allocator tells them. Outside sections,
 * of the thread's machine. */
static inline void cache_live_add(struct kernel *k, struct kmem_cache *s, long n)
{
	struct arch_cpu *cpu = arch_cpu_enter_alone();

	if (unlikely(!cpu)) {
		__atomic_add_fetch(cache_live(k, s), n, __ATOMIC_RELAXED);
		return;
	}
	cache_live_add_alone(k, s, n);
	arch_cpu_leave(cpu);
}

/* Kernel-style BUG about a pointer that cannot be freed: "WHAT: WHY, ptr 0x… cache NAME". @s may be
 * NULL. The caller refuses the operation afterwards. Words for @why, the same in all backends:
 * SLAB_BUG_*. */
void slab_bug(struct kernel *k, const char *what, const struct kmem_cache *s, const void *object,
	      const char *why);

#define SLAB_BUG_NO_SLAB "pointer is in no slab"
#define SLAB_BUG_INNER "pointer is inside an object"
#define SLAB_BUG_DOUBLE_FREE "double free"
#define SLAB_BUG_FREE_PAGE "page is free"
#define SLAB_BUG_INNER_BLOCK "pointer is inside a block of pages"

/* The kernel's WARN "cache_from_obj: Wrong slab cache. A but object is from B": @object was given
 * to @s but belongs to @owner; then who allocated and freed it last, if @owner remembers. The
 * caller refuses the free afterwards. */
void slab_wrong_cache(struct kernel *k, const struct kmem_cache *s, const struct kmem_cache *owner,
		      const void *object);

/* Rows of 16 bytes of memory that may be poisoned, each as "LABEL ADDRESS: hex  characters", as the
 * kernel's reports show an object. @label: padded to its width with the blanks it should have. */
void slab_put_section(struct seq_file *m, const char *label, const void *p, size_t len);

/* The address to print for @p: what the simulated x86 sees, or the host pointer if it sees
 * nothing. */
unsigned long long slab_addr(const void *p);

/*
 * init_on_alloc, init_on_free: what they mean for @s, whose flags are final. Objects whose contents
 * outlive them (constructor, TYPESAFE_BY_RCU, POISON) are left alone, as in Linux. The fast paths
 * know nothing of all this: a backend keeps them shut for such a cache.
 */
void cache_set_init(struct kmem_cache *s);

/* Whether an object of @s allocated with @gfp is to be zeroed: __GFP_ZERO, but not with a
 * constructor (one warning a machine). */
bool slab_zero_ctor_slow(struct kmem_cache *s);

static __always_inline bool slab_want_zero(struct kmem_cache *s, gfp_t gfp)
{
	if (likely(!((gfp | s->init_gfp) & __GFP_ZERO)))
		return false;
	return likely(!s->ctor) || slab_zero_ctor_slow(s);
}

/* Flags for a slab's pages: what makes no sense there (__GFP_HIGHMEM, __GFP_DMA32, unknown bits) is
 * taken out with the kernel's warning "Unexpected gfp". */
#define GFP_SLAB_BUG_MASK (__GFP_DMA32 | __GFP_HIGHMEM | ~(gfp_t)0x7fffffu)
gfp_t slab_fix_gfp_slow(struct kernel *k, gfp_t gfp);

static __always_inline gfp_t slab_fix_gfp(struct kernel *k, gfp_t gfp)
{
	return likely(!(gfp & GFP_SLAB_BUG_MASK)) ? gfp : slab_fix_gfp_slow(k, gfp);
}

/*
 * The node that a request of a program for @nid is one for: a node of the machine, or NUMA_NO_NODE.
 * A node that is not there is as one without memory: any other serves. SLAB_NO_NODE: nothing can
 * serve it, since it must be that node (__GFP_THISNODE), or since no node has such a number, which
 * is reported as a BUG in the name of @what.
 */
#define SLAB_NO_NODE (-2)
int slab_request_node_slow(struct kernel *k, gfp_t gfp, int nid, const char *what);

static __always_inline int slab_request_node(struct kernel *k, gfp_t gfp, int nid, const char *what)
{
	if (likely(nid == NUMA_NO_NODE || (unsigned int)nid < k->arch->nr_nodes))
		return nid;
	return slab_request_node_slow(k, gfp, nid, what);
}

#include "common/meta.h"

/* lib/fork.h: the mutex; the locks of the program's memory pools, under once_lock. */
struct fork_walk;
bool caches_fork(struct kernel *k, struct fork_walk *w);
bool mempools_fork(struct kernel *k, struct fork_walk *w);

#endif
