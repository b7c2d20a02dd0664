/* SPDX-License-Identifier: MIT */
/* RCU as a user has it: callbacks, kfree_rcu, and caches whose objects readers may meet again. */
#include "conformance.h"

#define container(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))

struct node {
	struct node *next;
	unsigned long key;
	struct rcu_head rcu;
};

static unsigned int called;

static void count_call(struct rcu_head *head)
{
	called++;
}

static void free_node(struct rcu_head *head)
{
	called++;
	kfree(container(head, struct node, rcu));
}

static struct node *new_node(unsigned long key)
{
	struct node *n = kmalloc(sizeof(*n), GFP_KERNEL);

	assert_non_null(n);
	n->key = key;
	n->next = NULL;
	return n;
}

static void what_a_reader_holds_is_freed_after_it(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct node *published = new_node(1), *seen, *old = published, *new = new_node(2);

	called = 0;
	rcu_read_lock();
	seen = rcu_dereference(published);
	rcu_assign_pointer(published, new);
	call_rcu(&old->rcu, free_node);
	assert_int_equal(rcu_advance(), 0);
	assert_int_equal(seen->key, 1);
	rcu_read_unlock();
	assert_int_equal(called, 0);
	assert_int_equal(rcu_advance(), 1);
	assert_int_equal(called, 1);
	old = published;
	RCU_INIT_POINTER(published, NULL);
	kfree_rcu(old, rcu);
	rcu_barrier();
	synchronize_rcu();
	assert_int_equal(rcu_advance(), 0);
	test_shutdown(m, 0);
}

/* Freed memory is there for others: more than the machine has goes through its hands. */
static void memory_comes_back_after_grace_periods(void **state)
{
	struct machine *m = test_boot(TINY);
	unsigned long done;
	struct node *n;

	/* Without a grace period it does not: the machine runs dry. */
	for (done = 0; (n = kmalloc(sizeof(*n), GFP_NOWAIT | __GFP_NOWARN)); done++)
		kfree_rcu(n, rcu);
	assert_true(done > 1000);
	assert_int_equal(rcu_advance(), done);
	for (unsigned long i = 0; i < 4 * done; i++) {
		n = kmalloc(sizeof(*n), GFP_NOWAIT | __GFP_NOWARN);
		assert_non_null(n);
		kfree_rcu(n, rcu);
		if (i % 1000 == 0)
			rcu_advance();
	}
	rcu_barrier();
	test_shutdown(m, 0);
}

static void shutdown_runs_callbacks(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct node *n = new_node(1);

	called = 0;
	kfree_rcu(n, rcu);
	call_rcu(&new_node(2)->rcu, free_node);
	test_shutdown(m, 0);
	assert_int_equal(called, 1);
}

