/* SPDX-License-Identifier: MIT */
/*
 * Device memory: simulated devices at physical addresses, ioremap(), and the functions that reach
 * what it maps. Semantics are Linux 6.1's (Documentation/driver-api/device-io.rst).
 *
 * What ioremap() returns is only for the functions below: a device's registers are calls of the
 * program's functions, and touching the pointer faults. mmu_read() and mmu_write() reach them, too, by
 * any translation that leads there. Physical memory that the kernel does not use
 * (RAM that `mem=` on the command line hides) has bytes behind it; readl() and writel() reach them, and
 * on a machine on a memfd so does the pointer.
 *
 * Unless a function says otherwise: any thread may call it, on the machine it has entered; misuse is
 * reported (machine.h) and, when the handler goes on, refused.
 */
#ifndef KMEM_IO_H
#define KMEM_IO_H

#include <kmem/types.h>

KMEM_BEGIN_DECLS

#ifndef KMEM_NO_KERNEL_NAMES
#define __iomem
#endif

/* --- devices ----------------------------------------------------------------------------------- */

/* What a device does when its registers are touched. @offset from its start, @size 1, 2, 4 or 8
 * bytes; an access never reaches beyond the device. Called by the accessing thread, with no lock
 * held; may call the library as that thread may. NULL: reads give all ones, writes are lost. */
struct machine_device_ops {
	uint64_t (*read)(void *arg, uint64_t offset, unsigned int size);
	void (*write)(void *arg, uint64_t offset, unsigned int size, uint64_t value);
};

/**
 * machine_device_add - put a device at physical addresses of the entered machine (libkmem's own)
 * @start: page-aligned
 * @size:  bytes, whole pages
 * @ops:   what it does; has to live as long as the device
 * @arg:   given to its functions
 *
 * Return: 0; -EINVAL: no whole pages, or beyond the machine's physical addresses; -EBUSY: there is RAM
 * or another device; -ENOMEM; -ENODEV without a machine. All with a line in the log.
 */
KMEM_DECL(int, machine_device_add,
	  (phys_addr_t start, uint64_t size, const struct machine_device_ops *ops, void *arg));

/**
 * machine_device_remove - take a device away (libkmem's own); shutdown does it for all that are left
 * @start: as it was added. No thread may be accessing it.
 * Return: 0; -ENOENT; -ENODEV.
 */
KMEM_DECL(int, machine_device_remove, (phys_addr_t start));

/* --- mapping ----------------------------------------------------------------------------------- */

/**
 * ioremap - map physical addresses that are no RAM of the kernel, uncached
 * @phys: any byte; the pointer is to this byte
 * @size: bytes
 *
 * A physical address has one memory type at a time: where another mapping overlaps, the new one gets
 * that one's type instead of its own. It is refused, with a line in the log, if
 * those that overlap differ, or if the type is too weak: write-back for anything else, write-combining
 * for ioremap_wt(). proc_read("pat_memtype_list", …) lists them.
 *
 * Return: pointer for readl() and its like, or NULL: size 0, addresses that do not exist, RAM that the
 * kernel uses ("ioremap on RAM at …", a warning; reserved RAM is allowed), another memory type, no
 * room. Undo with iounmap(). Not in an interrupt; may sleep.
 * Source: Linux's Documentation/x86/pat.rst.
 */
KMEM_DECL(void *, ioremap, (phys_addr_t phys, unsigned long size)) KMEM_MUST_CHECK;

/** ioremap_uc - ioremap(), strongly uncached: PCD and PWT are set in the entries. */
KMEM_DECL(void *, ioremap_uc, (phys_addr_t phys, unsigned long size)) KMEM_MUST_CHECK;

/** ioremap_wc - ioremap(), writes may be combined: PWT is set. */
KMEM_DECL(void *, ioremap_wc, (phys_addr_t phys, unsigned long size)) KMEM_MUST_CHECK;

/** ioremap_wt - ioremap(), write-through: PAT is set. */
KMEM_DECL(void *, ioremap_wt, (phys_addr_t phys, unsigned long size)) KMEM_MUST_CHECK;

/** ioremap_cache - ioremap(), cached like RAM. */
KMEM_DECL(void *, ioremap_cache, (phys_addr_t phys, unsigned long size)) KMEM_MUST_CHECK;

/**
 * iounmap - undo any ioremap
 * @addr: what it returned; a pointer of the direct map is ignored, anything else is reported
 */
KMEM_DECL(void, iounmap, (const volatile void *addr));

/* --- access ------------------------------------------------------------------------------------ */

/*
 * @addr: inside what ioremap() returned, or any pointer to memory. Little-endian, of any alignment;
 * what crosses a page is done byte by byte. Where nothing answers, reads give all ones and writes are
 * lost, as on a bus; where nothing is mapped, it is reported as a page fault. Any context.
 */

/** readb - read a byte; as all of these in order with other accesses of the thread. */
KMEM_DECL(uint8_t, readb, (const volatile void *addr));
/** readw - read 16 bits. */
KMEM_DECL(uint16_t, readw, (const volatile void *addr));
/** readl - read 32 bits. */
KMEM_DECL(uint32_t, readl, (const volatile void *addr));
/** readq - read 64 bits. */
KMEM_DECL(uint64_t, readq, (const volatile void *addr));
/** writeb - write a byte. */
KMEM_DECL(void, writeb, (uint8_t value, volatile void *addr));
/** writew - write 16 bits. */
KMEM_DECL(void, writew, (uint16_t value, volatile void *addr));
/** writel - write 32 bits. */
KMEM_DECL(void, writel, (uint32_t value, volatile void *addr));
/** writeq - write 64 bits. */
KMEM_DECL(void, writeq, (uint64_t value, volatile void *addr));

/** memcpy_fromio - copy @count bytes out of a device, by 32 bits where the addresses allow it. */
KMEM_DECL(void, memcpy_fromio, (void *to, const volatile void *from, size_t count));
/** memcpy_toio - copy @count bytes into it. */
KMEM_DECL(void, memcpy_toio, (volatile void *to, const void *from, size_t count));
/** memset_io - fill @count bytes of it with @value. */
KMEM_DECL(void, memset_io, (volatile void *to, int value, size_t count));

KMEM_END_DECLS

#endif
