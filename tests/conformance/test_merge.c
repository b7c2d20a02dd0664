/* SPDX-License-Identifier: MIT */
/* Caches that share slabs with an older one, and those that must not. SLOB never merges, nor does
 * anybody with debug options. */
#include "conformance.h"

static bool merges(void)
{
	return !backend_is("slob") && !test_debugging();
}

struct spec {
	unsigned int size, align;
	slab_flags_t flags;
};

static struct kmem_cache *make(const char *name, struct spec spec)
{
	struct kmem_cache *s = kmem_cache_create(name, spec.size, spec.align, spec.flags, NULL);

	assert_non_null(s);
	return s;
}

/* Whether a cache of @later becomes one with a cache of @first. */
static bool merge(struct spec first, struct spec later)
{
	struct kmem_cache *a = make("first", first), *b = make("later", later);
	bool one = a == b;

	kmem_cache_destroy(b);
	kmem_cache_destroy(a);
	return one;
}

static void like_caches_are_one(void **state)
{
	static const struct spec pairs[][2] = {
		{ { 64, 0, 0 }, { 64, 0, 0 } },
		{ { 64, 0, 0 }, { 57, 0, 0 } },
		{ { 57, 0, 0 }, { 64, 0, 0 } },
		{ { 100, 0, 0 }, { 104, 8, 0 } },
		{ { 64, 64, 0 }, { 64, 0, SLAB_HWCACHE_ALIGN } },
		{ { 64, 0, SLAB_HWCACHE_ALIGN }, { 64, 32, 0 } },
		{ { 64, 0, SLAB_PANIC }, { 64, 0, 0 } },
		{ { 64, 0, SLAB_RECLAIM_ACCOUNT }, { 60, 0, SLAB_RECLAIM_ACCOUNT } },
		{ { 64, 0, SLAB_ACCOUNT }, { 64, 0, SLAB_ACCOUNT } },
		{ { 64, 0, SLAB_CACHE_DMA }, { 64, 0, SLAB_CACHE_DMA } },
		{ { 64, 0, SLAB_MEM_SPREAD }, { 64, 0, 0 } },
		{ { 10000, 0, 0 }, { 9999, 0, 0 } },
	};
	struct machine *m = test_boot(PLAIN);
	unsigned int i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		assert_int_equal(merge(pairs[i][0], pairs[i][1]), merges());
	/* As large, but not as aligned by decree: SLAB alone insists on that. */
	assert_int_equal(merge((struct spec){ 64, 0, 0 }, (struct spec){ 64, 64, 0 }),
			 merges() && backend_is("slub"));
	test_shutdown(m, 0);
}

static void unlike_caches_are_not(void **state)
{
	static const struct spec pairs[][2] = {
		{ { 64, 0, 0 }, { 56, 0, 0 } },		/* a word too long */
		{ { 64, 0, 0 }, { 65, 0, 0 } },		/* too short */
		{ { 72, 0, 0 }, { 72, 16, 0 } },	/* no multiple of the alignment */
		{ { 64, 0, 0 }, { 64, 0, SLAB_RECLAIM_ACCOUNT } },
		{ { 64, 0, SLAB_ACCOUNT }, { 64, 0, 0 } },
		{ { 64, 0, 0 }, { 64, 0, SLAB_CACHE_DMA } },
		{ { 64, 0, SLAB_CACHE_DMA32 }, { 64, 0, 0 } },
		{ { 64, 0, SLAB_TYPESAFE_BY_RCU }, { 64, 0, SLAB_TYPESAFE_BY_RCU } },
		{ { 64, 0, 0 }, { 64, 0, SLAB_TYPESAFE_BY_RCU } },
		{ { 64, 0, SLAB_NOLEAKTRACE }, { 64, 0, SLAB_NOLEAKTRACE } },
	};
	static const slab_flags_t debug[] = { SLAB_RED_ZONE, SLAB_POISON, SLAB_STORE_USER, SLAB_TRACE };
	struct machine *m = test_boot(PLAIN);
	unsigned int i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		assert_false(merge(pairs[i][0], pairs[i][1]));
	/* Flags that the backend drops do not keep caches apart. */
	for (i = 0; i < sizeof(debug) / sizeof(debug[0]); i++)
		assert_int_equal(merge((struct spec){ 64, 0, debug[i] }, (struct spec){ 64, 0, debug[i] }),
				 merges() && backend_is("slab"));
	test_shutdown(m, 0);
}

static void construct(void *object)
{
	memset(object, 0x5a, 64);
}

