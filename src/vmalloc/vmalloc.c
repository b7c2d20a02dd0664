/* SPDX-License-Identifier: MIT */
/*
 * vmalloc and vmap: memory that is contiguous only virtually.
 *
 *	vmalloc()   addresses (vmap_area.c) + single pages (page allocator) + mapping (alias.c)
 *	vmap()      addresses + the caller's pages + mapping
 *	vfree(), vunmap()
 *	            unmap, give the pages back, let the addresses wait for a purge
 *
 * An area's life:
 *
 *	made      it has addresses and stands in the busy tree; `ready` is false, nobody looks at it
 *	ready     mapped; the caller has the pointer; constant
 *	taken     off the busy tree: whoever took it owns it alone and takes it apart
 *
 * The state changes hands at one point, under the lock of the busy tree: of two threads that free
 * the same pointer one takes it, the other is told that there is no such area.
 *
 * In an interrupt only vfree() may be called: it takes the area and leaves the rest to the next
 * call of this file in a task, as Linux leaves it to a work item.
 *
 * A failure halfway gives everything back: pages, array, addresses (which wait for the purge, since
 * the host may already show something there).
 *
 * On private memory (alias_possible() is false) a page has one address. The area is made as ever,
 * and mapped for the simulated x86, but its pages are one block and the pointer is the block's in
 * the direct map (direct.c).
 *
 * Pages are taken a hundred at a time, as Linux does, and each hundred is sorted by frame: the
 * page allocator's lists hand neighbours out in any order, and neighbours cost one host mapping
 * together.
 */
#include "vmalloc/vmalloc.h"

#include "buddy/alloc_report.h"
#include "buddy/buddy.h"
#include "common/registry.h"
#include "lib/context.h"
#include "lib/report.h"

#define BULK 100

static struct vmalloc *vmalloc_of(struct kernel *k, const char *who)
{
	if (likely(k->vmalloc))
		return k->vmalloc;
	pr_err(k, "%s: the page tables of this machine's paging mode are not in this version", who);
	return NULL;
}

/* Whether @who may be called here: not in an interrupt. In other atomic contexts it is reported and
 * goes on. True: vmalloc_end() has to follow. */
static bool vmalloc_begin(struct vmalloc *v, gfp_t gfp, const char *who)
{
	if (in_interrupt()) {
		report_bug(v->kernel, "%s: called in an interrupt", who);
		return false;
	}
	context_begin_alloc(gfp, who);
	vmalloc_run_deferred(v);
	return true;
}

static void vmalloc_end(void)
{
	context_end_call();
}

static void warn_failure(struct kernel *k, gfp_t gfp, unsigned long size, const char *what)
{
	char text[128];

	if (gfp & __GFP_NOWARN)
		return;
	ksnprintf(text, sizeof(text), "vmalloc error: size %lu, %s", size, what);
	warn_alloc_text(k, gfp, text);
}

/* --- addresses -------------------------------------------------------------------------------- */

static void *window_ptr(const struct kernel *k, kva_t kva)
{
	return k->arch->vmalloc + (kva - k->arch->vmalloc_base);
}

/* Whether @addr lies in the host's vmalloc window. */
static bool in_window(const struct kernel *k, const void *addr)
{
	const struct arch_machine *am = k->arch;

	return am->vmalloc && (uint64_t)((const char *)addr - am->vmalloc) < am->vmalloc_size;
}

static kva_t window_kva(const struct kernel *k, const void *addr)
{
	return k->arch->vmalloc_base + (uint64_t)((const char *)addr - k->arch->vmalloc);
}

/* The area in which @addr lies, guard page included, whether it is ready or not. */
static struct vmap_vm *vm_find(struct vmalloc *v, const void *addr)
{
	if (!alias_possible(v->kernel))
		return direct_find(v, addr);
	if (!in_window(v->kernel, addr))
		return NULL;
	return vmap_area_find(&v->areas, window_kva(v->kernel, addr));
}

/* What the simulated x86 calls @addr in the vmalloc region; 0 if it lies in no area of it. */
static kva_t vm_kva(struct vmalloc *v, const void *addr)
{
	struct vmap_vm *vm;

	if (in_window(v->kernel, addr))
		return window_kva(v->kernel, addr);
	if (alias_possible(v->kernel))
		return 0;
	vm = direct_find(v, addr);
	return vm ? vm->va->start + (uint64_t)((const char *)addr - (const char *)vm->vm.addr) : 0;
}

