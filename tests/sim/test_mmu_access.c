/* SPDX-License-Identifier: MIT */
/* src/sim/mmu_access.c: bytes through the TLB, page borders, faults at the exact byte, the handler. */
#include "mmu_test.h"

#define VA 0x40000000u
#define PHYS 0x200000u

static void test_bytes(void **state)
{
	static const char text[] = "through tables, then through the TLB";
	struct mmu_outcome out;
	char buf[sizeof(text)];

	map(VA, PHYS | TABLE);
	assert_int_equal(mmu_write(VA + 100, text, sizeof(text), 0, &out), 0);
	assert_int_equal(out.done, sizeof(text));
	assert_int_equal(out.phys[0], PHYS + 100);
	assert_int_equal(out.phys[1], 0);
	assert_memory_equal(am->ram + PHYS + 100, text, sizeof(text));
	for (unsigned int i = 0; i < 2; i++) {
		memset(buf, 0, sizeof(buf));
		assert_int_equal(mmu_read(VA + 100, buf, sizeof(text), 0, &out), 0);
		assert_string_equal(buf, text);
		assert_int_equal(out.phys[0], PHYS + 100);
		memset(buf, 0, sizeof(buf));
		assert_int_equal(mmu_fetch(VA + 100, buf, sizeof(text), MMU_USER, NULL), 0);
		assert_string_equal(buf, text);
	}
	/* Nothing is nothing. */
	assert_int_equal(mmu_read(0, buf, 0, 0, &out), 0);
	assert_int_equal(out.done, 0);
}

/* Every size at every place around a border; the second page is elsewhere in memory. */
static void test_page_border(void **state)
{
	map(VA, PHYS | TABLE);
	map(VA + PAGE_SIZE, (PHYS + 8 * PAGE_SIZE) | TABLE);
	for (unsigned int size = 1; size <= 16; size++) {
		for (unsigned int before = 1; before <= size; before++) {
			kva_t va = VA + PAGE_SIZE - before;
			struct mmu_outcome out;
			char in[16], back[16] = {0};

			memset(in, (int)(size * 16 + before), sizeof(in));
			assert_int_equal(mmu_write(va, in, size, 0, &out), 0);
			assert_int_equal(out.phys[0], PHYS + PAGE_SIZE - before);
			assert_int_equal(out.phys[1], size > before ? PHYS + 8 * PAGE_SIZE : 0);
			assert_memory_equal(am->ram + PHYS + PAGE_SIZE - before, in, before);
			assert_memory_equal(am->ram + PHYS + 8 * PAGE_SIZE, in, size - before);
			assert_int_equal(mmu_read(va, back, size, 0, NULL), 0);
			assert_memory_equal(in, back, size);
		}
	}
}

/* One access happens as a whole or not at all; a long one tells how far it came. */
static void test_exact_byte(void **state)
{
	static char in[3 * PAGE_SIZE];
	struct mmu_outcome out;

	memset(in, 7, sizeof(in));
	map(VA, PHYS | TABLE);
	map(VA + PAGE_SIZE, (PHYS + PAGE_SIZE) | (TABLE & ~X86_PTE_RW));
	assert_int_equal(mmu_write(VA + PAGE_SIZE - 4, in, 8, 0, &out), -EFAULT);
	assert_int_equal(out.done, 0);
	assert_int_equal(out.trap, X86_TRAP_PF);
	assert_int_equal(out.error_code, X86_PF_PROT | X86_PF_WRITE);
	assert_int_equal(out.cr2, VA + PAGE_SIZE);
	assert_int_equal(mmu_get_cr2(), VA + PAGE_SIZE);
	assert_int_equal(am->ram[PHYS + PAGE_SIZE - 1], 0);

	assert_int_equal(mmu_write(VA + 10, in, sizeof(in), MMU_USER, &out), -EFAULT);
	assert_int_equal(out.done, PAGE_SIZE - 10);
	assert_int_equal(out.cr2, VA + PAGE_SIZE);
	assert_int_equal(out.error_code, X86_PF_PROT | X86_PF_WRITE | X86_PF_USER);
	assert_int_equal(am->ram[PHYS + PAGE_SIZE - 1], 7);

	assert_int_equal(mmu_read(VA + 10, in, sizeof(in), 0, &out), -EFAULT);
	assert_int_equal(out.done, 2 * PAGE_SIZE - 10);
	assert_int_equal(out.error_code, 0);
	/* Both pages of one access would fault: the first is reported. */
	assert_int_equal(mmu_read(VA + 3 * PAGE_SIZE - 2, in, 4, 0, &out), -EFAULT);
	assert_int_equal(out.cr2, VA + 3 * PAGE_SIZE - 2);
}

