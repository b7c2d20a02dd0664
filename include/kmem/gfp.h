/* SPDX-License-Identifier: MIT */
/*
 * Page allocation: flags and functions. Values and meaning of the flags are those
 * of Linux 6.1 (include/linux/gfp_types.h is their documentation in Linux).
 *
 * Unless a function says otherwise: any thread may call it in any context (context.h); it works on
 * the machine that the thread has entered (machine.h), and fails without one; with a flag that
 * contains __GFP_DIRECT_RECLAIM it may sleep, else it never does. Sizes are bytes, addresses host
 * pointers. Behaviour is that of Linux 6.1, Documentation/core-api/memory-allocation.rst and
 * mm-api.rst; misuse is reported (machine.h) and, when the report handler goes on, refused.
 *
 * A request that no zone can serve above its watermark, and that may wait, reclaims (shrinker.h): one
 * round, up to sixteen with __GFP_RETRY_MAYFAIL, then it fails. __GFP_IO and __GFP_FS are what
 * shrinkers are told; __GFP_WRITE, __GFP_HARDWALL and __GFP_COLD are accepted and decide nothing.
 */
#ifndef KMEM_GFP_H
#define KMEM_GFP_H

#include <kmem/types.h>

KMEM_BEGIN_DECLS

/* Zone modifiers: which zone is the highest that may serve the request. */
#define __GFP_DMA ((gfp_t)0x01u)	/* below 16 MiB */
#define __GFP_HIGHMEM ((gfp_t)0x02u)	/* HIGHMEM too (x86_32) */
#define __GFP_DMA32 ((gfp_t)0x04u)	/* below 4 GiB */
#define __GFP_MOVABLE ((gfp_t)0x08u)	/* ZONE_MOVABLE with __GFP_HIGHMEM; also a mobility hint */

/* Mobility: in which kind of pageblock the page should lie. */
#define __GFP_RECLAIMABLE ((gfp_t)0x10u)

/* What the request may do. */
#define __GFP_HIGH ((gfp_t)0x20u)		/* high priority: may dip into reserves */
#define __GFP_IO ((gfp_t)0x40u)			/* may start physical I/O */
#define __GFP_FS ((gfp_t)0x80u)			/* may call into the file system */
#define __GFP_ZERO ((gfp_t)0x100u)		/* return zeroed memory */
#define __GFP_ATOMIC ((gfp_t)0x200u)		/* cannot wait and has a high priority */
#define __GFP_DIRECT_RECLAIM ((gfp_t)0x400u)	/* may reclaim in the caller's context (may sleep) */
#define __GFP_KSWAPD_RECLAIM ((gfp_t)0x800u)	/* may wake kswapd */
#define __GFP_WRITE ((gfp_t)0x1000u)		/* the page will be dirtied */
#define __GFP_NOWARN ((gfp_t)0x2000u)		/* no failure report */
#define __GFP_RETRY_MAYFAIL ((gfp_t)0x4000u)	/* try hard, may fail (once called __GFP_REPEAT) */
#define __GFP_NOFAIL ((gfp_t)0x8000u)		/* never fails: notifiers (oom.h), reserves, a panic */
#define __GFP_NORETRY ((gfp_t)0x10000u)		/* light reclaim only, may fail */
#define __GFP_MEMALLOC ((gfp_t)0x20000u)	/* all reserves are open */
#define __GFP_COMP ((gfp_t)0x40000u)		/* make a compound page */
#define __GFP_NOMEMALLOC ((gfp_t)0x80000u)	/* no emergency reserves, whatever else is said */
#define __GFP_HARDWALL ((gfp_t)0x100000u)	/* cpuset hint; accepted */
#define __GFP_THISNODE ((gfp_t)0x200000u)	/* this node only */
#define __GFP_ACCOUNT ((gfp_t)0x400000u)	/* account to the caller's group: kmalloc-cg-* */
#define __GFP_COLD ((gfp_t)0u)			/* accepted; without effect since Linux 4.15 */

#define __GFP_RECLAIM (__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM)

#define GFP_ATOMIC (__GFP_HIGH | __GFP_ATOMIC | __GFP_KSWAPD_RECLAIM)
#define GFP_KERNEL (__GFP_RECLAIM | __GFP_IO | __GFP_FS)
#define GFP_KERNEL_ACCOUNT (GFP_KERNEL | __GFP_ACCOUNT)
#define GFP_NOWAIT (__GFP_KSWAPD_RECLAIM)
#define GFP_NOIO (__GFP_RECLAIM)
#define GFP_NOFS (__GFP_RECLAIM | __GFP_IO)
#define GFP_USER (__GFP_RECLAIM | __GFP_IO | __GFP_FS | __GFP_HARDWALL)
#define GFP_DMA __GFP_DMA
#define GFP_DMA32 __GFP_DMA32
#define GFP_HIGHUSER (GFP_USER | __GFP_HIGHMEM)
#define GFP_HIGHUSER_MOVABLE (GFP_HIGHUSER | __GFP_MOVABLE)
#define GFP_TRANSHUGE_LIGHT \
	((GFP_HIGHUSER_MOVABLE | __GFP_COMP | __GFP_NOMEMALLOC | __GFP_NOWARN) & ~__GFP_RECLAIM)
