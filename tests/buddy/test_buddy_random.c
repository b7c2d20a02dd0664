/* SPDX-License-Identifier: MIT */
/*
 * Random requests of every kind against a plain model: a map of frames that says which are held. No
 * block overlaps another, every block is where its zone, node and order say, what is free and what
 * is held makes up the machine, the counters are exact, a range is to be had if and only if the map
 * says so, and when everything is given back all of it has merged again.
 *
 * A run is made of episodes: a machine, a seed, a list of operations made from it. Each is a process
 * of its own, so that it may fail in any way. If one does, its list is made as short as it will get
 * and still fail (shrink), and is printed.
 *
 *	unit-buddy-random                     10^5 operations
 *	unit-buddy-random OPS [SEED]          so many, from another seed
 *	unit-buddy-random --replay FILE       a list as it was printed
 */
#include "buddy_test.h"

#include "lib/errno.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_LIVE 4096
#define EPISODE_OPS 20000

enum op_kind {
	OP_ALLOC,	/* order, flags, kind and node */
	OP_EXACT,
	OP_BULK,
	OP_CONTIG,	/* certain frames */
	OP_CONTIG_ANY,
	OP_FREE,
	OP_SPLIT,
	OP_GET,
	OP_PUT,
	OP_MIGRATE,
	OP_DRAIN,
	OP_DRAIN_ALL,
	NR_OPS
};

static const char *const op_names[NR_OPS] = {
	"alloc", "exact", "bulk", "contig", "contig-any", "free", "split", "get", "put", "migrate", "drain",
	"drain-all",
};

/* What an operation means depends on what is held when it is done: its words are reduced to what
 * there is, so that any part of a list is a list. */
struct op {
	enum op_kind kind;
	uint32_t a, b, c;
};

static const char *const machines[] = {
	"preset=x86_64 mem=48M cpus=2 isolate_metadata=1",
	"preset=x86_64 mem=96M cpus=3 nodes=2 isolate_metadata=1",
	("preset=x86_32 ram=1M-64M cpus=2 isolate_metadata=1 "
	 "zonepages=0/DMA:3800:3700,0/Normal:4000:3900,0/HighMem:5000:5000"),
	"preset=x86_64 mem=64M cpus=2 thp=1 isolate_metadata=1",
	"preset=x86_64 ram=1M-7M cpus=1 isolate_metadata=1",
	"preset=x86_64 mem=80M cpus=2 isolate_metadata=1 cmdline=\"movablecore=24M\"",
};

#define NR_MACHINES (sizeof(machines) / sizeof(machines[0]))

/* --- the model ------------------------------------------------------------------------------- */

enum block_kind { BLOCK_PLAIN, BLOCK_COMPOUND, BLOCK_SLAB, BLOCK_EXACT };

struct block {
	struct page *page;
	unsigned long nr;	/* pages */
	unsigned int order;	/* but of BLOCK_EXACT, which has none */
	unsigned int extra;	/* references beyond the first */
	enum block_kind kind;
};

struct model {
	struct block live[MAX_LIVE];
	unsigned int nr_live;
	uint64_t pages;			/* held */
	unsigned char *held;		/* by frame */
	uint64_t nr_frames;
	unsigned int nr_cpus;
	uint64_t allocs[MAX_ORDER], frees[MAX_ORDER];
	unsigned long nr_alloc, nr_null, nr_contig, nr_busy;
};

static void hold(struct model *md, const struct page *page, unsigned long nr, bool take)
{
	unsigned long pfn = page_to_pfn(page);

	assert_true(pfn + nr <= md->nr_frames);
	for (unsigned long i = 0; i < nr; i++) {
		assert_int_equal(md->held[pfn + i], !take);
		md->held[pfn + i] = take;
	}
	md->pages = take ? md->pages + nr : md->pages - nr;
}

/* A mark at both ends of each block, that nobody else may write to. */
static void mark(const struct block *b, bool check)
{
	uint64_t *first = page_address(b->page), *last;

	if (!first || b->kind == BLOCK_SLAB)
		return;
	last = first + b->nr * PAGE_SIZE / sizeof(*last) - 1;
	if (check) {
		assert_int_equal(*first, (uintptr_t)b->page);
		assert_int_equal(*last, (uintptr_t)b->page);
	}
	*first = *last = (uintptr_t)b->page;
}

