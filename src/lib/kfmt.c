/* SPDX-License-Identifier: MIT */
/*
 * One printf subset for every text the kernel part makes.
 *
 * A conversion is read into a `struct spec`, its digits are made right to left in a local buffer,
 * and put_field() lays sign, prefix, zeros, digits and padding out. Everything goes through a
 * seq_file: a bounded buffer, a sink, or neither (then only the length is counted). Nothing is
 * allocated, and no text can be longer than its target: what does not fit is counted and dropped.
 */
#include "lib/kfmt.h"

#include "arch.h"
#include "lib/string.h"

enum length { LEN_INT, LEN_CHAR, LEN_SHORT, LEN_LONG, LEN_LLONG, LEN_SIZE, LEN_MAX };

struct spec {
	bool left;		/* - */
	bool zero;		/* 0 */
	bool plus;		/* + */
	bool space;		/* blank */
	bool alt;		/* # */
	int width;
	int precision;		/* -1: none given */
	enum length length;
	char conv;
};

/* Octal is not among the conversions, so 64 bits take at most 20 digits. */
#define MAX_DIGITS 24

void seq_init_buf(struct seq_file *m, char *buf, size_t size)
{
	*m = (struct seq_file){.buf = buf, .size = size};
	if (size)
		buf[0] = '\0';
}

void seq_init_sink(struct seq_file *m, kmem_sink_fn *sink, void *arg)
{
	*m = (struct seq_file){.sink = sink, .arg = arg};
}

void seq_write(struct seq_file *m, const char *text, size_t len)
{
	if (m->sink && len) {
		arch_context()->handlers++;
		m->sink(m->arg, text, len);
		arch_context()->handlers--;
	}
	if (m->len + 1 < m->size) {
		size_t room = m->size - 1 - m->len;
		size_t n = len < room ? len : room;

		memcpy(m->buf + m->len, text, n);
		m->buf[m->len + n] = '\0';
	}
	m->len += len;
}

void seq_puts(struct seq_file *m, const char *text)
{
	seq_write(m, text, strlen(text));
}

void seq_putc(struct seq_file *m, char c)
{
	seq_write(m, &c, 1);
}

static void seq_fill(struct seq_file *m, char c, int n)
{
	char run[32];

	if (n <= 0)
		return;
	__builtin_memset(run, c, sizeof(run));
	while (n > 0) {
		int piece = n < (int)sizeof(run) ? n : (int)sizeof(run);

		seq_write(m, run, (size_t)piece);
		n -= piece;
	}
}

/* A decimal number of the format itself; saturates well below INT_MAX. */
static int read_number(const char **fmt)
{
	int n = 0;

	for (; **fmt >= '0' && **fmt <= '9'; (*fmt)++)
		n = n < 1000000 ? n * 10 + (**fmt - '0') : n;
	return n;
}

static void read_flags(const char **fmt, struct spec *spec)
{
	for (;; (*fmt)++) {
		switch (**fmt) {
		case '-':
			spec->left = true;
			break;
		case '0':
			spec->zero = true;
			break;
		case '+':
			spec->plus = true;
			break;
		case ' ':
			spec->space = true;
			break;
		case '#':
			spec->alt = true;
			break;
		default:
			return;
		}
	}
}

static enum length read_length(const char **fmt)
{
	char c = **fmt;

	if (c != 'h' && c != 'l' && c != 'z' && c != 'j')
		return LEN_INT;
	(*fmt)++;
	if (c == 'z')
		return LEN_SIZE;
	if (c == 'j')
		return LEN_MAX;
	if (**fmt != c)
		return c == 'h' ? LEN_SHORT : LEN_LONG;
	(*fmt)++;
	return c == 'h' ? LEN_CHAR : LEN_LLONG;
}

/* va_list may be an array type, which a parameter would make a pointer: pass a pointer to a struct. */
struct args {
	va_list list;
};

static void read_spec(const char **fmt, struct spec *spec, struct args *args)
{
	*spec = (struct spec){.precision = -1};
	read_flags(fmt, spec);
	if (**fmt == '*') {
		(*fmt)++;
		spec->width = va_arg(args->list, int);
		if (spec->width < 0) {
			spec->left = true;
			spec->width = -spec->width;
		}
	} else {
		spec->width = read_number(fmt);
	}
	if (**fmt == '.') {
		(*fmt)++;
		if (**fmt == '*') {
			(*fmt)++;
			spec->precision = va_arg(args->list, int);
		} else {
			spec->precision = read_number(fmt);
		}
	}
	spec->length = read_length(fmt);
	spec->conv = **fmt;
	if (**fmt)
		(*fmt)++;
}

static uint64_t read_unsigned(enum length length, struct args *args)
{
	switch (length) {
	case LEN_CHAR:
		return (unsigned char)va_arg(args->list, unsigned int);
	case LEN_SHORT:
		return (unsigned short)va_arg(args->list, unsigned int);
	case LEN_LONG:
		return va_arg(args->list, unsigned long);
	case LEN_LLONG:
		return va_arg(args->list, unsigned long long);
	case LEN_SIZE:
		return va_arg(args->list, size_t);
	case LEN_MAX:
		return va_arg(args->list, uintmax_t);
	default:
		return va_arg(args->list, unsigned int);
	}
}

