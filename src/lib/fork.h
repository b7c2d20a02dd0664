/* SPDX-License-Identifier: MIT */
/*
 * fork() and the locks of the kernel part.
 *
 * The thread that forks takes every lock of the machine, so that in the child's copy nobody is in the
 * middle of anything; afterwards it gives them back in both processes. Each module names its own locks in
 * a function x_fork(k, walk), which is called for both: a walk that takes goes on until a lock cannot
 * be had, one that releases goes the same way and ends with the last that was taken. The order of modules
 * and the two parts of the walk are boot/fork.c's; the machine's side is src/sim/fork.c.
 *
 * What the thread holds already (it forks in a function of the program's that the library called) stays
 * its own, in the child as well, where it goes on with the same stack. Mutexes and semaphores know their
 * holders. A spin lock does not; the walk then waits in vain and gives up.
 */
#ifndef KMEM_LIB_FORK_H
#define KMEM_LIB_FORK_H

#include "lib/mutex.h"
#include "lib/rwsem.h"

struct fork_walk {
	enum arch_fork_step step;
	unsigned int ms;		/* how long it waits for a lock, about */
	unsigned long nr;		/* locks that it holds */
};

/* Whether the walk is in the child: what belonged to other threads is nobody's. */
static inline bool fork_walk_in_child(const struct fork_walk *w)
{
	return w->step == ARCH_FORK_CHILD;
}

/* Take one lock or give it back. False: it cannot be had. */
bool fork_spinlock(struct fork_walk *w, struct arch_spinlock *lock);
bool fork_mutex(struct fork_walk *w, struct mutex *mutex);

/* A semaphore whose readers may be in functions of the program's for long and change nothing that it
 * guards: no reader is waited for, only a writer. In the child it has no reader but the calling thread,
 * if that is one (arch_context.reading). */
bool fork_rwsem(struct fork_walk *w, struct rw_semaphore *sem);

/* A mutex that is not taken: what its holder does under no other lock may be left as it is at any
 * moment. In the child it is free, unless the calling thread holds it. */
void fork_leave_mutex(const struct fork_walk *w, struct mutex *mutex);

#endif
