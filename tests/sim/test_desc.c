/* SPDX-License-Identifier: MIT */
/* src/sim/desc.c: descriptions from text, good and bad. */
#include "../support/sim_test.h"

#include <errno.h>
#include <unistd.h>

#define MIB (1ull << 20)
#define GIB (1ull << 30)

static void parse(struct machine_desc *desc, const char *text)
{
	struct machine_error err = {0};

	if (machine_desc_parse(desc, text, NULL, &err))
		fail_msg("%s: %s", text, err.reason);
}

static void test_empty_is_x86_64(void **state)
{
	struct machine_desc a, b;

	parse(&a, " # nothing but a comment\n");
	assert_int_equal(machine_desc_init(&b, NULL, NULL), 0);
	assert_int_equal(a.mem, b.mem);
	assert_int_equal(a.cpus, b.cpus);
	assert_int_equal(a.mode, MACHINE_MODE_4LEVEL);
	assert_true(a.default_reserved);
	machine_desc_free(&a);
	machine_desc_free(&b);
}

static void test_bare_preset(void **state)
{
	struct machine_desc desc;

	parse(&desc, "x86_32");
	assert_int_equal(desc.mode, MACHINE_MODE_32);
	machine_desc_free(&desc);
	parse(&desc, "cpus=7 numa-2");
	assert_int_equal(desc.nodes, 2);
	assert_int_equal(desc.cpus, 7);
	machine_desc_free(&desc);
}

static void test_preset_counts_first(void **state)
{
	struct machine_desc desc;

	parse(&desc, "mem=64M cpus=3 preset=x86_32");
	assert_int_equal(desc.mode, MACHINE_MODE_32);
	assert_int_equal(desc.mem, 64 * MIB);
	assert_int_equal(desc.cpus, 3);
	machine_desc_free(&desc);
}

static void test_all_keys(void **state)
{
	struct machine_desc desc;

	parse(&desc, "preset=x86_64\n"
		     "ram=0x1000-640K,1M-16m@0,1G-2G@1  # two banks\n"
		     "reserved=0x2000-0x3000,1M-2M nodes=2 cpus=4 distance=10,40/30,10 mode=4level\n"
		     "zonepages=0/DMA:3998:3840,1/Normal:100:50 seed=0xdeadbeef thp=1\n"
		     "cmdline=\"slab_nomerge slub_debug=FZ # no comment\"\n"
		     "backing=private isolate_metadata=1 maxphyaddr=40");
	assert_int_equal(desc.mem, 0);
	assert_int_equal(desc.nr_ram, 3);
	assert_int_equal(desc.ram[0].start, 0x1000);
	assert_int_equal(desc.ram[0].end, 640 << 10);
	assert_int_equal(desc.ram[0].node, NUMA_NO_NODE);
	assert_int_equal(desc.ram[1].end, 16 * MIB);
	assert_int_equal(desc.ram[1].node, 0);
	assert_int_equal(desc.ram[2].start, GIB);
	assert_int_equal(desc.ram[2].node, 1);
	assert_int_equal(desc.nr_reserved, 2);
	assert_int_equal(desc.reserved[1].end, 2 * MIB);
	assert_false(desc.default_reserved);
	assert_int_equal(desc.nodes, 2);
	assert_int_equal(desc.cpus, 4);
	assert_memory_equal(desc.distance, ((uint8_t[]){10, 40, 30, 10}), 4);
	assert_int_equal(desc.nr_zone_pages, 2);
	assert_int_equal(desc.zone_pages[0].zone, 0);
	assert_int_equal(desc.zone_pages[0].present, 3998);
	assert_int_equal(desc.zone_pages[1].node, 1);
	assert_int_equal(desc.zone_pages[1].zone, 2);
	assert_int_equal(desc.zone_pages[1].managed, 50);
	assert_int_equal(desc.seed, 0xdeadbeef);
	assert_true(desc.thp);
	assert_string_equal(desc.cmdline, "slab_nomerge slub_debug=FZ # no comment");
	assert_int_equal(desc.backing, MACHINE_BACKING_PRIVATE);
	assert_true(desc.isolate_metadata);
	assert_int_equal(desc.maxphyaddr, 40);
	machine_desc_free(&desc);
	assert_null(desc.owned);
	machine_desc_free(&desc);
}

