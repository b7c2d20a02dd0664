/* SPDX-License-Identifier: MIT */
/* Allocations made to fail on purpose: which, when, how often; and who lives through it. */
#include "conformance.h"

#include <errno.h>
#include <kmem/mempool.h>
#include <kmem/proc.h>
#include <stdio.h>

#define OPTIONS(words) "preset=x86_64 mem=64M cpus=1 cmdline=\"slab_nomerge " words "\""

static bool no_faults(void)
{
	struct machine *m;

	if (!backend_is("slob"))
		return false;
	m = test_boot(PLAIN);
	assert_int_equal(proc_write("failslab/times", "1", 1), -ENOENT);
	assert_int_equal(proc_read("failslab/times", NULL, 0), -ENOENT);
	test_shutdown(m, 0);
	return true;
}

static void set(const char *file, const char *value)
{
	assert_int_equal(proc_write(file, value, strlen(value)), strlen(value));
}

static void expect_file(const char *file, const char *text)
{
	char buf[32];

	assert_int_equal(proc_read(file, buf, sizeof(buf)), strlen(text));
	assert_string_equal(buf, text);
}

/* A bit for each of 40 allocations, the first one highest: it failed. */
static uint64_t failures(struct kmem_cache *s, gfp_t gfp)
{
	uint64_t bits = 0;

	for (int i = 0; i < 40; i++) {
		void *p = kmem_cache_alloc(s, gfp);

		bits = bits << 1 | !p;
		kmem_cache_free(s, p);
	}
	return bits;
}

