/* SPDX-License-Identifier: MIT */
/*
 * Cost against what a machine has and does not use: RAM, caches, CPUs. A pair of calls for an object of 64
 * bytes and for a page, booting, and the calls that deal with the whole machine or cache.
 */
#include "bench.h"
#include "scale.h"

#include <stdio.h>

static struct machine *boot_with(const char *format, uint64_t size)
{
	char text[100];

	snprintf(text, sizeof(text), format, (unsigned long)size);
	return bench_boot(text);
}

#define RAM_MIB "preset=x86_64 mem=%luM cpus=2"
#define CPUS "preset=x86_64 mem=4G cpus=%lu"

/* --- work ------------------------------------------------------------------------------------ */

static void pairs(void *arg, uint64_t n)
{
	struct kmem_cache *s = arg;
	uint64_t i, *p;

	for (i = 0; i < n; i++) {
		p = kmem_cache_alloc(s, GFP_KERNEL);
		*p = i;
		kmem_cache_free(s, p);
	}
}

static void page_pairs(void *arg, uint64_t n)
{
	unsigned int order = *(unsigned int *)arg;
	struct page *page;
	uint64_t i;

	for (i = 0; i < n; i++) {
		page = alloc_pages(GFP_KERNEL, order);
		*(uint64_t *)page_address(page) = i;
		__free_pages(page, order);
	}
}

static void boots(void *arg, uint64_t n)
{
	uint64_t i;

	for (i = 0; i < n; i++)
		machine_shutdown(bench_boot(arg));
}

/* Like no other cache, so that all have to be compared with it. */
static void creations(void *arg, uint64_t n)
{
	uint64_t i;

	(void)arg;
	for (i = 0; i < n; i++)
		kmem_cache_destroy(kmem_cache_create("passing", 5000, 0, 0, NULL));
}

static void drains(void *arg, uint64_t n)
{
	struct kmem_cache *s = arg;
	uint64_t i;

	for (i = 0; i < n; i++) {
		drain_all_pages();
		kmem_cache_shrink(s);
	}
}

static double timed_pairs(struct machine *m)
{
	struct kmem_cache *s = kmem_cache_create("bench", 64, 0, 0, NULL);
	double ns = bench_time(pairs, s);

	kmem_cache_destroy(s);
	machine_shutdown(m);
	return ns;
}

static double timed_pages(struct machine *m, unsigned int order)
{
	double ns = bench_time(page_pairs, &order);

	machine_shutdown(m);
	return ns;
}

/* Microseconds. */
static double timed_creations(struct machine *m)
{
	double ns = bench_time(creations, NULL);

	machine_shutdown(m);
	return ns / 1000;
}

/* Milliseconds, shutdown included. */
static double timed_boots(const char *format, uint64_t size)
{
	char text[100];

	snprintf(text, sizeof(text), format, (unsigned long)size);
	return bench_time(boots, text) / 1e6;
}

/* KiB; in a process that has done nothing else. */
static double resident_after_boot(const char *format, uint64_t size)
{
	uint64_t before = bench_resident(), after;
	struct machine *m = boot_with(format, size);

	after = bench_resident();
	machine_shutdown(m);
	return (double)(after - before) / 1024;
}

/* --- RAM: @size in MiB; CPUs: @size of them, all idle but the first -------------------------------- */

#define BY_RAM_AND_CPUS(name, value)                                                    \
	static double name##_ram(uint64_t size)                                             \
	{                                                                                   \
		static const char machine[] = RAM_MIB;                                            \
		return value;                                                                     \
	}                                                                                   \
	static double name##_cpus(uint64_t size)                                            \
	{                                                                                   \
		static const char machine[] = CPUS;                                               \
		return value;                                                                     \
	}

BY_RAM_AND_CPUS(pair, timed_pairs(boot_with(machine, size)))
BY_RAM_AND_CPUS(page_0, timed_pages(boot_with(machine, size), 0))
BY_RAM_AND_CPUS(boot, timed_boots(machine, size))
BY_RAM_AND_CPUS(resident, resident_after_boot(machine, size))

