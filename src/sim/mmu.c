/* SPDX-License-Identifier: MIT */
/*
 * A CPU's MMU: its registers, its TLB, and who may invalidate what.
 *
 *	mmu_format.c      the four paging modes as tables of levels
 *	mmu_space.c       what the registers amount to
 *	mmu_walk.c        a walk in memory
 *	tlb.c             caches of translations and of upper entries
 *	mmu_translate.c   an address through the TLB, or a walk
 *	mmu_access.c      reads, writes and fetches; page faults and their handler
 *
 * A CPU's MMU is made when a thread on it first uses it; until then the CPU runs with the registers
 * that boot has set, and its TLB is empty. Boot sets them once, before other threads know the machine.
 *
 * Invalidation (Intel SDM volume 3A, section 4.10.4.1):
 *
 *	                       this PCID     other PCIDs   global pages   upper entries
 *	INVLPG                 the page      -             the page       this PCID
 *	MOV to CR3             all           -             -              this PCID
 *	  with PCIDE, bit 63   -             -             -              -
 *	MOV to CR4: PGE, mode, all           all           all            all
 *	  PCIDE 1 to 0
 *	MOV to CR4: SMEP 0->1  all           -             -              this PCID
 *	INVPCID 0, 1, 2, 3     see mmu_invpcid()
 *	page fault             the page      -             the page       those of the address
 *
 * What an entry allows is judged by the registers at the time of the access: CR0.WP, CR4.SMAP and
 * PKRU take effect at once.
 *
 * Other CPUs. Hardware has no way to invalidate another CPU's TLB; kernels send an interrupt and wait
 * for the answer (a shoot-down). Here the sender claims the other CPU (cpu.c), which waits until it
 * is in no access, and invalidates in its place. A CPU whose MMU was never used needs no claim. It
 * cannot begin to use it unseen: it stores its pointer before it walks; the sender, who changed the
 * tables before, looks at the pointer after a full barrier. If that still is NULL, the walk comes
 * later and reads the changed tables. The same holds for a CPU that nobody was ever attached to, and
 * for the mark that somebody was.
 *
 * Locks: a CPU's MMU belongs to its section or a claim; the fault handler's hook has a lock of its
 * own, a leaf.
 */
#include "sim/mmu.h"
#include "sim/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More pages than this are not worth single invalidations: Linux's tlb_single_page_flush_ceiling. */
#define FLUSH_CEILING 33

/* --- life ------------------------------------------------------------------------------------- */

int mmu_create(struct machine *m, struct machine_error *err)
{
	m->tlb_geometry = calloc(1, sizeof(*m->tlb_geometry));
	m->mmu_space = calloc(1, sizeof(*m->mmu_space));
	if (!m->tlb_geometry || !m->mmu_space)
		return sim_error(err, -ENOMEM, "no host memory for the MMU");
	/* Resolving the description has seen that it can be read. */
	tlb_geometry_parse(m->tlb_geometry, m->desc.tlb);
	return 0;
}

/* CPUs' MMUs are the host pool's. */
void mmu_destroy(struct machine *m)
{
	free(m->tlb_geometry);
	free(m->mmu_space);
}

static unsigned int large_shift(const struct mmu_space *space)
{
	return space->format && space->format->entry_size == 4 ? X86_PGD32_SHIFT : X86_PMD_SHIFT;
}

static noinline struct mmu_cpu *make_mmu(struct arch_cpu *cpu)
{
	struct machine *m = machine_of(cpu->machine);
	struct mmu_cpu *mmu = arch_host_alloc(cpu->machine, sizeof(*mmu));

	if (!mmu)
		return NULL;
	if (tlb_init(&mmu->tlb, cpu->machine, m->tlb_geometry)) {
		arch_host_free(cpu->machine, mmu, sizeof(*mmu));
		return NULL;
	}
	mmu->space = *m->mmu_space;
	mmu->large_shift = large_shift(&mmu->space);
	/* A full barrier: see above. */
	(void)__atomic_exchange_n(&sim_cpu_of(cpu)->mmu, mmu, __ATOMIC_SEQ_CST);
	return mmu;
}

