/* SPDX-License-Identifier: MIT */
/* The table of texts: which layer writes which file of /proc. */
#include "boot/boot.h"

#include "buddy/buddy.h"
#include "common/registry.h"
#include "lib/kernel.h"
#include "lib/kfmt.h"
#include "lib/string.h"
#include "vmalloc/vmalloc.h"

#include <kmem/proc.h>

struct proc_file {
	const char *name;
	void (*show)(struct kernel *k, struct seq_file *m);
};

static const struct proc_file proc_files[] = {
	{"buddyinfo", buddy_show_buddyinfo},
	{"zoneinfo", buddy_show_zoneinfo},
	{"pagetypeinfo", buddy_show_pagetypeinfo},
	{"vmstat", buddy_show_vmstat},
	{"meminfo", buddy_show_meminfo},
	{"extfrag_index", buddy_show_extfrag_index},
	{"unusable_index", buddy_show_unusable_index},
	{"zones-csv", buddy_show_zones_csv},
	{"slabinfo", caches_show_slabinfo},
	{"vmallocinfo", vmalloc_show_vmallocinfo},
};

#define NR_PROC_FILES (sizeof(proc_files) / sizeof(proc_files[0]))

static long proc_show(const char *name, struct seq_file *m)
{
	struct kernel *k;

	for (size_t i = 0; i < NR_PROC_FILES; i++) {
		if (strcmp(proc_files[i].name, name))
			continue;
		k = arch_kernel();
		if (!k)
			return -ENODEV;
		proc_files[i].show(k, m);
		return (long)m->len;
	}
	return -ENOENT;
}

long proc_read(const char *name, char *buf, size_t size)
{
	struct seq_file m;

	seq_init_buf(&m, buf, size);
	return proc_show(name, &m);
}

long proc_write_to(const char *name, kmem_sink_fn *sink, void *arg)
{
	struct seq_file m;

	seq_init_sink(&m, sink, arg);
	return proc_show(name, &m);
}

const char *proc_name(unsigned int i)
{
	return i < NR_PROC_FILES ? proc_files[i].name : NULL;
}
