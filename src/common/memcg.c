/* SPDX-License-Identifier: MIT */
/*
 * Accounting groups (<kmem/memcg.h>).
 *
 * Linux hangs a vector of group pointers on each slab. Here a table by address says which live object
 * is charged to whom, since groups are rare and a table leaves the slabs as they are: geometry and
 * addresses do not change by being accounted. It is an open hash table in host memory, at most half
 * full; room for an object is reserved when its charge is made, so that settling cannot fail.
 *
 *	charge     the thread's group, its limit; bytes added, room reserved
 *	settle     an object: into the table; none: bytes taken back
 *	uncharge   out of the table, bytes taken back from the group that the table says
 *
 * The thread knows its group by number, not by address: should the machine go away under it, a number
 * that nobody has means no group.
 *
 * With cgroup.memory=nokmem groups are what threads enter and leave; no charge is ever asked for.
 *
 * `mutex` makes creating and destroying one step with slowing the CPUs; `lock`, a leaf, guards all the
 * rest.
 */
#include "common/memcg.h"

#include "common/backend.h"
#include "lib/context.h"
#include "lib/errno.h"
#include "lib/fork.h"
#include "lib/lock_rank.h"
#include "lib/mutex.h"
#include "lib/once.h"
#include "lib/report.h"
#include "lib/slowed.h"

#include <kmem/memcg.h>

#define FIRST_SLOTS 1024	/* a power of two */

struct kmem_cgroup {
	struct list_head list;
	struct kernel *kernel;
	uint64_t id;
	unsigned long threads;		/* in it */
	struct kmem_cgroup_stats stats;
};

struct memcg_entry {
	const void *object;		/* NULL: free */
	struct kmem_cgroup *group;
	const struct kmem_cache *cache;
	uint64_t bytes;
};

struct memcg_state {
	struct arch_spinlock lock;
	struct list_head groups;
	uint64_t next_id;
	struct memcg_entry *slots;
	size_t nr_slots;
	size_t used;			/* entries and reservations */
};

/* --- the table -------------------------------------------------------------------------------- */

static size_t home_of(const struct memcg_state *st, const void *object)
{
	return (size_t)(((uintptr_t)object >> 3) * 0x9e3779b97f4a7c15ull >> 20) & (st->nr_slots - 1);
}

/* The object's entry, or the free one where it would go. */
static struct memcg_entry *find_locked(struct memcg_state *st, const void *object)
{
	size_t i = home_of(st, object);

	while (st->slots[i].object && st->slots[i].object != object)
		i = (i + 1) & (st->nr_slots - 1);
	return &st->slots[i];
}

/* Room for one more. False: the host has no memory. */
static bool reserve_locked(struct kernel *k, struct memcg_state *st)
{
	struct memcg_entry *old = st->slots;
	size_t nr = st->nr_slots, i;

	if (2 * (st->used + 1) > nr) {
		struct memcg_entry *more = arch_host_alloc(k->arch, 2 * nr * sizeof(*more));

		if (!more)
			return false;
		st->slots = more;
		st->nr_slots = 2 * nr;
		for (i = 0; i < nr; i++)
			if (old[i].object)
				*find_locked(st, old[i].object) = old[i];
		arch_host_free(k->arch, old, nr * sizeof(*old));
	}
	st->used++;
	return true;
}

/* Take an entry out; those that it kept from their places move up. */
static void remove_locked(struct memcg_state *st, struct memcg_entry *e)
{
	size_t mask = st->nr_slots - 1, hole = (size_t)(e - st->slots), i = hole;

	for (;;) {
		i = (i + 1) & mask;
		if (!st->slots[i].object)
			break;
		if (((i - home_of(st, st->slots[i].object)) & mask) >= ((i - hole) & mask)) {
			st->slots[hole] = st->slots[i];
			hole = i;
		}
	}
	st->slots[hole].object = NULL;
	st->used--;
}

/* --- charges ---------------------------------------------------------------------------------- */

static struct kmem_cgroup *group_of_thread_locked(struct memcg_state *st)
{
	uint64_t id = arch_context()->cgroup;
	struct kmem_cgroup *g;

