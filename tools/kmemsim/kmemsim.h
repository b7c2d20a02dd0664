/* SPDX-License-Identifier: MIT */
/*
 * kmemsim, the command-line program: what all its files share.
 *
 * A run is one command (boot, run, replay, compare, walk, mmu) in one process. Bad input is found before
 * anything is printed to stdout, gets one line on stderr and exit status 2: die() and die_at() are
 * the only ways out on an error, so no caller carries error codes around.
 */
#ifndef KMEMSIM_H
#define KMEMSIM_H

#include <argp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))

/* Options that every command takes. */
struct common_options {
	const char *machine;	/* --machine: preset, text, file; NULL: the command's default */
	const char *cmdline;	/* --cmdline: kernel command line; NULL: none */
	bool json;		/* --json */
};

/* Child parser of every command's argp; its input is the struct common_options. */
extern const struct argp common_argp;

/* argp_parse(), but bad options get one line like everything else. */
void parse_arguments(const struct argp *argp, int argc, char **argv, unsigned int flags,
		     void *input);

/* Each command parses its own arguments (argv[0] is for messages) and returns the exit status. */
int cmd_boot(struct common_options *common, int argc, char **argv);
int cmd_run(struct common_options *common, int argc, char **argv);
int cmd_replay(struct common_options *common, int argc, char **argv);
int cmd_compare(struct common_options *common, int argc, char **argv);
int cmd_walk(struct common_options *common, int argc, char **argv);
int cmd_mmu(struct common_options *common, int argc, char **argv);

/* --- errors.c ------------------------------------------------------------------------------ */

/* "kmemsim: …" on stderr, exit status 2. */
void die(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn, cold));

/* "kmemsim: FILE:LINE: …"; line 0 leaves the number out. */
void die_at(const char *file, unsigned long line, const char *fmt, ...) PRINTF_LIKE(3, 4)
	__attribute__((noreturn, cold));

/* "kmemsim: …" on stderr; the program goes on. */
void note(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Memory or die(). */
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n, size_t size);
char *xstrdup(const char *text);
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2);
char *xvasprintf(const char *fmt, va_list args) PRINTF_LIKE(1, 0);

/* @text is a number of @base (as strtoull()'s) without a sign, not above @max, and nothing else. */
bool read_number(const char *text, int base, uint64_t max, uint64_t *out);

/* A count given to an option: a decimal number in [min, max], or die(). */
unsigned long option_number(const char *option, const char *text, unsigned long min,
			    unsigned long max);

/* --- progress.c: a bar on stderr, only when that is a terminal ------------------------------ */

void progress_begin(const char *what);
void progress_update(uint64_t done, uint64_t total);
void progress_end(void);

/* Nanoseconds of the host's clock. */
uint64_t clock_ns(void);

#endif
