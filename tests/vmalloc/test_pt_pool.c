/* SPDX-License-Identifier: MIT */
/* src/vmalloc/pt_pool.c: frames come zeroed, once each, newest range first, and come back. */
#include "../support/sim_test.h"

#include "vmalloc/pt_pool.h"

static struct pt_pool pool;

static struct arch_machine *start(void)
{
	struct arch_machine *am = sim_boot("ram=0-16M");

	pool = (struct pt_pool){.kernel = am->kernel};
	memset(am->ram, 0xee, (size_t)1 << 20);
	return am;
}

static void expect_zero(const struct arch_machine *am, phys_addr_t frame)
{
	for (unsigned int i = 0; i < PAGE_SIZE; i++)
		assert_int_equal(am->ram[frame + i], 0);
}

static void test_order(void **state)
{
	static const phys_addr_t expected[] = {0x8000, 0x9000, 0x1000, 0x2000, 0};
	struct arch_machine *am = start();

	/* Frame 0 is left out: its address says "none". */
	assert_int_equal(pt_pool_add(&pool, 0, 0x3000), 0);
	assert_int_equal(pt_pool_add(&pool, 0x5000, 0x5000), 0);
	assert_int_equal(pt_pool_add(&pool, 0x8000, 0xa000), 0);
	for (unsigned int i = 0; i < 5; i++) {
		phys_addr_t frame = pt_pool_take(&pool);

		assert_int_equal(frame, expected[i]);
		if (frame)
			expect_zero(am, frame);
	}
	pt_pool_exit(&pool);
	assert_int_equal(pt_pool_take(&pool), 0);
	sim_shutdown(am);
}

static void test_give(void **state)
{
	struct arch_machine *am = start();

	assert_int_equal(pt_pool_add(&pool, 0x8000, 0xa000), 0);
	assert_int_equal(pt_pool_take(&pool), 0x8000);
	assert_int_equal(pt_pool_take(&pool), 0x9000);
	am->ram[0x8123] = 1;
	pt_pool_give(&pool, 0x8000);
	pt_pool_give(&pool, 0x9000);
	assert_int_equal(pt_pool_take(&pool), 0x9000);
	assert_int_equal(pt_pool_take(&pool), 0x8000);
	expect_zero(am, 0x8000);
	assert_int_equal(pt_pool_take(&pool), 0);
	pt_pool_exit(&pool);
	sim_shutdown(am);
}

static void test_below(void **state)
{
	struct arch_machine *am = start();

	assert_int_equal(pt_pool_add(&pool, 0x8000, 0xa000), 0);
	assert_int_equal(pt_pool_add(&pool, 0x20000, 0x21000), 0);
	am->ram[0x8123] = 1;
	assert_int_equal(pt_pool_take_below(&pool, 0x8000), 0);
	assert_int_equal(pt_pool_take_below(&pool, 0x9000), 0x8000);
	expect_zero(am, 0x8000);
	assert_int_equal(pt_pool_take_below(&pool, 0x9000), 0);
	assert_int_equal(pt_pool_take(&pool), 0x20000);
	assert_int_equal(pt_pool_take(&pool), 0x9000);
	assert_int_equal(pt_pool_take(&pool), 0);
	pt_pool_exit(&pool);
	sim_shutdown(am);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_give),
		cmocka_unit_test(test_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
