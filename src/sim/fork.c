/* SPDX-License-Identifier: MIT */
/*
 * fork(): what becomes of machines in the child.
 *
 *	memfd		its RAM is the parent's: not inherited (MADV_DONTFORK), lost in the child
 *	private		goes on in both processes; of its threads only the forking one exists in the child
 *
 * The child has a copy of the memory of that moment and none of the other threads. So before the fork the
 * thread takes everything that excludes others, so that nothing is copied in the middle of a change:
 *
 *	fork_lock		no machine comes or goes
 *	nobody is alone		no lock is taken without locked instructions (cpu.c); of each machine
 *	first part		of the kernel part's locks: those under which a CPU is waited for
 *	process lock		nobody attaches, detaches, registers as a reader
 *	attach_lock, claims	of each machine, all CPUs: nobody is in a section
 *	second part		the kernel part's other locks
 *	leaves			of this side: hooks, devices, host memory
 *
 * That is the order in which all threads take them, so nobody waits for the forking thread while it
 * waits for him, with two exceptions. It may be in a function of the program's that the library called
 * under a lock; and such a function may work on another machine, which makes an order of machines that
 * nobody knows. So no wait for a lock of the kernel part is without end: after WAIT_MS everything is
 * released and taken again, and after ROUNDS of that the child has to do without the machine that could
 * not be had. It is lost there, as one on a memfd.
 *
 * Afterwards all is released, in the child too. There, what belonged to the other threads is taken from
 * them: they are detached, their read sections end, CPUs that they were about to enter are not busy. What
 * they had in their hands (objects, blocks in the middle of a call) is nobody's and stays allocated.
 *
 * A machine that boots or ends in another thread is lost as well: what it has, not all locks guard.
 */
#include "sim/process.h"
#include "sim/watch.h"

#define ROUNDS 50
#define WAIT_MS 100
/* In a handler: it was most likely called with a lock held. */
#define HANDLER_ROUNDS 1
#define HANDLER_WAIT_MS 20

enum fork_stage { FORK_NOTHING, FORK_FIRST_PART, FORK_CLAIMED, FORK_SECOND_PART };

/* What belongs to the process (process.c). */
static struct {
	struct arch_spinlock lock;
	bool has_process_lock;
} forking;

void fork_lock(void)
{
	sim_lock(&forking.lock);
}

void fork_unlock(void)
{
	sim_unlock(&forking.lock);
}

#define for_each_machine(m) list_for_each_entry(m, process_machines(), list)

static bool kernel_locks(struct machine *m, enum arch_fork_part part, enum arch_fork_step step,
			 unsigned int ms)
{
	return !m->fork || m->fork(m->pub.kernel, part, step, ms);
}

/* --- before ------------------------------------------------------------------------------------ */

static bool take_first_part(struct machine *m, unsigned int ms)
{
	if (!cpus_begin_fork(m))
		return false;
	m->fork_stage = FORK_FIRST_PART;
	return kernel_locks(m, ARCH_FORK_FIRST, ARCH_FORK_TAKE, ms);
}

static bool take_second_part(struct machine *m, unsigned int ms)
{
	m->fork_stage = FORK_SECOND_PART;
	return kernel_locks(m, ARCH_FORK_SECOND, ARCH_FORK_TAKE, ms);
}

/* All of all machines that are to go on; returns the first that cannot be had. */
static struct machine *take_all(unsigned int ms)
{
	struct machine *m;

	for_each_machine(m)
		if (!m->fork_loses && !take_first_part(m, ms))
			return m;
	process_lock();
	forking.has_process_lock = true;
	for_each_machine(m) {
		if (m->fork_loses)
			continue;
		cpus_claim_all(m);
		m->fork_stage = FORK_CLAIMED;
	}
	for_each_machine(m)
		if (!m->fork_loses && !take_second_part(m, ms))
			return m;
	return NULL;
}

static void release_second_part(struct machine *m, enum arch_fork_step step)
{
	if (m->fork_stage == FORK_SECOND_PART)
		kernel_locks(m, ARCH_FORK_SECOND, step, 0);
	if (m->fork_stage >= FORK_CLAIMED)
		cpus_unclaim_all(m, step == ARCH_FORK_CHILD);
}