/* --- areas ------------------------------------------------------------------------------------ */

static struct vmap_vm *vm_make(struct vmalloc *v, unsigned long size, unsigned long align,
			       unsigned long kind, const void *caller)
{
	struct kernel *k = v->kernel;
	struct vmap_vm *vm = meta_alloc(k, sizeof(*vm), NUMA_NO_NODE);

	if (!vm)
		return NULL;
	vm->vm.size = size + PAGE_SIZE;
	vm->vm.flags = kind;
	vm->vm.caller = caller;
	vm->va = vmap_area_alloc(&v->areas, vm->vm.size, align, kind, vm);
	if (vm->va)
		return vm;
	meta_free(k, vm, sizeof(*vm));
	return NULL;
}

/* From here on others may look at it. */
static void *vm_publish(struct vmalloc *v, struct vmap_vm *vm)
{
	if (alias_possible(v->kernel))
		vm->vm.addr = window_ptr(v->kernel, vm->va->start);
	else
		direct_add(v, vm);
	__atomic_store_n(&vm->ready, true, __ATOMIC_RELEASE);
	return vm->vm.addr;
}

/* The ready area of @kind that starts at @addr, which is the caller's alone; NULL: none. */
static struct vmap_vm *vm_take(struct vmalloc *v, const void *addr, unsigned long kind)
{
	struct vmap_area *va;
	struct vmap_vm *vm;

	if (alias_possible(v->kernel)) {
		if (!in_window(v->kernel, addr))
			return NULL;
		va = vmap_area_take(&v->areas, window_kva(v->kernel, addr), kind);
		return va ? va->vm : NULL;
	}
	vm = kind == VM_ALLOC ? direct_take(v, addr) : NULL;
	if (vm)
		vmap_area_take(&v->areas, vm->va->start, kind);
	return vm;
}

/* --- arrays of pages -------------------------------------------------------------------------- */

static size_t array_size(unsigned long nr)
{
	return nr * sizeof(struct page *);
}

/* Large arrays are areas themselves, as in Linux. */
static bool array_is_area(const struct kernel *k, unsigned long nr)
{
	return !k->params.isolate_metadata && array_size(nr) > PAGE_SIZE;
}

static struct page **array_alloc(struct vmalloc *v, unsigned long nr, const void *caller)
{
	struct kernel *k = v->kernel;
	struct page **pages;

	if (!array_is_area(k, nr))
		return meta_alloc(k, array_size(nr), NUMA_NO_NODE);
	pages = vmalloc_node_range(k, array_size(nr), PAGE_SIZE, GFP_KERNEL | __GFP_ZERO,
				   PAGE_KERNEL, NUMA_NO_NODE, caller);
	if (pages)
		vm_find(v, pages)->internal = true;
	return pages;
}

static void vm_unmake(struct vmalloc *v, struct vmap_vm *vm, unsigned long nr);

static void array_free(struct vmalloc *v, struct page **pages, unsigned long nr)
{
	struct vmap_vm *vm;

	if (!pages)
		return;
	if (!array_is_area(v->kernel, nr)) {
		meta_free(v->kernel, pages, array_size(nr));
		return;
	}
	vm = vm_take(v, pages, VM_ALLOC);
	kassert(vm);
	vm_unmake(v, vm, vm->vm.nr_pages);
}

/* --- pages ------------------------------------------------------------------------------------ */

/* By frame: entries of the memmap stand in that order. Mostly they are sorted already. */
static void sort_pages(struct page **pages, unsigned long nr)
{
	for (unsigned long i = 1; i < nr; i++) {
		struct page *page = pages[i];
		unsigned long at = i;

		for (; at && (uintptr_t)pages[at - 1] > (uintptr_t)page; at--)
			pages[at] = pages[at - 1];
		pages[at] = page;
	}
}

static unsigned long take_single_pages(struct page **pages, unsigned long nr, gfp_t gfp, int nid)
{
	unsigned long done = 0;

	while (nid == NUMA_NO_NODE && done < nr) {
		unsigned long want = nr - done < BULK ? nr - done : BULK;
		unsigned long got = alloc_pages_bulk_array(gfp, want, pages + done);

		sort_pages(pages + done, got);
		done += got;
		if (got < want)
			break;
	}
	for (; done < nr; done++) {
		pages[done] = alloc_pages_node(nid, gfp, 0);
		if (!pages[done])
			break;
	}
	return done;
}

