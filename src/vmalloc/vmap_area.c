/* SPDX-License-Identifier: MIT */
/*
 * Who has which addresses of the vmalloc region.
 *
 *	free    nobody's           tree ordered by start, augmented: each node knows the largest
 *	                           free area below it, so the lowest that fits is found along one
 *	                           path
 *	busy    of a vmap_vm       tree ordered by start
 *	lazy    freed, but the     tree ordered by start, neighbours merged
 *	        host (on hardware: a TLB) may still map it
 *
 *	free -> busy    vmap_area_alloc(): the lowest addresses that fit are cut off a free area
 *	busy -> lazy    vmap_area_take(), vmap_area_free()
 *	lazy -> free    vmap_areas_purge(): all at once, one unmapping for each run of neighbours
 *
 * Unmapping an area costs a system call here and an interrupt of every CPU on hardware. So areas
 * are gathered, until they hold more than lazy_max pages (Linux's figure: 32 MiB for each doubling
 * of CPUs), somebody asks for a purge, or an allocation finds no room.
 *
 * Invariants: areas of all states together cover the region without gap or overlap (except those
 * that a purge has in hand); no two free areas touch, nor two lazy ones; sizes include the guard
 * page, so an area's last page is never mapped.
 *
 * Giving back never allocates: a freed area's own node becomes, or dies in, the lazy and then the
 * free tree. Nodes that died are given back after the locks are dropped.
 *
 * Locks, in this order: purge_lock over a whole purge; free_lock, busy_lock, lazy_lock one at a
 * time and for a few steps in a tree.
 */
#include "vmalloc/vmap_area.h"

#include "common/registry.h"
#include "lib/errno.h"
#include "lib/fork.h"
#include "lib/list.h"
#include "lib/lock_rank.h"
#include "lib/math.h"
#include "lib/report.h"

/* Linux: lazy_max_pages(). */
#define LAZY_MAX_UNIT ((32ul << 20) / PAGE_SIZE)

static struct vmap_area *area_of(struct rb_node *node)
{
	return container_of(node, struct vmap_area, node);
}

static uint64_t length(const struct vmap_area *va)
{
	return va->end - va->start;
}

static unsigned long pages_of(const struct vmap_area *va)
{
	return (unsigned long)(length(va) >> PAGE_SHIFT);
}

static uint64_t longest_below(struct rb_node *node)
{
	return node ? area_of(node)->longest : 0;
}

static void update_longest(struct rb_node *node)
{
	struct vmap_area *va = area_of(node);
	uint64_t left = longest_below(node->left);
	uint64_t right = longest_below(node->right);

	va->longest = length(va);
	if (va->longest < left)
		va->longest = left;
	if (va->longest < right)
		va->longest = right;
}

/* --- nodes ------------------------------------------------------------------------------------ */

static struct vmap_area *node_alloc(struct vmap_areas *areas, gfp_t gfp)
{
	return meta_alloc_gfp(areas->kernel, sizeof(struct vmap_area), gfp, NUMA_NO_NODE);
}

/* A chain through `next`. */
static void nodes_free(struct vmap_areas *areas, struct vmap_area *va)
{
	while (va) {
		struct vmap_area *next = va->next;

		meta_free(areas->kernel, va, sizeof(*va));
		va = next;
	}
}

static void put_dead(struct vmap_area **dead, struct vmap_area *va)
{
	va->next = *dead;
	*dead = va;
}

/* --- trees ------------------------------------------------------------------------------------ */

static void tree_insert(struct rb_root *root, struct vmap_area *va, rb_update_fn *update)
{
	struct rb_node **link = &root->node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = va->start < area_of(parent)->start ? &parent->left : &parent->right;
	}
	rb_insert(root, &va->node, parent, link, update);
}

/* The area with the highest start not above @kva. */
static struct vmap_area *tree_last_from(const struct rb_root *root, kva_t kva)
{
	struct vmap_area *best = NULL;
	struct rb_node *node = root->node;

	while (node) {
		if (area_of(node)->start <= kva) {
			best = area_of(node);
			node = node->right;
		} else {
			node = node->left;
		}
	}
	return best;
}

