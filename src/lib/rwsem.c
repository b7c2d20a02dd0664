/* SPDX-License-Identifier: MIT */
#include "lib/rwsem.h"

bool down_read_trylock(struct rw_semaphore *sem)
{
	uint32_t state = __atomic_load_n(&sem->state, __ATOMIC_RELAXED);

	while (!(state & RWSEM_WRITER))
		if (__atomic_compare_exchange_n(&sem->state, &state, state + 1, true,
						__ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
			return true;
	return false;
}

void down_read(struct rw_semaphore *sem)
{
	uint32_t writers = __atomic_load_n(&sem->writers, __ATOMIC_RELAXED);

	if (unlikely(writers))
		arch_wait(&sem->writers, writers, RWSEM_POLITE_MS);
	while (!down_read_trylock(sem))
		arch_wait(&sem->state, RWSEM_WRITER, 0);
}

/* The last reader out and a writer that waits: one of the two sees the other, since each changes its
 * own word before it looks at the other's. */
void up_read(struct rw_semaphore *sem)
{
	if (__atomic_sub_fetch(&sem->state, 1, __ATOMIC_SEQ_CST))
		return;
	if (unlikely(__atomic_load_n(&sem->writers, __ATOMIC_SEQ_CST)))
		arch_wake(&sem->state);
}

void down_write(struct rw_semaphore *sem)
{
	__atomic_fetch_add(&sem->writers, 1, __ATOMIC_SEQ_CST);
	for (;;) {
		uint32_t state = 0;

		if (__atomic_compare_exchange_n(&sem->state, &state, RWSEM_WRITER, false,
						__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return;
		arch_wait(&sem->state, state, 0);
	}
}

void up_write(struct rw_semaphore *sem)
{
	__atomic_fetch_sub(&sem->writers, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&sem->state, 0, __ATOMIC_SEQ_CST);
	arch_wake(&sem->state);
	arch_wake(&sem->writers);
}
