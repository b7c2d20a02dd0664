/* SPDX-License-Identifier: MIT */
/*
 * Where the simulated kernel's regions lie, by paging mode: Linux's memory map without KASLR. The
 * machine makes its host windows by it, the kernel part its zones, page tables and addresses.
 *
 * 64-bit modes have constants (Documentation/arch/x86/x86_64/mm.rst). On x86_32 the upper gigabyte
 * is the kernel's and everything is packed from its top down; what is left above the direct map is
 * vmalloc's:
 *
 *	0xc0000000		direct map, up to high_memory
 *	high_memory + 8 MiB	vmalloc
 *	pkmap - 8 KiB		its end
 *	pkmap			kmap()'s window: one page table, 1024 entries (PAE: 512)
 *	…			LDTs and entry areas of the CPUs, whole page tables, not simulated
 *	FIXADDR_TOP		the fixed maps end here; among them 16 pages a CPU for kmap_local_page()
 *
 * Low memory ends where at least 128 MiB are left for vmalloc (`vmalloc=` moves that). The figures
 * are those of the golden boots: lowmem ends at 0x36ffe000 with room for 16 CPUs and at 0x36bfe000
 * with room for 32; VmallocTotal is 122880 kB with full low memory.
 */
#ifndef KMEM_LIB_KVA_LAYOUT_H
#define KMEM_LIB_KVA_LAYOUT_H

#include "arch.h"

#include <kmem/machine.h>
#include <kmem/types.h>

/* kmap_local_page(): windows of one CPU. */
#define KM_MAX_IDX 16u

struct kva_layout {
	kva_t direct_base;	/* the byte of physical address p is at direct_base + p */
	kva_t vmalloc_base;	/* x86_32: the lowest it can be, whatever RAM there is */
	kva_t vmalloc_end;
	uint64_t lowmem_end;	/* where the direct map ends at the latest */
	/* x86_32 only, else 0: */
	kva_t pkmap_base;
	unsigned int nr_pkmap;
	kva_t kmap_local_top;	/* the first window of CPU 0; the others follow downwards */
	kva_t kmap_local_base;	/* the last window of the last CPU: where the fixed maps begin here */
	kva_t fixmap_end;	/* above the last byte of the fixed maps */
};

#define KVA_TIB ((uint64_t)1 << 40)
#define KVA_MIB ((uint64_t)1 << 20)

#define X86_32_PAGE_OFFSET ((kva_t)0xc0000000)
#define X86_32_FIXADDR_TOP ((kva_t)0xfffff000)
#define X86_32_VMALLOC_OFFSET ((uint64_t)8 << 20)	/* a hole between the direct map and vmalloc */
#define X86_32_VMALLOC_RESERVE ((uint64_t)128 << 20)

static inline bool kva_mode_is_32(enum machine_mode mode)
{
	return mode == MACHINE_MODE_32 || mode == MACHINE_MODE_PAE;
}

/* Fixed maps of the kernel itself: before kmap's, and behind them (early ioremap). */
#define KVA_FIX_KMAP_BEGIN 32u
#define KVA_FIX_OTHERS 600u
#define KVA_ENTRY_AREA_PAGES 41u

static inline struct kva_layout kva_layout_32(bool pae, unsigned int nr_cpus, uint64_t vmalloc)
{
	kva_t table_mask = ~((pae ? 2 * KVA_MIB : 4 * KVA_MIB) - 1);
	/* Linux's windows are for as many CPUs as it was built for. */
	uint64_t cpus = nr_cpus < 16 ? 16 : nr_cpus;
	uint64_t areas = cpus < 64 ? cpus : 64;
	uint64_t reserve = vmalloc ? vmalloc + X86_32_VMALLOC_OFFSET : X86_32_VMALLOC_RESERVE;
	uint64_t most;
	struct kva_layout l = {
		.direct_base = X86_32_PAGE_OFFSET,
		.vmalloc_base = X86_32_PAGE_OFFSET + X86_32_VMALLOC_OFFSET,
		.nr_pkmap = pae ? 512 : 1024,
		.kmap_local_top = X86_32_FIXADDR_TOP - KVA_FIX_KMAP_BEGIN * PAGE_SIZE,
		.kmap_local_base = X86_32_FIXADDR_TOP -
				   (KVA_FIX_KMAP_BEGIN + KM_MAX_IDX * (uint64_t)nr_cpus - 1) * PAGE_SIZE,
		.fixmap_end = X86_32_FIXADDR_TOP + PAGE_SIZE,
	};
	kva_t at = X86_32_FIXADDR_TOP - (KVA_FIX_OTHERS + KM_MAX_IDX * cpus) * PAGE_SIZE;

	at = (at - (KVA_ENTRY_AREA_PAGES * areas + 1) * PAGE_SIZE) & table_mask;
	at = (at - PAGE_SIZE) & table_mask;
	l.pkmap_base = (at - PAGE_SIZE) & table_mask;
	l.vmalloc_end = l.pkmap_base - 2 * PAGE_SIZE;
	most = l.vmalloc_end - l.direct_base;
	/* Zone DMA at least has to have its addresses. */
	if (reserve > most - 16 * KVA_MIB)
		reserve = most - 16 * KVA_MIB;
	l.lowmem_end = (most - reserve) & PAGE_MASK_64;
	return l;
}

/* @vmalloc: bytes asked for on the command line; 0: none. */
static inline struct kva_layout kva_layout(enum machine_mode mode, unsigned int nr_cpus,
					   uint64_t vmalloc)
{
	switch (mode) {
	case MACHINE_MODE_32:
	case MACHINE_MODE_PAE:
		return kva_layout_32(mode == MACHINE_MODE_PAE, nr_cpus, vmalloc);
	case MACHINE_MODE_5LEVEL:
		return (struct kva_layout){
			.direct_base = 0xff11000000000000,
			.vmalloc_base = 0xffa0000000000000,
			.vmalloc_end = 0xffa0000000000000 + 12800 * KVA_TIB,
			.lowmem_end = UINT64_MAX,
		};
	case MACHINE_MODE_4LEVEL:
		break;
	}
	return (struct kva_layout){
		.direct_base = 0xffff888000000000,
		.vmalloc_base = 0xffffc90000000000,
		.vmalloc_end = 0xffffc90000000000 + 32 * KVA_TIB,
		.lowmem_end = UINT64_MAX,
	};
}

#undef KVA_TIB
#undef KVA_MIB

#endif
