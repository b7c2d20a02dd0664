/* SPDX-License-Identifier: MIT */
/*
 * Every function that maps something, on a machine with 0, 1, 2, … pages left, until it succeeds: each
 * allocation on its way is the one that fails once. Whatever the end, no page is missing that is
 * not a slab's or a page table's, no area is left, no address lost.
 */
#include "vmalloc_test.h"

#include <kmem/io.h>

#define MAX_PAGES 2048
#define LARGE 600ul	/* pages: the array that names them is an area, too */

static struct page *held[MAX_PAGES];
static unsigned int nr_held;
static struct page *given[80];

struct subject {
	const char *name;
	void *(*make)(void);
	void (*undo)(void *p);
	unsigned int most;	/* pages with which it must succeed */
	unsigned int skip_to;	/* from MIN_SWEEP pages on go on here; 0: one by one */
	const char *machine;	/* NULL: tiny-8M */
};

#define MIN_SWEEP 14u

static void free_area(void *p)
{
	vfree(p);
}

static void *make_vmalloc(void)
{
	return vmalloc(5 * P);
}

static void *make_vzalloc(void)
{
	return vzalloc(1);
}

static void *make_user(void)
{
	return vmalloc_user(3 * P);
}

static void *make_node(void)
{
	return vmalloc_node(4 * P, 0);
}

static void *make_32(void)
{
	return vmalloc_32(2 * P);
}

static void *make_large(void)
{
	return vmalloc(LARGE * P);
}

static void *make_huge(void)
{
	return vmalloc_huge(2ul << 20, GFP_KERNEL);
}

static void *make_range(void)
{
	return __vmalloc_node_range(2 * P, 64 << 10, VMALLOC_START + (5ul << 20), VMALLOC_END,
				    GFP_KERNEL, PAGE_KERNEL, 0, NUMA_NO_NODE, NULL);
}

static void *make_kvmalloc(void)
{
	return kvmalloc(40 * P, GFP_KERNEL);
}

static void *make_vmap(void)
{
	return vmap(given, 80, VM_MAP, PAGE_KERNEL);
}

static void undo_vmap(void *p)
{
	vunmap(p);
}

static void *make_pfn(void)
{
	unsigned long pfns[3] = {0xfe000, 0xfe002, 0xfe004};

	return vmap_pfn(pfns, 3, PAGE_KERNEL);
}

static void *make_ram(void)
{
	return vm_map_ram(given, 3, NUMA_NO_NODE);
}

static void undo_ram(void *p)
{
	vm_unmap_ram(p, 3);
}

static void *make_large_ram(void)
{
	return vm_map_ram(given, 80, NUMA_NO_NODE);
}

static void undo_large_ram(void *p)
{
	vm_unmap_ram(p, 80);
}

static void *make_io(void)
{
	return ioremap_wc(0xfe000000, 5 * P);
}

static void *make_large_io(void)
{
	return ioremap(0xc0000000, 7ul << 20);
}

static void undo_io(void *p)
{
	iounmap(p);
}

#define X86_32 "x86_32 ram=1M-9M"
#define PAE "x86_32_pae ram=1M-9M"

