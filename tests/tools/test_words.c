/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "kmemsim/words.h"

static void test_script_gfp(void **state)
{
	char bad[32];
	gfp_t gfp;

	assert_true(gfp_from_script("KERNEL|NOWARN", &gfp, bad));
	assert_int_equal(gfp, GFP_KERNEL | __GFP_NOWARN);
	assert_true(gfp_from_script("ATOMIC", &gfp, bad));
	assert_int_equal(gfp, GFP_ATOMIC);
	assert_true(gfp_from_script("MOVABLE|HIGHMEM|NOWARN", &gfp, bad));
	assert_int_equal(gfp, __GFP_MOVABLE | __GFP_HIGHMEM | __GFP_NOWARN);
	assert_true(gfp_from_script("-", &gfp, bad));
	assert_int_equal(gfp, 0);
	assert_false(gfp_from_script("KERNEL|WARM", &gfp, bad));
	assert_string_equal(bad, "WARM");
	assert_false(gfp_from_script("KERNEL|", &gfp, bad));
	assert_false(gfp_from_script("GFP_KERNEL", &gfp, bad));
}

static void test_trace_gfp(void **state)
{
	char bad[32];
	gfp_t gfp;

	assert_int_equal(gfp_from_trace("GFP_NOFS|__GFP_HIGHMEM|__GFP_COMP", &gfp, bad), 0);
	assert_int_equal(gfp, GFP_NOFS | __GFP_HIGHMEM | __GFP_COMP);
	/* newer kernels' GFP_NOWAIT does not warn */
	assert_int_equal(gfp_from_trace("GFP_NOWAIT", &gfp, bad), 0);
	assert_int_equal(gfp, GFP_NOWAIT | __GFP_NOWARN);
	assert_int_equal(gfp_from_trace("GFP_KERNEL|__GFP_NO_CODETAG|KERNEL", &gfp, bad), 2);
	assert_string_equal(bad, "__GFP_NO_CODETAG");
	assert_int_equal(gfp, GFP_KERNEL);
	assert_int_equal(gfp_from_trace("none", &gfp, bad), 0);
	assert_int_equal(gfp, 0);
	assert_int_equal(gfp_from_trace("0xdc0", &gfp, bad), 0);
	assert_int_equal(gfp, GFP_KERNEL | __GFP_ZERO);
	assert_int_equal(gfp_from_trace("3264", &gfp, bad), 0);
	assert_int_equal(gfp, GFP_KERNEL);
	assert_int_equal(gfp_from_trace("GFP_KERNEL|0x800100", &gfp, bad), 1);
	assert_int_equal(gfp, GFP_KERNEL | __GFP_ZERO);
	assert_string_equal(bad, "0x800100");
	assert_int_equal(gfp_from_trace("0x", &gfp, bad), 1);
	assert_int_equal(gfp_from_trace("12monkeys", &gfp, bad), 1);
}

static void test_slab_flags(void **state)
{
	slab_flags_t flags;
	char bad[32];
	bool ctor;

	assert_true(slab_flags_from_script("CTOR|RED_ZONE", &flags, &ctor, bad));
	assert_int_equal(flags, SLAB_RED_ZONE);
	assert_true(ctor);
	assert_true(slab_flags_from_script("-", &flags, &ctor, bad));
	assert_int_equal(flags, 0);
	assert_false(ctor);
	assert_false(slab_flags_from_script("HWCACHE", &flags, &ctor, bad));
	assert_string_equal(bad, "HWCACHE");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_script_gfp),
		cmocka_unit_test(test_trace_gfp),
		cmocka_unit_test(test_slab_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
