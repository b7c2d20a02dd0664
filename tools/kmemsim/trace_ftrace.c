/* SPDX-License-Identifier: MIT */
/*
 * ftrace text: the file `trace` of tracefs, and what `trace-cmd report` prints.
 *
 *	COMM-TID [CPU] FLAGS TIME: EVENT: BODY
 *	COMM-TID (TGID) [CPU] TIME: EVENT: BODY
 *
 * Besides events there are comments (#), trace-cmd's first lines (cpus=2), what was lost, names of
 * functions (the function tracers' lines, and those of stacks), all of which are passed over.
 */
#include "trace_form.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* COMM-TID before @cpu, maybe with a (TGID) between them. */
static bool task_before(const char *line, const char *cpu)
{
	const char *p = text_spaces_before(line, cpu);
	const char *number;

	if (p == cpu)
		return false;
	if (p > line && p[-1] == ')') {
		while (p > line && *p != '(')
			p--;
		p = text_spaces_before(line, p);
	}
	number = text_number_before(line, p);
	return number < p && number - 1 > line && number[-1] == '-';
}

/* From "[CPU]" on. Return: NULL, or what is wrong. */
static const char *parse_rest(const char *p, struct text_event *e)
{
	p = text_after_cpu(p, &e->cpu);
	if (e->cpu == UINT_MAX)
		return "a CPU beyond all machines";
	p = text_after_spaces(p);
	if (!is_digit(*p))	/* the flags */
		p = text_after_spaces(text_after_word(p));
	p = text_after_time(p);
	if (!p)
		return "no TIME: behind [CPU]";
	e->name = text_after_spaces(p);
	for (p = e->name; *p && *p != ':' && *p != ' ';)
		p++;
	e->name_len = (size_t)(p - e->name);
	e->body = p;
	return e->name_len ? NULL : "no EVENT: behind the time";
}

/* Return: NULL, or what is wrong. */
static const char *parse_prefix(const char *line, struct text_event *e)
{
	return text_parse_prefix(line, e, task_before, parse_rest, "no COMM-TID [CPU]");
}

/* What trace-cmd prints first. */
static bool is_opening(const char *line)
{
	if (!strncmp(line, "cpus=", 5) || !strncmp(line, "version = ", 10))
		return true;
	return !strncmp(line, "CPU ", 4) && strstr(line, " is empty");
}

static bool ftrace_is(const char *line, size_t len)
{
	struct text_event e;

	if (!strncmp(line, "# tracer:", 9) || !strncmp(line, "# entries-in-buffer", 19))
		return true;
	if (is_opening(line) || !strncmp(line, "CPU:", 4))
		return true;
	return !parse_prefix(line, &e);
}

/* "# entries-in-buffer/entries-written: 200/300   #P:2": of 300 events, 200 are here. */
static void comment(struct trace_reader *t, const char *line)
{
	static const char entries[] = "# entries-in-buffer/entries-written:";
	unsigned long long here, written;
	char *end;

	if (strncmp(line, entries, strlen(entries)))
		return;
	here = strtoull(line + strlen(entries), &end, 10);
	if (*end != '/')
		return;
	written = strtoull(end + 1, NULL, 10);
	if (written > here)
		t->others.lost += written - here;
}

/* "CPU:1 [LOST 20 EVENTS]", "CPU:1 [20 EVENTS DROPPED]", either without the number. */
static bool lost_events(struct trace_reader *t, const char *line)
{
	const char *number;

	if (strncmp(line, "CPU:", 4))
		return false;
	number = strpbrk(line + 4, "[");
	if (!number || (!strstr(number, "LOST") && !strstr(number, "DROPPED")))
		return false;
	number = strpbrk(number, "0123456789");
	t->others.lost += number ? strtoull(number, NULL, 10) : 1;
	return true;
}

/* Lines that are no events and may be there. */
static bool no_event(struct trace_reader *t, const char *line)
{
	const char *text = text_after_spaces(line);

	if (*line == '#') {
		comment(t, line);
		return true;
	}
	if (!*text || !strncmp(text, "=> ", 3) || is_opening(line))
		return true;
	return lost_events(t, line);
}

static bool ftrace_parse(struct trace_reader *t, const char *line, size_t len,
			 struct trace_row *row)
{
	struct text_event e;
	const char *wrong = parse_prefix(line, &e);

	if (wrong) {
		if (no_event(t, line))
			return false;
		text_bad_line(t, line, len, wrong);
	}
	e.end = line + len;
	if (*e.body == ':') {
		e.body++;
		return text_event_row(t, &e, row);
	}
	/* "kfree <-kvfree" of the function tracer; "<stack trace>" */
	if (strncmp(e.body, " <-", 3) && *e.name != '<')
		text_bad_line(t, e.name, (size_t)(e.end - e.name), "no EVENT: behind the time");
	text_skip(t, "function names", 14);
	return false;
}

const struct trace_form ftrace_form = {
	.name = "ftrace",
	.title = "ftrace text",
	.is = ftrace_is,
	.parse = ftrace_parse,
};
