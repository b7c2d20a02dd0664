/* SPDX-License-Identifier: MIT */
/* Tunables written to slabinfo: what is taken, what it does, and that nothing is lost. */
#include "slab_test.h"

#include <pthread.h>

/* 120 objects an array, 60 a batch, 32 a slab. */
static struct slab_cache *cache_of_120(void)
{
	return make_cache(128, 0, 0, NULL);
}

static long tune(const char *text)
{
	return proc_write("slabinfo", text, strlen(text));
}

/* What slabinfo says of the cache "t". */
static void expect_tunables(unsigned int limit, unsigned int batchcount, unsigned int shared)
{
	unsigned int l, b, sh;
	char *text = test_proc("slabinfo");
	const char *line = strstr(text, "\nt ");

	assert_non_null(line);
	line = strstr(line, "tunables");
	assert_int_equal(sscanf(line, "tunables %u %u %u", &l, &b, &sh), 3);
	assert_int_equal(l, limit);
	assert_int_equal(b, batchcount);
	assert_int_equal(sh, shared);
	free(text);
}

static void a_line_is_name_and_three_numbers(void **state)
{
	static const char *const bad[] = {
		"", "t", "t ", "t 10", "t 10 5", "t 10 5 x", "t x 5 0", "t\t10 5 0", " t 10 5 0",
		"nosuch 10 5 0", "t 99999999999 5 0", "t 10 5 -", "tt 10 5 0",
	};
	struct slab_cache *s = cache_of_120();
	char line[200];
	unsigned int i;

	expect_tunables(120, 60, 8);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(tune(bad[i]), -22);
	expect_tunables(120, 60, 8);
	assert_int_equal(tune("t 10 5 2"), 8);
	expect_tunables(10, 5, 2);
	assert_int_equal(tune("t  20\t 5 \n0 and more\n"), 21);
	expect_tunables(20, 5, 0);
	/* No NUL is needed; what lies behind @len is not read. */
	assert_int_equal(proc_write("slabinfo", "t 30 3 19", 8), 8);
	expect_tunables(30, 3, 1);
	/* 128 bytes are taken, 129 are not. */
	memset(line, ' ', sizeof(line));
	memcpy(line, "t 12 6 1", 8);
	assert_int_equal(proc_write("slabinfo", line, 129), -22);
	assert_int_equal(proc_write("slabinfo", line, 128), 128);
	expect_tunables(12, 6, 1);
	kmem_cache_destroy(&s->common);
}

/* As in Linux: the bytes are taken, nothing changes. */
static void senseless_numbers_change_nothing(void **state)
{
	static const char *const senseless[] = {
		"t 0 0 0", "t 10 11 0", "t 10 0 0", "t 10 5 -1", "t -10 5 0", "t 10 -5 0",
	};
	struct slab_cache *s = cache_of_120();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(senseless); i++)
		assert_int_equal(tune(senseless[i]), (long)strlen(senseless[i]));
	expect_tunables(120, 60, 8);
	kmem_cache_destroy(&s->common);
}

static void too_large_is_refused_and_changes_nothing(void **state)
{
	struct slab_cache *s = cache_of_120();
	size_t used = percpu_used(s->common.kernel), meta = meta_pool_used(s->common.kernel);
	void *object = take(s);

	assert_int_equal(tune("t 2000000000 1 0"), -12);
	assert_int_equal(tune("t 100 100 2000000000"), -12);
	assert_int_equal(tune("t 2000000000 2000000000 2000000000"), -12);
	expect_tunables(120, 60, 8);
	assert_int_equal(percpu_used(s->common.kernel), used);
	assert_int_equal(meta_pool_used(s->common.kernel), meta);
	assert_int_equal(array_of(s, 0)->avail, 15);
	give(s, object);
	kmem_cache_destroy(&s->common);
}

/* The limits are what the arrays have from then on. */
static void arrays_have_the_new_limits(void **state)
{
	struct slab_cache *s = cache_of_120();
	struct slab_node *n = s->node[0];
	struct slab_array *ac;
	void *objects[64];

	assert_int_equal(tune("t 8 4 2"), 7);
	assert_int_equal(n->shared_limit, 8);
	assert_int_equal(n->free_limit, (1 + 2) * 4 + 32);
	ac = array_of(s, 0);
	take_many(s, objects, 64);
	/* Never more than a batch of 4 at once. */
	assert_int_equal(ac->avail, 0);
	give_many(s, objects, 8);
	assert_int_equal(ac->avail, 8);
	give(s, objects[8]);
	assert_int_equal(ac->avail, 5);
	assert_int_equal(n->shared->avail, 4);
	assert_ptr_equal(n->shared->entry[0], objects[0]);
	give_many(s, objects + 9, 55);
	assert_true(ac->avail <= 8 && n->shared->avail <= 8);
	check_cache(s);
	kmem_cache_destroy(&s->common);
}

