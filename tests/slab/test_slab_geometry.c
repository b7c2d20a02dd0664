/* SPDX-License-Identifier: MIT */
/* Caches of every size, alignment and flag of a real SLAB kernel come out as there. */
#include "slab_test.h"

#include "../support/flag_words.h"

#include "lib/errno.h"

static const char *golden;

static const char *const columns[] = {
	"cpus",	      "req",	"reqalign", "reqflags",	  "objsize",	   "size", "align",
	"perslab",    "order",	"colour",   "colour_off", "freelist_size", "mgmt", "limit",
	"batchcount", "shared", "free_limit", "flags",
};

#define FIRST_RESULT 4

struct row {
	char line[256];
	char *field[ARRAY_SIZE(columns)];
};

static void ctor(void *object)
{
}

static FILE *open_golden(void)
{
	FILE *f = fopen(golden, "r");
	struct row row;
	char *save;
	unsigned int i;

	assert_non_null(f);
	assert_non_null(fgets(row.line, sizeof(row.line), f));
	for (i = 0; i < ARRAY_SIZE(columns); i++)
		assert_string_equal(strtok_r(i ? NULL : row.line, ",\n", &save), columns[i]);
	return f;
}

static bool next_row(FILE *f, struct row *row)
{
	char *save;
	unsigned int i;

	if (!fgets(row->line, sizeof(row->line), f))
		return false;
	for (i = 0; i < ARRAY_SIZE(columns); i++) {
		row->field[i] = strtok_r(i ? NULL : row->line, ",\n", &save);
		assert_non_null(row->field[i]);
	}
	return true;
}

static void check_row(const struct row *row)
{
	unsigned int size = (unsigned int)strtoul(row->field[1], NULL, 10);
	unsigned int align = (unsigned int)strtoul(row->field[2], NULL, 10);
	bool with_ctor = strstr(row->field[3], "CTOR");
	char expect[512] = "", got[512];
	struct kmem_cache *s;
	slab_flags_t flags;
	unsigned int i;

	/* The rows are a 64-bit kernel's, whose cache lines are longer. */
	if (CACHE_LINE_SIZE != 64 && strstr(row->field[3], "HWCACHE_ALIGN"))
		return;
	for (i = FIRST_RESULT; i < ARRAY_SIZE(columns); i++)
		snprintf(expect + strlen(expect), sizeof(expect) - strlen(expect), "%s%s=%s",
			 i == FIRST_RESULT ? "" : " ", columns[i], row->field[i]);
	assert_true(flags_of_words(row->field[3], &flags));
	s = kmem_cache_create("row", size, align, flags, with_ctor ? ctor : NULL);
	assert_non_null(s);
	assert_true(kmem_cache_print_geometry(s, false, got, sizeof(got)) < (long)sizeof(got));
	assert_string_equal(got, expect);
	kmem_cache_destroy(s);
}

static unsigned int check_rows_of(const char *cpus)
{
	FILE *f = open_golden();
	char text[128];
	unsigned int rows = 0;
	struct row row;

	snprintf(text, sizeof(text), "preset=x86_64 mem=128M isolate_metadata=1 cpus=%s", cpus);
	machine = test_boot(text);
	while (next_row(f, &row)) {
		if (strcmp(row.field[0], cpus))
			continue;
		check_row(&row);
		rows++;
	}
	fclose(f);
	test_shutdown(machine, 0);
	return rows;
}

static void every_row_agrees(void **state)
{
	unsigned int rows = 0;

	rows += check_rows_of("1");
	rows += check_rows_of("2");
	rows += check_rows_of("4");
	rows += check_rows_of("16");
	assert_int_equal(rows, 4364);
}

static struct slab_request request(unsigned int size, slab_flags_t flags)
{
	return (struct slab_request){
		.object_size = size,
		.flags = flags,
		.max_order = 1,
		.nr_cpus = 1,
	};
}

static struct slab_geometry geometry(const struct slab_request *req)
{
	struct slab_geometry geo;

	assert_int_equal(slab_geometry(&geo, req), 0);
	return geo;
}

static void small_machines_keep_to_single_pages(void **state)
{
	struct slab_request req = request(1500, 0);

	assert_int_equal(geometry(&req).order, 1);
	req.max_order = 0;
	assert_int_equal(geometry(&req).order, 0);
	/* … unless an object needs more. */
	req.object_size = 5000;
	assert_int_equal(geometry(&req).order, 1);
}

