/* SPDX-License-Identifier: MIT */
/* src/vmalloc/vmalloc.c, vm_query.c: what vmalloc()'s relatives ask for, and reading areas. */
#include "vmalloc_test.h"

#include "lib/kernel.h"
#include "vmalloc/vmalloc.h"

#include <kmem/highmem.h>
#include <pthread.h>

#define MIB (1ul << 20)

/* Pages that hold something, free again. */
static void dirty_pages(void)
{
	char *p = vmalloc(256 * P);

	memset(p, 0x77, 256 * P);
	vfree(p);
}

static void test_words(void **state)
{
	struct machine *m = test_boot("numa-2 mem=256M");
	char *p;

	dirty_pages();
	p = vmalloc_user(5 * P);
	assert_true(test_all_zero(p, 5 * P));
	assert_int_equal(find_vm_area(p)->flags, VM_ALLOC | VM_USERMAP);
	vfree(p);
	for (int node = 0; node < 2; node++) {
		p = vmalloc_node(20 * P, node);
		for (unsigned int i = 0; i < 20; i++)
			assert_int_equal(page_to_nid(vmalloc_to_page(p + i * P)), node);
		vfree(p);
		p = vzalloc_node(20 * P, node);
		assert_true(test_all_zero(p, 20 * P));
		assert_int_equal(page_to_nid(vmalloc_to_page(p)), node);
		vfree(p);
	}
	p = __vmalloc(3 * P, GFP_KERNEL | __GFP_ZERO);
	assert_true(test_all_zero(p, 3 * P));
	vfree(p);
	p = __vmalloc(P, GFP_KERNEL | GFP_DMA);
	assert_int_equal(page_zonenum(vmalloc_to_page(p)), KMEM_ZONE_DMA);
	vfree(p);
	p = vcalloc(100, 1000);
	assert_true(test_all_zero(p, 100000));
	assert_int_equal(find_vm_area(p)->nr_pages, 25);
	vfree(p);
	p = vmalloc_array(3, P);
	assert_int_equal(find_vm_area(p)->nr_pages, 3);
	vfree(p);
	p = __vmalloc_array(3, P, GFP_KERNEL);
	vfree(p);
	assert_null(vcalloc(SIZE_MAX / 2, 3));
	assert_null(vmalloc_array(SIZE_MAX / 2, 3));
	assert_null(__vmalloc_array(SIZE_MAX / 2, 3, GFP_KERNEL));
	assert_int_equal(vmalloc_nr_pages(), 0);
	p = vmalloc(7 * P);
	assert_int_equal(vmalloc_nr_pages(), 7);
	vfree_atomic(p);
	vfree_atomic(NULL);
	assert_int_equal(vmalloc_nr_pages(), 7);
	vm_unmap_aliases();
	assert_int_equal(vmalloc_nr_pages(), 0);
	test_shutdown(m, 0);
}

static void test_vmalloc_32(void **state)
{
	struct machine *m = test_boot("x86_64 mem=6G");
	char *p = vmalloc(P);

	assert_int_equal(page_zonenum(vmalloc_to_page(p)), KMEM_ZONE_NORMAL);
	vfree(p);
	p = vmalloc_32(10 * P);
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(page_zonenum(vmalloc_to_page(p + i * P)), KMEM_ZONE_DMA32);
	vfree(p);
	p = vmalloc_32_user(P);
	assert_int_equal(page_zonenum(vmalloc_to_page(p)), KMEM_ZONE_DMA32);
	assert_int_equal(find_vm_area(p)->flags, VM_ALLOC | VM_USERMAP);
	vfree(p);
	test_shutdown(m, 0);
}

/* Section 12: "on x86_32 vmalloc takes HIGHMEM pages first, lowmem only when there is none; kmalloc
 * and slabs stay in lowmem". */
