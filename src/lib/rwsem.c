/* SPDX-License-Identifier: MIT */
#include "lib/rwsem.h"

bool down_read_trylock(struct rw_semaphore *sem)
{
	__atomic_fetch_add(&sem->readers, 1, __ATOMIC_SEQ_CST);
	if (likely(!__atomic_load_n(&sem->writing, __ATOMIC_SEQ_CST)))
		return true;
	up_read(sem);
	return false;
}

void down_read(struct rw_semaphore *sem)
{
	while (!down_read_trylock(sem))
		arch_wait(&sem->writing, 1, 0);
}

void up_read(struct rw_semaphore *sem)
{
	if (__atomic_sub_fetch(&sem->readers, 1, __ATOMIC_SEQ_CST))
		return;
	if (unlikely(__atomic_load_n(&sem->writing, __ATOMIC_SEQ_CST)))
		arch_wake(&sem->readers);
}

void down_write(struct rw_semaphore *sem)
{
	uint32_t readers;

	mutex_lock(&sem->writers);
	__atomic_store_n(&sem->writing, 1, __ATOMIC_SEQ_CST);
	while ((readers = __atomic_load_n(&sem->readers, __ATOMIC_SEQ_CST)))
		arch_wait(&sem->readers, readers, 0);
}

void up_write(struct rw_semaphore *sem)
{
	__atomic_store_n(&sem->writing, 0, __ATOMIC_SEQ_CST);
	arch_wake(&sem->writing);
	mutex_unlock(&sem->writers);
}
