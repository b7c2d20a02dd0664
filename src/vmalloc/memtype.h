/* SPDX-License-Identifier: MIT */
/* Which memory types physical addresses are mapped with; theory in memtype.c. */
#ifndef KMEM_VMALLOC_MEMTYPE_H
#define KMEM_VMALLOC_MEMTYPE_H

#include "lib/kernel.h"
#include "lib/rbtree.h"

#include <kmem/vmalloc.h>

/* Linux's numbers: bits PWT, PCD and PAT of an entry, in this order. */
enum memtype {
	MEMTYPE_WB = 0,
	MEMTYPE_WC = 1,
	MEMTYPE_UC_MINUS = 2,
	MEMTYPE_UC = 3,
	MEMTYPE_WT = 4,
};

/* One mapping. */
struct memtype_range {
	struct rb_node node;
	phys_addr_t start, end;		/* [start, end), whole pages */
	phys_addr_t last;		/* the highest end in this subtree */
	enum memtype type;
};

struct seq_file;

struct memtypes {
	struct kernel *kernel;
	struct arch_spinlock lock;
	struct rb_root ranges;		/* by start, augmented by `last`; several may be the same */
};

void memtypes_init(struct kernel *k, struct memtypes *types);

/* Put @range in, whose start and end are set, with @want or what is there already. 0: its type is
 * set; -EBUSY after a line in the log: that would be two types, or too weak a one. */
int memtype_reserve(struct memtypes *types, struct memtype_range *range, enum memtype want);

void memtype_release(struct memtypes *types, struct memtype_range *range);

/* A 4 KiB entry's bits. */
pgprot_t memtype_prot(enum memtype type);

/* /sys/kernel/debug/x86/pat_memtype_list. */
void memtypes_show(struct memtypes *types, struct seq_file *m);

/* lib/fork.h: the lock. */
struct fork_walk;
bool memtypes_fork(struct memtypes *types, struct fork_walk *w);

#endif
