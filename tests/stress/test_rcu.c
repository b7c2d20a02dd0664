/* SPDX-License-Identifier: MIT */
/*
 * Readers that take no lock, updaters that free under them, and others that make sure that what was
 * freed too early does not keep its contents.
 */
#include "stress.h"

#include <sched.h>

#define container(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static unsigned long hash(unsigned long key)
{
	return key * 0x9e3779b97f4a7c15ul + 1;
}

/* Threads of each kind: readers 0, 1, 2; updaters 3, 4; one that overwrites what is free: 5. */
#define FIRST_UPDATER 3
#define SPOILER 5
#define NR_THREADS 6

/* Take what was freed last, objects of a size and blocks of pages, and leave nothing of it. */
static void spoil(size_t size)
{
	struct page *pages[8];
	void *p[40];
	size_t n = 0, nr = 0;

	for (; nr < ARRAY_SIZE(pages); nr++) {
		pages[nr] = alloc_pages(GFP_KERNEL, (unsigned int)nr % 4);
		if (!pages[nr])
			break;
		memset(page_address(pages[nr]), 0xff, PAGE_SIZE << nr % 4);
	}
	while (n < ARRAY_SIZE(p) && (p[n] = kmalloc(size, GFP_KERNEL))) {
		memset(p[n], 0xff, size);
		n++;
	}
	while (n)
		kfree(p[--n]);
	while (nr) {
		nr--;
		__free_pages(pages[nr], (unsigned int)nr % 4);
	}
}

/* Now and then a reader lets the others do their worst before it looks. */
static void linger(struct worker *w, unsigned int one_in)
{
	if (test_rand(&w->seed) % one_in == 0)
		sched_yield();
}

/* --- a list whose elements go by kfree_rcu() -------------------------------------------------- */

struct element {
	struct element *next;
	unsigned long key;
	unsigned long check;
	struct rcu_head rcu;
	char payload[80];
};

struct shared_list {
	struct element *head;
	pthread_mutex_t mutex;
	unsigned int updaters;		/* still at work */
	unsigned long seen;
};

static void read_list(struct worker *w, struct shared_list *l)
{
	unsigned long seen = 0;
	struct element *e;

	do {
		rcu_read_lock();
		for (e = rcu_dereference(l->head); e; e = rcu_dereference(e->next)) {
			linger(w, 64);
			CHECK(w, e->check == hash(e->key));
			CHECK(w, test_filled(e->payload, sizeof(e->payload), e->key));
			seen++;
		}
		rcu_read_unlock();
	} while (__atomic_load_n(&l->updaters, __ATOMIC_ACQUIRE) || seen < 100);
	__atomic_fetch_add(&l->seen, seen, __ATOMIC_RELAXED);
}

static void insert(struct worker *w, struct shared_list *l)
{
	struct element *e = kmalloc(sizeof(*e), GFP_KERNEL);

	CHECK(w, e);
	e->key = (unsigned long)test_rand(&w->seed);
	e->check = hash(e->key);
	test_fill(e->payload, sizeof(e->payload), e->key);
	pthread_mutex_lock(&l->mutex);
	e->next = l->head;
	rcu_assign_pointer(l->head, e);
	pthread_mutex_unlock(&l->mutex);
}

/* Take the @nth element, if there are so many. */
static void remove_nth(struct shared_list *l, unsigned int nth)
{
	struct element **at = &l->head, *e;

	pthread_mutex_lock(&l->mutex);
	while ((e = *at) && nth--)
		at = &e->next;
	if (e)
		rcu_assign_pointer(*at, e->next);
	pthread_mutex_unlock(&l->mutex);
	kfree_rcu(e, rcu);
}

static void update_list(struct worker *w, struct shared_list *l)
{
	for (unsigned int i = 0; i < 15000; i++) {
		insert(w, l);
		remove_nth(l, (unsigned int)(test_rand(&w->seed) % 30));
		if (i % 16 == 0)
			rcu_advance();
		if (i % 500 == 0)
			synchronize_rcu();
	}
	__atomic_fetch_sub(&l->updaters, 1, __ATOMIC_ACQ_REL);
}

static void list_worker(struct worker *w)
{
	struct shared_list *l = w->arg;

	if (w->id < FIRST_UPDATER)
		read_list(w, l);
	else if (w->id < SPOILER)
		update_list(w, l);
	else
		while (__atomic_load_n(&l->updaters, __ATOMIC_ACQUIRE))
			spoil(sizeof(struct element));
}

static void a_list_under_rcu(const char *machine)
{
	struct machine *m = stress_boot(machine);
	struct shared_list l = {.updaters = SPOILER - FIRST_UPDATER};

	pthread_mutex_init(&l.mutex, NULL);
	run_workers(NR_THREADS, m, list_worker, &l);
	assert_true(l.seen > 0);
	while (l.head)
		remove_nth(&l, 0);
	/* What is queued goes with the machine. */
	stress_shutdown(m);
	pthread_mutex_destroy(&l.mutex);
}

