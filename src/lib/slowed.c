/* SPDX-License-Identifier: MIT */
#include "lib/slowed.h"

void slowed_set(struct kernel *k, enum slowed_reason reason, bool on)
{
	unsigned int before, now;

	mutex_lock(&k->slowed_mutex);
	before = k->slowed;
	now = on ? before | reason : before & ~(unsigned int)reason;
	k->slowed = now;
	if (!before != !now)
		arch_slow_cpus(k->arch, now);
	mutex_unlock(&k->slowed_mutex);
}
