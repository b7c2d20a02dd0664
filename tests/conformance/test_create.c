/* SPDX-License-Identifier: MIT */
/* Making caches: names, sizes, alignment, refusals, shrink. */
#include "conformance.h"

static void create_keeps_what_it_was_given(void **state)
{
	struct machine *m = test_boot(PLAIN);
	char name[] = "first";
	struct kmem_cache *s = kmem_cache_create(name, 100, 0, 0, NULL);

	assert_non_null(s);
	name[0] = 'X';
	assert_string_equal(kmem_cache_name(s), "first");
	assert_int_equal(kmem_cache_size(s), 100);
	assert_ptr_equal(kmem_find_cache("first"), s);
	assert_null(kmem_find_cache("Xirst"));
	kmem_cache_destroy(s);
	assert_null(kmem_find_cache("first"));
	test_shutdown(m, 0);
}

static void caches_may_share_a_name(void **state)
{
	struct machine *m = test_boot(PLAIN NOMERGE);
	struct kmem_cache *a = kmem_cache_create("twin", 64, 0, 0, NULL);
	struct kmem_cache *b = kmem_cache_create("twin", 64, 0, 0, NULL);
	void *p;

	assert_non_null(a);
	assert_non_null(b);
	assert_ptr_not_equal(a, b);
	p = kmem_cache_alloc(a, GFP_KERNEL);
	kmem_cache_destroy(b);
	assert_ptr_equal(kmem_find_cache("twin"), a);
	kmem_cache_free(a, p);
	kmem_cache_destroy(a);
	test_shutdown(m, 0);
}

static void bad_arguments_are_refused(void **state)
{
	struct machine *m = test_boot(PLAIN);
	static const struct {
		const char *name;
		unsigned int size, align;
		slab_flags_t flags;
		const char *why;
	} bad[] = {
		{ NULL, 64, 0, 0, "no name" },
		{ "", 64, 0, 0, "no name" },
		{ "zero", 0, 0, 0, "size 0" },
		{ "huge", KMALLOC_MAX_SIZE + 1, 0, 0, "KMALLOC_MAX_SIZE" },
		{ "align", 64, 48, 0, "alignment" },
		{ "flag", 64, 0, 0x1u, "unknown flag" },
		{ "flags", 64, 0, 0x80000000u, "unknown flag" },
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_null(kmem_cache_create(bad[i].name, bad[i].size, bad[i].align, bad[i].flags,
					      NULL));
		expect_report(MACHINE_WARN, bad[i].why);
		assert_null(kmem_cache_create(bad[i].name, bad[i].size, bad[i].align,
					      bad[i].flags | SLAB_PANIC, NULL));
		expect_report(MACHINE_PANIC, bad[i].why);
	}
	test_shutdown(m, 0);
}

static void bad_usercopy_window_is_dropped(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create_usercopy("good", 64, 0, 0, 8, 56, NULL);
	static const unsigned int bad[][2] = { { 0, 65 }, { 8, 57 }, { 4, 0 }, { ~0u, 8 }, { 8, ~0u } };
	size_t i;

	assert_non_null(s);
	expect_no_reports();
	kmem_cache_destroy(s);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		s = kmem_cache_create_usercopy("bad", 64, 0, 0, bad[i][0], bad[i][1], NULL);
		expect_report(MACHINE_WARN, "outside the object");
		assert_non_null(s);
		kmem_cache_destroy(s);
	}
	test_shutdown(m, 0);
}

static void destroy_of_null_is_nothing(void **state)
{
	struct machine *m = test_boot(PLAIN);

	kmem_cache_destroy(NULL);
	test_shutdown(m, 0);
}

static void library_caches_cannot_be_destroyed(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_find_cache(backend_is("slob") ? "kmem_cache" : "kmalloc-64");

	assert_non_null(s);
	kmem_cache_destroy(s);
	expect_report(MACHINE_BUG, "belongs to the library");
	assert_non_null(kmem_find_cache(kmem_cache_name(s)));
	test_shutdown(m, 0);
}