static void misuse_is_told(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("typesafe", 100, 0, SLAB_TYPESAFE_BY_RCU, NULL);
	static struct rcu_head head;
	char *p = kmalloc(5000, GFP_KERNEL);

	called = 0;
	rcu_read_unlock();
	expect_report(MACHINE_BUG, "rcu_read_unlock: there is no read section");
	call_rcu(NULL, count_call);
	expect_report(MACHINE_BUG, "call_rcu: no head");
	call_rcu(&head, NULL);
	expect_report(MACHINE_BUG, "is no function");
	call_rcu(&head, count_call);
	call_rcu(&head, count_call);
	expect_report(MACHINE_BUG, "call_rcu: queued already");
	kfree_call_rcu((struct rcu_head *)(void *)(p + 4096), p);
	expect_report(MACHINE_BUG, "kfree_rcu: head");
	rcu_read_lock();
	synchronize_rcu();
	expect_report(MACHINE_BUG, "synchronize_rcu: in an RCU read section");
	rcu_barrier();
	expect_report(MACHINE_BUG, "rcu_barrier: in an RCU read section");
	kmem_cache_destroy(s);
	expect_report(MACHINE_BUG, "kmem_cache_destroy: in an RCU read section");
	rcu_read_unlock();
	assert_int_equal(called, 0);
	rcu_barrier();
	assert_int_equal(called, 1);
	kfree(p);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

/* --- SLAB_TYPESAFE_BY_RCU --------------------------------------------------------------------- */

#define SIZE 500
#define NR 400

/* A freed object may become another one of its cache at any time, but not something else. */
static void objects_stay_of_their_type(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("typesafe", SIZE, 0, SLAB_TYPESAFE_BY_RCU, NULL);
	struct kmem_cache *other = kmem_cache_create("other", SIZE, 0, 0, NULL);
	static void *p[NR], *q[NR];
	uint64_t pages;
	int i;

	for (i = 0; i < NR; i++) {
		assert_non_null(p[i] = kmem_cache_alloc(s, GFP_KERNEL));
		test_fill(p[i], SIZE, 1);
	}
	pages = test_stats().slab_pages + test_stats().large_pages;
	rcu_read_lock();
	for (i = 0; i < NR; i++)
		kmem_cache_free(s, p[i]);
	/* No page may leave the cache while somebody reads. */
	assert_int_equal(test_stats().slab_pages + test_stats().large_pages, pages);
	for (i = 0; i < NR; i++) {
		assert_non_null(q[i] = kmem_cache_alloc(other, GFP_ATOMIC));
		memset(q[i], 0, SIZE);
	}
	/* A free pointer may lie behind the object, never in it. */
	for (i = 0; i < NR; i++)
		assert_true(test_filled(p[i], SIZE, 1));
	rcu_read_unlock();
	for (i = 0; i < NR; i++)
		kmem_cache_free(other, q[i]);
	kmem_cache_destroy(other);
	kmem_cache_shrink(s);
	rcu_barrier();
	assert_true(test_stats().slab_pages + test_stats().large_pages < pages);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void destroy_waits_for_the_last_slabs(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("typesafe", SIZE, 0, SLAB_TYPESAFE_BY_RCU, NULL);
	unsigned long before = test_free_pages();
	static struct rcu_head head;
	static void *p[NR];
	int i;

	called = 0;
	for (i = 0; i < NR; i++)
		assert_non_null(p[i] = kmem_cache_alloc(s, GFP_KERNEL));
	for (i = 0; i < NR; i++)
		kmem_cache_free(s, p[i]);
	call_rcu(&head, count_call);
	kmem_cache_destroy(s);
	/* Whatever was queued before has run, too. */
	assert_int_equal(called, 1);
	assert_null(kmem_find_cache("typesafe"));
	assert_true(test_free_pages() >= before);
	/* A busy one stays. */
	s = kmem_cache_create("typesafe", SIZE, 0, SLAB_TYPESAFE_BY_RCU, NULL);
	p[0] = kmem_cache_alloc(s, GFP_KERNEL);
	kmem_cache_destroy(s);
	assert_int_equal(test_state.nr_reports, 2);
	test_state.nr_reports = 0;
	kmem_cache_free(s, p[0]);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void a_typesafe_cache_runs_dry_and_recovers(void **state)
{
	struct machine *m = test_boot(TINY_ISOLATED);
	struct kmem_cache *s = kmem_cache_create("typesafe", SIZE, 0, SLAB_TYPESAFE_BY_RCU, NULL);
	gfp_t gfp = GFP_KERNEL | __GFP_NOWARN;
	struct link { struct link *next; } *all = NULL, *o;
	unsigned long n = 0, again = 0;
	unsigned long before = test_free_pages();

	for (; (o = kmem_cache_alloc(s, gfp)); n++) {
		o->next = all;
		all = o;
	}
	assert_true(n > 1000);
	while ((o = all)) {
		all = o->next;
		kmem_cache_free(s, o);
	}
	kmem_cache_shrink(s);
	rcu_barrier();
	assert_int_equal(test_free_pages(), before);
	for (; (o = kmem_cache_alloc(s, gfp)); again++) {
		o->next = all;
		all = o;
	}
	assert_int_equal(again, n);
	while ((o = all)) {
		all = o->next;
		kmem_cache_free(s, o);
	}
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void a_typesafe_cache_that_leaks_is_told_at_shutdown(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("typesafe", SIZE, 0, SLAB_TYPESAFE_BY_RCU, NULL);
	void *p = kmem_cache_alloc(s, GFP_KERNEL), *q = kmem_cache_alloc(s, GFP_KERNEL);

	assert_non_null(q);
	kmem_cache_free(s, p);
	assert_int_equal(machine_shutdown(m), 1);
	expect_report(MACHINE_WARN, "Objects remaining in typesafe");
}

/* An empty one that nobody destroyed goes with the machine, silently. */
static void a_forgotten_typesafe_cache_is_no_leak(void **state)
{
	struct machine *m = test_boot(PLAIN);
	struct kmem_cache *s = kmem_cache_create("typesafe", SIZE, 0, SLAB_TYPESAFE_BY_RCU, NULL);

	kmem_cache_free(s, kmem_cache_alloc(s, GFP_KERNEL));
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(what_a_reader_holds_is_freed_after_it),
	cmocka_unit_test(memory_comes_back_after_grace_periods),
	cmocka_unit_test(shutdown_runs_callbacks),
	cmocka_unit_test(misuse_is_told),
	cmocka_unit_test(objects_stay_of_their_type),
	cmocka_unit_test(destroy_waits_for_the_last_slabs),
	cmocka_unit_test(a_typesafe_cache_runs_dry_and_recovers),
	cmocka_unit_test(a_typesafe_cache_that_leaks_is_told_at_shutdown),
	cmocka_unit_test(a_forgotten_typesafe_cache_is_no_leak),
};
TEST_GROUP(rcu, tests);
