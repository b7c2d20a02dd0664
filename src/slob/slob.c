/* SPDX-License-Identifier: MIT */
/*
 * SLOB: a simple list of blocks.
 *
 * The smallest of Linux's object allocators, for machines with a few megabytes: a first-fit heap
 * in pages (Knuth, The Art of Computer Programming, vol. 1, 2.5), behind the same API as SLAB and
 * SLUB. A cache is no more than a size, an alignment and a constructor: objects of all caches and
 * of kmalloc() lie side by side in the same pages.
 *
 * Where a request goes
 *
 *   cache object     size below a page           a block of that size
 *                    a page or more              whole pages (large_alloc() in common)
 *   kmalloc(n)       n + 8 below a page          a block of n + 8 bytes: an 8-byte header that
 *                                                holds n, then the object, aligned to 8, or to n
 *                                                if that is a power of two
 *                    more                        whole pages
 *
 *   An object of a cache needs no header, for kmem_cache_free() knows its size.
 *
 * Pages. Units of 2 bytes; how free blocks chain up within a page is slob_page.c's. Pages with
 * free units stand on one of three lists, by the size of what they serve: below 256 bytes, below
 * 1024, the rest. So small objects do not nibble at the pages where large ones must fit. States of
 * a page:
 *
 *	          slob_alloc_slow()                  last unit taken
 *	(none) ------------------->  on a list  ------------------------->  full, on no list
 *	                                 |   ^                                    |
 *	   to the page allocator  <------+   +------------------------------------+
 *	          wholly free again            a free: joins the list that the *freed* size chooses
 *
 *   A page on a list stays on that list, whatever is allocated or freed in it. A page is given
 *   back the moment its last object is freed: there is no reserve, so kmem_cache_shrink() has
 *   nothing to do. Objects of SLAB_TYPESAFE_BY_RCU caches are freed in this sense after a grace
 *   period (slob_rcu.c).
 *
 * Next-fit. A search runs through the list from its head, skips pages of the wrong node and those
 * with fewer free units than wanted, and takes the first free block that fits in the first page
 * that has one. Then the list is rotated so that this page is its head: the next search begins
 * where this one ended, not in the worn-out pages at the front. Nothing found: a new page becomes
 * the head.
 *
 * Invariants (under the lock)
 *   - slob_page.units is the sum of the free blocks' lengths; the page is on a list if and only if
 *     units is not 0 and it is not damaged;
 *   - units is never SLOB_PAGE_UNITS while the lock is free.
 *
 * Lock. One for the machine (LOCK_RANK_SLOB), as in Linux: it guards the lists, the overlays and
 * the bookkeeping words in free blocks. It is dropped for the page allocator, for constructors,
 * for event hooks and for reports; since a new page is filled and listed in one go afterwards,
 * there is nothing to revalidate. A thread that is alone in its machine does the usual cases in a
 * section of its CPU instead (slob_alone.h).
 *
 * Misuse. A free that overlaps a free block is refused. A free block whose words make no sense
 * takes its page out of use for good ("damaged"): its objects live on and may be freed, but
 * nothing is allocated there any more.
 *
 * Behaviour: Linux 6.1, as real SLOB kernels showed it. docs/slob.md has the pictures.
 */
#include "slob/slob_lists.h"

#include "buddy/buddy.h"
#include "common/registry.h"
#include "lib/report.h"

/* Nothing is to be allocated in @sp again; its memory comes back at shutdown. */
static void slob_retire_locked(struct slob_page *sp)
{
	if (sp->units)
		list_del(&sp->list);
	sp->units = 0;
	sp->first = SLOB_END;
	sp->damaged = true;
}

static noinline void slob_report_damage(struct kernel *k, struct slob_page *sp)
{
	slab_bug(k, "slob", NULL, slob_page_base(k, sp),
		 "free blocks of this page were overwritten; the page is not used any more");
}

/* A block from a page that is on @list already. */
static void *slob_alloc_listed(struct kernel *k, struct list_head *list,
			       const struct slob_request *rq)
{
	struct arch_cpu *cpu = arch_cpu_current();
	struct slob_page *damaged;
	void *block;

	do {
		damaged = NULL;
		arch_spin_lock(&k->backend->lock);
		block = slob_take(cpu, list, rq, &damaged);
		if (unlikely(damaged))
			slob_retire_locked(damaged);
		arch_spin_unlock(&k->backend->lock);
		if (unlikely(damaged))
			slob_report_damage(k, damaged);
	} while (damaged);
	return block;
}

