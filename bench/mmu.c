/* SPDX-License-Identifier: MIT */
/* The simulated MMU: a whole walk for each address, over a gibibyte of the direct map. */
#include "bench.h"

static void walks(void *arg, uint64_t n)
{
	uint64_t seed = 1, i, sum = 0;
	struct mmu_walk_result r;
	kva_t base = *(kva_t *)arg;

	for (i = 0; i < n; i++) {
		if (mmu_walk(base + bench_random(&seed) % (256u << 20), MMU_READ, &r))
			bench_fail("a walk that faults");
		sum += r.phys;
	}
	if (!sum)
		bench_fail("walks that lead nowhere");
}

static double walk(const char *text)
{
	struct machine *m = bench_boot(text);
	kva_t base = ptr_to_kva(__va(256u << 20));
	double ns = bench_time(walks, &base);

	machine_shutdown(m);
	return ns;
}

static double walk_4(void)
{
	return walk("preset=x86_64 mem=1G cpus=2");
}

const struct bench_workload mmu_workloads[] = {
	{ "walk-4-level", walk_4 },
	{ NULL, NULL },
};