static void add(struct model *md, struct block b)
{
	assert_true(md->nr_live < MAX_LIVE);
	hold(md, b.page, b.nr, true);
	mark(&b, false);
	md->live[md->nr_live++] = b;
	md->nr_alloc++;
}

static bool room_for(const struct model *md, unsigned long nr)
{
	return md->nr_live + nr <= MAX_LIVE;
}

/* --- operations ------------------------------------------------------------------------------ */

static gfp_t op_gfp(uint32_t word)
{
	static const gfp_t gfps[] = {
		GFP_KERNEL, GFP_ATOMIC, GFP_NOWAIT, GFP_HIGHUSER_MOVABLE, GFP_HIGHUSER,
		GFP_KERNEL | __GFP_RECLAIMABLE, GFP_DMA | GFP_NOWAIT, GFP_DMA32 | GFP_KERNEL,
		GFP_NOWAIT | __GFP_MEMALLOC, GFP_KERNEL | __GFP_THISNODE, GFP_KERNEL | __GFP_ZERO,
		GFP_NOFS | __GFP_NOMEMALLOC | __GFP_HIGH,
	};

	return gfps[word % (sizeof(gfps) / sizeof(gfps[0]))] | __GFP_NOWARN;
}

/* Half single pages, the rest falling off, now and then any order. */
static unsigned int op_order(uint32_t word)
{
	unsigned int order = (unsigned int)__builtin_ctz(word | 1u << TOP_ORDER);

	return word >> 16 & 31 ? order : (word >> 21) % MAX_ORDER;
}

static int op_node(uint32_t word)
{
	return word % 3 ? NUMA_NO_NODE : (int)(word / 3 % buddy_nr_nodes(arch_kernel()));
}

static void check_block(const struct block *b, gfp_t gfp, int nid)
{
	unsigned int zone = page_zonenum(b->page);

	assert_int_equal(page_to_pfn(b->page) & ((1ul << b->order) - 1), 0);
	if (gfp & __GFP_DMA)
		assert_int_equal(zone, KMEM_ZONE_DMA);
	if (gfp & __GFP_DMA32)
		assert_true(zone <= KMEM_ZONE_NORMAL);
	if (!(gfp & __GFP_HIGHMEM))
		assert_true(zone != KMEM_ZONE_HIGHMEM);
	if (gfp & __GFP_THISNODE && nid >= 0)
		assert_int_equal(page_to_nid(b->page), nid);
	assert_int_equal(page_count(b->page), 1);
	assert_int_equal(PageCompound(b->page), b->order && b->kind != BLOCK_PLAIN);
	if (gfp & __GFP_ZERO && b->kind != BLOCK_SLAB)
		for (unsigned long i = 0; i < b->nr * PAGE_SIZE; i += 512)
			assert_int_equal(((char *)page_address(b->page))[i], 0);
}

static void do_alloc(struct model *md, const struct op *op)
{
	static const enum block_kind kinds[] = {BLOCK_PLAIN, BLOCK_PLAIN, BLOCK_COMPOUND, BLOCK_SLAB};
	struct block b = {.order = op_order(op->a), .kind = kinds[op->c % 4]};
	gfp_t gfp = op_gfp(op->b);
	int nid = op_node(op->c / 4);

	b.nr = 1ul << b.order;
	if (b.kind == BLOCK_SLAB)
		b.page = buddy_alloc_slab(arch_kernel(), gfp & ~__GFP_HIGHMEM, b.order, nid);
	else
		b.page = alloc_pages_node(nid, b.kind == BLOCK_COMPOUND ? gfp | __GFP_COMP : gfp, b.order);
	if (!b.page) {
		md->nr_null++;
		return;
	}
	check_block(&b, gfp, nid);
	md->allocs[b.order]++;
	add(md, b);
}

