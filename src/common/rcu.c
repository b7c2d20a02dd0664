/* SPDX-License-Identifier: MIT */
/*
 * RCU: who may still look at what was unpublished is the machine's knowledge (epochs, arch.h); here
 * are the callbacks that wait for it, and when they run.
 *
 *	call_rcu()          CPU's queue      the batch                     run
 *	                 ─▶ head → … ─┐
 *	                 ─▶ head → … ─┴▶  first → … → last  ─▶  passed? ─▶ func(head), in order
 *	                              collected                  epoch n
 *	                              epoch n begins
 *
 * A CPU's queue is a stack that anybody may push to with one compare and swap and that is only ever
 * taken as a whole, so it needs neither lock nor section: call_rcu() may be called anywhere. What
 * is collected is turned round, hence runs in the order it was queued. Nothing more is collected
 * while a batch is on its way, so that a batch has one epoch, which began after the last of it was
 * queued.
 *
 *	batch empty  ──collect, start an epoch──▶  batch waits  ──epoch passed──▶  run  ──▶  empty
 *
 * Who moves it: whoever holds `mutex`. rcu_advance() tries to get it and takes one step;
 * synchronize_rcu() the same, around its own wait; rcu_barrier() waits for it and for the epochs,
 * and runs what waited and what was queued behind it. `moving` is held besides while anything moves,
 * but not while readers are waited for: fork() waits for `moving` alone, and so not for readers, one of
 * whom may be the thread that forks. Callbacks run under both, so one at a time, and when rcu_barrier()
 * has got `mutex` nobody is in the middle of an older batch. A callback must therefore never wait for
 * it: they run as softirqs, by which rcu_barrier() knows them and refuses.
 *
 * kfree_rcu() queues the place of the head in the object instead of a function, as Linux did until
 * 5.x: no function lies in the first page. Such frees are no callbacks of a user's and run without
 * the softirq, thus by the fast paths.
 *
 * Lock order: mutex, then moving, are taken with no lock held; under them everything.
 */
#include "common/rcu.h"

#include "lib/context.h"
#include "lib/errno.h"
#include "lib/fork.h"
#include "lib/mutex.h"
#include "lib/percpu.h"
#include "lib/report.h"

#include <kmem/slab.h>

#define MAX_FREE_OFFSET 4096

/* How often callbacks may queue callbacks when there is no later. */
#define DRAIN_ROUNDS 1000

/* One CPU's queue, newest first; atomic. A void pointer is a struct rcu_head that need not be
 * aligned. */
struct rcu_cpu {
	void *newest;
};

struct rcu_state {
	size_t cpu_off;			/* struct rcu_cpu */
	struct mutex mutex;		/* of who moves what follows */
	struct mutex moving;		/* and does so at the moment */
	void *batch;			/* oldest first; NULL: none waits */
	uint64_t epoch;			/* what it waits for */
};

int rcu_init(struct kernel *k)
{
	struct rcu_state *rcu = arch_host_alloc(k->arch, sizeof(*rcu));

	if (!rcu)
		return -ENOMEM;
	rcu->cpu_off = percpu_alloc(k, sizeof(struct rcu_cpu), ARCH_CACHE_LINE);
	if (!rcu->cpu_off)
		return -ENOMEM;
	k->rcu = rcu;
	return 0;
}

/* --- queueing --------------------------------------------------------------------------------- */

static struct rcu_cpu *rcu_cpu(struct kernel *k, unsigned int id)
{
	return percpu_ptr(arch_cpu_by_id(k->arch, id), k->rcu->cpu_off);
}

static void head_set_next(void *head, void *next)
{
	__builtin_memcpy((char *)head + offsetof(struct rcu_head, next), &next, sizeof(next));
}

static void *head_next(const void *head)
{
	void *next;

	__builtin_memcpy(&next, (const char *)head + offsetof(struct rcu_head, next), sizeof(next));
	return next;
}

static rcu_callback_t head_func(const void *head)
{
	rcu_callback_t func;

	__builtin_memcpy(&func, (const char *)head + offsetof(struct rcu_head, func), sizeof(func));
	return func;
}

static void push(struct rcu_cpu *q, void *head)
{
	void *next = __atomic_load_n(&q->newest, __ATOMIC_RELAXED);

	do {
		head_set_next(head, next);
	} while (!__atomic_compare_exchange_n(&q->newest, &next, head, true, __ATOMIC_RELEASE,
					      __ATOMIC_RELAXED));
}

