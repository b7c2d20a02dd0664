/* SPDX-License-Identifier: MIT */
/*
 * Looking at areas: from a pointer to its page and its area, and reading what areas hold without
 * touching their addresses.
 */
#include "vmalloc/vmalloc.h"

#include "buddy/buddy.h"
#include "lib/errno.h"
#include "lib/report.h"
#include "lib/string.h"

/* The physical address behind @kva; false: nothing is mapped there. */
static bool phys_of(struct vmalloc *v, kva_t kva, phys_addr_t *phys)
{
	unsigned int shift;
	uint64_t leaf = pgtable_lookup(&v->pgtable, kva, &shift);
	uint64_t below;

	if (!leaf)
		return false;
	below = ((uint64_t)1 << shift) - 1;
	*phys = (leaf & X86_PTE_ADDR_MASK & ~below) | (kva & below);
	return true;
}

struct page *vmalloc_to_page(const void *addr)
{
	struct kernel *k = arch_kernel();
	kva_t kva = k ? vm_kva(k->vmalloc, addr) : 0;
	phys_addr_t phys;

	if (!kva || !phys_of(k->vmalloc, kva, &phys))
		return NULL;
	return pfn_to_page((unsigned long)(phys >> PAGE_SHIFT));
}

unsigned long vmalloc_to_pfn(const void *addr)
{
	struct kernel *k = arch_kernel();
	kva_t kva = k ? vm_kva(k->vmalloc, addr) : 0;
	phys_addr_t phys;

	return kva && phys_of(k->vmalloc, kva, &phys) ? (unsigned long)(phys >> PAGE_SHIFT) : 0;
}

bool is_vmalloc_addr(const void *addr)
{
	struct kernel *k = arch_kernel();

	if (!k)
		return false;
	return in_window(k, addr) || (!alias_possible(k) && direct_find(k->vmalloc, addr));
}

static struct vmap_vm *find_ready(struct vmalloc *v, const void *addr)
{
	struct vmap_vm *vm = vm_find(v, addr);

	return vm && __atomic_load_n(&vm->ready, __ATOMIC_ACQUIRE) ? vm : NULL;
}

struct vm_struct *find_vm_area(const void *addr)
{
	struct kernel *k = arch_kernel();
	struct vmap_vm *vm = k ? find_ready(k->vmalloc, addr) : NULL;

	return vm ? &vm->vm : NULL;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* One piece inside a page: what is mapped there, or zeros. */
static void read_piece(struct vmalloc *v, char *to, kva_t kva, unsigned long n)
{
	const struct arch_machine *am = v->kernel->arch;
	phys_addr_t phys;

	if (phys_of(v, kva, &phys) && pfn_to_page((unsigned long)(phys >> PAGE_SHIFT)))
		memcpy(to, am->ram + phys, n);
	else
		memset(to, 0, n);
}

static void read_range(struct vmalloc *v, char *to, kva_t kva, unsigned long n)
{
	while (n) {
		unsigned long piece = PAGE_SIZE - (kva & ~PAGE_MASK);

		if (piece > n)
			piece = n;
		read_piece(v, to, kva, piece);
		to += piece;
		kva += piece;
		n -= piece;
	}
}

/* What of an area vread() shows: not a device's registers, nor the guard page. */
static kva_t readable_end(const struct vmap_area *va)
{
	bool shown = va->vm && va->kind != VM_IOREMAP &&
		     __atomic_load_n(&va->vm->ready, __ATOMIC_ACQUIRE);

	return shown ? va->end - PAGE_SIZE : va->start;
}

struct vread {
	struct vmalloc *v;
	char *to;
	kva_t start, end;
	bool found;
};

static void vread_area(const struct vmap_area *va, void *arg)
{
	struct vread *r = arg;
	kva_t start = va->start > r->start ? va->start : r->start;
	kva_t end = readable_end(va) < r->end ? readable_end(va) : r->end;

	r->found |= va->vm && start < va->end - PAGE_SIZE;
	if (start < end)
		read_range(r->v, r->to + (start - r->start), start, (unsigned long)(end - start));
}

long vread(char *buf, const char *addr, unsigned long count)
{
	struct kernel *k = arch_kernel();
	struct vread r = {.to = buf};

	if (!k || !count)
		return 0;
	r.v = k->vmalloc;
	r.start = vm_kva(r.v, addr);
	if (!r.start)
		return 0;
	r.end = r.start + count < r.start ? ~(kva_t)0 : r.start + count;
	memset(buf, 0, count);
	vmap_areas_for_each(&r.v->areas, r.start, r.end, vread_area, &r);
	return r.found ? (long)count : 0;
}

/* What remap_vmalloc_range() asks for: an area that may be shown to a user, and all of the range in
 * it. */
static const char *check_copy(const struct vmap_vm *vm, const void *addr, unsigned long size,
			      unsigned long pgoff)
{
	unsigned long have, from;

	if (!vm || vm->vm.addr != addr)
		return "no area starts there";
	if (!(vm->vm.flags & VM_USERMAP))
		return "the area was not made by vmalloc_user()";
	have = vm->vm.size - PAGE_SIZE;
	if (__builtin_mul_overflow(pgoff, PAGE_SIZE, &from) || from > have || size > have - from)
		return "the range reaches beyond the area";
	return NULL;
}

int copy_vmalloc_range(void *to, const void *addr, unsigned long size, unsigned long pgoff)
{
	struct kernel *k = arch_kernel();
	struct vmap_vm *vm = k ? find_ready(k->vmalloc, addr) : NULL;
	const char *wrong;

	if (!k)
		return -ENODEV;
	wrong = check_copy(vm, addr, size, pgoff);
	if (wrong) {
		pr_err(k, "copy_vmalloc_range: %s", wrong);
		return -EINVAL;
	}
	read_range(k->vmalloc, to, vm->va->start + ((kva_t)pgoff << PAGE_SHIFT), size);
	return 0;
}
