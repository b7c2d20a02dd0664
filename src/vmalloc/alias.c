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
 *
 * Frames without a struct page (frame_map()): what of them the host has memory for appears in the
 * window like RAM; a device's registers exist in the page tables alone, and touching their pointer
 * faults.
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

static uint64_t window_off(const struct vmalloc *v, kva_t kva)
{
	return kva - v->kernel->arch->vmalloc_base;
}

static int host_map(const struct vmalloc *v, kva_t kva, struct page *const *pages, unsigned long nr,
		    bool writable)
{
	const struct arch_machine *am = v->kernel->arch;
	uint64_t off = window_off(v, kva);
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

/* Large leaves where frames and addresses allow it. */
static int map_large(struct pgtable *pt, kva_t kva, struct page *const *pages, unsigned long nr,
		     pgprot_t prot)
{
	unsigned long done = 0;

	while (done < nr) {
		unsigned long n = run_length(pages + done, nr - done);
		phys_addr_t start = page_to_phys(pages[done]);

		if (pgtable_map_range(pt, kva + (done << PAGE_SHIFT), start,
				      start + (n << PAGE_SHIFT), prot, true)) {
			pgtable_unmap(pt, kva, nr);
			return -ENOMEM;
		}
		done += n;
	}
	return 0;
}

static int map(struct vmalloc *v, kva_t kva, struct page *const *pages, unsigned long nr,
	       pgprot_t prot, bool large)
{
	int ret = large ? map_large(&v->pgtable, kva, pages, nr, prot) :
			  pgtable_map_pages(&v->pgtable, kva, pages, nr, prot);

	if (ret || !alias_possible(v->kernel))
		return ret;
	ret = host_map(v, kva, pages, nr, prot & X86_PTE_RW);
	if (ret)
		alias_unmap_at(v, kva, nr);
	else
		arch_unpoison(window_ptr(v->kernel, kva), nr << PAGE_SHIFT);
	return ret;
}

int alias_map(struct vmalloc *v, const struct vmap_area *va, struct page *const *pages,
	      unsigned long nr, pgprot_t prot, bool large)
{
	return map(v, va->start, pages, nr, prot, large);
}

int alias_map_at(struct vmalloc *v, kva_t kva, struct page *const *pages, unsigned long nr,
		 pgprot_t prot)
{
	return map(v, kva, pages, nr, prot, false);
}

void alias_unmap_at(struct vmalloc *v, kva_t kva, unsigned long nr)
{
	pgtable_unmap(&v->pgtable, kva, nr);
	/* The mapping in the host stays for a while: nobody shall use it. */
	if (alias_possible(v->kernel))
		arch_poison(window_ptr(v->kernel, kva), nr << PAGE_SHIFT);
}

void alias_unmap(struct vmalloc *v, const struct vmap_area *va, unsigned long nr)
{
	alias_unmap_at(v, va->start, nr);
}

int frame_map(struct vmalloc *v, kva_t kva, uint64_t pfn, unsigned long nr, pgprot_t prot,
	      bool large)
{
	const struct arch_machine *am = v->kernel->arch;
	phys_addr_t start = (phys_addr_t)pfn << PAGE_SHIFT;
	phys_addr_t end = start + ((phys_addr_t)nr << PAGE_SHIFT);
	int ret = pgtable_map_range(&v->pgtable, kva, start, end, prot, large);

	if (ret) {
		pgtable_unmap(&v->pgtable, kva, nr);
		return ret;
	}
	if (!alias_possible(v->kernel) || !arch_is_memory(am, start, end - start))
		return 0;
	ret = arch_map_ram(am, window_off(v, kva), pfn, nr, prot & X86_PTE_RW);
	if (ret)
		pgtable_unmap(&v->pgtable, kva, nr);
	else
		arch_unpoison(window_ptr(v->kernel, kva), nr << PAGE_SHIFT);
	return ret;
}
