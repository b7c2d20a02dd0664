/* SPDX-License-Identifier: MIT */
/*
 * The public functions that a backend defines, and the contract of common/backend.h, on top of
 * slob_alloc() and slob_free().
 *
 * A pointer that comes in is looked up in the memmap first: a page of blocks, the first byte of a
 * block of whole pages, or a mistake. Whether a *block* starts there SLOB cannot know, for nothing
 * is written about blocks that are handed out; the exception is kmalloc()'s header, whose second
 * word tells a kmalloc() block from a cache object.
 */
#include "slob/slob_alone.h"

#include "common/backend.h"
#include "common/registry.h"
#include "common/trace.h"
#include "lib/context.h"
#include "lib/errno.h"
#include "lib/fork.h"
#include "lib/lock_rank.h"
#include "lib/string.h"

const struct backend_traits backend_traits = {
	.name = "slob",
	.title = "SLOB",
	.cache_size = sizeof(struct kmem_cache),
	.create_flags = SLAB_HWCACHE_ALIGN | SLAB_CACHE_DMA | SLAB_CACHE_DMA32 | SLAB_PANIC |
			SLAB_TYPESAFE_BY_RCU,
	.debug_flags = SLOB_DEBUG_FLAGS,
	.validate = slob_validate,
};

int backend_init(struct kernel *k)
{
	struct backend_state *st = arch_host_alloc(k->arch, sizeof(*st));
	unsigned int i;
	int err;

	if (!st)
		return -ENOMEM;
	arch_spin_init(&st->lock, LOCK_RANK_SLOB);
	for (i = 0; i < NR_SLOB_LISTS; i++)
		list_init(&st->lists[i]);
	/* With init_on_free, too: the words of free blocks have left traces in what is handed
	 * out. */
	if (k->params.init_on_alloc || k->params.init_on_free)
		st->init_gfp = __GFP_ZERO;
	k->backend = st;
	err = slob_debug_init(k);
	st->plain = !st->init_gfp && !st->debug;
	return err;
}

/* --- caches ---------------------------------------------------------------------------------- */

/* Whether objects of @s are whole pages: a block cannot be as large, or as aligned, as a page. */
static bool slob_takes_pages(const struct kmem_cache *s)
{
	return s->size >= PAGE_SIZE || s->align > PAGE_SIZE;
}

static size_t slob_pages_size(const struct kmem_cache *s)
{
	return s->size > s->align ? s->size : s->align;
}

int backend_create(struct kmem_cache *s)
{
	struct kernel *k = s->kernel;
	size_t size = s->object_size;

	if (s->flags & SLAB_TYPESAFE_BY_RCU)
		size += sizeof(struct slob_rcu);
	if (size > KMALLOC_MAX_SIZE || s->align > KMALLOC_MAX_SIZE)
		return -E2BIG;
	s->align = cache_calculate_alignment(s->flags, s->align, s->object_size);
	s->size = (unsigned int)(SLOB_UNITS(size) * SLOB_UNIT);
	cache_set_init(s);
	if (s->init_on_free)
		s->init_gfp = __GFP_ZERO;
	s->plain = !slob_takes_pages(s) && !(s->flags & SLAB_TYPESAFE_BY_RCU) && !s->ctor &&
		   !s->init_gfp && !k->backend->debug;
	return 0;
}

unsigned long backend_shutdown(struct kmem_cache *s)
{
	long live = __atomic_load_n(&s->live, __ATOMIC_RELAXED);

	return live > 0 ? (unsigned long)live : 0;
}

/* Without slob_debug nothing is known of a handed-out block, not even where it is. */
void backend_report_live(struct kmem_cache *s, unsigned int max, struct seq_file *m)
{
	if (s->kernel->backend->debug)
		slob_debug_report_live(s, max, m);
}

void backend_release(struct kmem_cache *s)
{
}

/* An empty page went back when it became empty. */
int backend_shrink(struct kmem_cache *s)
{
	return 0;
}

/* Never called: caches are not merged here. */
void backend_object_grew(struct kmem_cache *s)
{
}

void backend_get_slabinfo(struct kmem_cache *s, struct slabinfo *info)
{
	__builtin_memset(info, 0, sizeof(*info));
}

struct kmem_cache *backend_cache_of(struct kernel *k, struct page *page)
{
	return NULL;
}

long backend_offset(const struct kmem_cache *s, const struct page *head, const void *p)
{
	return BACKEND_NO_OBJECT;
}

size_t backend_management_bytes(struct kmem_cache *s)
{
	return 0;
}

