/* SPDX-License-Identifier: MIT */
/* Who wants to see every call: while anybody does, all CPUs are slowed (arch_slow_cpus). */
#ifndef KMEM_LIB_SLOWED_H
#define KMEM_LIB_SLOWED_H

#include "lib/kernel.h"

enum slowed_reason {
	SLOWED_FOR_EVENTS = 1,
	SLOWED_FOR_GROUPS = 2,
	SLOWED_FOR_FAULTS = 4,
};

/* Any thread, outside sections, with no spin lock held. */
void slowed_set(struct kernel *k, enum slowed_reason reason, bool on);

#endif
