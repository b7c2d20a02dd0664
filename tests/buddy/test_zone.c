/* SPDX-License-Identifier: MIT */
/*
 * Nodes, zones and their figures, against what real Linux 6.1 kernels said at boot: zones-boot.csv
 * (each row's machine is built from its figures) and zonelists.csv.
 */
#include "buddy_test.h"

#include <errno.h>

#define MAX_FIELDS 24
#define MAX_ZONES_RUN 16

static const char *zones_csv, *zonelists_csv;

struct row {
	char line[512];
	char *field[MAX_FIELDS];
};

/* Columns of zones-boot.csv. */
enum { RUN, KERNEL, MEM_MB, NODES, CPUS, NODE, ZONE, START_PFN, SPANNED, PRESENT, MANAGED, NR_COLUMNS = 20 };

static void split_row(struct row *row)
{
	char *save = NULL, *field = strtok_r(row->line, ",\n", &save);
	unsigned int n = 0;

	for (; field && n < MAX_FIELDS; field = strtok_r(NULL, ",\n", &save))
		row->field[n++] = field;
	assert_int_equal(n, NR_COLUMNS);
}

static struct machine *boot_counts(const struct row *rows, unsigned int n)
{
	char text[1024];
	int len = snprintf(text, sizeof(text), "preset=%s mem=%sM cpus=%s nodes=%s zonepages=",
			   strcmp(rows->field[KERNEL], "slub32") ? "x86_64" : "x86_32",
			   rows->field[MEM_MB], rows->field[CPUS], rows->field[NODES]);

	for (unsigned int i = 0; i < n; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%s%s/%s:%s:%s", i ? "," : "",
				rows[i].field[NODE], rows[i].field[ZONE], rows[i].field[PRESENT],
				rows[i].field[MANAGED]);
	return test_boot(text);
}

/* Every column but the run's name and the kernel's must be the real kernel's. */
static void compare_rows(struct row *rows, unsigned int n)
{
	struct machine *m = boot_counts(rows, n);
	char *text = test_proc("zones-csv"), *save = NULL;
	char *line = strtok_r(text, "\n", &save);

	assert_true(!strncmp(line, "run,kernel,mem_mb,", 18));
	for (unsigned int i = 0; i < n; i++) {
		struct row got;

		line = strtok_r(NULL, "\n", &save);
		assert_non_null(line);
		snprintf(got.line, sizeof(got.line), "%s", line);
		split_row(&got);
		for (unsigned int c = MEM_MB; c < NR_COLUMNS; c++)
			if (strcmp(got.field[c], rows[i].field[c]))
				fail_msg("%s node %s zone %s column %u: kernel %s, ours %s",
					 rows[i].field[RUN], rows[i].field[NODE], rows[i].field[ZONE],
					 c, rows[i].field[c], got.field[c]);
	}
	assert_null(strtok_r(NULL, "\n", &save));
	free(text);
	check_zones();
	test_shutdown(m, 0);
}

static void test_figures_of_real_kernels(void **state)
{
	static struct row rows[MAX_ZONES_RUN];
	FILE *f = fopen(zones_csv, "r");
	unsigned int n = 0, seen = 0;
	struct row next;

	(void)state;
	assert_non_null(f);
	assert_non_null(fgets(next.line, sizeof(next.line), f));
	while (fgets(next.line, sizeof(next.line), f)) {
		char run[64];

		snprintf(run, sizeof(run), "%.*s", (int)strcspn(next.line, ","), next.line);
		if (n && strcmp(run, rows[0].field[RUN])) {
			compare_rows(rows, n);
			n = 0;
		}
		assert_true(n < MAX_ZONES_RUN);
		memcpy(rows[n].line, next.line, sizeof(next.line));
		split_row(&rows[n++]);
		seen++;
	}
	compare_rows(rows, n);
	fclose(f);
	assert_int_equal(seen, 109);
}

/* With transparent huge pages: what Debian's stock kernels said (deb-* rows of vmparams.csv). Machines
 * below 512 MiB run without them. */
