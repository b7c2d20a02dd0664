/* SPDX-License-Identifier: MIT */
/*
 * Accounting groups: who pays for kernel objects. What Linux's memory cgroups do for slab memory, and
 * nothing else of them.
 *
 * A thread enters a group; from then on the objects that it takes of SLAB_ACCOUNT caches, and by
 * kmalloc() with __GFP_ACCOUNT (the kmalloc-cg-* classes, and blocks of pages above the largest class),
 * are charged to the group with the bytes that their slots take, until they are freed, whoever frees
 * them, wherever and however late. A charge that would go beyond the group's limit makes the allocation
 * fail; with __GFP_NOFAIL it is charged all the same. In an interrupt nobody is charged. A free that is
 * refused as misuse ends the object's charge like any other.
 *
 * cgroup.memory=nokmem on the machine's command line switches all of it off, as Linux's word does:
 * groups can be made and entered, nobody is ever charged, and there are no kmalloc-cg-* classes.
 *
 * SLAB and SLUB; as in Linux SLOB knows nothing of it. While a machine has groups its threads take slow
 * paths, where charges are made; without groups accounting costs nothing. Leave all groups before
 * the machine is shut down.
 */
#ifndef KMEM_MEMCG_H
#define KMEM_MEMCG_H

#include <kmem/types.h>

KMEM_BEGIN_DECLS

/* Opaque. */
struct kmem_cgroup;

/* Figures of a group. */
struct kmem_cgroup_stats {
	uint64_t limit;		/* bytes */
	uint64_t charged;	/* bytes now */
	uint64_t peak;		/* bytes at most */
	uint64_t objects;	/* charged now */
	uint64_t failures;	/* allocations that the limit refused */
};

#define KMEM_CGROUP_UNLIMITED UINT64_MAX

/**
 * kmem_cgroup_create - make a group on the entered machine
 * @limit: bytes it may have charged; KMEM_CGROUP_UNLIMITED
 *
 * Return: the group; NULL: no host memory, no machine, or (with a warning) SLOB. May sleep.
 */
KMEM_API struct kmem_cgroup *kmem_cgroup_create(uint64_t limit) KMEM_MUST_CHECK;

/**
 * kmem_cgroup_destroy - the group's end
 * @g: from kmem_cgroup_create()
 *
 * Return: 0; -EBUSY: objects are charged to it, or a thread is in it; -EINVAL, with a warning: no group
 * of this machine; -ENODEV. May sleep.
 */
KMEM_API int kmem_cgroup_destroy(struct kmem_cgroup *g);

/**
 * kmem_cgroup_enter - charge this thread's objects to @g from now on
 * @g: a group of the entered machine; NULL: to nobody
 *
 * Return: the group that it leaves, NULL if there is none. A stranger is warned about, and the thread
 * stays where it is. Any thread, any context.
 */
KMEM_API struct kmem_cgroup *kmem_cgroup_enter(struct kmem_cgroup *g);

/**
 * kmem_cgroup_set_limit - change a group's limit; what is charged already stays
 * @g:     the group
 * @limit: bytes
 * Return: 0, -EINVAL with a warning, -ENODEV. Any thread, any context.
 */
KMEM_API int kmem_cgroup_set_limit(struct kmem_cgroup *g, uint64_t limit);

/**
 * kmem_cgroup_get_stats - figures of a group
 * @g:  the group
 * @st: receives them
 * Return: 0, -EINVAL with a warning, -ENODEV. Any thread, any context.
 */
KMEM_API int kmem_cgroup_get_stats(struct kmem_cgroup *g, struct kmem_cgroup_stats *st);

KMEM_END_DECLS

#endif
