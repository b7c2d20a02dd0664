/* SPDX-License-Identifier: MIT */
/* src/lib/range_tree.c against a byte map of the same numbers. */
#include "../support/sim_test.h"

#include "lib/rand.h"
#include "lib/range_tree.h"

#define SPACE 4096
#define NODES 4096

struct fixture {
	struct range_tree tree;
	struct range_node *spare;
	struct range_node nodes[NODES];
	unsigned char free[SPACE];	/* the model */
};

static struct fixture *new_fixture(void)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	for (int i = 0; i < NODES; i++) {
		f->nodes[i].right = f->spare;
		f->spare = &f->nodes[i];
	}
	return f;
}

static void add(struct fixture *f, size_t start, size_t end)
{
	struct range_node *node = f->spare;

	f->spare = node->right;
	range_tree_add(&f->tree, node, start, end, &f->spare);
	memset(f->free + start, 1, end - start);
}

static size_t count_nodes(const struct range_node *node)
{
	size_t longest = 0;

	if (!node)
		return 0;
	longest = node->end - node->start;
	if (node->left) {
		assert_true(node->left->start < node->start);
		assert_true(node->left->priority <= node->priority);
		longest = node->left->longest > longest ? node->left->longest : longest;
	}
	if (node->right) {
		assert_true(node->right->start > node->start);
		assert_true(node->right->priority <= node->priority);
		longest = node->right->longest > longest ? node->right->longest : longest;
	}
	assert_int_equal(node->longest, longest);
	return 1 + count_nodes(node->left) + count_nodes(node->right);
}

static void check_runs(const struct fixture *f, const struct range_node *node)
{
	if (!node)
		return;
	assert_true(!node->start || !f->free[node->start - 1]);
	assert_true(node->end == SPACE || !f->free[node->end]);
	for (size_t i = node->start; i < node->end; i++)
		assert_int_equal(f->free[i], 1);
	check_runs(f, node->left);
	check_runs(f, node->right);
}

/* Every run of the model is one node of the tree, and nothing else is. */
static void check(const struct fixture *f)
{
	size_t runs = 0, spare = 0;

	for (size_t i = 0; i < SPACE; i++)
		runs += f->free[i] && (!i || !f->free[i - 1]);
	assert_int_equal(count_nodes(f->tree.root), runs);
	check_runs(f, f->tree.root);
	for (const struct range_node *node = f->spare; node; node = node->right)
		spare++;
	assert_int_equal(spare + runs, NODES);
}

static bool model_fit(const struct fixture *f, size_t size, size_t align, size_t *start)
{
	for (size_t i = 0; i + size <= SPACE; i += align) {
		size_t n = 0;

		while (n < size && f->free[i + n])
			n++;
		if (n == size) {
			*start = i;
			return true;
		}
	}
	return false;
}

static void take(struct fixture *f, size_t size, size_t align)
{
	size_t expected = 0, got = 0;
	bool fits = model_fit(f, size, align, &expected);

	assert_int_equal(range_tree_take(&f->tree, size, align, &got, &f->spare), fits);
	if (!fits)
		return;
	assert_int_equal(got, expected);
	memset(f->free + got, 0, size);
}

static void test_empty(void **state)
{
	struct fixture *f = new_fixture();
	size_t at;

	assert_false(range_tree_take(&f->tree, 1, 1, &at, &f->spare));
	check(f);
	free(f);
}

static void test_neighbours_join(void **state)
{
	struct fixture *f = new_fixture();

	add(f, 10, 20);
	add(f, 30, 40);
	check(f);
	add(f, 20, 30);
	check(f);
	assert_int_equal(f->tree.root->start, 10);
	assert_int_equal(f->tree.root->end, 40);
	free(f);
}

static void test_alignment_cuts_both_ends(void **state)
{
	struct fixture *f = new_fixture();
	size_t at;

	add(f, 5, 100);
	assert_true(range_tree_take(&f->tree, 16, 64, &at, &f->spare));
	assert_int_equal(at, 64);
	memset(f->free + 64, 0, 16);
	check(f);
	free(f);
}

static void test_random(void **state)
{
	struct fixture *f = new_fixture();
	uint64_t seed = 3;

	for (int i = 0; i < 20000; i++) {
		size_t size = 1 + rand_next(&seed) % 60;
		size_t start = rand_next(&seed) % (SPACE - size);

		if (rand_next(&seed) % 2) {
			take(f, size, (size_t)1 << rand_next(&seed) % 7);
		} else {
			size_t n = 0;

			while (n < size && !f->free[start + n])
				n++;
			if (n)
				add(f, start, start + n);
		}
		if (i % 16 == 0)
			check(f);
	}
	check(f);
	free(f);
}

static int depth(const struct range_node *node)
{
	int left, right;

	if (!node)
		return 0;
	left = depth(node->left);
	right = depth(node->right);
	return 1 + (left > right ? left : right);
}

/* Ranges in ascending order, the worst case of a plain tree. */
static void test_stays_shallow(void **state)
{
	struct fixture *f = new_fixture();

	for (size_t i = 0; i + 1 < SPACE; i += 2)
		add(f, i, i + 1);
	check(f);
	assert_true(depth(f->tree.root) < 40);
	free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_neighbours_join),
		cmocka_unit_test(test_alignment_cuts_both_ends),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_stays_shallow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
