/* SPDX-License-Identifier: MIT */
/*
 * What the kernel command line and the description ask of the kernel part. Filled by src/boot
 * before any layer starts and constant afterwards; the defaults are Linux 6.1's.
 */
#ifndef KMEM_LIB_PARAMS_H
#define KMEM_LIB_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A value as it stands on the command line, which lives as long as the machine. */
struct param_text {
	const char *text;		/* not terminated; NULL: not given */
	size_t len;
};

/* failslab=INTERVAL,PROBABILITY,SPACE,TIMES */
struct failslab_params {
	bool given;
	int interval, probability, space, times;
};

struct kernel_params {
	uint64_t seed;
	bool isolate_metadata;
	bool thp;			/* per-CPU page lists have an order-9 list */
	unsigned int pageblock_order;	/* 9; 10 on x86_32 */

	uint64_t kernelcore;		/* bytes that ZONE_MOVABLE must leave; 0: not given */
	uint64_t movablecore;		/* bytes that it should have; 0: not given */
	unsigned int kernelcore_percent;	/* the same of all RAM; 0: not given */
	unsigned int movablecore_percent;
	bool kernelcore_mirror;

	uint64_t vmalloc_size;		/* vmalloc=: bytes; 0: as the machine has it */

	bool init_on_alloc;		/* memory is zero when it is handed out */
	bool init_on_free;		/* and from the moment it is given back */
	bool page_owner;		/* who holds each page is recorded */

	bool slab_nomerge;
	unsigned int slub_min_order;
	unsigned int slub_max_order;	/* PAGE_ALLOC_COSTLY_ORDER, 3 */
	unsigned int slub_min_objects;	/* 0: from the number of CPUs */
	unsigned int slab_max_order;	/* 1; 0 on machines with at most 32 MiB */
	bool slab_max_order_set;	/* by the command line */
	bool slab_freelist_random;	/* SLUB: the objects of a new slab come in random order */
	bool noaliencache;		/* SLAB: no arrays of objects on their way to other nodes */
	bool slab_freelist_hardened;	/* SLUB: free pointers are concealed */
	bool sheaves_always;		/* SLUB: sheaves in a machine with one thread, too */
	bool sheaves_never;		/* SLUB: none */
	bool cgroup_nokmem;		/* groups are charged with nothing */
	struct failslab_params failslab;
	struct param_text slab_debug;	/* the backend's own of slub_debug=, slab_debug=, slob_debug= */
};

#endif
