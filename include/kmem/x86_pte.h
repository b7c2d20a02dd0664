/* SPDX-License-Identifier: MIT */
/*
 * Formats of x86 paging structures and the registers that govern them.
 *
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 3A, chapter 4,
 * "Paging"; sections and tables are named where they are used. Names of the bits are Linux's.
 *
 * Entries of 4-level paging (sections 4.5.2 to 4.5.4, tables 4-15 to 4-20):
 *
 *	 63 62…59 58…52 51…MAXPHYADDR MAXPHYADDR-1…12  11…9 8 7  6 5 4   3   2   1   0
 *	 NX  PK    -     reserved      frame            -    G PS D A PCD PWT U/S R/W P
 *
 * The frame is that of the next table, or in a leaf that of the page; the address bits of a large
 * leaf below its page size are reserved, but for bit 12, its PAT.
 */
#ifndef KMEM_X86_PTE_H
#define KMEM_X86_PTE_H

#include <stdint.h>

/* Bits of an entry. */
#define X86_PTE_P UINT64_C(0x1)			/* present; if 0 all other bits are software's */
#define X86_PTE_RW UINT64_C(0x2)		/* writes, as far as upper entries allow them */
#define X86_PTE_US UINT64_C(0x4)		/* so are user-mode accesses */
#define X86_PTE_PWT UINT64_C(0x8)		/* caching; section 4.9 */
#define X86_PTE_PCD UINT64_C(0x10)
#define X86_PTE_A UINT64_C(0x20)		/* accessed; section 4.8 */
#define X86_PTE_D UINT64_C(0x40)		/* leaf: written */
#define X86_PTE_PS UINT64_C(0x80)		/* page size: a large page, not a table */
#define X86_PTE_PAT UINT64_C(0x80)		/* the same bit in a 4 KiB leaf */
#define X86_PTE_G UINT64_C(0x100)		/* leaf: survives a load of CR3; section 4.10.2.4 */
#define X86_PTE_PAT_LARGE UINT64_C(0x1000)	/* PAT of a large leaf */
#define X86_PTE_NX (UINT64_C(1) << 63)		/* no instruction fetches; needs EFER.NXE */
#define X86_PTE_PK_SHIFT 59			/* four bits: protection key; section 4.6.2 */
#define X86_PTE_PK_MASK (UINT64_C(0xf) << X86_PTE_PK_SHIFT)
#define X86_PTE_ADDR_MASK UINT64_C(0x000ffffffffff000)	/* bits 51…12 */
#define X86_PTE_FLAGS_MASK (UINT64_C(0xfff) | X86_PTE_NX)

/* 4-level paging, figure 4-8: where a level's nine index bits stand in the linear address. */
#define X86_PGD_SHIFT 39	/* PML4 */
#define X86_PUD_SHIFT 30	/* page-directory-pointer table; a leaf maps 1 GiB */
#define X86_PMD_SHIFT 21	/* page directory; a leaf maps 2 MiB */
#define X86_PTE_SHIFT 12	/* page table; a leaf maps 4 KiB */
#define X86_LEVEL_BITS 9

/* What Linux 6.1 puts into entries of kernel tables (golden/seq/37): a pointer to a table, a 4 KiB
 * page, a large page. */
#define X86_KERNEL_TABLE (X86_PTE_P | X86_PTE_RW | X86_PTE_US | X86_PTE_A | X86_PTE_D)
#define X86_KERNEL_PAGE \
	(X86_PTE_P | X86_PTE_RW | X86_PTE_A | X86_PTE_D | X86_PTE_G | X86_PTE_NX)
#define X86_KERNEL_PAGE_RO (X86_KERNEL_PAGE & ~X86_PTE_RW)
#define X86_KERNEL_LARGE_PAGE (X86_KERNEL_PAGE | X86_PTE_PS)

/* CR0, CR4, IA32_EFER; sections 2.2.1, 2.5, 4.1.1. Only what paging looks at. */
#define X86_CR0_PE UINT64_C(0x1)
#define X86_CR0_WP UINT64_C(0x10000)	/* supervisor writes obey R/W */
#define X86_CR0_PG UINT64_C(0x80000000)
#define X86_CR4_PSE UINT64_C(0x10)
#define X86_CR4_PAE UINT64_C(0x20)
#define X86_CR4_PGE UINT64_C(0x80)
#define X86_CR4_LA57 UINT64_C(0x1000)
#define X86_CR4_PCIDE UINT64_C(0x20000)
#define X86_CR4_SMEP UINT64_C(0x100000)
#define X86_CR4_SMAP UINT64_C(0x200000)
#define X86_CR4_PKE UINT64_C(0x400000)
#define X86_EFER_LME UINT64_C(0x100)
#define X86_EFER_LMA UINT64_C(0x400)
#define X86_EFER_NXE UINT64_C(0x800)

/* CR3: frame of the top table; the low bits are caching or PCID. Table 4-12. */
#define X86_CR3_ADDR_MASK X86_PTE_ADDR_MASK

/* Page-fault error code; figure 4-12. */
#define X86_PF_PROT 0x1u	/* 1: rights or a reserved bit, 0: an entry was not present */
#define X86_PF_WRITE 0x2u
#define X86_PF_USER 0x4u
#define X86_PF_RSVD 0x8u	/* a reserved bit was set */
#define X86_PF_INSTR 0x10u	/* instruction fetch, with NX or SMEP on */
#define X86_PF_PK 0x20u		/* a protection key refused it */

/* Exception vectors; table 6-1. */
#define X86_TRAP_GP 13
#define X86_TRAP_PF 14

#endif
