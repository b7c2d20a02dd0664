/* SPDX-License-Identifier: MIT */
/* A script being performed: what its ids hold, and the ops that have a file of their own. */
#ifndef KMEMSIM_RUNNER_H
#define KMEMSIM_RUNNER_H

#include "labels.h"
#include "script.h"

#include <kmem/kmem.h>

struct object {
	void *ptr;		/* or struct page *; NULL: holds nothing */
	void *last;		/* what it held last: refree and its like mean that */
	unsigned int order;	/* of a block of pages */
	bool is_page;		/* ptr is a struct page * */
};

struct runner {
	struct kmem_cache **caches;	/* NULL: not made, destroyed, or its creation failed */
	struct object *objects;
	struct labels *labels;
	bool slob;			/* one order of pages for all caches */
	void **bulk;			/* room for the largest balloc or bfree */
	char *text;			/* room for a line or a text of the library */
	size_t text_size;
	kva_t first_area, last_area;	/* of vmalloc; 0: none yet */
	struct kmem_arena arena;	/* pages 0: none yet */
};

/* Makes @id hold @ptr, which may be NULL. */
void hold(struct runner *r, unsigned int id, void *ptr);

/* Takes what @id holds; NULL, after a line that says so, if it holds nothing. */
void *take(struct runner *r, unsigned int id);

/* --- ops_pages.c ----------------------------------------------------------------------------- */

void do_pages(struct runner *r, const struct op *op);
void do_fpages(struct runner *r, const struct op *op);
void do_arena(struct runner *r, const struct op *op);
void do_pcp(struct runner *r, const struct op *op);
void do_wmark(struct runner *r, const struct op *op);
void do_drain(struct runner *r, const struct op *op);
void do_exhaust(struct runner *r, const struct op *op);
void do_print_buddy(struct runner *r, const struct op *op);

#endif
