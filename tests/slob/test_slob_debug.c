/* SPDX-License-Identifier: MIT */
/* slob_debug: what is found when live objects are written down, and that they lie where they would. */
#include "slob_test.h"

#include "arch.h"

#define ALL "preset=x86_64 mem=64M nodes=2 cpus=2 isolate_metadata=1 cmdline=slob_debug"

static int boot_debug(void **state)
{
	(void)state;
	machine = test_boot(ALL);
	return 0;
}

#define debug_test(f) cmocka_unit_test_setup_teardown(f, boot_debug, shutdown_clean)

static void an_object_of_another_cache(void **state)
{
	struct kmem_cache *a = cache("right", 100), *b = cache("wrong", 64), *big = cache("big", 8192);
	void *p = get(a), *q = get(b), *r = get(big), *t = kmalloc(100, GFP_KERNEL);

	kmem_cache_free(b, p);
	expect_report(MACHINE_WARN, "cache_from_obj: Wrong slab cache. wrong but object is from right");
	kmem_cache_free(a, r);
	expect_report(MACHINE_WARN, "Wrong slab cache. right but object is from big");
	kmem_cache_free(big, q);
	expect_report(MACHINE_WARN, "Wrong slab cache. big but object is from wrong");
	kmem_cache_free(a, t);
	expect_report(MACHINE_WARN, "Wrong slab cache. right but object is from kmalloc");
	kfree(p);
	expect_report(MACHINE_WARN, "Wrong slab cache. kmalloc but object is from right");
	kmem_cache_free_bulk(b, 1, &p);
	expect_report(MACHINE_WARN, "Wrong slab cache. wrong but object is from right");
	/* All of them are still alive. */
	memset(p, 1, 100);
	kmem_cache_free(a, p);
	kmem_cache_free(b, q);
	kmem_cache_free(big, r);
	kfree(t);
	assert_int_equal(slob_pages(), 0);
	kmem_cache_destroy(a);
	kmem_cache_destroy(b);
	kmem_cache_destroy(big);
}

/* Even when others have got the bytes meanwhile. */
static void any_second_free(void **state)
{
	struct kmem_cache *s = cache("twice", 100), *other = cache("other", 24);
	void *p = get(s), *q = get(s), *r;
	char *k = kmalloc(40, GFP_KERNEL);

	kmem_cache_free(s, p);
	kmem_cache_free(s, p);
	expect_report(MACHINE_BUG, "kmem_cache_free: double free");
	r = get(other);
	assert_ptr_equal(r, p);
	kmem_cache_free(s, p);
	expect_report(MACHINE_WARN, "Wrong slab cache. twice but object is from other");
	kmem_cache_free_bulk(s, 1, &q);
	kmem_cache_free_bulk(s, 1, &q);
	expect_report(MACHINE_BUG, "double free");
	kfree(k);
	kfree(k);
	expect_report(MACHINE_BUG, "kfree: pointer is no live object of kmalloc");
	kmem_cache_free(other, r);
	assert_int_equal(slob_pages(), 0);
	kmem_cache_destroy(s);
	kmem_cache_destroy(other);
}

static void the_inside_of_any_object(void **state)
{
	struct kmem_cache *s = cache("inner", 100), *big = cache("big", 8192);
	char *p = get(s), *q = get(big), *k = kmalloc(64, GFP_KERNEL);
	unsigned int i;

	for (i = 1; i < 100; i += 7) {
		kmem_cache_free(s, p + i);
		expect_report(MACHINE_BUG, "kmem_cache_free: " "pointer is inside an object");
		assert_non_null(strstr(test_state.reports[0].title, "cache inner"));
	}
	kfree(p + 8);
	expect_report(MACHINE_BUG, "kfree: pointer is inside an object");
	kmem_cache_free(big, q + 4096);
	expect_report(MACHINE_BUG, "inside an object");
	kmem_cache_free(s, k + 8);
	expect_report(MACHINE_BUG, "inside an object");
	assert_non_null(strstr(test_state.reports[0].title, "cache kmalloc"));
	/* A word that looks like kmalloc's header takes nobody in. */
	test_copy_free(k + 8, k - 8, 8);
	kfree(k + 16);
	expect_report(MACHINE_BUG, "kfree: pointer is inside an object");
	kfree(k);
	kmem_cache_free(s, p);
	kmem_cache_free(big, q);
	kmem_cache_destroy(s);
	kmem_cache_destroy(big);
}

