/* SPDX-License-Identifier: MIT */
/*
 * Three times as many threads as CPUs, and threads that claim all CPUs over and over. The first is the
 * shared mode of the CPU lock; with a CPU for each thread the same is done in its owned mode, where a
 * claim has to stop a thread that takes no lock.
 */
#include "stress.h"

#define CROWD 24
#define MACHINE "preset=x86_64 mem=256M cpus=8 nodes=2"

struct crowd {
	struct load load;
	unsigned int steps;
	unsigned int working;	/* threads that still mix; claimers end when there is none */
	unsigned int claims;
};

static void crowd_begin(struct crowd *c, unsigned int steps)
{
	memset(c, 0, sizeof(*c));
	c->steps = steps;
	load_create(&c->load);
}

static void crowd_end(struct crowd *c, struct machine *m)
{
	load_destroy(&c->load);
	stress_shutdown(m);
}

/* A third of them wanders over the CPUs. */
static void crowd_worker(struct worker *w)
{
	struct crowd *c = w->arg;

	mix(w, &c->load, c->steps, w->id % 3 ? 0 : 8);
	__atomic_fetch_sub(&c->working, 1, __ATOMIC_RELEASE);
}

static void twenty_four_threads_on_eight_cpus(void **state)
{
	struct machine *m = stress_boot(MACHINE);
	struct crowd c;

	crowd_begin(&c, 15000);
	c.working = CROWD;
	run_workers(CROWD, m, crowd_worker, &c);
	crowd_end(&c, m);
}

/* --- claims ---------------------------------------------------------------------------------- */

static void claim_all(struct crowd *c, unsigned int round)
{
	drain_all_pages();
	kmem_cache_shrink(c->load.caches[round % NR_LOAD_CACHES]);
	kmem_cache_validate(c->load.caches[round % NR_LOAD_CACHES]);
	if (round % 16 == 0)
		machine_advance(2000); /* SLAB reaps every CPU's arrays */
}

static void claimer(struct worker *w)
{
	struct crowd *c = w->arg;
	unsigned int round = 0;

	do {
		claim_all(c, round++);
	} while (__atomic_load_n(&c->working, __ATOMIC_ACQUIRE));
	__atomic_fetch_add(&c->claims, round, __ATOMIC_RELAXED);
}

/* @mixing threads, and @claiming ones that take all CPUs from them. */
static void claims_against_threads(unsigned int mixing, unsigned int claiming, unsigned int steps)
{
	static struct worker workers[MAX_WORKERS];
	struct machine *m = stress_boot(MACHINE);
	unsigned int i, n = mixing + claiming;
	struct crowd c;

	crowd_begin(&c, steps);
	c.working = mixing;
	for (i = 0; i < n; i++) {
		worker_init(&workers[i], i, m, i < mixing ? crowd_worker : claimer, &c);
		worker_start(&workers[i]);
	}
	workers_join(workers, n);
	assert_true(c.claims >= claiming);
	crowd_end(&c, m);
}

static void one_claims_all_cpus_from_their_owners(void **state)
{
	claims_against_threads(6, 1, 40000); /* this thread has the eighth */
}

static void two_claim_all_cpus_from_their_owners(void **state)
{
	claims_against_threads(5, 2, 40000);
}

static void claims_in_a_crowd(void **state)
{
	claims_against_threads(CROWD - 3, 3, 8000);
}

/* --- CPUs that are owned, shared, and owned again ---------------------------------------------- */

/* Stays a while, leaves, enters again: each time CPUs change between the modes. */
static void come_and_go(struct worker *w, struct crowd *c)
{
	unsigned int i;

	for (i = 0; i < 60 && !w->failure[0]; i++) {
		CHECK(w, !machine_enter(w->m));
		mix(w, &c->load, (unsigned int)(test_rand(&w->seed) % 300), 0);
		machine_leave();
	}
}

/* Ends, whatever failed, so that the claimer ends. */
static void restless_worker(struct worker *w)
{
	struct crowd *c = w->arg;

	come_and_go(w, c);
	__atomic_fetch_sub(&c->working, 1, __ATOMIC_RELEASE);
}

static void restless_or_claimer(struct worker *w)
{
	if (w->id)
		restless_worker(w);
	else
		claimer(w);
}

static void threads_enter_and_leave_under_claims(void **state)
{
	struct machine *m = stress_boot(MACHINE);
	struct crowd c;

	crowd_begin(&c, 0);
	c.working = 11;
	run_workers(12, m, restless_or_claimer, &c);
	crowd_end(&c, m);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(twenty_four_threads_on_eight_cpus),
	cmocka_unit_test(one_claims_all_cpus_from_their_owners),
	cmocka_unit_test(two_claim_all_cpus_from_their_owners),
	cmocka_unit_test(claims_in_a_crowd),
	cmocka_unit_test(threads_enter_and_leave_under_claims),
};
STRESS_GROUP(crowd, tests);
