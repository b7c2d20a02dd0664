/* SPDX-License-Identifier: MIT */
/* Blocks of one SLOB page: splitting, alignment, joining, and what is seen of a damaged page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/rand.h"
#include "slob/slob_page.h"

static _Alignas(PAGE_SIZE) int16_t page[SLOB_PAGE_UNITS];
static struct slob_page sp;

/* As the allocator's cold paths see them: the compiler knows nothing of the arguments. */
static noinline enum slob_result page_alloc(struct slob_page *of, void *base, unsigned int units,
					    unsigned int align, unsigned int offset,
					    unsigned int *start)
{
	return slob_page_alloc(of, base, units, align, offset, start);
}

static noinline enum slob_result page_free(struct slob_page *of, void *base, unsigned int start,
					   unsigned int units, bool wipe)
{
	return slob_page_free(of, base, start, units, wipe);
}

static noinline bool block_read(const void *base, unsigned int start, struct slob_block *b)
{
	return slob_block_read(base, start, b);
}

static int setup(void **state)
{
	memset(&sp, 0, sizeof(sp));
	memset(page, 0x5a, sizeof(page));
	slob_page_init(&sp, page);
	return 0;
}

static unsigned int take_aligned(unsigned int units, unsigned int align, unsigned int offset)
{
	unsigned int start = SLOB_END;

	assert_int_equal(page_alloc(&sp, page, units, align, offset, &start), SLOB_OK);
	return start;
}

static unsigned int take(unsigned int units)
{
	return take_aligned(units, SLOB_UNIT, 0);
}

static void give(unsigned int start, unsigned int units)
{
	assert_int_equal(page_free(&sp, page, start, units, false), SLOB_OK);
}

/* The free blocks must be exactly the @n pairs (start, units) that follow. */
static void expect_blocks(unsigned int n, ...)
{
	unsigned int at = sp.first, sum = 0, i;
	struct slob_block b;
	va_list args;

	va_start(args, n);
	for (i = 0; i < n; i++) {
		assert_int_not_equal(at, SLOB_END);
		assert_true(block_read(page, at, &b));
		assert_int_equal(b.start, va_arg(args, unsigned int));
		assert_int_equal(b.units, va_arg(args, unsigned int));
		sum += b.units;
		at = b.next;
	}
	va_end(args);
	assert_int_equal(at, SLOB_END);
	assert_int_equal(sp.units, sum);
}

static void a_new_page_is_one_block(void **state)
{
	expect_blocks(1, 0u, 2048u);
}

static void blocks_come_from_the_front(void **state)
{
	assert_int_equal(take(32), 0);
	assert_int_equal(take(1), 32);
	assert_int_equal(take(100), 33);
	expect_blocks(1, 133u, 1915u);
}

static void first_fit_takes_the_lowest_hole_that_is_large_enough(void **state)
{
	unsigned int a = take(10), b = take(10), c = take(40), d = take(10);

	give(a, 10);
	give(c, 40);
	expect_blocks(3, a, 10u, c, 40u, d + 10, 1978u);
	assert_int_equal(take(20), c);
	expect_blocks(3, a, 10u, c + 20, 20u, d + 10, 1978u);
	assert_int_equal(take(10), a);
	assert_int_equal(take(20), c + 20);
	expect_blocks(1, d + 10, 1978u);
	assert_int_equal(b, 10);
}

static void alignment_leaves_a_free_block_in_front(void **state)
{
	assert_int_equal(take(5), 0);
	assert_int_equal(take_aligned(10, 64, 0), 32);
	expect_blocks(2, 5u, 27u, 42u, 2006u);
	/* The hole in front serves a request that it fits. */
	assert_int_equal(take_aligned(8, 16, 0), 8);
	expect_blocks(3, 5u, 3u, 16u, 16u, 42u, 2006u);
}

static void alignment_may_refer_to_a_byte_further_on(void **state)
{
	unsigned int first = take_aligned(5, 8, 8), power = take_aligned(36, 64, 8);

	assert_int_equal(first, 0);
	assert_int_equal((power * SLOB_UNIT + 8) % 64, 0);
	assert_int_equal(power, 28);
	expect_blocks(2, 5u, 23u, 64u, 1984u);
}

