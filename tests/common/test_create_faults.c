/* SPDX-License-Identifier: MIT */
/*
 * kmem_cache_create() with each of its allocations failing in turn: the first, the second, … until
 * none is left to fail. The linker puts __wrap_F in place of every allocator F (meson.build).
 */
#include "../support/kmem_test.h"

#include "common/backend.h"
#include "common/registry.h"
#include "lib/percpu.h"

#include <errno.h>

static struct {
	bool armed;
	unsigned int left;	/* calls that still succeed */
	bool hit;		/* one has failed */
	long meta_bytes, percpu_blocks, structures;	/* handed out and not given back */
} fault;

/* Whether this call fails. */
static bool fails(void)
{
	if (!fault.armed || fault.hit)
		return false;
	fault.hit = !fault.left--;
	return fault.hit;
}

#define WRAPPED(f) __typeof__(f) __real_##f, __wrap_##f

WRAPPED(meta_alloc);
WRAPPED(meta_free);
WRAPPED(meta_pool_alloc);
WRAPPED(meta_pool_free);
WRAPPED(percpu_alloc);
WRAPPED(percpu_free);
WRAPPED(kmem_cache_alloc);
WRAPPED(kmem_cache_free);
WRAPPED(arch_host_alloc);

void *__wrap_meta_alloc(struct kernel *k, size_t size, int node)
{
	void *p = fails() ? NULL : __real_meta_alloc(k, size, node);

	fault.meta_bytes += p ? (long)size : 0;
	return p;
}

void __wrap_meta_free(struct kernel *k, void *p, size_t size)
{
	fault.meta_bytes -= p ? (long)size : 0;
	__real_meta_free(k, p, size);
}

void *__wrap_meta_pool_alloc(struct kernel *k, size_t size)
{
	void *p = fails() ? NULL : __real_meta_pool_alloc(k, size);

	fault.structures += p != NULL;
	return p;
}

void __wrap_meta_pool_free(struct kernel *k, void *p, size_t size)
{
	fault.structures--;
	__real_meta_pool_free(k, p, size);
}

size_t __wrap_percpu_alloc(struct kernel *k, size_t size, size_t align)
{
	size_t off = fails() ? 0 : __real_percpu_alloc(k, size, align);

	fault.percpu_blocks += off != 0;
	return off;
}

void __wrap_percpu_free(struct kernel *k, size_t off, size_t size)
{
	fault.percpu_blocks -= off != 0;
	__real_percpu_free(k, off, size);
}

/* Only the structures of caches are of interest: "kmem_cache" is their cache. */
static bool is_structure(const struct kmem_cache *s)
{
	return s == arch_kernel()->caches->kmem_cache;
}

void *__wrap_kmem_cache_alloc(struct kmem_cache *s, gfp_t gfp)
{
	void *p = is_structure(s) && fails() ? NULL : __real_kmem_cache_alloc(s, gfp);

	fault.structures += p && is_structure(s);
	return p;
}

void __wrap_kmem_cache_free(struct kmem_cache *s, void *p)
{
	fault.structures -= p && is_structure(s);
	__real_kmem_cache_free(s, p);
}

void *__wrap_arch_host_alloc(const struct arch_machine *am, size_t size)
{
	return fails() ? NULL : __real_arch_host_alloc(am, size);
}

/* --- a cache that was made is a whole one ----------------------------------------------------- */

static void use(struct kmem_cache *s)
{
	void *p[200];
	unsigned int i;

	for (i = 0; i < 200; i++) {
		cpu_migrate(i % 2);
		assert_non_null(p[i] = kmem_cache_alloc(s, GFP_KERNEL));
		memset(p[i], (int)i, kmem_cache_size(s));
	}
	for (i = 0; i < 200; i++) {
		cpu_migrate(i / 2 % 2);
		assert_int_equal(((unsigned char *)p[i])[50], (unsigned char)i);
		kmem_cache_free(s, p[i]);
	}
	cpu_migrate(0);
}

static struct kmem_cache *create(unsigned int n, slab_flags_t flags)
{
	struct kmem_cache *s;

	fault.armed = true;
	fault.left = n;
	fault.hit = false;
	s = kmem_cache_create("fragile", 200, 0, flags, NULL);
	fault.armed = false;
	return s;
}

/* What is handed out: to be the same again. */
struct books {
	long meta_bytes, percpu_blocks, structures;
	size_t percpu_used, pool_used;
	long meta_live;
	unsigned int caches;
};

static struct books books(void)
{
	struct kernel *k = arch_kernel();
	struct books b = {
		.meta_bytes = fault.meta_bytes,
		.percpu_blocks = fault.percpu_blocks,
		.structures = fault.structures,
		.percpu_used = percpu_used(k),
		.pool_used = meta_pool_used(k),
		.caches = k->caches->nr_caches,
	};

	for (unsigned int i = 0; i < sizeof(k->caches->meta_live) / sizeof(k->caches->meta_live[0]); i++)
		b.meta_live += k->caches->meta_live[i];
	return b;
}

static void expect_balance(const struct books *before)
{
	struct books now = books();

	assert_int_equal(now.meta_bytes, before->meta_bytes);
	assert_int_equal(now.percpu_blocks, before->percpu_blocks);
	assert_int_equal(now.structures, before->structures);
	assert_int_equal(now.percpu_used, before->percpu_used);
	assert_int_equal(now.pool_used, before->pool_used);
	assert_int_equal(now.meta_live, before->meta_live);
	assert_int_equal(now.caches, before->caches);
}

