/* SPDX-License-Identifier: MIT */
/* kmalloc and its relatives: sizes against a real kernel's, alignment, growing, zeroing, limits. */
#include "conformance.h"

#include <errno.h>

struct bucket {
	size_t lo, hi, ksize;
	char where[8];
};

/* ksize() and whether the request takes whole pages. */
static void check_request(const struct bucket *b, size_t size)
{
	bool refused = !strcmp(b->where, "null");
	void *p = kmalloc(size, GFP_KERNEL);
	unsigned int order;

	if (refused) {
		assert_null(p);
		expect_report(MACHINE_WARN, "KMALLOC_MAX_SIZE");
		return;
	}
	if (!p)
		print_error("kmalloc(%zu) failed\n", size);
	assert_non_null(p);
	if (ksize(p) != b->ksize)
		print_error("kmalloc(%zu): ksize %zu, a real kernel says %zu\n", size, ksize(p), b->ksize);
	assert_int_equal(ksize(p), b->ksize);
	assert_int_equal(kmem_is_large(p, &order), !strcmp(b->where, "pages"));
	if (!strcmp(b->where, "pages"))
		assert_int_equal(PAGE_SIZE << order, b->ksize);
	((char *)p)[0] = 1;
	((char *)p)[size - 1] = 1;
	kfree(p);
}

static void sizes_are_a_real_kernels(void **state)
{
	struct machine *m = test_boot(PLAIN);
	FILE *f = fopen(KMALLOC_BUCKETS, "r");
	char line[128], backend[8];
	unsigned int rows = 0;
	struct bucket b;
	size_t size;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%7[^,],%zu,%zu,%zu,%7s", backend, &b.lo, &b.hi, &b.ksize, b.where) != 5 ||
		    strcmp(backend, machine_backend()))
			continue;
		rows++;
		check_request(&b, b.lo);
		check_request(&b, b.hi);
		check_request(&b, b.lo + (b.hi - b.lo) / 2);
		for (size = b.lo; size < b.hi && size < b.lo + 64; size += 7)
			check_request(&b, size);
	}
	fclose(f);
	assert_true(rows >= 20);
	test_shutdown(m, 0);
}

static void zero_size_is_no_memory(void **state)
{
	struct machine *m = test_boot(PLAIN);

	assert_ptr_equal(kmalloc(0, GFP_KERNEL), ZERO_SIZE_PTR);
	assert_ptr_equal(kzalloc(0, GFP_KERNEL), ZERO_SIZE_PTR);
	assert_ptr_equal(kmalloc_node(0, GFP_KERNEL, 0), ZERO_SIZE_PTR);
	assert_ptr_equal(kcalloc(0, 100, GFP_KERNEL), ZERO_SIZE_PTR);
	assert_ptr_equal(kmalloc_array(100, 0, GFP_KERNEL), ZERO_SIZE_PTR);
	assert_int_equal(ksize(ZERO_SIZE_PTR), 0);
	assert_int_equal(ksize(NULL), 0);
	kfree(ZERO_SIZE_PTR);
	kfree(NULL);
	test_shutdown(m, 0);
}

static void powers_of_two_are_aligned_to_themselves(void **state)
{
	struct machine *m = test_boot(PLAIN);
	void *keep[24], *p;
	size_t size;
	int n = 0;

	for (size = 8; size <= KMALLOC_MAX_SIZE; size *= 2) {
		keep[n++] = kmalloc(24, GFP_KERNEL); /* shifts what comes next on SLOB */
		p = kmalloc(size, GFP_KERNEL);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % (size < PAGE_SIZE ? size : PAGE_SIZE), 0);
		assert_int_equal(page_to_pfn(virt_to_page(p)) % (size < PAGE_SIZE ? 1 : size / PAGE_SIZE),
				 0);
		kfree(p);
	}
	while (n)
		kfree(keep[--n]);
	test_shutdown(m, 0);
}

static void any_size_is_aligned_to_the_minimum(void **state)
{
	struct machine *m = test_boot(PLAIN);
	void *p[512];
	size_t size;

	for (size = 1; size < 512; size++) {
		assert_non_null(p[size] = kmalloc(size, GFP_KERNEL));
		assert_int_equal((uintptr_t)p[size] % ARCH_KMALLOC_MINALIGN, 0);
		test_fill(p[size], size, size);
	}
	for (size = 1; size < 512; size++) {
		assert_true(test_filled(p[size], size, size));
		kfree(p[size]);
	}
	test_shutdown(m, 0);
}

