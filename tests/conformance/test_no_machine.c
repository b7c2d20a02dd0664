/* SPDX-License-Identifier: MIT */
/* With no machine every call that needs one says so once and fails. */
#include "conformance.h"

#include <errno.h>

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
static struct page *some_page = (struct page *)block;
static mempool_t pool;
/* Of no RAM. */
static unsigned long no_ram = 0xfe000;
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
FAILS(without_vmalloc_nr_tables, !vmalloc_nr_tables(NULL))
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
	{ "vmalloc_nr_tables", without_vmalloc_nr_tables },
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

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_call_without_a_machine),
};
TEST_GROUP(no_machine, tests);
