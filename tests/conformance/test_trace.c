/* SPDX-License-Identifier: MIT */
/* Tracepoints: which calls say what, in ftrace's words. */
#include "conformance.h"

#include <errno.h>

#define MAX_LINES 4096
#define LINE 512

struct lines {
	unsigned int nr;
	char text[MAX_LINES][LINE];
};

/* A line from the event's name on, its call site cut to the function's name. */
static void keep_line(void *arg, const char *line, size_t len)
{
	struct lines *l = arg;
	const char *at = strstr(line, ": "), *site, *end;

	assert_int_equal(strlen(line), len);
	assert_non_null(at);
	at += 2;
	site = strstr(at, "call_site=");
	if (l->nr == MAX_LINES)
		return;
	if (!site) {
		snprintf(l->text[l->nr++], LINE, "%s", at);
		return;
	}
	site += strlen("call_site=");
	end = strchr(site, ' ');
	assert_non_null(end);
	snprintf(l->text[l->nr++], LINE, "%.*s%.*s%s", (int)(site - at), at,
		 (int)strcspn(site, "+ "), site, end);
}

static uint64_t half_past(void *arg)
{
	return *(uint64_t *)arg;
}

static int somebody(void *arg, char *comm, size_t size)
{
	snprintf(comm, size, "%s", (const char *)arg);
	return 4711;
}

static struct lines *trace(const char *events)
{
	struct lines *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	assert_int_equal(kmem_trace_set_sink(keep_line, l), 0);
	assert_true(kmem_trace_enable(events) > 0);
	return l;
}

static void stop(struct lines *l)
{
	assert_int_equal(kmem_trace_disable("*"), 10);
	assert_int_equal(kmem_trace_set_sink(NULL, NULL), 0);
	free(l);
}

