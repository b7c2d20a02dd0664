/* SPDX-License-Identifier: MIT */
/*
 * A set of disjoint, non-adjacent ranges of numbers, ordered by start, that finds the lowest range
 * with room. A treap: ordered by start, heap by a hash of the start the node was made with, so that
 * its depth is logarithmic and the same on every run. Each node knows the longest range below it,
 * which lets the search for room skip whole subtrees.
 *
 * Nodes are the caller's: a tree never allocates, so giving a range back cannot fail.
 */
#ifndef KMEM_LIB_RANGE_TREE_H
#define KMEM_LIB_RANGE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range_node {
	size_t start, end;	/* [start, end) */
	size_t longest;		/* of this subtree */
	uint64_t priority;
	struct range_node *left, *right;
};

struct range_tree {
	struct range_node *root;
};

/* Put [@start, @end) in; neighbours that touch it become one range with it. @node is used for the
 * result; nodes that are no longer needed are chained through `right` in *@spare. */
void range_tree_add(struct range_tree *tree, struct range_node *node, size_t start, size_t end,
		    struct range_node **spare);

/* Take the lowest @size numbers that start at a multiple of @align out of the set. false: no range
 * has room. One node may be taken from *@spare (which must hold one), or one put there. */
bool range_tree_take(struct range_tree *tree, size_t size, size_t align, size_t *start,
		     struct range_node **spare);

#endif
