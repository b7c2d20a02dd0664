/* SPDX-License-Identifier: MIT */
/* src/vmalloc/vmap_area.c: who gets which addresses. The machine has private memory, so nothing is
 * mapped in the host and the region may lie anywhere. */
#include "../support/kmem_test.h"

#include "common/registry.h"
#include "lib/list.h"
#include "vmalloc/vmalloc.h"

#define BASE 0x10000000ull
#define P PAGE_SIZE

struct region {
	struct machine *m;
	struct kernel *k;
	struct vmap_areas areas;
	size_t meta_before;
};

static struct region *start_at(uint64_t base, uint64_t pages)
{
	struct region *r = calloc(1, sizeof(*r));

	/* Isolated metadata: the pool's own count shows that no node is lost. */
	r->m = test_boot("mem=32M cpus=4 backing=private isolate_metadata=1");
	r->k = arch_kernel();
	r->meta_before = meta_pool_used(r->k);
	assert_int_equal(vmap_areas_init(r->k, &r->areas, base, pages * P), 0);
	return r;
}

static struct region *start(uint64_t pages)
{
	return start_at(BASE, pages);
}

static struct vmap_area *area_alloc(struct vmap_areas *areas, uint64_t size, uint64_t align,
				    unsigned long kind, struct vmap_vm *vm)
{
	return vmap_area_alloc(areas, &(struct vmap_request){
					      .size = size,
					      .align = align,
					      .kind = kind,
					      .gfp = GFP_KERNEL,
					      .vm = vm,
				      });
}

static struct vmap_area *area_of(struct rb_node *node)
{
	return container_of(node, struct vmap_area, node);
}

static void finish(struct region *r)
{
	struct rb_node *node;

	while ((node = rb_first(&r->areas.busy))) {
		struct vmap_area *va = area_of(node);

		assert_ptr_equal(vmap_area_take(&r->areas, va->start, va->kind), va);
		vmap_area_free(&r->areas, va);
	}
	vmap_areas_purge(&r->areas);
	node = rb_first(&r->areas.free);
	assert_int_equal(area_of(node)->start, r->areas.start);
	assert_int_equal(area_of(node)->end, r->areas.end);
	assert_null(rb_next(node));
	vmap_areas_exit(&r->areas);
	assert_int_equal(meta_pool_used(r->k), r->meta_before);
	test_shutdown(r->m, 0);
	free(r);
}

static struct vmap_area *take(struct region *r, uint64_t pages)
{
	struct vmap_area *va = area_alloc(&r->areas, pages * P, P, VM_ALLOC, NULL);

	if (va)
		assert_int_equal(va->end - va->start, pages * P);
	return va;
}

static void give(struct region *r, struct vmap_area *va)
{
	assert_ptr_equal(vmap_area_take(&r->areas, va->start, va->kind), va);
	vmap_area_free(&r->areas, va);
}

static uint64_t page_of(const struct vmap_area *va)
{
	return (va->start - BASE) / P;
}

static void test_lowest_fit(void **state)
{
	struct region *r = start(100);
	struct vmap_area *a[5];

	for (unsigned int i = 0; i < 5; i++) {
		a[i] = take(r, 10);
		assert_int_equal(page_of(a[i]), 10 * i);
	}
	give(r, a[1]);
	give(r, a[3]);
	vmap_areas_purge(&r->areas);
	assert_int_equal(page_of(take(r, 4)), 10);
	assert_int_equal(page_of(take(r, 7)), 30);
	assert_int_equal(page_of(take(r, 6)), 14);
	assert_int_equal(page_of(take(r, 4)), 50);
	assert_int_equal(page_of(take(r, 3)), 37);
	finish(r);
}

