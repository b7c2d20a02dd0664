/* SPDX-License-Identifier: MIT */
/* The limit loop: what a pair costs when an allocator is nothing but a free list. */
#ifndef BENCH_LIMIT_H
#define BENCH_LIMIT_H

void *limit_pop(void);
void limit_push(void *p);

#endif
