/* SPDX-License-Identifier: MIT */
/*
 * Epochs: when has everybody stopped looking at something that is not published any more? (Fraser,
 * "Practical lock-freedom", 2004; McKenney and Slingwine, "Read-copy update", 1998.)
 *
 * A machine counts epochs. A thread that begins a read section writes down the epoch it sees, one
 * that ends it writes 0. An epoch has passed when no reader's number is below it:
 *
 *	reader				writer
 *	r: epoch = now			unpublish
 *	F: fence			start: now = n + 1
 *	…loads, dereferences…		G: fence
 *	epoch = 0 (release)		scan: every reader's epoch is 0, or n + 1 and more (acquire)
 *					free
 *
 * Why the scan may trust what it sees:
 *	- It sees 0 and the reader's r comes later: then F of that section comes after G, and its
 *	  loads see that the thing is not published any more.
 *	- It sees 0 and the reader's section has ended: the release and the acquire order what the
 *	  reader did before the free.
 *	- It sees n + 1 or more: r read `now` (acquire) after it was advanced (release), hence sees
 *	  the unpublishing. An earlier section of that thread ended before r, which is a release for
 *	  that reason.
 *	- A reader may read `now`, sleep long and write an old number down: that is the first case
 *	  for the epochs that passed meanwhile, and holds later ones up until its section ends.
 *
 * The fences. F costs the reader nothing: it is a compiler barrier, and G is membarrier(), which
 * makes every running thread execute a fence, as for claims (cpu.c). Without membarrier() both are
 * real fences. G is not needed at all when no other thread was ever registered as a reader: one
 * that registers later does so under the same lock, and so sees the unpublishing.
 *
 * Waiting. The waiter raises `waiters`, fences, looks, and sleeps on `wake`; a reader that leaves
 * writes 0, fences, looks at `waiters`, and advances `wake` before it wakes the sleepers. The same
 * argument as above: at least one sees the other.
 *
 * A thread reads on the machine it has entered. It is registered there, in `readers`, from its
 * first section to its exit or its first section on another machine. A section belongs to the
 * machine where its outermost arch_epoch_enter() was, even if the thread enters another one
 * meanwhile.
 */
#include "sim/process.h"

static inline void fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* F: the reader's side. */
static inline void light_fence(const struct epochs *e)
{
	if (unlikely(e->fences))
		fence();
	else
		arch_barrier();
}

/* G: the other side. */
static void heavy_fence(const struct epochs *e)
{
	if (e->fences)
		fence();
	else
		process_membarrier();
}

void epochs_init(struct epochs *e)
{
	list_init(&e->readers);
	e->now = 1;
	e->fences = !process_has_membarrier();
}

/* --- readers ---------------------------------------------------------------------------------- */

static void unregister_locked(struct epoch_reader *r)
{
	if (!r->machine)
		return;
	list_del(&r->list);
	r->machine = NULL;
	__atomic_store_n(&r->epoch, 0, __ATOMIC_RELEASE);
}

static noinline void register_slow(struct epoch_reader *r, struct machine *m)
{
	process_lock();
	unregister_locked(r);
	list_add_tail(&r->list, &m->epochs.readers);
	r->machine = m;
	process_unlock();
}

static void begin_section(struct epoch_reader *r, struct machine *m)
{
	uint64_t now;

	if (unlikely(r->machine != m))
		register_slow(r, m);
	now = __atomic_load_n(&m->epochs.now, __ATOMIC_ACQUIRE);
	__atomic_store_n(&r->epoch, now, __ATOMIC_RELEASE);
	light_fence(&m->epochs);
}

static noinline void wake_waiters(struct epochs *e)
{
	__atomic_add_fetch(&e->wake, 1, __ATOMIC_RELEASE);
	arch_wake(&e->wake);
}

static void end_section(struct epoch_reader *r)
{
	struct epochs *e = &r->machine->epochs;

	__atomic_store_n(&r->epoch, 0, __ATOMIC_RELEASE);
	light_fence(e);
	if (unlikely(__atomic_load_n(&e->waiters, __ATOMIC_RELAXED)))
		wake_waiters(e);
}

/* In a section, and of what machine; NULL: none, or it was begun without a machine. */
static struct machine *section_machine(void)
{
	const struct sim_thread *t = sim_local.thread;

