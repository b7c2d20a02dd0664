/* SPDX-License-Identifier: MIT */
/*
 * Two operations make all others: split() cuts a treap at a key, merge() joins two whose keys do not
 * interleave. Both rebuild `longest` on the way back up, along one path.
 */
#include "lib/range_tree.h"

#include "lib/math.h"
#include "lib/rand.h"

static size_t length(const struct range_node *node)
{
	return node->end - node->start;
}

static void update(struct range_node *node)
{
	node->longest = length(node);
	if (node->left && node->left->longest > node->longest)
		node->longest = node->left->longest;
	if (node->right && node->right->longest > node->longest)
		node->longest = node->right->longest;
}

/* Nodes that start below @key to *@low, the others to *@high. */
static void split(struct range_node *node, size_t key, struct range_node **low,
		  struct range_node **high)
{
	if (!node) {
		*low = NULL;
		*high = NULL;
		return;
	}
	if (node->start < key) {
		split(node->right, key, &node->right, high);
		*low = node;
	} else {
		split(node->left, key, low, &node->left);
		*high = node;
	}
	update(node);
}

static struct range_node *merge(struct range_node *low, struct range_node *high)
{
	if (!low)
		return high;
	if (!high)
		return low;
	if (low->priority > high->priority) {
		low->right = merge(low->right, high);
		update(low);
		return low;
	}
	high->left = merge(low, high->left);
	update(high);
	return high;
}

static void insert(struct range_tree *tree, struct range_node *node, size_t start, size_t end)
{
	uint64_t seed = start;
	struct range_node *low, *high;

	*node = (struct range_node){.start = start, .end = end, .priority = rand_next(&seed)};
	update(node);
	split(tree->root, start, &low, &high);
	tree->root = merge(merge(low, node), high);
}

static void remove(struct range_tree *tree, struct range_node *node)
{
	struct range_node *low, *self, *high;

	split(tree->root, node->start, &low, &high);
	split(high, node->start + 1, &self, &high);
	tree->root = merge(low, high);
}

/* The range with the highest start below @key. */
static struct range_node *last_before(struct range_tree *tree, size_t key)
{
	struct range_node *best = NULL;

	for (struct range_node *node = tree->root; node;) {
		if (node->start < key) {
			best = node;
			node = node->right;
		} else {
			node = node->left;
		}
	}
	return best;
}

static void put_spare(struct range_node **spare, struct range_node *node)
{
	node->right = *spare;
	*spare = node;
}

void range_tree_add(struct range_tree *tree, struct range_node *node, size_t start, size_t end,
		    struct range_node **spare)
{
	struct range_node *before = last_before(tree, start);
	struct range_node *after = last_before(tree, end + 1);

	if (before && before->end == start) {
		start = before->start;
		remove(tree, before);
		put_spare(spare, before);
	}
	if (after && after->start == end) {
		end = after->end;
		remove(tree, after);
		put_spare(spare, after);
	}
	insert(tree, node, start, end);
}

static struct range_node *lowest_fit(struct range_node *node, size_t size, size_t align)
{
	struct range_node *found;
	size_t start;

	if (!node || node->longest < size)
		return NULL;
	found = lowest_fit(node->left, size, align);
	if (found)
		return found;
	start = round_up(node->start, align);
	if (start < node->end && node->end - start >= size)
		return node;
	return lowest_fit(node->right, size, align);
}

bool range_tree_take(struct range_tree *tree, size_t size, size_t align, size_t *out,
		     struct range_node **spare)
{
	struct range_node *node = lowest_fit(tree->root, size, align);
	size_t start, end, taken;

	if (!node)
		return false;
	start = node->start;
	end = node->end;
	taken = round_up(start, align);
	remove(tree, node);
	put_spare(spare, node);
	if (taken + size < end) {
		node = *spare;
		*spare = node->right;
		insert(tree, node, taken + size, end);
	}
	if (start < taken) {
		node = *spare;
		*spare = node->right;
		insert(tree, node, start, taken);
	}
	*out = taken;
	return true;
}
