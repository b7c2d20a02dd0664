/* SPDX-License-Identifier: MIT */
/* A table of words in aligned columns. */
#ifndef KMEMSIM_TABLE_H
#define KMEMSIM_TABLE_H

#include "kmemsim.h"

struct table;

/* @columns: names, NULL at the end; one that begins with '<' is aligned left, the others right. */
struct table *table_new(const char *const *columns);

/* The next cell, left to right, row after row. */
void table_cell(struct table *t, const char *fmt, ...) PRINTF_LIKE(2, 3);

void table_print(const struct table *t, FILE *out);
void table_free(struct table *t);

#endif
