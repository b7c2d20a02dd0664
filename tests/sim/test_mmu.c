/* SPDX-License-Identifier: MIT */
/* src/sim/mmu.c, mmu_translate.c: registers, what each invalidation takes away and leaves, counters,
 * other CPUs. */
#include "mmu_test.h"

#include <pthread.h>
#include <unistd.h>

#define VA 0x40000000u
#define PHYS 0x200000u
#define ROOT2 (ROOT + PAGE_SIZE)

/* Page @n of physical memory holds its own number. */
static uint64_t page(unsigned int n)
{
	*word_at(PHYS + n * PAGE_SIZE) = n;
	return (PHYS + n * PAGE_SIZE) | TABLE;
}

static void test_stale_until_invlpg(void **state)
{
	map(VA, page(1));
	map(VA + PAGE_SIZE, page(2));
	assert_int_equal(read8(VA), 1);
	assert_int_equal(read8(VA + PAGE_SIZE), 2);
	map(VA, page(3));
	map(VA + PAGE_SIZE, page(4));
	assert_int_equal(read8(VA), 1);
	assert_int_equal(mmu_invlpg(VA + 123), 0);
	assert_int_equal(read8(VA), 3);
	assert_int_equal(read8(VA + PAGE_SIZE), 2);
	assert_int_equal(mmu_load_cr3(ROOT), 0);
	assert_int_equal(read8(VA + PAGE_SIZE), 4);
}

static void test_global(void **state)
{
	struct mmu_regs regs = kernel_regs;

	map(VA, page(1) | X86_PTE_G);
	assert_int_equal(read8(VA), 1);
	map(VA, page(2) | X86_PTE_G);
	assert_int_equal(mmu_load_cr3(ROOT), 0);
	assert_int_equal(read8(VA), 1);
	assert_int_equal(mmu_invpcid(X86_INVPCID_ALL, 0, 0), 0);
	assert_int_equal(mmu_invpcid(X86_INVPCID_SINGLE, 0, 0), 0);
	assert_int_equal(mmu_invpcid(X86_INVPCID_ADDR, 0, VA), 0);
	assert_int_equal(read8(VA), 1);
	assert_int_equal(mmu_invpcid(X86_INVPCID_ALL_GLOBAL, 0, 0), 0);
	assert_int_equal(read8(VA), 2);
	/* A change of CR4.PGE takes them along; while it is off there are none. */
	map(VA, page(3) | X86_PTE_G);
	regs.cr4 &= ~X86_CR4_PGE;
	assert_int_equal(mmu_set_regs(&regs), 0);
	assert_int_equal(read8(VA), 3);
	map(VA, page(4) | X86_PTE_G);
	assert_int_equal(mmu_load_cr3(ROOT), 0);
	assert_int_equal(read8(VA), 4);
}

static void test_pcid(void **state)
{
	struct mmu_regs regs = kernel_regs;

	regs.cr4 |= X86_CR4_PCIDE;
	map_in(ROOT, VA, page(1));
	map_in(ROOT2, VA, page(2));
	assert_int_equal(mmu_set_regs(&regs), 0);
	assert_int_equal(mmu_load_cr3(ROOT | 5), 0);
	assert_int_equal(read8(VA), 1);
	assert_int_equal(mmu_load_cr3(ROOT2 | 6), 0);
	assert_int_equal(read8(VA), 2);
	map_in(ROOT, VA, page(3));
	map_in(ROOT2, VA, page(4));
	assert_int_equal(mmu_load_cr3(ROOT | 5 | X86_CR3_NOFLUSH), 0);
	assert_int_equal(read8(VA), 1);
	assert_int_equal(mmu_load_cr3(ROOT2 | 6), 0);
	assert_int_equal(read8(VA), 4);
	/* That load took what was of PCID 6 alone. */
	assert_int_equal(mmu_load_cr3(ROOT | 5 | X86_CR3_NOFLUSH), 0);
	assert_int_equal(read8(VA), 1);
	map_in(ROOT2, VA, page(7));
	assert_int_equal(mmu_invpcid(X86_INVPCID_ADDR, 6, VA), 0);
	assert_int_equal(mmu_load_cr3(ROOT2 | 6 | X86_CR3_NOFLUSH), 0);
	assert_int_equal(read8(VA), 7);
	assert_int_equal(mmu_load_cr3(ROOT | 5 | X86_CR3_NOFLUSH), 0);
	assert_int_equal(read8(VA), 1);
	assert_int_equal(mmu_invpcid(X86_INVPCID_SINGLE, 5, 0), 0);
	assert_int_equal(read8(VA), 3);
}

