/* SPDX-License-Identifier: MIT */
/* A recursive reader of JSON, of bounded depth. It reads what a child process of ours printed. */
#include "json.h"

#include <stdlib.h>
#include <string.h>

static struct json *read_value(const char **at, unsigned int depth);

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

static struct json *new_value(enum json_type type)
{
	struct json *j = xcalloc(1, sizeof(*j));

	j->type = type;
	return j;
}

void json_free(struct json *j)
{
	while (j) {
		struct json *next = j->next;

		json_free(j->child);
		free(j->key);
		free(j->string);
		free(j);
		j = next;
	}
}

const struct json *json_get(const struct json *j, const char *key)
{
	if (!j || j->type != JSON_OBJECT)
		return NULL;
	for (const struct json *c = j->child; c; c = c->next)
		if (!strcmp(c->key, key))
			return c;
	return NULL;
}

static int unescape(const char **at)
{
	const char *p = *at;
	char hex[5] = "";

	switch (*p) {
	case '"':
	case '\\':
	case '/':
		*at = p + 1;
		return *p;
	case 'n':
		*at = p + 1;
		return '\n';
	case 't':
		*at = p + 1;
		return '\t';
	case 'u':
		/* we write \u only for control characters */
		strncpy(hex, p + 1, 4);
		if (strlen(hex) != 4 || strspn(hex, "0123456789abcdefABCDEF") != 4)
			return -1;
		*at = p + 5;
		return (int)strtol(hex, NULL, 16) & 0x7f;
	default:
		return -1;
	}
}

/* @at stands on the opening quote. */
static char *read_string(const char **at)
{
	const char *p = *at + 1;
	char *text = xcalloc(strlen(p) + 1, 1);
	size_t len = 0;

	while (*p && *p != '"') {
		int c = (unsigned char)*p++;

		if (c == '\\')
			c = unescape(&p);
		if (c < 0)
			break;
		text[len++] = (char)c;
	}
	if (*p != '"') {
		free(text);
		return NULL;
	}
	*at = p + 1;
	return xrealloc(text, len + 1, 1);
}

static char *read_key(const char **at)
{
	char *key;

	*at = skip_blanks(*at);
	if (**at != '"')
		return NULL;
	key = read_string(at);
	*at = skip_blanks(*at);
	if (**at != ':') {
		free(key);
		return NULL;
	}
	(*at)++;
	return key;
}

/* Elements up to the closing bracket; @at stands behind the opening one. */
static bool read_elements(struct json *parent, const char **at, char close, unsigned int depth)
{
	struct json **tail = &parent->child;

	*at = skip_blanks(*at);
	if (**at == close) {
		(*at)++;
		return true;
	}
	for (;;) {
		char *key = NULL;

		if (close == '}') {
			key = read_key(at);
			if (!key)
				return false;
		}
		*tail = read_value(at, depth + 1);
		if (!*tail) {
			free(key);
			return false;
		}
		(*tail)->key = key;
		tail = &(*tail)->next;
		*at = skip_blanks(*at);
		if (**at == close)
			break;
		if (**at != ',')
			return false;
		(*at)++;
	}
	(*at)++;
	return true;
}

static struct json *read_container(const char **at, unsigned int depth)
{
	bool object = **at == '{';
	struct json *j = new_value(object ? JSON_OBJECT : JSON_ARRAY);

	(*at)++;
	if (depth < JSON_MAX_DEPTH && read_elements(j, at, object ? '}' : ']', depth))
		return j;
	json_free(j);
	return NULL;
}

static struct json *read_word(const char **at)
{
	static const struct {
		const char *word;
		enum json_type type;
		double number;
	} words[] = {{"true", JSON_BOOL, 1}, {"false", JSON_BOOL, 0}, {"null", JSON_NULL, 0}};
	struct json *j;
	char *end;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t len = strlen(words[i].word);

		if (strncmp(*at, words[i].word, len))
			continue;
		*at += len;
		j = new_value(words[i].type);
		j->number = words[i].number;
		return j;
	}
	j = new_value(JSON_NUMBER);
	j->number = strtod(*at, &end);
	if (end == *at) {
		json_free(j);
		return NULL;
	}
	*at = end;
	return j;
}

static struct json *read_value(const char **at, unsigned int depth)
{
	struct json *j;

	*at = skip_blanks(*at);
	if (**at == '{' || **at == '[')
		return read_container(at, depth);
	if (**at != '"')
		return read_word(at);
	j = new_value(JSON_STRING);
	j->string = read_string(at);
	if (j->string)
		return j;
	json_free(j);
	return NULL;
}

struct json *json_parse(const char *text)
{
	struct json *j = read_value(&text, 0);

	if (j && !*skip_blanks(text))
		return j;
	json_free(j);
	return NULL;
}
