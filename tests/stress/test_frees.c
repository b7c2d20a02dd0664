/* SPDX-License-Identifier: MIT */
/*
 * Objects freed by another thread than the one that allocated them: handed round in a ring, from all to
 * one, from one to all, to anybody; one by one, in bulk, or after a grace period; to slabs that are full,
 * partial, or another CPU's own.
 */
#include "stress.h"

#include <sched.h>

/* --- parcels on their way --------------------------------------------------------------------- */

#define CROWD 24
#define MAX_FLIGHT 4000		/* parcels on the way; who sends more waits */

/* First words of an object that changes hands; its contents follow. */
struct parcel {
	struct parcel *next;
	struct rcu_head rcu;
	const struct post *post;
	unsigned int kind;	/* number of the load's cache, or 0: from kmalloc() */
	unsigned int size;
	uint64_t fill;
};

struct post {
	struct load load;
	unsigned int (*to)(struct worker *w);	/* whom to send to; CROWD: nobody */
	unsigned int parcels;			/* for each sender */
	unsigned int sending;			/* threads that may still send */
	unsigned int flight;
	struct parcel *inbox[CROWD];		/* stacks; whoever owns one takes it whole */
};

/* The load's first cache is too small for parcels. */
static struct parcel *new_parcel(struct worker *w, const struct post *post)
{
	unsigned int kind = (unsigned int)(test_rand(&w->seed) % NR_LOAD_CACHES), size;
	struct parcel *p;

	if (kind) {
		size = kmem_cache_size(post->load.caches[kind]);
		p = kmem_cache_alloc(post->load.caches[kind], GFP_KERNEL);
	} else {
		size = (unsigned int)(sizeof(*p) + test_rand(&w->seed) % 9000);
		p = kmalloc(size, GFP_KERNEL);
	}
	if (!p)
		return NULL;
	p->post = post;
	p->kind = kind;
	p->size = size;
	p->fill = test_rand(&w->seed);
	test_fill(p + 1, size - sizeof(*p), p->fill);
	return p;
}

static void send_parcel(struct post *post, unsigned int to, struct parcel *p)
{
	__atomic_fetch_add(&post->flight, 1, __ATOMIC_RELAXED);
	p->next = __atomic_load_n(&post->inbox[to], __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&post->inbox[to], &p->next, p, true, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED))
		;
}

#define MAX_BULK 16

/* Parcels of one kind that go together. */
struct bulk {
	void *objects[MAX_BULK];
	unsigned int n;
};

static void free_bulk(const struct post *post, unsigned int kind, struct bulk *b)
{
	if (b->n && kind)
		kmem_cache_free_bulk(post->load.caches[kind], b->n, b->objects);
	else if (b->n)
		kfree_bulk(b->n, b->objects);
	b->n = 0;
}

static void collect(struct bulk *bulks, struct parcel *p)
{
	struct bulk *b = &bulks[p->kind];

	b->objects[b->n++] = p;
	if (b->n == MAX_BULK)
		free_bulk(p->post, p->kind, b);
}

static void free_parcel(struct parcel *p)
{
	if (p->kind)
		kmem_cache_free(p->post->load.caches[p->kind], p);
	else
		kfree(p);
}

static void free_parcel_rcu(struct rcu_head *head)
{
	free_parcel((struct parcel *)(void *)((char *)head - offsetof(struct parcel, rcu)));
}

/* Look at what came in, and free it in one of three ways. Goes on after a failed check: others wait. */
static void empty_inbox(struct worker *w, struct post *post)
{
	struct parcel *p = __atomic_exchange_n(&post->inbox[w->id], NULL, __ATOMIC_ACQUIRE), *next;
	struct bulk bulks[NR_LOAD_CACHES] = { 0 };
	unsigned int way = (unsigned int)(test_rand(&w->seed) % 3), i;

	for (; p; p = next) {
		next = p->next;
		if (!test_filled(p + 1, p->size - sizeof(*p), p->fill))
			worker_fail(w, "contents", __FILE__, __LINE__);
		if (way == 0)
			free_parcel(p);
		else if (way == 1)
			collect(bulks, p);
		else if (p->kind)
			call_rcu(&p->rcu, free_parcel_rcu);
		else
			kfree_rcu(p, rcu);
		__atomic_fetch_sub(&post->flight, 1, __ATOMIC_RELAXED);
	}
	for (i = 0; i < NR_LOAD_CACHES; i++)
		free_bulk(post, i, &bulks[i]);
	if (way == 2)
		rcu_advance();
}

