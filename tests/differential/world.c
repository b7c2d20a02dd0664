/* SPDX-License-Identifier: MIT */
/*
 * A machine, the objects that live on it, and the model of both.
 *
 * Contents: every object is filled with words that depend on its seed; the model keeps the seed.
 * Two objects that overlap, a free list that runs through a live one, bytes that krealloc() lost:
 * all of that shows when the object is looked at next, at the latest when it goes.
 *
 * Constructors write a mark into the object's first word, where the fill leaves it alone: an object
 * must come out with the mark in it. They count, too: SLAB and SLUB construct every object of a new
 * slab once and never again, SLOB each object handed out.
 */
#include "diff.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
	bool slob;
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
static struct world *the_world;

/* --- differences ------------------------------------------------------------------------------ */

static void differ(struct world *w, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

static void differ(struct world *w, const char *fmt, ...)
{
	struct result *res = w->res;
	int n = snprintf(res->failure, sizeof(res->failure), "%s: ", w->op);
	va_list args;

	va_start(args, fmt);
	vsnprintf(res->failure + n, sizeof(res->failure) - (size_t)n, fmt, args);
	va_end(args);
	_exit(1);
}

static uint64_t fold(uint64_t digest, uint64_t value)
{
	return (digest ^ value) * 0x100000001b3u + (digest >> 29);
}

/* What every backend must answer alike. */
static void agree(struct world *w, const char *what, uint64_t observed, uint64_t expected)
{
	w->res->digest = fold(w->res->digest, observed);
	w->res->model = fold(w->res->model, expected);
	if (observed != expected)
		differ(w, "%s is %#llx, the model has %#llx", what, (unsigned long long)observed,
		       (unsigned long long)expected);
}

static enum machine_verdict note_report(struct machine *m, const struct machine_report *r, void *arg)
{
	struct world *w = the_world;

	(void)m;
	(void)arg;
	w->res->reports++;
	if (w->reports_wanted)
		w->reports_wanted--;
	else
		differ(w, "unexpected report: %s", r->title);
	return MACHINE_CONTINUE;
}

static void no_log(struct machine *m, int level, const char *line, void *arg)
{
	(void)m;
	(void)level;
	(void)line;
	(void)arg;
}

/* --- contents --------------------------------------------------------------------------------- */

static uint64_t fill_word(uint64_t seed, size_t i)
{
	return seed * 0x9e3779b97f4a7c15u + i * 0xbf58476d1ce4e5b9u;
}

/* Bytes at the front that belong to the constructor. */
static size_t kept(const struct world *w, int cache)
{
	return cache >= 0 && w->caches[cache].ctor ? sizeof(uint64_t) : 0;
}

static void fill(struct world *w, struct object *o)
{
	size_t from = kept(w, o->cache), n = (o->size - from) / 8, i;
	char *p = o->p + from;
	uint64_t word;

	o->seed = ++w->next_seed;
	for (i = 0; i < n; i++) {
		word = fill_word(o->seed, i);
		memcpy(p + 8 * i, &word, 8);
	}
	word = fill_word(o->seed, n);
	memcpy(p + 8 * n, &word, o->size - from - 8 * n);
}

/* The first @size bytes of @o, as they are and as they were written. */
static void look(struct world *w, const struct object *o, size_t size)
{
	size_t from = kept(w, o->cache), n, i;
	const char *p = o->p + from;
	uint64_t seen = 0, want = 0, word;

	n = (size - from) / 8;
	for (i = 0; i < n; i++) {
		memcpy(&word, p + 8 * i, 8);
		seen = fold(seen, word);
		want = fold(want, fill_word(o->seed, i));
	}
	word = 0;
	memcpy(&word, p + 8 * n, size - from - 8 * n);
	seen = fold(seen, word);
	word = fill_word(o->seed, n);
	memset((char *)&word + (size - from - 8 * n), 0, 8 - (size - from - 8 * n));
	want = fold(want, word);
	agree(w, "contents", seen, want);
	if (from) {
		memcpy(&word, o->p, 8);
		agree(w, "the constructor's mark", word, CTOR_MARK | (unsigned int)o->cache);
	}
}

static bool all_zero(const char *p, size_t size)
{
	return !size || (!*p && !memcmp(p, p + 1, size - 1));
}

/* The first slot from the operation's on that holds an object, or none; after a while any. */
static struct object *slot(struct world *w, const struct op *op, bool full)
{
	unsigned int i;

	for (i = 0; i < 24; i++) {
		struct object *o = &w->slots[(op->slot + i) % NR_SLOTS];

		if (!o->p == !full)
			return o;
	}
	return &w->slots[op->slot];
}

/* --- caches ----------------------------------------------------------------------------------- */

static void construct(void *object, int cache)
{
	uint64_t mark = CTOR_MARK | (unsigned int)cache;

	memcpy(object, &mark, sizeof(mark));
	the_world->ctor_calls[cache]++;
	the_world->res->ctor_calls++;
}

#define CTOR(n)                                                                                   \
	static void ctor_##n(void *object)                                                         \
	{                                                                                          \
		construct(object, n);                                                               \
	}
CTOR(0) CTOR(1) CTOR(2) CTOR(3) CTOR(4) CTOR(5) CTOR(6) CTOR(7) CTOR(8) CTOR(9)

static void (*const ctors[NR_CACHES])(void *) = {
	ctor_0, ctor_1, ctor_2, ctor_3, ctor_4, ctor_5, ctor_6, ctor_7, ctor_8, ctor_9,
};

static void note_slab(void *arg, enum kmem_slab_event ev, struct kmem_cache *s, void *base,
		      unsigned int order)
{
	struct world *w = arg;
	int i;

	(void)base;
	(void)order;
	for (i = 0; s && ev == KMEM_SLAB_NEW && i < NR_CACHES; i++)
		w->caches[i].slabs += w->caches[i].s == s;
}

/* "… active_objs=17 …" of the cache's line. */
static unsigned long geometry(struct kmem_cache *s, const char *field)
{
	char line[700], key[32];
	const char *at;

	kmem_cache_print_geometry(s, true, line, sizeof(line));
	snprintf(key, sizeof(key), " %s=", field);
	at = strstr(line, key);
	return at ? strtoul(at + strlen(key), NULL, 10) : 0;
}

/* A shape from 32 random bits. */
static void shape(struct cache *c, uint32_t arg)
{
	static const unsigned int sizes[] = { 8, 16, 24, 40, 64, 96, 100, 128, 192, 256,
					      320, 504, 700, 1000, 2048, 2500, 4096, 6000 };
	static const unsigned int aligns[] = { 0, 0, 0, 8, 16, 32, 64, 128, 256 };

	*c = (struct cache){
		.size = sizes[arg % 18] + (arg >> 5 & 1 ? arg >> 6 & 7 : 0),
		.align = aligns[(arg >> 9) % 9],
	};
	if (!(arg >> 13 & 3))
		c->flags |= SLAB_HWCACHE_ALIGN;
	if (!(arg >> 15 & 7))
		c->flags |= SLAB_RECLAIM_ACCOUNT;
	if (!(arg >> 18 & 7))
		c->flags |= SLAB_TYPESAFE_BY_RCU;
	if (!(arg >> 21 & 7)) {
		c->useroffset = c->size / 4;
		c->usersize = c->size / 2;
	}
	if (!(arg >> 24 & 3))
		c->ctor = 1;
}

static bool op_create(struct world *w, const struct op *op)
{
	struct cache *c = &w->caches[op->cache];
	char name[16];

	if (c->s)
		return false;
	shape(c, op->arg);
	if (c->ctor)
		c->ctor = op->cache + 1;
	w->ctor_calls[op->cache] = 0;
	snprintf(name, sizeof(name), "diff-%u", op->cache);
	c->s = kmem_cache_create_usercopy(name, c->size, c->align, c->flags, c->useroffset,
					  c->usersize, c->ctor ? ctors[c->ctor - 1] : NULL);
	if (!c->s)
		differ(w, "no cache of %u bytes, aligned to %u", c->size, c->align);
	/* of merged caches it is the largest's */
	if (!w->setup->merging)
		agree(w, "kmem_cache_size", kmem_cache_size(c->s), c->size);
	return true;
}

static void check_ctor_calls(struct world *w, unsigned int i)
{
	struct cache *c = &w->caches[i];
	unsigned long want;

	if (!c->ctor)
		return;
	want = w->slob ? c->allocs : c->slabs * geometry(c->s, "perslab");
	if (w->ctor_calls[i] != want)
		differ(w, "%lu constructor calls, the model has %lu", w->ctor_calls[i], want);
}

/* With nothing parked anywhere the cache's own count is ours. */
static bool op_shrink(struct world *w, const struct op *op)
{
	struct cache *c = &w->caches[op->cache];

	if (!c->s)
		return false;
	kmem_cache_shrink(c->s);
	check_ctor_calls(w, op->cache);
	if (w->slob || w->setup->merging)
		return true;
	if (geometry(c->s, "active_objs") != c->live)
		differ(w, "%lu active objects, the model has %lu", geometry(c->s, "active_objs"),
		       c->live);
	return true;
}

/* --- allocation ------------------------------------------------------------------------------- */

static void check_stats(struct world *w)
{
	struct kmem_stats st;

	kmem_get_stats(&st);
	if ((st.slab_pages + st.large_pages) * PAGE_SIZE < w->live_bytes)
		differ(w, "%llu pages hold %lu bytes",
		       (unsigned long long)(st.slab_pages + st.large_pages), w->live_bytes);
}

/* Give @p a slot, after a look at it. */
static void take(struct world *w, struct object *o, void *p, size_t size, int cache, bool zeroed)
{
	const struct cache *c = cache >= 0 ? &w->caches[cache] : NULL;
	uint64_t word = 0;

	agree(w, "an object", p != NULL, true);
	*o = (struct object){ .p = p, .size = size, .cache = cache };
	if (zeroed)
		agree(w, "all bytes zero", all_zero(p, size), true);
	if (c && c->ctor) {
		memcpy(&word, p, sizeof(word));
		agree(w, "the constructor's mark", word, CTOR_MARK | (unsigned int)cache);
	}
	w->live_bytes += size;
	fill(w, o);
}

static void check_align(struct world *w, const void *p, unsigned long align)
{
	agree(w, "the address's rest", (uintptr_t)p & (align - 1), 0);
}

static unsigned long cache_align(const struct world *w, const struct cache *c)
{
	unsigned long align = c->align > 8 ? c->align : 8, line = 64;

	/* SLOB drops the flag for small objects: it aligns to the fraction of a line that holds one. */
	if (!(c->flags & SLAB_HWCACHE_ALIGN))
		return align;
	while (c->size <= line / 2)
		line /= 2;
	return align > line ? align : line;
}

static bool zero_wanted(const struct world *w, const struct cache *c, gfp_t gfp)
{
	bool always = w->setup->zero_on_alloc || w->setup->zero_on_free;

	if (c && (c->ctor || c->flags & SLAB_TYPESAFE_BY_RCU))
		always = false;
	return always || gfp & __GFP_ZERO;
}

static bool op_alloc(struct world *w, const struct op *op)
{
	struct cache *c = &w->caches[op->cache];
	struct object *o = slot(w, op, false);
	gfp_t gfp = op->arg & 1 ? GFP_KERNEL : GFP_ATOMIC;
	void *p;

	if (!c->s || o->p)
		return false;
	if (!c->ctor && !(op->arg & 14))
		gfp |= __GFP_ZERO;
	if (op->arg & 48)
		p = kmem_cache_alloc(c->s, gfp);
	else
		p = kmem_cache_alloc_node(c->s, gfp, (int)((op->arg >> 6) % w->nodes));
	c->live++;
	c->allocs++;
	take(w, o, p, c->size, op->cache, zero_wanted(w, c, gfp));
	check_align(w, p, cache_align(w, c));
	return true;
}

static void *kmalloc_some_way(struct world *w, uint32_t arg, size_t *size, bool *zeroed)
{
	static const char text[] = "the quick brown fox jumps over the lazy dog";

	*zeroed = zero_wanted(w, NULL, 0);
	switch (arg % 8) {
	case 0:
		*zeroed = true;
		return kzalloc(*size, GFP_KERNEL);
	case 1:
		*zeroed = true;
		*size = (*size + 2) / 3 * 3;
		return kcalloc(*size / 3, 3, GFP_KERNEL);
	case 2:
		return kmalloc_node(*size, GFP_KERNEL, (int)((arg >> 8) % w->nodes));
	case 3: {
		char *p = kstrdup(text, GFP_KERNEL);

		*size = sizeof(text);
		*zeroed = false;
		agree(w, "kstrdup's copy", p && !strcmp(p, text), true);
		return p;
	}
	case 4:
		return kmalloc(*size, GFP_KERNEL | __GFP_RECLAIMABLE);
	case 5:
		return kmalloc(*size, GFP_KERNEL | __GFP_ACCOUNT);
	default:
		return kmalloc(*size, arg & 8 ? GFP_KERNEL : GFP_NOWAIT);
	}
}

/* Powers of two are aligned to themselves, up to a page at least. */
static unsigned long kmalloc_align(size_t size)
{
	if (size & (size - 1) || size < 8)
		return 8;
	return size < PAGE_SIZE ? size : PAGE_SIZE;
}

static void check_ksize(struct world *w, const void *p, size_t size)
{
	size_t room = ksize(p), most = kmalloc_size_roundup(size), pages = PAGE_SIZE;

	/* SLOB: to the next unit, or a block of pages */
	while (pages < size + 8)
		pages *= 2;
	if (w->slob && size > PAGE_SIZE / 2)
		most = pages;
	if (room < size || room > (most > 32 ? most : 32))
		differ(w, "ksize is %zu for %zu bytes, of at most %zu", room, size, most);
}

static bool op_kmalloc(struct world *w, const struct op *op)
{
	struct object *o = slot(w, op, false);
	size_t size = op->size;
	bool zeroed;
	void *p;

	if (o->p)
		return false;
	p = kmalloc_some_way(w, op->arg, &size, &zeroed);
	take(w, o, p, size, -1, zeroed);
	check_align(w, p, kmalloc_align(size));
	check_ksize(w, p, size);
	return true;
}

static bool op_look(struct world *w, const struct op *op)
{
	struct object *o = slot(w, op, true);

	if (!o->p)
		return false;
	look(w, o, o->size);
	if (o->cache < 0 && !o->shrunk)
		check_ksize(w, o->p, o->size);
	check_stats(w);
	return true;
}

static bool op_krealloc(struct world *w, const struct op *op)
{
	struct object *o = slot(w, op, true);
	size_t less = op->size < o->size ? op->size : o->size;

	if (!o->p || o->cache >= 0)
		return false;
	look(w, o, o->size);
	o->p = krealloc(o->p, op->size, GFP_KERNEL);
	agree(w, "an object", o->p != NULL, true);
	look(w, o, less);
	w->live_bytes += op->size - o->size;
	o->size = op->size;
	/* a smaller object may stay where it is, with more room than it needs */
	if (ksize(o->p) < o->size)
		differ(w, "ksize is %zu for %zu bytes", ksize(o->p), o->size);
	o->shrunk = o->shrunk || op->size == less;
	fill(w, o);
	return true;
}

/* --- freeing ---------------------------------------------------------------------------------- */

/* The model's part: the object is about to go. */
static void forget(struct world *w, struct object *o)
{
	look(w, o, o->size);
	w->live_bytes -= o->size;
	if (o->cache >= 0)
		w->caches[o->cache].live--;
	o->p = NULL;
}

static void free_slot(struct world *w, struct object *o, uint32_t how)
{
	struct object gone = *o;

	forget(w, o);
	if (gone.cache >= 0 && (w->slob || how % 4))
		kmem_cache_free(w->caches[gone.cache].s, gone.p);
	else if (gone.cache < 0 && how % 16 == 1)
		kfree_sensitive(gone.p);
	else
		kfree(gone.p);
}

static bool op_free(struct world *w, const struct op *op)
{
	struct object *o = slot(w, op, true);

	if (!o->p)
		return false;
	free_slot(w, o, op->arg);
	return true;
}

static bool op_alloc_bulk(struct world *w, const struct op *op)
{
	struct cache *c = &w->caches[op->cache];
	gfp_t gfp = GFP_KERNEL | (c->ctor || op->arg & 3 ? 0 : __GFP_ZERO);
	void *p[64];
	unsigned int nr = 0, i, at;

	if (!c->s)
		return false;
	for (i = 0; i < op->size; i++)
		nr += !w->slots[(op->slot + i) % NR_SLOTS].p;
	agree(w, "kmem_cache_alloc_bulk", (uint64_t)kmem_cache_alloc_bulk(c->s, gfp, nr, p), nr);
	c->live += nr;
	c->allocs += nr;
	for (i = 0, at = op->slot; i < nr; at++) {
		struct object *o = &w->slots[at % NR_SLOTS];

		if (o->p)
			continue;
		take(w, o, p[i], c->size, op->cache, zero_wanted(w, c, gfp));
		check_align(w, p[i++], cache_align(w, c));
	}
	return true;
}

/* Objects of one cache through it, or all kinds through kfree_bulk(). */
static bool op_free_bulk(struct world *w, const struct op *op)
{
	bool any = op->arg & 1;
	void *p[64];
	unsigned int nr = 0, i;

	if (!any && !w->caches[op->cache].s)
		return false;
	for (i = 0; i < op->size; i++) {
		struct object *o = &w->slots[(op->slot + i) % NR_SLOTS];

		if (!o->p || (!any && o->cache != op->cache))
			continue;
		if (any && w->slob && o->cache >= 0) {
			free_slot(w, o, 1); /* kfree() takes no objects of caches there */
			continue;
		}
		p[nr++] = o->p;
		forget(w, o);
	}
	if (any)
		kfree_bulk(nr, p);
	else
		kmem_cache_free_bulk(w->caches[op->cache].s, nr, p);
	return true;
}

static void rcu_settle(struct world *w);

static bool op_destroy(struct world *w, const struct op *op)
{
	struct cache *c = &w->caches[op->cache];
	unsigned int i;

	if (!c->s)
		return false;
	/* Its objects may be waiting for their grace period. */
	rcu_settle(w);
	for (i = 0; i < NR_SLOTS; i++)
		if (w->slots[i].p && w->slots[i].cache == op->cache)
			free_slot(w, &w->slots[i], 1);
	check_ctor_calls(w, op->cache);
	kmem_cache_destroy(c->s);
	c->s = NULL;
	return true;
}

/* Refused with a report; of merged caches only a name would go. */
static bool op_destroy_busy(struct world *w, const struct op *op)
{
	struct cache *c = &w->caches[op->cache];
	uint64_t before = w->res->reports;

	if (!c->s || !c->live || w->setup->merging)
		return false;
	w->reports_wanted = 1000;
	kmem_cache_destroy(c->s);
	w->reports_wanted = 0;
	agree(w, "a report", w->res->reports > before, true);
	return true;
}

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

static void rcu_settle(struct world *w)
{
	rcu_barrier();
	agree(w, "callbacks run", w->rcu_run, w->rcu_queued);
	w->rcu_run = w->rcu_queued = 0;
}

static bool op_kfree_rcu(struct world *w, const struct op *op)
{
	struct object *o = slot(w, op, true);

	if (!rcu_may_free(w, o))
		return false;
	rcu_queue(w, o, op->arg & 1);
	return true;
}

/* The number that it returns has the backend's own callbacks in it. */
static bool op_rcu_advance(struct world *w, const struct op *op)
{
	(void)op;
	rcu_advance();
	agree(w, "callbacks run", w->rcu_run, w->rcu_queued);
	w->rcu_run = w->rcu_queued = 0;
	return true;
}

/* A reader still sees what was freed after it began. */
static bool op_rcu_reader(struct world *w, const struct op *op)
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
	for (i = sizeof(struct rcu_note) / 8; i < seen.size / 8; i++) {
		uint64_t word;

		memcpy(&word, seen.p + 8 * i, 8);
		agree(w, "a word under a reader", word, fill_word(seen.seed, i));
	}
	rcu_read_unlock();
	rcu_settle(w);
	return true;
}

