/* SPDX-License-Identifier: MIT */
/* A replay's figures as text, JSON or csv. */
#include "json.h"
#include "replay.h"
#include "table.h"

#include <math.h>
#include <string.h>

static const char *const row_names[NR_TRACE_OPS] = {
	[TRACE_ALLOC] = "alloc",
	[TRACE_FREE] = "free",
	[TRACE_KMALLOC] = "kmalloc",
	[TRACE_KFREE] = "kfree",
	[TRACE_PAGE_ALLOC] = "page_alloc",
	[TRACE_PAGE_FREE] = "page_free",
};

static double ratio(double a, double b)
{
	return b > 0 ? a / b : NAN;
}

double metrics_ns_per_event(const struct metrics *m)
{
	return ratio((double)m->exec_ns, (double)m->events);
}

double metrics_overhead(const struct metrics *m)
{
	return ratio((double)m->peak_pages * (double)PAGE_SIZE, (double)m->peak_req_bytes);
}

double metrics_internal_fragmentation(const struct metrics *m)
{
	return 1 - ratio((double)m->peak_req_bytes, (double)m->peak_live_bytes);
}

static double read_ns_per_row(const struct resolved_trace *t)
{
	return ratio(t->seconds * 1e9, (double)t->rows);
}

static unsigned long long llu(uint64_t n)
{
	return n;
}

