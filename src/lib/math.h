/* SPDX-License-Identifier: MIT */
/* Linux's arithmetic helpers; each returns a number of @n's type. */
#ifndef KMEM_LIB_MATH_H
#define KMEM_LIB_MATH_H

/* The first multiple of @align, a power of two, at or behind @n. */
#define round_up(n, align)                                                                         \
	(((n) + (__typeof__(n))(align) - 1) & ~((__typeof__(n))(align) - 1))

/* The same for any @step. */
#define roundup(n, step) (((n) + (__typeof__(n))(step) - 1) / (step) * (step))

#define min(a, b)                                                                                  \
	({                                                                                         \
		__typeof__(a) min_a = (a);                                                         \
		__typeof__(a) min_b = (b);                                                         \
		min_a < min_b ? min_a : min_b;                                                     \
	})

#endif
