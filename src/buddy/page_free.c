/* SPDX-License-Identifier: MIT */
/*
 * The way back of a block, and the references on it.
 *
 * A block in use is told by its first page: type USED, the order it was allocated with, a
 * reference count. Freeing asks for exactly that, so a page that is free already, lies inside a
 * block, belongs to a slab, is a tail, was never handed out or is no page at all is reported
 * (bad_page.c) and left as it is. Linux notices the order only on compound pages; here every
 * block knows it, and whoever takes a block apart (split_page, alloc_pages_exact) gives each page
 * its own.
 *
 * Freeing drops one reference; the last one gives the block back. If others hold a reference on
 * the first page of a plain block, the rest of the block is given back and that page stays until
 * they are done, as in Linux.
 *
 * The fast path is for blocks of the per-CPU orders with nothing unusual about them. Only the
 * owner of a block writes to its struct pages; two threads that free the same block at the same
 * moment are not told apart from one.
 */
#include "buddy/page_free.h"

#include "buddy/bad_page.h"
#include "buddy/page_alloc.h"
#include "buddy/page_owner.h"
#include "buddy/trace.h"
#include "lib/kfmt.h"
#include "lib/string.h"

/* No tail, no head, no marks: a block as it is on the free lists. */
static void block_strip(struct page *page, unsigned int order)
{
	if (order && page->flags & PG_HEAD) {
		for (unsigned long i = 1; i < 1ul << order; i++) {
			struct page *tail = page_step(page, i);

			tail->head = NULL;
			page_set_tag(tail, PAGE_TYPE_NONE, 0);
		}
	}
	page->head = NULL;
	page->flags = (page->flags & ~PG_STATE_MASK) | PG_INIT;
}

/* What else a free is, if the command line asks for it. */
static noinline void block_free_extras(struct buddy *b, struct page *page, unsigned int order)
{
	if (b->page_owner)
		page_owner_free(b, page);
	if (!b->init_on_free)
		return;
	page_unpoison(b->kernel->arch, page, order); /* a slab's objects are free already */
	page_clear_contents(page, order);
}

void block_free(struct buddy *b, struct page *page, unsigned int order)
{
	struct zone *zone = buddy_zone(b, page->flags);
	unsigned int migratetype = pageblock_type(b, page_pfn(b, page));

	trace_mm_page_free(b->kernel, page, order);
	if (unlikely(b->slow_free))
		block_free_extras(b, page, order);
	block_strip(page, order);
	page_poison(b->kernel->arch, page, order);
	if (pcp_allowed(b, order) && migratetype != MIGRATE_ISOLATE) {
		pcp_free(zone, page, order, migratetype);
		return;
	}
	arch_spin_lock(&zone->lock);
	zone->nr_frees[order]++;
	zone_free_block_locked(zone, page, order, migratetype);
	arch_spin_unlock(&zone->lock);
}

/* The first page of a plain block is still referenced: it stays alone, the halves above it go. */
static void free_all_but_first(struct buddy *b, struct page *page, unsigned int order)
{
	page_set_tag(page, PAGE_TYPE_USED, 0);
	while (order-- > 0) {
		struct page *half = page_step(page, 1ul << order);

		page_set_tag(half, PAGE_TYPE_USED, order);
		half->refcount = 0;
		if (unlikely(b->page_owner))
			page_owner_part(b, page, half, order);
		block_free(b, half, order);
	}
	if (unlikely(b->page_owner))
		page_owner_part(b, page, page, 0);
}

static noinline void block_put_shared(struct kernel *k, struct page *page, unsigned int order)
{
	int32_t refs = __atomic_sub_fetch(&page->refcount, 1, __ATOMIC_ACQ_REL);

	if (likely(!refs)) {
		block_free(k->buddy, page, order);
	} else if (refs < 0) {
		__atomic_fetch_add(&page->refcount, 1, __ATOMIC_RELAXED);
		bad_block(k, page, order, PAGE_TYPE_USED);
	} else if (order && !(page->flags & PG_HEAD)) {
		free_all_but_first(k->buddy, page, order);
	}
}

/* Drop one reference on a block in use; the last one frees it. Who holds the only one cannot be
 * disturbed and need not count it down. */
static void block_put(struct kernel *k, struct page *page, unsigned int order)
{
	if (likely(__atomic_load_n(&page->refcount, __ATOMIC_ACQUIRE) == 1))
		block_free(k->buddy, page, order);
	else
		block_put_shared(k, page, order);
}