static void zeroed_memory_is_zero(void **state)
{
	static const size_t sizes[] = { 1, 8, 100, 500, 4000, 4096, 8192, 8193, 100000, 1 << 20 };
	struct machine *m = test_boot(PLAIN);
	unsigned int i, round;
	void *p;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (round = 0; round < 4; round++) {
			p = round == 0 ? kzalloc(sizes[i], GFP_KERNEL) :
			    round == 1 ? kcalloc(1, sizes[i], GFP_KERNEL) :
			    round == 2 ? kmalloc(sizes[i], GFP_KERNEL | __GFP_ZERO) :
					 kmalloc_node(sizes[i], GFP_KERNEL | __GFP_ZERO, 0);
			assert_non_null(p);
			assert_true(test_all_zero(p, sizes[i]));
			memset(p, 0xee, sizes[i]);
			kfree(p);
		}
	test_shutdown(m, 0);
}

static void arrays_that_overflow_fail_quietly(void **state)
{
	struct machine *m = test_boot(PLAIN);
	void *p;

	assert_null(kmalloc_array(SIZE_MAX / 2, 3, GFP_KERNEL));
	assert_null(kcalloc(SIZE_MAX, SIZE_MAX, GFP_KERNEL));
	assert_null(kcalloc(2, SIZE_MAX / 2 + 1, GFP_KERNEL));
	expect_no_reports();
	assert_non_null(p = kmalloc_array(100, 40, GFP_KERNEL));
	assert_true(ksize(p) >= 4000);
	kfree(p);
	test_shutdown(m, 0);
}

static void too_big_fails_with_a_warning(void **state)
{
	static const size_t sizes[] = { KMALLOC_MAX_SIZE + 1, KMALLOC_MAX_SIZE * 2, SIZE_MAX / 2, SIZE_MAX - 1,
					SIZE_MAX };
	struct machine *m = test_boot(PLAIN);
	unsigned int i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		volatile size_t size = sizes[i];

		assert_null(kmalloc(size, GFP_KERNEL));
		expect_report(MACHINE_WARN, "kmalloc");
		assert_null(kzalloc(size, GFP_KERNEL));
		expect_report(MACHINE_WARN, "kmalloc");
		assert_null(kmalloc(size, GFP_KERNEL | __GFP_NOWARN));
		expect_no_reports();
	}
	test_shutdown(m, 0);
}

static void krealloc_keeps_contents(void **state)
{
	static const size_t sizes[] = { 1, 10, 8, 100, 96, 200, 5000, 4000, 9000, 70000, 20, 300000, 1 };
	struct machine *m = test_boot(PLAIN);
	size_t old = 0, size, kept;
	unsigned int i;
	void *p = NULL, *q;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size = sizes[i];
		q = krealloc(p, size, GFP_KERNEL);
		assert_non_null(q);
		assert_true(ksize(q) >= size);
		kept = old < size ? old : size;
		assert_true(test_filled(q, kept, 77));
		test_fill(q, size, 77);
		p = q;
		old = size;
	}
	kfree(p);
	test_shutdown(m, 0);
}

static void krealloc_stays_where_it_fits(void **state)
{
	struct machine *m = test_boot(PLAIN);
	void *p = kmalloc(100, GFP_KERNEL);

	assert_ptr_equal(krealloc(p, ksize(p), GFP_KERNEL), p);
	assert_ptr_equal(krealloc(p, 1, GFP_KERNEL), p);
	assert_ptr_equal(krealloc(p, 0, GFP_KERNEL), ZERO_SIZE_PTR);
	p = krealloc(ZERO_SIZE_PTR, 50, GFP_KERNEL);
	assert_non_null(p);
	assert_true(ksize(p) >= 50);
	kfree(p);
	assert_ptr_equal(krealloc(NULL, 0, GFP_KERNEL), ZERO_SIZE_PTR);
	test_shutdown(m, 0);
}

static void krealloc_that_fails_leaves_the_object(void **state)
{
	struct machine *m = test_boot(PLAIN);
	void *p = kmalloc(100, GFP_KERNEL);

	test_fill(p, 100, 5);
	assert_null(krealloc(p, KMALLOC_MAX_SIZE + 1, GFP_KERNEL | __GFP_NOWARN));
	assert_true(test_filled(p, 100, 5));
	kfree(p);
	test_shutdown(m, 0);
}