static const struct subject subjects[] = {
	{"vmalloc", make_vmalloc, free_area, 16, 0, NULL},
	{"vmalloc, 32-bit", make_vmalloc, free_area, 16, 0, X86_32},
	{"vmalloc, PAE", make_vmalloc, free_area, 16, 0, PAE},
	{"vmalloc, 5 levels", make_vmalloc, free_area, 16, 0, "x86_64_la57 ram=1M-9M"},
	{"vzalloc", make_vzalloc, free_area, 12, 0, NULL},
	{"vmalloc_user", make_user, free_area, 14, 0, NULL},
	{"vmalloc_node", make_node, free_area, 15, 0, NULL},
	{"vmalloc_32", make_32, free_area, 13, 0, NULL},
	{"vmalloc of many pages", make_large, free_area, LARGE + 18, LARGE - 4, NULL},
	{"vmalloc_huge", make_huge, free_area, 512 + 18, 508, NULL},
	{"__vmalloc_node_range", make_range, free_area, 14, 0, NULL},
	{"kvmalloc", make_kvmalloc, free_area, 60, 36, NULL},
	{"vmap", make_vmap, undo_vmap, 12, 0, NULL},
	{"vmap_pfn", make_pfn, undo_vmap, 12, 0, NULL},
	{"vm_map_ram", make_ram, undo_ram, 12, 0, NULL},
	{"vm_map_ram, 32-bit", make_ram, undo_ram, 12, 0, X86_32},
	{"vm_map_ram of many", make_large_ram, undo_large_ram, 12, 0, NULL},
	{"ioremap", make_io, undo_io, 12, 0, NULL},
	{"ioremap of large pages", make_large_io, undo_io, 16, 0, NULL},
	{"ioremap, 32-bit", make_large_io, undo_io, 16, 0, X86_32},
	{"ioremap, PAE", make_large_io, undo_io, 16, 0, PAE},
};

/* Pages that are free, or rightly not: only what leaks changes this. */
static unsigned long accounted(void)
{
	unsigned long tables;

	vmalloc_nr_tables(&tables);
	return test_free_pages() + tables + vmstat_value("nr_slab_unreclaimable");
}

static void hold_all_but(unsigned int left)
{
	struct page *page;

	nr_held = 0;
	while ((page = alloc_page(GFP_KERNEL | __GFP_NOWARN))) {
		assert_true(nr_held < MAX_PAGES);
		held[nr_held++] = page;
	}
	assert_true(nr_held > left);
	while (left--)
		__free_page(held[--nr_held]);
}

static void nobody_hears(struct machine *m, int level, const char *line, void *arg)
{
	(void)m;
	(void)level;
	(void)line;
	(void)arg;
}

/* Returns whether it succeeded. */
static bool check_with(const struct subject *s, unsigned int left)
{
	struct machine *m = test_boot(s->machine ? s->machine : "preset=tiny-8M");
	unsigned long before;
	char *text;
	bool good;
	void *p;

	machine_set_log_sink(NULL, nobody_hears, NULL);
	memset(given, 0, sizeof(given));
	assert_int_equal(alloc_pages_bulk_array(GFP_KERNEL, 80, given), 80);
	before = accounted();
	hold_all_but(left);
	p = s->make();
	good = p;
	if (good)
		s->undo(p);
	while (nr_held)
		__free_page(held[--nr_held]);
	vm_unmap_aliases();
	if (accounted() != before)
		fail_msg("%s with %u pages %s: %ld pages are missing", s->name, left,
			 good ? "succeeded" : "failed", (long)(before - accounted()));
	assert_int_equal(vmalloc_nr_pages(), 0);
	text = test_proc("vmallocinfo");
	assert_string_equal(text, "");
	free(text);
	text = test_proc("pat_memtype_list");
	assert_string_equal(text, "PAT memtype list:\n");
	free(text);
	check_tables();
	/* With memory it works, and at the lowest address: none was lost. */
	p = vmalloc(P);
	assert_non_null(p);
	assert_int_equal((unsigned long)(uintptr_t)p, VMALLOC_START);
	vfree(p);
	for (unsigned int i = 0; i < 80; i++)
		__free_page(given[i]);
	test_shutdown(m, 0);
	return good;
}

static void test_every_page(void **state)
{
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		const struct subject *s = &subjects[i];
		unsigned int failures = 0, left = 0;

		while (!check_with(s, left)) {
			failures++;
			left++;
			if (s->skip_to && left == MIN_SWEEP)
				left = s->skip_to;
			if (left > s->most)
				fail_msg("%s fails with %u pages", s->name, s->most);
		}
		if (!failures)
			fail_msg("%s needs no memory", s->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
