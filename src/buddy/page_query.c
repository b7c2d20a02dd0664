/* SPDX-License-Identifier: MIT */
/*
 * From a page to its frame, address, zone and node, and back.
 *
 * Frame, direct-map byte and memmap entry of a page are the same number at three scales, so these
 * are shifts and differences. Zone and node stand in the flags of a page that was ever handed
 * out; those of others follow from memblock. HIGHMEM begins where the direct map ends: such pages
 * have RAM behind them but no address.
 *
 * Simulated addresses are host pointers plus a constant, one for the direct map and one for the
 * vmalloc region. Whether something is mapped in the latter only the page tables know.
 */
#include "buddy/bad_page.h"
#include "buddy/buddy.h"
#include "memblock/memblock.h"

#include <kmem/mm.h>
#include <kmem/mmu.h>

static struct zone *page_zone(struct kernel *k, const struct page *page)
{
	if (likely(page->flags & PG_INIT))
		return buddy_zone(k->buddy, page->flags);
	return zone_of_pfn(k->buddy, page_pfn(k->buddy, page));
}

/* First byte of RAM that has no address. */
static uint64_t direct_map_end(const struct arch_cpu *cpu)
{
	uint64_t high = cpu->kernel->buddy->zone_low[KMEM_ZONE_HIGHMEM];

	return high < cpu->ram_size >> PAGE_SHIFT ? high << PAGE_SHIFT : cpu->ram_size;
}

phys_addr_t buddy_lowmem_end(struct kernel *k)
{
	uint64_t high = k->buddy->zone_low[KMEM_ZONE_HIGHMEM];
	uint64_t end = memblock_end_of_dram(k) >> PAGE_SHIFT;

	return (high < end ? high : end) << PAGE_SHIFT;
}

bool buddy_is_managed(struct kernel *k, uint64_t pfn)
{
	return pfn_to_page((unsigned long)pfn) && !memblock_reserved_at(k, pfn << PAGE_SHIFT);
}

unsigned long page_to_pfn(const struct page *page)
{
	struct arch_cpu *cpu = arch_cpu_current();

	return cpu ? (unsigned long)memmap_pfn(cpu->memmap, page) : 0;
}

struct page *pfn_to_page(unsigned long pfn)
{
	struct arch_cpu *cpu = arch_cpu_current();
	struct page *page;

	if (!cpu || pfn >= cpu->ram_size >> PAGE_SHIFT)
		return NULL;
	page = memmap_page(cpu->memmap, pfn);
	if (page->flags & PG_INIT || zone_of_pfn(cpu->kernel->buddy, pfn))
		return page;
	return NULL;
}

phys_addr_t page_to_phys(const struct page *page)
{
	return (phys_addr_t)page_to_pfn(page) << PAGE_SHIFT;
}

void *page_address(const struct page *page)
{
	struct arch_cpu *cpu = arch_cpu_current();

	if (!cpu)
		return NULL;
	if (likely(memmap_pfn(cpu->memmap, page) < direct_map_end(cpu) >> PAGE_SHIFT))
		return memmap_address(cpu, page);
	return cpu->kernel->kmap_address ? cpu->kernel->kmap_address(cpu->kernel, page) : NULL;
}

bool virt_addr_valid(const void *addr)
{
	struct arch_cpu *cpu = arch_cpu_current();
	uint64_t off;

	if (!cpu)
		return false;
	off = (uint64_t)((const char *)addr - cpu->ram);
	return off < direct_map_end(cpu) && pfn_to_page((unsigned long)(off >> PAGE_SHIFT));
}

struct page *virt_to_page(const void *addr)
{
	return virt_addr_valid(addr) ? memmap_lookup(arch_cpu_current(), addr) : NULL;
}

phys_addr_t __pa(unsigned long addr)
{
	struct arch_cpu *cpu = arch_cpu_current();

	return cpu ? (phys_addr_t)(addr - (unsigned long)cpu->ram) : 0;
}

void *__va(phys_addr_t phys)
{
	struct arch_cpu *cpu = arch_cpu_current();

	if (!cpu || phys >= direct_map_end(cpu) || !pfn_to_page((unsigned long)(phys >> PAGE_SHIFT)))
		return NULL;
	return cpu->ram + phys;
}

