/* SPDX-License-Identifier: MIT */
/*
 * A thread's context: one word with Linux's three counts, a flag for interrupts, and the depth of
 * its RCU read sections. The words live behind the door (arch_context()), since they belong to the
 * thread and not to a machine; their meaning is here.
 *
 * The door is told when the thread enters an atomic context and when it leaves it. In between the
 * thread gets nowhere by a fast path, so a guard in the slow paths (context.h) sees every call, and
 * the fast paths pay nothing for it.
 *
 * Each call that is wrong is reported, once: what it calls in turn is silent (arch_context.calls).
 * Linux says such things at most once a second; without a clock that cannot be.
 */
#include "lib/context.h"

#include "lib/kernel.h"
#include "lib/kfmt.h"
#include "lib/report.h"

#define TEXT_MAX_LEN 4096

static struct kernel *current_kernel(void)
{
	return arch_cpu_ptr->kernel;
}

/* --- counts ----------------------------------------------------------------------------------- */

static void count_up(const char *what, unsigned int step, unsigned int mask)
{
	struct arch_context *c = arch_context();

	if (unlikely((c->preempt_count & mask) + step > mask)) {
		report_bug(current_kernel(), "%s: nested too deep, preempt_count %#x", what,
			   c->preempt_count);
		return;
	}
	c->preempt_count += step;
	arch_context_changed();
}

static void count_down(const char *what, unsigned int step, unsigned int mask)
{
	struct arch_context *c = arch_context();

	if (unlikely((c->preempt_count & mask) < step)) {
		report_bug(current_kernel(), "%s: nothing to end, preempt_count %#x", what,
			   c->preempt_count);
		return;
	}
	c->preempt_count -= step;
	arch_context_changed();
}

void preempt_disable(void)
{
	count_up("preempt_disable", PREEMPT_OFFSET, PREEMPT_MASK);
}

void preempt_enable(void)
{
	count_down("preempt_enable", PREEMPT_OFFSET, PREEMPT_MASK);
}

void local_bh_disable(void)
{
	count_up("local_bh_disable", SOFTIRQ_DISABLE_OFFSET, SOFTIRQ_MASK);
}

void local_bh_enable(void)
{
	count_down("local_bh_enable", SOFTIRQ_DISABLE_OFFSET, SOFTIRQ_MASK);
}

void irq_enter(void)
{
	count_up("irq_enter", HARDIRQ_OFFSET, HARDIRQ_MASK);
}

void irq_exit(void)
{
	count_down("irq_exit", HARDIRQ_OFFSET, HARDIRQ_MASK);
}

unsigned int context_softirq_enter(void)
{
	unsigned int calls = context_callback_enter();

	count_up("softirq", SOFTIRQ_OFFSET, SOFTIRQ_MASK);
	return calls;
}

void context_softirq_exit(unsigned int calls)
{
	count_down("softirq", SOFTIRQ_OFFSET, SOFTIRQ_MASK);
	context_callback_exit(calls);
}

static void set_irqs_disabled(bool off)
{
	arch_context()->irqs_disabled = off;
	arch_context_changed();
}

void local_irq_disable(void)
{
	set_irqs_disabled(true);
}

void local_irq_enable(void)
{
	set_irqs_disabled(false);
}

/* --- scopes ----------------------------------------------------------------------------------- */

unsigned int memalloc_nofs_save(void)
{
	return context_flags_save(PF_MEMALLOC_NOFS);
}

void memalloc_nofs_restore(unsigned int flags)
{
	context_flags_restore(PF_MEMALLOC_NOFS, flags);
}

unsigned int memalloc_noio_save(void)
{
	return context_flags_save(PF_MEMALLOC_NOIO);
}

void memalloc_noio_restore(unsigned int flags)
{
	context_flags_restore(PF_MEMALLOC_NOIO, flags);
}

unsigned int memalloc_noreclaim_save(void)
{
	return context_flags_save(PF_MEMALLOC);
}

void memalloc_noreclaim_restore(unsigned int flags)
{
	context_flags_restore(PF_MEMALLOC, flags);
}

gfp_t current_gfp_context(gfp_t gfp)
{
	unsigned int flags = arch_context()->flags;

	if (flags & PF_MEMALLOC_NOIO)
		gfp &= ~(__GFP_IO | __GFP_FS);
	else if (flags & PF_MEMALLOC_NOFS)
		gfp &= ~__GFP_FS;
	return gfp;
}

/* --- questions -------------------------------------------------------------------------------- */

bool irqs_disabled(void)
{
	return arch_context()->irqs_disabled;
}

unsigned int preempt_count(void)
{
	return arch_context()->preempt_count;
}

bool in_hardirq(void)
{
	return preempt_count() & HARDIRQ_MASK;
}

bool in_softirq(void)
{
	return preempt_count() & SOFTIRQ_MASK;
}

bool in_interrupt(void)
{
	return preempt_count() & (HARDIRQ_MASK | SOFTIRQ_MASK);
}

bool in_task(void)
{
	return !(preempt_count() & (HARDIRQ_MASK | SOFTIRQ_OFFSET));
}

bool in_atomic(void)
{
	return preempt_count();
}

/* --- sleeping --------------------------------------------------------------------------------- */

/* The kernel's lines; where it prints a file and a line, a call of the library prints its name. */
static noinline void report_sleep(const struct arch_context *c, const char *where,
				  unsigned int skip)
{
	char text[TEXT_MAX_LEN], comm[32];
	struct seq_file m;
	int tid;

	arch_thread_name(comm, sizeof(comm), &tid);
	seq_init_buf(&m, text, sizeof(text));
	seq_printf(&m, "BUG: sleeping function called from invalid context at %s\n", where);
	seq_printf(&m, "in_atomic(): %d, irqs_disabled(): %d, non_block: 0, pid: %d, name: %s\n",
		   c->preempt_count != 0, c->irqs_disabled, tid, comm);
	seq_printf(&m, "preempt_count: %x, expected: 0\n", c->preempt_count);
	seq_printf(&m, "RCU nest depth: %u, expected: 0\n", c->rcu_depth);
	report_put_caller(&m, skip);
	report_mark_cut(&m);
	report_text(current_kernel(), MACHINE_WARN, text);
}

static bool may_sleep(const struct arch_context *c)
{
	return (!c->preempt_count && !c->irqs_disabled && !c->rcu_depth) || c->calls;
}

noinline void context_might_sleep_slow(const char *what)
{
	const struct arch_context *c = arch_context();

	if (!may_sleep(c))
		report_sleep(c, what, 2);
}

void __might_sleep(const char *file, int line)
{
	const struct arch_context *c = arch_context();
	char where[200];

	if (likely(may_sleep(c)))
		return;
	ksnprintf(where, sizeof(where), "%s:%d", file, line);
	report_sleep(c, where, 2);
}
