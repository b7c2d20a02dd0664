/* SPDX-License-Identifier: MIT */
/*
 * Pages and addresses: from struct page to frame number, host pointer, simulated address,
 * zone and node, and back.
 *
 * All functions work on the machine that the thread has entered, never sleep, and may be called by
 * any thread in any context. A struct page pointer that they are given must be of that machine, as
 * alloc_pages() and pfn_to_page() return it; only functions that say so check it. Without a machine
 * (reported, machine.h) the answer is NULL, 0, false, or where that means something NUMA_NO_NODE.
 * Behaviour: Linux 6.1, Documentation/vm/memory-model.rst and Documentation/core-api/mm-api.rst.
 */
#ifndef KMEM_MM_H
#define KMEM_MM_H

#include <kmem/types.h>

KMEM_BEGIN_DECLS

/* Zones, numbered as on a kernel that has all of them. HIGHMEM exists on x86_32 only. */
enum kmem_zone_type {
	KMEM_ZONE_DMA,
	KMEM_ZONE_DMA32,
	KMEM_ZONE_NORMAL,
	KMEM_ZONE_HIGHMEM,
	KMEM_ZONE_MOVABLE,
	KMEM_MAX_NR_ZONES
};

/** page_to_pfn - frame number of @page: its physical address divided by PAGE_SIZE. */
KMEM_DECL(unsigned long, page_to_pfn, (const struct page * page));

/** pfn_to_page - the page of a frame; NULL if the frame is no RAM of this machine. */
KMEM_DECL(struct page *, pfn_to_page, (unsigned long pfn));

/** page_to_phys - physical address of the first byte of @page, in bytes. */
KMEM_DECL(phys_addr_t, page_to_phys, (const struct page * page));

/** page_address - host pointer to the bytes of @page; NULL for an unmapped HIGHMEM page. */
KMEM_DECL(void *, page_address, (const struct page * page));

/**
 * virt_to_page - the page in which a direct-map pointer lies
 * @addr: any pointer; it need not point to the first byte
 * Return: the page; NULL if @addr does not lie in the direct map of RAM.
 */
KMEM_DECL(struct page *, virt_to_page, (const void *addr));

/** virt_addr_valid - whether @addr, any pointer, lies in the direct map of this machine's RAM. */
KMEM_DECL(bool, virt_addr_valid, (const void *addr));

/**
 * __pa - physical address behind a direct-map pointer
 * @addr: the pointer, as a number; not checked, as in Linux (virt_addr_valid() does)
 */
KMEM_DECL(phys_addr_t, __pa, (unsigned long addr));

/** __va - direct-map pointer of a physical address; NULL if that is no lowmem RAM. */
KMEM_DECL(void *, __va, (phys_addr_t phys));

/**
 * ptr_to_kva - what the simulated x86 calls the place a host pointer points to
 * Return: an address of the direct map for RAM, one of the vmalloc region for a pointer of
 * vmalloc() or vmap() (whether it is still mapped or not); 0 for any other pointer.
 */
KMEM_DECL(kva_t, ptr_to_kva, (const void *ptr));

/** kva_to_ptr - the host pointer for a simulated address; NULL if nothing is there. */
KMEM_DECL(void *, kva_to_ptr, (kva_t kva));

/** page_zonenum - zone of @page; KMEM_ZONE_DMA for a frame that lies in none. */
KMEM_DECL(enum kmem_zone_type, page_zonenum, (const struct page * page));

/** zone_type_name - "DMA", "DMA32", "Normal", "HighMem", "Movable". Needs no machine. */
KMEM_DECL(const char *, zone_type_name, (enum kmem_zone_type zone));

/** page_to_nid - node of @page; NUMA_NO_NODE for a frame that lies in no zone. */
KMEM_DECL(int, page_to_nid, (const struct page * page));

/** compound_head - head of a compound page; @page itself if it is none or the head. No machine. */
KMEM_DECL(struct page *, compound_head, (const struct page * page));

/** compound_order - order of a compound head; 0 for any other page. Needs no machine. */
KMEM_DECL(unsigned int, compound_order, (const struct page * page));

