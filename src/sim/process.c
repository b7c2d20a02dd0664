/* SPDX-License-Identifier: MIT */
/*
 * Everything in libkmem that belongs to the process and not to one machine:
 *
 *   process.lock        protects the list of machines, and attaching and detaching of threads
 *   process.machines    published machines, oldest first
 *   process.key         a thread's record; its destructor detaches the thread when it exits
 *   process.membarrier  whether membarrier(PRIVATE_EXPEDITED) works here
 *   process.hooks       report handler and log sink of calls without a machine
 *   arch_cpu_ptr        thread-local: the CPU that the thread is attached to, or its stand-in
 *   sim_local           thread-local: context, stand-in, record (context.c)
 *   arch_cpu_none       what it points at in a thread that is attached to none
 *   arch_on_valgrind    builds for Valgrind: whether it runs this process (watch.c)
 *   exited              what the key holds in a thread that is past its last attach
 *   process.threads     records of all threads that live
 *   process.gone        of those that ended since the last one began
 *   forking             fork.c: the lock of fork() and of machines that come and go
 *
 * Thread exit. POSIX runs the destructors of a thread's keys in rounds, at least
 * PTHREAD_DESTRUCTOR_ITERATIONS (4), as long as keys are set again. A destructor of the program may
 * run after ours and free objects: that attaches the thread again, and our destructor, armed again
 * in every round but the last, detaches it in the next. In the last round nothing would detach it any
 * more, so from then on attaching is refused with a report.
 */
#include "sim/process.h"
#include "sim/watch.h"

#include <errno.h>
#include <limits.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
	struct arch_spinlock lock;
	struct list_head machines;
	struct list_head threads;	/* sim_thread.all; lock */
	struct list_head gone;		/* likewise, of threads that are no more: to be freed; lock */
	pthread_key_t key;
	bool membarrier;
	int error;		/* of process_init() */
	struct hooks hooks;
} process = {
	.machines = {&process.machines, &process.machines},
	.threads = {&process.threads, &process.threads},
	.gone = {&process.gone, &process.gone},
};

_Thread_local struct arch_cpu *arch_cpu_ptr = &arch_cpu_none;
struct arch_cpu arch_cpu_none = {.claim = 1};
static struct sim_thread exited;

static pthread_once_t once = PTHREAD_ONCE_INIT;

#define LAST_ATTACH_ROUND (PTHREAD_DESTRUCTOR_ITERATIONS - 1)

#if defined(__has_attribute) && __has_attribute(disable_sanitizer_instrumentation)
#define NO_INSTRUMENTATION __attribute__((disable_sanitizer_instrumentation))
#else
#define NO_INSTRUMENTATION __attribute__((no_sanitize("thread")))
#endif

void process_lock(void)
{
	sim_lock(&process.lock);
}

void process_unlock(void)
{
	sim_unlock(&process.lock);
}

struct hooks *process_hooks(void)
{
	return &process.hooks;
}

/* A later thread frees the record: a thread in its last round, which tools have given up already, should
 * not give back what others wrote to. */
static void retire_thread(struct sim_thread *t)
{
	process_lock();
	list_move(&t->all, &process.gone);
	process_unlock();
}

static void free_retired(struct list_head *gone)
{
	struct list_head *next;

	for (struct list_head *pos = gone->next; pos != gone; pos = next) {
		next = pos->next;
		free(list_entry(pos, struct sim_thread, all));
	}
}

static void thread_exits(struct sim_thread *t)
{
	bool more;

	process_lock();
	thread_detach_locked(t);
	more = ++t->exit_rounds < LAST_ATTACH_ROUND;
	process_unlock();
	if (more) {
		pthread_setspecific(process.key, t);
		return;
	}
	epoch_thread_exit(t);
	sim_local.thread = NULL;
	pthread_setspecific(process.key, &exited);
	retire_thread(t);
}

/* Not instrumented: in the last round ThreadSanitizer has given the thread up already. */
NO_INSTRUMENTATION static void destructor(void *value)
{
	if (value == &exited)
		pthread_setspecific(process.key, &exited);
	else
		thread_exits(value);
}

static int membarrier(int command)
{
	return (int)syscall(SYS_membarrier, command, 0, 0);
}

static void init_once(void)
{
	int ret = pthread_key_create(&process.key, destructor);

	watch_init();
	if (!ret)
		ret = pthread_atfork(fork_prepare, fork_in_parent, fork_in_child);
	process.error = -ret;
	process.membarrier = !membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
}

int process_init(void)
{
	pthread_once(&once, init_once);
	return process.error;
}

bool process_has_membarrier(void)
{
	return process.membarrier;
}

void process_set_membarrier(bool on)
{
	process_init();
	process.membarrier = on;
}

void process_membarrier(void)
{
	if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED)) {
		arch_log(NULL, 0, "libkmem: membarrier() failed after it was registered");
		arch_trap();
	}
}

struct sim_thread *process_thread(void)
{
	struct list_head gone;
	struct sim_thread *t;

	if (process_init())
		return NULL;
	t = pthread_getspecific(process.key);
	if (t)
		return t == &exited ? NULL : t;
	t = aligned_alloc(__alignof__(*t), sizeof(*t));
	if (!t)
		return NULL;
	*t = (struct sim_thread){.slot = &arch_cpu_ptr};
	list_init(&t->list);
	list_init(&gone);
	process_lock();
	list_splice_init(&process.gone, &gone);
	list_add(&t->all, &process.threads);
	process_unlock();
	free_retired(&gone);
	if (pthread_setspecific(process.key, t)) {
		retire_thread(t);
		return NULL;
	}
	sim_local.thread = t;
	return t;
}

/* --- fork(): fork.c ----------------------------------------------------------------------------- */

struct list_head *process_machines(void)
{
	return &process.machines;
}

struct sim_thread *process_thread_of_child(void)
{
	return pthread_getspecific(process.key);
}

bool process_membarrier_again(void)
{
	return !process.membarrier || !membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
}

void process_forget_threads_locked(const struct sim_thread *self)
{
	struct list_head *next;

	for (struct list_head *pos = process.threads.next; pos != &process.threads; pos = next) {
		struct sim_thread *t = list_entry(pos, struct sim_thread, all);

		next = pos->next;
		if (t == self)
			continue;
		list_del(pos);
		free(t);
	}
}

/* --- the list of machines ----------------------------------------------------------------------- */

void process_add_locked(struct machine *m)
{
	list_add_tail(&m->list, &process.machines);
	m->published = true;
}

void process_remove_locked(struct machine *m)
{
	if (m->published)
		list_del_init(&m->list);
	m->published = false;
}

struct machine *process_only_machine_locked(const char **why)
{
	struct machine *found = NULL;
	struct machine *m;

	*why = list_empty(&process.machines) ? "there is none" : "machine lost in fork";
	list_for_each_entry(m, &process.machines, list) {
		if (m->lost)
			continue;
		if (found) {
			*why = "there are several";
			return NULL;
		}
		found = m;
	}
	return found;
}

bool process_has_machine_locked(const struct machine *wanted)
{
	struct machine *m;

	list_for_each_entry(m, &process.machines, list) {
		if (m == wanted)
			return true;
	}
	return false;
}
