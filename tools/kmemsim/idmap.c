/* SPDX-License-Identifier: MIT */
/*
 * From a trace's ids to what they stand for. Ids are small integers that are used again, so a table
 * of pages, each made when an id in it is first met, is both small and quick.
 */
#include "trace.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_BITS 12
#define IDS_PER_PAGE (1u << PAGE_BITS)

struct idmap {
	struct id_entry **pages;
	size_t nr_pages;
};

struct idmap *idmap_new(void)
{
	return xcalloc(1, sizeof(struct idmap));
}

static void grow(struct idmap *m, size_t page)
{
	size_t nr = m->nr_pages ? m->nr_pages : 16;

	while (nr <= page)
		nr *= 2;
	m->pages = xrealloc(m->pages, nr, sizeof(*m->pages));
	memset(m->pages + m->nr_pages, 0, (nr - m->nr_pages) * sizeof(*m->pages));
	m->nr_pages = nr;
}

struct id_entry *idmap_at(struct idmap *m, uint32_t id)
{
	size_t page = id >> PAGE_BITS;

	if (page >= m->nr_pages)
		grow(m, page);
	if (!m->pages[page])
		m->pages[page] = xcalloc(IDS_PER_PAGE, sizeof(**m->pages));
	return &m->pages[page][id & (IDS_PER_PAGE - 1)];
}

void idmap_free(struct idmap *m)
{
	for (size_t i = 0; i < m->nr_pages; i++)
		free(m->pages[i]);
	free(m->pages);
	free(m);
}
