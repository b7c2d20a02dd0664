/* SPDX-License-Identifier: MIT */
/*
 * Tracepoints: the events of Linux's group "kmem" as lines of ftrace's text, so that what reads
 * /sys/kernel/tracing/trace reads these.
 *
 *	kmem_trace_set_sink(write_line, file);
 *	kmem_trace_enable("kmalloc");
 *	kmem_trace_enable("mm_page_*");
 *
 * gives lines like
 *
 *	            kmem-1       [000] .....    0.000001: kmalloc: call_site=main+0x53/0xc0 ptr=ffff888002000000 bytes_req=100 bytes_alloc=128 gfp_flags=GFP_KERNEL node=-1 accounted=false
 *
 * All events are off after boot, and then tracing costs nothing: while at least one is on, no thread
 * of the machine gets by the fast paths, and the slow ones tell. What the allocators answer is the
 * same either way, only later. (So the per-CPU lists and arrays are used as always: addresses and
 * counts do not change by being watched.)
 *
 * The events and their fields are 6.1's: kmalloc, kfree, kmem_cache_alloc, kmem_cache_free (its
 * *_node events went away with 6.1), mm_page_alloc, mm_page_free, mm_page_free_batched (never seen
 * here: nothing frees pages by the list), mm_page_alloc_zone_locked, mm_page_pcpu_drain,
 * mm_page_alloc_extfrag. Bulk calls have no events, but for what they hand on to kfree(). Pointers are what
 * the simulated x86 sees, as a kernel prints them without hashing.
 *
 * Source: include/trace/events as /sys/kernel/tracing/events/kmem/<event>/format describes them.
 */
#ifndef KMEM_TRACE_H
#define KMEM_TRACE_H

#include <kmem/types.h>

KMEM_BEGIN_DECLS

/* Receives a line without its newline, NUL-terminated. */
typedef void kmem_trace_fn(void *arg, const char *line, size_t len);

/* The time of an event in nanoseconds; never less than what it returned before. */
typedef uint64_t kmem_trace_clock_fn(void *arg);

/* Who does it: a task's name into @comm, a string of less than @size bytes. Returns its number. */
typedef int kmem_trace_task_fn(void *arg, char *comm, size_t size);

/**
 * kmem_trace_enable - switch events on
 * @events: an event's name, with "kmem:" in front or not, in which * and ? stand for any characters
 *          and any one
 *
 * Return: how many events the name stands for; -EINVAL: none; -ENOMEM; -ENODEV. Waits until every
 * other thread has left the fast paths. Context: any thread, any context.
 */
KMEM_API int kmem_trace_enable(const char *events);

/** kmem_trace_disable - switch events off; parameters and return as kmem_trace_enable()'s @events. */
KMEM_API int kmem_trace_disable(const char *events);

/** kmem_trace_enabled - whether the event with the name @event is on. Any thread, never sleeps. */
KMEM_API bool kmem_trace_enabled(const char *event);

/** kmem_trace_event - name of the @i-th event, from 0, NULL past the last. Needs no machine. */
KMEM_API const char *kmem_trace_event(unsigned int i);

/**
 * kmem_trace_count - how often an event has been written since boot
 * @event: its name
 * Return: the number; 0 for no event, or without a machine. Any thread, never sleeps.
 */
KMEM_API uint64_t kmem_trace_count(const char *event);

/**
 * kmem_trace_set_sink - where lines go
 * @sink: called with a lock held, one line at a time: it must not call the library. NULL: nowhere
 * @arg:  given to @sink
 *
 * Return: 0, -ENOMEM, -ENODEV. Context: any thread, any context.
 */
KMEM_API int kmem_trace_set_sink(kmem_trace_fn *sink, void *arg);

/**
 * kmem_trace_set_clock - what time it is
 * @clock: called like the sink. NULL, the default: every line is one microsecond later than the one
 *         before, so that the same calls give the same text
 * @arg:   given to @clock
 *
 * Return and context: as kmem_trace_set_sink().
 */
KMEM_API int kmem_trace_set_clock(kmem_trace_clock_fn *clock, void *arg);

/**
 * kmem_trace_set_task - who is calling
 * @task: called by the thread that makes the event, with a lock held. NULL, the default: "kmem",
 *        with the number of the thread's CPU plus one
 * @arg:  given to @task
 *
 * Return and context: as kmem_trace_set_sink().
 */
KMEM_API int kmem_trace_set_task(kmem_trace_task_fn *task, void *arg);

KMEM_END_DECLS

#endif
