/* SPDX-License-Identifier: MIT */
/* A small machine run dry: NULL at the end, and every page back when all is freed. */
#include "conformance.h"

/* Objects taken until none is left, linked through their first word. */
struct chain {
	struct chain *next;
};

static unsigned long take_all(struct kmem_cache *s, size_t size, gfp_t gfp, struct chain **all)
{
	unsigned long n = 0;
	struct chain *c;

	*all = NULL;
	while ((c = s ? kmem_cache_alloc(s, gfp) : kmalloc(size, gfp))) {
		c->next = *all;
		*all = c;
		n++;
	}
	return n;
}

static void free_all(struct kmem_cache *s, struct chain *c)
{
	struct chain *next;

	for (; c; c = next) {
		next = c->next;
		if (s)
			kmem_cache_free(s, c);
		else
			kfree(c);
	}
}

/* The chain the other way round: freed oldest first. */
static struct chain *reversed(struct chain *c)
{
	struct chain *r = NULL, *next;

	for (; c; c = next) {
		next = c->next;
		c->next = r;
		r = c;
	}
	return r;
}

static void check_cache(const char *machine, unsigned int size)
{
	struct machine *m = test_boot(machine);
	struct kmem_cache *s = kmem_cache_create("all", size, 0, 0, NULL);
	unsigned long before, n, again;
	struct chain *all;

	/* Whatever the cache makes once, it makes before the count. */
	kmem_cache_free(s, kmem_cache_alloc(s, GFP_KERNEL));
	before = test_free_pages();
	n = take_all(s, 0, GFP_KERNEL | __GFP_NOWARN, &all);
	/* At least four fifths of the memory became objects; with red zones and the like a fifth. */
	assert_true(n * size > before * PAGE_SIZE / 5 * (test_debugging() ? 1 : 4));
	assert_null(kmem_cache_alloc(s, GFP_NOWAIT | __GFP_NOWARN));
	free_all(s, all);
	assert_int_equal(test_free_pages(), before);

	again = take_all(s, 0, GFP_KERNEL | __GFP_NOWARN, &all);
	assert_int_equal(again, n);
	free_all(s, reversed(all));
	assert_int_equal(test_free_pages(), before);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void caches_run_dry_and_recover(void **state)
{
	static const unsigned int sizes[] = { 32, 256, 1000, 4096 };
	unsigned int i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		check_cache(TINY, sizes[i]);
		check_cache(TINY_ISOLATED, sizes[i]);
	}
}

static void kmalloc_runs_dry_and_recovers(void **state)
{
	static const size_t sizes[] = { 64, 500, 4000, 8192, 10000, 100000 };
	struct machine *m = test_boot(TINY_ISOLATED);
	unsigned long before, n;
	struct chain *all;
	unsigned int i;

	before = test_free_pages();
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		n = take_all(NULL, sizes[i], GFP_KERNEL | __GFP_NOWARN, &all);
		assert_true(n > 0);
		assert_null(kmalloc(sizes[i], GFP_KERNEL | __GFP_NOWARN));
		free_all(NULL, all);
		assert_int_equal(test_free_pages(), before);
		assert_int_equal(test_stats().slab_pages, 0);
		assert_int_equal(test_stats().large_pages, 0);
	}
	test_shutdown(m, 0);
}

/* A failure is told to the log, not to the report handler as misuse, and __GFP_NOWARN silences it. */
static void running_out_is_logged(void **state)
{
	struct machine *m = test_boot(TINY);
	unsigned int quiet;
	struct chain *all;

	take_all(NULL, 4096, GFP_KERNEL | __GFP_NOWARN, &all);
	quiet = test_state.nr_log;
	assert_null(kmalloc(4096, GFP_KERNEL | __GFP_NOWARN));
	assert_int_equal(test_state.nr_log, quiet);
	assert_null(kmalloc(4096, GFP_KERNEL));
	assert_true(test_state.nr_log > quiet || test_state.nr_reports > 0);
	test_state.nr_reports = 0;
	free_all(NULL, all);
	test_shutdown(m, 0);
}

/* A dry machine makes no cache, and loses nothing by trying. */
static void no_cache_without_memory(void **state)
{
	struct machine *m = test_boot(TINY);
	struct kmem_cache *s, *made[4096];
	struct chain *all;
	int n = 0, i;

	take_all(NULL, 4096, GFP_KERNEL | __GFP_NOWARN, &all);
	do {
		struct chain *more;

		take_all(NULL, 32, GFP_KERNEL | __GFP_NOWARN, &more);
		while (more) {
			struct chain *next = more->next;

			more->next = all;
			all = more;
			more = next;
		}
		test_state.nr_reports = 0;
		s = kmem_cache_create("late", 100, 0, 0, NULL);
		if (s)
			made[n++] = s;
	} while (s && n < 4096);
	assert_null(s);
	assert_true(test_state.nr_reports >= 1);
	test_state.nr_reports = 0;
	for (i = 0; i < n; i++)
		kmem_cache_destroy(made[i]);
	free_all(NULL, all);
	s = kmem_cache_create("later", 100, 0, 0, NULL);
	assert_non_null(s);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(caches_run_dry_and_recover),
	cmocka_unit_test(kmalloc_runs_dry_and_recovers),
	cmocka_unit_test(running_out_is_logged),
	cmocka_unit_test(no_cache_without_memory),
};
TEST_GROUP(exhaust, tests);
