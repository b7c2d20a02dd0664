/* SPDX-License-Identifier: MIT */
/*
 * src/sim/preset.c and resolve.c: the RAM of a PC, nodes, what a boot reserves. The figures are those
 * of real Linux 6.1 boots (tests/golden/zones-boot.csv has more of them).
 */
#include "../support/sim_test.h"

#include <errno.h>

#define MIB (1ull << 20)
#define GIB (1ull << 30)

static uint64_t overlap(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	uint64_t start = a > c ? a : c;
	uint64_t end = b < d ? b : d;

	return start < end ? (end - start) / PAGE_SIZE : 0;
}

/* Pages of RAM of @node in [@start, @end). */
static uint64_t present(const struct arch_machine *am, int node, uint64_t start, uint64_t end)
{
	uint64_t pages = 0;

	for (unsigned int i = 0; i < am->desc->nr_ram; i++) {
		const struct machine_range *r = &am->desc->ram[i];

		if (r->node == node)
			pages += overlap(r->start, r->end, start, end);
	}
	return pages;
}

/* Of those, the ones that no reserved range covers. Reserved ranges do not overlap here. */
static uint64_t managed(const struct arch_machine *am, int node, uint64_t start, uint64_t end)
{
	uint64_t pages = present(am, node, start, end);

	for (unsigned int i = 0; i < am->desc->nr_ram; i++) {
		const struct machine_range *r = &am->desc->ram[i];

		for (unsigned int j = 0; r->node == node && j < am->desc->nr_reserved; j++) {
			const struct machine_range *s = &am->desc->reserved[j];
			uint64_t from = r->start > start ? r->start : start;
			uint64_t to = r->end < end ? r->end : end;

			if (from < to)
				pages -= overlap(from, to, s->start, s->end);
		}
	}
	return pages;
}

#define LOW32_END 0x36ffe000ull

static const struct zone {
	const char *machine;
	int node;
	uint64_t start, end;	/* bytes */
	uint64_t present, managed;
} zones[] = {
	/* The real boot put its CPU's 39 pages into DMA. */
	{"mem=36M cpus=1", 0, 16 * MIB, 4 * GIB, 5088, 950 - 39},
	{"mem=64M cpus=1", 0, 0, 16 * MIB, 3998, 3840},
	{"mem=64M cpus=1", 0, 16 * MIB, 4 * GIB, 12256, 8079},
	{"mem=64M cpus=4", 0, 16 * MIB, 4 * GIB, 12256, 7962},
	{"mem=256M cpus=1", 0, 16 * MIB, 4 * GIB, 61408, 56646},
	{"mem=256M cpus=16", 0, 16 * MIB, 4 * GIB, 61408, 56060},
	{"mem=512M cpus=1", 0, 16 * MIB, 4 * GIB, 126944, 121062},
	{"mem=1024M cpus=1", 0, 16 * MIB, 4 * GIB, 258016, 249894},
	{"mem=4096M cpus=1", 0, 16 * MIB, 4 * GIB, 782304, 762331},
	{"mem=4096M cpus=1", 0, 4 * GIB, GIB << 10, 262144, 243976},
	{"mem=5120M cpus=1", 0, 4 * GIB, GIB << 10, 524288, 500488},
	{"mem=8192M cpus=1", 0, 4 * GIB, GIB << 10, 1310720, 1274632},
	{"mem=8192M cpus=4", 0, 4 * GIB, GIB << 10, 1310720, 1274515},
	{"mem=256M nodes=2 cpus=2", 0, 16 * MIB, 4 * GIB, 28672, 24526},
	{"mem=256M nodes=2 cpus=2", 1, 16 * MIB, 4 * GIB, 32736, 32175},
	{"mem=1024M nodes=2 cpus=2", 1, 16 * MIB, 4 * GIB, 131040, 128943},
	{"mem=8192M nodes=2 cpus=2", 0, 16 * MIB, 4 * GIB, 782304, 762331},
	{"mem=8192M nodes=2 cpus=2", 0, 4 * GIB, GIB << 10, 262144, 245715},
	{"mem=8192M nodes=2 cpus=2", 1, 4 * GIB, GIB << 10, 1048576, 1031947},
	{"mem=4096M nodes=4 cpus=4", 0, 16 * MIB, 4 * GIB, 258048, 250318},
	{"mem=4096M nodes=4 cpus=4", 1, 16 * MIB, 4 * GIB, 262144, 258007},
	{"mem=4096M nodes=4 cpus=4", 2, 16 * MIB, 4 * GIB, 262112, 241591},
	{"mem=4096M nodes=4 cpus=4", 3, 4 * GIB, GIB << 10, 262144, 257803},
	{"mem=8192M nodes=4 cpus=4", 1, 16 * MIB, 4 * GIB, 262112, 245728},
	{"mem=8192M nodes=4 cpus=4", 1, 4 * GIB, GIB << 10, 262144, 253911},
	{"mem=8192M nodes=4 cpus=4", 2, 4 * GIB, GIB << 10, 524288, 516055},
	{"preset=x86_32 mem=32M cpus=1", 0, 16 * MIB, LOW32_END, 4064, 2847},
	{"preset=x86_32 mem=256M cpus=1", 0, 0, 16 * MIB, 3998, 3840},
	{"preset=x86_32 mem=256M cpus=1", 0, 16 * MIB, LOW32_END, 61408, 59701},
	{"preset=x86_32 mem=896M cpus=1", 0, 16 * MIB, LOW32_END, 221182, 218051},
	{"preset=x86_32 mem=896M cpus=1", 0, LOW32_END, 4 * GIB, 4066, 4066},
	{"preset=x86_32 mem=2048M cpus=4", 0, 16 * MIB, LOW32_END, 221182, 215678},
	{"preset=x86_32 mem=4096M cpus=1", 0, 16 * MIB, LOW32_END, 221182, 213699},
	{"preset=x86_32 mem=4096M cpus=1", 0, LOW32_END, 4 * GIB, 561122, 561122},
};


