/* SPDX-License-Identifier: MIT */
/* Looking inside: slabinfo, counters, events, lookups. */
#include "conformance.h"

#include <errno.h>

static const char slabinfo_head[] =
	"slabinfo - version: 2.1\n"
	"# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>"
	" : tunables <limit> <batchcount> <sharedfactor>"
	" : slabdata <active_slabs> <num_slabs> <sharedavail>\n";

struct slab_line {
	char name[64];
	unsigned long active, num, active_slabs, slabs, shared_avail;
	unsigned int size, per_slab, pages, limit, batch, shared;
};

static bool parse_line(const char *line, struct slab_line *l)
{
	return sscanf(line, "%63s %lu %lu %u %u %u : tunables %u %u %u : slabdata %lu %lu %lu", l->name,
		      &l->active, &l->num, &l->size, &l->per_slab, &l->pages, &l->limit, &l->batch,
		      &l->shared, &l->active_slabs, &l->slabs, &l->shared_avail) == 12;
}

static bool find_line(const char *name, struct slab_line *l)
{
	char *text = test_proc("slabinfo"), *line, *save = NULL;
	bool found = false;

	for (line = strtok_r(text, "\n", &save); line && !found; line = strtok_r(NULL, "\n", &save))
		found = parse_line(line, l) && !strcmp(l->name, name);
	free(text);
	return found;
}

