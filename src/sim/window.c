/* SPDX-License-Identifier: MIT */
/*
 * A machine's windows: ranges of host addresses, in one reservation, with gaps between them that
 * nothing may touch:
 *
 *	| gap | RAM | gap | tables | gap | memmap | gap | pageblocks | gap |
 *	                                   | CPU 0 | CPU 1 | … | gap | vmalloc | gap |
 *
 * The byte of physical address p is at ram + p; where the map has no RAM, the window has no
 * memory. Above RAM lies physical memory that is no RAM, as a PC has flash and devices there: room
 * for page tables that must not take any of the machine's RAM. The vmalloc window begins empty;
 * pages appear in it as they are mapped (vmap_window.c). A machine on private memory has none; what
 * it calls by an address of that region (a device) has the simulated x86's, which is nobody's in a
 * 64-bit process. In a 32-bit one it has a window after all, which stays empty.
 *
 * The host backs a page of any window when it is first touched, so a machine costs what it uses
 * and not what it has: a terabyte is created in the time of a megabyte.
 *
 * RAM is one memfd (a page may later appear at a second address as well), or private memory.
 */
#include "sim/desc.h"
#include "sim/error.h"
#include "sim/machine.h"
#include "sim/watch.h"

#include "lib/kva_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIB ((uint64_t)1 << 20)

/* The largest block of the page allocator is 4 MiB; it and every smaller one is as aligned in the
 * host as in physical memory. The gaps are as large. */
#define WINDOW_ALIGN (4 * MIB)
#define GAP WINDOW_ALIGN

#define MEMMAP_ENTRY 64			/* bytes: struct page */
#define SMALLEST_PAGEBLOCK_ORDER 9	/* one byte for each */

/* In a 32-bit process all windows have to fit into 3 or 4 GiB: they are smaller. */
#define HOST_IS_32 (sizeof(void *) == 4)

/* Room for per-CPU data, and a page more, so that the same offset of different CPUs does not fall
 * into the same set of a cache. */
#define CPU_STRIDE ((HOST_IS_32 ? 16 : 64) * MIB + PAGE_SIZE)

/* The vmalloc window of a 64-bit kernel holds all RAM twice (once), and at least so much; on x86_32
 * the region is small and the window shows all of it, with what lies behind it. */
#define VMALLOC_TIMES_RAM (HOST_IS_32 ? 1 : 2)
#define VMALLOC_MIN ((uint64_t)(HOST_IS_32 ? 128 : 1024) * MIB)

/* Where a 32-bit process ends: mmap() takes a size_t, and differences of host pointers into RAM are
 * signed. */
#define LARGEST_WINDOW ((uint64_t)SIZE_MAX - WINDOW_ALIGN)
#define LARGEST_RAM ((uint64_t)PTRDIFF_MAX)

/* Of the deepest mode. */
#define X86_TOP_SHIFT 48

struct layout {
	uint64_t ram, memmap, pageblocks, cpus, vmalloc;	/* offsets from the start */
	uint64_t size;
	bool overflow;
};

static uint64_t place(struct layout *l, uint64_t size)
{
	uint64_t at = l->size;
	uint64_t end;

	if (__builtin_add_overflow(at, size + GAP + WINDOW_ALIGN - 1, &end) || end < size)
		l->overflow = true;
	l->size = end & ~(WINDOW_ALIGN - 1);
	return at;
}

/* As many bytes as there is RAM, holes left out. */
static uint64_t total_ram(const struct machine_desc *desc)
{
	uint64_t total = 0;

	for (unsigned int i = 0; i < desc->nr_ram; i++)
		total += desc->ram[i].end - desc->ram[i].start;
	return total;
}

/* Tables for @bytes of addresses, however they are cut into pages: one for each 2 MiB, one for each
 * 1 GiB, and so on up. */
static uint64_t tables_for(uint64_t bytes)
{
	uint64_t tables = 0;

	for (unsigned int shift = X86_PMD_SHIFT; shift <= X86_TOP_SHIFT; shift += X86_LEVEL_BITS)
		tables += (bytes >> shift) + 2;
	return tables;
}

/* Where the vmalloc region begins, at the lowest; on x86_32 that is behind low memory, whose end the
 * counts of zones say later if they are given. Pointers are as aligned as addresses. */