/* A block of @nr single pages; NULL: there is none. */
static struct page *block_alloc(unsigned long nr, gfp_t gfp, int nid)
{
	unsigned int order = 0;
	struct page *block;

	while (1ul << order < nr)
		order++;
	block = order < MAX_ORDER ? alloc_pages_node(nid, gfp, order) : NULL;
	if (!block)
		return NULL;
	split_page(block, order);
	for (unsigned long i = nr; i < 1ul << order; i++)
		__free_page(page_step(block, i));
	return block;
}

static unsigned long take_block(struct kernel *k, struct page **pages, unsigned long nr, gfp_t gfp,
				int nid)
{
	struct page *block = block_alloc(nr, gfp, nid);

	if (!block) {
		pr_err(k, "vmalloc: no contiguous block of %lu pages, and backing=private has no "
		       "other way to make them look contiguous", nr);
		return 0;
	}
	for (unsigned long i = 0; i < nr; i++)
		pages[i] = page_step(block, i);
	return nr;
}

/* As many as there are, up to @nr. */
static unsigned long take_pages(struct kernel *k, struct page **pages, unsigned long nr, gfp_t gfp,
				int nid)
{
	if (!alias_possible(k))
		return take_block(k, pages, nr, gfp | __GFP_NOWARN, nid);
	if (!(gfp & (__GFP_DMA | __GFP_DMA32)))
		gfp |= __GFP_HIGHMEM;
	return take_single_pages(pages, nr, gfp | __GFP_NOWARN, nid);
}

/* --- vmalloc ---------------------------------------------------------------------------------- */

/* Take apart what vm_make() and the steps after it have made; @nr: length of the array. It was
 * taken off the busy tree. */
static void vm_unmake(struct vmalloc *v, struct vmap_vm *vm, unsigned long nr)
{
	struct kernel *k = v->kernel;

	alias_unmap(v, vm->va, (vm->vm.size >> PAGE_SHIFT) - 1);
	for (unsigned int i = 0; i < vm->vm.nr_pages; i++)
		__free_page(vm->vm.pages[i]);
	array_free(v, vm->vm.pages, nr);
	vmap_area_free(&v->areas, vm->va);
	meta_free(k, vm, sizeof(*vm));
}

/* Pages and mapping for an area that has its addresses. NULL: done; else what failed. */
static const char *vm_fill(struct vmalloc *v, struct vmap_vm *vm, unsigned long nr, gfp_t gfp,
			   pgprot_t prot, int nid)
{
	vm->vm.pages = array_alloc(v, nr, vm->vm.caller);
	if (!vm->vm.pages)
		return "failed to allocate the page array";
	vm->vm.nr_pages = (unsigned int)take_pages(v->kernel, vm->vm.pages, nr, gfp, nid);
	if (vm->vm.nr_pages < nr)
		return "page order 0, failed to allocate pages";
	if (!alias_possible(v->kernel))
		vm->vm.addr = page_address(vm->vm.pages[0]);
	return alias_map(v, vm->va, vm->vm.pages, nr, prot) ? "failed to map pages" : NULL;
}

static void *vmalloc_area(struct vmalloc *v, unsigned long size, unsigned long align, gfp_t gfp,
			  pgprot_t prot, int nid, const void *caller)
{
	struct kernel *k = v->kernel;
	unsigned long nr = (size >> PAGE_SHIFT) + !!(size & ~PAGE_MASK);
	struct vmap_vm *vm;
	const char *failed;

	if (!size) {
		report_warn_on(k, "vmalloc: size 0");
		return NULL;
	}
	if (nr > totalram_pages()) {
		warn_failure(k, gfp, size, "exceeds total pages");
		return NULL;
	}
	vm = vm_make(v, nr << PAGE_SHIFT, align, VM_ALLOC, caller);
	if (!vm) {
		warn_failure(k, gfp, size, "vm_struct allocation failed");
		return NULL;
	}
	failed = vm_fill(v, vm, nr, gfp, prot, nid);
	if (!failed)
		return vm_publish(v, vm);
	vmap_area_take(&v->areas, vm->va->start, VM_ALLOC);
	vm_unmake(v, vm, nr);
	warn_failure(k, gfp, size, failed);
	return NULL;
}

