/* SPDX-License-Identifier: MIT */
/* common/mempool.c, over an allocator that has exactly what the test lets it have. */
#include "../support/kmem_test.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>

#define MACHINE "preset=x86_64 mem=64M cpus=4"
#define MAX 64

struct source {
	char elements[MAX];
	void *stack[MAX];
	unsigned int nr;		/* elements it has */
	unsigned int limit;		/* how many of these it gives: 0 is "out of memory" */
	unsigned int calls, frees;
	gfp_t gfp;			/* of the last call */
	bool only_willing;		/* gives nothing unless it may reclaim */
	pthread_mutex_t mutex;
};

static struct source source;

static void source_init(unsigned int limit)
{
	memset(&source, 0, sizeof(source));
	for (unsigned int i = 0; i < MAX; i++)
		source.stack[source.nr++] = &source.elements[i];
	source.limit = limit;
	pthread_mutex_init(&source.mutex, NULL);
}

static void *source_alloc(gfp_t gfp, void *data)
{
	struct source *s = data;
	void *element = NULL;

	pthread_mutex_lock(&s->mutex);
	s->calls++;
	s->gfp = gfp;
	if (s->limit && s->nr && (!s->only_willing || gfp & __GFP_DIRECT_RECLAIM)) {
		s->limit--;
		element = s->stack[--s->nr];
	}
	pthread_mutex_unlock(&s->mutex);
	return element;
}

static void source_free(void *element, void *data)
{
	struct source *s = data;

	pthread_mutex_lock(&s->mutex);
	s->frees++;
	s->limit++;
	s->stack[s->nr++] = element;
	pthread_mutex_unlock(&s->mutex);
}

static mempool_t *make_pool(int min_nr, unsigned int limit)
{
	mempool_t *pool;

	source_init(limit);
	pool = mempool_create(min_nr, source_alloc, source_free, &source);
	assert_non_null(pool);
	assert_int_equal(pool->min_nr, min_nr);
	assert_int_equal(pool->curr_nr, min_nr);
	assert_int_equal(source.calls, min_nr);
	return pool;
}

static void the_reserve_is_used_last_and_filled_first(void **state)
{
	struct machine *m = test_boot(MACHINE);
	mempool_t *pool = make_pool(3, 5);
	void *e[6];
	int i;

	/* Two that the allocator still has. */
	for (i = 0; i < 2; i++)
		assert_non_null(e[i] = mempool_alloc(pool, GFP_NOWAIT));
	assert_int_equal(pool->curr_nr, 3);
	/* The reserve, last in first out. */
	for (; i < 5; i++)
		assert_non_null(e[i] = mempool_alloc(pool, GFP_NOWAIT));
	assert_int_equal(pool->curr_nr, 0);
	assert_null(mempool_alloc(pool, GFP_NOWAIT));
	assert_null(mempool_alloc(pool, GFP_ATOMIC));
	assert_int_equal(pool->nr_out, 5);
	/* Whatever comes back goes there, until it is full. */
	for (i = 0; i < 3; i++) {
		mempool_free(e[i], pool);
		assert_int_equal(pool->curr_nr, i + 1);
		assert_int_equal(source.frees, 0);
	}
	mempool_free(e[3], pool);
	assert_int_equal(source.frees, 1);
	assert_int_equal(pool->curr_nr, 3);
	mempool_free(e[4], pool);
	assert_int_equal(pool->nr_out, 0);
	mempool_free(NULL, pool);
	assert_int_equal(source.frees, 2);
	mempool_destroy(pool);
	assert_int_equal(source.nr, MAX);
	test_shutdown(m, 0);
}

