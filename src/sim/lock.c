/* SPDX-License-Identifier: MIT */
/*
 * Slow paths of arch_spinlock: a futex with three states (free, held, held and waited for). Nobody
 * waits: no system call. A waiter spins a little, since sections are short; then it marks the lock as
 * waited for and sleeps. Whoever was asleep takes the lock in the state "waited for", because others
 * may still be asleep: at worst one wake-up too many, never one too few.
 *
 * Ranks. Builds with internal assertions keep the ranked locks that a thread holds, and stop at the
 * first one it takes while it holds one of the same or a higher rank: the order in which a deadlock
 * would need two threads is found with one. Rank 0, the machine's own locks, is not checked.
 */
#include "sim/process.h"

#include <linux/futex.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOCK_FREE, LOCK_HELD, LOCK_WAITED };

/* Long enough for a list operation under the lock, short against a system call. */
#define SPINS 100

static void futex(uint32_t *word, int op, uint32_t value)
{
	syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

void arch_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

void arch_spin_lock_slow(struct arch_spinlock *lock)
{
	for (int i = 0; i < SPINS; i++) {
		uint32_t seen = __atomic_load_n(&lock->value, __ATOMIC_RELAXED);

		if (seen == LOCK_FREE &&
		    __atomic_compare_exchange_n(&lock->value, &seen, LOCK_HELD, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return;
		arch_relax();
	}
	while (__atomic_exchange_n(&lock->value, LOCK_WAITED, __ATOMIC_ACQUIRE) != LOCK_FREE)
		futex(&lock->value, FUTEX_WAIT, LOCK_WAITED);
}

/* The lock is free already; @lock may be taken by others by now. */
void arch_spin_unlock_slow(struct arch_spinlock *lock)
{
	futex(&lock->value, FUTEX_WAKE, 1);
}

#if KMEM_ASSERT_LEVEL >= 2
#define MAX_HELD 16

static _Thread_local struct {
	const struct arch_spinlock *locks[MAX_HELD];
	unsigned int n;
} held;

static void rank_trap(uint32_t taken, uint32_t held_rank)
{
	char line[120];

	snprintf(line, sizeof(line), "libkmem: a lock of rank %u is taken while one of rank %u is held",
		 taken, held_rank);
	arch_log(NULL, 0, line);
	arch_trap();
}

void arch_rank_note(const struct arch_spinlock *lock)
{
	if (!lock->rank)
		return;
	if (held.n == MAX_HELD)
		rank_trap(lock->rank, held.locks[MAX_HELD - 1]->rank);
	held.locks[held.n++] = lock;
}

void arch_rank_take(const struct arch_spinlock *lock)
{
	if (lock->rank)
		rank_check(lock->rank);
	arch_rank_note(lock);
}

/* Locks need not be released in the order they were taken. */
void arch_rank_drop(const struct arch_spinlock *lock)
{
	for (unsigned int i = held.n; i--;) {
		if (held.locks[i] != lock)
			continue;
		held.n--;
		for (; i < held.n; i++)
			held.locks[i] = held.locks[i + 1];
		return;
	}
}

void rank_check(uint32_t rank)
{
	for (unsigned int i = 0; i < held.n; i++) {
		if (held.locks[i]->rank >= rank)
			rank_trap(rank, held.locks[i]->rank);
	}
}
#else
void rank_check(uint32_t rank)
{
}
#endif