static void test_x86_32_vmalloc_takes_HIGHMEM_first(void **state)
{
	struct machine *m = test_boot("x86_32 ram=1M-912M reserved=911M-912M");
	struct page *page, **taken = calloc(8192, sizeof(*taken));
	char *p = vmalloc(5 * P), *low;
	unsigned int nr = 0;
	void *object;

	for (unsigned int i = 0; i < 5; i++)
		assert_int_equal(page_zonenum(vmalloc_to_page(p + i * P)), KMEM_ZONE_HIGHMEM);
	assert_null(page_address(vmalloc_to_page(p)));
	memset(p, 3, 5 * P);
	low = vmalloc_32(P);
	assert_int_equal(page_zonenum(vmalloc_to_page(low)), KMEM_ZONE_NORMAL);
	object = kmalloc(100, GFP_KERNEL);
	assert_int_equal(page_zonenum(virt_to_page(object)), KMEM_ZONE_NORMAL);
	kfree(object);
	object = kmalloc(64 << 10, GFP_KERNEL);
	assert_int_equal(page_zonenum(virt_to_page(object)), KMEM_ZONE_NORMAL);
	kfree(object);
	vfree(low);
	/* Take what is left of HIGHMEM. */
	while ((page = alloc_page(GFP_HIGHUSER)) && page_zonenum(page) == KMEM_ZONE_HIGHMEM)
		taken[nr++] = page;
	low = vmalloc(P);
	assert_int_equal(page_zonenum(vmalloc_to_page(low)), KMEM_ZONE_NORMAL);
	vfree(low);
	__free_page(page);
	while (nr)
		__free_page(taken[--nr]);
	free(taken);
	vfree(p);
	test_shutdown(m, 0);
}

/* Section 12: "vmalloc is contiguous only virtually, costs page-table updates, is meant for large
 * buffers and may not be called in interrupt context". */
static void test_vmalloc_is_contiguous_only_virtually(void **state)
{
	struct machine *m = test_boot("mem=64M");
	struct page *holes[64];
	char *p, *big;
	unsigned int breaks = 0;

	/* Every second page free: no two frames of the area are neighbours. */
	p = vmalloc(64 * P);
	for (unsigned int i = 0; i < 64; i++)
		holes[i] = alloc_page(GFP_KERNEL);
	vfree(p);
	for (unsigned int i = 0; i < 64; i += 2)
		__free_page(holes[i]);
	p = vmalloc(64 * P);
	for (unsigned int i = 1; i < 64; i++)
		breaks += vmalloc_to_pfn(p + i * P) != vmalloc_to_pfn(p + (i - 1) * P) + 1;
	assert_true(breaks > 0);
	/* More than kmalloc can give. */
	assert_null(kmalloc(16 * MIB, GFP_KERNEL | __GFP_NOWARN));
	big = vmalloc(16 * MIB);
	assert_non_null(big);
	vfree(big);
	vfree(p);
	for (unsigned int i = 1; i < 64; i += 2)
		__free_page(holes[i]);
	irq_enter();
	assert_null(vmalloc(P));
	expect_report(MACHINE_BUG, "vmalloc: called in an interrupt");
	irq_exit();
	test_shutdown(m, 0);
}

static unsigned int page_shift_at(const void *p)
{
	unsigned int shift = 0;

	pgtable_lookup(&arch_kernel()->vmalloc->pgtable, ptr_to_kva(p), &shift);
	return shift;
}

static void test_huge(void **state)
{
	struct machine *m = test_boot("mem=64M");
	char *p = vmalloc_huge(5 * MIB, GFP_KERNEL | __GFP_ZERO);
	const struct vm_struct *vm = find_vm_area(p);

	assert_int_equal(vm->page_order, 9);
	assert_int_equal(vm->nr_pages, 3 * 512);
	assert_int_equal(vm->size, 6 * MIB + P);
	assert_int_equal(ptr_to_kva(p) & (2 * MIB - 1), 0);
	for (unsigned long i = 0; i < 6 * MIB; i += MIB)
		assert_int_equal(page_shift_at(p + i), 21);
	assert_true(test_all_zero(p, 6 * MIB));
	check_area(p, 6 * MIB, 3);
	vfree(p);
	vm_unmap_aliases();
	/* Where small pages were, their table stays, and it works. */
	p = vmalloc(P);
	vfree(p);
	vm_unmap_aliases();
	p = vmalloc_huge(2 * MIB, GFP_KERNEL);
	check_area(p, 2 * MIB, 4);
	vfree(p);
	p = vmalloc_huge(MIB, GFP_KERNEL);
	assert_int_equal(find_vm_area(p)->page_order, 0);
	vfree(p);
	p = kvmalloc(6 * MIB, GFP_KERNEL);
	assert_int_equal(find_vm_area(p)->page_order, 9);
	kvfree(p);
	test_shutdown(m, 0);
	m = test_boot("x86_32_pae mem=64M");
	p = vmalloc_huge(4 * MIB, GFP_KERNEL);
	assert_int_equal(find_vm_area(p)->page_order, 0);
	vfree(p);
	test_shutdown(m, 0);
}

