/* SPDX-License-Identifier: MIT */
/* Validation: what is sound is left alone; free lists, states, red zones and poison that are not are
 * reported and put right; others may use the cache meanwhile. */
#include "slab_test.h"

#include "slab/slab_debug.h"

#include <pthread.h>

#define DEBUG "preset=x86_64 mem=128M cpus=2 nodes=2 isolate_metadata=1 cmdline=slab_debug=-"
#define ALL_FLAGS (SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER)

static int boot_debug(void **state)
{
	(void)state;
	return boot_text(DEBUG);
}

/* What a test broke stays away, which is a leak at the end. */
static int shutdown_leaky(void **state)
{
	(void)state;
	machine_shutdown(machine);
	test_state.nr_reports = 0;
	return 0;
}

#define broken_test(f, boot) cmocka_unit_test_setup_teardown(f, boot, shutdown_leaky)

static unsigned long total_slabs(const struct slab_cache *s)
{
	unsigned long total = 0;
	unsigned int nid;

	for (nid = 0; nid < s->nr_nodes; nid++)
		total += s->node[nid]->total_slabs;
	return total;
}

static void nothing(void *object)
{
	(void)object;
}

static struct slab_cache *cache_of(enum slab_mgmt mgmt)
{
	/* A constructor keeps the list out of objects; where objects fill the pages it is elsewhere. */
	struct slab_cache *s = mgmt == SLAB_MGMT_OBJ ? make_cache(200, 0, 0, NULL) :
			       mgmt == SLAB_MGMT_ON  ? make_cache(200, 0, 0, nothing) :
						       make_cache(512, 0, 0, nothing);

	assert_int_equal(s->geo.mgmt, mgmt);
	return s;
}

static void expect_all(struct slab_cache *s)
{
	long nr = kmem_cache_validate(&s->common);

	assert_int_equal(nr, total_slabs(s));
	expect_no_reports();
	check_cache(s);
}

static void sound_ones_are_left_alone(struct slab_cache *s)
{
	void *objects[300];
	unsigned int i;

	expect_all(s);
	assert_int_equal(total_slabs(s), 0);
	for (i = 0; i < 300; i++) {
		cpu_migrate(i % 2);
		objects[i] = take(s);
		memset(objects[i], (int)i, s->common.object_size);
	}
	expect_all(s);
	assert_true(total_slabs(s) > 0);
	/* on each CPU, objects of both nodes: arrays and alien arrays have some */
	for (i = 0; i < 300; i += 3) {
		cpu_migrate(i / 3 % 2);
		give(s, objects[i]);
	}
	expect_all(s);
	for (i = 0; i < 300; i++)
		if (i % 3)
			assert_int_equal(((unsigned char *)objects[i])[100], (unsigned char)i);
	for (i = 0; i < 300; i++)
		if (i % 3)
			give(s, objects[i]);
	expect_all(s);
	kmem_cache_destroy(&s->common);
}

static void sound_plain_caches(void **state)
{
	sound_ones_are_left_alone(cache_of(SLAB_MGMT_ON));
	sound_ones_are_left_alone(cache_of(SLAB_MGMT_OFF));
	sound_ones_are_left_alone(cache_of(SLAB_MGMT_OBJ));
}

static void sound_debug_caches(void **state)
{
	static const slab_flags_t flags[] = { SLAB_CONSISTENCY_CHECKS, SLAB_RED_ZONE, SLAB_POISON,
					      SLAB_STORE_USER, ALL_FLAGS };

	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
		sound_ones_are_left_alone(make_cache(200, 0, flags[i], NULL));
		sound_ones_are_left_alone(make_cache(200, 64, flags[i], nothing));
		sound_ones_are_left_alone(make_cache(512, 0, flags[i], nothing));
	}
}

/* --- free lists ------------------------------------------------------------------------------- */

/* A slab of which the objects 0, 1, 2, 3 … are free, but for one object. */
static struct slab_slab *slab_with_free_objects(struct slab_cache *s)
{
	void *object = take(s);
	struct slab_slab *slab = slab_of_object(s, object);

	kmem_cache_shrink(&s->common);
	assert_int_equal(slab->active, 1);
	return slab;
}

static void set_entry(struct slab_slab *slab, unsigned int i, unsigned int index)
{
	uint8_t byte = (uint8_t)index;

	test_scribble_free(&slab->freelist[i], byte, 1);
}

