/* SPDX-License-Identifier: MIT */
/* Figures that can be changed while the machine runs, and what follows from them. */
#include <errno.h>

#include "buddy_test.h"

#include "lib/percpu.h"

static unsigned long number(const char *name)
{
	char text[64];

	assert_true(sysctl_read(name, text, sizeof(text)) > 0);
	return strtoul(text, NULL, 10);
}

/* The marks of zones in Linux's own arithmetic, from the figures that the machine has now. */
static void check_marks(unsigned long kbytes, unsigned long factor)
{
	unsigned long lowmem = 0;

	for_each_populated_zone(arch_kernel()->buddy, zone)
		lowmem += (unsigned long)zone->managed;
	for_each_populated_zone(arch_kernel()->buddy, zone) {
		unsigned long managed = (unsigned long)zone->managed;
		unsigned long min = kbytes / 4 * managed / lowmem;
		unsigned long gap = managed * factor / 10000;

		if (gap < min / 4)
			gap = min / 4;
		assert_int_equal(zone->watermark[WMARK_MIN], min);
		assert_int_equal(zone->watermark[WMARK_LOW], min + gap);
		assert_int_equal(zone->watermark[WMARK_HIGH], min + 2 * gap);
		assert_int_equal(zone->watermark_boost, 0);
		assert_int_equal(zone->fast_limit[zone->type],
				 zone->watermark[WMARK_LOW] + zone->nr_reserved_highatomic);
	}
}

static void test_watermarks_follow(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=512M cpus=2");
	struct zone *zone = test_zone(0, KMEM_ZONE_DMA32);

	(void)state;
	check_marks(number("vm.min_free_kbytes"), 10);
	zone->watermark_boost = 512;
	assert_int_equal(sysctl_write("vm.min_free_kbytes", "65536"), 0);
	check_marks(65536, 10);
	assert_int_equal(number("vm.min_free_kbytes"), 65536);
	assert_int_equal(sysctl_write("vm.watermark_scale_factor", "3000\n"), 0);
	check_marks(65536, 3000);
	assert_int_equal(sysctl_write("vm.min_free_kbytes", "0"), 0);
	check_marks(0, 3000);
	assert_int_equal(sysctl_write("vm.watermark_scale_factor", " 0x1e "), 0);
	check_marks(0, 30);
	test_shutdown(m, 0);
}

static void test_a_request_feels_it(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M");
	struct page *page = alloc_page(GFP_NOWAIT);

	(void)state;
	assert_non_null(page);
	__free_page(page);
	/* More than there is: only those who ignore the marks get something. */
	assert_int_equal(sysctl_write("vm.min_free_kbytes", "1000000"), 0);
	assert_null(alloc_page(GFP_KERNEL | __GFP_NOWARN));
	page = alloc_page(GFP_NOWAIT | __GFP_MEMALLOC);
	assert_non_null(page);
	__free_page(page);
	assert_int_equal(sysctl_write("vm.min_free_kbytes", "1000"), 0);
	page = alloc_page(GFP_NOWAIT);
	assert_non_null(page);
	__free_page(page);
	test_shutdown(m, 0);
}

