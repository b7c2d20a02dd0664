/* SPDX-License-Identifier: MIT */
/*
 * vmalloc's part of boot and shutdown. Boot tells it, in the order of vmalloc.h, where page tables
 * may lie, what RAM there is, and when the CPUs switch to the tables.
 */
#include "vmalloc/vmalloc.h"

#include "common/registry.h"
#include "lib/errno.h"
#include "lib/fork.h"
#include "lib/kva_layout.h"
#include "lib/list.h"
#include "lib/lock_rank.h"
#include "lib/report.h"
#include "vmalloc/kmap.h"

#include <kmem/mmu.h>

static void purge_all(struct vmap_areas *areas)
{
	vmalloc_purge(areas->kernel);
}

int vmalloc_create(struct kernel *k)
{
	struct vmalloc *v;
	int ret;

	v = arch_host_alloc(k->arch, sizeof(*v));
	if (!v)
		return -ENOMEM;
	k->vmalloc = v;
	v->kernel = k;
	arch_spin_init(&v->direct_lock, LOCK_RANK_VMAP_DIRECT);
	memtypes_init(k, &v->memtypes);
	ret = pgtable_init(k, &v->pgtable);
	if (!ret)
		ret = vmap_areas_init(k, &v->areas, k->arch->vmalloc_base, k->arch->vmalloc_size);
	if (!ret)
		ret = vmap_blocks_init(v);
	v->areas.purge_all = purge_all;
	return ret;
}

int vmalloc_add_frames(struct kernel *k, phys_addr_t start, phys_addr_t end)
{
	return pt_pool_add(&k->vmalloc->pgtable.pool, start, end);
}

int vmalloc_start(struct kernel *k)
{
	struct vmalloc *v = k->vmalloc;
	int ret = pgtable_start(&v->pgtable, k->arch->vmalloc_base, k->arch->vmalloc_size);

	if (!ret)
		ret = pkmap_init(v);
	return ret ? ret : kmap_local_init(v);
}

int vmalloc_map_direct(struct kernel *k, phys_addr_t start, phys_addr_t end)
{
	return pgtable_map_range(&k->vmalloc->pgtable, k->arch->direct_base + start, start, end,
				 PAGE_KERNEL, true);
}

/* The registers of a Linux kernel on a CPU of today, as far as paging looks at them. */
void vmalloc_enable(struct kernel *k)
{
	enum machine_mode mode = k->arch->desc->mode;
	struct mmu_regs regs = {
		.cr0 = X86_CR0_PG | X86_CR0_WP | X86_CR0_PE,
		.cr3 = k->vmalloc->pgtable.root,
		.cr4 = X86_CR4_PSE | X86_CR4_PGE | X86_CR4_SMEP | X86_CR4_SMAP,
	};

	if (mode != MACHINE_MODE_32) {
		regs.cr4 |= X86_CR4_PAE;
		regs.efer |= X86_EFER_NXE;
	}
	if (!kva_mode_is_32(mode))
		regs.efer |= X86_EFER_LME | X86_EFER_LMA;
	if (mode == MACHINE_MODE_5LEVEL)
		regs.cr4 |= X86_CR4_LA57;
	arch_mmu_set_regs(k->arch, &regs);
	/* Tables of vmalloc are managed pages, unless the allocators' own things are kept apart. */
	k->vmalloc->pgtable.use_pool = k->params.isolate_metadata;
}

void vmalloc_purge(struct kernel *k)
{
	if (!k->vmalloc)
		return;
	vmap_blocks_purge(k->vmalloc);
	vmap_areas_purge(&k->vmalloc->areas);
}

/* --- shutdown --------------------------------------------------------------------------------- */

static struct vmap_area *next_leak(struct vmalloc *v)
{
	struct rb_node *node = rb_first(&v->areas.busy);

	for (; node; node = rb_next(node)) {
		struct vmap_area *va = container_of(node, struct vmap_area, node);

		if (!va->vm || !va->vm->internal)
			return va;
	}
	return NULL;
}

static const char *name_of(unsigned long flags)
{
	if (flags & VM_IOREMAP)
		return "ioremap";
	return flags & VM_MAP ? "vmap" : "vmalloc";
}

static void report_leak(struct kernel *k, const struct vmap_vm *vm)
{
	char caller[128];

	arch_symbol((unsigned long)vm->vm.caller, caller, sizeof(caller));
	report_warn(k, "vmalloc: area 0x%llx-0x%llx of %s (%lu bytes, %s) was never freed",
		    (unsigned long long)vm->va->start, (unsigned long long)vm->va->end, caller,
		    vm->vm.size - PAGE_SIZE, name_of(vm->vm.flags));
}

/* An area of vm_map_ram() knows nobody. */
static void drop_ram_area(struct vmalloc *v, struct vmap_area *va)
{
	unsigned long nr = (unsigned long)((va->end - va->start) >> PAGE_SHIFT);

	report_warn(v->kernel, "vmalloc: area 0x%llx-0x%llx (%lu bytes, vm_map_ram) was never freed",
		    (unsigned long long)va->start, (unsigned long long)va->end, nr << PAGE_SHIFT);
	vmap_area_take(&v->areas, va->start, va->kind);
	alias_unmap_at(v, va->start, nr);
	vmap_area_free(&v->areas, va);
}

static unsigned long drop_leaks(struct vmalloc *v)
{
	unsigned long leaks = 0, pages = vmap_blocks_exit(v);
	struct vmap_area *va;

	if (pages)
		report_warn(v->kernel, "vmalloc: %lu pages of vm_map_ram() were never unmapped",
			    pages);
	leaks += !!pages;
	for (; (va = next_leak(v)); leaks++) {
		if (!va->vm) {
			drop_ram_area(v, va);
			continue;
		}
		/* Not so yet, if a fork() came in the middle of its making. */
		va->vm->va = va;
		report_leak(v->kernel, va->vm);
		vm_release(v, va->vm);
	}
	return leaks;
}

unsigned long vmalloc_exit(struct kernel *k)
{
	static const struct mmu_regs off;
	struct vmalloc *v = k->vmalloc;
	unsigned long leaks;

	vmalloc_run_deferred(v);
	leaks = pkmap_exit(v) + kmap_local_exit(v);
	leaks += drop_leaks(v);
	vmap_areas_purge(&v->areas);
	arch_mmu_set_regs(k->arch, &off);
	vmap_areas_exit(&v->areas);
	pgtable_exit(&v->pgtable);
	k->vmalloc = NULL;
	arch_host_free(k->arch, v, sizeof(*v));
	return leaks;
}

/* --- fork() ----------------------------------------------------------------------------------- */

bool vmalloc_fork(struct kernel *k, struct fork_walk *w)
{
	struct vmalloc *v = k->vmalloc;

	return vmap_blocks_fork(v, w) && vmap_areas_fork(&v->areas, w) &&
	       memtypes_fork(&v->memtypes, w) && fork_spinlock(w, &v->direct_lock) &&
	       pkmap_fork(v, w) && kmap_local_fork(v, w) && fork_spinlock(w, &v->pgtable.lock);
}
