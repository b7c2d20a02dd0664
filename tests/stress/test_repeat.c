/* SPDX-License-Identifier: MIT */
/* The same calls on the same description give the same bytes: addresses, counters and texts. */
#include "stress.h"

#define NR_SLOTS 300

struct recording {
	char *text;
	size_t len, size;
};

static void record(struct recording *r, const char *text, size_t len)
{
	if (r->len + len > r->size) {
		r->size = 2 * (r->len + len);
		r->text = realloc(r->text, r->size);
		assert_non_null(r->text);
	}
	memcpy(r->text + r->len, text, len);
	r->len += len;
}

static void record_proc(struct recording *r, const char *name)
{
	char *text = test_proc(name);

	record(r, text, strlen(text));
	free(text);
}

/* Where an object lies, as the machine sees it: host addresses differ from run to run. */
static void record_object(struct recording *r, const struct object *o)
{
	char line[80];
	int len = snprintf(line, sizeof(line), "%d %zu %llx\n", o->kind, o->size,
			   (unsigned long long)__pa((unsigned long)o->p));

	record(r, line, (size_t)len);
}

static void record_stats(struct recording *r)
{
	struct kmem_stats st = test_stats();

	record(r, (const char *)&st, sizeof(st));
}

/* Lists of slabs and free objects, slabs by their frame numbers. */
static void record_states(struct recording *r, const struct load *l)
{
	unsigned int i;
	char *text;
	long len;

	for (i = 0; i < NR_LOAD_CACHES; i++) {
		len = kmem_cache_print_state(l->caches[i], NULL, NULL, NULL, 0);
		assert_true(len > 0);
		text = malloc((size_t)len + 1);
		assert_non_null(text);
		kmem_cache_print_state(l->caches[i], NULL, NULL, text, (size_t)len + 1);
		record(r, text, (size_t)len);
		free(text);
	}
}

/* One thread that wanders over all CPUs and frees on one what it allocated on another. */
static void play(const char *text, uint64_t seed, struct recording *r)
{
	static struct object slots[NR_SLOTS];
	struct machine *m = stress_boot(text);
	unsigned int cpus = machine_description(m)->cpus, i;
	struct load l;

	load_create(&l);
	for (i = 0; i < 20000; i++) {
		struct object *o = &slots[test_rand(&seed) % NR_SLOTS];

		if (i % 100 == 0)
			assert_int_equal(cpu_migrate((unsigned int)(test_rand(&seed) % cpus)), 0);
		if (i % 5000 == 4999)
			drain_all_pages();
		if (i % 3000 == 2999)
			kmem_cache_shrink(l.caches[i % NR_LOAD_CACHES]);
		if (o->p) {
			assert_true(object_ok(o));
			object_free(&l, o);
			continue;
		}
		object_alloc(&l, o, &seed);
		assert_non_null(o->p);
		record_object(r, o);
	}
	record_proc(r, "slabinfo");
	record_proc(r, "buddyinfo");
	record_proc(r, "zoneinfo");
	record_states(r, &l);
	record_stats(r);
	for (i = 0; i < NR_SLOTS; i++) {
		if (slots[i].p)
			object_free(&l, &slots[i]);
	}
	load_destroy(&l);
	record_proc(r, "slabinfo");
	record_proc(r, "buddyinfo");
	record_stats(r);
	stress_shutdown(m);
}

static const char *const scripts[] = {
	"preset=x86_64 mem=64M",
	"preset=x86_64 mem=64M cpus=3 isolate_metadata=1 seed=7",
	"preset=numa-2 mem=256M cpus=4",
	"preset=x86_32 mem=128M cpus=2",
};

static void the_same_script_twice_gives_the_same_bytes(void **state)
{
	struct recording a, b;
	size_t i;

	for (i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		memset(&a, 0, sizeof(a));
		memset(&b, 0, sizeof(b));
		play(scripts[i], i + 1, &a);
		play(scripts[i], i + 1, &b);
		assert_int_equal(a.len, b.len);
		assert_memory_equal(a.text, b.text, a.len);
		free(a.text);
		free(b.text);
	}
}

/* --- not disturbed by others ----------------------------------------------------------------- */

struct noise {
	struct load load;
	bool done;
};

static void noisy_worker(struct worker *w)
{
	struct noise *n = w->arg;
	struct object held[32] = { 0 };
	unsigned int i;

	while (!__atomic_load_n(&n->done, __ATOMIC_ACQUIRE)) {
		struct object *o = &held[test_rand(&w->seed) % 32];

		if (o->p)
			object_free(&n->load, o);
		else
			object_alloc(&n->load, o, &w->seed);
	}
	for (i = 0; i < 32; i++) {
		if (held[i].p)
			object_free(&n->load, &held[i]);
	}
}

static void another_machine_does_not_disturb(void **state)
{
	struct recording a = { 0 }, b = { 0 };
	struct noise noise = { .done = false };
	struct worker w[2];
	struct machine *m;
	unsigned int i;

	play(scripts[2], 5, &a);
	m = stress_boot("preset=x86_64 mem=64M cpus=2");
	load_create(&noise.load);
	for (i = 0; i < 2; i++) {
		worker_init(&w[i], i, m, noisy_worker, &noise);
		worker_start(&w[i]);
	}
	play(scripts[2], 5, &b);
	__atomic_store_n(&noise.done, true, __ATOMIC_RELEASE);
	workers_join(w, 2);
	assert_int_equal(machine_enter(m), 0);
	load_destroy(&noise.load);
	stress_shutdown(m);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.text, b.text, a.len);
	free(a.text);
	free(b.text);
}

static const struct CMUnitTest repeat_tests[] = {
	cmocka_unit_test(the_same_script_twice_gives_the_same_bytes),
	cmocka_unit_test(another_machine_does_not_disturb),
};
STRESS_GROUP(repeat, repeat_tests);