static void a_list_on_cpus_of_their_own(void **state)
{
	a_list_under_rcu("preset=x86_64 mem=128M cpus=8 nodes=2");
}

static void a_list_on_shared_cpus(void **state)
{
	a_list_under_rcu("preset=x86_64 mem=128M cpus=2");
}

/* --- a table of objects that may become others under their readers' eyes ---------------------- */

#define MAGIC ((unsigned long)0x7970657361666521)
#define NR_PLACES 24

/* Atomics, but for payload: that belongs to whoever holds a reference. */
struct record {
	unsigned long magic;		/* from the constructor on, as long as the slab lives */
	unsigned int refs;		/* 0: free, or not ready yet */
	unsigned long key;
	unsigned long payload;
	char room[1900];		/* few objects a slab, so that slabs fall empty */
};

struct table {
	struct kmem_cache *cache;
	struct record *places[NR_PLACES];
	unsigned int updaters;
	unsigned long found;
};

static void construct(void *object)
{
	struct record *r = object;

	__atomic_store_n(&r->magic, MAGIC, __ATOMIC_RELAXED);
	__atomic_store_n(&r->refs, 0, __ATOMIC_RELAXED);
}

static bool get_record(struct record *r)
{
	unsigned int refs = __atomic_load_n(&r->refs, __ATOMIC_RELAXED);

	do {
		if (!refs)
			return false;
	} while (!__atomic_compare_exchange_n(&r->refs, &refs, refs + 1, true, __ATOMIC_ACQUIRE,
					      __ATOMIC_RELAXED));
	return true;
}

static void put_record(struct table *t, struct record *r)
{
	if (__atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL) == 0)
		kmem_cache_free(t->cache, r);
}

/* A lookup as the kernel's own users of such caches do it: take a reference, then look again. */
static struct record *find_record(struct worker *w, struct table *t, unsigned int place)
{
	struct record *r, *found = NULL;

	rcu_read_lock();
	r = rcu_dereference(t->places[place]);
	if (r) {
		linger(w, 8);
		if (__atomic_load_n(&r->magic, __ATOMIC_RELAXED) != MAGIC)
			worker_fail(w, "the slab is gone", __FILE__, __LINE__);
		else if (get_record(r))
			found = r;
	}
	rcu_read_unlock();
	return found;
}

static void read_table(struct worker *w, struct table *t)
{
	unsigned long found = 0;

	do {
		unsigned int place = (unsigned int)(test_rand(&w->seed) % NR_PLACES);
		struct record *r = find_record(w, t, place);

		if (w->failure[0])
			return;
		if (!r)
			continue;
		/* Perhaps of another place by now, but whole. */
		CHECK(w, r->payload == hash(__atomic_load_n(&r->key, __ATOMIC_RELAXED)));
		put_record(t, r);
		found++;
	} while (__atomic_load_n(&t->updaters, __ATOMIC_ACQUIRE) || found < 100);
	__atomic_fetch_add(&t->found, found, __ATOMIC_RELAXED);
}

static void replace_record(struct worker *w, struct table *t, unsigned int place, bool with_new)
{
	struct record *new = NULL, *old;

	if (with_new) {
		new = kmem_cache_alloc(t->cache, GFP_KERNEL);
		CHECK(w, new);
		CHECK(w, __atomic_load_n(&new->magic, __ATOMIC_RELAXED) == MAGIC);
		CHECK(w, __atomic_load_n(&new->refs, __ATOMIC_RELAXED) == 0);
		__atomic_store_n(&new->key, place * 1000 + w->id, __ATOMIC_RELAXED);
		new->payload = hash(place * 1000 + w->id);
		__atomic_store_n(&new->refs, 1, __ATOMIC_RELEASE);
	}
	old = __atomic_exchange_n(&t->places[place], new, __ATOMIC_ACQ_REL);
	if (old)
		put_record(t, old);
}

/* Fill the table here and there; now and then empty it, and let the slabs go. */
static void update_table(struct worker *w, struct table *t)
{
	for (unsigned int i = 0; i < 30000 && !w->failure[0]; i++) {
		if (i % 100 < 100 - NR_PLACES)
			replace_record(w, t, (unsigned int)(test_rand(&w->seed) % NR_PLACES), true);
		else
			replace_record(w, t, 99 - i % 100, false);
		if (i % 100 == 99) {
			kmem_cache_shrink(t->cache);
			spoil(64);
		}
		if (i % 16 == 0)
			rcu_advance();
	}
	/* For readers who have not seen any yet. */
	for (unsigned int place = 0; place < NR_PLACES && !w->failure[0]; place++)
		replace_record(w, t, place, true);
	__atomic_fetch_sub(&t->updaters, 1, __ATOMIC_ACQ_REL);
}

