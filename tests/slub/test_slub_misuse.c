/* SPDX-License-Identifier: MIT */
/*
 * Misuse in the places where SLUB's paths differ: the CPU's slab, a CPU's partial list, a node's,
 * a full slab, another CPU's slab; single frees, runs of a bulk free, debug caches. Each is
 * reported, refused, and leaves every invariant standing.
 */
#include "slub_test.h"

enum where { CPU_SLAB, CPU_PARTIAL, NODE_PARTIAL, FULL, OTHER_CPU, NR_PLACES };

/* 512-byte objects, at least 16 slabs; p[0 … n) lie in the slab of the kind asked for. */
struct fixture {
	struct machine *m;
	struct kmem_cache *s;
	unsigned int per_slab;
	void *all[400];
	unsigned int nr;
	void **p;	/* live objects of the slab in question */
	unsigned int n;
};

static void alloc_slabs(struct fixture *f, unsigned int slabs)
{
	for (unsigned int i = 0; i < slabs * f->per_slab; i++) {
		assert_true(f->nr < 400);
		assert_non_null(f->all[f->nr++] = kmem_cache_alloc(f->s, GFP_KERNEL));
	}
}

static void free_at(struct fixture *f, unsigned int i)
{
	kmem_cache_free(f->s, f->all[i]);
	f->all[i] = NULL;
}

static void begin(struct fixture *f, enum where where)
{
	memset(f, 0, sizeof(*f));
	f->m = test_boot(SLUB_MACHINE " cpus=2");
	f->s = kmem_cache_create("misused", 512, 0, 0, NULL);
	assert_non_null(f->s);
	f->per_slab = slub_of(f->s)->oo.objects;
	f->n = f->per_slab - 1;
	alloc_slabs(f, 2);
	switch (where) {
	case CPU_SLAB:
		f->p = &f->all[f->per_slab];
		free_at(f, f->nr - 1);
		assert_ptr_equal(cpu_part(f->s, 0)->slab, slab_of(f->p[0]));
		break;
	case CPU_PARTIAL:
		f->p = f->all;
		free_at(f, f->n);
		assert_ptr_equal(cpu_part(f->s, 0)->partial, slab_of(f->p[0]));
		break;
	case NODE_PARTIAL:
		f->p = f->all;
		free_at(f, f->n);
		kmem_cache_shrink(f->s);
		assert_int_equal(node_part(f->s, 0)->nr_partial, 1);
		break;
	case FULL:
		f->p = f->all;
		f->n = f->per_slab;
		break;
	default:
		f->p = &f->all[f->per_slab];
		free_at(f, f->nr - 1);
		assert_int_equal(cpu_migrate(1), 0);
		break;
	}
}

static void end(struct fixture *f)
{
	unsigned int live = 0;

	for (unsigned int i = 0; i < f->nr; i++)
		live += f->all[i] != NULL;
	assert_int_equal(check_cache(f->s), live);
	for (unsigned int i = 0; i < f->nr; i++)
		kmem_cache_free(f->s, f->all[i]);
	kmem_cache_destroy(f->s);
	test_shutdown(f->m, 0);
}

static void an_inner_pointer(void **state)
{
	static const size_t offsets[] = {1, 8, 256, 511};

	for (enum where where = 0; where < NR_PLACES; where++) {
		struct fixture f;

		begin(&f, where);
		for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
			void *bad = (char *)f.p[1] + offsets[i];

			kmem_cache_free(f.s, bad);
			expect_report(MACHINE_BUG, SLAB_BUG_INNER);
			kfree(bad);
			expect_report(MACHINE_BUG, SLAB_BUG_INNER);
			kmem_cache_free_bulk(f.s, 1, &bad);
			expect_report(MACHINE_BUG, SLAB_BUG_INNER);
		}
		end(&f);
	}
}

