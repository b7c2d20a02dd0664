/* SPDX-License-Identifier: MIT */
/*
 * memblock for programs: what <kmem/memblock.h> offers to the early callback of a boot.
 *
 * The callback runs on a thread that is attached to no machine, between the moment when the sets are
 * filled and the page allocator's start. arch_booting() knows the machine; every other call of the
 * library sees none and says so. After boot only questions are answered.
 */
#include "memblock/memblock.h"

#include "lib/errno.h"
#include "lib/math.h"
#include "lib/report.h"
#include "lib/string.h"

#include <kmem/memblock.h>

#define SMP_CACHE_BYTES 64
#define LOW_LIMIT ((phys_addr_t)1 << 32)

/* From here on clearing is left to the host, which gives fresh pages when they are touched. */
#define DISCARD_SIZE ((phys_addr_t)2 << 20)

/* The machine whose memory may be changed; NULL after a report by @who. */
static struct kernel *early_kernel(const char *who)
{
	struct arch_machine *am = arch_booting();
	struct kernel *k;

	if (am)
		return am->kernel;
	k = arch_kernel();
	if (k)
		report_warn(k, "%s: the page allocator has taken over", who);
	return NULL;
}

/* The machine that questions are about. */
static struct kernel *asked_kernel(void)
{
	struct arch_machine *am = arch_booting();

	return am ? am->kernel : arch_kernel();
}

/* --- ranges ---------------------------------------------------------------------------------- */

/* What RAM the machine has in [@base, @end) becomes memory. Returns how many bytes. */
static phys_addr_t add_ram(struct kernel *k, phys_addr_t base, phys_addr_t end, bool add, int *ret)
{
	const struct machine_desc *desc = k->arch->desc;
	phys_addr_t bytes = 0;

	for (unsigned int i = 0; i < desc->nr_ram; i++) {
		const struct machine_range *r = &desc->ram[i];
		phys_addr_t from = r->start > base ? r->start : base;
		phys_addr_t to = r->end < end ? r->end : end;

		if (from >= to)
			continue;
		bytes += to - from;
		if (add && !*ret)
			*ret = memblock_add_node(k, from, to - from, r->node);
	}
	return bytes;
}

int memblock_add(phys_addr_t base, phys_addr_t size)
{
	struct kernel *k = early_kernel("memblock_add");
	int ret = 0;

	if (!k)
		return -EPERM;
	if (base + size < base || add_ram(k, base, base + size, false, &ret) != size)
		return -EINVAL;
	add_ram(k, base, base + size, true, &ret);
	return ret;
}

int memblock_remove(phys_addr_t base, phys_addr_t size)
{
	struct kernel *k = early_kernel("memblock_remove");

	if (!k)
		return -EPERM;
	return size ? memblock_remove_range(k, base, size) : 0;
}

int memblock_reserve(phys_addr_t base, phys_addr_t size)
{
	struct kernel *k = early_kernel("memblock_reserve");

	if (!k)
		return -EPERM;
	return size ? memblock_reserve_range(k, base, size) : 0;
}

int memblock_phys_free(phys_addr_t base, phys_addr_t size)
{
	struct kernel *k = early_kernel("memblock_phys_free");

	if (!k)
		return -EPERM;
	return size ? memblock_free_range(k, base, size) : 0;
}

void memblock_free(void *ptr, size_t size)
{
	struct kernel *k = ptr ? early_kernel("memblock_free") : NULL;
	uint64_t off;

	if (!k || !size)
		return;
	off = (uint64_t)((char *)ptr - k->arch->ram);
	if (off < k->memblock->direct_end && memblock_memory_at(k, off))
		memblock_free_range(k, off, size);
	else
		report_bug(k, "memblock_free: %p is no boot memory", ptr);
}

/* --- allocation ------------------------------------------------------------------------------ */

struct wish {
	phys_addr_t size, align, min, max;
	int nid;
};

