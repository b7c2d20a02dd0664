/* SPDX-License-Identifier: MIT */
/*
 * What the page allocator says when it has no page: the kernel's warn_alloc(), to the log.
 *
 *	replay: page allocation failure: order:4, mode:0xcc0(GFP_KERNEL), nodemask=(null)
 *	CPU: 0 PID: 4711 Comm: replay
 *	Call Trace:
 *	 …
 *	Mem-Info:
 *	 free:173 free_pcp:14 free_cma:0
 *	Node 0 DMA32 free:692kB boost:0kB min:588kB …
 *	lowmem_reserve[]: 0 30 30 30
 *	Node 0 DMA32: 1*4kB (U) 0*8kB 1*16kB (ME) …
 *
 * Figures of what a machine here does not have (page cache, anonymous memory, swap) are left out of
 * these lines; the order of the others is Linux's.
 */
#include "buddy/alloc_report.h"

#include "buddy/buddy.h"
#include "buddy/free_area.h"
#include "buddy/pcp.h"
#include "lib/kfmt.h"

#define REPORT_LINE 512
#define KB(pages) ((unsigned long)(pages) << (PAGE_SHIFT - 10))

struct gfp_name {
	gfp_t mask;
	const char *name;
};

/* Longest first, so that a name stands for all it contains. */
static const struct gfp_name gfp_names[] = {
	{GFP_TRANSHUGE, "GFP_TRANSHUGE"},
	{GFP_TRANSHUGE_LIGHT, "GFP_TRANSHUGE_LIGHT"},
	{GFP_HIGHUSER_MOVABLE, "GFP_HIGHUSER_MOVABLE"},
	{GFP_HIGHUSER, "GFP_HIGHUSER"},
	{GFP_USER, "GFP_USER"},
	{GFP_KERNEL_ACCOUNT, "GFP_KERNEL_ACCOUNT"},
	{GFP_KERNEL, "GFP_KERNEL"},
	{GFP_NOFS, "GFP_NOFS"},
	{GFP_ATOMIC, "GFP_ATOMIC"},
	{GFP_NOIO, "GFP_NOIO"},
	{GFP_NOWAIT, "GFP_NOWAIT"},
	{GFP_DMA, "GFP_DMA"},
	{__GFP_HIGHMEM, "__GFP_HIGHMEM"},
	{GFP_DMA32, "GFP_DMA32"},
	{__GFP_HIGH, "__GFP_HIGH"},
	{__GFP_ATOMIC, "__GFP_ATOMIC"},
	{__GFP_IO, "__GFP_IO"},
	{__GFP_FS, "__GFP_FS"},
	{__GFP_NOWARN, "__GFP_NOWARN"},
	{__GFP_RETRY_MAYFAIL, "__GFP_RETRY_MAYFAIL"},
	{__GFP_NOFAIL, "__GFP_NOFAIL"},
	{__GFP_NORETRY, "__GFP_NORETRY"},
	{__GFP_COMP, "__GFP_COMP"},
	{__GFP_ZERO, "__GFP_ZERO"},
	{__GFP_NOMEMALLOC, "__GFP_NOMEMALLOC"},
	{__GFP_MEMALLOC, "__GFP_MEMALLOC"},
	{__GFP_HARDWALL, "__GFP_HARDWALL"},
	{__GFP_THISNODE, "__GFP_THISNODE"},
	{__GFP_RECLAIMABLE, "__GFP_RECLAIMABLE"},
	{__GFP_MOVABLE, "__GFP_MOVABLE"},
	{__GFP_ACCOUNT, "__GFP_ACCOUNT"},
	{__GFP_WRITE, "__GFP_WRITE"},
	{__GFP_RECLAIM, "__GFP_RECLAIM"},
	{__GFP_DIRECT_RECLAIM, "__GFP_DIRECT_RECLAIM"},
	{__GFP_KSWAPD_RECLAIM, "__GFP_KSWAPD_RECLAIM"},
};

void buddy_gfp_name(gfp_t gfp, char *buf, size_t size)
{
	struct seq_file m;

	seq_init_buf(&m, buf, size);
	if (!gfp)
		seq_puts(&m, "none");
	for (unsigned int i = 0; i < sizeof(gfp_names) / sizeof(gfp_names[0]); i++) {
		gfp_t mask = gfp_names[i].mask;

		if (!mask || (gfp & mask) != mask)
			continue;
		seq_printf(&m, "%s%s", m.len ? "|" : "", gfp_names[i].name);
		gfp &= ~mask;
	}
	if (gfp)
		seq_printf(&m, "%s%#x", m.len ? "|" : "", gfp);
}

/* Log a text of several lines. */
static void log_lines(struct kernel *k, const char *text, size_t len)
{
	size_t start = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] != '\n')
			continue;
		pr_warn(k, "%.*s", (int)(i - start), text + start);
		start = i + 1;
	}
}

/* One line collected by a seq_file, to the log. */
static void log_line(struct kernel *k, const struct seq_file *m)
{
	pr_warn(k, "%s", m->buf);
}

