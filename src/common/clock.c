/* SPDX-License-Identifier: MIT */
/*
 * What the small-object allocators do by the clock. In Linux each CPU has a timer that goes off every
 * two seconds (cache_reap); here the machine's clock stands still until somebody advances it, and
 * what would have happened meanwhile happens then, in the caller's thread: turn after turn, in each
 * turn CPU after CPU in ascending order, for each CPU cache after cache in the order of slabinfo.
 *
 * The registry's mutex guards the clock against a second caller.
 */
#include "common/backend.h"
#include "common/registry.h"

/* Number of the first turn after @now. */
static uint64_t next_tick(uint64_t now)
{
	if (now < backend_traits.reap_first_ms)
		return 0;
	return (now - backend_traits.reap_first_ms) / backend_traits.reap_ms + 1;
}

static void set_clock(struct kernel *k, uint64_t now)
{
	__atomic_store_n(&k->clock_ms, now, __ATOMIC_RELAXED);
}

static void reap_all(struct kernel *k, uint64_t tick)
{
	struct kmem_cache *s;
	unsigned int cpu;

	for (cpu = 0; cpu < k->arch->nr_cpus; cpu++)
		list_for_each_entry(s, &k->caches->list, list)
			backend_traits.reap(s, cpu, tick, kernel_clock(k));
}

static void run_ticks(struct kernel *k, uint64_t end)
{
	uint64_t tick = next_tick(kernel_clock(k)), at;

	for (;; tick++) {
		at = backend_traits.reap_first_ms + tick * backend_traits.reap_ms;
		if (at > end)
			return;
		set_clock(k, at);
		reap_all(k, tick);
	}
}

uint64_t caches_advance(struct kernel *k, unsigned int ms)
{
	uint64_t end;

	caches_lock(k);
	end = kernel_clock(k) + ms;
	if (backend_traits.reap)
		run_ticks(k, end);
	set_clock(k, end);
	caches_unlock(k);
	return end;
}
