/* SPDX-License-Identifier: MIT */
/* src/lib/list.h: each operation against the order it must leave. */
#include "../support/sim_test.h"

#include "lib/list.h"

struct item {
	int id;
	struct list_head list;
};

static struct item items[8];

static void fill(struct list_head *head, int first, int n)
{
	list_init(head);
	for (int i = first; i < first + n; i++) {
		items[i].id = i;
		list_add_tail(&items[i].list, head);
	}
}

/* The list is @ids, forwards and backwards; -1 ends it. */
static void expect(struct list_head *head, const int *ids)
{
	struct list_head *at = head;
	struct item *item;
	int n = 0;

	list_for_each_entry(item, head, list)
		assert_int_equal(item->id, ids[n++]);
	assert_int_equal(ids[n], -1);
	while (n--) {
		at = at->prev;
		assert_int_equal(list_entry(at, struct item, list)->id, ids[n]);
	}
	assert_ptr_equal(at->prev, head);
}

#define EXPECT(head, ...) expect(head, (const int[]){__VA_ARGS__, -1})
#define EXPECT_EMPTY(head) expect(head, (const int[]){-1})

static void test_add(void **state)
{
	struct list_head head;

	fill(&head, 0, 3);
	EXPECT(&head, 0, 1, 2);
	items[3].id = 3;
	list_add(&items[3].list, &head);
	EXPECT(&head, 3, 0, 1, 2);
	assert_int_equal(list_first_entry(&head, struct item, list)->id, 3);
	assert_int_equal(list_last_entry(&head, struct item, list)->id, 2);
}

static void test_del(void **state)
{
	struct list_head head;

	fill(&head, 0, 3);
	list_del(&items[1].list);
	EXPECT(&head, 0, 2);
	list_del_init(&items[0].list);
	assert_true(list_empty(&items[0].list));
	list_del_init(&items[0].list);
	list_del(&items[2].list);
	assert_true(list_empty(&head));
}

static void test_move(void **state)
{
	struct list_head a, b;

	fill(&a, 0, 3);
	fill(&b, 3, 2);
	list_move(&items[1].list, &b);
	EXPECT(&a, 0, 2);
	EXPECT(&b, 1, 3, 4);
	list_move_tail(&items[1].list, &a);
	EXPECT(&a, 0, 2, 1);
	EXPECT(&b, 3, 4);
}

static void test_replace(void **state)
{
	struct list_head head;

	fill(&head, 0, 3);
	items[5].id = 5;
	list_replace(&items[1].list, &items[5].list);
	EXPECT(&head, 0, 5, 2);
}

static void test_rotate(void **state)
{
	struct list_head head;

	fill(&head, 0, 4);
	list_rotate_to_front(&items[2].list, &head);
	EXPECT(&head, 2, 3, 0, 1);
	list_rotate_to_front(&items[2].list, &head);
	EXPECT(&head, 2, 3, 0, 1);
}

static void test_splice(void **state)
{
	struct list_head a, b;

	fill(&a, 0, 2);
	fill(&b, 2, 2);
	list_splice_init(&b, &a);
	EXPECT(&a, 2, 3, 0, 1);
	EXPECT_EMPTY(&b);
	list_splice_init(&b, &a);
	EXPECT(&a, 2, 3, 0, 1);
	list_splice_init(&a, &b);
	EXPECT(&b, 2, 3, 0, 1);
}

static void test_safe_walk(void **state)
{
	struct item *item, *next;
	struct list_head head;

	fill(&head, 0, 6);
	list_for_each_entry_safe(item, next, &head, list) {
		if (item->id % 2)
			list_del_init(&item->list);
	}
	EXPECT(&head, 0, 2, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),	cmocka_unit_test(test_del),
		cmocka_unit_test(test_move),	cmocka_unit_test(test_replace),
		cmocka_unit_test(test_rotate),	cmocka_unit_test(test_splice),
		cmocka_unit_test(test_safe_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
