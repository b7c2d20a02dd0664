/* SPDX-License-Identifier: MIT */
/*
 * ioremap: physical addresses that are no RAM of the kernel, at addresses of the vmalloc region; and
 * the functions that reach them.
 *
 * An access goes the way it goes on hardware: pointer, page tables, physical address; there a device
 * answers (sim/device.c), or memory, or nobody. So it sees what the tables say at that moment: after
 * iounmap() it is a page fault.
 *
 * All mappings of a physical address have the same memory type (memtype.c).
 *
 * Areas are aligned to their size, up to the largest page of the mode, so that large devices are
 * mapped by large pages, as in Linux (not in 32-bit paging, where Linux does not either).
 */
#include "vmalloc/vmalloc.h"

#include "buddy/buddy.h"
#include "common/registry.h"
#include "lib/kva_layout.h"
#include "lib/report.h"
#include "lib/string.h"

#include <kmem/io.h>

/* --- mapping ---------------------------------------------------------------------------------- */

/* Linux's IOREMAP_MAX_ORDER. */
static unsigned int max_align_shift(const struct kernel *k)
{
	switch (k->arch->desc->mode) {
	case MACHINE_MODE_32:
		return 22;
	case MACHINE_MODE_PAE:
		return X86_PMD_SHIFT;
	default:
		return X86_PUD_SHIFT;
	}
}

static uint64_t align_of(const struct kernel *k, uint64_t size)
{
	unsigned int shift = PAGE_SHIFT;

	while (shift < max_align_shift(k) && (uint64_t)1 << shift < size)
		shift++;
	return (uint64_t)1 << shift;
}

static bool has_kernel_ram(struct kernel *k, phys_addr_t start, phys_addr_t end)
{
	if (end > k->arch->ram_size)
		end = k->arch->ram_size;
	for (; start < end; start += PAGE_SIZE)
		if (buddy_is_managed(k, start >> PAGE_SHIFT))
			return true;
	return false;
}

/* What %pa prints: as wide as a physical address of the mode. */
static int pa_digits(const struct kernel *k)
{
	return k->arch->desc->mode == MACHINE_MODE_32 ? 8 : 16;
}

/* @phys and @last: bytes. Whether they may be mapped. */
static bool check(struct kernel *k, phys_addr_t phys, phys_addr_t last)
{
	int digits = pa_digits(k);

	if (last >> k->arch->desc->maxphyaddr || (digits == 8 && last > UINT32_MAX)) {
		report_warn(k, "ioremap: invalid physical address %llx", (unsigned long long)phys);
		return false;
	}
	if (!has_kernel_ram(k, phys & PAGE_MASK_64, last + 1))
		return true;
	report_warn(k, "ioremap on RAM at 0x%0*llx - 0x%0*llx", digits, (unsigned long long)phys,
		    digits, (unsigned long long)last);
	return false;
}

/* The range's type is settled, and is the mapping's. NULL: no memory, or a conflict. */
static struct memtype_range *reserve_type(struct vmalloc *v, phys_addr_t start, phys_addr_t end,
					  enum memtype want)
{
	struct memtype_range *range = meta_alloc(v->kernel, sizeof(*range), NUMA_NO_NODE);

	if (!range)
		return NULL;
	range->start = start;
	range->end = end;
	if (!memtype_reserve(&v->memtypes, range, want))
		return range;
	meta_free(v->kernel, range, sizeof(*range));
	return NULL;
}

void ioremap_release_type(struct vmalloc *v, struct memtype_range *range)
{
	memtype_release(&v->memtypes, range);
	meta_free(v->kernel, range, sizeof(*range));
}

