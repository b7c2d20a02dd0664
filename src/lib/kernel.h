/* SPDX-License-Identifier: MIT */
/*
 * The kernel part's root: one per machine, reached from the CPU structure. Each layer owns the
 * structure behind its pointer; a layer looks only at its own and at those below.
 */
#ifndef KMEM_LIB_KERNEL_H
#define KMEM_LIB_KERNEL_H

#include "arch.h"
#include "lib/list.h"
#include "lib/mutex.h"
#include "lib/params.h"

struct percpu_pool;
struct memblock;
struct buddy;
struct rcu_state;
struct cache_registry;
struct backend_state;
struct vmalloc;
struct trace_state;
struct memcg_state;

struct kernel {
	struct arch_machine *arch;
	struct kernel_params params;
	uint32_t taint;			/* enum report_taint of lib/report.h, a bit each; atomic */
	struct percpu_pool *percpu;	/* lib/percpu.h */
	struct memblock *memblock;	/* memblock/memblock.h */
	struct buddy *buddy;		/* buddy/buddy.h */
	struct rcu_state *rcu;		/* common/rcu.h */
	struct cache_registry *caches;	/* common/registry.h */
	struct backend_state *backend;	/* private to the backend; may stay NULL */
	struct arch_spinlock once_lock;	/* leaf: making of what is made when it is first needed; mempools */
	struct list_head mempools;	/* locks of the program's memory pools (common/mempool.c) */
	struct mutex slowed_mutex;
	unsigned int slowed;		/* why the CPUs are, as bits; lib/slowed.h */
	unsigned int memcg_groups;	/* accounting groups; atomic */
	struct mutex memcg_mutex;	/* making and ending accounting groups */
	struct memcg_state *memcg;	/* common/memcg.h; NULL: never used. once_lock */
	struct failslab *failslab;	/* common/failslab.h; NULL: a backend without */
	bool failslab_on;		/* faults are injected; atomic */
	uint32_t trace_events;		/* events that are on, as bits; lib/trace.h */
	struct mutex trace_mutex;	/* switching events on and off */
	struct trace_state *trace;	/* NULL: never used. once_lock */
	struct vmalloc *vmalloc;	/* vmalloc/vmalloc.h */
	unsigned long fork_locks[2];	/* that boot/fork.c holds, by part; 0: no fork() is under way */
	arch_u64 clock_ms;		/* kernel_clock(); moved by machine_advance() alone */
	/* x86_32: where kmap() has mapped a page of HIGHMEM; NULL: nowhere. Constant after boot. */
	void *(*kmap_address)(struct kernel *k, const struct page *page);
};

/* The machine's clock: milliseconds since boot. */
static inline uint64_t kernel_clock(const struct kernel *k)
{
	return __atomic_load_n(&k->clock_ms, __ATOMIC_RELAXED);
}

#endif
