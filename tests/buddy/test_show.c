/* SPDX-License-Identifier: MIT */
/* Texts: buddyinfo, zoneinfo, vmstat, the free lists. */
#include "buddy_test.h"

static struct buddy_arena arena;

static void test_buddyinfo(void **state)
{
	struct machine *m = test_arena(3, &arena);
	struct page *page = alloc_pages(GFP_KERNEL, 4);
	char *text = test_proc("buddyinfo");

	(void)state;
	assert_string_equal(text,
		"Node 0, zone      DMA      0      0      0      0      0      0      0      0      0 "
		"     0      0 \n"
		"Node 0, zone    DMA32      0      0      0      0      1      1      1      1      1 "
		"     1      2 \n");
	free(text);
	__free_pages(page, 4);
	test_shutdown(m, 0);
}

static void test_zoneinfo(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M cpus=2 "
				      "zonepages=0/DMA:3998:3840,0/DMA32:12256:8040");
	char *text = test_proc("zoneinfo"), *dma32, *normal;

	(void)state;
	assert_true(!strncmp(text, "Node 0, zone      DMA\n  per-node stats\n      nr_inactive_anon 0\n",
			     strlen("Node 0, zone      DMA\n  per-node stats\n      nr_inactive_anon 0\n")));
	assert_non_null(strstr(text, "\n      nr_slab_reclaimable "));
	dma32 = strstr(text, "Node 0, zone    DMA32\n  pages free     ");
	assert_non_null(dma32);
	/* What /proc/zoneinfo of the real machine of these figures says. */
	assert_non_null(strstr(dma32,
			       "\n        boost    0\n        min      146\n        low      182\n"
			       "        high     218\n        spanned  12256\n        present  12256\n"
			       "        managed  8040\n        cma      0\n"
			       "        protection: (0, 0, 0, 0)\n      nr_free_pages "));
	assert_non_null(strstr(dma32, "\n  pagesets\n    cpu: 0\n              count: "));
	assert_non_null(strstr(dma32, "\n    cpu: 1\n              count: 0\n"
				      "              high:  91\n              batch: 1\n"
				      "  node_unreclaimable:  0\n  start_pfn:           4096\n"));
	normal = strstr(text, "Node 0, zone   Normal\n");
	assert_string_equal(normal,
		"Node 0, zone   Normal\n  pages free     0\n        boost    0\n        min      0\n"
		"        low      0\n        high     0\n        spanned  0\n        present  0\n"
		"        managed  0\n        cma      0\n        protection: (0, 0, 0, 0)\n"
		"Node 0, zone  Movable\n  pages free     0\n        boost    0\n        min      0\n"
		"        low      0\n        high     0\n        spanned  0\n        present  0\n"
		"        managed  0\n        cma      0\n        protection: (0, 0, 0, 0)\n");
	free(text);
	test_shutdown(m, 0);
}

static long slab_counter(const char *name)
{
	char *text = test_proc("zoneinfo"), *line = strstr(text, name);
	long value;

	assert_non_null(line);
	value = strtol(line + strlen(name), NULL, 10);
	free(text);
	return value;
}

/* Fast ways, slow ways, other CPUs: the sum is what slabs hold. */
static void test_slab_pages_are_counted(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M cpus=2 isolate_metadata=1");
	struct kernel *k = arch_kernel();
	struct page *page[40];
	long before = slab_counter("nr_slab_unreclaimable ");

	(void)state;
	for (unsigned int i = 0; i < 40; i++)
		page[i] = buddy_alloc_slab(k, i % 2 ? GFP_KERNEL : GFP_KERNEL | __GFP_RECLAIMABLE, i % 5,
					   NUMA_NO_NODE);
	assert_int_equal(slab_counter("nr_slab_unreclaimable ") - before, 4 * 31);
	assert_int_equal(slab_counter("nr_slab_reclaimable "), 4 * 31);
	assert_int_equal(cpu_migrate(1), 0);
	for (unsigned int i = 0; i < 40; i++)
		buddy_free_slab(k, page[i], i % 5);
	assert_int_equal(slab_counter("nr_slab_unreclaimable "), before);
	assert_int_equal(slab_counter("nr_slab_reclaimable "), 0);
	test_shutdown(m, 0);
}

