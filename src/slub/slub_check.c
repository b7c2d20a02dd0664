/* SPDX-License-Identifier: MIT */
/*
 * What a debug cache's slab and its objects must look like. Who finds something else reports it and
 * puts it right as far as that can be done, so that the next look finds what is new.
 *
 *	        | left red zone | object      | right red zone | fp, tracks | padding | … | slab's rest
 *	free    | bb            | 6b 6b … a5  | bb             |            | 5a      |   | 5a
 *	in use  | cc            | its owner's | cc             |            | 5a      |   | 5a
 *
 * Red zones need Z, the rest P. Without Z the bytes between a poisoned object's end and the next
 * word are padding, too. A free pointer inside the object can only be looked at while that is free.
 *
 * Everything is read and written raw: free objects are poisoned for AddressSanitizer and Valgrind.
 */
#include "slub/slub_debug.h"

bool slub_valid_pointer(const struct slub_look *l, const void *p)
{
	size_t off = (uintptr_t)p - (uintptr_t)l->base - l->s->red_left_pad;

	if (!p)
		return true;
	return off < (size_t)slub_load(l->slab).objects * l->s->common.size &&
	       slub_is_multiple(l->s, off);
}

/* --- filling ----------------------------------------------------------------------------------- */

void slub_init_object(const struct slub_cache *s, void *object, uint8_t red)
{
	unsigned int size = s->common.object_size;
	char *p = object;

	if (s->common.flags & SLAB_RED_ZONE)
		arch_raw_fill(p - s->red_left_pad, red, s->red_left_pad);
	if (s->common.flags & SLUB_OBJECT_POISON) {
		arch_raw_fill(p, POISON_FREE, size - 1);
		arch_raw_fill(p + size - 1, POISON_END, 1);
	}
	if (s->common.flags & SLAB_RED_ZONE)
		arch_raw_fill(p + size, red, s->inuse - size);
}

void slub_setup_slab_debug(const struct slub_cache *s, char *base, unsigned int order)
{
	if (s->common.flags & SLAB_POISON)
		arch_raw_fill(base, POISON_INUSE, PAGE_SIZE << order);
}

void slub_setup_object_debug(const struct slub_cache *s, void *object)
{
	if (!(s->common.flags & (SLAB_STORE_USER | SLAB_RED_ZONE | SLUB_OBJECT_POISON)))
		return;
	slub_init_object(s, object, SLUB_RED_INACTIVE);
	slub_track_clear(s, object);
}

/* --- bytes that must have one value ------------------------------------------------------------ */

/* The first byte of [@p, @end) that is not @value; @end: all are. */
static const char *first_other(const char *p, const char *end, uint8_t value)
{
	uint8_t bytes[64];

	while (p < end) {
		size_t n = (size_t)(end - p) < sizeof(bytes) ? (size_t)(end - p) : sizeof(bytes);

		arch_raw_copy(bytes, p, n);
		for (size_t i = 0; i < n; i++)
			if (bytes[i] != value)
				return p + i;
		p += n;
	}
	return end;
}

/* Behind the last byte of [@p, @end) that is not @value; there is one. */
static const char *behind_last_other(const char *end, uint8_t value)
{
	uint8_t byte;

	for (;; end--) {
		arch_raw_copy(&byte, end - 1, 1);
		if (byte != value)
			return end;
	}
}

static void restore(struct slub_look *l, const char *what, const char *from, const char *to,
		    uint8_t value)
{
	slub_fix(l, "Restoring %s 0x%llx-0x%llx=0x%x", what, slab_addr(from), slab_addr(to - 1),
		 value);
	arch_raw_fill((char *)(uintptr_t)from, value, (size_t)(to - from));
}

static bool check_bytes(struct slub_look *l, void *object, const char *what, const char *start,
			uint8_t value, size_t bytes)
{
	const char *from = first_other(start, start + bytes, value);
	const char *to;

	if (likely(from == start + bytes))
		return true;
	to = behind_last_other(start + bytes, value);
	slub_bytes_err(l, object, what, from, to, value, NULL);
	restore(l, what, from, to, value);
	return false;
}

/* --- a slab ------------------------------------------------------------------------------------ */

/* What is left behind the last object. */
static void check_slab_padding(struct slub_look *l)
{
	const char *end = l->base + (PAGE_SIZE << slub_page(l->slab)->order);
	size_t rest = (size_t)(end - l->base) % l->s->common.size;
	const char *from, *to;

	if (!(l->s->common.flags & SLAB_POISON) || !rest)
		return;
	from = first_other(end - rest, end, POISON_INUSE);
	if (likely(from == end))
		return;
	to = behind_last_other(end, POISON_INUSE);
	slub_bytes_err(l, NULL, "Padding", from, to, POISON_INUSE, end - rest);
	restore(l, "slab padding", from, to, POISON_INUSE);
}

static unsigned int max_objects(const struct slub_look *l)
{
	size_t n = (PAGE_SIZE << slub_page(l->slab)->order) / l->s->common.size;

	return n < SLUB_MAX_OBJECTS ? (unsigned int)n : SLUB_MAX_OBJECTS;
}

