/* SPDX-License-Identifier: MIT */
/* What is still alive at shutdown is counted and reported, cache by cache, and nothing else is. */
#include "conformance.h"

/* How many objects the report on cache @name tells of; 0 if there is no report. */
static unsigned int reported_objects(const char *name)
{
	unsigned int i, n = 0;
	char words[64];
	const char *p;

	snprintf(words, sizeof(words), "Objects remaining in %s on", name);
	for (i = 0; i < test_state.nr_reports && i < TEST_MAX_REPORTS; i++) {
		if (!strstr(test_state.reports[i].text, words))
			continue;
		for (p = test_state.reports[i].text; (p = strstr(p, "\nObject 0x")); p++)
			n++;
		p = strstr(test_state.reports[i].text, " of ");
		if (backend_is("slob") && !n) { /* it knows the number alone */
			assert_non_null(p);
			while (p[-1] != '\n')
				p--;
			n = (unsigned int)atoi(p);
		}
	}
	return n;
}

static unsigned int reports_with(const char *words)
{
	unsigned int i, n = 0;

	for (i = 0; i < test_state.nr_reports && i < TEST_MAX_REPORTS; i++)
		n += strstr(test_state.reports[i].text, words) != NULL;
	return n;
}

static void leaked_objects_are_reported_by_cache(void **state)
{
	static const char *const texts[] = { PLAIN, ISOLATED };
	unsigned int t, i;

	for (t = 0; t < 2; t++) {
		struct machine *m = test_boot(texts[t]);
		struct kmem_cache *a = kmem_cache_create("leak-a", 64, 0, 0, NULL);
		struct kmem_cache *b = kmem_cache_create("leak-b", 700, 0, 0, NULL);
		struct kmem_cache *clean = kmem_cache_create("clean", 64, 0, 0, NULL);
		void *p[10];

		for (i = 0; i < 10; i++)
			assert_non_null(p[i] = kmem_cache_alloc(a, GFP_KERNEL));
		for (i = 3; i < 10; i++)
			kmem_cache_free(a, p[i]);
		assert_non_null(kmem_cache_alloc(b, GFP_KERNEL));
		kmem_cache_free(clean, kmem_cache_alloc(clean, GFP_KERNEL));
		assert_int_equal(machine_shutdown(m), 4);
		assert_int_equal(reports_with("Objects remaining in leak-a"), 1);
		assert_int_equal(reported_objects("leak-a"), 3);
		assert_int_equal(reports_with("Objects remaining in leak-b"), 1);
		assert_int_equal(reported_objects("leak-b"), 1);
		assert_int_equal(reports_with("clean"), 0);
		assert_int_equal(test_state.nr_reports, 2);
		test_state.nr_reports = 0;
	}
}

static void leaked_kmallocs_are_reported(void **state)
{
	static const char *const texts[] = { PLAIN, ISOLATED };
	unsigned int t;

	for (t = 0; t < 2; t++) {
		struct machine *m = test_boot(texts[t]);

		assert_non_null(kmalloc(100, GFP_KERNEL));
		assert_non_null(kmalloc(101, GFP_KERNEL));
		kfree(kmalloc(500, GFP_KERNEL));
		assert_int_equal(machine_shutdown(m), 2);
		assert_int_equal(test_state.nr_reports, 1);
		assert_int_equal(reports_with(backend_is("slob") ? "kmalloc" : "kmalloc-128"), 1);
		test_state.nr_reports = 0;
	}
}

static void leaked_large_blocks_are_counted(void **state)
{
	struct machine *m = test_boot(PLAIN);

	assert_non_null(kmalloc(50000, GFP_KERNEL));
	assert_true(machine_shutdown(m) >= 1);
	assert_true(test_state.nr_reports >= 1 || test_state.nr_log >= 1);
	test_state.nr_reports = 0;
}

static void leaked_pages_are_counted(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct page *kept = alloc_pages(GFP_KERNEL, 2), *freed = alloc_page(GFP_KERNEL);

	assert_non_null(kept);
	__free_page(freed);
	assert_true(machine_shutdown(m) >= 1);
	test_state.nr_reports = 0;
}

static void a_clean_machine_is_silent(void **state)
{
	static const char *const texts[] = { PLAIN, ISOLATED, TINY, TWO_NODES, "preset=x86_32 mem=64M",
					     "preset=numa-2" };
	unsigned int t;

	for (t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
		struct machine *m = test_boot(texts[t]);
		struct kmem_cache *s = kmem_cache_create("open", 100, 0, 0, NULL);

		/* A cache that was never destroyed is no leak, its objects would be. */
		kmem_cache_free(s, kmem_cache_alloc(s, GFP_KERNEL));
		kfree(kmalloc(100, GFP_KERNEL));
		kfree(kmalloc(100000, GFP_KERNEL));
		test_shutdown(m, 0);
	}
}

/* The library's own structures, however large, are no leak. */
static void a_long_name_is_no_leak(void **state)
{
	struct machine *m = test_boot(PLAIN NOMERGE);
	size_t len[] = { 1, 100, 4087, 5000, 20000 };
	unsigned int i;

	for (i = 0; i < sizeof(len) / sizeof(len[0]); i++) {
		char *name = malloc(len[i] + 1);

		memset(name, 'n', len[i]);
		name[len[i]] = 0;
		assert_non_null(kmem_cache_create(name, 100, 0, 0, NULL));
		assert_string_equal(kmem_cache_name(kmem_find_cache(name)), name);
		free(name);
	}
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(leaked_objects_are_reported_by_cache),
	cmocka_unit_test(leaked_kmallocs_are_reported),
	cmocka_unit_test(leaked_large_blocks_are_counted),
	cmocka_unit_test(leaked_pages_are_counted),
	cmocka_unit_test(a_clean_machine_is_silent),
	cmocka_unit_test(a_long_name_is_no_leak),
};
TEST_GROUP(leak, tests);
