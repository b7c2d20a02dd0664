/* SPDX-License-Identifier: MIT */
/*
 * A node that hangs in fresh is red, which breaks at most the rule about two reds in a row; a black
 * node that leaves takes one black off the paths through its place. Both defects are moved up the
 * tree by recolouring until rotations (two at most, three for an erase) end them.
 *
 * What nodes know about their subtrees is brought up to date along the path to the root first; a
 * rotation later changes the subtrees of just the two nodes it turns.
 */
#include "lib/rbtree.h"

#define BLACK ((uintptr_t)1)

static bool is_black(const struct rb_node *node)
{
	return !node || (node->parent_color & BLACK);
}

static bool is_red(const struct rb_node *node)
{
	return !is_black(node);
}

static void set_black(struct rb_node *node)
{
	node->parent_color |= BLACK;
}

static void set_red(struct rb_node *node)
{
	node->parent_color &= ~BLACK;
}

static void set_parent(struct rb_node *node, struct rb_node *parent)
{
	node->parent_color = (uintptr_t)parent | (node->parent_color & BLACK);
}

static void set_parent_if(struct rb_node *node, struct rb_node *parent)
{
	if (node)
		set_parent(node, parent);
}

/* Where @node hangs: in its parent or in the root. */
static struct rb_node **link_of(struct rb_root *root, const struct rb_node *node)
{
	struct rb_node *parent = rb_parent(node);

	if (!parent)
		return &root->node;
	return parent->left == node ? &parent->left : &parent->right;
}

void rb_propagate(struct rb_node *node, rb_update_fn *update)
{
	if (!update)
		return;
	for (; node; node = rb_parent(node))
		update(node);
}

/* @node goes down to one side, its child on the other side (@up) takes its place. */
static void finish_rotation(struct rb_root *root, struct rb_node *node, struct rb_node *up,
			    rb_update_fn *update)
{
	*link_of(root, node) = up;
	set_parent(up, rb_parent(node));
	set_parent(node, up);
	if (!update)
		return;
	update(node);
	update(up);
}

static void rotate_left(struct rb_root *root, struct rb_node *node, rb_update_fn *update)
{
	struct rb_node *up = node->right;

	node->right = up->left;
	set_parent_if(up->left, node);
	up->left = node;
	finish_rotation(root, node, up, update);
}

static void rotate_right(struct rb_root *root, struct rb_node *node, rb_update_fn *update)
{
	struct rb_node *up = node->left;

	node->left = up->right;
	set_parent_if(up->right, node);
	up->right = node;
	finish_rotation(root, node, up, update);
}

/* Turn @parent so that it hangs under its child on the side opposite to @left. */
static void rotate(struct rb_root *root, struct rb_node *parent, bool left, rb_update_fn *update)
{
	if (left)
		rotate_left(root, parent, update);
	else
		rotate_right(root, parent, update);
}

static void insert_fixup(struct rb_root *root, struct rb_node *node, rb_update_fn *update)
{
	struct rb_node *parent;

	while ((parent = rb_parent(node)) && is_red(parent)) {
		struct rb_node *grand = rb_parent(parent);
		bool left = parent == grand->left;
		struct rb_node *uncle = left ? grand->right : grand->left;

		if (is_red(uncle)) {
			set_black(parent);
			set_black(uncle);
			set_red(grand);
			node = grand;
			continue;
		}
		if (node == (left ? parent->right : parent->left)) {
			rotate(root, parent, left, update);
			parent = node;
		}
		set_black(parent);
		set_red(grand);
		rotate(root, grand, !left, update);
		break;
	}
	set_black(root->node);
}

void rb_insert(struct rb_root *root, struct rb_node *node, struct rb_node *parent,
	       struct rb_node **link, rb_update_fn *update)
{
	node->parent_color = (uintptr_t)parent;
	node->left = NULL;
	node->right = NULL;
	*link = node;
	rb_propagate(node, update);
	insert_fixup(root, node, update);
}

/* The paths through @node's place (it may be empty; it hangs under @parent) lack a black. */
static void erase_fixup(struct rb_root *root, struct rb_node *node, struct rb_node *parent,
			rb_update_fn *update)
{
	while (parent && is_black(node)) {
		bool left = parent->left == node;
		struct rb_node *sibling = left ? parent->right : parent->left;
		struct rb_node *near, *far;

		if (is_red(sibling)) {
			set_black(sibling);
			set_red(parent);
			rotate(root, parent, left, update);
			sibling = left ? parent->right : parent->left;
		}
		near = left ? sibling->left : sibling->right;
		far = left ? sibling->right : sibling->left;
		if (is_black(near) && is_black(far)) {
			set_red(sibling);
			node = parent;
			parent = rb_parent(node);
			continue;
		}
		if (is_black(far)) {
			set_black(near);
			set_red(sibling);
			rotate(root, sibling, !left, update);
			far = sibling;
			sibling = near;
		}
		sibling->parent_color = (sibling->parent_color & ~BLACK) |
					(parent->parent_color & BLACK);
		set_black(parent);
		set_black(far);
		rotate(root, parent, left, update);
		return;
	}
	if (node)
		set_black(node);
}

static struct rb_node *leftmost(struct rb_node *node)
{
	while (node->left)
		node = node->left;
	return node;
}

/* @next, the lowest node right of @node, takes its place, colour and children. Returns the parent
 * of the place that @next left. */
static struct rb_node *take_place(struct rb_root *root, struct rb_node *node, struct rb_node *next)
{
	struct rb_node *parent = rb_parent(next);

	if (parent == node) {
		parent = next;
	} else {
		parent->left = next->right;
		set_parent_if(next->right, parent);
		next->right = node->right;
		set_parent(next->right, next);
	}
	next->left = node->left;
	set_parent(next->left, next);
	*link_of(root, node) = next;
	next->parent_color = node->parent_color;
	return parent;
}

void rb_erase(struct rb_root *root, struct rb_node *node, rb_update_fn *update)
{
	struct rb_node *child, *parent;
	bool black;

	if (node->left && node->right) {
		struct rb_node *next = leftmost(node->right);

		child = next->right;
		black = is_black(next);
		parent = take_place(root, node, next);
	} else {
		child = node->left ? node->left : node->right;
		black = is_black(node);
		parent = rb_parent(node);
		*link_of(root, node) = child;
		set_parent_if(child, parent);
	}
	rb_propagate(parent, update);
	if (black)
		erase_fixup(root, child, parent, update);
}

struct rb_node *rb_first(const struct rb_root *root)
{
	return root->node ? leftmost(root->node) : NULL;
}

struct rb_node *rb_next(const struct rb_node *node)
{
	struct rb_node *parent;

	if (node->right)
		return leftmost(node->right);
	while ((parent = rb_parent(node)) && node == parent->right)
		node = parent;
	return parent;
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	struct rb_node *parent;

	if (node->left) {
		struct rb_node *last = node->left;

		while (last->right)
			last = last->right;
		return last;
	}
	while ((parent = rb_parent(node)) && node == parent->left)
		node = parent;
	return parent;
}
