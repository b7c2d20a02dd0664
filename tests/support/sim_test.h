/* SPDX-License-Identifier: MIT */
/*
 * For tests of the simulated machine and of src/lib: a machine without the kernel part's layers, only
 * their root, and what it reports and logs.
 */
#ifndef SIM_TEST_H
#define SIM_TEST_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "room.h"
#include "thread_end.h"

#include "arch.h"
#include "lib/kernel.h"

struct sim_heard {
	unsigned int reports, lines;
	enum machine_report_kind kind;
	struct machine *from;
	char title[256];
	char text[4096];
	char line[256];
	int level;
};

static struct sim_heard sim_heard;

static inline enum machine_verdict sim_hear_report(struct machine *m, const struct machine_report *r,
						   void *arg)
{
	struct sim_heard *heard = arg;

	heard->reports++;
	heard->kind = r->kind;
	heard->from = m;
	snprintf(heard->title, sizeof(heard->title), "%s", r->title);
	snprintf(heard->text, sizeof(heard->text), "%s", r->text);
	return MACHINE_CONTINUE;
}

static inline void sim_hear_line(struct machine *m, int level, const char *line, void *arg)
{
	struct sim_heard *heard = arg;

	heard->lines++;
	heard->from = m;
	heard->level = level;
	snprintf(heard->line, sizeof(heard->line), "%s", line);
}

/* Catch what has no handler of its own, into sim_heard. */
static inline void sim_hear_all(void)
{
	memset(&sim_heard, 0, sizeof(sim_heard));
	machine_set_report_handler(NULL, sim_hear_report, &sim_heard);
	machine_set_log_sink(NULL, sim_hear_line, &sim_heard);
}

/* The process's defaults again. */
static inline void sim_hear_nothing(void)
{
	machine_set_report_handler(NULL, NULL, NULL);
	machine_set_log_sink(NULL, NULL, NULL);
}

/* A machine from text, not published; no thread is attached. */
static inline struct arch_machine *sim_create(const char *text)
{
	struct arch_machine *am = NULL;
	struct machine_desc desc;
	struct machine_error err = {0};

	if (machine_desc_parse(&desc, text, NULL, &err) || arch_machine_create(&desc, &am, &err))
		fail_msg("%s: %s", text, err.reason);
	machine_desc_free(&desc);
	return am;
}

/* A published machine with the caller on CPU 0; its kernel part's locks are @fork's. */
static inline struct arch_machine *sim_boot_with_fork(const char *text, arch_fork_fn *fork)
{
	struct arch_machine *am = sim_create(text);
	struct kernel *k = arch_host_alloc(am, sizeof(*k));

	assert_non_null(k);
	k->arch = am;
	am->kernel = k;
	arch_machine_attach(am);
	arch_machine_publish(am, fork);
	return am;
}

static inline struct arch_machine *sim_boot(const char *text)
{
	return sim_boot_with_fork(text, NULL);
}

static inline void sim_shutdown(struct arch_machine *am)
{
	arch_machine_retire(am);
	arch_machine_destroy(am);
}

#endif
