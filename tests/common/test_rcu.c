/* SPDX-License-Identifier: MIT */
/* common/rcu.c: queues, batches, and who runs them. */
#include "../support/kmem_test.h"

#include <pthread.h>
#include <sched.h>

#include "common/rcu.h"
#include "lib/context.h"
#include "lib/list.h"

#define ONE_CPU "preset=x86_64 mem=64M isolate_metadata=1"
#define FOUR_CPUS "preset=x86_64 mem=64M cpus=4 isolate_metadata=1"

#define MAX 64

/* What ran, in its order. */
static struct {
	unsigned int ids[1000];
	unsigned int nr;
} ran;

struct item {
	struct rcu_head rcu;
	unsigned int id;
};

static struct item items[MAX];

static void note(struct rcu_head *head)
{
	struct item *item = container_of(head, struct item, rcu);

	assert_true(in_softirq());
	assert_false(in_task());
	assert_true(ran.nr < sizeof(ran.ids) / sizeof(ran.ids[0]));
	ran.ids[ran.nr++] = item->id;
}

static struct machine *boot(const char *text)
{
	struct machine *m = test_boot(text);

	ran.nr = 0;
	for (unsigned int i = 0; i < MAX; i++)
		items[i] = (struct item){.id = i};
	return m;
}

static void queue(unsigned int first, unsigned int nr)
{
	for (unsigned int i = first; i < first + nr; i++)
		call_rcu(&items[i].rcu, note);
}

/* Exactly @first, @first + 1, … since the last look. */
static void expect_ran(unsigned int first, unsigned int nr)
{
	assert_int_equal(ran.nr, nr);
	for (unsigned int i = 0; i < nr; i++)
		assert_int_equal(ran.ids[i], first + i);
	ran.nr = 0;
}

static void callbacks_run_in_the_order_they_were_queued(void **state)
{
	struct machine *m = boot(ONE_CPU);

	assert_int_equal(rcu_advance(), 0);
	queue(0, 10);
	expect_ran(0, 0);
	assert_int_equal(rcu_advance(), 10);
	expect_ran(0, 10);
	assert_int_equal(rcu_advance(), 0);
	queue(10, 3);
	synchronize_rcu();
	expect_ran(10, 3);
	queue(20, 2);
	rcu_barrier();
	expect_ran(20, 2);
	rcu_barrier();
	synchronize_rcu();
	expect_ran(0, 0);
	test_shutdown(m, 0);
}

/* CPU by CPU, whichever was used first; what one CPU queued stays in order. */
static void queues_are_the_cpus_own(void **state)
{
	struct machine *m = boot(FOUR_CPUS);

	assert_int_equal(cpu_migrate(3), 0);
	queue(30, 2);
	assert_int_equal(cpu_migrate(0), 0);
	queue(0, 2);
	assert_int_equal(cpu_migrate(2), 0);
	queue(20, 1);
	assert_int_equal(cpu_migrate(0), 0);
	queue(2, 1);
	assert_int_equal(cpu_migrate(1), 0);
	rcu_barrier();
	assert_int_equal(ran.nr, 6);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(ran.ids[i], i);
	assert_int_equal(ran.ids[3], 20);
	assert_int_equal(ran.ids[4], 30);
	assert_int_equal(ran.ids[5], 31);
	test_shutdown(m, 0);
}

static void a_read_section_holds_callbacks_back(void **state)
{
	struct machine *m = boot(ONE_CPU);

	queue(0, 1);
	rcu_read_lock();
	/* Queued before the section; its grace period begins only now. */
	assert_int_equal(rcu_advance(), 0);
	queue(1, 2);
	rcu_read_lock();
	rcu_read_unlock();
	assert_int_equal(rcu_advance(), 0);
	expect_ran(0, 0);
	rcu_read_unlock();
	/* The first batch had its epoch, what came later begins its own and is through at once. */
	assert_int_equal(rcu_advance(), 1);
	expect_ran(0, 1);
	assert_int_equal(rcu_advance(), 2);
	expect_ran(1, 2);
	test_shutdown(m, 0);
}

/* A batch whose grace period began before the section is none of its business. */
static void a_later_section_holds_nothing_back(void **state)
{
	struct machine *m = boot(ONE_CPU);
	struct kernel *k = arch_kernel();

	rcu_read_lock();
	queue(0, 2);
	assert_int_equal(rcu_advance(), 0);
	rcu_read_unlock();
	rcu_read_lock();
	assert_int_equal(rcu_advance(), 2);
	expect_ran(0, 2);
	queue(2, 1);
	assert_int_equal(rcu_advance(), 0);
	assert_false(rcu_drain(k));
	rcu_read_unlock();
	assert_true(rcu_drain(k));
	expect_ran(2, 1);
	test_shutdown(m, 0);
}

