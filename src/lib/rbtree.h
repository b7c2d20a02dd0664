/* SPDX-License-Identifier: MIT */
/*
 * Red-black trees, embedded in what they order, as in Guibas and Sedgewick 1978 in the form of
 * Cormen et al., "Introduction to Algorithms", chapter 13.
 *
 * The caller searches and says where a node goes; the tree keeps itself balanced: every path from
 * the root down has the same number of black nodes and no two red ones in a row, so that none is
 * longer than twice another.
 *
 * A tree can be augmented: each node then knows something about its whole subtree (the largest
 * hole, the highest end) that follows from the node itself and its two children. `update` works it
 * out again for one node; the tree calls it, children first, wherever a subtree changed. NULL: a
 * plain tree. The same function must be given to every call on a tree.
 *
 * No locks, no allocation, no recursion.
 */
#ifndef KMEM_LIB_RBTREE_H
#define KMEM_LIB_RBTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rb_node {
	uintptr_t parent_color;		/* address of the parent; bit 0: black */
	struct rb_node *left, *right;
};

struct rb_root {
	struct rb_node *node;
};

typedef void rb_update_fn(struct rb_node *node);

static inline struct rb_node *rb_parent(const struct rb_node *node)
{
	return (struct rb_node *)(node->parent_color & ~(uintptr_t)1);
}

/* Hang @node under @parent (NULL: as the root) at *@link, which is one of its empty children, and
 * balance. */
void rb_insert(struct rb_root *root, struct rb_node *node, struct rb_node *parent,
	       struct rb_node **link, rb_update_fn *update);

void rb_erase(struct rb_root *root, struct rb_node *node, rb_update_fn *update);

/* @node itself changed, its place did not: bring it and all above it up to date. */
void rb_propagate(struct rb_node *node, rb_update_fn *update);

/* In order; NULL past either end. */
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

#endif
