/* SPDX-License-Identifier: MIT */
/* Rows of ftrace and perf script text: pointers become ids, fields land where they belong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "kmemsim/trace.h"

#include <kmem/gfp.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define F(cpu) "            task-1       [00" #cpu "] .....    0.000001: "
#define P(cpu) "            task     1 [00" #cpu "]     0.000001: kmem:"
#define ALLOC(ptr, cache)                                                       \
	"kmem_cache_alloc: call_site=f+0x1/0x2 ptr=" #ptr " name=" cache \
	" bytes_req=100 bytes_alloc=104 gfp_flags=GFP_NOFS|__GFP_ZERO node=-1 accounted=true\n"
#define KMALLOC(ptr, size, gfp)                                                  \
	"kmalloc: call_site=f+0x1/0x2 ptr=" #ptr " bytes_req=" #size " bytes_alloc=4096 " \
	"gfp_flags=" gfp " node=0 accounted=false\n"
#define FREE(ptr, cache) "kmem_cache_free: call_site=f+0x1/0x2 ptr=" #ptr " name=" cache "\n"
#define KFREE(ptr) "kfree: call_site=f+0x1/0x2 ptr=" #ptr "\n"
#define PAGES(pfn, order) \
	"mm_page_alloc: page=0000000000000001 pfn=" #pfn " order=" #order \
	" migratetype=1 gfp_flags=GFP_HIGHUSER_MOVABLE|__GFP_COMP\n"
#define FPAGES(pfn, order) "mm_page_free: page=0000000000000001 pfn=" #pfn " order=" #order "\n"

static struct trace_reader *reader;
static struct names *caches;
static struct trace_row row;

static void begin(const char *text)
{
	char path[] = "/tmp/kmemsim-text-XXXXXX";
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	caches = names_new();
	reader = trace_open(path, "auto", caches);
	unlink(path);
}

static void next(enum trace_op op, int64_t id)
{
	assert_true(trace_next(reader, &row));
	assert_int_equal(row.op, op);
	assert_int_equal(row.id, id);
}

static struct trace_others end(void)
{
	struct trace_others others;

	assert_false(trace_next(reader, &row));
	others = trace_take_others(reader);
	trace_close(reader);
	names_free(caches);
	return others;
}

static void end_plain(void)
{
	struct trace_others others = end();

	assert_int_equal(others.skipped, 0);
	assert_int_equal(others.lost, 0);
	trace_others_free(&others);
}

static void test_fields(void **state)
{
	begin(F(0) ALLOC(00000000000000a1, "box") F(3) KMALLOC(b2, 3000, "GFP_KERNEL")
	      F(2) ALLOC(c3, "bag") F(0) ALLOC(d4, "box") F(1) PAGES(0x1f, 3)
	      F(1) FPAGES(0x1f, 3));
	next(TRACE_ALLOC, 1);
	assert_int_equal(row.cpu, 0);
	assert_int_equal(row.cache, 0);
	assert_int_equal(row.bytes_req, 100);
	assert_int_equal(row.gfp, GFP_NOFS | __GFP_ZERO);
	next(TRACE_KMALLOC, 2);
	assert_int_equal(row.cpu, 3);
	assert_int_equal(row.bytes_req, 3000);
	assert_int_equal(row.gfp, GFP_KERNEL);
	next(TRACE_ALLOC, 3);
	assert_string_equal(names_text(caches, row.cache), "bag");
	next(TRACE_ALLOC, 4);
	assert_int_equal(row.cache, 0);
	next(TRACE_PAGE_ALLOC, 5);
	assert_int_equal(row.order, 3);
	assert_int_equal(row.gfp, GFP_HIGHUSER_MOVABLE | __GFP_COMP);
	next(TRACE_PAGE_FREE, 5);
	assert_int_equal(row.order, 3);
	end_plain();
}

/* An id is a pointer's from the allocation to the free, then anybody's. */
static void test_ids(void **state)
{
	begin(F(0) ALLOC(a, "box") F(0) ALLOC(b, "box") F(0) KFREE(a) F(0) KFREE(a)
	      F(0) ALLOC(c, "box") F(0) ALLOC(a, "box") F(0) FREE(b, "box") F(0) ALLOC(c, "bag"));
	next(TRACE_ALLOC, 1);
	next(TRACE_ALLOC, 2);
	next(TRACE_KFREE, 1);
	next(TRACE_KFREE, TRACE_ID_UNKNOWN);
	next(TRACE_ALLOC, 1);
	next(TRACE_ALLOC, 3);
	next(TRACE_FREE, 2);
	next(TRACE_ALLOC, 1);	/* c is live: the resolver frees it first */
	end_plain();
}

/* The same number as pointer and as page frame are two things. */
static void test_pages_are_no_objects(void **state)
{
	begin(F(0) ALLOC(10, "box") F(0) PAGES(0x10, 0) F(0) PAGES(16, 1) F(0) FPAGES(0x10, 0)
	      F(0) FPAGES(0x10, 0) F(0) KFREE(10));
	next(TRACE_ALLOC, 1);
	next(TRACE_PAGE_ALLOC, 2);
	next(TRACE_PAGE_ALLOC, 2);	/* decimal, as old kernels have it */
	next(TRACE_PAGE_FREE, 2);
	next(TRACE_PAGE_FREE, TRACE_ID_UNKNOWN);
	next(TRACE_KFREE, 1);
	end_plain();
}

