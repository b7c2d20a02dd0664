/* SPDX-License-Identifier: MIT */
#include "lib/report_queue.h"

#include "lib/kernel.h"
#include "lib/string.h"

#define LINE_MAX_LEN 512

struct queued_report {
	struct queued_report *next;
	size_t bytes;			/* of the whole structure */
	enum machine_report_kind kind;
	int level;			/* of log lines; -1: a report */
	char text[];
};

void report_queue_init(struct report_queue *q, struct kernel *k)
{
	q->k = k;
	q->first = NULL;
	q->last = &q->first;
	q->lost = 0;
}

static struct queued_report *add(struct report_queue *q, size_t len)
{
	size_t bytes = sizeof(struct queued_report) + len + 1;
	struct queued_report *r = arch_host_alloc(q->k->arch, bytes);

	if (!r) {
		q->lost++;
		return NULL;
	}
	r->bytes = bytes;
	*q->last = r;
	q->last = &r->next;
	return r;
}

static struct queued_report *add_written(struct report_queue *q, report_writer *write, void *arg)
{
	struct queued_report *r;
	struct seq_file m;

	seq_init_buf(&m, NULL, 0);
	write(arg, &m);
	r = add(q, m.len);
	if (!r)
		return NULL;
	seq_init_buf(&m, r->text, r->bytes - sizeof(*r));
	write(arg, &m);
	return r;
}

void report_queue_text(struct report_queue *q, enum machine_report_kind kind, report_writer *write,
		       void *arg)
{
	struct queued_report *r = add_written(q, write, arg);

	if (!r)
		return;
	r->kind = kind;
	r->level = -1;
}

void report_queue_lines(struct report_queue *q, int level, report_writer *write, void *arg)
{
	struct queued_report *r = add_written(q, write, arg);

	if (r)
		r->level = level;
}

void report_queue_line(struct report_queue *q, int level, const char *fmt, ...)
{
	char line[LINE_MAX_LEN];
	struct queued_report *r;
	va_list args;

	va_start(args, fmt);
	kvsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	r = add(q, strlen(line));
	if (!r)
		return;
	memcpy(r->text, line, strlen(line) + 1);
	r->level = level;
}

void report_queue_say(struct report_queue *q)
{
	struct queued_report *r = q->first;

	while (r) {
		struct queued_report *next = r->next;

		if (r->level < 0)
			report_text(q->k, r->kind, r->text);
		else
			pr_lines(q->k, r->level, r->text);
		arch_host_free(q->k->arch, r, r->bytes);
		r = next;
	}
	if (q->lost)
		report_bug(q->k, "%u reports lost: no host memory for them", q->lost);
	report_queue_init(q, q->k);
}
