/* SPDX-License-Identifier: MIT */
/* Caches of every size, alignment and flag of a real SLOB kernel come out as there. */
#include "slob_test.h"

#include "../support/flag_words.h"

static const char *golden;

static void ctor(void *object)
{
}

static void every_row_agrees(void **state)
{
	unsigned int rows = 0, size, align, objsize, gotsize, gotalign, gotflags;
	char line[200], words[80], expect[200], got[200];
	FILE *f = fopen(golden, "r");
	struct kmem_cache *s;
	slab_flags_t flags;
	bool with_ctor;

	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	assert_string_equal(line, "cpus,req,reqalign,reqflags,objsize,size,align,flags\n");
	while (fgets(line, sizeof(line), f)) {
		assert_int_equal(sscanf(line, "%*u,%u,%u,%79[^,],%u,%u,%u,%x", &size, &align, words,
					&objsize, &gotsize, &gotalign, &gotflags), 7);
		/* The rows are a 64-bit kernel's, with its cache lines and pointers in struct slob_rcu. */
		if (sizeof(void *) == 4 &&
		    (strstr(words, "HWCACHE_ALIGN") || strstr(words, "TYPESAFE_BY_RCU")))
			continue;
		with_ctor = strstr(words, "CTOR") != NULL;
		assert_true(flags_of_words(words, &flags));
		s = kmem_cache_create("row", size, align, flags, with_ctor ? ctor : NULL);
		assert_non_null(s);
		snprintf(expect, sizeof(expect), "objsize=%u size=%u align=%u flags=%x", objsize,
			 gotsize, gotalign, gotflags);
		assert_true(kmem_cache_print_geometry(s, true, got, sizeof(got)) < 200);
		if (strcmp(got, expect))
			fail_msg("%s: got %s", line, got);
		kmem_cache_destroy(s);
		rows++;
	}
	fclose(f);
	assert_true(rows > (sizeof(void *) == 8 ? 1000 : 600));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { slob_test(every_row_agrees) };

	golden = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
