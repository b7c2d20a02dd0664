/* SPDX-License-Identifier: MIT */
/*
 * /proc/sys/vm: one table. A number's limits stand in the table; what follows from it is worked out
 * in watermark.c, under sysctl_mutex, so that two writers do not mix theirs.
 */
#include "buddy/reclaim.h"

#include "buddy/watermark.h"
#include "lib/errno.h"
#include "lib/number.h"
#include "lib/string.h"

#include <limits.h>

#include <kmem/sysctl.h>

/* All are kept as unsigned int in struct buddy. */
struct ctl {
	const char *name;
	unsigned int min, max;
	unsigned int *(*figure)(struct buddy *b);	/* NULL: can only be written */
	void (*changed)(struct buddy *b);
};

static unsigned int *min_free_kbytes(struct buddy *b)
{
	return &b->min_free_kbytes;
}

static unsigned int *watermark_scale_factor(struct buddy *b)
{
	return &b->watermark_scale_factor;
}

static unsigned int *watermark_boost_factor(struct buddy *b)
{
	return &b->watermark_boost_factor;
}

static unsigned int *percpu_high_fraction(struct buddy *b)
{
	return &b->percpu_high_fraction;
}

static unsigned int *lowmem_reserve_ratio(struct buddy *b)
{
	return b->lowmem_reserve_ratio;
}

/* The next request that steals reads it. */
static void nothing_follows(struct buddy *b)
{
}

static const struct ctl ctls[] = {
	{"vm.min_free_kbytes", 0, INT_MAX, min_free_kbytes, buddy_watermarks_changed},
	{"vm.watermark_scale_factor", 1, 3000, watermark_scale_factor, buddy_watermarks_changed},
	{"vm.watermark_boost_factor", 0, INT_MAX, watermark_boost_factor, nothing_follows},
	{"vm.lowmem_reserve_ratio", 0, INT_MAX, lowmem_reserve_ratio, buddy_reserves_changed},
	{"vm.percpu_pagelist_high_fraction", 0, INT_MAX, percpu_high_fraction, buddy_pcp_changed},
	{"vm.drop_caches", 1, 4, NULL, NULL},
};

#define NR_CTLS (sizeof(ctls) / sizeof(ctls[0]))
#define MIN_PERCPU_PAGELIST_HIGH_FRACTION 8

static const struct ctl *find_ctl(const char *name)
{
	for (unsigned int i = 0; i < NR_CTLS; i++)
		if (!strcmp(ctls[i].name, name))
			return &ctls[i];
	return NULL;
}

static bool is_ratio(const struct ctl *ctl)
{
	return ctl->figure == lowmem_reserve_ratio;
}

/* --- reading ---------------------------------------------------------------------------------- */

static void put_figures(struct buddy *b, const struct ctl *ctl, struct seq_file *m)
{
	const unsigned int *figure = ctl->figure(b);
	const char *sep = "";

	for (unsigned int i = 0; i < (is_ratio(ctl) ? KMEM_MAX_NR_ZONES : 1); i++) {
		if (is_ratio(ctl) && !zone_exists(b, i))
			continue;
		seq_printf(m, "%s%u", sep, __atomic_load_n(&figure[i], __ATOMIC_RELAXED));
		sep = "\t";
	}
	seq_putc(m, '\n');
}

long sysctl_read(const char *name, char *buf, size_t size)
{
	const struct ctl *ctl = find_ctl(name);
	struct kernel *k;
	struct seq_file m;

	if (!ctl)
		return -ENOENT;
	if (!ctl->figure)
		return -EACCES;
	k = arch_kernel();
	if (!k)
		return -ENODEV;
	seq_init_buf(&m, buf, size);
	put_figures(k->buddy, ctl, &m);
	return (long)m.len;
}

const char *sysctl_name(unsigned int i)
{
	return i < NR_CTLS ? ctls[i].name : NULL;
}

/* --- writing ---------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* The number at *@at, which moves on behind it and the blanks that follow. */
static bool parse_number(const char **at, unsigned int *out)
{
	const char *p = *at;
	unsigned int base = number_base(&p);
	uint64_t n;

	if (base == 10 && *p == '0' && p[1])
		base = 8;
	if (number_read(&p, NULL, base, UINT_MAX, &n) || (*p && !is_blank(*p)))
		return false;
	while (is_blank(*p))
		p++;
	*at = p;
	*out = (unsigned int)n;
	return true;
}

/* Up to @max numbers within @ctl's limits; how many, 0 if anything is wrong. */
static unsigned int parse_numbers(const struct ctl *ctl, const char *value, unsigned int max,
				  unsigned int *out)
{
	unsigned int n = 0;

	while (is_blank(*value))
		value++;
	while (*value) {
		if (n == max || !parse_number(&value, &out[n]))
			return 0;
		if (out[n] < ctl->min || out[n] > ctl->max)
			return 0;
		n++;
	}
	if (n && ctl->figure == percpu_high_fraction && out[0] &&
	    out[0] < MIN_PERCPU_PAGELIST_HIGH_FRACTION)
		return 0;
	return n;
}

static void write_figures(struct buddy *b, const struct ctl *ctl, const unsigned int *values,
			  unsigned int nr)
{
	unsigned int *figure = ctl->figure(b), zone = 0;

	context_begin_call("sysctl_write");
	mutex_lock(&b->sysctl_mutex);
	for (unsigned int i = 0; i < nr; i++, zone++) {
		while (is_ratio(ctl) && !zone_exists(b, zone))
			zone++;
		__atomic_store_n(&figure[zone], values[i], __ATOMIC_RELAXED);
	}
	ctl->changed(b);
	mutex_unlock(&b->sysctl_mutex);
	context_end_call();
}

static unsigned int nr_values(const struct buddy *b, const struct ctl *ctl)
{
	unsigned int n = 0;

	if (!is_ratio(ctl))
		return 1;
	for (unsigned int type = 0; type < KMEM_MAX_NR_ZONES; type++)
		n += zone_exists(b, type);
	return n;
}

static void drop_caches(struct kernel *k, unsigned int what)
{
	char comm[32];
	int tid;

	arch_thread_name(comm, sizeof(comm), &tid);
	if (!(what & 4))
		pr_info(k, "%s (%d): drop_caches: %u", comm, tid, what);
	if (what & 2)
		drop_slab();
}

int sysctl_write(const char *name, const char *value)
{
	unsigned int values[KMEM_MAX_NR_ZONES], nr;
	const struct ctl *ctl = find_ctl(name);
	struct kernel *k;

	if (!ctl)
		return -ENOENT;
	k = arch_kernel();
	if (!k)
		return -ENODEV;
	nr = parse_numbers(ctl, value, nr_values(k->buddy, ctl), values);
	if (!nr)
		return -EINVAL;
	if (in_reclaim()) {
		report_bug(k, "sysctl_write: called from a shrinker");
		return -EDEADLK;
	}
	if (ctl->figure)
		write_figures(k->buddy, ctl, values, nr);
	else
		drop_caches(k, values[0]);
	return 0;
}