uint64_t backend_scaled_bytes(const struct kmem_cache *s, unsigned int nodes, unsigned int cpus)
{
	return 0;
}

/* --- allocation ------------------------------------------------------------------------------ */

/* In a public function and what is inlined into it: who called it. */
#define SLOB_CALLER ((unsigned long)__builtin_return_address(0))

/* The thread's machine, if @s is one of its caches. */
static __always_inline struct kernel *slob_kernel(struct kmem_cache *s, const char *what,
						  const void *object)
{
	struct kernel *k = arch_kernel();

	if (unlikely(!k))
		return NULL;
	if (unlikely(!s || s->kernel != k)) {
		slab_bug(k, what, NULL, object, "cache of another machine, or destroyed");
		return NULL;
	}
	return k;
}

static noinline void *slob_cache_alloc_plain(struct kernel *k, struct kmem_cache *s, gfp_t gfp,
					     int node, bool searched)
{
	void *object;

	if (unlikely(slob_takes_pages(s))) {
		object = large_alloc(k, slob_pages_size(s), gfp & ~__GFP_ZERO, node);
	} else {
		context_might_alloc(gfp, "slab allocation");
		object = slob_alloc(k, s->size, gfp, s->align, 0, node, searched);
	}
	if (unlikely(!object))
		return NULL;

	cache_live_add(k, s, 1);
	if (slab_want_zero(s, gfp))
		memset(object, 0, s->size);
	if (unlikely(s->flags & SLAB_TYPESAFE_BY_RCU))
		slob_rcu_init(s, object);
	if (s->ctor)
		s->ctor(object);
	return object;
}

static noinline void *slob_cache_alloc_kept(struct kernel *k, struct kmem_cache *s, gfp_t gfp,
					    int node, unsigned long caller)
{
	struct slob_live *live = slob_live_new(k);
	void *object = live ? slob_cache_alloc_plain(k, s, gfp, node, false) : NULL;

	if (object)
		slob_live_add(k, live, s, object, s->size, caller);
	else if (live)
		slob_live_free(k, live);
	return object;
}

static void *slob_cache_alloc(struct kmem_cache *s, gfp_t gfp, int node, const char *what,
			      unsigned long caller)
{
	struct kernel *k = slob_kernel(s, what, NULL);

	if (unlikely(!k))
		return NULL;
	node = slab_request_node(k, gfp, node, what);
	if (unlikely(node == SLAB_NO_NODE))
		return NULL;
	if (unlikely(k->backend->debug) && slob_debug_keeps(k, s))
		return slob_cache_alloc_kept(k, s, gfp, node, caller);
	return slob_cache_alloc_plain(k, s, gfp, node, false);
}

static noinline void *slob_cache_alloc_slow(struct kmem_cache *s, gfp_t gfp, int node,
					    const char *what, const void *caller)
{
	void *object = slob_cache_alloc(s, gfp, node, what, (unsigned long)caller);

	if (arch_is_slowed())
		trace_kmem_cache_alloc(caller, s, object, gfp, node);
	return object;
}

void *kmem_cache_alloc(struct kmem_cache *s, gfp_t gfp)
{
	bool searched = false;
	void *object = slob_cache_alloc_alone(s, gfp, &searched);

	if (likely(object))
		return object;
	if (searched)
		return slob_cache_alloc_plain(s->kernel, s, gfp, NUMA_NO_NODE, true);
	return slob_cache_alloc_slow(s, gfp, NUMA_NO_NODE, "kmem_cache_alloc",
				     __builtin_return_address(0));
}

void *kmem_cache_alloc_node(struct kmem_cache *s, gfp_t gfp, int node)
{
	return slob_cache_alloc_slow(s, gfp, node, "kmem_cache_alloc_node",
				     __builtin_return_address(0));
}

int kmem_cache_alloc_bulk(struct kmem_cache *s, gfp_t gfp, size_t nr, void **p)
{
	size_t i;

	context_begin_alloc(gfp, "slab allocation");
	for (i = 0; i < nr; i++) {
		bool searched = false;

		p[i] = slob_cache_alloc_alone(s, gfp, &searched);
		if (unlikely(!p[i] && searched))
			p[i] = slob_cache_alloc_plain(s->kernel, s, gfp, NUMA_NO_NODE, true);
		else if (unlikely(!p[i]))
			p[i] = slob_cache_alloc(s, gfp, NUMA_NO_NODE, "kmem_cache_alloc_bulk",
						SLOB_CALLER);
		if (unlikely(!p[i]))
			break;
	}
	context_end_call();
	if (likely(i == nr))
		return (int)nr;
	kmem_cache_free_bulk(s, i, p);
	return 0;
}