static void the_largest_request_with_offset_fits_an_empty_page(void **state)
{
	assert_int_equal(take_aligned((2048 + 8) / 2, 2048, 8) * SLOB_UNIT + 8, 2048);
	expect_blocks(1, 0u, 1020u);
}

static void a_hole_too_small_after_alignment_is_passed_over(void **state)
{
	unsigned int a = take(3), b = take(40), c = take(100);

	give(b, 40);
	/* From unit 3 on 40 units are free, but from the first multiple of 64 bytes only 11. */
	assert_int_equal(take_aligned(30, 64, 0), 160);
	assert_int_equal(take_aligned(11, 64, 0), 32);
	expect_blocks(3, 3u, 29u, 143u, 17u, 190u, 1858u);
	assert_int_equal(a + c, 43);
}

static void a_hole_of_one_unit_is_kept_and_used(void **state)
{
	unsigned int a = take(1), b = take(1), c = take(1);

	give(b, 1);
	expect_blocks(2, b, 1u, 3u, 2045u);
	assert_int_equal(take(2), 3);
	assert_int_equal(take(1), b);
	expect_blocks(1, 5u, 2043u);
	assert_int_equal(a + c, 2);
}

static void one_unit_at_the_very_end(void **state)
{
	assert_int_equal(take(2047), 0);
	expect_blocks(1, 2047u, 1u);
	assert_int_equal(take(1), 2047);
	expect_blocks(0);
	give(2047, 1);
	expect_blocks(1, 2047u, 1u);
	give(0, 2047);
	expect_blocks(1, 0u, 2048u);
}

static void freeing_joins_with_the_block_behind(void **state)
{
	take(10);
	give(take(10), 10);
	expect_blocks(1, 10u, 2038u);
}

static void freeing_joins_with_the_block_in_front(void **state)
{
	unsigned int a = take(10), b = take(10), c = take(10);

	give(a, 10);
	give(b, 10);
	expect_blocks(2, a, 20u, 30u, 2018u);
	assert_int_equal(c, 20);
}

static void freeing_joins_with_both_neighbours(void **state)
{
	unsigned int a = take(10), b = take(10), c = take(10), d = take(10), e = take(10);

	give(a, 10);
	give(c, 10);
	give(e, 10);
	expect_blocks(3, a, 10u, c, 10u, e, 2008u);
	give(d, 10);
	expect_blocks(2, a, 10u, c, 2028u);
	give(b, 10);
	expect_blocks(1, 0u, 2048u);
}

static void freeing_between_holes_joins_with_neither(void **state)
{
	unsigned int i;

	for (i = 0; i < 10; i++)
		take(10);
	give(10, 10);
	give(70, 10);
	give(40, 10);
	expect_blocks(4, 10u, 10u, 40u, 10u, 70u, 10u, 100u, 1948u);
}

static void a_full_page_starts_a_new_list(void **state)
{
	take(1000);
	take(1048);
	expect_blocks(0);
	assert_int_equal(sp.first, SLOB_END);
	give(1000, 1048);
	expect_blocks(1, 1000u, 1048u);
}

static void what_does_not_fit_changes_nothing(void **state)
{
	unsigned int start;

	take(2000);
	assert_int_equal(page_alloc(&sp, page, 49, SLOB_UNIT, 0, &start), SLOB_FULL);
	expect_blocks(1, 2000u, 48u);
}

static void freeing_what_is_free_is_refused(void **state)
{
	unsigned int a = take(10), b = take(10), c = take(10);

	give(b, 10);
	assert_int_equal(page_free(&sp, page, b, 10, false), SLOB_OVERLAP);	/* the same */
	assert_int_equal(page_free(&sp, page, b + 2, 4, false), SLOB_OVERLAP);	/* inside */
	assert_int_equal(page_free(&sp, page, a + 5, 10, false), SLOB_OVERLAP);	/* its front */
	assert_int_equal(page_free(&sp, page, b + 5, 10, false), SLOB_OVERLAP);	/* its end */
	assert_int_equal(page_free(&sp, page, a, 30, false), SLOB_OVERLAP);	/* around it */
	assert_int_equal(page_free(&sp, page, 1000, 10, false), SLOB_OVERLAP);	/* in the rest */
	assert_int_equal(page_free(&sp, page, 2040, 10, false), SLOB_OVERLAP);	/* over the end */
	expect_blocks(2, b, 10u, c + 10, 2018u);
}