/* What every SLOB finds is found with the same words. */
static void pointers_of_no_slab(void **state)
{
	struct kmem_cache *s = cache("none", 100);
	void *page = (void *)__get_free_page(GFP_KERNEL), *large = kmalloc(10000, GFP_KERNEL);
	int local;

	kmem_cache_free(s, &local);
	expect_report(MACHINE_BUG, "pointer is in no slab");
	kmem_cache_free(s, page);
	expect_report(MACHINE_BUG, "pointer is in no slab");
	kfree(page);
	expect_report(MACHINE_BUG, "pointer is in no slab");
	kmem_cache_free(s, NULL);
	kfree(NULL);
	kfree(large);
	free_page((unsigned long)page);
	kmem_cache_destroy(s);
}

static void a_leak_report_names_the_objects(void **state)
{
	struct kmem_cache *s = cache("leak", 100), *other = cache("other", 100);
	char *p[3], *q[3], text[64];
	int i;

	for (i = 0; i < 3; i++) {
		p[i] = get(s);
		q[i] = get(other);
	}
	kmem_cache_destroy(s);
	assert_int_equal(test_state.nr_reports, 2);
	assert_non_null(strstr(test_state.reports[0].text,
			       "BUG leak (Not tainted): Objects remaining in leak on __kmem_cache_shutdown()"));
	assert_non_null(strstr(test_state.reports[0].text, " objects=3 used=3\n"));
	for (i = 0; i < 3; i++) {
		snprintf(text, sizeof(text), "Object 0x%llx @offset=%u\n",
			 (unsigned long long)ptr_to_kva(p[i]), offset_of(p[i]));
		assert_non_null(strstr(test_state.reports[0].text, text));
		snprintf(text, sizeof(text), "Object 0x%llx ", (unsigned long long)ptr_to_kva(q[i]));
		assert_null(strstr(test_state.reports[0].text, text));
	}
	test_state.nr_reports = 0;
	for (i = 0; i < 3; i++) {
		kmem_cache_free(s, p[i]);
		kmem_cache_free(other, q[i]);
	}
	kmem_cache_destroy(s);
	kmem_cache_destroy(other);
}

static void objects_that_wait_for_a_grace_period_are_free(void **state)
{
	struct kmem_cache *s = kmem_cache_create("rcu", 100, 0, SLAB_TYPESAFE_BY_RCU, NULL);
	void *p = get(s);

	kmem_cache_free(s, p);
	kmem_cache_free(s, p);
	expect_report(MACHINE_BUG, "double free");
	rcu_barrier();
	kmem_cache_free(s, p);
	test_state.nr_reports = 0;
	kmem_cache_destroy(s);
}

static noinline void *open_it(struct kmem_cache *s)
{
	void *p = s ? kmem_cache_alloc(s, GFP_KERNEL) : kmalloc(100, GFP_KERNEL);

	__asm__ volatile("" ::: "memory");
	return p;
}

static void reports_name_who_allocated(void **state)
{
	struct kmem_cache *s = cache("users", 100), *other = cache("other", 100);
	char *p = open_it(s), *k = open_it(NULL);

	kmem_cache_free(other, p);
	expect_report(MACHINE_WARN, "Wrong slab cache. other but object is from users");
	assert_non_null(strstr(test_state.last_log, "Last user: (open_it+0x"));
	kmem_cache_free(s, p + 8);
	expect_report(MACHINE_BUG, "Last user: (open_it+0x");
	test_state.last_log[0] = '\0';
	kmem_cache_free(s, k);
	expect_report(MACHINE_WARN, "Wrong slab cache. users but object is from kmalloc");
	assert_non_null(strstr(test_state.last_log, "Last user: (open_it+0x"));
	kmem_cache_destroy(s);
	assert_non_null(strstr(test_state.reports[0].text, "\nLast user: (open_it+0x"));
	test_state.nr_reports = 0;
	kmem_cache_free(s, p);
	kfree(k);
	kmem_cache_destroy(s);
	kmem_cache_destroy(other);
}

/* Only what the word names is written down. */
static void the_word_names_caches(void **state)
{
	struct kmem_cache *named, *other;
	void *p, *q, *k;

	machine = test_boot("preset=x86_64 mem=64M cmdline=slob_debug=F,nam*");
	named = cache("named", 100);
	other = cache("other", 100);
	p = get(named);
	q = get(other);
	k = kmalloc(10, GFP_KERNEL);
	kmem_cache_free(other, p);
	expect_report(MACHINE_WARN, "Wrong slab cache. other but object is from named");
	kmem_cache_free(named, q);
	expect_report(MACHINE_BUG, "double free, or no object of this cache");
	kmem_cache_free(named, p);
	kmem_cache_free(other, q);
	kfree(k);
	kmem_cache_destroy(named);
	kmem_cache_destroy(other);
	test_shutdown(machine, 0);

	machine = test_boot("preset=x86_64 mem=64M cmdline=slob_debug=U,kmalloc");
	named = cache("named", 100);
	k = kmalloc(10, GFP_KERNEL);
	kmem_cache_free(named, k);
	expect_report(MACHINE_WARN, "object is from kmalloc");
	kfree(k);
	kmem_cache_destroy(named);
	test_shutdown(machine, 0);
}

