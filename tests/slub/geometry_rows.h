/* SPDX-License-Identifier: MIT */
/*
 * Rows of a real SLUB kernel's geometry, and caches of this build. Public headers only and no CMocka,
 * so that a 32-bit program can look where CMocka is there for 64 bits alone.
 */
#ifndef KMEM_TEST_GEOMETRY_ROWS_H
#define KMEM_TEST_GEOMETRY_ROWS_H

#include "../support/flag_words.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kmem/kmem.h>

static const char *const geometry_columns[] = {
	"objsize", "size", "align", "perslab", "order", "minorder", "minobjs", "inuse",
	"fpoff", "redleft", "cpu_partial", "cpu_partial_slabs", "min_partial", "flags",
};

#define GEOMETRY_HEAD "cpus,req,reqalign,reqflags,objsize,"

static void geometry_ctor(void *object)
{
	(void)object;
}

/* "objsize=1 size=8 …" from the row's columns "1,8,…". */
static inline void geometry_expect(char *values, char *out, size_t size)
{
	size_t i, len = 0;

	values[strcspn(values, "\n")] = '\0';
	for (i = 0; i < sizeof(geometry_columns) / sizeof(geometry_columns[0]) && len < size; i++) {
		char *end = values + strcspn(values, ",");

		len += (size_t)snprintf(out + len, size - len, "%s%s=%.*s", i ? " " : "",
					geometry_columns[i], (int)(end - values), values);
		values = *end ? end + 1 : end;
	}
}

static inline bool geometry_row_agrees(char *line)
{
	char words[100], expect[400] = "", got[400] = "";
	unsigned int size, align;
	struct kmem_cache *s;
	slab_flags_t flags;
	int values = 0;

	if (sscanf(line, "%*u,%u,%u,%99[^,],%n", &size, &align, words, &values) != 3 || !values ||
	    !flags_of_words(words, &flags)) {
		fprintf(stderr, "no row of geometry: %s\n", line);
		return false;
	}
	geometry_expect(line + values, expect, sizeof(expect));
	s = kmem_cache_create("row", size, align, flags,
			      strstr(words, "CTOR") ? geometry_ctor : NULL);
	if (s)
		kmem_cache_print_geometry(s, false, got, sizeof(got));
	kmem_cache_destroy(s);
	if (!strcmp(got, expect))
		return true;
	fprintf(stderr, "req=%u reqalign=%u reqflags=%s:\n     got %s\nexpected %s\n", size, align, words,
		got, expect);
	return false;
}

/* How many rows the file @path has for @cpus CPUs, as many as the machine has; 0 if one differs, which is shown, or
 * the file is no such file. */
static inline unsigned int geometry_rows_agree(const char *path, unsigned int cpus)
{
	FILE *f = fopen(path, "r");
	unsigned int rows = 0;
	char line[300] = "";
	bool good;

	if (!f) {
		perror(path);
		return 0;
	}
	good = fgets(line, sizeof(line), f) && !strncmp(line, GEOMETRY_HEAD, strlen(GEOMETRY_HEAD));
	while (good && fgets(line, sizeof(line), f)) {
		if (strtoul(line, NULL, 10) != cpus)
			continue;
		good = geometry_row_agrees(line);
		rows++;
	}
	fclose(f);
	return good ? rows : 0;
}

#endif
