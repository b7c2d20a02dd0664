/* SPDX-License-Identifier: MIT */
/*
 * Slow paths of arch_spinlock: a futex with three states (free, held, held and waited for). Nobody
 * waits: no system call. A waiter spins a little, since sections are short; then it marks the lock as
 * waited for and sleeps. Whoever was asleep takes the lock in the state "waited for", because others
 * may still be asleep: at worst one wake-up too many, never one too few.
 */
#include "arch.h"

#include <linux/futex.h>
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
		if (!__atomic_load_n(&lock->value, __ATOMIC_RELAXED) && arch_spin_trylock(lock))
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
