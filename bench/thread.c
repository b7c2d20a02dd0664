/* SPDX-License-Identifier: MIT */
/* Several threads on the worker's two CPUs; each value is wall time for each object, all threads together. */
#include "bench.h"
#include "scale.h"

#include <pthread.h>
#include <sched.h>

#define MAX_THREADS 16

/* One of the threads of a run: told when to start, given how much to do. */
struct runner {
	pthread_t thread;
	pthread_barrier_t *start;
	unsigned int number;
	uint64_t n;
	void (*body)(struct runner *r);
};

static void *run(void *arg)
{
	struct runner *r = arg;

	bench_pin(bench_cpu[r->number & 1]);
#ifdef BENCH_KMEM
	machine_enter(bench_machine());
#endif
	pthread_barrier_wait(r->start);
	r->body(r);
	return NULL;
}

struct crowd {
	unsigned int threads;
	void (*body)(struct runner *r);
};

/* n objects, shared among the threads. Threads start and end inside: n has to be large. */
static void run_crowd(void *arg, uint64_t n)
{
	struct crowd *c = arg;
	struct runner runners[MAX_THREADS];
	pthread_barrier_t start;
	unsigned int i;

	pthread_barrier_init(&start, NULL, c->threads);
	for (i = 0; i < c->threads; i++) {
		runners[i] = (struct runner){ .start = &start, .number = i, .n = n / c->threads, .body = c->body };
		if (pthread_create(&runners[i].thread, NULL, run, &runners[i]))
			bench_fail("cannot start a thread");
	}
	for (i = 0; i < c->threads; i++)
		pthread_join(runners[i].thread, NULL);
	pthread_barrier_destroy(&start);
}

/* Even the first, shortest run has to be long against the start of its threads. */
#define GRAIN 1024

static void run_grains(void *arg, uint64_t n)
{
	run_crowd(arg, n * GRAIN);
}

static double timed(struct crowd *c)
{
	return bench_time(run_grains, c) / GRAIN;
}

static double crowd(unsigned int cpus, unsigned int threads, void (*body)(struct runner *r))
{
	struct crowd c = { threads, body };
	double ns;

	bench_begin_on(cpus);
	ns = timed(&c);
	bench_end();
	return ns;
}

/* --- each thread with its own objects -------------------------------------------------------- */

#define OWN 1000

static void replace_own(struct runner *r)
{
	uint64_t seed = r->number + 1, i, at, *own[OWN];

	for (i = 0; i < OWN; i++)
		own[i] = one_alloc();
	for (i = 0; i < r->n; i++) {
		at = bench_random(&seed) % OWN;
		one_free(own[at]);
		own[at] = one_alloc();
		*own[at] = i;
	}
	for (i = 0; i < OWN; i++)
		one_free(own[i]);
}

#define EVERY_THREAD_OWN(threads)                                                       \
	static double own_##threads(void)                                                   \
	{                                                                                   \
		return crowd(8, threads, replace_own);                                            \
	}

EVERY_THREAD_OWN(1)
EVERY_THREAD_OWN(2)
EVERY_THREAD_OWN(4)
EVERY_THREAD_OWN(8)

/* --- one allocates, the other frees ----------------------------------------------------------- */

#define BATCH 64
#define SLOTS 32

static struct {
	void *object[SLOTS][BATCH];
	uint64_t head __attribute__((aligned(64)));	/* batches put */
	uint64_t tail __attribute__((aligned(64)));	/* batches taken */
} ring;

static void await(const uint64_t *counter, uint64_t above)
{
	unsigned int spins = 0;

	while (__atomic_load_n(counter, __ATOMIC_ACQUIRE) <= above)
		if (++spins % 1024 == 0)
			sched_yield();
}

