/* SPDX-License-Identifier: MIT */
/* src/sim/ram_words.c: mem=, memmap= and numa= of the kernel's command line. */
#include "../support/sim_test.h"

#include <errno.h>

#define MIB (1ull << 20)

/* RAM that the kernel uses, in MiB where a border is a whole number of them, in pages (p) where not. */
static const char *kernel_ram(const struct arch_machine *am)
{
	static char text[2048];
	size_t len = 0;

	for (unsigned int i = 0; i < am->nr_kernel_ram; i++) {
		const uint64_t border[2] = {am->kernel_ram[i].start, am->kernel_ram[i].end};

		for (unsigned int j = 0; j < 2; j++) {
			bool whole = !(border[j] % MIB);

			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%llu%s",
						j ? "-" : i ? "," : "",
						(unsigned long long)(border[j] / (whole ? MIB : PAGE_SIZE)),
						whole ? "" : "p");
		}
		len += (size_t)snprintf(text + len, sizeof(text) - len, "@%d", am->kernel_ram[i].node);
	}
	return text;
}

static void expect_ram(const char *words, const char *want)
{
	struct arch_machine *am = sim_create(words);

	if (strcmp(kernel_ram(am), want))
		fail_msg("%s:\nwant %s\ngot  %s", words, want, kernel_ram(am));
	arch_machine_destroy(am);
}

static void test_mem(void **state)
{
	struct arch_machine *am;

	sim_hear_all();
	expect_ram("ram=0-64M cmdline=mem=48M", "0-48@0");
	expect_ram("ram=0-64M cmdline=mem=1G", "0-64@0");
	expect_ram("ram=0-64M,128M-192M cmdline=mem=160M", "0-64@0,128-160@0");
	expect_ram("ram=0-64M cmdline=\"mem=48M mem=40M\"", "0-40@0");
	expect_ram("ram=0-64M cmdline=memmap=48M", "0-48@0");
	/* What it hides is there. */
	am = sim_create("ram=0-64M cmdline=mem=48M");
	assert_int_equal(am->desc->nr_ram, 1);
	assert_int_equal(am->desc->ram[0].end, 64 * MIB);
	assert_int_equal(am->ram_size, 64 * MIB);
	am->ram[63 * MIB] = 1;
	arch_machine_destroy(am);
}

/* What a boot reserves lies in the RAM that the kernel knows, not in what mem= hides. */
static void test_reserved_below_mem(void **state)
{
	struct arch_machine *hidden, *small;

	sim_hear_all();
	hidden = sim_create("mem=256M cmdline=mem=248M");
	small = sim_create("mem=256M");
	assert_int_equal(hidden->desc->nr_reserved, small->desc->nr_reserved);
	for (unsigned int i = 0; i < hidden->desc->nr_reserved; i++)
		assert_true(hidden->desc->reserved[i].end <= 248 * MIB);
	assert_int_equal(small->desc->reserved[small->desc->nr_reserved - 1].end, 256 * MIB - (128 << 10));
	assert_int_equal(hidden->desc->reserved[small->desc->nr_reserved - 1].end, 248 * MIB);
	arch_machine_destroy(hidden);
	arch_machine_destroy(small);
}

static void test_memmap(void **state)
{
	sim_hear_all();
	expect_ram("ram=0-64M cmdline=memmap=8M$16M", "0-16@0,24-64@0");
	expect_ram("ram=0-64M cmdline=memmap=8M#16M,4M!32M", "0-16@0,24-32@0,36-64@0");
	expect_ram("ram=0-64M cmdline=\"memmap=8M$60M memmap=1M$0\"", "1-60@0");
	expect_ram("ram=0-64M cmdline=\"memmap=exactmap memmap=16M@0,8M@32M\"", "0-16@0,32-40@0");
	expect_ram("ram=0-64M cmdline=\"memmap=32M$0 memmap=8M@16M\"", "16-24@0,32-64@0");
	expect_ram("ram=0-64M cmdline=\"mem=32M memmap=8M@48M\"", "0-32@0,48-56@0");
	/* The firmware's holes stay. */
	expect_ram("mem=64M cmdline=\"memmap=exactmap memmap=640K@0 memmap=15M@1M\"", "1p-159p@0,1-16@0");
	/* Parts of pages are none. */
	expect_ram("ram=0-64M cmdline=memmap=1K$16M", "0-16@0,4097p-64@0");
	/* The nodes are the machine's. */
	expect_ram("ram=0-64M@0,64M-128M@1 nodes=2 cmdline=memmap=16M$56M", "0-56@0,72-128@1");
}