/* @who asked for an alignment that is none. */
static bool check_wish(struct kernel *k, struct wish *w, const char *who)
{
	if (!w->align) {
		report_warn(k, "%s: alignment 0, %d is taken", who, SMP_CACHE_BYTES);
		w->align = SMP_CACHE_BYTES;
	}
	if (w->size && !(w->align & (w->align - 1)))
		return true;
	report_warn(k, "%s: %llu bytes at multiples of %llu cannot be", who,
		    (unsigned long long)w->size, (unsigned long long)w->align);
	return false;
}

/* As wished; else on any node unless @exact. */
static phys_addr_t find(struct kernel *k, const struct wish *w, bool exact)
{
	phys_addr_t max = w->max == MEMBLOCK_ALLOC_ACCESSIBLE ? k->memblock->current_limit : w->max;
	phys_addr_t at = memblock_alloc_range(k, w->size, w->align, w->min, max, w->nid);

	if (!at && !exact && w->nid != NUMA_NO_NODE)
		at = memblock_alloc_range(k, w->size, w->align, w->min, max, NUMA_NO_NODE);
	return at;
}

static phys_addr_t alloc_phys(struct wish w, const char *who)
{
	struct kernel *k = early_kernel(who);

	return k && check_wish(k, &w, who) ? find(k, &w, false) : 0;
}

static void clear(struct kernel *k, phys_addr_t at, phys_addr_t size)
{
	phys_addr_t first = (at + PAGE_SIZE - 1) & PAGE_MASK_64, last = (at + size) & PAGE_MASK_64;

	if (size < DISCARD_SIZE) {
		memset(k->arch->ram + at, 0, size);
		return;
	}
	memset(k->arch->ram + at, 0, first - at);
	arch_ram_discard(k->arch, first >> PAGE_SHIFT, (last - first) >> PAGE_SHIFT);
	memset(k->arch->ram + last, 0, at + size - last);
}

/* A pointer, so in the direct map; not @raw: cleared. */
static void *alloc_ptr(struct wish w, bool exact, bool raw, const char *who)
{
	struct kernel *k = early_kernel(who);
	phys_addr_t at;

	if (!k || !check_wish(k, &w, who))
		return NULL;
	if (w.max == MEMBLOCK_ALLOC_ACCESSIBLE)
		w.max = k->memblock->current_limit;
	w.max = min(w.max, k->memblock->direct_end);
	at = w.max ? find(k, &w, exact) : 0;
	if (!at && w.min && w.max) {
		w.min = 0;
		at = find(k, &w, exact);
	}
	if (!at)
		return NULL;
	if (!raw)
		clear(k, at, w.size);
	return k->arch->ram + at;
}

phys_addr_t memblock_phys_alloc_range(phys_addr_t size, phys_addr_t align, phys_addr_t start,
				      phys_addr_t end)
{
	return alloc_phys((struct wish){size, align, start, end, NUMA_NO_NODE},
			  "memblock_phys_alloc_range");
}

phys_addr_t memblock_phys_alloc(phys_addr_t size, phys_addr_t align)
{
	return alloc_phys((struct wish){size, align, 0, MEMBLOCK_ALLOC_ACCESSIBLE, NUMA_NO_NODE},
			  "memblock_phys_alloc");
}

phys_addr_t memblock_phys_alloc_try_nid(phys_addr_t size, phys_addr_t align, int nid)
{
	return alloc_phys((struct wish){size, align, 0, MEMBLOCK_ALLOC_ACCESSIBLE, nid},
			  "memblock_phys_alloc_try_nid");
}

void *memblock_alloc_try_nid(phys_addr_t size, phys_addr_t align, phys_addr_t min, phys_addr_t max,
			     int nid)
{
	return alloc_ptr((struct wish){size, align, min, max, nid}, false, false,
			 "memblock_alloc_try_nid");
}

void *memblock_alloc_exact_nid_raw(phys_addr_t size, phys_addr_t align, phys_addr_t min,
				   phys_addr_t max, int nid)
{
	return alloc_ptr((struct wish){size, align, min, max, nid}, true, true,
			 "memblock_alloc_exact_nid_raw");
}

