/* SPDX-License-Identifier: MIT */
/*
 * Debug caches: what a mistake in each place of an object or slab is called, where it is found, what
 * is repaired, and that the cache goes on. The texts as a whole: tests/golden/reports.
 */
#include "slub_test.h"

#include "slub/slub_debug.h"

#define FULL (SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER)
#define F SLAB_CONSISTENCY_CHECKS

static char log_text[65536];

static void catch_log(struct machine *m, int level, const char *line, void *arg)
{
	size_t len = strlen(log_text);

	snprintf(log_text + len, sizeof(log_text) - len, "%d %s\n", level, line);
}

struct fixture {
	struct machine *m;
	struct kmem_cache *cache;
	struct slub_cache *s;
	char *p[8];	/* live, one behind the other in one slab */
};

static noinline void begin_sized(struct fixture *f, slab_flags_t flags, unsigned int size)
{
	f->m = test_boot(ONE_CPU);
	machine_set_log_sink(f->m, catch_log, NULL);
	f->cache = kmem_cache_create("checked", size, 0, flags, NULL);
	assert_non_null(f->cache);
	f->s = slub_of(f->cache);
	for (unsigned int i = 0; i < 8; i++)
		assert_non_null(f->p[i] = kmem_cache_alloc(f->cache, GFP_KERNEL));
	assert_ptr_equal(f->p[7], f->p[0] + 7 * f->cache->size);
	log_text[0] = '\0';
}

static void begin(struct fixture *f, slab_flags_t flags)
{
	begin_sized(f, flags, 100);
}

/* Free objects with live ones between them, then all; the cache does what caches do. */
static void use(struct fixture *f)
{
	void *p[100];

	for (unsigned int i = 0; i < 100; i++) {
		assert_non_null(p[i] = kmem_cache_alloc(f->cache, GFP_KERNEL));
		memset(p[i], (int)i, f->cache->object_size);
	}
	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(*(unsigned char *)p[i], i);
		kmem_cache_free(f->cache, p[i]);
	}
	expect_no_reports();
}

/* @lost objects can never be freed any more. */
static void end(struct fixture *f, unsigned int lost)
{
	use(f);
	for (unsigned int i = 0; i < 8; i++)
		kmem_cache_free(f->cache, f->p[i]);
	expect_no_reports();
	assert_int_equal(check_cache(f->cache), lost);
	if (!lost) {
		assert_true(kmem_cache_validate(f->cache) > 0);
		kmem_cache_destroy(f->cache);
	}
	test_shutdown(f->m, lost);
}

static void poke(char *at, int byte)
{
	test_scribble_free(at, byte, 1);
}

/* The one report since, and the log line about its repair. */
static void expect_fix(const char *title, const char *fix)
{
	expect_report(MACHINE_BUG, title);
	assert_non_null(strstr(log_text, fix));
	log_text[0] = '\0';
}

/* --- overruns ---------------------------------------------------------------------------------- */

static void beside_a_live_object(void **state)
{
	static const struct {
		long offset;
		const char *name;
	} rows[] = {
		{-1, "Left Redzone"}, {-8, "Left Redzone"}, {100, "Right Redzone"},
		{103, "Right Redzone"},
	};
	struct fixture f;
	char title[64], fix[64];

	begin(&f, FULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(title, sizeof(title), "BUG checked (%s): %s overwritten\n",
			 i ? "Tainted: G    B             " : "Not tainted", rows[i].name);
		snprintf(fix, sizeof(fix), "3 FIX checked: Restoring %s 0x", rows[i].name);
		poke(f.p[2] + rows[i].offset, 0x41);
		kmem_cache_free(f.cache, f.p[2]);
		assert_non_null(strstr(log_text, "3 FIX checked: Object at 0x"));
		assert_non_null(strstr(test_state.reports[0].text, "First byte 0x41 instead of 0xcc"));
		expect_fix(title, fix);
	}
	/* It was repaired, and is still in use. */
	assert_int_equal(kmem_cache_validate(f.cache), 1);
	end(&f, 0);
}

