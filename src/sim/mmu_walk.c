/* SPDX-License-Identifier: MIT */
/*
 * The page walker: what the hardware does with a linear address. It reads and writes words of
 * simulated physical memory and knows nothing of who made the tables, nor of TLBs.
 *
 *	CR3 -> table      index bits of the address choose an entry
 *	entry             not present: fault. A reserved bit set: fault. A leaf: the end
 *	                  otherwise its frame is the next level's table
 *	leaf              the rights of all entries together (R/W and U/S: and; NX: or) against
 *	                  the access; then accessed and dirty bits; then the frame and the
 *	                  address's rest
 *
 * The loop is the same for all modes: what differs stands in struct mmu_format.
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
 * Source: Intel SDM volume 3A, chapter 4: 4.3 to 4.5 walk, 4.6 rights, 4.7 error code, 4.8 A and D.
 */
#include "sim/mmu.h"

#include <errno.h>

/* --- physical memory -------------------------------------------------------------------------- */

static bool is_ram(const struct machine_desc *desc, phys_addr_t phys, uint64_t size)
{
	unsigned int low = 0, high = desc->nr_ram;

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

void *mmu_phys(const struct machine *m, phys_addr_t phys, uint64_t size)
{
	uint64_t in_tables = phys - m->pub.table_start;
	bool there;

	if (in_tables < m->pub.table_size)
		there = m->pub.table_size - in_tables >= size;
	else
		there = is_ram(&m->desc, phys, size);
	return there ? m->pub.ram + phys : NULL;
}

#ifdef ARCH_ASAN
MMU_UNWATCHED void mmu_copy(void *to, const void *from, size_t size)
{
	volatile char *d = to;
	const volatile char *s = from;

	while (size--)
		*d++ = *s++;
}
#endif

/* Nothing answers where there is no memory: the bus floats high. */
static MMU_UNWATCHED uint64_t read_entry(const struct machine *m, unsigned int size,
					 phys_addr_t phys)
{
	const void *entry = mmu_phys(m, phys, size);

	if (!entry)
		return size == 4 ? UINT32_MAX : UINT64_MAX;
	if (size == 4)
		return __atomic_load_n((const uint32_t *)entry, __ATOMIC_ACQUIRE);
	return __atomic_load_n((const arch_u64 *)entry, __ATOMIC_ACQUIRE);
}

/* Set @bits in the entry at @phys, which was @seen. False: it is something else now. */
static MMU_UNWATCHED bool set_bits(const struct machine *m, unsigned int size, phys_addr_t phys,
				   uint64_t seen, uint64_t bits)
{
	void *entry = mmu_phys(m, phys, size);
	uint32_t seen32 = (uint32_t)seen;

	/* A write to where there is no memory goes nowhere. */
	if (!entry)
		return true;
	if (size == 4)
		return __atomic_compare_exchange_n((uint32_t *)entry, &seen32,
						   (uint32_t)(seen | bits), false, __ATOMIC_ACQ_REL,
						   __ATOMIC_RELAXED);
	return __atomic_compare_exchange_n((arch_u64 *)entry, &seen, seen | bits, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* --- the walk --------------------------------------------------------------------------------- */

/* A walk under way. */
struct walk {
	const struct machine *m;
	const struct mmu_space *space;
	const struct mmu_format *format;
	unsigned int access;
	struct mmu_walk_result *res;
};

/* Everything but the entries, which are filled as they are read. */
static void begin(const struct mmu_start *start, kva_t va, struct mmu_walk_result *res)
{
	res->va = va;
	res->trap = 0;
	res->error_code = 0;
	res->cr2 = 0;
	res->at_cr3 = false;
	res->phys = 0;
	res->page_shift = 0;
	res->writable = start->rights & MMU_RIGHT_RW;
	res->user = start->rights & MMU_RIGHT_US;
	res->executable = !(start->rights & MMU_RIGHT_NX);
	res->global = false;
	res->nr_entries = start->level;
}

static int fault_gp(struct mmu_walk_result *res)
{
	res->trap = X86_TRAP_GP;
	return -EFAULT;
}

static int fault_page(const struct walk *w, uint32_t why)
{
	w->res->trap = X86_TRAP_PF;
	w->res->cr2 = w->res->va;
	w->res->error_code = mmu_error_code(w->space, w->access, why);
	return -EFAULT;
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

static uint64_t reserved_in(const struct walk *w, const struct mmu_level *level, bool leaf)
{
	if (!leaf)
		return w->space->reserved | level->reserved;
	if (level->shift == X86_PGD32_SHIFT)
		return w->space->reserved_large;
	return w->space->reserved | level->reserved_leaf;
}

static void read_level(const struct walk *w, unsigned int i, phys_addr_t table)
{
	const struct mmu_level *level = &w->format->levels[i];
	struct mmu_walk_entry *e = &w->res->entries[i];
	uint64_t index = (w->res->va >> level->shift) & BITS(level->index_bits - 1, 0);

	e->name = level->name;
	e->shift = level->shift;
	e->addr = table + index * w->format->entry_size;
	e->value = level->in_register ? w->space->pdpte[index] :
					read_entry(w->m, w->format->entry_size, e->addr);
	w->res->nr_entries = i + 1;
}

/* Read the entry of level @i in the table at @table. 1: a leaf; 0: go on; -EFAULT. */
static int step(const struct walk *w, unsigned int i, phys_addr_t table)
{
	const struct mmu_level *level = &w->format->levels[i];
	uint64_t value;
	bool leaf;

	read_level(w, i, table);
	value = w->res->entries[i].value;
	if (!(value & X86_PTE_P))
		return fault_page(w, 0);
	/* Whether a register's reserved bits are 0 was seen when it was loaded. */
	if (level->in_register)
		return 0;
	leaf = is_leaf(w, i, value);
	if (value & reserved_in(w, level, leaf))
		return fault_page(w, X86_PF_PROT | X86_PF_RSVD);
	add_rights(w->res, value);
	return leaf;
}

/* From the start to the leaf. 0 or -EFAULT. */
static int descend(const struct walk *w, const struct mmu_start *start)
{
	phys_addr_t table = start->table;

	for (unsigned int i = start->level; i < w->format->nr_levels; i++) {
		int ret = step(w, i, table);

		if (ret)
			return ret < 0 ? ret : 0;
		table = w->res->entries[i].value & w->format->addr_mask;
	}
	return 0;
}

static int check_rights(const struct walk *w)
{
	uint64_t leaf = w->res->entries[w->res->nr_entries - 1].value;
	unsigned int rights = mmu_rights_of(w->res);
	uint32_t why = mmu_refusal(w->space, w->access, rights, mmu_key_of(w->space, leaf, rights));

	return why ? fault_page(w, why) : 0;
}

/* Section 4.8. False: an entry changed under the walk. */
static bool set_accessed(const struct walk *w, unsigned int first)
{
	unsigned int last = w->res->nr_entries - 1;

	for (unsigned int i = first; i <= last; i++) {
		struct mmu_walk_entry *e = &w->res->entries[i];
		uint64_t bits = X86_PTE_A;

		if (w->format->levels[i].in_register)
			continue;
		if (i == last && w->access & MMU_WRITE)
			bits |= X86_PTE_D;
		if ((e->value & bits) == bits)
			continue;
		if (!set_bits(w->m, w->format->entry_size, e->addr, e->value, bits))
			return false;
		e->value |= bits;
	}
	return true;
}

static void finish(const struct walk *w)
{
	const struct mmu_walk_entry *leaf = &w->res->entries[w->res->nr_entries - 1];
	uint64_t rest = BITS(leaf->shift - 1, 0);
	phys_addr_t frame = leaf->value & w->format->addr_mask & ~rest;

	if (leaf->shift == X86_PGD32_SHIFT)
		frame = mmu_pse36_frame(leaf->value);
	w->res->page_shift = leaf->shift;
	w->res->global = leaf->value & X86_PTE_G;
	w->res->phys = frame | (w->res->va & rest);
}

int mmu_walk_from(const struct machine *m, const struct mmu_space *space,
		  const struct mmu_start *start, kva_t va, unsigned int access,
		  struct mmu_walk_result *res)
{
	const struct walk w = {m, space, space->format, access, res};
	int ret;

	do {
		begin(start, va, res);
		ret = descend(&w, start);
		if (!ret)
			ret = check_rights(&w);
		if (ret)
			return ret;
	} while (!(access & MMU_PROBE) && !set_accessed(&w, start->level));
	finish(&w);
	return 0;
}

int mmu_walk_space(const struct machine *m, const struct mmu_space *space, kva_t va,
		   unsigned int access, struct mmu_walk_result *res)
{
	const struct mmu_start top = {0, space->root, MMU_RIGHT_RW | MMU_RIGHT_US};

	va &= space->va_mask;
	if (mmu_is_canonical(space->format, va))
		return mmu_walk_from(m, space, &top, va, access, res);
	begin(&top, va, res);
	return fault_gp(res);
}
