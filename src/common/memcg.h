/* SPDX-License-Identifier: MIT */
/*
 * Charging objects to groups; theory in memcg.c. A backend charges before it looks for an object, and
 * settles when it has one, or none:
 *
 *	if (!memcg_charge(k, s, gfp, bytes, &charge))
 *		return NULL;
 *	object = …;
 *	memcg_settle(k, &charge, object);
 *
 * All of it stands in slow paths: machines with groups have no others.
 */
#ifndef KMEM_COMMON_MEMCG_H
#define KMEM_COMMON_MEMCG_H

#include "common/kmem_cache.h"

struct memcg_state;

struct memcg_charge {
	struct kmem_cgroup *group;	/* NULL: nobody pays */
	const struct kmem_cache *cache;
	uint64_t bytes;
};

bool memcg_charge_slow(struct kernel *k, gfp_t gfp, struct memcg_charge *charge);
void memcg_settle_slow(struct kernel *k, const struct memcg_charge *charge, const void *object);
void memcg_uncharge_slow(struct kernel *k, const struct kmem_cache *s, const void *object);

static inline bool memcg_on(const struct kernel *k)
{
	return unlikely(__atomic_load_n(&k->memcg_groups, __ATOMIC_ACQUIRE));
}

/* @s: the object's cache; NULL: a block of pages. False: the limit is reached. */
static inline bool memcg_charge(struct kernel *k, const struct kmem_cache *s, gfp_t gfp, uint64_t bytes,
				struct memcg_charge *charge)
{
	charge->group = NULL;
	if (!memcg_on(k) || !(gfp & __GFP_ACCOUNT || (s && s->flags & SLAB_ACCOUNT)))
		return true;
	charge->cache = s;
	charge->bytes = bytes;
	return memcg_charge_slow(k, gfp, charge);
}

/* @object NULL: there was none, the charge is undone. */
static inline void memcg_settle(struct kernel *k, const struct memcg_charge *charge, const void *object)
{
	if (charge->group)
		memcg_settle_slow(k, charge, object);
}

/* @object is about to be freed into @s; NULL: by kfree(). Whatever was never charged is ignored. */
static inline void memcg_uncharge(const struct kmem_cache *s, const void *object)
{
	struct kernel *k = arch_cpu_ptr->kernel;

	if (k && memcg_on(k))
		memcg_uncharge_slow(k, s, object);
}

static inline void memcg_uncharge_bulk(const struct kmem_cache *s, size_t nr, void **p)
{
	for (size_t i = 0; i < nr; i++)
		memcg_uncharge(s, p[i]);
}

/* lib/fork.h: the lock, and in the child threads that are gone from their groups. */
struct fork_walk;
bool memcg_fork(struct kernel *k, struct fork_walk *w);

#endif
