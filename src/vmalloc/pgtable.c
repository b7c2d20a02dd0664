/* SPDX-License-Identifier: MIT */
/*
 * Building page tables. This is the kernel's side of the MMU: the walker (src/sim/mmu.c) reads what
 * is written here, as hardware would, and the two share nothing but the entry formats of
 * <kmem/x86_pte.h>.
 *
 *	top table     made at boot, with a second-level table under every entry of the vmalloc
 *	              region, so that it never changes afterwards (Linux: so that no process has
 *	              an old copy). In 32-bit paging the second level is the last: there the top
 *	              table changes as areas come, in its upper quarter (entries 768 to 1023)
 *	direct map    made at boot, by the largest leaves: its cost is that of the ends of RAM's
 *	              ranges and one entry for each GiB between them
 *	vmalloc       4 KiB leaves, large ones in areas of vmalloc_huge(); tables are made when an
 *	              area first needs them and stay
 *
 * Which mode it is says a table (struct pt_format): how many levels, how large an entry. Entries are
 * named by their physical address and read and written through two functions that know their size.
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
 * and from which level on an entry may be a leaf. */
struct pt_format {
	unsigned int nr_levels;
	unsigned int first_leaf;
	unsigned int entry_size;	/* bytes */
	unsigned int index_bits;	/* of every level but the top one of PAE, which has fewer */
	uint64_t top_flags;		/* of entries in the top table */
	uint64_t prot_mask;		/* bits of a pgprot_t that an entry has */
	unsigned int shifts[PT_MAX_LEVELS];
	const char *names[PT_MAX_LEVELS];
};

static const struct pt_format format_4level = {
	4, 1, 8, X86_LEVEL_BITS, X86_KERNEL_TABLE, UINT64_MAX,
	{X86_PGD_SHIFT, X86_PUD_SHIFT, X86_PMD_SHIFT, X86_PTE_SHIFT},
	{"pgd", "pud", "pmd", "pte"},
};

static const struct pt_format format_5level = {
	5, 2, 8, X86_LEVEL_BITS, X86_KERNEL_TABLE, UINT64_MAX,
	{48, X86_PGD_SHIFT, X86_PUD_SHIFT, X86_PMD_SHIFT, X86_PTE_SHIFT},
	{"pgd", "p4d", "pud", "pmd", "pte"},
};

/* SDM section 4.4: a pointer in the top table has no rights and no accessed bit. */
static const struct pt_format format_pae = {
	3, 1, 8, X86_LEVEL_BITS, X86_PTE_P, UINT64_MAX,
	{X86_PUD_SHIFT, X86_PMD_SHIFT, X86_PTE_SHIFT},
	{"pgd", "pmd", "pte"},
};

/* Section 4.3: 32-bit entries, so no NX. */
static const struct pt_format format_32 = {
	2, 0, 4, 10, X86_KERNEL_TABLE, UINT32_MAX,
	{22, X86_PTE_SHIFT},
	{"pgd", "pte"},
};

static const struct pt_format *format_of(const struct kernel *k)
{
	switch (k->arch->desc->mode) {
	case MACHINE_MODE_32:
		return &format_32;
	case MACHINE_MODE_PAE:
		return &format_pae;
	case MACHINE_MODE_5LEVEL:
		return &format_5level;
	case MACHINE_MODE_4LEVEL:
		break;
	}
	return &format_4level;
}

static unsigned int last_level(const struct pgtable *pt)
{
	return pt->format->nr_levels - 1;
}

static uint64_t level_size(const struct pgtable *pt, unsigned int level)
{
	return (uint64_t)1 << pt->format->shifts[level];
}

/* --- entries: named by their physical address ------------------------------------------------- */

static void *pt_word(const struct pgtable *pt, phys_addr_t entry)
{
	return pt->kernel->arch->ram + entry;
}

static uint64_t pt_load(const struct pgtable *pt, phys_addr_t entry)
{
	if (pt->format->entry_size == sizeof(uint32_t))
		return __atomic_load_n((uint32_t *)pt_word(pt, entry), __ATOMIC_ACQUIRE);
	return __atomic_load_n((arch_u64 *)pt_word(pt, entry), __ATOMIC_ACQUIRE);
}

static void pt_store(const struct pgtable *pt, phys_addr_t entry, uint64_t value)
{
	if (pt->format->entry_size == sizeof(uint32_t))
		__atomic_store_n((uint32_t *)pt_word(pt, entry), (uint32_t)value, __ATOMIC_RELEASE);
	else
		__atomic_store_n((arch_u64 *)pt_word(pt, entry), value, __ATOMIC_RELEASE);
}

/* The entry for @kva in the table at @table, which is of @level. */
static phys_addr_t pt_index(const struct pgtable *pt, phys_addr_t table, kva_t kva,
			    unsigned int level)
{
	const struct pt_format *f = pt->format;
	uint64_t index = kva >> f->shifts[level] & ((1u << f->index_bits) - 1);

	return table + index * f->entry_size;
}

