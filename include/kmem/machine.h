/* SPDX-License-Identifier: MIT */
/*
 * The simulated machine: its description, its life, and who hears of its troubles.
 *
 *	struct machine *m;
 *	struct machine_error err;
 *
 *	if (machine_boot_text("preset=x86_64 mem=256M cpus=2", &m, &err))
 *		errx(1, "%s", err.reason);
 *	p = kmalloc(100, GFP_KERNEL);
 *	...
 *	machine_shutdown(m);
 *
 * A process may hold many machines. A thread works on the machine it has entered:
 * machine_boot() enters the new one; another thread calls machine_enter(). A thread that has
 * entered none works on the process's only live machine; if there are none or several, the call
 * is reported ("no machine entered") and fails. Machines share nothing.
 *
 * CPUs. Each thread that uses a machine is attached to one of its simulated CPUs on first use
 * (the lowest-numbered CPU with the fewest threads) and detached when it exits, leaves, or enters
 * another machine. More threads than CPUs share them. A thread-specific destructor that uses the
 * library after the thread was detached attaches it again; in the last two of POSIX's rounds of
 * destructors that is reported ("no machine entered") and fails.
 *
 * fork(). In the child, a machine on a memfd (the default) is lost: its RAM is the parent's. Calls there
 * report "machine lost in fork" and fail. One on private memory goes on in both processes, whatever
 * other threads are doing: the forking one waits until nobody is in the middle of a change. What the
 * others had of it (objects, and blocks in the middle of a call) stays allocated in the child, where
 * they do not exist.
 *
 * Functions that the library calls may fork as well. If a lock cannot be had, because such a function
 * is called under it (report handlers, log and text sinks), or its holder waits for something that the
 * forking thread holds, the fork() goes on after some seconds and that machine is lost in the child;
 * the log says so. So is one that another thread is booting or shutting down. Handlers of pthread_atfork()
 * that were registered before the process's first machine must not call the library.
 */
#ifndef KMEM_MACHINE_H
#define KMEM_MACHINE_H

#include <kmem/types.h>

KMEM_BEGIN_DECLS

/* Paging mode of the simulated x86. */
enum machine_mode {
	MACHINE_MODE_32,	/* 32-bit, two levels */
	MACHINE_MODE_PAE,	/* 32-bit, three levels */
	MACHINE_MODE_4LEVEL,
	MACHINE_MODE_5LEVEL,
};

/* What stands behind simulated RAM in the host. */
enum machine_backing {
	MACHINE_BACKING_MEMFD,		/* one memfd: a page may appear at several addresses */
	MACHINE_BACKING_PRIVATE,	/* private memory: no aliases, goes on in both processes of a fork */
};

/* Physical bytes [start, end); end is exclusive. Both are multiples of PAGE_SIZE after boot trims
 * them inwards. node is NUMA_NO_NODE where it is not said. */
struct machine_range {
	uint64_t start;
	uint64_t end;
	int node;
};

/* Counts form of a zone: `present` frames, the topmost present - managed of them reserved. */
struct machine_zone_pages {
	int node;
	int zone;		/* enum kmem_zone_type */
	uint64_t present;	/* pages */
	uint64_t managed;	/* pages */
};

/* Runs while the machine boots, before it has a page allocator: only <kmem/memblock.h> works there.
 * Return: 0; a negative errno value: machine_boot() fails with it. */
typedef int machine_early_fn(void *arg);

/*
 * A machine's description. Fill it with machine_desc_init() and change what differs; arrays and
 * strings that you set yourself stay yours and are copied by machine_boot().
 */
struct machine_desc {
	const struct machine_range *ram;	/* present RAM, ascending, no overlap */
	unsigned int nr_ram;
	const struct machine_range *reserved;	/* present but not managed; need not be in order */
	unsigned int nr_reserved;
	uint64_t mem;				/* bytes; not 0: a PC's RAM of this size instead of `ram` */
	const struct machine_zone_pages *zone_pages;
	unsigned int nr_zone_pages;
	unsigned int nodes;			/* RAM without a node is split evenly over them */
	unsigned int cpus;			/* CPU i lies on node i % nodes */
	const uint8_t *distance;		/* nodes × nodes; NULL: 10 own, 20 others */
	enum machine_mode mode;
	uint64_t seed;				/* of every pseudo-random choice */
	const char *cmdline;			/* kernel command line; NULL is empty */
	bool thp;				/* a kernel with transparent huge pages */
	enum machine_backing backing;
	bool isolate_metadata;			/* allocators' own objects take no simulated RAM */
	unsigned int maxphyaddr;		/* bits; 0: the mode's default */
	const char *tlb;			/* TLB geometry; NULL: default */
	bool default_reserved;			/* add what a real boot reserves on a PC of this size */
	machine_early_fn *early;		/* may take boot memory; NULL: nobody does */
	void *early_arg;			/* given to it */
	void *owned;				/* memory of the parser; freed by machine_desc_free() */
};

