/* SPDX-License-Identifier: MIT */
/* Several machines in one process: none sees another. */
#include "stress.h"

#include "../support/child.h"

#define SMALL "preset=x86_64 mem=64M cpus=2"
#define LARGE "preset=numa-2 mem=256M cpus=4 isolate_metadata=1"
#define NR_HELD 64

/* What one machine holds at the end must be what it held at the start. */
struct side {
	struct machine *m;
	struct load load;
	unsigned long pages;
	unsigned int cpus;
};

static void side_boot(struct side *s, const char *text)
{
	s->m = stress_boot(text);
	s->pages = totalram_pages();
	s->cpus = machine_description(s->m)->cpus;
	load_create(&s->load);
}

static void side_shutdown(struct side *s)
{
	assert_int_equal(machine_enter(s->m), 0);
	load_destroy(&s->load);
	stress_shutdown(s->m);
}

static void side_worker(struct worker *w)
{
	const struct side *s = w->arg;
	struct object held[NR_HELD] = { 0 };
	unsigned int i;

	CHECK(w, machine_current() == s->m);
	CHECK(w, totalram_pages() == s->pages);
	for (i = 0; i < 50000; i++) {
		struct object *o = &held[test_rand(&w->seed) % NR_HELD];

		if (o->p) {
			CHECK(w, object_ok(o));
			object_free(&s->load, o);
			continue;
		}
		object_alloc(&s->load, o, &w->seed);
		CHECK(w, o->p);
		CHECK(w, virt_addr_valid(o->p));
		CHECK(w, smp_processor_id() >= 0 && smp_processor_id() < (int)s->cpus);
	}
	for (i = 0; i < NR_HELD; i++) {
		if (held[i].p)
			object_free(&s->load, &held[i]);
	}
}

static void different_threads_on_two_machines(void **state)
{
	static struct worker workers[6];
	struct side a, b;
	unsigned int i;

	side_boot(&a, SMALL);
	side_boot(&b, LARGE);
	assert_true(a.pages != b.pages);
	for (i = 0; i < 6; i++) {
		worker_init(&workers[i], i, i % 2 ? a.m : b.m, side_worker, i % 2 ? &a : &b);
		worker_start(&workers[i]);
	}
	workers_join(workers, 6);
	side_shutdown(&a);
	side_shutdown(&b);
}

/* One thread goes to and fro and holds objects on both sides. */
static void commuter(struct worker *w)
{
	struct side *sides = w->arg;
	struct object held[2][NR_HELD];
	unsigned int i, here = w->id % 2;

	memset(held, 0, sizeof(held));
	for (i = 0; i < 50000; i++) {
		struct object *o = &held[here][test_rand(&w->seed) % NR_HELD];

		if (i % 20 == 0) {
			here = !here;
			CHECK(w, !machine_enter(sides[here].m));
			CHECK(w, totalram_pages() == sides[here].pages);
			continue;
		}
		if (o->p) {
			CHECK(w, object_ok(o));
			object_free(&sides[here].load, o);
		} else {
			object_alloc(&sides[here].load, o, &w->seed);
			CHECK(w, o->p);
		}
	}
	for (i = 0; i < 2 * NR_HELD; i++) {
		here = i / NR_HELD;
		CHECK(w, !machine_enter(sides[here].m));
		if (held[here][i % NR_HELD].p)
			object_free(&sides[here].load, &held[here][i % NR_HELD]);
	}
	machine_leave();
}

static void one_thread_on_two_machines(void **state)
{
	struct side sides[2];

	side_boot(&sides[0], SMALL);
	side_boot(&sides[1], LARGE);
	run_workers(1, NULL, commuter, sides);
	side_shutdown(&sides[0]);
	side_shutdown(&sides[1]);
}

static void several_threads_to_and_fro(void **state)
{
	struct side sides[2];

	side_boot(&sides[0], SMALL);
	side_boot(&sides[1], LARGE);
	run_workers(5, NULL, commuter, sides);
	side_shutdown(&sides[0]);
	side_shutdown(&sides[1]);
}

