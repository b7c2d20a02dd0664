/* SPDX-License-Identifier: MIT */
/* SLOB on a machine: its lists, kmalloc's header, caches, misuse. */
#include "slob_test.h"

/* Names pages a, b, c … in the order in which they were first named. */
static const void *named[16];

static void name_page(void *arg, const struct kmem_cache *s, const void *base, char *buf,
		      size_t size)
{
	unsigned int i;

	for (i = 0; named[i] && named[i] != base; i++)
		assert_true(i < 15);
	named[i] = base;
	snprintf(buf, size, "%c", 'a' + (int)i);
}

static void expect_lists(const char *text)
{
	char buf[4096];

	assert_true(kmem_cache_print_state(NULL, name_page, NULL, buf, sizeof(buf)) <
		    (long)sizeof(buf));
	assert_string_equal(buf, text);
}

static int boot_and_forget_names(void **state)
{
	memset(named, 0, sizeof(named));
	return boot(state);
}

/* --- lists ----------------------------------------------------------------------------------- */

static void three_lists_by_size(void **state)
{
	static const unsigned int sizes[] = { 254, 256, 1022, 1024 };
	struct kmem_cache *s[4];
	void *p[4];
	unsigned int i;

	for (i = 0; i < 4; i++) {
		s[i] = cache("size", sizes[i]);
		p[i] = get(s[i]);
	}
	expect_lists("small=[ a:1921{254:3842} ] medium=[ b:1409{1278:2818} ] "
		     "large=[ c:1536{1024:3072} ]");
	for (i = 0; i < 4; i++) {
		kmem_cache_free(s[i], p[i]);
		kmem_cache_destroy(s[i]);
	}
	expect_lists("small=[ ] medium=[ ] large=[ ]");
}

static void the_search_goes_on_where_the_last_one_ended(void **state)
{
	struct kmem_cache *s = cache("hundred", 1360), *small = cache("rest", 1024);
	void *p[9], *q[3];
	unsigned int i;

	/* Three pages of three objects; the newest page is the head. */
	for (i = 0; i < 9; i++)
		p[i] = get(s);
	expect_lists("small=[ ] medium=[ ] large=[ a:8{4080:16} b:8{4080:16} c:8{4080:16} ]");
	for (i = 0; i < 9; i += 3)
		kmem_cache_free(s, p[i]);
	q[0] = get(s);
	assert_ptr_equal(q[0], p[6]);
	/* a is worn out; b serves the next and becomes the head, c and a follow. */
	q[1] = get(s);
	assert_ptr_equal(q[1], p[3]);
	expect_lists("small=[ ] medium=[ ] "
		     "large=[ b:8{4080:16} c:688{0:1360,4080:16} a:8{4080:16} ]");
	q[2] = get(small);
	assert_ptr_equal(q[2], p[0]);
	expect_lists("small=[ ] medium=[ ] "
		     "large=[ c:176{1024:336,4080:16} a:8{4080:16} b:8{4080:16} ]");

	kmem_cache_free(small, q[2]);
	kmem_cache_free(s, q[0]);
	kmem_cache_free(s, q[1]);
	for (i = 0; i < 9; i++) {
		if (i % 3)
			kmem_cache_free(s, p[i]);
	}
}

static void a_full_page_is_on_no_list_until_a_free(void **state)
{
	struct kmem_cache *s = cache("half", 2048);
	void *p = get(s), *q;

	expect_lists("small=[ ] medium=[ ] large=[ a:1024{2048:2048} ]");
	q = get(s);
	expect_lists("small=[ ] medium=[ ] large=[ ]");
	kmem_cache_free(s, p);
	expect_lists("small=[ ] medium=[ ] large=[ a:1024{0:2048} ]");
	kmem_cache_free(s, q);
	expect_lists("small=[ ] medium=[ ] large=[ ]");
}

static unsigned int nr_freed;

static void count_freed(void *arg, enum kmem_slab_event ev, struct kmem_cache *s, void *base,
			unsigned int order)
{
	assert_null(s);
	assert_int_equal(order, 0);
	if (ev == KMEM_SLAB_FREED)
		nr_freed++;
}

