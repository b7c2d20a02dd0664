/* SPDX-License-Identifier: MIT */
/*
 * Reports and log lines about what was found under a lock, to be said when it is released: a
 * handler may then look into the structure that the lock guards. What they say is written when it
 * is found, since the next step may repair it.
 */
#ifndef KMEM_LIB_REPORT_QUEUE_H
#define KMEM_LIB_REPORT_QUEUE_H

#include "lib/kfmt.h"
#include "lib/report.h"

struct queued_report;

struct report_queue {
	struct kernel *k;
	struct queued_report *first, **last;
	unsigned int lost;	/* found no host memory */
};

/* Writes a text; called twice with the same result, first to learn its length. */
typedef void report_writer(void *arg, struct seq_file *m);

void report_queue_init(struct report_queue *q, struct kernel *k);

/* A report of that kind, whose text @write makes. */
void report_queue_text(struct report_queue *q, enum machine_report_kind kind, report_writer *write,
		       void *arg);

/* Lines for the log, each ended by a newline, which @write makes. */
void report_queue_lines(struct report_queue *q, int level, report_writer *write, void *arg);

void report_queue_line(struct report_queue *q, int level, const char *fmt, ...) KMEM_PRINTF(3, 4);

/* Say all of it, in order; the queue is empty again. With no lock held. */
void report_queue_say(struct report_queue *q);

#endif
