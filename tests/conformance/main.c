/* SPDX-License-Identifier: MIT */
/* Runs every group, or those named on the command line, or all but those named with a minus. */
#include "conformance.h"

static const struct test_group *const groups[] = {
	&trace_group, &claims_group, &memcg_group, &accounting_group, &failslab_group,
	&mmu_group, &create_group, &alloc_group, &kmalloc_group, &bulk_group, &exhaust_group, &misuse_group,
	&leak_group, &inspect_group, &random_group, &cpu_group, &pages_group, &page_misuse_group,
	&arena_group, &gfp_group, &reclaim_group, &buddy_claims_group,
	&context_group, &rcu_group, &mempool_group, &vmalloc_group,
	&merge_group, &init_group, &helpers_group, &kvmalloc_group, &usercopy_group, &every_group, &no_machine_group, &machine_group, &memblock_group, &trim_group, &zone_claims_group,
	&mapping_group, &fork_group,
};

/* A test that failed leaves its machines behind: the next one must not find them. */
static int leave_no_machine(void **state)
{
	struct machine *m;

	while ((m = machine_current()))
		machine_shutdown(m);
	return 0;
}

static int run_group(const struct test_group *g)
{
	struct CMUnitTest *tests = malloc(g->nr * sizeof(*tests));
	int failed;
	size_t i;

	if (!tests)
		return 1;
	for (i = 0; i < g->nr; i++) {
		tests[i] = g->tests[i];
		tests[i].teardown_func = leave_no_machine;
	}
	failed = _cmocka_run_group_tests(g->name, tests, g->nr, NULL, NULL);
	free(tests);
	return failed;
}

static bool wanted(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i] + (argv[i][0] == '-'), name))
			return argv[i][0] != '-';
	return argc < 2 || argv[1][0] == '-';
}

int main(int argc, char **argv)
{
	int failed = 0;
	size_t i;

	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (wanted(groups[i]->name, argc, argv))
			failed += run_group(groups[i]) != 0;
	return failed != 0;
}
