/* SPDX-License-Identifier: MIT */
/*
 * Formats of x86 paging structures and the registers that govern them.
 *
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 3A, chapter 4,
 * "Paging"; sections and tables are named where they are used. Names of the bits are Linux's.
 *
 * Entries of 4-level and 5-level paging (section 4.5, tables 4-14 to 4-20) and of PAE paging
 * (section 4.4, tables 4-9 to 4-11, where bits 62…MAXPHYADDR are all reserved):
 *
 *	 63 62…59 58…52 51…MAXPHYADDR MAXPHYADDR-1…12  11…9 8 7  6 5 4   3   2   1   0
 *	 NX  PK    -     reserved      frame            -    G PS D A PCD PWT U/S R/W P
 *
 * The frame is that of the next table, or in a leaf that of the page; the address bits of a large
 * leaf below its page size are reserved, but for bit 12, its PAT.
 *
 * Entries of 32-bit paging (section 4.3, tables 4-4 to 4-6):
 *
 *	 31…12  11…9 8 7  6 5 4   3   2   1   0		pointer to a table, 4 KiB page
 *	 frame   -   G PS D A PCD PWT U/S R/W P
 *
 *	 31…22        21 20…13               12  11…0	4 MiB page
 *	 frame 31…22  0  frame 39…32 (PSE-36) PAT as above
 *
 * PAE paging's top table has four entries, which the processor keeps in registers (section 4.4.1,
 * table 4-8): a frame, PCD, PWT and P; all else is reserved.
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

/* 4-level paging, figure 4-8: where a level's nine index bits stand in the linear address. 5-level
 * paging has one level more above; PAE paging begins with an index of two bits at X86_PUD_SHIFT. */
#define X86_PGD5_SHIFT 48	/* PML5 */
#define X86_PGD_SHIFT 39	/* PML4; with five levels Linux calls it p4d */
#define X86_PUD_SHIFT 30	/* page-directory-pointer table; a leaf maps 1 GiB */
#define X86_PMD_SHIFT 21	/* page directory; a leaf maps 2 MiB */
#define X86_PTE_SHIFT 12	/* page table; a leaf maps 4 KiB */
#define X86_LEVEL_BITS 9
#define X86_PAE_PGD_BITS 2	/* figure 4-5 */

/* 32-bit paging, figure 4-2: two levels of ten index bits, entries of four bytes. */
#define X86_PGD32_SHIFT 22	/* page directory; a leaf maps 4 MiB, with CR4.PSE */
#define X86_LEVEL32_BITS 10
#define X86_PTE32_ADDR_MASK UINT64_C(0xfffff000)

/* A 4 MiB leaf: address bits 31…22 stand in their place, bits 39…32 at 20…13. Table 4-4. */
#define X86_PSE36_SHIFT 13
#define X86_PSE36_MASK UINT64_C(0x001fe000)
#define X86_PSE36_BITS 40	/* so wide a physical address reaches, if MAXPHYADDR does */

/* PAE: bits of a top entry that must be 0 in a present one, those above MAXPHYADDR aside. */
#define X86_PDPTE_RSVD UINT64_C(0x1e6)

/* What Linux 6.1 puts into entries of kernel tables (golden/seq/37): a pointer to a table, a 4 KiB
 * page, a large page. */
#define X86_KERNEL_TABLE (X86_PTE_P | X86_PTE_RW | X86_PTE_US | X86_PTE_A | X86_PTE_D)
#define X86_KERNEL_PAGE \
	(X86_PTE_P | X86_PTE_RW | X86_PTE_A | X86_PTE_D | X86_PTE_G | X86_PTE_NX)
#define X86_KERNEL_PAGE_RO (X86_KERNEL_PAGE & ~X86_PTE_RW)
#define X86_KERNEL_LARGE_PAGE (X86_KERNEL_PAGE | X86_PTE_PS)

/* A PAE top entry has no rights and no accessed bit: they are reserved there. */
#define X86_KERNEL_PDPTE X86_PTE_P

/* CR0, CR4, IA32_EFER; sections 2.2.1, 2.5, 4.1.1. Only what paging looks at. */
#define X86_CR0_PE UINT64_C(0x1)
#define X86_CR0_WP UINT64_C(0x10000)	/* supervisor writes obey R/W */
#define X86_CR0_PG UINT64_C(0x80000000)
#define X86_CR4_PSE UINT64_C(0x10)	/* 32-bit paging: 4 MiB pages */
#define X86_CR4_PAE UINT64_C(0x20)
#define X86_CR4_PGE UINT64_C(0x80)	/* G means something */
#define X86_CR4_LA57 UINT64_C(0x1000)	/* five levels */
#define X86_CR4_PCIDE UINT64_C(0x20000)	/* TLB entries carry CR3's PCID; section 4.10.1 */
#define X86_CR4_SMEP UINT64_C(0x100000)
#define X86_CR4_SMAP UINT64_C(0x200000)
#define X86_CR4_PKE UINT64_C(0x400000)
#define X86_EFER_LME UINT64_C(0x100)
#define X86_EFER_LMA UINT64_C(0x400)
#define X86_EFER_NXE UINT64_C(0x800)

/* CR3: frame of the top table; the low bits are caching or PCID. Table 4-12; PAE: table 4-7; 32-bit:
 * table 4-3. */
#define X86_CR3_ADDR_MASK X86_PTE_ADDR_MASK
#define X86_CR3_ADDR_MASK_PAE UINT64_C(0xffffffe0)
#define X86_CR3_ADDR_MASK_32 UINT64_C(0xfffff000)
#define X86_CR3_PCID_MASK UINT64_C(0xfff)
#define X86_CR3_NOFLUSH (UINT64_C(1) << 63)	/* of the value loaded: keep the TLB; section 4.10.4.1 */

/* INVPCID's types; volume 2A. */
#define X86_INVPCID_ADDR 0	/* one address of one PCID */
#define X86_INVPCID_SINGLE 1	/* one PCID, but for global pages */
#define X86_INVPCID_ALL_GLOBAL 2	/* everything */
#define X86_INVPCID_ALL 3	/* everything but global pages */

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
