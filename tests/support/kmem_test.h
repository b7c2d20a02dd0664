/* SPDX-License-Identifier: MIT */
/*
 * What most tests need: a machine booted from text, a report handler that catches instead of
 * aborting, and a log sink that keeps the last lines. Public headers only, so that unit tests and
 * tests that link the library as a user does can include it. Each C file that includes it catches the
 * reports of the machines it boots itself.
 *
 *	struct machine *m = test_boot("preset=x86_64 mem=64M");
 *	kfree(&m);
 *	expect_report(MACHINE_BUG, "no slab");
 *	test_shutdown(m, 0);
 */
#ifndef KMEM_TEST_H
#define KMEM_TEST_H

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

#include <kmem/kmem.h>

#define TEST_MAX_REPORTS 64

struct test_report {
	enum machine_report_kind kind;
	char title[256];
	char text[4096];
};

struct test_state {
	struct test_report reports[TEST_MAX_REPORTS];
	unsigned int nr_reports;	/* caught since the last expect_… */
	unsigned int nr_log;
	char last_log[512];
};

static struct test_state test_state;

static enum machine_verdict test_catch_report(struct machine *m, const struct machine_report *r,
					      void *arg)
{
	struct test_report *t;
	unsigned int i = __atomic_fetch_add(&test_state.nr_reports, 1, __ATOMIC_RELAXED);

	(void)m;
	(void)arg;
	if (i >= TEST_MAX_REPORTS)
		return MACHINE_CONTINUE;
	t = &test_state.reports[i];
	t->kind = r->kind;
	snprintf(t->title, sizeof(t->title), "%s", r->title);
	snprintf(t->text, sizeof(t->text), "%s", r->text);
	return MACHINE_CONTINUE;
}

static void test_catch_log(struct machine *m, int level, const char *line, void *arg)
{
	(void)m;
	(void)level;
	(void)arg;
	test_state.nr_log++;
	snprintf(test_state.last_log, sizeof(test_state.last_log), "%s", line);
}

/* Catch what is said by machines without a handler of their own, and without a machine. */
static inline void test_catch_all(void)
{
	machine_set_report_handler(NULL, test_catch_report, NULL);
	machine_set_log_sink(NULL, test_catch_log, NULL);
}

static inline void test_show_reports(void)
{
	unsigned int i;

	for (i = 0; i < test_state.nr_reports && i < TEST_MAX_REPORTS; i++)
		print_error("report %u, kind %d:\n%s\n", i, test_state.reports[i].kind,
			    test_state.reports[i].text);
}

/* @text with the words of the environment's KMEM_TEST_CMDLINE on its command line, so that a whole
 * suite runs with, say, debug options. */
static inline void test_machine_text(const char *text, char *buf, size_t size)
{
	const char *words = getenv("KMEM_TEST_CMDLINE"), *own = strstr(text, "cmdline=");
	int own_len = own ? (int)strcspn(own + 8, " \"") : 0, n;

	if (own && own[8] == '"')
		own_len = -1;
	if (!words || own_len < 0)
		n = snprintf(buf, size, "%s", text);
	else if (!own)
		n = snprintf(buf, size, "%s cmdline=\"%s\"", text, words);
	else
		n = snprintf(buf, size, "%.*scmdline=\"%.*s %s\"%s", (int)(own - text), text, own_len,
			     own + 8, words, own + 8 + own_len);
	assert_true(n > 0 && (size_t)n < size);
}

/* Whether those words ask for debug options. */
static inline bool test_debugging(void)
{
	const char *words = getenv("KMEM_TEST_CMDLINE");

	return words && strstr(words, "_debug");
}

/* Boot a machine whose reports and log are caught; fails the test if it does not boot. */
static inline struct machine *test_boot(const char *plain)
{
	struct machine_error err = { 0, "" };
	struct machine *m = NULL;
	char text[1024];

	test_machine_text(plain, text, sizeof(text));
	test_catch_all();
	if (machine_boot_text(text, &m, &err)) {
		print_error("boot \"%s\": %d %s\n", text, err.code, err.reason);
		fail();
	}
	assert_non_null(m);
	test_state.nr_reports = 0;
	return m;
}

/* The text @text boots no machine: @code, and @words are in the reason. */
static inline void expect_no_boot(const char *text, int code, const char *words)
{
	struct machine_error err = { 0, "" };
	struct machine *m;

	test_catch_all();
	assert_int_equal(machine_boot_text(text, &m, &err), code);
	if (!strstr(err.reason, words))
		fail_msg("\"%s\": \"%s\" does not say \"%s\"", text, err.reason, words);
}

/* Nor does an x86_64 with @cmdline, of any characters, which the reason repeats. */
static inline void expect_bad_cmdline(const char *cmdline, int code)
{
	struct machine_error err = { 0, "" };
	struct machine_desc desc;
	struct machine *m;

	assert_int_equal(machine_desc_init(&desc, "x86_64", NULL), 0);
	desc.cmdline = cmdline;
	assert_int_equal(machine_boot(&desc, &m, &err), code);
	if (!strstr(err.reason, cmdline))
		fail_msg("\"%s\" does not say \"%s\"", err.reason, cmdline);
	machine_desc_free(&desc);
}

/* No report since the last look. */
static inline void expect_no_reports(void)
{
	if (test_state.nr_reports)
		test_show_reports();
	assert_int_equal(test_state.nr_reports, 0);
}

