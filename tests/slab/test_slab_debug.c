/* SPDX-License-Identifier: MIT */
/* Debug caches: layout, patterns, what is found when, the words of the reports, and repairs. */
#include "slab_debug_test.h"

/* --- which caches ----------------------------------------------------------------------------- */

static void flags_count_on_a_machine_with_the_word_alone(void **state)
{
	static const slab_flags_t flags[] = { SLAB_RED_ZONE, SLAB_POISON, SLAB_STORE_USER,
					      SLAB_CONSISTENCY_CHECKS, ALL_FLAGS };
	struct machine *plain;
	struct slab_cache *s;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		s = debug_cache(flags[i]);
		assert_true(s->debug);
		assert_int_equal(s->common.flags, flags[i]);
		finish(s);
	}
	s = debug_cache(0);
	assert_false(s->debug);
	kmem_cache_destroy(&s->common);

	plain = test_boot(ONE_CPU);
	s = debug_cache(ALL_FLAGS);
	assert_false(s->debug);
	assert_int_equal(s->common.flags, 0);
	kmem_cache_destroy(&s->common);
	test_shutdown(plain, 0);
	machine_enter(machine);
}

static void the_word_names_caches_and_letters(void **state)
{
	struct slab_cache *a, *b, *c;
	struct kmem_cache *k;

	boot_text("preset=x86_64 mem=64M cmdline=slab_debug=Z,aa*;-,bb;U");
	a = to_slab_cache(kmem_cache_create("aardvark", 100, 0, 0, NULL));
	b = to_slab_cache(kmem_cache_create("bb", 100, 0, 0, NULL));
	c = to_slab_cache(kmem_cache_create("c", 100, 0, SLAB_POISON, NULL));
	assert_int_equal(a->common.flags, SLAB_RED_ZONE);
	assert_int_equal(b->common.flags, 0);
	assert_int_equal(c->common.flags, SLAB_POISON | SLAB_STORE_USER);
	k = kmem_find_cache("kmalloc-128");
	assert_int_equal(slab_debug_flags_of(k->flags), SLAB_STORE_USER);
	kmem_cache_destroy(&a->common);
	kmem_cache_destroy(&b->common);
	kmem_cache_destroy(&c->common);
	test_shutdown(machine, 0);
}

static void letters_that_slab_has_not_are_refused_by_name(void **state)
{
	static const char *const bad[] = { "X", "AX", "FZTX", "Z,foo;X,bar" };
	char text[128];
	unsigned int i;

	test_catch_all();
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct machine_error err = { 0, "" };
		struct machine *m = NULL;

		snprintf(text, sizeof(text), "preset=x86_64 mem=64M cmdline=slab_debug=%s", bad[i]);
		assert_int_equal(machine_boot_text(text, &m, &err), -22);
		assert_non_null(strstr(err.reason, "slab_debug"));
		assert_non_null(strstr(err.reason, "'X'"));
	}
}

/* O: where red zones and users would need larger slabs there are none. */
static void no_larger_slabs_with_o(void **state)
{
	struct slab_cache *s;

	boot_text(DEBUG("=FZPUO"));
	s = make_cache(4096, 0, 0, NULL);
	assert_int_equal(s->common.flags, SLAB_CONSISTENCY_CHECKS);
	assert_int_equal(s->geo.size, 4096);
	kmem_cache_destroy(&s->common);
	s = make_cache(2000, 0, 0, NULL);
	assert_int_equal(s->common.flags, SLAB_CONSISTENCY_CHECKS | ALL_FLAGS);
	kmem_cache_destroy(&s->common);
	test_shutdown(machine, 0);
}

static void objects_of_rcu_caches_are_not_poisoned(void **state)
{
	struct slab_cache *s = debug_cache(ALL_FLAGS | SLAB_TYPESAFE_BY_RCU);
	char *object = take(s);

	assert_int_equal(s->common.flags & SLAB_DEBUG_FLAGS, SLAB_RED_ZONE | SLAB_STORE_USER);
	memset(object, 7, 100);
	give(s, object);
	assert_int_equal(object[50], 7);
	kmem_cache_destroy(&s->common);
}

/* --- layout ----------------------------------------------------------------------------------- */