static void send_all(struct worker *w, struct post *post)
{
	struct parcel *p;
	unsigned int i, to;

	for (i = 0; i < post->parcels; i++) {
		to = post->to(w);
		if (to == CROWD)
			return;
		p = new_parcel(w, post);
		if (!p) {
			worker_fail(w, "out of memory", __FILE__, __LINE__);
			return;
		}
		send_parcel(post, to, p);
		if (i % 32 == 0)
			empty_inbox(w, post);
		while (__atomic_load_n(&post->flight, __ATOMIC_RELAXED) > MAX_FLIGHT) {
			empty_inbox(w, post);
			sched_yield();
		}
	}
}

static void postman(struct worker *w)
{
	struct post *post = w->arg;

	send_all(w, post);
	__atomic_fetch_sub(&post->sending, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&post->sending, __ATOMIC_ACQUIRE)) {
		empty_inbox(w, post);
		sched_yield();
	}
	empty_inbox(w, post);
}

static unsigned int to_next(struct worker *w)
{
	return (w->id + 1) % CROWD;
}

static unsigned int to_one(struct worker *w)
{
	return w->id ? 0 : CROWD;
}

static unsigned int from_one(struct worker *w)
{
	return w->id ? CROWD : 1 + (unsigned int)(test_rand(&w->seed) % (CROWD - 1));
}

static unsigned int to_anybody(struct worker *w)
{
	return (unsigned int)(test_rand(&w->seed) % CROWD);
}

static void deliver(const char *machine, unsigned int (*to)(struct worker *w), unsigned int parcels)
{
	struct machine *m = stress_boot(machine);
	static struct post post;

	memset(&post, 0, sizeof(post));
	post.to = to;
	post.parcels = parcels;
	post.sending = CROWD;
	load_create(&post.load);
	run_workers(CROWD, m, postman, &post);
	assert_int_equal(post.flight, 0);
	rcu_barrier();
	load_destroy(&post.load);
	stress_shutdown(m);
}

static void frees_in_a_ring(void **state)
{
	deliver("preset=x86_64 mem=256M cpus=8 nodes=2", to_next, 2000);
}

static void all_to_one(void **state)
{
	deliver("preset=x86_64 mem=256M cpus=8", to_one, 2000);
}

static void one_to_all(void **state)
{
	deliver("preset=x86_64 mem=256M cpus=8 nodes=2", from_one, 40000);
}

static void anybody_to_anybody(void **state)
{
	deliver("preset=x86_64 mem=256M cpus=8 nodes=4", to_anybody, 2000);
}

/* A CPU for each: frees on another CPU, without the shared mode. */
static void anybody_to_anybody_on_cpus_of_their_own(void **state)
{
	deliver("preset=x86_64 mem=256M cpus=25", to_anybody, 2000);
}

/* --- slabs in every state --------------------------------------------------------------------- */

#define NR_OBJECTS 400
#define HELPERS 3

struct remote {
	struct kmem_cache *cache;
	unsigned char *objects[NR_OBJECTS];
	unsigned int left;	/* helpers at work */
};

/* Free a third of the objects, wherever they lie. */
static void free_third(struct worker *w, struct remote *r)
{
	void *together[MAX_BULK];
	unsigned int i, n = 0;

	for (i = w->id; i < NR_OBJECTS; i += HELPERS) {
		if (!r->objects[i])
			continue;
		CHECK(w, test_filled(r->objects[i], 500, i));
		if (i % 2) {
			kmem_cache_free(r->cache, r->objects[i]);
			continue;
		}
		together[n++] = r->objects[i];
		if (n == MAX_BULK) {
			kmem_cache_free_bulk(r->cache, n, together);
			n = 0;
		}
	}
	if (n)
		kmem_cache_free_bulk(r->cache, n, together);
}