static void barrier_runs_the_batch_on_its_way_and_what_is_behind_it(void **state)
{
	struct machine *m = boot(ONE_CPU);

	rcu_read_lock();
	queue(0, 2);
	assert_int_equal(rcu_advance(), 0);
	queue(2, 3);
	rcu_read_unlock();
	rcu_barrier();
	expect_ran(0, 5);
	test_shutdown(m, 0);
}

/* --- callbacks that call ---------------------------------------------------------------------- */

static unsigned int again;

static void queue_again(struct rcu_head *head)
{
	note(head);
	if (again) {
		again--;
		call_rcu(head, queue_again);
	}
}

static void a_callback_may_queue(void **state)
{
	struct machine *m = boot(ONE_CPU);

	again = 3;
	call_rcu(&items[5].rcu, queue_again);
	assert_int_equal(rcu_advance(), 1);
	assert_int_equal(rcu_advance(), 1);
	/* What was queued when it was called: one, and the one that this queues waits. */
	rcu_barrier();
	assert_true(ran.nr >= 3);
	assert_int_equal(again, 0);
	rcu_barrier();
	assert_int_equal(ran.nr, 4);
	test_shutdown(m, 0);
}

static void try_to_advance(struct rcu_head *head)
{
	note(head);
	assert_int_equal(rcu_advance(), 0);
}

static void try_to_barrier(struct rcu_head *head)
{
	note(head);
	rcu_barrier();
}

static void try_to_sleep(struct rcu_head *head)
{
	note(head);
	kfree(kmalloc(100, GFP_KERNEL));
}

static void a_callback_may_not_wait_or_sleep(void **state)
{
	struct machine *m = boot(ONE_CPU);

	call_rcu(&items[0].rcu, try_to_advance);
	call_rcu(&items[1].rcu, note);
	assert_int_equal(rcu_advance(), 2);
	expect_ran(0, 2);
	expect_no_reports();
	call_rcu(&items[0].rcu, try_to_barrier);
	call_rcu(&items[1].rcu, note);
	rcu_barrier();
	expect_ran(0, 2);
	expect_report(MACHINE_BUG, "rcu_barrier: in an RCU callback");
	/* Whatever is around it: destroying a cache may not sleep less. */
	call_rcu(&items[0].rcu, try_to_sleep);
	kmem_cache_destroy(kmem_cache_create("c", 100, 0, SLAB_TYPESAFE_BY_RCU, NULL));
	expect_ran(0, 1);
	expect_report(MACHINE_WARN, "invalid context at slab allocation");
	assert_int_equal(preempt_count(), 0);
	test_shutdown(m, 0);
}

/* --- freeing ---------------------------------------------------------------------------------- */

struct object {
	char payload[40];
	struct rcu_head rcu;
};

