/* SPDX-License-Identifier: MIT */
/*
 * Events of the kmem tracepoints, as the kernel prints them:
 *
 *	kmem_cache_alloc: call_site=f+0x8/0x9 ptr=H name=CACHE bytes_req=N bytes_alloc=N gfp_flags=A|B
 *	                  node=N accounted=true|false
 *	kmem_cache_free:  call_site=f+0x8/0x9 ptr=H name=CACHE
 *	kmalloc:          as kmem_cache_alloc, without a name
 *	kfree:            call_site=f+0x8/0x9 ptr=H
 *	mm_page_alloc:    page=H pfn=0xN order=N migratetype=N gfp_flags=A|B
 *	mm_page_free:     page=H pfn=0xN order=N
 *
 * Fields may stand in any order, other fields among them; "[module]" behind a call site and
 * "(function+0x8)" in front of it say nothing that is needed. Every field that is known is checked,
 * used or not.
 *
 * An object is its pointer, a block of pages the number of its first frame, from the allocation to
 * the free. A pointer may be an address or the hash that the kernel prints for it: the same address
 * has the same hash, so it serves as well, but for two live objects whose hashes are equal (one in
 * 2^32): the second then takes the first one's place, as if that had been freed.
 */
#include "trace_form.h"

#include <kmem/slab.h>

#include <string.h>

enum field {
	F_CALL_SITE, F_PTR, F_NAME, F_BYTES_REQ, F_BYTES_ALLOC, F_GFP, F_NODE, F_ACCOUNTED,
	F_PAGE, F_PFN, F_ORDER, F_MIGRATETYPE, NR_FIELDS
};

#define NAMED(text) {text, sizeof(text) - 1}
struct named {
	const char *text;
	size_t len;
};

static const struct named field_names[NR_FIELDS] = {
	[F_CALL_SITE] = NAMED("call_site"),
	[F_PTR] = NAMED("ptr"),
	[F_NAME] = NAMED("name"),
	[F_BYTES_REQ] = NAMED("bytes_req"),
	[F_BYTES_ALLOC] = NAMED("bytes_alloc"),
	[F_GFP] = NAMED("gfp_flags"),
	[F_NODE] = NAMED("node"),
	[F_ACCOUNTED] = NAMED("accounted"),
	[F_PAGE] = NAMED("page"),
	[F_PFN] = NAMED("pfn"),
	[F_ORDER] = NAMED("order"),
	[F_MIGRATETYPE] = NAMED("migratetype"),
};

#define FREE_FIELDS (1u << F_CALL_SITE | 1u << F_PTR)
#define ALLOC_FIELDS (FREE_FIELDS | 1u << F_BYTES_REQ | 1u << F_BYTES_ALLOC | 1u << F_GFP)
#define PAGE_FIELDS (1u << F_PAGE | 1u << F_PFN | 1u << F_ORDER)

/* The last two are kmem_cache_alloc and kmalloc on a given node: events of their own before 6.1. */
static const struct kind {
	struct named name;
	enum trace_op op;
	unsigned int fields;	/* that must be there; node and accounted came with newer kernels */
} kinds[] = {
	{NAMED("kmem_cache_alloc"), TRACE_ALLOC, ALLOC_FIELDS | 1u << F_NAME},
	{NAMED("kmem_cache_free"), TRACE_FREE, FREE_FIELDS | 1u << F_NAME},
	{NAMED("kmalloc"), TRACE_KMALLOC, ALLOC_FIELDS},
	{NAMED("kfree"), TRACE_KFREE, FREE_FIELDS},
	{NAMED("mm_page_alloc"), TRACE_PAGE_ALLOC, PAGE_FIELDS | 1u << F_MIGRATETYPE | 1u << F_GFP},
	{NAMED("mm_page_free"), TRACE_PAGE_FREE, PAGE_FIELDS},
	{NAMED("kmem_cache_alloc_node"), TRACE_ALLOC, ALLOC_FIELDS | 1u << F_NAME},
	{NAMED("kmalloc_node"), TRACE_KMALLOC, ALLOC_FIELDS},
};

struct body {
	struct trace_reader *t;
	const struct kind *kind;
	unsigned int present;	/* bits of fields */
	const char *at[NR_FIELDS];
	size_t len[NR_FIELDS];
};

static bool is(const struct named *n, const char *text, size_t len)
{
	return n->len == len && !memcmp(n->text, text, len);
}

static void bad_field(const struct body *b, enum field f)
{
	size_t len = b->len[f] < 40 ? b->len[f] : 40;

	bad_line(b->t, "%s: %s: '%.*s' is wrong", b->kind->name.text, field_names[f].text, (int)len,
		 b->at[f]);
}

/* --- taking apart ---------------------------------------------------------------------------- */

static const struct kind *kind_of(const char *name, size_t len)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++)
		if (is(&kinds[i].name, name, len))
			return &kinds[i];
	return NULL;
}