/* After a failed check, too: the first thread goes on until all are done. */
static void remote_free(struct worker *w)
{
	struct remote *r = w->arg;

	free_third(w, r);
	__atomic_fetch_sub(&r->left, 1, __ATOMIC_RELEASE);
}

/* Slabs that are full, slabs with every third object gone, and the one this CPU allocates from. */
static void fill_slabs(struct remote *r)
{
	unsigned int i;

	for (i = 0; i < NR_OBJECTS; i++) {
		r->objects[i] = kmem_cache_alloc(r->cache, GFP_KERNEL);
		assert_non_null(r->objects[i]);
		test_fill(r->objects[i], 500, i);
	}
	for (i = NR_OBJECTS / 2; i < NR_OBJECTS; i += 3) {
		kmem_cache_free(r->cache, r->objects[i]);
		r->objects[i] = NULL;
	}
}

/* The others free all; this thread goes on with the slab in its hand, which is among them. */
static void free_slabs(struct remote *r, struct machine *m)
{
	static struct worker workers[HELPERS];
	void *p[5];
	unsigned int i;

	r->left = HELPERS;
	for (i = 0; i < HELPERS; i++) {
		worker_init(&workers[i], i, m, remote_free, r);
		worker_start(&workers[i]);
	}
	do {
		for (i = 0; i < 5; i++) {
			p[i] = kmem_cache_alloc(r->cache, GFP_KERNEL);
			assert_non_null(p[i]);
			test_fill(p[i], 500, i);
		}
		for (i = 0; i < 5; i++) {
			assert_true(test_filled(p[i], 500, i));
			kmem_cache_free(r->cache, p[i]);
		}
	} while (__atomic_load_n(&r->left, __ATOMIC_ACQUIRE));
	workers_join(workers, HELPERS);
}

/* @flags of the cache. */
static void slabs_in_every_state(const char *machine, unsigned int flags)
{
	struct machine *m = stress_boot(machine);
	static struct remote r;
	uint64_t empty;
	unsigned int round;

	r.cache = kmem_cache_create("remote", 500, 0, flags, NULL);
	assert_non_null(r.cache);
	empty = test_stats().slab_pages;
	for (round = 0; round < 60; round++) {
		fill_slabs(&r);
		free_slabs(&r, m);
		rcu_barrier();
		kmem_cache_shrink(r.cache);
		rcu_barrier();
		assert_int_equal(test_stats().slab_pages, empty);
	}
	kmem_cache_destroy(r.cache);
	stress_shutdown(m);
}

static void remote_frees_to_slabs_in_every_state(void **state)
{
	slabs_in_every_state("preset=x86_64 mem=64M cpus=4 nodes=2 cmdline=slab_nomerge", 0);
}

static void remote_frees_on_one_cpu(void **state)
{
	slabs_in_every_state("preset=x86_64 mem=64M cpus=1 cmdline=slab_nomerge", 0);
}

static void remote_frees_of_typesafe_objects(void **state)
{
	slabs_in_every_state("preset=x86_64 mem=64M cpus=4", SLAB_TYPESAFE_BY_RCU);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(frees_in_a_ring),
	cmocka_unit_test(all_to_one),
	cmocka_unit_test(one_to_all),
	cmocka_unit_test(anybody_to_anybody),
	cmocka_unit_test(anybody_to_anybody_on_cpus_of_their_own),
	cmocka_unit_test(remote_frees_to_slabs_in_every_state),
	cmocka_unit_test(remote_frees_on_one_cpu),
	cmocka_unit_test(remote_frees_of_typesafe_objects),
};
STRESS_GROUP(frees, tests);
