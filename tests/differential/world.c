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
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct world *the_world;

/* --- differences ------------------------------------------------------------------------------ */

void differ(struct world *w, const char *fmt, ...)
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
void agree(struct world *w, const char *what, uint64_t observed, uint64_t expected)
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

uint64_t fill_word(uint64_t seed, size_t i)
{
	return seed * 0x9e3779b97f4a7c15u + i * 0xbf58476d1ce4e5b9u;
}

/* Bytes at the front that belong to the constructor. */
static size_t kept(const struct world *w, int cache)
{
	return cache >= 0 && w->caches[cache].ctor ? sizeof(uint64_t) : 0;
}

void fill(struct world *w, struct object *o)
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
void look(struct world *w, const struct object *o, size_t size)
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

/* The first slot from the operation's on that holds an object, or none; after a while any. */
struct object *slot(struct world *w, const struct op *op, bool full)
{
	unsigned int i;

	for (i = 0; i < 24; i++) {
		struct object *o = &w->slots[(op->slot + i) % NR_SLOTS];

		if (!o->p == !full)
			return o;
	}
	return &w->slots[op->slot];
}

/* --- a run ------------------------------------------------------------------------------------ */

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

/* The machine's text, with the words for this backend. */
static void boot_text(const struct setup *setup, char *text, size_t size)
{
	const char *backend = machine_backend(), *words = setup->slob;

	if (!strcmp(backend, "slab"))
		words = setup->slab;
	else if (!strcmp(backend, "slub"))
		words = setup->slub;
	snprintf(text, size, words ? "%s cmdline=\"%s\"" : "%s", setup->text, words);
}

void world_run(const struct setup *setup, const struct op *ops, uint32_t nr, struct result *res)
{
	struct world *w = calloc(1, sizeof(*w));
	unsigned long pages_before;
	struct machine_error err;
	struct machine *m;
	char text[256];
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
	w->slab_poison = !strcmp(machine_backend(), "slab") && setup->slab_poison;
	boot_text(setup, text, sizeof(text));
	if (machine_boot_text(text, &m, &err))
		differ(w, "%s: %s", text, err.reason);
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