/* Whole pages, as @type says. NULL: no room or no memory. */
static void *map_range(struct vmalloc *v, struct memtype_range *type, const void *caller)
{
	uint64_t bytes = type->end - type->start;
	const struct vm_request r = {
		.size = (unsigned long)bytes,
		.align = (unsigned long)align_of(v->kernel, bytes),
		.gfp = GFP_KERNEL,
		.node = NUMA_NO_NODE,
		.flags = VM_IOREMAP,
		.kind = VM_IOREMAP,
		.caller = caller,
	};
	struct vmap_vm *vm = vm_make(v, &r);

	if (!vm)
		return NULL;
	vm->vm.phys_addr = type->start;
	if (frame_map(v, vm->va->start, type->start >> PAGE_SHIFT,
		      (unsigned long)(bytes >> PAGE_SHIFT), PAGE_KERNEL | memtype_prot(type->type),
		      v->kernel->arch->desc->mode != MACHINE_MODE_32)) {
		vm_drop(v, vm);
		return NULL;
	}
	vm->memtype = type;
	return vm_publish(v, vm);
}

static void *map(struct vmalloc *v, phys_addr_t phys, unsigned long size, enum memtype want,
		 const void *caller)
{
	phys_addr_t last = phys + (size - 1), first = phys & PAGE_MASK_64;
	struct memtype_range *type;
	char *p;

	if (!size || last < phys || !check(v->kernel, phys, last))
		return NULL;
	type = reserve_type(v, first, (last + PAGE_SIZE) & PAGE_MASK_64, want);
	if (!type)
		return NULL;
	p = map_range(v, type, caller);
	if (p)
		return p + (phys - first);
	ioremap_release_type(v, type);
	return NULL;
}

static void *remap(phys_addr_t phys, unsigned long size, enum memtype want, const char *who,
		   const void *caller)
{
	struct kernel *k = arch_kernel();
	void *p;

	if (!k || !vmalloc_begin(k->vmalloc, GFP_KERNEL, who))
		return NULL;
	p = map(k->vmalloc, phys, size, want, caller);
	vmalloc_end();
	return p;
}

#define CALLER __builtin_return_address(0)

void *ioremap(phys_addr_t phys, unsigned long size)
{
	return remap(phys, size, MEMTYPE_UC_MINUS, "ioremap", CALLER);
}

void *ioremap_uc(phys_addr_t phys, unsigned long size)
{
	return remap(phys, size, MEMTYPE_UC, "ioremap_uc", CALLER);
}

void *ioremap_wc(phys_addr_t phys, unsigned long size)
{
	return remap(phys, size, MEMTYPE_WC, "ioremap_wc", CALLER);
}

void *ioremap_wt(phys_addr_t phys, unsigned long size)
{
	return remap(phys, size, MEMTYPE_WT, "ioremap_wt", CALLER);
}

void *ioremap_cache(phys_addr_t phys, unsigned long size)
{
	return remap(phys, size, MEMTYPE_WB, "ioremap_cache", CALLER);
}

void iounmap(const volatile void *addr)
{
	const void *start = (const void *)((uintptr_t)addr & PAGE_MASK);
	struct kernel *k = addr ? arch_kernel() : NULL;
	struct vmap_vm *vm;

	if (!k || virt_addr_valid(start) || !vmalloc_begin(k->vmalloc, GFP_KERNEL, "iounmap"))
		return;
	vm = vm_take(k->vmalloc, start, VM_IOREMAP);
	if (vm)
		vm_unmake(k->vmalloc, vm);
	else
		report_warn(k, "iounmap: bad address %p", (const void *)(uintptr_t)addr);
	vmalloc_end();
}

void vmalloc_show_memtypes(struct kernel *k, struct seq_file *m)
{
	memtypes_show(&k->vmalloc->memtypes, m);
}

/* --- access ----------------------------------------------------------------------------------- */

/* Where a pointer leads. */
struct place {
	const struct arch_machine *am;
	phys_addr_t phys;
	char *ptr;		/* memory of the host; NULL: a device or nothing */
};

static bool fault(struct kernel *k, kva_t kva, bool write)
{
	report_bug(k, "BUG: unable to handle page fault for address: %016llx (#PF: supervisor %s "
		   "access, not-present page)", (unsigned long long)kva, write ? "write" : "read");
	return false;
}

