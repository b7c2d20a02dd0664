/* SPDX-License-Identifier: MIT */
/* src/vmalloc/kmap.c, kmap_local.c: addresses for pages of HIGHMEM. */
#include "vmalloc_test.h"

#include "lib/kernel.h"
#include "vmalloc/kmap.h"
#include "vmalloc/vmalloc.h"

#include <kmem/highmem.h>

#include <pthread.h>

#define MIB (1ul << 20)
#define MANY 1100

static struct machine *m;
static struct page *pages[MANY];

static void start(const char *machine)
{
	m = test_boot(machine);
	for (unsigned int i = 0; i < MANY; i++) {
		pages[i] = alloc_page(GFP_HIGHUSER);
		assert_int_equal(page_zonenum(pages[i]), KMEM_ZONE_HIGHMEM);
	}
}

static void finish(void)
{
	for (unsigned int i = 0; i < MANY; i++)
		__free_page(pages[i]);
	test_shutdown(m, 0);
}

/* The byte of RAM behind a page, whatever addresses it has. */
static char *ram_of(const struct page *page)
{
	return arch_kernel()->arch->ram + page_to_phys(page);
}

static uint64_t leaf_at(kva_t kva)
{
	unsigned int shift;

	return pgtable_lookup(&arch_kernel()->vmalloc->pgtable, kva, &shift);
}

static void kmap_on(const char *machine, kva_t base, uint64_t nx)
{
	char *p, *q;

	start(machine);
	assert_true(PageHighMem(pages[0]));
	assert_null(page_address(pages[0]));
	p = kmap(pages[0]);
	assert_non_null(p);
	/* The first entry is 1, and page_address() knows it. */
	assert_int_equal(ptr_to_kva(p), base + P);
	assert_ptr_equal(page_address(pages[0]), p);
	assert_ptr_equal(kmap_to_page(p + 5), pages[0]);
	assert_int_equal(leaf_at(base + P), page_to_phys(pages[0]) | 0x163 | nx);
	p[7] = 'x';
	assert_int_equal(ram_of(pages[0])[7], 'x');
	/* The same page again: the same address, until both are gone. */
	assert_ptr_equal(kmap(pages[0]), p);
	q = kmap(pages[1]);
	assert_int_equal(ptr_to_kva(q), base + 2 * P);
	kunmap(pages[0]);
	assert_ptr_equal(page_address(pages[0]), p);
	kunmap(pages[0]);
	/* Still there, to be flushed. */
	assert_ptr_equal(page_address(pages[0]), p);
	kmap_flush_unused();
	assert_null(page_address(pages[0]));
	assert_int_equal(leaf_at(base + P), 0);
	assert_false(host_readable(p));
	assert_true(host_readable(q));
	assert_ptr_equal(page_address(pages[1]), q);
	/* Round robin. */
	p = kmap(pages[0]);
	assert_int_equal(ptr_to_kva(p), base + 3 * P);
	kunmap(pages[0]);
	kunmap(pages[1]);
	finish();
}

/* Section 12: "kmap for HIGHMEM". */
static void test_x86_32_kmap_for_HIGHMEM(void **state)
{
	kmap_on("x86_32 mem=1G", 0xff000000, 0);
	kmap_on("x86_32_pae mem=1G", 0xff600000, X86_PTE_NX);
}

/* Entries are used again when all were; then those that are in use stay. */
static void test_round(void **state)
{
	char *first;

	start("x86_32 mem=1G");
	first = kmap(pages[0]);
	for (unsigned int i = 1; i < MANY; i++) {
		char *p = kmap(pages[i]);

		assert_non_null(p);
		*p = (char)i;
		assert_int_equal(*ram_of(pages[i]), (char)i);
		kunmap(pages[i]);
	}
	assert_ptr_equal(page_address(pages[0]), first);
	kunmap(pages[0]);
	finish();
}

static void test_exhausted(void **state)
{
	start("x86_32 mem=1G");
	for (unsigned int i = 0; i < 1024; i++)
		assert_non_null(kmap(pages[i]));
	assert_null(kmap(pages[1024]));
	expect_report(MACHINE_BUG, "kmap: all 1024 entries are in use");
	/* One that is mapped needs none. */
	assert_non_null(kmap(pages[5]));
	kunmap(pages[5]);
	kunmap(pages[700]);
	assert_non_null(kmap(pages[1024]));
	kunmap(pages[1024]);
	for (unsigned int i = 0; i < 1024; i++)
		if (i != 700)
			kunmap(pages[i]);
	finish();
}

static void *unmapper(void *arg)
{
	assert_int_equal(machine_enter(arg), 0);
	for (unsigned int i = 0; i < 1024; i++)
		kunmap(pages[i]);
	return NULL;
}

/* With another thread that may give one back, kmap() waits for it. */
static void test_waits(void **state)
{
	pthread_t thread;

	start("x86_32 mem=1G cpus=2");
	for (unsigned int i = 0; i < 1024; i++)
		assert_non_null(kmap(pages[i]));
	assert_int_equal(pthread_create(&thread, NULL, unmapper, m), 0);
	assert_non_null(kmap(pages[1024]));
	kunmap(pages[1024]);
	pthread_join(thread, NULL);
	finish();
}

