/* SPDX-License-Identifier: MIT */
/* Arrays: of a CPU, shared, alien. What moves, how much, in which order. */
#include "slab_test.h"

/* 120 objects an array, 60 a batch, 32 a slab. */
static struct slab_cache *cache_of_120(void)
{
	struct slab_cache *s = make_cache(128, 0, 0, NULL);

	assert_int_equal(s->limit, 120);
	assert_int_equal(s->geo.batchcount, 60);
	assert_int_equal(s->geo.num, 32);
	return s;
}

static void per_cpu_array_caches_are_lifo_so_the_hottest_object_is_reused(void **state)
{
	struct slab_cache *s = cache_of_120();
	void *a = take(s), *b = take(s), *c = take(s);

	give(s, b);
	give(s, c);
	give(s, a);
	assert_ptr_equal(take(s), a);
	assert_ptr_equal(take(s), c);
	assert_ptr_equal(take(s), b);
	give(s, a);
	give(s, b);
	give(s, c);
	kmem_cache_destroy(&s->common);
}

static void an_untouched_array_is_refilled_with_sixteen(void **state)
{
	struct slab_cache *s = cache_of_120();
	struct slab_array *ac = array_of(s, 0);
	void *objects[32];

	assert_int_equal(ac->touched, 0);
	objects[0] = take(s);
	assert_int_equal(ac->touched, 1);
	assert_int_equal(ac->avail, 15);
	assert_int_equal(offset_of(s, objects[0]), 15 * 128);
	take_many(s, objects + 1, 15);
	assert_int_equal(ac->avail, 0);
	/* From now on a whole batch, as far as the slab has it. */
	objects[16] = take(s);
	assert_int_equal(ac->avail, 15);
	assert_int_equal(offset_of(s, objects[16]), 31 * 128);
	take_many(s, objects + 17, 15);
	give_many(s, objects, 32);
	kmem_cache_destroy(&s->common);
}

static void a_refill_takes_from_several_slabs(void **state)
{
	struct slab_cache *s = cache_of_120();
	struct slab_node *n = s->node[0];
	void *objects[96], *object;

	object = take(s);	/* touched; 15 stay in the array, 16 in the slab */
	assert_int_equal(slab_node_grow(s, GFP_KERNEL, 0, objects, 32), 32);
	assert_int_equal(slab_node_grow(s, GFP_KERNEL, 0, objects + 32, 32), 32);
	slab_node_free(s, n, objects, 64);
	take_many(s, objects, 15);
	assert_int_equal(n->free_objects, 80);
	objects[15] = take(s);
	assert_int_equal(array_of(s, 0)->avail, 59);
	assert_int_equal(n->free_objects, 20);
	check_cache(s);
	give_many(s, objects, 16);
	give(s, object);
	kmem_cache_destroy(&s->common);
}

/* A full array gives its oldest batch to the slabs and keeps the youngest. */
static void a_full_array_flushes_its_oldest_batch(void **state)
{
	struct slab_cache *s = cache_of_120();
	struct slab_array *ac = array_of(s, 0);
	void *objects[160];
	unsigned int i;

	take_many(s, objects, 160);
	assert_int_equal(ac->avail, 0);
	give_many(s, objects, 120);
	assert_int_equal(ac->avail, 120);
	assert_int_equal(s->node[0]->free_objects, 0);
	give(s, objects[120]);
	assert_int_equal(ac->avail, 61);
	assert_int_equal(s->node[0]->free_objects, 60);
	for (i = 0; i < 61; i++)
		assert_ptr_equal(ac->entry[i], objects[60 + i]);
	check_cache(s);
	give_many(s, objects + 121, 39);
	kmem_cache_destroy(&s->common);
}