void *memblock_alloc(phys_addr_t size, phys_addr_t align)
{
	return alloc_ptr((struct wish){size, align, 0, 0, NUMA_NO_NODE}, false, false,
			 "memblock_alloc");
}

void *memblock_alloc_raw(phys_addr_t size, phys_addr_t align)
{
	return alloc_ptr((struct wish){size, align, 0, 0, NUMA_NO_NODE}, false, true,
			 "memblock_alloc_raw");
}

void *memblock_alloc_from(phys_addr_t size, phys_addr_t align, phys_addr_t min)
{
	return alloc_ptr((struct wish){size, align, min, 0, NUMA_NO_NODE}, false, false,
			 "memblock_alloc_from");
}

void *memblock_alloc_low(phys_addr_t size, phys_addr_t align)
{
	return alloc_ptr((struct wish){size, align, 0, LOW_LIMIT, NUMA_NO_NODE}, false, false,
			 "memblock_alloc_low");
}

void *memblock_alloc_node(phys_addr_t size, phys_addr_t align, int nid)
{
	return alloc_ptr((struct wish){size, align, 0, 0, nid}, false, false, "memblock_alloc_node");
}

/* --- which way, how far ---------------------------------------------------------------------- */

void memblock_set_bottom_up(bool enable)
{
	struct kernel *k = early_kernel("memblock_set_bottom_up");

	if (k)
		k->memblock->bottom_up = enable;
}

bool memblock_bottom_up(void)
{
	struct kernel *k = asked_kernel();

	return k && k->memblock->bottom_up;
}

void memblock_set_current_limit(phys_addr_t limit)
{
	struct kernel *k = early_kernel("memblock_set_current_limit");

	if (k)
		k->memblock->current_limit = limit;
}

phys_addr_t memblock_get_current_limit(void)
{
	struct kernel *k = asked_kernel();

	return k ? k->memblock->current_limit : 0;
}

/* --- questions ------------------------------------------------------------------------------- */

bool memblock_is_memory(phys_addr_t addr)
{
	struct kernel *k = asked_kernel();

	return k && memblock_memory_at(k, addr);
}

bool memblock_is_reserved(phys_addr_t addr)
{
	struct kernel *k = asked_kernel();

	return k && memblock_reserved_at(k, addr);
}

phys_addr_t memblock_start_of_DRAM(void)
{
	struct kernel *k = asked_kernel();

	return k && k->memblock->memory.cnt ? k->memblock->memory.regions[0].base : 0;
}

phys_addr_t memblock_end_of_DRAM(void)
{
	struct kernel *k = asked_kernel();

	return k ? memblock_end_of_dram(k) : 0;
}

phys_addr_t memblock_phys_mem_size(void)
{
	struct kernel *k = asked_kernel();

	return k ? k->memblock->memory.total : 0;
}

phys_addr_t memblock_reserved_size(void)
{
	struct kernel *k = asked_kernel();

	return k ? k->memblock->reserved.total : 0;
}

static void tell_range(const struct memblock_region *r, phys_addr_t *start, phys_addr_t *end, int *node)
{
	if (start)
		*start = r->base;
	if (end)
		*end = r->base + r->size;
	if (node)
		*node = r->nid;
}

typedef bool free_step_fn(struct kernel *k, uint64_t *cursor, struct memblock_region *r);

static bool find_free_range(free_step_fn *step, uint64_t *cursor, int nid, phys_addr_t *start,
			    phys_addr_t *end, int *node)
{
	struct kernel *k = asked_kernel();
	struct memblock_region r;

	while (k && step(k, cursor, &r)) {
		if (nid != NUMA_NO_NODE && r.nid != nid)
			continue;
		tell_range(&r, start, end, node);
		return true;
	}
	return false;
}

bool memblock_next_free_range(uint64_t *cursor, int nid, phys_addr_t *start, phys_addr_t *end, int *node)
{
	return find_free_range(memblock_next_free, cursor, nid, start, end, node);
}

bool memblock_prev_free_range(uint64_t *cursor, int nid, phys_addr_t *start, phys_addr_t *end, int *node)
{
	return find_free_range(memblock_prev_free, cursor, nid, start, end, node);
}