/* The kernel's names in its order, the sums of zoneinfo, and events that count up. */
static void test_vmstat(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=128M nodes=2 cpus=2 isolate_metadata=1");
	struct kernel *k = arch_kernel();
	struct page *slab = buddy_alloc_slab(k, GFP_KERNEL | __GFP_RECLAIMABLE, 3, 1), *page;
	char *text = test_proc("vmstat"), want[64];

	(void)state;
	snprintf(want, sizeof(want), "nr_free_pages %lu\nnr_zone_inactive_anon 0\n", nr_free_pages());
	assert_memory_equal(text, want, strlen(want));
	assert_non_null(strstr(text, "\nnr_free_cma 0\nnr_inactive_anon 0\nnr_active_anon 0\n"));
	assert_non_null(strstr(text, "\nnr_unevictable 0\nnr_slab_reclaimable 8\n"
				     "nr_slab_unreclaimable 0\nnr_isolated_anon 0\n"));
	assert_non_null(strstr(text, "\nnr_sec_page_table_pages 0\nallocstall_dma 0\nallocstall_dma32 0\n"
				     "allocstall_normal 0\nallocstall_movable 0\npgfree 0\n"
				     "slabs_scanned 0\npageoutrun 0\ndrop_slab 0\noom_kill 0\n"));
	free(text);
	page = alloc_pages(GFP_KERNEL, 5);
	__free_pages(page, 5);
	page = alloc_pages(GFP_KERNEL, 0);
	__free_pages(page, 0);
	buddy_free_slab(k, slab, 3);
	text = test_proc("vmstat");
	assert_non_null(strstr(text, "\nnr_slab_reclaimable 0\n"));
	assert_non_null(strstr(text, "\npgfree 41\n"));
	free(text);
	test_shutdown(m, 0);
}

static void test_lists(void **state)
{
	struct machine *m = test_arena(2, &arena);
	struct page *page;

	(void)state;
	zone_set_pcp_limits(arena.zone, 100, 4);
	page = alloc_pages(GFP_HIGHUSER_MOVABLE, 0);
	assert_string_equal(test_lists_text(arena.zone, arena.base_pfn),
		"buddy zone=DMA32 free=2044\n"
		"  order2 n=1 M=[1028]\n"
		"  order3 n=1 M=[1032]\n"
		"  order4 n=1 M=[1040]\n"
		"  order5 n=1 M=[1056]\n"
		"  order6 n=1 M=[1088]\n"
		"  order7 n=1 M=[1152]\n"
		"  order8 n=1 M=[1280]\n"
		"  order9 n=1 M=[1536]\n"
		"  order10 n=1 M=[0]\n"
		"  pcp count=3 high=100 batch=4 free_factor=0 list1=[1025 1026 1027]\n");
	__free_pages(page, 0);
	test_shutdown(m, 0);
}

/* Untouched ranges read as the blocks they stand for. */
static void test_lists_of_untouched_memory(void **state)
{
	struct machine *m = test_boot("preset=x86_64 ram=1M-48M reserved=1M-16M cpus=1 isolate_metadata=1");
	struct zone *zone = test_zone(0, KMEM_ZONE_DMA32);
	const char *text = test_lists_text(zone, zone->start_pfn);

	(void)state;
	assert_non_null(strstr(text, "M=[0 1024 "));
	test_shutdown(m, 0);
}

static void test_arena_errors(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M cpus=1 isolate_metadata=1");
	struct kernel *k = arch_kernel();
	unsigned long before = nr_free_pages();

	(void)state;
	assert_true(buddy_make_arena(k, 1, KMEM_ZONE_HIGHMEM, MIGRATE_MOVABLE, &arena) < 0);
	assert_true(buddy_make_arena(k, 1000, KMEM_ZONE_DMA32, MIGRATE_MOVABLE, &arena) < 0);
	assert_true(buddy_make_arena(k, 0, KMEM_ZONE_DMA32, MIGRATE_MOVABLE, &arena) < 0);
	assert_true(buddy_make_arena(k, 1, KMEM_ZONE_DMA32, MIGRATE_ISOLATE, &arena) < 0);
	assert_int_equal(nr_free_pages(), before);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buddyinfo),
		cmocka_unit_test(test_zoneinfo),
		cmocka_unit_test(test_slab_pages_are_counted),
		cmocka_unit_test(test_vmstat),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_lists_of_untouched_memory),
		cmocka_unit_test(test_arena_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
