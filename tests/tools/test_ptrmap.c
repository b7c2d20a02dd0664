/* SPDX-License-Identifier: MIT */
/* Pointers to numbers: against a plain list, through growth, and with removals that leave holes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "kmemsim/trace_form.h"

#include <stdlib.h>

#define NR_KEYS 3000

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 33;
}

/* Keys as they come: neighbours, hashes, addresses with the same low bits. */
static uint64_t key_of(unsigned int i)
{
	switch (i % 3) {
	case 0:
		return 1 + i;
	case 1:
		return (i * 2654435761u) | 1;
	default:
		return 0xffff888000000000ULL + ((uint64_t)i << 12);
	}
}

static void test_against_a_list(void **state)
{
	static uint32_t expected[NR_KEYS];	/* 0: not there */
	struct ptrmap *m = ptrmap_new();
	uint64_t random = 1;
	uint32_t value;

	for (unsigned int round = 1; round <= 200000; round++) {
		unsigned int i = (unsigned int)next_random(&random) % NR_KEYS;
		bool add = next_random(&random) % 100 < (round / 20000 % 2 ? 35 : 65);
		bool is_new;

		if (add) {
			uint32_t *place = ptrmap_add(m, key_of(i), &is_new);

			assert_int_equal(is_new, !expected[i]);
			assert_int_equal(*place, expected[i]);
			*place = expected[i] = round;
			continue;
		}
		assert_int_equal(ptrmap_remove(m, key_of(i), &value), expected[i] != 0);
		if (expected[i])
			assert_int_equal(value, expected[i]);
		expected[i] = 0;
	}
	for (unsigned int i = 0; i < NR_KEYS; i++)
		assert_int_equal(ptrmap_remove(m, key_of(i), &value), expected[i] != 0);
	ptrmap_free(m);
}

static void test_numbers(void **state)
{
	struct numbers n = {0};

	for (uint32_t i = 0; i < 5000; i++)
		assert_int_equal(numbers_take(&n), i);
	for (uint32_t i = 0; i < 5000; i++)
		numbers_give(&n, i);
	assert_int_equal(numbers_take(&n), 4999);
	assert_int_equal(numbers_take(&n), 4998);
	numbers_give(&n, 4999);
	assert_int_equal(numbers_take(&n), 4999);
	assert_int_equal(n.next, 5000);
	numbers_free(&n);
}

static void test_names(void **state)
{
	struct names *n = names_new();
	char text[64];

	for (unsigned int round = 0; round < 2; round++) {
		for (unsigned int i = 0; i < 1000; i++) {
			int len = snprintf(text, sizeof(text), "%.*s%u", (int)(i % 40),
					   "a name of some length, then a number: ", i);

			assert_int_equal(names_intern(n, text, (size_t)len), i);
			assert_string_equal(names_text(n, i), text);
		}
	}
	assert_int_equal(names_count(n), 1000);
	assert_int_equal(names_intern(n, "", 0), 1000);
	assert_int_equal(names_intern(n, "x", 0), 1000);
	names_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_a_list),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
