/* SPDX-License-Identifier: MIT */
/*
 * Memory that is contiguous only virtually: single pages, mapped one after the other into the
 * kernel's vmalloc region. For large buffers; small ones are kmalloc()'s business, for each area
 * costs page tables, a guard page and a mapping in the host. Semantics are Linux 6.1's
 * (mm/vmalloc.c in its Documentation/core-api/mm-api.rst).
 *
 * On a machine whose RAM is a memfd (the default) a page really appears at two addresses: what is
 * written through vmalloc()'s pointer can be read through page_address() and the other way round.
 * A machine on private memory has no second addresses: vmalloc() gives the direct-map pointer there
 * and works as long as one contiguous block serves it; vmap() does not work.
 *
 * Unless a function says otherwise: any thread may call it, not in an interrupt (context.h); it
 * works on the machine the thread has entered; it may sleep; running out returns NULL with the
 * kernel's failure report in the log; misuse is reported (machine.h) and, when the handler goes
 * on, refused.
 *
 * On x86_32 the region is small (about 120 MiB beside full low memory; `vmalloc=` on the command line
 * changes that) and pages come from HIGHMEM first, which needs no address of its own.
 */
#ifndef KMEM_VMALLOC_H
#define KMEM_VMALLOC_H

#include <kmem/gfp.h>
#include <kmem/types.h>
#include <kmem/x86_pte.h>

KMEM_BEGIN_DECLS

/* Protection of a mapping: the flag bits of its page-table entries. */
typedef uint64_t pgprot_t;

#define PAGE_KERNEL ((pgprot_t)X86_KERNEL_PAGE)
#define PAGE_KERNEL_RO ((pgprot_t)X86_KERNEL_PAGE_RO)

/* What an area is, in vm_struct.flags; with Linux's values. */
#define VM_IOREMAP 0x1ul		/* ioremap(), vmap_pfn() */
#define VM_ALLOC 0x2ul			/* vmalloc() */
#define VM_MAP 0x4ul			/* vmap() */
#define VM_USERMAP 0x8ul		/* may be shown to a user: copy_vmalloc_range() */
#define VM_FLUSH_RESET_PERMS 0x100ul	/* its rights may change: accepted, all unmapping is complete */
#define VM_MAP_PUT_PAGES 0x200ul	/* vmap(): the pages become the area's */
#define VM_ALLOW_HUGE_VMAP 0x400ul	/* asks for large pages */

/* An area. Constant from vmalloc() or vmap() until it is freed. */
struct vm_struct {
	void *addr;			/* what vmalloc() returned */
	unsigned long size;		/* bytes, the guard page behind the area included */
	unsigned long flags;		/* VM_* */
	struct page **pages;		/* its pages in order; NULL if they are not its own */
	unsigned int nr_pages;
	unsigned int page_order;	/* 9: it was made of large pages */
	phys_addr_t phys_addr;		/* ioremap(): where it leads; else 0 */
	const void *caller;		/* who asked for it: a host code address */
};

/**
 * vmalloc - @size bytes, virtually contiguous
 * @size: rounded up to whole pages; 0 and more than all RAM fail with a warning
 *
 * Return: page-aligned pointer, or NULL. Free with vfree().
 */
KMEM_DECL(void *, vmalloc, (unsigned long size)) KMEM_MALLOC KMEM_MUST_CHECK;

/** vzalloc - vmalloc(), zeroed. Free with vfree(). */
KMEM_DECL(void *, vzalloc, (unsigned long size)) KMEM_MALLOC KMEM_MUST_CHECK;

/**
 * vmalloc_user - vzalloc() of memory that may be shown to a user: copy_vmalloc_range() reads it
 * @size: as vmalloc()
 */
KMEM_DECL(void *, vmalloc_user, (unsigned long size)) KMEM_MALLOC KMEM_MUST_CHECK;

/** vmalloc_node - vmalloc() with pages of @node first; NUMA_NO_NODE: the caller's. */
KMEM_DECL(void *, vmalloc_node, (unsigned long size, int node)) KMEM_MALLOC KMEM_MUST_CHECK;

/** vzalloc_node - vmalloc_node(), zeroed. */
KMEM_DECL(void *, vzalloc_node, (unsigned long size, int node)) KMEM_MALLOC KMEM_MUST_CHECK;

/** vmalloc_32 - vmalloc() of pages below 4 GiB; on x86_32 of low memory. */
KMEM_DECL(void *, vmalloc_32, (unsigned long size)) KMEM_MALLOC KMEM_MUST_CHECK;

/** vmalloc_32_user - vmalloc_user() of pages below 4 GiB. */
KMEM_DECL(void *, vmalloc_32_user, (unsigned long size)) KMEM_MALLOC KMEM_MUST_CHECK;

