/* SPDX-License-Identifier: MIT */
/* /proc/meminfo: the form, and what the figures are made of. */
#include "buddy_test.h"

static unsigned long field(const char *label)
{
	char *text = test_proc("meminfo"), *line = strstr(text, label);
	unsigned long kb;

	assert_non_null(line);
	assert_int_equal(sscanf(line + strlen(label), " %lu kB\n", &kb), 1);
	free(text);
	return kb;
}

/* The lines of a real kernel, in its order. */
static void test_meminfo_text(void **state)
{
	struct buddy_arena arena;
	struct machine *m = test_arena(2, &arena);
	char *text = test_proc("meminfo"), want[2048];

	(void)state;
	snprintf(want, sizeof(want),
		 "MemTotal:       %8lu kB\n"
		 "MemFree:            8192 kB\n"
		 "MemAvailable:       8192 kB\n"
		 "Buffers:               0 kB\n"
		 "Cached:                0 kB\n"
		 "SwapCached:            0 kB\n"
		 "Active:                0 kB\n"
		 "Inactive:              0 kB\n"
		 "Active(anon):          0 kB\n"
		 "Inactive(anon):        0 kB\n"
		 "Active(file):          0 kB\n"
		 "Inactive(file):        0 kB\n"
		 "Unevictable:           0 kB\n"
		 "Mlocked:               0 kB\n"
		 "SwapTotal:             0 kB\n"
		 "SwapFree:              0 kB\n"
		 "Dirty:                 0 kB\n"
		 "Writeback:             0 kB\n"
		 "AnonPages:             0 kB\n"
		 "Mapped:                0 kB\n"
		 "Shmem:                 0 kB\n"
		 "KReclaimable:          0 kB\n"
		 "Slab:                  0 kB\n"
		 "SReclaimable:          0 kB\n"
		 "SUnreclaim:            0 kB\n"
		 "KernelStack:           0 kB\n"
		 "PageTables:            0 kB\n"
		 "SecPageTables:         0 kB\n"
		 "NFS_Unstable:          0 kB\n"
		 "Bounce:                0 kB\n"
		 "WritebackTmp:          0 kB\n"
		 "VmallocTotal:   34359738367 kB\n"
		 "VmallocUsed:           0 kB\n"
		 "VmallocChunk:          0 kB\n",
		 totalram_pages() * 4);
	assert_string_equal(text, want);
	free(text);
	test_shutdown(m, 0);
}

/* Two real machines; the figures are theirs. */
static void test_totals_of_real_machines(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=256M nodes=2 cpus=2 zonepages="
				      "0/DMA:3998:3840,0/DMA32:28672:25537,1/DMA32:32736:32175");

	(void)state;
	assert_int_equal(field("MemTotal:"), 246208);
	test_shutdown(m, 0);
	m = test_boot("preset=x86_32 mem=1G cpus=1 "
		      "zonepages=0/DMA:3998:3840,0/Normal:221182:217873,0/HighMem:36834:36834");
	assert_int_equal(field("MemTotal:"), 1034188);
	assert_int_equal(field("HighTotal:"), 147336);
	assert_int_equal(field("LowTotal:"), 886852);
	assert_int_equal(field("HighFree:") + field("LowFree:"), field("MemFree:"));
	test_shutdown(m, 0);
}

static void test_available(void **state)
{
	struct buddy_arena arena;
	struct machine *m = test_arena(2, &arena);
	struct kernel *k = arch_kernel();
	struct page *slab = buddy_alloc_slab(k, GFP_KERNEL | __GFP_RECLAIMABLE, 5, NUMA_NO_NODE);
	struct page *other = buddy_alloc_slab(k, GFP_KERNEL, 4, NUMA_NO_NODE);

	(void)state;
	assert_int_equal(field("Slab:"), 48 * 4);
	assert_int_equal(field("SReclaimable:"), 32 * 4);
	assert_int_equal(field("KReclaimable:"), 32 * 4);
	assert_int_equal(field("SUnreclaim:"), 16 * 4);
	assert_int_equal(field("MemFree:"), 2000 * 4);
	/* no low watermark: all of the reclaimable */
	assert_int_equal(field("MemAvailable:"), 2032 * 4);
	zone_set_limits(arena.zone, 10, 11, 30, 40);
	assert_int_equal(field("MemAvailable:"), (2032 - 11 - 30 - 40) * 4);
	zone_set_limits(arena.zone, 10, 1000, 30, 40);
	assert_int_equal(field("MemAvailable:"), (2032 - 16 - 30 - 40) * 4);
	zone_set_limits(arena.zone, 10, 20, 30, 1 << 20);
	assert_int_equal(field("MemAvailable:"), 0);
	zone_set_limits(arena.zone, 0, 0, 0, 0);
	buddy_free_slab(k, slab, 5);
	buddy_free_slab(k, other, 4);
	assert_int_equal(field("MemAvailable:"), 2048 * 4);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_meminfo_text),
		cmocka_unit_test(test_totals_of_real_machines),
		cmocka_unit_test(test_available),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
