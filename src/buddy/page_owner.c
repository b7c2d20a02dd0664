/* SPDX-License-Identifier: MIT */
/*
 * page_owner: who holds each page, and who gave it back last. Off unless the command line says
 * page_owner=on.
 *
 * A block's record stands at its first frame: order, flags, thread, and the way there; when it comes
 * back the way back is added. Records live in host memory, in chunks of 1024 frames that are made
 * when the first of them is needed, so that a machine's cost follows what it hands out:
 *
 *	chunks  [ · ][ ● ][ · ][ ● ] …        one entry for each block of the largest order
 *	               └▶ [record][record] … 1024 of them
 *
 * While it is on no request takes a fast path (buddy_cpu_init, zone_build: CPUs have no choice of
 * lists, and their lists take nothing), so when it is off it costs nothing.
 *
 * There is no clock here: a time is the number of the machine's records made until then, in the
 * place of nanoseconds. The lock is held while a record is written or copied.
 */
#include "buddy/page_owner.h"

#include "buddy/alloc_report.h"
#include "buddy/bad_page.h"
#include "buddy/buddy.h"
#include "buddy/mobility.h"
#include "lib/fork.h"
#include "lib/lock_rank.h"
#include "lib/string.h"

#define STACK_DEPTH 16		/* Linux's */
#define COMM_LEN 16
#define CHUNK_ORDER (MAX_ORDER - 1)
#define CHUNK_FRAMES (1ul << CHUNK_ORDER)

struct owner_stack {
	unsigned int nr;
	unsigned long entries[STACK_DEPTH];
};

struct owner_record {
	bool known;		/* was ever handed out */
	bool live;
	uint8_t order;
	gfp_t gfp;
	int pid;
	char comm[COMM_LEN];
	uint64_t ts, free_ts;
	struct owner_stack stack, free_stack;
};

struct page_owner {
	struct arch_spinlock lock;
	uint64_t clock;				/* under the lock, as are the records */
	uint64_t nr_chunks;
	bool lost;				/* the host had no memory for a chunk */
	struct owner_record *chunks[];		/* set once each, under the lock; NULL: not needed yet */
};

struct page_owner *page_owner_create(struct kernel *k)
{
	uint64_t nr = (k->arch->nr_frames + CHUNK_FRAMES - 1) >> CHUNK_ORDER;
	struct page_owner *po = arch_host_alloc(k->arch, sizeof(*po) + nr * sizeof(po->chunks[0]));

	if (!po)
		return NULL;
	arch_spin_init(&po->lock, LOCK_RANK_LEAF);
	po->nr_chunks = nr;
	return po;
}

/* --- records --------------------------------------------------------------------------------- */

static struct owner_record *find_record(const struct page_owner *po, uint64_t pfn)
{
	struct owner_record *chunk = __atomic_load_n(&po->chunks[pfn >> CHUNK_ORDER], __ATOMIC_ACQUIRE);

	return chunk ? &chunk[pfn & (CHUNK_FRAMES - 1)] : NULL;
}

