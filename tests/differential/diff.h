/* SPDX-License-Identifier: MIT */
/*
 * The differential test: the same random operations on SLAB, SLUB, SLOB and a plain model.
 *
 * A process has one backend, so there is one program for each, made of the same files. Operations
 * are drawn from a seed alone, never from what an earlier one did (ops.c). world.c, objects.c and
 * users.c perform them next to a model that knows what must come out: contents, alignment, zeroing,
 * constructed objects, counts. Whatever is the same on every backend is folded into a digest as it
 * was observed, and into a second one as the model has it; any difference ends the run. The digests
 * of the three programs must be equal as well (differential.sh).
 *
 * Each run is a child process with a machine of its own, so that a crash is a failure like any
 * other. One that fails is repeated with fewer and fewer operations until none can be left out
 * (main.c): an operation that no longer makes sense, since an earlier one is gone, does nothing.
 */
#ifndef DIFF_H
#define DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NR_SLOTS 512
#define NR_CACHES 10

enum op_kind {
	OP_ALLOC,		/* cache → slot; arg: flags */
	OP_KMALLOC,		/* size → slot; arg: which function */
	OP_FREE,		/* slot; arg: which function */
	OP_KREALLOC,		/* slot to size */
	OP_LOOK,		/* slot: contents, ksize */
	OP_ALLOC_BULK,		/* cache → size slots from slot on */
	OP_FREE_BULK,		/* up to size objects from slot on */
	OP_MIGRATE,		/* to CPU arg */
	OP_SHRINK,		/* cache */
	OP_CREATE,		/* cache, of shape arg */
	OP_DESTROY,		/* cache, after its objects */
	OP_DESTROY_BUSY,	/* cache with live objects: refused */
	OP_KFREE_RCU,		/* slot */
	OP_RCU_ADVANCE,
	OP_RCU_READER,		/* slot: freed under a reader's eyes */
	OP_USERCOPY,		/* slot: arg bytes at offset size */
	OP_POOL_ALLOC,		/* arg: place */
	OP_POOL_FREE,		/* arg: place */
	OP_POOL_RESIZE,		/* to arg elements */
	OP_POOL_DRY,		/* whether its allocator has any */
	OP_SABOTAGE,		/* slot: a byte goes wrong, to see that the test sees it */
	NR_OP_KINDS
};

struct op {
	uint8_t kind;
	uint8_t cache;
	uint16_t slot;
	uint32_t size;
	uint32_t arg;
};

/* What a run came to; in memory shared with the child that performs it. */
struct result {
	uint64_t digest;	/* of what was observed */
	uint64_t model;		/* of what the model has */
	uint64_t done[NR_OP_KINDS];	/* operations that made sense, by kind */
	uint64_t ctor_calls, reports;
	uint32_t at;		/* operation on its way */
	bool finished;
	char failure[400];	/* the first difference; else empty */
};

/* A machine to run on. */
struct setup {
	const char *text;
	const char *slab, *slub, *slob;	/* words for the command line of that backend's machine */
	bool merging;		/* like caches share slabs: counts are the group's */
	bool isolated;		/* every page must be back in the end */
	bool zero_on_alloc;
	bool zero_on_free;
	bool slab_poison;	/* SLAB runs constructors at every allocation, then */
};

/* ops.c */
void ops_draw(struct op *ops, uint32_t nr, uint64_t seed);
const char *op_name(unsigned int kind);
uint64_t diff_rand(uint64_t *state);	/* splitmix64 */

/* world.c: performs @ops on a machine of its own; never returns. */
void world_run(const struct setup *setup, const struct op *ops, uint32_t nr,
	       struct result *res) __attribute__((noreturn));

#endif
