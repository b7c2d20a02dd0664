/* SPDX-License-Identifier: MIT */
/*
 * vmalloc and its relatives: memory that is contiguous only virtually, and how it is given back.
 *
 *	vmalloc()   addresses (vm_area.c, vmap_area.c) + single pages (vm_pages.c) + mapping (alias.c)
 *	vfree()     unmap, give the pages back, let the addresses wait for a purge
 *
 * All of the family are one request (struct vm_request) with different words in it.
 *
 * vmalloc_huge() asks for addresses aligned to a large page and for blocks of that size; where that
 * fails as a whole it is an ordinary vmalloc().
 *
 * In an interrupt only vfree() may be called: it takes the area and leaves the rest to the next
 * call of this family in a task, as Linux leaves it to a work item. vfree_atomic() does so
 * everywhere.
 *
 * A failure halfway gives everything back: pages, array, addresses (which wait for the purge, since
 * the host may already show something there).
 *
 * On private memory (alias_possible() is false) a page has one address. The area is made as ever,
 * and mapped for the simulated x86, but its pages are one block and the pointer is the block's in
 * the direct map (direct.c).
 */
#include "vmalloc/vmalloc.h"

#include "buddy/alloc_report.h"
#include "buddy/buddy.h"
#include "common/registry.h"
#include "lib/context.h"
#include "lib/kva_layout.h"
#include "lib/math.h"
#include "lib/report.h"

bool vmalloc_begin(struct vmalloc *v, gfp_t gfp, const char *who)
{
	if (in_interrupt()) {
		report_bug(v->kernel, "%s: called in an interrupt", who);
		return false;
	}
	context_begin_alloc(gfp, who);
	vmalloc_run_deferred(v);
	return true;
}

void vmalloc_end(void)
{
	context_end_call();
}

/* @fmt: what failed. */
static KMEM_PRINTF(4, 5) void warn_failure(struct kernel *k, gfp_t gfp, unsigned long size,
					   const char *fmt, ...)
{
	char text[128];
	va_list args;
	int len;

	if (gfp & __GFP_NOWARN)
		return;
	len = ksnprintf(text, sizeof(text), "vmalloc error: size %lu, ", size);
	va_start(args, fmt);
	kvsnprintf(text + len, sizeof(text) - (size_t)len, fmt, args);
	va_end(args);
	warn_alloc_text(k, gfp, text);
}

/* --- one request ------------------------------------------------------------------------------ */

static unsigned long pages_of(unsigned long size)
{
	return (size >> PAGE_SHIFT) + !!(size & ~PAGE_MASK);
}

/* The size and order of the pages that @r may be mapped by; 0: small ones. Linux: 64-bit kernels
 * only, for at least a large page on each node. */
static unsigned int huge_order(const struct kernel *k, const struct vm_request *r)
{
	unsigned long share = r->size;

	if (!(r->flags & VM_ALLOW_HUGE_VMAP) || kva_mode_is_32(k->arch->desc->mode))
		return 0;
	if (!alias_possible(k) || r->prot != PAGE_KERNEL)
		return 0;
	if (r->node == NUMA_NO_NODE)
		share /= k->arch->nr_nodes;
	return share >> X86_PMD_SHIFT ? X86_PMD_SHIFT - PAGE_SHIFT : 0;
}

/* Pages and mapping for an area that has its addresses. False after a line in the log. */
static bool fill(struct vmalloc *v, struct vmap_vm *vm, const struct vm_request *r,
		 unsigned int order)
{
	struct kernel *k = v->kernel;
	unsigned long nr = pages_of(r->size);

	vm->vm.pages = vm_array_alloc(v, nr, r->gfp, r->node, r->caller);
	if (!vm->vm.pages) {
		warn_failure(k, r->gfp, r->size, "failed to allocated page array size %lu",
			     nr * sizeof(struct page *));
		return false;
	}
	vm->array_len = nr;
	vm->vm.page_order = order;
	vm->vm.nr_pages = (unsigned int)vm_take_pages(k, vm->vm.pages, nr, order, r->align, r->gfp,
						       r->node);
	__atomic_add_fetch(&v->nr_pages, vm->vm.nr_pages, __ATOMIC_RELAXED);
	if (vm->vm.nr_pages < nr) {
		warn_failure(k, r->gfp, r->size, "page order %u, failed to allocate pages", order);
		return false;
	}
	if (!alias_possible(k))
		vm->vm.addr = page_address(vm->vm.pages[0]);
	if (!alias_map(v, vm->va, vm->vm.pages, nr, r->prot, order))
		return true;
	if (r->full)
		*r->full = true;
	warn_failure(k, r->gfp, r->size, "page order %u, failed to map pages", order);
	return false;
}