/* CR4.PCIDE becomes 1 while CR3's bits 11…0 are 0: before CR3 changes, or after. */
static void test_pcide_begins(void **state)
{
	struct mmu_regs plain = kernel_regs, pcide = kernel_regs, now;

	plain.cr3 = ROOT | X86_PTE_PWT;
	pcide.cr3 = ROOT2 | 5;
	pcide.cr4 |= X86_CR4_PCIDE;
	assert_int_equal(mmu_set_regs(&plain), 0);
	assert_int_equal(mmu_set_regs(&pcide), -EFAULT);
	assert_int_equal(mmu_get_regs(&now), 0);
	assert_memory_equal(&now, &plain, sizeof(now));
	pcide.cr3 = ROOT2;
	assert_int_equal(mmu_set_regs(&pcide), 0);
	/* While it is 1 CR3 is free. */
	pcide.cr3 = ROOT2 | 5;
	assert_int_equal(mmu_set_regs(&pcide), 0);
	assert_int_equal(mmu_set_regs(&kernel_regs), 0);
	assert_int_equal(mmu_set_regs(&pcide), 0);
}

static void test_bad_registers(void **state)
{
	struct mmu_regs regs = kernel_regs, now;

	assert_int_equal(mmu_invpcid(4, 0, 0), -EFAULT);
	assert_int_equal(mmu_invpcid(X86_INVPCID_SINGLE, 1, 0), -EFAULT);
	assert_int_equal(mmu_invpcid(X86_INVPCID_ADDR, 0, 1ull << 47), -EFAULT);
	assert_int_equal(mmu_load_cr3(1ull << 40), -EFAULT);
	assert_int_equal(mmu_load_cr3(ROOT | X86_CR3_NOFLUSH), -EFAULT);
	regs.efer = 0;
	regs.cr4 |= X86_CR4_PCIDE;
	assert_int_equal(mmu_set_regs(&regs), -EFAULT);
	/* PAE: the top entries are judged when CR3 is loaded. */
	regs.cr4 = X86_CR4_PAE;
	*word_at(ROOT + 8) = 0x11000 | X86_PTE_P | X86_PTE_RW;
	assert_int_equal(mmu_set_regs(&regs), -EFAULT);
	assert_int_equal(mmu_get_regs(&now), 0);
	assert_memory_equal(&now, &kernel_regs, sizeof(now));
}

/* PAE's top entries are read when CR3 is loaded, not at each walk. */
static void test_pdptes_in_registers(void **state)
{
	struct mmu_regs regs = {
		.cr0 = kernel_regs.cr0, .cr3 = ROOT + 32, .cr4 = X86_CR4_PAE, .efer = X86_EFER_NXE,
	};
	struct mmu_outcome out;
	uint64_t value;

	*word_at(ROOT + 32) = (ROOT2) | X86_PTE_P;
	*word_at(ROOT2) = (ROOT + 2 * PAGE_SIZE) | TABLE;
	*word_at(ROOT + 2 * PAGE_SIZE) = page(1);
	assert_int_equal(mmu_set_regs(&regs), 0);
	*word_at(ROOT + 32) = 0;
	assert_int_equal(read8(0), 1);
	mmu_invpcid(X86_INVPCID_ALL_GLOBAL, 0, 0);
	assert_int_equal(read8(0x100000000), 1);
	assert_int_equal(mmu_load_cr3(ROOT + 32), 0);
	assert_int_equal(mmu_read(0, &value, 8, 0, &out), -EFAULT);
	assert_int_equal(out.error_code, 0);
}

