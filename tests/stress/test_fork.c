/* SPDX-License-Identifier: MIT */
/*
 * fork() while other threads are in every kind of call. The child has their memory as it was at that
 * moment and must find nothing held and nothing half done: it goes everywhere and looks at everything.
 * The parent goes on.
 */
#include "stress.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define NR_CPUS 4
#define FORKS 64u
/* So many times as many in a long round. AddressSanitizer's address space takes its time to be copied; there
 * are more rounds instead. */
#ifdef TEST_ASAN
#define LONG_FORKS 2u
#else
#define LONG_FORKS 8u
#endif
#define CHILD_SECONDS 100	/* of a child that hangs */

struct scene {
	struct machine *m;
	struct load load;
	mempool_t *pool;
	struct shrinker shrinker;
	bool stop;
};

static bool stopped(const struct scene *s)
{
	return __atomic_load_n(&s->stop, __ATOMIC_RELAXED);
}

/* --- what goes on meanwhile -------------------------------------------------------------------- */

#define NR_SLOTS 60

static void objects(struct worker *w)
{
	const struct scene *s = w->arg;
	struct object slots[NR_SLOTS] = {0};
	unsigned int i;

	for (i = 0; !stopped(s); i++) {
		struct object *o = &slots[test_rand(&w->seed) % NR_SLOTS];

		if (i % 256 == 0)
			CHECK(w, !cpu_migrate((unsigned int)(test_rand(&w->seed) % NR_CPUS)));
		if (o->p) {
			CHECK(w, object_ok(o));
			object_free(&s->load, o);
		} else {
			object_alloc(&s->load, o, &w->seed);
			CHECK(w, o->p);
		}
	}
	for (i = 0; i < NR_SLOTS; i++)
		if (slots[i].p)
			object_free(&s->load, &slots[i]);
}

/* Every order, by the zone's free lists. */
static void pages(struct worker *w)
{
	while (!stopped(w->arg)) {
		unsigned int order = (unsigned int)(test_rand(&w->seed) % 9);
		unsigned long p = __get_free_pages(GFP_KERNEL | __GFP_NOWARN, order);

		if (p)
			free_pages(p, order);
	}
}

static void areas(struct worker *w)
{
	while (!stopped(w->arg)) {
		char *p = vmalloc((1 + test_rand(&w->seed) % 8) << PAGE_SHIFT);
		char *q = vmalloc(100);

		vfree(p);
		if (q)
			q[99] = 1;
		vfree(q);
		if (test_rand(&w->seed) % 64 == 0)
			vm_unmap_aliases();
	}
}

struct waiting {
	struct rcu_head rcu;
	char payload[100];
};

static void free_waiting(struct rcu_head *head)
{
	kfree(head);
}

static void grace_periods(struct worker *w)
{
	while (!stopped(w->arg)) {
		struct waiting *a = kmalloc(sizeof(*a), GFP_KERNEL);
		struct waiting *b = kmalloc(sizeof(*b), GFP_KERNEL);

		CHECK(w, a && b);
		rcu_read_lock();
		kfree_rcu(a, rcu);
		call_rcu(&b->rcu, free_waiting);
		rcu_read_unlock();
		switch (test_rand(&w->seed) % 16) {
		case 0:
			rcu_barrier();
			break;
		case 1:
			synchronize_rcu();
			break;
		default:
			rcu_advance();
		}
	}
	rcu_barrier();
}

static void caches(struct worker *w)
{
	const struct scene *s = w->arg;
	char name[24];

	snprintf(name, sizeof(name), "passing-%u", w->id);
	while (!stopped(s)) {
		slab_flags_t flags = test_rand(&w->seed) % 8 ? 0 : SLAB_TYPESAFE_BY_RCU;
		struct kmem_cache *c = kmem_cache_create(name, 40 + test_rand(&w->seed) % 600, 0, flags, NULL);
		void *p;

		CHECK(w, c);
		p = kmem_cache_alloc(c, GFP_KERNEL);
		CHECK(w, p);
		kmem_cache_shrink(s->load.caches[test_rand(&w->seed) % NR_LOAD_CACHES]);
		kmem_cache_free(c, p);
		kmem_cache_destroy(c);
	}
}

