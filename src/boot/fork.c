/* SPDX-License-Identifier: MIT */
/*
 * fork(): all locks of the kernel part in the order of docs/locking.md, module by module. What each of
 * them does is lib/fork.h's, and when the two parts are called src/sim/fork.c's.
 *
 * The first part is what a thread may hold while it waits for a CPU: mutexes, then vmalloc's locks. The
 * second are the others, from the backend's down to the leaves. Which leaves there are is settled by
 * once_lock, their first.
 */
#include "boot/boot.h"

#include "buddy/buddy.h"
#include "common/backend.h"
#include "common/failslab.h"
#include "common/memcg.h"
#include "common/rcu.h"
#include "common/registry.h"
#include "common/stack_depot.h"
#include "lib/fork.h"
#include "lib/percpu.h"
#include "lib/trace.h"
#include "vmalloc/vmalloc.h"

static bool first_part(struct kernel *k, struct fork_walk *w)
{
	return rcu_fork(k, w) && caches_fork(k, w) && fork_mutex(w, &k->trace_mutex) &&
	       fork_mutex(w, &k->memcg_mutex) && buddy_fork_mutexes(k, w) &&
	       fork_mutex(w, &k->slowed_mutex) && vmalloc_fork(k, w);
}

static bool leaves(struct kernel *k, struct fork_walk *w)
{
	return fork_spinlock(w, &k->once_lock) && mempools_fork(k, w) && memcg_fork(k, w) &&
	       failslab_fork(k, w) && stack_depot_fork(k, w) && trace_fork(k, w) &&
	       page_owner_fork(k, w);
}

static bool second_part(struct kernel *k, struct fork_walk *w)
{
	return backend_fork(k, w) && meta_fork(k, w) && buddy_fork_zones(k, w) && percpu_fork(k, w) &&
	       leaves(k, w);
}

bool kernel_fork(struct kernel *k, enum arch_fork_part part, enum arch_fork_step step, unsigned int ms)
{
	struct fork_walk w = {.step = step, .ms = ms, .nr = k->fork_locks[part]};
	bool all = part == ARCH_FORK_FIRST ? first_part(k, &w) : second_part(k, &w);

	k->fork_locks[part] = w.nr;
	return all;
}
