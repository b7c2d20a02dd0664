/* SPDX-License-Identifier: MIT */
/*
 * One slab: its pages, its colour, its free list.
 *
 *	start            s_mem                                                   end
 *	| colour offset  | object 0 | object 1 | …         | object num-1 | rest | [free list] |
 *
 * In a debug cache objects have words around them (slab_debug.c): s_mem is where the first object
 * itself starts, and the free list is followed by a byte of state for each object.
 *
 * The free list is an array of object numbers and `active` an index into it: entries below `active`
 * are handed out (their contents mean nothing), entries from it on are free, in the order in which
 * they will be taken. A new slab's list is 0, 1, 2, …; an object that comes back is put in front.
 *
 * With SLAB_MGMT_OBJ the list lies in the object whose number is its last entry, so the object is
 * handed out only when nothing is left to be read. It starts in the last object; when a full slab
 * gets its first object back, it starts again in that one, which is then the last entry.
 *
 * Colour: successive slabs of a node start their objects at 0, 1, 2, … times colour_off, so that
 * the same field of objects of different slabs does not always fall on the same cache lines. The
 * colour is advanced before it is used: with two colours the first slabs sit at +64, 0, +64.
 *
 * With SLAB_TYPESAFE_BY_RCU a slab's pages go back after a grace period: its place on the node's
 * list becomes its place in RCU's queue. The free list needs no such care, for no reader looks there.
 */
#include "slab/slab.h"

struct slab_slab *slab_of_object(const struct slab_cache *s, const void *object)
{
	const struct arch_machine *am = s->common.kernel->arch;
	uint64_t pfn = (uint64_t)((const char *)object - am->ram) >> PAGE_SHIFT;
	struct page *head = memmap_page(am->memmap, pfn)->head;
	struct slab_slab *slab;

	if (!head || page_type(head) != PAGE_TYPE_SLAB)
		return NULL;
	slab = page_slab(head);
	return slab->cache == s && slab_is_object(s, slab, object) ? slab : NULL;
}

char *slab_base(struct kernel *k, const struct slab_slab *slab)
{
	const struct arch_machine *am = k->arch;

	return am->ram + (memmap_pfn(am->memmap, slab_page(slab)) << PAGE_SHIFT);
}

/* What a caller's flags may say about a slab's pages; the rest (zones, zeroing, mobility) is the
 * cache's business. */
#define SLAB_GFP_MASK                                                                         \
	(__GFP_RECLAIM | __GFP_HIGH | __GFP_IO | __GFP_FS | __GFP_NOWARN | __GFP_RETRY_MAYFAIL | \
	 __GFP_NOFAIL | __GFP_NORETRY | __GFP_MEMALLOC | __GFP_NOMEMALLOC | __GFP_ATOMIC |       \
	 __GFP_HARDWALL | __GFP_THISNODE)

/* Two threads that grow at once may get the same colour, which harms nobody. */
static unsigned int slab_next_colour(const struct slab_cache *s, struct slab_node *n)
{
	unsigned int colour = __atomic_load_n(&n->colour_next, __ATOMIC_RELAXED) + 1;

	if (colour >= s->geo.colour)
		colour = 0;
	__atomic_store_n(&n->colour_next, colour, __ATOMIC_RELAXED);
	return colour * s->geo.colour_off;
}

static bool slab_place_freelist(struct slab_cache *s, struct slab_slab *slab, char *base, gfp_t gfp)
{
	const struct slab_geometry *geo = &s->geo;

	switch (geo->mgmt) {
	case SLAB_MGMT_ON:
		slab->freelist = (uint8_t *)base + (PAGE_SIZE << geo->order) - geo->freelist_size;
		break;
	case SLAB_MGMT_OBJ:
		slab->freelist = (uint8_t *)slab->s_mem + (size_t)(geo->num - 1) * geo->size;
		break;
	case SLAB_MGMT_OFF:
		slab->freelist = meta_alloc_gfp(s->common.kernel, geo->freelist_size, gfp,
						(int)slab_nid(slab));
		break;
	}
	return slab->freelist;
}

static void slab_init_object(struct slab_cache *s, char *object)
{
	if (unlikely(s->debug))
		slab_debug_init_object(s, object);
	else if (s->common.ctor)
		s->common.ctor(object);
	if (slab_watched(s))
		arch_poison(object - s->geo.obj_offset, s->geo.size);
}

