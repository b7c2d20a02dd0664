/* SPDX-License-Identifier: MIT */
/*
 * slob_debug=: the objects that SLOB otherwise knows nothing about, written down beside them.
 *
 * SLOB writes nothing into or around an object of a cache, so with slob_debug a tree outside of
 * simulated RAM has an entry for each live object of the caches that the word names, and for each
 * block of kmalloc() if it names "kmalloc": where it is, how long, whose, and who allocated it. Where
 * objects lie is not changed by it.
 *
 *	F  a pointer that is freed must be the first byte of a live object of that cache: found are
 *	   wrong caches, any second free, and pointers into an object; leak reports name the objects
 *	U  reports also name who allocated an object
 *
 * Both keep the same entries. There are no red zones and no poison: the place behind an object is
 * the next one's, and a free object's bytes are SLOB's own words and other blocks.
 *
 * An entry comes before its object does, so that allocation fails where there is no memory for one,
 * and goes before the object goes: of two threads that free the same object, one finds nothing.
 */
#include "slob/slob.h"

#include "common/backend.h"
#include "common/debug_words.h"
#include "common/registry.h"
#include "lib/errno.h"
#include "lib/fork.h"
#include "lib/lock_rank.h"
#include "lib/rbtree.h"
#include "lib/report.h"

#define SLOB_KMALLOC_NAME "kmalloc"

#define SLOB_BUG_NOT_LIVE SLAB_BUG_DOUBLE_FREE ", or no object of this cache"

struct slob_live {
	struct rb_node node;		/* slob_debug.live, by address */
	const char *object;
	size_t size;
	struct kmem_cache *cache;	/* NULL: kmalloc */
	unsigned long caller;
};

struct slob_debug {
	struct arch_spinlock lock;	/* of the tree and its entries */
	struct rb_root live;
	slab_flags_t kmalloc_flags;
};

static struct slob_live *live_of(struct rb_node *node)
{
	return container_of(node, struct slob_live, node);
}

int slob_debug_init(struct kernel *k)
{
	struct slob_debug *debug;

	if (!k->params.slab_debug.text)
		return 0;
	debug = arch_host_alloc(k->arch, sizeof(*debug));
	if (!debug)
		return -ENOMEM;
	arch_spin_init(&debug->lock, LOCK_RANK_SLOB);
	debug->kmalloc_flags = debug_words_flags(k, SLOB_KMALLOC_NAME, 0);
	k->backend->debug = debug;
	return 0;
}

bool slob_debug_keeps(struct kernel *k, const struct kmem_cache *s)
{
	return (s ? s->flags : k->backend->debug->kmalloc_flags) & SLOB_DEBUG_FLAGS;
}

/* --- the tree --------------------------------------------------------------------------------- */

struct slob_live *slob_live_new(struct kernel *k)
{
	return meta_pool_alloc(k, sizeof(struct slob_live));
}

void slob_live_free(struct kernel *k, struct slob_live *live)
{
	meta_pool_free(k, live, sizeof(*live));
}

void slob_live_add(struct kernel *k, struct slob_live *live, struct kmem_cache *s,
		   const void *object, size_t size, unsigned long caller)
{
	struct slob_debug *debug = k->backend->debug;
	struct rb_node **link = &debug->live.node, *parent = NULL;

	live->object = object;
	live->size = size;
	live->cache = s;
	live->caller = caller;
	arch_spin_lock(&debug->lock);
	while (*link) {
		parent = *link;
		link = live->object < live_of(parent)->object ? &parent->left : &parent->right;
	}
	rb_insert(&debug->live, &live->node, parent, link, NULL);
	arch_spin_unlock(&debug->lock);
}

/* The entry with the highest address not above @p; NULL: none. */
static struct slob_live *live_at_or_below_locked(struct slob_debug *debug, const void *p)
{
	struct rb_node *node = debug->live.node;
	struct slob_live *best = NULL;

	while (node) {
		if (live_of(node)->object > (const char *)p) {
			node = node->left;
			continue;
		}
		best = live_of(node);
		node = node->right;
	}
	return best;
}

/* What is known of a pointer: a copy of the entry in or at which it lies; size 0: none. With @taken
 * an entry of @s that begins there is taken out of the tree and is the caller's. */
static struct slob_live slob_look_up(struct slob_debug *debug, const struct kmem_cache *s,
				     const void *p, struct slob_live **taken)
{
	struct slob_live copy = { .size = 0 };
	struct slob_live *live;

	arch_spin_lock(&debug->lock);
	live = live_at_or_below_locked(debug, p);
	if (live && (size_t)((const char *)p - live->object) < live->size) {
		copy = *live;
		if (taken && live->object == p && live->cache == s) {
			rb_erase(&debug->live, &live->node, NULL);
			*taken = live;
		}
	}
	arch_spin_unlock(&debug->lock);
	return copy;
}

/* --- reports ---------------------------------------------------------------------------------- */

#define SLOB_REPORT_LEN 6144

