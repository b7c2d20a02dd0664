/* SPDX-License-Identifier: MIT */
/*
 * Performing events, and counting.
 *
 * Events come in batches; a batch is cut into chunks where the CPU changes or a sample is due. A
 * chunk is performed first, with the clock running and nothing done but the allocator's calls and
 * one pointer a call; then it is gone through again, with the clock stopped, to count objects and
 * bytes.
 */
#include "replay.h"

#include <kmem/kmem.h>

#include <stdlib.h>
#include <string.h>

#define SMALL_SIZES 8193	/* kmalloc sizes below are asked for their usable bytes once */

struct live {
	uint32_t req_bytes;
	uint32_t live_bytes;
	uint16_t cache;
	uint8_t op;		/* enum event_op of the allocation */
	uint8_t order;
	bool alive;
};

struct replay_cache {
	struct kmem_cache *s;
	uint32_t object_size;
	uint32_t slot_size;	/* bytes from one object to the next */
};

struct replayer {
	const struct resolved_trace *trace;
	struct metrics *m;
	struct replay_cache *caches;
	void **slots;		/* objects, and struct page * */
	struct live *live;
	uint32_t usable[SMALL_SIZES];	/* ksize() by size of kmalloc; 0: not asked yet */
	bool one_cpu;
	struct trace_out *out;	/* NULL: no --trace-out */
	unsigned int cpu;
	uint64_t clock_cost;	/* ns that a pair of clock readings adds to what is between */
	uint64_t ops;		/* object events so far */
	uint64_t sample_step;	/* 0: no samples */
	uint64_t next_sample;	/* UINT64_MAX: no more */
	size_t max_samples;
	struct kmem_stats start;
};

/* --- caches ---------------------------------------------------------------------------------- */

static void no_constructor(void *object)
{
}

/* "… size=192 …" of the geometry line. */
static uint32_t slot_size(struct kmem_cache *s)
{
	char line[512];
	const char *field;

	kmem_cache_print_geometry(s, false, line, sizeof(line));
	field = strstr(line, " size=");
	return field ? (uint32_t)strtoul(field + strlen(" size="), NULL, 10) : kmem_cache_size(s);
}

static void make_cache(struct replayer *r, const struct trace_cache *c,
		       const struct cache_info *info, struct replay_cache *out)
{
	slab_flags_t flags = 0;

	if (info && info->hwcache_align)
		flags |= SLAB_HWCACHE_ALIGN;
	if (info && info->reclaim_account)
		flags |= SLAB_RECLAIM_ACCOUNT;
	out->object_size = info ? info->object_size : (uint32_t)c->max_bytes_req;
	out->s = kmem_cache_create(c->name, out->object_size, info ? info->align : 0, flags,
				   info && info->ctor ? no_constructor : NULL);
	if (!out->s)
		die("the cache '%s' of %u-byte objects, aligned to %u, cannot be made", c->name,
		    out->object_size, info ? info->align : 0);
	out->slot_size = slot_size(out->s);
	if (!info)
		r->m->caches_unlisted++;
}

static void make_caches(struct replayer *r, const struct caches_file *file)
{
	const struct resolved_trace *trace = r->trace;

	r->caches = xcalloc(trace->nr_caches, sizeof(*r->caches));
	/* a size that no cache can have is the input's fault: one line, no kernel report */
	sim_messages(-1);
	for (unsigned int i = 0; i < trace->nr_caches; i++)
		make_cache(r, &trace->caches[i], caches_find(file, trace->caches[i].name),
			   &r->caches[i]);
	sim_messages(REPLAY_LOG_LEVEL);
}

/* --- performing ------------------------------------------------------------------------------ */

/* Kernel replays, whose page counts ours are compared with, asked with GFP_KERNEL and kept only the
 * hint that the memory is reclaimable. */
static gfp_t object_gfp(gfp_t recorded)
{
	return GFP_KERNEL | (recorded & __GFP_RECLAIMABLE);
}

static void learn_usable(struct replayer *r, const struct event *e, const void *object)
{
	if (object && e->size < SMALL_SIZES)
		r->usable[e->size] = (uint32_t)ksize(object);
}

static void perform(struct replayer *r, struct event *e, size_t n)
{
	for (; n; n--, e++) {
		void **slot = &r->slots[e->slot];

		switch ((enum event_op)e->op) {
		case EVENT_ALLOC:
			*slot = kmem_cache_alloc(r->caches[e->cache].s, GFP_KERNEL);
			break;
		case EVENT_KMALLOC:
			*slot = kmalloc(e->size, object_gfp(e->gfp));
			if (e->new_size)
				learn_usable(r, e, *slot);
			break;
		case EVENT_FREE:
			kmem_cache_free(r->caches[e->cache].s, *slot);
			continue;
		case EVENT_KFREE:
			kfree(*slot);
			continue;
		case EVENT_PAGE_ALLOC:
			*slot = alloc_pages(e->gfp, e->order);
			break;
		case EVENT_PAGE_FREE:
			if (*slot)
				__free_pages(*slot, e->order);
			continue;
		}
		e->failed = !*slot;
	}
}

