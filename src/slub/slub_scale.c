/* SPDX-License-Identifier: MIT */
/* What a cache would need on another machine: a constant for each node and for each CPU. */
#include "slub/slub.h"

uint64_t backend_scaled_bytes(const struct kmem_cache *s, unsigned int nodes, unsigned int cpus)
{
	return (uint64_t)nodes * (sizeof(struct slub_node *) + sizeof(struct slub_node)) +
	       (uint64_t)cpus * sizeof(struct slub_cpu);
}
