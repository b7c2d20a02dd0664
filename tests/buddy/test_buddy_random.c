/* SPDX-License-Identifier: MIT */
/*
 * Random requests against a plain model: a map of frames that says which block each belongs to.
 * No block overlaps another, every block is where its zone, node and order say, the counters are
 * exact, and when everything is freed all of it has merged again.
 *
 * 10^5 operations; a number as argument runs that many.
 */
#include "buddy_test.h"

#define MAX_LIVE 4096

struct block {
	struct page *page;
	unsigned int order;
	bool compound, slab;
};

struct model {
	struct block live[MAX_LIVE];
	unsigned int nr_live;
	uint64_t pages;		/* held by live blocks */
	unsigned char *owned;	/* by frame */
	uint64_t nr_frames;
	uint64_t seed;
	unsigned long nr_alloc, nr_null;
};

static unsigned long nr_ops = 100000;

static unsigned int rnd(struct model *md, unsigned int n)
{
	return (unsigned int)(test_rand(&md->seed) % n);
}

static unsigned int random_order(struct model *md)
{
	/* Half single pages, the rest falling off, now and then the largest. */
	unsigned int order = (unsigned int)__builtin_ctzll(test_rand(&md->seed) | 1ull << TOP_ORDER);

	return rnd(md, 50) ? order : rnd(md, MAX_ORDER);
}

static gfp_t random_gfp(struct model *md)
{
	static const gfp_t gfps[] = {
		GFP_KERNEL, GFP_ATOMIC, GFP_NOWAIT, GFP_HIGHUSER_MOVABLE, GFP_HIGHUSER,
		GFP_KERNEL | __GFP_RECLAIMABLE, GFP_DMA | GFP_NOWAIT, GFP_DMA32 | GFP_KERNEL,
		GFP_NOWAIT | __GFP_MEMALLOC, GFP_KERNEL | __GFP_THISNODE,
	};

	return gfps[rnd(md, sizeof(gfps) / sizeof(gfps[0]))] | __GFP_NOWARN;
}

static void own(struct model *md, const struct block *block, bool take)
{
	unsigned long pfn = page_to_pfn(block->page);

	assert_int_equal(pfn & ((1ul << block->order) - 1), 0);
	assert_true(pfn + (1ul << block->order) <= md->nr_frames);
	for (unsigned long i = 0; i < 1ul << block->order; i++) {
		assert_int_equal(md->owned[pfn + i], !take);
		md->owned[pfn + i] = take;
	}
	if (take)
		md->pages += 1ul << block->order;
	else
		md->pages -= 1ul << block->order;
}

static void check_block(const struct block *block, gfp_t gfp, int nid)
{
	unsigned int zone = page_zonenum(block->page);

	if (gfp & __GFP_DMA)
		assert_int_equal(zone, KMEM_ZONE_DMA);
	if (gfp & __GFP_DMA32)
		assert_true(zone <= KMEM_ZONE_NORMAL);
	if (gfp & __GFP_THISNODE && nid >= 0)
		assert_int_equal(page_to_nid(block->page), nid);
	assert_int_equal(page_count(block->page), 1);
}

static void alloc_one(struct model *md)
{
	struct block block = {NULL, random_order(md), !rnd(md, 4), !rnd(md, 4)};
	int nid = rnd(md, 3) ? NUMA_NO_NODE : (int)rnd(md, buddy_nr_nodes(arch_kernel()));
	gfp_t gfp = random_gfp(md);

	if (md->nr_live == MAX_LIVE)
		return;
	if (block.slab)
		block.page = buddy_alloc_slab(arch_kernel(), gfp & ~__GFP_HIGHMEM, block.order, nid);
	else
		block.page = alloc_pages_node(nid, block.compound ? gfp | __GFP_COMP : gfp, block.order);
	if (!block.page) {
		md->nr_null++;
		return;
	}
	check_block(&block, gfp, nid);
	own(md, &block, true);
	md->live[md->nr_live++] = block;
	md->nr_alloc++;
}

static void free_nth(struct model *md, unsigned int n)
{
	struct block block = md->live[n];

	own(md, &block, false);
	if (block.slab)
		buddy_free_slab(arch_kernel(), block.page, block.order);
	else
		__free_pages(block.page, block.order);
	md->live[n] = md->live[--md->nr_live];
}

/* One block becomes single pages. */
static void split_nth(struct model *md, unsigned int n)
{
	struct block *block = &md->live[n];
	unsigned int order = block->order;

	if (block->slab || (block->compound && order) || order > 5 || md->nr_live + 32 > MAX_LIVE)
		return;
	split_page(block->page, order);
	block->order = 0;
	for (unsigned long i = 1; i < 1ul << order; i++)
		md->live[md->nr_live++] = (struct block){page_step(block->page, i), 0, false, false};
}

