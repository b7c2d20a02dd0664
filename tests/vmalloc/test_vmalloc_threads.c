/* SPDX-License-Identifier: MIT */
/* vmalloc from several threads, more than there are CPUs: no overlap, nothing lost, every pointer
 * its owner's alone; while another thread purges, walks and reads vmallocinfo. */
#include "vmalloc_test.h"

#include <pthread.h>

#define THREADS 4
#define STEPS 1500
#define SLOTS 12

static struct machine *m;
static bool stop;

struct area {
	unsigned long *p;
	unsigned long nr;	/* pages */
};

/* assert_…() is cmocka's and not for other threads. */
#define CHECK(condition)                                                                   \
	do {                                                                               \
		if (!(condition)) {                                                        \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);     \
			abort();                                                           \
		}                                                                          \
	} while (0)

static void fill(const struct area *a, unsigned long mark)
{
	for (unsigned long i = 0; i < a->nr; i++) {
		a->p[i * P / sizeof(long)] = mark + i;
		a->p[i * P / sizeof(long) + 100] = mark;
	}
}

static void check(const struct area *a, unsigned long mark)
{
	for (unsigned long i = 0; i < a->nr; i++) {
		struct mmu_walk_result res;

		CHECK(a->p[i * P / sizeof(long)] == mark + i);
		CHECK(a->p[i * P / sizeof(long) + 100] == mark);
		CHECK(!mmu_walk(ptr_to_kva(a->p) + i * P, MMU_READ, &res));
		CHECK(res.phys == (phys_addr_t)vmalloc_to_pfn((char *)a->p + i * P) * P);
	}
}

static void *worker(void *arg)
{
	unsigned long id = (unsigned long)(uintptr_t)arg;
	struct area areas[SLOTS] = {{0}};
	uint64_t seed = id;

	machine_enter(m);
	for (unsigned int step = 0; step < STEPS; step++) {
		unsigned int i = (unsigned int)(test_rand(&seed) % SLOTS);
		struct area *a = &areas[i];

		if (a->p) {
			check(a, id << 28 | i << 16);
			vfree(a->p);
			a->p = NULL;
			continue;
		}
		a->nr = 1 + test_rand(&seed) % 20;
		a->p = vmalloc(a->nr * P);
		CHECK(a->p);
		fill(a, id << 28 | i << 16);
	}
	for (unsigned int i = 0; i < SLOTS; i++)
		vfree(areas[i].p);
	return NULL;
}

static void *watcher(void *arg)
{
	char text[4096];
	uint64_t seed = 5;

	machine_enter(m);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		struct mmu_walk_result res;
		kva_t kva = VMALLOC_KVA + test_rand(&seed) % (4000 * P);

		vm_unmap_aliases();
		CHECK(proc_read("vmallocinfo", text, sizeof(text)) >= 0);
		if (mmu_walk(kva, MMU_READ, &res))
			CHECK(res.trap == X86_TRAP_PF && res.error_code == 0);
	}
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t threads[THREADS], watch;
	unsigned long before;

	m = test_boot("mem=128M cpus=2 isolate_metadata=1");
	before = test_free_pages();
	assert_int_equal(pthread_create(&watch, NULL, watcher, NULL), 0);
	for (unsigned int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, worker,
						(void *)(uintptr_t)(i + 1)), 0);
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(watch, NULL);
	vm_unmap_aliases();
	assert_int_equal(test_free_pages(), before);
	test_shutdown(m, 0);
}

/* Threads that free the same pointer: one of them does, the others are told that there is
 * nothing. */
#define RACERS 4
#define RACES 300

static void *shared;
static pthread_barrier_t barrier;

static void *racer(void *arg)
{
	machine_enter(m);
	for (unsigned int i = 0; i < RACES; i++) {
		pthread_barrier_wait(&barrier);
		vfree(shared);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static void test_free_race(void **state)
{
	pthread_t threads[RACERS];

	m = test_boot("mem=64M cpus=2 isolate_metadata=1");
	pthread_barrier_init(&barrier, NULL, RACERS + 1);
	for (unsigned int i = 0; i < RACERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, racer, NULL), 0);
	for (unsigned int i = 0; i < RACES; i++) {
		shared = vmalloc(2 * P);
		assert_non_null(shared);
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		assert_int_equal(test_state.nr_reports, RACERS - 1);
		test_state.nr_reports = 0;
	}
	for (unsigned int i = 0; i < RACERS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_free_race),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