static void test_lazy(void **state)
{
	struct region *r = start(1000);
	struct vmap_area *a = take(r, 2), *b = take(r, 2), *c = take(r, 2);

	give(r, a);
	assert_int_equal(r->areas.lazy_pages, 2);
	assert_null(vmap_area_find(&r->areas, BASE));
	assert_int_equal(page_of(take(r, 2)), 6);
	/* Neighbours become one. */
	give(r, c);
	give(r, b);
	assert_int_equal(r->areas.lazy_pages, 6);
	assert_null(rb_next(rb_first(&r->areas.lazy)));
	assert_int_equal(page_of(take(r, 2)), 8);
	vmap_areas_purge(&r->areas);
	assert_int_equal(r->areas.lazy_pages, 0);
	assert_int_equal(r->areas.nr_purges, 1);
	assert_int_equal(page_of(take(r, 6)), 0);
	/* Nothing to do is no purge. */
	vmap_areas_purge(&r->areas);
	assert_int_equal(r->areas.nr_purges, 1);
	finish(r);
}

static void test_too_many_lazy(void **state)
{
	struct region *r = start(1 << 20);
	unsigned long max = r->areas.lazy_max;

	/* 32 MiB, once more with each doubling of CPUs: there are four. */
	assert_int_equal(max, 3 * 8192);
	give(r, take(r, max));
	assert_int_equal(r->areas.lazy_pages, max);
	assert_int_equal(r->areas.nr_purges, 0);
	give(r, take(r, 1));
	assert_int_equal(r->areas.lazy_pages, 0);
	assert_int_equal(r->areas.nr_purges, 1);
	finish(r);
}

static void test_no_room(void **state)
{
	struct region *r = start(20);
	struct vmap_area *a = take(r, 10), *b = take(r, 10);

	assert_null(take(r, 1));
	give(r, a);
	/* Lazy addresses are made free when nothing else is left. */
	assert_int_equal(page_of(take(r, 10)), 0);
	assert_null(take(r, 1));
	give(r, b);
	assert_null(take(r, 11));
	assert_int_equal(page_of(take(r, 9)), 10);
	assert_int_equal(page_of(take(r, 1)), 19);
	finish(r);
}

static void test_alignment(void **state)
{
	struct region *r = start(100);
	struct vmap_area *va;

	take(r, 3);
	va = area_alloc(&r->areas, 2 * P, 16 * P, VM_ALLOC, NULL);
	assert_int_equal(page_of(va), 16);
	/* What was left on both sides is used. */
	assert_int_equal(page_of(take(r, 13)), 3);
	assert_int_equal(page_of(take(r, 13)), 18);
	va = area_alloc(&r->areas, P, 32 * P, VM_ALLOC, NULL);
	assert_int_equal(page_of(va), 32);
	assert_int_equal(page_of(take(r, 1)), 31);
	finish(r);
}

/* The next multiple would lie above the highest address. */
static void test_alignment_past_the_end(void **state)
{
	struct region *r = start_at(0xffffc90000000000ull, 100);

	for (unsigned int bit = 44; bit < 64; bit++)
		assert_null(area_alloc(&r->areas, P, 1ull << bit, VM_ALLOC, NULL));
	assert_int_equal(take(r, 100)->start, r->areas.start);
	finish(r);
}

static void test_find_and_take(void **state)
{
	struct region *r = start(100);
	struct vmap_vm *vm = (struct vmap_vm *)r;
	struct vmap_area *va;

	take(r, 5);
	va = area_alloc(&r->areas, 3 * P, P, VM_MAP, vm);
	assert_ptr_equal(vmap_area_find(&r->areas, va->start), vm);
	assert_ptr_equal(vmap_area_find(&r->areas, va->end - 1), vm);
	assert_null(vmap_area_find(&r->areas, va->end));
	assert_null(vmap_area_find(&r->areas, BASE - 1));
	assert_null(vmap_area_find(&r->areas, 0));
	assert_null(vmap_area_find(&r->areas, UINT64_MAX));
	assert_null(vmap_area_take(&r->areas, va->start, VM_ALLOC));
	assert_null(vmap_area_take(&r->areas, va->start + P, VM_MAP));
	assert_null(vmap_area_take(&r->areas, va->end, VM_MAP));
	assert_ptr_equal(vmap_area_take(&r->areas, va->start, VM_MAP), va);
	assert_null(vmap_area_take(&r->areas, va->start, VM_MAP));
	vmap_area_free(&r->areas, va);
	finish(r);
}

