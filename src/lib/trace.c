/* SPDX-License-Identifier: MIT */
/*
 * Tracepoints.
 *
 * An event is a bit in kernel->trace_events. While no bit is set, all that exists of tracing is one
 * test in paths that are slow anyway. With the first bit the CPUs are slowed (arch_slow_cpus): their
 * fast entries are shut, as they are for a CPU that several threads share, so that every call comes
 * by a slow path. There the events are said: objects' in the backends (common/trace.h), pages' in
 * the page allocator (buddy/trace.h), each formatted where its parts are known.
 *
 * A line is put together on the stack; head (who, where, when) and sink come under the lock, so that
 * time never runs backwards in the text. Names of call sites are looked up in the host's symbol
 * table, which takes long and is done without the lock; a table by address keeps the last ones.
 *
 * Locks: `lock`, a leaf, guards sink, clock, task, seq, the counts and the table of sites; events
 * are said under zone locks, so it must be one. kernel->trace_mutex makes switching on and off one step.
 */
#include "lib/trace.h"

#include "lib/context.h"
#include "lib/errno.h"
#include "lib/fork.h"
#include "lib/kfmt.h"
#include "lib/lock_rank.h"
#include "lib/mutex.h"
#include "lib/once.h"
#include "lib/slowed.h"
#include "lib/string.h"

#define LINE_MAX_LEN 768
#define NR_SITES 256		/* a power of two */

struct trace_name {
	const void *caller;
	char name[TRACE_SITE_LEN];
};

struct trace_state {
	struct arch_spinlock lock;
	kmem_trace_fn *sink;
	void *sink_arg;
	kmem_trace_clock_fn *clock;
	void *clock_arg;
	kmem_trace_task_fn *task;
	void *task_arg;
	uint64_t seq;
	uint64_t count[NR_TRACE_EVENTS];
	struct trace_name sites[NR_SITES];
};

static const char *const names[NR_TRACE_EVENTS] = {
	[TRACE_KMALLOC] = "kmalloc",
	[TRACE_KFREE] = "kfree",
	[TRACE_KMEM_CACHE_ALLOC] = "kmem_cache_alloc",
	[TRACE_KMEM_CACHE_FREE] = "kmem_cache_free",
	[TRACE_MM_PAGE_ALLOC] = "mm_page_alloc",
	[TRACE_MM_PAGE_FREE] = "mm_page_free",
	[TRACE_MM_PAGE_FREE_BATCHED] = "mm_page_free_batched",
	[TRACE_MM_PAGE_ALLOC_ZONE_LOCKED] = "mm_page_alloc_zone_locked",
	[TRACE_MM_PAGE_PCPU_DRAIN] = "mm_page_pcpu_drain",
	[TRACE_MM_PAGE_ALLOC_EXTFRAG] = "mm_page_alloc_extfrag",
};

/* --- one line --------------------------------------------------------------------------------- */

/* ftrace's five characters: interrupts, reschedule, context, preemption, migration. */
static void put_flags(struct seq_file *m)
{
	const struct arch_context *c = arch_context();
	unsigned int preempt = c->preempt_count & PREEMPT_MASK;
	char where = '.';

	if (c->preempt_count & HARDIRQ_MASK)
		where = 'h';
	else if (c->preempt_count & SOFTIRQ_OFFSET)
		where = 's';
	seq_putc(m, c->irqs_disabled ? 'd' : c->preempt_count & SOFTIRQ_MASK ? 'b' : '.');
	seq_putc(m, '.');
	seq_putc(m, where);
	if (preempt)
		seq_printf(m, "%x", preempt < 15 ? preempt : 15);
	else
		seq_putc(m, '.');
	seq_putc(m, '.');
}

static void put_head_locked(struct trace_state *t, struct seq_file *m, enum trace_event ev)
{
	unsigned int cpu = arch_cpu_ptr->id;
	char comm[17] = "kmem";
	int pid = (int)cpu + 1;
	uint64_t us;

	if (t->task)
		pid = t->task(t->task_arg, comm, sizeof(comm));
	us = t->clock ? t->clock(t->clock_arg) / 1000 : t->seq;
	seq_printf(m, "%16s-%-7d [%03u] ", comm, pid, cpu);
	put_flags(m);
	seq_printf(m, " %4lu.%06lu: %s: ", (unsigned long)(us / 1000000),
		   (unsigned long)(us % 1000000), names[ev]);
}

void trace_write(struct kernel *k, enum trace_event ev, const char *fmt, ...)
{
	struct trace_state *t = k->trace;
	char line[LINE_MAX_LEN], body[LINE_MAX_LEN - 96];
	struct seq_file m;
	va_list args;

	va_start(args, fmt);
	kvsnprintf(body, sizeof(body), fmt, args);
	va_end(args);
	seq_init_buf(&m, line, sizeof(line));
	arch_spin_lock(&t->lock);
	arch_context()->handlers++;
	t->seq++;
	t->count[ev]++;
	if (t->sink) {
		put_head_locked(t, &m, ev);
		seq_puts(&m, body);
		t->sink(t->sink_arg, line, m.len < sizeof(line) ? m.len : sizeof(line) - 1);
	}
	arch_context()->handlers--;
	arch_spin_unlock(&t->lock);
}

static struct trace_name *site_of(struct trace_state *t, const void *caller)
{
	return &t->sites[((uintptr_t)caller ^ (uintptr_t)caller >> 9) % NR_SITES];
}