static void the_allocator_is_asked_gently_first(void **state)
{
	struct machine *m = test_boot(MACHINE);
	mempool_t *pool = make_pool(1, MAX);
	void *first, *second;

	/* Gently: no reclaim; never a warning or the page allocator's reserves. */
	first = mempool_alloc(pool, GFP_KERNEL);
	assert_int_equal(source.calls, 2);
	assert_int_equal(source.gfp & (__GFP_DIRECT_RECLAIM | __GFP_IO), 0);
	assert_int_equal(source.gfp & (__GFP_NOMEMALLOC | __GFP_NORETRY | __GFP_NOWARN),
			 __GFP_NOMEMALLOC | __GFP_NORETRY | __GFP_NOWARN);
	assert_int_equal(source.gfp & __GFP_FS, __GFP_FS);
	/* Then the reserve, then with everything that is permitted. */
	source.only_willing = true;
	second = mempool_alloc(pool, GFP_KERNEL);
	assert_int_equal(source.calls, 3);
	assert_int_equal(pool->curr_nr, 0);
	mempool_free(second, pool);
	mempool_free(first, pool);
	first = mempool_alloc(pool, GFP_KERNEL);
	second = mempool_alloc(pool, GFP_KERNEL);
	assert_non_null(second);
	assert_int_equal(source.calls, 6);
	assert_int_equal(source.gfp & GFP_KERNEL, GFP_KERNEL);
	/* Flags that permit no more are not tried twice. */
	assert_null(mempool_alloc(pool, GFP_NOWAIT));
	assert_int_equal(source.calls, 7);
	mempool_free(first, pool);
	mempool_free(second, pool);
	mempool_destroy(pool);
	test_shutdown(m, 0);
}

static void no_memory_to_make_a_pool(void **state)
{
	struct machine *m = test_boot(MACHINE);
	mempool_t pool;

	source_init(3);
	assert_null(mempool_create(4, source_alloc, source_free, &source));
	assert_int_equal(source.nr, MAX);
	assert_int_equal(mempool_init(&pool, 4, source_alloc, source_free, &source), -12);
	assert_false(mempool_initialized(&pool));
	assert_int_equal(source.nr, MAX);
	mempool_exit(&pool);
	test_shutdown(m, 0);
}

static void a_pool_of_the_callers_own(void **state)
{
	struct machine *m = test_boot(MACHINE);
	mempool_t pool;
	void *e;

	memset(&pool, 0, sizeof(pool));
	assert_false(mempool_initialized(&pool));
	mempool_exit(&pool);
	source_init(3);
	assert_int_equal(mempool_init(&pool, 3, source_alloc, source_free, &source), 0);
	assert_true(mempool_initialized(&pool));
	e = mempool_alloc(&pool, GFP_NOWAIT);
	assert_non_null(e);
	mempool_exit(&pool);
	expect_report(MACHINE_WARN, "mempool_exit: 1 element is still out");
	assert_true(mempool_initialized(&pool));
	mempool_free(e, &pool);
	mempool_exit(&pool);
	assert_false(mempool_initialized(&pool));
	assert_int_equal(source.nr, MAX);
	test_shutdown(m, 0);
}

static void resizing(void **state)
{
	struct machine *m = test_boot(MACHINE);
	mempool_t *pool = make_pool(4, 10);
	void *e[10];
	int i;

	assert_int_equal(mempool_resize(pool, 2), 0);
	assert_int_equal(pool->min_nr, 2);
	assert_int_equal(pool->curr_nr, 2);
	assert_int_equal(source.frees, 2);
	assert_int_equal(mempool_resize(pool, 6), 0);
	assert_int_equal(pool->min_nr, 6);
	assert_int_equal(pool->curr_nr, 6);
	assert_int_equal(pool->nr_out, 0);
	/* More than the allocator has: what there is; the rest comes from what returns. */
	assert_int_equal(mempool_resize(pool, 12), 0);
	assert_int_equal(pool->curr_nr, 10);
	for (i = 0; i < 10; i++)
		assert_non_null(e[i] = mempool_alloc(pool, GFP_NOWAIT));
	assert_null(mempool_alloc(pool, GFP_NOWAIT));
	/* While elements are out: nothing to be freed yet, then as they come. */
	assert_int_equal(mempool_resize(pool, 1), 0);
	assert_int_equal(pool->min_nr, 1);
	for (i = 0; i < 10; i++)
		mempool_free(e[i], pool);
	assert_int_equal(pool->curr_nr, 1);
	assert_int_equal(mempool_resize(pool, 0), -22);
	expect_report(MACHINE_WARN, "mempool_resize: a reserve of 0 elements");
	mempool_destroy(pool);
	assert_int_equal(source.nr, MAX);
	test_shutdown(m, 0);
}

