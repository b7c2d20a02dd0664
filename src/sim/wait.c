/* SPDX-License-Identifier: MIT */
/* Sleeping on a word of memory: futex(2), which looks at the word and falls asleep in one step. */
#include "arch.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void arch_wait(uint32_t *word, uint32_t value, unsigned int ms)
{
	struct timespec limit = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	syscall(SYS_futex, word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, value, ms ? &limit : NULL, NULL,
		0);
}

void arch_wake(uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 0);
}

/* A directory has two links and one for each directory in it. A host without /proc: who knows? */
bool arch_alone(void)
{
	struct stat st;

	return !stat("/proc/self/task", &st) && st.st_nlink == 3;
}