void *vmalloc_node_range(struct kernel *k, unsigned long size, unsigned long align, gfp_t gfp,
			 pgprot_t prot, int nid, const void *caller)
{
	struct vmalloc *v = vmalloc_of(k, "vmalloc");
	void *p;

	if (!v || !vmalloc_begin(v, gfp, "vmalloc"))
		return NULL;
	p = vmalloc_area(v, size, align, gfp, prot, nid, caller);
	vmalloc_end();
	return p;
}

void *vmalloc(unsigned long size)
{
	struct kernel *k = arch_kernel();

	return k ? vmalloc_node_range(k, size, PAGE_SIZE, GFP_KERNEL, PAGE_KERNEL,
				      NUMA_NO_NODE, __builtin_return_address(0)) :
		   NULL;
}

void *vzalloc(unsigned long size)
{
	struct kernel *k = arch_kernel();

	return k ? vmalloc_node_range(k, size, PAGE_SIZE, GFP_KERNEL | __GFP_ZERO, PAGE_KERNEL,
				      NUMA_NO_NODE, __builtin_return_address(0)) :
		   NULL;
}

/* --- vmap ------------------------------------------------------------------------------------- */

static bool pages_are_ram(struct page *const *pages, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (!pages[i] || pfn_to_page(page_to_pfn(pages[i])) != pages[i])
			return false;
	return true;
}

/* NULL: good; else what is wrong. */
static const char *check_vmap(struct page *const *pages, unsigned int count, unsigned long flags,
			      pgprot_t prot)
{
	if (flags & ~VM_MAP)
		return "unknown flags";
	if (!(prot & X86_PTE_P) || prot & X86_PTE_ADDR_MASK)
		return "no protection of a 4 KiB entry";
	if (!pages_are_ram(pages, count))
		return "a pointer to no page of this machine";
	return NULL;
}

static void *vmap_area_of(struct vmalloc *v, struct page **pages, unsigned int count,
			  unsigned long flags, pgprot_t prot, const void *caller)
{
	struct kernel *k = v->kernel;
	const char *wrong;
	struct vmap_vm *vm;

	if (!count || count > totalram_pages())
		return NULL;
	wrong = check_vmap(pages, count, flags, prot);
	if (wrong) {
		report_warn(k, "vmap: %s", wrong);
		return NULL;
	}
	if (!alias_possible(k)) {
		pr_err(k, "vmap: pages have no second addresses on a machine with backing=private");
		return NULL;
	}
	vm = vm_make(v, (unsigned long)count << PAGE_SHIFT, PAGE_SIZE, VM_MAP, caller);
	if (!vm)
		return NULL;
	if (!alias_map(v, vm->va, pages, count, prot))
		return vm_publish(v, vm);
	vmap_area_take(&v->areas, vm->va->start, VM_MAP);
	vm_unmake(v, vm, 0);
	return NULL;
}

void *vmap(struct page **pages, unsigned int count, unsigned long flags, pgprot_t prot)
{
	struct kernel *k = arch_kernel();
	struct vmalloc *v = k ? vmalloc_of(k, "vmap") : NULL;
	void *p;

	if (!v || !vmalloc_begin(v, GFP_KERNEL, "vmap"))
		return NULL;
	p = vmap_area_of(v, pages, count, flags, prot, __builtin_return_address(0));
	vmalloc_end();
	return p;
}

/* --- giving back ------------------------------------------------------------------------------ */

static void report_bad_free(struct vmalloc *v, const char *who, const void *addr)
{
	struct kernel *k = v->kernel;
	struct vmap_vm *vm = vm_find(v, addr);
	unsigned long long kva = in_window(k, addr) ? window_kva(k, addr) : slab_addr(addr);
	const char *why = "";

	if (vm && vm->vm.addr != addr)
		why = ": it lies inside an area";
	else if (vm)
		why = vm->vm.flags & VM_MAP ? ": that is vunmap()'s" : ": that is vfree()'s";
	if ((uintptr_t)addr & ~PAGE_MASK)
		report_warn(k, "Trying to %s() bad address (0x%llx)", who, kva);
	else
		report_warn(k, "Trying to %s() nonexistent vm area (0x%llx)%s", who, kva, why);
}

