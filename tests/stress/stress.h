/* SPDX-License-Identifier: MIT */
/*
 * Threads on simulated machines. Linked with each static library as a user would; meant to be run
 * under ThreadSanitizer as well. Nothing here depends on timing: threads do a fixed amount of work
 * from a seed, and whatever the interleaving, contents, counters and leaks must come out right.
 *
 * cmocka's assertions work in the main thread only. A worker notes its first failed check and
 * returns; run_workers() fails the test with it.
 */
#ifndef STRESS_H
#define STRESS_H

#include <pthread.h>

#include "../support/kmem_test.h"

/* How many times the usual work; more in the long suite. */
extern unsigned int stress_scale;

struct stress_test_group {
	const char *name;
	const struct CMUnitTest *tests;
	size_t nr;
};

extern const struct stress_test_group threads_group, life_group, machines_group, rcu_group,
	repeat_group;

#define STRESS_GROUP(group, array)                                             \
	const struct stress_test_group group##_group = { #group, array,        \
							 sizeof(array) / sizeof((array)[0]) }

struct worker {
	pthread_t thread;
	unsigned int id;
	uint64_t seed;
	struct machine *m;		/* entered before fn runs, unless NULL */
	void (*fn)(struct worker *w);
	void *arg;
	pthread_barrier_t *start;	/* wait here first, unless NULL */
	char failure[240];
};

void worker_fail(struct worker *w, const char *what, const char *file, int line);

/* In a worker's void function: note the failure and leave. */
#define CHECK(w, cond)                                                         \
	do {                                                                   \
		if (!(cond)) {                                                 \
			worker_fail(w, #cond, __FILE__, __LINE__);             \
			return;                                                \
		}                                                              \
	} while (0)

void worker_init(struct worker *w, unsigned int id, struct machine *m, void (*fn)(struct worker *),
		 void *arg);
void worker_start(struct worker *w);
/* Wait for all; fails the test if a check of one failed. */
void workers_join(struct worker *w, unsigned int n);

/* @n threads on @m that begin at the same time, until all are done. */
#define MAX_WORKERS 32
void run_workers(unsigned int n, struct machine *m, void (*fn)(struct worker *), void *arg);

void stress_drop_log(struct machine *m, int level, const char *line, void *arg);

/* Boot with the log thrown away: several threads may write it. */
static inline struct machine *stress_boot(const char *text)
{
	struct machine *m = test_boot(text);

	machine_set_log_sink(m, stress_drop_log, NULL);
	return m;
}

/* --- objects of every kind ------------------------------------------------------------------- */

#define NR_LOAD_CACHES 5

struct load {
	struct kmem_cache *caches[NR_LOAD_CACHES];
};

struct object {
	unsigned char *p;
	size_t size;
	uint64_t fill;
	int kind;	/* cache's number; OBJECT_KMALLOC; OBJECT_PAGES + order */
};

#define OBJECT_KMALLOC 100
#define OBJECT_PAGES 200

/* Make the caches on the entered machine; destroy them when they are empty. */
void load_create(struct load *l);
void load_destroy(struct load *l);

/* A new object, filled; o->p is NULL when memory ran out. */
void object_alloc(const struct load *l, struct object *o, uint64_t *seed);
/* Whether it still holds what it was filled with. */
bool object_ok(const struct object *o);
void object_free(const struct load *l, struct object *o);

#endif
