/* SPDX-License-Identifier: MIT */
/*
 * SLOB's structures and what its files owe each other; slob.c tells the whole story.
 *
 *   unit       2 bytes: what SLOB counts in
 *   block      a run of units, free or handed out; a free one carries its own length and the place
 *              of the next free one, so that bookkeeping costs no memory
 *   page       one page of blocks; its struct page holds the number of free units and the first one
 *   list       pages with free units, one list for each kind of request: small, medium, large
 */
#ifndef KMEM_SLOB_SLOB_H
#define KMEM_SLOB_SLOB_H

#include "buddy/page.h"
#include "common/kmem_cache.h"
#include "common/rcu.h"

#define SLOB_UNIT 2u
#define SLOB_UNITS(bytes) (((bytes) + SLOB_UNIT - 1) / SLOB_UNIT)
#define SLOB_PAGE_UNITS ((unsigned int)(PAGE_SIZE / SLOB_UNIT))

/* Instead of a unit's number: none; after the last free block. */
#define SLOB_END SLOB_PAGE_UNITS

/* A block of kmalloc() starts with its size, in as many bytes as kmalloc() aligns to. */
#define SLOB_KMALLOC_HEADER ((unsigned int)ARCH_KMALLOC_MINALIGN)

/* kmalloc() of this many bytes and more takes whole pages. */
#define SLOB_KMALLOC_PAGES (PAGE_SIZE - SLOB_KMALLOC_HEADER)

enum slob_list {
	SLOB_LIST_SMALL,	/* requests below 256 bytes */
	SLOB_LIST_MEDIUM,	/* below 1024 */
	SLOB_LIST_LARGE,	/* up to a page */
	NR_SLOB_LISTS
};

/* The backend's state of one machine. */
struct backend_state {
	struct arch_spinlock lock;	/* lists, every slob_page, the words in free blocks */
	struct list_head lists[NR_SLOB_LISTS];
	gfp_t init_gfp;			/* __GFP_ZERO: every kmalloc() asks for it; else 0 */
	struct slob_debug *debug;	/* NULL: the machine was booted without slob_debug */
	bool plain;			/* kmalloc()'s blocks are neither written down nor wiped */
};

/* Overlay of struct page. Guarded by backend_state.lock once the page is on a list. */
struct slob_page {
	struct list_head list;		/* linked while `units` is not 0 */
	uint16_t units;			/* free ones */
	uint16_t first;			/* unit at which the first free block starts, or SLOB_END */
	bool damaged;			/* its free blocks made no sense: never used again */
};
_Static_assert(sizeof(struct slob_page) <= PAGE_OVERLAY_END - PAGE_OVERLAY_START, "slob_page");

/* What an object of a SLAB_TYPESAFE_BY_RCU cache is longer by, at its end: its place in the queue
 * of objects that wait for the end of a grace period. It may lie at any even address. */
struct slob_rcu {
	struct rcu_head head;
	uint32_t size;			/* of the whole object */
	uint32_t mark;			/* SLOB_RCU_MARK while it waits */
};
_Static_assert(sizeof(struct slob_rcu) == 2 * sizeof(void *) + 8, "24 bytes of the golden sizes");

static inline struct slob_page *slob_page(struct page *page)
{
	return (struct slob_page *)(void *)page->overlay;
}

static inline struct page *slob_page_frame(struct slob_page *sp)
{
	return container_of(sp, struct page, overlay);
}

/* Whether @object is where an object of @s may begin and end in a page. */
static __always_inline bool slob_may_start(const struct kmem_cache *s, const void *object)
{
	size_t offset = (uintptr_t)object & (PAGE_SIZE - 1);

	return !(offset & (s->align - 1)) && offset + s->size <= PAGE_SIZE;
}

/* The page's first byte. */
static inline void *slob_page_base(struct kernel *k, struct slob_page *sp)
{
	return k->arch->ram + (memmap_pfn(k->arch->memmap, slob_page_frame(sp)) << PAGE_SHIFT);
}

/* --- slob.c: the lists ----------------------------------------------------------------------- */

/* @size bytes, 1 … PAGE_SIZE, from a page of @node (NUMA_NO_NODE: any), aligned as by
 * slob_page_alloc(), a new one if @searched says that the others have no room; NULL when there is no
 * page. */
void *slob_alloc(struct kernel *k, size_t size, gfp_t gfp, unsigned int align, unsigned int offset,
		 int node, bool searched);

/* Give an object of @size bytes and @offset bytes in front of it, all of them in @page, back; false
 * if some of them are free already: then nothing changed. */
bool slob_free(struct kernel *k, struct page *page, void *object, size_t size, unsigned int offset);

/* kmem_cache_validate(). */
long slob_validate(struct kmem_cache *s);

/* --- slob_debug.c: live objects, written down ------------------------------------------------- */

#define SLOB_DEBUG_FLAGS (SLAB_CONSISTENCY_CHECKS | SLAB_STORE_USER)

struct seq_file;
struct slob_live;

/* Boot. 0 or -ENOMEM. All others are for machines with the word alone. */
int slob_debug_init(struct kernel *k);

/* Whether objects of @s (NULL: of kmalloc()) are written down. */
bool slob_debug_keeps(struct kernel *k, const struct kmem_cache *s);

/* An entry for an object to come, NULL: no memory; the object has come, or has not. */
struct slob_live *slob_live_new(struct kernel *k);
void slob_live_add(struct kernel *k, struct slob_live *live, struct kmem_cache *s,
		   const void *object, size_t size, unsigned long caller);
void slob_live_free(struct kernel *k, struct slob_live *live);

/* @object is given to @s (NULL: to kfree()). false: it may not be, which was reported in the name of
 * @what; else there is no entry of it any more. */
bool slob_debug_free(struct kernel *k, struct kmem_cache *s, const char *what, const void *object);

/* backend_report_live(). */
void slob_debug_report_live(struct kmem_cache *s, unsigned int max, struct seq_file *m);

/* --- slob_rcu.c: objects of SLAB_TYPESAFE_BY_RCU caches -------------------------------------- */

/* A new object waits for nothing. */
void slob_rcu_init(const struct kmem_cache *s, void *object);

/* Give an object back after a grace period; false if it waits for that already. */
bool slob_rcu_free(struct kernel *k, const struct kmem_cache *s, void *object);

/* lib/fork.h */
struct fork_walk;
bool slob_debug_fork(struct kernel *k, struct fork_walk *w);

#endif
