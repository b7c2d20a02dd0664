/* SPDX-License-Identifier: MIT */
/*
 * vmalloc's face towards boot, and what its files share.
 *
 *   vmalloc      root: page tables and areas of one machine
 *   vmap_area    addresses (vmap_area.h)
 *   vmap_vm      what a busy area is used for: the public vm_struct, and its way back
 *   alias        a second address of a page, in the host's vmalloc window
 */
#ifndef KMEM_VMALLOC_VMALLOC_H
#define KMEM_VMALLOC_VMALLOC_H

#include "lib/kfmt.h"
#include "vmalloc/pgtable.h"
#include "vmalloc/vmap_area.h"

#include <kmem/vmalloc.h>

struct vmap_vm {
	struct vm_struct vm;
	struct vmap_area *va;
	struct rb_node by_addr;		/* private memory: in vmalloc->direct, by vm.addr */
	struct vmap_vm *next;		/* taken in an interrupt: in vmalloc->deferred */
	bool internal;			/* holds another area's array of pages */
	bool ready;			/* pages and nr_pages are set; atomic */
};

struct vmalloc {
	struct kernel *kernel;
	struct pgtable pgtable;
	struct vmap_areas areas;
	struct arch_spinlock direct_lock;
	struct rb_root direct;		/* private memory: areas by direct-map pointer */
	struct vmap_vm *deferred;	/* freed in interrupts, to be taken apart; atomic */
};

/* --- boot ------------------------------------------------------------------------------------- */

/* In this order, before other threads enter; each 0 or -ENOMEM. */
int vmalloc_create(struct kernel *k);
/* Physical bytes that are neither managed nor used: page tables may lie there. */
int vmalloc_add_frames(struct kernel *k, phys_addr_t start, phys_addr_t end);
int vmalloc_start(struct kernel *k);
/* RAM that the direct map shows. */
int vmalloc_map_direct(struct kernel *k, phys_addr_t start, phys_addr_t end);
/* The CPUs use the tables from here on. */
void vmalloc_enable(struct kernel *k);

/* Unmap what vfree() left to be unmapped later: reclaim's step. The thread may hold any mutex. */
void vmalloc_purge(struct kernel *k);

/* Shutdown, while the page allocator and kmalloc work: report areas that are still in use, give
 * everything back. Returns their number. */
unsigned long vmalloc_exit(struct kernel *k);

/* /proc/vmallocinfo. */
void vmalloc_show_vmallocinfo(struct kernel *k, struct seq_file *m);
/* /sys/kernel/debug/page_tables/kernel. */
void vmalloc_show_page_tables(struct kernel *k, struct seq_file *m);

/* --- alias.c ---------------------------------------------------------------------------------- */

/* Let @nr pages appear one after the other at @va, for the simulated x86 and, if RAM can have
 * second addresses, in the host. 0; -ENOMEM: nothing appears. */
int alias_map(struct vmalloc *v, const struct vmap_area *va, struct page *const *pages,
	      unsigned long nr, pgprot_t prot);

/* The simulated x86 sees @nr pages at @va no more; the host's turn comes with the purge. */
void alias_unmap(struct vmalloc *v, const struct vmap_area *va, unsigned long nr);

/* Whether RAM can have second addresses on this machine. */
static inline bool alias_possible(const struct kernel *k)
{
	return k->arch->vmalloc;
}

/* --- direct.c --------------------------------------------------------------------------------- */

/* Machines on private memory: areas found by their direct-map pointer. */
void direct_add(struct vmalloc *v, struct vmap_vm *vm);
/* The area with @addr in it, or NULL. */
struct vmap_vm *direct_find(struct vmalloc *v, const void *addr);
/* The area that starts at @addr, which is found no more; NULL: there is none. */
struct vmap_vm *direct_take(struct vmalloc *v, const void *addr);

/* --- vmalloc.c -------------------------------------------------------------------------------- */

/* Free a ready area, whatever it is. */
void vmalloc_release(struct vmalloc *v, struct vmap_vm *vm);

/* Take apart what was freed in interrupts. */
void vmalloc_run_deferred(struct vmalloc *v);

/* vmalloc() in full: @align a power of two; @gfp with what reclaim may do, zeroing, zone;
 * @nid the node whose pages come first, or NUMA_NO_NODE. */
void *vmalloc_node_range(struct kernel *k, unsigned long size, unsigned long align, gfp_t gfp,
			 pgprot_t prot, int nid, const void *caller);

#endif
