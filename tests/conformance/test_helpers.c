/* SPDX-License-Identifier: MIT */
/* What stands on top of kmalloc and caches: node and array variants, copies, wiping, rounding. */
#include "conformance.h"

static int nid_of(const void *p)
{
	return page_to_nid(virt_to_page(p));
}

static void node_variants(void **state)
{
	struct machine *m = test_boot(TWO_NODES);
	static const size_t sizes[] = { 8, 100, 4000, 50000 };
	unsigned int i;
	int nid;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (nid = 0; nid < 2; nid++) {
			void *p[3];

			p[0] = kzalloc_node(sizes[i], GFP_KERNEL | __GFP_THISNODE, nid);
			p[1] = kmalloc_array_node(sizes[i] / 4, 4, GFP_KERNEL | __GFP_THISNODE, nid);
			p[2] = kcalloc_node(sizes[i] / 2, 2, GFP_KERNEL | __GFP_THISNODE, nid);
			assert_true(test_all_zero(p[0], sizes[i]));
			assert_true(test_all_zero(p[2], sizes[i]));
			for (int j = 0; j < 3; j++) {
				assert_int_equal(nid_of(p[j]), nid);
				memset(p[j], 0xff, sizes[i]);
				kfree(p[j]);
			}
		}
	}
	/* No wish. */
	kfree(kzalloc_node(100, GFP_KERNEL, NUMA_NO_NODE));
	assert_ptr_equal(kzalloc_node(0, GFP_KERNEL, 1), ZERO_SIZE_PTR);
	test_shutdown(m, 0);
}

static void products_that_overflow_fail(void **state)
{
	struct machine *m = test_boot(PLAIN);
	static const size_t bad[][2] = { { SIZE_MAX, 2 }, { 2, SIZE_MAX }, { SIZE_MAX / 8 + 1, 8 },
					 { SIZE_MAX / 2 + 1, SIZE_MAX / 2 + 1 } };
	char *p = kmalloc(50, GFP_KERNEL);
	unsigned int i;

	test_fill(p, 50, 1);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_null(kmalloc_array_node(bad[i][0], bad[i][1], GFP_KERNEL, 0));
		assert_null(kcalloc_node(bad[i][0], bad[i][1], GFP_KERNEL, 0));
		assert_null(krealloc_array(p, bad[i][0], bad[i][1], GFP_KERNEL));
		assert_true(test_filled(p, 50, 1));
	}
	kfree(p);
	test_shutdown(m, 0);
}

static void krealloc_array_grows(void **state)
{
	struct machine *m = test_boot(PLAIN);
	unsigned int *p = krealloc_array(NULL, 4, sizeof(*p), GFP_KERNEL), *q;
	unsigned int n;

	p[0] = 7;
	for (n = 4; n < 100000; n *= 3) {
		q = krealloc_array(p, n, sizeof(*p), GFP_KERNEL);
		assert_non_null(q);
		assert_int_equal(q[0], 7);
		q[n - 1] = n;
		p = q;
	}
	/* What does not work leaves the old one. */
	assert_null(krealloc_array(p, KMALLOC_MAX_SIZE, sizeof(*p), GFP_KERNEL | __GFP_NOWARN));
	assert_int_equal(p[0], 7);
	assert_ptr_equal(krealloc_array(p, 0, sizeof(*p), GFP_KERNEL), ZERO_SIZE_PTR);
	test_shutdown(m, 0);
}

