/* SPDX-License-Identifier: MIT */
/* One line for each trouble, and memory that is there or ends the program. */
#include "kmemsim.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_BAD_INPUT 2

static void say(const char *fmt, va_list args)
{
	progress_end();
	fputs("kmemsim: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
}

void die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(fmt, args);
	va_end(args);
	exit(EXIT_BAD_INPUT);
}

void die_at(const char *file, unsigned long line, const char *fmt, ...)
{
	va_list args;

	progress_end();
	if (line)
		fprintf(stderr, "kmemsim: %s:%lu: ", file, line);
	else
		fprintf(stderr, "kmemsim: %s: ", file);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(EXIT_BAD_INPUT);
}

void note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(fmt, args);
	va_end(args);
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		die("out of memory (%zu × %zu bytes)", n, size);
	return p;
}

void *xrealloc(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		die("out of memory (%zu × %zu bytes)", n, size);
	p = realloc(p, bytes ? bytes : 1);
	if (!p)
		die("out of memory (%zu bytes)", bytes);
	return p;
}

char *xstrdup(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		die("out of memory");
	return copy;
}

char *xvasprintf(const char *fmt, va_list args)
{
	char *text;

	if (vasprintf(&text, fmt, args) < 0)
		die("out of memory");
	return text;
}

char *xasprintf(const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	text = xvasprintf(fmt, args);
	va_end(args);
	return text;
}

bool read_number(const char *text, int base, uint64_t max, uint64_t *out)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, base);
	if (errno || !isxdigit((unsigned char)*text) || *end || n > max)
		return false;
	*out = n;
	return true;
}

unsigned long option_number(const char *option, const char *text, unsigned long min,
			    unsigned long max)
{
	uint64_t n;

	if (!read_number(text, 10, max, &n) || n < min)
		die("%s: '%s' is no number from %lu to %lu", option, text, min, max);
	return (unsigned long)n;
}
