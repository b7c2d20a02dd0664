/* SPDX-License-Identifier: MIT */
/*
 * Machine descriptions from text: `key=value` words, in any order; `preset=` counts first wherever it
 * stands. A key replaces what the preset says about it. docs/machine.md lists the keys.
 *
 * The text is cut into words, each with its line; then each word goes to its key's parser, which
 * returns what it expected if the value is bad. One line of error names text, line, word, reason.
 */
#include "sim/desc.h"
#include "sim/error.h"
#include "sim/number.h"
#include "sim/tlb.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kmem/mm.h>

#define FILE_MAX (1 << 20)

struct word {
	char *key;		/* NULL: a bare word */
	char *value;
	unsigned int line;
};

struct parser {
	struct machine_desc *desc;
	struct desc_owned *owned;
	struct machine_error *err;
	const char *name;
	struct word *words;
	unsigned int nr_words, max_words;
	unsigned int rows, row_len;	/* of distance= */
	char why[160];			/* of a bad value, where the parser says it itself */
	int code;			/* of a bad value: -EINVAL unless the parser says otherwise */
};

static int out_of_memory(struct parser *p)
{
	return sim_error(p->err, -ENOMEM, "%s: no host memory for the description", p->name);
}

/* --- words --------------------------------------------------------------------------------- */

static int add_word(struct parser *p, char *text, unsigned int line)
{
	char *equal = strchr(text, '=');

	if (p->nr_words == p->max_words) {
		unsigned int max = p->max_words ? p->max_words * 2 : 16;
		struct word *words = realloc(p->words, max * sizeof(*words));

		if (!words)
			return out_of_memory(p);
		p->words = words;
		p->max_words = max;
	}
	if (equal)
		*equal = '\0';
	p->words[p->nr_words++] = (struct word){
		.key = equal ? text : NULL,
		.value = equal ? equal + 1 : text,
		.line = line,
	};
	return 0;
}

/* Take the quotes out of the word at *@at, which keep blanks together, end it with a NUL and move
 * *@at behind it. false: a quote is not closed. */
static bool take_word(char **at, unsigned int *line)
{
	char *in = *at, *out = *at;
	char quote = 0;

	for (; *in && (quote || !isspace((unsigned char)*in)); in++) {
		*line += *in == '\n';
		if (quote ? *in == quote : (*in == '"' || *in == '\''))
			quote = quote ? 0 : *in;
		else
			*out++ = *in;
	}
	if (*in)
		*line += *in++ == '\n';
	*out = '\0';
	*at = in;
	return !quote;
}

/* Cut @text, which is changed, into words. */
static int cut_words(struct parser *p, char *text)
{
	unsigned int line = 1;
	int ret = 0;

	while (!ret && *text) {
		unsigned int start = line;
		char *word = text;

		if (isspace((unsigned char)*text))
			line += *text++ == '\n';
		else if (*text == '#')
			text += strcspn(text, "\n");
		else if (take_word(&text, &line))
			ret = add_word(p, word, start);
		else
			ret = sim_error(p->err, -EINVAL, "%s:%u: a quote is not closed", p->name, start);
	}
	return ret;
}

/* --- values -------------------------------------------------------------------------------- */

static bool whole_number(const char *value, uint64_t min, uint64_t max, uint64_t *out)
{
	return sim_read_number(&value, out) && !*value && *out >= min && *out <= max;
}

static const char *bad_number(struct parser *p, uint64_t min, uint64_t max)
{
	snprintf(p->why, sizeof(p->why), "a number from %llu to %llu is needed",
		 (unsigned long long)min, (unsigned long long)max);
	return p->why;
}

static const char *not_in_this_version(struct parser *p)
{
	p->code = -EOPNOTSUPP;
	return "not in this version";
}

static const char *set_number(struct parser *p, const char *value, unsigned int *field,
			      unsigned int min, unsigned int max)
{
	uint64_t n;

	if (!whole_number(value, min, max, &n))
		return bad_number(p, min, max);
	*field = (unsigned int)n;
	return NULL;
}

static const char *set_bool(const char *value, bool *field)
{
	if (strcmp(value, "0") && strcmp(value, "1"))
		return "0 or 1 is needed";
	*field = *value == '1';
	return NULL;
}

/* START-END, and @NODE where @with_node. */
static bool read_range(const char **at, bool with_node, struct machine_range *r)
{
	uint64_t node;

	r->node = NUMA_NO_NODE;
	if (!sim_read_size(at, &r->start) || *(*at)++ != '-' || !sim_read_size(at, &r->end))
		return false;
	if (!with_node || **at != '@')
		return true;
	(*at)++;
	if (!sim_read_number(at, &node) || node >= DESC_MAX_NODES)
		return false;
	r->node = (int)node;
	return true;
}

