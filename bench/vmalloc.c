/* SPDX-License-Identifier: MIT */
/*
 * vmalloc against mmap: allocate, write a word of every page, free. Neither gets the address that it
 * just gave back: vmalloc frees lazily, and mmap is asked below a moving hint.
 */
#include "bench.h"

#ifdef BENCH_KMEM

struct area {
	unsigned long size;
};

static void areas(void *arg, uint64_t n)
{
	struct area *a = arg;
	unsigned long at;
	uint64_t i;
	char *p;

	for (i = 0; i < n; i++) {
		p = vmalloc(a->size);
		if (!p)
			bench_fail("no vmalloc area");
		for (at = 0; at < a->size; at += PAGE_SIZE)
			*(uint64_t *)(p + at) = i;
		vfree(p);
	}
}

static double timed(unsigned long size)
{
	struct machine *m = bench_boot("preset=x86_64 mem=1G cpus=2");
	struct area a = { size };
	double ns = bench_time(areas, &a);

	machine_shutdown(m);
	return ns;
}

#else
#include <sys/mman.h>

#define PAGE_SIZE 4096ul

struct area {
	unsigned long size;
};

static void areas(void *arg, uint64_t n)
{
	struct area *a = arg;
	unsigned long at;
	uint64_t i;
	char *p;

	for (i = 0; i < n; i++) {
		p = mmap(NULL, a->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			bench_fail("no mapping");
		for (at = 0; at < a->size; at += PAGE_SIZE)
			*(uint64_t *)(p + at) = i;
		munmap(p, a->size);
	}
}

static double timed(unsigned long size)
{
	struct area a = { size };

	return bench_time(areas, &a);
}
#endif

static double vmalloc_64k(void)
{
	return timed(64ul << 10);
}

static double vmalloc_4k(void)
{
	return timed(4ul << 10);
}

const struct bench_workload vmalloc_workloads[] = {
	{ "vmalloc-64K", vmalloc_64k },
	{ "vmalloc-4K", vmalloc_4k },
	{ NULL, NULL },
};
