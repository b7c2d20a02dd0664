/* SPDX-License-Identifier: MIT */
/* RCU's face towards boot and the backends, besides <kmem/rcu.h>. */
#ifndef KMEM_COMMON_RCU_H
#define KMEM_COMMON_RCU_H

#include "lib/kernel.h"

#include <kmem/rcu.h>

/* Boot, before the backend. 0 or -ENOMEM. */
int rcu_init(struct kernel *k);

/* Run what is queued, and what that queues in turn, without waiting. False: something is left,
 * since a reader is in its section still. */
bool rcu_drain(struct kernel *k);

/* Shutdown: rcu_drain(), and a report if something is left. */
void rcu_shutdown(struct kernel *k);

/* call_rcu() on @k without a look at the arguments. @head is a struct rcu_head at any address: SLOB
 * has them behind objects of any even size. */
void rcu_queue(struct kernel *k, void *head, rcu_callback_t func);

/* Whether the calling thread could ever return from rcu_barrier_on(): not in a read section of its
 * own and not in a callback; then it is reported in the name of @what. */
bool rcu_may_barrier(struct kernel *k, const char *what);

/* rcu_barrier() on @k. */
void rcu_barrier_on(struct kernel *k);

/* lib/fork.h: the mutex. */
struct fork_walk;
bool rcu_fork(struct kernel *k, struct fork_walk *w);

#endif
