/* SPDX-License-Identifier: MIT */
/* Debug caches by whichever call, on whichever CPU, in however many threads. */
#include "slab_debug_test.h"

#include <pthread.h>

static void last_user(struct slab_cache *s, const void *object, char *name, size_t size)
{
	unsigned long user;

	test_copy_free(&user, slab_last_user(s, object), sizeof(user));
	arch_symbol(user, name, size);
}

static noinline void *open_it(struct slab_cache *s)
{
	void *object = kmem_cache_alloc(&s->common, GFP_KERNEL);

	__asm__ volatile("" ::: "memory");
	return object;
}

static noinline void drop_it(struct slab_cache *s, void *object)
{
	kmem_cache_free(&s->common, object);
	__asm__ volatile("" ::: "memory");
}

static void the_last_user_is_remembered(void **state)
{
	struct slab_cache *s = debug_cache(SLAB_STORE_USER);
	void *object = open_it(s), *bulk[20];
	char name[128];

	last_user(s, object, name, sizeof(name));
	assert_non_null(strstr(name, "open_it+0x"));
	drop_it(s, object);
	last_user(s, object, name, sizeof(name));
	assert_non_null(strstr(name, "drop_it+0x"));
	assert_int_equal(kmem_cache_alloc_bulk(&s->common, GFP_KERNEL, 20, bulk), 20);
	last_user(s, bulk[19], name, sizeof(name));
	assert_non_null(strstr(name, "the_last_user_is_remembered+0x"));
	kmem_cache_free_bulk(&s->common, 20, bulk);
	last_user(s, bulk[5], name, sizeof(name));
	assert_non_null(strstr(name, "the_last_user_is_remembered+0x"));
	finish(s);
}

/* Objects freed on another node's CPU, one by one and in bulk, are looked at as well. */
static void on_whatever_cpu_it_happens(void **state)
{
	struct slab_cache *s = debug_cache(0);
	void *objects[40];
	unsigned int i;

	assert_true(s->debug);
	take_many(s, objects, 40);
	cpu_migrate(1);
	for (i = 0; i < 40; i++)
		set_byte(objects[i], i % 2 ? 104 : -1, 1);
	give_many(s, objects, 20);
	expect_reports(20, MACHINE_BUG, "memory outside object was overwritten");
	kmem_cache_free_bulk(&s->common, 20, objects + 20);
	expect_reports(20, MACHINE_BUG, "memory outside object was overwritten");
	for (i = 0; i < 40; i++) {
		kmem_cache_free_bulk(NULL, 1, &objects[i]);
		expect_report(MACHINE_BUG, "double free detected");
	}
	for (i = 0; i < 40; i++)
		set_byte(objects[i], 50, 0);
	cpu_migrate(0);
	assert_int_equal(kmem_cache_alloc_bulk(&s->common, GFP_KERNEL, 40, objects), 40);
	/* Some are still in alien arrays: those are found when they go home. */
	kmem_cache_free_bulk(&s->common, 40, objects);
	kmem_cache_shrink(&s->common);
	assert_int_equal(test_state.nr_reports, 40);
	expect_reports(40, MACHINE_BUG, "Slab corruption");
	finish(s);
}

static void kmalloc_is_debugged_too(void **state)
{
	static const size_t sizes[] = { 1, 8, 33, 64, 96, 100, 200, 1024, 5000, 8192 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *p = kmalloc(sizes[i], GFP_KERNEL);
		size_t size = ksize(p);

		memset(p, 1, size);
		set_byte(p, (int)size, 1);
		kfree(p);
		expect_report(MACHINE_BUG, "cache `kmalloc-");
		kfree(p);
		expect_report(MACHINE_BUG, "double free detected");
		set_byte(p, (int)size - 1, 1);
		assert_ptr_equal(kmalloc(sizes[i], GFP_KERNEL), p);
		expect_report(MACHINE_BUG, "): kmalloc-");
		kfree(p);
	}
}

