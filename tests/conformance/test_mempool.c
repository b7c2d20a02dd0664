/* SPDX-License-Identifier: MIT */
/* Memory pools over the library's own allocators, and what they give when these have nothing. */
#include "conformance.h"

/* pool_data of mempool_kmalloc() */
#define SIZE_64 ((void *)(uintptr_t)64)

/* Everything the machine has, linked through its first word. */
struct hog {
	struct hog *next;
};

static struct hog *take_all_memory(void)
{
	const gfp_t gfp = GFP_NOWAIT | __GFP_NOWARN | __GFP_MEMALLOC;
	struct hog *all = NULL, *h;

	for (unsigned int order = MAX_ORDER; order-- > 0;) {
		while ((h = (struct hog *)__get_free_pages(gfp, order))) {
			h->next = all;
			all = h;
			split_page(virt_to_page(h), order);
			for (unsigned long i = 1; i < 1ul << order; i++) {
				struct hog *page = (void *)((char *)h + i * PAGE_SIZE);

				page->next = all;
				all = page;
			}
		}
	}
	return all;
}

static void give_all_memory(struct hog *all)
{
	struct hog *next;

	for (; all; all = next) {
		next = all->next;
		free_page((unsigned long)all);
	}
}

/* Take objects until neither the allocator nor the reserve has any; then give them back. */
static void use_up(mempool_t *pool, int reserve)
{
	struct hog *memory = take_all_memory();
	static void *e[5000];
	int n = 0, before = 0;

	while ((e[n] = mempool_alloc(pool, GFP_NOWAIT))) {
		/* Nothing of the reserve is used while the allocator gives something. */
		if (pool->curr_nr == reserve)
			before = n + 1;
		n++;
		assert_true(n < 5000);
	}
	assert_int_equal(n, before + reserve);
	assert_int_equal(pool->curr_nr, 0);
	assert_null(mempool_alloc(pool, GFP_ATOMIC));
	for (int i = 0; i < n; i++) {
		mempool_free(e[i], pool);
		assert_int_equal(pool->curr_nr, i < reserve ? i + 1 : reserve);
	}
	give_all_memory(memory);
}

