/* SPDX-License-Identifier: MIT */
/* src/sim/tlb.c, tlb_geometry.c: arrays without the MMU around them. */
#include "../support/sim_test.h"

#include "sim/mmu.h"

static struct arch_machine *am;
static struct tlb tlb;

static int setup_with(const char *geometry_text)
{
	struct tlb_geometry geometry;

	am = sim_create("preset=x86_64 mem=16M");
	assert_null(tlb_geometry_parse(&geometry, geometry_text));
	assert_int_equal(tlb_init(&tlb, am, &geometry), 0);
	return 0;
}

static int setup(void **state)
{
	return setup_with(NULL);
}

static int setup_small(void **state)
{
	return setup_with("4k:4/2,l2:0,pde:4/4");
}

static int teardown(void **state)
{
	arch_machine_destroy(am);
	return 0;
}

static void insert(kva_t va, uint16_t pcid, bool global, unsigned int shift, phys_addr_t frame)
{
	struct tlb_entry new = {.frame = frame, .shift = (uint8_t)shift};

	tlb_insert(&tlb, tlb_want(va, pcid), global, &new);
}

/* The frame, or 0. */
static phys_addr_t look(kva_t va, uint16_t pcid)
{
	const struct tlb_entry *e = tlb_lookup_l1(&tlb, tlb_want(va, pcid), X86_PMD_SHIFT);

	return e ? e->frame : 0;
}

static void test_sizes(void **state)
{
	insert(0x1000, 0, false, 12, 0x5000);
	insert(2u << 21, 0, false, 21, 0x600000);
	insert(3ull << 30, 0, false, 30, 0x80000000);
	assert_int_equal(look(0x1fff, 0), 0x5000);
	assert_int_equal(look(0x2000, 0), 0);
	assert_int_equal(look((3u << 21) - 1, 0), 0x600000);
	assert_int_equal(look((2u << 21) - 1, 0), 0);
	assert_int_equal(look((4ull << 30) - 1, 0), 0x80000000);
	assert_int_equal(look(0xffffffffffffffff, 0), 0);
	/* The address that an empty entry must not equal, whatever it is. */
	assert_int_equal(look(0, 0), 0);
	assert_int_equal(look(0, 1), 0);
	assert_int_equal(look(1ull << 63, 0), 0);
}

static void test_pcids(void **state)
{
	insert(0x1000, 1, false, 12, 0x5000);
	insert(0x1000, 2, false, 12, 0x6000);
	insert(0x2000, 1, true, 12, 0x7000);
	assert_int_equal(look(0x1000, 1), 0x5000);
	assert_int_equal(look(0x1000, 2), 0x6000);
	assert_int_equal(look(0x1000, 3), 0);
	assert_int_equal(look(0x2000, 3), 0x7000);
	tlb_drop_pcid(&tlb, 1);
	assert_int_equal(look(0x1000, 1), 0);
	assert_int_equal(look(0x1000, 2), 0x6000);
	assert_int_equal(look(0x2000, 1), 0x7000);
	tlb_drop_page(&tlb, tlb_want(0x2000, 1), X86_PMD_SHIFT, false);
	assert_int_equal(look(0x2000, 1), 0x7000);
	tlb_drop_all(&tlb, false);
	assert_int_equal(look(0x1000, 2), 0);
	assert_int_equal(look(0x2000, 9), 0x7000);
	tlb_drop_page(&tlb, tlb_want(0x2000, 4), X86_PMD_SHIFT, true);
	assert_int_equal(look(0x2000, 9), 0);
	assert_null(tlb_peek(&tlb, tlb_want(0x2000, 9), X86_PMD_SHIFT));
}