/* Objects of every alignment, sizes around it, with the object's first and last byte written. */
static void check_alignment(unsigned int size, unsigned int align, slab_flags_t flags, size_t want)
{
	struct kmem_cache *s = kmem_cache_create("aligned", size, align, flags, NULL);
	void *p[40];
	unsigned int i;

	assert_non_null(s);
	for (i = 0; i < 40; i++) {
		p[i] = kmem_cache_alloc(s, GFP_KERNEL);
		assert_non_null(p[i]);
		assert_int_equal((uintptr_t)p[i] % want, 0);
		test_fill(p[i], size, i);
	}
	for (i = 0; i < 40; i++) {
		assert_true(test_filled(p[i], size, i));
		kmem_cache_free(s, p[i]);
	}
	kmem_cache_destroy(s);
}

static void objects_are_aligned(void **state)
{
	static const unsigned int sizes[] = { 1, 7, 8, 9, 24, 33, 64, 100, 256, 700, 1000, 4000 };
	struct machine *m = test_boot(PLAIN);
	unsigned int i, align;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		check_alignment(sizes[i], 0, 0, ARCH_SLAB_MINALIGN);
		for (align = 1; align <= 4096; align *= 2)
			check_alignment(sizes[i], align, 0,
					align < ARCH_SLAB_MINALIGN ? ARCH_SLAB_MINALIGN : align);
	}
	test_shutdown(m, 0);
}

/* A line has 64 bytes, that of a 32-bit kernel 32. */
static void hwcache_align_takes_a_fraction_of_a_line(void **state)
{
	enum { LINE = sizeof(void *) == 8 ? 64 : 32 };
	static const unsigned int want[][2] = { { 1, 8 },   { 8, 8 },     { 9, 16 },    { 16, 16 },   { 17, 32 },
						{ 32, 32 }, { 33, LINE }, { 100, LINE }, { 1000, LINE } };
	struct machine *m = test_boot(PLAIN);
	size_t i;

	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		check_alignment(want[i][0], 0, SLAB_HWCACHE_ALIGN, want[i][1]);
	test_shutdown(m, 0);
}

static void many_caches(void **state)
{
	struct machine *m = test_boot(PLAIN);
	enum { N = 300 };
	struct kmem_cache *s[N];
	void *p[N];
	char name[16];
	int i;

	for (i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "many-%d", i);
		s[i] = kmem_cache_create(name, 16 + (unsigned int)i, 0, 0, NULL);
		assert_non_null(s[i]);
		p[i] = kmem_cache_alloc(s[i], GFP_KERNEL);
		assert_non_null(p[i]);
	}
	for (i = 0; i < N; i += 2) {
		kmem_cache_free(s[i], p[i]);
		kmem_cache_destroy(s[i]);
	}
	assert_null(kmem_find_cache("many-0"));
	assert_ptr_equal(kmem_find_cache("many-1"), s[1]);
	for (i = 1; i < N; i += 2) {
		kmem_cache_free(s[i], p[i]);
		kmem_cache_destroy(s[i]);
	}
	test_shutdown(m, 0);
}