/* Bytes behind the last object are no object, though they are a multiple of the size away. */
static void the_rest_behind_the_last_object(void **state)
{
	struct machine *m = test_boot(ONE_CPU);
	struct kmem_cache *s = kmem_cache_create("rest", 96, 0, 0, NULL);
	char *p = kmem_cache_alloc(s, GFP_KERNEL);
	unsigned int objects = slub_of(s)->oo.objects;
	void *bad = p + (size_t)objects * 96;

	assert_true((size_t)objects * 96 < PAGE_SIZE);
	kmem_cache_free(s, bad);
	expect_report(MACHINE_BUG, SLAB_BUG_INNER);
	kmem_cache_free_bulk(s, 1, &bad);
	expect_report(MACHINE_BUG, SLAB_BUG_INNER);
	kmem_cache_free(s, p);
	assert_int_equal(check_cache(s), 0);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void freed_twice_in_a_row(void **state)
{
	for (enum where where = 0; where < NR_PLACES; where++) {
		struct fixture f;

		begin(&f, where);
		void *p = f.p[0];

		kmem_cache_free(f.s, p);
		kmem_cache_free(f.s, p);
		expect_report(MACHINE_BUG, SLAB_BUG_DOUBLE_FREE);
		kfree(p);
		expect_report(MACHINE_BUG, SLAB_BUG_DOUBLE_FREE);
		kmem_cache_free_bulk(NULL, 1, &p);
		expect_report(MACHINE_BUG, SLAB_BUG_DOUBLE_FREE);
		f.p[0] = NULL;
		end(&f);
	}
}

/* A slab all of whose objects are free gets nothing more back, head of the list or not. */
static void more_frees_than_objects(void **state)
{
	struct fixture f;

	begin(&f, NODE_PARTIAL);
	void *p[3] = {f.p[0], f.p[1], f.p[2]};

	for (unsigned int i = 0; i < f.n; i++) {
		kmem_cache_free(f.s, f.p[i]);
		f.p[i] = NULL;
	}
	assert_int_equal(state_of(p[0]).inuse, 0);
	kmem_cache_free(f.s, p[0]);
	expect_report(MACHINE_BUG, SLAB_BUG_DOUBLE_FREE);
	kmem_cache_free_bulk(f.s, 3, p);
	expect_reports(1, MACHINE_BUG, SLAB_BUG_DOUBLE_FREE);
	end(&f);
}

static void twice_in_one_bulk(void **state)
{
	for (enum where where = 0; where < NR_PLACES; where++) {
		struct fixture f;

		begin(&f, where);
		void *twice[] = {f.p[3], f.p[2], f.p[2], f.p[1]};

		kmem_cache_free_bulk(f.s, 4, twice);
		expect_report(MACHINE_BUG, SLAB_BUG_DOUBLE_FREE);
		f.p[1] = f.p[2] = f.p[3] = NULL;
		end(&f);
	}
}

static void a_bad_pointer_among_good_ones(void **state)
{
	for (enum where where = 0; where < NR_PLACES; where++) {
		struct fixture f;

		begin(&f, where);
		char local[64];
		void *mixed[] = {f.p[0], (char *)f.p[5] + 8, f.p[1], local, f.p[2], NULL, f.p[3]};

		kmem_cache_free_bulk(f.s, 7, mixed);
		expect_reports(2, MACHINE_BUG, NULL);
		f.p[0] = f.p[1] = f.p[2] = f.p[3] = NULL;
		end(&f);
	}
}

static void the_wrong_cache(void **state)
{
	for (enum where where = 0; where < NR_PLACES; where++) {
		struct fixture f;

		begin(&f, where);
		struct kmem_cache *other = kmem_cache_create("other", 512, 0, 0, NULL);
		void *p = f.p[0];

		kmem_cache_free(other, p);
		expect_report(MACHINE_WARN, "Wrong slab cache. other but object is from misused");
		kmem_cache_free_bulk(other, 1, &p);
		expect_report(MACHINE_WARN, "Wrong slab cache. other but object is from misused");
		kmem_cache_destroy(other);
		end(&f);
	}
}

/* The per-CPU part of another machine's cache lies where this machine has something else. */
static void a_cache_of_another_machine(void **state)
{
	struct machine *first = test_boot(ONE_CPU), *second;
	struct kmem_cache *a = kmem_cache_create("a", 64, 0, 0, NULL), *b;
	void *p = kmem_cache_alloc(a, GFP_KERNEL), *q, *got[4];

	second = test_boot(ONE_CPU);
	b = kmem_cache_create("b", 96, 0, 0, NULL);
	assert_int_equal(slub_of(a)->cpu_off, slub_of(b)->cpu_off);
	q = kmem_cache_alloc(b, GFP_KERNEL);
	assert_null(kmem_cache_alloc(a, GFP_KERNEL));
	expect_report(MACHINE_BUG, "no cache of this machine");
	assert_null(kmem_cache_alloc_node(a, GFP_KERNEL, 0));
	expect_report(MACHINE_BUG, "no cache of this machine");
	assert_int_equal(kmem_cache_alloc_bulk(a, GFP_KERNEL, 4, got), 0);
	expect_report(MACHINE_BUG, "no cache of this machine");
	kmem_cache_free(a, q);
	expect_report(MACHINE_WARN, "Wrong slab cache. a but object is from b");
	kmem_cache_free(a, p);
	expect_report(MACHINE_BUG, SLAB_BUG_NO_SLAB);
	kmem_cache_free(b, p);
	expect_report(MACHINE_BUG, SLAB_BUG_NO_SLAB);
	assert_int_equal(check_cache(b), 1);
	kmem_cache_free(b, q);
	kmem_cache_destroy(b);
	test_shutdown(second, 0);
	assert_int_equal(machine_enter(first), 0);
	kmem_cache_free(a, p);
	kmem_cache_destroy(a);
	test_shutdown(first, 0);
}

/* In a debug cache any object of the slab's free list is found, not only its first. */
static void debug_caches_find_every_double_free(void **state)
{
	static const slab_flags_t flags[] = {SLAB_CONSISTENCY_CHECKS, SLAB_RED_ZONE, SLAB_POISON,
					     SLAB_STORE_USER,
					     SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER};
	struct machine *m = test_boot(ONE_CPU);

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		struct kmem_cache *s = kmem_cache_create("debug", 100, 0, flags[i], NULL);
		bool checks = flags[i] & SLAB_CONSISTENCY_CHECKS;
		const char *twice = checks ? "Object already free" : SLAB_BUG_DOUBLE_FREE;
		void *p[30];

		for (int j = 0; j < 30; j++)
			assert_non_null(p[j] = kmem_cache_alloc(s, GFP_KERNEL));
		for (int j = 0; j < 10; j++)
			kmem_cache_free(s, p[j]);
		for (int j = 0; j < 10; j++) {
			kmem_cache_free(s, p[j]);
			expect_report(MACHINE_BUG, twice);
		}
		kmem_cache_free_bulk(s, 2, (void *[]){p[3], p[20]});
		expect_report(MACHINE_BUG, twice);
		kmem_cache_free(s, (char *)p[21] + 8);
		expect_report(MACHINE_BUG, checks ? "Invalid object pointer" : SLAB_BUG_INNER);
		assert_int_equal(check_cache(s), 19);
		for (int j = 10; j < 30; j++)
			if (j != 20)
				kmem_cache_free(s, p[j]);
		kmem_cache_destroy(s);
	}
	test_shutdown(m, 0);
}

