/* SPDX-License-Identifier: MIT */
/*
 * Shrinkers: what programs give back.
 *
 * How many objects a shrinker is asked for follows from how many it has, how urgent it is, and what
 * an object costs to make again:
 *
 *	wanted = (count >> priority) × 4 / seeks	priority 12 … 0; seeks 0: count / 2
 *
 * It is asked in batches. What is left below a batch, and what it was asked for and did not look at,
 * is put off (nr_deferred, by node for NUMA-aware ones) and asked for again in later rounds, as the
 * urgency allows; so a shrinker that says "not now" to requests that may not do I/O gets its turn
 * with one that may. No more than twice of what there is is ever asked for or put off.
 *
 * shrinker_rwsem is held to read while shrinkers run, and to write to change the list. A thread that runs
 * shrinkers is in reclaim (PF_MEMALLOC), so it never comes here a second time.
 */
#include "buddy/reclaim.h"

#include "buddy/buddy.h"
#include "lib/errno.h"
#include "lib/math.h"

#define SHRINK_BATCH 128
#define SHRINKER_NAME_MAX 64

struct shrinker_entry {
	struct list_head list;
	struct shrinker *shrinker;
	struct kernel *kernel;		/* where it is registered */
	size_t size;			/* of this structure, bytes */
	char name[SHRINKER_NAME_MAX];
	unsigned long nr_deferred[];	/* by node, or [0] for all; atomics */
};

/* --- one shrinker ----------------------------------------------------------------------------- */

/* @a * @b, as far as it goes. */
static unsigned long mul_ul(unsigned long a, unsigned long b)
{
	unsigned long product;

	return __builtin_mul_overflow(a, b, &product) ? ~0ul : product;
}

static unsigned long add_ul(unsigned long a, unsigned long b)
{
	unsigned long sum;

	return __builtin_add_overflow(a, b, &sum) ? ~0ul : sum;
}

static unsigned long call_shrinker(struct shrinker *s, struct shrink_control *sc,
				   unsigned long (*fn)(struct shrinker *, struct shrink_control *))
{
	unsigned int calls = context_callback_enter();
	unsigned long n = fn(s, sc);

	context_callback_exit(calls);
	return n;
}

/* Ask for up to @total of @count objects, in batches. Into *@scanned how many were looked at. */
static unsigned long scan_batches(struct kernel *k, struct shrinker *s, struct shrink_control *sc,
				  unsigned long count, unsigned long total, unsigned long *scanned)
{
	unsigned long batch = s->batch > 0 ? (unsigned long)s->batch : SHRINK_BATCH;
	unsigned long freed = 0;

	while (total >= batch || total >= count) {
		unsigned long n = min(batch, total), ret;

		sc->nr_to_scan = n;
		sc->nr_scanned = n;
		ret = call_shrinker(s, sc, s->scan_objects);
		if (ret == SHRINK_STOP)
			break;
		freed += ret;
		reclaim_count(&k->buddy->reclaim->slabs_scanned, sc->nr_scanned);
		*scanned += sc->nr_scanned;
		total -= min(total, sc->nr_scanned);
		/* One that looks at nothing would be asked for ever. */
		if (!sc->nr_scanned || !total)
			break;
	}
	return freed;
}

static unsigned long shrink_one(struct kernel *k, struct shrinker_entry *e,
				struct shrink_control *sc, int priority)
{
	struct shrinker *s = e->shrinker;
	unsigned long count = call_shrinker(s, sc, s->count_objects), scanned = 0;
	unsigned long *deferred = &e->nr_deferred[s->flags & SHRINKER_NUMA_AWARE ? sc->nid : 0];
	unsigned long put_off, wanted, total, freed, left;

	if (!count || count >= SHRINK_EMPTY)
		return 0;
	put_off = __atomic_exchange_n(deferred, 0, __ATOMIC_RELAXED);
	if (s->seeks > 0)
		wanted = mul_ul(count >> priority, 4) / (unsigned long)s->seeks;
	else
		wanted = count / 2;
	total = min(add_ul(put_off >> priority, wanted), mul_ul(count, 2));
	freed = scan_batches(k, s, sc, count, total, &scanned);
	left = add_ul(put_off, wanted);
	left = left > scanned ? min(left - scanned, mul_ul(count, 2)) : 0;
	__atomic_fetch_add(deferred, left, __ATOMIC_RELAXED);
	return freed;
}

/* --- all of them ------------------------------------------------------------------------------ */

bool shrinkers_registered(struct reclaim *r)
{
	bool some;

	down_read(&r->shrinker_rwsem);
	some = !list_empty(&r->shrinkers);
	up_read(&r->shrinker_rwsem);
	return some;
}

unsigned long shrink_slab(struct kernel *k, gfp_t gfp, int nid, int priority)
{
	struct reclaim *r = k->buddy->reclaim;
	struct shrinker_entry *e;
	unsigned long freed = 0;

	kassert(in_reclaim());
	down_read(&r->shrinker_rwsem);
	arch_context()->reading = &r->shrinker_rwsem;
	list_for_each_entry(e, &r->shrinkers, list) {
		struct shrink_control sc = {.gfp_mask = gfp, .nid = nid};

		freed += shrink_one(k, e, &sc, priority);
	}
	arch_context()->reading = NULL;
	up_read(&r->shrinker_rwsem);
	return freed;
}

