/* SPDX-License-Identifier: MIT */
/* What is built on objects, RCU, copies to user space, pools of elements; and CPUs. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- RCU -------------------------------------------------------------------------------------- */

/* What an object that waits for its end tells the callback. */
struct rcu_note {
	struct rcu_head head;
	int cache;
};

static bool rcu_may_free(const struct world *w, const struct object *o)
{
	return o->p && o->size >= sizeof(struct rcu_note) &&
	       !(o->cache >= 0 && w->caches[o->cache].ctor);
}

static void rcu_free(struct rcu_head *head)
{
	struct rcu_note *note = (struct rcu_note *)head;
	struct world *w = the_world;

	w->rcu_run++;
	if (note->cache < 0) {
		kfree(note);
		return;
	}
	w->caches[note->cache].live--;
	kmem_cache_free(w->caches[note->cache].s, note);
}

/* The object is the grace period's; its cache counts it until that has ended. */
static void rcu_queue(struct world *w, struct object *o, bool by_hand)
{
	struct rcu_note *note = (struct rcu_note *)(void *)o->p;
	int cache = o->cache;

	forget(w, o);
	if (cache < 0 && !by_hand) {
		kfree_call_rcu(&note->head, note);
		return;
	}
	if (cache >= 0)
		w->caches[cache].live++;
	note->cache = cache;
	call_rcu(&note->head, rcu_free);
	w->rcu_queued++;
}

void rcu_settle(struct world *w)
{
	rcu_barrier();
	agree(w, "callbacks run", w->rcu_run, w->rcu_queued);
	w->rcu_run = w->rcu_queued = 0;
}

bool op_kfree_rcu(struct world *w, const struct op *op)
{
	struct object *o = slot(w, op, true);

	if (!rcu_may_free(w, o))
		return false;
	rcu_queue(w, o, op->arg & 1);
	return true;
}

/* The number that it returns has the backend's own callbacks in it. */
bool op_rcu_advance(struct world *w, const struct op *op)
{
	(void)op;
	rcu_advance();
	agree(w, "callbacks run", w->rcu_run, w->rcu_queued);
	w->rcu_run = w->rcu_queued = 0;
	return true;
}

/* A reader still sees what was freed after it began. */
bool op_rcu_reader(struct world *w, const struct op *op)
{
	struct object *o = slot(w, op, true), seen = *o;
	size_t i;

	if (!rcu_may_free(w, o))
		return false;
	rcu_settle(w);
	rcu_read_lock();
	rcu_queue(w, o, true);
	rcu_advance();
	agree(w, "callbacks run under a reader", w->rcu_run, 0);
	for (i = (sizeof(struct rcu_note) + 7) / 8; i < seen.size / 8; i++) {
		uint64_t word;

		memcpy(&word, seen.p + 8 * i, 8);
		agree(w, "a word under a reader", word, fill_word(seen.seed, i));
	}
	rcu_read_unlock();
	rcu_settle(w);
	return true;
}

/* --- user copies ------------------------------------------------------------------------------ */

bool op_usercopy(struct world *w, const struct op *op)
{
	struct object *o = slot(w, op, true);
	const struct cache *c = o->cache >= 0 ? &w->caches[o->cache] : NULL;
	size_t off = op->size % (o->size + 1), n = op->arg % (o->size - off + 1);
	bool good = true;

	/* SLOB knows no objects; a merged cache has the first one's window. */
	if (!o->p || w->slob || (c && w->setup->merging))
		return false;
	if (c && n)
		good = off >= c->useroffset && off + n <= c->useroffset + c->usersize;
	w->reports_wanted = !good;
	if (kmem_check_usercopy(o->p + off, n, op->arg >> 31) != (good ? 0 : -14))
		differ(w, "%zu bytes at %zu of %zu should be %s", n, off, o->size,
		       good ? "allowed" : "refused");
	if (w->reports_wanted)
		differ(w, "%zu bytes at %zu of %zu: no report", n, off, o->size);
	return true;
}

/* --- the pool --------------------------------------------------------------------------------- */

void *pool_get(gfp_t gfp, void *data)
{
	struct world *w = data;

	return w->pool_dry ? NULL : kmalloc(POOL_SIZE, gfp);
}

void pool_put(void *element, void *data)
{
	(void)data;
	kfree(element);
}

bool op_pool_alloc(struct world *w, const struct op *op)
{
	unsigned int i = op->arg % POOL_PLACES;
	struct object o = { .size = POOL_SIZE, .cache = -1 };

	if (w->places[i])
		return false;
	w->places[i] = mempool_alloc(w->pool, GFP_NOWAIT);
	agree(w, "an element", w->places[i] != NULL, !w->pool_dry || w->pool_curr > 0);
	if (w->pool_dry && w->pool_curr)
		w->pool_curr--;
	agree(w, "the reserve", (uint64_t)w->pool->curr_nr, (uint64_t)w->pool_curr);
	if (!w->places[i])
		return true;
	o.p = w->places[i];
	fill(w, &o);
	w->place_seeds[i] = o.seed;
	return true;
}

bool op_pool_free(struct world *w, const struct op *op)
{
	unsigned int i = op->arg % POOL_PLACES;
	struct object o = { .size = POOL_SIZE, .cache = -1 };

	if (!w->places[i])
		return false;
	o.p = w->places[i];
	o.seed = w->place_seeds[i];
	look(w, &o, o.size);
	mempool_free(o.p, w->pool);
	w->places[i] = NULL;
	if (w->pool_curr < w->pool_min)
		w->pool_curr++;
	agree(w, "the reserve", (uint64_t)w->pool->curr_nr, (uint64_t)w->pool_curr);
	return true;
}

bool op_pool_resize(struct world *w, const struct op *op)
{
	int nr = 1 + (int)(op->arg % 16);

	agree(w, "mempool_resize", (uint64_t)mempool_resize(w->pool, nr), 0);
	if (w->pool_curr > nr || (nr > w->pool_min && !w->pool_dry))
		w->pool_curr = nr;
	w->pool_min = nr;
	agree(w, "the reserve", (uint64_t)w->pool->curr_nr, (uint64_t)w->pool_curr);
	return true;
}

bool op_pool_dry(struct world *w, const struct op *op)
{
	w->pool_dry = op->arg & 1;
	return true;
}

/* --- the rest --------------------------------------------------------------------------------- */

bool op_migrate(struct world *w, const struct op *op)
{
	unsigned int cpu = op->arg % w->cpus;

	agree(w, "cpu_migrate", (uint64_t)cpu_migrate(cpu), 0);
	agree(w, "smp_processor_id", (uint64_t)smp_processor_id(), cpu);
	return true;
}

bool op_sabotage(struct world *w, const struct op *op)
{
	struct object *o = slot(w, op, true);

	if (!o->p)
		return false;
	o->p[o->size - 1] ^= 0x10;
	return true;
}

