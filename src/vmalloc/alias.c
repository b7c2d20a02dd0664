/* SPDX-License-Identifier: MIT */
/*
 * Pages at a second address: in the page tables, which the simulated x86 walks, and in the host's
 * vmalloc window, which the program's pointers walk. Runs of consecutive frames are one mapping of
 * the host and one system call.
 *
 * The two are taken away at different times. The page tables are cleared at once. The host's
 * mapping stays until the area is purged, which is what a TLB does on hardware until it is
 * flushed: a program that uses a pointer after vfree() may still see the pages, whoever has them
 * now.
 */
#include "vmalloc/vmalloc.h"

#include "lib/errno.h"

#include <kmem/mm.h>

/* How many of @pages, the first included, are consecutive frames. */
static unsigned long run_length(struct page *const *pages, unsigned long nr)
{
	unsigned long first = page_to_pfn(pages[0]);
	unsigned long n = 1;

	while (n < nr && page_to_pfn(pages[n]) == first + n)
		n++;
	return n;
}

/* The host's address of @va's first byte. */
static const char *window_ptr(const struct vmalloc *v, const struct vmap_area *va)
{
	const struct arch_machine *am = v->kernel->arch;

	return am->vmalloc + (va->start - am->vmalloc_base);
}

static int host_map(const struct arch_machine *am, uint64_t off, struct page *const *pages,
		    unsigned long nr, bool writable)
{
	unsigned long done = 0;

	while (done < nr) {
		unsigned long n = run_length(pages + done, nr - done);
		uint64_t at = off + ((uint64_t)done << PAGE_SHIFT);

		if (arch_map_ram(am, at, page_to_pfn(pages[done]), n, writable))
			break;
		done += n;
	}
	if (done == nr)
		return 0;
	/* What does not go away now goes with the area's purge. */
	if (done)
		(void)arch_unmap_ram(am, off, done);
	return -ENOMEM;
}

int alias_map(struct vmalloc *v, const struct vmap_area *va, struct page *const *pages,
	      unsigned long nr, pgprot_t prot)
{
	const struct arch_machine *am = v->kernel->arch;
	int ret = pgtable_map_pages(&v->pgtable, va->start, pages, nr, prot);

	if (ret || !alias_possible(v->kernel))
		return ret;
	ret = host_map(am, va->start - am->vmalloc_base, pages, nr, prot & X86_PTE_RW);
	if (ret)
		alias_unmap(v, va, nr);
	else
		arch_unpoison(window_ptr(v, va), nr << PAGE_SHIFT);
	return ret;
}

void alias_unmap(struct vmalloc *v, const struct vmap_area *va, unsigned long nr)
{
	pgtable_unmap(&v->pgtable, va->start, nr);
	/* The mapping in the host stays for a while: nobody shall use it. */
	if (alias_possible(v->kernel))
		arch_poison(window_ptr(v, va), nr << PAGE_SHIFT);
}
