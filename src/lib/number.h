/* SPDX-License-Identifier: MIT */
/* Unsigned numbers in text: of the command line, of files that are written. */
#ifndef KMEM_LIB_NUMBER_H
#define KMEM_LIB_NUMBER_H

#include <stdint.h>

/* The base of the number at *@at: 16 behind 0x, which *@at passes, else 10. */
unsigned int number_base(const char **at);

/*
 * The digits of @base, 2 to 16, at *@at and before @end (NULL: the text ends with a NUL).
 * Return: 0, and *@at is behind them; -EINVAL: there are none; -ERANGE: more than @max.
 */
int number_read(const char **at, const char *end, unsigned int base, uint64_t max, uint64_t *out);

#endif
