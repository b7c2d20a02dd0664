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
 * to their nodes first. Contents are looked at as far as the debug flags of @s say what they must be.
 * SLUB looks at full slabs if @s has SLAB_STORE_USER, SLAB at all, SLOB at the free blocks of all pages
 * that have some, whichever cache is named, since caches share them.
 * Return: how many slabs (SLOB: pages) were looked at; -ENOMEM; -ENODEV: no machine, or a cache of
 * another one. Context: may sleep. Source: `echo 1 > /sys/kernel/slab/NAME/validate`; SLAB and SLOB have
 * it here alone.
 */
KMEM_API long kmem_cache_validate(struct kmem_cache *s);

KMEM_END_DECLS

#endif
