/* SPDX-License-Identifier: MIT */
/*
 * kmap_local_page(): a page of HIGHMEM in one of the 16 windows of a CPU, for one thread.
 *
 * Linux numbers a thread's mappings and uses the window of that number on the CPU where it runs,
 * which it may not leave. Here several threads can be attached to one CPU at the same time, so each
 * window says whose it is: a thread takes the lowest free one, which is Linux's as long as it is alone
 * on its CPU. Mappings of a thread are undone in reverse order; each knows its number for that.
 *
 * Windows follow one another downwards, CPU by CPU, as indices of the fixed maps do.
 *
 * The page-table entry is cleared by kunmap_local(). What the host shows stays until the window is
 * used again, and if that is for the same page, it costs no system call at all.
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

struct window {
	struct page *page;		/* NULL: free */
	const void *owner;		/* the thread; NULL: it did not come along into this process */
	unsigned int number;		/* of the owner's mappings on this CPU */
	const struct page *shown;	/* what the host's window shows; NULL: nothing */
};

struct cpu_windows {
	struct arch_spinlock lock;
	struct window windows[KM_MAX_IDX];
} __attribute__((aligned(ARCH_CACHE_LINE)));

struct kmap_local {
	kva_t top;			/* of CPU 0's first window */
	struct cpu_windows cpus[];
};

/* --- shared with kmap.c ----------------------------------------------------------------------- */

bool kmap_is_low(struct kernel *k, const struct page *page)
{
	return (phys_addr_t)page_to_pfn(page) << PAGE_SHIFT < buddy_lowmem_end(k);
}

void *kmap_ptr(const struct kernel *k, kva_t kva, const struct page *page)
{
	return alias_possible(k) ? window_ptr(k, kva) : k->arch->ram + page_to_phys(page);
}

struct page *kmap_private_page(struct kernel *k, const void *addr)
{
	uint64_t off = (uint64_t)((const char *)addr - k->arch->ram);

	return off < k->arch->ram_size ? pfn_to_page((unsigned long)(off >> PAGE_SHIFT)) : NULL;
}

bool PageHighMem(const struct page *page)
{
	struct kernel *k = arch_kernel();

	return k && !kmap_is_low(k, page);
}

/* --- windows ---------------------------------------------------------------------------------- */

static const void *self(void)
{
	return arch_context();
}

static kva_t kva_of(const struct kmap_local *kl, unsigned int cpu, unsigned int i)
{
	return kl->top - ((kva_t)(KM_MAX_IDX * cpu + i) << PAGE_SHIFT);
}

/* The thread's last window on a CPU; NULL: it has none. */
static struct window *last_of_locked(struct cpu_windows *cw, const void *owner)
{
	struct window *last = NULL;

	for (unsigned int i = 0; i < KM_MAX_IDX; i++) {
		struct window *w = &cw->windows[i];

		if (w->page && w->owner == owner && (!last || w->number > last->number))
			last = w;
	}
	return last;
}

/* One whose thread is no more, if there is no other. */
static struct window *free_locked(struct cpu_windows *cw)
{
	struct window *left = NULL;

	for (unsigned int i = 0; i < KM_MAX_IDX; i++) {
		if (!cw->windows[i].page)
			return &cw->windows[i];
		if (!cw->windows[i].owner)
			left = &cw->windows[i];
	}
	return left;
}

/* Only the page table, if the host shows the page already. */
static int map(struct vmalloc *v, struct window *w, kva_t kva, struct page *page)
{
	if (w->shown == page && alias_possible(v->kernel)) {
		arch_unpoison(window_ptr(v->kernel, kva), PAGE_SIZE);
		return pgtable_map_pages(&v->pgtable, kva, &page, 1, PAGE_KERNEL);
	}
	w->shown = NULL;
	if (alias_map_at(v, kva, &page, 1, PAGE_KERNEL))
		return -ENOMEM;
	w->shown = page;
	return 0;
}

/* Only the CPU of the window uses it: its TLB alone has to forget it. */
static void clear_locked(struct vmalloc *v, struct window *w, unsigned int cpu, kva_t kva)
{
	w->page = NULL;
	alias_unmap_at(v, kva, 1);
	if (arch_cpu_current()->id == cpu)
		arch_mmu_flush_local(kva, kva + PAGE_SIZE);
	else
		arch_mmu_flush(v->kernel->arch, kva, kva + PAGE_SIZE);
}

/* 0; -EBUSY: no window is free; -ENOMEM. */
static int take(struct vmalloc *v, unsigned int cpu, struct page *page, void **p)
{
	struct cpu_windows *cw = &v->kmap_local->cpus[cpu];
	struct window *w, *last;
	int ret = -EBUSY;
	kva_t kva;

	arch_spin_lock(&cw->lock);
	last = last_of_locked(cw, self());
	w = free_locked(cw);
	if (w) {
		kva = kva_of(v->kmap_local, cpu, (unsigned int)(w - cw->windows));
		if (unlikely(w->page))
			clear_locked(v, w, cpu, kva);
		ret = map(v, w, kva, page);
	}
	if (!ret) {
		w->page = page;
		w->owner = self();
		w->number = last ? last->number + 1 : 0;
		*p = kmap_ptr(v->kernel, kva, page);
	}
	arch_spin_unlock(&cw->lock);
	return ret;
}