static void make_chunk(struct buddy *b, uint64_t pfn)
{
	struct page_owner *po = b->page_owner;
	const size_t size = CHUNK_FRAMES * sizeof(struct owner_record);
	struct owner_record *chunk = arch_host_alloc(b->kernel->arch, size), *none = NULL;

	if (!chunk) {
		if (!__atomic_exchange_n(&po->lost, true, __ATOMIC_RELAXED))
			pr_warn(b->kernel, "page_owner: no host memory, records are missing");
		return;
	}
	if (!__atomic_compare_exchange_n(&po->chunks[pfn >> CHUNK_ORDER], &none, chunk, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		arch_host_free(b->kernel->arch, chunk, size);
}

static struct owner_record *get_record(struct buddy *b, uint64_t pfn)
{
	struct owner_record *r = find_record(b->page_owner, pfn);

	if (r)
		return r;
	make_chunk(b, pfn);
	return find_record(b->page_owner, pfn);
}

static void save_stack(struct owner_stack *stack)
{
	stack->nr = arch_stack_save(stack->entries, STACK_DEPTH, 2);
}

noinline void page_owner_alloc(struct buddy *b, const struct page *page, unsigned int order, gfp_t gfp)
{
	struct owner_record *r = get_record(b, page_pfn(b, page)), fresh;
	struct page_owner *po = b->page_owner;
	char comm[32];

	if (!r)
		return;
	fresh = (struct owner_record){.known = true, .live = true, .order = (uint8_t)order, .gfp = gfp};
	arch_thread_name(comm, sizeof(comm), &fresh.pid);
	comm[COMM_LEN - 1] = '\0';
	memcpy(fresh.comm, comm, COMM_LEN);
	save_stack(&fresh.stack);
	arch_spin_lock(&po->lock);
	fresh.ts = ++po->clock;
	fresh.free_ts = r->free_ts;
	fresh.free_stack = r->free_stack;
	*r = fresh;
	arch_spin_unlock(&po->lock);
}

noinline void page_owner_free(struct buddy *b, const struct page *page)
{
	struct owner_record *r = find_record(b->page_owner, page_pfn(b, page));
	struct page_owner *po = b->page_owner;
	struct owner_stack stack;

	if (!r)
		return;
	save_stack(&stack);
	arch_spin_lock(&po->lock);
	r->live = false;
	r->free_ts = ++po->clock;
	r->free_stack = stack;
	arch_spin_unlock(&po->lock);
}

void page_owner_part(struct buddy *b, const struct page *page, const struct page *part,
		     unsigned int order)
{
	const struct owner_record *from = find_record(b->page_owner, page_pfn(b, page));
	struct owner_record *to = get_record(b, page_pfn(b, part));

	if (!from || !to)
		return;
	arch_spin_lock(&b->page_owner->lock);
	if (to != from)
		*to = *from;
	to->order = (uint8_t)order;
	arch_spin_unlock(&b->page_owner->lock);
}

static void copy_record(struct page_owner *po, const struct owner_record *from, struct owner_record *to)
{
	arch_spin_lock(&po->lock);
	*to = *from;
	arch_spin_unlock(&po->lock);
}

/* --- texts ----------------------------------------------------------------------------------- */

static void put_stack(struct seq_file *m, const struct owner_stack *stack)
{
	char name[128];

	for (unsigned int i = 0; i < stack->nr; i++) {
		arch_symbol(stack->entries[i], name, sizeof(name));
		seq_printf(m, " %s\n", name);
	}
}

/* The record of the block in which @pfn lies: the nearest one that reaches as far. */
static bool covering_record(const struct buddy *b, uint64_t pfn, struct owner_record *out)
{
	for (unsigned int order = 0; order < MAX_ORDER; order++) {
		const struct owner_record *r;

		r = find_record(b->page_owner, pfn & ~((1ull << order) - 1));
		if (!r)
			continue;
		copy_record(b->page_owner, r, out);
		if (out->known && out->order >= order)
			return true;
	}
	return false;
}

void page_owner_dump(const struct buddy *b, const struct page *page, struct seq_file *m)
{
	char gfp[GFP_NAME_MAX];
	struct owner_record r;

	if (!covering_record(b, page_pfn(b, page), &r)) {
		seq_puts(m, "page_owner info is not present (never set?)\n");
		return;
	}
	buddy_gfp_name(r.gfp, gfp, sizeof(gfp));
	seq_printf(m, "page_owner tracks the page as %s\n", r.live ? "allocated" : "freed");
	seq_printf(m, "page last allocated via order %u, migratetype %s, gfp_mask %#x(%s), pid %d, "
		   "tgid %d (%s), ts %llu, free_ts %llu\n", r.order,
		   migratetype_name(gfp_migratetype(b, r.gfp)), r.gfp, gfp, r.pid, r.pid, r.comm,
		   (unsigned long long)r.ts, (unsigned long long)r.free_ts);
	put_stack(m, &r.stack);
	if (!r.free_stack.nr) {
		seq_puts(m, "page_owner free stack trace missing\n");
		return;
	}
	seq_puts(m, "page last free stack trace:\n");
	put_stack(m, &r.free_stack);
}

static void show_record(const struct buddy *b, uint64_t pfn, const struct owner_record *r,
			struct seq_file *m)
{
	char gfp[GFP_NAME_MAX];

	buddy_gfp_name(r->gfp, gfp, sizeof(gfp));
	seq_printf(m, "Page allocated via order %u, mask %#x(%s), pid %d, tgid %d (%s), ts %llu ns, "
		   "free_ts %llu ns\n", r->order, r->gfp, gfp, r->pid, r->pid, r->comm,
		   (unsigned long long)r->ts, (unsigned long long)r->free_ts);
	seq_printf(m, "PFN %llu type %s Block %llu type %s Flags ", (unsigned long long)pfn,
		   migratetype_name(gfp_migratetype(b, r->gfp)),
		   (unsigned long long)(pfn >> b->pageblock_order),
		   migratetype_name(pageblock_type(b, pfn)));
	page_put_flags(m, pfn_page(b, pfn));
	put_stack(m, &r->stack);
	seq_putc(m, '\n');
}

/* /sys/kernel/debug/page_owner; empty if it is off. */
void buddy_show_page_owner(struct kernel *k, struct seq_file *m)
{
	const struct buddy *b = k->buddy;
	struct page_owner *po = b->page_owner;

	for (uint64_t c = 0; po && c < po->nr_chunks; c++) {
		const struct owner_record *chunk = __atomic_load_n(&po->chunks[c], __ATOMIC_ACQUIRE);

		for (uint64_t i = 0; chunk && i < CHUNK_FRAMES; i++) {
			struct owner_record r;

			copy_record(po, &chunk[i], &r);
			if (r.live)
				show_record(b, c << CHUNK_ORDER | i, &r, m);
		}
	}
}

bool page_owner_fork(struct kernel *k, struct fork_walk *w)
{
	return !k->buddy->page_owner || fork_spinlock(w, &k->buddy->page_owner->lock);
}