static void do_exact(struct model *md, const struct op *op)
{
	struct block b = {.nr = op->a % 40 + 1, .kind = BLOCK_EXACT};
	unsigned int order = 0;
	void *p = alloc_pages_exact_nid(op_node(op->c), b.nr * PAGE_SIZE - op->b % PAGE_SIZE,
					GFP_KERNEL | __GFP_NOWARN);

	if (!p) {
		md->nr_null++;
		return;
	}
	while (1ul << order < b.nr)
		order++;
	md->allocs[order]++;
	md->frees[0] += (1ul << order) - b.nr;
	b.page = virt_to_page(p);
	add(md, b);
}

static void do_bulk(struct model *md, const struct op *op)
{
	struct page *pages[64] = {NULL};
	unsigned long nr = op->a % 64 + 1, got;

	if (!room_for(md, nr))
		return;
	got = alloc_pages_bulk_array_node(op_gfp(op->b), op_node(op->c), nr, pages);
	assert_true(got <= nr);
	for (unsigned long i = 0; i < nr; i++)
		assert_int_equal(pages[i] != NULL, i < got);
	for (unsigned long i = 0; i < got; i++)
		add(md, (struct block){.page = pages[i], .nr = 1});
	md->allocs[0] += got;
	md->nr_null += !got;
}

/* What alloc_contig_range() has to say about a range. */
static int expect_contig(const struct model *md, unsigned long pfn, unsigned long end)
{
	struct buddy *b = arch_kernel()->buddy;
	struct zone *zone = zone_of_pfn(b, pfn);

	if (!zone || zone_of_pfn(b, end - 1) != zone)
		return -EINVAL;
	for (; pfn < end; pfn++) {
		const struct page *page = pfn_to_page(pfn);

		if (!page || md->held[pfn] || PageReserved(page) || zone_of_pfn(b, pfn) != zone)
			return -EBUSY;
		if (get_pageblock_migratetype(page) == MIGRATE_HIGHATOMIC)
			return -EBUSY;
	}
	return 0;
}

static void hold_range(struct model *md, struct page *page, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++)
		assert_int_equal(page_count(page_step(page, i)), 1);
	md->allocs[0] += nr;
	add(md, (struct block){.page = page, .nr = nr, .kind = BLOCK_EXACT});
}

static void do_contig(struct model *md, const struct op *op)
{
	unsigned long nr = op->b % 8 ? op->b / 8 % 40 + 1 : op->b / 8 % 3000 + 1;
	unsigned long pfn = op->a % (unsigned long)md->nr_frames;
	int want, got;

	if (pfn + nr > md->nr_frames)
		return;
	want = expect_contig(md, pfn, pfn + nr);
	got = alloc_contig_range(pfn, pfn + nr, MIGRATE_MOVABLE, GFP_KERNEL);
	assert_int_equal(got, want);
	md->nr_busy += got != 0;
	if (got)
		return;
	md->nr_contig++;
	hold_range(md, pfn_to_page(pfn), nr);
}

static void do_contig_any(struct model *md, const struct op *op)
{
	unsigned long nr = op->a % 600 + 1;
	struct page *page = alloc_contig_pages(nr, op->b % 2 ? GFP_KERNEL : GFP_HIGHUSER_MOVABLE,
					       op_node(op->c), NULL);

	if (!page)
		return;
	assert_int_equal(page_to_pfn(page) % nr, 0);
	md->nr_contig++;
	hold_range(md, page, nr);
}

/* Freeing a plain block whose first page is still referenced leaves that page alone. */
static bool keeps_first_page(struct model *md, struct block *b)
{
	if (!b->extra)
		return false;
	b->extra--;
	if (b->kind == BLOCK_COMPOUND || !b->order)
		return true;
	hold(md, page_step(b->page, 1), b->nr - 1, false);
	while (b->order > 0)
		md->frees[--b->order]++;
	b->nr = 1;
	return true;
}

static void free_nth(struct model *md, unsigned int n)
{
	struct block *b = &md->live[n], was = *b;

	mark(b, true);
	if (keeps_first_page(md, b)) {
		__free_pages(was.page, was.order);
		mark(b, false);
		return;
	}
	hold(md, b->page, b->nr, false);
	if (b->kind == BLOCK_SLAB)
		buddy_free_slab(arch_kernel(), b->page, b->order);
	else if (b->kind != BLOCK_EXACT)
		__free_pages(b->page, b->order);
	else if (page_address(b->page) && b->nr % 2)
		free_pages_exact(page_address(b->page), b->nr * PAGE_SIZE);
	else
		free_contig_range(page_to_pfn(b->page), b->nr);
	if (b->kind == BLOCK_EXACT)
		md->frees[0] += b->nr;
	else
		md->frees[b->order]++;
	*b = md->live[--md->nr_live];
}

