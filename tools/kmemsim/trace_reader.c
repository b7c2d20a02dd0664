/* SPDX-License-Identifier: MIT */
/* Which form a trace has, and its rows whatever the form. */
#include "trace.h"

#include <stdlib.h>
#include <string.h>

struct trace_reader {
	struct lines *lines;
	struct csv_state *csv;
};

enum format { FORMAT_CSV, FORMAT_FTRACE, FORMAT_PERF, FORMAT_UNKNOWN };

static enum format format_named(const char *name)
{
	if (!strcmp(name, "csv"))
		return FORMAT_CSV;
	if (!strcmp(name, "ftrace"))
		return FORMAT_FTRACE;
	if (!strcmp(name, "perf"))
		return FORMAT_PERF;
	die("--format: '%s' is none of auto, ftrace, perf, csv", name);
}

/* By the first line: perf writes "kmem:" before an event's name, ftrace begins with "# tracer:". */
static enum format format_of(const char *line)
{
	if (csv_is_header(line) || !strncmp(line, "seq,", 4))
		return FORMAT_CSV;
	if (strstr(line, " kmem:"))
		return FORMAT_PERF;
	if (!strncmp(line, "# tracer:", 9) || (strchr(line, '[') && strstr(line, ": ")))
		return FORMAT_FTRACE;
	return FORMAT_UNKNOWN;
}

static void open_csv(struct trace_reader *t, const char *header, struct names *caches)
{
	if (!csv_is_header(header))
		die_at(lines_path(t->lines), 1,
		       "not the header of a csv trace (seq,time_ns,cpu,tid,op,cache,…)");
	t->csv = csv_new(caches);
}

struct trace_reader *trace_open(const char *path, const char *format, struct names *caches)
{
	enum format named = strcmp(format, "auto") ? format_named(format) : FORMAT_UNKNOWN;
	struct trace_reader *t;
	char *first;
	size_t len;

	if (named == FORMAT_FTRACE || named == FORMAT_PERF)
		die("--format %s: this version reads csv only", format);
	t = xcalloc(1, sizeof(*t));
	t->lines = lines_open(path);
	first = lines_next(t->lines, &len);
	if (!first)
		die_at(path, 0, "an empty file");
	switch (named == FORMAT_UNKNOWN ? format_of(first) : named) {
	case FORMAT_CSV:
		open_csv(t, first, caches);
		return t;
	case FORMAT_FTRACE:
		die_at(path, 1, "this is ftrace text: this version reads csv only");
	case FORMAT_PERF:
		die_at(path, 1, "this is perf script text: this version reads csv only");
	default:
		die_at(path, 1, "no trace: neither csv, ftrace nor perf script text");
	}
}

bool trace_next(struct trace_reader *t, struct trace_row *row)
{
	size_t len;
	char *line = lines_next(t->lines, &len);

	if (!line)
		return false;
	if (strlen(line) != len)
		die_at(lines_path(t->lines), lines_number(t->lines), "a NUL byte: this is no text");
	csv_parse(t->csv, t->lines, line, row);
	if (lines_number(t->lines) % EVENT_BATCH == 0)
		lines_progress(t->lines);
	return true;
}

void trace_close(struct trace_reader *t)
{
	csv_free(t->csv);
	lines_close(t->lines);
	free(t);
}