static void test_thp_raises_min_free_kbytes(void **state)
{
	static const struct {
		const char *desc;
		unsigned long min_free_kbytes;
	} rows[] = {
		{"preset=x86_64 mem=1G thp=1", 45056},
		{"preset=x86_64 mem=2G cpus=2 thp=1", 45056},
		{"preset=x86_64 mem=4G cpus=2 thp=1", 67584},
		{"preset=x86_64 mem=8G cpus=4 thp=1", 67584},
		{"preset=x86_64 mem=8G cpus=2 nodes=2 thp=1", 90112},
		{"preset=x86_64 mem=4G cpus=4 nodes=4 thp=1", 112640},
	};
	struct machine *m;
	unsigned long with;

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		m = test_boot(rows[i].desc);
		assert_int_equal(arch_kernel()->buddy->min_free_kbytes, rows[i].min_free_kbytes);
		test_shutdown(m, 0);
	}
	m = test_boot("preset=x86_64 mem=256M thp=1");
	with = arch_kernel()->buddy->min_free_kbytes;
	test_shutdown(m, 0);
	m = test_boot("preset=x86_64 mem=256M thp=0");
	assert_int_equal(arch_kernel()->buddy->min_free_kbytes, with);
	test_shutdown(m, 0);
}

/* --- zonelists ------------------------------------------------------------------------------- */

static void node_order(const struct pgdat *pgdat, char *buf, size_t size)
{
	int last = -1;
	size_t len = 0;

	buf[0] = '\0';
	for (const struct zoneref *ref = pgdat->zonelist; ref->zone; ref++) {
		if (ref->zone->pgdat->nid == last)
			continue;
		last = ref->zone->pgdat->nid;
		len += (size_t)snprintf(buf + len, size - len, "%s%d", len ? ">" : "", last);
	}
}

static void test_node_order_of_real_kernels(void **state)
{
	FILE *f = fopen(zonelists_csv, "r");
	char line[256], want[64], got[64], text[128];
	unsigned int mem, nodes, cpus, node, seen = 0;

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		struct machine *m;

		if (sscanf(line, "%*[^,],%*[^,],%u,%u,%u,%u,%63[0-9>]", &mem, &nodes, &cpus, &node,
			   want) != 5)
			continue;
		snprintf(text, sizeof(text), "preset=x86_64 mem=%uM nodes=%u cpus=%u", mem, nodes, cpus);
		m = test_boot(text);
		node_order(buddy_node(arch_kernel(), (int)node), got, sizeof(got));
		assert_string_equal(got, want);
		test_shutdown(m, 0);
		seen++;
	}
	fclose(f);
	assert_int_equal(seen, 57);
}

/* Zones of one node from high to low; nodes by distance. */
static void test_zonelist_by_distance(void **state)
{
	static const uint8_t distance[] = {
		10, 30, 20,
		30, 10, 21,
		20, 21, 10,
	};
	static const struct machine_range ram[] = {
		{1ull << 20, 1ull << 30, 0}, {4ull << 30, 5ull << 30, 1}, {5ull << 30, 6ull << 30, 2},
	};
	static const char *const want[] = {"0>2>1", "1>2>0", "2>0>1"};
	struct machine_desc desc;
	struct machine *m;
	struct zoneref *ref;

	(void)state;
	test_catch_all();
	assert_int_equal(machine_desc_init(&desc, "x86_64", NULL), 0);
	desc.ram = ram;
	desc.nr_ram = 3;
	desc.mem = 0;
	desc.nodes = 3;
	desc.cpus = 3;
	desc.distance = distance;
	assert_int_equal(machine_boot(&desc, &m, NULL), 0);
	machine_desc_free(&desc);
	for (int nid = 0; nid < 3; nid++) {
		char got[64];

		node_order(buddy_node(arch_kernel(), nid), got, sizeof(got));
		assert_string_equal(got, want[nid]);
	}
	ref = buddy_node(arch_kernel(), 0)->zonelist;
	assert_int_equal(ref[0].type, KMEM_ZONE_DMA32);
	assert_int_equal(ref[1].type, KMEM_ZONE_DMA);
	assert_int_equal(ref[2].type, KMEM_ZONE_NORMAL);
	ref = buddy_node(arch_kernel(), 0)->zonelist_thisnode;
	assert_int_equal(ref[1].type, KMEM_ZONE_DMA);
	assert_null(ref[2].zone);
	test_shutdown(m, 0);
}

/* The rule word for word: the nearest that is left; of equals one behind @local, without CPUs, that fewer
 * others have in that place. */
