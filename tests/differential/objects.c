/* SPDX-License-Identifier: MIT */
/* Caches and objects: what becomes of them, and what the model knows. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void note_slab(void *arg, enum kmem_slab_event ev, struct kmem_cache *s, void *base,
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

bool op_create(struct world *w, const struct op *op)
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
	/* Poison is not for objects that may be looked at while they are free. */
	if (w->slob || (w->slab_poison && !(c->flags & SLAB_TYPESAFE_BY_RCU)))
		want = c->allocs;
	else
		want = c->slabs * geometry(c->s, "perslab");
	if (w->ctor_calls[i] != want)
		differ(w, "%lu constructor calls, the model has %lu", w->ctor_calls[i], want);
}

/* With nothing parked anywhere the cache's own count is ours. */
bool op_shrink(struct world *w, const struct op *op)
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

static bool all_zero(const char *p, size_t size)
{
	return !size || (!*p && !memcmp(p, p + 1, size - 1));
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
	unsigned long align = c->align > 8 ? c->align : 8, line = sizeof(void *) == 8 ? 64 : 32;

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

bool op_alloc(struct world *w, const struct op *op)
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

bool op_kmalloc(struct world *w, const struct op *op)
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

bool op_look(struct world *w, const struct op *op)
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

bool op_krealloc(struct world *w, const struct op *op)
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
void forget(struct world *w, struct object *o)
{
	look(w, o, o->size);
	w->live_bytes -= o->size;
	if (o->cache >= 0)
		w->caches[o->cache].live--;
	o->p = NULL;
}

void free_slot(struct world *w, struct object *o, uint32_t how)
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

bool op_free(struct world *w, const struct op *op)
{
	struct object *o = slot(w, op, true);

	if (!o->p)
		return false;
	free_slot(w, o, op->arg);
	return true;
}

bool op_alloc_bulk(struct world *w, const struct op *op)
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
bool op_free_bulk(struct world *w, const struct op *op)
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

bool op_destroy(struct world *w, const struct op *op)
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
bool op_destroy_busy(struct world *w, const struct op *op)
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

