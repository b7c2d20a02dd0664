/* SPDX-License-Identifier: MIT */
/* Giving blocks back; theory in page_free.c. */
#ifndef KMEM_BUDDY_PAGE_FREE_H
#define KMEM_BUDDY_PAGE_FREE_H

#include "buddy/pcp.h"

/* Whether @page, which may be any pointer, is the first of a block of @type and @order. */
bool block_in_use(const struct kernel *k, const struct page *page, unsigned int order,
		  enum page_type type);

/* Give back a block that nobody holds any more, whatever it was. */
void block_free(struct buddy *b, struct page *page, unsigned int order);

#endif