static bool is_alloc(const struct event *e)
{
	return e->op == EVENT_ALLOC || e->op == EVENT_KMALLOC || e->op == EVENT_PAGE_ALLOC;
}

static void perform_traced(struct replayer *r, struct event *e, size_t n)
{
	for (; n; n--, e++) {
		trace_out_row(r->out, is_alloc(e));
		perform(r, e, 1);
		trace_out_row_done(r->out);
	}
}

static void perform_timed(struct replayer *r, struct event *e, size_t n)
{
	uint64_t start = clock_ns();
	uint64_t ns;

	if (r->out)
		perform_traced(r, e, n);
	else
		perform(r, e, n);
	ns = clock_ns() - start;
	r->m->exec_ns += ns > r->clock_cost ? ns - r->clock_cost : 0;
}

static uint64_t measure_clock(void)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 1000; i++) {
		uint64_t start = clock_ns();
		uint64_t ns = clock_ns() - start;

		if (ns < best)
			best = ns;
	}
	return best;
}

/* --- counting -------------------------------------------------------------------------------- */

static uint32_t usable_bytes(const struct replayer *r, uint32_t size)
{
	uint64_t bytes = PAGE_SIZE;

	if (size < SMALL_SIZES)
		return r->usable[size];
	while (bytes < size)
		bytes *= 2;
	return (uint32_t)bytes;
}

static void count_object(struct replayer *r, const struct event *e)
{
	struct live *l = &r->live[e->slot];
	struct metrics *m = r->m;

	if (e->failed) {
		m->failures++;
		return;
	}
	*l = (struct live){.alive = true, .op = e->op, .cache = e->cache};
	if (e->op == EVENT_ALLOC) {
		l->req_bytes = r->caches[e->cache].object_size;
		l->live_bytes = r->caches[e->cache].slot_size;
	} else {
		l->req_bytes = e->size;
		l->live_bytes = usable_bytes(r, e->size);
	}
	m->objs++;
	m->req_bytes += l->req_bytes;
	m->live_bytes += l->live_bytes;
	if (m->req_bytes <= m->peak_req_bytes)
		return;
	m->peak_req_bytes = m->req_bytes;
	m->peak_live_bytes = m->live_bytes;
	m->peak_objs = m->objs;
}

static void uncount_object(struct replayer *r, const struct event *e)
{
	struct live *l = &r->live[e->slot];

	if (!l->alive)
		return;	/* its allocation failed */
	l->alive = false;
	r->m->objs--;
	r->m->req_bytes -= l->req_bytes;
	r->m->live_bytes -= l->live_bytes;
}

static void count_pages(struct replayer *r, const struct event *e)
{
	struct metrics *m = r->m;

	if (e->failed) {
		m->event_failures++;
		return;
	}
	r->live[e->slot] = (struct live){.alive = true, .op = e->op, .order = e->order};
	m->event_allocs[e->order]++;
	m->event_pages += 1ULL << e->order;
	if (m->event_pages > m->event_peak_pages)
		m->event_peak_pages = m->event_pages;
}

static void uncount_pages(struct replayer *r, const struct event *e)
{
	struct live *l = &r->live[e->slot];

	if (!l->alive)
		return;
	l->alive = false;
	r->m->event_frees++;
	r->m->event_pages -= 1ULL << e->order;
}

static void count(struct replayer *r, const struct event *e, size_t n)
{
	r->m->events += n;
	for (; n; n--, e++) {
		switch ((enum event_op)e->op) {
		case EVENT_ALLOC:
		case EVENT_KMALLOC:
			r->ops++;
			count_object(r, e);
			break;
		case EVENT_FREE:
		case EVENT_KFREE:
			r->ops++;
			uncount_object(r, e);
			break;
		case EVENT_PAGE_ALLOC:
			count_pages(r, e);
			break;
		case EVENT_PAGE_FREE:
			uncount_pages(r, e);
			break;
		}
	}
}

/* --- samples --------------------------------------------------------------------------------- */

/* Pages of the small-object layer since the start, now and at most. */
static void read_pages(const struct replayer *r, uint64_t *pages, uint64_t *peak)
{
	uint64_t before = r->start.slab_pages + r->start.large_pages;
	struct kmem_stats now;

	kmem_get_stats(&now);
	*pages = now.slab_pages + now.large_pages - before;
	*peak = now.peak_pages - before;
}

static void take_sample(struct replayer *r)
{
	struct metrics *m = r->m;
	struct sample *s = &m->samples[m->nr_samples++];

	*s = (struct sample){.ops = r->ops, .live_objs = m->objs, .req_bytes = m->req_bytes};
	read_pages(r, &s->pages, &s->peak_pages);
}

