/* SPDX-License-Identifier: MIT */
/*
 * What holds for every public function of a kind: with no memory left each that allocates fails and
 * loses nothing, and works again when there is some; with no machine each says so once and fails.
 */
#include "conformance.h"

#include <errno.h>

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

/* One call that a thread without a machine makes; true if it failed as its header says. */
struct call {
	const char *name;
	bool (*fails)(void);
};

#define FAILS(what, ...)                                                                \
	static bool what(void)                                                              \
	{                                                                                   \
		return __VA_ARGS__;                                                             \
	}
#define SILENT(what, ...)                                                               \
	static bool what(void)                                                              \
	{                                                                                   \
		__VA_ARGS__;                                                                    \
		return true;                                                                    \
	}

static char block[4096];
static char text[64];
static struct rcu_head head;
static struct mmu_walk_result walked;
static struct mmu_regs regs;
static struct mmu_tlb_translation peeked;
static struct mmu_counters mmu_counts;
static struct kmem_stats stats;
static struct kmem_zone_stats zone_stats;
static struct kmem_arena arena;

static struct shrinker shrinker;
static struct notifier_block notifier;
static struct kswapd_state kswapd;

FAILS(without_alloc_pages, !alloc_pages(GFP_KERNEL, 0))
FAILS(without_alloc_page, !alloc_page(GFP_KERNEL))
FAILS(without_alloc_pages_node, !alloc_pages_node(0, GFP_KERNEL, 0))
FAILS(without_alloc_pages_bulk_array, !alloc_pages_bulk_array(GFP_KERNEL, 1, &some_page))
FAILS(without_get_free_pages, !__get_free_pages(GFP_KERNEL, 0))
FAILS(without_get_free_page, !__get_free_page(GFP_KERNEL))
FAILS(without_get_zeroed_page, !get_zeroed_page(GFP_KERNEL))
FAILS(without_alloc_pages_exact, !alloc_pages_exact(1, GFP_KERNEL))
FAILS(without_alloc_pages_bulk_array_node, !alloc_pages_bulk_array_node(GFP_KERNEL, 0, 1, &some_page))
FAILS(without_alloc_pages_exact_nid, !alloc_pages_exact_nid(0, 1, GFP_KERNEL))
FAILS(without_alloc_contig_range, alloc_contig_range(1, 2, 1, GFP_KERNEL) < 0)
FAILS(without_alloc_contig_pages, !alloc_contig_pages(1, GFP_KERNEL, 0, NULL))
SILENT(without_free_contig_range, free_contig_range(1, 1))
FAILS(without_get_page_unless_zero, !get_page_unless_zero((struct page *)block))
FAILS(without_page_ref_count, !page_ref_count((struct page *)block))
SILENT(without_page_ref_add, page_ref_add((struct page *)block, 1))
SILENT(without_page_ref_inc, page_ref_inc((struct page *)block))
SILENT(without_page_ref_sub, page_ref_sub((struct page *)block, 1))
FAILS(without_page_private, !page_private((struct page *)block))
SILENT(without_set_page_private, set_page_private((struct page *)block, 1))
FAILS(without_PageHead, !PageHead((struct page *)block))
FAILS(without_PageTail, !PageTail((struct page *)block))
FAILS(without_PageCompound, !PageCompound((struct page *)block))
FAILS(without_PageSlab, !PageSlab((struct page *)block))
FAILS(without_PageBuddy, !PageBuddy((struct page *)block))
FAILS(without_PageReserved, !PageReserved((struct page *)block))
SILENT(without_dump_page, dump_page((struct page *)block, "none"))
SILENT(without_free_pages_exact, free_pages_exact(block, 1))
SILENT(without_free_block, __free_pages((struct page *)block, 0))
SILENT(without_free_one_page, __free_page((struct page *)block))
SILENT(without_free_pages, free_pages((unsigned long)block, 0))
SILENT(without_free_page, free_page((unsigned long)block))
SILENT(without_drain_local_pages, drain_local_pages())
SILENT(without_drain_all_pages, drain_all_pages())
FAILS(without_page_to_pfn, !page_to_pfn((struct page *)block))
FAILS(without_pfn_to_page, !pfn_to_page(1))
FAILS(without_page_to_phys, !page_to_phys((struct page *)block))
FAILS(without_page_address, !page_address((struct page *)block))
FAILS(without_virt_to_page, !virt_to_page(block))
FAILS(without_virt_addr_valid, !virt_addr_valid(block))
FAILS(without_pa, !__pa((unsigned long)block))
FAILS(without_va, !__va(4096))
FAILS(without_ptr_to_kva, !ptr_to_kva(block))
FAILS(without_kva_to_ptr, !kva_to_ptr(4096))
SILENT(without_page_zonenum, (void)page_zonenum((struct page *)block))
FAILS(without_page_to_nid, page_to_nid((struct page *)block) < 0)
SILENT(without_compound_head, (void)compound_head((struct page *)block))
FAILS(without_compound_order, !compound_order((struct page *)block))
FAILS(without_get_pageblock_migratetype, !get_pageblock_migratetype((struct page *)block))
FAILS(without_page_count, !page_count((struct page *)block))
SILENT(without_get_page, get_page((struct page *)block))
SILENT(without_put_page, put_page((struct page *)block))
SILENT(without_split_page, split_page((struct page *)block, 1))
FAILS(without_totalram_pages, !totalram_pages())
FAILS(without_nr_free_pages, !nr_free_pages())
FAILS(without_kmem_cache_create, !kmem_cache_create("none", 10, 0, 0, NULL))
FAILS(without_kmem_cache_create_usercopy, !kmem_cache_create_usercopy("none", 10, 0, 0, 0, 1, NULL))
FAILS(without_kmalloc, !kmalloc(10, GFP_KERNEL))
FAILS(without_kmalloc_node, !kmalloc_node(10, GFP_KERNEL, 0))
FAILS(without_kzalloc, !kzalloc(10, GFP_KERNEL))
FAILS(without_kzalloc_node, !kzalloc_node(10, GFP_KERNEL, 0))
FAILS(without_kmalloc_array, !kmalloc_array(2, 5, GFP_KERNEL))
FAILS(without_kmalloc_array_node, !kmalloc_array_node(2, 5, GFP_KERNEL, 0))
FAILS(without_kcalloc, !kcalloc(2, 5, GFP_KERNEL))
FAILS(without_kcalloc_node, !kcalloc_node(2, 5, GFP_KERNEL, 0))
FAILS(without_krealloc, !krealloc(NULL, 10, GFP_KERNEL))
FAILS(without_krealloc_array, !krealloc_array(NULL, 2, 5, GFP_KERNEL))
SILENT(without_kfree, kfree(block))
SILENT(without_kfree_sensitive, kfree_sensitive(block))
SILENT(without_kfree_bulk, kfree_bulk(1, (void *[]){ block }))
FAILS(without_ksize, !ksize(block))
FAILS(without_kmemdup, !kmemdup(text, 10, GFP_KERNEL))
FAILS(without_kmemdup_nul, !kmemdup_nul(text, 10, GFP_KERNEL))
FAILS(without_kstrdup, !kstrdup(text, GFP_KERNEL))
FAILS(without_kstrndup, !kstrndup(text, 10, GFP_KERNEL))
FAILS(without_kvmalloc, !kvmalloc(10, GFP_KERNEL))
FAILS(without_kvmalloc_node, !kvmalloc_node(10, GFP_KERNEL, 0))
FAILS(without_kvzalloc, !kvzalloc(10, GFP_KERNEL))
FAILS(without_kvzalloc_node, !kvzalloc_node(10, GFP_KERNEL, 0))
FAILS(without_kvmalloc_array, !kvmalloc_array(2, 5, GFP_KERNEL))
FAILS(without_kvcalloc, !kvcalloc(2, 5, GFP_KERNEL))
FAILS(without_kvrealloc, !kvrealloc(NULL, 0, 10, GFP_KERNEL))
SILENT(without_kvfree, kvfree(block))
SILENT(without_kvfree_sensitive, kvfree_sensitive(block, 10))
FAILS(without_kmem_check_usercopy, kmem_check_usercopy(block, 10, true) < 0)
FAILS(without_mempool_create, !mempool_create(1, mempool_kmalloc, mempool_kfree, (void *)10ul))
FAILS(without_mempool_create_node, !mempool_create_node(1, mempool_kmalloc, mempool_kfree, (void *)10ul, GFP_KERNEL, 0))
FAILS(without_mempool_create_kmalloc_pool, !mempool_create_kmalloc_pool(1, 10))
FAILS(without_mempool_create_page_pool, !mempool_create_page_pool(1, 0))
FAILS(without_mempool_init, mempool_init(&pool, 1, mempool_kmalloc, mempool_kfree, (void *)10ul) < 0)
FAILS(without_mempool_kmalloc, !mempool_kmalloc(GFP_KERNEL, (void *)10ul))
SILENT(without_mempool_kfree, mempool_kfree(block, NULL))
FAILS(without_mempool_alloc_pages, !mempool_alloc_pages(GFP_KERNEL, NULL))
SILENT(without_mempool_free_pages, mempool_free_pages(block, NULL))
FAILS(without_vmalloc, !vmalloc(10))
FAILS(without_vzalloc, !vzalloc(10))
SILENT(without_vfree, vfree(block))
FAILS(without_vmalloc_user, !vmalloc_user(4 * PAGE_SIZE))
FAILS(without_vmalloc_node, !vmalloc_node(4 * PAGE_SIZE, 0))
FAILS(without_vzalloc_node, !vzalloc_node(4 * PAGE_SIZE, 0))
FAILS(without_vmalloc_32, !vmalloc_32(4 * PAGE_SIZE))
FAILS(without_vmalloc_32_user, !vmalloc_32_user(4 * PAGE_SIZE))
FAILS(without_vmalloc_huge, !vmalloc_huge(4 * PAGE_SIZE, GFP_KERNEL))
FAILS(without___vmalloc, !__vmalloc(4 * PAGE_SIZE, GFP_KERNEL))
FAILS(without___vmalloc_array, !__vmalloc_array(4, PAGE_SIZE, GFP_KERNEL))
FAILS(without_vmalloc_array, !vmalloc_array(4, PAGE_SIZE))
FAILS(without_vcalloc, !vcalloc(4, PAGE_SIZE))
FAILS(without___vmalloc_node, !__vmalloc_node(4 * PAGE_SIZE, 1, GFP_KERNEL, 0, NULL))
FAILS(without___vmalloc_node_range, !__vmalloc_node_range(4 * PAGE_SIZE, 1, 0, 1, GFP_KERNEL, PAGE_KERNEL, 0, 0, NULL))
FAILS(without_ioremap, !ioremap(0xfe000000, PAGE_SIZE))
FAILS(without_ioremap_uc, !ioremap_uc(0xfe000000, PAGE_SIZE))
FAILS(without_ioremap_wc, !ioremap_wc(0xfe000000, PAGE_SIZE))
FAILS(without_ioremap_wt, !ioremap_wt(0xfe000000, PAGE_SIZE))
FAILS(without_ioremap_cache, !ioremap_cache(0xfe000000, PAGE_SIZE))
FAILS(without_vmap_pfn, !vmap_pfn(&no_ram, 1, PAGE_KERNEL))
FAILS(without_vm_map_ram, !vm_map_ram(&some_page, 1, NUMA_NO_NODE))
SILENT(without_vm_unmap_ram, vm_unmap_ram(block, 1))
SILENT(without_vfree_atomic, vfree_atomic(block))
FAILS(without_vread, !vread(block, block, 1))
FAILS(without_copy_vmalloc_range, copy_vmalloc_range(block, block, 1, 0) == -ENODEV)
FAILS(without_vmalloc_start_addr, !vmalloc_start_addr())
FAILS(without_vmalloc_end_addr, !vmalloc_end_addr())
FAILS(without_vmalloc_nr_pages, !vmalloc_nr_pages())
FAILS(without_machine_device_add, machine_device_add(0, PAGE_SIZE, NULL, NULL) == -ENODEV)
FAILS(without_machine_device_remove, machine_device_remove(0) == -ENODEV)
SILENT(without_iounmap, iounmap(block))
FAILS(without_PageHighMem, !PageHighMem(some_page))
FAILS(without_kmap, !kmap(some_page))
SILENT(without_kunmap, kunmap(some_page))
SILENT(without_kmap_flush_unused, kmap_flush_unused())
FAILS(without_kmap_to_page, !kmap_to_page(block))
FAILS(without_kmap_local_page, !kmap_local_page(some_page))
SILENT(without_kunmap_local, kunmap_local(block))
FAILS(without_kmap_atomic, !kmap_atomic(some_page))
FAILS(without_vmap, !vmap(&some_page, 1, VM_MAP, PAGE_KERNEL))
SILENT(without_vunmap, vunmap(block))
FAILS(without_vmalloc_to_page, !vmalloc_to_page(block))
FAILS(without_vmalloc_to_pfn, !vmalloc_to_pfn(block))
FAILS(without_is_vmalloc_addr, !is_vmalloc_addr(block))
SILENT(without_vm_unmap_aliases, vm_unmap_aliases())
FAILS(without_find_vm_area, !find_vm_area(block))
SILENT(without_rcu_read_lock, rcu_read_lock())
SILENT(without_rcu_read_unlock, rcu_read_unlock())
SILENT(without_call_rcu, call_rcu(&head, NULL))
SILENT(without_kfree_call_rcu, kfree_call_rcu(&head, block))
SILENT(without_synchronize_rcu, synchronize_rcu())
SILENT(without_rcu_barrier, rcu_barrier())
FAILS(without_rcu_advance, !rcu_advance())
FAILS(without_register_shrinker, register_shrinker(&shrinker, "s") < 0)
SILENT(without_unregister_shrinker, unregister_shrinker(&shrinker))
SILENT(without_synchronize_shrinkers, synchronize_shrinkers())
FAILS(without_drop_slab, !drop_slab())
FAILS(without_machine_kswapd, machine_kswapd(0) < 0)
FAILS(without_machine_kswapd_state, machine_kswapd_state(0, &kswapd) < 0)
FAILS(without_register_oom_notifier, register_oom_notifier(&notifier) < 0)
FAILS(without_unregister_oom_notifier, unregister_oom_notifier(&notifier) < 0)
FAILS(without_sysctl_write, sysctl_write("vm.min_free_kbytes", "1000") < 0)
FAILS(without_sysctl_read, sysctl_read("vm.min_free_kbytes", NULL, 0) < 0)
FAILS(without_kmem_get_stats, kmem_get_stats(&stats) < 0)
SILENT(without_kmem_stats_reset_peak, kmem_stats_reset_peak())
FAILS(without_kmem_cache_of, !kmem_cache_of(block))
FAILS(without_kmem_slab_base, !kmem_slab_base(block))
FAILS(without_kmem_is_large, !kmem_is_large(block, NULL))
FAILS(without_kmem_find_cache, !kmem_find_cache("none"))
SILENT(without_kmem_set_slab_event_hook, kmem_set_slab_event_hook(NULL, NULL))
FAILS(without_kmem_get_zone_stats, kmem_get_zone_stats(0, KMEM_ZONE_NORMAL, &zone_stats) < 0)
FAILS(without_kmem_zone_print_lists, kmem_zone_print_lists(0, KMEM_ZONE_NORMAL, 0, text, sizeof(text)) < 0)
FAILS(without_kmem_make_arena, kmem_make_arena(1, KMEM_ZONE_NORMAL, 0, &arena) < 0)
FAILS(without_kmem_zone_set_pcp, kmem_zone_set_pcp(0, KMEM_ZONE_NORMAL, 1, 1) < 0)
FAILS(without_kmem_zone_set_watermarks, kmem_zone_set_watermarks(0, KMEM_ZONE_NORMAL, 1, 1, 1, 1) < 0)
SILENT(without_preempt_disable, preempt_disable())
SILENT(without_preempt_enable, preempt_enable())
SILENT(without_local_bh_disable, local_bh_disable())
SILENT(without_local_bh_enable, local_bh_enable())
SILENT(without_irq_enter, irq_enter())
SILENT(without_irq_exit, irq_exit())
SILENT(without_local_irq_disable, local_irq_disable())
SILENT(without_local_irq_enable, local_irq_enable())
FAILS(without_irqs_disabled, !irqs_disabled())
FAILS(without_preempt_count, !preempt_count())
FAILS(without_in_hardirq, !in_hardirq())
FAILS(without_in_softirq, !in_softirq())
FAILS(without_in_interrupt, !in_interrupt())
SILENT(without_in_task, (void)in_task())
FAILS(without_in_atomic, !in_atomic())
SILENT(without_might_sleep, might_sleep())
FAILS(without_smp_processor_id, smp_processor_id() < 0)
FAILS(without_numa_node_id, numa_node_id() < 0)
FAILS(without_machine_trim, !machine_trim())
FAILS(without_memblock_alloc, !memblock_alloc(8, 8))
FAILS(without_memblock_reserve, memblock_reserve(0, PAGE_SIZE) < 0)
FAILS(without_memblock_is_memory, !memblock_is_memory(0))
FAILS(without_cpu_migrate, cpu_migrate(0) < 0)
FAILS(without_proc_read, proc_read("buddyinfo", text, sizeof(text)) < 0)
FAILS(without_proc_write_to, proc_write_to("buddyinfo", NULL, NULL) < 0)
FAILS(without_mmu_walk, mmu_walk(4096, 0, &walked) < 0)
FAILS(without_mmu_walk_regs, mmu_walk_regs(&regs, 4096, 0, &walked) < 0)
FAILS(without_mmu_get_regs, mmu_get_regs(&regs) < 0)
FAILS(without_mmu_set_regs, mmu_set_regs(&regs) < 0)
FAILS(without_mmu_load_cr3, mmu_load_cr3(4096) < 0)
FAILS(without_mmu_get_cr2, !mmu_get_cr2())
FAILS(without_mmu_read, mmu_read(4096, text, 8, 0, NULL) < 0)
FAILS(without_mmu_write, mmu_write(4096, text, 8, 0, NULL) < 0)
FAILS(without_mmu_fetch, mmu_fetch(4096, text, 8, 0, NULL) < 0)
FAILS(without_mmu_set_fault_handler, mmu_set_fault_handler(NULL, NULL) < 0)
FAILS(without_mmu_invlpg, mmu_invlpg(4096) < 0)
FAILS(without_mmu_invpcid, mmu_invpcid(X86_INVPCID_ALL, 0, 0) < 0)
FAILS(without_mmu_shootdown, mmu_shootdown(4096, 8192) < 0)
FAILS(without_mmu_tlb_peek, mmu_tlb_peek(4096, &peeked) < 0)
FAILS(without_mmu_get_counters, mmu_get_counters(0, &mmu_counts) < 0)
FAILS(without_mmu_phys_read, mmu_phys_read(4096, text, 8) < 0)
FAILS(without_mmu_phys_write, mmu_phys_write(4096, text, 8) < 0)
FAILS(without_mmu_phys_clear, mmu_phys_clear(4096, 4096) < 0)