/* NULL after a line in the log. */
static void *make_area(struct vmalloc *v, const struct vm_request *r, unsigned int order)
{
	struct vm_request padded = *r;
	unsigned long unit = PAGE_SIZE << order;
	struct vmap_vm *vm;

	padded.size = round_up(r->size, unit);
	if (padded.align < unit)
		padded.align = unit;
	padded.flags &= ~VM_ALLOW_HUGE_VMAP;
	vm = vm_make(v, &padded);
	if (!vm) {
		warn_failure(v->kernel, r->gfp, r->size, "vm_struct allocation failed%s",
			     r->gfp & __GFP_NOFAIL ? ". Retrying." : "");
		return NULL;
	}
	if (fill(v, vm, &padded, order))
		return vm_publish(v, vm);
	vm_drop(v, vm);
	return NULL;
}

/* Whether a request that must not fail may have better luck later: there could be room for it, and
 * there is somebody who could make some. */
static bool wait_for_room(struct vmalloc *v, const struct vm_request *r)
{
	const struct arch_machine *am = v->kernel->arch;
	kva_t start = r->end ? r->start : am->vmalloc_base;
	kva_t end = r->end ? r->end : am->vmalloc_base + am->vmalloc_size;
	kva_t first = round_up(start, r->align);
	uint32_t nobody_wakes = 0;

	if (first < start || first >= end || end - first <= r->size || !alias_possible(v->kernel))
		return false;
	if (arch_alone()) {
		report_bug(v->kernel, "vmalloc: no room for %lu bytes with __GFP_NOFAIL, and there is "
				      "no other thread that could make some", r->size);
		return false;
	}
	arch_wait(&nobody_wakes, 0, 1);
	vmalloc_run_deferred(v);
	return true;
}

/* Linux, too, repeats a request with __GFP_NOFAIL each tick; the log hears of it once. Pages are not
 * waited for here: the page allocator has done what it can. */
static void *make_small(struct vmalloc *v, const struct vm_request *r)
{
	struct vm_request again = *r;
	bool full = false;
	void *p;

	again.full = &full;
	p = make_area(v, &again, 0);
	again.gfp |= __GFP_NOWARN;
	while (!p && full && r->gfp & __GFP_NOFAIL && wait_for_room(v, r)) {
		full = false;
		p = make_area(v, &again, 0);
	}
	return p;
}

static void *make_any(struct vmalloc *v, const struct vm_request *r)
{
	struct kernel *k = v->kernel;
	unsigned int order;
	void *p = NULL;

	if (!r->size) {
		report_warn_on(k, "vmalloc: size 0");
		return NULL;
	}
	if (pages_of(r->size) > totalram_pages()) {
		warn_failure(k, r->gfp, r->size, "exceeds total pages");
		return NULL;
	}
	order = huge_order(k, r);
	if (order)
		p = make_area(v, r, order);
	return p ? p : make_small(v, r);
}

void *vmalloc_request(struct kernel *k, const struct vm_request *r)
{
	struct vmalloc *v = k->vmalloc;
	struct vm_request full = *r;
	void *p;

	if (!vmalloc_begin(v, r->gfp, "vmalloc"))
		return NULL;
	full.kind = VM_ALLOC;
	if (full.align < PAGE_SIZE)
		full.align = PAGE_SIZE;
	p = make_any(v, &full);
	vmalloc_end();
	return p;
}

/* --- the family ------------------------------------------------------------------------------- */

void *vmalloc_simple(unsigned long size, gfp_t gfp, unsigned long flags, int node,
		     const void *caller)
{
	struct kernel *k = arch_kernel();
	const struct vm_request r = {
		.size = size,
		.align = PAGE_SIZE,
		.gfp = gfp,
		.prot = PAGE_KERNEL,
		.node = node,
		.flags = VM_ALLOC | flags,
		.caller = caller,
	};

	return k ? vmalloc_request(k, &r) : NULL;
}