#define GFP_TRANSHUGE (GFP_TRANSHUGE_LIGHT | __GFP_DIRECT_RECLAIM)

/**
 * alloc_pages - allocate 2^@order physically contiguous pages
 * @gfp:   GFP_* flags
 * @order: 0 … MAX_ORDER - 1
 *
 * The first frame number is a multiple of 2^@order. The caller's node is tried first, then the
 * other nodes by distance. With __GFP_COMP the block is a compound page (mm.h); without, it is
 * 2^@order pages that happen to lie side by side.
 *
 * Return: the first page, or NULL when nothing is free above the watermark that applies
 * (a failure report is logged unless __GFP_NOWARN), when @order is too large (a warning unless
 * __GFP_NOWARN), or when flags exclude each other (a warning). Free with __free_pages() and the
 * same order.
 * Context: may sleep if @gfp allows it.
 */
KMEM_DECL(struct page *, alloc_pages, (gfp_t gfp, unsigned int order)) KMEM_MUST_CHECK;

/** alloc_page - one page; alloc_pages(@gfp, 0). Free with __free_page(). */
KMEM_DECL(struct page *, alloc_page, (gfp_t gfp)) KMEM_MUST_CHECK;

/**
 * alloc_pages_node - alloc_pages() with a preferred node
 * @nid:   node to try first; NUMA_NO_NODE is the caller's own. With __GFP_THISNODE the only one.
 * @gfp:   as alloc_pages()
 * @order: as alloc_pages()
 *
 * Return: as alloc_pages(); NULL and a warning for a node that does not exist.
 */
KMEM_DECL(struct page *, alloc_pages_node, (int nid, gfp_t gfp, unsigned int order)) KMEM_MUST_CHECK;

/**
 * alloc_pages_bulk_array - fill an array with single pages
 * @gfp:   as alloc_pages()
 * @nr:    length of @pages
 * @pages: entries that are not NULL are left alone, the others are set in order
 *
 * Return: how many leading entries of @pages are set. May be less than @nr, also while there is
 * memory: call again, or alloc_page(), for the rest. Each page is freed by __free_page().
 */
KMEM_DECL(unsigned long, alloc_pages_bulk_array,
	  (gfp_t gfp, unsigned long nr, struct page **pages));

/**
 * alloc_pages_bulk_array_node - alloc_pages_bulk_array() with a preferred node
 * @gfp:   as alloc_pages()
 * @nid:   as alloc_pages_node()
 * @nr:    as alloc_pages_bulk_array()
 * @pages: as alloc_pages_bulk_array()
 *
 * Return: as alloc_pages_bulk_array(); 0 and a warning for a node that does not exist.
 */
KMEM_DECL(unsigned long, alloc_pages_bulk_array_node,
	  (gfp_t gfp, int nid, unsigned long nr, struct page **pages));

/**
 * __get_free_pages - alloc_pages(), as the pointer to the first byte
 * @gfp:   as alloc_pages(), without __GFP_HIGHMEM
 * @order: as alloc_pages()
 *
 * __GFP_HIGHMEM is an error (a warning and 0), for a HIGHMEM page has no address.
 * Return: host address of the block, or 0. Free with free_pages().
 */
KMEM_DECL(unsigned long, __get_free_pages, (gfp_t gfp, unsigned int order)) KMEM_MUST_CHECK;

/** __get_free_page - one page by address; __get_free_pages(@gfp, 0). Free with free_page(). */
KMEM_DECL(unsigned long, __get_free_page, (gfp_t gfp)) KMEM_MUST_CHECK;

/** get_zeroed_page - one zeroed page by address. Return: it, or 0. Free with free_page(). */
KMEM_DECL(unsigned long, get_zeroed_page, (gfp_t gfp)) KMEM_MUST_CHECK;

/**
 * alloc_pages_exact - contiguous pages for @size bytes, without rounding up to an order
 * @size: bytes; 0 gives NULL
 * @gfp:  as alloc_pages(); __GFP_COMP and __GFP_HIGHMEM are warned about and left out
 *
 * Takes the smallest order that fits and gives the unused tail pages back at once.
 * Return: host address, or NULL. Free with free_pages_exact() and the same size.
 */
