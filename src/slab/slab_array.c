/* SPDX-License-Identifier: MIT */
/*
 * Arrays of pointers between the users and the slabs.
 *
 *	CPU's array  ⇄  shared array of the node  ⇄  slabs of the node
 *	     alien array (this node → that node)  ──▶  shared array, slabs of that node
 *
 * A CPU's array holds objects of the CPU's own node only; an object of another node goes into the
 * alien array towards it, and when that is full, all of it goes home at once. A batch enters and
 * leaves the top of the shared array in the order in which it lay, so a batch flushed by one CPU
 * serves another one as it was.
 *
 * A CPU's array is full at `limit`; then its oldest `batchcount` objects are flushed: the youngest
 * are the ones still in the CPU's caches.
 */
#include "slab/slab.h"

#include "lib/string.h"

/* --- the shared array ------------------------------------------------------------------------- */

unsigned int slab_shared_room(const struct slab_node *n)
{
	if (!n->shared)
		return 0;
	return n->shared_limit - __atomic_load_n(&n->shared->avail, __ATOMIC_RELAXED);
}

static void slab_array_set(struct slab_array *ac, unsigned int avail)
{
	__atomic_store_n(&ac->avail, avail, __ATOMIC_RELAXED);
}

unsigned int slab_shared_take_locked(struct slab_node *n, void **objects, unsigned int want,
				     unsigned int max)
{
	struct slab_array *shared = n->shared;
	unsigned int nr;
	void **entry;

	if (!shared || !shared->avail)
		return 0;
	if (want > shared->avail)
		want = shared->avail;
	nr = want < max ? want : max;
	entry = shared->entry + shared->avail - want;
	memcpy(objects, entry, nr * sizeof(*objects));
	memmove(entry, entry + nr, (want - nr) * sizeof(*entry));
	slab_array_set(shared, shared->avail - nr);
	shared->touched = 1;
	return nr;
}

/* Put up to @nr objects in; how many found room. */
static unsigned int slab_shared_put_locked(struct slab_node *n, void **objects, unsigned int nr)
{
	unsigned int room = slab_shared_room(n);

	if (nr > room)
		nr = room;
	if (!nr)
		return 0;
	memcpy(n->shared->entry + n->shared->avail, objects, nr * sizeof(*objects));
	slab_array_set(n->shared, n->shared->avail + nr);
	return nr;
}

void slab_node_flush(struct slab_cache *s, struct slab_node *n, void **objects, unsigned int nr)
{
	struct list_head list;
	unsigned int put;

	list_init(&list);
	arch_spin_lock(&n->list_lock);
	put = slab_shared_put_locked(n, objects, nr);
	/* Some did not fit: another CPU has filled the array since the caller looked. */
	if (put < nr)
		slab_node_free_locked(s, n, objects + put, nr - put, &list);
	arch_spin_unlock(&n->list_lock);
	slab_destroy_list(s, &list);
}

static void slab_drain_shared(struct slab_cache *s, struct slab_node *n)
{
	struct list_head list;

	if (!n->shared)
		return;
	list_init(&list);
	arch_spin_lock(&n->list_lock);
	slab_array_free_locked(s, n, n->shared, n->shared->avail, &list);
	arch_spin_unlock(&n->list_lock);
	slab_destroy_list(s, &list);
}

/* --- alien arrays ----------------------------------------------------------------------------- */

/* Send everything home to @n: as much as the shared array there takes (from the top), the rest to
 * the slabs. The alien array's lock is held. */
static void slab_alien_drain_locked(struct slab_cache *s, struct slab_alien *alien,
				    struct slab_node *n, struct list_head *list)
{
	unsigned int room, top;

	if (!alien->avail)
		return;
	arch_spin_lock(&n->list_lock);
	room = slab_shared_room(n);
	top = alien->avail < room ? alien->avail : room;
	alien->avail -= top;
	slab_shared_put_locked(n, alien->entry + alien->avail, top);
	slab_node_free_locked(s, n, alien->entry, alien->avail, list);
	alien->avail = 0;
	arch_spin_unlock(&n->list_lock);
}

/* noaliencache: straight to its slab. */
static bool slab_free_foreign(struct slab_cache *s, struct slab_node *n, void *object)
{
	slab_wipe(s, object);
	slab_poison_object(s, object);
	slab_node_free(s, n, &object, 1);
	return true;
}

noinline bool slab_free_alien(struct slab_cache *s, struct slab_node *here, struct slab_node *n,
			      void *object)
{
	struct slab_alien *alien = here->alien ? here->alien[n->nid] : NULL;
	struct list_head list;
	bool twice;

	if (unlikely(!alien))
		return slab_free_foreign(s, n, object);
	list_init(&list);
	arch_spin_lock(&alien->lock);
	twice = alien->avail && alien->entry[alien->avail - 1] == object;
	if (!twice) {
		if (alien->avail == alien->limit)
			slab_alien_drain_locked(s, alien, n, &list);
		slab_wipe(s, object);
		slab_poison_object(s, object);
		alien->entry[alien->avail++] = object;
	}
	arch_spin_unlock(&alien->lock);
	slab_destroy_list(s, &list);
	return !twice;
}

void slab_drain_alien(struct slab_cache *s, struct slab_node *here, unsigned int nid)
{
	struct slab_alien *alien = here->alien ? here->alien[nid] : NULL;
	struct list_head list;

	if (!alien)
		return;
	list_init(&list);
	arch_spin_lock(&alien->lock);
	slab_alien_drain_locked(s, alien, s->node[nid], &list);
	arch_spin_unlock(&alien->lock);
	slab_destroy_list(s, &list);
}

static void slab_drain_aliens(struct slab_cache *s, struct slab_node *here)
{
	unsigned int nid;

	for (nid = 0; nid < s->nr_nodes; nid++)
		slab_drain_alien(s, here, nid);
}

/* --- everything ------------------------------------------------------------------------------- */

void slab_array_free_locked(struct slab_cache *s, struct slab_node *n, struct slab_array *ac,
			    unsigned int nr, struct list_head *list)
{
	unsigned int left = ac->avail - nr;

	slab_node_free_locked(s, n, ac->entry, nr, list);
	memmove(ac->entry, ac->entry + nr, left * sizeof(*ac->entry));
	/* A shared array's is looked at without the lock. */
	slab_array_set(ac, left);
}

static void slab_drain_cpu(struct slab_cache *s, unsigned int id)
{
	struct arch_cpu *cpu = arch_cpu_claim(s->common.kernel->arch, id);
	struct slab_array *ac = slab_cpu_array(s, cpu);
	struct slab_node *n = s->node[cpu->node];
	struct list_head list;

	list_init(&list);
	arch_spin_lock(&n->list_lock);
	slab_array_free_locked(s, n, ac, ac->avail, &list);
	arch_spin_unlock(&n->list_lock);
	arch_cpu_unclaim(cpu);
	slab_destroy_list(s, &list);
}

void slab_drain_arrays(struct slab_cache *s)
{
	const struct arch_machine *am = s->common.kernel->arch;
	unsigned int i;

	for (i = arch_cpu_next_used(am, 0); i < am->nr_cpus; i = arch_cpu_next_used(am, i + 1))
		slab_drain_cpu(s, i);
	for (i = 0; i < s->nr_nodes; i++)
		slab_drain_aliens(s, s->node[i]);
	for (i = 0; i < s->nr_nodes; i++)
		slab_drain_shared(s, s->node[i]);
}