static void the_largest_object_is_a_block_of_the_largest_order(void **state)
{
	struct slab_request req = request(KMALLOC_MAX_SIZE, 0);
	struct slab_geometry geo = geometry(&req);

	assert_int_equal(geo.order, MAX_ORDER - 1);
	assert_int_equal(geo.num, 1);
	assert_int_equal(geo.limit, 1);
	assert_int_equal(geo.mgmt, SLAB_MGMT_OBJ);
	req.object_size = KMALLOC_MAX_SIZE + 1;
	assert_int_equal(slab_geometry(&geo, &req), -E2BIG);
}

static void noleaktrace_keeps_the_list_on_the_slab(void **state)
{
	struct slab_request req = request(1024, SLAB_TYPESAFE_BY_RCU);

	assert_int_equal(geometry(&req).mgmt, SLAB_MGMT_OFF);
	req.flags |= SLAB_NOLEAKTRACE;
	assert_int_equal(geometry(&req).mgmt, SLAB_MGMT_ON);
}

static void wiped_objects_hold_no_list(void **state)
{
	struct slab_request req = request(256, 0);

	assert_int_equal(geometry(&req).mgmt, SLAB_MGMT_OBJ);
	req.init_on_free = true;
	assert_int_not_equal(geometry(&req).mgmt, SLAB_MGMT_OBJ);
}

/* For every size: the layout fits the slab, and the arrays fit what the code puts on the stack. */
static void every_layout_fits(void **state)
{
	static const slab_flags_t flags[] = {
		0, SLAB_HWCACHE_ALIGN, SLAB_TYPESAFE_BY_RCU, SLAB_RECLAIM_ACCOUNT,
		SLAB_TYPESAFE_BY_RCU | SLAB_NOLEAKTRACE,
	};
	unsigned int size, i;

	for (size = 1; size <= 20000; size++) {
		for (i = 0; i < ARRAY_SIZE(flags); i++) {
			struct slab_request req = request(size, flags[i]);
			struct slab_geometry geo = geometry(&req);
			unsigned long used = (unsigned long)geo.num * geo.size;

			if (geo.colour)
				used += (geo.colour - 1ul) * geo.colour_off;
			if (geo.mgmt == SLAB_MGMT_ON)
				used += geo.freelist_size;
			assert_true(used <= PAGE_SIZE << geo.order);
			assert_true(geo.num >= 1 && geo.num <= SLAB_OBJ_MAX_NUM);
			assert_true(geo.size >= size && geo.size % geo.align == 0);
			assert_true(geo.batchcount <= SLAB_BATCH_MAX);
			assert_true(geo.batchcount <= geo.limit);
			if (geo.mgmt == SLAB_MGMT_OBJ)
				assert_true(geo.freelist_size <= size);
		}
	}
}

/* The multiplication tells the first byte of an object from every other byte of a slab. */
static void object_starts_are_told_by_multiplication(void **state)
{
	static const unsigned int sizes[] = { 16, 24, 40, 56, 64, 72, 104, 192, 1504, 4096, 5000 };
	struct slab_slab slab = { .s_mem = (char *)(uintptr_t)0x10000 };
	struct slab_cache s = { .limit = 0 };
	unsigned int i, off;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		s.recip = UINT64_MAX / sizes[i] + 1;
		s.span = 8192 / sizes[i] * sizes[i];
		for (off = 0; off < 8192; off++) {
			bool start = off < s.span && off % sizes[i] == 0;

			assert_int_equal(slab_is_object(&s, &slab, slab.s_mem + off), start);
		}
		assert_false(slab_is_object(&s, &slab, slab.s_mem - sizes[i]));
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_agrees),
		cmocka_unit_test(small_machines_keep_to_single_pages),
		cmocka_unit_test(the_largest_object_is_a_block_of_the_largest_order),
		cmocka_unit_test(noleaktrace_keeps_the_list_on_the_slab),
		cmocka_unit_test(wiped_objects_hold_no_list),
		cmocka_unit_test(every_layout_fits),
		cmocka_unit_test(object_starts_are_told_by_multiplication),
	};

	if (argc != 2)
		return 2;
	golden = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
