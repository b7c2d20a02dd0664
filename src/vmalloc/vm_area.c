/* SPDX-License-Identifier: MIT */
/*
 * What an area of the vmalloc region is used for (struct vmap_vm), from its making to its end, and
 * how a pointer leads to it.
 *
 *	made      it has addresses and stands in the busy tree; `ready` is false, nobody looks at it
 *	ready     mapped; the caller has the pointer; constant
 *	taken     off the busy tree: whoever took it owns it alone and takes it apart
 *
 * The state changes hands at one point, under the lock of the busy tree: of two threads that free
 * the same pointer one takes it, the other is told that there is no such area.
 *
 * Pointers. Where RAM can have second addresses a pointer is a place in the host's window, which
 * differs from the simulated address by a constant. On private memory it is the direct-map pointer
 * of the area's block (direct.c), or where nothing of the host is behind it (a device's registers)
 * an address without memory (vmap_at), for readl() and its like alone.
 */
#include "vmalloc/vmalloc.h"

#include "common/registry.h"

void *window_ptr(const struct kernel *k, kva_t kva)
{
	return k->arch->vmap_at + (kva - k->arch->vmalloc_base);
}

bool in_window(const struct kernel *k, const void *addr)
{
	const struct arch_machine *am = k->arch;

	return (uint64_t)((const char *)addr - am->vmap_at) < am->vmalloc_size;
}

kva_t window_kva(const struct kernel *k, const void *addr)
{
	return k->arch->vmalloc_base + (uint64_t)((const char *)addr - k->arch->vmap_at);
}

struct vmap_vm *vm_find(struct vmalloc *v, const void *addr)
{
	if (in_window(v->kernel, addr))
		return vmap_area_find(&v->areas, window_kva(v->kernel, addr));
	return alias_possible(v->kernel) ? NULL : direct_find(v, addr);
}

kva_t vm_kva(struct vmalloc *v, const void *addr)
{
	struct vmap_vm *vm;

	if (in_window(v->kernel, addr))
		return window_kva(v->kernel, addr);
	if (alias_possible(v->kernel))
		return 0;
	vm = direct_find(v, addr);
	return vm ? vm->va->start + (uint64_t)((const char *)addr - (const char *)vm->vm.addr) : 0;
}

struct vmap_vm *vm_make(struct vmalloc *v, const struct vm_request *r)
{
	struct kernel *k = v->kernel;
	struct vmap_vm *vm = meta_alloc_gfp(k, sizeof(*vm), r->gfp, r->node);

	if (!vm)
		return NULL;
	vm->vm.size = r->size + PAGE_SIZE;
	vm->vm.flags = r->flags;
	vm->vm.caller = r->caller;
	vm->va = vmap_area_alloc(&v->areas, &(struct vmap_request){
						    .size = vm->vm.size,
						    .align = r->align,
						    .start = r->start,
						    .end = r->end,
						    .kind = r->kind,
						    .gfp = r->gfp,
						    .vm = vm,
						    .full = r->full,
					    });
	if (vm->va)
		return vm;
	meta_free(k, vm, sizeof(*vm));
	return NULL;
}

/* Whether the pointer that the caller gets lies in the direct map. */
static bool is_direct(const struct vmalloc *v, const struct vmap_vm *vm)
{
	return !alias_possible(v->kernel) && vm->vm.addr;
}

void *vm_publish(struct vmalloc *v, struct vmap_vm *vm)
{
	if (is_direct(v, vm))
		direct_add(v, vm);
	else
		vm->vm.addr = window_ptr(v->kernel, vm->va->start);
	__atomic_store_n(&vm->ready, true, __ATOMIC_RELEASE);
	return vm->vm.addr;
}

struct vmap_vm *vm_take(struct vmalloc *v, const void *addr, unsigned long kind)
{
	struct vmap_area *va;
	struct vmap_vm *vm;

	if (in_window(v->kernel, addr)) {
		va = vmap_area_take(&v->areas, window_kva(v->kernel, addr), kind);
		return va ? va->vm : NULL;
	}
	vm = !alias_possible(v->kernel) && kind == VM_ALLOC ? direct_take(v, addr) : NULL;
	if (vm)
		vmap_area_take(&v->areas, vm->va->start, kind);
	return vm;
}

/* Pages that the area owns go back one by one; their array, too. */
static void drop_pages(struct vmalloc *v, struct vmap_vm *vm)
{
	for (unsigned int i = 0; i < vm->vm.nr_pages; i++)
		__free_page(vm->vm.pages[i]);
	vm_array_free(v, vm->vm.pages, vm->array_len);
}

void vm_unmake(struct vmalloc *v, struct vmap_vm *vm)
{
	struct page **given = vm->vm.flags & VM_MAP_PUT_PAGES ? vm->vm.pages : NULL;

	alias_unmap(v, vm->va, (vm->vm.size >> PAGE_SHIFT) - 1);
	if (vm->memtype)
		ioremap_release_type(v, vm->memtype);
	if (vm->vm.nr_pages)
		__atomic_sub_fetch(&v->nr_pages, vm->vm.nr_pages, __ATOMIC_RELAXED);
	if (given)
		vm->array_len = 0;
	drop_pages(v, vm);
	vmap_area_free(&v->areas, vm->va);
	meta_free(v->kernel, vm, sizeof(*vm));
	kvfree(given);
}

void vm_drop(struct vmalloc *v, struct vmap_vm *vm)
{
	vmap_area_take(&v->areas, vm->va->start, vm->va->kind);
	vm_unmake(v, vm);
}

void vm_release(struct vmalloc *v, struct vmap_vm *vm)
{
	if (is_direct(v, vm))
		direct_take(v, vm->vm.addr);
	/* What it has of pages only the thread knows that was making it. */
	if (!__atomic_load_n(&vm->ready, __ATOMIC_ACQUIRE)) {
		vm->vm.flags &= ~(unsigned long)VM_MAP_PUT_PAGES;
		vm->vm.pages = NULL;
		vm->vm.nr_pages = 0;
	}
	vm_drop(v, vm);
}
