/* SPDX-License-Identifier: MIT */
/*
 * What the kernel is told of the machine's RAM: the firmware's map, changed by words of the kernel's
 * command line (Documentation/admin-guide/kernel-parameters.rst and x86/x86_64/boot-options.rst).
 *
 *	mem=SIZE		RAM above SIZE is not used; memmap=SIZE is the same
 *	memmap=exactmap		forget the firmware's map; ranges with @ follow
 *	memmap=SIZE@START	RAM, whatever the map says: it has to be there
 *	memmap=SIZE#START	ACPI data, $START reserved, !START protected (persistent memory):
 *				no RAM for the kernel, and nobody else here has a use for it
 *	numa=off, noacpi	one node, whatever the description says
 *	numa=fake=N		all RAM in N nodes, dealt out in turn over the real ones
 *	numa=fake=SIZE		the same in nodes of SIZE (with M or G), as many as that gives
 *	numa=fake=NU		each real node, holes included, in N nodes of one size
 *
 * Words count in the order in which they stand. What the kernel does not use is still there: the
 * description's `ram` keeps all of it, and ioremap() may map it.
 *
 * Fake nodes end at multiples of 32 MiB from the start of the real one. With numa=fake=N each has the
 * Nth part, rounded down to that; what is left over makes the first ones one step larger. A node
 * that meets a hole grows until it has its share. Rests that would be too small for a node (less than
 * the share at the end of a real node, less than a step below 4 GiB) go to the node below them. So it
 * may become fewer than N, in Linux too.
 */
#include "sim/ram_words.h"
#include "sim/error.h"
#include "sim/number.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAKE_STEP ((uint64_t)32 << 20)
#define DMA32_END ((uint64_t)4 << 30)
#define BORDER_ALIGN ((uint64_t)4 << 20)	/* the largest block of the page allocator */

typedef unsigned long long ull;

/* A word of the command line: not NUL-terminated. */
struct cmd_word {
	const char *text, *value, *end;
};

static int bad_value(const struct cmd_word *w, struct machine_error *err, const char *why)
{
	return sim_error(err, -EINVAL, "kernel command line: bad value in '%.*s': %s",
			 (int)(w->end - w->text), w->text, why);
}

static int not_here(const struct cmd_word *w, struct machine_error *err, const char *why)
{
	return sim_error(err, -EOPNOTSUPP, "kernel command line: '%.*s': %s",
			 (int)(w->end - w->text), w->text, why);
}

static bool has_name(const struct cmd_word *w, const char *name)
{
	size_t len = strlen(name);

	return (size_t)(w->value - w->text) == len + 1 && !memcmp(w->text, name, len);
}

static bool value_is(const struct cmd_word *w, const char *value)
{
	size_t len = strlen(value);

	return (size_t)(w->end - w->value) == len && !memcmp(w->value, value, len);
}

/* Bytes of @ranges, which do not overlap, in [@start, @end). */
static uint64_t bytes_in(const struct range_vec *ranges, uint64_t start, uint64_t end)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < ranges->n; i++) {
		uint64_t from = ranges->v[i].start > start ? ranges->v[i].start : start;
		uint64_t to = ranges->v[i].end < end ? ranges->v[i].end : end;

		bytes += from < to ? to - from : 0;
	}
	return bytes;
}

/* --- mem=, memmap= --------------------------------------------------------------------------- */

static int set_limit(struct ram_words *rw, const struct cmd_word *w, uint64_t size,
		     struct machine_error *err)
{
	if (size < PAGE_SIZE)
		return bad_value(w, err, "less than a page");
	range_vec_cut(&rw->usable, size, UINT64_MAX);
	return 0;
}

static int parse_mem(struct ram_words *rw, const struct cmd_word *w, struct machine_error *err)
{
	const char *at = w->value;
	uint64_t size;

	if (value_is(w, "nopentium"))
		return not_here(w, err, "large pages cannot be switched off");
	if (!sim_read_size(&at, &size) || at != w->end)
		return bad_value(w, err, "a size is needed");
	return set_limit(rw, w, size, err);
}

/* [@start, @end) is RAM: of the memory modules, but without what the firmware keeps of them. */
static int use_range(struct ram_words *rw, const struct cmd_word *w, uint64_t start, uint64_t end,
		     struct machine_error *err)
{
	if (bytes_in(rw->banks, start, end) != end - start)
		return sim_error(err, -EINVAL, "kernel command line: '%.*s': the machine has no RAM in "
				 "all of 0x%llx-0x%llx", (int)(w->end - w->text), w->text, (ull)start,
				 (ull)end);
	range_vec_cut(&rw->usable, start, end);
	for (unsigned int i = 0; i < rw->firmware->n; i++) {
		const struct machine_range *r = &rw->firmware->v[i];
		uint64_t from = r->start > start ? r->start : start;
		uint64_t to = r->end < end ? r->end : end;

		if (from < to)
			range_vec_push(&rw->usable, from, to, NUMA_NO_NODE);
	}
	range_vec_sort(&rw->usable);
	return 0;
}