static noinline void *slob_kmalloc_plain(struct kernel *k, size_t size, gfp_t gfp, int node,
					 bool searched)
{
	struct slob_header *header;
	void *object;

	context_might_alloc(gfp, "slab allocation");
	header = slob_alloc(k, size + SLOB_KMALLOC_HEADER, gfp, slob_kmalloc_align(size),
			    SLOB_KMALLOC_HEADER, node, searched);
	if (unlikely(!header))
		return NULL;

	cache_live_add(k, NULL, 1);
	slob_header_write(header, size);
	object = slob_kmalloc_object(header);
	if ((gfp | k->backend->init_gfp) & __GFP_ZERO)
		memset(object, 0, size);
	return object;
}

static noinline void *slob_kmalloc_kept(struct kernel *k, size_t size, gfp_t gfp, int node,
					unsigned long caller)
{
	struct slob_live *live = slob_live_new(k);
	void *object = live ? slob_kmalloc_plain(k, size, gfp, node, false) : NULL;

	if (object)
		slob_live_add(k, live, NULL, object, size, caller);
	else if (live)
		slob_live_free(k, live);
	return object;
}

static void *slob_kmalloc(size_t size, gfp_t gfp, int node, unsigned long caller)
{
	struct kernel *k;

	if (unlikely(size - 1 >= SLOB_KMALLOC_PAGES - 1))
		return kmalloc_slow(size, gfp, node, (const void *)caller);
	k = arch_kernel();
	if (unlikely(!k))
		return NULL;
	node = slab_request_node(k, gfp, node, "kmalloc_node");
	if (unlikely(node == SLAB_NO_NODE))
		return NULL;
	if (unlikely(k->backend->debug) && slob_debug_keeps(k, NULL))
		return slob_kmalloc_kept(k, size, gfp, node, caller);
	return slob_kmalloc_plain(k, size, gfp, node, false);
}

static noinline void *slob_kmalloc_slow(size_t size, gfp_t gfp, int node, const void *caller)
{
	void *object = slob_kmalloc(size, gfp, node, (unsigned long)caller);

	/* kmalloc_slow() speaks for itself */
	if (arch_is_slowed() && slob_kmalloc_is_block(size))
		trace_kmalloc(caller, object, size, size + SLOB_KMALLOC_HEADER, gfp, node);
	return object;
}

void *kmalloc_node(size_t size, gfp_t gfp, int node)
{
	return slob_kmalloc_slow(size, gfp, node, __builtin_return_address(0));
}

void *kmalloc(size_t size, gfp_t gfp)
{
	bool searched = false;
	void *object = NULL;

	if (likely(slob_kmalloc_is_block(size)))
		object = slob_kmalloc_alone(size, gfp, &searched);
	if (likely(object))
		return object;
	if (searched)
		return slob_kmalloc_plain(arch_kernel(), size, gfp, NUMA_NO_NODE, true);
	return slob_kmalloc_slow(size, gfp, NUMA_NO_NODE, __builtin_return_address(0));
}

/* --- freeing --------------------------------------------------------------------------------- */

/* An object of whole pages. False, after a report, if @object is not the first byte of such. */
static noinline bool slob_cache_free_pages(struct kernel *k, struct kmem_cache *s,
					   struct page *head, void *object)
{
	const char *why = NULL;

	if (!head || !(head->flags & PG_LARGE))
		why = SLAB_BUG_NO_SLAB;
	else if (object != memmap_address(arch_cpu_current(), head))
		why = SLAB_BUG_INNER_BLOCK;
	else if (!(s->flags & SLAB_TYPESAFE_BY_RCU))
		large_free(k, head);
	else if (!slob_rcu_free(k, s, object))
		why = SLAB_BUG_DOUBLE_FREE;
	if (why)
		slab_bug(k, "kmem_cache_free", s, object, why);
	return !why;
}

static bool slob_free_now_or_later(struct kernel *k, struct kmem_cache *s, struct page *head,
				   void *object)
{
	if (unlikely(s->flags & SLAB_TYPESAFE_BY_RCU))
		return slob_rcu_free(k, s, object);
	return slob_free(k, head, object, s->size, 0);
}

