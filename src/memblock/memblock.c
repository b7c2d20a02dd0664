/* SPDX-License-Identifier: MIT */
/*
 * Early boot memory: which physical ranges are RAM, on which node, and which of them are taken.
 *
 * Two sets, each a sorted array of half-open ranges that neither overlap nor touch (ranges that
 * touch stay apart only if their nodes differ):
 *
 *	memory		|--------- node 0 ---------|------ node 1 ------|      |-- node 1 --|
 *	reserved	   |==|       |=====|                       |===|
 *	free		|--|  |-------|     |------|----------------|   |      |------------|
 *
 * "Free" is not stored: it is memory minus reserved, computed by memblock_next_free(), which the
 * page allocator walks once to receive its pages. Early allocation is reserving:
 * memblock_alloc_range() finds a free range and adds it to reserved, so that the page
 * allocator never sees it.
 *
 * Every change is "cut the range out of the set, then maybe put it in", which makes overlaps of any
 * kind one case. A cut adds at most one range (the middle of one is taken out), putting in adds one
 * more: room for two is made before anything changes, so a change happens wholly or not at all.
 *
 * A third set, program, remembers which of the reserved ranges the program's early callback asked for
 * (early.c): those are its own, the others may serve the kernel's page tables.
 *
 * After boot the sets stay as they were when the page allocator took over, for questions such as
 * "is this frame RAM". They are written by the booting thread only; no lock.
 */
#include "memblock/memblock.h"

#include "lib/errno.h"
#include "lib/math.h"
#include "lib/string.h"

#define MEMBLOCK_INIT_REGIONS 16

static int memblock_grow(struct kernel *k, struct memblock_type *type, unsigned int extra)
{
	struct memblock_region *regions;
	unsigned int max = type->max ? type->max : MEMBLOCK_INIT_REGIONS;

	if (type->cnt + extra <= type->max)
		return 0;
	while (max < type->cnt + extra)
		max *= 2;
	regions = arch_host_alloc(k->arch, max * sizeof(*regions));
	if (!regions)
		return -ENOMEM;
	if (type->regions) {
		memcpy(regions, type->regions, type->cnt * sizeof(*regions));
		arch_host_free(k->arch, type->regions, type->max * sizeof(*regions));
	}
	type->regions = regions;
	type->max = max;
	return 0;
}

