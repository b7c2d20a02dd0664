/* SPDX-License-Identifier: MIT */
#include "slob_test.h"

#include "../support/fork_locks.h"
#include "slob/slob.h"

static void the_lists_lock_is_held(void **state)
{
	struct kernel *k = arch_kernel();
	struct fork_locks locks = {0};

	fork_expect_common(&locks, k);
	fork_expect(&locks, &k->backend->lock);
	fork_check(&locks, k, ARCH_FORK_RELEASE);
	fork_check(&locks, k, ARCH_FORK_CHILD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		slob_test(the_lists_lock_is_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
