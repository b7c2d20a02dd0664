/* SPDX-License-Identifier: MIT */
/*
 * Debug caches: those with one of SLUB_DEBUG_FLAGS. No CPU ever owns a slab of theirs; every
 * allocation takes one object from the node's partial list and every free gives some back, under
 * list_lock, so that what was checked stays true until the change is made. A slab's state therefore
 * changes under list_lock alone and is never frozen.
 *
 *	                     allocation                          free
 *	SLAB_CONSISTENCY_…   slab, padding, free pointer,        slab, padding; that the pointer is an
 *	  CHECKS (F)         contents as a free object's         object, not free, with contents as
 *	                                                         one in use
 *	RED_ZONE, POISON     filled as in use                    filled as free
 *	STORE_USER           track                               track
 *	TRACE                a line and the caller               the same, and the object
 *
 * Without F nothing is looked at but by validation (slub_validate.c), as in Linux; except, for they
 * cost little here, double frees and free pointers that lead out of the slab.
 *
 * What fails: an object that is not as a free one should be is not handed out, and its slab gives
 * none any more ("Marking all objects used"); an object that must not be freed is not. Both go on
 * with what is sound. Reports are said after the lock is released.
 */
#include "slub/slub_debug.h"

/* One call. */
struct debug_call {
	struct slub_cache *s;
	struct slub_track track;
	struct report_queue q;
	size_t size;		/* that kmalloc() was asked for */
};

static void begin_call(struct debug_call *c, struct slub_cache *s, const void *caller)
{
	c->s = s;
	report_queue_init(&c->q, s->common.kernel);
	slub_track_prepare(s, caller, &c->track);
}

static bool checks(const struct slub_cache *s)
{
	return s->common.flags & SLAB_CONSISTENCY_CHECKS;
}

/* --- allocation -------------------------------------------------------------------------------- */

static void mark_all_used(struct slub_look *l)
{
	union slub_state state = slub_load(l->slab);

	slub_fix(l, "Marking all objects used");
	state.inuse = state.objects;
	state.head = 0;
	slub_store(l->slab, state);
}

/* Whether @object may be handed out. */
static bool may_hand_out(struct slub_look *l, void *object)
{
	if (!slub_valid_pointer(l, object)) {
		slub_slab_err(l, "Freelist Pointer check fails");
		return false;
	}
	if (checks(l->s))
		return slub_check_slab(l) && slub_check_contents(l, object, SLUB_RED_INACTIVE);
	if (slub_valid_pointer(l, slub_peek_freepointer(l->s, object)))
		return true;
	slub_object_err(l, object, "Freepointer corrupt");
	return false;
}

/* The first object of the slab's list, taken off it; NULL: it cannot be trusted, and now the slab
 * has none any more. */
static void *take_one_locked(struct debug_call *c, struct slub_slab *slab)
{
	union slub_state state = slub_load(slab);
	struct slub_cache *s = c->s;
	struct slub_look l;
	void *object, *next;

	slub_look_at(&l, s, slab, &c->q);
	object = slub_head(l.base, state);
	next = slub_valid_pointer(&l, object) ? slub_peek_freepointer(s, object) : NULL;
	state.head = slub_valid_pointer(&l, next) ? slub_head_of(l.base, next) : 0;
	state.inuse++;
	slub_store(slab, state);
	if (unlikely(!may_hand_out(&l, object))) {
		mark_all_used(&l);
		return NULL;
	}
	slub_trace(&l, object, true);
	slub_orig_size_set(s, object, c->size);
	slub_init_object(s, object, SLUB_RED_ACTIVE);
	slub_track_set(s, object, SLUB_TRACK_ALLOC, &c->track);
	return object;
}

static void *alloc_from_node(struct debug_call *c, struct slub_node *n)
{
	struct slub_slab *slab, *next;
	void *object = NULL;

	if (!n || !slub_nr_partial(n))
		return NULL;
	arch_spin_lock(&n->list_lock);
	list_for_each_entry_safe(slab, next, &n->partial, partial) {
		object = take_one_locked(c, slab);
		if (!slub_load(slab).head)
			slub_remove_partial_locked(n, slab);
		if (likely(object))
			break;
	}
	arch_spin_unlock(&n->list_lock);
	return object;
}

static void *alloc_from_new_slab(struct debug_call *c, struct slub_slab *slab)
{
	struct slub_node *n = slub_node_of(c->s, slab);
	union slub_state state = slub_load(slab);
	void *object;

	arch_spin_lock(&n->list_lock);
	state.frozen = 0;
	slub_store(slab, state);
	object = take_one_locked(c, slab);
	if (slub_load(slab).head)
		slub_add_partial_locked(n, slab, false);
	arch_spin_unlock(&n->list_lock);
	return object;
}

static void *alloc_from_nodes(struct debug_call *c, gfp_t gfp, int node)
{
	struct slub_cache *s = c->s;
	struct zoneref *z = NULL;
	struct slub_node *n;
	void *object;

	if (node != NUMA_NO_NODE)
		return alloc_from_node(c, s->nodes[node]);
	n = s->nodes[arch_cpu_current()->node];
	do {
		object = alloc_from_node(c, n);
		if (object)
			return object;
		n = slub_next_remote(s, gfp, &z);
	} while (n);
	return NULL;
}

void *slub_debug_alloc(struct slub_cache *s, gfp_t gfp, int node, size_t size, const void *caller)
{
	struct slub_slab *slab = NULL;
	struct debug_call c = {.size = size};
	void *object;

	begin_call(&c, s, caller);
	object = alloc_from_nodes(&c, gfp, node);
	if (!object) {
		report_queue_say(&c.q);
		slab = slub_new_slab(s, gfp, node);
		if (slab)
			object = alloc_from_new_slab(&c, slab);
		else
			slub_out_of_memory(s, gfp, node);
	}
	report_queue_say(&c.q);
	return object;
}

