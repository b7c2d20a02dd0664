/* SPDX-License-Identifier: MIT */
/*
 * Op scripts: one allocator call a line, as the golden runs on real kernels used them
 * (docs/kmemsim.md). A script is parsed as a whole before its first op runs.
 *
 * Caches are called cN, objects (and page blocks) oM. Names are the script's own: c0 destroyed and
 * made again is a new cache. What an id holds can only be known while the script runs, since an
 * allocation may fail; that a block of pages is given to kfree is known before.
 */
#ifndef KMEMSIM_SCRIPT_H
#define KMEMSIM_SCRIPT_H

#include "kmemsim.h"

#include <kmem/gfp.h>
#include <kmem/slab.h>

enum op_code {
	OP_CACHE, OP_ALLOC, OP_ALLOCN, OP_FREE, OP_BALLOC, OP_BFREE, OP_KMALLOC, OP_KFREE, OP_KSIZE,
	OP_PAGES, OP_FPAGES, OP_SHRINK, OP_DESTROY, OP_DRAIN, OP_PRINT_CACHE, OP_PRINT_STATE,
	OP_PRINT_KMCACHE, OP_GEOM, OP_KSWEEP, OP_REFREE, OP_REKFREE, OP_REFPAGES, OP_RCU, OP_SAY,
	OP_POKE, OP_VALIDATE,
	OP_VMALLOC, OP_VFREE, OP_VPURGE, OP_WALK,
	OP_ARENA, OP_PCP, OP_WMARK, OP_EXHAUST, OP_PRINT_BUDDY,
};

struct op {
	enum op_code code;
	unsigned int line;
	unsigned int cache;	/* N of cN */
	unsigned int object;	/* M of oM */
	unsigned int nr_numbers;
	int64_t numbers[4];	/* in the order of the line */
	gfp_t gfp;
	slab_flags_t flags;
	bool ctor;		/* CTOR among the flags */
	char *word;		/* name, or the flags or GFP words as written */
};

struct script {
	const char *path;
	unsigned int cpus;	/* #SMP, 1 without */
	unsigned int nodes;	/* #NUMA, 1 without */
	char *mem;		/* #MEM, NULL without */
	bool x86_32;		/* #ONLY slub32 */
	bool says;		/* has a `say`: the log begins there */
	struct op *ops;
	size_t nr_ops;
	unsigned int nr_caches;		/* 1 + largest N */
	unsigned int nr_objects;	/* 1 + largest M */
};

/* Dies on the first line that is wrong. */
void script_parse(struct script *s, const char *path);
void script_free(struct script *s);

/* Performs all ops on the entered machine; results go to stdout. */
void script_execute(const struct script *s);

#endif
