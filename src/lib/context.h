/* SPDX-License-Identifier: MIT */
/*
 * What the kernel part asks of a thread's context (<kmem/context.h>), and how it guards calls that
 * may sleep.
 *
 * Where the guards stand: in slow paths, never in fast ones. A thread in an atomic context has no
 * fast paths (arch.h), so that every call of it comes by.
 */
#ifndef KMEM_LIB_CONTEXT_H
#define KMEM_LIB_CONTEXT_H

#include "arch.h"

#include <kmem/context.h>
#include <kmem/gfp.h>

#define PREEMPT_OFFSET 0x1u
#define SOFTIRQ_OFFSET 0x100u
#define SOFTIRQ_DISABLE_OFFSET 0x200u
#define HARDIRQ_OFFSET 0x10000u
#define PREEMPT_MASK 0xffu
#define SOFTIRQ_MASK 0xff00u
#define HARDIRQ_MASK 0xf0000u

/* arch_context.flags, by Linux's names and values: the thread is at work for reclaim (its requests may
 * use all reserves and never reclaim themselves); its requests are as without __GFP_IO, __GFP_FS. */
#define PF_MEMALLOC 0x800u
#define PF_RECLAIM 0x1u		/* ours: it runs shrinkers or out-of-memory notifiers */
#define PF_MEMALLOC_NOFS 0x40000u
#define PF_MEMALLOC_NOIO 0x80000u

/* Report that @what, which may sleep, was called in an atomic context, if it was. For threads that
 * are attached. */
void context_might_sleep_slow(const char *what);

static __always_inline void context_might_sleep(const char *what)
{
	if (unlikely(arch_in_atomic()))
		context_might_sleep_slow(what);
}

/* The same for an allocation: only flags with __GFP_DIRECT_RECLAIM may sleep. */
static __always_inline void context_might_alloc(gfp_t gfp, const char *what)
{
	if (unlikely(arch_in_atomic()) && (gfp & __GFP_DIRECT_RECLAIM))
		context_might_sleep_slow(what);
}

/* Begin and end a call whose right to sleep has been looked at: what it does inside says no more.
 * Nests. For any thread. */
static inline void context_begin_call(const char *what)
{
	struct arch_context *c = arch_context();

	if (unlikely(c->preempt_count || c->irqs_disabled || c->rcu_depth))
		context_might_sleep_slow(what);
	c->calls++;
}

/* The same for an allocation that consists of others. */
static inline void context_begin_alloc(gfp_t gfp, const char *what)
{
	if (gfp & __GFP_DIRECT_RECLAIM)
		context_begin_call(what);
	else
		arch_context()->calls++;
}

static inline void context_end_call(void)
{
	arch_context()->calls--;
}

/* Set @flags (PF_*) and put them back to what save returned. */
static inline unsigned int context_flags_save(unsigned int flags)
{
	struct arch_context *c = arch_context();
	unsigned int old = c->flags & flags;

	c->flags |= flags;
	return old;
}

static inline void context_flags_restore(unsigned int flags, unsigned int old)
{
	struct arch_context *c = arch_context();

	c->flags = (c->flags & ~flags) | (old & flags);
}

/* @gfp without what the thread's scopes (memalloc_nofs_save() and the like) forbid. */
gfp_t current_gfp_context(gfp_t gfp);

/* Around a function of the program's that is called in the middle of a request: what it does is a
 * call of its own. Enter returns what exit needs. */
static inline unsigned int context_callback_enter(void)
{
	struct arch_context *c = arch_context();
	unsigned int calls = c->calls;

	c->calls = 0;
	return calls;
}

static inline void context_callback_exit(unsigned int calls)
{
	arch_context()->calls = calls;
}

/* Around what runs as a softirq: the callbacks of RCU. What such a callback does is a call of its
 * own, wherever it runs: enter returns what exit needs. */
unsigned int context_softirq_enter(void);
void context_softirq_exit(unsigned int calls);

#endif
