/* SPDX-License-Identifier: MIT */
/* Windows for HIGHMEM: what kmap.c and kmap_local.c share, and their life. */
#ifndef KMEM_VMALLOC_KMAP_H
#define KMEM_VMALLOC_KMAP_H

#include "lib/kernel.h"

struct vmalloc;

/* Whether @page has an address in the direct map. */
bool kmap_is_low(struct kernel *k, const struct page *page);

/* The program's pointer to @page, which is mapped at @kva. */
void *kmap_ptr(const struct kernel *k, kva_t kva, const struct page *page);

/* Private memory: the HIGHMEM page that @addr points into, by its place in the RAM window. */
struct page *kmap_private_page(struct kernel *k, const void *addr);

/* Boot, once there are tables; nothing to do in 64-bit modes. 0 or -ENOMEM. */
int pkmap_init(struct vmalloc *v);
int kmap_local_init(struct vmalloc *v);

/* Shutdown: reports what is still mapped; how many. */
unsigned long pkmap_exit(struct vmalloc *v);
unsigned long kmap_local_exit(struct vmalloc *v);

/* lib/fork.h: the locks. */
struct fork_walk;
bool pkmap_fork(struct vmalloc *v, struct fork_walk *w);
bool kmap_local_fork(struct vmalloc *v, struct fork_walk *w);

#endif
