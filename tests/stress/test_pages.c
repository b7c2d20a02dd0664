/* SPDX-License-Identifier: MIT */
/* Blocks of pages, areas of vmalloc() and objects side by side, in more threads than CPUs. */
#include "stress.h"

#define CROWD 24
#define NR_HELD 24

/* --- what a thread holds ----------------------------------------------------------------------- */

enum kind {
	BLOCK,		/* alloc_pages() */
	EXACT,		/* alloc_pages_exact() */
	BULK,		/* alloc_pages_bulk_array() */
	RANGE,		/* alloc_contig_pages() */
	AREA,		/* vmalloc() */
	MAPPED,		/* vmap() of pages of one's own */
	RAM,		/* vm_map_ram() of such */
	LARGE,		/* kvmalloc() */
	NR_KINDS,
};

#define MAX_PAGES 32

struct thing {
	enum kind kind;
	unsigned int n;			/* pages; of a block, its order */
	char *p;			/* NULL: nothing held */
	uint64_t fill;
	struct page *pages[MAX_PAGES];	/* BULK, MAPPED, RAM */
};

static unsigned int nr_pages(const struct thing *t)
{
	return t->kind == BLOCK ? 1u << t->n : t->n;
}

/* Where the @i-th page is seen. */
static uint64_t *word_of(const struct thing *t, unsigned int i)
{
	if (t->kind == BULK)
		return page_address(t->pages[i]);
	return (uint64_t *)(void *)(t->p + (size_t)i * PAGE_SIZE);
}

static void mark(struct thing *t)
{
	unsigned int i;

	for (i = 0; i < nr_pages(t); i++)
		*word_of(t, i) = t->fill + i;
}

/* Pages that are mapped are marked through the mapping and looked at where they lie, too. */
static bool marked(const struct thing *t)
{
	unsigned int i;

	for (i = 0; i < nr_pages(t); i++) {
		if (*word_of(t, i) != t->fill + i)
			return false;
		if ((t->kind == MAPPED || t->kind == RAM) &&
		    *(uint64_t *)page_address(t->pages[i]) != t->fill + i)
			return false;
	}
	return true;
}

static bool take_bulk(struct thing *t)
{
	memset(t->pages, 0, sizeof(t->pages));
	if (alloc_pages_bulk_array(GFP_KERNEL | __GFP_NOWARN, t->n, t->pages) == t->n)
		return true;
	for (t->n = 0; t->n < MAX_PAGES && t->pages[t->n]; t->n++)
		__free_page(t->pages[t->n]);
	return false;
}

static void give_bulk(struct thing *t)
{
	while (t->n)
		__free_page(t->pages[--t->n]);
}

static char *take_mapped(struct thing *t)
{
	char *p;

	if (!take_bulk(t))
		return NULL;
	p = t->kind == MAPPED ? vmap(t->pages, t->n, VM_MAP, PAGE_KERNEL) :
				vm_map_ram(t->pages, t->n, NUMA_NO_NODE);
	if (!p)
		give_bulk(t);
	return p;
}

static void take(struct thing *t, uint64_t *seed)
{
	struct page *page;

	t->kind = (enum kind)(test_rand(seed) % NR_KINDS);
	t->n = 1 + (unsigned int)(test_rand(seed) % MAX_PAGES);
	t->fill = test_rand(seed);
	switch (t->kind) {
	case BLOCK:
		t->n = (unsigned int)(test_rand(seed) % (test_rand(seed) % 8 ? 5 : MAX_ORDER));
		page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, t->n);
		t->p = page ? page_address(page) : NULL;
		break;
	case EXACT:
		t->p = alloc_pages_exact(t->n * PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN);
		break;
	case BULK:
		t->p = take_bulk(t) ? page_address(t->pages[0]) : NULL;
		break;
	case RANGE:
		page = alloc_contig_pages(t->n, GFP_KERNEL | __GFP_NOWARN, NUMA_NO_NODE, NULL);
		t->p = page ? page_address(page) : NULL;
		break;
	case AREA:
		t->p = __vmalloc(t->n * PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN);
		break;
	case LARGE:
		t->p = kvmalloc(t->n * PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN);
		break;
	default:
		t->p = take_mapped(t);
	}
	if (t->p)
		mark(t);
}

