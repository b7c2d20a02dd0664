/* SPDX-License-Identifier: MIT */
/* Which bytes may be copied to and from user space. */
#include "conformance.h"

#include <errno.h>

static bool knows_objects(void)
{
	return !backend_is("slob");
}

/* The title of the one report there was. */
static void expect_usercopy(bool to_user, const char *what, const char *name, unsigned long offset,
			    unsigned long n)
{
	char want[200];

	snprintf(want, sizeof(want),
		 "usercopy: Kernel memory %s attempt detected %s %s%s%s%s (offset %lu, size %lu)!",
		 to_user ? "exposure" : "overwrite", to_user ? "from" : "to", what, name ? " '" : "",
		 name ? name : "", name ? "'" : "", offset, n);
	expect_report(MACHINE_BUG, want);
}

/* @n bytes at @offset of a cache's object: good, or reported with the object's kind and name. */
static void check(struct kmem_cache *s, char *object, unsigned long offset, unsigned long n, bool good)
{
	char what[32];
	bool to_user;

	snprintf(what, sizeof(what), "%s object", backend_is("slab") ? "SLAB" : "SLUB");
	for (to_user = false;; to_user = true) {
		int ret = kmem_check_usercopy(object + offset, n, to_user);

		if (good || !knows_objects()) {
			assert_int_equal(ret, 0);
			expect_no_reports();
		} else {
			assert_int_equal(ret, -EFAULT);
			expect_usercopy(to_user, what, kmem_cache_name(s), offset, n);
		}
		if (to_user)
			return;
	}
}

static void windows(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create_usercopy("window", 100, 0, 0, 20, 30, NULL);
	char *p[50];
	int i;

	for (i = 0; i < 50; i++)
		assert_non_null(p[i] = kmem_cache_alloc(s, GFP_KERNEL));
	for (i = 0; i < 50; i++) {
		check(s, p[i], 20, 30, true);
		check(s, p[i], 20, 1, true);
		check(s, p[i], 49, 1, true);
		check(s, p[i], 35, 15, true);
		check(s, p[i], 0, 0, true);
		check(s, p[i], 19, 1, false);
		check(s, p[i], 0, 100, false);
		check(s, p[i], 20, 31, false);
		check(s, p[i], 50, 1, false);
		check(s, p[i], 40, 11, false);
		check(s, p[i], 30, 1000000, false);
	}
	for (i = 0; i < 50; i++)
		kmem_cache_free(s, p[i]);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void a_plain_cache_has_none(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("plain", 100, 0, 0, NULL);
	char *p = kmem_cache_alloc(s, GFP_KERNEL);

	check(s, p, 0, 1, false);
	check(s, p, 50, 50, false);
	check(s, p, 0, 0, true);
	kmem_cache_free(s, p);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void red_zones_are_no_window(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create_usercopy("red", 64, 0, SLAB_RED_ZONE, 0, 64, NULL);
	char *p = kmem_cache_alloc(s, GFP_KERNEL);

	check(s, p, 0, 64, true);
	check(s, p, 0, 65, false);
	if (backend_is("slub")) {
		assert_int_equal(kmem_check_usercopy(p - 4, 2, true), -EFAULT);
		expect_usercopy(true, "SLUB object in left red zone", "red", 4, 2);
	}
	kmem_cache_free(s, p);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void kmalloc_is_all_window(void **state)
{
	static const size_t sizes[] = { 8, 50, 96, 1000, 8192 };
	struct machine *m = test_boot(PLAIN);
	unsigned int i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *p = kmalloc(sizes[i], GFP_KERNEL);
		unsigned long room = ksize(p);

		assert_int_equal(kmem_check_usercopy(p, room, true), 0);
		assert_int_equal(kmem_check_usercopy(p + room - 1, 1, false), 0);
		expect_no_reports();
		if (kmem_cache_of(p))
			check(kmem_cache_of(p), p, room - 1, 2, false);
		kfree(p);
	}
	test_shutdown(m, 0);
}

static void blocks_of_pages(void **state)
{
	struct machine *m = test_boot(PLAIN);
	char *p = kmalloc(20000, GFP_KERNEL);
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP, 1);
	struct page *plain = alloc_pages(GFP_KERNEL, 1);
	char *q = page_address(page), *r = page_address(plain);

	assert_int_equal(kmem_check_usercopy(p, 32768, true), 0);
	assert_int_equal(kmem_check_usercopy(p + 32767, 1, true), 0);
	assert_int_equal(kmem_check_usercopy(p + 10000, 22769, true), -EFAULT);
	expect_usercopy(true, "page alloc", NULL, 10000, 22769);
	assert_int_equal(kmem_check_usercopy(q + 4000, 8192 - 4000, false), 0);
	assert_int_equal(kmem_check_usercopy(q + 4000, 8192 - 3999, false), -EFAULT);
	expect_usercopy(false, "page alloc", NULL, 4000, 8192 - 3999);
	/* Nobody knows where a plain block ends. */
	assert_int_equal(kmem_check_usercopy(r, 10000, true), 0);
	expect_no_reports();
	kfree(p);
	__free_pages(page, 1);
	__free_pages(plain, 1);
	test_shutdown(m, 0);
}

static void areas(void **state)
{
	static const char *const machines[] = { PLAIN, PLAIN " backing=private" };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		struct machine *m = test_boot(machines[i]);
		char *p = vmalloc(10000);

		assert_int_equal(kmem_check_usercopy(p, 12288, true), 0);
		assert_int_equal(kmem_check_usercopy(p + 12287, 1, true), 0);
		assert_int_equal(kmem_check_usercopy(p + 100, 12189, true), -EFAULT);
		expect_usercopy(true, "vmalloc", NULL, 100, 12189);
		vfree(p);
		if (!i) {
			assert_int_equal(kmem_check_usercopy(p, 10, false), -EFAULT);
			expect_usercopy(false, "vmalloc", "no area", 0, 10);
		}
		test_shutdown(m, 0);
	}
}

static void odd_addresses(void **state)
{
	struct machine *m = test_boot(PLAIN);
	char local[16];

	assert_int_equal(kmem_check_usercopy(NULL, 0, true), 0);
	assert_int_equal(kmem_check_usercopy(local, 1000, true), 0);
	expect_no_reports();
	assert_int_equal(kmem_check_usercopy(NULL, 5, true), -EFAULT);
	expect_usercopy(true, "null address", NULL, 0, 5);
	assert_int_equal(kmem_check_usercopy(ZERO_SIZE_PTR, 1, false), -EFAULT);
	expect_usercopy(false, "null address", NULL, 16, 1);
	assert_int_equal(kmem_check_usercopy(local, ~0ul, false), -EFAULT);
	expect_usercopy(false, "wrapped address", NULL, 0, ~0ul);
	test_shutdown(m, 0);
	assert_int_equal(kmem_check_usercopy(local, 1, true), -EFAULT);
	expect_report(MACHINE_WARN, "no machine entered");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(windows),
	cmocka_unit_test(a_plain_cache_has_none),
	cmocka_unit_test(red_zones_are_no_window),
	cmocka_unit_test(kmalloc_is_all_window),
	cmocka_unit_test(blocks_of_pages),
	cmocka_unit_test(areas),
	cmocka_unit_test(odd_addresses),
};
TEST_GROUP(usercopy, tests);