/* One of the ranges that commas part. */
static int parse_range(struct ram_words *rw, const struct cmd_word *w, const char **at,
		       struct machine_error *err)
{
	uint64_t size, start;
	char kind;

	if (!sim_read_size(at, &size))
		return bad_value(w, err, "SIZE@START, with one of @#$! between, is needed");
	if (*at == w->end || **at == ',')
		return set_limit(rw, w, size, err);
	kind = *(*at)++;
	if (kind == '%')
		return not_here(w, err, "types of ranges cannot be changed");
	if (!strchr("@#$!", kind) || !sim_read_size(at, &start) || !size || start + size < start)
		return bad_value(w, err, "SIZE@START, with one of @#$! between, is needed");
	if (kind == '@')
		return use_range(rw, w, start, start + size, err);
	range_vec_cut(&rw->usable, start, start + size);
	return 0;
}

static int parse_memmap(struct ram_words *rw, const struct cmd_word *w, struct machine_error *err)
{
	const char *at = w->value;
	int ret;

	if (value_is(w, "exactmap")) {
		range_vec_cut(&rw->usable, 0, UINT64_MAX);
		return 0;
	}
	for (;; at++) {
		ret = parse_range(rw, w, &at, err);
		if (ret || at == w->end)
			return ret;
		if (*at != ',')
			return bad_value(w, err, "ranges are parted by commas");
	}
}

/* --- numa= ----------------------------------------------------------------------------------- */

static int parse_fake(struct ram_words *rw, const struct cmd_word *w, struct machine_error *err)
{
	const char *at = w->value + strlen("fake=");
	uint64_t n;

	/* So many gigabytes fit 64 bits. */
	if (!sim_read_number(&at, &n) || !n || n >= (uint64_t)1 << 34)
		return bad_value(w, err, "fake=N, fake=NU or fake=SIZE with M or G is needed");
	rw->fake = at == w->end ? FAKE_COUNT : *at == 'U' ? FAKE_EACH : FAKE_SIZE;
	if (rw->fake == FAKE_SIZE) {
		if (*at != 'M' && *at != 'G')
			return bad_value(w, err, "fake=N, fake=NU or fake=SIZE with M or G is needed");
		n <<= *at == 'M' ? 20 : 30;
	}
	if (at + (rw->fake != FAKE_COUNT) != w->end)
		return bad_value(w, err, "fake=N, fake=NU or fake=SIZE with M or G is needed");
	if (rw->fake != FAKE_SIZE && n > DESC_MAX_NODES)
		return bad_value(w, err, "more than 1024 nodes");
	rw->fake_n = n;
	return 0;
}

static int parse_numa(struct ram_words *rw, const struct cmd_word *w, struct machine_error *err)
{
	if (value_is(w, "off") || value_is(w, "noacpi")) {
		rw->one_node = true;
		return 0;
	}
	if (value_is(w, "nohmat"))
		return not_here(w, err, "there is no HMAT to leave aside");
	if (w->end - w->value >= 5 && !memcmp(w->value, "fake=", 5))
		return parse_fake(rw, w, err);
	return bad_value(w, err, "off, noacpi or fake= is needed");
}

/* --- the command line ------------------------------------------------------------------------ */

static bool next_word(const char **at, struct cmd_word *w)
{
	const char *p = *at;

	while (isspace((unsigned char)*p))
		p++;
	w->text = p;
	w->value = NULL;
	for (; *p && !isspace((unsigned char)*p); p++) {
		if (*p == '=' && !w->value)
			w->value = p + 1;
	}
	w->end = p;
	*at = p;
	return p != w->text;
}

int ram_words_parse(struct ram_words *rw, const char *cmdline, const struct range_vec *banks,
		    const struct range_vec *firmware, struct machine_error *err)
{
	struct cmd_word w;
	int ret = 0;

	*rw = (struct ram_words){.banks = banks, .firmware = firmware};
	for (unsigned int i = 0; i < firmware->n; i++)
		range_vec_push(&rw->usable, firmware->v[i].start, firmware->v[i].end, NUMA_NO_NODE);
	while (!ret && cmdline && next_word(&cmdline, &w)) {
		if (!w.value)
			continue;
		if (has_name(&w, "mem"))
			ret = parse_mem(rw, &w, err);
		else if (has_name(&w, "memmap"))
			ret = parse_memmap(rw, &w, err);
		else if (has_name(&w, "numa"))
			ret = parse_numa(rw, &w, err);
	}
	if (!ret && rw->usable.failed)
		ret = sim_error(err, -ENOMEM, "no host memory for the RAM map");
	if (!ret && firmware->n && !rw->usable.n)
		ret = sim_error(err, -EINVAL, "kernel command line: mem= and memmap= leave no RAM");
	return ret;
}

