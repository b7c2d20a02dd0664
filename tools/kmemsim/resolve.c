/* SPDX-License-Identifier: MIT */
/*
 * From rows to events: the rules for reading a trace (docs/kmemsim.md).
 *
 * The trace's id space is one for objects and blocks of pages. Each live id has a slot of the table
 * in which the replay keeps its pointers; a slot is used again once its object is dead, so that
 * table is as large as the largest number of live things, not as the trace.
 */
#include "trace.h"

#include <stdlib.h>
#include <string.h>

#define NO_CACHE UINT16_MAX

struct resolver {
	struct resolved_trace *out;
	bool objects_only;
	struct idmap *ids;
	struct numbers slots;
	uint16_t *cache_of_name;	/* place in out->caches, NO_CACHE: not used yet */
	unsigned int nr_names;
	bool *size_seen;		/* of kmalloc, by bytes, up to SIZES_SEEN */
	uint64_t need;			/* bytes now */
};

/* ksize() is asked once for each size below this; larger ones are whole pages. */
#define SIZES_SEEN 8193

/* --- caches ---------------------------------------------------------------------------------- */

static uint16_t cache_used(struct resolver *r, unsigned int name, uint64_t bytes_req)
{
	struct resolved_trace *out = r->out;
	struct trace_cache *c;

	while (r->nr_names <= name) {
		r->cache_of_name = xrealloc(r->cache_of_name, r->nr_names + 1,
					    sizeof(*r->cache_of_name));
		r->cache_of_name[r->nr_names++] = NO_CACHE;
	}
	if (r->cache_of_name[name] == NO_CACHE) {
		if (out->nr_caches == NO_CACHE)
			die("more than %d caches in one trace", NO_CACHE);
		out->caches = xrealloc(out->caches, out->nr_caches + 1, sizeof(*out->caches));
		/* texts stay where they are while names are added */
		out->caches[out->nr_caches] = (struct trace_cache){names_text(out->names, name), 0};
		r->cache_of_name[name] = (uint16_t)out->nr_caches++;
	}
	c = &out->caches[r->cache_of_name[name]];
	if (bytes_req > c->max_bytes_req)
		c->max_bytes_req = bytes_req;
	return r->cache_of_name[name];
}

/* --- events ---------------------------------------------------------------------------------- */

static void emit(struct resolver *r, struct event *e)
{
	if (e->op != EVENT_PAGE_ALLOC && e->op != EVENT_PAGE_FREE)
		r->out->object_ops++;
	store_add(r->out->events, e);
}

static void kill_id(struct resolver *r, struct id_entry *id, unsigned int cpu)
{
	static const uint8_t ops[] = {
		[ID_CACHE_OBJECT] = EVENT_FREE,
		[ID_KMALLOC] = EVENT_KFREE,
		[ID_PAGES] = EVENT_PAGE_FREE,
	};
	struct event e = {
		.slot = id->slot,
		.cache = id->cache,
		.cpu = (uint16_t)cpu,
		.op = ops[id->kind],
		.order = id->order,
	};

	emit(r, &e);
	r->need -= id->bytes;
	id->kind = ID_DEAD;
	numbers_give(&r->slots, id->slot);
}

static bool is_new_size(struct resolver *r, uint64_t bytes)
{
	if (bytes >= SIZES_SEEN)
		return true;
	if (r->size_seen[bytes])
		return false;
	r->size_seen[bytes] = true;
	return true;
}

static void allocate(struct resolver *r, const struct trace_row *row)
{
	struct id_entry *id;
	struct event e = {.cpu = (uint16_t)row->cpu, .gfp = row->gfp};

	if (row->id == TRACE_ID_NULL) {
		r->out->null_allocs++;
		return;
	}
	id = idmap_at(r->ids, (uint32_t)row->id);
	if (id->kind != ID_DEAD) {
		r->out->implied_frees++;
		kill_id(r, id, row->cpu);
	}
	*id = (struct id_entry){.slot = numbers_take(&r->slots), .bytes = (uint32_t)row->bytes_req};
	e.slot = id->slot;
	switch (row->op) {
	case TRACE_ALLOC:
		id->kind = ID_CACHE_OBJECT;
		id->cache = cache_used(r, row->cache, row->bytes_req);
		e.op = EVENT_ALLOC;
		e.cache = id->cache;
		break;
	case TRACE_KMALLOC:
		id->kind = ID_KMALLOC;
		e.op = EVENT_KMALLOC;
		e.size = (uint32_t)row->bytes_req;
		e.new_size = is_new_size(r, row->bytes_req);
		break;
	default:
		id->kind = ID_PAGES;
		id->order = (uint8_t)row->order;
		id->bytes = (uint32_t)PAGE_SIZE << row->order;
		e.op = EVENT_PAGE_ALLOC;
		e.order = (uint8_t)row->order;
	}
	emit(r, &e);
	r->need += id->bytes;
	if (r->need > r->out->peak_need)
		r->out->peak_need = r->need;
}

/* The id says how it was allocated; the op of the free does not (kfree frees any object). */
static void release(struct resolver *r, const struct trace_row *row)
{
	bool pages = row->op == TRACE_PAGE_FREE;
	struct id_entry *id;

	if (row->id == TRACE_ID_NULL) {
		r->out->null_frees++;
		return;
	}
	id = row->id == TRACE_ID_UNKNOWN ? NULL : idmap_at(r->ids, (uint32_t)row->id);
	if (!id || id->kind == ID_DEAD || (id->kind == ID_PAGES) != pages) {
		if (pages)
			r->out->unknown_page_frees++;
		else
			r->out->unknown_frees++;
		return;
	}
	if (pages && id->order != row->order)
		r->out->order_mismatches++;
	kill_id(r, id, row->cpu);
}

static void resolve_row(struct resolver *r, const struct trace_row *row)
{
	bool pages = row->op == TRACE_PAGE_ALLOC || row->op == TRACE_PAGE_FREE;

	r->out->rows++;
	r->out->rows_by_op[row->op]++;
	if (row->cpu >= r->out->nr_cpus)
		r->out->nr_cpus = row->cpu + 1;
	if (pages && r->objects_only) {
		r->out->page_rows_skipped++;
		return;
	}
	if (row->op == TRACE_FREE || row->op == TRACE_KFREE || row->op == TRACE_PAGE_FREE)
		release(r, row);
	else
		allocate(r, row);
}

void trace_resolve(struct resolved_trace *out, const char *path, const char *format,
		   bool objects_only)
{
	struct resolver r = {.out = out, .objects_only = objects_only};
	uint64_t start = clock_ns();
	struct trace_reader *reader;
	struct trace_row row = {0};

	memset(out, 0, sizeof(*out));
	out->names = names_new();
	out->events = store_new();
	r.ids = idmap_new();
	r.size_seen = xcalloc(SIZES_SEEN, sizeof(*r.size_seen));
	progress_begin("reading");
	reader = trace_open(path, format, out->names);
	while (trace_next(reader, &row))
		resolve_row(&r, &row);
	progress_end();
	if (!out->rows)
		trace_die_empty(reader);
	out->others = trace_take_others(reader);
	trace_close(reader);
	out->nr_slots = r.slots.next;
	idmap_free(r.ids);
	free(r.size_seen);
	numbers_free(&r.slots);
	free(r.cache_of_name);
	out->seconds = (double)(clock_ns() - start) / 1e9;
}

void trace_resolved_free(struct resolved_trace *out)
{
	store_free(out->events);
	free(out->caches);
	trace_others_free(&out->others);
	names_free(out->names);
	memset(out, 0, sizeof(*out));
}