static void a_free_page_goes_back_at_once(void **state)
{
	struct kmem_cache *s = cache("objects", 1000);
	void *p[8];
	unsigned int i;

	nr_freed = 0;
	kmem_set_slab_event_hook(count_freed, NULL);
	for (i = 0; i < 8; i++)
		p[i] = get(s);
	assert_int_equal(slob_pages(), 2);
	for (i = 0; i < 8; i++) {
		assert_int_equal(nr_freed, i / 4);
		kmem_cache_free(s, p[i]);
	}
	assert_int_equal(nr_freed, 2);
	assert_int_equal(slob_pages(), 0);
	/* One block that fills a page comes and goes without ever being on a list. */
	p[0] = kmalloc(4087, GFP_KERNEL);
	expect_lists("small=[ ] medium=[ ] large=[ ]");
	kfree(p[0]);
	assert_int_equal(nr_freed, 3);
	kmem_set_slab_event_hook(NULL, NULL);
}

static void caches_and_kmalloc_share_pages(void **state)
{
	struct kmem_cache *s = cache("fifty", 50), *t = cache("sixty", 60);
	void *p = get(s), *q = get(t), *r = kmalloc(20, GFP_KERNEL);

	assert_ptr_equal(page_of(p), page_of(q));
	assert_ptr_equal(page_of(p), page_of(r));
	assert_int_equal(offset_of(q), 56);
	assert_int_equal(offset_of(r), 128);
	assert_int_equal(slob_pages(), 1);
	kmem_cache_free(s, p);
	kmem_cache_free(t, q);
	kfree(r);
}

static void a_node_has_its_own_pages(void **state)
{
	struct kmem_cache *s = cache("node", 500);
	void *p[4];
	unsigned int i;

	for (i = 0; i < 4; i++) {
		p[i] = kmem_cache_alloc_node(s, GFP_KERNEL | __GFP_THISNODE, (int)i % 2);
		assert_non_null(p[i]);
		assert_int_equal(page_to_nid(virt_to_page(p[i])), i % 2);
	}
	assert_ptr_equal(page_of(p[0]), page_of(p[2]));
	assert_ptr_equal(page_of(p[1]), page_of(p[3]));
	assert_int_equal(slob_pages(), 2);
	for (i = 0; i < 4; i++)
		kmem_cache_free(s, p[i]);
	p[0] = kmalloc_node(100, GFP_KERNEL, 1);
	assert_int_equal(page_to_nid(virt_to_page(p[0])), 1);
	kfree(p[0]);
}

/* --- kmalloc --------------------------------------------------------------------------------- */

static void kmalloc_has_a_header_of_eight_bytes(void **state)
{
	void *p = kmalloc(1, GFP_KERNEL), *q = kmalloc(1, GFP_KERNEL), *r = kmalloc(9, GFP_KERNEL);

	assert_int_equal(offset_of(p), 8);
	assert_int_equal(offset_of(q), 24);
	assert_int_equal(offset_of(r), 40);
	assert_int_equal(ksize(p), 2);
	assert_int_equal(ksize(r), 10);
	kfree(p);
	kfree(q);
	kfree(r);
}

static void kmalloc_aligns_powers_of_two_to_themselves(void **state)
{
	void *p[16];
	size_t size;
	unsigned int n = 0;

	for (size = 1; size <= 8192; size *= 2, n++) {
		p[n] = kmalloc(size, GFP_KERNEL);
		assert_non_null(p[n]);
		assert_int_equal((uintptr_t)p[n] % (size < 8 ? 8 : size), 0);
		assert_true(ksize(p[n]) >= size);
		memset(p[n], 0xaa, ksize(p[n]));
	}
	while (n--)
		kfree(p[n]);
}

static void kmalloc_from_4088_on_takes_whole_pages(void **state)
{
	unsigned int order;
	void *p = kmalloc(4087, GFP_KERNEL), *q = kmalloc(4088, GFP_KERNEL);
	void *r = kmalloc(4097, GFP_KERNEL);

	assert_false(kmem_is_large(p, &order));
	assert_int_equal(ksize(p), 4088);
	assert_true(kmem_is_large(q, &order));
	assert_int_equal(order, 0);
	assert_int_equal(ksize(q), 4096);
	assert_true(kmem_is_large(r, &order));
	assert_int_equal(order, 1);
	assert_int_equal(ksize(r), 8192);
	assert_int_equal(slob_pages(), 1);
	kfree(p);
	kfree(q);
	kfree(r);
}