static void test_zones_of_real_boots(void **state)
{
	sim_hear_all();
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		const struct zone *z = &zones[i];
		struct arch_machine *am = sim_create(z->machine);
		uint64_t got = managed(am, z->node, z->start, z->end);

		assert_int_equal(present(am, z->node, z->start, z->end), z->present);
		if (got != z->managed)
			fail_msg("%s, node %d from %llx: %llu managed, a real boot has %llu",
				 z->machine, z->node, (unsigned long long)z->start,
				 (unsigned long long)got, (unsigned long long)z->managed);
		arch_machine_destroy(am);
	}
}

static void test_presets(void **state)
{
	struct arch_machine *am = sim_create("tiny-8M");

	assert_int_equal(am->ram_size, 8 * MIB - (128 << 10));
	assert_true(managed(am, 0, 0, 8 * MIB) > 1200);
	arch_machine_destroy(am);
	am = sim_create("x86_64");
	/* In a 32-bit process presets have 1 GiB at most. */
	assert_int_equal(present(am, 0, 4 * GIB, 1024 * GIB) > 0, sizeof(void *) == 8);
	arch_machine_destroy(am);
	am = sim_create("x86_32");
	assert_true(present(am, 0, 896 * MIB, 4 * GIB) > 0);
	arch_machine_destroy(am);
	am = sim_create("numa-2");
	assert_int_equal(am->nr_nodes, 2);
	assert_true(present(am, 1, 0, 1024 * GIB) > 0);
	arch_machine_destroy(am);
}

static void expect_ram(const char *text, unsigned int n, const struct machine_range *ranges)
{
	struct arch_machine *am = sim_create(text);

	assert_int_equal(am->desc->nr_ram, n);
	for (unsigned int i = 0; i < n; i++) {
		assert_int_equal(am->desc->ram[i].start, ranges[i].start);
		assert_int_equal(am->desc->ram[i].end, ranges[i].end);
		assert_int_equal(am->desc->ram[i].node, ranges[i].node);
	}
	assert_int_equal(am->ram_size, ranges[n - 1].end);
	assert_int_equal(am->nr_frames, am->ram_size / PAGE_SIZE);
	arch_machine_destroy(am);
}

#define RAM(text, ...)                                                             \
	expect_ram(text, sizeof((struct machine_range[]){__VA_ARGS__}) /           \
				 sizeof(struct machine_range),                     \
		   (struct machine_range[]){__VA_ARGS__})

