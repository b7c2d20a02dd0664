/* SPDX-License-Identifier: MIT */
/*
 * Debug caches: those with a debug flag, from slab_debug= or, on a machine with that word, from
 * kmem_cache_create(). They do what Linux's SLAB does with CONFIG_DEBUG_SLAB.
 *
 *	| … | red zone | object                    | red zone | last user | … |
 *	          8      object_size, rounded up to 8     8          8
 *
 *	red zone   (Z)  RED_ACTIVE while a user has the object, RED_INACTIVE while it is free
 *	poison     (P)  a free object is 6b … 6b a5; one that is handed out is 5a … 5a a5
 *	last user  (U)  return address of who allocated or freed it last
 *	state           a byte behind the slab's free list (struct slab_slab): whether a user has the
 *	                object. Every debug cache has it; with F alone there is nothing else.
 *	trace           (T) nothing in memory: a line for the log at each allocation and free, and
 *	                what is in an object that is freed
 *
 * The object keeps its alignment, so in a cache of a large one the red zone in front stands at the
 * end of a gap as large as the alignment.
 *
 * When what is looked at:
 *
 *	a slab is made          did the constructor keep to its object?
 *	an object is freed      state: not free yet? red zones: both active?
 *	an object is allocated  poison intact? red zones: both inactive? state: free?
 *	a slab goes back        poison and red zones of all its objects
 *	the cache is validated  the same, of the free ones and of those in use
 *
 * Whatever is found is reported and then put right: red zones and poison are written anew, an object
 * that is free already is not freed again, one that a user has is not handed out again.
 *
 * Objects go through the arrays as in any cache, but the fast paths are shut (slab_cache.c), so all
 * calls, bulk ones too, come by here, whatever CPU and node they are on. The state is guarded by the
 * list_lock of the slab's node; the rest of an object belongs to whoever made it BUSY. Meanwhile
 * validation, which looks under that lock, leaves it alone.
 *
 * With poison a constructor runs at every allocation, since what it wrote is gone. Objects of a
 * TYPESAFE_BY_RCU cache may be looked at while they are free: they are not poisoned.
 */
#include "slab/slab_debug.h"

#include "common/debug_words.h"

enum slab_object_state {
	SLAB_OBJECT_FREE,
	SLAB_OBJECT_ACTIVE,
	SLAB_OBJECT_BUSY,	/* on its way from one to the other */
};

/* --- flags ------------------------------------------------------------------------------------ */

/* Whether the smallest slab would have to be larger than without debugging. */
static bool slab_debug_costs_order(const struct slab_cache *s)
{
	unsigned int object_size = s->common.object_size;
	unsigned int words = 2 * (unsigned int)sizeof(uint64_t) + (unsigned int)sizeof(long);

	return size_order(object_size + words) > size_order(object_size);
}

