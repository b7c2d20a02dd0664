/* SPDX-License-Identifier: MIT */
/*
 * The caches of a machine: the list, the mutex, boot, accounting of slabs.
 */
#include "common/backend.h"
#include "common/registry.h"
#include "buddy/buddy.h"
#include "lib/context.h"
#include "lib/errno.h"
#include "lib/fork.h"
#include "lib/report.h"
#include "lib/string.h"

void caches_lock(struct kernel *k)
{
	struct cache_registry *r = k->caches;

	context_begin_call("slab_mutex");
	if (mutex_is_mine(&r->mutex))
		r->depth++;
	else
		mutex_lock(&r->mutex);
}

void caches_unlock(struct kernel *k)
{
	struct cache_registry *r = k->caches;

	kassert(mutex_is_locked(&r->mutex));
	context_end_call();
	if (r->depth) {
		r->depth--;
		return;
	}
	mutex_unlock(&r->mutex);
}

int caches_init(struct kernel *k)
{
	struct cache_registry *r = arch_host_alloc(k->arch, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	list_init(&r->list);
	k->caches = r;
	r->meta = meta_pool_create(k);
	if (!r->meta)
		return -ENOMEM;
	if (!k->params.isolate_metadata) {
		r->kmem_cache = cache_create_boot(k, "kmem_cache",
						  (unsigned int)backend_traits.cache_size, 0,
						  SLAB_HWCACHE_ALIGN);
		if (!r->kmem_cache)
			return -ENOMEM;
	}
	err = kmalloc_init(k);
	if (!err)
		r->state = SLAB_UP;
	return err;
}

/* Not while somebody makes or destroys a cache, who may be the one that needs the memory. */
void caches_reap(struct kernel *k)
{
	struct kmem_cache *s;

	if (!backend_traits.reaps || !mutex_trylock(&k->caches->mutex))
		return;
	list_for_each_entry(s, &k->caches->list, list)
		backend_shrink(s);
	mutex_unlock(&k->caches->mutex);
}

/* --- accounting -------------------------------------------------------------------------------- */

void pages_account(struct kernel *k, arch_s64 *counter, long pages)
{
	struct cache_registry *r = k->caches;
	int64_t peak, now;

	__atomic_add_fetch(counter, pages, __ATOMIC_RELAXED);
	if (pages < 0)
		return;
	now = __atomic_load_n(&r->slab_pages, __ATOMIC_RELAXED) +
	      __atomic_load_n(&r->large_pages, __ATOMIC_RELAXED);
	peak = __atomic_load_n(&r->peak_pages, __ATOMIC_RELAXED);
	while (now > peak && !__atomic_compare_exchange_n(&r->peak_pages, &peak, now, true,
							  __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

void slab_account(struct kernel *k, struct kmem_cache *s, struct page *page, unsigned int order,
		  bool alloc)
{
	struct cache_registry *r = k->caches;
	long pages = 1L << order;

	__atomic_add_fetch(&r->slabs, alloc ? 1 : -1, __ATOMIC_RELAXED);
	pages_account(k, &r->slab_pages, alloc ? pages : -pages);
	if (unlikely(r->event))
		r->event(r->event_arg, alloc ? KMEM_SLAB_NEW : KMEM_SLAB_FREED, s,
			 k->arch->ram + (memmap_pfn(k->arch->memmap, page) << PAGE_SHIFT), order);
}

static size_t management_bytes(struct kernel *k)
{
	struct kmem_cache *s;
	size_t bytes = 0;

	list_for_each_entry(s, &k->caches->list, list)
		bytes += backend_traits.cache_size + cache_names_bytes(s) +
			 backend_management_bytes(s);
	return bytes;
}

static uint64_t scaled_bytes(const struct kmem_cache *s, unsigned int nodes, unsigned int cpus)
{
	return backend_traits.cache_size + cache_names_bytes(s) + backend_scaled_bytes(s, nodes, cpus);
}

uint64_t caches_scaled_bytes(struct kernel *k, const struct kmem_cache *s, unsigned int nodes,
			     unsigned int cpus)
{
	uint64_t bytes = 0;

	caches_lock_to_look(k);
	if (s)
		bytes = scaled_bytes(s, nodes, cpus);
	else
		list_for_each_entry(s, &k->caches->list, list)
			bytes += scaled_bytes(s, nodes, cpus);
	caches_unlock_to_look(k);
	return bytes;
}

void caches_get_stats(struct kernel *k, struct kmem_stats *st)
{
	struct cache_registry *r = k->caches;

	st->slab_pages = (uint64_t)__atomic_load_n(&r->slab_pages, __ATOMIC_RELAXED);
	st->large_pages = (uint64_t)__atomic_load_n(&r->large_pages, __ATOMIC_RELAXED);
	st->peak_pages = (uint64_t)__atomic_load_n(&r->peak_pages, __ATOMIC_RELAXED);
	st->slabs = (uint64_t)__atomic_load_n(&r->slabs, __ATOMIC_RELAXED);
	caches_lock_to_look(k);
	st->management_bytes = management_bytes(k);
	caches_unlock_to_look(k);
}

/* --- fork() ------------------------------------------------------------------------------------ */

bool caches_fork(struct kernel *k, struct fork_walk *w)
{
	return fork_mutex(w, &k->caches->mutex);
}