static const struct call calls[] = {
	{ "alloc_pages", without_alloc_pages },
	{ "alloc_page", without_alloc_page },
	{ "alloc_pages_node", without_alloc_pages_node },
	{ "alloc_pages_bulk_array", without_alloc_pages_bulk_array },
	{ "__get_free_pages", without_get_free_pages },
	{ "__get_free_page", without_get_free_page },
	{ "get_zeroed_page", without_get_zeroed_page },
	{ "alloc_pages_exact", without_alloc_pages_exact },
	{ "alloc_pages_bulk_array_node", without_alloc_pages_bulk_array_node },
	{ "alloc_pages_exact_nid", without_alloc_pages_exact_nid },
	{ "alloc_contig_range", without_alloc_contig_range },
	{ "alloc_contig_pages", without_alloc_contig_pages },
	{ "free_contig_range", without_free_contig_range },
	{ "get_page_unless_zero", without_get_page_unless_zero },
	{ "page_ref_add", without_page_ref_add },
	{ "page_ref_inc", without_page_ref_inc },
	{ "page_ref_sub", without_page_ref_sub },
	{ "set_page_private", without_set_page_private },
	{ "PageReserved", without_PageReserved },
	{ "dump_page", without_dump_page },
	{ "free_pages_exact", without_free_pages_exact },
	{ "__free_pages", without_free_block },
	{ "__free_page", without_free_one_page },
	{ "free_pages", without_free_pages },
	{ "free_page", without_free_page },
	{ "drain_local_pages", without_drain_local_pages },
	{ "drain_all_pages", without_drain_all_pages },
	{ "page_to_pfn", without_page_to_pfn },
	{ "pfn_to_page", without_pfn_to_page },
	{ "page_to_phys", without_page_to_phys },
	{ "page_address", without_page_address },
	{ "virt_to_page", without_virt_to_page },
	{ "virt_addr_valid", without_virt_addr_valid },
	{ "__pa", without_pa },
	{ "__va", without_va },
	{ "ptr_to_kva", without_ptr_to_kva },
	{ "kva_to_ptr", without_kva_to_ptr },
	{ "page_zonenum", without_page_zonenum },
	{ "page_to_nid", without_page_to_nid },
	{ "get_pageblock_migratetype", without_get_pageblock_migratetype },
	{ "get_page", without_get_page },
	{ "put_page", without_put_page },
	{ "split_page", without_split_page },
	{ "totalram_pages", without_totalram_pages },
	{ "nr_free_pages", without_nr_free_pages },
	{ "kmem_cache_create", without_kmem_cache_create },
	{ "kmem_cache_create_usercopy", without_kmem_cache_create_usercopy },
	{ "kmalloc", without_kmalloc },
	{ "kmalloc_node", without_kmalloc_node },
	{ "kzalloc", without_kzalloc },
	{ "kzalloc_node", without_kzalloc_node },
	{ "kmalloc_array", without_kmalloc_array },
	{ "kmalloc_array_node", without_kmalloc_array_node },
	{ "kcalloc", without_kcalloc },
	{ "kcalloc_node", without_kcalloc_node },
	{ "krealloc", without_krealloc },
	{ "krealloc_array", without_krealloc_array },
	{ "kfree", without_kfree },
	{ "kfree_sensitive", without_kfree_sensitive },
	{ "kfree_bulk", without_kfree_bulk },
	{ "ksize", without_ksize },
	{ "kmemdup", without_kmemdup },
	{ "kmemdup_nul", without_kmemdup_nul },
	{ "kstrdup", without_kstrdup },
	{ "kstrndup", without_kstrndup },
	{ "kvmalloc", without_kvmalloc },
	{ "kvmalloc_node", without_kvmalloc_node },
	{ "kvzalloc", without_kvzalloc },
	{ "kvzalloc_node", without_kvzalloc_node },
	{ "kvmalloc_array", without_kvmalloc_array },
	{ "kvcalloc", without_kvcalloc },
	{ "kvrealloc", without_kvrealloc },
	{ "kvfree", without_kvfree },
	{ "kvfree_sensitive", without_kvfree_sensitive },
	{ "kmem_check_usercopy", without_kmem_check_usercopy },
	{ "mempool_create", without_mempool_create },
	{ "mempool_create_node", without_mempool_create_node },
	{ "mempool_create_kmalloc_pool", without_mempool_create_kmalloc_pool },
	{ "mempool_create_page_pool", without_mempool_create_page_pool },
	{ "mempool_init", without_mempool_init },
	{ "mempool_kmalloc", without_mempool_kmalloc },
	{ "mempool_kfree", without_mempool_kfree },
	{ "mempool_alloc_pages", without_mempool_alloc_pages },
	{ "mempool_free_pages", without_mempool_free_pages },
	{ "vmalloc", without_vmalloc },
	{ "vzalloc", without_vzalloc },
	{ "vfree", without_vfree },
	{ "vmap", without_vmap },
	{ "vmalloc_user", without_vmalloc_user },
	{ "vmalloc_node", without_vmalloc_node },
	{ "vzalloc_node", without_vzalloc_node },
	{ "vmalloc_32", without_vmalloc_32 },
	{ "vmalloc_32_user", without_vmalloc_32_user },
	{ "vmalloc_huge", without_vmalloc_huge },
	{ "__vmalloc", without___vmalloc },
	{ "__vmalloc_array", without___vmalloc_array },
	{ "vmalloc_array", without_vmalloc_array },
	{ "vcalloc", without_vcalloc },
	{ "__vmalloc_node", without___vmalloc_node },
	{ "__vmalloc_node_range", without___vmalloc_node_range },
	{ "ioremap", without_ioremap },
	{ "ioremap_uc", without_ioremap_uc },
	{ "ioremap_wc", without_ioremap_wc },
	{ "ioremap_wt", without_ioremap_wt },
	{ "ioremap_cache", without_ioremap_cache },
	{ "vmap_pfn", without_vmap_pfn },
	{ "vm_map_ram", without_vm_map_ram },
	{ "vm_unmap_ram", without_vm_unmap_ram },
	{ "vfree_atomic", without_vfree_atomic },
	{ "vread", without_vread },
	{ "copy_vmalloc_range", without_copy_vmalloc_range },
	{ "vmalloc_start_addr", without_vmalloc_start_addr },
	{ "vmalloc_end_addr", without_vmalloc_end_addr },
	{ "vmalloc_nr_pages", without_vmalloc_nr_pages },
	{ "machine_device_add", without_machine_device_add },
	{ "machine_device_remove", without_machine_device_remove },
	{ "iounmap", without_iounmap },
	{ "PageHighMem", without_PageHighMem },
	{ "kmap", without_kmap },
	{ "kunmap", without_kunmap },
	{ "kmap_flush_unused", without_kmap_flush_unused },
	{ "kmap_to_page", without_kmap_to_page },
	{ "kmap_local_page", without_kmap_local_page },
	{ "kunmap_local", without_kunmap_local },
	{ "kmap_atomic", without_kmap_atomic },
	{ "vunmap", without_vunmap },
	{ "vmalloc_to_page", without_vmalloc_to_page },
	{ "vmalloc_to_pfn", without_vmalloc_to_pfn },
	{ "is_vmalloc_addr", without_is_vmalloc_addr },
	{ "vm_unmap_aliases", without_vm_unmap_aliases },
	{ "find_vm_area", without_find_vm_area },
	{ "rcu_read_lock", without_rcu_read_lock },
	{ "call_rcu", without_call_rcu },
	{ "kfree_call_rcu", without_kfree_call_rcu },
	{ "synchronize_rcu", without_synchronize_rcu },
	{ "rcu_barrier", without_rcu_barrier },
	{ "rcu_advance", without_rcu_advance },
	{ "register_shrinker", without_register_shrinker },
	{ "unregister_shrinker", without_unregister_shrinker },
	{ "synchronize_shrinkers", without_synchronize_shrinkers },
	{ "drop_slab", without_drop_slab },
	{ "machine_kswapd", without_machine_kswapd },
	{ "machine_kswapd_state", without_machine_kswapd_state },
	{ "register_oom_notifier", without_register_oom_notifier },
	{ "unregister_oom_notifier", without_unregister_oom_notifier },
	{ "sysctl_write", without_sysctl_write },
	{ "sysctl_read", without_sysctl_read },
	{ "kmem_get_stats", without_kmem_get_stats },
	{ "kmem_stats_reset_peak", without_kmem_stats_reset_peak },
	{ "kmem_cache_of", without_kmem_cache_of },
	{ "kmem_slab_base", without_kmem_slab_base },
	{ "kmem_is_large", without_kmem_is_large },
	{ "kmem_find_cache", without_kmem_find_cache },
	{ "kmem_set_slab_event_hook", without_kmem_set_slab_event_hook },
	{ "kmem_get_zone_stats", without_kmem_get_zone_stats },
	{ "kmem_zone_print_lists", without_kmem_zone_print_lists },
	{ "kmem_make_arena", without_kmem_make_arena },
	{ "kmem_zone_set_pcp", without_kmem_zone_set_pcp },
	{ "kmem_zone_set_watermarks", without_kmem_zone_set_watermarks },
	{ "smp_processor_id", without_smp_processor_id },
	{ "numa_node_id", without_numa_node_id },
	{ "machine_trim", without_machine_trim },
	{ "memblock_alloc", without_memblock_alloc },
	{ "memblock_reserve", without_memblock_reserve },
	{ "memblock_is_memory", without_memblock_is_memory },
	{ "cpu_migrate", without_cpu_migrate },
	{ "proc_read", without_proc_read },
	{ "proc_write_to", without_proc_write_to },
	{ "mmu_walk", without_mmu_walk },
	{ "mmu_walk_regs", without_mmu_walk_regs },
	{ "mmu_get_regs", without_mmu_get_regs },
	{ "mmu_set_regs", without_mmu_set_regs },
	{ "mmu_load_cr3", without_mmu_load_cr3 },
	{ "mmu_get_cr2", without_mmu_get_cr2 },
	{ "mmu_read", without_mmu_read },
	{ "mmu_write", without_mmu_write },
	{ "mmu_fetch", without_mmu_fetch },
	{ "mmu_set_fault_handler", without_mmu_set_fault_handler },
	{ "mmu_invlpg", without_mmu_invlpg },
	{ "mmu_invpcid", without_mmu_invpcid },
	{ "mmu_shootdown", without_mmu_shootdown },
	{ "mmu_tlb_peek", without_mmu_tlb_peek },
	{ "mmu_get_counters", without_mmu_get_counters },
	{ "mmu_phys_read", without_mmu_phys_read },
	{ "mmu_phys_write", without_mmu_phys_write },
	{ "mmu_phys_clear", without_mmu_phys_clear },
};