/* The registers judge each access anew. */
static void test_rights_at_once(void **state)
{
	struct mmu_regs regs = kernel_regs;
	struct mmu_outcome out;
	uint64_t value = 1;

	map(VA, page(1) & ~X86_PTE_RW);
	assert_int_equal(read8(VA), 1);
	assert_int_equal(mmu_write(VA, &value, 8, 0, &out), -EFAULT);
	assert_int_equal(out.error_code, X86_PF_PROT | X86_PF_WRITE);
	read8(VA);
	regs.cr0 &= ~X86_CR0_WP;
	assert_int_equal(mmu_set_regs(&regs), 0);
	assert_int_equal(mmu_write(VA, &value, 8, 0, &out), 0);
	regs.cr4 |= X86_CR4_SMAP;
	assert_int_equal(mmu_set_regs(&regs), 0);
	assert_int_equal(mmu_read(VA, &value, 8, 0, &out), -EFAULT);
	assert_int_equal(out.error_code, X86_PF_PROT);
	assert_int_equal(mmu_read(VA, &value, 8, MMU_AC, &out), 0);
	assert_int_equal(mmu_read(VA, &value, 8, MMU_USER, &out), 0);
}

/* A fault takes the stale entry away: the second try finds what the tables say. */
static void test_spurious_fault(void **state)
{
	struct mmu_outcome out;
	uint64_t value = 1;

	map(VA, page(1) & ~X86_PTE_RW);
	assert_int_equal(read8(VA), 1);
	map(VA, page(1));
	assert_int_equal(mmu_write(VA, &value, 8, 0, &out), -EFAULT);
	assert_int_equal(mmu_write(VA, &value, 8, 0, &out), 0);
	assert_int_equal(counters(0).page_faults, 1);
}

static void test_dirty(void **state)
{
	uint64_t *pte, value = 0;

	map(VA, page(1));
	pte = entry_for(ROOT, VA, X86_PTE_SHIFT);
	read8(VA);
	assert_int_equal(*pte & (X86_PTE_A | X86_PTE_D), X86_PTE_A);
	assert_int_equal(mmu_write(VA, &value, 8, 0, NULL), 0);
	assert_int_equal(*pte & (X86_PTE_A | X86_PTE_D), X86_PTE_A | X86_PTE_D);
	assert_int_equal(counters(0).dirty_walks, 1);
	/* Cleared without an invalidation it is not set again. */
	*pte &= ~(X86_PTE_A | X86_PTE_D);
	assert_int_equal(mmu_write(VA, &value, 8, 0, NULL), 0);
	assert_int_equal(*pte & (X86_PTE_A | X86_PTE_D), 0);
	mmu_invlpg(VA);
	assert_int_equal(mmu_write(VA, &value, 8, 0, NULL), 0);
	assert_int_equal(*pte & (X86_PTE_A | X86_PTE_D), X86_PTE_A | X86_PTE_D);
}

static void test_counters(void **state)
{
	struct mmu_tlb_translation tr;
	struct mmu_counters c;

	map(VA, page(1));
	map(VA + PAGE_SIZE, page(2));
	assert_int_equal(mmu_tlb_peek(VA, &tr), 0);
	read8(VA);
	c = counters(0);
	assert_int_equal(c.misses, 1);
	assert_int_equal(c.walks, 1);
	assert_int_equal(c.walk_refs, 4);
	/* The next page's table is known. */
	read8(VA + PAGE_SIZE);
	c = counters(0);
	assert_int_equal(c.misses, 2);
	assert_int_equal(c.walk_refs, 5);
	assert_int_equal(c.table_hits[0], 1);
	read8(VA);
	read8(VA);
	assert_int_equal(counters(0).hits_4k, 2);
	assert_int_equal(mmu_tlb_peek(VA + 5, &tr), 1);
	assert_int_equal(tr.va, VA);
	assert_int_equal(tr.phys, PHYS + PAGE_SIZE);
	assert_int_equal(tr.page_shift, 12);
	assert_int_equal(tr.level, 1);
	assert_true(tr.writable && tr.user && tr.executable && !tr.global && !tr.dirty);
	assert_int_equal(tr.key, -1);
	assert_int_equal(mmu_get_counters(4, &c), -EINVAL);
	assert_int_equal(counters(3).misses, 0);
}