/* Index of the first range that ends above @addr: the one @addr lies in, or the next one. */
static unsigned int memblock_search(const struct memblock_type *type, phys_addr_t addr)
{
	unsigned int low = 0, high = type->cnt;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;
		const struct memblock_region *r = &type->regions[mid];

		if (r->base + r->size > addr)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static void memblock_open_gap(struct memblock_type *type, unsigned int i)
{
	memmove(&type->regions[i + 1], &type->regions[i],
		(type->cnt - i) * sizeof(type->regions[0]));
	type->cnt++;
}

static void memblock_close_gap(struct memblock_type *type, unsigned int i, unsigned int n)
{
	memmove(&type->regions[i], &type->regions[i + n],
		(type->cnt - i - n) * sizeof(type->regions[0]));
	type->cnt -= n;
}

/* Take [base, end) out of the set. Needs room for one range more. */
static void memblock_cut(struct memblock_type *type, phys_addr_t base, phys_addr_t end)
{
	unsigned int i = memblock_search(type, base), gone = 0;
	struct memblock_region *r;

	if (i < type->cnt && type->regions[i].base < base) {
		phys_addr_t r_end;

		r = &type->regions[i];
		r_end = r->base + r->size;
		r->size = base - r->base;
		if (r_end > end) {
			memblock_open_gap(type, i + 1);
			type->regions[i + 1] = (struct memblock_region){end, r_end - end, r->nid};
			type->total -= end - base;
			return;
		}
		type->total -= r_end - base;
		i++;
	}
	for (; i + gone < type->cnt; gone++) {
		r = &type->regions[i + gone];
		if (r->base + r->size > end)
			break;
		type->total -= r->size;
	}
	memblock_close_gap(type, i, gone);
	r = &type->regions[i];
	if (i < type->cnt && r->base < end) {
		type->total -= end - r->base;
		r->size -= end - r->base;
		r->base = end;
	}
}

static bool memblock_touch(const struct memblock_region *low, const struct memblock_region *high)
{
	return low->base + low->size == high->base && low->nid == high->nid;
}

/* Put [base, end), which overlaps nothing, into the set. Needs room for one range more. */
static void memblock_put(struct memblock_type *type, phys_addr_t base, phys_addr_t end, int nid)
{
	unsigned int i = memblock_search(type, base);

	memblock_open_gap(type, i);
	type->regions[i] = (struct memblock_region){base, end - base, nid};
	type->total += end - base;
	if (i + 1 < type->cnt && memblock_touch(&type->regions[i], &type->regions[i + 1])) {
		type->regions[i].size += type->regions[i + 1].size;
		memblock_close_gap(type, i + 1, 1);
	}
	if (i && memblock_touch(&type->regions[i - 1], &type->regions[i])) {
		type->regions[i - 1].size += type->regions[i].size;
		memblock_close_gap(type, i, 1);
	}
}

static int memblock_change(struct kernel *k, struct memblock_type *type, phys_addr_t base,
			   phys_addr_t size, bool put, int nid)
{
	phys_addr_t end = base + size;
	int ret;

	if (!size || end < base)
		return -EINVAL;
	ret = memblock_grow(k, type, 2);
	if (ret)
		return ret;
	memblock_cut(type, base, end);
	if (put)
		memblock_put(type, base, end, nid);
	return 0;
}

int memblock_init(struct kernel *k)
{
	struct memblock *mb = arch_host_alloc(k->arch, sizeof(*mb));
	int ret;

	if (!mb)
		return -ENOMEM;
	k->memblock = mb;
	mb->current_limit = UINT64_MAX;
	mb->direct_end = UINT64_MAX;
	ret = memblock_grow(k, &mb->memory, MEMBLOCK_INIT_REGIONS);
	return ret ? ret : memblock_grow(k, &mb->reserved, MEMBLOCK_INIT_REGIONS);
}

int memblock_add_node(struct kernel *k, phys_addr_t base, phys_addr_t size, int nid)
{
	return memblock_change(k, &k->memblock->memory, base, size, true, nid);
}

int memblock_remove_range(struct kernel *k, phys_addr_t base, phys_addr_t size)
{
	return memblock_change(k, &k->memblock->memory, base, size, false, 0);
}

/* Whose it is must be known for both or neither: with room in `reserved`, the second change cannot
 * fail when the first did not. */
static int memblock_change_reserved(struct kernel *k, phys_addr_t base, phys_addr_t size, bool put)
{
	struct memblock *mb = k->memblock;
	int ret = 0;

	if (mb->early)
		ret = memblock_grow(k, &mb->reserved, 2);
	if (!ret && mb->early)
		ret = memblock_change(k, &mb->program, base, size, put, NUMA_NO_NODE);
	if (!ret)
		ret = memblock_change(k, &mb->reserved, base, size, put, NUMA_NO_NODE);
	return ret;
}

int memblock_reserve_range(struct kernel *k, phys_addr_t base, phys_addr_t size)
{
	return memblock_change_reserved(k, base, size, true);
}

int memblock_free_range(struct kernel *k, phys_addr_t base, phys_addr_t size)
{
	return memblock_change_reserved(k, base, size, false);
}

static bool memblock_in(const struct memblock_type *type, phys_addr_t addr)
{
	unsigned int i = memblock_search(type, addr);

	return i < type->cnt && type->regions[i].base <= addr;
}

bool memblock_reserved_at(struct kernel *k, phys_addr_t addr)
{
	return memblock_in(&k->memblock->reserved, addr);
}

bool memblock_memory_at(struct kernel *k, phys_addr_t addr)
{
	return memblock_in(&k->memblock->memory, addr);
}

int memblock_nid(struct kernel *k, phys_addr_t addr)
{
	const struct memblock_type *memory = &k->memblock->memory;
	unsigned int i = memblock_search(memory, addr);

	if (i == memory->cnt || memory->regions[i].base > addr)
		return NUMA_NO_NODE;
	return memory->regions[i].nid;
}

phys_addr_t memblock_end_of_dram(struct kernel *k)
{
	const struct memblock_type *memory = &k->memblock->memory;
	const struct memblock_region *last;

	if (!memory->cnt)
		return 0;
	last = &memory->regions[memory->cnt - 1];
	return last->base + last->size;
}

/*
 * The cursor is an address: everything below it was seen. Memory and reserved are each searched
 * from there, so a whole walk costs (ranges × log ranges) and the caller may reserve what it just
 * got.
 */
bool memblock_next_free(struct kernel *k, uint64_t *cursor, struct memblock_region *out)
{
	const struct memblock_type *memory = &k->memblock->memory;
	const struct memblock_type *reserved = &k->memblock->reserved;
	phys_addr_t at = *cursor;

	for (;;) {
		unsigned int m = memblock_search(memory, at), r;
		const struct memblock_region *mem = &memory->regions[m];
		phys_addr_t end;

		if (m == memory->cnt)
			return false;
		if (at < mem->base)
			at = mem->base;
		end = mem->base + mem->size;
		r = memblock_search(reserved, at);
		if (r < reserved->cnt && reserved->regions[r].base <= at) {
			at = reserved->regions[r].base + reserved->regions[r].size;
			continue;
		}
		if (r < reserved->cnt && reserved->regions[r].base < end)
			end = reserved->regions[r].base;
		*out = (struct memblock_region){at, end - at, mem->nid};
		*cursor = end;
		return true;
	}
}

/* The same from above: everything from the cursor up was seen. */
bool memblock_prev_free(struct kernel *k, uint64_t *cursor, struct memblock_region *out)
{
	const struct memblock_type *memory = &k->memblock->memory;
	const struct memblock_type *reserved = &k->memblock->reserved;
	phys_addr_t at = *cursor;

	while (at) {
		unsigned int m = memblock_search(memory, at - 1), r;
		const struct memblock_region *mem = &memory->regions[m];
		phys_addr_t start;

		if (m == memory->cnt || mem->base >= at) {
			if (!m)
				return false;
			mem--;
			at = mem->base + mem->size;
		}
		r = memblock_search(reserved, at - 1);
		if (r < reserved->cnt && reserved->regions[r].base < at) {
			at = reserved->regions[r].base;
			continue;
		}
		start = mem->base;
		if (r && reserved->regions[r - 1].base + reserved->regions[r - 1].size > start)
			start = reserved->regions[r - 1].base + reserved->regions[r - 1].size;
		*out = (struct memblock_region){start, at - start, mem->nid};
		*cursor = start;
		return true;
	}
	return false;
}

/* Place for @size in [low, high), as high or as low as it goes; 0 if there is none. */
static phys_addr_t memblock_fit(phys_addr_t low, phys_addr_t high, phys_addr_t size,
				phys_addr_t align, bool bottom_up)
{
	phys_addr_t at;

	if (high <= low || high - low < size)
		return 0;
	at = bottom_up ? round_up(low, align) : (high - size) & ~(align - 1);
	if (at < low || at > high - size)
		return 0;
	return at;
}

phys_addr_t memblock_alloc_range(struct kernel *k, phys_addr_t size, phys_addr_t align,
				 phys_addr_t min, phys_addr_t max, int nid)
{
	bool up = k->memblock->bottom_up;
	struct memblock_region range;
	uint64_t cursor;

	if (!size || !align || align & (align - 1))
		return 0;
	/* 0 means failure, so the frame at 0 is never given out. */
	if (min < PAGE_SIZE)
		min = PAGE_SIZE;
	cursor = up ? min : max;
	while (up ? memblock_next_free(k, &cursor, &range) : memblock_prev_free(k, &cursor, &range)) {
		phys_addr_t low = range.base > min ? range.base : min;
		phys_addr_t high = range.base + range.size < max ? range.base + range.size : max;
		phys_addr_t at = 0;

		if (nid == NUMA_NO_NODE || range.nid == nid)
			at = memblock_fit(low, high, size, align, up);
		if (at)
			return memblock_reserve_range(k, at, size) ? 0 : at;
	}
	return 0;
}