static void some_have_something_of_their_own(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *plain = make("plain", (struct spec){ 64, 0, 0 });
	struct kmem_cache *ctor = kmem_cache_create("ctor", 64, 0, 0, construct);
	struct kmem_cache *window = kmem_cache_create_usercopy("window", 64, 0, 0, 0, 8, NULL);
	struct kmem_cache *all[] = { plain, ctor, window,
				     kmem_cache_create("ctor2", 64, 0, 0, construct),
				     kmem_cache_create_usercopy("window2", 64, 0, 0, 0, 8, NULL) };
	void *p = kmalloc(64, GFP_KERNEL);
	unsigned int i, j;

	for (i = 0; i < 5; i++) {
		assert_non_null(all[i]);
		for (j = 0; j < i; j++)
			assert_ptr_not_equal(all[i], all[j]);
		if (merges())
			assert_ptr_not_equal(kmem_cache_of(p), all[i]);
	}
	kfree(p);
	for (i = 0; i < 5; i++)
		kmem_cache_destroy(all[i]);
	test_shutdown(m, 0);
}

static void the_oldest_serves(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *a = make("a", (struct spec){ 64, 0, 0 });
	struct kmem_cache *ctor = kmem_cache_create("b", 64, 0, 0, construct);
	struct kmem_cache *c = make("c", (struct spec){ 68, 0, 0 });
	struct kmem_cache *d = make("d", (struct spec){ 62, 0, 0 });

	assert_int_equal(a == d, merges());
	assert_ptr_not_equal(a, c);
	kmem_cache_destroy(a);
	kmem_cache_destroy(ctor);
	kmem_cache_destroy(c);
	kmem_cache_destroy(d);
	test_shutdown(m, 0);
}

/* One handle: the first name, the largest size; every name finds it; slabinfo has one line. */
static void names_and_sizes(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *a = make("short", (struct spec){ 52, 0, SLAB_HWCACHE_ALIGN }), *b;
	char *text;

	assert_int_equal(kmem_cache_size(a), 52);
	b = make("long", (struct spec){ 62, 0, 0 });
	assert_ptr_equal(kmem_find_cache("short"), a);
	assert_ptr_equal(kmem_find_cache("long"), b);
	text = test_proc("slabinfo");
	if (merges()) {
		assert_ptr_equal(a, b);
		assert_string_equal(kmem_cache_name(b), "short");
		assert_int_equal(kmem_cache_size(b), 62);
		assert_non_null(strstr(text, "\nshort "));
		assert_null(strstr(text, "\nlong "));
	} else {
		assert_string_equal(kmem_cache_name(b), "long");
		assert_int_equal(kmem_cache_size(a), 52);
	}
	free(text);
	kmem_cache_destroy(a);
	assert_ptr_equal(kmem_find_cache("long"), b);
	kmem_cache_destroy(b);
	assert_null(kmem_find_cache("short"));
	assert_null(kmem_find_cache("long"));
	test_shutdown(m, 0);
}

static void objects_of_all_names_live_together(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s[3];
	void *p[300];
	int i;

	s[0] = make("x", (struct spec){ 200, 0, 0 });
	s[1] = make("y", (struct spec){ 193, 0, 0 });
	s[2] = make("z", (struct spec){ 198, 0, 0 });
	for (i = 0; i < 300; i++) {
		unsigned int size = i % 3 == 0 ? 200 : i % 3 == 1 ? 193 : 198;

		p[i] = kmem_cache_zalloc(s[i % 3], GFP_KERNEL);
		assert_non_null(p[i]);
		test_fill(p[i], size, (uint64_t)i);
	}
	/* A name goes while its objects live: the cache stays, silently. */
	if (merges())
		kmem_cache_destroy(s[1]);
	expect_no_reports();
	for (i = 0; i < 300; i++) {
		unsigned int size = i % 3 == 0 ? 200 : i % 3 == 1 ? 193 : 198;

		assert_true(test_filled(p[i], size, (uint64_t)i));
		kmem_cache_free(s[i % 3], p[i]);
	}
	if (!merges())
		kmem_cache_destroy(s[1]);
	kmem_cache_destroy(s[0]);
	kmem_cache_destroy(s[2]);
	test_shutdown(m, 0);
}