/* Zeros but for the words of the free block, whatever it is joined with; nothing when it is
 * refused. */
static void a_wiped_block_is_zero(void **state)
{
	unsigned int a = take(10), b = take(10), c = take(10), i;

	memset(page + a, 0xff, 30 * SLOB_UNIT);
	assert_int_equal(page_free(&sp, page, b, 10, true), SLOB_OK);
	for (i = b + 2; i < b + 10; i++)
		assert_int_equal(arch_raw_read(&page[i]), 0);
	assert_int_equal(arch_raw_read(&page[a + 9]), -1);
	assert_int_equal(arch_raw_read(&page[c]), -1);
	assert_int_equal(page_free(&sp, page, a + 5, 10, true), SLOB_OVERLAP);
	assert_int_equal(arch_raw_read(&page[a + 5]), -1);
	/* Behind a free block: no word stands in it. */
	assert_int_equal(page_free(&sp, page, c, 10, true), SLOB_OK);
	for (i = c; i < c + 10; i++)
		assert_int_equal(arch_raw_read(&page[i]), 0);
	assert_int_equal(page_free(&sp, page, a, 10, true), SLOB_OK);
	expect_blocks(1, a, SLOB_PAGE_UNITS);
	arch_unpoison(page, PAGE_SIZE);
}

/* Every value that may stand in the words of a free block: none leads out of the page or ends in a
 * loop, and what is not recognised as damage keeps the invariants of a walk. */
static void overwritten_words_never_lead_astray(void **state)
{
	static const int words[] = { 0, 1, 2, 9, 10, 11, 40, 2047, 2048, 2049, 32767,
				     -1, -2, -10, -2047, -2048, -2049, -32768 };
	const unsigned int n = sizeof(words) / sizeof(words[0]);
	unsigned int i, j, at, steps, start, units;
	struct slob_block b;

	for (i = 0; i < n * n; i++) {
		setup(NULL);
		take(10);
		take(10);
		give(0, 10);
		page[0] = (int16_t)words[i / n];
		page[1] = (int16_t)words[i % n];
		for (at = sp.first, steps = 0; at != SLOB_END; at = b.next, steps++) {
			if (!block_read(page, at, &b))
				break;
			assert_true(b.start + b.units <= SLOB_PAGE_UNITS);
			assert_true(b.next > at);
			assert_true(steps < SLOB_PAGE_UNITS);
		}
		for (j = 0; j < 4; j++) {
			units = 3 + 500 * j;
			if (page_alloc(&sp, page, units, SLOB_UNIT, 0, &start) != SLOB_OK)
				continue;
			assert_true(start + units <= SLOB_PAGE_UNITS);
			assert_true(sp.units <= SLOB_PAGE_UNITS);
		}
		page_free(&sp, page, 10, 10, false);
		assert_true(sp.units <= SLOB_PAGE_UNITS);
	}
}

static void a_damaged_block_is_recognised(void **state)
{
	unsigned int start;

	take(10);
	take(10);
	give(0, 10);
	page[1] = 5; /* the next free block would lie inside this one */
	assert_int_equal(page_alloc(&sp, page, 20, SLOB_UNIT, 0, &start), SLOB_DAMAGED);
	assert_int_equal(page_free(&sp, page, 10, 10, false), SLOB_DAMAGED);
	page[0] = 2047; /* more units than the page has free */
	page[1] = SLOB_END;
	assert_int_equal(page_alloc(&sp, page, 20, SLOB_UNIT, 0, &start), SLOB_DAMAGED);
}

/* --- random operations against a map of the page --------------------------------------------- */

#define MAX_LIVE 256

struct model {
	uint8_t used[SLOB_PAGE_UNITS];
	struct { unsigned int start, units; } live[MAX_LIVE];
	unsigned int nr_live;
};

/* First fit by looking at every unit. */
static unsigned int model_find(const struct model *mo, unsigned int units, unsigned int align,
			       unsigned int offset)
{
	unsigned int start, run;

	for (start = 0; start + units <= SLOB_PAGE_UNITS; start++) {
		if ((start * SLOB_UNIT + offset) % align)
			continue;
		for (run = 0; run < units && !mo->used[start + run]; run++)
			;
		if (run == units)
			return start;
	}
	return SLOB_END;
}

