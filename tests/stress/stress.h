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

/* Which random choices; each round of --seconds has its own. */
extern uint64_t stress_seed;
/* In the first round of --seconds: what takes too long for every day is done as well. */
extern bool stress_long;

struct stress_test_group {
	const char *name;
	const struct CMUnitTest *tests;
	size_t nr;
};

extern const struct stress_test_group threads_group, crowd_group, frees_group, caches_group,
	pages_group, life_group, machines_group, rcu_group, repeat_group, fork_group;

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
/* No thread, or one that cannot enter its machine: the program ends with the reason. */
void worker_start(struct worker *w);
/* Wait for all; fails the test if a check of one failed. */
void workers_join(struct worker *w, unsigned int n);

/* @n threads on @m that begin at the same time, until all are done. */
#define MAX_WORKERS 32
void run_workers(unsigned int n, struct machine *m, void (*fn)(struct worker *), void *arg);

void stress_drop_log(struct machine *m, int level, const char *line, void *arg);

/* Note what @m, just booted and entered, holds; and look that all of it is there again: caches are sound,
 * counters exact, every page is back and merged with its buddies as it was. @split: pieces of larger
 * blocks were freed, so that page counts balance, but not order by order. */
void ledger_open(struct machine *m);
void ledger_close(struct machine *m, bool split);

/* Boot with the log thrown away: several threads may write it. */
static inline struct machine *stress_boot(const char *text)
{
	struct machine *m = test_boot(text);

	machine_set_log_sink(m, stress_drop_log, NULL);
	ledger_open(m);
	return m;
}

/* The end of a machine that was booted so and is entered. Page tables of vmalloc() stay as in Linux:
 * whoever uses it boots with isolate_metadata. */
static inline void stress_shutdown(struct machine *m)
{
	ledger_close(m, false);
	test_shutdown(m, 0);
}

static inline void stress_shutdown_split(struct machine *m)
{
	ledger_close(m, true);
	test_shutdown(m, 0);
}

/* --- host_heap.c ------------------------------------------------------------------------------ */

/* First of all. */
void host_heap_init(void);
/* In builds with AddressSanitizer: no thread begins or ends and no process forks meanwhile. */
void host_threads_lock(void);
void host_threads_unlock(void);

/* --- objects of every kind ------------------------------------------------------------------- */

#define NR_LOAD_CACHES 5

struct load {
	struct kmem_cache *caches[NR_LOAD_CACHES];
	bool scarce;	/* mix() does without an object when memory has run out */
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

/* @steps of the usual mix, half allocations, half frees, each with a look at the contents; every 64
 * steps on another of the first @migrate_cpus CPUs, unless 0. */
void mix(struct worker *w, const struct load *l, unsigned int steps, unsigned int migrate_cpus);

#endif