static void model_order(const uint8_t *distance, unsigned int nodes, unsigned int cpus, unsigned int local,
			unsigned int *load, char *buf)
{
	bool used[16] = {false};
	unsigned int prev = local;

	sprintf(buf, "%u", local);
	used[local] = true;
	for (unsigned int i = 1; i < nodes; i++) {
		unsigned int best = 0, best_value = UINT32_MAX;

		for (unsigned int n = 0; n < nodes; n++) {
			unsigned int value = distance[local * nodes + n] + (n < local) + (n < cpus);

			if (!used[n] && value * 65536 + load[n] < best_value) {
				best_value = value * 65536 + load[n];
				best = n;
			}
		}
		used[best] = true;
		load[best] += distance[local * nodes + best] != distance[local * nodes + prev];
		sprintf(buf + strlen(buf), ">%u", best);
		prev = best;
	}
}

static void test_zonelists_of_random_distances(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (unsigned int round = 0; round < 30; round++) {
		unsigned int nodes = 2 + test_rand(&seed) % 9, cpus = 1 + test_rand(&seed) % 12;
		unsigned int kinds = 1 + test_rand(&seed) % 5, load[16] = {0}, len;
		uint8_t distance[256];
		char text[1024], want[64], got[64];
		struct machine *m;

		for (unsigned int i = 0; i < nodes * nodes; i++)
			distance[i] = i % (nodes + 1) ? (uint8_t)(11 + test_rand(&seed) % kinds) : 10;
		len = (unsigned int)sprintf(text, "ram=0-%uM nodes=%u cpus=%u distance=", nodes * 16, nodes, cpus);
		for (unsigned int i = 0; i < nodes * nodes; i++)
			len += (unsigned int)sprintf(text + len, "%s%u", !i ? "" : i % nodes ? "," : "/",
						     distance[i]);
		m = test_boot(text);
		for (unsigned int nid = 0; nid < nodes; nid++) {
			model_order(distance, nodes, cpus, nid, load, want);
			node_order(buddy_node(arch_kernel(), (int)nid), got, sizeof(got));
			if (strcmp(got, want))
				fail_msg("%s: node %u: %s, not %s", text, nid, got, want);
		}
		test_shutdown(m, 0);
	}
}

/* A node without RAM has empty zones and takes from its neighbours. */
static void test_memoryless_node(void **state)
{
	static const struct machine_range ram[] = {{1ull << 20, 1ull << 30, 0}};
	struct machine_desc desc;
	struct machine *m;
	struct page *page;

	(void)state;
	test_catch_all();
	assert_int_equal(machine_desc_init(&desc, "x86_64", NULL), 0);
	desc.ram = ram;
	desc.nr_ram = 1;
	desc.mem = 0;
	desc.nodes = 2;
	desc.cpus = 2;
	assert_int_equal(machine_boot(&desc, &m, NULL), 0);
	machine_desc_free(&desc);
	assert_int_equal(cpu_migrate(1), 0);
	assert_int_equal(numa_node_id(), 1);
	page = alloc_pages(GFP_KERNEL, 0);
	assert_non_null(page);
	assert_int_equal(page_to_nid(page), 0);
	__free_pages(page, 0);
	assert_null(alloc_pages(GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN, 0));
	test_shutdown(m, 0);
}

/* --- zones ----------------------------------------------------------------------------------- */

static void test_x86_32_zone_borders(void **state)
{
	struct machine *m = test_boot("preset=x86_32 ram=1M-1500M");

	(void)state;
	assert_int_equal(test_zone(0, KMEM_ZONE_DMA)->start_pfn, 256);
	assert_int_equal(test_zone(0, KMEM_ZONE_NORMAL)->start_pfn, 16 << 8);
	assert_int_equal(test_zone(0, KMEM_ZONE_HIGHMEM)->start_pfn, 0x36ffe);
	assert_int_equal(test_zone(0, KMEM_ZONE_HIGHMEM)->present, (1500 << 8) - 0x36ffe);
	assert_int_equal(test_zone(0, KMEM_ZONE_DMA32)->present, 0);
	check_zones();
	test_shutdown(m, 0);
}

