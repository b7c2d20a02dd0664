/* SPDX-License-Identifier: MIT */
/*
 * Names for slabs that do not depend on addresses: s0, s1, … in the order in which a cache's slabs
 * are first seen (mentioned in a result). On SLOB, whose pages belong to all caches, there is one
 * order for all. A slab that goes back to the page allocator loses its name and is remembered until
 * the results of the op have been printed; memory that comes back later gets a new name.
 */
#ifndef KMEMSIM_LABELS_H
#define KMEMSIM_LABELS_H

#include "kmemsim.h"

struct labels;
struct kmem_cache;

struct labels *labels_new(void);
void labels_free(struct labels *l);

/* Ordinal of the slab whose first byte is @base; @cache NULL on SLOB. @owner is what its line of
 * going away calls the cache; it is copied when the cache is first met. */
unsigned int labels_slab(struct labels *l, const struct kmem_cache *cache, const char *owner,
			 const void *base);

/* The slab at @base went back. Slabs that were never seen have no name to lose. */
void labels_slab_freed(struct labels *l, const void *base);

/* Forget a cache that is gone, and those of its slabs that have just gone with it. */
void labels_forget_cache(struct labels *l, const struct kmem_cache *cache);

/* "  slabfree OWNER sN" for each slab that went since the last call, in order of N. */
void labels_print_freed(struct labels *l, FILE *out);

#endif
