/* SPDX-License-Identifier: MIT */
/*
 * One suite for the three backends: each file holds the tests of one theme, main.c runs them all. The
 * program is compiled from the same files and linked with each static library as a user would.
 *
 * Where design differs by backend the test says so through backend_is(); everything else must be
 * the same on all three.
 */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include "../support/kmem_test.h"

/* Machines that the tests boot. */
#define PLAIN "preset=x86_64 mem=64M"
#define NOMERGE " cmdline=slab_nomerge" /* behind one of the others */
#define ISOLATED "preset=x86_64 mem=64M isolate_metadata=1"
#define TINY "preset=tiny-8M"
#define TINY_ISOLATED "preset=tiny-8M isolate_metadata=1"
#define TWO_CPUS "preset=x86_64 mem=64M cpus=2"
#define TWO_NODES "preset=x86_64 mem=128M cpus=2 nodes=2"

struct test_group {
	const char *name;
	const struct CMUnitTest *tests;
	size_t nr;
};

extern const struct test_group trace_group, claims_group, memcg_group, accounting_group, failslab_group;
extern const struct test_group create_group, alloc_group, kmalloc_group, bulk_group, exhaust_group,
	misuse_group, leak_group, inspect_group, random_group, cpu_group, pages_group,
	page_misuse_group, arena_group, buddy_claims_group, context_group, rcu_group, mempool_group, vmalloc_group;

extern const struct test_group merge_group, init_group, helpers_group, kvmalloc_group, every_group,
	no_machine_group,
	machine_group, memblock_group, trim_group, usercopy_group, zone_claims_group;

extern const struct test_group reclaim_group, gfp_group;

extern const struct test_group mmu_group, mapping_group, fork_group;

/* Bytes from one object of the cache to the next, what debug options add included. */
static inline unsigned int test_slot(struct kmem_cache *s)
{
	char line[512];
	const char *field;

	assert_true(kmem_cache_print_geometry(s, false, line, sizeof(line)) > 0);
	field = strstr(line, " size=");
	assert_non_null(field);
	return (unsigned int)strtoul(field + strlen(" size="), NULL, 10);
}

#define TEST_GROUP(group, array)                                                       \
	const struct test_group group##_group = { #group, array, sizeof(array) / sizeof((array)[0]) }

#endif
