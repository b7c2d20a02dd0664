/* SPDX-License-Identifier: MIT */
/*
 * Recorded traces of the kernel's kmem tracepoints, from file to events that can be performed.
 *
 *	file ─source.c▶ bytes ─lines.c▶ lines ─trace_reader.c▶ rows ─resolve.c▶ events
 *	events ─event_store.c▶ replay_exec.c
 *
 * Lines are made on a second thread while rows are parsed and resolved on the first. trace_reader.c
 * finds the form that a trace has; trace_csv.c, trace_ftrace.c and trace_perf.c read one each, the
 * last two with trace_event.c, since they print the same events behind different prefixes.
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

/* --- source.c: the bytes of a plain or zstd-compressed file ---------------------------------- */

struct source;

#define SOURCE_TROUBLE 128

/* Dies if @path cannot be read. */
struct source *source_open(const char *path);

/* Up to @size bytes; 0 at the end, or when @trouble says why there are no more. Never dies: it runs
 * on a thread that does not know which line the reader is at. */
size_t source_read(struct source *s, char *buf, size_t size, char trouble[SOURCE_TROUBLE]);

/* Bytes of the file: read so far (from any thread), all of them (0: not known). */
uint64_t source_done(const struct source *s);
uint64_t source_size(const struct source *s);
void source_close(struct source *s);

/* --- lines.c: lines of a file, read ahead ---------------------------------------------------- */

struct lines;

#define LINES_SLACK 16

/* Dies if @path cannot be read. */
struct lines *lines_open(const char *path);

/*
 * The next line without its end; it may be changed, and lives until the next call. NULL at the end.
 * LINES_SLACK bytes behind it can be read. Dies on a read error, damaged or truncated compressed
 * data, and on an overlong line.
 */
char *lines_next(struct lines *l, size_t *len);

unsigned long lines_number(const struct lines *l);	/* of the line last returned */
bool lines_unended(const struct lines *l);		/* it was the last and had no end */
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

/* --- rows: trace_reader.c --------------------------------------------------------------------- */

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
 * @format: "auto", "csv", "ftrace", "perf"; dies on one that is unknown.
 * @caches receives the names that rows give numbers of; it stays the caller's.
 */
struct trace_reader *trace_open(const char *path, const char *format, struct names *caches);

/* False at the end. Dies on a line that is wrong. */
bool trace_next(struct trace_reader *t, struct trace_row *row);

/* A trace that ended without a row: says so, and dies. */
void trace_die_empty(const struct trace_reader *t) __attribute__((noreturn));

/* What a trace in text held besides rows. */
struct trace_others {
	struct names *names;	/* events that were skipped, by name; NULL: the form has none */
	uint64_t *counts;	/* of each name */
	uint64_t skipped;	/* their sum */
	uint64_t lost;		/* events that the recording lost, as it says itself */
};

/* Moved to the caller, who ends it. */
struct trace_others trace_take_others(struct trace_reader *t);
void trace_others_free(struct trace_others *o);

void trace_close(struct trace_reader *t);

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

/* --- numbers.c: small numbers, given back and used again ------------------------------------- */

struct numbers {
	uint32_t *given_back;	/* a stack */
	uint32_t nr_given_back;
	uint32_t capacity;
	uint32_t next;		/* never taken: this and above */
};

uint32_t numbers_take(struct numbers *n);	/* from 0 */
void numbers_give(struct numbers *n, uint32_t number);
void numbers_free(struct numbers *n);

/* --- idmap.c: what a trace's ids stand for --------------------------------------------------- */

enum id_kind { ID_DEAD, ID_CACHE_OBJECT, ID_KMALLOC, ID_PAGES };

struct id_entry {
	uint32_t slot;
	uint32_t bytes;		/* requested */
	uint16_t cache;
	uint8_t kind;		/* enum id_kind */
	uint8_t order;		/* ID_PAGES */
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
	struct trace_others others;
	uint64_t peak_need;		/* bytes that objects and pages need at most, roughly */
	double seconds;			/* reading, parsing, resolving */
	struct names *names;		/* backs the names */
};

/* Reads @path to its end. */
void trace_resolve(struct resolved_trace *r, const char *path, const char *format,
		   bool objects_only);
void trace_resolved_free(struct resolved_trace *r);

#endif