static void pools_of_objects(void **state)
{
	struct machine *m = test_boot(TINY);
	struct kmem_cache *s = kmem_cache_create("elements", 700, 0, 0, NULL);
	mempool_t *pool = mempool_create_slab_pool(5, s);
	void *p;

	assert_non_null(pool);
	p = mempool_alloc(pool, GFP_KERNEL);
	assert_non_null(p);
	test_fill(p, 700, 1);
	mempool_free(p, pool);
	use_up(pool, 5);
	mempool_destroy(pool);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void pools_of_kmalloc(void **state)
{
	struct machine *m = test_boot(TINY);
	mempool_t *pool = mempool_create_kmalloc_pool(3, 3000);
	void *p;

	assert_non_null(pool);
	p = mempool_alloc(pool, GFP_KERNEL);
	assert_non_null(p);
	assert_true(ksize(p) >= 3000);
	mempool_free(p, pool);
	use_up(pool, 3);
	mempool_destroy(pool);
	test_shutdown(m, 0);
}

static void pools_of_pages(void **state)
{
	struct machine *m = test_boot(TINY);
	mempool_t *pool = mempool_create_page_pool(4, 2);
	struct page *page;

	assert_non_null(pool);
	page = mempool_alloc(pool, GFP_KERNEL);
	assert_non_null(page);
	assert_int_equal(page_to_pfn(page) % 4, 0);
	test_fill(page_address(page), 4 * PAGE_SIZE, 1);
	mempool_free(page, pool);
	use_up(pool, 4);
	mempool_destroy(pool);
	test_shutdown(m, 0);
}

static void no_memory_for_a_pool(void **state)
{
	struct machine *m = test_boot(TINY);
	struct hog *memory = take_all_memory();
	mempool_t own = {.min_nr = 0};
	mempool_t *pool;

	/* Objects may be left; pages are not. */
	assert_null(mempool_create_page_pool(1, 0));
	assert_int_equal(mempool_init(&own, 1, mempool_alloc_pages, mempool_free_pages, NULL), -12);
	assert_false(mempool_initialized(&own));
	give_all_memory(memory);
	test_state.nr_reports = 0;
	pool = mempool_create_page_pool(1, 0);
	assert_non_null(pool);
	memory = take_all_memory();
	assert_int_equal(mempool_resize(pool, 1 << 18), -12);
	assert_int_equal(pool->min_nr, 1);
	give_all_memory(memory);
	assert_int_equal(mempool_resize(pool, 10), 0);
	assert_int_equal(pool->curr_nr, 10);
	mempool_destroy(pool);
	test_shutdown(m, 0);
}

/* The allocators that pools are made of are functions like others. */
static void the_usual_allocators(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("elements", 700, 0, 0, NULL);
	void *p = mempool_alloc_slab(GFP_KERNEL, s);
	struct page *page;

	assert_non_null(p);
	mempool_free_slab(p, s);
	p = mempool_kmalloc(GFP_KERNEL, (void *)(uintptr_t)100);
	assert_true(ksize(p) >= 100);
	mempool_kfree(p, NULL);
	page = mempool_alloc_pages(GFP_KERNEL, (void *)(uintptr_t)1);
	assert_non_null(page);
	mempool_free_pages(page, (void *)(uintptr_t)1);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void a_pool_on_a_node(void **state)
{
	struct machine *m = test_boot(TWO_NODES);
	mempool_t *pool = mempool_create_node(2, mempool_kmalloc, mempool_kfree, SIZE_64,
					      GFP_KERNEL, 1);

	assert_non_null(pool);
	assert_int_equal(page_to_nid(virt_to_page(pool)), 1);
	assert_int_equal(page_to_nid(virt_to_page(pool->elements)), 1);
	mempool_destroy(pool);
	test_shutdown(m, 0);
}

static void a_pool_in_the_programs_own_structure(void **state)
{
	struct machine *m = test_boot(PLAIN);
	mempool_t pool = {.min_nr = 0};
	void *p;

	assert_int_equal(mempool_init(&pool, 2, mempool_kmalloc, mempool_kfree, SIZE_64), 0);
	p = mempool_alloc(&pool, GFP_KERNEL);
	assert_non_null(p);
	mempool_exit(&pool);
	expect_report(MACHINE_WARN, "mempool_exit: 1 element is still out");
	mempool_free(p, &pool);
	mempool_exit(&pool);
	assert_false(mempool_initialized(&pool));
	mempool_exit(&pool);
	test_shutdown(m, 0);
}

static void misuse_is_told(void **state)
{
	struct machine *m = test_boot(PLAIN);
	mempool_t *pool;
	void *p, *q;

	assert_null(mempool_create(0, mempool_kmalloc, mempool_kfree, SIZE_64));
	expect_report(MACHINE_WARN, "mempool_create: a reserve of 0 elements");
	pool = mempool_create_kmalloc_pool(2, 64);
	assert_int_equal(mempool_resize(pool, -3), -22);
	expect_report(MACHINE_WARN, "mempool_resize: a reserve of -3 elements");
	p = kmalloc(64, GFP_KERNEL);
	mempool_free(p, pool);
	expect_report(MACHINE_BUG, "mempool_free: no element of the pool is out");
	kfree(p);
	p = mempool_alloc(pool, GFP_KERNEL);
	q = mempool_alloc(pool, GFP_KERNEL | __GFP_ZERO);
	expect_report(MACHINE_WARN, "__GFP_ZERO is not supported");
	mempool_destroy(pool);
	expect_report(MACHINE_WARN, "mempool_destroy: 2 elements are still out");
	mempool_free(p, pool);
	mempool_free(q, pool);
	mempool_destroy(pool);
	mempool_destroy(NULL);
	test_shutdown(m, 0);
}

/* A pool that nobody destroyed: its reserve and itself. */
static void a_forgotten_pool_is_a_leak(void **state)
{
	struct machine *m = test_boot(PLAIN);

	assert_non_null(mempool_create_kmalloc_pool(3, 64));
	assert_int_equal(machine_shutdown(m), 5);
	test_state.nr_reports = 0;
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(pools_of_objects),
	cmocka_unit_test(pools_of_kmalloc),
	cmocka_unit_test(pools_of_pages),
	cmocka_unit_test(no_memory_for_a_pool),
	cmocka_unit_test(the_usual_allocators),
	cmocka_unit_test(a_pool_on_a_node),
	cmocka_unit_test(a_pool_in_the_programs_own_structure),
	cmocka_unit_test(misuse_is_told),
	cmocka_unit_test(a_forgotten_pool_is_a_leak),
};
TEST_GROUP(mempool, tests);
