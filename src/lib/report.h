/* SPDX-License-Identifier: MIT */
/*
 * Messages of the kernel part, and assertions.
 *
 * pr_*        one line to the machine's log
 * report_*    a WARN or BUG of one line, with the caller's CPU and stack behind it
 * report_text a report whose whole text the caller has made
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

void report_warn(struct kernel *k, const char *fmt, ...) KMEM_PRINTF(2, 3);
void report_bug(struct kernel *k, const char *fmt, ...) KMEM_PRINTF(2, 3);
void report_panic(struct kernel *k, const char *fmt, ...) KMEM_PRINTF(2, 3);
void report_text(struct kernel *k, enum machine_report_kind kind, const char *text);

/* The lines "CPU: …" and "Call Trace: …" for such a text; @skip callers are left out. */
void report_put_caller(struct seq_file *m, unsigned int skip);

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
