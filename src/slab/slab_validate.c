/* SPDX-License-Identifier: MIT */
/*
 * Validation: all slabs of a cache are looked at, full ones too (kmem_cache_validate()).
 *
 * What lies in arrays goes to the slabs first, so that what a free list does not name is in use, or
 * was put into an array by somebody since. Then each node's slabs, under its list_lock:
 *
 *	any cache    the free list names objects of the slab, each once; with SLAB_MGMT_OBJ the object
 *	             in which the list lies is the last one
 *	debug cache  no user has what the list names; states; red zones; poison of free objects
 *
 * What is wrong is reported and put right. Entries of the list that cannot be are taken out: the
 * objects that they have stood for count as in use from then on, since nobody knows which they were.
 *
 * Reports are said when the lock is dropped.
 */
#include "slab/slab.h"

#include "lib/report_queue.h"

struct slab_look {
	struct slab_cache *s;
	struct slab_node *n;
	struct report_queue q;
	bool listed[SLAB_OBJ_MAX_NUM + 1];	/* of the slab that is being looked at */
};

struct slab_bad_list {
	const struct slab_cache *s;
	const struct slab_slab *slab;
};

static void slab_put_bad_list(void *arg, struct seq_file *m)
{
	const struct slab_bad_list *bad = arg;

	seq_printf(m, "kmem_cache_validate: " SLAB_BUG_FREE_LIST ", ptr 0x%llx cache %s\n",
		   slab_addr(bad->slab->freelist), bad->s->common.name);
	report_put_caller(m, 3);
}

static bool slab_may_list(const struct slab_look *l, const struct slab_slab *slab,
			  unsigned int index)
{
	if (index >= l->s->geo.num || l->listed[index])
		return false;
	return !l->s->debug || slab_debug_may_list(l->s, slab, index);
}

/* Keep what may be of the free list, in its order and at its end; where it begins then. */
static unsigned int slab_sieve_freelist(struct slab_look *l, struct slab_slab *slab, bool *bad)
{
	unsigned int keep = l->s->geo.num, i = keep, index;

	/* The object that holds the list, which is known without it. */
	if (l->s->geo.mgmt == SLAB_MGMT_OBJ && slab->active < keep) {
		index = slab_object_index(l->s, slab, slab->freelist);
		*bad = arch_raw_read(&slab->freelist[--i]) != index;
		arch_raw_write(&slab->freelist[--keep], (uint8_t)index);
		l->listed[index] = true;
	}
	while (i-- > slab->active) {
		index = arch_raw_read(&slab->freelist[i]);
		if (!slab_may_list(l, slab, index)) {
			*bad = true;
			continue;
		}
		l->listed[index] = true;
		arch_raw_write(&slab->freelist[--keep], (uint8_t)index);
	}
	return keep;
}

/* A slab has lost objects, and stands where it belongs. */
static void slab_set_active(struct slab_look *l, struct slab_slab *slab, unsigned int active)
{
	struct slab_node *n = l->n;

	if (active == slab->active)
		return;
	if (!slab->active)
		n->free_slabs--;
	n->free_objects -= active - slab->active;
	slab->active = active;
	list_move(&slab->list, active == l->s->geo.num ? &n->full : &n->partial);
}

static void slab_validate_slab(struct slab_look *l, struct slab_slab *slab)
{
	struct slab_bad_list found = { l->s, slab };
	unsigned int active;
	bool bad = false;

	__builtin_memset(l->listed, 0, sizeof(l->listed));
	active = slab_sieve_freelist(l, slab, &bad);
	slab_set_active(l, slab, active);
	if (l->s->debug && !slab_debug_validate_locked(l->s, slab, &l->q))
		bad = true;
	if (bad)
		report_queue_text(&l->q, MACHINE_BUG, slab_put_bad_list, &found);
}

static long slab_validate_list_locked(struct slab_look *l, const struct list_head *head)
{
	struct slab_slab *slab, *next;
	long count = 0;

	list_for_each_entry_safe(slab, next, head, list) {
		slab_validate_slab(l, slab);
		count++;
	}
	return count;
}

static long slab_validate_node(struct slab_look *l, struct slab_node *n)
{
	long count;

	l->n = n;
	arch_spin_lock(&n->list_lock);
	/* In this order no slab that moves is met again. */
	count = slab_validate_list_locked(l, &n->full);
	count += slab_validate_list_locked(l, &n->partial);
	count += slab_validate_list_locked(l, &n->free);
	arch_spin_unlock(&n->list_lock);
	report_queue_say(&l->q);
	return count;
}

long slab_validate(struct kmem_cache *cache)
{
	struct slab_cache *s = to_slab_cache(cache);
	struct slab_look l = { .s = s };
	unsigned int nid;
	long count = 0;

	report_queue_init(&l.q, cache->kernel);
	slab_drain_arrays(s);
	for (nid = 0; nid < s->nr_nodes; nid++)
		count += slab_validate_node(&l, s->node[nid]);
	return count;
}
