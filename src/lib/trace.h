/* SPDX-License-Identifier: MIT */
/*
 * Tracepoints; theory in trace.c. Here stands the test that is made before anything is said, and it
 * stands in slow paths only.
 */
#ifndef KMEM_LIB_TRACE_H
#define KMEM_LIB_TRACE_H

#include "lib/kernel.h"

#include <kmem/trace.h>

enum trace_event {
	TRACE_KMALLOC,
	TRACE_KFREE,
	TRACE_KMEM_CACHE_ALLOC,
	TRACE_KMEM_CACHE_FREE,
	TRACE_MM_PAGE_ALLOC,
	TRACE_MM_PAGE_FREE,
	TRACE_MM_PAGE_FREE_BATCHED,
	TRACE_MM_PAGE_ALLOC_ZONE_LOCKED,
	TRACE_MM_PAGE_PCPU_DRAIN,
	TRACE_MM_PAGE_ALLOC_EXTFRAG,
	NR_TRACE_EVENTS
};

#define TRACE_SITE_LEN 112	/* symbol+0x…/0x… */

static __always_inline bool trace_is_on(const struct kernel *k, enum trace_event ev)
{
	return unlikely(__atomic_load_n(&k->trace_events, __ATOMIC_ACQUIRE) & 1u << ev);
}

/* Write one event's line; @fmt is what stands behind its name. Locks may be held, but no leaf. */
void trace_write(struct kernel *k, enum trace_event ev, const char *fmt, ...) KMEM_PRINTF(3, 4);

/* The name of the code at @caller into @site; no lock is held. */
void trace_site(struct kernel *k, const void *caller, char site[TRACE_SITE_LEN]);

/* lib/fork.h: the lock. */
struct fork_walk;
bool trace_fork(struct kernel *k, struct fork_walk *w);

#endif