struct mmu_cpu *mmu_cpu_of(struct arch_cpu *cpu)
{
	struct mmu_cpu *mmu = mmu_of(cpu);

	return likely(mmu) ? mmu : make_mmu(cpu);
}

struct mmu_hold mmu_enter(void)
{
	struct arch_cpu *cpu = arch_cpu_tryenter();

	if (likely(cpu))
		return (struct mmu_hold){cpu, true};
	return (struct mmu_hold){arch_cpu_lock(), false};
}

void mmu_leave(struct mmu_hold hold)
{
	if (hold.fast)
		arch_cpu_leave(hold.cpu);
	else
		arch_cpu_unlock(hold.cpu);
}

/* The calling CPU's MMU, in its section. 0: @hold is to be left. */
static int enter_mmu(struct mmu_hold *hold, struct mmu_cpu **mmu)
{
	*hold = mmu_enter();
	if (!hold->cpu)
		return -ENODEV;
	*mmu = mmu_cpu_of(hold->cpu);
	if (*mmu)
		return 0;
	mmu_leave(*hold);
	return -ENOMEM;
}

/* --- the door ----------------------------------------------------------------------------------- */

void arch_mmu_set_regs(struct arch_machine *am, const struct mmu_regs *regs)
{
	struct machine *m = machine_of(am);
	const char *why;

	if (mmu_space_init(m->mmu_space, m, regs, NULL, &why))
		m->mmu_space->format = NULL;
}

static bool is_possible(unsigned int access)
{
	return !(access & MMU_WRITE && access & MMU_FETCH) && access < 2 * MMU_PROBE;
}

static int walk(const struct machine *m, const struct mmu_space *space, kva_t va,
		unsigned int access, struct mmu_walk_result *res)
{
	if (likely(is_possible(access) && space->format))
		return mmu_walk_space(m, space, va, access, res);
	memset(res, 0, sizeof(*res));
	return is_possible(access) ? -EOPNOTSUPP : -EINVAL;
}

/* @ret, which is why there was no walk if it is -EOPNOTSUPP. Outside the CPU's section: the log is
 * the program's code. */
static int explain(const struct arch_machine *am, int ret, const char *why)
{
	char line[120];

	if (ret != -EOPNOTSUPP)
		return ret;
	snprintf(line, sizeof(line), "mmu_walk: %s", why);
	arch_log(am, 3, line);
	return ret;
}

int arch_mmu_walk(const struct arch_machine *am, kva_t va, unsigned int access,
		  struct mmu_walk_result *res)
{
	const struct machine *m = machine_of(am);

	return explain(am, walk(m, m->mmu_space, va, access, res), "paging is off");
}

/* --- walks -------------------------------------------------------------------------------------- */

int mmu_walk(kva_t va, unsigned int access, struct mmu_walk_result *res)
{
	struct mmu_hold hold = mmu_enter();
	const struct mmu_cpu *mmu;
	const struct machine *m;
	int ret;

	if (!hold.cpu) {
		memset(res, 0, sizeof(*res));
		return -ENODEV;
	}
	m = machine_of(hold.cpu->machine);
	mmu = mmu_of(hold.cpu);
	/* Most programs never change a CPU's registers. */
	ret = walk(m, mmu ? &mmu->space : m->mmu_space, va, access, res);
	mmu_leave(hold);
	return explain(&m->pub, ret, "paging is off");
}

int mmu_walk_regs(const struct mmu_regs *regs, kva_t va, unsigned int access,
		  struct mmu_walk_result *res)
{
	struct arch_cpu *cpu = arch_cpu_current();
	const struct machine *m;
	struct mmu_space space;
	const char *why;
	int ret;

