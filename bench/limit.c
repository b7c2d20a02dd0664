/* SPDX-License-Identifier: MIT */
/* A bare free list, behind the same call boundary as an allocator: a file of its own, never inlined. */
#include "limit.h"

#include <stddef.h>

struct link {
	struct link *next;
};

static struct link objects[16];
static struct link *first;

__attribute__((noinline)) void *limit_pop(void)
{
	struct link *l = first;

	if (__builtin_expect(!l, 0)) {
		l = &objects[0];
		l->next = NULL;
	}
	first = l->next;
	return l;
}

__attribute__((noinline)) void limit_push(void *p)
{
	struct link *l = p;

	l->next = first;
	first = l;
}
