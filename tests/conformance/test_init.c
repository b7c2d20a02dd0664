/* SPDX-License-Identifier: MIT */
/* init_on_alloc=1: what is handed out is zero. init_on_free=1: what is free is zero. */
#include "conformance.h"

#define ON_ALLOC " cmdline=init_on_alloc=1"
#define ON_FREE " cmdline=init_on_free=1"
#define BOTH " cmdline=\"init_on_alloc=on init_on_free=y\""

static const char *const modes[] = { ON_ALLOC, ON_FREE, BOTH };
#define NR_MODES 3

static struct machine *boot(const char *machine, const char *mode)
{
	char text[160];

	snprintf(text, sizeof(text), "%s%s", machine, mode);
	return test_boot(text);
}

/* Bytes of free memory that are not zero. */
static unsigned int dirty(const void *p, size_t size)
{
	unsigned char b[64];
	unsigned int n = 0;
	size_t i, j, part;

	for (i = 0; i < size; i += part) {
		part = size - i < sizeof(b) ? size - i : sizeof(b);
		test_copy_free(b, (const char *)p + i, part);
		for (j = 0; j < part; j++)
			n += b[j] != 0;
	}
	return n;
}

static const size_t sizes[] = { 1, 8, 30, 64, 96, 100, 192, 500, 1024, 4000, 8192, 10000, 200000 };

static void kmalloc_is_zero(void **state)
{
	/* 0 is a valid gfp: no reclaim, no reserves. */
	static const gfp_t gfps[] = { GFP_KERNEL, GFP_ATOMIC, 0, GFP_KERNEL | __GFP_ZERO,
				      GFP_KERNEL | __GFP_RECLAIMABLE };
	unsigned int mode, i, g, round;

	for (mode = 0; mode < NR_MODES; mode++) {
		struct machine *m = boot(PLAIN, modes[mode]);

		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			for (g = 0; g < sizeof(gfps) / sizeof(gfps[0]); g++) {
				for (round = 0; round < 3; round++) {
					char *p = kmalloc(sizes[i], gfps[g]);
					char *q = kmalloc_node(sizes[i], gfps[g], 0);

					assert_true(test_all_zero(p, ksize(p)));
					assert_true(test_all_zero(q, ksize(q)));
					memset(p, 0xff, ksize(p));
					memset(q, 0xff, ksize(q));
					kfree(p);
					kfree(q);
				}
			}
		}
		test_shutdown(m, 0);
	}
}

static void cache_objects_are_zero(void **state)
{
	unsigned int mode, i, round;

	for (mode = 0; mode < NR_MODES; mode++) {
		struct machine *m = boot(TWO_NODES, modes[mode]);

		for (i = 1; i < 5000; i += i < 300 ? 37 : 1111) {
			struct kmem_cache *s = kmem_cache_create("zeros", i, 0, 0, NULL);
			void *p[40], *q;

			assert_non_null(s);
			for (round = 0; round < 3; round++) {
				unsigned int n;

				assert_int_equal(kmem_cache_alloc_bulk(s, GFP_KERNEL, 40, p), 40);
				q = kmem_cache_alloc_node(s, GFP_KERNEL, 1);
				assert_true(test_all_zero(q, i));
				memset(q, 0xff, i);
				kmem_cache_free(s, q);
				for (n = 0; n < 40; n++) {
					assert_true(test_all_zero(p[n], i));
					memset(p[n], 0xff, i);
				}
				if (round == 1)
					kmem_cache_free_bulk(s, 40, p);
				for (n = 0; n < 40 && round != 1; n++)
					kmem_cache_free(s, p[n]);
			}
			kmem_cache_destroy(s);
		}
		test_shutdown(m, 0);
	}
}

