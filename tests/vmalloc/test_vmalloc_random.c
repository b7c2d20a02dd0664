/* SPDX-License-Identifier: MIT */
/*
 * 10^4 random vmalloc(), vmap(), vfree(), vunmap(), purges and touches against a model: which areas
 * there are, what stands in their pages, which addresses may not be used. After every step areas do
 * not overlap, and what the pointer shows, the direct map shows and the walk finds.
 */
#include "vmalloc_test.h"

#define SLOTS 48
#define MAX_PAGES 40
#define REGION_PAGES (1u << 18)

struct slot {
	char *p;			/* NULL: empty */
	unsigned int nr;
	struct page *pages[MAX_PAGES];	/* of vmap: ours, else only noted */
	bool is_map;
};

enum { FREE, BUSY, LAZY };

struct model {
	struct slot slots[SLOTS];
	unsigned char state[REGION_PAGES];	/* of each page, guard pages included */
	unsigned long own_pages;
};

static unsigned long index_of(const void *p)
{
	return (ptr_to_kva(p) - VMALLOC_KVA) / P;
}

static void set_state(struct model *model, const struct slot *slot, unsigned char from,
		      unsigned char to)
{
	unsigned long first = index_of(slot->p);

	for (unsigned long i = first; i <= first + slot->nr; i++) {
		assert_int_equal(model->state[i], from);
		model->state[i] = to;
	}
}

/* Each page holds its own frame number and the place in its area. */
static void stamp(const struct slot *slot)
{
	for (unsigned int i = 0; i < slot->nr; i++) {
		unsigned long *word = (void *)(slot->p + i * P);

		word[0] = page_to_pfn(slot->pages[i]);
	}
}

static void check_slot(const struct slot *slot)
{
	for (unsigned int i = 0; i < slot->nr; i++) {
		const char *at = slot->p + i * P;
		struct page *page = vmalloc_to_page(at);

		assert_ptr_equal(page, slot->pages[i]);
		assert_int_equal(*(const unsigned long *)(const void *)at, page_to_pfn(page));
		assert_int_equal(*(unsigned long *)page_address(page), page_to_pfn(page));
		assert_int_equal(walk_to(ptr_to_kva(at), MMU_WRITE), page_to_phys(page));
	}
	assert_null(vmalloc_to_page(slot->p + slot->nr * P));
	assert_int_equal(walk_to(ptr_to_kva(slot->p) + slot->nr * P, MMU_READ), UINT64_MAX);
	assert_int_equal(find_vm_area(slot->p)->size, (slot->nr + 1) * P);
}

static void do_vmalloc(struct model *model, struct slot *slot, uint64_t *seed)
{
	slot->is_map = false;
	slot->p = test_rand(seed) % 2 ? vmalloc(slot->nr * P) : vzalloc(slot->nr * P - 1);
	assert_non_null(slot->p);
	for (unsigned int i = 0; i < slot->nr; i++)
		slot->pages[i] = find_vm_area(slot->p)->pages[i];
	set_state(model, slot, FREE, BUSY);
}

static void do_vmap(struct model *model, struct slot *slot)
{
	memset(slot->pages, 0, sizeof(slot->pages));
	assert_int_equal(alloc_pages_bulk_array(GFP_KERNEL, slot->nr, slot->pages), slot->nr);
	slot->is_map = true;
	slot->p = vmap(slot->pages, slot->nr, VM_MAP, PAGE_KERNEL);
	assert_non_null(slot->p);
	set_state(model, slot, FREE, BUSY);
}

static void do_free(struct model *model, struct slot *slot)
{
	check_slot(slot);
	set_state(model, slot, BUSY, LAZY);
	if (slot->is_map) {
		vunmap(slot->p);
		for (unsigned int i = 0; i < slot->nr; i++)
			__free_page(slot->pages[i]);
	} else {
		vfree(slot->p);
	}
	assert_int_equal(walk_to(ptr_to_kva(slot->p), MMU_READ), UINT64_MAX);
	slot->p = NULL;
}

static void do_purge(struct model *model)
{
	vm_unmap_aliases();
	for (unsigned int i = 0; i < REGION_PAGES; i++)
		if (model->state[i] == LAZY)
			model->state[i] = FREE;
}

static void step(struct model *model, uint64_t *seed)
{
	struct slot *slot = &model->slots[test_rand(seed) % SLOTS];
	unsigned int what = (unsigned int)(test_rand(seed) % 16);

	if (what == 0) {
		do_purge(model);
	} else if (slot->p && what < 6) {
		check_slot(slot);
	} else if (slot->p) {
		do_free(model, slot);
	} else {
		slot->nr = 1 + (unsigned int)(test_rand(seed) % MAX_PAGES);
		if (what % 2)
			do_vmap(model, slot);
		else
			do_vmalloc(model, slot, seed);
		stamp(slot);
		check_slot(slot);
	}
}

static void test_random(void **state)
{
	struct machine *m = test_boot("mem=64M isolate_metadata=1");
	struct model *model = calloc(1, sizeof(*model));
	unsigned long free_pages = test_free_pages();
	uint64_t seed = 2026;

	for (unsigned int i = 0; i < 10000; i++)
		step(model, &seed);
	for (unsigned int i = 0; i < SLOTS; i++) {
		if (model->slots[i].p)
			do_free(model, &model->slots[i]);
	}
	do_purge(model);
	for (unsigned int i = 0; i < REGION_PAGES; i++)
		assert_int_equal(model->state[i], FREE);
	assert_int_equal(test_free_pages(), free_pages);
	free(model);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
