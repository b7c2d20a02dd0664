/* SPDX-License-Identifier: MIT */
/* Hardened free lists: what stands in memory says nothing, everything else is as ever, and a link
 * that was written over is found. */
#include "slub_test.h"

#define SMALL_SLABS "slub_max_order=0"
#define PLAIN ONE_CPU " cmdline=\"" SMALL_SLABS "\""
#define HARDENED ONE_CPU " cmdline=\"slab_freelist_hardened " SMALL_SLABS "\""
#define DEBUG_ALL (SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER)

/* Objects of a slab of 64-byte objects. */
#define NR 64

static uintptr_t word_of(struct kmem_cache *cache, const void *free)
{
	uintptr_t word;

	test_copy_free(&word, (const char *)free + slub_of(cache)->offset, sizeof(word));
	return word;
}

static struct kmem_cache *filled(slab_flags_t flags, void **p, unsigned int nr)
{
	struct kmem_cache *s = kmem_cache_create("hardened", 64, 0, flags, NULL);

	assert_non_null(s);
	for (unsigned int i = 0; i < nr; i++)
		assert_non_null(p[i] = kmem_cache_alloc(s, GFP_KERNEL));
	return s;
}

/* --- what stands in memory --------------------------------------------------------------------- */

static void links_are_concealed(void **state)
{
	static const slab_flags_t flags[] = {0, DEBUG_ALL};

	for (int f = 0; f < 2; f++) {
		struct machine *m = test_boot(HARDENED);
		void *p[NR], *next = NULL;
		struct kmem_cache *s = filled(flags[f], p, 20);
		const struct arch_machine *am = s->kernel->arch;

		for (int i = 0; i < 20; i++, next = p[i - 1]) {
			uintptr_t word;

			kmem_cache_free(s, p[i]);
			word = word_of(s, p[i]);
			assert_false(word == (uintptr_t)next);
			assert_false(word - (uintptr_t)am->ram < am->ram_size);
			assert_false(word - (uintptr_t)am->direct_base < am->ram_size);
			if (i)
				assert_ptr_equal(slub_next_free(slub_of(s), p[i]), next);
		}
		assert_int_equal(check_cache(s), 0);
		kmem_cache_destroy(s);
		test_shutdown(m, 0);
	}
}

/* The links of two caches' free objects. */
static void words(const char *machine, uintptr_t out[2][16])
{
	struct machine *m = test_boot(machine);
	struct kmem_cache *s[2];
	void *p[16];

	for (int c = 0; c < 2; c++) {
		s[c] = filled(SLAB_NOLEAKTRACE, p, 16);
		kmem_cache_free_bulk(s[c], 16, p);
		for (int i = 0; i < 16; i++)
			out[c][i] = word_of(s[c], p[i]);
	}
	assert_true(slub_of(s[0])->secret != slub_of(s[1])->secret);
	kmem_cache_destroy(s[0]);
	kmem_cache_destroy(s[1]);
	test_shutdown(m, 0);
}

static void the_seed_decides(void **state)
{
	uintptr_t a[2][16], b[2][16], other[2][16];

	words(HARDENED, a);
	words(HARDENED, b);
	words(HARDENED " seed=5", other);
	assert_memory_equal(a, b, sizeof(a));
	for (int i = 0; i < 16; i++)
		assert_true(a[0][i] != other[0][i]);
}

/* A live object's word may be anything, and is given back as it was. */
static void every_word_comes_back(void **state)
{
	struct machine *m = test_boot(HARDENED);
	void *p[1];
	struct kmem_cache *cache = filled(0, p, 1);
	struct slub_cache *s = slub_of(cache);
	const uintptr_t null = (uintptr_t)slub_conceal(s, p[0], NULL);
	const struct arch_machine *am = cache->kernel->arch;
	const uintptr_t away = (uintptr_t)am->ram - (uintptr_t)am->direct_base;
	uint64_t seed = 3;

	for (int i = 0; i < 1000; i++) {
		uintptr_t word = (uintptr_t)test_rand(&seed);

		if (i < 2)
			word = i ? null ^ (0 - away) : null;
		assert_ptr_equal(slub_conceal(s, p[0], slub_reveal(s, p[0], (void *)word)),
				 (void *)word);
	}
	assert_null(slub_reveal(s, p[0], (void *)null));
	assert_ptr_equal(slub_reveal(s, p[0], slub_conceal(s, p[0], p[0])), p[0]);
	kmem_cache_free(cache, p[0]);
	kmem_cache_destroy(cache);
	test_shutdown(m, 0);
}

/* --- nothing else changes ---------------------------------------------------------------------- */

