/* SPDX-License-Identifier: MIT */
/*
 * vmalloc's lines of /proc/meminfo: VmallocTotal is the size of the region as Linux has it, of which
 * a 64-bit machine here uses a part (docs/differences.md); VmallocUsed the pages of all areas; Linux
 * reckons VmallocChunk no more.
 *
 * /proc/vmallocinfo: a line an area, ascending, then the lazy ones (Linux's
 * Documentation/filesystems/proc.rst, section 1.2).
 *
 *	0xffffc90000000000-0xffffc90000005000   20480 hello+0x4a/0x60 pages=4 vmalloc N0=4
 *	0xffffc90000005000-0xffffc90000007000    8192 probe+0x1f/0x80 phys=0x00000000fe000000 ioremap
 *	0xffffc90000007000-0xffffc9000004b000  278528 vm_map_ram
 *	0xffffc9000004b000-0xffffc9000004d000    8192 unpurged vm_area
 *
 * On x86_32 addresses have eight digits.
 */
#include "vmalloc/vmalloc.h"

#include "buddy/buddy.h"
#include "lib/kva_layout.h"
#include "lib/list.h"

static struct vmap_area *area_of(struct rb_node *node)
{
	return container_of(node, struct vmap_area, node);
}

struct info {
	struct kernel *k;
	struct seq_file *m;
	unsigned int *counts;		/* one for each node, zero; NULL: no memory, they are left out */
	bool x86_32;
};

static void put_range(const struct info *i, const struct vmap_area *va)
{
	if (i->x86_32)
		seq_printf(i->m, "0x%08x-0x%08x", (uint32_t)va->start, (uint32_t)va->end);
	else
		seq_printf(i->m, "0x%016llx-0x%016llx", (unsigned long long)va->start,
			   (unsigned long long)va->end);
	seq_printf(i->m, " %7llu", (unsigned long long)(va->end - va->start));
}

/* Pages on each node; @counts has room for all and is zero, before and after. */
static void put_nodes(struct seq_file *m, const struct vm_struct *vm, unsigned int *counts,
		      unsigned int nr_nodes)
{
	for (unsigned int i = 0; i < vm->nr_pages; i++)
		counts[page_to_nid(vm->pages[i])]++;
	for (unsigned int nid = 0; nid < nr_nodes; nid++) {
		if (counts[nid])
			seq_printf(m, " N%u=%u", nid, counts[nid]);
		counts[nid] = 0;
	}
}

static void put_kind(struct seq_file *m, const struct vm_struct *vm)
{
	if (vm->flags & VM_IOREMAP)
		seq_puts(m, " ioremap");
	if (vm->flags & VM_ALLOC)
		seq_puts(m, " vmalloc");
	if (vm->flags & VM_MAP)
		seq_puts(m, " vmap");
	if (vm->flags & VM_USERMAP)
		seq_puts(m, " user");
	if (vm->nr_pages && is_vmalloc_addr(vm->pages))
		seq_puts(m, " vpages");
}

static void put_area(const struct vmap_area *va, void *arg)
{
	const struct info *i = arg;
	const struct vmap_vm *vm = va->vm;
	char caller[128];

	if (va->kind == VMAP_RAM || va->kind == VMAP_BLOCK) {
		put_range(i, va);
		seq_puts(i->m, " vm_map_ram\n");
		return;
	}
	if (!__atomic_load_n(&vm->ready, __ATOMIC_ACQUIRE))
		return;
	put_range(i, va);
	arch_symbol((unsigned long)vm->vm.caller, caller, sizeof(caller));
	seq_printf(i->m, " %s", caller);
	if (vm->vm.nr_pages)
		seq_printf(i->m, " pages=%u", vm->vm.nr_pages);
	if (vm->vm.phys_addr)
		seq_printf(i->m, " phys=0x%0*llx", i->x86_32 ? 8 : 16,
			   (unsigned long long)vm->vm.phys_addr);
	put_kind(i->m, &vm->vm);
	if (i->counts)
		put_nodes(i->m, &vm->vm, i->counts, buddy_nr_nodes(i->k));
	seq_putc(i->m, '\n');
}

void vmalloc_show_vmallocinfo(struct kernel *k, struct seq_file *m)
{
	struct vmap_areas *areas = &k->vmalloc->areas;
	size_t size = buddy_nr_nodes(k) * sizeof(unsigned int);
	struct info i = {
		.k = k,
		.m = m,
		.counts = arch_host_alloc(k->arch, size),
		.x86_32 = kva_mode_is_32(k->arch->desc->mode),
	};

	vmap_areas_for_each(areas, 0, ~(kva_t)0, put_area, &i);
	arch_host_free(k->arch, i.counts, size);
	arch_spin_lock(&areas->lazy_lock);
	for (struct rb_node *node = rb_first(&areas->lazy); node; node = rb_next(node)) {
		put_range(&i, area_of(node));
		seq_puts(m, " unpurged vm_area\n");
	}
	arch_spin_unlock(&areas->lazy_lock);
}

/* --- meminfo ---------------------------------------------------------------------------------- */

/* 64-bit kernels have the last byte of the region where 32-bit ones have its end. */
static uint64_t region_bytes(const struct kernel *k)
{
	const struct arch_machine *am = k->arch;
	struct kva_layout l = kva_layout(am->desc->mode, am->nr_cpus, k->params.vmalloc_size);

	if (kva_mode_is_32(am->desc->mode))
		return am->vmalloc_size;
	return l.vmalloc_end - 1 - l.vmalloc_base;
}

void vmalloc_show_meminfo(struct kernel *k, struct seq_file *m)
{
	unsigned long used = __atomic_load_n(&k->vmalloc->nr_pages, __ATOMIC_RELAXED);

	seq_printf(m, "%-16s%8llu kB\n", "VmallocTotal:", (unsigned long long)(region_bytes(k) >> 10));
	seq_printf(m, "%-16s%8lu kB\n", "VmallocUsed:", used << (PAGE_SHIFT - 10));
	seq_printf(m, "%-16s%8u kB\n", "VmallocChunk:", 0u);
}
