/* SPDX-License-Identifier: MIT */
/*
 * Sheaves: used as soon as there are two threads in the machine, and only then. The second thread of
 * these tests sleeps; the test's own is on CPU 0.
 */
#include "slub_test.h"

#include "../support/company.h"

struct fixture {
	struct machine *m;
	struct kmem_cache *s;
	struct slub_cpu *c;
	unsigned int per_slab;
	unsigned int nr;
	void *p[600];
	struct company other;
};

/* 512-byte objects: cpu_partial is 52. The objects of @slabs whole slabs are live, the CPU's slab,
 * the last of them, is full. */
static void begin(struct fixture *f, const char *machine, unsigned int slabs)
{
	memset(f, 0, sizeof(*f));
	f->m = test_boot(machine);
	f->s = kmem_cache_create("sheaf", 512, 0, 0, NULL);
	assert_non_null(f->s);
	f->c = cpu_part(f->s, 0);
	f->per_slab = slub_of(f->s)->oo.objects;
	assert_int_equal(slub_of(f->s)->cpu_partial, 52);
	while (f->nr < slabs * f->per_slab)
		assert_non_null(f->p[f->nr++] = kmem_cache_alloc(f->s, GFP_KERNEL));
}

/* What the CPU keeps of other slabs, the newest object (`hot`) included. */
static unsigned int kept(const struct fixture *f)
{
	return f->c->nr_sheaf + (f->c->hot != NULL);
}

static void drop(struct fixture *f, unsigned int i)
{
	kmem_cache_free(f->s, f->p[i]);
	f->p[i] = NULL;
}

static void end(struct fixture *f)
{
	for (unsigned int i = 0; i < f->nr; i++)
		kmem_cache_free(f->s, f->p[i]);
	assert_int_equal(check_cache(f->s), 0);
	kmem_cache_destroy(f->s);
	expect_no_reports();
	test_shutdown(f->m, 0);
}

#define MACHINE SLUB_MACHINE " cpus=2"

static void a_lone_thread_has_none(void **state)
{
	struct fixture f;

	begin(&f, MACHINE, 4);
	drop(&f, 0);
	assert_null(f.c->sheaf);
	assert_ptr_equal(f.c->partial, slab_of(f.p[1]));
	end(&f);
}

static void the_newest_comes_first(void **state)
{
	struct fixture f;
	void *want[3];

	begin(&f, MACHINE, 4);
	company_comes(&f.other, f.m);
	for (unsigned int i = 0; i < 3; i++) {
		want[i] = f.p[i * f.per_slab];
		drop(&f, i * f.per_slab);
		assert_int_equal(kept(&f), i + 1);
		assert_ptr_equal(f.c->hot, want[i]);
	}
	assert_null(f.c->partial);
	assert_int_equal(state_of(f.p[1]).inuse, f.per_slab);
	assert_int_equal(check_cache(f.s), f.nr - 3);
	for (unsigned int i = 0; i < 3; i++) {
		assert_ptr_equal(f.p[i * f.per_slab] = kmem_cache_alloc(f.s, GFP_KERNEL), want[2 - i]);
		/* The second finds the list empty: it becomes what the sheaf was. */
		assert_int_equal(f.c->nr_sheaf, i ? 0 : 2);
		assert_int_equal(check_cache(f.s), f.nr - 2 + i);
	}
	company_goes(&f.other);
	end(&f);
}

/* The state's line counts what is in the sheaf, and says nothing of one that is empty. */
static void the_state_tells(void **state)
{
	struct fixture f;
	char text[1000];

	begin(&f, MACHINE, 4);
	company_comes(&f.other, f.m);
	kmem_cache_print_state(f.s, NULL, NULL, text, sizeof(text));
	assert_null(strstr(text, "sheaf"));
	for (unsigned int i = 0; i < 4; i++)
		drop(&f, i);
	kmem_cache_print_state(f.s, NULL, NULL, text, sizeof(text));
	assert_non_null(strstr(text, "] sheaf=3 node0"));
	/* the newest has gone to the free list: who looks settles it */
	assert_non_null(strstr(text, ":free=1,"));
	company_goes(&f.other);
	end(&f);
}

