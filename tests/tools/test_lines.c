/* SPDX-License-Identifier: MIT */
/* Lines come out as they went in, wherever the ends of blocks fall, plain and compressed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "kmemsim/trace.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zstd.h>

#define LONGEST ((1u << 20) - 1)	/* and its end fill a block */

static char path[] = "/tmp/kmemsim-lines-XXXXXX";

static void write_file(const char *text, size_t len, bool compressed)
{
	FILE *file = fopen(path, "w");
	size_t room = ZSTD_compressBound(len);
	char *packed = malloc(room);

	assert_non_null(file);
	assert_non_null(packed);
	if (compressed) {
		len = ZSTD_compress(packed, room, text, len, 1);
		assert_false(ZSTD_isError(len));
		text = packed;
	}
	assert_int_equal(fwrite(text, 1, len, file), len);
	fclose(file);
	free(packed);
}

/* Line @i of a file of lines about @size long. */
static size_t length_of(size_t i, size_t size)
{
	return (i * 2654435761u >> 7) % (2 * size);
}

static char letter_of(size_t i)
{
	return (char)('a' + i % 26);
}

static void check(size_t nr, size_t size, bool ended, bool compressed)
{
	char *text = malloc(nr * (2 * size + 1) + 1), *p = text, *line;
	struct lines *l;
	size_t len, i = 0;

	assert_non_null(text);
	for (; i < nr; i++) {
		len = i == nr - 1 ? size : length_of(i, size);
		memset(p, letter_of(i), len);
		p += len;
		*p++ = '\n';
	}
	write_file(text, (size_t)(p - text) - !ended, compressed);
	free(text);
	l = lines_open(path);
	for (i = 0; (line = lines_next(l, &len)); i++) {
		assert_int_equal(len, i == nr - 1 ? size : length_of(i, size));
		assert_int_equal(strlen(line), len);
		if (len && (line[0] != letter_of(i) || line[len - 1] != letter_of(i)))
			fail_msg("line %zu has another's text", i + 1);
		assert_int_equal(lines_number(l), i + 1);
		assert_int_equal(lines_unended(l), i == nr - 1 && !ended);
	}
	assert_int_equal(i, nr);
	assert_null(lines_next(l, &len));
	lines_close(l);
}

static void test_sizes(void **state)
{
	static const size_t cases[][2] = {
		{1, 1}, {1, 100}, {7, 30000}, {100000, 30}, {60000, 200}, {300, 20000},
		{8, 500000}, {1, LONGEST},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (unsigned int how = 0; how < 4; how++)
			check(cases[i][0], cases[i][1], how & 1, how & 2);
}

static void test_empty(void **state)
{
	struct lines *l;
	size_t len;

	write_file("", 0, false);
	l = lines_open(path);
	assert_null(lines_next(l, &len));
	lines_close(l);
	write_file("", 0, true);
	l = lines_open(path);
	assert_null(lines_next(l, &len));
	lines_close(l);
}

/* A reader that has seen enough leaves while the file is still being read. */
static void test_closed_early(void **state)
{
	size_t len = 4u << 20;
	char *text = malloc(len);

	assert_non_null(text);
	write_file(memset(text, '\n', len), len, true);
	free(text);
	for (unsigned int lines = 0; lines < 2000000; lines = 10 * lines + 1) {
		struct lines *l = lines_open(path);

		for (unsigned int i = 0; i < lines; i++)
			assert_non_null(lines_next(l, &len));
		lines_close(l);
	}
}

/* In a child, since the reader dies: at least so many lines before the trouble are good. */
static void dies_after(unsigned int lines)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		struct lines *l = lines_open(path);
		size_t len;

		fclose(stderr);
		for (unsigned int i = 0; i < lines; i++)
			if (!lines_next(l, &len))
				_exit(3);
		while (lines_next(l, &len))
			;
		_exit(4);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 2);
}

static void test_too_long(void **state)
{
	char *text = malloc(LONGEST + 100);

	assert_non_null(text);
	memset(text, 'x', LONGEST + 100);
	memcpy(text, "a\nb\n", 4);
	write_file(text, LONGEST + 100, false);
	dies_after(2);
	free(text);
}

static void test_truncated(void **state)
{
	size_t size = 3u << 20, half;
	char *text = malloc(size);
	FILE *file;

	assert_non_null(text);
	for (size_t i = 0; i < size; i++)
		text[i] = i % 7 == 6 ? '\n' : (char)('a' + (i * 2654435761u >> 20) % 26);
	write_file(text, size, true);
	file = fopen(path, "r+");
	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	half = (size_t)ftell(file) / 2;
	fclose(file);
	assert_int_equal(truncate(path, (off_t)half), 0);
	dies_after(100000);
	free(text);
}

static int make_path(void **state)
{
	int fd = mkstemp(path);

	close(fd);
	return fd < 0;
}

static int remove_path(void **state)
{
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_closed_early),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_truncated),
	};

	return cmocka_run_group_tests(tests, make_path, remove_path);
}
