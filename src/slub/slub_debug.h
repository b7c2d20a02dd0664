/* SPDX-License-Identifier: MIT */
/*
 * What the files about debug caches share (slub_debug.c says what happens when).
 *
 *	slub_debug.c    allocation and freeing in a debug cache
 *	slub_check.c    what a slab and its objects must look like; repairs
 *	slub_validate.c all slabs of a cache at once
 *	slub_report.c   what is said about them
 *	slub_track.c    who allocated and who freed an object
 *	slub_traces.c   the same of all objects of a cache
 */
#ifndef KMEM_SLUB_SLUB_DEBUG_H
#define KMEM_SLUB_SLUB_DEBUG_H

#include "lib/report_queue.h"
#include "slub/slub.h"

/* What fills the places that nobody may write: include/linux/poison.h's values. */
#define SLUB_RED_INACTIVE 0xbb	/* red zones of a free object */
#define SLUB_RED_ACTIVE 0xcc	/* of one that is handed out */
#define POISON_INUSE 0x5a	/* padding */
#define POISON_FREE 0x6b	/* a free object */
#define POISON_END 0xa5		/* its last byte */

/* A look at a slab under its node's list_lock, or at one that nobody else knows. */
struct slub_look {
	struct slub_cache *s;
	struct slub_slab *slab;
	char *base;			/* first byte of the slab */
	struct report_queue *q;
};

static inline void slub_look_at(struct slub_look *l, struct slub_cache *s, struct slub_slab *slab,
				struct report_queue *q)
{
	*l = (struct slub_look){.s = s, .slab = slab, .base = slub_address(s, slab), .q = q};
}

/* --- layout: what lies where behind the beginning of an object (slub_geometry.c) ------------- */

static inline bool slub_freeptr_outside(const struct slub_cache *s)
{
	return s->offset >= s->inuse;
}

/* Bytes to the end of object, right red zone and free pointer: the tracks begin. */
static inline unsigned int slub_info_end(const struct slub_cache *s)
{
	return slub_freeptr_outside(s) ? s->inuse + (unsigned int)sizeof(void *) : s->inuse;
}

static inline bool slub_keeps_orig_size(const struct slub_cache *s)
{
	return (s->common.flags & SLAB_STORE_USER) && (s->common.flags & SLAB_KMALLOC);
}

/* Bytes to the end of all metadata: the padding begins. */
static inline unsigned int slub_meta_end(const struct slub_cache *s)
{
	unsigned int end = slub_info_end(s);

	if (s->common.flags & SLAB_STORE_USER)
		end += 2 * (unsigned int)sizeof(struct slub_track);
	return slub_keeps_orig_size(s) ? end + (unsigned int)sizeof(unsigned int) : end;
}

/* Bytes to the next object's left red zone. */
static inline unsigned int slub_stride_end(const struct slub_cache *s)
{
	return s->common.size - s->red_left_pad;
}

/* Whether @p is NULL or the beginning of an object of the slab. */
bool slub_valid_pointer(const struct slub_look *l, const void *p);

/* The free pointer of an object that may be anybody's. */
static inline void *slub_peek_freepointer(const struct slub_cache *s, const void *object)
{
	void *fp;

	arch_raw_copy(&fp, (const char *)object + s->offset, sizeof(fp));
	return unlikely(s->hardened) ? slub_reveal(s, object, fp) : fp;
}

static inline void slub_poke_freepointer(const struct slub_cache *s, void *object, void *fp)
{
	if (unlikely(s->hardened))
		fp = slub_conceal(s, object, fp);
	arch_raw_copy((char *)object + s->offset, &fp, sizeof(fp));
}

/* --- slub_check.c -------------------------------------------------------------------------- */

/* Fill red zones and, if the cache is poisoned, the object, as they are with SLUB_RED_ACTIVE or
 * _INACTIVE. */
void slub_init_object(const struct slub_cache *s, void *object, uint8_t red);

/* A new slab and each of its objects, before constructors run. */
void slub_setup_slab_debug(const struct slub_cache *s, char *base, unsigned int order);
void slub_setup_object_debug(const struct slub_cache *s, void *object);

/* All return whether things are as they should be, and repair what they report. */
bool slub_check_slab(struct slub_look *l);
bool slub_check_contents(struct slub_look *l, void *object, uint8_t red);

/* Walks the slab's free list: whether @search is on it; with @search NULL, whether the list is
 * sound. Counters that it proves wrong are corrected. */
bool slub_on_freelist(struct slub_look *l, const void *search);

/* An empty slab on its way back to the page allocator. */
void slub_check_free_slab(struct slub_cache *s, struct slub_slab *slab);

/* --- slub_report.c ------------------------------------------------------------------------- */

/* A report about the slab, or about an object: with its tracks and contents. */
void slub_slab_err(struct slub_look *l, const char *fmt, ...) KMEM_PRINTF(2, 3);
void slub_object_err(struct slub_look *l, void *object, const char *reason);

/* Bytes [@from, @to) of what is called @what are not @value. @object NULL: the slab's own padding,
 * which begins at @pad. */
void slub_bytes_err(struct slub_look *l, void *object, const char *what, const char *from,
		    const char *to, uint8_t value, const char *pad);

/* The line "FIX NAME: …": what was done about it. */
void slub_fix(struct slub_look *l, const char *fmt, ...) KMEM_PRINTF(2, 3);

/* SLAB_TRACE: the lines about one call. */
void slub_trace(struct slub_look *l, const void *object, bool alloc);

/* "Slab 0x… objects=N used=N fp=0x… flags=…". */
void slub_put_slab_line(struct slub_cache *s, const struct slub_slab *slab, struct seq_file *m);

/* --- slub_track.c -------------------------------------------------------------------------- */

enum slub_track_item { SLUB_TRACK_ALLOC, SLUB_TRACK_FREE };

/* The machine's time in jiffies, of which Linux with CONFIG_HZ_250 has one every 4 ms. */
uint64_t slub_jiffies(const struct slub_cache *s);

/* Who calls, for several objects; before list_lock is taken. */
void slub_track_prepare(struct slub_cache *s, const void *caller, struct slub_track *track);

void slub_track_set(const struct slub_cache *s, void *object, enum slub_track_item item,
		    const struct slub_track *track);
void slub_track_get(const struct slub_cache *s, const void *object, enum slub_track_item item,
		    struct slub_track *track);
void slub_track_clear(const struct slub_cache *s, void *object);

void slub_orig_size_set(const struct slub_cache *s, void *object, size_t size);
size_t slub_orig_size_get(const struct slub_cache *s, const void *object);

/* "Allocated in …" and "Freed in …" with their stacks. */
void slub_put_tracking(struct slub_cache *s, const void *object, struct seq_file *m);

/* --- slub_traces.c ------------------------------------------------------------------------- */

/* All callers of the live objects' allocations, and of their last frees. */
void slub_show_alloc_traces(struct slub_cache *s, struct seq_file *m);
void slub_show_free_traces(struct slub_cache *s, struct seq_file *m);

#endif
