/* SPDX-License-Identifier: MIT */
/*
 * The forms that a trace can have. A form turns a line into a row; trace_reader.c finds the form,
 * feeds it and keeps what forms share.
 */
#ifndef KMEMSIM_TRACE_FORM_H
#define KMEMSIM_TRACE_FORM_H

#include "trace.h"

#include <string.h>

/* --- trace_gfp.c: GFP words, as events spell them -------------------------------------------- */

/* A trace has few different texts: each is understood once. */
struct gfp_texts;

struct gfp_texts *gfp_texts_new(void);
/*
 * Return: false if @text is nothing of that kind. Words and bits that 6.1 does not have are left
 * out, with a note that names the line of @l.
 */
bool gfp_texts_get(struct gfp_texts *g, const struct lines *l, const char *text, size_t len,
		   gfp_t *out);
void gfp_texts_free(struct gfp_texts *g);

/* --- ptrmap.c: what a pointer or page frame number stands for -------------------------------- */

struct ptrmap;

struct ptrmap *ptrmap_new(void);
/* @key is not 0. The place of its value, 0 when @is_new; good until the next call. */
uint32_t *ptrmap_add(struct ptrmap *m, uint64_t key, bool *is_new);
/* Return: false if there is no @key. */
bool ptrmap_remove(struct ptrmap *m, uint64_t key, uint32_t *value);
void ptrmap_free(struct ptrmap *m);

/* --- the reader ------------------------------------------------------------------------------ */

struct trace_form;

struct trace_reader {
	const struct trace_form *form;
	struct lines *lines;
	struct names *caches;		/* the caller's */
	struct gfp_texts *gfps;
	char *held;			/* line that told the form and has not been parsed; or NULL */
	size_t held_len;

	/* of the forms that are text: pointers and pfns of what lives, to ids */
	struct ptrmap *objects;
	struct ptrmap *blocks;
	struct numbers ids;		/* id - 1 */
	struct trace_others others;
};

struct trace_form {
	const char *name;	/* as --format has it */
	const char *title;
	bool (*is)(const char *line, size_t len);	/* the line can be nothing else */
	bool header;		/* the line that tells the form is its header, and checked by: */
	void (*check_header)(const struct trace_reader *t, const char *line);
	/* Return: false if the line holds no row. Dies on one that is wrong. */
	bool (*parse)(struct trace_reader *t, const char *line, size_t len, struct trace_row *row);
};

extern const struct trace_form csv_form, ftrace_form, perf_form;

#define bad_line(t, ...) \
	die_at(lines_path((t)->lines), lines_number((t)->lines), __VA_ARGS__)

/* --- text: events as ftrace and perf script print them ---------------------------------------- */

/* An event whose prefix, which is the form's own, has been read. A NUL ends it. */
struct text_event {
	unsigned int cpu;
	const char *name;	/* "kmalloc" */
	size_t name_len;
	const char *body;	/* "call_site=… ptr=…" */
	const char *end;
};

/*
 * trace_event.c: the row of an event. Return: false if it is none of the allocator's, which is
 * counted. Dies if it is one and wrong.
 */
bool text_event_row(struct trace_reader *t, const struct text_event *e, struct trace_row *row);
void text_skip(struct trace_reader *t, const char *name, size_t len);

/* trace_prefix.c: what both prefixes have. Lines end with a NUL; pointers into them move on. */

/* The first '[' from @p on that a number and ']' follow; NULL: there is none. */
const char *text_find_cpu(const char *p);
/* Behind "[003]"; a CPU that cannot be is UINT_MAX. */
const char *text_after_cpu(const char *p, unsigned int *cpu);
/* Behind "123.456789:" or "123456:"; NULL if @p is no time. */
const char *text_after_time(const char *p);
const char *text_after_spaces(const char *p);
const char *text_after_word(const char *p);	/* at a blank or the end */
/* Where the number that ends before @p begins; @p: there is none. */
const char *text_number_before(const char *line, const char *p);
const char *text_spaces_before(const char *line, const char *p);

/*
 * Reads what stands before the event: at the first "[CPU]" that has a task before it and behind it
 * what @parse_rest takes from there on. Return: NULL, or what is wrong: @no_task if nothing looks
 * like a task. Inline, since every line comes here.
 */
static inline const char *text_parse_prefix(const char *line, struct text_event *e,
	bool (*task_before)(const char *line, const char *cpu),
	const char *(*parse_rest)(const char *p, struct text_event *e), const char *no_task)
{
	const char *wrong = NULL;

	for (const char *p = text_find_cpu(line); p; p = text_find_cpu(p + 1)) {
		const char *why;

		if (!task_before(line, p))
			continue;
		why = parse_rest(p, e);
		if (!why)
			return NULL;
		if (!wrong)
			wrong = why;
	}
	return wrong ? wrong : no_task;
}

/* Dies, since @line has not the shape of its form: @why. */
void text_bad_line(const struct trace_reader *t, const char *line, size_t len, const char *why)
	__attribute__((noreturn, cold));

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The first @c or NUL from @p on. Eight bytes at a time, since behind a line there are LINES_SLACK:
 * lengths of words are hard to predict, and a loop over bytes pays for that at its end. */
static inline const char *text_until(const char *p, char c)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	const uint64_t ones = 0x0101010101010101ULL;
	uint64_t word, other, found;

	for (;; p += 8) {
		memcpy(&word, p, 8);
		other = word ^ ones * (unsigned char)c;
		/* the lowest bit set is that of the first such byte; those above it may be wrong */
		found = ((word - ones) & ~word) | ((other - ones) & ~other);
		found &= ones << 7;
		if (found)
			return p + __builtin_ctzll(found) / 8;
	}
#else
	while (*p && *p != c)
		p++;
	return p;
#endif
}

#endif