static void pages_are_zero(void **state)
{
	unsigned int mode, order, round;

	for (mode = 0; mode < NR_MODES; mode++) {
		struct machine *m = boot(PLAIN, modes[mode]);
		struct page *pages[20] = { NULL };
		unsigned long nr, i;
		char *p;

		for (order = 0; order < MAX_ORDER; order++) {
			for (round = 0; round < 2; round++) {
				struct page *page = alloc_pages(GFP_KERNEL, order);

				assert_non_null(page);
				p = page_address(page);
				assert_true(test_all_zero(p, PAGE_SIZE << order));
				memset(p, 0xff, PAGE_SIZE << order);
				__free_pages(page, order);
			}
		}
		for (round = 0; round < 2; round++) {
			memset(pages, 0, sizeof(pages));
			nr = alloc_pages_bulk_array(GFP_KERNEL, 20, pages);
			assert_true(nr > 0);
			for (i = 0; i < nr; i++) {
				assert_true(test_all_zero(page_address(pages[i]), PAGE_SIZE));
				memset(page_address(pages[i]), 0xff, PAGE_SIZE);
				__free_page(pages[i]);
			}
			p = vmalloc(5 * PAGE_SIZE);
			assert_true(test_all_zero(p, 5 * PAGE_SIZE));
			memset(p, 0xff, 5 * PAGE_SIZE);
			vfree(p);
			p = alloc_pages_exact(3 * PAGE_SIZE, GFP_KERNEL);
			assert_true(test_all_zero(p, 3 * PAGE_SIZE));
			memset(p, 0xff, 3 * PAGE_SIZE);
			free_pages_exact(p, 3 * PAGE_SIZE);
		}
		test_shutdown(m, 0);
	}
}

/* But for the links that allocators keep in free objects: a word and a half. */
#define LINKS 12

static void free_objects_are_zero(void **state)
{
	struct machine *m = boot(PLAIN, ON_FREE);
	unsigned int i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct kmem_cache *s = kmem_cache_create("wiped", (unsigned int)sizes[i], 0, 0, NULL);
		void *keep = kmem_cache_alloc(s, GFP_KERNEL);
		void *p = kmem_cache_alloc(s, GFP_KERNEL), *q = kmalloc(sizes[i], GFP_KERNEL);
		void *keep_too = kmalloc(sizes[i], GFP_KERNEL);
		size_t size = ksize(q);

		memset(p, 0xff, sizes[i]);
		memset(q, 0xff, size);
		kmem_cache_free(s, p);
		kfree(q);
		assert_true(dirty(p, sizes[i]) <= LINKS);
		assert_true(dirty(q, size) <= LINKS);
		/* SLAB keeps none in objects. */
		if (backend_is("slab"))
			assert_int_equal(dirty(p, sizes[i]) + dirty(q, size), 0);
		kmem_cache_free(s, keep);
		kfree(keep_too);
		kmem_cache_destroy(s);
	}
	test_shutdown(m, 0);
}

static void free_pages_are_zero(void **state)
{
	struct machine *m = boot(PLAIN, ON_FREE);
	unsigned int order;

	for (order = 0; order < MAX_ORDER; order++) {
		struct page *page = alloc_pages(GFP_KERNEL, order);
		void *p = page_address(page);

		memset(p, 0xff, PAGE_SIZE << order);
		__free_pages(page, order);
		assert_int_equal(dirty(p, PAGE_SIZE << order), 0);
	}
	test_shutdown(m, 0);
}

static unsigned int constructed;

static void construct(void *object)
{
	constructed++;
	memset(object, 0x5a, 100);
}

/* Objects whose contents outlive them are left alone. */
static void constructed_objects_stay_constructed(void **state)
{
	unsigned int mode, i;

	for (mode = 0; mode < NR_MODES; mode++) {
		struct machine *m = boot(PLAIN, modes[mode]);
		struct kmem_cache *s = kmem_cache_create("made", 100, 0, 0, construct);
		struct kmem_cache *rcu = kmem_cache_create("rcu", 100, 0, SLAB_TYPESAFE_BY_RCU, NULL);
		unsigned char *p, want[100];

		memset(want, 0x5a, sizeof(want));
		for (i = 0; i < 100; i++) {
			p = kmem_cache_alloc(s, GFP_KERNEL);
			assert_memory_equal(p, want, 100);
			kmem_cache_free(s, p);
			test_copy_free(want, p, 100);
			if (!backend_is("slob"))
				assert_int_equal(want[50], 0x5a);
			memset(want, 0x5a, sizeof(want));
		}
		p = kmem_cache_alloc(rcu, GFP_KERNEL);
		memset(p, 0x77, 100);
		kmem_cache_free(rcu, p);
		assert_int_equal(p[50], 0x77);
		rcu_barrier();
		kmem_cache_destroy(s);
		kmem_cache_destroy(rcu);
		test_shutdown(m, 0);
	}
}