/* --- fake nodes ------------------------------------------------------------------------------ */

struct faker {
	const struct range_vec *usable;
	struct range_vec spans;		/* what is left of the real nodes, holes included; ascending */
	struct range_vec out;		/* the fake nodes' parts */
	int real[DESC_MAX_NODES];	/* node that each fake one lies on */
	unsigned int nr;		/* parts made so far */
};

/* The real nodes' ranges, those that lie side by side in one, up to the end of RAM. */
static void collect_spans(struct faker *f, const struct range_vec *banks)
{
	uint64_t top = f->usable->v[f->usable->n - 1].end;

	for (unsigned int i = 0; i < banks->n; i++) {
		const struct machine_range *b = &banks->v[i];
		uint64_t end = b->end < top ? b->end : top;

		if (b->start >= end)
			continue;
		if (f->spans.n && f->spans.v[f->spans.n - 1].node == b->node)
			f->spans.v[f->spans.n - 1].end = end;
		else
			range_vec_push(&f->spans, b->start, end, b->node);
	}
}

/* Where @size bytes of RAM from @start on are complete; UINT64_MAX if there is less. */
static uint64_t reach(const struct range_vec *ranges, uint64_t start, uint64_t size)
{
	for (unsigned int i = 0; i < ranges->n; i++) {
		uint64_t from = ranges->v[i].start > start ? ranges->v[i].start : start;
		uint64_t bytes = ranges->v[i].end > from ? ranges->v[i].end - from : 0;

		if (bytes >= size)
			return from + size;
		size -= bytes;
	}
	return UINT64_MAX;
}

/* Where a part that begins at @start ends, if it wants @size bytes of RAM and @at_least of addresses. */
static uint64_t part_end(const struct faker *f, uint64_t start, uint64_t limit, uint64_t size,
			 uint64_t at_least)
{
	uint64_t end = start + at_least, full = reach(f->usable, start, size);

	if (full > limit)
		return limit;
	if (full > end)
		end += (full - end + FAKE_STEP - 1) & ~(FAKE_STEP - 1);
	end = (end + BORDER_ALIGN - 1) & ~(BORDER_ALIGN - 1);
	if (end < DMA32_END && bytes_in(f->usable, end, DMA32_END) < FAKE_STEP)
		end = DMA32_END;
	if (end >= limit || bytes_in(f->usable, end, limit) < size)
		return limit;
	return end;
}

/* The next part of @span becomes fake node @node. */
static void take_part(struct faker *f, struct machine_range *span, uint64_t end, unsigned int node)
{
	if (f->real[node] == NUMA_NO_NODE)
		f->real[node] = span->node;
	range_vec_push(&f->out, span->start, end, (int)node);
	span->start = end;
	f->nr++;
}

/* The first range that is left of real node @node. */
static struct machine_range *span_of(struct faker *f, int node)
{
	for (unsigned int i = 0; i < f->spans.n; i++)
		if (f->spans.v[i].node == node && f->spans.v[i].start < f->spans.v[i].end)
			return &f->spans.v[i];
	return NULL;
}

/* One part of each real node in turn, until nothing is left. @wrap: nodes to deal the parts out to;
 * the first @big parts are a step larger. False: more than there may be. */
static bool deal_parts(struct faker *f, unsigned int real_nodes, uint64_t size, uint64_t big,
		       unsigned int wrap)
{
	bool left = true;

	while (left) {
		left = false;
		for (unsigned int i = 0; i < real_nodes; i++) {
			struct machine_range *span = span_of(f, (int)i);
			uint64_t end;

			if (!span)
				continue;
			if (!wrap && f->nr == DESC_MAX_NODES)
				return false;
			left = true;
			end = part_end(f, span->start, span->end, size,
				       size + (f->nr < big ? FAKE_STEP : 0));
			take_part(f, span, end, wrap ? f->nr % wrap : f->nr);
		}
	}
	return true;
}

static int fake_count(struct faker *f, const struct ram_words *rw, unsigned int *nodes,
		      struct machine_error *err)
{
	unsigned int n = (unsigned int)rw->fake_n;
	uint64_t total = bytes_in(f->usable, 0, UINT64_MAX);
	uint64_t share = total / n & PAGE_MASK_64;
	uint64_t size = share & ~(FAKE_STEP - 1);

	if (!size)
		return sim_error(err, -EINVAL, "numa=fake=%u: %llu MiB are less than 32 for each node",
				 n, (ull)(total >> 20));
	deal_parts(f, *nodes, size, (share - size) * n / FAKE_STEP, n);
	*nodes = f->nr < n ? f->nr : n;
	return 0;
}