static void test_null(void **state)
{
	begin(F(0) KFREE(0000000000000000) F(0) KFREE((nil)) F(0) KFREE(0x0) F(0) KFREE((null))
	      F(0) KFREE(         (null)) F(0) FREE(0, "box") F(0) PAGES(0x0, 2) F(0) PAGES(0, 2)
	      F(0) KMALLOC((nil), 10, "GFP_NOWAIT"));
	for (unsigned int i = 0; i < 5; i++)
		next(TRACE_KFREE, TRACE_ID_NULL);
	next(TRACE_FREE, TRACE_ID_NULL);
	next(TRACE_PAGE_ALLOC, TRACE_ID_NULL);
	next(TRACE_PAGE_ALLOC, TRACE_ID_NULL);
	next(TRACE_KMALLOC, TRACE_ID_NULL);
	assert_int_equal(row.gfp, GFP_NOWAIT | __GFP_NOWARN);
	end_plain();
}

static void test_pointers(void **state)
{
	begin(F(0) ALLOC(0xffff888012345680, "box") F(0) ALLOC(FFFF888012345600, "box")
	      F(0) KFREE(ffff888012345680) F(0) KFREE(0xffff888012345600) F(0) KFREE(12345680));
	next(TRACE_ALLOC, 1);
	next(TRACE_ALLOC, 2);
	next(TRACE_KFREE, 1);
	next(TRACE_KFREE, 2);
	next(TRACE_KFREE, TRACE_ID_UNKNOWN);
	end_plain();
}

static void test_gfp(void **state)
{
	begin(F(0) KMALLOC(a, 1, "0xdc0") F(0) KMALLOC(b, 1, "none") F(0) KMALLOC(c, 1, "3264")
	      F(0) KMALLOC(d, 1, "GFP_KERNEL|0x100") F(0) KMALLOC(e, 1, "0xdc0"));
	next(TRACE_KMALLOC, 1);
	assert_int_equal(row.gfp, GFP_KERNEL | __GFP_ZERO);
	next(TRACE_KMALLOC, 2);
	assert_int_equal(row.gfp, 0);
	next(TRACE_KMALLOC, 3);
	assert_int_equal(row.gfp, GFP_KERNEL);
	next(TRACE_KMALLOC, 4);
	assert_int_equal(row.gfp, GFP_KERNEL | __GFP_ZERO);
	next(TRACE_KMALLOC, 5);
	assert_int_equal(row.gfp, GFP_KERNEL | __GFP_ZERO);
	end_plain();
}

static void test_perf(void **state)
{
	struct trace_others others;

	begin("# ========\n\n" P(1) ALLOC(0xffff888100000900, "box")
	      P(0) "rss_stat: mm_id=6 curr=1\n"
	      "\tffffffff8782660d kmem_cache_alloc+0xfd ([kernel.kallsyms])\n\n"
	      "  a b 12/13 [011] 1234.000001002:          1   kmem:kfree: call_site=f ptr=(nil)\n"
	      "task 1 [000] 1.5: sched:sched_switch: prev_comm=a ==> b\n"
	      P(0) PAGES(0x23e433, 0) P(2) KFREE(0xffff888100000900));
	next(TRACE_ALLOC, 1);
	assert_int_equal(row.cpu, 1);
	next(TRACE_KFREE, TRACE_ID_NULL);
	assert_int_equal(row.cpu, 11);
	next(TRACE_PAGE_ALLOC, 2);
	next(TRACE_KFREE, 1);
	assert_int_equal(row.cpu, 2);
	others = end();
	assert_int_equal(others.skipped, 2);
	assert_string_equal(names_text(others.names, 0), "rss_stat");
	assert_string_equal(names_text(others.names, 1), "sched:sched_switch");
	assert_int_equal(others.counts[1], 1);
	trace_others_free(&others);
}

static void test_others(void **state)
{
	struct trace_others others;

	begin("# tracer: nop\n#\n# entries-in-buffer/entries-written: 10/25   #P:2\n"
	      F(0) "mm_page_free_batched: page=1 pfn=0x1 order=0\n"
	      F(0) "mm_page_alloc_extfrag: page=1 pfn=0x1 alloc_order=0\n"
	      F(0) "mm_page_free_batched: nonsense\n"
	      "CPU:1 [LOST 7 EVENTS]\nCPU:0 [EVENTS DROPPED]\n"
	      F(0) KFREE(0));
	next(TRACE_KFREE, TRACE_ID_NULL);
	others = end();
	assert_int_equal(others.skipped, 3);
	assert_int_equal(names_count(others.names), 2);
	assert_int_equal(others.counts[0], 2);
	assert_int_equal(others.lost, 15 + 7 + 1);
	trace_others_free(&others);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_pages_are_no_objects),
		cmocka_unit_test(test_null),
		cmocka_unit_test(test_pointers),
		cmocka_unit_test(test_gfp),
		cmocka_unit_test(test_perf),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
