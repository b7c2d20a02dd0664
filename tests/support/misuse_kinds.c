/* SPDX-License-Identifier: MIT */
/*
 * Every kind of misuse that docs/debugging.md lists for SLAB and SLOB, once on a plain machine and
 * once on one with the backend's debug word: the report says what it should, the call is refused or
 * the damage put right, and cache, kmalloc and pages work as before.
 *
 * A kind that a backend cannot notice by design has no words there and is not provoked on it. One
 * source, linked with either backend.
 */
#include "kmem_test.h"

#define PLAIN "preset=x86_64 mem=128M cpus=2 nodes=2"

struct env {
	struct machine *m, *other;
	struct kmem_cache *s, *t;	/* objects of 100 and of 64 bytes */
	char *p, *q;			/* live objects of s */
	bool p_gone;			/* freed by the kind */
};

struct kind {
	const char *name;
	void (*provoke)(struct env *e);
	/* In the first report: SLAB, SLAB with slab_debug, SLOB, SLOB with slob_debug. */
	const char *words[4];
};

#define EVERYWHERE(words) { words, words, words, words }
#define SLAB_ONLY(words) { words, words, NULL, NULL }
#define WITH_SLAB_DEBUG(words) { NULL, words, NULL, NULL }

static void *alloc(struct kmem_cache *s)
{
	void *p = kmem_cache_alloc(s, GFP_KERNEL);

	assert_non_null(p);
	return p;
}

static void free_p(struct env *e)
{
	kmem_cache_free(e->s, e->p);
	e->p_gone = true;
}

/* --- pointers that are no object -------------------------------------------------------------- */

static void a_pointer_to_the_stack(struct env *e)
{
	char local[64] = "";

	kmem_cache_free(e->s, local);
}

static void kfree_of_a_pointer_to_the_stack(struct env *e)
{
	char local[64] = "";

	kfree(local);
}

static void ksize_of_a_pointer_to_the_stack(struct env *e)
{
	char local[64] = "";

	assert_int_equal(ksize(local), 0);
}

static void krealloc_of_a_pointer_to_the_stack(struct env *e)
{
	char local[64] = "";

	assert_null(krealloc(local, 100, GFP_KERNEL));
}

static void a_pointer_of_another_machine(struct env *e)
{
	void *foreign;

	machine_enter(e->other);
	foreign = kmalloc(100, GFP_KERNEL);
	machine_enter(e->m);
	kfree(foreign);
	machine_enter(e->other);
	kfree(foreign);
	machine_enter(e->m);
}

static void a_cache_of_another_machine(struct env *e)
{
	machine_enter(e->other);
	assert_null(kmem_cache_alloc(e->s, GFP_KERNEL));
	machine_enter(e->m);
}

static void a_page_that_is_no_slab(struct env *e)
{
	void *page = (void *)__get_free_page(GFP_KERNEL);

	kmem_cache_free(e->s, page);
	free_page((unsigned long)page);
}

static void an_object_of_a_slab_that_is_gone(struct env *e)
{
	struct kmem_cache *s = kmem_cache_create("gone", 4000, 0, SLAB_TYPESAFE_BY_RCU, NULL);
	void *p = alloc(s);

	kmem_cache_free(s, p);
	kmem_cache_shrink(s);
	rcu_barrier();
	kmem_cache_free(s, p);
	kmem_cache_destroy(s);
}

static void the_inside_of_an_object(struct env *e)
{
	kmem_cache_free(e->s, e->p + 8);
}

static void kfree_of_the_inside_of_an_object(struct env *e)
{
	char *k = kmalloc(64, GFP_KERNEL);

	memset(k, 0, 64);
	kfree(k + 16);
	kfree(k);
}

static void the_inside_of_a_large_block(struct env *e)
{
	char *large = kmalloc(50000, GFP_KERNEL);

	kfree(large + 4096);
	kfree(large);
}

static void the_wrong_cache(struct env *e)
{
	kmem_cache_free(e->t, e->p);
}

