/* SPDX-License-Identifier: MIT */
/*
 * The kernel's address space at boot: page tables with the direct map, and the vmalloc region.
 *
 * Tables lie in frames that the description reserves, as a real kernel's early tables do: they
 * take no managed page and change no figure of zoneinfo; what a program's early callback reserved is
 * the program's. Where the description reserves too
 * little, there is physical memory above RAM (sim/window.c). The direct map shows the RAM that the
 * kernel uses, so not what mem= hides; ranges that touch (a border of nodes) are one, for large
 * pages may span them.
 */
#include "boot/boot.h"

#include "buddy/buddy.h"
#include "lib/kernel.h"
#include "lib/kva_layout.h"
#include "lib/report.h"
#include "memblock/memblock.h"
#include "vmalloc/vmalloc.h"

static phys_addr_t region_end(const struct memblock_region *r)
{
	return r->base + r->size;
}

/* Whole pages of [@start, @end) without what the program's early callback took. */
static int add_frames(struct kernel *k, phys_addr_t start, phys_addr_t end)
{
	const struct memblock_type *program = &k->memblock->program;
	int ret = 0;

	start = (start + PAGE_SIZE - 1) & PAGE_MASK_64;
	for (unsigned int i = 0; !ret && i <= program->cnt; i++) {
		phys_addr_t stop = end & PAGE_MASK_64, next = end;

		if (i < program->cnt && program->regions[i].base < end) {
			stop = program->regions[i].base & PAGE_MASK_64;
			next = (region_end(&program->regions[i]) + PAGE_SIZE - 1) & PAGE_MASK_64;
		}
		if (start < stop)
			ret = vmalloc_add_frames(k, start, stop);
		if (next > start)
			start = next;
	}
	return ret;
}

/* What @reserved has in common with RAM. */
static int add_reserved(struct kernel *k, const struct memblock_region *reserved)
{
	const struct memblock_type *memory = &k->memblock->memory;
	int ret = 0;

	for (unsigned int i = 0; !ret && i < memory->cnt; i++) {
		const struct memblock_region *r = &memory->regions[i];
		phys_addr_t start = r->base > reserved->base ? r->base : reserved->base;
		phys_addr_t end = region_end(r) < region_end(reserved) ? region_end(r) :
									 region_end(reserved);

		if (start < end)
			ret = add_frames(k, start, end);
	}
	return ret;
}

/* Only low memory has addresses. */
static int map_low(struct kernel *k, phys_addr_t start, phys_addr_t end)
{
	phys_addr_t low = buddy_lowmem_end(k);

	if (end > low)
		end = low;
	return start < end ? vmalloc_map_direct(k, start, end & PAGE_MASK_64) : 0;
}

static int map_ram(struct kernel *k)
{
	const struct memblock_type *memory = &k->memblock->memory;
	unsigned int i = 0;
	int ret = 0;

	while (!ret && i < memory->cnt) {
		phys_addr_t start = memory->regions[i].base;
		phys_addr_t end = region_end(&memory->regions[i]);

		for (i++; i < memory->cnt && memory->regions[i].base == end; i++)
			end = region_end(&memory->regions[i]);
		ret = map_low(k, start, end);
	}
	return ret;
}

/* On x86_32 vmalloc begins where the direct map ends, and 8 MiB more that catch what runs over its
 * end. */
static void place_vmalloc_32(struct kernel *k)
{
	struct arch_machine *am = k->arch;
	struct kva_layout layout = kva_layout(am->desc->mode, am->nr_cpus, k->params.vmalloc_size);
	kva_t base = am->direct_base + buddy_lowmem_end(k) + X86_32_VMALLOC_OFFSET;
	uint64_t up = base - am->vmalloc_base;

	kassert(base >= am->vmalloc_base);
	am->vmalloc_base = base;
	am->vmalloc_size = layout.vmalloc_end - base;
	am->vmap_size -= up;
	am->vmap_at += up;
	if (am->vmalloc)
		am->vmalloc = am->vmap_at;
}

int boot_address_space(struct kernel *k, struct machine_error *err)
{
	const struct memblock_type *reserved = &k->memblock->reserved;
	int ret;

	if (kva_mode_is_32(k->arch->desc->mode))
		place_vmalloc_32(k);
	ret = vmalloc_create(k);
	for (unsigned int i = 0; !ret && i < reserved->cnt; i++)
		ret = add_reserved(k, &reserved->regions[i]);
	if (!ret)
		ret = vmalloc_start(k);
	if (!ret)
		ret = map_ram(k);
	if (ret)
		return error_set(err, ret, "no memory for the kernel's page tables");
	vmalloc_enable(k);
	return 0;
}
