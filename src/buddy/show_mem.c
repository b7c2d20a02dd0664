/* SPDX-License-Identifier: MIT */
/*
 * /proc/meminfo as the kernel prints it, up to vmalloc's lines (vmalloc/show.c). Amounts of things
 * that a machine here has none of (page cache, anonymous memory, swap, write-back) are there and 0,
 * for readers that look for them. Left out are those that other parts of a kernel reckon:
 * CommitLimit, Committed_AS, Percpu, HugePages_*, Hugepagesize, Hugetlb, DirectMap*.
 *
 * MemAvailable is what programs could get without reclaim being felt (Documentation/filesystems/
 * proc.rst): free pages beyond what the zones keep back, and the reclaimable slabs, of which half,
 * but no more than the low watermarks, is taken to be in use.
 */
#include "buddy/buddy.h"

#include "buddy/pcp.h"

struct mem_sums {
	unsigned long managed, free;		/* pages, all zones */
	unsigned long high_managed, high_free;	/* HighMem */
	unsigned long kept;			/* what the zones keep back */
	unsigned long low;			/* low watermarks */
	unsigned long slab[2];			/* [1] reclaimable */
};

/* The high watermark and the largest reserve, but no more than the zone has. */
static unsigned long zone_kept(const struct zone *zone)
{
	unsigned long kept = __atomic_load_n(&zone->watermark[WMARK_HIGH], __ATOMIC_RELAXED);
	long most = 0;

	for (unsigned int h = 0; h < KMEM_MAX_NR_ZONES; h++) {
		long reserve = __atomic_load_n(&zone->lowmem_reserve[h], __ATOMIC_RELAXED);

		if (reserve > most)
			most = reserve;
	}
	kept += (unsigned long)most;
	return kept < zone->managed ? kept : (unsigned long)zone->managed;
}

static void sum_zones(const struct buddy *b, struct mem_sums *s)
{
	*s = (struct mem_sums){0};
	for_each_populated_zone(b, zone) {
		unsigned long free = (unsigned long)zone_nr_free(zone);
		struct pcp_sum pcp;

		zone_pcp_sum(zone, &pcp);
		s->managed += (unsigned long)zone->managed;
		s->free += free;
		if (zone_is_highmem(zone)) {
			s->high_managed += (unsigned long)zone->managed;
			s->high_free += free;
		}
		s->kept += zone_kept(zone);
		s->low += __atomic_load_n(&zone->watermark[WMARK_LOW], __ATOMIC_RELAXED);
		for (int i = 0; i < 2; i++)
			s->slab[i] += (unsigned long)pcp.slab_pages[i];
	}
}

static unsigned long available_pages(const struct mem_sums *s)
{
	unsigned long in_use = s->slab[1] / 2 < s->low ? s->slab[1] / 2 : s->low;
	unsigned long sum = s->free + s->slab[1] - in_use;

	return sum > s->kept ? sum - s->kept : 0;
}

static void show_kb(struct seq_file *m, const char *label, unsigned long pages)
{
	seq_printf(m, "%-16s%8lu kB\n", label, pages << (PAGE_SHIFT - 10));
}

static void show_none(struct seq_file *m, const char *const *labels)
{
	for (; *labels; labels++)
		show_kb(m, *labels, 0);
}

void buddy_show_meminfo(struct kernel *k, struct seq_file *m)
{
	static const char *const cached[] = {
		"Buffers:", "Cached:", "SwapCached:", "Active:", "Inactive:", "Active(anon):",
		"Inactive(anon):", "Active(file):", "Inactive(file):", "Unevictable:", "Mlocked:", NULL,
	};
	static const char *const mapped[] = {
		"SwapTotal:", "SwapFree:", "Dirty:", "Writeback:", "AnonPages:", "Mapped:", "Shmem:", NULL,
	};
	static const char *const others[] = {
		"KernelStack:", "PageTables:", "SecPageTables:", "NFS_Unstable:", "Bounce:",
		"WritebackTmp:", NULL,
	};
	struct mem_sums s;

	sum_zones(k->buddy, &s);
	show_kb(m, "MemTotal:", s.managed);
	show_kb(m, "MemFree:", s.free);
	show_kb(m, "MemAvailable:", available_pages(&s));
	show_none(m, cached);
	if (zone_exists(k->buddy, KMEM_ZONE_HIGHMEM)) {
		show_kb(m, "HighTotal:", s.high_managed);
		show_kb(m, "HighFree:", s.high_free);
		show_kb(m, "LowTotal:", s.managed - s.high_managed);
		show_kb(m, "LowFree:", s.free - s.high_free);
	}
	show_none(m, mapped);
	show_kb(m, "KReclaimable:", s.slab[1]);
	show_kb(m, "Slab:", s.slab[0] + s.slab[1]);
	show_kb(m, "SReclaimable:", s.slab[1]);
	show_kb(m, "SUnreclaim:", s.slab[0]);
	show_none(m, others);
}