static void test_explicit_ram(void **state)
{
	RAM("ram=1M-16M", {MIB, 16 * MIB, 0});
	/* Any order; trimmed inwards to whole pages. */
	RAM("ram=2M-4M,0x1001-0x4fff", {0x2000, 0x4000, 0}, {2 * MIB, 4 * MIB, 0});
	RAM("nodes=2 ram=0-64M", {0, 32 * MIB, 0}, {32 * MIB, 64 * MIB, 1});
	/* Nodes that are said stay; the rest is dealt out. */
	RAM("nodes=2 ram=0-32M@1,32M-64M,64M-96M", {0, 32 * MIB, 1}, {32 * MIB, 64 * MIB, 0},
	    {64 * MIB, 96 * MIB, 1});
	/* Borders stand at 4 MiB, the last node has the rest. */
	RAM("nodes=3 ram=1M-64M", {MIB, 20 * MIB, 0}, {20 * MIB, 40 * MIB, 1},
	    {40 * MIB, 64 * MIB, 2});
	/* A node without RAM. */
	RAM("nodes=3 ram=0-16M@0,16M-32M@2", {0, 16 * MIB, 0}, {16 * MIB, 32 * MIB, 2});
	RAM("mem=1M", {0x1000, 0x9f000, 0});
}

/* A PC's. */
static void test_ram_around_the_hole(void **state)
{
	RAM("mem=3G", {0x1000, 0x9f000, 0}, {MIB, 3 * GIB - (128 << 10), 0});
	RAM("mem=3073M", {0x1000, 0x9f000, 0}, {MIB, 3 * GIB - (128 << 10), 0},
	    {4 * GIB, 4 * GIB + MIB, 0});
}

static void test_nothing_above_4g_in_mode_32(void **state)
{
	struct arch_machine *am;

	sim_hear_all();
	am = sim_create("preset=x86_32 mem=5G");
	assert_int_equal(am->ram_size, 3 * GIB - (128 << 10));
	assert_int_equal(sim_heard.lines, 1);
	assert_int_equal(sim_heard.level, 4);
	assert_non_null(strstr(sim_heard.line, "2048 MiB of RAM above 4G"));
	arch_machine_destroy(am);
	am = sim_create("preset=x86_32 mem=3G");
	assert_int_equal(sim_heard.lines, 1);
	arch_machine_destroy(am);
}

/* Every share differs from the even one by less than a border's 4 MiB. */
static void test_even_split(void **state)
{
	static const unsigned int nodes[] = {2, 3, 5, 7, 16, 100, 1023};
	char text[80];

	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		unsigned int n = nodes[i];
		struct arch_machine *am;
		uint64_t sum = 0;

		snprintf(text, sizeof(text), "ram=0-3G,4G-9G nodes=%u cpus=1", n);
		am = sim_create(text);
		for (unsigned int node = 0; node < n; node++) {
			uint64_t pages = present(am, (int)node, 0, 16 * GIB);

			sum += pages;
			assert_true(pages >= 8 * GIB / PAGE_SIZE / n - 1024);
			if (node < n - 1)
				assert_true(pages <= 8 * GIB / PAGE_SIZE / n);
		}
		assert_int_equal(sum, 8 * GIB / PAGE_SIZE);
		arch_machine_destroy(am);
	}
}

static void test_defaults_are_filled_in(void **state)
{
	struct arch_machine *am = sim_create("nodes=2 mem=256M");

	assert_string_equal(am->desc->cmdline, "");
	assert_int_equal(am->desc->maxphyaddr, 46);
	assert_memory_equal(am->desc->distance, ((uint8_t[]){10, 20, 20, 10}), 4);
	arch_machine_destroy(am);
}

/* What the user reserves takes the place of what a boot would, and is rounded outwards. */
static void test_reserved(void **state)
{
	struct arch_machine *am = sim_create("mem=64M reserved=0x100001-0x100fff,8T-9T");

	assert_int_equal(am->desc->nr_reserved, 2);
	assert_int_equal(am->desc->reserved[0].start, 0x100000);
	assert_int_equal(am->desc->reserved[0].end, 0x101000);
	arch_machine_destroy(am);
	am = sim_create("mem=64M zonepages=0/DMA:10:9");
	assert_int_equal(am->desc->nr_reserved, 0);
	assert_int_equal(am->desc->nr_zone_pages, 1);
	arch_machine_destroy(am);
	am = sim_create("ram=0-64M");
	assert_int_not_equal(am->desc->nr_reserved, 0);
	arch_machine_destroy(am);
}

/* A thousand CPUs' data would not fit: half of the RAM stays. */
static void test_reservation_leaves_half(void **state)
{
	struct arch_machine *am = sim_create("mem=64M cpus=1024");

	assert_true(managed(am, 0, 0, 64 * MIB) > 6000);
	arch_machine_destroy(am);
}