/* Padding cleans up after itself: the free goes on. */
static void behind_the_tracks(void **state)
{
	struct fixture f;

	begin(&f, FULL);
	poke(f.p[2] + slub_meta_end(f.s) + 1, 0x41);
	kmem_cache_free(f.cache, f.p[2]);
	expect_fix("Object padding overwritten", "FIX checked: Restoring Object padding 0x");
	assert_ptr_equal(kmem_cache_alloc(f.cache, GFP_KERNEL), f.p[2]);
	end(&f, 0);
}

static void between_object_and_word(void **state)
{
	struct fixture f;

	begin_sized(&f, F | SLAB_POISON, 98);
	poke(f.p[2] + 99, 0x41);
	kmem_cache_free(f.cache, f.p[2]);
	expect_fix("Alignment padding overwritten", "FIX checked: Restoring Alignment padding 0x");
	assert_non_null(f.p[2] = kmem_cache_alloc(f.cache, GFP_KERNEL));
	end(&f, 0);
}

static void behind_the_last_object(void **state)
{
	struct fixture f;
	char *rest;

	begin(&f, FULL);
	rest = slub_address(f.s, slab_of(f.p[0])) + PAGE_SIZE -
	       PAGE_SIZE % f.cache->size;
	assert_int_not_equal(PAGE_SIZE % f.cache->size, 0);
	assert_int_equal(slub_page(slab_of(f.p[0]))->order, 0);
	poke(rest, 0x41);
	assert_non_null(kmem_cache_alloc(f.cache, GFP_KERNEL));
	expect_fix("Padding overwritten. 0x", "FIX checked: Restoring slab padding 0x");
	kmem_cache_free(f.cache, f.p[7] + f.cache->size);
	end(&f, 0);
}

/* --- uses after free --------------------------------------------------------------------------- */

/* Found when it would be handed out; the slab's free objects are given up. */
static void into_a_free_object(void **state)
{
	static const struct {
		long offset;
		const char *name;
	} rows[] = {{0, "Poison"}, {98, "Poison"}, {99, "End Poison"}, {-1, "Left Redzone"},
		    {100, "Right Redzone"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned int lost;
		struct fixture f;
		char title[64];
		char *old;

		begin(&f, FULL);
		old = f.p[2];
		lost = f.s->oo.objects - 7;
		kmem_cache_free(f.cache, old);
		poke(old + rows[i].offset, 0x41);
		assert_non_null(f.p[2] = kmem_cache_alloc(f.cache, GFP_KERNEL));
		assert_ptr_not_equal(slab_of(f.p[2]), slab_of(old));
		snprintf(title, sizeof(title), "): %s overwritten", rows[i].name);
		assert_non_null(strstr(log_text, "FIX checked: Restoring "));
		expect_fix(title, "FIX checked: Marking all objects used");
		end(&f, lost);
	}
}

/* The same found by looking: repaired, nothing is lost. */
static void validation_repairs(void **state)
{
	struct fixture f;
	char *old;

	begin(&f, FULL);
	old = f.p[2];
	kmem_cache_free(f.cache, old);
	poke(old + 50, 0x41);
	assert_int_equal(kmem_cache_validate(f.cache), 1);
	expect_fix("Poison overwritten", "FIX checked: Restoring Poison 0x");
	assert_int_equal(kmem_cache_validate(f.cache), 1);
	assert_ptr_equal(f.p[2] = kmem_cache_alloc(f.cache, GFP_KERNEL), old);
	end(&f, 0);
}

/* An object of a slab that goes back to the page allocator. */
static void found_when_the_slab_goes(void **state)
{
	struct fixture f;
	char *old;

	begin(&f, FULL);
	old = f.p[2];
	for (unsigned int i = 0; i < 8; i++)
		kmem_cache_free(f.cache, f.p[i]);
	poke(old + 50, 0x41);
	kmem_cache_shrink(f.cache);
	expect_fix("Poison overwritten", "FIX checked: Restoring Poison 0x");
	for (unsigned int i = 0; i < 8; i++)
		assert_non_null(f.p[i] = kmem_cache_alloc(f.cache, GFP_KERNEL));
	end(&f, 0);
}

/* --- free lists -------------------------------------------------------------------------------- */

/* Its owner wrote where the link of a free object is. */
static void a_free_pointer_is_overwritten(void **state)
{
	static const slab_flags_t flags[] = {F, FULL, SLAB_STORE_USER, SLAB_RED_ZONE | SLAB_POISON};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		unsigned int lost;
		struct fixture f;

		begin(&f, flags[i]);
		lost = f.s->oo.objects - 7;
		kmem_cache_free(f.cache, f.p[2]);
		test_scribble_free(f.p[2] + f.s->offset, 0x99, 8);
		assert_non_null(f.p[2] = kmem_cache_alloc(f.cache, GFP_KERNEL));
		expect_fix("Freepointer corrupt", "FIX checked: Marking all objects used");
		end(&f, lost);
	}
}

