/* SPDX-License-Identifier: MIT */
/*
 * The memory types of physical addresses that ioremap() has mapped. A processor wants each address
 * to have one type wherever it is mapped, so the first mapping decides:
 *
 *	a new one overlaps	none		it gets what it asks for
 *				all of one type	it gets that type, which may be stricter than
 *						what it asks for
 *				several types	it is refused
 *	and the type it would get is too weak for it	it is refused
 *
 * Too weak is write-back for whoever asks for anything else, and write-combining for write-through:
 * their writes could stay in a buffer that the device does not see.
 *
 * Ranges overlap and may be equal, so they stand in an interval tree: ordered by start, each node
 * with the highest end below it (Cormen et al., section 14.3). A range is the memory of the mapping
 * that it stands for.
 *
 * Source: Linux's Documentation/x86/pat.rst.
 */
#include "vmalloc/memtype.h"

#include "lib/errno.h"
#include "lib/fork.h"
#include "lib/kfmt.h"
#include "lib/list.h"
#include "lib/lock_rank.h"
#include "lib/report.h"

#include <kmem/x86_pte.h>

typedef unsigned long long ull;

static const char *const names[] = {
	[MEMTYPE_WB] = "write-back",
	[MEMTYPE_WC] = "write-combining",
	[MEMTYPE_UC_MINUS] = "uncached-minus",
	[MEMTYPE_UC] = "uncached",
	[MEMTYPE_WT] = "write-through",
};

static struct memtype_range *range_of(struct rb_node *node)
{
	return container_of(node, struct memtype_range, node);
}

static phys_addr_t last_below(struct rb_node *node)
{
	return node ? range_of(node)->last : 0;
}

static void update_last(struct rb_node *node)
{
	struct memtype_range *r = range_of(node);

	r->last = r->end;
	if (last_below(node->left) > r->last)
		r->last = last_below(node->left);
	if (last_below(node->right) > r->last)
		r->last = last_below(node->right);
}

/* The first range that has something in common with [@start, @end). */
static struct rb_node *first_overlap(struct rb_node *node, phys_addr_t start, phys_addr_t end)
{
	while (node && range_of(node)->last > start) {
		if (last_below(node->left) > start)
			node = node->left;
		else if (range_of(node)->end > start)
			/* The lowest that reaches over @start: if it does not hit, none does. */
			return range_of(node)->start < end ? node : NULL;
		else
			node = node->right;
	}
	return NULL;
}

/* The type of what overlaps @r, @want if nothing does. -EBUSY: several types, *@other is one. */
static int find_type_locked(const struct memtypes *types, const struct memtype_range *r,
			    enum memtype want, enum memtype *type, enum memtype *other)
{
	struct rb_node *node = first_overlap(types->ranges.node, r->start, r->end);

	*type = node ? range_of(node)->type : want;
	for (; node && range_of(node)->start < r->end; node = rb_next(node)) {
		*other = range_of(node)->type;
		if (range_of(node)->end > r->start && *other != *type)
			return -EBUSY;
	}
	return 0;
}

static bool is_too_weak(enum memtype type, enum memtype want)
{
	if (type == want)
		return false;
	return type == MEMTYPE_WB || (want == MEMTYPE_WT && type == MEMTYPE_WC);
}

static void insert_locked(struct memtypes *types, struct memtype_range *range)
{
	struct rb_node **link = &types->ranges.node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = range->start < range_of(parent)->start ? &parent->left : &parent->right;
	}
	rb_insert(&types->ranges, &range->node, parent, link, update_last);
}

int memtype_reserve(struct memtypes *types, struct memtype_range *range, enum memtype want)
{
	struct kernel *k = types->kernel;
	enum memtype other = want;
	int ret;

	arch_spin_lock(&types->lock);
	ret = find_type_locked(types, range, want, &range->type, &other);
	if (!ret && !is_too_weak(range->type, want)) {
		insert_locked(types, range);
		arch_spin_unlock(&types->lock);
		return 0;
	}
	arch_spin_unlock(&types->lock);
	if (ret)
		pr_err(k, "x86/PAT: conflicting memory types %llx-%llx %s<->%s", (ull)range->start,
		       (ull)range->end, names[range->type], names[other]);
	else
		pr_err(k, "ioremap error for 0x%llx-0x%llx, requested 0x%x, got 0x%x",
		       (ull)range->start, (ull)range->end, want, range->type);
	return -EBUSY;
}

void memtype_release(struct memtypes *types, struct memtype_range *range)
{
	arch_spin_lock(&types->lock);
	rb_erase(&types->ranges, &range->node, update_last);
	arch_spin_unlock(&types->lock);
}

pgprot_t memtype_prot(enum memtype type)
{
	return (type & 1 ? X86_PTE_PWT : 0) | (type & 2 ? X86_PTE_PCD : 0) |
	       (type & 4 ? X86_PTE_PAT : 0);
}

void memtypes_init(struct kernel *k, struct memtypes *types)
{
	types->kernel = k;
	arch_spin_init(&types->lock, LOCK_RANK_VMAP_TREE);
	types->ranges.node = NULL;
}

void memtypes_show(struct memtypes *types, struct seq_file *m)
{
	seq_puts(m, "PAT memtype list:\n");
	arch_spin_lock(&types->lock);
	for (struct rb_node *node = rb_first(&types->ranges); node; node = rb_next(node))
		seq_printf(m, "%s @ 0x%llx-0x%llx\n", names[range_of(node)->type],
			   (ull)range_of(node)->start, (ull)range_of(node)->end);
	arch_spin_unlock(&types->lock);
}

bool memtypes_fork(struct memtypes *types, struct fork_walk *w)
{
	return fork_spinlock(w, &types->lock);
}
