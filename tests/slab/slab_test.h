/* SPDX-License-Identifier: MIT */
/* Machines for the tests of the SLAB backend, and short words for looking inside a cache. */
#ifndef KMEM_TESTS_SLAB_TEST_H
#define KMEM_TESTS_SLAB_TEST_H

#include "../support/kmem_test.h"
#include "slab/slab.h"

/* One CPU, one node: no shared array, no alien arrays. */
#define ONE_CPU "preset=x86_64 mem=64M cpus=1 isolate_metadata=1"
#define TWO_CPUS "preset=x86_64 mem=64M cpus=2 isolate_metadata=1"
#define TWO_NODES "preset=x86_64 mem=128M cpus=2 nodes=2 isolate_metadata=1"
/* Metadata from kmalloc, as a program has it. */
#define PLAIN "preset=x86_64 mem=128M cpus=2 nodes=2"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static struct machine *machine;

static inline int boot_text(const char *text)
{
	machine = test_boot(text);
	return 0;
}

static inline int boot_one_cpu(void **state)
{
	(void)state;
	return boot_text(ONE_CPU);
}

static inline int boot_two_cpus(void **state)
{
	(void)state;
	return boot_text(TWO_CPUS);
}

static inline int boot_two_nodes(void **state)
{
	(void)state;
	return boot_text(TWO_NODES);
}

static inline int boot_plain(void **state)
{
	(void)state;
	return boot_text(PLAIN);
}

/* Everything was freed, and every report expected. */
static inline int shutdown_clean(void **state)
{
	(void)state;
	test_shutdown(machine, 0);
	return 0;
}

#define slab_test(f, boot) cmocka_unit_test_setup_teardown(f, boot, shutdown_clean)

static inline struct slab_cache *make_cache(unsigned int size, unsigned int align,
					    slab_flags_t flags, void (*ctor)(void *))
{
	struct kmem_cache *s = kmem_cache_create("t", size, align, flags, ctor);

	assert_non_null(s);
	return to_slab_cache(s);
}

static inline void *take(struct slab_cache *s)
{
	void *object = kmem_cache_alloc(&s->common, GFP_KERNEL);

	assert_non_null(object);
	return object;
}

static inline void give(struct slab_cache *s, void *object)
{
	kmem_cache_free(&s->common, object);
}

static inline void take_many(struct slab_cache *s, void **objects, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		objects[i] = take(s);
}

static inline void give_many(struct slab_cache *s, void **objects, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		give(s, objects[i]);
}

/* The array of a CPU; nobody else may be using it. */
static inline struct slab_array *array_of(struct slab_cache *s, unsigned int cpu)
{
	return slab_cpu_array(s, arch_cpu_by_id(s->common.kernel->arch, cpu));
}

static inline unsigned int list_length(const struct list_head *head)
{
	const struct list_head *pos;
	unsigned int n = 0;

	for (pos = head->next; pos != head; pos = pos->next)
		n++;
	return n;
}

/* The counters agree with the lists. */
static inline void check_node(struct slab_cache *s, unsigned int nid)
{
	struct slab_node *n = s->node[nid];
	struct list_head *lists[] = { &n->partial, &n->full, &n->free };
	unsigned long free_objects = 0, slabs = 0;
	struct slab_slab *slab;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		list_for_each_entry(slab, lists[i], list) {
			assert_ptr_equal(slab->cache, s);
			assert_int_equal(slab_nid(slab), nid);
			assert_true(slab->active <= s->geo.num);
			assert_int_equal(slab->active == s->geo.num, lists[i] == &n->full);
			assert_int_equal(slab->active == 0, lists[i] == &n->free);
			free_objects += s->geo.num - slab->active;
			slabs++;
		}
	}
	assert_int_equal(slabs, n->total_slabs);
	assert_int_equal(list_length(&n->free), n->free_slabs);
	assert_int_equal(free_objects, n->free_objects);
}

static inline void check_cache(struct slab_cache *s)
{
	unsigned int nid;

	for (nid = 0; nid < s->nr_nodes; nid++)
		check_node(s, nid);
}

/* Offset of an object in its slab. */
static inline unsigned long offset_of(struct slab_cache *s, const void *object)
{
	struct slab_slab *slab = slab_of_object(s, object);

	assert_non_null(slab);
	return (unsigned long)((const char *)object - slab_base(s->common.kernel, slab));
}

/* "s0", "s1", …: slabs in the order in which a text named them. */
struct slab_names {
	const void *base[64];
	unsigned int nr;
};

static inline void name_slab(void *arg, const struct kmem_cache *s, const void *base, char *buf,
			     size_t size)
{
	struct slab_names *names = arg;
	unsigned int i = 0;

	(void)s;
	while (i < names->nr && names->base[i] != base)
		i++;
	assert_true(i < ARRAY_SIZE(names->base));
	names->base[i] = base;
	if (i == names->nr)
		names->nr++;
	snprintf(buf, size, "s%u", i);
}

/* Give slabs their names in the order in which they come. */
static inline void name_new_slab(void *arg, enum kmem_slab_event ev, struct kmem_cache *s,
				 void *base, unsigned int order)
{
	char name[16];

	(void)order;
	if (ev == KMEM_SLAB_NEW)
		name_slab(arg, s, base, name, sizeof(name));
}

static inline void expect_state(struct slab_cache *s, struct slab_names *names, const char *expect)
{
	char text[1024];

	assert_true(kmem_cache_print_state(&s->common, name_slab, names, text, sizeof(text)) <
		    (long)sizeof(text));
	assert_string_equal(text, expect);
}

#endif
