/* SPDX-License-Identifier: MIT */
/*
 * The command line's words slub_debug, slab_debug and slob_debug: which debug flags which caches
 * get. All three have slub_debug's syntax (Documentation/mm/slub.rst); a backend listens to the one
 * of its own name, which boot leaves in kernel_params.slab_debug.
 *
 *	slub_debug                     full debugging, FZPU, for all caches
 *	slub_debug=FZ                  these options for all caches
 *	slub_debug=P,kmalloc-*,dentry  these options for some caches; a name may end in an asterisk
 *	slub_debug=,dentry             FZPU for some caches
 *	slub_debug=FZ;-,zspage;U,skb*  blocks: the first that names a cache decides about it, the last
 *	                               that names none about all others
 *
 *	F consistency checks   Z red zones     P poison    U who allocated and freed
 *	T trace                A failslab      - nothing   O not where slabs would have to be larger
 *
 * An option letter may be of either case. Options are added to the flags that a cache was created
 * with; a cache with SLAB_NOLEAKTRACE takes U only from a block that names it.
 */
#ifndef KMEM_COMMON_DEBUG_WORDS_H
#define KMEM_COMMON_DEBUG_WORDS_H

#include "lib/params.h"

#include <kmem/slab.h>

struct kernel;

/* What the bare word asks for. */
#define DEBUG_WORDS_DEFAULT \
	(SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER)

/* The first letter of @text that is no option, or none of a backend that knows the flags of
 * @known; 0: all are good. */
char debug_words_bad_letter(const struct param_text *text, slab_flags_t known);

/* @flags, and what the machine's word adds to them for a cache of that name. */
slab_flags_t debug_words_flags(const struct kernel *k, const char *name, slab_flags_t flags);

/* O: no red zones, poison and tracks in caches whose smallest slab would grow by them. */
bool debug_words_keep_order(const struct kernel *k);

#endif