/* --- user copies ------------------------------------------------------------------------------ */

static bool op_usercopy(struct world *w, const struct op *op)
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

static void *pool_get(gfp_t gfp, void *data)
{
	struct world *w = data;

	return w->pool_dry ? NULL : kmalloc(POOL_SIZE, gfp);
}

static void pool_put(void *element, void *data)
{
	(void)data;
	kfree(element);
}

static bool op_pool_alloc(struct world *w, const struct op *op)
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

static bool op_pool_free(struct world *w, const struct op *op)
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

static bool op_pool_resize(struct world *w, const struct op *op)
{
	int nr = 1 + (int)(op->arg % 16);

	agree(w, "mempool_resize", (uint64_t)mempool_resize(w->pool, nr), 0);
	if (w->pool_curr > nr || (nr > w->pool_min && !w->pool_dry))
		w->pool_curr = nr;
	w->pool_min = nr;
	agree(w, "the reserve", (uint64_t)w->pool->curr_nr, (uint64_t)w->pool_curr);
	return true;
}

static bool op_pool_dry(struct world *w, const struct op *op)
{
	w->pool_dry = op->arg & 1;
	return true;
}

/* --- the rest --------------------------------------------------------------------------------- */

static bool op_migrate(struct world *w, const struct op *op)
{
	unsigned int cpu = op->arg % w->cpus;

	agree(w, "cpu_migrate", (uint64_t)cpu_migrate(cpu), 0);
	agree(w, "smp_processor_id", (uint64_t)smp_processor_id(), cpu);
	return true;
}

