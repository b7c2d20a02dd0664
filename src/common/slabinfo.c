/* SPDX-License-Identifier: MIT */
/*
 * /proc/slabinfo, version 2.1: a header, then one line a cache, newest first. Written to, it takes one
 * cache's tunables: "NAME LIMIT BATCHCOUNT SHARED".
 */
#include "common/backend.h"
#include "common/registry.h"
#include "lib/errno.h"
#include "lib/number.h"
#include "lib/string.h"

#include <limits.h>

static void show_cache(struct kmem_cache *s, struct seq_file *m)
{
	struct slabinfo info = { 0 };

	backend_get_slabinfo(s, &info);
	seq_printf(m, "%-17s %6lu %6lu %6u %4u %4d", s->name, info.active_objs, info.num_objs, s->size,
		   info.objects_per_slab, 1 << info.cache_order);
	seq_printf(m, " : tunables %4u %4u %4u", info.limit, info.batchcount, info.shared);
	seq_printf(m, " : slabdata %6lu %6lu %6lu\n", info.active_slabs, info.num_slabs,
		   info.shared_avail);
}

void caches_show_slabinfo(struct kernel *k, struct seq_file *m)
{
	struct kmem_cache *s;

	seq_puts(m, "slabinfo - version: 2.1\n");
	seq_puts(m, "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>");
	seq_puts(m, " : tunables <limit> <batchcount> <sharedfactor>");
	seq_puts(m, " : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
	if (!backend_traits.has_slabinfo)
		return;
	caches_lock_to_look(k);
	list_for_each_entry(s, &k->caches->list, list)
		show_cache(s, m);
	caches_unlock_to_look(k);
}

/* --- tunables --------------------------------------------------------------------------------- */

/* Longest line that is taken, in bytes: Linux's. */
#define SLABINFO_WRITE_MAX 128

struct text {
	const char *at, *end;
};

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A decimal number, perhaps negative, with white space in front of it. */
static bool read_int(struct text *t, int *out)
{
	bool negative;
	uint64_t n;

	while (t->at < t->end && is_space(*t->at))
		t->at++;
	negative = t->at < t->end && *t->at == '-';
	t->at += negative;
	if (number_read(&t->at, t->end, 10, INT_MAX, &n))
		return false;
	*out = negative ? -(int)n : (int)n;
	return true;
}

/* Aliases have no line, so they have no tunables. */
static struct kmem_cache *find_named_locked(struct kernel *k, const char *name, size_t len)
{
	struct kmem_cache *s;

	list_for_each_entry(s, &k->caches->list, list)
		if (strlen(s->name) == len && !memcmp(s->name, name, len))
			return s;
	return NULL;
}

/* Numbers that make no sense are taken and forgotten, as in Linux. */
static int tune_locked(struct kmem_cache *s, int limit, int batchcount, int shared)
{
	if (!s)
		return -EINVAL;
	if (limit < 1 || batchcount < 1 || batchcount > limit || shared < 0)
		return 0;
	return backend_traits.tune(s, (unsigned int)limit, (unsigned int)batchcount,
				   (unsigned int)shared);
}

long caches_write_slabinfo(struct kernel *k, const char *text, size_t len)
{
	struct text t = { .at = text, .end = text + len };
	int limit, batchcount, shared, err;
	size_t name = 0;

	if (!backend_traits.tune)
		return -EIO;
	if (len > SLABINFO_WRITE_MAX)
		return -EINVAL;
	while (name < len && text[name] != ' ')
		name++;
	t.at += name;
	if (!read_int(&t, &limit) || !read_int(&t, &batchcount) || !read_int(&t, &shared))
		return -EINVAL;
	caches_lock(k);
	err = tune_locked(find_named_locked(k, text, name), limit, batchcount, shared);
	caches_unlock(k);
	return err ? err : (long)len;
}
