/* SPDX-License-Identifier: MIT */
/*
 * What books and papers say about SLAB, SLUB, SLOB and kmalloc, each claim a test of its name. A claim
 * about one backend is shown on that one; on the others the test shows that it is its own. (Examples
 * show the rest: scale, epoll_items, memcached_like.)
 */
#include "conformance.h"

#define ISOLATED_NOMERGE "x86_64 mem=64M cpus=1 isolate_metadata=1 cmdline=slab_nomerge"

/* The object freed last comes out first: its lines are still in the CPU's caches. */
static void per_cpu_array_caches_are_LIFO_so_the_hottest_object_is_reused(void **state)
{
	struct machine *m = test_boot(ISOLATED_NOMERGE);
	struct kmem_cache *s = kmem_cache_create("hot", 200, 0, 0, NULL);
	void *p[40];
	int i;

	for (i = 0; i < 40; i++)
		assert_non_null(p[i] = kmem_cache_alloc(s, GFP_KERNEL));
	for (i = 0; i < 40; i++) {
		void *hottest = p[i], *again;

		kmem_cache_free(s, hottest);
		again = kmem_cache_alloc(s, GFP_KERNEL);
		if (!backend_is("slob"))
			assert_ptr_equal(again, hottest);
		p[i] = again;
	}
	/* a row of them, too, in SLAB's array whichever slabs they are of */
	if (backend_is("slab")) {
		for (i = 0; i < 40; i++)
			kmem_cache_free(s, p[i]);
		for (i = 39; i >= 0; i--)
			assert_ptr_equal(kmem_cache_alloc(s, GFP_KERNEL), p[i]);
	}
	for (i = 0; i < 40; i++)
		kmem_cache_free(s, p[i]);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

#define MAX_SLABS 64

struct slab_bases {
	void *base[MAX_SLABS];
	unsigned int nr;
};

static void note_base(void *arg, enum kmem_slab_event ev, struct kmem_cache *s, void *base,
		      unsigned int order)
{
	struct slab_bases *b = arg;

	(void)s;
	(void)order;
	if (ev == KMEM_SLAB_NEW && b->nr < MAX_SLABS)
		b->base[b->nr++] = base;
}

/* Where the first object of each slab lies, in the order in which the slabs came. */
static unsigned int first_objects(struct kmem_cache *s, unsigned int objects, size_t *first)
{
	struct slab_bases b = { .nr = 0 };
	void *p[2000];
	unsigned int i, slab;

	kmem_set_slab_event_hook(note_base, &b);
	for (i = 0; i < objects; i++)
		assert_non_null(p[i] = kmem_cache_alloc(s, GFP_KERNEL));
	kmem_set_slab_event_hook(NULL, NULL);
	for (slab = 0; slab < b.nr; slab++) {
		first[slab] = SIZE_MAX;
		for (i = 0; i < objects; i++) {
			size_t off = (size_t)((char *)p[i] - (char *)b.base[slab]);

			if (kmem_slab_base(p[i]) == b.base[slab] && off < first[slab])
				first[slab] = off;
		}
	}
	for (i = 0; i < objects; i++)
		kmem_cache_free(s, p[i]);
	return b.nr;
}

static void colouring_shifts_objects_of_successive_slabs_by_whole_cache_lines(void **state)
{
	struct machine *m = test_boot(ISOLATED_NOMERGE);
	struct kmem_cache *s = kmem_cache_create("coloured", 320, 64, 0, NULL);
	size_t first[MAX_SLABS];
	unsigned int nr, i, shifted = 0;

	nr = backend_is("slob") ? 0 : first_objects(s, 200, first);
	for (i = 0; i < nr; i++) {
		/* the last slab is not full: which of its objects are out is not the colour's affair */
		if (i + 1 == nr)
			break;
		assert_int_equal(first[i] % 64, 0);
		shifted += first[i] != first[0];
	}
	if (backend_is("slab"))
		assert_true(nr > 4 && shifted > 0);
	else
		assert_int_equal(shifted, 0);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void expect_field(const char *line, const char *field)
{
	if (!strstr(line, field))
		print_error("no \"%s\" in: %s\n", field, line);
	assert_non_null(strstr(line, field));
}

/* The counter is kmem_cache_cpu with one slab on it, the warehouse kmem_cache_node with the others. */
static void SLUB_is_a_retailer_a_counter_with_one_slab_and_a_warehouse(void **state)
{
	struct machine *m = test_boot(ISOLATED_NOMERGE);
	struct kmem_cache *s = kmem_cache_create("goods", 512, 0, 0, NULL);
	char line[4096];
	void *p[64];
	int i;

	for (i = 0; i < 64; i++)
		assert_non_null(p[i] = kmem_cache_alloc(s, GFP_KERNEL));
	if (backend_is("slub")) {
		/* object_size, size, oo and min, inuse, offset, red_left_pad */
		kmem_cache_print_geometry(s, true, line, sizeof(line));
		expect_field(line, "objsize=512 size=512 ");
		expect_field(line, " perslab=8 order=0 minorder=0 minobjs=8 inuse=512 fpoff=256 redleft=0 ");
		/* every slab is sold out: one stands on the counter, the warehouse is empty */
		kmem_cache_print_state(s, NULL, NULL, line, sizeof(line));
		expect_field(line, "cpu=");
		expect_field(line, "node0 nr_partial=0 nr_slabs=8 ");
		/* what customers bring back of other slabs goes to the back rooms, not to the counter */
		for (i = 0; i < 56; i++) {
			kmem_cache_free(s, p[i]);
			p[i] = NULL;
		}
		kmem_cache_shrink(s);
		kmem_cache_print_state(s, NULL, NULL, line, sizeof(line));
		expect_field(line, "cpu=- ");
		expect_field(line, "nr_slabs=1 ");
	}
	for (i = 0; i < 64; i++)
		if (p[i])
			kmem_cache_free(s, p[i]);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void kmalloc_is_built_on_kmem_cache(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *class;
	void *p = kmalloc(100, GFP_KERNEL);

	if (!backend_is("slob")) {
		class = kmem_find_cache("kmalloc-128");
		assert_non_null(class);
		assert_ptr_equal(kmem_cache_of(p), class);
		assert_int_equal(kmem_cache_size(class), 128);
		/* one and the same: what the class hands out kfree() takes, and the other way round */
		kmem_cache_free(class, p);
		p = kmem_cache_alloc(class, GFP_KERNEL);
	}
	kfree(p);
	test_shutdown(m, 0);
}

static void kmalloc_is_physically_contiguous_vmalloc_only_virtually(void **state)
{
	struct machine *m = test_boot("x86_64 mem=64M");
	char *k = kmalloc(8 * PAGE_SIZE, GFP_KERNEL), *v;
	struct page *hole[32];
	unsigned int i, jumps = 0;

	for (i = 1; i < 8; i++)
		assert_int_equal(__pa((unsigned long)k + i * PAGE_SIZE),
				 __pa((unsigned long)k) + i * PAGE_SIZE);
	/* every second page of a stretch is free when vmalloc looks for its own */
	for (i = 0; i < 32; i++)
		hole[i] = alloc_page(GFP_KERNEL);
	for (i = 0; i < 32; i += 2)
		__free_page(hole[i]);
	v = vmalloc(16 * PAGE_SIZE);
	assert_non_null(v);
	memset(v, 0x5a, 16 * PAGE_SIZE);
	for (i = 1; i < 16; i++)
		jumps += page_to_pfn(vmalloc_to_page(v + i * PAGE_SIZE)) !=
			 page_to_pfn(vmalloc_to_page(v + (i - 1) * PAGE_SIZE)) + 1;
	assert_true(jumps > 0);
	vfree(v);
	for (i = 1; i < 32; i += 2)
		__free_page(hole[i]);
	kfree(k);
	test_shutdown(m, 0);
}

static void SLABs_management_data_grows_to_gigabytes_SLUBs_does_not(void **state)
{
	struct machine *m = test_boot("x86_64 mem=64M cpus=1");
	struct kmem_cache *s[100];
	uint64_t bytes;
	char name[16];
	int i;

	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "own-%d", i);
		s[i] = kmem_cache_create_usercopy(name, 32 + 16 * (unsigned int)i, 0, 0, 0, 8, NULL);
		assert_non_null(s[i]);
	}
	bytes = kmem_management_bytes(NULL, 1024, 1024);
	if (backend_is("slab"))
		assert_true(bytes > 4ull << 30);
	else
		assert_true(bytes < 64ull << 20);
	for (i = 0; i < 100; i++)
		kmem_cache_destroy(s[i]);
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(per_cpu_array_caches_are_LIFO_so_the_hottest_object_is_reused),
	cmocka_unit_test(colouring_shifts_objects_of_successive_slabs_by_whole_cache_lines),
	cmocka_unit_test(SLUB_is_a_retailer_a_counter_with_one_slab_and_a_warehouse),
	cmocka_unit_test(kmalloc_is_built_on_kmem_cache),
	cmocka_unit_test(kmalloc_is_physically_contiguous_vmalloc_only_virtually),
	cmocka_unit_test(SLABs_management_data_grows_to_gigabytes_SLUBs_does_not),
};
TEST_GROUP(claims, tests);
