/* SPDX-License-Identifier: MIT */
/* One slab: colour, free list in its three places, constructors. */
#include "slab_test.h"

static int boot_one_cpu_plain(void **state)
{
	(void)state;
	return boot_text("preset=x86_64 mem=64M cpus=1");
}

static struct slab_slab *grow(struct slab_cache *s)
{
	struct slab_slab *slab = slab_grow(s, GFP_KERNEL, NUMA_NO_NODE);

	assert_non_null(slab);
	assert_int_equal(slab->active, 0);
	return slab;
}

static void objects_leave_in_ascending_order(void **state)
{
	struct slab_cache *s = make_cache(512, 0, 0, NULL);
	struct slab_slab *slab = grow(s);
	void *objects[8];
	unsigned int i;

	assert_int_equal(slab_take(s, slab, objects, 3), 3);
	assert_int_equal(slab_take(s, slab, objects + 3, 8), 5);
	assert_int_equal(slab_take(s, slab, objects, 1), 0);
	for (i = 0; i < 8; i++)
		assert_ptr_equal(objects[i], slab->s_mem + i * 512);
	for (i = 0; i < 8; i++)
		slab_put_locked(s, slab, objects[i]);
	slab_destroy(s, slab);
	kmem_cache_destroy(&s->common);
}

static void the_last_put_back_is_the_first_taken(void **state)
{
	struct slab_cache *s = make_cache(512, 0, 0, NULL);
	struct slab_slab *slab = grow(s);
	void *objects[8], *again[8];
	unsigned int i;

	slab_take(s, slab, objects, 8);
	slab_put_locked(s, slab, objects[2]);
	slab_put_locked(s, slab, objects[6]);
	slab_put_locked(s, slab, objects[0]);
	assert_int_equal(slab_take(s, slab, again, 8), 3);
	assert_ptr_equal(again[0], objects[0]);
	assert_ptr_equal(again[1], objects[6]);
	assert_ptr_equal(again[2], objects[2]);
	for (i = 0; i < 8; i++)
		slab_put_locked(s, slab, objects[i]);
	slab_destroy(s, slab);
	kmem_cache_destroy(&s->common);
}

static void an_in_object_list_lies_in_the_last_object_to_leave(void **state)
{
	struct slab_cache *s = make_cache(256, 0, 0, NULL);
	struct slab_slab *slab = grow(s);
	void *objects[16];
	unsigned int i;

	assert_int_equal(s->geo.mgmt, SLAB_MGMT_OBJ);
	assert_ptr_equal(slab->freelist, slab->s_mem + 15 * 256);
	for (i = 0; i < 16; i++) {
		slab_take(s, slab, &objects[i], 1);
		test_scribble_free(objects[i], 0xff, 256);	/* users may write all of it */
	}
	assert_null(slab->freelist);
	slab_put_locked(s, slab, objects[5]);
	assert_ptr_equal(slab->freelist, objects[5]);
	slab_put_locked(s, slab, objects[7]);
	assert_ptr_equal(slab->freelist, objects[5]);
	slab_take(s, slab, &objects[7], 1);
	test_scribble_free(objects[7], 0xff, 256);
	assert_int_equal(slab_take(s, slab, &objects[5], 1), 1);
	assert_ptr_equal(objects[5], slab->s_mem + 5 * 256);
	for (i = 0; i < 16; i++)
		slab_put_locked(s, slab, objects[i]);
	slab_destroy(s, slab);
	kmem_cache_destroy(&s->common);
}

static void an_on_slab_list_lies_at_the_end(void **state)
{
	struct slab_cache *s = make_cache(40, 0, 0, NULL);
	struct slab_slab *slab = grow(s);
	char *base = slab_base(s->common.kernel, slab);

	assert_int_equal(s->geo.mgmt, SLAB_MGMT_ON);
	assert_ptr_equal(slab->freelist, base + PAGE_SIZE - s->geo.num);
	assert_true(slab->s_mem + s->span <= (char *)slab->freelist);
	slab_destroy(s, slab);
	kmem_cache_destroy(&s->common);
}

