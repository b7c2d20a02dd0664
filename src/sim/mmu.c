/* SPDX-License-Identifier: MIT */
/*
 * The page walker: what the hardware does with a linear address. It reads and writes words of
 * simulated physical memory and knows nothing of who made the tables.
 *
 *	CR3 -> table      index bits of the address choose an entry
 *	entry             not present: fault. A reserved bit set: fault. A leaf: the end
 *	                  otherwise its frame is the next level's table
 *	leaf              the rights of all entries together (R/W and U/S: and; NX: or) against
 *	                  the access; then accessed and dirty bits; then the frame and the
 *	                  address's rest
 *
 * What differs between modes stands in a table of levels (struct mmu_format); the loop is the same.
 * Which mode it is the registers say, as on hardware, not the machine's description.
 *
 * Order of the checks, where more than one would fail: canonical form first (#GP), then level by
 * level presence and reserved bits, rights only at the leaf. A and D bits are set after all checks,
 * so a refused access changes nothing; the manual leaves open whether upper entries get their A bit
 * then.
 *
 * Threads. Entries are read by single loads and A and D bits set by compare-and-swap, as hardware
 * does with a locked access; if the entry changed in between, the walk starts again. So any thread
 * may walk while another edits the tables. Whoever frees a table waits until nobody can be walking
 * it.
 *
 * Source: Intel SDM volume 3A, chapter 4: 4.5 walk, 4.6 rights, 4.7 error code, 4.8 A and D.
 */
#include "sim/mmu.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BITS(high, low) ((UINT64_MAX >> (63 - (high))) & (UINT64_MAX << (low)))

/* Figure 4-8, tables 4-15 to 4-20. */
static const struct mmu_format format_4level = {
	.nr_levels = 4,
	.entry_size = 8,
	.va_bits = 48,
	.levels = {
		{"pgd", X86_PGD_SHIFT, X86_LEVEL_BITS, false, X86_PTE_PS, 0},
		{"pud", X86_PUD_SHIFT, X86_LEVEL_BITS, true, 0, BITS(29, 13)},
		{"pmd", X86_PMD_SHIFT, X86_LEVEL_BITS, true, 0, BITS(20, 13)},
		{"pte", X86_PTE_SHIFT, X86_LEVEL_BITS, false, 0, 0},
	},
};

const struct mmu_format *mmu_format_of(const struct mmu_regs *regs, const char **why)
{
	if (!(regs->cr0 & X86_CR0_PG))
		*why = "paging is off";
	else if (!(regs->cr4 & X86_CR4_PAE))
		*why = "32-bit paging is not in this version";
	else if (!(regs->efer & X86_EFER_LMA))
		*why = "PAE paging is not in this version";
	else if (regs->cr4 & X86_CR4_LA57)
		*why = "5-level paging is not in this version";
	else
		return &format_4level;
	return NULL;
}

static bool is_memory(const struct machine *m, phys_addr_t phys, uint64_t size)
{
	const struct machine_desc *desc = &m->desc;
	unsigned int low = 0, high = desc->nr_ram;

	if (phys - m->pub.table_start < m->pub.table_size)
		return m->pub.table_size - (phys - m->pub.table_start) >= size;
	while (low < high) {
		unsigned int mid = (low + high) / 2;

		if (phys < desc->ram[mid].start)
			high = mid;
		else if (phys >= desc->ram[mid].end)
			low = mid + 1;
		else
			return desc->ram[mid].end - phys >= size;
	}
	return false;
}

uint64_t *mmu_entry(const struct machine *m, phys_addr_t phys)
{
	if (!is_memory(m, phys, sizeof(uint64_t)))
		return NULL;
	return (uint64_t *)(void *)(m->pub.ram + phys);
}

/* Nothing answers where there is no memory: the bus floats high. */
static uint64_t read_entry(const struct machine *m, phys_addr_t phys)
{
	const uint64_t *entry = mmu_entry(m, phys);

	return entry ? __atomic_load_n(entry, __ATOMIC_ACQUIRE) : UINT64_MAX;
}

static bool is_canonical(const struct mmu_format *format, kva_t va)
{
	unsigned int unused = 64 - format->va_bits;

	return (kva_t)((int64_t)(va << unused) >> unused) == va;
}

/* --- faults ----------------------------------------------------------------------------------- */

static int fault_gp(struct mmu_walk_result *res)
{
	res->trap = X86_TRAP_GP;
	return -EFAULT;
}

