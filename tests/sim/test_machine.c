/* SPDX-License-Identifier: MIT */
/* src/sim/machine.c and window.c: a machine's life, and its windows. */
#include "../support/sim_test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1ull << 20)
#define GIB (1ull << 30)

static const char *const backings[] = {"backing=memfd", "backing=private"};

static struct arch_machine *create(const char *rest, const char *backing)
{
	char text[200];

	snprintf(text, sizeof(text), "%s %s", rest, backing);
	return sim_create(text);
}

/* Every byte of RAM that is tried is zero at first and its own. */
static void test_ram(void **state)
{
	for (int b = 0; b < 2; b++) {
		struct arch_machine *am = create("mem=5G", backings[b]);

		assert_int_equal((uintptr_t)am->ram % (4 * MIB), 0);
		for (unsigned int i = 0; i < am->desc->nr_ram; i++) {
			const struct machine_range *r = &am->desc->ram[i];

			for (uint64_t p = r->start; p < r->end; p += 97 * MIB) {
				assert_int_equal(am->ram[p], 0);
				am->ram[p] = (char)(p >> 20);
			}
			am->ram[r->end - 1] = 42;
		}
		for (unsigned int i = 0; i < am->desc->nr_ram; i++) {
			const struct machine_range *r = &am->desc->ram[i];

			for (uint64_t p = r->start; p < r->end; p += 97 * MIB)
				assert_int_equal(am->ram[p], (char)(p >> 20));
			assert_int_equal(am->ram[r->end - 1], 42);
		}
		arch_machine_destroy(am);
	}
}

static void test_memmap_and_pageblocks(void **state)
{
	struct arch_machine *am = sim_create("mem=5G");
	size_t last = am->nr_frames * 64 - 1;

	assert_int_equal(am->memmap[0] | am->memmap[last], 0);
	am->memmap[0] = am->memmap[last] = 1;
	last = (am->nr_frames - 1) >> 9;
	assert_int_equal(am->pageblocks[0] | am->pageblocks[last], 0);
	am->pageblocks[0] = am->pageblocks[last] = 1;
	arch_machine_destroy(am);
}

static bool readable(const char *p)
{
	int pipes[2];
	bool ok;

	assert_int_equal(pipe(pipes), 0);
	ok = write(pipes[1], p, 1) == 1;
	close(pipes[0]);
	close(pipes[1]);
	return ok;
}

/* There is nothing where the map has no RAM, nor between windows. */
static void test_holes_and_gaps(void **state)
{
	struct arch_machine *am = sim_create("mem=5G cpus=2");

	assert_false(readable(am->ram));
	assert_true(readable(am->ram + 0x1000));
	assert_false(readable(am->ram + 0xa0000));
	assert_false(readable(am->ram + 3 * GIB));
	assert_true(readable(am->ram + am->ram_size - 1));
	assert_false(readable(am->ram + am->ram_size));
	assert_false(readable(am->ram - 1));
	assert_false(readable(am->memmap - 1));
	assert_false(readable(am->memmap + am->nr_frames * 64 + 4096));
	assert_false(readable(am->cpus - 1));
	assert_true(readable(am->cpus + 2 * am->cpu_stride - 1));
	assert_false(readable(am->cpus + 2 * am->cpu_stride));
	arch_machine_destroy(am);
}

static void test_discard(void **state)
{
	for (int b = 0; b < 2; b++) {
		struct arch_machine *am = create("mem=64M", backings[b]);

		memset(am->ram + 16 * MIB, 7, 4 * MIB);
		arch_ram_discard(am, 17 * MIB / PAGE_SIZE, 2 * MIB / PAGE_SIZE);
		assert_int_equal(am->ram[17 * MIB - 1], 7);
		assert_int_equal(am->ram[17 * MIB], 0);
		assert_int_equal(am->ram[19 * MIB - 1], 0);
		assert_int_equal(am->ram[19 * MIB], 7);
		am->ram[17 * MIB] = 1;
		arch_machine_destroy(am);
	}
}

