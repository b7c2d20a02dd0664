/* SPDX-License-Identifier: MIT */
/*
 * The TLB against a model of what the architecture permits. Random edits of page tables, INVLPG, CR3
 * loads, INVPCID, changes of registers, and accesses, in all four modes.
 *
 * The model never looks into the TLB. It remembers what each entry held since when, when what was
 * invalidated last, and allows an access every answer that a processor may give (Intel SDM volume
 * 3A, section 4.10): that of a walk in which each entry holds something it held since the last
 * invalidation that covers it. Absence and reserved bits are not cached: a fault for those needs the
 * entry as it is now. So after an invalidation only the exact answer is left; and answers that differ
 * from the tables' must have been seen by the end, or the test would test nothing.
 *
 * test_mmu_random STEPS: so many steps over all modes; without, 100,000.
 */
#include "../support/sim_test.h"

#include <errno.h>

#include "sim/mmu.h"

#define MIB ((uint64_t)1 << 20)
#define NR_INDICES 3u		/* entries in use of each table */
#define NR_TABLES 3u		/* tables of each level */
#define NR_ROOTS 2u
#define NR_PCIDS 3u
#define MAX_VAS 243u		/* NR_INDICES to the power of MMU_MAX_LEVELS */
#define MAX_HISTORY 32u

struct version {
	uint64_t since;
	uint64_t value;
};

/* What stood in a place: an entry, or the root that a PCID's CR3 named. */
struct history {
	struct version v[MAX_HISTORY];
	unsigned int n;
};

static struct {
	struct arch_machine *am;
	const struct mmu_format *format;
	struct mmu_space space;		/* the registers as they are now */
	uint64_t seed, now;
	struct history entries[MMU_MAX_LEVELS][NR_TABLES][NR_INDICES];
	struct history roots[NR_PCIDS];
	struct history any_root;
	unsigned int nr_pcids, nr_vas;
	uint64_t all_at;		/* when everything was invalidated */
	uint64_t pcid_at[NR_PCIDS];	/* all of a PCID but global pages */
	uint64_t page_at[MAX_VAS][NR_PCIDS];
	uint64_t global_at[MAX_VAS];	/* a page as a global one */
	/* what happened, to see that it did */
	unsigned long accesses, translated, faults, stale;
} t;

static uint64_t rnd(uint64_t n)
{
	t.seed ^= t.seed << 13;
	t.seed ^= t.seed >> 7;
	t.seed ^= t.seed << 17;
	return t.seed % n;
}

/* --- histories ------------------------------------------------------------------------------ */

static void flush_everything(void);

static void remember(struct history *h, uint64_t value)
{
	if (h->n == MAX_HISTORY)
		flush_everything();
	h->v[h->n++] = (struct version){t.now, value};
}

static uint64_t current(const struct history *h)
{
	return h->v[h->n - 1].value;
}

/* The first version that was there at @since or later. */
static unsigned int first_since(const struct history *h, uint64_t since)
{
	unsigned int i = h->n - 1;

	while (i && h->v[i].since > since)
		i--;
	return i;
}

static void forget_past(struct history *h)
{
	h->v[0] = (struct version){0, current(h)};
	h->n = 1;
}

/* --- tables --------------------------------------------------------------------------------- */

/* Level @level's table @i. PAE's top tables are not at page borders. */
static phys_addr_t table_at(unsigned int level, unsigned int i)
{
	phys_addr_t at = (0x10 + level * 8 + i) * PAGE_SIZE;

	return t.format->levels[level].in_register ? at + 0x40 : at;
}

static unsigned int table_index(unsigned int level, phys_addr_t at)
{
	for (unsigned int i = 0; i < NR_TABLES; i++) {
		if (table_at(level, i) == at)
			return i;
	}
	fail_msg("no table of level %u is at %llx", level, (unsigned long long)at);
	return 0;
}

static phys_addr_t entry_at(unsigned int level, unsigned int table, unsigned int index)
{
	return table_at(level, table) + index * t.format->entry_size;
}