static void plan_samples(struct replayer *r, unsigned long samples)
{
	uint64_t ops = r->trace->object_ops;

	r->max_samples = samples;
	r->sample_step = samples ? ops / samples : 0;
	r->next_sample = r->sample_step ? r->sample_step : UINT64_MAX;
	r->m->samples = xcalloc(samples + 1, sizeof(*r->m->samples));
}

static void sample_if_due(struct replayer *r)
{
	if (r->ops != r->next_sample)
		return;
	take_sample(r);
	r->next_sample += r->sample_step;
	if (r->m->nr_samples == r->max_samples)
		r->next_sample = UINT64_MAX;
}

static void sample_end(struct replayer *r)
{
	const struct metrics *m = r->m;

	if (!m->nr_samples || m->samples[m->nr_samples - 1].ops != r->ops)
		take_sample(r);
}

/* --- the whole ------------------------------------------------------------------------------- */

/* Events at @e that run on one CPU and end no later than the next sample. */
static size_t chunk_length(const struct replayer *r, const struct event *e, size_t n)
{
	uint64_t left = r->next_sample - r->ops;
	size_t i = 0;

	while (i < n && left && (r->one_cpu || e[i].cpu == e[0].cpu)) {
		if (e[i].op != EVENT_PAGE_ALLOC && e[i].op != EVENT_PAGE_FREE)
			left--;
		i++;
	}
	return i;
}

static void go_to_cpu(struct replayer *r, unsigned int cpu)
{
	if (r->one_cpu || cpu == r->cpu)
		return;
	if (cpu_migrate(cpu))
		die("cannot move to CPU %u", cpu);
	r->cpu = cpu;
}

static void perform_all(struct replayer *r)
{
	struct event *batch = xcalloc(EVENT_BATCH, sizeof(*batch));
	uint64_t total = store_count(r->trace->events);
	size_t n;

	progress_begin("replaying");
	while ((n = store_next(r->trace->events, batch))) {
		struct event *e = batch;
		size_t len;

		for (; n; n -= len, e += len) {
			len = chunk_length(r, e, n);
			go_to_cpu(r, e->cpu);
			perform_timed(r, e, len);
			count(r, e, len);
			sample_if_due(r);
		}
		progress_update(r->m->events, total);
	}
	progress_end();
	free(batch);
}

static void read_end(struct replayer *r)
{
	struct metrics *m = r->m;
	struct kmem_stats now;

	read_pages(r, &m->pages, &m->peak_pages);
	kmem_get_stats(&now);
	m->slabs = now.slabs - r->start.slabs;
	m->management_bytes = now.management_bytes;
	for (unsigned int o = 0; o < MAX_ORDER; o++)
		m->page_allocs[o] = now.page_allocs[o] - r->start.page_allocs[o] -
				    m->event_allocs[o];
	extfrag_read(m);
}

/* What the trace left alive, and the caches. */
static void clean_up(struct replayer *r)
{
	for (uint32_t i = 0; i < r->trace->nr_slots; i++) {
		const struct live *l = &r->live[i];

		if (!l->alive)
			continue;
		if (l->op == EVENT_ALLOC)
			kmem_cache_free(r->caches[l->cache].s, r->slots[i]);
		else if (l->op == EVENT_KMALLOC)
			kfree(r->slots[i]);
		else
			__free_pages(r->slots[i], l->order);
	}
	for (unsigned int i = 0; i < r->trace->nr_caches; i++)
		kmem_cache_destroy(r->caches[i].s);
}

void replay_execute(struct metrics *m, const struct replay_options *o,
		    const struct resolved_trace *trace, const struct caches_file *caches)
{
	struct replayer *r = xcalloc(1, sizeof(*r));

	memset(m, 0, sizeof(*m));
	r->trace = trace;
	r->m = m;
	r->one_cpu = o->one_cpu;
	r->slots = xcalloc(trace->nr_slots, sizeof(*r->slots));
	r->live = xcalloc(trace->nr_slots, sizeof(*r->live));
	make_caches(r, caches);
	r->clock_cost = measure_clock();
	r->cpu = (unsigned int)smp_processor_id();
	plan_samples(r, o->samples);
	kmem_stats_reset_peak();
	kmem_get_stats(&r->start);
	if (o->trace_out)
		r->out = trace_out_begin(o->trace_out);
	perform_all(r);
	if (r->out)
		trace_out_end(r->out);
	sample_end(r);
	read_end(r);
	clean_up(r);
	free(r->caches);
	free(r->slots);
	free(r->live);
	free(r);
}

void metrics_free(struct metrics *m)
{
	free(m->extfrag);
	free(m->samples);
	memset(m, 0, sizeof(*m));
}
