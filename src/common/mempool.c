/* SPDX-License-Identifier: MIT */
/*
 * Memory pools.
 *
 *	            alloc_fn has one                     reserve full
 *	caller ◀──────────────────────  allocator  ◀──────────────────────  mempool_free
 *	   ▲                                                                     │
 *	   └───────────────────────────  reserve  ◀──────────────────────────────┘
 *	            alloc_fn has none  (stack of min_nr)      reserve not full
 *
 * An allocation tries, in this order: the allocator, gently (no reclaim, no warning, no access to
 * the page allocator's emergency reserves: the pool has its own); the reserve; the allocator with
 * all that the caller's flags permit; and if it may wait, it sleeps until an element comes back,
 * and begins again. Linux sleeps at most five seconds at a time, since memory may come back to the
 * allocator by another way than the pool.
 *
 * Waiting. A waiter raises `waiters` and reads `wake` under the lock, where it saw the reserve
 * empty; an element that returns to the reserve advances `wake` under the lock if anybody waits,
 * and wakes all: one of them may be served by the allocator and leave the element to the others.
 *
 * nr_out counts elements with callers, so that a pool is not taken away under them. The reserve is
 * searched for an element that comes back a second time: it is short, and looked at only while it
 * is not full.
 *
 * Lock: pool->lock guards curr_nr, elements, min_nr, wake, waiters. A leaf: nothing is called under
 * it. It lies in the library's memory, on a list of the machine's, since fork() must find it and the pool
 * lies wherever the program put it.
 */
#include "common/registry.h"
#include "lib/context.h"
#include "lib/errno.h"
#include "lib/fork.h"
#include "lib/lock_rank.h"
#include "lib/report.h"
#include "lib/string.h"

#include <kmem/mempool.h>
#include <kmem/slab.h>

#define RETRY_MS 5000

struct mempool_lock {
	struct arch_spinlock lock;
	struct list_head list;		/* kernel.mempools; once_lock */
	struct kernel *kernel;
};

static void lock(mempool_t *pool)
{
	arch_spin_lock(&pool->lock->lock);
}

static void unlock(mempool_t *pool)
{
	arch_spin_unlock(&pool->lock->lock);
}

/* curr_nr and min_nr are read by anybody at any time. */
static void set_nr(int *nr, int value)
{
	__atomic_store_n(nr, value, __ATOMIC_RELAXED);
}

static void reserve_push_locked(mempool_t *pool, void *element)
{
	pool->elements[pool->curr_nr] = element;
	set_nr(&pool->curr_nr, pool->curr_nr + 1);
}

static void *reserve_pop_locked(mempool_t *pool)
{
	set_nr(&pool->curr_nr, pool->curr_nr - 1);
	return pool->elements[pool->curr_nr];
}

static bool reserve_has_locked(const mempool_t *pool, const void *element)
{
	for (int i = 0; i < pool->curr_nr; i++)
		if (pool->elements[i] == element)
			return true;
	return false;
}

/* --- life ------------------------------------------------------------------------------------- */

static struct mempool_lock *make_lock(struct kernel *k)
{
	struct mempool_lock *l = arch_host_alloc(k->arch, sizeof(*l));

	if (!l)
		return NULL;
	arch_spin_init(&l->lock, LOCK_RANK_LEAF);
	l->kernel = k;
	arch_spin_lock(&k->once_lock);
	list_add(&l->list, &k->mempools);
	arch_spin_unlock(&k->once_lock);
	return l;
}

static void release_lock(struct mempool_lock *l)
{
	struct kernel *k = l->kernel;

	arch_spin_lock(&k->once_lock);
	list_del(&l->list);
	arch_spin_unlock(&k->once_lock);
	arch_host_free(k->arch, l, sizeof(*l));
}

/* Nobody else uses the pool. */
static void release_pool(mempool_t *pool)
{
	while (pool->curr_nr)
		pool->free(reserve_pop_locked(pool), pool->pool_data);
	kfree(pool->elements);
	pool->elements = NULL;
	release_lock(pool->lock);
	pool->lock = NULL;
}

