/* SPDX-License-Identifier: MIT */
/* Interned strings: equal texts get the same number, numbers count from 0. */
#include "trace.h"

#include <stdlib.h>
#include <string.h>

struct names {
	char **texts;
	size_t *lengths;
	unsigned int nr;
	unsigned int *table;	/* number + 1; 0: empty. Open addressing */
	size_t capacity;
	unsigned int last;	/* the text asked for last is often the next one too */
};

struct names *names_new(void)
{
	struct names *n = xcalloc(1, sizeof(*n));

	n->capacity = 64;
	n->table = xcalloc(n->capacity, sizeof(*n->table));
	return n;
}

static uint64_t hash_text(const char *text, size_t len)
{
	uint64_t h = 0xcbf29ce484222325ULL;	/* FNV-1a */

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * 0x100000001b3ULL;
	return h ^ (h >> 29);
}

static bool is(const struct names *n, unsigned int i, const char *text, size_t len)
{
	return n->lengths[i] == len && !memcmp(n->texts[i], text, len);
}

static unsigned int *find(const struct names *n, const char *text, size_t len)
{
	size_t i = (size_t)hash_text(text, len) & (n->capacity - 1);

	while (n->table[i] && !is(n, n->table[i] - 1, text, len))
		i = (i + 1) & (n->capacity - 1);
	return &n->table[i];
}

static void grow(struct names *n)
{
	free(n->table);
	n->capacity *= 2;
	n->table = xcalloc(n->capacity, sizeof(*n->table));
	for (unsigned int i = 0; i < n->nr; i++)
		*find(n, n->texts[i], n->lengths[i]) = i + 1;
}

unsigned int names_intern(struct names *n, const char *text, size_t len)
{
	unsigned int *place;

	if (n->nr && is(n, n->last, text, len))
		return n->last;
	place = find(n, text, len);
	if (*place) {
		n->last = *place - 1;
		return n->last;
	}
	n->texts = xrealloc(n->texts, n->nr + 1, sizeof(*n->texts));
	n->lengths = xrealloc(n->lengths, n->nr + 1, sizeof(*n->lengths));
	n->texts[n->nr] = xcalloc(len + 1, 1);
	memcpy(n->texts[n->nr], text, len);
	n->lengths[n->nr] = len;
	n->last = n->nr++;
	*place = n->nr;
	if (2 * n->nr > n->capacity)
		grow(n);
	return n->last;
}

const char *names_text(const struct names *n, unsigned int i)
{
	return n->texts[i];
}

unsigned int names_count(const struct names *n)
{
	return n->nr;
}

void names_free(struct names *n)
{
	for (unsigned int i = 0; i < n->nr; i++)
		free(n->texts[i]);
	free(n->texts);
	free(n->lengths);
	free(n->table);
	free(n);
}