static const char *read_ranges(struct parser *p, const char *value, bool with_node,
			       struct range_vec *vec)
{
	for (;;) {
		const char *start = value;
		struct machine_range r;

		if (!read_range(&value, with_node, &r) || (*value && *value != ',')) {
			snprintf(p->why, sizeof(p->why), "'%.60s': START-END%s is needed", start,
				 with_node ? " or START-END@NODE" : "");
			return p->why;
		}
		if (r.start >= r.end) {
			snprintf(p->why, sizeof(p->why), "'%.*s' is empty or ends before it starts",
				 (int)(value - start), start);
			return p->why;
		}
		range_vec_push(vec, r.start, r.end, r.node);
		if (!*value)
			return vec->failed ? "no host memory" : NULL;
		value++;
	}
}

static const char *set_ram(struct parser *p, const char *value)
{
	struct range_vec vec = {0};
	const char *why = read_ranges(p, value, true, &vec);

	p->owned->ram = vec.v;
	p->desc->ram = vec.v;
	p->desc->nr_ram = vec.n;
	p->desc->mem = 0;
	return why;
}

static const char *set_reserved(struct parser *p, const char *value)
{
	struct range_vec vec = {0};
	const char *why = read_ranges(p, value, false, &vec);

	p->owned->reserved = vec.v;
	p->desc->reserved = vec.v;
	p->desc->nr_reserved = vec.n;
	p->desc->default_reserved = false;
	return why;
}

static const char *set_mem(struct parser *p, const char *value)
{
	const char *at = value;

	if (!sim_read_size(&at, &p->desc->mem) || *at)
		return "a size is needed: a number, K, M, G or T behind it";
	if (p->desc->mem < 2 * PAGE_SIZE)
		return "a machine needs RAM";
	if (p->desc->mem > 1ull << DESC_MAX_PHYADDR)
		return "more than 52 physical address bits reach";
	return NULL;
}

static int zone_by_name(const char *name, size_t len)
{
	static const char *const zones[KMEM_MAX_NR_ZONES] = {
		[KMEM_ZONE_DMA] = "DMA",	 [KMEM_ZONE_DMA32] = "DMA32",
		[KMEM_ZONE_NORMAL] = "Normal",	 [KMEM_ZONE_HIGHMEM] = "HighMem",
		[KMEM_ZONE_MOVABLE] = "Movable",
	};

	for (int i = 0; i < KMEM_MAX_NR_ZONES; i++) {
		if (strlen(zones[i]) == len && !memcmp(zones[i], name, len))
			return i;
	}
	return -1;
}

/* NODE/ZONE:PRESENT:MANAGED */
static bool read_zone_pages(const char **at, struct machine_zone_pages *z)
{
	uint64_t node;
	size_t len;

	if (!sim_read_number(at, &node) || node >= DESC_MAX_NODES || *(*at)++ != '/')
		return false;
	len = strcspn(*at, ":,");
	z->node = (int)node;
	z->zone = zone_by_name(*at, len);
	*at += len;
	if (z->zone < 0 || *(*at)++ != ':' || !sim_read_number(at, &z->present) || *(*at)++ != ':')
		return false;
	return sim_read_number(at, &z->managed);
}

static const char *set_zone_pages(struct parser *p, const char *value)
{
	unsigned int max = 1;

	for (const char *s = value; *s; s++)
		max += *s == ',';
	p->owned->zone_pages = calloc(max, sizeof(*p->owned->zone_pages));
	if (!p->owned->zone_pages)
		return "no host memory";
	p->desc->zone_pages = p->owned->zone_pages;
	for (p->desc->nr_zone_pages = 0;; value++) {
		const char *start = value;

		if (!read_zone_pages(&value, &p->owned->zone_pages[p->desc->nr_zone_pages]) ||
		    (*value && *value != ',')) {
			snprintf(p->why, sizeof(p->why),
				 "'%.60s': NODE/ZONE:PRESENT:MANAGED is needed, ZONE one of DMA, DMA32, "
				 "Normal, HighMem, Movable", start);
			return p->why;
		}
		p->desc->nr_zone_pages++;
		if (!*value)
			return NULL;
	}
}

static const char *set_nodes(struct parser *p, const char *value)
{
	return set_number(p, value, &p->desc->nodes, 1, DESC_MAX_NODES);
}

static const char *set_cpus(struct parser *p, const char *value)
{
	return set_number(p, value, &p->desc->cpus, 1, DESC_MAX_CPUS);
}

static const char *set_maxphyaddr(struct parser *p, const char *value)
{
	return set_number(p, value, &p->desc->maxphyaddr, DESC_MIN_PHYADDR, DESC_MAX_PHYADDR);
}

