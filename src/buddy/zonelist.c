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

/* --- nodes in order --------------------------------------------------------------------------- */

/* What the lists are made with. */
struct builder {
	struct buddy *b;
	uint32_t *load;			/* for how many nodes each is the first at its distance */
	uint64_t *order;		/* keys, see node_key() */
	unsigned int nr_zones;		/* in each list */
};

/* Nodes for @local ascend by it: nearness, then load, then number, which is its lower half. */
static uint64_t node_key(const struct builder *bd, unsigned int local, unsigned int n)
{
	uint64_t value = node_distance(bd->b, local, n);

	value += n < local;
	value += bd->b->nodes[n].nr_cpus != 0;
	return (value * NODE_LOAD_LIMIT + bd->load[n]) << 32 | n;
}

/* Below @i, @key finds its place in a heap of @nr keys with the largest on top. */
static void sift_down(uint64_t *heap, unsigned int nr, unsigned int i, uint64_t key)
{
	for (;;) {
		unsigned int child = 2 * i + 1;

		if (child >= nr)
			break;
		if (child + 1 < nr && heap[child + 1] > heap[child])
			child++;
		if (heap[child] <= key)
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = key;
}

static void sort_keys(uint64_t *keys, unsigned int nr)
{
	for (unsigned int i = nr / 2; i-- > 0;)
		sift_down(keys, nr, i, keys[i]);
	while (nr > 1) {
		uint64_t last = keys[--nr];

		keys[nr] = keys[0];
		sift_down(keys, nr, 0, last);
	}
}

/* The other nodes with memory, the best for @local first. Returns how many. What adding one does
 * to its load changes the place of none that comes later. */
static unsigned int order_nodes(const struct builder *bd, unsigned int local)
{
	unsigned int nr = 0;

	for (unsigned int n = 0; n < bd->b->nr_nodes; n++)
		if (n != local && bd->b->nodes[n].present)
			bd->order[nr++] = node_key(bd, local, n);
	sort_keys(bd->order, nr);
	return nr;
}

/* --- lists ------------------------------------------------------------------------------------ */

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

static int build_zonelist(const struct builder *bd, struct pgdat *pgdat)
{
	const struct arch_machine *am = bd->b->kernel->arch;
	unsigned int local = (unsigned int)pgdat->nid, prev = local;
	unsigned int nr = order_nodes(bd, local);
	struct zoneref *ref;

	/* Each list ends with a zone NULL: host memory comes zeroed. */
	pgdat->zonelist = arch_host_alloc(am, (bd->nr_zones + 1) * sizeof(*ref));
	pgdat->zonelist_thisnode = arch_host_alloc(am, (count_zones(pgdat) + 1) * sizeof(*ref));
	if (!pgdat->zonelist || !pgdat->zonelist_thisnode)
		return -ENOMEM;
	add_node_zones(pgdat->zonelist_thisnode, pgdat);
	ref = add_node_zones(pgdat->zonelist, pgdat);
	for (unsigned int i = 0; i < nr; i++) {
		unsigned int n = (unsigned int)(bd->order[i] & UINT32_MAX);

		if (node_distance(bd->b, local, n) != node_distance(bd->b, local, prev))
			bd->load[n]++;
		ref = add_node_zones(ref, &bd->b->nodes[n]);
		prev = n;
	}
	return 0;
}

int buddy_build_zonelists(struct buddy *b)
{
	const struct arch_machine *am = b->kernel->arch;
	struct builder bd = {
		.b = b,
		.load = arch_host_alloc(am, b->nr_nodes * sizeof(*bd.load)),
		.order = arch_host_alloc(am, b->nr_nodes * sizeof(*bd.order)),
	};
	int ret = bd.load && bd.order ? 0 : -ENOMEM;

	for (unsigned int nid = 0; nid < b->nr_nodes; nid++)
		bd.nr_zones += count_zones(&b->nodes[nid]);
	for (unsigned int nid = 0; !ret && nid < b->nr_nodes; nid++)
		ret = build_zonelist(&bd, &b->nodes[nid]);
	if (bd.load)
		arch_host_free(am, bd.load, b->nr_nodes * sizeof(*bd.load));
	if (bd.order)
		arch_host_free(am, bd.order, b->nr_nodes * sizeof(*bd.order));
	return ret;
}
