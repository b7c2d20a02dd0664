/* SPDX-License-Identifier: MIT */
/* The three lists of a node: order, counters, free_limit. */
#include "slab_test.h"

/* Eight objects of 512 bytes a slab; free_limit 62. */
static struct slab_cache *cache_of_eight(void)
{
	struct slab_cache *s = make_cache(512, 0, 0, NULL);

	assert_int_equal(s->geo.num, 8);
	assert_int_equal(s->node[0]->free_limit, 62);
	return s;
}

static void grow_slabs(struct slab_cache *s, void **objects, unsigned int slabs)
{
	unsigned int i;

	for (i = 0; i < slabs; i++)
		assert_int_equal(slab_node_grow(s, GFP_KERNEL, 0, objects + 8 * i, 8), 8);
}

static struct slab_slab *first(struct list_head *head)
{
	assert_false(list_empty(head));
	return list_first_entry(head, struct slab_slab, list);
}

static struct slab_slab *last(struct list_head *head)
{
	assert_false(list_empty(head));
	return list_last_entry(head, struct slab_slab, list);
}

static void slabs_wander_through_the_lists(void **state)
{
	struct slab_cache *s = cache_of_eight();
	struct slab_node *n = s->node[0];
	void *objects[8];
	unsigned int i;

	assert_int_equal(slab_node_take_lists(s, n, objects, 8), 0);
	assert_int_equal(slab_node_grow(s, GFP_KERNEL, 0, objects, 3), 3);
	assert_int_equal(list_length(&n->partial), 1);
	check_cache(s);
	assert_int_equal(slab_node_take_lists(s, n, objects + 3, 8), 5);
	assert_int_equal(list_length(&n->full), 1);
	check_cache(s);
	slab_node_free(s, n, objects, 1);
	assert_int_equal(list_length(&n->partial), 1);
	check_cache(s);
	for (i = 1; i < 8; i++)
		slab_node_free(s, n, objects + i, 1);
	assert_int_equal(list_length(&n->free), 1);
	assert_int_equal(n->free_slabs, 1);
	check_cache(s);
	slab_node_drain_free_list(s, n, ULONG_MAX);
	assert_int_equal(n->total_slabs, 0);
	check_cache(s);
	kmem_cache_destroy(&s->common);
}

static void freed_slabs_queue_behind_the_other_partial_ones(void **state)
{
	struct slab_cache *s = cache_of_eight();
	struct slab_node *n = s->node[0];
	void *objects[24], *object;

	grow_slabs(s, objects, 3);
	slab_node_free(s, n, &objects[0], 1);
	slab_node_free(s, n, &objects[8], 1);
	slab_node_free(s, n, &objects[16], 1);
	assert_ptr_equal(first(&n->partial), slab_of_object(s, objects[0]));
	assert_ptr_equal(last(&n->partial), slab_of_object(s, objects[16]));
	slab_node_free(s, n, &objects[1], 1);
	assert_ptr_equal(first(&n->partial), slab_of_object(s, objects[8]));
	assert_ptr_equal(last(&n->partial), slab_of_object(s, objects[0]));
	/* Allocation takes the first one, and puts it in front of the full ones. */
	assert_int_equal(slab_node_take_lists(s, n, &object, 1), 1);
	assert_ptr_equal(object, objects[8]);
	assert_ptr_equal(first(&n->full), slab_of_object(s, object));
	check_cache(s);
	slab_node_free(s, n, &objects[2], 6);
	slab_node_free(s, n, &objects[8], 8);
	slab_node_free(s, n, &objects[17], 7);
	kmem_cache_destroy(&s->common);
}

static void partial_slabs_go_before_free_ones(void **state)
{
	struct slab_cache *s = cache_of_eight();
	struct slab_node *n = s->node[0];
	void *objects[16], *taken[9];

	grow_slabs(s, objects, 2);
	slab_node_free(s, n, &objects[0], 8);
	slab_node_free(s, n, &objects[8], 1);
	assert_int_equal(n->free_slabs, 1);
	assert_int_equal(slab_node_take_lists(s, n, taken, 9), 9);
	assert_ptr_equal(taken[0], objects[8]);
	assert_ptr_equal(taken[1], objects[7]);	/* the last put back */
	assert_int_equal(n->free_slabs, 0);
	check_cache(s);
	slab_node_free(s, n, taken, 9);
	slab_node_free(s, n, &objects[9], 7);
	kmem_cache_destroy(&s->common);
}