static void kfree_rcu_frees(void **state)
{
	struct machine *m = boot(ONE_CPU);
	struct object *o = kmalloc(sizeof(*o), GFP_KERNEL), *none = NULL;
	struct kmem_cache *s = kmem_cache_create("objects", sizeof(*o), 0, 0, NULL);
	unsigned long before;

	assert_non_null(o);
	kfree_rcu(o, rcu);
	kfree_rcu(none, rcu);
	rcu_read_lock();
	assert_int_equal(rcu_advance(), 0);
	test_fill(o->payload, sizeof(o->payload), 1);
	assert_true(test_filled(o->payload, sizeof(o->payload), 1));
	rcu_read_unlock();
	assert_int_equal(rcu_advance(), 1);
	before = test_stats().slab_pages;
	for (int i = 0; i < 1000; i++) {
		o = kmem_cache_alloc(s, GFP_KERNEL);
		assert_non_null(o);
		kfree_rcu(o, rcu);
		rcu_advance();
	}
	/* Each one is used again. */
	assert_true(test_stats().slab_pages <= before + 4);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

/* A head need not be aligned for the library's own use (SLOB). */
static void heads_at_odd_places(void **state)
{
	static char room[sizeof(struct rcu_head) + 8];
	struct machine *m = boot(ONE_CPU);
	struct kernel *k = arch_kernel();

	queue(0, 1);
	rcu_queue(k, room + 2, (rcu_callback_t)(uintptr_t)0);
	queue(1, 1);
	/* Offset 0: "kfree" of the room, which is no object. */
	assert_int_equal(rcu_advance(), 3);
	expect_ran(0, 2);
	expect_report(MACHINE_BUG, "kfree: ");
	test_shutdown(m, 0);
}

/* --- misuse ----------------------------------------------------------------------------------- */

static void bad_heads_are_refused(void **state)
{
	struct machine *m = boot(ONE_CPU);
	struct object *o = kmalloc(8192, GFP_KERNEL);

	call_rcu(NULL, note);
	expect_report(MACHINE_BUG, "call_rcu: no head");
	call_rcu((struct rcu_head *)((uintptr_t)&items[0].rcu + 1), note);
	expect_report(MACHINE_BUG, "call_rcu: misaligned head");
	call_rcu(&items[0].rcu, NULL);
	expect_report(MACHINE_BUG, "is no function");
	queue(0, 1);
	queue(0, 1);
	expect_report(MACHINE_BUG, "call_rcu: queued already");
	assert_non_null(o);
	kfree_call_rcu((struct rcu_head *)((char *)o + 4096), o);
	expect_report(MACHINE_BUG, "is not in the first 4096 bytes");
	kfree_call_rcu((struct rcu_head *)((char *)o - 8), o);
	expect_report(MACHINE_BUG, "is not in the first 4096 bytes");
	kfree_call_rcu((struct rcu_head *)((char *)o + 4088), o);
	expect_no_reports();
	assert_int_equal(rcu_advance(), 2);
	expect_ran(0, 1);
	test_shutdown(m, 0);
}

static void waiting_for_oneself_is_refused(void **state)
{
	struct machine *m = boot(ONE_CPU);
	struct kmem_cache *s = kmem_cache_create("typesafe", 100, 0, SLAB_TYPESAFE_BY_RCU, NULL);

	queue(0, 1);
	rcu_read_lock();
	synchronize_rcu();
	expect_report(MACHINE_BUG, "synchronize_rcu: in an RCU read section");
	rcu_barrier();
	expect_report(MACHINE_BUG, "rcu_barrier: in an RCU read section");
	kmem_cache_destroy(s);
	expect_report(MACHINE_BUG, "kmem_cache_destroy: in an RCU read section");
	expect_ran(0, 0);
	rcu_read_unlock();
	rcu_read_unlock();
	expect_report(MACHINE_BUG, "rcu_read_unlock: there is no read section");
	/* It is still there. */
	kmem_cache_free(s, kmem_cache_alloc(s, GFP_KERNEL));
	kmem_cache_destroy(s);
	expect_ran(0, 1);
	/* In other atomic contexts waiting is wrong, but ends. */
	queue(0, 1);
	preempt_disable();
	synchronize_rcu();
	expect_report(MACHINE_WARN, "invalid context at synchronize_rcu");
	expect_ran(0, 1);
	rcu_barrier();
	expect_report(MACHINE_WARN, "invalid context at rcu_barrier");
	preempt_enable();
	test_shutdown(m, 0);
}

static void a_section_inside_one_of_another_machine(void **state)
{
	struct machine *one = boot(ONE_CPU), *two = boot(ONE_CPU);

	rcu_read_lock();
	assert_int_equal(machine_enter(one), 0);
	rcu_read_lock();
	expect_report(MACHINE_BUG, "rcu_read_lock: inside a read section of another machine");
	rcu_read_unlock();
	/* This machine's grace periods are not held up. */
	queue(0, 1);
	assert_int_equal(rcu_advance(), 1);
	rcu_read_unlock();
	expect_no_reports();
	test_shutdown(two, 0);
	test_shutdown(one, 0);
}

/* --- shutdown --------------------------------------------------------------------------------- */

static void shutdown_runs_what_is_queued(void **state)
{
	struct machine *m = boot(ONE_CPU);
	struct object *o = kmalloc(sizeof(*o), GFP_KERNEL);

	kfree_rcu(o, rcu);
	queue(0, 2);
	again = 5;
	call_rcu(&items[10].rcu, queue_again);
	test_shutdown(m, 0);
	assert_int_equal(ran.nr, 8);
}

static void shutdown_does_not_wait_for_a_reader(void **state)
{
	struct machine *m = boot(ONE_CPU);
	struct kmem_cache *s = kmem_cache_create("typesafe", 100, 0, SLAB_TYPESAFE_BY_RCU, NULL);
	struct object *o = kmalloc(sizeof(*o), GFP_KERNEL);

	kmem_cache_free(s, kmem_cache_alloc(s, GFP_KERNEL));
	rcu_read_lock();
	kfree_rcu(o, rcu);
	queue(0, 1);
	assert_int_equal(machine_shutdown(m), 1);
	assert_int_equal(test_state.nr_reports, 3);
	assert_non_null(strstr(test_state.reports[0].text, "invalid context at machine_shutdown"));
	assert_non_null(strstr(test_state.reports[1].text, "RCU callbacks still wait"));
	assert_non_null(strstr(test_state.reports[2].text, "Objects remaining in kmalloc-64"));
	test_state.nr_reports = 0;
	expect_ran(0, 0);
	/* The section is over with the machine, but its end may still be said. */
	rcu_read_unlock();
	expect_no_reports();
}

static void queue_for_ever(struct rcu_head *head)
{
	call_rcu(head, queue_for_ever);
}

static void shutdown_ends_though_callbacks_do_not(void **state)
{
	struct machine *m = boot(ONE_CPU);

	call_rcu(&items[0].rcu, queue_for_ever);
	assert_int_equal(machine_shutdown(m), 0);
	expect_report(MACHINE_WARN, "RCU callbacks queue new ones without end");
}

/* --- threads ---------------------------------------------------------------------------------- */

struct party {
	struct machine *m;
	pthread_barrier_t barrier;
	bool done;
};

static void *hold_section(void *arg)
{
	struct party *p = arg;

	assert_int_equal(machine_enter(p->m), 0);
	rcu_read_lock();
	pthread_barrier_wait(&p->barrier);
	pthread_barrier_wait(&p->barrier);
	__atomic_store_n(&p->done, true, __ATOMIC_RELEASE);
	rcu_read_unlock();
	return NULL;
}

static void barrier_waits_for_other_threads_sections(void **state)
{
	struct party p = {.m = boot(FOUR_CPUS)};
	pthread_t thread;

	for (int i = 0; i < 2; i++) {
		p.done = false;
		pthread_barrier_init(&p.barrier, NULL, 2);
		assert_int_equal(pthread_create(&thread, NULL, hold_section, &p), 0);
		pthread_barrier_wait(&p.barrier);
		queue(0, 2);
		assert_int_equal(rcu_advance(), 0);
		expect_ran(0, 0);
		pthread_barrier_wait(&p.barrier);
		if (i)
			synchronize_rcu();
		else
			rcu_barrier();
		assert_true(__atomic_load_n(&p.done, __ATOMIC_ACQUIRE));
		expect_ran(0, 2);
		pthread_join(thread, NULL);
		pthread_barrier_destroy(&p.barrier);
	}
	test_shutdown(p.m, 0);
}

static struct party *callback_party;

static void meet_in_callback(struct rcu_head *head)
{
	pthread_barrier_wait(&callback_party->barrier);
	sched_yield();
	__atomic_store_n(&callback_party->done, true, __ATOMIC_RELEASE);
}

static void *advance_alone(void *arg)
{
	struct party *p = arg;

	assert_int_equal(machine_enter(p->m), 0);
	assert_int_equal(rcu_advance(), 1);
	return NULL;
}

/* rcu_barrier() waits for a callback that another thread is in the middle of; rcu_advance() does
 * not. */
static void barrier_waits_for_callbacks_of_other_threads(void **state)
{
	struct party p = {.m = boot(FOUR_CPUS)};
	pthread_t thread;

	callback_party = &p;
	pthread_barrier_init(&p.barrier, NULL, 2);
	call_rcu(&items[0].rcu, meet_in_callback);
	assert_int_equal(pthread_create(&thread, NULL, advance_alone, &p), 0);
	pthread_barrier_wait(&p.barrier);
	queue(1, 1);
	(void)rcu_advance();
	rcu_barrier();
	assert_true(__atomic_load_n(&p.done, __ATOMIC_ACQUIRE));
	expect_ran(1, 1);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&p.barrier);
	test_shutdown(p.m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(callbacks_run_in_the_order_they_were_queued),
		cmocka_unit_test(queues_are_the_cpus_own),
		cmocka_unit_test(a_read_section_holds_callbacks_back),
		cmocka_unit_test(a_later_section_holds_nothing_back),
		cmocka_unit_test(barrier_runs_the_batch_on_its_way_and_what_is_behind_it),
		cmocka_unit_test(a_callback_may_queue),
		cmocka_unit_test(a_callback_may_not_wait_or_sleep),
		cmocka_unit_test(kfree_rcu_frees),
		cmocka_unit_test(heads_at_odd_places),
		cmocka_unit_test(bad_heads_are_refused),
		cmocka_unit_test(waiting_for_oneself_is_refused),
		cmocka_unit_test(a_section_inside_one_of_another_machine),
		cmocka_unit_test(shutdown_runs_what_is_queued),
		cmocka_unit_test(shutdown_does_not_wait_for_a_reader),
		cmocka_unit_test(shutdown_ends_though_callbacks_do_not),
		cmocka_unit_test(barrier_waits_for_other_threads_sections),
		cmocka_unit_test(barrier_waits_for_callbacks_of_other_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