/* Caches, pages and texts of one machine are unknown to the other. */
static void neither_sees_the_other(void **state)
{
	struct machine *a = stress_boot(SMALL);
	struct kmem_cache *s = kmem_cache_create("only-on-a", 128, 0, 0, NULL);
	char *before = test_proc("buddyinfo"), *after, *other;
	struct machine *b;
	void *p, *q;

	b = stress_boot(LARGE);
	assert_null(kmem_find_cache("only-on-a"));
	q = kmalloc(100, GFP_KERNEL);
	other = test_proc("buddyinfo");
	assert_true(strcmp(before, other) != 0);
	assert_int_equal(machine_enter(a), 0);
	after = test_proc("buddyinfo");
	assert_string_equal(before, after);
	assert_ptr_equal(kmem_find_cache("only-on-a"), s);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	assert_non_null(p);

	/* An object of the other machine is no object here. */
	kfree(q);
	expect_report(MACHINE_BUG, "no slab");
	assert_int_equal(machine_enter(b), 0);
	assert_false(virt_addr_valid(p));
	assert_true(virt_addr_valid(q));
	kfree(q);
	stress_shutdown(b);
	assert_int_equal(machine_enter(a), 0);
	kmem_cache_free(s, p);
	kmem_cache_destroy(s);
	stress_shutdown(a);
	free(before);
	free(after);
	free(other);
}

/* --- machines that come and go --------------------------------------------------------------- */

static void booting_worker(struct worker *w)
{
	struct machine_error err;
	struct machine *m;
	unsigned int i, j;
	char text[80];
	void *p[50];

	for (i = 0; i < 8; i++) {
		snprintf(text, sizeof(text), "preset=x86_64 mem=%uM cpus=%u", 32 + 16 * w->id,
			 1 + w->id);
		CHECK(w, !machine_boot_text(text, &m, &err));
		CHECK(w, machine_current() == m);
		CHECK(w, machine_description(m)->cpus == 1 + w->id);
		for (j = 0; j < 50; j++) {
			p[j] = kmalloc(1 + test_rand(&w->seed) % 5000, GFP_KERNEL);
			CHECK(w, p[j]);
		}
		for (j = 0; j < 50; j++)
			kfree(p[j]);
		CHECK(w, machine_shutdown(m) == 0);
		CHECK(w, machine_enter(m) != 0);
	}
}

static void machines_come_and_go_in_every_thread(void **state)
{
	test_catch_all();
	/* Boot writes to the log, here in several threads. */
	machine_set_log_sink(NULL, stress_drop_log, NULL);
	run_workers(4, NULL, booting_worker, NULL);
	expect_no_reports();
}

static void unentered_worker(struct worker *w)
{
	CHECK(w, !machine_current());
	CHECK(w, !kmalloc(10, GFP_KERNEL));
}

/* With two machines alive, a thread that has entered neither gets a report and NULL. */
static void no_machine_entered(void **state)
{
	struct machine *a = stress_boot(SMALL), *b = stress_boot(LARGE);

	run_workers(1, NULL, unentered_worker, NULL);
	expect_report(MACHINE_WARN, "no machine entered");
	stress_shutdown(b);
	stress_shutdown(a);
}

static void idle_worker(struct worker *w)
{
	(void)w;
}

static void start_worker(void *gone)
{
	struct worker w;

	worker_init(&w, 7, gone, idle_worker, NULL);
	worker_start(&w);
	pthread_join(w.thread, NULL);
}

/* The program ends at once and says so: others might wait for the thread. */
static void a_worker_that_cannot_enter(void **state)
{
	struct machine *m = stress_boot(SMALL);
	struct child_end end;

	stress_shutdown(m);
	end = run_child(start_worker, m);
	assert_true(WIFEXITED(end.status));
	assert_int_equal(WEXITSTATUS(end.status), 1);
	assert_non_null(strstr(end.words, "thread 7: machine_enter"));
}

static const struct CMUnitTest machines_tests[] = {
	cmocka_unit_test(different_threads_on_two_machines),
	cmocka_unit_test(one_thread_on_two_machines),
	cmocka_unit_test(several_threads_to_and_fro),
	cmocka_unit_test(neither_sees_the_other),
	cmocka_unit_test(machines_come_and_go_in_every_thread),
	cmocka_unit_test(no_machine_entered),
	cmocka_unit_test(a_worker_that_cannot_enter),
};
STRESS_GROUP(machines, machines_tests);
