/* SPDX-License-Identifier: MIT */
/* How many objects a shrinker is asked for, what is put off, and who may call what. */
#include <errno.h>

#include "buddy_test.h"

#include "buddy/reclaim.h"

#define MAX_CALLS 4096

/* A shrinker that has `count` objects and frees what it is asked for, unless told otherwise. */
struct fake {
	struct shrinker shrinker;
	unsigned long count;
	unsigned long answer;		/* of scan: 0: as many as asked for */
	long scanned;			/* what scan says in nr_scanned; -1: leave it */
	unsigned int nr_counts, nr_scans;
	unsigned long asked;		/* sum of nr_to_scan */
	unsigned long largest;
	gfp_t gfp;
	int nid;
};

static struct fake *fake_of(struct shrinker *s)
{
	return (struct fake *)(void *)s;
}

static unsigned long fake_count(struct shrinker *s, struct shrink_control *sc)
{
	struct fake *f = fake_of(s);

	assert_null(sc->memcg);
	f->nr_counts++;
	f->gfp = sc->gfp_mask;
	f->nid = sc->nid;
	return f->count;
}

static unsigned long fake_scan(struct shrinker *s, struct shrink_control *sc)
{
	struct fake *f = fake_of(s);

	assert_true(f->nr_scans++ < MAX_CALLS);
	assert_int_equal(sc->nr_to_scan, sc->nr_scanned);
	f->asked += sc->nr_to_scan;
	if (sc->nr_to_scan > f->largest)
		f->largest = sc->nr_to_scan;
	if (f->scanned >= 0)
		sc->nr_scanned = (unsigned long)f->scanned;
	return f->answer ? f->answer : sc->nr_to_scan;
}

static void fake_init(struct fake *f, unsigned long count, int seeks)
{
	memset(f, 0, sizeof(*f));
	f->shrinker.count_objects = fake_count;
	f->shrinker.scan_objects = fake_scan;
	f->shrinker.seeks = seeks;
	f->count = count;
	f->scanned = -1;
}

/* One pass over the shrinkers; what @f was asked for in it. */
static unsigned long pass_of(struct fake *f, int nid, int priority)
{
	unsigned long before = f->asked;
	unsigned int flags = reclaim_begin();

	shrink_slab(arch_kernel(), GFP_KERNEL, nid, priority);
	reclaim_end(flags);
	return f->asked - before;
}

static void test_how_many(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M");
	struct fake f;

	(void)state;
	fake_init(&f, 4096, DEFAULT_SEEKS);
	assert_int_equal(register_shrinker(&f.shrinker, "fake-%d", 1), 0);
	/* (4096 >> 0) × 4 / 2 is twice of what there is: 64 batches of 128. */
	assert_int_equal(pass_of(&f, 0, 0), 8192);
	assert_int_equal(f.largest, 128);
	assert_int_equal(f.nr_scans, 64);
	assert_int_equal(pass_of(&f, 0, 1), 4096);
	assert_int_equal(pass_of(&f, 0, 4), 512);
	/* Dearer objects are asked for less. */
	f.shrinker.seeks = 8;
	assert_int_equal(pass_of(&f, 0, 4), 128);
	/* Those that cost nothing: half of them at any urgency. */
	f.shrinker.seeks = 0;
	assert_int_equal(pass_of(&f, 0, 12), 2048);
	f.shrinker.batch = 1000;
	assert_int_equal(pass_of(&f, 0, 12), 2000);
	assert_int_equal(f.gfp, GFP_KERNEL);
	unregister_shrinker(&f.shrinker);
	assert_int_equal(pass_of(&f, 0, 0), 0);
	test_shutdown(m, 0);
}

/* Less than a batch waits until it is one; a small cache is asked as a whole. */
static void test_what_is_put_off(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M");
	struct fake f;

	(void)state;
	fake_init(&f, 4096, DEFAULT_SEEKS);
	assert_int_equal(register_shrinker(&f.shrinker, "fake"), 0);
	/* 32 wanted in each of three passes, none of them a batch. Of the 96 only 3 count at priority 5:
	 * 259 in all are two batches. */
	for (int i = 0; i < 3; i++)
		assert_int_equal(pass_of(&f, 0, 8), 0);
	assert_int_equal(f.nr_counts, 3);
	assert_int_equal(pass_of(&f, 0, 5), 256);
	/* 96 + 256 − 256 are put off still; of these 96 >> 3 and 1024 wanted: eight batches. */
	assert_int_equal(pass_of(&f, 0, 3), 1024);
	unregister_shrinker(&f.shrinker);

	fake_init(&f, 10, DEFAULT_SEEKS);
	assert_int_equal(register_shrinker(&f.shrinker, "small"), 0);
	assert_int_equal(pass_of(&f, 0, 2), 0);
	assert_int_equal(pass_of(&f, 0, 0), 20);
	unregister_shrinker(&f.shrinker);
	test_shutdown(m, 0);
}