static void misuse_is_refused(void **state)
{
	struct machine *m = test_boot(MACHINE);
	mempool_t *pool;
	void *e[4], *zeroed;
	int i;

	source_init(MAX);
	assert_null(mempool_create(0, source_alloc, source_free, &source));
	expect_report(MACHINE_WARN, "mempool_create: a reserve of 0 elements");
	assert_null(mempool_create(-1, source_alloc, source_free, &source));
	expect_report(MACHINE_WARN, "a reserve of -1 elements");
	pool = make_pool(4, 4);
	mempool_free(&source.elements[0], pool);
	expect_report(MACHINE_BUG, "mempool_free: no element of the pool is out");
	for (i = 0; i < 4; i++)
		e[i] = mempool_alloc(pool, GFP_NOWAIT);
	mempool_free(e[0], pool);
	mempool_free(e[1], pool);
	mempool_free(e[0], pool);
	expect_report(MACHINE_BUG, "is in the reserve already");
	assert_int_equal(pool->curr_nr, 2);
	assert_int_equal(pool->nr_out, 2);
	mempool_destroy(pool);
	expect_report(MACHINE_WARN, "mempool_destroy: 2 elements are still out");
	/* The pool works as before. */
	mempool_free(e[2], pool);
	mempool_free(e[3], pool);
	assert_int_equal(pool->curr_nr, 4);
	zeroed = mempool_alloc(pool, GFP_NOWAIT | __GFP_ZERO);
	expect_report(MACHINE_WARN, "__GFP_ZERO is not supported");
	assert_non_null(zeroed);
	assert_int_equal(source.gfp & __GFP_ZERO, 0);
	mempool_free(zeroed, pool);
	mempool_destroy(pool);
	mempool_destroy(NULL);
	expect_no_reports();
	test_shutdown(m, 0);
}

static void where_it_may_not_sleep(void **state)
{
	struct machine *m = test_boot(MACHINE);
	mempool_t *pool = make_pool(2, 3);
	void *e;

	preempt_disable();
	e = mempool_alloc(pool, GFP_ATOMIC);
	mempool_free(e, pool);
	expect_no_reports();
	e = mempool_alloc(pool, GFP_NOIO);
	expect_report(MACHINE_WARN, "invalid context at mempool_alloc");
	mempool_free(e, pool);
	assert_int_equal(mempool_resize(pool, 3), 0);
	expect_report(MACHINE_WARN, "invalid context at mempool_resize");
	preempt_enable();
	mempool_destroy(pool);
	test_shutdown(m, 0);
}

/* --- waiting ---------------------------------------------------------------------------------- */

static unsigned int host_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	unsigned int n = 0;
	struct dirent *d;

	if (!dir)
		return 0;
	while ((d = readdir(dir)))
		n += d->d_name[0] != '.';
	closedir(dir);
	return n;
}

struct late_free {
	struct machine *m;
	mempool_t *pool;
	void *e;
};

/* As soon as somebody waits. */
static void *free_late(void *arg)
{
	struct late_free *late = arg;

	assert_int_equal(machine_enter(late->m), 0);
	while (!__atomic_load_n(&late->pool->waiters, __ATOMIC_RELAXED))
		sched_yield();
	mempool_free(late->e, late->pool);
	return NULL;
}

/* ThreadSanitizer has a thread of its own: nobody is alone there, so the wait goes on until the
 * element is freed. */
