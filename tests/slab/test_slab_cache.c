/* SPDX-License-Identifier: MIT */
/* A cache as a whole: create, texts, shrink, destroy, leaks, metadata. */
#include "slab_test.h"

static void debug_flags_are_dropped(void **state)
{
	struct slab_cache *s = make_cache(100, 0, SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER |
							  SLAB_CONSISTENCY_CHECKS, NULL);

	assert_int_equal(s->common.flags, 0);
	assert_int_equal(s->geo.size, 104);
	kmem_cache_destroy(&s->common);
}

/* The story of golden script 03, with the words of its output. */
static void state_is_told_in_one_line(void **state)
{
	struct slab_cache *s = make_cache(512, 0, 0, NULL);
	struct slab_names names = { .nr = 0 };
	void *objects[20];

	kmem_set_slab_event_hook(name_new_slab, &names);
	expect_state(s, &names,
		     "ac=0/54 batch=27 touched=0 node0 shared=-1/-1 total_slabs=0 free_slabs=0 "
		     "free_objects=0 free_limit=62 colour_next=0 partial=[ ] full=[ ] free=[ ]");
	take_many(s, objects, 20);
	expect_state(s, &names,
		     "ac=4/54 batch=27 touched=1 node0 shared=-1/-1 total_slabs=3 free_slabs=0 "
		     "free_objects=0 free_limit=62 colour_next=0 partial=[ ] full=[ s2 s1 s0 ] "
		     "free=[ ]");
	slab_node_free(s, s->node[0], objects, 9);
	expect_state(s, &names,
		     "ac=4/54 batch=27 touched=1 node0 shared=-1/-1 total_slabs=3 free_slabs=1 "
		     "free_objects=9 free_limit=62 colour_next=0 partial=[ s1:7 ] full=[ s2 ] "
		     "free=[ s0 ]");
	give_many(s, objects + 9, 11);
	kmem_set_slab_event_hook(NULL, NULL);
	kmem_cache_destroy(&s->common);
}

static void every_node_has_its_words(void **state)
{
	struct slab_cache *s = make_cache(512, 0, 0, NULL);
	struct slab_names names = { .nr = 0 };

	expect_state(s, &names,
		     "ac=0/54 batch=27 touched=0 node0 shared=0/216 total_slabs=0 free_slabs=0 "
		     "free_objects=0 free_limit=62 colour_next=0 partial=[ ] full=[ ] free=[ ] "
		     "node1 shared=0/216 total_slabs=0 free_slabs=0 free_objects=0 free_limit=62 "
		     "colour_next=0 partial=[ ] full=[ ] free=[ ]");
	kmem_cache_destroy(&s->common);
}

static void objects_in_arrays_count_as_active(void **state)
{
	struct slab_cache *s = make_cache(64, 0, 0, NULL);
	struct slabinfo info;
	char text[512];
	void *object = take(s);

	backend_get_slabinfo(&s->common, &info);
	assert_int_equal(info.active_objs, 16);
	assert_int_equal(info.num_objs, 64);
	assert_int_equal(info.active_slabs, 1);
	assert_int_equal(info.num_slabs, 1);
	kmem_cache_print_geometry(&s->common, true, text, sizeof(text));
	assert_string_equal(text,
			    "objsize=64 size=64 align=8 perslab=64 order=0 colour=0 colour_off=64 "
			    "freelist_size=64 mgmt=obj limit=120 batchcount=60 shared=0 "
			    "free_limit=184 flags=40000000 active_objs=16 num_objs=64 "
			    "active_slabs=1 num_slabs=1 shared_avail=0");
	give(s, object);
	kmem_cache_destroy(&s->common);
}

static void shrink_tells_whether_slabs_are_left(void **state)
{
	struct slab_cache *s = make_cache(512, 0, 0, NULL);
	void *objects[20];

	take_many(s, objects, 20);
	give_many(s, objects, 19);
	assert_int_equal(kmem_cache_shrink(&s->common), 1);
	assert_int_equal(s->node[0]->total_slabs, 1);
	check_cache(s);
	give(s, objects[19]);
	assert_int_equal(kmem_cache_shrink(&s->common), 0);
	assert_int_equal(s->node[0]->total_slabs, 0);
	kmem_cache_destroy(&s->common);
}

