/* SPDX-License-Identifier: MIT */
/* Many objects at once: in which order they come, go, and come again. */
#include "slub_test.h"

#define PER_SLAB 8

struct fixture {
	struct machine *m;
	struct kmem_cache *s;
	void *full[PER_SLAB];	/* a slab that is full */
	void *own[PER_SLAB];	/* the CPU's slab, all taken */
};

static struct fixture begin(void)
{
	struct fixture f = {.m = test_boot(ONE_CPU)};

	f.s = kmem_cache_create("bulk", 512, 0, 0, NULL);
	assert_non_null(f.s);
	assert_int_equal(kmem_cache_alloc_bulk(f.s, GFP_KERNEL, PER_SLAB, f.full), PER_SLAB);
	assert_int_equal(kmem_cache_alloc_bulk(f.s, GFP_KERNEL, PER_SLAB, f.own), PER_SLAB);
	assert_ptr_equal(cpu_part(f.s, 0)->slab, slab_of(f.own[0]));
	assert_ptr_not_equal(slab_of(f.own[0]), slab_of(f.full[0]));
	return f;
}

static void free_all(struct fixture *f, void **p)
{
	for (int i = 0; i < PER_SLAB; i++)
		if (p[i])
			kmem_cache_free(f->s, p[i]);
}

static void end(struct fixture *f)
{
	free_all(f, f->full);
	free_all(f, f->own);
	assert_int_equal(check_cache(f->s), 0);
	kmem_cache_destroy(f->s);
	test_shutdown(f->m, 0);
}

/* The next object must be @object, which is live again then. */
static void expect_next(struct fixture *f, void *object)
{
	assert_ptr_equal(kmem_cache_alloc(f->s, GFP_KERNEL), object);
}

static void across_slabs(void **state)
{
	struct machine *m = test_boot(ONE_CPU);
	struct kmem_cache *s = kmem_cache_create("across", 512, 0, 0, NULL);
	void *p[45];

	assert_int_equal(kmem_cache_alloc_bulk(s, GFP_KERNEL, 45, p), 45);
	for (int i = 0; i < 45; i++)
		assert_ptr_equal(p[i], (char *)kmem_slab_base(p[i]) + i % PER_SLAB * 512);
	assert_int_equal(node_part(s, 0)->nr_slabs, 6);
	assert_int_equal(check_cache(s), 45);
	kmem_cache_free_bulk(s, 45, p);
	assert_int_equal(check_cache(s), 0);
	kmem_cache_free_bulk(s, 0, NULL);
	assert_int_equal(kmem_cache_alloc_bulk(s, GFP_KERNEL, 0, NULL), 0);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void the_last_of_the_array_comes_first(void **state)
{
	struct fixture f = begin();
	void *gone[] = {f.own[1], f.own[4], f.own[6]};

	kmem_cache_free_bulk(f.s, 3, gone);
	expect_next(&f, f.own[6]);
	expect_next(&f, f.own[4]);
	expect_next(&f, f.own[1]);
	end(&f);
}

/* Objects of one slab go back together though others stand between them. */
static void two_slabs_mixed(void **state)
{
	struct fixture f = begin();
	void *gone[] = {f.own[0], f.full[0], f.own[1], f.full[1]};

	kmem_cache_free_bulk(f.s, 4, gone);
	assert_int_equal(check_cache(f.s), 2 * PER_SLAB - 4);
	expect_next(&f, f.own[1]);
	expect_next(&f, f.own[0]);
	expect_next(&f, f.full[1]);
	expect_next(&f, f.full[0]);
	end(&f);
}

/* The third object of another slab ends the search: the rest of the slab's objects come later. */
static void the_search_looks_past_two(void **state)
{
	struct fixture f = begin();
	void *near[] = {f.full[0], f.own[0], f.own[1], f.full[1]};
	void *far[] = {f.full[2], f.own[2], f.own[3], f.own[4], f.full[3]};

	/* What stood where full[0] was found takes its place: the two change their order. */
	kmem_cache_free_bulk(f.s, 4, near);
	expect_next(&f, f.own[0]);
	expect_next(&f, f.own[1]);
	expect_next(&f, f.full[1]);
	expect_next(&f, f.full[0]);
	/* Now `full` is the CPU's slab. */
	kmem_cache_free_bulk(f.s, 5, far);
	expect_next(&f, f.full[2]);
	expect_next(&f, f.full[3]);
	assert_int_equal(check_cache(f.s), 2 * PER_SLAB - 3);
	f.own[2] = f.own[3] = f.own[4] = NULL;
	end(&f);
}

static void everything_in_one_array(void **state)
{
	struct fixture f = begin();
	struct kmem_cache *debug = kmem_cache_create("debug", 100, 0, SLAB_RED_ZONE, NULL);
	void *p[] = {kmalloc(100, GFP_KERNEL), f.own[0], kmem_cache_alloc(debug, GFP_KERNEL), NULL,
		     kmalloc(50000, GFP_KERNEL), f.full[0], kmalloc(100, GFP_KERNEL)};

	kmem_cache_free_bulk(NULL, sizeof(p) / sizeof(p[0]), p);
	expect_no_reports();
	assert_int_equal(check_cache(f.s), 2 * PER_SLAB - 2);
	assert_int_equal(check_cache(debug), 0);
	assert_int_equal(test_stats().large_pages, 0);
	f.own[0] = f.full[0] = NULL;
	kmem_cache_destroy(debug);
	end(&f);
}

static void all_or_nothing(void **state)
{
	struct machine *m = test_boot("preset=tiny-8M isolate_metadata=1");
	struct kmem_cache *s = kmem_cache_create("nothing", 4096, 0, 0, NULL);
	enum { TOO_MANY = 4000 };
	void **p = calloc(TOO_MANY, sizeof(*p));

	assert_non_null(p);
	assert_int_equal(kmem_cache_alloc_bulk(s, GFP_KERNEL | __GFP_NOWARN, TOO_MANY, p), 0);
	assert_int_equal(check_cache(s), 0);
	test_state.nr_log = 0;
	assert_int_equal(kmem_cache_alloc_bulk(s, GFP_KERNEL, TOO_MANY, p), 0);
	/* The page allocator's failure and SLUB's own lines about the cache. */
	assert_true(test_state.nr_log > 0);
	assert_non_null(strstr(test_state.last_log, "node 0: slabs: "));
	test_state.nr_reports = 0;
	assert_int_equal(kmem_cache_shrink(s), 0);
	kmem_cache_destroy(s);
	free(p);
	test_shutdown(m, 0);
}

static void zeroed(void **state)
{
	struct fixture f = begin();
	void *p[PER_SLAB];

	for (int i = 0; i < PER_SLAB; i++)
		memset(f.own[i], 0xff, 512);
	kmem_cache_free_bulk(f.s, PER_SLAB, f.own);
	assert_int_equal(kmem_cache_alloc_bulk(f.s, GFP_KERNEL | __GFP_ZERO, PER_SLAB, p),
			 PER_SLAB);
	for (int i = 0; i < PER_SLAB; i++) {
		f.own[i] = p[i];
		for (int j = 0; j < 512; j++)
			assert_int_equal(((unsigned char *)p[i])[j], 0);
	}
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(across_slabs),
		cmocka_unit_test(the_last_of_the_array_comes_first),
		cmocka_unit_test(two_slabs_mixed),
		cmocka_unit_test(the_search_looks_past_two),
		cmocka_unit_test(everything_in_one_array),
		cmocka_unit_test(all_or_nothing),
		cmocka_unit_test(zeroed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
