/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU data: the same offset in every CPU's window. An offset is valid from percpu_alloc() to
 * percpu_free(); the data at it is zero on every CPU when it is handed out. Who may touch which
 * CPU's data: the section and claim rules of arch.h.
 */
#ifndef KMEM_LIB_PERCPU_H
#define KMEM_LIB_PERCPU_H

#include "arch.h"

struct kernel;

/* Called once by boot. 0 or -ENOMEM. */
int percpu_init(struct kernel *k);

/* Offset of @size zeroed bytes on every CPU, @align a power of two up to 4096; 0 when the windows
 * are full. Any thread; takes LOCK_RANK_PERCPU. */
size_t percpu_alloc(struct kernel *k, size_t size, size_t align);
void percpu_free(struct kernel *k, size_t off, size_t size);

/* Bytes handed out now on one CPU, rounding included. */
size_t percpu_used(struct kernel *k);

static __always_inline void *percpu_ptr(struct arch_cpu *cpu, size_t off)
{
	return (char *)cpu + off;
}

/* lib/fork.h: the lock. */
struct fork_walk;
bool percpu_fork(struct kernel *k, struct fork_walk *w);

#endif
