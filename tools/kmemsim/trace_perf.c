/* SPDX-License-Identifier: MIT */
/*
 * What `perf script` prints of a recording of tracepoints:
 *
 *	COMM TID [CPU] TIME: SYSTEM:EVENT: BODY
 *
 * TID may be PID/TID, and the sample's period may stand before the event. Between events there may
 * be comments (#), call chains (lines that begin with blanks and an address) and empty lines, which
 * are passed over.
 */
#include "trace_form.h"

#include <limits.h>
#include <string.h>

/* COMM TID before @cpu. */
static bool task_before(const char *line, const char *cpu)
{
	const char *p = text_spaces_before(line, cpu);
	const char *number = text_number_before(line, p);

	if (p == cpu || number == p)
		return false;
	if (number > line && number[-1] == '/') {
		p = number - 1;
		number = text_number_before(line, p);
		if (number == p)
			return false;
	}
	return number > line && number[-1] == ' ';
}

/* "kmem:kmalloc:": the name is what stands behind the system. */
static const char *parse_name(const char *p, struct text_event *e)
{
	size_t len = (size_t)(text_after_word(p) - p);

	if (len < 2 || p[len - 1] != ':')
		return "no EVENT: behind the time";
	e->name = p;
	e->name_len = len - 1;
	e->body = p + len;
	if (e->name_len > 5 && !memcmp(p, "kmem:", 5)) {
		e->name += 5;
		e->name_len -= 5;
	}
	return NULL;
}

/* From "[CPU]" on. Return: NULL, or what is wrong. */
static const char *parse_rest(const char *p, struct text_event *e)
{
	const char *period;

	p = text_after_cpu(p, &e->cpu);
	if (e->cpu == UINT_MAX)
		return "a CPU beyond all machines";
	p = text_after_time(text_after_spaces(p));
	if (!p)
		return "no TIME: behind [CPU]";
	p = text_after_spaces(p);
	for (period = p; is_digit(*period);)
		period++;
	if (period > p && *period == ' ')
		p = text_after_spaces(period);
	return parse_name(p, e);
}

/* Return: NULL, or what is wrong. */
static const char *parse_prefix(const char *line, struct text_event *e)
{
	return text_parse_prefix(line, e, task_before, parse_rest, "no COMM TID [CPU]");
}

static bool perf_is(const char *line, size_t len)
{
	struct text_event e;

	return !parse_prefix(line, &e);
}

/* "	ffffffff811e7caf kmem_cache_alloc+0xfd ([kernel.kallsyms])" */
static bool is_call(const char *line)
{
	const char *p = line + strspn(line, "\t ");
	size_t digits = strspn(p, "0123456789abcdef");

	return p > line && digits && (p[digits] == ' ' || !p[digits]);
}

static bool perf_parse(struct trace_reader *t, const char *line, size_t len, struct trace_row *row)
{
	struct text_event e;
	const char *wrong = parse_prefix(line, &e);

	if (wrong) {
		if (*line == '#' || !line[strspn(line, "\t ")] || is_call(line))
			return false;
		text_bad_line(t, line, len, wrong);
	}
	e.end = line + len;
	return text_event_row(t, &e, row);
}

const struct trace_form perf_form = {
	.name = "perf",
	.title = "perf script text",
	.is = perf_is,
	.parse = perf_parse,
};
