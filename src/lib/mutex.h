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
	const void *owner;	/* arch_context() of who holds it; compared with one's own only */
};

void mutex_lock_slow(struct mutex *mutex);

static inline void mutex_set_owner(struct mutex *mutex, const void *owner)
{
	__atomic_store_n(&mutex->owner, owner, __ATOMIC_RELAXED);
}

static inline bool mutex_trylock(struct mutex *mutex)
{
	uint32_t free = 0;

	if (!__atomic_compare_exchange_n(&mutex->value, &free, 1, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return false;
	mutex_set_owner(mutex, arch_context());
	return true;
}

static inline void mutex_lock(struct mutex *mutex)
{
	if (unlikely(!mutex_trylock(mutex)))
		mutex_lock_slow(mutex);
}

/* Whether the calling thread holds it. */
static inline bool mutex_is_mine(const struct mutex *mutex)
{
	return __atomic_load_n(&mutex->owner, __ATOMIC_RELAXED) == arch_context();
}

static inline bool mutex_is_locked(const struct mutex *mutex)
{
	return __atomic_load_n(&mutex->value, __ATOMIC_RELAXED);
}

static inline void mutex_unlock(struct mutex *mutex)
{
	mutex_set_owner(mutex, NULL);
	if (unlikely(__atomic_exchange_n(&mutex->value, 0, __ATOMIC_RELEASE) == 2))
		arch_wake(&mutex->value);
}

#endif