static void krealloc_of_no_object_fails(void **state)
{
	struct machine *m = test_boot(PLAIN);
	int local;

	assert_null(krealloc(&local, 100, GFP_KERNEL));
	expect_report(MACHINE_BUG, "ksize");
	test_shutdown(m, 0);
}

static const char *class_of(size_t size, gfp_t gfp)
{
	void *p = kmalloc(size, GFP_KERNEL | gfp);
	struct kmem_cache *s = kmem_cache_of(p);

	kfree(p);
	return s ? kmem_cache_name(s) : "none";
}

static void each_kind_of_memory_has_its_classes(void **state)
{
	struct machine *m = test_boot(PLAIN);

	if (backend_is("slob")) {
		assert_string_equal(class_of(100, 0), "none");
	} else {
		assert_string_equal(class_of(1, 0), backend_is("slab") ? "kmalloc-32" : "kmalloc-8");
		assert_string_equal(class_of(16, 0), backend_is("slab") ? "kmalloc-32" : "kmalloc-16");
		assert_string_equal(class_of(64, 0), "kmalloc-64");
		assert_string_equal(class_of(65, 0), "kmalloc-96");
		assert_string_equal(class_of(129, __GFP_ACCOUNT), "kmalloc-cg-192");
		assert_string_equal(class_of(100, __GFP_DMA), "dma-kmalloc-128");
		assert_string_equal(class_of(100, __GFP_DMA | __GFP_RECLAIMABLE), "dma-kmalloc-128");
		assert_string_equal(class_of(1025, __GFP_RECLAIMABLE), "kmalloc-rcl-2k");
		assert_string_equal(class_of(1000, __GFP_RECLAIMABLE | __GFP_ACCOUNT), "kmalloc-rcl-1k");
		assert_string_equal(class_of(8192, 0), "kmalloc-8k");
		assert_string_equal(class_of(8193, 0), "none");
	}
	test_shutdown(m, 0);
}

/* As in the claim; SLOB, which has no classes, makes blocks of its own below a page. */
static void kmalloc_is_built_on_kmem_cache_and_is_physically_contiguous(void **state)
{
	static const size_t sizes[] = { 1, 8, 100, 192, 1000, 4000, 8192, 8193, 20000, 65536, 1 << 20,
					KMALLOC_MAX_SIZE };
	struct machine *m = test_boot(PLAIN);
	unsigned int i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *p = kmalloc(sizes[i], GFP_KERNEL), *byte;
		bool large = kmem_is_large(p, NULL);

		assert_non_null(p);
		for (byte = p; byte < p + sizes[i]; byte += 512) {
			struct page *page = virt_to_page(byte);

			phys_addr_t pa = __pa((unsigned long)byte);

			assert_true(pa == __pa((unsigned long)p) + (phys_addr_t)(byte - p));
			assert_true(page_to_phys(page) == (pa & PAGE_MASK));
		}
		assert_int_equal(large, sizes[i] > 8192 || (backend_is("slob") && sizes[i] > 4087));
		if (!large && !backend_is("slob")) {
			struct kmem_cache *s = kmem_cache_of(p);

			assert_int_equal(strncmp(kmem_cache_name(s), "kmalloc-", 8), 0);
			assert_int_equal(kmem_cache_size(s), ksize(p));
		}
		kfree(p);
	}
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(kmalloc_is_built_on_kmem_cache_and_is_physically_contiguous),
	cmocka_unit_test(sizes_are_a_real_kernels),
	cmocka_unit_test(zero_size_is_no_memory),
	cmocka_unit_test(powers_of_two_are_aligned_to_themselves),
	cmocka_unit_test(any_size_is_aligned_to_the_minimum),
	cmocka_unit_test(zeroed_memory_is_zero),
	cmocka_unit_test(arrays_that_overflow_fail_quietly),
	cmocka_unit_test(too_big_fails_with_a_warning),
	cmocka_unit_test(krealloc_keeps_contents),
	cmocka_unit_test(krealloc_stays_where_it_fits),
	cmocka_unit_test(krealloc_that_fails_leaves_the_object),
	cmocka_unit_test(krealloc_of_no_object_fails),
	cmocka_unit_test(each_kind_of_memory_has_its_classes),
};
TEST_GROUP(kmalloc, tests);
