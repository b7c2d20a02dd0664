/* SPDX-License-Identifier: MIT */
/* kmalloc's classes: which exist, what they are, which one serves a size. */
#include "../support/kmem_test.h"

#include "common/backend.h"
#include "common/registry.h"

static struct kernel *kernel_of_machine(void)
{
	return arch_kernel();
}

static void every_size_has_the_smallest_class_that_fits(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M");
	struct kmalloc_caches *kc = &kernel_of_machine()->caches->kmalloc;
	unsigned int size, smaller = 0;

	for (size = 1; size <= KMALLOC_MAX_CACHE_SIZE; size++) {
		struct kmem_cache *s = kmalloc_cache(kc, size, GFP_KERNEL);

		assert_non_null(s);
		assert_true(s->object_size >= size);
		assert_true(smaller < size);
		if (s->object_size == size)
			smaller = size;
	}
	test_shutdown(m, 0);
}

static void classes_are_made_as_linux_makes_them(void **state)
{
	static const struct {
		enum kmalloc_cache_type type;
		unsigned int index;
		const char *name;
		unsigned int size, align;
		slab_flags_t flags;
	} want[] = {
		{ KMALLOC_NORMAL, 3, "kmalloc-8", 8, 8, SLAB_KMALLOC },
		{ KMALLOC_NORMAL, 1, "kmalloc-96", 96, 8, SLAB_KMALLOC },
		{ KMALLOC_NORMAL, 2, "kmalloc-192", 192, 8, SLAB_KMALLOC },
		{ KMALLOC_NORMAL, 7, "kmalloc-128", 128, 128, SLAB_KMALLOC },
		{ KMALLOC_NORMAL, 10, "kmalloc-1k", 1024, 1024, SLAB_KMALLOC },
		{ KMALLOC_NORMAL, 13, "kmalloc-8k", 8192, 8192, SLAB_KMALLOC },
		{ KMALLOC_DMA, 9, "dma-kmalloc-512", 512, 512, SLAB_KMALLOC | SLAB_CACHE_DMA },
		{ KMALLOC_CGROUP, 5, "kmalloc-cg-32", 32, 32, SLAB_KMALLOC | SLAB_ACCOUNT },
		{ KMALLOC_RECLAIM, 11, "kmalloc-rcl-2k", 2048, 2048, SLAB_KMALLOC | SLAB_RECLAIM_ACCOUNT },
	};
	struct machine *m = test_boot("preset=x86_64 mem=64M");
	struct kmalloc_caches *kc = &kernel_of_machine()->caches->kmalloc;
	unsigned int i;

	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct kmem_cache *s = kc->cache[want[i].type][want[i].index];

		assert_non_null(s);
		assert_string_equal(s->name, want[i].name);
		assert_int_equal(s->object_size, want[i].size);
		assert_int_equal(s->align, want[i].align);
		/* A backend keeps bits of its own above those of slab.h. */
		assert_int_equal(s->flags & 0x1fffffff, want[i].flags);
		assert_true(s->boot);
	}
	test_shutdown(m, 0);
}

static void isolated_classes_are_private_copies(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M isolate_metadata=1");
	struct kernel *k = kernel_of_machine();
	struct kmem_cache *s = k->caches->kmalloc.cache[KMALLOC_NORMAL][6];

	assert_int_equal(s->flags & SLAB_KMALLOC, 0);
	assert_int_equal(s->align, 64);
	assert_null(k->caches->kmem_cache);
	test_shutdown(m, 0);
}

static void boot_takes_no_pages_for_classes(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M");
	struct kmem_stats st = test_stats();

	assert_true(kernel_of_machine()->caches->nr_caches > 50);
	assert_int_equal(st.slab_pages, 0);
	assert_int_equal(st.slabs, 0);
	assert_int_equal(st.page_allocs[0], 0);
	test_shutdown(m, 0);
}

static void flags_choose_the_kind(void **state)
{
	assert_int_equal(kmalloc_type(GFP_KERNEL), KMALLOC_NORMAL);
	assert_int_equal(kmalloc_type(GFP_KERNEL_ACCOUNT), KMALLOC_CGROUP);
	assert_int_equal(kmalloc_type(GFP_KERNEL | __GFP_RECLAIMABLE), KMALLOC_RECLAIM);
	assert_int_equal(kmalloc_type(GFP_KERNEL_ACCOUNT | __GFP_RECLAIMABLE), KMALLOC_RECLAIM);
	assert_int_equal(kmalloc_type(GFP_KERNEL | GFP_DMA), KMALLOC_DMA);
	assert_int_equal(kmalloc_type(GFP_KERNEL | GFP_DMA | __GFP_ACCOUNT), KMALLOC_DMA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size_has_the_smallest_class_that_fits),
		cmocka_unit_test(classes_are_made_as_linux_makes_them),
		cmocka_unit_test(isolated_classes_are_private_copies),
		cmocka_unit_test(boot_takes_no_pages_for_classes),
		cmocka_unit_test(flags_choose_the_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