static void give(struct thing *t)
{
	switch (t->kind) {
	case BLOCK:
		free_pages((unsigned long)t->p, t->n);
		break;
	case EXACT:
		free_pages_exact(t->p, t->n * PAGE_SIZE);
		break;
	case RANGE:
		free_contig_range(page_to_pfn(virt_to_page(t->p)), t->n);
		break;
	case AREA:
		vfree(t->p);
		break;
	case LARGE:
		kvfree(t->p);
		break;
	case MAPPED:
		vunmap(t->p);
		give_bulk(t);
		break;
	case RAM:
		vm_unmap_ram(t->p, t->n);
		give_bulk(t);
		break;
	default:
		give_bulk(t);
	}
	t->p = NULL;
}

/* --- all together ------------------------------------------------------------------------------- */

struct together {
	struct load load;
	unsigned int steps;
	unsigned int working;
	unsigned long taken[NR_KINDS];
};

static void hold_things(struct worker *w, struct together *t)
{
	struct thing things[NR_HELD] = { 0 };
	unsigned int i;

	for (i = 0; i < t->steps + NR_HELD; i++) {
		struct thing *at = &things[i < t->steps ? test_rand(&w->seed) % NR_HELD :
							  i - t->steps];

		if (at->p) {
			CHECK(w, marked(at));
			give(at);
		} else if (i < t->steps) {
			take(at, &w->seed);
			if (at->p)
				__atomic_fetch_add(&t->taken[at->kind], 1, __ATOMIC_RELAXED);
		}
		if (i % 100 == 0)
			mix(w, &t->load, 200, w->id % 4 ? 0 : 4);
		if (w->failure[0])
			return;
	}
}

static void look_and_tidy(struct worker *w, unsigned int round)
{
	static const char *const files[] = { "vmallocinfo", "pagetypeinfo", "zoneinfo", "meminfo" };
	char text[400];

	CHECK(w, proc_read(files[round % 4], text, sizeof(text)) >= 0);
	drain_all_pages();
	vm_unmap_aliases();
	if (round % 8 == 0)
		machine_trim();
}

static void page_worker(struct worker *w)
{
	struct together *t = w->arg;
	unsigned int round = 0;

	if (w->id) {
		hold_things(w, t);
		__atomic_fetch_sub(&t->working, 1, __ATOMIC_RELEASE);
		return;
	}
	do {
		look_and_tidy(w, round++);
	} while (!w->failure[0] && __atomic_load_n(&t->working, __ATOMIC_ACQUIRE));
}

/* Page tables of the areas stay: with isolate_metadata they are not among the machine's pages. */
static void pages_areas_and_objects(const char *machine, unsigned int threads, unsigned int steps,
				    bool scarce)
{
	struct machine *m = stress_boot(machine);
	struct together t = { .steps = steps, .working = threads - 1, .load.scarce = scarce };
	unsigned int i;

	load_create(&t.load);
	run_workers(threads, m, page_worker, &t);
	for (i = 0; i < NR_KINDS; i++)
		assert_true(t.taken[i] > 0);
	load_destroy(&t.load);
	stress_shutdown_split(m); /* EXACT, RANGE */
}

static void pages_areas_and_objects_in_a_crowd(void **state)
{
	pages_areas_and_objects("preset=x86_64 mem=512M cpus=8 nodes=2 isolate_metadata=1", CROWD, 1500,
				false);
}

static void pages_areas_and_objects_on_cpus_of_their_own(void **state)
{
	pages_areas_and_objects("preset=x86_64 mem=256M cpus=8 isolate_metadata=1", 7, 6000, false);
}

