/* SPDX-License-Identifier: MIT */
/*
 * A cache's files, as under /sys/kernel/slab/NAME (Documentation/ABI/testing/sysfs-kernel-slab), and
 * the traces of /sys/kernel/debug/slab/NAME (slub_traces.c).
 *
 * A figure that nodes share in is shown as the sum, then " N0=…" for each node that has some. What
 * CPUs hold counts as used, as in Linux. All is called with the registry's mutex held.
 */
#include "slub/slub_debug.h"

#include "lib/errno.h"
#include "lib/number.h"
#include "lib/string.h"

struct file {
	const char *name;
	void (*show)(struct slub_cache *s, struct seq_file *m);
	long (*store)(struct slub_cache *s, const char *text);	/* 0 or a negative errno; NULL: nobody may */
};

/* --- one number -------------------------------------------------------------------------------- */

#define SHOW(name, format, value)                                          \
	static void show_##name(struct slub_cache *s, struct seq_file *m) \
	{                                                                  \
		seq_printf(m, format "\n", value);                         \
	}
#define SHOW_FLAG(name, flag) SHOW(name, "%d", !!(s->common.flags & (flag)))

SHOW(slab_size, "%u", s->common.size)
SHOW(align, "%u", s->common.align)
SHOW(object_size, "%u", cache_object_size(&s->common))
SHOW(objs_per_slab, "%u", s->oo.objects)
SHOW(order, "%u", s->oo.order)
SHOW(min_partial, "%lu", __atomic_load_n(&s->min_partial, __ATOMIC_RELAXED))
SHOW(cpu_partial, "%u", s->cpu_partial)
SHOW(aliases, "%d", s->common.refcount - 1)
SHOW(usersize, "%u", s->common.usersize)
SHOW(remote_ratio, "%u", __atomic_load_n(&s->remote_node_defrag_ratio, __ATOMIC_RELAXED) / 10)
SHOW_FLAG(reclaim_account, SLAB_RECLAIM_ACCOUNT)
SHOW_FLAG(hwcache_align, SLAB_HWCACHE_ALIGN)
SHOW_FLAG(cache_dma, SLAB_CACHE_DMA)
SHOW_FLAG(destroy_by_rcu, SLAB_TYPESAFE_BY_RCU)
SHOW_FLAG(sanity_checks, SLAB_CONSISTENCY_CHECKS)
SHOW_FLAG(trace, SLAB_TRACE)
SHOW_FLAG(red_zone, SLAB_RED_ZONE)
SHOW_FLAG(poison, SLAB_POISON)
SHOW_FLAG(store_user, SLAB_STORE_USER)

static void show_ctor(struct slub_cache *s, struct seq_file *m)
{
	char name[128];

	if (!s->common.ctor)
		return;
	/* The symbol of a return address is that of the call in front of it. */
	arch_symbol((unsigned long)s->common.ctor + 1, name, sizeof(name));
	seq_printf(m, "%s\n", name);
}

/* Files that are there to be written. */
static void show_nothing(struct slub_cache *s, struct seq_file *m)
{
}

/* --- figures of nodes -------------------------------------------------------------------------- */

/* What is counted of a node. */
struct figures {
	unsigned long slabs, objects;		/* all of its slabs, what they have room for */
	unsigned long partial;			/* slabs of its partial list */
	unsigned long partial_used, partial_free;	/* objects of those */
};

static void get_figures(struct slub_node *n, struct figures *f)
{
	struct slub_slab *slab;

	__builtin_memset(f, 0, sizeof(*f));
	arch_spin_lock(&n->list_lock);
	f->slabs = n->nr_slabs;
	f->objects = n->total_objects;
	f->partial = n->nr_partial;
	list_for_each_entry(slab, &n->partial, partial) {
		union slub_state state = slub_load(slab);

		f->partial_used += state.inuse;
		f->partial_free += (unsigned long)(state.objects - state.inuse);
	}
	arch_spin_unlock(&n->list_lock);
}

static unsigned long count_slabs(const struct figures *f)
{
	return f->slabs;
}

static unsigned long count_objects(const struct figures *f)
{
	return f->objects - f->partial_free;
}

static unsigned long count_total_objects(const struct figures *f)
{
	return f->objects;
}

