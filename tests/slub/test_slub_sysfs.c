/* SPDX-License-Identifier: MIT */
/* The files of a cache: what is in each, which can be written, what bad values do. */
#include "slub_test.h"

#include <errno.h>

static char text[65536];

static const char *read_file(const char *cache, const char *file)
{
	char path[200];

	snprintf(path, sizeof(path), "slab/%s/%s", cache, file);
	memset(text, 0, sizeof(text));
	assert_in_range(proc_read(path, text, sizeof(text)), 0, sizeof(text) - 1);
	return text;
}

static long write_file(const char *file, const char *value)
{
	char path[200];

	snprintf(path, sizeof(path), "slab/some/%s", file);
	return proc_write(path, value, strlen(value));
}

#define expect_file(file, value) assert_string_equal(read_file("some", file), value)

static void constant_files(void **state)
{
	struct machine *m = test_boot(ONE_CPU);
	struct kmem_cache *s = kmem_cache_create_usercopy("some", 100, 0,
			SLAB_HWCACHE_ALIGN | SLAB_RECLAIM_ACCOUNT | SLAB_TYPESAFE_BY_RCU |
			SLAB_CACHE_DMA | SLAB_RED_ZONE, 8, 24, NULL);
	char number[32];

	expect_file("object_size", "100\n");
	expect_file("align", sizeof(void *) == 8 ? "64\n" : "32\n");
	snprintf(number, sizeof(number), "%u\n", s->size);
	expect_file("slab_size", number);
	snprintf(number, sizeof(number), "%u\n", slub_of(s)->oo.objects);
	expect_file("objs_per_slab", number);
	expect_file("order", "0\n");
	expect_file("usersize", "24\n");
	expect_file("aliases", "0\n");
	expect_file("hwcache_align", "1\n");
	expect_file("reclaim_account", "1\n");
	expect_file("destroy_by_rcu", "1\n");
	expect_file("cache_dma", "1\n");
	expect_file("red_zone", "1\n");
	expect_file("poison", "0\n");
	expect_file("sanity_checks", "0\n");
	expect_file("store_user", "0\n");
	expect_file("trace", "0\n");
	expect_file("cpu_partial", "0\n");
	expect_file("ctor", "");
	expect_file("shrink", "");
	expect_file("validate", "");
	expect_file("alloc_traces", "No data\n");
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void a_ctor(void *object)
{
}

static void constructors_and_aliases(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M cpus=1");
	struct kmem_cache *s = kmem_cache_create("some", 100, 0, 0, a_ctor), *a, *b;

	assert_int_equal(strncmp(read_file("some", "ctor"), "a_ctor+0x", 9), 0);
	kmem_cache_destroy(s);
	a = kmem_cache_create("first", 200, 0, 0, NULL);
	b = kmem_cache_create("second", 200, 0, 0, NULL);
	assert_ptr_equal(a, b);
	assert_string_equal(read_file("first", "aliases"), "1\n");
	assert_string_equal(read_file("second", "aliases"), "1\n");
	assert_true(proc_read("slab", text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "\nfirst\nsecond\n"));
	kmem_cache_destroy(a);
	kmem_cache_destroy(b);
	assert_int_equal(proc_read("slab/second/aliases", NULL, 0), -ENOENT);
	test_shutdown(m, 0);
}

/* 64 objects a slab: three slabs of node 0, one of node 1. */
static void figures(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=128M nodes=2 cpus=2 isolate_metadata=1 "
				      "cmdline=slub_max_order=0");
	struct kmem_cache *s = kmem_cache_create("some", 64, 0, 0, NULL);
	void *p[192], *other;

	for (int i = 0; i < 192; i++)
		p[i] = kmem_cache_alloc_node(s, GFP_KERNEL, 0);
	expect_file("slabs", "3 N0=3\n");
	expect_file("cpu_slabs", "1 N0=1\n");
	expect_file("objects", "192 N0=192\n");
	assert_int_equal(cpu_migrate(1), 0);
	other = kmem_cache_alloc_node(s, GFP_KERNEL, 1);
	expect_file("slabs", "4 N0=3 N1=1\n");
	expect_file("cpu_slabs", "2 N0=1 N1=1\n");
	expect_file("total_objects", "256 N0=192 N1=64\n");
	/* What a CPU holds counts as used. */
	expect_file("objects", "256 N0=192 N1=64\n");
	expect_file("partial", "0\n");
	kmem_cache_free(s, p[0]);
	kmem_cache_free(s, p[1]);
	kmem_cache_free(s, p[64]);
	expect_file("slabs_cpu_partial", "64(2) C1=64(2)\n");
	expect_file("cpu_slabs", "4 N0=3 N1=1\n");
	assert_int_equal(write_file("shrink", "1\n"), 2);
	expect_file("slabs_cpu_partial", "0(0)\n");
	expect_file("cpu_slabs", "0\n");
	expect_file("partial", "3 N0=2 N1=1\n");
	expect_file("objects_partial", "126 N0=125 N1=1\n");
	expect_file("objects", "190 N0=189 N1=1\n");
	kmem_cache_free(s, other);
	for (int i = 0; i < 192; i++)
		if (i > 1 && i != 64)
			kmem_cache_free(s, p[i]);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void written(void **state)
{
	struct machine *m = test_boot(ONE_CPU);
	struct kmem_cache *s = kmem_cache_create("some", 1024, 0, 0, NULL);
	void *p[400];

	assert_int_equal(write_file("min_partial", "2"), 1);
	expect_file("min_partial", "2\n");
	assert_int_equal(write_file("cpu_partial", "0\n"), 2);
	expect_file("cpu_partial", "0\n");
	for (int i = 0; i < 400; i++)
		p[i] = kmem_cache_alloc(s, GFP_KERNEL);
	for (int i = 0; i < 400; i++)
		kmem_cache_free(s, p[i]);
	/* No CPU list but for the slab freed last, two empty slabs on the node, the CPU's own. */
	assert_in_range(atoi(read_file("some", "slabs")), 2, 4);
	assert_int_equal(write_file("min_partial", "1000"), 4);
	assert_int_equal(write_file("cpu_partial", "120"), 3);
	assert_int_equal(slub_of(s)->cpu_partial_slabs,
			 (240 + slub_of(s)->oo.objects - 1) / slub_of(s)->oo.objects);
	for (int i = 0; i < 400; i++)
		p[i] = kmem_cache_alloc(s, GFP_KERNEL);
	for (int i = 0; i < 400; i++)
		kmem_cache_free(s, p[i]);
	assert_true(atoi(read_file("some", "slabs")) > 20);
	assert_int_equal(write_file("shrink", "1"), 1);
	expect_file("slabs", "0\n");
	assert_int_equal(write_file("remote_node_defrag_ratio", "37"), 2);
	expect_file("remote_node_defrag_ratio", "37\n");
	assert_int_equal(check_cache(s), 0);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void bad_values(void **state)
{
	static const struct {
		const char *file, *value;
		long err;
	} rows[] = {
		{"min_partial", "", -EINVAL}, {"min_partial", "x", -EINVAL},
		{"min_partial", "12x", -EINVAL}, {"min_partial", "-1", -EINVAL},
		{"min_partial", "99999999999999999999", -ERANGE},
		{"cpu_partial", "4294967296", -ERANGE}, {"cpu_partial", " 1", -EINVAL},
		{"cpu_partial", "1", -EINVAL}, /* a debug cache has no such list */
		{"remote_node_defrag_ratio", "101", -ERANGE},
		{"remote_node_defrag_ratio", "ten", -EINVAL},
		{"shrink", "0", -EINVAL}, {"shrink", "", -EINVAL}, {"validate", "2", -EINVAL},
		{"min_partial", "1111111111111111111111111111111111111", -EINVAL},
		{"order", "1", -EIO}, {"objects", "1", -EIO}, {"alloc_traces", "1", -EIO},
		{"nothing", "1", -ENOENT},
	};
	struct machine *m = test_boot(ONE_CPU);
	struct kmem_cache *s = kmem_cache_create("some", 100, 0, SLAB_POISON, NULL);
	struct kmem_cache *plain = kmem_cache_create("plain", 100, 0, 0, NULL);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(write_file(rows[i].file, rows[i].value), rows[i].err);
	expect_file("min_partial", "5\n");
	assert_int_equal(write_file("validate", "1"), 1);
	assert_int_equal(proc_write("slab/plain/validate", "1", 1), -EINVAL);
	assert_int_equal(proc_write("slab/none/validate", "1", 1), -ENOENT);
	assert_int_equal(proc_write("slab/some", "1", 1), -ENOENT);
	assert_int_equal(proc_write("slab", "1", 1), -ENOENT);
	assert_int_equal(proc_write("slab/some/shrink", "1\0", 2), -EINVAL);
	assert_int_equal(proc_read("slab/", NULL, 0), -ENOENT);
	assert_int_equal(proc_read("slabs", NULL, 0), -ENOENT);
	assert_int_equal(proc_read("slab/some/", NULL, 0), -ENOENT);
	kmem_cache_destroy(s);
	kmem_cache_destroy(plain);
	test_shutdown(m, 0);
}

static noinline void *one_caller(struct kmem_cache *s)
{
	void *p = kmem_cache_alloc(s, GFP_KERNEL);

	assert_non_null(p);
	return p;
}

static noinline void *other_caller(struct kmem_cache *s)
{
	void *p = kmem_cache_alloc(s, GFP_KERNEL);

	assert_non_null(p);
	return p;
}

/* How often a loop turns, unknown to a compiler that would unroll it: one place in the code is one trace. */
static volatile int seven = 7, ten = 10;

static noinline void one_freer(struct kmem_cache *s, void *p)
{
	kmem_cache_free(s, p);
	__asm__ volatile("");
}

static noinline void *one_kmalloc(void)
{
	void *p = kmalloc(100, GFP_KERNEL);

	__asm__ volatile("" : "+r"(p));
	return p;
}

static void traces(void **state)
{
	struct machine *m = test_boot(SLUB_MACHINE " cpus=2");
	struct kmem_cache *s = kmem_cache_create("some", 64, 0, SLAB_STORE_USER, NULL);
	void *p[100], *q[7];
	char line[64];
	int freed;

	for (int i = 0; i < seven; i++)
		q[i] = other_caller(s);
	machine_advance(40);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(cpu_migrate((unsigned int)i % 2), 0);
		p[i] = one_caller(s);
	}
	read_file("some", "alloc_traces");
	assert_int_equal(strncmp(text, "    100 one_caller+0x", 21), 0);
	assert_non_null(strstr(text, " age=0 pid="));
	assert_non_null(strstr(text, " cpus=0-1\n        one_caller+0x"));
	assert_non_null(strstr(text, "\n\n      7 other_caller+0x"));
	assert_non_null(strstr(text, " age=10/10/10 pid="));
	assert_int_equal(strncmp(read_file("some", "free_traces"), "    107 <not-available> ", 24), 0);
	for (int i = 0; i < 100; i++)
		one_freer(s, p[i]);
	for (int i = 0; i < 100; i++)
		p[i] = one_caller(s);
	/* The slab that had never been full gave objects that nobody had freed. */
	freed = atoi(read_file("some", "free_traces"));
	assert_in_range(freed, 50, 99);
	assert_int_equal(strncmp(text + 8, "one_freer+0x", 12), 0);
	snprintf(line, sizeof(line), "\n\n%7d <not-available> ", 107 - freed);
	assert_non_null(strstr(text, line));
	kmem_cache_free_bulk(s, 100, p);
	kmem_cache_free_bulk(s, 7, q);
	expect_file("alloc_traces", "No data\n");
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void wasted_bytes(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M cpus=1 cmdline=slub_debug=U,kmalloc-128");
	void *p[10];

	for (int i = 0; i < ten; i++)
		p[i] = one_kmalloc();
	assert_non_null(strstr(read_file("kmalloc-128", "alloc_traces"), " waste=280/28 age="));
	kfree_bulk(10, p);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constant_files),
		cmocka_unit_test(constructors_and_aliases),
		cmocka_unit_test(figures),
		cmocka_unit_test(written),
		cmocka_unit_test(bad_values),
		cmocka_unit_test(traces),
		cmocka_unit_test(wasted_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
