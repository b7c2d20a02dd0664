/* SPDX-License-Identifier: MIT */
/*
 * What holds for every public function that allocates: with no memory left it fails and loses nothing,
 * and works again when there is some. And what no other file has room for.
 */
#include "conformance.h"

#define QUIET (GFP_KERNEL | __GFP_NOWARN)

static struct kmem_cache *cache;
static mempool_t pool;
static struct page *some_page;

/* One call that needs at least a page; what it made is given back by the function beside it. */
struct allocation {
	const char *name;
	void *(*get)(void);
	void (*put)(void *p);
};

#define GET(what, ...)                                                                  \
	static void *what(void)                                                       \
	{                                                                                   \
		return __VA_ARGS__;                                                             \
	}

static void put_page_of(void *p)
{
	__free_page(p);
}

static void put_address(void *p)
{
	free_page((unsigned long)p);
}

static void put_exact(void *p)
{
	free_pages_exact(p, 10000);
}

static void put_object(void *p)
{
	kmem_cache_free(cache, p);
}

static void put_kmalloc(void *p)
{
	kfree(p);
}

static void put_kvmalloc(void *p)
{
	kvfree(p);
}

static void put_vmalloc(void *p)
{
	vfree(p);
	vm_unmap_aliases();
}

static void put_vmap(void *p)
{
	vunmap(p);
	vm_unmap_aliases();
}

static void put_ioremap(void *p)
{
	iounmap(p);
	vm_unmap_aliases();
}

static void put_map_ram(void *p)
{
	vm_unmap_ram(p, 1);
	vm_unmap_aliases();
}

static void put_cache(void *p)
{
	kmem_cache_destroy(p);
}

static void put_mempool(void *p)
{
	mempool_destroy(p);
}

static void *do_bulk_page(void)
{
	struct page *p = NULL;

	return alloc_pages_bulk_array(QUIET, 1, &p) ? p : NULL;
}

static void *do_bulk_node(void)
{
	struct page *p = NULL;

	return alloc_pages_bulk_array_node(QUIET, 0, 1, &p) ? p : NULL;
}

static void *do_bulk_object(void)
{
	void *p = NULL;

	return kmem_cache_alloc_bulk(cache, QUIET, 1, &p) ? p : NULL;
}

static void *do_pool_in_place(void)
{
	size_t size = 4096;

	return mempool_init(&pool, 4, mempool_kmalloc, mempool_kfree, (void *)size) ? NULL : &pool;
}

static void put_pool_in_place(void *p)
{
	mempool_exit(p);
}

static void *do_resized(void)
{
	mempool_t *p = mempool_create_page_pool(1, 0);

	if (p && !mempool_resize(p, 2000))
		return p;
	mempool_destroy(p);
	return NULL;
}

static char letters[4096];