static void slab_init_objects(struct slab_cache *s, struct slab_slab *slab)
{
	unsigned int i;

	for (i = 0; i < s->geo.num; i++)
		slab_init_object(s, slab->s_mem + (size_t)i * s->geo.size);
	for (i = 0; i < s->geo.num; i++)
		arch_raw_write(&slab->freelist[i], (uint8_t)i);
	/* The second bytes of a debug cache: nobody has them. */
	for (; i < s->geo.freelist_size; i++)
		arch_raw_write(&slab->freelist[i], (uint8_t)0);
}

noinline struct slab_slab *slab_grow(struct slab_cache *s, gfp_t gfp, int nid)
{
	struct kernel *k = s->common.kernel;
	struct slab_slab *slab;
	struct page *page;
	char *base;

	gfp = (slab_fix_gfp(k, gfp) & SLAB_GFP_MASK) | s->allocflags;
	page = buddy_alloc_slab(k, gfp, s->geo.order, nid);
	if (!page)
		return NULL;

	slab = page_slab(page);
	base = slab_base(k, slab);
	slab->cache = s;
	slab->active = 0;
	slab->s_mem = base + slab_next_colour(s, s->node[slab_nid(slab)]) + s->geo.obj_offset;
	if (!slab_place_freelist(s, slab, base, gfp)) {
		buddy_free_slab(k, page, s->geo.order);
		return NULL;
	}
	slab_account(k, &s->common, page, s->geo.order, true);
	slab_init_objects(s, slab);
	return slab;
}

static void slab_free_pages(struct slab_cache *s, struct slab_slab *slab)
{
	struct kernel *k = s->common.kernel;
	struct page *page = slab_page(slab);

	slab_account(k, &s->common, page, s->geo.order, false);
	buddy_free_slab(k, page, s->geo.order);
}

static void slab_free_pages_rcu(struct rcu_head *head)
{
	struct slab_slab *slab = container_of(head, struct slab_slab, rcu);

	slab_free_pages(slab->cache, slab);
}

void slab_destroy(struct slab_cache *s, struct slab_slab *slab)
{
	struct kernel *k = s->common.kernel;
	uint8_t *freelist = slab->freelist;

	kassert(!slab->active);
	if (unlikely(s->debug))
		slab_debug_check_slab(s, slab);
	if (unlikely(s->common.flags & SLAB_TYPESAFE_BY_RCU))
		rcu_queue(k, &slab->rcu, slab_free_pages_rcu);
	else
		slab_free_pages(s, slab);
	if (s->geo.mgmt == SLAB_MGMT_OFF)
		meta_free(k, freelist, s->geo.freelist_size);
}

void slab_destroy_list(struct slab_cache *s, struct list_head *list)
{
	struct slab_slab *slab, *next;

	list_for_each_entry_safe(slab, next, list, list) {
		list_del(&slab->list);
		slab_destroy(s, slab);
	}
}

/* Somebody wrote where the list lies. What is left of it is given up: those objects stay away. */
static noinline void slab_freelist_corrupt(struct slab_cache *s, struct slab_slab *slab)
{
	slab_bug(s->common.kernel, "kmem_cache_alloc", &s->common, slab->freelist,
		 SLAB_BUG_FREE_LIST);
	slab->active = s->geo.num;
}

unsigned int slab_take(struct slab_cache *s, struct slab_slab *slab, void **objects,
		       unsigned int want)
{
	unsigned int num = s->geo.num;
	unsigned int nr = 0;

	while (nr < want && slab->active < num) {
		unsigned int index = arch_raw_read(&slab->freelist[slab->active]);

		if (unlikely(index >= num)) {
			slab_freelist_corrupt(s, slab);
			break;
		}
		slab->active++;
		objects[nr++] = slab->s_mem + (size_t)index * s->geo.size;
	}
	if (s->geo.mgmt == SLAB_MGMT_OBJ && slab->active == num)
		slab->freelist = NULL;
	return nr;
}

void slab_put_locked(struct slab_cache *s, struct slab_slab *slab, void *object)
{
	if (!slab->freelist)
		slab->freelist = object;
	slab->active--;
	arch_raw_write(&slab->freelist[slab->active], (uint8_t)slab_object_index(s, slab, object));
}