static unsigned long count_partial(const struct figures *f)
{
	return f->partial;
}

static unsigned long count_objects_partial(const struct figures *f)
{
	return f->partial_used;
}

/* @of: the count of node @i. */
static void put_node(struct seq_file *m, unsigned int i, unsigned long of)
{
	if (of)
		seq_printf(m, " N%u=%lu", i, of);
}

/* Each node is looked at twice, so the sum is of the same look as the nodes only while nobody uses
 * the cache. */
static void show_nodes(struct slub_cache *s, unsigned long (*count)(const struct figures *f),
		       struct seq_file *m)
{
	unsigned long total = 0;
	struct slub_node *n;
	struct figures f;

	for_each_kmem_cache_node(s, nid, n) {
		get_figures(n, &f);
		total += count(&f);
	}
	seq_printf(m, "%lu", total);
	for_each_kmem_cache_node(s, nid, n) {
		get_figures(n, &f);
		put_node(m, nid, count(&f));
	}
	seq_putc(m, '\n');
}

#define SHOW_NODES(name)                                                   \
	static void show_##name(struct slub_cache *s, struct seq_file *m) \
	{                                                                  \
		show_nodes(s, count_##name, m);                            \
	}

SHOW_NODES(slabs)
SHOW_NODES(objects)
SHOW_NODES(total_objects)
SHOW_NODES(partial)
SHOW_NODES(objects_partial)

/* --- figures of CPUs --------------------------------------------------------------------------- */

/* Slabs that CPUs own, of @nid. */
static unsigned long cpu_slabs_of(struct slub_cache *s, unsigned int nid)
{
	const struct arch_machine *am = s->common.kernel->arch;
	unsigned long n = 0;

	for (unsigned int id = arch_cpu_next_used(am, 0); id < am->nr_cpus;
	     id = arch_cpu_next_used(am, id + 1)) {
		struct arch_cpu *cpu = arch_cpu_claim(am, id);
		const struct slub_cpu *c = slub_cpu(s, cpu);

		n += c->slab && (unsigned int)slub_slab_nid(c->slab) == nid;
		for (struct slub_slab *slab = c->partial; slab; slab = slab->next)
			n += (unsigned int)slub_slab_nid(slab) == nid;
		arch_cpu_unclaim(cpu);
	}
	return n;
}

static void show_cpu_slabs(struct slub_cache *s, struct seq_file *m)
{
	unsigned long total = 0;

	for (unsigned int i = 0; i < s->nr_nodes; i++)
		total += cpu_slabs_of(s, i);
	seq_printf(m, "%lu", total);
	for (unsigned int i = 0; i < s->nr_nodes; i++)
		put_node(m, i, cpu_slabs_of(s, i));
	seq_putc(m, '\n');
}

static unsigned int nr_cpu_partial(struct slub_cache *s, unsigned int id)
{
	struct arch_cpu *cpu = arch_cpu_claim(s->common.kernel->arch, id);
	unsigned int n = slub_cpu(s, cpu)->nr_partial;

	arch_cpu_unclaim(cpu);
	return n;
}

/* Objects by Linux's estimate, that the slabs are half full. */
static void show_slabs_cpu_partial(struct slub_cache *s, struct seq_file *m)
{
	const struct arch_machine *am = s->common.kernel->arch;
	unsigned int total = 0, n;

	for (unsigned int id = arch_cpu_next_used(am, 0); id < am->nr_cpus;
	     id = arch_cpu_next_used(am, id + 1))
		total += nr_cpu_partial(s, id);
	seq_printf(m, "%u(%u)", total * s->oo.objects / 2, total);
	for (unsigned int id = arch_cpu_next_used(am, 0); id < am->nr_cpus;
	     id = arch_cpu_next_used(am, id + 1)) {
		n = nr_cpu_partial(s, id);
		if (n)
			seq_printf(m, " C%u=%u(%u)", id, n * s->oo.objects / 2, n);
	}
	seq_putc(m, '\n');
}

/* --- writing ----------------------------------------------------------------------------------- */

/* As kstrtoul() with base 10. */
static long parse(const char *text, unsigned long max, unsigned long *out)
{
	uint64_t n;
	int err;

	text += *text == '+';
	err = number_read(&text, NULL, 10, max, &n);
	if (err)
		return err;
	if (*text)
		return -EINVAL;
	*out = (unsigned long)n;
	return 0;
}

static long store_min_partial(struct slub_cache *s, const char *text)
{
	unsigned long n;
	long err = parse(text, ULONG_MAX, &n);

	if (!err)
		__atomic_store_n(&s->min_partial, n, __ATOMIC_RELAXED);
	return err;
}

static long store_cpu_partial(struct slub_cache *s, const char *text)
{
	unsigned long n;
	long err = parse(text, UINT32_MAX, &n);

	if (err)
		return err;
	if (n && slub_is_debug(s))
		return -EINVAL;
	slub_set_cpu_partial(s, (unsigned int)n);
	slub_flush_all(s);
	return 0;
}

static long store_remote_ratio(struct slub_cache *s, const char *text)
{
	unsigned long n;
	long err = parse(text, UINT32_MAX, &n);

	if (err)
		return err;
	if (n > 100)
		return -ERANGE;
	__atomic_store_n(&s->remote_node_defrag_ratio, (unsigned int)n * 10, __ATOMIC_RELAXED);
	return 0;
}

static long store_shrink(struct slub_cache *s, const char *text)
{
	if (text[0] != '1')
		return -EINVAL;
	backend_shrink(&s->common);
	return 0;
}

static long store_validate(struct slub_cache *s, const char *text)
{
	long ret;

	if (text[0] != '1' || !slub_is_debug(s))
		return -EINVAL;
	ret = slub_validate(&s->common);
	return ret < 0 ? ret : 0;
}

/* --- the table --------------------------------------------------------------------------------- */

static const struct file files[] = {
	{"aliases", show_aliases, NULL},
	{"align", show_align, NULL},
	{"alloc_traces", slub_show_alloc_traces, NULL},
	{"cache_dma", show_cache_dma, NULL},
	{"cpu_partial", show_cpu_partial, store_cpu_partial},
	{"cpu_slabs", show_cpu_slabs, NULL},
	{"ctor", show_ctor, NULL},
	{"destroy_by_rcu", show_destroy_by_rcu, NULL},
	{"free_traces", slub_show_free_traces, NULL},
	{"hwcache_align", show_hwcache_align, NULL},
	{"min_partial", show_min_partial, store_min_partial},
	{"object_size", show_object_size, NULL},
	{"objects", show_objects, NULL},
	{"objects_partial", show_objects_partial, NULL},
	{"objs_per_slab", show_objs_per_slab, NULL},
	{"order", show_order, NULL},
	{"partial", show_partial, NULL},
	{"poison", show_poison, NULL},
	{"reclaim_account", show_reclaim_account, NULL},
	{"red_zone", show_red_zone, NULL},
	{"remote_node_defrag_ratio", show_remote_ratio, store_remote_ratio},
	{"sanity_checks", show_sanity_checks, NULL},
	{"shrink", show_nothing, store_shrink},
	{"slab_size", show_slab_size, NULL},
	{"slabs", show_slabs, NULL},
	{"slabs_cpu_partial", show_slabs_cpu_partial, NULL},
	{"store_user", show_store_user, NULL},
	{"total_objects", show_total_objects, NULL},
	{"trace", show_trace, NULL},
	{"usersize", show_usersize, NULL},
	{"validate", show_nothing, store_validate},
};

#define NR_FILES (sizeof(files) / sizeof(files[0]))

static const struct file *find_file(const char *name)
{
	for (size_t i = 0; i < NR_FILES; i++)
		if (!strcmp(files[i].name, name))
			return &files[i];
	return NULL;
}

static const char *file_name(unsigned int i)
{
	return i < NR_FILES ? files[i].name : NULL;
}

static long file_show(struct kmem_cache *cache, const char *name, struct seq_file *m)
{
	const struct file *file = find_file(name);

	if (!file)
		return -ENOENT;
	file->show(slub_of(cache), m);
	return 0;
}

static long file_store(struct kmem_cache *cache, const char *name, const char *text)
{
	const struct file *file = find_file(name);

	if (!file)
		return -ENOENT;
	return file->store ? file->store(slub_of(cache), text) : -EIO;
}

const struct cache_files slub_files = {
	.name = file_name,
	.show = file_show,
	.store = file_store,
};
