/* SPDX-License-Identifier: MIT */
/*
 * The external fragmentation index, as Linux defines it (Documentation/admin-guide/sysctl/vm.rst,
 * extfrag_threshold): for a request that a zone's free blocks cannot serve, towards 0 the zone is
 * short of memory, towards 1 its memory is in pieces too small; -1 when the request can be served.
 *
 *	index = 1 - (1 + free pages / requested pages) / free blocks
 */
#include "replay.h"

#include <kmem/proc.h>

#include <stdlib.h>
#include <string.h>

static int index_of_order(const unsigned long *blocks, unsigned int order)
{
	unsigned long nr_blocks = 0;
	unsigned long pages = 0;

	for (unsigned int o = 0; o < MAX_ORDER; o++) {
		if (o >= order && blocks[o])
			return -1000;
		nr_blocks += blocks[o];
		pages += blocks[o] << o;
	}
	if (!nr_blocks)
		return 0;
	return 1000 - (int)((1000 + pages * 1000 / (1UL << order)) / nr_blocks);
}

/* "Node 0, zone   Normal      3      1 …" */
static bool read_line(const char *line, struct zone_extfrag *z)
{
	unsigned long blocks[MAX_ORDER];
	int used;

	if (sscanf(line, "Node %d, zone %15s%n", &z->node, z->zone, &used) != 2)
		return false;
	line += used;
	for (unsigned int o = 0; o < MAX_ORDER; o++) {
		if (sscanf(line, " %lu%n", &blocks[o], &used) != 1)
			return false;
		line += used;
	}
	for (unsigned int o = 0; o < MAX_ORDER; o++)
		z->index[o] = index_of_order(blocks, o);
	return true;
}

void extfrag_read(struct metrics *m)
{
	long len = proc_read("buddyinfo", NULL, 0);
	char *text, *rest;

	if (len < 0)
		return;
	text = xcalloc((size_t)len + 1, 1);
	proc_read("buddyinfo", text, (size_t)len + 1);
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		m->extfrag = xrealloc(m->extfrag, m->nr_extfrag + 1, sizeof(*m->extfrag));
		if (read_line(line, &m->extfrag[m->nr_extfrag]))
			m->nr_extfrag++;
	}
	free(text);
}

bool extfrag_short(const struct zone_extfrag *z)
{
	for (unsigned int o = 0; o < MAX_ORDER; o++)
		if (z->index[o] != -1000)
			return true;
	return false;
}