static void the_wrong_cache_in_a_bulk(struct env *e)
{
	void *objects[2] = { alloc(e->t), e->p };

	kmem_cache_free_bulk(e->t, 2, objects);
}

static void kfree_of_an_object_of_a_cache(struct env *e)
{
	memset(e->p, 0, 100);
	memset(e->q, 0, 100);
	kfree(e->p);
}

static void a_node_that_cannot_be(struct env *e)
{
	assert_null(kmem_cache_alloc_node(e->s, GFP_KERNEL, -5));
}

/* --- twice ------------------------------------------------------------------------------------ */

static void freed_twice_in_a_row(struct env *e)
{
	free_p(e);
	kmem_cache_free(e->s, e->p);
}

static void freed_twice_with_others_in_between(struct env *e)
{
	void *others[20];
	int i;

	for (i = 0; i < 20; i++)
		others[i] = alloc(e->s);
	free_p(e);
	for (i = 0; i < 20; i++)
		kmem_cache_free(e->s, others[i]);
	kmem_cache_free(e->s, e->p);
}

static void freed_twice_in_one_bulk(struct env *e)
{
	void *objects[3] = { e->p, alloc(e->s), e->p };

	kmem_cache_free_bulk(e->s, 3, objects);
	e->p_gone = true;
}

static void freed_twice_on_another_node(struct env *e)
{
	cpu_migrate(1);
	free_p(e);
	kmem_cache_free(e->s, e->p);
	cpu_migrate(0);
}

static void freed_on_two_cpus(struct env *e)
{
	free_p(e);
	cpu_migrate(1);
	kmem_cache_free(e->s, e->p);
	cpu_migrate(0);
}

static void freed_again_when_another_cache_has_the_bytes(struct env *e)
{
	void *now[3];
	int i;

	free_p(e);
	for (i = 0; i < 3; i++)
		now[i] = alloc(e->t);
	kmem_cache_free(e->s, e->p);
	for (i = 0; i < 3; i++)
		kmem_cache_free(e->t, now[i]);
}

static void kfreed_twice(struct env *e)
{
	void *k = kmalloc(100, GFP_KERNEL), *other = kmalloc(100, GFP_KERNEL);

	kfree(k);
	kfree(k);
	kfree(other);
}

static void a_large_block_kfreed_twice(struct env *e)
{
	void *large = kmalloc(50000, GFP_KERNEL);

	kfree(large);
	kfree(large);
}

/* --- writes ----------------------------------------------------------------------------------- */

static void a_write_behind_an_object(struct env *e)
{
	test_scribble_free(e->p + 104, 0, 1);
	free_p(e);
}

static void a_write_in_front_of_an_object(struct env *e)
{
	test_scribble_free(e->p - 1, 0, 1);
	free_p(e);
}

static void a_write_behind_an_object_of_kmalloc(struct env *e)
{
	char *k = kmalloc(100, GFP_KERNEL);

	test_scribble_free(k + ksize(k), 0, 1);
	kfree(k);
}

static void a_write_behind_an_object_freed_in_bulk(struct env *e)
{
	void *objects[2] = { e->q, e->p };

	test_scribble_free(e->p + 104, 0, 1);
	kmem_cache_free_bulk(e->s, 2, objects);
	e->p_gone = true;
	e->q = alloc(e->s);
}

static void a_write_after_free(struct env *e)
{
	free_p(e);
	test_scribble_free(e->p + 50, 0, 1);
	kmem_cache_free(e->s, alloc(e->s));
}

static void a_write_after_free_found_when_the_slab_goes(struct env *e)
{
	struct kmem_cache *s = kmem_cache_create("after", 100, 0, 0, NULL);
	char *p = alloc(s);

	kmem_cache_free(s, p);
	test_scribble_free(p, 'x', 1);
	kmem_cache_destroy(s);
}

