/* SPDX-License-Identifier: MIT */
/* Accounting groups under threads, in atomic contexts, and on machines that keep no accounts. */
#include "conformance.h"

#include <errno.h>
#include <pthread.h>

#define NR(array) (sizeof(array) / sizeof((array)[0]))

#define GROUPS 3u
#define THREADS 4u
#define ROUNDS 20000u
#define BULK 8u
#define LIMIT 40000u

/* Group @i may have @i + 1 times LIMIT. */
static struct crowd {
	struct kmem_cache *cache;
	struct kmem_cgroup *groups[GROUPS];
	void *slots[256];		/* atomics: objects that any thread may take and free */
	pthread_barrier_t start;
	uint64_t refused[GROUPS];	/* atomics: calls that returned nothing */
} crowd;

static uint64_t charged(struct kmem_cgroup *g)
{
	struct kmem_cgroup_stats st;

	assert_int_equal(kmem_cgroup_get_stats(g, &st), 0);
	return st.charged;
}

static void free_either(void *object)
{
	if (object && kmem_cache_of(object) == crowd.cache)
		kmem_cache_free(crowd.cache, object);
	else
		kfree(object);
}

/* One object of the group, or a batch of which one is kept. */
static void *take(uint64_t r)
{
	void *bulk[BULK];

	switch (r >> 60 & 3) {
	case 0:
		return kmem_cache_alloc(crowd.cache, GFP_KERNEL);
	case 1:
		return kmalloc(r >> 48 & 0x3ff, GFP_KERNEL_ACCOUNT);
	case 2:
		return kmalloc(10000 + (r >> 48 & 0xfff), GFP_KERNEL_ACCOUNT);
	default:
		if (!kmem_cache_alloc_bulk(crowd.cache, GFP_KERNEL, BULK, bulk))
			return NULL;
		kmem_cache_free_bulk(crowd.cache, BULK - 1, bulk + 1);
		return bulk[0];
	}
}

/* Objects go from group to group and from thread to thread; each is freed by who finds it. */
static void *charge_and_uncharge(void *arg)
{
	uint64_t seed = (uint64_t)(uintptr_t)arg + 1;
	struct crowd *c = &crowd;
	unsigned int i;

	cpu_migrate((unsigned int)(uintptr_t)arg);
	pthread_barrier_wait(&c->start);
	for (i = 0; i < ROUNDS; i++) {
		uint64_t r = test_rand(&seed);
		unsigned int group = (unsigned int)(r >> 8) % GROUPS;
		void *object;

		kmem_cgroup_enter(c->groups[group]);
		object = take(r);
		if (!object)
			__atomic_add_fetch(&c->refused[group], 1, __ATOMIC_RELAXED);
		free_either(__atomic_exchange_n(&c->slots[r % NR(c->slots)], object,
						__ATOMIC_ACQ_REL));
	}
	kmem_cgroup_enter(NULL);
	return NULL;
}

static void run_crowd(void)
{
	pthread_t threads[THREADS];
	uintptr_t i;

	pthread_barrier_init(&crowd.start, NULL, THREADS);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, charge_and_uncharge, (void *)i), 0);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&crowd.start);
}

/* What is left counts object by object, and nothing when all are gone. */
static void expect_exact_figures(void)
{
	uint64_t objects[GROUPS] = { 0 }, left = 0, all = 0;
	struct kmem_cgroup_stats st;
	unsigned int i, j;

	for (i = 0; i < GROUPS; i++) {
		assert_int_equal(kmem_cgroup_get_stats(crowd.groups[i], &st), 0);
		assert_int_equal(st.failures, crowd.refused[i]);
		assert_true(st.failures > 0);
		assert_true(st.peak <= st.limit);
		objects[i] = st.objects;
		all += st.objects;
	}
	for (j = 0; j < NR(crowd.slots); j++)
		left += !ZERO_OR_NULL_PTR(crowd.slots[j]);
	assert_int_equal(all, left);
	for (j = 0; j < NR(crowd.slots); j++) {
		unsigned int down = 0;

		free_either(crowd.slots[j]);
		for (i = 0; i < GROUPS; i++) {
			assert_int_equal(kmem_cgroup_get_stats(crowd.groups[i], &st), 0);
			down += (unsigned int)(objects[i] - st.objects);
			objects[i] = st.objects;
		}
		assert_int_equal(down, !ZERO_OR_NULL_PTR(crowd.slots[j]));
	}
}

