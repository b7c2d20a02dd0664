/* SPDX-License-Identifier: MIT */
/* src/sim/vmap_window.c: frames at second addresses, and what is not there faults. */
#include "../support/sim_test.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define P PAGE_SIZE

static int pipe_fds[2];

/* Whether the host lets the process read (write) the byte at @p: the kernel says EFAULT, nothing
 * crashes. */
static bool readable(const char *p)
{
	char byte;
	long n = syscall(SYS_write, pipe_fds[1], p, 1);

	if (n != 1) {
		assert_int_equal(errno, EFAULT);
		return false;
	}
	assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
	return true;
}

static bool writable(char *p)
{
	long n;

	assert_int_equal(write(pipe_fds[1], "x", 1), 1);
	n = syscall(SYS_read, pipe_fds[0], p, 1);
	if (n == 1)
		return true;
	assert_int_equal(errno, EFAULT);
	assert_int_equal(read(pipe_fds[0], &(char){0}, 1), 1);
	return false;
}

static void test_aliases(void **state)
{
	struct arch_machine *am = sim_boot("mem=16M");
	char *w = am->vmalloc;

	assert_non_null(w);
	assert_false(readable(w));
	assert_int_equal(arch_map_ram(am, 0, 512, 3, true), 0);
	assert_int_equal(arch_map_ram(am, 4 * P, 512, 1, false), 0);
	assert_false(readable(w + 3 * P));
	w[2 * P + 7] = 42;
	assert_int_equal(am->ram[514 * P + 7], 42);
	am->ram[512 * P + 1] = 43;
	assert_int_equal(w[1], 43);
	assert_int_equal(w[4 * P + 1], 43);
	assert_true(readable(w + 4 * P));
	assert_false(writable(w + 4 * P));
	assert_true(writable(w));
	/* A new mapping takes the place of an old one. */
	assert_int_equal(arch_map_ram(am, P, 600, 1, true), 0);
	am->ram[600 * P] = 44;
	assert_int_equal(w[P], 44);
	assert_int_equal(arch_unmap_ram(am, 0, 5), 0);
	for (unsigned int i = 0; i < 5; i++)
		assert_false(readable(w + i * P));
	assert_int_equal(am->ram[600 * P], 44);
	sim_shutdown(am);
}

static void expect_window(const char *text, uint64_t size)
{
	struct arch_machine *am = sim_create(text);

	assert_int_equal(am->vmalloc_size, size);
	assert_int_equal(am->vmalloc_base, 0xffffc90000000000);
	assert_int_equal(am->direct_base, 0xffff888000000000);
	assert_int_equal(!am->vmalloc, !!strstr(text, "private"));
	arch_machine_destroy(am);
}

static void test_sizes(void **state)
{
	/* No less than 1 GiB; 128 MiB in a 32-bit process. */
	expect_window("ram=1M-17M", (uint64_t)1 << (sizeof(void *) == 8 ? 30 : 27));
	expect_window("ram=1M-17M backing=private", (uint64_t)1 << (sizeof(void *) == 8 ? 30 : 27));
}

static void test_twice_the_ram(void **state)
{
	expect_window("ram=1M-2G,3G-4G", 2 * (((uint64_t)3 << 30) - (1 << 20)));
}

/* Above RAM there is memory for page tables, with a gap before it that faults. */
static void test_table_memory(void **state)
{
	struct arch_machine *am = sim_boot("ram=1M-17M");

	assert_true(am->table_start > am->ram_size);
	assert_true(am->table_size >= (am->vmalloc_size >> 21) * P);
	assert_false(readable(am->ram + am->ram_size));
	assert_false(readable(am->ram + am->table_start - 1));
	assert_true(writable(am->ram + am->table_start));
	assert_true(writable(am->ram + am->table_start + am->table_size - 1));
	sim_shutdown(am);
}

/* No room for it below the end of physical addresses: none. */
static void test_no_table_memory(void **state)
{
	struct arch_machine *am = sim_create("ram=1M-4G maxphyaddr=32");

	assert_int_equal(am->table_size, 0);
	arch_machine_destroy(am);
}

static void test_fork(void **state)
{
	struct arch_machine *am = sim_boot("mem=16M");
	int status;
	pid_t pid;

	assert_int_equal(arch_map_ram(am, 0, 512, 3, true), 0);
	assert_true(readable(am->vmalloc));
	pid = fork();
	if (!pid)
		_exit(readable(am->vmalloc) || readable(am->vmalloc + 3 * P) ? 1 : 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(readable(am->vmalloc));
	sim_shutdown(am);
}

/* The host's limit on mappings, whatever it is here: reached, survived, and everything can be taken
 * away even then. */
static void test_mapping_limit(void **state)
{
	struct arch_machine *am = sim_boot("mem=8G");
	FILE *file = fopen("/proc/sys/vm/max_map_count", "r");
	uint64_t limit = 65530, n = 0, most = 100000;
	bool reached;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%" SCNu64, &limit), 1);
	fclose(file);
	/* A host may have hardly any limit; then as many as anybody needs work. */
	reached = limit < am->vmalloc_size / (2 * P);
	if (reached)
		most = limit + 1;
	sim_hear_all();
	/* Every other page: each is a mapping of its own, and so is the gap behind it. */
	while (n < most && !arch_map_ram(am, 2 * n * P, 512, 1, true))
		n++;
	assert_int_equal(n < most, reached);
	assert_int_equal(sim_heard.lines, reached);
	if (reached)
		assert_non_null(strstr(sim_heard.line, "max_map_count"));
	assert_true(readable(am->vmalloc + 2 * (n - 1) * P));
	assert_false(readable(am->vmalloc + 2 * n * P));
	for (uint64_t i = 0; i < n; i++)
		assert_int_equal(arch_unmap_ram(am, 2 * i * P, 1), 0);
	assert_false(readable(am->vmalloc));
	assert_false(readable(am->vmalloc + 2 * (n - 1) * P));
	assert_int_equal(arch_unmap_ram(am, 0, 2 * n), 0);
	assert_int_equal(arch_map_ram(am, 0, 512, 1, true), 0);
	assert_true(readable(am->vmalloc));
	sim_hear_nothing();
	sim_shutdown(am);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_sizes),
		wide_unit_test(test_twice_the_ram),
		cmocka_unit_test(test_table_memory),
		wide_unit_test(test_no_table_memory),
		cmocka_unit_test(test_fork),
		wide_unit_test(test_mapping_limit),
	};

	if (pipe(pipe_fds))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
