/* SPDX-License-Identifier: MIT */
/*
 * CPUs, the threads on them, and the right to touch a CPU's data.
 *
 * Per-CPU data is touched a billion times by the thread that is on the CPU and once in a while by
 * another (drain, shrink, destroy). So the first pays nearly nothing and the second pays for both.
 *
 * States of a CPU, by the number of threads attached to it:
 *
 *	idle    no thread
 *	owned   one: it may use the fast entry (arch_cpu_tryenter)
 *	shared  more: everybody uses the slow entry (arch_cpu_lock), an ordinary lock
 *
 *	idle <-> owned      attach, detach
 *	owned <-> shared    a second thread attaches; all but one have detached
 *
 * The fast entry, without an atomic read-modify-write, against a claim:
 *
 *	owner				claimer
 *	busy = 1			lock
 *	(compiler barrier)		claim = 1
 *	claim? yes: busy = 0, slow	membarrier
 *	…section…			wait until busy is 0
 *	busy = 0			…work…
 *					claim = 0, unlock
 *
 * membarrier() makes every running thread of the process execute a full barrier between two of its
 * instructions. If that falls before the owner's `busy = 1` or between it and the load of `claim`, the
 * owner's load comes after the claimer's store and sees the claim. If it falls behind the load, the
 * store of busy precedes the barrier and the claimer sees it and waits. There is no third place, so
 * the two are never both inside. The owner's `busy = 0` (release) and the claimer's load (acquire)
 * hand the data over; `claim = 0` (release) and the owner's load of it (acquire) hand it back.
 *
 * Invariants
 *	- claim is 0 only on a CPU that is not shared, claimed or slowed, on a host that has
 *	  membarrier(); there it returns to 1 when a second thread attaches. Without membarrier() it
 *	  is always 1.
 *	- slowed (arch_slow_cpus) changes with attach_lock and the CPU's lock held, and before it
 *	  becomes true the owner is driven out: then a fast section is never entered.
 *	- the CPU's lock is held by whoever is inside by the slow entry or has the claim. So the slow
 *	  entry is right in every state: an owner inside by the lock excludes the claimer, who needs it.
 *	- `busy` means something only while the CPU is owned: on a shared one several threads may
 *	  store to it (a fast entry that backs out), and nobody looks.
 *	- shared changes with attach_lock and the CPU's lock held; before it becomes true the owner is
 *	  driven out as by a claim.
 *
 * A claim of an idle CPU needs no membarrier(): attach stores the number of threads and then looks
 * at claim, the claimer stores claim and then looks at the number, all four sequentially
 * consistent, so at least one sees the other. (An attached thread's later look at claim cannot see
 * less than its first one did.)
 *
 * Alone. While a machine has one thread, attached to a CPU of its own, that CPU's `alone` is set: the
 * thread, inside a fast section, may change what threads share without locked instructions. Before a
 * second thread is attached, anywhere in the machine, `alone` is cleared with the owner driven out as by
 * a claim: a section that has seen it set is over by then, and all it wrote is seen. It is set again
 * when all but one have detached; the one may be in the middle of a locked instruction, with nobody
 * there to mind. Only attached threads touch what is shared, so that nobody else has to be asked.
 *
 * A section must not be entered inside a section or a claim of the same thread. The slow entry
 * reports that in every build (it would wait for itself for ever); the fast one sees it in builds with
 * assertions and sends the caller to the slow one.
 *
 * Which CPU: the lowest-numbered with the fewest threads, so that a single thread is on CPU 0.
 */
#include "sim/process.h"

#include "lib/lock_rank.h"

#include <errno.h>
#include <time.h>

#define SPINS 100
#define NAP_NS 50000

/* What claim is while nobody claims an owned CPU; its lock is held. */
static uint32_t claim_at_rest(const struct sim_cpu *cpu)
{
	return cpu->slowed || !process_has_membarrier();
}

void cpu_init(struct machine *m, struct arch_cpu *cpu, unsigned int id)
{
	*cpu = (struct arch_cpu){
		.claim = !process_has_membarrier(),
		.id = id,
		.node = id % m->pub.nr_nodes,
		.machine = &m->pub,
		.ram = m->pub.ram,
		.ram_size = m->pub.ram_size,
		.memmap = m->pub.memmap,
	};
}

static void lock_cpu(struct sim_cpu *cpu)
{
	sim_lock(&cpu->lock);
	__atomic_store_n(&cpu->holder, thread_self(), __ATOMIC_RELAXED);
}

static void unlock_cpu(struct sim_cpu *cpu)
{
	__atomic_store_n(&cpu->holder, 0, __ATOMIC_RELAXED);
	sim_unlock(&cpu->lock);
}

