/* SPDX-License-Identifier: MIT */
/* Pages: from the per-CPU lists (orders 0 to 3; 9 with thp=1), and by split and merge under the zone lock. */
#include "bench.h"

#ifdef BENCH_KMEM

/* A batch is what fits into a gibibyte: 1000 blocks, fewer of the largest. */
#define MAX_BATCH 1000

struct request {
	unsigned int order;
	unsigned int batch;
	struct page *pages[MAX_BATCH];
};

static struct request request;

static void pairs(void *arg, uint64_t n)
{
	struct request *r = arg;
	struct page *page;
	uint64_t i;

	for (i = 0; i < n; i++) {
		page = alloc_pages(GFP_KERNEL, r->order);
		*(uint64_t *)page_address(page) = i;
		__free_pages(page, r->order);
	}
}

static void batches(void *arg, uint64_t n)
{
	struct request *r = arg;
	uint64_t i;
	unsigned int k;

	for (i = 0; i < n; i++) {
		for (k = 0; k < r->batch; k++) {
			r->pages[k] = alloc_pages(GFP_KERNEL, r->order);
			if (!r->pages[k])
				bench_fail("a batch of pages does not fit");
			*(uint64_t *)page_address(r->pages[k]) = i;
		}
		for (k = 0; k < r->batch; k++)
			__free_pages(r->pages[k], r->order);
	}
}

static double timed(const char *text, unsigned int order, unsigned int batch)
{
	struct machine *m = bench_boot(text);
	double ns;

	request.order = order;
	request.batch = batch;
	ns = batch ? bench_time(batches, &request) / batch : bench_time(pairs, &request);
	machine_shutdown(m);
	return ns;
}

#define MACHINE "preset=x86_64 mem=2G cpus=2"
#define PAGE_WORK(order, batch)                                                         \
	static double pair_##order(void)                                                    \
	{                                                                                   \
		return timed(MACHINE, order, 0);                                                \
	}                                                                                   \
	static double batch_##order(void)                                                   \
	{                                                                                   \
		return timed(MACHINE, order, batch);                                            \
	}

PAGE_WORK(0, 1000)
PAGE_WORK(3, 1000)
PAGE_WORK(4, 1000)
PAGE_WORK(6, 1000)
PAGE_WORK(9, 500)
PAGE_WORK(10, 250)

static double pair_9_thp(void)
{
	return timed("preset=x86_64 mem=2G cpus=2 thp=1", 9, 0);
}

const struct bench_workload page_workloads[] = {
	{ "page-order-0-pair", pair_0 },
	{ "page-order-3-pair", pair_3 },
	{ "page-order-9-thp-pair", pair_9_thp },
	{ "page-order-4-pair", pair_4 },
	{ "page-order-6-pair", pair_6 },
	{ "page-order-9-pair", pair_9 },
	{ "page-order-10-pair", pair_10 },
	{ "page-order-0-batch", batch_0 },
	{ "page-order-3-batch", batch_3 },
	{ "page-order-4-batch", batch_4 },
	{ "page-order-6-batch", batch_6 },
	{ "page-order-9-batch", batch_9 },
	{ "page-order-10-batch", batch_10 },
	{ NULL, NULL },
};

#else
#include "limit.h"

/* The limit loop stands with the bare machine: a pair of calls around a free list. */
static void limit_pairs(void *arg, uint64_t n)
{
	uint64_t i, *p;

	(void)arg;
	for (i = 0; i < n; i++) {
		p = limit_pop();
		*p = i;
		limit_push(p);
	}
}

static double limit(void)
{
	return bench_time(limit_pairs, NULL);
}

const struct bench_workload page_workloads[] = {
	{ "limit", limit },
	{ NULL, NULL },
};
#endif
