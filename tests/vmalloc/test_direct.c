/* SPDX-License-Identifier: MIT */
/* src/vmalloc/direct.c: vmalloc() on private memory, where a page has one address. */
#include "vmalloc_test.h"

static void test_pointers(void **state)
{
	struct machine *m = test_boot("mem=64M backing=private");
	char *a = vmalloc(5 * P), *b, *k = kmalloc(8, GFP_KERNEL);

	assert_non_null(a);
	assert_false(is_vmalloc_addr(a - 1));
	assert_false(is_vmalloc_addr(a + 5 * P));
	b = vzalloc(3 * P + 1);
	assert_non_null(b);
	assert_true(virt_addr_valid(a));
	assert_ptr_equal(page_address(vmalloc_to_page(a)), a);
	assert_true(is_vmalloc_addr(a));
	assert_true(is_vmalloc_addr(a + 5 * P - 1));
	assert_false(is_vmalloc_addr(k));
	for (unsigned int i = 0; i < 4; i++)
		assert_ptr_equal(page_address(vmalloc_to_page(b + i * P + 5)), b + i * P);
	for (unsigned int i = 0; i < 4 * P; i++)
		assert_int_equal(b[i], 0);
	assert_ptr_equal(find_vm_area(a + 2 * P)->addr, a);
	assert_int_equal(find_vm_area(b)->nr_pages, 4);
	/* The simulated x86 sees the area all the same, at its place in the region. */
	for (unsigned int i = 0; i < 5; i++) {
		kva_t kva = VMALLOC_KVA + i * P + i;

		assert_ptr_equal(__va(walk_to(kva, MMU_WRITE)), a + i * P + i);
		assert_ptr_equal(kva_to_ptr(kva), a + i * P + i);
	}
	assert_int_equal(walk_to(VMALLOC_KVA + 5 * P, MMU_READ), UINT64_MAX);
	assert_null(kva_to_ptr(VMALLOC_KVA + 5 * P));
	vfree(a);
	assert_int_equal(walk_to(VMALLOC_KVA, MMU_READ), UINT64_MAX);
	assert_false(is_vmalloc_addr(a));
	vfree(b);
	kfree(k);
	test_shutdown(m, 0);
}

static void test_misuse(void **state)
{
	struct machine *m = test_boot("mem=64M backing=private");
	char *a = vmalloc(5 * P), *b = vmalloc(P);

	vfree(a + P);
	expect_report(MACHINE_WARN, "it lies inside an area");
	vfree(a + 1);
	expect_report(MACHINE_WARN, "bad address");
	vunmap(a);
	expect_report(MACHINE_WARN, "that is vfree()'s");
	vfree(b);
	vfree(b);
	expect_report(MACHINE_WARN, "nonexistent vm area");
	assert_true(is_vmalloc_addr(a));
	vfree(a);
	test_shutdown(m, 0);
}

/* What one block cannot serve is refused with its reason, and nothing is lost. */
static void test_limits(void **state)
{
	struct machine *m = test_boot("mem=64M backing=private");
	struct page *page = alloc_page(GFP_KERNEL);
	unsigned long free;
	char *p;

	p = vmalloc(1024 * P);
	assert_non_null(p);
	memset(p, 1, 1024 * P);
	vfree(p);
	free = test_free_pages();
	test_hear();
	assert_null(vmalloc(1025 * P));
	expect_heard("vmalloc: no contiguous block of 1025 pages, and backing=private");
	assert_null(vmap(&page, 1, VM_MAP, PAGE_KERNEL));
	expect_heard("vmap: pages have no second addresses on a machine with backing=private");
	/* A table may stay. */
	assert_in_range(test_free_pages(), free - 1, free);
	__free_page(page);
	test_shutdown(m, 0);
}

/* The pointer is aligned, by a larger block of which the rest goes back. */
static void test_alignment(void **state)
{
	struct machine *m = test_boot("mem=64M backing=private");
	unsigned long held;
	char *p;

	for (unsigned long align = P; align <= 1024 * P; align *= 2) {
		p = __vmalloc_node(3 * P, align, GFP_KERNEL, NUMA_NO_NODE, NULL);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p & (align - 1), 0);
		memset(p, 1, 3 * P);
		held = test_free_pages();
		vfree(p);
		assert_in_range(test_free_pages() - held, 3, 5);
	}
	held = test_free_pages();
	test_hear();
	assert_null(__vmalloc_node(3 * P, 2048 * P, GFP_KERNEL, NUMA_NO_NODE, NULL));
	expect_heard("vmalloc: no contiguous block of 3 pages so aligned, and backing=private");
	/* Tables may stay. */
	assert_in_range(held - test_free_pages(), 0, 3);
	test_shutdown(m, 0);
}

static void test_exhausted(void **state)
{
	struct machine *m = test_boot("preset=tiny-8M backing=private");
	unsigned long free = test_free_pages();
	void *held[3000];
	unsigned int nr = 0;

	while (nr < 3000 && (held[nr] = vmalloc(P + nr % 7 * P)))
		nr++;
	assert_in_range(nr, 50, 2999);
	while (nr)
		vfree(held[--nr]);
	vm_unmap_aliases();
	assert_in_range(test_free_pages(), free - 12, free);
	test_shutdown(m, 0);
}

#define SLOTS 64

static void test_random(void **state)
{
	struct machine *m = test_boot("mem=64M backing=private");
	struct {
		char *p;
		size_t size;
		uint64_t seed;
	} slots[SLOTS] = {0};
	uint64_t seed = 11;

	for (unsigned int step = 0; step < 4000; step++) {
		unsigned int i = (unsigned int)(test_rand(&seed) % SLOTS);

		if (slots[i].p) {
			assert_true(test_filled(slots[i].p, slots[i].size, slots[i].seed));
			assert_ptr_equal(find_vm_area(slots[i].p + slots[i].size - 1)->addr,
					 slots[i].p);
			vfree(slots[i].p);
			slots[i].p = NULL;
			continue;
		}
		slots[i].size = 1 + test_rand(&seed) % (20 * P);
		slots[i].seed = test_rand(&seed);
		slots[i].p = vmalloc(slots[i].size);
		assert_non_null(slots[i].p);
		test_fill(slots[i].p, slots[i].size, slots[i].seed);
	}
	for (unsigned int i = 0; i < SLOTS; i++)
		vfree(slots[i].p);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pointers),
		cmocka_unit_test(test_misuse),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_exhausted),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
