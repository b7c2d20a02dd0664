/* SPDX-License-Identifier: MIT */
/* memblock against a plain map of frames, and its corners one by one. */
#include "../support/kmem_test.h"

#include "lib/kernel.h"
#include "memblock/memblock.h"

#include <errno.h>

#define MIB (1ull << 20)

/* A kernel root with nothing in it but a fresh memblock, on a live machine's host memory. */
static struct kernel fresh;
static struct machine *machine;

static int setup(void **state)
{
	(void)state;
	machine = test_boot("tiny-8M");
	memset(&fresh, 0, sizeof(fresh));
	fresh.arch = arch_kernel()->arch;
	assert_int_equal(memblock_init(&fresh), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	test_shutdown(machine, 0);
	return 0;
}

static void expect_region(const struct memblock_type *type, unsigned int i, uint64_t base,
			  uint64_t size, int nid)
{
	assert_true(i < type->cnt);
	assert_int_equal(type->regions[i].base, base);
	assert_int_equal(type->regions[i].size, size);
	assert_int_equal(type->regions[i].nid, nid);
}

static void test_add_merges_neighbours(void **state)
{
	struct memblock_type *memory = &fresh.memblock->memory;

	(void)state;
	assert_int_equal(memblock_add_node(&fresh, 2 * MIB, MIB, 0), 0);
	assert_int_equal(memblock_add_node(&fresh, 0, MIB, 0), 0);
	assert_int_equal(memory->cnt, 2);
	assert_int_equal(memblock_add_node(&fresh, MIB, MIB, 0), 0);
	assert_int_equal(memory->cnt, 1);
	expect_region(memory, 0, 0, 3 * MIB, 0);
	assert_int_equal(memory->total, 3 * MIB);
}

static void test_nodes_stay_apart(void **state)
{
	struct memblock_type *memory = &fresh.memblock->memory;

	(void)state;
	assert_int_equal(memblock_add_node(&fresh, 0, 4 * MIB, 0), 0);
	assert_int_equal(memblock_add_node(&fresh, 4 * MIB, 4 * MIB, 1), 0);
	assert_int_equal(memory->cnt, 2);
	/* An overlap takes the newer node. */
	assert_int_equal(memblock_add_node(&fresh, 3 * MIB, 2 * MIB, 1), 0);
	expect_region(memory, 0, 0, 3 * MIB, 0);
	expect_region(memory, 1, 3 * MIB, 5 * MIB, 1);
	/* In the middle of one: three ranges. */
	assert_int_equal(memblock_add_node(&fresh, MIB, MIB, 1), 0);
	assert_int_equal(memory->cnt, 4);
	expect_region(memory, 1, MIB, MIB, 1);
	expect_region(memory, 2, 2 * MIB, MIB, 0);
	assert_int_equal(memory->total, 8 * MIB);
	assert_int_equal(memblock_nid(&fresh, MIB), 1);
	assert_int_equal(memblock_nid(&fresh, 2 * MIB), 0);
	assert_int_equal(memblock_nid(&fresh, 8 * MIB), NUMA_NO_NODE);
}

static void test_remove_cuts(void **state)
{
	struct memblock_type *memory = &fresh.memblock->memory;

	(void)state;
	assert_int_equal(memblock_add_node(&fresh, 0, 8 * MIB, 0), 0);
	assert_int_equal(memblock_remove_range(&fresh, 2 * MIB, MIB), 0);
	assert_int_equal(memory->cnt, 2);
	assert_true(memblock_memory_at(&fresh, 2 * MIB - 1));
	assert_false(memblock_memory_at(&fresh, 2 * MIB));
	assert_false(memblock_memory_at(&fresh, 3 * MIB - 1));
	assert_true(memblock_memory_at(&fresh, 3 * MIB));
	/* Over several ranges, beyond the end, of nothing. */
	assert_int_equal(memblock_remove_range(&fresh, MIB, 100 * MIB), 0);
	assert_int_equal(memory->cnt, 1);
	expect_region(memory, 0, 0, MIB, 0);
	assert_int_equal(memblock_remove_range(&fresh, 50 * MIB, MIB), 0);
	assert_int_equal(memory->total, MIB);
	assert_int_equal(memblock_end_of_dram(&fresh), MIB);
}

static void test_bad_ranges(void **state)
{
	(void)state;
	assert_int_equal(memblock_add_node(&fresh, MIB, 0, 0), -EINVAL);
	assert_int_equal(memblock_reserve_range(&fresh, ~0ull - 10, 100), -EINVAL);
	assert_int_equal(fresh.memblock->memory.cnt, 0);
	assert_int_equal(fresh.memblock->reserved.cnt, 0);
	assert_int_equal(memblock_end_of_dram(&fresh), 0);
}

static void test_walk_of_free_ranges(void **state)
{
	struct memblock_region r;
	uint64_t cursor = 0;

	(void)state;
	memblock_add_node(&fresh, 0, 4 * MIB, 0);
	memblock_add_node(&fresh, 4 * MIB, 4 * MIB, 1);
	memblock_add_node(&fresh, 16 * MIB, MIB, 1);
	memblock_reserve_range(&fresh, MIB, MIB);
	memblock_reserve_range(&fresh, 3 * MIB, 2 * MIB);
	memblock_reserve_range(&fresh, 10 * MIB, MIB);
	memblock_reserve_range(&fresh, 16 * MIB, MIB);
	assert_true(memblock_next_free(&fresh, &cursor, &r));
	assert_int_equal(r.base, 0);
	assert_int_equal(r.size, MIB);
	assert_true(memblock_next_free(&fresh, &cursor, &r));
	assert_int_equal(r.base, 2 * MIB);
	assert_int_equal(r.size, MIB);
	assert_int_equal(r.nid, 0);
	assert_true(memblock_next_free(&fresh, &cursor, &r));
	assert_int_equal(r.base, 5 * MIB);
	assert_int_equal(r.size, 3 * MIB);
	assert_int_equal(r.nid, 1);
	assert_false(memblock_next_free(&fresh, &cursor, &r));
}

static void test_alloc_top_down_and_bottom_up(void **state)
{
	(void)state;
	memblock_add_node(&fresh, 0, 8 * MIB, 0);
	memblock_add_node(&fresh, 8 * MIB, 8 * MIB, 1);
	memblock_reserve_range(&fresh, 15 * MIB, MIB);
	assert_int_equal(memblock_alloc_range(&fresh, 4096, 4096, 0, ~0ull, NUMA_NO_NODE),
			 15 * MIB - 4096);
	assert_int_equal(memblock_alloc_range(&fresh, 4096, MIB, 0, ~0ull, NUMA_NO_NODE),
			 14 * MIB);
	assert_int_equal(memblock_alloc_range(&fresh, 4096, 4096, 0, ~0ull, 0),
			 8 * MIB - 4096);
	assert_int_equal(memblock_alloc_range(&fresh, 4096, 4096, 0, 4 * MIB, NUMA_NO_NODE),
			 4 * MIB - 4096);
	fresh.memblock->bottom_up = true;
	/* Never frame 0: that would read as "nothing". */
	assert_int_equal(memblock_alloc_range(&fresh, 4096, 4096, 0, ~0ull, NUMA_NO_NODE),
			 4096);
	assert_int_equal(memblock_alloc_range(&fresh, 4096, 4096, 0, ~0ull, 1), 8 * MIB);
	assert_true(memblock_reserved_at(&fresh, 8 * MIB + 4095));
	assert_false(memblock_reserved_at(&fresh, 8 * MIB + 4096));
	/* What does not fit, or makes no sense. */
	assert_int_equal(memblock_alloc_range(&fresh, 64 * MIB, 4096, 0, ~0ull, NUMA_NO_NODE), 0);
	assert_int_equal(memblock_alloc_range(&fresh, 0, 4096, 0, ~0ull, NUMA_NO_NODE), 0);
	assert_int_equal(memblock_alloc_range(&fresh, 4096, 3000, 0, ~0ull, NUMA_NO_NODE), 0);
	assert_int_equal(memblock_alloc_range(&fresh, 4096, 4096, 0, ~0ull, 5), 0);
}

static void test_free_gives_back(void **state)
{
	phys_addr_t at;

	(void)state;
	memblock_add_node(&fresh, 0, 8 * MIB, 0);
	at = memblock_alloc_range(&fresh, MIB, 4096, 0, ~0ull, NUMA_NO_NODE);
	assert_int_equal(at, 7 * MIB);
	assert_int_equal(memblock_free_range(&fresh, at, MIB), 0);
	assert_int_equal(fresh.memblock->reserved.cnt, 0);
	assert_int_equal(fresh.memblock->reserved.total, 0);
	assert_int_equal(memblock_alloc_range(&fresh, MIB, 4096, 0, ~0ull, NUMA_NO_NODE), at);
}

/* --- against a map of 4096 frames, a byte each: 0 no RAM, else node + 1; bit 7: reserved ----- */

#define FRAMES 4096u

static unsigned char map[FRAMES];

static void map_op(unsigned int op, unsigned int from, unsigned int n, unsigned int nid)
{
	for (unsigned int i = from; i < from + n; i++) {
		switch (op) {
		case 0:
			map[i] = (unsigned char)((map[i] & 0x80) | (nid + 1));
			break;
		case 1:
			map[i] &= 0x80;
			break;
		case 2:
			map[i] |= 0x80;
			break;
		default:
			map[i] &= 0x7f;
		}
	}
}

static int memblock_op(unsigned int op, unsigned int from, unsigned int n, unsigned int nid)
{
	uint64_t base = (uint64_t)from << 12, size = (uint64_t)n << 12;

	switch (op) {
	case 0:
		return memblock_add_node(&fresh, base, size, (int)nid);
	case 1:
		return memblock_remove_range(&fresh, base, size);
	case 2:
		return memblock_reserve_range(&fresh, base, size);
	default:
		return memblock_free_range(&fresh, base, size);
	}
}

static void check_type(const struct memblock_type *type, unsigned char mask)
{
	uint64_t total = 0, seen = 0;

	for (unsigned int i = 0; i < type->cnt; i++) {
		const struct memblock_region *r = &type->regions[i];

		assert_true(r->size > 0);
		total += r->size;
		if (!i)
			continue;
		/* Sorted, disjoint, and merged as far as it goes. */
		assert_true(r[-1].base + r[-1].size <= r->base);
		assert_false(r[-1].base + r[-1].size == r->base && r[-1].nid == r->nid);
	}
	assert_int_equal(total, type->total);
	for (unsigned int i = 0; i < FRAMES; i++)
		seen += (map[i] & mask) != 0;
	assert_int_equal(total, seen << 12);
}

static void check_frames(void)
{
	struct memblock_region r = { 0, 0, 0 };
	uint64_t cursor = 0;

	check_type(&fresh.memblock->memory, 0x7f);
	check_type(&fresh.memblock->reserved, 0x80);
	for (unsigned int i = 0; i < FRAMES; i++) {
		uint64_t addr = (uint64_t)i << 12;
		bool is_free = map[i] && map[i] < 0x80;

		assert_int_equal(memblock_nid(&fresh, addr), (map[i] & 0x7f) - 1);
		assert_int_equal(memblock_reserved_at(&fresh, addr), map[i] >> 7);
		if (is_free && addr >= r.base + r.size)
			assert_true(memblock_next_free(&fresh, &cursor, &r));
		assert_int_equal(addr - r.base < r.size, is_free);
		if (is_free)
			assert_int_equal(r.nid, map[i] - 1);
	}
	assert_false(memblock_next_free(&fresh, &cursor, &r));
	cursor = UINT64_MAX;
	r = (struct memblock_region){UINT64_MAX, 0, 0};
	for (unsigned int i = FRAMES; i-- > 0;) {
		uint64_t addr = (uint64_t)i << 12;
		bool is_free = map[i] && map[i] < 0x80;

		if (is_free && addr < r.base)
			assert_true(memblock_prev_free(&fresh, &cursor, &r));
		assert_int_equal(addr - r.base < r.size, is_free);
		if (is_free)
			assert_int_equal(r.nid, map[i] - 1);
	}
	assert_false(memblock_prev_free(&fresh, &cursor, &r));
}

static void test_random_ranges_against_a_map(void **state)
{
	uint64_t seed = 42;

	(void)state;
	memset(map, 0, sizeof(map));
	for (unsigned int i = 0; i < 2000; i++) {
		unsigned int op = test_rand(&seed) % 4, nid = test_rand(&seed) % 3;
		unsigned int from = test_rand(&seed) % FRAMES;
		unsigned int n = 1 + test_rand(&seed) % (i % 7 ? 40 : 900);

		if (n > FRAMES - from)
			n = FRAMES - from;
		assert_int_equal(memblock_op(op, from, n, nid), 0);
		map_op(op, from, n, nid);
		if (i % 20 == 0)
			check_frames();
	}
	check_frames();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_add_merges_neighbours, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nodes_stay_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(test_remove_cuts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_ranges, setup, teardown),
		cmocka_unit_test_setup_teardown(test_walk_of_free_ranges, setup, teardown),
		cmocka_unit_test_setup_teardown(test_alloc_top_down_and_bottom_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_free_gives_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_random_ranges_against_a_map, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
