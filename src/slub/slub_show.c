/* SPDX-License-Identifier: MIT */
/*
 * What a cache looks like from outside: slabinfo's numbers, the geometry and state lines, and the
 * list of live objects in a leak report.
 *
 * A CPU's part is read under a claim, a node's under list_lock; between two of them the cache may
 * change, as in Linux. Objects that CPUs hold ready count as active.
 */
#include "slub/slub_debug.h"

void slub_count_node(struct slub_node *n, struct slub_counts *sum)
{
	struct slub_slab *slab;

	arch_spin_lock(&n->list_lock);
	sum->slabs += n->nr_slabs;
	sum->objects += n->total_objects;
	list_for_each_entry(slab, &n->partial, partial) {
		union slub_state state = slub_load(slab);

		sum->free += (unsigned long)(state.objects - state.inuse);
	}
	arch_spin_unlock(&n->list_lock);
}

void slub_count(struct slub_cache *s, struct slub_counts *sum)
{
	struct slub_node *n;

	__builtin_memset(sum, 0, sizeof(*sum));
	for_each_kmem_cache_node(s, nid, n)
		slub_count_node(n, sum);
}

void backend_get_slabinfo(struct kmem_cache *cache, struct slabinfo *info)
{
	struct slub_cache *s = slub_of(cache);
	struct slub_counts sum;

	slub_count(s, &sum);
	__builtin_memset(info, 0, sizeof(*info));
	info->active_objs = sum.objects - sum.free;
	info->num_objs = sum.objects;
	info->active_slabs = sum.slabs;
	info->num_slabs = sum.slabs;
	info->objects_per_slab = s->oo.objects;
	info->cache_order = s->oo.order;
}

void backend_show_geometry(struct kmem_cache *cache, bool counts, struct seq_file *m)
{
	const struct slub_cache *s = slub_of(cache);
	struct slabinfo info;

	seq_printf(m, "objsize=%u size=%u align=%u perslab=%u order=%u minorder=%u minobjs=%u",
		   cache->object_size, cache->size, cache->align, s->oo.objects, s->oo.order,
		   s->min.order, s->min.objects);
	seq_printf(m, " inuse=%u fpoff=%u redleft=%u cpu_partial=%u cpu_partial_slabs=%u", s->inuse,
		   s->offset, s->red_left_pad, s->cpu_partial, s->cpu_partial_slabs);
	seq_printf(m, " min_partial=%lu flags=%x", s->min_partial, cache->flags);
	if (!counts)
		return;
	backend_get_slabinfo(cache, &info);
	seq_printf(m, " active_objs=%lu num_objs=%lu", info.active_objs, info.num_objs);
	seq_printf(m, " active_slabs=%lu num_slabs=%lu shared_avail=%lu", info.active_slabs,
		   info.num_slabs, info.shared_avail);
}

/* --- state --------------------------------------------------------------------------------- */

struct state_view {
	struct slub_cache *s;
	struct kernel *k;
	kmem_label_fn *label;
	void *arg;
	struct seq_file *m;
};

static void show_label(const struct state_view *v, const struct slub_slab *slab)
{
	char name[64] = "";

	v->label(v->arg, &v->s->common, slub_address(v->s, slab), name, sizeof(name));
	name[sizeof(name) - 1] = '\0';
	seq_puts(v->m, name);
}

/* "s3:inuse/objects", with a blank before all but the first. */
static void show_partial(const struct state_view *v, const struct slub_slab *slab, bool first)
{
	union slub_state state = slub_load(slab);

	if (!first)
		seq_putc(v->m, ' ');
	show_label(v, slab);
	seq_printf(v->m, ":%u/%u", state.inuse, state.objects);
}

static void show_cpu_slab(const struct state_view *v, const struct slub_cpu *c)
{
	unsigned int free = 0;
	void *bad;

	if (!c->slab) {
		seq_putc(v->m, '-');
		return;
	}
	show_label(v, c->slab);
	if (!slub_chain_sound(v->s, c->freelist)) {
		seq_printf(v->m, ":free=?,inuse=%u", slub_load(c->slab).inuse);
		return;
	}
	for (void *p = c->freelist; p; p = slub_next_checked(v->s, c->slab, p, &bad))
		free++;
	seq_printf(v->m, ":free=%u,inuse=%u", free, slub_load(c->slab).inuse);
}

