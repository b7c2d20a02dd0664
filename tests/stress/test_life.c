/* SPDX-License-Identifier: MIT */
/* Threads that end while what they allocated lives on, and threads that follow one another. */
#include "stress.h"

/* --- objects outlive their thread ------------------------------------------------------------ */

#define NR_LEFT 400

struct legacy {
	struct load load;
	struct object left[4][NR_LEFT];
};

static void leaver(struct worker *w)
{
	struct legacy *l = w->arg;
	unsigned int i;

	for (i = 0; i < NR_LEFT; i++) {
		object_alloc(&l->load, &l->left[w->id][i], &w->seed);
		CHECK(w, l->left[w->id][i].p);
	}
}

static void heir(struct worker *w)
{
	struct legacy *l = w->arg;
	struct object *o;
	unsigned int i;

	for (i = 0; i < NR_LEFT; i++) {
		o = &l->left[(w->id + 1) % 4][i];
		CHECK(w, object_ok(o));
		object_free(&l->load, o);
	}
}

static void objects_outlive_their_thread(void **state)
{
	struct machine *m = stress_boot("preset=x86_64 mem=128M cpus=2");
	static struct legacy l;
	unsigned int round;

	load_create(&l.load);
	for (round = 0; round < 50; round++) {
		run_workers(4, m, leaver, &l);
		run_workers(4, m, heir, &l);
	}
	load_destroy(&l.load);
	stress_shutdown(m);
}

/* --- a destructor that frees after the thread was detached ----------------------------------- */

static pthread_key_t late_key;

static void late_free(void *p)
{
	kfree(p);
}

static void late_worker(struct worker *w)
{
	void *p = kmalloc(100, GFP_KERNEL);

	CHECK(w, p);
	memset(p, 1, 100);
	CHECK(w, !pthread_setspecific(late_key, p));
}

static void a_destructor_frees_after_the_thread(void **state)
{
	struct machine *m = stress_boot("preset=x86_64 mem=64M cpus=2");
	unsigned int round;

	/* Made after the library's own key: its destructor runs later in each pass. */
	assert_int_equal(pthread_key_create(&late_key, late_free), 0);
	for (round = 0; round < 200; round++)
		run_workers(4, NULL, late_worker, NULL);
	pthread_key_delete(late_key);
	stress_shutdown(m);
}

/* --- many short threads ---------------------------------------------------------------------- */

#define NR_SHORT 16
#define WINDOW 12	/* threads at the same time, more than CPUs */

struct relay {
	struct load load;
	pthread_mutex_t lock;
	struct object baton[NR_SHORT];
};

/* Take over an object of whoever came before, leave one for whoever comes next. */
static void short_worker(struct worker *w)
{
	struct relay *r = w->arg;
	struct object mine, old;
	unsigned int slot = (unsigned int)(test_rand(&w->seed) % NR_SHORT);

	object_alloc(&r->load, &mine, &w->seed);
	CHECK(w, mine.p);
	pthread_mutex_lock(&r->lock);
	old = r->baton[slot];
	r->baton[slot] = mine;
	pthread_mutex_unlock(&r->lock);
	if (!old.p)
		return;
	CHECK(w, object_ok(&old));
	object_free(&r->load, &old);
}

static void threads_come_and_go(void **state)
{
	struct machine *m = stress_boot("preset=x86_64 mem=64M cpus=8 nodes=2");
	static struct relay r;
	static struct worker workers[WINDOW];
	unsigned int i, n, threads = stress_long ? 100000 : 3000;

	memset(&r, 0, sizeof(r));
	pthread_mutex_init(&r.lock, NULL);
	load_create(&r.load);
	/* A window slides along: one thread ends, one begins. */
	for (n = 0; n < threads; n++) {
		struct worker *w = &workers[n % WINDOW];

		if (n >= WINDOW)
			workers_join(w, 1);
		worker_init(w, n, m, short_worker, &r);
		worker_start(w);
	}
	workers_join(workers, WINDOW);
	for (i = 0; i < NR_SHORT; i++) {
		if (!r.baton[i].p)
			continue;
		assert_true(object_ok(&r.baton[i]));
		object_free(&r.load, &r.baton[i]);
	}
	load_destroy(&r.load);
	pthread_mutex_destroy(&r.lock);
	stress_shutdown(m);
}

static const struct CMUnitTest life_tests[] = {
	cmocka_unit_test(objects_outlive_their_thread),
	cmocka_unit_test(a_destructor_frees_after_the_thread),
	cmocka_unit_test(threads_come_and_go),
};
STRESS_GROUP(life, life_tests);
