/* SPDX-License-Identifier: MIT */
/* The states of a slab and what moves it from one to the next, as slub.h's theory tells them. */
#include "slub_test.h"

/* 8 objects of 512 bytes a slab; a CPU's partial list is full with 13 slabs, a node keeps 5. */
#define PER_SLAB 8
#define CPU_SLABS 13
#define MIN_PARTIAL 5

#define MAX_SLABS 64

struct fixture {
	struct machine *m;
	struct kmem_cache *s;
	void *slab[MAX_SLABS][PER_SLAB];	/* objects by slab, in order of allocation */
};

static struct fixture begin(const char *text)
{
	struct fixture f = {.m = test_boot(text)};

	f.s = kmem_cache_create("states", 512, 0, 0, NULL);
	assert_non_null(f.s);
	assert_int_equal(slub_of(f.s)->oo.objects, PER_SLAB);
	assert_int_equal(slub_of(f.s)->cpu_partial_slabs, CPU_SLABS);
	assert_int_equal(slub_of(f.s)->min_partial, MIN_PARTIAL);
	return f;
}

static void end(struct fixture *f)
{
	kmem_cache_destroy(f->s);
	test_shutdown(f->m, 0);
}

static void fill(struct fixture *f, unsigned int first, unsigned int slabs)
{
	for (unsigned int i = first; i < first + slabs; i++) {
		for (unsigned int j = 0; j < PER_SLAB; j++)
			assert_non_null(f->slab[i][j] = kmem_cache_alloc(f->s, GFP_KERNEL));
		for (unsigned int j = 1; j < PER_SLAB; j++)
			assert_ptr_equal(slab_of(f->slab[i][j]), slab_of(f->slab[i][0]));
	}
}

static void drop(struct fixture *f, unsigned int slab, unsigned int from, unsigned int to)
{
	for (unsigned int j = from; j < to; j++)
		kmem_cache_free(f->s, f->slab[slab][j]);
}

static unsigned long nr_slabs(struct fixture *f)
{
	return node_part(f->s, 0)->nr_slabs;
}

static void a_new_slab_is_the_cpus(void **state)
{
	struct fixture f = begin(ONE_CPU);
	void *p = kmem_cache_alloc(f.s, GFP_KERNEL);
	struct slub_cpu *c = cpu_part(f.s, 0);
	union slub_state st = state_of(p);

	assert_ptr_equal(c->slab, slab_of(p));
	assert_true(st.frozen);
	assert_int_equal(st.inuse, PER_SLAB);
	assert_int_equal(st.objects, PER_SLAB);
	assert_int_equal(st.head, 0);
	assert_ptr_equal(c->freelist, (char *)p + 512);
	assert_int_equal(check_cache(f.s), 1);
	kmem_cache_free(f.s, p);
	assert_ptr_equal(cpu_part(f.s, 0)->freelist, p);
	assert_int_equal(check_cache(f.s), 0);
	end(&f);
}

static void a_new_slab_is_handed_out_in_ascending_order(void **state)
{
	struct fixture f = begin(ONE_CPU);

	fill(&f, 0, 1);
	for (unsigned int j = 1; j < PER_SLAB; j++)
		assert_ptr_equal(f.slab[0][j], (char *)f.slab[0][0] + 512 * j);
	drop(&f, 0, 0, PER_SLAB);
	end(&f);
}

static void an_exhausted_slab_is_full_and_on_no_list(void **state)
{
	struct fixture f = begin(ONE_CPU);
	union slub_state st;

	fill(&f, 0, 2);
	st = state_of(f.slab[0][0]);
	assert_false(st.frozen);
	assert_int_equal(st.inuse, PER_SLAB);
	assert_int_equal(st.head, 0);
	assert_int_equal(node_part(f.s, 0)->nr_partial, 0);
	assert_int_equal(check_cache(f.s), 2 * PER_SLAB);
	drop(&f, 0, 0, PER_SLAB);
	drop(&f, 1, 0, PER_SLAB);
	end(&f);
}