/* --- freeing ----------------------------------------------------------------------------------- */

/* With consistency checks: whether @object may go back. */
static bool may_free(struct slub_look *l, void *object)
{
	if (!slub_load(l->slab).inuse) {
		slub_slab_err(l, "Slab has %d allocated objects but %d are to be freed\n", 0, 1);
		return false;
	}
	if (!slub_valid_pointer(l, object)) {
		slub_slab_err(l, "Invalid object pointer 0x%llx", slab_addr(object));
		return false;
	}
	if (slub_on_freelist(l, object)) {
		slub_object_err(l, object, "Object already free");
		return false;
	}
	return slub_check_contents(l, object, SLUB_RED_ACTIVE);
}

/*
 * The kernel cuts an object off its list before it looks whether it was on one, and shows it that
 * way. Here the list gets its link back when the free is refused.
 */
static bool check_free(struct slub_look *l, void *object)
{
	bool valid = slub_valid_pointer(l, object);
	void *fp = NULL;
	bool good;

	if (valid) {
		fp = slub_peek_freepointer(l->s, object);
		slub_poke_freepointer(l->s, object, NULL);
	}
	good = may_free(l, object);
	if (good)
		return true;
	slub_fix(l, "Object at 0x%llx not freed", slab_addr(object));
	if (valid)
		slub_poke_freepointer(l->s, object, fp);
	return false;
}

struct bad_free {
	struct slub_look *l;
	const void *object;
	const char *what, *why;
};

static void put_bad_free(void *arg, struct seq_file *m)
{
	const struct bad_free *b = arg;

	seq_printf(m, "%s: %s, ptr 0x%llx cache %s\n", b->what, b->why, slab_addr(b->object),
		   b->l->s->common.name);
	report_put_caller(m, 3);
}

static bool is_free(struct slub_look *l, const void *object)
{
	union slub_state state = slub_load(l->slab);
	void *p = slub_head(l->base, state);

	if (!state.inuse)
		return true;
	for (unsigned int i = 0; p && i < state.objects && slub_valid_pointer(l, p); i++) {
		if (p == object)
			return true;
		p = slub_peek_freepointer(l->s, p);
	}
	return false;
}

/* Without consistency checks: what all caches look for, and objects anywhere on the free list. */
static bool check_free_plainly(struct slub_look *l, void *object, const char *what)
{
	struct bad_free b = {.l = l, .object = object, .what = what};

	if (!slub_valid_pointer(l, object))
		b.why = SLAB_BUG_INNER;
	else if (is_free(l, object))
		b.why = SLAB_BUG_DOUBLE_FREE;
	else
		return true;
	report_queue_text(l->q, MACHINE_BUG, put_bad_free, &b);
	return false;
}

static void put_one_locked(struct debug_call *c, struct slub_look *l, void *object)
{
	union slub_state state = slub_load(l->slab);
	struct slub_cache *s = c->s;

	slub_track_set(s, object, SLUB_TRACK_FREE, &c->track);
	slub_trace(l, object, false);
	slub_wipe(s, object);
	slub_init_object(s, object, SLUB_RED_INACTIVE);
	slub_poison_object(s, object);
	slub_poke_freepointer(s, object, slub_head(l->base, state));
	state.head = slub_head_of(l->base, object);
	state.inuse--;
	slub_store(l->slab, state);
}

/* A slab to which objects came back finds its place. Returns whether it is to be given back. */
static bool place_locked(struct slub_cache *s, struct slub_node *n, struct slub_slab *slab,
			 bool listed)
{
	union slub_state state = slub_load(slab);
	bool discard = !state.inuse && slub_may_discard(s, n);
	bool list = state.head && !discard;

	if (list && !listed)
		slub_add_partial_locked(n, slab, true);
	else if (!list && listed)
		slub_remove_partial_locked(n, slab);
	if (discard)
		slub_node_remove_locked(n, slab);
	return discard;
}

/*
 * The objects p[0 … nr) of one slab; the last of them is handed out first again. First all are
 * looked at, in that order, then the sound ones go back, and one that is there twice is found then.
 */
static void free_locked(struct debug_call *c, struct slub_look *l, size_t nr, void **p,
			const char *what)
{
	struct slub_cache *s = c->s;
	bool slab_good = !checks(s) || slub_check_slab(l);

	for (size_t i = nr; i-- > 0;) {
		if (!slab_good)
			slub_fix(l, "Object at 0x%llx not freed", slab_addr(p[i]));
		if (!slab_good || (checks(s) && !check_free(l, p[i])))
			p[i] = NULL;
	}
	for (size_t i = 0; i < nr; i++) {
		bool good = p[i];

		if (good && !checks(s))
			good = check_free_plainly(l, p[i], what);
		else if (good && nr > 1)
			good = check_free(l, p[i]);
		if (good)
			put_one_locked(c, l, p[i]);
	}
}

void slub_debug_free(struct slub_cache *s, struct slub_slab *slab, size_t nr, void **p,
		     const char *what, const void *caller)
{
	struct slub_node *n = slub_node_of(s, slab);
	struct debug_call c;
	struct slub_look l;
	bool listed, discard;

	begin_call(&c, s, caller);
	arch_spin_lock(&n->list_lock);
	slub_look_at(&l, s, slab, &c.q);
	listed = slub_load(slab).head;
	free_locked(&c, &l, nr, p, what);
	discard = place_locked(s, n, slab, listed);
	arch_spin_unlock(&n->list_lock);
	report_queue_say(&c.q);
	if (discard)
		slub_free_slab(s, slab);
}
