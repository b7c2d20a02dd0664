/* SPDX-License-Identifier: MIT */
/*
 * A thread's context: counters that the kernel part keeps here, and what follows from them for the
 * fast paths.
 *
 * The fast entry looks at one word, the claim of the CPU that arch_cpu_ptr points at. A thread in
 * an atomic context points at a stand-in instead, with the same constants and a claim of its own:
 *
 *	attached?   atomic?    arch_cpu_ptr
 *	no          –          arch_cpu_none
 *	yes         no         the CPU
 *	yes         yes        sim_local.stand_in
 *
 * So the fast paths fail for as long as the context lasts, and everything comes to the slow entry,
 * which knows the CPU by the thread's record. The CPU's state does not change: its owner is inside
 * by the lock, as it may be at any time (cpu.c).
 */
#include "sim/process.h"

_Thread_local struct sim_local sim_local;

struct arch_context *arch_context(void)
{
	return &sim_local.context;
}

static bool is_atomic(const struct arch_context *c)
{
	return c->preempt_count || c->irqs_disabled || c->rcu_depth;
}

struct arch_cpu *context_attach(struct arch_cpu *cpu)
{
	struct arch_cpu *s = &sim_local.stand_in;

	s->claim = ARCH_CLAIM_ATOMIC;
	s->id = cpu->id;
	s->node = cpu->node;
	s->kernel = cpu->kernel;
	s->machine = cpu->machine;
	s->ram = cpu->ram;
	s->ram_size = cpu->ram_size;
	s->memmap = cpu->memmap;
	return is_atomic(&sim_local.context) ? s : cpu;
}

void arch_context_changed(void)
{
	struct sim_thread *t = sim_local.thread;

	if (likely(t && t->cpu))
		arch_cpu_ptr = is_atomic(&sim_local.context) ? &sim_local.stand_in : t->cpu;
}