static void alloc_lru_is_alloc(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("lru", 64, 0, 0, NULL);
	void *p = kmem_cache_alloc_lru(s, NULL, GFP_KERNEL);
	void *q = kmem_cache_alloc_lru(s, (struct list_lru *)(void *)m, GFP_KERNEL | __GFP_ZERO);

	assert_non_null(p);
	assert_true(test_all_zero(q, 64));
	test_fill(p, 64, 1);
	test_fill(q, 64, 2);
	assert_true(test_filled(p, 64, 1));
	kmem_cache_free(s, p);
	kmem_cache_free(s, q);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void copies(void **state)
{
	struct machine *m = test_boot(PLAIN);
	static const char text[] = "the quick brown fox";
	char large[20000], *p;

	p = kmemdup(text, sizeof(text), GFP_KERNEL);
	assert_string_equal(p, text);
	assert_ptr_not_equal(p, text);
	kfree(p);
	test_fill(large, sizeof(large), 3);
	p = kmemdup(large, sizeof(large), GFP_KERNEL);
	assert_true(test_filled(p, sizeof(large), 3));
	kfree(p);
	assert_ptr_equal(kmemdup(text, 0, GFP_KERNEL), ZERO_SIZE_PTR);

	p = kmemdup_nul(text, 9, GFP_KERNEL);
	assert_string_equal(p, "the quick");
	kfree(p);
	p = kmemdup_nul(text, 0, GFP_KERNEL);
	assert_string_equal(p, "");
	kfree(p);
	assert_null(kmemdup_nul(NULL, 9, GFP_KERNEL));

	p = kstrdup(text, GFP_KERNEL);
	assert_string_equal(p, text);
	kfree(p);
	p = kstrdup("", GFP_ATOMIC);
	assert_string_equal(p, "");
	kfree(p);
	assert_null(kstrdup(NULL, GFP_KERNEL));

	p = kstrndup(text, 3, GFP_KERNEL);
	assert_string_equal(p, "the");
	kfree(p);
	p = kstrndup(text, 1000, GFP_KERNEL);
	assert_string_equal(p, text);
	kfree(p);
	p = kstrndup(text, SIZE_MAX, GFP_KERNEL);
	assert_string_equal(p, text);
	kfree(p);
	/* Not a byte is read beyond the limit. */
	p = kstrndup((const char[]){ 'a', 'b', 'c' }, 3, GFP_KERNEL);
	assert_string_equal(p, "abc");
	kfree(p);
	p = kstrndup(text, 0, GFP_KERNEL);
	assert_string_equal(p, "");
	kfree(p);
	assert_null(kstrndup(NULL, 5, GFP_KERNEL));
	test_shutdown(m, 0);
}

struct chain {
	struct chain *next;
};

static struct chain *take_everything(void)
{
	struct chain *all = NULL, *c;
	size_t size;

	for (size = 1 << 20; size >= 8; size /= 2) {
		while ((c = kmalloc(size, GFP_KERNEL | __GFP_NOWARN))) {
			c->next = all;
			all = c;
		}
	}
	return all;
}

static void give_everything(struct chain *all)
{
	struct chain *next;

	for (; all; all = next) {
		next = all->next;
		kfree(all);
	}
}

static void without_memory_there_are_no_copies(void **state)
{
	struct machine *m = test_boot(TINY);
	gfp_t gfp = GFP_KERNEL | __GFP_NOWARN;
	struct kmem_cache *s = kmem_cache_create("lru", 4096, 0, 0, NULL);
	struct chain *all = take_everything(), *mine = NULL;
	static const char text[300] = "text";
	unsigned int i;
	void *p;

	while ((p = kmem_cache_alloc_lru(s, NULL, gfp))) {
		((struct chain *)p)->next = mine;
		mine = p;
	}
	/* What slabs still have free. */
	for (i = 0; i < 100000 && kstrdup("a text that is long enough", gfp); i++)
		;
	assert_null(kmemdup(text, sizeof(text), gfp));
	assert_null(kmemdup_nul(text, sizeof(text), gfp));
	assert_null(kstrdup("a text that is long enough", gfp));
	assert_null(kstrndup("a text that is long enough", 100, gfp));
	assert_null(kzalloc_node(5000, gfp, 0));
	assert_null(kmalloc_array_node(50, 100, gfp, 0));
	assert_null(kcalloc_node(50, 100, gfp, 0));
	assert_null(krealloc_array(NULL, 50, 100, gfp));
	assert_null(kvmalloc(5000, gfp));
	assert_null(kvmalloc_node(100000, gfp, 0));
	assert_null(kvzalloc(5000, gfp));
	assert_null(kvzalloc_node(5000, gfp, 0));
	assert_null(kvmalloc_array(50, 100, gfp));
	assert_null(kvcalloc(50, 100, gfp));
	assert_null(kvrealloc(NULL, 0, 5000, gfp));
	assert_null(kmem_cache_alloc_lru(s, NULL, gfp));
	for (; mine; mine = p) {
		p = mine->next;
		kmem_cache_free(s, mine);
	}
	kmem_cache_destroy(s);
	give_everything(all);
	expect_no_reports();
	/* The texts are leaks. */
	assert_int_equal(machine_shutdown(m), i);
	test_state.nr_reports = 0;
}

static void sensitive_memory_is_wiped(void **state)
{
	struct machine *m = test_boot(PLAIN);
	static const size_t sizes[] = { 40, 64, 1000, 8192, 30000 };
	struct kmem_cache *s = kmem_cache_create("secret", 300, 0, 0, NULL);
	unsigned char left[64];
	unsigned int i, j, n;
	void *p;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		void *keep = kmalloc(sizes[i], GFP_KERNEL);

		p = kmalloc(sizes[i], GFP_KERNEL);
		memset(p, 0xff, ksize(p));
		kfree_sensitive(p);
		test_copy_free(left, p, 40);
		for (j = 0, n = 0; j < 40; j++)
			n += left[j] == 0xff;
		/* The allocators' links may stand there, or poison. */
		assert_true(n <= 12);
		kfree(keep);
	}
	kfree_sensitive(NULL);
	kfree_sensitive(ZERO_SIZE_PTR);
	expect_no_reports();
	kfree_sensitive(left);
	expect_report(MACHINE_BUG, "ksize");
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void misuse(void **state)
{
	struct machine *m = test_boot(PLAIN), *other;
	struct kmem_cache *s = kmem_cache_create("lru", 64, 0, 0, NULL);
	char local[64];

	assert_null(krealloc_array(local, 10, 10, GFP_KERNEL));
	expect_report(MACHINE_BUG, "ksize");
	assert_null(kmemdup(local, KMALLOC_MAX_SIZE + 1, GFP_KERNEL));
	expect_report(MACHINE_WARN, "KMALLOC_MAX_SIZE");
	assert_null(kmemdup_nul(local, SIZE_MAX, GFP_KERNEL));
	assert_null(kmemdup_nul(local, SIZE_MAX - 1, GFP_KERNEL | __GFP_NOWARN));
	assert_null(kzalloc_node(KMALLOC_MAX_SIZE + 1, GFP_KERNEL, 0));
	expect_report(MACHINE_WARN, "KMALLOC_MAX_SIZE");
	other = test_boot("preset=x86_64 mem=32M");
	assert_null(kmem_cache_alloc_lru(s, NULL, GFP_KERNEL));
	expect_report(MACHINE_BUG, NULL);
	test_shutdown(other, 0);
	assert_int_equal(machine_enter(m), 0);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);

	assert_null(kstrdup("text", GFP_KERNEL));
	expect_report(MACHINE_WARN, "no machine entered");
	assert_null(kzalloc_node(10, GFP_KERNEL, 0));
	expect_report(MACHINE_WARN, "no machine entered");
	kfree_sensitive(local);
	expect_report(MACHINE_WARN, "no machine entered");
}