	memset(res, 0, sizeof(*res));
	if (!cpu)
		return -ENODEV;
	if (!is_possible(access))
		return -EINVAL;
	m = machine_of(cpu->machine);
	ret = mmu_space_init(&space, m, regs, NULL, &why);
	if (!ret)
		return mmu_walk_space(m, &space, va, access, res);
	if (ret == -EOPNOTSUPP)
		return explain(cpu->machine, ret, why);
	res->va = va;
	res->trap = X86_TRAP_GP;
	res->at_cr3 = true;
	return ret;
}

/* --- registers ---------------------------------------------------------------------------------- */

int mmu_get_regs(struct mmu_regs *regs)
{
	struct mmu_hold hold = mmu_enter();
	const struct mmu_cpu *mmu;

	memset(regs, 0, sizeof(*regs));
	if (!hold.cpu)
		return -ENODEV;
	mmu = mmu_of(hold.cpu);
	*regs = mmu ? mmu->space.regs : machine_of(hold.cpu->machine)->mmu_space->regs;
	mmu_leave(hold);
	return regs->cr0 & X86_CR0_PG ? 0 : -EOPNOTSUPP;
}

kva_t mmu_get_cr2(void)
{
	struct mmu_hold hold = mmu_enter();
	kva_t cr2 = 0;

	if (!hold.cpu)
		return 0;
	if (mmu_of(hold.cpu))
		cr2 = mmu_of(hold.cpu)->cr2;
	mmu_leave(hold);
	return cr2;
}

static void flush_all(struct mmu_cpu *mmu, bool global)
{
	tlb_drop_all(&mmu->tlb, global);
	mmu->counters.flushes++;
}

static void flush_pcid(struct mmu_cpu *mmu, uint16_t pcid)
{
	tlb_drop_pcid(&mmu->tlb, pcid);
	mmu->counters.flushes++;
}

/* What the change from @old to @mmu's registers invalidates. @load: CR3 was loaded, with @noflush. */
static void flush_for(struct mmu_cpu *mmu, const struct mmu_space *old, bool load, bool noflush)
{
	uint64_t set = mmu->space.regs.cr4 & ~old->regs.cr4;
	uint64_t cleared = old->regs.cr4 & ~mmu->space.regs.cr4;

	if (old->format != mmu->space.format || (set | cleared) & X86_CR4_PGE ||
	    cleared & X86_CR4_PCIDE) {
		flush_all(mmu, true);
		return;
	}
	if (set & X86_CR4_SMEP)
		flush_pcid(mmu, old->pcid);
	if (load && !noflush)
		flush_pcid(mmu, mmu->space.pcid);
}

static bool reloads_pdptes(const struct mmu_space *old, const struct mmu_regs *new, bool load)
{
	return load || !old->format || !old->format->levels[0].in_register ||
	       old->regs.cr0 != new->cr0 || old->regs.cr4 != new->cr4;
}

/* Section 4.10.1: PCIDs exist in 64-bit modes, and begin with CR3's bits 11…0 being 0. Registers that
 * change at once do so in the order that is allowed: CR3 may come before CR4 or after it. */
static bool pcide_is_good(const struct mmu_regs *old, const struct mmu_regs *new)
{
	bool begins = new->cr4 & ~old->cr4 & X86_CR4_PCIDE;

	if (new->cr4 & X86_CR4_PCIDE && !(new->efer & X86_EFER_LMA))
		return false;
	return !begins || !(old->cr3 & X86_CR3_PCID_MASK) || !(new->cr3 & X86_CR3_PCID_MASK);
}

static int change(struct mmu_cpu *mmu, const struct machine *m, const struct mmu_regs *regs,
		  bool load, bool noflush)
{
	struct mmu_space old = mmu->space;
	const char *why;
	int ret;

	if (!pcide_is_good(&old.regs, regs))
		return -EFAULT;
	ret = mmu_space_init(&mmu->space, m, regs, reloads_pdptes(&old, regs, load) ? NULL : &old,
			     &why);
	if (ret) {
		mmu->space = old;
		return ret;
	}
	mmu->large_shift = large_shift(&mmu->space);
	flush_for(mmu, &old, load, noflush);
	return 0;
}

