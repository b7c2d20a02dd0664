/* SPDX-License-Identifier: MIT */
#include "slub_test.h"

#include "../support/fork_locks.h"

/* Of every cache, that of every node. */
static void list_locks_are_held(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=128M cpus=2 nodes=2");
	struct kmem_cache *own = kmem_cache_create("of-the-test", 104, 0, 0, NULL), *c;
	struct kernel *k = arch_kernel();
	struct fork_locks locks = {0};
	unsigned int before;

	assert_non_null(own);
	fork_expect_common(&locks, k);
	before = locks.nr;
	list_for_each_entry(c, &k->caches->list, list) {
		assert_int_equal(slub_of(c)->nr_nodes, 2);
		for (unsigned int nid = 0; nid < 2; nid++)
			fork_expect(&locks, &node_part(c, nid)->list_lock);
	}
	assert_int_equal(locks.nr - before, 2 * k->caches->nr_caches);
	fork_check(&locks, k, ARCH_FORK_RELEASE);
	fork_check(&locks, k, ARCH_FORK_CHILD);
	kmem_cache_destroy(own);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_locks_are_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
