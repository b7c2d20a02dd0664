/* SPDX-License-Identifier: MIT */
/* Machines with debug caches, and what stands in and around their objects. */
#ifndef KMEM_TESTS_SLAB_DEBUG_TEST_H
#define KMEM_TESTS_SLAB_DEBUG_TEST_H

#include "slab_test.h"

#include "slab/slab_debug.h"

#define DEBUG(flags) "preset=x86_64 mem=64M cpus=2 isolate_metadata=1 cmdline=slab_debug" flags

static inline int boot_debug(void **state)
{
	(void)state;
	return boot_text(DEBUG("=-"));
}

static inline int boot_debug_two_nodes(void **state)
{
	(void)state;
	return boot_text("preset=x86_64 mem=128M cpus=2 nodes=2 isolate_metadata=1 cmdline=slab_debug");
}

#define ALL_FLAGS (SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER)

static inline struct slab_cache *debug_cache(slab_flags_t flags)
{
	return make_cache(100, 0, flags, NULL);
}

static inline uint8_t byte_at(const void *p, unsigned int i)
{
	uint8_t byte;

	test_copy_free(&byte, (const uint8_t *)p + i, 1);
	return byte;
}

static inline void set_byte(void *p, int i, int byte)
{
	test_scribble_free((char *)p + i, byte, 1);
}

static inline void expect_poison(struct slab_cache *s, const void *object, uint8_t byte)
{
	unsigned int i, size = s->common.object_size;

	for (i = 0; i + 1 < size; i++)
		assert_int_equal(byte_at(object, i), byte);
	assert_int_equal(byte_at(object, size - 1), SLAB_POISON_END);
}

static inline void expect_redzones(struct slab_cache *s, const void *object, uint64_t word)
{
	uint64_t before, behind;

	test_copy_free(&before, (const char *)object - 8, 8);
	test_copy_free(&behind, (const char *)object + s->geo.tail, 8);
	assert_true(before == word);
	assert_true(behind == word);
}

/* Exactly one report, and these words in it, in this order. */
static inline void expect_words(const char *title, const char *const *words)
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
static inline void check_sane(struct slab_cache *s)
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

static inline void finish(struct slab_cache *s)
{
	check_sane(s);
	kmem_cache_destroy(&s->common);
	expect_no_reports();
}

#endif
