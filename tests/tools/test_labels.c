/* SPDX-License-Identifier: MIT */
/* Ordinals in order of first sight, by cache; names lost and given anew; lines in their order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "kmemsim/labels.h"

#include <stdlib.h>
#include <string.h>

/* Caches and slabs are addresses here, never looked at. */
#define CACHE(n) ((const struct kmem_cache *)(uintptr_t)(0x1000 + 64 * (n)))
#define SLAB(n) ((const void *)(uintptr_t)(0x100000 + 4096 * (uintptr_t)(n)))

static void assert_freed(struct labels *l, const char *want)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	labels_print_freed(l, out);
	fclose(out);
	assert_string_equal(text, want);
	free(text);
}

static void test_first_sight(void **state)
{
	struct labels *l = labels_new();

	assert_int_equal(labels_slab(l, CACHE(0), "c0", SLAB(7)), 0);
	assert_int_equal(labels_slab(l, CACHE(0), "c0", SLAB(3)), 1);
	assert_int_equal(labels_slab(l, CACHE(1), "c1", SLAB(5)), 0);
	assert_int_equal(labels_slab(l, CACHE(0), "c0", SLAB(7)), 0);
	assert_freed(l, "");
	labels_free(l);
}

static void test_freed_in_order(void **state)
{
	struct labels *l = labels_new();

	for (unsigned int i = 0; i < 4; i++)
		labels_slab(l, CACHE(0), "c0", SLAB(i));
	labels_slab(l, NULL, "slob", SLAB(9));
	labels_slab_freed(l, SLAB(9));
	labels_slab_freed(l, SLAB(3));
	labels_slab_freed(l, SLAB(1));
	labels_slab_freed(l, SLAB(100));	/* never seen: no name */
	assert_freed(l, "  slabfree c0 s1\n  slabfree c0 s3\n  slabfree slob s0\n");
	assert_freed(l, "");
	/* the same memory is a new slab */
	assert_int_equal(labels_slab(l, CACHE(0), "c0", SLAB(1)), 4);
	labels_free(l);
}

static void test_forgotten_cache(void **state)
{
	struct labels *l = labels_new();

	for (unsigned int i = 0; i < 100; i++)
		labels_slab(l, CACHE(i % 2), i % 2 ? "c1" : "c0", SLAB(i));
	labels_slab_freed(l, SLAB(0));
	labels_slab_freed(l, SLAB(1));
	labels_forget_cache(l, CACHE(0));
	assert_freed(l, "  slabfree c1 s0\n");
	/* a new cache at the old one's address begins at 0; the other goes on */
	assert_int_equal(labels_slab(l, CACHE(0), "c0", SLAB(2)), 0);
	assert_int_equal(labels_slab(l, CACHE(1), "c1", SLAB(99)), 49);
	assert_int_equal(labels_slab(l, CACHE(1), "c1", SLAB(200)), 50);
	labels_free(l);
}

/* Against a plain array, with enough slabs to make the table grow and places move. */
static void test_many(void **state)
{
	static int ordinal[5000];
	struct labels *l = labels_new();
	uint32_t x = 12345;
	int next = 0;

	memset(ordinal, -1, sizeof(ordinal));
	for (int i = 0; i < 100000; i++) {
		unsigned int slab;

		x = x * 1664525 + 1013904223;
		slab = (x >> 8) % ARRAY_SIZE(ordinal);
		if (x >> 31) {
			labels_slab_freed(l, SLAB(slab));
			ordinal[slab] = -1;
			continue;
		}
		if (ordinal[slab] < 0)
			ordinal[slab] = next++;
		assert_int_equal(labels_slab(l, CACHE(0), "c0", SLAB(slab)), ordinal[slab]);
	}
	labels_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_sight),
		cmocka_unit_test(test_freed_in_order),
		cmocka_unit_test(test_forgotten_cache),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
