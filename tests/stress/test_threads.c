/* SPDX-License-Identifier: MIT */
/* Many threads on one machine: their own objects, each other's, and one who cleans up meanwhile. */
#include "stress.h"

static void mixing_worker(struct worker *w)
{
	CHECK(w, smp_processor_id() >= 0);
	mix(w, w->arg, 60000, 0);
}

static void more_threads_than_cpus(void **state)
{
	struct machine *m = stress_boot("preset=x86_64 mem=128M cpus=2");
	struct load l;

	load_create(&l);
	run_workers(8, NULL, mixing_worker, &l);
	load_destroy(&l);
	stress_shutdown(m);
}

static void a_cpu_for_each_thread(void **state)
{
	struct machine *m = stress_boot("preset=x86_64 mem=128M cpus=4 nodes=2");
	struct load l;

	load_create(&l);
	run_workers(3, m, mixing_worker, &l); /* this thread has the fourth */
	load_destroy(&l);
	stress_shutdown(m);
}

static void migrating_worker(struct worker *w)
{
	mix(w, w->arg, 60000, 4);
}

static void threads_that_change_their_cpu(void **state)
{
	struct machine *m = stress_boot("preset=x86_64 mem=128M cpus=4 nodes=2");
	struct load l;

	load_create(&l);
	run_workers(4, m, migrating_worker, &l);
	load_destroy(&l);
	stress_shutdown(m);
}

/* --- a thread that takes things away --------------------------------------------------------- */

struct cleaning {
	struct load load;
	bool done;
	unsigned int rounds;
};

static void cleaner(struct worker *w)
{
	struct cleaning *c = w->arg;
	struct kmem_stats st;
	char text[256];

	do {
		kmem_cache_shrink(c->load.caches[c->rounds % NR_LOAD_CACHES]);
		drain_all_pages();
		CHECK(w, !kmem_get_stats(&st));
		CHECK(w, proc_read("slabinfo", text, sizeof(text)) > 0);
		CHECK(w, proc_read("buddyinfo", text, sizeof(text)) > 0);
		c->rounds++;
	} while (!__atomic_load_n(&c->done, __ATOMIC_ACQUIRE));
}

static void busy_worker(struct worker *w)
{
	struct cleaning *c = w->arg;

	mix(w, &c->load, 60000, 0);
}

static void shrinking_and_draining_under_threads(void **state)
{
	struct machine *m = stress_boot("preset=x86_64 mem=128M cpus=3");
	struct cleaning c = { .rounds = 0 };
	struct worker w;

	load_create(&c.load);
	worker_init(&w, 99, m, cleaner, &c);
	worker_start(&w);
	run_workers(4, m, busy_worker, &c);
	__atomic_store_n(&c.done, true, __ATOMIC_RELEASE);
	workers_join(&w, 1);
	assert_true(c.rounds > 0);
	load_destroy(&c.load);
	stress_shutdown(m);
}

/* --- a thread that watches now and then ------------------------------------------------------- */

struct watching {
	struct load load;
	bool done, over;		/* the others' work; the watcher's */
	unsigned int rounds;
	unsigned long lines, bad;	/* written under the trace's own lock */
	char last[24];			/* time stamp of the last line */
};

static void look_at_line(void *arg, const char *line, size_t len)
{
	struct watching *c = arg;
	const char *time = strchr(line, ']');

	__atomic_fetch_add(&c->lines, 1, __ATOMIC_RELAXED);
	if (!time || len < 60 || strlen(line) != len || !strstr(line, "ptr=") ||
	    strncmp(time + 8, c->last, 11) < 0)
		c->bad++;
	if (time)
		memcpy(c->last, time + 8, 11);
}

static void watch(struct worker *w, struct watching *c)
{
	CHECK(w, !kmem_trace_set_sink(look_at_line, c));
	do {
		CHECK(w, kmem_trace_enable("k*") == 4);
		while (__atomic_load_n(&c->lines, __ATOMIC_RELAXED) < 200ul * (c->rounds + 1) &&
		       !__atomic_load_n(&c->done, __ATOMIC_ACQUIRE))
			;
		CHECK(w, kmem_trace_disable("k*") == 4);
		__atomic_fetch_add(&c->rounds, 1, __ATOMIC_RELEASE);
	} while (!__atomic_load_n(&c->done, __ATOMIC_ACQUIRE) && c->rounds < 300);
}

static void watcher(struct worker *w)
{
	struct watching *c = w->arg;

	watch(w, c);
	__atomic_store_n(&c->over, true, __ATOMIC_RELEASE);
}

/* Goes on until it has been watched: the watcher may get its first turn late. */
static void watched_worker(struct worker *w)
{
	struct watching *c = w->arg;

	do {
		mix(w, &c->load, 40000, w->id % 2 ? 3 : 0);
	} while (!w->failure[0] && !__atomic_load_n(&c->rounds, __ATOMIC_ACQUIRE) &&
		 !__atomic_load_n(&c->over, __ATOMIC_ACQUIRE));
}