static void threads_are_charged_exactly(void **state)
{
	struct machine *m = test_boot("x86_64 mem=64M cpus=4 cmdline=slab_nomerge");
	unsigned int i;

	if (backend_is("slob")) {
		assert_null(kmem_cgroup_create(LIMIT));
		expect_report(MACHINE_WARN, "SLOB accounts nothing");
		test_shutdown(m, 0);
		return;
	}
	memset(&crowd, 0, sizeof(crowd));
	crowd.cache = kmem_cache_create("accounted", 200, 0, SLAB_ACCOUNT, NULL);
	for (i = 0; i < GROUPS; i++)
		assert_non_null(crowd.groups[i] = kmem_cgroup_create((i + 1) * LIMIT));
	run_crowd();
	expect_no_reports();
	expect_exact_figures();
	for (i = 0; i < GROUPS; i++) {
		assert_int_equal(charged(crowd.groups[i]), 0);
		assert_int_equal(kmem_cgroup_destroy(crowd.groups[i]), 0);
	}
	kmem_cache_destroy(crowd.cache);
	test_shutdown(m, 0);
}

/* cgroup.memory=nokmem: groups are there, and stay empty. */
static void no_accounts_are_kept(void **state)
{
	struct machine *m = test_boot("x86_64 mem=64M cpus=2 cmdline=cgroup.memory=nokmem");
	struct kmem_cgroup_stats st;
	struct kmem_cgroup *g;
	struct kmem_cache *s;
	void *p, *q, *r;

	assert_null(kmem_find_cache("kmalloc-cg-128"));
	p = kmalloc(128, GFP_KERNEL_ACCOUNT);
	assert_non_null(p);
	if (backend_is("slob")) {
		kfree(p);
		test_shutdown(m, 0);
		return;
	}
	assert_string_equal(kmem_cache_name(kmem_cache_of(p)), "kmalloc-128");
	g = kmem_cgroup_create(1000);
	assert_null(kmem_cgroup_enter(g));
	s = kmem_cache_create("accounted", 2000, 0, SLAB_ACCOUNT, NULL);
	q = kmem_cache_alloc(s, GFP_KERNEL);
	assert_non_null(q);
	r = kmalloc(20000, GFP_KERNEL_ACCOUNT);
	assert_non_null(r);
	assert_int_equal(kmem_cgroup_get_stats(g, &st), 0);
	assert_int_equal(st.limit, 1000);
	assert_int_equal(st.charged + st.peak + st.objects + st.failures, 0);
	kfree(r);
	kmem_cache_free(s, q);
	kfree(p);
	assert_int_equal(kmem_cgroup_destroy(g), -EBUSY);
	assert_ptr_equal(kmem_cgroup_enter(NULL), g);
	assert_int_equal(kmem_cgroup_destroy(g), 0);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void groups_in_atomic_contexts(void **state)
{
	struct machine *m = test_boot(TWO_CPUS);
	struct kmem_cgroup *g;

	if (backend_is("slob")) {
		test_shutdown(m, 0);
		return;
	}
	preempt_disable();
	g = kmem_cgroup_create(1000);
	expect_report(MACHINE_WARN, "sleeping function called from invalid context at kmem_cgroup_create");
	assert_null(kmem_cgroup_enter(g));
	assert_int_equal(kmem_cgroup_set_limit(g, 2000), 0);
	assert_int_equal(charged(g), 0);
	assert_ptr_equal(kmem_cgroup_enter(NULL), g);
	expect_no_reports();
	assert_int_equal(kmem_cgroup_destroy(g), 0);
	expect_report(MACHINE_WARN, "sleeping function called from invalid context at kmem_cgroup_destroy");
	preempt_enable();
	test_shutdown(m, 0);
}

/* Words of other backends are refused with the reason. */
static void words_of_other_backends(void **state)
{
	static const struct {
		const char *word, *who;
		bool slab_too;
	} rows[] = {
		{"slab_freelist_random", "SLUB alone has", false},
		{"slab_freelist_hardened", "SLUB alone has", false},
		{"slub_sheaves=always", "SLUB alone has", false},
		{"failslab=1,100,0,1", "SLAB and SLUB have", true},
	};
	char text[128], words[128];

	for (size_t i = 0; i < NR(rows); i++) {
		if (backend_is("slub") || (backend_is("slab") && rows[i].slab_too))
			continue;
		snprintf(text, sizeof(text), "preset=x86_64 cmdline=%s", rows[i].word);
		snprintf(words, sizeof(words), "%s does not know '%s', which %s",
			 backend_is("slab") ? "SLAB" : "SLOB", rows[i].word, rows[i].who);
		expect_no_boot(text, -EOPNOTSUPP, words);
	}
	expect_bad_cmdline("cgroup.memory=nosocket", -EINVAL);
	expect_bad_cmdline("cgroup.memory", -EINVAL);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(threads_are_charged_exactly),
	cmocka_unit_test(no_accounts_are_kept),
	cmocka_unit_test(groups_in_atomic_contexts),
	cmocka_unit_test(words_of_other_backends),
};
TEST_GROUP(accounting, tests);