/* Why a call failed: a negative errno value and one readable line without newline. */
struct machine_error {
	int code;
	char reason[240];
};

/**
 * machine_desc_init - start a description from a preset
 * @desc:   overwritten; change what differs before machine_boot()
 * @preset: "x86_64", "x86_32", "numa-2", "tiny-8M", …; NULL is "x86_64"
 * @err:    filled on failure; may be NULL
 *
 * Return: 0, -EINVAL for an unknown preset, -EOPNOTSUPP for one that this version does not have.
 * Context: any thread, no machine needed.
 */
KMEM_DECL(int, machine_desc_init,
	  (struct machine_desc * desc, const char *preset, struct machine_error *err));

/**
 * machine_desc_parse - a description from text
 * @desc: overwritten; free it with machine_desc_free() (also after a failure it is safe to)
 * @text: `key=value` words separated by white space or newlines, `#` comments to the end of the
 *        line; or a bare preset name. docs/machine.md lists the keys.
 * @name: what error messages call the text ("--machine", a file name); NULL is "machine".
 * @err:  filled on failure; may be NULL
 *
 * Return: 0, -EINVAL (unknown key, bad value: @err names word and line), -EOPNOTSUPP (known, but
 * not in this version), -ENOMEM.
 * Context: any thread, no machine needed.
 */
KMEM_DECL(int, machine_desc_parse,
	  (struct machine_desc * desc, const char *text, const char *name,
	   struct machine_error *err));

/**
 * machine_desc_load - machine_desc_parse() of a file
 * @desc: as machine_desc_parse()
 * @path: of at most 1 MiB of text
 * @err:  as machine_desc_parse(); names @path
 *
 * Return: as machine_desc_parse(); also -errno of opening or reading. Context: the same.
 */
KMEM_DECL(int, machine_desc_load,
	  (struct machine_desc * desc, const char *path, struct machine_error *err));

/** machine_desc_free - free what parsing allocated; @desc is all zero then. No machine needed. */
KMEM_DECL(void, machine_desc_free, (struct machine_desc * desc));

/**
 * machine_boot - make a machine, boot its allocators, enter it
 * @desc: copied; may be freed afterwards
 * @out:  the machine; NULL on failure
 * @err:  filled on failure; may be NULL
 *
 * Runs memblock, zones, the page allocator, the small-object backend and the page tables in Linux's
 * order. The thread is on CPU 0 of the new machine then.
 * Return: 0; -EINVAL (impossible description, unknown command-line word), -ENOMEM (the host does
 * not give the address space: the reason names the size), -EAGAIN (the process has no
 * thread-specific key left), -EOPNOTSUPP (a part that this version does not have), what the early
 * callback returned. On failure
 * nothing is left behind, and the thread stays in the machine it was in.
 * Context: any thread; may sleep. Source: order and figures are those of a Linux 6.1 boot.
 */
KMEM_DECL(int, machine_boot,
	  (const struct machine_desc *desc, struct machine **out, struct machine_error *err))
	KMEM_MUST_CHECK;

/**
 * machine_boot_text - machine_desc_parse() and machine_boot() in one
 * @text: "preset=x86_64 mem=256M cpus=2"
 * @out:  as machine_boot()
 * @err:  as machine_boot()
 *
 * Return and context: as the two.
 */
KMEM_DECL(int, machine_boot_text,
	  (const char *text, struct machine **out, struct machine_error *err)) KMEM_MUST_CHECK;

/**
 * machine_shutdown - report leaks and give everything back to the host
 * @m: a live machine; reported if it is none
 *
 * RCU callbacks that still wait are run. Every live object is reported by its cache ("Objects
 * remaining in …"), then all memory is released, leaked or not. Other threads must not be inside a
 * call on @m; those that are attached become unattached. The caller goes back to the machine it was
 * in, if that was another.
 * Return: number of leaked objects and page blocks (0: a clean machine).
 * Context: any thread; may sleep.
 */
KMEM_DECL(unsigned long, machine_shutdown, (struct machine * m));

/**
 * machine_enter - the calling thread works on @m from now on
 * @m: checked: any pointer may be given
 *
 * Return: 0; -ENODEV if @m is gone, or lost in fork (reported), or the thread has all but exited.
 * Context: any thread; never sleeps.
 */
KMEM_DECL(int, machine_enter, (struct machine * m));

/** machine_leave - the calling thread works on no machine in particular. As machine_enter(). */
KMEM_DECL(void, machine_leave, (void));

/**
 * machine_current - the machine a call of this thread would work on, or NULL
 *
 * Attaches nobody and reports nothing. Any thread, any context.
 */
KMEM_DECL(struct machine *, machine_current, (void));

/**
 * machine_description - the description @m was booted with, after defaults were filled in
 * @m: a live machine; not checked
 *
 * Return: constant, until @m is shut down. Any thread, any context.
 */
KMEM_DECL(const struct machine_desc *, machine_description, (const struct machine *m));

/**
 * machine_backend - "slab", "slub" or "slob", what this library was built with
 *
 * Needs no machine.
 */