static void tracing_comes_and_goes(void **state)
{
	struct machine *m = stress_boot("preset=x86_64 mem=128M cpus=3");
	struct watching c = { .rounds = 0 };
	struct worker w;

	load_create(&c.load);
	worker_init(&w, 99, m, watcher, &c);
	worker_start(&w);
	run_workers(4, m, watched_worker, &c);
	__atomic_store_n(&c.done, true, __ATOMIC_RELEASE);
	workers_join(&w, 1);
	assert_true(c.lines >= 200);
	assert_int_equal(c.bad, 0);
	load_destroy(&c.load);
	stress_shutdown(m);
}

/* --- caches of one's own --------------------------------------------------------------------- */

static void own_cache_round(struct worker *w, unsigned int round)
{
	void *p[60];
	struct kmem_cache *s;
	char name[32];
	unsigned int i, n = 0;

	snprintf(name, sizeof(name), "own-%u-%u", w->id, round);
	s = kmem_cache_create(name, 16 + (unsigned int)(test_rand(&w->seed) % 2000), 0, 0, NULL);
	CHECK(w, s);
	CHECK(w, kmem_find_cache(name) == s);
	for (i = 0; i < 60; i++) {
		p[n] = kmem_cache_zalloc(s, GFP_KERNEL);
		CHECK(w, p[n]);
		n++;
		if (test_rand(&w->seed) % 3 == 0)
			kmem_cache_free(s, p[--n]);
	}
	if (round % 4 == 0)
		kmem_cache_shrink(s);
	while (n)
		kmem_cache_free(s, p[--n]);
	kmem_cache_destroy(s);
	/* The name of a merged cache stays as long as any of the others. */
	CHECK(w, w->arg || !kmem_find_cache(name));
}

static void own_cache_worker(struct worker *w)
{
	unsigned int i;

	for (i = 0; i < 400 && !w->failure[0]; i++)
		own_cache_round(w, i);
}

static void caches_come_and_go_in_every_thread(void **state)
{
	struct machine *m = stress_boot("preset=x86_64 mem=128M cpus=2 cmdline=slab_nomerge");

	run_workers(5, m, own_cache_worker, NULL);
	stress_shutdown(m);
}

/* Many find that another thread has the like of it. */
static void merged_caches_come_and_go_in_every_thread(void **state)
{
	struct machine *m = stress_boot("preset=x86_64 mem=128M cpus=2");

	run_workers(5, m, own_cache_worker, m);
	stress_shutdown(m);
}

/* --- objects that change hands --------------------------------------------------------------- */

#define QUEUE_SIZE 64

struct queue {
	struct load load;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct object ring[QUEUE_SIZE];
	unsigned int head, count, to_produce, to_consume;
};

static void queue_put(struct queue *q, const struct object *o)
{
	pthread_mutex_lock(&q->lock);
	while (q->count == QUEUE_SIZE)
		pthread_cond_wait(&q->changed, &q->lock);
	q->ring[(q->head + q->count++) % QUEUE_SIZE] = *o;
	pthread_cond_broadcast(&q->changed);
	pthread_mutex_unlock(&q->lock);
}

static void queue_get(struct queue *q, struct object *o)
{
	pthread_mutex_lock(&q->lock);
	while (!q->count)
		pthread_cond_wait(&q->changed, &q->lock);
	*o = q->ring[q->head];
	q->head = (q->head + 1) % QUEUE_SIZE;
	q->count--;
	pthread_cond_broadcast(&q->changed);
	pthread_mutex_unlock(&q->lock);
}