int mmu_set_regs(const struct mmu_regs *regs)
{
	struct mmu_hold hold;
	struct mmu_cpu *mmu;
	int ret = enter_mmu(&hold, &mmu);

	if (ret)
		return ret;
	ret = change(mmu, machine_of(hold.cpu->machine), regs, regs->cr3 != mmu->space.regs.cr3,
		     false);
	mmu_leave(hold);
	return ret;
}

int mmu_load_cr3(uint64_t cr3)
{
	struct mmu_regs regs;
	struct mmu_hold hold;
	struct mmu_cpu *mmu;
	bool noflush = false;
	int ret = enter_mmu(&hold, &mmu);

	if (ret)
		return ret;
	regs = mmu->space.regs;
	if (regs.cr4 & X86_CR4_PCIDE) {
		noflush = cr3 & X86_CR3_NOFLUSH;
		cr3 &= ~X86_CR3_NOFLUSH;
	}
	regs.cr3 = cr3;
	ret = change(mmu, machine_of(hold.cpu->machine), &regs, true, noflush);
	mmu_leave(hold);
	return ret;
}

/* --- invalidation ------------------------------------------------------------------------------- */

static void drop_address(struct mmu_cpu *mmu, kva_t va, uint16_t pcid)
{
	tlb_drop_page(&mmu->tlb, tlb_want(va & mmu->space.va_mask, pcid), mmu->large_shift, true);
	mmu->counters.invalidated_pages++;
}

static void invlpg(struct mmu_cpu *mmu, kva_t va)
{
	drop_address(mmu, va, mmu->space.pcid);
	tlb_drop_tables(&mmu->tlb, mmu->space.pcid);
}

int mmu_invlpg(kva_t va)
{
	struct mmu_hold hold = mmu_enter();
	struct mmu_cpu *mmu;

	if (!hold.cpu)
		return -ENODEV;
	mmu = mmu_of(hold.cpu);
	if (mmu)
		invlpg(mmu, va);
	mmu_leave(hold);
	return 0;
}

/* One address of one PCID; global pages stay. */
static void drop_address_of(struct mmu_cpu *mmu, kva_t va, uint16_t pcid)
{
	tlb_drop_page(&mmu->tlb, tlb_want(va & mmu->space.va_mask, pcid), mmu->large_shift, false);
	tlb_drop_tables(&mmu->tlb, pcid);
	mmu->counters.invalidated_pages++;
}

static int invpcid(struct mmu_cpu *mmu, unsigned int type, unsigned int pcid, kva_t va)
{
	bool of_one = type == X86_INVPCID_ADDR || type == X86_INVPCID_SINGLE;

	if (type > X86_INVPCID_ALL || pcid > X86_CR3_PCID_MASK)
		return -EFAULT;
	if (of_one && pcid && !(mmu->space.regs.cr4 & X86_CR4_PCIDE))
		return -EFAULT;
	if (type == X86_INVPCID_ADDR && mmu->space.format &&
	    !mmu_is_canonical(mmu->space.format, va & mmu->space.va_mask))
		return -EFAULT;
	if (type == X86_INVPCID_ADDR)
		drop_address_of(mmu, va, (uint16_t)pcid);
	else if (type == X86_INVPCID_SINGLE)
		flush_pcid(mmu, (uint16_t)pcid);
	else
		flush_all(mmu, type == X86_INVPCID_ALL_GLOBAL);
	return 0;
}

int mmu_invpcid(unsigned int type, unsigned int pcid, kva_t va)
{
	struct mmu_hold hold;
	struct mmu_cpu *mmu;
	int ret = enter_mmu(&hold, &mmu);

	if (ret)
		return ret;
	ret = invpcid(mmu, type, pcid, va);
	mmu_leave(hold);
	return ret;
}

/* --- all CPUs ----------------------------------------------------------------------------------- */