static void test_node_range(void **state)
{
	struct machine *m = test_boot("mem=64M");
	unsigned long start = VMALLOC_START + 16 * MIB, end = start + MIB;
	char *p = __vmalloc_node_range(3 * P, 64 << 10, start + P, end, GFP_KERNEL, PAGE_KERNEL_RO,
				       VM_USERMAP, NUMA_NO_NODE, NULL);
	char *q;

	assert_int_equal((unsigned long)(uintptr_t)p, start + (64 << 10));
	assert_false(host_writable(p));
	assert_true(host_readable(p));
	/* What is left of the range. */
	assert_null(__vmalloc_node_range(MIB, 1, start, end, GFP_KERNEL | __GFP_NOWARN, PAGE_KERNEL,
					 0, NUMA_NO_NODE, NULL));
	q = __vmalloc_node_range(MIB - (64 << 10) - 5 * P, 1, start, end, GFP_KERNEL, PAGE_KERNEL, 0,
				 NUMA_NO_NODE, NULL);
	assert_int_equal((unsigned long)(uintptr_t)q, start + (64 << 10) + 4 * P);
	vfree(q);
	vfree(p);
	p = __vmalloc_node(P, MIB, GFP_KERNEL, 0, NULL);
	assert_int_equal(ptr_to_kva(p) & (MIB - 1), 0);
	vfree(p);
	expect_no_reports();
	assert_null(__vmalloc_node_range(P, 3, start, end, GFP_KERNEL, PAGE_KERNEL, 0, 0, NULL));
	expect_report(MACHINE_WARN, "no power of two");
	assert_null(__vmalloc_node_range(P, 1, start, end, GFP_KERNEL, PAGE_KERNEL, VM_IOREMAP, 0,
					 NULL));
	expect_report(MACHINE_WARN, "unknown flags");
	assert_null(__vmalloc_node_range(P, 1, start, end, GFP_KERNEL, 0, 0, 0, NULL));
	expect_report(MACHINE_WARN, "no protection");
	assert_null(__vmalloc_node_range(P, 1, 4096, end, GFP_KERNEL, PAGE_KERNEL, 0, 0, NULL));
	expect_report(MACHINE_WARN, "does not lie in the vmalloc region");
	test_shutdown(m, 0);
}

static void test_put_pages(void **state)
{
	struct machine *m = test_boot("mem=64M");
	unsigned long before = test_free_pages();
	struct page **pages = kvmalloc(600 * sizeof(*pages), GFP_KERNEL | __GFP_ZERO);
	char *p;

	assert_int_equal(alloc_pages_bulk_array(GFP_KERNEL, 600, pages), 600);
	p = vmap(pages, 600, VM_MAP | VM_MAP_PUT_PAGES, PAGE_KERNEL);
	assert_int_equal(vmalloc_nr_pages(), 600 + (is_vmalloc_addr(pages) ? 2 : 0));
	vunmap(p);
	expect_report(MACHINE_WARN, "that is vfree()'s");
	vfree(p);
	vm_unmap_aliases();
	/* Tables and structures of the first area stay. */
	assert_true(before - test_free_pages() < 16);
	test_shutdown(m, 0);
}

