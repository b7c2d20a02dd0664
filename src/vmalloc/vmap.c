/* SPDX-License-Identifier: MIT */
/*
 * vmap: pages, or bare frames, that the caller has, at consecutive addresses.
 *
 *	vmap()       pages stay the caller's; with VM_MAP_PUT_PAGES they and their array become the
 *	             area's, which vfree() gives back then
 *	vmap_pfn()   frames that no struct page stands for: RAM that mem= hides, devices
 */
#include "vmalloc/vmalloc.h"

#include "buddy/buddy.h"
#include "lib/errno.h"
#include "lib/report.h"

bool vmap_pages_are_ram(struct page *const *pages, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (!pages[i] || pfn_to_page(page_to_pfn(pages[i])) != pages[i])
			return false;
	return true;
}

/* NULL: good; else what is wrong. */
static const char *check_vmap(struct page *const *pages, unsigned int count, unsigned long flags,
			      pgprot_t prot)
{
	if (flags & ~(VM_MAP | VM_MAP_PUT_PAGES))
		return "unknown flags";
	if (!prot_is_good(prot))
		return "no protection of a 4 KiB entry";
	if (!vmap_pages_are_ram(pages, count))
		return "a pointer to no page of this machine";
	return NULL;
}

bool vmap_has_aliases(struct kernel *k, const char *who)
{
	if (alias_possible(k))
		return true;
	pr_err(k, "%s: pages have no second addresses on a machine with backing=private", who);
	return false;
}

static struct vmap_vm *make(struct vmalloc *v, unsigned int count, unsigned long flags,
			    unsigned long kind, const void *caller)
{
	const struct vm_request r = {
		.size = (unsigned long)count << PAGE_SHIFT,
		.align = PAGE_SIZE,
		.gfp = GFP_KERNEL,
		.node = NUMA_NO_NODE,
		.flags = flags,
		.kind = kind,
		.caller = caller,
	};

	return vm_make(v, &r);
}

static void *map_pages(struct vmalloc *v, struct page **pages, unsigned int count,
		       unsigned long flags, pgprot_t prot, const void *caller)
{
	struct kernel *k = v->kernel;
	const char *wrong;
	struct vmap_vm *vm;

	if (!count || count > totalram_pages())
		return NULL;
	wrong = check_vmap(pages, count, flags, prot);
	if (wrong) {
		report_warn(k, "vmap: %s", wrong);
		return NULL;
	}
	if (!vmap_has_aliases(k, "vmap"))
		return NULL;
	vm = make(v, count, flags | VM_MAP, flags & VM_MAP_PUT_PAGES ? VM_ALLOC : VM_MAP, caller);
	if (!vm)
		return NULL;
	if (alias_map(v, vm->va, pages, count, prot, false)) {
		vm->vm.flags &= ~VM_MAP_PUT_PAGES;
		vm_drop(v, vm);
		return NULL;
	}
	if (flags & VM_MAP_PUT_PAGES) {
		vm->vm.pages = pages;
		vm->vm.nr_pages = count;
		__atomic_add_fetch(&v->nr_pages, count, __ATOMIC_RELAXED);
	}
	return vm_publish(v, vm);
}

void *vmap(struct page **pages, unsigned int count, unsigned long flags, pgprot_t prot)
{
	struct kernel *k = arch_kernel();
	void *p;

	if (!k || !vmalloc_begin(k->vmalloc, GFP_KERNEL, "vmap"))
		return NULL;
	p = map_pages(k->vmalloc, pages, count, flags, prot, __builtin_return_address(0));
	vmalloc_end();
	return p;
}

/* --- frames ----------------------------------------------------------------------------------- */

/* Frames one by one: they may lie anywhere. */
static int map_frames(struct vmalloc *v, const struct vmap_area *va, const unsigned long *pfns,
		      unsigned int count, pgprot_t prot)
{
	for (unsigned int i = 0; i < count; i++) {
		int ret = frame_map(v, va->start + ((kva_t)i << PAGE_SHIFT), pfns[i], 1, prot, false);

		if (ret)
			return ret;
	}
	return 0;
}

static void *map_pfns(struct vmalloc *v, const unsigned long *pfns, unsigned int count,
		      pgprot_t prot, const void *caller)
{
	uint64_t frames = (uint64_t)1 << (v->kernel->arch->desc->maxphyaddr - PAGE_SHIFT);
	struct vmap_vm *vm;

	if (!count)
		return NULL;
	if (!prot_is_good(prot)) {
		report_warn(v->kernel, "vmap_pfn: no protection of a 4 KiB entry");
		return NULL;
	}
	for (unsigned int i = 0; i < count; i++) {
		if (pfns[i] < frames && !pfn_to_page(pfns[i]))
			continue;
		report_warn(v->kernel, "vmap_pfn: frame 0x%lx %s", pfns[i],
			    pfns[i] < frames ? "is RAM: vmap() maps its page" : "does not exist");
		return NULL;
	}
	vm = make(v, count, VM_IOREMAP, VM_MAP, caller);
	if (!vm)
		return NULL;
	if (!map_frames(v, vm->va, pfns, count, prot))
		return vm_publish(v, vm);
	vm_drop(v, vm);
	return NULL;
}

void *vmap_pfn(unsigned long *pfns, unsigned int count, pgprot_t prot)
{
	struct kernel *k = arch_kernel();
	void *p;

	if (!k || !vmalloc_begin(k->vmalloc, GFP_KERNEL, "vmap_pfn"))
		return NULL;
	p = map_pfns(k->vmalloc, pfns, count, prot, __builtin_return_address(0));
	vmalloc_end();
	return p;
}

void vunmap(const void *addr)
{
	struct kernel *k = addr ? arch_kernel() : NULL;
	struct vmap_vm *vm;

	if (!k || !vmalloc_begin(k->vmalloc, GFP_KERNEL, "vunmap"))
		return;
	vm = vmalloc_take_to_free(k->vmalloc, addr, VM_MAP, "vunmap");
	if (vm)
		vm_unmake(k->vmalloc, vm);
	vmalloc_end();
}
