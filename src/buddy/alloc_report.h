/* SPDX-License-Identifier: MIT */
/* What the page allocator says when it has no page, in the kernel's words. */
#ifndef KMEM_BUDDY_ALLOC_REPORT_H
#define KMEM_BUDDY_ALLOC_REPORT_H

#include "buddy/internal.h"

/* The failure report of a request that returns NULL, line by line to the log. */
void warn_alloc(struct kernel *k, gfp_t gfp, unsigned int order);

/* The same for another allocator that has no memory to give: "COMM: @what, mode:…", the caller, the
 * state of the zones. */
void warn_alloc_text(struct kernel *k, gfp_t gfp, const char *what);

#endif