/* Every page is somewhere: on a free list, on a CPU's list, or in the model. */
static void check_sums(struct model *md)
{
	uint64_t free = 0, managed = 0;

	for_each_populated_zone(arch_kernel()->buddy, zone) {
		struct pcp_sum sum;

		check_zone(zone);
		zone_pcp_sum(zone, &sum);
		assert_true(sum.count >= 0);
		free += (uint64_t)zone->nr_free + (uint64_t)sum.count;
		managed += zone->managed;
	}
	assert_int_equal(free + md->pages, managed);
}

static void one_op(struct model *md, bool growing)
{
	unsigned int op = rnd(md, 1000);

	if (op < 3)
		assert_int_equal(cpu_migrate(rnd(md, 2)), 0);
	else if (op < 4)
		drain_all_pages();
	else if (op < 6)
		drain_local_pages();
	else if (op < 20 && md->nr_live)
		split_nth(md, rnd(md, md->nr_live));
	else if (rnd(md, 100) < (growing ? 60u : 40u) || !md->nr_live)
		alloc_one(md);
	else
		free_nth(md, rnd(md, md->nr_live));
}

static void run(const char *desc, unsigned long ops, uint64_t seed)
{
	struct machine *m = test_boot(desc);
	struct model *md = calloc(1, sizeof(*md));
	unsigned long pages = 0;

	assert_non_null(md);
	md->seed = seed;
	md->nr_frames = arch_kernel()->arch->nr_frames;
	md->owned = calloc(1, md->nr_frames);
	assert_non_null(md->owned);
	for (unsigned long i = 0; i < ops; i++) {
		one_op(md, i / 3000 % 2 == 0);
		if (i % 2500 == 0)
			check_sums(md);
	}
	/* The run was of use only if it met both plenty and want. */
	assert_true(md->nr_alloc > ops / 4);
	assert_true(md->nr_null > 0);
	while (md->nr_live)
		free_nth(md, md->nr_live - 1);
	drain_all_pages();
	check_sums(md);
	for_each_populated_zone(arch_kernel()->buddy, zone) {
		assert_int_equal(zone->nr_free, zone->managed);
		pages += (unsigned long)zone->nr_free;
	}
	assert_int_equal(pages, totalram_pages());
	expect_no_reports();
	test_shutdown(m, 0);
	free(md->owned);
	free(md);
}

static void test_against_a_map_of_frames(void **state)
{
	(void)state;
	run("preset=x86_64 mem=48M cpus=2 isolate_metadata=1", nr_ops / 2, 1);
	run("preset=x86_64 mem=96M cpus=2 nodes=2 isolate_metadata=1", nr_ops / 4, 2);
	run("preset=x86_32 ram=1M-64M cpus=2 zonepages=0/DMA:3800:3700,0/Normal:4000:3900,"
	    "0/HighMem:5000:5000 isolate_metadata=1", nr_ops / 4, 3);
}

/* After the wildest fragmentation all blocks are whole again. */
static void test_full_merge(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M cpus=2 isolate_metadata=1");
	struct model *md = calloc(1, sizeof(*md));
	struct buddy_arena arena;

	(void)state;
	assert_non_null(md);
	assert_int_equal(buddy_make_arena(arch_kernel(), 6, KMEM_ZONE_DMA32, MIGRATE_MOVABLE, &arena), 0);
	md->seed = 4;
	md->nr_frames = arch_kernel()->arch->nr_frames;
	md->owned = calloc(1, md->nr_frames);
	assert_non_null(md->owned);
	for (unsigned int round = 0; round < 5; round++) {
		for (unsigned int i = 0; i < 5000; i++)
			one_op(md, i < 3000);
		while (md->nr_live)
			free_nth(md, rnd(md, md->nr_live));
		drain_all_pages();
		check_zones();
		/* Blocks reserved for atomic requests stay apart from others, all the rest is
		 * whole. */
		assert_int_equal(arena.zone->free_area[TOP_ORDER].nr_free +
				 arena.zone->nr_reserved_highatomic / 512 / 2, 6);
		assert_int_equal(arena.zone->nr_free, 6 * TOP_PAGES);
	}
	test_shutdown(m, 0);
	free(md->owned);
	free(md);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_a_map_of_frames),
		cmocka_unit_test(test_full_merge),
	};

	if (argc > 1)
		nr_ops = strtoul(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
