/* SPDX-License-Identifier: MIT */
/* Workers, machines and objects for the stress tests; and their main program. */
#include "stress.h"

#include <time.h>
#include <unistd.h>

uint64_t stress_seed = 1;
bool stress_long;

/* --- workers --------------------------------------------------------------------------------- */

void worker_fail(struct worker *w, const char *what, const char *file, int line)
{
	if (!w->failure[0])
		snprintf(w->failure, sizeof(w->failure), "thread %u: %s:%d: %s", w->id, file, line,
			 what);
}

/* A thread that never gets to its work is waited for by the others: there is no test to go on with. */
static _Noreturn void give_up(const struct worker *w, const char *what, int err)
{
	fflush(stdout);
	fprintf(stderr, "stress: thread %u: %s: %s\n", w->id, what, strerror(err));
	_exit(1);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	int err;

	if (w->start)
		pthread_barrier_wait(w->start);
	err = w->m ? machine_enter(w->m) : 0;
	if (err)
		give_up(w, "machine_enter", -err);
	w->fn(w);
	return NULL;
}

void worker_init(struct worker *w, unsigned int id, struct machine *m, void (*fn)(struct worker *),
		 void *arg)
{
	memset(w, 0, sizeof(*w));
	w->id = id;
	w->seed = 1000003 * (uint64_t)(id + 1) + 0x9e3779b97f4a7c15u * (stress_seed - 1);
	w->m = m;
	w->fn = fn;
	w->arg = arg;
}

void worker_start(struct worker *w)
{
	int err = pthread_create(&w->thread, NULL, worker_main, w);

	if (err)
		give_up(w, "pthread_create", err);
}

void workers_join(struct worker *w, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		assert_int_equal(pthread_join(w[i].thread, NULL), 0);
	for (i = 0; i < n; i++) {
		if (w[i].failure[0])
			fail_msg("%s", w[i].failure);
	}
}

void run_workers(unsigned int n, struct machine *m, void (*fn)(struct worker *), void *arg)
{
	static struct worker workers[MAX_WORKERS];
	pthread_barrier_t start;
	unsigned int i;

	assert_true(n <= MAX_WORKERS);
	assert_int_equal(pthread_barrier_init(&start, NULL, n), 0);
	for (i = 0; i < n; i++) {
		worker_init(&workers[i], i, m, fn, arg);
		workers[i].start = &start;
	}
	for (i = 0; i < n; i++)
		worker_start(&workers[i]);
	workers_join(workers, n);
	pthread_barrier_destroy(&start);
}

/* --- machines -------------------------------------------------------------------------------- */

void stress_drop_log(struct machine *m, int level, const char *line, void *arg)
{
	(void)m;
	(void)level;
	(void)line;
	(void)arg;
}

/* What a machine holds when nothing is merely kept: the same before and after, whatever was between. */
struct ledger {
	struct machine *m;	/* NULL: not in use */
	struct kmem_stats stats;
	char *buddyinfo, *slabinfo, *vmallocinfo;
};

static struct ledger ledgers[4];

static struct ledger *ledger_of(const struct machine *m)
{
	size_t i;

	for (i = 0; i < sizeof(ledgers) / sizeof(ledgers[0]); i++) {
		if (ledgers[i].m == m)
			return &ledgers[i];
	}
	fail_msg("%s", m ? "a machine that stress_boot() did not make" : "too many machines");
	return NULL;
}

static void settle(void)
{
	rcu_barrier();
	vm_unmap_aliases();
	test_settle();
}

void ledger_open(struct machine *m)
{
	struct ledger *l = ledger_of(NULL);

	settle();
	l->m = m;
	l->stats = test_stats();
	l->buddyinfo = test_proc("buddyinfo");
	l->slabinfo = test_proc("slabinfo");
	l->vmallocinfo = test_proc("vmallocinfo");
}

static void validate_all(void)
{
	char *text = test_proc("slabinfo"), name[64];
	const char *pos;

	for (pos = text; test_slabinfo_next(&pos, name, sizeof(name));)
		assert_true(kmem_cache_validate(kmem_find_cache(name)) >= 0);
	free(text);
}

