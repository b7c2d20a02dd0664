/* SPDX-License-Identifier: MIT */
#include "lib/mutex.h"

/* Whoever was asleep takes the mutex as "waited for", since others may be asleep still. */
noinline void mutex_lock_slow(struct mutex *mutex)
{
	while (__atomic_exchange_n(&mutex->value, 2, __ATOMIC_ACQUIRE))
		arch_wait(&mutex->value, 2, 0);
	mutex_set_owner(mutex, arch_context());
}
