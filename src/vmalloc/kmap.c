/* SPDX-License-Identifier: MIT */
/*
 * kmap(): pages of HIGHMEM in a window of one page table (pkmap).
 *
 * An entry's count is Linux's:
 *
 *	0	free: nothing is mapped, and nothing shows it any more
 *	1	nobody uses it, but it is still mapped, for kmap() of the same page again
 *	n + 1	n users
 *
 * Entries are taken round robin. Each time the search comes round to the first one all of count 1
 * are unmapped and become 0: on hardware that costs one flush of all TLBs, here one host unmapping
 * for each run of neighbours. So an address is not used again before a flush.
 *
 * Mapped pages are found by hash, for kmap() of a page that is mapped already and for page_address().
 *
 * On private memory the entries and the page table are the same, but the pointer is the page's only
 * address in the host.
 */
#include "vmalloc/kmap.h"

#include "buddy/buddy.h"
#include "lib/context.h"
#include "lib/errno.h"
#include "lib/fork.h"
#include "lib/kva_layout.h"
#include "lib/lock_rank.h"
#include "lib/report.h"
#include "vmalloc/vmalloc.h"

#include <kmem/highmem.h>

#define HASH_SIZE 128u

struct pkmap_entry {
	struct page *page;
	unsigned int count;
	unsigned int next;	/* of the same hash: index + 1 */
};

struct pkmap {
	kva_t base;			/* constant */
	unsigned int nr;		/* constant; a power of two */
	struct arch_spinlock lock;	/* all below */
	unsigned int last;		/* taken last */
	unsigned int hash[HASH_SIZE];	/* index + 1; 0: none */
	uint32_t free_seq;		/* grows when an entry is given back; waited for */
	uint64_t nr_flushes;
	struct pkmap_entry entries[];
};

/* --- entries ---------------------------------------------------------------------------------- */

static unsigned int *bucket_of(struct pkmap *pk, const struct page *page)
{
	return &pk->hash[page_to_pfn(page) * 0x9e3779b1u >> 8 & (HASH_SIZE - 1)];
}

static struct pkmap_entry *find_locked(struct pkmap *pk, const struct page *page)
{
	unsigned int i = *bucket_of(pk, page);

	while (i && pk->entries[i - 1].page != page)
		i = pk->entries[i - 1].next;
	return i ? &pk->entries[i - 1] : NULL;
}

static void hash_add_locked(struct pkmap *pk, struct pkmap_entry *e)
{
	unsigned int *head = bucket_of(pk, e->page);

	e->next = *head;
	*head = (unsigned int)(e - pk->entries) + 1;
}

static void hash_del_locked(struct pkmap *pk, struct pkmap_entry *e)
{
	unsigned int self = (unsigned int)(e - pk->entries) + 1;
	unsigned int *link = bucket_of(pk, e->page);

	while (*link != self)
		link = &pk->entries[*link - 1].next;
	*link = e->next;
}

static kva_t kva_of(const struct pkmap *pk, const struct pkmap_entry *e)
{
	return pk->base + ((kva_t)(e - pk->entries) << PAGE_SHIFT);
}

static void *ptr_of(const struct vmalloc *v, const struct pkmap_entry *e)
{
	return kmap_ptr(v->kernel, kva_of(v->pkmap, e), e->page);
}

/* --- flush ------------------------------------------------------------------------------------ */

static void host_unmap(const struct vmalloc *v, unsigned int first, unsigned int nr)
{
	const struct arch_machine *am = v->kernel->arch;
	uint64_t off = v->pkmap->base - am->vmalloc_base + ((uint64_t)first << PAGE_SHIFT);

	/* What the host does not unmap now the next mapping replaces. */
	if (nr && alias_possible(v->kernel))
		(void)arch_unmap_ram(am, off, nr);
}

static void flush_locked(struct vmalloc *v)
{
	struct pkmap *pk = v->pkmap;
	unsigned int first = 0, run = 0;
	bool any = false;

	for (unsigned int i = 0; i < pk->nr; i++) {
		struct pkmap_entry *e = &pk->entries[i];

		if (e->count != 1) {
			host_unmap(v, first, run);
			run = 0;
			continue;
		}
		if (!run++)
			first = i;
		any = true;
		e->count = 0;
		hash_del_locked(pk, e);
		e->page = NULL;
		alias_unmap_at(v, kva_of(pk, e), 1);
	}
	host_unmap(v, first, run);
	pk->nr_flushes += any;
	if (any)
		arch_mmu_flush(v->kernel->arch, pk->base,
			       pk->base + ((kva_t)pk->nr << PAGE_SHIFT));
}

void kmap_flush_unused(void)
{
	struct kernel *k = arch_kernel();

	if (!k || !k->vmalloc->pkmap)
		return;
	arch_spin_lock(&k->vmalloc->pkmap->lock);
	flush_locked(k->vmalloc);
	arch_spin_unlock(&k->vmalloc->pkmap->lock);
}

/* --- mapping ---------------------------------------------------------------------------------- */

/* A free entry; NULL: all are in use. */
static struct pkmap_entry *take_locked(struct vmalloc *v)
{
	struct pkmap *pk = v->pkmap;

	for (unsigned int i = 0; i < 2 * pk->nr; i++) {
		pk->last = (pk->last + 1) & (pk->nr - 1);
		if (!pk->last)
			flush_locked(v);
		if (!pk->entries[pk->last].count)
			return &pk->entries[pk->last];
	}
	return NULL;
}

