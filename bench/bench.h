/* SPDX-License-Identifier: MIT */
/*
 * What a workload needs. A worker program holds one allocator: one of ours or one peer (malloc of the
 * library it is linked with), or the bare machine (the limit loop, mmap). The workloads are compiled
 * once for each worker from the same text: one_* (objects of 64 bytes) and obj_* (of any size) below are
 * all they see of the allocator, and each is one call across a library's boundary, never inlined.
 *
 * bench/run.py starts the workers, keeps them alive, and asks them in turn; see bench/worker.c.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#ifdef BENCH_KMEM
#include <kmem/kmem.h>

/* Of 64-byte objects; between bench_begin() and bench_end(). */
extern struct kmem_cache *bench_cache;

static inline void *one_alloc(void)
{
	return kmem_cache_alloc(bench_cache, GFP_KERNEL);
}

static inline void one_free(void *p)
{
	kmem_cache_free(bench_cache, p);
}

static inline void *obj_alloc(size_t size)
{
	return kmalloc(size, GFP_KERNEL);
}

static inline void obj_free(void *p)
{
	kfree(p);
}
#else
static inline void *one_alloc(void)
{
	return malloc(64);
}

static inline void one_free(void *p)
{
	free(p);
}

static inline void *obj_alloc(size_t size)
{
	return malloc(size);
}

static inline void obj_free(void *p)
{
	free(p);
}
#endif

/* How long one measurement should take, in nanoseconds: the driver says. */
extern uint64_t bench_budget_ns;

/* CPUs that the worker may use: the first is its own, the second a partner's. */
extern int bench_cpu[2];

/* One measurement: the value, in the unit of bench/run.py's table, or a negative number if this worker
 * does not have the workload. */
typedef double bench_fn(void);

struct bench_workload {
	const char *name;
	bench_fn *run;
};

/* Each file's workloads; an empty name ends the table. */
extern const struct bench_workload small_workloads[], thread_workloads[], page_workloads[],
	vmalloc_workloads[], boot_workloads[], memory_workloads[], mmu_workloads[];

static inline uint64_t bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* xorshift64*: cheap, so that it does not hide what is measured. */
static inline uint64_t bench_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1du;
}

/* Repeats @body(arg, n) with growing n until it fills the budget; nanoseconds for each of n. */
double bench_time(void (*body)(void *arg, uint64_t n), void *arg);

/* A machine for one workload, entered; exits with the reason if it does not boot. */
struct machine;
struct machine *bench_boot(const char *text);

/* What one workload on small objects runs in: with us a machine with a cache, else nothing. */
void bench_begin(void);
void bench_begin_on(unsigned int cpus);	/* 8 else */
void bench_end(void);
struct machine *bench_machine(void);

void bench_pin(int cpu);

/* The program's resident set, in bytes. */
uint64_t bench_resident(void);

_Noreturn void bench_fail(const char *what);

#endif