void *kmap_local_page(struct page *page)
{
	struct kernel *k = arch_kernel();
	void *p = NULL;

	if (!k)
		return NULL;
	if (kmap_is_low(k, page))
		return page_address(page);
	if (take(k->vmalloc, arch_cpu_current()->id, page, &p) == -EBUSY)
		report_bug(k, "kmap_local_page: all %u windows of CPU %u are in use", KM_MAX_IDX,
			   arch_cpu_current()->id);
	return p;
}

/* --- back ------------------------------------------------------------------------------------- */

/* NULL: done; else what is wrong. */
static const char *give(struct vmalloc *v, unsigned int cpu, unsigned int i)
{
	struct cpu_windows *cw = &v->kmap_local->cpus[cpu];
	struct window *w = &cw->windows[i];
	const char *wrong = NULL;

	arch_spin_lock(&cw->lock);
	if (!w->page)
		wrong = "nothing is mapped there";
	else if (w->owner != self())
		wrong = "another thread has mapped it";
	else if (last_of_locked(cw, self()) != w)
		wrong = "it is not the thread's last mapping";
	if (!wrong)
		clear_locked(v, w, cpu, kva_of(v->kmap_local, cpu, i));
	arch_spin_unlock(&cw->lock);
	return wrong;
}

/* Private memory: the pointer names the page, the thread's last mapping has to be of it. */
static const char *give_private(struct vmalloc *v, const struct page *page)
{
	unsigned int cpu = arch_cpu_current()->id;
	struct cpu_windows *cw = &v->kmap_local->cpus[cpu];
	struct window *last;

	arch_spin_lock(&cw->lock);
	last = last_of_locked(cw, self());
	if (last && last->page != page)
		last = NULL;
	arch_spin_unlock(&cw->lock);
	return last ? give(v, cpu, (unsigned int)(last - cw->windows)) :
		      "it is not the thread's last mapping";
}

static const char *unmap(struct vmalloc *v, const void *addr)
{
	const struct arch_machine *am = v->kernel->arch;
	const struct page *page;
	kva_t below;

	if (!alias_possible(v->kernel)) {
		page = kmap_private_page(v->kernel, addr);
		return page ? give_private(v, page) : "it is no address of a page";
	}
	below = v->kmap_local->top - (window_kva(v->kernel, addr) & PAGE_MASK_64);
	if (below >> PAGE_SHIFT >= KM_MAX_IDX * am->nr_cpus)
		return "it is no address of kmap_local_page()";
	return give(v, (unsigned int)(below >> PAGE_SHIFT) / KM_MAX_IDX,
		    (unsigned int)(below >> PAGE_SHIFT) % KM_MAX_IDX);
}

void kunmap_local(const void *addr)
{
	struct kernel *k = arch_kernel();
	const char *wrong;

	if (!k || virt_addr_valid(addr))
		return;
	wrong = k->vmalloc->kmap_local ? unmap(k->vmalloc, addr) : "it is no address of a page";
	if (wrong)
		report_bug(k, "kunmap_local: %p: %s", addr, wrong);
}

void *kmap_atomic(struct page *page)
{
	void *p;

	preempt_disable();
	p = kmap_local_page(page);
	if (!p)
		preempt_enable();
	return p;
}

void kunmap_atomic(const void *addr)
{
	kunmap_local(addr);
	preempt_enable();
}

/* --- life ------------------------------------------------------------------------------------- */

int kmap_local_init(struct vmalloc *v)
{
	const struct arch_machine *am = v->kernel->arch;
	struct kva_layout l = kva_layout(am->desc->mode, am->nr_cpus, v->kernel->params.vmalloc_size);
	struct kmap_local *kl;

	if (!l.kmap_local_top)
		return 0;
	kl = arch_host_alloc(am, sizeof(*kl) + am->nr_cpus * sizeof(kl->cpus[0]));
	v->kmap_local = kl;
	if (!kl)
		return -ENOMEM;
	kl->top = l.kmap_local_top;
	for (unsigned int cpu = 0; cpu < am->nr_cpus; cpu++)
		arch_spin_init(&kl->cpus[cpu].lock, LOCK_RANK_VMAP_DIRECT);
	return pgtable_prepare(&v->pgtable, l.kmap_local_base,
			       l.kmap_local_top + PAGE_SIZE - l.kmap_local_base);
}

unsigned long kmap_local_exit(struct vmalloc *v)
{
	unsigned int nr_cpus = v->kmap_local ? v->kernel->arch->nr_cpus : 0;
	unsigned long leaks = 0;

	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++) {
		for (unsigned int i = 0; i < KM_MAX_IDX; i++) {
			const struct window *w = &v->kmap_local->cpus[cpu].windows[i];

			if (!w->page)
				continue;
			leaks++;
			report_warn(v->kernel, "kmap_local_page: the page of frame 0x%lx was never "
				    "unmapped", page_to_pfn(w->page));
		}
	}
	return leaks;
}

/* --- fork() ----------------------------------------------------------------------------------- */

static void forget_threads(struct cpu_windows *cw)
{
	for (unsigned int i = 0; i < KM_MAX_IDX; i++)
		if (cw->windows[i].owner != self())
			cw->windows[i].owner = NULL;
}

bool kmap_local_fork(struct vmalloc *v, struct fork_walk *w)
{
	unsigned int nr_cpus = v->kmap_local ? v->kernel->arch->nr_cpus : 0;

	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++) {
		struct cpu_windows *cw = &v->kmap_local->cpus[cpu];

		if (!fork_spinlock(w, &cw->lock))
			return false;
		if (fork_walk_in_child(w))
			forget_threads(cw);
	}
	return true;
}