/* Free objects go home, live ones keep what they hold, and every object is somewhere. */
static void nothing_is_lost(void **state)
{
	static const char *const lines[] = {
		"t 1 1 0", "t 500 250 3", "t 16 16 1", "t 120 60 8", "t 7 3 0", "t 300 100 2",
	};
	struct slab_cache *s = cache_of_120();
	static void *objects[1000];
	unsigned int i, line, live = 1000;
	uint64_t seed = 5;

	for (i = 0; i < live; i++) {
		cpu_migrate(i % 2);
		objects[i] = take(s);
		test_fill(objects[i], 128, (uint64_t)(uintptr_t)objects[i]);
	}
	for (line = 0; line < 60; line++) {
		unsigned long out = 0, nid;

		for (i = 0; i < 40; i++) {
			unsigned int at = (unsigned int)(test_rand(&seed) % live);

			cpu_migrate((unsigned int)(test_rand(&seed) % 2));
			assert_true(test_filled(objects[at], 128, (uint64_t)(uintptr_t)objects[at]));
			give(s, objects[at]);
			if (test_rand(&seed) % 8) {
				cpu_migrate((unsigned int)(test_rand(&seed) % 2));
				objects[at] = take(s);
				test_fill(objects[at], 128, (uint64_t)(uintptr_t)objects[at]);
			} else {
				objects[at] = objects[--live];
			}
		}
		assert_true(tune(lines[line % ARRAY_SIZE(lines)]) > 0);
		assert_int_equal(array_of(s, 0)->avail, 0);
		assert_int_equal(array_of(s, 1)->avail, 0);
		check_cache(s);
		for (nid = 0; nid < 2; nid++)
			out += s->node[nid]->total_slabs * s->geo.num - s->node[nid]->free_objects -
			       s->node[!nid]->alien[nid]->avail;
		assert_int_equal(out, live);
	}
	give_many(s, objects, live);
	kmem_cache_destroy(&s->common);
}

/* A batch larger than what travels at once moves as if it were one. */
static void a_large_batch_is_one_batch(void **state)
{
	struct slab_cache *s = cache_of_120();
	struct slab_node *n = s->node[0];
	static void *objects[1200];
	struct slab_array *ac;
	unsigned int i;

	assert_int_equal(tune("t 400 200 4"), 11);
	ac = array_of(s, 0);
	ac->touched = 1;
	take_many(s, objects, 896);
	assert_int_equal(ac->avail, 0);
	give_many(s, objects, 400);
	assert_int_equal(n->shared->avail, 0);
	give(s, objects[400]);
	/* The oldest 200, in their order. */
	assert_int_equal(ac->avail, 201);
	assert_int_equal(n->shared->avail, 200);
	for (i = 0; i < 200; i++)
		assert_ptr_equal(n->shared->entry[i], objects[i]);
	for (i = 0; i < 201; i++)
		assert_ptr_equal(ac->entry[i], objects[200 + i]);
	/* And back: the whole batch, its last one handed out. */
	for (i = 401; i > 200; i--)
		assert_ptr_equal(take(s), objects[i - 1]);
	assert_int_equal(ac->avail, 0);
	assert_ptr_equal(take(s), objects[199]);
	assert_int_equal(ac->avail, 199);
	assert_int_equal(n->shared->avail, 0);
	for (i = 0; i < 199; i++)
		assert_ptr_equal(ac->entry[i], objects[i]);

	/* From the lists, over several slabs, and to them when there is no shared array. */
	assert_int_equal(tune("t 400 200 0"), 11);
	ac = array_of(s, 0);
	assert_null(n->shared);
	ac->touched = 1;
	assert_int_equal(n->free_objects, 199);
	objects[0] = take(s);
	assert_int_equal(ac->avail, 198);
	assert_int_equal(n->free_objects, 0);
	give(s, objects[0]);
	give_many(s, objects + 200, 201);
	assert_int_equal(ac->avail, 400);
	give(s, objects[401]);
	assert_int_equal(ac->avail, 201);
	assert_int_equal(n->free_objects, 200);
	give_many(s, objects + 402, 494);
	check_cache(s);
	kmem_cache_shrink(&s->common);
	assert_int_equal(n->total_slabs * 32 - n->free_objects, 1);
	give(s, objects[199]);
	kmem_cache_destroy(&s->common);
}

