/* SPDX-License-Identifier: MIT */
/*
 * A hash table that doubles, with chains by index into an array of stacks that doubles with it. Both
 * are host memory; under the lock, which is a leaf. A handle is an index + 1.
 */
#include "common/stack_depot.h"

#include "common/registry.h"
#include "lib/fork.h"
#include "lib/lock_rank.h"
#include "lib/once.h"
#include "lib/string.h"

#define FIRST_SIZE 256u

struct stack {
	uint32_t next;		/* in its chain; 0: the last */
	uint32_t hash;
	uint32_t nr;
	unsigned long entries[STACK_DEPOT_MAX];
};

struct stack_depot {
	struct arch_spinlock lock;
	uint32_t *chains;	/* handles; size of them */
	struct stack *stacks;	/* room for size, nr used */
	uint32_t size, nr;
};

static uint32_t hash_of(const unsigned long *entries, unsigned int nr)
{
	uint64_t h = nr;

	for (unsigned int i = 0; i < nr; i++)
		h = (h ^ entries[i]) * 0x9e3779b97f4a7c15u;
	return (uint32_t)(h >> 32);
}

static void link_in(struct stack_depot *d, uint32_t handle)
{
	struct stack *s = &d->stacks[handle - 1];

	s->next = d->chains[s->hash & (d->size - 1)];
	d->chains[s->hash & (d->size - 1)] = handle;
}

static bool grow_locked(struct arch_machine *am, struct stack_depot *d)
{
	uint32_t size = d->size ? 2 * d->size : FIRST_SIZE;
	uint32_t *chains = arch_host_alloc(am, size * sizeof(*chains));
	struct stack *stacks = arch_host_alloc(am, size * sizeof(*stacks));

	if (!chains || !stacks) {
		if (chains)
			arch_host_free(am, chains, size * sizeof(*chains));
		if (stacks)
			arch_host_free(am, stacks, size * sizeof(*stacks));
		return false;
	}
	if (d->size) {
		memcpy(stacks, d->stacks, d->nr * sizeof(*stacks));
		arch_host_free(am, d->stacks, d->size * sizeof(*stacks));
		arch_host_free(am, d->chains, d->size * sizeof(*chains));
	}
	d->stacks = stacks;
	d->chains = chains;
	d->size = size;
	for (uint32_t handle = 1; handle <= d->nr; handle++)
		link_in(d, handle);
	return true;
}

static uint32_t find_locked(struct stack_depot *d, const unsigned long *entries, unsigned int nr,
			    uint32_t hash)
{
	uint32_t handle = d->size ? d->chains[hash & (d->size - 1)] : 0;

	while (handle) {
		const struct stack *s = &d->stacks[handle - 1];

		if (s->hash == hash && s->nr == nr &&
		    !memcmp(s->entries, entries, nr * sizeof(*entries)))
			break;
		handle = s->next;
	}
	return handle;
}

static uint32_t add_locked(struct kernel *k, struct stack_depot *d, const unsigned long *entries,
			   unsigned int nr, uint32_t hash)
{
	struct stack *s;

	if (d->nr == d->size && !grow_locked(k->arch, d))
		return 0;
	s = &d->stacks[d->nr++];
	s->hash = hash;
	s->nr = nr;
	memcpy(s->entries, entries, nr * sizeof(*entries));
	link_in(d, d->nr);
	return d->nr;
}

static struct stack_depot *depot_make(const struct arch_machine *am)
{
	struct stack_depot *d = arch_host_alloc(am, sizeof(*d));

	if (d)
		arch_spin_init(&d->lock, LOCK_RANK_LEAF);
	return d;
}

/* The library's own callers come before @caller. */
static unsigned int first_of(const unsigned long *entries, unsigned int nr, const void *caller)
{
	for (unsigned int i = 0; i < nr; i++)
		if (entries[i] == (unsigned long)caller)
			return i;
	return 0;
}

noinline uint32_t stack_depot_save(struct kernel *k, const void *caller)
{
	unsigned long entries[STACK_DEPOT_MAX + 8];
	unsigned int nr = arch_stack_save(entries, STACK_DEPOT_MAX + 8, 1);
	unsigned int first = first_of(entries, nr, caller);
	struct stack_depot *d = kernel_once(k, &k->caches->stacks, depot_make);
	uint32_t hash, handle;

	if (!d || !nr)
		return 0;
	nr -= first;
	if (nr > STACK_DEPOT_MAX)
		nr = STACK_DEPOT_MAX;
	hash = hash_of(entries + first, nr);
	arch_spin_lock(&d->lock);
	handle = find_locked(d, entries + first, nr, hash);
	if (!handle)
		handle = add_locked(k, d, entries + first, nr, hash);
	arch_spin_unlock(&d->lock);
	return handle;
}

/* The stack of a handle: up to STACK_DEPOT_MAX entries; returns how many. */
static unsigned int stack_depot_fetch(struct kernel *k, uint32_t handle, unsigned long *entries)
{
	struct stack_depot *d = kernel_once(k, &k->caches->stacks, depot_make);
	unsigned int nr = 0;

	if (!d)
		return 0;
	arch_spin_lock(&d->lock);
	/* A handle comes out of an object's metadata, where anything may have been written. */
	if (handle && handle <= d->nr) {
		nr = d->stacks[handle - 1].nr;
		memcpy(entries, d->stacks[handle - 1].entries, nr * sizeof(*entries));
	}
	arch_spin_unlock(&d->lock);
	return nr;
}

void stack_depot_print(struct kernel *k, uint32_t handle, unsigned int indent, struct seq_file *m)
{
	unsigned long entries[STACK_DEPOT_MAX];
	unsigned int nr = stack_depot_fetch(k, handle, entries);
	char name[128];

	for (unsigned int i = 0; i < nr; i++) {
		arch_symbol(entries[i], name, sizeof(name));
		seq_printf(m, "%*s%s\n", (int)indent, "", name);
	}
}

bool stack_depot_fork(struct kernel *k, struct fork_walk *w)
{
	return !k->caches->stacks || fork_spinlock(w, &k->caches->stacks->lock);
}