static void test_sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t size;
	} sizes[] = {
		{"mem=8192", 8192},	    {"mem=0x100000", MIB},   {"mem=64K", 64 << 10},
		{"mem=3g", 3 * GIB},	    {"mem=1T", GIB * 1024},  {"mem=0X10M", 16 * MIB},
		{"mem=4096T", 4096 * GIB * 1024},
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct machine_desc desc;

		parse(&desc, sizes[i].text);
		assert_int_equal(desc.mem, sizes[i].size);
		machine_desc_free(&desc);
	}
}

/* What is wrong, and what the one line must say: name, line, word. */
static const struct {
	const char *text;
	int code;
	const char *says;
} bad[] = {
	{"speed=9", -EINVAL, "t:1: speed=9: unknown key"},
	{"cpus=2\nhello", -EINVAL, "t:2: hello: neither a preset nor key=value"},
	{"preset=sparc", -EINVAL, "t:1: preset=sparc: unknown preset"},
	{"preset=x86_64 tiny-8M", -EINVAL, "t:1: tiny-8M: a second preset"},
	{"mode=64", -EINVAL, "4level"},
	{"tlb=64x4", -EINVAL, "t:1: tlb=64x4: off, or NAME:ENTRIES/WAYS"},
	{"tlb=4k:64", -EINVAL, "tlb=4k:64: ways are needed"},
	{"tlb=4k:64/5", -EINVAL, "power of 2"},
	{"tlb=4k:48/4", -EINVAL, "power of 2"},
	{"tlb=4k:64/4,", -EINVAL, "NAME one of 4k, large"},
	{"tlb=l2:99999999/8", -EINVAL, "up to 65536"},
	{"cpus=0", -EINVAL, "t:1: cpus=0: a number from 1 to 1024"},
	{"cpus=1025", -EINVAL, "1 to 1024"},
	{"cpus=-1", -EINVAL, "1 to 1024"},
	{"cpus=", -EINVAL, "cpus=: "},
	{"cpus=4x", -EINVAL, "cpus=4x"},
	{"nodes=0", -EINVAL, "1 to 1024"},
	{"seed=18446744073709551616", -EINVAL, "seed="},
	{"mem=0", -EINVAL, "mem=0: a machine needs RAM"},
	{"mem=12Q", -EINVAL, "mem=12Q: a size"},
	{"mem=99999999999999T", -EINVAL, "mem="},
	{"mem=8192T", -EINVAL, "52 physical address bits"},
	{"mem=1M mem=2M", -EINVAL, "mem=2M: this key stands here twice"},
	{"mem=1M ram=0-1M", -EINVAL, "exclude each other"},
	{"ram=1M-1M", -EINVAL, "'1M-1M' is empty or ends before it starts"},
	{"ram=2M-1M", -EINVAL, "ends before it starts"},
	{"ram=0-1M,", -EINVAL, "START-END"},
	{"ram=0-1M@x", -EINVAL, "START-END@NODE"},
	{"ram=0-1M 2M-4M", -EINVAL, "2M-4M: neither"},
	{"ram=0+1M", -EINVAL, "START-END"},
	{"reserved=0-1M@0", -EINVAL, "START-END is needed"},
	{"thp=yes", -EINVAL, "thp=yes: 0 or 1"},
	{"isolate_metadata=2", -EINVAL, "0 or 1"},
	{"backing=disk", -EINVAL, "memfd or private"},
	{"maxphyaddr=31", -EINVAL, "32 to 52"},
	{"maxphyaddr=53", -EINVAL, "32 to 52"},
	{"zonepages=0/DMA64:1:1", -EINVAL, "NODE/ZONE:PRESENT:MANAGED"},
	{"zonepages=0/DMA:1", -EINVAL, "NODE/ZONE:PRESENT:MANAGED"},
	{"zonepages=DMA:1:1", -EINVAL, "NODE/ZONE:PRESENT:MANAGED"},
	{"zonepages=0/DMA:1:1,", -EINVAL, "NODE/ZONE:PRESENT:MANAGED"},
	{"distance=10,20", -EINVAL, "1 rows of 2 for 1 nodes"},
	{"nodes=2 distance=10,20/20", -EINVAL, "rows of equal length"},
	{"nodes=2 distance=10,20/20,9", -EINVAL, "10 to 255"},
	{"nodes=3 distance=10,20/20,10", -EINVAL, "2 rows of 2 for 3 nodes"},
	{"cpus=2\n\ncmdline=\"never closed", -EINVAL, "t:3: a quote is not closed"},
};