static void test_lowmem_reserve_ratio(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=5G");
	struct zone *dma = test_zone(0, KMEM_ZONE_DMA), *normal = test_zone(0, KMEM_ZONE_NORMAL);
	struct zone *dma32 = test_zone(0, KMEM_ZONE_DMA32);
	char text[64];

	(void)state;
	sysctl_read("vm.lowmem_reserve_ratio", text, sizeof(text));
	assert_string_equal(text, "256\t256\t32\t0\n");
	assert_int_equal(sysctl_write("vm.lowmem_reserve_ratio", "64\t1000"), 0);
	sysctl_read("vm.lowmem_reserve_ratio", text, sizeof(text));
	assert_string_equal(text, "64\t1000\t32\t0\n");
	assert_int_equal(dma->lowmem_reserve[KMEM_ZONE_DMA32], dma32->managed / 64);
	assert_int_equal(dma->lowmem_reserve[KMEM_ZONE_NORMAL], (dma32->managed + normal->managed) / 64);
	assert_int_equal(dma32->lowmem_reserve[KMEM_ZONE_NORMAL], normal->managed / 1000);
	assert_int_equal(dma32->fast_limit[KMEM_ZONE_NORMAL],
			 dma32->watermark[WMARK_LOW] + normal->managed / 1000);
	assert_int_equal(sysctl_write("vm.lowmem_reserve_ratio", "0"), 0);
	assert_int_equal(dma->lowmem_reserve[KMEM_ZONE_NORMAL], 0);
	assert_int_equal(sysctl_write("vm.lowmem_reserve_ratio", "1 2 3 4 5"), -EINVAL);
	test_shutdown(m, 0);

	m = test_boot("preset=x86_32 mem=1G");
	sysctl_read("vm.lowmem_reserve_ratio", text, sizeof(text));
	assert_string_equal(text, "256\t32\t0\t0\n");
	test_shutdown(m, 0);
}

/* Lists that are in use and lists that come to use later. */
static void test_per_cpu_lists_follow(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=512M cpus=2");
	struct zone *zone = test_zone(0, KMEM_ZONE_DMA32);
	const struct arch_machine *am = arch_kernel()->arch;
	const struct per_cpu_pages *pcp[2];
	int high;

	(void)state;
	for (unsigned int i = 0; i < 2; i++)
		pcp[i] = percpu_ptr(arch_cpu_by_id(am, i), zone->pcp_off);
	__free_page(alloc_page(GFP_KERNEL));
	high = pcp[0]->high;
	assert_int_equal(high, zone->watermark[WMARK_LOW] / 2);
	assert_int_equal(sysctl_write("vm.percpu_pagelist_high_fraction", "8"), 0);
	assert_int_equal(pcp[0]->high, zone->managed / 8 / 2);
	assert_int_equal(pcp[1]->high, 0);
	assert_int_equal(cpu_migrate(1), 0);
	__free_page(alloc_page(GFP_KERNEL));
	assert_int_equal(pcp[1]->high, zone->managed / 8 / 2);
	/* Never less than four batches. */
	assert_int_equal(sysctl_write("vm.percpu_pagelist_high_fraction", "1000000"), 0);
	assert_int_equal(pcp[0]->high, pcp[0]->batch * 4);
	assert_int_equal(sysctl_write("vm.percpu_pagelist_high_fraction", "0"), 0);
	assert_int_equal(pcp[1]->high, high);
	assert_int_equal(sysctl_write("vm.percpu_pagelist_high_fraction", "7"), -EINVAL);
	assert_int_equal(sysctl_write("vm.min_free_kbytes", "40960"), 0);
	assert_int_equal(pcp[1]->high, zone->watermark[WMARK_LOW] / 2);
	test_shutdown(m, 0);
}

