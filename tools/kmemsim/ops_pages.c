/* SPDX-License-Identifier: MIT */
/*
 * The ops of the page allocator. After `arena` a script knows all free memory there is, frame
 * numbers are counted from its first page, and pcp, wmark, exhaust and print buddy mean its zone.
 * The parser has seen to it that the script asks for an arena first; if there was none to be had,
 * they do nothing.
 */
#include "runner.h"

#include <stdlib.h>

static struct page *alloc_for(const struct op *op)
{
	unsigned int order = (unsigned int)op->numbers[0];

	if (op->nr_numbers > 1)
		return alloc_pages_node((int)op->numbers[1], op->gfp, order);
	return alloc_pages(op->gfp, order);
}

void do_pages(struct runner *r, const struct op *op)
{
	unsigned int order = (unsigned int)op->numbers[0];
	struct page *page = alloc_for(op);

	hold(r, op->object, page);
	r->objects[op->object].order = order;
	r->objects[op->object].is_page = true;
	printf("pages o%u %u = ", op->object, order);
	if (!page) {
		puts("NULL");
		return;
	}
	printf("zone=%s nid=%d aligned=%d block=%c", zone_type_name(page_zonenum(page)),
	       page_to_nid(page), !(page_to_pfn(page) & ((1UL << order) - 1)),
	       "UMRHCI"[get_pageblock_migratetype(page)]);
	if (r->arena.pages)
		printf(" pfn=%ld", (long)(page_to_pfn(page) - r->arena.base_pfn));
	putchar('\n');
}

void do_fpages(struct runner *r, const struct op *op)
{
	struct page *page = take(r, op->object);

	if (page)
		__free_pages(page, r->objects[op->object].order);
}

/* Numbers of the op: blocks, zone, migratetype. What cannot be made changes nothing. */
void do_arena(struct runner *r, const struct op *op)
{
	enum kmem_zone_type zone = (enum kmem_zone_type)op->numbers[1];
	unsigned int blocks = (unsigned int)op->numbers[0];

	printf("arena zone=%s blocks=%u", zone_type_name(zone), blocks);
	if (kmem_make_arena(blocks, zone, (unsigned int)op->numbers[2], &r->arena)) {
		puts(" = NULL");
		return;
	}
	printf(" order=%d pageblock_order=%u pages=%lu\n", MAX_ORDER - 1, r->arena.pageblock_order,
	       r->arena.pages);
}

void do_print_buddy(struct runner *r, const struct op *op)
{
	const struct kmem_arena *a = &r->arena;
	long len;

	if (!a->pages)
		return;
	len = kmem_zone_print_lists(a->nid, a->zone, a->base_pfn, r->text, r->text_size);
	if (len >= (long)r->text_size) {
		r->text_size = (size_t)len + 1;
		r->text = xrealloc(r->text, r->text_size, 1);
		kmem_zone_print_lists(a->nid, a->zone, a->base_pfn, r->text, r->text_size);
	}
	fputs(r->text, stdout);
}

void do_pcp(struct runner *r, const struct op *op)
{
	if (!r->arena.pages)
		return;
	kmem_zone_set_pcp(r->arena.nid, r->arena.zone, (int)op->numbers[0], (int)op->numbers[1]);
	do_print_buddy(r, op);
}

void do_wmark(struct runner *r, const struct op *op)
{
	if (!r->arena.pages)
		return;
	kmem_zone_set_watermarks(r->arena.nid, r->arena.zone, (unsigned long)op->numbers[0],
				 (unsigned long)op->numbers[1], (unsigned long)op->numbers[2],
				 (unsigned long)op->numbers[3]);
	puts("wmark");
}

void do_drain(struct runner *r, const struct op *op)
{
	drain_local_pages();
	puts("drain");
}

/* Allocate till it fails, say what is left in the arena's zone, give all back in reverse order. */
void do_exhaust(struct runner *r, const struct op *op)
{
	const struct kmem_arena *a = &r->arena;
	unsigned int order = (unsigned int)op->numbers[0];
	size_t n = 0, capacity = 1024, got = 0;
	struct kmem_zone_stats st;
	struct page **pages;

	if (!a->pages)
		return;
	pages = xcalloc(capacity, sizeof(*pages));
	while ((pages[n] = alloc_pages(op->gfp, order))) {
		got += page_zonenum(pages[n]) == a->zone && page_to_nid(pages[n]) == a->nid;
		if (++n == capacity) {
			capacity *= 2;
			pages = xrealloc(pages, capacity, sizeof(*pages));
		}
	}
	kmem_get_zone_stats(a->nid, a->zone, &st);
	printf("exhaust order=%u gfp=%s n=%zu | %d:%s got=%zu free=%lu pcp=%lu min=%lu boost=%lu "
	       "highatomic=%lu\n",
	       order, op->word, n, a->nid, zone_type_name(a->zone), got, st.free, st.pcp, st.min,
	       st.boost, st.highatomic);
	while (n)
		__free_pages(pages[--n], order);
	drain_local_pages();
	free(pages);
}