static void test_numa_off(void **state)
{
	struct arch_machine *am;

	sim_hear_all();
	expect_ram("ram=0-64M@0,64M-128M@1 nodes=2 cmdline=numa=off", "0-64@0,64-128@0");
	am = sim_create("mem=128M nodes=2 cpus=4 distance=10,40/40,10 cmdline=numa=noacpi");
	assert_int_equal(am->nr_nodes, 1);
	assert_int_equal(am->desc->nodes, 1);
	assert_int_equal(am->desc->distance[0], 10);
	assert_null(am->real_node);
	arch_machine_destroy(am);
}

static void test_fake_nodes_by_number(void **state)
{
	struct arch_machine *am;

	sim_hear_all();
	expect_ram("ram=0-256M cmdline=numa=fake=4", "0-64@0,64-128@1,128-192@2,192-256@3");
	/* 85 MiB each: 64, and the 64 that are left over make two nodes a step of 32 larger. */
	expect_ram("ram=0-256M cmdline=numa=fake=0x3", "0-96@0,96-160@1,160-256@2");
	expect_ram("ram=0-256M cmdline=numa=fake=3", "0-96@0,96-160@1,160-256@2");
	expect_ram("ram=0-288M cmdline=numa=fake=4", "0-96@0,96-160@1,160-224@2,224-288@3");
	/* A hole is no RAM: the node that meets it grows. */
	expect_ram("ram=0-64M,192M-384M cmdline=numa=fake=2", "0-64@0,192-256@0,256-384@1");
	expect_ram("ram=0-256M cmdline=numa=fake=1", "0-256@0");
	/* Real nodes in turn. */
	expect_ram("ram=0-256M@0,256M-512M@1 nodes=2 cmdline=numa=fake=4",
		   "0-128@0,128-256@2,256-384@1,384-512@3");
	/* A small real node's only part is small. */
	expect_ram("ram=0-64M@0,64M-512M@1 nodes=2 cmdline=numa=fake=2", "0-64@0,64-512@1");
	/* More real nodes than fake ones: round about. */
	expect_ram("ram=0-64M@0,64M-128M@1,128M-192M@2 nodes=3 cmdline=numa=fake=2",
		   "0-64@0,64-128@1,128-192@0");
	/* Page 0 is missing: the first node grows by a step, and what is left is less than a share. */
	am = sim_create("ram=0-196M cpus=4 cmdline=\"memmap=4K$0 numa=fake=3\"");
	assert_string_equal(kernel_ram(am), "1p-96@0,96-196@1");
	assert_int_equal(am->nr_nodes, 2);
	assert_int_equal(arch_cpu_by_id(am, 2)->node, 0);
	assert_string_equal(sim_heard.line, "machine: numa=fake=3: RAM and its holes give 2 nodes");
	arch_machine_destroy(am);
	/* Of what mem= leaves. */
	expect_ram("ram=0-512M cmdline=\"mem=256M numa=fake=2\"", "0-128@0,128-256@1");
	expect_ram("ram=0-256M@0,256M-512M@1 nodes=2 cmdline=\"numa=off numa=fake=4\"",
		   "0-128@0,128-256@1,256-384@2,384-512@3");
}

static void test_fake_nodes_by_size(void **state)
{
	sim_hear_all();
	expect_ram("ram=0-256M cmdline=numa=fake=64M", "0-64@0,64-128@1,128-192@2,192-256@3");
	/* 100 is 96; the rest is less than a node. */
	expect_ram("ram=0-256M cmdline=numa=fake=100M", "0-96@0,96-256@1");
}

static void test_large_fake_nodes_by_size(void **state)
{
	sim_hear_all();
	expect_ram("ram=0-4G cmdline=numa=fake=2G", "0-2048@0,2048-4096@1");
	/* Up to 4 GiB would be 16 MiB: no node of its own. */
	expect_ram("ram=0-4080M,4G-5G cmdline=numa=fake=1G",
		   "0-1024@0,1024-2048@1,2048-3072@2,3072-4080@3,4096-5120@3");
}

static void test_fake_parts_of_each_node(void **state)
{
	sim_hear_all();
	expect_ram("ram=0-256M cmdline=numa=fake=2U", "0-128@0,128-256@1");
	/* Holes count: 128 MiB of addresses each. */
	expect_ram("ram=0-64M,192M-256M cmdline=numa=fake=2U", "0-64@0,192-256@1");
	expect_ram("ram=0-256M@0,256M-512M@1 nodes=2 cmdline=numa=fake=2U",
		   "0-128@0,128-256@1,256-384@2,384-512@3");
	expect_ram("ram=0-256M cmdline=numa=fake=3U", "0-96@0,96-192@1,192-256@2");
	/* A node in pieces. */
	expect_ram("ram=0-64M@0,64M-128M@1,128M-192M@0 nodes=2 cmdline=numa=fake=2U",
		   "0-64@0,64-96@2,96-128@3,128-192@1");
}

