/* SPDX-License-Identifier: MIT */
/*
 * A machine of two nodes, and memory from where one wants it: a table taken while the machine boots,
 * pages of a node, pages that can be moved, and what happens when a node has no more.
 */
#include <kmem/kmem.h>

#include <errno.h>
#include <stdio.h>

#define MIB (1ul << 20)

static unsigned long *table;

/* The machine has RAM but no allocators yet: only memblock works here. */
static int early(void *arg)
{
	phys_addr_t start, end;
	uint64_t i;
	int nid;

	(void)arg;

	for_each_free_mem_range(i, NUMA_NO_NODE, MEMBLOCK_NONE, &start, &end, &nid)
		printf("free at boot: node %d, %5lu to %5lu MiB\n", nid, (unsigned long)(start / MIB),
		       (unsigned long)(end / MIB));
	table = memblock_alloc_node(2 * MIB, PAGE_SIZE, 1);
	return table ? 0 : -ENOMEM;
}

static void where(const char *what, struct page *page)
{
	if (!page) {
		printf("%-28s nowhere\n", what);
		return;
	}
	printf("%-28s node %d, zone %s\n", what, page_to_nid(page), zone_type_name(page_zonenum(page)));
	__free_page(page);
}

int main(void)
{
	struct machine_error err;
	struct machine_desc desc;
	struct machine *m;
	struct page *page;
	unsigned long held = 0;

	if (machine_desc_parse(&desc, "ram=0-64M@0,64M-192M@1 reserved=0-16M nodes=2 cpus=2 "
			       "cmdline=movablecore=32M", NULL, &err)) {
		fprintf(stderr, "%s\n", err.reason);
		return 1;
	}
	desc.early = early;
	if (machine_boot(&desc, &m, &err)) {
		fprintf(stderr, "%s\n", err.reason);
		return 1;
	}
	machine_desc_free(&desc);
	printf("table on node %d, %s\n", page_to_nid(virt_to_page(table)),
	       table[1000] ? "full of something" : "zeroed");

	where("a page", alloc_page(GFP_KERNEL));
	where("a page of node 1", alloc_pages_node(1, GFP_KERNEL, 0));
	where("a movable page of node 1", alloc_pages_node(1, GFP_HIGHUSER_MOVABLE, 0));
	cpu_migrate(1);
	where("a page, from CPU 1", alloc_page(GFP_KERNEL));

	/* Node 0 gives all it has; then the other one does, unless that is not wanted. */
	cpu_migrate(0);
	while ((page = alloc_pages(GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN, 0))) {
		*(struct page **)page_address(page) = (struct page *)table[0];
		table[0] = (unsigned long)page;
		held++;
	}
	printf("node 0 gave %s\n", held > 1000 ? "thousands of pages" : "little");
	where("a page, node 0 is empty", alloc_page(GFP_KERNEL));
	where("a page of node 0 alone",
	      alloc_pages_node(0, GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN, 0));
	while ((page = (struct page *)table[0])) {
		table[0] = *(unsigned long *)page_address(page);
		__free_page(page);
	}
	return machine_shutdown(m) != 0;
}