static void test_bad(void **state)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct machine_error err = {0};
		struct machine_desc desc;
		int ret = machine_desc_parse(&desc, bad[i].text, "t", &err);

		if (ret != bad[i].code || !strstr(err.reason, bad[i].says) ||
		    strchr(err.reason, '\n'))
			fail_msg("\"%s\" gave %d: %s", bad[i].text, ret, err.reason);
		assert_int_equal(err.code, ret);
		assert_null(desc.owned);
		machine_desc_free(&desc);
		assert_int_equal(machine_desc_parse(&desc, bad[i].text, NULL, NULL), bad[i].code);
	}
}

static void test_quotes(void **state)
{
	struct machine_desc desc;

	parse(&desc, "'cmdline=a  b ' cpus='2'");
	assert_string_equal(desc.cmdline, "a  b ");
	assert_int_equal(desc.cpus, 2);
	machine_desc_free(&desc);
	parse(&desc, "cmdline=a\"'\"b'\n'c#\ncpus=3");
	assert_string_equal(desc.cmdline, "a'b\nc#");
	assert_int_equal(desc.cpus, 3);
	machine_desc_free(&desc);
	parse(&desc, "cmdline=\"\"");
	assert_string_equal(desc.cmdline, "");
	machine_desc_free(&desc);
}

static void test_lines_are_counted(void **state)
{
	struct machine_error err;
	struct machine_desc desc;

	machine_desc_parse(&desc, "cmdline='a\nb' # c\r\n\n  cpus=0\n", NULL, &err);
	assert_non_null(strstr(err.reason, "machine:4: cpus=0"));
}

static void write_file(const char *path, const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void test_load(void **state)
{
	char path[] = "/tmp/libkmem-desc-XXXXXX";
	struct machine_error err;
	struct machine_desc desc;
	char says[80];
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	write_file(path, "tiny-8M\ncpus=2\n", 15);
	assert_int_equal(machine_desc_load(&desc, path, &err), 0);
	assert_int_equal(desc.mem, 8 * MIB);
	assert_int_equal(desc.cpus, 2);
	machine_desc_free(&desc);

	write_file(path, "tiny-8M\ncpus=2\0cpus=3", 21);
	assert_int_equal(machine_desc_load(&desc, path, &err), -EINVAL);
	assert_non_null(strstr(err.reason, "NUL"));

	write_file(path, "\ncpu=2", 6);
	assert_int_equal(machine_desc_load(&desc, path, &err), -EINVAL);
	snprintf(says, sizeof(says), "%s:2: cpu=2: unknown key", path);
	assert_string_equal(err.reason, says);
	unlink(path);

	assert_int_equal(machine_desc_load(&desc, path, &err), -ENOENT);
	assert_non_null(strstr(err.reason, path));
	machine_desc_free(&desc);
	assert_int_equal(machine_desc_load(&desc, "/", &err), -EISDIR);
}

static void test_init(void **state)
{
	struct machine_error err;
	struct machine_desc desc;

	assert_int_equal(machine_desc_init(&desc, "numa-2", &err), 0);
	assert_int_equal(desc.nodes, 2);
	assert_int_equal(machine_desc_init(&desc, "vax", &err), -EINVAL);
	assert_string_equal(err.reason, "preset vax: unknown");
	machine_desc_free(&desc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_is_x86_64),
		cmocka_unit_test(test_bare_preset),
		cmocka_unit_test(test_preset_counts_first),
		cmocka_unit_test(test_all_keys),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_lines_are_counted),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_init),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