/* With more than one CPU the flushed batch goes to the shared array, and serves the next refill. */
static void a_batch_goes_through_the_shared_array(void **state)
{
	struct slab_cache *s = cache_of_120();
	struct slab_node *n = s->node[0];
	void *objects[160];
	unsigned int i;

	assert_int_equal(n->shared_limit, 480);
	take_many(s, objects, 160);
	give_many(s, objects, 121);
	assert_int_equal(n->shared->avail, 60);
	for (i = 0; i < 60; i++)
		assert_ptr_equal(n->shared->entry[i], objects[i]);
	assert_int_equal(n->free_objects, 0);

	cpu_migrate(1);
	/* CPU 1's array is untouched: sixteen from the top of the shared array. */
	assert_ptr_equal(take(s), objects[59]);
	assert_int_equal(n->shared->avail, 44);
	assert_int_equal(array_of(s, 1)->avail, 15);
	assert_ptr_equal(take(s), objects[58]);
	give(s, objects[58]);
	give(s, objects[59]);
	give_many(s, objects + 121, 39);
	kmem_cache_destroy(&s->common);
}

/* A shared array with room for a part of a batch takes that part alone; a full one nothing. */
static void a_shared_array_takes_what_fits(void **state)
{
	struct slab_cache *s = cache_of_120();
	struct slab_node *n = s->node[0];
	struct slab_array *ac = array_of(s, 0);
	static void *objects[800];
	void *ten[10];

	take_many(s, objects, 800);
	give_many(s, objects, 120 + 7 * 60 + 1);
	assert_int_equal(n->shared->avail, 480);
	assert_int_equal(slab_shared_room(n), 0);
	/* Full: the next flush goes to the slabs. */
	give_many(s, objects + 541, 59 + 1);
	assert_int_equal(n->shared->avail, 480);
	assert_int_equal(n->free_objects, 60);
	arch_spin_lock(&n->list_lock);
	assert_int_equal(slab_shared_take_locked(n, ten, 10, 10), 10);
	arch_spin_unlock(&n->list_lock);
	assert_int_equal(slab_shared_room(n), 10);
	slab_node_free(s, n, ten, 10);
	give_many(s, objects + 601, 59);
	assert_int_equal(ac->avail, 120);
	give(s, objects[660]);
	assert_int_equal(ac->avail, 111);
	assert_int_equal(n->shared->avail, 480);
	check_cache(s);
	give_many(s, objects + 661, 139);
	kmem_cache_destroy(&s->common);
}

/* Twelve objects of another node are collected, then go home together. */
static void an_alien_array_collects_twelve(void **state)
{
	struct slab_cache *s = cache_of_120();
	struct slab_node *n = s->node[1];
	struct slab_alien *alien = s->node[0]->alien[1];
	void *objects[20];
	unsigned int i;

	for (i = 0; i < 20; i++) {
		objects[i] = kmem_cache_alloc_node(&s->common, GFP_KERNEL, 1);
		assert_non_null(objects[i]);
		assert_int_equal(slab_nid(slab_of_object(s, objects[i])), 1);
		/* One at a time, upwards, past the arrays. */
		assert_int_equal(offset_of(s, objects[i]), i * 128);
	}
	assert_int_equal(array_of(s, 0)->avail, 0);
	give_many(s, objects, 12);
	assert_int_equal(alien->avail, 12);
	assert_int_equal(n->shared->avail, 0);
	give(s, objects[12]);
	assert_int_equal(alien->avail, 1);
	assert_int_equal(n->shared->avail, 12);
	assert_ptr_equal(n->shared->entry[11], objects[11]);
	give_many(s, objects + 13, 7);
	check_cache(s);
	assert_int_equal(kmem_cache_shrink(&s->common), 0);
	assert_int_equal(alien->avail, 0);
	assert_int_equal(n->shared->avail, 0);
	assert_int_equal(n->total_slabs, 0);
	kmem_cache_destroy(&s->common);
}