static bool op_sabotage(struct world *w, const struct op *op)
{
	struct object *o = slot(w, op, true);

	if (!o->p)
		return false;
	o->p[o->size - 1] ^= 0x10;
	return true;
}

static bool (*const perform[NR_OP_KINDS])(struct world *, const struct op *) = {
	[OP_ALLOC] = op_alloc,
	[OP_KMALLOC] = op_kmalloc,
	[OP_FREE] = op_free,
	[OP_KREALLOC] = op_krealloc,
	[OP_LOOK] = op_look,
	[OP_ALLOC_BULK] = op_alloc_bulk,
	[OP_FREE_BULK] = op_free_bulk,
	[OP_MIGRATE] = op_migrate,
	[OP_SHRINK] = op_shrink,
	[OP_CREATE] = op_create,
	[OP_DESTROY] = op_destroy,
	[OP_DESTROY_BUSY] = op_destroy_busy,
	[OP_KFREE_RCU] = op_kfree_rcu,
	[OP_RCU_ADVANCE] = op_rcu_advance,
	[OP_RCU_READER] = op_rcu_reader,
	[OP_USERCOPY] = op_usercopy,
	[OP_POOL_ALLOC] = op_pool_alloc,
	[OP_POOL_FREE] = op_pool_free,
	[OP_POOL_RESIZE] = op_pool_resize,
	[OP_POOL_DRY] = op_pool_dry,
	[OP_SABOTAGE] = op_sabotage,
};