static void test_misuse(void **state)
{
	struct page *low;
	int local;

	start("x86_32 mem=1G");
	low = alloc_page(GFP_KERNEL);
	kunmap(pages[0]);
	expect_report(MACHINE_BUG, "is not mapped by kmap()");
	assert_non_null(kmap(pages[0]));
	kunmap(pages[0]);
	kunmap(pages[0]);
	expect_report(MACHINE_BUG, "is not mapped by kmap()");
	irq_enter();
	assert_null(kmap(pages[0]));
	expect_report(MACHINE_BUG, "kmap: called in an interrupt");
	irq_exit();
	preempt_disable();
	assert_non_null(kmap(pages[0]));
	expect_report(MACHINE_WARN, "BUG: sleeping function called from invalid context at kmap");
	preempt_enable();
	kunmap(pages[0]);
	/* Low memory has its address and takes no entry. */
	assert_false(PageHighMem(low));
	assert_ptr_equal(kmap(low), page_address(low));
	kunmap(low);
	assert_ptr_equal(kmap_local_page(low), page_address(low));
	kunmap_local(page_address(low));
	assert_ptr_equal(kmap_to_page(page_address(low)), low);
	assert_null(kmap_to_page(&local));
	kunmap_local(&local);
	expect_report(MACHINE_BUG, "kunmap_local: ");
	__free_page(low);
	finish();
}

static void local_on(const char *machine)
{
	char *p[16];
	kva_t top;

	start(machine);
	for (unsigned int i = 0; i < 16; i++) {
		p[i] = kmap_local_page(pages[i]);
		assert_non_null(p[i]);
		p[i][9] = (char)(i + 1);
		assert_int_equal(ram_of(pages[i])[9], i + 1);
	}
	top = ptr_to_kva(p[0]);
	for (unsigned int i = 0; top && i < 16; i++)
		assert_int_equal(ptr_to_kva(p[i]), top - i * P);
	assert_null(kmap_local_page(pages[16]));
	expect_report(MACHINE_BUG, "kmap_local_page: all 16 windows of CPU 0 are in use");
	/* In reverse order, and in no other. */
	kunmap_local(p[3]);
	expect_report(MACHINE_BUG, "it is not the thread's last mapping");
	for (unsigned int i = 16; i--;)
		kunmap_local(p[i] + i);
	kunmap_local(p[0]);
	assert_int_equal(test_state.nr_reports, 1);
	test_state.nr_reports = 0;
	p[0] = kmap_atomic(pages[20]);
	assert_int_equal(preempt_count(), 1);
	p[1] = kmap_atomic(pages[21]);
	p[1][0] = 'y';
	assert_int_equal(*ram_of(pages[21]), 'y');
	kunmap_atomic(p[1]);
	kunmap_atomic(p[0]);
	assert_int_equal(preempt_count(), 0);
	expect_no_reports();
	finish();
}

static void test_local(void **state)
{
	local_on("x86_32 mem=1G");
	local_on("x86_32_pae mem=1G");
	local_on("x86_32 mem=1G backing=private");
}

/* Each CPU has its own; what the host shows is used again. */
static void test_local_cpus(void **state)
{
	char *p, *q;

	start("x86_32 mem=1G cpus=3");
	p = kmap_local_page(pages[0]);
	kunmap_local(p);
	assert_int_equal(leaf_at(ptr_to_kva(p)), 0);
	assert_ptr_equal(kmap_local_page(pages[0]), p);
	*p = 3;
	assert_int_equal(*ram_of(pages[0]), 3);
	kunmap_local(p);
	assert_ptr_equal(kmap_local_page(pages[1]), p);
	*p = 4;
	assert_int_equal(*ram_of(pages[1]), 4);
	assert_int_equal(*ram_of(pages[0]), 3);
	cpu_migrate(2);
	q = kmap_local_page(pages[2]);
	assert_int_equal(ptr_to_kva(p) - ptr_to_kva(q), 2 * 16 * P);
	kunmap_local(q);
	kunmap_local(p);
	finish();
}

static void test_private(void **state)
{
	char *p;

	start("x86_32 mem=1G backing=private");
	p = kmap(pages[0]);
	p[1] = 'z';
	assert_ptr_equal(p, ram_of(pages[0]));
	assert_ptr_equal(page_address(pages[0]), p);
	assert_ptr_equal(kmap_to_page(p), pages[0]);
	assert_int_equal(leaf_at(0xff001000), page_to_phys(pages[0]) | 0x163);
	kunmap(pages[0]);
	kmap_flush_unused();
	assert_null(page_address(pages[0]));
	finish();
}

/* 64-bit machines have no HIGHMEM. */
static void test_64(void **state)
{
	struct page *page;
	char *p;

	m = test_boot("mem=64M");
	page = alloc_page(GFP_HIGHUSER);
	assert_false(PageHighMem(page));
	p = page_address(page);
	assert_ptr_equal(kmap(page), p);
	kunmap(page);
	assert_ptr_equal(kmap_local_page(page), p);
	kunmap_local(p);
	assert_ptr_equal(kmap_atomic(page), p);
	kunmap_atomic(p);
	assert_ptr_equal(kmap_to_page(p), page);
	kmap_flush_unused();
	__free_page(page);
	test_shutdown(m, 0);
}

static void test_leaks(void **state)
{
	start("x86_32 mem=1G");
	assert_non_null(kmap(pages[0]));
	assert_non_null(kmap_local_page(pages[1]));
	for (unsigned int i = 0; i < MANY; i++)
		__free_page(pages[i]);
	assert_int_equal(machine_shutdown(m), 2);
	assert_int_equal(test_state.nr_reports, 2);
	assert_non_null(strstr(test_state.reports[0].title, "kmap: the page of frame 0x"));
	assert_non_null(strstr(test_state.reports[1].title, "kmap_local_page: the page of frame"));
	test_state.nr_reports = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_x86_32_kmap_for_HIGHMEM),
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_exhausted),
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_misuse),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_local_cpus),
		cmocka_unit_test(test_private),
		cmocka_unit_test(test_64),
		cmocka_unit_test(test_leaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