static int boot_kmalloc(void **state)
{
	(void)state;
	return boot_text("preset=x86_64 mem=64M cmdline=slab_debug=ZP");
}

static char traced[8192];

static void catch_trace(struct machine *m, int level, const char *line, void *arg)
{
	size_t at = strlen(traced);

	(void)m;
	(void)arg;
	assert_int_equal(level, 6);
	snprintf(traced + at, sizeof(traced) - at, "%s\n", line);
}

/* T: each allocation and free in the log, and nothing else is done. */
static void every_call_is_traced(void **state)
{
	struct slab_cache *s = debug_cache(SLAB_TRACE), *quiet = debug_cache(SLAB_POISON);
	char words[128];
	void *object;

	machine_set_log_sink(machine, catch_trace, NULL);
	assert_int_equal(s->common.flags, SLAB_TRACE);
	traced[0] = '\0';
	object = open_it(s);
	snprintf(words, sizeof(words), "TRACE t alloc 0x%llx active=", slab_addr(object));
	assert_ptr_equal(strstr(traced, words), traced);
	assert_non_null(strstr(traced, "Call Trace:\n"));
	assert_non_null(strstr(traced, "open_it+0x"));
	memset(object, 'x', 100);
	traced[0] = '\0';
	drop_it(s, object);
	snprintf(words, sizeof(words), "TRACE t free 0x%llx active=", slab_addr(object));
	assert_ptr_equal(strstr(traced, words), traced);
	snprintf(words, sizeof(words), "Object   %llx: 78 78 78 ", slab_addr(object));
	assert_non_null(strstr(traced, words));
	assert_non_null(strstr(traced, "drop_it+0x"));
	traced[0] = '\0';
	drop_it(quiet, open_it(quiet));
	assert_string_equal(traced, "");
	machine_set_log_sink(machine, NULL, NULL);
	finish(quiet);
	kmem_cache_destroy(&s->common);
}

/* What all caches find is found here with the same words. */
static void what_plain_caches_find_is_found_as_well(void **state)
{
	struct slab_cache *s = debug_cache(ALL_FLAGS), *other = debug_cache(ALL_FLAGS);
	char *object = take(s);

	give(s, object + 8);
	expect_report(MACHINE_BUG, "kmem_cache_free: " SLAB_BUG_INNER);
	kfree(object - 8);
	expect_report(MACHINE_BUG, "kfree: " SLAB_BUG_INNER);
	give(other, object);
	expect_report(MACHINE_WARN, "Wrong slab cache. t but object is from t");
	assert_non_null(strstr(test_state.last_log, "Last user: ("));
	give(s, &s);
	expect_report(MACHINE_BUG, SLAB_BUG_NO_SLAB);
	kmem_cache_destroy(&s->common);
	assert_int_equal(test_state.nr_reports, 2);
	assert_non_null(strstr(test_state.reports[0].text, "Objects remaining in t"));
	test_state.nr_reports = 0;
	memset(object, 0, 100);
	give(s, object);
	finish(s);
	finish(other);
}

/* The window for user space is where it was, red zone or not. */
static void offsets_count_from_the_object(void **state)
{
	struct kmem_cache *c = kmem_cache_create_usercopy("t", 100, 0, ALL_FLAGS, 8, 16, NULL);
	char *object = kmem_cache_alloc(c, GFP_KERNEL);

	assert_int_equal(kmem_check_usercopy(object + 8, 16, true), 0);
	assert_int_equal(kmem_check_usercopy(object + 7, 2, true), -14);
	expect_report(MACHINE_BUG, "usercopy");
	assert_int_equal(kmem_check_usercopy(object - 1, 1, true), -14);
	expect_report(MACHINE_BUG, "usercopy");
	kmem_cache_free(c, object);
	kmem_cache_destroy(c);
}

