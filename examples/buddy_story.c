/* SPDX-License-Identifier: MIT */
/*
 * How blocks are split and merged. The machine's only free memory is one block of 1024 pages; after
 * each step its line of buddyinfo is printed, and a picture of the block: a letter is a block in use, a
 * dot is free, one column is 16 pages.
 *
 *	cc buddy_story.c -lkmem -o buddy_story && ./buddy_story
 */
#include <kmem/kmem.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMN 16u

static struct kmem_arena arena;
static char owner[1024];	/* of each page */

/* "10:1 7:2": two blocks of 2^7 pages and one of 2^10 are free. */
static void print_free_lists(void)
{
	char text[8192], *at = text;

	proc_read("buddyinfo", text, sizeof(text));
	at = strstr(text, zone_type_name(arena.zone));
	if (!at)
		exit(1);
	at += strlen(zone_type_name(arena.zone));
	printf("    free lists:");
	for (unsigned int order = 0; order < MAX_ORDER; order++) {
		unsigned long n = strtoul(at, &at, 10);

		if (n)
			printf(" %lux%u", n, 1u << order);
	}
	printf("\n");
}

static void tell(const char *step)
{
	printf("%s\n    |", step);
	for (unsigned int i = 0; i < 1024; i += COLUMN)
		putchar(owner[i] ? owner[i] : '.');
	printf("|\n");
	print_free_lists();
}

static struct page *take(char name, unsigned int order)
{
	struct page *page = alloc_pages(GFP_HIGHUSER_MOVABLE, order);

	if (!page)
		exit(1);
	memset(owner + (page_to_pfn(page) - arena.base_pfn), name, 1ul << order);
	printf("\n%c takes %u pages: frames %lu to %lu of the block.\n", name, 1u << order,
	       page_to_pfn(page) - arena.base_pfn, page_to_pfn(page) - arena.base_pfn + (1ul << order) - 1);
	return page;
}

static void give(struct page *page, unsigned int order)
{
	char *at = owner + (page_to_pfn(page) - arena.base_pfn);

	printf("\n%c gives its %u pages back.\n", *at, 1u << order);
	memset(at, 0, 1ul << order);
	__free_pages(page, order);
}

int main(void)
{
	struct machine_error err;
	struct page *a, *b, *c;
	struct machine *m;

	if (machine_boot_text("preset=x86_64 mem=64M isolate_metadata=1", &m, &err)) {
		fprintf(stderr, "buddy_story: %s\n", err.reason);
		return 1;
	}
	if (kmem_make_arena(1, KMEM_ZONE_DMA32, 1, &arena))
		return 1;
	tell("All that is free is one block of 1024 pages.");

	a = take('A', 8);
	tell("It was split: into halves of 512, the lower one into halves of 256. The upper halves stay free.");

	b = take('B', 8);
	tell("B got the other half of A's block: its buddy. Nothing had to be split.");

	c = take('C', 4);
	tell("Only 512 were left in one piece: split down to 16, a block of each size remains.");

	give(a, 8);
	tell("Its buddy is B's, so the block stays alone.");

	give(c, 4);
	tell("C's buddy of 16 is free, and that pair's buddy of 32, and so on: they merge up to 512.");

	give(b, 8);
	tell("A and B's places merge to 512, these with the other 512: the block is whole again.");
	return machine_shutdown(m) != 0;
}
