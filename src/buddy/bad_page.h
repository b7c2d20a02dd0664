/* SPDX-License-Identifier: MIT */
/* Reports about pages that were handed in wrongly. */
#ifndef KMEM_BUDDY_BAD_PAGE_H
#define KMEM_BUDDY_BAD_PAGE_H

#include "buddy/internal.h"
#include "lib/kfmt.h"

/* "BUG: Bad page state …" with the page's dump. @page may be any pointer. */
void bad_page(struct kernel *k, const struct page *page, const char *why);

/* @page, claimed to be the first of a block of type @wanted and @order that is in use, is not:
 * say what it is and report it. */
void bad_block(struct kernel *k, const struct page *page, unsigned int order,
	       enum page_type wanted);

/* "0x2(head|node=0|zone=1)" and the line's end. */
void page_put_flags(struct seq_file *m, const struct page *page);

#endif
