/* SPDX-License-Identifier: MIT */
/*
 * Texts: /proc/buddyinfo, /proc/zoneinfo and /proc/vmstat as the kernel prints them, the table of zone
 * figures, and what the counters say. show_frag.c has those on fragmentation, show_mem.c meminfo.
 *
 * In zoneinfo and vmstat the counters of things that a machine here has none of (page cache,
 * anonymous memory, write-back) are there and 0, for readers that look for them. Left out are numa_*
 * (not counted) and the vm stats threshold (the counters have no per-CPU drift); of vmstat's events
 * those on reclaim and pgfree are counted and there.
 */
#include "buddy/buddy.h"

#include "buddy/free_area.h"
#include "buddy/pcp.h"
#include "buddy/reclaim.h"
#include "lib/report.h"

void buddy_show_buddyinfo(struct kernel *k, struct seq_file *m)
{
	for_each_populated_zone(k->buddy, zone) {
		unsigned long nr[MAX_ORDER];

		arch_spin_lock(&zone->lock);
		for (unsigned int order = 0; order < MAX_ORDER; order++)
			nr[order] = zone->free_area[order].nr_free;
		arch_spin_unlock(&zone->lock);
		seq_printf(m, "Node %d, zone %8s ", zone->pgdat->nid, zone->name);
		for (unsigned int order = 0; order < MAX_ORDER; order++)
			seq_printf(m, "%6lu ", nr[order]);
		seq_putc(m, '\n');
	}
}

/* --- zoneinfo -------------------------------------------------------------------------------- */

/* NULL stands for the two slab counters. */
static const char *const node_stats[] = {
	"nr_inactive_anon", "nr_active_anon", "nr_inactive_file", "nr_active_file",
	"nr_unevictable", NULL,
	"nr_isolated_anon", "nr_isolated_file", "workingset_nodes", "workingset_refault_anon",
	"workingset_refault_file", "workingset_activate_anon", "workingset_activate_file",
	"workingset_restore_anon", "workingset_restore_file", "workingset_nodereclaim",
	"nr_anon_pages", "nr_mapped", "nr_file_pages", "nr_dirty", "nr_writeback",
	"nr_writeback_temp", "nr_shmem", "nr_shmem_hugepages", "nr_shmem_pmdmapped",
	"nr_file_hugepages", "nr_file_pmdmapped", "nr_anon_transparent_hugepages",
	"nr_vmscan_write", "nr_vmscan_immediate_reclaim", "nr_dirtied", "nr_written",
	"nr_throttled_written", "nr_kernel_misc_reclaimable", "nr_foll_pin_acquired",
	"nr_foll_pin_released", "nr_kernel_stack", "nr_page_table_pages",
	"nr_sec_page_table_pages",
};

static const char *const zone_stats[] = {
	"nr_zone_inactive_anon", "nr_zone_active_anon", "nr_zone_inactive_file",
	"nr_zone_active_file", "nr_zone_unevictable", "nr_zone_write_pending", "nr_mlock",
	"nr_bounce", "nr_free_cma",
};

#define NR_ELEMS(array) (sizeof(array) / sizeof((array)[0]))

static void show_stat(struct seq_file *m, const char *name, long value)
{
	seq_printf(m, "\n      %-12s %ld", name, value);
}

/* Add the slab pages of a node to @slab, [1] reclaimable. */
static void add_slab_pages(const struct pgdat *pgdat, long slab[2])
{
	for (unsigned int type = 0; type < KMEM_MAX_NR_ZONES; type++) {
		struct pcp_sum sum;

		if (!zone_populated(&pgdat->zones[type]))
			continue;
		zone_pcp_sum(&pgdat->zones[type], &sum);
		slab[0] += sum.slab_pages[0];
		slab[1] += sum.slab_pages[1];
	}
}

static void show_node_stats(struct seq_file *m, const struct pgdat *pgdat)
{
	long slab[2] = {0, 0};

	add_slab_pages(pgdat, slab);
	seq_puts(m, "\n  per-node stats");
	for (unsigned int i = 0; i < NR_ELEMS(node_stats); i++) {
		if (node_stats[i]) {
			show_stat(m, node_stats[i], 0);
			continue;
		}
		show_stat(m, "nr_slab_reclaimable", slab[1]);
		show_stat(m, "nr_slab_unreclaimable", slab[0]);
	}
}

static void show_protection(const struct buddy *b, struct seq_file *m, const struct zone *zone,
			    const char *between)
{
	const char *sep = "";

	for (unsigned int h = 0; h < KMEM_MAX_NR_ZONES; h++) {
		if (!zone_exists(b, h))
			continue;
		seq_printf(m, "%s%ld", sep,
			   __atomic_load_n(&zone->lowmem_reserve[h], __ATOMIC_RELAXED));
		sep = between;
	}
}