static void a_full_one_goes_to_the_slabs(void **state)
{
	struct fixture f;

	begin(&f, MACHINE, 8);
	company_comes(&f.other, f.m);
	for (unsigned int i = 0; i < 53; i++)
		drop(&f, i);
	assert_int_equal(kept(&f), 53);
	assert_null(f.c->partial);
	drop(&f, 53);
	assert_int_equal(f.c->nr_sheaf, 0);
	assert_int_equal(check_cache(f.s), f.nr - 54);
	assert_non_null(f.c->partial);
	company_goes(&f.other);
	end(&f);
}

static void a_double_free_is_noticed(void **state)
{
	struct fixture f;
	void *p;

	begin(&f, MACHINE, 4);
	p = f.p[0];
	drop(&f, 0);	/* heads its slab's list: nobody else is there */
	company_comes(&f.other, f.m);
	test_catch_all();
	kmem_cache_free(f.s, p);
	expect_report(MACHINE_BUG, SLAB_BUG_DOUBLE_FREE);
	p = f.p[1];
	drop(&f, 1);
	assert_ptr_equal(f.c->hot, p);
	kmem_cache_free(f.s, p);
	expect_report(MACHINE_BUG, SLAB_BUG_DOUBLE_FREE);
	assert_ptr_equal(f.c->freelist, p);	/* linked, by who looked at it */
	kmem_cache_free(f.s, p);
	expect_report(MACHINE_BUG, SLAB_BUG_DOUBLE_FREE);
	p = f.p[3];
	drop(&f, 3);
	drop(&f, 4);
	assert_ptr_equal(f.c->sheaf, p);
	kmem_cache_free(f.s, p);
	expect_report(MACHINE_BUG, SLAB_BUG_DOUBLE_FREE);
	kmem_cache_free(f.s, (char *)f.p[2] + 8);
	expect_report(MACHINE_BUG, SLAB_BUG_INNER);
	assert_int_equal(check_cache(f.s), f.nr - 4);
	company_goes(&f.other);
	end(&f);
}

static void what_is_left_at_shrink_and_destroy(void **state)
{
	struct fixture f;

	begin(&f, MACHINE, 8);
	company_comes(&f.other, f.m);
	/* Some in the sheaf, some taken from it into the free list. */
	for (unsigned int i = 0; i < 20; i++)
		drop(&f, i * 3);
	f.p[0] = kmem_cache_alloc(f.s, GFP_KERNEL);
	for (unsigned int i = 20; i < 30; i++)
		drop(&f, i * 3);
	assert_int_equal(check_cache(f.s), f.nr - 29);
	kmem_cache_shrink(f.s);
	assert_null(f.c->freelist);
	assert_null(f.c->sheaf);
	assert_null(f.c->partial);
	assert_int_equal(check_cache(f.s), f.nr - 29);
	for (unsigned int i = 0; i < f.nr; i++)
		drop(&f, i);
	kmem_cache_destroy(f.s);
	company_goes(&f.other);
	expect_no_reports();
	test_shutdown(f.m, 0);
}