/* Free pages when kmalloc's classes keep no empty slabs, nor CPUs pages. */
static unsigned long settled_free_pages(void)
{
	static const char *const kinds[] = { "kmalloc", "kmalloc-rcl", "kmalloc-cg" };
	unsigned int kind, size;

	for (kind = 0; kind < 3; kind++) {
		for (size = 8; size <= 8192; size += size) {
			static const unsigned int odd[] = { 96, 192 };
			struct kmem_cache *s;
			unsigned int i;
			char name[32];

			for (i = 0; i < 3; i++) {
				unsigned int n = i ? odd[i - 1] : size;

				snprintf(name, sizeof(name), "%s-%u%s", kinds[kind],
					 n < 1024 ? n : n / 1024, n < 1024 ? "" : "k");
				s = kmem_find_cache(name);
				if (s)
					kmem_cache_shrink(s);
			}
		}
	}
	drain_all_pages();
	return nr_free_pages();
}

/* Everything that is still there goes; every page must be back. */
static void finish(struct world *w, struct machine *m, unsigned long pages_before)
{
	struct op op = { .kind = OP_POOL_FREE };
	unsigned int i;

	w->op = "the end";
	for (op.arg = 0; op.arg < POOL_PLACES; op.arg++)
		op_pool_free(w, &op);
	mempool_destroy(w->pool);
	for (i = 0; i < NR_SLOTS; i++)
		if (w->slots[i].p)
			free_slot(w, &w->slots[i], i);
	for (i = 0; i < NR_CACHES; i++) {
		op.cache = (uint8_t)i;
		op_destroy(w, &op);
	}
	rcu_barrier();
	agree(w, "live bytes", w->live_bytes, 0);
	if (w->setup->isolated)
		agree(w, "free pages", settled_free_pages(), pages_before);
	agree(w, "leaks", machine_shutdown(m), 0);
}

