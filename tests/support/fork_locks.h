/* SPDX-License-Identifier: MIT */
/* kernel_fork() by hand, and the words of the locks that it is to take. */
#ifndef TEST_FORK_LOCKS_H
#define TEST_FORK_LOCKS_H

#include "kmem_test.h"

#include "boot/boot.h"
#include "buddy/internal.h"
#include "buddy/reclaim.h"
#include "common/registry.h"
#include "vmalloc/vmalloc.h"

struct fork_locks {
	const uint32_t *words[512];
	unsigned int nr;
};

static inline void fork_expect_word(struct fork_locks *l, const uint32_t *word)
{
	assert_true(l->nr < sizeof(l->words) / sizeof(l->words[0]));
	l->words[l->nr++] = word;
}

static inline void fork_expect(struct fork_locks *l, const struct arch_spinlock *lock)
{
	fork_expect_word(l, &lock->value);
}

/* Those that every backend's machine has, as far as they can be seen. */
static inline void fork_expect_common(struct fork_locks *l, struct kernel *k)
{
	struct vmalloc *v = k->vmalloc;

	fork_expect_word(l, &k->caches->mutex.value);
	fork_expect_word(l, &k->trace_mutex.value);
	fork_expect_word(l, &k->memcg_mutex.value);
	fork_expect_word(l, &k->slowed_mutex.value);
	fork_expect_word(l, &k->buddy->sysctl_mutex.value);
	fork_expect_word(l, &k->buddy->reclaim->shrinker_rwsem.state);
	fork_expect_word(l, &k->buddy->reclaim->oom_rwsem.state);
	fork_expect(l, &v->areas.purge_lock);
	fork_expect(l, &v->areas.free_lock);
	fork_expect(l, &v->areas.busy_lock);
	fork_expect(l, &v->areas.lazy_lock);
	fork_expect(l, &v->memtypes.lock);
	fork_expect(l, &v->direct_lock);
	fork_expect(l, &v->pgtable.lock);
	fork_expect(l, &k->once_lock);
	for_each_populated_zone(k->buddy, zone)
		fork_expect(l, &zone->lock);
}

static inline void fork_step(struct kernel *k, enum arch_fork_step step)
{
	assert_true(kernel_fork(k, ARCH_FORK_FIRST, step, 1000));
	assert_true(kernel_fork(k, ARCH_FORK_SECOND, step, 1000));
}

static inline unsigned int fork_count_held(const struct fork_locks *l)
{
	unsigned int held = 0;

	for (unsigned int i = 0; i < l->nr; i++)
		held += *l->words[i] != 0;
	return held;
}

/* All are free before, held in between, and free after @back. */
static inline void fork_check(const struct fork_locks *l, struct kernel *k, enum arch_fork_step back)
{
	unsigned int held;

	assert_int_equal(fork_count_held(l), 0);
	fork_step(k, ARCH_FORK_TAKE);
	held = fork_count_held(l);
	fork_step(k, back);
	assert_int_equal(held, l->nr);
	assert_int_equal(fork_count_held(l), 0);
	assert_int_equal(k->fork_locks[ARCH_FORK_FIRST] + k->fork_locks[ARCH_FORK_SECOND], 0);
}

/* What @expect names for each of the caches, one of them new, @per_cache locks each, is held besides. */
static inline void fork_check_caches(void (*expect)(struct fork_locks *l, struct kmem_cache *s),
				     unsigned int per_cache)
{
	struct kmem_cache *own = kmem_cache_create("of-the-test", 104, 0, 0, NULL), *s;
	struct kernel *k = arch_kernel();
	struct fork_locks locks = {0};
	unsigned int before;

	assert_non_null(own);
	fork_expect_common(&locks, k);
	before = locks.nr;
	list_for_each_entry(s, &k->caches->list, list)
		expect(&locks, s);
	assert_int_equal(locks.nr - before, per_cache * k->caches->nr_caches);
	fork_check(&locks, k, ARCH_FORK_RELEASE);
	fork_check(&locks, k, ARCH_FORK_CHILD);
	kmem_cache_destroy(own);
}

#endif