static void slabinfo_has_the_kernels_form(void **state)
{
	struct machine *m = test_boot(PLAIN);
	char *text = test_proc("slabinfo"), *line, *save = NULL, again[256];
	struct slab_line l;
	unsigned int n = 0;

	assert_memory_equal(text, slabinfo_head, strlen(slabinfo_head));
	if (backend_is("slob"))
		assert_string_equal(text, slabinfo_head);
	for (line = strtok_r(text + strlen(slabinfo_head), "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save), n++) {
		assert_true(parse_line(line, &l));
		snprintf(again, sizeof(again),
			 "%-17s %6lu %6lu %6u %4u %4u : tunables %4u %4u %4u : slabdata %6lu %6lu %6lu",
			 l.name, l.active, l.num, l.size, l.per_slab, l.pages, l.limit, l.batch, l.shared,
			 l.active_slabs, l.slabs, l.shared_avail);
		assert_string_equal(line, again);
	}
	assert_true(backend_is("slob") ? n == 0 : n > 40);
	free(text);
	test_shutdown(m, 0);
}

static void slabinfo_lists_the_newest_first(void **state)
{
	struct machine *m = test_boot(PLAIN NOMERGE);
	struct kmem_cache *a = kmem_cache_create("older", 64, 0, 0, NULL);
	struct kmem_cache *b = kmem_cache_create("newer", 64, 0, 0, NULL);
	char *text = test_proc("slabinfo");

	if (!backend_is("slob")) {
		const char *newer = strstr(text, "\nnewer "), *older = strstr(text, "\nolder ");
		const char *last = strstr(text, "\nkmem_cache ");

		assert_ptr_equal(newer, text + strlen(slabinfo_head) - 1);
		assert_non_null(older);
		assert_true(newer < older);
		assert_non_null(last);
		assert_true(older < last);
	}
	free(text);
	kmem_cache_destroy(a);
	kmem_cache_destroy(b);
	test_shutdown(m, 0);
}

static void slabinfo_counts(void **state)
{
	struct machine *m = test_boot(ISOLATED);
	struct kmem_cache *s = kmem_cache_create("counted", 256, 0, 0, NULL);
	struct slab_line l;
	void *p[100];
	int i;

	for (i = 0; i < 100; i++)
		p[i] = kmem_cache_alloc(s, GFP_KERNEL);
	if (!backend_is("slob")) {
		assert_true(find_line("counted", &l));
		assert_in_range(l.size, 256, test_debugging() ? 1024 : 256);
		assert_in_range(l.active, 100, l.num);
		assert_int_equal(l.num, l.slabs * l.per_slab);
		assert_true(l.active_slabs <= l.slabs);
		assert_int_equal(test_stats().slab_pages, l.slabs * l.pages);
	}
	for (i = 0; i < 100; i++)
		kmem_cache_free(s, p[i]);
	kmem_cache_shrink(s);
	if (!backend_is("slob")) {
		assert_true(find_line("counted", &l));
		assert_int_equal(l.active, 0);
		assert_int_equal(l.slabs, 0);
	}
	kmem_cache_destroy(s);
	assert_false(find_line("counted", &l));
	test_shutdown(m, 0);
}

static void text_is_cut_to_the_buffer(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("cut", 64, 0, 0, NULL);
	char whole[2048], part[16];
	long len = kmem_cache_print_geometry(s, false, whole, sizeof(whole));

	assert_int_equal(len, strlen(whole));
	assert_true(len > 16);
	assert_null(strchr(whole, '\n'));
	assert_non_null(strstr(whole, "objsize=64 size="));
	memset(part, 'x', sizeof(part));
	assert_int_equal(kmem_cache_print_geometry(s, false, part, sizeof(part)), len);
	assert_int_equal(strlen(part), 15);
	assert_memory_equal(part, whole, 15);
	assert_int_equal(kmem_cache_print_geometry(s, false, NULL, 0), len);
	assert_true(kmem_cache_print_state(s, NULL, NULL, NULL, 0) > 0);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

struct seen {
	unsigned int new_slabs, freed, pages_now;
	const struct kmem_cache *cache;
	void *last_base;
};

static void on_slab(void *arg, enum kmem_slab_event ev, struct kmem_cache *s, void *base,
		    unsigned int order)
{
	struct seen *seen = arg;

	if (ev == KMEM_SLAB_NEW) {
		seen->new_slabs++;
		seen->pages_now += 1u << order;
		seen->last_base = base;
	} else {
		seen->freed++;
		seen->pages_now -= 1u << order;
	}
	seen->cache = s;
}

static void slab_events_match_the_counters(void **state)
{
	struct machine *m = test_boot(ISOLATED);
	struct kmem_cache *s = kmem_cache_create("events", 500, 0, 0, NULL);
	struct seen seen = { 0 };
	void *p[200];
	int i;

	kmem_set_slab_event_hook(on_slab, &seen);
	for (i = 0; i < 200; i++) {
		assert_non_null(p[i] = kmem_cache_alloc(s, GFP_KERNEL));
		assert_int_equal(seen.pages_now, test_stats().slab_pages);
		assert_int_equal(seen.new_slabs, test_stats().slabs);
	}
	assert_ptr_equal(seen.cache, backend_is("slob") ? NULL : s);
	assert_ptr_equal(kmem_slab_base(p[199]), seen.last_base);
	for (i = 0; i < 200; i++)
		kmem_cache_free(s, p[i]);
	kmem_cache_shrink(s);
	assert_int_equal(seen.pages_now, 0);
	assert_int_equal(seen.freed, seen.new_slabs);
	assert_int_equal(test_stats().slabs, 0);
	kmem_set_slab_event_hook(NULL, NULL);
	kmem_cache_free(s, kmem_cache_alloc(s, GFP_KERNEL));
	assert_int_equal(seen.freed, seen.new_slabs);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void counters(void **state)
{
	struct machine *m = test_boot(ISOLATED);
	struct kmem_stats st = test_stats();
	void *p, *q;

	assert_int_equal(st.slab_pages, 0);
	assert_int_equal(st.large_pages, 0);
	assert_int_equal(st.management_bytes > 0, !backend_is("slob"));
	p = kmalloc(50000, GFP_KERNEL);
	st = test_stats();
	assert_int_equal(st.large_pages, 16);
	assert_int_equal(st.peak_pages, 16);
	assert_int_equal(st.page_allocs[4], 1);
	q = kmalloc(100, GFP_KERNEL);
	st = test_stats();
	assert_true(st.slab_pages >= 1);
	assert_int_equal(st.slabs, 1);
	assert_int_equal(st.peak_pages, 16 + st.slab_pages);
	kfree(p);
	assert_int_equal(test_stats().large_pages, 0);
	assert_int_equal(test_stats().page_frees[4], 1);
	assert_int_equal(test_stats().peak_pages, st.peak_pages);
	kmem_stats_reset_peak();
	assert_int_equal(test_stats().peak_pages, test_stats().slab_pages);
	kfree(q);
	test_shutdown(m, 0);
}

static void failures_are_counted(void **state)
{
	struct machine *m = test_boot(TINY);
	struct page *pages[8];
	int n = 0;

	while (n < 8 && (pages[n] = alloc_pages(GFP_KERNEL | __GFP_NOWARN, 9)))
		n++;
	assert_true(n < 8);
	assert_int_equal(test_stats().page_failures, 1);
	assert_int_equal(test_stats().page_allocs[9], n);
	while (n--)
		__free_pages(pages[n], 9);
	test_shutdown(m, 0);
}

static void management_bytes_grow_with_caches(void **state)
{
	struct machine *m = test_boot(ISOLATED);
	uint64_t before = test_stats().management_bytes, with;
	struct kmem_cache *s = kmem_cache_create("managed", 64, 0, 0, NULL);

	with = test_stats().management_bytes;
	assert_true(with > before + strlen("managed"));
	kmem_cache_destroy(s);
	assert_int_equal(test_stats().management_bytes, before);
	test_shutdown(m, 0);
}

static void lookups(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("looked-up", 64, 0, 0, NULL);
	char *p = kmem_cache_alloc(s, GFP_KERNEL), *large = kmalloc(70000, GFP_KERNEL), *base;
	struct page *page = alloc_page(GFP_KERNEL);
	unsigned int order = 99;

	assert_ptr_equal(kmem_cache_of(p), backend_is("slob") ? NULL : s);
	assert_ptr_equal(kmem_cache_of(p + 63), backend_is("slob") ? NULL : s);
	base = kmem_slab_base(p);
	assert_int_equal((uintptr_t)base % PAGE_SIZE, 0);
	assert_in_range(p - base, 0, 8 * PAGE_SIZE);
	assert_false(kmem_is_large(p, &order));
	assert_null(kmem_cache_of(large));
	assert_ptr_equal(kmem_slab_base(large + 5000), large);
	assert_true(kmem_is_large(large, &order));
	assert_int_equal(order, 5);
	assert_true(kmem_is_large(large + 5000, NULL));
	assert_null(kmem_cache_of(page_address(page)));
	assert_null(kmem_slab_base(page_address(page)));
	assert_false(kmem_is_large(page_address(page), &order));
	assert_null(kmem_cache_of(&order));
	assert_null(kmem_slab_base(NULL));
	assert_false(kmem_is_large(&order, NULL));
	__free_page(page);
	kfree(large);
	kmem_cache_free(s, p);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

struct text_sink {
	char *buf;
	size_t len, pieces;
};

static void collect(void *arg, const char *text, size_t len)
{
	struct text_sink *t = arg;

	memcpy(t->buf + t->len, text, len);
	t->len += len;
	t->pieces++;
}

static void proc_files_read_the_same_both_ways(void **state)
{
	struct machine *m = test_boot(PLAIN);
	const char *name;
	unsigned int i;

	for (i = 0; (name = proc_name(i)); i++) {
		char *text = test_proc(name);
		struct text_sink t = { malloc(strlen(text) + 1), 0, 0 };

		assert_int_equal(proc_write_to(name, collect, &t), strlen(text));
		assert_int_equal(t.len, strlen(text));
		assert_memory_equal(t.buf, text, t.len);
		free(t.buf);
		free(text);
	}
	assert_true(i >= 4);
	assert_true(proc_read("no-such-file", NULL, 0) < 0);
	test_shutdown(m, 0);
}

/* Only SLAB has tunables; nothing else takes a word. */
static void tunables_are_written_to_slabinfo(void **state)
{
	struct machine *m = test_boot(TWO_CPUS NOMERGE);
	struct kmem_cache *s = kmem_cache_create("tuned", 200, 0, 0, NULL);
	char huge[] = "tuned 2000000000 1 0", line[] = "tuned 24 12 2";
	void *p[100];
	char *text;
	int i;

	for (i = 0; i < 100; i++) {
		assert_non_null(p[i] = kmem_cache_alloc(s, GFP_KERNEL));
		test_fill(p[i], 200, (uint64_t)i);
	}
	if (backend_is("slab")) {
		assert_int_equal(proc_write("slabinfo", line, strlen(line)), strlen(line));
		text = test_proc("slabinfo");
		assert_non_null(strstr(text, " : tunables   24   12    2 : slabdata"));
		free(text);
		assert_int_equal(proc_write("slabinfo", huge, strlen(huge)), -12);
		assert_int_equal(proc_write("slabinfo", "nosuch 24 12 2", 14), -22);
		assert_int_equal(proc_write("slabinfo", "tuned 24 12", 11), -22);
	} else {
		assert_int_equal(proc_write("slabinfo", line, strlen(line)), -5);
	}
	for (i = 0; i < 100; i++) {
		assert_true(test_filled(p[i], 200, (uint64_t)i));
		kmem_cache_free(s, p[i]);
	}
	assert_int_equal(proc_write("buddyinfo", "1", 1), -5);
	assert_int_equal(proc_write("no-such-file", "1", 1), -2);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
	assert_int_equal(proc_write("slabinfo", line, strlen(line)), -19);
	expect_report(MACHINE_WARN, "no machine entered");
}

/* What the size function says of this machine is what its caches hold; on a larger one they hold more. */
static void management_bytes_by_size(void **state)
{
	static const struct {
		const char *text;
		unsigned int nodes, cpus;
	} machines[] = {
		{ "x86_64 mem=256M cpus=1 isolate_metadata=1", 1, 1 },
		{ "x86_64 mem=256M cpus=5 isolate_metadata=1", 1, 5 },
		{ "x86_64 mem=1G cpus=6 nodes=3 isolate_metadata=1", 3, 6 },
	};
	struct machine *m, *other;
	struct kmem_cache *s;
	unsigned int i;
	uint64_t one;

	for (i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		unsigned int nodes = machines[i].nodes, cpus = machines[i].cpus;

		m = test_boot(machines[i].text);
		s = kmem_cache_create("sized", 700, 0, 0, NULL);
		assert_int_equal(kmem_management_bytes(NULL, nodes, cpus),
				 test_stats().management_bytes);
		one = kmem_management_bytes(s, nodes, cpus);
		assert_true(one > 0 && one < test_stats().management_bytes + backend_is("slob"));
		if (backend_is("slob"))
			assert_int_equal(kmem_management_bytes(s, 64, 64), one);
		else
			assert_true(kmem_management_bytes(s, 64, 64) > one);
		/* a square in the nodes for SLAB alone */
		assert_int_equal(kmem_management_bytes(s, 1024, 1024) > 50u << 20, backend_is("slab"));
		kmem_cache_destroy(s);
		test_shutdown(m, 0);
	}
	m = test_boot(PLAIN);
	s = kmem_cache_create("stranger", 700, 0, 0, NULL);
	other = test_boot(PLAIN);
	assert_int_equal(kmem_management_bytes(s, 1, 1), 0);
	expect_report(MACHINE_WARN, "no cache of this machine");
	test_shutdown(other, 0);
	assert_int_equal(machine_enter(m), 0);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void validated(void **state)
{
	static const slab_flags_t flags[] = {0, SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE |
					     SLAB_POISON | SLAB_STORE_USER};
	struct machine *m = test_boot(PLAIN);

	for (int i = 0; i < 2; i++) {
		struct kmem_cache *s = kmem_cache_create("looked-at", 100, 0, flags[i], NULL);
		void *p[50];
		long n;

		for (int j = 0; j < 50; j++)
			assert_non_null(p[j] = kmem_cache_alloc(s, GFP_KERNEL));
		kmem_cache_free_bulk(s, 25, p);
		n = kmem_cache_validate(s);
		assert_in_range(n, 1, backend_is("slob") ? 8 : 4);
		expect_no_reports();
		kmem_cache_free_bulk(s, 25, p + 25);
		kmem_cache_destroy(s);
	}
	test_shutdown(m, 0);
}

static void an_object_in_the_log(void **state)
{
	struct machine *m = test_boot(PLAIN NOMERGE);
	struct kmem_cache *s = kmem_cache_create("dumped", 104, 8, 0, NULL);
	char *p = kmem_cache_alloc(s, GFP_KERNEL), *large = kmalloc(100000, GFP_KERNEL);
	char line[200];

	assert_true(kmem_valid_obj(p + 7));
	assert_false(kmem_valid_obj(large));
	assert_false(kmem_valid_obj(&p));
	assert_false(kmem_valid_obj(NULL));
	kmem_dump_obj(p + 7);
	snprintf(line, sizeof(line), "slab dumped start %llx pointer offset 7 size 104",
		 (unsigned long long)ptr_to_kva(p));
	if (!test_debugging())
		assert_string_equal(test_state.last_log, backend_is("slob") ? "slab" : line);
	expect_no_reports();
	kmem_dump_obj(large);
	expect_report(MACHINE_WARN, "is in no slab");
	kmem_dump_obj(&p);
	expect_report(MACHINE_WARN, "is in no slab");
	kfree(large);
	kmem_cache_free(s, p);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void validating_what_is_no_cache_here(void **state)
{
	struct machine *first = test_boot(PLAIN), *second;
	struct kmem_cache *s = kmem_cache_create("elsewhere", 100, 0, 0, NULL);

	second = test_boot(PLAIN);
	assert_int_equal(kmem_cache_validate(s), -ENODEV);
	expect_report(MACHINE_BUG, "is no cache of this machine");
	test_shutdown(second, 0);
	assert_int_equal(machine_enter(first), 0);
	kmem_cache_destroy(s);
	test_shutdown(first, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(slabinfo_has_the_kernels_form),
	cmocka_unit_test(slabinfo_lists_the_newest_first),
	cmocka_unit_test(slabinfo_counts),
	cmocka_unit_test(text_is_cut_to_the_buffer),
	cmocka_unit_test(slab_events_match_the_counters),
	cmocka_unit_test(counters),
	cmocka_unit_test(failures_are_counted),
	cmocka_unit_test(management_bytes_grow_with_caches),
	cmocka_unit_test(lookups),
	cmocka_unit_test(proc_files_read_the_same_both_ways),
	cmocka_unit_test(tunables_are_written_to_slabinfo),
	cmocka_unit_test(management_bytes_by_size),
	cmocka_unit_test(validated),
	cmocka_unit_test(an_object_in_the_log),
	cmocka_unit_test(validating_what_is_no_cache_here),
};
TEST_GROUP(inspect, tests);