static void slob_put_user(struct kernel *k, struct seq_file *m, const struct slob_live *live)
{
	slab_flags_t flags = live->cache ? live->cache->flags : k->backend->debug->kmalloc_flags;
	char user[128];

	if (!(flags & SLAB_STORE_USER))
		return;
	arch_symbol(live->caller, user, sizeof(user));
	seq_printf(m, "Last user: (%s)\n", user);
}

/* A pointer into @live, in the words of slab_bug(). */
static noinline void slob_report_inner(struct kernel *k, const char *what, const char *owner,
				       const void *p, const struct slob_live *live)
{
	char text[SLOB_REPORT_LEN];
	struct seq_file m;

	seq_init_buf(&m, text, sizeof(text));
	seq_printf(&m, "%s: %s, ptr 0x%llx cache %s\n", what, SLAB_BUG_INNER, slab_addr(p), owner);
	report_put_caller(&m, 1);
	slob_put_user(k, &m, live);
	report_text(k, MACHINE_BUG, text);
}

/* As slab_wrong_cache(), for kmalloc, which is no cache here, too. */
static void slob_report_wrong_cache(struct kernel *k, const char *given, const char *owner,
				    const struct slob_live *live)
{
	char line[160];
	struct seq_file m;

	report_warn(k, "cache_from_obj: Wrong slab cache. %s but object is from %s", given, owner);
	seq_init_buf(&m, line, sizeof(line));
	slob_put_user(k, &m, live);
	if (m.len)
		pr_err(k, "%.*s", (int)m.len - 1, line);
}

/* Whether @p lies where objects do at all; else the checks of every free say what it is. */
static bool slob_is_ours(const void *p)
{
	struct page *head = memmap_lookup_head(arch_cpu_current(), p);

	return head && (page_type(head) == PAGE_TYPE_SLAB || head->flags & PG_LARGE);
}

bool slob_debug_free(struct kernel *k, struct kmem_cache *s, const char *what, const void *object)
{
	struct slob_live *taken = NULL;
	struct slob_live live = slob_look_up(k->backend->debug, s, object, &taken);
	const char *owner = live.cache ? live.cache->name : SLOB_KMALLOC_NAME;

	if (taken) {
		slob_live_free(k, taken);
		return true;
	}
	if (live.size && live.object != object)
		slob_report_inner(k, what, owner, object, &live);
	else if (live.size)
		slob_report_wrong_cache(k, s ? s->name : SLOB_KMALLOC_NAME, owner, &live);
	else if (s && slob_debug_keeps(k, s) && slob_is_ours(object))
		slab_bug(k, what, s, object, SLOB_BUG_NOT_LIVE);
	else
		return true;
	return false;
}

/* Of an object that lives; what is freed is forgotten. */
void backend_put_tracks(struct kmem_cache *s, const void *object, struct seq_file *m)
{
	struct slob_debug *debug = s->kernel->backend->debug;
	struct slob_live live = { .size = 0 };

	if (debug)
		live = slob_look_up(debug, NULL, object, NULL);
	if (live.size)
		slob_put_user(s->kernel, m, &live);
}

/* --- leaks ------------------------------------------------------------------------------------ */

static const char *slob_page_of(const char *object)
{
	return (const char *)((uintptr_t)object & ~(uintptr_t)(PAGE_SIZE - 1));
}

/* How many objects of the same cache, @live included, begin in the same page from there on. */
static unsigned int slob_count_page_locked(struct slob_live *live)
{
	const char *page = slob_page_of(live->object);
	const struct kmem_cache *s = live->cache;
	struct rb_node *node;
	unsigned int nr = 0;

	for (node = &live->node; node && slob_page_of(live_of(node)->object) == page;
	     node = rb_next(node))
		nr += live_of(node)->cache == s;
	return nr;
}

static void slob_put_live(struct kernel *k, struct seq_file *m, const struct slob_live *live)
{
	seq_printf(m, "Object 0x%llx @offset=%zu\n", slab_addr(live->object),
		   (size_t)(live->object - slob_page_of(live->object)));
	slob_put_user(k, m, live);
}

/* A page stands for a slab here: those of its objects that are the cache's. */
void slob_debug_report_live(struct kmem_cache *s, unsigned int max, struct seq_file *m)
{
	struct slob_debug *debug = s->kernel->backend->debug;
	const char *page = NULL;
	struct rb_node *node;
	unsigned int nr;

	arch_spin_lock(&debug->lock);
	for (node = rb_first(&debug->live); node && max; node = rb_next(node)) {
		struct slob_live *live = live_of(node);

		if (live->cache != s)
			continue;
		if (slob_page_of(live->object) != page) {
			page = slob_page_of(live->object);
			nr = slob_count_page_locked(live);
			seq_printf(m, "Slab 0x%llx objects=%u used=%u\n", slab_addr(page), nr, nr);
		}
		slob_put_live(s->kernel, m, live);
		max--;
	}
	arch_spin_unlock(&debug->lock);
}

bool slob_debug_fork(struct kernel *k, struct fork_walk *w)
{
	return !k->backend->debug || fork_spinlock(w, &k->backend->debug->lock);
}