/* Everything at random, everything allowed: no word is said. */
static void good_programs_hear_nothing(void **state)
{
	static const unsigned int sizes[] = { 1, 7, 24, 100, 192, 513, 2000, 4096, 6000 };
	uint64_t seed = 11;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct slab_cache *s = make_cache(sizes[i], i % 3 ? 0 : 64, 0, NULL);
		char *objects[150] = { NULL };

		for (j = 0; j < 3000; j++) {
			unsigned int at = (unsigned int)(test_rand(&seed) % 150);

			if (test_rand(&seed) % 64 == 0)
				cpu_migrate((unsigned int)(test_rand(&seed) % 2));
			if (test_rand(&seed) % 500 == 0)
				machine_advance(3000);
			if (!objects[at]) {
				objects[at] = take(s);
				test_fill(objects[at], sizes[i], at);
				continue;
			}
			assert_true(test_filled(objects[at], sizes[i], at));
			give(s, objects[at]);
			objects[at] = NULL;
		}
		for (j = 0; j < 150; j++)
			give(s, objects[j]);
		check_cache(s);
		kmem_cache_destroy(&s->common);
	}
}

/* --- threads ---------------------------------------------------------------------------------- */

#define SLOTS 200

struct crowd {
	struct slab_cache *s;
	void *slots[SLOTS];		/* atomics: objects that any thread may take and free */
	pthread_barrier_t start;
};

/* Each swaps an object of its own for what lies in a slot, which another thread allocated. */
static void *hand_on(void *arg)
{
	struct crowd *c = arg;
	uint64_t seed = (uint64_t)(uintptr_t)&seed;
	unsigned int i;

	pthread_barrier_wait(&c->start);
	for (i = 0; i < 3000; i++) {
		char *object = kmem_cache_alloc(&c->s->common, GFP_KERNEL);
		void **slot = &c->slots[test_rand(&seed) % SLOTS];

		if (object)
			memset(object, (int)i, 100);
		kmem_cache_free(&c->s->common, __atomic_exchange_n(slot, object, __ATOMIC_ACQ_REL));
	}
	return NULL;
}

static void *free_slots(void *arg)
{
	struct crowd *c = arg;
	unsigned int i;

	pthread_barrier_wait(&c->start);
	for (i = 0; i < SLOTS; i++)
		kmem_cache_free(&c->s->common, c->slots[i]);
	return NULL;
}

static void run_crowd(struct crowd *c, void *(*fn)(void *), unsigned int nr)
{
	pthread_t threads[4];
	unsigned int i;

	pthread_barrier_init(&c->start, NULL, nr);
	for (i = 0; i < nr; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, fn, c), 0);
	for (i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&c->start);
}

static void good_threads_hear_nothing(void **state)
{
	static struct crowd c;
	unsigned int i;

	c = (struct crowd){ .s = debug_cache(0) };
	run_crowd(&c, hand_on, 4);
	for (i = 0; i < SLOTS; i++)
		give(c.s, c.slots[i]);
	expect_no_reports();
	finish(c.s);
}

/* Two threads free the same objects: each is freed once, and told of once. */
static void of_two_threads_one_frees(void **state)
{
	static struct crowd c;

	c = (struct crowd){ .s = debug_cache(SLAB_CONSISTENCY_CHECKS) };
	take_many(c.s, c.slots, SLOTS);
	run_crowd(&c, free_slots, 2);
	assert_int_equal(test_state.nr_reports, SLOTS);
	test_state.nr_reports = 0;
	finish(c.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		slab_test(the_last_user_is_remembered, boot_debug),
		slab_test(on_whatever_cpu_it_happens, boot_debug_two_nodes),
		slab_test(kmalloc_is_debugged_too, boot_kmalloc),
		slab_test(every_call_is_traced, boot_debug),
		slab_test(what_plain_caches_find_is_found_as_well, boot_debug),
		slab_test(offsets_count_from_the_object, boot_debug),
		slab_test(good_programs_hear_nothing, boot_debug_two_nodes),
		slab_test(good_threads_hear_nothing, boot_debug_two_nodes),
		slab_test(of_two_threads_one_frees, boot_debug),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
