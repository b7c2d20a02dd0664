/* SPDX-License-Identifier: MIT */
/*
 * Validation: all slabs of a cache are looked at, as `echo 1 > /sys/kernel/slab/NAME/validate` does.
 * What CPUs hold is flushed first. Partial slabs are checked; full ones only if the cache has
 * SLAB_STORE_USER, since Linux keeps no list of the others.
 *
 * A cache without debug flags goes on being used meanwhile. Only frees change a slab of a node's
 * list while list_lock is held, and they change it at the front: the list behind what `head` was
 * stays as it is. So a slab whose state changed during a look was looked at in vain, and what was
 * found is forgotten.
 */
#include "slub/slub_debug.h"

#include "lib/errno.h"

static void check_objects(struct slub_look *l, const struct slub_free_map *map)
{
	const struct slub_cache *s = l->s;
	unsigned int objects = slub_load(l->slab).objects;

	for (size_t i = 0; i < objects; i++) {
		bool is_free = slub_map_has(map, i);

		if (!is_free && !slub_is_debug(s))
			continue;
		if (!slub_check_contents(l, l->base + s->red_left_pad + i * s->common.size,
					 is_free ? SLUB_RED_INACTIVE : SLUB_RED_ACTIVE))
			break;
	}
}

static void validate_slab(struct slub_cache *s, struct slub_slab *slab, struct slub_free_map *map,
			  struct report_queue *q)
{
	struct slub_look l;

	slub_look_at(&l, s, slab, q);
	if (!slub_check_slab(&l) || !slub_on_freelist(&l, NULL))
		return;
	slub_map_free_objects(s, slab, map);
	check_objects(&l, map);
}

/* A look that changes nothing, at a slab that others may be freeing to. */
static bool is_sound(struct slub_cache *s, struct slub_slab *slab)
{
	char *base = slub_address(s, slab);
	struct slub_look l = {.s = s, .slab = slab, .base = base};
	union slub_state state = slub_load(slab);
	void *p = slub_head(base, state);
	unsigned int nr = 0;

	for (; p && nr <= state.objects && slub_valid_pointer(&l, p); nr++)
		p = slub_next_free(s, p);
	return (!p && nr + state.inuse == state.objects) || slub_load(slab).word != state.word;
}

/* Slabs of the list, which is @nr_wanted long; each leaves or keeps its place by what was repaired. */
static long validate_partial_locked(struct slub_cache *s, struct slub_node *n,
				    struct slub_free_map *map, struct report_queue *q)
{
	struct slub_slab *slab, *next;
	long count = 0;

	list_for_each_entry_safe(slab, next, &n->partial, partial) {
		if (slub_is_debug(s) || !is_sound(s, slab))
			validate_slab(s, slab, map, q);
		count++;
		if (!slub_load(slab).head)
			slub_remove_partial_locked(n, slab);
	}
	return count;
}

static long validate_full_locked(struct slub_cache *s, struct slub_node *n,
				 struct slub_free_map *map, struct report_queue *q)
{
	struct slub_slab *slab;
	long count = 0;

	list_for_each_entry(slab, &n->all, all) {
		if (slub_load(slab).head)
			continue;
		validate_slab(s, slab, map, q);
		count++;
	}
	return count;
}

static long validate_node(struct slub_cache *s, struct slub_node *n, struct slub_free_map *map)
{
	struct report_queue q;
	long count = 0;

	report_queue_init(&q, s->common.kernel);
	arch_spin_lock(&n->list_lock);
	/* Full ones first: a partial one may become full by what is found. */
	if (s->common.flags & SLAB_STORE_USER)
		count += validate_full_locked(s, n, map, &q);
	count += validate_partial_locked(s, n, map, &q);
	arch_spin_unlock(&n->list_lock);
	report_queue_say(&q);
	return count;
}

long slub_validate(struct kmem_cache *cache)
{
	struct slub_cache *s = slub_of(cache);
	struct kernel *k = cache->kernel;
	struct slub_free_map *map = arch_host_alloc(k->arch, sizeof(*map));
	struct slub_node *n;
	long count = 0;

	if (!map)
		return -ENOMEM;
	slub_flush_all(s);
	for_each_kmem_cache_node(s, nid, n)
		count += validate_node(s, n, map);
	arch_host_free(k->arch, map, sizeof(*map));
	return count;
}