kva_t ptr_to_kva(const void *ptr)
{
	struct arch_cpu *cpu = arch_cpu_current();
	const struct arch_machine *am = cpu ? cpu->machine : NULL;

	if (!cpu)
		return 0;
	if (virt_addr_valid(ptr))
		return am->direct_base + (uint64_t)((const char *)ptr - cpu->ram);
	if (am->vmalloc && (uint64_t)((const char *)ptr - am->vmalloc) < am->vmap_size)
		return am->vmalloc_base + (uint64_t)((const char *)ptr - am->vmalloc);
	return 0;
}

/* Without a window of its own the vmalloc region shows RAM at its only address. */
static void *vmalloc_ptr(const struct arch_machine *am, kva_t kva)
{
	struct mmu_walk_result walk;

	if (arch_mmu_walk(am, kva, MMU_READ | MMU_PROBE, &walk))
		return NULL;
	return am->vmalloc ? am->vmalloc + (kva - am->vmalloc_base) : am->ram + walk.phys;
}

void *kva_to_ptr(kva_t kva)
{
	struct arch_cpu *cpu = arch_cpu_current();

	if (!cpu)
		return NULL;
	if (kva - cpu->machine->vmalloc_base < cpu->machine->vmap_size)
		return vmalloc_ptr(cpu->machine, kva);
	return __va(kva - cpu->machine->direct_base);
}

enum kmem_zone_type page_zonenum(const struct page *page)
{
	struct kernel *k = arch_kernel();
	struct zone *zone = k ? page_zone(k, page) : NULL;

	return zone ? zone->type : KMEM_ZONE_DMA;
}

int page_to_nid(const struct page *page)
{
	struct kernel *k = arch_kernel();
	struct zone *zone = k ? page_zone(k, page) : NULL;

	return zone ? zone->pgdat->nid : NUMA_NO_NODE;
}

struct page *compound_head(const struct page *page)
{
	struct page *head = page->head;

	return head ? head : (struct page *)(uintptr_t)page;
}

unsigned int compound_order(const struct page *page)
{
	return page->flags & PG_HEAD ? page->order : 0;
}

bool PageHead(const struct page *page)
{
	return page->flags & PG_HEAD;
}

bool PageTail(const struct page *page)
{
	return page->head && page->head != page;
}

bool PageCompound(const struct page *page)
{
	return PageHead(page) || PageTail(page);
}

bool PageSlab(const struct page *page)
{
	return page_type(compound_head(page)) == PAGE_TYPE_SLAB;
}

bool PageBuddy(const struct page *page)
{
	return page_type(page) == PAGE_TYPE_BUDDY || page_type(page) == PAGE_TYPE_RANGE;
}

bool PageReserved(const struct page *page)
{
	struct kernel *k = arch_kernel();

	return k && !(page->flags & PG_INIT) && memblock_reserved_at(k, page_to_phys(page));
}

/* The word stays in a freed page; PG_PRIVATE does not. */
unsigned long page_private(const struct page *page)
{
	return page_type(page) == PAGE_TYPE_USED && page->flags & PG_PRIVATE ? page->private : 0;
}

void set_page_private(struct page *page, unsigned long word)
{
	struct kernel *k = arch_kernel();

	if (!k)
		return;
	if (!memmap_contains(k->arch, page) || page_type(page) != PAGE_TYPE_USED) {
		bad_page(k, page, "private word of a page that is not the first of a block in use");
		return;
	}
	page->private = word;
	page->flags |= PG_PRIVATE;
}

int get_pageblock_migratetype(const struct page *page)
{
	struct kernel *k = arch_kernel();

	return k ? (int)pageblock_type(k->buddy, page_pfn(k->buddy, page)) : MIGRATE_UNMOVABLE;
}

unsigned long totalram_pages(void)
{
	struct kernel *k = arch_kernel();

	return k ? k->buddy->totalram_pages : 0;
}

unsigned long nr_free_pages(void)
{
	struct kernel *k = arch_kernel();
	unsigned long sum = 0;

	if (!k)
		return 0;
	for_each_populated_zone(k->buddy, zone)
		sum += (unsigned long)zone_nr_free(zone);
	return sum;
}