/* Rows parted by '/', figures by ','. Whether they fit nodes= is seen when all keys are read. */
static const char *set_distance(struct parser *p, const char *value)
{
	size_t n = 0;
	unsigned int column = 0;

	p->owned->distance = malloc(strlen(value) + 1);
	if (!p->owned->distance)
		return "no host memory";
	p->desc->distance = p->owned->distance;
	for (p->rows = 1;; value++) {
		uint64_t d;

		if (!sim_read_number(&value, &d) || d < 10 || d > 255)
			return "rows of figures from 10 to 255 are needed, as in 10,20/20,10";
		p->owned->distance[n++] = (uint8_t)d;
		column++;
		if (*value == ',')
			continue;
		if (p->rows == 1)
			p->row_len = column;
		if (column != p->row_len || (*value && *value != '/'))
			return "rows of equal length are needed, as in 10,20/20,10";
		if (!*value)
			return NULL;
		p->rows++;
		column = 0;
	}
}

static const char *set_mode(struct parser *p, const char *value)
{
	static const char *const modes[] = {
		[MACHINE_MODE_32] = "32",
		[MACHINE_MODE_PAE] = "pae",
		[MACHINE_MODE_4LEVEL] = "4level",
		[MACHINE_MODE_5LEVEL] = "5level",
	};

	for (unsigned int i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(modes[i], value))
			continue;
		p->desc->mode = (enum machine_mode)i;
		return desc_check_mode(p->desc->mode, NULL) ? not_in_this_version(p) : NULL;
	}
	return "32, pae, 4level or 5level is needed";
}

static const char *set_seed(struct parser *p, const char *value)
{
	return whole_number(value, 0, UINT64_MAX, &p->desc->seed) ? NULL :
								    bad_number(p, 0, UINT64_MAX);
}

static const char *set_cmdline(struct parser *p, const char *value)
{
	p->owned->cmdline = strdup(value);
	p->desc->cmdline = p->owned->cmdline;
	return p->owned->cmdline ? NULL : "no host memory";
}

static const char *set_thp(struct parser *p, const char *value)
{
	return set_bool(value, &p->desc->thp);
}

static const char *set_isolate_metadata(struct parser *p, const char *value)
{
	return set_bool(value, &p->desc->isolate_metadata);
}

static const char *set_backing(struct parser *p, const char *value)
{
	if (strcmp(value, "memfd") && strcmp(value, "private"))
		return "memfd or private is needed";
	p->desc->backing = *value == 'm' ? MACHINE_BACKING_MEMFD : MACHINE_BACKING_PRIVATE;
	return NULL;
}

static const char *set_tlb(struct parser *p, const char *value)
{
	struct tlb_geometry geometry;

	p->owned->tlb = strdup(value);
	p->desc->tlb = p->owned->tlb;
	return p->owned->tlb ? tlb_geometry_parse(&geometry, value) : "no host memory";
}

static const char *set_preset(struct parser *p, const char *value)
{
	return NULL; /* done before all other keys */
}

static const struct {
	const char *name;
	/* NULL, or what is wrong with the value */
	const char *(*set)(struct parser *p, const char *value);
} keys[] = {
	{"preset", set_preset},		{"ram", set_ram},
	{"reserved", set_reserved},	{"mem", set_mem},
	{"zonepages", set_zone_pages},	{"nodes", set_nodes},
	{"cpus", set_cpus},		{"distance", set_distance},
	{"mode", set_mode},		{"seed", set_seed},
	{"cmdline", set_cmdline},	{"thp", set_thp},
	{"backing", set_backing},	{"isolate_metadata", set_isolate_metadata},
	{"maxphyaddr", set_maxphyaddr}, {"tlb", set_tlb},
};

#define NR_KEYS (sizeof(keys) / sizeof(keys[0]))

/* --- the whole ----------------------------------------------------------------------------- */

static int bad_word(struct parser *p, const struct word *w, int code, const char *why)
{
	return sim_error(p->err, code, "%s:%u: %s%s%.80s: %s", p->name, w->line, w->key ? w->key : "",
			 w->key ? "=" : "", w->value, why);
}

static int apply_preset(struct parser *p, const struct word *w)
{
	int ret = preset_apply(p->desc, w ? w->value : "x86_64");

	p->desc->owned = p->owned;
	if (ret == -EOPNOTSUPP)
		return bad_word(p, w, ret, "this preset is not in this version");
	if (ret)
		return bad_word(p, w, -EINVAL,
				w->key ? "unknown preset" : "neither a preset nor key=value");
	return 0;
}

static int find_preset(struct parser *p)
{
	const struct word *preset = NULL;

	for (unsigned int i = 0; i < p->nr_words; i++) {
		const struct word *w = &p->words[i];

		if (w->key && strcmp(w->key, "preset"))
			continue;
		if (preset)
			return bad_word(p, w, -EINVAL, "a second preset");
		preset = w;
	}
	return apply_preset(p, preset);
}