/* Validate a slab with broken entries: one report, @lost objects fewer, and the rest is sound. */
static void expect_repaired(struct slab_cache *s, struct slab_slab *slab, unsigned int lost)
{
	unsigned int num = s->geo.num, active = slab->active, i, j;
	void *objects[SLAB_OBJ_MAX_NUM];

	assert_int_equal(kmem_cache_validate(&s->common), 1);
	expect_report(MACHINE_BUG, "kmem_cache_validate: free list is overwritten");
	assert_int_equal(slab->active, active + lost);
	expect_all(s);
	for (i = 0; i < num - active - lost; i++) {
		objects[i] = take(s);
		assert_ptr_equal(slab_of_object(s, objects[i]), slab);
		for (j = 0; j < i; j++)
			assert_ptr_not_equal(objects[i], objects[j]);
	}
	expect_all(s);
	assert_int_equal(slab->active, num);
	give_many(s, objects, i);
	expect_all(s);
}

static void lists_that_were_overwritten(void **state)
{
	static const enum slab_mgmt kinds[] = { SLAB_MGMT_ON, SLAB_MGMT_OFF, SLAB_MGMT_OBJ };

	for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct slab_cache *s = cache_of(kinds[i]);
		struct slab_slab *slab = slab_with_free_objects(s);
		unsigned int num = s->geo.num;

		assert_true(num >= 4);
		/* no number of an object; one twice */
		set_entry(slab, 1, 255);
		expect_repaired(s, slab, 1);
		set_entry(slab, num - 2, arch_raw_read(&slab->freelist[num - 1]));
		expect_repaired(s, slab, 1);
	}
}

/* Where the list lies is known without it: nothing is lost. */
static void the_object_with_the_list_is_last(void **state)
{
	struct slab_cache *s = cache_of(SLAB_MGMT_OBJ);
	struct slab_slab *slab = slab_with_free_objects(s);

	set_entry(slab, s->geo.num - 1, 255);
	expect_repaired(s, slab, 0);
}

static void a_whole_list(void **state)
{
	struct slab_cache *s = cache_of(SLAB_MGMT_ON);
	struct slab_slab *slab = slab_with_free_objects(s);

	test_scribble_free(slab->freelist, 0xff, s->geo.num);
	assert_int_equal(kmem_cache_validate(&s->common), 1);
	expect_report(MACHINE_BUG, "free list is overwritten");
	assert_int_equal(slab->active, s->geo.num);
	check_cache(s);
	assert_ptr_not_equal(slab_of_object(s, take(s)), slab);
}

static void a_list_of_a_free_slab(void **state)
{
	struct slab_cache *s = cache_of(SLAB_MGMT_ON);
	struct slab_slab *slab;
	void *object = take(s);

	slab = slab_of_object(s, object);
	give(s, object);
	assert_int_equal(kmem_cache_validate(&s->common), 1);
	assert_int_equal(slab->active, 0);
	set_entry(slab, 0, 200);
	assert_int_equal(kmem_cache_validate(&s->common), 1);
	expect_report(MACHINE_BUG, "free list is overwritten");
	assert_int_equal(slab->active, 1);
	assert_int_equal(s->node[0]->free_slabs, 0);
	expect_all(s);
}

static void a_list_that_names_a_live_object(void **state)
{
	struct slab_cache *s = make_cache(200, 0, SLAB_CONSISTENCY_CHECKS, NULL);
	void *object = take(s);
	struct slab_slab *slab = slab_of_object(s, object);

	kmem_cache_shrink(&s->common);
	set_entry(slab, 2, slab_object_index(s, slab, object));
	expect_repaired(s, slab, 1);
	/* It is still its user's. */
	give(s, object);
	expect_no_reports();
}

static void states_that_were_overwritten(void **state)
{
	struct slab_cache *s = make_cache(200, 0, SLAB_CONSISTENCY_CHECKS, NULL);
	void *object = take(s);
	struct slab_slab *slab = slab_of_object(s, object);
	unsigned int num = s->geo.num;

	kmem_cache_shrink(&s->common);
	/* of the live object: it goes on living; of two free ones: they are lost */
	set_entry(slab, num + slab_object_index(s, slab, object), 77);
	expect_repaired(s, slab, 0);
	set_entry(slab, num + arch_raw_read(&slab->freelist[1]), 77);
	set_entry(slab, num + arch_raw_read(&slab->freelist[3]), 78);
	expect_repaired(s, slab, 2);
	give(s, object);
	expect_no_reports();
}

/* --- contents --------------------------------------------------------------------------------- */