/* --- tables ----------------------------------------------------------------------------------- */

/* A frame for a table, zeroed. */
struct pt_table {
	phys_addr_t phys;	/* 0: none */
	struct page *page;	/* NULL: from the pool */
};

static struct pt_table table_from_page(void)
{
	struct pt_table table = {0, alloc_page(GFP_KERNEL | __GFP_ZERO)};

	if (table.page)
		table.phys = page_to_phys(table.page);
	return table;
}

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
	return table_from_page();
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
	if (table->page) {
		list_add(&table->page->list, &pt->pages);
		pt->nr_managed++;
	}
	pt->nr_tables++;
}

/* Make a table under @entry of @level, which was not present. Returns the entry's value; 0: no
 * memory. */
static uint64_t table_make(struct pgtable *pt, phys_addr_t entry, unsigned int level)
{
	uint64_t flags = level ? X86_KERNEL_TABLE : pt->format->top_flags;
	struct pt_table table = table_alloc(pt);
	uint64_t value;

	if (!table.phys)
		return 0;
	arch_spin_lock(&pt->lock);
	value = pt_load(pt, entry);
	if (!value) {
		pt_store(pt, entry, table.phys | flags);
		table_account_locked(pt, &table);
	}
	arch_spin_unlock(&pt->lock);
	if (!value)
		return table.phys | flags;
	table_free_unused(pt, &table);
	return value;
}

/* Whether @value, an entry of @level, maps something itself. */
static bool is_leaf(const struct pgtable *pt, unsigned int level, uint64_t value)
{
	if (level == last_level(pt))
		return true;
	return value & X86_PTE_PS && level >= pt->format->first_leaf;
}

/* The entry for @kva at @level, its tables made on the way if @make. 0: there is none (with @make:
 * no memory, or a large leaf stands above it). */
static phys_addr_t entry_at(struct pgtable *pt, kva_t kva, unsigned int level, bool make)
{
	phys_addr_t table = pt->root;

	for (unsigned int i = 0;; i++) {
		phys_addr_t entry = pt_index(pt, table, kva, i);
		uint64_t value;

		if (i == level)
			return entry;
		value = pt_load(pt, entry);
		if (!value && make)
			value = table_make(pt, entry, i);
		if (!value || is_leaf(pt, i, value))
			return 0;
		table = value & X86_PTE_ADDR_MASK;
	}
}

/* How many small entries there are from that of @kva to the end of its table. */
static unsigned long entries_left(const struct pgtable *pt, kva_t kva)
{
	unsigned long per_table = 1ul << pt->format->index_bits;

	return per_table - (kva >> X86_PTE_SHIFT & (per_table - 1));
}

/* --- life ------------------------------------------------------------------------------------- */

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

/* PAE's CR3 has 32 bits (section 4.4.1), so its table lies below 4 GiB, as low memory does. */
static struct pt_table top_alloc(struct pgtable *pt)
{
	struct pt_table table = {0, NULL};

	if (pt->format != &format_pae)
		return table_alloc(pt);
	arch_spin_lock(&pt->lock);
	table.phys = pt_pool_take_below(&pt->pool, (phys_addr_t)1 << 32);
	arch_spin_unlock(&pt->lock);
	return table.phys ? table : table_from_page();
}

int pgtable_start(struct pgtable *pt, kva_t kva, uint64_t size)
{
	uint64_t step = level_size(pt, 0);
	struct pt_table top = top_alloc(pt);

	if (!top.phys)
		return -ENOMEM;
	pt->root = top.phys;
	arch_spin_lock(&pt->lock);
	table_account_locked(pt, &top);
	arch_spin_unlock(&pt->lock);
	/* With two levels that would be all tables there can be. */
	if (pt->format->nr_levels == 2)
		return 0;
	for (kva_t at = kva & ~(step - 1); at < kva + size; at += step) {
		if (!entry_at(pt, at, 1, true))
			return -ENOMEM;
	}
	return 0;
}

int pgtable_prepare(struct pgtable *pt, kva_t kva, uint64_t size)
{
	uint64_t step = level_size(pt, last_level(pt) - 1);

	for (kva_t at = kva & ~(step - 1); at < kva + size; at += step)
		if (!entry_at(pt, at, last_level(pt), true))
			return -ENOMEM;
	return 0;
}