static void pool_elements(struct worker *w)
{
	const struct scene *s = w->arg;

	while (!stopped(s)) {
		void *p[6];

		for (int i = 0; i < 6; i++)
			p[i] = mempool_alloc(s->pool, GFP_NOWAIT);
		for (int i = 0; i < 6; i++)
			if (p[i])
				mempool_free(p[i], s->pool);
		if (test_rand(&w->seed) % 32 == 0)
			CHECK(w, !mempool_resize(s->pool, 2 + (int)(test_rand(&w->seed) % 4)));
	}
}

static unsigned long count_some(struct shrinker *shrinker, struct shrink_control *sc)
{
	return 10;
}

static unsigned long scan_some(struct shrinker *shrinker, struct shrink_control *sc)
{
	sched_yield();
	return SHRINK_STOP;
}

static void drop_text(void *arg, const char *text, size_t len)
{
}

static void drop_line(void *arg, const char *line, size_t len)
{
}

/* What is done seldom, and takes the locks that nothing else does. */
static void housekeeping(struct worker *w)
{
	static const char *const texts[] = {"slabinfo", "buddyinfo", "zoneinfo", "vmallocinfo",
					    "pagetypeinfo", "vmstat", "meminfo"};
	struct scene *s = w->arg;

	kmem_trace_set_sink(drop_line, NULL);
	while (!stopped(s)) {
		struct kmem_cgroup *g;

		CHECK(w, !register_shrinker(&s->shrinker, "stress"));
		drop_slab();
		unregister_shrinker(&s->shrinker);
		proc_write_to(texts[test_rand(&w->seed) % 7], drop_text, NULL);
		CHECK(w, !sysctl_write("vm.min_free_kbytes", "900"));
		machine_kswapd(0);
		machine_advance(100);
		if (test_rand(&w->seed) % 4)
			continue;
		CHECK(w, kmem_trace_enable("kmem:*") > 0);
		CHECK(w, kmem_trace_disable("kmem:*") > 0);
		g = strcmp(machine_backend(), "slob") ? kmem_cgroup_create(1 << 20) : NULL;
		CHECK(w, !g || !kmem_cgroup_destroy(g));
	}
}

static void *short_life(void *arg)
{
	if (!machine_enter(arg))
		kfree(kmalloc(50, GFP_KERNEL));
	return NULL;
}

static bool one_comes_and_goes(struct machine *m)
{
	pthread_t t;
	bool ok;

	host_threads_lock();
	ok = !pthread_create(&t, NULL, short_life, m) && !pthread_join(t, NULL);
	host_threads_unlock();
	return ok;
}

static void comers_and_goers(struct worker *w)
{
	const struct scene *s = w->arg;

	while (!stopped(s))
		CHECK(w, one_comes_and_goes(s->m));
}

static void (*const roles[])(struct worker *w) = {
	objects, objects, objects, pages, areas, grace_periods, caches, caches, pool_elements, housekeeping,
	comers_and_goers,
};

#define NR_ROLES (sizeof(roles) / sizeof(roles[0]))

/* --- in the child ------------------------------------------------------------------------------ */

#define STEP(cond)                                                                       \
	do {                                                                             \
		if (!(cond)) {                                                           \
			fprintf(stderr, "in the child: %s:%d: %s\n", __FILE__, __LINE__, \
				#cond);                                                  \
			test_show_reports();                                             \
			_exit(1);                                                        \
		}                                                                        \
	} while (0)

/* Frames on the free lists, as the lists have them; and as the zones count them. */
static void count_free(unsigned long *listed, unsigned long *counted)
{
	char *text = test_proc("buddyinfo"), *line, *at, *save;

	*listed = 0;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		at = strstr(line, "zone") + 4;
		at += strspn(at, " ");
		at += strcspn(at, " ");
		for (unsigned int order = 0; order < MAX_ORDER; order++)
			*listed += strtoul(at, &at, 10) << order;
	}
	free(text);
	text = test_proc("vmstat");
	*counted = strtoul(strstr(text, "nr_free_pages ") + 14, NULL, 10);
	free(text);
}