static void the_first_free_into_a_full_slab_freezes_it_for_this_cpu(void **state)
{
	struct fixture f = begin(ONE_CPU);
	union slub_state st;

	fill(&f, 0, 2);
	drop(&f, 0, 3, 4);
	st = state_of(f.slab[0][0]);
	assert_true(st.frozen);
	assert_int_equal(st.inuse, PER_SLAB - 1);
	assert_ptr_equal(cpu_part(f.s, 0)->partial, slab_of(f.slab[0][0]));
	drop(&f, 0, 4, 5);
	assert_int_equal(cpu_part(f.s, 0)->nr_partial, 1);
	assert_int_equal(state_of(f.slab[0][0]).inuse, PER_SLAB - 2);
	/* The CPU's own slab is full: the partial one takes its place, newest object first. */
	assert_ptr_equal(kmem_cache_alloc(f.s, GFP_KERNEL), f.slab[0][4]);
	assert_ptr_equal(cpu_part(f.s, 0)->slab, slab_of(f.slab[0][0]));
	assert_int_equal(cpu_part(f.s, 0)->nr_partial, 0);
	assert_ptr_equal(kmem_cache_alloc(f.s, GFP_KERNEL), f.slab[0][3]);
	check_cache(f.s);
	drop(&f, 0, 0, PER_SLAB);
	drop(&f, 1, 0, PER_SLAB);
	end(&f);
}

static void a_full_partial_list_moves_to_the_nodes_tail_head_first(void **state)
{
	struct fixture f = begin(ONE_CPU);
	struct slub_node *n = node_part(f.s, 0);
	unsigned int i = CPU_SLABS;
	struct slub_slab *slab;

	fill(&f, 0, CPU_SLABS + 2);
	for (unsigned int j = 0; j < CPU_SLABS; j++)
		drop(&f, j, 0, 1);
	assert_int_equal(cpu_part(f.s, 0)->nr_partial, CPU_SLABS);
	assert_int_equal(n->nr_partial, 0);
	drop(&f, CPU_SLABS, 0, 1);
	assert_int_equal(cpu_part(f.s, 0)->nr_partial, 1);
	assert_ptr_equal(cpu_part(f.s, 0)->partial, slab_of(f.slab[CPU_SLABS][0]));
	assert_int_equal(n->nr_partial, CPU_SLABS);
	list_for_each_entry(slab, &n->partial, partial)
		assert_ptr_equal(slab, slab_of(f.slab[--i][0]));
	check_cache(f.s);
	for (unsigned int j = 0; j < CPU_SLABS + 2; j++)
		drop(&f, j, j <= CPU_SLABS, PER_SLAB);
	end(&f);
}

/* Once the node has min_partial slabs, what falls empty on its list goes back at once. */
static void empty_slabs_above_min_partial_are_given_back(void **state)
{
	struct fixture f = begin(ONE_CPU);
	struct slub_node *n = node_part(f.s, 0);

	fill(&f, 0, CPU_SLABS + 2);
	for (unsigned int j = 0; j <= CPU_SLABS; j++)
		drop(&f, j, 0, 1);
	assert_int_equal(n->nr_partial, CPU_SLABS);
	for (unsigned int j = 0; j < CPU_SLABS; j++) {
		unsigned long before = nr_slabs(&f);
		bool enough = n->nr_partial >= MIN_PARTIAL;

		drop(&f, j, 1, PER_SLAB);
		assert_int_equal(before - nr_slabs(&f), enough);
	}
	assert_int_equal(n->nr_partial, MIN_PARTIAL - 1);
	assert_int_equal(nr_slabs(&f), MIN_PARTIAL - 1 + 2);
	check_cache(f.s);
	drop(&f, CPU_SLABS, 1, PER_SLAB);
	drop(&f, CPU_SLABS + 1, 0, PER_SLAB);
	end(&f);
}

