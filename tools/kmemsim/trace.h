/* SPDX-License-Identifier: MIT */
/*
 * Recorded traces of the kernel's kmem tracepoints, from file to events that can be performed.
 *
 *	file ─lines.c▶ lines ─trace_csv.c▶ rows ─resolve.c▶ events ─event_store.c▶ replay_exec.c
 *
 * A row is what the trace says. An event is what will be done: frees of NULL and of unknown objects
 * are gone (counted), an allocation that returns a live id is preceded by the free that the trace
 * lacks, and objects live in slots 0…n-1 of a dense table. A trace is resolved to its end before
 * its first event is performed, so that a bad line is found in time, all caches can be made first,
 * and the number of operations is known.
 */
#ifndef KMEMSIM_TRACE_H
#define KMEMSIM_TRACE_H

#include "kmemsim.h"

#include <kmem/types.h>

/* --- lines.c: lines of a plain or zstd-compressed file, streamed ----------------------------- */

struct lines;

/* Dies if @path cannot be read. */
struct lines *lines_open(const char *path);

/*
 * The next line without its end; it may be changed, and lives until the next call. NULL at the end.
 * Dies on a read error, damaged or truncated compressed data, and on an overlong line.
 */
char *lines_next(struct lines *l, size_t *len);

unsigned long lines_number(const struct lines *l);	/* of the line last returned */
const char *lines_path(const struct lines *l);
void lines_progress(const struct lines *l);		/* update the progress bar */
void lines_close(struct lines *l);

/* --- names.c: strings to small numbers ------------------------------------------------------- */

struct names;

struct names *names_new(void);
unsigned int names_intern(struct names *n, const char *text, size_t len);
const char *names_text(const struct names *n, unsigned int i);
unsigned int names_count(const struct names *n);
void names_free(struct names *n);

/* --- rows: trace_reader.c finds the format, trace_csv.c reads one of them -------------------- */

enum trace_op {
	TRACE_ALLOC, TRACE_FREE, TRACE_KMALLOC, TRACE_KFREE, TRACE_PAGE_ALLOC, TRACE_PAGE_FREE,
	NR_TRACE_OPS
};

#define TRACE_ID_NULL 0		/* the pointer was NULL */
#define TRACE_ID_UNKNOWN (-1)	/* freed, but its allocation is not in the trace */
#define TRACE_ID_MAX (UINT32_MAX - 1)
#define TRACE_CPU_MAX 4095

struct trace_row {
	enum trace_op op;
	unsigned int cpu;
	int64_t id;		/* 1 … TRACE_ID_MAX, or one of the two above */
	unsigned int cache;	/* number of the name; of TRACE_ALLOC */
	uint64_t bytes_req;	/* allocations of objects */
	gfp_t gfp;		/* allocations */
	unsigned int order;	/* page events */
};

struct trace_reader;

/*
 * @format: "auto", "csv", "ftrace", "perf"; dies on one that is unknown or not read yet.
 * @caches receives the names that rows give numbers of; it stays the caller's.
 */
struct trace_reader *trace_open(const char *path, const char *format, struct names *caches);
bool trace_next(struct trace_reader *t, struct trace_row *row);
void trace_close(struct trace_reader *t);

/* The csv form. Dies on a line that is not one. */
struct csv_state;
bool csv_is_header(const char *line);
struct csv_state *csv_new(struct names *caches);
void csv_parse(struct csv_state *c, struct lines *l, char *line, struct trace_row *row);
void csv_free(struct csv_state *c);

/* --- caches_csv.c: the machine's caches ------------------------------------------------------ */

struct cache_info {
	char *name;
	unsigned int object_size;
	unsigned int align;	/* 0 where hwcache_align */
	bool hwcache_align;
	bool reclaim_account;
	bool ctor;
};

struct caches_file {
	struct cache_info *caches;
	size_t nr;
};

void caches_load(struct caches_file *f, const char *path);
const struct cache_info *caches_find(const struct caches_file *f, const char *name);
void caches_unload(struct caches_file *f);

/* --- events ---------------------------------------------------------------------------------- */

enum event_op {
	EVENT_ALLOC, EVENT_FREE, EVENT_KMALLOC, EVENT_KFREE, EVENT_PAGE_ALLOC, EVENT_PAGE_FREE
};

struct event {
	uint32_t slot;
	uint32_t size;		/* EVENT_KMALLOC: bytes */
	gfp_t gfp;		/* EVENT_KMALLOC, EVENT_PAGE_ALLOC */
	uint16_t cache;		/* EVENT_ALLOC, EVENT_FREE */
	uint16_t cpu;
	uint8_t op;
	uint8_t order;		/* of page events */
	bool new_size;		/* first kmalloc of this size: ask ksize */
	bool failed;		/* set when performed: the allocation gave NULL */
};

#define EVENT_BATCH 4096

/* --- event_store.c: a long list of events, in memory and then in a temporary file ------------ */

struct event_store;

struct event_store *store_new(void);
void store_add(struct event_store *s, const struct event *e);
uint64_t store_count(const struct event_store *s);
/* The next batch into @buf (room for EVENT_BATCH); 0 at the end. The first call ends the adding. */
size_t store_next(struct event_store *s, struct event *buf);
void store_free(struct event_store *s);

/* --- idmap.c: what a trace's ids stand for --------------------------------------------------- */

enum id_kind { ID_DEAD, ID_CACHE_OBJECT, ID_KMALLOC, ID_PAGES };

struct id_entry {
	uint32_t slot;
	uint16_t cache;
	uint8_t kind;		/* enum id_kind */
	uint8_t order;		/* ID_PAGES */
	uint64_t bytes;		/* requested */
};

struct idmap;

struct idmap *idmap_new(void);
struct id_entry *idmap_at(struct idmap *m, uint32_t id);
void idmap_free(struct idmap *m);

/* --- resolve.c ------------------------------------------------------------------------------- */

/* A cache that the trace allocates from; in order of first use. */
struct trace_cache {
	const char *name;
	uint64_t max_bytes_req;
};

struct resolved_trace {
	struct event_store *events;
	struct trace_cache *caches;
	unsigned int nr_caches;
	uint32_t nr_slots;
	unsigned int nr_cpus;		/* 1 + largest CPU */
	uint64_t object_ops;		/* events that are no page events */
	uint64_t rows;
	uint64_t rows_by_op[NR_TRACE_OPS];
	uint64_t page_rows_skipped;	/* objects only */
	uint64_t null_frees;
	uint64_t null_allocs;
	uint64_t unknown_frees;		/* of objects */
	uint64_t unknown_page_frees;
	uint64_t implied_frees;		/* an allocation returned a live id */
	uint64_t order_mismatches;	/* blocks freed with another order than taken */
	uint64_t peak_need;		/* bytes that objects and pages need at most, roughly */
	double seconds;			/* reading, parsing, resolving */
	struct names *names;		/* backs the names */
};

/* Reads @path to its end. */
void trace_resolve(struct resolved_trace *r, const char *path, const char *format,
		   bool objects_only);
void trace_resolved_free(struct resolved_trace *r);

uint64_t clock_ns(void);

#endif
