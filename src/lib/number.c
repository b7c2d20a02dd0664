/* SPDX-License-Identifier: MIT */
#include "lib/number.h"

#include "lib/errno.h"

#include <limits.h>

static unsigned int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10 : UINT_MAX;
}

unsigned int number_base(const char **at)
{
	const char *p = *at;

	if (p[0] != '0' || (p[1] | 0x20) != 'x')
		return 10;
	*at += 2;
	return 16;
}

int number_read(const char **at, const char *end, unsigned int base, uint64_t max, uint64_t *out)
{
	const char *p = *at;
	uint64_t n = 0;

	for (; p != end; p++) {
		unsigned int digit = digit_of(*p);

		if (digit >= base)
			break;
		if (digit > max || n > (max - digit) / base)
			return -ERANGE;
		n = n * base + digit;
	}
	if (p == *at)
		return -EINVAL;
	*at = p;
	*out = n;
	return 0;
}