GET(do_alloc_pages, alloc_pages(QUIET, 0))
GET(do_alloc_page, alloc_page(QUIET))
GET(do_alloc_pages_node, alloc_pages_node(0, QUIET, 0))
GET(do_free_pages, (void *)__get_free_pages(QUIET, 0))
GET(do_free_page, (void *)__get_free_page(QUIET))
GET(do_zeroed_page, (void *)get_zeroed_page(QUIET))
GET(do_exact, alloc_pages_exact(10000, QUIET))
GET(do_exact_nid, alloc_pages_exact_nid(0, 10000, QUIET))
GET(do_contig, alloc_contig_pages(1, QUIET, 0, NULL))
GET(do_object, kmem_cache_alloc(cache, QUIET))
GET(do_zeroed_object, kmem_cache_zalloc(cache, QUIET))
GET(do_node_object, kmem_cache_alloc_node(cache, QUIET, 0))
GET(do_lru_object, kmem_cache_alloc_lru(cache, NULL, QUIET))
GET(do_kmalloc, kmalloc(4096, QUIET))
GET(do_kmalloc_node, kmalloc_node(4096, QUIET, 0))
GET(do_kzalloc, kzalloc(4096, QUIET))
GET(do_kzalloc_node, kzalloc_node(4096, QUIET, 0))
GET(do_kmalloc_array, kmalloc_array(4, 1024, QUIET))
GET(do_kmalloc_array_node, kmalloc_array_node(4, 1024, QUIET, 0))
GET(do_kcalloc, kcalloc(4, 1024, QUIET))
GET(do_kcalloc_node, kcalloc_node(4, 1024, QUIET, 0))
GET(do_krealloc, krealloc(NULL, 4096, QUIET))
GET(do_krealloc_array, krealloc_array(NULL, 4, 1024, QUIET))
GET(do_kmemdup, kmemdup(letters, sizeof(letters), QUIET))
GET(do_kmemdup_nul, kmemdup_nul(letters, sizeof(letters) - 1, QUIET))
GET(do_kstrdup, kstrdup(letters, QUIET))
GET(do_kstrndup, kstrndup(letters, sizeof(letters), QUIET))
GET(do_kvmalloc, kvmalloc(4096, QUIET))
GET(do_kvmalloc_node, kvmalloc_node(4096, QUIET, 0))
GET(do_kvzalloc, kvzalloc(4096, QUIET))
GET(do_kvzalloc_node, kvzalloc_node(4096, QUIET, 0))
GET(do_kvmalloc_array, kvmalloc_array(4, 1024, QUIET))
GET(do_kvcalloc, kvcalloc(4, 1024, QUIET))
GET(do_kvrealloc, kvrealloc(NULL, 0, 4096, QUIET))
GET(do_vmalloc, vmalloc(4 * PAGE_SIZE))
GET(do_vzalloc, vzalloc(4 * PAGE_SIZE))
/* Of no RAM. */
static unsigned long no_ram = 0xfe000;

GET(do_vmalloc_user, vmalloc_user(4 * PAGE_SIZE))
GET(do_vmalloc_node, vmalloc_node(4 * PAGE_SIZE, 0))
GET(do_vzalloc_node, vzalloc_node(4 * PAGE_SIZE, 0))
GET(do_vmalloc_32, vmalloc_32(4 * PAGE_SIZE))
GET(do_vmalloc_32_user, vmalloc_32_user(4 * PAGE_SIZE))
GET(do_vmalloc_huge, vmalloc_huge(4 * PAGE_SIZE, QUIET))
GET(do___vmalloc, __vmalloc(4 * PAGE_SIZE, QUIET))
GET(do___vmalloc_array, __vmalloc_array(4, PAGE_SIZE, QUIET))
GET(do_vmalloc_array, vmalloc_array(4, PAGE_SIZE))
GET(do_vcalloc, vcalloc(4, PAGE_SIZE))
GET(do___vmalloc_node, __vmalloc_node(4 * PAGE_SIZE, 1, QUIET, 0, NULL))
GET(do___vmalloc_node_range, __vmalloc_node_range(4 * PAGE_SIZE, 1, vmalloc_start_addr(),
					     vmalloc_end_addr(), QUIET, PAGE_KERNEL, 0, 0, NULL))
GET(do_ioremap, ioremap(0xfe000000, PAGE_SIZE))
GET(do_ioremap_uc, ioremap_uc(0xfe000000, PAGE_SIZE))
GET(do_ioremap_wc, ioremap_wc(0xfe000000, PAGE_SIZE))
GET(do_ioremap_wt, ioremap_wt(0xfe000000, PAGE_SIZE))
GET(do_ioremap_cache, ioremap_cache(0xfe000000, PAGE_SIZE))
GET(do_vmap_pfn, vmap_pfn(&no_ram, 1, PAGE_KERNEL))
GET(do_vm_map_ram, vm_map_ram(&some_page, 1, NUMA_NO_NODE))
GET(do_vmap, vmap(&some_page, 1, VM_MAP, PAGE_KERNEL))
GET(do_cache, kmem_cache_create("late", 100, 0, 0, NULL))
GET(do_usercopy_cache, kmem_cache_create_usercopy("late", 100, 0, 0, 0, 8, NULL))
GET(do_mempool, mempool_create(4, mempool_kmalloc, mempool_kfree, (void *)4096ul))
GET(do_mempool_node, mempool_create_node(4, mempool_kmalloc, mempool_kfree, (void *)4096ul, QUIET, 0))
GET(do_slab_pool, mempool_create_slab_pool(64, cache))
GET(do_kmalloc_pool, mempool_create_kmalloc_pool(4, 4096))
GET(do_alloc_slab, mempool_alloc_slab(QUIET, cache))
GET(do_pool_kmalloc, mempool_kmalloc(QUIET, (void *)4096ul))
GET(do_pool_pages, mempool_alloc_pages(QUIET, NULL))
GET(do_page_pool, mempool_create_page_pool(4, 0))