KMEM_DECL(const char *, machine_backend, (void));

/**
 * smp_processor_id - the simulated CPU of this thread, which is attached if need be
 * Return: 0 … cpus - 1; -1 without a machine (reported). Any thread, any context, never sleeps.
 */
KMEM_DECL(int, smp_processor_id, (void));

/** numa_node_id - node of this thread's CPU; -1 without a machine. As smp_processor_id(). */
KMEM_DECL(int, numa_node_id, (void));

/**
 * cpu_migrate - move the calling thread to another CPU (libkmem's own)
 * @cpu: 0 … cpus - 1 of the entered machine
 *
 * Return: 0; -EINVAL: there is no such CPU; -ENODEV without a machine (reported). Any thread, not
 * from a callback of the library; may sleep.
 */
KMEM_DECL(int, cpu_migrate, (unsigned int cpu));

/**
 * machine_advance - let time pass on the entered machine (libkmem's own)
 * @ms: milliseconds; 0 only reads the clock
 *
 * The machine's clock stands still but for this call. What Linux's timers would have done meanwhile
 * is done now, in the calling thread: on SLAB every CPU reaps its caches every two seconds
 * (docs/slab.md), CPU after CPU. SLUB and SLOB have no timers. Grace periods do not go by the clock
 * (rcu.h).
 *
 * Return: what the clock says then, milliseconds since boot; -ENODEV without a machine (reported).
 * Context: any thread, not from a callback of the library; may sleep.
 */
KMEM_DECL(long, machine_advance, (unsigned int ms));

/**
 * machine_trim - give the host memory behind large free blocks back (libkmem's own)
 *
 * Free blocks of at least a pageblock (2 MiB, 4 on x86_32) keep their place in the lists but cost the host
 * nothing until they are touched again. Nothing is ever given back otherwise. Pages on the CPUs' lists
 * are not in such blocks: drain_all_pages() before brings more together.
 * Return: how many pages those blocks have, given back before or not; 0 without a machine (reported).
 * Context: any thread; waits for the host with a zone's lock held, one block at a time.
 */
KMEM_DECL(unsigned long, machine_trim, (void));

/* --- who hears of trouble ------------------------------------------------------------------ */

/* How bad it is. */
enum machine_report_kind {
	MACHINE_WARN,	/* printed; the call goes on or fails as Linux's would */
	MACHINE_BUG,	/* misuse or corruption found; by default the process aborts after it */
	MACHINE_PANIC,	/* the simulated kernel cannot go on */
};

/* What a report handler is given; valid until it returns. */
struct machine_report {
	enum machine_report_kind kind;
	const char *title;	/* first line, without newline: "kfree: pointer 0x… is in no slab" */
	const char *text;	/* the whole report, lines ending in newline, title included */
};

/* What a report handler wants: go on (the call repairs or refuses and returns) or abort(). */
enum machine_verdict { MACHINE_CONTINUE, MACHINE_ABORT };

/* A report handler. @m is NULL where a call had no machine. */
typedef enum machine_verdict machine_report_fn(struct machine *m, const struct machine_report *r,
					       void *arg);

/* One line of the kernel log; level as in Linux, 0 emergency … 7 debug; no newline at its end. */
typedef void machine_log_fn(struct machine *m, int level, const char *line, void *arg);

/**
 * machine_set_report_handler - who receives WARNs and BUGs of @m
 * @m:  NULL: of machines without a handler of their own, and of calls that have no machine; reported
 *      if it is no live machine
 * @fn: NULL restores the default: print to stderr; abort() after BUG and PANIC.
 * @arg: given to @fn
 *
 * Context: any thread; not while other threads are inside calls on @m. The handler may be called
 * with allocator locks held: it must not call the library.
 */
KMEM_DECL(void, machine_set_report_handler, (struct machine * m, machine_report_fn *fn, void *arg));

/**
 * machine_set_log_sink - who receives the log of @m
 * @m:  as above
 * @fn: NULL restores the default: lines of level 4 (warning) and worse go to stderr, others nowhere
 * @arg: given to @fn
 *
 * Context: as above; the sink, too, must not call the library.
 */
KMEM_DECL(void, machine_set_log_sink, (struct machine * m, machine_log_fn *fn, void *arg));

/**
 * machine_report_faults - report accesses to a machine's addresses where nothing is (libkmem's own)
 * @on: begin or end it, for the whole process
 *
 * A guard page of vmalloc(), an area that was purged, a hole in RAM: the host answers with SIGSEGV. With
 * this on, the machine that the thread has entered first reports the address as the simulated x86 calls
 * it ("BUG: unable to handle page fault for address: …"); then the signal goes to whoever handled it
 * before, and by default ends the process. Off at first.
 *
 * Return: 0, or a negative errno of sigaction(). Context: any thread; who changes the handler of SIGSEGV
 * meanwhile changes it for this, too.
 */
KMEM_DECL(int, machine_report_faults, (bool on));

KMEM_END_DECLS

#endif
