/* SPDX-License-Identifier: MIT */
/* Booting machines, small and huge: time, and what becomes resident. */
#include "bench.h"

static void boots(void *arg, uint64_t n)
{
	uint64_t i;

	for (i = 0; i < n; i++) {
		struct machine *m = bench_boot(arg);

		machine_shutdown(m);
	}
}

/* Milliseconds, shutdown included. */
static double boot_time(const char *text)
{
	return bench_time(boots, (void *)(uintptr_t)text) / 1e6;
}

/* Bytes. */
static double boot_resident(const char *text)
{
	uint64_t before = bench_resident(), after;
	struct machine *m = bench_boot(text);

	after = bench_resident();
	machine_shutdown(m);
	return after > before ? (double)(after - before) : 0;
}

#define BOOT(name, text)                                                                \
	static double time_##name(void)                                                     \
	{                                                                                   \
		return boot_time(text);                                                         \
	}                                                                                   \
	static double resident_##name(void)                                                 \
	{                                                                                   \
		return boot_resident(text);                                                     \
	}

BOOT(1g, "preset=x86_64 mem=1G cpus=2")
BOOT(64g, "preset=x86_64 mem=64G cpus=2")
BOOT(1t, "preset=x86_64 mem=1T cpus=2")

const struct bench_workload boot_workloads[] = {
	{ "boot-1G", time_1g },
	{ "boot-64G", time_64g },
	{ "boot-1T", time_1t },
	{ "boot-1G-resident", resident_1g },
	{ "boot-64G-resident", resident_64g },
	{ "boot-1T-resident", resident_1t },
	{ NULL, NULL },
};
