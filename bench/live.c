/* SPDX-License-Identifier: MIT */
/*
 * Cost against live objects: one of N objects of 64 bytes, at random, is freed, another allocated and
 * written. The bare machine writes to one of N places instead: what the caches and the TLB of the host ask for
 * alone.
 */
#include "bench.h"
#include "scale.h"

struct herd {
	uint64_t **object;
	uint64_t size;
	uint64_t seed;
	char *memory;	/* the bare machine's */
};

#if defined(BENCH_SMALL)
static void replace(void *arg, uint64_t n)
{
	struct herd *h = arg;
	uint64_t i, at;

	for (i = 0; i < n; i++) {
		at = bench_random(&h->seed) % h->size;
		one_free(h->object[at]);
		h->object[at] = one_alloc();
		*h->object[at] = i;
	}
}

static void begin(struct herd *h)
{
	uint64_t i;

	bench_begin();
	for (i = 0; i < h->size; i++) {
		h->object[i] = one_alloc();
		*h->object[i] = i;
	}
}

static void end(struct herd *h)
{
	uint64_t i;

	for (i = 0; i < h->size; i++)
		one_free(h->object[i]);
	bench_end();
}
#else
static void replace(void *arg, uint64_t n)
{
	struct herd *h = arg;
	uint64_t i;

	for (i = 0; i < n; i++)
		*h->object[bench_random(&h->seed) % h->size] = i;
}

static void begin(struct herd *h)
{
	uint64_t i;

	h->memory = malloc(64 * h->size);
	if (!h->memory)
		bench_fail("no memory for so many objects");
	for (i = 0; i < h->size; i++) {
		h->object[i] = (uint64_t *)(void *)(h->memory + 64 * i);
		*h->object[i] = i;
	}
}

static void end(struct herd *h)
{
	free(h->memory);
}
#endif

/* The order of addresses: anything, from the start. */
static void shuffle(struct herd *h)
{
	uint64_t i, at, *other;

	for (i = h->size; i > 1; i--) {
		at = bench_random(&h->seed) % i;
		other = h->object[at];
		h->object[at] = h->object[i - 1];
		h->object[i - 1] = other;
	}
}

/* @size: live objects. */
static double replace_live(uint64_t size)
{
	struct herd h = { .size = size, .seed = size + 1 };
	double ns;

	h.object = malloc(size * sizeof(*h.object));
	if (!h.object)
		bench_fail("no memory for so many objects");
	begin(&h);
	shuffle(&h);
	replace(&h, size / 2);	/* free lists as random as the objects */
	ns = bench_time(replace, &h);
	end(&h);
	free(h.object);
	return ns;
}

const struct bench_scale live_scales[] = {
	{ "replace-live", replace_live },
	{ NULL, NULL },
};
