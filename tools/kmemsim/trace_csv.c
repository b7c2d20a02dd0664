/* SPDX-License-Identifier: MIT */
/*
 * The csv form of a trace: a fixed header, 13 fields a line, no quoting, an empty field where
 * something does not apply. Every field is checked, used or not: a line that looks wrong anywhere
 * is more likely damage than data.
 *
 * A line is gone through once, field by field; each reader of a field takes the separator behind it
 * and returns where the next one begins.
 */
#include "trace_form.h"

#include <kmem/slab.h>

#include <string.h>

static const char header[] =
	"seq,time_ns,cpu,tid,op,cache,ptr_id,bytes_req,bytes_alloc,order,gfp,node,migratetype";

enum field {
	F_SEQ, F_TIME, F_CPU, F_TID, F_OP, F_CACHE, F_ID, F_BYTES_REQ, F_BYTES_ALLOC, F_ORDER,
	F_GFP, F_NODE, F_MIGRATETYPE, NR_FIELDS
};

static const char *const field_names[NR_FIELDS] = {
	"seq", "time_ns", "cpu", "tid", "op", "cache", "ptr_id", "bytes_req", "bytes_alloc",
	"order", "gfp", "node", "migratetype",
};

struct csv_line {
	const struct trace_reader *t;
	const char *text;
	size_t len;
};

struct span {
	const char *at;
	size_t len;
};

/* --- what is wrong --------------------------------------------------------------------------- */

static unsigned int count_fields(const char *text)
{
	unsigned int n = 1;

	for (; *text; text++)
		n += *text == ',';
	return n;
}

static void check_shape(const struct csv_line *c)
{
	unsigned int n = count_fields(c->text);

	if (strlen(c->text) != c->len)
		bad_line(c->t, "a NUL byte: this is no text");
	if (n > NR_FIELDS)
		bad_line(c->t, "more than %d fields", NR_FIELDS);
	if (n < NR_FIELDS)
		bad_line(c->t, "%u fields where a row has %d", n, NR_FIELDS);
}

static void __attribute__((noreturn, cold, noinline))
bad_field(const struct csv_line *c, enum field f, const char *at)
{
	size_t len = strcspn(at, ",");

	check_shape(c);
	bad_line(c->t, "%s: '%.*s' is wrong", field_names[f], (int)(len < 40 ? len : 40), at);
}

static void __attribute__((noreturn, cold, noinline))
bad_op(const struct csv_line *c, const char *at)
{
	size_t len = strcspn(at, ",");

	check_shape(c);
	bad_line(c->t, "unknown op '%.*s'", (int)(len < 40 ? len : 40), at);
}

/* --- fields ---------------------------------------------------------------------------------- */

static inline char separator(enum field f)
{
	return f == NR_FIELDS - 1 ? '\0' : ',';
}

/* A decimal number without sign, 0 … @max. */
static inline const char *number(const struct csv_line *c, enum field f, const char *p,
				 uint64_t max, uint64_t *out)
{
	const char *start = p;
	uint64_t n = 0;

	for (; is_digit(*p); p++)
		n = 10 * n + (unsigned int)(*p - '0');
	if (p == start || p - start > 19 || n > max || *p != separator(f))
		bad_field(c, f, start);
	*out = n;
	return p + 1;
}

/* Empty where @needed is false, then 0. */
static inline const char *optional_number(const struct csv_line *c, enum field f, const char *p,
					  uint64_t max, bool needed, uint64_t *out)
{
	if (*p != separator(f) || needed)
		return number(c, f, p, max, out);
	*out = 0;
	return p + 1;
}

static inline const char *text(const struct csv_line *c, enum field f, const char *p,
			       struct span *out)
{
	out->at = p;
	p = text_until(p, ',');
	if (!*p)
		bad_field(c, f, out->at);
	out->len = (size_t)(p - out->at);
	return p + 1;
}

/* No longer than LINES_SLACK. */
#define STARTS(p, text) !memcmp(p, text, sizeof(text) - 1)
#define TAKE_OP(p, text, op, out) (*(out) = (op), (p) + sizeof(text) - 1)

