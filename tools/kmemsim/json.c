/* SPDX-License-Identifier: MIT */
#include "json.h"

#include <math.h>

static void write_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p == '"' || *p == '\\')
			fprintf(out, "\\%c", *p);
		else if (*p == '\n')
			fputs("\\n", out);
		else if (*p == '\t')
			fputs("\\t", out);
		else if (*p < 0x20)
			fprintf(out, "\\u%04x", *p);
		else
			fputc(*p, out);
	}
	fputc('"', out);
}

static void next_item(struct json_writer *w, const char *key)
{
	bool first = !w->filled[w->depth];

	if (!first)
		fputc(',', w->out);
	w->filled[w->depth] = true;
	if (w->depth && !w->flat[w->depth])
		fprintf(w->out, "\n%*s", (int)w->depth * 2, "");
	else if (!first)
		fputc(' ', w->out);
	if (!key)
		return;
	write_string(w->out, key);
	fputs(": ", w->out);
}

static void begin(struct json_writer *w, const char *key, char bracket, bool flat)
{
	bool inherited = w->flat[w->depth];

	next_item(w, key);
	fputc(bracket, w->out);
	w->depth++;
	w->filled[w->depth] = false;
	w->flat[w->depth] = flat || inherited;
}

void json_begin(struct json_writer *w, const char *key, char bracket)
{
	begin(w, key, bracket, false);
}

void json_begin_flat(struct json_writer *w, const char *key, char bracket)
{
	begin(w, key, bracket, true);
}

void json_end(struct json_writer *w, char bracket)
{
	bool multiline = w->filled[w->depth] && !w->flat[w->depth];

	w->depth--;
	if (multiline)
		fprintf(w->out, "\n%*s", (int)w->depth * 2, "");
	fputc(bracket, w->out);
	if (!w->depth)
		fputc('\n', w->out);
}

void json_string(struct json_writer *w, const char *key, const char *text)
{
	next_item(w, key);
	write_string(w->out, text);
}

void json_uint(struct json_writer *w, const char *key, uint64_t n)
{
	next_item(w, key);
	fprintf(w->out, "%llu", (unsigned long long)n);
}

void json_number(struct json_writer *w, const char *key, double x, int digits)
{
	next_item(w, key);
	if (isfinite(x))
		fprintf(w->out, "%.*f", digits, x);
	else
		fputs("null", w->out);
}

void json_bool(struct json_writer *w, const char *key, bool b)
{
	next_item(w, key);
	fputs(b ? "true" : "false", w->out);
}