/* A destroyed slab's objects lie in pages that are no slab any more. */
static void after_the_slab_is_gone(void **state)
{
	struct machine *m = test_boot(ONE_CPU);
	struct kmem_cache *s = kmem_cache_create("gone", 2048, 0, 0, NULL);
	void *p = kmem_cache_alloc(s, GFP_KERNEL);

	kmem_cache_free(s, p);
	assert_int_equal(kmem_cache_shrink(s), 0);
	kmem_cache_free(s, p);
	expect_report(MACHINE_BUG, SLAB_BUG_NO_SLAB);
	kmem_cache_free_bulk(s, 1, &p);
	expect_report(MACHINE_BUG, SLAB_BUG_NO_SLAB);
	assert_null(kmem_cache_of(p));
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_inner_pointer),
		cmocka_unit_test(the_rest_behind_the_last_object),
		cmocka_unit_test(freed_twice_in_a_row),
		cmocka_unit_test(more_frees_than_objects),
		cmocka_unit_test(twice_in_one_bulk),
		cmocka_unit_test(a_bad_pointer_among_good_ones),
		cmocka_unit_test(the_wrong_cache),
		cmocka_unit_test(a_cache_of_another_machine),
		cmocka_unit_test(debug_caches_find_every_double_free),
		cmocka_unit_test(after_the_slab_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
