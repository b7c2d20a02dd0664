/* SPDX-License-Identifier: MIT */
/*
 * mmu_read, mmu_write, mmu_fetch: memory as instructions see it.
 *
 * The fast path is one lookup in the TLB's first level and a copy, in the CPU's section. Whatever is
 * not that goes the slow way: a miss, a page border, rights that do not allow it, no memory behind
 * it.
 *
 * An access of up to MMU_ACCESS_MAX bytes touches two pages at most. Both are translated before a
 * byte moves, so it happens as a whole or not at all. The bytes move within the section: whoever
 * invalidates a page on all CPUs (mmu_shootdown) then knows that no access to it is under way.
 *
 * A device's bytes are calls of the program's functions, which may do anything: they come after the
 * section. So a device may be asked once more after a shoot-down of its addresses; who takes it away
 * waits for its users anyway (kmem/io.h).
 *
 * The page-fault handler is called outside the section. It may do anything, so the thread may be on
 * another CPU when it returns, and the access begins anew.
 */
#include "sim/mmu.h"

#include <errno.h>
#include <string.h>

static __always_inline void copy_bytes(char *to, const char *from, size_t size)
{
	if (size == 8)
		mmu_copy(to, from, 8);
	else if (size == 4)
		mmu_copy(to, from, 4);
	else
		mmu_copy(to, from, size);
}

/* @buf is the caller's, @host what the page is in the host. */
static __always_inline void copy(unsigned int access, char *buf, char *host, size_t size)
{
	bool write = access & MMU_WRITE;

	copy_bytes(write ? host : buf, write ? buf : host, size);
}

/* --- the slow way ----------------------------------------------------------------------------- */

/* How much of @size bytes a device is asked for at once: all if that is a register's width, else
 * the widest aligned register. */
static unsigned int bus_width(phys_addr_t phys, size_t size)
{
	unsigned int width = 8;

	if (size <= 8 && !(size & (size - 1)))
		return (unsigned int)size;
	while (width > size || phys & (width - 1))
		width /= 2;
	return width;
}

static bool ask_device(const struct machine *m, unsigned int access, char *buf, phys_addr_t phys,
		       unsigned int width)
{
	uint64_t value = 0;

	if (access & MMU_WRITE) {
		memcpy(&value, buf, width);
		return arch_device_write(&m->pub, phys, width, value);
	}
	if (!arch_device_read(&m->pub, phys, width, &value))
		return false;
	memcpy(buf, &value, width);
	return true;
}

/* False: neither memory nor a device has all of it. */
static bool copy_bus(const struct machine *m, unsigned int access, char *buf, phys_addr_t phys,
		     unsigned int width)
{
	char *host = mmu_phys(m, phys, width);

	if (!host)
		return ask_device(m, access, buf, phys, width);
	copy(access, buf, host, width);
	return true;
}

/* Not all of it is memory. Outside the CPU's section. */
static void copy_phys(const struct machine *m, unsigned int access, char *buf, phys_addr_t phys,
		      size_t size)
{
	while (size) {
		unsigned int width = bus_width(phys, size);

		/* Across an edge byte by byte. Nobody answers: the bus floats high. */
		if (!copy_bus(m, access, buf, phys, width)) {
			width = 1;
			if (!copy_bus(m, access, buf, phys, 1) && !(access & MMU_WRITE))
				*buf = (char)0xff;
		}
		buf += width;
		phys += width;
		size -= width;
	}
}

struct part {
	char *host;		/* NULL: by phys, after the section */
	phys_addr_t phys;
	size_t size;
};

static bool translate_part(struct mmu_cpu *mmu, const struct machine *m, kva_t va,
			   unsigned int access, struct part *part, struct mmu_outcome *out)
{
	const struct tlb_entry *e = mmu_translate(mmu, m, va, access, out);

	if (!e)
		return false;
	part->phys = e->frame + mmu_offset_in(e, va);
	/* A large page may be memory in part. */
	part->host = e->host ? e->host + mmu_offset_in(e, va) :
			       mmu_phys(m, part->phys, part->size);
	return true;
}

static int fault_gp(struct mmu_outcome *out)
{
	out->trap = X86_TRAP_GP;
	return -EFAULT;
}

/* One access of @size bytes, in at most two pages, in the CPU's section. 0 or -EFAULT. */
static int access_once(struct mmu_cpu *mmu, const struct machine *m, kva_t va,
		       unsigned int access, char *buf, size_t size, struct part *parts,
		       struct mmu_outcome *out)
{
	const struct mmu_format *format = mmu->space.format;
	uint64_t in_first = PAGE_SIZE - (va & ~PAGE_MASK);
	kva_t second = (va + in_first) & mmu->space.va_mask;

	parts[0].size = size < in_first ? size : in_first;
	parts[1].size = size - parts[0].size;
	va &= mmu->space.va_mask;
	if (!mmu_is_canonical(format, va))
		return fault_gp(out);
	/* An operand is judged as a whole, instruction bytes as they are fetched. */
	if (parts[1].size && !(access & MMU_FETCH) && !mmu_is_canonical(format, second))
		return fault_gp(out);
	if (!translate_part(mmu, m, va, access, &parts[0], out))
		return -EFAULT;
	if (parts[1].size && !mmu_is_canonical(format, second))
		return fault_gp(out);
	if (parts[1].size && !translate_part(mmu, m, second, access, &parts[1], out))
		return -EFAULT;
	for (unsigned int i = 0; i < 2 && parts[i].size; i++) {
		if (parts[i].host)
			copy(access, buf, parts[i].host, parts[i].size);
		buf += parts[i].size;
		if (!out->done)
			out->phys[i] = parts[i].phys;
	}
	return 0;
}