/* Noticed by a free that looks through the list: what lies behind it counts as used. */
static void a_chain_leads_out_of_the_slab(void **state)
{
	struct fixture f;
	unsigned int lost;

	begin(&f, F);
	lost = f.s->oo.objects - 8;
	kmem_cache_free(f.cache, f.p[2]);
	kmem_cache_free(f.cache, f.p[3]);
	test_scribble_free(f.p[2] + f.s->offset, 0x99, 8);
	kmem_cache_free(f.cache, f.p[4]);
	assert_int_equal(test_state.nr_reports, 2);
	assert_non_null(strstr(test_state.reports[0].text, "Freechain corrupt"));
	assert_non_null(strstr(test_state.reports[1].text,
			       "Wrong object count. Counter is 6 but counted were"));
	assert_non_null(strstr(log_text, "FIX checked: Object count adjusted"));
	test_state.nr_reports = 0;
	for (unsigned int i = 4; i >= 2; i--)
		assert_ptr_equal(kmem_cache_alloc(f.cache, GFP_KERNEL), f.p[i]);
	end(&f, lost);
}

/* Linked by hand, as a wild write would: the list runs in a circle. */
static void a_chain_that_never_ends(void **state)
{
	unsigned int lost;
	struct fixture f;

	begin(&f, F);
	lost = f.s->oo.objects - 7;
	kmem_cache_free(f.cache, f.p[2]);
	slub_poke_freepointer(f.s, f.p[2], f.p[2]);
	kmem_cache_free(f.cache, f.p[3]);
	expect_fix("Freepointer corrupt", "FIX checked: Freelist cleared");
	assert_ptr_equal(kmem_cache_alloc(f.cache, GFP_KERNEL), f.p[3]);
	assert_non_null(f.p[2] = kmem_cache_alloc(f.cache, GFP_KERNEL));
	end(&f, lost);
}

static void counters_are_wrong(void **state)
{
	union slub_state was;
	struct slub_slab *slab;
	struct fixture f;
	char title[64];

	begin(&f, F);
	slab = slab_of(f.p[0]);
	was = slub_load(slab);
	was.inuse++;
	slub_store(slab, was);
	assert_int_equal(kmem_cache_validate(f.cache), 1);
	expect_fix("Wrong object count. Counter is 9 but counted were 8", "Object count adjusted");
	was.inuse = 8;
	was.objects = (uint16_t)(was.objects + 1) & 0x7fff;
	slub_store(slab, was);
	assert_int_equal(kmem_cache_validate(f.cache), 1);
	snprintf(title, sizeof(title), "objects %u > max %u", f.s->oo.objects + 1,
		 f.s->oo.objects);
	expect_report(MACHINE_BUG, title);
	was.objects = (uint16_t)(was.objects - 1) & 0x7fff;
	was.inuse = (uint16_t)(was.objects + 3);
	slub_store(slab, was);
	assert_int_equal(kmem_cache_validate(f.cache), 1);
	expect_report(MACHINE_BUG, "inuse ");
	was.inuse = 8;
	slub_store(slab, was);
	end(&f, 0);
}

