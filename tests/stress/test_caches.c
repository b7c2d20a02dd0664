/* SPDX-License-Identifier: MIT */
/* Caches made, destroyed, shrunk, looked at and given new limits while others, or they themselves, are used. */
#include "stress.h"

#include <sched.h>

/* --- a cache that is used meanwhile ------------------------------------------------------------ */

struct meddling {
	struct load load;
	unsigned int working;
};

/* All that a program may do to a cache that others are using. */
static void meddle_with(struct worker *w, struct kmem_cache *s)
{
	char text[300];
	int len;

	switch (test_rand(&w->seed) % 6) {
	case 0:
		CHECK(w, kmem_cache_shrink(s) >= 0);
		break;
	case 1:
		CHECK(w, kmem_cache_validate(s) >= 0);
		break;
	case 2:
		CHECK(w, kmem_cache_print_geometry(s, true, text, sizeof(text)) > 0);
		break;
	case 3:
		CHECK(w, kmem_cache_print_state(s, NULL, NULL, text, sizeof(text)) > 0);
		break;
	case 4:
		CHECK(w, proc_read("slabinfo", text, sizeof(text)) > 0);
		break;
	default:
		len = snprintf(text, sizeof(text), "%s %u %u %u", kmem_cache_name(s),
			       1 + (unsigned int)(test_rand(&w->seed) % 120), 1,
			       (unsigned int)(test_rand(&w->seed) % 8));
		if (backend_is("slab"))
			CHECK(w, proc_write("slabinfo", text, (size_t)len) == len);
		len = snprintf(text, sizeof(text), "slab/%s/min_partial", kmem_cache_name(s));
		if (backend_is("slub"))
			CHECK(w, proc_write(text, test_rand(&w->seed) % 2 ? "10" : "30", 2) == 2);
	}
}

static void meddler_or_mixer(struct worker *w)
{
	struct meddling *m = w->arg;

	if (w->id >= 2) {
		mix(w, &m->load, 20000, w->id % 2 ? 4 : 0);
		__atomic_fetch_sub(&m->working, 1, __ATOMIC_RELEASE);
		return;
	}
	do {
		meddle_with(w, m->load.caches[test_rand(&w->seed) % NR_LOAD_CACHES]);
	} while (!w->failure[0] && __atomic_load_n(&m->working, __ATOMIC_ACQUIRE));
}

static void a_cache_is_meddled_with(const char *machine)
{
	struct machine *m = stress_boot(machine);
	struct meddling meddling = { .working = 6 };

	load_create(&meddling.load);
	run_workers(8, m, meddler_or_mixer, &meddling);
	load_destroy(&meddling.load);
	stress_shutdown(m);
}

static void caches_are_meddled_with_while_used(void **state)
{
	a_cache_is_meddled_with("preset=x86_64 mem=128M cpus=4 nodes=2 cmdline=slab_nomerge");
}

static void caches_are_meddled_with_on_cpus_of_their_own(void **state)
{
	a_cache_is_meddled_with("preset=x86_64 mem=128M cpus=9 cmdline=slab_nomerge");
}

/* --- caches under reference counts: the last user destroys ------------------------------------- */

#define NR_PLACES 12

/* A cache and how many use it; at a place until someone takes it away. */
struct counted_cache {
	struct kmem_cache *s;
	unsigned int refs;
};

struct counters {
	pthread_mutex_t lock;	/* of places: what is there has a reference */
	struct counted_cache *places[NR_PLACES];
	unsigned int made, destroyed;
};

static struct counted_cache *make_cache(struct counters *c, uint64_t *seed)
{
	static const unsigned int flags[] = { 0, SLAB_HWCACHE_ALIGN, SLAB_TYPESAFE_BY_RCU,
					      SLAB_RECLAIM_ACCOUNT };
	struct counted_cache *new = malloc(sizeof(*new));
	char name[32];

	snprintf(name, sizeof(name), "counted-%u", __atomic_fetch_add(&c->made, 1, __ATOMIC_RELAXED));
	new->refs = 1;
	new->s = kmem_cache_create(name, 16 + (unsigned int)(test_rand(seed) % 300), 0,
				   flags[test_rand(seed) % 4], NULL);
	return new;
}

static void put_cache(struct counters *c, struct counted_cache *cc)
{
	if (!cc || __atomic_sub_fetch(&cc->refs, 1, __ATOMIC_ACQ_REL))
		return;
	kmem_cache_destroy(cc->s);
	free(cc);
	__atomic_fetch_add(&c->destroyed, 1, __ATOMIC_RELAXED);
}

/* A reference to what is at a place; with @new in its stead, the place's own. */
static struct counted_cache *take_cache(struct counters *c, unsigned int place,
					struct counted_cache *new)
{
	struct counted_cache *cc;

	pthread_mutex_lock(&c->lock);
	cc = c->places[place];
	if (new)
		c->places[place] = new;
	else if (cc)
		__atomic_fetch_add(&cc->refs, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&c->lock);
	return cc;
}

static void use_cache(struct worker *w, struct kmem_cache *s)
{
	unsigned int size = kmem_cache_size(s), i, n = 1 + (unsigned int)(test_rand(&w->seed) % 40);
	void *p[40];

	for (i = 0; i < n; i++) {
		p[i] = kmem_cache_alloc(s, GFP_KERNEL);
		CHECK(w, p[i]);
		test_fill(p[i], size, i);
	}
	if (n % 4 == 0)
		CHECK(w, kmem_cache_shrink(s) >= 0);
	if (n % 8 == 0)
		sched_yield();
	for (i = 0; i < n; i++)
		CHECK(w, test_filled(p[i], size, i));
	if (n % 2) {
		kmem_cache_free_bulk(s, n, p);
		return;
	}
	for (i = 0; i < n; i++)
		kmem_cache_free(s, p[i]);
}

static void cache_worker(struct worker *w)
{
	struct counters *c = w->arg;
	struct counted_cache *cc;
	unsigned int i, place;

	for (i = 0; i < 500 && !w->failure[0]; i++) {
		place = (unsigned int)(test_rand(&w->seed) % NR_PLACES);
		cc = NULL;
		if (test_rand(&w->seed) % 4 == 0) {
			cc = make_cache(c, &w->seed);
			CHECK(w, cc->s);
		}
		cc = take_cache(c, place, cc);
		if (cc)
			use_cache(w, cc->s);
		put_cache(c, cc);
	}
}

static void the_last_user_destroys(const char *machine)
{
	struct machine *m = stress_boot(machine);
	static struct counters c;
	unsigned int i;

	memset(&c, 0, sizeof(c));
	pthread_mutex_init(&c.lock, NULL);
	run_workers(12, m, cache_worker, &c);
	for (i = 0; i < NR_PLACES; i++)
		put_cache(&c, c.places[i]);
	assert_int_equal(c.made, c.destroyed);
	pthread_mutex_destroy(&c.lock);
	stress_shutdown(m);
}

static void the_last_user_destroys_a_cache(void **state)
{
	the_last_user_destroys("preset=x86_64 mem=128M cpus=8 nodes=2 cmdline=slab_nomerge");
}

/* Names of one cache, some of them gone while the others are used. */
static void the_last_user_destroys_a_merged_cache(void **state)
{
	the_last_user_destroys("preset=x86_64 mem=128M cpus=8 nodes=2");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(caches_are_meddled_with_while_used),
	cmocka_unit_test(caches_are_meddled_with_on_cpus_of_their_own),
	cmocka_unit_test(the_last_user_destroys_a_cache),
	cmocka_unit_test(the_last_user_destroys_a_merged_cache),
};
STRESS_GROUP(caches, tests);