/* A free that is refused has wiped nothing, and the lists are whole. */
static void refused_frees_wipe_nothing(void **state)
{
	struct machine *m = boot(PLAIN, BOTH);
	struct kmem_cache *s = kmem_cache_create("twice", 64, 0, 0, NULL);
	struct kmem_cache *other = kmem_cache_create("other", 128, 0, 0, NULL);
	char *p[30], *q;
	int i, j;

	for (i = 0; i < 30; i++) {
		assert_non_null(p[i] = kmem_cache_alloc(s, GFP_KERNEL));
		test_fill(p[i], 64, (uint64_t)i);
	}
	if (!backend_is("slob")) {
		kmem_cache_free(other, p[3]);
		expect_report(MACHINE_WARN, "Wrong slab cache");
		kmem_cache_free(s, p[3] + 8);
		expect_report(MACHINE_BUG, "inside");
		assert_true(test_filled(p[3], 64, 3));
	}
	for (i = 10; i < 20; i++)
		kmem_cache_free(s, p[i]);
	kmem_cache_free(s, p[19]);
	expect_report(MACHINE_BUG, "double");
	for (i = 10; i < 20; i++) {
		p[i] = kmem_cache_alloc(s, GFP_KERNEL);
		assert_true(test_all_zero(p[i], 64));
		for (j = 0; j < i; j++)
			assert_ptr_not_equal(p[i], p[j]);
		test_fill(p[i], 64, (uint64_t)i);
	}
	for (i = 0; i < 30; i++) {
		assert_true(test_filled(p[i], 64, (uint64_t)i));
		kmem_cache_free(s, p[i]);
	}
	q = kmalloc(64, GFP_KERNEL);
	kfree(q);
	kfree(q);
	expect_report(MACHINE_BUG, "kfree");
	kmem_cache_destroy(s);
	kmem_cache_destroy(other);
	test_shutdown(m, 0);
}

struct chain {
	struct chain *next;
	char rest[1000];
};

static void runs_dry_and_recovers(void **state)
{
	unsigned int mode, round;

	for (mode = 0; mode < NR_MODES; mode++) {
		struct machine *m = boot(TINY_ISOLATED, modes[mode]);
		struct kmem_cache *s = kmem_cache_create("dry", sizeof(struct chain), 0, 0, NULL);
		unsigned long n[2] = { 0, 0 }, before = test_free_pages();

		for (round = 0; round < 2; round++) {
			struct chain *all = NULL, *c;

			while ((c = kmem_cache_alloc(s, GFP_KERNEL | __GFP_NOWARN))) {
				assert_true(test_all_zero(c, sizeof(*c)));
				memset(c, 0xff, sizeof(*c));
				c->next = all;
				all = c;
				n[round]++;
			}
			for (; all; all = c) {
				c = all->next;
				kmem_cache_free(s, all);
			}
			assert_int_equal(test_free_pages(), before);
		}
		assert_int_equal(n[0], n[1]);
		kmem_cache_destroy(s);
		test_shutdown(m, 0);
	}
}

static void words(void **state)
{
	static const char *const good[] = { "0", "1", "y", "n", "Y", "N", "on", "off" };
	static const char *const bad[] = { "2", "", "yes", "o", "01" };
	struct machine_error err;
	struct machine *m;
	char text[120];
	unsigned int i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(text, sizeof(text), PLAIN " cmdline=\"init_on_alloc=%s init_on_free=%s\"",
			 good[i], good[i]);
		test_shutdown(test_boot(text), 0);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), PLAIN " cmdline=\"init_on_free=%s\"", bad[i]);
		assert_true(machine_boot_text(text, &m, &err) < 0);
		assert_non_null(strstr(err.reason, "init_on_free"));
	}
	assert_true(machine_boot_text(PLAIN " cmdline=init_on_alloc", &m, &err) < 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(kmalloc_is_zero),
	cmocka_unit_test(cache_objects_are_zero),
	cmocka_unit_test(pages_are_zero),
	cmocka_unit_test(free_objects_are_zero),
	cmocka_unit_test(free_pages_are_zero),
	cmocka_unit_test(constructed_objects_stay_constructed),
	cmocka_unit_test(refused_frees_wipe_nothing),
	cmocka_unit_test(runs_dry_and_recovers),
	cmocka_unit_test(words),
};
TEST_GROUP(init, tests);