slab_flags_t slab_debug_flags(const struct slab_cache *s)
{
	slab_flags_t flags = s->common.flags;

	if (!slab_debug_flags_of(flags))
		return flags;
	if (flags & SLAB_TYPESAFE_BY_RCU)
		flags &= ~SLAB_POISON;
	if (debug_words_keep_order(s->common.kernel) && slab_debug_costs_order(s))
		flags &= ~(SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER);
	return flags;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void slab_set_redzones(const struct slab_cache *s, void *object, uint64_t word)
{
	arch_raw_write((uint64_t *)object - 1, word);
	arch_raw_write((uint64_t *)((uintptr_t)object + s->geo.tail), word);
}

/* The object is the caller's, and no watcher's poison lies on it. */
static void slab_fill(const struct slab_cache *s, void *object, int byte)
{
	unsigned int size = s->common.object_size;

	memset(object, byte, size);
	((uint8_t *)object)[size - 1] = SLAB_POISON_END;
}

static uint8_t *slab_state_of(const struct slab_cache *s, const struct slab_slab *slab,
			      unsigned int index)
{
	return slab->freelist + s->geo.num + index;
}

/* False: it is not @from, and nothing changes. */
static bool slab_change_state(struct slab_cache *s, struct slab_slab *slab, const void *object,
			      enum slab_object_state from, enum slab_object_state to)
{
	struct slab_node *n = s->node[slab_nid(slab)];
	uint8_t *at = slab_state_of(s, slab, slab_object_index(s, slab, object));
	bool is_from;

	arch_spin_lock(&n->list_lock);
	is_from = arch_raw_read(at) == from;
	if (is_from)
		arch_raw_write(at, (uint8_t)to);
	arch_spin_unlock(&n->list_lock);
	return is_from;
}

/* --- checking --------------------------------------------------------------------------------- */

static bool slab_poison_intact(const struct slab_cache *s, const void *object)
{
	uint8_t *bytes = (uint8_t *)(uintptr_t)object;
	unsigned int i;

	for (i = 0; i < s->common.object_size; i++)
		if (arch_raw_read(&bytes[i]) != slab_poison_byte(s, i))
			return false;
	return true;
}

static bool slab_redzones_are(const struct slab_cache *s, const void *object, uint64_t word)
{
	struct slab_redzones rz = slab_redzones(s, object);

	return rz.before == word && rz.behind == word;
}

/* Which red zone of a free object is damaged; @start and @end say what that means. */
static void slab_check_redzones(struct slab_cache *s, const void *object, const char *where,
				const char *start, const char *end, struct report_queue *q)
{
	struct slab_redzones rz = slab_redzones(s, object);

	if (rz.before != SLAB_RED_INACTIVE)
		slab_report_redzones(s, object, where, start, q);
	if (rz.behind != SLAB_RED_INACTIVE)
		slab_report_redzones(s, object, where, end, q);
}

static void slab_check_freed(struct slab_cache *s, const struct slab_slab *slab, void *object,
			     const char *where, struct report_queue *q)
{
	if (s->common.flags & SLAB_POISON && !slab_poison_intact(s, object))
		slab_report_corruption(s, slab, object, q);
	if (s->common.flags & SLAB_RED_ZONE)
		slab_check_redzones(s, object, where, "start of a freed object was overwritten",
				    "end of a freed object was overwritten", q);
}

/* --- an object's life ------------------------------------------------------------------------- */

void slab_debug_init_object(struct slab_cache *s, void *object)
{
	slab_flags_t flags = s->common.flags;

	if (flags & SLAB_STORE_USER)
		arch_raw_write(slab_last_user(s, object), 0ul);
	if (flags & SLAB_RED_ZONE)
		slab_set_redzones(s, object, SLAB_RED_INACTIVE);
	if (flags & SLAB_POISON) {
		slab_fill(s, object, SLAB_POISON_FREE);
		return;
	}
	if (!s->common.ctor)
		return;
	s->common.ctor(object);
	if (!(flags & SLAB_RED_ZONE))
		return;
	slab_check_redzones(s, object, "cache_init_objs_debug",
			    "constructor overwrote the start of an object",
			    "constructor overwrote the end of an object", NULL);
	slab_set_redzones(s, object, SLAB_RED_INACTIVE);
}

noinline bool slab_debug_check_alloc(struct slab_cache *s, void *object, unsigned long caller)
{
	struct slab_slab *slab = slab_of_object(s, object);
	slab_flags_t flags = s->common.flags;

	if (!slab_change_state(s, slab, object, SLAB_OBJECT_FREE, SLAB_OBJECT_BUSY)) {
		slab_bug(s->common.kernel, "kmem_cache_alloc", &s->common, object,
			 SLAB_BUG_FREE_LIST ": the object is in use");
		return false;
	}
	if (flags & SLAB_POISON && !slab_poison_intact(s, object))
		slab_report_corruption(s, slab, object, NULL);
	if (flags & SLAB_STORE_USER)
		arch_raw_write(slab_last_user(s, object), caller);
	if (flags & SLAB_RED_ZONE) {
		if (!slab_redzones_are(s, object, SLAB_RED_INACTIVE))
			slab_report_redzones(s, object, "cache_alloc_debugcheck_after",
					     "double free, or memory outside object was overwritten",
					     NULL);
		slab_set_redzones(s, object, SLAB_RED_ACTIVE);
	}
	slab_change_state(s, slab, object, SLAB_OBJECT_BUSY, SLAB_OBJECT_ACTIVE);
	if (flags & SLAB_TRACE)
		slab_trace(s, slab, object, true);
	return true;
}

void slab_debug_fill_alloc(struct slab_cache *s, void *object)
{
	if (!(s->common.flags & SLAB_POISON))
		return;
	slab_fill(s, object, SLAB_POISON_INUSE);
	if (s->common.ctor)
		s->common.ctor(object);
}

noinline bool slab_debug_free(struct slab_cache *s, struct slab_slab *slab, void *object,
			      unsigned long caller)
{
	bool live = slab_change_state(s, slab, object, SLAB_OBJECT_ACTIVE, SLAB_OBJECT_BUSY);
	slab_flags_t flags = s->common.flags;

	if (flags & SLAB_RED_ZONE && (!live || !slab_redzones_are(s, object, SLAB_RED_ACTIVE)))
		slab_report_redzones(s, object, "verify_redzone_free",
				     live ? "memory outside object was overwritten" :
					    "double free detected", NULL);
	else if (!live)
		slab_report_double_free(s, object);
	if (!live)
		return false;
	if (flags & SLAB_TRACE)
		slab_trace(s, slab, object, false);
	if (flags & SLAB_RED_ZONE)
		slab_set_redzones(s, object, SLAB_RED_INACTIVE);
	if (flags & SLAB_STORE_USER)
		arch_raw_write(slab_last_user(s, object), caller);
	if (flags & SLAB_POISON)
		slab_fill(s, object, SLAB_POISON_FREE);
	slab_change_state(s, slab, object, SLAB_OBJECT_BUSY, SLAB_OBJECT_FREE);
	return true;
}

void slab_debug_check_slab(struct slab_cache *s, struct slab_slab *slab)
{
	unsigned int i;

	for (i = 0; i < s->geo.num; i++)
		slab_check_freed(s, slab, slab->s_mem + (size_t)i * s->geo.size,
				 "slab_destroy_debugcheck", NULL);
}

/* --- validation ------------------------------------------------------------------------------- */

bool slab_debug_may_list(const struct slab_cache *s, const struct slab_slab *slab,
			 unsigned int index)
{
	return arch_raw_read(slab_state_of(s, slab, index)) == SLAB_OBJECT_FREE;
}

/* A free object as it must be, whatever watcher's poison lies on it. */
static void slab_restore_freed(const struct slab_cache *s, void *object)
{
	unsigned int size = s->common.object_size;

	if (s->common.flags & SLAB_POISON) {
		arch_raw_fill(object, SLAB_POISON_FREE, size);
		arch_raw_write((uint8_t *)object + size - 1, (uint8_t)SLAB_POISON_END);
	}
	if (s->common.flags & SLAB_RED_ZONE)
		slab_set_redzones(s, object, SLAB_RED_INACTIVE);
}

static void slab_validate_used(struct slab_cache *s, void *object, struct report_queue *q)
{
	if (!(s->common.flags & SLAB_RED_ZONE) || slab_redzones_are(s, object, SLAB_RED_ACTIVE))
		return;
	slab_report_redzones(s, object, "kmem_cache_validate",
			     "memory outside object was overwritten", q);
	slab_set_redzones(s, object, SLAB_RED_ACTIVE);
}

bool slab_debug_validate_locked(struct slab_cache *s, struct slab_slab *slab, struct report_queue *q)
{
	bool states_intact = true;
	unsigned int i;

	for (i = 0; i < s->geo.num; i++) {
		void *object = slab->s_mem + (size_t)i * s->geo.size;
		uint8_t *state = slab_state_of(s, slab, i);

		switch (arch_raw_read(state)) {
		case SLAB_OBJECT_BUSY:
			break;
		case SLAB_OBJECT_FREE:
			slab_check_freed(s, slab, object, "kmem_cache_validate", q);
			slab_restore_freed(s, object);
			break;
		case SLAB_OBJECT_ACTIVE:
			slab_validate_used(s, object, q);
			break;
		default:
			arch_raw_write(state, (uint8_t)SLAB_OBJECT_ACTIVE);
			states_intact = false;
		}
	}
	return states_intact;
}
