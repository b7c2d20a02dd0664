/* SPDX-License-Identifier: MIT */
/*
 * fork() in the functions of a program that the library calls, with locks of its own held, and among
 * threads that wait. tests/stress/test_fork.c has those that work.
 */
#include "conformance.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define PRIVATE PLAIN " cpus=2 backing=private"

static pid_t forked;	/* -1: not yet; 0: this is the child */

static void fork_now(void)
{
	if (forked >= 0)
		return;
	fflush(NULL);
	forked = fork();
	if (forked)
		return;
	signal(SIGSEGV, SIG_DFL);
	signal(SIGABRT, SIG_DFL);
	alarm(60);
}

/* In the child: fail and tell where. In the parent nothing is amiss in what the child goes through as
 * well. */
#define STEP(cond)                                                                                     \
	do {                                                                                           \
		if (!(cond)) {                                                                         \
			fprintf(stderr, "%s, %s:%d: %s\n", forked ? "parent" : "child", __FILE__,      \
				__LINE__, #cond);                                                      \
			if (!forked)                                                                   \
				_exit(1);                                                              \
			fail();                                                                        \
		}                                                                                      \
	} while (0)

static unsigned long count_one(struct shrinker *s, struct shrink_control *sc)
{
	return 1;
}

static unsigned long scan_none(struct shrinker *s, struct shrink_control *sc)
{
	return SHRINK_STOP;
}

static int notify_nothing(struct notifier_block *nb, unsigned long action, void *freed)
{
	return NOTIFY_OK;
}

/* Every mutex there is can be had, and everything can be allocated on every CPU. */
static void everything_works(void)
{
	struct shrinker shrinker = {.count_objects = count_one, .scan_objects = scan_none};
	struct notifier_block nb = {.notifier_call = notify_nothing};
	struct kmem_cache *c;
	void *p;

	for (unsigned int cpu = 0; cpu < 2; cpu++) {
		STEP(!cpu_migrate(cpu));
		c = kmem_cache_create("after-fork", 72, 0, SLAB_TYPESAFE_BY_RCU, NULL);
		STEP(c);
		p = kmem_cache_alloc(c, GFP_KERNEL);
		STEP(p);
		kmem_cache_free(c, p);
		kmem_cache_destroy(c);
		p = vmalloc(100);
		STEP(p);
		vfree(p);
		p = alloc_pages_exact(70000, GFP_KERNEL);
		STEP(p);
		free_pages_exact(p, 70000);
	}
	STEP(!register_shrinker(&shrinker, "after-fork"));
	drop_slab();
	unregister_shrinker(&shrinker);
	STEP(!register_oom_notifier(&nb) && !unregister_oom_notifier(&nb));
	STEP(!sysctl_write("vm.min_free_kbytes", "1000"));
	synchronize_rcu();
	rcu_barrier();
	STEP(!test_state.nr_reports);
}

/* Both processes come here; the child does not come back. */
static void both_go_on(void)
{
	int status = 0;

	assert_true(forked >= 0);
	everything_works();
	if (!forked)
		_exit(0);
	assert_int_equal(waitpid(forked, &status, 0), forked);
	assert_int_equal(status, 0);
	forked = -1;
}

/* --- callbacks --------------------------------------------------------------------------------- */

static unsigned int nr_called;

static void forking_callback(struct rcu_head *head)
{
	nr_called++;
	if (nr_called == 2)
		fork_now();
	kfree(head);
}

/* The rest of the batch is run in both. */
static void in_an_rcu_callback(void **state)
{
	struct machine *m = test_boot(PRIVATE);

	forked = -1;
	nr_called = 0;
	for (int i = 0; i < 3; i++) {
		struct rcu_head *head = kmalloc(sizeof(*head), GFP_KERNEL);

		assert_non_null(head);
		call_rcu(head, forking_callback);
	}
	rcu_barrier();
	STEP(nr_called == 3);
	both_go_on();
	test_shutdown(m, 0);
}

static unsigned long scan_and_fork(struct shrinker *s, struct shrink_control *sc)
{
	fork_now();
	return SHRINK_STOP;
}

static void in_a_shrinker(void **state)
{
	struct shrinker s = {.count_objects = count_one, .scan_objects = scan_and_fork,
			     .seeks = DEFAULT_SEEKS};
	struct machine *m = test_boot(PRIVATE);

	forked = -1;
	assert_int_equal(register_shrinker(&s, "forking"), 0);
	drop_slab();
	unregister_shrinker(&s);
	both_go_on();
	test_shutdown(m, 0);
}

static void fork_in_constructor(void *object)
{
	fork_now();
}

static void in_a_constructor(void **state)
{
	struct machine *m = test_boot(PRIVATE);
	struct kmem_cache *c = kmem_cache_create("forking", 200, 0, 0, fork_in_constructor);
	void *p;

	forked = -1;
	p = kmem_cache_alloc(c, GFP_KERNEL);
	STEP(p);
	kmem_cache_free(c, p);
	kmem_cache_destroy(c);
	both_go_on();
	test_shutdown(m, 0);
}

static unsigned long last_page;

static int fork_and_free(struct notifier_block *nb, unsigned long action, void *freed)
{
	fork_now();
	free_page(last_page);
	*(unsigned long *)freed = 1;
	return NOTIFY_OK;
}

static void in_an_oom_notifier(void **state)
{
	struct notifier_block nb = {.notifier_call = fork_and_free};
	struct machine *m = test_boot(TINY " backing=private cpus=2");
	unsigned long pages = 0, p;

	forked = -1;
	assert_int_equal(register_oom_notifier(&nb), 0);
	/* A chain through the pages themselves. */
	while ((p = __get_free_page(GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY))) {
		*(unsigned long *)p = pages;
		pages = p;
	}
	last_page = pages;
	pages = *(unsigned long *)pages;
	p = __get_free_page(GFP_KERNEL | __GFP_NOFAIL);
	STEP(p);
	free_page(p);
	while (pages) {
		p = pages;
		pages = *(unsigned long *)p;
		free_page(p);
	}
	STEP(!unregister_oom_notifier(&nb));
	test_state.nr_reports = 0;
	both_go_on();
	test_shutdown(m, 0);
}

/* --- handlers and texts ------------------------------------------------------------------------ */

static enum machine_verdict fork_in_handler(struct machine *m, const struct machine_report *r, void *arg)
{
	fork_now();
	return MACHINE_CONTINUE;
}

static void fork_in_sink(void *arg, const char *text, size_t len)
{
	fork_now();
}

static void fork_in_trace(void *arg, const char *line, size_t len)
{
	fork_now();
}

/* Under unknown locks: the child ends, or does something without the machine, and the parent goes on. */
static void parent_goes_on(void)
{
	int status = 0;

	if (!forked)
		_exit(0);
	assert_true(forked > 0);
	assert_int_equal(waitpid(forked, &status, 0), forked);
	assert_int_equal(status, 0);
	everything_works();
	forked = -1;
}

static void in_a_report_handler(void **state)
{
	struct machine *m = test_boot(PRIVATE);
	unsigned long page = __get_free_page(GFP_KERNEL);

	forked = -1;
	machine_set_report_handler(m, fork_in_handler, NULL);
	free_page(page);
	free_page(page);
	machine_set_report_handler(m, test_catch_report, NULL);
	parent_goes_on();
	test_shutdown(m, 0);
}

static void in_texts(void **state)
{
	static const char *const names[] = {"slabinfo", "buddyinfo", "vmallocinfo", "pagetypeinfo"};
	struct machine *m = test_boot(PRIVATE);

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		forked = -1;
		assert_true(proc_write_to(names[i], fork_in_sink, NULL) > 0);
		parent_goes_on();
	}
	test_shutdown(m, 0);
}