static uint64_t entry_in_memory(unsigned int level, unsigned int table, unsigned int index)
{
	uint64_t value = 0;

	mmu_phys_read(entry_at(level, table, index), &value, t.format->entry_size);
	return value;
}

static uint64_t random_rights(void)
{
	uint64_t value = 0;

	value |= rnd(4) ? X86_PTE_RW : 0;
	value |= rnd(3) ? X86_PTE_US : 0;
	value |= rnd(2) ? X86_PTE_A : 0;
	value |= rnd(2) ? X86_PTE_D : 0;
	if (t.format->entry_size == 8 && !rnd(5))
		value |= X86_PTE_NX;
	return value;
}

static bool may_be_large(unsigned int level)
{
	return t.format->levels[level].large_leaf;
}

static uint64_t random_leaf(unsigned int level)
{
	unsigned int shift = t.format->levels[level].shift;
	uint64_t value = X86_PTE_P | random_rights() | (rnd(3) ? 0 : X86_PTE_G);

	if (shift == X86_PTE_SHIFT)
		value |= 4 * MIB + rnd(16) * PAGE_SIZE;
	else
		value |= X86_PTE_PS | (shift == X86_PUD_SHIFT ? 1024 * MIB : (2 + rnd(3)) << shift);
	if (t.format->keys)
		value |= rnd(3) << X86_PTE_PK_SHIFT;
	return value;
}

static uint64_t random_entry(unsigned int level)
{
	bool last = level == t.format->nr_levels - 1;

	if (t.format->levels[level].in_register)
		return table_at(level + 1, (unsigned int)rnd(NR_TABLES)) | X86_PTE_P;
	if (!rnd(8))
		return rnd(2) ? 0 : random_rights();
	if (last || (may_be_large(level) && !rnd(4)))
		return random_leaf(level);
	if (!rnd(40) && t.format->entry_size == 8)
		return X86_PTE_P | random_rights() | (uint64_t)1 << 50;	/* reserved */
	return table_at(level + 1, (unsigned int)rnd(NR_TABLES)) | X86_PTE_P | random_rights();
}

static void write_entry(unsigned int level, unsigned int table, unsigned int index, uint64_t value)
{
	assert_int_equal(mmu_phys_write(entry_at(level, table, index), &value,
					t.format->entry_size), 0);
	remember(&t.entries[level][table][index], value);
}

/* Software's edit; PAE's registers are not edited, since it would take a CR3 load. */
static void edit(void)
{
	unsigned int first = t.format->levels[0].in_register;
	unsigned int level = first + (unsigned int)rnd(t.format->nr_levels - first);

	write_entry(level, (unsigned int)rnd(NR_TABLES), (unsigned int)rnd(NR_INDICES),
		    random_entry(level));
}

static kva_t va_of(unsigned int n)
{
	kva_t va = 0;

	for (unsigned int i = 0; i < t.format->nr_levels; i++, n /= NR_INDICES)
		va |= (kva_t)(n % NR_INDICES) << t.format->levels[i].shift;
	return va;
}

/* Some more often than others. */
static unsigned int some_va(void)
{
	return (unsigned int)rnd(t.nr_vas) % (rnd(4) ? 9 : t.nr_vas);
}

static unsigned int index_in(unsigned int level, unsigned int va)
{
	while (level--)
		va /= NR_INDICES;
	return va % NR_INDICES;
}

/* --- what may be answered ------------------------------------------------------------------- */

struct question {
	unsigned int va;	/* number */
	kva_t address;
	unsigned int access;
	uint64_t since;		/* upper entries: versions from here on */
	uint64_t leaf_since;
	bool global;		/* only by a global page */
	int ret;
	const struct mmu_outcome *answer;
};

static bool faults_as(const struct question *q, uint32_t why)
{
	return q->ret == -EFAULT && q->answer->trap == X86_TRAP_PF &&
	       q->answer->cr2 == q->address &&
	       q->answer->error_code == mmu_error_code(&t.space, q->access, why);
}