static void fast_paths_are_shut(void **state)
{
	struct machine *m = test_boot(HARDENED);
	struct kmem_cache *s = kmem_cache_create("hardened", 64, 0, 0, NULL);
	size_t shut = s->kernel->backend->shut_off;

	assert_int_equal(slub_of(s)->alloc_off, shut);
	assert_int_equal(slub_of(s)->free_off, shut);
	assert_true(slub_of(s)->slow_free);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
	m = test_boot(PLAIN);
	s = kmem_cache_create("plain", 64, 0, 0, NULL);
	assert_false(slub_of(s)->hardened);
	assert_int_equal(slub_of(s)->alloc_off, slub_of(s)->cpu_off);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

#define OPS 4000
#define LIVE 300

/* One operation of a random sequence on p[0 … LIVE). Returns where the object lies in RAM. */
static uintptr_t one_op(struct kmem_cache *s, void **p, uint64_t *seed)
{
	unsigned int i = (unsigned int)(test_rand(seed) % LIVE);
	unsigned int n = (unsigned int)(test_rand(seed) % 8) + 1;

	if (i + n > LIVE)
		n = LIVE - i;
	if (p[i] && test_rand(seed) % 2) {
		while (n > 1 && !p[i + n - 1])
			n--;
		for (unsigned int j = 0; j < n; j++)
			if (!p[i + j])
				n = j;
		kmem_cache_free_bulk(s, n, p + i);
		memset(p + i, 0, n * sizeof(*p));
		return n;
	}
	if (p[i]) {
		kmem_cache_free(s, p[i]);
		p[i] = NULL;
		return 0;
	}
	p[i] = kmem_cache_alloc(s, GFP_KERNEL);
	assert_non_null(p[i]);
	return (uintptr_t)p[i] - (uintptr_t)s->kernel->arch->ram;
}

static void sequence(const char *machine, slab_flags_t flags, uintptr_t *out)
{
	struct machine *m = test_boot(machine);
	struct kmem_cache *s = kmem_cache_create("sequence", 200, 0, flags, NULL);
	void *p[LIVE] = {NULL};
	unsigned long live = 0;
	uint64_t seed = 11;

	for (int i = 0; i < OPS; i++) {
		out[i] = one_op(s, p, &seed);
		if (i % 1000 == 999)
			kmem_cache_shrink(s);
	}
	for (int i = 0; i < LIVE; i++)
		live += p[i] != NULL;
	if (!(flags & DEBUG_ALL))
		assert_int_equal(check_cache(s), live);
	assert_true(kmem_cache_validate(s) >= 0);
	for (int i = 0; i < LIVE; i++)
		kmem_cache_free(s, p[i]);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void sequences_are_the_same(void **state)
{
	static const slab_flags_t flags[] = {0, SLAB_TYPESAFE_BY_RCU, SLAB_RED_ZONE, DEBUG_ALL};
	static uintptr_t plain[OPS], hardened[OPS];

	for (int f = 0; f < 4; f++) {
		sequence(PLAIN, flags[f], plain);
		sequence(HARDENED, flags[f], hardened);
		assert_memory_equal(plain, hardened, sizeof(plain));
	}
	/* With other words beside it. */
	sequence(ONE_CPU " cmdline=\"init_on_free=1 slab_freelist_random " SMALL_SLABS "\"", 0, plain);
	sequence(ONE_CPU " cmdline=\"init_on_free=1 slab_freelist_random slab_freelist_hardened "
		 SMALL_SLABS "\"", 0, hardened);
	assert_memory_equal(plain, hardened, sizeof(plain));
}

/* --- what is found ----------------------------------------------------------------------------- */

static void a_naive_double_free(void **state)
{
	struct machine *m = test_boot(HARDENED);
	void *p[2 * NR];
	struct kmem_cache *s = filled(0, p, 2 * NR);

	/* In the CPU's slab, and in another one. */
	for (int i = 2 * NR - 1; i > 0; i -= NR) {
		kmem_cache_free(s, p[i]);
		kmem_cache_free(s, p[i]);
		expect_report(MACHINE_BUG, "double free");
		kmem_cache_free_bulk(s, 1, &p[i]);
		expect_report(MACHINE_BUG, "double free");
	}
	assert_int_equal(check_cache(s), 2 * NR - 2);
	for (int i = 0; i < 2 * NR; i++)
		if (i != NR - 1 && i != 2 * NR - 1)
			kmem_cache_free(s, p[i]);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void poke(struct kmem_cache *s, void *free)
{
	test_scribble_free((char *)free + slub_of(s)->offset, 0x41, sizeof(void *));
}

/* Destroy a cache that has lost @lost objects for good. */
static void end_lost(struct machine *m, struct kmem_cache *s, unsigned int lost)
{
	kmem_cache_destroy(s);
	assert_true(test_state.nr_reports);
	test_state.nr_reports = 0;
	test_shutdown(m, lost);
}

/* At allocation: the object whose link is bad is not handed out, nor what was behind it. */
static void a_poked_link_at_allocation(void **state)
{
	struct machine *m = test_boot(HARDENED);
	void *p[NR], *q;
	struct kmem_cache *s = filled(0, p, NR);

	for (int i = 0; i < 10; i++)
		kmem_cache_free(s, p[i]);
	poke(s, p[7]);
	assert_ptr_equal(kmem_cache_alloc(s, GFP_KERNEL), p[9]);
	assert_ptr_equal(kmem_cache_alloc(s, GFP_KERNEL), p[8]);
	expect_no_reports();
	assert_non_null(q = kmem_cache_alloc(s, GFP_KERNEL));
	expect_report(MACHINE_BUG, "Freechain corrupt");
	assert_true(slab_of(q) != slab_of(p[7]));
	/* Who lost it may still free it; the seven others are gone. */
	kmem_cache_free(s, p[7]);
	kmem_cache_free(s, q);
	for (int i = 8; i < NR; i++)
		kmem_cache_free(s, p[i]);
	assert_int_equal(check_cache(s), 7);
	end_lost(m, s, 7);
}

/* When the CPU's slab goes to its node: the object keeps its place, the rest is lost. */
static void a_poked_link_at_flush(void **state)
{
	struct machine *m = test_boot(HARDENED);
	void *p[NR];
	struct kmem_cache *s = filled(0, p, NR);

	for (int i = 0; i < 10; i++)
		kmem_cache_free(s, p[i]);
	poke(s, p[7]);
	kmem_cache_shrink(s);
	expect_report(MACHINE_BUG, "Freechain corrupt");
	assert_int_equal(check_cache(s), NR - 3);
	for (int i = 9; i >= 7; i--)
		assert_ptr_equal(kmem_cache_alloc(s, GFP_KERNEL), p[i]);
	for (int i = 7; i < NR; i++)
		kmem_cache_free(s, p[i]);
	end_lost(m, s, 7);
}

/* In a partial slab: by validation, which corrects the counters too. */
static void a_poked_link_at_validation(void **state)
{
	struct machine *m = test_boot(HARDENED);
	void *p[NR];
	struct kmem_cache *s = filled(0, p, NR);

	for (int i = 0; i < 10; i++)
		kmem_cache_free(s, p[i]);
	kmem_cache_shrink(s);
	expect_no_reports();
	poke(s, p[7]);
	kmem_cache_validate(s);
	assert_int_equal(test_state.nr_reports, 2);
	assert_non_null(strstr(test_state.reports[0].text, "Freechain corrupt"));
	assert_non_null(strstr(test_state.reports[1].text, "Wrong object count"));
	test_state.nr_reports = 0;
	kmem_cache_validate(s);
	expect_no_reports();
	for (int i = 10; i < NR; i++)
		kmem_cache_free(s, p[i]);
	end_lost(m, s, 7);
}

/* A debug cache finds it as ever. */
static void a_poked_link_of_a_debug_cache(void **state)
{
	struct machine *m = test_boot(HARDENED);
	void *p[8];
	struct kmem_cache *s = filled(DEBUG_ALL, p, 8);
	unsigned int lost = slub_of(s)->oo.objects - 7;

	kmem_cache_free(s, p[0]);
	kmem_cache_free(s, p[1]);
	poke(s, p[1]);
	kmem_cache_free(s, p[2]);
	assert_true(test_state.nr_reports >= 1);
	assert_non_null(strstr(test_state.reports[0].text, "Freechain corrupt"));
	test_state.nr_reports = 0;
	for (int i = 3; i < 8; i++)
		kmem_cache_free(s, p[i]);
	end_lost(m, s, lost);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_are_concealed),
		cmocka_unit_test(the_seed_decides),
		cmocka_unit_test(every_word_comes_back),
		cmocka_unit_test(fast_paths_are_shut),
		cmocka_unit_test(sequences_are_the_same),
		cmocka_unit_test(a_naive_double_free),
		cmocka_unit_test(a_poked_link_at_allocation),
		cmocka_unit_test(a_poked_link_at_flush),
		cmocka_unit_test(a_poked_link_at_validation),
		cmocka_unit_test(a_poked_link_of_a_debug_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
