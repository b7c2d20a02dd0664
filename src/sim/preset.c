/* SPDX-License-Identifier: MIT */
/*
 * Presets, the RAM of a PC, and what a real boot reserves on it.
 *
 * The figures are those of Linux 6.1 kernels booted under a PC emulator (SLUB, small configuration;
 * CI compares them with what those boots printed):
 *
 * RAM      Below 3 GiB, what is more starts at 4 GiB. The firmware keeps page 0, [0x9f000, 1M) and
 *          the last 128 KiB below 3 GiB (ACPI tables).
 * 64-bit   The first MiB; the kernel's image, 14 MiB at 16 MiB; then, from the top of each node down:
 *          the memmap (2 MiB for each section of 128 MiB that has RAM), 39 pages for each CPU, the
 *          node's structure. On one node the hash tables of the file systems, 96 pages for each
 *          256 MiB (on several nodes they are vmalloc'ed later). With RAM above 4 GiB the bounce
 *          buffers: 64 MiB below 4 GiB and their table. A few pages more, found by counting.
 * 32-bit   The same idea, all from the top of low memory: an image of 1114 pages, a memmap of 32
 *          bytes a frame, 23 pages for each CPU, 48 pages of hash tables for each 256 MiB.
 * small    A machine that has no RAM where the image goes has a small kernel: an eighth of its RAM
 *          from 1 MiB on, a memmap of 64 bytes for each frame, two pages for each CPU.
 */
#include "sim/desc.h"
#include "sim/number.h"

#include "lib/kva_layout.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

#define PC_LOW_END (3 * GIB)
#define PC_HIGH_START (4 * GIB)
#define PC_BIOS_START ((uint64_t)0x9f000)
#define PC_BIOS_END MIB
#define PC_TABLES (128 * KIB)

#define SECTION_SIZE (128 * MIB)
#define IMAGE_START (16 * MIB)
#define IMAGE_PAGES_64 (3584 + 5)
#define IMAGE_PAGES_32 1114
#define ANY_NODE (-1)

struct preset {
	const char *name;
	enum machine_mode mode;
	uint64_t mem;			/* 0: not in this version */
	unsigned int nodes, cpus;
};

/* What a preset has where all of a machine must find room in 4 GiB of the host's addresses. */
#define MOST_32 GIB
#define PRESET_MEM(size) (sizeof(void *) == 4 && (size) > MOST_32 ? MOST_32 : (size))

static const struct preset presets[] = {
	{"x86_64", MACHINE_MODE_4LEVEL, PRESET_MEM(8 * GIB), 1, 4},
	{"x86_32", MACHINE_MODE_32, PRESET_MEM(2 * GIB), 1, 4},
	{"numa-2", MACHINE_MODE_4LEVEL, PRESET_MEM(8 * GIB), 2, 4},
	{"numa-4", MACHINE_MODE_4LEVEL, PRESET_MEM(8 * GIB), 4, 4},
	{"tiny-8M", MACHINE_MODE_4LEVEL, 8 * MIB, 1, 1},
	{"x86_64_la57", MACHINE_MODE_5LEVEL, PRESET_MEM(8 * GIB), 1, 4},
	{"x86_32_pae", MACHINE_MODE_PAE, PRESET_MEM(4 * GIB), 1, 4},
};

int preset_apply(struct machine_desc *desc, const char *name)
{
	for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++) {
		const struct preset *p = &presets[i];

		if (strcmp(p->name, name))
			continue;
		if (!p->mem)
			return -EOPNOTSUPP;
		*desc = (struct machine_desc){
			.mem = p->mem,
			.nodes = p->nodes,
			.cpus = p->cpus,
			.mode = p->mode,
			.default_reserved = true,
		};
		return 0;
	}
	return -ENOENT;
}