static void kmalloc_of_nothing(void **state)
{
	void *p = kmalloc(0, GFP_KERNEL);

	assert_ptr_equal(p, ZERO_SIZE_PTR);
	assert_int_equal(ksize(p), 0);
	assert_int_equal(ksize(NULL), 0);
	kfree(p);
	kfree(NULL);
}

/* --- caches ---------------------------------------------------------------------------------- */

static unsigned int nr_ctor;

static void ctor(void *object)
{
	nr_ctor++;
	memset(object, 0x77, 300);
}

static void the_constructor_runs_at_every_allocation(void **state)
{
	struct kmem_cache *s = kmem_cache_create("ctor", 300, 0, 0, ctor);
	unsigned char *p;
	unsigned int i;

	nr_ctor = 0;
	for (i = 1; i <= 5; i++) {
		p = get(s);
		assert_int_equal(nr_ctor, i);
		assert_int_equal(p[0], 0x77);
		assert_int_equal(p[299], 0x77);
		memset(p, 0, 300);
		kmem_cache_free(s, p);
	}
}

static void zeroing(void **state)
{
	struct kmem_cache *s = cache("zero", 123);
	static const unsigned char zero[5000];
	void *p = get(s), *q = kmalloc(200, GFP_KERNEL), *r = kmalloc(5000, GFP_KERNEL);
	void *hold = get(s);

	memset(p, 0xff, 123);
	memset(q, 0xff, 200);
	memset(r, 0xff, 5000);
	kmem_cache_free(s, p);
	kfree(q);
	kfree(r);
	p = kmem_cache_zalloc(s, GFP_KERNEL);
	q = kzalloc(200, GFP_KERNEL);
	r = kzalloc(5000, GFP_KERNEL);
	assert_memory_equal(p, zero, 123);
	assert_memory_equal(q, zero, 200);
	assert_memory_equal(r, zero, 5000);
	kmem_cache_free(s, p);
	kmem_cache_free(s, hold);
	kfree(q);
	kfree(r);
}

static void objects_of_a_page_and_more_are_whole_pages(void **state)
{
	struct kmem_cache *s = cache("page", 4095), *t = cache("big", 5888);
	struct kmem_cache *aligned = kmem_cache_create("aligned", 100, 8192, 0, NULL);
	unsigned int order;
	void *p = get(s), *q = get(t), *r = get(aligned);

	assert_true(kmem_is_large(p, &order));
	assert_int_equal(order, 0);
	assert_true(kmem_is_large(q, &order));
	assert_int_equal(order, 1);
	assert_int_equal((uintptr_t)r % 8192, 0);
	assert_int_equal(slob_pages(), 0);
	kmem_cache_free(s, p);
	kmem_cache_free(t, q);
	kmem_cache_free(aligned, r);
	kmem_cache_destroy(s);
	kmem_cache_destroy(t);
	kmem_cache_destroy(aligned);
}

static void alignment_of_caches(void **state)
{
	static const unsigned int aligns[] = { 0, 1, 8, 16, 64, 256, 1024, 4096 };
	struct kmem_cache *s[8];
	void *p[8][5];
	unsigned int i, j;

	for (i = 0; i < 8; i++)
		s[i] = kmem_cache_create("aligned", 20, aligns[i], 0, NULL);
	for (j = 0; j < 5; j++) {
		for (i = 0; i < 8; i++) {
			p[i][j] = get(s[i]);
			memset(p[i][j], (int)i, 20);
			assert_int_equal((uintptr_t)p[i][j] % (aligns[i] < 8 ? 8 : aligns[i]), 0);
		}
	}
	for (j = 0; j < 5; j++) {
		for (i = 0; i < 8; i++)
			kmem_cache_free(s[i], p[i][j]);
	}
}

static void bulk_is_a_loop(void **state)
{
	struct kmem_cache *s = cache("bulk", 256);
	void *p[40];
	unsigned int i;

	assert_int_equal(kmem_cache_alloc_bulk(s, GFP_KERNEL, 40, p), 40);
	for (i = 1; i < 40; i++)
		assert_true(i % 16 == 0 || (char *)p[i] - (char *)p[i - 1] == 256);
	assert_int_equal(slob_pages(), 3);
	kmem_cache_free_bulk(s, 40, p);
	assert_int_equal(slob_pages(), 0);
	p[0] = kmalloc(10, GFP_KERNEL);
	p[1] = kmalloc(5000, GFP_KERNEL);
	kmem_cache_free_bulk(NULL, 2, p);
}

