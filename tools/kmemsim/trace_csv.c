/* SPDX-License-Identifier: MIT */
/*
 * The csv form of a trace: a fixed header, 13 fields a line, no quoting, an empty field where
 * something does not apply. Every field is checked, used or not: a line that looks wrong anywhere
 * is more likely damage than data.
 */
#include "trace.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>

static const char header[] =
	"seq,time_ns,cpu,tid,op,cache,ptr_id,bytes_req,bytes_alloc,order,gfp,node,migratetype";

enum field {
	F_SEQ, F_TIME, F_CPU, F_TID, F_OP, F_CACHE, F_ID, F_BYTES_REQ, F_BYTES_ALLOC, F_ORDER,
	F_GFP, F_NODE, F_MIGRATETYPE, NR_FIELDS
};

#define OP_NAME(text) {text, sizeof(text) - 1}
static const struct {
	const char *text;
	size_t len;
} op_names[] = {
	[TRACE_ALLOC] = OP_NAME("alloc"),
	[TRACE_FREE] = OP_NAME("free"),
	[TRACE_KMALLOC] = OP_NAME("kmalloc"),
	[TRACE_KFREE] = OP_NAME("kfree"),
	[TRACE_PAGE_ALLOC] = OP_NAME("page_alloc"),
	[TRACE_PAGE_FREE] = OP_NAME("page_free"),
};

struct csv_state {
	struct names *caches;
	struct names *gfp_texts;	/* a trace has few different ones: each is parsed once */
	gfp_t *gfps;
};

struct csv_line {
	struct lines *lines;
	const char *at[NR_FIELDS];
	size_t len[NR_FIELDS];
};

#define bad_line(c, ...) die_at(lines_path((c)->lines), lines_number((c)->lines), __VA_ARGS__)

bool csv_is_header(const char *line)
{
	return !strcmp(line, header);
}

struct csv_state *csv_new(struct names *caches)
{
	struct csv_state *c = xcalloc(1, sizeof(*c));

	c->caches = caches;
	c->gfp_texts = names_new();
	return c;
}

void csv_free(struct csv_state *c)
{
	names_free(c->gfp_texts);
	free(c->gfps);
	free(c);
}

/* Fields are a few bytes long: a plain loop beats a search function. */
static void split(struct csv_line *c, const char *line)
{
	const char *p = line;
	unsigned int n = 0;

	for (c->at[0] = line;; p++) {
		if (*p != ',' && *p)
			continue;
		c->len[n] = (size_t)(p - c->at[n]);
		n++;
		if (!*p)
			break;
		if (n == NR_FIELDS)
			bad_line(c, "more than %d fields", NR_FIELDS);
		c->at[n] = p + 1;
	}
	if (n != NR_FIELDS)
		bad_line(c, "%u fields where a row has %d", n, NR_FIELDS);
}

static const char *field_name(enum field f)
{
	static const char *const names[] = {
		"seq", "time_ns", "cpu", "tid", "op", "cache", "ptr_id", "bytes_req",
		"bytes_alloc", "order", "gfp", "node", "migratetype",
	};

	return names[f];
}

static void bad_field(const struct csv_line *c, enum field f)
{
	bad_line(c, "%s: '%.*s' is wrong", field_name(f),
		 (int)(c->len[f] < 40 ? c->len[f] : 40), c->at[f]);
}

/* A decimal number without sign, 0 … @max. */
static inline uint64_t number(const struct csv_line *c, enum field f, uint64_t max)
{
	const char *p = c->at[f];
	size_t len = c->len[f];
	uint64_t n = 0;

	if (!len || len > 19)
		bad_field(c, f);
	for (size_t i = 0; i < len; i++) {
		unsigned int digit = (unsigned int)(p[i] - '0');

		if (digit > 9)
			bad_field(c, f);
		n = 10 * n + digit;
	}
	if (n > max)
		bad_field(c, f);
	return n;
}

/* A field that the op need not have. */
static void optional_number(const struct csv_line *c, enum field f, uint64_t max)
{
	if (c->len[f])
		number(c, f, max);
}