/* More than free_limit free objects: free slabs go, the one that has been free longest first. */
static void free_slabs_above_the_limit_go(void **state)
{
	struct slab_cache *s = cache_of_eight();
	struct slab_node *n = s->node[0];
	void *objects[80];
	struct slab_slab *oldest;
	unsigned int i;

	grow_slabs(s, objects, 10);
	for (i = 0; i < 7; i++)
		slab_node_free(s, n, &objects[8 * i], 8);
	assert_int_equal(n->free_objects, 56);
	assert_int_equal(n->total_slabs, 10);
	oldest = last(&n->free);
	assert_ptr_equal(oldest, slab_of_object(s, objects[0]));
	slab_node_free(s, n, &objects[56], 6);
	assert_int_equal(n->free_objects, 62);
	assert_int_equal(n->total_slabs, 10);
	slab_node_free(s, n, &objects[62], 1);
	assert_int_equal(n->free_objects, 55);
	assert_int_equal(n->total_slabs, 9);
	assert_ptr_not_equal(last(&n->free), oldest);
	check_cache(s);
	slab_node_free(s, n, &objects[63], 17);
	assert_true(n->free_objects <= n->free_limit);
	check_cache(s);
	kmem_cache_destroy(&s->common);
}

/* Partial slabs alone may hold more than free_limit: nothing can be given back. */
static void partial_slabs_stay(void **state)
{
	struct slab_cache *s = cache_of_eight();
	struct slab_node *n = s->node[0];
	void *objects[160];
	unsigned int i;

	grow_slabs(s, objects, 20);
	for (i = 0; i < 20; i++)
		slab_node_free(s, n, &objects[8 * i + 1], 7);
	assert_int_equal(n->total_slabs, 20);
	assert_int_equal(n->free_objects, 140);
	check_cache(s);
	/* The first that becomes free goes at once. */
	slab_node_free(s, n, &objects[0], 1);
	assert_int_equal(n->total_slabs, 19);
	for (i = 1; i < 20; i++)
		slab_node_free(s, n, &objects[8 * i], 1);
	assert_int_equal(n->free_objects, 56);
	assert_int_equal(n->total_slabs, 7);
	check_cache(s);
	kmem_cache_destroy(&s->common);
}

/* Readers under RCU may still look at a free object's slab: it leaves the node, but its pages stay until a
 * grace period has passed. */
static void typesafe_slabs_go_after_a_grace_period(void **state)
{
	struct slab_cache *s = make_cache(1024, 0, SLAB_TYPESAFE_BY_RCU, NULL);
	struct slab_node *n = s->node[0];
	void *objects[4 * 20];
	unsigned long slabs, left;
	unsigned int i;

	for (i = 0; i < 20; i++)
		assert_int_equal(slab_node_grow(s, GFP_KERNEL, 0, objects + 4 * i, 4), 4);
	slabs = test_stats().slabs;
	rcu_read_lock();
	slab_node_free(s, n, objects, 80);
	assert_true(n->free_objects <= n->free_limit);
	left = n->total_slabs;
	assert_true(left < 20);
	assert_int_equal(test_stats().slabs, slabs);
	assert_int_equal(rcu_advance(), 0);
	rcu_read_unlock();
	assert_int_equal(rcu_advance(), 20 - left);
	assert_int_equal(test_stats().slabs, slabs - (20 - left));
	check_cache(s);
	assert_int_equal(kmem_cache_shrink(&s->common), 0);
	assert_int_equal(n->total_slabs, 0);
	assert_int_equal(test_stats().slabs, slabs - (20 - left));
	rcu_barrier();
	assert_int_equal(test_stats().slabs, slabs - 20);
	kmem_cache_destroy(&s->common);
}

static void a_surplus_free_is_refused(void **state)
{
	struct slab_cache *s = cache_of_eight();
	struct slab_node *n = s->node[0];
	void *object;

	assert_int_equal(slab_node_grow(s, GFP_KERNEL, 0, &object, 1), 1);
	slab_node_free(s, n, &object, 1);
	slab_node_free(s, n, &object, 1);
	expect_report(MACHINE_BUG, SLAB_BUG_DOUBLE_FREE);
	check_cache(s);
	/* Even when the slab is gone. */
	slab_node_drain_free_list(s, n, ULONG_MAX);
	slab_node_free(s, n, &object, 1);
	expect_report(MACHINE_BUG, SLAB_BUG_DOUBLE_FREE);
	check_cache(s);
	kmem_cache_destroy(&s->common);
}

static void nodes_share_the_cpus(void **state)
{
	struct slab_cache *s = make_cache(512, 0, 0, NULL);

	/* One CPU on each node: (1 + 1) * 27 + 8. */
	assert_int_equal(s->node[0]->free_limit, 62);
	assert_int_equal(s->node[1]->free_limit, 62);
	assert_int_equal(s->node[0]->alien[1]->limit, SLAB_ALIEN_LIMIT);
	assert_null(s->node[0]->alien[0]);
	kmem_cache_destroy(&s->common);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		slab_test(slabs_wander_through_the_lists, boot_one_cpu),
		slab_test(freed_slabs_queue_behind_the_other_partial_ones, boot_one_cpu),
		slab_test(partial_slabs_go_before_free_ones, boot_one_cpu),
		slab_test(free_slabs_above_the_limit_go, boot_one_cpu),
		slab_test(partial_slabs_stay, boot_one_cpu),
		slab_test(typesafe_slabs_go_after_a_grace_period, boot_one_cpu),
		slab_test(a_surplus_free_is_refused, boot_one_cpu),
		slab_test(nodes_share_the_cpus, boot_two_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