/* Of all of it: where a backend keeps its list in free objects, that is hit. */
static void a_free_object_overwritten_from_end_to_end(struct env *e)
{
	struct kmem_cache *s = kmem_cache_create("smashed", 1000, 0, SLAB_RECLAIM_ACCOUNT, NULL);
	char *p[4], *q;
	int i;

	for (i = 0; i < 4; i++)
		p[i] = alloc(s);
	kmem_cache_free(s, p[1]);
	/* On SLAB it is the slab's list that is meant, not the array. */
	kmem_cache_shrink(s);
	test_scribble_free(p[1], 0xff, 1000);
	q = alloc(s);
	for (i = 0; i < 4; i++)
		if (i != 1)
			kmem_cache_free(s, p[i]);
	kmem_cache_free(s, q);
}

static void too_far(void *object)
{
	test_scribble_free(object, 1, 105);
}

static void a_constructor_that_writes_too_far(struct env *e)
{
	struct kmem_cache *s = kmem_cache_create("far", 100, 0, SLAB_TYPESAFE_BY_RCU, too_far);

	kmem_cache_free(s, alloc(s));
	kmem_cache_destroy(s);
}

/* --- caches and pages ------------------------------------------------------------------------- */

static void destroying_a_busy_cache(struct env *e)
{
	kmem_cache_destroy(e->s);
}

static void destroying_a_cache_of_the_library(struct env *e)
{
	struct kmem_cache *s = kmem_find_cache("kmalloc-64");

	kmem_cache_destroy(s);
}

static void a_leak_at_shutdown(struct env *e)
{
	machine_enter(e->other);
	assert_non_null(kmalloc(100, GFP_KERNEL));
	assert_int_equal(machine_shutdown(e->other), 1);
	e->other = NULL;
	machine_enter(e->m);
}

static void a_page_freed_twice(struct env *e)
{
	struct page *page = alloc_page(GFP_KERNEL);

	__free_page(page);
	__free_page(page);
}

static void a_tail_page_freed(struct env *e)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP, 2);

	__free_pages(virt_to_page((char *)page_address(page) + PAGE_SIZE), 0);
	__free_pages(page, 2);
}

static void pages_freed_with_the_wrong_order(struct env *e)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP, 2);

	__free_pages(page, 1);
	__free_pages(page, 2);
}

static void a_slab_freed_as_a_page(struct env *e)
{
	__free_page(virt_to_page(e->p));
}

#define RZ_FREE "slab error in verify_redzone_free(): cache `"
#define NO_SLAB "pointer is in no slab"
#define INNER "pointer is inside an object"
#define NO_KMALLOC "pointer is no live object of kmalloc"
#define WRONG "cache_from_obj: Wrong slab cache. small but object is from large"
#define TWICE "double free"

