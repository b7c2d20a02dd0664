/* SPDX-License-Identifier: MIT */
/* One line for each trouble, and memory that is there or ends the program. */
#include "kmemsim.h"

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

char *xasprintf(const char *fmt, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0)
		die("out of memory");
	return text;
}

unsigned long option_number(const char *option, const char *text, unsigned long min,
			    unsigned long max)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *text < '0' || *text > '9' || *end || n < min || n > max)
		die("%s: '%s' is no number from %lu to %lu", option, text, min, max);
	return n;
}
