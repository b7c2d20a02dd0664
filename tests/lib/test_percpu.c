/* SPDX-License-Identifier: MIT */
/* src/lib/percpu.c: offsets in the CPU windows. */
#include "../support/sim_test.h"

#include <sys/mman.h>

#include "lib/percpu.h"
#include "lib/rand.h"

static struct kernel *boot(const char *text)
{
	struct arch_machine *am = sim_boot(text);

	assert_int_equal(percpu_init(am->kernel), 0);
	return am->kernel;
}

static void test_alignment(void **state)
{
	struct kernel *k = boot("mem=16M cpus=2");
	size_t size, align;

	for (align = 1; align <= 4096; align *= 2) {
		for (size = 1; size < 300; size += 7) {
			size_t off = percpu_alloc(k, size, align);

			assert_true(off >= ARCH_PERCPU_START);
			assert_int_equal(off % align, 0);
			assert_int_equal(off % 8, 0);
			if (size >= ARCH_CACHE_LINE)
				assert_int_equal(off % ARCH_CACHE_LINE, 0);
		}
	}
	sim_shutdown(k->arch);
}

static void test_lowest_fit(void **state)
{
	struct kernel *k = boot("mem=16M cpus=1");
	size_t a = percpu_alloc(k, 64, 8);
	size_t b = percpu_alloc(k, 64, 8);
	size_t c = percpu_alloc(k, 64, 8);

	assert_int_equal(b, a + 64);
	assert_int_equal(c, b + 64);
	percpu_free(k, c, 64);
	percpu_free(k, a, 64);
	assert_int_equal(percpu_alloc(k, 64, 8), a);
	assert_int_equal(percpu_alloc(k, 64, 8), c);
	/* Freed neighbours serve one larger block. */
	percpu_free(k, a, 64);
	percpu_free(k, b, 64);
	percpu_free(k, c, 64);
	assert_int_equal(percpu_alloc(k, 192, 8), a);
	sim_shutdown(k->arch);
}

static void test_used(void **state)
{
	struct kernel *k = boot("mem=16M cpus=1");
	size_t a = percpu_alloc(k, 1, 1);
	size_t b = percpu_alloc(k, 100, 8);

	assert_int_equal(percpu_used(k), 8 + 128);
	percpu_free(k, a, 1);
	assert_int_equal(percpu_used(k), 128);
	percpu_free(k, b, 100);
	percpu_free(k, 0, 100);
	assert_int_equal(percpu_used(k), 0);
	sim_shutdown(k->arch);
}

/* Handed out again, a range is zero on each CPU that had it. */
static void test_zero_again(void **state)
{
	struct kernel *k = boot("mem=16M cpus=3");
	size_t off = percpu_alloc(k, 256, 8);

	for (unsigned int cpu = 0; cpu < 2; cpu++) {
		assert_int_equal(cpu_migrate(cpu), 0);
		struct arch_cpu *c = arch_cpu_lock();

		memset(percpu_ptr(c, off), 0xaa, 256);
		arch_cpu_unlock(c);
	}
	/* A CPU that no thread was ever on, written to under a claim. */
	memset(percpu_ptr(arch_cpu_claim(k->arch, 2), off), 0xaa, 256);
	arch_cpu_unclaim(arch_cpu_by_id(k->arch, 2));
	percpu_free(k, off, 256);
	assert_int_equal(percpu_alloc(k, 256, 8), off);
	for (unsigned int cpu = 0; cpu < 3; cpu++) {
		const char *data = percpu_ptr(arch_cpu_by_id(k->arch, cpu), off);

		for (int i = 0; i < 256; i++)
			assert_int_equal(data[i], 0);
	}
	sim_shutdown(k->arch);
}

static unsigned int resident_pages(char *start, size_t size)
{
	unsigned char *vec = malloc(size / 4096 + 1);
	unsigned int n = 0;

	assert_non_null(vec);
	assert_int_equal(mincore(start, size, vec), 0);
	for (size_t i = 0; i < size / 4096; i++)
		n += vec[i] & 1;
	free(vec);
	return n;
}

static void test_idle_cpus_cost_nothing(void **state)
{
	struct kernel *k = boot("mem=16M cpus=8");
	char *idle = (char *)arch_cpu_by_id(k->arch, 7) + ARCH_PERCPU_START;

	for (int round = 0; round < 3; round++) {
		size_t off = percpu_alloc(k, 1 << 20, 8);
		struct arch_cpu *cpu = arch_cpu_lock();

		memset(percpu_ptr(cpu, off), round + 1, 1 << 20);
		arch_cpu_unlock(cpu);
		percpu_free(k, off, 1 << 20);
	}
	assert_int_equal(resident_pages(idle, 2 << 20), 0);
	sim_shutdown(k->arch);
}

/* Of a CPU's window (sim/window.c). */
#define ROOM_MIB (sizeof(void *) == 4 ? 16u : 64u)

static void test_full(void **state)
{
	struct kernel *k = boot("mem=16M cpus=1");
	size_t off, n = 0;
	size_t offs[128];

	assert_int_equal(percpu_alloc(k, SIZE_MAX, 8), 0);
	assert_int_equal(percpu_alloc(k, SIZE_MAX / 2, 8), 0);
	while ((off = percpu_alloc(k, 1 << 20, 8)))
		offs[n++] = off;
	assert_int_equal(n, ROOM_MIB);
	while (n)
		percpu_free(k, offs[--n], 1 << 20);
	assert_int_equal(percpu_used(k), 0);
	assert_int_not_equal(percpu_alloc(k, (ROOM_MIB - 1) << 20, 8), 0);
	sim_shutdown(k->arch);
}

#define BLOCKS 300

struct block {
	size_t off, size;
	unsigned char tag;
};

static void expect_tag(struct kernel *k, const struct block *b)
{
	const unsigned char *data = percpu_ptr(arch_cpu_by_id(k->arch, 0), b->off);

	for (size_t i = 0; i < b->size; i++)
		assert_int_equal(data[i], b->tag);
}

/* No two blocks overlap, and each starts as zeros. */
static void test_random(void **state)
{
	struct kernel *k = boot("mem=16M cpus=1");
	struct block blocks[BLOCKS] = {0};
	uint64_t seed = 4;

	for (int i = 0; i < 20000; i++) {
		struct block *b = &blocks[rand_next(&seed) % BLOCKS];

		if (b->off) {
			expect_tag(k, b);
			percpu_free(k, b->off, b->size);
			b->off = 0;
			continue;
		}
		b->size = 1 + rand_next(&seed) % (rand_next(&seed) % 16 ? 200 : 5000);
		b->off = percpu_alloc(k, b->size, (size_t)1 << rand_next(&seed) % 10);
		assert_int_not_equal(b->off, 0);
		b->tag = 0;
		expect_tag(k, b);
		b->tag = (unsigned char)rand_next(&seed);
		memset(percpu_ptr(arch_cpu_by_id(k->arch, 0), b->off), b->tag, b->size);
	}
	for (int i = 0; i < BLOCKS; i++) {
		if (blocks[i].off)
			percpu_free(k, blocks[i].off, blocks[i].size);
	}
	assert_int_equal(percpu_used(k), 0);
	sim_shutdown(k->arch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_lowest_fit),
		cmocka_unit_test(test_used),
		cmocka_unit_test(test_zero_again),
		cmocka_unit_test(test_idle_cpus_cost_nothing),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
