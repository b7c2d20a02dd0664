/* SPDX-License-Identifier: MIT */
/* Allocation beyond the arrays: other nodes, exhaustion, bulk, zeroing, misuse. */
#include "slab_test.h"

#include <pthread.h>
#include <sched.h>

static unsigned int node_of(struct slab_cache *s, const void *object)
{
	return slab_nid(slab_of_object(s, object));
}

static void every_node_serves_its_cpus(void **state)
{
	struct slab_cache *s = make_cache(512, 0, 0, NULL);
	void *a = take(s), *b;

	assert_int_equal(node_of(s, a), 0);
	cpu_migrate(1);
	b = take(s);
	assert_int_equal(node_of(s, b), 1);
	give(s, a);
	give(s, b);
	kmem_cache_destroy(&s->common);
}

/* Take objects of 8 KiB from @nid alone until there are none. */
static unsigned int take_all(struct slab_cache *s, int nid, void **objects, unsigned int max)
{
	gfp_t gfp = GFP_NOWAIT | __GFP_THISNODE | __GFP_NOWARN;
	unsigned int nr = 0;

	while (nr < max && (objects[nr] = kmem_cache_alloc_node(&s->common, gfp, nid)))
		nr++;
	assert_true(nr > 0 && nr < max);
	return nr;
}

#define MANY 40000

/* When a node has run out, free objects of other nodes come first, then new slabs there. */
static void an_empty_node_is_helped_out(void **state)
{
	struct slab_cache *hog = make_cache(8192, 0, 0, NULL);
	struct slab_cache *s = make_cache(8192, 0, 0, NULL);
	void **objects = malloc(MANY * sizeof(*objects));
	void *other, *object;
	unsigned int nr;

	assert_non_null(objects);
	other = kmem_cache_alloc_node(&s->common, GFP_KERNEL, 1);
	slab_node_free(s, s->node[1], &other, 1);
	assert_int_equal(s->node[1]->free_slabs, 1);

	nr = take_all(hog, 0, objects, MANY);
	/* This node only: nothing. Any node: the free object of node 1, then a new slab there. */
	assert_null(kmem_cache_alloc(&s->common, GFP_NOWAIT | __GFP_THISNODE | __GFP_NOWARN));
	object = kmem_cache_alloc(&s->common, GFP_NOWAIT);
	assert_ptr_equal(object, other);
	other = kmem_cache_alloc(&s->common, GFP_NOWAIT);
	assert_non_null(other);
	assert_int_equal(node_of(s, other), 1);
	assert_int_equal(array_of(s, 0)->avail, 0);
	/* They go home through the alien array. */
	give(s, object);
	give(s, other);
	assert_int_equal(s->node[0]->alien[1]->avail, 2);

	give_many(hog, objects, nr);
	check_cache(hog);
	check_cache(s);
	free(objects);
	kmem_cache_destroy(&hog->common);
	kmem_cache_destroy(&s->common);
}

static void running_out_is_null_and_harmless(void **state)
{
	struct slab_cache *s = make_cache(2048, 0, 0, NULL);
	void **objects = malloc(2 * MANY * sizeof(*objects)), *p[40];
	unsigned int nr = 0;

	assert_non_null(objects);
	while ((objects[nr] = kmem_cache_alloc(&s->common, GFP_NOWAIT | __GFP_NOWARN)))
		assert_true(++nr < 2 * MANY);
	assert_int_equal(kmem_cache_alloc_bulk(&s->common, GFP_NOWAIT | __GFP_NOWARN, 40, p), 0);
	give_many(s, objects, 20);
	/* All or nothing: what the first twenty took has come back. */
	assert_int_equal(kmem_cache_alloc_bulk(&s->common, GFP_NOWAIT | __GFP_NOWARN, 40, p), 0);
	assert_int_equal(kmem_cache_alloc_bulk(&s->common, GFP_NOWAIT | __GFP_NOWARN, 20, p), 20);
	kmem_cache_free_bulk(&s->common, 20, p);
	give_many(s, objects + 20, nr - 20);
	check_cache(s);
	free(objects);
	kmem_cache_destroy(&s->common);
}

/* Bulk gives the same objects in the same order as single calls. */
static void bulk_is_many_singles(void **state)
{
	struct slab_cache *a = make_cache(200, 0, 0, NULL), *b = make_cache(200, 0, 0, NULL);
	void *one[300], *many[300];
	unsigned int i;

	take_many(a, one, 300);
	assert_int_equal(kmem_cache_alloc_bulk(&b->common, GFP_KERNEL, 300, many), 300);
	for (i = 0; i < 300; i++)
		assert_int_equal(offset_of(a, one[i]), offset_of(b, many[i]));
	give_many(a, one, 250);
	kmem_cache_free_bulk(&b->common, 250, many);
	assert_int_equal(array_of(a, 0)->avail, array_of(b, 0)->avail);
	for (i = 0; i < array_of(a, 0)->avail; i++)
		assert_int_equal(offset_of(a, array_of(a, 0)->entry[i]),
				 offset_of(b, array_of(b, 0)->entry[i]));
	give_many(a, one + 250, 50);
	/* Without a cache each object goes to its own. */
	kmem_cache_free_bulk(NULL, 50, many + 250);
	check_cache(b);
	kmem_cache_destroy(&a->common);
	kmem_cache_destroy(&b->common);
}

