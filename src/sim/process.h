/* SPDX-License-Identifier: MIT */
/* What belongs to the process and not to one machine (process.c), and the threads in it (cpu.c). */
#ifndef KMEM_SIM_PROCESS_H
#define KMEM_SIM_PROCESS_H

#include "sim/context.h"
#include "sim/machine.h"

/* A host thread that was attached at least once. Kept under the process's thread-specific key. */
struct sim_thread {
	struct list_head list;		/* machine->threads while attached */
	struct list_head all;		/* the process's records; process lock */
	struct arch_cpu *cpu;		/* NULL while not attached */
	struct arch_cpu **slot;		/* its arch_cpu_ptr: the same, its stand-in, or &arch_cpu_none */
	struct arch_machine *booting;	/* the one whose early callback it is in, or NULL */
	unsigned int exit_rounds;	/* how often the key's destructor has run in it */
	struct epoch_reader reader;
} __attribute__((aligned(ARCH_CACHE_LINE)));

/* Names the calling thread as long as it lives, at the cost of an address. */
static inline uintptr_t thread_self(void)
{
	return (uintptr_t)&arch_cpu_ptr;
}

/* Make what the process needs once: key, membarrier, fork handlers. 0 or -errno. */
int process_init(void);

void process_lock(void);
void process_unlock(void);

/* Whether claims can make another thread's stores visible. Tests switch it off before they create a
 * machine, to have the fallback on any host. */
bool process_has_membarrier(void);
void process_set_membarrier(bool on);
void process_membarrier(void);

/* The calling thread's record, made if need be; NULL: no memory, or the thread is past its last
 * destructor that may attach. */
struct sim_thread *process_thread(void);

/* With the process lock held: list of machines. */
void process_add_locked(struct machine *m);
void process_remove_locked(struct machine *m);
/* The only live machine (published, not lost in a fork); NULL with the reason if there is not one. */
struct machine *process_only_machine_locked(const char **why);
bool process_has_machine_locked(const struct machine *m);

/* fork.c: the handlers, and what keeps a fork() and the coming and going of machines apart; outside all
 * other locks. */
void fork_prepare(void);
void fork_in_parent(void);
void fork_in_child(void);
void fork_lock(void);
void fork_unlock(void);

/* For fork.c. The list of machines, under fork_lock or the process lock; in the child the record of the
 * only thread (NULL: none), whether the host goes on to have membarrier(), and the end of the other
 * threads' records, which nothing holds any more. */
struct list_head *process_machines(void);
struct sim_thread *process_thread_of_child(void);
bool process_membarrier_again(void);
void process_forget_threads_locked(const struct sim_thread *self);

/* fault.c: for fork.c. */
void faults_lock(void);
void faults_unlock(void);

/* Hooks of calls without a machine, and of machines without hooks of their own. */
struct hooks *process_hooks(void);

/* lock.c: stop, in builds with assertions, if the thread holds a lock of @rank or above. */
void rank_check(uint32_t rank);

/* cpu.c; all with the process lock held. @to NULL: the lowest-numbered CPU with the fewest threads. */
void thread_attach_locked(struct sim_thread *t, struct machine *m, struct arch_cpu *to);
void thread_detach_locked(struct sim_thread *t);
void machine_detach_all_locked(struct machine *m);

/* cpu.c, for fork(). From begin to end nobody is alone; false: the calling thread is in a section or claim,
 * then nothing has begun. All claims are taken and released with attach_lock, which they hold. In
 * the child no thread but this one is about to enter a section. */
bool cpus_begin_fork(struct machine *m);
void cpus_end_fork(struct machine *m);
void cpus_claim_all(struct machine *m);
void cpus_unclaim_all(struct machine *m, bool child);

void cpu_init(struct machine *m, struct arch_cpu *cpu, unsigned int id);

#endif
