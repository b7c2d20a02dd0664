/* SPDX-License-Identifier: MIT */
/*
 * struct page: 64 bytes about one frame of RAM.
 *
 * States of a page, told by `type` and PG_* bits:
 *
 *   untouched   all zero: either reserved, or part of an untouched range of a free list (buddy.h)
 *   buddy       PAGE_TYPE_BUDDY: first page of a free block of 2^order pages; `list` links it
 *   pcp         PAGE_TYPE_PCP: free, on a per-CPU list; order and list as above
 *   allocated   PAGE_TYPE_USED: first page of a block handed out; refcount >= 1
 *   slab        PAGE_TYPE_SLAB: as allocated, compound, and the backend's overlay is valid
 *   tail        PAGE_TYPE_TAIL: of a compound page; `head` is its first page
 *   inner       PAGE_TYPE_NONE with PG_INIT: any other page of a free or allocated block
 *
 * A page whose PG_INIT bit is clear was never handed out; zone and node of such a page follow from
 * its frame number (buddy.h), not from `flags`.
 *
 * A backend overlays its own structure over the bytes from PAGE_OVERLAY_START to PAGE_OVERLAY_END
 * of a slab's first page, and may use the same bytes of the other pages of a slab only if it
 * leaves `head` alone.
 */
#ifndef KMEM_BUDDY_PAGE_H
#define KMEM_BUDDY_PAGE_H

#include "arch.h"
#include "lib/kernel.h"
#include "lib/list.h"

enum page_type {
	PAGE_TYPE_NONE,
	PAGE_TYPE_BUDDY,
	PAGE_TYPE_PCP,
	PAGE_TYPE_USED,
	PAGE_TYPE_SLAB,
	PAGE_TYPE_TAIL,
	PAGE_TYPE_RANGE,	/* first page of an untouched range on a free list */
};

#define PG_INIT (1u << 0)	/* flags hold zone and node */
#define PG_HEAD (1u << 1)	/* first page of a compound page of order `order` */
#define PG_PRIVATE (1u << 2)	/* `private` is the holder's (set_page_private) */
#define PG_SLOB_FREE (1u << 3)	/* SLOB: on one of the three lists */
#define PG_LARGE (1u << 4)	/* kmalloc block of whole pages */
#define PG_PFMEMALLOC (1u << 5)
#define PG_STATE_MASK 0xffu	/* the PG_* bits; above them zone and node, one number: */
#define PG_ZONE_SHIFT 8		/* 3 bits */
#define PG_NODE_SHIFT 11	/* 21 bits */

/*
 * `type` and `order` are also one word, `tag`, so that "is this a free block of order n" is one
 * comparison. Both are read by others than the page's owner (a neighbour that wants to merge, a
 * check of a pointer that may be wrong) and therefore by single loads and stores.
 */
struct page {
	uint32_t flags;		/* PG_*; zone and node above */
	union {
		struct {
			uint8_t type;	/* enum page_type */
			uint8_t order;	/* of a compound head, a buddy, a pcp or a used block */
		};
		uint16_t tag;
	};
	uint8_t mtype;		/* pcp: migrate type of the list it goes back to; slab: 1 if it is
				   reclaimable */
	uint8_t isolated_type;	/* first page of an ISOLATE pageblock: the type it had (contig.c) */
	struct page *head;	/* of a compound page or slab, for each of its pages, the head
				   itself included; else NULL */
	union {
		struct {
			struct list_head list;
			unsigned long private;	/* RANGE: number of MAX_ORDER-1 blocks; USED with
						   PG_PRIVATE: its holder's word */
			int32_t refcount;	/* of a used block; a slab's is 1 and not stored */
		};
		arch_u64 overlay[6];	/* a backend's slab structure; 48 bytes on every host */
	};
};
_Static_assert(sizeof(struct page) <= 64, "struct page");