static void shrink_returns_empty_slabs(void **state)
{
	struct machine *m = test_boot(ISOLATED);
	struct kmem_cache *s = kmem_cache_create("shrunk", 512, 0, 0, NULL);
	uint64_t before = test_stats().slab_pages;
	void *p[200];
	int i;

	assert_non_null(s);
	for (i = 0; i < 200; i++)
		assert_non_null(p[i] = kmem_cache_alloc(s, GFP_KERNEL));
	assert_true(test_stats().slab_pages >= before + 25);
	for (i = 1; i < 200; i++)
		kmem_cache_free(s, p[i]);
	/* One object still lives in one slab. */
	assert_int_equal(kmem_cache_shrink(s), backend_is("slob") ? 0 : 1);
	assert_in_range(test_stats().slab_pages, before + 1, before + 8);
	kmem_cache_free(s, p[0]);
	assert_int_equal(kmem_cache_shrink(s), 0);
	assert_int_equal(test_stats().slab_pages, before);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

/* A cache's structures come and go without costing memory. */
static void create_and_destroy_give_everything_back(void **state)
{
	static const char *const texts[] = { PLAIN, ISOLATED };
	unsigned int t, i;

	for (t = 0; t < 2; t++) {
		struct machine *m = test_boot(texts[t]);
		struct kmem_stats before, after;
		unsigned long free_before = 0;

		for (i = 0; i < 3; i++) {
			struct kmem_cache *s = kmem_cache_create("again", 64 << i, 0, 0, NULL);
			void *p = kmem_cache_alloc(s, GFP_KERNEL);

			assert_non_null(p);
			kmem_cache_free(s, p);
			kmem_cache_destroy(s);
			after = test_stats();
			if (!i) {
				before = after;
				free_before = test_free_pages();
			}
			assert_int_equal(after.management_bytes, before.management_bytes);
			assert_int_equal(test_free_pages(), free_before);
		}
		test_shutdown(m, 0);
	}
}

static unsigned int constructed;

static void count_construction(void *object)
{
	(void)object;
	constructed++;
}

/* The newer form, by its own name and by the old one's. */
static void create_with_args(void **state)
{
	struct machine *m = test_boot(PLAIN NOMERGE);
	struct kmem_cache_args args = {
		.align = 256,
		.useroffset = 8,
		.usersize = 16,
		.ctor = count_construction,
	};
	const struct kmem_cache_args *constant = &args;
	struct kmem_cache *a = kmem_cache_create("args", 100, &args, SLAB_RECLAIM_ACCOUNT);
	struct kmem_cache *b = kmem_cache_create("constant", 100, constant, 0);
	struct kmem_cache *c = kmem_cache_create("nothing", 100, NULL, 0);
	struct kmem_cache *d = kmem_cache_create_args("own", 100, &args, 0);
	struct kmem_cache *e = kmem_cache_create("old", 100, 64, 0, NULL);
	char *p;

	assert_non_null(a);
	assert_non_null(b);
	assert_non_null(c);
	assert_non_null(d);
	assert_non_null(e);
	constructed = 0;
	p = kmem_cache_alloc(a, GFP_KERNEL);
	assert_true(constructed > 0);
	assert_int_equal((uintptr_t)p % 256, 0);
	assert_int_equal(kmem_check_usercopy(p + 8, 16, true), 0);
	expect_no_reports();
	if (!backend_is("slob")) {
		assert_int_equal(kmem_check_usercopy(p + 4, 16, true), -14);
		expect_report(MACHINE_BUG, "usercopy");
	}
	kmem_cache_free(a, p);
	p = kmem_cache_alloc(e, GFP_KERNEL);
	assert_int_equal((uintptr_t)p % 64, 0);
	kmem_cache_free(e, p);
	args.align = 48;
	assert_null(kmem_cache_create("bad", 100, &args, 0));
	expect_report(MACHINE_WARN, "alignment");
	kmem_cache_destroy(a);
	kmem_cache_destroy(b);
	kmem_cache_destroy(c);
	kmem_cache_destroy(d);
	kmem_cache_destroy(e);
	test_shutdown(m, 0);
}

static void create_with_args_without_memory(void **state)
{
	struct machine *m = test_boot(TINY NOMERGE);
	const struct kmem_cache_args args = { .align = 64 };
	struct kmem_cache *s[200], *one;
	void *first = NULL, *p;
	unsigned int n = 0;

	while ((p = kmalloc(4096, GFP_NOWAIT | __GFP_NOWARN))) {
		*(void **)p = first;
		first = p;
	}
	while (n < 200 && (one = kmem_cache_create_args("little", 3000, &args, 0)))
		s[n++] = one;
	if (!backend_is("slob")) {
		assert_true(n < 200);
		expect_report(MACHINE_WARN, "out of memory");
	}
	while (n)
		kmem_cache_destroy(s[--n]);
	for (; first; first = p) {
		p = *(void **)first;
		kfree(first);
	}
	test_state.nr_reports = 0;
	test_shutdown(m, 0);
}

/* Where the free pointer goes in an object that readers may look at while it is free. */
static void create_with_a_place_for_the_free_pointer(void **state)
{
	static const struct {
		struct kmem_cache_args args;
		slab_flags_t flags;
		const char *why;
	} bad[] = {
		{ { .freeptr_offset = 8 }, SLAB_TYPESAFE_BY_RCU, "without use_freeptr_offset" },
		{ { .use_freeptr_offset = true }, 0, "without SLAB_TYPESAFE_BY_RCU" },
		{ { .use_freeptr_offset = true, .freeptr_offset = 2 }, SLAB_TYPESAFE_BY_RCU, "no word" },
		{ { .use_freeptr_offset = true, .freeptr_offset = 96 }, SLAB_TYPESAFE_BY_RCU, "no word" },
		{ { .use_freeptr_offset = true, .ctor = count_construction }, SLAB_TYPESAFE_BY_RCU,
		  "constructor" },
	};
	struct kmem_cache_args args = { .use_freeptr_offset = true, .freeptr_offset = 88 };
	struct machine *m = test_boot(PLAIN NOMERGE);
	struct kmem_cache *with, *without;
	char line[512], *p[40];
	unsigned int i, at;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_null(kmem_cache_create_args("bad", 96, &bad[i].args, bad[i].flags));
		expect_report(MACHINE_WARN, bad[i].why);
	}
	with = kmem_cache_create("with", 96, &args, SLAB_TYPESAFE_BY_RCU);
	without = kmem_cache_create("without", 96, NULL, SLAB_TYPESAFE_BY_RCU);
	assert_non_null(with);
	assert_non_null(without);
	if (backend_is("slub") && !test_debugging()) {
		kmem_cache_print_geometry(with, false, line, sizeof(line));
		assert_non_null(strstr(line, " size=96 "));
		assert_non_null(strstr(line, " fpoff=88 "));
		kmem_cache_print_geometry(without, false, line, sizeof(line));
		assert_non_null(strstr(line, " size=104 "));
	}
	/* all of a free object but the place is as it was */
	for (i = 0; i < 40; i++) {
		assert_non_null(p[i] = kmem_cache_alloc(with, GFP_KERNEL));
		test_fill(p[i], 96, i);
	}
	rcu_read_lock();
	for (i = 0; i < 40; i++)
		kmem_cache_free(with, p[i]);
	for (i = 0; i < 40; i++)
		for (at = 0; at < 88; at++)
			assert_int_equal((unsigned char)p[i][at],
					 (unsigned char)(i * 31 + at * 7));
	rcu_read_unlock();
	kmem_cache_destroy(with);
	kmem_cache_destroy(without);
	test_shutdown(m, 0);
}

