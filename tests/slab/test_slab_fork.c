/* SPDX-License-Identifier: MIT */
#include "slab_test.h"

#include "../support/fork_locks.h"

/* Of every cache: that of every node, and those of its alien arrays. */
static void list_locks_and_aliens_are_held(void **state)
{
	struct kmem_cache *own = kmem_cache_create("of-the-test", 104, 0, 0, NULL), *c;
	struct kernel *k = arch_kernel();
	struct fork_locks locks = {0};
	unsigned int before;

	assert_non_null(own);
	fork_expect_common(&locks, k);
	before = locks.nr;
	list_for_each_entry(c, &k->caches->list, list) {
		for (unsigned int nid = 0; nid < 2; nid++) {
			const struct slab_node *n = to_slab_cache(c)->node[nid];

			fork_expect(&locks, &n->list_lock);
			fork_expect(&locks, &n->alien[!nid]->lock);
		}
	}
	assert_int_equal(locks.nr - before, 4 * k->caches->nr_caches);
	fork_check(&locks, k, ARCH_FORK_RELEASE);
	fork_check(&locks, k, ARCH_FORK_CHILD);
	kmem_cache_destroy(own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(list_locks_and_aliens_are_held, boot_two_nodes, shutdown_clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