/* One block becomes single pages. */
static void split_nth(struct model *md, unsigned int n)
{
	struct block *b = &md->live[n];
	struct page *page = b->page;
	unsigned long nr = b->nr;

	if (b->kind != BLOCK_PLAIN || b->extra || nr > 32 || !room_for(md, nr))
		return;
	split_page(page, b->order);
	hold(md, page, nr, false);
	*b = md->live[--md->nr_live];
	for (unsigned long i = 0; i < nr; i++)
		add(md, (struct block){.page = page_step(page, i), .nr = 1});
}

static void get_nth(struct model *md, unsigned int n)
{
	struct block *b = &md->live[n];

	if (b->kind == BLOCK_SLAB || b->kind == BLOCK_EXACT)
		return;
	get_page(b->page);
	b->extra++;
	assert_int_equal(page_count(b->page), b->extra + 1);
}

static void put_nth(struct model *md, unsigned int n)
{
	struct block *b = &md->live[n];

	if (!b->extra || (b->kind == BLOCK_PLAIN && b->order))
		return;
	put_page(b->page);
	b->extra--;
	assert_int_equal(page_count(b->page), b->extra + 1);
}

static void do_op(struct model *md, const struct op *op)
{
	unsigned int nth = md->nr_live ? op->a % md->nr_live : 0;

	if (op->kind <= OP_CONTIG_ANY && !room_for(md, 1))
		return;
	if (op->kind >= OP_FREE && op->kind <= OP_PUT && !md->nr_live)
		return;
	switch (op->kind) {
	case OP_ALLOC: do_alloc(md, op); break;
	case OP_EXACT: do_exact(md, op); break;
	case OP_BULK: do_bulk(md, op); break;
	case OP_CONTIG: do_contig(md, op); break;
	case OP_CONTIG_ANY: do_contig_any(md, op); break;
	case OP_FREE: free_nth(md, nth); break;
	case OP_SPLIT: split_nth(md, nth); break;
	case OP_GET: get_nth(md, nth); break;
	case OP_PUT: put_nth(md, nth); break;
	case OP_MIGRATE: assert_int_equal(cpu_migrate(op->a % md->nr_cpus), 0); break;
	case OP_DRAIN: drain_local_pages(); break;
	default: drain_all_pages(); break;
	}
}

/* --- checks ---------------------------------------------------------------------------------- */

/* Every page is somewhere: on a free list, on a CPU's list, or in the model. */
static void check_all(struct model *md)
{
	uint64_t free = 0, stock = 0, managed = 0, freed = 0;
	struct kmem_stats st;

	for_each_populated_zone(arch_kernel()->buddy, zone) {
		struct pcp_sum sum;

		check_zone(zone);
		assert_int_equal(zone->nr_isolated, 0);
		zone_pcp_sum(zone, &sum);
		assert_true(sum.count >= 0);
		free += (uint64_t)zone->nr_free;
		stock += (uint64_t)sum.count;
		managed += zone->managed;
	}
	assert_int_equal(free + stock + md->pages, managed);
	assert_int_equal(managed, totalram_pages());
	assert_int_equal(free, nr_free_pages());
	assert_int_equal(free, vmstat_value("nr_free_pages"));
	assert_int_equal(kmem_get_stats(&st), 0);
	for (unsigned int o = 0; o < MAX_ORDER; o++) {
		assert_int_equal(st.page_allocs[o], md->allocs[o]);
		assert_int_equal(st.page_frees[o], md->frees[o]);
		freed += md->frees[o] << o;
	}
	assert_int_equal(vmstat_value("pgfree"), freed);
}

static bool any_highatomic(void)
{
	bool any = false;

	for_each_populated_zone(arch_kernel()->buddy, zone)
		any |= zone->nr_reserved_highatomic != 0;
	return any;
}

/* What is reserved for atomic requests stays apart from its neighbours until requests that may wait
 * have run out of everything else: take all there is, and give it back. */