/* Whether "FIELD=" stands at @p. Compared with constants: see LINES_SLACK. */
static inline bool key_is(const char *p, enum field f)
{
#define KEY(field, text) case field: return !memcmp(p, text "=", sizeof(text))
	switch (f) {
	KEY(F_CALL_SITE, "call_site");
	KEY(F_PTR, "ptr");
	KEY(F_NAME, "name");
	KEY(F_BYTES_REQ, "bytes_req");
	KEY(F_BYTES_ALLOC, "bytes_alloc");
	KEY(F_GFP, "gfp_flags");
	KEY(F_NODE, "node");
	KEY(F_ACCOUNTED, "accounted");
	KEY(F_PAGE, "page");
	KEY(F_PFN, "pfn");
	KEY(F_ORDER, "order");
	KEY(F_MIGRATETYPE, "migratetype");
	case NR_FIELDS:
		break;
	}
	return false;
#undef KEY
}

/* NR_FIELDS: none that is known. The one behind @last is the likeliest. */
static inline enum field field_at(const char *p, enum field last)
{
	for (unsigned int f = last + 1; f < NR_FIELDS; f++)
		if (key_is(p, f))
			return f;
	for (unsigned int f = 0; f <= last && f < NR_FIELDS; f++)
		if (key_is(p, f))
			return f;
	return NR_FIELDS;
}

/* "(null)" behind blanks, as old kernels filled up a pointer. */
static const char *padded_null(const char *p)
{
	static const char null[] = "(null)";

	p = text_after_spaces(p);
	return strncmp(p, null, strlen(null)) ? NULL : p;
}

/* Behind "[module]", "(function+0x8)", or a field that is not known. */
static const char *after_remark(const struct body *b, const char *p)
{
	size_t len = (size_t)(text_after_word(p) - p);
	const char *close = NULL;

	if (*p == '[' || *p == '(')
		close = strchr(p, *p == '[' ? ']' : ')');
	else if (memchr(p, '=', len))
		close = p + len - 1;
	if (!close)
		bad_line(b->t, "%s: '%.*s' is no key=value", b->kind->name.text,
			 (int)(len < 40 ? len : 40), p);
	return close + 1;
}

static inline const char *take_value(struct body *b, enum field f, const char *value)
{
	const char *end;

	if (b->present & 1u << f)
		bad_line(b->t, "%s: a second %s=", b->kind->name.text, field_names[f].text);
	if ((f == F_PTR || f == F_PAGE) && *value == ' ' && padded_null(value))
		value = padded_null(value);
	end = text_until(value, ' ');
	b->present |= 1u << f;
	b->at[f] = value;
	b->len[f] = (size_t)(end - value);
	return end;
}

/* Return: where it ended, at a NUL. */
static const char *split(struct body *b, const char *p)
{
	enum field last = NR_FIELDS;

	for (p = text_after_spaces(p); *p; p = text_after_spaces(p)) {
		enum field f = field_at(p, last);

		if (f == NR_FIELDS) {
			p = after_remark(b, p);
			continue;
		}
		p = take_value(b, f, p + field_names[f].len + 1);
		last = f;
	}
	return p;
}

static void check_present(const struct body *b)
{
	unsigned int missing = b->kind->fields & ~b->present;

	if (!missing)
		return;
	if (missing == 1u << F_NAME)
		bad_line(b->t, "%s: no name= (kernels before 6.1 do not print it)",
			 b->kind->name.text);
	bad_line(b->t, "%s: no %s=", b->kind->name.text,
		 field_names[__builtin_ctz(missing)].text);
}

/* --- values ---------------------------------------------------------------------------------- */

static uint64_t decimal(const struct body *b, enum field f, uint64_t max)
{
	const char *p = b->at[f];
	uint64_t n = 0;

	if (!b->len[f] || b->len[f] > 19)
		bad_field(b, f);
	for (size_t i = 0; i < b->len[f]; i++) {
		if (!is_digit(p[i]))
			bad_field(b, f);
		n = 10 * n + (unsigned int)(p[i] - '0');
	}
	if (n > max)
		bad_field(b, f);
	return n;
}