static void an_off_slab_list_lies_elsewhere(void **state)
{
	struct slab_cache *s = make_cache(1024, 0, SLAB_TYPESAFE_BY_RCU, NULL);
	size_t before = backend_management_bytes(&s->common);
	void *object = take(s);
	struct slab_slab *slab = slab_of_object(s, object);
	uintptr_t off = (uintptr_t)slab->freelist - (uintptr_t)slab_base(s->common.kernel, slab);

	assert_int_equal(s->geo.mgmt, SLAB_MGMT_OFF);
	assert_true(off >= PAGE_SIZE);
	assert_int_equal(backend_management_bytes(&s->common), before + s->geo.freelist_size);
	give(s, object);
	assert_int_equal(kmem_cache_shrink(&s->common), 0);
	assert_int_equal(backend_management_bytes(&s->common), before);
	kmem_cache_destroy(&s->common);
}

/* Pages, but no place for the list: the pages go back. */
static void no_memory_for_the_list(void **state)
{
	static void *objects[20000];
	static struct page *pages[20000];
	struct slab_cache *s = make_cache(1024, 0, SLAB_TYPESAFE_BY_RCU, NULL);
	gfp_t gfp = GFP_KERNEL | __GFP_NOWARN;
	unsigned int nr = 0, nr_pages = 0;
	unsigned long before;
	void *object;

	assert_int_equal(s->geo.mgmt, SLAB_MGMT_OFF);
	while ((pages[nr_pages] = alloc_page(gfp)))
		assert_true(++nr_pages < ARRAY_SIZE(pages));
	while ((objects[nr] = kmalloc(s->geo.freelist_size, gfp)))
		assert_true(++nr < ARRAY_SIZE(objects));
	__free_page(pages[--nr_pages]);
	before = test_stats().page_frees[0];
	assert_null(kmem_cache_alloc(&s->common, gfp));
	assert_true(test_stats().page_frees[0] > before);
	assert_int_equal(s->node[0]->total_slabs, 0);
	/* With room for the list it works. */
	kfree(objects[--nr]);
	object = kmem_cache_alloc(&s->common, gfp);
	assert_non_null(object);
	give(s, object);
	while (nr)
		kfree(objects[--nr]);
	while (nr_pages)
		__free_page(pages[--nr_pages]);
	kmem_cache_destroy(&s->common);
}

/* Two colours: the first slabs sit at +64, 0, +64, …; the objects keep their distance. */
static void the_colour_is_advanced_before_use(void **state)
{
	struct slab_cache *s = make_cache(300, 0, 0, NULL);
	static const unsigned int expect[] = { 64, 0, 64, 0 };
	struct slab_slab *slab[4];
	unsigned int i;

	assert_int_equal(s->geo.colour, 2);
	for (i = 0; i < 4; i++) {
		slab[i] = grow(s);
		assert_int_equal(slab[i]->s_mem - slab_base(s->common.kernel, slab[i]), expect[i]);
	}
	for (i = 0; i < 4; i++)
		slab_destroy(s, slab[i]);
	kmem_cache_destroy(&s->common);
}

/* Whatever the size: each further slab starts one line later, and the last colour is followed by
 * the first. */
static void colouring_shifts_objects_of_successive_slabs_by_whole_cache_lines(void **state)
{
	static const unsigned int sizes[] = { 300, 440, 560, 700, 900, 1500 };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct slab_cache *s = make_cache(sizes[i], 0, 0, NULL);
		struct slab_slab *slabs[20];
		size_t shift[20];

		assert_true(s->geo.colour > 1);
		assert_int_equal(s->geo.colour_off % ARCH_CACHE_LINE, 0);
		for (j = 0; j < 20; j++) {
			slabs[j] = grow(s);
			shift[j] = (size_t)(slabs[j]->s_mem - slab_base(s->common.kernel, slabs[j]));
			assert_int_equal(shift[j], (j + 1) % s->geo.colour * s->geo.colour_off);
		}
		for (j = 0; j < 20; j++)
			slab_destroy(s, slabs[j]);
		kmem_cache_destroy(&s->common);
	}
}

