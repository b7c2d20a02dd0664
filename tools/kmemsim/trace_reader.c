/* SPDX-License-Identifier: MIT */
/* Which form a trace has, and its rows whatever the form. */
#include "trace_form.h"

#include <stdlib.h>
#include <string.h>

static const struct trace_form *const forms[] = {&csv_form, &ftrace_form, &perf_form};

/* NULL: "auto". */
static const struct trace_form *form_named(const char *name)
{
	if (!strcmp(name, "auto"))
		return NULL;
	for (unsigned int i = 0; i < ARRAY_SIZE(forms); i++)
		if (!strcmp(name, forms[i]->name))
			return forms[i];
	die("--format: '%s' is none of auto, ftrace, perf, csv", name);
}

static const struct trace_form *form_of(const char *line, size_t len)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(forms); i++)
		if (forms[i]->is(line, len))
			return forms[i];
	return NULL;
}

static void hold_next(struct trace_reader *t)
{
	t->held = lines_next(t->lines, &t->held_len);
}

/* By the first line that is neither empty nor a comment that any of them could have. */
static void detect_form(struct trace_reader *t)
{
	while (t->held && !t->form) {
		t->form = form_of(t->held, t->held_len);
		if (t->form)
			return;
		if (*t->held && *t->held != '#')
			break;
		hold_next(t);
	}
	die_at(lines_path(t->lines), lines_number(t->lines),
	       "no trace: neither csv, ftrace nor perf script text");
}

static void prepare_text(struct trace_reader *t)
{
	t->objects = ptrmap_new();
	t->blocks = ptrmap_new();
	t->others.names = names_new();
}

struct trace_reader *trace_open(const char *path, const char *format, struct names *caches)
{
	struct trace_reader *t = xcalloc(1, sizeof(*t));

	t->form = form_named(format);
	t->caches = caches;
	t->gfps = gfp_texts_new();
	t->lines = lines_open(path);
	hold_next(t);
	if (!t->held)
		die_at(path, 0, "an empty file");
	if (t->held_len && t->held[t->held_len - 1] == '\r')
		die_at(path, lines_number(t->lines), "lines end in CR LF, where LF alone is needed");
	if (!t->form)
		detect_form(t);
	if (t->form->header) {
		t->form->check_header(t, t->held);
		t->held = NULL;
	} else {
		prepare_text(t);
	}
	return t;
}

static char *next_line(struct trace_reader *t, size_t *len)
{
	char *line = t->held;

	if (!line)
		return lines_next(t->lines, len);
	*len = t->held_len;
	t->held = NULL;
	return line;
}

bool trace_next(struct trace_reader *t, struct trace_row *row)
{
	size_t len;
	char *line;

	while ((line = next_line(t, &len))) {
		if (lines_number(t->lines) % EVENT_BATCH == 0)
			lines_progress(t->lines);
		if (!t->form->header && lines_unended(t->lines))
			bad_line(t, "the line has no end: a truncated file");
		if (t->form->parse(t, line, len, row))
			return true;
	}
	return false;
}

void trace_die_empty(const struct trace_reader *t)
{
	if (t->form->header)
		bad_line(t, "a header and no rows");
	bad_line(t, "the end, and no event of the allocators (%llu others)",
		 (unsigned long long)t->others.skipped);
}

struct trace_others trace_take_others(struct trace_reader *t)
{
	struct trace_others others = t->others;

	t->others = (struct trace_others){0};
	return others;
}

void trace_others_free(struct trace_others *o)
{
	if (o->names)
		names_free(o->names);
	free(o->counts);
	*o = (struct trace_others){0};
}

void trace_close(struct trace_reader *t)
{
	gfp_texts_free(t->gfps);
	if (t->objects)
		ptrmap_free(t->objects);
	if (t->blocks)
		ptrmap_free(t->blocks);
	numbers_free(&t->ids);
	trace_others_free(&t->others);
	lines_close(t->lines);
	free(t);
}
