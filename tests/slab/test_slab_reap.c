/* SPDX-License-Identifier: MIT */
/* What nobody uses goes back by the clock: who has a turn, what it takes, what is spared. */
#include "slab_test.h"

#define FOUR_NODES "preset=x86_64 mem=256M cpus=4 nodes=4 isolate_metadata=1"

static int boot_four_nodes(void **state)
{
	(void)state;
	return boot_text(FOUR_NODES);
}

/* 120 objects an array, 60 a batch, 32 a slab; one-page slabs. */
static struct slab_cache *cache_of_120(void)
{
	return make_cache(128, 0, 0, NULL);
}

static void the_clock_moves_by_what_it_is_told(void **state)
{
	assert_int_equal(machine_advance(0), 0);
	assert_int_equal(machine_advance(1), 1);
	assert_int_equal(machine_advance(2999), 3000);
	assert_int_equal(machine_advance(0), 3000);
}

/* The first turn is one second after boot, the next ones two seconds apart. An array that was used
 * is spared once; then it loses a fifth of its limit, or half of what it has if that is less. */
static void an_idle_array_is_emptied_by_and_by(void **state)
{
	static const unsigned int left[] = { 96, 72, 48, 24, 0, 0 };
	struct slab_cache *s = cache_of_120();
	struct slab_array *ac = array_of(s, 0);
	void *objects[128];
	unsigned int i, j;

	take_many(s, objects, 128);
	assert_int_equal(ac->avail, 0);
	give_many(s, objects, 120);
	machine_advance(999);
	assert_int_equal(ac->touched, 1);
	machine_advance(1);
	assert_int_equal(ac->touched, 0);
	assert_int_equal(ac->avail, 120);
	for (i = 0; i < ARRAY_SIZE(left); i++) {
		machine_advance(1999);
		assert_int_equal(ac->avail, i ? left[i - 1] : 120);
		machine_advance(1);
		assert_int_equal(ac->avail, left[i]);
		/* The oldest go first. */
		for (j = 0; j < left[i]; j++)
			assert_ptr_equal(ac->entry[j], objects[120 - left[i] + j]);
		check_cache(s);
	}
	give_many(s, objects + 120, 8);
	kmem_cache_destroy(&s->common);
}

static void an_array_with_little_in_it_loses_half(void **state)
{
	static const unsigned int left[] = { 16, 8, 4, 2, 1, 0, 0 };
	struct slab_cache *s = cache_of_120();
	unsigned int i;

	give(s, take(s));
	machine_advance(1000);
	for (i = 0; i < ARRAY_SIZE(left); i++, machine_advance(2000))
		assert_int_equal(array_of(s, 0)->avail, left[i]);
	kmem_cache_destroy(&s->common);
}

static void an_array_in_use_is_spared(void **state)
{
	struct slab_cache *s = cache_of_120();
	unsigned int i;

	for (i = 0; i < 10; i++) {
		give(s, take(s));
		machine_advance(2000);
		assert_int_equal(array_of(s, 0)->avail, 16);
	}
	kmem_cache_destroy(&s->common);
}

/* A node's turn comes every four seconds: a fifth of what free_limit allows, a slab at least, from
 * the end of the list; not if allocation has looked for free slabs meanwhile. */
static void idle_slabs_go_every_four_seconds(void **state)
{
	struct slab_cache *s = cache_of_120();
	struct slab_node *n = s->node[0];
	void *objects[128], *last;

	assert_int_equal(n->free_limit, 152);
	assert_int_equal(slab_node_grow(s, GFP_KERNEL, 0, objects, 32), 32);
	assert_int_equal(slab_node_grow(s, GFP_KERNEL, 0, objects + 32, 32), 32);
	assert_int_equal(slab_node_grow(s, GFP_KERNEL, 0, objects + 64, 32), 32);
	slab_node_free(s, n, objects, 96);
	assert_int_equal(n->free_slabs, 3);
	last = list_last_entry(&n->free, struct slab_slab, list);
	machine_advance(4999);
	assert_int_equal(n->free_slabs, 3);
	machine_advance(1);
	assert_int_equal(n->free_slabs, 2);
	assert_ptr_not_equal(list_last_entry(&n->free, struct slab_slab, list), last);
	machine_advance(3999);
	assert_int_equal(n->free_slabs, 2);
	machine_advance(1);
	assert_int_equal(n->free_slabs, 1);

	assert_int_equal(slab_node_take_lists(s, n, objects, 1), 1);
	slab_node_free(s, n, objects, 1);
	assert_true(n->free_touched);
	machine_advance(4000);
	assert_int_equal(n->free_slabs, 1);
	assert_false(n->free_touched);
	machine_advance(4000);
	assert_int_equal(n->free_slabs, 0);
	assert_int_equal(n->total_slabs, 0);
	kmem_cache_destroy(&s->common);
}