static void zeroed_objects_are_zero(void **state)
{
	struct slab_cache *s = make_cache(300, 0, 0, NULL);
	void *p[100];
	unsigned int i, j;

	take_many(s, p, 100);
	for (i = 0; i < 100; i++)
		memset(p[i], 0xaa, 300);
	give_many(s, p, 100);
	assert_int_equal(kmem_cache_alloc_bulk(&s->common, GFP_KERNEL | __GFP_ZERO, 99, p), 99);
	p[99] = kmem_cache_alloc_node(&s->common, GFP_KERNEL | __GFP_ZERO, 0);
	for (i = 0; i < 100; i++) {
		for (j = 0; j < 300; j++)
			assert_int_equal(((char *)p[i])[j], 0);
	}
	give_many(s, p, 100);
	kmem_cache_destroy(&s->common);
}

static void move_to_node_1(void *object)
{
	cpu_migrate(1);
}

/* The thread is on another node when a refill comes back: the batch goes home, only the object that
 * was asked for is handed out. */
static void a_batch_does_not_follow_the_thread(void **state)
{
	struct slab_cache *s = make_cache(512, 0, 0, move_to_node_1);
	void *object = take(s);

	assert_int_equal(node_of(s, object), 0);
	assert_int_equal(smp_processor_id(), 1);
	assert_int_equal(array_of(s, 0)->avail, 0);
	assert_int_equal(array_of(s, 1)->avail, 0);
	assert_int_equal(s->node[0]->free_objects, s->geo.num - 1);
	check_cache(s);
	give(s, object);
	kmem_cache_destroy(&s->common);
}

static void *wait_for_end(void *arg)
{
	pthread_mutex_t *end = arg;

	numa_node_id();
	pthread_mutex_lock(end);
	pthread_mutex_unlock(end);
	return NULL;
}

/* A second thread on the only CPU makes it shared: every call takes the slow entry and does the
 * same. */
static void a_shared_cpu_does_the_same(void **state)
{
	struct slab_cache *s = make_cache(200, 0, 0, NULL);
	pthread_mutex_t end = PTHREAD_MUTEX_INITIALIZER;
	uint32_t *claim = &arch_cpu_by_id(s->common.kernel->arch, 0)->claim;
	void *p[200], *q = take(s);
	pthread_t other;
	unsigned int i;

	pthread_mutex_lock(&end);
	assert_int_equal(pthread_create(&other, NULL, wait_for_end, &end), 0);
	while (!__atomic_load_n(claim, __ATOMIC_ACQUIRE))
		sched_yield();
	assert_null(arch_cpu_tryenter());
	give(s, q);
	assert_ptr_equal(take(s), q);
	assert_int_equal(kmem_cache_alloc_bulk(&s->common, GFP_KERNEL, 200, p), 200);
	for (i = 0; i < 200; i++)
		assert_ptr_not_equal(p[i], q);
	kmem_cache_free_bulk(&s->common, 200, p);
	give(s, q);
	p[0] = kmalloc(10, GFP_KERNEL);
	p[1] = kmalloc_node(10, GFP_KERNEL | __GFP_ZERO, 0);
	assert_int_equal(*(char *)p[1], 0);
	kfree(p[0]);
	kfree(p[1]);
	check_cache(s);
	pthread_mutex_unlock(&end);
	pthread_join(other, NULL);
	kmem_cache_destroy(&s->common);
}

static void a_node_that_is_not_there(void **state)
{
	struct slab_cache *s = make_cache(512, 0, 0, NULL);

	void *object = kmem_cache_alloc_node(&s->common, GFP_KERNEL, 2);

	/* As if nothing had been said: this CPU's array serves. */
	assert_int_equal(node_of(s, object), 0);
	assert_int_equal(array_of(s, 0)->avail, s->geo.num - 1);
	give(s, object);
	assert_null(kmem_cache_alloc_node(&s->common, GFP_KERNEL | __GFP_THISNODE, 2));
	expect_no_reports();
	assert_null(kmem_cache_alloc_node(&s->common, GFP_KERNEL, -7));
	expect_report(MACHINE_BUG, "-7 is no node");
	kmem_cache_destroy(&s->common);
}

static void a_cache_of_another_machine(void **state)
{
	struct slab_cache *s = make_cache(512, 0, 0, NULL);
	struct machine *first = machine, *second = test_boot(ONE_CPU);

	assert_null(kmem_cache_alloc(&s->common, GFP_KERNEL));
	expect_report(MACHINE_BUG, "no live cache of this machine");
	test_shutdown(second, 0);
	assert_int_equal(machine_enter(first), 0);
	give(s, take(s));
	kmem_cache_destroy(&s->common);
}

/* Slabs are never HIGHMEM or DMA32 because a caller said so. */
static void senseless_flags_are_taken_out(void **state)
{
	struct slab_cache *s = make_cache(512, 0, 0, NULL);
	void *object = kmem_cache_alloc(&s->common, GFP_KERNEL | __GFP_HIGHMEM);

	assert_non_null(object);
	expect_report(MACHINE_WARN, "Unexpected gfp");
	give(s, object);
	kmem_cache_destroy(&s->common);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		slab_test(every_node_serves_its_cpus, boot_two_nodes),
		slab_test(an_empty_node_is_helped_out, boot_two_nodes),
		slab_test(running_out_is_null_and_harmless, boot_one_cpu),
		slab_test(running_out_is_null_and_harmless, boot_two_nodes),
		slab_test(bulk_is_many_singles, boot_one_cpu),
		slab_test(bulk_is_many_singles, boot_two_cpus),
		slab_test(zeroed_objects_are_zero, boot_one_cpu),
		slab_test(a_batch_does_not_follow_the_thread, boot_two_nodes),
		slab_test(a_shared_cpu_does_the_same, boot_one_cpu),
		slab_test(a_node_that_is_not_there, boot_two_nodes),
		slab_test(a_cache_of_another_machine, boot_one_cpu),
		slab_test(senseless_flags_are_taken_out, boot_one_cpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
