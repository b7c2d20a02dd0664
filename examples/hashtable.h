/* SPDX-License-Identifier: MIT */
/* A table of names, as a kernel would have it (hashtable.c). */
#ifndef HASHTABLE_H
#define HASHTABLE_H

#include <kmem/slab.h>

struct name;

/* One thread at a time, or the caller's lock. */
struct names {
	struct name **bucket;
	unsigned int shift;	/* there are 2^shift buckets */
	unsigned long nr;
};

/* Once, before anything else, and at the end. All that return an int: 0 or a negative errno. */
int names_start(void);
void names_stop(void);

int names_init(struct names *t, gfp_t gfp);
void names_exit(struct names *t);

int name_add(struct names *t, const char *text, void *value, gfp_t gfp);
void *name_find(const struct names *t, const char *text);
void *name_del(struct names *t, const char *text);

#endif
