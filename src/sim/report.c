/* SPDX-License-Identifier: MIT */
/*
 * Where messages go. A machine's own handler and sink come first, then the process's, then the
 * default: reports and log lines of warnings and worse to stderr, abort() after BUG and PANIC.
 *
 * A handler is called with no lock of this file held, but may be called with locks of the kernel
 * part held.
 */
#include "sim/process.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

#define DEFAULT_LOG_LEVEL 4	/* KERN_WARNING */
#define TITLE_MAX 512

static struct report_hook report_hook_of(struct hooks *hooks)
{
	struct report_hook hook;

	sim_lock(&hooks->lock);
	hook = hooks->report;
	sim_unlock(&hooks->lock);
	return hook;
}

static struct log_hook log_hook_of(struct hooks *hooks)
{
	struct log_hook hook;

	sim_lock(&hooks->lock);
	hook = hooks->log;
	sim_unlock(&hooks->lock);
	return hook;
}

static enum machine_verdict default_report(const struct machine_report *r)
{
	if (!strstr(r->text, r->title))
		fprintf(stderr, "%s\n", r->title);
	fputs(r->text, stderr);
	fflush(stderr);
	return r->kind == MACHINE_WARN ? MACHINE_CONTINUE : MACHINE_ABORT;
}

/* The first line that says something: the kernel opens some reports with a rule. */
static void title_of(const char *text, char *title, size_t size)
{
	while ((*text == '=' || *text == '-') && strchr(text, '\n'))
		text = strchr(text, '\n') + 1;
	snprintf(title, size, "%.*s", (int)strcspn(text, "\n"), text);
}

void arch_report(const struct arch_machine *am, enum machine_report_kind kind, const char *text)
{
	char title[TITLE_MAX];

	title_of(text, title, sizeof(title));
	arch_report_titled(am, kind, title, text);
}

void arch_report_titled(const struct arch_machine *am, enum machine_report_kind kind,
			const char *title, const char *text)
{
	struct machine *m = am ? machine_of(am) : NULL;
	struct report_hook hook = {0};
	struct machine_report r = {.kind = kind, .title = title, .text = text};
	enum machine_verdict verdict;

	if (m)
		hook = report_hook_of(&m->hooks);
	if (!hook.fn)
		hook = report_hook_of(process_hooks());
	sim_local.context.handlers++;
	verdict = hook.fn ? hook.fn(m, &r, hook.arg) : default_report(&r);
	sim_local.context.handlers--;
	if (verdict == MACHINE_ABORT)
		abort();
}

void arch_log(const struct arch_machine *am, int level, const char *line)
{
	struct machine *m = am ? machine_of(am) : NULL;
	struct log_hook hook = {0};

	if (m)
		hook = log_hook_of(&m->hooks);
	if (!hook.fn)
		hook = log_hook_of(process_hooks());
	sim_local.context.handlers++;
	if (hook.fn)
		hook.fn(m, level, line, hook.arg);
	else if (level <= DEFAULT_LOG_LEVEL)
		fprintf(stderr, "%s\n", line);
	sim_local.context.handlers--;
}

/* Hooks of @m, or of the process, locked together with the process; NULL if @m is no live machine. */
static struct hooks *hooks_lock(struct machine *m)
{
	process_lock();
	if (!m || process_has_machine_locked(m)) {
		struct hooks *hooks = m ? &m->hooks : process_hooks();

		sim_lock(&hooks->lock);
		return hooks;
	}
	process_unlock();
	return NULL;
}

static void hooks_unlock(struct hooks *hooks)
{
	sim_unlock(&hooks->lock);
	process_unlock();
}

void machine_set_report_handler(struct machine *m, machine_report_fn *fn, void *arg)
{
	struct hooks *hooks = hooks_lock(m);

	if (!hooks) {
		arch_report(NULL, MACHINE_WARN, "machine_set_report_handler: no live machine\n");
		return;
	}
	hooks->report = (struct report_hook){fn, arg};
	hooks_unlock(hooks);
}

void machine_set_log_sink(struct machine *m, machine_log_fn *fn, void *arg)
{
	struct hooks *hooks = hooks_lock(m);

	if (!hooks) {
		arch_report(NULL, MACHINE_WARN, "machine_set_log_sink: no live machine\n");
		return;
	}
	hooks->log = (struct log_hook){fn, arg};
	hooks_unlock(hooks);
}

/* --- stacks and names ------------------------------------------------------------------------ */

struct walk {
	unsigned long *entries;
	unsigned int n, max, skip;
};

static _Unwind_Reason_Code walk_frame(struct _Unwind_Context *context, void *arg)
{
	struct walk *w = arg;

	if (w->n == w->max)
		return _URC_END_OF_STACK;
	if (w->skip)
		w->skip--;
	else
		w->entries[w->n++] = _Unwind_GetIP(context);
	return _URC_NO_REASON;
}

/* Not backtrace(): it allocates on first use, and sanitizers put a frame of theirs in front of it. */
noinline unsigned int arch_stack_save(unsigned long *entries, unsigned int max, unsigned int skip)
{
	struct walk w = {.entries = entries, .max = max, .skip = skip + 1};

	if (skip < UINT_MAX)
		_Unwind_Backtrace(walk_frame, &w);
	/* The outermost frame's return address is 0. */
	return w.n && !entries[w.n - 1] ? w.n - 1 : w.n;
}

void arch_thread_name(char *buf, size_t size, int *tid)
{
	char name[16] = "";

	prctl(PR_GET_NAME, name);
	snprintf(buf, size, "%s", name);
	*tid = (int)syscall(SYS_gettid);
}

void arch_trap(void)
{
	abort();
}
