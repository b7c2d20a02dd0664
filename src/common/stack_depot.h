/* SPDX-License-Identifier: MIT */
/*
 * Stacks of callers, each kept once and known by a number: what SLAB_STORE_USER writes behind an
 * object. As Linux's stack depot it only grows; it ends with the machine.
 */
#ifndef KMEM_COMMON_STACK_DEPOT_H
#define KMEM_COMMON_STACK_DEPOT_H

#include "lib/kernel.h"
#include "lib/kfmt.h"

#define STACK_DEPOT_MAX 16	/* callers that are kept, the innermost */

/* The calling thread's stack from @caller, a return address, outwards; the whole of it if @caller
 * is not in it. A handle, or 0 when the host has no memory. Takes a lock of rank LEAF. */
uint32_t stack_depot_save(struct kernel *k, const void *caller);

/* A line for each caller, @indent blanks in front of it; nothing for handle 0. */
void stack_depot_print(struct kernel *k, uint32_t handle, unsigned int indent, struct seq_file *m);

/* lib/fork.h: the lock. */
struct fork_walk;
bool stack_depot_fork(struct kernel *k, struct fork_walk *w);

#endif