static void table_worker(struct worker *w)
{
	struct table *t = w->arg;

	if (w->id < FIRST_UPDATER)
		read_table(w, t);
	else if (w->id < SPOILER)
		update_table(w, t);
	else
		while (__atomic_load_n(&t->updaters, __ATOMIC_ACQUIRE))
			spoil(sizeof(struct record));
}

static void a_table_of_typesafe_objects(const char *machine)
{
	struct machine *m = stress_boot(machine);
	struct table t = {.updaters = SPOILER - FIRST_UPDATER};

	t.cache = kmem_cache_create("records", sizeof(struct record), 0, SLAB_TYPESAFE_BY_RCU,
				    construct);
	assert_non_null(t.cache);
	run_workers(NR_THREADS, m, table_worker, &t);
	assert_true(t.found > 0);
	for (unsigned int i = 0; i < NR_PLACES; i++)
		if (t.places[i])
			put_record(&t, t.places[i]);
	kmem_cache_destroy(t.cache);
	stress_shutdown(m);
}

static void a_table_on_cpus_of_their_own(void **state)
{
	a_table_of_typesafe_objects("preset=x86_64 mem=128M cpus=8 nodes=2");
}

static void a_table_on_shared_cpus(void **state)
{
	a_table_of_typesafe_objects("preset=x86_64 mem=128M cpus=2");
}

/* --- everybody waits for everybody ------------------------------------------------------------ */

struct counted {
	struct rcu_head rcu;
	unsigned int *count;
};

static void count(struct rcu_head *head)
{
	struct counted *c = container(head, struct counted, rcu);

	__atomic_fetch_add(c->count, 1, __ATOMIC_RELAXED);
	kfree(c);
}

static void queue_and_wait(struct worker *w)
{
	unsigned int called = 0, queued = 0;

	for (unsigned int i = 0; i < 1500; i++) {
		unsigned int n = (unsigned int)(test_rand(&w->seed) % 20);

		while (n--) {
			struct counted *c = kmalloc(sizeof(*c), GFP_KERNEL);

			CHECK(w, c);
			c->count = &called;
			call_rcu(&c->rcu, count);
			queued++;
		}
		if (i % 7 == 0)
			CHECK(w, !cpu_migrate((unsigned int)(test_rand(&w->seed) % 4)));
		if (i % 3 == 0)
			synchronize_rcu();
		rcu_read_lock();
		rcu_advance();
		rcu_read_unlock();
		if (i % 10)
			continue;
		rcu_barrier();
		CHECK(w, __atomic_load_n(&called, __ATOMIC_RELAXED) == queued);
	}
	rcu_barrier();
	CHECK(w, __atomic_load_n(&called, __ATOMIC_RELAXED) == queued);
}

static void a_barrier_means_what_it_says(void **state)
{
	struct machine *m = stress_boot("preset=x86_64 mem=128M cpus=4 nodes=2");

	run_workers(6, m, queue_and_wait, NULL);
	stress_shutdown(m);
}

/* --- pools ------------------------------------------------------------------------------------ */

static void turn_over(struct worker *w)
{
	mempool_t *pool = w->arg;

	for (unsigned int i = 0; i < 10000; i++) {
		unsigned int *e = mempool_alloc(pool, i % 5 ? GFP_KERNEL : GFP_NOWAIT);

		if (!e) {
			CHECK(w, i % 5 == 0);
			continue;
		}
		e[0] = w->id;
		e[1] = i;
		if (i % 8 == 0)
			sched_yield();
		CHECK(w, e[0] == w->id && e[1] == i);
		mempool_free(e, pool);
	}
}

static void *give_nothing_more(gfp_t gfp, void *data)
{
	unsigned int *left = data;
	unsigned int n = __atomic_load_n(left, __ATOMIC_RELAXED);

	do {
		if (!n)
			return NULL;
	} while (!__atomic_compare_exchange_n(left, &n, n - 1, true, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	return kmalloc(64, gfp);
}

static void a_pool_for_more_threads_than_elements(void **state)
{
	struct machine *m = stress_boot("preset=x86_64 mem=64M cpus=4");
	unsigned int left = 3;
	mempool_t *pool = mempool_create(2, give_nothing_more, mempool_kfree, &left);

	assert_non_null(pool);
	run_workers(6, m, turn_over, pool);
	assert_int_equal(pool->curr_nr, 2);
	mempool_destroy(pool);
	stress_shutdown(m);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_list_on_cpus_of_their_own),
	cmocka_unit_test(a_list_on_shared_cpus),
	cmocka_unit_test(a_table_on_cpus_of_their_own),
	cmocka_unit_test(a_table_on_shared_cpus),
	cmocka_unit_test(a_barrier_means_what_it_says),
	cmocka_unit_test(a_pool_for_more_threads_than_elements),
};
STRESS_GROUP(rcu, tests);
