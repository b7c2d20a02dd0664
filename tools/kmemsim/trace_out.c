/* SPDX-License-Identifier: MIT */
/*
 * --trace-out: what the allocators did, as ftrace text: one line for each event performed. Read back,
 * it gives the figures of the replay that wrote it.
 *
 * A call may say more than its own event: pages that a slab comes from, and with SLAB an object for
 * a slab's free list. An allocation says its own event last, a free first, and that one is written.
 * Time is the number of the event, in microseconds, so that two replays write the same.
 */
#include "replay.h"

#include <kmem/trace.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct trace_out {
	FILE *f;
	const char *path;
	uint64_t row;		/* of the event on its way, from 0 */
	bool last;		/* of its lines the last is wanted, else the first */
	char line[1024];	/* empty: none yet */
};

static const char *const events[] = {
	"kmalloc", "kfree", "kmem_cache_alloc", "kmem_cache_free", "mm_page_alloc", "mm_page_free",
};

static void keep(void *arg, const char *line, size_t len)
{
	struct trace_out *o = arg;

	if ((!*o->line || o->last) && len < sizeof(o->line))
		memcpy(o->line, line, len + 1);
}

static uint64_t now(void *arg)
{
	const struct trace_out *o = arg;

	return o->row * 1000;
}

static int task(void *arg, char *comm, size_t size)
{
	snprintf(comm, size, "kmemsim");
	return 1;
}

static void check(struct trace_out *o, bool good)
{
	if (!good)
		die("--trace-out: cannot write '%s': %s", o->path, strerror(errno));
}

struct trace_out *trace_out_begin(const char *path)
{
	struct trace_out *o = xcalloc(1, sizeof(*o));

	o->path = path;
	o->f = fopen(path, "w");
	check(o, o->f);
	check(o, fputs("# tracer: nop\n#\n", o->f) >= 0);
	kmem_trace_set_sink(keep, o);
	kmem_trace_set_clock(now, o);
	kmem_trace_set_task(task, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		kmem_trace_enable(events[i]);
	return o;
}

void trace_out_row(struct trace_out *o, bool is_alloc)
{
	o->last = is_alloc;
	*o->line = '\0';
}

void trace_out_row_done(struct trace_out *o)
{
	o->row++;
	if (*o->line)
		check(o, fprintf(o->f, "%s\n", o->line) > 0);
}

void trace_out_end(struct trace_out *o)
{
	kmem_trace_disable("*");
	kmem_trace_set_sink(NULL, NULL);
	kmem_trace_set_clock(NULL, NULL);
	check(o, !fclose(o->f));
	free(o);
}