bool block_in_use(const struct kernel *k, const struct page *page, unsigned int order,
		  enum page_type type)
{
	return order < MAX_ORDER && memmap_contains(k->arch, page) &&
	       page_tag(page) == PAGE_TAG(type, order);
}

static noinline void free_pages_slow(struct page *page, unsigned int order)
{
	struct kernel *k = arch_kernel();

	if (!k)
		return;
	if (block_in_use(k, page, order, PAGE_TYPE_USED))
		block_put(k, page, order);
	else
		bad_block(k, page, order, PAGE_TYPE_USED);
}

/* The fast way, in a section. What a caller may free is nobody else's, so it does not change
 * here. */
static __always_inline bool free_pages_section(struct arch_cpu *cpu, const struct buddy *b,
					       struct page *page, unsigned int order)
{
	uint64_t pfn = memmap_index(cpu->memmap, page);

	return likely(pfn < cpu->ram_size >> PAGE_SHIFT) &&
	       likely(page_tag(page) == PAGE_TAG(PAGE_TYPE_USED, order)) &&
	       likely(__atomic_load_n(&page->refcount, __ATOMIC_ACQUIRE) == 1) &&
	       pcp_free_section(cpu, b, pfn, page, order);
}

void __free_pages(struct page *page, unsigned int order)
{
	struct arch_cpu *cpu = arch_cpu_tryenter();
	bool freed = false;

	if (unlikely(!cpu)) {
		free_pages_slow(page, order);
		return;
	}
	/* Twice, so that the compiler makes the most of order 0. */
	if (likely(!order))
		freed = free_pages_section(cpu, cpu->kernel->buddy, page, 0);
	else if (likely(pcp_allowed(cpu->kernel->buddy, order)))
		freed = free_pages_section(cpu, cpu->kernel->buddy, page, order);
	arch_cpu_leave(cpu);
	if (unlikely(!freed))
		free_pages_slow(page, order);
}

void __free_page(struct page *page)
{
	__free_pages(page, 0);
}

/* --- by address ------------------------------------------------------------------------------- */

void free_pages(unsigned long addr, unsigned int order)
{
	struct page *page;
	struct kernel *k;

	if (!addr)
		return;
	k = arch_kernel();
	if (!k)
		return;
	page = virt_to_page((void *)addr);
	if (likely(page && !(addr & ~PAGE_MASK)))
		__free_pages(page, order);
	else
		report_bug(k, "free_pages: %#lx is not the address of a page", addr);
}

void free_page(unsigned long addr)
{
	free_pages(addr, 0);
}

unsigned long __get_free_pages(gfp_t gfp, unsigned int order)
{
	struct page *page;

	if (unlikely(gfp & __GFP_HIGHMEM)) {
		report_warn(arch_kernel(), "__get_free_pages: a HIGHMEM page has no address");
		return 0;
	}
	page = alloc_pages(gfp, order);
	return page ? (unsigned long)page_address(page) : 0;
}

unsigned long __get_free_page(gfp_t gfp)
{
	return __get_free_pages(gfp, 0);
}

unsigned long get_zeroed_page(gfp_t gfp)
{
	return __get_free_pages(gfp | __GFP_ZERO, 0);
}

/* --- in pieces -------------------------------------------------------------------------------- */

void split_page(struct page *page, unsigned int order)
{
	struct kernel *k = arch_kernel();

	if (!k)
		return;
	if (!block_in_use(k, page, order, PAGE_TYPE_USED)) {
		bad_block(k, page, order, PAGE_TYPE_USED);
		return;
	}
	if (page->flags & PG_HEAD) {
		bad_page(k, page, "split of a compound page");
		return;
	}
	page_set_tag(page, PAGE_TYPE_USED, 0);
	for (unsigned long i = 1; i < 1ul << order; i++) {
		struct page *p = page_step(page, i);

		p->refcount = 1;
		page_set_tag(p, PAGE_TYPE_USED, 0);
		if (unlikely(k->buddy->page_owner))
			page_owner_part(k->buddy, page, p, 0);
	}
	if (unlikely(k->buddy->page_owner))
		page_owner_part(k->buddy, page, page, 0);
}

static unsigned int order_of_size(size_t size)
{
	unsigned int order = size_order(size);

	return order < MAX_ORDER ? order : MAX_ORDER;
}

static size_t pages_of_size(size_t size)
{
	return size / PAGE_SIZE + (size % PAGE_SIZE != 0);
}