void trace_site(struct kernel *k, const void *caller, char site[TRACE_SITE_LEN])
{
	struct trace_state *t = k->trace;
	struct trace_name *at = site_of(t, caller);
	bool known;

	arch_spin_lock(&t->lock);
	known = at->caller == caller;
	if (known)
		__builtin_memcpy(site, at->name, TRACE_SITE_LEN);
	arch_spin_unlock(&t->lock);
	if (known)
		return;
	arch_symbol((unsigned long)caller, site, TRACE_SITE_LEN);
	arch_spin_lock(&t->lock);
	at->caller = caller;
	__builtin_memcpy(at->name, site, TRACE_SITE_LEN);
	arch_spin_unlock(&t->lock);
}

/* --- names ------------------------------------------------------------------------------------ */

/* * and ? as in a shell. */
static bool glob_match(const char *glob, const char *name)
{
	const char *star = NULL, *from = NULL;

	while (*name) {
		if (*glob == '*') {
			star = ++glob;
			from = name;
		} else if (*glob == '?' || *glob == *name) {
			glob++;
			name++;
		} else if (star) {
			glob = star;
			name = ++from;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return !*glob;
}

/* The events that a name stands for, as bits. */
static uint32_t events_of(const char *glob)
{
	uint32_t events = 0;
	unsigned int i;

	if (!glob)
		return 0;
	if (!strncmp(glob, "kmem:", 5))
		glob += 5;
	for (i = 0; i < NR_TRACE_EVENTS; i++)
		if (glob_match(glob, names[i]))
			events |= 1u << i;
	return events;
}

const char *kmem_trace_event(unsigned int i)
{
	return i < NR_TRACE_EVENTS ? names[i] : NULL;
}

/* --- on and off ------------------------------------------------------------------------------- */

static struct trace_state *trace_make(const struct arch_machine *am)
{
	struct trace_state *t = arch_host_alloc(am, sizeof(*t));

	if (t)
		arch_spin_init(&t->lock, LOCK_RANK_LEAF);
	return t;
}

/* NULL: no memory. */
static struct trace_state *trace_get(struct kernel *k)
{
	return kernel_once(k, &k->trace, trace_make);
}

static int trace_switch(const char *glob, bool on)
{
	struct kernel *k = arch_kernel();
	uint32_t events = events_of(glob), before, now;
	struct trace_state *t;

	if (!k)
		return -ENODEV;
	if (!events)
		return -EINVAL;
	t = trace_get(k);
	if (!t)
		return -ENOMEM;
	mutex_lock(&k->trace_mutex);
	before = k->trace_events;
	now = on ? before | events : before & ~events;
	if (!before && now)
		slowed_set(k, SLOWED_FOR_EVENTS, true);
	__atomic_store_n(&k->trace_events, now, __ATOMIC_RELEASE);
	if (before && !now)
		slowed_set(k, SLOWED_FOR_EVENTS, false);
	mutex_unlock(&k->trace_mutex);
	return __builtin_popcount(events);
}

int kmem_trace_enable(const char *events)
{
	return trace_switch(events, true);
}

int kmem_trace_disable(const char *events)
{
	return trace_switch(events, false);
}

bool kmem_trace_enabled(const char *event)
{
	struct kernel *k = arch_kernel();
	unsigned int i;

	for (i = 0; k && event && i < NR_TRACE_EVENTS; i++)
		if (!strcmp(event, names[i]))
			return trace_is_on(k, (enum trace_event)i);
	return false;
}

uint64_t kmem_trace_count(const char *event)
{
	struct kernel *k = arch_kernel();
	struct trace_state *t = k ? __atomic_load_n(&k->trace, __ATOMIC_ACQUIRE) : NULL;
	uint64_t count = 0;
	unsigned int i;

	for (i = 0; t && event && i < NR_TRACE_EVENTS; i++) {
		if (strcmp(event, names[i]))
			continue;
		arch_spin_lock(&t->lock);
		count = t->count[i];
		arch_spin_unlock(&t->lock);
	}
	return count;
}

/* --- hooks ------------------------------------------------------------------------------------ */

/* Lock the state to change a hook; NULL with the error in @err. */
static struct trace_state *trace_lock(int *err)
{
	struct kernel *k = arch_kernel();
	struct trace_state *t = k ? trace_get(k) : NULL;

	*err = t ? 0 : k ? -ENOMEM : -ENODEV;
	if (t)
		arch_spin_lock(&t->lock);
	return t;
}

int kmem_trace_set_sink(kmem_trace_fn *sink, void *arg)
{
	int err;
	struct trace_state *t = trace_lock(&err);

	if (!t)
		return err;
	t->sink = sink;
	t->sink_arg = arg;
	arch_spin_unlock(&t->lock);
	return 0;
}

int kmem_trace_set_clock(kmem_trace_clock_fn *clock, void *arg)
{
	int err;
	struct trace_state *t = trace_lock(&err);

	if (!t)
		return err;
	t->clock = clock;
	t->clock_arg = arg;
	arch_spin_unlock(&t->lock);
	return 0;
}

int kmem_trace_set_task(kmem_trace_task_fn *task, void *arg)
{
	int err;
	struct trace_state *t = trace_lock(&err);

	if (!t)
		return err;
	t->task = task;
	t->task_arg = arg;
	arch_spin_unlock(&t->lock);
	return 0;
}

bool trace_fork(struct kernel *k, struct fork_walk *w)
{
	return !k->trace || fork_spinlock(w, &k->trace->lock);
}