/* Two ways: the third page of a set takes the place of the one that was not used last. */
static void test_lru(void **state)
{
	insert(0x1000, 0, false, 12, 0x1000);
	insert(0x3000, 0, false, 12, 0x3000);
	assert_int_equal(look(0x1000, 0), 0x1000);
	insert(0x5000, 0, false, 12, 0x5000);
	assert_int_equal(look(0x3000, 0), 0);
	assert_int_equal(look(0x1000, 0), 0x1000);
	assert_int_equal(look(0x5000, 0), 0x5000);
	assert_int_equal(tlb.arrays[TLB_4K].evictions, 1);
	/* The same page again takes no second place. */
	insert(0x5000, 0, false, 12, 0x9000);
	assert_int_equal(look(0x5000, 0), 0x9000);
	assert_int_equal(look(0x1000, 0), 0x1000);
	assert_int_equal(tlb.arrays[TLB_4K].evictions, 1);
}

static void test_second_level(void **state)
{
	const struct tlb_entry *e;

	/* 64 entries in sets of 4: five pages 16 apart are one too many. */
	for (unsigned int i = 0; i < 5; i++)
		insert(i * 16 * PAGE_SIZE, 0, false, 12, 0x100000 + i * PAGE_SIZE);
	assert_int_equal(look(0, 0), 0);
	e = tlb_lookup_l2(&tlb, tlb_want(0, 0), X86_PMD_SHIFT);
	assert_non_null(e);
	assert_int_equal(e->array, TLB_4K);
	assert_int_equal(look(0, 0), 0x100000);
	assert_null(tlb_lookup_l2(&tlb, tlb_want(0x7000, 0), X86_PMD_SHIFT));
}

static void test_tables(void **state)
{
	struct tlb_entry new = {.frame = 0x9000, .shift = X86_PMD_SHIFT};
	const uint64_t want = tlb_want(5u << 21, 3);

	tlb_insert_table(&tlb, TLB_PDE, want, &new);
	assert_int_equal(tlb_lookup_table(&tlb, TLB_PDE, want | 0x1ff000, X86_PMD_SHIFT)->frame, 0x9000);
	assert_null(tlb_lookup_table(&tlb, TLB_PDE, tlb_want(5u << 21, 4), X86_PMD_SHIFT));
	tlb_drop_tables(&tlb, 4);
	assert_non_null(tlb_lookup_table(&tlb, TLB_PDE, want, X86_PMD_SHIFT));
	tlb_drop_table(&tlb, TLB_PDE, want, X86_PMD_SHIFT);
	assert_null(tlb_lookup_table(&tlb, TLB_PDE, want, X86_PMD_SHIFT));
	tlb_insert_table(&tlb, TLB_PDE, want, &new);
	tlb_drop_tables(&tlb, 3);
	assert_null(tlb_lookup_table(&tlb, TLB_PDE, want, X86_PMD_SHIFT));
}

static void test_geometry(void **state)
{
	struct tlb_geometry g;

	assert_null(tlb_geometry_parse(&g, NULL));
	assert_int_equal(g.shape[TLB_L2].entries, 1536);
	assert_int_equal(g.shape[TLB_L2].ways, 12);
	assert_null(tlb_geometry_parse(&g, "l2:0x800/8,1g:0,pml5e:1/1"));
	assert_int_equal(g.shape[TLB_L2].entries, 2048);
	assert_int_equal(g.shape[TLB_1G].entries, 0);
	assert_int_equal(g.shape[TLB_PML5E].entries, 1);
	assert_int_equal(g.shape[TLB_4K].entries, 64);
	assert_null(tlb_geometry_parse(&g, "off"));
	for (unsigned int i = 0; i < TLB_NR_ARRAYS; i++)
		assert_int_equal(g.shape[i].entries, 0);
	assert_non_null(tlb_geometry_parse(&g, ""));
	assert_non_null(tlb_geometry_parse(&g, "5k:4/4"));
	assert_non_null(tlb_geometry_parse(&g, "4k:4/4 "));
	assert_non_null(tlb_geometry_parse(&g, "4k:-4/4"));
	assert_non_null(tlb_geometry_parse(&g, "4k:4/0"));
	assert_non_null(tlb_geometry_parse(&g, "4k:4/8"));
}

#define CASE(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_sizes, setup),
		CASE(test_pcids, setup),
		CASE(test_lru, setup_small),
		CASE(test_second_level, setup),
		CASE(test_tables, setup_small),
		cmocka_unit_test(test_geometry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