/**
 * vmalloc_huge - vmalloc() by large pages
 * @size: as vmalloc(); from 2 MiB a node on it is rounded up to whole large pages and mapped by them
 * @gfp:  GFP_KERNEL, and __GFP_ZERO, __GFP_NOWARN, …
 *
 * Where there are none, or on x86_32, it is an ordinary vmalloc().
 */
KMEM_DECL(void *, vmalloc_huge, (unsigned long size, gfp_t gfp)) KMEM_MALLOC KMEM_MUST_CHECK;

/**
 * __vmalloc - vmalloc() with flags
 * @size: as vmalloc()
 * @gfp:  what reclaim may do, __GFP_ZERO, __GFP_NOWARN; GFP_DMA or GFP_DMA32 name the zone
 */
KMEM_DECL(void *, __vmalloc, (unsigned long size, gfp_t gfp)) KMEM_MALLOC KMEM_MUST_CHECK;

/** __vmalloc_array - __vmalloc() of @n times @size bytes; NULL if that overflows. */
KMEM_DECL(void *, __vmalloc_array, (size_t n, size_t size, gfp_t gfp))
	KMEM_MALLOC KMEM_MUST_CHECK;

/** vmalloc_array - vmalloc() of @n times @size bytes; NULL if that overflows. */
KMEM_DECL(void *, vmalloc_array, (size_t n, size_t size)) KMEM_MALLOC KMEM_MUST_CHECK;

/** vcalloc - vmalloc_array(), zeroed. */
KMEM_DECL(void *, vcalloc, (size_t n, size_t size)) KMEM_MALLOC KMEM_MUST_CHECK;

/**
 * vmalloc_start_addr - where the vmalloc region begins: a host pointer as a number
 *
 * Linux's VMALLOC_START, which is a macro here, too. 0 without a machine. Any context.
 */
KMEM_DECL(unsigned long, vmalloc_start_addr, (void));

/** vmalloc_end_addr - where it ends: VMALLOC_END. */
KMEM_DECL(unsigned long, vmalloc_end_addr, (void));

#ifndef KMEM_NO_KERNEL_NAMES
#define VMALLOC_START vmalloc_start_addr()
#define VMALLOC_END vmalloc_end_addr()
#endif

/**
 * __vmalloc_node_range - vmalloc() in full
 * @size:  as vmalloc()
 * @align: of the address (ptr_to_kva()), bytes, a power of two. On private memory that of the pointer
 *         instead, up to 4 MiB
 * @start: lowest address; not below VMALLOC_START
 * @end:   end of the highest, guard page included; not above VMALLOC_END
 * @gfp:   as __vmalloc()
 * @prot:  of the mapping: PAGE_KERNEL, PAGE_KERNEL_RO, …
 * @vm_flags: 0, or VM_USERMAP, VM_ALLOW_HUGE_VMAP, VM_FLUSH_RESET_PERMS
 * @node:  whose pages come first, or NUMA_NO_NODE
 * @caller: whom vmallocinfo names; NULL: who called this
 */
KMEM_DECL(void *, __vmalloc_node_range,
	  (unsigned long size, unsigned long align, unsigned long start, unsigned long end,
	   gfp_t gfp, pgprot_t prot, unsigned long vm_flags, int node, const void *caller))
	KMEM_MALLOC KMEM_MUST_CHECK;

/** __vmalloc_node - the same anywhere in the region, with PAGE_KERNEL. */
KMEM_DECL(void *, __vmalloc_node,
	  (unsigned long size, unsigned long align, gfp_t gfp, int node, const void *caller))
	KMEM_MALLOC KMEM_MUST_CHECK;

/** vmalloc_nr_pages - pages that all areas of vmalloc() hold now. Any context. */
KMEM_DECL(unsigned long, vmalloc_nr_pages, (void));

/**
 * vmalloc_nr_tables - pages that hold the kernel's page tables (libkmem's own)
 * @managed: set to how many of them the page allocator gave, unless NULL; the others lie in reserved
 *           ranges or above RAM
 *
 * Tables of the direct map are made at boot, those of vmalloc when an area first needs them; they
 * stay until shutdown. They stand in no counter of vmstat or meminfo, whose PageTables is what user
 * space's take (Linux's Documentation/filesystems/proc.rst).
 * Return: pages, the top table included; 0 without a machine. Any context.
 */
KMEM_DECL(unsigned long, vmalloc_nr_tables, (unsigned long *managed));

/**
 * vfree - give back what vmalloc() or vzalloc() returned; NULL is ignored
 *
 * The pages are free at once. The addresses are not: they are kept until many have gathered and
 * then unmapped together (vm_unmap_aliases() does it now); until then the old pointer still shows
 * the pages, as a stale TLB entry would.
 * Context: any. In an interrupt the area is only taken from its owner; its pages are free after the
 * next call of this family outside interrupts.
 */