static void every_so_many_th(void **state)
{
	struct machine *m;
	struct kmem_cache *s;
	void *p;

	if (no_faults())
		return;
	m = test_boot(OPTIONS("failslab=3,100,0,5"));
	expect_file("failslab/interval", "3\n");
	expect_file("failslab/probability", "100\n");
	expect_file("failslab/ignore-gfp-wait", "Y\n");
	expect_file("failslab/cache-filter", "N\n");
	s = kmem_cache_create("failing", 100, 0, 0, NULL);
	/* Who may sleep is spared, and whoever must not fail. */
	assert_int_equal(failures(s, GFP_KERNEL), 0);
	assert_int_equal(failures(s, GFP_ATOMIC | __GFP_NOFAIL), 0);
	expect_file("failslab/times", "5\n");
	assert_int_equal(failures(s, GFP_ATOMIC), 0x2492000000);
	expect_file("failslab/times", "0\n");
	assert_int_equal(failures(s, GFP_ATOMIC), 0);
	/* kmalloc() too, and large blocks never. */
	set("failslab/interval", "1");
	set("failslab/times", "-1\n");
	assert_null(kmalloc(100, GFP_ATOMIC));
	assert_non_null(p = kmalloc(100000, GFP_ATOMIC));
	kfree(p);
	assert_int_equal(kmem_cache_alloc_bulk(s, GFP_ATOMIC, 1, &p), 0);
	set("failslab/probability", "0");
	assert_int_equal(failures(s, GFP_ATOMIC), 0);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void space_comes_first(void **state)
{
	struct machine *m;
	struct kmem_cache *s;

	if (no_faults())
		return;
	m = test_boot(OPTIONS("failslab=1,100,1000,-1"));
	s = kmem_cache_create("failing", 100, 0, 0, NULL);
	assert_int_equal(failures(s, GFP_ATOMIC), (1ull << 31) - 1);
	expect_file("failslab/space", "100\n");
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static uint64_t half(const char *machine)
{
	struct machine *m = test_boot(machine);
	struct kmem_cache *s = kmem_cache_create("failing", 100, 0, 0, NULL);
	uint64_t bits = failures(s, GFP_ATOMIC);

	kmem_cache_destroy(s);
	test_shutdown(m, 0);
	return bits;
}

static void the_seed_decides(void **state)
{
	uint64_t a;
	int n;

	if (no_faults())
		return;
	a = half(OPTIONS("failslab=1,50,0,-1"));
	n = __builtin_popcountll(a);
	assert_true(n > 8 && n < 32);
	assert_true(half(OPTIONS("failslab=1,50,0,-1")) == a);
	assert_true(half(OPTIONS("failslab=1,50,0,-1") " seed=9") != a);
}

/* Marked by the flag, or by the letter A of the backend's word. */
static void marked_caches_only(void **state)
{
	struct kmem_cache *flag, *letter, *plain;
	struct machine *m;

	if (no_faults())
		return;
	m = test_boot(backend_is("slub") ? OPTIONS("slub_debug=A,letter failslab=1,100,0,-1") :
					   OPTIONS("slab_debug=A,letter failslab=1,100,0,-1"));
	set("failslab/cache-filter", "Y");
	flag = kmem_cache_create("flag", 100, 0, SLAB_FAILSLAB, NULL);
	letter = kmem_cache_create("letter", 100, 0, 0, NULL);
	plain = kmem_cache_create("plain", 100, 0, 0, NULL);
	assert_int_equal(failures(flag, GFP_ATOMIC), (1ull << 40) - 1);
	assert_int_equal(failures(letter, GFP_ATOMIC), (1ull << 40) - 1);
	assert_int_equal(failures(plain, GFP_ATOMIC), 0);
	set("failslab/ignore-gfp-wait", "N");
	assert_int_equal(failures(flag, GFP_KERNEL), (1ull << 40) - 1);
	assert_int_equal(failures(plain, GFP_KERNEL), 0);
	kmem_cache_destroy(flag);
	kmem_cache_destroy(letter);
	kmem_cache_destroy(plain);
	test_shutdown(m, 0);
}

/* Reserves take over, contents survive. */
static void who_lives_through_it(void **state)
{
	struct kmem_cache *s;
	struct machine *m;
	mempool_t *pool;
	void *p[4];
	char *q;

	if (no_faults())
		return;
	m = test_boot(OPTIONS(""));
	s = kmem_cache_create("pooled", 100, 0, 0, NULL);
	pool = mempool_create_slab_pool(3, s);
	q = kmalloc(40, GFP_KERNEL);
	memset(q, 7, 40);
	set("failslab/times", "-1");
	set("failslab/probability", "100");
	for (int i = 0; i < 3; i++)
		assert_non_null(p[i] = mempool_alloc(pool, GFP_ATOMIC));
	assert_null(mempool_alloc(pool, GFP_ATOMIC));
	assert_null(krealloc(q, 400, GFP_ATOMIC));
	for (int i = 0; i < 40; i++)
		assert_int_equal(q[i], 7);
	set("failslab/probability", "0");
	for (int i = 0; i < 3; i++)
		mempool_free(p[i], pool);
	mempool_destroy(pool);
	kmem_cache_destroy(s);
	kfree(q);
	test_shutdown(m, 0);
}

static void refused(void **state)
{
	static const char *const bad[] = {"failslab=1,100,0", "failslab=1,101,0,1",
					  "failslab=1,1,-1,1", "failslab=1,1,1,-2",
					  "failslab=1,1,1,1,", "failslab", "slob_debug=X"};
	static const struct {
		const char *file, *value;
		int error;
	} rows[] = {
		{"failslab/times", "-2", -EINVAL},     {"failslab/times", "", -EINVAL},
		{"failslab/probability", "101", -EINVAL}, {"failslab/space", "1x", -EINVAL},
		{"failslab/cache-filter", "maybe", -EINVAL}, {"failslab/none", "1", -ENOENT},
		{"failslab/interval", "99999999999", -EINVAL},
		{"failslab/interval", "2147483648", -EINVAL}, {"failslab/times", "-2147483648", -EINVAL},
	};
	struct machine *m;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_bad_cmdline(bad[i], backend_is("slob") && bad[i][0] == 'f' ? -EOPNOTSUPP : -EINVAL);
	if (no_faults())
		return;
	m = test_boot(PLAIN);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(proc_write(rows[i].file, rows[i].value, strlen(rows[i].value)),
				 rows[i].error);
	set("failslab/interval", "2147483647");
	expect_file("failslab/interval", "2147483647\n");
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_so_many_th),
	cmocka_unit_test(space_comes_first),
	cmocka_unit_test(the_seed_decides),
	cmocka_unit_test(marked_caches_only),
	cmocka_unit_test(who_lives_through_it),
	cmocka_unit_test(refused),
};
TEST_GROUP(failslab, tests);
