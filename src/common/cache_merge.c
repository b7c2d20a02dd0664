/* SPDX-License-Identifier: MIT */
/*
 * Merging: where an old cache serves as well, a new one becomes another name of it, and their
 * objects share slabs. On SLAB and SLUB, unless slab_nomerge was said.
 *
 * Never merged are the library's own caches, those with a constructor or a window for user space,
 * and those whose flags ask for something of their own (SLAB_NEVER_MERGE). Any other cache serves
 * if its memory comes from the same place (SLAB_MERGE_SAME), its objects are placed as the new one
 * wants its own to be, and they are not a word longer than that. The oldest that serves is taken.
 *
 * All names share one struct kmem_cache, hence one handle: kmem_cache_name() is the first name for
 * all, kmem_cache_size() the largest size any of them asked for. Each kmem_cache_create() holds a
 * reference, each kmem_cache_destroy() drops one, the last one ends the cache. Nobody can tell
 * which name a destroy means, so names stay as long as the cache, as Linux's links in
 * /sys/kernel/slab do.
 *
 * The registry's mutex guards names and references.
 */
#include "common/backend.h"
#include "common/registry.h"
#include "lib/math.h"
#include "lib/string.h"

#define SLAB_NEVER_MERGE                                                                          \
	(SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER | SLAB_TRACE | SLAB_TYPESAFE_BY_RCU |        \
	 SLAB_NOLEAKTRACE | SLAB_FAILSLAB)
#define SLAB_MERGE_SAME                                                                           \
	(SLAB_RECLAIM_ACCOUNT | SLAB_CACHE_DMA | SLAB_CACHE_DMA32 | SLAB_ACCOUNT |                  \
	 SLAB_CONSISTENCY_CHECKS)

struct cache_alias {
	struct cache_alias *next;
	size_t bytes;			/* of this structure with its name */
	char name[];
};

static bool may_merge(const struct kmem_cache *s)
{
	return !s->boot && !s->ctor && !s->usersize && !(s->flags & SLAB_NEVER_MERGE);
}

/* Whether objects of @s do for @wanted, whose alignment is derived; @size is its size with
 * padding. */
static bool serves(const struct kmem_cache *s, const struct kmem_cache *wanted, unsigned int size)
{
	if (size > s->size || s->size - size >= sizeof(void *))
		return false;
	if ((s->flags ^ wanted->flags) & SLAB_MERGE_SAME)
		return false;
	if (s->size % wanted->align)
		return false;
	return !backend_traits.merge_same_align || s->align % wanted->align == 0;
}

static struct kmem_cache *find_mergeable(struct kernel *k, const struct kmem_cache *wanted)
{
	unsigned int size = round_up(wanted->object_size, wanted->align);
	struct kmem_cache *s;

	if (!backend_traits.merges || k->params.slab_nomerge || !may_merge(wanted))
		return NULL;
	list_for_each_entry_reverse(s, &k->caches->list, list)
		if (may_merge(s) && serves(s, wanted, size))
			return s;
	return NULL;
}

static bool has_name(const struct kmem_cache *s, const char *name)
{
	const struct cache_alias *alias;

	for (alias = s->aliases; alias; alias = alias->next)
		if (!strcmp(alias->name, name))
			return true;
	return !strcmp(s->name, name);
}

static bool add_name(struct kernel *k, struct kmem_cache *s, const char *name)
{
	size_t bytes = sizeof(struct cache_alias) + strlen(name) + 1;
	struct cache_alias *alias;

	if (has_name(s, name))
		return true;
	alias = meta_alloc(k, bytes, NUMA_NO_NODE);
	if (!alias)
		return false;
	alias->bytes = bytes;
	memcpy(alias->name, name, bytes - sizeof(*alias));
	alias->next = s->aliases;
	s->aliases = alias;
	return true;
}

struct kmem_cache *cache_merge_locked(struct kernel *k, const struct kmem_cache *wanted)
{
	struct kmem_cache *s = find_mergeable(k, wanted);

	/* Without memory for a name it is tried as a cache of its own: if that fails, too, it says
	 * so. */
	if (!s || !add_name(k, s, wanted->name))
		return NULL;
	s->refcount++;
	if (wanted->object_size > s->object_size) {
		__atomic_store_n(&s->object_size, wanted->object_size, __ATOMIC_RELAXED);
		backend_object_grew(s);
	}
	return s;
}

struct kmem_cache *cache_find_locked(struct kernel *k, const char *name)
{
	struct kmem_cache *s;

	list_for_each_entry(s, &k->caches->list, list)
		if (has_name(s, name))
			return s;
	return NULL;
}

void cache_put_aliases(const struct kmem_cache *s, struct seq_file *m)
{
	for (const struct cache_alias *alias = s->aliases; alias; alias = alias->next)
		seq_printf(m, "%s\n", alias->name);
}

void cache_free_names(struct kernel *k, struct kmem_cache *s)
{
	struct cache_alias *alias, *next;

	for (alias = s->aliases; alias; alias = next) {
		next = alias->next;
		meta_free(k, alias, alias->bytes);
	}
	s->aliases = NULL;
	meta_free(k, (void *)(uintptr_t)s->name, strlen(s->name) + 1);
}

size_t cache_names_bytes(const struct kmem_cache *s)
{
	size_t bytes = strlen(s->name) + 1;
	const struct cache_alias *alias;

	for (alias = s->aliases; alias; alias = alias->next)
		bytes += alias->bytes;
	return bytes;
}
