/* SPDX-License-Identifier: MIT */
/*
 * vmalloc's face towards boot, and what its files share.
 *
 *   vmalloc      root: page tables and areas of one machine
 *   vmap_area    addresses (vmap_area.h)
 *   memtypes     memory types of physical addresses (memtype.h)
 *   vmap_vm      what a busy area is used for: the public vm_struct, and its way back
 *   vm_request   everything that a caller of vmalloc's family can ask for
 *   alias        a second address of a page, in the host's vmalloc window
 */
#ifndef KMEM_VMALLOC_VMALLOC_H
#define KMEM_VMALLOC_VMALLOC_H

#include "lib/kfmt.h"
#include "vmalloc/memtype.h"
#include "vmalloc/pgtable.h"
#include "vmalloc/vmap_area.h"

#include <kmem/slab.h>
#include <kmem/vmalloc.h>

struct vmap_blocks;
struct pkmap;
struct kmap_local;

struct vmap_vm {
	struct vm_struct vm;
	struct vmap_area *va;
	struct rb_node by_addr;		/* private memory: in vmalloc->direct, by vm.addr */
	struct vmap_vm *next;		/* freed where it cannot be taken apart: in vmalloc->deferred */
	struct memtype_range *memtype;	/* ioremap()'s; NULL: of others */
	unsigned long array_len;	/* of vm.pages, which is the area's own; 0: it is not */
	bool internal;			/* holds another area's array of pages */
	bool ready;			/* pages and nr_pages are set; atomic */
};

struct vmalloc {
	struct kernel *kernel;
	struct pgtable pgtable;
	struct vmap_areas areas;
	struct memtypes memtypes;	/* of what ioremap() maps */
	struct vmap_blocks *blocks;	/* vm_map_ram()'s (vmap_block.c) */
	struct pkmap *pkmap;		/* kmap()'s entries (kmap.c); NULL: no HIGHMEM */
	struct kmap_local *kmap_local;	/* kmap_local_page()'s windows; NULL: likewise */
	struct arch_spinlock direct_lock;
	struct rb_root direct;		/* private memory: areas by direct-map pointer */
	struct vmap_vm *deferred;	/* freed in interrupts, to be taken apart; atomic */
	unsigned long nr_pages;		/* of all areas of vmalloc(); atomic */
};

struct vm_request {
	unsigned long size;		/* bytes, without guard page */
	unsigned long align;		/* a power of two */
	kva_t start, end;		/* where it may lie; both 0: anywhere in the region */
	gfp_t gfp;			/* what reclaim may do, zeroing, zone */
	pgprot_t prot;
	int node;			/* whose pages come first, or NUMA_NO_NODE */
	unsigned long flags;		/* VM_* of the vm_struct, and VM_ALLOW_HUGE_VMAP */
	unsigned long kind;		/* of the busy area: who may free it (VM_ALLOC: vfree()) */
	const void *caller;
	bool *full;			/* set if addresses or mappings were lacking; may be NULL */
};

/* Whether @prot can stand in a present 4 KiB entry. */
static inline bool prot_is_good(pgprot_t prot)
{
	return prot & X86_PTE_P && !(prot & X86_PTE_ADDR_MASK);
}

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

/* Unmap what vfree() and its like left to be unmapped later, vm_map_ram()'s blocks included: also
 * reclaim's step. The thread may hold any mutex. */
void vmalloc_purge(struct kernel *k);

/* Shutdown, while the page allocator and kmalloc work: report areas that are still in use, give
 * everything back. Returns their number. */
unsigned long vmalloc_exit(struct kernel *k);

/* /proc/vmallocinfo. */
void vmalloc_show_vmallocinfo(struct kernel *k, struct seq_file *m);
/* The lines of /proc/meminfo that are vmalloc's: they follow buddy_show_meminfo()'s. */
void vmalloc_show_meminfo(struct kernel *k, struct seq_file *m);
/* /sys/kernel/debug/page_tables/kernel. */
void vmalloc_show_page_tables(struct kernel *k, struct seq_file *m);
/* /sys/kernel/debug/x86/pat_memtype_list. */
void vmalloc_show_memtypes(struct kernel *k, struct seq_file *m);

/* --- alias.c ---------------------------------------------------------------------------------- */

/* Let @nr pages appear one after the other at @va, for the simulated x86 and, if RAM can have
 * second addresses, in the host. Runs of a large page's size and alignment are mapped as such if
 * @large. 0; -ENOMEM: nothing appears. */
int alias_map(struct vmalloc *v, const struct vmap_area *va, struct page *const *pages,
	      unsigned long nr, pgprot_t prot, bool large);

/* The simulated x86 sees @nr pages at @va no more; the host's turn comes with the purge. */
void alias_unmap(struct vmalloc *v, const struct vmap_area *va, unsigned long nr);

/* The same for any addresses of the region: 0 or -ENOMEM. */
int alias_map_at(struct vmalloc *v, kva_t kva, struct page *const *pages, unsigned long nr,
		 pgprot_t prot);
void alias_unmap_at(struct vmalloc *v, kva_t kva, unsigned long nr);

/* @nr frames from @pfn on, which have no struct page, at @kva: in the host, too, if it has memory for
 * all of them. 0 or -ENOMEM. alias_unmap_at() undoes it. */
