/* SPDX-License-Identifier: MIT */
/* Workers, machines and objects for the stress tests; and their main program. */
#include "stress.h"

unsigned int stress_scale = 1;

/* --- workers --------------------------------------------------------------------------------- */

void worker_fail(struct worker *w, const char *what, const char *file, int line)
{
	if (!w->failure[0])
		snprintf(w->failure, sizeof(w->failure), "thread %u: %s:%d: %s", w->id, file, line,
			 what);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;

	if (w->start)
		pthread_barrier_wait(w->start);
	if (w->m && machine_enter(w->m)) {
		worker_fail(w, "machine_enter", __FILE__, __LINE__);
		return NULL;
	}
	w->fn(w);
	return NULL;
}

void worker_init(struct worker *w, unsigned int id, struct machine *m, void (*fn)(struct worker *),
		 void *arg)
{
	memset(w, 0, sizeof(*w));
	w->id = id;
	w->seed = 1000003 * (uint64_t)(id + 1);
	w->m = m;
	w->fn = fn;
	w->arg = arg;
}

void worker_start(struct worker *w)
{
	assert_int_equal(pthread_create(&w->thread, NULL, worker_main, w), 0);
}

void workers_join(struct worker *w, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		assert_int_equal(pthread_join(w[i].thread, NULL), 0);
	for (i = 0; i < n; i++) {
		if (w[i].failure[0])
			fail_msg("%s", w[i].failure);
	}
}

void run_workers(unsigned int n, struct machine *m, void (*fn)(struct worker *), void *arg)
{
	static struct worker workers[MAX_WORKERS];
	pthread_barrier_t start;
	unsigned int i;

	assert_true(n <= MAX_WORKERS);
	assert_int_equal(pthread_barrier_init(&start, NULL, n), 0);
	for (i = 0; i < n; i++) {
		worker_init(&workers[i], i, m, fn, arg);
		workers[i].start = &start;
	}
	for (i = 0; i < n; i++)
		worker_start(&workers[i]);
	workers_join(workers, n);
	pthread_barrier_destroy(&start);
}

/* --- machines -------------------------------------------------------------------------------- */

void stress_drop_log(struct machine *m, int level, const char *line, void *arg)
{
	(void)m;
	(void)level;
	(void)line;
	(void)arg;
}

/* --- objects --------------------------------------------------------------------------------- */

static const unsigned int load_sizes[NR_LOAD_CACHES] = { 24, 64, 200, 1000, 3000 };

void load_create(struct load *l)
{
	char name[16];
	unsigned int i;

	for (i = 0; i < NR_LOAD_CACHES; i++) {
		snprintf(name, sizeof(name), "load-%u", load_sizes[i]);
		l->caches[i] = kmem_cache_create(name, load_sizes[i], 0,
						 i == 1 ? SLAB_HWCACHE_ALIGN : 0, NULL);
		assert_non_null(l->caches[i]);
	}
}

void load_destroy(struct load *l)
{
	unsigned int i;

	for (i = 0; i < NR_LOAD_CACHES; i++)
		kmem_cache_destroy(l->caches[i]);
}

static void alloc_cache_object(const struct load *l, struct object *o, uint64_t *seed)
{
	o->kind = (int)(test_rand(seed) % NR_LOAD_CACHES);
	o->size = load_sizes[o->kind];
	o->p = kmem_cache_alloc(l->caches[o->kind], GFP_KERNEL | __GFP_NOWARN);
}

static void alloc_kmalloc_object(struct object *o, uint64_t *seed)
{
	uint64_t r = test_rand(seed);

	o->kind = OBJECT_KMALLOC;
	o->size = 1 + test_rand(seed) % (r % 32 ? 700 : 20000);
	o->p = kmalloc(o->size, GFP_KERNEL | __GFP_NOWARN);
}

static void alloc_pages_object(struct object *o, uint64_t *seed)
{
	unsigned int order = (unsigned int)(test_rand(seed) % 4);

	o->kind = OBJECT_PAGES + (int)order;
	o->size = 64; /* of a block, the first bytes are enough */
	o->p = (unsigned char *)__get_free_pages(GFP_KERNEL | __GFP_NOWARN, order);
}

void object_alloc(const struct load *l, struct object *o, uint64_t *seed)
{
	uint64_t r = test_rand(seed);

	if (r % 16 == 0)
		alloc_pages_object(o, seed);
	else if (r % 2)
		alloc_cache_object(l, o, seed);
	else
		alloc_kmalloc_object(o, seed);
	if (!o->p)
		return;
	o->fill = test_rand(seed);
	test_fill(o->p, o->size, o->fill);
}

bool object_ok(const struct object *o)
{
	return test_filled(o->p, o->size, o->fill);
}

void object_free(const struct load *l, struct object *o)
{
	if (o->kind >= OBJECT_PAGES)
		free_pages((unsigned long)o->p, (unsigned int)o->kind - OBJECT_PAGES);
	else if (o->kind == OBJECT_KMALLOC)
		kfree(o->p);
	else
		kmem_cache_free(l->caches[o->kind], o->p);
	o->p = NULL;
}

/* --- main ------------------------------------------------------------------------------------ */

static const struct stress_test_group *const groups[] = {
	&threads_group, &life_group, &machines_group, &rcu_group, &repeat_group,
};

/* stress-BACKEND [-l] [GROUP...]: -l is the long variant. */
int main(int argc, char **argv)
{
	int failed = 0, i;
	size_t g;

	if (argc > 1 && !strcmp(argv[1], "-l")) {
		stress_scale = 40;
		argc--;
		argv++;
	}
	for (g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
		for (i = 1; i < argc && strcmp(argv[i], groups[g]->name); i++)
			;
		if (argc > 1 && i == argc)
			continue;
		failed += _cmocka_run_group_tests(groups[g]->name, groups[g]->tests, groups[g]->nr,
						  NULL, NULL) != 0;
	}
	return failed != 0;
}
