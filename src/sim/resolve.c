/* SPDX-License-Identifier: MIT */
/*
 * From a description to the machine's constant copy of it. Whatever a program may leave out gets its
 * value here, and whatever is impossible is refused here: behind this file a description is right.
 *
 *	1. numbers: CPUs, nodes, mode, address bits
 *	2. banks: the ranges of `ram`, or those of a PC with `mem` bytes
 *	3. nodes: banks without a node are dealt out evenly, in ascending order, at borders of 4 MiB
 *	4. the command line (ram_words.c): what of it the kernel uses, and whether in other nodes
 *	5. RAM: the banks (for a PC: without the firmware's holes) cut at the nodes' borders, whole pages,
 *	   without what the mode cannot address; once all of it, once what the kernel uses
 *	6. reserved ranges, distances, counts of zones
 */
#include "sim/desc.h"
#include "sim/error.h"
#include "sim/ram_words.h"
#include "sim/tlb.h"

#include "lib/kva_layout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kmem/mm.h>

/* A node's border inside a block of the page allocator would put the block into two nodes. */
#define NODE_ALIGN ((uint64_t)4 << 20)

#define LOCAL_DISTANCE 10
#define REMOTE_DISTANCE 20

/* What a frame number in the page tables of x86_32 can reach: without and with PAE. */
#define X86_32_TOP ((uint64_t)1 << 32)
#define X86_PAE_TOP ((uint64_t)1 << 36)

typedef unsigned long long ull;

void range_vec_push(struct range_vec *vec, uint64_t start, uint64_t end, int node)
{
	if (vec->n == vec->max) {
		unsigned int max = vec->max ? vec->max * 2 : 8;
		struct machine_range *v = realloc(vec->v, max * sizeof(*v));

		if (!v) {
			vec->failed = true;
			return;
		}
		vec->v = v;
		vec->max = max;
	}
	vec->v[vec->n++] = (struct machine_range){start, end, node};
}

void range_vec_free(struct range_vec *vec)
{
	free(vec->v);
	*vec = (struct range_vec){0};
}

void range_vec_cut(struct range_vec *vec, uint64_t start, uint64_t end)
{
	struct range_vec out = {.failed = vec->failed};

	for (unsigned int i = 0; i < vec->n; i++) {
		const struct machine_range *r = &vec->v[i];

		if (r->start < start)
			range_vec_push(&out, r->start, r->end < start ? r->end : start, r->node);
		if (r->end > end)
			range_vec_push(&out, r->start > end ? r->start : end, r->end, r->node);
	}
	range_vec_free(vec);
	*vec = out;
}

