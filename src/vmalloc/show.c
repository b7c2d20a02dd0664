/* SPDX-License-Identifier: MIT */
/*
 * /proc/vmallocinfo: a line an area, ascending, then the lazy ones (Linux's
 * Documentation/filesystems/proc.rst, section 1.2).
 *
 *	0xffffc90000000000-0xffffc90000005000   20480 hello+0x4a/0x60 pages=4 vmalloc N0=4
 *	0xffffc90000005000-0xffffc90000007000    8192 unpurged vm_area
 */
#include "vmalloc/vmalloc.h"

#include "buddy/buddy.h"
#include "lib/list.h"

static struct vmap_area *area_of(struct rb_node *node)
{
	return container_of(node, struct vmap_area, node);
}

static void put_range(struct seq_file *m, const struct vmap_area *va)
{
	seq_printf(m, "0x%016llx-0x%016llx %7llu", (unsigned long long)va->start,
		   (unsigned long long)va->end, (unsigned long long)(va->end - va->start));
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

static void put_area(struct seq_file *m, const struct vmap_area *va, unsigned int *counts,
		     unsigned int nr_nodes)
{
	const struct vmap_vm *vm = va->vm;
	char caller[128];

	if (!__atomic_load_n(&vm->ready, __ATOMIC_ACQUIRE))
		return;
	put_range(m, va);
	arch_symbol((unsigned long)vm->vm.caller, caller, sizeof(caller));
	seq_printf(m, " %s", caller);
	if (vm->vm.nr_pages)
		seq_printf(m, " pages=%u", vm->vm.nr_pages);
	seq_puts(m, vm->vm.flags & VM_MAP ? " vmap" : " vmalloc");
	if (vm->vm.nr_pages * sizeof(struct page *) > PAGE_SIZE && is_vmalloc_addr(vm->vm.pages))
		seq_puts(m, " vpages");
	if (counts)
		put_nodes(m, &vm->vm, counts, nr_nodes);
	seq_putc(m, '\n');
}

void vmalloc_show_vmallocinfo(struct kernel *k, struct seq_file *m)
{
	struct vmalloc *v = k->vmalloc;
	unsigned int nr_nodes = buddy_nr_nodes(k);
	unsigned int *counts;

	if (!v)
		return;
	counts = arch_host_alloc(k->arch, nr_nodes * sizeof(*counts));
	arch_spin_lock(&v->areas.busy_lock);
	for (struct rb_node *node = rb_first(&v->areas.busy); node; node = rb_next(node))
		put_area(m, area_of(node), counts, nr_nodes);
	arch_spin_unlock(&v->areas.busy_lock);
	arch_host_free(k->arch, counts, nr_nodes * sizeof(*counts));
	arch_spin_lock(&v->areas.lazy_lock);
	for (struct rb_node *node = rb_first(&v->areas.lazy); node; node = rb_next(node)) {
		put_range(m, area_of(node));
		seq_puts(m, " unpurged vm_area\n");
	}
	arch_spin_unlock(&v->areas.lazy_lock);
}