/* One line since the last look, and it is this. */
static void __attribute__((format(printf, 2, 3))) expect_line(struct lines *l, const char *fmt, ...)
{
	char want[LINE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(want, sizeof(want), fmt, args);
	va_end(args);
	if (l->nr != 1)
		print_error("%u lines, wanted one: %s\n", l->nr, want);
	assert_int_equal(l->nr, 1);
	assert_string_equal(l->text[0], want);
	l->nr = 0;
}

static unsigned long long seen(const void *p)
{
	return p ? ptr_to_kva(p) : 0;
}

static void names(void **state)
{
	static const char *const want[] = {
		"kmalloc", "kfree", "kmem_cache_alloc", "kmem_cache_free", "mm_page_alloc",
		"mm_page_free", "mm_page_free_batched", "mm_page_alloc_zone_locked",
		"mm_page_pcpu_drain", "mm_page_alloc_extfrag",
	};
	struct machine *m;
	unsigned int i;

	test_catch_all();
	test_state.nr_reports = 0;
	assert_int_equal(kmem_trace_enable("kmalloc"), -ENODEV);
	assert_int_equal(kmem_trace_disable("kmalloc"), -ENODEV);
	assert_false(kmem_trace_enabled("kmalloc"));
	assert_int_equal(kmem_trace_count("kmalloc"), 0);
	assert_int_equal(kmem_trace_set_sink(keep_line, NULL), -ENODEV);
	assert_int_equal(kmem_trace_set_clock(half_past, NULL), -ENODEV);
	assert_int_equal(kmem_trace_set_task(somebody, NULL), -ENODEV);
	expect_reports(7, MACHINE_WARN, "no machine entered");
	m = test_boot(PLAIN);
	for (i = 0; i < 10; i++) {
		assert_string_equal(kmem_trace_event(i), want[i]);
		assert_false(kmem_trace_enabled(want[i]));
	}
	assert_null(kmem_trace_event(10));
	assert_int_equal(kmem_trace_enable("nothing"), -EINVAL);
	assert_int_equal(kmem_trace_enable(""), -EINVAL);
	assert_int_equal(kmem_trace_enable("sched:*"), -EINVAL);
	assert_int_equal(kmem_trace_enable("kmem:kmalloc"), 1);
	assert_true(kmem_trace_enabled("kmalloc"));
	assert_false(kmem_trace_enabled("kfree"));
	assert_int_equal(kmem_trace_enable("*_alloc"), 2);
	assert_int_equal(kmem_trace_enable("mm_page_*"), 6);
	assert_int_equal(kmem_trace_enable("k?ree"), 1);
	assert_int_equal(kmem_trace_enable("kmem:*"), 10);
	assert_int_equal(kmem_trace_disable("kmem_cache_alloc"), 1);
	assert_false(kmem_trace_enabled("kmem_cache_alloc"));
	assert_int_equal(kmem_trace_disable("*"), 10);
	for (i = 0; i < 10; i++)
		assert_false(kmem_trace_enabled(want[i]));
	test_shutdown(m, 0);
}

/* What kmalloc() sets aside for @size bytes, by the class that serves them; SLOB has none. */
static int set_aside(const char *class, int size)
{
	return backend_is("slob") ? size + 8 : (int)test_slot(kmem_find_cache(class));
}

static void objects(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M cmdline=slab_nomerge");
	struct kmem_cache *s = kmem_cache_create("traced", 100, 0, SLAB_ACCOUNT, NULL);
	struct lines *l = trace("k*");
	bool account = !backend_is("slob");	/* which drops the flag */
	void *p, *q[3];

	p = kmalloc(100, GFP_KERNEL);
	expect_line(l, "kmalloc: call_site=objects ptr=%016llx bytes_req=100 bytes_alloc=%d "
		    "gfp_flags=GFP_KERNEL node=-1 accounted=false", seen(p),
		    set_aside("kmalloc-128", 100));
	kfree(p);
	expect_line(l, "kfree: call_site=objects ptr=%016llx", seen(p));
	kfree(NULL);
	expect_line(l, "kfree: call_site=objects ptr=0000000000000000");

	p = kmalloc_node(64, GFP_ATOMIC | __GFP_ACCOUNT | __GFP_ZERO, 0);
	expect_line(l, "kmalloc: call_site=objects ptr=%016llx bytes_req=64 bytes_alloc=%d "
		    "gfp_flags=GFP_ATOMIC|__GFP_ZERO|__GFP_ACCOUNT node=0 accounted=true", seen(p),
		    set_aside("kmalloc-cg-64", 64));
	kfree(p);
	l->nr = 0;

	p = kmalloc(10000, GFP_KERNEL);
	expect_line(l, "kmalloc: call_site=objects ptr=%016llx bytes_req=10000 bytes_alloc=16384 "
		    "gfp_flags=GFP_KERNEL node=-1 accounted=false", seen(p));
	kfree(p);
	expect_line(l, "kfree: call_site=objects ptr=%016llx", seen(p));

	p = kmem_cache_alloc(s, GFP_NOWAIT);
	expect_line(l, "kmem_cache_alloc: call_site=objects ptr=%016llx name=traced bytes_req=100 "
		    "bytes_alloc=%d gfp_flags=GFP_NOWAIT node=-1 accounted=%s", seen(p),
		    (int)test_slot(s), account ? "true" : "false");
	kmem_cache_free(s, p);
	expect_line(l, "kmem_cache_free: call_site=objects ptr=%016llx name=traced", seen(p));

	/* as in Linux */
	assert_int_equal(kmem_cache_alloc_bulk(s, GFP_KERNEL, 3, q), 3);
	kmem_cache_free_bulk(s, 3, q);
	p = kmalloc(0, GFP_KERNEL);
	assert_ptr_equal(p, ZERO_SIZE_PTR);
	assert_int_equal(l->nr, 0);
	assert_int_equal(kmem_trace_count("kmalloc"), 3);
	assert_int_equal(kmem_trace_count("kfree"), 4);
	assert_int_equal(kmem_trace_count("kmem_cache_alloc"), 1);
	assert_int_equal(kmem_trace_count("nothing"), 0);
	stop(l);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void pages(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct lines *l = trace("mm_page_alloc");
	struct page *page;
	unsigned long pfn;

	kmem_trace_enable("mm_page_free");
	page = alloc_pages(GFP_KERNEL | __GFP_RECLAIMABLE, 2);
	pfn = page_to_pfn(page);
	expect_line(l, "mm_page_alloc: page=%016llx pfn=0x%lx order=2 migratetype=2 "
		    "gfp_flags=GFP_KERNEL|__GFP_RECLAIMABLE", 0xffffea0000000000ull + 64 * pfn, pfn);
	__free_pages(page, 2);
	expect_line(l, "mm_page_free: page=%016llx pfn=0x%lx order=2",
		    0xffffea0000000000ull + 64 * pfn, pfn);
	/* no page, and no object either */
	page = alloc_pages(GFP_KERNEL | __GFP_NOWARN | __GFP_THISNODE, 10);
	assert_non_null(page);
	l->nr = 0;
	while (page) {
		page = alloc_pages(GFP_NOWAIT | __GFP_NOWARN, 10);
		if (page)
			l->nr = 0;
	}
	expect_line(l, "mm_page_alloc: page=0000000000000000 pfn=0x0 order=10 migratetype=0 "
		    "gfp_flags=GFP_NOWAIT|__GFP_NOWARN");
	stop(l);
	test_state.nr_reports = 0;
	machine_shutdown(m);
	test_state.nr_reports = 0;
}

static void exhaustion(void **state)
{
	struct machine *m = test_boot(TINY);
	struct lines *l;
	char last[LINE];
	void *p = NULL, *first = NULL;

	/* a chain through the objects, to give them back */
	l = trace("kmalloc");
	for (;;) {
		p = kmalloc(4096, GFP_NOWAIT | __GFP_NOWARN);
		if (!p)
			break;
		*(void **)p = first;
		first = p;
	}
	assert_true(l->nr > 100 && l->nr < MAX_LINES);
	snprintf(last, sizeof(last), "%s", l->text[l->nr - 1]);
	assert_non_null(strstr(last, "ptr=0000000000000000 bytes_req=4096"));
	stop(l);
	while (first) {
		p = *(void **)first;
		kfree(first);
		first = p;
	}
	test_shutdown(m, 0);
}

/* Pages on their way between the zone and the CPU's lists, and a request that is helped out. */
static void under_the_zone_lock(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=1G");
	struct kmem_arena arena;
	struct lines *l;
	struct page *page;
	unsigned long pfn;
	unsigned int i;

	assert_int_equal(kmem_make_arena(1, KMEM_ZONE_DMA32, 1, &arena), 0);
	l = trace("mm_page_alloc_extfrag");
	kmem_trace_enable("mm_page_alloc_zone_locked");
	page = alloc_pages(GFP_KERNEL, 0);
	assert_non_null(page);
	pfn = page_to_pfn(page);
	assert_true(l->nr >= 2);
	{
		char want[LINE];

		snprintf(want, sizeof(want),
			 "mm_page_alloc_extfrag: page=%016llx pfn=0x%lx alloc_order=0 "
			 "fallback_order=10 pageblock_order=9 alloc_migratetype=0 "
			 "fallback_migratetype=1 fragmenting=0 change_ownership=1",
			 0xffffea0000000000ull + 64 * arena.base_pfn, arena.base_pfn);
		assert_string_equal(l->text[0], want);
		snprintf(want, sizeof(want),
			 "mm_page_alloc_zone_locked: page=%016llx pfn=0x%lx order=0 migratetype=0 "
			 "percpu_refill=1", 0xffffea0000000000ull + 64 * pfn, pfn);
		assert_string_equal(l->text[1], want);
	}
	/* a refill takes a batch */
	for (i = 2; i < l->nr; i++)
		assert_non_null(strstr(l->text[i], "mm_page_alloc_zone_locked: "));
	l->nr = 0;
	kmem_trace_disable("*");
	kmem_trace_enable("mm_page_pcpu_drain");
	__free_pages(page, 0);
	assert_int_equal(l->nr, 0);
	drain_all_pages();
	assert_true(l->nr >= 1);
	for (i = 0; i < l->nr; i++)
		assert_non_null(strstr(l->text[i], "mm_page_pcpu_drain: page="));
	stop(l);
	test_shutdown(m, 0);
}

static void whole_line(void *arg, const char *line, size_t len)
{
	snprintf(arg, LINE, "%.*s", (int)len, line);
}

static void head(void **state)
{
	struct machine *m = test_boot(TWO_CPUS);
	uint64_t now = 12345678901ull;
	static char name[] = "somebody";
	char line[LINE] = "";

	assert_int_equal(kmem_trace_set_sink(whole_line, line), 0);
	assert_int_equal(kmem_trace_enable("kfree"), 1);
	kfree(NULL);
	assert_int_equal(strncmp(line, "            kmem-1       [000] .....    0.000001: kfree: ", 57),
			 0);
	cpu_migrate(1);
	kfree(NULL);
	assert_int_equal(strncmp(line, "            kmem-2       [001] .....    0.000002: kfree: ", 57),
			 0);
	kmem_trace_set_clock(half_past, &now);
	kmem_trace_set_task(somebody, name);
	irq_enter();
	preempt_disable();
	local_irq_disable();
	kfree(NULL);
	local_irq_enable();
	preempt_enable();
	irq_exit();
	assert_int_equal(strncmp(line, "        somebody-4711    [001] d.h1.   12.345678: kfree: ", 57),
			 0);
	local_bh_disable();
	kfree(NULL);
	local_bh_enable();
	assert_int_equal(strncmp(line, "        somebody-4711    [001] b....   12.345678: kfree: ", 57),
			 0);
	kmem_trace_disable("*");
	test_shutdown(m, 0);
}

/* The same calls give the same addresses whether they are watched or not. */
static uint64_t wander(bool traced)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M cpus=2 isolate_metadata=1");
	struct kmem_cache *s = kmem_cache_create("wander", 200, 0, 0, NULL);
	uint64_t rand = 7, digest = 0;
	void *slots[200] = { NULL };
	struct lines *l = NULL;
	unsigned int i;

	if (traced)
		l = trace("*");
	for (i = 0; i < 20000; i++) {
		uint64_t r = test_rand(&rand);
		void **p = &slots[r % 200];

		if (r >> 32 & 1 && !(r >> 40 & 63))
			cpu_migrate((unsigned int)(r >> 33 & 1));
		if (*p) {
			kfree(*p);
			*p = NULL;
			continue;
		}
		if (r >> 34 & 1 && !backend_is("slob"))
			*p = kmem_cache_alloc(s, GFP_KERNEL);
		else
			*p = kmalloc(1 + (r >> 35) % 3000, GFP_KERNEL);
		digest = digest * 31 + ptr_to_kva(*p);
		if (l)
			l->nr = 0;
	}
	for (i = 0; i < 200; i++)
		kfree(slots[i]);
	if (l)
		stop(l);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
	return digest;
}

static void watching_changes_nothing(void **state)
{
	assert_true(wander(false) == wander(true));
}

/* Misuse is reported as ever, and a line without a sink is counted. */
static void misuse(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct lines *l = trace("*");
	int local;

	kfree(&local);
	expect_report(MACHINE_BUG, "kfree");
	assert_int_equal(l->nr, 1);
	assert_int_equal(kmem_trace_set_sink(NULL, NULL), 0);
	kfree(NULL);
	assert_int_equal(kmem_trace_count("kfree"), 2);
	stop(l);
	kfree(NULL);
	assert_int_equal(kmem_trace_count("kfree"), 2);
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(names),
	cmocka_unit_test(objects),
	cmocka_unit_test(pages),
	cmocka_unit_test(exhaustion),
	cmocka_unit_test(under_the_zone_lock),
	cmocka_unit_test(head),
	cmocka_unit_test(watching_changes_nothing),
	cmocka_unit_test(misuse),
};
TEST_GROUP(trace, tests);