static void check_objects(const struct scene *s)
{
	uint64_t seed = 1;

	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++) {
		struct object o[100];

		STEP(!cpu_migrate(cpu));
		for (unsigned int i = 0; i < 100; i++) {
			object_alloc(&s->load, &o[i], &seed);
			STEP(o[i].p);
		}
		for (unsigned int i = 0; i < 100; i++) {
			STEP(object_ok(&o[i]));
			object_free(&s->load, &o[i]);
		}
	}
}

static void check_pages(void)
{
	unsigned long listed, counted;

	for (unsigned int order = 0; order < MAX_ORDER; order++) {
		unsigned long p = __get_free_pages(GFP_KERNEL, order);

		STEP(p);
		free_pages(p, order);
	}
	count_free(&listed, &counted);
	STEP(listed == counted && listed);
}

static void check_rest(const struct scene *s)
{
	struct kmem_cache *c = kmem_cache_create("of-the-child", 96, 0, SLAB_TYPESAFE_BY_RCU, NULL);
	struct kmem_cgroup *g;
	void *p = vmalloc(3 * PAGE_SIZE);

	STEP(c && p);
	vfree(p);
	vm_unmap_aliases();
	p = kmem_cache_alloc(c, GFP_KERNEL);
	STEP(p);
	kmem_cache_free(c, p);
	kmem_cache_destroy(c);
	rcu_barrier();
	for (unsigned int i = 0; i < NR_LOAD_CACHES; i++) {
		long validated = kmem_cache_validate(s->load.caches[i]);

		STEP(validated >= 0 || validated == -EOPNOTSUPP);
		STEP(kmem_cache_shrink(s->load.caches[i]) >= 0);
	}
	p = mempool_alloc(s->pool, GFP_NOWAIT);
	STEP(p);
	mempool_free(p, s->pool);
	STEP(!mempool_resize(s->pool, 5));
	drop_slab();
	STEP(!sysctl_write("vm.min_free_kbytes", "1000"));
	STEP(kmem_trace_enable("kmem:*") > 0 && kmem_trace_disable("kmem:*") > 0);
	g = strcmp(machine_backend(), "slob") ? kmem_cgroup_create(1 << 20) : NULL;
	STEP(!g || !kmem_cgroup_destroy(g));
	STEP(machine_kswapd(0) >= 0);
}

/* ThreadSanitizer wants no new threads in such a child. AddressSanitizer does not see what becomes of the
 * stacks of threads that are not there. */
static void check_threads(const struct scene *s)
{
#if !defined(TEST_TSAN) && !defined(TEST_ASAN)
	pthread_t t[3];

	for (int i = 0; i < 3; i++)
		STEP(!pthread_create(&t[i], NULL, short_life, s->m));
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
#endif
}

static void check_scene(const struct scene *s)
{
	STEP(!machine_enter(s->m));
	check_objects(s);
	check_pages();
	check_rest(s);
	check_threads(s);
	STEP(!test_state.nr_reports);
}

/* What the other threads held is reported as leaks, and nothing else as anything. */
static void check_shutdown(const struct scene *s)
{
	machine_shutdown(s->m);
	for (unsigned int i = 0; i < test_state.nr_reports && i < TEST_MAX_REPORTS; i++)
		STEP(test_state.reports[i].kind == MACHINE_WARN ||
		     strstr(test_state.reports[i].text, "remaining on"));
}

static void wait_for(struct worker *w, pid_t pid)
{
	int status = 0;

	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status))
		return;
	snprintf(w->failure, sizeof(w->failure), "a child ended with status %#x%s", (unsigned int)status,
		 WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? ": it hung" : "");
}