static void same_text(const char *name, char *before)
{
	char *now = test_proc(name);

	assert_string_equal(before, now);
	free(before);
	free(now);
}

/* What was allocated in between was freed; order by order, unless blocks were split on the way. */
static void same_pages(const struct kmem_stats *then, const struct kmem_stats *now, bool split)
{
	uint64_t allocs, frees, balance = 0;
	unsigned int order;

	for (order = 0; order < MAX_ORDER; order++) {
		allocs = now->page_allocs[order] - then->page_allocs[order];
		frees = now->page_frees[order] - then->page_frees[order];
		if (!split)
			assert_int_equal(allocs, frees);
		balance += (allocs - frees) << order;
	}
	assert_int_equal(balance, 0);
}

void ledger_close(struct machine *m, bool split)
{
	struct ledger *l = ledger_of(m);
	struct kmem_stats now;

	validate_all();
	settle();
	now = test_stats();
	assert_int_equal(now.slab_pages, l->stats.slab_pages);
	assert_int_equal(now.slabs, l->stats.slabs);
	assert_int_equal(now.large_pages, l->stats.large_pages);
	assert_int_equal(now.management_bytes, l->stats.management_bytes);
	same_pages(&l->stats, &now, split);
	assert_int_equal(vmalloc_nr_pages(), 0);
	same_text("buddyinfo", l->buddyinfo);
	same_text("slabinfo", l->slabinfo);
	same_text("vmallocinfo", l->vmallocinfo);
	l->m = NULL;
}

/* --- objects --------------------------------------------------------------------------------- */

static const unsigned int load_sizes[NR_LOAD_CACHES] = { 24, 64, 200, 1000, 3000 };

void load_create(struct load *l)
{
	char name[16];
	unsigned int i;

	for (i = 0; i < NR_LOAD_CACHES; i++) {
		snprintf(name, sizeof(name), "load-%u", load_sizes[i]);
		l->caches[i] = kmem_cache_create(name, load_sizes[i], 0,
						 i == 1 ? SLAB_HWCACHE_ALIGN : 0, NULL);
		assert_non_null(l->caches[i]);
	}
}

void load_destroy(struct load *l)
{
	unsigned int i;

	for (i = 0; i < NR_LOAD_CACHES; i++)
		kmem_cache_destroy(l->caches[i]);
}

static void alloc_cache_object(const struct load *l, struct object *o, uint64_t *seed)
{
	o->kind = (int)(test_rand(seed) % NR_LOAD_CACHES);
	o->size = load_sizes[o->kind];
	o->p = kmem_cache_alloc(l->caches[o->kind], GFP_KERNEL | __GFP_NOWARN);
}

static void alloc_kmalloc_object(struct object *o, uint64_t *seed)
{
	uint64_t r = test_rand(seed);

	o->kind = OBJECT_KMALLOC;
	o->size = 1 + test_rand(seed) % (r % 32 ? 700 : 20000);
	o->p = kmalloc(o->size, GFP_KERNEL | __GFP_NOWARN);
}

static void alloc_pages_object(struct object *o, uint64_t *seed)
{
	unsigned int order = (unsigned int)(test_rand(seed) % 4);

	o->kind = OBJECT_PAGES + (int)order;
	o->size = 64; /* of a block, the first bytes are enough */
	o->p = (unsigned char *)__get_free_pages(GFP_KERNEL | __GFP_NOWARN, order);
}

void object_alloc(const struct load *l, struct object *o, uint64_t *seed)
{
	uint64_t r = test_rand(seed);

	if (r % 16 == 0)
		alloc_pages_object(o, seed);
	else if (r % 2)
		alloc_cache_object(l, o, seed);
	else
		alloc_kmalloc_object(o, seed);
	if (!o->p)
		return;
	o->fill = test_rand(seed);
	test_fill(o->p, o->size, o->fill);
}

bool object_ok(const struct object *o)
{
	return test_filled(o->p, o->size, o->fill);
}