/* --- wrong frees ------------------------------------------------------------------------------- */

static void an_object_of_an_empty_slab(void **state)
{
	struct fixture f;

	begin(&f, FULL);
	for (unsigned int i = 0; i < 8; i++)
		kmem_cache_free(f.cache, f.p[i]);
	kmem_cache_free(f.cache, f.p[5]);
	expect_fix("Slab has 0 allocated objects but 1 are to be freed", "not freed");
	for (unsigned int i = 0; i < 8; i++)
		assert_non_null(f.p[i] = kmem_cache_alloc(f.cache, GFP_KERNEL));
	end(&f, 0);
}

static void freed_twice(void **state)
{
	struct fixture f;

	begin(&f, FULL);
	kmem_cache_free(f.cache, f.p[2]);
	kmem_cache_free(f.cache, f.p[5]);
	for (unsigned int i = 0; i < 3; i++) {
		kmem_cache_free(f.cache, f.p[2]);
		assert_non_null(strstr(test_state.reports[0].text, "\nAllocated in begin_sized"));
		assert_non_null(strstr(test_state.reports[0].text, "\nFreed in freed_twice"));
		expect_fix("Object already free", "FIX checked: Object at 0x");
		kfree(f.p[5]);
		expect_fix("Object already free", "FIX checked: Object at 0x");
	}
	/* No link of the list was cut. */
	assert_int_equal(check_cache(f.cache), 6);
	assert_ptr_equal(kmem_cache_alloc(f.cache, GFP_KERNEL), f.p[5]);
	assert_ptr_equal(kmem_cache_alloc(f.cache, GFP_KERNEL), f.p[2]);
	end(&f, 0);
}

static void pointers_that_are_no_objects(void **state)
{
	static const slab_flags_t flags[] = {F, FULL, SLAB_RED_ZONE, SLAB_POISON | SLAB_STORE_USER};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		const char *words = flags[i] & F ? "Invalid object pointer 0x" : SLAB_BUG_INNER;
		struct fixture f;
		void *bad[2];

		begin(&f, flags[i]);
		for (long off = -8; off <= 96; off += 13) {
			if (!off)
				continue;
			kmem_cache_free(f.cache, f.p[3] + off);
			expect_report(MACHINE_BUG, words);
			kfree(f.p[3] + off);
			expect_report(MACHINE_BUG, words);
			bad[0] = f.p[4] + 8;
			bad[1] = f.p[3] + off;
			kmem_cache_free_bulk(f.cache, 2, bad);
			expect_reports(2, MACHINE_BUG, words);
		}
		end(&f, 0);
	}
}

static void to_another_cache(void **state)
{
	struct kmem_cache *other;
	struct fixture f;

	begin(&f, FULL);
	other = kmem_cache_create("other", 100, 0, FULL, NULL);
	kmem_cache_free(other, f.p[3]);
	expect_report(MACHINE_WARN, "cache_from_obj: Wrong slab cache. other but object is from checked");
	assert_non_null(strstr(log_text, "3 Allocated in begin_sized"));
	kmem_cache_destroy(other);
	end(&f, 0);
}

/* Nothing is looked at without F but by validation, as in Linux. */
static void without_consistency_checks(void **state)
{
	struct fixture f;
	char *old;

	begin(&f, SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER);
	old = f.p[2];
	poke(old + 100, 0x41);
	kmem_cache_free(f.cache, old);
	expect_no_reports();
	poke(old + 50, 0x41);
	assert_int_equal(kmem_cache_validate(f.cache), 1);
	expect_report(MACHINE_BUG, "Poison overwritten");
	assert_ptr_equal(kmem_cache_alloc(f.cache, GFP_KERNEL), old);
	poke(old + 100, 0x41);
	assert_int_equal(kmem_cache_validate(f.cache), 1);
	expect_report(MACHINE_BUG, "Right Redzone overwritten");
	end(&f, 0);
}

/* --- bulk, CPUs -------------------------------------------------------------------------------- */