/* Objects of another node go back to it; an allocation for a node gets none of another. */
static void nodes(void **state)
{
	struct fixture f;
	void *far;

	begin(&f, "preset=x86_64 mem=128M nodes=2 cpus=2 isolate_metadata=1", 4);
	far = kmem_cache_alloc_node(f.s, GFP_KERNEL, 1);
	assert_int_equal(slub_slab_nid(slab_of(far)), 1);
	f.p[f.nr++] = kmem_cache_alloc_node(f.s, GFP_KERNEL, 0);
	company_comes(&f.other, f.m);
	kmem_cache_free(f.s, far);
	assert_int_equal(kept(&f), 0);
	drop(&f, 0);
	drop(&f, 1);
	assert_int_equal(kept(&f), 2);
	far = kmem_cache_alloc_node(f.s, GFP_KERNEL, 1);
	assert_int_equal(slub_slab_nid(slab_of(far)), 1);
	/* The CPU's slab is of node 1 now: its list keeps nothing of node 0, and takes nothing. */
	assert_int_equal(kept(&f), 1);
	assert_int_equal(slub_slab_nid(f.c->slab), 1);
	f.p[0] = kmem_cache_alloc(f.s, GFP_KERNEL);
	assert_int_equal(slub_slab_nid(slab_of(f.p[0])), 1);
	check_cache(f.s);
	kmem_cache_free(f.s, far);
	company_goes(&f.other);
	end(&f);
}

static void the_last_objects(void **state)
{
	struct fixture f;
	struct page *pages = NULL, *page;

	begin(&f, MACHINE, 4);
	company_comes(&f.other, f.m);
	kmem_cache_shrink(f.s);	/* no slab on the CPU */
	drop(&f, 0);
	drop(&f, 1);
	assert_int_equal(f.c->nr_sheaf, 2);
	while ((page = alloc_page(GFP_ATOMIC | __GFP_HIGH | __GFP_NOWARN))) {
		*(struct page **)page_address(page) = pages;
		pages = page;
	}
	assert_non_null(f.p[0] = kmem_cache_alloc(f.s, GFP_ATOMIC | __GFP_NOWARN));
	assert_non_null(f.p[1] = kmem_cache_alloc(f.s, GFP_ATOMIC | __GFP_NOWARN));
	assert_null(kmem_cache_alloc(f.s, GFP_ATOMIC | __GFP_NOWARN));
	while ((page = pages)) {
		pages = *(struct page **)page_address(page);
		__free_pages(page, 0);
	}
	company_goes(&f.other);
	end(&f);
}

/* slub_sheaves=always, never */
static void as_the_command_line_says(void **state)
{
	struct fixture f;

	begin(&f, MACHINE " cmdline=slub_sheaves=always", 4);
	drop(&f, 0);
	drop(&f, 1);
	assert_int_equal(kept(&f), 2);
	assert_null(f.c->partial);
	end(&f);
	begin(&f, MACHINE " cmdline=slub_sheaves=never", 4);
	company_comes(&f.other, f.m);
	drop(&f, 0);
	assert_int_equal(kept(&f), 0);
	assert_ptr_equal(f.c->partial, slab_of(f.p[1]));
	company_goes(&f.other);
	end(&f);
	begin(&f, MACHINE " cmdline=slub_sheaves=auto", 4);
	drop(&f, 0);
	assert_int_equal(kept(&f), 0);
	end(&f);
	expect_bad_cmdline("slub_sheaves=some", -EINVAL);
}

static void none_without_cpu_partial(void **state)
{
	struct fixture f;

	begin(&f, MACHINE, 4);
	slub_set_cpu_partial(slub_of(f.s), 0);
	company_comes(&f.other, f.m);
	drop(&f, 0);
	assert_null(f.c->sheaf);
	assert_int_equal(state_of(f.p[1]).inuse, f.per_slab - 1);
	company_goes(&f.other);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lone_thread_has_none),
		cmocka_unit_test(the_newest_comes_first),
		cmocka_unit_test(the_state_tells),
		cmocka_unit_test(a_full_one_goes_to_the_slabs),
		cmocka_unit_test(a_double_free_is_noticed),
		cmocka_unit_test(what_is_left_at_shrink_and_destroy),
		cmocka_unit_test(nodes),
		cmocka_unit_test(the_last_objects),
		cmocka_unit_test(as_the_command_line_says),
		cmocka_unit_test(none_without_cpu_partial),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
