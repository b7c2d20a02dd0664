/* SPDX-License-Identifier: MIT */
/*
 * What a cache would need on another machine: an array for each CPU, a shared one for each node of a
 * machine with more than one CPU, and between any two nodes an alien array each way. That is where the
 * square comes from.
 */
#include "slab/slab.h"

static uint64_t shared_bytes(const struct slab_cache *s, unsigned int cpus)
{
	unsigned int shared = s->shared;

	if (cpus == 1)
		shared = 0;
	else if (!shared && s->common.kernel->arch->nr_cpus == 1 && s->common.size <= PAGE_SIZE)
		shared = SLAB_SHARED_FACTOR;
	return shared ? slab_array_bytes(shared * s->batchcount) : 0;
}

uint64_t backend_scaled_bytes(const struct kmem_cache *cache, unsigned int nodes, unsigned int cpus)
{
	const struct slab_cache *s = to_slab_cache((struct kmem_cache *)(uintptr_t)cache);
	uint64_t node = sizeof(*s->node) + sizeof(struct slab_node) + shared_bytes(s, cpus);

	if (nodes > 1)
		node += nodes * sizeof(struct slab_alien *) +
			(uint64_t)(nodes - 1) * sizeof(struct slab_alien);
	return (uint64_t)cpus * slab_array_bytes(s->limit) + nodes * node;
}
