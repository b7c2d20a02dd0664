/* SPDX-License-Identifier: MIT */
/*
 * Fault injection into allocations of objects (CONFIG_FAILSLAB; Documentation/fault-injection). An
 * allocation that passes the filters
 *
 *	not with __GFP_NOFAIL, not of the cache of caches
 *	ignore-gfp-wait   Y: none that may sleep
 *	cache-filter      Y: only of caches with SLAB_FAILSLAB
 *
 * fails, in this order,
 *
 *	space             when the objects asked for have used up so many bytes,
 *	interval          if it is each so-many-th one,
 *	probability       with that many chances in a hundred, by the machine's seed,
 *	times             if not so many have failed already; -1: without end.
 *
 * While probability and times are not 0 the machine's CPUs are slowed (lib/slowed.h): every allocation
 * comes by a slow path, which asks here. A machine without faults pays nothing. They begin when boot
 * is over.
 *
 * Locks: all numbers are under `lock`.
 */
#include "common/failslab.h"

#include "common/registry.h"
#include "lib/errno.h"
#include "lib/fork.h"
#include "lib/lock_rank.h"
#include "lib/number.h"
#include "lib/rand.h"
#include "lib/report.h"
#include "lib/slowed.h"
#include "lib/string.h"

#include <limits.h>

enum { PROBABILITY, INTERVAL, TIMES, SPACE, IGNORE_GFP_WAIT, CACHE_FILTER, NR_SETTINGS };

struct failslab {
	struct arch_spinlock lock;
	long value[NR_SETTINGS];
	unsigned long count;		/* allocations that interval has seen */
	uint64_t rand;
};

struct setting {
	const char *name;
	long min, max;
	bool yes_no;
};

static const struct setting settings[NR_SETTINGS] = {
	[PROBABILITY] = {"probability", 0, 100, false},
	[INTERVAL] = {"interval", 0, INT_MAX, false},
	[TIMES] = {"times", -1, INT_MAX, false},
	[SPACE] = {"space", 0, INT_MAX, false},
	[IGNORE_GFP_WAIT] = {"ignore-gfp-wait", 0, 1, true},
	[CACHE_FILTER] = {"cache-filter", 0, 1, true},
};

#define PREFIX "failslab/"
#define PREFIX_LEN 9

/* --- whether one fails ------------------------------------------------------------------------- */

static bool filtered(const struct kernel *k, const struct failslab *f, const struct kmem_cache *s,
		     gfp_t gfp)
{
	if (gfp & __GFP_NOFAIL || s == k->caches->kmem_cache)
		return true;
	if (f->value[IGNORE_GFP_WAIT] && gfp & __GFP_DIRECT_RECLAIM)
		return true;
	return f->value[CACHE_FILTER] && !(s->flags & SLAB_FAILSLAB);
}

static bool due_locked(struct failslab *f, unsigned int size)
{
	if (!f->value[PROBABILITY] || !f->value[TIMES])
		return false;
	if (f->value[SPACE] > (long)size) {
		f->value[SPACE] -= size;
		return false;
	}
	if (f->value[INTERVAL] > 1 && ++f->count % (unsigned long)f->value[INTERVAL])
		return false;
	if (rand_next(&f->rand) % 100 >= (uint64_t)f->value[PROBABILITY])
		return false;
	if (f->value[TIMES] > 0)
		f->value[TIMES]--;
	return true;
}

noinline bool failslab_hits_slow(struct kernel *k, const struct kmem_cache *s, gfp_t gfp)
{
	struct failslab *f = k->failslab;
	long v[NR_SETTINGS];
	bool hit;

	arch_spin_lock(&f->lock);
	hit = !filtered(k, f, s, gfp) && due_locked(f, cache_object_size(s));
	memcpy(v, f->value, sizeof(v));
	arch_spin_unlock(&f->lock);
	if (hit)
		pr_info(k, "FAULT_INJECTION: forcing a failure. name failslab, interval %ld, "
			"probability %ld, space %ld, times %ld, cache %s", v[INTERVAL],
			v[PROBABILITY], v[SPACE], v[TIMES], s->name);
	return hit;
}

