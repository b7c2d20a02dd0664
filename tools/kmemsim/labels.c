/* SPDX-License-Identifier: MIT */
#include "labels.h"

#include <stdlib.h>
#include <string.h>

struct owner {
	const struct kmem_cache *cache;	/* NULL: SLOB's pages */
	char *name;			/* NULL: forgotten, the place is free */
	unsigned int seen;		/* the next ordinal */
};

struct label {
	const void *base;	/* NULL: empty place */
	unsigned int owner;
	unsigned int ordinal;
};

struct labels {
	struct owner *owners;
	unsigned int nr_owners;
	struct label *table;	/* open addressing, linear probing; capacity is a power of two */
	size_t capacity;
	size_t nr_labels;
	struct label *freed;	/* since the last labels_print_freed() */
	size_t nr_freed;
	size_t freed_capacity;
};

#define FIRST_CAPACITY 256

struct labels *labels_new(void)
{
	struct labels *l = xcalloc(1, sizeof(*l));

	l->capacity = FIRST_CAPACITY;
	l->table = xcalloc(l->capacity, sizeof(*l->table));
	return l;
}

void labels_free(struct labels *l)
{
	for (unsigned int i = 0; i < l->nr_owners; i++)
		free(l->owners[i].name);
	free(l->owners);
	free(l->table);
	free(l->freed);
	free(l);
}

static size_t home(const struct labels *l, const void *base)
{
	uint64_t x = ((uint64_t)(uintptr_t)base >> 12) * 0x9e3779b97f4a7c15ULL;

	return (size_t)(x >> 32) & (l->capacity - 1);
}

/* The place of @base, or the empty one where it belongs. */
static struct label *find(const struct labels *l, const void *base)
{
	size_t i = home(l, base);

	while (l->table[i].base && l->table[i].base != base)
		i = (i + 1) & (l->capacity - 1);
	return &l->table[i];
}

static void grow(struct labels *l)
{
	struct label *old = l->table;
	size_t n = l->capacity;

	l->capacity *= 2;
	l->table = xcalloc(l->capacity, sizeof(*l->table));
	for (size_t i = 0; i < n; i++)
		if (old[i].base)
			*find(l, old[i].base) = old[i];
	free(old);
}

/* Empties a place; those behind it that could not stand at home move up. */
static void erase(struct labels *l, struct label *place)
{
	size_t hole = (size_t)(place - l->table);
	size_t i = hole;

	for (;;) {
		size_t h;

		i = (i + 1) & (l->capacity - 1);
		if (!l->table[i].base)
			break;
		h = home(l, l->table[i].base);
		if (((i - h) & (l->capacity - 1)) < ((i - hole) & (l->capacity - 1)))
			continue;
		l->table[hole] = l->table[i];
		hole = i;
	}
	l->table[hole].base = NULL;
	l->nr_labels--;
}

static unsigned int find_owner(struct labels *l, const struct kmem_cache *cache, const char *name)
{
	unsigned int empty = l->nr_owners;

	for (unsigned int i = 0; i < l->nr_owners; i++) {
		if (!l->owners[i].name)
			empty = i;
		else if (l->owners[i].cache == cache)
			return i;
	}
	if (empty == l->nr_owners) {
		l->owners = xrealloc(l->owners, l->nr_owners + 1, sizeof(*l->owners));
		l->nr_owners++;
	}
	l->owners[empty] = (struct owner){.cache = cache, .name = xstrdup(name)};
	return empty;
}

unsigned int labels_slab(struct labels *l, const struct kmem_cache *cache, const char *owner,
			 const void *base)
{
	struct label *place = find(l, base);
	unsigned int o;

	if (place->base)
		return place->ordinal;
	o = find_owner(l, cache, owner);
	*place = (struct label){.base = base, .owner = o, .ordinal = l->owners[o].seen++};
	l->nr_labels++;
	o = place->ordinal;
	if (2 * l->nr_labels > l->capacity)
		grow(l);
	return o;
}

void labels_slab_freed(struct labels *l, const void *base)
{
	struct label *place = find(l, base);

	if (!place->base)
		return;
	if (l->nr_freed == l->freed_capacity) {
		l->freed_capacity = l->freed_capacity ? 2 * l->freed_capacity : 64;
		l->freed = xrealloc(l->freed, l->freed_capacity, sizeof(*l->freed));
	}
	l->freed[l->nr_freed++] = *place;
	erase(l, place);
}

static void forget_labels(struct labels *l, unsigned int owner)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->nr_freed; i++)
		if (l->freed[i].owner != owner)
			l->freed[kept++] = l->freed[i];
	l->nr_freed = kept;
	for (size_t i = 0; i < l->capacity;) {
		if (l->table[i].base && l->table[i].owner == owner)
			erase(l, &l->table[i]);	/* another may have moved here: look again */
		else
			i++;
	}
}

void labels_forget_cache(struct labels *l, const struct kmem_cache *cache)
{
	for (unsigned int i = 0; i < l->nr_owners; i++) {
		if (!l->owners[i].name || l->owners[i].cache != cache)
			continue;
		forget_labels(l, i);
		free(l->owners[i].name);
		l->owners[i].name = NULL;
	}
}

static int by_ordinal(const void *a, const void *b)
{
	const struct label *x = a;
	const struct label *y = b;

	if (x->owner != y->owner)
		return x->owner < y->owner ? -1 : 1;
	return x->ordinal < y->ordinal ? -1 : x->ordinal > y->ordinal;
}

void labels_print_freed(struct labels *l, FILE *out)
{
	if (!l->nr_freed)
		return;
	qsort(l->freed, l->nr_freed, sizeof(*l->freed), by_ordinal);
	for (size_t i = 0; i < l->nr_freed; i++)
		fprintf(out, "  slabfree %s s%u\n", l->owners[l->freed[i].owner].name,
			l->freed[i].ordinal);
	l->nr_freed = 0;
}