/* False after a report: nothing is mapped there. */
static bool resolve(const volatile void *addr, unsigned int size, bool write, struct place *at)
{
	const void *p = (const void *)(uintptr_t)addr;
	struct kernel *k = arch_kernel();
	unsigned int shift;
	uint64_t leaf, below;
	kva_t kva;

	if (!k)
		return false;
	*at = (struct place){.am = k->arch, .ptr = (char *)(uintptr_t)p};
	if (!in_window(k, p))
		return true;
	kva = window_kva(k, p);
	leaf = pgtable_lookup(&k->vmalloc->pgtable, kva, &shift);
	if (!leaf)
		return fault(k, kva, write);
	below = ((uint64_t)1 << shift) - 1;
	at->phys = (leaf & X86_PTE_ADDR_MASK & ~below) | (kva & below);
	at->ptr = arch_is_memory(k->arch, at->phys, size) ? k->arch->ram + at->phys : NULL;
	return true;
}

static bool crosses_page(const volatile void *addr, unsigned int size)
{
	return ((uintptr_t)addr & ~PAGE_MASK) + size > PAGE_SIZE;
}

static uint64_t all_ones(unsigned int size)
{
	return UINT64_MAX >> (64 - 8 * size);
}

static uint64_t io_read(const volatile void *addr, unsigned int size)
{
	uint64_t value = 0;
	struct place at;

	if (crosses_page(addr, size)) {
		for (unsigned int i = 0; i < size; i++)
			value |= io_read((const volatile char *)addr + i, 1) << (8 * i);
		return value;
	}
	if (!resolve(addr, size, false, &at))
		return all_ones(size);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (at.ptr)
		memcpy(&value, at.ptr, size);
	else if (!arch_device_read(at.am, at.phys, size, &value))
		value = UINT64_MAX;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return value & all_ones(size);
}

static void io_write(volatile void *addr, unsigned int size, uint64_t value)
{
	struct place at;

	if (crosses_page(addr, size)) {
		for (unsigned int i = 0; i < size; i++)
			io_write((volatile char *)addr + i, 1, value >> (8 * i) & 0xff);
		return;
	}
	if (!resolve(addr, size, true, &at))
		return;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (at.ptr)
		memcpy(at.ptr, &value, size);
	else
		(void)arch_device_write(at.am, at.phys, size, value);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

uint8_t readb(const volatile void *addr)
{
	return (uint8_t)io_read(addr, 1);
}

uint16_t readw(const volatile void *addr)
{
	return (uint16_t)io_read(addr, 2);
}

uint32_t readl(const volatile void *addr)
{
	return (uint32_t)io_read(addr, 4);
}

uint64_t readq(const volatile void *addr)
{
	return io_read(addr, 8);
}

void writeb(uint8_t value, volatile void *addr)
{
	io_write(addr, 1, value);
}

void writew(uint16_t value, volatile void *addr)
{
	io_write(addr, 2, value);
}

void writel(uint32_t value, volatile void *addr)
{
	io_write(addr, 4, value);
}

void writeq(uint64_t value, volatile void *addr)
{
	io_write(addr, 8, value);
}

/* The widest access up to 32 bits that is aligned at @addr and no longer than @count. */
static unsigned int width_at(const volatile void *addr, size_t count)
{
	unsigned int width = 4;

	while ((uintptr_t)addr & (width - 1) || width > count)
		width /= 2;
	return width;
}

void memcpy_fromio(void *to, const volatile void *from, size_t count)
{
	const volatile char *at = from;

	for (char *p = to; count;) {
		unsigned int width = width_at(at, count);
		uint64_t value = io_read(at, width);

		memcpy(p, &value, width);
		p += width;
		at += width;
		count -= width;
	}
}

void memcpy_toio(volatile void *to, const void *from, size_t count)
{
	volatile char *at = to;

	for (const char *p = from; count;) {
		unsigned int width = width_at(at, count);
		uint64_t value = 0;

		memcpy(&value, p, width);
		io_write(at, width, value);
		p += width;
		at += width;
		count -= width;
	}
}

void memset_io(volatile void *to, int value, size_t count)
{
	uint64_t bytes = (uint64_t)(unsigned char)value * 0x0101010101010101ull;
	volatile char *at = to;

	while (count) {
		unsigned int width = width_at(at, count);

		io_write(at, width, bytes & all_ones(width));
		at += width;
		count -= width;
	}
}