/* Put @va in; areas that touch become one. Nodes that are not needed any more go to *@dead. */
static void tree_merge(struct rb_root *root, struct vmap_area *va, rb_update_fn *update,
		       struct vmap_area **dead)
{
	struct vmap_area *before = tree_last_from(root, va->start);
	struct rb_node *next = before ? rb_next(&before->node) : rb_first(root);
	struct vmap_area *after = next ? area_of(next) : NULL;

	kassert(!before || before->end <= va->start);
	kassert(!after || after->start >= va->end);
	if (after && after->start == va->end) {
		rb_erase(root, &after->node, update);
		va->end = after->end;
		put_dead(dead, after);
	}
	if (!before || before->end != va->start) {
		tree_insert(root, va, update);
		return;
	}
	before->end = va->end;
	rb_propagate(&before->node, update);
	put_dead(dead, va);
}

/* --- free areas ------------------------------------------------------------------------------- */

/* The lowest area of at least @size bytes under @node, which has one. */
static struct rb_node *leftmost_fit(struct rb_node *node, uint64_t size)
{
	for (;;) {
		if (longest_below(node->left) >= size)
			node = node->left;
		else if (length(area_of(node)) >= size)
			return node;
		else
			node = node->right;
	}
}

/* The next area of at least @size bytes above @node; NULL: there is none. */
static struct rb_node *next_fit(struct rb_node *node, uint64_t size)
{
	for (;;) {
		struct rb_node *from = node;

		if (longest_below(node->right) >= size)
			return leftmost_fit(node->right, size);
		for (node = rb_parent(node); node && node->right == from; node = rb_parent(node))
			from = node;
		if (!node || length(area_of(node)) >= size)
			return node;
	}
}

/* The lowest area of at least @size bytes that reaches above @from. */
static struct rb_node *first_fit(const struct vmap_areas *areas, kva_t from, uint64_t size)
{
	struct vmap_area *va;

	if (longest_below(areas->free.node) < size)
		return NULL;
	va = from > areas->start ? tree_last_from(&areas->free, from) : NULL;
	if (!va)
		return leftmost_fit(areas->free.node, size);
	return va->end > from && length(va) >= size ? &va->node : next_fit(&va->node, size);
}

/* The lowest area in which @r fits, aligned and inside its borders, and where it would lie. */
static struct vmap_area *lowest_fit(const struct vmap_areas *areas, const struct vmap_request *r,
				    kva_t *start)
{
	kva_t end = r->end ? r->end : areas->end;
	struct rb_node *node = first_fit(areas, r->start, r->size);

	for (; node; node = next_fit(node, r->size)) {
		struct vmap_area *va = area_of(node);
		kva_t stop = va->end < end ? va->end : end;
		kva_t from = va->start > r->start ? va->start : r->start;
		kva_t at = round_up(from, r->align);

		/* Below @from: no such address is left before the highest. */
		if (at >= from && at < stop && stop - at >= r->size) {
			*start = at;
			return va;
		}
		if (va->start >= end)
			return NULL;
	}
	return NULL;
}

/* Cut [@start, @end) out of @from. @spare is used when something is left on both sides. */
static void carve(struct vmap_areas *areas, struct vmap_area *from, kva_t start, kva_t end,
		  struct vmap_area **spare, struct vmap_area **dead)
{
	struct vmap_area *rest = *spare;

	if (from->start == start && from->end == end) {
		rb_erase(&areas->free, &from->node, update_longest);
		put_dead(dead, from);
		return;
	}
	if (from->start == start) {
		from->start = end;
	} else if (from->end == end) {
		from->end = start;
	} else {
		*spare = NULL;
		rest->start = end;
		rest->end = from->end;
		from->end = start;
		tree_insert(&areas->free, rest, update_longest);
	}
	rb_propagate(&from->node, update_longest);
}

/* Find room for @va. */
static bool take_lowest(struct vmap_areas *areas, struct vmap_area *va,
			const struct vmap_request *r, struct vmap_area **spare)
{
	struct vmap_area *from, *dead = NULL;

	arch_spin_lock(&areas->free_lock);
	from = lowest_fit(areas, r, &va->start);
	if (from) {
		va->end = va->start + r->size;
		carve(areas, from, va->start, va->end, spare, &dead);
	}
	arch_spin_unlock(&areas->free_lock);
	nodes_free(areas, dead);
	return from;
}