static const struct kind kinds[] = {
#define KIND(f) #f, f
	{ KIND(a_pointer_to_the_stack), EVERYWHERE("kmem_cache_free: " NO_SLAB) },
	{ KIND(kfree_of_a_pointer_to_the_stack), EVERYWHERE("kfree: " NO_SLAB) },
	{ KIND(ksize_of_a_pointer_to_the_stack), EVERYWHERE("ksize: " NO_SLAB) },
	{ KIND(krealloc_of_a_pointer_to_the_stack), EVERYWHERE("ksize: " NO_SLAB) },
	{ KIND(a_pointer_of_another_machine), EVERYWHERE("kfree: " NO_SLAB) },
	{ KIND(a_cache_of_another_machine),
	  { "no live cache of this machine", "no live cache of this machine",
	    "cache of another machine, or destroyed", "cache of another machine, or destroyed" } },
	{ KIND(a_page_that_is_no_slab), EVERYWHERE(NO_SLAB) },
	{ KIND(an_object_of_a_slab_that_is_gone), EVERYWHERE(NO_SLAB) },
	{ KIND(the_inside_of_an_object), { INNER, INNER, NULL, INNER } },
	{ KIND(kfree_of_the_inside_of_an_object), { INNER, INNER, NO_KMALLOC, INNER } },
	{ KIND(the_inside_of_a_large_block), EVERYWHERE("kfree: pointer is inside a block of pages") },
	{ KIND(the_wrong_cache), { WRONG, WRONG, NULL, WRONG } },
	{ KIND(the_wrong_cache_in_a_bulk), { WRONG, WRONG, NULL, WRONG } },
	{ KIND(kfree_of_an_object_of_a_cache),
	  { NULL, NULL, NO_KMALLOC, "Wrong slab cache. kmalloc but object is from large" } },
	{ KIND(a_node_that_cannot_be), EVERYWHERE("kmem_cache_alloc_node: -5 is no node") },
	{ KIND(freed_twice_in_a_row),
	  { "kmem_cache_free: " TWICE, RZ_FREE "large': double free detected", TWICE, TWICE } },
	{ KIND(freed_twice_with_others_in_between),
	  { NULL, RZ_FREE "large': double free detected", TWICE, TWICE } },
	{ KIND(freed_twice_in_one_bulk), { NULL, RZ_FREE "large': double free detected", TWICE, TWICE } },
	{ KIND(freed_twice_on_another_node),
	  { "kmem_cache_free: " TWICE, RZ_FREE "large': double free detected", TWICE, TWICE } },
	{ KIND(freed_on_two_cpus), { NULL, RZ_FREE "large': double free detected", TWICE, TWICE } },
	{ KIND(freed_again_when_another_cache_has_the_bytes),
	  { NULL, NULL, NULL, "Wrong slab cache. large but object is from small" } },
	{ KIND(kfreed_twice), { "kfree: " TWICE, RZ_FREE "kmalloc-128': double free detected", NO_KMALLOC,
				NO_KMALLOC } },
	{ KIND(a_large_block_kfreed_twice), EVERYWHERE("kfree: page is free") },
	{ KIND(a_write_behind_an_object),
	  WITH_SLAB_DEBUG(RZ_FREE "large': memory outside object was overwritten") },
	{ KIND(a_write_in_front_of_an_object),
	  WITH_SLAB_DEBUG(RZ_FREE "large': memory outside object was overwritten") },
	{ KIND(a_write_behind_an_object_of_kmalloc),
	  WITH_SLAB_DEBUG(RZ_FREE "kmalloc-128': memory outside object was overwritten") },
	{ KIND(a_write_behind_an_object_freed_in_bulk),
	  WITH_SLAB_DEBUG(RZ_FREE "large': memory outside object was overwritten") },
	{ KIND(a_write_after_free), WITH_SLAB_DEBUG("Slab corruption (Not tainted): large start=") },
	{ KIND(a_write_after_free_found_when_the_slab_goes),
	  WITH_SLAB_DEBUG("Slab corruption (Not tainted): after start=") },
	{ KIND(a_free_object_overwritten_from_end_to_end),
	  { "free list is overwritten", "Slab corruption (Not tainted): smashed start=",
	    "free blocks of this page were overwritten", "free blocks of this page were overwritten" } },
	{ KIND(a_constructor_that_writes_too_far),
	  WITH_SLAB_DEBUG("cache `far': constructor overwrote the end of an object") },
	{ KIND(destroying_a_busy_cache),
	  EVERYWHERE("Objects remaining in large on __kmem_cache_shutdown()") },
	{ KIND(destroying_a_cache_of_the_library), SLAB_ONLY("kmalloc-64 belongs to the library") },
	{ KIND(a_leak_at_shutdown), { "Objects remaining in kmalloc-128", "Objects remaining in kmalloc-128",
				      "BUG kmalloc", "BUG kmalloc" } },
	{ KIND(a_page_freed_twice), EVERYWHERE("BUG: Bad page state") },
	{ KIND(a_tail_page_freed), EVERYWHERE("BUG: Bad page state") },
	{ KIND(pages_freed_with_the_wrong_order), EVERYWHERE("order") },
	{ KIND(a_slab_freed_as_a_page), EVERYWHERE("BUG: Bad page state") },
};