KMEM_DECL(void *, alloc_pages_exact, (size_t size, gfp_t gfp)) KMEM_MUST_CHECK;

/**
 * alloc_pages_exact_nid - alloc_pages_exact() with a preferred node
 * @nid:  as alloc_pages_node()
 * @size: as alloc_pages_exact()
 * @gfp:  as alloc_pages_exact()
 *
 * Return: as alloc_pages_exact(); NULL and a warning for a node that does not exist.
 */
KMEM_DECL(void *, alloc_pages_exact_nid, (int nid, size_t size, gfp_t gfp)) KMEM_MUST_CHECK;

/**
 * free_pages_exact - free what alloc_pages_exact() returned
 * @addr: its result, not NULL
 * @size: the same size, bytes
 *
 * Each page is checked as by free_pages(). Never sleeps.
 */
KMEM_DECL(void, free_pages_exact, (void *addr, size_t size));

/**
 * __free_pages - give a block back
 * @page:  what alloc_pages() returned; NULL is a BUG report
 * @order: the order it was allocated with
 *
 * Drops one reference (mm.h); the last one frees the block. A page that is free already, a tail
 * page, a wrong order, a page of a slab, or a page that is not this machine's is reported ("BUG:
 * Bad page state") and left as it is.
 * Context: any; never sleeps.
 */
KMEM_DECL(void, __free_pages, (struct page * page, unsigned int order));

/** __free_page - __free_pages(@page, 0). Never sleeps. */
KMEM_DECL(void, __free_page, (struct page * page));

/**
 * free_pages - give a block back by its address
 * @addr:  what __get_free_pages() returned; 0 is ignored
 * @order: the order it was allocated with
 *
 * What is no page's address is reported; else as __free_pages(). Never sleeps.
 */
KMEM_DECL(void, free_pages, (unsigned long addr, unsigned int order));

/** free_page - free_pages(@addr, 0). Never sleeps. */
KMEM_DECL(void, free_page, (unsigned long addr));

/**
 * alloc_contig_range - take certain frames
 * @start:       first frame number
 * @end:         the one behind the last; both in one zone, at any alignment
 * @migratetype: what the pageblocks of the range are to be, as get_pageblock_migratetype(): 1
 *               (movable) or 4 (CMA) as in Linux, 0 or 2
 * @gfp:         __GFP_DIRECT_RECLAIM: the lists of all CPUs are drained, not only the caller's;
 *               __GFP_ZERO: zeroed memory; __GFP_COMP is an error; the rest decides nothing
 *
 * No watermark applies. Pages in use are not moved. The result are single pages, each with one
 * reference, for free_contig_range() or, one by one, __free_page().
 *
 * Return: 0; -EBUSY when a frame is in use, reserved or none of RAM, or when another call is at work in
 * the same pageblock: then nothing has changed; -EINVAL: no such range, more than one zone, flags or type
 * (with a warning); -ENODEV without a machine.
 * Context: may sleep if @gfp allows it.
 */
KMEM_DECL(int, alloc_contig_range,
	  (unsigned long start, unsigned long end, unsigned int migratetype, gfp_t gfp)) KMEM_MUST_CHECK;

/**
 * alloc_contig_pages - contiguous pages, more than the largest block if need be
 * @nr_pages: how many; the first frame number is a multiple of it
 * @gfp:      zone modifiers, __GFP_THISNODE; else as alloc_contig_range()
 * @nid:      node to try first; NUMA_NO_NODE is the caller's own
 * @nodes:    bit set of the nodes that may serve; NULL: all
 *
 * Return: the first page, or NULL: nothing that long is free, or @nr_pages is 0. Free as what
 * alloc_contig_range() took.
 * Context: may sleep if @gfp allows it.
 */
KMEM_DECL(struct page *, alloc_contig_pages,
	  (unsigned long nr_pages, gfp_t gfp, int nid, const unsigned long *nodes)) KMEM_MUST_CHECK;

/**
 * free_contig_range - give frames back, one reference each
 * @pfn:      first frame number
 * @nr_pages: how many
 *
 * Each page is checked as by __free_page(); those that others still hold are warned about. Frames
 * outside the machine are a BUG report, and nothing is freed. Never sleeps.
 */
KMEM_DECL(void, free_contig_range, (unsigned long pfn, unsigned long nr_pages));

/** drain_local_pages - give the calling CPU's page lists back to the free lists. Never sleeps. */
KMEM_DECL(void, drain_local_pages, (void));

/** drain_all_pages - those of every CPU that was ever used, one after the other. May sleep. */
KMEM_DECL(void, drain_all_pages, (void));

KMEM_END_DECLS

#endif
