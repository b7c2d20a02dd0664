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

static inline uint64_t load(const char *p, size_t size)
{
	uint64_t word = 0;

	memcpy(&word, p, size);
	return word;
}

/* Up to eight bytes of which every one counts; overlapping loads are quicker than a loop. */
static inline uint64_t load_short(const char *p, size_t len)
{
	if (len >= 4)
		return load(p, 4) << 32 | load(p + len - 4, 4);
	if (!len)
		return 0;
	return load(p, 1) << 16 | load(p + len / 2, 1) << 8 | load(p + len - 1, 1);
}

static inline uint64_t hash_text(const char *text, size_t len)
{
	const uint64_t odd = 0x9e3779b97f4a7c15ULL;
	uint64_t h = len * odd;
	const char *last;

	if (len < 8)
		return (h ^ load_short(text, len)) * odd;
	for (last = text + len - 8; text < last; text += 8)
		h = (h ^ load(text, 8)) * odd;
	return (h ^ load(last, 8)) * odd;
}

static bool is(const struct names *n, unsigned int i, const char *text, size_t len)
{
	return n->lengths[i] == len && !memcmp(n->texts[i], text, len);
}

static unsigned int *find(const struct names *n, const char *text, size_t len)
{
	size_t i = (size_t)(hash_text(text, len) >> 32) & (n->capacity - 1);

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