static bool holds_cpu(const struct sim_cpu *cpu)
{
	return __atomic_load_n(&cpu->holder, __ATOMIC_RELAXED) == thread_self();
}

/* The CPU that the calling thread is attached to, be it in what context it may; NULL: none. */
static struct arch_cpu *own_cpu(void)
{
	return sim_local.thread ? sim_local.thread->cpu : NULL;
}

static void wait_until_idle(const struct arch_cpu *cpu)
{
	const struct timespec nap = {.tv_nsec = NAP_NS};

	for (int i = 0; __atomic_load_n(&cpu->busy, __ATOMIC_ACQUIRE); i++) {
		if (i < SPINS)
			arch_relax();
		else
			nanosleep(&nap, NULL);
	}
}

/* With the lock of an owned or idle CPU held: set the claim and see the owner out. */
static void drive_out_owner_locked(struct machine *m, struct sim_cpu *cpu)
{
	/* claim was 1 all the time: nobody can be inside without the lock. */
	if (claim_at_rest(cpu))
		return;
	__atomic_exchange_n(&cpu->pub.claim, 1, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&m->cpu_threads[cpu->pub.id], __ATOMIC_SEQ_CST))
		return;
	if (own_cpu() == &cpu->pub)
		return;
	process_membarrier();
	wait_until_idle(&cpu->pub);
}

static void mark_used(struct machine *m, unsigned int id)
{
	arch_u64 *word = &m->cpu_used[id / 64];
	uint64_t bit = 1ull << id % 64;

	if (!(__atomic_load_n(word, __ATOMIC_RELAXED) & bit))
		__atomic_fetch_or(word, bit, __ATOMIC_RELAXED);
}

/* --- threads ------------------------------------------------------------------------------- */

static void make_shared(struct machine *m, struct sim_cpu *cpu)
{
	lock_cpu(cpu);
	drive_out_owner_locked(m, cpu);
	cpu->shared = true;
	unlock_cpu(cpu);
}

static void make_owned(struct sim_cpu *cpu)
{
	lock_cpu(cpu);
	cpu->shared = false;
	__atomic_store_n(&cpu->pub.claim, claim_at_rest(cpu), __ATOMIC_RELEASE);
	unlock_cpu(cpu);
}

/* With attach_lock held: before there is a second thread. */
static void end_alone(struct machine *m)
{
	struct sim_cpu *cpu = m->alone;

	if (!cpu)
		return;
	lock_cpu(cpu);
	drive_out_owner_locked(m, cpu);
	__atomic_store_n(&cpu->pub.alone, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&cpu->pub.claim, claim_at_rest(cpu), __ATOMIC_RELEASE);
	unlock_cpu(cpu);
	m->alone = NULL;
}

/* With attach_lock held: who is left on the list, if it is one, is alone. */
static void begin_alone(struct machine *m)
{
	struct arch_cpu *cpu;

	if (m->nr_attached != 1 || m->alone || m->forking || !process_has_membarrier())
		return;
	cpu = list_first_entry(&m->threads, struct sim_thread, list)->cpu;
	m->alone = sim_cpu_of(cpu);
	__atomic_store_n(&cpu->alone, 1, __ATOMIC_RELEASE);
}

/* With attach_lock held. */
static void put_on_cpu(struct sim_thread *t, struct machine *m, struct arch_cpu *to)
{
	struct sim_cpu *cpu = sim_cpu_of(to);
	uint32_t threads = m->cpu_threads[to->id];

	mark_used(m, to->id);
	end_alone(m);
	m->nr_attached++;
	if (threads == 1)
		make_shared(m, cpu);
	__atomic_store_n(&m->cpu_threads[to->id], threads + 1, __ATOMIC_SEQ_CST);
	/* Seen for its order only: see the theory on idle CPUs. */
	(void)__atomic_load_n(&to->claim, __ATOMIC_SEQ_CST);
	t->cpu = to;
	__atomic_store_n(t->slot, context_attach(to), __ATOMIC_RELAXED);
}

/* With attach_lock held. */
static void take_off_cpu(struct sim_thread *t, struct machine *m)
{
	struct arch_cpu *from = t->cpu;
	uint32_t threads = m->cpu_threads[from->id];

	/* If it was alone: it is in no section, so there is nobody to drive out. */
	if (m->alone)
		__atomic_store_n(&m->alone->pub.alone, 0, __ATOMIC_RELAXED);
	m->alone = NULL;
	m->nr_attached--;
	t->cpu = NULL;
	__atomic_store_n(t->slot, &arch_cpu_none, __ATOMIC_RELAXED);
	__atomic_store_n(&m->cpu_threads[from->id], threads - 1, __ATOMIC_SEQ_CST);
	if (threads == 2)
		make_owned(sim_cpu_of(from));
}

