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
#include "lib/list.h"
#include "lib/lock_rank.h"
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

static struct vmap_area *node_alloc(struct vmap_areas *areas)
{
	return meta_alloc(areas->kernel, sizeof(struct vmap_area), NUMA_NO_NODE);
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

/* The lowest area of at least @size bytes. */
static struct vmap_area *lowest_fit(const struct vmap_areas *areas, uint64_t size)
{
	struct rb_node *node = areas->free.node;

	if (longest_below(node) < size)
		return NULL;
	for (;;) {
		if (longest_below(node->left) >= size)
			node = node->left;
		else if (length(area_of(node)) >= size)
			return area_of(node);
		else
			node = node->right;
	}
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

/* Find room of @size bytes for @va. An aligned start lies at most @align - PAGE_SIZE into a
 * free area, so that much more room is asked for. */
static bool take_lowest(struct vmap_areas *areas, struct vmap_area *va, uint64_t size,
			uint64_t align, struct vmap_area **spare)
{
	uint64_t slack = align > PAGE_SIZE ? align - PAGE_SIZE : 0;
	struct vmap_area *from, *dead = NULL;

	arch_spin_lock(&areas->free_lock);
	from = lowest_fit(areas, size + slack);
	if (from) {
		va->start = (from->start + slack) & ~slack;
		va->end = va->start + size;
		carve(areas, from, va->start, va->end, spare, &dead);
	}
	arch_spin_unlock(&areas->free_lock);
	nodes_free(areas, dead);
	return from;
}

static bool take_lowest_or_purge(struct vmap_areas *areas, struct vmap_area *va, uint64_t size,
				 uint64_t align, struct vmap_area **spare)
{
	if (take_lowest(areas, va, size, align, spare))
		return true;
	vmap_areas_purge(areas);
	if (take_lowest(areas, va, size, align, spare))
		return true;
	pr_warn(areas->kernel,
		"vmap allocation for size %llu failed: no room in a region of %llu MiB",
		(unsigned long long)size, (unsigned long long)(areas->end - areas->start) >> 20);
	return false;
}

struct vmap_area *vmap_area_alloc(struct vmap_areas *areas, uint64_t size, uint64_t align,
				  unsigned long kind, struct vmap_vm *vm)
{
	bool aligned = align > PAGE_SIZE;
	struct vmap_area *va = node_alloc(areas);
	struct vmap_area *spare = aligned ? node_alloc(areas) : NULL;
	bool found = va && (spare || !aligned) &&
		     take_lowest_or_purge(areas, va, size, align, &spare);

	meta_free(areas->kernel, spare, sizeof(*spare));
	if (!found) {
		meta_free(areas->kernel, va, sizeof(*va));
		return NULL;
	}
	va->kind = kind;
	va->vm = vm;
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

struct vmap_area *vmap_area_take(struct vmap_areas *areas, kva_t start, unsigned long kind)
{
	struct vmap_area *va;

	arch_spin_lock(&areas->busy_lock);
	va = tree_last_from(&areas->busy, start);
	if (va && (va->start != start || va->kind != kind))
		va = NULL;
	if (va)
		rb_erase(&areas->busy, &va->node, NULL);
	arch_spin_unlock(&areas->busy_lock);
	return va;
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