static void log_zone(struct kernel *k, struct zone *zone)
{
	char line[REPORT_LINE];
	struct pcp_sum sum;
	struct seq_file m;

	zone_pcp_sum(zone, &sum);
	seq_init_buf(&m, line, sizeof(line));
	seq_printf(&m, "Node %d %s free:%lukB boost:%lukB min:%lukB low:%lukB high:%lukB "
		   "reserved_highatomic:%luKB present:%lukB managed:%lukB free_pcp:%lukB "
		   "free_cma:0kB",
		   zone->pgdat->nid, zone->name, KB(zone_nr_free(zone)),
		   KB(__atomic_load_n(&zone->watermark_boost, __ATOMIC_RELAXED)),
		   KB(zone_wmark(zone, WMARK_MIN)), KB(zone_wmark(zone, WMARK_LOW)),
		   KB(zone_wmark(zone, WMARK_HIGH)),
		   KB(__atomic_load_n(&zone->nr_reserved_highatomic, __ATOMIC_RELAXED)),
		   KB(zone->present), KB(zone->managed),
		   KB(sum.count));
	log_line(k, &m);
	seq_init_buf(&m, line, sizeof(line));
	seq_puts(&m, "lowmem_reserve[]:");
	for (unsigned int h = 0; h < KMEM_MAX_NR_ZONES; h++)
		if (zone_exists(k->buddy, h))
			seq_printf(&m, " %ld",
				   __atomic_load_n(&zone->lowmem_reserve[h], __ATOMIC_RELAXED));
	log_line(k, &m);
}

/* "1*4kB (UM) 0*8kB …": the free blocks by order, with the types of the lists they are on. */
static void log_zone_blocks(struct kernel *k, struct zone *zone)
{
	static const char letters[MIGRATE_TYPES] = {'U', 'M', 'E', 'H', 'C', 'I'};
	unsigned long nr[MAX_ORDER];
	uint16_t nonempty[MIGRATE_TYPES];
	unsigned long total = 0;
	char line[REPORT_LINE];
	struct seq_file m;

	arch_spin_lock(&zone->lock);
	__builtin_memcpy(nonempty, zone->nonempty, sizeof(nonempty));
	for (unsigned int order = 0; order < MAX_ORDER; order++)
		nr[order] = zone->free_area[order].nr_free;
	arch_spin_unlock(&zone->lock);
	seq_init_buf(&m, line, sizeof(line));
	seq_printf(&m, "Node %d %s: ", zone->pgdat->nid, zone->name);
	for (unsigned int order = 0; order < MAX_ORDER; order++) {
		seq_printf(&m, "%lu*%lukB ", nr[order], KB(1ul << order));
		total += nr[order] << order;
		if (!nr[order])
			continue;
		seq_putc(&m, '(');
		for (unsigned int type = 0; type < MIGRATE_TYPES; type++)
			if (nonempty[type] & 1u << order)
				seq_putc(&m, letters[type]);
		seq_puts(&m, ") ");
	}
	seq_printf(&m, "= %lukB", KB(total));
	log_line(k, &m);
}

static void log_mem_info(struct kernel *k)
{
	struct buddy *b = k->buddy;
	unsigned long free = 0, pcp = 0, present = 0, high = 0;

	for_each_populated_zone(b, zone) {
		struct pcp_sum sum;

		zone_pcp_sum(zone, &sum);
		free += (unsigned long)zone_nr_free(zone);
		pcp += (unsigned long)sum.count;
		present += (unsigned long)zone->present;
		if (zone->type >= KMEM_ZONE_HIGHMEM)
			high += (unsigned long)zone->managed;
	}
	pr_warn(k, "Mem-Info:");
	pr_warn(k, " free:%lu free_pcp:%lu free_cma:0", free, pcp);
	for_each_populated_zone(b, zone)
		log_zone(k, zone);
	for_each_populated_zone(b, zone)
		log_zone_blocks(k, zone);
	pr_warn(k, "%lu pages RAM", present);
	pr_warn(k, "%lu pages HighMem/MovableOnly", high);
	pr_warn(k, "%lu pages reserved", present - b->totalram_pages);
}

noinline void warn_alloc_text(struct kernel *k, gfp_t gfp, const char *what)
{
	char text[2048], comm[32], name[GFP_NAME_MAX];
	struct seq_file m;
	int tid;

	arch_thread_name(comm, sizeof(comm), &tid);
	buddy_gfp_name(gfp, name, sizeof(name));
	pr_warn(k, "%s: %s, mode:%#x(%s), nodemask=(null)", comm, what, gfp, name);
	seq_init_buf(&m, text, sizeof(text));
	report_put_caller(&m, 1);
	log_lines(k, text, m.len < sizeof(text) ? m.len : sizeof(text) - 1);
	log_mem_info(k);
}

noinline void warn_alloc(struct kernel *k, gfp_t gfp, unsigned int order)
{
	char what[64];

	ksnprintf(what, sizeof(what), "page allocation failure: order:%u", order);
	warn_alloc_text(k, gfp, what);
}

noinline void panic_out_of_memory(struct kernel *k, gfp_t gfp, unsigned int order)
{
	static const char last[] = "Out of memory and no killable processes...";
	char text[2048], comm[32], name[GFP_NAME_MAX];
	struct seq_file m;
	int tid;

	arch_thread_name(comm, sizeof(comm), &tid);
	buddy_gfp_name(gfp, name, sizeof(name));
	pr_warn(k, "%s invoked oom-killer: gfp_mask=%#x(%s), order=%u, oom_score_adj=0", comm, gfp,
		name, order);
	log_mem_info(k);
	pr_warn(k, "%s", last);
	seq_init_buf(&m, text, sizeof(text));
	seq_printf(&m, "Kernel panic - not syncing: System is deadlocked on memory\n%s\n", last);
	report_put_caller(&m, 0);
	report_mark_cut(&m);
	report_text(k, MACHINE_PANIC, text);
}