static bool fill_reserve(mempool_t *pool)
{
	while (pool->curr_nr < pool->min_nr) {
		void *element = pool->alloc(GFP_KERNEL, pool->pool_data);

		if (!element)
			return false;
		reserve_push_locked(pool, element);
	}
	return true;
}

/* @gfp: of the array. */
static int pool_init(mempool_t *pool, int min_nr, mempool_alloc_t *alloc_fn,
		     mempool_free_t *free_fn, void *pool_data, gfp_t gfp, int node)
{
	__builtin_memset(pool, 0, sizeof(*pool));
	pool->lock = make_lock(arch_kernel());
	if (!pool->lock)
		return -ENOMEM;
	pool->min_nr = min_nr;
	pool->pool_data = pool_data;
	pool->alloc = alloc_fn;
	pool->free = free_fn;
	pool->elements = kmalloc_node((size_t)min_nr * sizeof(void *), gfp, node);
	if (pool->elements && fill_reserve(pool))
		return 0;
	release_pool(pool);
	return -ENOMEM;
}

static bool check_min_nr(struct kernel *k, const char *what, int min_nr)
{
	if (min_nr > 0)
		return true;
	report_warn(k, "%s: a reserve of %d elements", what, min_nr);
	return false;
}

int mempool_init(mempool_t *pool, int min_nr, mempool_alloc_t *alloc_fn, mempool_free_t *free_fn,
		 void *pool_data)
{
	struct kernel *k = arch_kernel();
	int err;

	if (!k)
		return -ENODEV;
	if (!check_min_nr(k, "mempool_init", min_nr))
		return -EINVAL;
	context_begin_call("mempool_init");
	err = pool_init(pool, min_nr, alloc_fn, free_fn, pool_data, GFP_KERNEL, NUMA_NO_NODE);
	context_end_call();
	return err;
}

mempool_t *mempool_create_node(int min_nr, mempool_alloc_t *alloc_fn, mempool_free_t *free_fn,
			       void *pool_data, gfp_t gfp, int node)
{
	struct kernel *k = arch_kernel();
	mempool_t *pool;

	if (!k || !check_min_nr(k, "mempool_create", min_nr))
		return NULL;
	context_begin_call("mempool_create");
	pool = kmalloc_node(sizeof(*pool), gfp, node);
	if (pool && pool_init(pool, min_nr, alloc_fn, free_fn, pool_data, gfp, node)) {
		kfree(pool);
		pool = NULL;
	}
	context_end_call();
	return pool;
}

mempool_t *mempool_create(int min_nr, mempool_alloc_t *alloc_fn, mempool_free_t *free_fn,
			  void *pool_data)
{
	return mempool_create_node(min_nr, alloc_fn, free_fn, pool_data, GFP_KERNEL, NUMA_NO_NODE);
}

bool mempool_initialized(const mempool_t *pool)
{
	return pool->elements;
}

/* Whether the pool may go; else a report. */
static bool pool_is_idle(mempool_t *pool, const char *what)
{
	long out = __atomic_load_n(&pool->nr_out, __ATOMIC_RELAXED);
	struct kernel *k = arch_kernel();

	if (!k)
		return false;
	context_might_sleep(what);
	if (!out)
		return true;
	report_warn(k, "%s: %ld %s still out", what, out,
		    out == 1 ? "element is" : "elements are");
	return false;
}

void mempool_exit(mempool_t *pool)
{
	if (mempool_initialized(pool) && pool_is_idle(pool, "mempool_exit"))
		release_pool(pool);
}

void mempool_destroy(mempool_t *pool)
{
	if (!pool || !pool_is_idle(pool, "mempool_destroy"))
		return;
	release_pool(pool);
	kfree(pool);
}

/* --- resize ----------------------------------------------------------------------------------- */

static void shrink_reserve(mempool_t *pool, int new_min_nr)
{
	lock(pool);
	set_nr(&pool->min_nr, new_min_nr);
	while (pool->curr_nr > new_min_nr) {
		void *element = reserve_pop_locked(pool);

		unlock(pool);
		pool->free(element, pool->pool_data);
		lock(pool);
	}
	unlock(pool);
}

