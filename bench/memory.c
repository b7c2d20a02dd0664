/* SPDX-License-Identifier: MIT */
/*
 * Resident bytes for each live byte after random mixes. The driver starts a worker of its own for each,
 * so that nothing is left from before. What the process itself holds is not counted: the difference to
 * the state before the first object is.
 */
#include "bench.h"

#define LIVE 200000

static void *object[LIVE];
static uint32_t length[LIVE];

static size_t fixed(uint64_t *seed)
{
	(void)seed;
	return 64;
}

static size_t mixed(uint64_t *seed)
{
	return 8 + bench_random(seed) % 993;
}

/* One size comes from a cache of its own with us. */
#ifdef BENCH_KMEM
static struct kmem_cache *cache;

static void *get(size_t size)
{
	return cache ? kmem_cache_alloc(cache, GFP_KERNEL) : kmalloc(size, GFP_KERNEL);
}

static void put(void *p)
{
	if (cache)
		kmem_cache_free(cache, p);
	else
		kfree(p);
}
#else
#define get(size) malloc(size)
#define put(p) free(p)
#endif

static void replace(size_t at, size_t size)
{
	char *p;
	size_t i;

	if (object[at])
		put(object[at]);
	p = get(size);
	/* A program uses what it asked for. */
	for (i = 0; i < size; i += 8)
		p[i] = 1;
	object[at] = p;
	length[at] = (uint32_t)size;
}

static double resident_per_live(size_t (*size)(uint64_t *seed))
{
	uint64_t seed = 7, live = 0, before, after, i;

	for (i = 0; i < LIVE; i++)
		length[i] = 1;	/* the tables themselves are resident */
	for (i = 0; i < LIVE; i++)
		object[i] = NULL;
	before = bench_resident();
	for (i = 0; i < LIVE; i++)
		replace(i, size(&seed));
	for (i = 0; i < 4ul * LIVE; i++)
		replace(bench_random(&seed) % LIVE, size(&seed));
	after = bench_resident();
	for (i = 0; i < LIVE; i++) {
		live += length[i];
		put(object[i]);
	}
	return (double)(after - before) / (double)live;
}

static double memory(size_t (*size)(uint64_t *seed))
{
	double ratio;
#ifdef BENCH_KMEM
	struct machine *m = bench_boot("preset=x86_64 mem=1G cpus=2");

	cache = size == fixed ? kmem_cache_create("bench", 64, 0, 0, NULL) : NULL;
	ratio = resident_per_live(size);
	kmem_cache_destroy(cache);
	machine_shutdown(m);
#else
	ratio = resident_per_live(size);
#endif
	return ratio;
}

static double memory_64(void)
{
	return memory(fixed);
}

static double memory_mixed(void)
{
	return memory(mixed);
}

const struct bench_workload memory_workloads[] = {
	{ "memory-64", memory_64 },
	{ "memory-mixed", memory_mixed },
	{ NULL, NULL },
};