/* One CPU's part; @number "" is the CPU of the thread that asks, which is always shown. */
static void show_cpu(const struct state_view *v, unsigned int id, const char *number)
{
	struct arch_cpu *cpu = arch_cpu_claim(v->k->arch, id);
	const struct slub_cpu *c = slub_cpu(v->s, cpu);

	if (!*number || c->slab || c->partial || c->sheaf) {
		seq_printf(v->m, "%scpu%s=", *number ? " " : "", number);
		show_cpu_slab(v, c);
		seq_printf(v->m, " cpupartial%s=[", number);
		for (struct slub_slab *slab = c->partial; slab; slab = slab->next)
			show_partial(v, slab, slab == c->partial);
		seq_putc(v->m, ']');
		if (c->sheaf)
			seq_printf(v->m, " sheaf%s=%u", number, c->nr_sheaf);
	}
	arch_cpu_unclaim(cpu);
}

/* The calling thread's CPU first, without a number; then all others that hold something. */
static void show_cpus(const struct state_view *v)
{
	const struct arch_machine *am = v->k->arch;
	unsigned int own = arch_cpu_current()->id;
	char number[12];

	show_cpu(v, own, "");
	for (unsigned int id = arch_cpu_next_used(am, 0); id < am->nr_cpus;
	     id = arch_cpu_next_used(am, id + 1)) {
		if (id == own)
			continue;
		ksnprintf(number, sizeof(number), "%u", id);
		show_cpu(v, id, number);
	}
}

static void show_node(const struct state_view *v, unsigned int nid, struct slub_node *n)
{
	struct slub_slab *slab;

	arch_spin_lock(&n->list_lock);
	seq_printf(v->m, " node%u nr_partial=%lu nr_slabs=%lu total=%lu partial=[", nid,
		   n->nr_partial, n->nr_slabs, n->total_objects);
	list_for_each_entry(slab, &n->partial, partial)
		show_partial(v, slab, n->partial.next == &slab->partial);
	seq_putc(v->m, ']');
	arch_spin_unlock(&n->list_lock);
}

void backend_show_state(struct kmem_cache *cache, struct kernel *k, kmem_label_fn *label, void *arg,
			struct seq_file *m)
{
	struct state_view v = {.s = slub_of(cache), .k = k, .label = label, .arg = arg, .m = m};
	struct slub_node *n;

	show_cpus(&v);
	for_each_kmem_cache_node(v.s, nid, n)
		show_node(&v, nid, n);
}

/* --- leak reports -------------------------------------------------------------------------- */

void slub_map_free_objects(struct slub_cache *s, const struct slub_slab *slab,
			   struct slub_free_map *map)
{
	char *base = slub_address(s, slab);
	union slub_state state = slub_load(slab);
	void *p = slub_head(base, state);

	__builtin_memset(map, 0, sizeof(*map));
	for (unsigned int count = 0; p && count < state.objects; count++) {
		size_t off = (size_t)((char *)p - base) - s->red_left_pad;

		/* A list that leads out of the slab ends there. */
		if (off >= (size_t)state.objects * s->common.size)
			break;
		map->bits[off / s->common.size / 64] |= 1ull << off / s->common.size % 64;
		p = slub_next_free(s, p);
	}
}

/* Returns how many objects were written, at most @max. */
static unsigned int report_slab(struct slub_cache *s, const struct slub_slab *slab,
				struct slub_free_map *map, unsigned int max, struct seq_file *m)
{
	char *base = slub_address(s, slab);
	union slub_state state = slub_load(slab);
	unsigned int done = 0;

	slub_put_slab_line(s, slab, m);
	slub_map_free_objects(s, slab, map);
	for (size_t i = 0; i < state.objects && done < max; i++) {
		char *object = base + s->red_left_pad + i * s->common.size;

		if (slub_map_has(map, i))
			continue;
		seq_printf(m, "Object 0x%llx @offset=%zu\n", slab_addr(object),
			   (size_t)(object - base));
		slub_put_tracking(s, object, m);
		done++;
	}
	return done;
}

void backend_report_live(struct kmem_cache *cache, unsigned int max, struct seq_file *m)
{
	struct slub_cache *s = slub_of(cache);
	struct slub_free_map map;
	struct slub_slab *slab;
	struct slub_node *n;

	for_each_kmem_cache_node(s, nid, n) {
		arch_spin_lock(&n->list_lock);
		list_for_each_entry(slab, &n->all, all)
			if (max && slub_load(slab).inuse)
				max -= report_slab(s, slab, &map, max, m);
		arch_spin_unlock(&n->list_lock);
	}
}