#define CALLER __builtin_return_address(0)

void *vmalloc(unsigned long size)
{
	return vmalloc_simple(size, GFP_KERNEL, 0, NUMA_NO_NODE, CALLER);
}

void *vzalloc(unsigned long size)
{
	return vmalloc_simple(size, GFP_KERNEL | __GFP_ZERO, 0, NUMA_NO_NODE, CALLER);
}

void *vmalloc_user(unsigned long size)
{
	return vmalloc_simple(size, GFP_KERNEL | __GFP_ZERO, VM_USERMAP, NUMA_NO_NODE, CALLER);
}

void *vmalloc_node(unsigned long size, int node)
{
	return vmalloc_simple(size, GFP_KERNEL, 0, node, CALLER);
}

void *vzalloc_node(unsigned long size, int node)
{
	return vmalloc_simple(size, GFP_KERNEL | __GFP_ZERO, 0, node, CALLER);
}

/* On x86_32 the zone of GFP_DMA32 is Normal: not HIGHMEM. */
void *vmalloc_32(unsigned long size)
{
	return vmalloc_simple(size, GFP_KERNEL | GFP_DMA32, 0, NUMA_NO_NODE, CALLER);
}

void *vmalloc_32_user(unsigned long size)
{
	return vmalloc_simple(size, GFP_KERNEL | GFP_DMA32 | __GFP_ZERO, VM_USERMAP, NUMA_NO_NODE,
			      CALLER);
}

void *vmalloc_huge(unsigned long size, gfp_t gfp)
{
	return vmalloc_simple(size, gfp, VM_ALLOW_HUGE_VMAP, NUMA_NO_NODE, CALLER);
}

void *__vmalloc(unsigned long size, gfp_t gfp)
{
	return vmalloc_simple(size, gfp, 0, NUMA_NO_NODE, CALLER);
}

static void *simple_array(size_t n, size_t size, gfp_t gfp, const void *caller)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return vmalloc_simple(bytes, gfp, 0, NUMA_NO_NODE, caller);
}

void *__vmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	return simple_array(n, size, gfp, CALLER);
}

void *vmalloc_array(size_t n, size_t size)
{
	return simple_array(n, size, GFP_KERNEL, CALLER);
}

void *vcalloc(size_t n, size_t size)
{
	return simple_array(n, size, GFP_KERNEL | __GFP_ZERO, CALLER);
}

unsigned long vmalloc_start_addr(void)
{
	struct kernel *k = arch_kernel();

	return k ? (unsigned long)(uintptr_t)window_ptr(k, k->arch->vmalloc_base) : 0;
}

unsigned long vmalloc_end_addr(void)
{
	struct kernel *k = arch_kernel();

	return k ? vmalloc_start_addr() + (unsigned long)k->arch->vmalloc_size : 0;
}

/* NULL: good; else what is wrong. */
static const char *check_range(const struct vm_request *r, unsigned long start, unsigned long end)
{
	if (r->align & (r->align - 1))
		return "the alignment is no power of two";
	if (r->flags & ~(VM_USERMAP | VM_ALLOW_HUGE_VMAP | VM_FLUSH_RESET_PERMS | VM_ALLOC))
		return "unknown flags";
	if (!prot_is_good(r->prot))
		return "no protection of a 4 KiB entry";
	if (start < vmalloc_start_addr() || end > vmalloc_end_addr() || start >= end)
		return "the range does not lie in the vmalloc region";
	return NULL;
}

void *__vmalloc_node_range(unsigned long size, unsigned long align, unsigned long start,
			   unsigned long end, gfp_t gfp, pgprot_t prot, unsigned long vm_flags,
			   int node, const void *caller)
{
	struct kernel *k = arch_kernel();
	struct vm_request r = {
		.size = size,
		.align = align ? align : 1,
		.gfp = gfp,
		.prot = prot,
		.node = node,
		.flags = VM_ALLOC | vm_flags,
		.caller = caller ? caller : CALLER,
	};
	const char *wrong;

	if (!k)
		return NULL;
	wrong = check_range(&r, start, end);
	if (wrong) {
		report_warn(k, "__vmalloc_node_range: %s", wrong);
		return NULL;
	}
	r.start = window_kva(k, (const void *)(uintptr_t)start);
	r.end = window_kva(k, (const void *)(uintptr_t)end);
	return vmalloc_request(k, &r);
}