void rcu_queue(struct kernel *k, void *head, rcu_callback_t func)
{
	__builtin_memcpy((char *)head + offsetof(struct rcu_head, func), &func, sizeof(func));
	push(rcu_cpu(k, arch_cpu_ptr->id), head);
}

/* Whether @head may be queued; else a report in the name of @what. */
static bool check_head(struct kernel *k, struct rcu_head *head, const char *what)
{
	const char *why = NULL;

	if (!head)
		why = "no head";
	else if ((uintptr_t)head & (sizeof(void *) - 1))
		why = "misaligned head";
	else if (__atomic_load_n(&rcu_cpu(k, arch_cpu_ptr->id)->newest, __ATOMIC_RELAXED) == head)
		why = "queued already";
	if (likely(!why))
		return true;
	report_bug(k, "%s: %s, %p", what, why, (void *)head);
	return false;
}

void call_rcu(struct rcu_head *head, rcu_callback_t func)
{
	struct kernel *k = arch_kernel();

	if (!k || !check_head(k, head, "call_rcu"))
		return;
	if (unlikely((uintptr_t)func < MAX_FREE_OFFSET)) {
		report_bug(k, "call_rcu: %p is no function", (void *)(uintptr_t)func);
		return;
	}
	rcu_queue(k, head, func);
}

void kfree_call_rcu(struct rcu_head *head, void *object)
{
	struct kernel *k = arch_kernel();
	uintptr_t offset = (uintptr_t)head - (uintptr_t)object;

	if (!k || !check_head(k, head, "kfree_rcu"))
		return;
	if (unlikely(offset >= MAX_FREE_OFFSET)) {
		report_bug(k, "kfree_rcu: head %p is not in the first %d bytes of %p", (void *)head,
			   MAX_FREE_OFFSET, object);
		return;
	}
	rcu_queue(k, head, (rcu_callback_t)offset);
}

/* --- read sections ---------------------------------------------------------------------------- */

void rcu_read_lock(void)
{
	if (unlikely(!arch_epoch_enter()))
		report_bug(arch_kernel(),
			   "rcu_read_lock: inside a read section of another machine");
}

void rcu_read_unlock(void)
{
	if (unlikely(!arch_epoch_leave()))
		report_bug(arch_cpu_ptr->kernel,
			   "rcu_read_unlock: there is no read section to end");
}

/* --- moving grace periods; under both mutexes ------------------------------------------------- */

/* One CPU's queue, turned round, to the end of *@list; *@last becomes its last one. */
static void collect_cpu(struct rcu_cpu *q, void **list, void **last)
{
	void *newest = __atomic_exchange_n(&q->newest, NULL, __ATOMIC_ACQUIRE);
	void *oldest = NULL, *head, *next;

	for (head = newest; head; head = next) {
		next = head_next(head);
		head_set_next(head, oldest);
		oldest = head;
	}
	if (!oldest)
		return;
	if (*last)
		head_set_next(*last, oldest);
	else
		*list = oldest;
	*last = newest;
}

/* All queues, CPU by CPU, oldest first. */
static void *collect(struct kernel *k)
{
	const struct arch_machine *am = k->arch;
	void *list = NULL, *last = NULL;

	for (unsigned int id = arch_cpu_next_used(am, 0); id < am->nr_cpus;
	     id = arch_cpu_next_used(am, id + 1)) {
		struct rcu_cpu *q = rcu_cpu(k, id);

		if (__atomic_load_n(&q->newest, __ATOMIC_RELAXED))
			collect_cpu(q, &list, &last);
	}
	return list;
}

/* If no batch waits, what is queued becomes one. */
static void start_batch_locked(struct kernel *k)
{
	struct rcu_state *rcu = k->rcu;

	if (rcu->batch)
		return;
	rcu->batch = collect(k);
	if (rcu->batch)
		rcu->epoch = arch_epoch_start(k->arch);
}

static void invoke(void *head)
{
	rcu_callback_t func = head_func(head);
	uintptr_t offset = (uintptr_t)func;
	unsigned int calls;

	if (offset < MAX_FREE_OFFSET) {
		kfree((char *)head - offset);
		return;
	}
	calls = context_softirq_enter();
	func(head);
	context_softirq_exit(calls);
}

