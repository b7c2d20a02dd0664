/* SPDX-License-Identifier: MIT */
/* The kernel's page tables; theory in pgtable.c. */
#ifndef KMEM_VMALLOC_PGTABLE_H
#define KMEM_VMALLOC_PGTABLE_H

#include "lib/list.h"
#include "vmalloc/pt_pool.h"

#include <kmem/vmalloc.h>

struct pt_format;

struct pgtable {
	struct kernel *kernel;
	const struct pt_format *format;
	phys_addr_t root;		/* top table: what CR3 holds */
	bool use_pool;			/* tables come from the pool, as long as it lasts */
	struct arch_spinlock lock;	/* making tables; all below */
	struct pt_pool pool;
	struct list_head pages;		/* tables that came from the page allocator */
	unsigned long nr_tables;	/* all tables */
	unsigned long nr_managed;	/* of them those on `pages` */
};

/* Empty; frames may be added to its pool next. */
int pgtable_init(struct kernel *k, struct pgtable *pt);

/* Make the top table, and the second level for [@kva, @kva + @size): the top table does not change
 * once the machine runs. 0 or -ENOMEM. */
int pgtable_start(struct pgtable *pt, kva_t kva, uint64_t size);

/* Make all tables for [@kva, @kva + @size), so that small pages can be mapped there without any
 * memory. 0 or -ENOMEM. */
int pgtable_prepare(struct pgtable *pt, kva_t kva, uint64_t size);

/* Give all tables back; nobody may walk them any more. */
void pgtable_exit(struct pgtable *pt);

/* How many tables there are; *@managed: how many of them came from the page allocator. */
unsigned long pgtable_count(struct pgtable *pt, unsigned long *managed);

/* Map physical bytes [@start, @end) at @kva, where nothing is mapped, by the largest leaves that
 * fit, or by small ones unless @large: the direct map, ioremap(), large pages. 0; -ENOMEM: the
 * caller unmaps. */
int pgtable_map_range(struct pgtable *pt, kva_t kva, phys_addr_t start, phys_addr_t end,
		      pgprot_t prot, bool large);

/* Map @nr pages one after the other at @kva, where nothing is mapped. 0; -ENOMEM: nothing is
 * mapped. */
int pgtable_map_pages(struct pgtable *pt, kva_t kva, struct page *const *pages, unsigned long nr,
		      pgprot_t prot);

/* Nothing is mapped in the @nr pages from @kva on afterwards; tables stay. A large leaf lies in them
 * as a whole. */
void pgtable_unmap(struct pgtable *pt, kva_t kva, unsigned long nr);

/* The leaf that maps @kva and its page size as a shift; 0: nothing is mapped. */
uint64_t pgtable_lookup(const struct pgtable *pt, kva_t kva, unsigned int *shift);

/* The same for who looks at everything: the leaf (0: none), its level from the top, and how many
 * bytes from @kva's start in it there is the same leaf or the same nothing. */
uint64_t pgtable_peek(const struct pgtable *pt, kva_t kva, unsigned int *level, uint64_t *size);

/* Linux's name of a level, as its dumps have it for leaves and for holes. */
const char *pgtable_level_name(const struct pgtable *pt, unsigned int level, bool leaf);

#endif