static bool leaf_explains(const struct question *q, unsigned int level, uint64_t value,
			  unsigned int rights)
{
	uint64_t rest = BITS(t.format->levels[level].shift - 1, 0);
	bool global = value & X86_PTE_G && t.space.regs.cr4 & X86_CR4_PGE;
	uint32_t why = mmu_refusal(&t.space, q->access, rights, mmu_key_of(&t.space, value, rights));

	if (q->global && !global)
		return false;
	if (why)
		return faults_as(q, why);
	return !q->ret &&
	       q->answer->phys[0] == ((value & t.format->addr_mask & ~rest) | (q->address & rest));
}

static unsigned int with_rights(unsigned int level, unsigned int rights, uint64_t value)
{
	if (t.format->levels[level].in_register)
		return rights;
	if (!(value & X86_PTE_RW))
		rights &= ~MMU_RIGHT_RW;
	if (!(value & X86_PTE_US))
		rights &= ~MMU_RIGHT_US;
	if (value & X86_PTE_NX)
		rights |= MMU_RIGHT_NX;
	return rights;
}

static bool is_reserved(unsigned int level, uint64_t value)
{
	return !t.format->levels[level].in_register && value & t.space.reserved;
}

static bool explained(const struct question *q, unsigned int level, phys_addr_t table,
		      unsigned int rights);

/* Whether the walk may have met @value, which is what stands there now if @is_current. */
static bool version_explains(const struct question *q, unsigned int level, uint64_t value,
			     unsigned int rights, bool is_current)
{
	bool leaf = level == t.format->nr_levels - 1 || (may_be_large(level) && value & X86_PTE_PS);

	if (!(value & X86_PTE_P))
		return is_current && !q->global && faults_as(q, 0);
	if (is_reserved(level, value))
		return is_current && !q->global && faults_as(q, X86_PF_PROT | X86_PF_RSVD);
	rights = with_rights(level, rights, value);
	if (leaf)
		return leaf_explains(q, level, value, rights);
	return explained(q, level + 1, value & t.format->addr_mask, rights);
}

static bool explained(const struct question *q, unsigned int level, phys_addr_t table,
		      unsigned int rights)
{
	const struct history *h =
		&t.entries[level][table_index(level, table)][index_in(level, q->va)];
	uint64_t since = q->since < q->leaf_since ? q->since : q->leaf_since;

	for (unsigned int i = first_since(h, since); i < h->n; i++) {
		if (version_explains(q, level, h->v[i].value, rights, i == h->n - 1))
			return true;
	}
	return false;
}

static bool explained_from(const struct question *q, const struct history *roots)
{
	for (unsigned int i = first_since(roots, q->since); i < roots->n; i++) {
		if (explained(q, 0, roots->v[i].value, MMU_RIGHT_RW | MMU_RIGHT_US))
			return true;
	}
	return false;
}