static void release_first_part(struct machine *m, enum arch_fork_step step)
{
	if (m->fork_stage < FORK_FIRST_PART)
		return;
	kernel_locks(m, ARCH_FORK_FIRST, step, 0);
	cpus_end_fork(m);
	m->fork_stage = FORK_NOTHING;
}

static void release_process(void)
{
	if (forking.has_process_lock)
		process_unlock();
	forking.has_process_lock = false;
}

static void release_all(void)
{
	struct machine *m;

	for_each_machine(m)
		release_second_part(m, ARCH_FORK_RELEASE);
	release_process();
	for_each_machine(m)
		release_first_part(m, ARCH_FORK_RELEASE);
}

static void leave_behind(struct machine *m)
{
	m->fork_loses = true;
	if (!sim_local.context.handlers)
		arch_log(&m->pub, 4, "libkmem: fork(): a lock cannot be had; is the thread in a function "
				     "that the library called? The child loses the machine");
}

static void leaves_lock(struct machine *m)
{
	sim_lock(&m->hooks.lock);
	sim_lock(&m->mmu_hook.lock);
	sim_lock(&m->device_lock);
	sim_lock(&m->pool.lock);
}

static void leaves_unlock(struct machine *m)
{
	sim_unlock(&m->pool.lock);
	sim_unlock(&m->device_lock);
	sim_unlock(&m->mmu_hook.lock);
	sim_unlock(&m->hooks.lock);
}

static void take_usable_machines(void)
{
	bool handler = sim_local.context.handlers;
	unsigned int ms = handler ? HANDLER_WAIT_MS : WAIT_MS;
	unsigned int round = 0;
	struct machine *m;

	while ((m = take_all(ms))) {
		release_all();
		if (++round < (handler ? HANDLER_ROUNDS : ROUNDS))
			continue;
		leave_behind(m);
		round = 0;
	}
}

void fork_prepare(void)
{
	struct machine *m;

	fork_lock();
	for_each_machine(m)
		m->fork_loses = m->lost || m->ending || m->memfd >= 0;
	take_usable_machines();
	for_each_machine(m) {
		leaves_lock(m);
		vmap_window_before_fork(m);
	}
	sim_lock(&process_hooks()->lock);
	faults_lock();
}

/* --- after ------------------------------------------------------------------------------------- */

static void release_leaves(void)
{
	struct machine *m;

	faults_unlock();
	sim_unlock(&process_hooks()->lock);
	for_each_machine(m)
		leaves_unlock(m);
}

void fork_in_parent(void)
{
	release_leaves();
	release_all();
	fork_unlock();
}

/* The memory of the other threads' arch_cpu_ptr is no longer theirs. */
static void forget_threads(struct machine *m, struct sim_thread *self)
{
	struct arch_cpu *nowhere;
	struct list_head *next;

	/* Not list_for_each_entry(): a record is aligned as the head, taken for one, would not be. */
	for (struct list_head *pos = m->threads.next; pos != &m->threads; pos = next) {
		struct sim_thread *t = list_entry(pos, struct sim_thread, list);

		next = pos->next;
		if (t == self && !m->lost)
			continue;
		if (t != self)
			t->slot = &nowhere;
		if (!m->lost) {
			thread_detach_locked(t);
			continue;
		}
		list_del_init(&t->list);
		t->cpu = NULL;
		*t->slot = &arch_cpu_none;
	}
}

static void go_on_in_child(struct machine *m, struct sim_thread *self, bool membarrier)
{
	/* Claims could not be made known to the threads to come. */
	m->lost = m->fork_loses || !membarrier;
	if (m->memfd >= 0)
		watch_forget(m->window, m->window_size);
	forget_threads(m, self);
	epoch_forked_locked(m, self);
}

void fork_in_child(void)
{
	struct sim_thread *self = process_thread_of_child();
	bool membarrier = process_membarrier_again();
	struct machine *m;

	release_leaves();
	for_each_machine(m)
		release_second_part(m, ARCH_FORK_CHILD);
	for_each_machine(m)
		go_on_in_child(m, self, membarrier);
	process_forget_threads_locked(self);
	for_each_machine(m)
		release_first_part(m, ARCH_FORK_CHILD);
	release_process();
	fork_unlock();
}