static void flush_range(struct mmu_cpu *mmu, kva_t start, kva_t end)
{
	start -= start % PAGE_SIZE;
	if (end - start > FLUSH_CEILING * PAGE_SIZE) {
		flush_all(mmu, true);
		return;
	}
	for (; start < end; start += PAGE_SIZE)
		drop_address(mmu, start, mmu->space.pcid);
	tlb_drop_tables(&mmu->tlb, mmu->space.pcid);
}

void arch_mmu_flush_local(kva_t start, kva_t end)
{
	struct mmu_hold hold = mmu_enter();

	if (!hold.cpu)
		return;
	if (mmu_of(hold.cpu))
		flush_range(mmu_of(hold.cpu), start, end);
	mmu_leave(hold);
}

/* In place of the CPU that got the request. */
static void answer_request(const struct arch_machine *am, unsigned int id, kva_t start, kva_t end)
{
	struct arch_cpu *cpu = cpu_claim_under_locks(am, id);

	flush_range(mmu_of(cpu), start, end);
	mmu_of(cpu)->counters.shootdowns_received++;
	arch_cpu_unclaim(cpu);
}

static unsigned int send_requests(const struct arch_machine *am, unsigned int own, kva_t start,
				  kva_t end)
{
	unsigned int sent = 0;

	/* Between the tables and the marks of used CPUs. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (unsigned int id = 0; (id = arch_cpu_next_used(am, id)) < am->nr_cpus; id++) {
		struct sim_cpu *cpu = sim_cpu_of(arch_cpu_by_id(am, id));

		/* The add of nothing is a full barrier between the tables and the pointer. */
		if (id == own || !__atomic_fetch_add((uintptr_t *)&cpu->mmu, 0, __ATOMIC_SEQ_CST))
			continue;
		answer_request(am, id, start, end);
		sent++;
	}
	return sent;
}

void arch_mmu_flush(const struct arch_machine *am, kva_t start, kva_t end)
{
	struct arch_cpu *cpu = arch_cpu_current();
	struct mmu_hold hold;
	unsigned int sent;

	if (!cpu || start >= end)
		return;
	arch_mmu_flush_local(start, end);
	sent = send_requests(am, cpu->id, start, end);
	if (!sent)
		return;
	hold = mmu_enter();
	if (hold.cpu && mmu_cpu_of(hold.cpu))
		mmu_cpu_of(hold.cpu)->counters.shootdowns_sent += sent;
	if (hold.cpu)
		mmu_leave(hold);
}

int mmu_shootdown(kva_t start, kva_t end)
{
	struct arch_cpu *cpu = arch_cpu_current();

	if (!cpu)
		return -ENODEV;
	arch_mmu_flush(cpu->machine, start, end);
	return 0;
}

/* --- looking ------------------------------------------------------------------------------------ */

static void describe(const struct mmu_cpu *mmu, const struct tlb_entry *e,
		     struct mmu_tlb_translation *out)
{
	uint64_t pages = UINT64_MAX << e->shift;

	*out = (struct mmu_tlb_translation){
		.va = e->tag & pages,
		.phys = e->frame,
		.page_shift = e->shift,
		.level = e->array == TLB_L2 || e->array == TLB_L2_1G ? 2 : 1,
		.pcid = (uint16_t)(e->tag & TLB_PCID_MASK),
		.global = !(e->mask & TLB_PCID_MASK),
		.writable = e->rights & MMU_RIGHT_RW,
		.user = e->rights & MMU_RIGHT_US,
		.executable = !(e->rights & MMU_RIGHT_NX),
		.dirty = e->rights & MMU_RIGHT_DIRTY,
		.key = e->key == MMU_NO_KEY ? -1 : e->key,
	};
}

int mmu_tlb_peek(kva_t va, struct mmu_tlb_translation *out)
{
	struct mmu_hold hold = mmu_enter();
	const struct tlb_entry *e = NULL;
	const struct mmu_cpu *mmu;

	memset(out, 0, sizeof(*out));
	if (!hold.cpu)
		return -ENODEV;
	mmu = mmu_of(hold.cpu);
	if (mmu)
		e = tlb_peek(&mmu->tlb, tlb_want(va & mmu->space.va_mask, mmu->space.pcid),
			     mmu->large_shift);
	if (e)
		describe(mmu, e, out);
	mmu_leave(hold);
	return e != NULL;
}

