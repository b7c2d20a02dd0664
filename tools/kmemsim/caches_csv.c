/* SPDX-License-Identifier: MIT */
/*
 * The caches of the machine a trace was recorded on (--caches): a csv file with a header that names
 * its columns; those that matter here may stand in any order among others.
 */
#include "trace.h"

#include <stdlib.h>
#include <string.h>

enum column {
	C_NAME, C_OBJECT_SIZE, C_ALIGN, C_HWCACHE_ALIGN, C_RECLAIM_ACCOUNT, C_CTOR, NR_COLUMNS
};

static const char *const column_names[NR_COLUMNS] = {
	"trace_name", "object_size", "align", "hwcache_align", "reclaim_account", "ctor",
};

struct columns {
	unsigned int at[NR_COLUMNS];	/* which field of a line */
	unsigned int nr_fields;
};

static void read_header(struct columns *c, struct lines *l, char *line)
{
	bool found[NR_COLUMNS] = {false};

	for (char *field; (field = strsep(&line, ",")); c->nr_fields++) {
		for (unsigned int i = 0; i < NR_COLUMNS; i++) {
			if (strcmp(field, column_names[i]))
				continue;
			found[i] = true;
			c->at[i] = c->nr_fields;
		}
	}
	for (unsigned int i = 0; i < NR_COLUMNS; i++)
		if (!found[i])
			die_at(lines_path(l), 1, "no column '%s' in the header", column_names[i]);
}

static unsigned int read_field(struct lines *l, enum column column, const char *text,
			       unsigned long max)
{
	uint64_t n;

	if (!read_number(text, 10, max, &n))
		die_at(lines_path(l), lines_number(l), "%s: '%s' is wrong", column_names[column],
		       text);
	return (unsigned int)n;
}

static void read_cache(const struct columns *c, struct lines *l, char *line, struct cache_info *out)
{
	const char *fields[NR_COLUMNS] = {NULL};
	unsigned int nr = 0;

	for (char *field; (field = strsep(&line, ",")); nr++)
		for (unsigned int i = 0; i < NR_COLUMNS; i++)
			if (c->at[i] == nr)
				fields[i] = field;
	if (nr != c->nr_fields)
		die_at(lines_path(l), lines_number(l), "%u fields where the header has %u", nr,
		       c->nr_fields);
	if (!*fields[C_NAME])
		die_at(lines_path(l), lines_number(l), "a cache without a name");
	out->name = xstrdup(fields[C_NAME]);
	out->object_size = read_field(l, C_OBJECT_SIZE, fields[C_OBJECT_SIZE], UINT32_MAX);
	out->align = read_field(l, C_ALIGN, fields[C_ALIGN], UINT32_MAX);
	out->hwcache_align = read_field(l, C_HWCACHE_ALIGN, fields[C_HWCACHE_ALIGN], 1);
	out->reclaim_account = read_field(l, C_RECLAIM_ACCOUNT, fields[C_RECLAIM_ACCOUNT], 1);
	out->ctor = read_field(l, C_CTOR, fields[C_CTOR], 1);
	/* The recorded alignment of such a cache is a cache line's; the flag asks for it again. */
	if (out->hwcache_align)
		out->align = 0;
}

void caches_load(struct caches_file *f, const char *path)
{
	struct lines *l = lines_open(path);
	struct columns columns = {.nr_fields = 0};
	size_t len;
	char *line = lines_next(l, &len);

	memset(f, 0, sizeof(*f));
	if (!line)
		die_at(path, 0, "an empty file");
	read_header(&columns, l, line);
	while ((line = lines_next(l, &len))) {
		f->caches = xrealloc(f->caches, f->nr + 1, sizeof(*f->caches));
		read_cache(&columns, l, line, &f->caches[f->nr]);
		if (caches_find(f, f->caches[f->nr].name))
			die_at(path, lines_number(l), "a second '%s'", f->caches[f->nr].name);
		f->nr++;
	}
	lines_close(l);
}

const struct cache_info *caches_find(const struct caches_file *f, const char *name)
{
	for (size_t i = 0; i < f->nr; i++)
		if (!strcmp(f->caches[i].name, name))
			return &f->caches[i];
	return NULL;
}

void caches_unload(struct caches_file *f)
{
	for (size_t i = 0; i < f->nr; i++)
		free(f->caches[i].name);
	free(f->caches);
	memset(f, 0, sizeof(*f));
}