/* Whether the report says @words, or the same in the words of SLUB's caches with consistency checks. */
static inline bool test_says(const struct test_report *r, const char *words)
{
	static const char *const same[][2] = {
		{ "inside", "Invalid object pointer" },
		{ "double", "Object already free" },
		{ "double", "allocated objects but 1 are to be freed" },
	};
	size_t i;

	if (strstr(r->text, words) || strstr(r->title, words))
		return true;
	for (i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		if (test_debugging() && strstr(words, same[i][0]) && strstr(r->title, same[i][1]))
			return true;
	return false;
}

/* Exactly @n reports since the last look, each of @kind and with @words in its title or text. */
static inline void expect_reports(unsigned int n, enum machine_report_kind kind, const char *words)
{
	unsigned int i;

	if (test_state.nr_reports != n)
		test_show_reports();
	assert_int_equal(test_state.nr_reports, n);
	for (i = 0; i < n && i < TEST_MAX_REPORTS; i++) {
		struct test_report *r = &test_state.reports[i];

		bool said = !words || test_says(r, words);

		if (r->kind != kind || !said)
			print_error("wanted kind %d with \"%s\", got kind %d:\n%s\n", kind,
				    words ? words : "", r->kind, r->text);
		assert_int_equal(r->kind, kind);
		assert_true(said);
	}
	test_state.nr_reports = 0;
}

static inline void expect_report(enum machine_report_kind kind, const char *words)
{
	expect_reports(1, kind, words);
}

/* Shut @m down; it must leak exactly @leaks, and be silent if that is 0. */
static inline void test_shutdown(struct machine *m, unsigned long leaks)
{
	unsigned long got;

	expect_no_reports();
	got = machine_shutdown(m);
	if (got != leaks)
		test_show_reports();
	assert_int_equal(got, leaks);
	if (!leaks)
		expect_no_reports();
	test_state.nr_reports = 0;
}

static inline bool backend_is(const char *name)
{
	return !strcmp(machine_backend(), name);
}

/* splitmix64: the tests' own seeded randomness. */
static inline uint64_t test_rand(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* Text of a /proc file in malloc'ed memory. */
static inline char *test_proc(const char *name)
{
	long len = proc_read(name, NULL, 0);
	char *text;

	assert_true(len >= 0);
	text = malloc((size_t)len + 1);
	assert_non_null(text);
	assert_int_equal(proc_read(name, text, (size_t)len + 1), len);
	return text;
}

/* The figure @name of /proc/vmstat. */
static inline unsigned long vmstat_value(const char *name)
{
	char *text = test_proc("vmstat"), *line = text;
	size_t len = strlen(name);
	unsigned long value;

	while (line && (strncmp(line, name, len) || line[len] != ' ')) {
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	if (!line)
		fail_msg("vmstat has no %s", name);
	value = strtoul(line + len, NULL, 10);
	free(text);
	return value;
}

/* Name of slabinfo's next cache from *@pos on, which starts at the text; false at the end. */
static inline bool test_slabinfo_next(const char **pos, char *name, size_t size)
{
	const char *line = *pos;
	size_t len;

	while (*line == '#' || !strncmp(line, "slabinfo", 8)) {
		line = strchr(line, '\n');
		if (!line)
			return false;
		line++;
	}
	if (!*line)
		return false;
	len = strcspn(line, " ");
	assert_true(len < size);
	memcpy(name, line, len);
	name[len] = '\0';
	line = strchr(line, '\n');
	*pos = line ? line + 1 : "";
	return true;
}

/* Give back every page that an allocator merely keeps: empty slabs, per-CPU pages. */
static inline void test_settle(void)
{
	char *text = test_proc("slabinfo"), name[64];
	const char *pos;
	int round;

	/* A cache may keep its lists in objects of one that came before it. */
	for (round = 0; round < 2; round++)
		for (pos = text; test_slabinfo_next(&pos, name, sizeof(name));)
			kmem_cache_shrink(kmem_find_cache(name));
	free(text);
	drain_all_pages();
}

/* Free pages when nothing is merely kept. */
static inline unsigned long test_free_pages(void)
{
	test_settle();
	return nr_free_pages();
}

static inline struct kmem_stats test_stats(void)
{
	struct kmem_stats st;

	assert_int_equal(kmem_get_stats(&st), 0);
	return st;
}

/* Read and write free memory, which AddressSanitizer would report (gcc and clang do not inline a
 * function without its checks into one with them). */
__attribute__((no_sanitize("address"), unused)) static void test_copy_free(void *to, const void *from,
									   size_t size)
{
	const volatile char *f = from;
	volatile char *t = to;
	size_t i;

	for (i = 0; i < size; i++)
		t[i] = f[i];
}

__attribute__((no_sanitize("address"), unused)) static void test_scribble_free(void *p, int byte,
									       size_t size)
{
	volatile char *b = p;
	size_t i;

	for (i = 0; i < size; i++)
		b[i] = (char)byte;
}

static inline bool test_all_zero(const void *p, size_t size)
{
	const unsigned char *b = p;
	size_t i;

	for (i = 0; i < size; i++)
		if (b[i])
			return false;
	return true;
}

/* Fill and check @size bytes with a pattern that depends on @seed. */
static inline void test_fill(void *p, size_t size, uint64_t seed)
{
	unsigned char *b = p;
	size_t i;

	for (i = 0; i < size; i++)
		b[i] = (unsigned char)(seed * 31 + i * 7 + (i >> 8));
}

static inline bool test_filled(const void *p, size_t size, uint64_t seed)
{
	const unsigned char *b = p;
	size_t i;

	for (i = 0; i < size; i++)
		if (b[i] != (unsigned char)(seed * 31 + i * 7 + (i >> 8)))
			return false;
	return true;
}

#endif