void *__vmalloc_node(unsigned long size, unsigned long align, gfp_t gfp, int node,
		     const void *caller)
{
	struct kernel *k = arch_kernel();
	const struct vm_request r = {
		.size = size,
		.align = align ? align : 1,
		.gfp = gfp,
		.prot = PAGE_KERNEL,
		.node = node,
		.flags = VM_ALLOC,
		.caller = caller ? caller : CALLER,
	};

	if (!k || !(r.align & (r.align - 1)))
		return k ? vmalloc_request(k, &r) : NULL;
	report_warn(k, "__vmalloc_node: the alignment is no power of two");
	return NULL;
}

unsigned long vmalloc_nr_pages(void)
{
	struct kernel *k = arch_kernel();

	return k ? __atomic_load_n(&k->vmalloc->nr_pages, __ATOMIC_RELAXED) : 0;
}

unsigned long vmalloc_nr_tables(unsigned long *managed)
{
	struct kernel *k = arch_kernel();
	unsigned long of_pages = 0;
	unsigned long nr = k ? pgtable_count(&k->vmalloc->pgtable, &of_pages) : 0;

	if (managed)
		*managed = of_pages;
	return nr;
}

/* --- giving back ------------------------------------------------------------------------------ */

static const char *whose(unsigned long kind)
{
	if (kind == VM_IOREMAP)
		return ": that is iounmap()'s";
	return kind == VM_MAP ? ": that is vunmap()'s" : ": that is vfree()'s";
}

static void report_bad_free(struct vmalloc *v, const char *who, const void *addr)
{
	struct kernel *k = v->kernel;
	struct vmap_vm *vm = vm_find(v, addr);
	unsigned long long kva = in_window(k, addr) ? window_kva(k, addr) : slab_addr(addr);
	const char *why = "";

	if (vm && vm->vm.addr != addr)
		why = ": it lies inside an area";
	else if (vm)
		why = whose(vm->va->kind);
	if ((uintptr_t)addr & ~PAGE_MASK)
		report_warn(k, "Trying to %s() bad address (0x%llx)", who, kva);
	else
		report_warn(k, "Trying to %s() nonexistent vm area (0x%llx)%s", who, kva, why);
}

struct vmap_vm *vmalloc_take_to_free(struct vmalloc *v, const void *addr, unsigned long kind,
				     const char *who)
{
	struct vmap_vm *vm = (uintptr_t)addr & ~PAGE_MASK ? NULL : vm_take(v, addr, kind);

	if (!vm)
		report_bad_free(v, who, addr);
	return vm;
}

static void free_now(struct vmalloc *v, const void *addr)
{
	struct vmap_vm *vm;

	if (!vmalloc_begin(v, GFP_KERNEL, "vfree"))
		return;
	vm = vmalloc_take_to_free(v, addr, VM_ALLOC, "vfree");
	if (vm)
		vm_unmake(v, vm);
	vmalloc_end();
}

/* Off the busy tree at once; the pages go back later. */
static void free_later(struct vmalloc *v, const void *addr)
{
	struct vmap_vm *vm = vmalloc_take_to_free(v, addr, VM_ALLOC, "vfree");

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

		vm_unmake(v, vm);
		vm = next;
	}
}

void vfree(const void *addr)
{
	struct kernel *k = addr ? arch_kernel() : NULL;

	if (!k)
		return;
	if (in_interrupt())
		free_later(k->vmalloc, addr);
	else
		free_now(k->vmalloc, addr);
}

void vfree_atomic(const void *addr)
{
	struct kernel *k = addr ? arch_kernel() : NULL;

	if (k)
		free_later(k->vmalloc, addr);
}

void vm_unmap_aliases(void)
{
	struct kernel *k = arch_kernel();

	if (!k || !vmalloc_begin(k->vmalloc, GFP_KERNEL, "vm_unmap_aliases"))
		return;
	vmalloc_purge(k);
	vmalloc_end();
}
