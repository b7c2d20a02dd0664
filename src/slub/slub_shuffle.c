/* SPDX-License-Identifier: MIT */
/*
 * Random order of the objects of a new slab (CONFIG_SLAB_FREELIST_RANDOM): each cache has a shuffled
 * list of its objects' numbers, each slab begins somewhere in it. Who overruns an object cannot
 * know whose the next one is. All is drawn from the machine's seed.
 */
#include "slub/slub.h"

#include "lib/errno.h"
#include "lib/rand.h"

uint64_t slub_random(struct kernel *k)
{
	arch_u64 *rand = &k->backend->rand;
	uint64_t state = __atomic_fetch_add(rand, 0x9e3779b97f4a7c15u, __ATOMIC_RELAXED);

	return rand_next(&state);
}

int slub_shuffle_init(struct slub_cache *s)
{
	struct kernel *k = s->common.kernel;
	unsigned int n = s->oo.objects;

	s->random_seq = NULL;
	if (!k->params.slab_freelist_random || n < 2)
		return 0;
	s->random_seq = arch_host_alloc(k->arch, n * sizeof(*s->random_seq));
	if (!s->random_seq)
		return -ENOMEM;
	for (unsigned int i = 0; i < n; i++)
		s->random_seq[i] = (uint16_t)i;
	for (unsigned int i = n - 1; i > 0; i--) {
		unsigned int j = (unsigned int)(slub_random(k) % (i + 1));
		uint16_t t = s->random_seq[i];

		s->random_seq[i] = s->random_seq[j];
		s->random_seq[j] = t;
	}
	return 0;
}

void slub_shuffle_release(struct slub_cache *s)
{
	if (s->random_seq)
		arch_host_free(s->common.kernel->arch, s->random_seq,
			       s->oo.objects * sizeof(*s->random_seq));
	s->random_seq = NULL;
}

void slub_shuffle_begin(struct slub_cache *s, struct slub_shuffle_walk *walk)
{
	walk->at = (unsigned int)(slub_random(s->common.kernel) % s->oo.objects);
}

/* A smaller slab, of the fallback order, passes over the objects that it has not. */
unsigned int slub_shuffle_next(const struct slub_cache *s, struct slub_shuffle_walk *walk,
			      unsigned int objects)
{
	unsigned int i;

	do {
		i = s->random_seq[walk->at];
		walk->at = walk->at + 1 < s->oo.objects ? walk->at + 1 : 0;
	} while (i >= objects);
	return i;
}
