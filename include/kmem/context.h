/* SPDX-License-Identifier: MIT */
/*
 * Contexts: where a thread may sleep and where it may not.
 *
 * A kernel knows by its own means that it is inside an interrupt; a program says so: irq_enter()
 * and irq_exit() stand around code that plays an interrupt handler, local_bh_disable() and
 * preempt_disable() mean what they mean in the kernel, and RCU callbacks (rcu.h) run as a softirq.
 * Nothing is really disabled and no other thread notices: these calls count, and what the count
 * forbids is reported.
 *
 * Forbidden in an atomic context (preempt_count() is not 0, interrupts are off, or the thread is in
 * an RCU read section) is whatever may sleep: an allocation with __GFP_DIRECT_RECLAIM, such as
 * GFP_KERNEL, making, shrinking or destroying a cache, synchronize_rcu(), and the like. The report
 * is a warning titled as in Linux, "BUG: sleeping function called from invalid context at …"; the
 * call then goes on, as it does there.
 *
 * The counts belong to the thread, whatever machine it has entered, and need no machine. All
 * functions here may be called by any thread in any context and never sleep. Behaviour: Linux
 * 6.1's preempt_count layout and, of its configurations, PREEMPT_RCU with DEBUG_ATOMIC_SLEEP: a
 * read section does not make in_atomic() true.
 */
#ifndef KMEM_CONTEXT_H
#define KMEM_CONTEXT_H

#include <kmem/types.h>

KMEM_BEGIN_DECLS

/**
 * preempt_disable - begin a section in which the thread may not sleep; sections nest
 *
 * Nested deeper than Linux's counter reaches (255) it is reported and not counted.
 */
KMEM_DECL(void, preempt_disable, (void));

/** preempt_enable - end a section of preempt_disable(); reported if there is none. */
KMEM_DECL(void, preempt_enable, (void));

/** local_bh_disable - begin a section without softirqs; nests up to 127 deep. */
KMEM_DECL(void, local_bh_disable, (void));

/** local_bh_enable - end it; reported if there is none. */
KMEM_DECL(void, local_bh_enable, (void));

/** irq_enter - begin to play an interrupt handler; nests up to 15 deep. */
KMEM_DECL(void, irq_enter, (void));

/** irq_exit - end it; reported if there is none. */
KMEM_DECL(void, irq_exit, (void));

/** local_irq_disable - interrupts off on this thread's CPU: no sleeping. Does not nest. */
KMEM_DECL(void, local_irq_disable, (void));

/** local_irq_enable - interrupts on again. */
KMEM_DECL(void, local_irq_enable, (void));

/** irqs_disabled - whether the thread has interrupts off. */
KMEM_DECL(bool, irqs_disabled, (void));

/**
 * preempt_count - the three counts as Linux packs them
 * Return: bits 0–7 preempt_disable(), 8–15 softirq (0x100 serving, 0x200 for each
 * local_bh_disable()), 16–19 irq_enter().
 */
KMEM_DECL(unsigned int, preempt_count, (void));

/** in_hardirq - whether the thread is between irq_enter() and irq_exit(). */
KMEM_DECL(bool, in_hardirq, (void));

/** in_softirq - whether it is in a softirq (an RCU callback) or has softirqs disabled. */
KMEM_DECL(bool, in_softirq, (void));

/** in_interrupt - in_hardirq() or in_softirq(). */
KMEM_DECL(bool, in_interrupt, (void));

/** in_task - neither in an interrupt nor serving a softirq; disabled softirqs are still a task. */
KMEM_DECL(bool, in_task, (void));

/** in_atomic - whether preempt_count() is not 0. */
KMEM_DECL(bool, in_atomic, (void));

/**
 * memalloc_nofs_save - begin a scope whose requests are all as without __GFP_FS
 *
 * For code that holds what a file system's shrinker would need: shrinkers are told so by the flags
 * they get (shrinker.h). Scopes nest: each restore gets what its own save returned. Source:
 * Documentation/core-api/gfp_mask-from-fs-io.rst.
 *
 * Return: what memalloc_nofs_restore() needs.
 */
KMEM_DECL(unsigned int, memalloc_nofs_save, (void));

/** memalloc_nofs_restore - end the scope; @flags: what its memalloc_nofs_save() returned. */
KMEM_DECL(void, memalloc_nofs_restore, (unsigned int flags));

/** memalloc_noio_save - the same for __GFP_IO and __GFP_FS. Return: for memalloc_noio_restore(). */
KMEM_DECL(unsigned int, memalloc_noio_save, (void));

/** memalloc_noio_restore - end the scope; @flags: what its memalloc_noio_save() returned. */
KMEM_DECL(void, memalloc_noio_restore, (unsigned int flags));

/**
 * memalloc_noreclaim_save - begin a scope whose requests never reclaim and may use all reserves
 *
 * For code that frees memory and needs a little to do so; a shrinker runs in such a scope. Requests
 * with __GFP_NOMEMALLOC, and those of interrupts, get no reserves.
 *
 * Return: what memalloc_noreclaim_restore() needs.
 */
KMEM_DECL(unsigned int, memalloc_noreclaim_save, (void));

/** memalloc_noreclaim_restore - end it; @flags: what its memalloc_noreclaim_save() returned. */
KMEM_DECL(void, memalloc_noreclaim_restore, (unsigned int flags));

/**
 * __might_sleep - say that what follows may sleep
 * @file: what the report names; might_sleep() puts the caller's place there
 * @line: likewise
 *
 * Reported in an atomic context (see above); else nothing happens.
 */
KMEM_DECL(void, __might_sleep, (const char *file, int line));

#ifndef KMEM_NO_KERNEL_NAMES
#define might_sleep() __might_sleep(__FILE__, __LINE__)
#endif

KMEM_END_DECLS

#endif
