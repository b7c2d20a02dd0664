/* SPDX-License-Identifier: MIT */
/*
 * Pointers to numbers: open addressing, one after the other. A removal moves what follows back into
 * the hole, so that the table holds nothing but what is live and is as large as that, however many
 * pointers came and went.
 */
#include "trace_form.h"

#include <stdlib.h>

struct slot {
	uint64_t key;		/* 0: empty */
	uint32_t value;
};

struct ptrmap {
	struct slot *slots;
	size_t mask;		/* slots - 1 */
	unsigned int shift;	/* that leaves as many bits of a hash */
	size_t nr;
};

static void make_slots(struct ptrmap *m, unsigned int bits)
{
	m->slots = xcalloc((size_t)1 << bits, sizeof(*m->slots));
	m->mask = ((size_t)1 << bits) - 1;
	m->shift = 64 - bits;
}

struct ptrmap *ptrmap_new(void)
{
	struct ptrmap *m = xcalloc(1, sizeof(*m));

	make_slots(m, 10);
	return m;
}

/* Fibonacci hashing: neighbours in memory land far apart. */
static size_t home(const struct ptrmap *m, uint64_t key)
{
	return (size_t)((key * 0x9e3779b97f4a7c15ULL) >> m->shift);
}

/* The slot of @key, or the empty one where it would be. */
static size_t find(const struct ptrmap *m, uint64_t key)
{
	size_t i = home(m, key);

	while (m->slots[i].key && m->slots[i].key != key)
		i = (i + 1) & m->mask;
	return i;
}

static void grow(struct ptrmap *m)
{
	struct slot *old = m->slots;
	size_t nr_old = m->mask + 1;

	make_slots(m, 64 - m->shift + 1);
	for (size_t i = 0; i < nr_old; i++)
		if (old[i].key)
			m->slots[find(m, old[i].key)] = old[i];
	free(old);
}

uint32_t *ptrmap_add(struct ptrmap *m, uint64_t key, bool *is_new)
{
	size_t i = find(m, key);

	*is_new = !m->slots[i].key;
	if (!*is_new)
		return &m->slots[i].value;
	if (3 * (m->nr + 1) > 2 * (m->mask + 1)) {
		grow(m);
		i = find(m, key);
	}
	m->nr++;
	m->slots[i] = (struct slot){.key = key};
	return &m->slots[i].value;
}

/* Fill the hole at @hole with what was pushed behind it. */
static void close_hole(struct ptrmap *m, size_t hole)
{
	for (size_t i = (hole + 1) & m->mask; m->slots[i].key; i = (i + 1) & m->mask) {
		size_t pushed = (i - home(m, m->slots[i].key)) & m->mask;

		if (pushed < ((i - hole) & m->mask))
			continue;	/* its home lies behind the hole */
		m->slots[hole] = m->slots[i];
		hole = i;
	}
	m->slots[hole].key = 0;
}

bool ptrmap_remove(struct ptrmap *m, uint64_t key, uint32_t *value)
{
	size_t i = find(m, key);

	if (!m->slots[i].key)
		return false;
	*value = m->slots[i].value;
	m->nr--;
	close_hole(m, i);
	return true;
}

void ptrmap_free(struct ptrmap *m)
{
	free(m->slots);
	free(m);
}