void report_samples_csv(const struct metrics *m)
{
	puts("ops,live_objs,req_bytes,pages,peak_pages");
	for (size_t i = 0; i < m->nr_samples; i++) {
		const struct sample *s = &m->samples[i];

		printf("%llu,%llu,%llu,%llu,%llu\n", llu(s->ops), llu(s->live_objs),
		       llu(s->req_bytes), llu(s->pages), llu(s->peak_pages));
	}
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void json_orders(struct json_writer *w, const char *key, const uint64_t *by_order)
{
	json_begin_flat(w, key, '[');
	for (unsigned int o = 0; o < MAX_ORDER; o++)
		json_uint(w, NULL, by_order[o]);
	json_end(w, ']');
}

static void json_trace(struct json_writer *w, const struct resolved_trace *t)
{
	json_uint(w, "rows", t->rows);
	json_begin_flat(w, "rows_by_op", '{');
	for (unsigned int i = 0; i < NR_TRACE_OPS; i++)
		json_uint(w, row_names[i], t->rows_by_op[i]);
	json_end(w, '}');
	json_uint(w, "page_rows_skipped", t->page_rows_skipped);
	json_uint(w, "frees_of_null", t->null_frees);
	json_uint(w, "allocations_of_null", t->null_allocs);
	json_uint(w, "frees_of_unknown_objects", t->unknown_frees);
	json_uint(w, "frees_of_unknown_pages", t->unknown_page_frees);
	json_uint(w, "implied_frees", t->implied_frees);
	json_uint(w, "page_frees_of_other_order", t->order_mismatches);
	json_uint(w, "events_skipped", t->others.skipped);
	json_begin_flat(w, "skipped_by_name", '{');
	for (unsigned int i = 0; t->others.names && i < names_count(t->others.names); i++)
		json_uint(w, names_text(t->others.names, i), t->others.counts[i]);
	json_end(w, '}');
	json_uint(w, "events_lost", t->others.lost);
	json_number(w, "read_seconds", t->seconds, 6);
	json_number(w, "read_ns_per_row", read_ns_per_row(t), 2);
}

static void json_pages_events(struct json_writer *w, const struct metrics *m)
{
	json_begin(w, "page_events", '{');
	json_orders(w, "allocations", m->event_allocs);
	json_uint(w, "frees", m->event_frees);
	json_uint(w, "failures", m->event_failures);
	json_uint(w, "pages", m->event_pages);
	json_uint(w, "peak_pages", m->event_peak_pages);
	json_end(w, '}');
}

static void json_extfrag(struct json_writer *w, const struct metrics *m)
{
	json_begin(w, "extfrag_index", '[');
	for (size_t i = 0; i < m->nr_extfrag; i++) {
		const struct zone_extfrag *z = &m->extfrag[i];

		json_begin_flat(w, NULL, '{');
		json_uint(w, "node", (uint64_t)z->node);
		json_string(w, "zone", z->zone);
		json_begin(w, "by_order", '[');
		for (unsigned int o = 0; o < MAX_ORDER; o++)
			json_number(w, NULL, z->index[o] / 1000.0, 3);
		json_end(w, ']');
		json_end(w, '}');
	}
	json_end(w, ']');
}

static void json_samples(struct json_writer *w, const struct metrics *m)
{
	json_begin(w, "samples", '[');
	for (size_t i = 0; i < m->nr_samples; i++) {
		const struct sample *s = &m->samples[i];

		json_begin_flat(w, NULL, '{');
		json_uint(w, "ops", s->ops);
		json_uint(w, "live_objs", s->live_objs);
		json_uint(w, "req_bytes", s->req_bytes);
		json_uint(w, "pages", s->pages);
		json_uint(w, "peak_pages", s->peak_pages);
		json_end(w, '}');
	}
	json_end(w, ']');
}

void report_json(const struct metrics *m, const struct replay_options *o,
		 const struct resolved_trace *trace, const struct machine_desc *desc)
{
	struct json_writer w = {.out = stdout};

	json_begin(&w, NULL, '{');
	json_string(&w, "trace", o->trace);
	json_string(&w, "backend", machine_backend());
	json_uint(&w, "cpus", desc->cpus);
	json_bool(&w, "objects_only", o->objects_only);
	json_bool(&w, "one_cpu", o->one_cpu);
	if (o->caches)
		json_string(&w, "caches_file", o->caches);
	json_uint(&w, "caches", trace->nr_caches);
	json_uint(&w, "caches_sized_by_trace", m->caches_unlisted);
	json_trace(&w, trace);
	json_uint(&w, "events", m->events);
	json_number(&w, "ns_per_event", metrics_ns_per_event(m), 2);
	json_uint(&w, "failures", m->failures);
	json_uint(&w, "objs", m->objs);
	json_uint(&w, "req_bytes", m->req_bytes);
	json_uint(&w, "live_bytes", m->live_bytes);
	json_uint(&w, "pages", m->pages);
	json_uint(&w, "peak_objs", m->peak_objs);
	json_uint(&w, "peak_req_bytes", m->peak_req_bytes);
	json_uint(&w, "peak_live_bytes", m->peak_live_bytes);
	json_uint(&w, "peak_pages", m->peak_pages);
	json_number(&w, "overhead", metrics_overhead(m), 4);
	json_number(&w, "internal_fragmentation", metrics_internal_fragmentation(m), 4);
	json_uint(&w, "slabs", m->slabs);
	json_uint(&w, "management_bytes", m->management_bytes);
	json_orders(&w, "page_allocs_by_order", m->page_allocs);
	json_pages_events(&w, m);
	json_extfrag(&w, m);
	if (o->samples)
		json_samples(&w, m);
	json_end(&w, '}');
}

/* --- text ------------------------------------------------------------------------------------ */

static void line(const char *name)
{
	printf("%-24s", name);
}

static void text_orders(const char *name, const uint64_t *by_order)
{
	bool any = false;

	line(name);
	for (unsigned int o = 0; o < MAX_ORDER; o++) {
		if (!by_order[o])
			continue;
		printf("%sorder %u: %llu", any ? ", " : "", o, llu(by_order[o]));
		any = true;
	}
	puts(any ? "" : "none");
}

/* Nothing of a form that holds rows only. */
static void text_others(const struct trace_others *o)
{
	if (!o->skipped)
		return;
	line("skipped");
	printf("%llu events (", llu(o->skipped));
	for (unsigned int i = 0; i < names_count(o->names); i++)
		printf("%s%llu %s", i ? ", " : "", llu(o->counts[i]), names_text(o->names, i));
	puts(")");
}

static void text_trace(const struct replay_options *o, const struct resolved_trace *t)
{
	line("trace");
	printf("%s: %llu rows (", o->trace, llu(t->rows));
	for (unsigned int i = 0; i < NR_TRACE_OPS; i++)
		printf("%s%llu %s", i ? ", " : "", llu(t->rows_by_op[i]), row_names[i]);
	puts(")");
	line("not performed");
	printf("%llu frees of NULL, %llu of unknown objects, %llu of unknown pages",
	       llu(t->null_frees), llu(t->unknown_frees), llu(t->unknown_page_frees));
	if (t->null_allocs)
		printf(", %llu allocations that gave NULL", llu(t->null_allocs));
	if (o->objects_only)
		printf(", %llu page events (--objects-only)", llu(t->page_rows_skipped));
	putchar('\n');
	line("added");
	printf("%llu frees that the trace lacks\n", llu(t->implied_frees));
	text_others(&t->others);
}

static void text_caches(const struct metrics *m, const struct replay_options *o,
			const struct resolved_trace *t)
{
	line("caches");
	printf("%u", t->nr_caches);
	if (!o->caches)
		printf(" (no caches file: object sizes are the trace's, alignment 0, no flags)");
	else if (m->caches_unlisted)
		printf(" (%u not in %s: object sizes are the trace's)", m->caches_unlisted,
		       o->caches);
	putchar('\n');
}

static void text_objects(const struct metrics *m)
{
	line("at the peak");
	printf("%llu objects, %llu bytes requested, %llu live\n", llu(m->peak_objs),
	       llu(m->peak_req_bytes), llu(m->peak_live_bytes));
	line("at the end");
	printf("%llu objects, %llu bytes requested, %llu live\n", llu(m->objs), llu(m->req_bytes),
	       llu(m->live_bytes));
	line("pages");
	printf("%llu at most, %llu at the end\n", llu(m->peak_pages), llu(m->pages));
	line("overhead");
	printf("%.3f (pages at most x %lu / bytes requested at the peak)\n", metrics_overhead(m),
	       PAGE_SIZE);
	line("internal fragmentation");
	printf("%.1f %% of the live bytes at the peak\n", 100 * metrics_internal_fragmentation(m));
	line("slabs");
	printf("%llu at the end\n", llu(m->slabs));
	line("management");
	printf("%llu bytes at the end\n", llu(m->management_bytes));
	line("failures");
	printf("%llu\n", llu(m->failures));
}

static void text_page_events(const struct metrics *m)
{
	text_orders("page events", m->event_allocs);
	line("");
	printf("%llu frees, %llu pages held at most, %llu at the end, %llu failures\n",
	       llu(m->event_frees), llu(m->event_peak_pages), llu(m->event_pages),
	       llu(m->event_failures));
}

static void text_extfrag(const struct metrics *m)
{
	bool any = false;

	for (size_t i = 0; i < m->nr_extfrag; i++) {
		const struct zone_extfrag *z = &m->extfrag[i];
		char name[48];

		if (!extfrag_short(z))
			continue;
		any = true;
		snprintf(name, sizeof(name), "extfrag node %d %s", z->node, z->zone);
		line(name);
		for (unsigned int o = 0; o < MAX_ORDER; o++)
			printf("%s%.3f", o ? " " : "", z->index[o] / 1000.0);
		putchar('\n');
	}
	if (any)
		return;
	line("extfrag index");
	puts("-1.000 for every order of every zone (all can be served)");
}

static void text_samples(const struct metrics *m)
{
	static const char *const columns[] = {
		"ops", "live_objs", "req_bytes", "pages", "peak_pages", NULL,
	};
	struct table *t = table_new(columns);

	for (size_t i = 0; i < m->nr_samples; i++) {
		const struct sample *s = &m->samples[i];

		table_cell(t, "%llu", llu(s->ops));
		table_cell(t, "%llu", llu(s->live_objs));
		table_cell(t, "%llu", llu(s->req_bytes));
		table_cell(t, "%llu", llu(s->pages));
		table_cell(t, "%llu", llu(s->peak_pages));
	}
	putchar('\n');
	table_print(t, stdout);
	table_free(t);
}

void report_text(const struct metrics *m, const struct replay_options *o,
		 const struct resolved_trace *trace, const struct machine_desc *desc)
{
	line("backend");
	printf("%s, %u CPU%s\n", machine_backend(), desc->cpus, desc->cpus == 1 ? "" : "s");
	text_trace(o, trace);
	text_caches(m, o, trace);
	line("events");
	printf("%llu performed, %.1f ns each\n", llu(m->events), metrics_ns_per_event(m));
	line("reading");
	printf("%.3f s, %.1f ns a row\n", trace->seconds, read_ns_per_row(trace));
	text_objects(m);
	text_orders("page allocator calls", m->page_allocs);
	if (!o->objects_only)
		text_page_events(m);
	text_extfrag(m);
	if (o->samples)
		text_samples(m);
}