/* What CPU @id's lists of @zone look like, or would if it had ever used them. */
static void get_pageset(const struct zone *zone, unsigned int id, struct per_cpu_pages *out)
{
	const struct arch_machine *am = zone->kernel->arch;

	out->count = 0;
	out->high = __atomic_load_n(&zone->pcp_high, __ATOMIC_RELAXED);
	out->batch = __atomic_load_n(&zone->pcp_batch, __ATOMIC_RELAXED);
	if (arch_cpu_next_used(am, id) == id) {
		struct arch_cpu *cpu = arch_cpu_claim(am, id);
		const struct per_cpu_pages *pcp = pcp_get(cpu, zone);

		out->count = pcp->count;
		out->high = pcp->high;
		out->batch = pcp->batch;
		arch_cpu_unclaim(cpu);
	}
}

static void show_pagesets(struct seq_file *m, const struct zone *zone)
{
	seq_puts(m, "\n  pagesets");
	for (unsigned int id = 0; id < zone->kernel->arch->nr_cpus; id++) {
		struct per_cpu_pages pcp;

		get_pageset(zone, id, &pcp);
		seq_printf(m,
			   "\n    cpu: %u"
			   "\n              count: %d"
			   "\n              high:  %d"
			   "\n              batch: %d",
			   id, pcp.count, pcp.high, pcp.batch);
	}
}

static void show_zone(const struct buddy *b, struct seq_file *m, struct zone *zone, bool first)
{
	long free = zone_nr_free(zone);
	unsigned long boost = __atomic_load_n(&zone->watermark_boost, __ATOMIC_RELAXED);

	seq_printf(m, "Node %d, zone %8s", zone->pgdat->nid, zone->name);
	if (first)
		show_node_stats(m, zone->pgdat);
	seq_printf(m,
		   "\n  pages free     %ld"
		   "\n        boost    %lu"
		   "\n        min      %lu"
		   "\n        low      %lu"
		   "\n        high     %lu"
		   "\n        spanned  %llu"
		   "\n        present  %llu"
		   "\n        managed  %llu"
		   "\n        cma      0"
		   "\n        protection: (",
		   free, boost, zone_wmark(zone, WMARK_MIN), zone_wmark(zone, WMARK_LOW),
		   zone_wmark(zone, WMARK_HIGH), (unsigned long long)zone->spanned,
		   (unsigned long long)zone->present, (unsigned long long)zone->managed);
	show_protection(b, m, zone, ", ");
	seq_putc(m, ')');
	if (!zone_populated(zone)) {
		seq_putc(m, '\n');
		return;
	}
	show_stat(m, "nr_free_pages", free);
	for (unsigned int i = 0; i < NR_ELEMS(zone_stats); i++)
		show_stat(m, zone_stats[i], 0);
	show_pagesets(m, zone);
	seq_printf(m,
		   "\n  node_unreclaimable:  0"
		   "\n  start_pfn:           %llu\n",
		   (unsigned long long)zone->start_pfn);
}

void buddy_show_zoneinfo(struct kernel *k, struct seq_file *m)
{
	const struct buddy *b = k->buddy;

	for (unsigned int nid = 0; nid < b->nr_nodes; nid++) {
		bool first = true;

		for (unsigned int type = 0; type < KMEM_MAX_NR_ZONES; type++) {
			struct zone *zone = &b->nodes[nid].zones[type];

			if (!zone_exists(b, type))
				continue;
			show_zone(b, m, zone, first && zone_populated(zone));
			if (zone_populated(zone))
				first = false;
		}
	}
}

/* --- vmstat ---------------------------------------------------------------------------------- */

static void show_counter(struct seq_file *m, const char *name, unsigned long long value)
{
	seq_printf(m, "%s %llu\n", name, value);
}

