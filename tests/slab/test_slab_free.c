/* SPDX-License-Identifier: MIT */
/* What must not be freed is refused, said, and changes nothing. */
#include "slab_test.h"

static struct slab_cache *s;
static void *object;

/* Everything about the cache as text. */
static void snapshot(char *text, size_t size)
{
	struct slab_names names = { .nr = 0 };
	int len = snprintf(text, size, "%u ", array_of(s, 0)->avail);

	kmem_cache_print_state(&s->common, name_slab, &names, text + len, size - (size_t)len);
}

static char before[1024];

static int setup(void **state)
{
	boot_two_nodes(state);
	s = make_cache(200, 0, 0, NULL);
	object = take(s);
	snapshot(before, sizeof(before));
	return 0;
}

static int teardown(void **state)
{
	char after[1024];

	snapshot(after, sizeof(after));
	assert_string_equal(after, before);
	check_cache(s);
	give(s, object);
	kmem_cache_destroy(&s->common);
	return shutdown_clean(state);
}

static void null_is_ignored(void **state)
{
	give(s, NULL);
	kfree(NULL);
	kfree(ZERO_SIZE_PTR);
	assert_int_equal(ksize(NULL), 0);
}

static void a_pointer_of_no_machine(void **state)
{
	int on_the_stack;

	give(s, &on_the_stack);
	expect_report(MACHINE_BUG, "kmem_cache_free: " SLAB_BUG_NO_SLAB);
	kfree(&on_the_stack);
	expect_report(MACHINE_BUG, "kfree: " SLAB_BUG_NO_SLAB);
	assert_int_equal(ksize(&on_the_stack), 0);
	expect_report(MACHINE_BUG, SLAB_BUG_NO_SLAB);
}

static void a_pointer_of_another_machine(void **state)
{
	struct machine *first = machine, *second = test_boot(ONE_CPU);
	void *foreign = kmalloc(200, GFP_KERNEL);

	assert_int_equal(machine_enter(first), 0);
	give(s, foreign);
	expect_report(MACHINE_BUG, SLAB_BUG_NO_SLAB);
	kfree(foreign);
	expect_report(MACHINE_BUG, SLAB_BUG_NO_SLAB);
	assert_int_equal(machine_enter(second), 0);
	kfree(foreign);
	test_shutdown(second, 0);
	assert_int_equal(machine_enter(first), 0);
}

static void a_page_that_is_no_slab(void **state)
{
	void *page = (void *)__get_free_page(GFP_KERNEL);

	assert_non_null(page);
	give(s, page);
	expect_report(MACHINE_BUG, SLAB_BUG_NO_SLAB);
	kfree(page);
	expect_report(MACHINE_BUG, SLAB_BUG_NO_SLAB);
	free_page((unsigned long)page);
}

static void the_inside_of_an_object(void **state)
{
	give(s, (char *)object + 8);
	expect_report(MACHINE_BUG, "kmem_cache_free: " SLAB_BUG_INNER);
	kfree((char *)object + 199);
	expect_report(MACHINE_BUG, "kfree: " SLAB_BUG_INNER);
}

/* The rest behind the last object, the colour in front of the first one. */
static void what_lies_around_the_objects(void **state)
{
	struct slab_slab *slab = slab_of_object(s, object);

	give(s, slab->s_mem + s->span);
	expect_report(MACHINE_BUG, SLAB_BUG_INNER);
	give(s, slab_base(s->common.kernel, slab) + PAGE_SIZE - 8);
	expect_report(MACHINE_BUG, SLAB_BUG_INNER);
}

static void the_wrong_cache(void **state)
{
	struct slab_cache *other = make_cache(200, 0, 0, NULL);

	kmem_cache_free(&other->common, object);
	expect_report(MACHINE_WARN, "Wrong slab cache. t but object is from t");
	assert_int_equal(array_of(other, 0)->avail, 0);
	kmem_cache_destroy(&other->common);
}

static void freed_twice_in_a_row(void **state)
{
	void *twice = take(s);

	give(s, twice);
	give(s, twice);
	expect_report(MACHINE_BUG, "kmem_cache_free: " SLAB_BUG_DOUBLE_FREE);
	kfree(twice);
	expect_report(MACHINE_BUG, "kfree: " SLAB_BUG_DOUBLE_FREE);
	assert_ptr_equal(take(s), twice);
	give(s, twice);
}

static void freed_twice_across_nodes(void **state)
{
	cpu_migrate(1);
	give(s, object);
	give(s, object);
	expect_report(MACHINE_BUG, SLAB_BUG_DOUBLE_FREE);
	assert_int_equal(s->node[1]->alien[0]->avail, 1);
	cpu_migrate(0);
	/* Take it back out of the alien array by hand: the test ends as it began. */
	s->node[1]->alien[0]->avail = 0;
}

static void bulk_goes_on_behind_a_bad_pointer(void **state)
{
	void *p[4] = { take(s), NULL, take(s), take(s) };
	void *bad[5] = { p[3], (char *)object + 8, p[2], NULL, p[0] };

	kmem_cache_free_bulk(&s->common, 5, bad);
	expect_report(MACHINE_BUG, SLAB_BUG_INNER);
	assert_ptr_equal(array_of(s, 0)->entry[array_of(s, 0)->avail - 1], p[0]);
}

#define misuse(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		misuse(null_is_ignored),
		misuse(a_pointer_of_no_machine),
		misuse(a_pointer_of_another_machine),
		misuse(a_page_that_is_no_slab),
		misuse(the_inside_of_an_object),
		misuse(what_lies_around_the_objects),
		misuse(the_wrong_cache),
		misuse(freed_twice_in_a_row),
		misuse(freed_twice_across_nodes),
		misuse(bulk_goes_on_behind_a_bad_pointer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
