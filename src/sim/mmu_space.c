/* SPDX-License-Identifier: MIT */
/*
 * What the registers amount to. A CPU computes it when a register changes, not at each access: the
 * mode's table of levels, bits that are reserved everywhere, and who may do what.
 *
 * Rights. Section 4.6 judges an access by R/W, U/S and NX of all entries together, the registers,
 * and the page's protection key. There are 8 × 16 combinations of rights and accesses and 16 × 16
 * of keys and accesses: two small tables of bits answer each. The fourth bit of a row is not the
 * manual's: a TLB entry whose D bit was not seen set lets no write pass, so that a walk sets it.
 */
#include "sim/mmu.h"

#include <errno.h>
#include <string.h>

/* Section 4.6.1: what R/W, U/S and NX of all entries say to @access. */
static bool rights_allow(const struct mmu_regs *regs, unsigned int access, unsigned int rights)
{
	bool by_user = access & MMU_USER;
	bool user = rights & MMU_RIGHT_US;

	if (by_user && !user)
		return false;
	if (access & MMU_FETCH) {
		if (!by_user && user && regs->cr4 & X86_CR4_SMEP)
			return false;
		return !(rights & MMU_RIGHT_NX);
	}
	if (!by_user && user && regs->cr4 & X86_CR4_SMAP && !(access & MMU_AC))
		return false;
	if (access & MMU_WRITE)
		return rights & MMU_RIGHT_RW || (!by_user && !(regs->cr0 & X86_CR0_WP));
	return true;
}

/* Section 4.6.2: protection keys, on data accesses to user-mode addresses only. */
static bool key_allows(const struct mmu_regs *regs, unsigned int access, unsigned int key)
{
	bool access_disabled = regs->pkru >> (2 * key) & 1;
	bool write_disabled = regs->pkru >> (2 * key + 1) & 1;

	if (access & MMU_FETCH)
		return true;
	if (access_disabled)
		return false;
	if (!(access & MMU_WRITE) || !write_disabled)
		return true;
	return !(access & MMU_USER) && !(regs->cr0 & X86_CR0_WP);
}

static void make_tables(struct mmu_space *space)
{
	memset(space->allows, 0, sizeof(space->allows));
	memset(space->key_allows, 0, sizeof(space->key_allows));
	for (unsigned int access = 0; access < MMU_NR_ACCESSES; access++) {
		uint16_t bit = (uint16_t)(1u << access);

		if (access & MMU_WRITE && access & MMU_FETCH)
			continue;
		for (unsigned int rights = 0; rights < MMU_NR_RIGHTS; rights++) {
			bool dirty = rights & MMU_RIGHT_DIRTY || !(access & MMU_WRITE);

			if (dirty && rights_allow(&space->regs, access, rights))
				space->allows[rights] |= bit;
		}
		for (unsigned int key = 0; key < MMU_NO_KEY; key++) {
			if (key_allows(&space->regs, access, key))
				space->key_allows[key] |= bit;
		}
		space->key_allows[MMU_NO_KEY] |= bit;
	}
}

static MMU_UNWATCHED uint64_t read_pdpte(const struct machine *m, phys_addr_t phys)
{
	const arch_u64 *entry = mmu_phys(m, phys, sizeof(*entry));

	return entry ? __atomic_load_n(entry, __ATOMIC_ACQUIRE) : UINT64_MAX;
}

/* Section 4.4.1: all four at once; one that is present with a reserved bit set is #GP(0). */
static int load_pdptes(struct mmu_space *space, const struct machine *m)
{
	for (unsigned int i = 0; i < 4; i++) {
		uint64_t value = read_pdpte(m, space->root + i * sizeof(value));

		if (value & X86_PTE_P && value & (X86_PDPTE_RSVD | X86_PTE_NX | space->reserved))
			return -EFAULT;
		space->pdpte[i] = value;
	}
	return 0;
}

int mmu_space_init(struct mmu_space *space, const struct machine *m, const struct mmu_regs *regs,
		   const struct mmu_space *keep, const char **why)
{
	const struct mmu_format *format = mmu_format_of(regs, why);

	memset(space, 0, sizeof(*space));
	space->regs = *regs;
	space->maxphyaddr = m->desc.maxphyaddr;
	if (!format)
		return -EOPNOTSUPP;
	space->format = format;
	space->root = regs->cr3 & format->cr3_mask;
	space->va_mask = format->va_bits == 32 ? UINT32_MAX : UINT64_MAX;
	if (format->nx && !(regs->efer & X86_EFER_NXE))
		space->reserved |= X86_PTE_NX;
	if (space->maxphyaddr <= format->phys_top)
		space->reserved |= BITS(format->phys_top, space->maxphyaddr);
	space->reserved_large = format->entry_size == 4 ? mmu_pse36_reserved(space->maxphyaddr) : 0;
	if (format->va_bits != 32 && regs->cr4 & X86_CR4_PCIDE)
		space->pcid = (uint16_t)(regs->cr3 & X86_CR3_PCID_MASK);
	make_tables(space);
	/* Section 4.5: CR3's bits from MAXPHYADDR up are reserved. */
	if (format->va_bits != 32 && regs->cr3 >> space->maxphyaddr)
		return -EFAULT;
	if (!format->levels[0].in_register)
		return 0;
	if (!keep)
		return load_pdptes(space, m);
	memcpy(space->pdpte, keep->pdpte, sizeof(space->pdpte));
	return 0;
}

unsigned int mmu_key_of(const struct mmu_space *space, uint64_t leaf, unsigned int rights)
{
	if (!space->format->keys || !(space->regs.cr4 & X86_CR4_PKE) || !(rights & MMU_RIGHT_US))
		return MMU_NO_KEY;
	return (unsigned int)((leaf & X86_PTE_PK_MASK) >> X86_PTE_PK_SHIFT);
}

uint32_t mmu_error_code(const struct mmu_space *space, unsigned int access, uint32_t why)
{
	const struct mmu_regs *regs = &space->regs;
	bool nxe = space->format->nx && regs->efer & X86_EFER_NXE;

	if (access & MMU_WRITE)
		why |= X86_PF_WRITE;
	if (access & MMU_USER)
		why |= X86_PF_USER;
	if (access & MMU_FETCH && (nxe || regs->cr4 & X86_CR4_SMEP))
		why |= X86_PF_INSTR;
	return why;
}
