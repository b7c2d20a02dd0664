/* SPDX-License-Identifier: MIT */
/*
 * Free lists that cannot be right.
 *
 * Without debug options nobody looks for an object on its list before it is pushed, but at the top: a
 * second free of any other makes the list run in a circle. And nobody minds what is written into a free
 * object: its link may lead anywhere. The fast paths follow such a list, as Linux does; it hands out
 * the same objects again and again. What walks a whole list looks along it here first. A bad one is
 * reported and left alone: its objects count as used from then on.
 *
 * A circle is found by Brent's way (An Improved Monte Carlo Factorization Algorithm, 1980): a mark waits
 * for the walk to come by again, and moves on after 1, 2, 4, 8, … steps.
 */
#include "slub/slub.h"

/* Lists may hold objects of several slabs (slub_sheaf.h). */
bool slub_is_object(const struct slub_cache *s, struct arch_cpu *cpu, const void *p)
{
	struct page *head = memmap_lookup_head(cpu, p);
	const struct slub_slab *slab;
	size_t off;

	if (!head || page_type(head) != PAGE_TYPE_SLAB)
		return false;
	slab = slub_slab_of(head);
	if (slab->cache != s)
		return false;
	off = (size_t)((const char *)p - slub_address(s, slab)) - s->red_left_pad;
	return off < (size_t)slub_load(slab).objects * s->common.size && slub_is_multiple(s, off);
}

bool slub_chain_sound(struct slub_cache *s, const void *first)
{
	struct arch_cpu *cpu = arch_cpu_current();
	const void *p = first, *mark = NULL;
	size_t steps = 0, turn = 1;

	for (; p; p = slub_next_free(s, p)) {
		/* A hardened list's bad link is its end, where it is walked. */
		if (!slub_is_object(s, cpu, p))
			return s->hardened;
		if (p == mark)
			return false;
		if (++steps < turn)
			continue;
		mark = p;
		steps = 0;
		turn *= 2;
	}
	return true;
}

noinline __attribute__((cold)) void slub_report_list(struct slub_cache *s, const void *first)
{
	slab_bug(s->common.kernel, "slub", &s->common, first,
		 "free list was overwritten, or an object freed twice; the list is not used any more");
}