static double page_4_ram(uint64_t size)
{
	return timed_pages(boot_with(RAM_MIB, size), 4);
}

static double create_cpus(uint64_t size)
{
	return timed_creations(boot_with(CPUS, size));
}

/* Nanoseconds of drain_all_pages() and kmem_cache_shrink() of an empty cache. */
static double drain_cpus(uint64_t size)
{
	struct machine *m = boot_with(CPUS, size);
	struct kmem_cache *s = kmem_cache_create("bench", 5000, 0, 0, NULL);
	double ns = bench_time(drains, s);

	kmem_cache_destroy(s);
	machine_shutdown(m);
	return ns;
}

/* --- caches: @size of them beside ------------------------------------------------------------------ */

#define MAX_CACHES 10000

static struct kmem_cache *caches[MAX_CACHES];
static void *one_of[MAX_CACHES];

static void construct(void *object)
{
	*(uint64_t *)object = 0;
}

/* With a constructor none is merged; each holds an object. */
static struct machine *boot_with_caches(uint64_t size)
{
	struct machine *m = bench_boot("preset=x86_64 mem=4G cpus=2");
	char name[32];
	uint64_t i;

	if (size > MAX_CACHES)
		bench_fail("so many caches were not planned for");
	for (i = 0; i < size; i++) {
		snprintf(name, sizeof(name), "beside-%lu", (unsigned long)i);
		caches[i] = kmem_cache_create(name, 64, 0, 0, construct);
		one_of[i] = kmem_cache_alloc(caches[i], GFP_KERNEL);
	}
	return m;
}

static void destroy_caches(uint64_t size)
{
	uint64_t i;

	for (i = 0; i < size; i++) {
		kmem_cache_free(caches[i], one_of[i]);
		kmem_cache_destroy(caches[i]);
	}
}

static double with_caches(uint64_t size, void (*body)(void *arg, uint64_t n))
{
	struct machine *m = boot_with_caches(size);
	struct kmem_cache *s = kmem_cache_create("bench", 64, 0, 0, NULL);
	double ns = bench_time(body, s);

	kmem_cache_destroy(s);
	destroy_caches(size);
	machine_shutdown(m);
	return ns;
}

static double pair_caches(uint64_t size)
{
	return with_caches(size, pairs);
}

/* Microseconds. */
static double create_caches(uint64_t size)
{
	return with_caches(size, creations) / 1000;
}

/* A pair in any of the caches. */
static void wander(void *arg, uint64_t n)
{
	uint64_t nr = *(uint64_t *)arg, seed = 1, i, at, *p;

	for (i = 0; i < n; i++) {
		at = bench_random(&seed) % nr;
		p = kmem_cache_alloc(caches[at], GFP_KERNEL);
		*p = i;
		kmem_cache_free(caches[at], p);
	}
}

static double wander_caches(uint64_t size)
{
	struct machine *m = boot_with_caches(size);
	double ns = bench_time(wander, &size);

	destroy_caches(size);
	machine_shutdown(m);
	return ns;
}

const struct bench_scale machine_scales[] = {
	{ "pair-ram", pair_ram },
	{ "page-0-ram", page_0_ram },
	{ "page-4-ram", page_4_ram },
	{ "boot-ram", boot_ram },
	{ "resident-ram", resident_ram },
	{ "pair-cpus", pair_cpus },
	{ "page-0-cpus", page_0_cpus },
	{ "boot-cpus", boot_cpus },
	{ "resident-cpus", resident_cpus },
	{ "create-cpus", create_cpus },
	{ "drain-cpus", drain_cpus },
	{ "pair-caches", pair_caches },
	{ "create-caches", create_caches },
	{ "wander-caches", wander_caches },
	{ NULL, NULL },
};