static void many_at_once(void **state)
{
	struct fixture f;
	void *p[8];

	begin(&f, FULL);
	poke(f.p[1] + 100, 0x41);
	memcpy(p, f.p, sizeof(p));
	p[7] = f.p[2];	/* twice */
	kmem_cache_free_bulk(f.cache, 8, p);
	assert_int_equal(test_state.nr_reports, 2);
	assert_non_null(strstr(test_state.reports[0].text, "Right Redzone overwritten"));
	assert_non_null(strstr(test_state.reports[1].text, "Object already free"));
	test_state.nr_reports = 0;
	assert_int_equal(check_cache(f.cache), 2);
	/* What was gathered first comes out first. */
	assert_int_equal(kmem_cache_alloc_bulk(f.cache, GFP_KERNEL, 6, p), 6);
	assert_ptr_equal(p[0], f.p[6]);
	assert_ptr_equal(p[5], f.p[0]);
	assert_int_equal(check_cache(f.cache), 8);
	end(&f, 0);
}

static void of_several_slabs(void **state)
{
	void *p[120], *twice[240];
	struct machine *m = test_boot(ONE_CPU);
	struct kmem_cache *a = kmem_cache_create("a", 300, 0, FULL, NULL);
	struct kmem_cache *b = kmem_cache_create("b", 300, 0, F, NULL);
	uint64_t seed = 7;

	for (unsigned int i = 0; i < 120; i++)
		assert_non_null(p[i] = kmem_cache_alloc(i % 3 ? a : b, GFP_KERNEL));
	for (unsigned int i = 119; i > 0; i--) {
		unsigned int j = (unsigned int)(test_rand(&seed) % (i + 1));
		void *t = p[i];

		p[i] = p[j];
		p[j] = t;
	}
	memcpy(twice, p, sizeof(p));
	memcpy(twice + 120, p, sizeof(p));
	kfree_bulk(240, twice);
	assert_int_equal(test_state.nr_reports, 120);
	test_state.nr_reports = 0;
	assert_int_equal(check_cache(a) + check_cache(b), 0);
	kmem_cache_destroy(a);
	kmem_cache_destroy(b);
	test_shutdown(m, 0);
}