static int apply_word(struct parser *p, const struct word *w, unsigned int *seen)
{
	for (unsigned int i = 0; i < NR_KEYS; i++) {
		const char *why;

		if (strcmp(keys[i].name, w->key))
			continue;
		if (*seen & 1u << i)
			return bad_word(p, w, -EINVAL, "this key stands here twice");
		*seen |= 1u << i;
		why = keys[i].set(p, w->value);
		return why ? bad_word(p, w, p->code, why) : 0;
	}
	return bad_word(p, w, -EINVAL, "unknown key");
}

static const struct word *find_word(const struct parser *p, const char *key)
{
	for (unsigned int i = 0; i < p->nr_words; i++) {
		if (p->words[i].key && !strcmp(p->words[i].key, key))
			return &p->words[i];
	}
	return NULL;
}

/* What only all keys together can say. */
static int check_together(struct parser *p)
{
	const struct word *mem = find_word(p, "mem");
	const struct word *distance = find_word(p, "distance");
	char why[80];

	if (mem && find_word(p, "ram"))
		return bad_word(p, mem, -EINVAL, "ram= and mem= exclude each other");
	if (!distance || (p->rows == p->desc->nodes && p->row_len == p->desc->nodes))
		return 0;
	snprintf(why, sizeof(why), "%u rows of %u for %u nodes", p->rows, p->row_len, p->desc->nodes);
	return bad_word(p, distance, -EINVAL, why);
}

static int parse(struct parser *p, char *text)
{
	unsigned int seen = 0;
	int ret = cut_words(p, text);

	if (!ret)
		ret = find_preset(p);
	for (unsigned int i = 0; !ret && i < p->nr_words; i++) {
		if (p->words[i].key)
			ret = apply_word(p, &p->words[i], &seen);
	}
	return ret ? ret : check_together(p);
}

int machine_desc_parse(struct machine_desc *desc, const char *text, const char *name,
		       struct machine_error *err)
{
	struct parser p = {.desc = desc, .err = err, .name = name ? name : "machine", .code = -EINVAL};
	char *copy = strdup(text);
	int ret = -ENOMEM;

	*desc = (struct machine_desc){0};
	p.owned = calloc(1, sizeof(*p.owned));
	desc->owned = p.owned;
	if (copy && p.owned)
		ret = parse(&p, copy);
	else
		out_of_memory(&p);
	desc->owned = p.owned;
	free(copy);
	free(p.words);
	if (ret)
		machine_desc_free(desc);
	return ret;
}

static int read_file(const char *path, char *text, size_t size, struct machine_error *err)
{
	FILE *f = fopen(path, "re");
	size_t n;
	int error;

	if (!f)
		return sim_error(err, -errno, "%s: %s", path, strerror(errno));
	errno = 0;
	n = fread(text, 1, size, f);
	error = ferror(f) ? (errno ? errno : EIO) : 0;
	fclose(f);
	if (error)
		return sim_error(err, -error, "%s: %s", path, strerror(error));
	if (n == size)
		return sim_error(err, -E2BIG, "%s: longer than a megabyte: no description", path);
	text[n] = '\0';
	if (strlen(text) != n)
		return sim_error(err, -EINVAL, "%s: has a NUL byte: no description", path);
	return 0;
}

int machine_desc_load(struct machine_desc *desc, const char *path, struct machine_error *err)
{
	char *text = malloc(FILE_MAX);
	int ret;

	*desc = (struct machine_desc){0};
	if (!text)
		return sim_error(err, -ENOMEM, "%s: no host memory", path);
	ret = read_file(path, text, FILE_MAX, err);
	if (!ret)
		ret = machine_desc_parse(desc, text, path, err);
	free(text);
	return ret;
}

int machine_desc_init(struct machine_desc *desc, const char *preset, struct machine_error *err)
{
	int ret = preset_apply(desc, preset ? preset : "x86_64");

	if (!ret)
		return 0;
	*desc = (struct machine_desc){0};
	if (ret == -EOPNOTSUPP)
		return sim_error(err, ret, "preset %.60s: not in this version", preset);
	return sim_error(err, -EINVAL, "preset %.60s: unknown", preset);
}

void machine_desc_free(struct machine_desc *desc)
{
	struct desc_owned *owned = desc->owned;

	if (owned) {
		free(owned->ram);
		free(owned->kernel_ram);
		free(owned->real_node);
		free(owned->reserved);
		free(owned->zone_pages);
		free(owned->distance);
		free(owned->cmdline);
		free(owned->tlb);
		free(owned);
	}
	*desc = (struct machine_desc){0};
}
