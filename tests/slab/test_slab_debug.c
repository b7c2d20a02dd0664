/* SPDX-License-Identifier: MIT */
/* Debug caches: layout, patterns, what is found when, the words of the reports, and repairs. */
#include "slab_test.h"

#include "slab/slab_debug.h"

#include <pthread.h>

#define DEBUG(flags) "preset=x86_64 mem=64M cpus=2 isolate_metadata=1 cmdline=slab_debug" flags

static int boot_debug(void **state)
{
	(void)state;
	return boot_text(DEBUG("=-"));
}

static int boot_debug_two_nodes(void **state)
{
	(void)state;
	return boot_text("preset=x86_64 mem=128M cpus=2 nodes=2 isolate_metadata=1 cmdline=slab_debug");
}

#define ALL_FLAGS (SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER)

static struct slab_cache *debug_cache(slab_flags_t flags)
{
	return make_cache(100, 0, flags, NULL);
}

static uint8_t byte_at(const void *p, unsigned int i)
{
	uint8_t byte;

	test_copy_free(&byte, (const uint8_t *)p + i, 1);
	return byte;
}

static void set_byte(void *p, int i, int byte)
{
	test_scribble_free((char *)p + i, byte, 1);
}

static void expect_poison(struct slab_cache *s, const void *object, uint8_t byte)
{
	unsigned int i, size = s->common.object_size;

	for (i = 0; i + 1 < size; i++)
		assert_int_equal(byte_at(object, i), byte);
	assert_int_equal(byte_at(object, size - 1), SLAB_POISON_END);
}

static void expect_redzones(struct slab_cache *s, const void *object, uint64_t word)
{
	uint64_t before, behind;

	test_copy_free(&before, (const char *)object - 8, 8);
	test_copy_free(&behind, (const char *)object + s->geo.tail, 8);
	assert_true(before == word);
	assert_true(behind == word);
}

/* Exactly one report, and these words in it, in this order. */
static void expect_words(const char *title, const char *const *words)
{
	const char *at = test_state.reports[0].text;

	assert_int_equal(test_state.nr_reports, 1);
	assert_int_equal(test_state.reports[0].kind, MACHINE_BUG);
	assert_int_equal(strncmp(at, title, strlen(title)), 0);
	for (; *words; words++) {
		at = strstr(at, *words);
		if (!at)
			print_error("no \"%s\" in\n%s\n", *words, test_state.reports[0].text);
		assert_non_null(at);
		at += strlen(*words);
	}
	test_state.nr_reports = 0;
}

/* The cache goes on: many objects, all different, all writable from end to end. */
static void check_sane(struct slab_cache *s)
{
	void *objects[200];
	unsigned int i, j;

	for (i = 0; i < 200; i++) {
		objects[i] = take(s);
		for (j = 0; j < i; j++)
			assert_ptr_not_equal(objects[i], objects[j]);
		memset(objects[i], (int)i, s->common.object_size);
	}
	for (i = 0; i < 200; i++)
		for (j = 0; j < s->common.object_size; j++)
			assert_int_equal(((uint8_t *)objects[i])[j], (uint8_t)i);
	give_many(s, objects, 200);
	expect_no_reports();
	check_cache(s);
}

static void finish(struct slab_cache *s)
{
	check_sane(s);
	kmem_cache_destroy(&s->common);
	expect_no_reports();
}

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

/* --- everywhere ------------------------------------------------------------------------------- */

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