/** PageHead - whether @page is the head of a compound page. Needs no machine. */
KMEM_DECL(bool, PageHead, (const struct page * page));

/** PageTail - whether @page is another page of a compound page. Needs no machine. */
KMEM_DECL(bool, PageTail, (const struct page * page));

/** PageCompound - whether @page belongs to a compound page. Needs no machine. */
KMEM_DECL(bool, PageCompound, (const struct page * page));

/** PageSlab - whether @page belongs to a slab. Needs no machine. */
KMEM_DECL(bool, PageSlab, (const struct page * page));

/** PageBuddy - whether @page is the first of a block on the free lists. Needs no machine. */
KMEM_DECL(bool, PageBuddy, (const struct page * page));

/** PageReserved - whether @page was taken before there was a page allocator (memblock). */
KMEM_DECL(bool, PageReserved, (const struct page * page));

/** page_private - what set_page_private() left since @page was handed out, or 0. No machine. */
KMEM_DECL(unsigned long, page_private, (const struct page * page));

/**
 * set_page_private - a word of the holder's own
 * @page: first page of a block in use; any other page is reported and left alone
 * @word: any value; gone when the block is freed
 */
KMEM_DECL(void, set_page_private, (struct page * page, unsigned long word));

/**
 * get_pageblock_migratetype - type of the pageblock in which @page lies
 * Return: 0 unmovable, 1 movable, 2 reclaimable, 3 highatomic, 4 CMA, 5 isolate.
 */
KMEM_DECL(int, get_pageblock_migratetype, (const struct page * page));

/** page_count - references held on @page (on its head); 0: free; 1 for a page of a slab. */
KMEM_DECL(int, page_count, (const struct page * page));

/** get_page - take a reference on @page (on its head if it is a tail); reported if that is free, or no
 * page of this machine. */
KMEM_DECL(void, get_page, (struct page * page));

/**
 * put_page - drop a reference; the last one frees the page, a compound page as a whole
 *
 * A page that is not in use, or none of this machine, is reported and left as it is.
 */
KMEM_DECL(void, put_page, (struct page * page));

/**
 * get_page_unless_zero - get_page(), for a page that may be free
 * Return: whether a reference was taken; false for a page that nobody holds, or a slab's, or (reported)
 * what is no page of this machine.
 */
KMEM_DECL(bool, get_page_unless_zero, (struct page * page));

/** page_ref_count - references held on @page itself: page_count(), but 0 for a tail. */
KMEM_DECL(int, page_ref_count, (const struct page * page));

/**
 * page_ref_add - take several references at once
 * @page: first page of a block in use; any other page is reported and left as it is
 * @nr:   how many
 */
KMEM_DECL(void, page_ref_add, (struct page * page, int nr));

/** page_ref_inc - page_ref_add(@page, 1). */
KMEM_DECL(void, page_ref_inc, (struct page * page));

/**
 * page_ref_sub - drop several references, but not the last
 * @page: as page_ref_add()
 * @nr:   how many; as many as are held, or more, is reported ("refcount underflow") and none is dropped
 *
 * Linux lets the count become 0 here; what is left then is nobody's to free. Use put_page() or
 * __free_pages() for the last one.
 */
KMEM_DECL(void, page_ref_sub, (struct page * page, int nr));

/**
 * dump_page - all about a page into the log
 * @page:   any pointer
 * @reason: for the line "page dumped because:"
 */
KMEM_DECL(void, dump_page, (const struct page * page, const char *reason));

/**
 * split_page - turn a block into single pages, each of them freed by __free_page()
 * @page:  first page of a block that is not compound
 * @order: the order it was allocated with
 *
 * A compound page, a wrong order and a page not in use are reported and left as they are.
 */
KMEM_DECL(void, split_page, (struct page * page, unsigned int order));

/** totalram_pages - pages the page allocator manages, on all nodes. */
KMEM_DECL(unsigned long, totalram_pages, (void));

/** nr_free_pages - pages on the free lists of all zones; those on per-CPU lists are not counted. */
KMEM_DECL(unsigned long, nr_free_pages, (void));

KMEM_END_DECLS

#endif
