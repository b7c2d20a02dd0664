/* SPDX-License-Identifier: MIT */
/* src/lib/rbtree.c: order, balance and augmentation after every step of random runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/list.h"
#include "lib/rand.h"
#include "lib/rbtree.h"

#define KEYS 200

struct item {
	struct rb_node node;
	unsigned int key;
	unsigned int weight;
	unsigned int heaviest;	/* of the subtree */
};

struct tree {
	struct rb_root root;
	struct item items[KEYS];	/* items[k].key == k while present[k] */
	bool present[KEYS];
	unsigned int count;
	rb_update_fn *update;
};

static struct item *item_of(struct rb_node *node)
{
	return container_of(node, struct item, node);
}

static unsigned int heaviest_below(struct rb_node *node)
{
	return node ? item_of(node)->heaviest : 0;
}

static unsigned int expected_heaviest(struct item *item)
{
	unsigned int left = heaviest_below(item->node.left);
	unsigned int right = heaviest_below(item->node.right);
	unsigned int most = left > right ? left : right;

	return item->weight > most ? item->weight : most;
}

static void update_heaviest(struct rb_node *node)
{
	item_of(node)->heaviest = expected_heaviest(item_of(node));
}

static void add(struct tree *t, unsigned int key, unsigned int weight)
{
	struct rb_node **link = &t->root.node, *parent = NULL;
	struct item *item = &t->items[key];

	item->key = key;
	item->weight = weight;
	item->heaviest = 0;
	while (*link) {
		parent = *link;
		link = key < item_of(parent)->key ? &parent->left : &parent->right;
	}
	rb_insert(&t->root, &item->node, parent, link, t->update);
	t->present[key] = true;
	t->count++;
}

static void del(struct tree *t, unsigned int key)
{
	rb_erase(&t->root, &t->items[key].node, t->update);
	t->present[key] = false;
	t->count--;
}

static bool black(const struct rb_node *node)
{
	return !node || (node->parent_color & 1);
}

/* Returns the number of black nodes on every path down from @node. */
static unsigned int check_below(struct tree *t, struct rb_node *node)
{
	unsigned int left, right;

	if (!node)
		return 1;
	if (!black(node)) {
		assert_true(black(node->left));
		assert_true(black(node->right));
	}
	if (node->left)
		assert_ptr_equal(rb_parent(node->left), node);
	if (node->right)
		assert_ptr_equal(rb_parent(node->right), node);
	left = check_below(t, node->left);
	right = check_below(t, node->right);
	assert_int_equal(left, right);
	if (t->update)
		assert_int_equal(item_of(node)->heaviest, expected_heaviest(item_of(node)));
	return left + black(node);
}

static void check(struct tree *t)
{
	struct rb_node *node = rb_first(&t->root), *last = NULL;
	unsigned int seen = 0;

	if (t->root.node)
		assert_null(rb_parent(t->root.node));
	assert_true(black(t->root.node));
	check_below(t, t->root.node);
	for (unsigned int key = 0; key < KEYS; key++) {
		if (!t->present[key])
			continue;
		assert_non_null(node);
		assert_int_equal(item_of(node)->key, key);
		assert_ptr_equal(rb_prev(node), last);
		last = node;
		node = rb_next(node);
		seen++;
	}
	assert_null(node);
	assert_int_equal(seen, t->count);
}

static void run_random(struct tree *t, uint64_t seed, unsigned int steps)
{
	for (unsigned int i = 0; i < steps; i++) {
		unsigned int key = (unsigned int)(rand_next(&seed) % KEYS);

		if (!t->present[key])
			add(t, key, (unsigned int)(rand_next(&seed) % 1000));
		else
			del(t, key);
		check(t);
	}
}

static void test_random(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	run_random(t, 1, 5000);
	free(t);
}

static void test_augmented(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	t->update = update_heaviest;
	run_random(t, 2, 5000);
	free(t);
}

/* Every order of growing and shrinking that is likely to have a case of its own. */
static void test_orders(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	t->update = update_heaviest;
	for (unsigned int order = 0; order < 4; order++) {
		for (unsigned int i = 0; i < KEYS; i++) {
			unsigned int key = order & 1 ? KEYS - 1 - i : i;

			add(t, key, key * 7 % 31);
			check(t);
		}
		for (unsigned int i = 0; i < KEYS; i++) {
			del(t, order & 2 ? KEYS - 1 - i : i);
			check(t);
		}
		assert_null(rb_first(&t->root));
	}
	free(t);
}

static void test_propagate(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	t->update = update_heaviest;
	for (unsigned int key = 0; key < KEYS; key++)
		add(t, key, key);
	t->items[3].weight = 5000;
	rb_propagate(&t->items[3].node, t->update);
	check(t);
	assert_int_equal(item_of(t->root.node)->heaviest, 5000);
	t->items[3].weight = 0;
	rb_propagate(&t->items[3].node, t->update);
	check(t);
	assert_int_equal(item_of(t->root.node)->heaviest, KEYS - 1);
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_augmented),
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_propagate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
