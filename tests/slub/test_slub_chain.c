/* SPDX-License-Identifier: MIT */
/* Lists that a double free or a write after free broke, in caches that look at nothing: whoever walks
 * them comes back, says so, and the machine goes on. */
#include "slub_test.h"

#include <pthread.h>

static char text[1024];

static void name_slab(void *arg, const struct kmem_cache *s, const void *base, char *buf, size_t size)
{
	(void)arg;
	(void)s;
	(void)base;
	snprintf(buf, size, "slab");
}

static const char *state_of_cache(struct kmem_cache *s)
{
	assert_true(kmem_cache_print_state(s, name_slab, NULL, text, sizeof(text)) < (long)sizeof(text));
	return text;
}

static void expect_refused_list(void)
{
	expect_report(MACHINE_BUG, "slub: free list was overwritten, or an object freed twice");
}

/* All objects that come now are different ones, and none of the @live. */
static void expect_sound(struct kmem_cache *s, void **live, unsigned int nr_live)
{
	void *p[300];
	unsigned int i, j;

	for (i = 0; i < 300; i++) {
		assert_non_null(p[i] = kmem_cache_alloc(s, GFP_KERNEL));
		memset(p[i], (int)i, kmem_cache_size(s));
		for (j = 0; j < i; j++)
			assert_ptr_not_equal(p[i], p[j]);
		for (j = 0; j < nr_live; j++)
			assert_ptr_not_equal(p[i], live[j]);
	}
	for (i = 0; i < 300; i++)
		kmem_cache_free(s, p[i]);
	expect_no_reports();
}

/* What a test broke counts as used: a leak at the end. */
static void end_leaky(struct machine *m, struct kmem_cache *s)
{
	kmem_cache_destroy(s);
	assert_true(test_state.nr_reports > 0);
	machine_shutdown(m);
	test_state.nr_reports = 0;
}

static void a_list_that_runs_in_a_circle(void **state)
{
	static const unsigned int lengths[] = {2, 3, 7, 30};

	for (unsigned int i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct machine *m = test_boot(ONE_CPU);
		struct kmem_cache *s = kmem_cache_create("t", 64, 0, 0, NULL);
		unsigned int n = lengths[i];
		void *p[31];

		for (unsigned int j = 0; j < n; j++)
			p[j] = kmem_cache_alloc(s, GFP_KERNEL);
		for (unsigned int j = 0; j < n; j++)
			kmem_cache_free(s, p[j]);
		assert_string_not_equal(state_of_cache(s), "");
		assert_null(strstr(text, "free=?"));
		kmem_cache_free(s, p[0]);
		expect_no_reports();
		assert_non_null(strstr(state_of_cache(s), "cpu=slab:free=?,inuse="));
		/* as in Linux: the same ones again and again */
		for (unsigned int j = 0; j < 2 * n; j++)
			assert_non_null(kmem_cache_alloc(s, GFP_KERNEL));
		kmem_cache_shrink(s);
		expect_refused_list();
		assert_null(strstr(state_of_cache(s), "free=?"));
		expect_sound(s, p, n);
		end_leaky(m, s);
	}
}

static void a_link_that_leads_anywhere(void **state)
{
	static const uintptr_t words[] = {1, (uintptr_t)0x4141414141414141ull, UINTPTR_MAX};

	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]) + 2; i++) {
		struct machine *m = test_boot(ONE_CPU);
		struct kmem_cache *s = kmem_cache_create("t", 64, 0, 0, NULL);
		struct kmem_cache *other = kmem_cache_create("other", 64, 0, 0, NULL);
		void *p[3], *stranger = kmem_cache_alloc(other, GFP_KERNEL);
		uintptr_t word = i < 3 ? words[i] : i == 3 ? (uintptr_t)stranger : 0;

		for (unsigned int j = 0; j < 3; j++)
			p[j] = kmem_cache_alloc(s, GFP_KERNEL);
		kmem_cache_free(s, p[1]);
		kmem_cache_free(s, p[2]);
		if (!word)
			word = (uintptr_t)p[0] + 8;
		/* now p[2] is linked, too */
		assert_ptr_equal(cpu_part(s, 0)->freelist, p[2]);
		for (unsigned int j = 0; j < sizeof(word); j++)
			test_scribble_free((char *)p[2] + slub_of(s)->offset + j,
					   (int)(word >> 8 * j & 0xff), 1);
		assert_non_null(strstr(state_of_cache(s), "free=?"));
		kmem_cache_shrink(s);
		expect_refused_list();
		expect_sound(s, p, 3);
		kmem_cache_free(other, stranger);
		kmem_cache_destroy(other);
		end_leaky(m, s);
	}
}

/* A machine with a second thread gathers objects of other slabs in a sheaf. */
static struct {
	pthread_barrier_t barrier;
} second;

static void *stay(void *arg)
{
	void *p = kmalloc(8, GFP_KERNEL);

	(void)arg;
	kfree(p);
	pthread_barrier_wait(&second.barrier);
	pthread_barrier_wait(&second.barrier);
	return NULL;
}

static void a_sheaf_that_runs_in_a_circle(void **state)
{
	struct machine *m = test_boot(SLUB_MACHINE " cpus=2");
	struct kmem_cache *s = kmem_cache_create("t", 64, 0, 0, NULL);
	void *p[300];
	pthread_t thread;
	unsigned int i;

	pthread_barrier_init(&second.barrier, NULL, 2);
	assert_int_equal(pthread_create(&thread, NULL, stay, NULL), 0);
	pthread_barrier_wait(&second.barrier);
	for (i = 0; i < 300; i++)
		p[i] = kmem_cache_alloc(s, GFP_KERNEL);
	/* of the first slab, which is no CPU's any more */
	for (i = 0; i < 4; i++)
		kmem_cache_free(s, p[i]);
	kmem_cache_free(s, p[0]);
	kmem_cache_free(s, p[4]);
	expect_no_reports();
	assert_ptr_equal(cpu_part(s, 0)->sheaf, p[0]);
	kmem_cache_shrink(s);
	expect_refused_list();
	test_state.nr_reports = 0;
	for (i = 5; i < 300; i++)
		kmem_cache_free(s, p[i]);
	pthread_barrier_wait(&second.barrier);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&second.barrier);
	machine_shutdown(m);
	test_state.nr_reports = 0;
}

/* With hardening, too, where a double free is no bad link. */
static void a_hardened_list_that_runs_in_a_circle(void **state)
{
	struct machine *m = test_boot(ONE_CPU " cmdline=slab_freelist_hardened");
	struct kmem_cache *s = kmem_cache_create("t", 64, 0, 0, NULL);
	void *p[3];

	for (unsigned int j = 0; j < 3; j++)
		p[j] = kmem_cache_alloc(s, GFP_KERNEL);
	for (unsigned int j = 0; j < 3; j++)
		kmem_cache_free(s, p[j]);
	kmem_cache_free(s, p[0]);
	assert_non_null(strstr(state_of_cache(s), "free=?"));
	kmem_cache_shrink(s);
	expect_refused_list();
	expect_sound(s, p, 3);
	end_leaky(m, s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_that_runs_in_a_circle),
		cmocka_unit_test(a_link_that_leads_anywhere),
		cmocka_unit_test(a_sheaf_that_runs_in_a_circle),
		cmocka_unit_test(a_hardened_list_that_runs_in_a_circle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
