/* SPDX-License-Identifier: MIT */
/*
 * A lock whose holder may sleep: wait for others, claim CPUs, allocate, call what users gave us.
 * Waiters sleep in the host. It has no rank: it is taken with no spin lock held, and which of two
 * mutexes comes first stands where they are declared.
 */
#ifndef KMEM_LIB_MUTEX_H
#define KMEM_LIB_MUTEX_H

#include "arch.h"

/* All zero: free. */
struct mutex {
	uint32_t value;		/* 0 free, 1 held, 2 held and waited for */
};

void mutex_lock_slow(struct mutex *mutex);

static inline bool mutex_trylock(struct mutex *mutex)
{
	uint32_t free = 0;

	return __atomic_compare_exchange_n(&mutex->value, &free, 1, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static inline void mutex_lock(struct mutex *mutex)
{
	if (unlikely(!mutex_trylock(mutex)))
		mutex_lock_slow(mutex);
}

static inline bool mutex_is_locked(const struct mutex *mutex)
{
	return __atomic_load_n(&mutex->value, __ATOMIC_RELAXED);
}

static inline void mutex_unlock(struct mutex *mutex)
{
	if (unlikely(__atomic_exchange_n(&mutex->value, 0, __ATOMIC_RELEASE) == 2))
		arch_wake(&mutex->value);
}

#endif
