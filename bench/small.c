/* SPDX-License-Identifier: MIT */
/*
 * One thread's small objects. Every allocation's first word is written. Objects of one size come from a
 * kmem_cache with us and from malloc with a peer; of mixed sizes, from kmalloc and malloc.
 */
#include "bench.h"

#define BATCH 1000
#define LIVE 100000

static double timed(void (*body)(void *, uint64_t), void *arg)
{
	double ns;

	bench_begin();
	ns = bench_time(body, arg);
	bench_end();
	return ns;
}

static void pair_64(void *arg, uint64_t n)
{
	uint64_t i, *p;

	(void)arg;
	for (i = 0; i < n; i++) {
		p = one_alloc();
		*p = i;
		one_free(p);
	}
}

static uint64_t *batch[BATCH];

static void lifo(void *arg, uint64_t n)
{
	uint64_t i;
	int k;

	(void)arg;
	for (i = 0; i < n; i++) {
		for (k = 0; k < BATCH; k++) {
			batch[k] = one_alloc();
			*batch[k] = i;
		}
		for (k = BATCH; k--;)
			one_free(batch[k]);
	}
}

static void fifo(void *arg, uint64_t n)
{
	uint64_t i;
	int k;

	(void)arg;
	for (i = 0; i < n; i++) {
		for (k = 0; k < BATCH; k++) {
			batch[k] = one_alloc();
			*batch[k] = i;
		}
		for (k = 0; k < BATCH; k++)
			one_free(batch[k]);
	}
}

static double lifo_1000(void)
{
	return timed(lifo, NULL) / BATCH;
}

static double fifo_1000(void)
{
	return timed(fifo, NULL) / BATCH;
}

static double pair_of_64(void)
{
	return timed(pair_64, NULL);
}

static uint64_t *live[LIVE];

static void replace_64(void *arg, uint64_t n)
{
	uint64_t *seed = arg, i, at;

	for (i = 0; i < n; i++) {
		at = bench_random(seed) % LIVE;
		one_free(live[at]);
		live[at] = one_alloc();
		*live[at] = i;
	}
}

static void fill_64(uint64_t *seed)
{
	uint64_t i;

	for (i = 0; i < LIVE; i++) {
		live[i] = one_alloc();
		*live[i] = i;
	}
	/* Until the order of addresses is forgotten. */
	replace_64(seed, 4 * LIVE);
}

static void empty_64(void)
{
	int i;

	for (i = 0; i < LIVE; i++)
		one_free(live[i]);
}

static size_t some_size(uint64_t *seed)
{
	return 8 + bench_random(seed) % 993;
}

static void replace_mixed(void *arg, uint64_t n)
{
	uint64_t *seed = arg, i, at;

	for (i = 0; i < n; i++) {
		at = bench_random(seed) % LIVE;
		obj_free(live[at]);
		live[at] = obj_alloc(some_size(seed));
		*live[at] = i;
	}
}

static double random_100k_64(void)
{
	uint64_t seed = 1;
	double ns;

	bench_begin();
	fill_64(&seed);
	ns = bench_time(replace_64, &seed);
	empty_64();
	bench_end();
	return ns;
}

static double mixed_8_1000(void)
{
	uint64_t seed = 1;
	double ns;
	int i;

	bench_begin();
	for (i = 0; i < LIVE; i++) {
		live[i] = obj_alloc(some_size(&seed));
		*live[i] = 1;
	}
	replace_mixed(&seed, 4 * LIVE);
	ns = bench_time(replace_mixed, &seed);
	for (i = 0; i < LIVE; i++)
		obj_free(live[i]);
	bench_end();
	return ns;
}

#ifdef BENCH_KMEM
static void bulk(void *arg, uint64_t n)
{
	void *p[16];
	uint64_t i;
	int k;

	(void)arg;
	for (i = 0; i < n; i++) {
		if (kmem_cache_alloc_bulk(bench_cache, GFP_KERNEL, 16, p) != 16)
			bench_fail("no bulk");
		for (k = 0; k < 16; k++)
			*(uint64_t *)p[k] = i;
		kmem_cache_free_bulk(bench_cache, 16, p);
	}
}
#endif

/* Nanoseconds for each of the sixteen. */
static double bulk_16(void)
{
#ifdef BENCH_KMEM
	return timed(bulk, NULL) / 16;
#else
	return -1;
#endif
}

static void pair_of_size(void *arg, uint64_t n)
{
	size_t size = *(size_t *)arg;
	uint64_t i, *p;

	for (i = 0; i < n; i++) {
		p = obj_alloc(size);
		*p = i;
		obj_free(p);
	}
}

#define KMALLOC_PAIR(bytes)                                                             \
	static double kmalloc_##bytes(void)                                                 \
	{                                                                                   \
		size_t size = bytes;                                                            \
		return timed(pair_of_size, &size);                                              \
	}

KMALLOC_PAIR(8)
KMALLOC_PAIR(64)
KMALLOC_PAIR(200)
KMALLOC_PAIR(1024)
KMALLOC_PAIR(4096)
KMALLOC_PAIR(8192)

const struct bench_workload small_workloads[] = {
	{ "pair-64", pair_of_64 },
	{ "lifo-1000", lifo_1000 },
	{ "fifo-1000", fifo_1000 },
	{ "random-100k-64", random_100k_64 },
	{ "mixed-8-1000", mixed_8_1000 },
	{ "bulk-16", bulk_16 },
	{ "kmalloc-pair-8", kmalloc_8 },
	{ "kmalloc-pair-64", kmalloc_64 },
	{ "kmalloc-pair-200", kmalloc_200 },
	{ "kmalloc-pair-1024", kmalloc_1024 },
	{ "kmalloc-pair-4096", kmalloc_4096 },
	{ "kmalloc-pair-8192", kmalloc_8192 },
	{ NULL, NULL },
};