static void running_out_is_null_and_bulk_is_all_or_nothing(void **state)
{
	struct kmem_cache *s = cache("out", 3000);
	static void *p[20000];
	unsigned int n = 0;
	void *q[8];

	while (n < 20000 && (p[n] = kmem_cache_alloc(s, GFP_KERNEL | __GFP_NOWARN)))
		n++;
	assert_in_range(n, 1000, 19999);
	assert_null(kmalloc(3000, GFP_KERNEL | __GFP_NOWARN));
	kmem_cache_free(s, p[--n]);
	kmem_cache_free(s, p[--n]);
	assert_int_equal(kmem_cache_alloc_bulk(s, GFP_KERNEL | __GFP_NOWARN, 8, q), 0);
	assert_int_equal(slob_pages(), n);
	while (n)
		kmem_cache_free(s, p[--n]);
	assert_int_equal(slob_pages(), 0);
	kmem_cache_destroy(s);
}

static void shrink_has_nothing_to_do(void **state)
{
	struct kmem_cache *s = cache("shrink", 100);
	void *p = get(s);

	assert_int_equal(kmem_cache_shrink(s), 0);
	assert_int_equal(slob_pages(), 1);
	kmem_cache_free(s, p);
}

/* --- random operations against a model ------------------------------------------------------- */

#define NR_CACHES 8
#define NR_SLOTS 600

struct slot {
	unsigned char *p;
	size_t size;
	int cache;	/* -1: kmalloc */
	unsigned char fill;
};

static void check_slot(const struct slot *slot)
{
	size_t i;

	for (i = 0; i < slot->size; i++)
		assert_int_equal(slot->p[i], slot->fill);
}

static void random_operations_keep_contents(void **state)
{
	static const unsigned int sizes[NR_CACHES] = { 1, 24, 100, 255, 700, 1500, 4000, 6000 };
	static const unsigned int aligns[NR_CACHES] = { 0, 0, 64, 0, 128, 0, 0, 0 };
	static struct slot slots[NR_SLOTS];
	struct kmem_cache *s[NR_CACHES];
	unsigned int step, i;
	uint64_t seed = 42;

	for (i = 0; i < NR_CACHES; i++)
		s[i] = kmem_cache_create("random", sizes[i], aligns[i], 0, NULL);
	for (step = 0; step < 60000; step++) {
		struct slot *slot = &slots[test_rand(&seed) % NR_SLOTS];

		if (slot->p) {
			check_slot(slot);
			if (slot->cache >= 0)
				kmem_cache_free(s[slot->cache], slot->p);
			else
				kfree(slot->p);
			slot->p = NULL;
			continue;
		}
		slot->cache = (int)(test_rand(&seed) % (NR_CACHES + 4));
		slot->fill = (unsigned char)test_rand(&seed);
		if (slot->cache < NR_CACHES) {
			slot->size = sizes[slot->cache];
			slot->p = get(s[slot->cache]);
		} else {
			slot->cache = -1;
			slot->size = 1 + test_rand(&seed) % (test_rand(&seed) % 8 ? 600 : 9000);
			slot->p = kmalloc(slot->size, GFP_KERNEL);
			assert_true(ksize(slot->p) >= slot->size);
		}
		assert_int_equal((uintptr_t)slot->p % 8, 0);
		memset(slot->p, slot->fill, slot->size);
	}
	for (i = 0; i < NR_SLOTS; i++) {
		if (!slots[i].p)
			continue;
		check_slot(&slots[i]);
		if (slots[i].cache >= 0)
			kmem_cache_free(s[slots[i].cache], slots[i].p);
		else
			kfree(slots[i].p);
	}
	assert_int_equal(slob_pages(), 0);
	for (i = 0; i < NR_CACHES; i++)
		kmem_cache_destroy(s[i]);
}

/* --- misuse ---------------------------------------------------------------------------------- */

