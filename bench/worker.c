/* SPDX-License-Identifier: MIT */
/*
 * worker CPU PARTNER_CPU: reads lines "NAME MILLISECONDS" and answers each with "NAME VALUE", or
 * "NAME -" if it has no such workload; NAME@SIZE is one of a size. "?" lists what it has. It is pinned to CPU; threads that a
 * workload starts pin themselves.
 */
#include "bench.h"
#include "scale.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

uint64_t bench_budget_ns = 20000000;
int bench_cpu[2];

static const struct bench_workload *const tables[] = {
#ifdef BENCH_SMALL
	small_workloads, thread_workloads, memory_workloads,
#endif
#ifdef BENCH_KMEM
	boot_workloads, mmu_workloads,
#endif
	page_workloads, vmalloc_workloads,
};

static const struct bench_scale *const scales[] = {
#ifdef BENCH_SMALL
	thread_scales,
#endif
#ifdef BENCH_KMEM
	machine_scales,
#endif
	live_scales,
};

void bench_fail(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

void bench_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned int)cpu, &set);
	if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set))
		bench_fail("cannot pin a thread to its CPU");
}

/* smaps_rollup walks the tables; statm's counters lag behind by some pages. */
uint64_t bench_resident(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "r");
	unsigned long kib = 0;
	char line[256];

	if (!f)
		bench_fail("cannot read /proc/self/smaps_rollup");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Rss: %lu kB", &kib) == 1)
			break;
	fclose(f);
	if (!kib)
		bench_fail("/proc/self/smaps_rollup has no Rss line");
	return (uint64_t)kib * 1024;
}

double bench_time(void (*body)(void *arg, uint64_t n), void *arg)
{
	uint64_t n = 64, spent, start;

	for (;;) {
		start = bench_now();
		body(arg, n);
		spent = bench_now() - start;
		if (spent >= bench_budget_ns)
			return (double)spent / (double)n;
		n = spent < bench_budget_ns / 16 ? n * 8 : n * (bench_budget_ns + bench_budget_ns / 8) / spent + 1;
	}
}

#ifdef BENCH_KMEM
struct machine *bench_boot(const char *text)
{
	struct machine_error err = { 0, "" };
	struct machine *m;

	if (machine_boot_text(text, &m, &err))
		bench_fail(err.reason);
	return m;
}

struct kmem_cache *bench_cache;
static struct machine *machine;

void bench_begin_on(unsigned int cpus)
{
	char text[64];

	snprintf(text, sizeof(text), "preset=x86_64 mem=1G cpus=%u", cpus);
	machine = bench_boot(text);
	bench_cache = kmem_cache_create("bench", 64, 0, 0, NULL);
}

void bench_end(void)
{
	kmem_cache_destroy(bench_cache);
	if (machine_shutdown(machine))
		bench_fail("a workload leaks");
}

struct machine *bench_machine(void)
{
	return machine;
}
#else
void bench_begin_on(unsigned int cpus)
{
	(void)cpus;
}

void bench_end(void)
{
}
#endif

void bench_begin(void)
{
	bench_begin_on(8);
}

static const struct bench_workload *find(const char *name)
{
	const struct bench_workload *w;
	size_t i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (w = tables[i]; w->name; w++)
			if (!strcmp(w->name, name))
				return w;
	return NULL;
}

static const struct bench_scale *find_scale(const char *name, size_t len)
{
	const struct bench_scale *w;
	size_t i;

	for (i = 0; i < sizeof(scales) / sizeof(scales[0]); i++)
		for (w = scales[i]; w->name; w++)
			if (strlen(w->name) == len && !strncmp(w->name, name, len))
				return w;
	return NULL;
}

static void list(void)
{
	const struct bench_workload *w;
	const struct bench_scale *scale;
	size_t i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (w = tables[i]; w->name; w++)
			printf("%s ", w->name);
	for (i = 0; i < sizeof(scales) / sizeof(scales[0]); i++)
		for (scale = scales[i]; scale->name; scale++)
			printf("%s@ ", scale->name);
	printf("\n");
}

/* A negative number if there is no such workload. */
static double measure(const char *name)
{
	const char *at = strchr(name, '@');
	const struct bench_workload *w = at ? NULL : find(name);
	const struct bench_scale *scale = at ? find_scale(name, (size_t)(at - name)) : NULL;
	uint64_t size = at ? strtoull(at + 1, NULL, 10) : 0;

	if (w)
		return w->run();
	return scale && size ? scale->run(size) : -1;
}

static void answer(const char *name)
{
	double value = measure(name);

	if (value < 0)
		printf("%s -\n", name);
	else
		printf("%s %.9g\n", name, value);
}

int main(int argc, char **argv)
{
	unsigned long milliseconds;
	char line[128], name[64];

	if (argc != 3)
		bench_fail("usage: worker CPU PARTNER_CPU");
	bench_cpu[0] = atoi(argv[1]);
	bench_cpu[1] = atoi(argv[2]);
	bench_pin(bench_cpu[0]);
	while (fgets(line, sizeof(line), stdin)) {
		if (line[0] == '?') {
			list();
		} else if (sscanf(line, "%63s %lu", name, &milliseconds) == 2) {
			bench_budget_ns = milliseconds * 1000000u;
			answer(name);
		} else {
			bench_fail("a line that is none");
		}
		fflush(stdout);
	}
	return 0;
}
