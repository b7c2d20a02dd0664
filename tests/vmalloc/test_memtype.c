/* SPDX-License-Identifier: MIT */
/* src/vmalloc/memtype.c: one memory type for each physical address, whoever maps it. */
#include "vmalloc_test.h"

#include "lib/kernel.h"
#include "lib/kfmt.h"
#include "vmalloc/memtype.h"

#include <kmem/io.h>

#define NR_TYPES 5u

static struct memtypes types;

static int reserve(struct memtype_range *r, unsigned long first, unsigned long pages,
		   enum memtype want)
{
	r->start = first * P;
	r->end = (first + pages) * P;
	return memtype_reserve(&types, r, want);
}

/* What comes out when one type is there and another is asked for; -1: refused. */
static void test_every_pair(void **state)
{
	static const int got[NR_TYPES][NR_TYPES] = {
		/* there: WB, WC, UC-, UC, WT */
		[MEMTYPE_WB] = {0, 1, 2, 3, 4},
		[MEMTYPE_WC] = {-1, 1, 2, 3, 4},
		[MEMTYPE_UC_MINUS] = {-1, 1, 2, 3, 4},
		[MEMTYPE_UC] = {-1, 1, 2, 3, 4},
		[MEMTYPE_WT] = {-1, -1, 2, 3, 4},
	};
	struct machine *m = test_boot("mem=64M");
	struct memtype_range a, b;

	memtypes_init(arch_kernel(), &types);
	test_hear();
	for (unsigned int want = 0; want < NR_TYPES; want++) {
		for (unsigned int there = 0; there < NR_TYPES; there++) {
			int ret;

			assert_int_equal(reserve(&a, 16, 4, there), 0);
			assert_int_equal(a.type, there);
			ret = reserve(&b, 19, 4, want);
			assert_int_equal(ret, got[want][there] < 0 ? -EBUSY : 0);
			if (!ret) {
				assert_int_equal(b.type, got[want][there]);
				memtype_release(&types, &b);
			}
			memtype_release(&types, &a);
		}
	}
	assert_int_equal(reserve(&a, 16, 4, MEMTYPE_WB), 0);
	test_hear();
	assert_int_equal(reserve(&b, 16, 1, MEMTYPE_UC_MINUS), -EBUSY);
	expect_heard("ioremap error for 0x10000-0x11000, requested 0x2, got 0x0");
	memtype_release(&types, &a);
	assert_null(types.ranges.node);
	test_shutdown(m, 0);
}

/* Random ranges against an array of pages: what each has, and how many times. */
#define PAGES 64u
#define HELD 24u

static unsigned int users[PAGES];
static enum memtype type_of[PAGES];

/* What memtype_reserve() has to answer; the type in *@type. */
static bool expect(const struct memtype_range *r, enum memtype want, enum memtype *type)
{
	bool any = false;

	*type = want;
	for (unsigned long i = r->start / P; i < r->end / P; i++) {
		if (!users[i])
			continue;
		if (any && type_of[i] != *type)
			return false;
		*type = type_of[i];
		any = true;
	}
	return *type == want || !(*type == MEMTYPE_WB ||
				  (want == MEMTYPE_WT && *type == MEMTYPE_WC));
}

static void count(const struct memtype_range *r, int by)
{
	for (unsigned long i = r->start / P; i < r->end / P; i++) {
		users[i] += (unsigned int)by;
		type_of[i] = r->type;
	}
}

static void test_random(void **state)
{
	struct machine *m = test_boot("mem=64M");
	struct memtype_range held[HELD];
	bool used[HELD] = {false};
	unsigned int refused = 0;
	uint64_t seed = 11;

	memtypes_init(arch_kernel(), &types);
	test_hear();
	for (unsigned int step = 0; step < 20000; step++) {
		unsigned int i = (unsigned int)(test_rand(&seed) % HELD);
		enum memtype want = (enum memtype)(test_rand(&seed) % NR_TYPES), type;
		unsigned long first = test_rand(&seed) % PAGES;
		unsigned long pages = 1 + test_rand(&seed) % 6;
		struct memtype_range *r = &held[i];
		bool good;

		if (used[i]) {
			memtype_release(&types, r);
			count(r, -1);
			used[i] = false;
			continue;
		}
		r->start = first * P;
		r->end = (first + pages > PAGES ? PAGES : first + pages) * P;
		good = expect(r, want, &type);
		assert_int_equal(memtype_reserve(&types, r, want), good ? 0 : -EBUSY);
		used[i] = good;
		refused += !good;
		if (!good)
			continue;
		assert_int_equal(r->type, type);
		count(r, 1);
	}
	assert_in_range(refused, 100, 19000);
	for (unsigned int i = 0; i < HELD; i++)
		if (used[i])
			memtype_release(&types, &held[i]);
	assert_null(types.ranges.node);
	test_shutdown(m, 0);
}

static uint64_t cache_bits(const void *p)
{
	struct mmu_walk_result res;

	assert_int_equal(mmu_walk(ptr_to_kva(p), MMU_READ, &res), 0);
	return res.entries[res.nr_entries - 1].value & (X86_PTE_PCD | X86_PTE_PWT | X86_PTE_PAT);
}

static void expect_list(const char *expected)
{
	char *text = test_proc("pat_memtype_list");

	assert_string_equal(text, expected);
	free(text);
}

/* The first mapping decides, until the last one is gone; a failed one leaves nothing. */
static void test_ioremap(void **state)
{
	struct machine *m = test_boot("mem=64M");
	char *wc, *uc, *wb;

	expect_list("PAT memtype list:\n");
	wc = ioremap_wc(0xfe000000, 4 * P);
	assert_int_equal(cache_bits(wc), X86_PTE_PWT);
	uc = ioremap(0xfe001000, P);
	assert_int_equal(cache_bits(uc), X86_PTE_PWT);
	wb = ioremap_cache(0xfe004000, P);
	assert_int_equal(cache_bits(wb), 0);
	expect_list("PAT memtype list:\n"
		    "write-combining @ 0xfe000000-0xfe004000\n"
		    "write-combining @ 0xfe001000-0xfe002000\n"
		    "write-back @ 0xfe004000-0xfe005000\n");
	test_hear();
	assert_null(ioremap(0xfe004800, 4));
	expect_heard("ioremap error for 0xfe004000-0xfe005000, requested 0x2, got 0x0");
	assert_null(ioremap_uc(0xfe003000, 2 * P));
	expect_heard("x86/PAT: conflicting memory types fe003000-fe005000 "
		     "write-combining<->write-back");
	assert_null(ioremap_wt(0xfe001000, P));
	expect_heard("requested 0x4, got 0x1");
	iounmap(wc);
	assert_null(ioremap_wt(0xfe001000, P));
	iounmap(uc);
	wc = ioremap_wt(0xfe001000, P);
	assert_int_equal(cache_bits(wc), X86_PTE_PAT);
	iounmap(wc);
	iounmap(wb);
	expect_list("PAT memtype list:\n");
	/* No room for it: its type is not settled either. */
	assert_null(ioremap(0x100000000, 2ul << 30));
	expect_heard("vmap allocation");
	expect_list("PAT memtype list:\n");
	expect_no_reports();
	/* Shutdown finds it. */
	assert_non_null(ioremap_uc(0xfe001000, P));
	test_shutdown(m, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_pair),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_ioremap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