void world_run(const struct setup *setup, const struct op *ops, uint32_t nr, struct result *res)
{
	struct world *w = calloc(1, sizeof(*w));
	unsigned long pages_before;
	struct machine_error err;
	struct machine *m;
	uint32_t i;

	if (!w)
		_exit(2);
	the_world = w;
	w->setup = setup;
	w->res = res;
	w->op = "boot";
	w->slob = !strcmp(machine_backend(), "slob");
	machine_set_report_handler(NULL, note_report, NULL);
	machine_set_log_sink(NULL, no_log, NULL);
	if (machine_boot_text(setup->text, &m, &err))
		differ(w, "%s: %s", setup->text, err.reason);
	w->cpus = machine_description(m)->cpus;
	w->nodes = machine_description(m)->nodes;
	pages_before = settled_free_pages();
	kmem_set_slab_event_hook(note_slab, w);
	w->pool_min = w->pool_curr = 8;
	w->pool = mempool_create(w->pool_min, pool_get, pool_put, w);
	if (!w->pool)
		differ(w, "no pool");
	for (i = 0; i < nr; i++) {
		res->at = i;
		w->op = op_name(ops[i].kind);
		res->done[ops[i].kind] += perform[ops[i].kind](w, &ops[i]);
	}
	finish(w, m, pages_before);
	res->finished = true;
	_exit(0);
}
