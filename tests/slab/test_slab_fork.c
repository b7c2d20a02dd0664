/* SPDX-License-Identifier: MIT */
#include "slab_test.h"

#include "../support/fork_locks.h"

/* That of every node, and those of its alien arrays. */
static void expect_cache(struct fork_locks *l, struct kmem_cache *s)
{
	for (unsigned int nid = 0; nid < 2; nid++) {
		const struct slab_node *n = to_slab_cache(s)->node[nid];

		fork_expect(l, &n->list_lock);
		fork_expect(l, &n->alien[!nid]->lock);
	}
}

static void list_locks_and_aliens_are_held(void **state)
{
	fork_check_caches(expect_cache, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(list_locks_and_aliens_are_held, boot_two_nodes, shutdown_clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
