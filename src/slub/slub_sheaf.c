/* SPDX-License-Identifier: MIT */
/* The slow paths of the sheaf (slub_sheaf.h): when it is full, and when nothing else is left. */
#include "slub/slub_sheaf.h"

void *slub_sheaf_last(struct slub_cache *s, int node)
{
	struct slub_section at = slub_enter();
	struct slub_cpu *c = slub_cpu(s, at.cpu);
	void *object = c->sheaf;

	if (object && node != NUMA_NO_NODE && (unsigned int)node != at.cpu->node)
		object = NULL;
	if (object) {
		c->sheaf = slub_get_freepointer(s, object);
		c->nr_sheaf--;
	}
	slub_leave(at);
	return object;
}

static struct slub_slab *slab_of(struct arch_cpu *cpu, const void *object)
{
	return slub_slab_of(memmap_lookup_head(cpu, object));
}

/* From @first on as many as lie in @slab, at most @max; *@tail: the last of them. */
static unsigned int measure_run(struct slub_cache *s, struct slub_slab *slab, void *first, size_t max,
				void **tail)
{
	const char *base = slub_address(s, slab);
	const size_t span = (size_t)slub_load(slab).objects * s->common.size;
	unsigned int count = 0;

	for (void *object = first;
	     count < max && object && (uintptr_t)object - (uintptr_t)base < span; object = slub_get_freepointer(s, object)) {
		*tail = object;
		count++;
	}
	return count;
}

/* By number, for a list that was damaged may have no end. */
void slub_free_loose(struct slub_cache *s, void *first, size_t nr, const char *what)
{
	struct arch_cpu *cpu = arch_cpu_current();

	while (nr) {
		struct slub_slab *slab;
		void *tail = first, *next;
		unsigned int count;

		if (unlikely(!slub_is_object(s, cpu, first)))
			break;
		slab = slab_of(cpu, first);
		count = measure_run(s, slab, first, nr, &tail);
		next = slub_get_freepointer(s, tail);
		slub_free_to_slab(s, slab, first, tail, count, what);
		first = next;
		nr -= count;
	}
	if (unlikely(nr || first))
		slub_report_list(s, first);
}

/* The sheaf, if it is full, and how many objects that is. Whether @object is the newest that the CPU
 * keeps: *@twice. */
static void *take_full(struct slub_cache *s, const void *object, size_t *nr, bool *twice)
{
	struct slub_section at = slub_enter();
	struct slub_cpu *c = slub_cpu(s, at.cpu);
	void *first = NULL;

	*nr = 0;
	*twice = c->freelist == object || c->sheaf == object;
	if (!*twice && c->nr_sheaf >= __atomic_load_n(&s->sheaf_size, __ATOMIC_RELAXED)) {
		first = c->sheaf;
		*nr = c->nr_sheaf;
		c->sheaf = NULL;
		c->nr_sheaf = 0;
	}
	slub_leave(at);
	return first;
}

noinline void slub_sheaf_refused(struct slub_cache *s, struct slub_slab *slab, void *object, const char *what)
{
	bool twice;
	size_t nr;
	void *first = take_full(s, object, &nr, &twice);

	if (unlikely(twice)) {
		slub_report_double_free(s, object, what);
		return;
	}
	slub_free_loose(s, first, nr, what);
	slub_free_to_slab(s, slab, object, object, 1, what);
}