unsigned long pgtable_count(struct pgtable *pt, unsigned long *managed)
{
	unsigned long nr;

	arch_spin_lock(&pt->lock);
	nr = pt->nr_tables;
	*managed = pt->nr_managed;
	arch_spin_unlock(&pt->lock);
	return nr;
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

/* The highest level at which one leaf can map @start at @kva and does not reach beyond @end. */
static unsigned int largest_leaf(const struct pgtable *pt, kva_t kva, phys_addr_t start,
				 phys_addr_t end)
{
	unsigned int level = pt->format->first_leaf;

	for (; level < last_level(pt); level++) {
		uint64_t size = level_size(pt, level);

		if (!((start | kva) & (size - 1)) && end - start >= size)
			break;
	}
	return level;
}

static uint64_t leaf_value(const struct pgtable *pt, unsigned int level, phys_addr_t phys,
			   pgprot_t prot)
{
	prot &= pt->format->prot_mask;
	if (level == last_level(pt))
		return phys | prot;
	/* The bit that is PAT in a small leaf says "large" here. */
	if (prot & X86_PTE_PAT)
		prot |= X86_PTE_PAT_LARGE;
	return phys | prot | X86_PTE_PS;
}

int pgtable_map_range(struct pgtable *pt, kva_t kva, phys_addr_t start, phys_addr_t end,
		      pgprot_t prot, bool large)
{
	while (start < end) {
		unsigned int level = large ? largest_leaf(pt, kva, start, end) : last_level(pt);
		phys_addr_t entry = entry_at(pt, kva, level, true);
		uint64_t size = level_size(pt, level);

		/* Where small pages were, their table stays. */
		while (entry && level < last_level(pt) && pt_load(pt, entry)) {
			level++;
			size = level_size(pt, level);
			entry = entry_at(pt, kva, level, true);
		}
		if (!entry)
			return -ENOMEM;
		kassert(!pt_load(pt, entry));
		pt_store(pt, entry, leaf_value(pt, level, start, prot));
		start += size;
		kva += size;
	}
	return 0;
}

int pgtable_map_pages(struct pgtable *pt, kva_t kva, struct page *const *pages, unsigned long nr,
		      pgprot_t prot)
{
	unsigned int size = pt->format->entry_size;
	unsigned long done = 0;

	prot &= pt->format->prot_mask;
	while (done < nr) {
		kva_t at = kva + (done << PAGE_SHIFT);
		unsigned long n = entries_left(pt, at);
		phys_addr_t entry = entry_at(pt, at, last_level(pt), true);

		if (!entry) {
			pgtable_unmap(pt, kva, done);
			return -ENOMEM;
		}
		if (n > nr - done)
			n = nr - done;
		for (; n; n--, entry += size, done++) {
			kassert(!pt_load(pt, entry));
			pt_store(pt, entry, page_to_phys(pages[done]) | prot);
		}
	}
	return 0;
}

/* The entry that maps @kva, or that would if it were there, and its level. */
static uint64_t entry_found(const struct pgtable *pt, kva_t kva, unsigned int *level,
			    phys_addr_t *entry)
{
	phys_addr_t table = pt->root;

	for (unsigned int i = 0;; i++) {
		uint64_t value;

		*entry = pt_index(pt, table, kva, i);
		value = pt_load(pt, *entry);
		*level = i;
		if (!(value & X86_PTE_P) || is_leaf(pt, i, value))
			return value;
		table = value & X86_PTE_ADDR_MASK;
	}
}

void pgtable_unmap(struct pgtable *pt, kva_t kva, unsigned long nr)
{
	kva_t end = kva + ((kva_t)nr << PAGE_SHIFT);

	/* One lookup a leaf or hole, but for the small entries of one table. */
	while (kva < end) {
		unsigned int level;
		phys_addr_t entry;
		uint64_t value = entry_found(pt, kva, &level, &entry);
		uint64_t size = level_size(pt, level);
		unsigned long n = 1;

		if (level == last_level(pt)) {
			n = entries_left(pt, kva);
			if (n > (end - kva) >> PAGE_SHIFT)
				n = (unsigned long)((end - kva) >> PAGE_SHIFT);
			for (unsigned long i = 0; i < n; i++)
				pt_store(pt, entry + i * pt->format->entry_size, 0);
		} else if (value) {
			kassert(!(kva & (size - 1)) && end - kva >= size);
			pt_store(pt, entry, 0);
		}
		kva = (kva & ~(size - 1)) + n * size;
		if (!kva)
			break;
	}
}

uint64_t pgtable_lookup(const struct pgtable *pt, kva_t kva, unsigned int *shift)
{
	unsigned int level;
	phys_addr_t entry;
	uint64_t value = entry_found(pt, kva, &level, &entry);

	if (!(value & X86_PTE_P))
		return 0;
	*shift = pt->format->shifts[level];
	return value;
}

uint64_t pgtable_peek(const struct pgtable *pt, kva_t kva, unsigned int *level, uint64_t *size)
{
	phys_addr_t entry;
	uint64_t value = entry_found(pt, kva, level, &entry);

	*size = level_size(pt, *level);
	return value & X86_PTE_P ? value : 0;
}

const char *pgtable_level_name(const struct pgtable *pt, unsigned int level, bool leaf)
{
	/* In 32-bit paging the top table is Linux's pmd, the levels above it folded. */
	if (leaf && pt->format->nr_levels == 2 && !level)
		return "pmd";
	return pt->format->names[level];
}
