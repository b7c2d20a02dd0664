/* SPDX-License-Identifier: MIT */
/* /proc/slabinfo, version 2.1: a header, then one line a cache, newest first. */
#include "common/backend.h"
#include "common/registry.h"

static void show_cache(struct kmem_cache *s, struct seq_file *m)
{
	struct slabinfo info = { 0 };

	backend_get_slabinfo(s, &info);
	seq_printf(m, "%-17s %6lu %6lu %6u %4u %4d", s->name, info.active_objs, info.num_objs, s->size,
		   info.objects_per_slab, 1 << info.cache_order);
	seq_printf(m, " : tunables %4u %4u %4u", info.limit, info.batchcount, info.shared);
	seq_printf(m, " : slabdata %6lu %6lu %6lu\n", info.active_slabs, info.num_slabs,
		   info.shared_avail);
}

void caches_show_slabinfo(struct kernel *k, struct seq_file *m)
{
	struct kmem_cache *s;

	seq_puts(m, "slabinfo - version: 2.1\n");
	seq_puts(m, "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>");
	seq_puts(m, " : tunables <limit> <batchcount> <sharedfactor>");
	seq_puts(m, " : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
	if (!backend_traits.has_slabinfo)
		return;
	caches_lock_to_look(k);
	list_for_each_entry(s, &k->caches->list, list)
		show_cache(s, m);
	caches_unlock_to_look(k);
}
