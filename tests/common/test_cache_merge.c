/* SPDX-License-Identifier: MIT */
/* Names and references of merged caches; which real caches would merge. Conformance tests the
 * rest. */
#include "../support/kmem_test.h"

#include "common/backend.h"
#include "common/registry.h"

static void references_and_names(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M");
	unsigned int caches = arch_kernel()->caches->nr_caches;
	struct kmem_cache *s = kmem_cache_create("one", 60, 0, SLAB_HWCACHE_ALIGN, NULL);
	size_t bytes = cache_names_bytes(s);

	assert_int_equal(s->refcount, 1);
	assert_null(s->aliases);
	assert_ptr_equal(kmem_cache_create("two", 61, 0, 0, NULL), s);
	assert_ptr_equal(kmem_cache_create("two", 62, 0, 0, NULL), s);
	assert_ptr_equal(kmem_cache_create("one", 60, 0, 0, NULL), s);
	assert_int_equal(s->refcount, 4);
	assert_int_equal(s->object_size, 62);
	assert_int_equal(s->size, 64);
	/* A name stands there once. */
	assert_in_range(cache_names_bytes(s), bytes + 5, bytes + 64);
	assert_int_equal(arch_kernel()->caches->nr_caches, caches + 1);
	kmem_cache_destroy(s);
	kmem_cache_destroy(s);
	kmem_cache_destroy(s);
	assert_int_equal(s->refcount, 1);
	assert_ptr_equal(kmem_find_cache("two"), s);
	kmem_cache_destroy(s);
	assert_null(kmem_find_cache("two"));
	test_shutdown(m, 0);
}

static void names_of_a_leaking_cache_are_no_leaks(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M");
	struct kmem_cache *s = kmem_cache_create("one", 64, 0, 0, NULL);
	void *p;

	assert_ptr_equal(kmem_cache_create("two", 64, 0, 0, NULL), s);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	assert_non_null(p);
	assert_int_equal(machine_shutdown(m), 1);
	test_state.nr_reports = 0;
}

struct row {
	char name[64];
	unsigned int object_size, align;
	slab_flags_t flags;
	bool alone;		/* sysfs has no merge key for it */
};

/* Columns of caches.csv. */
enum { NAME, OBJECT_SIZE, ALIGN = 3, HWCACHE = 9, RECLAIM, RCU, DMA, CTOR, USERSIZE, KEY, NR_FIELDS };

static bool parse(char *line, struct row *row)
{
	char *field[NR_FIELDS + 2];
	int n = 0;

	while (n < NR_FIELDS + 2 && (field[n] = strsep(&line, ",")))
		n++;
	if (n < NR_FIELDS || !strcmp(field[NAME], "trace_name"))
		return false;
	snprintf(row->name, sizeof(row->name), "%s", field[NAME]);
	row->object_size = (unsigned int)atoi(field[OBJECT_SIZE]);
	row->align = atoi(field[HWCACHE]) ? 0 : (unsigned int)atoi(field[ALIGN]);
	row->alone = !*field[KEY];
	row->flags = (atoi(field[HWCACHE]) ? SLAB_HWCACHE_ALIGN : 0) |
		     (atoi(field[RECLAIM]) ? SLAB_RECLAIM_ACCOUNT : 0) |
		     (atoi(field[DMA]) ? SLAB_CACHE_DMA : 0) | (strchr(field[KEY], 'A') ? SLAB_ACCOUNT : 0);
	return true;
}

/* A real machine had these caches beside each other: none of them merges with another, and each of
 * them merges with a second of its kind. */
static void caches_that_a_real_kernel_kept_apart(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=256M");
	FILE *f = fopen(CACHES_CSV, "r");
	struct kmem_cache *s[400];
	char line[1000];
	unsigned int n = 0;
	struct row row;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (!parse(line, &row) || row.alone)
			continue;
		s[n] = kmem_cache_create(row.name, row.object_size, row.align, row.flags, NULL);
		assert_non_null(s[n]);
		if (strcmp(kmem_cache_name(s[n]), row.name))
			print_error("%s became %s\n", row.name, kmem_cache_name(s[n]));
		assert_string_equal(kmem_cache_name(s[n]), row.name);
		assert_ptr_equal(kmem_cache_create("again", row.object_size, row.align, row.flags, NULL),
				 s[n]);
		kmem_cache_destroy(s[n]);
		n++;
		assert_true(n < 400);
	}
	fclose(f);
	assert_true(n > 80);
	while (n--)
		kmem_cache_destroy(s[n]);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(references_and_names),
		cmocka_unit_test(names_of_a_leaking_cache_are_no_leaks),
		cmocka_unit_test(caches_that_a_real_kernel_kept_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