/* A set's fifth page makes the least recently used one go, to the second level. */
static void test_eviction(void **state)
{
	struct mmu_tlb_translation tr;

	for (unsigned int i = 0; i < 5; i++)
		map(VA + i * 16 * PAGE_SIZE, page(i));
	for (unsigned int i = 0; i < 4; i++)
		read8(VA + i * 16 * PAGE_SIZE);
	read8(VA);
	read8(VA + 4 * 16 * PAGE_SIZE);
	assert_int_equal(counters(0).evictions, 1);
	assert_int_equal(mmu_tlb_peek(VA + 16 * PAGE_SIZE, &tr), 1);
	assert_int_equal(tr.level, 2);
	assert_int_equal(mmu_tlb_peek(VA, &tr), 1);
	assert_int_equal(tr.level, 1);
	read8(VA + 16 * PAGE_SIZE);
	assert_int_equal(counters(0).hits_l2, 1);
	assert_int_equal(counters(0).misses, 5);
}

static int setup_off(void **state)
{
	return mmu_setup_machine(MMU_TEST_MACHINE " tlb=off");
}

static void test_no_tlb(void **state)
{
	map(VA, page(1));
	read8(VA);
	map(VA, page(2));
	assert_int_equal(read8(VA), 2);
	assert_int_equal(counters(0).walks, 2);
	assert_int_equal(counters(0).walk_refs, 8);
}

/* --- other CPUs ------------------------------------------------------------------------------- */

static void test_shootdown_counts(void **state)
{
	map(VA, page(1));
	for (int cpu = 3; cpu >= 0; cpu--) {
		assert_int_equal(cpu_migrate((unsigned int)cpu), 0);
		assert_int_equal(read8(VA), 1);
	}
	map(VA, page(2));
	assert_int_equal(mmu_invlpg(VA), 0);
	assert_int_equal(read8(VA), 2);
	cpu_migrate(1);
	assert_int_equal(read8(VA), 1);
	assert_int_equal(mmu_shootdown(VA, VA + 1), 0);
	for (unsigned int cpu = 0; cpu < 4; cpu++) {
		struct mmu_counters c = counters(cpu);

		assert_int_equal(c.shootdowns_sent, cpu == 1 ? 3 : 0);
		assert_int_equal(c.shootdowns_received, cpu != 1);
		cpu_migrate(cpu);
		assert_int_equal(read8(VA), 2);
	}
	/* Many pages go with everything else. */
	map(VA, page(3));
	assert_int_equal(mmu_shootdown(VA + 100 * PAGE_SIZE, VA + 134 * PAGE_SIZE), 0);
	assert_int_equal(read8(VA), 3);
}

#define SLOTS 8u
#define ROUNDS 3000u

static uint32_t stop_readers, readers;

struct reader {
	unsigned long reads;
	bool wanders;		/* so that CPUs turn idle, owned and shared, the sender's too */
};

/* Whatever a page holds, it is the number of a generation that was not shot down before the read
 * began. */
static void *read_pages(void *arg)
{
	struct reader *self = arg;

	if (machine_enter(arch_machine_handle(am)))
		return NULL;
	for (unsigned int i = 0; !__atomic_load_n(&stop_readers, __ATOMIC_ACQUIRE); i++) {
		uint64_t *published = word_at(0x8000 + i % SLOTS * 8);
		uint64_t least = __atomic_load_n(published, __ATOMIC_ACQUIRE);
		uint64_t value = 0;

		if (self->wanders && i % 64 == 0 && cpu_migrate(i / 64 % 4))
			abort();
		if (mmu_read(VA + i % SLOTS * PAGE_SIZE, &value, 8, 0, NULL) || value < least)
			abort();
		if (!self->reads++)
			__atomic_fetch_add(&readers, 1, __ATOMIC_RELEASE);
	}
	machine_leave();
	return NULL;
}