/* What a digit is worth, and one more; 0: it is none. */
static const uint8_t hex_digits[256] = {
	['0'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
	['A'] = 11, 12, 13, 14, 15, 16,
	['a'] = 11, 12, 13, 14, 15, 16,
};

static uint64_t hex(const struct body *b, enum field f, size_t start)
{
	const unsigned char *p = (const unsigned char *)b->at[f];
	unsigned int all = 0;
	uint64_t n = 0;

	if (b->len[f] == start || b->len[f] - start > 16)
		bad_field(b, f);
	for (size_t i = start; i < b->len[f]; i++) {
		unsigned int digit = hex_digits[p[i]] - 1u;

		all |= digit;
		n = n << 4 | digit;
	}
	if (all > 15)
		bad_field(b, f);
	return n;
}

static bool has_0x(const struct body *b, enum field f)
{
	return b->len[f] > 2 && b->at[f][0] == '0' && b->at[f][1] == 'x';
}

static bool says(const struct body *b, enum field f, const char *text)
{
	return b->len[f] == strlen(text) && !memcmp(b->at[f], text, b->len[f]);
}

/* 0 is NULL, which is printed in many ways. */
static uint64_t pointer(const struct body *b, enum field f)
{
	if (b->len[f] && b->at[f][0] == '(') {
		if (!says(b, f, "(nil)") && !says(b, f, "(null)"))
			bad_field(b, f);
		return 0;
	}
	return hex(b, f, has_0x(b, f) ? 2 : 0);
}

/* Hexadecimal with 0x, decimal from kernels before 5.12. */
static uint64_t frame_number(const struct body *b)
{
	return has_0x(b, F_PFN) ? hex(b, F_PFN, 2) : decimal(b, F_PFN, UINT64_MAX);
}

static void check_optional(const struct body *b)
{
	if (b->present & 1u << F_NODE && !says(b, F_NODE, "-1"))
		decimal(b, F_NODE, 1023);
	if (b->present & 1u << F_ACCOUNTED && !says(b, F_ACCOUNTED, "true") &&
	    !says(b, F_ACCOUNTED, "false"))
		bad_field(b, F_ACCOUNTED);
	if (b->present & 1u << F_CALL_SITE && !b->len[F_CALL_SITE])
		bad_field(b, F_CALL_SITE);
}

/* --- ids ------------------------------------------------------------------------------------- */

static int64_t id_of_new(struct trace_reader *t, struct ptrmap *live, uint64_t pointer)
{
	uint32_t *id;
	bool is_new;

	if (!pointer)
		return TRACE_ID_NULL;
	id = ptrmap_add(live, pointer, &is_new);
	if (is_new)
		*id = numbers_take(&t->ids) + 1;
	return *id;
}

static int64_t id_of_freed(struct trace_reader *t, struct ptrmap *live, uint64_t pointer)
{
	uint32_t id;

	if (!pointer)
		return TRACE_ID_NULL;
	if (!ptrmap_remove(live, pointer, &id))
		return TRACE_ID_UNKNOWN;
	numbers_give(&t->ids, id - 1);
	return id;
}

/* --- rows ------------------------------------------------------------------------------------ */

static gfp_t gfp(const struct body *b)
{
	gfp_t flags;

	if (!gfp_texts_get(b->t->gfps, b->t->lines, b->at[F_GFP], b->len[F_GFP], &flags))
		bad_field(b, F_GFP);
	return flags;
}

static void object_row(const struct body *b, struct trace_row *row)
{
	uint64_t ptr = pointer(b, F_PTR);

	if (b->present & 1u << F_NAME && !b->len[F_NAME])
		bad_field(b, F_NAME);
	if (row->op == TRACE_FREE || row->op == TRACE_KFREE) {
		row->id = id_of_freed(b->t, b->t->objects, ptr);
		return;
	}
	row->id = id_of_new(b->t, b->t->objects, ptr);
	row->gfp = gfp(b);
	decimal(b, F_BYTES_ALLOC, UINT64_MAX);
	if (row->op == TRACE_KMALLOC) {
		row->bytes_req = decimal(b, F_BYTES_REQ, UINT32_MAX);
		return;
	}
	row->bytes_req = decimal(b, F_BYTES_REQ, KMALLOC_MAX_SIZE);
	if (!row->bytes_req)
		bad_field(b, F_BYTES_REQ);
	row->cache = names_intern(b->t->caches, b->at[F_NAME], b->len[F_NAME]);
}

static void page_row(const struct body *b, struct trace_row *row)
{
	uint64_t pfn = frame_number(b);

	row->order = (unsigned int)decimal(b, F_ORDER, MAX_ORDER - 1);
	if (!pointer(b, F_PAGE))
		pfn = 0;	/* frame 0 is never handed out: 0 is a failure here, too */
	if (row->op == TRACE_PAGE_FREE) {
		row->id = id_of_freed(b->t, b->t->blocks, pfn);
		return;
	}
	row->id = id_of_new(b->t, b->t->blocks, pfn);
	row->gfp = gfp(b);
	decimal(b, F_MIGRATETYPE, 5);
}

bool text_event_row(struct trace_reader *t, const struct text_event *e, struct trace_row *row)
{
	struct body b = {.t = t, .kind = kind_of(e->name, e->name_len)};
	const char *end = b.kind ? split(&b, e->body) : e->body + strlen(e->body);

	if (end != e->end)
		bad_line(t, "a NUL byte: this is no text");
	if (!b.kind) {
		text_skip(t, e->name, e->name_len);
		return false;
	}
	check_present(&b);
	check_optional(&b);
	row->op = b.kind->op;
	row->cpu = e->cpu;
	if (row->op == TRACE_PAGE_ALLOC || row->op == TRACE_PAGE_FREE)
		page_row(&b, row);
	else
		object_row(&b, row);
	return true;
}

void text_skip(struct trace_reader *t, const char *name, size_t len)
{
	struct trace_others *o = &t->others;
	unsigned int known = names_count(o->names);
	unsigned int i = names_intern(o->names, name, len);

	if (i == known) {
		o->counts = xrealloc(o->counts, i + 1, sizeof(*o->counts));
		o->counts[i] = 0;
	}
	o->counts[i]++;
	o->skipped++;
}