static void test_vread(void **state)
{
	struct machine *m = test_boot("mem=64M");
	char *p = vmalloc(2 * P), *q = vmalloc(P), buf[8 * P];

	memset(p, 1, 2 * P);
	memset(q, 2, P);
	memset(buf, 9, sizeof(buf));
	/* Across guard pages, from the middle of one area to behind the last. */
	assert_int_equal(vread(buf, p + P + 5, 4 * P), 4 * P);
	assert_int_equal(buf[0], 1);
	assert_int_equal(buf[P - 6], 1);
	assert_int_equal(buf[P - 5], 0);
	assert_int_equal(buf[2 * P - 5], 2);
	assert_int_equal(buf[3 * P - 6], 2);
	assert_int_equal(buf[3 * P - 5], 0);
	assert_int_equal(buf[4 * P - 1], 0);
	assert_int_equal(buf[4 * P], 9);
	assert_int_equal(vread(buf, p + 2 * P, P), 0);
	assert_int_equal(vread(buf, q + 100 * P, P), 0);
	assert_int_equal(vread(buf, buf, P), 0);
	assert_int_equal(vread(buf, p, 0), 0);
	vfree(p);
	vfree(q);
	test_shutdown(m, 0);
}

static void test_copy_range(void **state)
{
	struct machine *m = test_boot("mem=64M");
	char *p = vmalloc_user(3 * P), *plain = vmalloc(P), buf[3 * P];

	test_hear();
	for (unsigned int i = 0; i < 3; i++)
		memset(p + i * P, (int)i + 1, P);
	assert_int_equal(copy_vmalloc_range(buf, p, 2 * P, 1), 0);
	assert_int_equal(buf[0], 2);
	assert_int_equal(buf[2 * P - 1], 3);
	assert_int_equal(copy_vmalloc_range(buf, p, 3 * P, 1), -EINVAL);
	expect_heard("beyond the area");
	assert_int_equal(copy_vmalloc_range(buf, p, 1, ULONG_MAX), -EINVAL);
	assert_int_equal(copy_vmalloc_range(buf, p + P, P, 0), -EINVAL);
	expect_heard("no area starts there");
	assert_int_equal(copy_vmalloc_range(buf, plain, P, 0), -EINVAL);
	expect_heard("not made by vmalloc_user()");
	vfree(p);
	vfree(plain);
	test_shutdown(m, 0);
}

/* The region is full: the line says what would help, and nothing is lost. */
static void test_region_full(void **state)
{
	struct machine *m = test_boot("x86_32 mem=1G");
	unsigned long total = VMALLOC_END - VMALLOC_START, pages;
	char *p, *q;

	p = vmalloc(total / 2);
	assert_non_null(p);
	pages = vmalloc_nr_pages();
	test_hear();
	assert_null(vmalloc(total / 2));
	expect_heard("use vmalloc=<size> to increase size");
	assert_int_equal(vmalloc_nr_pages(), pages);
	q = vmalloc(total / 4);
	vfree(p);
	/* The purge that this needs comes by itself. */
	p = vmalloc(total / 2);
	assert_non_null(p);
	vfree(p);
	vfree(q);
	test_shutdown(m, 0);
}

/* vmalloc=SIZE on x86_32: low memory ends lower, the region is that large, and can be filled. */
static void check_vmalloc_size(const char *machine, unsigned long size)
{
	struct machine *m = test_boot(machine);
	unsigned long low = 4096; /* zone DMA: below are holes */
	char *p, *last;

	while (pfn_to_page(low) && !PageHighMem(pfn_to_page(low)))
		low++;
	assert_non_null(pfn_to_page(low));
	assert_int_equal(VMALLOC_END - VMALLOC_START, size);
	/* Between low memory and it there is the hole alone. */
	assert_int_equal(window_kva(arch_kernel(), (void *)(uintptr_t)VMALLOC_START),
			 0xc0000000 + low * P + 8 * MIB);
	p = vmalloc(size - P);
	assert_non_null(p);
	last = p + size - P - 1;
	*last = 2;
	assert_int_equal(walk_to(ptr_to_kva(last), MMU_WRITE),
			 page_to_phys(vmalloc_to_page(last)) + P - 1);
	test_hear();
	assert_null(vmalloc(1));
	expect_heard("use vmalloc=<size> to increase size");
	vfree(p);
	assert_null(vmalloc(size));
	test_shutdown(m, 0);
}