static void the_shared_array_has_its_turn_with_the_node(void **state)
{
	struct slab_cache *s = cache_of_120();
	struct slab_node *n = s->node[0];
	void *objects[320];

	take_many(s, objects, 320);
	give_many(s, objects, 320);
	assert_int_equal(n->shared->avail, 240);
	n->shared->touched = 1;
	machine_advance(5000);
	assert_int_equal(n->shared->avail, 240);
	assert_int_equal(n->shared->touched, 0);
	/* A fifth of 8 times 60. */
	machine_advance(4000);
	assert_int_equal(n->shared->avail, 144);
	assert_ptr_equal(n->shared->entry[0], objects[96]);
	machine_advance(8000);
	assert_int_equal(n->shared->avail, 24);
	check_cache(s);
	kmem_cache_destroy(&s->common);
}

/* One alien array a turn, that towards the next node. */
static void alien_arrays_have_their_turns_in_a_round(void **state)
{
	struct slab_cache *s = cache_of_120();
	unsigned int nid, turn;

	for (nid = 1; nid < 4; nid++) {
		void *object = kmem_cache_alloc_node(&s->common, GFP_KERNEL, (int)nid);

		give(s, object);
		assert_int_equal(s->node[0]->alien[nid]->avail, 1);
	}
	machine_advance(999);
	for (turn = 0; turn < 4; turn++) {
		machine_advance(turn ? 2000 : 1);
		for (nid = 1; nid < 4; nid++)
			assert_int_equal(s->node[0]->alien[nid]->avail, nid > turn + 1);
		/* What comes home lies in the shared array there, until that has its turn. */
		if (turn < 2)
			assert_int_equal(s->node[turn + 1]->shared->avail, 1);
	}
	check_cache(s);
	kmem_cache_destroy(&s->common);
}

/* Every CPU that was used has its turn, the others have nothing. */
static void every_cpu_has_its_turn(void **state)
{
	struct slab_cache *s = cache_of_120();
	unsigned int cpu;

	for (cpu = 0; cpu < 3; cpu++) {
		cpu_migrate(cpu);
		give(s, take(s));
	}
	machine_advance(3000);
	for (cpu = 0; cpu < 3; cpu++)
		assert_int_equal(array_of(s, cpu)->avail, 8);
	assert_int_equal(arch_cpu_next_used(s->common.kernel->arch, 3), 4);
	check_cache(s);
	kmem_cache_destroy(&s->common);
}

/* Use a cache on all nodes, the same way each time. */
static void stir(struct slab_cache *s, uint64_t seed)
{
	static void *objects[600];
	unsigned int i;

	for (i = 0; i < 600; i++) {
		cpu_migrate((unsigned int)(test_rand(&seed) % 4));
		objects[i] = take(s);
	}
	for (i = 0; i < 600; i++) {
		cpu_migrate((unsigned int)(test_rand(&seed) % 4));
		give(s, objects[i]);
	}
}

static void state_after_ten_seconds(unsigned int step, char *text, size_t size)
{
	struct slab_names names = { .nr = 0 };
	struct slab_cache *s;
	unsigned int ms;

	boot_text(FOUR_NODES);
	s = cache_of_120();
	stir(s, 1);
	for (ms = 0; ms < 10000; ms += step)
		machine_advance(step);
	kmem_cache_print_state(&s->common, name_slab, &names, text, size);
	check_cache(s);
	kmem_cache_destroy(&s->common);
	test_shutdown(machine, 0);
}

/* Many small steps are one large step. */
static void the_length_of_the_steps_does_not_matter(void **state)
{
	char once[4096], steps[4096];

	state_after_ten_seconds(10000, once, sizeof(once));
	state_after_ten_seconds(1, steps, sizeof(steps));
	assert_string_equal(once, steps);
	state_after_ten_seconds(2500, steps, sizeof(steps));
	assert_string_equal(once, steps);
}

/* In the end nothing is kept, and kmem_cache_shrink() has nothing to do. */
static void in_the_end_everything_has_gone_back(void **state)
{
	struct slab_cache *s = cache_of_120();
	unsigned int nid;

	stir(s, 2);
	assert_true(test_stats().slab_pages > 10);
	machine_advance(600 * 1000);
	for (nid = 0; nid < 4; nid++)
		assert_int_equal(s->node[nid]->total_slabs, 0);
	assert_int_equal(test_stats().slab_pages, 0);
	stir(s, 3);
	kmem_cache_destroy(&s->common);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		slab_test(the_clock_moves_by_what_it_is_told, boot_one_cpu),
		slab_test(an_idle_array_is_emptied_by_and_by, boot_one_cpu),
		slab_test(an_array_with_little_in_it_loses_half, boot_one_cpu),
		slab_test(an_array_in_use_is_spared, boot_two_nodes),
		slab_test(idle_slabs_go_every_four_seconds, boot_one_cpu),
		slab_test(the_shared_array_has_its_turn_with_the_node, boot_two_cpus),
		slab_test(alien_arrays_have_their_turns_in_a_round, boot_four_nodes),
		slab_test(every_cpu_has_its_turn, boot_four_nodes),
		cmocka_unit_test(the_length_of_the_steps_does_not_matter),
		slab_test(in_the_end_everything_has_gone_back, boot_four_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