static unsigned long drop_slab_nodes(struct kernel *k)
{
	unsigned long freed = 0;

	for (unsigned int nid = 0; nid < k->buddy->nr_nodes; nid++)
		freed += shrink_slab(k, GFP_KERNEL, (int)nid, 0);
	return freed;
}

unsigned long drop_slab(void)
{
	struct kernel *k = arch_kernel();
	unsigned long total = 0, freed;
	unsigned int flags, shift = 0;

	if (!k)
		return 0;
	if (in_reclaim()) {
		report_bug(k, "drop_slab: called from a shrinker");
		return 0;
	}
	context_begin_call("drop_slab");
	flags = reclaim_begin();
	/* As in Linux: until a turn frees next to nothing, and each turn asks for more. */
	do {
		freed = drop_slab_nodes(k);
		total += freed;
	} while (freed >> shift++ > 1 && shift < 8 * sizeof(freed));
	reclaim_end(flags);
	reclaim_count(&k->buddy->reclaim->drop_slab, 1);
	context_end_call();
	return total;
}

/* --- the list --------------------------------------------------------------------------------- */

/* 0, or what register_shrinker() returns. */
static int check_shrinker(struct kernel *k, const struct shrinker *s)
{
	if (in_reclaim()) {
		report_bug(k, "register_shrinker: called from a shrinker");
		return -EDEADLK;
	}
	if (!s || !s->count_objects || !s->scan_objects) {
		report_bug(k, "register_shrinker: no count_objects or scan_objects");
		return -EINVAL;
	}
	if (s->flags & SHRINKER_REGISTERED) {
		report_bug(k, "register_shrinker: %s is registered already", s->entry->name);
		return -EINVAL;
	}
	return 0;
}

static struct shrinker_entry *entry_create(struct kernel *k, struct shrinker *s)
{
	unsigned int slots = s->flags & SHRINKER_NUMA_AWARE ? k->buddy->nr_nodes : 1;
	size_t size = sizeof(struct shrinker_entry) + slots * sizeof(unsigned long);
	struct shrinker_entry *e = arch_host_alloc(k->arch, size);

	if (!e)
		return NULL;
	e->shrinker = s;
	e->kernel = k;
	e->size = size;
	return e;
}

int register_shrinker(struct shrinker *shrinker, const char *fmt, ...)
{
	struct kernel *k = arch_kernel();
	struct shrinker_entry *e;
	struct reclaim *r;
	va_list args;
	int ret;

	if (!k)
		return -ENODEV;
	ret = check_shrinker(k, shrinker);
	if (ret)
		return ret;
	e = entry_create(k, shrinker);
	if (!e)
		return -ENOMEM;
	va_start(args, fmt);
	kvsnprintf(e->name, sizeof(e->name), fmt, args);
	va_end(args);
	context_begin_call("register_shrinker");
	r = k->buddy->reclaim;
	down_write(&r->shrinker_rwsem);
	list_add_tail(&e->list, &r->shrinkers);
	shrinker->entry = e;
	shrinker->flags |= SHRINKER_REGISTERED;
	up_write(&r->shrinker_rwsem);
	context_end_call();
	return 0;
}

void unregister_shrinker(struct shrinker *shrinker)
{
	struct kernel *k = arch_kernel();
	struct shrinker_entry *e;

	if (!k || !shrinker || !(shrinker->flags & SHRINKER_REGISTERED))
		return;
	if (in_reclaim()) {
		report_bug(k, "unregister_shrinker: called from a shrinker");
		return;
	}
	if (shrinker->entry->kernel != k) {
		report_bug(k, "unregister_shrinker: it is registered on another machine");
		return;
	}
	context_begin_call("unregister_shrinker");
	down_write(&k->buddy->reclaim->shrinker_rwsem);
	e = shrinker->entry;
	list_del(&e->list);
	shrinker->entry = NULL;
	shrinker->flags &= ~SHRINKER_REGISTERED;
	up_write(&k->buddy->reclaim->shrinker_rwsem);
	arch_host_free(k->arch, e, e->size);
	context_end_call();
}

void synchronize_shrinkers(void)
{
	struct kernel *k = arch_kernel();

	if (!k)
		return;
	if (in_reclaim()) {
		report_bug(k, "synchronize_shrinkers: called from a shrinker");
		return;
	}
	context_begin_call("synchronize_shrinkers");
	down_write(&k->buddy->reclaim->shrinker_rwsem);
	up_write(&k->buddy->reclaim->shrinker_rwsem);
	context_end_call();
}

/* Whoever registered them may have gone, so only our part is looked at. */
unsigned long shrinkers_report_leaks(struct kernel *k)
{
	struct shrinker_entry *e;
	unsigned long n = 0;

	list_for_each_entry(e, &k->buddy->reclaim->shrinkers, list) {
		report_warn(k, "shrinker %s was never unregistered", e->name);
		n++;
	}
	return n;
}
