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
 * on, refused. On a machine whose paging mode has no page tables in this version nothing is
 * allocated; its log says so.
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

/* What an area is, in vm_struct.flags. */
#define VM_ALLOC 0x2ul	/* vmalloc() */
#define VM_MAP 0x4ul	/* vmap() */

/* An area. Constant from vmalloc() or vmap() until it is freed. */
struct vm_struct {
	void *addr;			/* what vmalloc() returned */
	unsigned long size;		/* bytes, the guard page behind the area included */
	unsigned long flags;		/* VM_* */
	struct page **pages;		/* its pages in order; NULL for vmap() */
	unsigned int nr_pages;
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
 * vmap - map pages at consecutive addresses
 * @pages: pages of this machine, which stay the caller's; one may stand there several times
 * @count: length of @pages; 0 and more than all RAM fail
 * @flags: VM_MAP or 0
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
 * vmalloc_to_page - the page behind an address of vmalloc() or vmap(), by the page tables
 * @addr: any pointer; it need not point to the first byte
 * Return: the page; NULL if none is mapped there. Any context; never sleeps.
 */
KMEM_DECL(struct page *, vmalloc_to_page, (const void *addr));

/** vmalloc_to_pfn - frame number of vmalloc_to_page(@addr); 0 if none is mapped. */
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