static void bulk_free_of_anything(void **state)
{
	struct machine *m = test_boot(PLAIN);
	void *p[60];
	int i;

	for (i = 0; i < 60; i++)
		assert_non_null(p[i] = kmalloc((size_t)1 << (i % 15), GFP_KERNEL));
	p[7] = kmalloc(0, GFP_KERNEL) == ZERO_SIZE_PTR ? p[7] : NULL;
	kfree_bulk(60, p);
	kfree_bulk(0, p);
	expect_no_reports();
	p[0] = &m;
	kfree_bulk(1, p);
	expect_report(MACHINE_BUG, NULL);
	test_shutdown(m, 0);
}

static void rounding(void **state)
{
	static const size_t sizes[] = { 1,    7,    8,	  9,	31,   33,   64,	  65,	 96,	97,
					128,  129,  192,  193,	1000, 4000, 4096, 5000,	 8192,	8193,
					9000, 65536, 65537, 1000000, KMALLOC_MAX_SIZE };
	struct machine *m;
	unsigned int i;

	/* Needs no machine. */
	assert_int_equal(kmalloc_size_roundup(0), 0);
	assert_int_equal(kmalloc_size_roundup(8193), backend_is("slob") ? 8200 : 16384);
	assert_true(kmalloc_size_roundup(SIZE_MAX) == SIZE_MAX);
	assert_true(kmalloc_size_roundup(SIZE_MAX - 100) >= SIZE_MAX - 100);
	m = test_boot(PLAIN);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t size = kmalloc_size_roundup(sizes[i]);
		void *p = kmalloc(sizes[i], GFP_KERNEL), *q = kmalloc(size, GFP_KERNEL);

		assert_true(size >= sizes[i]);
		assert_true(ksize(q) >= size);
		assert_int_equal(kmalloc_size_roundup(size), size);
		if (!backend_is("slob"))
			assert_int_equal(ksize(p), size);
		kfree(p);
		kfree(q);
	}
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(node_variants),
	cmocka_unit_test(products_that_overflow_fail),
	cmocka_unit_test(krealloc_array_grows),
	cmocka_unit_test(alloc_lru_is_alloc),
	cmocka_unit_test(copies),
	cmocka_unit_test(without_memory_there_are_no_copies),
	cmocka_unit_test(sensitive_memory_is_wiped),
	cmocka_unit_test(misuse),
	cmocka_unit_test(bulk_free_of_anything),
	cmocka_unit_test(rounding),
};
TEST_GROUP(helpers, tests);