/* A block from a fresh page, which becomes the head of @list unless the block fills it. */
static noinline void *slob_alloc_slow(struct kernel *k, struct list_head *list,
				      const struct slob_request *rq, gfp_t gfp)
{
	enum slob_result result;
	unsigned int start = 0;
	struct slob_page *sp;
	struct page *page;
	void *base;

	page = buddy_alloc_slab(k, slab_fix_gfp(k, gfp & ~__GFP_ZERO), 0, rq->node);
	if (!page)
		return NULL;
	slab_account(k, NULL, page, 0, true);
	sp = slob_page(page);
	base = slob_page_base(k, sp);

	arch_spin_lock(&k->backend->lock);
	arch_poison(base, PAGE_SIZE);
	slob_page_init(sp, base);
	/* An empty page serves every request: it starts at a multiple of PAGE_SIZE, the largest
	 * alignment, and a kmalloc() whose header would push it over the end takes whole pages. */
	result = slob_page_alloc(sp, base, rq->units, rq->align, rq->offset, &start);
	kassert(result == SLOB_OK);
	if (sp->units)
		list_add(&sp->list, list);
	arch_spin_unlock(&k->backend->lock);
	return (char *)base + start * SLOB_UNIT;
}

void *slob_alloc(struct kernel *k, size_t size, gfp_t gfp, unsigned int align, unsigned int offset,
		 int node, bool searched)
{
	const struct slob_request rq = slob_request(size, align, offset, node);
	struct list_head *list = slob_list_for(k->backend, size);
	char *block = NULL;

	if (!searched)
		block = slob_alloc_listed(k, list, &rq);
	if (unlikely(!block))
		block = slob_alloc_slow(k, list, &rq, gfp);
	if (likely(block))
		arch_object_alloc(k->arch, block + offset, rq.units * SLOB_UNIT - offset, false);
	return block;
}

/* Free a block and move its page where it belongs. *@empty: the page, taken off its list, is the
 * caller's to give back. */
static enum slob_result slob_free_locked(struct kernel *k, struct slob_page *sp, void *base,
					 unsigned int start, size_t size, bool *empty)
{
	bool listed = sp->units != 0;
	enum slob_result result;

	if (unlikely(sp->damaged))
		return SLOB_OK;
	result = slob_page_free(sp, base, start, (unsigned int)SLOB_UNITS(size),
				k->params.init_on_free);
	if (unlikely(result == SLOB_DAMAGED))
		slob_retire_locked(sp);
	if (unlikely(result != SLOB_OK))
		return result;

	*empty = sp->units == SLOB_PAGE_UNITS;
	if (*empty && listed)
		list_del(&sp->list);
	else if (!*empty && !listed)
		list_add(&sp->list, slob_list_for(k->backend, size));
	return SLOB_OK;
}

bool slob_free(struct kernel *k, struct page *page, void *object, size_t size, unsigned int offset)
{
	struct slob_page *sp = slob_page(page);
	char *base = slob_page_base(k, sp);
	unsigned int start = (unsigned int)((char *)object - base - offset) / SLOB_UNIT;
	enum slob_result result;
	bool empty = false;

	arch_spin_lock(&k->backend->lock);
	result = slob_free_locked(k, sp, base, start, size + offset, &empty);
	if (likely(result == SLOB_OK))
		arch_object_free(k->arch, object, SLOB_UNITS(size) * (size_t)SLOB_UNIT);
	arch_spin_unlock(&k->backend->lock);

	if (unlikely(result == SLOB_DAMAGED))
		slob_report_damage(k, sp);
	if (empty) {
		slab_account(k, NULL, page, 0, false);
		buddy_free_slab(k, page, 0);
	}
	return result != SLOB_OVERLAP;
}

/* --- validation ------------------------------------------------------------------------------ */

/* Pages of @list; damaged ones leave it for @bad. */
static long slob_validate_list_locked(struct kernel *k, struct list_head *list, struct list_head *bad)
{
	struct slob_page *sp, *next;
	long count = 0;

	list_for_each_entry_safe(sp, next, list, list) {
		count++;
		if (slob_page_sound(sp, slob_page_base(k, sp)))
			continue;
		slob_retire_locked(sp);
		list_add_tail(&sp->list, bad);
	}
	return count;
}

/* The pages of a cache are those of all: every page with free blocks is looked at. There is nothing to
 * look at in others. */
long slob_validate(struct kmem_cache *s)
{
	struct kernel *k = s->kernel;
	struct slob_page *sp, *next;
	struct list_head bad;
	unsigned int i;
	long count = 0;

	list_init(&bad);
	arch_spin_lock(&k->backend->lock);
	for (i = 0; i < NR_SLOB_LISTS; i++)
		count += slob_validate_list_locked(k, &k->backend->lists[i], &bad);
	arch_spin_unlock(&k->backend->lock);
	/* Nobody else looks at a retired page's place on a list. */
	list_for_each_entry_safe(sp, next, &bad, list)
		slob_report_damage(k, sp);
	return count;
}