static void pointers_of_no_slab_are_reported(void **state)
{
	struct kmem_cache *s = cache("victim", 100), *big = cache("big", 8192);
	struct page *page = alloc_pages(GFP_KERNEL, 0);
	char on_stack[64];

	kfree(on_stack + 8);
	expect_report(MACHINE_BUG, "no slab");
	kmem_cache_free(s, on_stack);
	expect_report(MACHINE_BUG, "no slab");
	kfree(page_address(page));
	expect_report(MACHINE_BUG, "no slab");
	kmem_cache_free(s, page_address(page));
	expect_report(MACHINE_BUG, "no slab");
	kmem_cache_free(big, page_address(page));
	expect_report(MACHINE_BUG, "no slab");
	assert_int_equal(ksize(on_stack + 8), 0);
	expect_report(MACHINE_BUG, "no slab");
	__free_pages(page, 0);
	kmem_cache_destroy(s);
	kmem_cache_destroy(big);
	expect_no_reports();
}

static void a_second_kfree_is_refused(void **state)
{
	void *p = kmalloc(100, GFP_KERNEL), *q = kmalloc(100, GFP_KERNEL);

	kfree(p);
	kfree(p);
	expect_report(MACHINE_BUG, "kfree: pointer is no live object of kmalloc");
	assert_int_equal(ksize(q), 100);
	kfree(q);
	assert_int_equal(slob_pages(), 0);
	kfree(q);
	expect_report(MACHINE_BUG, "kfree: page is free");
}

static void a_second_kmem_cache_free_is_refused(void **state)
{
	struct kmem_cache *s = cache("twice", 100);
	void *p = get(s), *q = get(s), *r = get(s);

	kmem_cache_free(s, q);
	kmem_cache_free(s, q);
	expect_report(MACHINE_BUG, "kmem_cache_free: double free");
	expect_lists("small=[ a:1948{100:108,308:3788} ] medium=[ ] large=[ ]");
	kmem_cache_free(s, p);
	kmem_cache_free(s, r);
	assert_int_equal(slob_pages(), 0);
	kmem_cache_destroy(s);
	expect_no_reports();
}

static void inner_pointers_are_refused(void **state)
{
	struct kmem_cache *s = cache("inner", 3000), *big = cache("big", 8192);
	char *p = get(s), *q = get(big);
	char *r = kmalloc(64, GFP_KERNEL), *t = kmalloc(8192, GFP_KERNEL);

	memset(r, 0, 64);
	kmem_cache_free(s, p + 4);
	expect_report(MACHINE_BUG, "inside an object");
	kmem_cache_free(s, p + 2000);
	expect_report(MACHINE_BUG, "inside an object");
	kmem_cache_free(big, q + 4096);
	expect_report(MACHINE_BUG, "inside a block of pages");
	kfree(r + 16);
	expect_report(MACHINE_BUG, "no live object of kmalloc");
	kfree(t + 4096);
	expect_report(MACHINE_BUG, "inside a block of pages");
	kmem_cache_free(s, p);
	kmem_cache_free(big, q);
	kfree(r);
	kfree(t);
	kmem_cache_destroy(s);
	kmem_cache_destroy(big);
	expect_no_reports();
	assert_int_equal(slob_pages(), 0);
}

static void kfree_of_a_cache_object_is_refused(void **state)
{
	struct kmem_cache *s = cache("cached", 64);
	char *p = get(s), *q = get(s);

	memset(p, 0, 64);
	memset(q, 0, 64);
	kfree(q);
	expect_report(MACHINE_BUG, "no live object of kmalloc");
	kmem_cache_free(s, q);
	kmem_cache_free(s, p);
	expect_no_reports();
}

static void writing_after_free_costs_a_page_and_no_more(void **state)
{
	struct kmem_cache *s = cache("after", 1000);
	unsigned char *p[4], *q;
	unsigned int i;

	for (i = 0; i < 4; i++)
		p[i] = get(s);
	kmem_cache_free(s, p[1]);
	test_scribble_free(p[1], 0xff, 1000);
	q = get(s);
	expect_report(MACHINE_BUG, "overwritten");
	assert_ptr_not_equal(page_of(q), page_of(p[0]));
	for (i = 0; i < 4; i++) {
		if (i != 1)
			kmem_cache_free(s, p[i]);
	}
	kmem_cache_free(s, q);
	expect_no_reports();
	assert_int_equal(slob_pages(), 1);
	kmem_cache_destroy(s);
	expect_no_reports();
}