	return t && t->reader.epoch ? t->reader.machine : NULL;
}

bool arch_epoch_enter(void)
{
	struct arch_cpu *cpu = arch_cpu_current();

	if (sim_local.context.rcu_depth++) {
		const struct machine *m = section_machine();

		return !m || !cpu || cpu->machine == &m->pub;
	}
	/* Without a machine, which was reported, the section protects nothing. */
	if (likely(cpu)) {
		begin_section(&sim_local.thread->reader, machine_of(cpu->machine));
		arch_cpu_ptr = &sim_local.stand_in;
	}
	return true;
}

bool arch_epoch_leave(void)
{
	struct arch_context *c = &sim_local.context;

	if (unlikely(!c->rcu_depth))
		return false;
	if (--c->rcu_depth)
		return true;
	if (likely(section_machine()))
		end_section(&sim_local.thread->reader);
	arch_context_changed();
	return true;
}

bool arch_epoch_inside(const struct arch_machine *am)
{
	const struct machine *m = section_machine();

	return m && &m->pub == am;
}

void epoch_thread_exit(struct sim_thread *t)
{
	struct epoch_reader *r = &t->reader;
	struct machine *m = r->epoch ? r->machine : NULL;

	if (m) {
		end_section(r);
		arch_report(&m->pub, MACHINE_WARN, "a thread exited inside an RCU read section\n");
	}
	process_lock();
	unregister_locked(r);
	process_unlock();
}

/* --- epochs ----------------------------------------------------------------------------------- */

static bool has_other_readers_locked(const struct epochs *e)
{
	const struct sim_thread *self = sim_local.thread;
	const struct list_head *first = e->readers.next;

	if (first == &e->readers)
		return false;
	return !self || first != &self->reader.list || first->next != &e->readers;
}

uint64_t arch_epoch_start(const struct arch_machine *am)
{
	struct epochs *e = &machine_of(am)->epochs;
	uint64_t epoch;
	bool others;

	process_lock();
	epoch = __atomic_add_fetch(&e->now, 1, __ATOMIC_ACQ_REL);
	others = has_other_readers_locked(e);
	process_unlock();
	if (others)
		heavy_fence(e);
	return epoch;
}

static bool scan_locked(const struct epochs *e, uint64_t epoch)
{
	struct epoch_reader *r;

	list_for_each_entry(r, &e->readers, list) {
		uint64_t seen = __atomic_load_n(&r->epoch, __ATOMIC_ACQUIRE);

		if (seen && seen < epoch)
			return false;
	}
	return true;
}

bool arch_epoch_passed(const struct arch_machine *am, uint64_t epoch)
{
	struct epochs *e = &machine_of(am)->epochs;
	bool passed;

	process_lock();
	passed = e->passed >= epoch || scan_locked(e, epoch);
	if (passed && e->passed < epoch)
		e->passed = epoch;
	process_unlock();
	return passed;
}

void arch_epoch_wait(const struct arch_machine *am, uint64_t epoch)
{
	struct epochs *e = &machine_of(am)->epochs;

	if (arch_epoch_passed(am, epoch))
		return;
	__atomic_add_fetch(&e->waiters, 1, __ATOMIC_SEQ_CST);
	heavy_fence(e);
	for (;;) {
		uint32_t wake = __atomic_load_n(&e->wake, __ATOMIC_ACQUIRE);

		if (arch_epoch_passed(am, epoch))
			break;
		arch_wait(&e->wake, wake, 0);
	}
	__atomic_sub_fetch(&e->waiters, 1, __ATOMIC_RELAXED);
}

/* --- the end of a machine, and fork ----------------------------------------------------------- */

void epoch_retire_locked(struct machine *m)
{
	struct epochs *e = &m->epochs;

	while (!list_empty(&e->readers))
		unregister_locked(list_first_entry(&e->readers, struct epoch_reader, list));
}

/* The records of threads that do not exist here are never looked at again. */
void epoch_forked_locked(struct machine *m, struct sim_thread *self)
{
	struct epoch_reader *r, *next;

	list_for_each_entry_safe(r, next, &m->epochs.readers, list) {
		if (self && r == &self->reader && !m->lost)
			continue;
		unregister_locked(r);
	}
	m->epochs.waiters = 0;
}
