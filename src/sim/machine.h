/* SPDX-License-Identifier: MIT */
/*
 * Glossary of the simulated machine's structures.
 *
 *   machine        one machine: what the kernel part sees of it (`pub`), and what it does not
 *   window         a range of host addresses: RAM, memmap, pageblocks, CPUs, one reservation for all
 *   sim_cpu        one CPU, at the start of its window: the public part, then its lock
 *   sim_thread     a host thread that uses machines (process.c owns them)
 *   host pool      private memory of the kernel part (host.c)
 *
 * Lock order: fork_lock, process lock, attach_lock, a CPU's lock; those of hooks, mmu_hook, devices and pool
 * are leaves.
 */
#ifndef KMEM_SIM_MACHINE_H
#define KMEM_SIM_MACHINE_H

#include "arch.h"
#include "lib/list.h"
#include "sim/sim_lock.h"
#include "lib/lock_rank.h"
#include "lib/rbtree.h"

#include <kmem/mmu.h>

struct report_hook {
	machine_report_fn *fn;
	void *arg;
};

struct log_hook {
	machine_log_fn *fn;
	void *arg;
};

/* Where messages go; a NULL function is the default. */
struct hooks {
	struct arch_spinlock lock;
	struct report_hook report;
	struct log_hook log;
};

/* Who mends page faults of mmu_read() and its like; a NULL function is nobody. */
struct mmu_hook {
	struct arch_spinlock lock;
	mmu_fault_fn *fn;
	void *arg;
};

struct host_pool {
	struct arch_spinlock lock;
	struct list_head blocks;
};

/* Read sections and those who wait for them (epoch.c). Lists and `passed`: process lock. */
struct epochs {
	char before[ARCH_CACHE_LINE];	/* what readers look at shares no line with what changes often */
	arch_u64 now;
	uint32_t waiters;
	bool fences;			/* no membarrier(): both sides use real fences; constant */
	char after[ARCH_CACHE_LINE];
	uint32_t wake;			/* advanced when a reader leaves while somebody waits */
	uint64_t passed;		/* the highest epoch known to have passed */
	struct list_head readers;	/* epoch_reader.list */
};

struct mmu_cpu;
struct mmu_space;
struct tlb_geometry;

struct machine {
	struct arch_machine pub;
	struct machine_desc desc;	/* resolved: every range has its node, every default its value */
	struct list_head list;		/* process: published machines */
	bool published;
	bool lost;			/* it did not come along into this process (fork) */

	/* fork.c; fork_lock. */
	arch_fork_fn *fork;		/* the kernel part's locks; NULL: none */
	bool ending;			/* in machine_shutdown() */
	bool fork_loses;		/* a child made now would lose it */
	unsigned int fork_stage;	/* how much of it the fork() under way holds */

	char *window;			/* the reservation that holds all windows */
	size_t window_size;
	char *vmap_window;		/* where pub.vmalloc pointed first; NULL: none */
	size_t vmap_window_size;
	int memfd;			/* -1: private backing */
	void *spare_mapping;		/* vmap_window.c; NULL: none. Atomic */
	struct tlb_geometry *tlb_geometry;
	struct mmu_space *mmu_space;	/* what all CPUs begin with; set once at boot */
	struct mmu_hook mmu_hook;
	struct arch_spinlock device_lock;
	struct rb_root devices;		/* device.c; under device_lock */

	/* Which threads are where (cpu.c). */
	struct arch_spinlock attach_lock;
	struct list_head threads;	/* sim_thread.list */
	uint32_t *cpu_threads;		/* [nr_cpus]; written under attach_lock, read by claims */
	arch_u64 *cpu_used;		/* bitmap, only ever gains bits */
	unsigned int nr_attached;	/* threads on the list */
	bool forking;			/* nobody becomes alone. attach_lock */
	struct sim_cpu *alone;		/* whose pub.alone is set; NULL: none. attach_lock */

	struct epochs epochs;
	struct hooks hooks;
	struct host_pool pool;
};

/* A CPU's part that the kernel part does not see. `lock` is the slow entry and serialises claims;
 * `shared` and `slowed` change only with both attach_lock and `lock` held. */
struct sim_cpu {
	struct arch_cpu pub;
	struct arch_spinlock lock;
	bool shared;			/* more than one thread attached: claim stays set */
	bool slowed;			/* claim stays set: somebody wants to see every call */
	uintptr_t holder;		/* thread_self() of who holds `lock` */
	struct sim_thread *owner;	/* the last that was attached while alone */
	struct mmu_cpu *mmu;		/* NULL: not used yet. Atomic; made in the CPU's section */
} __attribute__((aligned(ARCH_CACHE_LINE)));

_Static_assert(sizeof(struct sim_cpu) <= ARCH_PERCPU_START, "the per-CPU data starts behind it");

static inline struct machine *machine_of(const struct arch_machine *am)
{
	return container_of((struct arch_machine *)(uintptr_t)am, struct machine, pub);
}

static inline struct sim_cpu *sim_cpu_of(struct arch_cpu *cpu)
{
	return container_of(cpu, struct sim_cpu, pub);
}

/* cpu.c: arch_cpu_claim() for a moment by a thread that may hold locks which nobody takes inside a
 * claim or a section: it waits for nothing else. */
struct arch_cpu *cpu_claim_under_locks(const struct arch_machine *am, unsigned int id);

/* host.c */
void host_pool_init(struct host_pool *pool);
void host_pool_release(struct host_pool *pool);

/* window.c: all windows of @m by its resolved description. */
int machine_map(struct machine *m, struct machine_error *err);
void machine_unmap(struct machine *m);

/* mmu.c: what the description says of it. */
int mmu_create(struct machine *m, struct machine_error *err);
void mmu_destroy(struct machine *m);

/* vmap_window.c: a mapping to give up when the host allows no more. */
void vmap_window_take_spare(struct machine *m);
void vmap_window_drop_spare(struct machine *m);
/* Second addresses that exist when the process forks shall not come along. */
void vmap_window_before_fork(struct machine *m);
#endif