static void expect_no_memory(slab_flags_t flags)
{
	if (flags & SLAB_PANIC)
		expect_report(MACHINE_PANIC, "Failed to create slab 'fragile'. Error -12 (out of memory)");
	else
		expect_report(MACHINE_WARN, "kmem_cache_create(fragile) failed with error -12 (out of memory)");
}

/* How many of the allocations were fatal. */
static unsigned int sweep(const char *text, slab_flags_t flags)
{
	struct machine *m = test_boot(text);
	unsigned int n, fatal = 0;
	struct kmem_cache *s;
	struct books before;

	/* What is kept for the next cache is there. */
	s = kmem_cache_create("first", 200, 0, flags, NULL);
	assert_non_null(s);
	use(s);
	kmem_cache_destroy(s);
	before = books();
	for (n = 0;; n++) {
		s = create(n, flags);
		if (s) {
			expect_no_reports();
			use(s);
			kmem_cache_destroy(s);
			if (!fault.hit)
				break;
		} else {
			assert_true(fault.hit);
			expect_no_memory(flags);
			assert_null(kmem_find_cache("fragile"));
			fatal++;
		}
		expect_balance(&before);
		assert_true(n < 1000);
	}
	test_shutdown(m, 0);
	return fatal;
}

/* --- the tests -------------------------------------------------------------------------------- */

/* name, structure; SLUB: per-CPU part, table of nodes, nodes; SLAB also for each node the shared
 * array, the table of alien arrays and one of these. */
static unsigned int expected(unsigned int nodes)
{
	if (!strcmp(machine_backend(), "slob"))
		return 2;
	if (!strcmp(machine_backend(), "slub"))
		return 4 + nodes;
	return 4 + nodes * (nodes > 1 ? 3 + nodes - 1 : 2);
}

static void each_allocation_of_a_plain_cache(void **state)
{
	static const char one[] = "preset=x86_64 mem=64M cpus=2 cmdline=slab_nomerge",
			  two[] = "preset=x86_64 mem=128M nodes=2 cpus=4 cmdline=slab_nomerge",
			  own[] = "preset=x86_64 mem=128M nodes=3 cpus=4 isolate_metadata=1";

	assert_int_equal(sweep(one, 0), expected(1));
	assert_int_equal(sweep(two, 0), expected(2));
	assert_int_equal(sweep(own, 0), expected(3));
	assert_int_equal(sweep(two, SLAB_PANIC), expected(2));
	assert_int_equal(sweep(two, SLAB_TYPESAFE_BY_RCU | SLAB_HWCACHE_ALIGN), expected(2));
}

static void each_allocation_of_a_debug_cache(void **state)
{
	char text[128];

	snprintf(text, sizeof(text), "preset=x86_64 mem=128M nodes=2 cpus=4 cmdline=%s_debug",
		 machine_backend());
	/* SLOB writes down that name and structure live. */
	assert_int_equal(sweep(text, 0), expected(2) + (strcmp(machine_backend(), "slob") ? 0 : 2));
}

/* CONFIG_SLAB_FREELIST_RANDOM: one more, and no cache with lists in order for want of it. */
static void each_allocation_of_a_shuffled_cache(void **state)
{
	if (strcmp(machine_backend(), "slub"))
		return;
	assert_int_equal(sweep("preset=x86_64 mem=64M cpus=2 cmdline=\"slab_freelist_random slab_nomerge\"", 0),
			 expected(1) + 1);
}

/* A name that finds no memory: the cache is made as one of its own. */
static void a_name_of_a_merged_cache(void **state)
{
	struct kmem_cache *old, *s;
	struct machine *m;

	if (!backend_traits.merges)
		return;
	m = test_boot("preset=x86_64 mem=64M");
	old = kmem_cache_create("old", 200, 0, 0, NULL);
	s = create(0, 0);
	assert_true(fault.hit);
	assert_non_null(s);
	expect_no_reports();
	assert_ptr_not_equal(s, old);
	use(s);
	kmem_cache_destroy(s);
	kmem_cache_destroy(old);
	test_shutdown(m, 0);
}

/* New tunables: all or nothing. */
static void each_allocation_of_new_tunables(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=128M nodes=2 cpus=4 cmdline=slab_nomerge");
	struct kmem_cache *s = kmem_cache_create("fragile", 200, 0, 0, NULL);
	char geometry[512], after[512];
	unsigned int n, failed = 0;
	struct books before;
	long ret;

	if (!backend_traits.tune) {
		kmem_cache_destroy(s);
		test_shutdown(m, 0);
		return;
	}
	use(s);
	kmem_cache_print_geometry(s, false, geometry, sizeof(geometry));
	before = books();
	for (n = 0;; n++) {
		fault.armed = true;
		fault.left = n;
		fault.hit = false;
		ret = proc_write("slabinfo", "fragile 200 100 4", 17);
		fault.armed = false;
		if (!fault.hit)
			break;
		assert_int_equal(ret, -ENOMEM);
		failed++;
		expect_balance(&before);
		kmem_cache_print_geometry(s, false, after, sizeof(after));
		assert_string_equal(after, geometry);
		use(s);
	}
	assert_int_equal(ret, 17);
	/* the CPUs' arrays, a shared array for each node, a table of these */
	assert_int_equal(failed, 4);
	use(s);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_allocation_of_a_plain_cache),
		cmocka_unit_test(each_allocation_of_a_debug_cache),
		cmocka_unit_test(each_allocation_of_a_shuffled_cache),
		cmocka_unit_test(a_name_of_a_merged_cache),
		cmocka_unit_test(each_allocation_of_new_tunables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