/* With attach_lock held. */
static struct arch_cpu *least_used_cpu(struct machine *m)
{
	unsigned int best = 0;

	for (unsigned int i = 1; i < m->pub.nr_cpus && m->cpu_threads[best]; i++) {
		if (m->cpu_threads[i] < m->cpu_threads[best])
			best = i;
	}
	return arch_cpu_by_id(&m->pub, best);
}

void thread_attach_locked(struct sim_thread *t, struct machine *m, struct arch_cpu *to)
{
	sim_lock(&m->attach_lock);
	put_on_cpu(t, m, to ? to : least_used_cpu(m));
	list_add_tail(&t->list, &m->threads);
	begin_alone(m);
	sim_unlock(&m->attach_lock);
}

void thread_detach_locked(struct sim_thread *t)
{
	struct machine *m;

	if (!t->cpu)
		return;
	m = machine_of(t->cpu->machine);
	sim_lock(&m->attach_lock);
	take_off_cpu(t, m);
	list_del_init(&t->list);
	begin_alone(m);
	sim_unlock(&m->attach_lock);
}

/* Other threads too: none of them is inside a call on @m, says the contract of machine_shutdown(). */
void machine_detach_all_locked(struct machine *m)
{
	while (!list_empty(&m->threads))
		thread_detach_locked(list_first_entry(&m->threads, struct sim_thread, list));
}

static void report_no_machine(const char *why)
{
	char text[160] = "no machine entered: ";
	size_t len = __builtin_strlen(text);

	for (; *why && len < sizeof(text) - 2; why++)
		text[len++] = *why;
	text[len] = '\n';
	arch_report(NULL, MACHINE_WARN, text);
}

/* Attach the thread, which is attached to none, to the only machine. NULL: after a report. */
static struct arch_cpu *attach_to_only_machine(void)
{
	struct sim_thread *t = process_thread();
	const char *why;
	struct machine *m;

	if (!t) {
		report_no_machine("the thread is past its last destructor, or memory ran out");
		return NULL;
	}
	if (t->booting) {
		report_no_machine("this one is booting, only memblock works yet");
		return NULL;
	}
	process_lock();
	m = process_only_machine_locked(&why);
	if (m)
		thread_attach_locked(t, m, NULL);
	process_unlock();
	if (!m) {
		report_no_machine(why);
		return NULL;
	}
	return arch_cpu_ptr;
}

struct arch_cpu *arch_cpu_attach(void)
{
	if (arch_cpu_ptr != &arch_cpu_none)
		return arch_cpu_ptr;
	return attach_to_only_machine();
}

/* --- entering, claiming ---------------------------------------------------------------------- */

static void report_reentry(struct arch_cpu *cpu)
{
	arch_report(cpu->machine, MACHINE_BUG,
		    "a CPU section was entered inside a section or claim of the same thread\n");
}

struct arch_cpu *arch_cpu_lock(void)
{
	struct arch_cpu *cpu = arch_cpu_current();

	if (!cpu)
		return NULL;
	cpu = own_cpu();
	if (unlikely(holds_cpu(sim_cpu_of(cpu)))) {
		report_reentry(cpu);
		return NULL;
	}
	lock_cpu(sim_cpu_of(cpu));
	/* Inside a fast section. Without the lock, `busy` might be that of a thread that has just come. */
	if (unlikely(!sim_cpu_of(cpu)->shared && __atomic_load_n(&cpu->busy, __ATOMIC_RELAXED))) {
		unlock_cpu(sim_cpu_of(cpu));
		report_reentry(cpu);
		return NULL;
	}
	return cpu;
}

void arch_cpu_unlock(struct arch_cpu *cpu)
{
	unlock_cpu(sim_cpu_of(cpu));
}

struct arch_cpu *arch_cpu_claim(const struct arch_machine *am, unsigned int id)
{
	rank_check(LOCK_RANK_CPU_CLAIM);
	return cpu_claim_under_locks(am, id);
}

struct arch_cpu *cpu_claim_under_locks(const struct arch_machine *am, unsigned int id)
{
	struct sim_cpu *cpu = sim_cpu_of(arch_cpu_by_id(am, id));

	/* A claimer that had to attach under its claim could wait for a thread that waits for it. */
	if (arch_cpu_ptr->machine != am || holds_cpu(cpu)) {
		arch_log(am, 0, "libkmem: a CPU was claimed from outside its machine or twice");
		arch_trap();
	}
	lock_cpu(cpu);
	mark_used(machine_of(am), id);
	if (!cpu->shared)
		drive_out_owner_locked(machine_of(am), cpu);
	return &cpu->pub;
}