void object_free(const struct load *l, struct object *o)
{
	if (o->kind >= OBJECT_PAGES)
		free_pages((unsigned long)o->p, (unsigned int)o->kind - OBJECT_PAGES);
	else if (o->kind == OBJECT_KMALLOC)
		kfree(o->p);
	else
		kmem_cache_free(l->caches[o->kind], o->p);
	o->p = NULL;
}

#define NR_SLOTS 150

static bool mix_step(const struct load *l, struct object *o, uint64_t *seed)
{
	if (!o->p) {
		object_alloc(l, o, seed);
		return o->p || l->scarce;
	}
	if (!object_ok(o))
		return false;
	object_free(l, o);
	return true;
}

void mix(struct worker *w, const struct load *l, unsigned int steps, unsigned int migrate_cpus)
{
	struct object slots[NR_SLOTS] = { 0 };
	unsigned int i;

	for (i = 0; i < steps; i++) {
		if (migrate_cpus && i % 64 == 0)
			CHECK(w, !cpu_migrate((unsigned int)(test_rand(&w->seed) % migrate_cpus)));
		CHECK(w, mix_step(l, &slots[test_rand(&w->seed) % NR_SLOTS], &w->seed));
	}
	for (i = 0; i < NR_SLOTS; i++) {
		if (slots[i].p)
			CHECK(w, mix_step(l, &slots[i], &w->seed));
	}
}

/* --- main ------------------------------------------------------------------------------------ */

static const struct stress_test_group *const groups[] = {
	&threads_group, &crowd_group,	 &frees_group, &caches_group, &pages_group,
	&life_group,	&machines_group, &rcu_group,   &repeat_group, &fork_group,
};
#define NR_GROUPS (sizeof(groups) / sizeof(groups[0]))

static const char usage[] =
	"usage: stress-BACKEND [--seed N] [--seconds N] [GROUP...]\n"
	"  --seed     of the random choices; 1 unless given\n"
	"  --seconds  again and again with the next seed, until so many are over\n";

static _Noreturn void refuse(const char *word)
{
	fprintf(stderr, "stress: bad argument '%s'\n%s", word, usage);
	exit(2);
}

static unsigned long parse_number(const char *option, const char *text)
{
	unsigned long value;
	char *end;

	if (!text)
		refuse(option);
	value = strtoul(text, &end, 10);
	if (*end || end == text || *text == '-')
		refuse(text);
	return value;
}

struct options {
	unsigned long seconds;
	bool wanted[NR_GROUPS], all;
};

static void want_group(struct options *o, const char *name)
{
	size_t g;

	for (g = 0; g < NR_GROUPS && strcmp(name, groups[g]->name); g++)
		;
	if (g == NR_GROUPS)
		refuse(name);
	o->wanted[g] = true;
	o->all = false;
}

static void parse(struct options *o, char **words)
{
	for (; *words; words++) {
		if (!strcmp(*words, "--seed")) {
			stress_seed = parse_number(words[0], words[1]);
			words++;
		} else if (!strcmp(*words, "--seconds")) {
			o->seconds = parse_number(words[0], words[1]);
			stress_long = true;
			words++;
		} else {
			want_group(o, *words);
		}
	}
}

static int run_groups(const struct options *o)
{
	int failed = 0;
	size_t g;

	for (g = 0; g < NR_GROUPS; g++) {
		if (o->all || o->wanted[g])
			failed += _cmocka_run_group_tests(groups[g]->name, groups[g]->tests,
							  groups[g]->nr, NULL, NULL) != 0;
	}
	return failed;
}

int main(int argc, char **argv)
{
	struct options o = { .all = true };
	time_t start = time(NULL);
	int failed;

	(void)argc;
	host_heap_init();
	parse(&o, argv + 1);
	do {
		print_message("seed %llu\n", (unsigned long long)stress_seed);
		failed = run_groups(&o);
		stress_seed++;
		stress_long = false;
	} while (!failed && time(NULL) - start < (time_t)o.seconds);
	return failed != 0;
}
