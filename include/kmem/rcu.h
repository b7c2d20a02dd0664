/* SPDX-License-Identifier: MIT */
/*
 * Read-copy update: readers that take no lock, and updaters that free what they replaced when no
 * reader can see it any more.
 *
 *	reader					updater
 *	rcu_read_lock();			old = …;
 *	p = rcu_dereference(head);		rcu_assign_pointer(head, new);
 *	… use p …				kfree_rcu(old, rcu);
 *	rcu_read_unlock();
 *
 * A grace period is a stretch of time at whose end every read section that was open at its
 * beginning has ended. There is no hidden thread: grace periods move, and callbacks run, only when
 * some thread calls rcu_advance(), synchronize_rcu() or rcu_barrier() (or destroys a
 * SLAB_TYPESAFE_BY_RCU cache, or shuts the machine down). So the same calls of one thread always
 * give the same order of events.
 *
 * Callbacks run one at a time, in the thread that made the call, with no lock of the library held
 * and as a softirq (context.h): they may not sleep. They may call call_rcu(). Callbacks of one CPU
 * run in the order they were queued.
 *
 * Everything here works on the machine that the thread has entered; machines' grace periods are
 * their own.
 * Source: Linux 6.1, Documentation/RCU/whatisRCU.rst. docs/rcu.md.
 */
#ifndef KMEM_RCU_H
#define KMEM_RCU_H

#include <kmem/types.h>

KMEM_BEGIN_DECLS

/*
 * Place it in what is to be freed. Its contents are the library's from call_rcu() to the callback.
 */
struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

/* Called with the head that was queued. */
typedef void (*rcu_callback_t)(struct rcu_head *head);

/**
 * rcu_read_lock - begin a read section; sections nest
 *
 * Inside, nothing that may sleep is allowed; an allocation with GFP_KERNEL is reported. Never
 * waits. A thread reads on one machine at a time: inside a section of one machine, one of another
 * is reported, and does not protect.
 */
KMEM_DECL(void, rcu_read_lock, (void));

/**
 * rcu_read_unlock - end it
 *
 * Reported if there is none. A thread that exits inside one is reported.
 */
KMEM_DECL(void, rcu_read_unlock, (void));

/**
 * call_rcu - call @func(@head) after a grace period
 * @head: in the object to be freed; queued once until it is called
 * @func: usually frees the object. Runs as a softirq (see above).
 *
 * Never sleeps, takes no lock, allocates nothing; may be called inside a read section and by a
 * callback. NULL, a misaligned @head, and one that was queued last already are reported and
 * refused.
 */
KMEM_DECL(void, call_rcu, (struct rcu_head * head, rcu_callback_t func));

/**
 * kfree_call_rcu - kfree(@object) after a grace period; kfree_rcu() is how to write it
 * @head: in the first 4096 bytes of @object, aligned to a pointer
 */
KMEM_DECL(void, kfree_call_rcu, (struct rcu_head * head, void *object));

/**
 * synchronize_rcu - wait until a whole grace period has passed
 *
 * Sleeps while other threads are in read sections; callbacks that became due are run before it
 * returns, unless another thread is running callbacks. In a read section of its own the thread
 * would wait for itself: reported, and returns at once. In any other atomic context it is
 * reported, too, and waits.
 */
KMEM_DECL(void, synchronize_rcu, (void));

/**
 * rcu_barrier - wait until every callback queued so far has run
 *
 * Runs them itself, after a grace period. What these callbacks queue may be left for later. Misuse
 * as with synchronize_rcu(); called by a callback it is reported and returns at once.
 */
KMEM_DECL(void, rcu_barrier, (void));

/**
 * rcu_advance - finish a grace period if that needs no waiting, and run what is due (libkmem's own)
 *
 * Return: how many callbacks ran: 0 when nothing is queued, when a reader is still in an older
 * section, or when another thread is at it. Never sleeps itself; may be called in a read section
 * (where nothing can become due that was queued after its beginning) and by a callback (0).
 */
KMEM_DECL(unsigned long, rcu_advance, (void));

/**
 * kfree_rcu - kfree() an object after a grace period
 * @ptr:    from kmalloc() or kmem_cache_alloc() (SLOB: kmalloc() only); NULL is ignored
 * @member: its struct rcu_head, in the first 4096 bytes
 */
#define kmem_kfree_rcu(ptr, member)                                               \
	do {                                                                         \
		__typeof__(ptr) kmem_rcu_object_ = (ptr);                              \
                                                                                     \
		if (kmem_rcu_object_)                                                  \
			KMEM_FN(kfree_call_rcu)                                        \
			(&kmem_rcu_object_->member, kmem_rcu_object_);                 \
	} while (0)

/* Publish @v at the place @p: who dereferences it sees what was written before. */
#define kmem_rcu_assign_pointer(p, v) __atomic_store_n(&(p), (v), __ATOMIC_RELEASE)

/* The same for what needs no order: NULL, or before readers can see @p. */
#define kmem_rcu_init_pointer(p, v) __atomic_store_n(&(p), (v), __ATOMIC_RELAXED)

/* Read a published pointer, inside a read section. */
#define kmem_rcu_dereference(p) __atomic_load_n(&(p), __ATOMIC_ACQUIRE)

#ifndef KMEM_NO_KERNEL_NAMES
#define kfree_rcu(ptr, member) kmem_kfree_rcu(ptr, member)
#define rcu_assign_pointer(p, v) kmem_rcu_assign_pointer(p, v)
#define RCU_INIT_POINTER(p, v) kmem_rcu_init_pointer(p, v)
#define rcu_dereference(p) kmem_rcu_dereference(p)
#endif

KMEM_END_DECLS

#endif