static void produce(uint64_t batches)
{
	uint64_t b;
	int i;

	for (b = 0; b < batches; b++) {
		void **slot = ring.object[b % SLOTS];

		if (b >= SLOTS)
			await(&ring.tail, b - SLOTS);
		for (i = 0; i < BATCH; i++) {
			slot[i] = one_alloc();
			*(uint64_t *)slot[i] = b;
		}
		__atomic_store_n(&ring.head, b + 1, __ATOMIC_RELEASE);
	}
}

static void consume(uint64_t batches)
{
	uint64_t b;
	int i;

	for (b = 0; b < batches; b++) {
		await(&ring.head, b);
		for (i = 0; i < BATCH; i++)
			one_free(ring.object[b % SLOTS][i]);
		__atomic_store_n(&ring.tail, b + 1, __ATOMIC_RELEASE);
	}
}

/* Each of the two has half of n: together they handle n / 2 objects. */
static void hand_over(struct runner *r)
{
	if (r->number)
		consume(r->n / BATCH);
	else
		produce(r->n / BATCH);
}

static void one_ring(void *arg, uint64_t n)
{
	ring.head = ring.tail = 0;
	run_crowd(arg, n * 2);
}

static double producer_consumer(void)
{
	struct crowd c = { 2, hand_over };
	double ns;

	bench_begin();
	ns = bench_time(one_ring, &c);
	bench_end();
	return ns;
}

/* --- threads hand their objects over ----------------------------------------------------------- */

#define HANDS 1000
#define ROUND 2000

/* As in Larson's server: a thread replaces objects at random, and now and then changes its whole set
 * for the one that another left. */
static struct {
	pthread_mutex_t lock;
	uint64_t *set[HANDS];
} pot = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void swap_sets(uint64_t **own)
{
	uint64_t *other;
	int i;

	pthread_mutex_lock(&pot.lock);
	for (i = 0; i < HANDS; i++) {
		other = pot.set[i];
		pot.set[i] = own[i];
		own[i] = other;
	}
	pthread_mutex_unlock(&pot.lock);
}

static void replace_and_swap(struct runner *r)
{
	uint64_t seed = r->number + 1, i, at, *own[HANDS] = { NULL };

	for (i = 0; i < r->n; i++) {
		at = bench_random(&seed) % HANDS;
		if (own[at])
			one_free(own[at]);
		own[at] = one_alloc();
		*own[at] = i;
		if (i % ROUND == ROUND - 1)
			swap_sets(own);
	}
	for (i = 0; i < HANDS; i++)
		if (own[i])
			one_free(own[i]);
}

static double larson(unsigned int cpus, unsigned int threads)
{
	struct crowd c = { threads, replace_and_swap };
	double ns;
	int i;

	bench_begin_on(cpus);
	ns = timed(&c);
	for (i = 0; i < HANDS; i++) {
		if (pot.set[i])
			one_free(pot.set[i]);
		pot.set[i] = NULL;
	}
	bench_end();
	return ns;
}

static double larson_2(void)
{
	return larson(8, 2);
}

/* --- @size threads ----------------------------------------------------------------------------- */

#define ENOUGH (MAX_THREADS + 1)	/* CPUs for all and the one that waits for them */

static double own_threads(uint64_t size)
{
	return crowd(ENOUGH, (unsigned int)size, replace_own);
}

/* More threads than CPUs. */
static double shared_threads(uint64_t size)
{
	return crowd(8, (unsigned int)size, replace_own);
}

static double larson_threads(uint64_t size)
{
	return larson(ENOUGH, (unsigned int)size);
}

const struct bench_scale thread_scales[] = {
	{ "own-threads", own_threads },
	{ "shared-threads", shared_threads },
	{ "larson-threads", larson_threads },
	{ NULL, NULL },
};

const struct bench_workload thread_workloads[] = {
	{ "producer-consumer", producer_consumer },
	{ "larson-2", larson_2 },
	{ "every-thread-own-1", own_1 },
	{ "every-thread-own-2", own_2 },
	{ "every-thread-own-4", own_4 },
	{ "every-thread-own-8", own_8 },
	{ NULL, NULL },
};