/* --- settings ---------------------------------------------------------------------------------- */

/* Under the registry's mutex, or at boot. */
static void switch_on_or_off(struct kernel *k)
{
	struct failslab *f = k->failslab;
	bool on;

	arch_spin_lock(&f->lock);
	on = f->value[PROBABILITY] && f->value[TIMES];
	arch_spin_unlock(&f->lock);
	slowed_set(k, SLOWED_FOR_FAULTS, on);
	__atomic_store_n(&k->failslab_on, on, __ATOMIC_RELAXED);
}

int failslab_init(struct kernel *k)
{
	const struct failslab_params *p = &k->params.failslab;
	struct failslab *f = arch_host_alloc(k->arch, sizeof(*f));

	if (!f)
		return -ENOMEM;
	arch_spin_init(&f->lock, LOCK_RANK_LEAF);
	f->count = 0;
	f->rand = k->params.seed ^ 0x6661696cu;
	f->value[PROBABILITY] = p->given ? p->probability : 0;
	f->value[INTERVAL] = p->given ? p->interval : 1;
	f->value[TIMES] = p->given ? p->times : 1;
	f->value[SPACE] = p->given ? p->space : 0;
	f->value[IGNORE_GFP_WAIT] = 1;
	f->value[CACHE_FILTER] = 0;
	k->failslab = f;
	switch_on_or_off(k);
	return 0;
}

bool failslab_is_file(const char *name)
{
	return !strncmp(name, PREFIX, PREFIX_LEN);
}

/* NR_SETTINGS: there is none. */
static unsigned int find(const char *name)
{
	unsigned int i = 0;

	while (i < NR_SETTINGS && strcmp(name + PREFIX_LEN, settings[i].name))
		i++;
	return i;
}

long failslab_show(struct kernel *k, const char *name, struct seq_file *m)
{
	struct failslab *f = k->failslab;
	unsigned int i = find(name);
	long value;

	if (i == NR_SETTINGS)
		return -ENOENT;
	arch_spin_lock(&f->lock);
	value = f->value[i];
	arch_spin_unlock(&f->lock);
	if (settings[i].yes_no)
		seq_printf(m, "%c\n", value ? 'Y' : 'N');
	else
		seq_printf(m, "%ld\n", value);
	return 0;
}

static bool parse_yes_no(const char *text, size_t len, int64_t *out)
{
	if (len != 1)
		return false;
	*out = *text == 'Y' || *text == 'y' || *text == '1';
	return *out || *text == 'N' || *text == 'n' || *text == '0';
}

/* The setting's bounds are the caller's to check. */
static bool parse_number(const char *text, size_t len, int64_t *out)
{
	const char *end = text + len;
	bool minus = len && *text == '-';
	uint64_t n;

	text += minus;
	if (number_read(&text, end, 10, INT64_MAX, &n) || text != end)
		return false;
	*out = minus ? -(int64_t)n : (int64_t)n;
	return true;
}

long failslab_store(struct kernel *k, const char *name, const char *text, size_t len)
{
	size_t n = len && text[len - 1] == '\n' ? len - 1 : len;
	struct failslab *f = k->failslab;
	unsigned int i = find(name);
	int64_t value;

	if (i == NR_SETTINGS)
		return -ENOENT;
	if (!(settings[i].yes_no ? parse_yes_no(text, n, &value) : parse_number(text, n, &value)) ||
	    value < settings[i].min || value > settings[i].max)
		return -EINVAL;
	caches_lock(k);
	arch_spin_lock(&f->lock);
	f->value[i] = (long)value;
	arch_spin_unlock(&f->lock);
	switch_on_or_off(k);
	caches_unlock(k);
	return (long)len;
}

bool failslab_fork(struct kernel *k, struct fork_walk *w)
{
	return !k->failslab || fork_spinlock(w, &k->failslab->lock);
}
