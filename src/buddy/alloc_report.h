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

/* A request that must not fail has failed: what the kernel's out-of-memory killer says when it finds
 * nobody to kill, to the log, then the panic to the report handler. Returns if that goes on. */
void panic_out_of_memory(struct kernel *k, gfp_t gfp, unsigned int order);

#endif
