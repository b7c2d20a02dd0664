/* SPDX-License-Identifier: MIT */
/* slub_debug's syntax: blocks, letters, names; which caches get what, and which words are refused. */
#include "../support/kmem_test.h"

#include "common/debug_words.h"
#include "lib/errno.h"
#include "lib/kernel.h"

#define F SLAB_CONSISTENCY_CHECKS
#define Z SLAB_RED_ZONE
#define P SLAB_POISON
#define U SLAB_STORE_USER
#define T SLAB_TRACE

static slab_flags_t flags_of(const char *word, const char *name, slab_flags_t flags)
{
	struct kernel k = {.params.slab_debug = {word, word ? strlen(word) : 0}};

	return debug_words_flags(&k, name, flags);
}

static void all_caches(void **state)
{
	assert_int_equal(flags_of(NULL, "a", 0), 0);
	assert_int_equal(flags_of(NULL, "a", P), P);
	assert_int_equal(flags_of("", "a", 0), F | Z | P | U);
	assert_int_equal(flags_of("FZ", "a", 0), F | Z);
	assert_int_equal(flags_of("fzt", "a", P), F | Z | P | T);
	assert_int_equal(flags_of("-", "a", P), P);
	assert_int_equal(flags_of("FZ-U", "a", 0), U);
	assert_int_equal(flags_of("O", "a", 0), 0);
	assert_int_equal(flags_of("ZO", "a", 0), Z);
	/* The last block without names counts. */
	assert_int_equal(flags_of("F;P", "a", 0), P);
}

static void some_caches(void **state)
{
	const char *word = "FZ;-,zspage,zs_*;U,skb*;P,skbuff_head";

	assert_int_equal(flags_of(word, "dentry", 0), F | Z);
	assert_int_equal(flags_of(word, "zspage", 0), 0);
	assert_int_equal(flags_of(word, "zspages", 0), F | Z);
	assert_int_equal(flags_of(word, "zspag", 0), F | Z);
	assert_int_equal(flags_of(word, "zs_", 0), 0);
	assert_int_equal(flags_of(word, "zs_handle", 0), 0);
	assert_int_equal(flags_of(word, "zs", 0), F | Z);
	/* The first block that names it. */
	assert_int_equal(flags_of(word, "skbuff_head", 0), U);
	assert_int_equal(flags_of("Z,a,b", "b", 0), Z);
	assert_int_equal(flags_of("Z,a,b", "c", 0), 0);
	assert_int_equal(flags_of(",dentry", "dentry", 0), F | Z | P | U);
	assert_int_equal(flags_of(",dentry", "inode", 0), 0);
	assert_int_equal(flags_of("Z,", "", 0), 0);
	assert_int_equal(flags_of("Z,*", "anything", 0), Z);
}

static void no_tracks_in_caches_that_must_not_be_traced(void **state)
{
	assert_int_equal(flags_of("", "a", SLAB_NOLEAKTRACE), SLAB_NOLEAKTRACE | F | Z | P);
	assert_int_equal(flags_of("U,a", "a", SLAB_NOLEAKTRACE), SLAB_NOLEAKTRACE | U);
	assert_int_equal(flags_of("-", "a", SLAB_NOLEAKTRACE | U), SLAB_NOLEAKTRACE | U);
}

static char bad_letter(const char *word, slab_flags_t known)
{
	struct param_text text = {word, strlen(word)};

	return debug_words_bad_letter(&text, known);
}

static void bad_letters(void **state)
{
	assert_int_equal(bad_letter("", 0), 0);
	assert_int_equal(bad_letter("FZPUTAO-;fzputao", ~(slab_flags_t)0), 0);
	assert_int_equal(bad_letter("FX", ~(slab_flags_t)0), 'X');
	assert_int_equal(bad_letter("F;Z,X;Q", ~(slab_flags_t)0), 'Q');
	assert_int_equal(bad_letter("F M", ~(slab_flags_t)0), ' ');
	assert_int_equal(bad_letter("\r", ~(slab_flags_t)0), '\r');
	assert_int_equal(bad_letter("FA", F), 'A');
	assert_int_equal(bad_letter("F,A", F), 0);
}

static void larger_slabs(void **state)
{
	struct kernel k = {.params.slab_debug = {NULL, 0}};

	assert_false(debug_words_keep_order(&k));
	k.params.slab_debug = (struct param_text){"FZ;PO,a", 7};
	assert_true(debug_words_keep_order(&k));
	k.params.slab_debug = (struct param_text){"FZ;P,OOO", 8};
	assert_false(debug_words_keep_order(&k));
}

/* The word on a machine's command line; the text of another backend's is looked at, too. */
static void on_the_command_line(void **state)
{
	static const char *const bad[] = {"slub_debug=FX", "slab_debug=FX", "slob_debug=;;Y,a"};
	struct machine *m;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_bad_cmdline(bad[i], -EINVAL);
	m = test_boot("preset=x86_64 mem=64M cmdline=\"slub_debug=Z,seen slab_debug slob_debug=F\"");
	assert_int_equal(debug_words_flags(arch_kernel(), "seen", 0), Z);
	assert_int_equal(debug_words_flags(arch_kernel(), "other", 0), 0);
	test_shutdown(m, 0);
	m = test_boot("preset=x86_64 mem=64M cmdline=slub_debug");
	assert_int_equal(debug_words_flags(arch_kernel(), "seen", 0), F | Z | P | U);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_caches),
		cmocka_unit_test(some_caches),
		cmocka_unit_test(no_tracks_in_caches_that_must_not_be_traced),
		cmocka_unit_test(bad_letters),
		cmocka_unit_test(larger_slabs),
		cmocka_unit_test(on_the_command_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
