/* SPDX-License-Identifier: MIT */
/* Allocations of objects made to fail on purpose; theory in failslab.c. */
#ifndef KMEM_COMMON_FAILSLAB_H
#define KMEM_COMMON_FAILSLAB_H

#include "common/kmem_cache.h"
#include "lib/kfmt.h"

struct failslab;

/* The machine's, as its command line says. 0 or -ENOMEM. */
int failslab_init(struct kernel *k);

bool failslab_hits_slow(struct kernel *k, const struct kmem_cache *s, gfp_t gfp);

/* Whether this allocation of an object of @s is to fail. Asked in slow paths only, outside sections: while
 * faults are injected there are no others. */
static inline bool failslab_hits(struct kernel *k, const struct kmem_cache *s, gfp_t gfp)
{
	return unlikely(__atomic_load_n(&k->failslab_on, __ATOMIC_RELAXED)) &&
	       failslab_hits_slow(k, s, gfp);
}

/* The files "failslab/…" of proc_read() and proc_write(). 0 or @len; -ENOENT, -EINVAL. */
bool failslab_is_file(const char *name);
long failslab_show(struct kernel *k, const char *name, struct seq_file *m);
long failslab_store(struct kernel *k, const char *name, const char *text, size_t len);

/* lib/fork.h: the lock. */
struct fork_walk;
bool failslab_fork(struct kernel *k, struct fork_walk *w);

#endif