int frame_map(struct vmalloc *v, kva_t kva, uint64_t pfn, unsigned long nr, pgprot_t prot,
	      bool large);

/* Whether RAM can have second addresses on this machine. */
static inline bool alias_possible(const struct kernel *k)
{
	return k->arch->vmalloc;
}

/* --- vmap.c ----------------------------------------------------------------------------------- */

/* Whether each of @pages is one of this machine. */
bool vmap_pages_are_ram(struct page *const *pages, unsigned int count);

/* alias_possible(), with an error in the log for @who if not. */
bool vmap_has_aliases(struct kernel *k, const char *who);

/* --- direct.c --------------------------------------------------------------------------------- */

/* Machines on private memory: areas found by their direct-map pointer. */
void direct_add(struct vmalloc *v, struct vmap_vm *vm);
/* The area with @addr in it, or NULL. */
struct vmap_vm *direct_find(struct vmalloc *v, const void *addr);
/* The area that starts at @addr, which is found no more; NULL: there is none. */
struct vmap_vm *direct_take(struct vmalloc *v, const void *addr);

/* --- vm_area.c -------------------------------------------------------------------------------- */

/* The pointer for an address of the region; whether a pointer lies in it, and then its address. */
void *window_ptr(const struct kernel *k, kva_t kva);
bool in_window(const struct kernel *k, const void *addr);
kva_t window_kva(const struct kernel *k, const void *addr);

/* The area in which @addr lies, guard page included, whether it is ready or not. */
struct vmap_vm *vm_find(struct vmalloc *v, const void *addr);

/* What the simulated x86 calls @addr in the vmalloc region; 0 if it lies in no area of it. */
kva_t vm_kva(struct vmalloc *v, const void *addr);

/* Addresses for @r and a guard page. NULL: no room or no memory. */
struct vmap_vm *vm_make(struct vmalloc *v, const struct vm_request *r);

/* From here on others may look at it. Returns the caller's pointer. */
void *vm_publish(struct vmalloc *v, struct vmap_vm *vm);

/* The ready area of @kind that starts at @addr, which is the caller's alone; NULL: none. */
struct vmap_vm *vm_take(struct vmalloc *v, const void *addr, unsigned long kind);

/* Take apart what vm_make() and the steps after it have made: an area that was taken. */
void vm_unmake(struct vmalloc *v, struct vmap_vm *vm);

/* The same for one that is not ready and stands in the busy tree. */
void vm_drop(struct vmalloc *v, struct vmap_vm *vm);

/* Free an area of the busy tree at shutdown, whatever it is: one that a thread was just making or
 * freeing when the process forked, too. */
void vm_release(struct vmalloc *v, struct vmap_vm *vm);

/* --- vm_pages.c ------------------------------------------------------------------------------- */

/* Room for @nr pages' pointers, zeroed, or NULL; and back. */
struct page **vm_array_alloc(struct vmalloc *v, unsigned long nr, gfp_t gfp, int node,
			     const void *caller);
void vm_array_free(struct vmalloc *v, struct page **pages, unsigned long nr);

/* As many single pages as there are, up to @nr; in blocks of 2^@order as far as possible. On private memory all
 * or none, in a row whose first byte is aligned to @align. */
unsigned long vm_take_pages(struct kernel *k, struct page **pages, unsigned long nr,
			    unsigned int order, unsigned long align, gfp_t gfp, int nid);

/* --- vmalloc.c -------------------------------------------------------------------------------- */

/* Whether @who may be called here: not in an interrupt. In other atomic contexts it is reported and
 * goes on. True: vmalloc_end() has to follow. */
bool vmalloc_begin(struct vmalloc *v, gfp_t gfp, const char *who);
void vmalloc_end(void);

/* vmalloc() in full. */
void *vmalloc_request(struct kernel *k, const struct vm_request *r);

/* The same for what most of the family ask for: whole pages of PAGE_KERNEL with VM_ALLOC and @flags, on the
 * thread's machine. NULL without one, too. */
void *vmalloc_simple(unsigned long size, gfp_t gfp, unsigned long flags, int node,
		     const void *caller);

/* Take apart what was freed in interrupts. */
void vmalloc_run_deferred(struct vmalloc *v);

/* The area of @kind at @addr, taken; NULL after a report that @who cannot free it. */
struct vmap_vm *vmalloc_take_to_free(struct vmalloc *v, const void *addr, unsigned long kind,
				     const char *who);

/* --- ioremap.c -------------------------------------------------------------------------------- */

/* No entry has @type's bits any more. */
void ioremap_release_type(struct vmalloc *v, struct memtype_range *type);

/* --- vmap_block.c ----------------------------------------------------------------------------- */

int vmap_blocks_init(struct vmalloc *v);
/* Returns how many pages are still mapped. */
unsigned long vmap_blocks_exit(struct vmalloc *v);

/* Unmap in the host what was unmapped in blocks that live on; free those that hold nothing but what
 * was unmapped and what never was used. */
void vmap_blocks_purge(struct vmalloc *v);

/* --- fork() ----------------------------------------------------------------------------------- */

/* lib/fork.h: the locks of all files here, and what kmap_local_page() did for threads that the child
 * has not. */
struct fork_walk;
bool vmalloc_fork(struct kernel *k, struct fork_walk *w);
bool vmap_blocks_fork(struct vmalloc *v, struct fork_walk *w);

#endif
