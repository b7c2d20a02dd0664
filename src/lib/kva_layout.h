/* SPDX-License-Identifier: MIT */
/*
 * Where the simulated kernel's regions begin, by paging mode: Linux's memory map without KASLR
 * (Documentation/arch/x86/x86_64/mm.rst). The machine makes its host windows by it, the kernel part
 * its page tables and addresses.
 */
#ifndef KMEM_LIB_KVA_LAYOUT_H
#define KMEM_LIB_KVA_LAYOUT_H

#include <kmem/machine.h>
#include <kmem/types.h>

struct kva_layout {
	kva_t direct_base;	/* the byte of physical address p is at direct_base + p */
	kva_t vmalloc_base;
	uint64_t vmalloc_size;	/* 0: the mode has no such region in this version */
};

#define TIB ((uint64_t)1 << 40)

static inline struct kva_layout kva_layout(enum machine_mode mode)
{
	switch (mode) {
	case MACHINE_MODE_32:
	case MACHINE_MODE_PAE:
		return (struct kva_layout){.direct_base = 0xc0000000};
	case MACHINE_MODE_5LEVEL:
		return (struct kva_layout){.direct_base = 0xff11000000000000};
	case MACHINE_MODE_4LEVEL:
		break;
	}
	return (struct kva_layout){0xffff888000000000, 0xffffc90000000000, 32 * TIB};
}

#undef TIB

#endif