void pc_ram(uint64_t mem, struct range_vec *banks, struct range_vec *usable)
{
	uint64_t low = mem < PC_LOW_END ? mem : PC_LOW_END;

	range_vec_push(banks, 0, low, NUMA_NO_NODE);
	if (mem > low)
		range_vec_push(banks, PC_HIGH_START, PC_HIGH_START + (mem - low), NUMA_NO_NODE);
	for (unsigned int i = 0; i < banks->n; i++)
		range_vec_push(usable, banks->v[i].start, banks->v[i].end, NUMA_NO_NODE);
	range_vec_cut(usable, 0, PAGE_SIZE);
	range_vec_cut(usable, PC_BIOS_START, PC_BIOS_END);
	if (low > PC_BIOS_END)
		range_vec_cut(usable, low < PC_BIOS_END + PC_TABLES ? PC_BIOS_END : low - PC_TABLES, low);
}

/* --- what a boot reserves -------------------------------------------------------------------- */

struct boot_map {
	const struct machine_desc *desc;
	const struct range_vec *ram;
	struct range_vec free;
	struct range_vec *reserved;
};

static void reserve_range(struct boot_map *map, uint64_t start, uint64_t end)
{
	range_vec_push(map->reserved, start, end, NUMA_NO_NODE);
	range_vec_cut(&map->free, start, end);
}

static uint64_t free_pages(const struct boot_map *map, int node, uint64_t limit)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < map->free.n; i++) {
		const struct machine_range *r = &map->free.v[i];

		if ((node == ANY_NODE || r->node == node) && r->start < limit)
			bytes += (r->end < limit ? r->end : limit) - r->start;
	}
	return bytes >> PAGE_SHIFT;
}

/* @pages from the top of @node below @limit down; at most half of what is there, so that a machine
 * with a thousand CPUs and little RAM still boots. */
static void reserve_top(struct boot_map *map, int node, uint64_t limit, uint64_t pages)
{
	uint64_t most = free_pages(map, node, limit) / 2;
	uint64_t left = (pages < most ? pages : most) << PAGE_SHIFT;

	for (unsigned int i = map->free.n; i-- && left;) {
		struct machine_range r = map->free.v[i];
		uint64_t end = r.end < limit ? r.end : limit;
		uint64_t start;

		if ((node != ANY_NODE && r.node != node) || r.start >= limit)
			continue;
		start = end - r.start > left ? end - left : r.start;
		left -= end - start;
		/* Ranges below @i keep their places. */
		reserve_range(map, start, end);
	}
}

static bool has_ram(const struct range_vec *ram, uint64_t start, uint64_t end)
{
	for (unsigned int i = 0; i < ram->n && start < end; i++) {
		if (ram->v[i].start <= start && start < ram->v[i].end)
			start = ram->v[i].end;
	}
	return start >= end;
}

static uint64_t ram_pages(const struct range_vec *ram, int node, uint64_t limit)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < ram->n; i++) {
		const struct machine_range *r = &ram->v[i];

		if ((node == ANY_NODE || r->node == node) && r->start < limit)
			bytes += (r->end < limit ? r->end : limit) - r->start;
	}
	return bytes >> PAGE_SHIFT;
}

/* Hash tables grow by powers of two. @pages for each 256 MiB of the next power. */
static uint64_t hash_pages(uint64_t ram, uint64_t pages)
{
	uint64_t power = 1;

	while (power < ram)
		power *= 2;
	return power * pages / (256 * MIB >> PAGE_SHIFT);
}

static unsigned int cpus_of(const struct machine_desc *desc, unsigned int node)
{
	return node < desc->cpus ? (desc->cpus - 1 - node) / desc->nodes + 1 : 0;
}

/* Sections of 128 MiB in which @node has RAM; ranges ascend. */
static uint64_t sections_of(const struct range_vec *ram, int node)
{
	uint64_t sections = 0, next = 0;

	for (unsigned int i = 0; i < ram->n; i++) {
		uint64_t first = ram->v[i].start / SECTION_SIZE;
		uint64_t last = (ram->v[i].end - 1) / SECTION_SIZE;

		if (ram->v[i].node != node)
			continue;
		first = first > next ? first : next;
		if (last + 1 > first)
			sections += last + 1 - first;
		next = last + 1;
	}
	return sections;
}

static int node_at(const struct range_vec *ram, uint64_t limit)
{
	int node = ram->v[0].node;

	for (unsigned int i = 0; i < ram->n && ram->v[i].start < limit; i++)
		node = ram->v[i].node;
	return node;
}