static kva_t vmalloc_start(const struct machine *m, const struct kva_layout *layout)
{
	unsigned int n = m->pub.nr_kernel_ram;
	uint64_t end = n ? m->pub.kernel_ram[n - 1].end : 0;

	if (!kva_mode_is_32(m->desc.mode) || m->desc.nr_zone_pages)
		return layout->vmalloc_base;
	if (end > layout->lowmem_end)
		end = layout->lowmem_end;
	return (layout->vmalloc_base + end) & ~(WINDOW_ALIGN - 1);
}

/* Bytes of the vmalloc region, of @most, that the machine has; @wanted: those of the command line. */
static uint64_t vmalloc_bytes(const struct machine_desc *desc, uint64_t most, uint64_t wanted)
{
	uint64_t size = VMALLOC_TIMES_RAM * total_ram(desc);

	if (size < VMALLOC_MIN)
		size = VMALLOC_MIN;
	if (size < wanted)
		size = wanted & PAGE_MASK_64;
	return size < most && !kva_mode_is_32(desc->mode) ? size : most;
}

/* Page tables have to lie below. */
static uint64_t table_limit(const struct machine_desc *desc)
{
	uint64_t limit = (uint64_t)1 << desc->maxphyaddr;

	return desc->mode == MACHINE_MODE_32 && limit > UINT32_MAX ? (uint64_t)1 << 32 : limit;
}

/* The kernel's address space: which regions there are, how large, and room for their tables. The
 * direct map has few small pages: at both ends of each range of RAM. */
static void plan_regions(struct machine *m)
{
	struct arch_machine *am = &m->pub;
	uint64_t wanted = desc_vmalloc_size(&m->desc);
	struct kva_layout layout = kva_layout(m->desc.mode, m->desc.cpus, wanted);
	uint64_t tables, limit = table_limit(&m->desc);

	am->direct_base = layout.direct_base;
	am->vmalloc_base = vmalloc_start(m, &layout);
	am->vmalloc_size = vmalloc_bytes(&m->desc, layout.vmalloc_end - am->vmalloc_base, wanted);
	am->vmap_size = layout.fixmap_end ? layout.fixmap_end - am->vmalloc_base : am->vmalloc_size;
	am->table_start = (am->ram_size + GAP + WINDOW_ALIGN - 1) & ~(WINDOW_ALIGN - 1);
	if (am->table_start > limit)
		return;
	tables = tables_for(am->vmap_size) + 4 * m->desc.nr_ram +
		 (am->ram_size >> X86_PGD_SHIFT) + 2;
	if (limit - am->table_start >= tables * PAGE_SIZE)
		am->table_size = tables * PAGE_SIZE;
}

static void make_layout(const struct machine *m, struct layout *l)
{
	const struct arch_machine *am = &m->pub;

	*l = (struct layout){.size = GAP};
	l->ram = place(l, am->table_start + am->table_size);
	l->memmap = place(l, am->nr_frames * MEMMAP_ENTRY);
	l->pageblocks = place(l, (am->nr_frames >> SMALLEST_PAGEBLOCK_ORDER) + 1);
	l->cpus = place(l, am->nr_cpus * CPU_STRIDE);
	if (m->desc.backing == MACHINE_BACKING_MEMFD || HOST_IS_32)
		l->vmalloc = place(l, am->vmap_size);
}

static int no_memory(struct machine_error *err, const char *what, uint64_t size)
{
	uint64_t mib = size / MIB + !!(size % MIB);

	return sim_error(err, -ENOMEM, "the host gives no %s of %llu MiB: %s", what,
			 (unsigned long long)mib, strerror(errno));
}