/* @why: X86_PF_PROT, X86_PF_RSVD, X86_PF_PK; what the access was is added (section 4.7). */
static int fault_page(const struct mmu_regs *regs, unsigned int access, uint32_t why,
		      struct mmu_walk_result *res)
{
	res->trap = X86_TRAP_PF;
	res->cr2 = res->va;
	res->error_code = why;
	if (access & MMU_WRITE)
		res->error_code |= X86_PF_WRITE;
	if (access & MMU_USER)
		res->error_code |= X86_PF_USER;
	if (access & MMU_FETCH && (regs->efer & X86_EFER_NXE || regs->cr4 & X86_CR4_SMEP))
		res->error_code |= X86_PF_INSTR;
	return -EFAULT;
}

/* --- rights ----------------------------------------------------------------------------------- */

/* Section 4.6.1: what R/W, U/S and NX of all entries say to @access. */
static bool rights_allow(const struct mmu_regs *regs, unsigned int access,
			 const struct mmu_walk_result *res)
{
	bool by_user = access & MMU_USER;

	if (by_user && !res->user)
		return false;
	if (access & MMU_FETCH) {
		if (!by_user && res->user && regs->cr4 & X86_CR4_SMEP)
			return false;
		return res->executable;
	}
	if (!by_user && res->user && regs->cr4 & X86_CR4_SMAP && !(access & MMU_AC))
		return false;
	if (access & MMU_WRITE)
		return res->writable || (!by_user && !(regs->cr0 & X86_CR0_WP));
	return true;
}

/* Section 4.6.2: protection keys, on data accesses to user-mode addresses only. */
static bool key_allows(const struct mmu_regs *regs, unsigned int access, uint64_t leaf,
		       const struct mmu_walk_result *res)
{
	unsigned int key = (unsigned int)((leaf & X86_PTE_PK_MASK) >> X86_PTE_PK_SHIFT);
	bool access_disabled = regs->pkru >> (2 * key) & 1;
	bool write_disabled = regs->pkru >> (2 * key + 1) & 1;

	if (!(regs->cr4 & X86_CR4_PKE) || !res->user || access & MMU_FETCH)
		return true;
	if (access_disabled)
		return false;
	if (!(access & MMU_WRITE) || !write_disabled)
		return true;
	return !(access & MMU_USER) && !(regs->cr0 & X86_CR0_WP);
}

/* --- the walk --------------------------------------------------------------------------------- */

/* A walk under way. */
struct walk {
	const struct machine *m;
	const struct mmu_format *format;
	const struct mmu_regs *regs;
	unsigned int access;
	uint64_t reserved;
	struct mmu_walk_result *res;
};

/* Bits reserved at every level: above MAXPHYADDR, and NX while it is off. */
static uint64_t always_reserved(const struct machine *m, const struct mmu_regs *regs)
{
	uint64_t bits = regs->efer & X86_EFER_NXE ? 0 : X86_PTE_NX;

	if (m->desc.maxphyaddr < 52)
		bits |= BITS(51, m->desc.maxphyaddr);
	return bits;
}

/* Everything but the entries, which are filled as they are read. */
static void start(const struct walk *w, kva_t va)
{
	struct mmu_walk_result *res = w->res;

	res->va = va;
	res->trap = 0;
	res->error_code = 0;
	res->cr2 = 0;
	res->phys = 0;
	res->page_shift = 0;
	res->writable = true;
	res->user = true;
	res->executable = true;
	res->global = false;
	res->nr_entries = 0;
}

static void add_rights(struct mmu_walk_result *res, uint64_t value)
{
	res->writable &= !!(value & X86_PTE_RW);
	res->user &= !!(value & X86_PTE_US);
	res->executable &= !(value & X86_PTE_NX);
}

static bool is_leaf(const struct walk *w, unsigned int i, uint64_t value)
{
	return i == w->format->nr_levels - 1 ||
	       (w->format->levels[i].large_leaf && value & X86_PTE_PS);
}

/* Read the entry of level @i in the table at @table. 1: a leaf; 0: go on; -EFAULT. */
static int step(const struct walk *w, unsigned int i, phys_addr_t table)
{
	const struct mmu_level *level = &w->format->levels[i];
	struct mmu_walk_entry *e = &w->res->entries[i];
	uint64_t index = (w->res->va >> level->shift) & BITS(level->index_bits - 1, 0);
	bool leaf;

	e->name = level->name;
	e->shift = level->shift;
	e->addr = table + index * w->format->entry_size;
	e->value = read_entry(w->m, e->addr);
	w->res->nr_entries = i + 1;
	if (!(e->value & X86_PTE_P))
		return fault_page(w->regs, w->access, 0, w->res);
	leaf = is_leaf(w, i, e->value);
	if (e->value & (w->reserved | (leaf ? level->reserved_leaf : level->reserved)))
		return fault_page(w->regs, w->access, X86_PF_PROT | X86_PF_RSVD, w->res);
	add_rights(w->res, e->value);
	return leaf;
}