static void test_stop_and_empty(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M");
	struct fake f;

	(void)state;
	fake_init(&f, 4096, DEFAULT_SEEKS);
	assert_int_equal(register_shrinker(&f.shrinker, "fake"), 0);
	f.answer = SHRINK_STOP;
	assert_int_equal(pass_of(&f, 0, 3), 128);
	assert_int_equal(f.nr_scans, 1);
	/* What it did not do is asked for later: 1024 put off and 1024 wanted. */
	f.answer = 0;
	assert_int_equal(pass_of(&f, 0, 0), 8192);
	f.nr_scans = 0;
	f.count = SHRINK_EMPTY;
	assert_int_equal(pass_of(&f, 0, 0), 0);
	f.count = 0;
	assert_int_equal(pass_of(&f, 0, 0), 0);
	assert_int_equal(f.nr_scans, 0);
	/* One that says that it looked at nothing is not asked for ever, nor one that says too much. */
	f.count = 4096;
	f.scanned = 0;
	pass_of(&f, 0, 0);
	assert_int_equal(f.nr_scans, 1);
	f.scanned = 1000000;
	pass_of(&f, 0, 0);
	assert_int_equal(f.nr_scans, 2);
	f.scanned = -1;
	f.count = SHRINK_EMPTY - 1;
	f.answer = SHRINK_STOP;
	pass_of(&f, 0, 0);
	assert_int_equal(f.nr_scans, 3);
	unregister_shrinker(&f.shrinker);
	test_shutdown(m, 0);
}

static void test_by_node(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=128M nodes=2 cpus=2");
	struct fake f;

	(void)state;
	fake_init(&f, 4096, DEFAULT_SEEKS);
	f.shrinker.flags = SHRINKER_NUMA_AWARE;
	assert_int_equal(register_shrinker(&f.shrinker, "numa"), 0);
	f.answer = SHRINK_STOP;
	pass_of(&f, 1, 0);
	assert_int_equal(f.nid, 1);
	f.answer = 0;
	/* What node 1 put off is not asked of node 0. */
	assert_int_equal(pass_of(&f, 0, 8), 0);
	assert_int_equal(f.nid, 0);
	assert_int_equal(pass_of(&f, 1, 4), 1024);
	unregister_shrinker(&f.shrinker);
	test_shutdown(m, 0);
}

static unsigned long meddle(struct shrinker *s, struct shrink_control *sc)
{
	struct fake *f = fake_of(s);
	static struct fake other;

	(void)sc;
	if (f->nr_scans++)
		return SHRINK_STOP;
	fake_init(&other, 1, 1);
	assert_int_equal(register_shrinker(&other.shrinker, "other"), -EDEADLK);
	unregister_shrinker(s);
	synchronize_shrinkers();
	assert_int_equal(machine_kswapd(0), -EDEADLK);
	assert_int_equal(drop_slab(), 0);
	assert_int_equal(sysctl_write("vm.drop_caches", "2"), -EDEADLK);
	return SHRINK_STOP;
}

static void test_misuse(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M");
	struct fake f;

	(void)state;
	fake_init(&f, 100, DEFAULT_SEEKS);
	f.shrinker.scan_objects = NULL;
	assert_int_equal(register_shrinker(&f.shrinker, "half"), -EINVAL);
	expect_report(MACHINE_BUG, "no count_objects or scan_objects");
	f.shrinker.scan_objects = meddle;
	unregister_shrinker(&f.shrinker);
	assert_int_equal(register_shrinker(&f.shrinker, "meddler"), 0);
	assert_int_equal(register_shrinker(&f.shrinker, "again"), -EINVAL);
	expect_report(MACHINE_BUG, "meddler is registered already");
	drop_slab();
	expect_reports(6, MACHINE_BUG, "called from a shrinker");
	unregister_shrinker(&f.shrinker);
	expect_no_reports();
	/* One that nobody unregisters is a leak. */
	assert_int_equal(register_shrinker(&f.shrinker, "forgotten-%s", "cache"), 0);
	assert_int_equal(machine_shutdown(m), 1);
	expect_report(MACHINE_WARN, "shrinker forgotten-cache was never unregistered");
}

static void test_drop_slab(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M");
	struct fake f;

	(void)state;
	fake_init(&f, 1000, DEFAULT_SEEKS);
	assert_int_equal(register_shrinker(&f.shrinker, "fake"), 0);
	f.answer = SHRINK_STOP;
	assert_int_equal(drop_slab(), 0);
	f.answer = 1;
	/* Fifteen full batches a turn, one object each; then a turn that frees no more than two to the
	 * power of its number ends it. */
	assert_true(drop_slab() >= 15);
	assert_int_equal(sysctl_write("vm.drop_caches", "2"), 0);
	assert_non_null(strstr(test_state.last_log, "drop_caches: 2"));
	unregister_shrinker(&f.shrinker);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_how_many),
		cmocka_unit_test(test_what_is_put_off),
		cmocka_unit_test(test_stop_and_empty),
		cmocka_unit_test(test_by_node),
		cmocka_unit_test(test_misuse),
		cmocka_unit_test(test_drop_slab),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
