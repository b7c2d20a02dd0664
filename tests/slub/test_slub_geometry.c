/* SPDX-License-Identifier: MIT */
/* Caches of every size, alignment and flag, on 1 to 16 CPUs, come out as on a real SLUB kernel. */
#include "geometry_rows.h"
#include "slub_test.h"

static const char *golden; /* a 32-bit build's: a 32-bit kernel's rows, of 1 and 4 CPUs */

static void check_rows_of(unsigned int cpus)
{
	struct machine *m;
	char text[100];

	snprintf(text, sizeof(text), SLUB_MACHINE " cpus=%u", cpus);
	m = test_boot(text);
	assert_true(geometry_rows_agree(golden, cpus) > 1700);
	test_shutdown(m, 0);
}

static void one_cpu(void **state)
{
	check_rows_of(1);
}

static void four_cpus(void **state)
{
	check_rows_of(4);
}

#if UINTPTR_MAX > UINT32_MAX
static void two_cpus(void **state)
{
	check_rows_of(2);
}

static void sixteen_cpus(void **state)
{
	check_rows_of(16);
}
#endif

/* Largest objects of all: one fills a block of the highest order; one byte more has no slab. */
static void the_largest_object(void **state)
{
	struct machine *m = test_boot(ONE_CPU);
	struct kmem_cache *s = kmem_cache_create("largest", KMALLOC_MAX_SIZE, 0, 0, NULL);

	assert_non_null(s);
	assert_int_equal(slub_of(s)->oo.order, MAX_ORDER - 1);
	assert_int_equal(slub_of(s)->oo.objects, 1);
	kmem_cache_destroy(s);
	assert_null(kmem_cache_create("larger", KMALLOC_MAX_SIZE, 0, SLAB_RED_ZONE, NULL));
	expect_report(MACHINE_WARN, "larger");
	test_shutdown(m, 0);
}

static void check_orders(const char *cmdline, unsigned int size, unsigned int order,
			 unsigned int objects)
{
	struct kmem_cache *s;
	struct machine *m;
	char text[200];

	snprintf(text, sizeof(text), SLUB_MACHINE " cmdline=\"%s\"", cmdline);
	m = test_boot(text);
	s = kmem_cache_create("orders", size, 0, 0, NULL);
	assert_non_null(s);
	if (slub_of(s)->oo.order != order || slub_of(s)->oo.objects != objects)
		fail_msg("%s, size %u: order %u, %u objects", cmdline, size, slub_of(s)->oo.order,
			 slub_of(s)->oo.objects);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

/* Documentation/mm/slub.rst: what the three parameters do to the order. */
static void the_command_line_moves_the_order(void **state)
{
	check_orders("", 64, 0, 64);
	check_orders("slub_min_order=2", 64, 2, 256);
	check_orders("slub_max_order=0", 1024, 0, 4);
	check_orders("slub_min_objects=32", 1024, 3, 32);
	check_orders("slub_min_objects=100", 64, 1, 128);
	/* No slab has more objects than its counter can hold, whatever the order asked for. */
	check_orders("slub_max_order=10 slub_min_order=10", 8, 5, 16384);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_cpu),
		cmocka_unit_test(four_cpus),
#if UINTPTR_MAX > UINT32_MAX
		cmocka_unit_test(two_cpus),
		cmocka_unit_test(sixteen_cpus),
#endif
		cmocka_unit_test(the_largest_object),
		cmocka_unit_test(the_command_line_moves_the_order),
	};

	if (argc != 2)
		return 2;
	golden = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
