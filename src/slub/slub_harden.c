/* SPDX-License-Identifier: MIT */
/*
 * Hardened free lists (CONFIG_SLAB_FREELIST_HARDENED): a free object's link is not the next object's
 * address but
 *
 *	address of the next object ^ number of the cache's own ^ byte-swapped address of the link
 *
 * so that who reads a free object learns no address, and who writes to it cannot say where the list
 * leads: what is written there comes out as some address outside the slab. Addresses are those that
 * the simulated machine sees: with the same seed the same bytes are in memory.
 *
 * Such a cache's fast paths are shut (slub_cache.c); only slow paths read and write links, by
 * slub_next_free() and slub_link_free(). A list that leads out of its slab is reported where it is
 * walked. It ends there: the object with the bad link and those behind it stay out of use.
 */
#include "slub/slub_debug.h"

#include "lib/rand.h"

/* The caches' numbers come from a sequence of their own: nothing else that is random changes by it. */
#define HARDEN_STREAM 0x6861726431u

void slub_harden_init(struct slub_cache *s)
{
	struct kernel *k = s->common.kernel;
	arch_u64 *secrets = &k->backend->secrets;
	uint64_t state;

	s->hardened = k->params.slab_freelist_hardened;
	if (!s->hardened)
		return;
	state = __atomic_fetch_add(secrets, 0x9e3779b97f4a7c15u, __ATOMIC_RELAXED);
	state ^= HARDEN_STREAM;
	s->secret = (uintptr_t)rand_next(&state);
}

/* What is added to an address of the machine to make it a pointer. */
static uintptr_t host_offset(const struct slub_cache *s)
{
	const struct arch_machine *am = s->common.kernel->arch;

	return (uintptr_t)am->ram - (uintptr_t)am->direct_base;
}

static uintptr_t mask_of(const struct slub_cache *s, const void *object)
{
	uintptr_t at = (uintptr_t)object + s->offset - host_offset(s);

#if UINTPTR_MAX > UINT32_MAX
	return s->secret ^ __builtin_bswap64(at);
#else
	return s->secret ^ __builtin_bswap32(at);
#endif
}

/*
 * Whatever a word is, revealing and concealing it gives it back: a live object's may be anything.
 * So the one pointer whose address would be 0 has what would be NULL's.
 */
void *slub_conceal(const struct slub_cache *s, const void *object, const void *next)
{
	uintptr_t address = 0;

	if (next) {
		address = (uintptr_t)next - host_offset(s);
		address = address ? address : 0 - host_offset(s);
	}
	return (void *)(address ^ mask_of(s, object));
}

void *slub_reveal(const struct slub_cache *s, const void *object, const void *word)
{
	uintptr_t address = (uintptr_t)word ^ mask_of(s, object);
	uintptr_t p = address + host_offset(s);

	if (!address)
		return NULL;
	return (void *)(p ? p : host_offset(s));
}

void *slub_reveal_checked(struct slub_cache *s, struct slub_slab *slab, void *object, void **bad)
{
	struct slub_look l;
	void *next = slub_next_free(s, object);

	slub_look_at(&l, s, slab, NULL);
	if (likely(slub_valid_pointer(&l, next)))
		return next;
	*bad = object;
	return NULL;
}

noinline __attribute__((cold)) void slub_report_chain(struct slub_cache *s, struct slub_slab *slab,
						      void *object)
{
	struct report_queue q;
	struct slub_look l;

	report_queue_init(&q, s->common.kernel);
	slub_look_at(&l, s, slab, &q);
	slub_object_err(&l, object, "Freechain corrupt");
	slub_fix(&l, "Freelist cut at 0x%llx", slab_addr(object));
	report_queue_say(&q);
}
