/* SPDX-License-Identifier: MIT */
/* src/sim/symbol.c: names of code addresses. */
#include "../support/sim_test.h"

static noinline int a_static_function(int n)
{
	arch_barrier();
	return n + 1;
}

static void expect_name(unsigned long addr, const char *start)
{
	char name[100];

	arch_symbol(addr, name, sizeof(name));
	if (strncmp(name, start, strlen(start)))
		fail_msg("%lx is %s, not %s…", addr, name, start);
}

/* A function of a shared library: the dynamic linker knows it. */
static void test_exported(void **state)
{
	expect_name((unsigned long)_expect_string + 1, "_expect_string+0x1/0x");
}

/* Functions that are not exported: the file's symbol table knows them. */
static void test_static(void **state)
{
	assert_int_equal(a_static_function(1), 2);
	expect_name((unsigned long)a_static_function + 1, "a_static_function+0x1/0x");
	expect_name((unsigned long)expect_name + 5, "expect_name+0x5/0x");
}

/* A return address behind a function's last byte belongs to the function that made the call. */
static void test_end_of_function(void **state)
{
	char name[100];
	unsigned long size;

	arch_symbol((unsigned long)a_static_function + 1, name, sizeof(name));
	size = strtoul(strrchr(name, '/') + 1, NULL, 16);
	assert_true(size > 0);
	expect_name((unsigned long)a_static_function + size, "a_static_function+0x");
}

static void test_unknown(void **state)
{
	char name[100];

	expect_name(0x1234, "0x1234");
	expect_name(0, "0x0");
	arch_symbol(0x12345678, name, 5);
	assert_string_equal(name, "0x12");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exported),
		cmocka_unit_test(test_static),
		cmocka_unit_test(test_end_of_function),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
