/* SPDX-License-Identifier: MIT */
/* Flag words as scripts and traces spell them. */
#ifndef KMEMSIM_WORDS_H
#define KMEMSIM_WORDS_H

#include "kmemsim.h"

#include <kmem/gfp.h>
#include <kmem/slab.h>

/*
 * GFP words joined by '|', each without its GFP_ or __GFP_ ("KERNEL|NOWARN"); "-" is none.
 * Return: false for an unknown word, which @bad (may be NULL) then holds.
 */
bool gfp_from_script(const char *text, gfp_t *out, char bad[32]);

/*
 * GFP words of a trace, with their GFP_ or __GFP_ ("GFP_NOFS|__GFP_COMP"), as newer kernels mean
 * them (GFP_NOWAIT there contains __GFP_NOWARN); "none", and numbers ("0xcc0"), whose bits are read
 * as 6.1's. Words and bits that 6.1 does not have are left out.
 * Return: how many were; the first of them is in @bad.
 */
unsigned int gfp_from_trace(const char *text, gfp_t *out, char bad[32]);

/* Cache flags joined by '|', without SLAB_; CTOR sets @ctor; "-" is none. As gfp_from_script(). */
bool slab_flags_from_script(const char *text, slab_flags_t *out, bool *ctor, char bad[32]);

#endif