/* The pages of all caches are looked at; what makes no sense is used no more. */
static void validation(void **state)
{
	struct kmem_cache *s = cache("medium", 1000), *small = cache("small", 100);
	unsigned char *p[8], *q, *r;
	unsigned int i;

	assert_int_equal(kmem_cache_validate(s), 0);
	for (i = 0; i < 8; i++)
		p[i] = get(s);
	q = get(small);
	/* two pages of four with a rest, one with a small object */
	assert_int_equal(kmem_cache_validate(s), 3);
	kmem_cache_free(s, p[1]);
	kmem_cache_free(s, p[6]);
	assert_int_equal(kmem_cache_validate(small), 3);
	expect_no_reports();

	/* A length that leads out of the page; one that does not add up. */
	test_scribble_free(p[1], 0x7f, 2);
	assert_int_equal(kmem_cache_validate(small), 3);
	expect_report(MACHINE_BUG, "slob: free blocks of this page were overwritten");
	assert_int_equal(kmem_cache_validate(small), 2);
	expect_no_reports();
	r = p[6];
	test_scribble_free(r, 2, 1);
	test_scribble_free(r + 1, 0, 1);
	assert_int_equal(kmem_cache_validate(s), 2);
	expect_report(MACHINE_BUG, "slob: free blocks of this page were overwritten");
	r = get(s);
	assert_ptr_not_equal(page_of(r), page_of(p[0]));
	assert_ptr_not_equal(page_of(r), page_of(p[4]));
	kmem_cache_free(s, r);
	for (i = 0; i < 8; i++)
		if (i != 1 && i != 6)
			kmem_cache_free(s, p[i]);
	kmem_cache_free(small, q);
	expect_no_reports();
	kmem_cache_destroy(s);
	kmem_cache_destroy(small);
	expect_no_reports();
}

static void a_busy_cache_is_not_destroyed(void **state)
{
	struct kmem_cache *s = cache("busy", 100), *big = cache("busy-big", 8192);
	void *p = get(s), *q = get(big);

	kmem_cache_destroy(s);
	expect_reports(2, MACHINE_WARN, "busy");
	kmem_cache_destroy(big);
	expect_reports(2, MACHINE_WARN, "busy-big");
	kmem_cache_free(s, p);
	kmem_cache_free(big, q);
	kmem_cache_destroy(s);
	kmem_cache_destroy(big);
	expect_no_reports();
}

static void shutdown_counts_what_is_left(void **state)
{
	struct kmem_cache *s = cache("left", 100);
	void *p;

	p = get(s);
	p = get(s);
	p = kmalloc(50, GFP_KERNEL);
	assert_non_null(p);
	assert_int_equal(machine_shutdown(machine), 3);
	expect_reports(2, MACHINE_WARN, "BUG ");
	boot(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define lists_test(f) cmocka_unit_test_setup_teardown(f, boot_and_forget_names, shutdown_clean)
		lists_test(three_lists_by_size),
		lists_test(the_search_goes_on_where_the_last_one_ended),
		lists_test(a_full_page_is_on_no_list_until_a_free),
		lists_test(a_free_page_goes_back_at_once),
		slob_test(caches_and_kmalloc_share_pages),
		slob_test(a_node_has_its_own_pages),
		slob_test(kmalloc_has_a_header_of_eight_bytes),
		slob_test(kmalloc_aligns_powers_of_two_to_themselves),
		slob_test(kmalloc_from_4088_on_takes_whole_pages),
		slob_test(kmalloc_of_nothing),
		slob_test(the_constructor_runs_at_every_allocation),
		slob_test(zeroing),
		slob_test(objects_of_a_page_and_more_are_whole_pages),
		slob_test(alignment_of_caches),
		slob_test(bulk_is_a_loop),
		slob_test(running_out_is_null_and_bulk_is_all_or_nothing),
		slob_test(shrink_has_nothing_to_do),
		slob_test(random_operations_keep_contents),
		slob_test(pointers_of_no_slab_are_reported),
		slob_test(a_second_kfree_is_refused),
		lists_test(a_second_kmem_cache_free_is_refused),
		slob_test(inner_pointers_are_refused),
		slob_test(kfree_of_a_cache_object_is_refused),
		slob_test(writing_after_free_costs_a_page_and_no_more),
		slob_test(validation),
		slob_test(a_busy_cache_is_not_destroyed),
		slob_test(shutdown_counts_what_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