static int fake_size(struct faker *f, const struct ram_words *rw, unsigned int *nodes,
		     struct machine_error *err)
{
	if (rw->fake_n < FAKE_STEP)
		return sim_error(err, -EINVAL, "numa=fake=%lluM: a node has at least 32 MiB",
				 (ull)(rw->fake_n >> 20));
	if (!deal_parts(f, *nodes, rw->fake_n & ~(FAKE_STEP - 1), 0, 0))
		return sim_error(err, -EINVAL, "numa=fake=%lluM: that makes more than %d nodes",
				 (ull)(rw->fake_n >> 20), DESC_MAX_NODES);
	*nodes = f->nr;
	return 0;
}

static uint64_t span_bytes(const struct faker *f, int node)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < f->spans.n; i++)
		if (f->spans.v[i].node == node)
			bytes += f->spans.v[i].end - f->spans.v[i].start;
	return bytes;
}

/* Real node @node in @n parts, numbered from @first on. How many there were. */
static unsigned int fake_each_node(struct faker *f, int node, unsigned int n, unsigned int first)
{
	uint64_t size = (span_bytes(f, node) / n + FAKE_STEP - 1) & ~(FAKE_STEP - 1);
	uint64_t left = size;
	struct machine_range *span;
	unsigned int parts = 0;

	while ((span = span_of(f, node))) {
		uint64_t end = span->end - span->start > left ? span->start + left : span->end;

		end = (end + BORDER_ALIGN - 1) & ~(BORDER_ALIGN - 1);
		if (end > span->end || parts + 1 == n)
			end = span->end;
		left -= end - span->start < left ? end - span->start : left;
		take_part(f, span, end, first + parts);
		/* The last one takes what is left, however it is cut. */
		if (!left && parts + 1 < n) {
			parts++;
			left = size;
		}
	}
	return parts + (left != size);
}

static int fake_each(struct faker *f, const struct ram_words *rw, unsigned int *nodes,
		     struct machine_error *err)
{
	unsigned int n = (unsigned int)rw->fake_n, made = 0;

	if ((uint64_t)n * *nodes > DESC_MAX_NODES)
		return sim_error(err, -EINVAL, "numa=fake=%uU: that makes more than %d nodes", n,
				 DESC_MAX_NODES);
	for (unsigned int node = 0; node < *nodes; node++) {
		unsigned int parts;

		if (!span_of(f, (int)node))
			continue;
		parts = fake_each_node(f, (int)node, n, made);
		if (parts != n)
			return sim_error(err, -EINVAL, "numa=fake=%uU: node %u gives only %u", n, node,
					 parts);
		made += n;
	}
	*nodes = made;
	return 0;
}

/* A fake node that got nothing lies somewhere, too. */
static void copy_real(const struct faker *f, int *real, unsigned int nodes)
{
	for (unsigned int i = 0; i < nodes; i++)
		real[i] = f->real[i] == NUMA_NO_NODE ? 0 : f->real[i];
}

static int make_fakes(struct faker *f, const struct ram_words *rw, unsigned int *nodes,
		      struct machine_error *err)
{
	for (unsigned int i = 0; i < DESC_MAX_NODES; i++)
		f->real[i] = NUMA_NO_NODE;
	collect_spans(f, rw->banks);
	if (rw->fake == FAKE_COUNT)
		return fake_count(f, rw, nodes, err);
	if (rw->fake == FAKE_SIZE)
		return fake_size(f, rw, nodes, err);
	return fake_each(f, rw, nodes, err);
}

int ram_words_fake(const struct ram_words *rw, struct range_vec *banks, unsigned int *nodes,
		   int **real, struct machine_error *err)
{
	struct faker *f = calloc(1, sizeof(*f));
	uint64_t top = rw->usable.v[rw->usable.n - 1].end;
	int ret = -ENOMEM;

	if (f) {
		f->usable = &rw->usable;
		ret = make_fakes(f, rw, nodes, err);
	}
	if (!ret) {
		*real = malloc(*nodes * sizeof(**real));
		if (*real)
			copy_real(f, *real, *nodes);
		/* What mem= hides belongs to no node; the map wants one all the same. */
		range_vec_push(&f->out, top, UINT64_MAX, (int)*nodes - 1);
		range_vec_sort(&f->out);
		if (!*real || f->out.failed || f->spans.failed)
			ret = -ENOMEM;
	}
	if (ret == -ENOMEM)
		sim_error(err, ret, "no host memory for the RAM map");
	if (!ret) {
		range_vec_free(banks);
		*banks = f->out;
		f->out = (struct range_vec){0};
	}
	if (f) {
		range_vec_free(&f->out);
		range_vec_free(&f->spans);
	}
	free(f);
	return ret;
}