/* --- against a model -------------------------------------------------------------------------- */

#define PAGES 600
#define OBJECTS 80

enum { FREE, BUSY, LAZY };

static unsigned char model[PAGES];

/* The lowest aligned place in [@from, @to) at which @pages are free. */
static long model_lowest_fit(unsigned int pages, unsigned int align, unsigned int from,
			     unsigned int to)
{
	for (unsigned int at = from; at + pages <= to; at++) {
		unsigned int n = 0;

		if ((BASE / P + at) % align)
			continue;
		while (n < pages && model[at + n] == FREE)
			n++;
		if (n == pages)
			return at;
	}
	return -1;
}

static void model_set(const struct vmap_area *va, unsigned char what)
{
	memset(model + page_of(va), what, (va->end - va->start) / P);
}

static void model_purge(void)
{
	for (unsigned int i = 0; i < PAGES; i++)
		if (model[i] == LAZY)
			model[i] = FREE;
}

static void check_tree(const struct rb_root *root, unsigned char what, bool merged)
{
	unsigned int pages = 0, expected = 0;
	kva_t last = 0;

	for (struct rb_node *node = rb_first(root); node; node = rb_next(node)) {
		struct vmap_area *va = area_of(node);

		assert_true(merged ? va->start > last : va->start >= last);
		for (uint64_t i = page_of(va); i < page_of(va) + (va->end - va->start) / P; i++)
			assert_int_equal(model[i], what);
		pages += (unsigned int)((va->end - va->start) / P);
		last = va->end;
	}
	for (unsigned int i = 0; i < PAGES; i++)
		expected += model[i] == what;
	assert_int_equal(pages, expected);
}

static void check_model(struct region *r)
{
	check_tree(&r->areas.free, FREE, true);
	check_tree(&r->areas.lazy, LAZY, true);
	check_tree(&r->areas.busy, BUSY, false);
}

static struct vmap_area *random_take(struct region *r, uint64_t *seed)
{
	unsigned int pages = 1 + (unsigned int)(test_rand(seed) % (test_rand(seed) % 8 ? 12 : 60));
	unsigned int align = test_rand(seed) % 4 ? 1 : 1u << test_rand(seed) % 6;
	bool bounded = test_rand(seed) % 3 == 0;
	unsigned int from = bounded ? (unsigned int)(test_rand(seed) % (PAGES - 60)) : 0;
	unsigned int to = bounded ? from + 60 : PAGES;
	long at = model_lowest_fit(pages, align, from, to);
	struct vmap_area *va;

	if (at < 0) {
		model_purge();
		at = model_lowest_fit(pages, align, from, to);
	}
	va = vmap_area_alloc(&r->areas, &(struct vmap_request){
						.size = pages * P,
						.align = align * P,
						.start = bounded ? BASE + from * P : 0,
						.end = bounded ? BASE + to * P : 0,
						.kind = VM_ALLOC,
						.gfp = GFP_KERNEL,
					});
	if (at < 0) {
		assert_null(va);
		return NULL;
	}
	assert_non_null(va);
	assert_int_equal(page_of(va), at);
	model_set(va, BUSY);
	return va;
}

static void test_random(void **state)
{
	struct region *r = start(PAGES);
	struct vmap_area *held[OBJECTS] = {NULL};
	uint64_t seed = 7;

	memset(model, FREE, sizeof(model));
	for (unsigned int step = 0; step < 10000; step++) {
		struct vmap_area **slot = &held[test_rand(&seed) % OBJECTS];

		if (test_rand(&seed) % 50 == 0) {
			vmap_areas_purge(&r->areas);
			model_purge();
		} else if (*slot) {
			model_set(*slot, LAZY);
			give(r, *slot);
			*slot = NULL;
		} else {
			*slot = random_take(r, &seed);
		}
		check_model(r);
	}
	finish(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lowest_fit),
		cmocka_unit_test(test_lazy),
		cmocka_unit_test(test_too_many_lazy),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_alignment_past_the_end),
		cmocka_unit_test(test_find_and_take),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
