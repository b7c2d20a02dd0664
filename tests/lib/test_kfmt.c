/* SPDX-License-Identifier: MIT */
/* src/lib/kfmt.c, against the host's snprintf where both know the conversion. */
#include "../support/sim_test.h"

#include <limits.h>

#include "lib/kfmt.h"
#include "lib/rand.h"

#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-extra-args"

#define SAME(...)                                                                  \
	do {                                                                       \
		char ours_[300], libc_[300];                                       \
		int n_ = ksnprintf(ours_, sizeof(ours_), __VA_ARGS__);             \
		int m_ = snprintf(libc_, sizeof(libc_), __VA_ARGS__);              \
                                                                                   \
		assert_string_equal(ours_, libc_);                                 \
		assert_int_equal(n_, m_);                                          \
	} while (0)

static void test_plain(void **state)
{
	SAME("%s", "");
	SAME("nothing to convert");
	SAME("%d%%", 50);
	SAME("%d %i %u %x %X %c %s", -1, 2, 3u, 0xabcu, 0xabcu, 'c', "text");
	SAME("[%5c][%-5c][%5s][%-5s][%.2s][%5.1s]", 'a', 'b', "ab", "cd", "efg", "hij");
	SAME("[%*d][%-*d][%.*d][%*.*d][%*d]", 6, 42, 6, 42, 4, 42, 7, 3, 42, -6, 42);
	SAME("[%.0d][%.0u][%.0x][%5.0d][%+.0d]", 0, 0u, 0u, 0, 0);
	SAME("[%#x][%#X][%#x][%#08x][%#8x][%-#8x]", 255u, 255u, 0u, 255u, 255u, 255u);
	SAME("%hhd %hhu %hd %hu", 300, 300, 70000, 70000);
	SAME("%ld %lu %lld %llu %zu %zd %jd %ju", LONG_MIN, ULONG_MAX, LLONG_MIN, ULLONG_MAX,
	     SIZE_MAX, (ssize_t)-5, INTMAX_MIN, UINTMAX_MAX);
	SAME("%d %d %x", INT_MIN, INT_MAX, UINT_MAX);
	SAME("%p", (void *)(uintptr_t)0x7fff12345678);
	SAME("%.3s", (const char *)"abc\0def");
}

static void test_null(void **state)
{
	const char *volatile nothing = NULL; /* the compiler knows printf and would warn */
	char buf[40];

	ksnprintf(buf, sizeof(buf), "%s %p", nothing, NULL);
	assert_string_equal(buf, "(null) 0x0");
}

static void test_unknown_is_shown(void **state)
{
	char buf[40];

	ksnprintf(buf, sizeof(buf), "a%yb%");
	assert_string_equal(buf, "a%yb%");
}

/* Any bound gives the same length and the first bytes of the whole. */
static void test_bounds(void **state)
{
	const char *fmt = "%s-%08x-%-12s|%+d";
	char whole[100], cut[100];
	int len = ksnprintf(whole, sizeof(whole), fmt, "head", 0xbeefu, "left", 7);

	for (size_t size = 0; size < sizeof(cut); size++) {
		memset(cut, '#', sizeof(cut));
		assert_int_equal(ksnprintf(size ? cut : NULL, size, fmt, "head", 0xbeefu, "left", 7),
				 len);
		if (size) {
			size_t kept = (size_t)len < size ? (size_t)len : size - 1;

			assert_memory_equal(cut, whole, kept);
			assert_int_equal(cut[kept], '\0');
		}
		for (size_t i = size; i < sizeof(cut); i++)
			assert_int_equal(cut[i], '#');
	}
}

static char *put(char *out, const char *text)
{
	size_t n = strlen(text);

	memcpy(out, text, n + 1);
	return out + n;
}

/* A random conversion without its letter, flags to precision, into @out. */
static void random_spec(uint64_t *seed, char *out, const char *flags)
{
	*out++ = '%';
	for (unsigned int i = rand_next(seed) % 4; i; i--)
		*out++ = flags[rand_next(seed) % strlen(flags)];
	*out = '\0';
	if (rand_next(seed) % 2)
		out += sprintf(out, "%d", 1 + (int)(rand_next(seed) % 40));
	if (rand_next(seed) % 3 == 0)
		sprintf(out, ".%d", (int)(rand_next(seed) % 30));
}

static uint64_t random_value(uint64_t *seed)
{
	uint64_t n = rand_next(seed) >> (rand_next(seed) % 64);

	return rand_next(seed) % 8 ? n : 0 - n;
}

static void test_random_integers(void **state)
{
	static const char *const lengths[] = {"hh", "h", "", "l", "ll", "z", "j"};
	uint64_t seed = 1;

	for (int i = 0; i < 200000; i++) {
		const char *length = lengths[rand_next(&seed) % 7];
		char conv = "diuxX"[rand_next(&seed) % 5];
		bool is_signed = conv == 'd' || conv == 'i';
		uint64_t n = random_value(&seed);
		char fmt[40], *end;

		/* C leaves the flags that do not fit a conversion undefined. */
		random_spec(&seed, fmt, is_signed ? "-0+ " : conv == 'u' ? "-0" : "-0#");
		end = put(fmt + strlen(fmt), length);
		*end++ = conv;
		*end = '\0';
		if (strlen(length) == 0 || *length == 'h')
			SAME(fmt, (int)n);
		else if (strcmp(length, "ll") && *length != 'j')
			SAME(fmt, (unsigned long)n);
		else
			SAME(fmt, n);
	}
}

static void test_random_strings(void **state)
{
	uint64_t seed = 2;

	for (int i = 0; i < 20000; i++) {
		char text[20], fmt[40];
		unsigned int len = rand_next(&seed) % sizeof(text);

		for (unsigned int j = 0; j < len; j++)
			text[j] = (char)('a' + rand_next(&seed) % 26);
		text[len] = '\0';
		random_spec(&seed, fmt, "-");
		strcat(fmt, "s");
		SAME(fmt, text);
	}
}

static void append(void *arg, const char *text, size_t len)
{
	strncat(arg, text, len);
}

static void test_sink(void **state)
{
	char whole[100] = "";
	struct seq_file m;

	seq_init_sink(&m, append, whole);
	seq_puts(&m, "one ");
	seq_printf(&m, "%03d", 2);
	seq_putc(&m, '!');
	seq_write(&m, "", 0);
	assert_string_equal(whole, "one 002!");
	assert_int_equal(m.len, 8);
}

static void test_count_only(void **state)
{
	struct seq_file m;

	seq_init_buf(&m, NULL, 0);
	seq_printf(&m, "%100s", "");
	assert_int_equal(m.len, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_null),
		cmocka_unit_test(test_unknown_is_shown),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_random_integers),
		cmocka_unit_test(test_random_strings),
		cmocka_unit_test(test_sink),
		cmocka_unit_test(test_count_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
