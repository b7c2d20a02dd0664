/* SPDX-License-Identifier: MIT */
/* src/sim/host.c: private memory of the kernel part. */
#include "../support/sim_test.h"

#include "../support/child.h"

#include <sys/mman.h>

static void test_zeroed_and_aligned(void **state)
{
	static const size_t sizes[] = {0, 1, 63, 64, 65, 4096, 100000, 5 << 20};
	struct arch_machine *am = sim_create("mem=16M");

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (int round = 0; round < 2; round++) {
			char *p = arch_host_alloc(am, sizes[i]);

			assert_non_null(p);
			assert_int_equal((uintptr_t)p % ARCH_CACHE_LINE, 0);
			for (size_t j = 0; j < sizes[i]; j++)
				assert_int_equal(p[j], 0);
			memset(p, 0xff, sizes[i]);
			arch_host_free(am, p, sizes[i]);
		}
	}
	arch_host_free(am, NULL, 10);
	arch_machine_destroy(am);
}

static void test_no_memory(void **state)
{
	struct arch_machine *am = sim_create("mem=16M");

	assert_null(arch_host_alloc(am, SIZE_MAX));
	assert_null(arch_host_alloc(am, SIZE_MAX - 200));
	arch_machine_destroy(am);
}

/* Blocks nobody frees go with the machine: a leak checker would see them. */
static void test_destroy_frees_the_rest(void **state)
{
	struct arch_machine *am = sim_create("mem=16M");
	void *p[100];

	for (int i = 0; i < 100; i++)
		p[i] = arch_host_alloc(am, 1000);
	for (int i = 0; i < 100; i += 3)
		arch_host_free(am, p[i], 1000);
	arch_machine_destroy(am);
}

/* A large block costs what is used of it. */
static void test_large_block_is_not_touched(void **state)
{
	struct arch_machine *am = sim_create("mem=16M");
	size_t size = 256 << 20;
	unsigned char *vec = malloc(size / 4096);
	char *p = arch_host_alloc(am, size);
	char *page = (char *)(((uintptr_t)p + 8191) & ~(uintptr_t)4095);
	unsigned int resident = 0;

	assert_non_null(p);
	assert_int_equal(mincore(page, size - 8192, vec), 0);
	for (size_t i = 0; i < size / 4096 - 2; i++)
		resident += vec[i] & 1;
	assert_true(resident < 1024);
	arch_host_free(am, p, size);
	free(vec);
	arch_machine_destroy(am);
}

static void free_wrong_size(void *arg)
{
	struct arch_machine *am = sim_create("mem=16M");

	arch_host_free(am, arch_host_alloc(am, 100), 101);
}

static void test_wrong_size_stops(void **state)
{
	struct child_end end = run_child(free_wrong_size, NULL);

	assert_true(child_aborted(end));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zeroed_and_aligned),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_destroy_frees_the_rest),
		cmocka_unit_test(test_large_block_is_not_touched),
		cmocka_unit_test(test_wrong_size_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
