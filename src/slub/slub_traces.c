/* SPDX-License-Identifier: MIT */
/*
 * alloc_traces and free_traces: who allocated the objects that live, and who had freed them before
 * that; one entry a stack, the most frequent first (Documentation/mm/slub.rst, "DebugFS files").
 *
 *	1085 populate_error_injection_list+0x97/0x110 age=166678 pid=1 cpus=1
 *	        populate_error_injection_list+0x97/0x110
 *	        …
 *
 * Entries are gathered under list_lock, in host memory that grows as they come; sorted by what
 * makes a stack, so that the next object's is found fast, and at last by their counts.
 */
#include "slub/slub_debug.h"

#include "common/stack_depot.h"

/* Objects with one caller, stack and waste. */
struct location {
	uint64_t addr;
	uint32_t stack;
	uint64_t waste;			/* bytes of an object behind what kmalloc() was asked for */
	unsigned long count;
	uint64_t sum_age, min_age, max_age;
	int32_t min_pid, max_pid;
	uint64_t cpus[4], nodes;	/* bits; CPUs from 256 on are not shown */
};

struct traces {
	struct slub_cache *s;
	enum slub_track_item item;
	uint64_t now;
	struct location *at;		/* sorted by addr, stack, waste */
	size_t nr, room;
	bool full;			/* the host has no more memory */
};

static int compare(const struct location *a, const struct location *b)
{
	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	if (a->stack != b->stack)
		return a->stack < b->stack ? -1 : 1;
	if (a->waste != b->waste)
		return a->waste < b->waste ? -1 : 1;
	return 0;
}

static bool grow(struct traces *t)
{
	struct arch_machine *am = t->s->common.kernel->arch;
	size_t room = t->room ? 2 * t->room : 64;
	struct location *at = arch_host_alloc(am, room * sizeof(*at));

	if (!at)
		return false;
	if (t->nr)
		memcpy(at, t->at, t->nr * sizeof(*at));
	if (t->at)
		arch_host_free(am, t->at, t->room * sizeof(*at));
	t->at = at;
	t->room = room;
	return true;
}

