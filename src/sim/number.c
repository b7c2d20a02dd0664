/* SPDX-License-Identifier: MIT */
#include "sim/number.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool sim_read_number(const char **at, uint64_t *out)
{
	const char *s = *at;
	int base = s[0] == '0' && (s[1] == 'x' || s[1] == 'X') ? 16 : 10;
	char *end;

	if (base == 16)
		s += 2;
	if (base == 16 ? !isxdigit((unsigned char)*s) : !isdigit((unsigned char)*s))
		return false;
	errno = 0;
	*out = strtoull(s, &end, base);
	*at = end;
	return !errno;
}

bool sim_read_size(const char **at, uint64_t *out)
{
	static const char units[] = "KMGT";
	const char *unit;
	unsigned int shift;

	if (!sim_read_number(at, out))
		return false;
	unit = **at ? strchr(units, toupper((unsigned char)**at)) : NULL;
	if (!unit)
		return true;
	shift = 10 * (unsigned int)(unit - units + 1);
	(*at)++;
	if (*out > UINT64_MAX >> shift)
		return false;
	*out <<= shift;
	return true;
}
