/* SPDX-License-Identifier: MIT */
#include "slub_test.h"

#include "../support/fork_locks.h"

/* That of every node. */
static void expect_cache(struct fork_locks *l, struct kmem_cache *s)
{
	assert_int_equal(slub_of(s)->nr_nodes, 2);
	for (unsigned int nid = 0; nid < 2; nid++)
		fork_expect(l, &node_part(s, nid)->list_lock);
}

static void list_locks_are_held(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=128M cpus=2 nodes=2");

	fork_check_caches(expect_cache, 2);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_locks_are_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
