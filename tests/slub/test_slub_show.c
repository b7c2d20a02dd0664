/* SPDX-License-Identifier: MIT */
/* The lines that show a cache from outside, and the list of live objects in a leak report. */
#include "slub_test.h"

static void *first_base;

/* Slabs by their distance from the first: "s0", "s1", … */
static void label(void *arg, const struct kmem_cache *s, const void *base, char *buf, size_t size)
{
	assert_ptr_equal(arg, &first_base);
	snprintf(buf, size, "s%ld", ((const char *)base - (char *)first_base) / (long)PAGE_SIZE);
}

static void expect_state(struct kmem_cache *s, const char *text)
{
	char got[1000];

	assert_true(kmem_cache_print_state(s, label, &first_base, got, sizeof(got)) < 1000);
	assert_string_equal(got, text);
}

static void a_story_in_state_lines(void **state)
{
	struct machine *m = test_boot(ONE_CPU);
	struct kmem_cache *s = kmem_cache_create("story", 512, 0, 0, NULL);
	void *p[12];

	expect_state(s, "cpu=- cpupartial=[] node0 nr_partial=0 nr_slabs=0 total=0 partial=[]");
	for (int i = 0; i < 12; i++)
		assert_non_null(p[i] = kmem_cache_alloc(s, GFP_KERNEL));
	first_base = kmem_slab_base(p[0]);
	assert_ptr_equal(kmem_slab_base(p[8]), (char *)first_base + PAGE_SIZE);
	expect_state(s, "cpu=s1:free=4,inuse=8 cpupartial=[] "
			"node0 nr_partial=0 nr_slabs=2 total=16 partial=[]");
	kmem_cache_free(s, p[0]);
	expect_state(s, "cpu=s1:free=4,inuse=8 cpupartial=[s0:7/8] "
			"node0 nr_partial=0 nr_slabs=2 total=16 partial=[]");
	assert_int_equal(kmem_cache_shrink(s), 1);
	expect_state(s, "cpu=- cpupartial=[] "
			"node0 nr_partial=2 nr_slabs=2 total=16 partial=[s0:7/8 s1:4/8]");
	for (int i = 1; i < 12; i++)
		kmem_cache_free(s, p[i]);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void other_cpus_follow_when_they_hold_something(void **state)
{
	struct machine *m = test_boot(SLUB_MACHINE " cpus=3");
	struct kmem_cache *s = kmem_cache_create("cpus", 2048, 0, 0, NULL);
	void *p;

	assert_int_equal(cpu_migrate(2), 0);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	first_base = kmem_slab_base(p);
	assert_int_equal(slub_of(s)->oo.objects, 16);
	expect_state(s, "cpu=s0:free=15,inuse=16 cpupartial=[] "
			"node0 nr_partial=0 nr_slabs=1 total=16 partial=[]");
	assert_int_equal(cpu_migrate(0), 0);
	expect_state(s, "cpu=- cpupartial=[] cpu2=s0:free=15,inuse=16 cpupartial2=[] "
			"node0 nr_partial=0 nr_slabs=1 total=16 partial=[]");
	kmem_cache_free(s, p);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void counts_take_what_cpus_hold_as_active(void **state)
{
	struct machine *m = test_boot(ONE_CPU);
	struct kmem_cache *s = kmem_cache_create("counts", 512, 0, 0, NULL);
	void *p[10];
	char text[500];

	for (int i = 0; i < 10; i++)
		assert_non_null(p[i] = kmem_cache_alloc(s, GFP_KERNEL));
	kmem_cache_free(s, p[0]);
	kmem_cache_print_geometry(s, true, text, sizeof(text));
	assert_non_null(strstr(text, " flags=40000000 active_objs=16 num_objs=16 active_slabs=2 "
				     "num_slabs=2 shared_avail=0"));
	kmem_cache_shrink(s);
	kmem_cache_print_geometry(s, true, text, sizeof(text));
	assert_non_null(strstr(text, " active_objs=9 num_objs=16 active_slabs=2 num_slabs=2 "));
	for (int i = 1; i < 10; i++)
		kmem_cache_free(s, p[i]);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

/* Live objects are named wherever their slab is; free ones are not. */
static void leaks_are_listed_one_by_one(void **state)
{
	struct machine *m = test_boot(ONE_CPU);
	struct kmem_cache *s = kmem_cache_create("leaky", 1024, 0, 0, NULL);
	const char *text, *line;
	void *p[20];
	int objects = 0;

	for (int i = 0; i < 20; i++)
		assert_non_null(p[i] = kmem_cache_alloc(s, GFP_KERNEL));
	for (int i = 8; i < 20; i += 2)
		kmem_cache_free(s, p[i]);
	kmem_cache_destroy(s);
	assert_int_equal(test_state.nr_reports, 2);
	text = test_state.reports[0].text;
	assert_non_null(strstr(text, "Objects remaining in leaky on __kmem_cache_shutdown()"));
	assert_non_null(strstr(text, " objects=8 used=8 "));
	assert_non_null(strstr(text, " objects=8 used=4 "));
	assert_non_null(strstr(text, "(slab|head|node=0|zone="));
	for (line = text; (line = strstr(line, "\nObject 0x")) != NULL; line++)
		objects++;
	assert_int_equal(objects, 14);
	for (int i = 0; i < 20; i++) {
		char want[60];

		snprintf(want, sizeof(want), "\nObject 0x%llx @offset=%ld\n", slab_addr(p[i]),
			 (long)((char *)p[i] - (char *)kmem_slab_base(p[i])));
		assert_int_equal(strstr(text, want) != NULL, i < 8 || i % 2);
	}
	test_state.nr_reports = 0;
	assert_int_equal(check_cache(s), 14);
	for (int i = 0; i < 20; i++)
		if (i < 8 || i % 2)
			kmem_cache_free(s, p[i]);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void slabinfo_has_the_caches_numbers(void **state)
{
	struct machine *m = test_boot(ONE_CPU);
	struct kmem_cache *s = kmem_cache_create("numbers", 512, 0, 0, NULL);
	void *p = kmem_cache_alloc(s, GFP_KERNEL);
	char *text = test_proc("slabinfo");
	unsigned int active, total, size, objects, pages;
	const char *line = strstr(text, "\nnumbers ");

	assert_non_null(line);
	assert_int_equal(sscanf(line, " numbers %u %u %u %u %u", &active, &total, &size, &objects,
				&pages), 5);
	assert_int_equal(active, 8);
	assert_int_equal(total, 8);
	assert_int_equal(size, 512);
	assert_int_equal(objects, 8);
	assert_int_equal(pages, 1);
	free(text);
	kmem_cache_free(s, p);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_story_in_state_lines),
		cmocka_unit_test(other_cpus_follow_when_they_hold_something),
		cmocka_unit_test(counts_take_what_cpus_hold_as_active),
		cmocka_unit_test(leaks_are_listed_one_by_one),
		cmocka_unit_test(slabinfo_has_the_caches_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
