/* SPDX-License-Identifier: MIT */
/*
 * Seeded random operations against a plain model: what is live, what each object holds, on which
 * node it must lie, whether its constructor ran. All invariants are looked at every few hundred
 * operations.
 */
#include "slub_test.h"

#define NR_CACHES 6
#define MAX_LIVE 1500
#define STEPS 20000

#define CTOR_BYTE 0xc7

struct object {
	void *p;
	uint64_t seed;
};

struct model {
	struct kmem_cache *s;
	unsigned int size;
	bool ctor;
	struct object live[MAX_LIVE];
	unsigned int nr;
};

struct world {
	struct machine *m;
	struct model caches[NR_CACHES];
	uint64_t rand;
	uint64_t next_seed;
	unsigned int cpus, nodes;
};

static const struct {
	unsigned int size, align;
	slab_flags_t flags;
	bool ctor;
} kinds[NR_CACHES] = {
	{8, 0, 0, false},
	{100, 0, SLAB_HWCACHE_ALIGN, false},
	{520, 0, 0, true},
	{3000, 0, SLAB_RECLAIM_ACCOUNT, false},
	{256, 0, SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER, false},
	{700, 64, SLAB_TYPESAFE_BY_RCU, true},
};

static void ctor_520(void *object)
{
	memset(object, CTOR_BYTE, 520);
}

static void ctor_700(void *object)
{
	memset(object, CTOR_BYTE, 700);
}

static unsigned int pick(struct world *w, unsigned int n)
{
	return (unsigned int)(test_rand(&w->rand) % n);
}

/* A new object as it must be: in no other's place, aligned, constructed or zeroed. Filled then; a
 * constructed one stays as it is. */
static void adopt(struct world *w, struct model *c, void *p, bool zeroed)
{
	const unsigned char *b = p;
	struct object *o;

	assert_non_null(p);
	assert_int_equal((uintptr_t)p % c->s->align, 0);
	assert_ptr_equal(kmem_cache_of(p), c->s);
	assert_true(c->nr < MAX_LIVE);
	for (unsigned int i = 0; i < c->size && (zeroed || c->ctor); i++)
		assert_int_equal(b[i], c->ctor ? CTOR_BYTE : 0);
	o = &c->live[c->nr++];
	o->p = p;
	o->seed = w->next_seed++;
	if (!c->ctor)
		test_fill(p, c->size, o->seed);
}

/* Take object @i out of the model after a look at what it holds. */
static void *release(struct model *c, unsigned int i)
{
	struct object o = c->live[i];
	const unsigned char *b = o.p;

	if (c->ctor)
		for (unsigned int j = 0; j < c->size; j++)
			assert_int_equal(b[j], CTOR_BYTE);
	else
		assert_true(test_filled(o.p, c->size, o.seed));
	c->live[i] = c->live[--c->nr];
	return o.p;
}

static void one_alloc(struct world *w, struct model *c)
{
	bool zero = !c->ctor && !pick(w, 3);
	gfp_t gfp = GFP_KERNEL | (zero ? __GFP_ZERO : 0);
	int node = NUMA_NO_NODE;
	void *p;

	if (c->nr == MAX_LIVE)
		return;
	if (!pick(w, 4))
		node = (int)pick(w, w->nodes);
	if (node != NUMA_NO_NODE)
		p = kmem_cache_alloc_node(c->s, gfp | __GFP_THISNODE, node);
	else
		p = kmem_cache_alloc(c->s, gfp);
	adopt(w, c, p, zero);
	if (node != NUMA_NO_NODE)
		assert_int_equal(slub_slab_nid(slab_of(p)), node);
}

static void many_allocs(struct world *w, struct model *c)
{
	size_t n = 1 + pick(w, 40);
	void *p[40];

	if (c->nr + n > MAX_LIVE)
		return;
	assert_int_equal(kmem_cache_alloc_bulk(c->s, GFP_KERNEL, n, p), n);
	for (size_t i = 0; i < n; i++)
		adopt(w, c, p[i], false);
}

static void one_free(struct world *w, struct model *c)
{
	void *p;

	if (!c->nr)
		return;
	p = release(c, pick(w, c->nr));
	if (pick(w, 2))
		kmem_cache_free(c->s, p);
	else
		kfree(p);
}

