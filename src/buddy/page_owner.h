/* SPDX-License-Identifier: MIT */
/* Who holds a page; theory in page_owner.c. All but the creation and the texts want it to be on:
 * buddy->page_owner is not NULL. */
#ifndef KMEM_BUDDY_PAGE_OWNER_H
#define KMEM_BUDDY_PAGE_OWNER_H

#include "buddy/internal.h"

/* The records of a machine; NULL: no host memory. */
struct page_owner *page_owner_create(struct kernel *k);

/* A block was handed out to the caller. */
void page_owner_alloc(struct buddy *b, const struct page *page, unsigned int order, gfp_t gfp);

/* It came back. */
void page_owner_free(struct buddy *b, const struct page *page);

/* The block at @page was taken apart, and what lies at @part is a block of @order now. @part may be
 * @page itself, and then comes last. */
void page_owner_part(struct buddy *b, const struct page *page, const struct page *part,
		     unsigned int order);

/* For a report: what is known about the block in which @page lies. */
void page_owner_dump(const struct buddy *b, const struct page *page, struct seq_file *m);

#endif