struct traveller {
	long ticket;
	char name[24];
	double fare __attribute__((aligned(64)));
};

static void create_for_a_structure(void **state)
{
	struct machine *m = test_boot(PLAIN NOMERGE);
	struct kmem_cache *s = KMEM_CACHE(traveller, SLAB_RECLAIM_ACCOUNT);
	struct kmem_cache *u = KMEM_CACHE_USERCOPY(traveller, 0, name);
	struct traveller *t;

	assert_string_equal(kmem_cache_name(s), "traveller");
	assert_int_equal(kmem_cache_size(s), sizeof(struct traveller));
	t = kmem_cache_alloc(u, GFP_KERNEL);
	assert_int_equal((uintptr_t)t % 64, 0);
	assert_int_equal(kmem_check_usercopy(t->name, sizeof(t->name), true), 0);
	kmem_cache_free(u, t);
	kmem_cache_destroy(s);
	kmem_cache_destroy(u);
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(create_keeps_what_it_was_given),
	cmocka_unit_test(caches_may_share_a_name),
	cmocka_unit_test(bad_arguments_are_refused),
	cmocka_unit_test(bad_usercopy_window_is_dropped),
	cmocka_unit_test(destroy_of_null_is_nothing),
	cmocka_unit_test(library_caches_cannot_be_destroyed),
	cmocka_unit_test(objects_are_aligned),
	cmocka_unit_test(hwcache_align_takes_a_fraction_of_a_line),
	cmocka_unit_test(many_caches),
	cmocka_unit_test(shrink_returns_empty_slabs),
	cmocka_unit_test(create_and_destroy_give_everything_back),
	cmocka_unit_test(create_with_args),
	cmocka_unit_test(create_with_args_without_memory),
	cmocka_unit_test(create_with_a_place_for_the_free_pointer),
	cmocka_unit_test(create_for_a_structure),
};
TEST_GROUP(create, tests);