/* Flags given to kmem_cache_create() count with the word, and are dropped without. */
static void flags_count_on_a_machine_with_the_word_alone(void **state)
{
	struct kmem_cache *s;
	char text[128];

	machine = test_boot("preset=x86_64 mem=64M cmdline=slob_debug=-");
	s = kmem_cache_create("s", 100, 0, SLAB_CONSISTENCY_CHECKS | SLAB_POISON, NULL);
	kmem_cache_print_geometry(s, false, text, sizeof(text));
	assert_non_null(strstr(text, "flags=100"));
	kmem_cache_destroy(s);
	test_shutdown(machine, 0);
	machine = test_boot(SLOB_TEST_MACHINE);
	s = kmem_cache_create("s", 100, 0, SLAB_CONSISTENCY_CHECKS | SLAB_POISON, NULL);
	kmem_cache_print_geometry(s, false, text, sizeof(text));
	assert_non_null(strstr(text, "flags=0"));
	kmem_cache_destroy(s);
	test_shutdown(machine, 0);
}

static void letters_that_slob_cannot_serve_are_refused_by_name(void **state)
{
	static const char letters[] = "ZPTAX";
	char text[128], quoted[4] = "'?'";
	unsigned int i;

	test_catch_all();
	for (i = 0; letters[i]; i++) {
		struct machine_error err = { 0, "" };
		struct machine *m = NULL;

		snprintf(text, sizeof(text), "preset=x86_64 mem=64M cmdline=slob_debug=F%c,x", letters[i]);
		quoted[1] = letters[i];
		assert_int_equal(machine_boot_text(text, &m, &err), -22);
		assert_non_null(strstr(err.reason, "slob_debug"));
		assert_non_null(strstr(err.reason, quoted));
	}
}

/* The same operations on a machine with the word and on one without: the same places. */
static void run(const char *text, unsigned long *places, unsigned int nr)
{
	static const unsigned int sizes[] = { 2, 24, 100, 300, 1000, 3000, 5000 };
	struct kmem_cache *s[7];
	void *objects[100] = { NULL };
	unsigned int kind[100], i;
	uint64_t seed = 3;

	machine = test_boot(text);
	for (i = 0; i < 7; i++)
		s[i] = cache("s", sizes[i]);
	for (i = 0; i < nr; i++) {
		unsigned int at = (unsigned int)(test_rand(&seed) % 100);

		if (objects[at]) {
			if (kind[at] < 7)
				kmem_cache_free(s[kind[at]], objects[at]);
			else
				kfree(objects[at]);
			objects[at] = NULL;
			places[i] = 0;
			continue;
		}
		kind[at] = (unsigned int)(test_rand(&seed) % 10);
		objects[at] = kind[at] < 7 ? kmem_cache_alloc(s[kind[at]], GFP_KERNEL) :
					     kmalloc(1 + test_rand(&seed) % 2000, GFP_KERNEL);
		assert_non_null(objects[at]);
		places[i] = (unsigned long)ptr_to_kva(objects[at]);
	}
	for (i = 0; i < 100; i++) {
		if (objects[i] && kind[i] < 7)
			kmem_cache_free(s[kind[i]], objects[i]);
		else if (objects[i])
			kfree(objects[i]);
	}
	for (i = 0; i < 7; i++)
		kmem_cache_destroy(s[i]);
	assert_int_equal(slob_pages(), 0);
	test_shutdown(machine, 0);
}

static void objects_lie_where_they_would(void **state)
{
	static unsigned long plain[4000], kept[4000];

	run(SLOB_TEST_MACHINE, plain, 4000);
	run(ALL, kept, 4000);
	assert_memory_equal(plain, kept, sizeof(plain));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		debug_test(an_object_of_another_cache),
		debug_test(any_second_free),
		debug_test(the_inside_of_any_object),
		debug_test(pointers_of_no_slab),
		debug_test(a_leak_report_names_the_objects),
		debug_test(objects_that_wait_for_a_grace_period_are_free),
		debug_test(reports_name_who_allocated),
		cmocka_unit_test(the_word_names_caches),
		cmocka_unit_test(flags_count_on_a_machine_with_the_word_alone),
		cmocka_unit_test(letters_that_slob_cannot_serve_are_refused_by_name),
		cmocka_unit_test(objects_lie_where_they_would),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