static const struct allocation allocations[] = {
	{ "alloc_pages", do_alloc_pages, put_page_of },
	{ "alloc_page", do_alloc_page, put_page_of },
	{ "alloc_pages_node", do_alloc_pages_node, put_page_of },
	{ "alloc_pages_bulk_array", do_bulk_page, put_page_of },
	{ "__get_free_pages", do_free_pages, put_address },
	{ "__get_free_page", do_free_page, put_address },
	{ "get_zeroed_page", do_zeroed_page, put_address },
	{ "alloc_pages_exact", do_exact, put_exact },
	{ "alloc_pages_bulk_array_node", do_bulk_node, put_page_of },
	{ "alloc_pages_exact_nid", do_exact_nid, put_exact },
	{ "alloc_contig_pages", do_contig, put_page_of },
	{ "kmem_cache_alloc", do_object, put_object },
	{ "kmem_cache_zalloc", do_zeroed_object, put_object },
	{ "kmem_cache_alloc_node", do_node_object, put_object },
	{ "kmem_cache_alloc_lru", do_lru_object, put_object },
	{ "kmem_cache_alloc_bulk", do_bulk_object, put_object },
	{ "kmalloc", do_kmalloc, put_kmalloc },
	{ "kmalloc_node", do_kmalloc_node, put_kmalloc },
	{ "kzalloc", do_kzalloc, put_kmalloc },
	{ "kzalloc_node", do_kzalloc_node, put_kmalloc },
	{ "kmalloc_array", do_kmalloc_array, put_kmalloc },
	{ "kmalloc_array_node", do_kmalloc_array_node, put_kmalloc },
	{ "kcalloc", do_kcalloc, put_kmalloc },
	{ "kcalloc_node", do_kcalloc_node, put_kmalloc },
	{ "krealloc", do_krealloc, put_kmalloc },
	{ "krealloc_array", do_krealloc_array, put_kmalloc },
	{ "kmemdup", do_kmemdup, put_kmalloc },
	{ "kmemdup_nul", do_kmemdup_nul, put_kmalloc },
	{ "kstrdup", do_kstrdup, put_kmalloc },
	{ "kstrndup", do_kstrndup, put_kmalloc },
	{ "kvmalloc", do_kvmalloc, put_kvmalloc },
	{ "kvmalloc_node", do_kvmalloc_node, put_kvmalloc },
	{ "kvzalloc", do_kvzalloc, put_kvmalloc },
	{ "kvzalloc_node", do_kvzalloc_node, put_kvmalloc },
	{ "kvmalloc_array", do_kvmalloc_array, put_kvmalloc },
	{ "kvcalloc", do_kvcalloc, put_kvmalloc },
	{ "kvrealloc", do_kvrealloc, put_kvmalloc },
	{ "vmalloc", do_vmalloc, put_vmalloc },
	{ "vzalloc", do_vzalloc, put_vmalloc },
	{ "vmap", do_vmap, put_vmap },
	{ "vmalloc_user", do_vmalloc_user, put_vmalloc },
	{ "vmalloc_node", do_vmalloc_node, put_vmalloc },
	{ "vzalloc_node", do_vzalloc_node, put_vmalloc },
	{ "vmalloc_32", do_vmalloc_32, put_vmalloc },
	{ "vmalloc_32_user", do_vmalloc_32_user, put_vmalloc },
	{ "vmalloc_huge", do_vmalloc_huge, put_vmalloc },
	{ "__vmalloc", do___vmalloc, put_vmalloc },
	{ "__vmalloc_array", do___vmalloc_array, put_vmalloc },
	{ "vmalloc_array", do_vmalloc_array, put_vmalloc },
	{ "vcalloc", do_vcalloc, put_vmalloc },
	{ "__vmalloc_node", do___vmalloc_node, put_vmalloc },
	{ "__vmalloc_node_range", do___vmalloc_node_range, put_vmalloc },
	{ "ioremap", do_ioremap, put_ioremap },
	{ "ioremap_uc", do_ioremap_uc, put_ioremap },
	{ "ioremap_wc", do_ioremap_wc, put_ioremap },
	{ "ioremap_wt", do_ioremap_wt, put_ioremap },
	{ "ioremap_cache", do_ioremap_cache, put_ioremap },
	{ "vmap_pfn", do_vmap_pfn, put_vmap },
	{ "vm_map_ram", do_vm_map_ram, put_map_ram },
	{ "kmem_cache_create", do_cache, put_cache },
	{ "kmem_cache_create_usercopy", do_usercopy_cache, put_cache },
	{ "mempool_create", do_mempool, put_mempool },
	{ "mempool_create_node", do_mempool_node, put_mempool },
	{ "mempool_create_slab_pool", do_slab_pool, put_mempool },
	{ "mempool_create_kmalloc_pool", do_kmalloc_pool, put_mempool },
	{ "mempool_create_page_pool", do_page_pool, put_mempool },
	{ "mempool_alloc_slab", do_alloc_slab, put_object },
	{ "mempool_kmalloc", do_pool_kmalloc, put_kmalloc },
	{ "mempool_alloc_pages", do_pool_pages, put_page_of },
	{ "mempool_init", do_pool_in_place, put_pool_in_place },
	{ "mempool_resize", do_resized, put_mempool },
};