/* get_partial: one slab for the CPU, then more for its list until that is half full. */
static void a_refill_takes_half_a_list_of_slabs(void **state)
{
	struct fixture f = begin(ONE_CPU);
	struct slub_node *n = node_part(f.s, 0);
	void *extra[1 + PER_SLAB];

	fill(&f, 0, CPU_SLABS + 2);
	for (unsigned int j = 0; j < CPU_SLABS; j++)
		drop(&f, j, 0, 1);
	kmem_cache_shrink(f.s);
	assert_int_equal(n->nr_partial, CPU_SLABS);
	assert_null(cpu_part(f.s, 0)->slab);
	extra[0] = kmem_cache_alloc(f.s, GFP_KERNEL);
	assert_non_null(extra[0]);
	assert_int_equal(cpu_part(f.s, 0)->nr_partial, CPU_SLABS / 2 + 1);
	assert_int_equal(n->nr_partial, CPU_SLABS - 1 - (CPU_SLABS / 2 + 1));
	check_cache(f.s);
	kmem_cache_free(f.s, extra[0]);
	for (unsigned int j = 0; j < CPU_SLABS + 2; j++)
		drop(&f, j, j < CPU_SLABS, PER_SLAB);
	end(&f);
}

static void shrink_sorts_fullest_first(void **state)
{
	static const unsigned int keep[] = {3, 7, 1, 0, 5, 7, 2};
	static const unsigned int order[] = {1, 5, 4, 0, 6, 2};
	enum { N = sizeof(keep) / sizeof(keep[0]) };
	struct fixture f = begin(ONE_CPU);
	struct slub_node *n = node_part(f.s, 0);
	struct slub_slab *slab;
	unsigned int i = 0;

	fill(&f, 0, N + 1);
	for (unsigned int j = 0; j < N; j++)
		drop(&f, j, keep[j], PER_SLAB);
	assert_int_equal(kmem_cache_shrink(f.s), 1);
	assert_null(cpu_part(f.s, 0)->slab);
	assert_int_equal(n->nr_partial, N - 1);
	assert_int_equal(nr_slabs(&f), N);
	list_for_each_entry(slab, &n->partial, partial)
		assert_ptr_equal(slab, slab_of(f.slab[order[i++]][0]));
	check_cache(f.s);
	for (unsigned int j = 0; j < N; j++)
		drop(&f, j, 0, keep[j]);
	drop(&f, N, 0, PER_SLAB);
	assert_int_equal(kmem_cache_shrink(f.s), 0);
	assert_int_equal(nr_slabs(&f), 0);
	end(&f);
}