static void a_cache_without_a_shared_array_gets_one(void **state)
{
	struct slab_cache *s = cache_of_120();
	struct slab_node *n = s->node[0];

	assert_null(n->shared);
	assert_int_equal(tune("t 120 60 2"), 10);
	assert_non_null(n->shared);
	assert_int_equal(n->shared_limit, 120);
	assert_int_equal(tune("t 120 60 0"), 10);
	assert_null(n->shared);
	kmem_cache_destroy(&s->common);
}

/* The classes of kmalloc serve the tuning itself, and can be tuned as well. */
static void kmalloc_can_be_tuned(void **state)
{
	void *p = kmalloc(100, GFP_KERNEL);

	assert_int_equal(tune("kmalloc-128 10 5 1"), 18);
	assert_int_equal(tune("kmalloc-1k 300 100 4"), 20);
	assert_int_equal(tune("kmem_cache 5 5 0"), 16);
	kfree(kmalloc(100, GFP_KERNEL));
	kfree(p);
}

static void init_on_free_stays_on(void **state)
{
	struct slab_cache *s = cache_of_120();
	char *object = take(s);
	unsigned int i;

	assert_int_equal(tune("t 10 5 0"), 8);
	memset(object, 1, 128);
	give(s, object);
	assert_ptr_equal(array_of(s, 0)->entry[0], object);
	for (i = 0; i < 128; i++) {
		char byte;

		test_copy_free(&byte, object + i, 1);
		assert_int_equal(byte, 0);
	}
	kmem_cache_destroy(&s->common);
}

/* --- while others work ------------------------------------------------------------------------ */

struct worker {
	struct slab_cache *s;
	pthread_t thread;
	unsigned int seed, bad;
};

static unsigned int stop;

static void *work(void *arg)
{
	struct worker *w = arg;
	uint64_t seed = w->seed;
	void *objects[64] = { NULL };
	unsigned int i;

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		i = (unsigned int)(test_rand(&seed) % 64);
		if (objects[i]) {
			w->bad += !test_filled(objects[i], 128, w->seed + i);
			kmem_cache_free(&w->s->common, objects[i]);
			objects[i] = NULL;
			continue;
		}
		objects[i] = kmem_cache_alloc(&w->s->common, GFP_KERNEL);
		if (objects[i])
			test_fill(objects[i], 128, w->seed + i);
		else
			w->bad++;
	}
	for (i = 0; i < 64; i++)
		kmem_cache_free(&w->s->common, objects[i]);
	return NULL;
}

/* Threads allocate and free while the arrays are changed, and reaped, under their feet. */
static void others_notice_nothing(void **state)
{
	struct slab_cache *s = cache_of_120();
	struct worker workers[3];
	char line[64];
	unsigned int i;

	stop = 0;
	for (i = 0; i < 3; i++) {
		workers[i] = (struct worker){ .s = s, .seed = i + 1 };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (i = 0; i < 300; i++) {
		snprintf(line, sizeof(line), "t %u %u %u", 1 + i % 150, 1 + i % 150 / (1 + i % 3), i % 4);
		assert_int_equal(tune(line), (long)strlen(line));
		machine_advance(1000);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	for (i = 0; i < 3; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].bad, 0);
	}
	check_cache(s);
	kmem_cache_destroy(&s->common);
}

static int boot_init_on_free(void **state)
{
	(void)state;
	return boot_text(ONE_CPU " cmdline=init_on_free=1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		slab_test(a_line_is_name_and_three_numbers, boot_two_cpus),
		slab_test(senseless_numbers_change_nothing, boot_two_cpus),
		slab_test(too_large_is_refused_and_changes_nothing, boot_two_cpus),
		slab_test(arrays_have_the_new_limits, boot_two_cpus),
		slab_test(nothing_is_lost, boot_two_nodes),
		slab_test(a_large_batch_is_one_batch, boot_two_cpus),
		slab_test(a_cache_without_a_shared_array_gets_one, boot_one_cpu),
		slab_test(kmalloc_can_be_tuned, boot_plain),
		slab_test(init_on_free_stays_on, boot_init_on_free),
		slab_test(others_notice_nothing, boot_two_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