/* It ends by itself, be it by a signal that cmocka catches. */
static void begin_child(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE};

	for (unsigned int i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_DFL);
	alarm(CHILD_SECONDS);
	test_state.nr_reports = 0;
}

static pid_t fork_now(void)
{
	pid_t pid;

	host_threads_lock();
	pid = fork();
	host_threads_unlock();
	return pid;
}

/* Children of children, too, now and then. */
static void fork_once(struct worker *w, const struct scene *s, unsigned int nr, unsigned int i)
{
	pid_t pid = fork_now();

	if (pid) {
		wait_for(w, pid);
		return;
	}
	begin_child();
	for (unsigned int j = 0; j < nr; j++)
		check_scene(&s[j]);
	if (i % 8 == 0) {
		fork_once(w, s, nr, 1);
		STEP(!w->failure[0]);
	}
	for (unsigned int j = 0; j < nr && i % 4 == 0; j++)
		check_shutdown(&s[j]);
	_exit(0);
}

/* --- scenes ------------------------------------------------------------------------------------ */

/* Whether a child failed is looked at when no machine is left: the next test would find it. */

static void scene_begin(struct scene *s, const char *text)
{
	*s = (struct scene){
		.m = test_boot(text),
		.shrinker = {.count_objects = count_some, .scan_objects = scan_some,
			     .seeks = DEFAULT_SEEKS},
	};
	machine_set_log_sink(s->m, stress_drop_log, NULL);
	machine_enter(s->m);
	load_create(&s->load);
	s->pool = mempool_create_kmalloc_pool(4, 300);
	assert_non_null(s->pool);
}

static void scene_end(struct scene *s)
{
	machine_enter(s->m);
	mempool_destroy(s->pool);
	rcu_barrier();
	load_destroy(&s->load);
	test_shutdown(s->m, 0);
}

static void start_roles(struct worker *w, struct scene *s)
{
	for (unsigned int i = 0; i < NR_ROLES; i++) {
		worker_init(&w[i], i, s->m, roles[i], s);
		worker_start(&w[i]);
	}
}

static void end_roles(struct worker *w, struct scene *s)
{
	__atomic_store_n(&s->stop, true, __ATOMIC_RELAXED);
	workers_join(w, NR_ROLES);
}

static unsigned int nr_forks(unsigned int part)
{
	return FORKS / part * (stress_long ? LONG_FORKS : 1);
}

/* Let the others get somewhere else. */
static void pause_a_little(uint64_t *seed)
{
	for (uint64_t i = test_rand(seed) % 32; i; i--)
		sched_yield();
}

static void one_machine(void **state)
{
	static struct worker w[NR_ROLES];
	struct worker forks;
	struct scene s;

	scene_begin(&s, "preset=x86_64 mem=128M cpus=4 nodes=2 backing=private");
	start_roles(w, &s);
	worker_init(&forks, 99, s.m, NULL, NULL);
	for (unsigned int i = 0; i < nr_forks(1) && !forks.failure[0]; i++) {
		fork_once(&forks, &s, 1, i);
		pause_a_little(&forks.seed);
	}
	end_roles(w, &s);
	scene_end(&s);
	assert_string_equal(forks.failure, "");
}

/* The forking thread is in none of them, and the second is found by the child as well. */
static void two_machines(void **state)
{
	static struct worker w[2][NR_ROLES];
	struct worker forks;
	struct scene s[2];

	for (int i = 0; i < 2; i++) {
		scene_begin(&s[i], "preset=x86_64 mem=64M cpus=4 backing=private");
		start_roles(w[i], &s[i]);
	}
	machine_leave();
	worker_init(&forks, 99, NULL, NULL, NULL);
	for (unsigned int i = 0; i < nr_forks(4) && !forks.failure[0]; i++) {
		fork_once(&forks, s, 2, i);
		pause_a_little(&forks.seed);
	}
	for (int i = 0; i < 2; i++)
		end_roles(w[i], &s[i]);
	for (int i = 0; i < 2; i++)
		scene_end(&s[i]);
	assert_string_equal(forks.failure, "");
}

