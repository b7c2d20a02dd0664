/* SPDX-License-Identifier: MIT */
/*
 * Pages without an address: HIGHMEM of x86_32, and the windows through which it is reached.
 * Semantics are Linux 6.1's (Documentation/mm/highmem.rst).
 *
 *	kmap()			for as long as one likes; 1024 entries (PAE: 512) for all
 *	kmap_local_page()	16 for each CPU, for the calling thread alone, undone in reverse order
 *	kmap_atomic()		the same, and the thread may not sleep meanwhile
 *
 * On machines without HIGHMEM, and for pages of low memory, they return page_address().
 *
 * On a machine on private memory the pointer is the only address that a page has in the host: it works
 * as long as the mapping lives, and nothing stops a program from using it longer.
 */
#ifndef KMEM_HIGHMEM_H
#define KMEM_HIGHMEM_H

#include <kmem/types.h>

KMEM_BEGIN_DECLS

/** PageHighMem - whether @page lies in HIGHMEM: it has no address of its own. Any context. */
KMEM_DECL(bool, PageHighMem, (const struct page * page));

/**
 * kmap - give @page an address
 * @page: a page that the caller holds
 *
 * The same page has the same address until all have called kunmap(); page_address() knows it. When
 * all entries are in use the call sleeps until another thread gives one back; if there is no other
 * thread, that is a BUG, and the call fails.
 *
 * Return: pointer; NULL: after that BUG, or when the host refuses a mapping (logged). May sleep; in
 * an interrupt it is a BUG.
 */
KMEM_DECL(void *, kmap, (struct page * page)) KMEM_MUST_CHECK;

/**
 * kunmap - give it back; a page that is not mapped is a BUG
 * @page: as kmap() was given it
 *
 * The entry itself is used again after a flush, which comes when all have been used. To be called
 * where kmap() may be, as Linux wants it.
 */
KMEM_DECL(void, kunmap, (struct page * page));

/** kmap_flush_unused - unmap now what kunmap() left to be flushed. */
KMEM_DECL(void, kmap_flush_unused, (void));

/** kmap_to_page - the page at @addr, a pointer from kmap() or of the direct map; NULL: neither. */
KMEM_DECL(struct page *, kmap_to_page, (const void *addr));

/**
 * kmap_local_page - an address of @page for the calling thread
 * @page: a page that the caller holds
 *
 * Return: pointer; NULL: more than 16 at once on a CPU, which is a BUG, or the host refuses a mapping
 * (logged). Any context; never sleeps.
 */
KMEM_DECL(void *, kmap_local_page, (struct page * page)) KMEM_MUST_CHECK;

/**
 * kunmap_local - undo the thread's last kmap_local_page()
 * @addr: any address in the page; another than the last one is a BUG, low memory is ignored
 */
KMEM_DECL(void, kunmap_local, (const void *addr));

/** kmap_atomic - kmap_local_page() and preempt_disable(). */
KMEM_DECL(void *, kmap_atomic, (struct page * page)) KMEM_MUST_CHECK;

/** kunmap_atomic - kunmap_local() and preempt_enable(). */
KMEM_DECL(void, kunmap_atomic, (const void *addr));

KMEM_END_DECLS

#endif