static int64_t read_signed(enum length length, struct args *args)
{
	switch (length) {
	case LEN_CHAR:
		return (signed char)va_arg(args->list, int);
	case LEN_SHORT:
		return (short)va_arg(args->list, int);
	case LEN_LONG:
		return va_arg(args->list, long);
	case LEN_LLONG:
		return va_arg(args->list, long long);
	case LEN_SIZE:
		return (ptrdiff_t)va_arg(args->list, size_t);
	case LEN_MAX:
		return va_arg(args->list, intmax_t);
	default:
		return va_arg(args->list, int);
	}
}

/* prefix (sign or 0x), then zeros up to the precision or width, then @text, padded to the width. */
static void put_field(struct seq_file *m, const struct spec *spec, const char *prefix,
		      const char *text, int len, int zeros)
{
	int prefix_len = (int)strlen(prefix);
	int pad = spec->width - prefix_len - zeros - len;

	if (!spec->left)
		seq_fill(m, ' ', pad);
	seq_write(m, prefix, (size_t)prefix_len);
	seq_fill(m, '0', zeros);
	seq_write(m, text, (size_t)len);
	if (spec->left)
		seq_fill(m, ' ', pad);
}

static void put_digits(struct seq_file *m, const struct spec *spec, const char *prefix, uint64_t n,
		       unsigned int base, const char *alphabet)
{
	char digits[MAX_DIGITS];
	int at = MAX_DIGITS;
	int zeros = 0;
	int len;

	for (; n; n /= base)
		digits[--at] = alphabet[n % base];
	if (at == MAX_DIGITS && spec->precision != 0)
		digits[--at] = '0';
	len = MAX_DIGITS - at;
	if (spec->precision >= 0)
		zeros = spec->precision - len;
	else if (spec->zero && !spec->left)
		zeros = spec->width - len - (int)strlen(prefix);
	put_field(m, spec, prefix, digits + at, len, zeros > 0 ? zeros : 0);
}

static void put_signed(struct seq_file *m, const struct spec *spec, int64_t n)
{
	const char *sign = n < 0 ? "-" : spec->plus ? "+" : spec->space ? " " : "";

	put_digits(m, spec, sign, n < 0 ? 0 - (uint64_t)n : (uint64_t)n, 10, "0123456789");
}

static void put_hex(struct seq_file *m, const struct spec *spec, uint64_t n, bool prefixed)
{
	bool upper = spec->conv == 'X';
	const char *prefix = !prefixed ? "" : upper ? "0X" : "0x";

	put_digits(m, spec, prefix, n, 16, upper ? "0123456789ABCDEF" : "0123456789abcdef");
}

static void put_string(struct seq_file *m, const struct spec *spec, const char *s)
{
	int len = 0;

	if (!s)
		s = "(null)";
	while ((spec->precision < 0 || len < spec->precision) && s[len])
		len++;
	put_field(m, spec, "", s, len, 0);
}

static void put_conversion(struct seq_file *m, const struct spec *spec, struct args *args)
{
	uint64_t n;
	char c;

	switch (spec->conv) {
	case 'd':
	case 'i':
		put_signed(m, spec, read_signed(spec->length, args));
		break;
	case 'u':
		put_digits(m, spec, "", read_unsigned(spec->length, args), 10, "0123456789");
		break;
	case 'x':
	case 'X':
		n = read_unsigned(spec->length, args);
		put_hex(m, spec, n, spec->alt && n);
		break;
	case 'p':
		put_hex(m, spec, (uintptr_t)va_arg(args->list, void *), true);
		break;
	case 'c':
		c = (char)va_arg(args->list, int);
		put_field(m, spec, "", &c, 1, 0);
		break;
	case 's':
		put_string(m, spec, va_arg(args->list, const char *));
		break;
	case '%':
		seq_putc(m, '%');
		break;
	default: /* unknown: shown, so that it is seen */
		seq_putc(m, '%');
		if (spec->conv)
			seq_putc(m, spec->conv);
	}
}

static void seq_vprintf(struct seq_file *m, const char *fmt, struct args *args)
{
	while (*fmt) {
		const char *plain = fmt;
		struct spec spec;

		while (*fmt && *fmt != '%')
			fmt++;
		seq_write(m, plain, (size_t)(fmt - plain));
		if (!*fmt)
			return;
		fmt++;
		read_spec(&fmt, &spec, args);
		put_conversion(m, &spec, args);
	}
}

int kvsnprintf(char *buf, size_t size, const char *fmt, va_list list)
{
	struct seq_file m;
	struct args args;

	seq_init_buf(&m, buf, size);
	va_copy(args.list, list);
	seq_vprintf(&m, fmt, &args);
	va_end(args.list);
	return (int)m.len;
}

int ksnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list list;
	int len;

	va_start(list, fmt);
	len = kvsnprintf(buf, size, fmt, list);
	va_end(list);
	return len;
}

void seq_printf(struct seq_file *m, const char *fmt, ...)
{
	struct args args;

	va_start(args.list, fmt);
	seq_vprintf(m, fmt, &args);
	va_end(args.list);
}