/* Impossible machines, and what the one line must say. */
static const struct {
	const char *text;
	int code;
	const char *says;
} impossible[] = {
	{"ram=0x1001-0x1fff", -EINVAL, "no RAM"},
	{"ram=0-2M,1M-3M", -EINVAL, "overlap"},
	{"ram=0-2M@0,0-2M@0", -EINVAL, "overlap"},
	{"ram=0-2M@1", -EINVAL, "node 1 of 1 nodes"},
	{"ram=0-64T,64T-65T", -EINVAL, "beyond 46 physical address bits"},
	{"maxphyaddr=32 mem=8G", -EINVAL, "beyond 32 physical address bits"},
	{"preset=x86_32 ram=4G-8G", -EINVAL, "no RAM"},
	{"nodes=64 mem=128M", -EINVAL, "less than 4 MiB for each"},
	{"zonepages=1/DMA:10:9", -EINVAL, "node 1 of 1 nodes"},
	{"zonepages=0/DMA:10:11", -EINVAL, "11 managed of 10 present"},
	{"zonepages=0/DMA:10:9,0/DMA:8:7", -EINVAL, "twice"},
	{"nodes=2 distance=10,10/20,10", -EINVAL, "distance of node 0 to node 1 is 10"},
	{"nodes=2 distance=11,20/20,10", -EINVAL, "distance of node 0 to node 0 is 11"},
};

static void test_impossible(void **state)
{
	sim_hear_all();
	for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++) {
		struct arch_machine *am;
		struct machine_error err = {0};
		struct machine_desc desc;
		int ret;

		assert_int_equal(machine_desc_parse(&desc, impossible[i].text, NULL, &err), 0);
		ret = arch_machine_create(&desc, &am, &err);
		if (ret != impossible[i].code || !strstr(err.reason, impossible[i].says))
			fail_msg("\"%s\" gave %d: %s", impossible[i].text, ret, err.reason);
		assert_null(am);
		machine_desc_free(&desc);
	}
}

static int create(const struct machine_desc *desc, struct machine_error *err)
{
	struct arch_machine *am;
	int ret = arch_machine_create(desc, &am, err);

	if (!ret)
		arch_machine_destroy(am);
	return ret;
}

/* The same and more, in C. */
static void test_impossible_in_c(void **state)
{
	const struct machine_range ram = {0, 64 * MIB, NUMA_NO_NODE};
	const struct machine_desc good = {.ram = &ram, .nr_ram = 1, .nodes = 1, .cpus = 1,
					  .mode = MACHINE_MODE_4LEVEL};
	struct machine_desc desc = good;
	struct machine_error err;

	assert_int_equal(create(&desc, &err), 0);
	desc.cpus = 0;
	assert_int_equal(create(&desc, &err), -EINVAL);
	desc = good;
	desc.nodes = 1025;
	assert_int_equal(create(&desc, &err), -EINVAL);
	desc = good;
	desc.nr_ram = 0;
	assert_int_equal(create(&desc, &err), -EINVAL);
	assert_non_null(strstr(err.reason, "no RAM"));
	desc = good;
	desc.mode = (enum machine_mode)9;
	assert_int_equal(create(&desc, &err), -EINVAL);
	desc = good;
	desc.tlb = "64";
	assert_int_equal(create(&desc, &err), -EINVAL);
	desc = good;
	desc.backing = (enum machine_backing)2;
	assert_int_equal(create(&desc, &err), -EINVAL);
	desc = good;
	desc.maxphyaddr = 64;
	assert_int_equal(create(&desc, &err), -EINVAL);
	desc = good;
	desc.ram = &(struct machine_range){MIB, 0, 0};
	assert_int_equal(create(&desc, &err), -EINVAL);
	assert_non_null(strstr(err.reason, "ends before it starts"));
	desc = good;
	desc.reserved = &(struct machine_range){5, 5, 0};
	desc.nr_reserved = 1;
	assert_int_equal(create(&desc, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		wide_unit_test(test_zones_of_real_boots),
		cmocka_unit_test(test_presets),
		cmocka_unit_test(test_explicit_ram),
		wide_unit_test(test_ram_around_the_hole),
		wide_unit_test(test_nothing_above_4g_in_mode_32),
		wide_unit_test(test_even_split),
		cmocka_unit_test(test_defaults_are_filled_in),
		cmocka_unit_test(test_reserved),
		wide_unit_test(test_reservation_leaves_half),
		cmocka_unit_test(test_impossible),
		cmocka_unit_test(test_impossible_in_c),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