static void test_holes_and_reserved_ranges(void **state)
{
	struct machine *m = test_boot("ram=1M-8M,9M-20M,32M-64M reserved=2M-3M,2500K-2600K,63M-64M");
	struct zone *dma = test_zone(0, KMEM_ZONE_DMA), *dma32 = test_zone(0, KMEM_ZONE_DMA32);

	(void)state;
	assert_int_equal(dma->start_pfn, 256);
	assert_int_equal(dma->spanned, 15 << 8);
	assert_int_equal(dma->present, 14 << 8);
	assert_int_equal(dma->managed, 13 << 8);
	assert_int_equal(dma32->spanned, 48 << 8);
	assert_int_equal(dma32->present, 36 << 8);
	assert_int_equal(dma32->managed, 35 << 8);
	assert_int_equal(totalram_pages(), 48 << 8);
	assert_null(pfn_to_page(8 << 8));
	assert_null(pfn_to_page(25 << 8));
	assert_non_null(pfn_to_page(2 << 8));
	assert_int_equal(page_zonenum(pfn_to_page(2 << 8)), KMEM_ZONE_DMA);
	assert_int_equal(page_zonenum(pfn_to_page(40 << 8)), KMEM_ZONE_DMA32);
	check_zones();
	test_shutdown(m, 0);
}

/* A terabyte costs no more than its zones: no struct page but those of ranges and edges. */
static void test_a_terabyte_boots_untouched(void **state)
{
	struct machine *m = test_boot("preset=x86_64 ram=1M-" TEST_HUGE " cpus=2 isolate_metadata=1");
	struct zone *normal = test_zone(0, KMEM_ZONE_NORMAL);
	const struct buddy *b = arch_kernel()->buddy;
	unsigned long blocks = normal->free_area[TOP_ORDER].nr_free;
	uint64_t first = normal->start_pfn;

	(void)state;
	assert_int_equal(normal->present, (TEST_HUGE_BYTES >> PAGE_SHIFT) - (1ull << 20));
	/* The preset reserves what the struct pages of such a machine take, at the top. */
	assert_true(normal->managed > normal->present / 100 * 95);
	assert_int_equal(blocks, normal->managed >> TOP_ORDER);
	assert_int_equal(area_count_locked(normal, TOP_ORDER, MIGRATE_MOVABLE), blocks);
	assert_int_equal(pfn_page(b, first)->type, PAGE_TYPE_RANGE);
	for (uint64_t pfn = first + 1; pfn < first + normal->present; pfn += normal->present / 16)
		assert_int_equal(pfn_page(b, pfn)->flags, 0);
	__free_pages(alloc_pages(GFP_KERNEL, 0), 0);
	drain_local_pages();
	assert_int_equal(normal->nr_free, normal->managed);
	check_zones();
	test_shutdown(m, 0);
}

/* Blocks that memblock's free ranges in @zone make: each time the largest that alignment and end allow. */
static void count_blocks(const struct zone *zone, unsigned long nr[MAX_ORDER])
{
	phys_addr_t start, end;
	uint64_t i;

	memset(nr, 0, MAX_ORDER * sizeof(nr[0]));
	for_each_free_mem_range(i, zone->pgdat->nid, MEMBLOCK_NONE, &start, &end, NULL) {
		uint64_t pfn = start >> PAGE_SHIFT, top = end >> PAGE_SHIFT;

		if (pfn < zone->start_pfn)
			pfn = zone->start_pfn;
		if (top > zone->start_pfn + zone->spanned)
			top = zone->start_pfn + zone->spanned;
		while (pfn < top) {
			unsigned int order = TOP_ORDER;

			while (pfn % (1ull << order) || pfn + (1ull << order) > top)
				order--;
			nr[order] += order == TOP_ORDER ? (top - pfn) >> TOP_ORDER : 1;
			pfn += order == TOP_ORDER ? (top - pfn) & ~(TOP_PAGES - 1) : 1ull << order;
		}
	}
}

static void expect_buddyinfo(const char *machine)
{
	struct machine *m = test_boot(machine);
	char *text = test_proc("buddyinfo"), *save = NULL;
	char *line = strtok_r(text, "\n", &save);

	for_each_populated_zone(arch_kernel()->buddy, zone) {
		unsigned long nr[MAX_ORDER];
		char want[200];
		int len = snprintf(want, sizeof(want), "Node %d, zone %8s ", zone->pgdat->nid, zone->name);

		count_blocks(zone, nr);
		for (unsigned int order = 0; order < MAX_ORDER; order++)
			len += snprintf(want + len, sizeof(want) - (size_t)len, "%6lu ", nr[order]);
		assert_non_null(line);
		assert_string_equal(line, want);
		line = strtok_r(NULL, "\n", &save);
	}
	assert_null(line);
	free(text);
	check_zones();
	test_shutdown(m, 0);
}

/* Right after boot, on machines of any size and shape. */
static void expect_buddyinfo_of(const char *const *machines, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		char text[256];

		snprintf(text, sizeof(text), "%s isolate_metadata=1", machines[i]);
		expect_buddyinfo(text);
	}
}