static void words_stand_around_the_object(void **state)
{
	static const struct {
		unsigned int object_size, align;
		slab_flags_t flags;
		unsigned int size, offset;
	} rows[] = {
		{ 100, 0, SLAB_CONSISTENCY_CHECKS, 104, 0 },
		{ 100, 0, SLAB_POISON, 104, 0 },
		{ 100, 0, SLAB_STORE_USER, 112, 0 },
		{ 100, 0, SLAB_RED_ZONE, 120, 8 },
		{ 100, 0, SLAB_RED_ZONE | SLAB_STORE_USER, 128, 8 },
		{ 512, 0, ALL_FLAGS, 536, 8 },	/* as bfq_queue in a kernel with DEBUG_SLAB */
		{ 1, 0, ALL_FLAGS, 32, 8 },
		{ 64, 64, SLAB_RED_ZONE, 192, 64 },
		{ 64, 64, SLAB_POISON, 64, 0 },
		{ 64, 64, SLAB_STORE_USER, 128, 0 },
	};
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct slab_cache *s = make_cache(rows[i].object_size, rows[i].align, rows[i].flags, NULL);
		char *objects[50];

		assert_int_equal(s->geo.size, rows[i].size);
		assert_int_equal(s->geo.obj_offset, rows[i].offset);
		assert_int_not_equal(s->geo.mgmt, SLAB_MGMT_OBJ);
		assert_int_equal(s->geo.freelist_size, 2 * s->geo.num);
		assert_true(s->limit <= 32);
		assert_int_equal(s->alloc_off, s->common.kernel->backend->empty_off);
		assert_int_equal(s->free_below, 0);
		for (j = 0; j < 50; j++) {
			objects[j] = take(s);
			assert_int_equal((uintptr_t)objects[j] % s->geo.align, 0);
			memset(objects[j], 0xee, rows[i].object_size);
		}
		give_many(s, (void **)objects, 50);
		finish(s);
	}
}

static void a_free_object_is_6b_a_new_one_5a(void **state)
{
	struct slab_cache *s = debug_cache(ALL_FLAGS);
	uint8_t *object = take(s), *other = take(s);

	expect_poison(s, object, SLAB_POISON_INUSE);
	expect_redzones(s, object, SLAB_RED_ACTIVE);
	memset(object, 0, 100);
	give(s, object);
	expect_poison(s, object, SLAB_POISON_FREE);
	expect_redzones(s, object, SLAB_RED_INACTIVE);
	expect_redzones(s, other, SLAB_RED_ACTIVE);
	assert_ptr_equal(take(s), object);
	expect_poison(s, object, SLAB_POISON_INUSE);
	give(s, object);
	give(s, other);
	finish(s);
}

static unsigned int ctor_calls;

static void count_ctor(void *object)
{
	ctor_calls++;
	memset(object, 0x11, 100);
}

static void with_poison_the_constructor_runs_at_every_allocation(void **state)
{
	struct slab_cache *s = make_cache(100, 0, SLAB_POISON, count_ctor);
	uint8_t *object;

	ctor_calls = 0;
	object = take(s);
	assert_int_equal(ctor_calls, 1);
	assert_int_equal(object[99], 0x11);
	give(s, object);
	assert_ptr_equal(take(s), object);
	assert_int_equal(ctor_calls, 2);
	assert_int_equal(object[0], 0x11);
	give(s, object);
	kmem_cache_destroy(&s->common);

	/* Without it once an object and slab. */
	s = make_cache(100, 0, SLAB_RED_ZONE, count_ctor);
	ctor_calls = 0;
	object = take(s);
	assert_int_equal(ctor_calls, s->geo.num);
	give(s, object);
	take(s);
	assert_int_equal(ctor_calls, s->geo.num);
	give(s, object);
	kmem_cache_destroy(&s->common);
}

static void zeroing_wins_over_poison(void **state)
{
	struct slab_cache *s = debug_cache(ALL_FLAGS);
	uint8_t *object = kmem_cache_zalloc(&s->common, GFP_KERNEL);
	unsigned int i;

	for (i = 0; i < 100; i++)
		assert_int_equal(object[i], 0);
	expect_redzones(s, object, SLAB_RED_ACTIVE);
	give(s, object);
	finish(s);
}

/* --- found at the free ------------------------------------------------------------------------ */

static void a_write_behind_the_object(void **state)
{
	static const char *const words[] = { "CPU: ", "Call Trace:\n", "a_write_behind_the_object",
					     ": redzone 1:0xd84156c5635688c0, redzone 2:0xd84156c563568800\n",
					     NULL };
	struct slab_cache *s = debug_cache(ALL_FLAGS);
	void *object = take(s), *next = take(s);

	set_byte(object, 104, 0);
	give(s, object);
	expect_words("slab error in verify_redzone_free(): cache `t': memory outside object was overwritten\n",
		     words);
	/* Put right: the object is free. */
	expect_redzones(s, object, SLAB_RED_INACTIVE);
	assert_ptr_equal(take(s), object);
	give(s, object);
	give(s, next);
	finish(s);
}