#define NR_KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* --- each of them ----------------------------------------------------------------------------- */

/* The machine is as good as new: objects are all different and keep what is written to them. */
static void check_cache(struct kmem_cache *s, const struct env *e)
{
	char *p[150];
	int i, j;

	for (i = 0; i < 150; i++) {
		p[i] = s ? alloc(s) : kmalloc(90, GFP_KERNEL);
		assert_ptr_not_equal(p[i], e->q);
		for (j = 0; j < i; j++)
			assert_ptr_not_equal(p[i], p[j]);
		test_fill(p[i], s ? kmem_cache_size(s) : 90, (uint64_t)i);
	}
	for (i = 0; i < 150; i++) {
		assert_true(test_filled(p[i], s ? kmem_cache_size(s) : 90, (uint64_t)i));
		if (s)
			kmem_cache_free(s, p[i]);
		else
			kfree(p[i]);
	}
}

static void boot_env(struct env *e, bool debug)
{
	char text[160];

	snprintf(text, sizeof(text), PLAIN " cmdline=\"slab_nomerge %s%s\"", debug ? machine_backend() : "",
		 debug ? "_debug" : "");
	memset(e, 0, sizeof(*e));
	e->other = test_boot(text);
	e->m = test_boot(text);
	e->s = kmem_cache_create("large", 100, 0, 0, NULL);
	e->t = kmem_cache_create("small", 64, 0, 0, NULL);
	e->p = alloc(e->s);
	e->q = alloc(e->s);
	test_fill(e->q, 100, 77);
}

static void run_kind(const struct kind *kind, bool debug)
{
	const char *words = kind->words[2 * backend_is("slob") + debug];
	struct env e;
	bool lost;

	if (!words)
		return;
	boot_env(&e, debug);
	kind->provoke(&e);
	if (!test_state.nr_reports || !strstr(test_state.reports[0].text, words)) {
		print_error("%s: no \"%s\" in the first of these:\n", kind->name, words);
		test_show_reports();
	}
	assert_true(test_state.nr_reports > 0);
	assert_non_null(strstr(test_state.reports[0].text, words));
	test_state.nr_reports = 0;

	check_cache(e.s, &e);
	check_cache(e.t, &e);
	check_cache(NULL, &e);
	expect_no_reports();
	if (!e.p_gone)
		kmem_cache_free(e.s, e.p);
	kmem_cache_free(e.s, e.q);
	kmem_cache_destroy(e.s);
	kmem_cache_destroy(e.t);
	expect_no_reports();
	/* What stays out of use after damage is found by its page. */
	lost = kind->provoke == a_free_object_overwritten_from_end_to_end;
	if (lost) {
		machine_shutdown(e.m);
		test_state.nr_reports = 0;
	} else {
		test_shutdown(e.m, 0);
	}
	if (e.other)
		test_shutdown(e.other, 0);
}

static void plain(void **state)
{
	run_kind(*state, false);
}

static void with_debug_options(void **state)
{
	run_kind(*state, true);
}

int main(void)
{
	static struct CMUnitTest tests[2 * NR_KINDS];
	static char names[2 * NR_KINDS][128];
	unsigned int column = backend_is("slob") ? 2 : 0, nr = 0, i, debug;

	for (i = 0; i < NR_KINDS; i++) {
		for (debug = 0; debug < 2; debug++) {
			if (!kinds[i].words[column + debug])
				continue;
			snprintf(names[nr], sizeof(names[nr]), "%s%s", kinds[i].name,
				 debug ? ", debugging" : "");
			tests[nr] = (struct CMUnitTest){
				.name = names[nr],
				.test_func = debug ? with_debug_options : plain,
				.initial_state = (void *)(uintptr_t)&kinds[i],
			};
			nr++;
		}
	}
	return _cmocka_run_group_tests(machine_backend(), tests, nr, NULL, NULL);
}