static int by_start(const void *a, const void *b)
{
	const struct machine_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

void range_vec_sort(struct range_vec *vec)
{
	if (vec->n)
		qsort(vec->v, vec->n, sizeof(*vec->v), by_start);
}

static uint64_t page_up(uint64_t n)
{
	return n > UINT64_MAX - (PAGE_SIZE - 1) ? UINT64_MAX & PAGE_MASK_64 :
						  (n + PAGE_SIZE - 1) & PAGE_MASK_64;
}

int desc_check_mode(enum machine_mode mode, struct machine_error *err)
{
	switch (mode) {
	case MACHINE_MODE_32:
	case MACHINE_MODE_PAE:
	case MACHINE_MODE_4LEVEL:
	case MACHINE_MODE_5LEVEL:
		return 0;
	}
	return sim_error(err, -EINVAL, "mode %d: no such paging mode", (int)mode);
}

static unsigned int default_phyaddr(enum machine_mode mode)
{
	switch (mode) {
	case MACHINE_MODE_32:
	case MACHINE_MODE_PAE:
		return 36;
	case MACHINE_MODE_4LEVEL:
		return 46; /* what Linux maps directly with four levels */
	default:
		return 52;
	}
}

static int resolve_numbers(const struct machine_desc *desc, struct machine_desc *out,
			   struct machine_error *err)
{
	int ret = desc_check_mode(desc->mode, err);
	struct tlb_geometry geometry;
	const char *why;

	if (ret)
		return ret;
	if (!desc->cpus || desc->cpus > DESC_MAX_CPUS)
		return sim_error(err, -EINVAL, "cpus=%u: 1 to %u are possible", desc->cpus,
				 DESC_MAX_CPUS);
	if (!desc->nodes || desc->nodes > DESC_MAX_NODES)
		return sim_error(err, -EINVAL, "nodes=%u: 1 to %u are possible", desc->nodes,
				 DESC_MAX_NODES);
	why = tlb_geometry_parse(&geometry, desc->tlb);
	if (why)
		return sim_error(err, -EINVAL, "tlb=%.60s: %s", desc->tlb, why);
	if (desc->backing != MACHINE_BACKING_MEMFD && desc->backing != MACHINE_BACKING_PRIVATE)
		return sim_error(err, -EINVAL, "backing %d: no such backing", (int)desc->backing);
	out->maxphyaddr = desc->maxphyaddr ? desc->maxphyaddr : default_phyaddr(desc->mode);
	if (out->maxphyaddr < DESC_MIN_PHYADDR || out->maxphyaddr > DESC_MAX_PHYADDR)
		return sim_error(err, -EINVAL, "maxphyaddr=%u: %u to %u are possible",
				 desc->maxphyaddr, DESC_MIN_PHYADDR, DESC_MAX_PHYADDR);
	return 0;
}

/* --- RAM ----------------------------------------------------------------------------------- */

static int check_range(const char *key, const struct machine_range *r, struct machine_error *err)
{
	if (r->start < r->end)
		return 0;
	return sim_error(err, -EINVAL, "%s range 0x%llx-0x%llx ends before it starts or is empty",
			 key, (ull)r->start, (ull)r->end);
}

static int check_banks(const struct machine_desc *desc, const struct range_vec *banks,
		       struct machine_error *err)
{
	for (unsigned int i = 0; i < banks->n; i++) {
		const struct machine_range *r = &banks->v[i];
		int ret = check_range("ram", r, err);

		if (ret)
			return ret;
		if (r->node != NUMA_NO_NODE && (r->node < 0 || (unsigned int)r->node >= desc->nodes))
			return sim_error(err, -EINVAL, "ram range 0x%llx-0x%llx on node %d of %u nodes",
					 (ull)r->start, (ull)r->end, r->node, desc->nodes);
		if (i && r->start < r[-1].end)
			return sim_error(err, -EINVAL,
					 "ram ranges 0x%llx-0x%llx and 0x%llx-0x%llx overlap",
					 (ull)r[-1].start, (ull)r[-1].end, (ull)r->start, (ull)r->end);
	}
	return 0;
}

/* The piece of @r that a node with @share bytes left takes: up to a border, or all of it. */
static uint64_t node_border(const struct machine_range *r, uint64_t share)
{
	uint64_t border;

	if (share >= r->end - r->start)
		return r->end;
	border = (r->start + share) & ~(NODE_ALIGN - 1);
	if (border <= r->start)
		border = (r->start + NODE_ALIGN) & ~(NODE_ALIGN - 1);
	return border < r->end ? border : r->end;
}

/* Deal the banks that have no node out, in ascending order. */
static int assign_nodes(unsigned int nodes, struct range_vec *banks, struct machine_error *err)
{
	struct range_vec out = {0};
	uint64_t total = 0, share, left;
	int node = 0;

	for (unsigned int i = 0; i < banks->n; i++) {
		if (banks->v[i].node == NUMA_NO_NODE)
			total += banks->v[i].end - banks->v[i].start;
	}
	share = nodes == 1 ? total : total / nodes & ~(NODE_ALIGN - 1);
	if (total && !share)
		return sim_error(err, -EINVAL, "%llu MiB over %u nodes is less than 4 MiB for each",
				 (ull)(total >> 20), nodes);
	left = share;
	for (unsigned int i = 0; i < banks->n; i++) {
		struct machine_range r = banks->v[i];

		while (r.node == NUMA_NO_NODE && r.start < r.end) {
			bool last = node == (int)nodes - 1;
			uint64_t border = last ? r.end : node_border(&r, left);

			range_vec_push(&out, r.start, border, node);
			left -= border - r.start < left ? border - r.start : left;
			r.start = border;
			/* Less than one aligned piece is no share: the next node's turn. */
			if (!last && left < NODE_ALIGN) {
				node++;
				left = share;
			}
		}
		if (r.node != NUMA_NO_NODE)
			range_vec_push(&out, r.start, r.end, r.node);
	}
	out.failed |= banks->failed;
	range_vec_free(banks);
	*banks = out;
	return 0;
}

/* @usable, cut at the borders of @banks: whole pages with their nodes. */
static void cut_at_nodes(const struct range_vec *usable, const struct range_vec *banks,
			 struct range_vec *out)
{
	for (unsigned int i = 0; i < usable->n; i++) {
		for (unsigned int j = 0; j < banks->n; j++) {
			const struct machine_range *u = &usable->v[i], *b = &banks->v[j];
			uint64_t start = page_up(u->start > b->start ? u->start : b->start);
			uint64_t end = (u->end < b->end ? u->end : b->end) & PAGE_MASK_64;

			if (start < end)
				range_vec_push(out, start, end, b->node);
		}
	}
	out->failed |= usable->failed || banks->failed;
}

static uint64_t reach_of(enum machine_mode mode)
{
	return mode == MACHINE_MODE_PAE ? X86_PAE_TOP : X86_32_TOP;
}

/* What lies above the mode's reach is no RAM for the machine's kernel. */
static void drop_unreachable(const struct arch_machine *am, enum machine_mode mode,
			     struct range_vec *ram)
{
	uint64_t top = reach_of(mode);
	uint64_t dropped = 0;
	char line[120];

	for (unsigned int i = 0; i < ram->n; i++) {
		const struct machine_range *r = &ram->v[i];

		if (r->end > top)
			dropped += r->end - (r->start > top ? r->start : top);
	}
	if (!dropped)
		return;
	range_vec_cut(ram, top, UINT64_MAX);
	snprintf(line, sizeof(line), "machine: %llu MiB of RAM above %uG are out of reach in mode %s",
		 (ull)(dropped >> 20), (unsigned int)(top >> 30),
		 mode == MACHINE_MODE_PAE ? "pae" : "32");
	arch_log(am, 4, line);
}

static int find_banks(const struct machine_desc *desc, struct range_vec *banks,
		      struct range_vec *usable, struct machine_error *err)
{
	if (desc->mem) {
		pc_ram(desc->mem, banks, usable);
	} else {
		for (unsigned int i = 0; i < desc->nr_ram; i++)
			range_vec_push(banks, desc->ram[i].start, desc->ram[i].end, desc->ram[i].node);
		range_vec_sort(banks);
		for (unsigned int i = 0; i < banks->n; i++)
			range_vec_push(usable, banks->v[i].start, banks->v[i].end, NUMA_NO_NODE);
	}
	return check_banks(desc, banks, err);
}

/* Both views of RAM, cut at the borders of @banks. */
static int cut_ram(const struct arch_machine *am, const struct ram_words *rw,
		   const struct range_vec *banks, struct machine_desc *out, struct machine_error *err)
{
	struct desc_owned *owned = out->owned;
	struct range_vec ram = {0}, kernel = {0};

	cut_at_nodes(rw->firmware, banks, &ram);
	cut_at_nodes(&rw->usable, banks, &kernel);
	if (kva_mode_is_32(out->mode)) {
		drop_unreachable(am, out->mode, &ram);
		range_vec_cut(&kernel, reach_of(out->mode), UINT64_MAX);
	}
	owned->ram = ram.v;
	owned->kernel_ram = kernel.v;
	owned->nr_kernel_ram = kernel.n;
	out->ram = ram.v;
	out->nr_ram = ram.n;
	if (ram.failed || kernel.failed)
		return sim_error(err, -ENOMEM, "no host memory for the RAM map");
	if (!ram.n)
		return sim_error(err, -EINVAL, "the machine has no RAM: not one whole usable page");
	if (!kernel.n)
		return sim_error(err, -EINVAL, "kernel command line: mem= and memmap= leave no RAM");
	if (ram.v[ram.n - 1].end > 1ull << out->maxphyaddr)
		return sim_error(err, -EINVAL, "RAM ends at 0x%llx, beyond %u physical address bits",
				 (ull)ram.v[ram.n - 1].end, out->maxphyaddr);
	return 0;
}

static void log_fewer_nodes(const struct arch_machine *am, const struct ram_words *rw,
			    unsigned int nodes)
{
	char line[120];

	snprintf(line, sizeof(line), "machine: numa=fake=%llu: RAM and its holes give %u nodes",
		 (ull)rw->fake_n, nodes);
	arch_log(am, 4, line);
}

static int assign_and_cut(const struct arch_machine *am, const struct ram_words *rw,
			  struct range_vec *banks, struct machine_desc *out, struct machine_error *err)
{
	struct desc_owned *owned = out->owned;
	int ret;

	if (rw->one_node) {
		out->nodes = 1;
		for (unsigned int i = 0; i < banks->n; i++)
			banks->v[i].node = 0;
	}
	ret = assign_nodes(out->nodes, banks, err);
	if (!ret && rw->fake && rw->usable.n)
		ret = ram_words_fake(rw, banks, &out->nodes, &owned->real_node, err);
	if (!ret && rw->fake == FAKE_COUNT && out->nodes < rw->fake_n)
		log_fewer_nodes(am, rw, out->nodes);
	return ret ? ret : cut_ram(am, rw, banks, out, err);
}

static int resolve_ram(const struct arch_machine *am, const struct machine_desc *desc,
		       struct machine_desc *out, struct machine_error *err)
{
	struct range_vec banks = {0}, firmware = {0};
	struct ram_words rw = {0};
	int ret = find_banks(desc, &banks, &firmware, err);

	if (!ret)
		ret = ram_words_parse(&rw, desc->cmdline, &banks, &firmware, err);
	if (!ret)
		ret = assign_and_cut(am, &rw, &banks, out, err);
	range_vec_free(&rw.usable);
	range_vec_free(&banks);
	range_vec_free(&firmware);
	return ret;
}

/* --- the rest ------------------------------------------------------------------------------ */

static int resolve_reserved(const struct machine_desc *desc, const struct range_vec *ram,
			    struct range_vec *reserved, struct machine_error *err)
{
	for (unsigned int i = 0; i < desc->nr_reserved; i++) {
		const struct machine_range *r = &desc->reserved[i];
		int ret = check_range("reserved", r, err);

		if (ret)
			return ret;
		/* Outwards: a page that is reserved in part is not free. */
		range_vec_push(reserved, r->start & PAGE_MASK_64, page_up(r->end), NUMA_NO_NODE);
	}
	/* Counts of zones say themselves how much of each is reserved. */
	if (desc->default_reserved && !desc->nr_zone_pages)
		pc_reserve(desc, ram, reserved);
	return reserved->failed ? sim_error(err, -ENOMEM, "no host memory for the RAM map") : 0;
}

static bool same_zone(const struct machine_zone_pages *a, const struct machine_zone_pages *b)
{
	return a->node == b->node && a->zone == b->zone;
}

static int check_zone_pages(const struct machine_desc *desc, struct machine_error *err)
{
	for (unsigned int i = 0; i < desc->nr_zone_pages; i++) {
		const struct machine_zone_pages *z = &desc->zone_pages[i];

		if (z->node < 0 || (unsigned int)z->node >= desc->nodes)
			return sim_error(err, -EINVAL, "zonepages: node %d of %u nodes", z->node,
					 desc->nodes);
		if (z->zone < 0 || z->zone >= KMEM_MAX_NR_ZONES)
			return sim_error(err, -EINVAL, "zonepages: zone %d does not exist", z->zone);
		if (z->managed > z->present)
			return sim_error(err, -EINVAL,
					 "zonepages: node %d has %llu managed of %llu present pages",
					 z->node, (ull)z->managed, (ull)z->present);
		for (unsigned int j = 0; j < i; j++) {
			if (same_zone(z, &desc->zone_pages[j]))
				return sim_error(err, -EINVAL,
						 "zonepages: a zone of node %d stands there twice",
						 z->node);
		}
	}
	return 0;
}

static int check_distance(const struct machine_desc *desc, struct machine_error *err)
{
	for (unsigned int i = 0; i < desc->nodes; i++) {
		for (unsigned int j = 0; j < desc->nodes; j++) {
			unsigned int d = desc->distance[i * desc->nodes + j];

			if (i == j ? d != LOCAL_DISTANCE : d <= LOCAL_DISTANCE)
				return sim_error(err, -EINVAL,
						 "distance of node %u to node %u is %u: own is 10, others are more",
						 i, j, d);
		}
	}
	return 0;
}

/* @real: the nodes of @desc that the @nodes fake ones lie on; NULL: they are the nodes. */
static uint8_t *copy_distance(const struct machine_desc *desc, unsigned int nodes, const int *real)
{
	uint8_t *d = malloc((size_t)nodes * nodes);

	for (unsigned int i = 0; d && i < nodes; i++) {
		for (unsigned int j = 0; j < nodes; j++) {
			unsigned int from = real ? (unsigned int)real[i] : i;
			unsigned int to = real ? (unsigned int)real[j] : j;

			d[i * nodes + j] = from == to ? LOCAL_DISTANCE : REMOTE_DISTANCE;
			if (desc->distance)
				d[i * nodes + j] = desc->distance[from * desc->nodes + to];
		}
	}
	return d;
}

static int copy_rest(const struct machine_desc *desc, const struct machine_desc *out,
		     struct desc_owned *owned, struct machine_error *err)
{
	owned->distance = copy_distance(desc, out->nodes, owned->real_node);
	owned->cmdline = strdup(desc->cmdline ? desc->cmdline : "");
	if (desc->nr_zone_pages) {
		owned->zone_pages = calloc(desc->nr_zone_pages, sizeof(*owned->zone_pages));
		if (owned->zone_pages)
			memcpy(owned->zone_pages, desc->zone_pages,
			       desc->nr_zone_pages * sizeof(*owned->zone_pages));
	}
	owned->tlb = desc->tlb ? strdup(desc->tlb) : NULL;
	if (!owned->distance || !owned->cmdline || (desc->tlb && !owned->tlb) ||
	    (desc->nr_zone_pages && !owned->zone_pages))
		return sim_error(err, -ENOMEM, "no host memory for the description");
	return 0;
}

/* Fills @out, whose `owned` holds what was made so far even on failure. */
static int resolve(const struct arch_machine *am, const struct machine_desc *desc,
		   struct machine_desc *out, struct machine_error *err)
{
	struct desc_owned *owned = out->owned;
	struct range_vec reserved = {0};
	int ret = resolve_numbers(desc, out, err);

	if (!ret && desc->distance)
		ret = check_distance(desc, err);
	if (!ret)
		ret = resolve_ram(am, desc, out, err);
	if (!ret)
		ret = check_zone_pages(out, err);
	if (!ret) {
		struct range_vec kernel = {.v = owned->kernel_ram, .n = owned->nr_kernel_ram};

		ret = resolve_reserved(out, &kernel, &reserved, err);
	}
	owned->reserved = reserved.v;
	if (!ret)
		ret = copy_rest(desc, out, owned, err);
	out->reserved = reserved.v;
	out->nr_reserved = reserved.n;
	out->zone_pages = owned->zone_pages;
	out->distance = owned->distance;
	out->cmdline = owned->cmdline;
	out->tlb = owned->tlb;
	return ret;
}

int desc_resolve(const struct arch_machine *am, const struct machine_desc *desc,
		 struct machine_desc *out, struct machine_error *err)
{
	int ret;

	*out = *desc;
	out->owned = calloc(1, sizeof(struct desc_owned));
	if (!out->owned)
		return sim_error(err, -ENOMEM, "no host memory for the description");
	ret = resolve(am, desc, out, err);
	if (ret)
		machine_desc_free(out);
	return ret;
}