void arch_cpu_unclaim(struct arch_cpu *pub)
{
	struct sim_cpu *cpu = sim_cpu_of(pub);

	if (!cpu->shared)
		__atomic_store_n(&pub->claim, claim_at_rest(cpu), __ATOMIC_RELEASE);
	unlock_cpu(cpu);
}

static void slow_cpu(struct machine *m, struct sim_cpu *cpu, bool on)
{
	lock_cpu(cpu);
	if (on && !cpu->shared)
		drive_out_owner_locked(m, cpu);
	cpu->slowed = on;
	if (!on && !cpu->shared)
		__atomic_store_n(&cpu->pub.claim, claim_at_rest(cpu), __ATOMIC_RELEASE);
	unlock_cpu(cpu);
}

void arch_slow_cpus(const struct arch_machine *am, bool on)
{
	struct machine *m = machine_of(am);

	sim_lock(&m->attach_lock);
	for (unsigned int i = 0; i < am->nr_cpus; i++)
		slow_cpu(m, sim_cpu_of(arch_cpu_by_id(am, i)), on);
	sim_unlock(&m->attach_lock);
}

unsigned int arch_cpu_next_used(const struct arch_machine *am, unsigned int from)
{
	const struct machine *m = machine_of(am);
	unsigned int nr = am->nr_cpus;

	while (from < nr) {
		uint64_t word = __atomic_load_n(&m->cpu_used[from / 64], __ATOMIC_RELAXED);

		word &= ~0ull << from % 64;
		if (word)
			return (from & ~63u) + (unsigned int)__builtin_ctzll(word);
		from = (from & ~63u) + 64;
	}
	return nr;
}

/* --- fork() (fork.c) ------------------------------------------------------------------------- */

static bool holds_any_cpu(const struct machine *m)
{
	for (unsigned int i = 0; i < m->pub.nr_cpus; i++)
		if (holds_cpu(sim_cpu_of(arch_cpu_by_id(&m->pub, i))))
			return true;
	return false;
}

bool cpus_begin_fork(struct machine *m)
{
	if (holds_any_cpu(m))
		return false;
	sim_lock(&m->attach_lock);
	m->forking = true;
	end_alone(m);
	sim_unlock(&m->attach_lock);
	return true;
}

void cpus_end_fork(struct machine *m)
{
	sim_lock(&m->attach_lock);
	m->forking = false;
	begin_alone(m);
	sim_unlock(&m->attach_lock);
}

/* Those that were never used too: somebody might be about to claim one. */
void cpus_claim_all(struct machine *m)
{
	sim_lock(&m->attach_lock);
	for (unsigned int i = 0; i < m->pub.nr_cpus; i++) {
		struct sim_cpu *cpu = sim_cpu_of(arch_cpu_by_id(&m->pub, i));

		lock_cpu(cpu);
		if (!cpu->shared)
			drive_out_owner_locked(m, cpu);
	}
}

void cpus_unclaim_all(struct machine *m, bool child)
{
	for (unsigned int i = m->pub.nr_cpus; i--;) {
		struct arch_cpu *cpu = arch_cpu_by_id(&m->pub, i);

		/* One who found it claimed was about to say so, and is no more. */
		if (child)
			__atomic_store_n(&cpu->busy, 0, __ATOMIC_RELAXED);
		arch_cpu_unclaim(cpu);
	}
	sim_unlock(&m->attach_lock);
}

/* --- what programs call ---------------------------------------------------------------------- */

int smp_processor_id(void)
{
	struct arch_cpu *cpu = arch_cpu_current();

	return cpu ? (int)cpu->id : -1;
}

int numa_node_id(void)
{
	struct arch_cpu *cpu = arch_cpu_current();

	return cpu ? (int)cpu->node : -1;
}

int cpu_migrate(unsigned int id)
{
	struct arch_cpu *from = arch_cpu_current();
	struct sim_thread *self;
	struct machine *m;

	if (!from)
		return -ENODEV;
	from = own_cpu();
	if (id >= from->machine->nr_cpus)
		return -EINVAL;
	if (id == from->id)
		return 0;
	if (holds_cpu(sim_cpu_of(from))) {
		report_reentry(from);
		return -EINVAL;
	}
	m = machine_of(from->machine);
	self = process_thread();
	sim_lock(&m->attach_lock);
	take_off_cpu(self, m);
	put_on_cpu(self, m, arch_cpu_by_id(&m->pub, id));
	begin_alone(m);
	sim_unlock(&m->attach_lock);
	return 0;
}