static void a_write_in_front_of_the_object(void **state)
{
	static const char *const words[] = { "redzone 1:0xff4156c5635688c0, redzone 2:0xd84156c5635688c0\n",
					     NULL };
	struct slab_cache *s = debug_cache(SLAB_RED_ZONE);
	void *object = take(s);

	set_byte(object, -1, 0xff);
	give(s, object);
	expect_words("slab error in verify_redzone_free(): cache `t': memory outside object was overwritten\n",
		     words);
	finish(s);
}

static void any_second_free(void **state)
{
	static const slab_flags_t flags[] = { ALL_FLAGS, SLAB_RED_ZONE, SLAB_POISON, SLAB_STORE_USER,
					      SLAB_CONSISTENCY_CHECKS };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct slab_cache *s = debug_cache(flags[i]);
		const char *words = flags[i] & SLAB_RED_ZONE ?
					    "slab error in verify_redzone_free(): cache `t': double free detected" :
					    "slab: double free detected in cache 't', objp ffff8880";
		void *objects[100], *twice;

		take_many(s, objects, 100);
		give_many(s, objects, 100);
		/* In the array, in the shared array, on a slab's list: wherever it lies. */
		for (j = 0; j < 100; j += 9) {
			give(s, objects[j]);
			expect_report(MACHINE_BUG, words);
			kfree(objects[j]);
			expect_report(MACHINE_BUG, words);
			kmem_cache_free_bulk(&s->common, 1, &objects[j]);
			expect_report(MACHINE_BUG, words);
		}
		check_sane(s);
		/* In a bulk, the same one twice. */
		take_many(s, objects, 3);
		twice = objects[1];
		objects[1] = objects[2];
		objects[2] = objects[0];
		kmem_cache_free_bulk(&s->common, 3, objects);
		expect_report(MACHINE_BUG, words);
		give(s, twice);
		finish(s);
	}
}

/* --- found at the allocation ------------------------------------------------------------------ */

static void a_write_after_free(void **state)
{
	static const char *const words[] = {
		"start=ffff8880", ", len=100\n",
		"Redzone: 0x9f911029d74e35b/0x9f911029d74e35b\n",
		"Last user: (",
		")\n010: 6b 6b 6b 00 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b  kkk.kkkkkkkkkkkk\n",
		"060: 6b 6b 41 a5                                      kkA.\n",
		"Prev obj: start=", ", len=100\n",
		"Redzone: 0xd84156c5635688c0/0xd84156c5635688c0\nLast user: (",
		")\n000: 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a  ZZZZZZZZZZZZZZZZ\n010: ",
		"Next obj: start=", "Call Trace:\n", "a_write_after_free", NULL,
	};
	struct slab_cache *s = debug_cache(ALL_FLAGS);
	void *objects[3];

	/* From high to low addresses. */
	take_many(s, objects, 3);
	give(s, objects[1]);
	set_byte(objects[1], 19, 0);
	set_byte(objects[1], 98, 'A');
	assert_ptr_equal(take(s), objects[1]);
	expect_words("Slab corruption (Not tainted): t start=", words);
	/* Put right. */
	expect_poison(s, objects[1], SLAB_POISON_INUSE);
	give_many(s, objects, 3);
	finish(s);
}

static void one_wrong_bit_is_probably_bad_ram(void **state)
{
	static const char *const words[] = {
		"000: 6b 4b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b  kKkkkkkkkkkkkkkk\n"
		"Single bit error detected. Probably bad RAM.\n"
		"Run memtest86+ or a similar memory test tool.\n", NULL };
	struct slab_cache *s = debug_cache(SLAB_POISON);
	void *object = take(s);

	give(s, object);
	set_byte(object, 1, 0x4b);
	assert_ptr_equal(take(s), object);
	expect_words("Slab corruption (Not tainted): t start=", words);
	give(s, object);
	finish(s);
}

static void a_large_object_shows_a_few_of_its_lines(void **state)
{
	struct slab_cache *s = make_cache(1000, 0, SLAB_POISON, NULL);
	void *object = take(s);
	const char *at;
	unsigned int i, lines = 0;

	give(s, object);
	test_scribble_free(object, 0, 1000);
	assert_ptr_equal(take(s), object);
	at = test_state.reports[0].text;
	for (i = 0; i < 63; i++) {
		char line[8];

		snprintf(line, sizeof(line), "\n%03x: ", i * 16);
		lines += strstr(at, line) && strstr(at, line) < strstr(at, "Prev obj");
	}
	assert_int_equal(lines, 6);
	expect_report(MACHINE_BUG, "Slab corruption");
	give(s, object);
	finish(s);
}

static void a_red_zone_of_a_free_object(void **state)
{
	static const char *const words[] = { "redzone 1:0x9f911029d74e35b, redzone 2:0x9f911029d740000\n",
					     NULL };
	struct slab_cache *s = debug_cache(SLAB_RED_ZONE | SLAB_STORE_USER);
	void *object = take(s);

	give(s, object);
	set_byte(object, 104, 0);
	set_byte(object, 105, 0);
	assert_ptr_equal(take(s), object);
	expect_words("slab error in cache_alloc_debugcheck_after(): cache `t': double free, or memory outside object was overwritten\n",
		     words);
	expect_redzones(s, object, SLAB_RED_ACTIVE);
	give(s, object);
	finish(s);
}

