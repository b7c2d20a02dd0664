/* SPDX-License-Identifier: MIT */
/* Small numbers: what was given back last is taken first, so that few are in use at a time. */
#include "trace.h"

#include <stdlib.h>

uint32_t numbers_take(struct numbers *n)
{
	if (n->nr_given_back)
		return n->given_back[--n->nr_given_back];
	return n->next++;
}

void numbers_give(struct numbers *n, uint32_t number)
{
	if (n->nr_given_back == n->capacity) {
		n->capacity = n->capacity ? 2 * n->capacity : 1024;
		n->given_back = xrealloc(n->given_back, n->capacity, sizeof(*n->given_back));
	}
	n->given_back[n->nr_given_back++] = number;
}

void numbers_free(struct numbers *n)
{
	free(n->given_back);
	*n = (struct numbers){0};
}