/* As elements are found; others may return meanwhile. */
static void top_up_reserve(mempool_t *pool)
{
	for (;;) {
		void *element;
		bool wanted;

		lock(pool);
		wanted = pool->curr_nr < pool->min_nr;
		unlock(pool);
		element = wanted ? pool->alloc(GFP_KERNEL, pool->pool_data) : NULL;
		if (!element)
			return;
		__atomic_add_fetch(&pool->nr_out, 1, __ATOMIC_RELAXED);
		mempool_free(element, pool);
	}
}

static int grow_reserve(mempool_t *pool, int new_min_nr)
{
	void **elements = kmalloc_array((size_t)new_min_nr, sizeof(void *), GFP_KERNEL);
	void **old;

	if (!elements)
		return -ENOMEM;
	lock(pool);
	old = pool->elements;
	memcpy(elements, old, (size_t)pool->curr_nr * sizeof(void *));
	pool->elements = elements;
	set_nr(&pool->min_nr, new_min_nr);
	unlock(pool);
	kfree(old);
	top_up_reserve(pool);
	return 0;
}

int mempool_resize(mempool_t *pool, int new_min_nr)
{
	struct kernel *k = arch_kernel();
	int err = 0;

	if (!k)
		return -ENODEV;
	if (!check_min_nr(k, "mempool_resize", new_min_nr))
		return -EINVAL;
	context_begin_call("mempool_resize");
	if (new_min_nr <= pool->min_nr)
		shrink_reserve(pool, new_min_nr);
	else
		err = grow_reserve(pool, new_min_nr);
	context_end_call();
	return err;
}

/* --- alloc, free ------------------------------------------------------------------------------ */

static void *hand_out(mempool_t *pool, void *element)
{
	__atomic_add_fetch(&pool->nr_out, 1, __ATOMIC_RELAXED);
	return element;
}

static void *reserve_take(mempool_t *pool)
{
	void *element = NULL;

	lock(pool);
	if (pool->curr_nr)
		element = reserve_pop_locked(pool);
	unlock(pool);
	return element;
}

/* Sleep until the reserve got something, or for a while. False, after a report: it never will. */
static noinline bool wait_for_element(mempool_t *pool)
{
	bool empty;
	uint32_t wake;

	if (arch_alone()) {
		report_bug(arch_kernel(),
			   "mempool_alloc: the reserve of %d is empty, and the process has no "
			   "other thread that could return an element", pool->min_nr);
		return false;
	}
	lock(pool);
	empty = !pool->curr_nr;
	wake = pool->wake;
	__atomic_add_fetch(&pool->waiters, 1, __ATOMIC_RELAXED);
	unlock(pool);
	if (empty)
		arch_wait(&pool->wake, wake, RETRY_MS);
	lock(pool);
	__atomic_sub_fetch(&pool->waiters, 1, __ATOMIC_RELAXED);
	unlock(pool);
	return true;
}

static noinline void *alloc_slow(mempool_t *pool, gfp_t gfp)
{
	const gfp_t gentle = gfp & ~(__GFP_DIRECT_RECLAIM | __GFP_IO);
	void *element;

	for (;;) {
		element = reserve_take(pool);
		if (!element && gfp != gentle)
			element = pool->alloc(gfp, pool->pool_data);
		if (element || !(gfp & __GFP_DIRECT_RECLAIM))
			return element;
		if (!wait_for_element(pool))
			return NULL;
		element = pool->alloc(gentle, pool->pool_data);
		if (element)
			return element;
	}
}

void *mempool_alloc(mempool_t *pool, gfp_t gfp)
{
	struct kernel *k = arch_kernel();
	void *element;

	if (!k)
		return NULL;
	if (unlikely(gfp & __GFP_ZERO)) {
		report_warn(k, "mempool_alloc: __GFP_ZERO is not supported: an element of the "
			       "reserve keeps what was in it");
		gfp &= ~__GFP_ZERO;
	}
	gfp |= __GFP_NOMEMALLOC | __GFP_NORETRY | __GFP_NOWARN;
	context_begin_alloc(gfp, "mempool_alloc");
	element = pool->alloc(gfp & ~(__GFP_DIRECT_RECLAIM | __GFP_IO), pool->pool_data);
	if (unlikely(!element))
		element = alloc_slow(pool, gfp);
	context_end_call();
	return element ? hand_out(pool, element) : NULL;
}