/* One of @left pieces of work, while there is one. */
static bool claim_work(unsigned int *left)
{
	unsigned int n = __atomic_load_n(left, __ATOMIC_RELAXED);

	while (n) {
		if (__atomic_compare_exchange_n(left, &n, n - 1, false, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			return true;
	}
	return false;
}

/* Both go on after a failed check, so that nobody waits for them for ever. */
static void producer_or_consumer(struct worker *w)
{
	struct queue *q = w->arg;
	struct object o;

	if (w->id % 2) {
		while (claim_work(&q->to_produce)) {
			object_alloc(&q->load, &o, &w->seed);
			if (!o.p)
				worker_fail(w, "out of memory", __FILE__, __LINE__);
			queue_put(q, &o);
		}
		return;
	}
	while (claim_work(&q->to_consume)) {
		queue_get(q, &o);
		if (!o.p)
			continue;
		if (!object_ok(&o))
			worker_fail(w, "object_ok", __FILE__, __LINE__);
		object_free(&q->load, &o);
	}
}

static void producers_and_consumers(void **state)
{
	struct machine *m = stress_boot("preset=x86_64 mem=128M cpus=2 nodes=2");
	static struct queue q;

	memset(&q, 0, sizeof(q));
	pthread_mutex_init(&q.lock, NULL);
	pthread_cond_init(&q.changed, NULL);
	q.to_produce = q.to_consume = 60000;
	load_create(&q.load);
	run_workers(4, m, producer_or_consumer, &q);
	assert_int_equal(q.count, 0);
	load_destroy(&q.load);
	stress_shutdown(m);
	pthread_cond_destroy(&q.changed);
	pthread_mutex_destroy(&q.lock);
}

#define NR_SHARED 512

struct exchange {
	struct kmem_cache *cache;
	uint64_t *shared[NR_SHARED];	/* atomics; an object's words are all its first word */
};

#define EXCHANGE_WORDS 20

static bool exchange_ok(const uint64_t *p)
{
	unsigned int i;

	for (i = 1; i < EXCHANGE_WORDS; i++) {
		if (p[i] != p[0])
			return false;
	}
	return true;
}

/* Put an own object into a slot, free what was there: most frees are of another thread's object. */
static void exchanger(struct worker *w)
{
	struct exchange *e = w->arg;
	unsigned int i, j;
	uint64_t *p, word;

	for (i = 0; i < 150000; i++) {
		p = kmem_cache_alloc(e->cache, GFP_KERNEL);
		CHECK(w, p);
		word = test_rand(&w->seed);
		for (j = 0; j < EXCHANGE_WORDS; j++)
			p[j] = word;
		p = __atomic_exchange_n(&e->shared[word % NR_SHARED], p, __ATOMIC_ACQ_REL);
		if (!p)
			continue;
		CHECK(w, exchange_ok(p));
		kmem_cache_free(e->cache, p);
	}
}

static void objects_that_change_hands(void **state)
{
	struct machine *m = stress_boot("preset=x86_64 mem=64M cpus=3");
	static struct exchange e;
	unsigned int i;

	memset(&e, 0, sizeof(e));
	e.cache = kmem_cache_create("exchange", EXCHANGE_WORDS * sizeof(uint64_t), 0, 0, NULL);
	assert_non_null(e.cache);
	run_workers(5, m, exchanger, &e);
	for (i = 0; i < NR_SHARED; i++) {
		if (e.shared[i])
			kmem_cache_free(e.cache, e.shared[i]);
	}
	kmem_cache_destroy(e.cache);
	stress_shutdown(m);
}

/* --- bulk ------------------------------------------------------------------------------------ */

#define BULK 16

/* Objects come sixteen at once and go half one by one, half together. */
static void bulk_worker(struct worker *w)
{
	struct kmem_cache *s = w->arg;
	unsigned int round, i;
	void *p[BULK];

	for (round = 0; round < 5000; round++) {
		CHECK(w, kmem_cache_alloc_bulk(s, GFP_KERNEL, BULK, p) == BULK);
		for (i = 0; i < BULK; i++)
			test_fill(p[i], 120, w->id * 1000 + i);
		for (i = 0; i < BULK; i++)
			CHECK(w, test_filled(p[i], 120, w->id * 1000 + i));
		for (i = 0; i < BULK / 2; i++)
			kmem_cache_free(s, p[i]);
		kmem_cache_free_bulk(s, BULK / 2, p + BULK / 2);
	}
}

static void bulk_in_every_thread(void **state)
{
	struct machine *m = stress_boot("preset=x86_64 mem=64M cpus=2");
	struct kmem_cache *s = kmem_cache_create("bulk", 120, 0, 0, NULL);

	assert_non_null(s);
	run_workers(4, m, bulk_worker, s);
	kmem_cache_destroy(s);
	stress_shutdown(m);
}

/* --- running out ----------------------------------------------------------------------------- */

/* Take all there is, together; whoever gets NULL gives everything back and begins again. */
static void greedy_worker(struct worker *w)
{
	struct kmem_cache *s = w->arg;
	unsigned int round, n;
	void *p, *next;

	for (round = 0; round < 10; round++) {
		void *list = NULL;

		for (n = 0;; n++) {
			p = kmem_cache_alloc(s, GFP_KERNEL | __GFP_NOWARN);
			if (!p)
				break;
			*(void **)p = list;
			list = p;
		}
		for (p = list; p; p = next) {
			next = *(void **)p;
			kmem_cache_free(s, p);
		}
	}
}

static void running_out_together(void **state)
{
	struct machine *m = stress_boot("preset=tiny-8M cpus=2");
	struct kmem_cache *s = kmem_cache_create("greedy", 1500, 0, 0, NULL);
	void *p;

	assert_non_null(s);
	run_workers(4, m, greedy_worker, s);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	assert_non_null(p);
	kmem_cache_free(s, p);
	kmem_cache_destroy(s);
	stress_shutdown(m);
}

static const struct CMUnitTest threads_tests[] = {
	cmocka_unit_test(more_threads_than_cpus),
	cmocka_unit_test(a_cpu_for_each_thread),
	cmocka_unit_test(threads_that_change_their_cpu),
	cmocka_unit_test(shrinking_and_draining_under_threads),
	cmocka_unit_test(tracing_comes_and_goes),
	cmocka_unit_test(caches_come_and_go_in_every_thread),
	cmocka_unit_test(merged_caches_come_and_go_in_every_thread),
	cmocka_unit_test(producers_and_consumers),
	cmocka_unit_test(objects_that_change_hands),
	cmocka_unit_test(bulk_in_every_thread),
	cmocka_unit_test(running_out_together),
};
STRESS_GROUP(threads, threads_tests);