static void test_canonical_edge(void **state)
{
	kva_t edge = (kva_t)1 << 47;
	struct mmu_outcome out;
	char buf[8] = {0};

	map(edge - PAGE_SIZE, PHYS | TABLE);
	assert_int_equal(mmu_read(edge - 8, buf, 8, 0, &out), 0);
	assert_int_equal(mmu_read(edge - 4, buf, 8, 0, &out), -EFAULT);
	assert_int_equal(out.trap, X86_TRAP_GP);
	assert_int_equal(out.error_code, 0);
	assert_int_equal(mmu_get_cr2(), 0);
	/* An instruction's first bytes are fetched before. */
	map(edge - PAGE_SIZE, 0);
	mmu_invlpg(edge - PAGE_SIZE);
	assert_int_equal(mmu_fetch(edge - 4, buf, 8, 0, &out), -EFAULT);
	assert_int_equal(out.trap, X86_TRAP_PF);
	assert_int_equal(mmu_read(edge, buf, 1, 0, &out), -EFAULT);
	assert_int_equal(out.trap, X86_TRAP_GP);
	/* Behind the highest address comes the lowest. */
	map(-(uint64_t)PAGE_SIZE, (PHYS + PAGE_SIZE) | TABLE);
	map(0, PHYS | TABLE);
	assert_int_equal(mmu_write(UINT64_MAX - 3, "abcdefgh", 8, 0, &out), 0);
	assert_memory_equal(am->ram + PHYS, "efgh", 4);
}

static void test_no_memory(void **state)
{
	struct mmu_outcome out;
	uint64_t value = 0;

	map(VA, 0xfd00000000 | TABLE);
	assert_int_equal(mmu_read(VA + 8, &value, 8, 0, &out), 0);
	assert_int_equal(value, UINT64_MAX);
	assert_int_equal(out.phys[0], 0xfd00000008);
	assert_int_equal(mmu_write(VA + 8, &value, 8, 0, &out), 0);
	assert_int_equal(out.done, 8);
	/* A large page that begins where there is memory and goes on where there is none. */
	*entry_for(ROOT, VA, X86_PUD_SHIFT) = TABLE | X86_PTE_PS;
	mmu_invpcid(X86_INVPCID_ALL_GLOBAL, 0, 0);
	assert_int_equal(read8(VA + (20 << 20)), UINT64_MAX);
	*word_at(PHYS) = 42;
	assert_int_equal(read8(VA + PHYS), 42);
}

static bool map_on_demand(const struct mmu_page_fault *fault, void *arg)
{
	unsigned int *calls = arg;

	assert_int_equal(mmu_get_cr2(), fault->address);
	if ((*calls)++ >= 3)
		return false;
	map(fault->address & PAGE_MASK_64, (PHYS + *calls * PAGE_SIZE) | TABLE);
	return true;
}

static void test_handler(void **state)
{
	unsigned int calls = 0;
	static char in[5 * PAGE_SIZE];
	struct mmu_outcome out;

	memset(in, 9, sizeof(in));
	assert_int_equal(mmu_set_fault_handler(map_on_demand, &calls), 0);
	assert_int_equal(mmu_write(VA + PAGE_SIZE - 1, in, 2, 0, &out), 0);
	assert_int_equal(calls, 2);
	assert_int_equal(out.done, 2);
	assert_int_equal(out.trap, 0);
	/* The handler gives up at the second page more. */
	assert_int_equal(mmu_write(VA, in, sizeof(in), 0, &out), -EFAULT);
	assert_int_equal(calls, 4);
	assert_int_equal(out.done, 3 * PAGE_SIZE);
	assert_int_equal(out.cr2, VA + 3 * PAGE_SIZE);
	assert_int_equal(am->ram[PHYS + 3 * PAGE_SIZE], 9);
}

static void test_bad_calls(void **state)
{
	static const struct mmu_regs off = {0};
	char buf[8];

	map(VA, PHYS | TABLE);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(mmu_read(VA, buf, 8, MMU_WRITE, NULL), -EINVAL);
		assert_int_equal(mmu_read(VA, buf, 8, MMU_PROBE, NULL), -EINVAL);
		assert_int_equal(mmu_read(VA, buf, 8, 0, NULL), 0);
	}
	assert_int_equal(mmu_set_regs(&off), -EOPNOTSUPP);
	assert_int_equal(mmu_read(VA, buf, 8, 0, NULL), 0);
}

static void test_no_machine(void **state)
{
	char buf[8];

	sim_hear_all();
	assert_int_equal(mmu_read(VA, buf, 8, 0, NULL), -ENODEV);
	assert_int_equal(mmu_set_fault_handler(NULL, NULL), -ENODEV);
	sim_hear_nothing();
}

static int setup_without_tables(void **state)
{
	sim_hear_all();
	am = sim_boot(MMU_TEST_MACHINE);
	return 0;
}

static void test_paging_off(void **state)
{
	char buf[8];

	assert_int_equal(mmu_read(VA, buf, 8, 0, NULL), -EOPNOTSUPP);
	assert_int_equal(mmu_set_regs(&kernel_regs), 0);
	assert_int_equal(mmu_read(VA, buf, 8, 0, NULL), -EFAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_bytes),
		CASE(test_page_border),
		CASE(test_exact_byte),
		CASE(test_canonical_edge),
		CASE(test_no_memory),
		CASE(test_handler),
		CASE(test_bad_calls),
		cmocka_unit_test_setup_teardown(test_paging_off, setup_without_tables, mmu_teardown),
		cmocka_unit_test(test_no_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
