/* SPDX-License-Identifier: MIT */
/* From rows to events: each rule of reading a trace on a few rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "kmemsim/trace.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER                                                             \
	"seq,time_ns,cpu,tid,op,cache,ptr_id,bytes_req,bytes_alloc,order," \
	"gfp,node,migratetype\n"
#define ALLOC(id, cache) "1,0,0,1,alloc," cache "," #id ",100,104,,GFP_KERNEL,-1,\n"
#define KMALLOC(id, size) "1,0,1,1,kmalloc,," #id "," #size ",128,,GFP_KERNEL|__GFP_HIGH,-1,\n"
#define FREE(id) "1,0,0,1,free,box," #id ",,,,,,\n"
#define KFREE(id) "1,0,0,1,kfree,," #id ",,,,,,\n"
#define PAGES(id, order) "1,0,0,1,page_alloc,," #id ",,," #order ",GFP_KERNEL|__GFP_COMP,,0\n"
#define FPAGES(id, order) "1,0,0,1,page_free,," #id ",,," #order ",,,\n"

static struct resolved_trace trace;
static struct event events[EVENT_BATCH];

static void resolve(const char *rows, bool objects_only)
{
	char path[] = "/tmp/kmemsim-test-XXXXXX";
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");

	assert_non_null(file);
	fputs(HEADER, file);
	fputs(rows, file);
	fclose(file);
	trace_resolve(&trace, path, "auto", objects_only);
	unlink(path);
	store_next(trace.events, events);
}

static void assert_event(unsigned int i, enum event_op op, uint32_t slot)
{
	assert_true(i < store_count(trace.events));
	assert_int_equal(events[i].op, op);
	assert_int_equal(events[i].slot, slot);
}

static void test_op_follows_the_allocation(void **state)
{
	resolve(ALLOC(1, "box") KMALLOC(2, 100) KFREE(1) FREE(2), false);
	assert_int_equal(store_count(trace.events), 4);
	assert_event(0, EVENT_ALLOC, 0);
	assert_event(1, EVENT_KMALLOC, 1);
	assert_event(2, EVENT_FREE, 0);
	assert_event(3, EVENT_KFREE, 1);
	assert_int_equal(events[1].size, 100);
	assert_int_equal(events[1].cpu, 1);
	assert_int_equal(trace.nr_cpus, 2);
	assert_int_equal(trace.nr_slots, 2);
	trace_resolved_free(&trace);
}

static void test_frees_of_nothing(void **state)
{
	resolve(KFREE(0) KFREE(-1) FREE(5) FPAGES(-1, 0) ALLOC(1, "box") FREE(1) FREE(1), false);
	assert_int_equal(store_count(trace.events), 2);
	assert_int_equal(trace.null_frees, 1);
	assert_int_equal(trace.unknown_frees, 3);
	assert_int_equal(trace.unknown_page_frees, 1);
	trace_resolved_free(&trace);
}

static void test_live_id_is_freed_first(void **state)
{
	resolve(ALLOC(1, "box") ALLOC(1, "bag") FREE(1), false);
	assert_int_equal(store_count(trace.events), 4);
	assert_event(1, EVENT_FREE, 0);
	assert_int_equal(events[1].cache, 0);
	assert_event(2, EVENT_ALLOC, 0);
	assert_int_equal(events[2].cache, 1);
	assert_int_equal(trace.implied_frees, 1);
	assert_string_equal(trace.caches[1].name, "bag");
	trace_resolved_free(&trace);
}

static void test_pages(void **state)
{
	resolve(PAGES(1, 2) ALLOC(2, "box") FPAGES(2, 0) KFREE(1) FPAGES(1, 0), false);
	assert_int_equal(store_count(trace.events), 3);
	assert_event(2, EVENT_PAGE_FREE, 0);
	assert_int_equal(events[2].order, 2);	/* as allocated */
	assert_int_equal(trace.order_mismatches, 1);
	assert_int_equal(trace.unknown_page_frees, 1);	/* id 2 is no block */
	assert_int_equal(trace.unknown_frees, 1);	/* id 1 is no object */
	assert_int_equal(trace.object_ops, 1);
	assert_true(trace.peak_need == 4 * PAGE_SIZE + 100);
	trace_resolved_free(&trace);
}

static void test_objects_only(void **state)
{
	resolve(PAGES(1, 2) KMALLOC(1, 20000) FPAGES(1, 2) KFREE(1), true);
	assert_int_equal(store_count(trace.events), 2);
	assert_int_equal(trace.page_rows_skipped, 2);
	assert_int_equal(trace.implied_frees, 0);
	trace_resolved_free(&trace);
}

static void test_caches_in_order_of_use(void **state)
{
	resolve(FREE(9) ALLOC(1, "second-in-alphabet") ALLOC(2, "a") ALLOC(3, "a"), false);
	assert_int_equal(trace.nr_caches, 2);
	assert_string_equal(trace.caches[0].name, "second-in-alphabet");
	assert_int_equal(trace.caches[0].max_bytes_req, 100);
	trace_resolved_free(&trace);
}

static void test_new_sizes(void **state)
{
	resolve(KMALLOC(1, 10) KMALLOC(2, 10) KMALLOC(3, 11), false);
	assert_true(events[0].new_size);
	assert_false(events[1].new_size);
	assert_true(events[2].new_size);
	trace_resolved_free(&trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_op_follows_the_allocation),
		cmocka_unit_test(test_frees_of_nothing),
		cmocka_unit_test(test_live_id_is_freed_first),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_objects_only),
		cmocka_unit_test(test_caches_in_order_of_use),
		cmocka_unit_test(test_new_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