static void many_frees(struct world *w, struct model *c)
{
	size_t n = 0, want = 1 + pick(w, 40);
	bool recent = pick(w, 2);
	void *p[40];

	while (n < want && c->nr)
		p[n++] = release(c, recent ? c->nr - 1 : pick(w, c->nr));
	kmem_cache_free_bulk(pick(w, 2) ? c->s : NULL, n, p);
}

/* Objects of all caches in one array. */
static void mixed_frees(struct world *w)
{
	size_t n = 0;
	void *p[30];

	for (int i = 0; i < 30; i++) {
		struct model *c = &w->caches[pick(w, NR_CACHES)];

		if (c->nr)
			p[n++] = release(c, pick(w, c->nr));
	}
	kmem_cache_free_bulk(NULL, n, p);
}

static void check_all(struct world *w)
{
	for (unsigned int i = 0; i < NR_CACHES; i++)
		assert_int_equal(check_cache(w->caches[i].s), w->caches[i].nr);
	expect_no_reports();
}

static void step(struct world *w, bool growing)
{
	struct model *c = &w->caches[pick(w, NR_CACHES)];
	unsigned int what = pick(w, 100);

	if (what < 2)
		assert_int_equal(cpu_migrate(pick(w, w->cpus)), 0);
	else if (what < 3)
		kmem_cache_shrink(c->s);
	else if (what < 5)
		mixed_frees(w);
	else if (what < 12)
		many_allocs(w, c);
	else if (what < 19)
		many_frees(w, c);
	else if (what < (growing ? 65u : 50u))
		one_alloc(w, c);
	else
		one_free(w, c);
}

static void begin(struct world *w, const char *machine, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	w->m = test_boot(machine);
	w->rand = seed;
	w->cpus = arch_kernel()->arch->nr_cpus;
	w->nodes = arch_kernel()->arch->nr_nodes;
	for (unsigned int i = 0; i < NR_CACHES; i++) {
		struct model *c = &w->caches[i];
		char name[20];

		snprintf(name, sizeof(name), "model-%u", i);
		c->size = kinds[i].size;
		c->ctor = kinds[i].ctor;
		c->s = kmem_cache_create(name, c->size, kinds[i].align, kinds[i].flags,
					 !c->ctor ? NULL : c->size == 520 ? ctor_520 : ctor_700);
		assert_non_null(c->s);
	}
}

static void end(struct world *w)
{
	for (unsigned int i = 0; i < NR_CACHES; i++) {
		struct model *c = &w->caches[i];

		while (c->nr)
			kmem_cache_free(c->s, release(c, c->nr - 1));
		assert_int_equal(check_cache(c->s), 0);
		kmem_cache_destroy(c->s);
	}
	assert_int_equal(test_stats().slabs, 0);
	test_shutdown(w->m, 0);
}

static void run(const char *machine, uint64_t seed)
{
	static struct world w;

	begin(&w, machine, seed);
	for (unsigned int i = 0; i < STEPS; i++) {
		step(&w, i / 2500 % 2 == 0);
		if (i % 400 == 0)
			check_all(&w);
	}
	check_all(&w);
	end(&w);
}

static void on_one_cpu(void **state)
{
	run(ONE_CPU, 1);
}

static void on_four_cpus(void **state)
{
	run(SLUB_MACHINE " cpus=4", 2);
}

static void on_two_nodes(void **state)
{
	run("preset=x86_64 mem=128M cpus=4 nodes=2 isolate_metadata=1", 3);
}

/* The text of everything after the same operations is the same, byte for byte. */
static char *story(uint64_t seed)
{
	static struct world w;
	char *text = malloc(100000);
	size_t len = 0;

	assert_non_null(text);
	begin(&w, SLUB_MACHINE " cpus=2", seed);
	for (unsigned int i = 0; i < 2000; i++)
		step(&w, true);
	for (unsigned int i = 0; i < NR_CACHES; i++) {
		long n = kmem_cache_print_state(w.caches[i].s, NULL, NULL, text + len,
						100000 - len);

		assert_true(n > 0);
		len += (size_t)n;
		assert_true(len < 100000);
		text[len++] = '\n';
	}
	text[len] = '\0';
	end(&w);
	return text;
}

static void the_same_again_is_the_same(void **state)
{
	char *a = story(7), *b = story(7), *c = story(8);

	assert_string_equal(a, b);
	assert_string_not_equal(a, c);
	free(a);
	free(b);
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_one_cpu),
		cmocka_unit_test(on_four_cpus),
		cmocka_unit_test(on_two_nodes),
		cmocka_unit_test(the_same_again_is_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