static void the_last_destroy_counts(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *a = make("a", (struct spec){ 64, 0, 0 });
	struct kmem_cache *b = make("b", (struct spec){ 64, 0, 0 });
	void *p = kmem_cache_alloc(b, GFP_KERNEL);

	if (merges())
		kmem_cache_destroy(a);
	expect_no_reports();
	kmem_cache_destroy(b);
	assert_int_equal(test_state.nr_reports, 2);
	assert_non_null(strstr(test_state.reports[0].text, merges() ? "remaining in a" : "remaining in b"));
	test_state.nr_reports = 0;
	kmem_cache_free(b, p);
	kmem_cache_destroy(b);
	if (!merges())
		kmem_cache_destroy(a);
	assert_null(kmem_find_cache("a"));
	assert_null(kmem_find_cache("b"));
	test_shutdown(m, 0);
}

static void words_forbid_it(void **state)
{
	static const struct {
		const char *machine;
		bool merges;
	} rows[] = {
		{ PLAIN, true },
		{ PLAIN " cmdline=slab_nomerge", false },
		{ PLAIN " cmdline=slub_nomerge", false },
		{ PLAIN " cmdline=slab_merge", true },
		{ PLAIN " cmdline=\"slab_nomerge slub_merge\"", true },
		{ PLAIN " cmdline=\"slab_merge slab_nomerge\"", false },
		{ ISOLATED, false },
		{ ISOLATED " cmdline=slab_merge", false },
	};
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct machine *m = test_boot(rows[i].machine);
		/* test_boot() adds no words to several */
		bool may = merges() || (strstr(rows[i].machine, "cmdline=\"") && !backend_is("slob"));

		assert_int_equal(merge((struct spec){ 64, 0, 0 }, (struct spec){ 64, 0, 0 }),
				 rows[i].merges && may);
		test_shutdown(m, 0);
	}
}

/* Names cost memory: what there was before is there after. A name too much is refused like a
 * cache. */
static void names_come_and_go(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *first = make("first", (struct spec){ 64, 0, 0 }), *s[100];
	size_t bytes = (test_settle(), test_stats().management_bytes);
	unsigned long free_before = test_free_pages();
	char name[64];
	int i;

	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "another-name-%d", i / 2);
		s[i] = make(name, (struct spec){ 64, 0, 0 });
		assert_ptr_equal(kmem_find_cache(name), merges() ? first : s[i]);
	}
	assert_true(test_stats().management_bytes > bytes);
	for (i = 0; i < 100; i++)
		kmem_cache_destroy(s[i]);
	kmem_cache_destroy(first);
	first = make("first", (struct spec){ 64, 0, 0 });
	assert_int_equal(test_stats().management_bytes, bytes);
	assert_int_equal(test_free_pages(), free_before);
	kmem_cache_destroy(first);
	test_shutdown(m, 0);
}

struct chain {
	struct chain *next;
};

static void no_memory_for_a_name(void **state)
{
	struct machine *m = test_boot(TINY);
	struct kmem_cache *first = make("first", (struct spec){ 4000, 0, 0 }), *again;
	struct chain *all = NULL, *c;
	size_t size;

	for (size = 65536; size >= 8; size /= 2) {
		while ((c = kmalloc(size, GFP_KERNEL | __GFP_NOWARN))) {
			c->next = all;
			all = c;
		}
	}
	/* The name that it has costs nothing. */
	if (merges()) {
		again = kmem_cache_create("first", 4000, 0, 0, NULL);
		assert_ptr_equal(again, first);
		expect_no_reports();
		kmem_cache_destroy(again);
	}
	assert_null(kmem_cache_create("second", 4000, 0, 0, NULL));
	expect_report(MACHINE_WARN, "kmem_cache_create(second) failed with error -12");
	assert_null(kmem_cache_create("second", 4000, 0, SLAB_PANIC, NULL));
	expect_report(MACHINE_PANIC, "Failed to create slab 'second'. Error -12");
	assert_null(kmem_find_cache("second"));
	for (; all; all = c) {
		c = all->next;
		kfree(all);
	}
	kmem_cache_destroy(first);
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(like_caches_are_one),
	cmocka_unit_test(unlike_caches_are_not),
	cmocka_unit_test(some_have_something_of_their_own),
	cmocka_unit_test(the_oldest_serves),
	cmocka_unit_test(names_and_sizes),
	cmocka_unit_test(objects_of_all_names_live_together),
	cmocka_unit_test(the_last_destroy_counts),
	cmocka_unit_test(words_forbid_it),
	cmocka_unit_test(names_come_and_go),
	cmocka_unit_test(no_memory_for_a_name),
};
TEST_GROUP(merge, tests);
