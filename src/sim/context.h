/* SPDX-License-Identifier: MIT */
/* A thread's context and its read sections (context.c, epoch.c): what the machine's other files
 * need. */
#ifndef KMEM_SIM_CONTEXT_H
#define KMEM_SIM_CONTEXT_H

#include "sim/machine.h"

struct sim_thread;

/* A thread as a reader. `machine` changes under the process lock; `epoch` is written by the thread
 * alone (but for the end of the machine) and read by those who wait for it. */
struct epoch_reader {
	struct list_head list;		/* epochs.readers of `machine`; process lock */
	struct machine *machine;	/* where it is registered: it read there last; NULL: none */
	arch_u64 epoch;			/* of its read section; 0: in none */
};

/* What the thread has of its own. */
struct sim_local {
	struct arch_context context;
	struct arch_cpu stand_in;	/* arch_cpu_ptr in an atomic context */
	struct sim_thread *thread;	/* its record; NULL: none yet, or none any more */
};

extern _Thread_local struct sim_local sim_local;

/* The calling thread comes to CPU @cpu: what its arch_cpu_ptr is to be. */
struct arch_cpu *context_attach(struct arch_cpu *cpu);

void epochs_init(struct epochs *e);

/* The thread exits. */
void epoch_thread_exit(struct sim_thread *t);

/* With the process lock held. @m ends; or (fork) all readers but the calling thread are gone, and
 * that too if the machine is lost. */
void epoch_retire_locked(struct machine *m);
void epoch_forked_locked(struct machine *m, struct sim_thread *self);

#endif