static bool take_lowest_or_purge(struct vmap_areas *areas, struct vmap_area *va,
				 const struct vmap_request *r, struct vmap_area **spare)
{
	if (take_lowest(areas, va, r, spare))
		return true;
	if (areas->purge_all)
		areas->purge_all(areas);
	else
		vmap_areas_purge(areas);
	if (take_lowest(areas, va, r, spare))
		return true;
	if (r->full)
		*r->full = true;
	if (!(r->gfp & __GFP_NOWARN))
		pr_warn(areas->kernel, "vmap allocation for size %llu failed: use vmalloc=<size> to "
			"increase size", (unsigned long long)r->size);
	return false;
}

struct vmap_area *vmap_area_alloc(struct vmap_areas *areas, const struct vmap_request *r)
{
	/* Something may be left on both sides of it. */
	bool both = r->align > PAGE_SIZE || r->start > areas->start;
	struct vmap_area *va = node_alloc(areas, r->gfp);
	struct vmap_area *spare = both ? node_alloc(areas, r->gfp) : NULL;
	bool found = va && (spare || !both) && take_lowest_or_purge(areas, va, r, &spare);

	meta_free(areas->kernel, spare, sizeof(*spare));
	if (!found) {
		meta_free(areas->kernel, va, sizeof(*va));
		return NULL;
	}
	va->kind = r->kind;
	va->vm = r->vm;
	arch_spin_lock(&areas->busy_lock);
	tree_insert(&areas->busy, va, NULL);
	arch_spin_unlock(&areas->busy_lock);
	return va;
}

/* --- busy areas ------------------------------------------------------------------------------- */

struct vmap_vm *vmap_area_find(struct vmap_areas *areas, kva_t kva)
{
	struct vmap_area *va;
	struct vmap_vm *vm = NULL;

	arch_spin_lock(&areas->busy_lock);
	va = tree_last_from(&areas->busy, kva);
	if (va && kva < va->end)
		vm = va->vm;
	arch_spin_unlock(&areas->busy_lock);
	return vm;
}

void vmap_areas_for_each(struct vmap_areas *areas, kva_t start, kva_t end,
			 void (*fn)(const struct vmap_area *va, void *arg), void *arg)
{
	struct rb_node *node;
	struct vmap_area *va;

	arch_spin_lock(&areas->busy_lock);
	va = tree_last_from(&areas->busy, start);
	node = va ? &va->node : rb_first(&areas->busy);
	for (; node && area_of(node)->start < end; node = rb_next(node)) {
		if (area_of(node)->end > start)
			fn(area_of(node), arg);
	}
	arch_spin_unlock(&areas->busy_lock);
}

/* @size 0: of any size. */
struct vmap_area *vmap_area_take_sized(struct vmap_areas *areas, kva_t start, unsigned long kind,
				       uint64_t size)
{
	struct vmap_area *va;

	arch_spin_lock(&areas->busy_lock);
	va = tree_last_from(&areas->busy, start);
	if (va && (va->start != start || va->kind != kind || (size && length(va) != size)))
		va = NULL;
	if (va)
		rb_erase(&areas->busy, &va->node, NULL);
	arch_spin_unlock(&areas->busy_lock);
	return va;
}

struct vmap_area *vmap_area_take(struct vmap_areas *areas, kva_t start, unsigned long kind)
{
	return vmap_area_take_sized(areas, start, kind, 0);
}

/* --- lazy areas ------------------------------------------------------------------------------- */

/* Returns how many pages are lazy now. */
static unsigned long lazy_add(struct vmap_areas *areas, struct vmap_area *va,
			      struct vmap_area **dead)
{
	unsigned long nr = pages_of(va);

	arch_spin_lock(&areas->lazy_lock);
	tree_merge(&areas->lazy, va, NULL, dead);
	nr += areas->lazy_pages;
	__atomic_store_n(&areas->lazy_pages, nr, __ATOMIC_RELAXED);
	arch_spin_unlock(&areas->lazy_lock);
	return nr;
}

void vmap_area_free(struct vmap_areas *areas, struct vmap_area *va)
{
	struct vmap_area *dead = NULL;
	bool full = lazy_add(areas, va, &dead) > areas->lazy_max;

	nodes_free(areas, dead);
	if (full)
		vmap_areas_purge(areas);
}