static void in_a_trace_line(void **state)
{
	struct machine *m = test_boot(PRIVATE);

	forked = -1;
	assert_int_equal(kmem_trace_set_sink(fork_in_trace, NULL), 0);
	assert_true(kmem_trace_enable("kmem:*") > 0);
	free_page(__get_free_page(GFP_KERNEL));
	assert_true(!forked || kmem_trace_disable("kmem:*") > 0);
	parent_goes_on();
	test_shutdown(m, 0);
}

/* --- contexts, and who waits ------------------------------------------------------------------- */

static void in_an_atomic_context(void **state)
{
	struct machine *m = test_boot(PRIVATE);

	forked = -1;
	preempt_disable();
	local_irq_disable();
	fork_now();
	STEP(in_atomic() && irqs_disabled());
	local_irq_enable();
	preempt_enable();
	both_go_on();
	test_shutdown(m, 0);
}

static bool waiting;

static void *wait_for_callbacks(void *arg)
{
	if (machine_enter(arg))
		return NULL;
	__atomic_store_n(&waiting, true, __ATOMIC_RELEASE);
	rcu_barrier();
	machine_leave();
	return NULL;
}

/* The other thread waits for the forking one, with a mutex held, which is free in the child. */
static void in_a_read_section_that_is_waited_for(void **state)
{
	struct machine *m = test_boot(PRIVATE);
	struct rcu_head *head = kmalloc(sizeof(*head), GFP_KERNEL);
	pthread_t t;

	forked = -1;
	nr_called = 10;
	waiting = false;
	rcu_read_lock();
	call_rcu(head, forking_callback);
	assert_int_equal(pthread_create(&t, NULL, wait_for_callbacks, m), 0);
	while (!__atomic_load_n(&waiting, __ATOMIC_ACQUIRE))
		sched_yield();
	usleep(20000);
	fork_now();
	STEP(nr_called == 10);
	rcu_read_unlock();
	if (!forked)
		rcu_barrier();
	else
		pthread_join(t, NULL);
	STEP(nr_called == 11);
	both_go_on();
	test_shutdown(m, 0);
}

/* A group is not busy for a thread that the child has not. */
static void groups_lose_their_threads(void **state)
{
	struct kmem_cgroup *g, *own;
	struct machine *m;

	if (!strcmp(machine_backend(), "slob"))
		return;
	m = test_boot(PRIVATE);
	g = kmem_cgroup_create(1 << 20);
	own = kmem_cgroup_create(1 << 20);
	assert_true(g && own);
	forked = -1;
	kmem_cgroup_enter(own);
	fork_now();
	STEP(kmem_cgroup_destroy(own) == -EBUSY);
	STEP(kmem_cgroup_enter(NULL) == own);
	STEP(!kmem_cgroup_destroy(own) && !kmem_cgroup_destroy(g));
	both_go_on();
	test_shutdown(m, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(in_an_rcu_callback),
	cmocka_unit_test(in_a_shrinker),
	cmocka_unit_test(in_a_constructor),
	cmocka_unit_test(in_an_oom_notifier),
	cmocka_unit_test(in_a_report_handler),
	cmocka_unit_test(in_texts),
	cmocka_unit_test(in_a_trace_line),
	cmocka_unit_test(in_an_atomic_context),
	cmocka_unit_test(in_a_read_section_that_is_waited_for),
	cmocka_unit_test(groups_lose_their_threads),
};

TEST_GROUP(fork, tests);
