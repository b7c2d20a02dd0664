/* SPDX-License-Identifier: MIT */
/* The MMU as a program uses it: on a booted machine, beside the allocators. */
#include "conformance.h"

#include <errno.h>

#define USER_VA 0x7f0000001000

/* 4-level tables of the program's own in pages it allocated, for one 4 KiB page at USER_VA. */
struct tables {
	struct page *pages[4];
	struct mmu_regs kernel, own;
};

static uint64_t entry_of(struct page *page, kva_t va, unsigned int shift, uint64_t value)
{
	phys_addr_t at = page_to_phys(page) + (va >> shift & 511) * 8;
	uint64_t old = 0;

	assert_int_equal(mmu_phys_read(at, &old, 8), 0);
	assert_int_equal(mmu_phys_write(at, &value, 8), 0);
	return old;
}

static void tables_make(struct tables *t, struct page *target)
{
	const uint64_t flags = X86_PTE_P | X86_PTE_RW | X86_PTE_US;

	for (unsigned int i = 0; i < 4; i++) {
		t->pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		assert_non_null(t->pages[i]);
	}
	entry_of(t->pages[0], USER_VA, X86_PGD_SHIFT, page_to_phys(t->pages[1]) | flags);
	entry_of(t->pages[1], USER_VA, X86_PUD_SHIFT, page_to_phys(t->pages[2]) | flags);
	entry_of(t->pages[2], USER_VA, X86_PMD_SHIFT, page_to_phys(t->pages[3]) | flags);
	if (target)
		entry_of(t->pages[3], USER_VA, X86_PTE_SHIFT, page_to_phys(target) | flags);
	assert_int_equal(mmu_get_regs(&t->kernel), 0);
	t->own = t->kernel;
	t->own.cr3 = page_to_phys(t->pages[0]);
}

static void tables_free(struct tables *t)
{
	assert_int_equal(mmu_set_regs(&t->kernel), 0);
	for (unsigned int i = 0; i < 4; i++)
		__free_page(t->pages[i]);
}

static void test_objects_through_the_mmu(void **state)
{
	struct machine *m = test_boot(PLAIN);
	char *p = kmalloc(64, GFP_KERNEL);
	struct mmu_outcome out;
	struct mmu_counters before, after;
	char buf[16] = {0};

	strcpy(p, "an object");
	assert_int_equal(mmu_get_counters(0, &before), 0);
	assert_int_equal(mmu_read(ptr_to_kva(p), buf, sizeof(buf), 0, &out), 0);
	assert_string_equal(buf, "an object");
	assert_int_equal(out.phys[0], __pa((unsigned long)p));
	assert_int_equal(mmu_write(ptr_to_kva(p) + 3, "tool", 4, 0, &out), 0);
	assert_string_equal(p, "an toolct");
	assert_int_equal(mmu_get_counters(0, &after), 0);
	assert_int_equal(after.misses, before.misses + 1);
	assert_int_equal(after.hits_large, before.hits_large + 1);
	/* The direct map holds no instructions, and is the kernel's. */
	assert_int_equal(mmu_fetch(ptr_to_kva(p), buf, 1, 0, &out), -EFAULT);
	assert_int_equal(out.error_code, X86_PF_PROT | X86_PF_INSTR);
	assert_int_equal(mmu_read(ptr_to_kva(p), buf, 1, MMU_USER, &out), -EFAULT);
	assert_int_equal(out.error_code, X86_PF_PROT | X86_PF_USER);
	assert_int_equal(mmu_get_cr2(), ptr_to_kva(p));
	kfree(p);
	test_shutdown(m, 0);
}

static void test_own_tables(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct page *a = alloc_page(GFP_KERNEL | __GFP_ZERO), *b = alloc_page(GFP_KERNEL | __GFP_ZERO);
	struct mmu_tlb_translation tr;
	struct tables t;
	char c = 1;

	tables_make(&t, a);
	*(char *)page_address(a) = 'a';
	*(char *)page_address(b) = 'b';
	assert_int_equal(mmu_set_regs(&t.own), 0);
	assert_int_equal(mmu_fetch(USER_VA, &c, 1, MMU_USER, NULL), 0);
	assert_int_equal(c, 'a');
	assert_int_equal(mmu_tlb_peek(USER_VA, &tr), 1);
	assert_int_equal(tr.phys, page_to_phys(a));
	/* A missed invalidation is seen. */
	entry_of(t.pages[3], USER_VA, X86_PTE_SHIFT, page_to_phys(b) | X86_PTE_P | X86_PTE_US);
	mmu_read(USER_VA, &c, 1, MMU_USER, NULL);
	assert_int_equal(c, 'a');
	assert_int_equal(mmu_invlpg(USER_VA), 0);
	mmu_read(USER_VA, &c, 1, MMU_USER, NULL);
	assert_int_equal(c, 'b');
	assert_int_equal(mmu_invpcid(X86_INVPCID_SINGLE, 0, 0), 0);
	assert_int_equal(mmu_tlb_peek(USER_VA, &tr), 0);
	mmu_read(USER_VA, &c, 1, MMU_USER, NULL);
	assert_int_equal(mmu_load_cr3(t.own.cr3), 0);
	assert_int_equal(mmu_tlb_peek(USER_VA, &tr), 0);
	mmu_read(USER_VA, &c, 1, MMU_USER, NULL);
	assert_int_equal(mmu_shootdown(USER_VA, USER_VA + 1), 0);
	assert_int_equal(mmu_tlb_peek(USER_VA, &tr), 0);
	tables_free(&t);
	__free_page(a);
	__free_page(b);
	test_shutdown(m, 0);
}

struct demand {
	struct page *page;
	struct tables tables;
};