static bool slob_cache_free_block(struct kernel *k, struct kmem_cache *s, struct page *head,
				  void *object)
{
	const char *why = NULL;

	if (unlikely(!head || page_type(head) != PAGE_TYPE_SLAB))
		why = SLAB_BUG_NO_SLAB;
	else if (unlikely(!slob_may_start(s, object)))
		why = SLAB_BUG_INNER;
	else if (unlikely(!slob_free_now_or_later(k, s, head, object)))
		why = SLAB_BUG_DOUBLE_FREE;
	if (unlikely(why))
		slab_bug(k, "kmem_cache_free", s, object, why);
	return !why;
}

static void slob_cache_free(struct kmem_cache *s, void *object)
{
	struct kernel *k = slob_kernel(s, "kmem_cache_free", object);
	struct page *head;
	bool freed;

	if (unlikely(!k || !object))
		return;
	if (unlikely(k->backend->debug) && !slob_debug_free(k, s, "kmem_cache_free", object))
		return;
	head = memmap_lookup_head(arch_cpu_current(), object);
	if (unlikely(slob_takes_pages(s)))
		freed = slob_cache_free_pages(k, s, head, object);
	else
		freed = slob_cache_free_block(k, s, head, object);
	if (likely(freed))
		cache_live_add(k, s, -1);
}

static noinline void slob_cache_free_slow(struct kmem_cache *s, void *object, const void *caller)
{
	if (arch_is_slowed() && s && object)
		trace_kmem_cache_free(caller, s, object);
	slob_cache_free(s, object);
}

void kmem_cache_free(struct kmem_cache *s, void *object)
{
	if (unlikely(!slob_cache_free_alone(s, object)))
		slob_cache_free_slow(s, object, __builtin_return_address(0));
}

#define SLOB_BUG_NO_KMALLOC "pointer is no live object of kmalloc"

static void slob_kfree(const void *p)
{
	struct arch_cpu *cpu;
	struct page *head;
	uint32_t size;

	if (unlikely(ZERO_OR_NULL_PTR(p)))
		return;
	cpu = arch_cpu_current();
	if (unlikely(!cpu))
		return;
	head = memmap_lookup_head(cpu, p);
	if (unlikely(!head || page_type(head) != PAGE_TYPE_SLAB)) {
		kfree_slow(p);
		return;
	}
	if (unlikely(cpu->kernel->backend->debug) &&
	    !slob_debug_free(cpu->kernel, NULL, "kfree", p))
		return;
	size = slob_kmalloc_size(p);
	if (unlikely(!size)) {
		slab_bug(cpu->kernel, "kfree", NULL, p, SLOB_BUG_NO_KMALLOC);
		return;
	}
	arch_raw_write(&slob_header(p)->mark, 0);
	if (unlikely(!slob_free(cpu->kernel, head, (void *)(uintptr_t)p, size,
				SLOB_KMALLOC_HEADER))) {
		slab_bug(cpu->kernel, "kfree", NULL, p, SLAB_BUG_DOUBLE_FREE);
		return;
	}
	cache_live_add(cpu->kernel, NULL, -1);
}

static noinline void slob_kfree_slow(const void *p, const void *caller)
{
	if (arch_is_slowed())
		trace_kfree(caller, p);
	slob_kfree(p);
}

void kfree(const void *p)
{
	if (unlikely(!slob_kfree_alone(p)))
		slob_kfree_slow(p, __builtin_return_address(0));
}

void kmem_cache_free_bulk(struct kmem_cache *s, size_t nr, void **p)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if (!s)
			slob_kfree(p[i]);
		else if (unlikely(!slob_cache_free_alone(s, p[i])))
			slob_cache_free(s, p[i]);
	}
}

size_t ksize(const void *p)
{
	struct arch_cpu *cpu;
	struct page *head;
	uint32_t size;

	if (unlikely(ZERO_OR_NULL_PTR(p)))
		return 0;
	cpu = arch_cpu_current();
	if (unlikely(!cpu))
		return 0;
	head = memmap_lookup_head(cpu, p);
	if (unlikely(!head || page_type(head) != PAGE_TYPE_SLAB))
		return ksize_slow(p);
	size = slob_kmalloc_size(p);
	if (unlikely(!size)) {
		slab_bug(cpu->kernel, "ksize", NULL, p, SLOB_BUG_NO_KMALLOC);
		return 0;
	}
	return SLOB_UNITS(size) * (size_t)SLOB_UNIT;
}

bool backend_fork(struct kernel *k, struct fork_walk *w)
{
	return fork_spinlock(w, &k->backend->lock) && slob_debug_fork(k, w);
}