/* Where generation @n of a slot lies: each slot's generations take turns on two pages. */
static phys_addr_t generation(unsigned int slot, unsigned int n)
{
	return PHYS + (2 * slot + n % 2) * PAGE_SIZE;
}

static phys_addr_t mapped(kva_t va)
{
	return __atomic_load_n(entry_for(ROOT, va, X86_PTE_SHIFT), __ATOMIC_RELAXED) & X86_PTE_ADDR_MASK;
}

/* A page per slot is replaced again and again; the old one is overwritten as soon as nobody may see
 * it any more. Slots begin with generation 0. */
static void replace_pages(void)
{
	for (unsigned int round = SLOTS; round < SLOTS + ROUNDS; round++) {
		unsigned int slot = round % SLOTS;
		kva_t va = VA + slot * PAGE_SIZE;
		phys_addr_t old = generation(slot, round / SLOTS - 1);
		phys_addr_t new = generation(slot, round / SLOTS);

		/* Somebody would see the new one. */
		if (mapped(va) != old)
			abort();
		*word_at(new) = round;
		map(va, new | TABLE);
		assert_int_equal(mmu_shootdown(va, va + PAGE_SIZE), 0);
		*word_at(old) = 0;
		__atomic_store_n(word_at(0x8000 + slot * 8), round, __ATOMIC_RELEASE);
		if (round % 64 == 0)
			usleep(100);
	}
}

static void test_shootdown_threads(void **state)
{
	pthread_t threads[3];
	struct reader all[3] = {{.wanders = true}};

	stop_readers = 0;
	readers = 0;
	for (unsigned int slot = 0; slot < SLOTS; slot++)
		map(VA + slot * PAGE_SIZE, generation(slot, 0) | TABLE);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_pages, &all[i]), 0);
	/* Each has used its CPU's TLB by then. */
	while (__atomic_load_n(&readers, __ATOMIC_ACQUIRE) < 3)
		usleep(100);
	replace_pages();
	__atomic_store_n(&stop_readers, 1, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_true(counters(0).shootdowns_sent > 0);
}

static void test_phys(void **state)
{
	uint64_t value = 0x1122334455667788;

	assert_int_equal(mmu_phys_write(PHYS + 3, &value, 8), 0);
	value = 0;
	assert_int_equal(mmu_phys_read(PHYS + 3, &value, 8), 0);
	assert_int_equal(value, 0x1122334455667788);
	assert_int_equal(mmu_phys_read(0xffffff, &value, 2), -EFAULT);
	assert_int_equal(mmu_phys_write(20 << 20, &value, 8), -EFAULT);
	assert_int_equal(mmu_phys_clear(PHYS + 1, PAGE_SIZE), -EINVAL);
	assert_int_equal(mmu_phys_clear(PHYS, PAGE_SIZE), 0);
	assert_int_equal(mmu_phys_read(PHYS + 3, &value, 8), 0);
	assert_int_equal(value, 0);
	assert_int_equal(mmu_phys_clear(20 << 20, PAGE_SIZE), -EFAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_stale_until_invlpg),
		CASE(test_global),
		CASE(test_pcid),
		CASE(test_pcide_begins),
		CASE(test_bad_registers),
		CASE(test_pdptes_in_registers),
		CASE(test_rights_at_once),
		CASE(test_spurious_fault),
		CASE(test_dirty),
		CASE(test_counters),
		CASE(test_eviction),
		cmocka_unit_test_setup_teardown(test_no_tlb, setup_off, mmu_teardown),
		CASE(test_shootdown_counts),
		CASE(test_shootdown_threads),
		CASE(test_phys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