/* The area at @addr, taken; NULL after a report. */
static struct vmap_vm *take_to_free(struct vmalloc *v, const void *addr, unsigned long kind,
				    const char *who)
{
	struct vmap_vm *vm = (uintptr_t)addr & ~PAGE_MASK ? NULL : vm_take(v, addr, kind);

	if (!vm)
		report_bad_free(v, who, addr);
	return vm;
}

static void free_area(struct vmalloc *v, const void *addr, unsigned long kind, const char *who)
{
	struct vmap_vm *vm;

	if (!vmalloc_begin(v, GFP_KERNEL, who))
		return;
	vm = take_to_free(v, addr, kind, who);
	if (vm)
		vm_unmake(v, vm, vm->vm.nr_pages);
	vmalloc_end();
}

void vmalloc_release(struct vmalloc *v, struct vmap_vm *vm)
{
	if (vm_take(v, vm->vm.addr, vm->va->kind))
		vm_unmake(v, vm, vm->vm.nr_pages);
}

static void vfree_deferred(struct vmalloc *v, const void *addr)
{
	struct vmap_vm *vm = take_to_free(v, addr, VM_ALLOC, "vfree");

	if (!vm)
		return;
	vm->next = __atomic_load_n(&v->deferred, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&v->deferred, &vm->next, vm, false, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED))
		;
}

void vmalloc_run_deferred(struct vmalloc *v)
{
	struct vmap_vm *vm;

	if (likely(!__atomic_load_n(&v->deferred, __ATOMIC_RELAXED)))
		return;
	vm = __atomic_exchange_n(&v->deferred, NULL, __ATOMIC_ACQUIRE);
	while (vm) {
		struct vmap_vm *next = vm->next;

		vm_unmake(v, vm, vm->vm.nr_pages);
		vm = next;
	}
}

void vfree(const void *addr)
{
	struct kernel *k = arch_kernel();
	struct vmalloc *v = k && addr ? vmalloc_of(k, "vfree") : NULL;

	if (!v)
		return;
	if (in_interrupt())
		vfree_deferred(v, addr);
	else
		free_area(v, addr, VM_ALLOC, "vfree");
}

void vunmap(const void *addr)
{
	struct kernel *k = arch_kernel();
	struct vmalloc *v = k && addr ? vmalloc_of(k, "vunmap") : NULL;

	if (v)
		free_area(v, addr, VM_MAP, "vunmap");
}

void vm_unmap_aliases(void)
{
	struct kernel *k = arch_kernel();
	struct vmalloc *v = k ? k->vmalloc : NULL;

	if (!v || !vmalloc_begin(v, GFP_KERNEL, "vm_unmap_aliases"))
		return;
	vmap_areas_purge(&v->areas);
	vmalloc_end();
}

/* --- looking ---------------------------------------------------------------------------------- */

struct page *vmalloc_to_page(const void *addr)
{
	struct kernel *k = arch_kernel();
	kva_t kva = k && k->vmalloc ? vm_kva(k->vmalloc, addr) : 0;
	uint64_t leaf, below;
	unsigned int shift;

	leaf = kva ? pgtable_lookup(&k->vmalloc->pgtable, kva, &shift) : 0;
	if (!leaf)
		return NULL;
	below = kva & (((uint64_t)1 << shift) - 1);
	return pfn_to_page((unsigned long)(((leaf & X86_PTE_ADDR_MASK) + below) >> PAGE_SHIFT));
}

unsigned long vmalloc_to_pfn(const void *addr)
{
	struct page *page = vmalloc_to_page(addr);

	return page ? page_to_pfn(page) : 0;
}

bool is_vmalloc_addr(const void *addr)
{
	struct kernel *k = arch_kernel();

	if (!k || !k->vmalloc)
		return false;
	return alias_possible(k) ? in_window(k, addr) : !!direct_find(k->vmalloc, addr);
}

struct vm_struct *find_vm_area(const void *addr)
{
	struct kernel *k = arch_kernel();
	struct vmap_vm *vm = k && k->vmalloc ? vm_find(k->vmalloc, addr) : NULL;

	return vm && __atomic_load_n(&vm->ready, __ATOMIC_ACQUIRE) ? &vm->vm : NULL;
}
