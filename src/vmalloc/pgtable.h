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
};

/* Whether this version builds tables for the machine's paging mode. */
bool pgtable_supported(const struct kernel *k);

/* Empty; frames may be added to its pool next. */
int pgtable_init(struct kernel *k, struct pgtable *pt);

/* Make the top table, and the second level for [@kva, @kva + @size): the top table does not change
 * once the machine runs. 0 or -ENOMEM. */
int pgtable_start(struct pgtable *pt, kva_t kva, uint64_t size);

/* Give all tables back; nobody may walk them any more. */
void pgtable_exit(struct pgtable *pt);

/* Map physical bytes [@start, @end) at @kva by the largest leaves that fit: the direct map. 0 or
 * -ENOMEM. */
int pgtable_map_range(struct pgtable *pt, kva_t kva, phys_addr_t start, phys_addr_t end);

/* Map @nr pages one after the other at @kva, where nothing is mapped. 0; -ENOMEM: nothing is
 * mapped. */
int pgtable_map_pages(struct pgtable *pt, kva_t kva, struct page *const *pages, unsigned long nr,
		      pgprot_t prot);

/* Clear @nr small entries from @kva on; tables stay. */
void pgtable_unmap(struct pgtable *pt, kva_t kva, unsigned long nr);

/* The leaf that maps @kva and its page size as a shift; 0: nothing is mapped. */
uint64_t pgtable_lookup(const struct pgtable *pt, kva_t kva, unsigned int *shift);

#endif
