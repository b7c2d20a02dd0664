/* SPDX-License-Identifier: MIT */
/*
 * A thread alone in its machine allocates and frees another way than one among several. The same script
 * must put every object in the same place, with and without company.
 */
#include "slob_test.h"

#include "../support/company.h"

#include "lib/rand.h"

#define OPS 6000
#define LIVE 150

struct script {
	uint64_t seed;
	struct kmem_cache *caches[4];
	struct {
		void *p;
		struct kmem_cache *s;	/* NULL: of kmalloc() */
	} live[LIVE];
};

static void *take(struct script *t, unsigned int at)
{
	unsigned int kind = (unsigned int)rand_next(&t->seed) % 6;

	t->live[at].s = kind < 4 ? t->caches[kind] : NULL;
	if (kind < 4)
		t->live[at].p = kmem_cache_alloc(t->caches[kind], GFP_KERNEL);
	else
		t->live[at].p = kmalloc(1 + rand_next(&t->seed) % (kind == 4 ? 120 : 2500),
					kind == 4 ? GFP_KERNEL : GFP_KERNEL | __GFP_ZERO);
	assert_non_null(t->live[at].p);
	return t->live[at].p;
}

static void give(struct script *t, unsigned int at)
{
	if (t->live[at].s)
		kmem_cache_free(t->live[at].s, t->live[at].p);
	else
		kfree(t->live[at].p);
	t->live[at].p = NULL;
}

/* Where each object came to lie: its physical address; 0: one was freed. */
static void run(uint64_t *trail)
{
	struct script t = { .seed = 5 };
	unsigned int i, at;
	void *p;

	t.caches[0] = kmem_cache_create("a", 24, 0, 0, NULL);
	t.caches[1] = kmem_cache_create("b", 200, 64, 0, NULL);
	t.caches[2] = kmem_cache_create("c", 700, 0, 0, NULL);
	t.caches[3] = kmem_cache_create("d", 1, 2, 0, NULL);
	for (i = 0; i < OPS; i++) {
		at = (unsigned int)rand_next(&t.seed) % LIVE;
		trail[i] = 0;
		if (t.live[at].p) {
			give(&t, at);
			continue;
		}
		p = take(&t, at);
		trail[i] = page_to_pfn(virt_to_page(p)) * PAGE_SIZE + offset_of(p);
	}
	for (at = 0; at < LIVE; at++)
		if (t.live[at].p)
			give(&t, at);
	for (i = 0; i < 4; i++)
		kmem_cache_destroy(t.caches[i]);
	assert_int_equal(slob_pages(), 0);
}

static void company_changes_no_place(void **state)
{
	static uint64_t alone[OPS], among[OPS];
	struct company c;

	boot(state);
	run(alone);
	shutdown_clean(state);
	boot(state);
	company_comes(&c, machine);
	run(among);
	company_goes(&c);
	shutdown_clean(state);
	assert_memory_equal(alone, among, sizeof(alone));
}

/* What the section leaves to the general path finds its lists and counts whole. */
static void company_may_come_and_go(void **state)
{
	struct kmem_cache *s = cache("guests", 100);
	void *p[200];
	struct company c;
	unsigned int i;

	(void)state;
	for (i = 0; i < 200; i++) {
		if (i == 60)
			company_comes(&c, machine);
		if (i == 120)
			company_goes(&c);
		p[i] = get(s);
	}
	for (i = 0; i < 200; i++) {
		if (i == 60)
			company_comes(&c, machine);
		if (i == 120)
			company_goes(&c);
		kmem_cache_free(s, p[i]);
	}
	assert_int_equal(slob_pages(), 0);
	kmem_cache_destroy(s);	/* reports objects that are left */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(company_changes_no_place),
		slob_test(company_may_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