/* From CR3 to the leaf. 0 or -EFAULT. */
static int descend(const struct walk *w)
{
	phys_addr_t table = w->regs->cr3 & X86_CR3_ADDR_MASK;

	for (unsigned int i = 0; i < w->format->nr_levels; i++) {
		int ret = step(w, i, table);

		if (ret)
			return ret < 0 ? ret : 0;
		table = w->res->entries[i].value & X86_PTE_ADDR_MASK;
	}
	return 0;
}

static int check_rights(const struct walk *w)
{
	uint64_t leaf = w->res->entries[w->res->nr_entries - 1].value;
	bool key = key_allows(w->regs, w->access, leaf, w->res);

	if (key && rights_allow(w->regs, w->access, w->res))
		return 0;
	return fault_page(w->regs, w->access, X86_PF_PROT | (key ? 0 : X86_PF_PK), w->res);
}

/* Section 4.8. False: an entry changed under the walk. */
static bool set_accessed(const struct walk *w)
{
	unsigned int last = w->res->nr_entries - 1;

	for (unsigned int i = 0; i <= last; i++) {
		struct mmu_walk_entry *e = &w->res->entries[i];
		uint64_t bits = X86_PTE_A;
		uint64_t seen = e->value;

		if (i == last && w->access & MMU_WRITE)
			bits |= X86_PTE_D;
		if ((seen & bits) == bits)
			continue;
		if (!__atomic_compare_exchange_n(mmu_entry(w->m, e->addr), &seen, seen | bits,
						 false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return false;
		e->value |= bits;
	}
	return true;
}

static void finish(const struct walk *w)
{
	const struct mmu_walk_entry *leaf = &w->res->entries[w->res->nr_entries - 1];
	uint64_t rest = BITS(leaf->shift - 1, 0);

	w->res->page_shift = leaf->shift;
	w->res->global = leaf->value & X86_PTE_G;
	w->res->phys = (leaf->value & X86_PTE_ADDR_MASK & ~rest) | (w->res->va & rest);
}

int mmu_walk_format(const struct machine *m, const struct mmu_format *format,
		    const struct mmu_regs *regs, kva_t va, unsigned int access,
		    struct mmu_walk_result *res)
{
	const struct walk w = {m, format, regs, access, always_reserved(m, regs), res};
	int ret;

	do {
		start(&w, va);
		if (!is_canonical(format, va))
			return fault_gp(res);
		ret = descend(&w);
		if (!ret)
			ret = check_rights(&w);
		if (ret)
			return ret;
	} while (!(access & MMU_PROBE) && !set_accessed(&w));
	finish(&w);
	return 0;
}

/* --- the door, and what programs call --------------------------------------------------------- */

void arch_mmu_set_regs(struct arch_machine *am, const struct mmu_regs *regs)
{
	machine_of(am)->mmu_regs = *regs;
}

static int walk_regs(const struct arch_machine *am, const struct mmu_regs *regs, kva_t va,
		     unsigned int access, struct mmu_walk_result *res)
{
	const struct mmu_format *format;
	const char *why;
	char line[120];

	if ((access & MMU_WRITE && access & MMU_FETCH) || access > 2 * MMU_PROBE - 1) {
		memset(res, 0, sizeof(*res));
		return -EINVAL;
	}
	format = mmu_format_of(regs, &why);
	if (format)
		return mmu_walk_format(machine_of(am), format, regs, va, access, res);
	memset(res, 0, sizeof(*res));
	snprintf(line, sizeof(line), "mmu_walk: %s", why);
	arch_log(am, 3, line);
	return -EOPNOTSUPP;
}

int arch_mmu_walk(const struct arch_machine *am, kva_t va, unsigned int access,
		  struct mmu_walk_result *res)
{
	return walk_regs(am, &machine_of(am)->mmu_regs, va, access, res);
}

int mmu_walk_regs(const struct mmu_regs *regs, kva_t va, unsigned int access,
		  struct mmu_walk_result *res)
{
	struct arch_cpu *cpu = arch_cpu_current();

	if (cpu)
		return walk_regs(cpu->machine, regs, va, access, res);
	memset(res, 0, sizeof(*res));
	return -ENODEV;
}

int mmu_get_regs(struct mmu_regs *regs)
{
	struct arch_cpu *cpu = arch_cpu_current();

	memset(regs, 0, sizeof(*regs));
	if (!cpu)
		return -ENODEV;
	*regs = machine_of(cpu->machine)->mmu_regs;
	return regs->cr0 & X86_CR0_PG ? 0 : -EOPNOTSUPP;
}

int mmu_walk(kva_t va, unsigned int access, struct mmu_walk_result *res)
{
	struct arch_cpu *cpu = arch_cpu_current();

	if (cpu)
		return arch_mmu_walk(cpu->machine, va, access, res);
	memset(res, 0, sizeof(*res));
	return -ENODEV;
}