static void read_counters(const struct mmu_cpu *mmu, struct mmu_counters *out)
{
	const struct tlb_array *arrays = mmu->tlb.arrays;

	*out = mmu->counters;
	out->hits_4k = arrays[TLB_4K].hits;
	out->hits_large = arrays[TLB_LARGE].hits;
	out->hits_1g = arrays[TLB_1G].hits;
	out->hits_l2 = arrays[TLB_L2].hits + arrays[TLB_L2_1G].hits;
	for (unsigned int i = 0; i < 4; i++)
		out->table_hits[i] = arrays[TLB_PDE + i].hits;
	for (unsigned int i = TLB_4K; i <= TLB_1G; i++)
		out->evictions += arrays[i].evictions;
	out->evictions_l2 = arrays[TLB_L2].evictions + arrays[TLB_L2_1G].evictions;
}

static void read_own_counters(struct mmu_counters *out)
{
	struct mmu_hold hold = mmu_enter();

	if (!hold.cpu)
		return;
	if (mmu_of(hold.cpu))
		read_counters(mmu_of(hold.cpu), out);
	mmu_leave(hold);
}

int mmu_get_counters(unsigned int id, struct mmu_counters *out)
{
	struct arch_cpu *cpu = arch_cpu_current();
	struct arch_cpu *other;

	memset(out, 0, sizeof(*out));
	if (!cpu)
		return -ENODEV;
	if (id >= cpu->machine->nr_cpus)
		return -EINVAL;
	if (id == cpu->id) {
		read_own_counters(out);
		return 0;
	}
	if (!mmu_of(arch_cpu_by_id(cpu->machine, id)))
		return 0;
	other = arch_cpu_claim(cpu->machine, id);
	read_counters(mmu_of(other), out);
	arch_cpu_unclaim(other);
	return 0;
}

/* --- physical memory ---------------------------------------------------------------------------- */

/* The host's address of all @size bytes at @phys. NULL with *@ret: there is no such memory. */
static char *phys_range(phys_addr_t phys, size_t size, int *ret)
{
	struct arch_cpu *cpu = arch_cpu_current();
	char *host;

	*ret = -ENODEV;
	if (!cpu)
		return NULL;
	host = mmu_phys(machine_of(cpu->machine), phys, size);
	*ret = host ? 0 : -EFAULT;
	return host;
}

int mmu_phys_read(phys_addr_t phys, void *to, size_t size)
{
	int ret;
	const char *host = phys_range(phys, size, &ret);

	if (!host)
		return ret;
	mmu_copy(to, host, size);
	return 0;
}

static MMU_UNWATCHED void store(char *host, const void *from, size_t size)
{
	uint64_t v8;
	uint32_t v4;

	if (size == 8 && !((uintptr_t)host & 7)) {
		memcpy(&v8, from, 8);
		__atomic_store_n((arch_u64 *)(void *)host, v8, __ATOMIC_RELEASE);
	} else if (size == 4 && !((uintptr_t)host & 3)) {
		memcpy(&v4, from, 4);
		__atomic_store_n((uint32_t *)(void *)host, v4, __ATOMIC_RELEASE);
	} else {
		mmu_copy(host, from, size);
	}
}

int mmu_phys_write(phys_addr_t phys, const void *from, size_t size)
{
	int ret;
	char *host = phys_range(phys, size, &ret);

	if (host)
		store(host, from, size);
	return ret;
}

int mmu_phys_clear(phys_addr_t phys, size_t size)
{
	int ret;
	char *host;

	if ((phys | size) & ~PAGE_MASK_64)
		return -EINVAL;
	host = phys_range(phys, size, &ret);
	if (host && size)
		arch_ram_discard(arch_cpu_current()->machine, phys >> PAGE_SHIFT,
				 size >> PAGE_SHIFT);
	return ret;
}
