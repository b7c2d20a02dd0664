/* SPDX-License-Identifier: MIT */
/* The table of texts: which layer writes which file of /proc; those of caches are common/sysfs.c's. */
#include "boot/boot.h"

#include "buddy/buddy.h"
#include "common/failslab.h"
#include "common/registry.h"
#include "common/sysfs.h"
#include "lib/errno.h"
#include "lib/kernel.h"
#include "lib/kfmt.h"
#include "lib/string.h"
#include "vmalloc/vmalloc.h"

#include <kmem/proc.h>

struct proc_file {
	const char *name;
	void (*show)(struct kernel *k, struct seq_file *m);
	long (*write)(struct kernel *k, const char *text, size_t len);	/* NULL: nobody may */
};

/* Linux's lines come from both layers, in this order. */
static void show_meminfo(struct kernel *k, struct seq_file *m)
{
	buddy_show_meminfo(k, m);
	vmalloc_show_meminfo(k, m);
}

static const struct proc_file proc_files[] = {
	{"buddyinfo", buddy_show_buddyinfo, NULL},
	{"zoneinfo", buddy_show_zoneinfo, NULL},
	{"pagetypeinfo", buddy_show_pagetypeinfo, NULL},
	{"vmstat", buddy_show_vmstat, NULL},
	{"meminfo", show_meminfo, NULL},
	{"extfrag_index", buddy_show_extfrag_index, NULL},
	{"unusable_index", buddy_show_unusable_index, NULL},
	{"page_owner", buddy_show_page_owner, NULL},
	{"zones-csv", buddy_show_zones_csv, NULL},
	{"slabinfo", caches_show_slabinfo, caches_write_slabinfo},
	{"vmallocinfo", vmalloc_show_vmallocinfo, NULL},
	{"page_tables", vmalloc_show_page_tables, NULL},
	{"pat_memtype_list", vmalloc_show_memtypes, NULL},
};

#define NR_PROC_FILES (sizeof(proc_files) / sizeof(proc_files[0]))

static const struct proc_file *proc_find(const char *name)
{
	for (size_t i = 0; i < NR_PROC_FILES; i++)
		if (!strcmp(proc_files[i].name, name))
			return &proc_files[i];
	return NULL;
}

static long proc_show(const char *name, struct seq_file *m)
{
	const struct proc_file *file = proc_find(name);
	struct kernel *k;
	long err;

	if (!file && !sysfs_is_slab(name) && !failslab_is_file(name))
		return -ENOENT;
	k = arch_kernel();
	if (!k)
		return -ENODEV;
	if (file) {
		file->show(k, m);
		return (long)m->len;
	}
	if (sysfs_is_slab(name))
		err = sysfs_slab_show(k, name, m);
	else
		err = k->failslab ? failslab_show(k, name, m) : -ENOENT;
	return err ? err : (long)m->len;
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

long proc_write(const char *name, const char *text, size_t len)
{
	const struct proc_file *file = proc_find(name);
	struct kernel *k;

	if (!file && !sysfs_is_slab(name) && !failslab_is_file(name))
		return -ENOENT;
	k = arch_kernel();
	if (!k)
		return -ENODEV;
	if (failslab_is_file(name))
		return k->failslab ? failslab_store(k, name, text, len) : -ENOENT;
	if (!file)
		return sysfs_slab_store(k, name, text, len);
	return file->write ? file->write(k, text, len) : -EIO;
}

const char *proc_name(unsigned int i)
{
	return i < NR_PROC_FILES ? proc_files[i].name : NULL;
}