static long resident_kib(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%*d %ld", &pages), 1);
	fclose(f);
	return pages * 4;
}

/* A terabyte costs no more memory than a megabyte. */
static void test_cost_follows_use(void **state)
{
	const char *size = "mem=" TEST_HUGE;
	struct arch_machine *am;
	long before, after;

	arch_machine_destroy(sim_create("mem=8M"));
	for (int b = 0; b < 2; b++) {
		before = resident_kib();
		am = create(size, backings[b]);
		after = resident_kib();
		am->ram[am->ram_size - 1] = 1;
		am->memmap[am->nr_frames * 64 - 1] = 1;
		assert_true(after - before < 2048);
		arch_machine_destroy(am);
	}
}

static void test_too_large_for_the_host(void **state)
{
	struct machine_error err = {0};
	struct arch_machine *am;
	struct machine_desc desc;
	const char *wanted;

	assert_int_equal(machine_desc_parse(&desc, "maxphyaddr=52 ram=0-4096T", NULL, &err), 0);
	assert_int_equal(arch_machine_create(&desc, &am, &err), -ENOMEM);
	assert_null(am);
	assert_int_equal(err.code, -ENOMEM);
	/* 4 PiB and a memmap of a 64th, at least. */
	wanted = strstr(err.reason, "address space of ");
	assert_non_null(wanted);
	assert_true(strtoull(wanted + 17, NULL, 10) >= (1ull << 32) + (1ull << 26));
	assert_non_null(strstr(wanted, " MiB"));
	machine_desc_free(&desc);
}

static int open_files(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void test_nothing_is_left_behind(void **state)
{
	struct arch_machine *am[20];
	int files = open_files();

	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 20; i++)
			am[i] = create(i % 3 ? "mem=64G cpus=8" : "x86_32", backings[i % 2]);
		for (int i = 0; i < 20; i++) {
			for (int j = 0; j < i; j++)
				assert_ptr_not_equal(am[i]->ram, am[j]->ram);
			am[i]->ram[0x1000] = (char)i;
		}
		for (int i = 0; i < 20; i++) {
			assert_int_equal(am[i]->ram[0x1000], i);
			arch_machine_destroy(am[i]);
		}
	}
	assert_int_equal(open_files(), files);
}

static void test_handles(void **state)
{
	struct arch_machine *am = sim_create("mem=16M");
	struct machine *m = arch_machine_handle(am);

	assert_null(arch_machine_from_handle(m));
	arch_machine_publish(am, NULL);
	assert_ptr_equal(arch_machine_from_handle(m), am);
	assert_ptr_equal(machine_description(m), am->desc);
	assert_null(arch_machine_from_handle(NULL));
	arch_machine_retire(am);
	assert_null(arch_machine_from_handle(m));
	arch_machine_destroy(am);
}

static void test_description_is_a_copy(void **state)
{
	char cmdline[] = "slab_nomerge";
	struct machine_range ram[] = {{0, MIB, NUMA_NO_NODE}};
	struct machine_desc desc = {.ram = ram, .nr_ram = 1, .nodes = 1, .cpus = 1,
				    .mode = MACHINE_MODE_4LEVEL, .cmdline = cmdline};
	struct arch_machine *am;

	assert_int_equal(arch_machine_create(&desc, &am, NULL), 0);
	memset(cmdline, 'x', sizeof(cmdline) - 1);
	memset(ram, 0, sizeof(ram));
	assert_string_equal(am->desc->cmdline, "slab_nomerge");
	assert_int_equal(am->desc->ram[0].end, MIB);
	arch_machine_destroy(am);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		wide_unit_test(test_ram),
		wide_unit_test(test_memmap_and_pageblocks),
		wide_unit_test(test_holes_and_gaps),
		cmocka_unit_test(test_discard),
		wide_unit_test(test_cost_follows_use),
		cmocka_unit_test(test_too_large_for_the_host),
		wide_unit_test(test_nothing_is_left_behind),
		cmocka_unit_test(test_handles),
		cmocka_unit_test(test_description_is_a_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
