/* SPDX-License-Identifier: MIT */
/*
 * differential [--ops N] [--run N] [--seed S] [--sabotage N] — see diff.h.
 *
 * Prints one line a machine: its words, how many operations of how many made sense, the digest. With
 * --sabotage one operation damages an object, in the Nth run's middle: the program must fail then,
 * and does so with status 3 if it found that and got down to fewer than ten operations.
 */
#include "diff.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kmem/machine.h>

#define MAX_TRIES 600

static const struct setup setups[] = {
	{ .text = "x86_64 mem=128M cmdline=slab_nomerge" },
	{ .text = "x86_64 mem=128M cpus=4 cmdline=slab_nomerge" },
	{ .text = "x86_64 mem=256M cpus=4 nodes=2 cmdline=slab_nomerge" },
	{ .text = "x86_64 mem=128M cpus=2", .merging = true },
	{ .text = "x86_64 mem=128M cpus=2 cmdline=\"slab_nomerge init_on_alloc=1\"",
	  .zero_on_alloc = true },
	{ .text = "x86_64 mem=128M cpus=2 cmdline=\"slab_nomerge init_on_free=1\"",
	  .zero_on_free = true },
	{ .text = "x86_64 mem=128M cpus=2 isolate_metadata=1", .isolated = true },
	{ .text = "x86_32 mem=128M cpus=2 cmdline=slab_nomerge" },
	{ .text = "x86_64 mem=128M cpus=2", .slab_poison = true,
	  .slab = "slab_debug", .slub = "slub_debug", .slob = "slob_debug" },
	{ .text = "x86_64 mem=256M cpus=4 nodes=2", .slab = "slab_nomerge slab_debug=FZ",
	  .slub = "slab_nomerge slub_debug=FZ", .slob = "slob_debug=F" },
	{ .text = "x86_64 mem=128M cpus=2", .slab = "slab_nomerge slab_debug=U,diff-*;P,kmalloc-*",
	  .slub = "slab_nomerge slub_debug=U,diff-*;P,kmalloc-*", .slob = "slob_debug=U,diff-*" },
	{ .text = "x86_64 mem=128M cpus=4", .slab = "slab_nomerge slab_max_order=3 noaliencache",
	  .slub = "slab_nomerge slab_freelist_random slab_freelist_hardened slub_max_order=0",
	  .slob = "slab_nomerge" },
};
#define NR_SETUPS (sizeof(setups) / sizeof(setups[0]))

struct options {
	uint64_t ops;		/* in all */
	uint32_t run;		/* of one machine */
	uint64_t seed;
	long sabotage;		/* which run; -1: none */
};

/* --- one run ---------------------------------------------------------------------------------- */

/* In a child, so that nothing it does can hurt us. Whether it came to the end. */
static bool run(const struct setup *setup, const struct op *ops, uint32_t nr, struct result *res)
{
	int status;
	pid_t pid;

	memset(res, 0, sizeof(*res));
	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		perror("fork");
		exit(2);
	}
	if (!pid)
		world_run(setup, ops, nr, res);
	if (waitpid(pid, &status, 0) != pid) {
		perror("waitpid");
		exit(2);
	}
	if (!res->finished && !*res->failure)
		snprintf(res->failure, sizeof(res->failure), "%s: ended by signal %d, status %d",
			 op_name(ops[res->at].kind), WIFSIGNALED(status) ? WTERMSIG(status) : 0,
			 WIFEXITED(status) ? WEXITSTATUS(status) : 0);
	return res->finished;
}

/* --- shrinking -------------------------------------------------------------------------------- */

static bool fails_without(const struct setup *setup, const struct op *ops, uint32_t nr,
			  uint32_t from, uint32_t len, struct op *rest, struct result *res)
{
	memcpy(rest, ops, from * sizeof(*ops));
	memcpy(rest + from, ops + from + len, (nr - from - len) * sizeof(*ops));
	return !run(setup, rest, nr - len, res);
}

/* Leave out what can be left out, ever smaller pieces. Returns how many are left. */
static uint32_t shrink(const struct setup *setup, struct op *ops, uint32_t nr, struct result *res)
{
	struct op *rest = malloc(nr * sizeof(*rest));
	uint32_t len = nr / 2, tries = 0;

	while (rest && len && tries < MAX_TRIES) {
		bool less = false;
		uint32_t at = 0;

		while (at < nr && tries++ < MAX_TRIES) {
			uint32_t n = len < nr - at ? len : nr - at;

			if (fails_without(setup, ops, nr, at, n, rest, res)) {
				nr -= n;
				memcpy(ops, rest, nr * sizeof(*ops));
				less = true;
			} else {
				at += n;
			}
		}
		if (len > 1)
			len /= 2;
		else if (!less)
			break;
	}
	free(rest);
	run(setup, ops, nr, res);
	return nr;
}

