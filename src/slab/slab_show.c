/* SPDX-License-Identifier: MIT */
/*
 * A cache as numbers and text: slabinfo, geometry, state, leak reports, bytes of management.
 *
 * Objects in arrays count as active: nobody but the arrays' owners could know better. Numbers of
 * different nodes are read one after the other, each node's under its list_lock.
 */
#include "slab/slab.h"

void backend_get_slabinfo(struct kmem_cache *cache, struct slabinfo *info)
{
	struct slab_cache *s = to_slab_cache(cache);
	unsigned long free_objects = 0;
	unsigned int nid;

	*info = (struct slabinfo){
		.limit = s->limit,
		.batchcount = s->batchcount,
		.shared = s->shared,
		.objects_per_slab = s->geo.num,
		.cache_order = s->geo.order,
	};
	for (nid = 0; nid < s->nr_nodes; nid++) {
		struct slab_node *n = s->node[nid];

		arch_spin_lock(&n->list_lock);
		info->num_slabs += n->total_slabs;
		info->active_slabs += n->total_slabs - n->free_slabs;
		free_objects += n->free_objects;
		info->shared_avail += n->shared ? n->shared->avail : 0;
		arch_spin_unlock(&n->list_lock);
	}
	info->num_objs = info->num_slabs * s->geo.num;
	info->active_objs = info->num_objs - free_objects;
}

static const char *const mgmt_names[] = {
	[SLAB_MGMT_ON] = "on",
	[SLAB_MGMT_OFF] = "off",
	[SLAB_MGMT_OBJ] = "obj",
};

static const slab_flags_t mgmt_flags[] = {
	[SLAB_MGMT_ON] = 0,
	[SLAB_MGMT_OFF] = SLAB_CFLGS_OFF_SLAB,
	[SLAB_MGMT_OBJ] = SLAB_CFLGS_OBJFREELIST,
};

void backend_show_geometry(struct kmem_cache *cache, bool counts, struct seq_file *m)
{
	struct slab_cache *s = to_slab_cache(cache);
	const struct slab_geometry *geo = &s->geo;
	struct slabinfo info;

	seq_printf(m, "objsize=%u size=%u align=%u perslab=%u order=%u", cache->object_size,
		   geo->size, geo->align, geo->num, geo->order);
	seq_printf(m, " colour=%u colour_off=%u freelist_size=%u mgmt=%s", geo->colour,
		   geo->colour_off, geo->freelist_size, mgmt_names[geo->mgmt]);
	seq_printf(m, " limit=%u batchcount=%u shared=%u free_limit=%lu flags=%x", s->limit,
		   s->batchcount, s->shared, s->node[0]->free_limit,
		   cache->flags | mgmt_flags[geo->mgmt]);
	if (!counts)
		return;
	backend_get_slabinfo(cache, &info);
	seq_printf(m, " active_objs=%lu num_objs=%lu active_slabs=%lu num_slabs=%lu",
		   info.active_objs, info.num_objs, info.active_slabs, info.num_slabs);
	seq_printf(m, " shared_avail=%lu", info.shared_avail);
}

struct slab_namer {
	struct slab_cache *s;
	kmem_label_fn *label;
	void *arg;
};

static void slab_show_list(const struct slab_namer *namer, const char *title,
			   const struct list_head *head, bool with_active, struct seq_file *m)
{
	const struct slab_slab *slab;
	char name[64];

	seq_printf(m, " %s=[", title);
	list_for_each_entry(slab, head, list) {
		namer->label(namer->arg, &namer->s->common,
			     slab_base(namer->s->common.kernel, slab), name, sizeof(name));
		seq_printf(m, " %s", name);
		if (with_active)
			seq_printf(m, ":%u", slab->active);
	}
	seq_puts(m, " ]");
}