static void test_buddyinfo_is_what_memblock_left(void **state)
{
	static const char *const machines[] = {
		"preset=tiny-8M", "preset=x86_32 mem=1G", "preset=x86_32 mem=1G cmdline=kernelcore=500M",
		"preset=x86_64 mem=1000M nodes=3",
		"ram=4K-636K,1M-19M,23M-100004K reserved=5000K-5004K,7M-9001K,64M-65540K",
	};

	(void)state;
	expect_buddyinfo_of(machines, sizeof(machines) / sizeof(machines[0]));
}

static void test_buddyinfo_of_large_machines(void **state)
{
	static const char *const machines[] = {
		"preset=x86_64 mem=" TEST_HUGE, "preset=x86_64 mem=" TEST_HUGE " nodes=8 cpus=8",
		"preset=x86_64 mem=" TEST_HUGE " nodes=3 cmdline=movablecore=50%",
		"preset=x86_64 mem=" TEST_HUGE " cmdline=numa=fake=16",
		"preset=x86_64 mem=" TEST_HUGE " cmdline=\"mem=33333M memmap=7M$9G,4097K!20G\"",
		"preset=x86_32 mem=3G", "preset=x86_32 mem=3G cmdline=kernelcore=1500M", "preset=numa-4",
	};

	(void)state;
	expect_buddyinfo_of(machines, sizeof(machines) / sizeof(machines[0]));
}

/* --- the counts form ------------------------------------------------------------------------- */

static void test_impossible_counts(void **state)
{
	(void)state;
	expect_no_boot("mem=64M zonepages=0/DMA:5000:10", -EINVAL, "0/DMA: 5000 present");
	expect_no_boot("mem=64M zonepages=0/DMA:100:101", -EINVAL, "101 managed of 100");
	expect_no_boot("mem=64M zonepages=1/DMA:100:10", -EINVAL, "node 1");
	expect_no_boot("mem=64M zonepages=0/HighMem:100:10", -EINVAL, "no zone HighMem");
	expect_no_boot("mem=64M zonepages=0/DMA:100:10,0/DMA:90:9", -EINVAL, "twice");
	expect_no_boot("mem=64M zonepages=0/DMA:100:100,0/Movable:100:101", -EINVAL, "101 managed");
	expect_no_boot("mem=64M zonepages=0/DMA:100:100,0/DMA32:8000:8000,0/Movable:8000:8000", -EINVAL,
		       "0/Movable: 8000 present");
	expect_no_boot("mem=64M zonepages=0/DMA:100:0", -EINVAL, "reserved");
	expect_no_boot("ram=1M-64M reserved=0-64M", -EINVAL, "reserved");
}

static void test_counts_cut_the_map(void **state)
{
	struct machine *m = test_boot("mem=64M zonepages=0/DMA:3000:2900,0/DMA32:1000:1000");
	struct zone *dma = test_zone(0, KMEM_ZONE_DMA), *dma32 = test_zone(0, KMEM_ZONE_DMA32);

	(void)state;
	assert_int_equal(dma->present, 3000);
	assert_int_equal(dma->managed, 2900);
	assert_int_equal(dma32->start_pfn, 4096);
	assert_int_equal(dma32->spanned, 1000);
	assert_int_equal(dma32->managed, 1000);
	assert_null(pfn_to_page(5096));
	assert_non_null(pfn_to_page(5095));
	check_zones();
	test_shutdown(m, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		wide_unit_test(test_figures_of_real_kernels),
		wide_unit_test(test_thp_raises_min_free_kbytes),
		wide_unit_test(test_node_order_of_real_kernels),
		wide_unit_test(test_zonelist_by_distance),
		cmocka_unit_test(test_zonelists_of_random_distances),
		cmocka_unit_test(test_memoryless_node),
		cmocka_unit_test(test_x86_32_zone_borders),
		cmocka_unit_test(test_holes_and_reserved_ranges),
		wide_unit_test(test_a_terabyte_boots_untouched),
		cmocka_unit_test(test_buddyinfo_is_what_memblock_left),
		wide_unit_test(test_buddyinfo_of_large_machines),
		cmocka_unit_test(test_impossible_counts),
		cmocka_unit_test(test_counts_cut_the_map),
	};

	if (argc != 3)
		return 2;
	zones_csv = argv[1];
	zonelists_csv = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