static bool give_a_page(const struct mmu_page_fault *fault, void *arg)
{
	struct demand *d = arg;

	if (fault->error_code & X86_PF_PROT || d->page)
		return false;
	d->page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!d->page)
		return false;
	entry_of(d->tables.pages[3], fault->address, X86_PTE_SHIFT,
		 page_to_phys(d->page) | X86_PTE_P | X86_PTE_RW | X86_PTE_US);
	return true;
}

/* The handler allocates: a page comes when it is first touched. */
static void test_page_on_demand(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct demand d = {0};
	char c;

	tables_make(&d.tables, NULL);
	assert_int_equal(mmu_set_regs(&d.tables.own), 0);
	assert_int_equal(mmu_write(USER_VA + 7, "x", 1, MMU_USER, NULL), -EFAULT);
	assert_int_equal(mmu_set_fault_handler(give_a_page, &d), 0);
	assert_int_equal(mmu_write(USER_VA + 7, "x", 1, MMU_USER, NULL), 0);
	assert_int_equal(((char *)page_address(d.page))[7], 'x');
	assert_int_equal(mmu_read(USER_VA + PAGE_SIZE, &c, 1, MMU_USER, NULL), -EFAULT);
	assert_int_equal(mmu_set_fault_handler(NULL, NULL), 0);
	tables_free(&d.tables);
	__free_page(d.page);
	test_shutdown(m, 0);
}

/* vfree() takes a page out of the tables and flushes no TLB: that comes with the purge, and only then
 * is the address used again. */
static void test_vfree_flushes_late(void **state)
{
	struct machine *m = test_boot(TWO_CPUS);
	char *p = vmalloc(PAGE_SIZE);
	kva_t va = ptr_to_kva(p);
	struct mmu_walk_result walk;
	struct mmu_outcome out;
	char c = 0;

	*p = 'v';
	for (int cpu = 1; cpu >= 0; cpu--) {
		assert_int_equal(cpu_migrate((unsigned int)cpu), 0);
		assert_int_equal(mmu_read(va, &c, 1, 0, NULL), 0);
		assert_int_equal(c, 'v');
	}
	vfree(p);
	assert_int_equal(mmu_walk(va, MMU_READ, &walk), -EFAULT);
	assert_int_equal(mmu_read(va, &c, 1, 0, NULL), 0);
	vm_unmap_aliases();
	for (unsigned int cpu = 0; cpu < 2; cpu++) {
		assert_int_equal(cpu_migrate(cpu), 0);
		assert_int_equal(mmu_read(va, &c, 1, 0, &out), -EFAULT);
		assert_int_equal(out.error_code, 0);
	}
	test_shutdown(m, 0);
}

static void test_physical_memory(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct page *page = alloc_page(GFP_KERNEL);
	uint64_t value = 0x1234;

	assert_int_equal(mmu_phys_write(page_to_phys(page) + 16, &value, 8), 0);
	assert_int_equal(((uint64_t *)page_address(page))[2], 0x1234);
	assert_int_equal(mmu_phys_clear(page_to_phys(page), PAGE_SIZE), 0);
	assert_int_equal(mmu_phys_read(page_to_phys(page) + 16, &value, 8), 0);
	assert_int_equal(value, 0);
	__free_page(page);
	test_shutdown(m, 0);
}

static void test_mmu_misuse(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct mmu_tlb_translation tr;
	static const struct mmu_regs off;
	struct mmu_counters counters;
	struct mmu_outcome out;
	struct mmu_regs regs;
	kva_t bad = 1ull << 50;
	char c = 0;

	assert_int_equal(mmu_read(bad, &c, 1, 0, &out), -EFAULT);
	assert_int_equal(out.trap, X86_TRAP_GP);
	assert_int_equal(mmu_read(0, &c, 1, MMU_FETCH, &out), -EINVAL);
	assert_int_equal(mmu_write(bad, &c, 1, 0, &out), -EFAULT);
	assert_int_equal(mmu_write(0, &c, 1, 1u << 20, &out), -EINVAL);
	assert_int_equal(mmu_fetch(bad, &c, 1, 0, &out), -EFAULT);
	assert_int_equal(mmu_set_regs(&off), -EOPNOTSUPP);
	assert_int_equal(mmu_load_cr3(1ull << 60), -EFAULT);
	assert_int_equal(mmu_invpcid(7, 0, 0), -EFAULT);
	assert_int_equal(mmu_invpcid(X86_INVPCID_ADDR, 0, bad), -EFAULT);
	assert_int_equal(mmu_invlpg(bad), 0);
	assert_int_equal(mmu_shootdown(bad, 0), 0);
	assert_int_equal(mmu_tlb_peek(bad, &tr), 0);
	assert_int_equal(mmu_get_counters(1000, &counters), -EINVAL);
	assert_int_equal(mmu_phys_read(1ull << 45, &c, 1), -EFAULT);
	assert_int_equal(mmu_phys_write(1ull << 45, &c, 1), -EFAULT);
	assert_int_equal(mmu_phys_clear(1, PAGE_SIZE), -EINVAL);
	assert_int_equal(mmu_phys_clear(1ull << 45, PAGE_SIZE), -EFAULT);
	/* None of it changed anything. */
	assert_int_equal(mmu_get_regs(&regs), 0);
	assert_int_equal(mmu_read(ptr_to_kva(page_address(pfn_to_page(4096))), &c, 1, 0, NULL), 0);
	expect_no_reports();
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_objects_through_the_mmu),
	cmocka_unit_test(test_own_tables),
	cmocka_unit_test(test_page_on_demand),
	cmocka_unit_test(test_vfree_flushes_late),
	cmocka_unit_test(test_physical_memory),
	cmocka_unit_test(test_mmu_misuse),
};

TEST_GROUP(mmu, tests);