static void slab_show_node_locked(const struct slab_namer *namer, const struct slab_node *n,
				  struct seq_file *m)
{
	seq_printf(m, " node%u shared=", n->nid);
	if (n->shared)
		seq_printf(m, "%u/%u", n->shared->avail, n->shared_limit);
	else
		seq_puts(m, "-1/-1");
	seq_printf(m, " total_slabs=%lu free_slabs=%lu free_objects=%lu free_limit=%lu",
		   n->total_slabs, n->free_slabs, n->free_objects, n->free_limit);
	seq_printf(m, " colour_next=%u", __atomic_load_n(&n->colour_next, __ATOMIC_RELAXED));
	slab_show_list(namer, "partial", &n->partial, true, m);
	slab_show_list(namer, "full", &n->full, false, m);
	slab_show_list(namer, "free", &n->free, false, m);
}

void backend_show_state(struct kmem_cache *cache, struct kernel *k, kmem_label_fn *label, void *arg,
			struct seq_file *m)
{
	struct slab_cache *s = to_slab_cache(cache);
	struct slab_namer namer = { .s = s, .label = label, .arg = arg };
	struct arch_cpu *cpu = arch_cpu_lock();
	struct slab_array *ac;
	unsigned int avail, touched, nid;

	if (!cpu)
		return;
	ac = slab_cpu_array(s, cpu);
	avail = ac->avail;
	touched = ac->touched;
	arch_cpu_unlock(cpu);

	seq_printf(m, "ac=%u/%u batch=%u touched=%u", avail, s->limit, s->batchcount, touched);
	for (nid = 0; nid < s->nr_nodes; nid++) {
		struct slab_node *n = s->node[nid];

		arch_spin_lock(&n->list_lock);
		slab_show_node_locked(&namer, n, m);
		arch_spin_unlock(&n->list_lock);
	}
}

/* --- leaks ------------------------------------------------------------------------------------ */

static unsigned int slab_report_slab_locked(struct slab_cache *s, const struct slab_slab *slab,
					    unsigned int max, struct seq_file *m)
{
	bool is_free[SLAB_OBJ_MAX_NUM + 1] = { false };
	char *base = slab_base(s->common.kernel, slab);
	unsigned int i, nr = 0;

	/* A full slab may have no free list at all. */
	for (i = slab->active; i < s->geo.num; i++)
		is_free[arch_raw_read(&slab->freelist[i])] = true;
	seq_printf(m, "Slab 0x%llx objects=%u used=%u\n", slab_addr(base), s->geo.num,
		   slab->active);
	for (i = 0; i < s->geo.num && nr < max; i++) {
		char *object = slab->s_mem + (size_t)i * s->geo.size;

		if (is_free[i])
			continue;
		seq_printf(m, "Object 0x%llx @offset=%zu\n", slab_addr(object),
			   (size_t)(object - base));
		nr++;
	}
	return nr;
}

static unsigned int slab_report_list_locked(struct slab_cache *s, const struct list_head *head,
					    unsigned int max, struct seq_file *m)
{
	const struct slab_slab *slab;
	unsigned int nr = 0;

	list_for_each_entry(slab, head, list) {
		if (nr == max)
			break;
		nr += slab_report_slab_locked(s, slab, max - nr, m);
	}
	return nr;
}

void backend_report_live(struct kmem_cache *cache, unsigned int max, struct seq_file *m)
{
	struct slab_cache *s = to_slab_cache(cache);
	unsigned int nid;

	for (nid = 0; nid < s->nr_nodes; nid++) {
		struct slab_node *n = s->node[nid];

		arch_spin_lock(&n->list_lock);
		max -= slab_report_list_locked(s, &n->partial, max, m);
		max -= slab_report_list_locked(s, &n->full, max, m);
		arch_spin_unlock(&n->list_lock);
	}
}

size_t backend_management_bytes(struct kmem_cache *cache)
{
	struct slab_cache *s = to_slab_cache(cache);
	const struct arch_machine *am = cache->kernel->arch;
	size_t bytes = am->nr_cpus * slab_array_bytes(s->limit) + s->nr_nodes * sizeof(*s->node);
	unsigned int nid;

	for (nid = 0; nid < s->nr_nodes; nid++) {
		struct slab_node *n = s->node[nid];

		bytes += slab_node_bytes(s, n);
		if (s->geo.mgmt != SLAB_MGMT_OFF)
			continue;
		arch_spin_lock(&n->list_lock);
		bytes += n->total_slabs * s->geo.freelist_size;
		arch_spin_unlock(&n->list_lock);
	}
	return bytes;
}
