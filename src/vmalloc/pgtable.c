/* SPDX-License-Identifier: MIT */
/*
 * Building page tables. This is the kernel's side of the MMU: the walker (src/sim/mmu.c) reads what
 * is written here, as hardware would, and the two share nothing but the entry formats of
 * <kmem/x86_pte.h>.
 *
 *	top table     made at boot, with a second-level table under every entry of the vmalloc
 *	              region, so that it never changes afterwards (Linux: so that no process has
 *	              an old copy)
 *	direct map    made at boot, by the largest leaves: its cost is that of the ends of RAM's
 *	              ranges and one entry for each GiB between them
 *	vmalloc       4 KiB leaves; tables are made when an area first needs them and stay
 *
 * Tables lie in simulated physical memory, for the walker must find them there. At boot, and always
 * when metadata is isolated, their frames come from a pool that takes none of the managed pages
 * (pt_pool.h): first the description's reserved ranges, then physical memory above RAM. Otherwise
 * they are pages of the page allocator, as in Linux.
 *
 * Entries are written by single stores: present ones after what they point to (release), so that a
 * walk on another thread sees a table before or after a change, never half of it. The lock
 * serialises making a missing table; leaves of an area have one writer, the area's owner.
 */
#include "vmalloc/pgtable.h"

#include "buddy/page.h"
#include "lib/errno.h"
#include "lib/lock_rank.h"
#include "lib/report.h"

#include <kmem/gfp.h>
#include <kmem/mm.h>

#define PT_MAX_LEVELS 5

/* A paging mode as far as tables are concerned: where each level's index stands, top level first,
 * and from which level on an entry may be a leaf. Every level has X86_LEVEL_BITS. */
struct pt_format {
	unsigned int nr_levels;
	unsigned int first_leaf;
	unsigned int shifts[PT_MAX_LEVELS];
};

static const struct pt_format format_4level = {
	4, 1, {X86_PGD_SHIFT, X86_PUD_SHIFT, X86_PMD_SHIFT, X86_PTE_SHIFT},
};

static const struct pt_format *format_of(const struct kernel *k)
{
	return k->arch->desc->mode == MACHINE_MODE_4LEVEL ? &format_4level : NULL;
}

static unsigned int last_level(const struct pgtable *pt)
{
	return pt->format->nr_levels - 1;
}

/* --- words of physical memory ----------------------------------------------------------------- */

static uint64_t *pt_word(const struct pgtable *pt, phys_addr_t phys)
{
	return (uint64_t *)(void *)(pt->kernel->arch->ram + phys);
}

static uint64_t pt_load(const uint64_t *entry)
{
	return __atomic_load_n(entry, __ATOMIC_ACQUIRE);
}