static void test_vmalloc_size_on_x86_32(void **state)
{
	check_vmalloc_size("x86_32 mem=1G isolate_metadata=1", 120 * MIB);
	check_vmalloc_size("x86_32 mem=1G isolate_metadata=1 cmdline=vmalloc=256M", 256 * MIB);
	check_vmalloc_size("x86_32_pae mem=1G isolate_metadata=1 cmdline=vmalloc=0200M", 200 * MIB);
	/* Less than the usual 128 MiB: more low memory. */
	check_vmalloc_size("x86_32 mem=1G isolate_metadata=1 cmdline=vmalloc=32M", 32 * MIB);
}

/* No pages: the panic comes once, and a handler that goes on gets NULL, however many threads there are. */
static void *idle(void *arg)
{
	while (!__atomic_load_n((bool *)arg, __ATOMIC_ACQUIRE))
		usleep(1000);
	return NULL;
}

static void test_nofail_without_pages(void **state)
{
	struct machine *m = test_boot("preset=tiny-8M");
	unsigned long size = (totalram_pages() - 1) * P;
	bool stop = false;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, idle, &stop), 0);
	assert_null(__vmalloc(size, GFP_KERNEL | __GFP_NOFAIL));
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	assert_int_equal(test_state.nr_reports, 1);
	assert_int_equal(test_state.reports[0].kind, MACHINE_PANIC);
	test_state.nr_reports = 0;
	test_shutdown(m, 0);
}

/* With __GFP_NOFAIL: again and again, as long as somebody could make room. */
static void *free_later_fn(void *arg)
{
	machine_enter(((void **)arg)[0]);
	/* The other thread is in vmalloc() by then, or comes too late for this to matter. */
	usleep(20000);
	vfree(((void **)arg)[1]);
	return NULL;
}

static void test_nofail_waits_for_room(void **state)
{
	struct machine *m = test_boot("x86_32 mem=1G isolate_metadata=1");
	void *args[2] = {m, vmalloc(100 * MIB)}, *p;
	pthread_t thread;

	assert_non_null(args[1]);
	test_hear();
	assert_null(__vmalloc(60 * MIB, GFP_KERNEL | __GFP_NOFAIL));
	expect_heard("vmalloc error: size 62914560, vm_struct allocation failed. Retrying.");
	expect_report(MACHINE_BUG, "vmalloc: no room for 62914560 bytes with __GFP_NOFAIL");
	assert_int_equal(pthread_create(&thread, NULL, free_later_fn, args), 0);
	p = __vmalloc(60 * MIB, GFP_KERNEL | __GFP_NOFAIL);
	assert_non_null(p);
	pthread_join(thread, NULL);
	/* More than the whole region: nobody can make room for that. */
	assert_null(__vmalloc(200 * MIB, GFP_KERNEL | __GFP_NOFAIL));
	assert_null(__vmalloc_node(1, 1ul << 31, GFP_KERNEL | __GFP_NOFAIL, NUMA_NO_NODE, NULL));
	vfree(p);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		wide_unit_test(test_vmalloc_32),
		cmocka_unit_test(test_x86_32_vmalloc_takes_HIGHMEM_first),
		cmocka_unit_test(test_vmalloc_is_contiguous_only_virtually),
		cmocka_unit_test(test_huge),
		cmocka_unit_test(test_node_range),
		cmocka_unit_test(test_put_pages),
		cmocka_unit_test(test_vread),
		cmocka_unit_test(test_copy_range),
		cmocka_unit_test(test_region_full),
		cmocka_unit_test(test_vmalloc_size_on_x86_32),
		cmocka_unit_test(test_nofail_waits_for_room),
		cmocka_unit_test(test_nofail_without_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
