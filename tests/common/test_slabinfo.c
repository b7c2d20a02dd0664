/* SPDX-License-Identifier: MIT */
/* slabinfo: the very lines that a real kernel prints. */
#include "../support/kmem_test.h"

static bool has_line(const char *line)
{
	char *text = test_proc("slabinfo");
	bool found = strstr(text, line) != NULL;

	if (!found)
		print_error("no line \"%s\" in\n%s", line, text);
	free(text);
	return found;
}

static void lines_are_the_kernels(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=256M cpus=1");
	struct kmem_cache *s = kmem_cache_create("btrfs_delayed_node", 312, 0, 0, NULL);
	void *p[24];
	int i;

	for (i = 0; i < 24; i++)
		assert_non_null(p[i] = kmalloc(1024, GFP_KERNEL));
	/* From slub-256M-1n-1c, and from find-stat.slabinfo but for its "objects per slab". */
	assert_true(has_line("\nkmalloc-1k            24     24   1024    8    2 : tunables    0    0    0"
			     " : slabdata      3      3      0\n"));
	assert_true(has_line("\nbtrfs_delayed_node      0      0    312   13    1 : tunables    0    0    0"
			     " : slabdata      0      0      0\n"));
	for (i = 0; i < 24; i++)
		kfree(p[i]);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

/* The order in which a real kernel lists what it made at boot. */
static void boot_caches_are_in_the_kernels_order(void **state)
{
	static const char *const kinds[] = { "dma-kmalloc", "kmalloc-rcl", "kmalloc-cg", "kmalloc" };
	static const char *const sizes[] = { "8k",  "4k",  "2k", "1k", "512", "256", "192",
					     "128", "96", "64", "32", "16",  "8" };
	struct machine *m = test_boot("preset=x86_64 mem=64M");
	char *text = test_proc("slabinfo"), name[64], want[64];
	const char *pos = text;
	unsigned int i, j;

	for (i = 0; i < 4; i++)
		for (j = 0; j < 13; j++) {
			assert_true(test_slabinfo_next(&pos, name, sizeof(name)));
			snprintf(want, sizeof(want), "%s-%s", kinds[i], sizes[j]);
			assert_string_equal(name, want);
		}
	assert_true(test_slabinfo_next(&pos, name, sizeof(name)));
	assert_string_equal(name, "kmem_cache");
	assert_false(test_slabinfo_next(&pos, name, sizeof(name)));
	free(text);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_the_kernels),
		cmocka_unit_test(boot_caches_are_in_the_kernels_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
