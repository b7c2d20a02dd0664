/* SPDX-License-Identifier: MIT */
#include "lib/fork.h"

/* The words of a spin lock and of a mutex mean the same: 0 free, 1 held, 2 held and waited for. Looking
 * at it for a while without sleeping is for locks that are free for moments only. */
#define SPINS 1000

static bool word_is_free(const uint32_t *word)
{
	for (unsigned int i = 0; i < SPINS; i++) {
		if (!__atomic_load_n(word, __ATOMIC_RELAXED))
			return true;
		arch_relax();
	}
	return false;
}

/* Neither the rules of ranks nor the short cut of a machine's only thread are for the walk, which may
 * not even be attached. */
static bool take_word(uint32_t *word, unsigned int ms)
{
	for (unsigned int i = 0; i <= ms; i++) {
		do {
			if (!__atomic_exchange_n(word, 2, __ATOMIC_ACQUIRE))
				return true;
		} while (word_is_free(word));
		arch_wait(word, 2, 1);
	}
	return false;
}

static void release_word(uint32_t *word)
{
	if (__atomic_exchange_n(word, 0, __ATOMIC_RELEASE) == 2)
		arch_wake(word);
}

static bool taken(struct fork_walk *w, bool success)
{
	w->nr += success;
	return success;
}

/* Whether the next lock is one of those that were taken. */
static bool give_back(struct fork_walk *w)
{
	if (!w->nr)
		return false;
	w->nr--;
	return true;
}

bool fork_spinlock(struct fork_walk *w, struct arch_spinlock *lock)
{
	if (w->step == ARCH_FORK_TAKE)
		return taken(w, take_word(&lock->value, w->ms));
	if (give_back(w))
		release_word(&lock->value);
	return true;
}

/* The walk's own mutexes have themselves for an owner: the thread's may be among them. */
bool fork_mutex(struct fork_walk *w, struct mutex *mutex)
{
	if (w->step == ARCH_FORK_TAKE) {
		if (mutex_is_mine(mutex))
			return true;
		if (!taken(w, take_word(&mutex->value, w->ms)))
			return false;
		mutex_set_owner(mutex, mutex);
		return true;
	}
	if (__atomic_load_n(&mutex->owner, __ATOMIC_RELAXED) == mutex && give_back(w)) {
		mutex_set_owner(mutex, NULL);
		release_word(&mutex->value);
	}
	return true;
}

static bool take_to_read(struct rw_semaphore *sem, unsigned int ms)
{
	for (unsigned int i = 0; i <= ms; i++) {
		if (down_read_trylock(sem))
			return true;
		arch_wait(&sem->state, RWSEM_WRITER, 1);
	}
	return false;
}

bool fork_rwsem(struct fork_walk *w, struct rw_semaphore *sem)
{
	if (w->step == ARCH_FORK_TAKE)
		return taken(w, take_to_read(sem, w->ms));
	if (!give_back(w))
		return true;
	if (!fork_walk_in_child(w)) {
		up_read(sem);
		return true;
	}
	__atomic_store_n(&sem->writers, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&sem->state, arch_context()->reading == sem, __ATOMIC_RELEASE);
	return true;
}

void fork_leave_mutex(const struct fork_walk *w, struct mutex *mutex)
{
	if (!fork_walk_in_child(w) || mutex_is_mine(mutex))
		return;
	mutex_set_owner(mutex, NULL);
	__atomic_store_n(&mutex->value, 0, __ATOMIC_RELEASE);
}
