/* SPDX-License-Identifier: MIT */
/* What world.c, objects.c and users.c owe each other; world.c says what a world is. */
#ifndef WORLD_H
#define WORLD_H

#include "diff.h"

#include <kmem/kmem.h>

#define POOL_PLACES 32
#define POOL_SIZE 128
#define CTOR_MARK 0xc0de5117ab1e0000u

/* The model of an object. */
struct object {
	char *p;		/* NULL: the slot is empty */
	size_t size;
	uint64_t seed;
	int cache;		/* -1: kmalloc */
	bool shrunk;		/* by krealloc(): ksize() knows no upper bound */
};

/* The model of a cache. */
struct cache {
	struct kmem_cache *s;	/* NULL: there is none */
	unsigned int size, align, useroffset, usersize;
	slab_flags_t flags;
	unsigned int ctor;	/* 1 + index of its constructor; 0: none */
	unsigned long live;
	unsigned long allocs;
	unsigned long slabs;	/* that ever came */
};

struct world {
	const struct setup *setup;
	struct result *res;
	const char *op;		/* on its way */
	bool slob, slab_poison;
	unsigned int cpus, nodes;
	struct object slots[NR_SLOTS];
	struct cache caches[NR_CACHES];
	unsigned long live_bytes;
	unsigned long rcu_queued, rcu_run;	/* callbacks of ours */
	uint64_t next_seed;
	mempool_t *pool;
	void *places[POOL_PLACES];
	uint64_t place_seeds[POOL_PLACES];
	int pool_min, pool_curr;
	bool pool_dry;
	unsigned int reports_wanted;
	unsigned long ctor_calls[NR_CACHES];
};

/* Constructors and hooks are told no world. */
extern struct world *the_world;

/* --- world.c ---------------------------------------------------------------------------------- */

void differ(struct world *w, const char *fmt, ...) __attribute__((noreturn, format(printf, 2, 3)));

/* What every backend must answer alike. */
void agree(struct world *w, const char *what, uint64_t observed, uint64_t expected);

/* What a word of an object with that seed is. */
uint64_t fill_word(uint64_t seed, size_t i);
void fill(struct world *w, struct object *o);

/* The first @size bytes of @o, as they are and as they were written. */
void look(struct world *w, const struct object *o, size_t size);

/* The first slot from the operation's on that holds an object, or none; after a while any. */
struct object *slot(struct world *w, const struct op *op, bool full);

/* --- objects.c -------------------------------------------------------------------------------- */

/* The model's part: the object is about to go. */
void forget(struct world *w, struct object *o);
void free_slot(struct world *w, struct object *o, uint32_t how);

/* Counts the slabs of caches: a hook. */
void note_slab(void *arg, enum kmem_slab_event ev, struct kmem_cache *s, void *base,
	       unsigned int order);

bool op_create(struct world *w, const struct op *op);
bool op_shrink(struct world *w, const struct op *op);
bool op_alloc(struct world *w, const struct op *op);
bool op_kmalloc(struct world *w, const struct op *op);
bool op_look(struct world *w, const struct op *op);
bool op_krealloc(struct world *w, const struct op *op);
bool op_free(struct world *w, const struct op *op);
bool op_alloc_bulk(struct world *w, const struct op *op);
bool op_free_bulk(struct world *w, const struct op *op);
bool op_destroy(struct world *w, const struct op *op);
bool op_destroy_busy(struct world *w, const struct op *op);

/* --- users.c ---------------------------------------------------------------------------------- */

/* Until all callbacks have run. */
void rcu_settle(struct world *w);

/* What the pool's elements come from, and go to. */
void *pool_get(gfp_t gfp, void *data);
void pool_put(void *element, void *data);

bool op_kfree_rcu(struct world *w, const struct op *op);
bool op_rcu_advance(struct world *w, const struct op *op);
bool op_rcu_reader(struct world *w, const struct op *op);
bool op_usercopy(struct world *w, const struct op *op);
bool op_pool_alloc(struct world *w, const struct op *op);
bool op_pool_free(struct world *w, const struct op *op);
bool op_pool_resize(struct world *w, const struct op *op);
bool op_pool_dry(struct world *w, const struct op *op);
bool op_migrate(struct world *w, const struct op *op);
bool op_sabotage(struct world *w, const struct op *op);

#endif