static void use_up_reserves(void)
{
	struct page **pages = calloc(totalram_pages() + 1, sizeof(*pages));
	unsigned long n = 0;

	assert_non_null(pages);
	while ((pages[n] = alloc_page(GFP_HIGHUSER_MOVABLE | __GFP_MEMALLOC | __GFP_NOWARN)))
		n++;
	assert_int_equal(n, totalram_pages());
	while (n > 0)
		__free_page(pages[--n]);
	drain_all_pages();
	free(pages);
}

/* Give everything back: all of it is free, and as whole as it was. */
static void finish(struct model *md, const char *buddyinfo)
{
	char now[4096];

	while (md->nr_live)
		free_nth(md, md->nr_live - 1);
	drain_all_pages();
	check_all(md);
	for_each_populated_zone(arch_kernel()->buddy, zone)
		assert_int_equal(zone->nr_free, zone->managed);
	/* A reserved pageblock whose free pages were on other lists is given up in the next round. */
	for (unsigned int round = 0; round < 5 && any_highatomic(); round++)
		use_up_reserves();
	assert_false(any_highatomic());
	assert_true(proc_read("buddyinfo", now, sizeof(now)) < (long)sizeof(now));
	assert_string_equal(now, buddyinfo);
}

/* For the test of shrinking: three operations that together do harm. */
static bool with_fault;

static void do_harm(const struct model *md, const struct op *op)
{
	bool compound = false;

	for (unsigned int i = 0; i < md->nr_live; i++)
		compound |= md->live[i].kind == BLOCK_COMPOUND && md->live[i].order == 2;
	assert_false(with_fault && compound && md->nr_contig && op->kind == OP_DRAIN_ALL);
}

static void run_ops(const char *desc, const struct op *ops, unsigned long nr)
{
	struct machine *m = test_boot(desc);
	struct model *md = calloc(1, sizeof(*md));
	const struct arch_machine *am = arch_kernel()->arch;
	char buddyinfo[4096];

	assert_non_null(md);
	md->nr_frames = am->nr_frames;
	md->nr_cpus = am->nr_cpus;
	md->held = calloc(1, md->nr_frames);
	assert_non_null(md->held);
	proc_read("buddyinfo", buddyinfo, sizeof(buddyinfo));
	for (unsigned long i = 0; i < nr; i++) {
		do_op(md, &ops[i]);
		do_harm(md, &ops[i]);
		if (i % 2500 == 0)
			check_all(md);
	}
	/* A long run was of use only if it met both plenty and want. */
	if (nr >= 10000 && !with_fault) {
		assert_true(md->nr_alloc > nr / 5);
		assert_true(md->nr_null > 0 && md->nr_contig > 0 && md->nr_busy > 0);
	}
	finish(md, buddyinfo);
	expect_no_reports();
	test_shutdown(m, 0);
	free(md->held);
	free(md);
}

/* --- lists of operations --------------------------------------------------------------------- */

/* In a thousand. While memory fills, and while it empties. */
static const unsigned int weights[2][NR_OPS] = {
	{[OP_ALLOC] = 520, [OP_EXACT] = 20, [OP_BULK] = 10, [OP_CONTIG] = 20, [OP_CONTIG_ANY] = 2,
	 [OP_FREE] = 380, [OP_SPLIT] = 14, [OP_GET] = 15, [OP_PUT] = 13, [OP_MIGRATE] = 3, [OP_DRAIN] = 2,
	 [OP_DRAIN_ALL] = 1},
	{[OP_ALLOC] = 340, [OP_EXACT] = 10, [OP_BULK] = 5, [OP_CONTIG] = 20, [OP_CONTIG_ANY] = 2,
	 [OP_FREE] = 575, [OP_SPLIT] = 14, [OP_GET] = 15, [OP_PUT] = 13, [OP_MIGRATE] = 3, [OP_DRAIN] = 2,
	 [OP_DRAIN_ALL] = 1},
};

static struct op random_op(uint64_t *seed, bool filling)
{
	unsigned int at = (unsigned int)(test_rand(seed) % 1000);
	struct op op = {.a = (uint32_t)test_rand(seed), .b = (uint32_t)test_rand(seed),
			.c = (uint32_t)test_rand(seed)};

