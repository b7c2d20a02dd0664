/* SPDX-License-Identifier: MIT */
/* What goes in comes out in order, whether it fits in memory or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "kmemsim/trace.h"

#include <stdlib.h>

static void check(uint32_t count)
{
	struct event_store *s = store_new();
	struct event *batch = xcalloc(EVENT_BATCH, sizeof(*batch));
	uint32_t next = 0;
	size_t n;

	for (uint32_t i = 0; i < count; i++) {
		struct event e = {.slot = i, .size = ~i, .op = (uint8_t)(i % 6)};

		store_add(s, &e);
	}
	assert_int_equal(store_count(s), count);
	while ((n = store_next(s, batch))) {
		for (size_t i = 0; i < n; i++, next++) {
			const struct event *e = &batch[i];

			if (e->slot != next || e->size != ~next || e->op != next % 6)
				fail_msg("event %u came back as %u", next, e->slot);
		}
	}
	assert_int_equal(next, count);
	free(batch);
	store_free(s);
}

static void test_sizes(void **state)
{
	check(0);
	check(1);
	check(EVENT_BATCH - 1);
	check(EVENT_BATCH);
	check(EVENT_BATCH + 1);
	check(10 * EVENT_BATCH);
}

/* A million events stay in memory, what follows goes to a file. */
static void test_overflow(void **state)
{
	check(1 << 20);
	check((1 << 20) + 1);
	check((1 << 20) + 3 * EVENT_BATCH + 17);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
