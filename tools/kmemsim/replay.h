/* SPDX-License-Identifier: MIT */
/* A replay: what was asked, what it measured. */
#ifndef KMEMSIM_REPLAY_H
#define KMEMSIM_REPLAY_H

#include "sim.h"
#include "trace.h"

#include <kmem/mm.h>

struct replay_options {
	struct common_options *common;
	const char *trace;
	const char *format;
	const char *caches;	/* --caches FILE; NULL: sizes from the trace */
	bool objects_only;
	bool one_cpu;
	unsigned long samples;	/* 0: none */
	bool csv;
	const char *trace_out;	/* --trace-out FILE */
};

#define REPLAY_LOG_LEVEL 4	/* warnings and worse */

/* One row of --samples; `pages` are counted from the start of the replay. */
struct sample {
	uint64_t ops;
	uint64_t live_objs;
	uint64_t req_bytes;
	uint64_t pages;
	uint64_t peak_pages;
};

/* External fragmentation index of a zone, per order, in thousandths; -1000: no shortage. */
struct zone_extfrag {
	int node;
	char zone[16];
	int index[MAX_ORDER];
};

struct metrics {
	uint64_t events;		/* performed */
	uint64_t exec_ns;		/* inside allocator calls */
	uint64_t failures;		/* object allocations that gave NULL */
	unsigned int caches_unlisted;	/* made without a line in the caches file */

	/* Objects. Requested bytes are object sizes and kmalloc's arguments; live bytes what the
	 * allocator set aside for them. The peak is that of requested bytes. */
	uint64_t objs, req_bytes, live_bytes;			/* at the end */
	uint64_t peak_objs, peak_req_bytes, peak_live_bytes;	/* at the peak */
	uint64_t pages, peak_pages;	/* held by the small-object layer since the start */
	uint64_t slabs;
	uint64_t management_bytes;
	uint64_t page_allocs[MAX_ORDER];	/* successful calls of the small-object layer */

	/* Page events. */
	uint64_t event_allocs[MAX_ORDER];
	uint64_t event_frees;
	uint64_t event_failures;
	uint64_t event_pages, event_peak_pages;	/* held */

	struct zone_extfrag *extfrag;	/* at the end, before what is left was freed */
	size_t nr_extfrag;
	struct sample *samples;		/* the last one is the end */
	size_t nr_samples;
};

/* replay_exec.c: performs @trace on the entered machine, frees what it left, fills @m. */
void replay_execute(struct metrics *m, const struct replay_options *o,
		    const struct resolved_trace *trace, const struct caches_file *caches);
void metrics_free(struct metrics *m);

/* trace_out.c: the events of a replay into a file; around each, row() and row_done(). */
struct trace_out;
struct trace_out *trace_out_begin(const char *path);
void trace_out_row(struct trace_out *o, bool is_alloc);
void trace_out_row_done(struct trace_out *o);
void trace_out_end(struct trace_out *o);

/* extfrag.c: from the text "buddyinfo". */
void extfrag_read(struct metrics *m);
bool extfrag_short(const struct zone_extfrag *z);	/* some order cannot be served */

/* Derived figures; NAN where they mean nothing. */
double metrics_ns_per_event(const struct metrics *m);
/* Pages at most × 4096 / requested bytes at the peak. */
double metrics_overhead(const struct metrics *m);
/* At the peak, 0 … 1. */
double metrics_internal_fragmentation(const struct metrics *m);

/* replay_report.c */
void report_samples_csv(const struct metrics *m);
void report_json(const struct metrics *m, const struct replay_options *o,
		 const struct resolved_trace *trace, const struct machine_desc *desc);
void report_text(const struct metrics *m, const struct replay_options *o,
		 const struct resolved_trace *trace, const struct machine_desc *desc);

#endif