#define NR_ALLOCATIONS (sizeof(allocations) / sizeof(allocations[0]))

/* Memory taken until there is none, linked through its first words. */
struct hoard {
	struct hoard *next;
};

static struct hoard *hoard(size_t size, gfp_t gfp, struct hoard *all)
{
	struct hoard *h;

	while ((h = kmalloc(size, gfp))) {
		h->next = all;
		all = h;
	}
	return all;
}

/* Every page, then every object that a slab of the library's own caches still has room for. */
static struct hoard *hoard_all(void)
{
	static const size_t sizes[] = { 4096, 2048, 1024, 512, 256, 192, 128, 96, 64, 32, 16, 8 };
	struct hoard *all = NULL;
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		all = hoard(sizes[i], QUIET | __GFP_MEMALLOC, all);
	return all;
}

static void give_back(struct hoard *all)
{
	struct hoard *next;

	for (; all; all = next) {
		next = all->next;
		kfree(all);
	}
}

static bool reported(const char *words)
{
	unsigned int i;

	for (i = 0; i < test_state.nr_reports && i < TEST_MAX_REPORTS; i++)
		if (strstr(test_state.reports[i].text, words))
			return true;
	return false;
}

static void every_allocation_works(void)
{
	size_t i;

	for (i = 0; i < NR_ALLOCATIONS; i++) {
		void *p = allocations[i].get();

		if (!p)
			print_error("%s gave nothing\n", allocations[i].name);
		assert_non_null(p);
		allocations[i].put(p);
	}
	expect_no_reports();
}

static void every_allocation_fails_without_memory(void **state)
{
	struct machine *m = test_boot(TINY);
	unsigned long before;
	struct hoard *all;
	size_t i;

	memset(letters, 'x', sizeof(letters) - 1);
	cache = kmem_cache_create("every", 4096, 0, 0, NULL);
	some_page = alloc_page(GFP_KERNEL);
	every_allocation_works();
	before = test_free_pages();

	all = hoard_all();
	for (i = 0; i < NR_ALLOCATIONS; i++) {
		void *p = allocations[i].get();

		if (p)
			print_error("%s found memory\n", allocations[i].name);
		assert_null(p);
		/* Nothing but the failure itself may be told. */
		assert_false(reported("BUG"));
		test_state.nr_reports = 0;
	}
	give_back(all);
	assert_int_equal(test_free_pages(), before);

	every_allocation_works();
	assert_int_equal(test_free_pages(), before);
	__free_page(some_page);
	kmem_cache_destroy(cache);
	test_shutdown(m, 0);
}