void *alloc_pages_exact_nid(int nid, size_t size, gfp_t gfp)
{
	unsigned int order = order_of_size(size);
	struct page *page;

	if (unlikely(gfp & (__GFP_COMP | __GFP_HIGHMEM))) {
		report_warn(arch_kernel(), "alloc_pages_exact: neither compound nor HIGHMEM pages");
		gfp &= ~(__GFP_COMP | __GFP_HIGHMEM);
	}
	if (!size)
		return NULL;
	page = alloc_pages_node(nid, gfp, order);
	if (!page)
		return NULL;
	split_page(page, order);
	for (size_t i = pages_of_size(size); i < (size_t)1 << order; i++)
		__free_pages(page_step(page, i), 0);
	return page_address(page);
}

void *alloc_pages_exact(size_t size, gfp_t gfp)
{
	return alloc_pages_exact_nid(NUMA_NO_NODE, size, gfp);
}

void free_pages_exact(void *addr, size_t size)
{
	for (size_t i = 0; i < pages_of_size(size); i++)
		free_pages((unsigned long)addr + i * PAGE_SIZE, 0);
}

/* --- references ------------------------------------------------------------------------------- */

int page_count(const struct page *page)
{
	const struct page *head = compound_head(page);

	if (page_type(head) == PAGE_TYPE_USED)
		return __atomic_load_n(&head->refcount, __ATOMIC_RELAXED);
	return page_type(head) == PAGE_TYPE_SLAB;
}

static noinline struct page *bad_reference(struct kernel *k, const struct page *page, const char *done)
{
	const char *what = memmap_contains(k->arch, page) ? "a page that is not in use"
							  : "what is not a page of this machine";
	char why[96];

	ksnprintf(why, sizeof(why), "reference %s %s", done, what);
	bad_page(k, page, why);
	return NULL;
}

/* The first page of the block in use to which @page belongs. NULL, reported: there is none. What is not
 * a page of this machine is not looked at. */
static struct page *referenced_head(struct kernel *k, struct page *page, const char *done)
{
	struct page *head;

	if (unlikely(!memmap_contains(k->arch, page)))
		return bad_reference(k, page, done);
	head = compound_head(page);
	return likely(page_type(head) == PAGE_TYPE_USED) ? head : bad_reference(k, page, done);
}

void get_page(struct page *page)
{
	struct kernel *k = arch_kernel();
	struct page *head = k ? referenced_head(k, page, "taken on") : NULL;

	if (likely(head))
		__atomic_fetch_add(&head->refcount, 1, __ATOMIC_RELAXED);
}

bool get_page_unless_zero(struct page *page)
{
	struct kernel *k = arch_kernel();
	struct page *head;
	int32_t refs;

	if (!k)
		return false;
	if (unlikely(!memmap_contains(k->arch, page)))
		return bad_reference(k, page, "taken on");
	head = compound_head(page);
	if (page_type(head) != PAGE_TYPE_USED)
		return false;
	refs = __atomic_load_n(&head->refcount, __ATOMIC_RELAXED);
	while (refs > 0)
		if (__atomic_compare_exchange_n(&head->refcount, &refs, refs + 1, true, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

int page_ref_count(const struct page *page)
{
	return compound_head(page) == page ? page_count(page) : 0;
}

/* By how much the references of one page are to change. False: it has none of its own. */
static bool page_ref_change(struct page *page, int64_t nr)
{
	struct kernel *k = arch_kernel();
	int32_t refs;

	if (!k)
		return false;
	if (!memmap_contains(k->arch, page) || page_type(page) != PAGE_TYPE_USED) {
		bad_page(k, page, "references changed on a page that is not the first of a block in use");
		return false;
	}
	refs = __atomic_load_n(&page->refcount, __ATOMIC_RELAXED);
	do {
		if (nr > INT32_MAX - refs || refs + nr <= 0) {
			bad_page(k, page, nr < 0 ? "refcount underflow" : "refcount overflow");
			return false;
		}
	} while (!__atomic_compare_exchange_n(&page->refcount, &refs, (int32_t)(refs + nr), true,
					      __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	return true;
}

void page_ref_add(struct page *page, int nr)
{
	page_ref_change(page, nr);
}

void page_ref_sub(struct page *page, int nr)
{
	page_ref_change(page, -(int64_t)nr);
}

void page_ref_inc(struct page *page)
{
	page_ref_change(page, 1);
}

void put_page(struct page *page)
{
	struct kernel *k = arch_kernel();
	struct page *head = k ? referenced_head(k, page, "dropped on") : NULL;

	if (likely(head))
		block_put(k, head, head->order);
}