static uint64_t max_of(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static bool permitted(unsigned int va, kva_t address, unsigned int access, int ret,
		      const struct mmu_outcome *answer)
{
	unsigned int pcid = t.space.pcid;
	struct question q = {
		.va = va, .address = address, .access = access, .ret = ret, .answer = answer,
	};

	q.since = max_of(max_of(t.all_at, t.pcid_at[pcid]), t.page_at[va][pcid]);
	q.leaf_since = q.since;
	if (explained_from(&q, &t.roots[pcid]))
		return true;
	/* A global page may have been brought in by any PCID, whose upper entries are older. */
	q.global = true;
	q.since = t.all_at;
	q.leaf_since = max_of(t.all_at, t.global_at[va]);
	return explained_from(&q, &t.any_root);
}

/* --- invalidation --------------------------------------------------------------------------- */

static void note_everything(void)
{
	t.all_at = t.now;
	for (unsigned int i = 0; i < NR_PCIDS; i++)
		forget_past(&t.roots[i]);
	t.any_root.v[0] = (struct version){0, current(&t.any_root)};
	t.any_root.n = 1;
	for (unsigned int l = 0; l < t.format->nr_levels; l++)
		for (unsigned int i = 0; i < NR_TABLES * NR_INDICES; i++)
			forget_past(&t.entries[l][i / NR_INDICES][i % NR_INDICES]);
}

static void flush_everything(void)
{
	assert_int_equal(mmu_invpcid(X86_INVPCID_ALL_GLOBAL, 0, 0), 0);
	note_everything();
}

/* By the address of a page alone: others that a large page covers may be gone as well, or not. */
static void note_page(unsigned int va, unsigned int pcid, bool global)
{
	t.page_at[va][pcid] = t.now;
	if (global)
		t.global_at[va] = t.now;
}

static void do_invlpg(void)
{
	unsigned int va = some_va();

	assert_int_equal(mmu_invlpg(va_of(va) + rnd(PAGE_SIZE)), 0);
	note_page(va, t.space.pcid, true);
}

static void do_invpcid(void)
{
	unsigned int pcid = (unsigned int)rnd(t.nr_pcids);
	unsigned int va = some_va();

	switch (rnd(3)) {
	case 0:
		assert_int_equal(mmu_invpcid(X86_INVPCID_ADDR, pcid, va_of(va)), 0);
		note_page(va, pcid, false);
		break;
	case 1:
		assert_int_equal(mmu_invpcid(X86_INVPCID_SINGLE, pcid, 0), 0);
		t.pcid_at[pcid] = t.now;
		break;
	default:
		assert_int_equal(mmu_invpcid(X86_INVPCID_ALL, 0, 0), 0);
		for (unsigned int i = 0; i < NR_PCIDS; i++)
			t.pcid_at[i] = t.now;
	}
}

/* --- registers ------------------------------------------------------------------------------ */

static void read_space(void)
{
	struct mmu_regs regs;
	const char *why;

	assert_int_equal(mmu_get_regs(&regs), 0);
	assert_int_equal(mmu_space_init(&t.space, machine_of(t.am), &regs, NULL, &why), 0);
}

static void load_cr3(void)
{
	uint64_t root = table_at(0, (unsigned int)rnd(NR_ROOTS));
	unsigned int pcid = (unsigned int)rnd(t.nr_pcids);
	bool noflush = t.nr_pcids > 1 && rnd(2);

	assert_int_equal(mmu_load_cr3(root | pcid | (noflush ? X86_CR3_NOFLUSH : 0)), 0);
	read_space();
	assert_int_equal(t.space.pcid, pcid);
	remember(&t.roots[pcid], root);
	remember(&t.any_root, root);
	if (!noflush)
		t.pcid_at[pcid] = t.now;
}

static void change_registers(void)
{
	struct mmu_regs regs = t.space.regs;
	uint64_t old = regs.cr4;

	switch (rnd(6)) {
	case 0:
		regs.cr0 ^= X86_CR0_WP;
		break;
	case 1:
		regs.cr4 ^= X86_CR4_SMAP;
		break;
	case 2:
		regs.cr4 ^= X86_CR4_SMEP;
		break;
	case 3:
		regs.cr4 ^= rnd(4) ? 0 : X86_CR4_PGE;
		break;
	case 4:
		regs.cr4 ^= X86_CR4_PKE;
		break;
	default:
		regs.pkru = (uint32_t)rnd(64);
	}
	assert_int_equal(mmu_set_regs(&regs), 0);
	if ((regs.cr4 ^ old) & X86_CR4_PGE)
		note_everything();
	else if (regs.cr4 & ~old & X86_CR4_SMEP)
		t.pcid_at[t.space.pcid] = t.now;
	read_space();
}

/* Keys are cached with their page while CR4.PKE is on; software that turns it on flushes. */
static void change_registers_and_flush_for_keys(void)
{
	uint64_t old = t.space.regs.cr4;

	change_registers();
	if ((t.space.regs.cr4 ^ old) & X86_CR4_PKE)
		flush_everything();
}

/* --- accesses ------------------------------------------------------------------------------- */

static const char *host_of(phys_addr_t phys)
{
	return mmu_phys(machine_of(t.am), phys, 8);
}

/* Bits of the walk that @res did are in memory. */
static void check_accessed(const struct mmu_walk_result *res, unsigned int access)
{
	for (unsigned int i = 0; i < res->nr_entries; i++) {
		if (!t.format->levels[i].in_register)
			assert_true(res->entries[i].value & X86_PTE_A);
	}
	if (access & MMU_WRITE)
		assert_true(res->entries[res->nr_entries - 1].value & X86_PTE_D);
}

/* Whether the TLB can have had nothing for @va. */
static bool just_invalidated(unsigned int va)
{
	unsigned int pcid = t.space.pcid;

	return t.page_at[va][pcid] == t.now && t.global_at[va] == t.now;
}

static void note_staleness(unsigned int va, kva_t address, unsigned int access, int ret,
			   const struct mmu_outcome *out)
{
	struct mmu_walk_result res;
	int fresh = mmu_walk(address, access | MMU_PROBE, &res);

	if (fresh != ret || (ret ? res.error_code != out->error_code : res.phys != out->phys[0])) {
		assert_false(just_invalidated(va));
		t.stale++;
	} else if (!ret && just_invalidated(va)) {
		check_accessed(&res, access);
	}
}

static void check_data(unsigned int access, const struct mmu_outcome *out, uint64_t data)
{
	const char *host = host_of(out->phys[0]);
	uint64_t there = UINT64_MAX;

	if (!host && access & MMU_WRITE)
		return;
	if (host)
		memcpy(&there, host, sizeof(there));
	assert_int_equal(there, data);
}

static void do_access(unsigned int va)
{
	kva_t address = va_of(va) + rnd(PAGE_SIZE / 8) * 8;
	unsigned int how = (rnd(2) ? MMU_USER : 0) | (rnd(2) ? MMU_AC : 0);
	unsigned int kind = (unsigned int)rnd(3);
	uint64_t data = t.now;
	struct mmu_outcome out;
	int ret;

	if (kind == MMU_WRITE)
		ret = mmu_write(address, &data, 8, how, &out);
	else if (kind == MMU_READ)
		ret = mmu_read(address, &data, 8, how, &out);
	else
		ret = mmu_fetch(address, &data, 8, how, &out);
	t.accesses++;
	if (!permitted(va, address, kind | how, ret, &out))
		fail_msg("%s, step %llu: access %x of %llx: ret %d, phys %llx, error %x",
			 t.format->name, (unsigned long long)t.now, kind | how,
			 (unsigned long long)address, ret, (unsigned long long)out.phys[0],
			 out.error_code);
	note_staleness(va, address, kind | how, ret, &out);
	if (ret) {
		t.faults++;
		note_page(va, t.space.pcid, true);
	} else {
		t.translated++;
		check_data(kind, &out, data);
	}
}

/* The second access may find what the first one brought in, but nothing older. */
static void invalidate_and_access(void)
{
	unsigned int va = some_va();

	assert_int_equal(mmu_invlpg(va_of(va)), 0);
	note_page(va, t.space.pcid, true);
	do_access(va);
	do_access(va);
}

/* --- the run -------------------------------------------------------------------------------- */

static void step(void)
{
	unsigned int what = (unsigned int)rnd(1000);

	t.now++;
	if (what < 650)
		do_access(some_va());
	else if (what < 780)
		edit();
	else if (what < 850)
		do_invlpg();
	else if (what < 890)
		invalidate_and_access();
	else if (what < 930)
		load_cr3();
	else if (what < 970)
		do_invpcid();
	else if (what < 995)
		change_registers_and_flush_for_keys();
	else
		flush_everything();
}

static void begin(const struct mmu_regs *regs)
{
	const char *why;

	t.format = mmu_format_of(regs, &why);
	t.nr_pcids = regs->cr4 & X86_CR4_PCIDE ? NR_PCIDS : 1;
	t.nr_vas = 1;
	for (unsigned int i = 0; i < t.format->nr_levels; i++)
		t.nr_vas *= NR_INDICES;
	memset(t.entries, 0, sizeof(t.entries));
	memset(t.roots, 0, sizeof(t.roots));
	t.any_root.n = 0;
	for (unsigned int i = 0; i < NR_PCIDS; i++)
		remember(&t.roots[i], regs->cr3);
	remember(&t.any_root, regs->cr3);
	for (unsigned int l = 0; l < t.format->nr_levels; l++)
		for (unsigned int i = 0; i < NR_TABLES * NR_INDICES; i++)
			write_entry(l, i / NR_INDICES, i % NR_INDICES, random_entry(l));
	assert_int_equal(mmu_set_regs(regs), 0);
	assert_int_equal(mmu_load_cr3(regs->cr3), 0);
	read_space();
	flush_everything();
	t.stale = 0;
	t.accesses = 0;
	t.translated = 0;
	t.faults = 0;
}

static void run_mode(uint64_t cr4, uint64_t efer, unsigned long steps)
{
	struct mmu_regs regs = {
		.cr0 = X86_CR0_PG | X86_CR0_PE | X86_CR0_WP, .cr4 = cr4 | X86_CR4_PGE, .efer = efer,
	};
	const char *why;

	/* Where the top tables lie depends on the mode. */
	t.format = mmu_format_of(&regs, &why);
	regs.cr3 = table_at(0, 0);
	begin(&regs);
	for (unsigned long i = 0; i < steps; i++)
		step();
	print_message("%s: %lu accesses, %lu translated, %lu faults, %lu stale\n", t.format->name,
		      t.accesses, t.translated, t.faults, t.stale);
	assert_true(t.stale > steps / 5000);
	assert_true(t.translated > t.accesses / 10 && t.faults > t.accesses / 10);
	for (unsigned int l = 0; l < t.format->nr_levels; l++)
		for (unsigned int i = 0; i < NR_TABLES * NR_INDICES; i++)
			assert_int_equal((entry_in_memory(l, i / NR_INDICES, i % NR_INDICES) ^
					  current(&t.entries[l][i / NR_INDICES][i % NR_INDICES])) &
						 ~(X86_PTE_A | X86_PTE_D), 0);
}

static unsigned long nr_steps = 100000;

static void all_modes(unsigned long steps)
{
	const uint64_t nx = X86_EFER_NXE, lma = X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE;

	run_mode(0, 0, steps / 5);
	run_mode(X86_CR4_PSE, 0, steps / 5);
	run_mode(X86_CR4_PAE, nx, steps / 5);
	run_mode(X86_CR4_PAE | X86_CR4_PCIDE, lma, steps / 5);
	run_mode(X86_CR4_PAE | X86_CR4_PCIDE | X86_CR4_LA57, lma, steps / 5);
}

static void run_machine(const char *tlb, uint64_t seed)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "preset=x86_64 ram=0-64M,1G-1088M reserved=0-1M maxphyaddr=40 %s", tlb);
	memset(&t, 0, sizeof(t));
	t.seed = seed;
	t.am = sim_boot(text);
	all_modes(nr_steps / 2);
	sim_shutdown(t.am);
}

static void test_default_tlb(void **state)
{
	run_machine("", 1);
}

/* Where everything is evicted all the time. */
static void test_small_tlb(void **state)
{
	run_machine("tlb=4k:8/2,large:4/2,1g:2/2,l2:16/2,l2-1g:2/2,pde:4/2,pdpte:2/2,pml4e:2/1,pml5e:1/1",
		    2);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default_tlb),
		cmocka_unit_test(test_small_tlb),
	};

	if (argc > 1)
		nr_steps = strtoul(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