/* Steals with a factor of 0 leave the marks alone. */
static void test_boost_factor(void **state)
{
	struct buddy_arena arena;
	struct machine *m = test_arena(4, &arena);
	struct page *page;

	(void)state;
	zone_set_limits(arena.zone, 100, 200, 300, 0);
	assert_int_equal(number("vm.watermark_boost_factor"), 15000);
	assert_int_equal(sysctl_write("vm.watermark_boost_factor", "0"), 0);
	page = alloc_pages(GFP_HIGHUSER_MOVABLE, 9);
	for (unsigned int turn = 0; turn < 2; turn++) {
		struct page *held[8], *u;
		unsigned int n = 0;

		/* A page of the last pageblock that is left makes it a mixed one. */
		held[n++] = alloc_page(GFP_HIGHUSER_MOVABLE & ~__GFP_RECLAIM);
		while ((held[n] = alloc_pages((GFP_HIGHUSER_MOVABLE | __GFP_NOWARN) & ~__GFP_RECLAIM, 9)))
			n++;
		u = alloc_page(GFP_NOWAIT | __GFP_NOWARN);
		assert_non_null(u);
		if (turn)
			assert_true(arena.zone->watermark_boost > 0);
		else
			assert_int_equal(arena.zone->watermark_boost, 0);
		__free_page(u);
		while (--n)
			__free_pages(held[n], 9);
		__free_page(held[0]);
		drain_all_pages();
		/* Back to one kind, so that it can be stolen once more. */
		for (uint64_t pfn = arena.base_pfn; pfn < arena.base_pfn + arena.pages; pfn += 512)
			pageblock_set_type(arch_kernel()->buddy, pfn, MIGRATE_MOVABLE);
		u = alloc_pages(GFP_NOWAIT | __GFP_NOWARN, 0);
		__free_page(u);
		drain_all_pages();
		assert_int_equal(sysctl_write("vm.watermark_boost_factor", "15000"), 0);
	}
	__free_pages(page, 9);
	test_shutdown(m, 0);
}

static void test_bad_input(void **state)
{
	static const char *const bad[] = {"", " ", "x", "12x", "-1", "4294967296", "1 2", "0x", "08", "3001"};
	struct machine *m = test_boot("preset=x86_64 mem=64M");
	char text[8];

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(sysctl_write("vm.watermark_scale_factor", bad[i]), -EINVAL);
		assert_int_equal(number("vm.watermark_scale_factor"), 10);
	}
	assert_int_equal(sysctl_write("vm.watermark_scale_factor", "0"), -EINVAL);
	assert_int_equal(sysctl_write("vm.swappiness", "60"), -ENOENT);
	assert_int_equal(sysctl_read("vm.swappiness", NULL, 0), -ENOENT);
	assert_int_equal(sysctl_read("vm.drop_caches", NULL, 0), -EACCES);
	assert_int_equal(sysctl_write("vm.drop_caches", "5"), -EINVAL);
	assert_int_equal(sysctl_read("vm.watermark_boost_factor", text, 3), 6);
	assert_string_equal(text, "15");
	for (unsigned int i = 0; sysctl_name(i); i++)
		if (strcmp(sysctl_name(i), "vm.drop_caches"))
			assert_true(sysctl_read(sysctl_name(i), NULL, 0) > 0);
	test_shutdown(m, 0);
}

static void test_on_the_command_line(void **state)
{
	struct machine_error err;
	struct machine *m = test_boot("preset=x86_64 mem=512M cmdline=\"sysctl.vm.min_free_kbytes=32768 "
				      "sysctl.vm/watermark_scale_factor=100\"");

	(void)state;
	check_marks(32768, 100);
	test_shutdown(m, 0);
	assert_int_equal(machine_boot_text("preset=x86_64 mem=64M cmdline=sysctl.vm.nonsense=1", &m, &err), -EINVAL);
	assert_string_equal(err.reason, "kernel command line: unknown word 'sysctl.vm.nonsense=1'");
	assert_int_equal(machine_boot_text("preset=x86_64 mem=64M cmdline=sysctl.vm.min_free_kbytes=lots", &m, &err),
			 -EINVAL);
	assert_string_equal(err.reason,
			    "kernel command line: bad value in 'sysctl.vm.min_free_kbytes=lots'");
	assert_int_equal(machine_boot_text("preset=x86_64 mem=64M cmdline=sysctl.vm.min_free_kbytes", &m, &err),
			 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_watermarks_follow),
		cmocka_unit_test(test_a_request_feels_it),
		wide_unit_test(test_lowmem_reserve_ratio),
		cmocka_unit_test(test_per_cpu_lists_follow),
		cmocka_unit_test(test_boost_factor),
		cmocka_unit_test(test_bad_input),
		cmocka_unit_test(test_on_the_command_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
