/* SPDX-License-Identifier: MIT */
/* Writing JSON, indented, and reading what we wrote. */
#ifndef KMEMSIM_JSON_H
#define KMEMSIM_JSON_H

#include "kmemsim.h"

/* --- json.c: a writer --------------------------------------------------------------------- */

#define JSON_MAX_DEPTH 16

struct json_writer {
	FILE *out;
	unsigned int depth;
	bool filled[JSON_MAX_DEPTH];	/* the object or array of this depth has an item */
	bool flat[JSON_MAX_DEPTH];	/* on one line */
};

/* @key NULL: an element of an array, or the whole. */
void json_begin(struct json_writer *w, const char *key, char bracket);
void json_begin_flat(struct json_writer *w, const char *key, char bracket);
void json_end(struct json_writer *w, char bracket);
void json_string(struct json_writer *w, const char *key, const char *text);
void json_uint(struct json_writer *w, const char *key, uint64_t n);
void json_number(struct json_writer *w, const char *key, double x, int digits);
void json_bool(struct json_writer *w, const char *key, bool b);

/* --- json_read.c: a reader ---------------------------------------------------------------- */

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
	enum json_type type;
	char *key;		/* in an object; else NULL */
	char *string;		/* JSON_STRING */
	double number;		/* JSON_NUMBER; JSON_BOOL: 0 or 1 */
	struct json *child;	/* JSON_ARRAY, JSON_OBJECT: first element */
	struct json *next;	/* next element of the parent */
};

/* Return: NULL if @text is not one JSON value. */
struct json *json_parse(const char *text);
void json_free(struct json *j);

/* Member of an object, NULL if it has none of that name. */
const struct json *json_get(const struct json *j, const char *key);

#endif