/* memmap entries are 64 bytes on every host, so that frame number and entry differ by a shift. */
#define PAGE_STRUCT_SHIFT 6
#define PAGE_OVERLAY_START offsetof(struct page, overlay)
#define PAGE_OVERLAY_END (PAGE_OVERLAY_START + sizeof(((struct page *)0)->overlay))

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define PAGE_TAG(type, order) ((uint16_t)((type) | (order) << 8))
#else
#define PAGE_TAG(type, order) ((uint16_t)((order) | (type) << 8))
#endif

static __always_inline uint16_t page_tag(const struct page *page)
{
	return __atomic_load_n(&page->tag, __ATOMIC_RELAXED);
}

static __always_inline enum page_type page_type(const struct page *page)
{
	return (enum page_type)__atomic_load_n(&page->type, __ATOMIC_RELAXED);
}

static __always_inline void page_set_tag(struct page *page, enum page_type type, unsigned int order)
{
	__atomic_store_n(&page->tag, PAGE_TAG(type, order), __ATOMIC_RELAXED);
}

/* The page @n frames further on (modulo 2^64, so back too): entries are PAGE_STRUCT_SHIFT apart,
 * not sizeof(struct page). */
static __always_inline struct page *page_step(struct page *page, uint64_t n)
{
	return (struct page *)((uintptr_t)page + (uintptr_t)(n << PAGE_STRUCT_SHIFT));
}

/* The page of frame @pfn, which must be below nr_frames. */
static __always_inline struct page *memmap_page(const char *memmap, uint64_t pfn)
{
	return (struct page *)(void *)(memmap + (pfn << PAGE_STRUCT_SHIFT));
}

static __always_inline uint64_t memmap_pfn(const char *memmap, const struct page *page)
{
	return (uint64_t)((const char *)page - memmap) >> PAGE_STRUCT_SHIFT;
}

static __always_inline void *memmap_address(struct arch_cpu *cpu, const struct page *page)
{
	return cpu->ram + (memmap_pfn(cpu->memmap, page) << PAGE_SHIFT);
}

/* The page behind a direct-map pointer of @cpu's machine; NULL for any other pointer. */
static __always_inline struct page *memmap_lookup(struct arch_cpu *cpu, const void *addr)
{
	uint64_t off = (uint64_t)((const char *)addr - cpu->ram);
	struct page *page;

	if (unlikely(off >= cpu->ram_size))
		return NULL;
	page = memmap_page(cpu->memmap, off >> PAGE_SHIFT);
	/* Spares callers their test for NULL once more. */
	if (!page)
		__builtin_unreachable();
	return page;
}

/* Head of the compound page or slab in which @addr lies; NULL if it lies in none. */
static __always_inline struct page *memmap_lookup_head(struct arch_cpu *cpu, const void *addr)
{
	struct page *page = memmap_lookup(cpu, addr);

	return likely(page) ? page->head : NULL;
}

/* The bytes of a block that becomes free, or is handed out (watchers, arch.h). */
static __always_inline void page_poison(const struct arch_machine *am, const struct page *page,
					unsigned int order)
{
	if (arch_watched())
		arch_poison(am->ram + (memmap_pfn(am->memmap, page) << PAGE_SHIFT),
			    PAGE_SIZE << order);
}

static __always_inline void page_unpoison(const struct arch_machine *am, const struct page *page,
					  unsigned int order)
{
	if (arch_watched())
		arch_unpoison(am->ram + (memmap_pfn(am->memmap, page) << PAGE_SHIFT),
			      PAGE_SIZE << order);
}

/* Order of the smallest block of pages that holds @size bytes, which may be larger than any there is. */
static inline unsigned int size_order(size_t size)
{
	if (size <= PAGE_SIZE)
		return 0;
	return (unsigned int)(8 * sizeof(long)) - (unsigned int)__builtin_clzl((size - 1) >> PAGE_SHIFT);
}

static inline unsigned int page_flags_zone(uint32_t flags)
{
	return (flags >> PG_ZONE_SHIFT) & 7;
}

static inline unsigned int page_flags_node(uint32_t flags)
{
	return flags >> PG_NODE_SHIFT;
}

/* Node and zone as one index: node * 8 + zone. */
static __always_inline uint32_t page_flags_index(uint32_t flags)
{
	return flags >> PG_ZONE_SHIFT;
}

#endif