static void reserve_64(struct boot_map *map)
{
	const struct machine_desc *desc = map->desc;
	const struct range_vec *ram = map->ram;
	int last = node_at(ram, UINT64_MAX);
	bool bounce = ram->v[ram->n - 1].end > PC_HIGH_START;
	bool small = ram->v[ram->n - 1].end <= SECTION_SIZE;

	reserve_range(map, IMAGE_START, IMAGE_START + IMAGE_PAGES_64 * PAGE_SIZE);
	if (bounce)
		reserve_top(map, node_at(ram, PC_HIGH_START), PC_HIGH_START, 16384);
	for (unsigned int node = 0; node < desc->nodes; node++) {
		uint64_t pages = 2 + 512 * sections_of(ram, (int)node) + 39ull * cpus_of(desc, node);

		if (node == 0)
			pages += 4;
		if ((int)node == last)
			pages += 7 + !small + desc->cpus / 16 + (bounce ? 192 + 3 : 0);
		if (desc->nodes == 1)
			pages += hash_pages(ram_pages(ram, ANY_NODE, UINT64_MAX), 96);
		else if ((int)node == last)
			pages += bounce;
		reserve_top(map, (int)node, UINT64_MAX, pages);
	}
}

uint64_t desc_vmalloc_size(const struct machine_desc *desc)
{
	static const char name[] = "vmalloc=";
	const char *at = desc->cmdline;
	uint64_t size;

	for (; at && (at = strstr(at, name)); at++) {
		if (at > desc->cmdline && !isspace((unsigned char)at[-1]))
			continue;
		/* Boot parses the word in earnest and refuses a bad one. */
		at += strlen(name);
		return sim_read_size(&at, &size) ? size : 0;
	}
	return 0;
}

static void reserve_32(struct boot_map *map)
{
	uint64_t lowmem_end = kva_layout(map->desc->mode, map->desc->cpus,
					 desc_vmalloc_size(map->desc)).lowmem_end;
	const struct range_vec *ram = map->ram;
	uint64_t memmap = ram->v[ram->n - 1].end / PAGE_SIZE * 32;
	uint64_t pages = (memmap + PAGE_SIZE - 1) / PAGE_SIZE + 23ull * map->desc->cpus + 10;

	pages += hash_pages(ram_pages(ram, ANY_NODE, lowmem_end), 48);
	reserve_range(map, IMAGE_START, IMAGE_START + IMAGE_PAGES_32 * PAGE_SIZE);
	reserve_top(map, ANY_NODE, lowmem_end, pages);
}

static void reserve_small(struct boot_map *map)
{
	uint64_t pages = ram_pages(map->ram, ANY_NODE, UINT64_MAX);
	uint64_t frames = map->ram->v[map->ram->n - 1].end / PAGE_SIZE;

	reserve_range(map, MIB, MIB + pages / 8 * PAGE_SIZE + PAGE_SIZE);
	reserve_top(map, ANY_NODE, UINT64_MAX, frames / 64 + 1 + 2ull * map->desc->cpus);
}

void pc_reserve(const struct machine_desc *desc, const struct range_vec *ram,
		struct range_vec *reserved)
{
	struct boot_map map = {.desc = desc, .ram = ram, .reserved = reserved};
	bool x86_32 = kva_mode_is_32(desc->mode);
	uint64_t image = (x86_32 ? IMAGE_PAGES_32 : IMAGE_PAGES_64) * PAGE_SIZE;

	for (unsigned int i = 0; i < ram->n; i++)
		range_vec_push(&map.free, ram->v[i].start, ram->v[i].end, ram->v[i].node);
	for (unsigned int i = 0; i < reserved->n; i++)
		range_vec_cut(&map.free, reserved->v[i].start, reserved->v[i].end);
	reserve_range(&map, 0, MIB);
	if (!has_ram(ram, IMAGE_START, IMAGE_START + image))
		reserve_small(&map);
	else if (x86_32)
		reserve_32(&map);
	else
		reserve_64(&map);
	reserved->failed |= map.free.failed;
	range_vec_free(&map.free);
}