/* Parts of one real node are as near to each other as that is to itself. */
static void test_fake_distances(void **state)
{
	static const uint8_t want[] = {
		10, 25, 10, 25,
		30, 10, 30, 10,
		10, 25, 10, 25,
		30, 10, 30, 10,
	};
	static const int real[] = {0, 1, 0, 1};
	struct arch_machine *am;

	sim_hear_all();
	am = sim_create("ram=0-256M@0,256M-512M@1 nodes=2 cpus=8 distance=10,25/30,10 "
			"cmdline=numa=fake=4");
	assert_int_equal(am->nr_nodes, 4);
	assert_memory_equal(am->desc->distance, want, sizeof(want));
	assert_memory_equal(am->real_node, real, sizeof(real));
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(arch_cpu_by_id(am, i)->node, i % 4);
	arch_machine_destroy(am);
}

static const struct {
	const char *cmdline;
	int code;
	const char *says;
} bad[] = {
	{"mem=", -EINVAL, "bad value in 'mem='"},
	{"mem=12Q", -EINVAL, "bad value in 'mem=12Q'"},
	{"mem=100", -EINVAL, "'mem=100': less than a page"},
	{"mem=nopentium", -EOPNOTSUPP, "'mem=nopentium'"},
	{"memmap=8M@60M", -EINVAL, "'memmap=8M@60M': the machine has no RAM in all of 0x3c00000-0x4400000"},
	{"memmap=8M%16M-1+2", -EOPNOTSUPP, "'memmap=8M%16M-1+2': types of ranges"},
	{"memmap=8M$", -EINVAL, "bad value in 'memmap=8M$'"},
	{"memmap=8M$1M,", -EINVAL, "bad value in 'memmap=8M$1M,'"},
	{"memmap=8M^1M", -EINVAL, "bad value in"},
	{"memmap=0$1M", -EINVAL, "bad value in"},
	{"memmap=exact", -EINVAL, "bad value in"},
	{"memmap=exactmap", -EINVAL, "leave no RAM"},
	{"memmap=64M$0", -EINVAL, "leave no RAM"},
	{"numa=on", -EINVAL, "'numa=on': off, noacpi or fake="},
	{"numa=nohmat", -EOPNOTSUPP, "HMAT"},
	{"numa=fake=", -EINVAL, "bad value in 'numa=fake='"},
	{"numa=fake=0", -EINVAL, "bad value in"},
	{"numa=fake=2K", -EINVAL, "bad value in"},
	{"numa=fake=2UU", -EINVAL, "bad value in"},
	{"numa=fake=1025", -EINVAL, "1024 nodes"},
	{"numa=fake=4", -EINVAL, "numa=fake=4: 64 MiB are less than 32 for each node"},
	{"numa=fake=16M", -EINVAL, "numa=fake=16M: a node has at least 32 MiB"},
	{"numa=fake=3U", -EINVAL, "numa=fake=3U: node 0 gives only 2"},
};

static void test_bad_words(void **state)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct machine_error err = {0, ""};
		struct machine_desc desc;
		struct arch_machine *am;

		assert_int_equal(machine_desc_parse(&desc, "ram=0-64M", NULL, &err), 0);
		desc.cmdline = bad[i].cmdline;
		if (arch_machine_create(&desc, &am, &err) != bad[i].code)
			fail_msg("%s: code %d", bad[i].cmdline, err.code);
		if (!strstr(err.reason, bad[i].says))
			fail_msg("%s: \"%s\" does not say \"%s\"", bad[i].cmdline, err.reason, bad[i].says);
		machine_desc_free(&desc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mem),
		cmocka_unit_test(test_reserved_below_mem),
		cmocka_unit_test(test_memmap),
		cmocka_unit_test(test_numa_off),
		cmocka_unit_test(test_fake_nodes_by_number),
		cmocka_unit_test(test_fake_nodes_by_size),
		wide_unit_test(test_large_fake_nodes_by_size),
		cmocka_unit_test(test_fake_parts_of_each_node),
		cmocka_unit_test(test_fake_distances),
		cmocka_unit_test(test_bad_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
