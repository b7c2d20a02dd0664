/* SPDX-License-Identifier: MIT */
/* A machine with empty SLOB lists for each test, and small words for pages and pointers. */
#ifndef KMEM_TESTS_SLOB_TEST_H
#define KMEM_TESTS_SLOB_TEST_H

#include "../support/kmem_test.h"

#define SLOB_TEST_MACHINE "preset=x86_64 mem=64M nodes=2 cpus=2 isolate_metadata=1"

static struct machine *machine;

static inline int boot(void **state)
{
	(void)state;
	machine = test_boot(SLOB_TEST_MACHINE);
	return 0;
}

/* Everything was freed, and every report expected. */
static inline int shutdown_clean(void **state)
{
	(void)state;
	test_shutdown(machine, 0);
	return 0;
}

#define slob_test(f) cmocka_unit_test_setup_teardown(f, boot, shutdown_clean)

static inline struct kmem_cache *cache(const char *name, unsigned int size)
{
	struct kmem_cache *s = kmem_cache_create(name, size, 0, 0, NULL);

	assert_non_null(s);
	return s;
}

static inline void *get(struct kmem_cache *s)
{
	void *p = kmem_cache_alloc(s, GFP_KERNEL);

	assert_non_null(p);
	return p;
}

/* Pages that hold blocks. */
static inline uint64_t slob_pages(void)
{
	struct kmem_stats st = test_stats();

	assert_int_equal(st.slabs, st.slab_pages);
	return st.slabs;
}

static inline void *page_of(const void *p)
{
	return (void *)((uintptr_t)p & ~(uintptr_t)(PAGE_SIZE - 1));
}

static inline unsigned int offset_of(const void *p)
{
	return (unsigned int)((uintptr_t)p & (PAGE_SIZE - 1));
}

#endif
