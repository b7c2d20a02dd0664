/* SPDX-License-Identifier: MIT */
/* A look inside a SLUB cache: every invariant that slub.h states, on a cache nobody is using. */
#ifndef SLUB_TEST_H
#define SLUB_TEST_H

#include "../support/kmem_test.h"

#include "slub/slub.h"

/* The number of CPUs decides how many objects a slab has. */
#define SLUB_MACHINE "preset=x86_64 mem=64M isolate_metadata=1"
#define ONE_CPU SLUB_MACHINE " cpus=1"

static inline struct arch_cpu *slub_test_cpu(unsigned int id)
{
	return arch_cpu_by_id(arch_kernel()->arch, id);
}

/* The part of CPU @id. */
static inline struct slub_cpu *cpu_part(struct kmem_cache *cache, unsigned int id)
{
	return slub_cpu(slub_of(cache), slub_test_cpu(id));
}

static inline struct slub_node *node_part(struct kmem_cache *cache, unsigned int nid)
{
	return slub_of(cache)->nodes[nid];
}

/* The slab in which @object lies. */
static inline struct slub_slab *slab_of(const void *object)
{
	struct page *head = memmap_lookup_head(arch_cpu_current(), object);

	assert_non_null(head);
	assert_int_equal(head->type, PAGE_TYPE_SLAB);
	return slub_slab_of(head);
}

static inline union slub_state state_of(const void *object)
{
	return slub_load(slab_of(object));
}

/* Length of a free list of @slab, each element of which must be one of its objects. */
static inline unsigned int check_freelist(struct slub_cache *s, struct slub_slab *slab, void *list)
{
	union slub_state state = slub_load(slab);
	char *first = slub_address(s, slab) + s->red_left_pad;
	unsigned int count = 0;

	for (void *p = list; p; p = slub_next_free(s, p)) {
		size_t off = (size_t)((char *)p - first);

		assert_true(off < (size_t)state.objects * s->common.size);
		assert_int_equal(off % s->common.size, 0);
		assert_true(++count <= state.objects);
	}
	return count;
}

/* The slab's own list is as long as its state says. Returns its length. */
static inline unsigned int check_slab(struct slub_cache *s, struct slub_slab *slab)
{
	union slub_state state = slub_load(slab);
	unsigned int free = check_freelist(s, slab, slub_head(slub_address(s, slab), state));

	assert_ptr_equal(slab->cache, s);
	assert_int_equal(slub_page(slab)->type, PAGE_TYPE_SLAB);
	assert_int_equal(free + state.inuse, state.objects);
	return free;
}

/* Length of a list of objects of any slabs of the node, which count them as used. */
static inline unsigned int check_loose(struct slub_cache *s, unsigned int nid, void *list)
{
	unsigned int count = 0;

	for (void *p = list; p; p = slub_next_free(s, p)) {
		struct slub_slab *slab = slab_of(p);

		assert_ptr_equal(slab->cache, s);
		assert_int_equal(slub_slab_nid(slab), nid);
		assert_true(slub_load(slab).inuse > 0);
		assert_true(slub_is_multiple(s, (size_t)((char *)p - slub_address(s, slab))));
		assert_true(++count <= 2 * SLUB_MAX_OBJECTS);
	}
	return count;
}

/* Whether all objects of @list lie in the CPU's slab. */
static inline bool is_pure(struct slub_cache *s, const struct slub_cpu *c)
{
	for (char *p = c->freelist; p; p = slub_next_free(s, p))
		if ((size_t)(p - c->base) >= c->span)
			return false;
	return true;
}

/* Free objects that a CPU holds in its own lists; *@frozen counts its slabs. */
static inline unsigned int check_cpu(struct slub_cache *s, unsigned int id, unsigned int *frozen)
{
	struct slub_cpu *c = slub_cpu(s, slub_test_cpu(id));
	unsigned int nid = slub_test_cpu(id)->node, partial = 0, free, sheaf;

	for (struct slub_slab *slab = c->partial; slab; slab = slab->next, partial++) {
		assert_true(slub_load(slab).frozen);
		assert_true(slub_load(slab).head != 0);
	}
	assert_int_equal(partial, c->nr_partial);
	*frozen += partial;
	sheaf = check_loose(s, nid, c->sheaf);
	assert_int_equal(sheaf, c->nr_sheaf);
	if (!c->slab) {
		assert_null(c->freelist);
		assert_null(c->base);
		assert_int_equal(c->span, 0);
		return sheaf;
	}
	(*frozen)++;
	assert_true(slub_load(c->slab).frozen);
	assert_ptr_equal(c->base, slub_address(s, c->slab));
	assert_int_equal(c->span, (size_t)slub_load(c->slab).objects * s->common.size);
	if (!is_pure(s, c)) {
		assert_int_equal(slub_slab_nid(c->slab), nid);
		return sheaf + check_loose(s, nid, c->freelist);
	}
	free = check_freelist(s, c->slab, c->freelist);
	assert_true(free <= slub_load(c->slab).inuse);
	return sheaf + free;
}

/* All invariants; returns the number of live objects. */
static inline unsigned long check_cache(struct kmem_cache *cache)
{
	struct slub_cache *s = slub_of(cache);
	unsigned int nr_cpus = cache->kernel->arch->nr_cpus, frozen = 0, frozen_seen = 0;
	unsigned long live = 0;

	for (unsigned int i = 0; i < s->nr_nodes; i++) {
		struct slub_node *n = s->nodes[i];
		unsigned long slabs = 0, objects = 0, partial = 0, listed = 0;
		struct slub_slab *slab;

		if (!n)
			continue;
		list_for_each_entry(slab, &n->all, all) {
			union slub_state state = slub_load(slab);
			unsigned int free = check_slab(s, slab);

			assert_int_equal(slub_slab_nid(slab), i);
			slabs++;
			objects += state.objects;
			live += state.objects - free;
			frozen_seen += state.frozen;
			partial += !state.frozen && free;
		}
		list_for_each_entry(slab, &n->partial, partial) {
			assert_false(slub_load(slab).frozen);
			assert_true(slub_load(slab).head != 0);
			listed++;
		}
		assert_int_equal(listed, n->nr_partial);
		assert_int_equal(listed, partial);
		assert_int_equal(slabs, n->nr_slabs);
		assert_int_equal(objects, n->total_objects);
	}
	for (unsigned int id = 0; id < nr_cpus; id++)
		live -= check_cpu(s, id, &frozen);
	assert_int_equal(frozen, frozen_seen);
	return live;
}

#endif
