/* SPDX-License-Identifier: MIT */
/*
 * What stands before an event, in ftrace and in perf script text: a task, "[CPU]", a time. A task's
 * name may hold blanks, brackets and numbers, so a line is not read from its left end: the CPU is
 * looked for, and what is around it must fit.
 */
#include "trace_form.h"

#include <limits.h>
#include <string.h>

const char *text_find_cpu(const char *p)
{
	while ((p = strchr(p, '['))) {
		const char *q = p + 1;

		while (is_digit(*q))
			q++;
		if (q > p + 1 && *q == ']')
			return p;
		p++;
	}
	return NULL;
}

const char *text_after_cpu(const char *p, unsigned int *cpu)
{
	unsigned int n = 0;

	for (p++; is_digit(*p); p++)
		n = n <= TRACE_CPU_MAX ? 10 * n + (unsigned int)(*p - '0') : UINT_MAX;
	*cpu = n <= TRACE_CPU_MAX ? n : UINT_MAX;
	return p + 1;
}

const char *text_after_time(const char *p)
{
	if (!is_digit(*p))
		return NULL;
	while (is_digit(*p))
		p++;
	if (*p == '.' && is_digit(p[1]))
		for (p++; is_digit(*p);)
			p++;
	return *p == ':' ? p + 1 : NULL;
}

const char *text_after_spaces(const char *p)
{
	while (*p == ' ')
		p++;
	return p;
}

const char *text_after_word(const char *p)
{
	while (*p && *p != ' ')
		p++;
	return p;
}

const char *text_number_before(const char *line, const char *p)
{
	while (p > line && is_digit(p[-1]))
		p--;
	return p;
}

const char *text_spaces_before(const char *line, const char *p)
{
	while (p > line && p[-1] == ' ')
		p--;
	return p;
}

static const struct trace_form *other_form(const struct trace_form *form, const char *line,
					   size_t len)
{
	static const struct trace_form *const forms[] = {&csv_form, &ftrace_form, &perf_form};

	for (unsigned int i = 0; i < ARRAY_SIZE(forms); i++)
		if (forms[i] != form && forms[i]->is(line, len))
			return forms[i];
	return NULL;
}

void text_bad_line(const struct trace_reader *t, const char *line, size_t len, const char *why)
{
	const struct trace_form *other = other_form(t->form, line, len);

	if (strlen(line) != len)
		bad_line(t, "a NUL byte: this is no text");
	if (other)
		bad_line(t, "%s in %s", other->title, t->form->title);
	line = text_after_spaces(line);
	bad_line(t, "%s: '%.60s'%s", why, line, strlen(line) > 60 ? "…" : "");
}