static void one_colour_is_none(void **state)
{
	struct slab_cache *s = make_cache(200, 0, 0, NULL);
	struct slab_slab *slab[3];
	unsigned int i;

	assert_int_equal(s->geo.colour, 1);
	for (i = 0; i < 3; i++) {
		slab[i] = grow(s);
		assert_ptr_equal(slab[i]->s_mem, slab_base(s->common.kernel, slab[i]));
	}
	for (i = 0; i < 3; i++)
		slab_destroy(s, slab[i]);
	kmem_cache_destroy(&s->common);
}

static unsigned int constructed;
static char *last_constructed;

static void count_ctor(void *object)
{
	constructed++;
	if (last_constructed)
		assert_ptr_equal(object, last_constructed + 304);
	last_constructed = object;
	memset(object, 0x5c, 300);
}

/* All objects of a slab, once, from the lowest to the highest; later users see what they left. */
static void constructors_run_once_a_slab(void **state)
{
	struct slab_cache *s = make_cache(300, 0, 0, count_ctor);
	unsigned char *object;

	constructed = 0;
	last_constructed = NULL;
	object = take(s);
	assert_int_equal(constructed, s->geo.num);
	assert_int_equal(object[0], 0x5c);
	assert_int_equal(object[299], 0x5c);
	object[17] = 1;
	give(s, object);
	assert_ptr_equal(take(s), object);
	assert_int_equal(object[0], 0x5c);
	assert_int_equal(object[17], 1);
	assert_int_equal(constructed, s->geo.num);
	give(s, object);
	kmem_cache_destroy(&s->common);
}

/* A use after free that hits the list is noticed before a wild pointer leaves the allocator. */
static void an_overwritten_list_is_reported(void **state)
{
	struct slab_cache *s = make_cache(256, 0, 0, NULL);
	struct slab_slab *slab = grow(s);
	void *objects[16];
	unsigned int i;

	slab_take(s, slab, objects, 4);
	test_scribble_free(slab->freelist, 0xee, 16);
	assert_int_equal(slab_take(s, slab, objects + 4, 2), 0);
	expect_report(MACHINE_BUG, "free list is overwritten");
	/* Nothing more comes from it; what was handed out can come back. */
	assert_int_equal(slab->active, 16);
	assert_int_equal(slab_take(s, slab, objects + 4, 2), 0);
	for (i = 0; i < 4; i++)
		slab_put_locked(s, slab, objects[i]);
	assert_int_equal(slab_take(s, slab, objects, 16), 4);
	slab->active = 0;
	slab_destroy(s, slab);
	kmem_cache_destroy(&s->common);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		slab_test(objects_leave_in_ascending_order, boot_one_cpu),
		slab_test(the_last_put_back_is_the_first_taken, boot_one_cpu),
		slab_test(an_in_object_list_lies_in_the_last_object_to_leave, boot_one_cpu),
		slab_test(an_on_slab_list_lies_at_the_end, boot_one_cpu),
		slab_test(an_off_slab_list_lies_elsewhere, boot_one_cpu),
		slab_test(no_memory_for_the_list, boot_one_cpu_plain),
		slab_test(the_colour_is_advanced_before_use, boot_one_cpu),
		slab_test(colouring_shifts_objects_of_successive_slabs_by_whole_cache_lines, boot_one_cpu),
		slab_test(one_colour_is_none, boot_one_cpu),
		slab_test(constructors_run_once_a_slab, boot_one_cpu),
		slab_test(an_overwritten_list_is_reported, boot_one_cpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
