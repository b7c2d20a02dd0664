/* SPDX-License-Identifier: MIT */
/* src/lib/number.c, and src/lib/math.h. */
#include "../support/sim_test.h"

#include "lib/math.h"
#include "lib/number.h"

static void expect(const char *text, unsigned int base, uint64_t max, uint64_t number,
		   const char *rest)
{
	const char *at = text;
	uint64_t n = 77;

	assert_int_equal(number_read(&at, NULL, base, max, &n), 0);
	assert_true(n == number);
	assert_string_equal(at, rest);
}

static void expect_error(const char *text, unsigned int base, uint64_t max, int err)
{
	const char *at = text;
	uint64_t n = 77;

	assert_int_equal(number_read(&at, NULL, base, max, &n), err);
	assert_ptr_equal(at, text);
	assert_int_equal(n, 77);
}

static void test_digits_of_the_base(void **state)
{
	expect("0", 10, UINT64_MAX, 0, "");
	expect("007,9", 10, UINT64_MAX, 7, ",9");
	expect("12a", 10, UINT64_MAX, 12, "a");
	expect("12aFg", 16, UINT64_MAX, 0x12af, "g");
	expect("0178", 8, UINT64_MAX, 017, "8");
	expect("1012", 2, UINT64_MAX, 5, "2");
	expect_error("", 10, UINT64_MAX, -EINVAL);
	expect_error("-1", 10, UINT64_MAX, -EINVAL);
	expect_error(" 1", 10, UINT64_MAX, -EINVAL);
	expect_error("g", 16, UINT64_MAX, -EINVAL);
	expect_error("8", 8, UINT64_MAX, -EINVAL);
}

static void test_no_more_than_the_maximum(void **state)
{
	expect("18446744073709551615", 10, UINT64_MAX, UINT64_MAX, "");
	expect_error("18446744073709551616", 10, UINT64_MAX, -ERANGE);
	expect_error("18446744073709551615x", 10, UINT64_MAX - 1, -ERANGE);
	expect_error("184467440737095516150", 10, UINT64_MAX, -ERANGE);
	expect("ffffffffffffffff", 16, UINT64_MAX, UINT64_MAX, "");
	expect_error("10000000000000000", 16, UINT64_MAX, -ERANGE);
	expect("4294967295", 10, UINT32_MAX, UINT32_MAX, "");
	expect_error("4294967296", 10, UINT32_MAX, -ERANGE);
	expect("5", 10, 5, 5, "");
	expect_error("6", 10, 5, -ERANGE);
	expect_error("10", 10, 5, -ERANGE);
	expect("0", 10, 0, 0, "");
	expect_error("1", 10, 0, -ERANGE);
}

static void test_no_further_than_the_end(void **state)
{
	const char *text = "1234", *at = text;
	uint64_t n;

	assert_int_equal(number_read(&at, text + 2, 10, UINT64_MAX, &n), 0);
	assert_int_equal(n, 12);
	assert_ptr_equal(at, text + 2);
	assert_int_equal(number_read(&at, text + 2, 10, UINT64_MAX, &n), -EINVAL);
}

static void expect_base(const char *text, unsigned int base, const char *rest)
{
	const char *at = text;

	assert_int_equal(number_base(&at), base);
	assert_string_equal(at, rest);
}

static void test_base(void **state)
{
	expect_base("0x1f", 16, "1f");
	expect_base("0X", 16, "");
	expect_base("12", 10, "12");
	expect_base("0", 10, "0");
	expect_base("", 10, "");
	expect_base("x1", 10, "x1");
}

static void test_rounding(void **state)
{
	uint64_t large = ((uint64_t)1 << 40) + 1;

	assert_int_equal(round_up(0u, 8), 0);
	assert_int_equal(round_up(1u, 8), 8);
	assert_int_equal(round_up(8u, 8), 8);
	assert_true(round_up(large, 4096u) == ((uint64_t)1 << 40) + 4096);
	assert_int_equal(roundup(0u, 12), 0);
	assert_int_equal(roundup(13u, 12), 24);
	assert_int_equal(roundup(24u, 12), 24);
	assert_true(roundup(large, 3u) == large + 1);
	assert_int_equal(min(3, 4), 3);
	assert_true(min(large, 5u) == 5);
	assert_true(min(large, UINT64_MAX) == large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digits_of_the_base),
		cmocka_unit_test(test_no_more_than_the_maximum),
		cmocka_unit_test(test_no_further_than_the_end),
		cmocka_unit_test(test_base),
		cmocka_unit_test(test_rounding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
