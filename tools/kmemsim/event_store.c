/* SPDX-License-Identifier: MIT */
/*
 * Events wait here between reading and performing. The first MEMORY_BATCHES batches stay in memory;
 * a longer trace goes on in an unlinked temporary file, so that memory does not grow with it.
 */
#include "trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_BATCHES 256	/* a million events, 24 MiB */

struct event_store {
	struct event *batches[MEMORY_BATCHES];	/* full but for the last */
	FILE *overflow;				/* what came after them; NULL: nothing */
	struct event *tail;			/* the batch being filled, for the file */
	uint64_t count;
	uint64_t next;				/* event that store_next() returns first */
};

struct event_store *store_new(void)
{
	return xcalloc(1, sizeof(struct event_store));
}

static void write_tail(struct event_store *s, size_t n)
{
	if (!s->overflow)
		s->overflow = tmpfile();
	if (!s->overflow || fwrite(s->tail, sizeof(*s->tail), n, s->overflow) != n)
		die("cannot write a temporary file for the trace: %s", strerror(errno));
}

void store_add(struct event_store *s, const struct event *e)
{
	uint64_t batch = s->count / EVENT_BATCH;
	size_t i = (size_t)(s->count % EVENT_BATCH);
	struct event **room = batch < MEMORY_BATCHES ? &s->batches[batch] : &s->tail;

	if (!*room)
		*room = xrealloc(NULL, EVENT_BATCH, sizeof(**room));
	(*room)[i] = *e;
	s->count++;
	if (batch >= MEMORY_BATCHES && i == EVENT_BATCH - 1)
		write_tail(s, EVENT_BATCH);
}

uint64_t store_count(const struct event_store *s)
{
	return s->count;
}

static void end_adding(struct event_store *s)
{
	size_t rest = (size_t)(s->count % EVENT_BATCH);

	if (s->count / EVENT_BATCH < MEMORY_BATCHES)
		return;
	if (rest)
		write_tail(s, rest);
	if (s->overflow && fseek(s->overflow, 0, SEEK_SET))
		die("cannot read the temporary file of the trace: %s", strerror(errno));
}

size_t store_next(struct event_store *s, struct event *buf)
{
	uint64_t batch = s->next / EVENT_BATCH;
	uint64_t left = s->count - s->next;
	size_t n = left < EVENT_BATCH ? (size_t)left : EVENT_BATCH;

	if (!s->next)
		end_adding(s);
	if (!n)
		return 0;
	if (batch < MEMORY_BATCHES)
		memcpy(buf, s->batches[batch], n * sizeof(*buf));
	else if (fread(buf, sizeof(*buf), n, s->overflow) != n)
		die("cannot read the temporary file of the trace: %s", strerror(errno));
	s->next += n;
	return n;
}

void store_free(struct event_store *s)
{
	for (size_t i = 0; i < MEMORY_BATCHES; i++)
		free(s->batches[i]);
	if (s->overflow)
		fclose(s->overflow);
	free(s->tail);
	free(s);
}