static inline const char *parse_op(const struct csv_line *c, const char *p, enum trace_op *out)
{
	switch (*p) {
	case 'a':
		if (STARTS(p, "alloc,"))
			return TAKE_OP(p, "alloc,", TRACE_ALLOC, out);
		break;
	case 'f':
		if (STARTS(p, "free,"))
			return TAKE_OP(p, "free,", TRACE_FREE, out);
		break;
	case 'k':
		if (STARTS(p, "kfree,"))
			return TAKE_OP(p, "kfree,", TRACE_KFREE, out);
		if (STARTS(p, "kmalloc,"))
			return TAKE_OP(p, "kmalloc,", TRACE_KMALLOC, out);
		break;
	case 'p':
		if (STARTS(p, "page_alloc,"))
			return TAKE_OP(p, "page_alloc,", TRACE_PAGE_ALLOC, out);
		if (STARTS(p, "page_free,"))
			return TAKE_OP(p, "page_free,", TRACE_PAGE_FREE, out);
		break;
	}
	bad_op(c, p);
}

/* -1 is for the frees only. */
static inline const char *parse_id(const struct csv_line *c, const char *p, struct trace_row *row)
{
	bool frees = row->op == TRACE_FREE || row->op == TRACE_KFREE || row->op == TRACE_PAGE_FREE;
	uint64_t id;

	if (frees && STARTS(p, "-1,")) {
		row->id = TRACE_ID_UNKNOWN;
		return p + 3;
	}
	p = number(c, F_ID, p, TRACE_ID_MAX, &id);
	row->id = (int64_t)id;
	return p;
}

static inline const char *parse_bytes(const struct csv_line *c, const char *p,
				      struct trace_row *row)
{
	const char *start = p;
	bool needed = row->op == TRACE_ALLOC || row->op == TRACE_KMALLOC;
	uint64_t max = row->op == TRACE_ALLOC ? KMALLOC_MAX_SIZE : UINT32_MAX;
	uint64_t unused;

	p = optional_number(c, F_BYTES_REQ, p, max, needed, &row->bytes_req);
	if (row->op == TRACE_ALLOC && !row->bytes_req)
		bad_field(c, F_BYTES_REQ, start);
	return optional_number(c, F_BYTES_ALLOC, p, UINT64_MAX, false, &unused);
}

static inline const char *parse_gfp(const struct csv_line *c, const char *p, struct trace_row *row)
{
	bool needed = row->op == TRACE_ALLOC || row->op == TRACE_KMALLOC ||
		      row->op == TRACE_PAGE_ALLOC;
	struct span gfp;

	p = text(c, F_GFP, p, &gfp);
	if (needed && !gfp_texts_get(c->t->gfps, c->t->lines, gfp.at, gfp.len, &row->gfp))
		bad_field(c, F_GFP, gfp.at);
	return p;
}

static bool csv_parse(struct trace_reader *t, const char *line, size_t len, struct trace_row *row)
{
	struct csv_line c = {t, line, len};
	struct span cache;
	const char *p = line;
	uint64_t n;
	bool pages;

	p = number(&c, F_SEQ, p, UINT64_MAX, &n);
	p = number(&c, F_TIME, p, UINT64_MAX, &n);
	p = number(&c, F_CPU, p, TRACE_CPU_MAX, &n);
	row->cpu = (unsigned int)n;
	p = number(&c, F_TID, p, UINT32_MAX, &n);
	p = parse_op(&c, p, &row->op);
	pages = row->op == TRACE_PAGE_ALLOC || row->op == TRACE_PAGE_FREE;
	p = text(&c, F_CACHE, p, &cache);
	if (row->op == TRACE_ALLOC) {
		if (!cache.len)
			bad_field(&c, F_CACHE, cache.at);
		row->cache = names_intern(t->caches, cache.at, cache.len);
	}
	p = parse_id(&c, p, row);
	p = parse_bytes(&c, p, row);
	p = optional_number(&c, F_ORDER, p, MAX_ORDER - 1, pages, &n);
	row->order = (unsigned int)n;
	p = parse_gfp(&c, p, row);
	if (STARTS(p, "-1,"))
		p += 3;
	else
		p = optional_number(&c, F_NODE, p, 1023, false, &n);
	p = optional_number(&c, F_MIGRATETYPE, p, 5, row->op == TRACE_PAGE_ALLOC, &n);
	if (p != line + len + 1)
		bad_field(&c, F_MIGRATETYPE, line);
	return true;
}

/* --- the form -------------------------------------------------------------------------------- */

static bool csv_is(const char *line, size_t len)
{
	return !strncmp(line, "seq,", 4);
}

static void csv_check_header(const struct trace_reader *t, const char *line)
{
	if (strcmp(line, header))
		bad_line(t, "not the header of a csv trace (seq,time_ns,cpu,tid,op,cache,…)");
}

const struct trace_form csv_form = {
	.name = "csv",
	.title = "csv",
	.is = csv_is,
	.header = true,
	.check_header = csv_check_header,
	.parse = csv_parse,
};