static void pt_store(uint64_t *entry, uint64_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

/* --- tables ----------------------------------------------------------------------------------- */

/* A frame for a table, zeroed. */
struct pt_table {
	phys_addr_t phys;	/* 0: none */
	struct page *page;	/* NULL: from the pool */
};

static struct pt_table table_alloc(struct pgtable *pt)
{
	struct pt_table table = {0, NULL};

	if (pt->use_pool) {
		arch_spin_lock(&pt->lock);
		table.phys = pt_pool_take(&pt->pool);
		arch_spin_unlock(&pt->lock);
		if (table.phys)
			return table;
	}
	table.page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (table.page)
		table.phys = page_to_phys(table.page);
	return table;
}

static void table_free_unused(struct pgtable *pt, const struct pt_table *table)
{
	if (table->page) {
		__free_page(table->page);
		return;
	}
	arch_spin_lock(&pt->lock);
	pt_pool_give(&pt->pool, table->phys);
	arch_spin_unlock(&pt->lock);
}

static void table_account_locked(struct pgtable *pt, const struct pt_table *table)
{
	if (table->page)
		list_add(&table->page->list, &pt->pages);
	pt->nr_tables++;
}

/* Make a table under @entry, which was not present. Returns the entry; 0: no memory. */
static uint64_t table_make(struct pgtable *pt, uint64_t *entry)
{
	struct pt_table table = table_alloc(pt);
	uint64_t value;

	if (!table.phys)
		return 0;
	arch_spin_lock(&pt->lock);
	value = pt_load(entry);
	if (!value) {
		pt_store(entry, table.phys | X86_KERNEL_TABLE);
		table_account_locked(pt, &table);
	}
	arch_spin_unlock(&pt->lock);
	if (!value)
		return table.phys | X86_KERNEL_TABLE;
	table_free_unused(pt, &table);
	return value;
}

static bool is_large(uint64_t value)
{
	return value & X86_PTE_PS;
}

/* The entry for @kva at @level, its tables made on the way if @make. NULL: there is none (with
 * @make: no memory). */
static uint64_t *entry_at(struct pgtable *pt, kva_t kva, unsigned int level, bool make)
{
	phys_addr_t table = pt->root;

	for (unsigned int i = 0;; i++) {
		uint64_t index = kva >> pt->format->shifts[i] & ((1u << X86_LEVEL_BITS) - 1);
		uint64_t *entry = pt_word(pt, table + index * sizeof(*entry));
		uint64_t value;

		if (i == level)
			return entry;
		value = pt_load(entry);
		if (!value && make)
			value = table_make(pt, entry);
		if (!value)
			return NULL;
		kassert(!is_large(value));
		table = value & X86_PTE_ADDR_MASK;
	}
}

/* How many entries there are from that of @kva to the end of its table. */
static unsigned long entries_left(kva_t kva)
{
	unsigned long per_table = 1ul << X86_LEVEL_BITS;

	return per_table - (kva >> X86_PTE_SHIFT & (per_table - 1));
}

/* --- life ------------------------------------------------------------------------------------- */

bool pgtable_supported(const struct kernel *k)
{
	return format_of(k);
}

int pgtable_init(struct kernel *k, struct pgtable *pt)
{
	const struct arch_machine *am = k->arch;

	pt->kernel = k;
	pt->format = format_of(k);
	pt->use_pool = true;
	pt->pool.kernel = k;
	arch_spin_init(&pt->lock, LOCK_RANK_PGTABLE);
	list_init(&pt->pages);
	return pt_pool_add(&pt->pool, am->table_start, am->table_start + am->table_size);
}

int pgtable_start(struct pgtable *pt, kva_t kva, uint64_t size)
{
	uint64_t step = (uint64_t)1 << pt->format->shifts[0];
	struct pt_table top = table_alloc(pt);

	if (!top.phys)
		return -ENOMEM;
	pt->root = top.phys;
	arch_spin_lock(&pt->lock);
	table_account_locked(pt, &top);
	arch_spin_unlock(&pt->lock);
	for (kva_t at = kva & ~(step - 1); at < kva + size; at += step) {
		if (!entry_at(pt, at, 1, true))
			return -ENOMEM;
	}
	return 0;
}

void pgtable_exit(struct pgtable *pt)
{
	while (!list_empty(&pt->pages)) {
		struct page *page = list_first_entry(&pt->pages, struct page, list);

		list_del(&page->list);
		__free_page(page);
	}
	pt_pool_exit(&pt->pool);
}

/* --- mapping ---------------------------------------------------------------------------------- */

/* The highest level at which one leaf can map @start and does not reach beyond @end. */
static unsigned int largest_leaf(const struct pgtable *pt, phys_addr_t start, phys_addr_t end)
{
	unsigned int level = pt->format->first_leaf;

	for (; level < last_level(pt); level++) {
		uint64_t size = (uint64_t)1 << pt->format->shifts[level];

		if (!(start & (size - 1)) && end - start >= size)
			break;
	}
	return level;
}

int pgtable_map_range(struct pgtable *pt, kva_t kva, phys_addr_t start, phys_addr_t end)
{
	while (start < end) {
		unsigned int level = largest_leaf(pt, start, end);
		uint64_t size = (uint64_t)1 << pt->format->shifts[level];
		uint64_t *entry = entry_at(pt, kva, level, true);

		if (!entry)
			return -ENOMEM;
		pt_store(entry, start | (level == last_level(pt) ? X86_KERNEL_PAGE :
								   X86_KERNEL_LARGE_PAGE));
		start += size;
		kva += size;
	}
	return 0;
}

int pgtable_map_pages(struct pgtable *pt, kva_t kva, struct page *const *pages, unsigned long nr,
		      pgprot_t prot)
{
	unsigned long done = 0;

	while (done < nr) {
		kva_t at = kva + (done << PAGE_SHIFT);
		unsigned long n = entries_left(at);
		uint64_t *entry = entry_at(pt, at, last_level(pt), true);

		if (!entry) {
			pgtable_unmap(pt, kva, done);
			return -ENOMEM;
		}
		if (n > nr - done)
			n = nr - done;
		for (; n; n--, entry++, done++) {
			kassert(!pt_load(entry));
			pt_store(entry, page_to_phys(pages[done]) | prot);
		}
	}
	return 0;
}

void pgtable_unmap(struct pgtable *pt, kva_t kva, unsigned long nr)
{
	while (nr) {
		unsigned long n = entries_left(kva);
		uint64_t *entry = entry_at(pt, kva, last_level(pt), false);

		if (n > nr)
			n = nr;
		for (unsigned long i = 0; entry && i < n; i++)
			pt_store(entry + i, 0);
		kva += n << PAGE_SHIFT;
		nr -= n;
	}
}

uint64_t pgtable_lookup(const struct pgtable *pt, kva_t kva, unsigned int *shift)
{
	phys_addr_t table = pt->root;

	for (unsigned int i = 0; i < pt->format->nr_levels; i++) {
		uint64_t index = kva >> pt->format->shifts[i] & ((1u << X86_LEVEL_BITS) - 1);
		uint64_t value = pt_load(pt_word(pt, table + index * sizeof(value)));

		if (!(value & X86_PTE_P))
			return 0;
		if (i == last_level(pt) || is_large(value)) {
			*shift = pt->format->shifts[i];
			return value;
		}
		table = value & X86_PTE_ADDR_MASK;
	}
	return 0;
}
