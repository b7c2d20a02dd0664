/* SPDX-License-Identifier: MIT */
/* Seeded pseudo-random numbers (splitmix64): same seed, same sequence. */
#ifndef KMEM_LIB_RAND_H
#define KMEM_LIB_RAND_H

#include <stdint.h>

static inline uint64_t rand_next(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

#endif
