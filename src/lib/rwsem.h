/* SPDX-License-Identifier: MIT */
/*
 * A lock that many may hold to read and one to write. Holders may sleep; waiters sleep in the host.
 * As a mutex it has no rank and is taken with no spin lock held.
 *
 * Readers call functions of the program's, which may wait for mutexes; who holds such a mutex may
 * come to read as well. So a reader never waits for other readers to leave, not even behind a writer
 * that does: only for a writer that is inside, who is quick and waits for nobody. But it lets a
 * waiting writer go first for RWSEM_POLITE_MS, since readers that come all the time would starve
 * him.
 */
#ifndef KMEM_LIB_RWSEM_H
#define KMEM_LIB_RWSEM_H

#include "arch.h"

#define RWSEM_WRITER 0x80000000u
#define RWSEM_POLITE_MS 2

/* All zero: free. */
struct rw_semaphore {
	uint32_t state;		/* how many readers are inside, or RWSEM_WRITER */
	uint32_t writers;	/* inside and waiting */
};

bool down_read_trylock(struct rw_semaphore *sem);
void down_read(struct rw_semaphore *sem);
void up_read(struct rw_semaphore *sem);
void down_write(struct rw_semaphore *sem);
void up_write(struct rw_semaphore *sem);

#endif