/* What another CPU gives back waits in the slab's own list until the CPU's list is empty. */
static void remote_frees_come_back_after_the_cpus_own(void **state)
{
	struct machine *m = test_boot(SLUB_MACHINE " cpus=2");
	struct kmem_cache *s = kmem_cache_create("remote", 512, 0, 0, NULL);
	unsigned int objects = slub_of(s)->oo.objects;
	struct slub_cpu *c;
	void *p[4];

	for (int i = 0; i < 4; i++)
		assert_non_null(p[i] = kmem_cache_alloc(s, GFP_KERNEL));
	c = cpu_part(s, 0);
	assert_int_equal(cpu_migrate(1), 0);
	kmem_cache_free(s, p[1]);
	kmem_cache_free(s, p[2]);
	assert_null(cpu_part(s, 1)->slab);
	assert_null(cpu_part(s, 1)->partial);
	assert_int_equal(state_of(p[0]).inuse, objects - 2);
	assert_true(state_of(p[0]).frozen);
	assert_int_equal(cpu_migrate(0), 0);
	kmem_cache_free(s, p[3]);
	assert_ptr_equal(cpu_part(s, 0)->freelist, p[3]);
	while (c->freelist)
		assert_non_null(kmem_cache_alloc(s, GFP_KERNEL));
	assert_ptr_equal(kmem_cache_alloc(s, GFP_KERNEL), p[2]);
	assert_ptr_equal(kmem_cache_alloc(s, GFP_KERNEL), p[1]);
	assert_int_equal(check_cache(s), objects);
	for (unsigned int i = 0; i < objects; i++)
		kmem_cache_free(s, (char *)p[0] + i * 512);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

/* A deactivated slab that got remote frees goes to the tail, any other to the head. */
static void deactivation_puts_hot_slabs_in_front(void **state)
{
	struct machine *m = test_boot(SLUB_MACHINE " cpus=2");
	struct kmem_cache *s = kmem_cache_create("hot", 512, 0, 0, NULL);
	struct slub_node *n = node_part(s, 0);
	void *a, *b, *c, *d;

	a = kmem_cache_alloc(s, GFP_KERNEL);
	assert_int_equal(cpu_migrate(1), 0);
	b = kmem_cache_alloc(s, GFP_KERNEL);
	c = kmem_cache_alloc(s, GFP_KERNEL);
	slub_flush_cpu(slub_of(s), 1);
	assert_ptr_equal(n->partial.next, &slab_of(b)->partial);
	slub_flush_cpu(slub_of(s), 0);
	assert_ptr_equal(n->partial.next, &slab_of(a)->partial);
	/* CPU 1 takes both, a third comes to the node, a free from CPU 0 cools CPU 1's slab. */
	kmem_cache_free(s, kmem_cache_alloc(s, GFP_KERNEL));
	assert_ptr_equal(cpu_part(s, 1)->slab, slab_of(a));
	assert_ptr_equal(cpu_part(s, 1)->partial, slab_of(b));
	assert_int_equal(cpu_migrate(0), 0);
	d = kmem_cache_alloc(s, GFP_KERNEL);
	slub_flush_cpu(slub_of(s), 0);
	kmem_cache_free(s, a);
	slub_flush_cpu(slub_of(s), 1);
	assert_ptr_equal(n->partial.next, &slab_of(d)->partial);
	assert_ptr_equal(n->partial.next->next, &slab_of(a)->partial);
	assert_ptr_equal(n->partial.prev, &slab_of(b)->partial);
	kmem_cache_free(s, d);
	assert_int_equal(check_cache(s), 2);
	kmem_cache_free(s, b);
	kmem_cache_free(s, c);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

/* A slab of another node leaves the CPU when an object of this node is asked for. */
static void the_node_asked_for_moves_the_cpus_slab_away(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=128M cpus=2 nodes=2 isolate_metadata=1");
	struct kmem_cache *s = kmem_cache_create("nodes", 512, 0, 0, NULL);
	void *p = kmem_cache_alloc_node(s, GFP_KERNEL | __GFP_THISNODE, 1), *q, *r;

	assert_int_equal(slub_slab_nid(slab_of(p)), 1);
	q = kmem_cache_alloc_node(s, GFP_KERNEL | __GFP_THISNODE, 0);
	assert_int_equal(slub_slab_nid(slab_of(q)), 0);
	assert_ptr_equal(cpu_part(s, 0)->slab, slab_of(q));
	assert_int_equal(node_part(s, 1)->nr_partial, 1);
	/* No wish: the slab at hand will do. */
	r = kmem_cache_alloc(s, GFP_KERNEL);
	assert_ptr_equal(slab_of(r), slab_of(q));
	/* A node that does not exist is no wish either. */
	kmem_cache_free(s, kmem_cache_alloc_node(s, GFP_KERNEL, 77));
	assert_ptr_equal(cpu_part(s, 0)->slab, slab_of(q));
	assert_int_equal(check_cache(s), 3);
	kmem_cache_free(s, p);
	kmem_cache_free(s, q);
	kmem_cache_free(s, r);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

/* The node forgets an empty slab at once, but its pages stay until a grace period has passed. */
static void typesafe_slabs_go_after_a_grace_period(void **state)
{
	struct machine *m = test_boot(ONE_CPU);
	struct kmem_cache *s = kmem_cache_create("typesafe", 1024, 0, SLAB_TYPESAFE_BY_RCU, NULL);
	unsigned long slabs, left;
	void *p[300];

	for (int i = 0; i < 300; i++)
		assert_non_null(p[i] = kmem_cache_alloc(s, GFP_KERNEL));
	slabs = node_part(s, 0)->nr_slabs;
	rcu_read_lock();
	for (int i = 0; i < 300; i++)
		kmem_cache_free(s, p[i]);
	left = node_part(s, 0)->nr_slabs;
	assert_true(left < slabs);
	assert_int_equal(test_stats().slabs, slabs);
	assert_int_equal(check_cache(s), 0);
	assert_int_equal(rcu_advance(), 0);
	rcu_read_unlock();
	assert_int_equal(rcu_advance(), slabs - left);
	assert_int_equal(test_stats().slabs, left);
	assert_int_equal(kmem_cache_shrink(s), 0);
	assert_int_equal(node_part(s, 0)->nr_slabs, 0);
	assert_int_equal(test_stats().slabs, left);
	rcu_barrier();
	assert_int_equal(test_stats().slabs, 0);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

/* When no block of the wanted order is left, one of the smallest that holds an object will do. */
static void the_fallback_order(void **state)
{
	struct machine *m = test_boot(ONE_CPU);
	struct kmem_cache *s = kmem_cache_create("fallback", 2048, 0, 0, NULL);
	enum { MAX = 20000 };
	struct page **pages = calloc(MAX, sizeof(*pages));
	unsigned int n = 0;
	void *p;

	assert_non_null(pages);
	assert_int_equal(slub_of(s)->oo.order, 2);
	assert_int_equal(slub_of(s)->min.order, 0);
	/* Take every page, then give back every second one: free, but nowhere two in a row. */
	while ((pages[n] = alloc_pages(__GFP_NOWARN | __GFP_MEMALLOC, 0)) != NULL)
		assert_true(++n < MAX);
	for (unsigned int i = 0; i < n; i++)
		if (page_to_pfn(pages[i]) % 2) {
			__free_pages(pages[i], 0);
			pages[i] = NULL;
		}
	p = kmem_cache_alloc(s, GFP_KERNEL);
	assert_non_null(p);
	assert_int_equal(state_of(p).objects, slub_of(s)->min.objects);
	assert_int_equal(slub_page(slab_of(p))->order, 0);
	assert_int_equal(check_cache(s), 1);
	kmem_cache_free(s, p);
	kmem_cache_destroy(s);
	for (unsigned int i = 0; i < n; i++)
		if (pages[i])
			__free_pages(pages[i], 0);
	free(pages);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_slab_is_the_cpus),
		cmocka_unit_test(a_new_slab_is_handed_out_in_ascending_order),
		cmocka_unit_test(an_exhausted_slab_is_full_and_on_no_list),
		cmocka_unit_test(the_first_free_into_a_full_slab_freezes_it_for_this_cpu),
		cmocka_unit_test(a_full_partial_list_moves_to_the_nodes_tail_head_first),
		cmocka_unit_test(empty_slabs_above_min_partial_are_given_back),
		cmocka_unit_test(a_refill_takes_half_a_list_of_slabs),
		cmocka_unit_test(shrink_sorts_fullest_first),
		cmocka_unit_test(remote_frees_come_back_after_the_cpus_own),
		cmocka_unit_test(deactivation_puts_hot_slabs_in_front),
		cmocka_unit_test(the_node_asked_for_moves_the_cpus_slab_away),
		cmocka_unit_test(typesafe_slabs_go_after_a_grace_period),
		cmocka_unit_test(the_fallback_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