/* Where @wanted stands, or would. */
static size_t find(const struct traces *t, const struct location *wanted)
{
	size_t lo = 0, hi = t->nr;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (compare(&t->at[mid], wanted) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* An object more at the entry like @l, which describes that object alone. */
static void merge(struct location *to, const struct location *l)
{
	to->count++;
	to->sum_age += l->sum_age;
	if (l->min_age < to->min_age)
		to->min_age = l->min_age;
	if (l->max_age > to->max_age)
		to->max_age = l->max_age;
	if (l->min_pid < to->min_pid)
		to->min_pid = l->min_pid;
	if (l->max_pid > to->max_pid)
		to->max_pid = l->max_pid;
	for (size_t i = 0; i < 4; i++)
		to->cpus[i] |= l->cpus[i];
	to->nodes |= l->nodes;
}

static void add(struct traces *t, const struct location *l)
{
	size_t i = find(t, l);

	if (i < t->nr && !compare(&t->at[i], l)) {
		merge(&t->at[i], l);
		return;
	}
	if (t->nr == t->room && !grow(t)) {
		t->full = true;
		return;
	}
	memmove(&t->at[i + 1], &t->at[i], (t->nr - i) * sizeof(*l));
	t->at[i] = *l;
	t->nr++;
}

static void add_object(struct traces *t, const void *object, int nid)
{
	struct slub_cache *s = t->s;
	struct slub_track track;
	struct location l = {.count = 1};

	slub_track_get(s, object, t->item, &track);
	l.addr = track.addr;
	l.stack = track.stack;
	if (t->item == SLUB_TRACK_ALLOC && slub_keeps_orig_size(s))
		l.waste = s->common.object_size - slub_orig_size_get(s, object);
	l.sum_age = l.min_age = l.max_age = t->now - track.when;
	l.min_pid = l.max_pid = track.pid;
	if (track.addr && (uint32_t)track.cpu < 256)
		l.cpus[track.cpu / 64] = 1ull << track.cpu % 64;
	if (nid < 64)
		l.nodes = 1ull << nid;
	add(t, &l);
}

static void gather(struct traces *t, struct slub_free_map *map)
{
	struct slub_cache *s = t->s;
	struct slub_slab *slab;
	struct slub_node *n;

	for_each_kmem_cache_node(s, nid, n) {
		arch_spin_lock(&n->list_lock);
		list_for_each_entry(slab, &n->all, all) {
			char *base = slub_address(s, slab);
			unsigned int objects = slub_load(slab).objects;

			slub_map_free_objects(s, slab, map);
			for (size_t j = 0; j < objects; j++)
				if (!slub_map_has(map, j))
					add_object(t, base + s->red_left_pad + j * s->common.size,
						   (int)nid);
		}
		arch_spin_unlock(&n->list_lock);
	}
}

/* The most frequent first; equal ones as they stand. */
static void sort_by_count(struct traces *t)
{
	for (size_t gap = t->nr / 2; gap; gap /= 2) {
		for (size_t i = gap; i < t->nr; i++) {
			struct location l = t->at[i];
			size_t j = i;

			for (; j >= gap && t->at[j - gap].count < l.count; j -= gap)
				t->at[j] = t->at[j - gap];
			t->at[j] = l;
		}
	}
}

/* As the kernel prints a bitmap: "0-3,7". */
static void put_bits(struct seq_file *m, const char *name, const uint64_t *bits, unsigned int nr)
{
	const char *before = name;

	for (unsigned int i = 0; i < nr; i++) {
		unsigned int from = i;

		if (!(bits[i / 64] >> i % 64 & 1))
			continue;
		while (i + 1 < nr && bits[(i + 1) / 64] >> (i + 1) % 64 & 1)
			i++;
		seq_printf(m, i == from ? "%s%u" : "%s%u-%u", before, from, i);
		before = ",";
	}
}

static void put_location(struct traces *t, const struct location *l, struct seq_file *m)
{
	struct kernel *k = t->s->common.kernel;
	char name[128];

	seq_printf(m, "%7lu ", l->count);
	if (l->addr)
		arch_symbol((unsigned long)l->addr, name, sizeof(name));
	seq_puts(m, l->addr ? name : "<not-available>");
	if (l->waste)
		seq_printf(m, " waste=%llu/%llu", (unsigned long long)(l->waste * l->count),
			   (unsigned long long)l->waste);
	if (l->sum_age != l->min_age)
		seq_printf(m, " age=%llu/%llu/%llu", (unsigned long long)l->min_age,
			   (unsigned long long)(l->sum_age / l->count),
			   (unsigned long long)l->max_age);
	else
		seq_printf(m, " age=%llu", (unsigned long long)l->min_age);
	if (l->min_pid != l->max_pid)
		seq_printf(m, " pid=%d-%d", l->min_pid, l->max_pid);
	else
		seq_printf(m, " pid=%d", l->min_pid);
	if (k->arch->nr_cpus > 1)
		put_bits(m, " cpus=", l->cpus, 256);
	if (k->arch->nr_nodes > 1)
		put_bits(m, " nodes=", &l->nodes, 64);
	seq_putc(m, '\n');
	stack_depot_print(k, l->stack, 8, m);
	seq_putc(m, '\n');
}

static void show_traces(struct slub_cache *s, enum slub_track_item item, struct seq_file *m)
{
	struct arch_machine *am = s->common.kernel->arch;
	struct slub_free_map *map = arch_host_alloc(am, sizeof(*map));
	struct traces t = {.s = s, .item = item, .now = slub_jiffies(s)};

	if (map && s->common.flags & SLAB_STORE_USER)
		gather(&t, map);
	sort_by_count(&t);
	for (size_t i = 0; i < t.nr; i++)
		put_location(&t, &t.at[i], m);
	if (!map || t.full)
		seq_puts(m, "Out of memory\n");
	else if (!t.nr)
		seq_puts(m, "No data\n");
	if (t.at)
		arch_host_free(am, t.at, t.room * sizeof(*t.at));
	if (map)
		arch_host_free(am, map, sizeof(*map));
}

void slub_show_alloc_traces(struct slub_cache *s, struct seq_file *m)
{
	show_traces(s, SLUB_TRACK_ALLOC, m);
}

void slub_show_free_traces(struct slub_cache *s, struct seq_file *m)
{
	show_traces(s, SLUB_TRACK_FREE, m);
}