static void a_full_shared_array_sends_aliens_to_the_slabs(void **state)
{
	struct slab_cache *s = cache_of_120();
	struct slab_node *n = s->node[1];
	static void *objects[480 + 60];
	unsigned int i;

	for (i = 0; i < 540; i++) {
		objects[i] = kmem_cache_alloc_node(&s->common, GFP_KERNEL, 1);
		assert_non_null(objects[i]);
	}
	give_many(s, objects, 480 + 12);
	assert_int_equal(n->shared->avail, 480);
	assert_int_equal(n->free_objects, 17 * 32 - 540);
	give(s, objects[492]);
	assert_int_equal(n->shared->avail, 480);
	assert_int_equal(n->free_objects, 17 * 32 - 540 + 12);
	give_many(s, objects + 493, 47);
	check_cache(s);
	kmem_cache_destroy(&s->common);
}

/* With noaliencache there are none: each object goes home at once, to its slab. */
static void without_alien_arrays_objects_go_straight_home(void **state)
{
	struct slab_cache *s = cache_of_120();
	struct slab_node *n = s->node[1];
	void *objects[20];
	unsigned int i;

	assert_null(s->node[0]->alien);
	for (i = 0; i < 20; i++)
		objects[i] = kmem_cache_alloc_node(&s->common, GFP_KERNEL, 1);
	assert_int_equal(n->free_objects, 12);
	give_many(s, objects, 10);
	assert_int_equal(n->free_objects, 22);
	kmem_cache_free_bulk(&s->common, 10, objects + 10);
	assert_int_equal(n->free_objects, 32);
	assert_int_equal(n->free_slabs, 1);
	assert_int_equal(n->shared->avail, 0);
	assert_int_equal(array_of(s, 0)->avail, 0);
	check_cache(s);
	machine_advance(10000);
	kmem_cache_destroy(&s->common);
}

static int boot_without_aliens(void **state)
{
	(void)state;
	return boot_text(TWO_NODES " cmdline=noaliencache");
}

/* Where an object is freed decides: on its own node's CPU it goes into that CPU's array. */
static void objects_of_the_own_node_enter_the_array(void **state)
{
	struct slab_cache *s = cache_of_120();
	void *object = kmem_cache_alloc_node(&s->common, GFP_KERNEL, 1);

	assert_non_null(object);
	cpu_migrate(1);
	give(s, object);
	assert_int_equal(array_of(s, 1)->avail, 1);
	assert_int_equal(s->node[0]->alien[1]->avail, 0);
	assert_ptr_equal(take(s), object);
	give(s, object);
	kmem_cache_destroy(&s->common);
}

static void shrink_empties_the_arrays_of_all_cpus(void **state)
{
	struct slab_cache *s = cache_of_120();
	void *objects[8];

	take_many(s, objects, 4);
	cpu_migrate(1);
	take_many(s, objects + 4, 4);
	give_many(s, objects, 8);
	assert_true(array_of(s, 0)->avail && array_of(s, 1)->avail);
	assert_int_equal(kmem_cache_shrink(&s->common), 0);
	assert_int_equal(array_of(s, 0)->avail, 0);
	assert_int_equal(array_of(s, 1)->avail, 0);
	assert_int_equal(s->node[0]->total_slabs, 0);
	/* As in Linux, shrinking does not make the array look untouched. */
	assert_int_equal(array_of(s, 1)->touched, 1);
	kmem_cache_destroy(&s->common);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		slab_test(per_cpu_array_caches_are_lifo_so_the_hottest_object_is_reused,
			  boot_one_cpu),
		slab_test(an_untouched_array_is_refilled_with_sixteen, boot_one_cpu),
		slab_test(a_refill_takes_from_several_slabs, boot_one_cpu),
		slab_test(a_full_array_flushes_its_oldest_batch, boot_one_cpu),
		slab_test(a_batch_goes_through_the_shared_array, boot_two_cpus),
		slab_test(a_shared_array_takes_what_fits, boot_two_cpus),
		slab_test(an_alien_array_collects_twelve, boot_two_nodes),
		slab_test(a_full_shared_array_sends_aliens_to_the_slabs, boot_two_nodes),
		slab_test(without_alien_arrays_objects_go_straight_home, boot_without_aliens),
		slab_test(objects_of_the_own_node_enter_the_array, boot_two_nodes),
		slab_test(shrink_empties_the_arrays_of_all_cpus, boot_two_cpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