bool slub_check_slab(struct slub_look *l)
{
	union slub_state state = slub_load(l->slab);

	if (state.objects > max_objects(l)) {
		slub_slab_err(l, "objects %u > max %u", state.objects, max_objects(l));
		return false;
	}
	if (state.inuse > state.objects) {
		slub_slab_err(l, "inuse %u > max %u", state.inuse, state.objects);
		return false;
	}
	check_slab_padding(l);
	return true;
}

/* --- its free list ----------------------------------------------------------------------------- */

/* The list leads out of the slab: behind @last, or (NULL) from its very beginning. */
static void cut_freelist(struct slub_look *l, void *last)
{
	union slub_state state = slub_load(l->slab);

	if (last) {
		slub_object_err(l, last, "Freechain corrupt");
		slub_poke_freepointer(l->s, last, NULL);
		return;
	}
	slub_slab_err(l, "Freepointer corrupt");
	state.head = 0;
	state.inuse = state.objects;
	slub_store(l->slab, state);
	slub_fix(l, "Freelist cleared");
}

static void correct_counts(struct slub_look *l, unsigned int free)
{
	union slub_state state = slub_load(l->slab);
	unsigned int max = max_objects(l);

	if (state.objects != max) {
		slub_slab_err(l, "Wrong number of objects. Found %d but should be %d",
			      state.objects, max);
		state.objects = (uint16_t)(max & 0x7fff);
		slub_store(l->slab, state);
		slub_fix(l, "Number of objects adjusted");
	}
	if (state.inuse != state.objects - free) {
		slub_slab_err(l, "Wrong object count. Counter is %d but counted were %d",
			      state.inuse, state.objects - free);
		state.inuse = (uint16_t)(state.objects - free);
		slub_store(l->slab, state);
		slub_fix(l, "Object count adjusted");
	}
}

bool slub_on_freelist(struct slub_look *l, const void *search)
{
	union slub_state state = slub_load(l->slab);
	void *p = slub_head(l->base, state), *last = NULL;
	unsigned int nr = 0;

	while (p && nr <= state.objects) {
		if (p == search)
			return true;
		if (!slub_valid_pointer(l, p)) {
			cut_freelist(l, last);
			if (!last)
				return false;
			break;
		}
		last = p;
		p = slub_peek_freepointer(l->s, p);
		nr++;
	}
	/* One that runs in a circle is longer than the slab. */
	if (nr > state.objects) {
		cut_freelist(l, NULL);
		return false;
	}
	correct_counts(l, nr);
	return !search;
}

/* --- an object --------------------------------------------------------------------------------- */

static bool check_red_zones(struct slub_look *l, char *p, uint8_t red)
{
	const struct slub_cache *s = l->s;
	unsigned int size = s->common.object_size;

	return check_bytes(l, p, "Left Redzone", p - s->red_left_pad, red, s->red_left_pad) &&
	       check_bytes(l, p, "Right Redzone", p + size, red, s->inuse - size);
}

/* The padding cleans up after itself. */
static bool check_poison(struct slub_look *l, char *p, uint8_t red)
{
	const struct slub_cache *s = l->s;
	unsigned int size = s->common.object_size, end = slub_meta_end(s);

	if (red == SLUB_RED_INACTIVE && s->common.flags & SLUB_OBJECT_POISON &&
	    !(check_bytes(l, p, "Poison", p, POISON_FREE, size - 1) &&
	      check_bytes(l, p, "End Poison", p + size - 1, POISON_END, 1)))
		return false;
	check_bytes(l, p, "Object padding", p + end, POISON_INUSE, slub_stride_end(s) - end);
	return true;
}

bool slub_check_contents(struct slub_look *l, void *object, uint8_t red)
{
	const struct slub_cache *s = l->s;
	unsigned int size = s->common.object_size;

	if (s->common.flags & SLAB_RED_ZONE) {
		if (!check_red_zones(l, object, red))
			return false;
	} else if (s->common.flags & SLAB_POISON && size < s->inuse) {
		check_bytes(l, object, "Alignment padding", (char *)object + size, POISON_INUSE,
			    s->inuse - size);
	}
	if (s->common.flags & SLAB_POISON && !check_poison(l, object, red))
		return false;
	if (!slub_freeptr_outside(s) && red == SLUB_RED_ACTIVE)
		return true;
	if (likely(slub_valid_pointer(l, slub_peek_freepointer(s, object))))
		return true;
	slub_object_err(l, object, "Freepointer corrupt");
	/* What came behind it on a list is lost. */
	slub_poke_freepointer(s, object, NULL);
	return false;
}

void slub_check_free_slab(struct slub_cache *s, struct slub_slab *slab)
{
	unsigned int objects = slub_load(slab).objects;
	struct report_queue q;
	struct slub_look l;

	report_queue_init(&q, s->common.kernel);
	slub_look_at(&l, s, slab, &q);
	check_slab_padding(&l);
	for (size_t i = 0; i < objects; i++)
		slub_check_contents(&l, l.base + s->red_left_pad + i * s->common.size,
				    SLUB_RED_INACTIVE);
	report_queue_say(&q);
}
