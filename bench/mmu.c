/* SPDX-License-Identifier: MIT */
/*
 * The simulated MMU over the direct map: loads that hit the TLB, and whole walks at random addresses of
 * 256 MiB. The walks read the tables only; a load moves eight bytes besides.
 */
#include "bench.h"

#define START (256u << 20)
#define RANGE (256u << 20)

static void walks(void *arg, uint64_t n)
{
	uint64_t seed = 1, i, sum = 0;
	struct mmu_walk_result r;
	kva_t base = *(kva_t *)arg;

	for (i = 0; i < n; i++) {
		if (mmu_walk(base + bench_random(&seed) % RANGE, MMU_READ, &r))
			bench_fail("a walk that faults");
		sum += r.phys;
	}
	if (!sum)
		bench_fail("walks that lead nowhere");
}

/* Eight bytes at a time from eight pages, in turn. */
static void hits(void *arg, uint64_t n)
{
	kva_t base = *(kva_t *)arg;
	uint64_t i, word, sum = 0;

	for (i = 0; i < n; i++) {
		if (mmu_read(base + (i % 8) * 4096 + (i % 500) * 8, &word, sizeof(word), 0, NULL))
			bench_fail("a load that faults");
		sum += word;
	}
	(void)sum;
}

static double timed(const char *text, void (*body)(void *arg, uint64_t n))
{
	struct machine *m = bench_boot(text);
	kva_t base = ptr_to_kva(__va(START));
	double ns = bench_time(body, &base);

	machine_shutdown(m);
	return ns;
}

static double walk_4(void)
{
	return timed("preset=x86_64 mem=1G cpus=2", walks);
}

static double walk_5(void)
{
	return timed("preset=x86_64_la57 mem=1G cpus=2", walks);
}

static double tlb_hit(void)
{
	return timed("preset=x86_64 mem=1G cpus=2", hits);
}

const struct bench_workload mmu_workloads[] = {
	{ "tlb-hit", tlb_hit },
	{ "walk-4-level", walk_4 },
	{ "walk-5-level", walk_5 },
	{ NULL, NULL },
};