static void on_another_cpu(void **state)
{
	struct machine *m = test_boot(SLUB_MACHINE " cpus=2");
	struct kmem_cache *s = kmem_cache_create("checked", 100, 0, FULL, NULL);
	char *p = kmem_cache_alloc(s, GFP_KERNEL), *q = kmem_cache_alloc(s, GFP_KERNEL);

	poke(p - 1, 0x41);
	assert_int_equal(cpu_migrate(1), 0);
	kmem_cache_free(s, p);
	assert_non_null(strstr(test_state.reports[0].text, " cpu=0 pid="));
	assert_non_null(strstr(test_state.reports[0].text, "\nCPU: 1 PID: "));
	expect_report(MACHINE_BUG, "Left Redzone overwritten");
	kmem_cache_free(s, p);
	poke(p, 0x41);
	assert_int_equal(cpu_migrate(0), 0);
	assert_int_equal(kmem_cache_validate(s), 1);
	assert_non_null(strstr(test_state.reports[0].text, " cpu=1 pid="));
	expect_report(MACHINE_BUG, "Poison overwritten");
	kmem_cache_free(s, q);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

/* --- what is remembered and shown -------------------------------------------------------------- */

static void tracing(void **state)
{
	struct fixture f;

	begin(&f, SLAB_TRACE);
	kmem_cache_free(f.cache, f.p[2]);
	assert_int_equal(strncmp(log_text, "6 TRACE checked free 0x", 23), 0);
	assert_non_null(strstr(log_text, "\n6 Object   "));
	assert_non_null(strstr(log_text, "\n6 CPU: 0 PID: "));
	log_text[0] = '\0';
	assert_ptr_equal(kmem_cache_alloc(f.cache, GFP_KERNEL), f.p[2]);
	assert_int_equal(strncmp(log_text, "6 TRACE checked alloc 0x", 24), 0);
	assert_non_null(strstr(log_text, " inuse=8 fp=0x"));
	end(&f, 0);
}

static void leaks_name_their_callers(void **state)
{
	struct fixture f;

	begin(&f, SLAB_STORE_USER);
	for (unsigned int i = 1; i < 8; i++)
		kmem_cache_free(f.cache, f.p[i]);
	kmem_cache_destroy(f.cache);
	assert_int_equal(test_state.nr_reports, 2);
	assert_non_null(strstr(test_state.reports[0].text, "\nAllocated in begin_sized"));
	test_state.nr_reports = 0;
	kmem_cache_free(f.cache, f.p[0]);
	kmem_cache_destroy(f.cache);
	test_shutdown(f.m, 0);
}

/* kmem_dump_obj() says where an object is and who had it. */
static void objects_in_the_log(void **state)
{
	struct fixture f;
	char line[200];

	begin(&f, FULL);
	kmem_cache_free(f.cache, f.p[2]);
	kmem_dump_obj(f.p[2] + 20);
	snprintf(line, sizeof(line),
		 "6 slab checked start %llx data offset 8 pointer offset 20 size 100 allocated at "
		 "begin_sized", (unsigned long long)ptr_to_kva(f.p[2]) - 8);
	assert_int_equal(strncmp(log_text, line, strlen(line)), 0);
	assert_non_null(strstr(log_text, "\n6     begin_sized"));
	assert_non_null(strstr(log_text, "\n6  Free path:\n6     objects_in_the_log"));
	log_text[0] = '\0';
	kmem_dump_obj(f.p[3] - 3);
	assert_non_null(strstr(log_text, " pointer offset -3 size 100 "));
	assert_null(strstr(log_text, "Free path"));
	assert_non_null(f.p[2] = kmem_cache_alloc(f.cache, GFP_KERNEL));
	end(&f, 0);
}

/* kmalloc's caches too, by the command line; the requested size is kept with the tracks. */
static void kmalloc_by_the_command_line(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M cpus=1 cmdline=slub_debug=FZPU,kmalloc-*");
	char *p = kmalloc(70, GFP_KERNEL);
	struct kmem_cache *s = kmem_cache_of(p);

	assert_string_equal(kmem_cache_name(s), "kmalloc-96");
	assert_int_equal(s->flags & SLUB_DEBUG_FLAGS, FULL);
	assert_int_equal(slub_of(kmem_cache_create("x", 96, 0, 0, NULL))->common.flags &
			 SLUB_DEBUG_FLAGS, 0);
	assert_int_equal(slub_orig_size_get(slub_of(s), p), 70);
	assert_int_equal(ksize(p), 96);
	poke(p + 96, 1);
	kfree(p);
	expect_report(MACHINE_BUG, "BUG kmalloc-96 (Not tainted): Right Redzone overwritten");
	kfree(p);
	kfree(p);
	expect_report(MACHINE_BUG, "BUG kmalloc-96 (Tainted: G    B             ): ");
	kmem_cache_destroy(kmem_find_cache("x"));
	test_shutdown(m, 0);
}

/* O: caches whose smallest slab would grow keep their size. */
static void larger_slabs_are_refused(void **state)
{
	struct machine *m = test_boot(ONE_CPU " cmdline=slub_debug=FZPUO");
	struct kmem_cache *page = kmem_cache_create("page", 4096, 0, 0, NULL);
	struct kmem_cache *small = kmem_cache_create("small", 100, 0, 0, NULL);

	assert_int_equal(page->flags & SLUB_DEBUG_FLAGS, SLAB_CONSISTENCY_CHECKS);
	assert_int_equal(page->size, 4096);
	assert_int_equal(small->flags & SLUB_DEBUG_FLAGS, FULL);
	kmem_cache_destroy(page);
	kmem_cache_destroy(small);
	test_shutdown(m, 0);
}

static int counted;

static void count_ctor(void *object)
{
	counted++;
	memset(object, 0x11, 100);
}

/* The constructor's work outlives frees; only what surrounds the object is filled. */
static void constructed_objects_keep_their_contents(void **state)
{
	struct machine *m = test_boot(ONE_CPU);
	struct kmem_cache *s = kmem_cache_create("made", 100, 0, FULL, count_ctor);
	unsigned char *p = kmem_cache_alloc(s, GFP_KERNEL);

	counted = 0;
	for (int i = 0; i < 100; i++)
		assert_int_equal(p[i], 0x11);
	p[7] = 9;
	kmem_cache_free(s, p);
	assert_ptr_equal(kmem_cache_alloc(s, GFP_KERNEL), p);
	assert_int_equal(p[7], 9);
	assert_int_equal(counted, 0);
	poke((char *)p + 100, 3);
	kmem_cache_free(s, p);
	expect_report(MACHINE_BUG, "Right Redzone overwritten");
	kmem_cache_free(s, p);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void each_flag_fills_its_part(void **state)
{
	for (slab_flags_t bits = 0; bits < 16; bits++) {
		slab_flags_t flags = (bits & 1 ? F : 0) | (bits & 2 ? SLAB_RED_ZONE : 0) |
				     (bits & 4 ? SLAB_POISON : 0) | (bits & 8 ? SLAB_STORE_USER : 0);

		for (unsigned int size = 1; size <= 5000; size = size * 7 / 4 + 1) {
			struct machine *m = test_boot(ONE_CPU);
			struct kmem_cache *s = kmem_cache_create("some", size, 0, flags, NULL);
			unsigned char *p[20], got[1];

			for (int i = 0; i < 20; i++) {
				assert_non_null(p[i] = kmem_cache_alloc(s, GFP_KERNEL));
				if (flags & SLAB_POISON)
					assert_int_equal(p[i][size - 1], POISON_END);
				if (flags & SLAB_RED_ZONE)
					assert_int_equal(p[i][-1], SLUB_RED_ACTIVE);
				memset(p[i], 0x77, size);
			}
			assert_true(kmem_cache_validate(s) >= 0);
			for (int i = 0; i < 20; i++)
				kmem_cache_free(s, p[i]);
			test_copy_free(got, p[3], 1);
			if (flags & SLAB_POISON && size > 1)
				assert_int_equal(got[0], POISON_FREE);
			test_copy_free(got, p[3] - 1, 1);
			if (flags & SLAB_RED_ZONE)
				assert_int_equal(got[0], SLUB_RED_INACTIVE);
			assert_true(kmem_cache_validate(s) >= 0);
			assert_int_equal(check_cache(s), 0);
			kmem_cache_destroy(s);
			test_shutdown(m, 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(beside_a_live_object),
		cmocka_unit_test(behind_the_tracks),
		cmocka_unit_test(between_object_and_word),
		cmocka_unit_test(behind_the_last_object),
		cmocka_unit_test(into_a_free_object),
		cmocka_unit_test(validation_repairs),
		cmocka_unit_test(found_when_the_slab_goes),
		cmocka_unit_test(a_free_pointer_is_overwritten),
		cmocka_unit_test(a_chain_leads_out_of_the_slab),
		cmocka_unit_test(a_chain_that_never_ends),
		cmocka_unit_test(counters_are_wrong),
		cmocka_unit_test(an_object_of_an_empty_slab),
		cmocka_unit_test(freed_twice),
		cmocka_unit_test(pointers_that_are_no_objects),
		cmocka_unit_test(to_another_cache),
		cmocka_unit_test(without_consistency_checks),
		cmocka_unit_test(many_at_once),
		cmocka_unit_test(of_several_slabs),
		cmocka_unit_test(on_another_cpu),
		cmocka_unit_test(tracing),
		cmocka_unit_test(leaks_name_their_callers),
		cmocka_unit_test(objects_in_the_log),
		cmocka_unit_test(kmalloc_by_the_command_line),
		cmocka_unit_test(larger_slabs_are_refused),
		cmocka_unit_test(constructed_objects_keep_their_contents),
		cmocka_unit_test(each_flag_fills_its_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