static void construct(void *object)
{
	memset(object, 0x11, 64);
}

/* Zeroing an object would undo its constructor: refused, and told once. */
static void no_call_zeroes_constructed_objects(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s[3];
	void *p[3];
	int i;

	for (i = 0; i < 3; i++)
		s[i] = kmem_cache_create("built", 64, 0, 0, construct);
	p[0] = kmem_cache_alloc_node(s[0], QUIET | __GFP_ZERO, 0);
	expect_report(MACHINE_WARN, "constructor");
	assert_int_equal(kmem_cache_alloc_bulk(s[1], QUIET | __GFP_ZERO, 1, &p[1]), 1);
	p[2] = mempool_alloc_slab(QUIET | __GFP_ZERO, s[2]);
	expect_no_reports();
	for (i = 0; i < 3; i++) {
		assert_int_equal(*(unsigned char *)p[i], 0x11);
		kmem_cache_free(s[i], p[i]);
		kmem_cache_destroy(s[i]);
	}
	test_shutdown(m, 0);
}

static void pools_that_cannot_be(void **state)
{
	struct machine *m = test_boot(PLAIN);
	mempool_t *none;
	void *p;

	cache = kmem_cache_create("every", 64, 0, 0, NULL);
	assert_null(mempool_create_slab_pool(0, cache));
	expect_report(MACHINE_WARN, "a reserve of 0 elements");
	assert_null(mempool_create_page_pool(-1, 0));
	expect_report(MACHINE_WARN, "a reserve of -1 elements");
	assert_int_equal(mempool_init(&pool, 2, mempool_alloc_slab, mempool_free_slab, cache), 0);
	p = mempool_alloc(&pool, GFP_KERNEL);
	mempool_exit(&pool);
	expect_report(MACHINE_WARN, "1 element is still out");
	none = &pool;
	mempool_free(p, none);
	mempool_exit(&pool);
	/* Once more is nothing. */
	mempool_exit(&pool);
	mempool_free_slab(&pool, cache);
	expect_report(MACHINE_BUG, "no slab");
	kmem_cache_destroy(cache);
	test_shutdown(m, 0);
}

struct waiting {
	struct rcu_head rcu;
	int value;
};

static void small_questions(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct page *page = alloc_page(GFP_KERNEL), *movable = alloc_page(GFP_HIGHUSER_MOVABLE);
	struct waiting *w = kmalloc(100000, GFP_KERNEL);
	uint64_t held = test_stats().large_pages;

	assert_int_equal(get_pageblock_migratetype(movable), 1);
	assert_int_equal(get_pageblock_migratetype(page), 0);
	assert_true(ZERO_OR_NULL_PTR(NULL));
	assert_true(ZERO_OR_NULL_PTR(ZERO_SIZE_PTR));
	assert_false(ZERO_OR_NULL_PTR(w));
	__might_sleep("here.c", 1);
	expect_no_reports();
	preempt_disable();
	__might_sleep("here.c", 1);
	expect_report(MACHINE_WARN, "here.c:1");
	preempt_enable();
	kfree_call_rcu(&w->rcu, w);
	assert_int_equal(test_stats().large_pages, held);
	rcu_barrier();
	assert_int_equal(test_stats().large_pages, 0);
	__free_page(page);
	__free_page(movable);
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_allocation_fails_without_memory),
	cmocka_unit_test(no_call_zeroes_constructed_objects),
	cmocka_unit_test(pools_that_cannot_be),
	cmocka_unit_test(small_questions),
};
TEST_GROUP(every, tests);