static void a_busy_cache_stays(void **state)
{
	struct slab_cache *s = make_cache(512, 0, 0, NULL);
	void *objects[10];
	char line[64];

	take_many(s, objects, 10);
	give_many(s, objects, 8);
	kmem_cache_destroy(&s->common);
	/* The report names both, then kmem_cache_destroy's own warning. */
	assert_int_equal(test_state.nr_reports, 2);
	assert_non_null(strstr(test_state.reports[0].text, "Objects remaining in t on"));
	snprintf(line, sizeof(line), "@offset=%lu\n", offset_of(s, objects[8]));
	assert_non_null(strstr(test_state.reports[0].text, line));
	snprintf(line, sizeof(line), "@offset=%lu\n", offset_of(s, objects[9]));
	assert_non_null(strstr(test_state.reports[0].text, line));
	test_state.nr_reports = 0;
	/* It works as before. */
	check_cache(s);
	give(s, objects[8]);
	assert_ptr_equal(take(s), objects[8]);
	give_many(s, objects + 8, 2);
	kmem_cache_destroy(&s->common);
}

static unsigned int count_words(const char *text, const char *word)
{
	unsigned int n = 0;

	while ((text = strstr(text, word))) {
		text += strlen(word);
		n++;
	}
	return n;
}

static void a_leak_report_names_the_live_objects(void **state)
{
	struct slab_cache *s = make_cache(256, 0, 0, NULL);
	static char text[8192];
	struct seq_file m;
	void *objects[40];

	take_many(s, objects, 40);
	give_many(s, objects, 23);
	assert_int_equal(backend_shutdown(&s->common), 17);
	seq_init_buf(&m, text, sizeof(text));
	backend_report_live(&s->common, 100, &m);
	assert_int_equal(count_words(text, "Object 0x"), 17);
	assert_int_equal(count_words(text, "Slab 0x"), 2);
	seq_init_buf(&m, text, sizeof(text));
	backend_report_live(&s->common, 5, &m);
	assert_int_equal(count_words(text, "Object 0x"), 5);
	give_many(s, objects + 23, 17);
	kmem_cache_destroy(&s->common);
}

/* Making, using and destroying a cache leaves nothing behind, wherever its parts come from. */
static void nothing_is_left_behind(void **state)
{
	unsigned long before, i;
	struct slab_cache *s;
	void *objects[300];

	for (i = 0; i < 3; i++) {
		s = make_cache(1024, 0, SLAB_TYPESAFE_BY_RCU, NULL);
		take_many(s, objects, 300);
		give_many(s, objects, 300);
		kmem_cache_destroy(&s->common);
		if (i == 0)
			before = test_free_pages();
	}
	assert_int_equal(test_free_pages(), before);
}

/* Take every page, so that a class that is empty stays empty. */
static unsigned int hoard_pages(struct page **pages, unsigned int max)
{
	unsigned int nr = 0;

	while (nr < max && (pages[nr] = alloc_page(GFP_KERNEL | __GFP_NOWARN)))
		nr++;
	assert_true(nr > 0 && nr < max);
	return nr;
}

/* Take every object of the class of @size. */
static unsigned int hoard_class(size_t size, void **objects, unsigned int max)
{
	unsigned int nr = 0;

	while (nr < max && (objects[nr] = kmalloc(size, GFP_KERNEL | __GFP_NOWARN)))
		nr++;
	assert_true(nr < max);
	return nr;
}

/* A cache has several structures; whichever cannot be had, the others are given back. */
static void a_cache_that_cannot_be_made_leaves_nothing(void **state)
{
	const size_t parts[] = { 2, sizeof(struct slab_node), slab_array_bytes(480),
				 sizeof(struct slab_alien) };
	static struct page *pages[40000];
	static void *objects[4000];
	unsigned int i, keep, nr_pages, nr;
	struct kmem_cache *s;
	unsigned long before;

	for (i = 0; i < 6 * ARRAY_SIZE(parts); i++) {
		/* One that works leaves the other parts in the arrays of their classes. */
		kmem_cache_destroy(&make_cache(64, 0, 0, NULL)->common);
		before = test_free_pages();
		kmem_cache_destroy(&make_cache(64, 0, 0, NULL)->common);
		nr_pages = hoard_pages(pages, ARRAY_SIZE(pages));
		nr = hoard_class(parts[i / 6], objects, ARRAY_SIZE(objects));
		/* The first ones: they are of this CPU's node and go into its array. */
		for (keep = 0; keep < i % 6 && keep < nr; keep++)
			kfree(objects[keep]);
		s = kmem_cache_create("t", 64, 0, 0, NULL);
		if (s)
			kmem_cache_destroy(s);
		else
			expect_report(MACHINE_WARN, "out of memory");
		if (i % 6 == 0)
			assert_null(s);
		while (nr > keep)
			kfree(objects[--nr]);
		while (nr_pages)
			__free_page(pages[--nr_pages]);
		assert_int_equal(test_free_pages(), before);
	}
}

