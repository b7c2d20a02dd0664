/* SPDX-License-Identifier: MIT */
/*
 * Zonelists: the zones that a request of a node tries, in order.
 *
 *	node 0 of two:  [0 Normal] [0 DMA32] [0 DMA] [1 Normal] NULL
 *
 * Nodes come by distance, the own one first; each node gives its zones from high to low, so that
 * low memory is spared, and only those that have RAM. A request walks the list and skips what
 * lies above its highest zone. Nodes at equal distance are taken round about: first the ones
 * after us, and the one that fewer others have put in that place, so that not all nodes overflow
 * into the same neighbour.
 */
#include "buddy/zone.h"

#include "lib/errno.h"

#define LOCAL_DISTANCE 10u
#define REMOTE_DISTANCE 20u
/* A node load is less than this, so that it decides only between equals. */
#define NODE_LOAD_LIMIT 65536u

static unsigned int node_distance(const struct buddy *b, unsigned int from, unsigned int to)
{
	const uint8_t *distance = b->kernel->arch->desc->distance;

	if (distance)
		return distance[from * b->nr_nodes + to];
	return from == to ? LOCAL_DISTANCE : REMOTE_DISTANCE;
}

/* The node not used yet that is best for @local; -1: none with memory is left. */
static int next_best_node(const struct buddy *b, unsigned int local, const uint32_t *load,
			  const bool *used)
{
	unsigned int best_value = ~0u;
	int best = -1;

	if (!used[local])
		return (int)local;
	for (unsigned int n = 0; n < b->nr_nodes; n++) {
		unsigned int value = node_distance(b, local, n);

		if (used[n] || !b->nodes[n].present)
			continue;
		value += n < local;
		value += b->nodes[n].nr_cpus != 0;
		value = value * NODE_LOAD_LIMIT + load[n];
		if (value < best_value) {
			best_value = value;
			best = (int)n;
		}
	}
	return best;
}

static struct zoneref *add_node_zones(struct zoneref *ref, struct pgdat *pgdat)
{
	for (unsigned int type = KMEM_MAX_NR_ZONES; type-- > 0;) {
		struct zone *zone = &pgdat->zones[type];

		if (zone_populated(zone))
			*ref++ = (struct zoneref){zone, type};
	}
	return ref;
}

static unsigned int count_zones(const struct pgdat *pgdat)
{
	unsigned int n = 0;

	for (unsigned int type = 0; type < KMEM_MAX_NR_ZONES; type++)
		n += zone_populated(&pgdat->zones[type]);
	return n;
}

/* @load counts, per node, for how many others it is the first at its distance. */
static int build_zonelist(struct buddy *b, struct pgdat *pgdat, uint32_t *load, bool *used,
			  unsigned int nr_zones)
{
	const struct arch_machine *am = b->kernel->arch;
	unsigned int local = (unsigned int)pgdat->nid, prev = local;
	struct zoneref *ref;
	int node;

	/* Each list ends with a zone NULL: host memory comes zeroed. */
	pgdat->zonelist = arch_host_alloc(am, (nr_zones + 1) * sizeof(*ref));
	pgdat->zonelist_thisnode = arch_host_alloc(am, (count_zones(pgdat) + 1) * sizeof(*ref));
	if (!pgdat->zonelist || !pgdat->zonelist_thisnode)
		return -ENOMEM;
	add_node_zones(pgdat->zonelist_thisnode, pgdat);
	for (unsigned int n = 0; n < b->nr_nodes; n++)
		used[n] = false;
	ref = pgdat->zonelist;
	while ((node = next_best_node(b, local, load, used)) >= 0) {
		unsigned int n = (unsigned int)node;

		if (node_distance(b, local, n) != node_distance(b, local, prev))
			load[n]++;
		used[n] = true;
		ref = add_node_zones(ref, &b->nodes[n]);
		prev = n;
	}
	return 0;
}

int buddy_build_zonelists(struct buddy *b)
{
	const struct arch_machine *am = b->kernel->arch;
	uint32_t *load = arch_host_alloc(am, b->nr_nodes * sizeof(*load));
	bool *used = arch_host_alloc(am, b->nr_nodes * sizeof(*used));
	unsigned int nr_zones = 0;
	int ret = load && used ? 0 : -ENOMEM;

	for (unsigned int nid = 0; nid < b->nr_nodes; nid++)
		nr_zones += count_zones(&b->nodes[nid]);
	for (unsigned int nid = 0; !ret && nid < b->nr_nodes; nid++)
		ret = build_zonelist(b, &b->nodes[nid], load, used, nr_zones);
	if (load)
		arch_host_free(am, load, b->nr_nodes * sizeof(*load));
	if (used)
		arch_host_free(am, used, b->nr_nodes * sizeof(*used));
	return ret;
}