/* The page's free blocks are the maximal free runs of the map. */
static void model_compare(const struct model *mo)
{
	unsigned int at = sp.first, unit = 0, sum = 0, run;
	struct slob_block b;

	while (unit < SLOB_PAGE_UNITS) {
		if (mo->used[unit]) {
			unit++;
			continue;
		}
		for (run = 0; unit + run < SLOB_PAGE_UNITS && !mo->used[unit + run]; run++)
			;
		assert_int_equal(at, unit);
		assert_true(block_read(page, at, &b));
		assert_int_equal(b.units, run);
		at = b.next;
		sum += run;
		unit += run;
	}
	assert_int_equal(at, SLOB_END);
	assert_int_equal(sp.units, sum);
}

static void model_alloc(struct model *mo, uint64_t *seed)
{
	unsigned int units = 1 + (unsigned int)(rand_next(seed) % 60);
	unsigned int align = 2u << (rand_next(seed) % 8);
	unsigned int offset = rand_next(seed) % 2 ? 8 : 0;
	unsigned int want, start = SLOB_END;

	if (align < 8)
		offset = 0;
	if (mo->nr_live == MAX_LIVE)
		return;
	want = model_find(mo, units, align, offset);
	assert_int_equal(page_alloc(&sp, page, units, align, offset, &start),
			 want == SLOB_END ? SLOB_FULL : SLOB_OK);
	if (want == SLOB_END)
		return;
	assert_int_equal(start, want);
	memset(mo->used + start, 1, units);
	memset(page + start, 0xee, units * sizeof(page[0]));
	mo->live[mo->nr_live].start = start;
	mo->live[mo->nr_live++].units = units;
}

static void model_free(struct model *mo, uint64_t *seed)
{
	unsigned int i;

	if (!mo->nr_live)
		return;
	i = (unsigned int)(rand_next(seed) % mo->nr_live);
	give(mo->live[i].start, mo->live[i].units);
	memset(mo->used + mo->live[i].start, 0, mo->live[i].units);
	mo->live[i] = mo->live[--mo->nr_live];
}

static void random_operations_match_a_map(void **state)
{
	static struct model mo;
	uint64_t seed;
	unsigned int step;

	for (seed = 1; seed <= 4; seed++) {
		uint64_t s = seed;

		setup(NULL);
		memset(&mo, 0, sizeof(mo));
		for (step = 0; step < 5000; step++) {
			if (rand_next(&s) % 100 < (step % 1000 < 500 ? 65u : 35u))
				model_alloc(&mo, &s);
			else
				model_free(&mo, &s);
			model_compare(&mo);
		}
		while (mo.nr_live)
			model_free(&mo, &s);
		expect_blocks(1, 0u, 2048u);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_new_page_is_one_block, setup),
		cmocka_unit_test_setup(blocks_come_from_the_front, setup),
		cmocka_unit_test_setup(first_fit_takes_the_lowest_hole_that_is_large_enough, setup),
		cmocka_unit_test_setup(alignment_leaves_a_free_block_in_front, setup),
		cmocka_unit_test_setup(alignment_may_refer_to_a_byte_further_on, setup),
		cmocka_unit_test_setup(the_largest_request_with_offset_fits_an_empty_page, setup),
		cmocka_unit_test_setup(a_hole_too_small_after_alignment_is_passed_over, setup),
		cmocka_unit_test_setup(a_hole_of_one_unit_is_kept_and_used, setup),
		cmocka_unit_test_setup(one_unit_at_the_very_end, setup),
		cmocka_unit_test_setup(freeing_joins_with_the_block_behind, setup),
		cmocka_unit_test_setup(freeing_joins_with_the_block_in_front, setup),
		cmocka_unit_test_setup(freeing_joins_with_both_neighbours, setup),
		cmocka_unit_test_setup(freeing_between_holes_joins_with_neither, setup),
		cmocka_unit_test_setup(a_full_page_starts_a_new_list, setup),
		cmocka_unit_test_setup(what_does_not_fit_changes_nothing, setup),
		cmocka_unit_test_setup(freeing_what_is_free_is_refused, setup),
		cmocka_unit_test_setup(a_wiped_block_is_zero, setup),
		cmocka_unit_test_setup(overwritten_words_never_lead_astray, setup),
		cmocka_unit_test_setup(a_damaged_block_is_recognised, setup),
		cmocka_unit_test_setup(random_operations_match_a_map, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
