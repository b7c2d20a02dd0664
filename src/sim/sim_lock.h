/* SPDX-License-Identifier: MIT */
/*
 * The machine's own locks: those of the kernel part, but without their short cut for a machine's only
 * thread, since threads that are in no machine, or in another, take them too.
 */
#ifndef KMEM_SIM_SIM_LOCK_H
#define KMEM_SIM_SIM_LOCK_H

#include "arch.h"

static inline void sim_lock(struct arch_spinlock *lock)
{
	if (unlikely(!arch_spin_swap(lock)))
		arch_spin_lock_slow(lock);
}

static inline void sim_unlock(struct arch_spinlock *lock)
{
	if (unlikely(__atomic_exchange_n(&lock->value, 0, __ATOMIC_RELEASE) != 1))
		arch_spin_unlock_slow(lock);
}

#endif