/* Questions about the thread or a page itself. */
static const struct call calls_that_need_none[] = {
	{ "compound_head", without_compound_head },
	{ "compound_order", without_compound_order },
	{ "page_count", without_page_count },
	{ "page_ref_count", without_page_ref_count },
	{ "page_private", without_page_private },
	{ "PageHead", without_PageHead },
	{ "PageTail", without_PageTail },
	{ "PageCompound", without_PageCompound },
	{ "PageSlab", without_PageSlab },
	{ "PageBuddy", without_PageBuddy },
	{ "rcu_read_unlock", without_rcu_read_unlock },
	{ "preempt_disable", without_preempt_disable },
	{ "preempt_enable", without_preempt_enable },
	{ "local_bh_disable", without_local_bh_disable },
	{ "local_bh_enable", without_local_bh_enable },
	{ "irq_enter", without_irq_enter },
	{ "irq_exit", without_irq_exit },
	{ "local_irq_disable", without_local_irq_disable },
	{ "local_irq_enable", without_local_irq_enable },
	{ "irqs_disabled", without_irqs_disabled },
	{ "preempt_count", without_preempt_count },
	{ "in_hardirq", without_in_hardirq },
	{ "in_softirq", without_in_softirq },
	{ "in_interrupt", without_in_interrupt },
	{ "in_task", without_in_task },
	{ "in_atomic", without_in_atomic },
	{ "might_sleep", without_might_sleep },
};

static void check_call(const struct call *c, unsigned int reports)
{
	bool failed;

	test_state.nr_reports = 0;
	failed = c->fails();
	if (!failed || test_state.nr_reports != reports)
		print_error("%s: %s, %u reports\n", c->name, failed ? "failed" : "succeeded",
			    test_state.nr_reports);
	assert_true(failed);
	if (reports)
		expect_report(MACHINE_WARN, "no machine entered");
	expect_no_reports();
}

static void every_call_without_a_machine(void **state)
{
	size_t i;

	test_catch_all();
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		check_call(&calls[i], 1);
	for (i = 0; i < sizeof(calls_that_need_none) / sizeof(calls_that_need_none[0]); i++)
		check_call(&calls_that_need_none[i], 0);
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
	cmocka_unit_test(every_call_without_a_machine),
	cmocka_unit_test(no_call_zeroes_constructed_objects),
	cmocka_unit_test(pools_that_cannot_be),
	cmocka_unit_test(small_questions),
};
TEST_GROUP(every, tests);
