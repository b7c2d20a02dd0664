/* SPDX-License-Identifier: MIT */
/*
 * Messages of the kernel part, and assertions.
 *
 * pr_*          one line to the machine's log
 * report_warn   a WARN, in the kernel's form: a rule, what is wrong, where the WARN stands, the
 *               caller's CPU and stack
 * report_warn_on  the same where the kernel gives no words: they are the report's title alone
 * report_bug    a BUG of one line, with the caller's CPU and stack behind it; report_panic
 * report_text   a report whose whole text the caller has made
 *
 * All work without a machine (k NULL): then the process-wide handler receives them.
 *
 * Assertions: a failed one is a defect of libkmem, not misuse: it prints where and stops.
 *   kassert            cheap, on in every build that has assertions
 *   kassert_internal   invariants of one structure (debugoptimized builds)
 *   kassert_expensive  walks of whole lists
 */
#ifndef KMEM_LIB_REPORT_H
#define KMEM_LIB_REPORT_H

#include "arch.h"

struct kernel;
struct seq_file;

void pr_log(struct kernel *k, int level, const char *fmt, ...) KMEM_PRINTF(3, 4);
#define pr_err(k, ...) pr_log(k, 3, __VA_ARGS__)
#define pr_warn(k, ...) pr_log(k, 4, __VA_ARGS__)
#define pr_info(k, ...) pr_log(k, 6, __VA_ARGS__)

/* Each line of @text, which is taken apart for that. */
void pr_lines(struct kernel *k, int level, char *text);

struct report_place {
	const char *file;
	int line;
	bool silent;	/* no words in the text */
};

#define report_warn(k, ...) \
	report_warn_at(k, &(const struct report_place){__FILE__, __LINE__, false}, __VA_ARGS__)
#define report_warn_on(k, ...) \
	report_warn_at(k, &(const struct report_place){__FILE__, __LINE__, true}, __VA_ARGS__)
void report_warn_at(struct kernel *k, const struct report_place *at, const char *fmt, ...)
	KMEM_PRINTF(3, 4);
void report_bug(struct kernel *k, const char *fmt, ...) KMEM_PRINTF(2, 3);
void report_panic(struct kernel *k, const char *fmt, ...) KMEM_PRINTF(2, 3);
void report_text(struct kernel *k, enum machine_report_kind kind, const char *text);

/* The lines "CPU: …" and "Call Trace: …" for such a text; @skip callers are left out. */
void report_put_caller(struct seq_file *m, unsigned int skip);

/* The end of such a text: if its buffer was too small, that shows. */
void report_mark_cut(const struct seq_file *m);

/* What a machine has been through, as the kernel's taint flags. */
enum report_taint {
	TAINT_BAD_PAGE = 5,	/* B: memory was found corrupt */
	TAINT_WARN = 9,		/* W: a WARN was given */
};

void report_taint(struct kernel *k, enum report_taint taint);

/* "Not tainted", or "Tainted: G    B   W         ". */
void report_put_taint(struct seq_file *m, const struct kernel *k);

/* Fill @err, which may be NULL; returns @code. */
int error_set(struct machine_error *err, int code, const char *fmt, ...) KMEM_PRINTF(3, 4);

void kassert_failed(const char *what, const char *file, int line) __attribute__((noreturn, cold));

#ifndef KMEM_ASSERT_LEVEL
#define KMEM_ASSERT_LEVEL 0
#endif

#define KASSERT_AT(level, cond)                                            \
	do {                                                               \
		if (KMEM_ASSERT_LEVEL >= (level) && unlikely(!(cond)))      \
			kassert_failed(#cond, __FILE__, __LINE__);          \
	} while (0)

#define kassert(cond) KASSERT_AT(1, cond)
#define kassert_internal(cond) KASSERT_AT(2, cond)
#define kassert_expensive(cond) KASSERT_AT(3, cond)

#endif