static bool is_minus_one(const struct csv_line *c, enum field f)
{
	return c->len[f] == 2 && c->at[f][0] == '-' && c->at[f][1] == '1';
}

static enum trace_op parse_op(const struct csv_line *c)
{
	for (unsigned int i = 0; i < NR_TRACE_OPS; i++)
		if (op_names[i].len == c->len[F_OP] &&
		    !memcmp(op_names[i].text, c->at[F_OP], c->len[F_OP]))
			return i;
	bad_line(c, "unknown op '%.*s'", (int)(c->len[F_OP] < 40 ? c->len[F_OP] : 40), c->at[F_OP]);
}

static gfp_t parse_gfp(struct csv_state *s, const struct csv_line *c)
{
	unsigned int before = names_count(s->gfp_texts);
	unsigned int i = names_intern(s->gfp_texts, c->at[F_GFP], c->len[F_GFP]);
	char bad[32];

	if (!c->len[F_GFP])
		bad_field(c, F_GFP);
	if (i < before)
		return s->gfps[i];
	s->gfps = xrealloc(s->gfps, i + 1, sizeof(*s->gfps));
	if (gfp_from_trace(names_text(s->gfp_texts, i), &s->gfps[i], bad)) {
		if (strncmp(bad, "GFP_", 4) && strncmp(bad, "__GFP_", 6))
			bad_field(c, F_GFP);
		note("%s:%lu: GFP word '%s' is not Linux 6.1's and is left out",
		     lines_path(c->lines), lines_number(c->lines), bad);
	}
	return s->gfps[i];
}

static void parse_object(struct csv_state *s, const struct csv_line *c, struct trace_row *row)
{
	uint64_t max = row->op == TRACE_ALLOC ? KMALLOC_MAX_SIZE : UINT32_MAX;

	if (row->op == TRACE_ALLOC && !c->len[F_CACHE])
		bad_field(c, F_CACHE);
	if (row->op != TRACE_ALLOC && row->op != TRACE_KMALLOC)
		return;
	if (row->op == TRACE_ALLOC)
		row->cache = names_intern(s->caches, c->at[F_CACHE], c->len[F_CACHE]);
	row->bytes_req = number(c, F_BYTES_REQ, max);
	if (row->op == TRACE_ALLOC && !row->bytes_req)
		bad_field(c, F_BYTES_REQ);
	row->gfp = parse_gfp(s, c);
}

static void parse_pages(struct csv_state *s, const struct csv_line *c, struct trace_row *row)
{
	row->order = (unsigned int)number(c, F_ORDER, MAX_ORDER - 1);
	if (row->op != TRACE_PAGE_ALLOC)
		return;
	row->gfp = parse_gfp(s, c);
	number(c, F_MIGRATETYPE, 5);
}

void csv_parse(struct csv_state *s, struct lines *l, char *line, struct trace_row *row)
{
	struct csv_line c;

	c.lines = l;
	split(&c, line);
	number(&c, F_SEQ, UINT64_MAX);
	number(&c, F_TIME, UINT64_MAX);
	number(&c, F_TID, UINT32_MAX);
	optional_number(&c, F_BYTES_ALLOC, UINT64_MAX);
	optional_number(&c, F_MIGRATETYPE, 5);
	if (!is_minus_one(&c, F_NODE))
		optional_number(&c, F_NODE, 1023);
	row->cpu = (unsigned int)number(&c, F_CPU, TRACE_CPU_MAX);
	row->op = parse_op(&c);
	if (is_minus_one(&c, F_ID))
		row->id = TRACE_ID_UNKNOWN;
	else
		row->id = (int64_t)number(&c, F_ID, TRACE_ID_MAX);
	if (row->op == TRACE_PAGE_ALLOC || row->op == TRACE_PAGE_FREE)
		parse_pages(s, &c, row);
	else
		parse_object(s, &c, row);
	if (row->id == TRACE_ID_UNKNOWN && row->op != TRACE_FREE && row->op != TRACE_KFREE &&
	    row->op != TRACE_PAGE_FREE)
		bad_field(&c, F_ID);
}