static void expect_two_reports(struct slab_cache *s, const char *first, const char *second)
{
	assert_true(kmem_cache_validate(&s->common) > 0);
	assert_int_equal(test_state.nr_reports, 2);
	if (!strstr(test_state.reports[0].text, first) || !strstr(test_state.reports[1].text, second))
		test_show_reports();
	assert_non_null(strstr(test_state.reports[0].text, first));
	assert_non_null(strstr(test_state.reports[1].text, second));
	test_state.nr_reports = 0;
	/* Put right. */
	expect_all(s);
}

static void what_was_written_around_live_objects(void **state)
{
	static const char words[] = "slab error in kmem_cache_validate(): cache `t': memory outside object was overwritten";
	struct slab_cache *s = make_cache(200, 0, ALL_FLAGS, NULL);
	char *objects[3];

	take_many(s, (void **)objects, 3);
	test_scribble_free(objects[0] - 1, 0, 1);
	test_scribble_free(objects[1] + 200, 0, 1);
	memset(objects[2], 0, 200);
	expect_two_reports(s, words, words);
	give_many(s, (void **)objects, 3);
	expect_no_reports();
	kmem_cache_destroy(&s->common);
}

static void what_was_written_into_free_objects(void **state)
{
	struct slab_cache *s = make_cache(200, 0, ALL_FLAGS, NULL);
	char *objects[3], *other;

	take_many(s, (void **)objects, 3);
	cpu_migrate(1);
	/* into an alien array, and on the other node */
	give(s, objects[0]);
	other = take(s);
	give(s, other);
	test_scribble_free(objects[0] + 50, 1, 1);
	test_scribble_free(other + 199, 1, 1);
	expect_two_reports(s, "Slab corruption (", "Slab corruption (");
	test_scribble_free(objects[0] - 8, 1, 1);
	test_scribble_free(other + 207, 1, 1);
	expect_two_reports(s, "slab error in kmem_cache_validate(): cache `t': start of a freed object was overwritten",
			   "end of a freed object was overwritten");
	give_many(s, (void **)objects + 1, 2);
	kmem_cache_destroy(&s->common);
}

/* --- threads ---------------------------------------------------------------------------------- */

#define SLOTS 100

struct crowd {
	struct slab_cache *s;
	void *slots[SLOTS];		/* atomics */
	unsigned int threads;		/* atomic; begun so far */
	bool stop;			/* atomic */
};

static void *use(void *arg)
{
	struct crowd *c = arg;
	uint64_t seed = __atomic_add_fetch(&c->threads, 1, __ATOMIC_RELAXED);

	while (!__atomic_load_n(&c->stop, __ATOMIC_RELAXED)) {
		void *object = kmem_cache_alloc(&c->s->common, GFP_KERNEL);

		if (object)
			memset(object, 1, c->s->common.object_size);
		kmem_cache_free(&c->s->common,
				__atomic_exchange_n(&c->slots[test_rand(&seed) % SLOTS], object,
						    __ATOMIC_ACQ_REL));
	}
	return NULL;
}

static void while_others_use_the_cache(void **state)
{
	static const slab_flags_t flags[] = { 0, ALL_FLAGS };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		static struct crowd c;
		pthread_t threads[3];

		c = (struct crowd){ .s = make_cache(200, 0, flags[i], NULL) };
		for (j = 0; j < 3; j++)
			assert_int_equal(pthread_create(&threads[j], NULL, use, &c), 0);
		for (j = 0; j < 300; j++)
			assert_true(kmem_cache_validate(&c.s->common) >= 0);
		__atomic_store_n(&c.stop, true, __ATOMIC_RELAXED);
		for (j = 0; j < 3; j++)
			pthread_join(threads[j], NULL);
		expect_no_reports();
		give_many(c.s, c.slots, SLOTS);
		expect_all(c.s);
		kmem_cache_destroy(&c.s->common);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		slab_test(sound_plain_caches, boot_two_nodes),
		slab_test(sound_debug_caches, boot_debug),
		broken_test(lists_that_were_overwritten, boot_one_cpu),
		broken_test(the_object_with_the_list_is_last, boot_one_cpu),
		broken_test(a_whole_list, boot_one_cpu),
		broken_test(a_list_of_a_free_slab, boot_one_cpu),
		broken_test(a_list_that_names_a_live_object, boot_debug),
		broken_test(states_that_were_overwritten, boot_debug),
		slab_test(what_was_written_around_live_objects, boot_debug),
		slab_test(what_was_written_into_free_objects, boot_debug),
		slab_test(while_others_use_the_cache, boot_debug),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
