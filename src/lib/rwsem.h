/* SPDX-License-Identifier: MIT */
/*
 * A lock that many may hold to read and one to write. Holders may sleep; waiters sleep in the host.
 * As a mutex it has no rank and is taken with no spin lock held.
 *
 * Readers count themselves and then look for a writer; a writer announces itself and then waits
 * until nobody is counted. Both orders are sequentially consistent, so that one of the two sees the
 * other. Who waits to write keeps new readers out: writers are rare and quick, and readers that
 * come all the time would starve them. So a reader must not take the lock a second time.
 */
#ifndef KMEM_LIB_RWSEM_H
#define KMEM_LIB_RWSEM_H

#include "lib/mutex.h"

/* All zero: free. */
struct rw_semaphore {
	struct mutex writers;	/* one at a time */
	uint32_t writing;	/* 1: one is inside or waits for the readers */
	uint32_t readers;
};

bool down_read_trylock(struct rw_semaphore *sem);
void down_read(struct rw_semaphore *sem);
void up_read(struct rw_semaphore *sem);
void down_write(struct rw_semaphore *sem);
void up_write(struct rw_semaphore *sem);

#endif