	if (!id || arch_context()->preempt_count & (HARDIRQ_MASK | SOFTIRQ_OFFSET))
		return NULL;
	list_for_each_entry(g, &st->groups, list)
		if (g->id == id)
			return g;
	return NULL;
}

static bool add_locked(struct kernel *k, struct kmem_cgroup *g, gfp_t gfp, uint64_t bytes)
{
	struct kmem_cgroup_stats *st = &g->stats;
	bool fits = st->charged <= st->limit && bytes <= st->limit - st->charged;

	if (!fits && !(gfp & __GFP_NOFAIL)) {
		st->failures++;
		return false;
	}
	if (!reserve_locked(k, k->memcg))
		return false;
	st->charged += bytes;
	if (st->charged > st->peak)
		st->peak = st->charged;
	return true;
}

noinline bool memcg_charge_slow(struct kernel *k, gfp_t gfp, struct memcg_charge *charge)
{
	struct memcg_state *st = k->memcg;
	bool good = true;

	arch_spin_lock(&st->lock);
	charge->group = group_of_thread_locked(st);
	if (charge->group)
		good = add_locked(k, charge->group, gfp, charge->bytes);
	arch_spin_unlock(&st->lock);
	return good;
}

noinline void memcg_settle_slow(struct kernel *k, const struct memcg_charge *charge, const void *object)
{
	struct memcg_state *st = k->memcg;

	arch_spin_lock(&st->lock);
	if (object) {
		*find_locked(st, object) = (struct memcg_entry){
			.object = object,
			.group = charge->group,
			.cache = charge->cache,
			.bytes = charge->bytes,
		};
		charge->group->stats.objects++;
	} else {
		charge->group->stats.charged -= charge->bytes;
		st->used--;
	}
	arch_spin_unlock(&st->lock);
}

noinline void memcg_uncharge_slow(struct kernel *k, const struct kmem_cache *s, const void *object)
{
	struct memcg_state *st = k->memcg;
	struct memcg_entry *e;

	if (ZERO_OR_NULL_PTR(object))
		return;
	arch_spin_lock(&st->lock);
	e = find_locked(st, object);
	/* Not if it will be refused: it is another cache's. */
	if (e->object && (!s || e->cache == s)) {
		e->group->stats.charged -= e->bytes;
		e->group->stats.objects--;
		remove_locked(st, e);
	}
	arch_spin_unlock(&st->lock);
}

/* --- groups ----------------------------------------------------------------------------------- */

static struct memcg_state *memcg_make(const struct arch_machine *am)
{
	struct memcg_state *st = arch_host_alloc(am, sizeof(*st));

	if (!st)
		return NULL;
	arch_spin_init(&st->lock, LOCK_RANK_LEAF);
	list_init(&st->groups);
	st->next_id = 1;
	st->nr_slots = FIRST_SLOTS;
	st->slots = arch_host_alloc(am, FIRST_SLOTS * sizeof(*st->slots));
	if (st->slots)
		return st;
	arch_host_free(am, st, sizeof(*st));
	return NULL;
}

struct kmem_cgroup *kmem_cgroup_create(uint64_t limit)
{
	struct kernel *k = arch_kernel();
	struct memcg_state *st;
	struct kmem_cgroup *g;

	if (!k)
		return NULL;
	if (!(backend_traits.create_flags & SLAB_ACCOUNT)) {
		report_warn(k, "kmem_cgroup_create: %s accounts nothing", backend_traits.title);
		return NULL;
	}
	context_might_sleep("kmem_cgroup_create");
	st = kernel_once(k, &k->memcg, memcg_make);
	g = st ? arch_host_alloc(k->arch, sizeof(*g)) : NULL;
	if (!g)
		return NULL;
	g->kernel = k;
	g->stats.limit = limit;
	mutex_lock(&k->memcg_mutex);
	arch_spin_lock(&st->lock);
	g->id = st->next_id++;
	list_add_tail(&g->list, &st->groups);
	arch_spin_unlock(&st->lock);
	if (!k->params.cgroup_nokmem) {
		slowed_set(k, SLOWED_FOR_GROUPS, true);
		__atomic_add_fetch(&k->memcg_groups, 1, __ATOMIC_RELEASE);
	}
	mutex_unlock(&k->memcg_mutex);
	return g;
}