static pthread_barrier_t all_have_forked;

static void forking(struct worker *w)
{
	const struct scene *s = w->arg;

	for (unsigned int i = 1; i <= nr_forks(8) && !w->failure[0]; i++)
		fork_once(w, s, 1, i);
	/* The end of a thread is for comers_and_goers(). */
	pthread_barrier_wait(&all_have_forked);
}

static void several_threads_fork(void **state)
{
	static struct worker w[NR_ROLES], forks[3];
	struct scene s;

	scene_begin(&s, "preset=x86_64 mem=128M cpus=4 backing=private");
	start_roles(w, &s);
	pthread_barrier_init(&all_have_forked, NULL, 3);
	host_threads_lock();
	for (unsigned int i = 0; i < 3; i++) {
		worker_init(&forks[i], 100 + i, i ? s.m : NULL, forking, &s);
		worker_start(&forks[i]);
	}
	host_threads_unlock();
	for (unsigned int i = 0; i < 3; i++)
		pthread_join(forks[i].thread, NULL);
	pthread_barrier_destroy(&all_have_forked);
	end_roles(w, &s);
	scene_end(&s);
	for (unsigned int i = 0; i < 3; i++)
		assert_string_equal(forks[i].failure, "");
}

/* --- memfd ------------------------------------------------------------------------------------- */

static bool says_lost(void)
{
	bool said = test_state.nr_reports == 1 &&
		    strstr(test_state.reports[0].title, "machine lost in fork");

	if (!said)
		test_show_reports();
	test_state.nr_reports = 0;
	return said;
}

/* The one on a memfd is lost there, which the calls say; the other goes on. */
static void check_lost(const struct scene *lost, const struct scene *s)
{
	begin_child();
	machine_leave();
	STEP(machine_enter(lost->m) == -ENODEV && says_lost());
	if (!s) {
		struct kmem_cache *c = lost->load.caches[0];
		void *p[2];

		STEP(!kmalloc(10, GFP_KERNEL) && says_lost());
		STEP(!kmem_cache_alloc(c, GFP_KERNEL) && says_lost());
		STEP(!kmem_cache_alloc_bulk(c, GFP_KERNEL, 2, p) && says_lost());
		kmem_cache_free(c, p);
		STEP(says_lost());
		kfree(lost);
		STEP(says_lost());
		kmem_cache_shrink(c);
		STEP(says_lost());
		kmem_cache_destroy(c);
		STEP(says_lost());
		STEP(!alloc_pages(GFP_KERNEL, 0) && says_lost());
		STEP(!vmalloc(10) && says_lost());
	} else {
		check_scene(s);
	}
	_exit(0);
}

static void memfd_machines(void **state)
{
	static struct worker w[2][NR_ROLES];
	struct worker forks;
	struct scene s[2];

	test_catch_all();
	worker_init(&forks, 99, NULL, NULL, NULL);
	scene_begin(&s[0], "preset=x86_64 mem=64M cpus=4");
	start_roles(w[0], &s[0]);
	for (unsigned int i = 0; i < nr_forks(4) && !forks.failure[0]; i++) {
		pid_t pid = fork_now();

		if (!pid)
			check_lost(&s[0], NULL);
		wait_for(&forks, pid);
	}
	scene_begin(&s[1], "preset=x86_64 mem=64M cpus=4 backing=private");
	start_roles(w[1], &s[1]);
	for (unsigned int i = 0; i < nr_forks(4) && !forks.failure[0]; i++) {
		pid_t pid = fork_now();

		if (!pid)
			check_lost(&s[0], &s[1]);
		wait_for(&forks, pid);
	}
	for (int i = 0; i < 2; i++)
		end_roles(w[i], &s[i]);
	for (int i = 0; i < 2; i++)
		scene_end(&s[i]);
	assert_string_equal(forks.failure, "");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(one_machine),
	cmocka_unit_test(two_machines),
	cmocka_unit_test(several_threads_fork),
	cmocka_unit_test(memfd_machines),
};

STRESS_GROUP(fork, tests);