/* There is less than all would like: reclaim in many threads, and things in small pieces. */
static void pages_areas_and_objects_when_memory_is_short(void **state)
{
	pages_areas_and_objects("preset=x86_64 mem=48M cpus=4 isolate_metadata=1", CROWD, 1000,
				true);
}

/* --- a shrinker under all of them ---------------------------------------------------------------- */

/* A cache of blocks that nobody needs; the shrinker gives them back. */
struct hoard {
	struct shrinker shrinker;
	struct load load;
	pthread_mutex_t lock;
	void *first;		/* blocks of one page, linked by their first word */
	unsigned long count;
	unsigned long shrunk;
};

static struct hoard *hoard_of(struct shrinker *s)
{
	return (struct hoard *)(void *)((char *)s - offsetof(struct hoard, shrinker));
}

static unsigned long hoard_count(struct shrinker *s, struct shrink_control *sc)
{
	struct hoard *h = hoard_of(s);
	unsigned long n = __atomic_load_n(&h->count, __ATOMIC_RELAXED);

	(void)sc;
	return n ? n : SHRINK_EMPTY;
}

static void *hoard_take(struct hoard *h)
{
	void *p;

	pthread_mutex_lock(&h->lock);
	p = h->first;
	if (p) {
		h->first = *(void **)p;
		__atomic_fetch_sub(&h->count, 1, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&h->lock);
	return p;
}

static void hoard_put(struct hoard *h, void *p)
{
	pthread_mutex_lock(&h->lock);
	*(void **)p = h->first;
	h->first = p;
	__atomic_fetch_add(&h->count, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&h->lock);
}

static unsigned long hoard_scan(struct shrinker *s, struct shrink_control *sc)
{
	struct hoard *h = hoard_of(s);
	unsigned long freed = 0;
	void *p;

	while (freed < sc->nr_to_scan && (p = hoard_take(h))) {
		free_page((unsigned long)p);
		freed++;
	}
	__atomic_fetch_add(&h->shrunk, freed, __ATOMIC_RELAXED);
	return freed ? freed : SHRINK_STOP;
}

/* Hoard all there is, and use objects beside it: there is always something to shrink for them. */
static void hoarder(struct worker *w)
{
	struct hoard *h = w->arg;
	unsigned int i;
	void *p;

	for (i = 0; i < 3000 && !w->failure[0]; i++) {
		p = (void *)__get_free_page(GFP_KERNEL | __GFP_NOWARN);
		if (p)
			hoard_put(h, p);
		if (i % 64 == w->id)
			mix(w, &h->load, 100, 0);
	}
}

static void a_shrinker_under_a_crowd(void **state)
{
	struct machine *m = stress_boot("preset=x86_64 mem=48M cpus=4");
	static struct hoard h;
	void *p;

	memset(&h, 0, sizeof(h));
	pthread_mutex_init(&h.lock, NULL);
	h.shrinker.count_objects = hoard_count;
	h.shrinker.scan_objects = hoard_scan;
	h.shrinker.seeks = DEFAULT_SEEKS;
	h.load.scarce = true;
	load_create(&h.load);
	assert_int_equal(register_shrinker(&h.shrinker, "hoard"), 0);
	run_workers(12, m, hoarder, &h);
	assert_true(h.shrunk > 0);
	unregister_shrinker(&h.shrinker);
	while ((p = hoard_take(&h)))
		free_page((unsigned long)p);
	load_destroy(&h.load);
	pthread_mutex_destroy(&h.lock);
	stress_shutdown(m);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(pages_areas_and_objects_in_a_crowd),
	cmocka_unit_test(pages_areas_and_objects_on_cpus_of_their_own),
	cmocka_unit_test(pages_areas_and_objects_when_memory_is_short),
	cmocka_unit_test(a_shrinker_under_a_crowd),
};
STRESS_GROUP(pages, tests);
