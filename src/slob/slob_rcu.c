/* SPDX-License-Identifier: MIT */
/*
 * Objects of SLAB_TYPESAFE_BY_RCU caches on their way back: free, but not yet anybody else's.
 *
 * SLOB's pages hold objects of all caches, so it is each object that has to wait for the end of a
 * grace period, not a page. What it needs for that stands behind its own bytes (struct slob_rcu),
 * which readers may go on reading meanwhile. Objects need not be a multiple of eight bytes long:
 * the words are copied in and out.
 */
#include "slob/slob.h"

#include "common/registry.h"
#include "lib/report.h"

#define SLOB_RCU_MARK 0x5c0bfeedu

static void *trailer_of(const struct kmem_cache *s, void *object)
{
	return (char *)object + s->size - sizeof(struct slob_rcu);
}

void slob_rcu_init(const struct kmem_cache *s, void *object)
{
	__builtin_memset(trailer_of(s, object), 0, sizeof(struct slob_rcu));
}

/* The page of the object that ends with @head, by the length that is written there; NULL: it cannot be
 * that long. */
static struct page *page_of(struct arch_cpu *cpu, const struct rcu_head *head, const char *object)
{
	struct page *page = memmap_lookup_head(cpu, object);

	if (!page || page != memmap_lookup_head(cpu, head) || object > (const char *)head)
		return NULL;
	if (page->flags & PG_LARGE)
		return memmap_address(cpu, page) == object ? page : NULL;
	return page_type(page) == PAGE_TYPE_SLAB ? page : NULL;
}

static void free_rcu(struct rcu_head *head)
{
	struct arch_cpu *cpu = arch_cpu_current();
	struct slob_rcu rcu;
	struct page *page;
	bool freed = true;
	char *object;

	__builtin_memcpy(&rcu, (void *)head, sizeof(rcu));
	object = (char *)head + sizeof(rcu) - rcu.size;
	page = rcu.mark == SLOB_RCU_MARK ? page_of(cpu, head, object) : NULL;
	if (unlikely(!page)) {
		slab_bug(cpu->kernel, "slob", NULL, head,
			 "object was written to after it was freed");
		return;
	}
	if (page->flags & PG_LARGE)
		large_free(cpu->kernel, page);
	else
		freed = slob_free(cpu->kernel, page, object, rcu.size, 0);
	if (unlikely(!freed))
		slab_bug(cpu->kernel, "slob", NULL, object, SLAB_BUG_DOUBLE_FREE);
}

bool slob_rcu_free(struct kernel *k, const struct kmem_cache *s, void *object)
{
	void *trailer = trailer_of(s, object);
	struct slob_rcu rcu;

	__builtin_memcpy(&rcu, trailer, sizeof(rcu));
	if (unlikely(rcu.mark == SLOB_RCU_MARK))
		return false;
	rcu.size = s->size;
	rcu.mark = SLOB_RCU_MARK;
	__builtin_memcpy(trailer, &rcu, sizeof(rcu));
	rcu_queue(k, trailer, free_rcu);
	return true;
}