/* The state bytes say so even if the free list has been made to hand it out again. */
static void an_object_in_use_is_not_handed_out(void **state)
{
	struct slab_cache *s = debug_cache(SLAB_CONSISTENCY_CHECKS);
	void *mine = take(s), *object;
	struct slab_array *ac = array_of(s, 0);

	object = ac->entry[ac->avail - 1];
	ac->entry[ac->avail - 1] = mine;
	assert_ptr_not_equal(take(s), mine);
	expect_report(MACHINE_BUG, "kmem_cache_alloc: free list is overwritten: the object is in use");
	/* Put back what the test took out. */
	ac->entry[ac->avail++] = object;
	give(s, mine);
	assert_int_equal(kmem_cache_shrink(&s->common), 1);
}

static int give_rest(void **state)
{
	/* One object was lost to the test above. */
	test_state.nr_reports = 0;
	machine_shutdown(machine);
	test_state.nr_reports = 0;
	return 0;
}

/* --- found when a slab is made or goes -------------------------------------------------------- */

static void ctor_too_far(void *object)
{
	memset(object, 0x22, 105);
}

static void ctor_too_early(void *object)
{
	((char *)object)[-1] = 1;
}

static void a_constructor_that_does_not_keep_to_its_object(void **state)
{
	struct slab_cache *s = make_cache(100, 0, SLAB_RED_ZONE, ctor_too_far);
	unsigned int num = s->geo.num;

	give(s, take(s));
	expect_reports(num, MACHINE_BUG,
		       "slab error in cache_init_objs_debug(): cache `t': constructor overwrote the end of an object");
	kmem_cache_destroy(&s->common);
	s = make_cache(100, 0, SLAB_RED_ZONE, ctor_too_early);
	give(s, take(s));
	expect_reports(num, MACHINE_BUG, "constructor overwrote the start of an object");
	kmem_cache_destroy(&s->common);
}

static void what_was_done_to_free_objects_is_found_at_the_latest_with_their_slab(void **state)
{
	struct slab_cache *s = debug_cache(SLAB_RED_ZONE | SLAB_POISON);
	void *objects[3];

	take_many(s, objects, 3);
	give_many(s, objects, 3);
	kmem_cache_shrink(&s->common);
	expect_no_reports();

	take_many(s, objects, 3);
	give_many(s, objects, 3);
	set_byte(objects[0], -8, 0);
	set_byte(objects[1], 111, 0);
	set_byte(objects[2], 0, 0);
	kmem_cache_shrink(&s->common);
	assert_int_equal(test_state.nr_reports, 3);
	assert_non_null(strstr(test_state.reports[0].text, "Slab corruption"));
	assert_non_null(strstr(test_state.reports[1].title,
			       "slab error in slab_destroy_debugcheck(): cache `t': end of a freed object was overwritten"));
	assert_non_null(strstr(test_state.reports[2].title, "start of a freed object was overwritten"));
	test_state.nr_reports = 0;
	finish(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		slab_test(flags_count_on_a_machine_with_the_word_alone, boot_debug),
		cmocka_unit_test(the_word_names_caches_and_letters),
		cmocka_unit_test(letters_that_slab_has_not_are_refused_by_name),
		cmocka_unit_test(no_larger_slabs_with_o),
		slab_test(objects_of_rcu_caches_are_not_poisoned, boot_debug),
		slab_test(words_stand_around_the_object, boot_debug),
		slab_test(a_free_object_is_6b_a_new_one_5a, boot_debug),
		slab_test(with_poison_the_constructor_runs_at_every_allocation, boot_debug),
		slab_test(zeroing_wins_over_poison, boot_debug),
		slab_test(a_write_behind_the_object, boot_debug),
		slab_test(a_write_in_front_of_the_object, boot_debug),
		slab_test(any_second_free, boot_debug),
		slab_test(a_write_after_free, boot_debug),
		slab_test(one_wrong_bit_is_probably_bad_ram, boot_debug),
		slab_test(a_large_object_shows_a_few_of_its_lines, boot_debug),
		slab_test(a_red_zone_of_a_free_object, boot_debug),
		cmocka_unit_test_setup_teardown(an_object_in_use_is_not_handed_out, boot_debug, give_rest),
		slab_test(a_constructor_that_does_not_keep_to_its_object, boot_debug),
		slab_test(what_was_done_to_free_objects_is_found_at_the_latest_with_their_slab, boot_debug),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