/* Lock the state if @g is one of its groups; else NULL, with the error after a report. */
static struct memcg_state *lock_group(struct kmem_cgroup *g, const char *what, int *err)
{
	struct kernel *k = arch_kernel();
	struct memcg_state *st = k ? __atomic_load_n(&k->memcg, __ATOMIC_ACQUIRE) : NULL;
	struct kmem_cgroup *its;

	*err = k ? -EINVAL : -ENODEV;
	if (!k)
		return NULL;
	if (st) {
		arch_spin_lock(&st->lock);
		list_for_each_entry(its, &st->groups, list)
			if (its == g)
				return st;
		arch_spin_unlock(&st->lock);
	}
	report_warn(k, "%s: no group of this machine", what);
	return NULL;
}

int kmem_cgroup_destroy(struct kmem_cgroup *g)
{
	struct kernel *k = arch_kernel();
	struct memcg_state *st;
	bool busy;
	int err;

	if (!k)
		return -ENODEV;
	context_might_sleep("kmem_cgroup_destroy");
	st = lock_group(g, "kmem_cgroup_destroy", &err);
	if (!st)
		return err;
	busy = g->threads || g->stats.charged || g->stats.objects;
	if (!busy)
		list_del(&g->list);
	arch_spin_unlock(&st->lock);
	if (busy)
		return -EBUSY;
	mutex_lock(&k->memcg_mutex);
	if (!k->params.cgroup_nokmem && !__atomic_sub_fetch(&k->memcg_groups, 1, __ATOMIC_RELEASE))
		slowed_set(k, SLOWED_FOR_GROUPS, false);
	mutex_unlock(&k->memcg_mutex);
	arch_host_free(k->arch, g, sizeof(*g));
	return 0;
}

struct kmem_cgroup *kmem_cgroup_enter(struct kmem_cgroup *g)
{
	struct kernel *k = arch_kernel();
	struct memcg_state *st = k ? __atomic_load_n(&k->memcg, __ATOMIC_ACQUIRE) : NULL;
	struct kmem_cgroup *old, *its, *found = NULL;
	uint64_t id = arch_context()->cgroup;

	if (!k || (!g && !st))
		return NULL;
	if (!st) {
		report_warn(k, "kmem_cgroup_enter: no group of this machine");
		return NULL;
	}
	old = NULL;
	arch_spin_lock(&st->lock);
	list_for_each_entry(its, &st->groups, list) {
		if (id && its->id == id)
			old = its;
		if (its == g)
			found = its;
	}
	if (!g || found) {
		if (old)
			old->threads--;
		if (found)
			found->threads++;
		arch_context()->cgroup = found ? found->id : 0;
	}
	arch_spin_unlock(&st->lock);
	if (g && !found)
		report_warn(k, "kmem_cgroup_enter: no group of this machine");
	return old;
}

int kmem_cgroup_set_limit(struct kmem_cgroup *g, uint64_t limit)
{
	int err;
	struct memcg_state *st = lock_group(g, "kmem_cgroup_set_limit", &err);

	if (!st)
		return err;
	g->stats.limit = limit;
	arch_spin_unlock(&st->lock);
	return 0;
}

int kmem_cgroup_get_stats(struct kmem_cgroup *g, struct kmem_cgroup_stats *out)
{
	int err;
	struct memcg_state *st = lock_group(g, "kmem_cgroup_get_stats", &err);

	if (!st)
		return err;
	*out = g->stats;
	arch_spin_unlock(&st->lock);
	return 0;
}

/* --- fork() ----------------------------------------------------------------------------------- */

static void forget_threads(struct memcg_state *st)
{
	struct kmem_cgroup *g;

	list_for_each_entry(g, &st->groups, list)
		if (g->threads)
			g->threads = g->id == arch_context()->cgroup;
}

bool memcg_fork(struct kernel *k, struct fork_walk *w)
{
	if (!k->memcg)
		return true;
	if (fork_walk_in_child(w))
		forget_threads(k->memcg);
	return fork_spinlock(w, &k->memcg->lock);
}