static uint64_t read_count(const arch_u64 *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static unsigned long long pages_freed(struct kernel *k)
{
	struct kmem_stats st;
	unsigned long long pages = 0;

	buddy_get_stats(k, &st);
	for (unsigned int order = 0; order < MAX_ORDER; order++)
		pages += st.page_frees[order] << order;
	return pages;
}

static void show_events(const struct buddy *b, struct seq_file *m)
{
	static const char *const allocstall[KMEM_MAX_NR_ZONES] = {
		"allocstall_dma", "allocstall_dma32", "allocstall_normal", "allocstall_high",
		"allocstall_movable",
	};
	const struct reclaim *r = b->reclaim;

	for (unsigned int type = 0; type < KMEM_MAX_NR_ZONES; type++)
		if (zone_exists(b, type))
			show_counter(m, allocstall[type], read_count(&r->allocstall[type]));
	show_counter(m, "pgfree", pages_freed(b->kernel));
	show_counter(m, "slabs_scanned", read_count(&r->slabs_scanned));
	show_counter(m, "pageoutrun", read_count(&r->pageoutrun));
	show_counter(m, "drop_slab", read_count(&r->drop_slab));
	show_counter(m, "oom_kill", 0);
}

void buddy_show_vmstat(struct kernel *k, struct seq_file *m)
{
	long slab[2] = {0, 0}, free = 0;

	for_each_populated_zone(k->buddy, zone)
		free += zone_nr_free(zone);
	for (unsigned int nid = 0; nid < k->buddy->nr_nodes; nid++)
		add_slab_pages(&k->buddy->nodes[nid], slab);
	show_counter(m, "nr_free_pages", (unsigned long long)free);
	for (unsigned int i = 0; i < NR_ELEMS(zone_stats); i++)
		show_counter(m, zone_stats[i], 0);
	for (unsigned int i = 0; i < NR_ELEMS(node_stats); i++) {
		if (node_stats[i]) {
			show_counter(m, node_stats[i], 0);
			continue;
		}
		show_counter(m, "nr_slab_reclaimable", (unsigned long long)slab[1]);
		show_counter(m, "nr_slab_unreclaimable", (unsigned long long)slab[0]);
	}
	show_events(k->buddy, m);
}

/* --- zones-csv ------------------------------------------------------------------------------- */

/* RAM of the machine in MiB: what the description says, else what is there. */
static unsigned long long ram_mib(const struct buddy *b)
{
	uint64_t pages = 0;

	if (b->kernel->arch->desc->mem)
		return b->kernel->arch->desc->mem >> 20;
	for_each_zone(b, zone)
		pages += zone->present;
	return pages >> (20 - PAGE_SHIFT);
}

void buddy_show_zones_csv(struct kernel *k, struct seq_file *m)
{
	const struct buddy *b = k->buddy;
	unsigned int cpus = k->arch->nr_cpus;
	unsigned long long mib = ram_mib(b);

	seq_puts(m, "run,kernel,mem_mb,nodes,cpus,node,zone,start_pfn,spanned,present,managed,min,low,"
		    "high,protection,pcp_high,pcp_batch,min_free_kbytes,totalram_pages,"
		    "pageblock_order\n");
	for_each_populated_zone(b, zone) {
		seq_printf(m, "libkmem-%lluM-%un-%uc,libkmem,%llu,%u,%u,%d,%s,%llu,%llu,%llu,%llu,", mib,
			   b->nr_nodes, cpus, mib, b->nr_nodes, cpus, zone->pgdat->nid, zone->name,
			   (unsigned long long)zone->start_pfn, (unsigned long long)zone->spanned,
			   (unsigned long long)zone->present, (unsigned long long)zone->managed);
		seq_printf(m, "%lu,%lu,%lu,", zone->watermark[WMARK_MIN], zone->watermark[WMARK_LOW],
			   zone->watermark[WMARK_HIGH]);
		show_protection(b, m, zone, "/");
		seq_printf(m, ",%d,%d,%u,%lu,%u\n", zone->pcp_high, zone->pcp_batch,
			   b->min_free_kbytes, b->totalram_pages, b->pageblock_order);
	}
}

/* --- figures --------------------------------------------------------------------------------- */

void buddy_get_stats(struct kernel *k, struct kmem_stats *st)
{
	const struct buddy *b = k->buddy;
	const struct arch_machine *am = k->arch;
	unsigned int id;

	for (unsigned int order = 0; order < MAX_ORDER; order++) {
		st->page_allocs[order] = 0;
		st->page_frees[order] = 0;
	}
	for_each_populated_zone(b, zone) {
		arch_spin_lock(&zone->lock);
		for (unsigned int order = 0; order < MAX_ORDER; order++) {
			st->page_allocs[order] += zone->nr_allocs[order];
			st->page_frees[order] += zone->nr_frees[order];
		}
		arch_spin_unlock(&zone->lock);
	}
	for (id = arch_cpu_next_used(am, 0); id < am->nr_cpus; id = arch_cpu_next_used(am, id + 1)) {
		const struct buddy_cpu *bc = buddy_cpu(arch_cpu_by_id(am, id), b);

		for (unsigned int order = 0; order < MAX_ORDER; order++) {
			st->page_allocs[order] += read_count(&bc->nr_allocs[order]);
			st->page_frees[order] += read_count(&bc->nr_frees[order]);
		}
	}
	st->page_failures = read_count(&b->nr_failures);
}

/* What is neither free, nor on a CPU's list, nor a slab's. */
unsigned long buddy_report_leaks(struct kernel *k)
{
	unsigned long leaked = 0;

	for_each_populated_zone(k->buddy, zone) {
		struct pcp_sum sum;
		long held;

		zone_pcp_sum(zone, &sum);
		held = (long)zone->managed - zone_nr_free(zone) - sum.count - sum.slab_pages[0] -
		       sum.slab_pages[1] - (long)zone->arena_pages;
		if (held <= 0)
			continue;
		pr_err(k, "Node %d, zone %s: %ld pages were not given back", zone->pgdat->nid,
		       zone->name, held);
		leaked += (unsigned long)held;
	}
	return leaked;
}
