/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct table {
	unsigned int columns;
	bool *left;
	char **cells;	/* row after row; the first row holds the names */
	size_t nr_cells;
	size_t capacity;
};

static void add_cell(struct table *t, char *text)
{
	if (t->nr_cells == t->capacity) {
		t->capacity = t->capacity ? 2 * t->capacity : 64;
		t->cells = xrealloc(t->cells, t->capacity, sizeof(*t->cells));
	}
	t->cells[t->nr_cells++] = text;
}

struct table *table_new(const char *const *columns)
{
	struct table *t = xcalloc(1, sizeof(*t));

	while (columns[t->columns])
		t->columns++;
	t->left = xcalloc(t->columns, sizeof(*t->left));
	for (unsigned int i = 0; i < t->columns; i++) {
		t->left[i] = columns[i][0] == '<';
		add_cell(t, xstrdup(columns[i] + t->left[i]));
	}
	return t;
}

void table_cell(struct table *t, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add_cell(t, xvasprintf(fmt, args));
	va_end(args);
}

static unsigned int column_width(const struct table *t, unsigned int column)
{
	size_t width = 0;

	for (size_t i = column; i < t->nr_cells; i += t->columns)
		if (strlen(t->cells[i]) > width)
			width = strlen(t->cells[i]);
	return (unsigned int)width;
}

static void print_row(const struct table *t, size_t first, const unsigned int *widths, FILE *out)
{
	for (unsigned int c = 0; c < t->columns && first + c < t->nr_cells; c++) {
		bool last = c + 1 == t->columns;

		if (t->left[c] && last)
			fputs(t->cells[first + c], out);
		else
			fprintf(out, t->left[c] ? "%-*s" : "%*s", (int)widths[c],
				t->cells[first + c]);
		fputs(last ? "" : "  ", out);
	}
	fputc('\n', out);
}

void table_print(const struct table *t, FILE *out)
{
	unsigned int *widths = xcalloc(t->columns, sizeof(*widths));

	for (unsigned int c = 0; c < t->columns; c++)
		widths[c] = column_width(t, c);
	for (size_t i = 0; i < t->nr_cells; i += t->columns)
		print_row(t, i, widths, out);
	free(widths);
}

void table_free(struct table *t)
{
	for (size_t i = 0; i < t->nr_cells; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t->left);
	free(t);
}