KMEM_DECL(void, vfree, (const void *addr));

/**
 * vfree_atomic - vfree() that leaves everything to a later call of this family, in any context
 * @addr: as vfree()
 */
KMEM_DECL(void, vfree_atomic, (const void *addr));

/**
 * vmap - map pages at consecutive addresses
 * @pages: pages of this machine, which stay the caller's; one may stand there several times
 * @count: length of @pages; 0 and more than all RAM fail
 * @flags: VM_MAP or 0; with VM_MAP_PUT_PAGES pages and array, which is from kvmalloc(), become the
 *         area's, and vfree() gives everything back
 * @prot:  PAGE_KERNEL, or PAGE_KERNEL_RO: then writing through the pointer faults, in the host too
 *
 * Return: page-aligned pointer, or NULL; after a warning for unknown @flags, an impossible @prot
 * and what is no page. Undo with vunmap().
 */
KMEM_DECL(void *, vmap,
	  (struct page * *pages, unsigned int count, unsigned long flags, pgprot_t prot))
	KMEM_MUST_CHECK;

/** vunmap - undo vmap(); lazily, as vfree(). NULL is ignored. The pages stay the caller's. */
KMEM_DECL(void, vunmap, (const void *addr));

/**
 * vmap_pfn - map frames that no struct page stands for: RAM that mem= hides, devices
 * @pfns:  frame numbers; RAM of the kernel is refused with a warning
 * @count: length of @pfns
 * @prot:  as vmap()
 *
 * Return: pointer, or NULL. What the host has memory for can be touched through it; a device is
 * reached by readl() and its like. Undo with vunmap().
 */
KMEM_DECL(void *, vmap_pfn, (unsigned long *pfns, unsigned int count, pgprot_t prot))
	KMEM_MUST_CHECK;

/**
 * vm_map_ram - vmap() for a short time: up to 64 pages come cheaply, from a block of the CPU
 * @pages: as vmap()
 * @count: length of @pages; 0 is reported
 * @node:  where the area's own structures should lie; a hint
 *
 * There is no guard page. Return: pointer, or NULL. Undo with vm_unmap_ram().
 */
KMEM_DECL(void *, vm_map_ram, (struct page * *pages, unsigned int count, int node))
	KMEM_MUST_CHECK;

/**
 * vm_unmap_ram - undo vm_map_ram(); lazily, as vfree()
 * @mem:   what that returned
 * @count: what it was given; anything else is a BUG
 */
KMEM_DECL(void, vm_unmap_ram, (const void *mem, unsigned int count));

/**
 * vread - copy out of the vmalloc region, whatever is mapped there
 * @buf:   where to
 * @addr:  any address of the region
 * @count: bytes; holes, guard pages, devices and what vm_map_ram() mapped read as zeros
 *
 * Return: @count; 0 if no area has anything in common with the range. Any context.
 */
KMEM_DECL(long, vread, (char *buf, const char *addr, unsigned long count));

/**
 * copy_vmalloc_range - copy from an area of vmalloc_user(), with the checks of remap_vmalloc_range()
 * @to:    where to: this library has no user address space to map it into
 * @addr:  what vmalloc_user() returned
 * @size:  bytes
 * @pgoff: pages to leave out at its start
 *
 * Return: 0; -EINVAL with a line in the log: no such area, not made for users, or too short. Any
 * context.
 */
KMEM_DECL(int, copy_vmalloc_range,
	  (void *to, const void *addr, unsigned long size, unsigned long pgoff));

/**
 * vmalloc_to_page - the page behind an address of vmalloc() or vmap(), by the page tables
 * @addr: any pointer; it need not point to the first byte
 * Return: the page; NULL if none is mapped there. Any context; never sleeps.
 */
KMEM_DECL(struct page *, vmalloc_to_page, (const void *addr));

/** vmalloc_to_pfn - number of the frame behind @addr, RAM or not; 0 if nothing is mapped. */
KMEM_DECL(unsigned long, vmalloc_to_pfn, (const void *addr));

/**
 * is_vmalloc_addr - whether @addr lies in the vmalloc region, mapped or not
 *
 * On a machine on private memory: whether it lies in an area of vmalloc(). Any context; never
 * sleeps.
 */
KMEM_DECL(bool, is_vmalloc_addr, (const void *addr));

/**
 * vm_unmap_aliases - unmap all areas that were freed and only kept
 *
 * Their addresses are free then.
 */
KMEM_DECL(void, vm_unmap_aliases, (void));

/**
 * find_vm_area - the area in which @addr lies, guard page included; NULL if it lies in none
 *
 * Any context; never sleeps. The caller sees to it that the area is not freed while it looks.
 */
KMEM_DECL(struct vm_struct *, find_vm_area, (const void *addr));

KMEM_END_DECLS

#endif