static void a_wait_without_end_is_reported(void **state)
{
	struct machine *m = test_boot(MACHINE);
	struct late_free late = {m, make_pool(1, 1), NULL};
	pthread_t thread;

	late.e = mempool_alloc(late.pool, GFP_KERNEL);
	assert_non_null(late.e);
	if (host_threads() == 1) {
		assert_null(mempool_alloc(late.pool, GFP_KERNEL));
		expect_report(MACHINE_BUG, "the process has no other thread");
	} else {
		assert_int_equal(pthread_create(&thread, NULL, free_late, &late), 0);
		assert_ptr_equal(mempool_alloc(late.pool, GFP_KERNEL), late.e);
		pthread_join(thread, NULL);
	}
	assert_int_equal(late.pool->waiters, 0);
	mempool_free(late.e, late.pool);
	mempool_destroy(late.pool);
	test_shutdown(m, 0);
}

struct waiter {
	struct machine *m;
	mempool_t *pool;
	void *got;
};

static void *alloc_waiting(void *arg)
{
	struct waiter *w = arg;

	assert_int_equal(machine_enter(w->m), 0);
	w->got = mempool_alloc(w->pool, GFP_KERNEL);
	return NULL;
}

static void an_element_that_returns_ends_the_wait(void **state)
{
	struct machine *m = test_boot(MACHINE);
	mempool_t *pool = make_pool(2, 2);
	struct waiter w[3] = {{m, pool, NULL}, {m, pool, NULL}, {m, pool, NULL}};
	pthread_t threads[3];
	void *e[2];
	int i;

	for (i = 0; i < 2; i++)
		assert_non_null(e[i] = mempool_alloc(pool, GFP_KERNEL));
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, alloc_waiting, &w[i]), 0);
	while (__atomic_load_n(&pool->waiters, __ATOMIC_RELAXED) < 2)
		sched_yield();
	/* Both are woken by the first, and one must wait on. */
	mempool_free(e[0], pool);
	mempool_free(e[1], pool);
	for (i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		assert_non_null(w[i].got);
	}
	assert_ptr_not_equal(w[0].got, w[1].got);
	assert_int_equal(pool->waiters, 0);
	for (i = 0; i < 2; i++)
		mempool_free(w[i].got, pool);
	mempool_destroy(pool);
	test_shutdown(m, 0);
}

static void *turn_over(void *arg)
{
	struct waiter *w = arg;

	assert_int_equal(machine_enter(w->m), 0);
	for (int i = 0; i < 2000; i++) {
		char *e = mempool_alloc(w->pool, GFP_KERNEL);

		assert_non_null(e);
		/* Nobody else has it. */
		assert_int_equal((*e)++, 0);
		(*e)--;
		if (i % 16 == 0)
			sched_yield();
		mempool_free(e, w->pool);
	}
	return NULL;
}

/* Four threads share two elements for good: nobody is forgotten asleep. */
static void more_threads_than_elements(void **state)
{
	struct machine *m = test_boot(MACHINE);
	mempool_t *pool = make_pool(2, 2);
	struct waiter w = {m, pool, NULL};
	pthread_t threads[4];
	int i;

	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, turn_over, &w), 0);
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(pool->curr_nr, 2);
	assert_int_equal(pool->nr_out, 0);
	mempool_destroy(pool);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reserve_is_used_last_and_filled_first),
		cmocka_unit_test(the_allocator_is_asked_gently_first),
		cmocka_unit_test(no_memory_to_make_a_pool),
		cmocka_unit_test(a_pool_of_the_callers_own),
		cmocka_unit_test(resizing),
		cmocka_unit_test(misuse_is_refused),
		cmocka_unit_test(where_it_may_not_sleep),
		cmocka_unit_test(a_wait_without_end_is_reported),
		cmocka_unit_test(an_element_that_returns_ends_the_wait),
		cmocka_unit_test(more_threads_than_elements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