static int enter_and_access(kva_t va, unsigned int access, char *buf, size_t size,
			    struct mmu_outcome *out)
{
	struct part parts[2] = {{.size = 0}};
	struct mmu_hold hold = mmu_enter();
	const struct machine *m;
	struct mmu_cpu *mmu;
	int ret;

	if (!hold.cpu)
		return -ENODEV;
	m = machine_of(hold.cpu->machine);
	mmu = mmu_cpu_of(hold.cpu);
	if (!mmu)
		ret = -ENOMEM;
	else if (!mmu->space.format)
		ret = -EOPNOTSUPP;
	else
		ret = access_once(mmu, m, va, access, buf, size, parts, out);
	mmu_leave(hold);
	for (unsigned int i = 0; !ret && i < 2 && parts[i].size; i++) {
		if (!parts[i].host)
			copy_phys(m, access, buf, parts[i].phys, parts[i].size);
		buf += parts[i].size;
	}
	return ret;
}

/* Whether somebody mended the fault. */
static bool handle_fault(const struct mmu_outcome *out, unsigned int access)
{
	struct arch_cpu *cpu = arch_cpu_current();
	struct mmu_page_fault fault = {out->cr2, out->error_code, access};
	struct mmu_hook *hook;
	mmu_fault_fn *fn;
	void *arg;

	if (!cpu)
		return false;
	hook = &machine_of(cpu->machine)->mmu_hook;
	sim_lock(&hook->lock);
	fn = hook->fn;
	arg = hook->arg;
	sim_unlock(&hook->lock);
	return fn && fn(&fault, arg);
}

/* Where the next piece ends: small accesses are one, large ones go page by page. */
static size_t piece(kva_t va, size_t size, size_t left)
{
	size_t in_page = PAGE_SIZE - (va & ~PAGE_MASK);

	return size <= MMU_ACCESS_MAX || left < in_page ? left : in_page;
}

static noinline int access_slow(kva_t va, char *buf, size_t size, unsigned int kind,
				unsigned int how, struct mmu_outcome *out)
{
	unsigned int access = kind | how;
	struct mmu_outcome unseen;
	int ret = 0;

	if (!out)
		out = &unseen;
	memset(out, 0, sizeof(*out));
	if (how & ~(MMU_USER | MMU_AC))
		return -EINVAL;
	while (!ret && out->done < size) {
		kva_t at = va + out->done;
		size_t n = piece(at, size, size - out->done);

		ret = enter_and_access(at, access, buf + out->done, n, out);
		if (!ret) {
			out->done += n;
		} else if (out->trap == X86_TRAP_PF && handle_fault(out, access)) {
			out->trap = 0;
			out->error_code = 0;
			out->cr2 = 0;
			ret = 0;
		}
	}
	return ret;
}

/* --- the fast path ---------------------------------------------------------------------------- */

static __always_inline bool is_fast(const struct mmu_cpu *mmu, const struct tlb_entry *e, kva_t va,
				    size_t size, unsigned int access)
{
	return mmu->space.allows[e->rights] & mmu->space.key_allows[e->key] & 1u << access &&
	       (va & ~PAGE_MASK) + size <= PAGE_SIZE && e->host;
}

static __always_inline struct tlb_entry *lookup(struct mmu_cpu *mmu, uint64_t want)
{
	struct tlb_entry *e = *tlb_hint(&mmu->tlb, want);

	if (unlikely(!tlb_matches(e, want)))
		return tlb_find_l1(&mmu->tlb, want, mmu->large_shift);
	return e;
}

static __always_inline int access_fast(kva_t va, char *buf, size_t size, unsigned int kind,
				       unsigned int how, struct mmu_outcome *out)
{
	struct arch_cpu *cpu = arch_cpu_tryenter();
	struct mmu_cpu *mmu;
	struct tlb_entry *e;

	if (unlikely(!cpu))
		return access_slow(va, buf, size, kind, how, out);
	mmu = mmu_of(cpu);
	if (unlikely(!mmu || how & ~(MMU_USER | MMU_AC) || !size || size > PAGE_SIZE))
		goto slow;
	e = lookup(mmu, tlb_want(va & mmu->space.va_mask, mmu->space.pcid));
	if (unlikely(!e || !is_fast(mmu, e, va, size, kind | how)))
		goto slow;
	tlb_mark_used(&mmu->tlb, e);
	copy(kind, buf, e->host + mmu_offset_in(e, va), size);
	if (out)
		*out = (struct mmu_outcome){.done = size, .phys = {e->frame + mmu_offset_in(e, va)}};
	arch_cpu_leave(cpu);
	return 0;
slow:
	arch_cpu_leave(cpu);
	return access_slow(va, buf, size, kind, how, out);
}

int mmu_read(kva_t va, void *to, size_t size, unsigned int how, struct mmu_outcome *out)
{
	return access_fast(va, to, size, MMU_READ, how, out);
}

int mmu_write(kva_t va, const void *from, size_t size, unsigned int how, struct mmu_outcome *out)
{
	return access_fast(va, (char *)(uintptr_t)from, size, MMU_WRITE, how, out);
}

int mmu_fetch(kva_t va, void *to, size_t size, unsigned int how, struct mmu_outcome *out)
{
	return access_fast(va, to, size, MMU_FETCH, how, out);
}

int mmu_set_fault_handler(mmu_fault_fn *fn, void *arg)
{
	struct arch_cpu *cpu = arch_cpu_current();
	struct mmu_hook *hook;

	if (!cpu)
		return -ENODEV;
	hook = &machine_of(cpu->machine)->mmu_hook;
	sim_lock(&hook->lock);
	hook->fn = fn;
	hook->arg = arg;
	sim_unlock(&hook->lock);
	return 0;
}