	while (op.kind < NR_OPS - 1 && at >= weights[!filling][op.kind])
		at -= weights[!filling][op.kind++];
	return op;
}

static struct op *make_ops(uint64_t seed, unsigned long nr)
{
	struct op *ops = calloc(nr + 1, sizeof(*ops));

	assert_non_null(ops);
	for (unsigned long i = 0; i < nr; i++)
		ops[i] = random_op(&seed, i / 3000 % 2 == 0);
	return ops;
}

static void write_ops(FILE *file, const char *desc, const struct op *ops, unsigned long nr)
{
	fprintf(file, "%s\n", desc);
	for (unsigned long i = 0; i < nr; i++)
		fprintf(file, "%s %u %u %u\n", op_names[ops[i].kind], ops[i].a, ops[i].b, ops[i].c);
}

/* --- processes ------------------------------------------------------------------------------- */

extern char **environ;

static bool show_failures;

/* This program again, with other arguments; whether it succeeded. */
static bool run_self(const char *const *args)
{
	posix_spawn_file_actions_t actions;
	int status = 0, ret;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	if (!show_failures)
		posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	ret = posix_spawn(&pid, "/proc/self/exe", &actions, NULL, (char *const *)(uintptr_t)args, environ);
	posix_spawn_file_actions_destroy(&actions);
	assert_int_equal(ret, 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

static bool episode_fails(unsigned int machine, uint64_t seed, unsigned long nr)
{
	char text[3][32];
	const char *const args[] = {"buddy-random", "--episode", text[0], text[1], text[2], NULL};

	snprintf(text[0], sizeof(text[0]), "%u", machine);
	snprintf(text[1], sizeof(text[1]), "%llu", (unsigned long long)seed);
	snprintf(text[2], sizeof(text[2]), "%lu", nr);
	return !run_self(args);
}

static bool ops_fail(const char *desc, const struct op *ops, unsigned long nr)
{
	char path[] = "/tmp/buddy-random-XXXXXX";
	const char *const args[] = {"buddy-random", with_fault ? "--faulty" : "--replay", path, NULL};
	int fd = mkstemp(path);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	bool fails;

	assert_non_null(file);
	write_ops(file, desc, ops, nr);
	fclose(file);
	fails = !run_self(args);
	unlink(path);
	return fails;
}

/* --- shrinking ------------------------------------------------------------------------------- */

/* The shortest beginning that fails, if all beginnings from some length on do. */
static unsigned long shrink_end(const char *desc, const struct op *ops, unsigned long nr)
{
	unsigned long good = 0;

	while (good + 1 < nr) {
		unsigned long half = good + (nr - good) / 2;

		if (ops_fail(desc, ops, half))
			nr = half;
		else
			good = half;
	}
	return nr;
}

/* Leave out pieces of @size as long as what is left fails; how many are left. */
static unsigned long shrink_by(const char *desc, struct op *ops, unsigned long nr, unsigned long size)
{
	struct op *less = calloc(nr, sizeof(*less));

	assert_non_null(less);
	for (unsigned long at = 0; at < nr;) {
		unsigned long piece = nr - at < size ? nr - at : size;

		memcpy(less, ops, at * sizeof(*ops));
		memcpy(less + at, ops + at + piece, (nr - at - piece) * sizeof(*ops));
		if (nr > piece && ops_fail(desc, less, nr - piece)) {
			nr -= piece;
			memcpy(ops, less, nr * sizeof(*ops));
		} else {
			at += piece;
		}
	}
	free(less);
	return nr;
}

static unsigned long shrink(const char *desc, struct op *ops, unsigned long nr)
{
	unsigned long before;

	nr = shrink_end(desc, ops, nr);
	for (unsigned long size = nr / 2; size; size /= 2)
		nr = shrink_by(desc, ops, nr, size);
	do {
		before = nr;
		nr = shrink_by(desc, ops, nr, 1);
	} while (nr < before);
	return nr;
}

static void explain(unsigned int machine, uint64_t seed, unsigned long nr)
{
	const char *desc = machines[machine];
	struct op *ops = make_ops(seed, nr);

	print_error("seed %llu on \"%s\" fails with %lu operations; making it shorter\n",
		    (unsigned long long)seed, desc, nr);
	nr = shrink(desc, ops, nr);
	print_error("%lu operations are left (replay them with --replay FILE):\n", nr);
	write_ops(stderr, desc, ops, nr);
	show_failures = true;
	ops_fail(desc, ops, nr);
	free(ops);
}

/* --- tests ----------------------------------------------------------------------------------- */

static unsigned long nr_ops = 100000;
static uint64_t first_seed = 1;

static void test_against_a_map_of_frames(void **state)
{
	unsigned int n = 0;

	(void)state;
	for (unsigned long done = 0; done < nr_ops; n++) {
		unsigned long nr = nr_ops - done < EPISODE_OPS ? nr_ops - done : EPISODE_OPS;
		unsigned int machine = n % NR_MACHINES;
		uint64_t seed = first_seed * 1000003 + n;

		if (episode_fails(machine, seed, nr)) {
			explain(machine, seed, nr);
			fail();
		}
		done += nr;
	}
	print_message("%lu operations in %u episodes from seed %llu: no overlap, no loss, counters exact, "
		      "all merged\n", nr_ops, n, (unsigned long long)first_seed);
}

/* Something that takes three of thousands of operations is found and brought down to these. */
static void test_failures_shrink(void **state)
{
	unsigned long nr = 3000;
	struct op *ops = make_ops(7, nr);

	(void)state;
	with_fault = true;
	assert_true(ops_fail(machines[0], ops, nr));
	nr = shrink(machines[0], ops, nr);
	assert_int_equal(nr, 3);
	assert_int_equal(ops[2].kind, OP_DRAIN_ALL);
	assert_true(ops_fail(machines[0], ops, nr));
	assert_false(ops_fail(machines[0], ops, nr - 1));
	with_fault = false;
	assert_false(ops_fail(machines[0], ops, nr));
	free(ops);
}

/* --- one episode, in its own process --------------------------------------------------------- */

static const char *run_desc;
static struct op *run_list;
static unsigned long run_nr;

static void run_episode(void **state)
{
	(void)state;
	run_ops(run_desc, run_list, run_nr);
	free(run_list);
}

static int read_op(const char *line, struct op *op)
{
	char name[32];

	if (sscanf(line, "%31s %u %u %u", name, &op->a, &op->b, &op->c) != 4)
		return -1;
	for (unsigned int kind = 0; kind < NR_OPS; kind++) {
		if (strcmp(name, op_names[kind]))
			continue;
		op->kind = (enum op_kind)kind;
		return 0;
	}
	return -1;
}

static int read_ops(const char *path)
{
	static char desc[512];
	FILE *file = fopen(path, "r");
	char line[128];

	if (!file || !fgets(desc, sizeof(desc), file))
		return -1;
	desc[strcspn(desc, "\n")] = '\0';
	run_desc = desc;
	while (fgets(line, sizeof(line), file)) {
		run_list = realloc(run_list, (run_nr + 1) * sizeof(*run_list));
		if (!run_list || read_op(line, &run_list[run_nr]))
			return -1;
		run_nr++;
	}
	return fclose(file);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_a_map_of_frames),
		cmocka_unit_test(test_failures_shrink),
	};
	const struct CMUnitTest episode[] = {cmocka_unit_test(run_episode)};

	if (argc == 3 && (!strcmp(argv[1], "--replay") || !strcmp(argv[1], "--faulty"))) {
		with_fault = !strcmp(argv[1], "--faulty");
		if (read_ops(argv[2])) {
			fprintf(stderr, "%s: a machine in the first line, then operations\n", argv[2]);
			return 2;
		}
		return cmocka_run_group_tests(episode, NULL, NULL);
	}
	if (argc == 5 && !strcmp(argv[1], "--episode")) {
		run_desc = machines[strtoul(argv[2], NULL, 10) % NR_MACHINES];
		run_nr = strtoul(argv[4], NULL, 10);
		run_list = make_ops(strtoull(argv[3], NULL, 10), run_nr);
		return cmocka_run_group_tests(episode, NULL, NULL);
	}
	if (argc > 1)
		nr_ops = strtoul(argv[1], NULL, 10);
	if (argc > 2)
		first_seed = strtoull(argv[2], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
