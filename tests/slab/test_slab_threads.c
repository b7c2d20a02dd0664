/* SPDX-License-Identifier: MIT */
/*
 * Threads on one cache: more than there are CPUs; objects handed from CPU to CPU and from node to
 * node; shrinking meanwhile. Under ThreadSanitizer this is also the test of the locking.
 */
#include "slab_test.h"

#include <pthread.h>

#define THREADS 4
#define ROUNDS 400
#define BATCH 150

/* A one-place mailbox between two threads. */
struct mailbox {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	void *objects[BATCH];
	bool full;
};

struct worker {
	pthread_t thread;
	unsigned int id;
	struct mailbox *in, *out;
};

static struct slab_cache *cache;
static int stop;

static void post(struct mailbox *box, void **objects)
{
	pthread_mutex_lock(&box->lock);
	while (box->full)
		pthread_cond_wait(&box->changed, &box->lock);
	memcpy(box->objects, objects, sizeof(box->objects));
	box->full = true;
	pthread_cond_broadcast(&box->changed);
	pthread_mutex_unlock(&box->lock);
}

static void fetch(struct mailbox *box, void **objects)
{
	pthread_mutex_lock(&box->lock);
	while (!box->full)
		pthread_cond_wait(&box->changed, &box->lock);
	memcpy(objects, box->objects, sizeof(box->objects));
	box->full = false;
	pthread_cond_broadcast(&box->changed);
	pthread_mutex_unlock(&box->lock);
}

/* cmocka's assertions belong to the main thread: a worker stops the program. */
static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "worker: %s\n", what);
	abort();
}

static void fill_batch(void **objects, unsigned int seed)
{
	unsigned int i;

	for (i = 0; i < BATCH; i++) {
		objects[i] = kmem_cache_alloc(&cache->common, GFP_KERNEL);
		must(objects[i], "no object");
		memset(objects[i], (int)(seed + i) & 0xff, cache->common.object_size);
	}
}

static void free_batch(void **objects, unsigned int seed)
{
	unsigned int i;

	for (i = 0; i < BATCH; i++) {
		unsigned char *b = objects[i];

		must(b[0] == ((seed + i) & 0xff), "first byte");
		must(b[cache->common.object_size - 1] == ((seed + i) & 0xff), "last byte");
		give(cache, b);
	}
}

/* Allocate, hand to the next thread, free what the previous one has allocated. */
static void *ring_worker(void *arg)
{
	struct worker *w = arg;
	unsigned int from = (w->id + THREADS - 1) % THREADS, round;
	void *mine[BATCH], *theirs[BATCH];

	for (round = 0; round < ROUNDS; round++) {
		fill_batch(mine, w->id * 50 + round);
		post(w->out, mine);
		fetch(w->in, theirs);
		free_batch(theirs, from * 50 + round);
	}
	return NULL;
}

static void *shrinker(void *arg)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		struct slabinfo info;

		kmem_cache_shrink(&cache->common);
		backend_get_slabinfo(&cache->common, &info);
	}
	return NULL;
}

static void run_ring(bool with_shrinker)
{
	struct mailbox boxes[THREADS];
	struct worker workers[THREADS];
	pthread_t shrink;
	unsigned int i;

	cache = make_cache(200, 0, 0, NULL);
	stop = 0;
	for (i = 0; i < THREADS; i++) {
		pthread_mutex_init(&boxes[i].lock, NULL);
		pthread_cond_init(&boxes[i].changed, NULL);
		boxes[i].full = false;
	}
	if (with_shrinker)
		assert_int_equal(pthread_create(&shrink, NULL, shrinker, NULL), 0);
	for (i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .id = i, .in = &boxes[i],
					      .out = &boxes[(i + 1) % THREADS] };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, ring_worker, &workers[i]),
				 0);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	if (with_shrinker)
		pthread_join(shrink, NULL);
	check_cache(cache);
	assert_int_equal(kmem_cache_shrink(&cache->common), 0);
	kmem_cache_destroy(&cache->common);
}

static void objects_go_round(void **state)
{
	run_ring(false);
}

static void objects_go_round_while_others_shrink(void **state)
{
	run_ring(true);
}

/* Threads that hop between CPUs in the middle of everything. */
static void *hopper(void *arg)
{
	struct worker *w = arg;
	uint64_t rng = w->id;
	void *objects[BATCH];
	unsigned int round;

	for (round = 0; round < ROUNDS / 4; round++) {
		must(!cpu_migrate((unsigned int)(test_rand(&rng) % 2)), "migrate");
		fill_batch(objects, round);
		must(!cpu_migrate((unsigned int)(test_rand(&rng) % 2)), "migrate");
		free_batch(objects, round);
	}
	return NULL;
}

static void threads_hop_between_cpus(void **state)
{
	struct worker workers[THREADS];
	unsigned int i;

	cache = make_cache(200, 0, 0, NULL);
	for (i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .id = i };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, hopper, &workers[i]), 0);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	check_cache(cache);
	assert_int_equal(kmem_cache_shrink(&cache->common), 0);
	kmem_cache_destroy(&cache->common);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		slab_test(objects_go_round, boot_two_cpus),
		slab_test(objects_go_round, boot_two_nodes),
		slab_test(objects_go_round_while_others_shrink, boot_two_cpus),
		slab_test(objects_go_round_while_others_shrink, boot_two_nodes),
		slab_test(threads_hop_between_cpus, boot_two_cpus),
		slab_test(threads_hop_between_cpus, boot_two_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