/* @page, which is not mapped, in a free entry. 0; -EBUSY: there is none; -ENOMEM. */
static int map_locked(struct vmalloc *v, struct page *page)
{
	struct pkmap_entry *e = take_locked(v);

	if (!e)
		return -EBUSY;
	if (alias_map_at(v, kva_of(v->pkmap, e), &page, 1, PAGE_KERNEL))
		return -ENOMEM;
	e->page = page;
	e->count = 1;
	hash_add_locked(v->pkmap, e);
	return 0;
}

/* False: nobody could give an entry back. */
static bool wait_for_entry(struct vmalloc *v, uint32_t seen)
{
	if (arch_alone()) {
		report_bug(v->kernel, "kmap: all %u entries are in use, and there is no other thread "
				      "that could give one back", v->pkmap->nr);
		return false;
	}
	arch_wait(&v->pkmap->free_seq, seen, 100);
	return true;
}

static void *map_high(struct vmalloc *v, struct page *page)
{
	struct pkmap *pk = v->pkmap;

	for (;;) {
		struct pkmap_entry *e;
		void *p = NULL;
		uint32_t seen;
		int ret = 0;

		arch_spin_lock(&pk->lock);
		e = find_locked(pk, page);
		if (!e) {
			ret = map_locked(v, page);
			e = ret ? NULL : find_locked(pk, page);
		}
		if (e) {
			e->count++;
			p = ptr_of(v, e);
		}
		seen = __atomic_load_n(&pk->free_seq, __ATOMIC_RELAXED);
		arch_spin_unlock(&pk->lock);
		if (ret != -EBUSY || !wait_for_entry(v, seen))
			return p;
	}
}

void *kmap(struct page *page)
{
	struct kernel *k = arch_kernel();
	void *p;

	if (!k)
		return NULL;
	if (in_interrupt()) {
		report_bug(k, "kmap: called in an interrupt");
		return NULL;
	}
	context_begin_call("kmap");
	p = kmap_is_low(k, page) ? page_address(page) : map_high(k->vmalloc, page);
	context_end_call();
	return p;
}

/* 0; 1: it was not mapped. */
static int unmap_high(struct pkmap *pk, const struct page *page)
{
	struct pkmap_entry *e;
	bool mapped;

	arch_spin_lock(&pk->lock);
	e = find_locked(pk, page);
	mapped = e && e->count > 1;
	if (mapped && --e->count == 1)
		__atomic_fetch_add(&pk->free_seq, 1, __ATOMIC_RELEASE);
	arch_spin_unlock(&pk->lock);
	if (mapped)
		arch_wake(&pk->free_seq);
	return !mapped;
}

void kunmap(struct page *page)
{
	struct kernel *k = arch_kernel();

	if (!k || kmap_is_low(k, page))
		return;
	if (in_interrupt())
		report_bug(k, "kunmap: called in an interrupt");
	else if (unmap_high(k->vmalloc->pkmap, page))
		report_bug(k, "kunmap: the page of frame 0x%lx is not mapped by kmap()",
			   page_to_pfn(page));
}

/* --- looking ---------------------------------------------------------------------------------- */

/* page_address() of a page in HIGHMEM. */
static void *address_of(struct kernel *k, const struct page *page)
{
	struct pkmap *pk = k->vmalloc->pkmap;
	struct pkmap_entry *e;
	void *p;

	arch_spin_lock(&pk->lock);
	e = find_locked(pk, page);
	p = e ? ptr_of(k->vmalloc, e) : NULL;
	arch_spin_unlock(&pk->lock);
	return p;
}

struct page *kmap_to_page(const void *addr)
{
	struct kernel *k = arch_kernel();
	struct pkmap *pk = k ? k->vmalloc->pkmap : NULL;
	struct page *page = NULL;
	kva_t off;

	if (!k || virt_addr_valid(addr))
		return k ? virt_to_page(addr) : NULL;
	if (!pk)
		return NULL;
	if (!alias_possible(k))
		return kmap_private_page(k, addr);
	off = window_kva(k, addr) - pk->base;
	if (off >> PAGE_SHIFT >= pk->nr)
		return NULL;
	arch_spin_lock(&pk->lock);
	page = pk->entries[off >> PAGE_SHIFT].page;
	arch_spin_unlock(&pk->lock);
	return page;
}

/* --- life ------------------------------------------------------------------------------------- */

int pkmap_init(struct vmalloc *v)
{
	const struct arch_machine *am = v->kernel->arch;
	struct kva_layout l = kva_layout(am->desc->mode, am->nr_cpus, v->kernel->params.vmalloc_size);
	struct pkmap *pk;

	if (!l.nr_pkmap)
		return 0;
	pk = arch_host_alloc(am, sizeof(*pk) + l.nr_pkmap * sizeof(pk->entries[0]));
	v->pkmap = pk;
	if (!pk)
		return -ENOMEM;
	pk->base = l.pkmap_base;
	pk->nr = l.nr_pkmap;
	arch_spin_init(&pk->lock, LOCK_RANK_VMAP_DIRECT);
	v->kernel->kmap_address = address_of;
	return pgtable_prepare(&v->pgtable, pk->base, (uint64_t)pk->nr << PAGE_SHIFT);
}

unsigned long pkmap_exit(struct vmalloc *v)
{
	struct pkmap *pk = v->pkmap;
	unsigned long leaks = 0;

	for (unsigned int i = 0; pk && i < pk->nr; i++) {
		if (pk->entries[i].count <= 1)
			continue;
		leaks++;
		report_warn(v->kernel, "kmap: the page of frame 0x%lx was never unmapped",
			    page_to_pfn(pk->entries[i].page));
	}
	v->kernel->kmap_address = NULL;
	return leaks;
}

bool pkmap_fork(struct vmalloc *v, struct fork_walk *w)
{
	return !v->pkmap || fork_spinlock(w, &v->pkmap->lock);
}