/* All lazy areas as a chain, lowest first; none is in the tree afterwards. */
static struct vmap_area *lazy_take_all(struct vmap_areas *areas)
{
	struct vmap_area *first = NULL, **end = &first;

	arch_spin_lock(&areas->lazy_lock);
	for (struct rb_node *node = rb_first(&areas->lazy); node; node = rb_next(node)) {
		*end = area_of(node);
		end = &area_of(node)->next;
	}
	*end = NULL;
	areas->lazy.node = NULL;
	__atomic_store_n(&areas->lazy_pages, 0, __ATOMIC_RELAXED);
	arch_spin_unlock(&areas->lazy_lock);
	return first;
}

/* Whether the host does not map @va any more. */
static bool host_unmap(struct vmap_areas *areas, const struct vmap_area *va)
{
	const struct arch_machine *am = areas->kernel->arch;

	return !am->vmalloc || !arch_unmap_ram(am, va->start - am->vmalloc_base, pages_of(va));
}

static void free_add(struct vmap_areas *areas, struct vmap_area *va, struct vmap_area **dead)
{
	arch_spin_lock(&areas->free_lock);
	tree_merge(&areas->free, va, update_longest, dead);
	arch_spin_unlock(&areas->free_lock);
}

/* One flush for all of them: TLBs may still have what vfree() took out of the tables. */
static void flush_all(const struct vmap_areas *areas, const struct vmap_area *lowest)
{
	const struct vmap_area *highest = lowest;

	if (!lowest)
		return;
	while (highest->next)
		highest = highest->next;
	arch_mmu_flush(areas->kernel->arch, lowest->start, highest->end);
}

/* What the host does not unmap now (it has said why) stays lazy and is tried again. */
void vmap_areas_purge(struct vmap_areas *areas)
{
	struct vmap_area *va, *next, *dead = NULL;

	arch_spin_lock(&areas->purge_lock);
	va = lazy_take_all(areas);
	areas->nr_purges += !!va;
	flush_all(areas, va);
	for (; va; va = next) {
		next = va->next;
		if (host_unmap(areas, va))
			free_add(areas, va, &dead);
		else
			lazy_add(areas, va, &dead);
	}
	arch_spin_unlock(&areas->purge_lock);
	nodes_free(areas, dead);
}

/* --- life ------------------------------------------------------------------------------------- */

static unsigned long lazy_max(unsigned int nr_cpus)
{
	return (32u - (unsigned int)__builtin_clz(nr_cpus)) * LAZY_MAX_UNIT;
}

int vmap_areas_init(struct kernel *k, struct vmap_areas *areas, kva_t start, uint64_t size)
{
	/* Not kmalloc's: a machine that never calls vmalloc() shows no trace of it there. */
	struct vmap_area *va = meta_pool_alloc(k, sizeof(*va));

	if (!va)
		return -ENOMEM;
	areas->kernel = k;
	areas->start = start;
	areas->end = start + size;
	areas->lazy_max = lazy_max(k->arch->nr_cpus);
	arch_spin_init(&areas->purge_lock, LOCK_RANK_VMAP_PURGE);
	arch_spin_init(&areas->free_lock, LOCK_RANK_VMAP_TREE);
	arch_spin_init(&areas->busy_lock, LOCK_RANK_VMAP_TREE);
	arch_spin_init(&areas->lazy_lock, LOCK_RANK_VMAP_TREE);
	va->start = areas->start;
	va->end = areas->end;
	tree_insert(&areas->free, va, update_longest);
	return 0;
}

void vmap_areas_exit(struct vmap_areas *areas)
{
	struct rb_node *node;

	while ((node = areas->free.node)) {
		rb_erase(&areas->free, node, update_longest);
		meta_free(areas->kernel, area_of(node), sizeof(struct vmap_area));
	}
}

bool vmap_areas_fork(struct vmap_areas *areas, struct fork_walk *w)
{
	return fork_spinlock(w, &areas->purge_lock) && fork_spinlock(w, &areas->free_lock) &&
	       fork_spinlock(w, &areas->busy_lock) && fork_spinlock(w, &areas->lazy_lock);
}
