/* SPDX-License-Identifier: MIT */
/*
 * Caches as files, as Linux has them under /sys/kernel/slab/NAME (Documentation/ABI/testing/
 * sysfs-kernel-slab) and, for who allocated and freed, /sys/kernel/debug/slab/NAME. SLUB alone has
 * them. docs/debugging.md says what is in them.
 */
#ifndef KMEM_SYSFS_H
#define KMEM_SYSFS_H

#include <kmem/proc.h>
#include <kmem/types.h>

KMEM_BEGIN_DECLS

struct kmem_cache;

/**
 * kmem_cache_validate - look at all objects and free lists of a cache
 * @s: a cache of the entered machine
 *
 * What is wrong is reported and repaired as at an allocation or a free. Objects that CPUs hold go
 * to their nodes first. Full slabs are looked at if @s has SLAB_STORE_USER; contents as far as its
 * debug flags say what they must be.
 * Return: how many slabs were looked at; -EOPNOTSUPP: the backend has nothing to look at; -ENOMEM;
 * -ENODEV: no machine, or a cache of another one. Context: may sleep. Source: `echo 1 >
 * /sys/kernel/slab/NAME/validate`.
 */
KMEM_API long kmem_cache_validate(struct kmem_cache *s);

KMEM_END_DECLS

#endif
