/* SPDX-License-Identifier: MIT */
/* What debug caches put around and into their objects, and the reports about it (slab_debug.c). */
#ifndef KMEM_SLAB_SLAB_DEBUG_H
#define KMEM_SLAB_SLAB_DEBUG_H

#include "lib/report_queue.h"
#include "slab/slab.h"

/* Red zones: Linux's words (its include/linux/poison.h). */
#define SLAB_RED_INACTIVE 0x09f911029d74e35bull	/* the object is free */
#define SLAB_RED_ACTIVE 0xd84156c5635688c0ull	/* somebody has it */

/* Poison: of a free object, of one that was handed out and not written to yet, and their last
 * byte. */
#define SLAB_POISON_FREE 0x6b
#define SLAB_POISON_INUSE 0x5a
#define SLAB_POISON_END 0xa5

struct slab_redzones {
	uint64_t before, behind;
};

static inline struct slab_redzones slab_redzones(const struct slab_cache *s, const void *object)
{
	const char *p = object;

	return (struct slab_redzones){
		.before = arch_raw_read((uint64_t *)(uintptr_t)(p - sizeof(uint64_t))),
		.behind = arch_raw_read((uint64_t *)(uintptr_t)(p + s->geo.tail)),
	};
}

static inline unsigned long *slab_last_user(const struct slab_cache *s, const void *object)
{
	size_t redzone = s->common.flags & SLAB_RED_ZONE ? sizeof(uint64_t) : 0;

	return (unsigned long *)((uintptr_t)object + s->geo.tail + redzone);
}

/* What byte @i of a free object must be. */
static inline uint8_t slab_poison_byte(const struct slab_cache *s, unsigned int i)
{
	return i + 1 == s->common.object_size ? SLAB_POISON_END : SLAB_POISON_FREE;
}

/* Reports: said by @q when the lock is dropped, under which it was found; @q NULL: at once. */

/* "Slab corruption": somebody wrote to the free object @object. */
void slab_report_corruption(struct slab_cache *s, const struct slab_slab *slab, const void *object,
			    struct report_queue *q);

/* "slab error in WHERE(): cache `NAME': WHAT", with the words of the red zones. */
void slab_report_redzones(struct slab_cache *s, const void *object, const char *where,
			  const char *what, struct report_queue *q);

/* Of an object without red zones. */
void slab_report_double_free(struct slab_cache *s, const void *object);

/* SLAB_TRACE: lines of the log about an allocation, or a free and what is in the object. */
void slab_trace(struct slab_cache *s, const struct slab_slab *slab, const void *object, bool alloc);

#endif