enum verdict { RETURN_TO_RESERVE, RETURN_TO_ALLOCATOR, RETURNED_TWICE };

/* Into the reserve if there is room. */
static enum verdict reserve_put(mempool_t *pool, void *element, bool *wake)
{
	enum verdict v = RETURN_TO_ALLOCATOR;

	lock(pool);
	if (pool->curr_nr < pool->min_nr) {
		v = RETURNED_TWICE;
		if (likely(!reserve_has_locked(pool, element))) {
			reserve_push_locked(pool, element);
			v = RETURN_TO_RESERVE;
		}
	}
	*wake = v == RETURN_TO_RESERVE && pool->waiters;
	if (*wake)
		__atomic_add_fetch(&pool->wake, 1, __ATOMIC_RELEASE);
	unlock(pool);
	return v;
}

/* One element less with callers; false: there is none. */
static bool take_back(mempool_t *pool)
{
	long out = __atomic_load_n(&pool->nr_out, __ATOMIC_RELAXED);

	do {
		if (out <= 0)
			return false;
	} while (!__atomic_compare_exchange_n(&pool->nr_out, &out, out - 1, true, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	return true;
}

void mempool_free(void *element, mempool_t *pool)
{
	enum verdict v;
	bool wake;

	if (unlikely(!element))
		return;
	if (unlikely(!take_back(pool))) {
		report_bug(arch_kernel(), "mempool_free: no element of the pool is out, element %p",
			   element);
		return;
	}
	v = reserve_put(pool, element, &wake);
	if (wake)
		arch_wake(&pool->wake);
	if (v == RETURN_TO_ALLOCATOR)
		pool->free(element, pool->pool_data);
	if (likely(v != RETURNED_TWICE))
		return;
	__atomic_add_fetch(&pool->nr_out, 1, __ATOMIC_RELAXED);
	report_bug(arch_kernel(), "mempool_free: element %p is in the reserve already", element);
}

/* --- usual pools ------------------------------------------------------------------------------ */

void *mempool_alloc_slab(gfp_t gfp, void *pool_data)
{
	return kmem_cache_alloc(pool_data, gfp);
}

void mempool_free_slab(void *element, void *pool_data)
{
	kmem_cache_free(pool_data, element);
}

void *mempool_kmalloc(gfp_t gfp, void *pool_data)
{
	return kmalloc((uintptr_t)pool_data, gfp);
}

void mempool_kfree(void *element, void *pool_data)
{
	kfree(element);
}

void *mempool_alloc_pages(gfp_t gfp, void *pool_data)
{
	return alloc_pages(gfp, (unsigned int)(uintptr_t)pool_data);
}

void mempool_free_pages(void *element, void *pool_data)
{
	__free_pages(element, (unsigned int)(uintptr_t)pool_data);
}

mempool_t *mempool_create_slab_pool(int min_nr, struct kmem_cache *s)
{
	return mempool_create(min_nr, mempool_alloc_slab, mempool_free_slab, s);
}

mempool_t *mempool_create_kmalloc_pool(int min_nr, size_t size)
{
	return mempool_create(min_nr, mempool_kmalloc, mempool_kfree, (void *)(uintptr_t)size);
}

mempool_t *mempool_create_page_pool(int min_nr, int order)
{
	return mempool_create(min_nr, mempool_alloc_pages, mempool_free_pages,
			      (void *)(uintptr_t)(unsigned int)order);
}

/* --- fork() ----------------------------------------------------------------------------------- */

bool mempools_fork(struct kernel *k, struct fork_walk *w)
{
	struct mempool_lock *l;

	list_for_each_entry(l, &k->mempools, list)
		if (!fork_spinlock(w, &l->lock))
			return false;
	return true;
}