/* Run the batch, whose epoch has passed. */
static unsigned long run_batch_locked(struct kernel *k)
{
	void *head = k->rcu->batch, *next;
	unsigned long nr = 0;

	k->rcu->batch = NULL;
	for (; head; head = next) {
		next = head_next(head);
		invoke(head);
		nr++;
	}
	return nr;
}

static unsigned long advance_locked(struct kernel *k)
{
	struct rcu_state *rcu = k->rcu;

	start_batch_locked(k);
	if (!rcu->batch || !arch_epoch_passed(k->arch, rcu->epoch))
		return 0;
	return run_batch_locked(k);
}

static unsigned long advance(struct kernel *k)
{
	unsigned long nr;

	if (!mutex_trylock(&k->rcu->mutex))
		return 0;
	mutex_lock(&k->rcu->moving);
	nr = advance_locked(k);
	mutex_unlock(&k->rcu->moving);
	mutex_unlock(&k->rcu->mutex);
	return nr;
}

/* With the mutex held: whether a batch waits now. */
static bool start_batch(struct kernel *k)
{
	mutex_lock(&k->rcu->moving);
	start_batch_locked(k);
	mutex_unlock(&k->rcu->moving);
	return k->rcu->batch;
}

/* --- public ----------------------------------------------------------------------------------- */

unsigned long rcu_advance(void)
{
	struct kernel *k = arch_kernel();

	return k ? advance(k) : 0;
}

/* Whether waiting for a grace period would be waiting for oneself: a report then. */
static bool in_own_section(struct kernel *k, const char *what)
{
	if (likely(!arch_epoch_inside(k->arch)))
		return false;
	report_bug(k, "%s: in an RCU read section, for whose end it would wait", what);
	return true;
}

bool rcu_may_barrier(struct kernel *k, const char *what)
{
	if (in_own_section(k, what))
		return false;
	if (likely(!(arch_context()->preempt_count & SOFTIRQ_OFFSET)))
		return true;
	report_bug(k, "%s: in an RCU callback, for whose end it would wait", what);
	return false;
}

void synchronize_rcu(void)
{
	struct kernel *k = arch_kernel();

	if (!k || in_own_section(k, "synchronize_rcu"))
		return;
	context_might_sleep("synchronize_rcu");
	if (mutex_trylock(&k->rcu->mutex)) {
		start_batch(k);
		mutex_unlock(&k->rcu->mutex);
	}
	arch_epoch_wait(k->arch, arch_epoch_start(k->arch));
	advance(k);
}

void rcu_barrier_on(struct kernel *k)
{
	struct rcu_state *rcu = k->rcu;

	mutex_lock(&rcu->mutex);
	/* A batch that was on its way, and what was queued behind it. */
	for (unsigned int i = 0; i < 2; i++) {
		if (!start_batch(k))
			break;
		arch_epoch_wait(k->arch, rcu->epoch);
		mutex_lock(&rcu->moving);
		run_batch_locked(k);
		mutex_unlock(&rcu->moving);
	}
	mutex_unlock(&rcu->mutex);
}

void rcu_barrier(void)
{
	struct kernel *k = arch_kernel();

	if (!k || !rcu_may_barrier(k, "rcu_barrier"))
		return;
	context_might_sleep("rcu_barrier");
	rcu_barrier_on(k);
}

bool rcu_drain(struct kernel *k)
{
	unsigned int rounds = 0;

	while (advance(k) && ++rounds < DRAIN_ROUNDS)
		;
	return !k->rcu->batch && rounds < DRAIN_ROUNDS;
}

void rcu_shutdown(struct kernel *k)
{
	if (rcu_drain(k))
		return;
	if (k->rcu->batch)
		report_warn(k, "machine_shutdown: RCU callbacks still wait for a reader; "
			       "they are not run");
	else
		report_warn(k, "machine_shutdown: RCU callbacks queue new ones without end");
}

/* Callbacks that other threads have collected and not run are lost in no child: moving is waited for. */
bool rcu_fork(struct kernel *k, struct fork_walk *w)
{
	if (!fork_mutex(w, &k->rcu->moving))
		return false;
	fork_leave_mutex(w, &k->rcu->mutex);
	return true;
}