static void explain(const struct setup *setup, struct op *ops, uint32_t nr, struct result *res,
		    uint64_t seed)
{
	uint32_t i;

	printf("%s: FAILED on \"%s\" %s, seed %#" PRIx64 ", operation %u: %s\n", machine_backend(),
	       setup->text, setup->slub ? setup->slub : "", seed, res->at, res->failure);
	nr = shrink(setup, ops, res->at + 1 < nr ? res->at + 1 : nr, res);
	printf("%u operations are left: %s\n", nr, res->failure);
	for (i = 0; i < nr && i < 60; i++)
		printf("  %-12s cache=%u slot=%u size=%u arg=%#x\n", op_name(ops[i].kind),
		       ops[i].cache, ops[i].slot, ops[i].size, ops[i].arg);
}

/* --- all runs --------------------------------------------------------------------------------- */

static uint64_t parse(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 0);

	if (!*text || *end) {
		fprintf(stderr, "differential: '%s' is no number\n", text);
		exit(2);
	}
	return n;
}

static void parse_options(struct options *o, int argc, char **argv)
{
	int i;

	for (i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--ops"))
			o->ops = parse(argv[i + 1]);
		else if (!strcmp(argv[i], "--run"))
			o->run = (uint32_t)parse(argv[i + 1]);
		else if (!strcmp(argv[i], "--seed"))
			o->seed = parse(argv[i + 1]);
		else if (!strcmp(argv[i], "--sabotage"))
			o->sabotage = (long)parse(argv[i + 1]);
		else
			break;
	}
	if (i < argc || !o->run || !o->ops) {
		fprintf(stderr, "usage: differential [--ops N] [--run N] [--seed S] [--sabotage N]\n");
		exit(2);
	}
}

static void sum_up(const struct result *total, uint64_t ops)
{
	uint64_t sense = 0;
	unsigned int i;

	for (i = 0; i < NR_OP_KINDS; i++)
		sense += total->done[i];
	printf("# %s: %" PRIu64 " operations, %" PRIu64 " of them made sense:", machine_backend(), ops,
	       sense);
	for (i = 0; i < OP_SABOTAGE; i++)
		printf(" %s %" PRIu64, op_name(i), total->done[i]);
	printf("; %" PRIu64 " constructor calls, %" PRIu64 " reports asked for\n", total->ctor_calls,
	       total->reports);
}

int main(int argc, char **argv)
{
	struct options o = { .ops = 130000, .run = 13000, .seed = 1, .sabotage = -1 };
	struct result *res, total = { .digest = 0 };
	uint64_t seed, left, sum[NR_SETUPS] = { 0 };
	struct op *ops;
	unsigned int i;
	long nr_runs = 0;

	parse_options(&o, argc, argv);
	ops = malloc(o.run * sizeof(*ops));
	res = mmap(NULL, sizeof(*res), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!ops || res == MAP_FAILED) {
		fprintf(stderr, "differential: out of memory\n");
		return 2;
	}
	seed = o.seed;
	for (left = o.ops; left; nr_runs++) {
		const struct setup *setup = &setups[nr_runs % (long)NR_SETUPS];
		uint32_t nr = left < o.run ? (uint32_t)left : o.run;
		uint64_t run_seed = diff_rand(&seed);

		ops_draw(ops, nr, run_seed);
		if (nr_runs == o.sabotage)
			for (i = nr / 2; i < nr / 2 + 20 && i < nr; i++)
				ops[i].kind = OP_SABOTAGE;
		if (!run(setup, ops, nr, res) || res->digest != res->model) {
			explain(setup, ops, nr, res, run_seed);
			free(ops);
			return o.sabotage >= 0 ? 3 : 1;
		}
		sum[nr_runs % (long)NR_SETUPS] =
			sum[nr_runs % (long)NR_SETUPS] * 0x100000001b3u + res->digest;
		for (i = 0; i < NR_OP_KINDS; i++)
			total.done[i] += res->done[i];
		total.ctor_calls += res->ctor_calls;
		total.reports += res->reports;
		left -= nr;
	}
	sum_up(&total, o.ops);
	for (i = 0; i < NR_SETUPS; i++)
		printf("%016" PRIx64 " \"%s\" %s\n", sum[i], setups[i].text,
		       setups[i].slub ? setups[i].slub : "");
	free(ops);
	return 0;
}