/* An aligned reservation: take too much, give the ends back. */
static char *reserve(uint64_t size)
{
	char *p = mmap(NULL, size + WINDOW_ALIGN, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t head;

	if (p == MAP_FAILED)
		return NULL;
	head = -(uintptr_t)p & (WINDOW_ALIGN - 1);
	if (head)
		munmap(p, head);
	munmap(p + head + size, WINDOW_ALIGN - head);
	return p + head;
}

static int map_private(char *at, uint64_t size, const char *what, struct machine_error *err)
{
	void *p = mmap(at, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

	return p == MAP_FAILED ? no_memory(err, what, size) : 0;
}

static int open_memfd(struct machine *m, struct machine_error *err)
{
	m->memfd = memfd_create("libkmem-ram", MFD_CLOEXEC);
	if (m->memfd < 0)
		return sim_error(err, -errno, "memfd_create: %s (backing=private needs none)",
				 strerror(errno));
	if (ftruncate(m->memfd, (off_t)(m->pub.table_start + m->pub.table_size)))
		return no_memory(err, "memfd", m->pub.table_start + m->pub.table_size);
	return 0;
}

static int map_ram_range(struct machine *m, uint64_t start, uint64_t end, struct machine_error *err)
{
	void *p;

	if (m->memfd < 0)
		return map_private(m->pub.ram + start, end - start, "RAM window", err);
	p = mmap(m->pub.ram + start, end - start, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_NORESERVE | MAP_FIXED, m->memfd, (off_t)start);
	return p == MAP_FAILED ? no_memory(err, "RAM window", end - start) : 0;
}

/* Ranges that touch (a border of nodes) are one mapping. */
static int map_ram(struct machine *m, struct machine_error *err)
{
	const struct machine_desc *desc = &m->desc;
	unsigned int i = 0;
	int ret = 0;

	if (desc->backing == MACHINE_BACKING_MEMFD)
		ret = open_memfd(m, err);
	while (!ret && i < desc->nr_ram) {
		uint64_t start = desc->ram[i].start;
		uint64_t end = desc->ram[i].end;

		for (i++; i < desc->nr_ram && desc->ram[i].start == end; i++)
			end = desc->ram[i].end;
		ret = map_ram_range(m, start, end, err);
	}
	if (!ret && m->pub.table_size)
		ret = map_ram_range(m, m->pub.table_start,
				    m->pub.table_start + m->pub.table_size, err);
	return ret;
}

int machine_map(struct machine *m, struct machine_error *err)
{
	struct arch_machine *am = &m->pub;
	struct layout l;
	int ret;

	plan_regions(m);
	make_layout(m, &l);
	errno = ENOMEM;
	if (!l.overflow && l.size <= LARGEST_WINDOW && l.memmap - l.ram <= LARGEST_RAM)
		m->window = reserve(l.size);
	if (!m->window)
		return no_memory(err, "address space", l.overflow ? UINT64_MAX : l.size);
	m->window_size = l.size;
	am->ram = m->window + l.ram;
	am->memmap = m->window + l.memmap;
	am->pageblocks = m->window + l.pageblocks;
	am->cpus = m->window + l.cpus;
	am->cpu_stride = CPU_STRIDE;
	am->vmap_at = l.vmalloc ? m->window + l.vmalloc : (char *)(uintptr_t)am->vmalloc_base;
	if (m->desc.backing == MACHINE_BACKING_MEMFD) {
		am->vmalloc = m->vmap_window = am->vmap_at;
		m->vmap_window_size = am->vmap_size;
	}
	ret = map_ram(m, err);
	if (!ret)
		ret = map_private(am->memmap, am->nr_frames * MEMMAP_ENTRY, "memmap", err);
	if (!ret)
		ret = map_private(am->pageblocks, (am->nr_frames >> SMALLEST_PAGEBLOCK_ORDER) + 1,
				  "pageblock map", err);
	if (!ret)
		ret = map_private(am->cpus, am->nr_cpus * CPU_STRIDE, "CPU windows", err);
	if (!ret && m->memfd >= 0 && madvise(m->window, m->window_size, MADV_DONTFORK))
		ret = sim_error(err, -errno, "madvise(MADV_DONTFORK): %s", strerror(errno));
	if (!ret && am->vmalloc)
		vmap_window_take_spare(m);
	return ret;
}

void machine_unmap(struct machine *m)
{
	vmap_window_drop_spare(m);
	if (m->window) {
		watch_forget(m->window, m->window_size);
		munmap(m->window, m->window_size);
	}
	if (m->memfd >= 0)
		close(m->memfd);
	m->window = NULL;
	m->memfd = -1;
}

void arch_ram_discard(const struct arch_machine *am, uint64_t pfn, uint64_t nr)
{
	const struct machine *m = machine_of(am);
	uint64_t start = pfn << PAGE_SHIFT;
	uint64_t size = nr << PAGE_SHIFT;
	int ret;

	if (m->memfd >= 0)
		ret = fallocate(m->memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)start,
				(off_t)size);
	else
		ret = madvise(am->ram + start, size, MADV_DONTNEED);
	if (ret)
		memset(am->ram + start, 0, size);
}