static void no_order_is_large_enough(void **state)
{
	assert_null(kmem_cache_create("t", KMALLOC_MAX_SIZE, 0,
				      SLAB_TYPESAFE_BY_RCU | SLAB_NOLEAKTRACE, NULL));
	expect_report(MACHINE_WARN, "no slab is large enough");
}

static void slabs_come_from_the_zone_of_the_cache(void **state)
{
	struct slab_cache *dma = make_cache(512, 0, SLAB_CACHE_DMA, NULL);
	struct slab_cache *dma32 = make_cache(512, 0, SLAB_CACHE_DMA32, NULL);
	void *a = take(dma), *b = take(dma32);

	assert_int_equal(page_zonenum(virt_to_page(a)), KMEM_ZONE_DMA);
	assert_true(page_zonenum(virt_to_page(b)) <= KMEM_ZONE_DMA32);
	give(dma, a);
	give(dma32, b);
	kmem_cache_destroy(&dma->common);
	kmem_cache_destroy(&dma32->common);
}

/* SLAB pays for what a machine could have: arrays for every CPU, alien arrays from every node to
 * every other. */
static size_t management(unsigned int nodes, unsigned int cpus)
{
	char text[128];
	struct slab_cache *s;
	size_t bytes;

	snprintf(text, sizeof(text), "preset=x86_64 mem=%uM nodes=%u cpus=%u isolate_metadata=1",
		 64 * nodes, nodes, cpus);
	machine = test_boot(text);
	s = make_cache(256, 0, 0, NULL);
	bytes = backend_management_bytes(&s->common);
	kmem_cache_destroy(&s->common);
	test_shutdown(machine, 0);
	return bytes;
}

static void management_grows_with_nodes_and_cpus(void **state)
{
	size_t array = slab_array_bytes(120), shared = slab_array_bytes(480);
	size_t node = sizeof(struct slab_node) + sizeof(void *);

	assert_int_equal(management(1, 1), array + node);
	assert_int_equal(management(1, 4), 4 * array + node + shared);
	assert_int_equal(management(4, 8),
			 8 * array + 4 * (node + shared + 4 * sizeof(void *)) +
				 4 * 3 * sizeof(struct slab_alien));
}

static void kmalloc_classes_start_at_32(void **state)
{
	void *p = kmalloc(1, GFP_KERNEL);

	assert_int_equal(ksize(p), 32);
	assert_string_equal(kmem_cache_name(kmem_cache_of(p)), "kmalloc-32");
	kfree(p);
	p = kmalloc(8192, GFP_KERNEL);
	assert_int_equal(ksize(p), 8192);
	kfree(p);
	p = kmalloc(8193, GFP_KERNEL);
	assert_int_equal(ksize(p), 16384);
	assert_true(kmem_is_large(p, NULL));
	kfree(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		slab_test(debug_flags_are_dropped, boot_one_cpu),
		slab_test(state_is_told_in_one_line, boot_one_cpu),
		slab_test(every_node_has_its_words, boot_two_nodes),
		slab_test(objects_in_arrays_count_as_active, boot_one_cpu),
		slab_test(shrink_tells_whether_slabs_are_left, boot_one_cpu),
		slab_test(a_busy_cache_stays, boot_one_cpu),
		slab_test(a_leak_report_names_the_live_objects, boot_two_cpus),
		slab_test(nothing_is_left_behind, boot_one_cpu),
		slab_test(nothing_is_left_behind, boot_plain),
		slab_test(a_cache_that_cannot_be_made_leaves_nothing, boot_plain),
		slab_test(no_order_is_large_enough, boot_one_cpu),
		slab_test(slabs_come_from_the_zone_of_the_cache, boot_one_cpu),
		cmocka_unit_test(management_grows_with_nodes_and_cpus),
		slab_test(kmalloc_classes_start_at_32, boot_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
